//! How do chunks of a file become sorted events? What each decoding thread does.

use std::collections::{BTreeMap, BTreeSet};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use csv::ByteRecord;

use super::super::encode::{put_cells, put_event, put_number};
use super::super::file::{KEY, place};
use super::super::lines::{Chunk, count_lines, next_line};
use super::super::mapping::{Header, History, Mapping, Row};
use super::super::partition::partition;
use super::super::sort::{Sorted, Sorters};
use super::{Input, Options, Order, Part, SourceError};
use crate::event::{Event, Reason, decode};
use crate::time::{Span, Time};

/// A run is at least this long, however little memory is allowed: thousands of tiny ones would need more in the end.
const RUN_BYTES_MIN: usize = 256 << 10;

/// How many numbers the key of a row has: its subject, its time, its number within that, and its file and line.
pub(super) const ROW_KEY: usize = 4;

/// A part of a file to be decoded.
pub(super) struct Work {
    pub file: usize,
    pub chunk: Option<Chunk>,
    /// Where the columns stand, in a delimited file.
    pub binding: Option<Arc<Binding>>,
    /// What was rejected before it could be decoded.
    pub rejects: Vec<(u64, Reason)>,
}

/// Where the columns of a mapping stand in one file.
pub(super) struct Binding {
    columns: Vec<Option<usize>>,
    /// How many cells a row has; unknown without a header.
    width: Option<usize>,
    /// The header as it stands in the file. Where files were joined it stands there again.
    header: ByteRecord,
}

impl Binding {
    /// Reads the header off the first chunk of a file.
    pub fn new(mapping: &Mapping, chunk: &mut Chunk, path: &str) -> Result<Binding, SourceError> {
        skip_lines(chunk, mapping.layout.skip_lines);
        let mut line = ByteRecord::new();
        let header: Vec<String> = match &mapping.layout.header {
            Header::Line => take_header(mapping, chunk, path, &mut line)?,
            Header::Names(names) => names.clone(),
            Header::Numbers => Vec::new(),
        };
        let width = (mapping.layout.header != Header::Numbers).then_some(header.len());
        match mapping.bind(&header) {
            Ok(columns) => Ok(Binding { columns, width, header: line }),
            Err(columns) => Err(SourceError::Columns {
                path: path.into(),
                line: chunk.first_line.saturating_sub(1).max(1),
                mapping: mapping.name.clone(),
                columns,
                header,
            }),
        }
    }
}

/// Passes over what stands above the table: a title, or the delimiter as some spreadsheets note it.
fn skip_lines(chunk: &mut Chunk, lines: usize) {
    for _ in 0..lines {
        let mut rest = chunk.bytes.as_slice();
        let Some(line) = next_line(&mut rest) else { return };
        chunk.bytes = chunk.bytes.split_off(line.len());
        chunk.first_line += 1;
    }
}

fn take_header(
    mapping: &Mapping,
    chunk: &mut Chunk,
    path: &str,
    record: &mut ByteRecord,
) -> Result<Vec<String>, SourceError> {
    let line = chunk.first_line;
    let failed =
        |why: String| SourceError::Header { path: path.into(), line, mapping: mapping.name.clone(), why };
    let mut reader = reader(mapping, &chunk.bytes);
    reader.read_byte_record(record).map_err(|error| failed(error.to_string()))?;
    let end = reader.position().byte() as usize;
    drop(reader);
    let names = record.iter().map(|name| std::str::from_utf8(name).map(|name| name.trim().to_owned()));
    let names: Vec<String> = names
        .collect::<Result<_, _>>()
        .map_err(|_| failed("it is not UTF-8, as which the file should be written".into()))?;
    let doubled =
        mapping.columns.iter().find(|column| names.iter().filter(|name| **name == column.name).count() > 1);
    if let Some(column) = doubled {
        return Err(failed(format!("two columns are called `{}`", column.name)));
    }
    let rest = chunk.bytes.split_off(end);
    chunk.first_line += count_lines(&std::mem::replace(&mut chunk.bytes, rest));
    Ok(names)
}

fn reader<'b>(mapping: &Mapping, bytes: &'b [u8]) -> csv::Reader<&'b [u8]> {
    let layout = &mapping.layout;
    let mut builder = csv::ReaderBuilder::new();
    builder.has_headers(false).flexible(true).delimiter(layout.delimiter).quoting(layout.quote.is_some());
    builder.quote(layout.quote.unwrap_or(b'"')).from_reader(bytes)
}

/// What one thread has found out.
pub(super) struct Decoder<'i> {
    inputs: &'i [Input],
    /// Events, by log in the order asked for.
    pub events: Events,
    /// Rows that must be compared with their neighbours first, by mapping, subject and time.
    pub rows: Sorters<ROW_KEY>,
    pub tally: Tally,
}

/// What one thread has found out, in order.
pub(super) struct Decoded {
    pub events: Part,
    pub rows: Sorted<ROW_KEY>,
    pub tally: Tally,
}

