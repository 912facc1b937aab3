//! The store without a disk: for tests and for simulating many workers that share one store.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

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
    fn put(&mut self, log: u32, number: u64, bytes: &[u8]) -> Result<(), StoreError> {
        let mut kept = self.kept();
        if kept.contains_key(&(log, number)) {
            return Err(StoreError::Taken { log, number });
        }
        kept.insert((log, number), bytes.to_vec());
        Ok(())
    }

    fn list(&mut self, log: u32) -> Result<Vec<u64>, StoreError> {
        Ok(self.kept().range((log, 0)..=(log, u64::MAX)).map(|((_, number), _)| *number).collect())
    }

    fn get(&mut self, log: u32, number: u64) -> Result<Vec<u8>, StoreError> {
        let what = "it is not there".to_owned();
        self.kept().get(&(log, number)).cloned().ok_or(StoreError::Damaged { log, number, what })
    }
}
