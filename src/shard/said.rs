//! What was said of which case? The alerts written so far, case by case, in as little room as they take.

use std::collections::BTreeMap;

use crate::alert::{Action, Alert, Change};

/// The alerts that were said, by case and within a case by identity. Most cases have none.
#[derive(Debug, Default)]
pub struct Said(BTreeMap<u32, Box<[Alert]>>);

impl Said {
    /// What was said of a case.
    pub fn of(&self, case: u32) -> &[Alert] {
        self.0.get(&case).map_or(&[], |alerts| alerts)
    }

    /// Everything that was said, case by case.
    pub fn iter(&self) -> impl Iterator<Item = &Alert> {
        self.0.values().flatten()
    }

    /// A change was said of a case.
    pub fn say(&mut self, case: u32, change: &Change) {
        let mut alerts = self.0.remove(&case).unwrap_or_default().into_vec();
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
        if !alerts.is_empty() {
            self.0.insert(case, alerts.into_boxed_slice());
        }
    }

    /// A case has left the memory.
    pub fn forget(&mut self, case: u32) {
        self.0.remove(&case);
    }

    /// Nothing was said.
    pub fn clear(&mut self) {
        self.0.clear();
    }
}
