//! What does the coordinator of transactions say? Its own log is read, for two things.
//!
//! A worker that was killed left a transaction open ⇔ the coordinator gives one of its name up after its death.
//!
//! And a broker may forget: Kafka 4.3.1, killed while it writes the markers of a transaction, comes back, calls the
//! transaction complete, and a partition without its marker stays shut for ever (a *hanging* transaction, KIP-664).
//! What the coordinator decided is then done in its place. That repairs the broker and hides nothing of the watch: until
//! then nobody reads behind the transaction, and afterwards every reader sees what was decided.

use std::collections::HashMap;
use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::message::{BorrowedMessage, Message as _};
use rdkafka::{Offset, TopicPartitionList};

use super::clock;
use super::traffic::LOGS;
use super::watch::SILENCE;
use crate::kafka::client::{config, revive};
use crate::kafka::now;
use crate::kafka::wire::{OpenTransaction, open_transactions, write_marker};

/// Where the coordinator writes.
const LOG: &str = "__transaction_state";
/// How often it is looked for hanging transactions.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// The coordinator's numbers for the states of a transaction.
mod state {
    pub const EMPTY: u8 = 0;
    pub const PREPARE_COMMIT: u8 = 2;
    pub const PREPARE_ABORT: u8 = 3;
    pub const COMPLETE_COMMIT: u8 = 4;
    pub const COMPLETE_ABORT: u8 = 5;
}

/// What was read of the coordinator.
#[derive(Default)]
struct Seen {
    /// For each transactional id, when its transactions were given up, in milliseconds.
    aborts: HashMap<String, Vec<i64>>,
    /// By number of producer.
    producers: HashMap<i64, Producer>,
    /// Where reading goes on.
    next: i64,
    /// What was done in the coordinator's place.
    finished: Vec<String>,
}

#[derive(Clone, Copy, Default)]
struct Producer {
    state: u8,
    /// The last decision: whether its transaction was to be committed.
    is_commit: Option<bool>,
}

/// Reads on until it is dropped.
pub struct Transactions {
    seen: Arc<Mutex<Seen>>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Transactions {
    /// Watches the transactions that write a group's positions and a topic.
    pub fn begin(bootstrap: &str, topic: &'static str) -> Transactions {
        let (seen, stop) = (Arc::<Mutex<Seen>>::default(), Arc::new(AtomicBool::new(false)));
        let mut config = config(bootstrap);
        config.set("group.id", "transactions").set("enable.auto.commit", "false");
        let reader: BaseConsumer = config.create().expect("a valid configuration");
        let watcher = Watcher { bootstrap: bootstrap.to_owned(), topic, reader, seen: seen.clone() };
        let thread = {
            let stop = stop.clone();
            std::thread::spawn(move || watcher.watch(&stop))
        };
        Transactions { seen, stop, thread: Some(thread) }
    }

    /// Whether a transaction of a writer was given up at that time or later.
    pub fn was_aborted(&self, owner: &str, since_ms: i64) -> bool {
        let seen = self.seen.lock().expect("no panic while it is held");
        seen.aborts.get(owner).is_some_and(|aborts| aborts.iter().any(|at| *at >= since_ms))
    }

    /// The transactions that the broker forgot, and what was done about them.
    pub fn finished(&self) -> Vec<String> {
        self.seen.lock().expect("no panic while it is held").finished.clone()
    }
}

impl Drop for Transactions {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        let ended = self.thread.take().map(JoinHandle::join);
        assert!(ended.is_none_or(|ended| ended.is_ok()) || std::thread::panicking(), "a watcher fell over");
    }
}

struct Watcher {
    bootstrap: String,
    topic: &'static str,
    reader: BaseConsumer,
    seen: Arc<Mutex<Seen>>,
}

