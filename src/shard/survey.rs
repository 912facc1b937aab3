//! How many clocks are where, and which are due soonest? A walk over the cases, a stretch at a time.
//!
//! Nothing is counted while events are read: whoever wants to know walks, as far at a time as the work allows, and has a
//! whole round when the walk is over. What a round says is as old as the round is long.

use super::case::Case;
use super::{Rules, Shard};
use crate::sla::clock::Clock;
use crate::sla::outcome::{Verdict, verdict};
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
    /// The case it belongs to.
    case: &'a Case,
}

impl<R: Rules> Shard<R> {
    /// Walks over the cases with numbers from `from` on, at most `most` numbers, and returns where to go on; `None` when
    /// the round is over.
    pub fn survey(&self, from: u32, most: u32, visit: &mut dyn FnMut(&Glance<'_>)) -> Option<u32> {
        let end = self.cases.numbers();
        let to = from.saturating_add(most).min(end);
        for case in (from..to).filter_map(|index| self.cases.slot(index)) {
            for clock in case.clocks().iter().filter(|clock| clock.goal.is_some()) {
                visit(&self.glance(case, clock));
            }
        }
        (to < end).then_some(to)
    }

    fn glance<'a>(&self, case: &'a Case, clock: &Clock) -> Glance<'a> {
        let commitment = &self.policy.commitments[usize::from(clock.commitment)];
        let verdict = verdict(&self.policy, clock, self.clock);
        let is_open = clock.is_open();
        let passed = |share: f64| {
            let fires = clock.fires_after(commitment, share, case.first_seen);
            fires.is_some_and(|at| R::has_passed(self.clock, at))
        };
        Glance {
            commitment: clock.commitment,
            subject: &case.subject,
            started: clock.started,
            due: clock.reach(&commitment.calendar, 1.0).map(|reach| reach.reached),
            is_open,
            is_warned: is_open
                && verdict == Verdict::Open
                && commitment.warnings.iter().any(|share| passed(*share)),
            verdict,
            case,
        }
    }

    /// Who is affected by a clock that a walk has seen.
    pub fn cell(&self, glance: &Glance<'_>) -> Cell {
        self.panes.cell_of(&self.policy, &glance.case.values())
    }
}
