//! The small print: presets, and what each convention, extension and repetition does to a clock.

use std::sync::Arc;

use super::{Verdict, at, check, clocks, commitment, facts, hours, office, on, policy, time};
use crate::calendar::Calendar;
use crate::event::{Event, decode};
use crate::sla::clock::{Budget, Clock, Phase};
use crate::sla::fold::{bit, fold, step};
use crate::sla::policy::{Commitment, Counting, Goal, Limit, Policy, Stop, Test, Values, overlay};
use crate::sla::terms::{
    Boundary, Change, Convention, Extension, FirstDay, Gives, Landing, Mark, Pauses, Reopen,
};
use crate::time::{Span, Time};

fn by(convention: Convention, goal: Goal, calendar: Calendar) -> Commitment {
    Commitment { convention, reopen: on("t.reopened"), ..commitment(goal, calendar) }
}

fn days(n: u32) -> Goal {
    Goal::Limit(Limit::WorkingDays(n))
}

/// Two hours for P1, eight for P3.
fn table() -> Goal {
    let row = |name: &str, hours: i64| (name.to_owned(), Limit::Duration(Span::from_hours(hours)));
    Goal::Table { attribute: "priority".into(), rows: vec![row("P1", 2), row("P3", 8)], otherwise: None }
}

/// What became of each clock: `stopped 06T12:00`.
fn told(policy: &Policy, lines: &[&str]) -> Vec<String> {
    let tell = |clock: &Clock| {
        let phase = match clock.phase {
            Phase::Running => "running",
            Phase::Paused => "paused",
            Phase::Stopped => "stopped",
            Phase::Cancelled => "cancelled",
        };
        format!("{phase} {}", &clock.since.to_string()[8..16])
    };
    clocks(policy, lines).iter().map(tell).collect()
}

#[test]
fn presets_say_what_each_system_does() {
    let known: Vec<&str> = Convention::PRESETS.iter().map(|(name, _)| *name).collect();
    assert_eq!(known, ["watchbell", "zendesk", "jira", "servicenow", "zammad", "frappe", "glpi"]);
    let days = Convention { last_day: Landing::NextOpen, ..Convention::OWN };
    for (name, reopen, change, boundary) in [
        ("zendesk", Reopen::GoesOn, Change::FromStart, Boundary::NextOpen),
        ("jira", Reopen::StartsAnew, Change::FromStart, Boundary::IntervalEnd),
        ("servicenow", Reopen::StartsAnew, Change::FromChange, Boundary::IntervalEnd),
        ("zammad", Reopen::GoesOn, Change::FromStart, Boundary::NextOpen),
        ("frappe", Reopen::GoesOn, Change::FromStart, Boundary::IntervalEnd),
        ("glpi", Reopen::GoesOn, Change::FromStart, Boundary::IntervalEnd),
    ] {
        let expected = Convention { reopen, change, boundary, ..days };
        assert_eq!(Convention::preset(name), Some(expected), "{name}");
    }
    assert_eq!(Convention::preset("watchbell"), Some(Convention::OWN));
    assert_eq!(Convention::preset("remedy"), None);
}

#[test]
fn marks_are_shares_of_the_goal_or_lie_so_far_from_its_end() {
    let hour = Span::from_hours(1);
    let of = |mark: Mark| mark.of(Span::from_hours(4));
    assert_eq!(of(Mark::Share(0.25)), hour);
    assert_eq!(of(Mark::Offset(Span::ZERO - hour)), Span::from_hours(3));
    assert_eq!(of(Mark::Offset(hour)), Span::from_hours(5));
    assert_eq!(of(Mark::Offset(Span::from_hours(-9))), Span::ZERO, "not before the start");
    for (mark, is_past) in [
        (Mark::Share(0.5), false),
        (Mark::DUE, false),
        (Mark::Share(1.25), true),
        (Mark::Offset(Span::ZERO - hour), false),
        (Mark::Offset(Span::ZERO), false),
        (Mark::Offset(hour), true),
    ] {
        assert_eq!(mark.is_past_due(), is_past, "{mark:?}");
    }
}

