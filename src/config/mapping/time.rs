//! Which times has a row? Reads `[times]`: what stands directly under it holds for every time below.

use jiff::fmt::strtime::{self, BrokenDownTime};
use jiff::tz::TimeZone;

use super::names::Names;
use crate::config::read::{At, Place, Table, Value, nearest};
use crate::source::mapping::{Date, Format, TimeColumn};
use crate::time::Span;

const SHARED: [&str; 5] = ["date", "date_format", "format", "words", "zone"];
const OWN: [&str; 9] =
    ["column", "format", "zone", "date", "date_format", "rolls_over", "words", "end_of_day", "after"];

/// Formats that have a name.
const NAMED: [(&str, Format); 10] = [
    ("rfc3339", Format::Rfc3339),
    ("epoch", Format::EpochSeconds),
    ("epoch-ms", Format::EpochMillis),
    ("spreadsheet", Format::Spreadsheet1900),
    ("spreadsheet-1904", Format::Spreadsheet1904),
    ("milliseconds", Format::Length(Span::from_millis(1))),
    ("seconds", Format::Length(Span::from_seconds(1))),
    ("minutes", Format::Length(Span::from_minutes(1))),
    ("hours", Format::Length(Span::from_hours(1))),
    ("h:m:s", Format::HoursMinutesSeconds),
];

/// Reads `[times]` into `names`.
pub(super) fn read(root: &Table<'_>, names: &mut Names) {
    let Some(shared) = root.need("times", "say where the times of a row stand", Value::table) else { return };
    let mut waiting = Vec::new();
    for (name, value) in shared.entries().into_iter().filter(|(name, _)| !SHARED.contains(&name.value)) {
        let read = value.table().and_then(|table| {
            table.only(&OWN);
            let both = Both { own: &table, shared: &shared };
            Some((read_one(&both, name, names)?, table))
        });
        match read {
            Some((time, table)) => {
                names.times.push(time);
                waiting.push(table);
            }
            None => names.broken_times.push(name.value.to_owned()),
        }
    }
    if names.times.is_empty() && names.broken_times.is_empty() {
        root.problem(shared.place(), "[times] names no time", "add one: opened = { column = \"opened_at\" }");
    }
    for (at, table) in waiting.iter().enumerate() {
        names.times[at].rolls_over = read_rollover(table, names, at);
        names.times[at].after = table.string("after").and_then(|after| follow(table, names, at, after));
    }
}

/// A key of a time, or else of `[times]`.
struct Both<'t, 'd> {
    own: &'t Table<'d>,
    shared: &'t Table<'d>,
}

impl<'d> Both<'_, 'd> {
    fn get(&self, key: &str) -> Option<Value<'d>> {
        self.own.get(key).or_else(|| self.shared.get(key))
    }

    fn string(&self, key: &str) -> Option<At<&'d str>> {
        self.get(key)?.string()
    }
}

fn read_one(both: &Both<'_, '_>, name: At<&str>, names: &mut Names) -> Option<TimeColumn> {
    let own = both.own;
    let column = own.need("column", "name the column it stands in", Value::string);
    let Some(formats) = both.get("format") else {
        let remedy =
            "add format = \"%Y-%m-%d %H:%M:%S\", \"rfc3339\", \"epoch\", \"epoch-ms\" or \"spreadsheet\"";
        own.problem(own.place(), format!("`times.{}` has no `format`", name.value), remedy);
        return None;
    };
    let (path, place) = (formats.path().to_owned(), formats.place());
    let formats = formats.strings()?;
    if formats.is_empty() {
        own.problem(place, format!("`{path}` is empty"), "write how the time is written in the file");
        return None;
    }
    let date = read_date(both, name, &formats)?;
    let read = formats.iter().map(|format| read_format(own, *format, date.is_some()));
    let read: Vec<Option<Format>> = read.collect();
    let zone = read_zone(both, name, &read);
    check_lengths(own, name, &read);
    let end_of_day = own.bool("end_of_day").is_some_and(|end| end.value);
    Some(TimeColumn {
        name: name.value.to_owned(),
        column: names.column(column?),
        formats: read.into_iter().collect::<Option<_>>()?,
        words: both.get("words").and_then(Value::table).map(|words| read_words(&words)).unwrap_or_default(),
        end_of_day,
        after: None,
        date: date.map(|(column, format)| Date { column: names.column(column), format }),
        zone: zone?,
        rolls_over: None,
    })
}

