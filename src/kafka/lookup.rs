//! What stands where? Ends of logs, committed offsets, and a partition read to its end, by nobody's member.

use std::time::Duration;

use rdkafka::TopicPartitionList;
use rdkafka::bindings as rd;

use super::client::{Client, Isolation, Options};
use super::consumer::code;
use super::message::Message;
use super::{Error, Result, millis};

/// How long a message is waited for before somebody is asked whether to go on.
const STEP: Duration = Duration::from_millis(100);

/// A reader that is no member of any group.
pub struct Lookup {
    client: Client,
}

/// What a group has committed for a partition: the offset, and what was kept beside it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Committed {
    /// The offset of the next record.
    pub next_offset: u64,
    /// What is kept beside it.
    pub metadata: String,
}

impl Lookup {
    /// A reader. `group` is whose committed offsets it sees.
    pub fn new(options: &Options, group: &str, isolation: Isolation) -> Result<Lookup> {
        let config = options.config(&[
            ("group.id", group),
            ("enable.auto.commit", "false"),
            ("enable.partition.eof", "true"),
            ("auto.offset.reset", "earliest"),
            ("isolation.level", isolation.name()),
            ("fetch.wait.max.ms", "10"),
            ("queued.max.messages.kbytes", "16384"),
            ("fetch.queue.backoff.ms", "2"),
            ("socket.timeout.ms", "10000"),
        ]);
        let client = Client::new(rd::rd_kafka_type_t::RD_KAFKA_CONSUMER, &config, None, |_| ())?;
        Ok(Lookup { client })
    }

    /// The ends of partitions: of the committed records up to the first open transaction, or of all, as the reader was
    /// made. Asked of the brokers, never of a memory.
    pub fn ends(&self, partitions: &[(String, i32)], timeout: Duration) -> Result<Vec<u64>> {
        self.offsets_at(partitions, rd::RD_KAFKA_OFFSET_END as i64, timeout)
    }

    /// The first offsets that are still there.
    pub fn beginnings(&self, partitions: &[(String, i32)], timeout: Duration) -> Result<Vec<u64>> {
        self.offsets_at(partitions, rd::RD_KAFKA_OFFSET_BEGINNING as i64, timeout)
    }

    fn offsets_at(&self, partitions: &[(String, i32)], at: i64, timeout: Duration) -> Result<Vec<u64>> {
        if partitions.is_empty() {
            return Ok(Vec::new());
        }
        let list = named(partitions);
        // SAFETY: a live consumer and list, whose elements are ours to set.
        unsafe {
            for n in 0..partitions.len() {
                (*(*list.ptr()).elems.add(n)).offset = at;
            }
            Error::check(rd::rd_kafka_offsets_for_times(self.client.raw(), list.ptr(), millis(timeout)))?;
            let element = |n: usize| &*(*list.ptr()).elems.add(n);
            (0..partitions.len())
                .map(|n| Error::check(element(n).err).map(|()| element(n).offset.max(0) as u64))
                .collect()
        }
    }

    /// Asks the brokers anew who leads what: librdkafka remembers that for minutes, also when it is told that it is wrong.
    pub fn refresh(&self, timeout: Duration) -> Result<()> {
        let mut found: *const rd::rd_kafka_metadata = std::ptr::null();
        // SAFETY: a live consumer; what is found is given back, and not looked at.
        unsafe {
            let asked = rd::rd_kafka_metadata(
                self.client.raw(),
                0,
                std::ptr::null_mut(),
                &mut found,
                millis(timeout),
            );
            Error::check(asked)?;
            rd::rd_kafka_metadata_destroy(found);
        }
        Ok(())
    }

    /// What the group has committed. A transaction that has not ended is waited for by a reader of the committed.
    pub fn committed(&self, topic: &str, partition: i32, timeout: Duration) -> Result<Option<Committed>> {
        let found = self.all_committed(&[(topic.to_owned(), partition)], timeout)?;
        Ok(found.into_iter().next().flatten())
    }

