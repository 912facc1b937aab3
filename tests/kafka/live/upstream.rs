//! What if those who write use transactions? Some hang, some die, and each leaves a marker at the end of the log.

use std::time::Duration;

use rdkafka::config::ClientConfig;
use rdkafka::producer::{BaseRecord, Producer};

use super::super::broker::shared;
use super::super::client::Failures;
use super::super::wait_until;
use super::watch::{
    Event, GRACE_MS, Plan, Watch, assert_on_time, now_ms, opened, resolved, sleep_until, standing_subjects,
};
use super::web::{SERVED, Site};

type Upstream = rdkafka::producer::ThreadedProducer<Failures>;

const ANSWER: Duration = Duration::from_secs(10);
/// How long the transaction is open.
const OPEN_MS: i64 = 20_000;

/// A producer whose transactions the broker ends after so long.
fn upstream(id: &str, timeout_ms: i64) -> Upstream {
    let mut config = ClientConfig::new();
    config.set("bootstrap.servers", shared().bootstrap()).set("transactional.id", id);
    config.set("transaction.timeout.ms", timeout_ms.to_string()).set("retry.backoff.ms", "5");
    let producer: Upstream = config.create_with_context(Failures::default()).expect("a valid configuration");
    producer.init_transactions(ANSWER).expect("the coordinator answers");
    producer
}

fn send(producer: &Upstream, watch: &Watch, event: &Event) {
    let payload = event.json();
    let record = BaseRecord::to(watch.topic(0)).partition(0).key(&event.subject).payload(&payload);
    producer.send(record).map_err(|(error, _)| error).expect("the queue has room");
    wait_until(10, "the record is acknowledged", || producer.in_flight_count() == 0);
}

/// Appends an event that no transaction holds.
fn append(watch: &Watch, event: Event) {
    watch.append(0, &[Event { partition: Some(0), ..event }]);
}

/// The clock of the only log.
fn clock(watch: &Watch) -> i64 {
    watch.cuts().values().next().map_or(0, |cut| cut.clock)
}

#[test]
fn a_transaction_that_hangs_upstream() {
    let at = shared().bootstrap();
    let plan = Plan { name: "hanging", inputs: &[1], tables: SERVED, ..Plan::default() };
    let watch = Watch::new(&at, &plan);
    let program = watch.start_live();
    let site = Site::of(&program);
    let held_back = "watchbell_log_held_back_records{topic=\"hanging.in0\",partition=\"0\"}";
    assert_eq!(site.metric(held_back), Some(0.0));
    let producer = upstream("hanging-upstream", 60_000);
    let (held, behind, open) = (opened("held", "s5"), opened("behind", "s5"), opened("open", "s5"));
    for case in [&held, &behind, &open] {
        append(&watch, case.clone());
    }
    producer.begin_transaction().expect("none is open");
    let begun = now_ms();
    send(&producer, &watch, &resolved("held"));
    // Not of the transaction, and held back by it all the same.
    append(&watch, resolved("behind"));
    assert!(now_ms() < held.at_ms + 5_000, "the machine was too slow: the stops are late themselves");

    for subject in ["held", "behind", "open"] {
        assert_on_time(&watch.wait_said_of(subject, 30), held.at_ms.max(open.at_ms) + 5_000 + GRACE_MS);
    }
    sleep_until(begun + OPEN_MS);
    let (lag, stands_at) = (now_ms() - clock(&watch), watch.ends(0)[&0]);
    assert!(lag < 3_000, "the clock goes on beside the open transaction: {lag} ms behind");
    assert_eq!(stands_at, 3, "what the transaction holds back is behind the stable end");
    assert_eq!(site.metric(held_back), Some(2.0), "its record and its neighbour's");
    assert_eq!(site.readiness().0, 200, "what others hold back does not make this blind");
    producer.commit_transaction(ANSWER).expect("it can be committed");
    wait_until(10, "what did not happen is taken back", || standing_subjects(&watch.said()) == ["open"]);
    for subject in ["held", "behind"] {
        let actions: Vec<_> = watch.said_of(subject).iter().map(|said| said.action().to_owned()).collect();
        assert_eq!(actions, ["raised", "retracted"], "{subject}");
    }
    wait_until(10, "nothing is held back any more", || site.metric(held_back) == Some(0.0));
}

#[test]
fn a_transaction_whose_owner_dies_upstream() {
    let at = shared().bootstrap();
    let watch = Watch::new(&at, &Plan { name: "orphaned", inputs: &[1], ..Plan::default() });
    let _program = watch.start_live();
    let producer = upstream("orphaned-upstream", 10_000);
    let (held, behind) = (opened("held", "s5"), opened("behind", "s5"));
    append(&watch, held.clone());
    append(&watch, behind);
    producer.begin_transaction().expect("none is open");
    send(&producer, &watch, &resolved("held"));
    append(&watch, resolved("behind"));
    assert!(now_ms() < held.at_ms + 5_000, "the machine was too slow: the stops are late themselves");
    watch.wait_said_of("held", 30);
    watch.wait_said_of("behind", 30);
    // A process that dies neither commits nor aborts; the broker does when its time is over.
    drop(producer);
    wait_until(20, "what was held back is read", || standing_subjects(&watch.said()) == ["held"]);
    let since = now_ms();
    wait_until(10, "the clock goes on behind the marker", || clock(&watch) > since);
}

#[test]
fn a_log_that_ends_in_markers_goes_on() {
    let at = shared().bootstrap();
    let watch = Watch::new(&at, &Plan { name: "markers", inputs: &[1], ..Plan::default() });
    let _program = watch.start_live();
    let producer = upstream("markers-upstream", 60_000);
    producer.begin_transaction().expect("none is open");
    let case = opened("late", "s3");
    send(&producer, &watch, &case);
    producer.commit_transaction(ANSWER).expect("it can be committed");
    // A transaction that is thrown away leaves records nobody sees, and a marker.
    producer.begin_transaction().expect("none is open");
    send(&producer, &watch, &resolved("late"));
    producer.abort_transaction(ANSWER).expect("it can be aborted");
    assert_on_time(&watch.wait_said_of("late", 30), case.at_ms + 3_000 + GRACE_MS);
    let since = now_ms();
    wait_until(10, "the clock goes on", || clock(&watch) > since);
    let cut = watch.cuts().into_values().next().expect("it has one");
    assert_eq!(cut.next_offset, watch.ends(0)[&0], "the markers are passed, too");

    // Nor does a restart wait for records that never come.
    drop(_program);
    let _program = watch.start_live();
}
