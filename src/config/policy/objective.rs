//! The `[[objective]]` tables: a share over many cases, what it is of, and over which time.

use std::sync::Arc;

use super::commitment::{calendar_of, severity};
use super::{Calendars, conditions, keys, tests, title};
use crate::calendar::Calendar;
use crate::config::read::{Table, Value, duration, nearest};
use crate::sla::objective::{Measure, Objective, Operator, WINDOW_MAX, Window};
use crate::time::Span;

/// What an objective measures, and whether that is events.
pub const MEASURE: [(&str, bool); 2] = [("kept_share", false), ("event_share", true)];
/// On which side of the target it must be.
pub const OPERATOR: [(&str, Operator); 2] = [("at_least", Operator::AtLeast), ("at_most", Operator::AtMost)];
/// The windows that have a name.
pub const WINDOW: [&str; 3] = ["calendar_day", "calendar_week", "calendar_month"];

/// Reads all of them. One that cannot be used is `None`, and a problem.
pub fn read_all(
    root: &Table<'_>,
    commitments: &[&str],
    calendars: &Calendars,
) -> Vec<Option<Arc<Objective>>> {
    let tables = root.tables("objective");
    for (n, table) in tables.iter().enumerate() {
        let Some(name) = table.string("name") else { continue };
        let is_twin = |other: &Table<'_>| other.string("name").is_some_and(|other| other.value == name.value);
        if tables[..n].iter().any(is_twin) {
            let what = format!("there are two objectives `{}`", name.value);
            table.problem(name.place, what, "give each a name of its own");
        }
    }
    tables.iter().map(|table| objective(table, commitments, calendars).map(Arc::new)).collect()
}

fn objective(table: &Table<'_>, commitments: &[&str], calendars: &Calendars) -> Option<Objective> {
    table.only(&keys::OBJECTIVE.map(|key| key.name));
    let name = table.need("name", "name the objective", Value::string);
    let title = title(table);
    let measure = measure(table, commitments);
    let target = target(table);
    let calendar = calendar_of(table, calendars);
    let window = calendar.and_then(|calendar| window(table, calendar));
    let minimum_count = minimum_count(table);
    Some(Objective {
        name: name?.value.into(),
        title: Arc::new(title?),
        owner: table.string("owner").map_or("", |owner| owner.value).into(),
        severity: severity(table),
        measure: measure?,
        operator: table.choice("operator", &OPERATOR).map_or(Operator::AtLeast, |operator| operator.value),
        target: target?,
        window: window?,
        minimum_count: minimum_count?,
        short: table.duration("short").map_or(Span::from_seconds(5), |span| span.value),
    })
}

fn measure(table: &Table<'_>, commitments: &[&str]) -> Option<Measure> {
    let of_events = table.choice("measure", &MEASURE).is_some_and(|of_events| of_events.value);
    let (needed, foreign): (&str, &[&str]) =
        if of_events { ("of", &["commitment", "short"]) } else { ("commitment", &["of", "good"]) };
    for value in foreign.iter().filter_map(|key| table.get(key)) {
        let what = format!("`{}` says nothing here: the objective needs `{needed}`", value.path());
        value.problem(what, "set `measure` to \"kept_share\" for clocks, to \"event_share\" for events");
    }
    if !of_events {
        return Some(Measure::KeptShare { commitment: commitment(table, commitments)? });
    }
    let of = table.need("of", "say which events are counted: of = \"ticket.resolved\"", conditions);
    let good = table.need("good", "say what makes one good: good = { first_contact = true }", |value| {
        tests(&value.table()?)
    });
    Some(Measure::EventShare { of: of?, good: good? })
}

fn commitment(table: &Table<'_>, commitments: &[&str]) -> Option<String> {
    let value = table.need("commitment", "say whose clocks are counted", Some)?;
    let name = value.clone().string()?.value;
    if !commitments.contains(&name) {
        let near = nearest(name, commitments.iter().copied());
        let remedy =
            near.map_or("add such a [[commitment]]".to_owned(), |near| format!("did you mean `{near}`?"));
        value.problem(format!("there is no commitment `{name}`"), remedy);
    }
    Some(name.to_owned())
}

fn target(table: &Table<'_>) -> Option<f64> {
    let target = table.need("target", "say which share must be reached: target = 0.8", Value::float)?;
    if !(0.0..=1.0).contains(&target.value) {
        table.problem(target.place, format!("a target of {}", target.value), "write a share from 0 to 1");
    }
    Some(target.value)
}

