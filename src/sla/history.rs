//! What has happened in this case? A short list of facts in order, packed into bytes.
//!
//! Millions of open cases keep their events here, so a fact costs about as much as its id and its attributes: times
//! are differences, numbers are as short as they can be, and a source is written only where it changes.
//!
//! ```text
//!   fact   length of the rest │ source, empty: as before │ id │ time since the fact before │ type │ conditions │
//!          number of attributes │ (slot, value)*
//! ```
//!
//! What a fact is comes first and its length before it, so that a duplicate is looked for without reading the rest.

use std::cmp::Ordering;

use super::policy::{Matched, Values};
use crate::time::Time;

/// A case keeps at most this many events.
pub const FACTS_MAX: usize = 1_000;

/// An event as the clocks see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fact<'a> {
    /// When it happened.
    pub time: Time,
    /// Who says so.
    pub source: &'a str,
    /// Its id within the source.
    pub id: &'a str,
    /// What it means to the policy.
    pub matched: Matched,
}

impl Fact<'_> {
    /// The order in which facts are folded; what they do at one instant is ordered by the fold.
    pub fn order(&self, other: &Fact<'_>) -> Ordering {
        (self.time, self.source, self.id).cmp(&(other.time, other.source, other.id))
    }

    /// Whether it is the same event, delivered twice.
    pub fn same(&self, other: &Fact<'_>) -> bool {
        self.id == other.id && self.source == other.source
    }
}

/// The facts of a case, in order, packed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct History {
    bytes: Vec<u8>,
    count: u16,
    /// Where the last written source starts in `bytes`, behind its length.
    source_at: u32,
    source_len: u16,
    last: Option<Time>,
}

impl History {
    /// The facts, oldest first.
    pub fn facts(&self) -> Facts<'_> {
        Facts { reader: Reader { bytes: &self.bytes }, time: 0, source: "", left: self.count }
    }

    /// The time of the latest fact.
    pub fn last(&self) -> Option<Time> {
        self.last
    }

    /// How many facts there are.
    pub fn len(&self) -> usize {
        usize::from(self.count)
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Bytes in use on the heap.
    pub fn heap_bytes(&self) -> usize {
        self.bytes.capacity()
    }

    /// The packed form, for stored state.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Reads the packed form back. `None` if the bytes are not a history.
    pub fn from_bytes(bytes: Vec<u8>, count: u16) -> Option<History> {
        let facts = History { bytes, count, ..History::default() };
        let mut read = facts.facts();
        let mut again = History { bytes: Vec::with_capacity(facts.bytes.len()), ..History::default() };
        for _ in 0..count {
            again.push(&read.next_checked()?);
        }
        // Those that were read take no more room than they need.
        (again.bytes == facts.bytes).then_some(History { bytes: facts.bytes, ..again })
    }

    /// Adds a fact that comes after all others.
    pub fn push(&mut self, fact: &Fact<'_>) {
        debug_assert!(
            self.last.is_none_or(|last| last <= fact.time),
            "a fact was pushed out of order: {fact:?}"
        );
        let before = self.last.map_or(0, Time::millis);
        let at = self.bytes.len();
        // About as much as follows, so that it grows once, and no more: most cases get few events.
        self.bytes.reserve_exact(fact.source.len() + fact.id.len() + 14 + 2 * fact.matched.values.len());
        // One byte is enough for the length of nearly every fact.
        self.bytes.push(0);
        self.push_source(fact.source);
        write(&mut self.bytes, fact.id.len() as u64);
        self.bytes.extend_from_slice(fact.id.as_bytes());
        write_signed(&mut self.bytes, fact.time.millis() - before);
        write(&mut self.bytes, u64::from(fact.matched.kind));
        write(&mut self.bytes, fact.matched.conditions);
        self.bytes.push(fact.matched.values.len() as u8);
        for (slot, value) in &fact.matched.values {
            self.bytes.push(*slot);
            write(&mut self.bytes, *value);
        }
        self.put_length(at);
        self.count += 1;
        self.last = Some(fact.time);
    }

    /// Writes the length of what follows `at` into the place that was kept for it.
    fn put_length(&mut self, at: usize) {
        let len = self.bytes.len() - at - 1;
        if len < 0x80 {
            self.bytes[at] = len as u8;
            return;
        }
        let mut length = Vec::new();
        write(&mut length, len as u64);
        if self.source_at as usize > at {
            self.source_at += length.len() as u32 - 1;
        }
        self.bytes.splice(at..=at, length);
    }

    fn push_source(&mut self, source: &str) {
        let from = self.source_at as usize;
        let same = self.bytes.get(from..from + usize::from(self.source_len)) == Some(source.as_bytes());
        if same && self.count > 0 {
            write(&mut self.bytes, 0);
        } else {
            write(&mut self.bytes, source.len() as u64);
            self.source_at = self.bytes.len() as u32;
            self.source_len = source.len() as u16;
            self.bytes.extend_from_slice(source.as_bytes());
        }
    }

    /// Adds a fact that comes before others: the history is written anew.
    pub fn insert(&mut self, fact: &Fact<'_>) {
        let mut again = History { bytes: Vec::with_capacity(self.bytes.len() + 64), ..History::default() };
        let mut waiting = Some(fact);
        for known in self.facts() {
            if let Some(fact) = waiting.take_if(|fact| fact.order(&known) == Ordering::Less) {
                again.push(fact);
            }
            again.push(&known);
        }
        if let Some(fact) = waiting {
            again.push(fact);
        }
        *self = again;
    }

    /// Whether this very event is kept already.
    pub fn contains(&self, source: &str, id: &str) -> bool {
        self.names().any(|known| known == (source, id))
    }

    /// Source and id of each fact, oldest first.
    pub fn names(&self) -> impl Iterator<Item = (&str, &str)> {
        let (mut reader, mut source) = (Reader { bytes: &self.bytes }, "");
        (0..self.count).map(move |_| {
            let mut fact = reader.fact().expect(OURS);
            match fact.text().expect(OURS) {
                "" => {}
                named => source = named,
            }
            (source, fact.text().expect(OURS))
        })
    }
}