impl<'i> Decoder<'i> {
    pub fn new(options: &'i Options, inputs: &'i [Input]) -> Decoder<'i> {
        let budget_bytes = (options.memory_bytes / options.threads).max(RUN_BYTES_MIN);
        Decoder {
            inputs,
            events: Events::new(options, budget_bytes),
            rows: Sorters::new(1, budget_bytes),
            tally: Tally::new(options.rejects_max),
        }
    }

    /// What was found, in order.
    pub fn finish(self) -> Decoded {
        let rows = self.rows.finish().pop().expect("all rows are one log");
        Decoded { events: Part::new(self.events), rows, tally: self.tally }
    }

    /// Decodes one chunk.
    pub fn decode(&mut self, work: Work) -> Result<(), SourceError> {
        for (line, reason) in work.rejects {
            self.tally.rows += u64::from(!matches!(reason, Reason::Truncated(_)));
            self.tally.reject(work.file, line, reason);
        }
        let Some(chunk) = work.chunk else { return Ok(()) };
        match (&self.inputs[work.file].mapping, work.binding) {
            (Some(mapping), Some(binding)) => self.rows(work.file, mapping, &binding, &chunk),
            _ => self.lines(work.file, &chunk),
        }
    }

    fn lines(&mut self, file: usize, chunk: &Chunk) -> Result<(), SourceError> {
        let (mut rest, mut line) = (chunk.bytes.as_slice(), chunk.first_line - 1);
        while let Some(text) = next_line(&mut rest) {
            line += 1;
            let text = text.trim_ascii();
            if text.is_empty() {
                continue;
            }
            self.tally.rows += 1;
            match decode(text) {
                Ok(event) => self.events.put(file, line, 0, &event)?,
                Err(reason) => self.tally.reject(file, line, reason),
            }
        }
        Ok(())
    }

    fn rows(
        &mut self,
        file: usize,
        mapping: &Mapping,
        binding: &Binding,
        chunk: &Chunk,
    ) -> Result<(), SourceError> {
        let (mut reader, mut record) = (reader(mapping, &chunk.bytes), ByteRecord::new());
        let compares = mapping.compares_rows();
        while reader.read_byte_record(&mut record).unwrap_or(false) {
            if record == binding.header {
                continue;
            }
            let line = chunk.first_line + lines_before(&record, &chunk.bytes);
            self.tally.rows += 1;
            let cells = match cells(mapping, binding, &record) {
                Ok(cells) => cells,
                Err(reason) => {
                    self.tally.reject(file, line, reason);
                    continue;
                }
            };
            let row = Row::new(mapping, &cells);
            let made = match row.skipped() {
                Ok(true) => Ok(()),
                Ok(false) if compares => self.row(file, line, &row, &cells, &record),
                Ok(false) => self.events(file, line, &row),
                Err(reason) => Err(reason.into()),
            };
            match made {
                Ok(()) => {}
                Err(Failure::Row(reason)) => self.tally.reject(file, line, reason),
                Err(Failure::Source(error)) => return Err(error),
            }
        }
        Ok(())
    }

    /// A row that stands for itself.
    fn events(&mut self, file: usize, line: u64, row: &Row<'_>) -> Result<(), Failure> {
        let subject = row.subject()?;
        put_events(row, &subject, &mut History::default(), &mut self.events, (file, line), &mut self.tally)?;
        Ok(())
    }

    /// A row that is compared with the others of its subject, see [`super::rows`].
    fn row(
        &mut self,
        file: usize,
        line: u64,
        row: &Row<'_>,
        cells: &[Option<&str>],
        record: &ByteRecord,
    ) -> Result<(), Failure> {
        let subject = row.subject()?;
        let (time, number) = row.place_in_order()?;
        let mapping = mapping_of(self.inputs, file);
        let group = hash(&(mapping, subject.as_ref()));
        // Flipping the highest bit puts negative numbers before the others.
        let key = [group, time.millis() as u64, number as u64 ^ (1 << 63), place(file, line)];
        self.rows.push(0, key, |out| {
            out.extend_from_slice(&hash(record.as_slice()).to_le_bytes());
            put_number(mapping as u64, out);
            put_cells(cells, out);
        })?;
        Ok(())
    }
}

/// Why a row came to nothing, or everything did.
enum Failure {
    Row(Reason),
    Source(SourceError),
}

impl From<Reason> for Failure {
    fn from(reason: Reason) -> Failure {
        Failure::Row(reason)
    }
}

impl From<SourceError> for Failure {
    fn from(error: SourceError) -> Failure {
        Failure::Source(error)
    }
}

/// The cells that the mapping reads.
fn cells<'r>(
    mapping: &'r Mapping,
    binding: &Binding,
    record: &'r ByteRecord,
) -> Result<Vec<Option<&'r str>>, Reason> {
    if let Some(width) = binding.width.filter(|width| *width != record.len()) {
        return Err(Reason::Malformed(format!("the row has {} cells, the header {width}", record.len())));
    }
    let cell = |(column, at): (usize, &Option<usize>)| {
        let Some(at) = *at else { return Ok(None) };
        let Some(bytes) = record.get(at) else {
            let what = format!("the row has {} cells, and column {} is read", record.len(), at + 1);
            return if mapping.columns[column].optional { Ok(None) } else { Err(Reason::Malformed(what)) };
        };
        match std::str::from_utf8(bytes) {
            Ok(text) => Ok(mapping.cell(column, text)),
            Err(error) => {
                let before: usize = record.iter().take(at).map(|cell| cell.len() + 1).sum();
                Err(Reason::InvalidUtf8(before + error.valid_up_to()))
            }
        }
    };
    binding.columns.iter().enumerate().map(cell).collect()
}

