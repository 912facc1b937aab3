//! The sink of a replay: keeps the alerts of some logs until all logs can be merged into one changelog.
//!
//! The order of the merged file is (clock, log, id), and within these the order of writing: a function of the input
//! alone, whatever the number of workers. The lines lie in memory up to a budget and in an unnamed temporary file
//! beyond it; what is held of each of those is its place.

use std::fs::File;
use std::io::{self, BufWriter, Read, Seek, SeekFrom, Write};

use serde::Serialize;

use super::{CutRecord, Sink, SinkError, Transaction};
use crate::alert::{Action, AlertId, Record, summary};
use crate::names::Text;
use crate::time::Time;
use crate::window::Partial;

/// How many bytes of lines each worker holds in memory.
const MEMORY_BYTES: usize = 64 << 20;

/// An alert as its line in the changelog.
#[derive(Debug)]
struct Line {
    clock: Time,
    log: u32,
    id: AlertId,
    /// The place among the lines of its log.
    number: u64,
    json: Json,
}

/// The text of a line.
#[derive(Debug)]
enum Json {
    Memory(Box<str>),
    /// In this of the files, from `start` on.
    Spilled {
        file: u32,
        start: u64,
        len: u32,
    },
}

/// A record as people find it in the changelog.
#[derive(Serialize)]
struct Shown<'a> {
    #[serde(flatten)]
    record: &'a Record,
    /// What it says, in one sentence.
    summary: Text,
}

/// The alerts of some logs; partials are handed on at once.
pub struct Changelog<'a> {
    lines: Vec<Line>,
    /// How many bytes may still be kept in memory.
    left_bytes: usize,
    spilled: Option<BufWriter<File>>,
    spilled_bytes: u64,
    /// Why lines could not be spilled; the first of several.
    failed: Option<io::Error>,
    /// Whether lines are kept at all: nobody may have asked for them.
    keep: bool,
    raised: u64,
    retracted: u64,
    hand_on: Box<dyn FnMut(Partial) + 'a>,
}

impl<'a> Changelog<'a> {
    /// Keeps lines if `keep`, and hands partials on.
    pub fn new(keep: bool, hand_on: impl FnMut(Partial) + 'a) -> Changelog<'a> {
        Changelog {
            lines: Vec::new(),
            left_bytes: MEMORY_BYTES,
            spilled: None,
            spilled_bytes: 0,
            failed: None,
            keep,
            raised: 0,
            retracted: 0,
            hand_on: Box::new(hand_on),
        }
    }

    /// Keeps one record.
    pub fn push(&mut self, record: &Record) {
        self.raised += u64::from(record.change.action == Action::Raised);
        self.retracted += u64::from(record.change.action == Action::Retracted);
        if !self.keep {
            return;
        }
        let number = self.lines.len() as u64;
        let (clock, log, id) = (record.clock, record.log, record.change.alert.id);
        let line = Shown { record, summary: summary(&record.change.alert) };
        let json = serde_json::to_string(&line).expect("alerts are plain data");
        match self.hold(json) {
            Ok(json) => self.lines.push(Line { clock, log, id, number, json }),
            Err(error) => self.failed = self.failed.take().or(Some(error)),
        }
    }

    /// Puts a line where there is room for it.
    fn hold(&mut self, json: String) -> io::Result<Json> {
        if json.len() <= self.left_bytes {
            self.left_bytes -= json.len();
            return Ok(Json::Memory(json.into()));
        }
        let file = match &mut self.spilled {
            Some(file) => file,
            none => none.insert(BufWriter::new(tempfile::tempfile()?)),
        };
        file.write_all(json.as_bytes())?;
        let start = self.spilled_bytes;
        self.spilled_bytes += json.len() as u64;
        Ok(Json::Spilled { file: 0, start, len: json.len() as u32 })
    }

    /// How many alerts were raised and how many retracted.
    pub fn counts(&self) -> (u64, u64) {
        (self.raised, self.retracted)
    }

    /// The lines kept, to be merged with those of other workers.
    pub fn finish(self) -> Lines {
        let spilled = self.spilled.map(|file| file.into_inner().map_err(io::IntoInnerError::into_error));
        let (spilled, failed) = match spilled.transpose() {
            Ok(file) => (file.into_iter().collect(), self.failed),
            Err(error) => (Vec::new(), self.failed.or(Some(error))),
        };
        Lines { lines: self.lines, spilled, failed }
    }
}

/// Lines of some logs.
#[derive(Debug, Default)]
pub struct Lines {
    lines: Vec<Line>,
    spilled: Vec<File>,
    failed: Option<io::Error>,
}

impl Lines {
    /// Adds the lines of other logs.
    pub fn merge(&mut self, mut other: Lines) {
        let files = self.spilled.len() as u32;
        for line in &mut other.lines {
            if let Json::Spilled { file, .. } = &mut line.json {
                *file += files;
            }
        }
        self.lines.append(&mut other.lines);
        self.spilled.append(&mut other.spilled);
        self.failed = self.failed.take().or(other.failed);
    }

