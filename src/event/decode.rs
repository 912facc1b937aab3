//! How is an event read from JSON? CloudEvents 1.0 structured mode, and the same as plain JSON: attributes may stand
//! in `data`, beside it, or both. Strings are borrowed unless an escape forces a copy.

use std::borrow::Cow;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::{ATTRIBUTES_MAX, Attributes, DEPTH_MAX, Event, NAME_BYTES_MAX, RECORD_BYTES_MAX, Reason, Value};
use crate::time::Time;

/// Reads one event. The bytes are one JSON object, nothing else.
pub fn decode(bytes: &[u8]) -> Result<Event<'_>, Reason> {
    if bytes.len() > RECORD_BYTES_MAX {
        return Err(Reason::TooLarge(bytes.len() as u64));
    }
    let text = std::str::from_utf8(bytes).map_err(|error| Reason::InvalidUtf8(error.valid_up_to()))?;
    let mut envelope = Envelope::default();
    let mut reader = serde_json::Deserializer::from_str(text);
    let read = EnvelopeSeed(&mut envelope).deserialize(&mut reader).and_then(|()| reader.end());
    match (read, envelope.refused.take()) {
        (_, Some(reason)) => Err(reason),
        (Err(error), None) => Err(Reason::Malformed(error.to_string())),
        (Ok(()), None) => envelope.into_event(),
    }
}

/// Reads one event in binary mode: the members stand in headers named `ce_…`, the payload is the data, a JSON object or
/// nothing. Headers that are not CloudEvents' are passed over; extensions become attributes.
pub fn binary<'a>(headers: &[(&'a str, &'a [u8])], payload: &'a [u8]) -> Result<Event<'a>, Reason> {
    if payload.len() > RECORD_BYTES_MAX {
        return Err(Reason::TooLarge(payload.len() as u64));
    }
    let text = |bytes: &'a [u8]| {
        std::str::from_utf8(bytes).map_err(|error| Reason::InvalidUtf8(error.valid_up_to()))
    };
    let mut envelope = Envelope::default();
    for (name, value) in headers.iter().filter_map(|(name, value)| Some((name.strip_prefix("ce_")?, *value)))
    {
        let value = Cow::Borrowed(text(value)?);
        match name {
            "id" => envelope.id = Some(value),
            "source" => envelope.source = Some(value),
            "type" => envelope.kind = Some(value),
            "subject" => envelope.subject = Some(value),
            "time" => envelope.time = Some(value),
            "specversion" | "dataschema" => {}
            _ if envelope.attributes.0.len() == ATTRIBUTES_MAX => return Err(Reason::TooManyAttributes),
            _ => envelope.attributes.push(name, Value::Text(value)),
        }
    }
    if !payload.is_empty() {
        let mut reader = serde_json::Deserializer::from_str(text(payload)?);
        let data = Member { envelope: &mut envelope, name: Cow::Borrowed(""), depth: 1 };
        let read = data.deserialize(&mut reader).and_then(|()| reader.end());
        if let Err(error) = read {
            return Err(envelope.refused.take().unwrap_or(Reason::Malformed(error.to_string())));
        }
    }
    envelope.into_event()
}

/// An event whose members have not been checked yet.
#[derive(Default)]
struct Envelope<'a> {
    id: Option<Cow<'a, str>>,
    source: Option<Cow<'a, str>>,
    kind: Option<Cow<'a, str>>,
    subject: Option<Cow<'a, str>>,
    time: Option<Cow<'a, str>>,
    attributes: Attributes<'a>,
    /// Why reading was broken off, where that is known better than the JSON parser can say.
    refused: Option<Reason>,
}

impl<'a> Envelope<'a> {
    fn into_event(self) -> Result<Event<'a>, Reason> {
        let time_text = self.time.ok_or(Reason::MissingField("time"))?;
        let time = Time::parse(&time_text).filter(|time| time.in_range());
        Ok(Event {
            id: named("id", self.id)?,
            source: named("source", self.source)?,
            kind: named("type", self.kind)?,
            subject: named("subject", self.subject)?,
            time: time.ok_or_else(|| Reason::BadTime(time_text.chars().take(64).collect()))?,
            attributes: self.attributes,
        })
    }

    fn refuse<E: Error>(&mut self, reason: Reason) -> E {
        self.refused = Some(reason);
        E::custom("refused")
    }

    fn keep<E: Error>(&mut self, name: Cow<'a, str>, value: Value<'a>) -> Result<(), E> {
        if self.attributes.0.len() == ATTRIBUTES_MAX {
            return Err(self.refuse(Reason::TooManyAttributes));
        }
        self.attributes.push(name, value);
        Ok(())
    }
}