/// What an `expect` in this file says.
const OURS: &str = "only `push` writes these bytes, and stored ones were checked when loaded";

/// The facts of a history, oldest first.
pub struct Facts<'a> {
    reader: Reader<'a>,
    time: i64,
    source: &'a str,
    left: u16,
}

impl<'a> Facts<'a> {
    fn next_checked(&mut self) -> Option<Fact<'a>> {
        let mut fact = self.reader.fact()?;
        match fact.text()? {
            "" => {}
            source => self.source = source,
        }
        let id = fact.text()?;
        self.time = self.time.checked_add(fact.signed()?)?;
        let kind = u16::try_from(fact.number()?).ok()?;
        let conditions = fact.number()?;
        let count = fact.byte()?;
        let mut values = Values::new();
        for _ in 0..count {
            values.push((fact.byte()?, fact.number()?));
        }
        let matched = Matched { kind, conditions, values };
        Some(Fact { time: Time::from_millis(self.time), source: self.source, id, matched })
    }
}

impl<'a> Iterator for Facts<'a> {
    type Item = Fact<'a>;

    fn next(&mut self) -> Option<Fact<'a>> {
        self.left = self.left.checked_sub(1)?;
        Some(self.next_checked().expect(OURS))
    }
}

struct Reader<'a> {
    bytes: &'a [u8],
}

impl<'a> Reader<'a> {
    /// The bytes of the next fact.
    fn fact(&mut self) -> Option<Reader<'a>> {
        let len = usize::try_from(self.number()?).ok()?;
        let (fact, rest) = self.bytes.split_at_checked(len)?;
        self.bytes = rest;
        Some(Reader { bytes: fact })
    }

    #[inline]
    fn byte(&mut self) -> Option<u8> {
        let (first, rest) = self.bytes.split_first()?;
        self.bytes = rest;
        Some(*first)
    }

    #[inline]
    fn number(&mut self) -> Option<u64> {
        // Most numbers take one byte.
        if let Some((first, rest)) = self.bytes.split_first().filter(|(first, _)| **first < 0x80) {
            self.bytes = rest;
            return Some(u64::from(*first));
        }
        let mut number = 0u64;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            number |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Some(number);
            }
        }
        None
    }

    fn signed(&mut self) -> Option<i64> {
        let number = self.number()?;
        Some((number >> 1) as i64 ^ -((number & 1) as i64))
    }

    fn text(&mut self) -> Option<&'a str> {
        let len = usize::try_from(self.number()?).ok()?;
        let (text, rest) = self.bytes.split_at_checked(len)?;
        self.bytes = rest;
        std::str::from_utf8(text).ok()
    }
}

/// Seven bits a byte, least significant first (LEB128).
fn write(bytes: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        bytes.push(number as u8 | 0x80);
        number >>= 7;
    }
    bytes.push(number as u8);
}

/// Signed numbers with the sign in the lowest bit, so that small ones stay short.
fn write_signed(bytes: &mut Vec<u8>, number: i64) {
    write(bytes, ((number << 1) ^ (number >> 63)) as u64);
}
