//! Are the guide's duties beside the promises kept to? Each clock of `config/policies/duties.toml`, kept once and broken once.

use std::collections::BTreeSet;

use watchbell::config;
use watchbell::event::{Event, decode};
use watchbell::sla::fold::fold;
use watchbell::sla::outcome::{Verdict, verdict};
use watchbell::sla::policy::Policy;
use watchbell::time::Time;

use super::promises::facts;

fn policy() -> Policy {
    config::load_policy(Some("duties")).unwrap_or_else(|problems| panic!("{problems}"))
}

/// Events as `DDTHH:MM type [attribute=value]` in March 2026, in the time of the calendar.
fn events(lines: &str) -> Vec<String> {
    let event = |(n, line): (usize, &str)| {
        let mut words = line.split_whitespace();
        let (time, kind) = (words.next().expect("a time"), words.next().expect("a type"));
        let member = |word: &str| {
            let (name, value) = word.split_once('=').expect("name=value");
            format!(",\"{name}\":\"{value}\"")
        };
        let attributes: String = words.map(member).collect();
        format!(
            r#"{{"id":"e{n}","source":"s","type":"{kind}","subject":"T","time":"2026-03-{time}:00+08:00"{attributes}}}"#
        )
    };
    lines.split(',').map(str::trim).enumerate().map(event).collect()
}

/// The verdicts on the clocks of one commitment, in the order in which they started, as of the end of the month.
fn verdicts(policy: &Policy, commitment: &str, lines: &str) -> Vec<&'static str> {
    let json = events(lines);
    let events: Vec<Event<'_>> = json.iter().map(|line| decode(line.as_bytes()).expect("valid")).collect();
    let clocks = fold(policy, &facts(policy, &events));
    let is = |at: u16| &*policy.commitments[usize::from(at)].name == commitment;
    let now = Time::parse("2026-03-31T00:00:00Z").expect("an instant");
    let mut clocks: Vec<_> = clocks.iter().filter(|clock| is(clock.commitment)).collect();
    clocks.sort_by_key(|clock| clock.started);
    let word = |verdict| match verdict {
        Verdict::Kept => "kept",
        Verdict::Breached => "broken",
        Verdict::Open => "open",
        Verdict::Cancelled => "cancelled",
    };
    clocks.into_iter().map(|clock| word(verdict(policy, clock, now))).collect()
}