fn named<'a>(field: &'static str, text: Option<Cow<'a, str>>) -> Result<Cow<'a, str>, Reason> {
    match text {
        Some(text) if text.len() > NAME_BYTES_MAX => Err(Reason::TooLong(field)),
        Some(text) if !text.is_empty() => Ok(text),
        _ => Err(Reason::MissingField(field)),
    }
}

/// A member's name, borrowed where it can be.
struct Name<'a>(Cow<'a, str>);

impl<'de> serde::Deserialize<'de> for Name<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(Text).map(Name)
    }
}

/// A string, borrowed where it can be; `null` and other types are refused by serde's own message.
struct Text;

impl<'de> Visitor<'de> for Text {
    type Value = Cow<'de, str>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string")
    }

    fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<Self::Value, E> {
        Ok(Cow::Borrowed(text))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Cow::Owned(text.to_owned()))
    }
}

impl<'de> DeserializeSeed<'de> for Text {
    type Value = Cow<'de, str>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_str(self)
    }
}

/// Reads the outermost object into an envelope.
struct EnvelopeSeed<'e, 'a>(&'e mut Envelope<'a>);

impl<'de> DeserializeSeed<'de> for EnvelopeSeed<'_, 'de> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for EnvelopeSeed<'_, 'de> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an event, which is one JSON object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let envelope = self.0;
        while let Some(Name(name)) = map.next_key()? {
            match name.as_ref() {
                "id" => envelope.id = Some(map.next_value_seed(Text)?),
                "source" => envelope.source = Some(map.next_value_seed(Text)?),
                "type" => envelope.kind = Some(map.next_value_seed(Text)?),
                "subject" => envelope.subject = Some(map.next_value_seed(Text)?),
                "time" => envelope.time = Some(map.next_value_seed(Text)?),
                "specversion" | "datacontenttype" | "dataschema" => {
                    map.next_value::<IgnoredAny>()?;
                }
                "data" => map.next_value_seed(Member { envelope, name: Cow::Borrowed(""), depth: 1 })?,
                _ => map.next_value_seed(Member { envelope, name, depth: 1 })?,
            }
        }
        Ok(())
    }
}

/// Reads the value of one attribute; an object becomes attributes with dotted names, an array is passed over.
struct Member<'e, 'a> {
    envelope: &'e mut Envelope<'a>,
    name: Cow<'a, str>,
    depth: usize,
}

