//! What if the input is files? Logs of encoded events that were put into order beforehand, see [`super::replay`].
//!
//! Nothing changes once the logs are complete, so clones share them and each worker reads its own. Between the events
//! every log hears the time, whenever any of the logs came to another tick.
//!
//! ```text
//!   log 0   event 08:01   event 08:04   ~08:05   event 08:06   ~08:25                 ~08:28      ~ a clock
//!   log 1   event 08:02                 ~08:05                 ~08:25   event 08:28   ~08:28
//! ```

use std::fmt;
use std::sync::Arc;

use super::encode::get_event;
use super::sort::{Merge, Sorted};
use super::{Item, Record, Source, SourceError};
use crate::time::Time;

/// How many numbers the key of an event has: its time (0 where files keep their order), its file and line, and which
/// of the line's events it is.
pub(super) const KEY: usize = 3;

/// Lines are numbered with this many bits, files with the rest.
const LINE_BITS: u32 = 40;

/// File and line as one number.
pub(super) fn place(file: usize, line: u64) -> u64 {
    (file as u64) << LINE_BITS | line
}

/// File and line of a place.
pub(super) fn split_place(place: u64) -> (usize, u64) {
    ((place >> LINE_BITS) as usize, place & ((1 << LINE_BITS) - 1))
}

/// Logs that are complete, and which of them this handle reads.
#[derive(Clone)]
pub struct Spool {
    logs: Arc<Logs>,
    reading: Vec<Reading>,
    /// Which of the assigned logs comes first in the next poll.
    turn: usize,
}

/// What all clones share.
pub(super) struct Logs {
    /// Each log in order.
    pub logs: Vec<Arc<Sorted<KEY>>>,
    /// When every log hears the time, ascending. The last one comes after everything.
    pub clocks: Vec<Time>,
    /// The files.
    pub places: Vec<Arc<str>>,
    /// When every record counts as appended.
    pub appended: Time,
}

/// How far a log has been read.
#[derive(Clone)]
struct Reading {
    log: u32,
    merge: Merge<KEY>,
    next_offset: u64,
    /// The next of the clocks.
    next_clock: usize,
}

impl Spool {
    /// A handle that reads none of the logs yet.
    pub(super) fn new(logs: Logs) -> Spool {
        Spool { logs: Arc::new(logs), reading: Vec::new(), turn: 0 }
    }

    /// How many logs there are.
    pub fn logs(&self) -> u32 {
        self.logs.logs.len() as u32
    }

    /// The offset after the last record of `log`.
    pub fn next_offset(&self, log: u32) -> u64 {
        self.logs.logs[log as usize].count()
    }
}

impl fmt::Debug for Spool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ends: Vec<u64> = self.logs.logs.iter().map(|log| log.count()).collect();
        f.debug_struct("Spool").field("next_offsets", &ends).finish_non_exhaustive()
    }
}

impl Source for Spool {
    fn assign(&mut self, log: u32, next_offset: u64) -> Result<(), SourceError> {
        self.revoke(log);
        let Some(found) = self.logs.logs.get(log as usize) else {
            return Err(SourceError::NoSuchLog { log, logs: self.logs() });
        };
        if next_offset > found.count() {
            return Err(SourceError::BeyondEnd { log, next_offset, end: found.count() });
        }
        let runs = self.logs.logs.iter().map(|log| log.spilled_runs()).sum();
        let merge = Merge::new(found.clone(), runs)?;
        let mut reading = Reading { log, merge, next_offset: 0, next_clock: 0 };
        while reading.next_offset < next_offset {
            reading.next(&self.logs, |_| ())?;
        }
        self.reading.push(reading);
        Ok(())
    }

    fn revoke(&mut self, log: u32) {
        self.reading.retain(|reading| reading.log != log);
    }

    fn poll(&mut self, max: usize, visit: &mut dyn FnMut(Record<'_>)) -> Result<usize, SourceError> {
        let mut visited = 0;
        self.turn += 1;
        for at in 0..self.reading.len() {
            let at = (self.turn + at) % self.reading.len();
            let reading = &mut self.reading[at];
            while visited < max && reading.next(&self.logs, &mut *visit)? {
                visited += 1;
            }
        }
        Ok(visited)
    }
}

impl Reading {
    /// Hands on the next event or clock and moves on; false at the end.
    fn next(&mut self, logs: &Logs, visit: impl FnOnce(Record<'_>)) -> Result<bool, SourceError> {
        let Reading { log, merge, next_offset, next_clock } = self;
        let (log, offset, appended) = (*log, *next_offset, logs.appended);
        let due = logs.clocks.get(*next_clock);
        // A tick comes before the first event that is not before it, the last clock after all of them.
        let is_last = *next_clock + 1 == logs.clocks.len();
        let head = merge.head()?;
        let clock =
            due.filter(|clock| head.is_none_or(|[time, ..]| !is_last && clock.millis() as u64 <= time));
        if let Some(clock) = clock {
            *next_clock += 1;
            let (place, number, item) = (&logs.places[0], 0, Item::Clock(*clock));
            visit(Record { log, offset, appended, place, number, item });
            return Ok(true);
        }
        let Some(([_, place, _], bytes)) = merge.next()? else { return Ok(false) };
        *next_offset += 1;
        let (file, number) = split_place(place);
        let item = Item::Event(get_event(bytes));
        visit(Record { log, offset, appended, place: &logs.places[file], number, item });
        Ok(true)
    }
}
