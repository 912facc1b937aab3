//! Which instant does a cell name? Formats, day numbers, split date and time, zones, calls that cross midnight, and
//! lengths of time that are counted from another time of the row.

use std::borrow::Cow;

use jiff::civil::DateTime;
use jiff::fmt::strtime::BrokenDownTime;
use jiff::tz::{AmbiguousOffset, TimeZone};

use super::Row;
use crate::event::Reason;
use crate::time::{Span, Time};

const DAY_MS: i64 = 86_400_000;

/// A time of a row.
#[derive(Clone, Debug)]
pub struct TimeColumn {
    /// Its name in the mapping.
    pub name: String,
    /// The column.
    pub column: usize,
    /// How it may be written there; the first that reads it counts.
    pub formats: Vec<Format>,
    /// Texts that are replaced before it is read: the names of months in other languages.
    pub words: Vec<(String, String)>,
    /// Whether a date without a time of day is the end of that day, and not its begin.
    pub end_of_day: bool,
    /// The time from which it is counted, where the column holds a length of time.
    pub after: Option<usize>,
    /// The column of the date, where `column` holds the time of day only.
    pub date: Option<Date>,
    /// The zone of local times: what the clock change leaves out shifts forward, what it repeats is the first of two.
    pub zone: TimeZone,
    /// Where it is earlier than this other time by more than this, it belongs to the next day.
    pub rolls_over: Option<(usize, Span)>,
}

/// A date in a column of its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Date {
    /// The column.
    pub column: usize,
    /// How it is written there, in the letters of `strptime`.
    pub format: String,
}

/// How a time is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Format {
    /// In the letters of `strptime`: `%d/%m/%Y %H:%M`. Leading zeros may be left out.
    Letters(String),
    /// The same with an offset among them (`%z`), so that they name the instant itself.
    LettersWithOffset(String),
    /// With an offset: `2026-03-01T08:00:00+01:00`.
    Rfc3339,
    /// Seconds since 1970-01-01T00:00:00Z, with or without a fraction.
    EpochSeconds,
    /// Milliseconds since 1970-01-01T00:00:00Z.
    EpochMillis,
    /// Days since 1899-12-30T00:00 local time, as spreadsheets count them.
    Spreadsheet1900,
    /// Days since 1904-01-01T00:00 local time, as some spreadsheets count them.
    Spreadsheet1904,
    /// A length of time, as a number of something that lasts so long.
    Length(Span),
    /// A length of time as `1:02:03` or `2:03`; the hours may be more than 24.
    HoursMinutesSeconds,
}

/// An instant, and what the clock on the wall showed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Moment {
    /// The instant.
    pub time: Time,
    /// What the clock on the wall showed; none where the cell names the instant itself.
    pub local: Option<DateTime>,
}

impl TimeColumn {
    /// Reads the time from a row; nothing where a cell it needs is missing.
    pub fn read(&self, row: &Row<'_>) -> Result<Option<Moment>, Reason> {
        let Some(cell) = row.cell(self.column) else {
            return Ok(None);
        };
        let text = &*self.plain(cell);
        let mark = row.decimal_mark();
        if let Some(after) = self.after {
            let Some(begin) = row.moment(after)? else { return Ok(None) };
            let length = self.formats.iter().find_map(|format| format.length(text, mark));
            let time = length.map(|length| Moment { time: begin.time + length, local: None });
            return self.checked(row, time).map(Some);
        }
        if let Some(time) = self.formats.iter().find_map(|format| format.instant(text, mark)) {
            return self.checked(row, Some(Moment { time, local: None })).map(Some);
        }
        let local = match &self.date {
            None => self.formats.iter().find_map(|format| format.local(text, mark, self.end_of_day)),
            Some(date) => match row.cell(date.column) {
                None => return Ok(None),
                Some(day) => self.split(row, date, day, text)?,
            },
        };
        let Some(local) = local else {
            return self.checked(row, None).map(Some);
        };
        let began = self.began(row)?;
        let local = self.rolled_over(local, began);
        let time = self.shown(local, began);
        self.checked(row, time.map(|time| Moment { time, local: Some(local) })).map(Some)
    }

