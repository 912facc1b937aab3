//! How many so far, over all logs? Sums that only grow, though logs come and go and verdicts are taken back.
//!
//! A picture counts what was found since its log was taken over; so what was seen of each log is kept, and only differences
//! are added. A log that comes back counts from 0 again.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::engine::picture::{ClockCounts, LabelledCounts, LogPicture, Verdicts};
use crate::names::metric::COMBINATIONS_MAX;
use crate::window::{OTHER, UNKNOWN};

/// A commitment and the values of the allowed labels.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Key {
    pub(super) commitment: Arc<str>,
    pub(super) labels: Vec<Arc<str>>,
}

/// Clocks of a key.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Sums {
    /// How many are open, warned and overdue now.
    pub(super) now: ClockCounts,
    /// Verdicts so far, in the order of [`VERDICTS`].
    pub(super) verdicts: [u64; 3],
    /// Verdicts that were taken back so far, in the same order.
    pub(super) taken_back: [u64; 3],
}

/// What may become of a clock.
pub(super) const VERDICTS: [&str; 3] = ["kept", "breached", "cancelled"];

/// What is known of all logs.
#[derive(Debug)]
pub(super) struct Totals {
    /// How many labels are allowed.
    labels: usize,
    sums: BTreeMap<Key, Sums>,
    logs: BTreeMap<u32, Log>,
}

/// A log as it was last seen.
#[derive(Debug, Default)]
struct Log {
    records: u64,
    /// Verdicts found and taken back, by place of the commitment and labels.
    verdicts: BTreeMap<(u16, Vec<Arc<str>>), [Verdicts; 2]>,
}

impl Totals {
    /// Nothing yet, with so many labels allowed.
    pub(super) fn new(labels: usize) -> Totals {
        Totals { labels, sums: BTreeMap::new(), logs: BTreeMap::new() }
    }

    /// The sums by key.
    pub(super) fn sums(&self) -> impl Iterator<Item = (&Key, &Sums)> {
        self.sums.iter()
    }

    /// Takes in how the logs look now.
    pub(super) fn take(&mut self, logs: &[LogPicture], name: &dyn Fn(u16) -> Option<Arc<str>>) {
        self.sums.values_mut().for_each(|sums| sums.now = ClockCounts::default());
        self.logs.retain(|number, _| logs.iter().any(|log| log.log == *number));
        for log in logs {
            let mut seen = self.logs.remove(&log.log).unwrap_or_default();
            if log.records < seen.records {
                // It left and came back in between, and counts anew.
                seen = Log::default();
            }
            seen.records = log.records;
            for counted in &log.clocks {
                if let Some(commitment) = name(counted.commitment) {
                    self.add(&mut seen, counted, commitment);
                }
            }
            self.logs.insert(log.log, seen);
        }
    }

    fn add(&mut self, seen: &mut Log, counted: &LabelledCounts, commitment: Arc<str>) {
        let ClockCounts { open, warned, overdue, .. } = counted.counts;
        let now = [counted.found, counted.taken_back];
        let before = seen.verdicts.entry((counted.commitment, counted.labels.clone())).or_default();
        let [found_before, taken_back_before] = std::mem::replace(before, now);
        let sums = self.sums_of(commitment, &counted.labels);
        sums.now = sums.now.plus(&ClockCounts { open, warned, overdue, ..ClockCounts::default() });
        add(&mut sums.verdicts, counted.found, found_before);
        add(&mut sums.taken_back, counted.taken_back, taken_back_before);
    }

    /// The sums of a key. Keys that come after too many others share one by commitment, for good.
    fn sums_of(&mut self, commitment: Arc<str>, labels: &[Arc<str>]) -> &mut Sums {
        let mut key = Key { commitment, labels: labels.to_vec() };
        // Two series of one name would have the whole scrape refused.
        key.labels.resize(self.labels, UNKNOWN.into());
        if self.sums.len() >= COMBINATIONS_MAX && !self.sums.contains_key(&key) {
            key.labels.fill(OTHER.into());
        }
        self.sums.entry(key).or_default()
    }
}

