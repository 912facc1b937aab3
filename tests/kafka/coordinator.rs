//! What does a commit do while nobody knows who keeps the group's offsets?

use std::time::Duration;

use rdkafka::mocking::MockCluster;
use rdkafka::types::{RDKafkaApiKey, RDKafkaRespErr};
use watchbell::kafka::{Batch, Consumer, GroupMetadata, Offset, Options, Output, Producer};

use super::wait_until;

const ANSWER: Duration = Duration::from_secs(10);
/// How long the call may take where it is told to wait for one second: that one, and what it takes to be found out.
const AT_MOST: Duration = Duration::from_secs(5);

/// Joins the group; who this member is then.
fn member(consumer: &Consumer) -> GroupMetadata {
    let (mut batch, mut events, mut found) = (Batch::new(), Vec::new(), None);
    wait_until(30, "the group takes the member in", || {
        consumer.poll(1, Duration::from_millis(50), &mut batch, &mut events);
        if !events.is_empty() {
            events.clear();
            consumer.accept().expect("it is a member");
        }
        found = consumer.metadata();
        found.is_some()
    });
    found.expect("waited for")
}

/// librdkafka asks three times within some ten milliseconds who the coordinator is, and then never again, whatever
/// time it was given (its issue 5456).
#[test]
fn a_coordinator_that_is_away_for_a_moment_holds_no_commit_up_for_ever() {
    let cluster = MockCluster::new(1).expect("a loopback port");
    cluster.create_topic("in", 1, 1).expect("a new topic");
    cluster.create_topic("out", 1, 1).expect("a new topic");
    let options = Options { bootstrap: cluster.bootstrap_servers(), passed_on: Vec::new() };
    let consumer = Consumer::join(&options, "g", &["in".into()], &[]).expect("a valid configuration");
    let group = member(&consumer);
    let producer = Producer::new(&options, Some("p"), &[]).expect("a valid configuration");
    producer.init(ANSWER).expect("the coordinator answers");
    producer.begin().expect("none is open");
    let output = Output {
        topic: "out",
        partition: Some(0),
        key: b"",
        payload: b"said",
        timestamp_ms: None,
        headers: &[],
    };
    producer.send(&output).expect("the queue has room");
    let away = RDKafkaRespErr::RD_KAFKA_RESP_ERR_COORDINATOR_NOT_AVAILABLE;
    cluster.request_errors(RDKafkaApiKey::FindCoordinator, &[away; 3]);

    let (done, waiting) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        let offsets = [Offset { topic: "in".into(), partition: 0, next_offset: 1, metadata: String::new() }];
        let sent = producer.send_offsets(&offsets, &group, Duration::from_secs(1));
        let committed = sent.and_then(|()| producer.commit(ANSWER));
        let _ = done.send(committed);
    });
    let committed = waiting.recv_timeout(AT_MOST).expect("the call comes back");
    assert!(committed.is_ok(), "{committed:?}");
}
