//! What is kept of one node, and how is it read? Counts, baselines, and the parents they inherit from.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::baseline::{Baseline, Fleet, Known, Outlook, Shape, belief, z};
use super::score::Active;
use super::series::{Dimension, Series};
use super::{Measure, Options};
use crate::time::{Span, Time};
use crate::window::Cell;

/// What is counted in one bucket of one cell.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tally {
    /// Events of any kind.
    pub activity: u64,
    /// Complaints.
    pub complaints: u64,
    /// Broken promises.
    pub breaches: u64,
}

/// The cells of one bucket.
pub type Tallies = BTreeMap<Cell, Tally>;

/// One node of the roll-up.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Node {
    pub(super) complaints: Track,
    pub(super) breaches: Track,
}

/// One measure of one node.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Track {
    pub(super) baseline: Baseline,
    /// By bucket, without zeros.
    pub(super) counts: BTreeMap<Time, u64>,
    pub(super) active: Option<Active>,
    /// From when to when the last spike was; the next begins no sooner.
    pub(super) spiked: Option<(Time, Time)>,
}

/// Shapes and levels from which others inherit, of one measure.
pub(super) struct Parents {
    shapes: BTreeMap<Series, Shape>,
    levels: BTreeMap<Series, f64>,
    pub(super) fleet: Fleet,
}

/// How much a bucket within a spike that was found is believed, at most.
const IN_SPIKE: f64 = 0.1;

pub(super) const MEASURES: [Measure; 2] = [Measure::Complaints, Measure::Breaches];

impl Tally {
    /// Adds another's counts.
    pub fn add(&mut self, other: &Tally) {
        self.activity += other.activity;
        self.complaints += other.complaints;
        self.breaches += other.breaches;
    }

    pub(super) fn get(&self, measure: Measure) -> u64 {
        match measure {
            Measure::Complaints => self.complaints,
            Measure::Breaches => self.breaches,
        }
    }
}

impl Node {
    pub(super) fn new(since: Time, options: &Options) -> Node {
        let track = Track::new(since, options);
        Node { complaints: track.clone(), breaches: track }
    }

    pub(super) fn track(&self, measure: Measure) -> &Track {
        match measure {
            Measure::Complaints => &self.complaints,
            Measure::Breaches => &self.breaches,
        }
    }

    pub(super) fn track_mut(&mut self, measure: Measure) -> &mut Track {
        match measure {
            Measure::Complaints => &mut self.complaints,
            Measure::Breaches => &mut self.breaches,
        }
    }

    pub(super) fn is_silent(&self, since: Time) -> bool {
        // An untouched node is learned no further: that is how long it has been silent.
        let silent = |track: &Track| {
            track.counts.is_empty() && track.active.is_none() && track.baseline.learned_to < since
        };
        silent(&self.complaints) && silent(&self.breaches)
    }
}

impl Track {
    pub(super) fn new(since: Time, options: &Options) -> Track {
        let baseline = Baseline::new(since, options);
        Track { baseline, counts: BTreeMap::new(), active: None, spiked: None }
    }

    /// Whether a spike that goes on, or the last one, reaches into this window.
    fn is_in_spike(&self, from: Time, to: Time) -> bool {
        let active = self.active.as_ref().map(|active| (active.start, active.window_end));
        active.into_iter().chain(self.spiked).any(|(start, end)| from < end && start < to)
    }

    /// What was counted from `from` up to `to`.
    pub(super) fn count(&self, from: Time, to: Time) -> u64 {
        if from < to { self.counts.range(from..to).map(|(_, n)| n).sum() } else { 0 }
    }

    /// What was counted and what was to be expected in the buckets from `from` up to `to`.
    pub(super) fn compare(&self, (from, to): (Time, Time), known: &Known) -> (u64, f64) {
        let (mut expected, mut at) = (0.0, from);
        while at < to {
            expected += self.baseline.mean(at, known);
            at = at + known.options.bucket;
        }
        (self.count(from, to), expected)
    }

    /// Passes over the days before `limit` in which nothing was counted.
    pub(super) fn rest(&mut self, limit: Time, options: &Options) {
        const DAY: Span = Span::from_days(1);
        // The windows that are judged around a count, and the day it is in, are learned bucket by bucket.
        let first = self.counts.keys().next().map_or(limit, |at| *at - options.reach());
        let days = (first.min(limit) - self.baseline.learned_to).millis().div_euclid(DAY.millis());
        if days > 0 {
            self.baseline.rest(days, options);
        }
    }

