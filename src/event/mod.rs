//! What happened, or why could we not read it? Events, their vocabulary, and rejects as values.
//!
//! An [`Event`] borrows from the bytes it was read from. Decoding one never fails the stream: the answer is an event
//! or a [`Reason`], and whoever knows the [`Position`] makes a [`Reject`] of it. Nothing here knows Kafka or files.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use smallvec::SmallVec;

use crate::time::Time;

pub mod decode;
pub mod schema;
pub mod vocabulary;

pub use self::decode::decode;

/// A record longer than this is refused unread: 1 MiB, Kafka's own default limit for a message.
pub const RECORD_BYTES_MAX: usize = 1 << 20;
/// `id`, `source`, `type` and `subject` may be this long, and a value by which events are counted; one that is longer
/// counts as `other`.
pub const NAME_BYTES_MAX: usize = 512;
/// An event may carry this many attributes.
pub const ATTRIBUTES_MAX: usize = 128;
/// Objects and arrays may be nested this deep.
pub const DEPTH_MAX: usize = 32;

/// An immutable fact. The names are those of CloudEvents 1.0.
#[derive(Clone, Debug, PartialEq)]
pub struct Event<'a> {
    /// Unique within `source`; the same (`source`, `id`) twice is one event delivered twice.
    pub id: Cow<'a, str>,
    /// Who says so.
    pub source: Cow<'a, str>,
    /// What happened, in the past tense: `ticket.opened`. The vocabulary is open, see [`vocabulary`].
    pub kind: Cow<'a, str>,
    /// What it happened to: one ticket or one call.
    pub subject: Cow<'a, str>,
    /// When it happened.
    pub time: Time,
    /// Everything else, nested objects with dotted names (`device.model`).
    pub attributes: Attributes<'a>,
}

/// The attributes of an event in the order they were written; of two with one name the later counts.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Attributes<'a>(pub SmallVec<[(Cow<'a, str>, Value<'a>); 8]>);

/// The value of an attribute. `null` is the same as not being there.
#[derive(Clone, Debug, PartialEq)]
pub enum Value<'a> {
    /// A string.
    Text(Cow<'a, str>),
    /// A number without a fraction.
    Integer(i64),
    /// Any other number.
    Float(f64),
    /// `true` or `false`.
    Bool(bool),
}

impl<'a> Attributes<'a> {
    /// The value of `name`, the last one where it was given twice.
    pub fn get(&self, name: &str) -> Option<&Value<'a>> {
        self.0.iter().rev().find(|(key, _)| key == name).map(|(_, value)| value)
    }

    /// Adds an attribute.
    pub fn push(&mut self, name: impl Into<Cow<'a, str>>, value: Value<'a>) {
        self.0.push((name.into(), value));
    }

    /// Replaces the values for which `other` has one.
    pub fn replace(&mut self, other: impl Fn(&str, &Value<'a>) -> Option<String>) {
        for (name, value) in &mut self.0 {
            if let Some(text) = other(name, value) {
                *value = Value::Text(Cow::Owned(text));
            }
        }
    }

    /// All of them, in the order they were written.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Value<'a>)> {
        self.0.iter().map(|(key, value)| (key.as_ref(), value))
    }
}

impl Value<'_> {
    /// The value as text, the way a policy would write it: `P1`, `3`, `true`.
    pub fn text(&self) -> Cow<'_, str> {
        match self {
            Value::Text(text) => Cow::Borrowed(text),
            Value::Integer(n) => Cow::Owned(n.to_string()),
            Value::Float(n) => Cow::Owned(n.to_string()),
            Value::Bool(true) => Cow::Borrowed("true"),
            Value::Bool(false) => Cow::Borrowed("false"),
        }
    }

    /// The value as a number, also when it was written as text.
    pub fn number(&self) -> Option<f64> {
        match self {
            Value::Text(text) => text.trim().parse().ok(),
            Value::Integer(n) => Some(*n as f64),
            Value::Float(n) => Some(*n),
            Value::Bool(_) => None,
        }
    }
}

/// Where a record stands: a file and its line, or a log and its offset.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    /// The file's path, `-` for standard input, or `topic/partition`.
    pub place: Arc<str>,
    /// The line, counted from 1, or the offset.
    pub number: u64,
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.place, self.number)
    }
}

/// A record that could not be used. It is counted and kept with its position; the next record is read all the same.
#[derive(Clone, Debug, PartialEq)]
pub struct Reject {
    /// Where it stands.
    pub position: Position,
    /// Why it could not be used.
    pub reason: Reason,
}

impl fmt::Display for Reject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.position, self.reason)
    }
}

