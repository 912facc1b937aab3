//! Which series are there, and what happens when a bucket closes? The roll-up tree and its one step.
//!
//! Ground rules: a step is a function of the state and the cells of the closed bucket; a node in which nothing was
//! counted within [`Options::reach`] is not looked at and catches up when it is touched again; which nodes a cell
//! counts in while one of its values is new is said in `lives`.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::baseline::{Baseline, Known};
use super::lives::{Key, Lives, Turns};
use super::node::{MEASURES, Node, Parents, Tallies, Tally, Track};
use super::reading::{Reading, View};
use super::score::{self, Active, Candidate};
use super::series::Series;
use super::{Finding, Measure, Options, Signal, SignalKey};
use crate::time::{Span, Time};

/// All series and what was found in them. Serialise it as the snapshot; its options are not part of it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Detector {
    lives: Lives,
    /// The cells of the buckets within reach.
    pub(super) recent: BTreeMap<Time, Tallies>,
    /// Buckets whose counts changed since they were rolled up.
    dirty: BTreeSet<Time>,
    pub(super) nodes: BTreeMap<Series, Node>,
    signals: BTreeMap<SignalKey, Signal>,
}

impl Detector {
    /// Sets what was counted in the bucket that starts at `at`, closed or about to be; replaces what was set before.
    pub fn count(&mut self, at: Time, tallies: Tallies) {
        self.recent.insert(at, tallies);
        self.dirty.insert(at);
    }

    /// Closes the bucket that ends at `end`: learns, judges, raises and ends signals. Buckets are closed in order,
    /// none left out.
    pub fn close(&mut self, end: Time, options: &Options) {
        let at = end - options.bucket;
        let turns = self.lives.step(at, self.recent.get(&at), options);
        self.turn(&turns, at, options);
        self.roll_up(options);
        for measure in MEASURES {
            let parents = self.learn(end - options.lag, measure, options);
            self.calm_down(end, measure, &parents, options);
            self.raise(end, measure, &parents, options);
        }
        self.welcome(end, options);
        self.forget(end, options);
    }

    /// All signals raised and not yet forgotten, by when they began.
    pub fn signals(&self) -> impl Iterator<Item = &Signal> {
        self.signals.values()
    }

    /// The signals that are going on.
    pub fn active(&self) -> impl Iterator<Item = &Signal> {
        self.signals.values().filter(|signal| signal.ended.is_none())
    }

    /// The detector as it stands when the bucket that ends at `end` is closed, for questions about single nodes.
    pub fn view<'a>(&'a self, end: Time, options: &'a Options) -> View<'a> {
        View::new(self, end, options)
    }

    /// The nodes that have a spike now.
    pub(super) fn spiking(&self, measure: Measure) -> impl Iterator<Item = &Series> {
        let nodes = self.nodes.iter().filter(move |(_, node)| node.track(measure).active.is_some());
        nodes.map(|(series, _)| series)
    }

    /// Does what follows when values appear, settle or are gone.
    fn turn(&mut self, turns: &Turns, at: Time, options: &Options) {
        for margin in &turns.restarted {
            for (_, node) in self.nodes.iter_mut().filter(|(other, _)| margin.contains(other)) {
                node.complaints.baseline = Baseline::new(at, options);
                node.breaches.baseline = Baseline::new(at, options);
            }
        }
        if !turns.settled.is_empty() {
            self.graft(&turns.settled);
        }
        if turns.moved {
            self.dirty.extend(self.recent.keys());
        }
    }

    /// These values are not new any more, and their cells count in more nodes from now on: raises the levels there by
    /// what they have lately brought.
    fn graft(&mut self, settled: &BTreeSet<Key>) {
        let mut brought: BTreeMap<Series, Tally> = BTreeMap::new();
        for (cell, tally) in self.recent.values().flatten() {
            let before: Vec<Series> = self.lives.lineage(cell, settled).collect();
            let now = self.lives.lineage(cell, &BTreeSet::new());
            for series in now.filter(|series| !before.contains(series)) {
                brought.entry(series).or_default().add(tally);
            }
        }
        let buckets = self.recent.len().max(1) as f64;
        for (series, tally) in &brought {
            let Some(node) = self.nodes.get_mut(series) else { continue };
            for measure in MEASURES {
                node.track_mut(measure).baseline.graft(tally.get(measure) as f64 / buckets);
            }
        }
    }

    /// Brings the counts of the nodes up to date with the cells of the changed buckets.
    fn roll_up(&mut self, options: &Options) {
        for at in std::mem::take(&mut self.dirty) {
            let mut sums: BTreeMap<Series, Tally> = BTreeMap::new();
            for (cell, tally) in self.recent.get(&at).into_iter().flatten() {
                for series in self.lives.lineage(cell, &BTreeSet::new()) {
                    sums.entry(series).or_default().add(tally);
                }
            }
            for node in self.nodes.values_mut() {
                node.complaints.counts.remove(&at);
                node.breaches.counts.remove(&at);
            }
            for (series, tally) in sums {
                if series.depth() > 1
                    && self.nodes.len() >= options.nodes_max
                    && !self.nodes.contains_key(&series)
                {
                    continue;
                }
                let since = self.lives.since(&series).unwrap_or(at);
                let node = self.nodes.entry(series).or_insert_with(|| Node::new(since, options));
                for measure in MEASURES {
                    if tally.get(measure) > 0 {
                        node.track_mut(measure).counts.insert(at, tally.get(measure));
                    }
                }
            }
        }
    }

