//! What may a case say? The JSON Schema of the case format, for editors and for whoever makes cases.

use serde_json::{Map, Value, json};

/// The members of a case that are looked at: name, form, meaning.
fn members() -> Vec<(&'static str, Value, &'static str)> {
    let number = || json!({ "type": ["number", "null"], "minimum": 0 });
    let yes = || json!({ "type": ["boolean", "null"] });
    vec![
        ("id", json!({ "type": "string" }), "Its name; the answer carries it."),
        (
            "kind",
            json!({ "enum": ["due", "due_days", "elapsed", "policy_change"] }),
            "What is asked; due_days needs a goal in working days.",
        ),
        ("calendar", json!({ "$ref": "#/$defs/calendar" }), "When it is open."),
        (
            "events",
            json!({ "type": "array", "items": { "$ref": "#/$defs/event" }, "minItems": 1 }),
            "What happened, in any order. Nothing counts after a stop.",
        ),
        ("goal_minutes", number(), "How many minutes of open time it may take; fractions are allowed."),
        ("goal_seconds", number(), "The same in seconds; wins over goal_minutes."),
        (
            "goal_business_days",
            json!({ "type": ["integer", "null"] }),
            "How many working days; the start day is not counted, less than 0 lie before the start.",
        ),
        ("end_of_day", json!({ "type": "boolean" }), "Working days end at the last closing of their day."),
        (
            "normalise",
            json!({ "enum": ["next_open", null] }),
            "Working days that end while it is closed end at the next opening.",
        ),
        (
            "boundary",
            json!({ "enum": ["interval_end", "next_open", null] }),
            "Where a goal used up exactly at a closing is due; the closing by default.",
        ),
        ("goal_before", number(), "Minutes: the goal before it changed."),
        ("retroactive_start", yes(), "Whether a changed goal counts from the start; yes by default."),
        ("retroactive_pause", yes(), "Whether pauses before the change count, too; yes by default."),
        ("escalation", json!({ "$ref": "#/$defs/escalation" }), "When somebody is to be told."),
    ]
}

/// The members of a case that describe it, or say what is expected, and are not looked at.
const DESCRIBE: [&str; 13] = [
    "source",
    "asserted",
    "tags",
    "metric",
    "notes",
    "source_reported",
    "due_before",
    "expected_due",
    "expected_elapsed_seconds",
    "expected_actual_seconds",
    "expected_late_business_seconds",
    "expected_hold_business_seconds",
    "expected_breach",
];

/// The JSON Schema (2020-12) of the case format.
pub fn schema() -> Value {
    let described = |form: Value, meaning: &str| {
        let mut form = form;
        form["description"] = meaning.into();
        form
    };
    let mut properties: Map<String, Value> =
        members().into_iter().map(|(name, form, meaning)| (name.into(), described(form, meaning))).collect();
    for name in DESCRIBE {
        properties.insert(name.into(), json!({ "description": "Describes the case; not looked at." }));
    }
    let case = json!({
        "type": "object",
        "required": ["id", "kind", "calendar", "events"],
        "properties": properties,
        "additionalProperties": false,
    });
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Watchbell case",
        "description": "One clock from outside: `watchbell due` works it out. One case, or many in `vectors`.",
        "oneOf": [
            { "$ref": "#/$defs/case" },
            {
                "type": "object",
                "required": ["vectors"],
                "properties": { "vectors": { "type": "array", "items": { "$ref": "#/$defs/case" } } },
            },
        ],
        "$defs": {
            "case": case,
            "event": event(),
            "calendar": calendar(),
            "escalation": escalation(),
            "window": {
                "type": "array", "minItems": 2, "maxItems": 2,
                "items": { "type": "string", "pattern": "^([01]?[0-9]|2[0-4]):[0-5][0-9]$" },
                "description": "Local times, from and to; midnight at the end is 24:00.",
            },
        },
    })
}

fn event() -> Value {
    json!({
        "type": "object", "required": ["type", "at"], "additionalProperties": false,
        "properties": {
            "type": {
                "enum": ["start", "pause", "resume", "stop", "evaluate", "priority_change", "policy_change"],
                "description": "At one instant: start, change, resume, stop, pause, evaluate.",
            },
            "at": { "type": "string", "format": "date-time", "description": "RFC 3339 with an offset, 1970 to 2099." },
        },
    })
}

fn calendar() -> Value {
    let windows = json!({ "type": "array", "items": { "$ref": "#/$defs/window" } });
    let days: Map<String, Value> = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
        .iter()
        .map(|day| ((*day).into(), windows.clone()))
        .collect();
    let by_date = |meaning: &str| {
        json!({
            "type": "object", "additionalProperties": windows, "description": meaning,
            "propertyNames": { "format": "date" },
        })
    };
    json!({
        "type": "object", "required": ["tz"], "additionalProperties": false,
        "properties": {
            "tz": { "type": "string", "description": "The IANA name of its zone." },
            "always_open": { "type": "boolean", "description": "Every hour of every day, in UTC, whatever the rest says." },
            "hours": { "type": "object", "properties": days, "additionalProperties": false,
                "description": "Windows of each day of the week, in order." },
            "holidays": { "type": "array", "items": { "type": "string", "format": "date" },
                "description": "Local dates on which it is closed, whatever the rest says." },
            "date_overrides": by_date("Windows in place of that day's hours."),
            "breaks": by_date("Windows in which it is closed once."),
        },
    })
}

fn escalation() -> Value {
    json!({
        "type": "object", "additionalProperties": false,
        "properties": {
            "offset_seconds": { "type": ["number", "null"],
                "description": "In the clock's own time after the due instant; less than 0 is before." },
            "offset_business_days": { "type": ["integer", "null"],
                "description": "In working days, at the same time of day." },
            "expected_at": { "description": "Describes the case; not looked at." },
        },
    })
}
