//! What hangs on the wall: pictures for readers, and the state of the whole program.

use std::collections::{BTreeMap, VecDeque};
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, Sender, bounded};
use dashmap::DashMap;

use super::asked::Question;
use crate::alert::{Action, KINDS, Record};
use crate::detect::Dimension;
use crate::engine::clock::{self, Clock};
use crate::engine::picture::{
    AggregatePicture, CHANGES_MAX, ClockCounts, CommitmentPicture, DUE_MAX, DuePicture, LogPicture, Picture,
    Pictures, State,
};
use crate::kafka;
use crate::sla::explain::Explanation;
use crate::sla::policy::Policy;
use crate::time::Span;

/// Pictures of one process.
pub struct Shared {
    policy: Arc<Policy>,
    clock: Clock,
    blind: Duration,
    labels: Vec<Dimension>,
    logs: DashMap<u32, LogPicture>,
    watermarks: DashMap<u32, u64>,
    changes: Mutex<VecDeque<Record>>,
    said: Mutex<BTreeMap<(&'static str, &'static str), u64>>,
    aggregate: Mutex<Option<AggregatePicture>>,
    /// Who can be asked something.
    workers: Mutex<Vec<Sender<Question>>>,
    /// How often something new was hung up: readers wait for it to change.
    version: AtomicU64,
    /// By how many milliseconds the wall is away from where it should be; 0: it runs evenly.
    wall_off_ms: AtomicI64,
    /// Fences that were not answered, since the last one that was.
    unanswered: Mutex<Option<Unanswered>>,
    /// When the clients are told once more where the brokers are, after an outage.
    revive_at: Mutex<Option<Instant>>,
    stopping: AtomicBool,
}

/// Since when the brokers do not answer, and when the clients were last told where they are.
struct Unanswered {
    since: Instant,
    revived: Instant,
}

/// How long the brokers may not answer until the clients are told again where they are; later less and less often.
const REVIVE: Duration = Duration::from_secs(2);
/// How long after an outage they are told once more.
const REVIVE_AFTER: Duration = Duration::from_millis(500);
/// How long a worker may take to answer.
const PATIENCE: Duration = Duration::from_secs(2);

impl Shared {
    /// An empty wall.
    pub fn new(policy: Arc<Policy>, clock: Clock, blind: Duration, labels: Vec<Dimension>) -> Shared {
        let said = KINDS.iter().flat_map(|kind| Action::ALL.map(|action| ((*kind, action.name()), 0)));
        Shared {
            policy,
            clock,
            blind,
            labels,
            logs: DashMap::new(),
            watermarks: DashMap::new(),
            changes: Mutex::default(),
            said: Mutex::new(said.collect()),
            aggregate: Mutex::default(),
            workers: Mutex::default(),
            version: AtomicU64::new(0),
            wall_off_ms: AtomicI64::new(0),
            unanswered: Mutex::default(),
            revive_at: Mutex::default(),
            stopping: AtomicBool::new(false),
        }
    }

    /// The promises that are watched.
    pub fn policy(&self) -> &Arc<Policy> {
        &self.policy
    }

    /// Changes whenever something new hangs here.
    pub fn version(&self) -> u64 {
        self.version.load(Ordering::Acquire)
    }

    /// By how many seconds the wall is away from where the monotonic clock says it must be; 0 while it runs evenly.
    pub fn wall_jump_seconds(&self) -> f64 {
        self.wall_off_ms.load(Ordering::Relaxed) as f64 / 1_000.0
    }

    /// For how long the brokers have not answered; `None` while they do.
    pub fn unanswered(&self) -> Option<Duration> {
        let now = clock::instant();
        lock(&self.unanswered).as_ref().map(|outage| now.saturating_duration_since(outage.since))
    }

    /// Everything, as of now.
    pub fn picture(&self) -> Picture {
        let logs = self.logs();
        let due = soonest(logs.iter().flat_map(|log| log.due.iter().cloned()).collect());
        Picture {
            at: self.clock.at(clock::now()),
            speed: self.clock.speed(),
            state: self.state(&logs),
            version: env!("CARGO_PKG_VERSION"),
            commitments: self.commitments(&logs),
            due,
            changes: lock(&self.changes).iter().cloned().collect(),
            aggregate: lock(&self.aggregate).clone(),
            logs,
        }
    }

