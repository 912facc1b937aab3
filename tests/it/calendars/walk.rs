//! When is it open, by the definition? Minute by minute, from nothing but what the zone's clocks show at each instant.
//!
//! A local time is the first minute at which the clocks show it. One that they skip is as long after the last minute before
//! the gap as it is on the clock. The hours of a date are painted on the minutes, and everything else is counted.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::{Date, Weekday, date};
use jiff::tz::TimeZone;
use watchbell::calendar::Calendar;
use watchbell::time::{Span, Time};

type Hours = Vec<(i64, i64)>;

const DAY: i64 = 1_440;
/// How many days before and behind the stretch are walked, too, so that answers that lie beyond are known.
const BEFORE: i64 = 40;
const BEHIND: i64 = 80;

/// A calendar as people would agree on it.
pub(super) struct Definition {
    zone: &'static str,
    years: Vec<i16>,
    /// Monday first.
    week: [Hours; 7],
    holidays: BTreeSet<Date>,
    worked: BTreeSet<Date>,
    overrides: BTreeMap<Date, Hours>,
}

impl Definition {
    /// Split days, whole days, closed days, and hours that begin and end where clocks jump; holidays, days worked instead, and
    /// dates with hours of their own.
    pub(super) fn new(zone: &'static str, first: i16, last: i16) -> Definition {
        let (office, whole) = (vec![(540, 720), (780, 1_080)], vec![(0, DAY)]);
        let night = vec![(0, 90), (135, 165), (180, DAY)];
        let late = vec![(60, 150), (1_410, DAY)];
        let week = [office.clone(), whole.clone(), vec![], night.clone(), office, late, whole];
        let (mut holidays, mut worked) = (BTreeSet::new(), BTreeSet::new());
        let mut overrides = BTreeMap::new();
        for year in first..=last {
            let of_year = |(month, day): (i8, i8)| date(year, month, day);
            holidays.extend([(1, 1), (1, 2), (1, 3), (5, 1)].map(of_year));
            holidays.extend((1..=7).map(|day| date(year, 10, day)));
            // One of them is a holiday, too, and one has hours of its own besides.
            worked.extend([(2, 5), (4, 27), (10, 3), (12, 24)].map(of_year));
            overrides.insert(date(year, 1, 2), vec![(600, 660)]);
            overrides.insert(date(year, 3, 3), vec![]);
            overrides.insert(date(year, 12, 24), vec![(540, 720)]);
            // Clocks are mostly changed on Sundays: whole ones in odd years, and split ones in even years.
            let days = date(year, 1, 1).series(jiff::Span::new().days(1));
            let sundays = days
                .take_while(|date| date.year() == year && year % 2 == 0)
                .filter(|date| date.weekday() == Weekday::Sunday);
            overrides.extend(sundays.map(|date| (date, night.clone())));
        }
        Definition { zone, years: (first..=last).collect(), week, holidays, worked, overrides }
    }

    fn hours(&self, date: Date) -> &Hours {
        const CLOSED: &Hours = &Vec::new();
        match self.overrides.get(&date) {
            Some(hours) => hours,
            None if self.worked.contains(&date) => &self.week[0],
            None if self.holidays.contains(&date) => CLOSED,
            None => &self.week[date.weekday().to_monday_zero_offset() as usize],
        }
    }

    /// The same as a calendar file, read.
    pub(super) fn calendar(&self) -> Calendar {
        let clock = |minute: &i64| format!("{:02}:{:02}", minute / 60, minute % 60);
        let hours = |hours: &Hours| {
            let hours: Vec<String> =
                hours.iter().map(|(from, to)| format!("\"{}-{}\"", clock(from), clock(to))).collect();
            hours.join(", ")
        };
        let mut text = format!("name = \"walked\"\nzone = \"{}\"\nyears = {:?}\n", self.zone, self.years);
        let worked: Vec<String> = self.worked.iter().map(|date| format!("\"{date}\"")).collect();
        text.push_str(&format!("working = [{}]\n[weekly]\n", worked.join(", ")));
        let days = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];
        for (day, open) in days.iter().zip(&self.week) {
            text.push_str(&format!("{day} = [{}]\n", hours(open)));
        }
        text.push_str("[date_overrides]\n");
        for (date, open) in &self.overrides {
            text.push_str(&format!("\"{date}\" = [{}]\n", hours(open)));
        }
        for date in &self.holidays {
            text.push_str(&format!("[[holiday]]\nfrom = \"{date}\"\n"));
        }
        watchbell::config::calendar::read("walked.toml", &text).expect("valid")
    }
}