/// How many lines of the chunk precede the record. The `csv` crate counts from before the empty lines it passes over.
fn lines_before(record: &ByteRecord, chunk: &[u8]) -> u64 {
    let Some(position) = record.position() else { return 0 };
    let rest = &chunk[position.byte() as usize..];
    let blank = rest.iter().take_while(|byte| matches!(byte, b'\n' | b'\r'));
    position.line() - 1 + blank.filter(|byte| **byte == b'\n').count() as u64
}

/// Puts the events of a row into `events`, and what could not be made into `tally`.
pub(super) fn put_events(
    row: &Row<'_>,
    subject: &str,
    history: &mut History,
    events: &mut Events,
    (file, line): (usize, u64),
    tally: &mut Tally,
) -> Result<(), SourceError> {
    let (mut nth, mut failed) = (0, Ok(()));
    row.events(subject, history, &mut |made| match made {
        Ok(event) if failed.is_ok() => {
            failed = events.put(file, line, nth, &event);
            nth += 1;
        }
        Ok(_) => {}
        Err(reason) => tally.reject(file, line, reason),
    });
    failed
}

/// Events by log, in the order asked for, with what must be known of all of them.
pub(super) struct Events {
    order: Order,
    /// The latest instant that moves clocks.
    latest: Time,
    tick: Span,
    /// The events.
    pub logs: Sorters<KEY>,
    /// The ticks that events lie in, and the first and last event time; of events that move clocks.
    pub ticks: BTreeSet<Time>,
    pub extent: Option<(Time, Time)>,
    last_tick: Time,
}

impl Events {
    pub fn new(options: &Options, budget_bytes: usize) -> Events {
        Events {
            order: options.order,
            latest: options.as_of + options.max_skew,
            tick: options.tick,
            logs: Sorters::new(options.partitions as usize, budget_bytes),
            ticks: BTreeSet::new(),
            extent: None,
            last_tick: Time::MIN,
        }
    }

    fn put(&mut self, file: usize, line: u64, nth: u32, event: &Event<'_>) -> Result<(), SourceError> {
        let time = event.time;
        if time <= self.latest {
            self.extent =
                Some(self.extent.map_or((time, time), |(first, last)| (first.min(time), last.max(time))));
            let tick = time.floor(self.tick);
            // Events come in order mostly, so the set is asked for few of them.
            if tick != self.last_tick {
                self.ticks.insert(tick);
                self.last_tick = tick;
            }
        }
        let log = partition(event.subject.as_bytes(), self.logs.len() as u32) as usize;
        let first = if self.order == Order::Time { time.millis() as u64 } else { 0 };
        self.logs.push(log, [first, place(file, line), u64::from(nth)], |out| put_event(event, out))
    }
}

/// Files with one mapping are one log of rows: the first of them stands for all.
fn mapping_of(inputs: &[Input], file: usize) -> usize {
    let same = |other: &Input| match (&inputs[file].mapping, &other.mapping) {
        (Some(mapping), Some(other)) => Arc::ptr_eq(mapping, other) || mapping.name == other.name,
        _ => false,
    };
    inputs.iter().position(same).unwrap_or(file)
}

/// The same in every process of this program.
fn hash(value: &(impl Hash + ?Sized)) -> u64 {
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    hasher.finish()
}

/// What was read, and what of it could not be used.
pub(super) struct Tally {
    /// Lines or rows.
    pub rows: u64,
    /// By file and line; the first of them only.
    pub rejects: Vec<((usize, u64), Reason)>,
    /// All of them, by reason.
    pub counts: BTreeMap<&'static str, u64>,
    rejects_max: usize,
}

impl Tally {
    pub fn new(rejects_max: usize) -> Tally {
        Tally { rows: 0, rejects: Vec::new(), counts: BTreeMap::new(), rejects_max }
    }

    pub fn reject(&mut self, file: usize, line: u64, reason: Reason) {
        *self.counts.entry(reason.code()).or_default() += 1;
        self.rejects.push(((file, line), reason));
        // Chunks come nearly in order, so the first are kept without sorting each time.
        if self.rejects.len() >= 2 * self.rejects_max.max(64) {
            self.keep_first();
        }
    }

    pub fn add(&mut self, other: Tally) {
        self.rows += other.rows;
        for (code, count) in other.counts {
            *self.counts.entry(code).or_default() += count;
        }
        self.rejects.extend(other.rejects);
        self.keep_first();
    }

    /// A stable sort: of one place the order in which they were found stays.
    pub fn keep_first(&mut self) {
        self.rejects.sort_by_key(|(place, _)| *place);
        self.rejects.truncate(self.rejects_max);
    }
}
