//! How did it end? The verdict on one clock, as of an instant, without grace.

use std::sync::Arc;

use serde::{Serialize, Serializer};

use super::clock::{Budget, Clock, Phase};
use super::policy::Policy;
use super::terms::Mark;
use crate::time::{Span, Time, rfc3339};

/// The verdict on a clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// It was stopped with the goal not used up, or exactly used up.
    Kept,
    /// More than the goal was used; also while it is still open, and also when it was cancelled only after that.
    Breached,
    /// It is running or paused, within the goal.
    Open,
    /// The promise was taken back while it was not broken.
    Cancelled,
}

/// One clock and its verdict, as a line of a report.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Outcome {
    /// The ticket or call.
    pub subject: Arc<str>,
    /// The commitment's name.
    pub commitment: Arc<str>,
    /// The `id` of the event that started the clock.
    pub start_event: Arc<str>,
    /// When it started.
    #[serde(with = "rfc3339")]
    pub started: Time,
    /// When the goal was, or will be, used up; `null` while the clock is paused before that.
    #[serde(with = "rfc3339::option")]
    pub due: Option<Time>,
    /// When the promised thing happened.
    #[serde(with = "rfc3339::option")]
    pub stopped: Option<Time>,
    /// The clock's own time used: to the stop or the cancellation, or up to now.
    #[serde(rename = "elapsed_seconds", serialize_with = "seconds")]
    pub elapsed: Span,
    /// The goal; `null` for goals in days and promised instants.
    #[serde(rename = "goal_seconds", serialize_with = "seconds_option")]
    pub goal: Option<Span>,
    /// The verdict.
    pub outcome: Verdict,
    /// How often the clock was parked: paused again as soon as it had gone on.
    #[serde(skip_serializing_if = "never")]
    pub parked: u16,
    /// Whether the promise was taken back, also when it was broken by then.
    #[serde(skip)]
    pub cancelled: bool,
}

/// The verdict on a clock as of `now`.
pub fn verdict(policy: &Policy, clock: &Clock, now: Time) -> Verdict {
    let calendar = &policy.commitments[usize::from(clock.commitment)].calendar;
    match clock.phase {
        _ if clock.is_beyond(calendar, Mark::DUE, now) => Verdict::Breached,
        Phase::Running | Phase::Paused => Verdict::Open,
        Phase::Stopped => Verdict::Kept,
        Phase::Cancelled => Verdict::Cancelled,
    }
}

/// The line for a clock as of `now`; `None` for a clock without a goal, which promises nothing.
pub fn outcome(
    policy: &Policy,
    clock: &Clock,
    subject: &Arc<str>,
    start_event: &str,
    now: Time,
) -> Option<Outcome> {
    let commitment = &policy.commitments[usize::from(clock.commitment)];
    let goal = match clock.goal? {
        Budget::Open(goal) | Budget::Wall(goal) => Some(goal),
        Budget::Days(_) | Budget::Landed(_) | Budget::At(_) => None,
    };
    Some(Outcome {
        subject: subject.clone(),
        commitment: commitment.name.clone(),
        start_event: start_event.into(),
        started: clock.started,
        due: clock.due(commitment),
        stopped: (clock.phase == Phase::Stopped).then_some(clock.since),
        elapsed: clock.elapsed(&commitment.calendar, now),
        goal,
        outcome: verdict(policy, clock, now),
        parked: clock.parked(),
        cancelled: clock.phase == Phase::Cancelled,
    })
}

fn never(times: &u16) -> bool {
    *times == 0
}

/// Whole seconds as an integer, others with their fraction.
fn seconds<S: Serializer>(span: &Span, serializer: S) -> Result<S::Ok, S::Error> {
    match span.millis() % 1_000 {
        0 => serializer.serialize_i64(span.millis() / 1_000),
        _ => serializer.serialize_f64(span.seconds()),
    }
}

fn seconds_option<S: Serializer>(span: &Option<Span>, serializer: S) -> Result<S::Ok, S::Error> {
    match span {
        Some(span) => seconds(span, serializer),
        None => serializer.serialize_none(),
    }
}
