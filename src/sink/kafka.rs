//! Cuts in Kafka: alerts, partials and the offset with its cut in one transaction, and who may write at all.
//!
//! The order of calls is what exactness rests on; every deviation was tried out and found wanting:
//!
//! - who this member is, is asked **before** a transaction begins: asked afterwards, a commit for a partition that has just
//!   been given up would be accepted;
//! - whoever wrote for a log is fenced **before** its last cut is read: that ends its open transaction at once, which
//!   would otherwise keep the cut unreadable for up to a minute;
//! - a log is claimed by a plain commit that the group checks, **before** the first transaction: otherwise the next
//!   taker does not know whom to fence;
//! - a call that may be repeated is repeated, the same one; only after an error that cannot be is the cut asked for.
//!
//! Without transactions alerts and partials are delivered first and the cut is committed then: what was said twice is
//! found by whoever takes the log over, and set right.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::phase::{self, Phase};
use super::{CutRecord, Sink, SinkError, Transaction};
use crate::alert::Record;
use crate::kafka::{self, Consumer, Isolation, Logs, Lookup, Offset, Output, Producer};
use crate::window::Partial;

/// Where things are written, and by whom.
#[derive(Clone, Debug)]
pub struct Options {
    /// How to reach the brokers.
    pub connection: kafka::Options,
    /// The consumer group whose offsets carry the cuts.
    pub group: String,
    /// The topic of alerts.
    pub alerts: String,
    /// How many partitions it has; the last one is the aggregate's.
    pub alerts_partitions: u32,
    /// The topic of partials, with one partition; `None`: they are not written.
    pub partials: Option<String>,
    /// The topic of records that could not be used; `None`: they are only counted.
    pub dead_letters: Option<String>,
    /// Whether cuts are transactions.
    pub transactions: bool,
    /// How long the brokers keep a transaction of a process that is gone.
    pub transaction_timeout: Duration,
}

/// A record that could not be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeadLetter {
    /// Where it was read: topic, partition and offset.
    pub position: (String, i32, u64),
    /// Its key.
    pub key: Vec<u8>,
    /// Its bytes.
    pub payload: Vec<u8>,
    /// The reason, as a stable word and as a text.
    pub reason: (&'static str, String),
}

/// What stands beside an offset: the cut, and what was true of the log's topic then.
#[derive(Serialize, Deserialize)]
struct Noted<C> {
    #[serde(flatten)]
    cut: C,
    /// How many partitions the topic had.
    #[serde(default)]
    partitions: Option<u32>,
}

impl<C: DeserializeOwned> Noted<C> {
    fn read(metadata: &str) -> Option<Noted<C>> {
        serde_json::from_str(metadata.trim_end_matches(['\0', '\n'])).ok()
    }
}

/// How many partitions a topic had when this was noted beside an offset; `None` where that is not said.
pub fn partitions_then(metadata: &str) -> Option<u32> {
    Noted::<CutRecord>::read(metadata)?.partitions
}

/// How long one call waits for the brokers; it is repeated then.
const CALL: Duration = Duration::from_secs(5);
/// How long alerts are waited for that an open transaction holds back; the brokers keep one for a minute by default.
const ALERTS_PATIENCE: Duration = Duration::from_secs(60);
/// The pause before a call is repeated.
const PAUSE: Duration = Duration::from_millis(20);
/// How long a call has waited, about, when somebody is told, and how often they are told again.
const TOLD_AFTER: Duration = Duration::from_secs(10);
const TOLD_EVERY: Duration = Duration::from_secs(60);
/// How many times a call is repeated while the process is being ended.
const TRIES_AT_THE_END: u32 = 2;
/// How many times an owner that changes while it is looked at is followed.
const OWNERS_FOLLOWED: u32 = 6;

/// Cuts in Kafka, in the hands of one worker in one of its lives.
pub struct Kafka {
    options: Arc<Options>,
    logs: Arc<Logs>,
    /// The number of the first of them.
    first_log: u32,
    /// The transactional id of this life, which is the owner in its cuts.
    owner: String,
    consumer: Arc<Consumer>,
    /// Set when the process is to end: nothing is then waited for without end.
    ending: Arc<AtomicBool>,
    /// Only whoever commits has one.
    producer: Option<Producer>,
    stable: Option<Arc<Lookup>>,
    unstable: Option<Arc<Lookup>>,
    /// Transactional ids that were fenced in this life; each is fenced once.
    fenced: Vec<String>,
    dead_letters: Vec<DeadLetter>,
    /// How often a call had to be repeated, or the cut asked for.
    doubts: u64,
}

