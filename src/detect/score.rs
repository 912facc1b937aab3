//! Is this more than chance, is it more than what is known already, and is it over? The three judgements.
//!
//! Ground rules: a count must be unlikely *and* large enough *and* enough above what was expected; a series whose
//! excess lies within a spike that is already shown is no finding of its own, except a product, which always is;
//! entering takes much and leaving takes time, so that one spike is one signal.

use serde::{Deserialize, Serialize};

use super::baseline::{Known, Outlook};
use super::node::Track;
use super::reading::Reading;
use super::series::{Dimension, Series};
use super::{Options, Signal, stats};
use crate::time::{Span, Time};

/// A series that may have a spike.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Candidate {
    pub(super) series: Series,
    pub(super) start: Time,
    pub(super) observed: u64,
    pub(super) expected: f64,
    pub(super) p_value: f64,
}

/// A spike that goes on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Active {
    pub(super) start: Time,
    /// The end of its last bucket that was above what is ordinary, and what there was up to it.
    pub(super) window_end: Time,
    pub(super) observed: u64,
    pub(super) expected: f64,
    /// What there was since then.
    pending_observed: u64,
    pending_expected: f64,
    /// For how long the last window has been calm, and what there would have been in that time, had it gone on.
    calm: Span,
    calm_missed: f64,
}

/// Above this probability what is left of a count is explained by what is known already, and a window is calm.
const ORDINARY: f64 = 0.001;
const CALM: f64 = 0.05;

/// The strongest window of a node, if it can be a spike at all.
pub(super) fn candidate(series: &Series, track: &Track, end: Time, known: &Known) -> Option<Candidate> {
    let options = known.options;
    let floor = track.spiked.map_or(Time::MIN, |(_, end)| end).max(end - options.reach());
    let mut best: Option<(f64, f64)> = None;
    for (window, length) in options.windows.iter().enumerate() {
        let from = (end - buckets(i64::from(*length), options)).max(floor);
        let count = track.count(from, end);
        if count < options.count_min || from >= end {
            continue;
        }
        let length = (end - from).millis() / options.bucket.millis();
        let outlook = track.baseline.outlook(from, length as usize, window, known);
        let ratio = count as f64 / outlook.mean.max(1e-6);
        if ratio >= options.ratio_min {
            let p = stats::tail(count, outlook.mean, outlook.variance);
            best = best.filter(|(least, _)| *least <= p).or(Some((p, ratio)));
        }
    }
    let (least, ratio) = best?;
    // Bonferroni over the windows: they overlap, so this errs on the safe side.
    let p_value = (least * options.windows.len() as f64).min(1.0);
    let start = onset(track, (floor, end), ratio, known);
    let (observed, expected) = track.compare((start, end), known);
    Some(Candidate { series: series.clone(), start, observed, expected, p_value })
}

/// The bucket with which the rise most likely began, if its `ratio` is that of the strongest window: from there on the
/// likelihood of Poisson counts of `ratio` times the mean gains most over that of the mean. From there on there is at
/// least [`Options::ratio_min`] times the mean.
fn onset(track: &Track, (floor, end): (Time, Time), ratio: f64, known: &Known) -> Time {
    let options = known.options;
    // At this many times the mean both are equally likely.
    let even = ((ratio - 1.0) / ratio.ln()).max(options.ratio_min);
    let (mut best, mut sum, mut start) = (f64::NEG_INFINITY, 0.0, end - options.bucket);
    let mut at = end - options.bucket;
    for _ in 0..options.longest() {
        if at < floor {
            break;
        }
        let (seen, mean) = track.compare((at, at + options.bucket), known);
        sum += seen as f64 - even * mean;
        if sum > best {
            (best, start) = (sum, at);
        }
        at = at - options.bucket;
    }
    start
}

/// A new value as it would have been judged by the little that was there `before` (events a day).
pub(super) fn newcomer(
    series: &Series,
    track: &Track,
    (since, end): (Time, Time),
    before_per_day: f64,
    options: &Options,
) -> Option<Candidate> {
    let expected = |span: Span| before_per_day * (span.seconds() / Span::from_days(1).seconds());
    let judge = |length: &u32| {
        let span = buckets(i64::from(*length), options);
        let (count, mean) = (track.count(end - span, end), expected(span));
        // As uncertain as a rate can be: a gamma prior of shape one.
        let p = stats::tail(count, mean, mean * options.dispersion + mean * mean);
        (count >= options.count_min).then_some(p)
    };
    let least = options.windows.iter().filter_map(judge).min_by(f64::total_cmp)?;
    let p_value = (least * options.windows.len() as f64).min(1.0);
    let observed = track.count(since, end);
    let found = p_value <= options.false_discovery && observed >= options.count_min;
    let expected = expected(end - since);
    found.then(|| Candidate { series: series.clone(), start: since, observed, expected, p_value })
}

