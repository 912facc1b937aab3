//! What was said for good? The one trait through which alerts, partials and cuts are written, and its twins.
//!
//! A [`Transaction`] is written as a whole or not at all: the alerts of a cut, the panes that changed, and the cut
//! itself. What a reader finds is always a sequence of whole transactions, so the last cut says exactly up to where
//! everything before was said.

use serde::{Deserialize, Serialize};

use crate::alert::Record;
use crate::time::Time;
use crate::window::{Partial, Stamp};

pub mod changelog;
pub mod file;
#[cfg(feature = "kafka")]
pub mod kafka;
pub mod memory;
pub mod phase;

#[cfg(test)]
mod tests;

/// Up to where a log was read and said.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CutRecord {
    /// The offset of the first record not read.
    pub next_offset: u64,
    /// The partition clock, in milliseconds since 1970.
    pub clock: Time,
    /// Counts the cuts of a log, from 1.
    pub seq: u64,
    /// The policy that judged.
    pub policy_hash: u64,
    /// Who may be writing; empty: nobody.
    pub owner: String,
    /// The newest checkpoint published before this cut; 0: none.
    pub checkpoint: u64,
}

impl CutRecord {
    /// As of when.
    pub fn stamp(&self) -> Stamp {
        Stamp { next_offset: self.next_offset, clock: self.clock }
    }
}

/// What is written as one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Transaction {
    /// The log it belongs to.
    pub log: u32,
    /// Up to where.
    pub cut: CutRecord,
    /// The changes to alerts, in order.
    pub alerts: Vec<Record>,
    /// The panes that changed.
    pub partial: Option<Partial>,
}

/// Somewhere cuts are written.
pub trait Sink {
    /// Writes a transaction, whole or not at all. After [`SinkError::InDoubt`] it may have been written or not: the
    /// `seq` and owner of the last [cut](Sink::cut) say; after any other error it was not.
    fn commit(&mut self, transaction: Transaction) -> Result<(), SinkError>;

    /// Says who may be writing for a log from now on: the last cut again, with another owner. Whoever takes the log over
    /// next asks for it, so it is said before the first transaction and when the log is given up.
    fn claim(&mut self, log: u32, cut: CutRecord) -> Result<(), SinkError> {
        self.commit(Transaction { log, cut, alerts: Vec::new(), partial: None })
    }

    /// The last cut of a log that is about to be taken over: whoever wrote for it before can write no more.
    fn fence(&mut self, log: u32) -> Result<Option<CutRecord>, SinkError> {
        self.cut(log)
    }

    /// After [`SinkError::InDoubt`]: makes an end of what was begun, so that [`Sink::cut`] says what came of it.
    fn settle(&mut self) -> Result<(), SinkError> {
        Ok(())
    }

    /// The last cut written for a log, or claimed.
    fn cut(&mut self, log: u32) -> Result<Option<CutRecord>, SinkError>;

    /// Hands on the alerts of a log from the `from`-th on, and returns how many there are in all.
    fn alerts(&mut self, log: u32, from: u64, visit: &mut dyn FnMut(Record)) -> Result<u64, SinkError>;

    /// From where on alerts must be read to see all those after the last one written, where that is not their number.
    fn alerts_end(&self, _log: u32) -> Option<u64> {
        None
    }
}

/// Why a cut could not be written or read.
#[derive(Debug, thiserror::Error)]
pub enum SinkError {
    /// The outside world.
    #[error("{place}: {error}. Check the path, the permission and the free space")]
    Io {
        /// Where.
        place: String,
        /// What the system says.
        error: std::io::Error,
    },
    /// The brokers do not answer, or not with what is asked for.
    #[error("{place}: {error}")]
    Unreachable {
        /// What was asked for.
        place: String,
        /// What the client says.
        error: String,
    },
    /// What stands there is not what this program writes.
    #[error("{place}: {what}")]
    Damaged {
        /// Where.
        place: String,
        /// What is wrong.
        what: String,
    },
    /// Whether the transaction was written is not known.
    #[error("{place}: no answer came, the transaction may have been written or not")]
    InDoubt {
        /// Where.
        place: String,
    },
    /// Nothing was written, and the same may be tried again.
    #[error("the cut was refused: {error}")]
    Refused {
        /// What the brokers say.
        error: String,
        /// Whether the group has gone on without this member.
        left_behind: bool,
    },
    /// Another process has taken this one's place: it writes no more.
    #[error("`{owner}` was fenced, another process has taken its place: {error}")]
    Fenced {
        /// Under which name this process wrote.
        owner: String,
        /// What the brokers say.
        error: String,
    },
    /// The process is made to end here: simulation only.
    #[error("the process ends here")]
    Crash,
}
