//! What people see of a clock: its line in a report, its derivation, its picture, and two derivations side by side.

use std::sync::Arc;

use serde_json::json;

use super::{at, commitment, events, facts, hours, office, on, open, running};
use crate::calendar::{Calendar, Spec};
use crate::event::{Event, decode};
use crate::names::Text;
use crate::sla::clock::{Budget, Clock, Phase};
use crate::sla::compare::{Difference, Effect, Side, What, compare};
use crate::sla::explain::{ExplainedClock, Explanation, INTERVALS_MAX, explain};
use crate::sla::fold::fold;
use crate::sla::outcome::outcome;
use crate::sla::picture::{CLOSED_MAX, Picture, State, picture};
use crate::sla::policy::{Commitment, Counting, Goal, Policy, Stop};
use crate::sla::terms::{Extension, Gives, Mark};
use crate::time::{Span, Time};

fn policy(commitments: Vec<Commitment>) -> Policy {
    Policy::new(commitments, vec![], vec![], Counting::default()).expect("valid")
}

fn explained(policy: &Policy, lines: &[&str], now: &str) -> Explanation {
    let json = events(lines);
    let events: Vec<Event<'_>> = json.iter().map(|line| decode(line.as_bytes()).expect("valid")).collect();
    let facts = facts(policy, &events);
    explain(policy, "T", &facts, &fold(policy, &facts), at(now))
}

const PAUSED_ONCE: [&str; 4] =
    ["16:00 opened", "17:00 paused", "2026-03-09T10:00 resumed", "2026-03-09T12:00 resolved"];

#[test]
fn a_line_of_a_report_says_how_a_clock_ended() {
    let policy = policy(vec![commitment(hours(2), Calendar::always())]);
    let line = |clock: &Clock, now: &str| {
        let outcome = outcome(&policy, clock, &"T".into(), "e0", at(now))?;
        let cancelled = outcome.cancelled;
        Some((serde_json::to_value(outcome).expect("plain data"), cancelled))
    };
    let mut ended = running("06T10:00", open(2));
    ended.enter(Phase::Stopped, at("06T12:30") + Span::from_millis(250));
    let broken = json!({
        "subject": "T", "commitment": "answer", "start_event": "e0",
        "started": "2026-03-06T10:00:00Z", "due": "2026-03-06T12:00:00Z", "stopped": "2026-03-06T12:30:00.25Z",
        "elapsed_seconds": 9000.25, "goal_seconds": 7200, "outcome": "breached",
    });
    assert_eq!(line(&ended, "06T20:00"), Some((broken, false)));
    let mut cancelled = running("06T10:00", Budget::At(at("06T12:00")));
    cancelled.enter(Phase::Cancelled, at("06T11:00"));
    let taken_back = json!({
        "subject": "T", "commitment": "answer", "start_event": "e0",
        "started": "2026-03-06T10:00:00Z", "due": "2026-03-06T12:00:00Z", "stopped": null,
        "elapsed_seconds": 3600, "goal_seconds": null, "outcome": "cancelled",
    });
    assert_eq!(line(&cancelled, "06T20:00"), Some((taken_back, true)));
    let goes_on = line(&running("06T10:00", Budget::Wall(Span::from_hours(2))), "06T11:00");
    let (goes_on, _) = goes_on.expect("it has a goal");
    assert_eq!((&goes_on["outcome"], &goes_on["goal_seconds"]), (&json!("open"), &json!(7200)));
    assert_eq!(line(&Clock::start(0, 0, at("06T10:00")), "06T20:00"), None, "nothing is promised");
}

