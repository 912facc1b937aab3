//! How much of a goal is used up, and when? One clock: one commitment running for one subject.
//!
//! Open set `O` = the calendar's open time; `Q` = the pauses; the clock runs in `R = O \ Q`, and
//! `elapsed(t)` = measure of `R` in `[started, t)`. For a share `s` of the goal there are two instants:
//!
//! ```text
//!   reached = inf { t : elapsed(t) ≥ s·goal }     what is shown as "due": a closing instant when used up exactly there
//!   beyond  = sup { t : elapsed(t) ≤ s·goal }     the clock is over the share at t  ⇔  t > beyond
//!
//!   open      ├──────────┤░░░░░░░░░░├──────────┤
//!   elapsed   0 ...... goal          goal ... goal+
//!                 reached ↑          ↑ beyond
//! ```
//!
//! A stop at `beyond` or before keeps the promise. Goals in days and promised instants end at an instant, not after an
//! amount of time: there `beyond = reached`.

use std::sync::Arc;

use super::policy::{Commitment, Limit};
use super::terms::{Boundary, Convention, Extended, FirstDay, Landing, Mark, Pauses};
use crate::calendar::Calendar;
use crate::time::{Span, Time};

/// A commitment running for a subject.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Clock {
    /// The commitment, by its place in the policy.
    pub commitment: u16,
    /// The start event, by its place in the case's history.
    pub start_index: u16,
    /// Which parts of an "all of" stop were met, a bit each.
    pub parts: u8,
    /// What it is doing.
    pub phase: Phase,
    /// When it started.
    pub started: Time,
    /// When the phase began.
    pub since: Time,
    /// How long it may take; `None`: no promise for this case.
    pub goal: Option<Budget>,
    /// What most clocks have nothing of: 8 bytes in each.
    rare: Option<Box<Rare>>,
}

/// What happened to few clocks, or is asked of few.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Rare {
    /// Ended pauses, in order, not touching.
    pauses: Vec<(Time, Time)>,
    /// What extensions gave.
    extended: Extended,
    /// Whose time is counted, where each has a clock of its own.
    whose: u64,
    /// The value that the goal was looked up by, where its change counts from the change.
    judged_by: Option<u64>,
    /// How often it was paused again as soon as it had gone on.
    parked: u16,
}

/// What a clock is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// It runs whenever the calendar is open.
    Running,
    /// It stands still.
    Paused,
    /// It was stopped: the promised thing happened.
    Stopped,
    /// The promise was taken back.
    Cancelled,
}

/// The goal of one clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Budget {
    /// So much of the clock's own time.
    Open(Span),
    /// So much of the clock's own time, and that is up at an instant: a goal in days.
    Days(Span),
    /// So much open time, and up at an instant that pauses push on by their whole length.
    Wall(Span),
    /// Up at this instant and the open time that pauses took behind it: a goal in days, by its time of day.
    Landed(Time),
    /// Up at this instant, pauses or not: a promised instant.
    At(Time),
}

/// When a share of the goal is used up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reach {
    /// The first instant at which it is used up.
    pub reached: Time,
    /// After this instant more than the share is used.
    pub beyond: Time,
}

impl Clock {
    /// A clock that starts running.
    pub fn start(commitment: u16, start_index: u16, started: Time) -> Clock {
        let phase = Phase::Running;
        Clock { commitment, start_index, parts: 0, phase, started, since: started, goal: None, rare: None }
    }

    /// Whether it may still move.
    pub fn is_open(&self) -> bool {
        matches!(self.phase, Phase::Running | Phase::Paused)
    }

    /// When it ended, if it did.
    pub fn ended(&self) -> Option<Time> {
        (!self.is_open()).then_some(self.since)
    }

    /// Goes into another phase at `at`. A pause that lasted is remembered.
    pub fn enter(&mut self, phase: Phase, at: Time) {
        debug_assert!(self.is_open() && at >= self.since, "{self:?} cannot become {phase:?} at {at}");
        if self.phase == Phase::Paused {
            self.remember_pause(self.since, at);
        }
        self.phase = phase;
        self.since = at;
    }

    /// Goes on after it was stopped; `is_pause` says whether the time between is one.
    pub fn reopen(&mut self, at: Time, is_pause: bool) {
        debug_assert!(self.phase == Phase::Stopped && at >= self.since, "{self:?} is reopened at {at}");
        if is_pause {
            self.remember_pause(self.since, at);
        }
        self.parts = 0;
        self.phase = Phase::Running;
        self.since = at;
    }

    fn remember_pause(&mut self, from: Time, to: Time) {
        if from == to {
            return;
        }
        let pauses = &mut self.rare.get_or_insert_default().pauses;
        match pauses.last_mut() {
            Some(last) if last.1 == from => last.1 = to,
            _ => pauses.push((from, to)),
        }
    }

    /// The ended pauses, in order.
    pub fn pauses(&self) -> &[(Time, Time)] {
        self.rare.as_deref().map_or(&[], |rare| &rare.pauses)
    }