    /// The logs of this process, by number.
    pub fn logs(&self) -> Vec<LogPicture> {
        let mut logs: Vec<LogPicture> = self.logs.iter().map(|log| log.value().clone()).collect();
        logs.sort_by_key(|log| log.log);
        let silent = self.unanswered();
        for log in &mut logs {
            log.high_watermark =
                self.watermarks.get(&log.log).map_or(log.end_offset, |end| *end).max(log.end_offset);
            if let Some(silent) = silent {
                log.fence_age_seconds = log.fence_age_seconds.max(silent.as_secs_f64());
                if silent > self.blind && log.state == State::Live {
                    log.state = State::Blind;
                }
            }
        }
        logs
    }

    fn state(&self, logs: &[LogPicture]) -> State {
        if self.stopping.load(Ordering::Relaxed) {
            return State::Stopping;
        }
        if self.wall_off_ms.load(Ordering::Relaxed) != 0
            || self.unanswered().is_some_and(|since| since > self.blind)
        {
            return State::Blind;
        }
        logs.iter().map(|log| log.state).max().unwrap_or(State::Starting)
    }

    fn commitments(&self, logs: &[LogPicture]) -> Vec<CommitmentPicture> {
        let count = |index: usize| {
            let counted = logs.iter().flat_map(|log| &log.clocks);
            let mine = counted.filter(|one| usize::from(one.commitment) == index);
            mine.fold(ClockCounts::default(), |sum, one| sum.plus(&one.counts))
        };
        let named = self.policy.commitments.iter().enumerate();
        let pictures = named.map(|(index, one)| CommitmentPicture {
            name: one.name.clone(),
            title: one.title.clone(),
            counts: count(index),
        });
        // Versions of one commitment are one to whoever looks at it.
        let mut by_name: Vec<CommitmentPicture> = Vec::new();
        for picture in pictures {
            match by_name.iter_mut().find(|known| known.name == picture.name) {
                Some(known) => known.counts = known.counts.plus(&picture.counts),
                None => by_name.push(picture),
            }
        }
        by_name
    }

    /// Asks all workers how the clocks of a subject come to their verdicts.
    pub fn explain(&self, subject: &str) -> Vec<Explanation> {
        let workers = lock(&self.workers).clone();
        let (answer, answers) = bounded(workers.len().max(1));
        let question = Question::Explain { subject: subject.into(), answer };
        let asked = workers.iter().filter(|worker| worker.try_send(question.clone()).is_ok()).count();
        drop(question);
        (0..asked).filter_map(|_| answers.recv_timeout(PATIENCE).ok()).flatten().collect()
    }

    /// Where a worker hears what it is asked.
    pub(super) fn listen(&self) -> Receiver<Question> {
        let (to, questions) = bounded(64);
        lock(&self.workers).push(to);
        questions
    }

    pub(super) fn hang(&self, picture: LogPicture) {
        self.logs.insert(picture.log, picture);
        self.changed();
    }

    pub(super) fn take_down(&self, log: u32) {
        self.logs.remove(&log);
        self.watermarks.remove(&log);
        self.changed();
    }

    pub(super) fn say(&self, records: &[Record]) {
        let mut changes = lock(&self.changes);
        for record in &records[records.len().saturating_sub(CHANGES_MAX)..] {
            changes.push_front(record.clone());
        }
        changes.truncate(CHANGES_MAX);
        drop(changes);
        let mut said = lock(&self.said);
        for record in records {
            *said.entry((record.change.alert.about.kind(), record.change.action.name())).or_default() += 1;
        }
        drop(said);
        self.changed();
    }

    pub(super) fn hang_aggregate(&self, picture: Option<AggregatePicture>) {
        *lock(&self.aggregate) = picture;
        self.changed();
    }

