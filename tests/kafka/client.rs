//! What stands in Kafka? Topics, records and positions, as a client that is not under test sees them.
//!
//! All helpers take the address of a door without a lock, [`Broker::internal`], stop at the first surprise, and wait
//! 10 s at most for an answer, so that they may be called on a broker that is just coming back.
//!
//! [`Broker::internal`]: super::broker::Broker::internal

use std::collections::BTreeMap;
use std::ffi::c_char;
use std::future::Future;
use std::pin::pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::Thread;
use std::time::Duration;

use rdkafka::admin::{AdminClient, AdminOptions, NewPartitions, NewTopic, TopicReplication};
use rdkafka::client::{Client, DefaultClientContext};
use rdkafka::config::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::{KafkaError, KafkaResult, RDKafkaErrorCode};
use rdkafka::message::{BorrowedMessage, DeliveryResult, Headers, Message as _};
use rdkafka::producer::{BaseProducer, BaseRecord, Producer, ProducerContext, ThreadedProducer};
use rdkafka::{ClientContext, Offset, TopicPartitionList};

use super::Deadline;

/// How long an answer is waited for.
const ANSWER: Duration = Duration::from_secs(10);
/// How long all records of a [`produce`] or a [`read_committed`] may take.
const RECORDS_SECONDS: u64 = 120;

/// How long records may wait until the producer is told again where its broker is.
const REVIVE_SECONDS: u64 = 5;

/// A record as it stands in a topic.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    pub partition: i32,
    pub offset: i64,
    pub timestamp_ms: i64,
    pub key: Option<Vec<u8>>,
    /// `None` is a tombstone.
    pub payload: Option<Vec<u8>>,
    pub headers: Vec<(String, Vec<u8>)>,
}

/// Makes a topic, with one replica, and returns when all its partitions can be written.
pub fn create_topic(bootstrap: &str, name: &str, partitions: i32, config: &[(&str, &str)]) {
    let mut topic = NewTopic::new(name, partitions, TopicReplication::Fixed(1));
    topic.config = config.to_vec();
    let made = block_on(admin(bootstrap).create_topics([&topic], &in_time())).expect("the broker answers");
    assert_eq!(made, [Ok(name.to_string())]);
    assert_eq!(partitions_of(&reader(bootstrap), name).len(), usize::try_from(partitions).expect("positive"));
}

