//! Decoding, applying, folding again: what one event costs, and what one open case takes.

#![expect(clippy::disallowed_methods, reason = "a benchmark reads the clock")]

use std::collections::{BTreeMap, BTreeSet};
use std::hint::black_box;
use std::sync::Arc;
use std::time::Instant;

use criterion::{Criterion, Throughput};
use watchbell::config;
use watchbell::event::{Event, decode};
use watchbell::shard::{Options, Shard};
use watchbell::sla::clock::Clock;
use watchbell::sla::fold;
use watchbell::sla::history::Fact;
use watchbell::sla::policy::{Condition, Policy, Test, Values, overlay};
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
    for policy in ["commitments", "guide"] {
        let loaded = Arc::new(config::load_policy(Some(policy)).expect("shipped policies are valid"));
        println!("policy {policy}, {} commitments", loaded.commitments.len());
        many_cases(&loaded, if small { 1_000 } else { 1_000_000 });
        busiest_case(&loaded, small);
    }
}

#[expect(clippy::print_stdout, reason = "a benchmark's answer")]
fn many_cases(policy: &Arc<Policy>, cases: u64) {
    let line = |n: u64, kind: &str, k: u64| {
        let time = Time::from_millis(1_758_470_400_000 + (n + k * cases) as i64 * 10);
        format!(
            r#"{{"specversion":"1.0","id":"e-{n}-{k}","source":"/desk/1","type":"ticket.{kind}","subject":"T-{n}","time":"{time}","data":{{"kind":"complaint","priority":"P2","product":"router-x","region":"north","channel":"phone","category":"connectivity","customer":"C-{}"}}}}"#,
            n % 50_000
        )
    };
    let mut shard = shard(policy);
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
    println!("  {cases} open cases         decode ns  decode and apply ns  ratio  events/s");
    for (kind, decode_ns, both_ns) in figures {
        let per_second = 1e9 / both_ns;
        println!(
            "    {kind:22} {decode_ns:>8.0} {both_ns:>20.0}  {:>5.2}  {per_second:>8.0}",
            both_ns / decode_ns
        );
    }
    let (bytes, clocks) = (shard.memory_bytes(), shard.explain("T-0")[0].clocks.len());
    println!("    {:.0} bytes per open case with 3 events and {clocks} clocks", bytes as f64 / cases as f64);
}

/// The events of a ticket that start as many clocks as one kind of ticket can have, and one more that comes last.
fn busiest_lines(policy: &Policy, kind: &str) -> Vec<String> {
    let value = |test: &Test| match test.one_of.first() {
        Some(text) if !test.is_not => text.clone(),
        _ => "any".to_owned(),
    };
    let scopes = policy.commitments.iter().flat_map(|one| &one.scope);
    let mut about: BTreeMap<&str, String> =
        scopes.map(|test| (test.attribute.as_str(), value(test))).collect();
    about.insert("kind", kind.to_owned());
    let mut lines: Vec<String> = Vec::new();
    let starts = policy.commitments.iter().flat_map(|one| &one.start);
    let mut seen: Vec<&Condition> = Vec::new();
    for condition in starts.filter(|condition| condition.kind.starts_with("ticket.")) {
        if seen.contains(&condition) {
            continue;
        }
        seen.push(condition);
        let mut data = about.clone();
        data.extend(condition.tests.iter().map(|test| (test.attribute.as_str(), value(test))));
        lines.push(busy(&condition.kind, lines.len(), &data));
    }
    lines.push(busy("ticket.resolved", lines.len(), &about));
    lines
}

fn busy(kind: &str, n: usize, data: &BTreeMap<&str, String>) -> String {
    let time = Time::from_millis(1_758_470_400_000 + n as i64 * 1_000);
    let data = serde_json::to_string(data).expect("texts");
    format!(
        r#"{{"specversion":"1.0","id":"e-{n}","source":"/desk/1","type":"{kind}","subject":"T-1","time":"{time}","data":{data}}}"#
    )
}

/// Prints what the next event costs the case with the most clocks, beside decoding it, and what a late one costs.
#[expect(clippy::print_stdout, reason = "a benchmark's answer")]
fn busiest_case(policy: &Policy, small: bool) {
    let kinds = policy.commitments.iter().flat_map(|one| &one.scope).filter(|test| test.attribute == "kind");
    let kinds: BTreeSet<&String> = kinds.flat_map(|test| &test.one_of).collect();
    let case = |kind: &&String| {
        let lines = busiest_lines(policy, kind);
        let events: Vec<Event<'_>> =
            lines.iter().map(|line| decode(line.as_bytes()).expect("valid")).collect();
        fold::fold(policy, &facts(policy, &events)).len()
    };
    let lines = busiest_lines(policy, kinds.into_iter().max_by_key(case).expect("there are kinds"));
    let events: Vec<Event<'_>> = lines.iter().map(|line| decode(line.as_bytes()).expect("valid")).collect();
    let facts = facts(policy, &events);
    let (next, before) = facts.split_last().expect("there are events");
    let (clocks, after) = (fold::fold(policy, before), fold::fold(policy, &facts));
    let mut values = Values::new();
    facts.iter().for_each(|fact| overlay(&mut values, &fact.matched.values));

    // As few cases as lie in the cache, as the line does: what memory costs is in the figures of a million cases.
    let cases = if small { 16 } else { 128 };
    let rounds = if small { 1 } else { 400 };
    let best = |round: &mut dyn FnMut() -> f64| (0..rounds).map(|_| round()).fold(f64::INFINITY, f64::min);
    let line = lines.last().expect("there are lines");
    let decode_ns = best(&mut || {
        let began = Instant::now();
        let read: usize =
            (0..cases).map(|_| decode(black_box(line.as_bytes())).expect("valid").subject.len()).sum();
        assert_eq!(read, 3 * cases);
        began.elapsed().as_nanos() as f64 / cases as f64
    });
    let fold_ns = best(&mut || {
        let mut all: Vec<Vec<Clock>> = vec![clocks.clone(); cases];
        let began = Instant::now();
        for clocks in &mut all {
            fold::step(policy, clocks, &values, before.len(), std::slice::from_ref(black_box(next)));
        }
        let ns = began.elapsed().as_nanos() as f64 / cases as f64;
        assert!(all.iter().all(|clocks| *clocks == after));
        ns
    });
    let again_ns = best(&mut || {
        let began = Instant::now();
        let found: usize = (0..cases).map(|_| fold::fold(policy, black_box(&facts)).len()).sum();
        assert_eq!(found, cases * after.len());
        began.elapsed().as_nanos() as f64 / cases as f64
    });
    let ended = after.iter().filter(|clock| !clock.is_open()).count();
    println!("  the busiest case: {} events, {} clocks, {ended} of them ended", facts.len(), after.len());
    println!(
        "    decode the next event {decode_ns:>6.0} ns, fold it {fold_ns:.0} ns: {:.2} of that",
        fold_ns / decode_ns
    );
    println!("    fold all anew for a late one {again_ns:.0} ns: {:.2} of that", again_ns / decode_ns);
}

fn facts<'e>(policy: &Policy, events: &'e [Event<'_>]) -> Vec<Fact<'e>> {
    let fact = |event: &'e Event<'_>| {
        let matched = policy.matched(event, &mut |_, _| 2)?;
        Some(Fact { time: event.time, source: &event.source, id: &event.id, matched })
    };
    events.iter().filter_map(fact).collect()
}
