//! A case worked out from outside: an office open Monday to Friday, 09:00 to 18:00, in the week of Monday 2026-03-02.

use std::sync::Arc;

use super::{at, office};
use crate::calendar::{Calendar, Spec};
use crate::sla::due::{Answer, Case, Change, Day, Goal, Half, Offset, Step, days, work_out};
use crate::sla::terms::{Boundary, Landing};
use crate::time::{Span, Time};

use Step::{Change as Changed, Evaluate, Pause, Resume, Start, Stop};

const FROM_START: Change = Change { from_start: true, with_pauses: true };
const FRIDAY: [(&str, Step); 4] =
    [("06T10:00", Start), ("06T11:00", Pause), ("06T13:00", Resume), ("09T10:00", Stop)];

fn open(minutes: i64) -> Goal {
    Goal::Open(Span::from_minutes(minutes))
}

fn case(goal: Goal, events: &[(&str, Step)]) -> Case {
    Case {
        calendar: Arc::new(office()),
        events: events.iter().map(|(when, step)| (at(when), *step)).collect(),
        goal: Some(goal),
        goal_before: None,
        boundary: Boundary::IntervalEnd,
        change: FROM_START,
        warning: None,
    }
}

fn answer(case: &Case) -> Answer {
    work_out(case).expect("it starts")
}

/// When a goal is due, `-` for never, of a case that is not ended.
fn due(goal: Goal, events: &[(&str, Step)]) -> String {
    shown(answer(&case(goal, events)).due)
}

fn shown(at: Option<Time>) -> String {
    at.map_or("-".to_owned(), |at| at.to_string()[8..16].to_owned())
}

#[test]
fn a_case_says_all_that_can_be_said_of_it() {
    let late = Case { warning: Some(Offset::Open(Span::from_hours(-1))), ..case(open(360), &FRIDAY) };
    let expected = Answer {
        due: Some(at("06T18:00")),
        due_before: None,
        elapsed: Some(Span::from_hours(7)),
        actual: Some(Span::from_days(3)),
        late: Some(Span::from_hours(1)),
        hold: Some(Span::from_hours(2)),
        breached: Some(true),
        warning: Some(at("06T17:00")),
        started: at("06T10:00"),
        pauses: vec![(at("06T11:00"), Some(at("06T13:00")))],
        end: Some(at("09T10:00")),
    };
    assert_eq!(answer(&late), expected);
    let mut shuffled = late.clone();
    shuffled.events.reverse();
    assert_eq!(answer(&shuffled), expected, "the order in which events are given says nothing");
    let told = |goal: Option<Goal>| {
        let answer = answer(&Case { goal, ..case(open(0), &FRIDAY) });
        (answer.due, answer.breached, answer.late)
    };
    assert_eq!(told(None), (None, None, None), "no goal, no verdict");
    assert_eq!(told(Some(open(420))), (Some(at("09T10:00")), Some(false), Some(Span::ZERO)), "exactly kept");
    assert_eq!(told(Some(open(419))).1, Some(true));
    assert_eq!(told(Some(open(600))), (Some(at("09T13:00")), Some(false), Some(Span::ZERO)));
}

#[test]
fn a_look_judges_a_case_that_goes_on_and_does_not_end_it() {
    let seen = answer(&case(open(60), &[("06T10:00", Start), ("06T12:00", Evaluate)]));
    assert_eq!((seen.breached, seen.late), (Some(true), Some(Span::from_hours(1))));
    assert_eq!((seen.actual, seen.hold, seen.end), (None, None, Some(at("06T12:00"))));
    let unseen = answer(&case(open(60), &[("06T10:00", Start)]));
    assert_eq!((unseen.breached, unseen.elapsed, unseen.end), (None, None, None));
    let ended = answer(&case(open(60), &[("06T10:00", Start), ("06T10:30", Stop), ("06T12:00", Evaluate)]));
    assert_eq!(
        (ended.breached, ended.end),
        (Some(false), Some(at("06T10:30"))),
        "nothing counts after a stop"
    );
}

