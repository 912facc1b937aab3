//! What was read: messages that still lie where librdkafka put them.

use std::ptr::NonNull;

use rdkafka::bindings as rd;

use super::ends::Seen;
use super::name;

/// A message, or the end of a partition. Its bytes are librdkafka's, and freed with it.
pub struct Message(NonNull<rd::rd_kafka_message_t>);

// SAFETY: a message belongs to whoever has it, and may be read and freed by any thread.
unsafe impl Send for Message {}

/// Messages in the order in which they were read.
pub type Batch = Vec<Message>;

impl Message {
    /// # Safety
    /// The message must be ours to free.
    pub(super) unsafe fn new(raw: *mut rd::rd_kafka_message_t) -> Option<Message> {
        NonNull::new(raw).map(Message)
    }

    fn raw(&self) -> &rd::rd_kafka_message_t {
        // SAFETY: it lives as long as this does.
        unsafe { self.0.as_ref() }
    }

    /// Its topic.
    pub fn topic(&self) -> &str {
        // SAFETY: the name lives in the topic, which lives with its client; messages are dropped before.
        unsafe {
            let name = rd::rd_kafka_topic_name(self.raw().rkt);
            if name.is_null() { "" } else { std::ffi::CStr::from_ptr(name).to_str().unwrap_or("") }
        }
    }

    /// Its partition.
    pub fn partition(&self) -> i32 {
        self.raw().partition
    }

    /// Its offset; of an end, the offset that comes next.
    pub fn offset(&self) -> u64 {
        self.raw().offset.max(0) as u64
    }

    /// Whether it is no message, but says that the end of the partition was reached.
    pub fn is_end(&self) -> bool {
        self.raw().err == rd::rd_kafka_resp_err_t::RD_KAFKA_RESP_ERR__PARTITION_EOF
    }

    /// What the memory of ends must know of it; nothing of an error.
    pub(super) fn seen(&self) -> Option<Seen<'_>> {
        let is_end = self.is_end();
        let is_record = self.raw().err == rd::rd_kafka_resp_err_t::RD_KAFKA_RESP_ERR_NO_ERROR;
        let (topic, partition, offset) = (self.topic(), self.partition(), self.offset());
        (is_end || is_record).then_some(Seen { topic, partition, offset, is_end })
    }

    /// What went wrong with the partition, if it is neither a message nor an end: code and words.
    pub fn error(&self) -> Option<(String, String)> {
        let is_none = self.raw().err == rd::rd_kafka_resp_err_t::RD_KAFKA_RESP_ERR_NO_ERROR;
        (!is_none && !self.is_end())
            .then(|| (name(self.raw().err), String::from_utf8_lossy(self.payload()).into_owned()))
    }

    /// Its bytes; empty for a tombstone.
    pub fn payload(&self) -> &[u8] {
        bytes(self, self.raw().payload, self.raw().len)
    }

    /// Its key.
    pub fn key(&self) -> &[u8] {
        bytes(self, self.raw().key, self.raw().key_len)
    }

    /// The broker's timestamp of it in milliseconds since 1970.
    pub fn timestamp_ms(&self) -> Option<i64> {
        let mut kind = rd::rd_kafka_timestamp_type_t::RD_KAFKA_TIMESTAMP_NOT_AVAILABLE;
        // SAFETY: a live message, and a place for the kind.
        let ms = unsafe { rd::rd_kafka_message_timestamp(self.0.as_ptr(), &mut kind) };
        (kind != rd::rd_kafka_timestamp_type_t::RD_KAFKA_TIMESTAMP_NOT_AVAILABLE && ms >= 0).then_some(ms)
    }

    /// Its headers, in order; the values are bytes.
    pub fn headers(&self) -> Vec<(&str, &[u8])> {
        let mut headers = std::ptr::null_mut();
        let mut found = Vec::new();
        // SAFETY: a live message; names and values live as long as it does.
        unsafe {
            if rd::rd_kafka_message_headers(self.0.as_ptr(), &mut headers)
                != rd::rd_kafka_resp_err_t::RD_KAFKA_RESP_ERR_NO_ERROR
            {
                return found;
            }
            let (mut name, mut value, mut len) = (std::ptr::null(), std::ptr::null(), 0);
            while rd::rd_kafka_header_get_all(headers, found.len(), &mut name, &mut value, &mut len)
                == rd::rd_kafka_resp_err_t::RD_KAFKA_RESP_ERR_NO_ERROR
            {
                let name = std::ffi::CStr::from_ptr(name).to_str().unwrap_or("");
                found.push((name, bytes(self, value.cast_mut(), len)));
            }
        }
        found
    }
}

fn bytes(_owner: &Message, at: *mut std::ffi::c_void, len: usize) -> &[u8] {
    if at.is_null() {
        return &[];
    }
    // SAFETY: librdkafka gives a pointer with its length, and both live as long as the message.
    unsafe { std::slice::from_raw_parts(at.cast::<u8>(), len) }
}

impl Drop for Message {
    fn drop(&mut self) {
        // SAFETY: ours to free, once.
        unsafe { rd::rd_kafka_message_destroy(self.0.as_ptr()) };
    }
}
