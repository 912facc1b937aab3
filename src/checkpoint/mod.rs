//! From where do we go on? Checkpoints: the state of one log as of one cut, numbered, whole or absent.
//!
//! ```text
//!   "WBCP"  version  crc32c of the rest   number  seq  alerts offset   state of the shard (postcard)
//! ```
//!
//! A checkpoint is published only after the cut it belongs to was committed, and never changed afterwards. One that is
//! damaged is passed over for an older one.
//!
//! It is written beside the work, and in pieces: a worker takes a [`Pending`] one in an instant, right after a cut, and goes on; another
//! thread writes it.

use std::path::Path;

use serde::{Deserialize, Serialize};

use self::frame::{Body, Framed, bytes_of, unseal};
use crate::shard::snapshot::Snapshot;
use crate::shard::state::State;

pub mod file;
pub mod frame;
pub mod memory;
#[cfg(feature = "object-store")]
pub mod objects;

#[cfg(test)]
mod tests;

/// So many numbers are tried for one checkpoint; if all are taken, somebody else writes as fast.
const NUMBERS_TRIED: usize = 4;

/// The state of one log as of one cut.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Checkpoint {
    /// Counts the checkpoints of a log, from 1.
    pub number: u64,
    /// The cut it belongs to.
    pub seq: u64,
    /// How many alerts had been written for the log.
    pub alerts_offset: u64,
    /// The state.
    pub state: State,
}

/// A checkpoint that is still to be written: the same, with the state not copied yet. It may go to another thread.
#[derive(Serialize)]
pub struct Pending {
    /// The number it should get.
    pub number: u64,
    /// The cut it belongs to.
    pub seq: u64,
    /// How many alerts had been written for the log.
    pub alerts_offset: u64,
    /// The state.
    pub state: Snapshot,
}

/// Somewhere checkpoints are kept.
pub trait Store {
    /// Publishes a body under a number, whole or not at all; refuses a number that is taken.
    fn put(&mut self, log: u32, number: u64, body: &dyn Body) -> Result<(), StoreError>;

    /// The numbers that are there, ascending.
    fn list(&mut self, log: u32) -> Result<Vec<u64>, StoreError>;

    /// The bytes under a number.
    fn get(&mut self, log: u32, number: u64) -> Result<Vec<u8>, StoreError>;

    /// Deletes what is under a number; nothing may be there.
    fn delete(&mut self, log: u32, number: u64) -> Result<(), StoreError>;
}

/// Why a checkpoint cannot be written or read.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The outside world.
    #[error("{place}: {error}. Check the path, the permission and the free space")]
    Io {
        /// Where.
        place: String,
        /// What the system says.
        error: std::io::Error,
    },
    /// A service that is not of this machine.
    #[error(
        "{place}: {error}. Check the address, the network, and the credentials in the environment: docs/configuration.md"
    )]
    Away {
        /// Its address.
        place: String,
        /// What it says.
        error: String,
    },
    /// Somebody else has published under this number: another process believes it owns the log.
    #[error("checkpoint {number} of log {log} is there already: another process writes for this log")]
    Taken {
        /// The log.
        log: u32,
        /// The number.
        number: u64,
    },
    /// It was deleted after it was listed.
    #[error("checkpoint {number} of log {log} is not there any more: the log went on without us")]
    Gone {
        /// The log.
        log: u32,
        /// The number.
        number: u64,
    },
    /// The bytes are not a checkpoint, or not all of one.
    #[error("checkpoint {number} of log {log} is damaged: {what}")]
    Damaged {
        /// The log.
        log: u32,
        /// The number.
        number: u64,
        /// What is wrong.
        what: String,
    },
    /// The process is made to end here: simulation only.
    #[error("the process ends here")]
    Crash,
}

impl Checkpoint {
    /// The bytes to be stored.
    pub fn encode(&self) -> Vec<u8> {
        bytes_of(&Framed(self))
    }

    /// Reads bytes back; what is wrong with them otherwise.
    pub fn decode(bytes: &[u8]) -> Result<Checkpoint, String> {
        Checkpoint::from_body(unseal(bytes)?)
    }

    /// Reads what its frame holds. A state of version 1 ends before the last list of this one: nothing was in it.
    fn from_body(body: &[u8]) -> Result<Checkpoint, String> {
        match postcard::from_bytes(body) {
            Err(postcard::Error::DeserializeUnexpectedEnd) => {
                let longer = [body, &[0]].concat();
                let older = postcard::from_bytes(&longer).ok();
                older.filter(|older: &Checkpoint| older.state.version == 1).ok_or("it ends too early".into())
            }
            read => read.map_err(|error| error.to_string()),
        }
    }
}