#[test]
fn a_reopening_does_what_the_convention_says() {
    let with = |reopen: Reopen| by(Convention { reopen, ..Convention::OWN }, hours(2), Calendar::always());
    let lines = ["10:00 opened", "11:00 resolved", "13:00 reopened", "13:30 resolved"];
    let due = |at: &str| format!("2026-03-06T{at}:00Z");
    check(with(Reopen::Ignored), &lines, Verdict::Kept, "1h", Some(&due("12:00")));
    check(with(Reopen::GoesOn), &lines, Verdict::Kept, "1h 30m", Some(&due("14:00")));
    check(with(Reopen::NeverStopped), &lines, Verdict::Breached, "3h 30m", Some(&due("12:00")));
    let anew = policy(with(Reopen::StartsAnew));
    assert_eq!(told(&anew, &lines), ["stopped 06T11:00", "stopped 06T13:30"]);
    assert_eq!(clocks(&anew, &lines)[1].started, time(&due("13:00")));
    // Only what was stopped is reopened: what runs runs on, what was taken back stays so.
    let reopen_early = ["10:00 opened", "10:30 reopened", "11:00 resolved"];
    check(with(Reopen::GoesOn), &reopen_early, Verdict::Kept, "1h", Some(&due("12:00")));
    let cancelled = ["10:00 opened", "11:00 cancelled", "13:00 reopened"];
    check(with(Reopen::GoesOn), &cancelled, Verdict::Cancelled, "1h", Some(&due("12:00")));
    // At the instant of the stop it is reopened after it, whichever came first.
    for pair in [["11:00 resolved", "11:00 reopened"], ["11:00 reopened", "11:00 resolved"]] {
        let lines = ["10:00 opened", pair[0], pair[1], "12:30 resolved"];
        check(with(Reopen::GoesOn), &lines, Verdict::Breached, "2h 30m", Some(&due("12:00")));
    }
    // One that goes on must be stopped by all parts again.
    let mut both = with(Reopen::GoesOn);
    both.stop = Stop::All([on("t.resolved"), on("t.closed")].concat());
    let lines = ["10:00 opened", "10:30 resolved", "11:00 closed", "12:00 reopened", "12:30 closed"];
    assert_eq!(told(&policy(both), &lines), ["running 06T12:00"]);
}

#[test]
fn the_last_stopped_clock_is_the_one_that_is_reopened() {
    let convention = Convention { reopen: Reopen::GoesOn, ..Convention::OWN };
    let repeating = Commitment { repeats: true, ..by(convention, hours(2), Calendar::always()) };
    let lines = ["10:00 opened", "10:30 resolved", "11:00 opened", "11:30 resolved", "12:00 reopened"];
    assert_eq!(told(&policy(repeating), &lines), ["stopped 06T10:30", "running 06T12:00"]);
}

#[test]
fn another_goal_counts_as_the_convention_says() {
    let with = |change: Change| by(Convention { change, ..Convention::OWN }, table(), Calendar::always());
    // An hour used, an hour paused, half an hour used; then two hours became eight.
    let lines = [
        "10:00 opened priority=P1",
        "11:00 paused",
        "12:00 resumed",
        "12:30 priority_changed priority=P3",
        "20:00 resolved",
    ];
    let due = |at: &str| format!("2026-03-06T{at}:00Z");
    check(with(Change::FromStart), &lines, Verdict::Breached, "9h", Some(&due("19:00")));
    check(with(Change::FromStartWithoutPauses), &lines, Verdict::Breached, "9h", Some(&due("18:00")));
    check(with(Change::FromChange), &lines, Verdict::Kept, "9h", Some(&due("20:30")));
    check(with(Change::Ignored), &lines, Verdict::Breached, "9h", Some(&due("13:00")));
    // Saying the same again changes nothing.
    let again = [lines[0], "11:00 priority_changed priority=P1", "11:30 resolved"];
    for change in [Change::FromStart, Change::FromStartWithoutPauses, Change::FromChange, Change::Ignored] {
        check(with(change), &again, Verdict::Kept, "1h 30m", Some(&due("12:00")));
    }
    // A pause that goes on counts up to the change.
    let paused =
        [lines[0], "11:00 paused", "12:00 priority_changed priority=P3", "13:00 resumed", "13:30 resolved"];
    check(with(Change::FromStartWithoutPauses), &paused, Verdict::Kept, "1h 30m", Some(&due("19:00")));
    // A value without a row promises nothing; one that comes back promises again.
    let lost = [lines[0], "10:30 priority_changed priority=P9"];
    check(with(Change::FromStart), &lost, Verdict::Open, "3d 2h", None);
    let back = [lines[0], "10:30 priority_changed priority=P9", "11:00 priority_changed priority=P3"];
    check(with(Change::FromStart), &back, Verdict::Breached, "3d 2h", Some(&due("18:00")));
}

