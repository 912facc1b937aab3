//! What if the input is made up? Logs in memory, for tests and the simulation.
//!
//! The handle can be cloned: clones share the logs, each has its own assignment. So several workers read the same
//! logs, and a worker that is born again reads them anew.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::{Item, Record, Source, SourceError};
use crate::event::decode;
use crate::time::Time;

/// Logs in memory, and which of them this handle reads.
#[derive(Clone, Debug)]
pub struct Memory {
    logs: Arc<Mutex<Vec<Log>>>,
    reading: Vec<Reading>,
    /// Which of the assigned logs comes first in the next poll.
    turn: usize,
}

#[derive(Debug)]
struct Log {
    place: Arc<str>,
    entries: Vec<Entry>,
    next_offset: u64,
}

#[derive(Clone, Debug)]
struct Entry {
    /// Its offset, or the next record's where it is a clock.
    offset: u64,
    appended: Time,
    what: What,
}

#[derive(Clone, Debug)]
enum What {
    Payload(Arc<[u8]>),
    Clock(Time),
}

#[derive(Clone, Debug)]
struct Reading {
    log: u32,
    /// The index of the next entry.
    next: usize,
}

impl Memory {
    /// As many empty logs.
    pub fn new(logs: u32) -> Memory {
        let log = |log| Log { place: format!("memory/{log}").into(), entries: Vec::new(), next_offset: 0 };
        Memory { logs: Arc::new(Mutex::new((0..logs).map(log).collect())), reading: Vec::new(), turn: 0 }
    }

    /// Appends a record to `log` and returns its offset. Appending to a log that does not exist panics.
    pub fn append(&self, log: u32, payload: &[u8], appended: Time) -> u64 {
        self.push(log, What::Payload(payload.into()), appended)
    }

    /// Says that everything before `time` has been read of `log`.
    pub fn advance(&self, log: u32, time: Time) {
        self.push(log, What::Clock(time), time);
    }

    /// The offset the next record of `log` will have.
    pub fn next_offset(&self, log: u32) -> u64 {
        self.lock()[log as usize].next_offset
    }

    fn push(&self, log: u32, what: What, appended: Time) -> u64 {
        let log = &mut self.lock()[log as usize];
        let offset = log.next_offset;
        log.next_offset += u64::from(matches!(what, What::Payload(_)));
        log.entries.push(Entry { offset, appended, what });
        offset
    }

    /// A panic of another handle while it held the lock leaves whole entries behind.
    fn lock(&self) -> MutexGuard<'_, Vec<Log>> {
        self.logs.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The next entry of a log; the lock is held only for copying it, so that whoever visits it may append.
    fn entry(&self, reading: &Reading) -> Option<(Arc<str>, Entry)> {
        let log = &self.lock()[reading.log as usize];
        log.entries.get(reading.next).map(|entry| (log.place.clone(), entry.clone()))
    }
}

impl Source for Memory {
    fn assign(&mut self, log: u32, next_offset: u64) -> Result<(), SourceError> {
        self.revoke(log);
        let logs = self.lock();
        let Some(found) = logs.get(log as usize) else {
            return Err(SourceError::NoSuchLog { log, logs: logs.len() as u32 });
        };
        if next_offset > found.next_offset {
            return Err(SourceError::BeyondEnd { log, next_offset, end: found.next_offset });
        }
        let next = found.entries.partition_point(|entry| entry.offset < next_offset);
        drop(logs);
        self.reading.push(Reading { log, next });
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
            while visited < max {
                let Some((place, Entry { offset, appended, what })) = self.entry(&self.reading[at]) else {
                    break;
                };
                let item = match &what {
                    What::Clock(time) => Item::Clock(*time),
                    What::Payload(bytes) => match decode(bytes) {
                        Ok(event) => Item::Event(event),
                        Err(reason) => Item::Reject(reason),
                    },
                };
                let log = self.reading[at].log;
                visit(Record { log, offset, appended, place: &place, number: offset, item });
                self.reading[at].next += 1;
                visited += 1;
            }
        }
        Ok(visited)
    }
}
