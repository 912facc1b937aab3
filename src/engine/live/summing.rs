//! Which instance sees the whole, and what does it see? The aggregate, live.
//!
//! The partials topic has one partition, so one member of its group owns the aggregate, and the others wait. What it
//! says depends on the path, and the partials are that path: the cut names the offset up to which it went, and whoever
//! takes over goes the rest of the way again from the newest checkpoint, in silence. Its clock comes with the partials; it
//! needs no fences.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use super::keeping::Place;
use super::refusals::Refusals;
use super::shared::Shared;
use super::{LiveError, Settings};
use crate::aggregate::{Aggregate, Judgement, crisis_id};
use crate::alert::{About, Alert, Alerts, Change, Record, Status, say};
use crate::checkpoint::frame::Framed;
use crate::checkpoint::{self, Store};
use crate::detect::Course;
use crate::engine::clock;
use crate::engine::picture::{AggregatePicture, ObjectivePicture, SatisfactionPicture, SeriesPicture};
use crate::engine::takeover::first_cut;
use crate::kafka::{Consumer, Event, Logs, Message, Offset};
use crate::sink::kafka::{Kafka, Options, decode_partial};
use crate::sink::{CutRecord, Sink, SinkError, Transaction};
use crate::sla::objective::{Shortfall, share, wilson};
use crate::time::Span;
use crate::window::Judged;

/// How often its picture is hung up.
const PICTURE: Duration = Duration::from_millis(500);
/// How many messages are taken at once.
const BATCH: usize = 1_024;
/// How long messages are waited for.
const PATIENCE: Duration = Duration::from_millis(20);
/// How long the group may take to let a member go.
const LEAVE: Duration = Duration::from_secs(2);

/// Lives until `stop` is set.
pub(super) fn lives(
    settings: &Settings,
    shared: &Shared,
    name: &str,
    stop: &AtomicBool,
) -> Result<(), LiveError> {
    for life in 1.. {
        let owner = format!("{name}-{life}");
        match live(settings, shared, &owner, stop) {
            Ok(()) => return Ok(()),
            Err(End::Stuck(error)) => return Err(error),
            Err(End::Again(why)) => tracing::warn!(life, why, "the aggregate begins anew"),
        }
        shared.hang_aggregate(None);
        if stop.load(Ordering::Relaxed) {
            break;
        }
        std::thread::sleep(Duration::from_millis(200));
    }
    Ok(())
}

/// Why a life ended before it was asked to.
enum End {
    Again(String),
    Stuck(LiveError),
}

impl From<SinkError> for End {
    fn from(error: SinkError) -> End {
        End::Again(error.to_string())
    }
}

impl From<crate::kafka::Error> for End {
    fn from(error: crate::kafka::Error) -> End {
        End::Again(error.to_string())
    }
}

fn live(settings: &Settings, shared: &Shared, owner: &str, stop: &AtomicBool) -> Result<(), End> {
    let Some(topic) = settings.sink.partials.clone() else { return Ok(()) };
    let group = format!("{}.aggregate", settings.group);
    let of_workers = |name: &str| name == "group.instance.id";
    let membership: Vec<(&str, &str)> = settings
        .membership
        .iter()
        .filter(|(name, _)| !of_workers(name))
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .collect();
    let joined = Consumer::join(&settings.connection, &group, std::slice::from_ref(&topic), &membership);
    let consumer = Arc::new(joined.map_err(|error| End::Stuck(LiveError::Kafka(error)))?);
    let over = Arc::new(AtomicBool::new(false));
    // Its own log is the one partition of partials; its alerts go to the partition after those of the workers.
    let options = Options { group, partials: None, dead_letters: None, ..(*settings.sink).clone() };
    let logs = Arc::new(Logs::new(vec![(topic.clone(), 1)]));
    let sink = Kafka::writer(Arc::new(options), logs, owner, consumer.clone(), over.clone())?;
    let mut summing = Summing {
        settings,
        shared,
        owner: owner.to_owned(),
        topic,
        log: settings.logs.count(),
        sink: sink.numbered_from(settings.logs.count()),
        consumer: &consumer,
        held: None,
        place: Place::default(),
        refusals: Refusals::default(),
        last_cut: clock::instant(),
        last_picture: clock::instant(),
    };
    let ended = summing.work(stop);
    over.store(true, Ordering::Relaxed);
    if ended.is_ok() {
        summing.release();
    }
    drop(summing);
    consumer.leave(LEAVE);
    ended
}

