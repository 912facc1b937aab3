//! Which topics are there, and how are they set? Asked and made right.

use std::collections::BTreeMap;
use std::time::Duration;

use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, ResourceSpecifier, TopicReplication};
use rdkafka::client::DefaultClientContext;
use rdkafka::producer::{BaseProducer, Producer as _};
use rdkafka::types::RDKafkaRespErr;

use super::client::Options;
use super::consumer::code;
use super::{Error, Result};

/// How long a new topic may have no leader: so many tries, so far apart.
const SETTLING_TRIES: u32 = 50;
const SETTLING: Duration = Duration::from_millis(100);

/// How often it is asked again for a topic that the broker does not know: one that has just begun, or the topic has, may not
/// know it yet.
const UNKNOWN_TRIES: u32 = 15;

/// What is known of a topic.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TopicFacts {
    /// How many partitions it has.
    pub partitions: u32,
    /// How many copies of each there are.
    pub replicas: u32,
    /// How it is set.
    pub settings: BTreeMap<String, String>,
}

/// Asks about topics and makes them.
pub struct Admin {
    admin: AdminClient<DefaultClientContext>,
    metadata: BaseProducer,
    runtime: tokio::runtime::Runtime,
    timeout: Duration,
}

impl Admin {
    /// Connects when it is asked something first; every question waits for at most `timeout`.
    pub fn new(options: &Options, timeout: Duration) -> Result<Admin> {
        let config = options.config(&[]);
        let runtime = tokio::runtime::Builder::new_current_thread()
            .build()
            .map_err(|error| Error::own("_FAIL", error.to_string()))?;
        Ok(Admin {
            admin: config.create().map_err(wrapped)?,
            metadata: config.create().map_err(wrapped)?,
            runtime,
            timeout,
        })
    }

    /// What is known of a topic; `None`: it does not exist, or the broker does not know of it yet.
    pub fn topic(&self, name: &str) -> Result<Option<TopicFacts>> {
        self.facts(name, 0)
    }

    /// The same of a topic that should exist: it is asked for again before it is believed that it does not.
    pub fn expected(&self, name: &str) -> Result<Option<TopicFacts>> {
        self.facts(name, UNKNOWN_TRIES)
    }

    fn facts(&self, name: &str, unknown_max: u32) -> Result<Option<TopicFacts>> {
        let (mut tries, unknown) = (0, RDKafkaRespErr::RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART);
        let metadata = loop {
            let metadata =
                self.metadata.client().fetch_metadata(Some(name), self.timeout).map_err(wrapped)?;
            let found = metadata.topics().iter().find(|topic| topic.name() == name);
            match found.map(|topic| topic.error()) {
                Some(None) => break metadata,
                None => return Ok(None),
                Some(Some(error)) if error == unknown && tries >= unknown_max => return Ok(None),
                Some(Some(error)) if error == unknown => tries += 1,
                // A topic that was made a moment ago has no leader yet.
                Some(Some(_)) if tries < SETTLING_TRIES => tries += 1,
                Some(Some(error)) => return Err(Error::own(&super::name(error), super::words(error))),
            }
            std::thread::sleep(SETTLING);
        };
        let Some(topic) = metadata.topics().iter().find(|topic| topic.name() == name) else {
            return Ok(None);
        };
        let replicas = topic.partitions().iter().map(|one| one.replicas().len()).min().unwrap_or(0);
        let facts = TopicFacts {
            partitions: topic.partitions().len() as u32,
            replicas: replicas as u32,
            settings: self.settings(name)?,
        };
        Ok(Some(facts))
    }

    fn settings(&self, name: &str) -> Result<BTreeMap<String, String>> {
        let asked = [ResourceSpecifier::Topic(name)];
        let options = AdminOptions::new().request_timeout(Some(self.timeout));
        let answers =
            self.runtime.block_on(self.admin.describe_configs(&asked, &options)).map_err(wrapped)?;
        let mut settings = BTreeMap::new();
        for answer in answers {
            let answer = answer.map_err(|code| Error::own(&format!("{code:?}"), code.to_string()))?;
            for entry in answer.entries {
                settings.insert(entry.name, entry.value.unwrap_or_default());
            }
        }
        Ok(settings)
    }

    /// Makes a topic.
    pub fn create(
        &self,
        name: &str,
        partitions: u32,
        replicas: u32,
        settings: &[(&str, &str)],
    ) -> Result<()> {
        let mut topic = NewTopic::new(name, partitions as i32, TopicReplication::Fixed(replicas as i32));
        for (name, value) in settings {
            topic = topic.set(name, value);
        }
        let options =
            AdminOptions::new().operation_timeout(Some(self.timeout)).request_timeout(Some(self.timeout));
        let made = self.runtime.block_on(self.admin.create_topics([&topic], &options)).map_err(wrapped)?;
        for one in made {
            one.map_err(|(topic, code)| Error::own(&format!("{code:?}"), format!("{topic}: {code}")))?;
        }
        Ok(())
    }
}

fn wrapped(error: rdkafka::error::KafkaError) -> Error {
    Error::own(&code(&error), error.to_string())
}
