//! What comes in, up to which position? The one trait through which the engine reads, and its doors.
//!
//! A *log* is an ordered sequence of records with offsets from 0 without gaps that matter; a subject lives in one log.
//! A source hands on records of the logs assigned to it, of each log in order, and says nothing of what they mean.
//! A record that cannot be read is handed on all the same, as a reject with its offset: it never stops a log.
//!
//! ```text
//!   files ─→ replay::prepare ─→ file::Spool ─┐
//!                                            ├─→ Source ─→ engine
//!   tests ─→ memory::Memory ─────────────────┘
//! ```
//!
//! Not for: what an event means (`sla`), threads and pace (`engine`), the words of a mapping file (`config`).

use std::path::PathBuf;
use std::sync::Arc;

use crate::event::{Event, Reason};
use crate::time::Time;

pub mod desk;
#[cfg(feature = "kafka")]
pub mod kafka;
pub mod mapping;
pub mod memory;
pub mod file;
pub mod replay;
pub mod partition;
mod encode;
mod lines;
mod sort;

#[cfg(test)]
mod tests;

/// One record of one log.
#[derive(Clone, Debug, PartialEq)]
pub struct Record<'a> {
    /// The log it was read from.
    pub log: u32,
    /// Its offset; of a [`Item::Clock`], the offset of the next record.
    pub offset: u64,
    /// When it came into the log. Files have no such time: there it is the instant as of which they are read.
    pub appended: Time,
    /// Where it was read: a file's path, `-` for standard input, or `topic/partition`.
    pub place: &'a Arc<str>,
    /// Its line, counted from 1, or its offset.
    pub number: u64,
    /// What it says.
    pub item: Item<'a>,
}

/// What a record says.
#[derive(Clone, Debug, PartialEq)]
#[expect(
    clippy::large_enum_variant,
    reason = "nearly all are events, and a box would be an allocation for each"
)]
pub enum Item<'a> {
    /// Something happened.
    Event(Event<'a>),
    /// It could not be read.
    Reject(Reason),
    /// Everything before this instant has been read. It has no offset of its own, and may be said again after
    /// [`Source::assign`]; it never goes back within a log.
    Clock(Time),
}

/// Somewhere records come from.
pub trait Source {
    /// From now on delivers `log` from `next_offset` on; a log that was assigned before starts again from there.
    fn assign(&mut self, log: u32, next_offset: u64) -> Result<(), SourceError>;

    /// From now on delivers nothing of `log`. Revoking a log that is not assigned does nothing.
    fn revoke(&mut self, log: u32);

    /// Hands on up to `max` records of the assigned logs, of each log in order, and returns how many. Clocks count as
    /// records. 0 means that none is there: for files the end, for a log that grows not yet.
    fn poll(&mut self, max: usize, visit: &mut dyn FnMut(Record<'_>)) -> Result<usize, SourceError>;
}

/// Why nothing can be read. A bad record is never one of these.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// A file cannot be opened.
    #[error("{}: cannot be opened: {error}. Check the path and the permission to read", path.display())]
    Open {
        /// The file.
        path: PathBuf,
        /// What the system says.
        error: std::io::Error,
    },
    /// A file cannot be read on.
    #[error("{place}: cannot be read: {error}. Check the disk, or copy the file anew")]
    Read {
        /// The file and the line reached.
        place: String,
        /// What the system says.
        error: std::io::Error,
    },
    /// A delimited file lacks columns that its mapping reads.
    #[error(
        "{path}:{line}: the header lacks {}, which the mapping `{mapping}` reads; it has {}. \
         Is this the right mapping? A column that may be absent is listed under `[input] optional`",
        quoted(columns),
        quoted(header)
    )]
    Columns {
        /// The file.
        path: String,
        /// The line of the header.
        line: u64,
        /// The mapping's name.
        mapping: String,
        /// What is lacking.
        columns: Vec<String>,
        /// What the header has.
        header: Vec<String>,
    },
    /// The header line itself cannot be read.
    #[error(
        "{path}:{line}: the header cannot be read: {why}. The mapping `{mapping}` expects a line of column names"
    )]
    Header {
        /// The file.
        path: String,
        /// The line of the header.
        line: u64,
        /// The mapping's name.
        mapping: String,
        /// What is wrong with it.
        why: String,
    },
    /// The space for temporary files is used up or cannot be written.
    #[error("temporary file: {0}. Make room there, point TMPDIR to a larger disk, or allow more memory")]
    Spill(std::io::Error),
    /// A log that does not exist was asked for.
    #[error("log {log} does not exist: there are {logs}, counted from 0")]
    NoSuchLog {
        /// The log asked for.
        log: u32,
        /// How many there are.
        logs: u32,
    },
    /// An offset beyond the end was asked for.
    #[error(
        "log {log} ends at offset {end}: it cannot be read from {next_offset} on. Is this another input than before?"
    )]
    BeyondEnd {
        /// The log.
        log: u32,
        /// The offset asked for.
        next_offset: u64,
        /// Its end.
        end: u64,
    },
    /// The caller asked to stop.
    #[error("stopped before the input was read to its end")]
    Cancelled,
}

fn quoted(names: &[String]) -> String {
    let names: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    if names.is_empty() { "no columns".into() } else { names.join(", ") }
}
