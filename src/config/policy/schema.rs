//! What may a policy look like? Its JSON Schema, for editors that know TOML by it.

use serde_json::{Map, Value, json};

use super::commitment::{BOUNDARY, CHANGE, FIRST_DAY, LAST_DAY, PAUSES, REOPEN};
use super::keys::{COMMITMENT, COUNT, Key, OBJECTIVE};
use super::objective::{MEASURE, OPERATOR, WINDOW};
use crate::names::Severity;
use crate::sla::terms::Convention;

/// The JSON Schema (2020-12) of a policy.
pub fn schema() -> Value {
    let many = |of: &str| json!({ "type": "array", "items": { "$ref": format!("#/$defs/{of}") } });
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Watchbell policy",
        "description": "The promises that are watched, and what is counted.",
        "type": "object",
        "additionalProperties": false,
        "properties": {
            "convention": words(&Convention::PRESETS),
            "calendars": {
                "type": "object",
                "description": "By name: a shipped one, a path from the folder of this file, or a calendar written out.",
                "additionalProperties": { "type": ["string", "object"] },
            },
            "commitment": many("commitment"),
            "objective": many("objective"),
            "tally": many("tally"),
            "count": { "$ref": "#/$defs/count" },
        },
        "$defs": {
            "commitment": table(&COMMITMENT, commitment_form),
            "objective": table(&OBJECTIVE, objective_form),
            "count": table(&COUNT, count_form),
            "tally": {
                "type": "object", "additionalProperties": false, "required": ["name", "title", "on"],
                "properties": { "name": text(), "title": title(), "on": conditions() },
            },
            "condition": condition(),
            "tests": tests(),
            "scalar": { "type": ["string", "number", "boolean"] },
        },
    })
}

/// A table with these keys, each in its form.
fn table(keys: &[Key], form: impl Fn(&str) -> Value) -> Value {
    let property = |key: &Key| {
        let mut form = form(key.name);
        form["description"] = format!("{}. Without it: {}.", key.meaning, key.default).into();
        (key.name.to_owned(), form)
    };
    let needed: Vec<&str> = keys.iter().filter(|key| key.default == "needed").map(|key| key.name).collect();
    let properties: Map<String, Value> = keys.iter().map(property).collect();
    json!({ "type": "object", "additionalProperties": false, "required": needed, "properties": properties })
}

fn commitment_form(key: &str) -> Value {
    match key {
        "title" => title(),
        "match" => json!({ "$ref": "#/$defs/tests" }),
        "start" | "pause" | "resume" | "cancel" | "reset" | "reopen" => conditions(),
        "stop" => json!({ "anyOf": [
            conditions(),
            { "type": "object", "required": ["all"], "additionalProperties": false, "properties": { "all": conditions() } },
        ]}),
        "extend" => extension(),
        "goal" => goal(),
        "repeats" => json!({ "type": "boolean" }),
        "severity" => words(&Severity::ALL.map(|severity| (severity.name(), ()))),
        "convention" => words(&Convention::PRESETS),
        "on_reopen" => words(&REOPEN),
        "on_change" => words(&CHANGE),
        "pause_arithmetic" => words(&PAUSES),
        "boundary" => words(&BOUNDARY),
        "first_day" => words(&FIRST_DAY),
        "last_day" => words(&LAST_DAY),
        "warnings" => {
            let mark = json!({ "anyOf": [
                { "type": "number", "exclusiveMinimum": 0, "maximum": 100, "not": { "const": 1 } },
                { "type": "string", "pattern": "^[+-][0-9]" },
            ]});
            json!({ "anyOf": [mark, { "type": "array", "items": mark }] })
        }
        "grace" | "settle" | "parked_within" => duration(),
        _ => text(),
    }
}

fn objective_form(key: &str) -> Value {
    match key {
        "title" => title(),
        "target" => json!({ "type": "number", "minimum": 0, "maximum": 1 }),
        "severity" => words(&Severity::ALL.map(|severity| (severity.name(), ()))),
        "measure" => words(&MEASURE),
        "operator" => words(&OPERATOR),
        "of" => conditions(),
        "good" => json!({ "$ref": "#/$defs/tests" }),
        "window" => json!({ "anyOf": [duration(), { "enum": WINDOW }] }),
        "minimum_count" => json!({ "type": "integer", "minimum": 1 }),
        "short" => duration(),
        _ => text(),
    }
}

fn count_form(key: &str) -> Value {
    if key == "score" { text() } else { conditions() }
}

fn text() -> Value {
    json!({ "type": "string" })
}

fn duration() -> Value {
    json!({ "type": "string", "pattern": "^[0-9]+(h|min|m|s|ms)( ?[0-9]+(min|m|s|ms))*$" })
}

fn title() -> Value {
    json!({
        "type": "object", "required": ["en", "zh"], "additionalProperties": false,
        "properties": { "en": text(), "zh": text() },
    })
}

fn words<T>(words: &[(&str, T)]) -> Value {
    json!({ "enum": words.iter().map(|(word, _)| *word).collect::<Vec<_>>() })
}

fn conditions() -> Value {
    let one = json!({ "$ref": "#/$defs/condition" });
    json!({ "anyOf": [one, { "type": "array", "items": one }] })
}

fn condition() -> Value {
    json!({ "anyOf": [
        { "type": "string", "description": "The type of an event." },
        {
            "type": "object", "required": ["on"], "additionalProperties": false,
            "properties": { "on": text(), "where": { "$ref": "#/$defs/tests" } },
        },
    ]})
}

fn tests() -> Value {
    let scalar = json!({ "$ref": "#/$defs/scalar" });
    let some = json!({ "anyOf": [scalar, { "type": "array", "items": scalar }] });
    let not = json!({
        "type": "object", "required": ["not"], "additionalProperties": false, "properties": { "not": some },
    });
    json!({
        "type": "object", "additionalProperties": { "anyOf": [some, not] },
        "description": "By attribute: a value, several, \"*\" for any, or { not = … }.",
    })
}

fn limit() -> Value {
    let days = json!({ "type": "string", "pattern": "^[0-9]+ ?(working|calendar)_days?$" });
    json!({ "anyOf": [duration(), days] })
}

fn goal() -> Value {
    json!({ "anyOf": [
        limit(),
        { "type": "object", "required": ["from"], "additionalProperties": false, "properties": { "from": text() } },
        { "type": "object", "required": ["by"], "properties": { "by": text() }, "additionalProperties": limit() },
    ]})
}

fn extension() -> Value {
    json!({
        "type": "object", "required": ["on"], "additionalProperties": false,
        "properties": {
            "on": conditions(),
            "by": limit(),
            "until": text(),
            "at_most": { "type": "integer", "minimum": 1, "maximum": 255 },
        },
        "oneOf": [{ "required": ["by"] }, { "required": ["until"] }],
    })
}
