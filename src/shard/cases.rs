//! Which case is this subject's? A slab of cases with a table of their subjects' hashes.
//!
//! A table of a million cases is looked up with as few cache misses as can be: it holds the hashes, so that it grows
//! without touching a case, and looks at one only when all 32 bits agree. The slab is made of blocks, so that it grows
//! without copying one.

use hashbrown::HashTable;
use xxhash_rust::xxh3::xxh3_64;

use super::case::Case;
use crate::time::Time;

/// How many cases a block of the slab holds.
const BLOCK: usize = 4_096;

/// The cases in memory, by a number that stays theirs while they live.
pub struct Cases {
    blocks: Vec<Vec<Option<Case>>>,
    /// How many numbers were ever given.
    given: usize,
    free: Vec<u32>,
    by_subject: HashTable<Entry>,
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
        Cases { blocks: Vec::new(), given: 0, free: Vec::new(), by_subject: HashTable::new() }
    }

    /// The current case of a subject.
    pub fn find(&self, subject: &str) -> Option<u32> {
        let hash = hash(subject);
        let same = |entry: &Entry| entry.hash == hash && &*self.get(entry.index).subject == subject;
        self.by_subject.find(Entry::spread(hash), same).map(|entry| entry.index)
    }

    /// Adds a case, which becomes the current one of its subject.
    pub fn add(&mut self, case: Case) -> u32 {
        let hash = hash(&case.subject);
        let index = self.free.pop().unwrap_or_else(|| {
            self.given += 1;
            u32::try_from(self.given - 1).expect("a partition has fewer than 2^32 cases in memory")
        });
        if self.blocks.len() <= index as usize / BLOCK {
            self.blocks.push(Vec::with_capacity(BLOCK));
        }
        let block = &mut self.blocks[index as usize / BLOCK];
        match block.get_mut(index as usize % BLOCK) {
            Some(slot) => *slot = Some(case),
            None => block.push(Some(case)),
        }
        let entry = Entry { hash, index };
        self.by_subject.insert_unique(Entry::spread(hash), entry, |known| Entry::spread(known.hash));
        index
    }

    /// A case is not the current one of its subject any more; it stays in memory.
    pub fn retire(&mut self, index: u32) {
        let hash = hash(&self.get(index).subject);
        if let Ok(entry) = self.by_subject.find_entry(Entry::spread(hash), |known| known.index == index) {
            entry.remove();
        }
    }

    /// A case leaves the memory; its number may be given to another.
    pub fn remove(&mut self, index: u32) {
        self.retire(index);
        self.blocks[index as usize / BLOCK][index as usize % BLOCK] = None;
        self.free.push(index);
    }

    /// A case in memory.
    pub fn get(&self, index: u32) -> &Case {
        let slot = &self.blocks[index as usize / BLOCK][index as usize % BLOCK];
        slot.as_ref().expect("numbers are handed out for cases in memory only")
    }

    /// A case in memory.
    pub fn get_mut(&mut self, index: u32) -> &mut Case {
        let slot = &mut self.blocks[index as usize / BLOCK][index as usize % BLOCK];
        slot.as_mut().expect("numbers are handed out for cases in memory only")
    }

    /// What the timer of a number is set to; timers outlive their cases.
    pub fn armed(&self, index: u32) -> Option<Time> {
        let slot = self.blocks.get(index as usize / BLOCK)?.get(index as usize % BLOCK)?;
        slot.as_ref().map(|case| case.armed)
    }

    /// Bytes in use.
    pub fn memory_bytes(&self) -> usize {
        let unused = (self.blocks.len() * BLOCK - self.len()) * size_of::<Option<Case>>();
        let table = self.by_subject.capacity() * (size_of::<Entry>() + 1);
        self.iter().map(Case::bytes).sum::<usize>() + unused + table
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.given - self.free.len()
    }

    /// All cases, by number.
    pub fn iter(&self) -> impl Iterator<Item = &Case> {
        self.blocks.iter().flatten().flatten()
    }

    /// All numbers in use.
    pub fn indices(&self) -> impl Iterator<Item = u32> {
        let slots = (0u32..).zip(self.blocks.iter().flatten());
        slots.filter(|(_, slot)| slot.is_some()).map(|(index, _)| index)
    }

    /// Whether a case is the current one of its subject.
    pub fn is_current(&self, index: u32) -> bool {
        self.find(&self.get(index).subject) == Some(index)
    }
}