/// The aggregate while it is owned.
struct Held {
    aggregate: Aggregate,
    cut: CutRecord,
    /// What must be reached before anything may be said: the cut, and what was said up to it.
    until: Option<(u64, Alerts)>,
    position: u64,
    alerts_offset: u64,
    read_since: bool,
    /// The checkpoint that cuts written for good are known to name.
    named: u64,
    checkpoint_next: Instant,
    signals_raised: u64,
    crises_opened: u64,
}

struct Summing<'a> {
    settings: &'a Settings,
    shared: &'a Shared,
    owner: String,
    topic: String,
    log: u32,
    sink: Kafka,
    consumer: &'a Consumer,
    held: Option<Held>,
    place: Place,
    refusals: Refusals,
    last_cut: Instant,
    last_picture: Instant,
}

impl Summing<'_> {
    fn work(&mut self, stop: &AtomicBool) -> Result<(), End> {
        let (mut batch, mut events) = (Vec::new(), Vec::new());
        while !stop.load(Ordering::Relaxed) {
            self.consumer.poll(BATCH, PATIENCE, &mut batch, &mut events);
            for message in batch.drain(..) {
                self.read(&message)?;
            }
            for event in events.drain(..) {
                self.happened(event)?;
            }
            self.cut_if_due()?;
            self.hang();
        }
        Ok(())
    }

    fn happened(&mut self, event: Event) -> Result<(), End> {
        match event {
            Event::Assigned(partitions) => {
                self.consumer.accept()?;
                if !partitions.is_empty() {
                    self.take_over()?;
                }
            }
            Event::Revoked { lost: true, .. } => return Err(End::Again("the assignment was lost".into())),
            Event::Revoked { partitions, .. } => {
                self.release();
                let held = if partitions.is_empty() { vec![] } else { vec![(self.topic.clone(), 0)] };
                self.consumer.unassign(&held)?;
            }
            Event::Failed(error) if error.fatal => return Err(End::Again(error.to_string())),
            Event::Failed(error) => tracing::debug!(%error, "librdkafka goes on by itself"),
        }
        Ok(())
    }

    fn take_over(&mut self) -> Result<(), End> {
        let cut = self.sink.fence(self.log)?.unwrap_or_else(|| first_cut(self.settings.policy.hash));
        let claimed = CutRecord { owner: self.owner.clone(), ..cut.clone() };
        self.sink.claim(self.log, claimed.clone())?;
        let (aggregate, position, alerts_from) = self.load(cut.seq)?;
        let position = self.check_beginning(position, cut.seq)?;
        let mut said: Alerts = aggregate.said().clone();
        let alerts_offset =
            self.sink.alerts(self.log, alerts_from, &mut |record| say(&mut said, &record.change))?;
        if self.sink.cut(self.log)?.is_some_and(|now| now != claimed) {
            return Err(End::Again(
                "the aggregate was taken over by another instance in the meantime".into(),
            ));
        }
        let from = Offset {
            topic: self.topic.clone(),
            partition: 0,
            next_offset: position,
            metadata: String::new(),
        };
        self.consumer.assign(&[from])?;
        tracing::info!(
            from = position,
            until = cut.next_offset,
            cut = cut.seq,
            "the aggregate was taken over"
        );
        let until = Some((cut.next_offset, said));
        self.held = Some(Held {
            aggregate,
            cut: claimed,
            until,
            position,
            alerts_offset,
            read_since: false,
            named: 0,
            checkpoint_next: clock::instant() + self.settings.pace.checkpoint,
            signals_raised: 0,
            crises_opened: 0,
        });
        self.settle(position);
        Ok(())
    }

    /// The aggregate of the newest checkpoint at or before a cut, or an empty one: with the offset from which on partials
    /// must be read, and alerts.
    fn load(&mut self, seq: u64) -> Result<(Aggregate, u64, u64), End> {
        let (options, logs) = (self.settings.aggregate.clone(), self.settings.logs.count());
        let decode = |_, body: &[u8]| decode_snapshot(body, seq);
        let store = self.place.open(self.settings);
        let (found, passed_over) = store
            .and_then(|store| checkpoint::newest_of(store, self.log, decode))
            .map_err(|error| End::Again(error.to_string()))?;
        for problem in passed_over {
            tracing::warn!(%problem, "a checkpoint of the aggregate was passed over for an older one");
        }
        Ok(match found {
            Some(snapshot) => {
                let restored = Aggregate::from_state(options, logs, snapshot.state).map_err(|error| {
                    let remedy =
                        "Delete the checkpoints of the aggregate, and reset the offsets of its group".into();
                    End::Stuck(LiveError::Stuck {
                        place: self.topic.clone(),
                        what: error.to_string(),
                        remedy,
                    })
                })?;
                (restored, snapshot.next_offset, snapshot.alerts_offset)
            }
            None => (Aggregate::new(options, logs), 0, 0),
        })
    }

    /// The partials from the state on must still be there; where no cut was ever written, the first that is will do.
    fn check_beginning(&mut self, needed: u64, seq: u64) -> Result<u64, End> {
        let beginning = self.sink.beginning(self.log)?;
        if beginning <= needed {
            return Ok(needed);
        }
        if seq == 0 {
            tracing::warn!(
                from = beginning,
                "the aggregate begins empty: it learns from here on what is usual"
            );
            return Ok(beginning);
        }
        Err(End::Stuck(LiveError::Stuck {
            place: self.topic.clone(),
            what: format!(
                "state_missing: the aggregate must read partials from offset {needed} on, and they begin at {beginning}"
            ),
            remedy: format!(
                "Point [checkpoints] url to the store that all instances share; if the state is lost, delete the \
                 group `{}.aggregate`: it then begins empty, with the first partial there is. Keep the topic's \
                 retention above the age of the oldest checkpoint",
                self.settings.group
            ),
        }))
    }

    fn read(&mut self, message: &Message) -> Result<(), End> {
        let offset = message.offset();
        self.settle(offset);
        let Some(held) = &mut self.held else { return Ok(()) };
        if let Some((code, text)) = message.error() {
            return Err(End::Again(format!("{}: {text} ({code})", self.topic)));
        }
        if message.is_end() {
            held.position = held.position.max(offset);
            return Ok(());
        }
        // After a rebalance something may be read twice.
        if offset < held.position {
            return Ok(());
        }
        held.position = offset + 1;
        held.read_since = true;
        match decode_partial(message.payload()) {
            Ok(partial) if partial.log < self.settings.logs.count() => held.aggregate.apply(partial),
            Ok(partial) => tracing::warn!(offset, log = partial.log, "a partial of a log that there is not"),
            Err(what) => {
                tracing::warn!(offset, what, "what stands among the partials is not one of this program")
            }
        }
        self.settle(offset + 1);
        Ok(())
    }

    /// When the last cut is reached, what was said is compared with what stands.
    fn settle(&mut self, offset: u64) {
        let Some(held) = &mut self.held else { return };
        let Some((_, said)) = held.until.take_if(|(until, _)| *until <= offset) else { return };
        held.aggregate.take_said(said);
        let differences = held.aggregate.changes().len();
        if differences > 0 && held.cut.seq > 0 {
            tracing::error!(
                differences,
                "what the aggregate said differs from what stands; the next cut sets it right"
            );
        }
    }

    fn cut_if_due(&mut self) -> Result<(), End> {
        let pace = self.settings.pace;
        let since = clock::instant().saturating_duration_since(self.last_cut);
        let Some(held) = self.held.as_ref().filter(|held| held.until.is_none()) else { return Ok(()) };
        let changes = held.aggregate.changes();
        let due = (!changes.is_empty() && since >= pace.cut_least) || (held.read_since && since >= pace.idle);
        if !due {
            return Ok(());
        }
        self.last_cut = clock::instant();
        match self.cut(changes, self.owner.clone()) {
            Err(SinkError::Refused { error, .. }) => self.refusals.note(&error),
            written => {
                written?;
                self.refusals.end();
            }
        }
        let due = self.held.as_ref().is_some_and(|held| held.checkpoint_next <= clock::instant());
        if due {
            self.checkpoint();
        }
        Ok(())
    }

    fn cut(&mut self, changes: Vec<Change>, owner: String) -> Result<(), SinkError> {
        let Some(held) = &mut self.held else { return Ok(()) };
        let stamp = crate::window::Stamp { next_offset: held.position, ..held.aggregate.stamp() };
        let cut = CutRecord {
            next_offset: held.position,
            clock: stamp.clock,
            seq: held.cut.seq + 1,
            policy_hash: self.settings.policy.hash,
            owner,
            checkpoint: held.cut.checkpoint,
        };
        let alerts = changes.iter().map(|change| Record::new(change.clone(), self.log, stamp)).collect();
        let transaction = Transaction { log: self.log, cut: cut.clone(), alerts, partial: None };
        match self.sink.commit_all(&[&transaction]) {
            Err(SinkError::InDoubt { .. }) => {
                self.sink.settle()?;
                if self.sink.cut(self.log)?.as_ref() != Some(&cut) {
                    return Ok(());
                }
            }
            written => written?,
        }
        held.cut = cut;
        if std::mem::replace(&mut held.named, held.cut.checkpoint) != held.cut.checkpoint {
            self.place.prune(self.settings, self.log, held.named);
        }
        held.read_since = false;
        held.alerts_offset = self.sink.alerts_end(self.log).unwrap_or(0).max(held.alerts_offset);
        held.aggregate.acknowledge(&changes);
        for change in changes.iter().filter(|change| change.action == crate::alert::Action::Raised) {
            held.signals_raised += u64::from(matches!(change.alert.about, About::Signal(_)));
            held.crises_opened += u64::from(matches!(change.alert.about, About::Crisis(_)));
        }
        for change in &changes {
            let (id, action) = (change.alert.id, change.action);
            tracing::info!(%id, ?action, text = crate::alert::summary(&change.alert).en, "the aggregate says");
        }
        if !transaction.alerts.is_empty() {
            self.shared.say(&transaction.alerts);
        }
        Ok(())
    }

    /// Publishes the aggregate, unless it is already past its last cut: a cut may have been refused.
    fn checkpoint(&mut self) {
        let is_cut = |held: &&mut Held| !held.read_since && held.aggregate.changes().is_empty();
        let Some(held) = self.held.as_mut().filter(is_cut) else { return };
        held.checkpoint_next = clock::instant() + self.settings.pace.checkpoint;
        let snapshot = Snapshot {
            seq: held.cut.seq,
            next_offset: held.position,
            alerts_offset: held.alerts_offset,
            state: held.aggregate.state(),
        };
        let store = self.place.open(self.settings);
        let written = store.and_then(|store| write(store, self.log, &snapshot));
        match written {
            Ok(number) => held.cut.checkpoint = number,
            Err(error) => tracing::error!(%error, "the aggregate's checkpoint was not written"),
        }
    }

    /// Gives the aggregate up.
    fn release(&mut self) {
        let Some(held) = &self.held else { return };
        let written = if held.until.is_none() {
            let changes = held.aggregate.changes();
            self.cut(changes, String::new())
        } else {
            let cut = CutRecord { owner: String::new(), ..held.cut.clone() };
            self.sink.claim(self.log, cut)
        };
        if let Err(error) = written {
            tracing::warn!(%error, "the aggregate's last cut was not written");
        } else if self.held.as_ref().is_some_and(|held| held.until.is_none()) {
            self.checkpoint();
        }
        self.held = None;
        self.shared.hang_aggregate(None);
    }

    fn hang(&mut self) {
        let now = clock::instant();
        if now.saturating_duration_since(self.last_picture) < PICTURE {
            return;
        }
        self.last_picture = now;
        self.shared.hang_aggregate(self.held.as_ref().map(look));
    }
}

