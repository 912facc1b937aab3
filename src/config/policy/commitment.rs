//! One `[[commitment]]`: what starts and ends a promise's clock, how long it may take, and its small print.

use std::sync::Arc;

use super::{Calendars, conditions, tests, title};
use crate::calendar::Calendar;
use crate::config::read::{Kind, Table, Value, duration, nearest};
use crate::names::Severity;
use crate::sla::policy::{Commitment, Condition, Goal, Limit, Stop};
use crate::sla::terms::{
    Boundary, Change, Convention, Extension, FirstDay, Gives, Landing, Mark, Pauses, Reopen,
};
use crate::time::{Span, Time};

/// Reads one. `convention` is the policy's, where the commitment names none.
pub fn commitment(table: &Table<'_>, calendars: &Calendars, convention: Convention) -> Option<Commitment> {
    table.only(&super::keys::COMMITMENT.map(|key| key.name));
    let name = table.need("name", "name the commitment, for instance \"first_contact\"", Value::string);
    let title = title(table);
    let goal = table.need("goal", "say how long it may take, for instance goal = \"24h\"", goal);
    let calendar = calendar_of(table, calendars);
    let convention = convention_of(table, convention);
    check_goal(table, goal.as_ref(), convention);
    let start = conditions(table.need("start", "say which event starts the clock", Some)?);
    let stop = table.need("stop", "say which event stops the clock", stop);
    let list = |key: &str| table.get(key).map_or(Some(Vec::new()), conditions);
    let (pause, resume, cancel) = (list("pause"), list("resume"), list("cancel"));
    let (reset, reopen) = (list("reset"), list("reopen"));
    let extension =
        table.table("extend").map_or(Some(None), |table| extension(&table, goal.as_ref()).map(Some));
    let scope = table.table("match").map_or(Some(Vec::new()), |table| tests(&table));
    let warnings = warnings(table);
    let span = |key: &str| table.duration(key).map(|span| span.value);
    let text = |key: &str| table.string(key).map(|text| text.value);
    let default_grace = goal.as_ref().map_or(Span::ZERO, default_grace);
    Some(Commitment {
        name: name?.value.into(),
        title: Arc::new(title?),
        clause: text("clause").unwrap_or_default().to_owned(),
        effective_from: effective_from(table),
        effective_until: Time::NEVER,
        scope: scope?,
        start: start?,
        stop: stop?,
        pause: pause?,
        resume: resume?,
        cancel: cancel?,
        reset: reset?,
        reopen: reopen?,
        extension: extension?,
        repeats: table.bool("repeats").is_some_and(|yes| yes.value),
        per: text("per").map(str::to_owned),
        first_of: text("first_of").map(Arc::from),
        goal: goal?,
        calendar: calendar?,
        convention,
        warnings: warnings?,
        severity: severity(table),
        owner: text("owner").unwrap_or_default().into(),
        grace: span("grace").unwrap_or(default_grace),
        settle: span("settle").unwrap_or(Span::from_minutes(1)),
        parked_within: span("parked_within"),
    })
}

/// The preset that a table names.
pub fn preset(table: &Table<'_>) -> Option<Convention> {
    table.choice("convention", &Convention::PRESETS).map(|preset| preset.value)
}

/// A preset, and what the commitment says itself.
fn convention_of(table: &Table<'_>, otherwise: Convention) -> Convention {
    let preset = preset(table).unwrap_or(otherwise);
    Convention {
        reopen: word(table, "on_reopen", &REOPEN).unwrap_or(preset.reopen),
        change: word(table, "on_change", &CHANGE).unwrap_or(preset.change),
        pauses: word(table, "pause_arithmetic", &PAUSES).unwrap_or(preset.pauses),
        boundary: word(table, "boundary", &BOUNDARY).unwrap_or(preset.boundary),
        first_day: word(table, "first_day", &FIRST_DAY).unwrap_or(preset.first_day),
        last_day: word(table, "last_day", &LAST_DAY).unwrap_or(preset.last_day),
    }
}

fn word<T: Clone>(table: &Table<'_>, key: &str, words: &[(&str, T)]) -> Option<T> {
    table.choice(key, words).map(|word| word.value)
}

/// What a reopening does.
pub const REOPEN: [(&str, Reopen); 4] = [
    ("ignored", Reopen::Ignored),
    ("goes_on", Reopen::GoesOn),
    ("never_stopped", Reopen::NeverStopped),
    ("starts_anew", Reopen::StartsAnew),
];

/// What another goal does.
pub const CHANGE: [(&str, Change); 4] = [
    ("from_start", Change::FromStart),
    ("from_start_without_pauses", Change::FromStartWithoutPauses),
    ("from_change", Change::FromChange),
    ("ignored", Change::Ignored),
];

/// How pauses count.
pub const PAUSES: [(&str, Pauses); 4] = [
    ("open_time", Pauses::OpenTime),
    ("wall_time", Pauses::WallTime),
    ("begun_open", Pauses::BegunOpen),
    ("ignored", Pauses::Ignored),
];

