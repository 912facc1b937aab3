//! What does a policy file promise? Reads it into [`Policy`], or says everything that is wrong with it.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use super::calendar;
use super::read::{At, Document, Kind, Problems, Table, Value};
use crate::calendar::Calendar;
use crate::names::Text;
use crate::sla::policy::{Commitment, Condition, Counting, Policy, Tally, Test};
use crate::sla::terms::Convention;
use crate::time::Time;

mod commitment;
pub mod keys;
mod lint;
mod objective;
mod schema;

use commitment::commitment;
pub use lint::lint;
pub use schema::schema;

/// The promises that are watched unless others are given.
pub const DEFAULT: &str = include_str!("../../config/commitments.toml");
/// The name under which the default is reported.
pub const DEFAULT_NAME: &str = "config/commitments.toml";

type Calendars = BTreeMap<String, Arc<Calendar>>;

/// Reads a policy. `file` is the name used in problems, and the place from which paths of calendars are looked up.
pub fn read(file: &str, text: &str) -> Result<Policy, Problems> {
    let document = Document::parse(file, text)?;
    let root = document.root();
    root.only(&["convention", "calendars", "commitment", "objective", "tally", "count"]);
    let calendars = calendars(&root, file);
    let commitments = commitments(&root, &calendars);
    refuse_twins(&commitments);
    let names: Vec<&str> =
        commitments.iter().filter_map(|(table, _)| Some(table.string("name")?.value)).collect();
    let objectives = objective::read_all(&root, &names, &calendars);
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

/// The commitments, with the tables that say them.
fn commitments<'d>(root: &Table<'d>, calendars: &Calendars) -> Vec<(Table<'d>, Option<Commitment>)> {
    let convention = commitment::preset(root).unwrap_or(Convention::OWN);
    let tables = root.tables("commitment").into_iter();
    tables.map(|table| (table.clone(), commitment(&table, calendars, convention))).collect()
}

/// The calendars, by name. Their paths begin in the folder of the file.
fn calendars(root: &Table<'_>, file: &str) -> Calendars {
    let Some(table) = root.table("calendars") else { return Calendars::default() };
    let folder = Path::new(file).parent().unwrap_or(Path::new(""));
    let named = |(name, value): (At<&str>, Value<'_>)| {
        let read = match value.kind() {
            Kind::Table => calendar::inline(name.value, &value.table()?, folder),
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

pub(super) fn title(table: &Table<'_>) -> Option<Text> {
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

/// `"type"`, `{ on = "type", where = { … } }`, or several of these.
pub(super) fn conditions(value: Value<'_>) -> Option<Vec<Condition>> {
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

/// `{ attribute = "value", other = ["a", "b"], any = "*", not_this = { not = "c" } }`.
pub(super) fn tests(table: &Table<'_>) -> Option<Vec<Test>> {
    table.entries().into_iter().map(test).collect()
}

fn test((name, value): (At<&str>, Value<'_>)) -> Option<Test> {
    let attribute = name.value.to_owned();
    let texts = |value: &Value<'_>| value.list().into_iter().map(scalar).collect::<Option<Vec<String>>>();
    if value.kind() == Kind::Table {
        let table = value.table()?;
        table.only(&["not"]);
        let not = table.need("not", "say what it may not be: { not = \"closed\" }", Some)?;
        return Some(Test { attribute, one_of: texts(&not)?, is_not: true });
    }
    let mut one_of = texts(&value)?;
    if one_of.iter().any(|text| text == "*") {
        one_of.clear();
    }
    Some(Test { attribute, one_of, is_not: false })
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

fn tally(table: &Table<'_>) -> Option<Tally> {
    table.only(&["name", "title", "on"]);
    let name = table.need("name", "name what is counted", Value::string);
    let title = title(table);
    let on = table.need("on", "say which events are counted", conditions);
    Some(Tally { name: name?.value.to_owned(), title: title?, on: on? })
}

fn counting(table: &Table<'_>) -> Option<Counting> {
    table.only(&keys::COUNT.map(|key| key.name));
    let list = |key: &str| table.get(key).map_or(Some(Vec::new()), conditions);
    let (activity, complaints) = (list("activity"), list("complaints"));
    let score = table.string("score").map(|name| name.value.to_owned());
    Some(Counting { activity: activity?, complaints: complaints?, score })
}