#[test]
fn a_derivation_names_events_stretches_and_sums() {
    let mut answer = commitment(hours(4), office());
    answer.title = Arc::new(Text::new("Answered", "答复"));
    answer.clause = "§1".into();
    answer.stop = Stop::Any([on("t.resolved"), on("t.closed")].concat());
    let policy = policy(vec![answer]);
    let told = serde_json::to_value(explained(&policy, &PAUSED_ONCE, "10T12:00")).expect("plain data");
    let event = |n: usize| (&told["events"][n]["type"], &told["events"][n]["id"], &told["events"][n]["asks"]);
    assert_eq!(event(0), (&json!("t.opened"), &json!("e0"), &json!(["start answer"])));
    assert_eq!(event(1).2, &json!(["pause answer"]));
    assert_eq!(event(2).2, &json!(["resume answer"]));
    assert_eq!(event(3).2, &json!(["stop answer"]));
    assert_eq!(told["policy_hash"], json!(format!("{:016x}", policy.hash)));
    assert_eq!((&told["subject"], &told["at"]), (&json!("T"), &json!("2026-03-10T12:00:00Z")));
    let mut clock = told["clocks"][0].clone();
    clock.as_object_mut().expect("a clock").remove("picture");
    let stretch = |from: &str, to: &str, seconds: f64| json!({"from": at(from).to_string(), "to": at(to).to_string(), "seconds": seconds});
    let expected = json!({
        "commitment": "answer", "title": {"en": "Answered", "zh": "答复"}, "clause": "§1",
        "effective_from": "1970-01-01T00:00:00Z",
        "calendar": "office", "calendar_hash": format!("{:016x}", office().hash()),
        "start_event": "e0", "started": "2026-03-06T16:00:00Z",
        "phase": "stopped", "since": "2026-03-09T12:00:00Z", "goal": "4h",
        "pauses": [stretch("06T17:00", "09T10:00", 7200.0)],
        "counted": [stretch("06T16:00", "06T17:00", 3600.0), stretch("09T10:00", "09T12:00", 7200.0)],
        "counted_not_listed": 0, "elapsed_seconds": 10800.0,
        "due": "2026-03-09T13:00:00Z", "over_after": "2026-03-09T13:00:00Z",
            "parked": 0,
        "outcome": "kept", "year_without_holidays": null,
    });
    assert_eq!(clock, expected);
}

#[test]
fn every_action_has_a_word() {
    let all = Commitment {
        reset: on("t.moved"),
        reopen: on("t.reopened"),
        extension: Some(Extension { on: on("t.extended"), gives: Gives::Until("until".into()), most: None }),
        ..commitment(hours(4), Calendar::always())
    };
    let lines = ["10:00 opened", "10:01 paused", "10:02 resumed", "10:03 extended", "10:04 moved"];
    let more =
        ["10:05 resolved", "10:06 reopened", "10:07 cancelled", "10:08 noted until=2026-03-06T12:00:00Z"];
    let told = explained(&policy(vec![all]), &[&lines[..], &more].concat(), "06T20:00");
    let asks: Vec<String> =
        told.events.iter().map(|event| event.asks.join(" ").replace(" answer", "")).collect();
    assert_eq!(asks, ["start", "pause", "resume", "extend", "reset", "stop", "reopen", "cancel", ""]);
    assert_eq!(told.events[8].kind, None, "it only carries attributes");
}

#[test]
fn a_derivation_lists_what_counted_up_to_where_a_clock_stands() {
    let office = policy(vec![commitment(hours(4), office())]);
    let counted = |lines: &[&str], now: &str| {
        let told = explained(&office, lines, now);
        let counted = told.clocks[0].counted.iter();
        let shown = |at: Time| at.to_string()[8..16].to_owned();
        let phase = told.clocks[0].phase;
        (phase, counted.map(|one| format!("{}-{}", shown(one.from), shown(one.to))).collect::<Vec<_>>())
    };
    assert_eq!(
        counted(&PAUSED_ONCE[..1], "09T10:00"),
        ("running", vec!["06T16:00-06T18:00".to_owned(), "09T09:00-09T10:00".to_owned()])
    );
    assert_eq!(counted(&PAUSED_ONCE[..2], "09T10:00"), ("paused", vec!["06T16:00-06T17:00".to_owned()]));
    let cancelled = ["16:00 opened", "17:00 cancelled"];
    assert_eq!(counted(&cancelled, "09T10:00"), ("cancelled", vec!["06T16:00-06T17:00".to_owned()]));
    // As of an instant before its start nothing has counted.
    let over = explained(&office, &["16:00 opened"], "06T15:00");
    assert_eq!(over.clocks[0].counted, []);
}

