//! What does a policy file promise? Reads it into [`Policy`], or says everything that is wrong with it.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use super::calendar;
use super::read::{At, Document, Kind, Problems, Table, Value};
use crate::calendar::Calendar;
use crate::names::Text;
use crate::sla::policy::{
    Commitment, Condition, Counting, Goal, Limit, Objective, Policy, Stop, Tally, Test,
};
use crate::time::{Span, Time};

/// The promises that are watched unless others are given.
pub const DEFAULT: &str = include_str!("../../config/commitments.toml");
/// The name under which the default is reported.
pub const DEFAULT_NAME: &str = "config/commitments.toml";

type Calendars = BTreeMap<String, Arc<Calendar>>;

/// Reads a policy. `file` is the name used in problems, and the place from which paths of calendars are looked up.
pub fn read(file: &str, text: &str) -> Result<Policy, Problems> {
    let document = Document::parse(file, text)?;
    let root = document.root();
    root.only(&["calendars", "commitment", "objective", "tally", "count"]);
    let folder = Path::new(file).parent().unwrap_or(Path::new(""));
    let calendars = root.table("calendars").map(|table| read_calendars(&table, folder)).unwrap_or_default();
    let commitments: Vec<(Table<'_>, Option<Commitment>)> = root
        .tables("commitment")
        .into_iter()
        .map(|table| (table.clone(), commitment(&table, &calendars)))
        .collect();
    refuse_twins(&commitments);
    let names: Vec<&str> =
        commitments.iter().filter_map(|(table, _)| Some(table.string("name")?.value)).collect();
    let objectives: Vec<Option<Objective>> =
        root.tables("objective").iter().map(|table| objective(table, &names)).collect();
    let tallies: Vec<Option<Tally>> = root.tables("tally").iter().map(tally).collect();
    let counting = root.table("count").map_or(Some(Counting::default()), |table| counting(&table));
    document
        .finish(|| {
            let commitments =
                commitments.into_iter().map(|(_, commitment)| commitment).collect::<Option<Vec<_>>>()?;
            let objectives = objectives.into_iter().collect::<Option<Vec<_>>>()?;
            let tallies = tallies.into_iter().collect::<Option<Vec<_>>>()?;
            Some(Policy::new(commitments, objectives, tallies, counting?))
        })?
        .map_err(|error| Problems::of_file(file, error.to_string(), "shorten the policy"))
}

fn read_calendars(table: &Table<'_>, folder: &Path) -> Calendars {
    let named = |(name, value): (At<&str>, Value<'_>)| {
        let read = match value.kind() {
            Kind::Table => calendar::inline(name.value, &value.table()?),
            _ => calendar::named(value, folder),
        };
        Some((name.value.to_owned(), Arc::new(read?)))
    };
    table.entries().into_iter().filter_map(named).collect()
}

/// Two versions of one commitment must begin at different times.
fn refuse_twins(commitments: &[(Table<'_>, Option<Commitment>)]) {
    let mut seen: Vec<(&str, Time)> = Vec::new();
    for (table, commitment) in commitments {
        let Some(commitment) = commitment else { continue };
        let version = (&*commitment.name, commitment.effective_from);
        if seen.contains(&version) {
            let what = format!("`{}` is promised twice from the same instant on", commitment.name);
            let place = table.get("name").map_or(table.place(), |value| value.place());
            table.problem(place, what, "give it another name, or the later version its own `effective_from`");
        }
        seen.push(version);
    }
}

/// What a commitment may say.
pub const COMMITMENT_KEYS: [&str; 15] = [
    "name",
    "clause",
    "title",
    "effective_from",
    "match",
    "start",
    "stop",
    "pause",
    "resume",
    "cancel",
    "goal",
    "calendar",
    "warnings",
    "grace",
    "settle",
];

/// What an objective may say.
pub const OBJECTIVE_KEYS: [&str; 5] = ["name", "title", "commitment", "target", "short"];

/// What counting may say.
pub const COUNT_KEYS: [&str; 3] = ["activity", "complaints", "score"];

fn commitment(table: &Table<'_>, calendars: &Calendars) -> Option<Commitment> {
    table.only(&COMMITMENT_KEYS);
    let name = table.need("name", "name the commitment, for instance \"first_contact\"", Value::string);
    let title = title(table);
    let goal_value = table.get("goal");
    let goal = table.need("goal", "say how long it may take, for instance goal = \"24h\"", goal);
    let calendar = calendar_of(table, calendars);
    let needs_days = goal.as_ref().is_some_and(counts_days);
    if let (true, None, Some(value)) = (needs_days, table.get("calendar"), goal_value) {
        value.problem(
            "a goal in days needs a calendar",
            "add `calendar = …`: whose days, and which are holidays",
        );
    }
    let start = conditions(table.need("start", "say which event starts the clock", Some)?);
    let stop = table.need("stop", "say which event stops the clock", stop);
    let list = |key: &str| table.get(key).map_or(Some(Vec::new()), conditions);
    let (pause, resume, cancel) = (list("pause"), list("resume"), list("cancel"));
    let scope = table.table("match").map_or(Some(Vec::new()), |table| tests(&table));
    let warnings = warnings(table);
    let span = |key: &str| table.duration(key).map(|span| span.value);
    let default_grace = goal.as_ref().map_or(Span::ZERO, default_grace);
    Some(Commitment {
        name: name?.value.into(),
        title: Arc::new(title?),
        clause: table.string("clause").map_or("", |clause| clause.value).to_owned(),
        effective_from: effective_from(table),
        effective_until: Time::NEVER,
        scope: scope?,
        start: start?,
        stop: stop?,
        pause: pause?,
        resume: resume?,
        cancel: cancel?,
        goal: goal?,
        calendar: calendar?,
        warnings: warnings?,
        grace: span("grace").unwrap_or(default_grace),
        settle: span("settle").unwrap_or(Span::from_minutes(1)),
    })
}

fn counts_days(goal: &Goal) -> bool {
    let days = |limit: &Limit| !matches!(limit, Limit::Duration(_));
    match goal {
        Goal::Limit(limit) => days(limit),
        Goal::Table { rows, otherwise, .. } => {
            rows.iter().any(|(_, limit)| days(limit)) || otherwise.is_some_and(|one| days(&one))
        }
        Goal::At { .. } => false,
    }
}

/// Calls 1 s, hours 2 s, days 60 s.
fn default_grace(goal: &Goal) -> Span {
    let of = |limit: &Limit| match limit {
        Limit::Duration(span) if *span < Span::from_minutes(5) => Span::from_seconds(1),
        Limit::Duration(_) => Span::from_seconds(2),
        Limit::WorkingDays(_) | Limit::CalendarDays(_) => Span::from_seconds(60),
    };
    match goal {
        Goal::Limit(limit) => of(limit),
        Goal::Table { rows, otherwise, .. } => rows
            .iter()
            .map(|(_, limit)| of(limit))
            .chain(otherwise.as_ref().map(of))
            .max()
            .unwrap_or_default(),
        Goal::At { .. } => Span::from_seconds(2),
    }
}

fn effective_from(table: &Table<'_>) -> Time {
    let Some(text) = table.string("effective_from") else { return Time::MIN };
    Time::parse(text.value).unwrap_or_else(|| {
        let what = format!("`effective_from` is `{}`", text.value);
        table.problem(text.place, what, "write an instant with its offset: \"2026-01-01T00:00:00+08:00\"");
        Time::MIN
    })
}

fn title(table: &Table<'_>) -> Option<Text> {
    let Some(title) = table.table("title") else {
        if table.get("title").is_none() {
            let remedy = "say what is promised: title.en = \"…\", title.zh = \"…\"";
            table.problem(table.place(), "`title` is missing", remedy);
        }
        return None;
    };
    title.only(&["en", "zh"]);
    let half = |key: &str| title.need(key, "say it in English (`en`) and in 中文 (`zh`)", Value::string);
    let (en, zh) = (half("en"), half("zh"));
    Some(Text::new(en?.value, zh?.value))
}

fn calendar_of(table: &Table<'_>, calendars: &Calendars) -> Option<Arc<Calendar>> {
    let Some(value) = table.get("calendar") else { return Some(Arc::new(Calendar::always())) };
    let name = value.clone().string()?.value;
    let found = calendars.get(name).cloned();
    if found.is_none() {
        let remedy = match super::read::nearest(name, calendars.keys().map(String::as_str)) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("add [calendars.{name}], or leave `calendar` out for every hour of every day"),
        };
        value.problem(format!("there is no calendar `{name}`"), remedy);
    }
    found
}

fn warnings(table: &Table<'_>) -> Option<Vec<f64>> {
    let Some(value) = table.get("warnings") else { return Some(Vec::new()) };
    let mut shares = Vec::new();
    for element in value.list() {
        let share = element.clone().float()?.value;
        if !(share > 0.0 && share < 1.0) {
            element
                .problem(format!("a warning at {share}"), "write a share of the goal, above 0 and below 1");
            return None;
        }
        shares.push(share);
    }
    shares.sort_by(f64::total_cmp);
    shares.dedup();
    Some(shares)
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

/// `"type"`, `{ on = "type", where = { … } }`, or several of these.
fn conditions(value: Value<'_>) -> Option<Vec<Condition>> {
    value.list().into_iter().map(condition).collect()
}

fn condition(value: Value<'_>) -> Option<Condition> {
    if value.kind() == Kind::Text {
        let kind = value.string()?.value.to_owned();
        return Some(Condition { kind, tests: Vec::new() });
    }
    let table = value.table()?;
    table.only(&["on", "where"]);
    let kind = table.need("on", "name the type of event: on = \"ticket.received\"", Value::string);
    let tests = table.table("where").map_or(Some(Vec::new()), |table| tests(&table));
    Some(Condition { kind: kind?.value.to_owned(), tests: tests? })
}

/// `{ attribute = "value", other = ["a", "b"], any = "*" }`.
fn tests(table: &Table<'_>) -> Option<Vec<Test>> {
    let test = |(name, value): (At<&str>, Value<'_>)| {
        let texts: Option<Vec<String>> = value.list().into_iter().map(scalar).collect();
        let mut one_of = texts?;
        if one_of.iter().any(|text| text == "*") {
            one_of.clear();
        }
        Some(Test { attribute: name.value.to_owned(), one_of })
    };
    table.entries().into_iter().map(test).collect()
}

/// A text, number or boolean, as the text that events are compared with.
fn scalar(value: Value<'_>) -> Option<String> {
    match value.kind() {
        Kind::Integer => value.integer().map(|number| number.value.to_string()),
        Kind::Float => value.float().map(|number| number.value.to_string()),
        Kind::Bool => value.bool().map(|yes| yes.value.to_string()),
        _ => value.string().map(|text| text.value.to_owned()),
    }
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

fn objective(table: &Table<'_>, commitments: &[&str]) -> Option<Objective> {
    table.only(&OBJECTIVE_KEYS);
    let name = table.need("name", "name the objective", Value::string);
    let title = title(table);
    let commitment = table.need("commitment", "say whose clocks are counted", Some)?;
    let of = commitment.clone().string();
    if let Some(of) = of.as_ref().filter(|of| !commitments.contains(&of.value)) {
        let near = super::read::nearest(of.value, commitments.iter().copied());
        let remedy =
            near.map_or("add such a [[commitment]]".to_owned(), |near| format!("did you mean `{near}`?"));
        commitment.problem(format!("there is no commitment `{}`", of.value), remedy);
    }
    let target = table.need("target", "say which share must be kept: target = 0.8", Value::float);
    if let Some(target) = target.as_ref().filter(|target| !(target.value > 0.0 && target.value <= 1.0)) {
        table.problem(
            target.place,
            format!("a target of {}", target.value),
            "write a share above 0, at most 1",
        );
    }
    Some(Objective {
        name: name?.value.to_owned(),
        title: title?,
        commitment: of?.value.to_owned(),
        target: target?.value,
        short: table.duration("short").map_or(Span::from_seconds(5), |span| span.value),
    })
}

fn tally(table: &Table<'_>) -> Option<Tally> {
    table.only(&["name", "title", "on"]);
    let name = table.need("name", "name what is counted", Value::string);
    let title = title(table);
    let on = table.need("on", "say which events are counted", conditions);
    Some(Tally { name: name?.value.to_owned(), title: title?, on: on? })
}

fn counting(table: &Table<'_>) -> Option<Counting> {
    table.only(&COUNT_KEYS);
    let list = |key: &str| table.get(key).map_or(Some(Vec::new()), conditions);
    let (activity, complaints) = (list("activity"), list("complaints"));
    let score = table.string("score").map(|name| name.value.to_owned());
    Some(Counting { activity: activity?, complaints: complaints?, score })
}
