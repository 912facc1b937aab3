//! A member of a consumer group: who owns what is reported, never done by itself.

use std::ffi::CString;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rdkafka::TopicPartitionList;
use rdkafka::bindings as rd;

use super::client::{Client, Isolation, Options};
use super::ends::Ends;
use super::message::{Batch, Message};
use super::{Error, Offset, Result, millis, text};

/// How long librdkafka's own thread may take to note from where on it is to fetch.
const NOTED: Duration = Duration::from_secs(1);

/// What happened to the membership.
#[derive(Debug)]
pub enum Event {
    /// These partitions are ours now; nothing is read of one before it is [assigned](Consumer::assign).
    Assigned(Vec<(String, i32)>),
    /// These partitions are somebody else's soon, after [`Consumer::unassign`]. `lost`: they are already.
    Revoked {
        /// Which.
        partitions: Vec<(String, i32)>,
        /// Whether nothing may be written for them any more.
        lost: bool,
    },
    /// Something went wrong.
    Failed(Error),
}

/// A member of a consumer group. Whoever [polls](Consumer::poll) keeps the membership alive; all else may be called
/// from other threads.
pub struct Consumer {
    /// Messages and ends of all assigned partitions.
    messages: Queue,
    /// Everything else.
    events: Queue,
    ends: Mutex<Ends>,
    /// Last: it goes after its queues.
    client: Client,
}

struct Queue(*mut rd::rd_kafka_queue_t);

// SAFETY: librdkafka's queues lock for themselves.
unsafe impl Send for Queue {}
// SAFETY: as above.
unsafe impl Sync for Queue {}

impl Drop for Queue {
    fn drop(&mut self) {
        // SAFETY: ours to give back, once; the client still lives, it is dropped after its queues.
        unsafe { rd::rd_kafka_queue_destroy(self.0) };
    }
}

/// Who this member is, at one moment; transactions commit offsets with it.
pub struct GroupMetadata(*mut rd::rd_kafka_consumer_group_metadata_t);

// SAFETY: a plain copy that nobody else has.
unsafe impl Send for GroupMetadata {}

impl Consumer {
    /// Joins a group and asks for topics.
    pub fn join(
        options: &Options,
        group: &str,
        topics: &[String],
        ours: &[(&str, &str)],
    ) -> Result<Consumer> {
        let mut config = options.config(&[
            ("group.id", group),
            ("enable.auto.commit", "false"),
            ("enable.auto.offset.store", "false"),
            ("enable.partition.eof", "true"),
            ("auto.offset.reset", "error"),
            ("isolation.level", Isolation::Committed.name()),
            ("fetch.wait.max.ms", "20"),
            // A topic that grows is noticed that late; the default is five minutes.
            ("topic.metadata.refresh.interval.ms", "30000"),
            // Without it a partition whose local queue is full waits a second for its next fetch.
            ("fetch.queue.backoff.ms", "2"),
            ("queued.max.messages.kbytes", "16384"),
            ("queued.min.messages", "50000"),
        ]);
        for (name, value) in ours {
            config.set(*name, *value);
        }
        let events = rd::RD_KAFKA_EVENT_REBALANCE | rd::RD_KAFKA_EVENT_ERROR;
        let client = Client::new(rd::rd_kafka_type_t::RD_KAFKA_CONSUMER, &config, None, |conf| {
            // SAFETY: a valid configuration.
            unsafe { rd::rd_kafka_conf_set_events(conf, events) };
        })?;
        // SAFETY: a live consumer; both queues are given back before it goes.
        let (messages, events) = unsafe {
            rd::rd_kafka_poll_set_consumer(client.raw());
            (
                Queue(rd::rd_kafka_queue_new(client.raw())),
                Queue(rd::rd_kafka_queue_get_consumer(client.raw())),
            )
        };
        let mut list = TopicPartitionList::new();
        for topic in topics {
            list.add_partition(topic, -1);
        }
        // SAFETY: a live consumer and list.
        Error::check(unsafe { rd::rd_kafka_subscribe(client.raw(), list.ptr()) })?;
        Ok(Consumer { messages, events, ends: Mutex::default(), client })
    }

    /// Waits for messages, for at most `timeout`, takes up to `max` of those that are there, and all events.
    pub fn poll(&self, max: usize, timeout: Duration, batch: &mut Batch, events: &mut Vec<Event>) {
        while self.event(&self.events, Duration::ZERO, events) {}
        if !events.is_empty() {
            return;
        }
        // SAFETY: a live queue; the message is ours.
        let first = unsafe { Message::new(rd::rd_kafka_consume_queue(self.messages.0, millis(timeout))) };
        let Some(first) = first else { return };
        batch.push(first);
        let mut raw: Vec<*mut rd::rd_kafka_message_t> = Vec::with_capacity(max);
        // SAFETY: there is room for as many as are asked for, and as many as are said were written.
        unsafe {
            let count =
                rd::rd_kafka_consume_batch_queue(self.messages.0, 0, raw.as_mut_ptr(), max.saturating_sub(1));
            raw.set_len(count.max(0) as usize);
            batch.extend(raw.into_iter().filter_map(|message| Message::new(message)));
        }
        let again = self.ends().mind(batch, Message::seen);
        self.go_back(&again, Duration::ZERO);
    }

