//! Why this verdict? The whole derivation of a case's clocks: which events, which hours counted, which pauses, and the
//! arithmetic.

use std::sync::Arc;

use serde::Serialize;

use super::clock::{Budget, Clock, Phase};
use super::history::Fact;
use super::outcome::{Verdict, verdict};
use super::picture::{Picture, picture};
use super::policy::Policy;
use super::terms::Mark;
use crate::names::Text;
use crate::time::{Span, Time, rfc3339};

/// At most this many open intervals are listed per clock; the sums always cover all.
pub const INTERVALS_MAX: usize = 400;

/// The derivation of a case's clocks.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Explanation {
    /// The ticket or call.
    pub subject: String,
    /// As of when.
    #[serde(with = "rfc3339")]
    pub at: Time,
    /// The policy that judged.
    pub policy_hash: String,
    /// The events that were kept, in the order in which they count.
    pub events: Vec<ExplainedEvent>,
    /// The clocks.
    pub clocks: Vec<ExplainedClock>,
}

/// An event and what it did.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ExplainedEvent {
    /// When it happened.
    #[serde(with = "rfc3339")]
    pub time: Time,
    /// Its type; `null` for one that only carries attributes.
    #[serde(rename = "type")]
    pub kind: Option<String>,
    /// Its source.
    pub source: String,
    /// Its id.
    pub id: String,
    /// What it asks of which commitments: `start first_contact`.
    pub asks: Vec<String>,
}

/// A clock and how it came to its verdict.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ExplainedClock {
    /// The commitment's name.
    pub commitment: Arc<str>,
    /// What is promised.
    pub title: Arc<Text>,
    /// Where the promise comes from.
    pub clause: String,
    /// From when on this version of it holds.
    #[serde(with = "rfc3339")]
    pub effective_from: Time,
    /// The calendar.
    pub calendar: String,
    /// The calendar's hash: holidays, hours and time-zone data.
    pub calendar_hash: String,
    /// The start event's id.
    pub start_event: String,
    /// When it started.
    #[serde(with = "rfc3339")]
    pub started: Time,
    /// What it is doing: running, paused, stopped, cancelled.
    pub phase: &'static str,
    /// When that began.
    #[serde(with = "rfc3339")]
    pub since: Time,
    /// The goal in words: `2h`, `until 2026-…`; `null`: nothing is promised for this case.
    pub goal: Option<String>,
    /// The pauses, and how much open time fell into each.
    pub pauses: Vec<Interval>,
    /// The open, unpaused stretches that counted, and how much of each.
    pub counted: Vec<Interval>,
    /// How many more stretches there were than are listed.
    pub counted_not_listed: usize,
    /// The sum of what counted.
    pub elapsed_seconds: f64,
    /// When the goal was, or will be, used up.
    #[serde(with = "rfc3339::option")]
    pub due: Option<Time>,
    /// After which instant more than the goal is used: later than `due` when that is a closing instant.
    #[serde(with = "rfc3339::option")]
    pub over_after: Option<Time>,
    /// The verdict, without grace.
    pub outcome: Verdict,
    /// How often it was parked: paused again within the commitment's `parked_within` of going on.
    pub parked: u16,
    /// The first local year for which the calendar has no holiday data, if the clock runs through one.
    pub year_without_holidays: Option<i16>,
    /// The clock as a bar of time.
    pub picture: Picture,
}

/// A stretch of time.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Interval {
    /// Its begin.
    #[serde(with = "rfc3339")]
    pub from: Time,
    /// Its end.
    #[serde(with = "rfc3339")]
    pub to: Time,
    /// How much open time lies in it.
    pub seconds: f64,
}

