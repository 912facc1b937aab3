//! What does a monitoring centre look at? Promises, alerts, crises, and what customers say.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::families::Families;
use super::totals::{Sums, Totals, VERDICTS};
use crate::alert::About;
use crate::crisis::{Crisis, Level};
use crate::detect::{Dimension, Finding, Measure, Series};
use crate::engine::picture::{AggregatePicture, DUE_MAX, DuePicture, LogPicture, Picture, Pictures};
use crate::names::metric::Metric;
use crate::sla::objective::Standing;
use crate::time::Span;

/// Within how long clocks are due that are counted.
const WITHIN: [(&str, Span); 4] = [
    ("15m", Span::from_minutes(15)),
    ("1h", Span::from_hours(1)),
    ("4h", Span::from_hours(4)),
    ("1d", Span::from_days(1)),
];

/// What stands for all values of a dimension.
const ALL: &str = "all";

pub(super) fn write(families: &mut Families, picture: &Picture, totals: &Totals, pictures: &dyn Pictures) {
    let allowed = pictures.labels();
    for (key, sums) in totals.sums() {
        write_sums(families, &key.commitment, &labels(allowed, &key.labels), sums);
    }
    // A commitment without a case is shown as well: what is not there cannot be seen to rise.
    for one in &picture.commitments {
        if totals.sums().all(|(key, _)| key.commitment != one.name) {
            write_sums(families, &one.name, &[], &Sums::default());
        }
    }
    write_due(families, picture);
    for ((kind, action), n) in pictures.said() {
        families.counter(Metric::AlertChanges, &[("kind", kind), ("action", action)], n as f64);
    }
    for (commitment, counts) in picture.shadow().into_iter().flat_map(|shadow| shadow.breaches) {
        for (policy, n) in [("both", counts.both), ("live", counts.live), ("shadow", counts.shadow)] {
            let labels = [("commitment", &*commitment), ("policy", policy)];
            families.gauge(Metric::ShadowBreaches, &labels, n as f64);
        }
    }
    if let Some(aggregate) = &picture.aggregate {
        write_objectives(families, aggregate);
        write_crises(families, aggregate, allowed);
        write_series(families, aggregate);
    }
}

/// The values of the allowed labels, named.
fn labels<'a>(allowed: &[Dimension], values: &'a [Arc<str>]) -> Vec<(&'static str, &'a str)> {
    allowed.iter().zip(values).map(|(dimension, value)| (dimension.name(), &**value)).collect()
}

