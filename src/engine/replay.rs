//! How is a finished input judged? Workers read their logs with the log's own clock, and one aggregate sees what they
//! count, in an order that does not depend on how many workers there are.
//!
//! ```text
//!   spool ─┬─ worker 0: logs 0, 2, 4 … ─┬─ alerts, outcomes ─────────────┐
//!          └─ worker 1: logs 1, 3, 5 … ─┴─ partials ─► by (clock, log) ─► aggregate ─► signals, crises
//! ```
//!
//! The clock of a log is its log time, and the ticks the source gives. It is moved **before** a record is read and in
//! steps from one instant to the next, so an alert's life looks as it would have looked live, and a cut is taken at
//! every step that changes what stands.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, bounded};

use super::conduct::Conduct;
use super::partition::{Outcome as Became, Partition};
use super::tally::Tally;
use crate::aggregate::{self, Aggregate};
use crate::alert;
use crate::event::{Position, Reject, vocabulary};
use crate::lifecycle::Lifecycles;
use crate::lifecycle::keeper::Keeper;
use crate::shard::{self, Read};
use crate::sink::SinkError;
use crate::sink::changelog::{Changelog, Lines};
use crate::sla::outcome::Outcome;
use crate::sla::policy::Policy;
use crate::source::{Item, Record, Source, SourceError};
use crate::time::Time;
use crate::window::Judged;
use crate::window::Partial;

/// How many records a worker asks for at once.
const BATCH: usize = 1_024;
/// How many partials may wait for the aggregate.
const PARTIALS_WAITING_MAX: usize = 1_024;
/// How many rejects are kept with their position, per worker; all are counted.
const REJECTS_MAX: usize = 10_000;
/// How many unknown types are told apart, per worker.
const UNKNOWN_MAX: usize = 1_000;

/// What is to be judged, and how.
pub struct Job {
    /// The promises.
    pub policy: Arc<Policy>,
    /// The ways that cases should go.
    pub lifecycles: Arc<Lifecycles>,
    /// How logs are read.
    pub options: shard::Options,
    /// How series are judged.
    pub aggregate: aggregate::Options,
    /// How many logs there are.
    pub logs: u32,
    /// How many threads read them; at least 1.
    pub workers: usize,
    /// Whether the changelog is wanted.
    pub keep_alerts: bool,
    /// Whether every outcome is wanted, and not their sums alone.
    pub keep_outcomes: bool,
}

/// What came of it.
pub struct Replayed {
    /// Every clock and its verdict, by start, subject and commitment, where they are wanted.
    pub outcomes: Vec<Outcome>,
    /// The sums over all outcomes.
    pub tally: Tally,
    /// The sums over all courses.
    pub conduct: Conduct,
    /// The changelog.
    pub lines: Lines,
    /// What the series said.
    pub aggregate: Aggregate,
    /// What was read.
    pub counts: Counts,
    /// How many events each worker applied.
    pub applied_by_worker: Vec<u64>,
    /// Records that could be decoded and were refused, by position, the first of them.
    pub rejects: Vec<Reject>,
}

/// What was read.
#[derive(Clone, Debug, Default)]
pub struct Counts {
    /// Records handed on by the source.
    pub records: u64,
    /// Events that a clock or a count took note of.
    pub applied: u64,
    /// Events delivered twice.
    pub duplicates: u64,
    /// Events whose type is neither standard nor asked for, by type.
    pub unknown: BTreeMap<String, u64>,
    /// Records refused, by [`crate::event::Reason::code`].
    pub rejected: BTreeMap<&'static str, u64>,
    /// The policy's tallies, in their order.
    pub tallies: Vec<u64>,
    /// What the policy's objectives count of events, by what they are kept under.
    pub shares: BTreeMap<u64, Judged>,
    /// Alerts raised and taken back.
    pub raised: u64,
    /// Alerts retracted.
    pub retracted: u64,
}

