//! How do files become logs? Reads them once, orders the events by time, and splits them by subject as Kafka would.
//!
//! ```text
//!   files ─→ chunks of whole lines ─→ decode, one thread each ─→ events by log and time ─┬─→ one spool, a log per
//!                (this thread)         rows whose mapping compares rows                  │    partition, and clocks
//!                                      ─→ merge by subject and time ─→ events ───────────┘
//! ```
//!
//! Ground rules: the outcome depends on the files and the options only, never on the number of threads or the memory.
//! An event that lies in the future is handed on, for whoever keeps the cases to reject, but moves no clock.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crossbeam_channel::Sender;

use super::SourceError;
use super::file::{KEY, Logs, Spool};
use super::lines::{Lines, Quoting};
use super::mapping::Mapping;
use super::sort::{Merge, Sorted};
use crate::event::{Position, Reason, Reject};
use crate::time::{Span, Time};

mod decode;
mod rows;

#[cfg(test)]
mod tests;

use decode::{Binding, Decoder, Events, Tally, Work};

/// One file to read.
#[derive(Clone, Debug)]
pub struct Input {
    /// Its path; `-` is standard input. Plain or gzip, told apart by the first bytes.
    pub path: PathBuf,
    /// How its rows become events; none for canonical events, one JSON object per line.
    pub mapping: Option<Arc<Mapping>>,
}

/// In which order the events are handed on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Order {
    /// By event time; ties by file, then line.
    #[default]
    Time,
    /// As they stand in the files, one file after the other.
    File,
}

/// How files become logs.
#[derive(Clone, Debug)]
pub struct Options {
    /// In which order.
    pub order: Order,
    /// How many logs, at least 1.
    pub partitions: u32,
    /// The instant as of which the files are read: every record counts as appended then.
    pub as_of: Time,
    /// How far beyond `as_of` an event may lie and still move the clock.
    pub max_skew: Span,
    /// Ordered by time, every log is told the time whenever a multiple of this is passed; more than nothing.
    pub tick: Span,
    /// About how many bytes of events are held in memory, in sum; the rest lies in temporary files. Rows that must be
    /// compared with their neighbours take as much again.
    pub memory_bytes: usize,
    /// How many threads decode, at least 1.
    pub threads: usize,
    /// How many rejects are kept with their position; all are counted.
    pub rejects_max: usize,
}

/// How far `prepare` is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// Bytes read of the files, as they lie on disk; the total is not known where standard input is among them.
    Reading {
        /// Read so far.
        bytes: u64,
        /// Of all files.
        total: Option<u64>,
    },
    /// Everything is read, and is put into order.
    Ordering,
}

/// The files as logs, and what was found on the way.
#[derive(Debug)]
pub struct Prepared {
    /// The logs. Clones share them: one per worker, each assigned its own logs.
    pub spool: Spool,
    /// The records that could not be used, by file and line, the first `rejects_max` of them.
    pub rejects: Vec<Reject>,
    /// How many could not be used, by [`crate::event::Reason::code`].
    pub reject_counts: BTreeMap<&'static str, u64>,
    /// Lines or rows read, without empty lines and headers.
    pub rows: u64,
    /// Events handed on.
    pub events: u64,
    /// Bytes read, unpacked.
    pub bytes: u64,
    /// The earliest event time; of events that do not lie in the future.
    pub first: Option<Time>,
    /// The latest event time; of events that do not lie in the future.
    pub last: Option<Time>,
}

/// Reads `inputs` to their end. `progress` is told of every step of a few hundred kilobytes; `cancel` ends it early.
pub fn prepare(
    inputs: &[Input],
    options: &Options,
    progress: &mut dyn FnMut(Progress),
    cancel: &AtomicBool,
) -> Result<Prepared, SourceError> {
    assert!(options.partitions > 0 && options.threads > 0 && options.tick > Span::ZERO, "{options:?}");
    let places: Vec<Arc<str>> = inputs.iter().map(|input| input.path.display().to_string().into()).collect();
    let (mut bytes, mut decoders) = (0, Vec::new());
    std::thread::scope(|scope| {
        let (send, receive) = crossbeam_channel::bounded::<Work>(2 * options.threads);
        let start = |_| {
            let (receive, mut decoder) = (receive.clone(), Decoder::new(options, inputs));
            scope.spawn(move || {
                receive.iter().try_for_each(|work| decoder.decode(work))?;
                Ok::<_, SourceError>(decoder.finish())
            })
        };
        let threads: Vec<_> = (0..options.threads).map(start).collect();
        drop(receive);
        // Read first, then ask the threads: where both fail, the threads know why.
        let read = read_all(inputs, &places, send, progress, cancel);
        progress(Progress::Ordering);
        for thread in threads {
            decoders.push(thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))?);
        }
        bytes = read?;
        Ok(())
    })?;
    let (mut parts, mut rows, mut tally) = (Vec::new(), Vec::new(), Tally::new(options.rejects_max));
    for decoded in decoders {
        parts.push(decoded.events);
        rows.push(decoded.rows);
        tally.add(decoded.tally);
    }
    let rows = Arc::new(Sorted::join(rows));
    if rows.count() > 0 {
        let merge = Merge::new(rows.clone(), rows.spilled_runs())?;
        parts.push(Part::new(rows::events(merge, inputs, options, &mut tally, cancel)?));
    }
    let (logs, span) = lay_out(parts, options, &places);
    Ok(finish(Spool::new(logs), span, tally, &places, bytes))
}