#[test]
fn what_is_never_passed_is_not_shown_and_missing_holidays_are() {
    let mut spec =
        Spec { zone: "UTC".into(), weekly: std::array::from_fn(|_| vec![(0, 1_440)]), ..Default::default() };
    spec.holiday_years = Some(vec![2026]);
    let known = policy(vec![commitment(hours(24 * 310), Calendar::compile(&spec).expect("valid"))]);
    let told = |lines: &[&str], now: &str| explained(&known, lines, now).clocks.remove(0);
    // Due on 2027-01-10, eleven days into a year that nobody knows the holidays of.
    assert_eq!(told(&["10:00 opened"], "06T12:00").year_without_holidays, Some(2027));
    assert_eq!(told(&["2026-03-01T00:00 opened"], "06T12:00").year_without_holidays, Some(2027));
    assert_eq!(told(&["2026-02-24T00:00 opened"], "06T12:00").year_without_holidays, None);
    let paused = told(&["10:00 opened", "11:00 paused"], "06T12:00");
    assert_eq!((paused.due, paused.over_after, paused.year_without_holidays), (None, None, None));
    let still = policy(vec![commitment(hours(1), Calendar::always())]);
    let still = explained(&still, &["10:00 opened", "11:00 paused"], "06T12:00").clocks.remove(0);
    assert_eq!(
        (still.due, still.over_after),
        (Some(at("06T11:00")), None),
        "used up, and never more than that"
    );
}

#[test]
fn goals_are_told_in_words() {
    let policy = policy(vec![commitment(hours(4), Calendar::always())]);
    let json = events(&["10:00 opened"]);
    let events = [decode(json[0].as_bytes()).expect("valid")];
    let facts = facts(&policy, &events);
    let words = |goal: Option<Budget>| {
        let mut clock = Clock::start(0, 0, at("06T10:00"));
        clock.goal = goal;
        explain(&policy, "T", &facts, &[clock], at("06T11:00")).clocks[0].goal.clone()
    };
    let (two, noon) = (Span::from_hours(2), at("06T12:00"));
    let told =
        [Budget::Open(two), Budget::Days(two), Budget::Wall(two), Budget::Landed(noon), Budget::At(noon)];
    assert_eq!(
        told.map(|goal| words(Some(goal)).expect("a goal")),
        [
            "2h",
            "2h of open time, to the end of the last day",
            "2h, and pauses by their whole length",
            "until 2026-03-06T12:00:00Z, and the open time of pauses",
            "until 2026-03-06T12:00:00Z",
        ]
    );
    assert_eq!(words(None), None);
}

#[test]
fn more_stretches_than_are_listed_are_counted() {
    let policy = policy(vec![commitment(hours(4), office())]);
    let told = |days: i64| {
        let json = events(&["2026-03-02T09:00 opened"]);
        let events = [decode(json[0].as_bytes()).expect("valid")];
        let facts = facts(&policy, &events);
        let now = at("02T18:00") + Span::from_days(days);
        let clock = explain(&policy, "T", &facts, &fold(&policy, &facts), now).clocks.remove(0);
        (clock.counted.len(), clock.counted_not_listed, clock.elapsed_seconds / 3_600.0)
    };
    // Five stretches a week: eighty weeks and no more, a day more, a week more.
    assert_eq!(INTERVALS_MAX, 400);
    assert_eq!(told(80 * 7 - 1), (400, 0, 3_600.0));
    assert_eq!(told(80 * 7), (400, 1, 3_609.0));
    assert_eq!(told(81 * 7 - 1), (400, 5, 3_645.0));
}

/// `06T10:00 open │ 06T11:00 warned │ 06T12:00`: each state with its begin, and the end of the last.
fn drawn(picture: &Picture) -> String {
    let shown = |ms: i64| Time::from_millis(ms).to_string()[8..16].to_owned();
    let mut text = String::new();
    for pair in picture.segments.windows(2) {
        assert_eq!(pair[0].end_ms, pair[1].start_ms, "no gap");
        assert_ne!(pair[0].state, pair[1].state, "neighbours differ");
    }
    for one in &picture.segments {
        assert!(one.start_ms < one.end_ms, "no stretch without length");
        text += &format!("{} {} │ ", shown(one.start_ms), format!("{:?}", one.state).to_lowercase());
    }
    text + &picture.segments.last().map_or(String::new(), |last| shown(last.end_ms))
}

