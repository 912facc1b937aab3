//! How is more put into order than fits into memory? An external merge sort of keyed bytes, for many logs at once.
//!
//! Ground rules: keys are compared as they are, number by number, and no two of a log are equal, so the order never
//! depends on how the input was split among sorters. What arrives in order is not sorted again. Runs that do not fit
//! lie in an unnamed temporary file, which the system removes with the process, however that ends. What is sorted does
//! not change any more: it is shared, and everybody who reads it has a place of their own.
//!
//! ```text
//!   sorters (one per thread)   log 0 ▓▓▓▓▓░  log 1 ▓▓▓░ …     full: all are sorted and written as runs
//!                              file  │ run of 0 │ run of 1 │ … │ run of 0 │ …
//!   merge (one per reader)     the runs of one log, of all threads → one sequence
//! ```

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::collections::binary_heap::PeekMut;
use std::fs::File;
use std::io::{BufWriter, Read, Seek, SeekFrom, Write};
use std::sync::{Arc, Mutex, PoisonError};

use super::SourceError;

/// Bytes lie in chunks of this size, so that what grows is never copied.
const CHUNK_BYTES: usize = 256 << 10;
/// What is left free at the end of a chunk: most entries are shorter, so they do not make it grow.
const CHUNK_SPARE_BYTES: usize = 4 << 10;
/// A run is read back in pieces of this size, and smaller ones where there are very many runs.
const PIECE_BYTES: usize = 128 << 10;
const PIECE_BYTES_MIN: usize = 4 << 10;
const PIECES_BYTES_MAX: usize = 256 << 20;

/// Takes keyed bytes for several logs, in any order. `N` is how many numbers a key has.
pub(super) struct Sorters<const N: usize> {
    logs: Vec<Arena<N>>,
    held_bytes: usize,
    budget_bytes: usize,
    file: Option<File>,
    file_bytes: u64,
}

/// What one log holds in memory, and where its runs lie in the file.
struct Arena<const N: usize> {
    chunks: Vec<Vec<u8>>,
    entries: Vec<Entry<N>>,
    /// Whether the entries came in order so far.
    ordered: bool,
    runs: Vec<(u64, u64)>,
    count: u64,
}

struct Entry<const N: usize> {
    key: [u64; N],
    chunk: u32,
    start: u32,
    len: u32,
}

/// One log in order, never to be changed.
pub(super) struct Sorted<const N: usize> {
    runs: Vec<Run<N>>,
    count: u64,
}

enum Run<const N: usize> {
    Memory { chunks: Vec<Vec<u8>>, entries: Vec<Entry<N>> },
    File { file: Arc<Mutex<File>>, start: u64, end: u64 },
}

impl<const N: usize> Sorters<N> {
    /// Sorters for so many logs, which together keep up to `budget_bytes` in memory.
    pub fn new(logs: usize, budget_bytes: usize) -> Sorters<N> {
        let arena = |_| Arena { chunks: vec![], entries: vec![], ordered: true, runs: vec![], count: 0 };
        Sorters {
            logs: (0..logs).map(arena).collect(),
            held_bytes: 0,
            budget_bytes,
            file: None,
            file_bytes: 0,
        }
    }

    /// How many logs there are.
    pub fn len(&self) -> usize {
        self.logs.len()
    }

    /// Takes the bytes that `write` appends, for a log.
    pub fn push(
        &mut self,
        log: usize,
        key: [u64; N],
        write: impl FnOnce(&mut Vec<u8>),
    ) -> Result<(), SourceError> {
        if self.held_bytes >= self.budget_bytes {
            self.spill().map_err(SourceError::Spill)?;
        }
        self.held_bytes += self.logs[log].push(key, write);
        Ok(())
    }

    /// Writes everything that lies in memory as one run per log.
    fn spill(&mut self) -> std::io::Result<()> {
        let file = match &mut self.file {
            Some(file) => file,
            none => none.insert(tempfile::tempfile()?),
        };
        let mut out = BufWriter::with_capacity(PIECE_BYTES, file);
        for arena in self.logs.iter_mut().filter(|arena| !arena.entries.is_empty()) {
            let start = self.file_bytes;
            self.file_bytes += arena.write(&mut out)?;
            arena.runs.push((start, self.file_bytes));
        }
        self.held_bytes = 0;
        out.flush()
    }