#[test]
fn less_than_what_is_used_is_left_of_no_goal() {
    let convention = Convention { change: Change::FromStartWithoutPauses, ..Convention::OWN };
    let lowered = by(convention, table(), Calendar::always());
    // Paused for three hours under eight, then there are two: they were used up at the start.
    let lines = ["10:00 opened priority=P3", "11:00 paused", "14:00 resumed", "14:00 changed priority=P1"];
    check(lowered, &lines, Verdict::Breached, "2d 23h", Some("2026-03-06T10:00:00Z"));
}

#[test]
fn pauses_move_the_due_instant_as_the_convention_says() {
    let with = |pauses: Pauses| by(Convention { pauses, ..Convention::OWN }, hours(4), office());
    // From Friday 17:00 to Monday 10:00: two open hours, 65 on the wall. It begins while the office is open.
    let inside = ["16:00 opened", "17:00 paused", "2026-03-09T10:00 resumed"];
    let due = |pauses: Pauses, lines: &[&str]| {
        let policy = policy(with(pauses));
        let clocks = clocks(&policy, lines);
        clocks[0].reach(&policy.commitments[0].calendar, Mark::DUE).map(|reach| reach.reached.to_string())
    };
    let on_day = |text: &str| Some(format!("2026-03-{text}:00Z"));
    assert_eq!(due(Pauses::OpenTime, &inside), on_day("09T13:00"));
    assert_eq!(due(Pauses::BegunOpen, &inside), on_day("09T13:00"));
    assert_eq!(due(Pauses::Ignored, &inside), on_day("09T11:00"));
    assert_eq!(due(Pauses::WallTime, &inside), on_day("12T04:00"));
    // One that begins while it is closed.
    let outside = ["16:00 opened", "19:00 paused", "2026-03-09T10:00 resumed"];
    assert_eq!(due(Pauses::OpenTime, &outside), on_day("09T12:00"));
    assert_eq!(due(Pauses::BegunOpen, &outside), on_day("09T11:00"));
    // The office closes at 18:00 sharp, and opens at 09:00.
    for (begin, expected) in [("2026-03-06T18:00", "09T11:00"), ("2026-03-09T09:00", "09T12:00")] {
        let lines = ["16:00 opened", &format!("{begin} paused"), "2026-03-09T10:00 resumed"];
        assert_eq!(due(Pauses::BegunOpen, &lines), on_day(expected), "{begin}");
    }
}

#[test]
fn pauses_by_the_wall_push_on_only_what_they_come_before() {
    let convention = Convention { pauses: Pauses::WallTime, ..Convention::OWN };
    let wall = || by(convention, hours(2), Calendar::always());
    let due = |at: &str| format!("2026-03-06T{at}:00Z");
    let once = ["10:00 opened", "11:00 paused", "11:30 resumed"];
    check(wall(), &once, Verdict::Breached, "3d 1h 30m", Some(&due("12:30")));
    // The second begins behind the two hours, but not behind what the first pushed them on to.
    let twice = [&once[..], &["12:15 paused", "12:45 resumed"]].concat();
    check(wall(), &twice, Verdict::Breached, "3d 1h", Some(&due("13:00")));
    let behind = [&once[..], &["12:30 paused", "13:00 resumed"]].concat();
    check(wall(), &behind, Verdict::Breached, "3d 1h", Some(&due("12:30")));
    // Of one that goes on nobody knows, unless it begins when it is due already.
    check(wall(), &["10:00 opened", "11:59 paused"], Verdict::Open, "1h 59m", None);
    check(wall(), &["10:00 opened", "12:00 paused"], Verdict::Breached, "2h", Some(&due("12:00")));
}

