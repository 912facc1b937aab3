//! What do we know of this ticket or call? One case: its events and its clocks, and the alerts that stand for it.

use std::sync::Arc;

use smallvec::SmallVec;

use crate::alert::{About, Alert, AlertId, Change, Promise, StartEvent, Status};
use crate::sla::clock::Clock;
use crate::sla::explain::{Explanation, explain};
use crate::sla::fold;
use crate::sla::history::{Fact, History};
use crate::sla::outcome::{Outcome, Verdict, outcome, verdict};
use crate::sla::policy::{Commitment, Policy, Values, overlay};
use crate::sla::terms::Mark;
use crate::time::Time;
use crate::window::Cell;

use super::Rules;
use super::panes::Panes;

/// A ticket or call with everything that was said about it.
#[derive(Clone, Debug)]
pub struct Case {
    /// The ticket or call.
    pub subject: Box<str>,
    /// The log time when it was first heard of.
    pub first_seen: Time,
    /// Its events.
    pub history: History,
    clocks: Vec<Clock>,
    /// Whether a newer case of the same subject has begun.
    pub retired: bool,
}

impl Case {
    /// A case without events.
    pub fn new(subject: &str, first_seen: Time) -> Case {
        let (history, clocks) = (History::default(), Vec::new());
        Case { subject: subject.into(), first_seen, history, clocks, retired: false }
    }

    /// A case from its stored events.
    pub fn restore(policy: &Policy, subject: &str, first_seen: Time, history: History) -> Case {
        let mut case = Case { history, ..Case::new(subject, first_seen) };
        case.fold(policy);
        case
    }

    /// Takes an event, and returns the clocks that may have changed, a bit each. One later than all others is one more
    /// step; any other makes the case fold its history again.
    pub fn add(&mut self, policy: &Policy, fact: &Fact<'_>) -> u64 {
        if self.history.last().is_some_and(|last| fact.time <= last) {
            self.history.insert(fact);
            self.fold(policy);
            return u64::MAX;
        }
        let from = self.history.len();
        self.history.push(fact);
        let values = if policy.needs_values(&fact.matched) { self.values() } else { Values::new() };
        fold::step(policy, &mut self.clocks, &values, from, std::slice::from_ref(fact))
    }

    fn fold(&mut self, policy: &Policy) {
        let facts: Vec<Fact<'_>> = self.history.facts().collect();
        self.clocks = fold::fold(policy, &facts);
    }

    /// The attributes of the case, the latest value of each.
    pub fn values(&self) -> Values {
        let mut values = Values::new();
        self.history.facts().for_each(|fact| overlay(&mut values, &fact.matched.values));
        values
    }

    /// A look at all that lies apart: its subject, its events, its clocks.
    pub fn touch(&self) -> usize {
        let first = |bytes: &[u8]| bytes.first().copied().map_or(0, usize::from);
        first(self.subject.as_bytes())
            + first(self.history.bytes())
            + self.clocks.first().map_or(0, |clock| usize::from(clock.parts))
    }

    /// The time of its latest event.
    pub fn last(&self) -> Time {
        self.history.last().unwrap_or(self.first_seen)
    }

    /// Its clocks.
    pub fn clocks(&self) -> &[Clock] {
        &self.clocks
    }

    /// Whether anything may still be broken or kept.
    pub fn has_open_clock(&self) -> bool {
        self.clocks.iter().any(Clock::is_open)
    }

    /// The clocks that were kept and that objectives count: what the objective is kept under, and when the clock stopped. It
    /// does not depend on the time.
    pub fn kept_for_objectives(&self, policy: &Policy) -> SmallVec<[(u64, Time); 2]> {
        let mut kept = SmallVec::new();
        for clock in &self.clocks {
            let objectives = policy.objectives_of(clock.commitment);
            let Some(stopped) = clock.ended().filter(|_| !objectives.is_empty() && clock.goal.is_some())
            else {
                continue;
            };
            if verdict(policy, clock, stopped) == Verdict::Kept {
                kept.extend(objectives.iter().map(|objective| (*objective, stopped)));
            }
        }
        kept
    }

    /// The instants after which alerts stand for some of the clocks, as things are.
    pub fn fires(&self, policy: &Policy, touched: u64) -> impl Iterator<Item = Time> {
        let some = self.clocks.iter().enumerate().filter(move |(n, _)| touched & fold::bit(*n) != 0);
        some.flat_map(move |(_, one)| {
            let commitment = &policy.commitments[usize::from(one.commitment)];
            marks(commitment).filter_map(move |mark| one.fires_after(commitment, mark, self.first_seen))
        })
    }

    /// The next instant, `clock` or later, after which something about the case changes by itself.
    pub fn next_after(&self, policy: &Policy, clock: Time) -> Option<Time> {
        self.fires(policy, u64::MAX).filter(|instant| *instant >= clock).min()
    }