/// Explains the clocks of a case. `facts` are its events in order.
pub fn explain(
    policy: &Policy,
    subject: &str,
    facts: &[Fact<'_>],
    clocks: &[Clock],
    now: Time,
) -> Explanation {
    Explanation {
        subject: subject.to_owned(),
        at: now,
        policy_hash: format!("{:016x}", policy.hash),
        events: facts.iter().map(|fact| explain_event(policy, fact)).collect(),
        clocks: clocks.iter().map(|clock| explain_clock(policy, facts, clock, now)).collect(),
    }
}

fn explain_event(policy: &Policy, fact: &Fact<'_>) -> ExplainedEvent {
    let asks = policy.actions(fact.matched.kind, fact.matched.conditions).map(|(commitment, action)| {
        let name = &policy.commitments[usize::from(commitment)].name;
        format!("{} {name}", action.name())
    });
    ExplainedEvent {
        time: fact.time,
        kind: policy.kind_name(fact.matched.kind).map(str::to_owned),
        source: fact.source.to_owned(),
        id: fact.id.to_owned(),
        asks: asks.collect(),
    }
}

fn explain_clock(policy: &Policy, facts: &[Fact<'_>], clock: &Clock, now: Time) -> ExplainedClock {
    let commitment = &policy.commitments[usize::from(clock.commitment)];
    let calendar = &commitment.calendar;
    let reach = clock.reach(calendar, Mark::DUE);
    let end = clock.ended().unwrap_or(now);
    let (counted, counted_not_listed) = counted(clock, calendar, end);
    let pauses = clock.pauses().iter().map(|(from, to)| Interval {
        from: *from,
        to: *to,
        seconds: calendar.elapsed(*from, *to).seconds(),
    });
    ExplainedClock {
        commitment: commitment.name.clone(),
        title: commitment.title.clone(),
        clause: commitment.clause.clone(),
        effective_from: commitment.effective_from,
        calendar: calendar.name().to_owned(),
        calendar_hash: format!("{:016x}", calendar.hash()),
        start_event: facts[usize::from(clock.start_index)].id.to_owned(),
        started: clock.started,
        phase: match clock.phase {
            Phase::Running => "running",
            Phase::Paused => "paused",
            Phase::Stopped => "stopped",
            Phase::Cancelled => "cancelled",
        },
        since: clock.since,
        goal: clock.goal.map(|goal| match goal {
            Budget::Open(span) => span.to_string(),
            Budget::Days(span) => format!("{span} of open time, to the end of the last day"),
            Budget::Wall(span) => format!("{span}, and pauses by their whole length"),
            Budget::Landed(at) => format!("until {at}, and the open time of pauses"),
            Budget::At(at) => format!("until {at}"),
        }),
        pauses: pauses.collect(),
        counted,
        counted_not_listed,
        elapsed_seconds: clock.elapsed(calendar, now).seconds(),
        due: clock.due(commitment),
        over_after: reach.map(|reach| reach.beyond).filter(|beyond| *beyond != Time::NEVER),
        outcome: verdict(policy, clock, now),
        parked: clock.parked(),
        year_without_holidays: calendar
            .covers(clock.started, reach.map_or(end, |reach| reach.reached.max(end)))
            .err(),
        picture: picture(clock, commitment, now),
    }
}

/// The open, unpaused stretches up to `end`, oldest first, and how many more there are than listed.
fn counted(clock: &Clock, calendar: &crate::calendar::Calendar, end: Time) -> (Vec<Interval>, usize) {
    let end = if clock.phase == Phase::Paused { clock.since } else { end };
    let mut listed = Vec::new();
    let mut more = 0;
    let mut from = clock.started;
    for (pause, resume) in clock.pauses().iter().copied().chain([(end, end)]) {
        for (open, close) in calendar.intervals(from, pause.min(end)) {
            if listed.len() < INTERVALS_MAX {
                listed.push(Interval { from: open, to: close, seconds: (close - open).seconds() });
            } else {
                more += 1;
            }
        }
        from = resume;
    }
    debug_assert!(
        more > 0 || same(&listed, clock.elapsed(calendar, end)),
        "{clock:?}: the stretches do not add up"
    );
    (listed, more)
}

fn same(listed: &[Interval], elapsed: Span) -> bool {
    let sum: i64 = listed.iter().map(|one| (one.to - one.from).millis()).sum();
    sum == elapsed.millis()
}
