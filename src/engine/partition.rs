//! One log in the hands of a worker: reads records, moves the clock, writes cuts and checkpoints.
//!
//! ```text
//!   take over ─► catching up ──(next offset of the cut reached: clock set, said compared)──► live ─► released
//! ```

use std::sync::Arc;

use crate::alert::{Alert, Alerts, Record};
use crate::checkpoint::{Pending, Store, StoreError};
use crate::event::Reason;
use crate::shard::{self, Options, Read, Rules, Shard, Standard};
use crate::sink::{CutRecord, Sink, SinkError, Transaction};
use crate::sla::policy::Policy;
use crate::source;
use crate::time::Time;

/// One log in the hands of a worker.
pub struct Partition<R: Rules = Standard> {
    shard: Shard<R>,
    owner: String,
    seq: u64,
    alerts_written: u64,
    checkpoint: u64,
    /// The last cut that this state has written, or comes from.
    written: Option<CutRecord>,
    catching_up: Option<CatchUp>,
}

/// A cut that is to be written, and what must be acknowledged then.
pub struct Proposal {
    cut: shard::Cut,
    /// What is to be written.
    pub transaction: Transaction,
}

/// What must be reached before anything may be said.
pub(super) struct CatchUp {
    pub(super) cut: CutRecord,
    pub(super) said: Alerts,
}

/// What became of a record.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// It was read.
    Read(Read),
    /// It could not be used.
    Rejected(Reason),
}

impl<R: Rules> Partition<R> {
    /// A log that nobody has read before.
    pub fn new(policy: Arc<Policy>, options: Options, log: u32, owner: &str) -> Partition<R> {
        let shard = Shard::new(policy, options, log);
        Partition {
            shard,
            owner: owner.into(),
            seq: 0,
            alerts_written: 0,
            checkpoint: 0,
            written: None,
            catching_up: None,
        }
    }

    /// A log as somebody else left it.
    pub(super) fn resume(
        shard: Shard<R>,
        owner: &str,
        checkpoint: u64,
        alerts: u64,
        until: CatchUp,
    ) -> Partition<R> {
        Partition {
            shard,
            owner: owner.into(),
            seq: until.cut.seq,
            alerts_written: alerts,
            checkpoint,
            written: Some(until.cut.clone()),
            catching_up: Some(until),
        }
    }

    /// The state.
    pub fn shard(&self) -> &Shard<R> {
        &self.shard
    }

    /// The state; to step its clock.
    pub fn shard_mut(&mut self) -> &mut Shard<R> {
        &mut self.shard
    }

    /// Whether a cut is the last one that was written with this state, whoever claims to own it now.
    pub(super) fn has_written(&self, cut: &CutRecord) -> bool {
        let same = |written: &CutRecord| written.seq == cut.seq && written.stamp() == cut.stamp();
        self.is_live() && self.written.as_ref().is_some_and(same)
    }

    /// Whether the state is that of the last cut written: only then may it be kept.
    pub fn is_cut(&self) -> bool {
        let stamp = self.written.as_ref().map(CutRecord::stamp);
        self.is_live() && !self.shard.is_dirty() && stamp == Some(self.shard.stamp())
    }

    /// The last cut again, owned by nobody; `None` where there was never one.
    pub fn released(&self) -> Option<CutRecord> {
        self.written.as_ref().map(|cut| CutRecord { owner: String::new(), ..cut.clone() })
    }

    /// Writes under another name from now on; an empty one gives the log up with the next cut.
    pub(super) fn rename(&mut self, owner: &str) {
        self.owner = owner.into();
    }

    /// Whether it goes back to a checkpoint.
    pub fn has_checkpoint(&self) -> bool {
        self.checkpoint > 0
    }

    /// Passes over everything below an offset.
    pub fn begin_at(&mut self, next_offset: u64) {
        self.shard.reach(next_offset);
        if let Some(until) = &mut self.catching_up {
            until.cut.next_offset = until.cut.next_offset.max(next_offset);
        }
    }

    /// The cut that has still to be reached.
    pub fn catching_up(&self) -> Option<&CutRecord> {
        self.catching_up.as_ref().map(|until| &until.cut)
    }

    /// The number of the last cut.
    pub fn seq(&self) -> u64 {
        self.seq
    }

    /// Whether the last cut has been reached, so that new things may be said.
    pub fn is_live(&self) -> bool {
        self.catching_up.is_none()
    }

