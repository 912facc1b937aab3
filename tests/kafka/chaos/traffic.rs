//! What comes in? Tickets that are opened and resolved in every way that a clock must survive, at a steady rate.
//!
//! Event times are the wall's, as they are where people work; some events come late, some twice, some change nothing,
//! some change everything. Every log falls silent in its turn: its clock must move on all the same.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use fastrand::Rng;
use rdkafka::error::RDKafkaErrorCode;
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};

use super::wall_ms;
use crate::kafka::Deadline;
use crate::kafka::client::{Failures, config, revive};

/// How many logs there are.
pub const LOGS: u32 = 6;
/// Priorities and their goals, as the policy has them.
pub const GOALS: [(&str, i64); 4] = [("P1", 1_000), ("P2", 2_000), ("P3", 5_000), ("P4", 10_000)];
/// Where the events say they come from.
pub const SOURCE: &str = "/chaos";

/// About how many events a ticket has.
const EVENTS_PER_TICKET: f64 = 2.1;
/// How late an event may come.
const LATE_MS: i64 = 15_000;
/// How long events that were to come may still come when it is to end.
const END_MS: i64 = 2_000;

/// The traffic, until it is ended.
pub struct Traffic {
    stop: Arc<AtomicBool>,
    sent: Arc<AtomicU64>,
    thread: JoinHandle<()>,
}

impl Traffic {
    /// Begins to write so many events a second to a topic.
    pub fn begin(bootstrap: &str, topic: &str, per_second: u64, seed: u64) -> Traffic {
        let (stop, sent) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
        let mut desk = Desk::new(bootstrap, topic, seed, sent.clone());
        let stopped = stop.clone();
        let thread = std::thread::spawn(move || desk.work(per_second as f64, &stopped));
        Traffic { stop, sent, thread }
    }

    /// How many events were written so far.
    pub fn sent(&self) -> u64 {
        self.sent.load(Ordering::Relaxed)
    }

    /// Ends it, and returns how many events were written, all of them for good.
    pub fn end(self) -> u64 {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.join().expect("the traffic flows");
        self.sent.load(Ordering::Relaxed)
    }
}

/// An event that is to be written at an instant; the number keeps the order of those at the same one.
type Waiting = Reverse<(i64, u64, i32, String)>;

struct Desk {
    producer: BaseProducer<Failures>,
    topic: String,
    rng: Rng,
    waiting: BinaryHeap<Waiting>,
    events: u64,
    tickets: u64,
    sent: Arc<AtomicU64>,
    /// How many events were acknowledged, and since when no more are.
    acknowledged: (u64, i64),
}

/// How long nothing may be acknowledged until the producer is told again where its broker is.
const SILENCE_MS: i64 = 3_000;

impl Desk {
    fn new(bootstrap: &str, topic: &str, seed: u64, sent: Arc<AtomicU64>) -> Desk {
        let producer = config(bootstrap)
            .set("enable.idempotence", "true")
            .set("compression.type", "lz4")
            .set("linger.ms", "5")
            .set("message.timeout.ms", "300000")
            .create_with_context(Failures::default())
            .expect("a valid configuration");
        let (rng, waiting) = (Rng::with_seed(seed), BinaryHeap::new());
        let (topic, acknowledged) = (topic.into(), (0, wall_ms()));
        Desk { producer, topic, rng, waiting, events: 0, tickets: 0, sent, acknowledged }
    }

    fn work(&mut self, per_second: f64, stop: &AtomicBool) {
        let began = wall_ms();
        while !stop.load(Ordering::Relaxed) {
            let now = wall_ms();
            let wanted = (now - began) as f64 / 1_000.0 * per_second / EVENTS_PER_TICKET;
            while (self.tickets as f64) < wanted {
                self.open(now);
            }
            self.write(now);
        }
        let end = wall_ms() + END_MS;
        while wall_ms() < end {
            self.write(wall_ms());
        }
        let deadline = Deadline::in_seconds(120);
        while self.producer.in_flight_count() > 0 {
            assert!(!deadline.has_passed(), "the last events are not written: {}", self.what_is_in_the_way());
            self.producer.poll(Duration::from_millis(10));
            self.look_after();
        }
        let failures = self.producer.context().failures();
        assert!(failures.is_empty(), "{} events were not written, first: {}", failures.len(), failures[0]);
    }

