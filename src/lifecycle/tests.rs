//! Lifecycles, data-driven: a way, a case's events in any order, and what must come of it.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::course::{Course, Violation};
use super::keeper::Keeper;
use super::*;
use crate::event::{Attributes, Value};
use crate::sla::history::FACTS_MAX;
use crate::time::{Span, Time};

const HORIZON: Span = Span::from_days(7);

/// opened → working → done, with a note that may come on the way, and a way back.
fn desk() -> Lifecycles {
    let state =
        |name: &str, end| State { name: name.into(), title: Text::default(), clause: String::new(), end };
    let transition = |kind: &str, from, to| {
        let on = vec![Condition { kind: format!("t.{kind}"), tests: vec![] }];
        Transition { on, from, to, clause: String::new() }
    };
    let one = Lifecycle {
        name: "desk".into(),
        title: Text::default(),
        clause: String::new(),
        scope: vec![Test { attribute: "kind".into(), one_of: vec!["repair".into()], is_not: false }],
        states: vec![state("opened", None), state("working", None), state("done", Some(0b011))],
        transitions: vec![
            transition("opened", Allowed::AtBeginning, Some(0)),
            transition("started", Allowed::In(0b001), Some(1)),
            transition("noted", Allowed::In(0b011), None),
            transition("resolved", Allowed::In(0b010), Some(2)),
            transition("reopened", Allowed::In(0b100), Some(1)),
        ],
    };
    Lifecycles::new(vec![one]).expect("valid")
}

/// `minute type`, as an event of a subject; the first word may be `day:minute`.
fn event<'a>(subject: &'a str, n: usize, line: &str) -> Event<'a> {
    let (at, kind) = line.split_once(' ').expect("a time and a type");
    let (day, minute) = at.split_once(':').unwrap_or(("0", at));
    let number = |text: &str| text.parse::<i64>().expect("a number");
    let mut attributes = Attributes::default();
    attributes.push("kind", Value::Text("repair".into()));
    Event {
        id: format!("e{n:02}").into(),
        source: "s".into(),
        kind: format!("t.{kind}").into(),
        subject: subject.into(),
        time: Time::from_millis(0) + Span::from_days(number(day)) + Span::from_minutes(number(minute)),
        attributes,
    }
}

fn courses<'e>(events: impl Iterator<Item = Event<'e>>) -> Vec<Course> {
    let lifecycles = Arc::new(desk());
    let mut keeper = Keeper::new(lifecycles, HORIZON);
    let mut found = Vec::new();
    events.for_each(|event| keeper.take(&event, &mut |_, course| found.push(course.clone())));
    keeper.finish(&mut |_, course| found.push(course.clone()));
    found
}

/// The one course of these events, in words: what was wrong, where it is, and how many minutes it stayed where.
fn told(lines: &[&str]) -> (Vec<String>, Option<u8>, Vec<(u8, i64)>) {
    let found = courses(lines.iter().enumerate().map(|(n, line)| event("T", n, line)));
    let [course] = found.as_slice() else { panic!("one course expected: {found:?}") };
    let lifecycles = desk();
    let to = |to: &Option<u8>| to.map_or("-".to_owned(), |to| to.to_string());
    let wrong = course.violations.iter().map(|violation| match violation {
        Violation::NotBegun { kind, to: t } => format!("not begun {} {}", lifecycles.kind_name(*kind), to(t)),
        Violation::Illegal { from, kind, to: t } => {
            format!("illegal {from} {} {}", lifecycles.kind_name(*kind), to(t))
        }
        Violation::AfterEnd { from, kind, to: t } => {
            format!("after end {from} {} {}", lifecycles.kind_name(*kind), to(t))
        }
        Violation::Missing { step, end } => format!("missing {step} {end}"),
    });
    let stays = course.stays.iter().map(|(state, stayed)| (*state, stayed.millis() / 60_000));
    (wrong.collect(), course.state, stays.collect())
}

fn check(lines: &[&str], wrong: &[&str], state: Option<u8>, stays: &[(u8, i64)]) {
    let expected: Vec<String> = wrong.iter().map(|text| (*text).to_owned()).collect();
    assert_eq!(told(lines), (expected, state, stays.to_vec()), "{lines:?}");
}