/// Commitment, what happens, and the verdicts.
const STORIES: [(&str, &str, &[&str]); 35] = [
    (
        "visit",
        "02T09:00 ticket.scheduled kind=repair appointment=2026-03-03T02:00:00Z, 03T09:55 ticket.arrived",
        &["kept"],
    ),
    (
        "visit",
        "02T09:00 ticket.scheduled kind=repair appointment=2026-03-03T02:00:00Z, 03T10:05 ticket.arrived",
        &["broken"],
    ),
    // Nobody was at home: no promise was missed, and the next appointment counts.
    (
        "visit",
        "02T09:00 ticket.scheduled kind=repair appointment=2026-03-03T02:00:00Z, 03T09:58 ticket.user_absent, \
         03T12:00 ticket.scheduled appointment=2026-03-04T02:00:00Z, 04T09:30 ticket.arrived",
        &["cancelled", "kept"],
    ),
    (
        "repair",
        "02T09:00 ticket.plan_accepted kind=repair repair_by=2026-03-05T09:00:00Z, 05T17:00 ticket.resolved",
        &["kept"],
    ),
    (
        "repair",
        "02T09:00 ticket.plan_accepted kind=repair repair_by=2026-03-05T09:00:00Z, 05T17:01 ticket.resolved",
        &["broken"],
    ),
    (
        "complaint_as_told",
        "02T09:00 ticket.acknowledged kind=complaint expected_by=2026-03-05T09:00:00Z, 05T17:00 ticket.resolved",
        &["kept"],
    ),
    (
        "complaint_as_told",
        "02T09:00 ticket.acknowledged kind=complaint expected_by=2026-03-05T09:00:00Z",
        &["broken"],
    ),
    (
        "emergency_acknowledgement",
        "02T09:00 ticket.received emergency=true, 02T09:30 ticket.contacted",
        &["kept"],
    ),
    (
        "emergency_acknowledgement",
        "02T09:00 ticket.received, 02T10:00 ticket.flagged_emergency, 02T10:31 ticket.contacted",
        &["broken"],
    ),
    (
        "report_to_superior",
        "02T09:00 ticket.responded kind=service, 02T13:00 ticket.reported_to_superior",
        &["kept"],
    ),
    (
        "report_to_superior",
        "02T09:00 ticket.responded kind=service, 02T13:01 ticket.reported_to_superior",
        &["broken"],
    ),
    ("repair_begins", "02T09:00 ticket.plan_accepted kind=repair, 02T11:00 ticket.started", &["kept"]),
    ("repair_begins", "02T09:00 ticket.plan_accepted kind=repair, 02T11:01 ticket.started", &["broken"]),
    (
        "dissatisfied_at_acceptance",
        "02T09:00 ticket.rejected kind=repair, 02T20:00 ticket.remedy_offered, 05T09:00 ticket.rejected, 06T10:00 ticket.accepted",
        &["kept", "broken"],
    ),
    (
        "investigation",
        "02T09:00 ticket.owner_named kind=complaint, 02T13:00 ticket.investigation_started",
        &["kept"],
    ),
    (
        "investigation",
        "02T09:00 ticket.owner_named kind=complaint, 02T13:01 ticket.investigation_started",
        &["broken"],
    ),
    // From Monday to Thursday, and over a weekend from Friday to Wednesday.
    (
        "progress",
        "02T09:00 ticket.investigation_started kind=complaint, 05T17:00 ticket.progress_notified, \
         10T18:00 ticket.progress_notified, 11T09:00 ticket.resolved",
        &["kept", "kept", "kept"],
    ),
    (
        "progress",
        "02T09:00 ticket.investigation_started kind=complaint, 06T09:00 ticket.progress_notified, 09T09:00 ticket.resolved",
        &["broken", "kept"],
    ),
    ("result", "02T09:00 ticket.resolved kind=complaint, 03T09:00 ticket.result_notified", &["kept"]),
    (
        "result",
        "02T09:00 ticket.resolved kind=complaint, 02T12:00 ticket.reopened, 09T09:00 ticket.resolved",
        &["cancelled", "broken"],
    ),
    ("payment_after_audit", "02T09:00 fee.audit_passed, 09T17:00 fee.paid", &["kept"]),
    ("payment_after_audit", "02T09:00 fee.audit_passed, 10T17:00 fee.paid", &["broken"]),
    ("survey", "02T09:00 ticket.closed kind=service, 03T09:00 survey.sent", &["kept"]),
    ("survey", "02T09:00 ticket.closed kind=complaint, 03T09:01 survey.sent", &["broken"]),
    ("survey", "02T09:00 ticket.closed kind=complaint, 03T08:00 ticket.reopened", &["cancelled"]),
    ("warning_acknowledgement", "02T09:00 warning.raised, 02T09:15 warning.acknowledged", &["kept"]),
    ("warning_acknowledgement", "02T09:00 warning.raised, 02T09:16 warning.dismissed", &["broken"]),
    (
        "crisis_measure",
        "02T09:00 crisis.graded, 02T09:50 crisis.measure_recorded, 02T11:00 crisis.regraded, 02T12:01 crisis.measure_recorded",
        &["kept", "broken"],
    ),
    ("crisis_measure", "02T09:00 crisis.graded, 02T09:20 crisis.ended", &["cancelled"]),
    ("recovery", "02T09:00 crisis.ended, 02T10:00 recovery.started", &["kept"]),
    ("recovery", "02T09:00 crisis.ended, 02T10:01 recovery.started", &["broken"]),
    ("missed_promise_contact", "02T09:00 commitment.missed, 02T13:00 ticket.contacted", &["kept"]),
    ("missed_promise_contact", "02T09:00 commitment.missed, 02T13:01 ticket.contacted", &["broken"]),
    ("missed_promise_remedy", "02T09:00 ticket.remedy_offered, 04T09:00 ticket.remedy_delivered", &["kept"]),
    (
        "missed_promise_remedy",
        "02T09:00 ticket.remedy_offered, 04T09:01 ticket.remedy_delivered",
        &["broken"],
    ),
];

#[test]
fn every_duty_is_kept_once_and_broken_once() {
    let policy = policy();
    let (mut kept, mut broken) = (BTreeSet::new(), BTreeSet::new());
    for (commitment, lines, expected) in STORIES {
        assert_eq!(verdicts(&policy, commitment, lines), expected, "{commitment}: {lines}");
        kept.extend(expected.contains(&"kept").then_some(commitment));
        broken.extend(expected.contains(&"broken").then_some(commitment));
    }
    let all: BTreeSet<&str> = policy.commitments.iter().map(|one| &*one.name).collect();
    assert_eq!((&kept, &broken), (&all, &all));
}

#[test]
fn each_duty_cites_its_clause() {
    let text = include_str!("../../config/policies/duties.toml");
    for part in text.split("\n[[commitment]]").skip(1) {
        assert!(part.contains("\nclause = \"0"), "{part}");
    }
}