impl<'de> DeserializeSeed<'de> for Member<'_, 'de> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        if self.depth > DEPTH_MAX {
            return Err(self.envelope.refuse(Reason::TooDeep));
        }
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Member<'_, 'de> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<(), E> {
        self.envelope.keep(self.name, Value::Text(Cow::Borrowed(text)))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<(), E> {
        self.envelope.keep(self.name, Value::Text(Cow::Owned(text.to_owned())))
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<(), E> {
        self.envelope.keep(self.name, Value::Bool(value))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<(), E> {
        self.envelope.keep(self.name, Value::Integer(value))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<(), E> {
        let value = i64::try_from(value).map_or(Value::Float(value as f64), Value::Integer);
        self.envelope.keep(self.name, value)
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<(), E> {
        self.envelope.keep(self.name, Value::Float(value))
    }

    fn visit_unit<E: Error>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(Name(inner)) = map.next_key()? {
            let name = match self.name.as_ref() {
                "" => inner,
                outer => Cow::Owned(format!("{outer}.{inner}")),
            };
            map.next_value_seed(Member { envelope: &mut *self.envelope, name, depth: self.depth + 1 })?;
        }
        Ok(())
    }

    /// Lists carry nothing that a policy can ask for; they are read only to be bounded in depth.
    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        let mut passed_over = Envelope::default();
        loop {
            passed_over.attributes.0.clear();
            let element =
                Member { envelope: &mut passed_over, name: Cow::Borrowed(""), depth: self.depth + 1 };
            match seq.next_element_seed(element) {
                Ok(Some(())) => {}
                Ok(None) => return Ok(()),
                Err(error) => {
                    self.envelope.refused = passed_over.refused;
                    return Err(error);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CLOUD: &str = r#"{"specversion":"1.0","id":"e-1","source":"/desk/1","type":"ticket.opened","subject":"T-123",
        "time":"2026-03-01T08:00:00Z","datacontenttype":"application/json",
        "data":{"kind":"service","priority":"P2","score":4,"device":{"model":"x"},"tags":["a",{"b":1}],"none":null}}"#;

    #[test]
    fn cloud_events_and_plain_json_say_the_same() {
        let cloud = decode(CLOUD.as_bytes()).expect("valid");
        let flat = r#"{"id":"e-1","source":"/desk/1","type":"ticket.opened","subject":"T-123",
            "time":"2026-03-01T10:00:00+02:00","kind":"service","priority":"P2","score":4,"device":{"model":"x"}}"#;
        assert_eq!(cloud, decode(flat.as_bytes()).expect("valid"));
        assert_eq!(cloud.attributes.get("device.model"), Some(&Value::Text("x".into())));
        assert_eq!(cloud.attributes.get("none"), None);
        assert_eq!(cloud.attributes.iter().count(), 4);
    }

    #[test]
    fn binary_mode_says_the_same() {
        let headers: [(&str, &[u8]); 7] = [
            ("ce_specversion", b"1.0"),
            ("ce_id", b"e-1"),
            ("ce_source", b"/desk/1"),
            ("ce_type", b"ticket.opened"),
            ("ce_subject", b"T-123"),
            ("ce_time", b"2026-03-01T08:00:00Z"),
            ("content-type", b"application/json"),
        ];
        let data =
            br#"{"kind":"service","priority":"P2","score":4,"device":{"model":"x"},"tags":["a",{"b":1}]}"#;
        assert_eq!(binary(&headers, data).expect("valid"), decode(CLOUD.as_bytes()).expect("valid"));
        assert_eq!(binary(&headers, b"").expect("no data").attributes.iter().count(), 0);
        let reason = |headers, data| binary(headers, data).expect_err("refused").code();
        assert_eq!(reason(&headers, b"{"), "malformed");
        assert_eq!(reason(&headers[..4], b""), "missing_field");
    }

    #[test]
    fn strings_are_borrowed_unless_escaped() {
        let event = decode(
            br#"{"id":"a\u0062","source":"s","type":"t","subject":"x","time":"2026-03-01T08:00:00Z"}"#,
        )
        .expect("valid");
        assert!(matches!(event.source, Cow::Borrowed(_)));
        assert!(matches!(&event.id, Cow::Owned(id) if id == "ab"));
    }

    #[test]
    fn bad_records_are_reasons() {
        let check = |text: &[u8], code: &str| match decode(text) {
            Err(reason) => assert_eq!(reason.code(), code, "{reason}"),
            Ok(event) => panic!("accepted {event:?}"),
        };
        let with = |member: &str| format!(r#"{{"id":"a","source":"s","type":"t","subject":"x",{member}}}"#);
        check(b"{", "malformed");
        check(b"[]", "malformed");
        check(b"", "malformed");
        check(b"\xff{}", "invalid_utf8");
        check(format!("{CLOUD} {CLOUD}").as_bytes(), "malformed");
        check(with("\"time\":5").as_bytes(), "malformed");
        check(with("\"a\":1").as_bytes(), "missing_field");
        check(with("\"time\":\"yesterday\"").as_bytes(), "bad_time");
        check(with("\"time\":\"1969-12-31T00:00:00Z\"").as_bytes(), "bad_time");
        check(
            br#"{"id":"a","source":"s","type":"t","subject":"","time":"2026-03-01T08:00:00Z"}"#,
            "missing_field",
        );
        check(with(&format!("\"a\":{}1{}", "[".repeat(5_000), "]".repeat(5_000))).as_bytes(), "too_deep");
        check(with(&format!("\"a\":{}1{}", "{\"b\":".repeat(60), "}".repeat(60))).as_bytes(), "too_deep");
        check(&vec![b' '; RECORD_BYTES_MAX + 1], "too_large");
        let many: Vec<String> = (0..200).map(|n| format!("\"k{n}\":1")).collect();
        check(with(&many.join(",")).as_bytes(), "too_many_attributes");
        let long = format!("\"subject\":\"{}\",\"time\":\"2026-03-01T08:00:00Z\"", "x".repeat(600));
        check(with(&long).as_bytes(), "too_long");
    }
}
