//! What follows from this input? The pure machine behind one log: records and clock steps in, alerts and partials out.
//!
//! ```text
//!   record ─ admit ─► once ─► panes ─► case: history → fold → clocks ─► timer
//!   clock  ─────────────────────────────────────────────── due cases ◄──┘
//!   cut    = what stands − what was said, and the panes that changed
//! ```
//!
//! Ground rules. The state is a function of (the records below `next_offset`, the clock, the policy), whatever values
//! the clock took in between: everything that asks "is this too late, too far ahead, a duplicate, a new case?" is
//! answered by the log time, which only records move. The clock decides one thing: which instants have passed.
//! What was said changes only in [`Shard::acknowledge`], so an abort, a doubt and a restart all compute the same
//! difference again.

use std::collections::BTreeSet;
use std::marker::PhantomData;
use std::sync::Arc;

use crate::alert::{self, About, Action, Alert, Alerts, Change};
use crate::event::{Event, Reason, vocabulary};
use crate::sla::explain::Explanation;
use crate::sla::history::{FACTS_MAX, Fact};
use crate::sla::outcome::Outcome;
use crate::sla::policy::{Matched, Policy};
use crate::time::{Span, Time};
use crate::wheel::Wheel;
use crate::window::{Partial, Stamp};

mod case;
mod cases;
mod panes;
mod recent;
mod said;
pub mod survey;
pub mod snapshot;
pub mod state;

#[cfg(test)]
mod tests;

use case::Case;
use cases::Cases;
use panes::{Adjustment, Panes};
use recent::Recent;
use said::Said;

/// How a shard reads its log.
#[derive(Clone, Debug, PartialEq)]
pub struct Options {
    /// How late an event may come, behind the log time, and still be applied. Default 7 days.
    pub horizon: Span,
    /// For how long, in log time, the (`source`, `id`) of an event that no clock keeps is remembered. Default 1 day.
    /// Events that clocks keep are known for as long as their case is.
    pub dedup_window: Span,
    /// How far an event's time may lie after the time its record was appended. Default 5 minutes.
    pub max_skew: Span,
    /// The width of a pane. Default 5 minutes.
    pub pane: Span,
    /// How many values of one dimension are told apart; the rest are `other`. Default 1,000.
    pub values_per_dimension_max: u16,
    /// Whether the clock is the log time, so that `clock.advance` events are accepted: replay and tests.
    pub log_clock: bool,
    /// Whether ended cases stay in memory for ever, so that they can be explained. Default no.
    pub keep_ended: bool,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            horizon: Span::from_days(7),
            dedup_window: Span::from_days(1),
            max_skew: Span::from_minutes(5),
            pane: Span::from_minutes(5),
            values_per_dimension_max: 1_000,
            log_clock: false,
            keep_ended: false,
        }
    }
}

/// What became of a record that was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Read {
    /// A clock or a count took note of it.
    Applied,
    /// It was delivered before.
    Duplicate,
    /// It says nothing to any clock or count.
    Idle,
}

/// What must be written together: a cut of the state.
#[derive(Clone, Debug)]
pub struct Cut {
    /// As of when.
    pub stamp: Stamp,
    /// The changes that make what was said equal to what stands, in the order (due, subject, commitment, threshold).
    pub changes: Vec<Change>,
    /// The panes that changed.
    pub partial: Option<Partial>,
    /// For each change, the case it belongs to.
    cases: Vec<u32>,
    /// Where breaches are counted from now on.
    breaches: Vec<Adjustment>,
    /// Whether the panes that changed are written with it.
    ships: bool,
}

/// The two decisions on which everything rests, as a parameter: tests get them wrong on purpose, and must notice.
pub trait Rules {
    /// Whether the clock has passed an instant. Strictly: a stop exactly at the instant still counts.
    fn has_passed(clock: Time, instant: Time) -> bool {
        clock > instant
    }

    /// The time behind which an event is late. The log's, never the clock's: the clock depends on when we looked.
    fn lateness(log_time: Time, _clock: Time) -> Time {
        log_time
    }
}

