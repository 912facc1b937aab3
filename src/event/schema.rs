//! What may a producer write? The JSON Schema of an event, built from the same limits and vocabulary the decoder uses.

use serde_json::{Value, json};

use super::{ATTRIBUTES_MAX, NAME_BYTES_MAX, vocabulary::STANDARD};

/// The members every event has: name, meaning.
const REQUIRED: [(&str, &str); 4] = [
    ("id", "Unique within `source`. The same (`source`, `id`) twice is one event delivered twice."),
    ("source", "Who says so, for instance the help desk's address."),
    ("type", "What happened. The vocabulary is open; the standard types are listed as examples."),
    ("subject", "What it happened to: one ticket or one call."),
];

/// The JSON Schema (2020-12) of an event.
pub fn schema() -> Value {
    let mut properties = serde_json::Map::new();
    for (name, meaning) in REQUIRED {
        let text =
            json!({ "type": "string", "minLength": 1, "maxLength": NAME_BYTES_MAX, "description": meaning });
        properties.insert(name.into(), text);
    }
    properties["type"]["examples"] = STANDARD.iter().map(|kind| kind.name).collect();
    properties.insert(
        "time".into(),
        json!({ "type": "string", "format": "date-time",
            "description": "When it happened: RFC 3339 with an offset, years 1970 to 2099." }),
    );
    properties.insert(
        "data".into(),
        json!({ "type": "object", "maxProperties": ATTRIBUTES_MAX,
            "description": "Attributes. Plain JSON may carry them beside `type` as well; nested objects get dotted names." }),
    );
    properties.insert(
        "specversion".into(),
        json!({ "const": "1.0", "description": "CloudEvents; may be left out." }),
    );
    properties
        .insert("datacontenttype".into(), json!({ "type": "string", "description": "A JSON media type." }));
    let required: Vec<&str> = REQUIRED.iter().map(|(name, _)| *name).chain(["time"]).collect();
    let meanings: serde_json::Map<String, Value> =
        STANDARD.iter().map(|kind| (kind.name.into(), kind.meaning.into())).collect();
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Watchbell event",
        "description": "CloudEvents 1.0 in structured JSON, or the same members as plain JSON.",
        "type": "object",
        "required": required,
        "properties": properties,
        "additionalProperties": { "description": "An attribute." },
        "$defs": { "standardTypes": { "description": "The standard types and what they say.", "const": meanings } },
    })
}