    /// The logs in order.
    pub fn finish(self) -> Vec<Sorted<N>> {
        let file = self.file.map(|file| Arc::new(Mutex::new(file)));
        let sorted = |mut arena: Arena<N>| {
            arena.order();
            let spilled = arena.runs.iter().zip(file.iter().cycle());
            let spilled = spilled.map(|((start, end), file)| Run::File {
                file: file.clone(),
                start: *start,
                end: *end,
            });
            let mut runs: Vec<Run<N>> = spilled.collect();
            if !arena.entries.is_empty() {
                runs.push(Run::Memory { chunks: arena.chunks, entries: arena.entries });
            }
            Sorted { runs, count: arena.count }
        };
        self.logs.into_iter().map(sorted).collect()
    }
}

impl<const N: usize> Arena<N> {
    /// Returns how many bytes it takes.
    fn push(&mut self, key: [u64; N], write: impl FnOnce(&mut Vec<u8>)) -> usize {
        if self.chunks.last().is_none_or(|chunk| chunk.len() + CHUNK_SPARE_BYTES > CHUNK_BYTES) {
            self.chunks.push(Vec::with_capacity(CHUNK_BYTES));
        }
        let (number, chunk) = (self.chunks.len() - 1, self.chunks.last_mut().expect("there is one now"));
        let start = chunk.len();
        write(chunk);
        let len = chunk.len() - start;
        self.ordered &= self.entries.last().is_none_or(|last| last.key < key);
        self.entries.push(Entry { key, chunk: number as u32, start: start as u32, len: len as u32 });
        self.count += 1;
        len + size_of::<Entry<N>>()
    }

    fn order(&mut self) {
        if !self.ordered {
            self.entries.sort_unstable_by_key(|entry| entry.key);
            self.ordered = true;
        }
    }

    /// Writes the entries in order and forgets them; returns how many bytes that were.
    fn write(&mut self, out: &mut impl Write) -> std::io::Result<u64> {
        self.order();
        let mut written = 0;
        for entry in self.entries.drain(..) {
            for number in entry.key {
                out.write_all(&number.to_le_bytes())?;
            }
            out.write_all(&entry.len.to_le_bytes())?;
            out.write_all(bytes_of(&self.chunks, &entry))?;
            written += head_bytes::<N>() as u64 + u64::from(entry.len);
        }
        self.chunks.clear();
        Ok(written)
    }
}

/// Before each entry of a run in a file: its key and its length.
const fn head_bytes<const N: usize>() -> usize {
    8 * N + 4
}

fn bytes_of<'c, const N: usize>(chunks: &'c [Vec<u8>], entry: &Entry<N>) -> &'c [u8] {
    &chunks[entry.chunk as usize][entry.start as usize..][..entry.len as usize]
}

impl<const N: usize> Sorted<N> {
    /// What several threads took for one log.
    pub fn join(parts: impl IntoIterator<Item = Sorted<N>>) -> Sorted<N> {
        let mut joined = Sorted { runs: Vec::new(), count: 0 };
        for part in parts {
            joined.runs.extend(part.runs);
            joined.count += part.count;
        }
        joined
    }

    /// How many entries there are.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// How many runs lie in files.
    pub fn spilled_runs(&self) -> usize {
        self.runs.iter().filter(|run| matches!(run, Run::File { .. })).count()
    }
}

/// A key and its bytes.
pub(super) type Keyed<'m, const N: usize> = ([u64; N], &'m [u8]);

/// Reads the entries of a log in order.
#[derive(Clone)]
pub(super) struct Merge<const N: usize> {
    sorted: Arc<Sorted<N>>,
    places: Vec<Place>,
    /// The first key of each run that is not at its end.
    heads: BinaryHeap<Reverse<([u64; N], usize)>>,
    /// The run whose first entry was handed out.
    taken: Option<usize>,
    piece_bytes: usize,
}