#[test]
fn a_picture_is_cut_where_the_state_changes() {
    let always = commitment(hours(2), Calendar::always());
    let draw = |clock: &Clock, now: &str| drawn(&picture(clock, &always, at(now)));
    let goes_on = running("06T10:00", open(2));
    let late = "06T10:00 open │ 06T11:00 warned │ 06T12:00 breached │ 06T13:00";
    assert_eq!(draw(&goes_on, "06T13:00"), late);
    let early = "06T10:00 open │ 06T10:30 left │ 06T12:00";
    assert_eq!(draw(&goes_on, "06T10:30"), early);
    let mut stopped = goes_on.clone();
    stopped.enter(Phase::Stopped, at("06T11:30"));
    let kept = "06T10:00 open │ 06T11:00 warned │ 06T11:30 left │ 06T12:00";
    assert_eq!(draw(&stopped, "06T20:00"), kept);
    let mut paused = goes_on.clone();
    paused.enter(Phase::Paused, at("06T10:30"));
    assert_eq!(draw(&paused, "06T13:00"), "06T10:00 open │ 06T10:30 paused │ 06T13:00");
    paused.enter(Phase::Running, at("06T14:00"));
    let gone_on =
        "06T10:00 open │ 06T10:30 paused │ 06T14:00 open │ 06T14:30 warned │ 06T15:30 breached │ 06T16:00";
    assert_eq!(draw(&paused, "06T16:00"), gone_on);
    assert_eq!(draw(&goes_on, "06T09:00"), "06T10:00 left │ 06T12:00", "as of a time before its start");
    let without_goal = Clock::start(0, 0, at("06T10:00"));
    assert_eq!(draw(&without_goal, "06T13:00"), "06T10:00 open │ 06T13:00");
    assert_eq!(picture(&without_goal, &always, at("06T13:00")).due_ms, None);
    assert_eq!(draw(&without_goal, "06T10:00"), "");
    assert_eq!(picture(&goes_on, &always, at("06T13:00")).due_ms, Some(at("06T12:00").millis()));
}

#[test]
fn closed_hours_are_drawn_and_pauses_over_them() {
    let office = commitment(hours(4), office());
    let draw = |clock: &Clock, now: &str| drawn(&picture(clock, &office, at(now)));
    let friday = running("06T16:00", open(4));
    let week_end = "06T16:00 open │ 06T18:00 closed │ 09T09:00 warned │ 09T11:00 breached │ 09T12:00";
    assert_eq!(draw(&friday, "09T12:00"), week_end);
    // Nothing is left to use while it is closed.
    let ahead = "06T16:00 open │ 06T17:00 left │ 06T18:00 closed │ 09T09:00 left │ 09T11:00";
    assert_eq!(draw(&friday, "06T17:00"), ahead);
    let mut paused = friday;
    paused.enter(Phase::Paused, at("06T17:00"));
    paused.enter(Phase::Running, at("07T12:00"));
    let over =
        "06T16:00 open │ 06T17:00 paused │ 07T12:00 closed │ 09T09:00 open │ 09T10:00 warned │ 09T12:00";
    assert_eq!(draw(&paused, "09T12:00"), over);
}

#[test]
fn the_first_warning_counts_and_those_after_due_do_not() {
    let hour = Span::from_hours(1);
    let mut late = commitment(hours(4), Calendar::always());
    late.warnings = vec![Mark::Share(0.75), Mark::Offset(Span::ZERO - hour - hour), Mark::Offset(hour)];
    let draw =
        |commitment: &Commitment| drawn(&picture(&running("06T10:00", open(4)), commitment, at("06T16:00")));
    assert_eq!(draw(&late), "06T10:00 open │ 06T12:00 warned │ 06T14:00 breached │ 06T16:00");
    late.warnings = vec![Mark::Offset(hour)];
    assert_eq!(draw(&late), "06T10:00 open │ 06T14:00 breached │ 06T16:00");
}

