//! Which events does a row make, and when? Reads `[rows]` and `[[event]]`.

use super::names::Names;
use super::{is_constant, is_text};
use crate::config::read::{At, Kind, Table, Value};
use crate::event::ATTRIBUTES_MAX;
use crate::source::mapping::{Attribute, Condition, Pattern, RowOrder, Rule, Template};

/// An id that is unique unless a subject has two events of a type at one instant.
const DEFAULT_ID: &str = "{event.subject}/{event.type}/{event.time}";
/// The same for an event of one row among others: rows of one instant make events of their own, in the rows' order.
const DEFAULT_ROW_ID: &str = "{event.subject}/{event.type}/{event.time}/{event.order}";

/// Reads `[rows]`: how rows follow each other, and which are passed over.
pub(super) fn read_rows(root: &Table<'_>, names: &mut Names) -> (Option<RowOrder>, Vec<Vec<Condition>>) {
    let Some(rows) = root.table("rows") else { return (None, Vec::new()) };
    rows.only(&["order", "sequence", "skip"]);
    let order = rows.string("order").and_then(|name| names.time(&rows, name));
    let sequence = rows.string("sequence").map(|name| names.column(name));
    let mut skip = Vec::new();
    for table in rows.tables("skip") {
        let conditions = read_condition(&table, names);
        if conditions.iter().any(Condition::compares_rows) {
            let remedy = "use is, not, present or missing; compare rows in the `when` of an event";
            table.problem(table.place(), "`rows.skip` compares rows", remedy);
        }
        skip.push(conditions);
    }
    (order.map(|time| RowOrder { time, sequence }), skip)
}

/// Reads all `[[event]]`.
pub(super) fn read_rules(root: &Table<'_>, names: &mut Names) -> Vec<Rule> {
    let shared = root.table("attributes").map(|table| read_attributes(&table, names)).unwrap_or_default();
    let events = root.tables("event");
    if events.is_empty() && root.get("event").is_none() {
        root.problem(root.place(), "there is no [[event]]", "add one with type and time");
    }
    let mut rules: Vec<Rule> = Vec::new();
    for event in &events {
        let Some(rule) = read_rule(event, &shared, names) else { continue };
        rules.push(rule);
    }
    rules
}

fn read_rule(event: &Table<'_>, shared: &[(String, Attribute)], names: &mut Names) -> Option<Rule> {
    event.only(&["type", "time", "id", "when", "once", "attributes"]);
    let kind = event.need("type", "say what happened, such as \"ticket.closed\"", Value::string);
    if let Some(At { value: "", place }) = kind {
        event.problem(place, "`event.type` is empty", "say what happened, such as \"ticket.closed\"");
    }
    let time = event.need("time", "name the time of [times] at which it happened", Value::string);
    let time = time.and_then(|name| names.time(event, name));
    let when: Vec<Condition> =
        event.tables("when").iter().flat_map(|table| read_condition(table, names)).collect();
    let once = event.bool("once").is_some_and(|once| once.value);
    let default =
        if once || !when.iter().any(Condition::compares_rows) { DEFAULT_ID } else { DEFAULT_ROW_ID };
    let id = match event.string("id") {
        Some(text) => names.template(event, text, true).inspect(|id| check_id(event, id, text)),
        None => names.template(event, At { value: default, place: event.place() }, true),
    };
    let mut attributes = shared.to_vec();
    for (name, attribute) in
        event.table("attributes").map(|table| read_attributes(&table, names)).unwrap_or_default()
    {
        attributes.retain(|(shared, _)| *shared != name);
        attributes.push((name, attribute));
    }
    if attributes.len() > ATTRIBUTES_MAX {
        event.problem(event.place(), format!("more than {ATTRIBUTES_MAX} attributes"), "leave some out");
    }
    Some(Rule { kind: kind?.value.to_owned(), time: time?, id: id?, when, once, attributes })
}

fn check_id(event: &Table<'_>, id: &Template, text: At<&str>) {
    if is_constant(id) {
        let remedy = format!("put in what tells events apart, such as \"{DEFAULT_ID}\"");
        event.problem(text.place, format!("`id` is `{}` for every event", text.value), remedy);
    }
}

