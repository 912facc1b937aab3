//! What is written: in transactions, or plainly and idempotently, with a record of what was delivered up to where.

use std::collections::HashMap;
use std::ffi::{CString, c_char, c_void};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use rdkafka::bindings as rd;

use super::client::{Client, Options};
use super::consumer::{GroupMetadata, list};
use super::{Error, Offset, Result, millis, text};

/// A record to be written.
#[derive(Clone, Copy, Debug)]
pub struct Output<'a> {
    /// Where to.
    pub topic: &'a str,
    /// Which partition; `None`: by the key, as the Java client would.
    pub partition: Option<i32>,
    /// The key; empty: none.
    pub key: &'a [u8],
    /// The bytes.
    pub payload: &'a [u8],
    /// The time it carries, in milliseconds since 1970; `None`: now.
    pub timestamp_ms: Option<i64>,
    /// Headers.
    pub headers: &'a [(&'a str, &'a [u8])],
}

/// A producer.
pub struct Producer {
    reports: Arc<Reports>,
    stop: Arc<AtomicBool>,
    /// Serves delivery reports: commit, abort and flush wait for them.
    serving: Option<JoinHandle<()>>,
    client: Client,
}

/// What the brokers said of the records written.
#[derive(Default)]
struct Reports {
    /// The offset after the last one delivered, by topic and partition.
    delivered: Mutex<HashMap<(String, i32), u64>>,
    /// The first that was not delivered, until it is asked for.
    failed: Mutex<Option<Error>>,
}

/// How long nothing may be said on a connection of a transactional producer, in milliseconds: longer than the second
/// between two cuts of a quiet log, and short, for a commit may be waiting for it.
const IDLE_MS: &str = "1500";
/// How long a full queue is waited for before the caller hears of it.
const QUEUE_FULL_TRIES: u32 = 5_000;

impl Producer {
    /// A producer; with a transactional id it writes in transactions.
    pub fn new(options: &Options, transactional_id: Option<&str>, ours: &[(&str, &str)]) -> Result<Producer> {
        let mut config = options.config(&[
            ("enable.idempotence", "true"),
            ("compression.type", "lz4"),
            ("partitioner", "murmur2_random"),
            ("linger.ms", "5"),
        ]);
        for (name, value) in ours {
            config.set(*name, *value);
        }
        if let Some(id) = transactional_id {
            config.set("transactional.id", id);
            // A commit right after another is told to come back, and would wait for 100 ms.
            config.set("retry.backoff.ms", "5").set("retry.backoff.max.ms", "100");
            // While nobody coordinates the group, librdkafka asks three times who does, and then not until a connection
            // comes or goes, whatever time it was given (its issue 5456). A connection that nothing is said on goes.
            config.set("connections.max.idle.ms", IDLE_MS);
        }
        let reports = Arc::new(Reports::default());
        let opaque = Arc::as_ptr(&reports).cast_mut().cast::<c_void>();
        let kept: Arc<dyn Send + Sync> = reports.clone();
        let client = Client::new(rd::rd_kafka_type_t::RD_KAFKA_PRODUCER, &config, Some(kept), |conf| {
            // SAFETY: a valid configuration; the reports live as long as the handle.
            unsafe {
                rd::rd_kafka_conf_set_opaque(conf, opaque);
                rd::rd_kafka_conf_set_dr_msg_cb(conf, Some(delivered));
            }
        })?;
        let stop = Arc::new(AtomicBool::new(false));
        let (handle, stopping) = (client.raw() as usize, stop.clone());
        let serve = move || {
            while !stopping.load(Ordering::Relaxed) {
                // SAFETY: the thread is joined before the handle goes.
                unsafe { rd::rd_kafka_poll(handle as *mut rd::rd_kafka_t, 50) };
            }
        };
        let serving = std::thread::Builder::new().name("kafka-reports".into()).spawn(serve);
        let serving = Some(serving.map_err(|error| Error::own("_FAIL", error.to_string()))?);
        Ok(Producer { reports, stop, serving, client })
    }

    /// Writes a record, into the transaction that is open where there are transactions. It is sent later; a queue that
    /// is full is waited for.
    pub fn send(&self, output: &Output<'_>) -> Result<()> {
        let topic = zero_ended(output.topic)?;
        let names: Vec<CString> =
            output.headers.iter().map(|(name, _)| zero_ended(name)).collect::<Result<_>>()?;
        let mut parts = vec![
            part(rd::rd_kafka_vtype_t::RD_KAFKA_VTYPE_TOPIC, |u| u.cstr = topic.as_ptr()),
            part(rd::rd_kafka_vtype_t::RD_KAFKA_VTYPE_PARTITION, |u| u.i32_ = output.partition.unwrap_or(-1)),
            part(rd::rd_kafka_vtype_t::RD_KAFKA_VTYPE_MSGFLAGS, |u| u.i = rd::RD_KAFKA_MSG_F_COPY),
            part(rd::rd_kafka_vtype_t::RD_KAFKA_VTYPE_VALUE, |u| u.mem = memory(output.payload)),
        ];
        if !output.key.is_empty() {
            parts.push(part(rd::rd_kafka_vtype_t::RD_KAFKA_VTYPE_KEY, |u| u.mem = memory(output.key)));
        }
        if let Some(ms) = output.timestamp_ms {
            parts.push(part(rd::rd_kafka_vtype_t::RD_KAFKA_VTYPE_TIMESTAMP, |u| u.i64_ = ms));
        }
        for (name, (_, value)) in names.iter().zip(output.headers) {
            let (name, val, size) = (name.as_ptr(), value.as_ptr().cast::<c_void>(), value.len() as isize);
            let header = rd::rd_kafka_vu_s__bindgen_ty_1__bindgen_ty_2 { name, val, size };
            parts.push(part(rd::rd_kafka_vtype_t::RD_KAFKA_VTYPE_HEADER, |u| u.header = header));
        }
        for _ in 0..QUEUE_FULL_TRIES {
            // SAFETY: every part points to something that lives until the call returns, and librdkafka copies it.
            let sent = Error::take(unsafe {
                rd::rd_kafka_produceva(self.client.raw(), parts.as_ptr(), parts.len())
            });
            match sent {
                Err(error) if error.code == "_QUEUE_FULL" => std::thread::sleep(Duration::from_millis(1)),
                sent => return sent,
            }
        }
        Err(Error {
            retriable: true,
            ..Error::own("_QUEUE_FULL", "the brokers take nothing: the queue stays full")
        })
    }