#[test]
fn days_begin_and_land_as_the_convention_says() {
    let due = |first_day: FirstDay, last_day: Landing, goal: Goal, start: &str| {
        let policy = policy(by(Convention { first_day, last_day, ..Convention::OWN }, goal, office()));
        let clocks = clocks(&policy, &[&format!("{start} opened")]);
        let due = clocks[0].due(&policy.commitments[0]);
        let due = due.map_or("-".to_owned(), |due| due.to_string());
        due.get(8..16).unwrap_or(&due).to_owned()
    };
    let thursday = "2026-03-05T10:00";
    let next = |last_day: Landing| due(FirstDay::Next, last_day, days(1), thursday);
    assert_eq!(next(Landing::Midnight), "06T18:00", "the last open instant of the day");
    assert_eq!(next(Landing::SameTime), "06T10:00");
    assert_eq!(next(Landing::NextOpen), "06T10:00");
    assert_eq!(next(Landing::Closing), "06T18:00");
    let counted = |last_day: Landing| due(FirstDay::Counted, last_day, days(2), thursday);
    for landing in [Landing::Midnight, Landing::SameTime, Landing::NextOpen, Landing::Closing] {
        assert_eq!(counted(landing), next(landing), "{landing:?}");
    }
    // From a Saturday it is Monday that is the first, counted or not.
    for (landing, expected) in [
        (Landing::Midnight, "09T18:00"),
        (Landing::SameTime, "09T10:00"),
        (Landing::NextOpen, "09T10:00"),
        (Landing::Closing, "09T18:00"),
    ] {
        for first_day in [FirstDay::Next, FirstDay::Counted] {
            assert_eq!(due(first_day, landing, days(1), "2026-03-07T10:00"), expected, "{landing:?}");
        }
    }
    let evening = "2026-03-05T20:00";
    assert_eq!(due(FirstDay::Next, Landing::SameTime, days(1), evening), "06T20:00");
    assert_eq!(due(FirstDay::Next, Landing::NextOpen, days(1), evening), "09T09:00");
    let calendar_days = |first_day: FirstDay, n: u32| {
        due(first_day, Landing::Midnight, Goal::Limit(Limit::CalendarDays(n)), thursday)
    };
    assert_eq!(calendar_days(FirstDay::Next, 1), "06T18:00");
    assert_eq!(calendar_days(FirstDay::Next, 4), "09T18:00");
    assert_eq!(calendar_days(FirstDay::Counted, 1), "05T18:00");
    // More days than there are calendars for.
    for landing in [Landing::SameTime, Landing::NextOpen, Landing::Closing] {
        assert_eq!(due(FirstDay::Next, landing, days(1_000_000), thursday), "never", "{landing:?}");
        let convention = Convention { last_day: landing, ..Convention::OWN };
        let policy = policy(by(convention, days(1_000_000), office()));
        let paused = &clocks(&policy, &["10:00 opened", "11:00 paused"])[0];
        assert_eq!(paused.due(&policy.commitments[0]), Some(Time::NEVER), "no pause puts it off");
    }
}

#[test]
fn a_day_landed_on_is_pushed_by_the_open_time_of_pauses() {
    let convention = Convention { last_day: Landing::SameTime, ..Convention::OWN };
    let landed = || by(convention, days(1), office());
    let thursday = "2026-03-05T10:00 opened";
    let held = [thursday, "2026-03-05T11:00 paused", "2026-03-05T13:00 resumed", "12:00 resolved"];
    check(landed(), &held, Verdict::Kept, "9h", Some("2026-03-06T12:00:00Z"));
    // By night no open time passes: the day stays where it is, be it in closed hours.
    let night = [thursday, "2026-03-05T19:00 paused", "2026-03-05T20:00 resumed", "10:01 resolved"];
    check(landed(), &night, Verdict::Breached, "9h 1m", Some("2026-03-06T10:00:00Z"));
    let open = |at: &str| [thursday.to_owned(), format!("{at} paused")];
    for (pause, due) in [("09:59", None), ("10:00", None), ("10:01", Some("2026-03-06T10:00:00Z"))] {
        let lines = open(pause);
        let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
        let policy = policy(landed());
        let clock = &clocks(&policy, &lines)[0];
        assert_eq!(clock.due(&policy.commitments[0]), due.map(time), "{pause}");
    }
}

fn extended(goal: Goal, gives: Gives, most: Option<u8>) -> Commitment {
    let extension = Some(Extension { on: on("t.extended"), gives, most });
    Commitment { extension, ..commitment(goal, Calendar::always()) }
}

