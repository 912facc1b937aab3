//! A broker in the process: librdkafka's own, for the demonstration. It speaks the real protocol, keeps what fits into
//! 5 MiB or 100,000 batches of a partition, and only pretends that there are transactions.

use rdkafka::mocking::MockCluster;
use rdkafka::producer::DefaultProducerContext;

use super::consumer::code;
use super::{Error, Result};

/// A broker in the process, until it is dropped.
pub struct Mock(MockCluster<'static, DefaultProducerContext>);

impl Mock {
    /// Starts it.
    pub fn new() -> Result<Mock> {
        MockCluster::new(1).map(Mock).map_err(|error| Error::own(&code(&error), error.to_string()))
    }

    /// Where it listens.
    pub fn bootstrap(&self) -> String {
        self.0.bootstrap_servers()
    }

    /// Makes a topic.
    pub fn create(&self, topic: &str, partitions: u32) -> Result<()> {
        let made = self.0.create_topic(topic, partitions as i32, 1);
        made.map_err(|error| Error::own(&code(&error), error.to_string()))
    }
}
