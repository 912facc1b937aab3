//! Whole files through the whole program: what they say is compared with what somebody else says they say.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

use serde_json::Value;
use watchbell::app::replay::{Settings, run};
use watchbell::app::report::Report;
use watchbell::source::replay::Order;
use watchbell::time::Time;

/// How files are judged.
pub struct Options<'a> {
    pub mapping: Option<&'a str>,
    pub policy: Option<&'a str>,
    pub lifecycles: Option<&'a str>,
    pub workers: usize,
    pub order: Order,
    pub as_of: Option<Time>,
}

impl Default for Options<'_> {
    fn default() -> Self {
        // The generated logs lie in the future of nobody who runs this.
        let as_of = Time::parse("2027-01-01T00:00:00Z");
        Options { mapping: None, policy: None, lifecycles: None, workers: 2, order: Order::Time, as_of }
    }
}

/// What came of it, parsed and as it was written.
pub struct Judged {
    pub report: Report,
    pub outcomes: Vec<Value>,
    pub alerts: Vec<Value>,
    pub outcome_bytes: Vec<u8>,
    pub alert_bytes: Vec<u8>,
}

/// Judges files.
pub fn judge(files: &[&Path], options: &Options<'_>) -> Judged {
    let folder = tempfile::tempdir().expect("a folder");
    let (outcomes, alerts) = (folder.path().join("outcomes"), folder.path().join("alerts"));
    let settings = Settings {
        files: files.iter().map(|path| path.to_path_buf()).collect(),
        mapping: options.mapping.map(str::to_owned),
        policy: options.policy.map(str::to_owned),
        lifecycles: options.lifecycles.map(str::to_owned),
        against: None,
        partitions: 8,
        workers: options.workers,
        as_of: options.as_of,
        order: options.order,
        outcomes: Some(outcomes.clone()),
        alerts: Some(alerts.clone()),
    };
    let report =
        run(&settings, &mut |_| (), &AtomicBool::new(false)).unwrap_or_else(|error| panic!("{error:#}"));
    let (outcome_bytes, alert_bytes) =
        (std::fs::read(outcomes).expect("written"), std::fs::read(alerts).expect("written"));
    let parse = |bytes: &[u8]| -> Vec<Value> {
        let text = std::str::from_utf8(bytes).expect("UTF-8");
        text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
    };
    Judged {
        report,
        outcomes: parse(&outcome_bytes),
        alerts: parse(&alert_bytes),
        outcome_bytes,
        alert_bytes,
    }
}

/// Folds a changelog: what stands at its end, by id. Every life must be a legal one.
pub fn standing(alerts: &[Value]) -> BTreeMap<String, &Value> {
    let mut standing: BTreeMap<String, &Value> = BTreeMap::new();
    for one in alerts {
        let id = one["id"].as_str().expect("an id").to_owned();
        let before = match one["action"].as_str().expect("an action") {
            "raised" => standing.insert(id, one).is_none(),
            "retracted" => standing.remove(&id).is_some(),
            _ => standing.insert(id, one).is_some(),
        };
        assert!(before, "an illegal step: {one}");
    }
    standing
}

/// A real log, or nothing, said loudly, where they are missing; in CI they are there.
pub fn data(path: &str) -> Option<PathBuf> {
    let beside = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data");
    let path = std::env::var_os("WATCHBELL_DATA").map_or_else(beside, PathBuf::from).join(path);
    if path.exists() {
        return Some(path);
    }
    assert!(std::env::var_os("CI").is_none(), "{} is missing", path.display());
    // Not `eprintln`, which the test harness would swallow.
    let said = writeln!(std::io::stderr(), "SKIPPED: {} is missing; set WATCHBELL_DATA", path.display());
    said.expect("standard error is open");
    None
}