#[test]
fn more_time_is_given_while_some_is_left_and_as_often_as_allowed() {
    let hour = Gives::More(Limit::Duration(Span::from_hours(1)));
    let with = |most: Option<u8>| extended(hours(2), hour.clone(), most);
    let due = |at: &str| format!("2026-03-06T{at}:00Z");
    let asked = ["10:00 opened", "11:00 extended", "12:00 extended", "13:00 extended", "13:30 resolved"];
    check(with(None), &asked, Verdict::Kept, "3h 30m", Some(&due("15:00")));
    check(with(Some(2)), &asked, Verdict::Kept, "3h 30m", Some(&due("14:00")));
    check(with(Some(1)), &asked, Verdict::Breached, "3h 30m", Some(&due("13:00")));
    check(with(Some(0)), &asked, Verdict::Breached, "3h 30m", Some(&due("12:00")));
    let late = ["10:00 opened", "12:01 extended", "12:30 resolved"];
    check(with(None), &late, Verdict::Breached, "2h 30m", Some(&due("12:00")));
    let policy = policy(with(Some(2)));
    let clock = &clocks(&policy, &asked)[0];
    assert_eq!((clock.extended().times, clock.extended().until), (2, None));
    assert_eq!(clocks(&policy, &asked[..1])[0].extended().times, 0);
    // Whoever gave more time gave it for good: another goal changes nothing after it.
    let goal = extended(table(), hour, None);
    let changed = ["10:00 opened priority=P1", "11:00 extended", "11:30 changed priority=P3"];
    check(goal, &changed, Verdict::Breached, "3d 2h", Some(&due("13:00")));
}

#[test]
fn time_is_given_in_the_unit_of_the_goal() {
    let more = |limit: Limit| Gives::More(limit);
    let budget = |convention: Convention, goal: Goal, gives: Gives, lines: &[&str]| {
        let extended = Commitment { convention, ..extended(goal, gives, None) };
        clocks(&policy(extended), lines)[0].goal
    };
    let asked = ["10:00 opened", "11:00 extended"];
    let (hour, own) = (Limit::Duration(Span::from_hours(1)), Convention::OWN);
    let wall = Convention { pauses: Pauses::WallTime, ..own };
    let landed = Convention { last_day: Landing::SameTime, ..own };
    let span = Span::from_hours;
    assert_eq!(budget(own, hours(2), more(hour), &asked), Some(Budget::Open(span(3))));
    assert_eq!(budget(wall, hours(2), more(hour), &asked), Some(Budget::Wall(span(3))));
    // A day more than the end of Saturday is the end of Sunday.
    let day = more(Limit::WorkingDays(1));
    assert_eq!(budget(own, days(1), day.clone(), &asked), Some(Budget::Days(span(14 + 24 + 24))));
    let landing = |text: &str| Some(Budget::Landed(time(&format!("2026-03-{text}:00Z"))));
    assert_eq!(budget(landed, days(1), day.clone(), &asked), landing("08T10:00"));
    assert_eq!(budget(landed, days(1), more(hour), &asked), landing("07T11:00"));
    // What lands while it is closed lands at the same time a day later, too.
    let evening = Commitment { calendar: Arc::new(office()), ..extended(days(1), day.clone(), None) };
    let evening = Commitment { convention: landed, ..evening };
    let asked_late = ["2026-03-05T20:00 opened", "2026-03-05T21:00 extended"];
    check(evening, &asked_late, Verdict::Open, "12h", Some("2026-03-09T20:00:00Z"));
    // Two hours, and a day that lands at the same time.
    assert_eq!(budget(landed, hours(2), day.clone(), &asked), Some(Budget::Open(span(26))));
    let promised = Goal::At { attribute: "by".into() };
    let asked = ["10:00 opened by=2026-03-06T12:00:00Z", "11:00 extended"];
    let until = time("2026-03-06T13:00:00Z");
    assert_eq!(budget(own, promised, more(hour), &asked), Some(Budget::At(until)));
}

#[test]
fn as_many_days_are_given_as_are_said_whatever_day_is_the_first() {
    let day = || Gives::More(Limit::WorkingDays(1));
    for (last_day, due) in [(Landing::Midnight, "08T00:00"), (Landing::SameTime, "07T10:00")] {
        let convention = Convention { first_day: FirstDay::Counted, last_day, ..Convention::OWN };
        let extended = Commitment { convention, ..extended(days(1), day(), None) };
        // Friday is the first day, and Saturday is given.
        let due = format!("2026-03-{due}:00Z");
        check(extended, &["10:00 opened", "10:00 extended"], Verdict::Breached, "3d 2h", Some(&due));
    }
}