/// Gives a topic more partitions, and returns when all of them can be written.
pub fn grow_topic(bootstrap: &str, name: &str, partitions: i32) {
    let count = usize::try_from(partitions).expect("positive");
    let more = NewPartitions::new(name, count);
    let grown =
        block_on(admin(bootstrap).create_partitions([&more], &in_time())).expect("the broker answers");
    assert_eq!(grown, [Ok(name.to_string())]);
    let deadline = Deadline::in_seconds(ANSWER.as_secs());
    while partitions_of(&reader(bootstrap), name).len() < count {
        assert!(!deadline.has_passed(), "{name} does not grow");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// Writes records and returns how many when all are acknowledged. Each is a partition, if it matters, a key, a payload
/// and a time in milliseconds, if it matters.
pub fn produce<K: AsRef<[u8]>, P: AsRef<[u8]>>(
    bootstrap: &str,
    topic: &str,
    records: impl Iterator<Item = (Option<i32>, K, P, Option<i64>)>,
) -> usize {
    let producer: BaseProducer<Failures> = config(bootstrap)
        .set("enable.idempotence", "true")
        .set("compression.type", "lz4")
        .set("linger.ms", "5")
        .set("batch.size", "1000000")
        .set("queue.buffering.max.messages", "500000")
        .create_with_context(Failures::default())
        .expect("a valid configuration");
    let deadline = Deadline::in_seconds(RECORDS_SECONDS);
    let mut count = 0;
    for (partition, key, payload, timestamp_ms) in records {
        assert_ne!(timestamp_ms, Some(0), "librdkafka takes 0 for now");
        let mut record = BaseRecord::to(topic).key(key.as_ref()).payload(payload.as_ref());
        record.partition = partition;
        record.timestamp = timestamp_ms;
        while let Err((error, refused)) = producer.send(record) {
            assert_eq!(error.rdkafka_error_code(), Some(RDKafkaErrorCode::QueueFull), "{error}");
            assert!(!deadline.has_passed(), "after {RECORDS_SECONDS} s only {count} records are written");
            producer.poll(Duration::from_millis(1));
            record = refused;
        }
        count += 1;
        if count % 10_000 == 0 {
            producer.poll(Duration::ZERO);
        }
    }
    // Not `flush`: it takes 100 ms whatever there is to do, and does not tell of failures.
    let mut patience = Deadline::in_seconds(REVIVE_SECONDS);
    while producer.in_flight_count() > 0 {
        assert!(!deadline.has_passed(), "after {RECORDS_SECONDS} s not all of {count} records are written");
        if patience.has_passed() {
            patience = Deadline::in_seconds(REVIVE_SECONDS);
            revive(producer.client());
        }
        producer.poll(Duration::from_millis(1));
    }
    let failures = producer.context().failures();
    assert!(failures.is_empty(), "{} of {count} records failed, first: {}", failures.len(), failures[0]);
    count
}

/// Every record up to the stable end of every partition, ordered by partition and offset: what readers see who wait
/// for transactions to end.
pub fn read_committed(bootstrap: &str, topic: &str) -> Vec<Message> {
    let consumer = reader(bootstrap);
    let mut ends = ends(&consumer, topic);
    let mut assignment = TopicPartitionList::new();
    for &partition in ends.keys() {
        assignment.add_partition_offset(topic, partition, Offset::Beginning).expect("a valid offset");
    }
    consumer.assign(&assignment).expect("partitions can be assigned");
    ends.retain(|_, (low, stable)| low < stable);
    let deadline = Deadline::in_seconds(RECORDS_SECONDS);
    let mut messages = Vec::new();
    while !ends.is_empty() {
        assert!(!deadline.has_passed(), "after {RECORDS_SECONDS} s these ends are not reached: {ends:?}");
        match consumer.poll(Duration::from_millis(100)) {
            None => {}
            Some(Ok(message)) => {
                let at = message.partition();
                let end = ends.get(&at).map_or(0, |&(_, stable)| stable);
                if message.offset() < end {
                    messages.push(owned(&message));
                }
                // Markers of transactions take offsets, too: the last one may be no record's.
                if message.offset() + 1 >= end {
                    ends.remove(&at);
                }
            }
            Some(Err(KafkaError::PartitionEOF(partition))) => drop(ends.remove(&partition)),
            Some(Err(KafkaError::MessageConsumption(RDKafkaErrorCode::BrokerTransportFailure))) => {}
            Some(Err(error)) => panic!("reading {topic}: {error}"),
        }
    }
    messages.sort_by_key(|message| (message.partition, message.offset));
    messages
}

/// The next offset of every partition that a reader of committed records can reach: open transactions stand behind it.
pub fn stable_ends(bootstrap: &str, topic: &str) -> BTreeMap<i32, i64> {
    ends(&reader(bootstrap), topic).into_iter().map(|(partition, (_, stable))| (partition, stable)).collect()
}

/// Where a group stands in every partition for which it has committed: the next offset, and what it noted beside it.
/// Fails while offsets are pending in an open transaction.
pub fn committed(bootstrap: &str, group: &str, topic: &str) -> BTreeMap<i32, (i64, String)> {
    let consumer: BaseConsumer =
        config(bootstrap).set("group.id", group).create().expect("a valid configuration");
    let mut asked = TopicPartitionList::new();
    for partition in partitions_of(&consumer, topic) {
        asked.add_partition(topic, partition);
    }
    let answer =
        answered("the group's coordinator", &consumer, || consumer.committed_offsets(asked.clone(), ANSWER));
    let known = answer.elements().into_iter().filter_map(|element| match element.offset() {
        Offset::Offset(offset) => Some((element.partition(), (offset, element.metadata().to_string()))),
        _ => None,
    });
    known.collect()
}

/// Deletes what stands before these offsets, as retention would.
pub fn delete_records(bootstrap: &str, topic: &str, before: &[(i32, i64)]) {
    let mut offsets = TopicPartitionList::new();
    for &(partition, offset) in before {
        offsets.add_partition_offset(topic, partition, Offset::Offset(offset)).expect("a valid offset");
    }
    let deleted =
        block_on(admin(bootstrap).delete_records(&offsets, &in_time())).expect("the broker answers");
    for element in deleted.elements() {
        element.error().unwrap_or_else(|error| panic!("{topic} [{}]: {error}", element.partition()));
    }
}

/// Deletes a group without members, with all that it has committed.
pub fn delete_group(bootstrap: &str, group: &str) {
    let deleted = block_on(admin(bootstrap).delete_groups(&[group], &in_time())).expect("the broker answers");
    assert_eq!(deleted, [Ok(group.to_string())]);
}

/// Has the broker make what it needs for transactions.
pub fn begin_first_transaction(bootstrap: &str) {
    // If it fails, a test that needs it will say so.
    let _ = transactional(bootstrap, "first").init_transactions(ANSWER);
}

/// A producer of transactions that serves its own events: aborting waits for them.
pub fn transactional(bootstrap: &str, id: &str) -> ThreadedProducer<Failures> {
    let mut config = config(bootstrap);
    config.set("transactional.id", id).set("retry.backoff.ms", "5");
    config.create_with_context(Failures::default()).expect("a valid configuration")
}

/// What every client here has in common.
pub fn config(bootstrap: &str) -> ClientConfig {
    let mut config = ClientConfig::new();
    config.set("bootstrap.servers", bootstrap);
    // A broker that was killed is back within seconds.
    config.set("reconnect.backoff.ms", "20").set("reconnect.backoff.max.ms", "200");
    config
}

/// Tells a client once more where its broker is. One that asks a broker which was frozen a moment ago may be told that there are
/// no brokers, and then never asks again.
#[expect(unsafe_code, reason = "the wrapper crate leaves this call out")]
pub fn revive<C: ClientContext>(client: &Client<C>) {
    let (mut at, mut size) = ([0 as c_char; 256], 256);
    // SAFETY: a live client and its own configuration; the buffer is as long as is said, and what is in it is terminated.
    unsafe {
        let conf = rdkafka::bindings::rd_kafka_conf(client.native_ptr());
        let name = c"bootstrap.servers";
        rdkafka::bindings::rd_kafka_conf_get(conf, name.as_ptr(), at.as_mut_ptr(), &mut size);
        rdkafka::bindings::rd_kafka_brokers_add(client.native_ptr(), at.as_ptr());
    }
}

fn admin(bootstrap: &str) -> AdminClient<DefaultClientContext> {
    config(bootstrap).create().expect("a valid configuration")
}

fn in_time() -> AdminOptions {
    AdminOptions::new().request_timeout(Some(ANSWER)).operation_timeout(Some(ANSWER))
}

/// A consumer that belongs to no group, for it never commits; librdkafka wants a name all the same.
fn reader(bootstrap: &str) -> BaseConsumer {
    config(bootstrap)
        .set("group.id", "reader")
        .set("enable.auto.commit", "false")
        .set("enable.partition.eof", "true")
        .set("isolation.level", "read_committed")
        // The end of a partition is noticed by an empty answer: have it at once.
        .set("fetch.wait.max.ms", "10")
        .set("fetch.queue.backoff.ms", "2")
        .create()
        .expect("a valid configuration")
}

/// The partitions of a topic, when all of them have a leader.
fn partitions_of(consumer: &BaseConsumer, topic: &str) -> Vec<i32> {
    let deadline = Deadline::in_seconds(ANSWER.as_secs());
    loop {
        let metadata = answered("the broker", consumer, || consumer.fetch_metadata(Some(topic), ANSWER));
        let partitions = metadata.topics()[0].partitions();
        if !partitions.is_empty() && partitions.iter().all(|partition| partition.leader() >= 0) {
            return partitions.iter().map(|partition| partition.id()).collect();
        }
        assert!(!deadline.has_passed(), "there is no topic {topic}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// Asks again until there is an answer: a broker that was wounded leads and coordinates nothing for a moment.
fn answered<T>(who: &str, consumer: &BaseConsumer, mut ask: impl FnMut() -> KafkaResult<T>) -> T {
    // Longer than one try may take.
    let deadline = Deadline::in_seconds(2 * ANSWER.as_secs());
    loop {
        match ask() {
            Ok(answer) => return answer,
            Err(error) => {
                assert!(!deadline.has_passed(), "{who} does not answer: {error}");
                revive(consumer.client());
            }
        }
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// First offset and stable end of every partition.
fn ends(consumer: &BaseConsumer, topic: &str) -> BTreeMap<i32, (i64, i64)> {
    let ends = partitions_of(consumer, topic).into_iter().map(|partition| {
        (partition, answered("the leader", consumer, || consumer.fetch_watermarks(topic, partition, ANSWER)))
    });
    ends.collect()
}

fn owned(message: &BorrowedMessage) -> Message {
    let headers = message.headers().into_iter().flat_map(|headers| headers.iter());
    Message {
        partition: message.partition(),
        offset: message.offset(),
        timestamp_ms: message.timestamp().to_millis().expect("a broker gives every record a time"),
        key: message.key().map(<[u8]>::to_vec),
        payload: message.payload().map(<[u8]>::to_vec),
        headers: headers
            .map(|header| (header.key.to_string(), header.value.unwrap_or_default().to_vec()))
            .collect(),
    }
}

/// What could not be delivered.
#[derive(Default)]
pub struct Failures(Mutex<Vec<KafkaError>>);

impl Failures {
    pub fn failures(&self) -> Vec<KafkaError> {
        self.0.lock().expect("no panic while it is held").clone()
    }
}

impl ClientContext for Failures {}

impl ProducerContext for Failures {
    type DeliveryOpaque = ();

    fn delivery(&self, result: &DeliveryResult<'_>, (): ()) {
        if let Err((error, _)) = result {
            self.0.lock().expect("no panic while it is held").push(error.clone());
        }
    }
}

/// Runs a future on this thread. librdkafka has threads of its own; what is awaited here is their answer.
fn block_on<F: Future>(future: F) -> F::Output {
    struct Unpark(Thread);
    impl Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }
    let mut future = pin!(future);
    let waker = Waker::from(Arc::new(Unpark(std::thread::current())));
    loop {
        match future.as_mut().poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(output) => return output,
            Poll::Pending => std::thread::park(),
        }
    }
}