#[test]
fn a_case_that_goes_its_way_does_nothing_wrong() {
    check(&["0 opened"], &[], Some(0), &[]);
    check(&["0 opened", "2 noted", "5 started", "9 resolved"], &[], Some(2), &[(0, 5), (1, 4)]);
    let back = ["0 opened", "5 started", "9 resolved", "20 reopened", "21 resolved"];
    check(&back, &[], Some(2), &[(0, 5), (1, 4), (2, 11), (1, 1)]);
    // Other events are nobody's business.
    check(&["0 opened", "1 renamed", "5 started"], &[], Some(1), &[(0, 5)]);
}

#[test]
fn after_a_violation_the_case_is_where_its_event_says() {
    let skipped = ["illegal 0 t.resolved 2", "missing 1 2"];
    check(&["0 opened", "9 resolved"], &skipped, Some(2), &[(0, 9)]);
    // The second time, the step is neither missing nor counted again.
    check(
        &["0 opened", "9 resolved", "20 reopened", "25 resolved"],
        &skipped,
        Some(2),
        &[(0, 9), (2, 11), (1, 5)],
    );
    check(&["3 started", "9 resolved"], &["not begun t.started 1", "missing 0 2"], Some(2), &[(1, 6)]);
    check(&["3 noted"], &["not begun t.noted -"], None, &[]);
    let after = ["0 opened", "5 started", "9 resolved", "10 noted", "12 started"];
    check(&after, &["after end 2 t.noted -", "after end 2 t.started 1"], Some(1), &[(0, 5), (1, 4), (2, 3)]);
    // What leads to where the case is already leaves it there.
    check(&["0 opened", "5 opened", "9 started"], &["illegal 0 t.opened 0"], Some(1), &[(0, 9)]);
}

#[test]
fn at_one_instant_what_is_allowed_comes_first() {
    check(&["0 resolved", "0 started", "0 opened"], &[], Some(2), &[(0, 0), (1, 0)]);
    // From the end the way back comes first, from the work the end.
    check(
        &["0 opened", "1 started", "2 resolved", "3 resolved", "3 reopened"],
        &[],
        Some(2),
        &[(0, 1), (1, 1), (2, 1), (1, 0)],
    );
    check(&["0 opened", "1 started", "3 reopened", "3 resolved"], &[], Some(1), &[(0, 1), (1, 2), (2, 0)]);
    // Where nothing is allowed, the order is that of a life.
    check(&["0 resolved", "0 started"], &["not begun t.started 1", "missing 0 2"], Some(2), &[(1, 0)]);
}

#[test]
fn only_cases_in_the_scope_count_by_their_latest_attributes() {
    let with = |n: usize, line: &str, kind: &'static str| {
        let mut event = event("T", n, line);
        event.attributes = Attributes::default();
        event.attributes.push("kind", Value::Text(kind.into()));
        event
    };
    let first = || with(0, "0 opened", "complaint");
    assert_eq!(courses([first()].into_iter()), []);
    // An event that no transition waits for says what the case is.
    assert_eq!(courses([first(), with(1, "5 renamed", "repair")].into_iter()).len(), 1);
    assert_eq!(courses([with(1, "5 renamed", "complaint"), with(0, "0 opened", "repair")].into_iter()), []);
}

#[test]
fn a_subject_that_comes_back_after_its_end_is_a_new_case() {
    let life = ["0 opened", "5 started", "9 resolved"];
    let again =
        |day: &str, minute: &str| [&life[..], &[&format!("{day}:{minute} opened")]].concat().join(",");
    let count =
        |lines: &str| courses(lines.split(',').enumerate().map(|(n, line)| event("T", n, line))).len();
    assert_eq!(count(&again("7", "9")), 1, "at the horizon it is the same case");
    assert_eq!(count(&again("7", "10")), 2);
    assert_eq!(count("0 opened,8:0 started,30:0 resolved"), 1, "a case that is under way waits for ever");
}

/// The sums over courses, as a report has them.
fn sums(courses: Vec<Course>) -> BTreeMap<String, usize> {
    let mut sums = BTreeMap::new();
    for course in courses {
        *sums.entry(format!("{course:?}")).or_default() += 1;
    }
    sums
}

