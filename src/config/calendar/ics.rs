//! Which holidays does an iCalendar file (RFC 5545) list? All-day events; whatever else is an event is refused, and what is
//! no event is passed over.
//!
//! The crates for this format bring a second library of dates, or a second time zone database, and none of them knows at
//! which line something stands. Holidays need little of it: folded lines, whole days, and yearly rules.
//!
//! ```text
//!   BEGIN:VEVENT
//!   DTSTART;VALUE=DATE:20251001            the first day
//!   DTEND;VALUE=DATE:20251009              the day after the last; one day without
//!   RRULE:FREQ=YEARLY                      also on these dates, each for as many days
//!   SUMMARY:National Day
//!   X-APPLE-SPECIAL-DAY:WORK-HOLIDAY       closed; ALTERNATE-WORKDAY: worked instead of another day
//!   END:VEVENT
//! ```
//!
//! Calendars of China bear that last mark (seen in 2026); their events without it are festivals on which people work.

use jiff::civil::Date;

use super::holidays::{Day, Holiday};
use super::yearly::Yearly;
use crate::config::read::{Problem, Problems};

/// A line, unfolded: `NAME;PARAMETER=…:value`.
struct Line {
    /// The first of its lines in the file, counted from 1.
    number: usize,
    name: String,
    value: String,
}

/// What stands in an event itself, not in an alarm inside it.
struct Event {
    line: usize,
    fields: Vec<Line>,
}

/// Says whether a day is closed or worked.
const MARK: &str = "X-APPLE-SPECIAL-DAY";

/// Line, what is wrong, remedy.
type Wrong = (usize, String, &'static str);

/// Reads the file. All problems are told at once, each with its line.
pub(super) fn read(file: &str, text: &str) -> Result<Vec<Holiday>, Problems> {
    let of_line = |(line, what, remedy): Wrong| Problem::of_line(file, line, what, remedy);
    let events = lines(text).and_then(events).map_err(|wrong| Problems(vec![of_line(wrong)]))?;
    let (mut all, mut problems) = (Vec::new(), Vec::new());
    let is_marked = |event: &&Event| event.fields.iter().any(|line| line.name == MARK);
    let any_is_marked = events.iter().any(|event| is_marked(&event));
    for event in events.iter().filter(|event| !any_is_marked || is_marked(event)) {
        match holidays(event) {
            Ok(holidays) => all.extend(holidays),
            Err(wrong) => problems.push(of_line(wrong)),
        }
    }
    if problems.is_empty() && all.is_empty() {
        problems.push(of_line((
            1,
            "it has no all-day event".into(),
            "export the calendar that has the holidays",
        )));
    }
    if problems.is_empty() { Ok(all) } else { Err(Problems(problems)) }
}

/// `20251001`
pub(super) fn date(text: &str) -> Option<Date> {
    text.parse().ok().filter(|_| text.len() == 8 && text.bytes().all(|byte| byte.is_ascii_digit()))
}

/// The lines, folded ones joined: a line that begins with a blank goes on with the one before.
fn lines(text: &str) -> Result<Vec<Line>, Wrong> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut whole: Vec<(usize, String)> = Vec::new();
    for (number, line) in (1..).zip(text.lines()) {
        match (line.strip_prefix([' ', '\t']), whole.last_mut()) {
            (Some(rest), Some((_, begun))) => begun.push_str(rest),
            _ if line.is_empty() => {}
            _ => whole.push((number, line.to_owned())),
        }
    }
    whole.into_iter().map(|(number, line)| split(number, &line)).collect()
}

/// Splits at the first colon outside quotes.
fn split(number: usize, line: &str) -> Result<Line, Wrong> {
    let mut is_quoted = false;
    let colon = line.find(|c: char| {
        is_quoted ^= c == '"';
        c == ':' && !is_quoted
    });
    let Some(colon) = colon else {
        return Err((number, "no `NAME:value`".into(), "export it again as iCalendar (RFC 5545)"));
    };
    let name = line[..colon].split(';').next().unwrap_or_default().to_ascii_uppercase();
    Ok(Line { number, name, value: line[colon + 1..].trim_end().to_owned() })
}

/// The events. Only what stands in a VEVENT itself is its own.
fn events(lines: Vec<Line>) -> Result<Vec<Event>, Wrong> {
    const AGAIN: &str =
        "export it again as iCalendar: each BEGIN has its END, and the outermost is VCALENDAR";
    let mut events: Vec<Event> = Vec::new();
    let mut open: Vec<String> = Vec::new();
    for line in lines {
        let Line { number, name, value } = &line;
        match (name.as_str(), open.last().map(String::as_str)) {
            ("BEGIN", outer) if outer.is_some() || value.eq_ignore_ascii_case("VCALENDAR") => {
                let begun = value.to_ascii_uppercase();
                if begun == "VEVENT" {
                    events.push(Event { line: *number, fields: Vec::new() });
                }
                open.push(begun);
            }
            ("END", Some(begun)) if value.eq_ignore_ascii_case(begun) => drop(open.pop()),
            ("BEGIN" | "END", _) | (_, None) => {
                return Err((*number, format!("`{name}:{value}` does not belong here"), AGAIN));
            }
            (_, Some("VEVENT")) => {
                if let Some(event) = events.last_mut() {
                    event.fields.push(line);
                }
            }
            _ => {}
        }
    }
    match open.last() {
        Some(begun) => Err((1, format!("{begun} does not end"), AGAIN)),
        None => Ok(events),
    }
}