#[test]
fn days_put_a_promised_instant_off_by_days_of_its_calendar() {
    let due = |last_day: Landing, more: Limit| {
        let promised = extended(Goal::At { attribute: "by".into() }, Gives::More(more), None);
        let convention = Convention { last_day, ..Convention::OWN };
        let policy = policy(Commitment { convention, calendar: Arc::new(office()), ..promised });
        let lines = ["2026-03-04T10:00 opened by=2026-03-05T12:00:00Z", "2026-03-05T09:00 extended"];
        clocks(&policy, &lines)[0].goal
    };
    let promised = |text: &str| Some(Budget::At(at(text)));
    assert_eq!(due(Landing::Midnight, Limit::Duration(Span::from_hours(8))), promised("05T20:00"));
    assert_eq!(due(Landing::Midnight, Limit::WorkingDays(1)), promised("06T18:00"));
    assert_eq!(due(Landing::SameTime, Limit::WorkingDays(2)), promised("09T12:00"));
    assert_eq!(due(Landing::Closing, Limit::WorkingDays(1)), promised("06T18:00"));
    assert_eq!(due(Landing::Midnight, Limit::CalendarDays(1)), promised("06T18:00"));
}

#[test]
fn an_extension_may_name_the_instant_until_which_it_lasts() {
    let until = || extended(hours(2), Gives::Until("until".into()), Some(1));
    let due = |at: &str| format!("2026-03-06T{at}:00Z");
    let ask = |until: &str| format!("11:00 extended until=2026-03-06T{until}:00Z");
    let told = |ask: &str, verdict: Verdict, expected: &str| {
        check(until(), &["10:00 opened", ask, "14:00 resolved"], verdict, "4h", Some(&due(expected)));
    };
    told(&ask("15:00"), Verdict::Kept, "15:00");
    told(&ask("11:00"), Verdict::Breached, "11:00");
    told(&ask("10:59"), Verdict::Breached, "12:00");
    told("11:00 extended", Verdict::Breached, "12:00");
    // What gives nothing is not counted among those that may.
    let again = ["10:00 opened", "10:30 extended", &ask("15:00"), "14:00 resolved"];
    check(until(), &again, Verdict::Kept, "4h", Some(&due("15:00")));
    let policy = policy(until());
    let clock = &clocks(&policy, &again)[0];
    assert_eq!((clock.extended().times, clock.extended().until), (1, Some(time(&due("15:00")))));
    // The event that asks says until when, not another of the same instant.
    let beside = ["10:00 opened", "11:00 noted until=2026-03-06T16:00:00Z", &ask("15:00"), "14:00 resolved"];
    check(until(), &beside, Verdict::Kept, "4h", Some(&due("15:00")));
}

#[test]
fn a_commitment_that_repeats_runs_once_at_a_time() {
    let lines = ["10:00 opened", "10:30 opened", "11:00 resolved", "12:00 opened"];
    let once = policy(commitment(hours(2), Calendar::always()));
    assert_eq!(told(&once, &lines), ["stopped 06T11:00"]);
    let repeating = || Commitment { repeats: true, ..commitment(hours(2), Calendar::always()) };
    assert_eq!(told(&policy(repeating()), &lines), ["stopped 06T11:00", "running 06T12:00"]);
    // An event that stops what it starts stops the one and starts the next; without repetition it starts it only to stop.
    let update = |repeats: bool| {
        let mut update = Commitment { repeats, ..repeating() };
        update.stop = Stop::Any(on("t.opened"));
        policy(update)
    };
    let updates = ["10:00 opened", "11:00 opened"];
    assert_eq!(told(&update(true), &updates), ["stopped 06T11:00", "running 06T11:00"]);
    assert_eq!(told(&update(false), &updates), ["stopped 06T10:00"]);
    // Two events of one instant, of which one stops and the other starts, are not one that does both.
    let beside = ["10:00 opened", "11:00 resolved", "11:00 opened"];
    assert_eq!(told(&policy(repeating()), &beside), ["stopped 06T11:00"]);
}

