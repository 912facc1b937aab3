//! One worker: which logs it holds, when it cuts, and how it lets go.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, Sender, select};

use super::asked::Question;
use super::fencing::{Fence, Owned};
use super::held::Held;
use super::keeping::{Kept, Task};
use super::life::{End, Parked};
use super::reading::Reading;
use super::refusals::Refusals;
use super::round::Rounds;
use super::shared::Shared;
use super::taking::{Answer, Cancelled, Order};
use super::{LiveError, MIGRATION, Settings};
use crate::engine::clock;
use crate::engine::partition::{Partition, Proposal};
use crate::engine::picture::{LogPicture, State};
use crate::engine::takeover::{Taken, TakeoverError};
use crate::event::Reason;
use crate::kafka::{Batch, Consumer, Event, Message, Offset};
use crate::shard::Standard;
use crate::sink::kafka::{DeadLetter, Kafka};
use crate::sink::{Sink, SinkError, Transaction};

/// How long the checkpoints of logs that are given up are waited for.
const CHECKPOINT_WAIT: Duration = Duration::from_secs(3);
/// How long logs that are being taken over are waited for at the end.
const TAKING_WAIT: Duration = Duration::from_secs(3);
/// How long nothing may happen before the worker looks around.
const LOOK_AROUND: Duration = Duration::from_millis(10);
/// How many messages are looked ahead at: as many as a processor fetches memory for at one time.
const AHEAD: usize = 16;
/// How often pictures are hung up.
const PICTURE: Duration = Duration::from_millis(500);
/// When a log that could not be taken over is tried again.
const AGAIN: Duration = Duration::from_millis(500);

/// What a worker hears.
pub(super) struct Inbox {
    pub(super) readings: Receiver<Reading>,
    pub(super) fences: Receiver<Fence>,
    pub(super) taken: Receiver<Answer>,
    pub(super) questions: Receiver<Question>,
}

/// A worker in one of its lives.
pub(super) struct Worker<'a> {
    settings: &'a Settings,
    shared: &'a Shared,
    consumer: &'a Consumer,
    sink: Kafka,
    held: BTreeMap<u32, Held>,
    /// Logs that the group says are ours.
    wanted: BTreeSet<u32>,
    /// Those of them that are being taken over.
    taking: BTreeSet<u32>,
    /// Those of them that could not be, and when they are tried again.
    later: Vec<(Instant, u32)>,
    orders: Sender<Order>,
    pub(super) cancelled: Cancelled,
    pub(super) owned: Owned,
    pub(super) parked: Parked,
    /// What is counted of logs that are being taken over with the state they had here.
    rounds: BTreeMap<u32, Rounds>,
    keeping: Sender<Task>,
    keeper: Receiver<Kept>,
    refusals: Refusals,
    last_cut: Instant,
    last_partial: Instant,
    last_picture: Instant,
}

