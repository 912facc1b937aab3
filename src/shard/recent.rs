//! Was this event delivered before? The (`source`, `id`) of events that no case keeps, for a window of log time.
//!
//! What is remembered lies in chunks, oldest first. A chunk that is full never changes, so that snapshots share it.

use std::collections::VecDeque;
use std::sync::Arc;

use hashbrown::HashTable;
use xxhash_rust::xxh3::Xxh3;

use crate::time::{Span, Time};

/// How many events a chunk holds: as many as are copied in a few microseconds.
const CHUNK: usize = 4_096;

/// An event that is remembered: the log time at which it was first seen, and its hash.
type Seen = (Time, u64);

/// Hashes of events, each with the log time at which it was first seen. Two different events of one window share a
/// 64-bit hash with a chance of one in four thousand million at 65,000 events, and one in eighteen million at a million.
#[derive(Debug)]
pub struct Recent {
    window: Span,
    known: HashTable<u64>,
    order: Order,
}

/// What is remembered, oldest first.
#[derive(Clone, Debug, Default)]
pub struct Order {
    full: VecDeque<Arc<Vec<Seen>>>,
    newest: Vec<Seen>,
    /// How many of the oldest chunk are forgotten.
    forgotten: usize,
}

impl Order {
    fn push(&mut self, seen: Seen) {
        if self.newest.capacity() == 0 {
            self.newest.reserve_exact(CHUNK);
        }
        self.newest.push(seen);
        if self.newest.len() == CHUNK {
            self.full.push_back(Arc::new(std::mem::take(&mut self.newest)));
        }
    }

    fn oldest(&self) -> Option<Seen> {
        self.full.front().map_or(&self.newest, |chunk| chunk).get(self.forgotten).copied()
    }

    fn forget_oldest(&mut self) {
        self.forgotten += 1;
        if self.forgotten == CHUNK {
            self.full.pop_front();
            self.forgotten = 0;
        } else if self.full.is_empty() && self.forgotten == self.newest.len() {
            self.newest.clear();
            self.forgotten = 0;
        }
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.full.len() * CHUNK + self.newest.len() - self.forgotten
    }

    /// All of them, oldest first.
    pub fn iter(&self) -> impl Iterator<Item = Seen> {
        let chunks = self.full.iter().map(|chunk| chunk.as_slice()).chain([self.newest.as_slice()]);
        chunks.flatten().copied().skip(self.forgotten)
    }
}

impl Recent {
    /// Remembers nothing yet.
    pub fn new(window: Span) -> Recent {
        Recent { window, known: HashTable::new(), order: Order::default() }
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
        self.order.push((log_time, hash));
        true
    }

    /// Forgets what the window has left behind.
    pub fn forget_before(&mut self, log_time: Time) {
        while let Some((_, hash)) = self.order.oldest().filter(|(seen, _)| *seen + self.window < log_time) {
            self.order.forget_oldest();
            if let Ok(entry) = self.known.find_entry(hash, |known| *known == hash) {
                entry.remove();
            }
        }
    }

    /// What is remembered now, whatever comes after.
    pub fn snapshot(&self) -> Order {
        self.order.clone()
    }

    /// Bytes in use.
    pub fn memory_bytes(&self) -> usize {
        let chunks = self.order.full.len() * CHUNK + self.order.newest.capacity();
        chunks * size_of::<Seen>() + self.known.capacity() * (size_of::<u64>() + 1)
    }

    /// Remembers what was stored.
    pub fn restore(window: Span, entries: &[Seen]) -> Recent {
        let mut recent = Recent::new(window);
        for (seen, hash) in entries {
            recent.insert_hash(*hash, *seen);
        }
        recent
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_window_moves_over_chunks_and_snapshots_stay() {
        let window = Span::from_millis(2 * CHUNK as i64 + 10);
        let (mut recent, mut model) = (Recent::new(window), VecDeque::new());
        let mut kept = Vec::new();
        for n in 0..5 * CHUNK as i64 + 7 {
            let now = Time::from_millis(n);
            assert!(recent.insert("s", &n.to_string(), now));
            assert!(!recent.insert("s", &n.to_string(), now), "known");
            model.push_back(now);
            recent.forget_before(now);
            while model.front().is_some_and(|seen| *seen + window < now) {
                model.pop_front();
            }
            assert_eq!(recent.order.len(), model.len());
            if n % 3_333 == 0 {
                kept.push((recent.snapshot(), model.clone()));
            }
        }
        kept.push((recent.snapshot(), model));
        for (order, model) in kept {
            assert!(order.iter().map(|(seen, _)| seen).eq(model));
        }
        recent.forget_before(Time::MAX);
        assert_eq!((recent.order.len(), recent.known.len()), (0, 0));
        assert!(recent.insert("s", "0", Time::MAX), "forgotten");
    }
}
