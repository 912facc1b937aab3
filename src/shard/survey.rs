//! How many clocks are where, and which are due soonest? A walk over the cases, a stretch at a time.
//!
//! Nothing is counted while events are read: whoever wants to know walks, as far at a time as the work allows, and has a
//! whole round when the walk is over. What a round says is as old as the round is long.

use std::collections::BTreeSet;

use super::case::Case;
use super::{Rules, Shard};
use crate::sla::clock::Clock;
use crate::sla::outcome::{Verdict, verdict};
use crate::sla::terms::Mark;
use crate::time::Time;
use crate::window::Cell;

/// What a walk sees of one clock.
#[derive(Clone, Debug)]
pub struct Glance<'a> {
    /// The commitment, by its place in the policy.
    pub commitment: u16,
    /// The ticket or call.
    pub subject: &'a str,
    /// When the clock started.
    pub started: Time,
    /// When its goal is used up; `None` while it is paused before that.
    pub due: Option<Time>,
    /// Whether it still runs, or is paused.
    pub is_open: bool,
    /// Whether a warning stands.
    pub is_warned: bool,
    /// The verdict as of the clock.
    pub verdict: Verdict,
}

/// What is done with a case on a walk: it gets the number of the case, and a glance at each clock that has a goal.
pub type Visit<'v> = dyn FnMut(u32, &[Glance<'_>]) + 'v;

impl<R: Rules> Shard<R> {
    /// Walks over the cases with numbers from `from` on, at most `most` numbers, and returns where to go on; `None` when
    /// the round is over.
    pub fn survey(&self, from: u32, most: u32, visit: &mut Visit<'_>) -> Option<u32> {
        let end = self.cases.numbers();
        let to = from.saturating_add(most).min(end);
        self.look_at(from..to, visit);
        (to < end).then_some(to)
    }

    /// Walks over the cases that leave the memory with the next cut.
    pub fn survey_leaving(&self, visit: &mut Visit<'_>) {
        let leaving: BTreeSet<u32> =
            self.ending.iter().copied().filter(|index| self.may_leave(*index)).collect();
        self.look_at(leaving.into_iter(), visit);
    }

    fn look_at(&self, numbers: impl Iterator<Item = u32>, visit: &mut Visit<'_>) {
        let mut glances = Vec::new();
        for (index, case) in numbers.filter_map(|index| Some((index, self.cases.slot(index)?))) {
            glances.clear();
            let clocks = case.clocks().iter().filter(|clock| clock.goal.is_some());
            glances.extend(clocks.map(|clock| self.glance(case, clock)));
            visit(index, &glances);
        }
    }

    fn glance<'a>(&self, case: &'a Case, clock: &Clock) -> Glance<'a> {
        let commitment = &self.policy.commitments[usize::from(clock.commitment)];
        let verdict = verdict(&self.policy, clock, self.clock);
        let is_open = clock.is_open();
        let passed = |mark: Mark| {
            let fires = clock.fires_after(commitment, mark, case.first_seen);
            fires.is_some_and(|at| R::has_passed(self.clock, at))
        };
        Glance {
            commitment: clock.commitment,
            subject: &case.subject,
            started: clock.started,
            due: clock.due(commitment),
            is_open,
            is_warned: is_open
                && verdict == Verdict::Open
                && commitment.warnings.iter().any(|mark| passed(*mark)),
            verdict,
        }
    }

    /// Who is affected by a case that a walk has seen.
    pub fn cell(&self, number: u32) -> Cell {
        self.panes.cell_of(&self.policy, &self.cases.get(number).values())
    }

    /// Whether a case has this number.
    pub fn has_case(&self, number: u32) -> bool {
        self.cases.slot(number).is_some()
    }
}
