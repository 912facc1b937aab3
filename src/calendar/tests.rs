//! Calendars against the definition, minute by minute, and against dates that were looked up.

use std::collections::BTreeMap;

use jiff::civil::{Date, date};
use jiff::tz::TimeZone;

use super::{Calendar, Hours, Spec, SpecError};
use crate::time::{Span, Time};

fn time(text: &str) -> Time {
    Time::parse(text).expect("an RFC 3339 instant")
}

fn spec(zone: &str, day: &[(u16, u16)], days: usize) -> Spec {
    let weekly = std::array::from_fn(|n| if n < days { day.to_vec() } else { Hours::new() });
    Spec { name: "test".into(), zone: zone.into(), weekly, ..Spec::default() }
}

/// The public holidays and make-up working days of China in 2025, from the State Council's notice.
fn china() -> Spec {
    let mut dates = BTreeMap::new();
    let spans = [
        (date(2025, 1, 1), 1),
        (date(2025, 1, 28), 8),
        (date(2025, 4, 4), 3),
        (date(2025, 5, 1), 5),
        (date(2025, 5, 31), 3),
        (date(2025, 10, 1), 8),
    ];
    for (first, days) in spans {
        dates.extend(first.series(jiff::Span::new().days(1)).take(days).map(|day| (day, Hours::new())));
    }
    for (month, day) in [(1, 26), (2, 8), (4, 27), (9, 28), (10, 11)] {
        dates.insert(date(2025, month, day), vec![(0, 1_440)]);
    }
    Spec { dates, holiday_years: Some(vec![2025]), ..spec("Asia/Shanghai", &[(0, 1_440)], 5) }
}

#[test]
fn the_golden_complaint_is_due_after_fifteen_working_days() {
    let real = Calendar::compile(&china()).expect("valid");
    let naive = Calendar::compile(&spec("Asia/Shanghai", &[(0, 1_440)], 5)).expect("valid");
    for hour in ["00:00:00", "09:30:00", "23:59:59"] {
        let received = time(&format!("2025-09-26T{hour}+08:00"));
        let check = |calendar: &Calendar, count: bool, day: &str| {
            let end = calendar.end_of_working_day(received, 15, count);
            assert_eq!(
                end,
                time(&format!("{day}T00:00:00+08:00")),
                "received at {hour}, start day counted: {count}"
            );
        };
        check(&real, false, "2025-10-24");
        check(&real, true, "2025-10-23");
        check(&naive, false, "2025-10-18");
        check(&naive, true, "2025-10-17");
    }
}

#[test]
fn missing_years_are_named() {
    let calendar = Calendar::compile(&china()).expect("valid");
    assert_eq!(calendar.covers(time("2025-01-01T00:00:00+08:00"), time("2025-12-31T23:00:00+08:00")), Ok(()));
    assert_eq!(
        calendar.covers(time("2025-12-20T00:00:00+08:00"), time("2026-01-02T00:00:00+08:00")),
        Err(2026)
    );
    assert_eq!(
        calendar.covers(time("2024-12-31T00:00:00+08:00"), time("2025-01-02T00:00:00+08:00")),
        Err(2024)
    );
    assert_eq!(calendar.covers(time("2025-12-20T00:00:00+08:00"), time("2026-01-01T00:00:00+08:00")), Ok(()));
    assert_eq!(Calendar::always().covers(Time::MIN, Time::MAX), Ok(()));
}

/// Whether the definition says it is open at an instant: look at the local clock.
fn open_by_definition(spec: &Spec, zone: &TimeZone, at: Time) -> bool {
    let local = zone.to_datetime(at.into());
    let minute = local.hour() as u16 * 60 + local.minute() as u16;
    spec.hours(local.date()).iter().any(|(from, to)| *from <= minute && minute < *to)
}

/// Walks a stretch minute by minute. Whole days only: hours that end inside a gap or a fold are judged by the rule for
/// such times, not by what the local clock shows in between.
fn walk(spec: &Spec, from: &str, days: i64) {
    let calendar = Calendar::compile(spec).expect("valid");
    let zone = TimeZone::get(&spec.zone).expect("known");
    let (from, minute) = (time(from), Span::from_minutes(1));
    let mut open_ms = Span::ZERO;
    let mut at = from;
    while at < from + Span::from_days(days) {
        assert_eq!(calendar.elapsed(from, at), open_ms, "{} at {at}", spec.zone);
        if open_by_definition(spec, &zone, at) {
            open_ms += minute;
        }
        at = at + minute;
    }
}