/// How far a run has been read.
#[derive(Clone)]
enum Place {
    /// The next entry.
    Memory(usize),
    /// `bytes[at..]` were read and not handed out; the file is read on from `next`.
    File { next: u64, bytes: Vec<u8>, at: usize },
}

impl<const N: usize> Merge<N> {
    /// Begins at the first entry. `runs` is how many runs in files are read at the same time, of all logs.
    pub fn new(sorted: Arc<Sorted<N>>, runs: usize) -> Result<Merge<N>, SourceError> {
        let place = |run: &Run<N>| match run {
            Run::Memory { .. } => Place::Memory(0),
            Run::File { start, .. } => Place::File { next: *start, bytes: Vec::new(), at: 0 },
        };
        let places: Vec<Place> = sorted.runs.iter().map(place).collect();
        let piece_bytes = (PIECES_BYTES_MAX / runs.max(1)).clamp(PIECE_BYTES_MIN, PIECE_BYTES);
        let mut merge = Merge { sorted, places, heads: BinaryHeap::new(), taken: None, piece_bytes };
        for at in 0..merge.places.len() {
            let key = merge.key(at)?;
            merge.heads.extend(key.map(|key| Reverse((key, at))));
        }
        Ok(merge)
    }

    /// The key of the next entry.
    pub fn head(&mut self) -> Result<Option<[u64; N]>, SourceError> {
        if let Some(taken) = self.taken.take() {
            self.pass(taken);
            let key = self.key(taken)?;
            let mut top = self.heads.peek_mut().expect("the run that was taken is at the top");
            match key {
                Some(key) => *top = Reverse((key, taken)),
                None => drop(PeekMut::pop(top)),
            }
        }
        Ok(self.heads.peek().map(|Reverse((key, _))| *key))
    }

    /// The next entry.
    pub fn next(&mut self) -> Result<Option<Keyed<'_, N>>, SourceError> {
        let Some(key) = self.head()? else { return Ok(None) };
        let Reverse((_, at)) = *self.heads.peek().expect("there is a head");
        self.taken = Some(at);
        Ok(Some((key, self.bytes(at))))
    }

    /// The key of the first entry of a run.
    fn key(&mut self, at: usize) -> Result<Option<[u64; N]>, SourceError> {
        match (&self.sorted.runs[at], &mut self.places[at]) {
            (Run::Memory { entries, .. }, Place::Memory(next)) => {
                Ok(entries.get(*next).map(|entry| entry.key))
            }
            (Run::File { file, end, .. }, place) => {
                place.key(file, *end, self.piece_bytes).map_err(SourceError::Spill)
            }
            (Run::Memory { .. }, Place::File { .. }) => unreachable!("places are made from their runs"),
        }
    }

    /// The bytes of the first entry of a run that has a key.
    fn bytes(&self, at: usize) -> &[u8] {
        match (&self.sorted.runs[at], &self.places[at]) {
            (Run::Memory { chunks, entries }, Place::Memory(next)) => bytes_of(chunks, &entries[*next]),
            (_, Place::File { bytes, at, .. }) => {
                &bytes[*at + head_bytes::<N>()..][..len::<N>(&bytes[*at..])]
            }
            (Run::File { .. }, Place::Memory(_)) => unreachable!("places are made from their runs"),
        }
    }

    /// Passes over the first entry of a run.
    fn pass(&mut self, at: usize) {
        match &mut self.places[at] {
            Place::Memory(next) => *next += 1,
            Place::File { bytes, at, .. } => *at += head_bytes::<N>() + len::<N>(&bytes[*at..]),
        }
    }
}

/// The length of an entry whose head was read.
fn len<const N: usize>(bytes: &[u8]) -> usize {
    let (len, _) = bytes[8 * N..].split_first_chunk::<4>().expect("the head was read");
    u32::from_le_bytes(*len) as usize
}

