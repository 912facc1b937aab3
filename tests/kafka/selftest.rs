//! Can the harness be trusted? What it says of a broker must be so, or the tests that stand on it prove nothing.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::time::Duration;

use rdkafka::config::{ClientConfig, RDKafkaLogLevel};
use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer, ConsumerContext};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::{Header, OwnedHeaders};
use rdkafka::producer::{BaseRecord, Producer};
use rdkafka::{ClientContext, Offset, TopicPartitionList};

use super::broker::{Broker, Options, Security, shared};
use super::client::{
    committed, create_topic, delete_records, produce, read_committed, stable_ends, transactional,
};
use super::program::Program;
use super::wait_until;
use super::wire::{open_transactions, write_marker};

const ANSWER: Duration = Duration::from_secs(10);

type Record<'a> = (Option<i32>, &'a str, String, Option<i64>);

/// Ten records, five in each of two partitions, a minute apart.
fn ten() -> impl Iterator<Item = Record<'static>> {
    (0..10).map(|n| (Some(n % 2), "key", format!("value {n}"), Some(60_000 * i64::from(n + 1))))
}

fn payloads(bootstrap: &str, topic: &str) -> Vec<String> {
    let text = |payload: Option<Vec<u8>>| String::from_utf8(payload.expect("no tombstone")).expect("UTF-8");
    read_committed(bootstrap, topic).into_iter().map(|message| text(message.payload)).collect()
}

#[test]
fn what_was_acknowledged_survives_a_kill() {
    let mut broker = Broker::start(&Options::default());
    let at = broker.bootstrap();
    create_topic(&at, "kept", 2, &[("cleanup.policy", "compact,delete"), ("retention.ms", "-1")]);
    assert_eq!(produce(&at, "kept", ten()), 10);
    let before = read_committed(&at, "kept");
    let places: Vec<_> = before.iter().map(|m| (m.partition, m.offset, m.timestamp_ms)).collect();
    let expected = |n: i64| (i32::try_from(n / 5).expect("0 or 1"), n % 5, 60_000 * (n % 5 * 2 + n / 5 + 1));
    assert_eq!(places, (0..10).map(expected).collect::<Vec<_>>());
    assert_eq!(before[9].key.as_deref(), Some(b"key".as_slice()));
    assert_eq!(before[9].payload.as_deref(), Some(b"value 9".as_slice()));

    broker.kill();
    broker.restart();
    assert_eq!(broker.bootstrap(), at);
    assert_eq!(read_committed(&at, "kept"), before);
    broker.stop();
    broker.restart();
    produce(&at, "kept", ten());
    assert_eq!(read_committed(&at, "kept").len(), 20);
}

#[test]
fn a_frozen_broker_says_nothing_until_it_is_thawed() {
    let properties = vec![("message.max.bytes".to_string(), "2097152".to_string())];
    let mut broker = Broker::start(&Options { throughput: true, properties, ..Options::default() });
    let at = broker.bootstrap();
    create_topic(&at, "slow", 1, &[]);
    broker.freeze();
    let client: BaseConsumer = ClientConfig::new().set("bootstrap.servers", &at).create().expect("valid");
    client.fetch_metadata(None, Duration::from_millis(500)).expect_err("nobody answers");
    broker.thaw();
    client.fetch_metadata(None, ANSWER).expect("it answers again");
    assert_eq!(produce(&at, "slow", [(None, "", "x", None)].into_iter()), 1);
}

#[test]
fn an_open_transaction_hides_its_records() {
    let at = shared().bootstrap();
    create_topic(&at, "open", 1, &[]);
    produce(&at, "open", [(None, "k", "before", None)].into_iter());
    let producer = transactional(&at, "harness-open");
    producer.init_transactions(ANSWER).expect("the coordinator answers");
    for (payload, is_kept) in [("kept", true), ("thrown away", false)] {
        producer.begin_transaction().expect("none is open");
        let header = OwnedHeaders::new().insert(Header { key: "h", value: Some("1") });
        let record = BaseRecord::to("open").key("k").payload(payload).headers(header);
        producer.send(record).map_err(|(error, _)| error).expect("the queue has room");
        wait_until(10, "the record is acknowledged", || producer.in_flight_count() == 0);
        let ends = stable_ends(&at, "open");
        let hidden = payloads(&at, "open");
        if is_kept {
            assert_eq!((hidden, ends[&0]), (vec!["before".to_string()], 1));
            producer.commit_transaction(ANSWER).expect("it can be committed");
        } else {
            // Behind the first transaction stands its marker.
            assert_eq!((hidden.len(), ends[&0]), (2, 3));
            producer.abort_transaction(ANSWER).expect("it can be aborted");
        }
    }
    wait_until(10, "the second marker is written", || stable_ends(&at, "open")[&0] == 5);
    assert_eq!(payloads(&at, "open"), ["before", "kept"]);
    assert_eq!(read_committed(&at, "open")[1].headers, [("h".to_string(), b"1".to_vec())]);
}

#[test]
fn a_marker_ends_a_transaction_in_its_partition() {
    let at = shared().bootstrap();
    create_topic(&at, "markers", 2, &[]);
    let places = [("markers", 3), ("nowhere", 1)];
    assert_eq!(open_transactions(&at, &places).expect("it answers"), []);
    let producer = transactional(&at, "harness-markers");
    producer.init_transactions(ANSWER).expect("the coordinator answers");
    for is_commit in [true, false] {
        producer.begin_transaction().expect("none is open");
        let record = BaseRecord::to("markers").key("k").payload("in doubt").partition(1);
        producer.send(record).map_err(|(error, _)| error).expect("the queue has room");
        wait_until(10, "the record is acknowledged", || producer.in_flight_count() == 0);
        let (stable, open) = (stable_ends(&at, "markers")[&1], open_transactions(&at, &places));
        let open = open.expect("it answers");
        let [one] = &open[..] else { panic!("one is open: {open:?}") };
        assert_eq!((one.topic.as_str(), one.partition, one.first_offset), ("markers", 1, stable));
        write_marker(&at, one, is_commit).expect("it answers");
        assert_eq!(open_transactions(&at, &places).expect("it answers"), []);
        assert_eq!(payloads(&at, "markers"), ["in doubt"]);
        producer.abort_transaction(ANSWER).expect("the coordinator still has it open");
    }
}