#[test]
fn calendars_agree_with_a_walk_over_the_local_clock() {
    let office = [(540, 720), (780, 1_080)];
    for (zone, from) in [
        ("America/Sao_Paulo", "2015-10-14T03:00:00Z"),
        ("Asia/Tehran", "2015-03-18T20:30:00Z"),
        ("Asia/Tehran", "2016-09-18T20:30:00Z"),
        ("Australia/Lord_Howe", "2015-10-01T13:30:00Z"),
        ("America/New_York", "2014-10-30T04:00:00Z"),
        ("Asia/Kolkata", "2015-03-01T18:30:00Z"),
        ("Asia/Shanghai", "2025-09-24T16:00:00Z"),
        ("Europe/Berlin", "2016-03-24T23:00:00Z"),
    ] {
        walk(&spec(zone, &[(0, 1_440)], 5), from, 9);
        walk(&spec(zone, &office, 5), from, 9);
    }
    walk(&china(), "2025-09-24T16:00:00Z", 24);
}

#[test]
fn local_days_count_their_real_seconds() {
    let check = |zone: &str, from: &str, to: &str, hours: i64| {
        let calendar = Calendar::compile(&spec(zone, &[(0, 1_440)], 7)).expect("valid");
        assert_eq!(calendar.elapsed(time(from), time(to)), Span::from_hours(hours), "{zone} {from}");
    };
    check("Europe/Berlin", "2016-03-26T22:24:39+01:00", "2016-03-28T23:24:39+02:00", 48);
    check("Europe/Paris", "2020-10-25T00:00:00+02:00", "2020-10-26T00:00:00+01:00", 25);
}

#[test]
fn times_that_do_not_exist_or_exist_twice_follow_the_rule() {
    let one = |zone: &str, hours: (u16, u16), from: &str, to: &str| {
        let calendar = Calendar::compile(&spec(zone, &[hours], 7)).expect("valid");
        let found: Vec<(Time, Time)> = calendar.intervals(time(from), time(to)).collect();
        found
    };
    // 02:30 does not exist: it is 03:30 in summer time.
    let gap = one("America/Los_Angeles", (150, 300), "2014-03-09T08:00:00Z", "2014-03-10T06:00:00Z");
    assert_eq!(gap, [(time("2014-03-09T03:30:00-07:00"), time("2014-03-09T05:00:00-07:00"))]);
    // 01:30 exists twice: the first counts.
    let fold = one("America/Los_Angeles", (90, 240), "2014-11-02T07:00:00Z", "2014-11-03T07:00:00Z");
    assert_eq!(fold[0].0, time("2014-11-02T01:30:00-07:00"));
    // 02:30–03:15 becomes 03:30–03:15: nothing is left of it.
    assert_eq!(one("America/Los_Angeles", (150, 195), "2006-04-02T08:00:00Z", "2006-04-03T07:00:00Z"), []);
    // A whole date does not exist: its hours are not those of the next.
    let skipped = one("Pacific/Apia", (540, 600), "2011-12-30T00:00:00Z", "2011-12-31T00:00:00Z");
    assert_eq!(skipped, [(time("2011-12-31T09:00:00+14:00"), time("2011-12-31T10:00:00+14:00"))]);
    // Midnight itself does not exist.
    let midnight = one("America/Sao_Paulo", (0, 120), "2015-10-18T02:00:00Z", "2015-10-18T12:00:00Z");
    assert_eq!(midnight[0].0, time("2015-10-18T01:00:00-02:00"));
}

/// The hours after a gap begin before those that it shifted, and time was lost between them.
#[test]
fn hours_that_a_gap_shifts_overlap_the_ones_after_it() {
    let open = |hours: &[(u16, u16)]| {
        let calendar = Calendar::compile(&spec("Europe/Berlin", hours, 7)).expect("valid");
        let (from, to) = (time("2016-03-27T00:00:00+01:00"), time("2016-03-28T00:00:00+02:00"));
        let clock = |at: Time| calendar.local(at)[11..16].to_owned();
        let open: Vec<String> =
            calendar.intervals(from, to).map(|(from, to)| format!("{}-{}", clock(from), clock(to))).collect();
        open.join(" ")
    };
    assert_eq!(open(&[(0, 90), (135, 165), (180, 600)]), "00:00-01:30 03:00-10:00");
    assert_eq!(open(&[(120, 130), (135, 140), (180, 600)]), "03:00-10:00");
    assert_eq!(open(&[(135, 165), (180, 190)]), "03:00-03:10 03:15-03:45");
}

