//! Does the demonstration show what it promises, and does a replay of it agree? The binary, as a viewer starts it.
//!
//! One desk here; `WATCHBELL_DEMO_SEEDS` asks for more of them.

use std::path::Path;
use std::process::Command;

use serde_json::Value;
use watchbell::app::report::Report;
use watchbell::source::desk;

use super::judged::{Options, judge};

fn seeds() -> std::ops::Range<u64> {
    let count = std::env::var("WATCHBELL_DEMO_SEEDS").ok().and_then(|text| text.parse().ok()).unwrap_or(1);
    3..3 + count
}

/// The summary of a demonstration of 20 s.
fn demo(seed: u64, record: &Path, incident: bool) -> Value {
    let mut command = Command::new(env!("CARGO_BIN_EXE_watchbell"));
    command.args(["demo", "--for", "20s", "--json", "--listen", "127.0.0.1:0", "--log-level", "warn"]);
    command.args(["--seed", &seed.to_string(), "--record"]).arg(record);
    if !incident {
        command.arg("--no-incident");
    }
    let output = command.output().expect("it can be started");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "seed {seed}: {said}");
    assert!(!said.contains("differs"), "seed {seed}: {said}");
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("seed {seed}: {error}: {said}"))
}

fn crises(report: &Report) -> Vec<(Option<String>, Option<String>, bool)> {
    let seen = |crisis: &watchbell::crisis::Crisis| {
        let text = |value: &Option<std::sync::Arc<str>>| value.as_deref().map(str::to_owned);
        (text(&crisis.series.product), text(&crisis.series.region), crisis.ended.is_some())
    };
    report.crises.iter().map(seen).collect()
}

#[test]
fn a_bad_batch_rises_to_a_crisis_and_falls() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut wrong = Vec::new();
    for seed in seeds() {
        let record = folder.path().join(format!("{seed}.ndjson"));
        let summary = demo(seed, &record, true);
        let (product, region) = desk::incident_of(seed);
        let count = |name: &str| summary[name].as_u64().unwrap_or(0);
        let [crisis] = summary["crises"].as_array().map_or(&[][..], Vec::as_slice) else {
            wrong.push(format!("seed {seed}: {summary}"));
            continue;
        };
        let levels: Vec<&str> =
            crisis["levels"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        let right = crisis["product"] == product
            && crisis["region"] == region
            && crisis["ended"] == true
            && levels.contains(&"primary")
            && levels.contains(&"intermediate")
            && ["warnings", "breaches", "spikes"].iter().all(|name| count(name) > 0);
        let report = judge(&[&record], &Options::default()).report;
        let expected = [(Some(product.to_owned()), Some(region.to_owned()), true)];
        if !right || crises(&report) != expected {
            wrong.push(format!("seed {seed}: {summary}, replayed {:?}", crises(&report)));
        }
        assert!(without_the_batch(&record).crises.is_empty(), "seed {seed}: a crisis without the bad batch");
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The record judged with the complaints of the bad batch taken out.
fn without_the_batch(record: &Path) -> Report {
    let text = std::fs::read_to_string(record).expect("it was written");
    let named = format!("\"firmware\":\"{}\"", desk::BAD_FIRMWARE);
    let rest: String =
        text.lines().filter(|line| !line.contains(&named)).map(|line| format!("{line}\n")).collect();
    assert!(rest.len() < text.len(), "there was something to be taken out");
    let path = record.with_extension("rest.ndjson");
    std::fs::write(&path, rest).expect("writable");
    judge(&[&path], &Options::default()).report
}

#[test]
fn a_quiet_desk_raises_no_crisis() {
    let folder = tempfile::tempdir().expect("a folder");
    for seed in seeds() {
        let summary = demo(seed, &folder.path().join("quiet.ndjson"), false);
        assert_eq!(summary["crises"], serde_json::json!([]), "seed {seed}: {summary}");
        assert!(summary["events"].as_u64().is_some_and(|events| events > 1_000), "seed {seed}: {summary}");
    }
}
