//! How do we speak with Kafka? librdkafka, bare: what the wrapper crate leaves out, and nothing that knows an event.
//!
//! Ground rules: the only room with `unsafe` in it, one block for each call, each with its reason; nothing here decides,
//! retries or sleeps for longer than it was told; every handle may be shared between threads, as librdkafka allows; and
//! whatever is given back owns what it points to.
//!
//! ```text
//!   Client ─┬─ Consumer: a member of a group. Batches of messages, events, offsets with metadata
//!           ├─ Producer: transactions or plain idempotence, and what was delivered up to where
//!           └─ Lookup:   ends of logs, committed offsets, a log read to its end; no member of anything
//! ```
//!
//! Why not the wrapper's consumer and producer: they read one message at a time (twice the cost), drop the offset of an
//! end-of-partition event, know neither generation nor member, and take 100 ms and more for every commit.

#![expect(
    unsafe_code,
    reason = "librdkafka is written in C, and the wrapper crate leaves out what exactness needs"
)]

use std::ffi::CStr;
use std::fmt;

use rdkafka::bindings as rd;

mod admin;
mod client;
mod consumer;
mod ends;
pub mod lines;
mod logs;
mod lookup;
mod message;
mod mock;
mod producer;

pub use admin::{Admin, TopicFacts};
pub use client::{Client, Isolation, Options, revive};
pub use consumer::{Consumer, Event, GroupMetadata};
pub use logs::Logs;
pub use lookup::{Committed, Lookup};
pub use message::{Batch, Message};
pub use mock::Mock;
pub use producer::{Output, Producer};

/// A partition of a topic, and an offset in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Offset {
    /// The topic.
    pub topic: String,
    /// The partition.
    pub partition: i32,
    /// The offset of the next record.
    pub next_offset: u64,
    /// What is kept beside it; empty: nothing.
    pub metadata: String,
}

/// Why Kafka did not do what it was asked to.
#[derive(Clone, PartialEq, Eq)]
pub struct Error {
    /// librdkafka's name of it: `_TIMED_OUT`, `ILLEGAL_GENERATION`.
    pub code: String,
    /// What it says.
    pub text: String,
    /// The handle is of no use any more.
    pub fatal: bool,
    /// The same call again will go on where it stopped.
    pub retriable: bool,
    /// The transaction must be given up.
    pub must_abort: bool,
}

/// A result of Kafka's.
pub type Result<T> = std::result::Result<T, Error>;

impl Error {
    /// An error of ours, where librdkafka has none.
    pub(crate) fn own(code: &str, text: impl Into<String>) -> Error {
        Error { code: code.into(), text: text.into(), fatal: false, retriable: false, must_abort: false }
    }

    /// From a response code; `Ok` if it is none.
    fn check(code: rd::rd_kafka_resp_err_t) -> Result<()> {
        if code == rd::rd_kafka_resp_err_t::RD_KAFKA_RESP_ERR_NO_ERROR {
            return Ok(());
        }
        let retriable = matches!(
            code,
            rd::rd_kafka_resp_err_t::RD_KAFKA_RESP_ERR__TIMED_OUT
                | rd::rd_kafka_resp_err_t::RD_KAFKA_RESP_ERR__TRANSPORT
                | rd::rd_kafka_resp_err_t::RD_KAFKA_RESP_ERR__WAIT_COORD
                | rd::rd_kafka_resp_err_t::RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN
                | rd::rd_kafka_resp_err_t::RD_KAFKA_RESP_ERR_REQUEST_TIMED_OUT
                | rd::rd_kafka_resp_err_t::RD_KAFKA_RESP_ERR_NOT_COORDINATOR
                | rd::rd_kafka_resp_err_t::RD_KAFKA_RESP_ERR_COORDINATOR_NOT_AVAILABLE
                | rd::rd_kafka_resp_err_t::RD_KAFKA_RESP_ERR_COORDINATOR_LOAD_IN_PROGRESS
                | rd::rd_kafka_resp_err_t::RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE
                | rd::rd_kafka_resp_err_t::RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION
                | rd::rd_kafka_resp_err_t::RD_KAFKA_RESP_ERR_UNSTABLE_OFFSET_COMMIT
        );
        Err(Error { code: name(code), text: words(code), fatal: false, retriable, must_abort: false })
    }

    /// From an error object, which is destroyed; `Ok` if it is none.
    fn take(error: *mut rd::rd_kafka_error_t) -> Result<()> {
        if error.is_null() {
            return Ok(());
        }
        // SAFETY: not null, ours alone, and destroyed after the last look at it.
        let taken = unsafe {
            let taken = Error {
                code: text(rd::rd_kafka_error_name(error)),
                text: text(rd::rd_kafka_error_string(error)),
                fatal: rd::rd_kafka_error_is_fatal(error) != 0,
                retriable: rd::rd_kafka_error_is_retriable(error) != 0,
                must_abort: rd::rd_kafka_error_txn_requires_abort(error) != 0,
            };
            rd::rd_kafka_error_destroy(error);
            taken
        };
        Err(taken)
    }

    /// Whether another producer or consumer has taken this one's place.
    pub fn is_fenced(&self) -> bool {
        matches!(
            self.code.as_str(),
            "_FENCED" | "PRODUCER_FENCED" | "INVALID_PRODUCER_EPOCH" | "FENCED_INSTANCE_ID"
        )
    }

    /// Whether the group has gone on without this member.
    pub fn is_left_behind(&self) -> bool {
        matches!(
            self.code.as_str(),
            "UNKNOWN_MEMBER_ID"
                | "ILLEGAL_GENERATION"
                | "REBALANCE_IN_PROGRESS"
                | "FENCED_MEMBER_EPOCH"
                | "STALE_MEMBER_EPOCH"
        )
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.text, self.code)
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let flags =
            [(self.fatal, " fatal"), (self.retriable, " retriable"), (self.must_abort, " must abort")];
        write!(f, "{self}")?;
        flags.iter().filter(|(set, _)| *set).try_for_each(|(_, flag)| f.write_str(flag))
    }
}

impl std::error::Error for Error {}

/// A C string of librdkafka's as ours; empty where there is none.
///
/// # Safety
/// Null, or a terminated string that lives while this runs.
unsafe fn text(from: *const std::ffi::c_char) -> String {
    if from.is_null() {
        return String::new();
    }
    // SAFETY: as above.
    unsafe { CStr::from_ptr(from) }.to_string_lossy().into_owned()
}

fn name(code: rd::rd_kafka_resp_err_t) -> String {
    // SAFETY: a static string for every code.
    unsafe { text(rd::rd_kafka_err2name(code)) }
}

fn words(code: rd::rd_kafka_resp_err_t) -> String {
    // SAFETY: a static string for every code.
    unsafe { text(rd::rd_kafka_err2str(code)) }
}

/// A length of time as librdkafka takes it.
fn millis(timeout: std::time::Duration) -> i32 {
    timeout.as_millis().min(i32::MAX as u128) as i32
}