#[test]
fn a_goal_used_up_at_closing_is_due_then_and_exceeded_after_the_next_opening() {
    let calendar = Calendar::compile(&spec("UTC", &[(540, 1_080)], 5)).expect("valid");
    let friday = time("2026-03-06T16:00:00Z");
    let two = Span::from_hours(2);
    assert_eq!(calendar.add(friday, two), time("2026-03-06T18:00:00Z"));
    assert_eq!(calendar.add_until_more(friday, two), time("2026-03-09T09:00:00Z"));
    assert_eq!(calendar.add(friday, Span::from_hours(4)), time("2026-03-09T11:00:00Z"));
    assert_eq!(calendar.add(time("2026-03-07T12:00:00Z"), Span::ZERO), time("2026-03-07T12:00:00Z"));
    assert_eq!(calendar.add(time("2099-12-31T12:00:00Z"), Span::from_days(9)), Time::NEVER);
}

#[test]
fn adding_is_the_inverse_of_measuring() {
    let calendar = Calendar::compile(&china()).expect("valid");
    let mut state = 7u64;
    let mut random = |below: i64| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as i64 % below
    };
    let second = Span::from_millis(1);
    for _ in 0..2_000 {
        let from = time("2025-01-01T00:00:00Z") + Span::from_millis(random(330 * 86_400_000));
        let span = Span::from_millis(random(40 * 86_400_000) + 1);
        let due = calendar.add(from, span);
        assert_eq!(calendar.elapsed(from, due), span);
        assert!(calendar.elapsed(from, due - second) < span, "{from} + {span} could be earlier");
        let until = calendar.add_until_more(from, span);
        assert_eq!(calendar.elapsed(from, until), span);
        assert!(calendar.elapsed(from, until + second) > span, "{from} + {span} could be later");
        let listed =
            calendar.intervals(from, due).fold(Span::ZERO, |sum, (open, close)| sum + (close - open));
        assert_eq!(listed, span);
    }
}

#[test]
fn calendars_that_say_nothing_sensible_are_refused() {
    let refuse = |spec: &Spec| Calendar::compile(spec).map(|_| ()).expect_err("refused");
    assert_eq!(refuse(&spec("Mars/Olympus", &[(0, 1)], 1)), SpecError::UnknownZone("Mars/Olympus".into()));
    assert_eq!(refuse(&spec("UTC", &[], 7)), SpecError::NeverOpen);
    let overlap = spec("UTC", &[(540, 720), (700, 800)], 1);
    assert_eq!(refuse(&overlap), SpecError::Hours("11:40".into(), "13:20".into()));
}

#[test]
fn days_end_at_the_next_local_midnight() {
    let calendar = Calendar::compile(&spec("Asia/Shanghai", &[(0, 1_440)], 7)).expect("valid");
    assert_eq!(calendar.end_of_day(time("2026-03-01T23:30:00+08:00"), 30), time("2026-04-01T00:00:00+08:00"));
    assert_eq!(Calendar::always().end_of_day(time("2026-03-01T10:00:00Z"), 0), time("2026-03-02T00:00:00Z"));
    let _: Date = calendar.local_date(time("2026-03-01T23:30:00+08:00"));
}