    /// Waits until everything sent was delivered; the first record that was not.
    pub fn flush(&self, timeout: Duration) -> Result<()> {
        // SAFETY: a live producer.
        Error::check(unsafe { rd::rd_kafka_flush(self.client.raw(), millis(timeout)) })?;
        lock(&self.reports.failed).take().map_or(Ok(()), Err)
    }

    /// The offset after the last record delivered to a partition, as far as this producer knows.
    pub fn delivered(&self, topic: &str, partition: i32) -> Option<u64> {
        lock(&self.reports.delivered).get(&(topic.to_owned(), partition)).copied()
    }

    /// Becomes the only producer with its id: ends what others with it have begun. Once, before all else.
    pub fn init(&self, timeout: Duration) -> Result<()> {
        // SAFETY: a live producer; the error is taken.
        Error::take(unsafe { rd::rd_kafka_init_transactions(self.client.raw(), millis(timeout)) })
    }

    /// Begins a transaction.
    pub fn begin(&self) -> Result<()> {
        // SAFETY: a live producer; the error is taken.
        Error::take(unsafe { rd::rd_kafka_begin_transaction(self.client.raw()) })
    }

    /// Commits offsets within the transaction, as the member that `group` says.
    pub fn send_offsets(&self, offsets: &[Offset], group: &GroupMetadata, timeout: Duration) -> Result<()> {
        let list = list(offsets)?;
        // SAFETY: a live producer, list and copy; the error is taken.
        Error::take(unsafe {
            rd::rd_kafka_send_offsets_to_transaction(
                self.client.raw(),
                list.ptr(),
                group.raw(),
                millis(timeout),
            )
        })
    }

    /// Commits the transaction.
    pub fn commit(&self, timeout: Duration) -> Result<()> {
        // SAFETY: a live producer; the error is taken.
        Error::take(unsafe { rd::rd_kafka_commit_transaction(self.client.raw(), millis(timeout)) })
    }

    /// Gives the transaction up.
    pub fn abort(&self, timeout: Duration) -> Result<()> {
        // SAFETY: a live producer; the error is taken.
        let aborted =
            Error::take(unsafe { rd::rd_kafka_abort_transaction(self.client.raw(), millis(timeout)) });
        lock(&self.reports.failed).take();
        aborted
    }
}

impl Drop for Producer {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(serving) = self.serving.take() {
            let _ = serving.join();
        }
    }
}

fn part(
    vtype: rd::rd_kafka_vtype_t,
    set: impl FnOnce(&mut rd::rd_kafka_vu_s__bindgen_ty_1),
) -> rd::rd_kafka_vu_t {
    let mut u = rd::rd_kafka_vu_s__bindgen_ty_1 { _pad: [0; 64] };
    set(&mut u);
    rd::rd_kafka_vu_t { vtype, u }
}

fn memory(bytes: &[u8]) -> rd::rd_kafka_vu_s__bindgen_ty_1__bindgen_ty_1 {
    rd::rd_kafka_vu_s__bindgen_ty_1__bindgen_ty_1 { ptr: bytes.as_ptr().cast_mut().cast(), size: bytes.len() }
}

fn zero_ended(name: &str) -> Result<CString> {
    CString::new(name).map_err(|_| Error::own("_INVALID_ARG", format!("the name {name:?} has a zero in it")))
}

/// A panic of another thread leaves whole entries behind.
fn lock<T>(of: &Mutex<T>) -> MutexGuard<'_, T> {
    of.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What became of a record.
unsafe extern "C" fn delivered(
    _handle: *mut rd::rd_kafka_t,
    message: *const rd::rd_kafka_message_t,
    opaque: *mut c_void,
) {
    // SAFETY: the message lives while this runs, the reports as long as the handle.
    let (message, reports) = unsafe { (&*message, &*opaque.cast::<Reports>()) };
    if let Err(error) = Error::check(message.err) {
        lock(&reports.failed).get_or_insert(error);
        return;
    }
    // SAFETY: a topic lives as long as its messages.
    let topic = unsafe { text(rd::rd_kafka_topic_name(message.rkt).cast::<c_char>()) };
    let mut delivered = lock(&reports.delivered);
    let next = delivered.entry((topic, message.partition)).or_default();
    *next = (*next).max(message.offset.max(0) as u64 + 1);
}
