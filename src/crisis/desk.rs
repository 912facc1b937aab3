//! Which signals belong together, and what becomes of them? The crises that are open, and their one step.
//!
//! Ground rules: a signal belongs to one crisis for good; two signals belong together when one's node contains the
//! other's, when they are of one product, or when more than half of what one has too many lies in the other; crises
//! are never merged or split afterwards, because their identity was said already. What a crisis is about is the finest
//! node that explains all its signals: finer while more is seen, wider only when a signal joins. A step is a function
//! of the state, the active signals and what the witness says.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::grade::{assess, level};
use super::text::recovery;
use super::{Crisis, Evidence, Factors, Level, Options, Reason, Step};
use crate::detect::{Dimension, Finding, Measure, Series, Signal, SignalKey};
use crate::time::{Span, Time};
use crate::window::{Scores, UNKNOWN};

/// Who can say what happened in a series.
pub trait Witness {
    /// Observed and expected in a node from one instant up to another; `None` when it is not known.
    fn compare(&self, series: &Series, measure: Measure, window: (Time, Time)) -> Option<(u64, f64)>;
    /// The same of what two nodes have in common; `None` when that is nothing.
    fn common(&self, nodes: (&Series, &Series), measure: Measure, window: (Time, Time))
    -> Option<(u64, f64)>;
    /// The nodes within a node in which something was counted lately.
    fn below(&self, series: &Series) -> Vec<Series>;
    /// Who and what was touched within a node.
    fn facts(&self, series: &Series, window: (Time, Time)) -> Facts;
}

/// Who and what was touched.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Facts {
    /// Different customers; at least so many.
    pub customers: u64,
    /// Complaints and broken promises.
    pub cases: u64,
    /// The same by region.
    pub regions: BTreeMap<Arc<str>, u64>,
    /// The same by product.
    pub products: BTreeMap<Arc<str>, u64>,
    /// Satisfaction scores given.
    pub scores: Scores,
}

/// What a person decides about a crisis.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Grade {
    /// It has this level, whatever the factors say.
    Level(Level),
    /// The factors decide again.
    Withdrawn,
    /// It is over.
    Over,
}

/// The crises. Serialise it as the snapshot; its options are not part of it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Desk {
    cases: Vec<Case>,
}

/// One crisis and what is needed to go on with it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Case {
    /// The crisis as it is said.
    pub crisis: Crisis,
    /// The signals it gathered, in the order in which they joined.
    pub members: Vec<SignalKey>,
    /// Satisfaction before it began.
    scores_before: Scores,
    /// Since when the factors ask for less than the level, and the most they asked for since.
    lower: Option<Lower>,
    hand: Option<Level>,
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
struct Lower {
    since: Time,
    most: Option<Level>,
}

impl Desk {
    /// All crises opened and not yet forgotten, in the order in which they were opened.
    pub fn cases(&self) -> impl Iterator<Item = &Case> {
        self.cases.iter()
    }

    /// Whether a crisis goes on.
    pub fn is_open(&self) -> bool {
        self.cases.iter().any(|case| case.crisis.ended.is_none())
    }

    /// One step at `now` with the signals that are going on, in their order.
    pub fn step(&mut self, now: Time, active: &[&Signal], witness: &dyn Witness, options: &Options) {
        let spikes: Vec<&Signal> = active.iter().copied().filter(|s| s.finding == Finding::Spike).collect();
        let free: Vec<&Signal> = spikes.iter().copied().filter(|s| !self.has(&s.key())).collect();
        let mut alone = Vec::new();
        for signal in free {
            if !self.join(signal, &spikes, (now, witness, options)) {
                alone.push(signal);
            }
        }
        for group in groups(&alone, (now, witness, options)) {
            self.cases.extend(open(&group, (now, witness, options)));
        }
        for case in self.cases.iter_mut().filter(|case| case.crisis.ended.is_none()) {
            case.step(&spikes, (now, witness, options));
        }
        let keep = options.keep;
        self.cases.retain(|case| case.crisis.ended.is_none_or(|ended| now - ended < keep));
    }

    /// A person grades the crisis that was opened as this node and began then. Returns whether there is such a one, and
    /// it is open.
    pub fn grade(&mut self, series: &Series, began: Time, grade: Grade, now: Time) -> bool {
        let open = |case: &&mut Case| case.crisis.ended.is_none() && case.crisis.began == began;
        let Some(case) = self.cases.iter_mut().filter(open).find(|case| case.crisis.opened_as == *series)
        else {
            return false;
        };
        match grade {
            Grade::Level(level) => {
                case.hand = Some(level);
                case.turn(level, Reason::ByHand, now);
            }
            Grade::Withdrawn => {
                case.hand = None;
                case.lower = None;
                case.turn(case.crisis.level, Reason::HandWithdrawn, now);
            }
            Grade::Over => case.end(now),
        }
        true
    }

