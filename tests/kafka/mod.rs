//! Does it hold with a real Kafka? A broker of the test's own, its wounds, and what stands in it afterwards.
//!
//! ```text
//!   prepare.sh ──► target/kafka: jars, formatted directory, archive of classes        once per machine
//!       │
//!   broker.rs      start, kill, freeze, restart; PLAINTEXT, TLS, SCRAM                1.5 s per broker
//!   client.rs      topics, records in, records out, positions of groups
//!   program.rs     the binary under test, which may be killed and frozen, too
//!       └── process.rs: no child outlives the tests, and none blocks on a full pipe
//!   chaos/         all of it at once, with the feature `faults`
//! ```
//!
//! Most tests take the broker that all tests of a process share, [`shared`], and topics with names of their own; only
//! who wounds a broker, or wants its doors locked, starts one. A broker that cannot be had fails the test: there is
//! no way to pass without it.

mod broker;
mod certificates;
#[cfg(feature = "faults")]
mod chaos;
mod client;
#[cfg(test)]
mod coordinator;
/// A measurement, for the bench `e2e`.
#[allow(dead_code, reason = "the tests do not measure")]
pub mod delay;
/// A comparison, for the bench of that name.
#[allow(dead_code, reason = "the tests do not compare")]
pub mod e2e;
#[cfg(test)]
mod live;
#[cfg(test)]
mod lookup;
mod process;
mod program;
mod selftest;
#[cfg(test)]
mod wire;

use std::time::{Duration, Instant};

/// An instant after which waiting is over. Tests may be slow, they may not hang.
#[derive(Clone, Copy, Debug)]
struct Deadline(Instant);

impl Deadline {
    fn in_seconds(seconds: u64) -> Deadline {
        Deadline(now() + Duration::from_secs(seconds))
    }

    fn has_passed(self) -> bool {
        self.left().is_zero()
    }

    fn left(self) -> Duration {
        self.0.saturating_duration_since(now())
    }
}

#[expect(clippy::disallowed_methods, reason = "how long the outside world is waited for; decides no result")]
fn now() -> Instant {
    Instant::now()
}

/// Waits until it is so, and fails when it is not after that many seconds.
fn wait_until(seconds: u64, what: &str, mut is_so: impl FnMut() -> bool) {
    let deadline = Deadline::in_seconds(seconds);
    while !is_so() {
        assert!(!deadline.has_passed(), "after {seconds} s still not so: {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}