    /// What is expected in the column, for people.
    pub fn expected(&self) -> String {
        let each: Vec<String> = self.formats.iter().map(Format::expected).collect();
        format!("expected {}", each.join(", or "))
    }

    /// The cell with plain blanks and the mapping's words in it. Newer systems put a narrow blank before AM and PM.
    fn plain<'c>(&self, cell: &'c str) -> Cow<'c, str> {
        let mut text = Cow::Borrowed(cell);
        if !cell.is_ascii() && cell.contains(is_odd_blank) {
            text = Cow::Owned(cell.replace(is_odd_blank, " "));
        }
        for (written, meant) in &self.words {
            if text.contains(written.as_str()) {
                text = Cow::Owned(text.replace(written, meant));
            }
        }
        text
    }

    /// When the row began, for a time of day that may belong to the next day.
    fn began(&self, row: &Row<'_>) -> Result<Option<Moment>, Reason> {
        self.rolls_over.map_or(Ok(None), |(after, _)| row.moment(after))
    }

    /// The instant at which the clock on the wall showed this. Of two it is the first; if it is known when the row
    /// began, the one that is nearer: a call must not end an hour before its begin because the clock was put back.
    fn shown(&self, local: DateTime, began: Option<Moment>) -> Option<Time> {
        let ambiguous = self.zone.to_ambiguous_timestamp(local);
        let twice = matches!(ambiguous.offset(), AmbiguousOffset::Fold { .. });
        let first = ambiguous.compatible().ok().map(Time::from)?;
        let Some(began) = began.filter(|_| twice) else {
            return Some(first);
        };
        let second = ambiguous.later().ok().map(Time::from)?;
        let distance = |time: Time| (time - began.time).millis().abs();
        Some(if distance(second) < distance(first) { second } else { first })
    }

    fn split(&self, row: &Row<'_>, date: &Date, day: &str, text: &str) -> Result<Option<DateTime>, Reason> {
        let Some(day) = read_date(&date.format, day) else {
            let expected = format!("expected a date written as `{}`", date.format);
            return Err(row.bad_column(date.column, expected));
        };
        let read = |format: &Format| match format {
            Format::Letters(letters) => BrokenDownTime::parse(letters, text).ok()?.to_time().ok(),
            _ => None,
        };
        Ok(self.formats.iter().find_map(read).map(|time| day.to_datetime(time)))
    }

    /// The date beside a time of day is the day on which the whole began.
    fn rolled_over(&self, local: DateTime, began: Option<Moment>) -> DateTime {
        let (Some((_, tolerance)), Some(Moment { local: Some(began), .. })) = (self.rolls_over, began) else {
            return local;
        };
        let early_ms = began.duration_since(local).as_millis();
        let next_day = early_ms > i128::from(tolerance.millis());
        let tomorrow = || local.checked_add(jiff::Span::new().days(1)).unwrap_or(local);
        if next_day { tomorrow() } else { local }
    }

    fn checked(&self, row: &Row<'_>, moment: Option<Moment>) -> Result<Moment, Reason> {
        match moment {
            Some(moment) if moment.time.in_range() => Ok(moment),
            Some(_) => Err(row.bad_column(self.column, "lies outside the years 1970 to 2099".into())),
            None => Err(row.bad_column(self.column, self.expected())),
        }
    }
}

impl Format {
    /// Whether it is read from a clock on a wall, whose zone must be known.
    pub fn is_local(&self) -> bool {
        matches!(self, Format::Letters(_) | Format::Spreadsheet1900 | Format::Spreadsheet1904)
    }

    /// Whether it is a length of time.
    pub fn is_length(&self) -> bool {
        matches!(self, Format::Length(_) | Format::HoursMinutesSeconds)
    }

    /// The instant a text names by itself.
    fn instant(&self, text: &str, mark: char) -> Option<Time> {
        match self {
            Format::Rfc3339 => Time::parse(text),
            Format::EpochSeconds => decimal(text, mark, 1_000.0).map(Time::from_millis),
            Format::EpochMillis => decimal(text, mark, 1.0).map(Time::from_millis),
            Format::LettersWithOffset(letters) => {
                BrokenDownTime::parse(letters, text).and_then(|read| read.to_timestamp()).ok().map(Time::from)
            }
            _ => None,
        }
    }