    fn has(&self, key: &SignalKey) -> bool {
        self.cases.iter().any(|case| case.members.contains(key))
    }

    /// Lets a signal join the oldest open crisis that it belongs to.
    fn join(&mut self, signal: &Signal, spikes: &[&Signal], sight: Sight) -> bool {
        let open = self.cases.iter_mut().filter(|case| case.crisis.ended.is_none());
        for case in open {
            let going_on = spikes.iter().filter(|spike| case.members.contains(&spike.key()));
            let mut kin = going_on.map(|spike| belong(spike, signal, sight));
            if case.crisis.series.is_kin(&signal.series) || kin.any(|yes| yes) {
                drop(kin);
                case.members.push(signal.key());
                case.crisis.signals += 1;
                if let Some(series) = explain(&case.members, (case.crisis.began, sight.0), sight) {
                    case.name(series, sight.1);
                }
                return true;
            }
        }
        false
    }
}

type Sight<'a> = (Time, &'a dyn Witness, &'a Options);

/// Whether two signals share a cause.
fn belong(a: &Signal, b: &Signal, sight: Sight) -> bool {
    let same_product = a.series.product.is_some() && a.series.product == b.series.product;
    let window = (a.window_start.max(b.window_start), sight.0);
    // More than half of one of them is the other's.
    let mostly = |signal: &Signal, node| {
        let (all, common) = excess(signal.measure, (&signal.series, node), window, sight);
        all > 0.0 && common > all / 2.0
    };
    same_product || a.series.is_kin(&b.series) || mostly(a, &b.series) || mostly(b, &a.series)
}

/// How many there are too many in a node, and in what it has in common with another.
fn excess(
    measure: Measure,
    (series, other): (&Series, &Series),
    window: (Time, Time),
    (_, witness, _): Sight,
) -> (f64, f64) {
    let above = |compared: Option<(u64, f64)>| compared.map_or(0.0, |(seen, mean)| seen as f64 - mean);
    let all = witness.compare(series, measure, window);
    (above(all), above(witness.common((series, other), measure, window)))
}

/// The signals in groups that belong together, in the order of their first.
fn groups<'a>(signals: &[&'a Signal], sight: Sight) -> Vec<Vec<&'a Signal>> {
    let mut groups: Vec<Vec<&Signal>> = Vec::new();
    for signal in signals {
        let (mut mine, mut rest) = (Vec::new(), Vec::new());
        for group in groups {
            if group.iter().any(|other| belong(other, signal, sight)) {
                mine.extend(group);
            } else {
                rest.push(group);
            }
        }
        mine.push(*signal);
        rest.push(mine);
        groups = rest;
    }
    groups
}

/// Opens a crisis for a group of signals, if they make one.
fn open(group: &[&Signal], (now, witness, options): Sight) -> Option<Case> {
    let began = group.iter().map(|signal| signal.window_start).min()?;
    let members: Vec<SignalKey> = group.iter().map(|signal| signal.key()).collect();
    let series = explain(&members, (began, now), (now, witness, options))?;
    let scores_before = scores_before(&series, began, witness);
    let evidence = gather(&series, began, &scores_before, (now, witness, options));
    let factors = assess(evidence, options);
    let level = level(&factors, options)?;
    let crisis = Crisis {
        opened_as: series.clone(),
        series,
        began,
        level,
        steps: vec![Step { at: now, level, reason: reached(&factors) }],
        factors,
        response: level.response(),
        signals: group.len() as u64,
        ended: None,
    };
    Some(Case { crisis, members, scores_before, lower: None, hand: None })
}

/// Satisfaction on the day before a crisis began.
fn scores_before(series: &Series, began: Time, witness: &dyn Witness) -> Scores {
    witness.facts(series, (began - Span::from_days(1), began)).scores
}