fn write_sums(families: &mut Families, commitment: &str, labels: &[(&'static str, &str)], sums: &Sums) {
    let mut with: Vec<(&'static str, &str)> = vec![("commitment", commitment)];
    with.extend(labels);
    for (metric, n) in [
        (Metric::ClocksOpen, sums.now.open),
        (Metric::ClocksWarned, sums.now.warned),
        (Metric::ClocksOverdue, sums.now.overdue),
    ] {
        families.gauge(metric, &with, n as f64);
    }
    for (metric, n) in
        [Metric::ClocksKept, Metric::ClocksBreached, Metric::ClocksCancelled].into_iter().zip(sums.verdicts)
    {
        families.counter(metric, &with, n as f64);
    }
    for (verdict, n) in VERDICTS.into_iter().zip(sums.taken_back) {
        let mut with = with.clone();
        with.insert(1, ("verdict", verdict));
        families.counter(Metric::ClocksTakenBack, &with, n as f64);
    }
}

/// How long the clocks nearest to due have, and how long the latest is over.
fn write_due(families: &mut Families, picture: &Picture) {
    let mut by_commitment: BTreeMap<&str, Vec<&DuePicture>> = BTreeMap::new();
    for due in picture.logs.iter().flat_map(|log| &log.due) {
        by_commitment.entry(&due.commitment).or_default().push(due);
    }
    for one in &picture.commitments {
        let listed = by_commitment.get(&*one.name).map_or(&[][..], Vec::as_slice);
        let labels = [("commitment", &*one.name)];
        let left = |due: &&DuePicture| (due.due - picture.at).seconds();
        let running = || listed.iter().copied().filter(|due| !due.breached);
        if let Some(least) = running().map(|due| left(&due)).min_by(f64::total_cmp) {
            families.gauge(Metric::ClocksTimeLeft, &labels, least.max(0.0));
        }
        let broken = listed.iter().copied().filter(|due| due.breached);
        if let Some(least) = broken.map(|due| left(&due)).min_by(f64::total_cmp) {
            families.gauge(Metric::ClocksTimeOver, &labels, (-least).max(0.0));
        }
        for (within, span) in WITHIN {
            if picture.logs.iter().all(|log| lists_all(log, picture.at + span)) {
                let n = running().filter(|due| due.due <= picture.at + span).count();
                families.gauge(Metric::ClocksDueWithin, &[labels[0], ("within", within)], n as f64);
            }
        }
    }
}

/// Whether a log lists every clock that is due before an instant: a full list does so only if it goes further.
fn lists_all(log: &LogPicture, until: crate::time::Time) -> bool {
    let last = || log.due.iter().filter(|due| !due.breached).map(|due| due.due).max();
    log.due.len() < DUE_MAX || last().is_some_and(|last| last > until)
}

fn write_objectives(families: &mut Families, aggregate: &AggregatePicture) {
    for one in &aggregate.objectives {
        let label = ("objective", &*one.name);
        families.gauge(Metric::ObjectiveTarget, &[label], one.target);
        families.gauge(Metric::ObjectiveCases, &[label], one.n as f64);
        for standing in Standing::ALL {
            let labels = [label, ("standing", standing.name())];
            families.gauge(Metric::ObjectiveStanding, &labels, f64::from(u8::from(one.standing == standing)));
        }
        if let (Some(share), Some((low, high))) = (one.share, one.share_interval) {
            families.gauge(Metric::ObjectiveShare, &[label], share);
            families.gauge(Metric::ObjectiveLow, &[label], low);
            families.gauge(Metric::ObjectiveHigh, &[label], high);
        }
    }
}

fn level_name(level: Level) -> &'static str {
    match level {
        Level::Primary => "primary",
        Level::Intermediate => "intermediate",
        Level::Advanced => "advanced",
    }
}

fn write_crises(families: &mut Families, aggregate: &AggregatePicture, allowed: &[Dimension]) {
    let open: Vec<&Crisis> = aggregate
        .crises
        .iter()
        .filter_map(|alert| match &alert.about {
            About::Crisis(crisis) if crisis.ended.is_none() => Some(&**crisis),
            _ => None,
        })
        .collect();
    for level in [Level::Primary, Level::Intermediate, Level::Advanced] {
        let n = open.iter().filter(|crisis| crisis.level == level).count();
        families.gauge(Metric::CrisesOpen, &[("level", level_name(level))], n as f64);
    }
    let value = |series: &Series, dimension: Dimension| {
        series.get(dimension).map_or_else(|| ALL.to_owned(), |value| value.to_string())
    };
    let mut gravest: BTreeMap<Vec<String>, u8> = BTreeMap::new();
    if allowed.is_empty() {
        gravest.insert(Vec::new(), 0);
    }
    for crisis in open {
        let values = allowed.iter().map(|dimension| value(&crisis.series, *dimension)).collect();
        let known = gravest.entry(values).or_default();
        *known = (*known).max(crisis.level as u8 + 1);
    }
    for (values, level) in &gravest {
        let labels: Vec<(&'static str, &str)> =
            allowed.iter().zip(values).map(|(dimension, value)| (dimension.name(), &**value)).collect();
        families.gauge(Metric::CrisisLevel, &labels, f64::from(*level));
    }
}

fn measure_name(measure: Measure) -> &'static str {
    match measure {
        Measure::Complaints => "complaints",
        Measure::Breaches => "breaches",
    }
}

fn write_series(families: &mut Families, aggregate: &AggregatePicture) {
    for measure in [Measure::Complaints, Measure::Breaches] {
        for (finding, name) in [(Finding::Spike, "spike"), (Finding::NewSeries, "new_series")] {
            let is = |signal: &&crate::detect::Signal| signal.measure == measure && signal.finding == finding;
            let n = aggregate.signals.iter().filter(is).count();
            let labels = [("measure", measure_name(measure)), ("finding", name)];
            families.gauge(Metric::SignalsOpen, &labels, n as f64);
        }
    }
    for everything in aggregate.series.iter().filter(|series| series.series == Series::all()) {
        let Some(last) = everything.points.last() else { continue };
        let labels = [("measure", measure_name(everything.measure))];
        families.gauge(Metric::SeriesObserved, &labels, last.observed as f64);
        families.gauge(Metric::SeriesExpected, &labels, last.expected);
        families.gauge(Metric::SeriesHigh, &labels, last.high);
    }
    let everything = aggregate.satisfaction.iter().find(|one| one.series == Series::all());
    // A scale that goes below 0 has a sum that falls, and so no counter.
    if let Some(scores) = everything.map(|one| one.scores).filter(|scores| scores.sum_milli >= 0) {
        families.counter(Metric::SatisfactionAnswers, &[], scores.n as f64);
        families.counter(Metric::SatisfactionPoints, &[], scores.sum_milli as f64 / 1_000.0);
    }
}