    /// What the clock on the wall showed; a date alone is the begin or the end of its day.
    fn local(&self, text: &str, mark: char, end_of_day: bool) -> Option<DateTime> {
        let whole_day = |date: jiff::civil::Date| {
            let day = if end_of_day { date.tomorrow().ok()? } else { date };
            Some(day.at(0, 0, 0, 0))
        };
        let origin = match self {
            Format::Letters(letters) => {
                let read = BrokenDownTime::parse(letters, text).ok()?;
                let date_alone = read.hour().is_none();
                return if date_alone { whole_day(read.to_date().ok()?) } else { read.to_datetime().ok() };
            }
            Format::Spreadsheet1904 => jiff::civil::date(1904, 1, 1),
            Format::Spreadsheet1900 => jiff::civil::date(1899, 12, 30),
            _ => return None,
        };
        let ms = decimal(text, mark, DAY_MS as f64)?;
        let local = origin.at(0, 0, 0, 0).checked_add(jiff::SignedDuration::from_millis(ms)).ok()?;
        if ms % DAY_MS == 0 { whole_day(local.date()) } else { Some(local) }
    }

    /// How long it is.
    fn length(&self, text: &str, mark: char) -> Option<Span> {
        match self {
            Format::Length(unit) => decimal(text, mark, unit.millis() as f64).map(Span::from_millis),
            Format::HoursMinutesSeconds => hours_minutes_seconds(text, mark),
            _ => None,
        }
    }

    /// What is expected, for people.
    fn expected(&self) -> String {
        match self {
            Format::Letters(letters) | Format::LettersWithOffset(letters) => {
                format!("a time written as `{letters}`")
            }
            Format::Rfc3339 => "RFC 3339 with an offset, such as 2026-03-01T08:00:00Z".into(),
            Format::EpochSeconds => "seconds since 1970".into(),
            Format::EpochMillis => "milliseconds since 1970".into(),
            Format::Spreadsheet1900 => "a spreadsheet's day number, counted from 1899-12-30".into(),
            Format::Spreadsheet1904 => "a spreadsheet's day number, counted from 1904-01-01".into(),
            Format::Length(unit) => format!("how many times {unit}, as a number"),
            Format::HoursMinutesSeconds => "a length of time such as 1:02:03".into(),
        }
    }
}

/// `1:02:03`, or `2:03` for two minutes and three seconds.
fn hours_minutes_seconds(text: &str, mark: char) -> Option<Span> {
    let mut parts = text.rsplit(':');
    let mut ms = decimal(parts.next()?, mark, 1_000.0)?;
    for (unit_ms, part) in [60_000_i64, 3_600_000].into_iter().zip(parts.by_ref()) {
        let number: u32 = part.parse().ok()?;
        ms = ms.checked_add(i64::from(number).checked_mul(unit_ms)?)?;
    }
    parts.next().is_none().then_some(Span::from_millis(ms))
}

fn read_date(letters: &str, text: &str) -> Option<jiff::civil::Date> {
    BrokenDownTime::parse(letters, text).ok()?.to_date().ok()
}

/// A number with this decimal mark.
pub(super) fn number(text: &str, mark: char) -> Option<f64> {
    let number: f64 = match mark {
        '.' => text.parse().ok()?,
        _ if text.contains('.') => return None,
        _ => text.replace(mark, ".").parse().ok()?,
    };
    number.is_finite().then_some(number)
}

/// `text` times `ms`, rounded to the millisecond.
fn decimal(text: &str, mark: char, ms: f64) -> Option<i64> {
    let ms = (number(text, mark)? * ms).round();
    (ms.abs() < 1e15).then_some(ms as i64)
}

/// Blanks that a keyboard does not have: no-break, narrow and thin ones, and those of East Asian texts.
fn is_odd_blank(letter: char) -> bool {
    letter.is_whitespace() && !letter.is_ascii()
}
