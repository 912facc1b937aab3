//! What does a message of Kafka's say? The record in it, wherever its parts lie.

use std::borrow::Cow;
use std::sync::Arc;

use super::{Item, Record};
use crate::event::decode::{binary, decode};
use crate::event::{Event, Value};
use crate::kafka::Message;
use crate::time::Time;

/// The header by which CloudEvents' binary mode is known.
const BINARY: &str = "ce_specversion";

/// The record in a message. `place` is its topic and partition.
pub fn record<'a>(message: &'a Message, log: u32, place: &'a Arc<str>) -> Record<'a> {
    let headers = message.headers();
    let decoded = if headers.iter().any(|(name, _)| *name == BINARY) {
        binary(&headers, message.payload())
    } else {
        decode(message.payload())
    };
    // A record without a time of its own sets no bound to the future.
    let appended = message.timestamp_ms().map_or(Time::MAX, Time::from_millis);
    Record {
        log,
        offset: message.offset(),
        appended,
        place,
        number: message.offset(),
        item: match decoded {
            Ok(event) => Item::Event(event),
            Err(reason) => Item::Reject(reason),
        },
    }
}

/// Replaces ids of persons by keyed hashes: the same one for the same key, and nothing to be read back from it.
#[derive(Clone)]
pub struct Pseudonyms {
    key: [u8; 32],
    subjects: bool,
    attributes: Vec<String>,
}

impl Pseudonyms {
    /// Replaces subjects, if asked for, and these attributes.
    pub fn new(key: [u8; 32], subjects: bool, attributes: Vec<String>) -> Pseudonyms {
        Pseudonyms { key, subjects, attributes }
    }

    /// Replaces what identifies a person in an event.
    pub fn hide(&self, event: &mut Event<'_>) {
        if self.subjects {
            event.subject = Cow::Owned(self.pseudonym(&event.subject));
        }
        event.attributes.replace(|name, value: &Value<'_>| {
            self.attributes.iter().any(|hidden| hidden == name).then(|| self.pseudonym(&value.text()))
        });
    }

    /// The pseudonym of an id: 128 bits of its keyed hash, as 32 hexadecimal digits.
    pub fn pseudonym(&self, id: &str) -> String {
        let hash = blake3::keyed_hash(&self.key, id.as_bytes());
        hash.to_hex()[..32].to_owned()
    }
}

impl std::fmt::Debug for Pseudonyms {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Pseudonyms")
            .field("subjects", &self.subjects)
            .field("attributes", &self.attributes)
            .finish()
    }
}
