//! When does a calendar file say the office is open? Reads it into a laid-out [`Calendar`].

use std::path::Path;

use jiff::civil::Date;

use super::read::{Document, Kind, Problems, Table, Value};
use crate::calendar::{Calendar, Hours, Spec};

/// The calendars that are shipped, by name.
pub const SHIPPED: [(&str, &str); 1] = [("cn", include_str!("../../config/calendars/cn.toml"))];

const DAYS: [&str; 7] = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];
/// The longest holiday that is believed; longer is a slip of the pen.
const HOLIDAY_DAYS_MAX: usize = 60;

/// Reads a calendar file.
pub fn read(file: &str, text: &str) -> Result<Calendar, Problems> {
    let document = Document::parse(file, text)?;
    let root = document.root();
    let name = root.need("name", "name the calendar, for instance \"cn\"", Value::string);
    let calendar = inline(name.map_or("", |name| name.value), &root);
    document.finish(|| calendar)
}

/// A calendar by the name under which it is shipped, or by path; paths are looked up from `folder`.
pub fn named(value: Value<'_>, folder: &Path) -> Option<Calendar> {
    let name = value.clone().string()?.value;
    let read = match SHIPPED.iter().find(|(shipped, _)| *shipped == name) {
        Some((_, text)) => read(name, text),
        None => {
            let path = folder.join(name);
            match std::fs::read_to_string(&path) {
                Ok(text) => read(&path.display().to_string(), &text),
                Err(error) => {
                    let shipped: Vec<&str> = SHIPPED.iter().map(|(name, _)| *name).collect();
                    let remedy = format!(
                        "give a path from this file's folder, or one of the shipped: {}",
                        shipped.join(", ")
                    );
                    value.problem(format!("calendar `{}` cannot be read: {error}", path.display()), remedy);
                    return None;
                }
            }
        }
    };
    match read {
        Ok(calendar) => Some(calendar),
        Err(problems) => {
            for problem in problems.0 {
                value.problem(problem.to_string(), "mend that file");
            }
            None
        }
    }
}

/// A calendar written out in a table.
pub fn inline(name: &str, table: &Table<'_>) -> Option<Calendar> {
    table.only(&["name", "zone", "years", "working", "weekly", "holiday"]);
    let zone = table.need("zone", "say whose local time: zone = \"Asia/Shanghai\"", Value::string);
    let weekly = table.need("weekly", "say when it is open: weekly.monday = [\"09:00-18:00\"]", weekly);
    let mut spec = Spec { name: name.to_owned(), weekly: weekly?, ..Spec::default() };
    let holidays = table.tables("holiday");
    for holiday in &holidays {
        for date in dates(holiday)? {
            spec.dates.insert(date, Hours::new());
        }
    }
    for value in table.get("working").map(|value| value.list()).unwrap_or_default() {
        spec.dates.insert(date(value)?, spec.weekly[0].clone());
    }
    if !spec.dates.is_empty() {
        let remedy = "list the years whose holidays are all here: years = [2025]";
        let years = table.need("years", remedy, |value| {
            value
                .list()
                .into_iter()
                .map(|year| i16::try_from(year.integer()?.value).ok())
                .collect::<Option<Vec<i16>>>()
        });
        spec.holiday_years = Some(years?);
    }
    let zone = zone?;
    spec.zone = zone.value.to_owned();
    Calendar::compile(&spec)
        .map_err(|error| table.problem(zone.place, error.to_string(), "correct the calendar"))
        .ok()
}

fn weekly(value: Value<'_>) -> Option<[Hours; 7]> {
    let table = value.table()?;
    table.only(&DAYS);
    let mut weekly: [Hours; 7] = Default::default();
    for (hours, day) in weekly.iter_mut().zip(DAYS) {
        if let Some(value) = table.get(day) {
            *hours = value.list().into_iter().map(interval).collect::<Option<Hours>>()?;
        }
    }
    Some(weekly)
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

fn dates(holiday: &Table<'_>) -> Option<Vec<Date>> {
    holiday.only(&["name", "from", "to"]);
    let from = holiday.need("from", "say its first day: from = \"2025-10-01\"", date)?;
    let to = holiday.get("to").map_or(Some(from), date)?;
    let dates: Vec<Date> = from
        .series(jiff::Span::new().days(1))
        .take_while(|date| *date <= to)
        .take(HOLIDAY_DAYS_MAX + 1)
        .collect();
    if dates.is_empty() || dates.len() > HOLIDAY_DAYS_MAX {
        let what = format!("a holiday from {from} to {to}");
        holiday.problem(holiday.place(), what, format!("it must have 1 to {HOLIDAY_DAYS_MAX} days"));
        return None;
    }
    Some(dates)
}

fn date(value: Value<'_>) -> Option<Date> {
    if value.kind() == Kind::Date {
        value.problem("a date without quotes", "write it in quotes: \"2025-10-01\"");
        return None;
    }
    let text = value.clone().string()?.value;
    match text.parse() {
        Ok(date) => Some(date),
        Err(_) => {
            value.problem(
                format!("`{}` is `{text}`", value.path()),
                "write a date as year-month-day: \"2025-10-01\"",
            );
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::{Span, Time};

    /// Day by day the same as PyPI's `chinesecalendar` 1.11 has them; these are its sums.
    #[test]
    fn the_shipped_calendars_have_the_working_days_of_their_years() {
        let (name, text) = SHIPPED[0];
        let calendar = read(name, text).expect("it is shipped");
        let midnight = |year: i32| Time::parse(&format!("{year}-01-01T00:00:00+08:00")).expect("an instant");
        for (year, days) in [(2024, 251), (2025, 248), (2026, 248)] {
            let open = calendar.elapsed(midnight(year), midnight(year + 1));
            assert_eq!(open.millis() / Span::from_days(1).millis(), days, "{year}");
            assert_eq!(calendar.covers(midnight(year), midnight(year + 1)), Ok(()));
        }
        assert_eq!(calendar.covers(midnight(2026), midnight(2028)), Err(2027));
    }
}
