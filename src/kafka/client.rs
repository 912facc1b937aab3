//! A handle of librdkafka's, how it is made and how it is let go.

use std::collections::BTreeMap;
use std::ffi::{CString, c_char, c_int};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rdkafka::bindings as rd;
use rdkafka::config::ClientConfig;

use super::{Error, Result, lines, text};

/// How to reach the brokers.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Options {
    /// Where to begin: `host:port`, separated by commas.
    pub bootstrap: String,
    /// librdkafka's own options, by their names; TLS, SASL and everything else. They win over ours.
    pub passed_on: Vec<(String, String)>,
}

/// Which records a reader sees.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Isolation {
    /// Those of transactions that were committed, up to the first that is still open.
    Committed,
    /// All.
    Uncommitted,
}

impl Isolation {
    pub(super) fn name(self) -> &'static str {
        match self {
            Isolation::Committed => "read_committed",
            Isolation::Uncommitted => "read_uncommitted",
        }
    }
}

/// The handles that live, and where each begins to look for brokers.
static HANDLES: Mutex<BTreeMap<usize, CString>> = Mutex::new(BTreeMap::new());

fn handles() -> MutexGuard<'static, BTreeMap<usize, CString>> {
    HANDLES.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Tells all handles of the process once more where the brokers are.
///
/// librdkafka forgets every broker that is not in the last answer it got. A broker that was frozen, or is its own
/// controller and starved, is for a moment not in its own answer: whoever asks then knows nobody any more, and never asks again
/// (its issue 5301; from 2.10 on). Told again, it begins anew; to a handle that knows its brokers it is a connection more.
pub fn revive() {
    for (handle, bootstrap) in &*handles() {
        // SAFETY: whoever lets a handle go takes it from the list first.
        unsafe { rd::rd_kafka_brokers_add(*handle as *mut rd::rd_kafka_t, bootstrap.as_ptr()) };
    }
}

/// How long a handle may take to be let go before it is left to itself.
const LET_GO: Duration = Duration::from_secs(2);

/// A handle. It can be shared between threads; librdkafka locks for itself.
pub struct Client {
    handle: *mut rd::rd_kafka_t,
    /// What the callbacks point to: it must outlive the handle.
    _opaque: Option<Arc<dyn Send + Sync>>,
}

// SAFETY: librdkafka's handles are thread-safe, as its documentation says (INTRODUCTION.md, "Threads and callbacks").
unsafe impl Send for Client {}
// SAFETY: as above.
unsafe impl Sync for Client {}

impl Options {
    /// What every client of ours has in common. Frozen brokers are noticed within seconds, and a client comes back
    /// within tenths of a second once they answer again.
    pub(super) fn config(&self, ours: &[(&str, &str)]) -> ClientConfig {
        let mut config = ClientConfig::new();
        config.set("bootstrap.servers", &self.bootstrap);
        config.set("client.id", "watchbell");
        for (name, value) in [
            ("reconnect.backoff.ms", "50"),
            ("reconnect.backoff.max.ms", "500"),
            ("socket.keepalive.enable", "true"),
            ("log.connection.close", "false"),
        ] {
            config.set(name, value);
        }
        for (name, value) in ours {
            config.set(*name, *value);
        }
        let applies = |name: &str| !name.starts_with("test.mock");
        for (name, value) in self.passed_on.iter().filter(|(name, _)| applies(name)) {
            config.set(name, value);
        }
        config
    }
}

/// Names may be shown, values may be secrets.
impl std::fmt::Debug for Options {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let names: Vec<&str> = self.passed_on.iter().map(|(name, _)| name.as_str()).collect();
        f.debug_struct("Options").field("bootstrap", &self.bootstrap).field("passed_on", &names).finish()
    }
}

impl Client {
    /// Makes a handle. `prepare` may set callbacks, which may point into `opaque`.
    pub(super) fn new(
        kind: rd::rd_kafka_type_t,
        config: &ClientConfig,
        opaque: Option<Arc<dyn Send + Sync>>,
        prepare: impl FnOnce(*mut rd::rd_kafka_conf_t),
    ) -> Result<Client> {
        let conf =
            config.create_native_config().map_err(|error| Error::own("_INVALID_ARG", error.to_string()))?;
        // SAFETY: a valid configuration; the callback is a plain function.
        unsafe { rd::rd_kafka_conf_set_log_cb(conf.ptr(), Some(lines::hear)) };
        prepare(conf.ptr());
        let mut reason = [0 as c_char; 512];
        // SAFETY: the buffer is as long as is said, and the result is looked at.
        let handle = unsafe { rd::rd_kafka_new(kind, conf.ptr(), reason.as_mut_ptr(), reason.len()) };
        if handle.is_null() {
            // SAFETY: librdkafka has written a terminated string.
            return Err(Error::own("_FAIL", unsafe { text(reason.as_ptr()) }));
        }
        // The handle owns the configuration now.
        std::mem::forget(conf);
        if let Some(bootstrap) = config.get("bootstrap.servers").and_then(|text| CString::new(text).ok()) {
            handles().insert(handle as usize, bootstrap);
        }
        Ok(Client { handle, _opaque: opaque })
    }

    pub(super) fn raw(&self) -> *mut rd::rd_kafka_t {
        self.handle
    }
}

impl Drop for Client {
    /// Lets the handle go. It can wait for a broker that never answers, so it is done elsewhere and waited for only
    /// a while; what it points to is then left alive.
    fn drop(&mut self) {
        let handle = self.handle as usize;
        handles().remove(&handle);
        let (done, waiting) = crossbeam_channel::bounded::<()>(1);
        let opaque = self._opaque.take();
        let destroy = move || {
            // SAFETY: nobody else has the handle any more; a consumer was closed before or is not to be.
            unsafe {
                rd::rd_kafka_destroy_flags(
                    handle as *mut rd::rd_kafka_t,
                    rd::RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE as c_int,
                );
            }
            drop(opaque);
            drop(done);
        };
        if std::thread::Builder::new().name("kafka-let-go".into()).spawn(destroy).is_ok() {
            let _ = waiting.recv_timeout(LET_GO);
        }
    }
}