/// Why a record could not be used. The text names what is wrong and what would be right.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum Reason {
    /// Not JSON, or JSON of the wrong shape.
    #[error("malformed: {0}")]
    Malformed(String),
    /// The bytes are not UTF-8.
    #[error("not UTF-8 from byte {0} on: write the file as UTF-8")]
    InvalidUtf8(usize),
    /// Longer than [`RECORD_BYTES_MAX`].
    #[error("too large: {0} bytes, the limit is {RECORD_BYTES_MAX}")]
    TooLarge(u64),
    /// Nested deeper than [`DEPTH_MAX`].
    #[error("nested too deep: more than {DEPTH_MAX} levels")]
    TooDeep,
    /// More than [`ATTRIBUTES_MAX`] attributes.
    #[error("too many attributes: more than {ATTRIBUTES_MAX}")]
    TooManyAttributes,
    /// A required member is missing or empty.
    #[error("`{0}` is missing or empty")]
    MissingField(&'static str),
    /// A name is longer than [`NAME_BYTES_MAX`].
    #[error("`{0}` is longer than {NAME_BYTES_MAX} bytes")]
    TooLong(&'static str),
    /// `time` is not an instant we can use.
    #[error("`time` is `{0}`: write RFC 3339 with an offset, 1970 to 2099, such as 2026-03-01T08:00:00Z")]
    BadTime(String),
    /// A column of a foreign log could not be read.
    #[error("column `{column}` is `{text}`: {expected}")]
    BadColumn {
        /// The column's name in the file.
        column: String,
        /// What stands there.
        text: String,
        /// What the mapping expects there.
        expected: String,
    },
    /// The event lies further ahead than the record can know.
    #[error("lies in the future: {time} is after {bound}")]
    Future {
        /// The event's time.
        time: Time,
        /// When the record was appended, plus the tolerated skew.
        bound: Time,
    },
    /// The event comes later than the horizon allows.
    #[error("too late: {time} is before {bound}, the horizon behind the log time")]
    TooLate {
        /// The event's time.
        time: Time,
        /// The log time less the horizon.
        bound: Time,
    },
    /// A case may keep only so many events.
    #[error("case is full: it already keeps {0} events")]
    CaseFull(usize),
    /// A `clock.advance` event where the clock is not the log's.
    #[error("`clock.advance` is accepted in replay and tests only")]
    ClockAdvance,
    /// The input ended in the middle of a compressed stream.
    #[error("truncated: {0}")]
    Truncated(String),
}

impl Reason {
    /// All that [`Reason::code`] may answer.
    pub const CODES: [&'static str; 14] = [
        "malformed",
        "invalid_utf8",
        "too_large",
        "too_deep",
        "too_many_attributes",
        "missing_field",
        "too_long",
        "bad_time",
        "bad_column",
        "future",
        "too_late",
        "case_full",
        "clock_advance",
        "truncated",
    ];

    /// A stable word for counting.
    pub fn code(&self) -> &'static str {
        match self {
            Reason::Malformed(_) => "malformed",
            Reason::InvalidUtf8(_) => "invalid_utf8",
            Reason::TooLarge(_) => "too_large",
            Reason::TooDeep => "too_deep",
            Reason::TooManyAttributes => "too_many_attributes",
            Reason::MissingField(_) => "missing_field",
            Reason::TooLong(_) => "too_long",
            Reason::BadTime(_) => "bad_time",
            Reason::BadColumn { .. } => "bad_column",
            Reason::Future { .. } => "future",
            Reason::TooLate { .. } => "too_late",
            Reason::CaseFull(_) => "case_full",
            Reason::ClockAdvance => "clock_advance",
            Reason::Truncated(_) => "truncated",
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_reason_has_a_code_that_is_listed() {
        let time = Time::from_millis(0);
        let text = String::new;
        let reasons = [
            Reason::Malformed(text()),
            Reason::InvalidUtf8(0),
            Reason::TooLarge(0),
            Reason::TooDeep,
            Reason::TooManyAttributes,
            Reason::MissingField(""),
            Reason::TooLong(""),
            Reason::BadTime(text()),
            Reason::BadColumn { column: text(), text: text(), expected: text() },
            Reason::Future { time, bound: time },
            Reason::TooLate { time, bound: time },
            Reason::CaseFull(0),
            Reason::ClockAdvance,
            Reason::Truncated(text()),
        ];
        let codes: BTreeSet<&str> = reasons.iter().map(Reason::code).collect();
        assert_eq!(codes, BTreeSet::from(Reason::CODES));
    }
}
