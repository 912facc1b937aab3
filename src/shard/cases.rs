//! Which case is this subject's? A slab of cases with a table of their subjects' hashes.
//!
//! A table of a million cases is looked up with as few cache misses as can be: it holds the hashes, so that it grows
//! without touching a case, and looks at one only when all 32 bits agree. The slab is made of blocks, so that it grows
//! without copying one.
//!
//! ```text
//!   slab      [64 cases] [64 cases] [64 cases] …    shared with snapshots; whoever changes a case of a shared block
//!                 ▲          ▲                      changes a copy of it
//!   snapshot  ────┴──────────┘
//!   watches   armed, dirty, …  one per number       the living shard's own, never shared
//! ```
//!
//! What moves with the clock stands in the watches: an instant at which a hundred thousand promises break copies no
//! block. A case that leaves while its block may be shared stays in it until the snapshots are gone.

use std::sync::Arc;

use hashbrown::HashTable;
use xxhash_rust::xxh3::xxh3_64;

use super::case::Case;
use crate::time::Time;

/// How many cases a block of the slab holds. With larger blocks the first change of one after a snapshot takes longer,
/// with smaller ones the snapshot itself; `benches/checkpoints.rs` measures both.
pub const BLOCK: usize = 64;
/// How many watches lie together.
const PAGE: usize = 4_096;

/// Cases that lie together and are copied together.
pub type Block = [Option<Case>; BLOCK];

/// What only the living shard knows of a case.
#[derive(Clone, Copy, Debug)]
pub struct Watch {
    /// What its timer is set to; [`Time::NEVER`]: none.
    pub armed: Time,
    /// Whether what stands may differ from what was said.
    pub dirty: bool,
    /// Whether the number is nobody's.
    vacant: bool,
}

/// The cases in memory, by a number that stays theirs while they live.
pub struct Cases {
    blocks: Vec<Arc<Block>>,
    watches: Vec<Vec<Watch>>,
    /// How many numbers were ever given.
    given: usize,
    free: Vec<u32>,
    /// Numbers whose cases have left but still lie in their blocks.
    leaving: Vec<u32>,
    by_subject: HashTable<Entry>,
    /// Held by every snapshot, too.
    shared: Arc<()>,
    /// Bytes on the heap that belong to cases in the blocks.
    heap_bytes: usize,
    /// Bytes of blocks that only snapshots still hold, at most.
    copied_bytes: usize,
}

/// The current case of some subject.
struct Entry {
    hash: u32,
    index: u32,
}

impl Entry {
    /// The table takes its slot from the lower bits and a tag from the upper ones: both come from the 32 bits.
    fn spread(hash: u32) -> u64 {
        u64::from(hash) << 32 | u64::from(hash)
    }
}

fn hash(subject: &str) -> u32 {
    xxh3_64(subject.as_bytes()) as u32
}

impl Cases {
    /// No cases.
    pub fn new() -> Cases {
        Cases {
            blocks: Vec::new(),
            watches: Vec::new(),
            given: 0,
            free: Vec::new(),
            leaving: Vec::new(),
            by_subject: HashTable::new(),
            shared: Arc::new(()),
            heap_bytes: 0,
            copied_bytes: 0,
        }
    }

    /// The current case of a subject.
    pub fn find(&self, subject: &str) -> Option<u32> {
        let hash = hash(subject);
        let same = |entry: &Entry| entry.hash == hash && &*self.get(entry.index).subject == subject;
        self.by_subject.find(Entry::spread(hash), same).map(|entry| entry.index)
    }

    /// Looks at the current case of a subject, without need; see [`super::Shard::warm`].
    pub fn touch(&self, subject: &[u8]) -> usize {
        let hash = xxh3_64(subject) as u32;
        let found = self.by_subject.find(Entry::spread(hash), |entry| entry.hash == hash);
        found.map_or(0, |entry| self.get(entry.index).touch() + usize::from(self.watch(entry.index).dirty))
    }

    /// Adds a case, which becomes the current one of its subject.
    pub fn add(&mut self, case: Case) -> u32 {
        let hash = hash(&case.subject);
        let index = self.number();
        self.heap_bytes += case.heap_bytes();
        let before = self.block_mut(index)[index as usize % BLOCK].replace(case);
        self.heap_bytes -= before.map_or(0, |gone| gone.heap_bytes());
        let entry = Entry { hash, index };
        self.by_subject.insert_unique(Entry::spread(hash), entry, |known| Entry::spread(known.hash));
        index
    }

    /// A number that is nobody's, with a watch and a slot.
    fn number(&mut self) -> u32 {
        let watch = Watch { armed: Time::NEVER, dirty: false, vacant: false };
        if let Some(index) = self.free.pop() {
            *self.watch_mut(index) = watch;
            return index;
        }
        if self.given.is_multiple_of(PAGE) {
            self.watches.push(Vec::with_capacity(PAGE));
        }
        self.watches[self.given / PAGE].push(watch);
        if self.given.is_multiple_of(BLOCK) {
            self.blocks.push(Arc::new([const { None }; BLOCK]));
        }
        self.given += 1;
        u32::try_from(self.given - 1).expect("a partition has fewer than 2^32 cases in memory")
    }

    /// A case is not the current one of its subject any more; it stays in memory.
    pub fn retire(&mut self, index: u32) {
        self.unlist(index);
        self.change(index, |case| case.retired = true);
    }

