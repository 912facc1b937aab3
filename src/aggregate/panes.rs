//! What was counted when, by whom? The merged panes, and what the detector and the crises read from them.
//!
//! Ground rules: of each source the value with the largest stamp counts; panes are kept as far back as the detector
//! reaches; what comes for an older one is dropped and counted.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::Options;
use crate::crisis::{Facts, Witness};
use crate::detect::{Dimension, Measure, Series, Tallies, Tally, View};
use crate::time::{Span, Time};
use crate::window::{Cell, Counts, Merged, Merging, Partial, Scores};

/// The panes still kept.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Panes {
    panes: BTreeMap<Time, BTreeMap<Cell, Merged<Counts>>>,
    /// Buckets whose counts changed since the detector saw them.
    changed: BTreeSet<Time>,
    /// Scores of the panes that are no longer kept.
    scores: BTreeMap<Series, Scores>,
    /// Values that came for a pane no longer kept.
    pub(super) too_late: u64,
}

impl Panes {
    /// Merges what a source says; what is before the horizon is too late.
    pub(super) fn take<M: Merging>(&mut self, partial: Partial, horizon: Time, options: &Options) {
        for (at, cell, counts) in partial.panes {
            if at < horizon {
                self.too_late += 1;
                continue;
            }
            let at = at.floor(options.pane);
            let merged = self.panes.entry(at).or_default().entry(cell).or_default();
            if merged.take::<M>(partial.log, partial.stamp, counts) {
                self.changed.insert(at.floor(options.detect.bucket));
            }
        }
    }

    /// The counts of the buckets before `end` that changed, and in any case of the one that ends there.
    pub(super) fn changed(&mut self, end: Time, bucket: Span) -> Vec<(Time, Tallies)> {
        let later = self.changed.split_off(&end);
        let mut changed = std::mem::replace(&mut self.changed, later);
        changed.insert(end - bucket);
        changed.into_iter().map(|at| (at, self.tallies(at, bucket))).collect()
    }

    fn tallies(&self, at: Time, bucket: Span) -> Tallies {
        let mut tallies = Tallies::new();
        for (cell, merged) in self.panes.range(at..at + bucket).flat_map(|(_, cells)| cells) {
            let Counts { activity, complaints, breaches, .. } = merged.total();
            tallies.entry(cell.clone()).or_default().add(&Tally { activity, complaints, breaches });
        }
        tallies
    }

    /// Drops the panes before the horizon; their scores stay counted.
    pub(super) fn forget(&mut self, horizon: Time) {
        let kept = self.panes.split_off(&horizon);
        for (_, cells) in std::mem::replace(&mut self.panes, kept) {
            add_scores(&mut self.scores, &cells);
        }
    }

    pub(super) fn satisfaction(&self) -> BTreeMap<Series, Scores> {
        let mut scores = self.scores.clone();
        for cells in self.panes.values() {
            add_scores(&mut scores, cells);
        }
        scores
    }
}

fn add_scores(sums: &mut BTreeMap<Series, Scores>, cells: &BTreeMap<Cell, Merged<Counts>>) {
    for (cell, merged) in cells {
        let scores = merged.total().scores;
        if scores.n == 0 {
            continue;
        }
        let product = Series::of(cell).product.map(|product| Series::margin(Dimension::Product, product));
        for series in product.into_iter().chain([Series::all()]) {
            add(sums.entry(series).or_default(), &scores);
        }
    }
}

fn add(sum: &mut Scores, scores: &Scores) {
    sum.n += scores.n;
    sum.sum_milli += scores.sum_milli;
    sum.sum_squares_micro += scores.sum_squares_micro;
}

/// What the crises may look at.
pub(super) struct Sight<'a> {
    pub(super) panes: &'a Panes,
    pub(super) view: View<'a>,
}

impl Witness for Sight<'_> {
    fn compare(&self, series: &Series, measure: Measure, window: (Time, Time)) -> Option<(u64, f64)> {
        self.view.compare(series, measure, window)
    }

    fn common(
        &self,
        nodes: (&Series, &Series),
        measure: Measure,
        window: (Time, Time),
    ) -> Option<(u64, f64)> {
        self.view.common(nodes, measure, window)
    }

    fn below(&self, series: &Series) -> Vec<Series> {
        self.view.below(series).cloned().collect()
    }

    fn facts(&self, series: &Series, (from, to): (Time, Time)) -> Facts {
        let mut facts = Facts::default();
        let mut customers = BTreeSet::new();
        if from >= to {
            return facts;
        }
        for (cell, merged) in self.panes.panes.range(from..to).flat_map(|(_, cells)| cells) {
            if !series.contains_cell(cell) {
                continue;
            }
            let counts = merged.total();
            let cases = counts.complaints + counts.breaches;
            facts.cases += cases;
            *facts.regions.entry(cell.region.clone()).or_default() += cases;
            *facts.products.entry(cell.product.clone()).or_default() += cases;
            add(&mut facts.scores, &counts.scores);
            customers.extend(counts.customers);
        }
        facts.customers = customers.len() as u64;
        facts
    }
}