#[test]
fn a_reset_takes_the_promise_back_and_starts_anew() {
    let reset = Commitment { reset: on("t.moved"), ..commitment(hours(2), Calendar::always()) };
    let policy = policy(reset);
    let lines = ["10:00 opened", "11:00 moved", "12:30 resolved"];
    assert_eq!(told(&policy, &lines), ["cancelled 06T11:00", "stopped 06T12:30"]);
    let clocks = clocks(&policy, &lines);
    assert_eq!(clocks.iter().map(|clock| clock.start_index).collect::<Vec<_>>(), [0, 1]);
    assert_eq!(told(&policy, &["10:00 moved", "11:00 opened"]), ["running 06T11:00"], "nothing to take back");
    // It comes after a stop of the same instant, and before a pause.
    assert_eq!(told(&policy, &["10:00 opened", "11:00 moved", "11:00 resolved"]), ["stopped 06T11:00"]);
    let paused = ["10:00 opened", "11:00 moved", "11:00 paused"];
    assert_eq!(told(&policy, &paused), ["cancelled 06T11:00", "paused 06T11:00"]);
}

#[test]
fn each_who_has_the_case_has_a_clock_of_their_own() {
    let mut per = commitment(table(), Calendar::always());
    per.start = on("t.assigned");
    per.per = Some("group".into());
    let policy = policy(per);
    let lines = [
        "10:00 assigned group=first priority=P1",
        "10:30 assigned group=first",
        "11:00 assigned group=second",
        "11:30 changed priority=P3",
        "12:00 assigned group=first",
        "13:00 resolved",
    ];
    assert_eq!(told(&policy, &lines), ["stopped 06T11:00", "stopped 06T12:00", "stopped 06T13:00"]);
    let clocks = clocks(&policy, &lines);
    assert!(clocks[0].whose() == clocks[2].whose() && clocks[0].whose() != clocks[1].whose());
    assert!(clocks.iter().all(|clock| clock.whose() != 0));
    let goals = clocks.iter().map(|clock| clock.goal);
    let hours = |n: i64| Some(Budget::Open(Span::from_hours(n)));
    assert_eq!(goals.collect::<Vec<_>>(), [hours(2), hours(8), hours(8)]);
    // Whoever hands the case over keeps the own goal, also if the priority changes with it.
    let handed = ["10:00 assigned group=first priority=P1", "11:00 assigned group=second priority=P3"];
    let goals = super::clocks(&policy, &handed);
    assert_eq!(goals.iter().map(|clock| clock.goal).collect::<Vec<_>>(), [hours(2), hours(8)]);
}

#[test]
fn of_rivals_the_first_in_scope_is_the_only_one() {
    let rival = |name: &str, kind: Option<&str>, first_of: Option<&str>| {
        let scope =
            kind.map(|kind| Test { attribute: "kind".into(), one_of: vec![kind.into()], is_not: false });
        let first_of = first_of.map(Arc::from);
        let scope = scope.into_iter().collect();
        Commitment { name: name.into(), scope, first_of, ..commitment(hours(2), Calendar::always()) }
    };
    let names = |rivals: Vec<Commitment>, line: &str| {
        let policy = Policy::new(rivals, vec![], vec![], Counting::default()).expect("valid");
        let started = clocks(&policy, &[line]);
        let name = |clock: &Clock| policy.commitments[usize::from(clock.commitment)].name.to_string();
        started.iter().map(name).collect::<Vec<_>>()
    };
    let answers = |other: Option<&str>| {
        vec![rival("vip", Some("vip"), Some("answer")), rival("all", None, other), rival("else", None, None)]
    };
    assert_eq!(names(answers(Some("answer")), "10:00 opened kind=vip"), ["vip", "else"]);
    assert_eq!(names(answers(Some("answer")), "10:00 opened"), ["all", "else"]);
    assert_eq!(names(answers(Some("repair")), "10:00 opened kind=vip"), ["vip", "all", "else"]);
    assert_eq!(names(answers(None), "10:00 opened kind=vip"), ["vip", "all", "else"]);
}