impl Counts {
    fn add(&mut self, other: Counts) {
        self.records += other.records;
        self.applied += other.applied;
        self.duplicates += other.duplicates;
        self.raised += other.raised;
        self.retracted += other.retracted;
        other.unknown.into_iter().for_each(|(kind, n)| *self.unknown.entry(kind).or_default() += n);
        other.rejected.into_iter().for_each(|(code, n)| *self.rejected.entry(code).or_default() += n);
        self.tallies.resize(self.tallies.len().max(other.tallies.len()), 0);
        self.tallies.iter_mut().zip(other.tallies).for_each(|(sum, n)| *sum += n);
        other.shares.iter().for_each(|(id, judged)| self.shares.entry(*id).or_default().add(judged));
    }
}

/// Why a replay came to no end.
#[derive(Debug, thiserror::Error)]
pub enum ReplayError {
    /// The input could not be read.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// The output could not be written.
    #[error(transparent)]
    Sink(#[from] SinkError),
}

/// What a worker found.
struct Worked {
    outcomes: Vec<Outcome>,
    tally: Tally,
    conduct: Conduct,
    lines: Lines,
    counts: Counts,
    rejects: Vec<Reject>,
}

/// What the aggregate found.
struct Summed {
    aggregate: Aggregate,
    lines: Lines,
    raised: u64,
    retracted: u64,
}

/// Judges everything a source has. `source` makes one for each worker; `progress` hears how many records were read.
pub fn run<S: Source + Send>(
    job: &Job,
    source: impl Fn() -> S,
    progress: &mut dyn FnMut(u64),
    cancel: &AtomicBool,
) -> Result<Replayed, ReplayError> {
    let read = AtomicU64::new(0);
    let (partials, incoming) = bounded(PARTIALS_WAITING_MAX);
    let (done, ends) = bounded::<()>(0);
    std::thread::scope(|scope| {
        let summing = scope.spawn(|| sum(job, &incoming));
        let workers: Vec<_> = (0..job.workers)
            .map(|n| {
                let (partials, done, source, read) = (partials.clone(), done.clone(), source(), &read);
                scope.spawn(move || {
                    let worked = work(job, n, source, &partials, read, cancel);
                    drop(done);
                    worked
                })
            })
            .collect();
        drop((partials, done));
        while ends.recv_timeout(Duration::from_millis(100)) == Err(RecvTimeoutError::Timeout) {
            progress(read.load(Ordering::Relaxed));
        }
        let worked: Result<Vec<Worked>, ReplayError> = workers
            .into_iter()
            .map(|worker| worker.join().expect("a worker's panic ends the program"))
            .collect();
        let summed = summing.join().expect("the aggregate's panic ends the program");
        Ok(gather(worked?, summed, Conduct::new(&job.lifecycles)))
    })
}

fn gather(worked: Vec<Worked>, summed: Summed, conduct: Conduct) -> Replayed {
    let applied_by_worker = worked.iter().map(|worker| worker.counts.applied).collect();
    let (outcomes, tally, counts, rejects) = Default::default();
    let mut all = Replayed {
        outcomes,
        tally,
        conduct,
        lines: summed.lines,
        aggregate: summed.aggregate,
        counts,
        applied_by_worker,
        rejects,
    };
    for worker in worked {
        all.outcomes.extend(worker.outcomes);
        all.tally.merge(worker.tally);
        all.conduct.merge(worker.conduct);
        all.lines.merge(worker.lines);
        all.counts.add(worker.counts);
        all.rejects.extend(worker.rejects);
    }
    all.counts.raised += summed.raised;
    all.counts.retracted += summed.retracted;
    all.rejects.sort_by(|a, b| a.position.cmp(&b.position));
    all.outcomes.sort_unstable_by(|a, b| {
        let by_case = a.started.cmp(&b.started).then_with(|| a.subject.cmp(&b.subject));
        by_case.then_with(|| a.commitment.cmp(&b.commitment)).then_with(|| a.start_event.cmp(&b.start_event))
    });
    all
}

/// One worker: every `workers`-th log.
fn work(
    job: &Job,
    n: usize,
    mut source: impl Source,
    partials: &Sender<Partial>,
    read: &AtomicU64,
    cancel: &AtomicBool,
) -> Result<Worked, ReplayError> {
    let mut logs: BTreeMap<u32, (Partition, Keeper)> = BTreeMap::new();
    for log in (n as u32..job.logs).step_by(job.workers) {
        source.assign(log, 0)?;
        let partition = Partition::new(job.policy.clone(), job.options.clone(), log, "replay");
        logs.insert(log, (partition, Keeper::new(job.lifecycles.clone(), job.options.horizon)));
    }
    // A receiver that is gone has failed, and says so itself.
    let hand_on = |partial| drop(partials.send(partial));
    let mut worker = Worker {
        policy: job.policy.clone(),
        lifecycles: job.lifecycles.clone(),
        keep_outcomes: job.keep_outcomes,
        tally: Tally::default(),
        conduct: Conduct::new(&job.lifecycles),
        sink: Changelog::new(job.keep_alerts, hand_on),
        counts: Counts { tallies: vec![0; job.policy.tallies.len()], ..Counts::default() },
        rejects: Vec::new(),
        outcomes: Vec::new(),
        failed: None,
    };
    loop {
        let mut visit = |record: Record<'_>| {
            let (partition, keeper) =
                logs.get_mut(&record.log).expect("a source hands on assigned logs only");
            worker.read(partition, keeper, &record);
        };
        let count = source.poll(BATCH, &mut visit)?;
        read.fetch_add(count as u64, Ordering::Relaxed);
        if let Some(error) = worker.failed.take() {
            return Err(error.into());
        }
        if cancel.load(Ordering::Relaxed) {
            return Err(SourceError::Cancelled.into());
        }
        if count == 0 {
            break;
        }
    }
    for (partition, keeper) in logs.into_values() {
        partition.shard().outcomes().for_each(|outcome| worker.judged(outcome));
        worker.conduct.overfull += keeper.overfull();
        keeper.finish(&mut |n, course| worker.conduct.add(&job.lifecycles, n, course));
    }
    Ok(Worked {
        outcomes: worker.outcomes,
        tally: worker.tally,
        conduct: worker.conduct,
        lines: worker.sink.finish(),
        counts: worker.counts,
        rejects: worker.rejects,
    })
}