impl Place {
    fn key<const N: usize>(
        &mut self,
        file: &Mutex<File>,
        end: u64,
        piece_bytes: usize,
    ) -> std::io::Result<Option<[u64; N]>> {
        if !self.have(head_bytes::<N>(), file, end, piece_bytes)? {
            return Ok(None);
        }
        let Place::File { bytes, at, .. } = &*self else { return Ok(None) };
        let whole = head_bytes::<N>() + len::<N>(&bytes[*at..]);
        self.have(whole, file, end, piece_bytes)?;
        let Place::File { bytes, at, .. } = &*self else { return Ok(None) };
        let mut head = &bytes[*at..];
        Ok(Some(std::array::from_fn(|_| u64::from_le_bytes(super::encode::eight(&mut head)))))
    }

    /// Reads on until `len` bytes are there, or says that the run is at its end.
    fn have(
        &mut self,
        len: usize,
        file: &Mutex<File>,
        end: u64,
        piece_bytes: usize,
    ) -> std::io::Result<bool> {
        let Place::File { next, bytes, at } = self else { return Ok(false) };
        let left = bytes.len() - *at;
        if left >= len {
            return Ok(true);
        }
        let more = (len - left).max(piece_bytes).min((end - *next) as usize);
        if left + more < len {
            return Ok(false);
        }
        bytes.drain(..*at);
        *at = 0;
        bytes.resize(left + more, 0);
        let mut file = file.lock().unwrap_or_else(PoisonError::into_inner);
        file.seek(SeekFrom::Start(*next))?;
        file.read_exact(&mut bytes[left..])?;
        *next += more as u64;
        Ok(true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOGS: usize = 3;

    /// A fixed sequence of numbers without a pattern.
    fn numbers(count: u64) -> impl Iterator<Item = u64> {
        (1..=count).map(|n| n.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ (n << 7))
    }

    /// The keys of each log in order, and how many runs were written.
    fn sorted(
        budget_bytes: usize,
        threads: usize,
        keys: impl Iterator<Item = u64>,
    ) -> (Vec<Vec<u64>>, usize) {
        let mut all: Vec<Sorters<2>> = (0..threads).map(|_| Sorters::new(LOGS, budget_bytes)).collect();
        for (at, key) in keys.enumerate() {
            let bytes = vec![key as u8; key as usize % 300];
            let write = |out: &mut Vec<u8>| out.extend_from_slice(&bytes);
            all[at % threads].push(key as usize % LOGS, [key, at as u64], write).expect("room");
        }
        let mut parts: Vec<Vec<Sorted<2>>> = all.into_iter().map(Sorters::finish).collect();
        let mut runs = 0;
        let mut read = |log: usize| {
            let sorted = Arc::new(Sorted::join(parts.iter_mut().map(|parts| parts.remove(0))));
            runs += sorted.spilled_runs();
            // Two readers do not disturb each other.
            let mut other = Merge::new(sorted.clone(), 1).expect("readable");
            let mut merge = Merge::new(sorted.clone(), 1).expect("readable");
            let mut order = Vec::new();
            while let Some((key, bytes)) = merge.next().expect("readable") {
                assert_eq!((key[0] as usize % LOGS, other.head().expect("readable")), (log, Some(key)));
                assert_eq!(bytes, vec![key[0] as u8; key[0] as usize % 300]);
                other.next().expect("readable");
                order.push(key[0]);
            }
            assert_eq!(order.len() as u64, sorted.count());
            order
        };
        ((0..LOGS).map(&mut read).collect(), runs)
    }

    #[test]
    fn what_comes_out_is_in_order_whatever_the_memory() {
        let mut all: Vec<u64> = numbers(5_000).collect();
        all.sort_unstable();
        let of = |log| all.iter().copied().filter(|key| *key as usize % LOGS == log).collect();
        let expected: Vec<Vec<u64>> = (0..LOGS).map(of).collect();
        for (budget_bytes, threads) in [(1 << 30, 1), (1 << 30, 3), (40_000, 1), (9_000, 3), (1, 1)] {
            let (order, runs) = sorted(budget_bytes, threads, numbers(5_000));
            assert_eq!(order, expected, "{budget_bytes} bytes, {threads} threads");
            assert_eq!(runs > 0, budget_bytes < 1 << 30, "{runs} runs");
        }
        assert!(sorted(100, 2, std::iter::empty()).0.iter().all(Vec::is_empty));
    }
}
