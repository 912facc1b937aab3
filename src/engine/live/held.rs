//! One log in a worker's hands: its state, the fences it has still to pass, and what is told of it.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Instant;

use super::Settings;
use super::fencing::Fence;
use super::round::Rounds;
use super::shadow::Shadow;
use crate::alert;
use crate::engine::clock::{self, Clock};
use crate::engine::partition::{Outcome, Partition};
use crate::engine::picture::{LogPicture, State};
use crate::event::Reason;
use crate::kafka::Message;
use crate::shard::{Read, Standard};
use crate::source::kafka::{Pseudonyms, record};
use crate::source::{Item, Record};
use crate::time::Time;

/// How many cases may have something to say before a step of the clock ends with a cut.
const DIRTY_MAX: usize = 2_000;
/// How many fences wait at most; of more, every other one is as good.
const FENCES_MAX: usize = 256;

/// A log in a worker's hands.
pub(super) struct Held {
    pub(super) partition: Partition<Standard>,
    /// How far it was read, markers at the end included.
    position: u64,
    fences: VecDeque<(Time, Instant, u64)>,
    /// Up to when everything was read.
    passed: Option<Time>,
    /// When the last fence that was passed was taken.
    pub(super) passed_at: Option<Instant>,
    /// Whether the clock has still to be moved up to where it may.
    pub(super) behind: bool,
    /// Whether something was read since the last cut.
    pub(super) read_since: bool,
    pub(super) checkpointed: Option<Instant>,
    /// Whether a checkpoint is being written.
    pub(super) is_kept: bool,
    /// The checkpoint that cuts written for good are known to name.
    named: Option<u64>,
    /// When the next checkpoint is due.
    pub(super) checkpoint_next: Instant,
    pub(super) picture: LogPicture,
    pub(super) rounds: Rounds,
    shadow: Option<Shadow>,
}

impl Held {
    pub(super) fn new(
        partition: Partition<Standard>,
        place: Arc<str>,
        checkpoint_next: Instant,
        rounds: Rounds,
    ) -> Held {
        let log = partition.shard().log();
        let position = partition.shard().stamp().next_offset;
        let mut held = Held {
            position,
            partition,
            fences: VecDeque::new(),
            passed: None,
            passed_at: None,
            behind: false,
            read_since: false,
            checkpointed: None,
            is_kept: false,
            named: None,
            checkpoint_next,
            picture: LogPicture { log, place, state: State::CatchingUp, ..LogPicture::default() },
            rounds,
            shadow: None,
        };
        // A state that reaches up to the cut has nothing to wait for: its log may say nothing ever.
        held.catch_up(position);
        if held.partition.is_live() {
            held.rounds.begin(held.partition.shard());
        }
        held
    }

    /// The same with another policy that looks on from here.
    pub(super) fn beside(mut self, settings: &Settings) -> Held {
        let of = |policy: &Arc<_>| Shadow::new(policy, &settings.options, self.partition.shard());
        self.shadow = settings.shadow.as_ref().map(of);
        self
    }

    /// Whether everything that was there when it was taken over has been read, so that its clock moves.
    pub(super) fn is_live(&self, clock: &Clock) -> bool {
        self.partition.is_live() && (self.passed.is_some() || *clock == Clock::Log)
    }

    /// Whether it may be cut: the last cut was reached. A cut that only reads on, while the clock still stands, spares
    /// whoever comes next from reading all of it again. Without transactions something may have been said after the
    /// last cut; there it is waited for, until the same is true again.
    pub(super) fn may_cut(&self, settings: &Settings) -> bool {
        self.partition.is_live() && (settings.sink.transactions || self.is_live(&settings.clock))
    }

    /// Whether a checkpoint is due. One whose cut was refused waits for the next: it would lie ahead of the last cut.
    pub(super) fn is_to_be_kept(&self, now: Instant) -> bool {
        self.checkpoint_next <= now && self.partition.is_cut()
    }

    /// The checkpoint that the last cut names, if the cut before it did not.
    pub(super) fn newly_named(&mut self) -> Option<u64> {
        let named = self.partition.named();
        (std::mem::replace(&mut self.named, named) != named).then_some(named)?
    }

    /// Reads a message. What was refused comes back with its reason.
    pub(super) fn read(
        &mut self,
        message: &Message,
        clock: &Clock,
        pseudonyms: Option<&Pseudonyms>,
    ) -> Option<Reason> {
        let offset = message.offset();
        if offset < self.position {
            return None;
        }
        self.catch_up(offset);
        let place = self.picture.place.clone();
        let mut record = record(message, self.picture.log, &place);
        if let (Some(pseudonyms), Item::Event(event)) = (pseudonyms, &mut record.item) {
            pseudonyms.hide(event);
        }
        if *clock == Clock::Log {
            self.follow(&record);
        }
        self.position = offset + 1;
        self.read_since = true;
        self.picture.records += 1;
        if let Some(shadow) = &mut self.shadow {
            shadow.read(self.partition.shard(), &record);
        }
        let outcome = self.partition.read(&record);
        self.catch_up(self.position);
        match outcome {
            Outcome::Read(read) => {
                self.picture.applied += u64::from(read == Read::Applied);
                self.picture.duplicates += u64::from(read == Read::Duplicate);
                None
            }
            Outcome::Rejected(reason) => {
                *self.picture.rejected.entry(reason.code()).or_default() += 1;
                Some(reason)
            }
        }
    }