/// Every minute of a stretch. Instants are minutes since 1970; local times are what the clocks show, as minutes since
/// 1970-01-01 00:00; dates are days since then.
pub(super) struct Walk {
    zone: &'static str,
    first: i64,
    /// Which minutes are compared, by their place.
    compared: std::ops::Range<usize>,
    /// What the clocks show at each minute.
    shown: Vec<i32>,
    /// The place of the minute that a local time means, counted from what is shown first.
    meant: Vec<i32>,
    open: Vec<bool>,
    /// The places of open minutes.
    opened: Vec<u32>,
    /// Dates with any open time.
    working: Vec<i64>,
}

impl Walk {
    pub(super) fn new(definition: &Definition, from: Date, until: Date) -> Walk {
        let number = |date: Date| date.duration_since(Date::constant(1970, 1, 1)).as_hours() / 24;
        let (from, until) = (number(from) * DAY, number(until) * DAY);
        let (first, last) = (from - BEFORE * DAY, until + BEHIND * DAY);
        let zone = TimeZone::get(definition.zone).expect("a zone");
        let shown: Vec<i32> = (first..last).map(|minute| shown(&zone, minute)).collect();
        let mut walk = Walk {
            zone: definition.zone,
            first,
            compared: (from - first) as usize..(until - first) as usize,
            meant: meant(&shown),
            open: vec![false; shown.len()],
            shown,
            opened: Vec::new(),
            working: Vec::new(),
        };
        walk.paint(definition);
        walk
    }

    /// Paints the hours of every date that the clocks ever show.
    fn paint(&mut self, definition: &Definition) {
        let number = |local: &i32| i64::from(*local).div_euclid(DAY);
        let runs = self.shown.chunk_by(|one, next| number(one) == number(next));
        // Clocks that fall back over midnight show a date twice.
        let dates: BTreeSet<i64> = runs.map(|run| number(&run[0])).collect();
        for day in dates {
            let date = Date::constant(1970, 1, 1).saturating_add(jiff::Span::new().days(day));
            let mut any = false;
            for (from, to) in definition.hours(date) {
                let (Some(from), Some(to)) = (self.place(day * DAY + from), self.place(day * DAY + to))
                else {
                    continue;
                };
                for minute in from..to.min(self.open.len()) {
                    self.open[minute] = true;
                    any = true;
                }
            }
            if any {
                self.working.push(day);
            }
        }
        self.opened = (0..).zip(&self.open).filter(|(_, open)| **open).map(|(place, _)| place).collect();
    }

    /// The place of the minute that a local time means, if it is walked.
    fn place(&self, local: i64) -> Option<usize> {
        let at = local - i64::from(self.shown[0]);
        self.meant.get(usize::try_from(at).ok()?).map(|place| *place as usize)
    }

    fn time(&self, place: usize) -> Time {
        Time::from_millis((self.first + place as i64) * 60_000)
    }

    /// The instant that a local time means.
    fn local(&self, local: i64) -> Time {
        self.time(self.place(local).expect("walked"))
    }

    pub(super) fn minutes(&self) -> u64 {
        self.compared.len() as u64
    }

    /// Compares all that a calendar answers at each minute; how many answers that were.
    pub(super) fn compare(&self, calendar: &Calendar) -> u64 {
        self.compare_intervals(calendar);
        let begin = self.time(self.compared.start);
        let mut passed = self.opened.partition_point(|place| (*place as usize) < self.compared.start);
        let passed_before = passed;
        let date = |place: usize| i64::from(self.shown[place]).div_euclid(DAY);
        let (mut day, mut answers) = (self.day(date(self.compared.start)), 0);
        for place in self.compared.clone() {
            let at = self.time(place);
            let minutes = |count: usize| Span::from_minutes(count as i64);
            let is_open = self.open[place];
            let mut same = |found: Time, expected: Time, what: &str| {
                answers += 1;
                assert_eq!(found, expected, "{} at {at}: {what}", self.zone);
            };
            let next = at + minutes(1);
            same(at + calendar.elapsed(at, next), if is_open { next } else { at }, "open");
            same(at + calendar.elapsed(begin, at), at + minutes(passed - passed_before), "elapsed");
            for count in [1, 120, 2_400] {
                let minute = self.time(self.opened[passed + count - 1] as usize);
                same(calendar.add(at, minutes(count)), minute + minutes(1), "add");
                same(calendar.add_until_more(at, minutes(count - 1)), minute, "add until more");
                let before = self.time(self.opened[passed - count] as usize);
                same(calendar.subtract(at, minutes(count)).unwrap_or(Time::NEVER), before, "subtract");
            }
            if day.number != date(place) {
                day = self.day(date(place));
            }
            let minute = i64::from(self.shown[place]).rem_euclid(DAY);
            for (found, expected, what) in self.of_day(calendar, &day, at, minute) {
                same(found, expected, what);
            }
            passed += usize::from(is_open);
        }
        answers
    }