impl Kafka {
    /// For whoever reads cuts and claims logs, and commits nothing.
    pub fn reader(
        options: Arc<Options>,
        logs: Arc<Logs>,
        owner: &str,
        consumer: Arc<Consumer>,
        ending: Arc<AtomicBool>,
    ) -> Kafka {
        Kafka {
            options,
            logs,
            first_log: 0,
            owner: owner.into(),
            consumer,
            ending,
            producer: None,
            stable: None,
            unstable: None,
            fenced: Vec::new(),
            dead_letters: Vec::new(),
            doubts: 0,
        }
    }

    /// For whoever commits: the producer is made and initialised here, so that nobody else writes under this id.
    pub fn writer(
        options: Arc<Options>,
        logs: Arc<Logs>,
        owner: &str,
        consumer: Arc<Consumer>,
        ending: Arc<AtomicBool>,
    ) -> Result<Kafka, SinkError> {
        let mut sink = Kafka::reader(options, logs, owner, consumer, ending);
        sink.producer = Some(sink.make_producer(owner)?);
        // Whoever fences it will say this name.
        tracing::info!(owner, "a writer begins");
        Ok(sink)
    }

    /// Numbers the logs from here on: the aggregate's own comes after those of the workers.
    pub fn numbered_from(mut self, first_log: u32) -> Kafka {
        self.first_log = first_log;
        self
    }

    /// A record that could not be used is written with the next cut.
    pub fn bury(&mut self, letter: DeadLetter) {
        if self.options.dead_letters.is_some() {
            self.dead_letters.push(letter);
        }
    }

    /// How often a commit had to be repeated or asked for.
    pub fn doubts(&self) -> u64 {
        self.doubts
    }

    /// Writes the cuts of several logs as one.
    pub fn commit_all(&mut self, transactions: &[&Transaction]) -> Result<(), SinkError> {
        let written =
            if self.options.transactions { self.transact(transactions) } else { self.deliver(transactions) };
        phase::enter(Phase::Idle);
        if written.is_ok() {
            self.dead_letters.clear();
        }
        written
    }

    fn transact(&mut self, transactions: &[&Transaction]) -> Result<(), SinkError> {
        let Some(group) = self.consumer.metadata() else {
            return Err(left_behind("this member is in no group"));
        };
        let offsets = self.offsets(transactions)?;
        let producer = self.producer()?;
        phase::enter(Phase::Sending);
        let sent = producer
            .begin()
            .and_then(|()| self.send(transactions))
            .and_then(|()| self.repeat(|| producer.send_offsets(&offsets, &group, CALL)));
        if let Err(error) = sent {
            return Err(self.give_up(error));
        }
        phase::enter(Phase::Committing);
        match self.repeat(|| producer.commit(CALL)) {
            Ok(()) => Ok(()),
            Err(error) if error.retriable => Err(SinkError::InDoubt { place: self.options.alerts.clone() }),
            Err(error) => Err(self.give_up(error)),
        }
    }

    /// Ends a transaction that cannot be committed. What to do about it depends on whether this life may go on.
    fn give_up(&self, error: kafka::Error) -> SinkError {
        if error.fatal || error.is_fenced() {
            return SinkError::Fenced { owner: self.owner.clone(), error: error.to_string() };
        }
        let Some(producer) = &self.producer else { return unreachable(&self.options.alerts, &error) };
        match self.repeat(|| producer.abort(CALL)) {
            Ok(()) => SinkError::Refused { error: error.to_string(), left_behind: error.is_left_behind() },
            Err(abort) => SinkError::Fenced { owner: self.owner.clone(), error: format!("{error}; {abort}") },
        }
    }

    /// Delivers what is to be said and commits the cuts then.
    fn deliver(&mut self, transactions: &[&Transaction]) -> Result<(), SinkError> {
        let offsets = self.offsets(transactions)?;
        let producer = self.producer()?;
        let refused = |error: kafka::Error| SinkError::Refused {
            left_behind: error.is_left_behind(),
            error: error.to_string(),
        };
        self.send(transactions).map_err(refused)?;
        self.repeat(|| producer.flush(CALL)).map_err(refused)?;
        self.repeat(|| self.consumer.commit(&offsets)).map_err(refused)
    }

