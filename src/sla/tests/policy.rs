//! The index of all promises: what an event is to them, what is remembered of it, and which policies are refused.

use std::sync::Arc;

use super::{commitment, hours, office, on, time};
use crate::calendar::Calendar;
use crate::event::{Event, decode};
use crate::names::{Severity, Text};
use crate::sla::policy::{
    Action, CONDITIONS_PER_KIND_MAX, Commitment, Counting, Goal, Limit, Matched, Policy, PolicyError, Slot,
    Stop, Test, Values, get, overlay,
};
use crate::sla::terms::{Change, Convention, Extension, Gives};
use crate::time::{Span, Time};

fn policy(commitments: Vec<Commitment>) -> Policy {
    Policy::new(commitments, vec![], vec![], Counting::default()).expect("valid")
}

fn refused(commitments: Vec<Commitment>) -> PolicyError {
    Policy::new(commitments, vec![], vec![], Counting::default()).expect_err("refused")
}

fn answer() -> Commitment {
    commitment(hours(2), Calendar::always())
}

fn table() -> Goal {
    let limit = Limit::Duration(Span::from_hours(2));
    Goal::Table { attribute: "priority".into(), rows: vec![("P1".into(), limit)], otherwise: None }
}

fn has(attribute: &str, one_of: &[&str]) -> Test {
    let one_of = one_of.iter().map(|text| (*text).into()).collect();
    Test { attribute: attribute.into(), one_of, is_not: false }
}

/// What a policy makes of an event of a type with these members, written as JSON.
fn matched(policy: &Policy, kind: &str, members: &str) -> Option<Matched> {
    let json = event(kind, members);
    let event: Event<'_> = decode(json.as_bytes()).expect("valid");
    policy.matched(&event, &mut |dimension, text| u64::from(dimension) * 100 + text.len() as u64)
}

fn event(kind: &str, members: &str) -> String {
    format!(
        r#"{{"id":"e","source":"s","type":"{kind}","subject":"T","time":"2026-03-06T10:00:00Z"{members}}}"#
    )
}

#[test]
fn too_many_conditions_parts_or_attributes_are_refused() {
    let many = |n: usize| (0..n).flat_map(|_| on("t.noted")).collect::<Vec<_>>();
    let paused = |n: usize| Commitment { pause: many(n), ..answer() };
    assert_eq!(policy(vec![paused(CONDITIONS_PER_KIND_MAX)]).commitments.len(), 1);
    let error = refused(vec![paused(CONDITIONS_PER_KIND_MAX + 1)]);
    assert_eq!(error, PolicyError::TooManyConditions("t.noted".into()));
    let stopped = |stop: Stop| Commitment { stop, ..answer() };
    assert_eq!(policy(vec![stopped(Stop::All(many(8)))]).all_parts(0), 0b1111_1111);
    assert_eq!(policy(vec![stopped(Stop::All(many(3)))]).all_parts(0), 0b111);
    assert_eq!(policy(vec![stopped(Stop::Any(many(9)))]).all_parts(0), 1);
    assert_eq!(refused(vec![stopped(Stop::All(many(9)))]), PolicyError::TooManyParts("answer".into()));
    let scoped = |n: usize| {
        let scope = (0..n).map(|n| has(&format!("a{n}"), &[])).collect();
        vec![Commitment { scope, ..answer() }]
    };
    // Four dimensions are always asked for.
    assert_eq!(policy(scoped(196)).slots().len(), 200);
    assert_eq!(refused(scoped(197)), PolicyError::TooManyAttributes);
    assert_eq!(refused(scoped(400)), PolicyError::TooManyAttributes);
}

#[test]
fn every_version_ends_where_the_next_of_its_name_begins() {
    let version = |name: &str, from: &str| Commitment {
        name: name.into(),
        effective_from: time(&format!("{from}T00:00:00Z")),
        ..answer()
    };
    let versions = vec![
        version("answer", "2026-03-01"),
        version("answer", "2025-01-01"),
        version("repair", "2025-06-01"),
        version("answer", "2026-01-01"),
    ];
    let ends = |policy: &Policy| policy.commitments.iter().map(|one| one.effective_until).collect::<Vec<_>>();
    let day = |text: &str| time(&format!("{text}T00:00:00Z"));
    assert_eq!(
        ends(&policy(versions.clone())),
        [Time::NEVER, day("2026-01-01"), Time::NEVER, day("2026-03-01"),]
    );
    let twice = [versions, vec![version("repair", "2025-06-01")]].concat();
    assert_eq!(refused(twice), PolicyError::SameStart("repair".into(), day("2025-06-01")));
}