/// The rules as they are.
#[derive(Clone, Copy, Debug)]
pub struct Standard;

impl Rules for Standard {}

/// The state of one log.
pub struct Shard<R: Rules = Standard> {
    rules: PhantomData<R>,
    policy: Arc<Policy>,
    options: Options,
    log: u32,
    next_offset: u64,
    log_time: Time,
    clock: Time,
    cases: Cases,
    wheel: Wheel,
    said: Said,
    dirty: Vec<u32>,
    /// Ended cases that the clock has left behind and the log has not: by the log time at which they may go.
    outlived: BTreeSet<(Time, u32)>,
    ending: Vec<u32>,
    ended: Vec<Outcome>,
    recent: Recent,
    panes: Panes,
    fired: Vec<(Time, u32)>,
}

impl<R: Rules> Shard<R> {
    /// An empty shard for a log.
    pub fn new(policy: Arc<Policy>, options: Options, log: u32) -> Shard<R> {
        Shard {
            rules: PhantomData,
            cases: Cases::new(),
            wheel: Wheel::new(Time::MIN),
            said: Said::default(),
            dirty: Vec::new(),
            outlived: BTreeSet::new(),
            ending: Vec::new(),
            ended: Vec::new(),
            recent: Recent::new(options.dedup_window),
            panes: Panes::new(options.pane, options.values_per_dimension_max),
            fired: Vec::new(),
            next_offset: 0,
            log_time: Time::MIN,
            clock: Time::MIN,
            policy,
            options,
            log,
        }
    }

    /// Whether a record may be read, by the log's own time alone.
    pub fn admit(&self, appended: Time, event: &Event<'_>) -> Result<(), Reason> {
        let bound = appended + self.options.max_skew;
        if event.time > bound {
            return Err(Reason::Future { time: event.time, bound });
        }
        let bound = R::lateness(self.log_time, self.clock) - self.options.horizon;
        if event.time < bound {
            return Err(Reason::TooLate { time: event.time, bound });
        }
        if event.kind == vocabulary::CLOCK_ADVANCE && !self.options.log_clock {
            return Err(Reason::ClockAdvance);
        }
        Ok(())
    }

    /// Reads a record. One that is refused counts as read all the same: its offset still advances.
    pub fn read(&mut self, offset: u64, appended: Time, event: &Event<'_>) -> Result<Read, Reason> {
        self.skip(offset);
        self.admit(appended, event)?;
        if event.kind == vocabulary::CLOCK_ADVANCE {
            self.pass(event.time);
            return Ok(Read::Applied);
        }
        let matched = self.policy.matched(event, &mut |at, text| u64::from(self.panes.number(at, text)));
        let index = matched.as_ref().map(|_| self.case_for(event));
        let known = match index {
            Some(index) => self.cases.get(index).history.contains(&event.source, &event.id),
            // As of the log time with this event in it: after a quiet night it would be forgotten at once otherwise.
            None => !self.recent.insert(&event.source, &event.id, self.log_time.max(event.time)),
        };
        if known {
            return Ok(Read::Duplicate);
        }
        let cell = matched.as_ref().map(|matched| panes::key_of(&self.policy, &matched.values));
        if let (Some(index), Some(matched)) = (index, matched) {
            self.apply(index, event, matched)?;
        }
        let counted = self.panes.count(&self.policy, event, cell);
        self.pass(event.time);
        Ok(if index.is_some() || counted { Read::Applied } else { Read::Idle })
    }