    fn unlist(&mut self, index: u32) {
        let hash = hash(&self.get(index).subject);
        if let Ok(entry) = self.by_subject.find_entry(Entry::spread(hash), |known| known.index == index) {
            entry.remove();
        }
    }

    /// A case leaves the memory; its number may be given to another.
    pub fn remove(&mut self, index: u32) {
        self.unlist(index);
        self.watch_mut(index).vacant = true;
        self.free.push(index);
        self.leaving.push(index);
    }

    /// Frees the memory of cases that have left, unless a snapshot might make that a copy.
    pub fn sweep(&mut self) {
        if Arc::strong_count(&self.shared) > 1 {
            return;
        }
        self.copied_bytes = 0;
        for index in std::mem::take(&mut self.leaving) {
            if self.watch(index).vacant {
                let gone = self.block_mut(index)[index as usize % BLOCK].take();
                self.heap_bytes -= gone.map_or(0, |gone| gone.heap_bytes());
            }
        }
    }

    /// A case in memory.
    pub fn get(&self, index: u32) -> &Case {
        let slot = &self.blocks[index as usize / BLOCK][index as usize % BLOCK];
        slot.as_ref().expect("numbers are handed out for cases in memory only")
    }

    /// Changes a case in memory.
    pub fn change<T>(&mut self, index: u32, how: impl FnOnce(&mut Case) -> T) -> T {
        let slot = &mut self.block_mut(index)[index as usize % BLOCK];
        let case = slot.as_mut().expect("numbers are handed out for cases in memory only");
        let before = case.heap_bytes();
        let answer = how(case);
        let after = case.heap_bytes();
        self.heap_bytes = self.heap_bytes + after - before;
        answer
    }

    /// The block of a case, to be changed: a copy of it if a snapshot has it, too.
    fn block_mut(&mut self, index: u32) -> &mut Block {
        let at = index as usize / BLOCK;
        if Arc::strong_count(&self.blocks[at]) > 1 {
            self.copy(at);
        }
        Arc::make_mut(&mut self.blocks[at])
    }

    #[cold]
    fn copy(&mut self, at: usize) {
        let heap_bytes = |block: &Block| block.iter().flatten().map(Case::heap_bytes).sum::<usize>();
        let copy = Arc::new((*self.blocks[at]).clone());
        let before = std::mem::replace(&mut self.blocks[at], copy);
        // A copy keeps no room to grow.
        self.heap_bytes = self.heap_bytes + heap_bytes(&self.blocks[at]) - heap_bytes(&before);
        self.copied_bytes += size_of::<Block>() + heap_bytes(&before);
    }

    /// What the living shard knows of a case.
    pub fn watch(&self, index: u32) -> &Watch {
        &self.watches[index as usize / PAGE][index as usize % PAGE]
    }

    /// What the living shard knows of a case.
    pub fn watch_mut(&mut self, index: u32) -> &mut Watch {
        &mut self.watches[index as usize / PAGE][index as usize % PAGE]
    }

    /// What the timer of a number is set to; timers outlive their cases.
    pub fn armed(&self, index: u32) -> Option<Time> {
        let watch = self.watches.get(index as usize / PAGE)?.get(index as usize % PAGE)?;
        (!watch.vacant).then_some(watch.armed)
    }

    /// Bytes in use, those included that are held by snapshots only.
    pub fn memory_bytes(&self) -> usize {
        let slots = self.blocks.len() * size_of::<Block>() + self.watches.len() * PAGE * size_of::<Watch>();
        let numbers = (self.free.capacity() + self.leaving.capacity()) * size_of::<u32>();
        let table = self.by_subject.capacity() * (size_of::<Entry>() + 1);
        let copied = if Arc::strong_count(&self.shared) > 1 { self.copied_bytes } else { 0 };
        slots + self.heap_bytes + numbers + table + copied
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.given - self.free.len()
    }

    /// One more than the largest number that was ever given.
    pub fn numbers(&self) -> u32 {
        self.given as u32
    }

    /// The case with a number, if it is somebody's.
    pub fn slot(&self, index: u32) -> Option<&Case> {
        self.armed(index).map(|_| self.get(index))
    }

    /// All cases, by number.
    pub fn iter(&self) -> impl Iterator<Item = &Case> {
        self.indices().map(|index| self.get(index))
    }

    /// All numbers in use.
    pub fn indices(&self) -> impl Iterator<Item = u32> {
        let watches = (0u32..).zip(self.watches.iter().flatten());
        watches.filter(|(_, watch)| !watch.vacant).map(|(index, _)| index)
    }

    /// The cases as they are now, whatever becomes of them.
    pub fn snapshot(&self) -> CasesSnapshot {
        let mut left: Vec<u32> =
            self.leaving.iter().copied().filter(|index| self.watch(*index).vacant).collect();
        left.sort_unstable();
        CasesSnapshot { blocks: self.blocks.clone(), left, _shared: self.shared.clone() }
    }
}

/// The cases as they were at some moment.
pub struct CasesSnapshot {
    blocks: Vec<Arc<Block>>,
    /// Numbers whose cases lie in their blocks, but had left.
    left: Vec<u32>,
    _shared: Arc<()>,
}

impl CasesSnapshot {
    /// All cases, by number.
    pub fn iter(&self) -> impl Iterator<Item = &Case> {
        let slots = (0u32..).zip(self.blocks.iter().flat_map(|block| block.iter()));
        slots.filter_map(|(index, slot)| slot.as_ref().filter(|_| self.left.binary_search(&index).is_err()))
    }
}
