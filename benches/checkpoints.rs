//! What does a checkpoint cost the worker that goes on? The snapshot, the longest single step while another thread writes
//! it, and the writing itself, at a million open cases.
//!
//! The same steps are taken twice, first without a snapshot: what the machine does to us by itself stands beside what
//! the snapshot does. What was written must be the state as it was when the snapshot was taken.

#![expect(clippy::disallowed_methods, reason = "a benchmark reads the clock")]

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use hdrhistogram::Histogram;
use rustix::time::{ClockId, clock_gettime};
use watchbell::checkpoint::{Checkpoint, Pending};
use watchbell::config;
use watchbell::event::decode;
use watchbell::shard::{Options, Shard};
use watchbell::time::{Span, Time};

/// Every case gets three events; in between as many opinions come in, which no case keeps.
const KINDS: [&str; 3] = ["received", "scheduled", "progress_notified"];

/// A shard with its cases, and the events that go on coming in.
pub struct Desk {
    /// The shard.
    pub shard: Shard,
    cases: u64,
    next_offset: u64,
    now: Time,
}

impl Desk {
    /// With so many open cases.
    pub fn new(cases: u64) -> Desk {
        let policy = Arc::new(config::load_policy(None).expect("the shipped policy is valid"));
        let shard = Shard::new(policy, Options { log_clock: true, ..Options::default() }, 0);
        let now = Time::parse("2025-09-22T00:00:00+08:00").expect("an instant");
        let mut desk = Desk { shard, cases, next_offset: 0, now };
        for kind in KINDS {
            for n in 0..cases {
                desk.read(n, kind);
                if n % 3 == 0 {
                    desk.opinion(n);
                }
            }
            desk.cut();
        }
        assert_eq!(desk.shard.cases() as u64, cases);
        desk
    }

    fn read(&mut self, n: u64, kind: &str) -> Took {
        // One case in ten is urgent: warned of, then broken.
        let (id, region, urgent) = (self.next_offset, n % 17, n.is_multiple_of(10));
        self.event(&format!(
            r#"{{"id":"e-{id}","source":"/desk/1","type":"ticket.{kind}","subject":"T-{n}","time":"{}","kind":"service","emergency":{urgent},"priority":"P2","product":"router-x","region":"r-{region}","channel":"phone","category":"connectivity"}}"#,
            self.now
        ))
    }

    fn opinion(&mut self, n: u64) -> Took {
        let id = self.next_offset;
        self.event(&format!(
            r#"{{"id":"o-{id}","source":"/desk/1","type":"feedback.survey","subject":"F-{n}","time":"{}","product":"router-x"}}"#,
            self.now
        ))
    }

    /// Reads one event; how long that took, decoding left out.
    fn event(&mut self, line: &str) -> Took {
        self.now = self.now + Span::from_millis(4);
        let event = decode(line.as_bytes()).expect("valid");
        let took = measured(|| {
            self.shard.read(self.next_offset, Time::MAX, &event).expect("nothing here is refused")
        });
        self.next_offset += 1;
        took.1
    }

    fn advance(&mut self) -> Took {
        measured(|| self.shard.advance(self.now)).1
    }

    fn cut(&mut self) -> Took {
        measured(|| {
            let cut = self.shard.cut(true);
            self.shard.acknowledge(&cut);
        })
        .1
    }

    /// Moves the clock up to now, and says what that brings about, in such steps as a worker takes.
    pub fn catch_up(&mut self) {
        while let Some(at) = self.shard.next_step(self.now) {
            self.shard.advance(at);
            if self.shard.dirty_cases() >= 2_000 {
                self.cut();
            }
        }
        self.advance();
        self.cut();
    }

    /// Goes on with events of chance for cases all over the memory while `busy`, and at least for so many.
    fn go_on(&mut self, at_least: u64, steps: &mut Steps, busy: impl Fn() -> bool) {
        let mut n = 0;
        while n < at_least || busy() {
            let case = self.next_offset.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 20;
            let kind = ["responded", "progress_notified", "arrived", "priority_changed"][n as usize % 4];
            let took = self.read(case % self.cases, kind);
            steps.note(0, took);
            if n.is_multiple_of(16) {
                let took = self.advance();
                steps.note(1, took);
            }
            if n.is_multiple_of(256) {
                let took = self.cut();
                steps.note(2, took);
            }
            n += 1;
        }
        self.advance();
        self.cut();
    }
}

/// Nanoseconds: on the wall, and of this thread's own on a processor. Other programs stretch the first only.
type Took = (u64, u64);

fn measured<T>(work: impl FnOnce() -> T) -> (T, Took) {
    let own = || {
        let now = clock_gettime(ClockId::ThreadCPUTime);
        now.tv_sec as u64 * 1_000_000_000 + now.tv_nsec as u64
    };
    let (own_before, began) = (own(), Instant::now());
    let answer = work();
    let wall = began.elapsed().as_nanos() as u64;
    (answer, (wall, own() - own_before))
}