    /// Learns the buckets that end at or before `limit`. Parents come first: in the order of the nodes everything is
    /// the first of all, and a product the first of what fixes it.
    fn learn(&mut self, limit: Time, measure: Measure, options: &Options) -> Parents {
        let mut parents = Parents::of(&self.nodes, measure, options);
        for (series, node) in &mut self.nodes {
            let track = node.track_mut(measure);
            if track.counts.is_empty() && !series.is_parent() {
                continue;
            }
            let prior = parents.prior(series);
            track.rest(limit, options);
            while track.baseline.learned_to + options.bucket <= limit {
                let shape = parents.shape(series, track);
                track.learn(&Known { shape: &shape, prior, fleet: &parents.fleet, options });
            }
            parents.refresh(series, track);
        }
        parents
    }

    fn raise(&mut self, end: Time, measure: Measure, parents: &Parents, options: &Options) {
        let longest = Span::from_millis(options.bucket.millis() * options.longest() as i64);
        let mut candidates: Vec<Candidate> = Vec::new();
        for (series, node) in &self.nodes {
            let track = node.track(measure);
            // In this order: most nodes have too few to be judged at all.
            if track.count(end - longest, end) < options.count_min || !self.can_spike(series, track, options)
            {
                continue;
            }
            let shape = parents.shape(series, track);
            let known = Known { shape: &shape, prior: parents.prior(series), fleet: &parents.fleet, options };
            candidates.extend(score::candidate(series, track, end, &known));
        }
        // Among all that there are, also those that cannot be judged yet: otherwise the first is judged alone.
        let found = score::discoveries(candidates, self.nodes.keys(), options);
        for candidate in score::order(found) {
            let reading = Reading { detector: self, measure, parents, options };
            if !score::is_explained(&reading, &candidate, end) {
                self.open(&candidate, measure, Finding::Spike, end);
            }
        }
    }

    fn can_spike(&self, series: &Series, track: &Track, options: &Options) -> bool {
        track.active.is_none() && track.baseline.is_learned(options) && !self.lives.fixes_new(series)
    }

    /// Opens a signal. `window_end` is the end of the bucket that raised it.
    fn open(&mut self, found: &Candidate, measure: Measure, finding: Finding, window_end: Time) {
        let signal = Signal {
            series: found.series.clone(),
            measure,
            finding,
            window_start: found.start,
            window_end,
            observed: found.observed,
            expected: score::hundredths(found.expected),
            p_value: super::stats::significant(found.p_value, 3),
            ended: None,
        };
        let key = signal.key();
        if let Some(node) = self.nodes.get_mut(&found.series)
            && finding == Finding::Spike
        {
            node.track_mut(measure).active = Some(Active::new(&signal));
        }
        self.signals.insert(key, signal);
    }

    /// Ends the spikes that have been calm for long enough.
    fn calm_down(&mut self, end: Time, measure: Measure, parents: &Parents, options: &Options) {
        for (series, node) in &mut self.nodes {
            let Some(mut active) = node.track(measure).active.clone() else { continue };
            let shape = parents.shape(series, node.track(measure));
            let known = Known { shape: &shape, prior: parents.prior(series), fleet: &parents.fleet, options };
            let track = node.track_mut(measure);
            let over = active.step(track, end, &known);
            track.active = Some(active.clone());
            if !over {
                continue;
            }
            track.active = None;
            track.spiked = Some((active.start, active.window_end));
            let key = SignalKey {
                window_start: active.start,
                series: series.clone(),
                measure,
                finding: Finding::Spike,
            };
            if let Some(signal) = self.signals.get_mut(&key) {
                signal.window_end = active.window_end;
                signal.observed = active.observed;
                signal.expected = score::hundredths(active.expected);
                signal.ended = Some(end);
            }
        }
    }

    /// Shows new values at the moment at which they would have been spikes, and ends that when they have settled.
    fn welcome(&mut self, end: Time, options: &Options) {
        let Detector { lives, signals, nodes, .. } = self;
        let ongoing = signals.values_mut().filter(|signal| signal.ended.is_none());
        for signal in ongoing.filter(|signal| signal.finding == Finding::NewSeries) {
            if !lives.fixes_new(&signal.series) {
                signal.ended = Some(end);
            }
        }
        let measure = Measure::Complaints;
        let mut found = Vec::new();
        for (series, since, before_per_day) in lives.newcomers() {
            let finding = Finding::NewSeries;
            let key = SignalKey { window_start: since, series, measure, finding };
            if signals.contains_key(&key) {
                continue;
            }
            let Some(node) = nodes.get(&key.series) else { continue };
            let track = node.track(measure);
            found.extend(score::newcomer(&key.series, track, (since, end), before_per_day, options));
        }
        for candidate in found {
            self.open(&candidate, measure, Finding::NewSeries, end);
        }
    }

    fn forget(&mut self, end: Time, options: &Options) {
        let horizon = end - options.reach();
        self.recent = self.recent.split_off(&horizon);
        for node in self.nodes.values_mut() {
            for measure in MEASURES {
                let counts = &mut node.track_mut(measure).counts;
                while counts.first_key_value().is_some_and(|(at, _)| *at < horizon) {
                    counts.pop_first();
                }
            }
        }
        // What was silent for so long is as good as never seen: when it comes again it is new.
        let silent = end - Span::from_millis(options.profile_memory.millis() * 3);
        let gone = self.lives.forget(silent);
        self.nodes.retain(|series, node| {
            let is_kept = series.is_parent() || !node.is_silent(silent);
            is_kept && !gone.iter().any(|margin| margin.contains(series))
        });
        let keep = options.keep;
        self.signals.retain(|_, signal| signal.ended.is_none_or(|ended| end - ended < keep));
    }
}
