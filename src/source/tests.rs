//! Every door passes these: order, offsets, clocks, assignment from any offset, fairness among logs.

use std::fmt::Write as _;
use std::sync::atomic::AtomicBool;

use super::file::Spool;
use super::memory::Memory;
use super::partition::partition;
use super::replay::{Input, Options, Order, prepare};
use super::{Item, Source, SourceError};
use crate::time::{Span, Time};

const LOGS: u32 = 3;
const EVENTS: u64 = 500;
const TICK: Span = Span::from_minutes(5);

fn as_of() -> Time {
    Time::parse("2026-04-01T00:00:00Z").expect("valid")
}

/// The n-th event: every 70 seconds one, of one of 40 subjects.
fn event(n: u64) -> (Time, String, String) {
    let time = Time::parse("2026-03-01T08:00:30Z").expect("valid") + Span::from_seconds(70 * n as i64);
    let subject = format!("T-{}", n.wrapping_mul(7_919) % 40);
    let text = format!(
        r#"{{"id":"e-{n}","source":"/t","type":"ticket.opened","subject":"{subject}","time":"{time}","n":{n}}}"#
    );
    (time, subject, text)
}

/// What each log holds: `offset id` for events, `offset ~time` for clocks.
fn expected() -> Vec<Vec<String>> {
    let mut logs = vec![Vec::new(); LOGS as usize];
    let mut offsets = [0_u64; LOGS as usize];
    let (mut last, mut tick) = (Time::MIN, None);
    for (time, subject, n) in (0..EVENTS).map(|n| (event(n).0, event(n).1, n)) {
        let crossed = time.floor(TICK);
        if tick.replace(crossed).is_some_and(|tick| tick < crossed) {
            logs.iter_mut().zip(offsets).for_each(|(log, offset)| log.push(format!("{offset} ~{crossed}")));
        }
        let log = partition(subject.as_bytes(), LOGS) as usize;
        logs[log].push(format!("{} e-{n}", offsets[log]));
        offsets[log] += 1;
        last = time;
    }
    logs.iter_mut().zip(offsets).for_each(|(log, offset)| log.push(format!("{offset} ~{last}")));
    logs
}

fn memory() -> Memory {
    let memory = Memory::new(LOGS);
    let mut tick = None;
    for n in 0..EVENTS {
        let (time, subject, text) = event(n);
        let crossed = time.floor(TICK);
        if tick.replace(crossed).is_some_and(|tick| tick < crossed) {
            (0..LOGS).for_each(|log| memory.advance(log, crossed));
        }
        memory.append(partition(subject.as_bytes(), LOGS), text.as_bytes(), as_of());
    }
    (0..LOGS).for_each(|log| memory.advance(log, event(EVENTS - 1).0));
    memory
}

fn spool(memory_bytes: usize) -> Spool {
    let mut file = tempfile::NamedTempFile::new().expect("a file");
    let text: String = (0..EVENTS).rev().fold(String::new(), |mut text, n| {
        writeln!(text, "{}", event(n).2).expect("fits");
        text
    });
    std::io::Write::write_all(&mut file, text.as_bytes()).expect("written");
    let options = Options {
        order: Order::Time,
        partitions: LOGS,
        as_of: as_of(),
        max_skew: Span::ZERO,
        tick: TICK,
        memory_bytes,
        threads: 2,
        rejects_max: 10,
    };
    let inputs = [Input { path: file.path().into(), mapping: None }];
    prepare(&inputs, &options, &mut |_| (), &AtomicBool::new(false)).expect("readable").spool
}

/// Runs a test against every door: a new handle each time it asks.
fn each(test: impl Fn(&str, &mut dyn FnMut() -> Box<dyn Source>)) {
    let (in_memory, small, large) = (memory(), spool(0), spool(1 << 30));
    test("memory", &mut || Box::new(in_memory.clone()));
    test("files, all spilled", &mut || Box::new(small.clone()));
    test("files, all in memory", &mut || Box::new(large.clone()));
}

