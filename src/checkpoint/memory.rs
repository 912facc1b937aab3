//! The store without a disk: for tests and for simulating many workers that share one store.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::frame::{Body, bytes_of};
use super::{Store, StoreError};

/// By log and number.
type Kept = BTreeMap<(u32, u64), Vec<u8>>;

/// Checkpoints in memory. Clones share them.
#[derive(Clone, Debug, Default)]
pub struct Memory(Arc<Mutex<Kept>>);

impl Memory {
    /// A panic of another handle leaves whole checkpoints behind.
    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Store for Memory {
    fn put(&mut self, log: u32, number: u64, body: &dyn Body) -> Result<(), StoreError> {
        let mut kept = self.kept();
        if kept.contains_key(&(log, number)) {
            return Err(StoreError::Taken { log, number });
        }
        kept.insert((log, number), bytes_of(body));
        Ok(())
    }

    fn list(&mut self, log: u32) -> Result<Vec<u64>, StoreError> {
        Ok(self.kept().range((log, 0)..=(log, u64::MAX)).map(|((_, number), _)| *number).collect())
    }

    fn get(&mut self, log: u32, number: u64) -> Result<Vec<u8>, StoreError> {
        self.kept().get(&(log, number)).cloned().ok_or(StoreError::Gone { log, number })
    }

    fn delete(&mut self, log: u32, number: u64) -> Result<(), StoreError> {
        self.kept().remove(&(log, number));
        Ok(())
    }
}