#[test]
fn working_days_keep_the_time_of_day_in_both_directions() {
    let office = Calendar::compile(&china()).expect("valid");
    // The Friday before the holidays of October 2025; the Sunday after is a working day, and so is the Saturday of the 11th.
    let from = time("2025-09-26T10:15:30.250+08:00");
    let check = |calendar: &Calendar, days, expected: &str| {
        assert_eq!(calendar.add_working_days(from, days), Some(time(expected)), "{days}");
    };
    check(&office, 0, "2025-09-26T10:15:30.250+08:00");
    check(&office, 1, "2025-09-28T10:15:30.250+08:00");
    check(&office, 4, "2025-10-09T10:15:30.250+08:00");
    check(&office, 6, "2025-10-11T10:15:30.250+08:00");
    check(&office, -1, "2025-09-25T10:15:30.250+08:00");
    check(&office, -5, "2025-09-19T10:15:30.250+08:00");
    check(&Calendar::always(), -2, "2025-09-24T10:15:30.250+08:00");
    assert_eq!(office.add_working_days(from, 1_000_000), None);
    assert_eq!(office.add_working_days(from, -1_000_000), None);
    // A closed day does not count, whichever way one leaves it.
    let closed = time("2025-10-05T09:00:00+08:00");
    assert_eq!(office.add_working_days(closed, 1), Some(time("2025-10-09T09:00:00+08:00")));
    assert_eq!(office.add_working_days(closed, -1), Some(time("2025-09-30T09:00:00+08:00")));
    assert_eq!(office.add_working_days(closed, 0), Some(closed), "no day is the same day");
}

#[test]
fn closings_are_found_and_time_is_walked_back() {
    let day = [(540, 720), (780, 1_080)];
    let office = Calendar::compile(&spec("Europe/Berlin", &day, 5)).expect("valid");
    let at = |text: &str| time(&format!("{text}+01:00"));
    assert_eq!(office.closing(at("2026-03-03T08:00:00")), at("2026-03-03T18:00:00"));
    assert_eq!(office.closing(at("2026-03-07T08:00:00")), at("2026-03-07T08:00:00"), "closed all day");
    let midnight = Calendar::compile(&spec("Europe/Berlin", &[(0, 1_440)], 5)).expect("valid");
    assert_eq!(midnight.closing(at("2026-03-03T08:00:00")), at("2026-03-04T00:00:00"));
    let back = |to: &str, minutes| office.subtract(at(to), Span::from_minutes(minutes));
    assert_eq!(back("2026-03-03T14:00:00", 30), Some(at("2026-03-03T13:30:00")));
    assert_eq!(
        back("2026-03-03T14:00:00", 60),
        Some(at("2026-03-03T13:00:00")),
        "the opening, not the closing before"
    );
    assert_eq!(back("2026-03-03T14:00:00", 61), Some(at("2026-03-03T11:59:00")));
    assert_eq!(back("2026-03-08T12:00:00", 60), Some(at("2026-03-06T17:00:00")), "from a closed day");
    assert_eq!(back("2026-03-08T12:00:00", 0), Some(at("2026-03-08T12:00:00")), "no time at all");
    assert_eq!(office.subtract(time("1970-01-02T12:00:00Z"), Span::from_days(30)), None);
    let always = Calendar::always();
    assert_eq!(
        always.subtract(at("2026-03-03T14:00:00"), Span::from_hours(2)),
        Some(at("2026-03-03T12:00:00"))
    );
}

#[test]
fn a_break_closes_what_it_covers_once() {
    let monday = date(2026, 3, 2);
    let opened = |breaks: &[(u16, u16)]| {
        let breaks = BTreeMap::from([(monday, breaks.to_vec())]);
        let spec = Spec { breaks, ..spec("UTC", &[(540, 720), (780, 1_080)], 5) };
        Calendar::compile(&spec)
    };
    let hours = |calendar: &Calendar, day: u8| {
        let at = |clock: &str| time(&format!("2026-03-0{day}T{clock}Z"));
        calendar.elapsed(at("00:00:00"), at("23:59:00")).seconds() / 3_600.0
    };
    for (breaks, expected) in [
        (&[(600, 660)][..], 7.0),
        (&[(660, 840)], 6.0),
        (&[(0, 540), (720, 780)], 8.0),
        (&[(540, 600), (1_020, 1_080)], 6.0),
        (&[(0, 1_440)], 0.0),
    ] {
        let calendar = opened(breaks).expect("valid");
        assert_eq!((hours(&calendar, 2), hours(&calendar, 3)), (expected, 8.0), "{breaks:?}");
    }
    assert!(matches!(opened(&[(600, 540)]), Err(SpecError::Hours(..))));
}