/// The column of the date beside a time of day. One that stands under [times] is for those that need it.
fn read_date<'d>(
    both: &Both<'_, 'd>,
    name: At<&str>,
    formats: &[At<&str>],
) -> Option<Option<(At<&'d str>, String)>> {
    let own = both.own.get("date").is_some();
    let needs_none =
        |format: &At<&str>| NAMED.iter().any(|(word, _)| *word == format.value) || has_date(format);
    if !own && formats.iter().any(needs_none) {
        return Some(None);
    }
    let Some(column) = both.string("date") else { return Some(None) };
    let Some(letters) = both.string("date_format") else {
        let what = format!("`times.{}` has a `date` but no `date_format`", name.value);
        both.own.problem(column.place, what, "add date_format = \"%Y-%m-%d\"");
        return None;
    };
    check(both.own, letters, "says no full date", "it needs year, month and day", |read| {
        read.to_date().is_ok()
    });
    Some(Some((column, letters.value.to_owned())))
}

/// Whether letters name the day themselves.
fn has_date(format: &At<&str>) -> bool {
    written_and_read(format.value).is_ok_and(|read| read.to_date().is_ok() || read.to_timestamp().is_ok())
}

fn read_format(table: &Table<'_>, format: At<&str>, split: bool) -> Option<Format> {
    if let Some((_, named)) = NAMED.iter().find(|(word, _)| *word == format.value) {
        if split {
            let what = format!("`{}` names the day itself, and there is a `date` beside it", format.value);
            table.problem(format.place, what, "leave out `date`, or give the format of the time of day");
            return None;
        }
        return Some(named.clone());
    }
    if !format.value.contains('%') {
        let words = NAMED.map(|(word, _)| word);
        let remedy = match nearest(format.value, words.into_iter()) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("letters such as %Y-%m-%d %H:%M, or one of: {}", words.join(", ")),
        };
        table.problem(format.place, format!("`{}` is no format of a time", format.value), remedy);
        return None;
    }
    if split {
        let remedy = "beside a `date` it needs hours and minutes";
        return check(table, format, "says no time of day", remedy, |read| {
            read.hour().is_some() && read.to_time().is_ok()
        });
    }
    let remedy = "it needs year, month and day, or a `date` column beside it";
    check(table, format, "says no full date", remedy, |read| {
        read.to_datetime().is_ok() || read.to_timestamp().is_ok()
    })
}

/// A length of time is counted from something, and nothing else is.
fn check_lengths(own: &Table<'_>, name: At<&str>, formats: &[Option<Format>]) {
    let lengths = formats.iter().flatten().filter(|format| format.is_length()).count();
    match own.get("after") {
        None if lengths > 0 => {
            let what = format!("`times.{}` is a length of time, and nothing says from when on", name.value);
            own.problem(own.place(), what, "name the time from which it is counted: after = \"called\"");
        }
        Some(after) if lengths < formats.len() && formats.iter().all(Option::is_some) => {
            let what =
                format!("`times.{}` is counted from another time, and its format is an instant", name.value);
            let remedy = "give it a format of its own: \"seconds\", \"minutes\", \"hours\", \"milliseconds\" or \"h:m:s\"";
            own.problem(after.place(), what, remedy);
        }
        _ => {}
    }
}

fn read_words(words: &Table<'_>) -> Vec<(String, String)> {
    let pair = |(written, meant): (At<&str>, Value<'_>)| {
        if written.value.is_empty() {
            words.problem(written.place, "an empty word", "write the text that stands in the file");
            return None;
        }
        Some((written.value.to_owned(), meant.string()?.value.to_owned()))
    };
    words.entries().into_iter().filter_map(pair).collect()
}

