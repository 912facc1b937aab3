//! What do a case's events do to its clocks? The fold, and its one step.
//!
//! Facts at one instant are one step: their attributes count first, then what they do in the order start, resume,
//! stop, cancel, pause. So a case created paused uses nothing until it is resumed, and one that is resumed and stopped
//! at the same instant was running when it stopped. A pause that is ended at the instant at which it begins is none:
//! after the step the clock is paused exactly if there were more pauses than resumes, the one before it included. Logs
//! with whole minutes are full of such.

use smallvec::SmallVec;

use super::clock::{Budget, Clock, Phase, budget};
use super::history::Fact;
use super::policy::{Action, Goal, Policy, Values, overlay};
use crate::time::Time;

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
    let at = first.time;
    let mut touched = 0u64;
    if group.iter().any(|fact| policy.moves_goals(&fact.matched)) {
        for (n, clock) in clocks.iter_mut().enumerate().filter(|(_, clock)| clock.is_open()) {
            set_goal(policy, clock, values, at);
            touched |= bit(n);
        }
    }
    let mut actions: SmallVec<[(Action, u16, u16); 8]> = SmallVec::new();
    for (n, fact) in group.iter().enumerate() {
        let does = policy.actions(fact.matched.kind, fact.matched.conditions);
        actions.extend(does.map(|(commitment, action)| (action, (from + n) as u16, commitment)));
    }
    actions.sort_unstable();
    let starts = actions.partition_point(|(action, ..)| *action == Action::Start);
    touched |= start_all(policy, clocks, values, &actions[..starts], at);
    // Resumes that found nothing to end: they may end a pause of this very instant.
    let mut early: SmallVec<[u16; 4]> = SmallVec::new();
    for (action, _, commitment) in actions.drain(starts..) {
        let open = |clock: &Clock| clock.commitment == commitment && clock.is_open();
        let Some(n) = clocks.iter().position(open) else { continue };
        touched |= bit(n);
        match (action, early.iter().position(|one| *one == commitment)) {
            (Action::Resume, _) if clocks[n].phase == Phase::Running => early.push(commitment),
            (Action::Pause, Some(ended)) => drop(early.swap_remove(ended)),
            _ => act(policy, &mut clocks[n], action, at),
        }
    }
    touched
}

/// The bit of the n-th clock; all beyond share the last one.
pub fn bit(n: usize) -> u64 {
    1 << n.min(63)
}

/// Starts the clocks that these actions start; returns them, a bit each.
fn start_all(
    policy: &Policy,
    clocks: &mut Vec<Clock>,
    values: &Values,
    starts: &[(Action, u16, u16)],
    at: Time,
) -> u64 {
    let mut started: SmallVec<[Clock; 4]> = SmallVec::new();
    for (_, index, commitment) in starts {
        if starts_clock(policy, clocks.iter().chain(&started), values, *commitment, at) {
            let mut clock = Clock::start(*commitment, *index, at);
            set_goal(policy, &mut clock, values, at);
            started.push(clock);
        }
    }
    let from = clocks.len();
    // Millions of cases have two or three clocks: no room is kept for more.
    clocks.reserve_exact(started.len());
    clocks.extend(started);
    (from..clocks.len()).map(bit).fold(0, |all, one| all | one)
}

/// Whether a start event starts a clock. A commitment runs once per case: a second start event changes nothing.
fn starts_clock<'c>(
    policy: &Policy,
    mut known: impl Iterator<Item = &'c Clock>,
    values: &Values,
    commitment: u16,
    at: Time,
) -> bool {
    let version = &policy.commitments[usize::from(commitment)];
    let in_force = version.effective_from <= at && at < version.effective_until;
    let ran = |clock: &Clock| policy.commitments[usize::from(clock.commitment)].name == version.name;
    in_force && policy.in_scope(commitment, values) && !known.any(ran)
}

fn act(policy: &Policy, clock: &mut Clock, action: Action, at: Time) {
    match (action, clock.phase) {
        (Action::Resume, Phase::Paused) => clock.enter(Phase::Running, at),
        (Action::Pause, Phase::Running) => clock.enter(Phase::Paused, at),
        (Action::Cancel, _) => clock.enter(Phase::Cancelled, at),
        (Action::Stop(part), _) => {
            clock.parts |= 1 << part;
            if clock.parts == policy.all_parts(clock.commitment) {
                clock.enter(Phase::Stopped, at);
            }
        }
        (Action::Start | Action::Resume | Action::Pause, _) => {}
    }
}

/// The goal follows the case's attributes while the clock is open: a new target counts from the original start. A
/// promised instant can be moved only until it has passed; after that the promise is broken whatever is said.
fn set_goal(policy: &Policy, clock: &mut Clock, values: &Values, at: Time) {
    let version = &policy.commitments[usize::from(clock.commitment)];
    clock.goal = match (&version.goal, clock.goal) {
        (Goal::At { .. }, Some(Budget::At(promised))) if promised < at => return,
        (Goal::At { .. }, before) => match policy.goal_value(clock.commitment, values) {
            Some(instant) => Some(Budget::At(Time::from_millis(instant as i64))),
            None => before,
        },
        (Goal::Limit(_), Some(_)) => return,
        (Goal::Limit(_) | Goal::Table { .. }, _) => {
            let limit = policy.limit(clock.commitment, values);
            limit.map(|limit| budget(limit, &version.calendar, clock.started))
        }
    };
}
