//! Where do test events come from? Partials made of events, and a small seeded source of chance.

use std::collections::BTreeMap;

use crate::aggregate::{Aggregate, Options};
use crate::alert::Change;
use crate::detect::stats;
use crate::time::{Span, Time};
use crate::window::{Cell, Counts, Partial, Stamp};

/// splitmix64 (Steele, Lea and Flood 2014).
pub struct Chance(pub u64);

impl Chance {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// Uniform in 0..1.
    pub fn share(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }

    pub fn below(&mut self, n: u64) -> u64 {
        self.next() % n
    }

    /// A Poisson count, by multiplication in steps that do not underflow.
    pub fn poisson(&mut self, mean: f64) -> u64 {
        let (mut left, mut count, mut product) = (mean, 0, 1.0);
        loop {
            product *= self.share();
            while product < 1.0 && left > 0.0 {
                let step = left.min(500.0);
                product *= step.exp();
                left -= step;
            }
            if product <= 1.0 {
                return count;
            }
            count += 1;
        }
    }

    /// A negative binomial count of this mean and variance/mean `phi`: Poisson clumps of logarithmic size.
    pub fn clumped(&mut self, mean: f64, phi: f64) -> u64 {
        if phi <= 1.0 {
            return self.poisson(mean);
        }
        let miss = 1.0 - 1.0 / phi;
        let clumps = self.poisson(mean * phi.ln() / (phi - 1.0));
        let size = |chance: &mut Chance| {
            // Inversion of the logarithmic law.
            let (mut left, mut k, mut term) = (chance.share(), 1_u64, miss / phi.ln());
            while left > term && k < 10_000 {
                left -= term;
                k += 1;
                term *= miss * (k as f64 - 1.0) / k as f64;
            }
            k
        };
        (0..clumps).map(|_| size(self)).sum()
    }
}

/// One thing that happened.
#[derive(Clone, Debug)]
pub struct Happening {
    pub at: Time,
    pub cell: Cell,
    pub complaint: bool,
    pub breach: bool,
    pub customer: Option<u64>,
    pub score: Option<f64>,
}

pub fn cell(product: &str, region: &str, channel: &str, category: &str) -> Cell {
    Cell {
        product: product.into(),
        region: region.into(),
        channel: channel.into(),
        category: category.into(),
    }
}

pub fn complaint(at: Time, cell: Cell) -> Happening {
    Happening { at, cell, complaint: true, breach: false, customer: None, score: None }
}

/// The partials of `logs` sources, each event going to `log(place)`; every source speaks every ten minutes, and the
/// clock is the instant of speaking. Ordered by clock, then source.
pub fn partials(happenings: &[Happening], logs: u32, log: impl Fn(usize) -> u32, end: Time) -> Vec<Partial> {
    let beat = Span::from_minutes(10);
    let Some(first) = happenings.first() else { return Vec::new() };
    let mut sums: BTreeMap<(u32, Time, Cell), Counts> = BTreeMap::new();
    let mut offsets = vec![0_u64; logs as usize];
    let (mut all, mut place) = (Vec::new(), 0);
    let mut now = first.at.floor(beat) + beat;
    while now <= end {
        let mut changed: Vec<(u32, Time, Cell)> = Vec::new();
        while let Some(event) = happenings.get(place).filter(|event| event.at < now) {
            let log = log(place);
            let key = (log, event.at.floor(Span::from_minutes(5)), event.cell.clone());
            let counts = sums.entry(key.clone()).or_default();
            counts.activity += 1;
            counts.complaints += u64::from(event.complaint);
            counts.breaches += u64::from(event.breach);
            event.customer.into_iter().for_each(|customer| counts.add_customer(customer));
            event.score.into_iter().for_each(|score| counts.add_score(score));
            changed.push(key);
            offsets[log as usize] += 1;
            place += 1;
        }
        changed.sort();
        changed.dedup();
        for log in 0..logs {
            let stamp = Stamp { next_offset: offsets[log as usize], clock: now };
            let mine = changed.iter().filter(|(of, ..)| *of == log);
            let panes = mine.map(|key| (key.1, key.2.clone(), sums[key].clone())).collect();
            all.push(Partial { log, stamp, more: false, panes, judged: Vec::new() });
        }
        now = now + beat;
    }
    all
}

/// Feeds partials and acknowledges every change, as the engine does.
pub fn feed(aggregate: &mut Aggregate, partials: impl IntoIterator<Item = Partial>) -> Vec<Change> {
    let mut said = Vec::new();
    for partial in partials {
        aggregate.apply(partial);
        let changes = aggregate.changes();
        aggregate.acknowledge(&changes);
        said.extend(changes);
    }
    said
}

/// A machine with the default options that was fed with these events by one source, and what it said when.
pub fn watch(happenings: &[Happening], end: Time) -> (Aggregate, Vec<(Time, Change)>) {
    let mut aggregate = <Aggregate>::new(Options::default(), 1);
    let mut said = Vec::new();
    for partial in partials(happenings, 1, |_| 0, end) {
        let changes = feed(&mut aggregate, [partial]);
        let now = aggregate.clock().unwrap_or(Time::MIN);
        said.extend(changes.into_iter().map(|change| (now, change)));
    }
    (aggregate, said)
}

#[test]
fn chance_has_the_moments_it_should() {
    let mut chance = Chance(7);
    for (mean, phi) in [(3.0, 1.0), (40.0, 1.0), (12.0, 3.0)] {
        let n = 20_000;
        let counts: Vec<f64> = (0..n).map(|_| chance.clumped(mean, phi) as f64).collect();
        let average = counts.iter().sum::<f64>() / f64::from(n);
        let variance = counts.iter().map(|c| (c - average).powi(2)).sum::<f64>() / f64::from(n);
        assert!((average / mean - 1.0).abs() < 0.03, "{mean} {phi}: mean {average}");
        assert!((variance / average / phi - 1.0).abs() < 0.08, "{mean} {phi}: variance {variance}");
    }
    assert!(stats::ln_gamma(1.0).abs() < 1e-12);
}