/// Tries the letters on an instant: what they write they must read, and it must suffice.
fn check(
    table: &Table<'_>,
    letters: At<&str>,
    what: &str,
    remedy: &str,
    suffices: impl FnOnce(&BrokenDownTime) -> bool,
) -> Option<Format> {
    match written_and_read(letters.value) {
        Ok(read) if suffices(&read) => {
            let text = letters.value.to_owned();
            let offset = names_offset(&text);
            return Some(if offset { Format::LettersWithOffset(text) } else { Format::Letters(text) });
        }
        Ok(_) => table.problem(letters.place, format!("`{}` {what}", letters.value), remedy),
        Err(error) => {
            let what = format!("`{}` is no format of a time: {error}", letters.value);
            table.problem(letters.place, what, "the letters are those of strptime, see docs/mappings.md");
        }
    }
    None
}

/// What comes back of an instant that is written in these letters.
fn written_and_read(letters: &str) -> Result<BrokenDownTime, jiff::Error> {
    let sample = jiff::civil::date(2016, 2, 29).at(13, 14, 15, 0).to_zoned_datetime(TimeZone::UTC)?;
    BrokenDownTime::parse(letters, strtime::format(letters, &sample)?)
}

/// The zone of the clock, where one of the formats needs it; a format that could not be read might have.
fn read_zone(both: &Both<'_, '_>, name: At<&str>, formats: &[Option<Format>]) -> Option<TimeZone> {
    let instants = formats.iter().all(|format| format.as_ref().is_some_and(|format| !format.is_local()));
    if let (true, Some(zone)) = (instants, both.own.string("zone")) {
        let what = format!("`times.{}` names instants, a zone means nothing", name.value);
        both.own.problem(zone.place, what, "leave out `zone`");
    }
    if instants {
        return Some(TimeZone::UTC);
    }
    let Some(zone) = both.string("zone") else {
        let what = format!("`times.{}` has no `zone`", name.value);
        both.own.problem(
            both.own.place(),
            what,
            "name the zone of the clock it was read from, such as \"Europe/Berlin\" or \"UTC\"",
        );
        return None;
    };
    find_zone(both.own, zone.value, zone.place)
}

fn find_zone(table: &Table<'_>, name: &str, place: Place) -> Option<TimeZone> {
    if let Ok(zone) = TimeZone::get(name) {
        return Some(zone);
    }
    let known: Vec<String> = jiff::tz::db().available().map(|zone| zone.to_string()).collect();
    let remedy = match nearest(name, known.iter().map(String::as_str)) {
        Some(near) => format!("did you mean `{near}`?"),
        None => "write the name of an IANA zone, such as \"Europe/Berlin\" or \"UTC\"".into(),
    };
    table.problem(place, format!("there is no time zone `{name}`"), remedy);
    None
}

/// `rolls_over = { after = "entry", tolerance = "1h" }`
fn read_rollover(table: &Table<'_>, names: &Names, at: usize) -> Option<(usize, Span)> {
    let rolls = table.table("rolls_over")?;
    rolls.only(&["after", "tolerance"]);
    let after = rolls.need("after", "name the time it follows", Value::string)?;
    let tolerance = rolls.duration("tolerance").map_or(Span::ZERO, |tolerance| tolerance.value);
    if names.times[at].date.is_none() {
        let what = "`rolls_over` stands at a time that has a day of its own";
        rolls.problem(rolls.place(), what, "it is for times of day with a `date` column beside them");
        return None;
    }
    Some((follow(&rolls, names, at, after)?, tolerance))
}

/// The time that another is measured by. Whoever follows somebody that follows somebody … must not come back to
/// itself; those before are known.
fn follow(table: &Table<'_>, names: &Names, at: usize, after: At<&str>) -> Option<usize> {
    let index = names.time(table, after)?;
    let mut followed = vec![index];
    while let Some(time) = followed.pop() {
        if time == at {
            let what = format!("`{}` follows itself", names.times[at].name);
            table.problem(after.place, what, "name the time at which the row begins");
            return None;
        }
        let next = &names.times[time];
        followed.extend(next.after.into_iter().chain(next.rolls_over.map(|(next, _)| next)));
    }
    Some(index)
}

/// Whether times written in these letters carry their offset.
fn names_offset(letters: &str) -> bool {
    ["%z", "%:z", "%::z", "%:::z", "%s"].iter().any(|offset| letters.contains(offset))
}