    pub(super) fn high_watermark(&self, log: u32, end: u64) {
        self.watermarks.insert(log, end);
    }

    pub(super) fn no_fence(&self, error: &kafka::Error) {
        let now = clock::instant();
        let mut unanswered = lock(&self.unanswered);
        let outage = unanswered.get_or_insert_with(|| {
            tracing::warn!(%error, "the brokers do not say where the logs end: the clocks stand still until they do");
            Unanswered { since: now, revived: now }
        });
        let wait = REVIVE.max(now.saturating_duration_since(outage.since) / 10);
        let is_due = now.saturating_duration_since(outage.revived) >= wait;
        outage.revived = if is_due { now } else { outage.revived };
        // Whoever asks how things are must not wait for librdkafka.
        drop(unanswered);
        if is_due {
            kafka::revive();
        }
    }

    pub(super) fn fence_answered(&self) {
        if let Some(Unanswered { since, .. }) = lock(&self.unanswered).take() {
            let seconds = clock::instant().saturating_duration_since(since).as_secs_f64();
            tracing::info!(seconds, "the brokers answer again");
            kafka::lines::over();
            // Others may have asked while the broker knew of none.
            *lock(&self.revive_at) = Some(clock::instant() + REVIVE_AFTER);
        } else if lock(&self.revive_at).take_if(|at| *at <= clock::instant()).is_some() {
            kafka::revive();
        }
    }

    pub(super) fn wall_jumped(&self, by: Span) {
        if self.wall_off_ms.swap(by.millis(), Ordering::Relaxed) == 0 {
            let probation = clock::Wall::probation().as_secs();
            tracing::error!(
                seconds = by.seconds(),
                "the system's clock jumped: the clocks stand still until it is back, or has run evenly for {probation} s"
            );
        }
    }

    pub(super) fn wall_is_even(&self) {
        if self.wall_off_ms.swap(0, Ordering::Relaxed) != 0 {
            tracing::info!("the system's clock is believed again");
        }
    }

    pub(super) fn stopping(&self) {
        self.stopping.store(true, Ordering::Relaxed);
        self.changed();
    }

    fn changed(&self) {
        self.version.fetch_add(1, Ordering::Release);
    }
}

/// Those with the least time left, and some that are overdue: however many of these there are, what can still be kept
/// is shown. In the order of their dues.
fn soonest(due: Vec<DuePicture>) -> Vec<DuePicture> {
    let (mut overdue, mut open): (Vec<DuePicture>, Vec<DuePicture>) =
        due.into_iter().partition(|one| one.breached);
    let order = |a: &DuePicture, b: &DuePicture| (a.due, &a.subject).cmp(&(b.due, &b.subject));
    overdue.sort_by(|a, b| order(b, a));
    open.sort_by(order);
    overdue.truncate(DUE_MAX.saturating_sub(open.len()).max(DUE_MAX / 3));
    open.truncate(DUE_MAX - overdue.len());
    overdue.reverse();
    overdue.into_iter().chain(open).collect()
}

impl Pictures for Shared {
    fn picture(&self) -> Picture {
        Shared::picture(self)
    }

    fn said(&self) -> BTreeMap<(&'static str, &'static str), u64> {
        lock(&self.said).clone()
    }

    fn wall_jump_seconds(&self) -> f64 {
        Shared::wall_jump_seconds(self)
    }

    fn unanswered_seconds(&self) -> f64 {
        self.unanswered().map_or(0.0, |since| since.as_secs_f64())
    }

    fn labels(&self) -> &[Dimension] {
        &self.labels
    }

    fn commitment(&self, place: u16) -> Option<Arc<str>> {
        self.policy.commitments.get(usize::from(place)).map(|one| one.name.clone())
    }

    fn explain(&self, subject: &str) -> Vec<Explanation> {
        Shared::explain(self, subject)
    }
}

/// A panic of another thread leaves whole pictures behind.
fn lock<T>(of: &Mutex<T>) -> MutexGuard<'_, T> {
    of.lock().unwrap_or_else(PoisonError::into_inner)
}
