//! How is a live Kafka watched? Workers, each a member of the group with its own threads, and one aggregate somewhere.
//!
//! ```text
//!   one worker, for one life:
//!     reading ──batches, assignments──►┐
//!     fencing ──fences────────────────►│  worker: decides, writes, commits, lets go ──proposals──► sink
//!     taking ◄──logs to take over──────┤
//!        └─────logs taken─────────────►┘
//! ```
//!
//! Ground rules: only the worker's own thread touches its logs; everything that may wait for a broker without being a
//! commit is done elsewhere; a life ends with its first error that cannot be repeated (fenced, lost, fatal), and the next
//! one begins under a new name, with the logs it had still in memory.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crossbeam_channel::bounded;

use super::clock::{self, Clock};
use crate::checkpoint::{Store, StoreError};
use crate::detect::Dimension;
use crate::kafka::{self, Logs};
use crate::shard;
use crate::sink;
use crate::sla::policy::Policy;
use crate::source::kafka::Pseudonyms;

mod asked;
mod counted;
mod fencing;
mod held;
mod keeping;
mod life;
mod reading;
mod refusals;
mod round;
mod shadow;
mod shared;
mod summing;
mod taking;
mod worker;

pub use asked::Question;
pub use shared::Shared;

/// How a live Kafka is watched.
pub struct Settings {
    /// How to reach the brokers.
    pub connection: kafka::Options,
    /// The consumer group.
    pub group: String,
    /// librdkafka's options of the membership: protocol, assignor, how long a member may be silent.
    pub membership: Vec<(String, String)>,
    /// The logs.
    pub logs: Arc<Logs>,
    /// Where alerts, partials and dead letters go.
    pub sink: Arc<sink::kafka::Options>,
    /// How many workers this process has.
    pub workers: u32,
    /// The promises.
    pub policy: Arc<Policy>,
    /// Promises that are only looked at beside, if any.
    pub shadow: Option<Arc<Policy>>,
    /// How logs are read.
    pub options: shard::Options,
    /// How series are judged.
    pub aggregate: crate::aggregate::Options,
    /// Whether this process is a candidate for the aggregate.
    pub sums: bool,
    /// Whose ids are replaced at the door.
    pub pseudonyms: Option<Pseudonyms>,
    /// The dimensions whose values may be labels of metrics.
    pub labels: Vec<Dimension>,
    /// What the engine's time is made of.
    pub clock: Clock,
    /// When things are done.
    pub pace: Pace,
    /// How many checkpoints of a log are kept, at least one. One more is there until a cut names the newest.
    pub keep: u32,
    /// Opens the place of the checkpoints, once for each thread that uses it.
    pub store: Box<OpenStore>,
}

/// Opens a place of checkpoints.
pub type OpenStore = dyn Fn() -> Result<Box<dyn Store + Send>, StoreError> + Send + Sync;

/// When things are done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pace {
    /// How often the brokers are asked for the ends of logs. Default 100 ms.
    pub fence: Duration,
    /// The least time between two cuts when there is something to say. Default 20 ms.
    pub cut_least: Duration,
    /// The time between two cuts while records come. Default 100 ms.
    pub cut: Duration,
    /// The time between two cuts, and two partials, when nothing happens. Default 1 s.
    pub idle: Duration,
    /// The time between two checkpoints of a log. Default 60 s.
    pub checkpoint: Duration,
    /// How long the brokers may not answer before a log is called blind. Default 3 s.
    pub blind: Duration,
    /// How long the end may take. Default 10 s.
    pub leave: Duration,
}

impl Default for Pace {
    fn default() -> Pace {
        Pace {
            fence: Duration::from_millis(100),
            cut_least: Duration::from_millis(20),
            cut: Duration::from_millis(100),
            idle: Duration::from_secs(1),
            checkpoint: Duration::from_secs(60),
            blind: Duration::from_secs(3),
            leave: Duration::from_secs(10),
        }
    }
}

/// What to do about an input topic that has grown.
pub const MIGRATION: &str = "Stop producers, let the group read everything, make a new topic with the new number of \
    partitions, and start a new group on it";

/// Why the watch ended before it was asked to.
#[derive(Debug, thiserror::Error)]
pub enum LiveError {
    /// A log cannot be taken over, and trying again would not help.
    #[error("{place}: {what}. {remedy}")]
    Stuck {
        /// Its topic and partition.
        place: String,
        /// What is wrong.
        what: String,
        /// What to do.
        remedy: String,
    },
    /// Kafka cannot be used at all.
    #[error("Kafka: {0}. Check the addresses of the brokers and the options under [kafka.options]")]
    Kafka(#[from] kafka::Error),
    /// It did not end in the time it may take.
    #[error("not everything was written within {} s: the next start will read it again", .0.as_secs())]
    Late(Duration),
}

/// Watches until `stop` is set, or something cannot be mended. Returns when everything is written and the group left,
/// or after [`Pace::leave`].
pub fn run(settings: Arc<Settings>, shared: Arc<Shared>, stop: Arc<AtomicBool>) -> Result<(), LiveError> {
    let (done, ended) = bounded::<Result<(), LiveError>>(settings.workers as usize + 1);
    let process = process_name();
    let mut running = 0;
    for n in 0..settings.workers {
        let (settings, shared, stop, done) = (settings.clone(), shared.clone(), stop.clone(), done.clone());
        let name = format!("{}-{process}-{n}", settings.group);
        let work = move || drop(done.send(life::lives(&settings, &shared, n, &name, &stop)));
        running += usize::from(spawn(&format!("worker-{n}"), work));
    }
    if settings.sums {
        let (settings, shared, stop, done) = (settings.clone(), shared.clone(), stop.clone(), done.clone());
        let name = format!("{}-{process}-aggregate", settings.group);
        let work = move || drop(done.send(summing::lives(&settings, &shared, &name, &stop)));
        running += usize::from(spawn("aggregate", work));
    }
    let mut failed = Ok(());
    let mut deadline = None;
    while running > 0 {
        if stop.load(Ordering::Relaxed) && deadline.is_none() {
            shared.stopping();
            deadline = Some(clock::instant() + settings.pace.leave);
        }
        if deadline.is_some_and(|deadline| clock::instant() > deadline) {
            return failed.and(Err(LiveError::Late(settings.pace.leave)));
        }
        if let Ok(result) = ended.recv_timeout(Duration::from_millis(50)) {
            running -= 1;
            // What stops one must stop all: half a watch looks like a whole one.
            if result.is_err() {
                stop.store(true, Ordering::Relaxed);
                failed = failed.and(result);
            }
        }
    }
    failed
}

fn spawn(name: &str, work: impl FnOnce() + Send + 'static) -> bool {
    std::thread::Builder::new().name(name.into()).spawn(work).is_ok()
}

/// A name that no other process has, now or later.
fn process_name() -> String {
    let parts = format!("{}-{}-{:?}", std::process::id(), clock::now().millis(), clock::instant());
    let host = std::env::var("HOSTNAME").unwrap_or_default();
    format!("{:012x}", xxhash_rust::xxh3::xxh3_64(format!("{host}-{parts}").as_bytes()) & 0xffff_ffff_ffff)
}