/// Where a goal that is used up at a closing is due.
pub const BOUNDARY: [(&str, Boundary); 2] =
    [("interval_end", Boundary::IntervalEnd), ("next_open", Boundary::NextOpen)];

/// Whether the start day counts.
pub const FIRST_DAY: [(&str, FirstDay); 2] = [("next", FirstDay::Next), ("counted", FirstDay::Counted)];

/// Where the last working day ends.
pub const LAST_DAY: [(&str, Landing); 4] = [
    ("midnight", Landing::Midnight),
    ("same_time", Landing::SameTime),
    ("next_open", Landing::NextOpen),
    ("closing", Landing::Closing),
];

pub fn severity(table: &Table<'_>) -> Severity {
    let words = Severity::ALL.map(|severity| (severity.name(), severity));
    word(table, "severity", &words).unwrap_or(Severity::Minor)
}

/// What only the whole tells: days need a calendar, and pauses by the wall need a goal in hours.
fn check_goal(table: &Table<'_>, goal: Option<&Goal>, convention: Convention) {
    let (Some(goal), Some(value)) = (goal, table.get("goal")) else { return };
    if counts_days(goal) && table.get("calendar").is_none() {
        value.problem(
            "a goal in days needs a calendar",
            "add `calendar = …`: whose days, and which are holidays",
        );
    }
    let by_wall = convention.pauses == Pauses::WallTime;
    if let (true, true, Some(value)) = (by_wall, counts_days(goal), table.get("pause_arithmetic")) {
        value.problem(
            "pauses by the wall push on a goal in hours, and this one is in days",
            "write \"open_time\", or a goal in hours",
        );
    }
}

fn counts_days(goal: &Goal) -> bool {
    limits(goal).any(|limit| !matches!(limit, Limit::Duration(_)))
}

/// The limits that a goal may come to.
pub fn limits(goal: &Goal) -> impl Iterator<Item = Limit> {
    let (one, rows, otherwise) = match goal {
        Goal::Limit(limit) => (Some(*limit), &[][..], None),
        Goal::Table { rows, otherwise, .. } => (None, rows.as_slice(), *otherwise),
        Goal::At { .. } => (None, &[][..], None),
    };
    one.into_iter().chain(rows.iter().map(|(_, limit)| *limit)).chain(otherwise)
}

/// Calls 1 s, hours 2 s, days 60 s.
fn default_grace(goal: &Goal) -> Span {
    let of = |limit: Limit| match limit {
        Limit::Duration(span) if span < Span::from_minutes(5) => Span::from_seconds(1),
        Limit::Duration(_) => Span::from_seconds(2),
        Limit::WorkingDays(_) | Limit::CalendarDays(_) => Span::from_seconds(60),
    };
    limits(goal).map(of).max().unwrap_or(Span::from_seconds(2))
}

fn effective_from(table: &Table<'_>) -> Time {
    let Some(text) = table.string("effective_from") else { return Time::MIN };
    Time::parse(text.value).unwrap_or_else(|| {
        let what = format!("`effective_from` is `{}`", text.value);
        table.problem(text.place, what, "write an instant with its offset: \"2026-01-01T00:00:00+08:00\"");
        Time::MIN
    })
}

/// The calendar that a table names; every hour of every day where it names none.
pub fn calendar_of(table: &Table<'_>, calendars: &Calendars) -> Option<Arc<Calendar>> {
    let Some(value) = table.get("calendar") else { return Some(Arc::new(Calendar::always())) };
    let name = value.clone().string()?.value;
    let found = calendars.get(name).cloned();
    if found.is_none() {
        let remedy = match nearest(name, calendars.keys().map(String::as_str)) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("add [calendars.{name}], or leave `calendar` out for every hour of every day"),
        };
        value.problem(format!("there is no calendar `{name}`"), remedy);
    }
    found
}

/// Shares of the goal, and offsets from due: `[0.5, "-15m", "+1h"]`. Shares first, each in order.
fn warnings(table: &Table<'_>) -> Option<Vec<Mark>> {
    let Some(value) = table.get("warnings") else { return Some(Vec::new()) };
    let marks: Option<Vec<Mark>> = value.list().into_iter().map(mark).collect();
    let mut marks = marks?;
    let key = |mark: &Mark| match mark {
        Mark::Share(share) => (0, *share, Span::ZERO),
        Mark::Offset(by) => (1, 0.0, *by),
    };
    marks.sort_by(|one, other| key(one).partial_cmp(&key(other)).expect("no share is NaN"));
    marks.dedup();
    Some(marks)
}

