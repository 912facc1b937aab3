//! Foreign logs through their mappings: the real logs, the examples of the documentation, and a generated log.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use crate::judged::data;
use watchbell::source::mapping::Mapping;
use watchbell::source::replay::{Input, Options, Order, Prepared, prepare};
use watchbell::source::{Item, Source};
use watchbell::time::{Span, Time};

mod documented;
mod generated;
mod language;
mod real;

/// An event as a test sees it.
#[derive(Clone, Debug, PartialEq)]
struct Seen {
    time: Time,
    kind: String,
    subject: String,
    id: String,
    attributes: BTreeMap<String, String>,
}

impl Seen {
    fn get(&self, attribute: &str) -> Option<&str> {
        self.attributes.get(attribute).map(String::as_str)
    }
}

fn mapping(name: &str) -> Arc<Mapping> {
    Arc::new(watchbell::config::mapping::load(name).expect("a mapping that comes with the program"))
}

fn prepared(mapping: &Arc<Mapping>, files: &[&Path]) -> Prepared {
    let options = Options {
        order: Order::Time,
        partitions: 4,
        as_of: Time::parse("2026-03-01T00:00:00Z").expect("valid"),
        max_skew: Span::from_minutes(5),
        tick: Span::from_minutes(5),
        memory_bytes: 64 << 20,
        threads: 2,
        rejects_max: 100,
    };
    let input = |path: &&Path| Input { path: path.to_path_buf(), mapping: Some(mapping.clone()) };
    let inputs: Vec<Input> = files.iter().map(input).collect();
    prepare(&inputs, &options, &mut |_| (), &AtomicBool::new(false)).expect("readable")
}

/// All events in the order of their time, then id; what was delivered twice stands there once.
fn events(prepared: &Prepared) -> Vec<Seen> {
    let mut spool = prepared.spool.clone();
    (0..spool.logs()).for_each(|log| spool.assign(log, 0).expect("exists"));
    let mut seen = Vec::new();
    let mut visit = |record: watchbell::source::Record<'_>| {
        let Item::Event(event) = record.item else { return };
        seen.push(Seen {
            time: event.time,
            kind: event.kind.into_owned(),
            subject: event.subject.into_owned(),
            id: event.id.into_owned(),
            attributes: event
                .attributes
                .iter()
                .map(|(name, value)| (name.into(), value.text().into()))
                .collect(),
        });
    };
    while spool.poll(1_000, &mut visit).expect("readable") > 0 {}
    seen.sort_by(|a, b| (a.time, &a.id).cmp(&(b.time, &b.id)));
    seen
}

/// A file that is removed after the test.
fn file(text: &str) -> tempfile::NamedTempFile {
    let mut file = tempfile::NamedTempFile::new().expect("a file");
    file.write_all(text.as_bytes()).expect("written");
    file
}

/// The events of a text, of which nothing may be rejected.
fn read(mapping: &Arc<Mapping>, text: &str) -> Vec<Seen> {
    let file = file(text);
    let prepared = prepared(mapping, &[file.path()]);
    assert!(prepared.rejects.is_empty(), "{:?}", prepared.rejects);
    events(&prepared)
}

fn count(events: &[Seen], kind: &str) -> usize {
    events.iter().filter(|event| event.kind == kind).count()
}