    /// Looks ahead at subjects; see [`Shard::warm`].
    pub fn warm<'s>(&self, subjects: impl Iterator<Item = &'s [u8]>) {
        std::hint::black_box(self.shard.warm(subjects));
    }

    /// Reads a record. Its offset advances whatever becomes of it.
    pub fn read(&mut self, record: &source::Record<'_>) -> Outcome {
        match &record.item {
            source::Item::Clock(_) => Outcome::Read(Read::Idle),
            source::Item::Reject(reason) => {
                self.shard.skip(record.offset);
                Outcome::Rejected(reason.clone())
            }
            source::Item::Event(event) => match self.shard.read(record.offset, record.appended, event) {
                Ok(read) => Outcome::Read(read),
                Err(reason) => Outcome::Rejected(reason),
            },
        }
    }

    /// Goes live if the last cut has been reached. Returns how many alerts differ between what was said and what
    /// stands at that cut: it must be none; if it is not, the next cut says them.
    pub fn settle(&mut self) -> Option<usize> {
        let reached = |until: &mut CatchUp| self.shard.stamp().next_offset >= until.cut.next_offset;
        let until = self.catching_up.take_if(reached)?;
        self.shard.advance(until.cut.clock);
        self.shard.take_said(until.said.into_values());
        Some(self.shard.cut(false).changes.len())
    }

    /// Moves the clock, unless the last cut has still to be reached.
    pub fn advance(&mut self, to: Time) {
        if self.is_live() {
            self.shard.advance(to);
        }
    }

    /// What must be said, with the panes that changed if `with_partial`; `None` when there is nothing to say and `always`
    /// is not set. Nothing changes until it is [accepted](Partition::accept): a proposal that was not written is
    /// forgotten, and the next one says the difference.
    pub fn propose(&mut self, with_partial: bool, always: bool) -> Option<Proposal> {
        assert!(self.is_live(), "log {}: a cut before the last one was reached", self.shard.log());
        let mut cut = self.shard.cut(with_partial);
        if cut.changes.is_empty() && cut.partial.is_none() && !always {
            self.shard.acknowledge(&cut);
            return None;
        }
        let log = self.shard.log();
        let alerts = cut.changes.iter().map(|change| Record::new(change.clone(), log, cut.stamp)).collect();
        let record = CutRecord { seq: self.seq + 1, ..self.record() };
        let transaction = Transaction { log, cut: record, alerts, partial: cut.partial.take() };
        Some(Proposal { cut, transaction })
    }

    /// A proposal was written for good. `alerts_end` is where alerts written later will stand, if that is not their
    /// number.
    pub fn accept(&mut self, proposal: &Proposal, alerts_end: Option<u64>) {
        self.seq += 1;
        self.written = Some(proposal.transaction.cut.clone());
        let counted = self.alerts_written + proposal.cut.changes.len() as u64;
        self.alerts_written = alerts_end.map_or(counted, |end| end.max(self.alerts_written));
        self.shard.acknowledge(&proposal.cut);
    }

    /// Writes what must be said; see [`Partition::propose`]. Returns how many changes were written.
    ///
    /// A write in doubt is settled by asking for the last cut. One that was not written changes nothing: what was said
    /// still differs from what stands, and the next cut writes the difference.
    pub fn cut(&mut self, sink: &mut dyn Sink, with_partial: bool, always: bool) -> Result<usize, SinkError> {
        let Some(proposal) = self.propose(with_partial, always) else { return Ok(0) };
        match sink.commit(proposal.transaction.clone()) {
            Err(SinkError::InDoubt { .. }) => {
                sink.settle()?;
                if sink.cut(self.shard.log())?.as_ref() != Some(&proposal.transaction.cut) {
                    return Ok(0);
                }
            }
            written => written?,
        }
        self.accept(&proposal, sink.alerts_end(self.shard.log()));
        Ok(proposal.cut.changes.len())
    }

    /// The state as of the last cut, to be written by another thread while this one goes on. Right after a cut only. Cheap,
    /// but what is changed until it is written is copied once: one at a time is enough.
    pub fn checkpoint_begin(&self) -> Pending {
        assert!(self.is_live(), "log {}: a checkpoint before the last cut was reached", self.shard.log());
        Pending {
            number: self.checkpoint + 1,
            seq: self.seq,
            alerts_offset: self.alerts_written,
            state: self.shard.snapshot(),
        }
    }

    /// A checkpoint was published: the next cuts name it.
    pub fn checkpoint_done(&mut self, number: u64) {
        let (log, before) = (self.shard.log(), self.checkpoint);
        assert!(number > before, "log {log}: checkpoint {number} was published after {before}");
        self.checkpoint = number;
    }

    /// The checkpoint that the last cut written for good names: those before it are not needed any more, see
    /// [`prune`](crate::checkpoint::prune).
    pub fn named(&self) -> Option<u64> {
        self.written.as_ref().map(|cut| cut.checkpoint).filter(|number| *number > 0)
    }

    /// Publishes the state as of the last cut, and waits for it. Right after a cut only.
    pub fn checkpoint(&mut self, store: &mut dyn Store) -> Result<u64, StoreError> {
        let number = self.checkpoint_begin().write(store)?;
        self.checkpoint_done(number);
        Ok(number)
    }

    /// Gives the log up, also while the last cut has still to be reached: the next owner need not ask who may still be
    /// writing.
    pub fn release(mut self, sink: &mut dyn Sink) -> Result<(), SinkError> {
        self.owner.clear();
        match &self.catching_up {
            None => self.cut(sink, true, true).map(drop),
            Some(until) => {
                sink.claim(self.shard.log(), CutRecord { owner: String::new(), ..until.cut.clone() })
            }
        }
    }

    fn record(&self) -> CutRecord {
        let stamp = self.shard.stamp();
        CutRecord {
            next_offset: stamp.next_offset,
            clock: stamp.clock,
            seq: self.seq,
            policy_hash: self.shard.policy().hash,
            owner: self.owner.clone(),
            checkpoint: self.checkpoint,
        }
    }

    /// What stands and was said, by identity.
    pub fn said(&self) -> impl Iterator<Item = Alert> {
        self.shard.said().into_values()
    }
}