fn mark(value: Value<'_>) -> Option<Mark> {
    let remedy =
        "write a share of the goal above 0 (0.8), or how long before or after due (\"-15m\", \"+1h\")";
    if value.kind() == Kind::Text {
        let text = value.clone().string()?.value;
        let (sign, length) = text.split_at_checked(1).unwrap_or_default();
        return match (sign, duration(length)) {
            ("-", Ok(by)) if by > Span::ZERO => Some(Mark::Offset(Span::ZERO - by)),
            ("+", Ok(by)) if by > Span::ZERO => Some(Mark::Offset(by)),
            _ => {
                value.problem(format!("a warning at `{text}`"), remedy);
                None
            }
        };
    }
    let share = value.clone().float()?.value;
    if share > 0.0 && share <= 100.0 && share != 1.0 {
        return Some(Mark::Share(share));
    }
    value.problem(format!("a warning at {share}"), remedy);
    None
}

fn stop(value: Value<'_>) -> Option<Stop> {
    if value.kind() == Kind::Table {
        let table = value.clone().table()?;
        if let Some(all) = table.get("all") {
            table.only(&["all"]);
            return conditions(all).map(Stop::All);
        }
    }
    conditions(value).map(Stop::Any)
}

/// `{ on = "complaint.extended", by = "5 working_days", at_most = 1 }`, or `{ on = …, until = "new_due" }`.
fn extension(table: &Table<'_>, goal: Option<&Goal>) -> Option<Extension> {
    table.only(&["on", "by", "until", "at_most"]);
    let on: Vec<Condition> =
        table.need("on", "name the event that gives more time: on = \"complaint.extended\"", conditions)?;
    let by = table.get("by").map(|value| (value.clone(), limit(value)));
    let until = table.string("until");
    let gives = match (by, until) {
        (Some((value, more)), None) => {
            let more = more?;
            if goal.is_some_and(|goal| limits(goal).any(|limit| !has_unit_of(limit, more))) {
                let what = "the extension has another unit than the goal";
                value.problem(what, "give hours to a goal in hours, days to one in the same days");
            }
            Gives::More(more)
        }
        (None, Some(attribute)) => Gives::Until(attribute.value.to_owned()),
        (Some(_), Some(_)) | (None, None) => {
            let remedy = "write by = \"5 working_days\", or until = \"attribute with the instant\"";
            table.problem(table.place(), "`extend` says not how much", remedy);
            return None;
        }
    };
    let most = table.integer("at_most").map(|most| {
        u8::try_from(most.value).ok().filter(|most| *most > 0).unwrap_or_else(|| {
            table.problem(most.place, format!("`at_most` is {}", most.value), "write a number from 1 to 255");
            1
        })
    });
    Some(Extension { on, gives, most })
}

fn has_unit_of(limit: Limit, more: Limit) -> bool {
    std::mem::discriminant(&limit) == std::mem::discriminant(&more)
}

/// `"24h"`, `"15 working_days"`, `{ by = "priority", P1 = "2h", otherwise = "8h" }`, `{ from = "promised_by" }`.
fn goal(value: Value<'_>) -> Option<Goal> {
    if value.kind() != Kind::Table {
        return limit(value).map(Goal::Limit);
    }
    let table = value.clone().table()?;
    if let Some(from) = table.get("from") {
        table.only(&["from"]);
        return from.string().map(|attribute| Goal::At { attribute: attribute.value.to_owned() });
    }
    let remedy = "write { by = \"attribute\", value = \"2h\" } or { from = \"attribute with the instant\" }";
    let by = table.need("by", remedy, Value::string)?;
    let mut rows = Vec::new();
    let mut otherwise = None;
    for (name, value) in table.entries() {
        match name.value {
            "by" => {}
            "otherwise" => otherwise = limit(value),
            text => rows.push((text.to_owned(), limit(value)?)),
        }
    }
    if rows.is_empty() {
        value.problem("a goal by attribute has no rows", "add what each value may take: P1 = \"2h\"");
        return None;
    }
    Some(Goal::Table { attribute: by.value.to_owned(), rows, otherwise })
}

fn limit(value: Value<'_>) -> Option<Limit> {
    let text = value.clone().string()?.value;
    let days = |unit: &str| {
        text.trim().strip_suffix(unit)?.trim_end().parse::<u32>().ok().filter(|n| (1..=36_500).contains(n))
    };
    if let Some(n) = days("working_days").or_else(|| days("working_day")) {
        return Some(Limit::WorkingDays(n));
    }
    if let Some(n) = days("calendar_days").or_else(|| days("calendar_day")) {
        return Some(Limit::CalendarDays(n));
    }
    if text.contains("day") {
        let what = format!("`{}` is `{text}`", value.path());
        value.problem(
            what,
            "say which days: \"15 working_days\", \"30 calendar_days\", or hours such as \"24h\"",
        );
        return None;
    }
    let span = value.clone().duration()?.value;
    if span <= Span::ZERO {
        value.problem(format!("`{}` is no time at all", value.path()), "write how long it may take");
        return None;
    }
    Some(Limit::Duration(span))
}