    /// How many events wait, and who leads the logs they wait for.
    fn what_is_in_the_way(&self) -> String {
        let waiting = self.producer.in_flight_count();
        let asked = self.producer.client().fetch_metadata(Some(&self.topic), Duration::from_secs(10));
        let leaders = asked.map(|metadata| {
            let partitions = metadata.topics().iter().flat_map(|topic| topic.partitions());
            partitions.map(|one| (one.id(), one.leader(), one.error())).collect::<Vec<_>>()
        });
        format!("{waiting} wait; partitions, leaders, errors: {leaders:?}")
    }

    /// Writes what is due, and waits a little.
    fn write(&mut self, now: i64) {
        while let Some(Reverse((at, ..))) = self.waiting.peek() {
            if *at > now {
                break;
            }
            let Some(Reverse((_, _, log, event))) = self.waiting.pop() else { break };
            let mut record = BaseRecord::<(), _>::to(&self.topic).payload(&event).partition(log);
            while let Err((error, refused)) = self.producer.send(record) {
                assert_eq!(error.rdkafka_error_code(), Some(RDKafkaErrorCode::QueueFull), "{error}");
                self.producer.poll(Duration::from_millis(5));
                record = refused;
            }
            self.sent.fetch_add(1, Ordering::Relaxed);
        }
        self.producer.poll(Duration::from_millis(2));
        self.look_after();
    }

    fn look_after(&mut self) {
        let (now, waiting) = (wall_ms(), self.producer.in_flight_count() as u64);
        let acknowledged = self.sent.load(Ordering::Relaxed).saturating_sub(waiting);
        if waiting == 0 || acknowledged != self.acknowledged.0 {
            self.acknowledged = (acknowledged, now);
        } else if now - self.acknowledged.1 > SILENCE_MS {
            self.acknowledged.1 = now;
            revive(self.producer.client());
        }
    }

    fn chance(&mut self, percent: f64) -> bool {
        self.rng.f64() * 100.0 < percent
    }

    /// A ticket, with all that will happen to it.
    fn open(&mut self, now: i64) {
        let ticket = self.tickets;
        self.tickets += 1;
        let (priority, goal) = GOALS[self.rng.usize(..GOALS.len())];
        let log = self.awake(ticket, now);
        let opened = if self.chance(2.0) { now - self.rng.i64(0..12_000) } else { now };
        let happens = |desk: &mut Desk, at: i64, kind: &str, time: i64| {
            let at = at.max(now);
            let event = desk.event(ticket, kind, time, priority);
            let again = desk.chance(3.0).then(|| at + desk.rng.i64(0..3_000));
            for at in std::iter::once(at).chain(again) {
                desk.waiting.push(Reverse((at, desk.events, log, event.clone())));
            }
        };
        happens(self, now, "ticket.opened", opened);
        if self.chance(4.0) {
            let time = opened + self.rng.i64(0..goal);
            happens(self, time, "ticket.opened", time);
        }
        if self.chance(1.0) {
            // It was opened before we heard of it: another event starts its clock.
            let (earlier, later) = (self.rng.i64(1..500), self.rng.i64(0..3_000));
            happens(self, now + later, "ticket.opened", opened - earlier);
        }
        let used = match self.rng.u32(..100) {
            0..60 => self.rng.i64(goal / 20..goal),
            60..62 => goal,
            62..64 => goal / 2,
            64..95 => self.rng.i64(goal..2 * goal) + 1,
            _ => return,
        };
        let kind = if self.chance(4.0) { "ticket.cancelled" } else { "ticket.resolved" };
        let late = if self.chance(12.0) { self.rng.i64(0..LATE_MS) } else { self.rng.i64(0..50) };
        happens(self, opened + used + late, kind, opened + used);
        if self.chance(2.0) {
            let other = opened + self.rng.i64(0..2 * goal);
            let late = self.rng.i64(0..LATE_MS);
            happens(self, other + late, "ticket.resolved", other);
        }
    }

    /// The log of a ticket. Each is silent for five of sixty seconds.
    fn awake(&self, ticket: u64, now: i64) -> i32 {
        let log = (ticket % u64::from(LOGS)) as i64;
        let silent = now / 5_000 % 12;
        (if log == silent { (log + 1) % i64::from(LOGS) } else { log }) as i32
    }

    fn event(&mut self, ticket: u64, kind: &str, time: i64, priority: &str) -> String {
        let number = self.events;
        self.events += 1;
        let time = jiff::Timestamp::from_millisecond(time).expect("an instant of today");
        // Ids as texts are in the order of their numbers.
        format!(
            r#"{{"id":"e-{number:012}","source":"{SOURCE}","type":"{kind}","subject":"T-{ticket}","time":"{time}","data":{{"priority":"{priority}","product":"router"}}}}"#
        )
    }
}