/// The most specific node that explains a group of signals: of each of them it holds most of the excess, and without it
/// nothing rises there. Where there is none, the broadest of them.
fn explain(group: &[SignalKey], window: (Time, Time), sight: Sight) -> Option<Series> {
    let own_excess =
        |member: &SignalKey| excess(member.measure, (&member.series, &member.series), window, sight).0;
    let broader = |a: &&SignalKey, b: &&SignalKey| {
        let depths = a.series.depth().cmp(&b.series.depth());
        depths.then_with(|| own_excess(b).total_cmp(&own_excess(a)))
    };
    let broadest = group.iter().min_by(broader)?;
    let mut nodes: BTreeSet<Series> = group.iter().map(|member| member.series.clone()).collect();
    for member in group {
        // The one check that costs little keeps nearly all of them from the dear ones.
        let below = sight.1.below(&member.series).into_iter();
        nodes.extend(below.filter(|node| holds(node, member, window, sight)));
    }
    let size = |node: &Series| excess(broadest.measure, (&broadest.series, node), window, sight).1;
    let explaining = nodes.into_iter().filter(|node| group.iter().all(|m| holds(node, m, window, sight)));
    let finest = explaining
        .max_by(|a, b| a.depth().cmp(&b.depth()).then_with(|| size(a).total_cmp(&size(b))).then(b.cmp(a)));
    Some(finest.unwrap_or_else(|| broadest.series.clone()))
}

/// Whether a node holds most of the excess of a signal, and what is left of that is not more than usual, or next to
/// nothing beside it.
fn holds(node: &Series, signal: &SignalKey, window: (Time, Time), (_, witness, options): Sight) -> bool {
    // The rest rises no more than this, or than chance lets it (two standard deviations of a Poisson's).
    const REST_RATIO: f64 = 1.25;
    // What holds that much is where it is, even if chance has a bad day elsewhere.
    const NEARLY_ALL: f64 = 0.85;
    let (all, expected) = witness.compare(&signal.series, signal.measure, window).unwrap_or_default();
    let common = witness.common((&signal.series, node), signal.measure, window).unwrap_or_default();
    let rest_expected = (expected - common.1).max(0.5);
    let rest = all as f64 - common.0 as f64;
    let (excess, common_excess) = (all as f64 - expected, common.0 as f64 - common.1);
    let is_usual = rest < REST_RATIO * rest_expected + 2.0 * rest_expected.sqrt();
    let needed = if is_usual { options.explained_share } else { options.explained_share.max(NEARLY_ALL) };
    common_excess >= needed * excess
}

/// The numbers a crisis is graded by.
fn gather(series: &Series, began: Time, before: &Scores, sight: Sight) -> Evidence {
    let (now, witness, options) = sight;
    let scope = (began.max(now - options.scope_window), now);
    let facts = witness.facts(series, scope);
    let harm = (began.max(now - options.harm_window), now);
    let compare = |measure| witness.compare(series, measure, harm).unwrap_or_default();
    let (complaints, complaints_expected) = compare(Measure::Complaints);
    let (breaches, breaches_expected) = compare(Measure::Breaches);
    let touched = |dimension, by: &BTreeMap<Arc<str>, u64>| {
        // Only few can pass the first test, so the dear second one is made seldom.
        let large = |n: u64| n > 0 && n as f64 >= options.touched_share * facts.cases as f64;
        let named = by.iter().filter(|(value, n)| &***value != UNKNOWN && large(**n));
        let nodes = named.map(|(value, _)| Series::margin(dimension, value.clone()));
        nodes.filter(|node| is_touched(node, series, scope, sight)).count() as u64
    };
    let hundredths = |value: f64| (value * 100.0).round() / 100.0;
    Evidence {
        customers: if facts.customers > 0 { facts.customers } else { facts.cases },
        customers_are_cases: facts.customers == 0,
        regions: touched(Dimension::Region, &facts.regions),
        products: touched(Dimension::Product, &facts.products),
        complaints,
        complaints_expected: hundredths(complaints_expected),
        breaches,
        breaches_expected: hundredths(breaches_expected),
        satisfaction_drop: hundredths(satisfaction_drop(before, &facts.scores, options.scale)),
        doubling_hours: hundredths(doubling_hours(series, began, sight)),
    }
}

/// Whether a region or product has its share of what there is too much of; that it always has some does not count.
fn is_touched(node: &Series, series: &Series, window: (Time, Time), sight: Sight) -> bool {
    [Measure::Complaints, Measure::Breaches].into_iter().any(|measure| {
        let (all, common) = excess(measure, (series, node), window, sight);
        all > 0.0 && common >= sight.2.touched_share * all
    })
}

/// By how many points of the index (0–100) satisfaction fell, if the difference of the means is beyond 1.96 standard
/// errors.
pub(super) fn satisfaction_drop(before: &Scores, now: &Scores, (worst, best): (f64, f64)) -> f64 {
    // Below this a normal interval is no interval.
    const SCORES_MIN: u64 = 10;
    if before.n < SCORES_MIN || now.n < SCORES_MIN || best <= worst {
        return 0.0;
    }
    let moments = |scores: &Scores| {
        let n = scores.n as f64;
        let mean = scores.sum_milli as f64 / n / 1e3;
        let variance = (scores.sum_squares_micro as f64 / n / 1e6 - mean * mean).max(0.0) * n / (n - 1.0);
        (mean, variance / n)
    };
    let ((was, was_error), (is, is_error)) = (moments(before), moments(now));
    if was - is <= 1.96 * (was_error + is_error).sqrt() {
        return 0.0;
    }
    (was - is) / (best - worst) * 100.0
}