    /// How often it was parked: paused again within the commitment's `parked_within` of going on.
    pub fn parked(&self) -> u16 {
        self.rare.as_deref().map_or(0, |rare| rare.parked)
    }

    /// Pauses it at `at`. One that comes within `parked_within` of the end of the pause before is counted as parked.
    pub fn pause(&mut self, at: Time, parked_within: Option<Span>) {
        let resumed = self.pauses().last().map(|(_, resumed)| *resumed);
        if resumed.zip(parked_within).is_some_and(|(resumed, within)| at - resumed <= within) {
            let parked = &mut self.rare.get_or_insert_default().parked;
            *parked = parked.saturating_add(1);
        }
        self.enter(Phase::Paused, at);
    }

    /// What extensions gave it.
    pub fn extended(&self) -> Extended {
        self.rare.as_deref().map(|rare| rare.extended).unwrap_or_default()
    }

    /// It is given more time.
    pub fn extend(&mut self, until: Option<Time>) {
        let extended = &mut self.rare.get_or_insert_default().extended;
        extended.times = extended.times.saturating_add(1);
        extended.until = until.or(extended.until);
    }

    /// Whose time it counts, where each has a clock of its own; 0 where all share one.
    pub fn whose(&self) -> u64 {
        self.rare.as_deref().map_or(0, |rare| rare.whose)
    }

    /// Says whose time it counts.
    pub fn belongs_to(&mut self, whose: u64) {
        self.rare.get_or_insert_default().whose = whose;
    }

    /// Remembers the value that its goal was looked up by; says whether it is another than before.
    pub fn judge_by(&mut self, value: Option<u64>) -> bool {
        let before = &mut self.rare.get_or_insert_default().judged_by;
        std::mem::replace(before, value) != value
    }

    /// Bytes in use on the heap.
    pub fn heap_bytes(&self) -> usize {
        self.rare
            .as_ref()
            .map_or(0, |rare| size_of::<Rare>() + rare.pauses.capacity() * size_of::<(Time, Time)>())
    }

    /// The time used up to `at`, in the clock's own time; after its end, what was used in all.
    pub fn elapsed(&self, calendar: &Calendar, at: Time) -> Span {
        let end = match self.phase {
            Phase::Running => at,
            Phase::Paused | Phase::Stopped | Phase::Cancelled => at.min(self.since),
        };
        calendar.elapsed(self.started, end) - self.held(calendar, end)
    }

    /// The open time that ended pauses took up to `until`.
    pub fn held(&self, calendar: &Calendar, until: Time) -> Span {
        let pauses = self.pauses().iter();
        pauses.fold(Span::ZERO, |sum, (from, to)| sum + calendar.elapsed(*from, (*to).min(until)))
    }

    /// When the clock is (or will be, if it runs on from here) at a mark. `None`: not while it is paused, not within
    /// the calendar, or there is no goal. An ended clock is looked at as if it had run on.
    pub fn reach(&self, calendar: &Calendar, mark: Mark) -> Option<Reach> {
        let at_instant = |at: Time| Reach { reached: at, beyond: at };
        let is_due = mark == Mark::DUE;
        match self.goal? {
            Budget::At(at) if is_due => Some(at_instant(at)),
            Budget::Landed(at) if is_due => self.landed(calendar, at).map(at_instant),
            Budget::At(at) | Budget::Landed(at) => {
                let whole = calendar.elapsed(self.started, at);
                (whole > Span::ZERO).then(|| self.walk(calendar, mark.of(whole)))?
            }
            Budget::Wall(whole) => self.pushed(calendar, mark.of(whole)).map(at_instant),
            Budget::Days(whole) if is_due => {
                self.walk(calendar, whole).map(|reach| at_instant(reach.reached))
            }
            Budget::Open(whole) | Budget::Days(whole) => self.walk(calendar, mark.of(whole)),
        }
    }

    /// An instant, with the open time that pauses took behind it. While a pause goes on that began before it, nobody
    /// knows how long it will be.
    fn landed(&self, calendar: &Calendar, at: Time) -> Option<Time> {
        let is_known = self.phase != Phase::Paused || self.since > at;
        let hold = self.held(calendar, Time::NEVER);
        is_known.then(|| if hold == Span::ZERO { at } else { calendar.add(at, hold) })
    }

    /// When so much open time is over since the start, pushed on by every pause that begins before.
    fn pushed(&self, calendar: &Calendar, target: Span) -> Option<Time> {
        let mut at = calendar.add(self.started, target);
        for (from, to) in self.pauses() {
            if *from < at && at != Time::NEVER {
                at = at + (*to - *from);
            }
        }
        let is_known = self.phase != Phase::Paused || self.since >= at;
        (is_known && at != Time::NEVER).then_some(at)
    }