/// How long the steps of each kind took: their distribution, and the longest in the thread's own time.
struct Steps([(Histogram<u64>, u64); 3]);

impl Steps {
    fn new() -> Steps {
        Steps(std::array::from_fn(|_| (Histogram::new(3).expect("three digits"), 0)))
    }

    fn note(&mut self, kind: usize, (took, own): Took) {
        let (steps, longest) = &mut self.0[kind];
        steps.record(took).expect("it grows");
        *longest = own.max(*longest);
    }

    /// The longest of all, in the thread's own time.
    fn longest(&self) -> u64 {
        self.0.iter().map(|(_, longest)| *longest).max().unwrap_or(0)
    }

    #[expect(clippy::print_stdout, reason = "a benchmark's answer")]
    fn print(&self, when: &str) {
        for (name, (steps, longest)) in ["read", "advance", "cut"].iter().zip(&self.0) {
            let us = |ns: u64| ns as f64 / 1e3;
            println!(
                "  {when:19} {name:8} {:>8} {:>7.1} {:>7.1} {:>9.1} {:>9.1} {:>10.1}",
                steps.len(),
                us(steps.value_at_quantile(0.5)),
                us(steps.value_at_quantile(0.99)),
                us(steps.value_at_quantile(0.9999)),
                us(steps.max()),
                us(*longest)
            );
        }
    }
}

/// Prints what a checkpoint costs.
#[expect(clippy::print_stdout, reason = "a benchmark's answer")]
pub fn figures(small: bool) {
    let cases: u64 = if small { 1_000 } else { 1_000_000 };
    let mut desk = Desk::new(cases);
    let [mut before, mut without, mut during, mut after] = std::array::from_fn(|_| Steps::new());
    desk.go_on(cases / 4, &mut before, || false);
    desk.go_on(cases / 4, &mut without, || false);
    let bytes_before = desk.shard.memory_bytes();
    let (state, copied) = measured(|| desk.shard.state());
    let (snapshot, taken) = measured(|| desk.shard.snapshot());
    let pending = Pending { number: 1, seq: 1, alerts_offset: 0, state: snapshot };
    let [writing, holding, seen] = [true, true, false].map(AtomicBool::new);
    let (bytes, encoded, dropped, held) = std::thread::scope(|scope| {
        let writer = scope.spawn(|| {
            let (bytes, encoded) = measured(|| pending.encode());
            writing.store(false, Ordering::Release);
            while !seen.load(Ordering::Acquire) {
                std::thread::yield_now();
            }
            // The thread that writes a checkpoint is the one that frees what only the snapshot still holds.
            let ((), dropped) = measured(|| drop(pending));
            holding.store(false, Ordering::Release);
            (bytes, encoded, dropped)
        });
        desk.go_on(cases / 100, &mut during, || writing.load(Ordering::Acquire));
        let held = desk.shard.memory_bytes();
        seen.store(true, Ordering::Release);
        desk.go_on(cases / 100, &mut during, || holding.load(Ordering::Acquire));
        let (bytes, encoded, dropped) = writer.join().expect("encoding does not fail");
        (bytes, encoded, dropped, held)
    });
    desk.go_on(cases / 4, &mut after, || false);
    let written = Checkpoint::decode(&bytes).expect("just written").state;
    assert!(written == state, "what was written is the state when the snapshot was taken");
    let alerts = desk.shard.said().len();
    println!("a checkpoint of {cases} open cases, {} remembered events, {alerts} alerts", cases);
    let ms =
        |(wall, own): Took| format!("{:.2} ms ({:.2} ms of processor)", wall as f64 / 1e6, own as f64 / 1e6);
    println!("  snapshot {}; copying everything at once {}", ms(taken), ms(copied));
    println!(
        "  encoded in {} on another thread: {:.1} MB; freed in {}",
        ms(encoded),
        bytes.len() as f64 / 1e6,
        ms(dropped)
    );
    println!(
        "  memory {:.0} MB, {:.0} MB while it was written",
        bytes_before as f64 / 1e6,
        held as f64 / 1e6
    );
    println!("  steps, in µs                   number     p50     p99    p99.99   longest  processor");
    without.print("without a snapshot");
    during.print("while it is written");
    after.print("afterwards");
    println!(
        "  longest stop for a checkpoint: {:.1} ms of processor for the snapshot, {:.1} ms for a step until it is freed; \
         {:.1} ms for a step without one",
        taken.1 as f64 / 1e6,
        during.longest() as f64 / 1e6,
        without.longest() as f64 / 1e6
    );
}
