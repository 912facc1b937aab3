//! Clocks, data-driven: a commitment, a case's events in any order, and what must come of it.

use std::sync::{Arc, LazyLock};

use super::clock::{Budget, Clock, Phase};
use super::fold::fold;
use super::history::{Fact, History};
use super::outcome::{Verdict, verdict};
use super::policy::{Commitment, Condition, Counting, Goal, Limit, Policy, Stop, Test};
use super::terms::Mark;
use crate::calendar::{Calendar, Spec};
use crate::event::{Event, decode};
use crate::time::{Span, Time};

mod clock;
mod conventions;
mod due;
mod history;
mod policy;
mod shown;

fn time(text: &str) -> Time {
    Time::parse(text).expect("an RFC 3339 instant")
}

/// `06T10:00` is ten o'clock on 2026-03-06, a Friday.
fn at(text: &str) -> Time {
    time(&format!("2026-03-{text}:00Z"))
}

/// A clock that runs, whatever started it.
fn running(start: &str, goal: Budget) -> Clock {
    let mut clock = Clock::start(0, 0, at(start));
    clock.goal = Some(goal);
    clock
}

fn open(hours: i64) -> Budget {
    Budget::Open(Span::from_hours(hours))
}

fn on(kind: &str) -> Vec<Condition> {
    vec![Condition { kind: kind.into(), tests: vec![] }]
}

/// Monday to Friday, 09:00 to 18:00 UTC.
fn office() -> Calendar {
    static OFFICE: LazyLock<Calendar> = LazyLock::new(|| {
        let weekly = std::array::from_fn(|day| if day < 5 { vec![(540, 1_080)] } else { vec![] });
        let spec = Spec { name: "office".into(), zone: "UTC".into(), weekly, ..Spec::default() };
        Calendar::compile(&spec).expect("valid")
    });
    OFFICE.clone()
}

fn commitment(goal: Goal, calendar: Calendar) -> Commitment {
    Commitment {
        pause: on("t.paused"),
        resume: on("t.resumed"),
        cancel: on("t.cancelled"),
        calendar: Arc::new(calendar),
        warnings: vec![Mark::Share(0.5)],
        grace: Span::from_seconds(2),
        ..Commitment::new("answer", on("t.opened"), Stop::Any(on("t.resolved")), goal)
    }
}

fn policy(commitment: Commitment) -> Policy {
    Policy::new(vec![commitment], vec![], vec![], Counting::default()).expect("valid")
}

/// Writes `HH:MM kind [attribute=value]` lines as events of one day, Friday 2026-03-06 unless a date is given.
fn events(lines: &[&str]) -> Vec<String> {
    let event = |(n, line): (usize, &&str)| {
        let mut words = line.split(' ');
        let mut clock = words.next().expect("a time").to_owned();
        if !clock.contains('T') {
            clock = format!("2026-03-06T{clock}");
        }
        let kind = words.next().expect("a type");
        let attributes: Vec<String> = words
            .map(|word| word.split_once('=').expect("name=value"))
            .map(|(name, value)| format!(",\"{name}\":\"{value}\""))
            .collect();
        let attributes = attributes.concat();
        format!(
            r#"{{"id":"e{n}","source":"s","type":"t.{kind}","subject":"T","time":"{clock}:00Z"{attributes}}}"#
        )
    };
    lines.iter().enumerate().map(event).collect()
}