    /// The alerts that stand for this case when the clock shows `clock`, by identity.
    pub fn standing<R: Rules>(&self, policy: &Policy, clock: Time, panes: &Panes) -> Vec<Alert> {
        let mut standing = Vec::new();
        let mut cell = None;
        for one in &self.clocks {
            let commitment = &policy.commitments[usize::from(one.commitment)];
            let stands = |mark: Mark| {
                one.fires_after(commitment, mark, self.first_seen).is_some_and(|at| R::has_passed(clock, at))
            };
            let broken = stands(Mark::DUE);
            for mark in marks(commitment).filter(|mark| stands(*mark)) {
                let cell = cell.get_or_insert_with(|| panes.cell_of(policy, &self.values()));
                standing.push(self.alert(one, commitment, mark, broken, cell.clone()));
            }
        }
        standing.sort_unstable_by_key(|alert| alert.id);
        standing
    }

    fn alert(&self, clock: &Clock, commitment: &Commitment, mark: Mark, broken: bool, cell: Cell) -> Alert {
        let start = self.history.names().nth(usize::from(clock.start_index));
        let (source, id) = start.expect("a clock's start event is in its history");
        let is_breach = mark == Mark::DUE;
        // What is told before a promise is broken is over when it is.
        let over = !clock.is_open() || (broken && !is_breach && !mark.is_past_due());
        let (threshold, offset_seconds) = match mark {
            Mark::Share(share) => (share, None),
            Mark::Offset(by) => (1.0, Some(by.seconds())),
        };
        let promise = Promise {
            commitment: commitment.name.clone(),
            title: commitment.title.clone(),
            subject: Arc::from(&*self.subject),
            start_event: StartEvent { source: source.into(), id: id.into() },
            threshold,
            offset_seconds,
            severity: commitment.severity,
            owner: commitment.owner.clone(),
            started: clock.started,
            due: clock.due(commitment),
            stopped: clock.ended(),
            late_seconds: clock.late(&commitment.calendar).map(|late| late.seconds()),
            cell,
        };
        Alert {
            id: promise_id(&promise),
            status: if over { Status::Resolved } else { Status::Open },
            about: if is_breach { About::Breach(promise.into()) } else { About::Warning(promise.into()) },
        }
    }

    /// The verdicts on its clocks, as of `now`.
    pub fn outcomes(&self, policy: &Policy, now: Time) -> Vec<Outcome> {
        if self.clocks.is_empty() {
            return Vec::new();
        }
        let ids: Vec<&str> = self.history.names().map(|(_, id)| id).collect();
        let subject: Arc<str> = Arc::from(&*self.subject);
        let lines = self
            .clocks
            .iter()
            .map(|clock| outcome(policy, clock, &subject, ids[usize::from(clock.start_index)], now));
        lines.flatten().collect()
    }

    /// How its clocks come to their verdicts as of `now`.
    pub fn explain(&self, policy: &Policy, now: Time) -> Explanation {
        let facts: Vec<Fact<'_>> = self.history.facts().collect();
        explain(policy, &self.subject, &facts, &self.clocks, now)
    }

    /// Bytes in use on the heap.
    pub fn heap_bytes(&self) -> usize {
        let clocks = self.clocks.capacity() * size_of::<Clock>();
        let pauses: usize = self.clocks.iter().map(Clock::heap_bytes).sum();
        self.subject.len() + self.history.heap_bytes() + clocks + pauses
    }
}

/// The marks on a clock's way that alerts are made for.
fn marks(commitment: &Commitment) -> impl Iterator<Item = Mark> {
    commitment.warnings.iter().copied().chain([Mark::DUE])
}

/// What makes an alert on a promise this one and no other.
fn promise_id(promise: &Promise) -> AlertId {
    let threshold = promise.threshold.to_bits().to_le_bytes();
    let offset = promise.offset_seconds.map(|offset| offset.to_bits().to_le_bytes());
    let what = [
        b"promise",
        promise.commitment.as_bytes(),
        promise.subject.as_bytes(),
        promise.start_event.source.as_bytes(),
        promise.start_event.id.as_bytes(),
        &threshold,
    ];
    let parts: SmallVec<[&[u8]; 7]> =
        what.into_iter().chain(offset.as_ref().map(|offset| &offset[..])).collect();
    AlertId::of(&parts)
}

/// The order in which changes at one instant are said.
pub fn order(change: &Change) -> impl Ord + use<> {
    let key = match &change.alert.about {
        About::Warning(promise) | About::Breach(promise) => Some((
            promise.due,
            promise.subject.clone(),
            promise.commitment.clone(),
            promise.threshold.to_bits(),
            promise.offset_seconds.map(f64::to_bits),
        )),
        About::Signal(_) | About::Crisis(_) | About::Objective(_) => None,
    };
    (key, change.alert.id)
}