#[test]
fn a_scope_may_name_what_a_case_is_not() {
    let scoped = |one_of: &[&str], is_not: bool| {
        let one_of = one_of.iter().map(|text| (*text).into()).collect();
        let scope = vec![Test { attribute: "kind".into(), one_of, is_not }];
        policy(Commitment { scope, ..commitment(hours(2), Calendar::always()) })
    };
    let starts = |policy: &Policy| {
        ["10:00 opened", "10:00 opened kind=a", "10:00 opened kind=b"]
            .map(|line| clocks(policy, &[line]).len())
    };
    assert_eq!(starts(&scoped(&["a"], false)), [0, 1, 0]);
    assert_eq!(starts(&scoped(&["a"], true)), [0, 0, 1], "it must be there all the same");
    assert_eq!(starts(&scoped(&[], false)), [0, 1, 1]);
    assert_eq!(starts(&scoped(&[], true)), [0, 1, 1]);
}

#[test]
fn conditions_test_the_event_s_own_attributes() {
    let stop_if = |one_of: &[&str], is_not: bool| {
        let mut stopped = commitment(hours(2), Calendar::always());
        let mut stop = on("t.resolved");
        let one_of = one_of.iter().map(|text| (*text).into()).collect();
        stop[0].tests = vec![Test { attribute: "how".into(), one_of, is_not }];
        stopped.stop = Stop::Any(stop);
        policy(stopped)
    };
    let stops = |policy: &Policy| {
        let lines = ["11:00 resolved", "11:00 resolved how=well", "11:00 resolved how=badly"];
        lines.map(|line| clocks(policy, &["10:00 opened how=well", line])[0].phase == Phase::Stopped)
    };
    assert_eq!(stops(&stop_if(&["well"], false)), [false, true, false]);
    assert_eq!(stops(&stop_if(&["well"], true)), [false, false, true]);
    assert_eq!(stops(&stop_if(&[], false)), [false, true, true]);
}

/// The clocks that each event touches, one step after the other, a bit each.
fn touched(policy: &Policy, lines: &[&str]) -> Vec<u64> {
    let json = super::events(lines);
    let events: Vec<Event<'_>> = json.iter().map(|line| decode(line.as_bytes()).expect("valid")).collect();
    let facts = facts(policy, &events);
    let (mut clocks, mut values) = (Vec::new(), Values::new());
    let steps = facts.iter().enumerate().map(|(n, fact)| {
        overlay(&mut values, &fact.matched.values);
        step(policy, &mut clocks, &values, n, std::slice::from_ref(fact))
    });
    let touched = steps.collect();
    assert_eq!(clocks, fold(policy, &facts));
    touched
}

#[test]
fn a_step_names_the_clocks_that_it_touched() {
    let fixed = Convention { change: Change::Ignored, ..Convention::OWN };
    let other = Commitment { name: "other".into(), ..by(fixed, hours(4), Calendar::always()) };
    let both = vec![commitment(table(), Calendar::always()), other];
    let both = Policy::new(both, vec![], vec![], Counting::default()).expect("valid");
    let lines = ["10:00 opened priority=P1", "11:00 changed priority=P3", "12:00 noted", "13:00 resolved"];
    assert_eq!(touched(&both, &lines), [0b11, 0b01, 0b11], "what says nothing that matters is not kept");
    assert_eq!(step(&both, &mut Vec::new(), &Values::new(), 0, &[]), 0);
    let reopened = Commitment {
        repeats: true,
        reset: on("t.moved"),
        ..by(Convention { reopen: Reopen::GoesOn, ..Convention::OWN }, hours(2), Calendar::always())
    };
    let reopened = policy(reopened);
    let lines =
        ["10:00 opened", "11:00 resolved", "12:00 opened", "13:00 moved", "14:00 resolved", "15:00 reopened"];
    assert_eq!(touched(&reopened, &lines), [0b001, 0b001, 0b010, 0b110, 0b100, 0b100]);
    let indices: Vec<u16> = clocks(&reopened, &lines).iter().map(|clock| clock.start_index).collect();
    assert_eq!(indices, [0, 2, 3]);
    // Whoever hands a case over is touched, and so is whoever gets it.
    let mut per = Commitment { per: Some("group".into()), ..commitment(hours(2), Calendar::always()) };
    per.start = on("t.assigned");
    let lines = ["10:00 assigned group=first", "11:00 assigned group=second", "12:00 assigned group=third"];
    assert_eq!(touched(&policy(per), &lines), [0b001, 0b011, 0b110]);
}

#[test]
fn clocks_beyond_sixty_three_share_a_bit() {
    assert_eq!([0, 1, 62, 63, 64, 900].map(bit), [1, 2, 1 << 62, 1 << 63, 1 << 63, 1 << 63]);
}