/// Those that are discoveries among `nodes`: margins and finer nodes are two families, each with its own rate, so that
/// the many fine ones do not cost the few that matter most their power.
pub(super) fn discoveries<'a>(
    candidates: Vec<Candidate>,
    nodes: impl Iterator<Item = &'a Series>,
    options: &Options,
) -> Vec<Candidate> {
    let is_fine = |series: &Series| series.depth() > 1;
    let (fine, broad): (Vec<&Series>, Vec<&Series>) = nodes.partition(|series| is_fine(series));
    let families =
        [(false, broad.len(), options.false_discovery), (true, fine.len(), options.false_discovery_fine)];
    let mut found = Vec::new();
    for (family, tests, rate) in families {
        let mine = || candidates.iter().filter(|candidate| is_fine(&candidate.series) == family);
        let p_values: Vec<f64> = mine().map(|candidate| candidate.p_value).collect();
        let limit = stats::discovery_limit(&p_values, tests, rate);
        found.extend(mine().filter(|candidate| candidate.p_value <= limit).cloned());
    }
    found
}

/// The order in which they are shown, so that a later one can be explained by an earlier one: products, other
/// margins, then what is finer; the least likely first.
pub(super) fn order(mut found: Vec<Candidate>) -> Vec<Candidate> {
    let rank = |series: &Series| match (series.depth(), series.product.is_some()) {
        (1, true) => 0,
        (0 | 1, _) => 1,
        _ => 2,
    };
    let before = |a: &Candidate, b: &Candidate| {
        rank(&a.series)
            .cmp(&rank(&b.series))
            .then(a.p_value.total_cmp(&b.p_value))
            .then_with(|| a.series.cmp(&b.series))
    };
    found.sort_by(before);
    found
}

/// Whether spikes that are shown already explain this one: it rises no more than a node that contains it, or nothing
/// remains of it without what it has in common with them.
pub(super) fn is_explained(reading: &Reading, candidate: &Candidate, end: Time) -> bool {
    let Candidate { series, start, observed, .. } = candidate;
    if series.depth() == 1 && series.product.is_some() {
        return false;
    }
    let window = (*start, end);
    let Some(outlook) = reading.outlook(series, window) else { return false };
    let mut shared = [0.0; 4];
    for other in reading.detector.spiking(reading.measure) {
        if other.contains(series) {
            let (seen, mean) = reading.compare(other, window).unwrap_or_default();
            let times = (seen as f64 / mean.max(0.1)).max(1.0);
            if is_usual(*observed, &outlook.times(times), reading.options) {
                return true;
            }
        } else if other.depth() == 1
            && let Some((seen, mean)) = reading.common(other, series, window)
        {
            // The values of one dimension have nothing in common, so what they explain may be added.
            let place = Dimension::ALL.iter().position(|d| other.get(*d).is_some()).unwrap_or(0);
            shared[place] += (seen as f64 - mean).max(0.0);
        }
    }
    let rest = |excess: &f64| (*observed as f64 - excess).max(0.0) as u64;
    let explains = |excess: &f64| *excess > 0.0 && is_usual(rest(excess), &outlook, reading.options);
    shared.iter().any(explains)
}

/// Whether nobody would call that a rise.
fn is_usual(count: u64, outlook: &Outlook, options: &Options) -> bool {
    let is_small = (count as f64) < options.ratio_min * outlook.mean;
    is_small || stats::tail(count, outlook.mean, outlook.variance) > ORDINARY
}

impl Active {
    pub(super) fn new(signal: &Signal) -> Active {
        Active {
            start: signal.window_start,
            window_end: signal.window_end,
            observed: signal.observed,
            expected: signal.expected,
            pending_observed: 0,
            pending_expected: 0.0,
            calm: Span::ZERO,
            calm_missed: 0.0,
        }
    }

    /// Takes the bucket that ends at `end`. Returns whether the spike is over.
    pub(super) fn step(&mut self, track: &Track, end: Time, known: &Known) -> bool {
        let options = known.options;
        let (seen, mean) = track.compare((end - options.bucket, end), known);
        self.calm += options.bucket;
        self.calm_missed += mean * self.observed as f64 / self.expected.max(0.01);
        self.pending_observed += seen;
        self.pending_expected += mean;
        if !is_calm(track, end, known) {
            self.calm = Span::ZERO;
            self.calm_missed = 0.0;
            // The window is not calm for as long as it is after the last bucket that was not.
            if seen as f64 > options.calm_ratio * mean {
                self.window_end = end;
                self.observed += std::mem::take(&mut self.pending_observed);
                self.expected += std::mem::take(&mut self.pending_expected);
            }
        }
        let enough = self.calm_missed >= options.calm_missed || self.calm >= Span::from_days(1);
        self.calm >= options.calm && enough
    }
}

/// Whether the last window but the longest is back near what is expected.
fn is_calm(track: &Track, end: Time, known: &Known) -> bool {
    let options = known.options;
    let place = options.windows.len().saturating_sub(2);
    let Some(length) = options.windows.get(place) else { return true };
    let from = end - buckets(i64::from(*length), options);
    let outlook = track.baseline.outlook(from, *length as usize, place, known);
    let seen = track.count(from, end);
    // A handful is unlikely where nothing is expected, and still is no spike.
    let back = (seen as f64) < options.calm_ratio * outlook.mean || seen < options.count_min.div_ceil(3);
    back || stats::tail(seen, outlook.mean, outlook.variance) > CALM
}

fn buckets(length: i64, options: &Options) -> Span {
    Span::from_millis(length * options.bucket.millis())
}

/// To two decimals, so that what is shown and stored does not hang on the last bit.
pub(super) fn hundredths(value: f64) -> f64 {
    (value * 100.0).round() / 100.0
}
