//! One clock: where it is at a mark, when people hear of it, and how late it was.

use super::{at, commitment, hours, office, open, running};
use crate::calendar::Calendar;
use crate::sla::clock::{Budget, Clock, Phase, Reach};
use crate::sla::policy::Commitment;
use crate::sla::terms::{Boundary, Convention, Mark};
use crate::time::{Span, Time};

const HALF: Mark = Mark::Share(0.5);

/// Friday 10:00, and from 11:00 to 12:00 it is paused.
fn paused_for_an_hour(goal: Budget) -> Clock {
    let mut clock = running("06T10:00", goal);
    clock.enter(Phase::Paused, at("06T11:00"));
    clock.enter(Phase::Running, at("06T12:00"));
    clock
}

fn stopped(mut clock: Clock, end: &str) -> Clock {
    clock.enter(Phase::Stopped, at(end));
    clock
}

fn reach(clock: &Clock, calendar: &Calendar, mark: Mark) -> Option<(Time, Time)> {
    clock.reach(calendar, mark).map(|Reach { reached, beyond }| (reached, beyond))
}

#[test]
fn pauses_that_touch_are_one_and_those_without_length_are_none() {
    let mut clock = running("06T10:00", open(8));
    assert_eq!((clock.pauses(), clock.heap_bytes()), (&[][..], 0));
    let mut pause = |from: &str, to: &str| {
        clock.enter(Phase::Paused, at(from));
        clock.enter(Phase::Running, at(to));
        clock.pauses().to_vec()
    };
    assert_eq!(pause("06T11:00", "06T11:00"), []);
    assert_eq!(pause("06T11:00", "06T12:00"), [(at("06T11:00"), at("06T12:00"))]);
    assert_eq!(pause("06T12:00", "06T13:00"), [(at("06T11:00"), at("06T13:00"))]);
    let two = [(at("06T11:00"), at("06T13:00")), (at("06T14:00"), at("06T15:00"))];
    assert_eq!(pause("06T14:00", "06T15:00"), two);
    let always = Calendar::always();
    assert_eq!(clock.held(&always, at("06T14:30")), Span::from_minutes(150));
    assert_eq!(clock.elapsed(&always, at("06T16:00")), Span::from_hours(3));
}

#[test]
fn what_few_clocks_have_is_counted_as_room_only_where_it_is() {
    let mut clock = running("06T10:00", open(8));
    assert_eq!(clock.heap_bytes(), 0);
    for n in 0..100 {
        clock.enter(Phase::Paused, at("06T11:00") + Span::from_minutes(2 * n));
        clock.enter(Phase::Running, at("06T11:01") + Span::from_minutes(2 * n));
    }
    let pauses = 100 * size_of::<(Time, Time)>();
    assert!((pauses..=3 * pauses).contains(&clock.heap_bytes()), "{}", clock.heap_bytes());
}

#[test]
fn a_clock_remembers_what_it_was_given_and_judged_by() {
    let mut clock = running("06T10:00", open(8));
    assert_eq!((clock.whose(), clock.extended().times), (0, 0));
    clock.belongs_to(7);
    assert_eq!(clock.whose(), 7);
    clock.extend(Some(at("06T18:00")));
    clock.extend(None);
    assert_eq!((clock.extended().times, clock.extended().until), (2, Some(at("06T18:00"))));
    let judged = [None, Some(3), Some(3), None].map(|value| clock.judge_by(value));
    assert_eq!(judged, [false, true, false, true], "whether it is another value than before");
}

#[test]
fn a_mark_is_reached_at_its_share_of_the_goal() {
    let always = Calendar::always();
    let at_instant = |text: &str| Some((at(text), at(text)));
    let reach = |goal: Budget, mark: Mark| reach(&paused_for_an_hour(goal), &always, mark);
    let (instant, hour) = (at("06T14:00"), Span::from_hours(1));
    let late = Mark::Offset(hour);
    assert_eq!(
        [HALF, Mark::DUE, late].map(|mark| reach(open(4), mark)),
        [at_instant("06T13:00"), at_instant("06T15:00"), at_instant("06T16:00"),]
    );
    // A promised instant does not move, but half the way to it does. One that is landed on moves.
    let promised = [HALF, Mark::DUE, late].map(|mark| reach(Budget::At(instant), mark));
    assert_eq!(promised, [at_instant("06T13:00"), at_instant("06T14:00"), at_instant("06T16:00")]);
    let landed = [HALF, Mark::DUE, late].map(|mark| reach(Budget::Landed(instant), mark));
    assert_eq!(landed, [at_instant("06T13:00"), at_instant("06T15:00"), at_instant("06T16:00")]);
    // A promise for no later than the start has no half of it.
    for at_start in [Budget::At(at("06T10:00")), Budget::Landed(at("06T09:00"))] {
        assert_eq!(running("06T10:00", at_start).reach(&always, HALF), None);
        assert!(running("06T10:00", at_start).reach(&always, Mark::DUE).is_some());
    }
    assert_eq!(Clock::start(0, 0, instant).reach(&always, Mark::DUE), None, "no goal");
}