/// The days of an event; none of one that was cancelled.
fn holidays(event: &Event) -> Result<Vec<Holiday>, Wrong> {
    let named = |name: &'static str| event.fields.iter().filter(move |line| line.name == name);
    let field = |name: &'static str| named(name).next();
    if field("STATUS").is_some_and(|status| status.value.eq_ignore_ascii_case("CANCELLED")) {
        return Ok(Vec::new());
    }
    let name = field("SUMMARY").map_or_else(|| "an event".to_owned(), |line| unescaped(&line.value));
    if let Some(line) = field("RECURRENCE-ID") {
        let what = format!("`{name}`: one of its dates was moved");
        return Err((line.number, what, "leave the rule out, and list each date as an event"));
    }
    let what_days = kind_of_day(&name, event.line, field(MARK))?;
    let start = field("DTSTART");
    let start = start.ok_or_else(|| (event.line, format!("`{name}` has no DTSTART"), "say its first day"))?;
    let from = day(&name, start, &start.value)?;
    let days = days(&name, from, field("DTEND"), field("DURATION"))?;
    let mut starts = match field("RRULE") {
        None => vec![from],
        Some(line) => by_rule(&name, line, from)?,
    };
    for line in named("RDATE") {
        for value in line.value.split(',') {
            starts.push(day(&name, line, value)?);
        }
    }
    for line in named("EXDATE") {
        for value in line.value.split(',') {
            let left_out = day(&name, line, value)?;
            starts.retain(|date| *date != left_out);
        }
    }
    let line = start.number;
    let holiday = |from: Date| {
        let to = from.saturating_add(jiff::Span::new().days(days - 1));
        Holiday { line, name: name.clone(), from, to, day: what_days }
    };
    Ok(starts.into_iter().map(holiday).collect())
}

/// Whether an event is closed or worked.
fn kind_of_day(name: &str, event: usize, mark: Option<&Line>) -> Result<Day, Wrong> {
    match mark.map(|line| (line.number, line.value.as_str())) {
        Some((_, "WORK-HOLIDAY")) => Ok(Day::Closed),
        Some((_, "ALTERNATE-WORKDAY")) => Ok(Day::Worked),
        Some((line, other)) => {
            let what = format!("`{name}`: {MARK} is `{other}`");
            Err((line, what, "WORK-HOLIDAY is closed, ALTERNATE-WORKDAY is worked"))
        }
        // 补班, (班): closing such a day would be the opposite of what is meant.
        None if name.contains('班') => {
            let what = format!("`{name}` seems to be worked instead of another day");
            Err((
                event,
                what,
                "take it out and list its date under `working`, or mark it X-APPLE-SPECIAL-DAY:ALTERNATE-WORKDAY",
            ))
        }
        None => Ok(Day::Closed),
    }
}

/// A whole day.
fn day(name: &str, line: &Line, value: &str) -> Result<Date, Wrong> {
    if let Some(date) = date(value) {
        return Ok(date);
    }
    let (what, remedy) = match value.contains('T') {
        true => (
            format!("`{name}` has a time of day ({}), so it is no holiday", line.name),
            "make it an all-day event, or take it out; hours of one date are written in `date_overrides`",
        ),
        false => (format!("`{name}`: {} is `{value}`", line.name), "write a date: 20251001"),
    };
    Err((line.number, what, remedy))
}

/// How many days an event has.
fn days(name: &str, from: Date, end: Option<&Line>, length: Option<&Line>) -> Result<i64, Wrong> {
    match (end, length) {
        (Some(line), _) => {
            let end = day(name, line, &line.value)?;
            let days = from.duration_until(end).as_hours() / 24;
            let what = || format!("`{name}` begins on {from} and ends before {end}");
            if days > 0 { Ok(days) } else { Err((line.number, what(), "DTEND is the day after the last")) }
        }
        (None, Some(line)) => {
            let what = || format!("`{name}`: DURATION is `{}`", line.value);
            whole_days(&line.value)
                .ok_or_else(|| (line.number, what(), "write whole days or weeks: P3D, P1W"))
        }
        (None, None) => Ok(1),
    }
}

/// `P3D`, `P1W`
fn whole_days(text: &str) -> Option<i64> {
    let (count, unit) = text.strip_prefix('P')?.split_at_checked(text.len().checked_sub(2)?)?;
    let count = count.parse::<i64>().ok().filter(|count| (1..1_000).contains(count))?;
    match unit {
        "D" => Some(count),
        "W" => Some(count * 7),
        _ => None,
    }
}

fn by_rule(name: &str, line: &Line, from: Date) -> Result<Vec<Date>, Wrong> {
    const REMEDY: &str =
        "FREQ=YEARLY with INTERVAL, COUNT, UNTIL, BYMONTH, BYMONTHDAY and BYDAY is read; else list each date";
    let rule =
        Yearly::parse(&line.value).map_err(|what| (line.number, format!("`{name}`: {what}"), REMEDY))?;
    let off = || (line.number, format!("`{name}` begins on {from}, which its rule leaves out"));
    rule.dates(from)
        .ok_or_else(off)
        .map_err(|(line, what)| (line, what, "let it begin on a date of the rule"))
}

/// A text without the escapes of the format.
fn unescaped(text: &str) -> String {
    let mut plain = String::new();
    let mut characters = text.chars();
    while let Some(c) = characters.next() {
        plain.push(match c {
            '\\' => match characters.next() {
                Some('n' | 'N') | None => ' ',
                Some(escaped) => escaped,
            },
            c => c,
        });
    }
    plain
}