    /// Walks along the running time until `target` of it is used.
    pub(super) fn walk(&self, calendar: &Calendar, target: Span) -> Option<Reach> {
        let mut left = target;
        let mut from = self.started;
        let mut reached = None;
        let open_pause = (self.phase == Phase::Paused).then_some((self.since, Time::NEVER));
        for (pause, resume) in self.pauses().iter().copied().chain(open_pause) {
            let run = calendar.elapsed(from, pause);
            if reached.is_none() && run >= left {
                reached = Some(calendar.add(from, left));
            }
            if run > left {
                return Some(Reach { reached: reached?, beyond: calendar.add_until_more(from, left) });
            }
            left = left - run;
            from = resume;
        }
        if from == Time::NEVER {
            return reached.map(|reached| Reach { reached, beyond: Time::NEVER });
        }
        let reached = reached.unwrap_or_else(|| calendar.add(from, left));
        let beyond = calendar.add_until_more(from, left);
        (reached != Time::NEVER).then_some(Reach { reached, beyond })
    }

    /// When the goal is used up, as people are told; `None` while it is paused before that, or without a goal.
    pub fn due(&self, commitment: &Commitment) -> Option<Time> {
        let reach = self.reach(&commitment.calendar, Mark::DUE)?;
        match commitment.convention.boundary {
            Boundary::NextOpen if reach.beyond != Time::NEVER => Some(reach.beyond),
            Boundary::NextOpen | Boundary::IntervalEnd => Some(reach.reached),
        }
    }

    /// Whether the clock was past a mark when it ended, or is by `now` if it has not.
    pub fn is_beyond(&self, calendar: &Calendar, mark: Mark, now: Time) -> bool {
        let end = self.ended().unwrap_or(now);
        self.reach(calendar, mark).is_some_and(|reach| end > reach.beyond)
    }

    /// The instant after which an alert for a mark stands; `None` if it never will, as things are.
    ///
    /// `first_seen` is the log time when the case was first heard of: a case that comes in already past due waits for
    /// its other events to come in, too.
    pub fn fires_after(&self, commitment: &Commitment, mark: Mark, first_seen: Time) -> Option<Time> {
        if self.ended().is_some_and(|end| self.is_within(mark, end)) {
            return None;
        }
        let reach = self.reach(&commitment.calendar, mark)?;
        if reach.beyond == Time::NEVER || self.ended().is_some_and(|end| end <= reach.beyond) {
            return None;
        }
        let fires = reach.beyond.max(reach.reached + commitment.grace);
        let settled = if reach.reached < first_seen { first_seen + commitment.settle } else { Time::MIN };
        Some(fires.max(settled))
    }

    /// Whether no calendar can have brought the clock past a mark by `end`: not even all the time there was is more. Most
    /// promises are kept like that, and need no further look.
    fn is_within(&self, mark: Mark, end: Time) -> bool {
        match self.goal {
            Some(Budget::Open(whole) | Budget::Days(whole) | Budget::Wall(whole)) => {
                end - self.started <= mark.of(whole)
            }
            Some(Budget::At(at) | Budget::Landed(at)) => mark == Mark::DUE && end <= at,
            None => true,
        }
    }

    /// How much over the goal an ended clock was, in its own time; `None` if it was not, or has not ended.
    pub fn late(&self, calendar: &Calendar) -> Option<Span> {
        let end = self.ended()?;
        let reach = self.reach(calendar, Mark::DUE).filter(|reach| end > reach.beyond)?;
        Some(match self.goal? {
            Budget::At(at) => end - at,
            Budget::Open(_) | Budget::Days(_) | Budget::Wall(_) | Budget::Landed(_) => {
                let over = self.elapsed(calendar, end) - self.elapsed(calendar, reach.reached);
                // Over the week-end after a deadline in working days no working time passes: say how long it was.
                if over == Span::ZERO { end - reach.reached } else { over }
            }
        })
    }
}

/// The goal of a clock that started at `started`, for a limit in a calendar.
pub fn budget(limit: Limit, calendar: &Arc<Calendar>, started: Time, convention: Convention) -> Budget {
    let days = |end: Time| Budget::Days(calendar.elapsed(started, end));
    let is_counted = convention.first_day == FirstDay::Counted;
    match limit {
        Limit::Duration(span) if convention.pauses == Pauses::WallTime => Budget::Wall(span),
        Limit::Duration(span) => Budget::Open(span),
        Limit::WorkingDays(n) if convention.last_day == Landing::Midnight => {
            days(calendar.end_of_working_day(started, n, is_counted))
        }
        Limit::WorkingDays(n) => {
            // A day on which nobody works is the first of none.
            let n = i64::from(n) - i64::from(is_counted && calendar.works_on(started));
            let day = calendar.add_working_days(started, n).unwrap_or(Time::NEVER);
            match convention.last_day {
                _ if day == Time::NEVER => Budget::At(day),
                Landing::NextOpen => Budget::Landed(calendar.add_until_more(day, Span::ZERO)),
                Landing::Closing => Budget::Landed(calendar.closing(day)),
                Landing::SameTime | Landing::Midnight => Budget::Landed(day),
            }
        }
        Limit::CalendarDays(n) => days(calendar.end_of_day(started, n.saturating_sub(u32::from(is_counted)))),
    }
}