    /// Writes all lines in the order of the changelog, and returns how many there were.
    pub fn write(mut self, out: &mut dyn Write) -> io::Result<u64> {
        if let Some(error) = self.failed.take() {
            return Err(error);
        }
        self.lines.sort_by_key(|line| (line.clock, line.log, line.id, line.number));
        let mut buffer = Vec::new();
        for line in &self.lines {
            match &line.json {
                Json::Memory(json) => out.write_all(json.as_bytes())?,
                Json::Spilled { file, start, len } => {
                    let file = &mut self.spilled[*file as usize];
                    buffer.resize(*len as usize, 0);
                    file.seek(SeekFrom::Start(*start))?;
                    file.read_exact(&mut buffer)?;
                    out.write_all(&buffer)?;
                }
            }
            out.write_all(b"\n")?;
        }
        Ok(self.lines.len() as u64)
    }
}

impl Sink for Changelog<'_> {
    fn commit(&mut self, transaction: Transaction) -> Result<(), SinkError> {
        transaction.alerts.iter().for_each(|record| self.push(record));
        if let Some(partial) = transaction.partial {
            (self.hand_on)(partial);
        }
        Ok(())
    }

    fn cut(&mut self, _log: u32) -> Result<Option<CutRecord>, SinkError> {
        Ok(None)
    }

    fn alerts(&mut self, _log: u32, _from: u64, _visit: &mut dyn FnMut(Record)) -> Result<u64, SinkError> {
        Ok(0)
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::change;
    use super::*;
    use crate::window::Stamp;

    /// The changelog of two workers of which each holds so many bytes.
    fn written(left_bytes: usize) -> String {
        let mut lines = Lines::default();
        for log in [1, 0] {
            let mut changelog = Changelog { left_bytes, ..Changelog::new(true, |_| ()) };
            for n in 0..50 {
                let stamp = Stamp { next_offset: n, clock: Time::from_millis(n as i64 / 7 * 1_000) };
                changelog.push(&Record::new(change(log, 1, n), 2, stamp));
            }
            lines.merge(changelog.finish());
        }
        let mut out = Vec::new();
        assert_eq!(lines.write(&mut out).expect("written"), 100);
        String::from_utf8(out).expect("JSON")
    }

    #[test]
    fn lines_come_in_one_order_wherever_they_lay() {
        let expected = written(usize::MAX);
        let clock = |line: &str| line.split("\"clock\":").nth(1).map(|rest| rest[..22].to_owned());
        let clocks: Vec<Option<String>> = expected.lines().map(clock).collect();
        assert!(clocks.is_sorted(), "{expected}");
        for left_bytes in [0, 1_000, 20_000] {
            assert!(written(left_bytes) == expected, "{left_bytes}");
        }
    }
}