/// In how many hours the ratio of observed to expected complaints doubles; 0 when it does not grow, or no more than
/// chance would have it (z < 3 on the logarithms, because it is looked at time and again).
///
/// Compared are the last window and the one before, both within the crisis: that it began at all is a step and no
/// growth, and would look like the fastest of all.
fn doubling_hours(series: &Series, began: Time, (now, witness, options): Sight) -> f64 {
    let harm_window_hours = (options.harm_window.seconds() / 3_600.0) as i64;
    let hours = (((now - began).seconds() / 7_200.0) as i64).min(harm_window_hours);
    let span = Span::from_hours(hours);
    let log_ratio = |to: Time| {
        let (observed, expected) = witness.compare(series, Measure::Complaints, (to - span, to))?;
        let observed = observed as f64 + 0.5;
        // Where nothing can be expected the window holds no bucket.
        (expected > 0.0).then(|| ((observed / (expected + 0.5)).ln(), 1.0 / observed))
    };
    let (Some((last, last_error)), Some((before, before_error))) = (log_ratio(now), log_ratio(now - span))
    else {
        return 0.0;
    };
    let growth = last - before;
    let grows = growth > 3.0 * (last_error + before_error).sqrt();
    if grows { hours as f64 * std::f64::consts::LN_2 / growth } else { 0.0 }
}

fn reached(factors: &Factors) -> Reason {
    Reason::Reached { scope: factors.scope.score, harm: factors.harm.score, urgency: factors.urgency.score }
}

impl Case {
    fn name(&mut self, series: Series, witness: &dyn Witness) {
        if series != self.crisis.series {
            self.scores_before = scores_before(&series, self.crisis.began, witness);
            self.crisis.series = series;
        }
    }

    fn step(&mut self, spikes: &[&Signal], (now, witness, options): Sight) {
        let going_on = spikes.iter().any(|spike| self.members.contains(&spike.key()));
        // In its first hour little shows where it is. Wider it becomes only when a signal joins, so the name settles.
        let window = (self.crisis.began, now);
        let finer = explain(&self.members, window, (now, witness, options)).filter(|_| going_on);
        if let Some(series) = finer.filter(|finer| finer.depth() > self.crisis.series.depth()) {
            self.name(series, witness);
        }
        let evidence =
            gather(&self.crisis.series, self.crisis.began, &self.scores_before, (now, witness, options));
        let factors = assess(evidence, options);
        // A crisis is at least primary as long as one of its signals goes on.
        let target = going_on.then(|| level(&factors, options).unwrap_or(Level::Primary));
        self.decide(target, &factors, now, options);
    }

    /// Up at once, down after the hold, over when there was nothing for the hold.
    fn decide(&mut self, target: Option<Level>, factors: &Factors, now: Time, options: &Options) {
        let level = self.crisis.level;
        if target == Some(level) || target > Some(level) && self.hand.is_some() {
            self.lower = None;
        } else if let Some(higher) = target.filter(|target| *target > level) {
            self.lower = None;
            self.crisis.factors = *factors;
            self.turn(higher, reached(factors), now);
        } else {
            let lower = self.lower.get_or_insert(Lower { since: now, most: target });
            lower.most = lower.most.max(target);
            let Lower { since, most } = *lower;
            if now - since < options.hold {
                return;
            }
            match (most, self.hand) {
                (None, _) => self.end(now),
                (Some(_), Some(_)) => {}
                (Some(less), None) => {
                    let hours = ((now - since).seconds() / 3_600.0) as u32;
                    self.crisis.factors = *factors;
                    self.turn(less, Reason::Calm { hours }, now);
                }
            }
            // A new hold begins: what goes on since may be lower still.
            self.lower = None;
        }
        if scores(&self.crisis.factors) != scores(factors) && target.is_some() {
            self.crisis.factors = *factors;
        }
    }

    fn turn(&mut self, level: Level, reason: Reason, now: Time) {
        self.crisis.level = level;
        self.crisis.response = level.response();
        self.crisis.steps.push(Step { at: now, level, reason });
    }

    fn end(&mut self, now: Time) {
        self.crisis.ended = Some(now);
        self.crisis.response = recovery();
    }
}

fn scores(factors: &Factors) -> [u8; 3] {
    [factors.scope.score, factors.harm.score, factors.urgency.score]
}
