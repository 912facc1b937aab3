//! Does it say when it can be relied on, and why not? `/readyz` while it catches up, while nobody answers, and afterwards.

use serde_json::Value;

use super::super::broker::{Broker, Options, shared};
use super::super::wait_until;
use super::watch::{Event, Plan, Watch, now_ms, opened_at};
use super::web::{SERVED, Site};

/// How many events lie there when it begins, and in how many heaps.
const BACKLOG: i64 = 40_000;
const HEAPS: usize = 10;
/// A heap of each log at a time, and half a second between two: the way to the end can be seen.
const SLOWLY: &str =
    "\"fetch.message.max.bytes\" = 10000\n\"queued.min.messages\" = 1\n\"fetch.queue.backoff.ms\" = 500\n";

/// The logs of the plan below, each in one state.
fn both(state: &str) -> Vec<(String, String)> {
    (0..2).map(|partition| (format!("ready.in0/{partition}"), state.to_owned())).collect()
}

#[test]
fn readiness_through_catching_up_a_freeze_and_recovery() {
    let mut broker = Broker::start(&Options::default());
    let tables = format!("[kafka.options]\n{SLOWLY}{SERVED}");
    let plan = Plan { name: "ready", inputs: &[2], tables: &tables, ..Plan::default() };
    let watch = Watch::new(&broker.bootstrap(), &plan);
    let now = now_ms();
    let backlog: Vec<Event> =
        (0..BACKLOG).map(|n| opened_at(&format!("case-{n}"), "h1", now - n % 1_000)).collect();
    backlog.chunks(backlog.len() / HEAPS).for_each(|heap| watch.append(0, heap));

    let mut program = watch.start();
    let site = Site::of(&program);
    let mut seen = Vec::new();
    wait_until(60, "it is ready", || {
        let (status, reason, logs) = site.readiness();
        assert_eq!(status, if reason.is_empty() { 200 } else { 503 }, "{reason}");
        match reason.as_str() {
            "" => assert_eq!(logs, []),
            // Before the group has given it logs there are none to be named; then one may be taken over before the other.
            "starting" => {
                assert!(logs.is_empty() || logs.iter().any(|log| both("starting").contains(log)), "{logs:?}")
            }
            "catching_up" => assert!(
                !logs.is_empty() && logs.iter().all(|log| both("catching_up").contains(log)),
                "{logs:?}"
            ),
            other => panic!("{other}: {logs:?}"),
        }
        if seen.last() != Some(&reason) {
            seen.push(reason);
        }
        seen.last().is_some_and(String::is_empty)
    });
    assert!(seen.ends_with(&["catching_up".to_owned(), String::new()]), "{seen:?}");
    // What hangs there says at once how it is and how far it has read; the cuts follow.
    let picture: Value = serde_json::from_str(&site.get("/api/v1/picture").1).expect("JSON");
    let logs = picture["logs"].as_array().into_iter().flatten();
    let read: i64 = logs.filter_map(|log| log["next_offset"].as_i64()).sum();
    assert_eq!(read, BACKLOG, "ready means read");

    broker.freeze();
    wait_until(15, "it knows that it is blind", || site.readiness().0 == 503);
    assert_eq!(site.readiness(), (503, "blind".into(), both("blind")));
    let place = "{topic=\"ready.in0\",partition=\"1\",state=\"blind\"}";
    assert_eq!(site.metric(&format!("watchbell_log_state{place}")), Some(1.0));
    assert_eq!(site.get("/healthz").0, 200, "it lives");

    broker.thaw();
    wait_until(15, "it is ready again", || site.readiness().0 == 200);
    assert_eq!(site.readiness(), (200, String::new(), vec![]));
    assert!(program.ended().is_none());
}

#[test]
fn ready_is_whoever_has_taken_over_all_of_its_logs() {
    let logs = 24;
    let plan = Plan { name: "many", inputs: &[logs], tables: SERVED, ..Plan::default() };
    let watch = Watch::new(&shared().bootstrap(), &plan);
    let program = watch.start();
    let site = Site::of(&program);
    let mut named = 0;
    wait_until(60, "it is ready", || {
        let (status, _, logs) = site.readiness();
        named = named.max(logs.len());
        status == 200
    });
    let cuts = watch.cuts();
    assert_eq!(cuts.len(), logs as usize, "all of them are claimed");
    assert!(cuts.values().all(|cut| !cut.owner.is_empty()), "{cuts:?}");
    assert!(named > 0, "those that it waited for were named");
}
