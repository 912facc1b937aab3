//! Watchbell watches the promises a service organisation makes to its customers, while there is still time to
//! keep them. The map is `ARCHITECTURE.md`; the rooms stand here in the order of their floors, lowest first.

// words
pub mod time;
pub mod names;

// floor 0: facts and tools
pub mod event;
pub mod calendar;
pub mod window;
pub mod wheel;

// floor 1: judgement, read left to right
pub mod sla;
pub mod lifecycle;
pub mod detect;
pub mod crisis;
pub mod alert;

// floor 2: the two pure machines
pub mod shard;
pub mod aggregate;

// below the doors: librdkafka, bare
#[cfg(feature = "kafka")]
pub mod kafka;

// floor 3: doors, with twins in memory
pub mod source;
pub mod sink;
pub mod checkpoint;

// floor 4
pub mod engine;

// floor 5: what people and machines look at
#[cfg(feature = "http")]
pub mod http;

// floor 6: what the operator wrote
pub mod config;

// floor 7
pub mod app;

// floor 8
pub mod cli;
