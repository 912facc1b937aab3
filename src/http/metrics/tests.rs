//! Is everything written that can be seen, under the right name and with the right value?

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::super::live::Live;
use super::super::tests::{Painted, at};
use super::Metrics;
use crate::alert::Action;
use crate::detect::Dimension;
use crate::engine::picture::{DUE_MAX, DuePicture, Pictures};
use crate::names::metric::{DIMENSIONS, Kind, Metric};
use prometheus::TextEncoder;

/// Samples by name with labels, as they stand in the text.
fn scrape(painted: &Arc<Painted>) -> BTreeMap<String, f64> {
    let metrics = Metrics::new(painted.clone(), Arc::new(Live::new(4)));
    metrics.took("/metrics", 200, 0.004);
    parse(&text(&metrics))
}

fn text(metrics: &Metrics) -> String {
    TextEncoder::new().encode_to_string(&metrics.registry.gather()).expect("text")
}

fn parse(text: &str) -> BTreeMap<String, f64> {
    let mut samples = BTreeMap::new();
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        let (name, value) = line.rsplit_once(' ').expect("a name and a value");
        let value: f64 = value.parse().unwrap_or_else(|error| panic!("{error}: {line}"));
        assert!(samples.insert(name.to_owned(), value).is_none(), "{name} is there twice");
    }
    samples
}

#[track_caller]
fn check(samples: &BTreeMap<String, f64>, expected: &[(&str, f64)]) {
    for (name, value) in expected {
        assert_eq!(samples.get(*name), Some(value), "{name}\n{samples:#?}");
    }
}

/// The labels of a sample.
fn labels(sample: &str) -> BTreeSet<&str> {
    let Some((_, inside)) = sample.split_once('{') else { return BTreeSet::new() };
    inside.split("=\"").filter_map(|part| part.rsplit(['"', ',', '{']).next()).filter(|l| *l != "}").collect()
}

#[test]
fn every_metric_is_written_with_labels_it_has() {
    let painted = Arc::new(Painted::new(&[Dimension::Product, Dimension::Region]));
    let samples = scrape(&painted);
    let metrics = Metrics::new(painted, Arc::new(Live::new(4)));
    metrics.took("/metrics", 200, 0.004);
    let text = text(&metrics);
    for metric in Metric::ALL {
        let (name, help) = (metric.name(), metric.help().replace('\\', "\\\\"));
        assert!(text.contains(&format!("# HELP {name} {help}\n")), "{name}");
        assert!(text.contains(&format!("# TYPE {name} {}\n", metric.kind().name())), "{name}");
        let is_own = |sample: &&String| {
            let rest = sample.strip_prefix(name);
            rest.is_some_and(|rest| {
                rest.is_empty() || rest.starts_with('{') || metric.kind() == Kind::Histogram
            })
        };
        let own: Vec<&String> = samples.keys().filter(is_own).collect();
        assert!(!own.is_empty(), "{name} has no sample");
        for sample in own {
            for label in labels(sample) {
                assert!(metric.labels().contains(&label) || label == "le", "{sample}: {label}");
                let allowed = !DIMENSIONS.contains(&label) || ["product", "region"].contains(&label);
                assert!(allowed, "{sample}: {label} is not allowed");
            }
        }
    }
}