/// What a worker has in hand besides its logs.
struct Worker<'a> {
    policy: Arc<Policy>,
    lifecycles: Arc<Lifecycles>,
    keep_outcomes: bool,
    tally: Tally,
    conduct: Conduct,
    sink: Changelog<'a>,
    counts: Counts,
    rejects: Vec<Reject>,
    outcomes: Vec<Outcome>,
    failed: Option<SinkError>,
}

impl Worker<'_> {
    /// Reads one record, with the clock brought up to it first.
    fn read(&mut self, partition: &mut Partition, keeper: &mut Keeper, record: &Record<'_>) {
        match &record.item {
            Item::Clock(time) => {
                self.step(partition, *time);
                self.cut(partition, true);
                return;
            }
            Item::Event(event) if partition.shard().admit(record.appended, event).is_ok() => {
                self.step(partition, event.time);
            }
            Item::Event(_) | Item::Reject(_) => {}
        }
        self.counts.records += 1;
        match partition.read(record) {
            Became::Read(Read::Duplicate) => self.counts.duplicates += 1,
            Became::Read(read) => self.count(read, keeper, record),
            Became::Rejected(reason) => {
                *self.counts.rejected.entry(reason.code()).or_default() += 1;
                if self.rejects.len() < REJECTS_MAX {
                    let position = Position { place: record.place.clone(), number: record.number };
                    self.rejects.push(Reject { position, reason });
                }
            }
        }
        if partition.shard().is_dirty() {
            self.cut(partition, false);
        }
    }

    fn count(&mut self, read: Read, keeper: &mut Keeper, record: &Record<'_>) {
        let Item::Event(event) = &record.item else { return };
        let Worker { lifecycles, conduct, .. } = self;
        keeper.take(event, &mut |n, course| conduct.add(lifecycles, n, course));
        for (sum, tally) in self.counts.tallies.iter_mut().zip(&self.policy.tallies) {
            *sum += u64::from(tally.on.iter().any(|condition| condition.holds(event)));
        }
        let counted = self.policy.counted(&event.kind).into_iter();
        for (id, good) in counted.flat_map(|counted| counted.shares(event)) {
            self.counts.shares.entry(id).or_default().add(&Judged { n: 1, good: u64::from(good) });
        }
        self.counts.applied += u64::from(read == Read::Applied);
        let is_named = self.policy.names(&event.kind) || self.lifecycles.names(&event.kind);
        if !is_named && !vocabulary::is_standard(&event.kind) {
            let known =
                self.counts.unknown.len() < UNKNOWN_MAX || self.counts.unknown.contains_key(&*event.kind);
            let kind = if known { event.kind.to_string() } else { "…".into() };
            *self.counts.unknown.entry(kind).or_default() += 1;
        }
    }

    /// Moves the clock from one instant at which something may change to the next.
    fn step(&mut self, partition: &mut Partition, to: Time) {
        while let Some(at) = partition.shard_mut().next_step(to) {
            partition.advance(at);
            if partition.shard().is_dirty() {
                self.cut(partition, false);
            }
        }
        partition.advance(to);
    }

    fn cut(&mut self, partition: &mut Partition, with_partial: bool) {
        let before = self.sink.counts();
        if let Err(error) = partition.cut(&mut self.sink, with_partial, false) {
            self.failed = Some(error);
        }
        let after = self.sink.counts();
        self.counts.raised += after.0 - before.0;
        self.counts.retracted += after.1 - before.1;
        for outcome in partition.shard_mut().take_ended() {
            self.judged(outcome);
        }
    }

    fn judged(&mut self, outcome: Outcome) {
        self.tally.add(&self.policy, &outcome);
        if self.keep_outcomes {
            self.outcomes.push(outcome);
        }
    }
}