/// Adds what has come since; of counts that have fallen, all of them: they began anew.
fn add(sums: &mut [u64; 3], now: Verdicts, before: Verdicts) {
    let pairs = [(now.kept, before.kept), (now.breached, before.breached), (now.cancelled, before.cancelled)];
    for (sum, (now, before)) in sums.iter_mut().zip(pairs) {
        *sum += now.checked_sub(before).unwrap_or(now);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn log(number: u32, records: u64, clocks: &[(u16, &str, [u64; 4])]) -> LogPicture {
        let clocks = clocks.iter().map(|(commitment, product, [open, kept, breached, cancelled])| {
            let counts = ClockCounts { open: *open, ..ClockCounts::default() };
            let found = Verdicts { kept: *kept, breached: *breached, cancelled: *cancelled };
            let labels = vec![(*product).into()];
            LabelledCounts { commitment: *commitment, labels, counts, found, ..LabelledCounts::default() }
        });
        LogPicture { log: number, records, clocks: clocks.collect(), ..LogPicture::default() }
    }

    fn name(place: u16) -> Option<Arc<str>> {
        // Places 0 and 1 are two versions of one commitment; 9 is none.
        [Some("answer"), Some("answer"), Some("repair")].get(usize::from(place))?.map(Arc::from)
    }

    /// Sums of one key: open, verdicts, taken back.
    fn sums(totals: &Totals, commitment: &str, product: &str) -> (u64, [u64; 3], [u64; 3]) {
        let key = Key { commitment: commitment.into(), labels: vec![product.into()] };
        let sums = totals.sums.get(&key).copied().unwrap_or_default();
        (sums.now.open, sums.verdicts, sums.taken_back)
    }

    #[test]
    fn logs_and_versions_are_summed() {
        let mut totals = Totals::new(1);
        let logs = [
            log(0, 9, &[(0, "a", [3, 10, 2, 1]), (2, "a", [1, 0, 0, 0])]),
            log(1, 9, &[(1, "a", [2, 5, 0, 0]), (0, "b", [0, 1, 0, 0]), (9, "a", [7, 7, 7, 7])]),
        ];
        totals.take(&logs, &name);
        totals.take(&logs, &name);
        assert_eq!(sums(&totals, "answer", "a"), (5, [15, 2, 1], [0; 3]));
        assert_eq!(sums(&totals, "answer", "b"), (0, [1, 0, 0], [0; 3]));
        assert_eq!(totals.sums.len(), 3);
    }

    #[test]
    fn what_is_taken_back_is_counted_and_never_subtracted() {
        let mut totals = Totals::new(1);
        totals.take(&[log(0, 1, &[(0, "a", [1, 0, 4, 0])])], &name);
        let mut then = log(0, 2, &[(0, "a", [1, 1, 4, 0])]);
        then.clocks[0].taken_back.breached = 1;
        totals.take(&[then.clone()], &name);
        assert_eq!(sums(&totals, "answer", "a"), (1, [1, 4, 0], [0, 1, 0]));
        then.clocks[0].found.breached = 6;
        totals.take(&[then], &name);
        assert_eq!(sums(&totals, "answer", "a"), (1, [1, 6, 0], [0, 1, 0]));
    }

    #[test]
    fn a_log_that_leaves_takes_nothing_with_it_and_comes_back_anew() {
        let mut totals = Totals::new(1);
        totals.take(&[log(0, 50, &[(0, "a", [4, 8, 0, 0])])], &name);
        totals.take(&[], &name);
        assert_eq!(sums(&totals, "answer", "a"), (0, [8, 0, 0], [0; 3]));
        totals.take(&[log(0, 5, &[(0, "a", [4, 1, 0, 0])])], &name);
        assert_eq!(sums(&totals, "answer", "a"), (4, [9, 0, 0], [0; 3]));
        // It left and came back between two looks.
        totals.take(&[log(0, 2, &[(0, "a", [4, 1, 0, 0])])], &name);
        assert_eq!(sums(&totals, "answer", "a"), (4, [10, 0, 0], [0; 3]));
    }

    #[test]
    fn combinations_beyond_the_maximum_share_one() {
        let mut totals = Totals::new(1);
        let many: Vec<String> = (0..COMBINATIONS_MAX + 10).map(|n| format!("p{n:05}")).collect();
        let clocks: Vec<_> = many.iter().map(|product| (0, product.as_str(), [1, 1, 0, 0])).collect();
        totals.take(&[log(0, 1, &clocks)], &name);
        totals.take(&[log(0, 1, &clocks)], &name);
        assert_eq!(sums(&totals, "answer", OTHER), (10, [10, 0, 0], [0; 3]));
        assert_eq!(sums(&totals, "answer", "p00000"), (1, [1, 0, 0], [0; 3]));
        assert_eq!(totals.sums.len(), COMBINATIONS_MAX + 1);
    }

    #[test]
    fn labels_that_are_not_allowed_are_summed_over() {
        let mut totals = Totals::new(0);
        totals.take(&[log(0, 1, &[(0, "a", [1, 1, 0, 0]), (0, "b", [2, 2, 0, 0])])], &name);
        let (key, sums) = totals.sums().next().expect("one");
        assert_eq!((key.labels.len(), sums.now.open, sums.verdicts, totals.sums.len()), (0, 3, [3, 0, 0], 1));
    }
}