/// What one thread found, in order.
struct Part {
    logs: Vec<Sorted<KEY>>,
    ticks: BTreeSet<Time>,
    extent: Extent,
}

impl Part {
    fn new(events: Events) -> Part {
        Part { logs: events.logs.finish(), ticks: events.ticks, extent: events.extent }
    }
}

/// Cuts all files into chunks and hands them to the decoders; returns the bytes read, unpacked.
fn read_all(
    inputs: &[Input],
    places: &[Arc<str>],
    send: Sender<Work>,
    progress: &mut dyn FnMut(Progress),
    cancel: &AtomicBool,
) -> Result<u64, SourceError> {
    let sizes = inputs.iter().map(|input| std::fs::metadata(&input.path).ok().filter(|data| data.is_file()));
    let total = sizes.map(|data| data.map(|data| data.len())).sum::<Option<u64>>();
    let (mut bytes, mut on_disk) = (0, 0);
    for (file, input) in inputs.iter().enumerate() {
        let layout = input.mapping.as_ref().map(|mapping| &mapping.layout);
        let quoting =
            layout.and_then(|layout| Some(Quoting { delimiter: layout.delimiter, quote: layout.quote? }));
        let mut lines = Lines::open(&input.path, quoting)?;
        let mut binding = None;
        loop {
            if cancel.load(Ordering::Relaxed) {
                return Err(SourceError::Cancelled);
            }
            let chunk = lines.next().map_err(|error| {
                let place = format!("{}:{}", places[file], lines.line());
                SourceError::Read { place, error }
            })?;
            let mut work = Work { file, chunk, binding: None, rejects: lines.take_rejects() };
            let last = work.chunk.is_none();
            if let (Some(mapping), Some(chunk)) = (&input.mapping, &mut work.chunk) {
                let bound = match binding.take() {
                    Some(bound) => bound,
                    None => Arc::new(Binding::new(mapping, chunk, &places[file])?),
                };
                work.binding = Some(binding.insert(bound).clone());
            }
            progress(Progress::Reading { bytes: on_disk + lines.bytes_on_disk(), total });
            // The decoders are gone when one of them failed; their error is the one that counts.
            if send.send(work).is_err() || last {
                break;
            }
        }
        bytes += lines.bytes();
        on_disk += lines.bytes_on_disk();
    }
    Ok(bytes)
}

/// The first and the last event time that move clocks.
type Extent = Option<(Time, Time)>;

/// Joins what the threads found into one log per partition, with the clocks that all of them hear.
fn lay_out(parts: Vec<Part>, options: &Options, places: &[Arc<str>]) -> (Logs, Extent) {
    let (mut ticks, mut extent): (BTreeSet<Time>, Extent) = Default::default();
    let mut by_log: Vec<Vec<Sorted<KEY>>> = (0..options.partitions).map(|_| Vec::new()).collect();
    for part in parts {
        ticks.extend(part.ticks);
        extent = match (extent, part.extent) {
            (Some((a, b)), Some((c, d))) => Some((a.min(c), b.max(d))),
            (one, other) => one.or(other),
        };
        by_log.iter_mut().zip(part.logs).for_each(|(log, sorted)| log.push(sorted));
    }
    // The first event crosses nothing: nothing was before it. Where files keep their order, time may go back.
    ticks.pop_first();
    let ticks = Some(ticks).filter(|_| options.order == Order::Time);
    let clocks = ticks.into_iter().flatten().chain(extent.map(|(_, last)| last)).collect();
    let logs = by_log.into_iter().map(|parts| Arc::new(Sorted::join(parts))).collect();
    (Logs { logs, clocks, places: places.to_vec(), appended: options.as_of }, extent)
}

fn finish(spool: Spool, extent: Extent, tally: Tally, places: &[Arc<str>], bytes: u64) -> Prepared {
    let position = |file: usize, line| Position { place: places[file].clone(), number: line };
    let reject =
        |((file, line), reason): ((usize, u64), Reason)| Reject { position: position(file, line), reason };
    Prepared {
        rejects: tally.rejects.into_iter().map(reject).collect(),
        reject_counts: tally.counts,
        rows: tally.rows,
        events: (0..spool.logs()).map(|log| spool.next_offset(log)).sum(),
        spool,
        bytes,
        first: extent.map(|(first, _)| first),
        last: extent.map(|(_, last)| last),
    }
}
