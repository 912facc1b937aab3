//! How does a worker take a log over? From the last cut, the newest checkpoint at or before it, and what was said since.
//!
//! The order matters: first it is found out up to where everything was said, and claimed; then a state is loaded that is
//! not newer; then the alerts since are folded, and the cut is asked for again: whoever was stopped in between may have
//! folded what its successor said. The records up to the cut are read by the caller, and say nothing; when the cut is
//! reached, what was said and what stands must be equal.

use std::sync::Arc;

use super::partition::{CatchUp, Partition};
use crate::alert::{Alerts, say};
use crate::checkpoint::{self, Checkpoint, Store, StoreError};
use crate::shard::state::StateError;
use crate::shard::{Options, Rules, Shard};
use crate::sink::{CutRecord, Sink, SinkError};
use crate::sla::policy::Policy;
use crate::time::Time;

/// A log taken over, still to be caught up.
pub struct Taken<R: Rules> {
    /// The log.
    pub partition: Partition<R>,
    /// The offset from which its records must be read.
    pub next_offset: u64,
    /// Whether nobody has ever cut the log: then nothing was said, and reading may begin anywhere.
    pub is_new: bool,
    /// Checkpoints that could not be used, and were passed over for older ones.
    pub passed_over: Vec<StoreError>,
}

/// Why a log could not be taken over.
#[derive(Debug, thiserror::Error)]
pub enum TakeoverError {
    /// Its cuts or alerts cannot be read or written.
    #[error(transparent)]
    Sink(#[from] SinkError),
    /// Its checkpoints cannot be read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Its state does not fit.
    #[error(transparent)]
    State(#[from] StateError),
    /// Somebody else has claimed it, or written for it, in the meantime.
    #[error("log {log} was taken over by `{owner}` in the meantime")]
    TakenOver {
        /// The log.
        log: u32,
        /// Who writes for it now.
        owner: String,
    },
    /// What would have to be read again is gone.
    #[error(
        "state_missing: log {log} must be read from offset {needed} on{}, and begins at {beginning}",
        if *has_state { ", where its newest checkpoint ends" } else { ": there is no checkpoint of it here" }
    )]
    StateMissing {
        /// The log.
        log: u32,
        /// From where on it would have to be read.
        needed: u64,
        /// Where it begins.
        beginning: u64,
        /// Whether there is a checkpoint at all.
        has_state: bool,
    },
    /// It is not wanted any more.
    #[error("log {log} need not be taken over any more")]
    Cancelled {
        /// The log.
        log: u32,
    },
}

impl TakeoverError {
    /// Whether it may go better next time.
    pub fn is_passing(&self) -> bool {
        match self {
            TakeoverError::Sink(SinkError::Damaged { .. }) => false,
            TakeoverError::Sink(_) => true,
            TakeoverError::Store(
                StoreError::Io { .. } | StoreError::Away { .. } | StoreError::Gone { .. },
            ) => true,
            TakeoverError::Cancelled { .. } | TakeoverError::TakenOver { .. } => true,
            TakeoverError::Store(_) | TakeoverError::State(_) | TakeoverError::StateMissing { .. } => false,
        }
    }

    /// What to do about it.
    pub fn remedy(&self) -> &'static str {
        match self {
            TakeoverError::State(StateError::Policy { .. }) => {
                "Start with the policy it was kept under, or restate the whole log under the new one: give the group a \
                 new name, or delete its checkpoints and reset its offsets"
            }
            TakeoverError::State(_) => {
                "Start the version of the program that wrote it, or delete that checkpoint"
            }
            TakeoverError::StateMissing { .. } => {
                "Point [checkpoints] url to the store that all instances share; if the state is lost, reset the offsets \
                 of the group to begin anew, and keep the topic's retention above the age of the oldest checkpoint"
            }
            TakeoverError::Sink(SinkError::Damaged { .. }) => {
                "Check that no other program uses this group or topic"
            }
            _ => "It is tried again",
        }
    }
}

/// Goes on with a state that is still in memory, if nobody has written for the log since: else the state is given back.
pub fn resume<R: Rules>(
    mut partition: Partition<R>,
    owner: &str,
    sink: &mut dyn Sink,
) -> Result<Result<Taken<R>, Partition<R>>, TakeoverError> {
    let log = partition.shard().log();
    let cut = sink.fence(log)?;
    let Some(cut) = cut.filter(|cut| partition.has_written(cut)) else { return Ok(Err(partition)) };
    let claimed = CutRecord { owner: owner.into(), ..cut };
    sink.claim(log, claimed.clone())?;
    still_ours(sink, log, &claimed)?;
    partition.rename(owner);
    let next_offset = partition.shard().stamp().next_offset;
    Ok(Ok(Taken { partition, next_offset, is_new: false, passed_over: Vec::new() }))
}