#[test]
fn instants_are_shown_as_the_zone_shows_them() {
    let shown = |zone: &str, at: &str| {
        Calendar::compile(&spec(zone, &[(540, 1_080)], 5)).expect("valid").local(time(at))
    };
    assert_eq!(shown("Europe/Berlin", "2026-07-01T10:00:00Z"), "2026-07-01T12:00:00+02:00");
    assert_eq!(shown("Asia/Kolkata", "2026-07-01T10:00:00.5Z"), "2026-07-01T15:30:00.5+05:30");
    assert_eq!(shown("Europe/London", "2026-01-01T10:00:00Z"), "2026-01-01T10:00:00+00:00");
    assert_eq!(shown("Etc/UTC", "2026-01-01T10:00:00Z"), "2026-01-01T10:00:00Z");
    assert_eq!(Calendar::always().local(time("2026-01-01T10:00:00Z")), "2026-01-01T10:00:00Z");
}

/// Monday to Friday, 09:00 to 18:00 UTC.
fn office() -> Calendar {
    Calendar::compile(&spec("UTC", &[(540, 1_080)], 5)).expect("valid")
}

#[test]
fn a_calendar_says_what_it_was_made_of() {
    let calendar = Calendar::compile(&china()).expect("valid");
    assert_eq!((calendar.name(), calendar.zone_name()), ("test", "Asia/Shanghai"));
    assert_eq!(calendar.holiday_years(), Some(&[2025][..]));
    assert_eq!(calendar.weekly(), Some(&china().weekly));
    let always = Calendar::always();
    assert_eq!((always.name(), always.zone_name()), ("always", "UTC"));
    assert_eq!((always.holiday_years(), always.weekly()), (None, None));
    // The database's releases are a year and a letter.
    let (year, letter) = super::zones_release().split_at(4);
    assert!(year.parse::<u16>().is_ok_and(|year| year >= 2025), "{year}");
    assert!(letter.len() == 1 && letter.chars().all(|one| one.is_ascii_lowercase()), "{letter}");
}

#[test]
fn calendars_with_other_answers_have_other_hashes() {
    let hash = |spec: &Spec| Calendar::compile(spec).expect("valid").hash();
    let known = spec("UTC", &[(540, 1_080)], 5);
    let others = [
        spec("UTC", &[(540, 1_081)], 5),
        spec("UTC", &[(541, 1_080)], 5),
        spec("Etc/UTC", &[(540, 1_080)], 5),
        Spec { holiday_years: Some(vec![2025]), ..known.clone() },
        Spec { dates: BTreeMap::from([(date(2025, 1, 1), Hours::new())]), ..known.clone() },
    ];
    let mut hashes: Vec<u64> =
        others.iter().map(hash).chain([hash(&known), Calendar::always().hash()]).collect();
    hashes.sort_unstable();
    hashes.dedup();
    assert_eq!(hashes.len(), 7);
    assert_eq!(hash(&Spec { name: "renamed".into(), ..known.clone() }), hash(&known));
}

#[test]
fn a_calendar_that_is_always_open_counts_as_the_wall_does() {
    let always = Calendar::always();
    let (from, to) = (time("2026-03-06T10:00:00Z"), time("2026-03-07T12:00:00Z"));
    let span = Span::from_hours(26);
    assert_eq!((always.elapsed(from, to), always.elapsed(to, from)), (span, Span::ZERO));
    assert_eq!((always.add(from, span), always.add(from, Span::ZERO - span)), (to, from));
    assert_eq!(always.add_until_more(from, span), to);
    assert_eq!(always.intervals(from, to).collect::<Vec<_>>(), [(from, to)]);
    assert_eq!(always.intervals(from, from).count() + always.intervals(to, from).count(), 0);
    assert!(always.works_on(to));
    assert_eq!(always.closing(from), time("2026-03-07T00:00:00Z"));
    let end = |days: u32, is_counted: bool| always.end_of_working_day(from, days, is_counted);
    assert_eq!(end(2, false), time("2026-03-09T00:00:00Z"));
    assert_eq!(end(2, true), time("2026-03-08T00:00:00Z"));
    assert_eq!(end(0, true), time("2026-03-07T00:00:00Z"));
}

#[test]
fn intervals_are_cut_to_what_is_asked_for() {
    let office = office();
    let at = |text: &str| time(&format!("2026-03-{text}:00Z"));
    let cut = |from: &str, to: &str| office.intervals(at(from), at(to)).collect::<Vec<_>>();
    assert_eq!(cut("06T10:00", "06T12:00"), [(at("06T10:00"), at("06T12:00"))]);
    let both = [(at("06T17:00"), at("06T18:00")), (at("09T09:00"), at("09T10:00"))];
    assert_eq!(cut("06T17:00", "09T10:00"), both);
    assert_eq!(cut("06T18:00", "09T09:00"), [], "from closing to opening");
    assert_eq!(cut("06T10:00", "06T10:00"), []);
    assert_eq!(cut("06T16:00", "06T15:00"), [], "it ends before it begins");
}

