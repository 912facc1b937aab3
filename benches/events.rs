//! Decoding, applying, folding again: what one event costs, and what one open case takes.

#![expect(clippy::disallowed_methods, reason = "a benchmark reads the clock")]

use std::hint::black_box;
use std::sync::Arc;
use std::time::Instant;

use criterion::{Criterion, Throughput};
use watchbell::config;
use watchbell::event::{Event, decode};
use watchbell::shard::{Options, Shard};
use watchbell::sla::policy::Policy;
use watchbell::source::desk;
use watchbell::time::{Span, Time};

/// A week of a service desk, as lines.
fn lines() -> Vec<String> {
    let start = Time::parse("2025-09-22T00:00:00+08:00").expect("an instant");
    let options = desk::Options { seed: 7, start, days: 7, per_hour: 150.0, incident: true, rise_hours: 0 };
    desk::events(&options).iter().map(desk::json).collect()
}

fn policy() -> Arc<Policy> {
    Arc::new(config::load_policy(None).expect("the shipped policy is valid"))
}

fn shard(policy: &Arc<Policy>) -> Shard {
    Shard::new(policy.clone(), Options { log_clock: true, ..Options::default() }, 0)
}

/// Decoding alone.
pub fn decoding(criterion: &mut Criterion) {
    let lines = lines();
    let bytes: usize = lines.iter().map(String::len).sum();
    let subjects: usize =
        lines.iter().map(|line| decode(line.as_bytes()).expect("valid").subject.len()).sum();
    let mut group = criterion.benchmark_group("event");
    group.throughput(Throughput::Elements(lines.len() as u64)).sample_size(20);
    group.bench_function(format!("decode/{}_bytes", bytes / lines.len()), |bencher| {
        bencher.iter(|| {
            let read: usize = lines
                .iter()
                .map(|line| decode(black_box(line.as_bytes())).expect("valid").subject.len())
                .sum();
            assert_eq!(read, subjects);
        });
    });
    group.finish();
}

/// Applying decoded events in order, and folding a case again for an event that comes late.
pub fn applying(criterion: &mut Criterion) {
    let (lines, policy) = (lines(), policy());
    let events: Vec<Event<'_>> = lines.iter().map(|line| decode(line.as_bytes()).expect("valid")).collect();
    let mut group = criterion.benchmark_group("shard");
    group.throughput(Throughput::Elements(events.len() as u64)).sample_size(20);
    let cases = apply(&policy, &events).cases();
    group.bench_function("apply/in_order", |bencher| {
        bencher.iter(|| assert_eq!(apply(&policy, black_box(&events)).cases(), cases));
    });
    let backwards = backwards();
    let late: Vec<Event<'_>> = backwards.iter().map(|line| decode(line.as_bytes()).expect("valid")).collect();
    group.throughput(Throughput::Elements(late.len() as u64));
    group.bench_function("apply/late_refold_of_8", |bencher| {
        bencher.iter(|| assert_eq!(apply(&policy, black_box(&late)).cases(), late.len() / 8));
    });
    group.finish();
}

fn apply(policy: &Arc<Policy>, events: &[Event<'_>]) -> Shard {
    let mut shard = shard(policy);
    for (offset, event) in (0..).zip(events) {
        shard.read(offset, Time::MAX, event).expect("nothing here is refused");
    }
    shard
}

/// Cases of eight events each, every case's events newest first: each but the first makes the case fold again.
fn backwards() -> Vec<String> {
    let kinds = [
        "received",
        "acknowledged",
        "department_received",
        "classified",
        "owner_named",
        "contacted",
        "responded",
        "resolved",
    ];
    let start = Time::parse("2025-09-22T00:00:00+08:00").expect("an instant");
    let case = |n: i64| {
        (0..8usize).rev().map(move |k| {
            let time = start + Span::from_seconds(n) + Span::from_minutes(7 * k as i64);
            format!(
                r#"{{"id":"{n}-{k}","source":"/desk","type":"ticket.{}","subject":"K-{n}","time":"{time}","kind":"complaint"}}"#,
                kinds[k]
            )
        })
    };
    (0..2_000).flat_map(case).collect()
}

/// Prints what a million open cases take, and what reading events costs with as many alive.
#[expect(clippy::print_stdout, reason = "a benchmark's answer")]
pub fn figures(small: bool) {
    let cases: u64 = if small { 1_000 } else { 1_000_000 };
    let policy = policy();
    let line = |n: u64, kind: &str, k: u64| {
        let time = Time::from_millis(1_758_470_400_000 + (n + k * cases) as i64 * 10);
        format!(
            r#"{{"specversion":"1.0","id":"e-{n}-{k}","source":"/desk/1","type":"ticket.{kind}","subject":"T-{n}","time":"{time}","data":{{"kind":"complaint","priority":"P2","product":"router-x","region":"north","channel":"phone","category":"connectivity","customer":"C-{}"}}}}"#,
            n % 50_000
        )
    };
    let mut shard = shard(&policy);
    let mut figures = Vec::new();
    for (k, kind) in (0..).zip(["received", "department_received", "classified"]) {
        let lines: Vec<String> = (0..cases).map(|n| line(n, kind, k)).collect();
        let began = Instant::now();
        let read: usize =
            lines.iter().map(|line| decode(line.as_bytes()).expect("valid").subject.len()).sum();
        let decode_ns = began.elapsed().as_nanos() as f64 / cases as f64;
        assert!(read > 0);
        let began = Instant::now();
        for (offset, line) in (k * cases..).zip(&lines) {
            let event = decode(line.as_bytes()).expect("valid");
            shard.read(offset, Time::MAX, &event).expect("nothing here is refused");
        }
        let both_ns = began.elapsed().as_nanos() as f64 / cases as f64;
        let cut = shard.cut(false);
        assert!(cut.changes.is_empty(), "the clock stands still");
        shard.acknowledge(&cut);
        figures.push((kind, decode_ns, both_ns));
    }
    assert_eq!(shard.cases() as u64, cases);
    println!("{cases} open cases         decode ns  decode and apply ns  ratio");
    for (kind, decode_ns, both_ns) in figures {
        println!("  {kind:22} {decode_ns:>8.0} {both_ns:>20.0}  {:>5.2}", both_ns / decode_ns);
    }
    let bytes = shard.memory_bytes();
    println!("  {:.0} bytes per open case with 3 events and 3 clocks", bytes as f64 / cases as f64);
}
