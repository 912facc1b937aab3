//! How did cases go through their lifecycles, in sum? Violations by kind, and how long cases stayed in each state.

use std::collections::BTreeMap;

use super::tally::Durations;
use crate::lifecycle::Lifecycles;
use crate::lifecycle::course::{Course, Violation};

/// The sums over many courses.
#[derive(Clone, Debug, Default)]
pub struct Conduct {
    /// By lifecycle, in their order.
    pub lifecycles: Vec<Passage>,
    /// Facts that were left out because their subject had too many.
    pub overfull: u64,
}

/// The sums of one lifecycle.
#[derive(Clone, Debug, Default)]
pub struct Passage {
    /// Cases that have begun.
    pub cases: u64,
    /// Of these, at an end.
    pub ended: u64,
    /// Of those, without any violation.
    pub conforming: u64,
    /// How often each violation was seen.
    pub violations: BTreeMap<Violation, u64>,
    /// By state, in their order.
    pub states: Vec<Stage>,
}

/// The sums of one state.
#[derive(Clone, Debug, Default)]
pub struct Stage {
    /// How long cases stayed that have left it.
    pub stayed: Durations,
    /// Cases that are in it.
    pub here: u64,
}

impl Conduct {
    /// Nothing seen yet.
    pub fn new(lifecycles: &Lifecycles) -> Conduct {
        let passage =
            |states: usize| Passage { states: vec![Stage::default(); states], ..Passage::default() };
        let all = lifecycles.iter().map(|lifecycle| passage(lifecycle.states.len()));
        Conduct { lifecycles: all.collect(), overfull: 0 }
    }

    /// Counts a course through the lifecycle with this number.
    pub fn add(&mut self, lifecycles: &Lifecycles, lifecycle: usize, course: &Course) {
        let sums = &mut self.lifecycles[lifecycle];
        let is_ended = course.is_ended(lifecycles.get(lifecycle));
        sums.cases += 1;
        sums.ended += u64::from(is_ended);
        sums.conforming += u64::from(is_ended && course.violations.is_empty());
        for violation in &course.violations {
            *sums.violations.entry(*violation).or_default() += 1;
        }
        for (state, stayed) in &course.stays {
            sums.states[usize::from(*state)].stayed.add(stayed.millis());
        }
        if let Some(state) = course.state {
            sums.states[usize::from(state)].here += 1;
        }
    }

    /// Adds what somebody else counted over the same lifecycles.
    pub fn merge(&mut self, other: Conduct) {
        assert_eq!(self.lifecycles.len(), other.lifecycles.len(), "both were made for the same lifecycles");
        self.overfull += other.overfull;
        for (mine, theirs) in self.lifecycles.iter_mut().zip(other.lifecycles) {
            mine.cases += theirs.cases;
            mine.ended += theirs.ended;
            mine.conforming += theirs.conforming;
            for (violation, n) in theirs.violations {
                *mine.violations.entry(violation).or_default() += n;
            }
            for (mine, theirs) in mine.states.iter_mut().zip(theirs.states) {
                mine.stayed.merge(&theirs.stayed);
                mine.here += theirs.here;
            }
        }
    }
}