#[test]
fn no_time_passes_backwards_and_none_is_added() {
    let office = office();
    let at = |text: &str| time(&format!("2026-03-{text}:00Z"));
    assert_eq!(office.elapsed(at("06T12:00"), at("06T10:00")), Span::ZERO);
    for span in [Span::ZERO, Span::from_hours(-1)] {
        assert_eq!(office.add(at("06T10:00"), span), at("06T10:00"));
        assert_eq!(office.add(at("07T10:00"), span), at("07T10:00"), "be it closed");
    }
    // No time at all is over at once while it is open, and at the next opening while it is closed.
    assert_eq!(office.add_until_more(at("06T10:00"), Span::ZERO), at("06T10:00"));
    assert_eq!(office.add_until_more(at("06T18:00"), Span::ZERO), at("09T09:00"));
    assert_eq!(office.add_until_more(at("07T10:00"), Span::ZERO), at("09T09:00"));
    assert_eq!(office.add_until_more(at("06T17:00"), Span::from_minutes(30)), at("06T17:30"));
}

#[test]
fn the_layout_ends_with_the_last_closing_of_2099() {
    let office = office();
    // The last day is a Thursday.
    let at = |text: &str| time(&format!("2099-12-31T{text}:00Z"));
    assert_eq!(office.add(at("17:00"), Span::from_hours(1)), at("18:00"));
    assert_eq!(office.add(at("17:00"), Span::from_minutes(61)), Time::NEVER);
    assert_eq!(office.add_until_more(at("17:00"), Span::from_minutes(59)), at("17:59"));
    assert_eq!(office.add_until_more(at("17:00"), Span::from_hours(1)), Time::NEVER);
    assert_eq!(office.end_of_working_day(at("17:00"), 0, false), Time::MAX);
    assert_eq!(office.add_working_days(at("17:00"), -1), Some(time("2099-12-30T17:00:00Z")));
    assert_eq!(office.add_working_days(at("17:00"), 3), None, "no event may carry it");
    assert_eq!(Calendar::always().add_working_days(at("17:00"), 1), None);
    let open = office.intervals(Time::MIN, Time::NEVER);
    let open: Vec<(Time, Time)> = open.collect();
    let first = (time("1970-01-01T09:00:00Z"), time("1970-01-01T18:00:00Z"));
    assert_eq!((open[0], open[open.len() - 1]), (first, (at("09:00"), at("18:00"))));
    // Where a day begins before 1970, and one ends after 2099, they are cut.
    let all = Calendar::compile(&spec("Asia/Shanghai", &[(0, 1_440)], 7)).expect("valid");
    assert_eq!(all.intervals(Time::MIN, Time::NEVER).collect::<Vec<_>>(), [(Time::MIN, Time::MAX)]);
}

#[test]
fn working_days_are_those_with_any_open_time() {
    let office = Calendar::compile(&china()).expect("valid");
    let at = |text: &str| time(&format!("2025-{text}+08:00"));
    for (day, works) in [
        ("09-26T10:00:00", true),
        ("09-27T10:00:00", false),
        ("09-28T00:00:00", true),
        ("09-28T23:59:59", true),
        ("10-01T10:00:00", false),
    ] {
        assert_eq!(office.works_on(at(day)), works, "{day}");
    }
    let end =
        |start: &str, days: u32, is_counted: bool| office.end_of_working_day(at(start), days, is_counted);
    // Saturday the 27th is closed: it is no first day, counted or not.
    for is_counted in [true, false] {
        assert_eq!(end("09-27T10:00:00", 1, is_counted), at("09-29T00:00:00"));
        assert_eq!(
            end("09-27T10:00:00", 0, is_counted),
            at("09-28T00:00:00"),
            "no day at all ends with its own"
        );
    }
    assert_eq!(end("09-26T10:00:00", 1, true), at("09-27T00:00:00"));
    assert_eq!(end("09-26T10:00:00", 1, false), at("09-29T00:00:00"));
    assert_eq!(end("09-26T10:00:00", 1_000_000, false), Time::NEVER);
}