fn read_attributes(table: &Table<'_>, names: &mut Names) -> Vec<(String, Attribute)> {
    let mut attributes = Vec::new();
    for (name, value) in table.entries() {
        let attribute = match value.kind() {
            Kind::Text => {
                value.string().and_then(|text| names.template(table, text, true)).map(Attribute::Text)
            }
            Kind::Integer => value.integer().map(|number| Attribute::Integer(number.value)),
            Kind::Float => value.float().map(|number| Attribute::Float(number.value)),
            Kind::Bool => value.bool().map(|yes| Attribute::Bool(yes.value)),
            Kind::Table => value.table().and_then(|table| read_computed(&table, names)),
            Kind::Date | Kind::List => {
                value.problem(
                    format!("`{}` is {}", value.path(), value.kind()),
                    "write a text such as \"{column}\", a number, true or false, { number = \"column\" } or { seconds_from = \"a\", to = \"b\" }",
                );
                None
            }
        };
        attributes.extend(attribute.map(|attribute| (name.value.to_owned(), attribute)));
    }
    attributes
}

/// `{ number = "score" }` or `{ seconds_from = "answered", to = "ended" }`
fn read_computed(table: &Table<'_>, names: &mut Names) -> Option<Attribute> {
    if let Some(number) = table.string("number") {
        table.only(&["number"]);
        return track_if(table, names, number, false).map(|(slot, _)| Attribute::Number(slot));
    }
    table.only(&["seconds_from", "to"]);
    let from = table.need("seconds_from", "name a time of [times]", Value::string);
    let to = table.need("to", "name a time of [times]", Value::string);
    let (from, to) =
        (from.and_then(|name| names.time(table, name)), to.and_then(|name| names.time(table, name)));
    Some(Attribute::Seconds { from: from?, to: to? })
}

/// One table of conditions; all of them must hold.
fn read_condition(table: &Table<'_>, names: &mut Names) -> Vec<Condition> {
    table
        .only(&["column", "is", "not", "was", "becomes", "leaves", "present", "missing", "changes", "first"]);
    let mut conditions = read_texts(table, names);
    for name in table.strings("present").unwrap_or_default() {
        conditions.push(Condition::Present(names.slot(name)));
    }
    for name in table.strings("missing").unwrap_or_default() {
        conditions.push(Condition::Missing(names.slot(name)));
    }
    if let Some(any) = table.strings("changes") {
        let track = |name: &At<&str>| Some(track(table, names, *name)?.1);
        conditions.push(Condition::Changes(any.iter().filter_map(track).collect()));
    }
    if let Some(first) = table.bool("first") {
        conditions.push(Condition::First(first.value));
    }
    if table.entries().is_empty() {
        let remedy = "such as { column = \"state\", becomes = [\"Closed\"] }, { present = \"closed\" } or { first = true }";
        table.problem(table.place(), "the condition is empty", remedy);
    }
    conditions
}

/// The conditions that compare the text of `column`.
fn read_texts(table: &Table<'_>, names: &mut Names) -> Vec<Condition> {
    const KEYS: [&str; 5] = ["is", "not", "was", "becomes", "leaves"];
    let asked: Vec<&str> = KEYS.into_iter().filter(|key| table.get(key).is_some()).collect();
    let Some(column) = table.string("column") else {
        if !asked.is_empty() && table.get("column").is_none() {
            table.problem(
                table.place(),
                format!("`{}` needs a `column`", asked[0]),
                "name the column or field it asks",
            );
        }
        return Vec::new();
    };
    if asked.is_empty() {
        table.problem(
            column.place,
            format!("nothing is asked of `{}`", column.value),
            "add is, not, was, becomes or leaves",
        );
        return Vec::new();
    }
    let mut conditions = Vec::new();
    for key in asked {
        let Some(texts) = table.strings(key) else { continue };
        let patterns: Vec<Pattern> = texts.iter().map(|text| Pattern::new(text.value)).collect();
        let Some((slot, tracked)) = track_if(table, names, column, !matches!(key, "is" | "not")) else {
            continue;
        };
        conditions.push(match key {
            "is" => Condition::Is(slot, patterns),
            "not" => Condition::Not(slot, patterns),
            "was" => Condition::Was(tracked, patterns),
            "becomes" => Condition::Becomes(tracked, patterns),
            _ => Condition::Leaves(tracked, patterns),
        });
    }
    conditions
}

fn track(
    table: &Table<'_>,
    names: &mut Names,
    name: At<&str>,
) -> Option<(crate::source::mapping::Slot, usize)> {
    track_if(table, names, name, true)
}

fn track_if(
    table: &Table<'_>,
    names: &mut Names,
    name: At<&str>,
    tracked: bool,
) -> Option<(crate::source::mapping::Slot, usize)> {
    let slot = names.slot(name);
    if !is_text(slot) {
        let what = format!("`{}` is a time, and the condition compares text", name.value);
        table.problem(name.place, what, "use present or missing, or name the column");
        return None;
    }
    Some((slot, if tracked { names.track(slot) } else { 0 }))
}
