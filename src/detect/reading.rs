//! What was there, and what was to be expected? Questions about nodes, and about what two of them have in common.
//!
//! Ground rules: asked is one measure of a detector as it stands after a bucket was closed; counts are kept as far back
//! as [`Options::reach`], and a window that begins before is cut off there, on both sides of the comparison; a window
//! is made of whole buckets.

use std::collections::BTreeMap;

use super::baseline::{Known, Outlook};
use super::detector::Detector;
use super::node::{Node, Parents, Tallies, Track};
use super::series::Series;
use super::{Measure, Options};
use crate::time::{Span, Time};

/// A detector as it stands when the bucket that ends at `end` is closed.
pub struct View<'a> {
    detector: &'a Detector,
    end: Time,
    options: &'a Options,
    complaints: Parents,
    breaches: Parents,
}

impl<'a> View<'a> {
    pub(super) fn new(detector: &'a Detector, end: Time, options: &'a Options) -> View<'a> {
        let complaints = Parents::of(&detector.nodes, Measure::Complaints, options);
        let breaches = Parents::of(&detector.nodes, Measure::Breaches, options);
        View { detector, end, options, complaints, breaches }
    }

    /// What was observed and what was to be expected in a node from one instant up to another; `None` when there is
    /// no such node.
    pub fn compare(&self, series: &Series, measure: Measure, window: (Time, Time)) -> Option<(u64, f64)> {
        self.reading(measure).compare(series, self.kept(window))
    }

    /// The same of what two nodes have in common; `None` when that is nothing.
    pub fn common(
        &self,
        nodes: (&Series, &Series),
        measure: Measure,
        window: (Time, Time),
    ) -> Option<(u64, f64)> {
        self.reading(measure).common(nodes.0, nodes.1, self.kept(window))
    }

    /// The nodes below `series` in which something was counted lately.
    pub fn below<'b>(&'b self, series: &'b Series) -> impl Iterator<Item = &'b Series> {
        let counted = |node: &Node| !node.complaints.counts.is_empty() || !node.breaches.counts.is_empty();
        let nodes = self.detector.nodes.iter();
        let mine = nodes.filter(move |(other, node)| series.contains(other) && counted(node));
        mine.map(|(other, _)| other).filter(move |other| *other != series)
    }

    /// The nodes in which something goes on now.
    pub(super) fn signals(&self, measure: Measure) -> Vec<Series> {
        let mine = self.detector.active().filter(|signal| signal.measure == measure);
        mine.map(|signal| signal.series.clone()).collect()
    }

    /// The mean and variance of what a window, one bucket long, should hold.
    pub(super) fn outlook(
        &self,
        series: &Series,
        measure: Measure,
        window: (Time, Time),
    ) -> Option<(f64, f64)> {
        self.reading(measure).outlook(series, window).map(|outlook| (outlook.mean, outlook.variance))
    }

    /// The last closed buckets, oldest first, as far as counts are kept.
    pub(super) fn buckets(&self, most: usize) -> impl Iterator<Item = (Time, Time)> {
        let (bucket, (from, end)) = (self.options.bucket, self.window(most));
        let count = ((end - from).millis() / bucket.millis()).max(0);
        (0..count).map(move |n| {
            let start = from + Span::from_millis(n * bucket.millis());
            (start, start + bucket)
        })
    }

    /// From the first of the last `most` closed buckets to the end of the last.
    pub(super) fn window(&self, most: usize) -> (Time, Time) {
        let length = Span::from_millis(self.options.bucket.millis() * most as i64);
        self.kept((self.end - length, self.end))
    }

    fn kept(&self, (from, to): (Time, Time)) -> (Time, Time) {
        let bucket = self.options.bucket;
        (from.max(self.end - self.options.reach()).floor(bucket), to.floor(bucket))
    }

    fn reading(&self, measure: Measure) -> Reading<'_> {
        let parents = match measure {
            Measure::Complaints => &self.complaints,
            Measure::Breaches => &self.breaches,
        };
        Reading { detector: self.detector, measure, parents, options: self.options }
    }
}

/// One measure of a detector.
#[derive(Clone, Copy)]
pub(super) struct Reading<'a> {
    pub(super) detector: &'a Detector,
    pub(super) measure: Measure,
    pub(super) parents: &'a Parents,
    pub(super) options: &'a Options,
}

impl Reading<'_> {
    /// What was observed and expected in a node.
    pub(super) fn compare(&self, series: &Series, window: (Time, Time)) -> Option<(u64, f64)> {
        let track = self.detector.nodes.get(series)?.track(self.measure);
        Some(self.read(series, track, |known| track.compare(window, known)))
    }

    /// What was observed and expected in what two nodes have in common.
    ///
    /// That is a node only by luck; not every combination of values is kept. Where it is none, or one that does not
    /// count all of it, what is to be expected are the values' shares of everything, as if they were independent.
    pub(super) fn common(&self, a: &Series, b: &Series, window: (Time, Time)) -> Option<(u64, f64)> {
        let meet = a.meet(b)?;
        if meet == *a || meet == *b {
            return self.compare(&meet, window);
        }
        let seen = count(&self.detector.recent, &meet, self.measure, window);
        match self.compare(&meet, window) {
            Some((counted, mean)) if counted == seen => Some((seen, mean)),
            _ => {
                let nothing = Track::new(window.0, self.options);
                let (_, mean) = self.read(&meet, &nothing, |known| nothing.compare(window, known));
                Some((seen, mean))
            }
        }
    }

    /// What the buckets of a window, at most as long as the longest that is judged, should hold.
    pub(super) fn outlook(&self, series: &Series, (from, to): (Time, Time)) -> Option<Outlook> {
        let track = self.detector.nodes.get(series)?.track(self.measure);
        let windows = &self.options.windows;
        let length = ((to - from).millis() / self.options.bucket.millis()).max(1) as usize;
        let place = windows.iter().position(|width| *width as usize >= length);
        let place = place.unwrap_or(windows.len().saturating_sub(1));
        Some(self.read(series, track, |known| track.baseline.outlook(from, length, place, known)))
    }

    fn read<T>(&self, series: &Series, track: &Track, ask: impl FnOnce(&Known) -> T) -> T {
        let Reading { parents, options, .. } = *self;
        let shape = parents.shape(series, track);
        ask(&Known { shape: &shape, prior: parents.prior(series), fleet: &parents.fleet, options })
    }
}

fn count(
    recent: &BTreeMap<Time, Tallies>,
    series: &Series,
    measure: Measure,
    (from, to): (Time, Time),
) -> u64 {
    if from >= to {
        return 0;
    }
    let cells = recent.range(from..to).flat_map(|(_, tallies)| tallies);
    cells.filter(|(cell, _)| series.contains_cell(cell)).map(|(_, tally)| tally.get(measure)).sum()
}
