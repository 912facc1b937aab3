//! What does the group commit meanwhile? Every cut is seen, steps back are noted, and how long a dead worker's logs wait.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::{Offset, TopicPartitionList};

use super::facts::Committed;
use super::traffic::LOGS;
use crate::kafka::client::{config, revive};
use crate::kafka::now;

/// How often the cuts are asked for: the figures are that exact.
const CUTS_EVERY: Duration = Duration::from_millis(50);
/// How long nothing may be heard until a watcher is told again where its broker is.
pub const SILENCE: Duration = Duration::from_secs(5);

/// A log whose worker was killed.
#[derive(Clone, Debug)]
pub struct Failover {
    pub log: u32,
    pub killed: Instant,
    owner: String,
    seq: u64,
    /// How long it took until somebody cut it again.
    pub took: Option<Duration>,
}

#[derive(Default)]
struct Seen {
    cuts: BTreeMap<u32, Committed>,
    failovers: Vec<Failover>,
    /// Steps back in what was committed.
    wrong: Vec<String>,
}

/// The watcher. It ends when it is dropped.
pub struct Watch {
    seen: Arc<Mutex<Seen>>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Watch {
    /// Watches a group that reads a topic.
    pub fn begin(bootstrap: &str, group: &str, topic: &str) -> Watch {
        let (seen, stop) = (Arc::<Mutex<Seen>>::default(), Arc::new(AtomicBool::new(false)));
        let thread = {
            let (seen, stop, topic) = (seen.clone(), stop.clone(), topic.to_owned());
            // What is committed now, not what a transaction may still change.
            let mut config = config(bootstrap);
            config.set("group.id", group).set("isolation.level", "read_uncommitted");
            let client: BaseConsumer = config.create().expect("a valid configuration");
            std::thread::spawn(move || watch_cuts(&client, &topic, &seen, &stop))
        };
        Watch { seen, stop, thread: Some(thread) }
    }

    /// The newest cut of each log.
    pub fn cuts(&self) -> BTreeMap<u32, Committed> {
        lock(&self.seen).cuts.clone()
    }

    /// A worker was killed: its logs wait for somebody else.
    pub fn was_killed(&self, owner: &str, killed: Instant) {
        let mut seen = lock(&self.seen);
        let mine = seen.cuts.iter().filter(|(_, cut)| cut.owner == owner);
        let waits = |(log, cut): (&u32, &Committed)| Failover {
            log: *log,
            killed,
            owner: owner.to_owned(),
            seq: cut.seq,
            took: None,
        };
        let waiting: Vec<Failover> = mine.map(waits).collect();
        seen.failovers.extend(waiting);
    }

    /// The logs whose workers were killed.
    pub fn failovers(&self) -> Vec<Failover> {
        lock(&self.seen).failovers.clone()
    }

    /// What was wrong with the cuts.
    pub fn wrong(&self) -> Vec<String> {
        lock(&self.seen).wrong.clone()
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        let ended = self.thread.take().map(JoinHandle::join);
        assert!(ended.is_none_or(|ended| ended.is_ok()) || std::thread::panicking(), "a watcher fell over");
    }
}

fn watch_cuts(client: &BaseConsumer, topic: &str, seen: &Mutex<Seen>, stop: &AtomicBool) {
    let mut answered = now();
    let mut asked = TopicPartitionList::new();
    for log in 0..LOGS {
        asked.add_partition(topic, log as i32);
    }
    while !stop.load(Ordering::Relaxed) {
        std::thread::sleep(CUTS_EVERY);
        // Brokers that are down or frozen do not answer; they are asked again.
        let answer = client.committed_offsets(asked.clone(), Duration::from_secs(2));
        let Ok(answer) = answer else {
            if answered + SILENCE < now() {
                answered = now();
                revive(client.client());
            }
            continue;
        };
        answered = now();
        let (mut seen, at) = (lock(seen), answered);
        for element in answer.elements() {
            if let Offset::Offset(offset) = element.offset() {
                let committed = Committed::read(offset, element.metadata());
                seen.note(element.partition() as u32, committed, at);
            }
        }
    }
}

impl Seen {
    fn note(&mut self, log: u32, committed: Committed, at: Instant) {
        let before = self.cuts.get(&log).cloned().unwrap_or_default();
        let (then, now) = (before.cut, committed.cut);
        let goes_back = committed.seq < before.seq
            || now.next_offset < then.next_offset
            || (before.seq > 0 && now.clock < then.clock)
            || (committed.seq == before.seq && before.seq > 0 && then != now);
        if goes_back {
            self.wrong.push(format!("log {log}: {before:?}, then {committed:?}"));
        }
        for failover in self.failovers.iter_mut().filter(|one| one.log == log && one.took.is_none()) {
            // The dead may have committed once more before they died, unseen.
            let is_new = committed.seq > failover.seq && committed.owner != failover.owner;
            failover.took = is_new.then(|| at.saturating_duration_since(failover.killed));
        }
        self.cuts.insert(log, committed);
    }
}

fn lock(seen: &Mutex<Seen>) -> MutexGuard<'_, Seen> {
    seen.lock().expect("no panic while it is held")
}
