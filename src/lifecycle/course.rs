//! Which way did a case go? From a subject's facts, in order, to its courses.
//!
//! Facts at one instant are taken in an order that is allowed, if there is one: first the earliest by (source, id) that
//! may come where the case is, and where none may, the one whose transition is declared first. Logs with whole minutes
//! are full of such.
//!
//! After a violation the case is where its event says: the world is right, and the lifecycle is not. So each slip is
//! counted once, as the pair of states that should not follow each other, and what comes after is compared with where
//! the case really was. (This is how event logs are checked by their footprint: W. van der Aalst, *Process Mining*, 2nd
//! ed., Springer 2016, section 8.4.)
//!
//! A subject that comes back more than the horizon after all its courses have ended is a new case.

use smallvec::SmallVec;

use super::{Lifecycle, Lifecycles, bit};
use crate::sla::history::Fact;
use crate::sla::policy::{Values, overlay};
use crate::time::{Span, Time};

/// What a case did that its lifecycle does not allow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Violation {
    /// It began with an event that begins nothing.
    NotBegun {
        /// The type of the event.
        kind: u16,
        /// Where it leads.
        to: Option<u8>,
    },
    /// An event that does not belong there.
    Illegal {
        /// Where the case was.
        from: u8,
        /// The type of the event.
        kind: u16,
        /// Where it leads.
        to: Option<u8>,
    },
    /// An event after the end.
    AfterEnd {
        /// The end.
        from: u8,
        /// The type of the event.
        kind: u16,
        /// Where it leads.
        to: Option<u8>,
    },
    /// An end was reached without a step that it needs. Counted once for a case, also when it ends twice.
    Missing {
        /// The step.
        step: u8,
        /// The end at which it was missed first.
        end: u8,
    },
}

/// One case on its way through one lifecycle.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Course {
    /// Where it is; `None`: it has not begun.
    pub state: Option<u8>,
    /// Since when.
    pub since: Time,
    /// What it did that it should not, in order.
    pub violations: Vec<Violation>,
    /// The states it has left, with the time it stayed in each.
    pub stays: Vec<(u8, Span)>,
    /// Where it has been, a bit each.
    visited: u64,
    /// The steps that were missed, a bit each.
    missed: u64,
}

impl Course {
    fn new() -> Course {
        let (violations, stays) = (Vec::new(), Vec::new());
        Course { state: None, since: Time::MIN, violations, stays, visited: 0, missed: 0 }
    }

    /// Whether the case has anything to do with this lifecycle.
    pub fn is_begun(&self) -> bool {
        self.state.is_some() || !self.violations.is_empty()
    }

    /// Whether it is at an end.
    pub fn is_ended(&self, lifecycle: &Lifecycle) -> bool {
        self.state.is_some_and(|state| lifecycle.states[usize::from(state)].end.is_some())
    }

    /// Takes a transition on an event of this type.
    fn take(&mut self, lifecycle: &Lifecycle, transition: u16, kind: u16, at: Time) {
        let transition = &lifecycle.transitions[usize::from(transition)];
        let to = transition.to;
        if !transition.is_legal(self.state) {
            self.violations.push(match self.state {
                None => Violation::NotBegun { kind, to },
                Some(from) if self.is_ended(lifecycle) => Violation::AfterEnd { from, kind, to },
                Some(from) => Violation::Illegal { from, kind, to },
            });
        }
        let Some(to) = to.filter(|to| self.state != Some(*to)) else { return };
        if let Some(from) = self.state.replace(to) {
            self.stays.push((from, at - self.since));
        }
        self.since = at;
        self.visited |= bit(to);
        let needed = lifecycle.states[usize::from(to)].end.unwrap_or(0);
        let missing = needed & !self.visited & !self.missed;
        let steps = (0..lifecycle.states.len() as u8).filter(|step| missing & bit(*step) != 0);
        self.violations.extend(steps.map(|step| Violation::Missing { step, end: to }));
        self.missed |= missing;
    }
}

/// A transition that a fact of an instant may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Move {
    lifecycle: u16,
    /// The fact's place among those of the instant.
    fact: u16,
    transition: u16,
}

/// Walks along the facts of a subject, which are in order, and shows every course that has begun, with the number of its
/// lifecycle. Returns whether one of the last case's is under way.
pub fn walk(
    lifecycles: &Lifecycles,
    horizon: Span,
    facts: &[Fact<'_>],
    visit: &mut dyn FnMut(usize, &Course),
) -> bool {
    let mut case = Case::new(lifecycles);
    let mut last: Option<Time> = None;
    for instant in facts.chunk_by(|one, next| one.time == next.time) {
        let at = instant[0].time;
        if last.is_some_and(|last| at > last + horizon) && !case.is_under_way() {
            case.show(visit);
            case = Case::new(lifecycles);
        }
        case.step(instant);
        last = Some(at);
    }
    case.show(visit);
    case.is_under_way()
}

/// The courses of one case, by lifecycle, and its attributes.
struct Case<'l> {
    lifecycles: &'l Lifecycles,
    courses: Vec<Course>,
    values: Values,
}

impl<'l> Case<'l> {
    fn new(lifecycles: &'l Lifecycles) -> Case<'l> {
        Case { lifecycles, courses: vec![Course::new(); lifecycles.len()], values: Values::new() }
    }

    /// Takes the facts of one instant, which comes after all before.
    fn step(&mut self, instant: &[Fact<'_>]) {
        let mut moves: SmallVec<[Move; 8]> = SmallVec::new();
        for (n, fact) in (0u16..).zip(instant) {
            overlay(&mut self.values, &fact.matched.values);
            let of = |(lifecycle, transition)| Move { lifecycle, fact: n, transition };
            moves.extend(self.lifecycles.moves(&fact.matched).map(of));
        }
        moves.sort_unstable();
        for of_one in moves.chunk_by(|one, next| one.lifecycle == next.lifecycle) {
            let lifecycle = self.lifecycles.get(usize::from(of_one[0].lifecycle));
            let course = &mut self.courses[usize::from(of_one[0].lifecycle)];
            let mut left: SmallVec<[Move; 8]> = of_one.into();
            while let Some(next) = next(lifecycle, course.state, &left) {
                let fact = &instant[usize::from(next.fact)];
                course.take(lifecycle, next.transition, fact.matched.kind, fact.time);
                left.retain(|other| other.fact != next.fact);
            }
        }
    }

    /// The courses that the case should go, as far as it is known.
    fn in_scope(&self) -> impl Iterator<Item = (usize, &Course)> {
        let begun = self.courses.iter().enumerate().filter(|(_, course)| course.is_begun());
        begun.filter(|(n, _)| self.lifecycles.in_scope(*n, &self.values))
    }

    fn is_under_way(&self) -> bool {
        self.in_scope().any(|(n, course)| !course.is_ended(self.lifecycles.get(n)))
    }

    fn show(&self, visit: &mut dyn FnMut(usize, &Course)) {
        self.in_scope().for_each(|(n, course)| visit(n, course));
    }
}

/// Which of the moves of one instant comes next; they are in order.
fn next(lifecycle: &Lifecycle, state: Option<u8>, left: &[Move]) -> Option<Move> {
    let legal = |one: &&Move| lifecycle.transitions[usize::from(one.transition)].is_legal(state);
    let first = left.iter().find(legal);
    first.or_else(|| left.iter().min_by_key(|one| (one.transition, one.fact))).copied()
}