#[test]
fn a_date_whose_hours_a_gap_swallows_is_no_working_day() {
    let night = Calendar::compile(&spec("Europe/Berlin", &[(120, 180)], 7)).expect("valid");
    let works = |day: u8| night.works_on(time(&format!("2016-03-{day}T12:00:00+02:00")));
    assert_eq!([26, 27, 28].map(works), [true, false, true]);
}

#[test]
fn a_date_ends_with_its_day_or_with_the_next_that_works() {
    let office = Calendar::compile(&china()).expect("valid");
    let end = |day: Date| office.local(office.end_of_date(day));
    assert_eq!(end(date(2025, 9, 26)), "2025-09-27T00:00:00+08:00");
    assert_eq!(end(date(2025, 9, 27)), "2025-09-29T00:00:00+08:00");
    assert_eq!(end(date(2025, 10, 1)), "2025-10-10T00:00:00+08:00");
}

#[test]
fn a_day_has_forty_eight_half_hours_as_its_clocks_show_them() {
    let berlin = Calendar::compile(&spec("Europe/Berlin", &[(540, 1_080)], 5)).expect("valid");
    let (day, middles) = berlin.half_hours(time("2026-03-05T23:30:00Z"));
    assert_eq!((day, middles.len()), (date(2026, 3, 6), 48));
    let shown = |at: &Time| berlin.local(*at)[11..16].to_owned();
    let clocks: Vec<String> = middles.iter().map(shown).collect();
    assert_eq!((&*clocks[0], &*clocks[1], &*clocks[2], &*clocks[47]), ("00:15", "00:45", "01:15", "23:45"));
    // The clock skips from 02:00 to 03:00 on this day: it shows the hour after.
    let (_, middles) = berlin.half_hours(time("2026-03-29T12:00:00Z"));
    let clocks: Vec<String> = middles.iter().map(shown).collect();
    assert_eq!(clocks[3..8], ["01:45", "03:15", "03:45", "03:15", "03:45"]);
}

#[test]
fn holidays_must_be_known_for_every_year_that_is_touched() {
    let calendar =
        Calendar::compile(&Spec { holiday_years: Some(vec![2025, 2027]), ..china() }).expect("valid");
    let covers = |from: &str, to: &str| {
        calendar.covers(time(&format!("{from}T12:00:00+08:00")), time(&format!("{to}T12:00:00+08:00")))
    };
    assert_eq!(covers("2025-03-01", "2025-04-01"), Ok(()));
    assert_eq!(covers("2025-03-01", "2027-04-01"), Err(2026), "the one between");
    assert_eq!(covers("2027-03-01", "2027-03-01"), Ok(()), "an instant");
    assert_eq!(covers("2026-03-01", "2026-03-01"), Err(2026));
    assert_eq!(covers("2027-03-01", "2025-03-01"), Ok(()), "an end before the start is none");
    let new_year = time("2026-01-01T00:00:00+08:00");
    assert_eq!(calendar.covers(new_year, new_year), Err(2026), "what begins with a year needs it");
    assert_eq!(calendar.covers(time("2027-03-01T12:00:00+08:00"), Time::NEVER), Err(2028));
}

#[test]
fn hours_must_be_in_order_and_within_the_day() {
    let check = |hours: &[(u16, u16)]| Calendar::compile(&spec("UTC", hours, 5)).map(|_| ());
    let refused = |from: &str, to: &str| Err(SpecError::Hours(from.into(), to.into()));
    assert_eq!(check(&[(0, 720), (720, 1_440)]), Ok(()), "hours may touch");
    assert_eq!(check(&[(0, 1_441)]), refused("00:00", "24:01"));
    assert_eq!(check(&[(600, 600)]), refused("10:00", "10:00"));
    assert_eq!(check(&[(600, 540)]), refused("10:00", "09:00"));
    assert_eq!(check(&[(600, 720), (719, 780)]), refused("11:59", "13:00"));
    let of = |dates: BTreeMap<Date, Hours>| Spec { dates, ..spec("UTC", &[(540, 1_080)], 5) };
    let dates = BTreeMap::from([(date(2025, 1, 1), vec![(65, 5)])]);
    assert_eq!(Calendar::compile(&of(dates)).map(|_| ()), refused("01:05", "00:05"));
}
