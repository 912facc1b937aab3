//! The store in a directory: one file per checkpoint.
//!
//! A checkpoint is written under another name, brought to the disk, and then linked to its own: it is there whole or
//! not at all, and a number that is taken is refused by the file system itself.

use std::io::{ErrorKind, Write};
use std::path::PathBuf;

use super::{Store, StoreError};

/// Checkpoints in files.
#[derive(Debug)]
pub struct Directory {
    path: PathBuf,
}

impl Directory {
    /// Keeps checkpoints in a directory, which is made if it is not there.
    pub fn new(path: impl Into<PathBuf>) -> Result<Directory, StoreError> {
        let path = path.into();
        match std::fs::create_dir_all(&path) {
            Ok(()) => Ok(Directory { path }),
            Err(error) => Err(StoreError::Io { place: path.display().to_string(), error }),
        }
    }

    fn file(&self, log: u32, number: u64) -> PathBuf {
        self.path.join(format!("log-{log}-{number:020}.checkpoint"))
    }

    fn io(&self, error: std::io::Error) -> StoreError {
        StoreError::Io { place: self.path.display().to_string(), error }
    }
}

impl Store for Directory {
    fn put(&mut self, log: u32, number: u64, bytes: &[u8]) -> Result<(), StoreError> {
        let mut draft = tempfile::NamedTempFile::new_in(&self.path).map_err(|error| self.io(error))?;
        draft.write_all(bytes).and_then(|()| draft.as_file().sync_all()).map_err(|error| self.io(error))?;
        match draft.persist_noclobber(self.file(log, number)) {
            Ok(_) => Ok(()),
            Err(failed) if failed.error.kind() == ErrorKind::AlreadyExists => {
                Err(StoreError::Taken { log, number })
            }
            Err(failed) => Err(self.io(failed.error)),
        }
    }

    fn list(&mut self, log: u32) -> Result<Vec<u64>, StoreError> {
        let prefix = format!("log-{log}-");
        let mut numbers = Vec::new();
        for entry in std::fs::read_dir(&self.path).map_err(|error| self.io(error))? {
            let name = entry.map_err(|error| self.io(error))?.file_name();
            let number =
                name.to_str().and_then(|name| name.strip_prefix(&prefix)?.strip_suffix(".checkpoint"));
            numbers.extend(number.and_then(|number| number.parse::<u64>().ok()));
        }
        numbers.sort_unstable();
        Ok(numbers)
    }

    fn get(&mut self, log: u32, number: u64) -> Result<Vec<u8>, StoreError> {
        std::fs::read(self.file(log, number)).map_err(|error| self.io(error))
    }
}
