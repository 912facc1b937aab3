//! The sink in a directory: one file per log, one line of JSON per transaction.
//!
//! A line that has its end is a transaction; bytes behind the last line end are a transaction that was never written,
//! and are cut off when the log is opened again. So a crash in the middle of a write leaves the previous cut standing.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::{BufRead, BufReader, Write};
use std::path::PathBuf;

use super::{CutRecord, Sink, SinkError, Transaction};
use crate::alert::Record;

/// Transactions in files.
#[derive(Debug)]
pub struct Journal {
    directory: PathBuf,
    open: BTreeMap<u32, File>,
}

impl Journal {
    /// Writes into a directory, which is made if it is not there.
    pub fn new(directory: impl Into<PathBuf>) -> Result<Journal, SinkError> {
        let directory = directory.into();
        std::fs::create_dir_all(&directory)
            .map_err(|error| SinkError::Io { place: directory.display().to_string(), error })?;
        Ok(Journal { directory, open: BTreeMap::new() })
    }

    fn path(&self, log: u32) -> PathBuf {
        self.directory.join(format!("log-{log}.ndjson"))
    }

    /// The whole transactions of a log, and how many bytes they take.
    fn read(&self, log: u32, visit: &mut dyn FnMut(Transaction)) -> Result<u64, SinkError> {
        let path = self.path(log);
        let place = path.display().to_string();
        let file = match File::open(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(0),
            Err(error) => return Err(SinkError::Io { place, error }),
        };
        let mut reader = BufReader::new(file);
        let mut line = Vec::new();
        let mut whole = 0;
        for number in 1u64.. {
            line.clear();
            let read = reader.read_until(b'\n', &mut line);
            let read = read.map_err(|error| SinkError::Io { place: place.clone(), error })?;
            if line.last() != Some(&b'\n') {
                break;
            }
            let transaction = serde_json::from_slice(&line).map_err(|error| SinkError::Damaged {
                place: format!("{place}:{number}"),
                what: format!("not a transaction: {error}"),
            })?;
            visit(transaction);
            whole += read as u64;
        }
        Ok(whole)
    }

    fn writer(&mut self, log: u32) -> Result<&mut File, SinkError> {
        if !self.open.contains_key(&log) {
            let whole = self.read(log, &mut |_| ())?;
            let path = self.path(log);
            let opened = OpenOptions::new().create(true).append(true).open(&path);
            let file = opened.and_then(|file| file.set_len(whole).map(|()| file));
            let file = file.map_err(|error| SinkError::Io { place: path.display().to_string(), error })?;
            self.open.insert(log, file);
        }
        Ok(self.open.get_mut(&log).expect("it was opened just now"))
    }
}

impl Sink for Journal {
    fn commit(&mut self, transaction: Transaction) -> Result<(), SinkError> {
        let place = self.path(transaction.log).display().to_string();
        let mut line = serde_json::to_vec(&transaction).expect("transactions are plain data");
        line.push(b'\n');
        let written = self.writer(transaction.log)?.write_all(&line);
        written.map_err(|error| SinkError::Io { place, error })
    }

    fn cut(&mut self, log: u32) -> Result<Option<CutRecord>, SinkError> {
        let mut last = None;
        self.read(log, &mut |transaction| last = Some(transaction.cut))?;
        Ok(last)
    }

    fn alerts(&mut self, log: u32, from: u64, visit: &mut dyn FnMut(Record)) -> Result<u64, SinkError> {
        let mut count = 0;
        self.read(log, &mut |transaction| {
            for alert in transaction.alerts {
                if count >= from {
                    visit(alert);
                }
                count += 1;
            }
        })?;
        Ok(count)
    }
}
