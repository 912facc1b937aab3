//! What would another policy have made of it? Two derivations of the same events side by side, and why they differ.

use std::sync::Arc;

use serde::Serialize;

use super::explain::ExplainedClock;
use super::outcome::Verdict;
use crate::names::Text;
use crate::time::{Span, Time, rfc3339};

/// A clock under two policies, that they do not agree on.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Difference {
    /// The commitment's name.
    pub commitment: Arc<str>,
    /// What is promised.
    pub title: Arc<Text>,
    /// What it comes to.
    pub effect: Effect,
    /// What differs on the way there.
    pub reasons: Vec<Reason>,
    /// The clock under the one policy; `null`: it has none.
    pub before: Option<Side>,
    /// The clock under the other.
    pub after: Option<Side>,
}

/// What came out under one policy.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Side {
    /// When it started.
    #[serde(with = "rfc3339")]
    pub started: Time,
    /// When the goal is used up.
    #[serde(with = "rfc3339::option")]
    pub due: Option<Time>,
    /// The time used, in the clock's own time.
    pub elapsed_seconds: f64,
    /// The verdict; `null`: nothing is promised.
    pub outcome: Option<Verdict>,
}

/// What a difference comes to, the worst first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Effect {
    /// It was kept, or could still be, and is broken now.
    BecameBroken,
    /// It was broken, and is not now.
    NoLongerBroken,
    /// Nothing was promised, and is now.
    NewlyPromised,
    /// It was promised, and is not now.
    NoLongerPromised,
    /// Another verdict that is no better and no worse: it was open, and is cancelled now.
    OtherVerdict,
    /// The same verdict, due at another time.
    DueMoved,
    /// The same verdict and due, by another way.
    SameResult,
}

/// Something that differs between two derivations.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Reason {
    /// What it is.
    pub what: What,
    /// How it is under the one policy; `null`: it is not there.
    pub before: Option<String>,
    /// How it is under the other.
    pub after: Option<String>,
}

/// What may differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum What {
    /// Whether a clock starts at all for this case.
    Clock,
    /// When it starts.
    Start,
    /// How long it may take; without one nothing is promised.
    Goal,
    /// In which hours it is counted.
    Calendar,
    /// When it stands still.
    Pauses,
    /// When and how it ends.
    Stop,
}

/// Compares the clocks of one subject. Where a policy has one that the other has not, it stands alone.
pub fn compare<'a>(
    before: impl IntoIterator<Item = &'a ExplainedClock>,
    after: impl IntoIterator<Item = &'a ExplainedClock>,
) -> Vec<Difference> {
    let mut before: Vec<Option<&ExplainedClock>> = before.into_iter().map(Some).collect();
    let after: Vec<&ExplainedClock> = after.into_iter().collect();
    let mut pairs: Vec<(Option<&ExplainedClock>, Option<&ExplainedClock>)> = Vec::new();
    // Clocks that the same event started are the same; of the others those of one name are, in their order.
    let mut take = |same: &dyn Fn(&ExplainedClock) -> bool| {
        before.iter_mut().find(|one| one.is_some_and(same)).and_then(Option::take)
    };
    let exact = after
        .iter()
        .map(|clock| take(&|one| one.commitment == clock.commitment && one.start_event == clock.start_event));
    let exact: Vec<Option<&ExplainedClock>> = exact.collect();
    for (clock, found) in after.iter().zip(exact) {
        let found = found.or_else(|| take(&|one| one.commitment == clock.commitment));
        pairs.push((found, Some(clock)));
    }
    pairs.extend(before.into_iter().flatten().map(|alone| (Some(alone), None)));
    pairs.into_iter().filter_map(|(before, after)| difference(before, after)).collect()
}

fn difference(before: Option<&ExplainedClock>, after: Option<&ExplainedClock>) -> Option<Difference> {
    let reasons = reasons(before, after);
    let (one, other) = (before.map(side), after.map(side));
    let effect = effect(one.as_ref(), other.as_ref());
    let named = after.or(before).filter(|_| !reasons.is_empty() || effect != Effect::SameResult)?;
    Some(Difference {
        commitment: named.commitment.clone(),
        title: named.title.clone(),
        effect,
        reasons,
        before: one,
        after: other,
    })
}

fn side(clock: &ExplainedClock) -> Side {
    Side {
        started: clock.started,
        due: clock.due,
        elapsed_seconds: clock.elapsed_seconds,
        outcome: clock.goal.is_some().then_some(clock.outcome),
    }
}

fn effect(before: Option<&Side>, after: Option<&Side>) -> Effect {
    let verdict = |side: Option<&Side>| side.and_then(|side| side.outcome);
    let due = |side: Option<&Side>| side.and_then(|side| side.due);
    match (verdict(before), verdict(after)) {
        (None, Some(_)) => Effect::NewlyPromised,
        (Some(_), None) => Effect::NoLongerPromised,
        (one, other) if one == other && due(before) == due(after) => Effect::SameResult,
        (one, other) if one == other => Effect::DueMoved,
        (_, Some(Verdict::Breached)) => Effect::BecameBroken,
        (Some(Verdict::Breached), _) => Effect::NoLongerBroken,
        _ => Effect::OtherVerdict,
    }
}

fn reasons(before: Option<&ExplainedClock>, after: Option<&ExplainedClock>) -> Vec<Reason> {
    let start = |clock: &ExplainedClock| format!("{} ({})", clock.started, clock.start_event);
    let (Some(one), Some(other)) = (before, after) else {
        let (before, after) = (before.map(start), after.map(start));
        return vec![Reason { what: What::Clock, before, after }];
    };
    let calendar = |clock: &ExplainedClock| format!("{} ({})", clock.calendar, clock.calendar_hash);
    let seen = |clock: &ExplainedClock| {
        [
            (What::Start, Some(start(clock))),
            (What::Goal, clock.goal.clone()),
            (What::Calendar, Some(calendar(clock))),
            (What::Pauses, pauses(clock)),
            (What::Stop, ended(clock)),
        ]
    };
    let pairs = seen(one).into_iter().zip(seen(other));
    let reasons = pairs.map(|((what, before), (_, after))| Reason { what, before, after });
    reasons.filter(|reason| reason.before != reason.after).collect()
}

/// `2h (1)`: their length on the wall, and how many; the pause that has not ended is shown by its begin.
fn pauses(clock: &ExplainedClock) -> Option<String> {
    let sum = clock.pauses.iter().fold(Span::ZERO, |sum, pause| sum + (pause.to - pause.from));
    let ended = (!clock.pauses.is_empty()).then(|| format!("{sum} ({})", clock.pauses.len()));
    let going_on = (clock.phase == "paused").then(|| format!("{} …", clock.since));
    match (ended, going_on) {
        (Some(ended), Some(going_on)) => Some(format!("{ended}, {going_on}")),
        (ended, going_on) => ended.or(going_on),
    }
}

fn ended(clock: &ExplainedClock) -> Option<String> {
    let is_over = matches!(clock.phase, "stopped" | "cancelled");
    is_over.then(|| format!("{} {}", clock.phase, clock.since))
}