#[test]
fn no_order_of_arrival_changes_anything() {
    let kinds = ["opened", "started", "noted", "resolved", "reopened"];
    let mut dice = fastrand::Rng::with_seed(5);
    for round in 0..400 {
        // Few minutes, so that many events share one; some cases come back after more than the horizon.
        let line = |dice: &mut fastrand::Rng| {
            let day = if round % 4 == 0 { dice.u32(0..3) * 4 } else { 0 };
            format!("{day}:{} {}", dice.u32(0..6), dice.choice(kinds).expect("there are some"))
        };
        let lines: Vec<String> = (0..dice.usize(1..=7)).map(|_| line(&mut dice)).collect();
        let mut order: Vec<usize> = (0..lines.len()).collect();
        let judge = |order: &[usize]| sums(courses(order.iter().map(|n| event("T", *n, &lines[*n]))));
        let expected = judge(&order);
        for _ in 0..60 {
            dice.shuffle(&mut order);
            let mut twice = order.clone();
            twice.push(*dice.choice(&order).expect("there is one"));
            assert_eq!(judge(&twice), expected, "{lines:?} in the order {twice:?}");
        }
    }
}

#[test]
fn every_permutation_of_six_events_ends_alike() {
    fn permute(order: &mut Vec<usize>, at: usize, visit: &mut dyn FnMut(&[usize])) {
        if at == order.len() {
            return visit(order);
        }
        for other in at..order.len() {
            order.swap(at, other);
            permute(order, at + 1, visit);
            order.swap(at, other);
        }
    }
    let lines = ["0 opened", "1 noted", "1 resolved", "1 started", "3 reopened", "3 resolved"];
    let judge = |order: &[usize]| sums(courses(order.iter().map(|n| event("T", *n, lines[*n]))));
    let expected = judge(&[0, 1, 2, 3, 4, 5]);
    let mut seen = 0;
    permute(&mut (0..lines.len()).collect(), 0, &mut |order| {
        seen += 1;
        assert_eq!(judge(order), expected, "{order:?}");
    });
    assert_eq!(seen, 720);
}

#[test]
fn what_the_log_has_left_behind_is_forgotten_and_counted_once() {
    let mut keeper = Keeper::new(Arc::new(desk()), HORIZON);
    let mut found = 0;
    let days = 200;
    for day in 0..days {
        for n in 0..20 {
            for (at, line) in ["0 opened", "5 started", "9 resolved"].iter().enumerate() {
                let subject = format!("T-{day}-{n}");
                keeper.take(&event(&subject, at, &format!("{day}:{line}")), &mut |_, _| found += 1);
            }
        }
        // One that never ends is kept.
        keeper.take(&event("open", day as usize, &format!("{day}:0 opened")), &mut |_, _| found += 1);
    }
    assert!(found > 3_000, "{found} were left behind");
    let mut open = 0;
    keeper.finish(&mut |_, course| {
        found += 1;
        open += usize::from(course.state == Some(0));
    });
    assert_eq!((found, open), (days * 20 + 1, 1));
}

#[test]
fn a_subject_without_end_is_cut_off_and_counted() {
    let mut keeper = Keeper::new(Arc::new(desk()), HORIZON);
    for n in 0..FACTS_MAX + 3 {
        keeper.take(&event("T", n, &format!("{n} noted")), &mut |_, _| ());
    }
    assert_eq!(keeper.overfull(), 3);
}

#[test]
fn too_many_of_anything_is_an_error() {
    let one = desk().get(0).clone();
    let many = vec![one.clone(); TRANSITIONS_PER_KIND_MAX + 1];
    let error = Lifecycles::new(many).expect_err("too many");
    assert_eq!(error, LifecycleError::TooManyTransitions("t.opened".into()));
    let scope = |n: usize| Test { attribute: format!("a{n}"), one_of: vec![], is_not: false };
    let wide = Lifecycle { scope: (0..=ATTRIBUTES_MAX).map(scope).collect(), ..one };
    assert_eq!(Lifecycles::new(vec![wide]).expect_err("too many"), LifecycleError::TooManyAttributes);
}