/// The aggregate's thread: takes partials in the order (clock, log), which does not depend on the workers.
fn sum(job: &Job, incoming: &Receiver<Partial>) -> Summed {
    let mut aggregate = Aggregate::new(job.aggregate.clone(), job.logs);
    let mut written = Changelog::new(job.keep_alerts, |_| ());
    let mut waiting = Waiting::new(job.logs);
    let mut take = |partial: Partial| {
        aggregate.apply(partial);
        let changes = aggregate.changes();
        if changes.is_empty() {
            return;
        }
        let stamp = aggregate.stamp();
        for change in &changes {
            written.push(&alert::Record::new(change.clone(), job.logs, stamp));
        }
        aggregate.acknowledge(&changes);
    };
    for partial in incoming {
        waiting.push(partial);
        // While one log has nothing waiting, an earlier partial of it may still come.
        while waiting.silent == 0 {
            waiting.pop().into_iter().for_each(&mut take);
        }
    }
    while let Some(partial) = waiting.pop() {
        take(partial);
    }
    let (raised, retracted) = written.counts();
    Summed { aggregate, lines: written.finish(), raised, retracted }
}

/// Partials that wait for earlier ones of other logs.
struct Waiting {
    queues: Vec<VecDeque<Partial>>,
    /// The first of each queue, by clock and log.
    heads: BTreeSet<(Time, u32)>,
    /// How many logs have nothing waiting.
    silent: u32,
}

impl Waiting {
    fn new(logs: u32) -> Waiting {
        let queues = (0..logs).map(|_| VecDeque::new()).collect();
        Waiting { queues, heads: BTreeSet::new(), silent: logs }
    }

    fn push(&mut self, partial: Partial) {
        let (log, clock) = (partial.log, partial.stamp.clock);
        let queue = &mut self.queues[log as usize];
        queue.push_back(partial);
        if queue.len() == 1 {
            self.heads.insert((clock, log));
            self.silent -= 1;
        }
    }

    /// The earliest of all.
    fn pop(&mut self) -> Option<Partial> {
        let (_, log) = self.heads.pop_first()?;
        let queue = &mut self.queues[log as usize];
        let partial = queue.pop_front();
        match queue.front() {
            Some(next) => drop(self.heads.insert((next.stamp.clock, log))),
            None => self.silent += 1,
        }
        partial
    }
}
