//! How much in which slot of time? Panes, the partial sums a worker ships, and how copies of them are merged.
//!
//! A *pane* is a slot of event time. A worker counts what its partition saw into panes and ships the **cumulative**
//! values of the panes that changed as a [`Partial`]. Whoever merges takes, per source partition, the value with the
//! largest [`Stamp`], so repeats, replays and stale copies change nothing.
//!
//! ```text
//!   partition 0:  pane 08:00 → 3   (stamp 10)      pane 08:00 → 5 (stamp 14)      pane 08:00 → 3 (stamp 10, again)
//!   partition 1:  pane 08:00 → 2   (stamp 7)
//!   merged        5                                 7                               7
//! ```

use std::borrow::Cow;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::time::Time;

/// The value of a dimension that was not given.
pub const UNKNOWN: &str = "unknown";
/// The value that stands for all that came after a dimension was full.
pub const OTHER: &str = "other";
/// Distinct customers are counted exactly up to this many per pane and cell, and as "at least" beyond.
pub const CUSTOMERS_MAX: usize = 64;

/// One value for each dimension by which events are counted.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Dimensions<T> {
    /// What was sold: a product line, a brand, an airline.
    pub product: T,
    /// Where.
    pub region: T,
    /// By which way it came: phone, mail, chat.
    pub channel: T,
    /// What it is about: the complaint's category or reason.
    pub category: T,
}

/// The finest series: one value in every dimension.
pub type Cell = Dimensions<Arc<str>>;

/// How far a worker had read when it said something: values with a larger stamp replace those with a smaller one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Stamp {
    /// The offset of the first record not read.
    pub next_offset: u64,
    /// The partition clock.
    pub clock: Time,
}

/// What is counted in one pane of one cell. All values are cumulative.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// Events of any kind that count as activity of this series.
    pub activity: u64,
    /// Complaints.
    pub complaints: u64,
    /// Promises that stand broken and were due in this pane.
    pub breaches: u64,
    /// Satisfaction scores given, in 1/1000 of the scale's unit: how many, their sum, and the sum of squares.
    pub scores: Scores,
    /// Hashes of the customers who complained or were let down, sorted, at most [`CUSTOMERS_MAX`].
    pub customers: Vec<u64>,
}

/// Sums of satisfaction scores, exact in thousandths.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Scores {
    /// How many.
    pub n: u64,
    /// Their sum, in thousandths.
    pub sum_milli: i64,
    /// The sum of their squares, in millionths.
    pub sum_squares_micro: i64,
}

/// What one partition counted, as of one cut.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Partial {
    /// The source partition.
    pub log: u32,
    /// As of when. It carries the clock even when nothing was counted.
    pub stamp: Stamp,
    /// Whether the rest of what changed follows under the same stamp: until it is there, the clock is not told.
    pub more: bool,
    /// The panes that changed since the partial before: the pane's start, its cell, and the values.
    pub panes: Vec<(Time, Cell, Counts)>,
    /// What changed of what objectives count: the pane's start, what the objective is kept under, and the values.
    pub judged: Vec<(Time, u64, Judged)>,
}

/// How many cases of an objective, and how many of them are good. Cumulative.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Judged {
    /// How many.
    pub n: u64,
    /// How many of them are good.
    pub good: u64,
}

impl Judged {
    /// Adds what another source counted.
    pub fn add(&mut self, other: &Judged) {
        self.n += other.n;
        self.good += other.good;
    }
}

impl Partial {
    /// The same in parts of about `bytes_max` bytes at most, all but the last of which say that there is more.
    pub fn parts(&self, bytes_max: usize) -> Vec<Cow<'_, Partial>> {
        let bytes = self.panes.iter().map(weight).sum::<usize>() + self.judged.len() * JUDGED_BYTES;
        if bytes <= bytes_max {
            return vec![Cow::Borrowed(self)];
        }
        let mut parts = vec![self.part()];
        let mut room = bytes_max;
        let mut room_for = |bytes: usize, parts: &mut Vec<Partial>| {
            if bytes > room && room < bytes_max {
                parts.push(self.part());
                room = bytes_max;
            }
            room = room.saturating_sub(bytes);
        };
        for pane in &self.panes {
            room_for(weight(pane), &mut parts);
            parts.last_mut().into_iter().for_each(|part| part.panes.push(pane.clone()));
        }
        for judged in &self.judged {
            room_for(JUDGED_BYTES, &mut parts);
            parts.last_mut().into_iter().for_each(|part| part.judged.push(*judged));
        }
        parts.last_mut().into_iter().for_each(|last| last.more = self.more);
        parts.into_iter().map(Cow::Owned).collect()
    }

    /// A part with nothing in it yet.
    fn part(&self) -> Partial {
        Partial { log: self.log, stamp: self.stamp, more: true, panes: Vec::new(), judged: Vec::new() }
    }
}

/// About as many bytes as what one objective counts in one pane takes when it is written.
const JUDGED_BYTES: usize = 24;

/// About as many bytes as a pane's counts take when they are written.
fn weight((_, cell, counts): &(Time, Cell, Counts)) -> usize {
    let names = [&cell.product, &cell.region, &cell.channel, &cell.category];
    names.iter().map(|name| name.len()).sum::<usize>() + 10 * counts.customers.len() + 72
}