    fn ends(&self) -> MutexGuard<'_, Ends> {
        self.ends.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Has partitions fetched again from these offsets on, and waits until that is noted. One that is not assigned any
    /// more stays as it is.
    fn go_back(&self, to: &[Offset], wait: Duration) {
        let Ok(list) = list(to) else { return };
        if !to.is_empty() {
            // SAFETY: a live consumer and list; the error is taken, and says only that nothing was waited for.
            let _ = Error::take(unsafe {
                rd::rd_kafka_seek_partitions(self.client.raw(), list.ptr(), millis(wait))
            });
        }
    }

    /// Takes one event; whether there was one.
    fn event(&self, queue: &Queue, timeout: Duration, events: &mut Vec<Event>) -> bool {
        // SAFETY: a live queue; the event is destroyed below, after the last look at it.
        unsafe {
            let event = rd::rd_kafka_queue_poll(queue.0, millis(timeout));
            if event.is_null() {
                return false;
            }
            let error = rd::rd_kafka_event_error(event);
            match rd::rd_kafka_event_type(event) {
                rd::RD_KAFKA_EVENT_REBALANCE => {
                    let partitions = partitions(rd::rd_kafka_event_topic_partition_list(event));
                    let assigned = error == rd::rd_kafka_resp_err_t::RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS;
                    let lost = rd::rd_kafka_assignment_lost(self.client.raw()) != 0;
                    events.push(if assigned {
                        Event::Assigned(partitions)
                    } else {
                        Event::Revoked { partitions, lost }
                    });
                }
                rd::RD_KAFKA_EVENT_ERROR => {
                    if let Err(mut failed) = Error::check(error) {
                        failed.fatal = rd::rd_kafka_event_error_is_fatal(event) != 0;
                        failed.text = text(rd::rd_kafka_event_error_string(event));
                        events.push(Event::Failed(failed));
                    }
                }
                _ => {}
            }
            rd::rd_kafka_event_destroy(event);
        }
        true
    }

    /// Answers [`Event::Assigned`]: nothing is read yet.
    pub fn accept(&self) -> Result<()> {
        self.incrementally(&TopicPartitionList::new(), true)
    }

    /// Begins to read partitions from these offsets on.
    pub fn assign(&self, offsets: &[Offset]) -> Result<()> {
        for offset in offsets {
            self.ends().forget(&offset.topic, offset.partition);
            self.divert(&offset.topic, offset.partition)?;
        }
        self.incrementally(&list(offsets)?, true)
    }

    /// Answers [`Event::Revoked`], or stops reading: names only those partitions that were assigned.
    pub fn unassign(&self, partitions: &[(String, i32)]) -> Result<()> {
        let mut list = TopicPartitionList::new();
        for (topic, partition) in partitions {
            list.add_partition(topic, *partition);
        }
        partitions.iter().for_each(|(topic, partition)| self.ends().forget(topic, *partition));
        self.incrementally(&list, false)
    }

    fn incrementally(&self, list: &TopicPartitionList, assign: bool) -> Result<()> {
        // Before the answer all partitions are paused: nothing is fetched beyond the end, and no offset is out of range.
        self.go_back(self.ends().all(), NOTED);
        // SAFETY: a live consumer and list; the error is taken.
        let done = Error::take(unsafe {
            if assign {
                rd::rd_kafka_incremental_assign(self.client.raw(), list.ptr())
            } else {
                rd::rd_kafka_incremental_unassign(self.client.raw(), list.ptr())
            }
        });
        // If this has answered a rebalance, fetching began anew, and one record too far.
        self.go_back(self.ends().all(), Duration::ZERO);
        done
    }

    /// From now on the partition's messages go to the queue that is read in batches.
    fn divert(&self, topic: &str, partition: i32) -> Result<()> {
        let name =
            CString::new(topic).map_err(|_| Error::own("_INVALID_ARG", "a topic's name has a zero in it"))?;
        // SAFETY: a live consumer; the partition's queue is given back here, its forwarding stays.
        unsafe {
            let queue = rd::rd_kafka_queue_get_partition(self.client.raw(), name.as_ptr(), partition);
            if queue.is_null() {
                return Err(Error::own("_UNKNOWN_PARTITION", format!("{topic}/{partition} has no queue")));
            }
            rd::rd_kafka_queue_forward(queue, self.messages.0);
            rd::rd_kafka_queue_destroy(queue);
        }
        Ok(())
    }