fn facts<'a>(policy: &Policy, events: &'a [Event<'_>]) -> Vec<Fact<'a>> {
    let fact = |event: &'a Event<'_>| {
        let matched = policy.matched(event, &mut |_, _| 0)?;
        Some(Fact { time: event.time, source: &event.source, id: &event.id, matched })
    };
    let mut facts: Vec<Fact<'_>> = events.iter().filter_map(fact).collect();
    facts.sort_by(Fact::order);
    facts
}

fn clocks(policy: &Policy, lines: &[&str]) -> Vec<Clock> {
    let json = events(lines);
    let events: Vec<Event<'_>> = json.iter().map(|line| decode(line.as_bytes()).expect("valid")).collect();
    fold(policy, &facts(policy, &events))
}

/// Checks the one clock: verdict and time used as of 2026-03-09T12:00Z, and when it is due.
fn check(commitment: Commitment, lines: &[&str], expected: Verdict, elapsed: &str, due: Option<&str>) {
    let policy = policy(commitment);
    let clocks = clocks(&policy, lines);
    let [clock] = clocks.as_slice() else { panic!("one clock expected: {clocks:?}") };
    let calendar = &policy.commitments[0].calendar;
    let now = time("2026-03-09T12:00:00Z");
    assert_eq!(verdict(&policy, clock, now), expected, "{lines:?}");
    assert_eq!(clock.elapsed(calendar, now).to_string(), elapsed, "{lines:?}");
    let reached = clock.reach(calendar, Mark::DUE).map(|reach| reach.reached);
    assert_eq!(reached, due.map(time), "{lines:?}");
}

fn hours(n: i64) -> Goal {
    Goal::Limit(Limit::Duration(Span::from_hours(n)))
}

#[test]
fn stopping_exactly_when_due_keeps_the_promise() {
    let due = Some("2026-03-06T12:00:00Z");
    let always = || commitment(hours(2), Calendar::always());
    check(always(), &["10:00 opened", "12:00 resolved"], Verdict::Kept, "2h", due);
    check(always(), &["10:00 opened", "12:01 resolved"], Verdict::Breached, "2h 1m", due);
    check(always(), &["10:00 opened"], Verdict::Breached, "3d 2h", due);
    check(always(), &["10:00 opened", "11:00 cancelled"], Verdict::Cancelled, "1h", due);
    check(always(), &["10:00 opened", "12:30 cancelled"], Verdict::Breached, "2h 30m", due);
}

#[test]
fn a_case_that_is_put_away_as_soon_as_the_customer_has_replied_is_counted_and_judged_as_ever() {
    let within = |parked_within: Option<Span>| {
        let one = Commitment { parked_within, ..commitment(hours(2), Calendar::always()) };
        let lines = [
            "10:00 opened",
            "10:05 paused",
            "10:30 resumed",
            "10:35 paused",
            "11:00 resumed",
            "11:06 paused",
            "12:00 resumed",
            "12:00 paused",
            "13:00 resumed",
            "13:30 resolved",
        ];
        let policy = policy(one);
        let clocks = clocks(&policy, &lines);
        (clocks[0].parked(), verdict(&policy, &clocks[0], time("2026-03-09T12:00:00Z")))
    };
    assert_eq!(within(None), (0, Verdict::Kept));
    // At 10:35 exactly within, at 11:06 not, at 12:00 at once.
    assert_eq!(within(Some(Span::from_minutes(5))), (2, Verdict::Kept));
    assert_eq!(within(Some(Span::ZERO)), (1, Verdict::Kept));
}

#[test]
fn pauses_are_not_counted_and_touching_ones_are_one() {
    let always = || commitment(hours(2), Calendar::always());
    let due = Some("2026-03-06T13:00:00Z");
    check(
        always(),
        &["10:00 opened", "11:00 paused", "12:00 resumed", "13:00 resolved"],
        Verdict::Kept,
        "2h",
        due,
    );
    let split =
        ["10:00 opened", "11:00 paused", "11:30 resumed", "11:30 paused", "12:00 resumed", "13:00 resolved"];
    check(always(), &split, Verdict::Kept, "2h", due);
    // Paused for ever: it is never due.
    check(always(), &["10:00 opened", "11:00 paused"], Verdict::Open, "1h", None);
    // Paused when the goal was used up already.
    check(
        always(),
        &["10:00 opened", "12:30 paused"],
        Verdict::Breached,
        "2h 30m",
        Some("2026-03-06T12:00:00Z"),
    );
    // Paused straight to resolved: the pause ends there.
    check(
        always(),
        &["10:00 opened", "11:00 paused", "18:00 resolved"],
        Verdict::Kept,
        "1h",
        Some("2026-03-06T19:00:00Z"),
    );
    // A pause that is ended at the instant at which it begins is none, whatever the order of the two.
    for pair in [["11:00 paused", "11:00 resumed"], ["11:00 resumed", "11:00 paused"]] {
        let lines = ["10:00 opened", pair[0], pair[1], "13:00 resolved"];
        check(always(), &lines, Verdict::Breached, "3h", Some("2026-03-06T12:00:00Z"));
    }
    // Created paused.
    check(
        always(),
        &["10:00 opened", "10:00 paused", "12:00 resumed", "13:00 resolved"],
        Verdict::Kept,
        "1h",
        Some("2026-03-06T14:00:00Z"),
    );
}

#[test]
fn closed_time_is_not_counted() {
    let office = || commitment(hours(2), office());
    // Used up exactly at closing: shown as due then, kept until the next opening.
    check(office(), &["16:00 opened", "20:00 resolved"], Verdict::Kept, "2h", Some("2026-03-06T18:00:00Z"));
    check(
        office(),
        &["16:00 opened", "2026-03-09T09:00 resolved"],
        Verdict::Kept,
        "2h",
        Some("2026-03-06T18:00:00Z"),
    );
    check(
        office(),
        &["16:00 opened", "2026-03-09T09:01 resolved"],
        Verdict::Breached,
        "2h 1m",
        Some("2026-03-06T18:00:00Z"),
    );
    check(
        office(),
        &["17:00 opened", "2026-03-09T09:30 resolved"],
        Verdict::Kept,
        "1h 30m",
        Some("2026-03-09T10:00:00Z"),
    );
}

#[test]
fn a_new_target_counts_from_the_original_start() {
    let rows = vec![
        ("P1".to_owned(), Limit::Duration(Span::from_hours(2))),
        ("P3".to_owned(), Limit::Duration(Span::from_hours(8))),
    ];
    let goal = || Goal::Table { attribute: "priority".into(), rows: rows.clone(), otherwise: None };
    let always = || commitment(goal(), Calendar::always());
    let due = Some("2026-03-06T12:00:00Z");
    let raised = ["10:00 opened priority=P3", "11:00 priority_changed priority=P1", "12:30 resolved"];
    check(always(), &raised, Verdict::Breached, "2h 30m", due);
    let lowered = ["10:00 opened priority=P1", "11:00 priority_changed priority=P3", "12:30 resolved"];
    check(always(), &lowered, Verdict::Kept, "2h 30m", Some("2026-03-06T18:00:00Z"));
    // After the stop nothing moves any more.
    let after = ["10:00 opened priority=P1", "12:30 resolved", "13:00 priority_changed priority=P3"];
    check(always(), &after, Verdict::Breached, "2h 30m", due);
    // No row: nothing is promised, and the clock is never due.
    check(always(), &["10:00 opened priority=P9", "20:00 resolved"], Verdict::Kept, "10h", None);
}

#[test]
fn a_promised_instant_moves_only_until_it_has_passed() {
    let always = || commitment(Goal::At { attribute: "by".into() }, Calendar::always());
    let noon = Some("2026-03-06T12:00:00Z");
    let opened = "10:00 opened by=2026-03-06T12:00:00Z";
    check(always(), &[opened, "12:00 resolved"], Verdict::Kept, "2h", noon);
    check(always(), &[opened, "12:01 resolved"], Verdict::Breached, "2h 1m", noon);
    let moved = "T14:00:00Z";
    let moved = |at: &str| format!("{at} extended by=2026-03-06{moved}");
    check(
        always(),
        &[opened, &moved("12:00"), "13:00 resolved"],
        Verdict::Kept,
        "3h",
        Some("2026-03-06T14:00:00Z"),
    );
    check(always(), &[opened, &moved("12:01"), "13:00 resolved"], Verdict::Breached, "3h", noon);
    check(always(), &["10:00 opened", "2026-03-09T10:00 resolved"], Verdict::Kept, "3d", None);
    // A pause does not move a promised instant.
    check(always(), &[opened, "11:00 paused", "13:00 resolved"], Verdict::Breached, "1h", noon);
}

#[test]
fn days_end_at_the_end_of_the_last_working_day() {
    let week = || {
        let weekly = std::array::from_fn(|day| if day < 5 { vec![(0, 1_440)] } else { vec![] });
        Calendar::compile(&Spec { name: "week".into(), zone: "UTC".into(), weekly, ..Spec::default() })
            .expect("valid")
    };
    let days = |n| commitment(Goal::Limit(Limit::WorkingDays(n)), week());
    // Opened on Thursday: the first working day is Friday.
    let due = Some("2026-03-07T00:00:00Z");
    check(days(1), &["2026-03-05T10:00 opened", "23:59 resolved"], Verdict::Kept, "1d 13h 59m", due);
    check(days(1), &["2026-03-05T10:00 opened", "2026-03-07T00:00 resolved"], Verdict::Kept, "1d 14h", due);
    // On Saturday no working time has passed, but the last day has.
    check(
        days(1),
        &["2026-03-05T10:00 opened", "2026-03-07T08:00 resolved"],
        Verdict::Breached,
        "1d 14h",
        due,
    );
}

#[test]
fn all_parts_must_be_met() {
    let mut both = commitment(hours(1), Calendar::always());
    both.stop = Stop::All([on("t.classified"), on("t.owner_named")].concat());
    let due = Some("2026-03-06T11:00:00Z");
    check(
        both.clone(),
        &["10:00 opened", "10:20 owner_named", "10:40 classified"],
        Verdict::Kept,
        "40m",
        due,
    );
    check(
        both.clone(),
        &["10:00 opened", "10:20 classified", "10:30 classified", "11:30 owner_named"],
        Verdict::Breached,
        "1h 30m",
        due,
    );
    // What was done before the clock started does not count.
    check(both, &["09:00 classified", "10:00 opened", "10:20 owner_named"], Verdict::Breached, "3d 2h", due);
}

#[test]
fn scope_and_version_decide_whether_a_clock_runs() {
    let mut service = commitment(hours(1), Calendar::always());
    service.scope = vec![Test { attribute: "kind".into(), one_of: vec!["service".into()], is_not: false }];
    let mut later = service.clone();
    later.effective_from = time("2026-03-06T12:00:00Z");
    later.goal = hours(4);
    let policy = Policy::new(vec![service, later], vec![], vec![], Counting::default()).expect("valid");
    assert_eq!(clocks(&policy, &["10:00 opened"]).len(), 0);
    assert_eq!(clocks(&policy, &["10:00 opened kind=complaint"]).len(), 0);
    let version =
        |lines: &[&str]| clocks(&policy, lines).iter().map(|clock| clock.commitment).collect::<Vec<_>>();
    assert_eq!(version(&["11:59 opened kind=service"]), [0]);
    assert_eq!(version(&["12:00 opened kind=service"]), [1]);
    // The version is that of the start event; it does not change while the clock runs.
    assert_eq!(version(&["11:59 opened kind=service", "12:30 opened kind=service"]), [0]);
}

#[test]
fn one_step_at_a_time_is_the_same_as_all_at_once() {
    let policy = policy(commitment(hours(2), office()));
    let lines =
        ["09:30 opened", "10:00 paused", "11:00 resumed", "11:30 paused", "12:00 resolved", "12:30 resumed"];
    let json = events(&lines);
    let events: Vec<Event<'_>> = json.iter().map(|line| decode(line.as_bytes()).expect("valid")).collect();
    let facts = facts(&policy, &events);
    let mut stepped = Vec::new();
    for (n, fact) in facts.iter().enumerate() {
        super::fold::step(&policy, &mut stepped, &Default::default(), n, std::slice::from_ref(fact));
        assert_eq!(stepped, fold(&policy, &facts[..=n]));
    }
    assert_eq!(stepped[0].phase, Phase::Stopped);
}

#[test]
fn histories_keep_facts_as_they_were() {
    let mut commitment = commitment(hours(2), Calendar::always());
    commitment.scope = vec![Test { attribute: "kind".into(), one_of: vec!["service".into()], is_not: false }];
    let policy = policy(commitment);
    let json =
        events(&["10:00 opened kind=service", "09:00 paused kind=x", "11:00 resumed", "10:00 resolved"]);
    let events: Vec<Event<'_>> = json.iter().map(|line| decode(line.as_bytes()).expect("valid")).collect();
    let sorted = facts(&policy, &events);
    let mut history = History::default();
    for event in &events {
        let matched = policy.matched(event, &mut |_, _| 0).expect("kept");
        let fact = Fact { time: event.time, source: &event.source, id: &event.id, matched };
        match history.last() {
            Some(last) if fact.time <= last => history.insert(&fact),
            _ => history.push(&fact),
        }
    }
    assert_eq!(history.facts().collect::<Vec<_>>(), sorted);
    assert!(history.contains("s", "e1") && !history.contains("s", "e9") && !history.contains("x", "e1"));
    let again = History::from_bytes(history.bytes().to_vec(), history.len() as u16);
    assert_eq!(again, Some(history.clone()));
    let cut_short = history.bytes()[..history.bytes().len() - 1].to_vec();
    assert_eq!(History::from_bytes(cut_short, history.len() as u16), None);
}