#[test]
fn what_does_not_fit_what_a_clock_is_doing_changes_nothing() {
    let twice = [("06T10:00", Start), ("06T10:30", Start), ("06T11:00", Pause), ("06T12:00", Pause)];
    let paused = answer(&case(open(120), &twice));
    assert_eq!((paused.pauses, paused.hold), (vec![(at("06T11:00"), None)], None));
    assert_eq!((paused.started, paused.due), (at("06T10:00"), None), "paused before it is due");
    let stopped = [("06T10:00", Start), ("06T11:00", Stop)];
    for after in [Resume, Pause, Stop, Start] {
        let answer = answer(&case(open(120), &[&stopped[..], &[("06T12:00", after)]].concat()));
        assert_eq!((answer.end, answer.pauses), (Some(at("06T11:00")), vec![]), "{after:?}");
    }
    assert_eq!(work_out(&case(open(120), &[("06T10:00", Pause), ("06T11:00", Stop)])), None);
    let over = answer(&case(open(120), &[("06T09:30", Stop), ("06T10:00", Start), ("06T11:00", Pause)]));
    assert_eq!((over.actual, over.elapsed), (Some(Span::ZERO), Some(Span::ZERO)), "over as it starts");
    assert_eq!(over.breached, Some(false));
}

#[test]
fn a_goal_used_up_at_a_closing_is_due_there_or_at_the_next_opening() {
    let friday = [("06T16:00", Start)];
    let due_at = |boundary: Boundary, minutes: i64, events: &[(&str, Step)]| {
        shown(answer(&Case { boundary, ..case(open(minutes), events) }).due)
    };
    assert_eq!(due_at(Boundary::IntervalEnd, 120, &friday), "06T18:00");
    assert_eq!(due_at(Boundary::NextOpen, 120, &friday), "09T09:00");
    assert_eq!(due_at(Boundary::NextOpen, 60, &friday), "06T17:00");
    // No time at all begins to count where the office opens, whatever the boundary.
    for boundary in [Boundary::IntervalEnd, Boundary::NextOpen] {
        assert_eq!(due_at(boundary, 0, &[("07T12:00", Start)]), "09T09:00");
        assert_eq!(due_at(boundary, 0, &friday), "06T16:00");
    }
    // Used up exactly where a pause begins: nobody knows when the clock goes on.
    let paused = [("06T10:00", Start), ("06T12:00", Pause)];
    assert_eq!(due_at(Boundary::IntervalEnd, 120, &paused), "06T12:00");
    assert_eq!(due_at(Boundary::NextOpen, 120, &paused), "-");
}

#[test]
fn goals_in_working_days_land_where_they_are_told_to() {
    let days = |n: i64, landing: Landing| Goal::WorkingDays(n, landing);
    let thursday = [("05T10:00", Start)];
    assert_eq!(due(days(1, Landing::SameTime), &thursday), "06T10:00");
    assert_eq!(due(days(1, Landing::NextOpen), &thursday), "06T10:00");
    assert_eq!(due(days(1, Landing::Closing), &thursday), "06T18:00");
    assert_eq!(due(days(1, Landing::Midnight), &thursday), "07T00:00");
    assert_eq!(due(days(2, Landing::SameTime), &thursday), "09T10:00");
    assert_eq!(due(days(-1, Landing::SameTime), &thursday), "04T10:00");
    assert_eq!(due(days(1, Landing::NextOpen), &[("05T20:00", Start)]), "09T09:00");
    let held = [("05T10:00", Start), ("05T11:00", Pause), ("05T13:00", Resume)];
    assert_eq!(due(days(1, Landing::SameTime), &held), "06T12:00", "pauses are put behind it");
    // A pause that goes on and began before it is due may last for ever; one that began after it does not matter.
    for (pause, expected) in [("06T09:59", "-"), ("06T10:00", "-"), ("06T10:01", "06T10:00")] {
        assert_eq!(due(days(1, Landing::SameTime), &[("05T10:00", Start), (pause, Pause)]), expected);
    }
}

#[test]
fn a_goal_in_working_days_is_broken_after_its_instant() {
    let judged = |stop: &str| {
        let goal = Goal::WorkingDays(1, Landing::Closing);
        let answer = answer(&case(goal, &[("05T10:00", Start), (stop, Stop)]));
        (answer.breached, answer.late)
    };
    assert_eq!(judged("06T12:00"), (Some(false), Some(Span::ZERO)));
    assert_eq!(judged("06T18:00"), (Some(false), Some(Span::ZERO)));
    assert_eq!(judged("07T12:00"), (Some(true), Some(Span::ZERO)), "late, though by no working time");
    assert_eq!(judged("09T10:00"), (Some(true), Some(Span::from_hours(1))));
    let unknown = [("05T10:00", Start), ("05T11:00", Pause), ("09T10:00", Evaluate)];
    let unknown = answer(&case(Goal::WorkingDays(1, Landing::Closing), &unknown));
    assert_eq!((unknown.breached, unknown.late), (Some(false), Some(Span::ZERO)));
}