    /// Looks ahead at messages that are about to be read. Their keys are their subjects, if anything.
    pub(super) fn warm(&self, messages: &[Message]) {
        self.partition.warm(messages.iter().map(Message::key));
    }

    /// The end of the log was reached.
    pub(super) fn reach_end(&mut self, offset: u64) {
        if offset > self.position {
            self.position = offset;
            self.read_since = true;
            self.catch_up(offset);
        }
        if self.partition.is_live() {
            self.partition.shard_mut().reach(self.position);
        }
    }

    /// Nothing below `offset` is left to be read; if the last cut is there, what was said is compared with what stands.
    fn catch_up(&mut self, offset: u64) {
        let Some(until) = self.partition.catching_up().filter(|until| until.next_offset <= offset) else {
            return;
        };
        let until = until.next_offset;
        self.partition.shard_mut().reach(until);
        let differences = self.partition.settle().unwrap_or(0) as u64;
        self.rounds.begin(self.partition.shard());
        self.picture.reconciliation_differences += differences;
        if differences > 0 {
            let place = &self.picture.place;
            tracing::error!(%place, differences, "what was said differs from what stands; the next cut sets it right");
        }
    }

    /// With the log's own clock: moves it up to a record that is about to be read.
    fn follow(&mut self, record: &Record<'_>) {
        if let Item::Event(event) = &record.item
            && self.partition.shard().admit(record.appended, event).is_ok()
        {
            self.advance(event.time);
        }
    }

    /// Hears of a fence.
    pub(super) fn hear(&mut self, fence: &Fence, end: u64, clock: &Clock) {
        self.picture.end_offset = end;
        if *clock == Clock::Log {
            return;
        }
        if self.fences.len() >= FENCES_MAX {
            self.fences.pop_back();
        }
        self.fences.push_back((fence.at, fence.taken, end));
    }

    /// Moves the clock up to the last fence that was passed, or as far as is good for one cut.
    pub(super) fn step(&mut self) {
        while let Some((at, taken, _)) =
            self.fences.front().copied().filter(|(_, _, end)| self.position >= *end)
        {
            self.fences.pop_front();
            self.passed = self.passed.max(Some(at));
            self.passed_at = Some(taken);
            self.behind = true;
        }
        let Some(to) = self.passed.filter(|_| self.behind && self.partition.is_live()) else { return };
        while let Some(at) = self.partition.shard_mut().next_step(to) {
            self.advance(at);
            if self.partition.shard().dirty_cases() >= DIRTY_MAX {
                return;
            }
        }
        self.advance(to);
        self.behind = false;
    }

    fn advance(&mut self, to: Time) {
        self.partition.advance(to);
        // While the last cut has still to be reached, the clock stands.
        if let Some(shadow) = self.shadow.as_mut().filter(|_| self.partition.is_live()) {
            shadow.advance(to);
        }
    }

    /// This was said for good: what the other policy would have said is compared with it.
    pub(super) fn said(&mut self, records: &[alert::Record]) {
        if let Some(shadow) = &mut self.shadow {
            shadow.compare(self.partition.shard(), records);
        }
    }

    /// How it looks now.
    pub(super) fn look(&mut self, settings: &Settings, now: Time) -> LogPicture {
        let clock = &settings.clock;
        let since = |at: Instant| clock::instant().saturating_duration_since(at);
        let shard = self.partition.shard();
        let stamp = shard.stamp();
        let live = self.is_live(clock);
        let age = self.passed_at.map(since);
        let picture = &mut self.picture;
        picture.state = match age {
            _ if *clock == Clock::Log && live => State::Live,
            Some(age) if live && age > settings.pace.blind => State::Blind,
            _ if live => State::Live,
            _ => State::CatchingUp,
        };
        picture.next_offset = self.position;
        picture.clock = (stamp.clock > Time::MIN).then_some(stamp.clock);
        let lag = |clock: Time| (now - clock).seconds().max(0.0);
        picture.clock_lag_seconds = picture.clock.map_or(0.0, lag);
        picture.fence_age_seconds = age.map_or(0.0, |age| age.as_secs_f64());
        picture.cases = shard.cases() as u64;
        picture.memory_bytes = shard.memory_bytes() as u64;
        (picture.clocks, picture.due) = self.rounds.walk(shard, !self.fences.is_empty());
        picture.shadow = self.shadow.as_ref().map(Shadow::look);
        picture.cut = self.partition.seq();
        picture.checkpoint_age_seconds = self.checkpointed.map(|at| since(at).as_secs_f64());
        picture.clone()
    }
}
