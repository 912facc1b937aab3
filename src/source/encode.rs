//! How does an event lie in memory while it waits? Compact bytes that are read back without an allocation per text.
//!
//! ```text
//!   event   time: 8 bytes │ length of all text │ all text │ lengths of id, source, type, subject │
//!           number of attributes │ (length of the name, tag, value or its length)*
//!   cells   number of cells │ (0 = missing, else length + 1)* │ all text
//! ```
//!
//! All text lies together so that it is checked to be UTF-8 once per event. Lengths are LEB128. These bytes never
//! leave the process: there is no version, and reading what was not written here is a fault of this program.

use std::borrow::Cow;

use crate::event::{Attributes, Event, Value};
use crate::time::Time;

const TEXT: u8 = 0;
const INTEGER: u8 = 1;
const FLOAT: u8 = 2;
const FALSE: u8 = 3;
const TRUE: u8 = 4;

/// What an `expect` in this file says: only this file writes what it reads.
const OURS: &str = "bytes were written by the encoder";

/// Appends an event.
pub(super) fn put_event(event: &Event<'_>, out: &mut Vec<u8>) {
    out.extend_from_slice(&event.time.millis().to_le_bytes());
    let names = [&event.id, &event.source, &event.kind, &event.subject];
    let mut length: usize = names.iter().map(|name| name.len()).sum();
    for (name, value) in &event.attributes.0 {
        length += name.len() + if let Value::Text(text) = value { text.len() } else { 0 };
    }
    put_number(length as u64, out);
    names.iter().for_each(|name| out.extend_from_slice(name.as_bytes()));
    for (name, value) in &event.attributes.0 {
        out.extend_from_slice(name.as_bytes());
        if let Value::Text(text) = value {
            out.extend_from_slice(text.as_bytes());
        }
    }
    names.iter().for_each(|name| put_number(name.len() as u64, out));
    put_number(event.attributes.0.len() as u64, out);
    for (name, value) in &event.attributes.0 {
        put_number(name.len() as u64, out);
        put_value(value, out);
    }
}

fn put_value(value: &Value<'_>, out: &mut Vec<u8>) {
    match value {
        Value::Text(text) => {
            out.push(TEXT);
            put_number(text.len() as u64, out);
        }
        Value::Integer(number) => {
            out.push(INTEGER);
            out.extend_from_slice(&number.to_le_bytes());
        }
        Value::Float(number) => {
            out.push(FLOAT);
            out.extend_from_slice(&number.to_le_bytes());
        }
        Value::Bool(false) => out.push(FALSE),
        Value::Bool(true) => out.push(TRUE),
    }
}

/// The time of an event that [`put_event`] wrote.
pub(super) fn time_of(bytes: &[u8]) -> Time {
    let (time, _) = bytes.split_first_chunk::<8>().expect(OURS);
    Time::from_millis(i64::from_le_bytes(*time))
}

/// Reads an event back; its texts are borrowed.
pub(super) fn get_event(bytes: &[u8]) -> Event<'_> {
    let (time, mut rest) = (time_of(bytes), &bytes[8..]);
    let length = get_number(&mut rest) as usize;
    let (text, mut rest) = rest.split_at(length);
    let mut text = std::str::from_utf8(text).expect(OURS);
    let mut take = |length: u64| {
        let (taken, left) = text.split_at(length as usize);
        text = left;
        Cow::Borrowed(taken)
    };
    let id = take(get_number(&mut rest));
    let source = take(get_number(&mut rest));
    let kind = take(get_number(&mut rest));
    let subject = take(get_number(&mut rest));
    let mut attributes = Attributes::default();
    for _ in 0..get_number(&mut rest) {
        let name = take(get_number(&mut rest));
        let (tag, after) = rest.split_first().expect(OURS);
        rest = after;
        let value = match *tag {
            TEXT => Value::Text(take(get_number(&mut rest))),
            INTEGER => Value::Integer(i64::from_le_bytes(eight(&mut rest))),
            FLOAT => Value::Float(f64::from_le_bytes(eight(&mut rest))),
            tag => Value::Bool(tag == TRUE),
        };
        attributes.push(name, value);
    }
    Event { id, source, kind, subject, time, attributes }
}

/// Appends the cells of a row.
pub(super) fn put_cells(cells: &[Option<&str>], out: &mut Vec<u8>) {
    put_number(cells.len() as u64, out);
    cells.iter().for_each(|cell| put_number(cell.map_or(0, |text| text.len() as u64 + 1), out));
    cells.iter().flatten().for_each(|text| out.extend_from_slice(text.as_bytes()));
}

/// Reads the cells of a row back.
pub(super) fn get_cells(bytes: &[u8]) -> Vec<Option<&str>> {
    let mut rest = bytes;
    let number = get_number(&mut rest);
    let lengths: Vec<u64> = (0..number).map(|_| get_number(&mut rest)).collect();
    let mut text = std::str::from_utf8(rest).expect(OURS);
    let cell = |length: &u64| {
        let (taken, left) = text.split_at(length.checked_sub(1)? as usize);
        text = left;
        Some(taken)
    };
    lengths.iter().map(cell).collect()
}

/// Appends a number: seven bits a byte, the lowest first.
pub(super) fn put_number(mut number: u64, out: &mut Vec<u8>) {
    while number >= 0x80 {
        out.push(number as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

/// Reads a number and moves on.
pub(super) fn get_number(bytes: &mut &[u8]) -> u64 {
    let (mut number, mut shift) = (0, 0);
    loop {
        let (byte, rest) = bytes.split_first().expect(OURS);
        *bytes = rest;
        number |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return number;
        }
        shift += 7;
    }
}

/// Reads eight bytes and moves on.
pub(super) fn eight(bytes: &mut &[u8]) -> [u8; 8] {
    let (eight, rest) = bytes.split_first_chunk::<8>().expect(OURS);
    *bytes = rest;
    *eight
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_come_back_as_they_were() {
        let text = r#"{"id":"1","source":"/台","type":"ticket.opened","subject":"工单-1","time":"2026-03-01T08:00:00Z",
            "s":"值","e":"","i":-9223372036854775808,"f":-1.5,"t":true,"n":false,"d":{"x":1}}"#;
        let mut bytes = Vec::new();
        let event = crate::event::decode(text.as_bytes()).expect("valid");
        put_event(&event, &mut bytes);
        assert_eq!(get_event(&bytes), event);
        assert_eq!(time_of(&bytes), event.time);
    }

    #[test]
    fn cells_come_back_as_they_were() {
        let cells = [Some("a"), None, Some(""), Some("数")];
        let mut bytes = Vec::new();
        put_cells(&cells, &mut bytes);
        assert_eq!(get_cells(&bytes), cells);
    }

    #[test]
    fn numbers_come_back_as_they_were() {
        for number in [0, 1, 127, 128, 300, 1 << 32, u64::MAX] {
            let mut bytes = Vec::new();
            put_number(number, &mut bytes);
            assert_eq!(get_number(&mut bytes.as_slice()), number);
        }
    }
}