    fn send(&self, transactions: &[&Transaction]) -> kafka::Result<()> {
        let Some(producer) = &self.producer else { return Ok(()) };
        for transaction in transactions {
            let partition = Some(self.alerts_partition(transaction.log));
            for record in &transaction.alerts {
                let (key, value) = (record.change.alert.id.to_string(), json(record));
                producer.send(&output(&self.options.alerts, partition, &key, &value))?;
            }
            if let (Some(topic), Some(partial)) = (&self.options.partials, &transaction.partial) {
                let key = transaction.log.to_string();
                for part in partial.parts(PARTIAL_BYTES_MAX) {
                    producer.send(&output(topic, Some(0), &key, &encode_partial(&part)))?;
                }
            }
        }
        self.dead_letters.iter().try_for_each(|letter| self.send_dead(producer, letter))
    }

    fn send_dead(&self, producer: &Producer, letter: &DeadLetter) -> kafka::Result<()> {
        let Some(topic) = &self.options.dead_letters else { return Ok(()) };
        let (from, partition, offset) = &letter.position;
        let (partition, offset) = (partition.to_string(), offset.to_string());
        let headers: [(&str, &[u8]); 5] = [
            ("watchbell.topic", from.as_bytes()),
            ("watchbell.partition", partition.as_bytes()),
            ("watchbell.offset", offset.as_bytes()),
            ("watchbell.reason", letter.reason.0.as_bytes()),
            ("watchbell.detail", letter.reason.1.as_bytes()),
        ];
        producer.send(&Output {
            topic,
            partition: None,
            key: &letter.key,
            payload: &letter.payload,
            timestamp_ms: None,
            headers: &headers,
        })
    }

    fn offsets(&self, transactions: &[&Transaction]) -> Result<Vec<Offset>, SinkError> {
        transactions.iter().map(|transaction| self.offset(transaction.log, &transaction.cut)).collect()
    }

    fn offset(&self, log: u32, cut: &CutRecord) -> Result<Offset, SinkError> {
        let (topic, partition) = self.logs.partition(log - self.first_log);
        let noted = Noted { cut, partitions: Some(self.logs.partitions(&topic)) };
        let mut metadata = serde_json::to_string(&noted).map_err(|error| unreachable(&topic, &error))?;
        // Some clients read on until the end of a line.
        metadata.push('\n');
        Ok(Offset { topic, partition, next_offset: cut.next_offset, metadata })
    }

    fn alerts_partition(&self, log: u32) -> i32 {
        let of_logs = self.options.alerts_partitions.saturating_sub(1).max(1);
        if self.first_log > 0 { of_logs as i32 } else { (log % of_logs) as i32 }
    }

    fn producer(&self) -> Result<&Producer, SinkError> {
        let missing = || SinkError::Refused { error: "this handle only reads".into(), left_behind: false };
        self.producer.as_ref().ok_or_else(missing)
    }

    /// A producer with an id, as the only one that has it.
    fn make_producer(&self, id: &str) -> Result<Producer, SinkError> {
        let timeout = self.options.transaction_timeout.as_millis().to_string();
        // Without a linger: where records still waited when their transaction was aborted, a reader of the committed was
        // seen to get some of them all the same.
        let ours = [("transaction.timeout.ms", timeout.as_str()), ("linger.ms", "0")];
        let transactional = self.options.transactions.then_some(id);
        let ours = if transactional.is_some() { &ours[..] } else { &ours[1..] };
        let made = Producer::new(&self.options.connection, transactional, ours);
        let producer = made.map_err(|error| unreachable(&self.options.alerts, &error))?;
        if transactional.is_some() {
            let init = self.repeat(|| producer.init(CALL));
            init.map_err(|error| unreachable(&format!("transactional id {id}"), &error))?;
        }
        Ok(producer)
    }

    /// Repeats a call for as long as it may be repeated.
    fn repeat<T>(&self, mut call: impl FnMut() -> kafka::Result<T>) -> kafka::Result<T> {
        let (mut tries, mut waited, mut told_next) = (0, Duration::ZERO, TOLD_AFTER);
        loop {
            match call() {
                Err(error) if error.retriable => {
                    tries += u32::from(self.ending.load(Ordering::Relaxed));
                    if tries > TRIES_AT_THE_END || self.consumer.is_lost() {
                        return Err(error);
                    }
                    tracing::debug!(%error, "the brokers keep a call waiting; it is repeated");
                    let timed_out = error.code == "_TIMED_OUT";
                    if timed_out {
                        kafka::revive();
                    }
                    std::thread::sleep(PAUSE);
                    waited += if timed_out { CALL } else { PAUSE };
                    if waited >= told_next {
                        told_next = waited + TOLD_EVERY;
                        let seconds = waited.as_secs();
                        tracing::warn!(%error, seconds, "the brokers keep a call waiting, and nothing is written meanwhile");
                    }
                }
                answered => return answered,
            }
        }
    }

