//! Which number has a log? Partitions of several topics, numbered through in the order in which the topics are named.

use std::sync::Arc;

/// The input topics, each with its number of partitions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Logs {
    topics: Vec<(String, u32)>,
    places: Vec<Arc<str>>,
}

impl Logs {
    /// Numbers the partitions of these topics.
    pub fn new(topics: Vec<(String, u32)>) -> Logs {
        let of_topic = |(topic, partitions): &(String, u32)| -> Vec<Arc<str>> {
            (0..*partitions).map(|partition| format!("{topic}/{partition}").into()).collect()
        };
        let places = topics.iter().flat_map(of_topic).collect();
        Logs { topics, places }
    }

    /// How many there are.
    pub fn count(&self) -> u32 {
        self.places.len() as u32
    }

    /// How many partitions a topic has; 0 for one that is not read.
    pub fn partitions(&self, topic: &str) -> u32 {
        self.topics.iter().find(|(name, _)| name == topic).map_or(0, |(_, partitions)| *partitions)
    }

    /// The topics in their order.
    pub fn topics(&self) -> impl Iterator<Item = &str> {
        self.topics.iter().map(|(topic, _)| topic.as_str())
    }

    /// The number of a partition.
    pub fn number(&self, topic: &str, partition: i32) -> Option<u32> {
        let mut first = 0;
        for (name, partitions) in &self.topics {
            if name == topic {
                return u32::try_from(partition).ok().filter(|n| n < partitions).map(|n| first + n);
            }
            first += partitions;
        }
        None
    }

    /// Topic and partition of a log; of one that there is not, an empty topic.
    pub fn partition(&self, log: u32) -> (String, i32) {
        let mut rest = log;
        for (name, partitions) in &self.topics {
            if rest < *partitions {
                return (name.clone(), rest as i32);
            }
            rest -= partitions;
        }
        (String::new(), -1)
    }

    /// `topic/partition` of a log.
    pub fn place(&self, log: u32) -> Arc<str> {
        self.places.get(log as usize).cloned().unwrap_or_else(|| "?".into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn logs_are_numbered_through_in_the_order_of_the_topics() {
        let logs = Logs::new(vec![("tickets".into(), 3), ("calls".into(), 2)]);
        assert_eq!(logs.count(), 5);
        for log in 0..5 {
            let (topic, partition) = logs.partition(log);
            assert_eq!(logs.number(&topic, partition), Some(log));
        }
        assert_eq!(logs.partition(3), ("calls".into(), 0));
        assert_eq!(&*logs.place(4), "calls/1");
        assert_eq!(logs.number("calls", 2), None);
        assert_eq!(logs.number("feedback", 0), None);
    }
}