#[test]
fn an_event_says_which_conditions_it_meets() {
    let mut first = answer();
    first.start[0].tests = vec![has("kind", &["service"])];
    let second = Commitment { name: "second".into(), pause: on("t.opened"), ..answer() };
    let policy = policy(vec![first, second]);
    let bits = |members: &str| matched(&policy, "t.opened", members).map(|matched| matched.conditions);
    assert_eq!(bits(r#","kind":"service""#), Some(0b111));
    assert_eq!(bits(r#","kind":"repair""#), Some(0b110));
    assert_eq!(bits(""), Some(0b110));
    let asks = |conditions: u64| {
        let kind = matched(&policy, "t.opened", "").expect("kept").kind;
        policy.actions(kind, conditions).collect::<Vec<_>>()
    };
    assert_eq!(asks(0b111), [(0, Action::Start), (1, Action::Start), (1, Action::Pause)]);
    assert_eq!(asks(0b101), [(0, Action::Start), (1, Action::Pause)]);
    assert_eq!(asks(0), []);
    assert_eq!(policy.actions(u16::MAX, u64::MAX).count(), 0, "a type that no condition names asks nothing");
}

#[test]
fn types_are_known_by_name_and_number() {
    let counting = Counting { activity: on("call.ended"), ..Counting::default() };
    let policy = Policy::new(vec![answer()], vec![], vec![], counting).expect("valid");
    for (kind, is_known) in [("t.opened", true), ("call.ended", true), ("t.noted", false), ("", false)] {
        assert_eq!(policy.names(kind), is_known, "{kind}");
    }
    for kind in ["t.opened", "t.resolved", "t.paused", "t.cancelled"] {
        let number = matched(&policy, kind, "").expect("named").kind;
        assert_eq!(policy.kind_name(number), Some(kind));
    }
    assert_eq!(policy.kind_name(u16::MAX), None);
    assert_eq!(matched(&policy, "call.ended", ""), None, "it is counted, and nothing to any clock");
}

#[test]
fn events_are_counted_as_complaints_or_as_activity() {
    let mut complaints = on("t.opened");
    complaints[0].tests = vec![has("kind", &["complaint"])];
    let mut activity = [on("t.opened"), on("t.closed")].concat();
    activity[0].tests = vec![has("kind", &[])];
    let policy = Policy::new(vec![], vec![], vec![], Counting { activity, complaints, score: None });
    let policy = policy.expect("valid");
    let counts = |kind: &str, members: &str| {
        let json = event(kind, members);
        let event = decode(json.as_bytes()).expect("valid");
        policy.counted(&event.kind)?.as_complaint(&event)
    };
    assert_eq!(counts("t.opened", r#","kind":"complaint""#), Some(true));
    assert_eq!(counts("t.opened", r#","kind":"service""#), Some(false));
    assert_eq!(counts("t.opened", ""), None);
    assert_eq!(counts("t.closed", ""), Some(false));
    assert_eq!(counts("t.moved", r#","kind":"complaint""#), None);
}

/// One of every kind of attribute that clocks are judged by.
fn judging() -> Policy {
    let extension = Extension { on: on("t.extended"), gives: Gives::Until("until".into()), most: None };
    let commitment = Commitment {
        pause: on("visit.begun"),
        scope: vec![has("kind", &["service", "repair"])],
        per: Some("group".into()),
        extension: Some(extension),
        goal: table(),
        ..answer()
    };
    policy(vec![commitment])
}

fn slot(policy: &Policy, name: &str) -> u8 {
    policy.slots().iter().position(|(known, _)| known == name).expect("asked for") as u8
}

#[test]
fn attributes_are_remembered_as_what_they_are_judged_by() {
    let policy = judging();
    let kinds = ["kind", "priority", "group", "until", "product", "category"]
        .map(|name| policy.slots()[usize::from(slot(&policy, name))].1);
    let dimension = Slot::Dimension;
    assert_eq!(kinds, [Slot::Judged, Slot::Judged, Slot::Told, Slot::Instant, dimension(0), dimension(3)]);
    let dimensions = ["product", "region", "channel", "category"].map(|name| slot(&policy, name));
    assert_eq!(policy.dimension_slots(), &dimensions);
    let told = |name: &str, value: &str| {
        let values = matched(&policy, "t.noted", &format!(r#","{name}":"{value}""#))?.values;
        get(&values, slot(&policy, name))
    };
    assert_ne!(told("kind", "service"), told("kind", "repair"));
    assert_eq!(told("kind", "other"), Some(0), "none of those that the policy names");
    assert!(told("kind", "service") > Some(0) && told("kind", "repair") > Some(0));
    assert!(told("priority", "P1") > Some(0));
    assert_ne!(told("group", "first"), told("group", "second"), "a text of its own, named or not");
    let instant = time("2026-03-06T12:00:00Z").millis() as u64;
    assert_eq!(told("until", "2026-03-06T12:00:00Z"), Some(instant));
    assert_eq!(told("until", "tomorrow"), None);
    assert_eq!(told("until", "2100-01-01T00:00:00Z"), None, "no event may carry it");
    let opened =
        matched(&policy, "t.opened", r#","product":"pump","category":"noise""#).expect("named").values;
    let dimension = |name: &str| get(&opened, slot(&policy, name));
    assert_eq!(
        (dimension("product"), dimension("category"), dimension("region")),
        (Some(4), Some(305), None)
    );
}

#[test]
fn an_attribute_has_one_slot_for_each_way_in_which_it_is_asked_for() {
    let scoped = |name: &str| {
        let scope = vec![has("product", &["pump"])];
        Commitment { name: name.into(), scope, goal: table(), ..answer() }
    };
    let policy = policy(vec![scoped("one"), scoped("other")]);
    let slots: Vec<(&str, Slot)> = policy.slots().iter().map(|(name, slot)| (&**name, *slot)).collect();
    assert_eq!(
        slots[..3],
        [("product", Slot::Judged), ("priority", Slot::Judged), ("product", Slot::Dimension(0)),]
    );
    assert_eq!((slots.len(), policy.dimension_slots()), (6, &[2, 3, 4, 5]));
    let values = matched(&policy, "t.opened", r#","product":"pump","priority":"P1""#).expect("named").values;
    assert_eq!(values.as_slice(), [(0, 1), (1, 2), (2, 4)]);
}

#[test]
fn an_event_that_no_condition_names_belongs_to_a_case_by_what_it_carries() {
    let policy = judging();
    let is_kept = |kind: &str, name: &str| matched(&policy, kind, &format!(r#","{name}":"x""#)).is_some();
    for name in ["kind", "priority", "group", "until"] {
        assert!(is_kept("t.changed", name), "{name}");
        assert!(!is_kept("call.changed", name), "another kind of thing: {name}");
        assert!(!is_kept("visit.changed", name), "clocks heed it, and none runs for it: {name}");
    }
    assert!(!is_kept("t.changed", "product"), "no clock is judged by a dimension");
    assert!(!is_kept("t.changed", "colour"));
    assert_eq!(matched(&policy, "t.changed", ""), None);
    assert!(is_kept("t.opened", "colour"), "a type that is named is kept, whatever it carries");
    let calls = Commitment { name: "call".into(), start: on("call.begun"), goal: table(), ..answer() };
    let both = super::policy::policy(vec![answer(), calls]);
    for (kind, is_kept) in [("t.changed", true), ("call.changed", true), ("visit.changed", false)] {
        assert_eq!(matched(&both, kind, r#","priority":"P1""#).is_some(), is_kept, "{kind}");
    }
    let unnamed = matched(&policy, "t.changed", r#","kind":"service""#).expect("kept");
    assert_eq!((unnamed.kind, unnamed.conditions), (u16::MAX, 0));
}

#[test]
fn of_an_attribute_given_twice_the_later_value_counts() {
    let policy = judging();
    let values = |members: &str| matched(&policy, "t.opened", members).expect("named").values;
    let twice = values(r#","kind":"service","priority":"P1","kind":"repair""#);
    assert_eq!(twice, values(r#","priority":"P1","kind":"repair""#));
    assert_eq!(twice.len(), 2);
    let mut known: Values = Values::from_slice(&[(1, 10), (2, 20)]);
    overlay(&mut known, &Values::from_slice(&[(2, 21), (3, 30)]));
    assert_eq!(known.as_slice(), [(1, 10), (2, 21), (3, 30)]);
    assert_eq!([1, 2, 3, 4].map(|slot| get(&known, slot)), [Some(10), Some(21), Some(30), None]);
}

#[test]
fn the_case_s_attributes_matter_where_clocks_start_and_where_goals_move() {
    let policy = judging();
    let needs = |kind: &str, members: &str| {
        let matched = matched(&policy, kind, members).expect("kept");
        (policy.needs_values(&matched), policy.moves_goals(&matched))
    };
    assert_eq!(needs("t.opened", ""), (true, false));
    assert_eq!(needs("t.resolved", ""), (false, false));
    assert_eq!(needs("t.resolved", r#","kind":"service""#), (false, false));
    assert_eq!(needs("t.resolved", r#","priority":"P1""#), (true, true));
    assert_eq!(needs("t.noted", r#","priority":"P1""#), (true, true));
    // Reopenings and resets may start a clock, too; pauses may not.
    let with = Commitment { reopen: on("t.reopened"), reset: on("t.moved"), ..answer() };
    let policy = super::policy::policy(vec![with]);
    let needs = |kind: &str| policy.needs_values(&matched(&policy, kind, "").expect("named"));
    let kinds = ["t.opened", "t.reopened", "t.moved", "t.paused", "t.resumed", "t.resolved", "t.cancelled"];
    assert_eq!(kinds.map(needs), [true, true, true, false, false, false, false]);
    // A start that does not hold starts nothing.
    let mut strict = answer();
    strict.start = [on("t.noted"), on("t.noted")].concat();
    strict.start[0].tests = vec![has("kind", &["service"])];
    strict.start[1].tests = vec![has("kind", &["repair"])];
    strict.pause = on("t.noted");
    let policy = super::policy::policy(vec![strict]);
    let needs = |members: &str| policy.needs_values(&matched(&policy, "t.noted", members).expect("named"));
    assert_eq!((needs(r#","kind":"repair""#), needs("")), (true, false));
    // Goals that keep what they were at the start do not move.
    let fixed = Convention { change: Change::Ignored, ..Convention::OWN };
    let policy = super::policy::policy(vec![Commitment { convention: fixed, goal: table(), ..answer() }]);
    let changed = matched(&policy, "t.changed", r#","priority":"P1""#).expect("kept");
    assert!(!policy.moves_goals(&changed) && !policy.needs_values(&changed));
}

#[test]
fn limits_are_looked_up_by_what_the_case_says() {
    let (two, four) = (Limit::Duration(Span::from_hours(2)), Limit::Duration(Span::from_hours(4)));
    let rows = vec![("P1".to_owned(), two), ("P2".to_owned(), four)];
    let goal = |otherwise| Goal::Table { attribute: "priority".into(), rows: rows.clone(), otherwise };
    let strict = Commitment { goal: goal(None), ..answer() };
    let kind = Commitment { name: "kind".into(), goal: goal(Some(two)), ..answer() };
    let plain = Commitment { name: "plain".into(), ..answer() };
    let promised = Goal::At { attribute: "by".into() };
    let promised = Commitment { name: "promised".into(), goal: promised, ..answer() };
    let policy = policy(vec![strict, kind, plain, promised]);
    let limits = |members: &str| {
        let values = matched(&policy, "t.opened", members).expect("named").values;
        [0, 1, 2, 3].map(|commitment| policy.limit(commitment, &values))
    };
    assert_eq!(limits(r#","priority":"P1""#), [Some(two), Some(two), Some(two), None]);
    assert_eq!(limits(r#","priority":"P2""#), [Some(four), Some(four), Some(two), None]);
    assert_eq!(limits(r#","priority":"P9""#), [None, Some(two), Some(two), None]);
    assert_eq!(limits(""), [None, Some(two), Some(two), None]);
    let values = matched(&policy, "t.opened", r#","by":"2026-03-06T12:00:00Z""#).expect("named").values;
    let instant = time("2026-03-06T12:00:00Z").millis() as u64;
    let told = [0, 1, 2, 3].map(|commitment| policy.goal_value(commitment, &values));
    assert_eq!(told, [None, None, None, Some(instant)]);
    assert_eq!([0, 3].map(|commitment| policy.whose(commitment, &values)), [None, None]);
    assert_eq!([0, 3].map(|commitment| policy.extends_until(commitment, &values)), [None, None]);
}

#[test]
fn policies_with_one_hash_judge_alike() {
    let of = |commitment: Commitment| policy(vec![commitment]).hash;
    let known = of(answer());
    assert_eq!(of(answer()), known);
    let renamed = Commitment {
        title: Arc::new(Text::new("Answered", "答复")),
        owner: "desk".into(),
        severity: Severity::Critical,
        ..answer()
    };
    assert_eq!(of(renamed), known, "what people read decides nothing");
    let others = [
        of(commitment(hours(3), Calendar::always())),
        of(commitment(hours(2), office())),
        of(Commitment { grace: Span::from_seconds(3), ..answer() }),
        of(Commitment { cancel: on("t.closed"), ..answer() }),
        policy(vec![]).hash,
        policy(vec![answer(), Commitment { name: "other".into(), ..answer() }]).hash,
    ];
    let counting = Counting { activity: on("t.opened"), ..Counting::default() };
    let counting = Policy::new(vec![answer()], vec![], vec![], counting).expect("valid").hash;
    for (n, other) in others.into_iter().chain([counting]).enumerate() {
        assert_ne!(other, known, "the {n}th judges otherwise");
    }
}