impl<'a> Worker<'a> {
    pub(super) fn new(
        settings: &'a Settings,
        shared: &'a Shared,
        consumer: &'a Consumer,
        sink: Kafka,
        orders: Sender<Order>,
        (keeping, keeper): (Sender<Task>, Receiver<Kept>),
    ) -> Worker<'a> {
        let now = clock::instant();
        Worker {
            settings,
            shared,
            consumer,
            sink,
            held: BTreeMap::new(),
            wanted: BTreeSet::new(),
            taking: BTreeSet::new(),
            later: Vec::new(),
            orders,
            cancelled: Cancelled::default(),
            owned: Owned::default(),
            parked: Parked::new(),
            rounds: BTreeMap::new(),
            keeping,
            keeper,
            refusals: Refusals::default(),
            last_cut: now,
            last_partial: now,
            last_picture: now,
        }
    }

    pub(super) fn work(
        &mut self,
        inbox: &Inbox,
        answered: &Sender<()>,
        stop: &AtomicBool,
    ) -> Result<End, LiveError> {
        while !stop.load(Ordering::Relaxed) {
            let behind = self.held.values().any(|held| held.behind);
            select! {
                recv(inbox.readings) -> reading => match reading {
                    Ok(Reading::Batch(batch)) => {
                        if let Some(end) = self.read(&batch) {
                            return Ok(end);
                        }
                    }
                    Ok(Reading::Event(event)) => {
                        if let Some(end) = self.happened(event, inbox, answered)? {
                            return Ok(end);
                        }
                    }
                    Err(_) => return Ok(End::Again("nothing is read any more".into())),
                },
                recv(inbox.fences) -> fence => if let Ok(fence) = fence { self.hear(&fence) },
                recv(inbox.taken) -> answer => if let Ok(answer) = answer { self.taken(answer)? },
                recv(inbox.questions) -> question => if let Ok(question) = question { self.answer(&question) },
                default(if behind { Duration::ZERO } else { LOOK_AROUND }) => {}
            }
            if let Some(end) = self.tick() {
                return Ok(end);
            }
        }
        Ok(End::Stopped)
    }

    fn read(&mut self, batch: &Batch) -> Option<End> {
        let mut at: Option<(*const u8, i32, u32)> = None;
        for (n, message) in batch.iter().enumerate() {
            let (topic, partition) = (message.topic(), message.partition());
            // Messages come in runs: the name's place is compared, not the name.
            let log = match at {
                Some((known, of, log)) if std::ptr::eq(known, topic.as_ptr()) && of == partition => log,
                _ => match self.settings.logs.number(topic, partition) {
                    Some(log) => log,
                    None => continue,
                },
            };
            at = Some((topic.as_ptr(), partition, log));
            let Some(held) = self.held.get_mut(&log) else { continue };
            if n.is_multiple_of(AHEAD) {
                // What of these is of another log is looked for in vain, which costs little.
                held.warm(&batch[n..batch.len().min(n + AHEAD)]);
            }
            if message.is_end() {
                held.reach_end(message.offset());
            } else if let Some((code, text)) = message.error() {
                let place = &held.picture.place;
                return Some(End::Again(format!("{place} cannot be read on: {text} ({code})")));
            } else if let Some(reason) =
                held.read(message, &self.settings.clock, self.settings.pseudonyms.as_ref())
            {
                self.bury(message, &reason);
            }
        }
        None
    }

    fn bury(&mut self, message: &Message, reason: &Reason) {
        // Where persons are hidden, what could not be read may still name one: it stays where it is.
        let hidden = self.settings.pseudonyms.is_some();
        let kept = |bytes: &[u8]| if hidden { Vec::new() } else { bytes.to_vec() };
        self.sink.bury(DeadLetter {
            position: (message.topic().to_owned(), message.partition(), message.offset()),
            key: kept(message.key()),
            payload: kept(message.payload()),
            reason: (reason.code(), reason.to_string()),
        });
    }

    fn happened(
        &mut self,
        event: Event,
        inbox: &Inbox,
        answered: &Sender<()>,
    ) -> Result<Option<End>, LiveError> {
        match event {
            Event::Assigned(partitions) => {
                let logs = self.numbers(&partitions)?;
                if let Err(error) = self.consumer.accept() {
                    return Ok(Some(End::Again(error.to_string())));
                }
                tracing::info!(logs = ?logs, "the group gives logs to this worker");
                self.wanted.extend(&logs);
                logs.into_iter().for_each(|log| self.order(log));
            }
            Event::Revoked { lost: true, .. } => {
                return Ok(Some(End::Again("the assignment was lost".into())));
            }
            Event::Revoked { partitions, .. } => {
                let logs = self.numbers(&partitions)?;
                tracing::info!(logs = ?logs, "the group takes logs from this worker");
                if let Some(end) = self.revoked(&logs, inbox)? {
                    return Ok(Some(end));
                }
                let _ = answered.send(());
            }
            Event::Failed(error) if error.fatal => return Ok(Some(End::Again(error.to_string()))),
            Event::Failed(error) => tracing::debug!(%error, "librdkafka goes on by itself"),
        }
        Ok(None)
    }

    /// The numbers of partitions. One that has none appeared after the start.
    fn numbers(&self, partitions: &[(String, i32)]) -> Result<Vec<u32>, LiveError> {
        let number = |(topic, partition): &(String, i32)| {
            self.settings.logs.number(topic, *partition).ok_or_else(|| LiveError::Stuck {
                place: format!("{topic}/{partition}"),
                what: "the topic has grown since the start, and its subjects are split".into(),
                remedy: MIGRATION.into(),
            })
        };
        partitions.iter().map(number).collect()
    }

    fn order(&mut self, log: u32) {
        self.taking.insert(log);
        // It may have been given up and come back in the meantime: neither must reach this order.
        self.later.retain(|(_, later)| *later != log);
        self.cancelled.forget(log);
        // Seen from outside it is ours, and not ready.
        let (place, state) = (self.settings.logs.place(log), State::Starting);
        self.shared.hang(LogPicture { log, place, state, ..LogPicture::default() });
        let parked = self.parked.remove(&log).map(|(partition, rounds)| {
            self.rounds.insert(log, rounds);
            partition
        });
        let _ = self.orders.send(Order { log, parked });
    }

    fn taken(&mut self, answer: Answer) -> Result<(), LiveError> {
        let Answer { log, result } = answer;
        self.taking.remove(&log);
        let place = self.settings.logs.place(log);
        match result {
            Ok(taken) => self.begin(log, taken),
            Err(TakeoverError::Cancelled { .. }) => {}
            Err(error) if error.is_passing() => {
                tracing::warn!(%place, %error, "the log could not be taken over; it is tried again");
                self.later.push((clock::instant() + AGAIN, log));
            }
            Err(error) => {
                let (what, remedy) = (error.to_string(), error.remedy().to_owned());
                return Err(LiveError::Stuck { place: place.to_string(), what, remedy });
            }
        }
        Ok(())
    }

    fn begin(&mut self, log: u32, taken: Taken<Standard>) {
        let place = self.settings.logs.place(log);
        for problem in &taken.passed_over {
            tracing::warn!(%place, %problem, "a checkpoint was passed over for an older one");
        }
        if !self.wanted.contains(&log) {
            self.release_unread(&taken.partition);
            return;
        }
        let (topic, partition) = self.settings.logs.partition(log);
        let from = Offset { topic, partition, next_offset: taken.next_offset, metadata: String::new() };
        if let Err(error) = self.consumer.assign(&[from]) {
            tracing::warn!(%place, %error, "the log cannot be read yet; it is tried again");
            self.later.push((clock::instant() + AGAIN, log));
            return;
        }
        let until = taken.partition.catching_up().map_or(taken.next_offset, |cut| cut.next_offset);
        tracing::info!(%place, from = taken.next_offset, until, cut = taken.partition.seq(), "a log was taken over");
        // Logs that come together do not checkpoint together.
        let spread = self.settings.pace.checkpoint.mul_f64(f64::from(log % 16) / 16.0);
        let checkpoint_next = clock::instant() + self.settings.pace.checkpoint + spread;
        let kept = self.rounds.remove(&log).filter(|_| taken.partition.is_live());
        let rounds = kept.unwrap_or_else(|| Rounds::new(&self.settings.labels));
        self.held
            .insert(log, Held::new(taken.partition, place, checkpoint_next, rounds).beside(self.settings));
        self.own();
    }

    /// Tells the fences which logs they are for.
    fn own(&self) {
        self.owned.set(self.held.keys().copied().collect());
    }

    fn revoked(&mut self, logs: &[u32], inbox: &Inbox) -> Result<Option<End>, LiveError> {
        for log in logs {
            self.wanted.remove(log);
            self.later.retain(|(_, later)| later != log);
            if !self.held.contains_key(log) {
                self.shared.take_down(*log);
            }
            if self.taking.contains(log) {
                self.cancelled.add(*log);
            }
        }
        // A claim that is still on its way must not land after somebody else's.
        while logs.iter().any(|log| self.taking.contains(log)) {
            match inbox.taken.recv() {
                Ok(answer) => self.taken(answer)?,
                Err(_) => return Ok(Some(End::Again("logs are not taken over any more".into()))),
            }
        }
        let held: Vec<u32> = logs.iter().copied().filter(|log| self.held.contains_key(log)).collect();
        if let Err(error) = self.release(&held) {
            return Ok(Some(End::Again(error.to_string())));
        }
        let partitions: Vec<(String, i32)> =
            held.iter().map(|log| self.settings.logs.partition(*log)).collect();
        match self.consumer.unassign(&partitions) {
            Ok(()) => Ok(None),
            Err(error) => Ok(Some(End::Again(error.to_string()))),
        }
    }

    /// Gives logs up: a last cut that says so, a checkpoint for whoever comes next, and the state parked.
    fn release(&mut self, logs: &[u32]) -> Result<(), SinkError> {
        let (live, unread): (Vec<u32>, Vec<u32>) =
            logs.iter().partition(|log| self.held[log].may_cut(self.settings));
        for log in unread {
            if let Some(held) = self.held.remove(&log) {
                self.release_unread(&held.partition);
            }
        }
        for log in &live {
            self.held.get_mut(log).into_iter().for_each(|held| held.partition.rename(""));
        }
        match self.cut_logs(&live, true, true) {
            Ok(()) | Err(SinkError::Refused { left_behind: true, .. }) => {}
            Err(error) => return Err(error),
        }
        self.wait_for_checkpoints(&live);
        live.iter().for_each(|log| self.checkpoint(*log));
        self.wait_for_checkpoints(&live);
        live.into_iter().for_each(|log| self.park(log));
        self.own();
        Ok(())
    }

    /// Gives a log up that says nothing yet: the last cut again, owned by nobody.
    fn release_unread(&mut self, partition: &Partition<Standard>) {
        let log = partition.shard().log();
        self.shared.take_down(log);
        let released = partition.released().map_or(Ok(()), |cut| self.sink.claim(log, cut));
        if let Err(error) = released {
            tracing::debug!(%error, log, "the log could not be given up; the group has gone on");
        }
    }

    fn park(&mut self, log: u32) {
        self.shared.take_down(log);
        if let Some(held) = self.held.remove(&log) {
            self.parked.insert(log, (held.partition, held.rounds.park()));
        }
    }

    fn hear(&mut self, fence: &Fence) {
        for (log, end) in &fence.ends {
            if let Some(held) = self.held.get_mut(log) {
                held.hear(fence, *end, &self.settings.clock);
            }
        }
    }

    fn answer(&self, question: &Question) {
        match question {
            Question::Explain { subject, answer } => {
                let found =
                    self.held.values().flat_map(|held| held.partition.shard().explain(subject)).collect();
                let _ = answer.try_send(found);
            }
        }
    }

    /// Everything that depends on time.
    fn tick(&mut self) -> Option<End> {
        while let Ok(kept) = self.keeper.try_recv() {
            self.kept(kept);
        }
        self.held.values_mut().for_each(Held::step);
        let now = clock::instant();
        let (again, later) = std::mem::take(&mut self.later).into_iter().partition(|(at, _)| *at <= now);
        self.later = later;
        let again: Vec<(Instant, u32)> = again;
        for (_, log) in again {
            if self.wanted.contains(&log) {
                self.order(log);
            }
        }
        if let Err(error) = self.cut_if_due(now) {
            return Some(End::Again(error.to_string()));
        }
        if now.saturating_duration_since(self.last_picture) >= PICTURE {
            self.last_picture = now;
            self.hang();
        }
        None
    }

    fn hang(&mut self) {
        let (settings, at) = (self.settings, self.settings.clock.at(clock::now()));
        for held in self.held.values_mut() {
            self.shared.hang(held.look(settings, at));
        }
    }

    fn cut_if_due(&mut self, now: Instant) -> Result<(), SinkError> {
        let pace = self.settings.pace;
        let live = || self.held.iter().filter(|(_, held)| held.may_cut(self.settings));
        let fires = live().any(|(_, held)| held.partition.shard().is_dirty());
        let reads = live().any(|(_, held)| held.read_since);
        let since = now.saturating_duration_since(self.last_cut);
        let idle = since >= pace.idle;
        if !(idle || (fires && since >= pace.cut_least) || (reads && since >= pace.cut)) {
            return Ok(());
        }
        let with_partial = now.saturating_duration_since(self.last_partial) >= pace.idle;
        let logs: Vec<u32> = live().map(|(log, _)| *log).collect();
        match self.cut_logs(&logs, with_partial, idle) {
            Ok(()) => {
                self.refusals.end();
                self.last_partial = if with_partial { now } else { self.last_partial };
            }
            Err(SinkError::Refused { error, .. }) => self.refusals.note(&error),
            Err(error) => return Err(error),
        }
        self.last_cut = clock::instant();
        let due = logs.into_iter().find(|log| self.held.get(log).is_some_and(|held| held.is_to_be_kept(now)));
        due.into_iter().for_each(|log| self.checkpoint(log));
        Ok(())
    }

    /// Cuts these logs as one.
    fn cut_logs(&mut self, logs: &[u32], with_partial: bool, always: bool) -> Result<(), SinkError> {
        let mut proposals: Vec<(u32, Proposal)> = Vec::new();
        for log in logs {
            let Some(held) = self.held.get_mut(log) else { continue };
            held.rounds.note_leaving(held.partition.shard());
            match held.partition.propose(with_partial, always || held.read_since) {
                Some(proposal) => proposals.push((*log, proposal)),
                None => {
                    held.rounds.forget_left(held.partition.shard());
                    held.said(&[]);
                }
            }
        }
        if proposals.is_empty() {
            return Ok(());
        }
        let began = clock::instant();
        let transactions: Vec<&Transaction> =
            proposals.iter().map(|(_, proposal)| &proposal.transaction).collect();
        let written = self.sink.commit_all(&transactions);
        let seconds = clock::instant().saturating_duration_since(began).as_secs_f64();
        match written {
            Ok(()) => proposals.iter().for_each(|(log, proposal)| self.accept(*log, proposal, seconds)),
            Err(SinkError::InDoubt { .. }) => self.settle(&proposals, seconds)?,
            Err(error) => return Err(error),
        }
        Ok(())
    }

    /// Nobody knows whether a cut was written: whoever keeps the cuts is asked.
    fn settle(&mut self, proposals: &[(u32, Proposal)], seconds: f64) -> Result<(), SinkError> {
        self.sink.settle()?;
        for (log, proposal) in proposals {
            if self.sink.cut(*log)?.as_ref() == Some(&proposal.transaction.cut) {
                self.accept(*log, proposal, seconds);
            }
        }
        Ok(())
    }

    fn accept(&mut self, log: u32, proposal: &Proposal, seconds: f64) {
        let end = self.sink.alerts_end(log);
        let doubts = self.sink.doubts();
        let Some(held) = self.held.get_mut(&log) else { return };
        held.partition.accept(proposal, end);
        if let Some(named) = held.newly_named() {
            let _ = self.keeping.send(Task::Prune { log, named });
        }
        held.read_since = false;
        held.picture.cuts += 1;
        held.picture.cut_seconds += seconds;
        held.picture.cuts_in_doubt = doubts;
        let records = &proposal.transaction.alerts;
        held.said(records);
        for record in records {
            *held.picture.changes.entry(record.change.action.name()).or_default() += 1;
        }
        if !records.is_empty() {
            self.shared.say(records);
        }
        held.rounds.forget_left(held.partition.shard());
        // Whoever has left was counted before.
        drop(held.partition.shard_mut().take_ended());
    }

    /// Hands the state on to whoever writes it.
    fn checkpoint(&mut self, log: u32) {
        let free = |held: &&mut Held| held.partition.is_cut() && !held.is_kept;
        let Some(held) = self.held.get_mut(&log).filter(free) else { return };
        held.checkpoint_next = clock::instant() + self.settings.pace.checkpoint;
        held.is_kept = self.keeping.send(Task::Write(Box::new(held.partition.checkpoint_begin()))).is_ok();
    }

    fn kept(&mut self, Kept { log, result }: Kept) {
        let place = self.settings.logs.place(log);
        let held = self.held.get_mut(&log);
        match (result, held) {
            (Ok(number), Some(held)) => {
                held.is_kept = false;
                held.checkpointed = Some(clock::instant());
                held.partition.checkpoint_done(number);
                tracing::debug!(%place, number, "a checkpoint was written");
            }
            (Ok(_), None) => {}
            (Err(error), held) => {
                held.into_iter().for_each(|held| held.is_kept = false);
                tracing::error!(%place, %error, "the checkpoint was not written");
            }
        }
    }

    /// Waits for the checkpoints of logs that are given up: whoever comes next reads on from there.
    fn wait_for_checkpoints(&mut self, logs: &[u32]) {
        let until = clock::instant() + CHECKPOINT_WAIT;
        while logs.iter().any(|log| self.held.get(log).is_some_and(|held| held.is_kept)) {
            match self.keeper.recv_deadline(until) {
                Ok(kept) => self.kept(kept),
                Err(_) => break,
            }
        }
    }

    /// Gives up what is still being taken over: it is claimed already, or will be.
    fn release_taking(&mut self, inbox: &Inbox) {
        self.taking.iter().for_each(|log| self.cancelled.add(*log));
        let until = clock::instant() + TAKING_WAIT;
        while !self.taking.is_empty() {
            let Ok(Answer { log, result }) = inbox.taken.recv_deadline(until) else { return };
            self.taking.remove(&log);
            if let Ok(taken) = result {
                self.release_unread(&taken.partition);
            }
        }
    }

    /// The end of a life: what can still be written is.
    pub(super) fn let_go(&mut self, end: &Result<End, LiveError>, inbox: &Inbox) {
        let logs: Vec<u32> = self.held.keys().copied().collect();
        match end {
            Ok(End::Stopped) | Err(_) => {
                if let Err(error) = self.release(&logs) {
                    tracing::warn!(%error, "the last cut was not written; whoever comes next reads on from the one before");
                }
                self.release_taking(inbox);
            }
            Ok(End::Again(_)) => {
                let live = |log: &u32| self.held[log].may_cut(self.settings);
                let live: Vec<u32> = logs.into_iter().filter(live).collect();
                live.into_iter().for_each(|log| self.park(log));
            }
        }
        self.held.keys().chain(&self.wanted).for_each(|log| self.shared.take_down(*log));
        self.owned.set(Vec::new());
    }
}
