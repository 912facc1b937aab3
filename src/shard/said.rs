//! What was said of which case? The alerts written so far, case by case, in as little room as they take.
//!
//! Blocks of neighbouring numbers are shared with snapshots; whoever changes one that is shared changes a copy.

use std::sync::Arc;

use crate::alert::{Action, Alert, Change};

/// How many neighbouring numbers share a block.
const BLOCK: u32 = 64;

/// The alerts of neighbouring cases, by number within the block; cases without alerts are not in it.
type Block = Vec<(u8, Arc<Vec<Alert>>)>;

/// The alerts that were said, by case and within a case by identity. Most cases have none.
#[derive(Clone, Debug, Default)]
pub struct Said {
    blocks: Vec<Option<Arc<Block>>>,
    alerts: usize,
}

impl Said {
    /// What was said of a case.
    pub fn of(&self, case: u32) -> &[Alert] {
        let (at, within) = place(case);
        let Some(Some(block)) = self.blocks.get(at) else { return &[] };
        block.binary_search_by_key(&within, |(number, _)| *number).map_or(&[], |n| &block[n].1)
    }

    /// Everything that was said, case by case.
    pub fn iter(&self) -> impl Iterator<Item = &Alert> {
        self.blocks.iter().flatten().flat_map(|block| block.iter()).flat_map(|(_, alerts)| alerts.iter())
    }

    /// How many alerts were said.
    pub fn len(&self) -> usize {
        self.alerts
    }

    /// A change was said of a case.
    pub fn say(&mut self, case: u32, change: &Change) {
        let (at, within) = place(case);
        if self.blocks.len() <= at {
            self.blocks.resize_with(at + 1, || None);
        }
        let block = Arc::make_mut(self.blocks[at].get_or_insert_default());
        let known = block.binary_search_by_key(&within, |(number, _)| *number);
        let n = known.unwrap_or_else(|n| {
            block.insert(n, (within, Arc::default()));
            n
        });
        let alerts = Arc::make_mut(&mut block[n].1);
        self.alerts -= alerts.len();
        let place = alerts.binary_search_by_key(&change.alert.id, |alert| alert.id);
        match (change.action, place) {
            (Action::Retracted, Ok(at)) => drop(alerts.remove(at)),
            (Action::Retracted, Err(_)) => {}
            (Action::Raised | Action::Amended | Action::Resolved, Ok(at)) => {
                alerts[at] = change.alert.clone()
            }
            (Action::Raised | Action::Amended | Action::Resolved, Err(at)) => {
                // Exactly as much room as is taken: there may be a million cases that nobody mends.
                alerts.reserve_exact(1);
                alerts.insert(at, change.alert.clone());
            }
        }
        self.alerts += alerts.len();
        if alerts.is_empty() {
            self.forget(case);
        }
    }

    /// A case has left the memory.
    pub fn forget(&mut self, case: u32) {
        let (at, within) = place(case);
        let Some(slot) = self.blocks.get_mut(at) else { return };
        let known = slot.as_ref().map(|block| block.binary_search_by_key(&within, |(number, _)| *number));
        if let (Some(block), Some(Ok(n))) = (slot.as_mut(), known) {
            self.alerts -= block[n].1.len();
            if block.len() == 1 {
                *slot = None;
            } else {
                Arc::make_mut(block).remove(n);
            }
        }
    }

    /// Nothing was said.
    pub fn clear(&mut self) {
        *self = Said::default();
    }

    /// Bytes in use, texts that alerts share left out.
    pub fn memory_bytes(&self) -> usize {
        self.blocks.capacity() * size_of::<Option<Arc<Block>>>()
            + self.alerts * (size_of::<Alert>() + size_of::<Arc<Vec<Alert>>>() + size_of::<Vec<Alert>>())
    }
}

/// The block of a case, and its number within.
fn place(case: u32) -> (usize, u8) {
    ((case / BLOCK) as usize, (case % BLOCK) as u8)
}