impl Pending {
    /// The bytes to be stored.
    pub fn encode(&self) -> Vec<u8> {
        bytes_of(&Framed(self))
    }

    /// Publishes it under its number, or under the next one behind all that are there: one that could not be read when
    /// the log was taken over, or that was published though the store failed to say so, keeps its own, and a number
    /// that was deleted is not used again. Returns the number.
    pub fn write(mut self, store: &mut dyn Store) -> Result<u64, StoreError> {
        let log = self.state.log();
        for _ in 0..NUMBERS_TRIED {
            let last = store.list(log)?.last().copied().unwrap_or(0);
            self.number = self.number.max(last + 1);
            match store.put(log, self.number, &Framed(&self)) {
                Err(StoreError::Taken { .. }) => {}
                Err(error) => return Err(error),
                Ok(()) => return Ok(self.number),
            }
        }
        Err(StoreError::Taken { log, number: self.number })
    }
}

/// The name of a checkpoint where they have names.
fn name_of(log: u32, number: u64) -> String {
    format!("log-{log}-{number:020}.checkpoint")
}

/// The number in a name, if it is the name of a checkpoint of this log.
fn number_of(log: u32, name: &str) -> Option<u64> {
    name.strip_prefix(&format!("log-{log}-"))?.strip_suffix(".checkpoint")?.parse().ok()
}

/// Opens the place of checkpoints that an address names: a folder, with or without `file://` before it, or what lies
/// in a cloud. In it, those of each group lie apart.
pub fn open(address: &str, group: &str) -> Result<Box<dyn Store + Send>, StoreError> {
    match address.split_once("://") {
        None => Ok(Box::new(file::Directory::new(Path::new(address).join(group))?)),
        Some(("file", path)) => Ok(Box::new(file::Directory::new(Path::new(path).join(group))?)),
        #[cfg(feature = "object-store")]
        Some(_) => Ok(Box::new(objects::Objects::new(address, group)?)),
        #[cfg(not(feature = "object-store"))]
        Some(_) => {
            let error = "this program was built without object stores".into();
            Err(StoreError::Away { place: address.into(), error })
        }
    }
}

/// The newest checkpoint of a log for which `decode`, given its number and what its frame holds, has an answer, and the
/// problems of those that were passed over.
pub fn newest_of<T>(
    store: &mut dyn Store,
    log: u32,
    decode: impl Fn(u64, &[u8]) -> Result<Option<T>, String>,
) -> Result<(Option<T>, Vec<StoreError>), StoreError> {
    let mut passed_over = Vec::new();
    for number in store.list(log)?.into_iter().rev() {
        let bytes = store.get(log, number)?;
        match unseal(&bytes).and_then(|body| decode(number, body)) {
            Ok(Some(found)) => return Ok((Some(found), passed_over)),
            Ok(None) => {}
            Err(what) => passed_over.push(StoreError::Damaged { log, number, what }),
        }
    }
    Ok((None, passed_over))
}

/// Deletes the checkpoints of a log up to `named` but for the newest `keep` of them. Returns how many were deleted.
///
/// `named` is one that a committed cut names. Then nobody needs what goes, whoever asks for it and however late: whoever
/// takes the log over finds that cut or a later one, so `named` is at or before it, and what it loads is `named`, a later
/// one, or, where those are damaged, one of those kept. What lies after `named` is never touched: it may be a successor's.
pub fn prune(store: &mut dyn Store, log: u32, named: u64, keep: u32) -> Result<usize, StoreError> {
    let numbers = store.list(log)?;
    let up_to = numbers.partition_point(|number| *number <= named);
    let gone = up_to.saturating_sub(keep.max(1) as usize);
    numbers[..gone].iter().try_for_each(|number| store.delete(log, *number))?;
    Ok(gone)
}

/// The newest checkpoint of a log that can be read and belongs to cut `seq` or an earlier one, and the problems of
/// those that were passed over.
pub fn newest(
    store: &mut dyn Store,
    log: u32,
    seq: u64,
) -> Result<(Option<Checkpoint>, Vec<StoreError>), StoreError> {
    newest_of(store, log, |number, body| {
        let checkpoint = Checkpoint::from_body(body)?;
        if checkpoint.number != number || checkpoint.state.log != log {
            return Err("it is the checkpoint of another number or log".into());
        }
        // A later one was published by a worker whose cut was not the one that counted.
        Ok((checkpoint.seq <= seq).then_some(checkpoint))
    })
}