#[test]
fn a_bar_of_years_is_drawn_without_stripes() {
    let office = commitment(hours(1), office());
    let draw = |days: i64| {
        let picture = picture(&running("02T09:00", open(1)), &office, at("02T18:00") + Span::from_days(days));
        let closed = picture.segments.iter().filter(|one| one.state == State::Closed).count();
        (picture.closed_drawn, closed, picture.segments.len())
    };
    // Five closed stretches a week, the last behind the bar.
    assert_eq!(CLOSED_MAX, 500);
    let (weeks, states) = (100 * 7, 2 + 1);
    assert_eq!(draw(weeks - 3), (true, 499, 499 + 500 + states - 1));
    assert_eq!(draw(weeks), (true, 500, 500 + 501 + states - 1));
    assert_eq!(draw(weeks + 1), (false, 0, states));
}

/// The clock of a policy for these events, as of the tenth.
fn judged(commitment: Commitment, lines: &[&str]) -> Vec<ExplainedClock> {
    explained(&policy(vec![commitment]), lines, "10T12:00").clocks
}

fn always(goal: i64) -> Commitment {
    commitment(hours(goal), Calendar::always())
}

fn effects(before: &[ExplainedClock], after: &[ExplainedClock]) -> Vec<Effect> {
    compare(before, after).iter().map(|difference| difference.effect).collect()
}

fn nothing_promised() -> Commitment {
    commitment(Goal::At { attribute: "by".into() }, Calendar::always())
}

#[test]
fn a_difference_is_named_by_what_it_comes_to() {
    let two_used = ["10:00 opened", "12:00 resolved"];
    let of = |goal: i64| judged(always(goal), &two_used);
    assert_eq!(compare(&of(3), &of(3)), []);
    assert_eq!(effects(&of(3), &of(1)), [Effect::BecameBroken]);
    assert_eq!(effects(&of(1), &of(3)), [Effect::NoLongerBroken]);
    assert_eq!(effects(&of(3), &of(4)), [Effect::DueMoved]);
    let none = judged(nothing_promised(), &two_used);
    assert_eq!(effects(&none, &of(3)), [Effect::NewlyPromised]);
    assert_eq!(effects(&of(3), &none), [Effect::NoLongerPromised]);
    assert_eq!(compare(&none, &none), []);
    let cancelled = Commitment { cancel: on("t.resolved"), stop: Stop::Any(on("t.closed")), ..always(3) };
    assert_eq!(effects(&of(3), &judged(cancelled, &two_used)), [Effect::OtherVerdict]);
    let by_office = judged(commitment(hours(3), office()), &two_used);
    assert_eq!(effects(&of(3), &by_office), [Effect::SameResult], "by other hours, to the same end");
    assert_eq!(effects(&[], &of(3)), [Effect::NewlyPromised]);
    assert_eq!(effects(&of(3), &[]), [Effect::NoLongerPromised]);
}

fn reasons(difference: &Difference) -> Vec<(What, Option<&str>, Option<&str>)> {
    difference.reasons.iter().map(|one| (one.what, one.before.as_deref(), one.after.as_deref())).collect()
}