#[test]
fn a_monitoring_centre_sees_promises_alerts_and_crises() {
    let painted = Arc::new(Painted::new(&[Dimension::Product, Dimension::Region]));
    painted.say("breach", Action::Raised);
    let samples = scrape(&painted);
    let a = r#"{commitment="answer",product="a",region="east"}"#;
    let b = r#"{commitment="answer",product="b\"\\\n",region="east"}"#;
    let of = |name: &str, labels: &str| format!("watchbell_{name}{labels}");
    for labels in [a, b] {
        check(
            &samples,
            &[
                (&of("clocks_open", labels), 7.0),
                (&of("clocks_warned", labels), 2.0),
                (&of("clocks_overdue", labels), 1.0),
                (&of("clocks_kept_total", labels), 30.0),
                (&of("clocks_breached_total", labels), 4.0),
                (&of("clocks_cancelled_total", labels), 3.0),
            ],
        );
    }
    check(
        &samples,
        &[
            (r#"watchbell_clocks_open{commitment="repair"}"#, 0.0),
            (r#"watchbell_clocks_kept_total{commitment="repair"}"#, 0.0),
            (r#"watchbell_clocks_taken_back_total{commitment="repair",verdict="kept"}"#, 0.0),
            (r#"watchbell_clocks_time_left_seconds{commitment="answer"}"#, 600.0),
            (r#"watchbell_clocks_time_over_seconds{commitment="answer"}"#, 1_800.0),
            (r#"watchbell_clocks_due_within{commitment="answer",within="15m"}"#, 1.0),
            (r#"watchbell_clocks_due_within{commitment="answer",within="1h"}"#, 2.0),
            (r#"watchbell_clocks_due_within{commitment="repair",within="1d"}"#, 0.0),
            (r#"watchbell_alert_changes_total{kind="breach",action="raised"}"#, 1.0),
            (r#"watchbell_shadow_breaches{commitment="answer",policy="both"}"#, 4.0),
            (r#"watchbell_shadow_breaches{commitment="answer",policy="shadow"}"#, 1.0),
            (r#"watchbell_alert_changes_total{kind="crisis",action="raised"}"#, 0.0),
            (r#"watchbell_objective_share_ratio{objective="answered_in_20s"}"#, 0.75),
            (r#"watchbell_objective_share_low_ratio{objective="answered_in_20s"}"#, 0.6),
            (r#"watchbell_objective_share_high_ratio{objective="answered_in_20s"}"#, 0.86),
            (r#"watchbell_objective_target_ratio{objective="answered_in_20s"}"#, 0.8),
            (r#"watchbell_objective_cases{objective="answered_in_20s"}"#, 40.0),
            (r#"watchbell_objective_standing{objective="answered_in_20s",standing="missed"}"#, 1.0),
            (r#"watchbell_objective_standing{objective="answered_in_20s",standing="met"}"#, 0.0),
            (r#"watchbell_crises_open{level="primary"}"#, 1.0),
            (r#"watchbell_crises_open{level="intermediate"}"#, 0.0),
            (r#"watchbell_crises_open{level="advanced"}"#, 1.0),
            (r#"watchbell_crisis_level{product="a",region="all"}"#, 3.0),
            (r#"watchbell_crisis_level{product="bb",region="all"}"#, 1.0),
            (r#"watchbell_signals_open{measure="breaches",finding="spike"}"#, 1.0),
            (r#"watchbell_signals_open{measure="complaints",finding="spike"}"#, 0.0),
            (r#"watchbell_series_observed{measure="complaints"}"#, 21.0),
            (r#"watchbell_series_expected{measure="complaints"}"#, 6.5),
            (r#"watchbell_series_high{measure="complaints"}"#, 12.0),
            ("watchbell_satisfaction_answers_total", 10.0),
            ("watchbell_satisfaction_points_total", 45.0),
        ],
    );
    assert!(!samples.contains_key(r#"watchbell_clocks_time_left_seconds{commitment="repair"}"#));
}

#[test]
fn an_operator_sees_logs_and_the_program() {
    let samples = scrape(&Arc::new(Painted::new(&[])));
    let log = |name: &str| format!("watchbell_log_{name}{{topic=\"desk/tickets\",partition=\"3\"}}");
    for (name, value) in [
        // The engine runs twice as fast as the wall.
        ("clock_lag_seconds", 30.0),
        ("lag_records", 10.0),
        ("held_back_records", 20.0),
        ("fence_age_seconds", 0.25),
        ("checkpoint_age_seconds", 12.0),
        ("cases", 5.0),
        ("memory_bytes", 4_096.0),
        ("records_total", 200.0),
        ("applied_events_total", 180.0),
        ("duplicate_events_total", 6.0),
        ("cuts_total", 40.0),
        ("cut_seconds_total", 0.5),
        ("cuts_in_doubt_total", 1.0),
        ("reconciliation_differences_total", 3.0),
    ] {
        check(&samples, &[(&log(name), value)]);
    }
    let place = r#"topic="desk/tickets",partition="3""#;
    check(
        &samples,
        &[
            (&format!("watchbell_log_state{{{place},state=\"live\"}}"), 1.0),
            (&format!("watchbell_log_state{{{place},state=\"blind\"}}"), 0.0),
            (&format!("watchbell_log_rejected_records_total{{{place},reason=\"future\"}}"), 2.0),
            (&format!("watchbell_log_rejected_records_total{{{place},reason=\"too_late\"}}"), 0.0),
            (r#"watchbell_state{state="live"}"#, 1.0),
            (r#"watchbell_state{state="stopping"}"#, 0.0),
            ("watchbell_logs_owned", 1.0),
            ("watchbell_wall_jump_seconds", 0.0),
            ("watchbell_brokers_unanswered_seconds", 1.5),
            ("watchbell_aggregate_owned", 1.0),
            ("watchbell_aggregate_sources", 8.0),
            ("watchbell_aggregate_sources_missing", 2.0),
            ("watchbell_aggregate_clock_lag_seconds", 60.0),
            ("watchbell_speed_ratio", 2.0),
            ("watchbell_http_streams_open", 0.0),
            // No label is allowed, so the gravest of all is one number.
            ("watchbell_crisis_level", 3.0),
        ],
    );
}

#[test]
fn what_is_not_known_is_left_out() {
    let painted = Arc::new(Painted::new(&[Dimension::Product]));
    {
        let mut picture = painted.picture.lock().expect("whole");
        picture.aggregate = None;
        picture.logs[0].clock = None;
        picture.logs[0].checkpoint_age_seconds = None;
    }
    let samples = scrape(&painted);
    check(&samples, &[("watchbell_aggregate_owned", 0.0)]);
    for name in [
        "crises",
        "crisis",
        "signals",
        "series",
        "satisfaction",
        "aggregate_s",
        "log_clock_lag",
        "log_checkpoint",
    ] {
        let begin = format!("watchbell_{name}");
        assert!(samples.keys().all(|sample| !sample.starts_with(&begin)), "{begin}");
    }
}

#[test]
fn a_list_that_is_full_counts_only_as_far_as_it_goes() {
    let painted = Arc::new(Painted::new(&[]));
    {
        let mut picture = painted.picture.lock().expect("whole");
        let first = picture.logs[0].due[0].clone();
        let many = (0..DUE_MAX as i64).map(|minute| DuePicture { due: at(minute), ..first.clone() });
        picture.logs[0].due = many.collect();
    }
    let samples = scrape(&painted);
    let due =
        |within: &str| format!("watchbell_clocks_due_within{{commitment=\"answer\",within=\"{within}\"}}");
    check(&samples, &[(&due("15m"), 16.0)]);
    assert!(!samples.contains_key(&due("1h")), "49 minutes are listed, nobody knows what comes after");
}

#[test]
fn totals_only_grow() {
    let painted = Arc::new(Painted::new(&[Dimension::Product, Dimension::Region]));
    let metrics = Metrics::new(painted.clone(), Arc::new(Live::new(4)));
    let breached = r#"watchbell_clocks_breached_total{commitment="answer",product="a",region="east"}"#;
    let back = r#"watchbell_clocks_taken_back_total{commitment="answer",verdict="breached",product="a",region="east"}"#;
    check(&parse(&text(&metrics)), &[(breached, 4.0), (back, 0.0)]);
    painted.picture.lock().expect("whole").logs[0].clocks[0].taken_back.breached = 1;
    metrics.count(&painted.picture());
    check(&parse(&text(&metrics)), &[(breached, 4.0), (back, 1.0)]);
    painted.picture.lock().expect("whole").logs.clear();
    check(&parse(&text(&metrics)), &[(breached, 4.0), (back, 1.0)]);
}
