//! How soon after a promise is broken can a reader of the committed see it? Under a steady load, with the whole watch
//! between the events and the alert.
//!
//! Cases are opened evenly and resolved after two seconds; one in twenty is not, and its promise of five seconds is
//! broken. The delay is counted from due + grace, by the wall, to the moment at which a consumer has the alert in its
//! hands. Sizes by environment: `WATCHBELL_DELAY_RATE` (20,000 events a second) and `WATCHBELL_DELAY_SECONDS` (60).

#![allow(clippy::print_stdout, reason = "it says what it has measured")]

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::message::Message as _;
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};
use rdkafka::{Offset, TopicPartitionList};
use watchbell::engine::clock;
use watchbell::time::Time;

use super::broker::{Broker, Options};
use super::client::{self, Failures, config};
use super::e2e::number;
use super::program::Program;
use super::{Deadline, wait_until};

const PARTITIONS: i32 = 4;
const TOPIC: &str = "cases";
const ALERTS: &str = "delay.alerts";
/// One case in so many is never resolved.
const LEFT_EVERY: u64 = 20;
const RESOLVED_AFTER_MS: i64 = 2_000;
const GOAL_MS: i64 = 5_000;
const GRACE_MS: i64 = 1_000;
/// How long the last alert may take.
const PATIENCE_SECONDS: u64 = 60;

const POLICY: &str = r#"
[[commitment]]
name = "quick"
title = { en = "Done within seconds", zh = "数秒内完成" }
start = "ticket.opened"
stop = "ticket.resolved"
goal = "5s"
grace = "1s"

[count]
activity = ["ticket.opened"]
"#;

/// Cases that come evenly.
#[derive(Clone, Copy)]
struct Load {
    begin_ms: i64,
    /// How many cases are opened in a second.
    opened: f64,
    seconds: u64,
}

impl Load {
    fn cases(&self) -> u64 {
        (self.opened * self.seconds as f64) as u64
    }

    fn opened_ms(&self, case: u64) -> i64 {
        self.begin_ms + (case as f64 * 1_000.0 / self.opened) as i64
    }

    /// When the alert on a case may be there at the earliest.
    fn fires_ms(&self, case: u64) -> i64 {
        self.opened_ms(case) + GOAL_MS + GRACE_MS
    }

    /// How many of the first cases are due by then.
    fn due_by(&self, at_ms: i64) -> u64 {
        let passed = (at_ms - self.begin_ms).max(0) as f64 / 1_000.0 * self.opened;
        (passed as u64).min(self.cases())
    }
}

fn event(kind: &str, case: u64, at_ms: i64) -> String {
    let (time, region, product) = (Time::from_millis(at_ms), case % 7, case % 11);
    format!(
        "{{\"id\":\"{kind}-{case}\",\"source\":\"/desk/1\",\"type\":\"ticket.{kind}\",\"subject\":\"T-{case}\",\
         \"time\":\"{time}\",\"data\":{{\"product\":\"router-{product}\",\"region\":\"r{region}\"}}}}"
    )
}

/// Writes the load as it comes; how late any event was written at most, in milliseconds.
fn write(bootstrap: &str, load: Load) -> i64 {
    let producer: BaseProducer<Failures> = config(bootstrap)
        .set("enable.idempotence", "true")
        .set("compression.type", "lz4")
        .set("linger.ms", "5")
        .set("queue.buffering.max.messages", "500000")
        .create_with_context(Failures::default())
        .expect("a valid configuration");
    let send = |kind: &str, case: u64, at_ms: i64| {
        let (key, payload) = (format!("T-{case}"), event(kind, case, at_ms));
        let partition = watchbell::source::partition::partition(key.as_bytes(), PARTITIONS as u32) as i32;
        let record = BaseRecord::to(TOPIC).partition(partition).key(&key).payload(&payload);
        producer.send(record).map_err(|(error, _)| error).expect("the queue has room");
    };
    let (mut opened, mut resolved, mut late_ms) = (0, 0, 0);
    while resolved < load.cases() {
        let now = clock::now().millis();
        for case in opened..load.due_by(now) {
            late_ms = late_ms.max(now - load.opened_ms(case));
            send("opened", case, load.opened_ms(case));
        }
        for case in (resolved..load.due_by(now - RESOLVED_AFTER_MS)).filter(|n| !n.is_multiple_of(LEFT_EVERY))
        {
            send("resolved", case, load.opened_ms(case) + RESOLVED_AFTER_MS);
        }
        (opened, resolved) = (load.due_by(now), load.due_by(now - RESOLVED_AFTER_MS));
        producer.poll(Duration::from_millis(1));
    }
    wait_until(PATIENCE_SECONDS, "the last events are acknowledged", || {
        producer.poll(Duration::from_millis(1));
        producer.in_flight_count() == 0
    });
    assert!(producer.context().failures().is_empty());
    late_ms
}

