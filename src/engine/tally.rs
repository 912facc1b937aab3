//! How did it go in sum? Verdicts and durations per commitment, as they come in; only the slowest cases are kept whole.

use std::collections::BTreeMap;
use std::sync::Arc;

use hdrhistogram::Histogram;

use crate::sla::outcome::{Outcome, Verdict};
use crate::sla::policy::{Objective, Policy};
use crate::time::Time;

/// How many of the slowest broken promises are kept.
pub const SLOWEST: usize = 10;

/// The sums over many outcomes.
#[derive(Clone, Debug, Default)]
pub struct Tally {
    /// By commitment.
    pub commitments: BTreeMap<Arc<str>, Sums>,
    /// The broken promises with the most time used in proportion to their goal, worst first.
    pub slowest: Vec<Outcome>,
    /// How many clocks ran through a year for which their calendar has no holidays, by calendar and year.
    pub without_holidays: BTreeMap<(String, i16), u64>,
}

/// The sums of one commitment. "Answered" is a clock that was stopped, "abandoned" one that was cancelled.
#[derive(Clone, Debug, Default)]
pub struct Sums {
    /// Kept.
    pub kept: u64,
    /// Broken, whether still open or not.
    pub breached: u64,
    /// Open and not broken.
    pub open: u64,
    /// Cancelled before it was broken.
    pub cancelled: u64,
    /// Cancelled, broken or not.
    pub abandoned: u64,
    /// Cancelled sooner than the objective's `short`.
    pub abandoned_short: u64,
    /// Open and broken.
    pub open_breached: u64,
    /// Clocks that were parked: paused again as soon as they had gone on.
    pub parked_clocks: u64,
    /// How often they were.
    pub parked: u64,
    /// The time used by the clocks that were stopped.
    pub answered: Durations,
    /// The longest time used by any clock, in milliseconds.
    pub longest_ms: i64,
}

/// Lengths of time in milliseconds: number, sum and maximum exact, percentiles to three digits.
#[derive(Clone, Debug)]
pub struct Durations {
    /// How many.
    pub n: u64,
    /// Their sum.
    pub sum_ms: i64,
    /// The longest.
    pub max_ms: i64,
    histogram: Histogram<u64>,
}

impl Default for Durations {
    fn default() -> Durations {
        let histogram = Histogram::new(3).expect("three digits are allowed");
        Durations { n: 0, sum_ms: 0, max_ms: 0, histogram }
    }
}

impl Durations {
    /// Counts a length.
    pub fn add(&mut self, ms: i64) {
        self.n += 1;
        self.sum_ms += ms;
        self.max_ms = self.max_ms.max(ms);
        // The histogram grows by itself; only a length of more than half a million years would not fit.
        self.histogram.record(ms.max(0) as u64).unwrap_or_default();
    }

    /// Adds what somebody else counted.
    pub fn merge(&mut self, other: &Durations) {
        self.n += other.n;
        self.sum_ms += other.sum_ms;
        self.max_ms = self.max_ms.max(other.max_ms);
        self.histogram += &other.histogram;
    }

    /// The mean in seconds; `None` of none.
    pub fn mean_seconds(&self) -> Option<f64> {
        (self.n > 0).then(|| self.sum_ms as f64 / self.n as f64 / 1_000.0)
    }

    /// The length, in seconds, that a share of all does not exceed; `None` of none.
    pub fn quantile_seconds(&self, share: f64) -> Option<f64> {
        let ms = self.histogram.value_at_quantile(share).min(self.max_ms.max(0) as u64);
        (self.n > 0).then_some(ms as f64 / 1_000.0)
    }
}

impl Tally {
    /// Counts an outcome.
    pub fn add(&mut self, policy: &Policy, outcome: &Outcome) {
        let sums = match self.commitments.get_mut(&outcome.commitment) {
            Some(sums) => sums,
            None => self.commitments.entry(outcome.commitment.clone()).or_default(),
        };
        match outcome.outcome {
            Verdict::Kept => sums.kept += 1,
            Verdict::Breached => sums.breached += 1,
            Verdict::Open => sums.open += 1,
            Verdict::Cancelled => sums.cancelled += 1,
        }
        let counts = |one: &&Arc<Objective>| one.commitment() == Some(&*outcome.commitment);
        let short = policy.objectives.iter().find(counts).map(|one| one.short);
        sums.longest_ms = sums.longest_ms.max(outcome.elapsed.millis());
        if outcome.stopped.is_some() {
            sums.answered.add(outcome.elapsed.millis());
        } else if outcome.cancelled {
            sums.abandoned += 1;
            sums.abandoned_short += u64::from(short.is_some_and(|short| outcome.elapsed < short));
        } else if outcome.outcome == Verdict::Breached {
            sums.open_breached += 1;
        }
        sums.parked_clocks += u64::from(outcome.parked > 0);
        sums.parked += u64::from(outcome.parked);
        self.note_missing_year(policy, outcome);
        if outcome.outcome == Verdict::Breached {
            self.rank(outcome);
        }
    }

    fn note_missing_year(&mut self, policy: &Policy, outcome: &Outcome) {
        let version = |one: &&crate::sla::policy::Commitment| {
            one.name == outcome.commitment
                && one.effective_from <= outcome.started
                && outcome.started < one.effective_until
        };
        let Some(commitment) = policy.commitments.iter().find(version) else { return };
        let end: Time = outcome.due.or(outcome.stopped).unwrap_or(outcome.started);
        if let Err(year) = commitment.calendar.covers(outcome.started, end) {
            *self.without_holidays.entry((commitment.calendar.name().to_owned(), year)).or_default() += 1;
        }
    }

    fn rank(&mut self, outcome: &Outcome) {
        if self.slowest.len() == SLOWEST && !worse(outcome, &self.slowest[SLOWEST - 1]) {
            return;
        }
        let at = self.slowest.partition_point(|known| worse(known, outcome));
        self.slowest.insert(at, outcome.clone());
        self.slowest.truncate(SLOWEST);
    }

    /// Adds what somebody else counted.
    pub fn merge(&mut self, other: Tally) {
        for (name, sums) in other.commitments {
            let mine = self.commitments.entry(name).or_default();
            mine.kept += sums.kept;
            mine.breached += sums.breached;
            mine.open += sums.open;
            mine.cancelled += sums.cancelled;
            mine.abandoned += sums.abandoned;
            mine.abandoned_short += sums.abandoned_short;
            mine.open_breached += sums.open_breached;
            mine.parked_clocks += sums.parked_clocks;
            mine.parked += sums.parked;
            mine.answered.merge(&sums.answered);
            mine.longest_ms = mine.longest_ms.max(sums.longest_ms);
        }
        other.slowest.iter().for_each(|outcome| self.rank(outcome));
        for (key, n) in other.without_holidays {
            *self.without_holidays.entry(key).or_default() += n;
        }
    }
}

/// Whether one broken promise used more time than another, in proportion to the goals; where there are none, or they
/// tie, in time alone; then by name, so that the list is the same whatever the order.
fn worse(one: &Outcome, other: &Outcome) -> bool {
    let ratio =
        |one: &Outcome| one.goal.map_or(0.0, |goal| one.elapsed.seconds() / goal.seconds().max(0.001));
    let by_ratio = ratio(one).total_cmp(&ratio(other));
    let names = |one: &Outcome| (one.subject.clone(), one.commitment.clone(), one.start_event.clone());
    by_ratio.then(one.elapsed.cmp(&other.elapsed)).then_with(|| names(other).cmp(&names(one))).is_gt()
}
