//! The store in a directory: one file per checkpoint.
//!
//! Not by way of `object_store`, whose local store can do the same but for two things: it takes an object that must be
//! new as bytes in memory only, while a file is written in pieces; and it needs a runtime, `chrono` and sixty other
//! crates, which no watch needs that keeps its states on its own disk.
//!
//! A checkpoint is written under another name, brought to the disk, and then given its own: it is there whole or not at
//! all, and a number that is taken is refused by the file system itself. Its name is brought to the disk, too, before it
//! counts as published: what is deleted then was older.

use std::io::ErrorKind;
use std::path::PathBuf;

use super::frame::Body;
use super::{Store, StoreError, name_of, number_of};

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
        self.path.join(name_of(log, number))
    }

    /// Brings the names of the files to the disk.
    fn sync(&self) -> Result<(), StoreError> {
        // Elsewhere a directory cannot be opened, and keeps its own order.
        #[cfg(unix)]
        std::fs::File::open(&self.path)
            .and_then(|directory| directory.sync_all())
            .map_err(|error| self.io(error))?;
        Ok(())
    }

    fn io(&self, error: std::io::Error) -> StoreError {
        StoreError::Io { place: self.path.display().to_string(), error }
    }
}

impl Store for Directory {
    fn put(&mut self, log: u32, number: u64, body: &dyn Body) -> Result<(), StoreError> {
        let mut draft = tempfile::NamedTempFile::new_in(&self.path).map_err(|error| self.io(error))?;
        body.write(draft.as_file_mut())
            .and_then(|()| draft.as_file().sync_all())
            .map_err(|error| self.io(error))?;
        match draft.persist_noclobber(self.file(log, number)) {
            Ok(_) => self.sync(),
            Err(failed) if failed.error.kind() == ErrorKind::AlreadyExists => {
                Err(StoreError::Taken { log, number })
            }
            Err(failed) => Err(self.io(failed.error)),
        }
    }

    fn list(&mut self, log: u32) -> Result<Vec<u64>, StoreError> {
        let mut numbers = Vec::new();
        for entry in std::fs::read_dir(&self.path).map_err(|error| self.io(error))? {
            let name = entry.map_err(|error| self.io(error))?.file_name();
            numbers.extend(name.to_str().and_then(|name| number_of(log, name)));
        }
        numbers.sort_unstable();
        Ok(numbers)
    }

    fn get(&mut self, log: u32, number: u64) -> Result<Vec<u8>, StoreError> {
        std::fs::read(self.file(log, number)).map_err(|error| match error.kind() {
            ErrorKind::NotFound => StoreError::Gone { log, number },
            _ => self.io(error),
        })
    }

    fn delete(&mut self, log: u32, number: u64) -> Result<(), StoreError> {
        match std::fs::remove_file(self.file(log, number)) {
            Err(error) if error.kind() != ErrorKind::NotFound => Err(self.io(error)),
            _ => Ok(()),
        }
    }
}