#[test]
fn people_are_told_so_long_before_or_after_it_is_due() {
    let told = |goal: Goal, events: &[(&str, Step)], offset: Offset| {
        shown(answer(&Case { warning: Some(offset), ..case(goal, events) }).warning)
    };
    let by = |minutes: i64| Offset::Open(Span::from_minutes(minutes));
    let friday = &FRIDAY[..3];
    // Six hours, of which one is used before the pause: due at 18:00.
    assert_eq!(told(open(360), friday, by(-60)), "06T17:00");
    assert_eq!(told(open(360), friday, by(-330)), "06T10:30", "pauses move it as they move the due instant");
    assert_eq!(told(open(360), friday, by(60)), "09T10:00");
    assert_eq!(told(open(360), friday, by(-600)), "06T10:00", "not before the start");
    assert_eq!(told(open(360), friday, Offset::WorkingDays(-1)), "05T18:00");
    let closing = Goal::WorkingDays(1, Landing::SameTime);
    let thursday = [("05T10:00", Start)];
    assert_eq!(told(closing, &thursday, by(-120)), "05T17:00");
    assert_eq!(told(closing, &thursday, by(120)), "06T12:00");
    assert_eq!(told(closing, &thursday, by(0)), "06T10:00");
    assert_eq!(told(closing, &thursday, Offset::WorkingDays(-2)), "04T10:00");
    let paused = [("06T10:00", Start), ("06T11:00", Pause)];
    assert_eq!(told(open(120), &paused, by(-60)), "-", "nothing is due, nothing is told");
    let eternity = by(60 * 24 * 365 * 100);
    assert_eq!(told(open(120), &[("06T10:00", Start)], eternity), "-", "beyond all calendars");
    assert_eq!(told(closing, &thursday, eternity), "-");
}

#[test]
fn a_changed_goal_counts_from_the_start_or_from_the_change() {
    // Two hours became four: an hour used, an hour paused, an hour used, and the change at 13:00.
    let events = [
        ("06T10:00", Start),
        ("06T11:00", Pause),
        ("06T12:00", Resume),
        ("06T13:00", Changed),
        ("06T14:00", Pause),
        ("06T14:30", Resume),
        ("06T17:00", Stop),
    ];
    let changed = |change: Change| {
        let answer = answer(&Case { goal_before: Some(open(120)), change, ..case(open(240), &events) });
        let elapsed = answer.elapsed.expect("it has stopped").to_string();
        (shown(answer.due), shown(answer.due_before), elapsed)
    };
    let expected = |due: &str, elapsed: &str| (due.to_owned(), "06T13:00".to_owned(), elapsed.to_owned());
    assert_eq!(changed(FROM_START), expected("06T15:30", "5h 30m"));
    let without_pauses = Change { with_pauses: false, ..FROM_START };
    assert_eq!(changed(without_pauses), expected("06T14:00", "6h 30m"));
    for with_pauses in [true, false] {
        let anew = Change { from_start: false, with_pauses };
        assert_eq!(changed(anew), expected("06T17:30", "3h 30m"), "pauses: {with_pauses}");
    }
    let unchanged = Case { goal_before: Some(open(120)), ..case(open(240), &FRIDAY) };
    assert_eq!(answer(&unchanged).due_before, None, "what did not change was nothing else before");
}

#[test]
fn what_happens_at_the_instant_of_a_change_belongs_to_both_sides() {
    let events = [("06T10:00", Start), ("06T11:00", Pause), ("06T13:00", Resume), ("06T13:00", Changed)];
    let before = Case { goal_before: Some(open(120)), ..case(open(240), &events) };
    assert_eq!(shown(answer(&before).due_before), "06T14:00");
    assert_eq!(shown(answer(&before).due), "06T16:00");
    let paused = [("06T10:00", Start), ("06T12:00", Changed), ("06T12:00", Pause), ("06T13:00", Resume)];
    for change in [FROM_START, Change { from_start: false, with_pauses: false }] {
        let case = Case { goal_before: Some(open(180)), change, ..case(open(240), &paused) };
        let due = if change.from_start { "06T15:00" } else { "06T17:00" };
        assert_eq!((shown(answer(&case).due), shown(answer(&case).due_before)), (due.into(), "-".into()));
    }
    // Later pauses do not move what was due before the change.
    let later = [("06T10:00", Start), ("06T11:00", Changed), ("06T11:30", Pause), ("06T12:00", Resume)];
    let later = Case { goal_before: Some(open(120)), ..case(open(240), &later) };
    assert_eq!(shown(answer(&later).due_before), "06T12:00");
}