/// Takes a log over.
pub fn take_over<R: Rules>(
    log: u32,
    owner: &str,
    policy: Arc<Policy>,
    options: Options,
    sink: &mut dyn Sink,
    store: &mut dyn Store,
) -> Result<Taken<R>, TakeoverError> {
    let found = sink.fence(log)?;
    let is_new = found.as_ref().is_none_or(|cut| cut.seq == 0);
    let cut = found.unwrap_or_else(|| first_cut(policy.hash));
    if !is_new && cut.policy_hash != policy.hash {
        // Also where no checkpoint says so: what was said was said under other promises.
        let (found, loaded) = (cut.policy_hash, policy.hash);
        return Err(StateError::Policy { found, loaded }.into());
    }
    let claimed = CutRecord { owner: owner.into(), ..cut.clone() };
    sink.claim(log, claimed.clone())?;
    let (checkpoint, passed_over) = checkpoint::newest(store, log, cut.seq)?;
    let (shard, number, alerts_offset) = match checkpoint {
        Some(Checkpoint { number, alerts_offset, state, .. }) => {
            (Shard::restore(policy, options, state)?, number, alerts_offset)
        }
        None => (Shard::new(policy, options, log), 0, 0),
    };
    let mut said: Alerts = shard.said();
    let alerts = sink.alerts(log, alerts_offset, &mut |record| say(&mut said, &record.change))?;
    still_ours(sink, log, &claimed)?;
    let next_offset = shard.stamp().next_offset;
    let partition = Partition::resume(shard, owner, number, alerts, CatchUp { cut, said });
    Ok(Taken { partition, next_offset, is_new, passed_over })
}

/// Nobody has claimed the log, or written for it, since it was claimed.
fn still_ours(sink: &mut dyn Sink, log: u32, claimed: &CutRecord) -> Result<(), TakeoverError> {
    match sink.cut(log)?.filter(|now| now != claimed) {
        Some(now) => Err(TakeoverError::TakenOver { log, owner: now.owner }),
        None => Ok(()),
    }
}

/// A log that was never cut: nothing read, nothing said.
pub(super) fn first_cut(policy_hash: u64) -> CutRecord {
    let owner = String::new();
    CutRecord { next_offset: 0, clock: Time::MIN, seq: 0, policy_hash, owner, checkpoint: 0 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::alert::Record;
    use crate::shard::Standard;
    use crate::sink::Transaction;
    use crate::sla::policy::Counting;
    use crate::{checkpoint, sink};

    /// A sink to which somebody else writes while the alerts are read.
    struct Restless(sink::memory::Memory);

    impl Sink for Restless {
        fn commit(&mut self, transaction: Transaction) -> Result<(), SinkError> {
            self.0.commit(transaction)
        }

        fn cut(&mut self, log: u32) -> Result<Option<CutRecord>, SinkError> {
            self.0.cut(log)
        }

        fn alerts(&mut self, log: u32, from: u64, visit: &mut dyn FnMut(Record)) -> Result<u64, SinkError> {
            let cut = self.0.cut(log)?.expect("it was claimed before");
            self.0.claim(log, CutRecord { owner: "successor".into(), ..cut })?;
            self.0.alerts(log, from, visit)
        }
    }

    fn take(sink: &mut dyn Sink) -> Result<Taken<Standard>, TakeoverError> {
        let policy = Policy::new(vec![], vec![], vec![], Counting::default()).expect("an empty policy");
        take_over(
            0,
            "me",
            policy.into(),
            Options::default(),
            sink,
            &mut checkpoint::memory::Memory::default(),
        )
    }

    #[test]
    fn a_taker_that_was_stopped_does_not_go_on_with_what_its_successor_said() {
        let refused = take(&mut Restless(sink::memory::Memory::default())).err().expect("refused");
        assert_eq!(refused.to_string(), "log 0 was taken over by `successor` in the meantime");
    }

    #[test]
    fn a_log_is_claimed_before_anything_is_said_and_given_up_while_catching_up() {
        let mut sink = sink::memory::Memory::default();
        let taken = take(&mut sink).expect("nobody else is there");
        let owner = |sink: &mut sink::memory::Memory| sink.cut(0).expect("readable").expect("claimed").owner;
        assert_eq!(owner(&mut sink), "me");
        taken.partition.release(&mut sink).expect("writable");
        assert_eq!(owner(&mut sink), "");
    }
}
