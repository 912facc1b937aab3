//! Does a bad batch become one crisis with the right name, and a quiet desk none? Many seeds of the generated desk.

use std::io::Write;

use watchbell::app::report::Report;
use watchbell::crisis::{Crisis, Level};
use watchbell::detect::Signal;
use watchbell::source::desk;
use watchbell::time::Time;

use super::judged::{Options, judge, sample};

/// What a desk of eight days comes to, with or without the bad batch of its sixth day.
fn desk(seed: u64, incident: bool) -> Report {
    let start = Time::parse("2025-09-15T00:00:00+08:00").expect("an instant");
    let options = desk::Options { seed, start, days: 8, per_hour: 20.0, incident, rise_hours: 0 };
    let mut file = tempfile::Builder::new().suffix(".ndjson").tempfile().expect("a file");
    for event in desk::events(&options) {
        writeln!(file, "{}", desk::json(&event)).expect("writable");
    }
    judge(&[file.path()], &Options::default()).report
}

fn said(report: &Report) -> String {
    let signals = report.signals.iter().map(|signal| signal.summary().en);
    signals.chain(report.crises.iter().map(|crisis| crisis.summary().en)).collect::<Vec<_>>().join("\n")
}

fn names(crisis: &Crisis, (product, region): (&str, &str)) -> bool {
    let series = &crisis.series;
    series.product.as_deref() == Some(product) && series.region.as_deref() == Some(region)
}

/// Whether there is one crisis, of this product and region, that was more than primary and is over.
fn is_right(report: &Report, place: (&str, &str)) -> bool {
    let [crisis] = &report.crises[..] else { return false };
    let grave = crisis.steps.iter().any(|step| step.level >= Level::Intermediate);
    names(crisis, place) && grave && crisis.ended.is_some()
}

const SEEDS: std::ops::Range<u64> = 100..120;

#[test]
fn a_bad_batch_is_one_crisis_with_its_name() {
    let wrong: Vec<String> = SEEDS
        .map(|seed| (seed, desk(seed, true)))
        .filter(|(seed, report)| !is_right(report, desk::incident_of(*seed)))
        .map(|(seed, report)| format!("seed {seed}, {:?}:\n{}", desk::incident_of(seed), said(&report)))
        .collect();
    assert!(wrong.len() <= 1, "{} of {SEEDS:?}:\n{}", wrong.len(), wrong.join("\n\n"));
}

#[test]
fn a_quiet_desk_has_no_crisis() {
    let (mut signals, mut wrong) = (0, Vec::new());
    for seed in SEEDS {
        let report = desk(seed, false);
        signals += report.signals.len();
        if !report.crises.is_empty() {
            wrong.push(format!("seed {seed}:\n{}", said(&report)));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
    assert!(signals <= 1, "{signals} spikes where nothing happened");
}

#[test]
fn the_sample_shows_its_crisis() {
    let report = judge(&[&sample()], &Options::default()).report;
    let place = desk::incident_of(3);
    let of_product =
        |signal: &Signal| signal.series.depth() == 1 && signal.series.product.as_deref() == Some(place.0);
    assert!(report.signals.iter().any(of_product), "{}", said(&report));
    assert!(is_right(&report, place), "{}", said(&report));
    let levels: Vec<Level> = report.crises[0].steps.iter().map(|step| step.level).collect();
    assert!([Level::Primary, Level::Intermediate].iter().all(|level| levels.contains(level)), "{levels:?}");
}