/// The rows of a gzipped CSV file, by column.
fn rows(path: &Path) -> Vec<BTreeMap<String, String>> {
    let file = std::fs::File::open(path).expect("readable");
    let mut reader = csv::Reader::from_reader(flate2::read::GzDecoder::new(file));
    reader.deserialize().map(|row| row.expect("a row")).collect()
}

const INCIDENTS: &str = "incidents/incident_event_log_2016-03.csv.gz";
const CALLS: &str = "calls/bank_calls_1999-08-13_24.csv.gz";
const FEEDBACK: &str = "feedback/airline_feedback_2015-02.csv.gz";

#[test]
fn the_incident_log_agrees_with_its_own_verdicts() {
    let Some(path) = data(INCIDENTS) else { return };
    let options =
        Options { mapping: Some("incident_log"), policy: Some("incident_log"), ..Default::default() };
    let judged = judge(&[&path], &options);
    let text = |one: &Value, key: &str| one[key].as_str().unwrap_or_default().to_owned();
    let verdicts: BTreeMap<String, String> =
        judged.outcomes.iter().map(|one| (text(one, "subject"), text(one, "outcome"))).collect();
    // The last row of each incident, as the file has it: by number, the latest change, the later line.
    let minute = |text: &str| jiff::civil::DateTime::strptime("%d/%m/%Y %H:%M", text).expect("a time");
    let mut last: BTreeMap<String, BTreeMap<String, String>> = BTreeMap::new();
    for row in rows(&path) {
        let known = last.get(&row["number"]).map(|known| minute(&known["sys_updated_at"]));
        if known.is_none_or(|known| known <= minute(&row["sys_updated_at"])) {
            last.insert(row["number"].clone(), row);
        }
    }
    for priority in ["3 - Moderate", "4 - Low"] {
        let closed =
            last.values().filter(|row| row["priority"] == priority && row["incident_state"] == "Closed");
        let (mut agree, mut differ) = (0, Vec::new());
        for row in closed {
            let kept = verdicts.get(&row["number"]).map(String::as_str) == Some("kept");
            match kept == (row["made_sla"] == "true") {
                true => agree += 1,
                false => differ.push(row["number"].as_str()),
            }
        }
        let share = f64::from(agree) / f64::from(agree + differ.len() as i32);
        println!("{priority}: {agree} agree, {} differ ({share:.4}): {}", differ.len(), differ.join(" "));
        assert!(share >= 0.99, "{priority}: {share}, {differ:?}");
    }
}

#[test]
fn the_call_log_is_counted_to_the_call() {
    let Some(path) = data(CALLS) else { return };
    let options = Options { mapping: Some("call_log"), policy: Some("call_log"), ..Default::default() };
    let judged = judge(&[&path], &options);
    // An independent count, from the columns alone.
    let seconds =
        |clock: &str| clock.split(':').fold(0, |sum, part| sum * 60 + part.parse::<i64>().expect("a number"));
    let (mut answered, mut in_time, mut waited, mut abandoned, mut never_queued) = (0, 0, 0, 0, [0, 0]);
    for row in rows(&path).iter().filter(|row| row["outcome"] != "PHANTOM") {
        let wait = seconds(&row["q_exit"]) - seconds(&row["q_start"]);
        match (row["q_start"] != "0:00:00", row["outcome"] == "AGENT") {
            (true, true) => {
                (answered, in_time, waited) = (answered + 1, in_time + i32::from(wait <= 20), waited + wait)
            }
            (true, false) => abandoned += 1,
            (false, agent) => never_queued[usize::from(!agent)] += 1,
        }
    }
    assert_eq!((answered, in_time, abandoned), (4_815, 1_104, 1_363));
    let objective = &judged.report.objectives[0];
    let clocks = objective.clocks.as_ref().expect("it counts clocks");
    assert_eq!(
        (clocks.answered, clocks.answered_in_time, clocks.abandoned),
        (answered as u64, in_time as u64, abandoned as u64)
    );
    // Those who gave up in time are left out; the ends are the roots of Wilson's equation, worked out elsewhere.
    assert_eq!(objective.judged, 5730);
    let (low, high) = objective.share_interval.expect("calls were judged");
    assert_eq!((format!("{low:.9}"), format!("{high:.9}")), ("0.182665573".into(), "0.203086540".into()));
    let mean = waited as f64 / f64::from(answered);
    assert_eq!(format!("{mean:.2}"), "83.26");
    assert!((clocks.mean_answered_seconds.expect("calls were answered") - mean).abs() < 1e-9);
    let beside: Vec<u64> = judged.report.tallies.iter().map(|tally| tally.count).collect();
    assert_eq!(beside, never_queued, "calls never queued are reported beside them");
}

