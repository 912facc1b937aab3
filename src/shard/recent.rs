//! Was this event delivered before? The (`source`, `id`) of events that no case keeps, for a window of log time.

use std::collections::VecDeque;

use hashbrown::HashTable;
use xxhash_rust::xxh3::Xxh3;

use crate::time::{Span, Time};

/// Hashes of events, each with the log time at which it was first seen. Two different events of one window share a
/// 64-bit hash with a chance of one in four thousand million at 65,000 events, and one in eighteen million at a million.
#[derive(Debug, Clone)]
pub struct Recent {
    window: Span,
    known: HashTable<u64>,
    order: VecDeque<(Time, u64)>,
}

impl Recent {
    /// Remembers nothing yet.
    pub fn new(window: Span) -> Recent {
        Recent { window, known: HashTable::new(), order: VecDeque::new() }
    }

    /// Remembers an event; `false` if it was remembered already.
    pub fn insert(&mut self, source: &str, id: &str, log_time: Time) -> bool {
        let mut hasher = Xxh3::new();
        hasher.update(&(source.len() as u64).to_le_bytes());
        hasher.update(source.as_bytes());
        hasher.update(id.as_bytes());
        self.insert_hash(hasher.digest(), log_time)
    }

    fn insert_hash(&mut self, hash: u64, log_time: Time) -> bool {
        let entry = self.known.entry(hash, |known| *known == hash, |known| *known);
        if let hashbrown::hash_table::Entry::Occupied(_) = entry {
            return false;
        }
        entry.insert(hash);
        self.order.push_back((log_time, hash));
        true
    }

    /// Forgets what the window has left behind.
    pub fn forget_before(&mut self, log_time: Time) {
        while let Some((_, hash)) =
            self.order.front().copied().filter(|(seen, _)| *seen + self.window < log_time)
        {
            self.order.pop_front();
            if let Ok(entry) = self.known.find_entry(hash, |known| *known == hash) {
                entry.remove();
            }
        }
    }

    /// What is remembered, oldest first.
    pub fn entries(&self) -> impl Iterator<Item = (Time, u64)> {
        self.order.iter().copied()
    }

    /// Remembers what was stored.
    pub fn restore(window: Span, entries: &[(Time, u64)]) -> Recent {
        let mut recent = Recent::new(window);
        for (seen, hash) in entries {
            recent.insert_hash(*hash, *seen);
        }
        recent
    }
}
