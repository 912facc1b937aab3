//! When does a calendar file say the office is open? Reads it into a laid-out [`Calendar`].
//!
//! ```text
//!   weekly ◄─ holidays_from, one file over the other ◄─ holiday ◄─ working ◄─ date_overrides      later wins
//! ```

use std::collections::BTreeMap;
use std::path::Path;

use jiff::civil::Date;

use super::read::{Document, Kind, Problems, Table, Value};
use crate::calendar::{Calendar, Hours, Spec};

mod csv;
pub mod ending;
pub mod holidays;
mod ics;
#[cfg(test)]
mod tests;
mod yearly;

use holidays::{Day, Days};

/// The calendars that are shipped, by name.
pub const SHIPPED: [(&str, &str); 1] = [("cn", include_str!("../../../config/calendars/cn.toml"))];

/// What a calendar may say.
pub const KEYS: [&str; 8] =
    ["name", "zone", "weekly", "holiday", "holidays_from", "working", "years", "date_overrides"];

const DAYS: [&str; 7] = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];

/// Reads a calendar file. `file` is the name used in problems, and the place from which paths are looked up.
pub fn read(file: &str, text: &str) -> Result<Calendar, Problems> {
    let document = Document::parse(file, text)?;
    let root = document.root();
    let name = root.need("name", "name the calendar, for instance \"cn\"", Value::string);
    let folder = Path::new(file).parent().unwrap_or(Path::new(""));
    let calendar = inline(name.map_or("", |name| name.value), &root, folder);
    document.finish(|| calendar)
}

/// A calendar by the name under which it is shipped, or by path; paths are looked up from `folder`.
pub fn named(value: Value<'_>, folder: &Path) -> Option<Calendar> {
    let (file, text) = find(&value, folder)?;
    if holidays::kind(&file).is_some() {
        let what = format!("`{}` lists holidays, and is no calendar", value.clone().string()?.value);
        value.problem(what, "write a calendar with hours, and name the file in its `holidays_from`");
        return None;
    }
    read(&file, &text).map_err(|problems| value.adopt(problems)).ok()
}

/// The name and the text of a shipped calendar, or of a file.
fn find(value: &Value<'_>, folder: &Path) -> Option<(String, String)> {
    let name = value.clone().string()?.value;
    if let Some((_, text)) = SHIPPED.iter().find(|(shipped, _)| *shipped == name) {
        return Some((name.to_owned(), (*text).to_owned()));
    }
    let path = folder.join(name);
    match std::fs::read_to_string(&path) {
        Ok(text) => Some((path.display().to_string(), text)),
        Err(error) => {
            let shipped: Vec<&str> = SHIPPED.iter().map(|(name, _)| *name).collect();
            let remedy = format!(
                "give the path of a file in UTF-8, from this file's folder, or one of the shipped: {}",
                shipped.join(", ")
            );
            value.problem(format!("`{}` cannot be read: {error}", path.display()), remedy);
            None
        }
    }
}

/// A calendar written out in a table; paths are looked up from `folder`.
pub fn inline(name: &str, table: &Table<'_>, folder: &Path) -> Option<Calendar> {
    table.only(&KEYS);
    let zone = table.need("zone", "say whose local time: zone = \"Asia/Shanghai\"", Value::string);
    let weekly = table.need("weekly", "say when it is open: weekly.monday = [\"09:00-18:00\"]", weekly);
    let days = holidays::of_calendar(table, folder);
    let overrides = table.table("date_overrides").map_or(Some(BTreeMap::new()), |table| overrides(&table));
    let (zone, weekly, Days { dates, years }) = (zone?, weekly?, days?);
    if weekly[0].is_empty() && dates.values().any(|day| *day == Day::Worked) {
        let what = "days of the week-end are worked like a Monday, but a Monday is closed";
        table.problem(zone.place, what, "say their hours under `date_overrides` instead");
    }
    let hours_of = |day| match day {
        Day::Closed => Hours::new(),
        Day::Worked => weekly[0].clone(),
    };
    let mut dates: BTreeMap<Date, Hours> =
        dates.into_iter().map(|(date, day)| (date, hours_of(day))).collect();
    dates.extend(overrides?);
    let spec = Spec {
        name: name.to_owned(),
        zone: zone.value.to_owned(),
        weekly,
        dates,
        holiday_years: years,
        ..Spec::default()
    };
    Calendar::compile(&spec)
        .map_err(|error| table.problem(zone.place, error.to_string(), "correct the calendar"))
        .ok()
}

/// `"2026-12-24" = ["09:00-12:00"]`; no hours at all are a day that is closed.
fn overrides(table: &Table<'_>) -> Option<BTreeMap<Date, Hours>> {
    let entries = table.entries().into_iter().map(|(name, value)| {
        let date = read_date(name.value);
        if date.is_none() {
            table.problem(name.place, format!("`{}` is no date", name.value), WRITE_DATE);
        }
        let hours = hours(&value);
        Some((date?, hours?))
    });
    all(entries)
}

fn weekly(value: Value<'_>) -> Option<[Hours; 7]> {
    let table = value.table()?;
    table.only(&DAYS);
    let days = DAYS.iter().map(|day| table.get(day).map_or(Some(Hours::new()), |value| hours(&value)));
    all::<Vec<Hours>, _>(days)?.try_into().ok()
}

fn hours(value: &Value<'_>) -> Option<Hours> {
    all(value.list().into_iter().map(interval))
}

/// All of them, if nothing was wrong with any; each is looked at, so that no problem hides another.
fn all<C: FromIterator<T>, T>(read: impl Iterator<Item = Option<T>>) -> Option<C> {
    read.collect::<Vec<_>>().into_iter().collect()
}

/// `09:00` as minutes since midnight; `24:00` is the last.
pub(super) fn minute(clock: &str) -> Option<u16> {
    let (hour, minute) = clock.split_once(':')?;
    let minute = minute.parse::<u16>().ok().filter(|minute| *minute < 60)?;
    let minutes = hour.parse::<u16>().ok()?.checked_mul(60)?.checked_add(minute)?;
    Some(minutes).filter(|minutes| *minutes <= 1_440)
}

/// `"09:00-18:00"`.
fn interval(value: Value<'_>) -> Option<(u16, u16)> {
    let text = value.clone().string()?.value;
    let hours = text.split_once('-').and_then(|(from, to)| Some((minute(from.trim())?, minute(to.trim())?)));
    if hours.is_none() {
        value.problem(
            format!("`{}` is `{text}`", value.path()),
            "write \"09:00-18:00\"; midnight at the end is 24:00",
        );
    }
    hours.filter(|(from, to)| {
        let forward = from < to;
        if !forward {
            value.problem(
                format!("`{text}` ends before it begins"),
                "hours over midnight are two: \"22:00-24:00\" and, on the next day, \"00:00-06:00\"",
            );
        }
        forward
    })
}

const WRITE_DATE: &str = "write a date in quotes, as year-month-day: \"2025-10-01\"";

fn date(value: Value<'_>) -> Option<Date> {
    if value.kind() == Kind::Date {
        value.problem("a date without quotes", WRITE_DATE);
        return None;
    }
    let text = value.clone().string()?.value;
    let date = read_date(text);
    if date.is_none() {
        value.problem(format!("`{}` is `{text}`", value.path()), WRITE_DATE);
    }
    date
}

/// `2025-10-01` and nothing else: whoever writes a time of day, too, means something else.
fn read_date(text: &str) -> Option<Date> {
    text.parse().ok().filter(|_| text.len() == "2025-10-01".len())
}