    /// The last cut; a reader of the committed waits for the end of a transaction that might still change it.
    fn read_cut(&mut self, log: u32, isolation: Isolation) -> Result<Option<CutRecord>, SinkError> {
        let (topic, partition) = self.logs.partition(log - self.first_log);
        let lookup = self.lookup(isolation, &topic)?;
        let read = self.repeat(|| lookup.committed(&topic, partition, CALL));
        let Some(found) = read.map_err(|error| unreachable(&topic, &error))? else { return Ok(None) };
        let place = format!("{topic}/{partition}, offset of group {}", self.options.group);
        let Noted { cut, .. } = Noted::<CutRecord>::read(&found.metadata).ok_or_else(|| {
            let what = "it was committed by another program: give this group a name of its own".to_owned();
            SinkError::Damaged { place: place.clone(), what }
        })?;
        if cut.next_offset != found.next_offset {
            let what = format!("offset {} and cut {} differ", found.next_offset, cut.next_offset);
            return Err(SinkError::Damaged { place, what });
        }
        Ok(Some(cut))
    }

    /// A reader of `place`; there is one of each kind.
    fn lookup(&mut self, isolation: Isolation, place: &str) -> Result<Arc<Lookup>, SinkError> {
        let kept = match isolation {
            Isolation::Committed => &mut self.stable,
            Isolation::Uncommitted => &mut self.unstable,
        };
        if let Some(lookup) = kept {
            return Ok(lookup.clone());
        }
        let made = Lookup::new(&self.options.connection, &self.options.group, isolation);
        let lookup = Arc::new(made.map_err(|error| unreachable(place, &error))?);
        *kept = Some(lookup.clone());
        Ok(lookup)
    }

    /// The first offset of a log that is still there.
    pub fn beginning(&mut self, log: u32) -> Result<u64, SinkError> {
        let place = self.logs.partition(log - self.first_log);
        let lookup = self.lookup(Isolation::Committed, &place.0)?;
        let asked = self.repeat(|| lookup.beginnings(std::slice::from_ref(&place), CALL));
        let beginnings = asked.map_err(|error| unreachable(&place.0, &error))?;
        Ok(beginnings.first().copied().unwrap_or(0))
    }

    /// The end of the alerts of a log, of open transactions, too.
    fn alerts_end_of_all(&mut self, log: u32) -> Result<u64, SinkError> {
        let place = (self.options.alerts.clone(), self.alerts_partition(log));
        let lookup = self.lookup(Isolation::Uncommitted, &place.0)?;
        let asked = self.repeat(|| lookup.ends(std::slice::from_ref(&place), CALL));
        let ends = asked.map_err(|error| unreachable(&place.0, &error))?;
        Ok(ends.first().copied().unwrap_or(0))
    }

    /// Takes the place of a producer that may still be writing: its open transaction ends now.
    fn fence_owner(&mut self, owner: &str) -> Result<(), SinkError> {
        if !self.options.transactions || self.fenced.iter().any(|fenced| fenced == owner) {
            return Ok(());
        }
        drop(self.make_producer(owner)?);
        tracing::info!(owner, "whoever wrote for the log was fenced");
        self.fenced.push(owner.to_owned());
        Ok(())
    }
}

impl Sink for Kafka {
    fn commit(&mut self, transaction: Transaction) -> Result<(), SinkError> {
        self.commit_all(&[&transaction])
    }

    fn claim(&mut self, log: u32, cut: CutRecord) -> Result<(), SinkError> {
        let offset = self.offset(log, &cut)?;
        let claimed = self.repeat(|| self.consumer.commit(std::slice::from_ref(&offset)));
        claimed.map_err(|error| SinkError::Refused {
            left_behind: error.is_left_behind(),
            error: error.to_string(),
        })
    }

    fn fence(&mut self, log: u32) -> Result<Option<CutRecord>, SinkError> {
        let owner = |cut: &Option<CutRecord>| cut.as_ref().map(|cut| cut.owner.clone()).unwrap_or_default();
        let mut stable = None;
        for _ in 0..OWNERS_FOLLOWED {
            let writing = owner(&self.read_cut(log, Isolation::Uncommitted)?);
            if !writing.is_empty() && writing != self.owner {
                self.fence_owner(&writing)?;
            }
            stable = self.read_cut(log, Isolation::Committed)?;
            if owner(&stable) == writing {
                break;
            }
        }
        Ok(stable)
    }