/// What a checkpoint of the aggregate holds.
#[derive(serde::Serialize, serde::Deserialize)]
struct Snapshot {
    seq: u64,
    next_offset: u64,
    alerts_offset: u64,
    state: crate::aggregate::State,
}

fn write(store: &mut dyn Store, log: u32, snapshot: &Snapshot) -> Result<u64, checkpoint::StoreError> {
    let number = store.list(log)?.last().copied().unwrap_or(0) + 1;
    store.put(log, number, &Framed(snapshot))?;
    Ok(number)
}

/// The snapshot in these bytes, if it belongs to cut `seq` or an earlier one.
fn decode_snapshot(body: &[u8], seq: u64) -> Result<Option<Snapshot>, String> {
    let snapshot: Snapshot = match postcard::from_bytes(body) {
        // Version 2 of the state ended before the two lists of its objectives: they are empty.
        Err(postcard::Error::DeserializeUnexpectedEnd) => postcard::from_bytes(&[body, &[0, 0]].concat()),
        read => read,
    }
    .map_err(|error| error.to_string())?;
    Ok((snapshot.seq <= seq).then_some(snapshot))
}

/// How many buckets of a series are shown, and how many series.
const BUCKETS: usize = 48;
const SERIES: usize = 9;

fn picture(course: Course, bucket: Span) -> SeriesPicture {
    SeriesPicture {
        title: course.series.name(),
        measure: course.measure,
        bucket_seconds: bucket.seconds(),
        points: course.points,
        signal: course.signal,
        series: course.series,
    }
}

