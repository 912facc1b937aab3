//! What do a case's events do to its clocks? The fold, and its one step.
//!
//! Facts at one instant are one step: their attributes count first, then what they do in the order start, resume,
//! extend, reopen, stop, cancel, reset, pause. So a case created paused uses nothing until it is resumed, and one that is
//! resumed and stopped at the same instant was running when it stopped. Three things are otherwise, because an order
//! cannot say them:
//!
//! - A pause that is ended at the instant at which it begins is none: after the step the clock is paused exactly if there
//!   were more pauses than resumes, the one before it included. Logs with whole minutes are full of such.
//! - A reopening that finds nothing to reopen waits for a stop of the same instant.
//! - An event that both stops a clock and starts it, such as the next update of a customer, stops the one and starts
//!   the next.

use smallvec::SmallVec;

use super::clock::{Budget, Clock, Phase, budget};
use super::history::Fact;
use super::policy::{Action, Commitment, Goal, Limit, Policy, Values, overlay};
use super::terms::{Change, Convention, FirstDay, Gives, Mark, Pauses, Reopen};
use crate::time::{Span, Time};

/// The clocks of a case, from nothing. `facts` are in order.
pub fn fold(policy: &Policy, facts: &[Fact<'_>]) -> Vec<Clock> {
    let mut clocks = Vec::new();
    let mut values = Values::new();
    let mut from = 0;
    for group in facts.chunk_by(|one, next| one.time == next.time) {
        group.iter().for_each(|fact| overlay(&mut values, &fact.matched.values));
        step(policy, &mut clocks, &values, from, group);
        from += group.len();
    }
    clocks
}

/// What a fact does, which one by its place in the history, to which commitment. They are applied in this order.
type Deed = (Action, u16, u16);

/// Applies the facts of one instant, which comes after all facts before. `values` are the attributes of the case with
/// those of the group laid over them (not looked at unless [`Policy::needs_values`]); `from` is the place of the
/// group's first fact in the history. Returns the clocks that may have changed, a bit each.
pub fn step(
    policy: &Policy,
    clocks: &mut Vec<Clock>,
    values: &Values,
    from: usize,
    group: &[Fact<'_>],
) -> u64 {
    let Some(first) = group.first() else { return 0 };
    let mut step = Step { policy, clocks, values, from, group, at: first.time, touched: 0 };
    if group.iter().any(|fact| policy.moves_goals(&fact.matched)) {
        step.change_goals();
    }
    let mut deeds = deeds(policy, step.clocks, from, group);
    deeds.sort_unstable();
    step.apply(&deeds);
    step.touched
}

/// What a group asks for, without what is asked of commitments that have no clock to do it to: under a large policy that is
/// most of it.
fn deeds(policy: &Policy, clocks: &[Clock], from: usize, group: &[Fact<'_>]) -> SmallVec<[Deed; 8]> {
    let actions = |fact: &Fact<'_>| policy.actions(fact.matched.kind, fact.matched.conditions);
    let makes_open = |action: Action| matches!(action, Action::Start | Action::Reopen);
    // A bit for each commitment that has an open clock, or may get one now. Some share a bit, and are looked at in vain.
    let bit_of = |commitment: u16| 1u64 << (commitment % 64);
    let open = clocks.iter().filter(|clock| clock.is_open()).map(|clock| clock.commitment);
    let opened = group.iter().flat_map(actions).filter(|(_, action)| makes_open(*action));
    let bits = open.chain(opened.map(|(commitment, _)| commitment)).fold(0, |bits, one| bits | bit_of(one));
    let mut deeds = SmallVec::new();
    for (fact, n) in group.iter().zip(from..) {
        let asked = actions(fact).filter(|(commitment, _)| bits & bit_of(*commitment) != 0);
        deeds.extend(asked.map(|(commitment, action)| (action, n as u16, commitment)));
    }
    deeds
}

/// The bit of the n-th clock; all beyond share the last one.
pub fn bit(n: usize) -> u64 {
    1 << n.min(63)
}

/// One step under way.
struct Step<'s> {
    policy: &'s Policy,
    clocks: &'s mut Vec<Clock>,
    values: &'s Values,
    from: usize,
    group: &'s [Fact<'s>],
    at: Time,
    touched: u64,
}

impl<'s> Step<'s> {
    fn apply(&mut self, deeds: &[Deed]) {
        let starts = deeds.partition_point(|(action, ..)| *action == Action::Start);
        let (starts, others) = deeds.split_at(starts);
        // An event that stops what it starts.
        let is_next = |(_, fact, commitment): &&Deed| {
            let stops =
                |(action, by, of): &Deed| matches!(action, Action::Stop(_)) && (by, of) == (fact, commitment);
            self.policy.commitments[usize::from(*commitment)].repeats && others.iter().any(stops)
        };
        let (next, first): (SmallVec<[&Deed; 4]>, SmallVec<[&Deed; 4]>) = starts.iter().partition(is_next);
        self.start_all(&first);
        // Resumes that found nothing to end, and reopenings that found nothing to reopen: they may be about a pause or a stop
        // of this very instant.
        let mut early: SmallVec<[u16; 4]> = SmallVec::new();
        let mut reopened: SmallVec<[&Deed; 4]> = SmallVec::new();
        for deed in others {
            let (action, fact, commitment) = *deed;
            if action == Action::Reopen {
                reopened.extend((!self.reopen(deed)).then_some(deed));
                continue;
            }
            let Some(n) = self.open(commitment) else { continue };
            self.touched |= bit(n);
            match (action, early.iter().position(|one| *one == commitment)) {
                (Action::Resume, _) if self.clocks[n].phase == Phase::Running => early.push(commitment),
                (Action::Pause, Some(ended)) => drop(early.swap_remove(ended)),
                (Action::Reset, _) => {
                    self.clocks[n].enter(Phase::Cancelled, self.at);
                    self.start(commitment, fact);
                }
                _ => self.act(n, action, fact),
            }
        }
        for deed in reopened {
            self.reopen(deed);
        }
        self.start_all(&next);
    }

    /// The place of the open clock of a commitment.
    fn open(&self, commitment: u16) -> Option<usize> {
        self.clocks.iter().position(|clock| clock.commitment == commitment && clock.is_open())
    }

    fn version(&self, commitment: u16) -> &'s Commitment {
        let policy: &'s Policy = self.policy;
        &policy.commitments[usize::from(commitment)]
    }

    /// Starts the clocks that these deeds start.
    fn start_all(&mut self, starts: &[&Deed]) {
        // Millions of cases have two or three clocks: no room is kept for more.
        let mut started = 0;
        for (_, _, commitment) in starts {
            started += usize::from(self.starts_clock(*commitment));
        }
        self.clocks.reserve_exact(started);
        for (_, fact, commitment) in starts {
            self.hand_over(*commitment);
            if self.starts_clock(*commitment) {
                self.start(*commitment, *fact);
            }
        }
    }

    /// Starts a clock of a commitment, whatever runs already.
    fn start(&mut self, commitment: u16, fact: u16) {
        let mut clock = Clock::start(commitment, fact, self.at);
        if let Some(whose) = self.policy.whose(commitment, self.values) {
            clock.belongs_to(whose);
        }
        if matches!(
            self.version(commitment).convention.change,
            Change::FromChange | Change::FromStartWithoutPauses
        ) {
            clock.judge_by(self.policy.goal_value(commitment, self.values));
        }
        clock.goal = self.first_goal(commitment);
        self.touched |= bit(self.clocks.len());
        self.clocks.push(clock);
    }

    /// Whether a start event starts a clock. A commitment runs once per case, unless it repeats: then it runs once at a
    /// time. A second start event changes nothing.
    fn starts_clock(&self, commitment: u16) -> bool {
        let version = self.version(commitment);
        let in_force = version.effective_from <= self.at && self.at < version.effective_until;
        if !in_force || !self.policy.in_scope(commitment, self.values) {
            return false;
        }
        let is_in_the_way = |clock: &Clock| {
            let ran = self.version(clock.commitment);
            let is_rival = ran.first_of.is_some() && ran.first_of == version.first_of;
            let is_over = !clock.is_open() && (ran.repeats || ran.per.is_some());
            (self.policy.are_versions(clock.commitment, commitment) || is_rival) && !is_over
        };
        !self.clocks.iter().any(is_in_the_way)
    }

    /// Where each has a clock of their own: whoever had the case until now has it no longer.
    fn hand_over(&mut self, commitment: u16) {
        let Some(whose) = self.policy.whose(commitment, self.values) else { return };
        if let Some(n) = self.open(commitment).filter(|n| self.clocks[*n].whose() != whose) {
            self.clocks[n].enter(Phase::Stopped, self.at);
            self.touched |= bit(n);
        }
    }

    /// Reopens the clock of a commitment that was stopped last; whether there was one.
    fn reopen(&mut self, (_, fact, commitment): &Deed) -> bool {
        let last = self.clocks.iter().rposition(|clock| clock.commitment == *commitment);
        let Some(n) = last.filter(|n| self.clocks[*n].phase == Phase::Stopped) else { return false };
        self.touched |= bit(n);
        match self.version(*commitment).convention.reopen {
            Reopen::Ignored => {}
            Reopen::GoesOn => self.clocks[n].reopen(self.at, true),
            Reopen::NeverStopped => self.clocks[n].reopen(self.at, false),
            Reopen::StartsAnew => self.start(*commitment, *fact),
        }
        true
    }

    fn act(&mut self, n: usize, action: Action, fact: u16) {
        let (clock, at) = (&mut self.clocks[n], self.at);
        let version = &self.policy.commitments[usize::from(clock.commitment)];
        match (action, clock.phase) {
            (Action::Resume, Phase::Paused) => clock.enter(Phase::Running, at),
            (Action::Pause, Phase::Running) if pauses(version, at) => clock.pause(at, version.parked_within),
            (Action::Cancel, _) => clock.enter(Phase::Cancelled, at),
            (Action::Stop(part), _) => {
                clock.parts |= 1 << part;
                if clock.parts == self.policy.all_parts(clock.commitment) {
                    clock.enter(Phase::Stopped, at);
                }
            }
            (Action::Extend, _) => self.extend(n, fact),
            (Action::Start | Action::Resume | Action::Reopen | Action::Reset | Action::Pause, _) => {}
        }
    }

    /// More time is given only while there is some left, and as often as the promise allows.
    fn extend(&mut self, n: usize, fact: u16) {
        let clock = &self.clocks[n];
        let version = self.version(clock.commitment);
        let Some(extension) = &version.extension else { return };
        let is_used_up = clock.is_beyond(&version.calendar, Mark::DUE, self.at);
        if is_used_up || extension.most.is_some_and(|most| clock.extended().times >= most) {
            return;
        }
        let said = &self.group[usize::from(fact) - self.from].matched.values;
        let until = self.policy.extends_until(clock.commitment, said);
        if matches!(extension.gives, Gives::Until(_)) && until.is_none_or(|until| until < self.at) {
            return;
        }
        self.clocks[n].extend(until);
        self.clocks[n].goal = match (until, &extension.gives) {
            (Some(until), _) => Some(Budget::At(until)),
            (None, Gives::More(more)) => self.clocks[n].goal.map(|goal| self.longer(n, goal, *more)),
            (None, Gives::Until(_)) => self.clocks[n].goal,
        };
    }

    /// A goal with an extension on top of it: days count on from where the goal ends, each of them, also where the day of
    /// the start is the first.
    fn longer(&self, n: usize, goal: Budget, more: Limit) -> Budget {
        let Clock { commitment, started, .. } = self.clocks[n];
        let Commitment { calendar, convention, .. } = self.version(commitment);
        let convention = Convention { first_day: FirstDay::Next, ..*convention };
        let span = |more: Limit, from: Time| match budget(more, calendar, from, convention) {
            Budget::Open(span) | Budget::Days(span) | Budget::Wall(span) => span,
            Budget::Landed(to) | Budget::At(to) => calendar.elapsed(from, to),
        };
        match goal {
            Budget::Open(whole) => Budget::Open(whole + span(more, started)),
            Budget::Wall(whole) => Budget::Wall(whole + span(more, started)),
            Budget::Days(whole) => {
                let end = calendar.add(started, whole);
                // The day on which the goal ends is the one from whose end days are counted on.
                let within = last_instant(end);
                Budget::Days(whole + span(more, within) - calendar.elapsed(within, end))
            }
            Budget::Landed(at) => match budget(more, calendar, at, convention) {
                Budget::Landed(later) => Budget::Landed(later),
                _ => Budget::Landed(calendar.add(at, span(more, at))),
            },
            Budget::At(at) => Budget::At(match budget(more, calendar, at, convention) {
                Budget::Open(span) | Budget::Wall(span) => at + span,
                Budget::Days(span) => calendar.add(at, span),
                Budget::Landed(later) | Budget::At(later) => later,
            }),
        }
    }

    /// The goal of a clock that starts now.
    fn first_goal(&self, commitment: u16) -> Option<Budget> {
        let Commitment { goal, calendar, convention, .. } = self.version(commitment);
        if let Goal::At { .. } = goal {
            return self.promised(commitment);
        }
        let limit = self.policy.limit(commitment, self.values)?;
        Some(budget(limit, calendar, self.at, *convention))
    }

    fn promised(&self, commitment: u16) -> Option<Budget> {
        let instant = self.policy.goal_value(commitment, self.values)?;
        Some(Budget::At(Time::from_millis(instant as i64)))
    }

    /// The goals follow the case's attributes while the clocks are open. Whoever hands the case over keeps the own goal.
    fn change_goals(&mut self) {
        for n in 0..self.clocks.len() {
            let clock = &self.clocks[n];
            let is_fixed = self.version(clock.commitment).convention.change == Change::Ignored;
            let is_handed_over =
                self.policy.whose(clock.commitment, self.values).is_some_and(|whose| whose != clock.whose());
            if clock.is_open() && !is_fixed && !is_handed_over {
                self.change_goal(n);
                self.touched |= bit(n);
            }
        }
    }

    /// A promised instant can be moved only until it has passed; after that the promise is broken whatever is said.
    fn change_goal(&mut self, n: usize) {
        let clock = &self.clocks[n];
        let commitment = clock.commitment;
        let Commitment { goal, calendar, convention, .. } = self.version(commitment);
        let changed = match (goal, clock.goal) {
            (Goal::At { .. }, Some(Budget::At(promised))) if promised < self.at => return,
            (Goal::At { .. }, before) => self.promised(commitment).or(before),
            (Goal::Limit(_), Some(_)) => return,
            // Whoever gave more time gave it for good.
            _ if clock.extended().times > 0 => return,
            (Goal::Limit(_) | Goal::Table { .. }, _) => {
                let Some(limit) = self.policy.limit(commitment, self.values) else {
                    self.clocks[n].goal = None;
                    return;
                };
                let started = clock.started;
                let value = self.policy.goal_value(commitment, self.values);
                match convention.change {
                    Change::FromStart => Some(budget(limit, calendar, started, *convention)),
                    _ if !self.clocks[n].judge_by(value) => return,
                    Change::FromChange => {
                        let used = self.clocks[n].elapsed(calendar, self.at);
                        Some(budget(limit, calendar, self.at, *convention).less(Span::ZERO - used))
                    }
                    Change::FromStartWithoutPauses | Change::Ignored => {
                        Some(budget(limit, calendar, started, *convention).less(self.paused(n)))
                    }
                }
            }
        };
        self.clocks[n].goal = changed;
    }

    /// The open time in pauses until now.
    fn paused(&self, n: usize) -> Span {
        let clock = &self.clocks[n];
        let calendar = &self.version(clock.commitment).calendar;
        let going_on = (clock.phase == Phase::Paused).then_some(clock.since);
        clock.held(calendar, self.at) + going_on.map_or(Span::ZERO, |since| calendar.elapsed(since, self.at))
    }
}

impl Budget {
    /// The same with so much of the clock's own time used up already, or, if that is less than nothing, given on top.
    fn less(self, used: Span) -> Budget {
        let left = |whole: Span| (whole - used).max(Span::ZERO);
        match self {
            Budget::Open(whole) => Budget::Open(left(whole)),
            Budget::Days(whole) => Budget::Days(left(whole)),
            Budget::Wall(whole) => Budget::Wall(left(whole)),
            Budget::Landed(_) | Budget::At(_) => self,
        }
    }
}

/// Whether a pause that begins now is one.
fn pauses(commitment: &Commitment, at: Time) -> bool {
    let Convention { pauses, .. } = commitment.convention;
    let is_open = || commitment.calendar.elapsed(at, at + Span::from_millis(1)) > Span::ZERO;
    match pauses {
        Pauses::OpenTime | Pauses::WallTime => true,
        Pauses::BegunOpen => is_open(),
        Pauses::Ignored => false,
    }
}

/// The last instant before one.
fn last_instant(at: Time) -> Time {
    at - Span::from_millis(1)
}