/// The half-hours of a day as signs, six hours a word.
fn drawn(day: &Day) -> String {
    let sign = |half: &Half| match half {
        Half::Closed => '.',
        Half::Open => 'o',
        Half::Counted => '#',
        Half::Paused => 'p',
        Half::Due => '!',
    };
    let words = day.halves.chunks(12).map(|half| half.iter().map(sign).collect::<String>());
    words.collect::<Vec<_>>().join(" ")
}

fn days_drawn(case: &Case, most: usize) -> (Vec<String>, i64) {
    let (days, more) = days(case, &answer(case), most);
    (days.iter().map(|day| format!("{} {}", day.date, drawn(day))).collect(), more)
}

#[test]
fn a_day_is_drawn_half_hour_by_half_hour() {
    let events = [("06T10:00", Start), ("06T12:00", Pause), ("06T13:00", Resume), ("06T17:00", Stop)];
    let friday = |goal: i64, events: &[(&str, Step)]| days_drawn(&case(open(goal), events), 9).0;
    assert_eq!(friday(300, &events), ["2026-03-06 ............ ......oo#### pp#####!##oo ............"]);
    // Due inside a half-hour, and never ended: what lies behind it is not counted.
    assert_eq!(friday(290, &events[..3]), ["2026-03-06 ............ ......oo#### pp#####!oooo ............"]);
    // Due exactly at the end of a half-hour belongs to it, not to the next.
    assert_eq!(friday(120, &events[..1]), ["2026-03-06 ............ ......oo###! oooooooooooo ............"]);
    // A half-hour is what it is in its middle.
    let middles = [("06T09:15", Start), ("06T11:15", Pause), ("06T12:15", Resume), ("06T13:15", Stop)];
    let middles = Case { goal: None, ..case(open(0), &middles) };
    assert_eq!(days_drawn(&middles, 9).0, ["2026-03-06 ............ ......####pp ##oooooooooo ............"]);
    // What begins with its day and goes no further has that day.
    let midnight = Case { goal: None, ..case(open(0), &[("06T00:00", Start)]) };
    assert_eq!(
        days_drawn(&midnight, 9).0,
        ["2026-03-06 ............ ......###### ############ ............"]
    );
    // Without a due instant or an end it is counted for ever, and a pause that goes on is one for ever.
    let none = Case { goal: None, ..case(open(0), &events[..2]) };
    assert_eq!(days_drawn(&none, 9).0, ["2026-03-06 ............ ......oo#### pppppppppppp ............"]);
}

#[test]
fn as_many_days_are_drawn_as_are_asked_for_and_about_so_many_more_there_are() {
    let weekend = case(open(120), &[("06T10:00", Start), ("09T12:00", Stop)]);
    let dates = |most: usize| {
        let (days, more) = days_drawn(&weekend, most);
        (days.iter().map(|day| day[8..10].to_owned()).collect::<Vec<_>>().join(" "), more)
    };
    assert_eq!(dates(9), ("06 07 08 09".to_owned(), 0));
    assert_eq!(dates(4), ("06 07 08 09".to_owned(), 0));
    // Never less than there are, and never two more.
    for (most, left) in [(3, 1), (2, 2), (1, 3)] {
        let (days, more) = dates(most);
        assert_eq!(days.len() + 1, 3 * most);
        assert!((left..=left + 1).contains(&more), "{more} more of {left}");
    }
    let overnight = case(open(120), &[("06T23:00", Start), ("10T01:00", Stop)]);
    assert_eq!(days_drawn(&overnight, 1).1, 4, "three days and two hours touch five dates");
}

#[test]
fn days_are_those_of_the_calendar_s_zone() {
    let spec = Spec {
        zone: "Asia/Shanghai".into(),
        weekly: std::array::from_fn(|_| vec![(540, 1_080)]),
        ..Default::default()
    };
    let calendar = Arc::new(Calendar::compile(&spec).expect("valid"));
    // 17:30 in Shanghai; an hour is used up half an hour after the next opening, at 01:30 UTC.
    let case = Case { calendar, ..case(open(60), &[("06T09:30", Start)]) };
    let (days, more) = days_drawn(&case, 9);
    let expected = [
        "2026-03-06 ............ ......oooooo ooooooooooo# ............",
        "2026-03-07 ............ ......!ooooo oooooooooooo ............",
    ];
    assert_eq!((days, more), (expected.map(String::from).to_vec(), 0));
}