#[test]
fn positions_of_groups_and_deleted_records_are_seen() {
    let at = shared().bootstrap();
    create_topic(&at, "places", 2, &[]);
    produce(&at, "places", ten());
    assert_eq!(committed(&at, "readers", "places"), BTreeMap::new());
    let mut config = ClientConfig::new();
    let consumer: BaseConsumer =
        config.set("bootstrap.servers", &at).set("group.id", "readers").create().expect("valid");
    let mut positions = TopicPartitionList::new();
    positions.add_partition_offset("places", 1, Offset::Offset(3)).expect("valid");
    positions.find_partition("places", 1).expect("just added").set_metadata("a note");
    consumer.commit(&positions, CommitMode::Sync).expect("the coordinator answers");
    assert_eq!(committed(&at, "readers", "places"), BTreeMap::from([(1, (3, "a note".to_string()))]));

    delete_records(&at, "places", &[(0, 2), (1, 5)]);
    let left: Vec<_> = read_committed(&at, "places").iter().map(|m| (m.partition, m.offset)).collect();
    assert_eq!(left, [(0, 2), (0, 3), (0, 4)]);
    assert_eq!(stable_ends(&at, "places"), BTreeMap::from([(0, 5), (1, 5)]));
}

#[test]
fn tls_asks_for_a_certificate() {
    let broker = Broker::start(&Options { security: Security::Tls, ..Options::default() });
    // The broker itself, and who prepares a test, comes in by another door.
    create_topic(&broker.internal(), "behind", 1, &[]);
    let settings = broker.client_settings();
    assert_eq!(knock(&broker, &settings), Ok(()));
    let without: Vec<_> =
        settings.into_iter().filter(|(name, _)| *name != "ssl.certificate.location").collect();
    let without: Vec<_> = without.into_iter().filter(|(name, _)| *name != "ssl.key.location").collect();
    // With TLS 1.3 a client hears of the refusal after its first request, as an alert or a closed connection.
    knock(&broker, &without).expect_err("no certificate, no answer");
}

#[test]
fn scram_asks_for_the_password() {
    for security in [Security::SaslScram, Security::SaslScramTls] {
        let broker = Broker::start(&Options { security, ..Options::default() });
        let mut settings = broker.client_settings();
        assert_eq!(knock(&broker, &settings), Ok(()), "{security:?}");
        let password = settings.iter_mut().find(|(name, _)| *name == "sasl.password");
        password.expect("SCRAM has one").1.push('!');
        assert_eq!(knock(&broker, &settings), Err(RDKafkaErrorCode::Authentication), "{security:?}");
    }
}

/// Whether a client with these settings is let in, or why not.
fn knock(broker: &Broker, settings: &[(&'static str, String)]) -> Result<(), RDKafkaErrorCode> {
    /// The first error that is not only its consequence.
    #[derive(Default)]
    struct Refusal(Mutex<Option<RDKafkaErrorCode>>);

    impl ClientContext for Refusal {
        fn error(&self, error: KafkaError, _reason: &str) {
            let code = error.rdkafka_error_code().filter(|code| *code != RDKafkaErrorCode::AllBrokersDown);
            let mut first = self.0.lock().expect("no panic while it is held");
            *first = first.or(code);
        }

        fn log(&self, _level: RDKafkaLogLevel, _facility: &str, _message: &str) {}
    }

    impl ConsumerContext for Refusal {}

    let mut config = ClientConfig::new();
    config.set("bootstrap.servers", broker.bootstrap()).set("group.id", "knocking");
    for (name, value) in settings {
        config.set(*name, value);
    }
    let client: BaseConsumer<Refusal> = config.create_with_context(Refusal::default()).expect("valid");
    let mut answer = None;
    wait_until(10, "the broker lets us in, or does not", || {
        client.poll(Duration::ZERO);
        let refused = *client.context().0.lock().expect("no panic while it is held");
        let seen = client.fetch_metadata(None, Duration::from_millis(100));
        answer = seen.ok().map(|_| Ok(())).or(refused.map(Err));
        answer.is_some()
    });
    answer.expect("waited for")
}

#[test]
fn the_program_can_be_wounded() {
    let mut program = Program::start(&["replay", "-"], &[("NO_COLOR", "1")]);
    program.freeze();
    program.thaw();
    assert_eq!(program.ended(), None, "it waits for its input");
    program.kill();
    assert_eq!(program.wait(1).code(), None, "a signal ended it");

    let mut program = Program::start(&["replay", "-"], &[]);
    // The first signal asks, the second does not wait for the end of a read that never ends.
    wait_until(10, "it ends when it is asked twice", || {
        program.terminate();
        program.ended().is_some()
    });
    program.wait(1);

    let mut program = Program::start(&["schema"], &[]);
    assert!(program.wait(10).success());
    assert!(program.stdout().starts_with('{'), "{}", program.stdout());
    let mut program = Program::start(&["check", "missing.toml"], &[]);
    assert_eq!(program.wait(10).code(), Some(1));
    assert!(program.stderr().contains("missing.toml"), "{}", program.stderr());
}