    /// Learns the next bucket. How strange it is shows by itself and in the half day around it.
    pub(super) fn learn(&mut self, known: &Known) {
        let (options, at) = (known.options, self.baseline.learned_to);
        let half = (Span::from_hours(6).millis() / options.bucket.millis()).max(1);
        let around = Span::from_millis(half * options.bucket.millis());
        let mid = options.windows.len() / 2;
        let outlook = self.baseline.outlook(at - around, 2 * half as usize, mid, known);
        let z_around = z(self.count(at - around, at + around), &outlook);
        let outlook = self.baseline.outlook(at, 1, 0, known);
        let seen = self.count(at, at + options.bucket);
        let mut strangeness = belief(z_around.max(z(seen, &outlook)));
        let settled = self.active.as_ref().is_some_and(|active| at - active.start > options.settle);
        if settled || !self.baseline.is_learned(options) {
            // As long as next to nothing is known everything looks strange: it is how the level is learned at all.
            strangeness = 1.0;
        } else if self.is_in_spike(at, at + options.bucket) {
            strangeness = strangeness.min(IN_SPIKE);
        }
        // Ahead of what is learned, so that it is a forecast that is judged; the lag is what makes them complete.
        let window = |(i, length): (usize, &u32)| {
            let to = at + Span::from_millis(i64::from(*length) * options.bucket.millis());
            // How a spike strays says nothing of how the series does.
            let usual = settled || !self.is_in_spike(at, to);
            usual.then(|| (self.count(at, to), self.baseline.outlook(at, *length as usize, i, known)))
        };
        let windows: Vec<Option<(u64, Outlook)>> = options.windows.iter().enumerate().map(window).collect();
        self.baseline.learn(seen, strangeness, &windows, known);
    }
}

impl Parents {
    pub(super) fn of(nodes: &BTreeMap<Series, Node>, measure: Measure, options: &Options) -> Parents {
        let mut fleet = Fleet::new(options);
        // Everything is the sum of the others and would count twice; what was just begun says nothing yet.
        let judged = |(series, node): &(&Series, &Node)| {
            series.depth() > 0 && node.track(measure).baseline.is_learned(options)
        };
        for (_, node) in nodes.iter().filter(judged) {
            fleet.add(&node.track(measure).baseline);
        }
        let mut parents = Parents { shapes: BTreeMap::new(), levels: BTreeMap::new(), fleet };
        // Everything sorts first, and the margins of products inherit from nothing else.
        for (series, node) in nodes.iter().filter(|(series, _)| series.depth() < 2) {
            parents.refresh(series, node.track(measure));
        }
        parents
    }

    pub(super) fn refresh(&mut self, series: &Series, track: &Track) {
        if series.depth() > 1 {
            return;
        }
        let level = track.baseline.level(self.prior(series), &self.fleet);
        self.levels.insert(series.clone(), level);
        if series.is_parent() {
            let shape = self.shape(series, track);
            self.shapes.insert(series.clone(), shape);
        }
    }

    pub(super) fn shape(&self, series: &Series, track: &Track) -> Shape {
        let parent = series.parent().and_then(|parent| self.shapes.get(&parent));
        let flat = Shape::flat();
        let parent = if series.depth() == 0 { None } else { Some(parent.unwrap_or(&flat)) };
        track.baseline.shape(parent, &self.fleet)
    }

    /// The level to believe of a node of which little was seen: its shares of everything, as if they were
    /// independent.
    pub(super) fn prior(&self, series: &Series) -> f64 {
        let whole = self.levels.get(&Series::all()).copied().unwrap_or(1.0).max(1e-4);
        if series.depth() < 2 {
            // A margin that nothing is known of is a small one.
            return if series.depth() == 0 { 1.0 } else { whole * 0.05 };
        }
        let share = |(d, value): (Dimension, Arc<str>)| {
            let level = self.levels.get(&Series::margin(d, value));
            (level.copied().unwrap_or(whole * 0.05) / whole).clamp(1e-4, 1.0)
        };
        whole * series.fixed().map(share).product::<f64>()
    }
}