    /// Commits offsets as this member, and waits: refused when the group has gone on without it.
    pub fn commit(&self, offsets: &[Offset]) -> Result<()> {
        let list = list(offsets)?;
        // SAFETY: a live consumer and list.
        Error::check(unsafe { rd::rd_kafka_commit(self.client.raw(), list.ptr(), 0) })?;
        for element in list.elements() {
            element.error().map_err(|error| Error::own(&code(&error), error.to_string()))?;
        }
        Ok(())
    }

    /// Who this member is now; `None` while it is no member.
    pub fn metadata(&self) -> Option<GroupMetadata> {
        // SAFETY: a live consumer; the copy is ours.
        let copy = unsafe { rd::rd_kafka_consumer_group_metadata(self.client.raw()) };
        let metadata = (!copy.is_null()).then_some(GroupMetadata(copy))?;
        // Kafka accepts a commit without generation and member while somebody else owns the partition.
        (metadata.generation() >= 0 && !metadata.member().is_empty()).then_some(metadata)
    }

    /// Whether the assignment was lost: somebody else may own the partitions already.
    pub fn is_lost(&self) -> bool {
        // SAFETY: a live consumer.
        unsafe { rd::rd_kafka_assignment_lost(self.client.raw()) != 0 }
    }

    /// Leaves the group, for at most `timeout`. Whether it was left in time.
    pub fn leave(&self, timeout: Duration) -> bool {
        // SAFETY: a live consumer and queue; closing again is refused and harmless.
        if Error::take(unsafe { rd::rd_kafka_consumer_close_queue(self.client.raw(), self.events.0) })
            .is_err()
        {
            return false;
        }
        // A revocation may still wait for its answer: of an assignment that was lost, nobody gave one. Without it closing never
        // ends, and librdkafka's thread goes round and round for as long as the process lives.
        // SAFETY: a live consumer that is closing, to which any assignment means none; the error is taken.
        let _ = Error::check(unsafe { rd::rd_kafka_assign(self.client.raw(), std::ptr::null()) });
        let (step, mut events) = (Duration::from_millis(20), Vec::new());
        for _ in 0..=timeout.as_millis() / step.as_millis() {
            // SAFETY: a live consumer.
            if unsafe { rd::rd_kafka_consumer_closed(self.client.raw()) } != 0 {
                return true;
            }
            self.event(&self.events, step, &mut events);
            for event in events.drain(..) {
                if let Event::Revoked { partitions, .. } = event {
                    let _ = self.unassign(&partitions).or_else(|_| self.unassign(&[]));
                }
            }
        }
        false
    }
}

impl GroupMetadata {
    pub(super) fn raw(&self) -> *const rd::rd_kafka_consumer_group_metadata_t {
        self.0
    }

    fn generation(&self) -> i32 {
        // SAFETY: a live copy.
        unsafe { rd::rd_kafka_consumer_group_metadata_generation_id(self.0) }
    }

    /// The member's id.
    pub fn member(&self) -> String {
        // SAFETY: a live copy, and a string in it.
        unsafe { text(rd::rd_kafka_consumer_group_metadata_member_id(self.0)) }
    }
}

impl Drop for GroupMetadata {
    fn drop(&mut self) {
        // SAFETY: ours to free, once.
        unsafe { rd::rd_kafka_consumer_group_metadata_destroy(self.0) };
    }
}

/// # Safety
/// Null, or a list that lives while this runs.
unsafe fn partitions(list: *const rd::rd_kafka_topic_partition_list_t) -> Vec<(String, i32)> {
    if list.is_null() {
        return Vec::new();
    }
    // SAFETY: as above; the list says how long it is.
    unsafe {
        let elements = (0..(*list).cnt as usize).map(|n| &*(*list).elems.add(n));
        elements.map(|element| (text(element.topic), element.partition)).collect()
    }
}

/// Offsets with their metadata as librdkafka takes them.
pub(super) fn list(offsets: &[Offset]) -> Result<TopicPartitionList> {
    let mut list = TopicPartitionList::with_capacity(offsets.len());
    for offset in offsets {
        let mut element = list.add_partition(&offset.topic, offset.partition);
        element
            .set_offset(rdkafka::Offset::Offset(offset.next_offset as i64))
            .map_err(|error| Error::own("_INVALID_ARG", error.to_string()))?;
        if !offset.metadata.is_empty() {
            element.set_metadata(&offset.metadata);
        }
    }
    Ok(list)
}

/// The name of a wrapped error's code.
pub(super) fn code(error: &rdkafka::error::KafkaError) -> String {
    let code = error.rdkafka_error_code().unwrap_or(rdkafka::types::RDKafkaErrorCode::Fail);
    // SAFETY: the wrapper's code was made from one of these, and has the same number.
    super::name(unsafe { std::mem::transmute::<i32, rd::rd_kafka_resp_err_t>(code as i32) })
}
