//! From where do we go on? Checkpoints: the state of one log as of one cut, numbered, whole or absent.
//!
//! ```text
//!   "WBCP"  version  crc32c of the rest   number  seq  alerts offset   state of the shard (postcard)
//! ```
//!
//! A checkpoint is published only after the cut it belongs to was committed, and never changed afterwards. One that is
//! damaged is passed over for an older one.
//!
//! It is written beside the work: a worker takes a [`Pending`] one in an instant, right after a cut, and goes on; another
//! thread writes it.

use serde::{Deserialize, Serialize};

use crate::shard::snapshot::Snapshot;
use crate::shard::state::State;

pub mod file;
pub mod memory;

#[cfg(test)]
mod tests;

const MAGIC: &[u8; 4] = b"WBCP";
/// The version of the frame that is written.
pub const VERSION: u16 = 1;
const HEADER_BYTES: usize = 4 + 2 + 4;
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
    /// Publishes bytes under a number, whole or not at all; refuses a number that is taken.
    fn put(&mut self, log: u32, number: u64, bytes: &[u8]) -> Result<(), StoreError>;

    /// The numbers that are there, ascending.
    fn list(&mut self, log: u32) -> Result<Vec<u64>, StoreError>;

    /// The bytes under a number.
    fn get(&mut self, log: u32, number: u64) -> Result<Vec<u8>, StoreError>;
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
    /// Somebody else has published under this number: another process believes it owns the log.
    #[error("checkpoint {number} of log {log} is there already: another process writes for this log")]
    Taken {
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
        seal(self)
    }

    /// Reads bytes back; what is wrong with them otherwise.
    pub fn decode(bytes: &[u8]) -> Result<Checkpoint, String> {
        let body = unseal(bytes)?;
        postcard::from_bytes(body).map_err(|error| error.to_string())
    }
}

impl Pending {
    /// The bytes to be stored.
    pub fn encode(&self) -> Vec<u8> {
        seal(self)
    }

    /// Publishes it under its number, or under the next that is free: one that could not be read when the log was taken
    /// over, or that was published though the store failed to say so, keeps its own. Returns the number.
    pub fn write(mut self, store: &mut dyn Store) -> Result<u64, StoreError> {
        let log = self.state.log();
        for _ in 0..NUMBERS_TRIED {
            match store.put(log, self.number, &self.encode()) {
                Err(StoreError::Taken { .. }) => {
                    let last = store.list(log)?.last().copied().unwrap_or(0);
                    self.number = last.max(self.number) + 1;
                }
                Err(error) => return Err(error),
                Ok(()) => return Ok(self.number),
            }
        }
        Err(StoreError::Taken { log, number: self.number - 1 })
    }
}

/// What is stored of a checkpoint, written or pending: in its frame, with version and checksum.
pub fn seal(body: &impl Serialize) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(HEADER_BYTES);
    bytes.extend_from_slice(MAGIC);
    bytes.extend_from_slice(&VERSION.to_le_bytes());
    bytes.extend_from_slice(&[0; 4]);
    let mut bytes = postcard::to_extend(body, bytes).expect("a state is plain data");
    let sum = crc32c::crc32c(&bytes[HEADER_BYTES..]);
    bytes[6..HEADER_BYTES].copy_from_slice(&sum.to_le_bytes());
    bytes
}

/// The bytes in a frame; what is wrong with it otherwise.
pub fn unseal(bytes: &[u8]) -> Result<&[u8], String> {
    let Some((header, body)) = bytes.split_at_checked(HEADER_BYTES) else {
        return Err(format!("{} bytes are less than its header", bytes.len()));
    };
    if &header[..4] != MAGIC {
        return Err("it does not begin with WBCP".into());
    }
    let version = u16::from_le_bytes([header[4], header[5]]);
    if version != VERSION {
        return Err(format!("it has version {version}, this program reads {VERSION}"));
    }
    let sum = u32::from_le_bytes([header[6], header[7], header[8], header[9]]);
    if crc32c::crc32c(body) != sum {
        return Err("its checksum does not fit: it was cut short or changed".into());
    }
    Ok(body)
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

/// The newest checkpoint of a log that can be read and belongs to cut `seq` or an earlier one, and the problems of
/// those that were passed over.
pub fn newest(
    store: &mut dyn Store,
    log: u32,
    seq: u64,
) -> Result<(Option<Checkpoint>, Vec<StoreError>), StoreError> {
    newest_of(store, log, |number, body| {
        let checkpoint: Checkpoint = postcard::from_bytes(body).map_err(|error| error.to_string())?;
        if checkpoint.number != number || checkpoint.state.log != log {
            return Err("it is the checkpoint of another number or log".into());
        }
        // A later one was published by a worker whose cut was not the one that counted.
        Ok((checkpoint.seq <= seq).then_some(checkpoint))
    })
}