    /// The open intervals are the runs of open minutes.
    fn compare_intervals(&self, calendar: &Calendar) {
        let mut runs: Vec<(Time, Time)> = Vec::new();
        for place in self.compared.clone().filter(|place| self.open[*place]) {
            let (from, to) = (self.time(place), self.time(place + 1));
            match runs.last_mut() {
                Some(run) if run.1 == from => run.1 = to,
                _ => runs.push((from, to)),
            }
        }
        let (begin, end) = (self.time(self.compared.start), self.time(self.compared.end));
        for (found, expected) in calendar.intervals(begin, end).zip(&runs) {
            assert_eq!(found, *expected, "{}: open", self.zone);
        }
        assert_eq!(calendar.intervals(begin, end).count(), runs.len(), "{}", self.zone);
    }

    /// The answers in days, each with what it should be.
    fn of_day(
        &self,
        calendar: &Calendar,
        day: &Day,
        at: Time,
        minute: i64,
    ) -> [(Time, Time, &'static str); 9] {
        let working = |days: usize, counted: bool| calendar.end_of_working_day(at, days as u32, counted);
        let moved = |days: i64| calendar.add_working_days(at, days).unwrap_or(Time::NEVER);
        let same_time = |day: i64| self.local(day * DAY + minute);
        let behind = |days: usize| self.working[day.after + days - 1];
        let counted = if day.is_working { day.number } else { behind(1) };
        [
            (calendar.end_of_day(at, 0), day.end, "end of the day"),
            (calendar.end_of_day(at, 30), day.end_in_30, "end of the day in 30 days"),
            (working(1, false), day.ends[0], "end of the first working day"),
            (
                working(1, true),
                self.local((counted + 1) * DAY),
                "end of the first working day, this one counted",
            ),
            (working(15, false), day.ends[1], "end of the 15th working day"),
            (moved(1), same_time(behind(1)), "a working day later"),
            (moved(15), same_time(behind(15)), "15 working days later"),
            (moved(-5), same_time(self.working[day.before - 5]), "5 working days earlier"),
            (calendar.closing(at), day.closing.unwrap_or(at), "closing"),
        ]
    }

    fn day(&self, number: i64) -> Day {
        let before = self.working.partition_point(|day| *day < number);
        let after = self.working.partition_point(|day| *day <= number);
        let end = |number: i64| self.local((number + 1) * DAY);
        let (from, to) = (self.place(number * DAY), self.place((number + 1) * DAY));
        let mut minutes = from.expect("walked")..to.expect("walked");
        Day {
            number,
            before,
            after,
            is_working: before < after,
            end: end(number),
            end_in_30: end(number + 30),
            ends: [1, 15].map(|days| end(self.working[after + days - 1])),
            closing: minutes.rfind(|place| self.open[*place]).map(|place| self.time(place + 1)),
        }
    }
}

/// What all minutes of a local date have in common.
struct Day {
    number: i64,
    /// How many working days lie before it, and how many with it.
    before: usize,
    after: usize,
    is_working: bool,
    end: Time,
    end_in_30: Time,
    /// The ends of the first and of the 15th working day.
    ends: [Time; 2],
    closing: Option<Time>,
}

/// What the clocks show at an instant.
fn shown(zone: &TimeZone, minute: i64) -> i32 {
    let at = jiff::Timestamp::from_second(minute * 60).expect("in range");
    let offset = zone.to_offset(at).seconds();
    assert_eq!(offset % 60, 0, "clocks are ahead by whole minutes");
    minute as i32 + offset / 60
}

/// For each local time, the place of the minute that it means.
fn meant(shown: &[i32]) -> Vec<i32> {
    let mut meant: Vec<i32> = Vec::with_capacity(shown.len());
    for (place, local) in (0i32..).zip(shown) {
        // Times that are skipped are as long after the last minute as they are on the clock; the first of two is meant.
        let at = local - shown[0];
        while (meant.len() as i32) < at {
            let since = meant.len() as i32 - (shown[place as usize - 1] - shown[0]);
            meant.push(place - 1 + since);
        }
        if meant.len() as i32 == at {
            meant.push(place);
        }
    }
    meant
}
