//! Which dates are closed, or worked although the week says otherwise? From a calendar's own table, and from files.
//!
//! A file is what its name ends with: `.ics`, `.csv`, or TOML.

use std::collections::BTreeMap;
use std::path::Path;

use jiff::civil::Date;

use super::{KEYS, all, csv, date, find, ics};
use crate::config::read::{Document, Problem, Problems, Table, Value};

/// The longest holiday that is believed; longer is a slip of the pen.
const HOLIDAY_DAYS_MAX: usize = 60;

/// Dates that are not as the week has them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Days {
    /// What they are.
    pub dates: BTreeMap<Date, Day>,
    /// The years whose holidays are all among them; `None`: nobody said.
    pub years: Option<Vec<i16>>,
}

/// What a date is, whatever the week says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Day {
    /// A holiday.
    Closed,
    /// Worked like a Monday.
    Worked,
}

/// A holiday of a file, or a stretch that is worked instead.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Holiday {
    /// The line at which it begins.
    pub line: usize,
    /// What it is called; for problems with it.
    pub name: String,
    /// Its first day.
    pub from: Date,
    /// Its last day.
    pub to: Date,
    /// What its days are.
    pub day: Day,
}

impl Days {
    /// Lays others over these. Only years that both know wholly are known wholly.
    fn lay(&mut self, later: Days) {
        self.dates.extend(later.dates);
        self.years = match (self.years.take(), later.years) {
            (Some(mut years), Some(later)) => {
                years.retain(|year| later.contains(year));
                Some(years)
            }
            (one, other) => one.or(other),
        };
    }
}

/// What a calendar's table says, over what the files say that it names; paths are looked up from `folder`.
pub fn of_calendar(table: &Table<'_>, folder: &Path) -> Option<Days> {
    let sources = table.get("holidays_from").map(|value| value.list()).unwrap_or_default();
    let sources: Option<Vec<Days>> = all(sources.into_iter().map(|value| source(value, folder)));
    let own = of_table(table);
    let (sources, own) = (sources?, own?);
    let mut days = Days::default();
    sources.into_iter().for_each(|source| days.lay(source));
    days.dates.extend(own.dates);
    // Who lists the years knows best.
    days.years = own.years.or(days.years);
    if !days.dates.is_empty() && days.years.is_none() {
        table.need("years", "list the years whose holidays are all here: years = [2025]", Some)?;
    }
    Some(days)
}

/// A shipped calendar, or a file of holidays.
fn source(value: Value<'_>, folder: &Path) -> Option<Days> {
    let (file, text) = find(&value, folder)?;
    read(&file, &text).map_err(|problems| value.adopt(problems)).ok()
}

/// Reads a file of holidays.
pub fn read(file: &str, text: &str) -> Result<Days, Problems> {
    match kind(file) {
        Some(Kind::ICalendar) => laid_out(file, ics::read(file, text)?),
        Some(Kind::Csv) => laid_out(file, csv::read(file, text)?),
        None => toml(file, text),
    }
}

/// The files of holidays that are not TOML.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// iCalendar, RFC 5545.
    ICalendar,
    /// Comma-separated values.
    Csv,
}

/// What a file is, by its name; `None` for TOML.
pub fn kind(file: &str) -> Option<Kind> {
    let ending = Path::new(file).extension()?.to_str()?.to_ascii_lowercase();
    match ending.as_str() {
        "ics" => Some(Kind::ICalendar),
        "csv" => Some(Kind::Csv),
        _ => None,
    }
}

/// A calendar's holidays without its hours.
fn toml(file: &str, text: &str) -> Result<Days, Problems> {
    let document = Document::parse(file, text)?;
    let root = document.root();
    root.only(&KEYS);
    if let Some(value) = root.get("holidays_from") {
        value.problem(
            "it takes its own holidays from other files",
            "name those files where this one is named",
        );
    }
    let days = of_table(&root);
    root.need("years", "list the years whose holidays are all here: years = [2025]", Some);
    document.finish(|| days)
}

/// What the table itself says.
fn of_table(table: &Table<'_>) -> Option<Days> {
    let list = |key| table.get(key).map(|value| value.list());
    let closed: Option<Vec<Vec<Date>>> = all(table.tables("holiday").iter().map(holiday));
    let worked: Option<Vec<Date>> = all(list("working").unwrap_or_default().into_iter().map(date));
    let years: Option<Option<Vec<i16>>> = list("years").map(|years| all(years.into_iter().map(year)));
    let closed = closed?.into_iter().flatten().map(|date| (date, Day::Closed));
    let worked = worked?.into_iter().map(|date| (date, Day::Worked));
    let years = match years {
        Some(years) => Some(years?),
        None => None,
    };
    Some(Days { dates: closed.chain(worked).collect(), years })
}

fn year(value: Value<'_>) -> Option<i16> {
    let year = value.clone().integer()?.value;
    let known = i16::try_from(year).ok().filter(|year| (1970..2100).contains(year));
    if known.is_none() {
        value.problem(format!("the year {year}"), "write a year from 1970 to 2099");
    }
    known
}

fn holiday(table: &Table<'_>) -> Option<Vec<Date>> {
    table.only(&["name", "from", "to"]);
    let from = table.need("from", "say its first day: from = \"2025-10-01\"", date)?;
    let to = table.get("to").map_or(Some(from), date)?;
    dates(from, to).map_err(|(what, remedy)| table.problem(table.place(), what, remedy)).ok()
}

/// The days of a holiday.
fn dates(from: Date, to: Date) -> Result<Vec<Date>, (String, String)> {
    let days = from.series(jiff::Span::new().days(1)).take_while(|date| *date <= to);
    let dates: Vec<Date> = days.take(HOLIDAY_DAYS_MAX + 1).collect();
    if (1..=HOLIDAY_DAYS_MAX).contains(&dates.len()) {
        return Ok(dates);
    }
    Err((format!("a holiday from {from} to {to}"), format!("it must have 1 to {HOLIDAY_DAYS_MAX} days")))
}

fn laid_out(file: &str, mut holidays: Vec<Holiday>) -> Result<Days, Problems> {
    let (mut days, mut problems) = (Days::default(), Vec::new());
    // As in a table: days that are worked lie over those that are closed.
    holidays.sort_by_key(|holiday| holiday.day);
    for Holiday { line, name, from, to, day } in holidays {
        match dates(from, to) {
            Ok(dates) => days.dates.extend(dates.into_iter().map(|date| (date, day))),
            // One that comes back every year is too long once.
            Err(_) if problems.last().is_some_and(|problem: &Problem| problem.line == line) => {}
            Err((what, remedy)) => {
                problems.push(Problem::of_line(file, line, format!("`{name}`: {what}"), remedy));
            }
        }
    }
    if problems.is_empty() { Ok(days) } else { Err(Problems(problems)) }
}