#[test]
fn goals_in_days_are_over_where_they_are_used_up_and_warnings_before_them_are_not() {
    let calendar = office();
    let friday = |goal: Budget, mark: Mark| reach(&running("06T16:00", goal), &calendar, mark);
    let (closing, opening) = (at("06T18:00"), at("09T09:00"));
    let hours = |n: i64| Span::from_hours(n);
    assert_eq!(friday(open(2), Mark::DUE), Some((closing, opening)));
    assert_eq!(friday(Budget::Days(hours(2)), Mark::DUE), Some((closing, closing)));
    assert_eq!(friday(Budget::Days(hours(4)), HALF), Some((closing, opening)));
    assert_eq!(friday(Budget::Wall(hours(2)), Mark::DUE), Some((closing, closing)));
    assert_eq!(friday(Budget::Wall(hours(4)), HALF), Some((closing, closing)));
}

#[test]
fn a_clock_that_stands_still_reaches_only_what_it_used_before() {
    let calendar = office();
    let mut paused = running("06T10:00", open(4));
    paused.enter(Phase::Paused, at("06T12:00"));
    let reach = |mark: Mark| reach(&paused, &calendar, mark);
    assert_eq!(reach(Mark::Share(0.25)), Some((at("06T11:00"), at("06T11:00"))));
    assert_eq!(reach(HALF), Some((at("06T12:00"), Time::NEVER)), "just reached, and never passed");
    assert_eq!(reach(Mark::Share(0.75)), None);
    // Used up exactly where an ended pause begins: passed when it goes on.
    let gone_on = paused_for_an_hour(open(1));
    assert_eq!(super::clock::reach(&gone_on, &calendar, Mark::DUE), Some((at("06T11:00"), at("06T12:00"))));
}

#[test]
fn due_is_shown_where_the_convention_puts_it() {
    let shown = |boundary: Boundary, clock: &Clock| {
        let convention = Convention { boundary, ..Convention::OWN };
        clock.due(&Commitment { convention, ..commitment(hours(2), office()) })
    };
    let friday = running("06T16:00", open(2));
    assert_eq!(shown(Boundary::IntervalEnd, &friday), Some(at("06T18:00")));
    assert_eq!(shown(Boundary::NextOpen, &friday), Some(at("09T09:00")));
    // Whoever stands still exactly there has no next opening.
    let mut paused = friday.clone();
    paused.enter(Phase::Paused, at("06T18:00"));
    assert_eq!(shown(Boundary::NextOpen, &paused), Some(at("06T18:00")));
    let mut early = friday;
    early.enter(Phase::Paused, at("06T17:00"));
    assert_eq!(shown(Boundary::IntervalEnd, &early), None);
}

#[test]
fn a_clock_is_over_a_mark_strictly_after_it() {
    let always = Calendar::always();
    let millisecond = Span::from_millis(1);
    let goes_on = running("06T10:00", open(2));
    let beyond = |clock: &Clock, now: Time| clock.is_beyond(&always, Mark::DUE, now);
    assert!(!beyond(&goes_on, at("06T12:00")));
    assert!(beyond(&goes_on, at("06T12:00") + millisecond));
    let late = at("06T20:00");
    assert!(!beyond(&stopped(goes_on.clone(), "06T12:00"), late), "it ended in time, whatever comes later");
    assert!(beyond(&stopped(goes_on, "06T12:01"), late));
    assert!(!beyond(&Clock::start(0, 0, at("06T10:00")), late), "no goal is never used up");
}

#[test]
fn people_are_told_when_grace_is_over_and_what_comes_in_late_settles_first() {
    let answer = commitment(hours(2), Calendar::always());
    let (grace, settle) = (answer.grace, answer.settle);
    let goes_on = running("06T10:00", open(2));
    let fires = |clock: &Clock, mark: Mark, seen: &str| clock.fires_after(&answer, mark, at(seen));
    assert_eq!(fires(&goes_on, Mark::DUE, "06T10:00"), Some(at("06T12:00") + grace));
    assert_eq!(fires(&goes_on, HALF, "06T10:00"), Some(at("06T11:00") + grace));
    assert_eq!(fires(&goes_on, Mark::DUE, "06T12:00"), Some(at("06T12:00") + grace), "not past due yet");
    assert_eq!(fires(&goes_on, Mark::DUE, "06T12:01"), Some(at("06T12:01") + settle));
    assert_eq!(fires(&goes_on, HALF, "06T12:01"), Some(at("06T12:01") + settle));
    // An end up to a mark means that nobody is told of it; one behind it changes nothing.
    let kept = stopped(goes_on.clone(), "06T12:00");
    assert_eq!(fires(&kept, Mark::DUE, "06T10:00"), None);
    assert_eq!(fires(&kept, HALF, "06T10:00"), Some(at("06T11:00") + grace));
    let broken = stopped(goes_on, "06T12:01");
    assert_eq!(fires(&broken, Mark::DUE, "06T10:00"), Some(at("06T12:00") + grace));
    assert_eq!(fires(&Clock::start(0, 0, at("06T10:00")), Mark::DUE, "06T10:00"), None);
    assert_eq!(fires(&stopped(Clock::start(0, 0, at("06T10:00")), "06T11:00"), HALF, "06T10:00"), None);
    // Pauses count for the clock: it ended two hours and a half after its start, and used half an hour less than due.
    let paused = stopped(paused_for_an_hour(open(2)), "06T12:30");
    assert_eq!(fires(&paused, Mark::DUE, "06T10:00"), None);
    let mut still = running("06T10:00", open(2));
    still.enter(Phase::Paused, at("06T12:00"));
    assert_eq!(fires(&still, Mark::DUE, "06T10:00"), None, "used up, and never more than that");
}