#[test]
fn a_difference_says_why() {
    let lines = ["10:00 opened", "11:00 paused", "12:00 resumed", "13:00 moved", "14:00 resolved"];
    let before = judged(always(3), &lines);
    let goal = compare(&before, &judged(always(2), &lines));
    assert_eq!(reasons(&goal[0]), [(What::Goal, Some("3h"), Some("2h"))]);
    assert_eq!((&*goal[0].commitment, goal[0].effect), ("answer", Effect::BecameBroken));
    let side = |side: &Option<Side>| serde_json::to_value(side).expect("plain data");
    let due = |due: &str, outcome: &str| json!({"started": "2026-03-06T10:00:00Z", "due": due, "elapsed_seconds": 10800.0, "outcome": outcome});
    assert_eq!(side(&goal[0].before), due("2026-03-06T14:00:00Z", "kept"));
    assert_eq!(side(&goal[0].after), due("2026-03-06T13:00:00Z", "breached"));
    let without_pauses = judged(Commitment { pause: vec![], ..always(4) }, &lines);
    let pauses = compare(&judged(always(4), &lines), &without_pauses);
    assert_eq!(reasons(&pauses[0]), [(What::Pauses, Some("1h (1)"), None)]);
    assert_eq!(pauses[0].effect, Effect::DueMoved);
    let later = judged(Commitment { start: on("t.moved"), ..always(3) }, &lines);
    let later = compare(&before, &later);
    assert_eq!(
        reasons(&later[0])[..2],
        [
            (What::Start, Some("2026-03-06T10:00:00Z (e0)"), Some("2026-03-06T13:00:00Z (e3)")),
            (What::Pauses, Some("1h (1)"), None),
        ]
    );
    let stop = Stop::Any(on("t.moved"));
    let stop = compare(&before, &judged(Commitment { stop, ..always(3) }, &lines));
    let (moved, resolved) = ("stopped 2026-03-06T13:00:00Z", "stopped 2026-03-06T14:00:00Z");
    assert_eq!(reasons(&stop[0]), [(What::Stop, Some(resolved), Some(moved))]);
    let never = Stop::Any(on("t.closed"));
    let never = compare(&before, &judged(Commitment { stop: never, ..always(3) }, &lines));
    assert_eq!(reasons(&never[0]), [(What::Stop, Some(resolved), None)]);
    let calendar = compare(&before, &judged(commitment(hours(3), office()), &lines));
    let hashed = |calendar: &Calendar| format!("{} ({:016x})", calendar.name(), calendar.hash());
    let (one, other) = (hashed(&Calendar::always()), hashed(&office()));
    assert_eq!(reasons(&calendar[0]), [(What::Calendar, Some(&*one), Some(&*other))]);
    let alone = compare(&before, &[]);
    assert_eq!(reasons(&alone[0]), [(What::Clock, Some("2026-03-06T10:00:00Z (e0)"), None)]);
    assert_eq!((alone[0].before.is_some(), alone[0].after.is_some()), (true, false));
}

#[test]
fn pauses_are_told_by_length_number_and_the_one_that_goes_on() {
    let lines =
        ["10:00 opened", "11:00 paused", "12:00 resumed", "13:00 paused", "13:30 resumed", "14:00 paused"];
    let told = |lines: &[&str]| {
        let without = judged(Commitment { pause: vec![], ..always(9) }, lines);
        let with = judged(always(9), lines);
        let differences = compare(&with, &without);
        let pauses = differences.iter().flat_map(|one| &one.reasons).find(|one| one.what == What::Pauses);
        pauses.map(|one| (one.before.clone().unwrap_or_default(), one.after.clone()))
    };
    assert_eq!(told(&lines[..5]), Some(("1h 30m (2)".to_owned(), None)));
    assert_eq!(told(&lines), Some(("1h 30m (2), 2026-03-06T14:00:00Z …".to_owned(), None)));
    assert_eq!(told(&lines[..2]), Some(("2026-03-06T11:00:00Z …".to_owned(), None)));
    assert_eq!(told(&lines[..1]), None);
}

#[test]
fn clocks_are_paired_by_their_start_event_then_by_name() {
    let lines = ["10:00 opened", "11:00 resolved", "12:00 opened", "13:00 resolved"];
    let repeating = |start: &str, name: &str| {
        let repeating = Commitment { name: name.into(), start: on(start), repeats: true, ..always(3) };
        judged(repeating, &lines)
    };
    let both = repeating("t.opened", "answer");
    assert_eq!(both.len(), 2);
    let starts = |differences: &[Difference]| {
        let start =
            |side: &Option<Side>| side.as_ref().map(|side| side.started.to_string()[11..16].to_owned());
        differences.iter().map(|one| (start(&one.before), start(&one.after))).collect::<Vec<_>>()
    };
    let side = |text: &str| Some(text.to_owned());
    // The second is the second's, also where the first is gone.
    assert_eq!(starts(&compare(&both, &both[1..])), [(side("10:00"), None)]);
    assert_eq!(starts(&compare(&both[1..], &both)), [(None, side("10:00"))]);
    // Those that other events started are paired in their order; of other names none is.
    let other = repeating("t.resolved", "answer");
    let crossed = compare(&both, &other);
    assert_eq!(starts(&crossed)[0], (side("10:00"), side("11:00")));
    let named = starts(&compare(&both[..1], &repeating("t.opened", "repair")[..1]));
    assert_eq!(named, [(None, side("10:00")), (side("10:00"), None)]);
}