/// Reads alerts as they come, until so many cases have one; for each, when it was there.
fn read(bootstrap: &str, expected: usize, stop: &AtomicBool) -> BTreeMap<u64, i64> {
    let consumer: BaseConsumer = config(bootstrap)
        .set("group.id", "delay-reader")
        .set("enable.auto.commit", "false")
        .set("isolation.level", "read_committed")
        .set("fetch.wait.max.ms", "10")
        .set("fetch.queue.backoff.ms", "2")
        .create()
        .expect("a valid configuration");
    let mut all = TopicPartitionList::new();
    for partition in 0..PARTITIONS {
        all.add_partition_offset(ALERTS, partition, Offset::Beginning).expect("a valid offset");
    }
    consumer.assign(&all).expect("partitions can be assigned");
    let mut seen = BTreeMap::new();
    while seen.len() < expected && !stop.load(Ordering::Relaxed) {
        let Some(message) = consumer.poll(Duration::from_millis(20)) else { continue };
        let message = message.expect("the broker is there");
        let at_ms = clock::now().millis();
        let body: serde_json::Value =
            serde_json::from_slice(message.payload().expect("no tombstones")).expect("an alert is JSON");
        assert_eq!(body["action"], "raised", "{body}");
        let case = body["subject"].as_str().and_then(|subject| subject.strip_prefix("T-")?.parse().ok());
        let before = seen.insert(case.expect("a case of ours"), at_ms);
        assert!(before.is_none(), "said twice: {body}");
    }
    seen
}

fn settings(folder: &Path, bootstrap: &str) -> String {
    let folder = folder.display();
    format!(
        "policy = \"{folder}/policy.toml\"\n[kafka]\nbootstrap = \"{bootstrap}\"\ngroup = \"delay\"\n\
         topics = [\"{TOPIC}\"]\nalerts = \"{ALERTS}\"\npartials = \"delay.partials\"\ndead_letters = false\n\
         [checkpoints]\nurl = \"{folder}/checkpoints\"\n[http]\nlisten = false\n[engine]\nworkers = 1\n"
    )
}

/// Measures it.
pub fn measure() {
    let (rate, seconds) = (number("WATCHBELL_DELAY_RATE", 20_000), number("WATCHBELL_DELAY_SECONDS", 60));
    let broker = Broker::start(&Options { throughput: true, ..Options::default() });
    let bootstrap = broker.bootstrap();
    client::create_topic(&bootstrap, TOPIC, PARTITIONS, &[]);
    client::create_topic(&bootstrap, ALERTS, PARTITIONS + 1, &[]);
    client::create_topic(&bootstrap, "delay.partials", 1, &[]);
    client::begin_first_transaction(&bootstrap);
    let folder = tempfile::tempdir().expect("a folder");
    let config = folder.path().join("watchbell.toml");
    fs::write(folder.path().join("policy.toml"), POLICY).expect("writable");
    fs::write(&config, settings(folder.path(), &bootstrap)).expect("writable");
    let mut program = Program::start(&["run", "--config", config.to_str().expect("UTF-8")], &[]);
    wait_until(PATIENCE_SECONDS, "all logs are cut", || {
        client::committed(&bootstrap, "delay", TOPIC).len() == PARTITIONS as usize
    });
    // Each case is two events, but for those that are left.
    let opened = rate as f64 / (2.0 - 1.0 / LEFT_EVERY as f64);
    let load = Load { begin_ms: clock::now().millis() + 1_000, opened, seconds };
    let left = load.cases().div_ceil(LEFT_EVERY) as usize;
    let stop = AtomicBool::new(false);
    let (late_ms, seen) = std::thread::scope(|scope| {
        let reader = scope.spawn(|| read(&bootstrap, left, &stop));
        let late_ms = write(&bootstrap, load);
        let deadline = Deadline::in_seconds(PATIENCE_SECONDS);
        while !reader.is_finished() && !deadline.has_passed() {
            std::thread::sleep(Duration::from_millis(50));
        }
        stop.store(true, Ordering::Relaxed);
        (late_ms, reader.join().expect("it reads"))
    });
    program.terminate();
    assert!(program.wait(30).success(), "{}", program.stderr());
    say(load, rate, late_ms, &seen);
}

fn say(load: Load, rate: u64, late_ms: i64, seen: &BTreeMap<u64, i64>) {
    let left: Vec<u64> = (0..load.cases()).filter(|case| case.is_multiple_of(LEFT_EVERY)).collect();
    assert!(left.iter().eq(seen.keys()), "alerts on {} of {} cases", seen.len(), left.len());
    let mut delays: Vec<i64> = seen.iter().map(|(case, at_ms)| at_ms - load.fires_ms(*case)).collect();
    delays.sort_unstable();
    assert!(delays[0] >= 0, "one came {} ms too soon", -delays[0]);
    let at = |share: f64| delays[((delays.len() - 1) as f64 * share) as usize];
    let machine = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    println!(
        "{rate} events/s for {} s, written {late_ms} ms late at most; load {}",
        load.seconds,
        machine.trim()
    );
    println!(
        "  from due + grace to visible read_committed: p50 {} ms, p99 {} ms, max {} ms over {} alerts",
        at(0.5),
        at(0.99),
        at(1.0),
        delays.len()
    );
}