#[test]
fn nobody_is_told_at_a_closing_of_what_is_broken_only_after_the_next_opening() {
    let answer = commitment(hours(2), office());
    let friday = running("06T16:00", open(2));
    let fires = |clock: &Clock| clock.fires_after(&answer, Mark::DUE, at("06T16:00"));
    assert_eq!(fires(&friday), Some(at("09T09:00")), "grace is over long ago");
    for (end, told) in [("07T12:00", None), ("09T09:00", None), ("09T09:01", Some(at("09T09:00")))] {
        assert_eq!(fires(&stopped(friday.clone(), end)), told, "{end}");
    }
}

#[test]
fn people_are_told_on_the_way_to_a_promised_instant() {
    let answer = commitment(hours(2), Calendar::always());
    for goal in [Budget::At(at("06T12:00")), Budget::Landed(at("06T12:00"))] {
        let fires = |end: &str, mark: Mark| {
            let told = stopped(running("06T10:00", goal), end).fires_after(&answer, mark, at("06T10:00"));
            told.map(|told| told - answer.grace)
        };
        assert_eq!(fires("06T11:30", HALF), Some(at("06T11:00")), "{goal:?}");
        assert_eq!(fires("06T11:00", HALF), None, "{goal:?}");
        assert_eq!(fires("06T12:00", Mark::DUE), None, "{goal:?}");
        assert_eq!(fires("06T12:01", Mark::DUE), Some(at("06T12:00")), "{goal:?}");
    }
    for goal in [Budget::Days(Span::from_hours(2)), Budget::Wall(Span::from_hours(2))] {
        let fires = |end: &str| {
            stopped(running("06T10:00", goal), end).fires_after(&answer, Mark::DUE, at("06T10:00"))
        };
        assert_eq!((fires("06T12:00"), fires("06T12:01").is_some()), (None, true), "{goal:?}");
    }
}

#[test]
fn lateness_is_counted_in_the_clock_s_own_time() {
    let calendar = office();
    let late = |goal: Budget, end: &str| stopped(running("06T16:00", goal), end).late(&calendar);
    let hours = |n: i64| Some(Span::from_hours(n));
    assert_eq!(running("06T16:00", open(1)).late(&calendar), None, "it has not ended");
    assert_eq!(late(open(1), "06T17:00"), None);
    assert_eq!(late(open(1), "09T10:00"), hours(2));
    assert_eq!(late(open(2), "09T09:00"), None);
    // A promised instant knows no closed hours. Over a week-end no working time passes: then it is the wall's.
    assert_eq!(late(Budget::At(at("06T17:00")), "09T10:00"), hours(65));
    assert_eq!(late(Budget::Days(Span::from_hours(2)), "07T18:00"), hours(24));
    assert_eq!(late(Budget::Days(Span::from_hours(2)), "09T12:00"), hours(3));
    assert_eq!(late(Budget::Landed(at("06T17:00")), "06T20:00"), hours(1));
}

#[test]
fn a_clock_that_has_ended_uses_no_more() {
    let always = Calendar::always();
    let now = at("06T20:00");
    let used = |phase: Phase| {
        let mut clock = paused_for_an_hour(open(2));
        clock.enter(phase, at("06T13:00"));
        (clock.elapsed(&always, now), clock.elapsed(&always, at("06T12:30")), clock.ended())
    };
    let (two, more) = (Span::from_hours(2), Span::from_minutes(90));
    let end = Some(at("06T13:00"));
    assert_eq!(used(Phase::Stopped), (two, more, end));
    assert_eq!(used(Phase::Cancelled), (two, more, end));
    assert_eq!(used(Phase::Paused), (two, more, None));
    assert_eq!(paused_for_an_hour(open(2)).elapsed(&always, now), Span::from_hours(9));
}