impl Watcher {
    fn watch(&self, stop: &AtomicBool) {
        let mut from = TopicPartitionList::new();
        from.add_partition_offset(LOG, 0, Offset::Beginning).expect("a valid offset");
        self.reader.assign(&from).expect("a partition can be assigned");
        let (mut heard, mut looked) = (now(), now());
        while !stop.load(Ordering::Relaxed) {
            self.read(&mut heard, Duration::from_millis(100));
            if looked + LOOK_EVERY < now() {
                looked = now();
                // A broker that is away is asked again.
                let _ = self.finish_hanging(&mut heard);
            }
        }
    }

    /// Errors pass: brokers come back, and the reader goes on where it was.
    fn read(&self, heard: &mut Instant, patience: Duration) {
        if let Some(Ok(message)) = self.reader.poll(patience) {
            *heard = now();
            self.seen.lock().expect("no panic while it is held").note(&message);
        } else if *heard + SILENCE < now() {
            *heard = now();
            revive(self.reader.client());
        }
    }

    /// A transaction hangs when it is open, its coordinator has since been heard to the end and calls it over, and it is
    /// open still: whoever calls it over has written its markers before.
    #[expect(clippy::print_stderr, reason = "a broker that is mended must not go unseen")]
    fn finish_hanging(&self, heard: &mut Instant) -> io::Result<()> {
        let before = self.open()?;
        if before.is_empty() {
            return Ok(());
        }
        let (_, end) = self.reader.fetch_watermarks(LOG, 0, SILENCE).map_err(io::Error::other)?;
        let until = now() + SILENCE;
        while self.next() < end {
            self.read(heard, Duration::from_millis(100));
            if until < now() {
                return Ok(());
            }
        }
        let decided = |open: &OpenTransaction| {
            let seen = self.seen.lock().expect("no panic while it is held");
            seen.producers.get(&open.producer).and_then(|producer| producer.over())
        };
        let over: Vec<(OpenTransaction, bool)> =
            before.into_iter().filter_map(|open| Some((open.clone(), decided(&open)?))).collect();
        let after = if over.is_empty() { Vec::new() } else { self.open()? };
        for (open, is_commit) in over.into_iter().filter(|(open, _)| after.contains(open)) {
            write_marker(&self.bootstrap, &open, is_commit)?;
            let what = format!("{}: the broker forgot {open:?}; committed: {is_commit}", clock());
            eprintln!("{what}");
            self.seen.lock().expect("no panic while it is held").finished.push(what);
        }
        Ok(())
    }

    fn open(&self) -> io::Result<Vec<OpenTransaction>> {
        // One partition more than there are logs, for what is said of all of them.
        let places = [(self.topic, LOGS as i32 + 1), ("__consumer_offsets", 1)];
        open_transactions(&self.bootstrap, &places)
    }

    fn next(&self) -> i64 {
        self.seen.lock().expect("no panic while it is held").next
    }
}

impl Seen {
    fn note(&mut self, message: &BorrowedMessage<'_>) {
        self.next = message.offset() + 1;
        let (Some(key), Some(value)) = (message.key(), message.payload()) else { return };
        // Key: version (2 bytes), length (2) and name. Value: version (2), producer (8), its epoch (2), timeout (4), state.
        let (Some(name), Some(producer), Some(state)) = (key.get(4..), value.get(2..10), value.get(16))
        else {
            return;
        };
        let producer = i64::from_be_bytes(producer.try_into().expect("eight bytes"));
        self.producers.entry(producer).or_default().note(*state);
        if *state == state::COMPLETE_ABORT {
            let name = String::from_utf8_lossy(name).into_owned();
            let at = message.timestamp().to_millis().unwrap_or_default();
            self.aborts.entry(name).or_default().push(at);
        }
    }
}

impl Producer {
    fn note(&mut self, state: u8) {
        self.state = state;
        match state {
            state::PREPARE_COMMIT => self.is_commit = Some(true),
            state::PREPARE_ABORT => self.is_commit = Some(false),
            _ => {}
        }
    }

    /// What was decided of its last transaction, if that is over.
    fn over(self) -> Option<bool> {
        let is_over = matches!(self.state, state::EMPTY | state::COMPLETE_COMMIT | state::COMPLETE_ABORT);
        self.is_commit.filter(|_| is_over)
    }
}