#[test]
fn the_feedback_log_shows_the_storm_and_the_new_airline() {
    let Some(path) = data(FEEDBACK) else { return };
    let judged = judge(&[&path], &Options { mapping: Some("feedback_log"), ..Default::default() });
    assert_eq!(judged.report.input.duplicates, 155);
    let zone = jiff::tz::TimeZone::get("America/Los_Angeles").expect("known");
    let day = |signal: &Value, key: &str| {
        let time = Time::parse(signal[key].as_str().expect("a time")).expect("a time");
        zone.to_datetime(time.into()).date().to_string()
    };
    let mut storm: BTreeSet<String> = BTreeSet::new();
    let mut new: BTreeSet<String> = BTreeSet::new();
    let signals = serde_json::to_value(&judged.report.signals).expect("plain data");
    for signal in signals.as_array().expect("a list") {
        let Some(product) = signal["series"]["product"].as_str() else { continue };
        let (first, last) = (day(signal, "window_start"), day(signal, "window_end"));
        assert!(first.as_str() >= "2015-02-20", "{signal}");
        match signal["finding"].as_str().expect("a finding") {
            "spike" => {
                assert_ne!(product, "Virgin America", "{signal}");
                assert!(
                    product != "American" || first.as_str() > "2015-02-22",
                    "its first day is no spike: {signal}"
                );
                if first.as_str() <= "2015-02-22" && last.as_str() >= "2015-02-22" {
                    storm.insert(product.to_owned());
                }
            }
            _ => drop(new.insert(format!("{product} {first}"))),
        }
    }
    let risen = ["US Airways", "Delta", "United"].iter().filter(|airline| storm.contains(**airline)).count();
    assert!(risen >= 2, "{storm:?}");
    assert!(new.contains("American 2015-02-22"), "{new:?}");
}

#[test]
fn any_number_of_workers_writes_the_same_bytes() {
    let mut logs: Vec<(PathBuf, Option<&str>, Option<&str>)> = vec![(sample(), None, None)];
    logs.extend(data(INCIDENTS).map(|path| (path, Some("incident_log"), Some("incident_log"))));
    logs.extend(data(CALLS).map(|path| (path, Some("call_log"), Some("call_log"))));
    logs.extend(data(FEEDBACK).map(|path| (path, Some("feedback_log"), None)));
    for (path, mapping, policy) in logs {
        let with = |workers| judge(&[&path], &Options { mapping, policy, workers, ..Default::default() });
        let one = with(1);
        for workers in [2, 7] {
            let many = with(workers);
            let name = path.display();
            assert!(one.outcome_bytes == many.outcome_bytes, "{name}: outcomes differ at {workers} workers");
            assert!(one.alert_bytes == many.alert_bytes, "{name}: alerts differ at {workers} workers");
            assert!(
                !one.outcome_bytes.is_empty() || !one.alert_bytes.is_empty(),
                "{name}: nothing was compared"
            );
            let applied = &many.report.applied_by_worker;
            assert_eq!(applied.len(), workers);
            assert!(
                applied.iter().all(|applied| *applied > 0),
                "{name}: a worker had nothing to do: {applied:?}"
            );
        }
    }
}

/// The sample that the README replays.
pub fn sample() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/desk.ndjson.gz")
}