    fn cut(&mut self, log: u32) -> Result<Option<CutRecord>, SinkError> {
        self.read_cut(log, Isolation::Committed)
    }

    fn settle(&mut self) -> Result<(), SinkError> {
        // A new producer with the same id ends what the old one had begun, one way or the other.
        self.producer = None;
        self.producer = Some(self.make_producer(&self.owner.clone())?);
        self.doubts += 1;
        Ok(())
    }

    fn alerts(&mut self, log: u32, from: u64, visit: &mut dyn FnMut(Record)) -> Result<u64, SinkError> {
        let topic = self.options.alerts.clone();
        // A transaction ends in one partition after the other: that the cut is there does not say that its alerts are
        // readable. What was written before the cut was asked for stands before this end.
        let until = self.alerts_end_of_all(log)?;
        let lookup = self.lookup(Isolation::Committed, &topic)?;
        let mut damaged = None;
        let place = (topic.as_str(), self.alerts_partition(log));
        let stop = || self.ending.load(Ordering::Relaxed);
        let read = lookup.read(place, (from, until), ALERTS_PATIENCE, &stop, &mut |message| {
            match serde_json::from_slice::<Record>(message.payload()) {
                Ok(record) if record.log == log => visit(record),
                Ok(_) => {}
                Err(error) => damaged = Some((message.offset(), error.to_string())),
            }
            damaged.is_none()
        });
        let next = read.map_err(|error| unreachable(&topic, &error))?;
        match damaged {
            Some((offset, what)) => {
                let place = format!("{topic}/{} at offset {offset}", self.alerts_partition(log));
                Err(SinkError::Damaged { place, what: format!("is not an alert of this program: {what}") })
            }
            None => Ok(next),
        }
    }

    fn alerts_end(&self, log: u32) -> Option<u64> {
        self.producer.as_ref()?.delivered(&self.options.alerts, self.alerts_partition(log))
    }
}

fn output<'a>(topic: &'a str, partition: Option<i32>, key: &'a str, payload: &'a [u8]) -> Output<'a> {
    Output { topic, partition, key: key.as_bytes(), payload, timestamp_ms: None, headers: &[] }
}

fn json(record: &Record) -> Vec<u8> {
    serde_json::to_vec(record).expect("alerts are plain data")
}

/// The version of a partial's bytes, the first of them.
const PARTIAL_VERSION: u8 = 3;
/// The version before, which ended before the last list of this one.
const PARTIAL_VERSION_2: u8 = 2;
/// A partial that is larger is written as several records: brokers take 1 MB at most by default.
const PARTIAL_BYTES_MAX: usize = 500_000;

/// A partial as it is written.
pub fn encode_partial(partial: &Partial) -> Vec<u8> {
    postcard::to_extend(partial, vec![PARTIAL_VERSION]).expect("partials are plain data")
}

/// A partial as it was written; what is wrong with it otherwise.
pub fn decode_partial(bytes: &[u8]) -> Result<Partial, String> {
    match bytes.split_first() {
        Some((&PARTIAL_VERSION, rest)) => postcard::from_bytes(rest).map_err(|error| error.to_string()),
        Some((&PARTIAL_VERSION_2, rest)) => {
            postcard::from_bytes(&[rest, &[0]].concat()).map_err(|error| error.to_string())
        }
        Some((version, _)) => Err(format!("it has version {version}, this program reads {PARTIAL_VERSION}")),
        None => Err("it is empty".into()),
    }
}

fn left_behind(error: &str) -> SinkError {
    SinkError::Refused { error: error.into(), left_behind: true }
}

fn unreachable(place: &str, error: &dyn std::fmt::Display) -> SinkError {
    SinkError::Unreachable { place: place.into(), error: error.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::Time;
    use crate::window::{Judged, Stamp};

    #[test]
    fn partials_of_the_version_before_are_read() {
        let stamp = Stamp { next_offset: 7, clock: Time::from_millis(9) };
        let judged = vec![(Time::from_millis(0), 3, Judged { n: 2, good: 1 })];
        let partial = Partial { log: 1, stamp, more: false, panes: Vec::new(), judged };
        assert_eq!(decode_partial(&encode_partial(&partial)), Ok(partial.clone()));
        let bare = Partial { judged: Vec::new(), ..partial };
        let mut before = encode_partial(&bare);
        assert_eq!(before.pop(), Some(0), "the list that was not there");
        before[0] = PARTIAL_VERSION_2;
        assert_eq!(decode_partial(&before), Ok(bare));
        assert!(decode_partial(&[9, 0]).expect_err("another program's").contains("version 9"));
    }
}
