//! One set of tests for every sink that can be read again.

use super::file::Journal;
use super::memory::Memory;
use super::{CutRecord, Sink, Transaction};
use crate::alert::{About, Action, Alert, AlertId, Change, Promise, Record, StartEvent, Status};
use crate::names::Severity;
use crate::time::Time;
use crate::window::{Cell, Stamp};

fn transaction(log: u32, seq: u64, alerts: u64) -> Transaction {
    let stamp = Stamp { next_offset: seq * 10, clock: Time::from_millis(seq as i64) };
    let cut = CutRecord {
        next_offset: stamp.next_offset,
        clock: stamp.clock,
        seq,
        policy_hash: 7,
        owner: "a".into(),
        checkpoint: 0,
    };
    let alerts = (0..alerts).map(|n| Record::new(change(log, seq, n), log, stamp)).collect();
    Transaction { log, cut, alerts, partial: None }
}

pub(super) fn change(log: u32, seq: u64, n: u64) -> Change {
    let subject = format!("T-{log}-{seq}-{n}");
    let id = AlertId::of(&[subject.as_bytes()]);
    let unknown = || "unknown".into();
    let promise = Promise {
        commitment: "answer".into(),
        title: Default::default(),
        subject: subject.as_str().into(),
        start_event: StartEvent { source: "s".into(), id: "e".into() },
        threshold: 1.0,
        offset_seconds: None,
        severity: Severity::Critical,
        owner: "desk".into(),
        started: Time::MIN,
        due: Some(Time::from_millis(5_000)),
        stopped: None,
        late_seconds: None,
        cell: Cell { product: unknown(), region: unknown(), channel: unknown(), category: unknown() },
    };
    Change {
        action: Action::Raised,
        alert: Alert { id, status: Status::Open, about: About::Breach(promise.into()) },
    }
}

fn subjects(sink: &mut dyn Sink, log: u32, from: u64) -> (Vec<String>, u64) {
    let mut subjects = Vec::new();
    let end = sink.alerts(log, from, &mut |record| {
        if let About::Breach(promise) = &record.change.alert.about {
            subjects.push(promise.subject.to_string());
        }
    });
    (subjects, end.expect("readable"))
}

fn check(sink: &mut dyn Sink) {
    assert_eq!(sink.cut(0).expect("readable"), None);
    for transaction in
        [transaction(0, 1, 2), transaction(1, 1, 1), transaction(0, 2, 0), transaction(0, 3, 1)]
    {
        sink.commit(transaction).expect("writable");
    }
    assert_eq!(sink.cut(0).expect("readable"), Some(transaction(0, 3, 0).cut));
    assert_eq!(sink.cut(1).expect("readable").map(|cut| cut.seq), Some(1));
    assert_eq!(subjects(sink, 0, 1), (vec!["T-0-1-1".into(), "T-0-3-0".into()], 3));
    assert_eq!(subjects(sink, 2, 0), (vec![], 0));
}

#[test]
fn the_memory_sink_keeps_whole_transactions() {
    check(&mut Memory::default());
}

#[test]
fn the_file_sink_keeps_whole_transactions() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    check(&mut Journal::new(directory.path()).expect("writable"));
    let mut again = Journal::new(directory.path()).expect("writable");
    assert_eq!(subjects(&mut again, 0, 0).1, 3, "what was written is there for the next process");
}

#[test]
fn a_torn_line_is_a_transaction_that_was_never_written() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let mut sink = Journal::new(directory.path()).expect("writable");
    sink.commit(transaction(0, 1, 1)).expect("writable");
    let path = directory.path().join("log-0.ndjson");
    let whole = std::fs::read(&path).expect("readable");
    for torn in 1..whole.len() {
        std::fs::write(&path, [&whole[..], &whole[..torn]].concat()).expect("writable");
        let mut again = Journal::new(directory.path()).expect("writable");
        assert_eq!(again.cut(0).expect("readable").map(|cut| cut.seq), Some(1));
        again.commit(transaction(0, 2, 0)).expect("writable");
        assert_eq!(again.cut(0).expect("readable").map(|cut| cut.seq), Some(2), "torn at {torn}");
    }
}
