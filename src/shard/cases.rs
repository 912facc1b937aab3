//! Which case is this subject's? A slab of cases with a table that is keyed by the subject inside the case.

use hashbrown::HashTable;
use xxhash_rust::xxh3::xxh3_64;

use super::case::Case;
use crate::time::Time;

/// The cases in memory, by a number that stays theirs while they live.
pub struct Cases {
    slots: Vec<Option<Case>>,
    free: Vec<u32>,
    by_subject: HashTable<u32>,
}

impl Cases {
    /// No cases.
    pub fn new() -> Cases {
        Cases { slots: Vec::new(), free: Vec::new(), by_subject: HashTable::new() }
    }

    /// The current case of a subject.
    pub fn find(&self, subject: &str) -> Option<u32> {
        let same = |index: &u32| &*self.get(*index).subject == subject;
        self.by_subject.find(xxh3_64(subject.as_bytes()), same).copied()
    }

    /// Adds a case, which becomes the current one of its subject.
    pub fn add(&mut self, case: Case) -> u32 {
        let hash = xxh3_64(case.subject.as_bytes());
        let index = match self.free.pop() {
            Some(index) => index,
            None => {
                self.slots.push(None);
                u32::try_from(self.slots.len() - 1).expect("a partition has fewer than 2^32 cases in memory")
            }
        };
        self.slots[index as usize] = Some(case);
        let slots = &self.slots;
        self.by_subject.insert_unique(hash, index, |index| {
            slots[*index as usize].as_ref().map_or(0, |case| xxh3_64(case.subject.as_bytes()))
        });
        index
    }

    /// A case is not the current one of its subject any more; it stays in memory.
    pub fn retire(&mut self, index: u32) {
        let hash = xxh3_64(self.get(index).subject.as_bytes());
        if let Ok(entry) = self.by_subject.find_entry(hash, |known| *known == index) {
            entry.remove();
        }
    }

    /// A case leaves the memory; its number may be given to another.
    pub fn remove(&mut self, index: u32) {
        self.retire(index);
        self.slots[index as usize] = None;
        self.free.push(index);
    }

    /// A case in memory.
    pub fn get(&self, index: u32) -> &Case {
        self.slots[index as usize].as_ref().expect("numbers are handed out for cases in memory only")
    }

    /// A case in memory.
    pub fn get_mut(&mut self, index: u32) -> &mut Case {
        self.slots[index as usize].as_mut().expect("numbers are handed out for cases in memory only")
    }

    /// What the timer of a number is set to; timers outlive their cases.
    pub fn armed(&self, index: u32) -> Option<Time> {
        self.slots.get(index as usize)?.as_ref().map(|case| case.armed)
    }

    /// Bytes in use.
    pub fn memory_bytes(&self) -> usize {
        let unused = (self.slots.capacity() - self.len()) * size_of::<Option<Case>>();
        let table = self.by_subject.capacity() * (size_of::<u32>() + 1);
        self.iter().map(Case::bytes).sum::<usize>() + unused + table
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.slots.len() - self.free.len()
    }

    /// All cases, by number.
    pub fn iter(&self) -> impl Iterator<Item = &Case> {
        self.slots.iter().flatten()
    }

    /// All numbers in use.
    pub fn indices(&self) -> impl Iterator<Item = u32> {
        (0u32..).zip(&self.slots).filter(|(_, slot)| slot.is_some()).map(|(index, _)| index)
    }

    /// Whether a case is the current one of its subject.
    pub fn is_current(&self, index: u32) -> bool {
        self.find(&self.get(index).subject) == Some(index)
    }
}