    /// Looks at what is known of some subjects whose events are about to be read, and forgets it again: what has to come from
    /// memory comes for all of them at once, not for one after the other. Returns something that depends on all of it.
    pub fn warm<'s>(&self, subjects: impl Iterator<Item = &'s [u8]>) -> usize {
        subjects.map(|subject| self.cases.touch(subject)).sum()
    }

    /// Passes over a record that cannot be used.
    pub fn skip(&mut self, offset: u64) {
        assert!(offset >= self.next_offset, "log {}: offset {offset} after {}", self.log, self.next_offset);
        self.next_offset = offset + 1;
    }

    /// Everything below an offset has been read: what lies between the last record and the end of a log, such as
    /// markers of transactions, is no record.
    pub fn reach(&mut self, next_offset: u64) {
        self.next_offset = self.next_offset.max(next_offset);
    }

    /// The log time when the current case of a subject was first heard of; `None`: it has none.
    pub fn first_seen(&self, subject: &str) -> Option<Time> {
        self.cases.find(subject).map(|index| self.cases.get(index).first_seen)
    }

    /// How many cases may have something to say.
    pub fn dirty_cases(&self) -> usize {
        self.dirty.len()
    }

    /// The case an event belongs to. A subject that comes back when its old case has ended and lies behind the
    /// horizon is a new case; the log time decides that, so it does not matter when the old one left the memory.
    fn case_for(&mut self, event: &Event<'_>) -> u32 {
        let first_seen = self.log_time.max(event.time);
        let Some(index) = self.cases.find(&event.subject) else {
            return self.cases.add(Case::new(&event.subject, first_seen));
        };
        let old = self.cases.get(index);
        if old.has_open_clock() || self.log_time <= old.last() + self.options.horizon {
            return index;
        }
        self.cases.retire(index);
        self.cases.add(Case::new(&event.subject, first_seen))
    }

    fn apply(&mut self, index: u32, event: &Event<'_>, matched: Matched) -> Result<(), Reason> {
        if self.cases.get(index).history.len() >= FACTS_MAX {
            return Err(Reason::CaseFull(FACTS_MAX));
        }
        let fact = Fact { time: event.time, source: &event.source, id: &event.id, matched };
        let kept = |case: &Case| case.kept_for_objectives(&self.policy);
        let (touched, before, after) = self.cases.change(index, |case| {
            let before = kept(case);
            (case.add(&self.policy, &fact), before, kept(case))
        });
        if before != after {
            let counted = before.iter().map(|one| (one, -1)).chain(after.iter().map(|one| (one, 1)));
            counted.for_each(|((objective, at), by)| self.panes.judge_kept(*objective, *at, by));
        }
        self.attend(index, touched);
        Ok(())
    }

    /// Sees to a case some of whose clocks may have changed: its timer, and whether there may be something to say.
    /// Clocks that did not change are waited for already; a timer that comes too early is armed anew when it fires.
    fn attend(&mut self, index: u32, touched: u64) {
        let case = self.cases.get(index);
        let mut next = Time::NEVER;
        let mut stands = !self.said.of(index).is_empty();
        for instant in case.fires(&self.policy, touched) {
            if R::has_passed(self.clock, instant) {
                stands = true;
            } else {
                next = next.min(instant);
            }
        }
        let open = case.has_open_clock();
        if next < self.cases.watch(index).armed {
            self.cases.watch_mut(index).armed = next;
            self.wheel.arm(next, index);
        } else if !open {
            self.arm(index);
        }
        if stands {
            self.mark(index);
        }
    }

    /// Moves the log time.
    fn pass(&mut self, time: Time) {
        if time <= self.log_time {
            return;
        }
        self.log_time = time;
        self.recent.forget_before(time);
        self.panes.leave_behind(time - self.options.horizon);
        while let Some((due, index)) = self.outlived.first().copied().filter(|(due, _)| *due < time) {
            self.outlived.remove(&(due, index));
            self.ending.push(index);
        }
    }

    /// The next instant at which something may change, if the clock moved to `to`: the clock that shows it.
    pub fn next_step(&mut self, to: Time) -> Option<Time> {
        self.wheel.next_before(to).map(|deadline| (deadline + Span::from_millis(1)).max(self.clock))
    }

    /// Moves the clock. It never goes back.
    pub fn advance(&mut self, to: Time) {
        if to <= self.clock {
            return;
        }
        self.clock = to;
        let mut fired = std::mem::take(&mut self.fired);
        self.wheel.advance(to, &mut fired);
        for (deadline, index) in fired.drain(..) {
            if self.cases.armed(index) == Some(deadline) {
                self.cases.watch_mut(index).armed = Time::NEVER;
                self.mark(index);
                self.arm(index);
            }
        }
        self.fired = fired;
    }

    /// Sets the timer of a case to the next instant at which anything about it may change.
    fn arm(&mut self, index: u32) {
        let case = self.cases.get(index);
        let leaves = case.last() + self.options.horizon;
        let next = match case.next_after(&self.policy, self.clock) {
            Some(next) => next,
            None if case.has_open_clock() => return,
            None if leaves >= self.clock => leaves,
            None => {
                self.outlive(leaves, index);
                return;
            }
        };
        if next < self.cases.watch(index).armed {
            self.cases.watch_mut(index).armed = next;
            self.wheel.arm(next, index);
        }
    }

    /// The clock has left an ended case behind; it goes when the log time has, too.
    fn outlive(&mut self, leaves: Time, index: u32) {
        if leaves < self.log_time {
            self.ending.push(index);
        } else {
            self.outlived.insert((leaves, index));
        }
    }

    fn mark(&mut self, index: u32) {
        let watch = self.cases.watch_mut(index);
        if !watch.dirty {
            watch.dirty = true;
            self.dirty.push(index);
        }
    }

    /// Whether a cut might have something to say.
    pub fn is_dirty(&self) -> bool {
        !self.dirty.is_empty()
    }

    /// What must be said now. Nothing changes until it is [acknowledged](Shard::acknowledge).
    ///
    /// A cut has a partial even if none was asked for when it counts breaches anew (whoever takes the log over counts the
    /// breaches that stand then, and would know nothing of a pane that they have left since), and when a pane that the
    /// log has left behind was never shipped (it is forgotten with the cut that ships it).
    pub fn cut(&self, with_partial: bool) -> Cut {
        let mut breaches = Vec::new();
        let mut found: Vec<(u32, Change)> = Vec::new();
        for index in &self.dirty {
            let standing = self.cases.get(*index).standing::<R>(&self.policy, self.clock, &self.panes);
            let said = self.said.of(*index);
            for change in alert::difference(said, &standing) {
                self.recount(said, &change, &mut breaches);
                found.push((*index, change));
            }
        }
        found.sort_by_cached_key(|(_, change)| case::order(change));
        let (cases, changes): (Vec<u32>, Vec<Change>) = found.into_iter().unzip();
        let stamp = self.stamp();
        let ships = with_partial || !breaches.is_empty() || self.panes.must_ship();
        let partial = ships.then(|| Partial {
            log: self.log,
            stamp,
            more: false,
            panes: self.panes.changed(&breaches),
            judged: self.panes.judged_changed(&breaches),
        });
        Cut { stamp, changes, partial, cases, breaches, ships }
    }

    /// A breach is counted in the pane of its due instant; one that moves or is taken back leaves the pane it was in.
    fn recount(&self, said: &[Alert], change: &Change, breaches: &mut Vec<Adjustment>) {
        let before = said.iter().find(|alert| alert.id == change.alert.id);
        let before = before.and_then(|alert| self.counted(alert, -1));
        let after = Some(&change.alert).filter(|_| change.action != Action::Retracted);
        let after = after.and_then(|alert| self.counted(alert, 1));
        let place = |counted: &Option<Adjustment>| counted.as_ref().map(|one| (one.pane, one.key));
        if place(&before) != place(&after) {
            breaches.extend(before.into_iter().chain(after));
        }
    }

    /// Where an alert is counted, if it is one that is counted and its pane is not forgotten.
    fn counted(&self, alert: &Alert, by: i64) -> Option<Adjustment> {
        match &alert.about {
            About::Breach(promise) => {
                let (pane, key) = self.panes.place(promise.due?, &promise.cell)?;
                let objectives = self.policy.objectives_named(&promise.commitment).into();
                Some(Adjustment { pane, key, objectives, by })
            }
            _ => None,
        }
    }

    /// A cut was written for good: what was said is now what stands, and ended cases may leave.
    pub fn acknowledge(&mut self, cut: &Cut) {
        assert_eq!(
            cut.stamp,
            self.stamp(),
            "log {}: the state moved between a cut and its acknowledgement",
            self.log
        );
        for (index, change) in cut.cases.iter().zip(&cut.changes) {
            self.said.say(*index, change);
        }
        self.panes.settle(&cut.breaches, cut.ships);
        for index in self.dirty.drain(..) {
            self.cases.watch_mut(index).dirty = false;
        }
        self.forget_ended();
    }

    fn forget_ended(&mut self) {
        let mut ending = std::mem::take(&mut self.ending);
        ending.sort_unstable();
        ending.dedup();
        for index in ending {
            if self.cases.armed(index).is_none() || self.options.keep_ended {
                continue;
            }
            if !self.may_leave(index) {
                // It heard of something while it was leaving: its timer decides anew.
                self.cases.watch_mut(index).armed = Time::NEVER;
                self.arm(index);
                continue;
            }
            let case = self.cases.get(index);
            self.ended.extend(case.outcomes(&self.policy, self.clock));
            self.said.forget(index);
            self.cases.remove(index);
        }
        self.cases.sweep();
    }

    /// Whether nothing about a case can change any more, not even by a late event.
    fn may_leave(&self, index: u32) -> bool {
        let Some(case) = self.cases.slot(index).filter(|_| !self.options.keep_ended) else { return false };
        let leaves = case.last() + self.options.horizon;
        let is_over = !case.has_open_clock() && leaves < self.log_time && leaves < self.clock;
        is_over && case.next_after(&self.policy, self.clock).is_none()
    }

    /// The outcomes of the cases that have left the memory since this was last asked.
    pub fn take_ended(&mut self) -> Vec<Outcome> {
        std::mem::take(&mut self.ended)
    }

    /// The outcomes of all cases in memory, as of the clock, by subject.
    pub fn outcomes(&self) -> impl Iterator<Item = Outcome> {
        self.cases.iter().flat_map(|case| case.outcomes(&self.policy, self.clock))
    }

    /// How the clocks of a subject come to their verdicts, one explanation for each of its cases in memory.
    pub fn explain(&self, subject: &str) -> Vec<Explanation> {
        self.explain_those(|known| known == subject).collect()
    }

    /// The same for all subjects that are wanted.
    pub fn explain_those(&self, wanted: impl Fn(&str) -> bool) -> impl Iterator<Item = Explanation> {
        let cases = self.cases.iter().filter(move |case| wanted(&case.subject));
        cases.map(|case| case.explain(&self.policy, self.clock))
    }

    /// As of when.
    pub fn stamp(&self) -> Stamp {
        Stamp { next_offset: self.next_offset, clock: self.clock }
    }

    /// The log it reads.
    pub fn log(&self) -> u32 {
        self.log
    }

    /// The log time.
    pub fn log_time(&self) -> Time {
        self.log_time
    }

    /// The policy that judges.
    pub fn policy(&self) -> &Arc<Policy> {
        &self.policy
    }

    /// How many cases are in memory.
    pub fn cases(&self) -> usize {
        self.cases.len()
    }

    /// Bytes that cases take, with their timers, what was said of them and what is remembered of other events; with what a
    /// snapshot that is still being written holds on to.
    pub fn memory_bytes(&self) -> usize {
        let (cases, timers) = (self.cases.memory_bytes(), self.wheel.memory_bytes());
        cases + timers + self.said.memory_bytes() + self.recent.memory_bytes()
    }

    /// What was said and stands, over all cases.
    pub fn said(&self) -> Alerts {
        self.said.iter().map(|alert| (alert.id, alert.clone())).collect()
    }

    /// What stands, computed anew for every case: what [`Shard::said`] must equal after a cut.
    pub fn standing(&self) -> Alerts {
        let indices = self.cases.indices();
        let alerts = indices
            .flat_map(|index| self.cases.get(index).standing::<R>(&self.policy, self.clock, &self.panes));
        alerts.map(|alert| (alert.id, alert)).collect()
    }
}