/// Polls until nothing is there and returns what each log said.
fn drain(source: &mut dyn Source, max: usize) -> Vec<Vec<String>> {
    let mut logs = vec![Vec::new(); LOGS as usize];
    loop {
        let mut visited = 0;
        let told = source.poll(max, &mut |record| {
            visited += 1;
            let text = match &record.item {
                Item::Event(event) => format!("{} {}", record.offset, event.id),
                Item::Reject(reason) => format!("{} !{}", record.offset, reason.code()),
                Item::Clock(time) => format!("{} ~{time}", record.offset),
            };
            logs[record.log as usize].push(text);
        });
        assert_eq!(told.expect("readable"), visited);
        assert!(visited <= max);
        if visited == 0 {
            return logs;
        }
    }
}

#[test]
fn each_log_comes_in_order_whatever_the_batch() {
    each(|door, open| {
        for max in [1, 7, 10_000] {
            let mut source = open();
            (0..LOGS).for_each(|log| source.assign(log, 0).expect("exists"));
            assert_eq!(drain(&mut *source, max), expected(), "{door}, {max} at a time");
        }
    });
}

#[test]
fn a_log_is_delivered_from_any_offset_on_with_the_clocks_that_follow() {
    each(|door, open| {
        let mut source = open();
        for next_offset in 0..=100 {
            source.assign(1, next_offset).expect("exists");
            let from = format!("{next_offset} ");
            let all = &expected()[1];
            let start = all.iter().position(|record| record.starts_with(&from)).expect("a record or a clock");
            assert_eq!(drain(&mut *source, 64)[1], all[start..], "{door} from {next_offset} on");
        }
    });
}

#[test]
fn a_revoked_log_says_nothing_and_the_others_go_on() {
    each(|door, open| {
        let mut source = open();
        source.assign(0, 0).expect("exists");
        source.assign(2, 0).expect("exists");
        source.poll(10, &mut |_| ()).expect("readable");
        source.revoke(0);
        source.revoke(1);
        let rest = drain(&mut *source, 10);
        assert!(rest[0].is_empty() && rest[1].is_empty(), "{door}");
        assert_eq!(rest[2].last(), expected()[2].last(), "{door}");
        source.assign(0, 0).expect("exists");
        assert_eq!(drain(&mut *source, 10)[0], expected()[0], "{door}: assigned again it starts again");
    });
}

#[test]
fn no_log_waits_for_another() {
    each(|door, open| {
        let mut source = open();
        (0..LOGS).for_each(|log| source.assign(log, 0).expect("exists"));
        let mut heard = std::collections::BTreeSet::new();
        for _ in 0..LOGS {
            source.poll(5, &mut |record| heard.extend([record.log])).expect("readable");
        }
        assert_eq!(heard.len(), LOGS as usize, "{door}");
    });
}

#[test]
fn what_does_not_exist_is_refused() {
    each(|door, open| {
        let mut source = open();
        assert!(matches!(source.assign(LOGS, 0), Err(SourceError::NoSuchLog { .. })), "{door}");
        assert!(matches!(source.assign(0, EVENTS), Err(SourceError::BeyondEnd { .. })), "{door}");
        assert_eq!(source.poll(9, &mut |_| ()).expect("readable"), 0, "{door}: nothing is assigned");
    });
}

#[test]
fn records_carry_where_and_when_they_were_read() {
    let mut source = spool(1 << 30);
    source.assign(partition(b"T-0", LOGS), 0).expect("exists");
    let mut lines = Vec::new();
    let mut visit = |record: super::Record<'_>| {
        assert_eq!(record.appended, as_of());
        if let Item::Event(event) = record.item {
            lines.push((event.attributes.get("n").and_then(crate::event::Value::number), record.number));
        }
    };
    source.poll(usize::MAX, &mut visit).expect("readable");
    // The file was written last event first.
    assert!(lines.iter().all(|(n, line)| *n == Some((EVENTS - line) as f64)), "{lines:?}");
}

#[test]
fn a_record_in_memory_that_cannot_be_read_keeps_its_offset() {
    let mut memory = Memory::new(1);
    memory.append(0, b"{", as_of());
    memory.append(0, event(1).2.as_bytes(), as_of());
    memory.assign(0, 0).expect("exists");
    assert_eq!(drain(&mut memory, 10), [vec!["0 !malformed", "1 e-1"], vec![], vec![]]);
    memory.append(0, event(2).2.as_bytes(), as_of());
    assert_eq!(drain(&mut memory, 10)[0], ["2 e-2"], "a log grows");
}
