//! On which dates does a yearly rule fall? The part of iCalendar's RRULE (RFC 5545, 3.3.10) in which holidays are written.
//!
//! Every day from the first on is asked whether the rule holds: slow, and right for lists, last Mondays and leap days
//! alike. A file is read once.

use std::str::FromStr;

use jiff::civil::{Date, Weekday};

/// Where the layout of calendars ends.
const LAST_YEAR: i16 = 2100;

const WEEKDAYS: [(&str, Weekday); 7] = [
    ("MO", Weekday::Monday),
    ("TU", Weekday::Tuesday),
    ("WE", Weekday::Wednesday),
    ("TH", Weekday::Thursday),
    ("FR", Weekday::Friday),
    ("SA", Weekday::Saturday),
    ("SU", Weekday::Sunday),
];

/// A rule by which something comes back in some years.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Yearly {
    /// In every so many years.
    interval: usize,
    /// How often at most.
    count: usize,
    /// The last date on which it may fall.
    until: Date,
    months: Vec<i8>,
    /// Days of a month, from its end when less than 0.
    month_days: Vec<i8>,
    /// Days of the week: each, or the n-th of the month, or of the year where no month is named; from the end when less
    /// than 0.
    weekdays: Vec<(Option<i16>, Weekday)>,
}

impl Yearly {
    /// Reads `FREQ=YEARLY;BYMONTH=11;BYDAY=4TH`; what is wrong with it otherwise.
    pub(super) fn parse(text: &str) -> Result<Yearly, String> {
        let mut rule = Yearly {
            interval: 1,
            count: usize::MAX,
            until: Date::MAX,
            months: Vec::new(),
            month_days: Vec::new(),
            weekdays: Vec::new(),
        };
        let mut is_yearly = false;
        for part in text.split(';').filter(|part| !part.is_empty()) {
            let (key, value) =
                part.split_once('=').ok_or_else(|| format!("`{part}` is no part of a rule"))?;
            let wrong = || format!("`{part}` cannot be read");
            match key {
                "FREQ" if value == "YEARLY" => is_yearly = true,
                "INTERVAL" => rule.interval = number(value, 1..=100).ok_or_else(wrong)?,
                "COUNT" => rule.count = number(value, 1..=1_000).ok_or_else(wrong)?,
                "UNTIL" => rule.until = value.get(..8).and_then(super::ics::date).ok_or_else(wrong)?,
                "BYMONTH" => rule.months = list(value, |one| number(one, 1..=12)).ok_or_else(wrong)?,
                "BYMONTHDAY" => rule.month_days = list(value, |one| counted(one, 31)).ok_or_else(wrong)?,
                "BYDAY" => rule.weekdays = list(value, weekday).ok_or_else(wrong)?,
                // Where the week begins is nothing to whole years.
                "WKST" => {}
                _ => return Err(format!("`{part}` is not known")),
            }
        }
        if is_yearly { Ok(rule) } else { Err(format!("`{text}` is not yearly")) }
    }

    /// The dates, from the first on, which must be one of them.
    pub(super) fn dates(&self, first: Date) -> Option<Vec<Date>> {
        let years = (first.year()..=LAST_YEAR).step_by(self.interval);
        let days = years.filter_map(|year| Date::new(year, 1, 1).ok()).flat_map(|new_year| {
            let days = new_year.series(jiff::Span::new().days(1));
            days.take_while(move |date| date.year() == new_year.year())
        });
        let held = days.filter(|date| *date >= first && *date <= self.until && self.holds(*date, first));
        let dates: Vec<Date> = held.take(self.count).collect();
        (dates.first() == Some(&first)).then_some(dates)
    }

    fn holds(&self, date: Date, first: Date) -> bool {
        let any_day = self.month_days.is_empty() && self.weekdays.is_empty();
        let in_month = match self.months.is_empty() {
            true => !any_day || date.month() == first.month(),
            false => self.months.contains(&date.month()),
        };
        let back = date.day() - date.days_in_month() - 1;
        let on_day = match self.month_days.is_empty() {
            true => !any_day || date.day() == first.day(),
            false => self.month_days.iter().any(|day| *day == date.day() || *day == back),
        };
        let (from_begin, from_end) = match self.months.is_empty() {
            true => (date.day_of_year() - 1, date.days_in_year() - date.day_of_year()),
            false => (i16::from(date.day() - 1), i16::from(date.days_in_month() - date.day())),
        };
        let weeks = [from_begin / 7 + 1, -(from_end / 7 + 1)];
        let is_nth = |(nth, day): &(Option<i16>, Weekday)| {
            *day == date.weekday() && nth.is_none_or(|nth| weeks.contains(&nth))
        };
        in_month && on_day && (self.weekdays.is_empty() || self.weekdays.iter().any(is_nth))
    }
}

fn number<T: FromStr + PartialOrd>(text: &str, range: std::ops::RangeInclusive<T>) -> Option<T> {
    text.parse().ok().filter(|number| range.contains(number))
}

/// `3`, the third; `-1`, the last.
fn counted<T: FromStr + PartialOrd + std::ops::Neg<Output = T> + From<i8> + Copy>(
    text: &str,
    most: T,
) -> Option<T> {
    number(text, -most..=most).filter(|number| *number != T::from(0))
}

fn list<T>(text: &str, one: impl Fn(&str) -> Option<T>) -> Option<Vec<T>> {
    text.split(',').map(one).collect()
}

/// `MO`, `4TH`, `-1MO`.
fn weekday(text: &str) -> Option<(Option<i16>, Weekday)> {
    let (nth, name) = text.split_at_checked(text.len().checked_sub(2)?)?;
    let (_, day) = WEEKDAYS.iter().find(|(known, _)| *known == name)?;
    let nth = if nth.is_empty() { None } else { Some(counted(nth, 53)?) };
    Some((nth, *day))
}