fn objective(aggregate: &Aggregate, judgement: &Judgement) -> ObjectivePicture {
    let Judgement { objective, window_start, window_end, counts: Judged { n, good }, standing } = judgement;
    let goes_on = |one: &&Shortfall| one.objective == objective.name && one.ended.is_none();
    ObjectivePicture {
        name: objective.name.clone(),
        title: objective.title.clone(),
        operator: objective.operator,
        target: objective.target,
        window_start: *window_start,
        window_end: *window_end,
        n: *n,
        good: *good,
        share: share(*good, *n),
        share_interval: wilson(*good, *n),
        standing: *standing,
        missed_since: aggregate.shortfalls().find(goes_on).map(|shortfall| shortfall.began),
    }
}

/// How it looks now.
fn look(held: &Held) -> AggregatePicture {
    let aggregate = &held.aggregate;
    let coverage = aggregate.coverage();
    let mut crises: Vec<Alert> = aggregate
        .crises()
        .map(|crisis| Alert {
            id: crisis_id(crisis),
            status: if crisis.ended.is_some() { Status::Resolved } else { Status::Open },
            about: About::Crisis(Box::new(crisis.clone())),
        })
        .collect();
    crises.reverse();
    crises.sort_by_key(|alert| match &alert.about {
        About::Crisis(crisis) => (crisis.ended.is_some(), std::cmp::Reverse(crisis.level)),
        _ => (true, std::cmp::Reverse(crate::crisis::Level::Primary)),
    });
    crises.truncate(10);
    AggregatePicture {
        clock: aggregate.clock(),
        sources: coverage.logs,
        sources_missing: coverage.missing(),
        crises,
        signals: aggregate.signals().filter(|signal| signal.ended.is_none()).cloned().collect(),
        series: aggregate
            .courses(BUCKETS, SERIES)
            .into_iter()
            .map(|course| picture(course, aggregate.bucket()))
            .collect(),
        satisfaction: aggregate
            .satisfaction()
            .into_iter()
            .map(|(series, scores)| SatisfactionPicture { series, scores })
            .collect(),
        objectives: aggregate.judgements().iter().map(|judged| objective(aggregate, judged)).collect(),
        crises_opened: held.crises_opened,
        signals_raised: held.signals_raised,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn snapshots_of_the_version_before_are_gone_on_from() {
        let state = <Aggregate>::new(Default::default(), 2).state();
        let bytes = postcard::to_stdvec(&Snapshot { seq: 1, next_offset: 2, alerts_offset: 3, state });
        let mut before = bytes.expect("plain data");
        assert_eq!(before.split_off(before.len() - 2), [0, 0], "the two lists that were not there");
        // The state begins behind the three numbers, with its version.
        before[3] = 2;
        let snapshot = decode_snapshot(&before, 1).expect("it is read").expect("of this cut");
        assert!(<Aggregate>::from_state(Default::default(), 2, snapshot.state).is_ok());
    }
}