    /// The same of several partitions, in their order.
    pub fn all_committed(
        &self,
        partitions: &[(String, i32)],
        timeout: Duration,
    ) -> Result<Vec<Option<Committed>>> {
        let list = named(partitions);
        // SAFETY: a live consumer and list.
        Error::check(unsafe { rd::rd_kafka_committed(self.client.raw(), list.ptr(), millis(timeout)) })?;
        let committed = |element: rdkafka::topic_partition_list::TopicPartitionListElem<'_>| {
            let refused = |error| Error { retriable: true, ..Error::own(&code(&error), error.to_string()) };
            element.error().map_err(refused)?;
            Ok(match element.offset() {
                rdkafka::Offset::Offset(offset) => Some(Committed {
                    next_offset: offset.max(0) as u64,
                    metadata: element.metadata().to_owned(),
                }),
                _ => None,
            })
        };
        list.elements().into_iter().map(committed).collect()
    }

    /// Reads a partition from an offset to its end, and to `until` at least: a transaction that is open before it is waited
    /// for. Returns the offset after it. `visit` gets every message, and says whether to go on; nothing for `patience` is
    /// an error, and so is waiting for a transaction when it is to `stop`.
    pub fn read(
        &self,
        (topic, partition): (&str, i32),
        (from, until): (u64, u64),
        patience: Duration,
        stop: &dyn Fn() -> bool,
        visit: &mut dyn FnMut(&Message) -> bool,
    ) -> Result<u64> {
        let mut list = TopicPartitionList::new();
        list.add_partition(topic, partition)
            .set_offset(rdkafka::Offset::Offset(from as i64))
            .map_err(|error| Error::own("_INVALID_ARG", error.to_string()))?;
        // SAFETY: a live consumer and list.
        Error::check(unsafe { rd::rd_kafka_assign(self.client.raw(), list.ptr()) })?;
        let read = self.to_the_end((from, until), patience, stop, visit);
        // SAFETY: a live consumer; an empty assignment.
        unsafe { rd::rd_kafka_assign(self.client.raw(), std::ptr::null()) };
        read
    }

    fn to_the_end(
        &self,
        (from, until): (u64, u64),
        patience: Duration,
        stop: &dyn Fn() -> bool,
        visit: &mut dyn FnMut(&Message) -> bool,
    ) -> Result<u64> {
        let (mut next, mut waited) = (from, Duration::ZERO);
        // Set when there is an end before the one that is wanted.
        let mut stands_at = None;
        loop {
            // SAFETY: a live consumer; the message is ours.
            let message =
                unsafe { Message::new(rd::rd_kafka_consumer_poll(self.client.raw(), millis(STEP))) };
            let Some(message) = message else {
                waited += STEP;
                // Only a transaction may take that long: what is there is read in any case.
                if waited < patience && !(stands_at.is_some() && stop()) {
                    continue;
                }
                let text = silence(waited, stands_at, until);
                return Err(Error { retriable: true, ..Error::own("_TIMED_OUT", text) });
            };
            waited = Duration::ZERO;
            if message.is_end() {
                next = next.max(message.offset());
                if next >= until {
                    return Ok(next);
                }
                stands_at = Some(next);
                continue;
            }
            match message.error() {
                // librdkafka goes on by itself.
                Some((code, _)) if code.starts_with("_TRANSPORT") || code == "_ALL_BROKERS_DOWN" => {}
                Some((code, text)) => return Err(Error::own(&code, text)),
                None => {
                    next = message.offset() + 1;
                    if !visit(&message) {
                        return Ok(next);
                    }
                }
            }
        }
    }
}

/// A transaction ends at its timeout at the latest, unless the brokers forgot one partition of it: Kafka 4.3.1, killed
/// between the two, was seen to call one complete whose marker one partition never got. KIP-664 has the remedy.
fn silence(waited: Duration, stands_at: Option<u64>, until: u64) -> String {
    let seconds = waited.as_secs();
    match stands_at {
        Some(next) => format!(
            "a transaction has been open at offset {next} for {seconds} s, and what stands up to {until} is to be read; one \
             that outlives its timeout is ended with `kafka-transactions.sh abort`"
        ),
        None => format!(
            "nothing came for {seconds} s, and not the end either; if the brokers answer others, look for a transaction \
             with `kafka-transactions.sh find-hanging`"
        ),
    }
}

fn named(partitions: &[(String, i32)]) -> TopicPartitionList {
    let mut list = TopicPartitionList::with_capacity(partitions.len());
    for (topic, partition) in partitions {
        list.add_partition(topic, *partition);
    }
    list
}