/// Which of two values that one source said counts. It is a parameter so that tests can get it wrong on purpose, and
/// must notice.
pub trait Merging {
    /// Whether what was said adds nothing to what is known.
    fn is_stale(known: Stamp, said: Stamp) -> bool {
        said < known
    }
}

/// The one with the larger stamp.
#[derive(Clone, Copy, Debug)]
pub struct ByStamp;

impl Merging for ByStamp {}

impl Counts {
    /// Adds what another source counted.
    pub fn add(&mut self, other: &Counts) {
        self.activity += other.activity;
        self.complaints += other.complaints;
        self.breaches += other.breaches;
        self.scores.n += other.scores.n;
        self.scores.sum_milli += other.scores.sum_milli;
        self.scores.sum_squares_micro += other.scores.sum_squares_micro;
        for customer in &other.customers {
            self.add_customer(*customer);
        }
    }

    /// Counts a customer once.
    pub fn add_customer(&mut self, customer: u64) {
        if let Err(at) = self.customers.binary_search(&customer) {
            self.customers.insert(at, customer);
            // The smallest hashes are kept, so that the set does not depend on the order of arrival.
            self.customers.truncate(CUSTOMERS_MAX);
        }
    }

    /// Counts a satisfaction score.
    pub fn add_score(&mut self, score: f64) {
        let milli = (score * 1_000.0).round() as i64;
        self.scores.n += 1;
        self.scores.sum_milli += milli;
        self.scores.sum_squares_micro += milli * milli;
    }
}

/// What each source last said of one thing, such as the counts of one pane of one cell, by source. There are hundreds of
/// thousands, of a few sources each.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Merged<T>(Vec<(u32, (Stamp, T))>);

impl<T> Default for Merged<T> {
    fn default() -> Merged<T> {
        Merged(Vec::new())
    }
}

impl<T: PartialEq> Merged<T> {
    /// Takes what a source says, unless it has said something newer before. Returns whether anything changed.
    pub fn take<M: Merging>(&mut self, log: u32, stamp: Stamp, counts: T) -> bool {
        match self.0.binary_search_by_key(&log, |(log, _)| *log) {
            Ok(at) if M::is_stale(self.0[at].1.0, stamp) => false,
            Ok(at) => {
                let before = std::mem::replace(&mut self.0[at].1, (stamp, counts));
                before.1 != self.0[at].1.1
            }
            Err(at) => {
                self.0.reserve_exact(1);
                self.0.insert(at, (log, (stamp, counts)));
                true
            }
        }
    }

    /// What the sources said.
    pub fn values(&self) -> impl Iterator<Item = &T> {
        self.0.iter().map(|(_, (_, said))| said)
    }
}

impl Merged<Counts> {
    /// The sum over the sources.
    pub fn total(&self) -> Counts {
        let mut total = Counts::default();
        self.values().for_each(|counts| total.add(counts));
        total
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stamp(next_offset: u64) -> Stamp {
        Stamp { next_offset, clock: Time::from_millis(0) }
    }

    fn complaints(n: u64) -> Counts {
        Counts { complaints: n, ..Counts::default() }
    }

    #[test]
    fn the_largest_stamp_of_each_source_counts() {
        let mut merged = Merged::default();
        assert!(merged.take::<ByStamp>(0, stamp(10), complaints(3)));
        assert!(merged.take::<ByStamp>(1, stamp(7), complaints(2)));
        assert!(merged.take::<ByStamp>(0, stamp(14), complaints(5)));
        assert!(!merged.take::<ByStamp>(0, stamp(10), complaints(3)), "a stale copy changes nothing");
        assert_eq!(merged.total().complaints, 7);
    }

    #[test]
    fn parts_make_the_whole_and_only_the_last_ends_it() {
        let cell = Dimensions {
            product: UNKNOWN.into(),
            region: UNKNOWN.into(),
            channel: UNKNOWN.into(),
            category: UNKNOWN.into(),
        };
        for panes in [0, 1, 6, 7] {
            let panes =
                (0..panes).map(|n| (Time::from_millis(n), cell.clone(), complaints(n as u64))).collect();
            let judged = vec![(Time::from_millis(0), 7, Judged { n: 2, good: 1 })];
            let whole = Partial { log: 2, stamp: stamp(9), more: false, panes, judged };
            let parts = whole.parts(3 * 100);
            assert_eq!(parts.len(), (whole.panes.len() * 100 + JUDGED_BYTES).div_ceil(300));
            assert!(parts.iter().all(|part| (part.log, part.stamp) == (2, stamp(9))));
            assert!(parts.iter().rev().map(|part| part.more).eq((0..parts.len()).map(|n| n > 0)));
            assert!(parts.iter().flat_map(|part| &part.panes).eq(&whole.panes));
            assert!(parts.iter().flat_map(|part| &part.judged).eq(&whole.judged));
        }
    }

    #[test]
    fn customers_do_not_depend_on_the_order() {
        let mut up = Counts::default();
        let mut down = Counts::default();
        (0..200).for_each(|n| up.add_customer(n));
        (0..200).rev().for_each(|n| down.add_customer(n));
        assert_eq!(up, down);
        assert_eq!(up.customers.len(), CUSTOMERS_MAX);
    }
}