/// `"24h"`, or a day, week or month of the calendar's zone.
fn window(table: &Table<'_>, calendar: Arc<Calendar>) -> Option<Window> {
    let Some(value) = table.get("window") else { return Some(Window::Rolling(Span::from_hours(24))) };
    let text = value.clone().string()?.value;
    match text {
        "calendar_day" => return Some(Window::Day(calendar)),
        "calendar_week" => return Some(Window::Week(calendar)),
        "calendar_month" => return Some(Window::Month(calendar)),
        _ => {}
    }
    match duration(text) {
        Ok(span) if span > Span::ZERO && span <= WINDOW_MAX => Some(Window::Rolling(span)),
        _ => {
            let remedy = format!("write a time up to 744h, such as \"24h\", or one of {}", WINDOW.join(", "));
            value.problem(format!("`{}` is `{text}`", value.path()), remedy);
            None
        }
    }
}

fn minimum_count(table: &Table<'_>) -> Option<u64> {
    let Some(count) = table.integer("minimum_count") else { return Some(20) };
    let found = u64::try_from(count.value).ok().filter(|count| *count > 0);
    if found.is_none() {
        let what = format!("a minimum count of {}", count.value);
        table.problem(count.place, what, "write how many cases there must be to say anything: 1 or more");
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::policy::read;

    const CLOCK: &str = r#"
[calendars.home]
zone = "Asia/Shanghai"
weekly = { monday = ["09:00-18:00"] }
[[commitment]]
name = "answer"
title = { en = "a", zh = "a" }
start = "t.opened"
stop = "t.resolved"
goal = "2h"
[[objective]]
name = "answered"
title = { en = "b", zh = "b" }
"#;

    #[test]
    fn what_is_said_of_a_share_is_read() {
        let text = "measure = \"event_share\"\nof = \"t.resolved\"\ngood = { first = true }\noperator = \"at_most\"\ntarget = 0\n\
                    window = \"calendar_month\"\ncalendar = \"home\"\nminimum_count = 1\nowner = \"desk\"\nseverity = \"major\"";
        let policy =
            read("p.toml", &format!("{CLOCK}{text}")).unwrap_or_else(|problems| panic!("{problems}"));
        let one = &policy.objectives[0];
        assert_eq!(
            (one.operator, one.target, one.minimum_count, &*one.owner),
            (Operator::AtMost, 0.0, 1, "desk")
        );
        assert!(matches!(&one.window, Window::Month(calendar) if calendar.zone_name() == "Asia/Shanghai"));
        let Measure::EventShare { of, good } = &one.measure else { panic!("{one:?}") };
        assert_eq!((&*of[0].kind, &*good[0].attribute, &*good[0].one_of[0]), ("t.resolved", "first", "true"));
        let policy = read("p.toml", &format!("{CLOCK}commitment = \"answer\"\ntarget = 0.8")).expect("valid");
        let Window::Rolling(window) = policy.objectives[0].window else { panic!("{policy:?}") };
        assert_eq!((window, policy.objectives[0].minimum_count), (Span::from_hours(24), 20));
    }

    #[test]
    fn each_mistake_names_its_place_and_the_remedy() {
        for (text, says) in [
            (
                "commitment = \"answers\"\ntarget = 0.8",
                "14:14: there is no commitment `answers` (did you mean `answer`?)",
            ),
            ("target = 0.8", "`objective[0].commitment` is missing (say whose clocks are counted)"),
            ("commitment = \"answer\"\ntarget = 80", "15:10: a target of 80 (write a share from 0 to 1)"),
            (
                "commitment = \"answer\"\ntarget = 0.8\nwindow = \"2000h\"",
                "16:10: `objective[0].window` is `2000h` (write a time up to 744h",
            ),
            ("commitment = \"answer\"\ntarget = 0.8\nminimum_count = 0", "16:17: a minimum count of 0"),
            (
                "commitment = \"answer\"\ntarget = 0.8\ngood = { first = true }",
                "`objective[0].good` says nothing here",
            ),
            (
                "measure = \"event_share\"\ntarget = 0.8\ngood = { first = true }",
                "`objective[0].of` is missing",
            ),
            (
                "commitment = \"answer\"\ntarget = 0.8\n[[objective]]\nname = \"answered\"\ntitle = { en = \"b\", zh = \"b\" }\ncommitment = \"answer\"\ntarget = 0.8",
                "there are two objectives `answered`",
            ),
        ] {
            let problems = read("p.toml", &format!("{CLOCK}{text}")).expect_err(says).to_string();
            assert!(problems.contains(says), "{says}\n{problems}");
        }
    }
}
