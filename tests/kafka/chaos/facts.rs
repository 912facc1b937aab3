//! What stands in the topics? Events and alerts as the judge sees them: read with its own eyes, nothing of the engine's.

use std::collections::BTreeMap;
use std::time::Duration;

use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::Message as _;
use rdkafka::{Offset, TopicPartitionList};
use serde_json::Value;

use super::traffic::{GOALS, SOURCE};
use crate::kafka::Deadline;
use crate::kafka::client::config;

/// An event as it lies in its log.
#[derive(Clone, Copy, Debug)]
pub struct Fact {
    pub offset: u64,
    /// When the broker wrote it.
    pub appended: i64,
    pub ticket: u64,
    pub id: u64,
    pub time: i64,
    pub is_start: bool,
    pub goal: i64,
}

impl Fact {
    pub fn read(offset: u64, appended: i64, payload: &[u8]) -> Fact {
        let event: Value = serde_json::from_slice(payload).expect("the traffic writes JSON");
        let text = |value: &Value| value.as_str().expect("a text").to_owned();
        let priority = text(&event["data"]["priority"]);
        let goal = GOALS.iter().find(|(name, _)| *name == priority).expect("one of ours").1;
        Fact {
            offset,
            appended,
            ticket: number(&event["subject"], "T-"),
            id: number(&event["id"], "e-"),
            time: instant(&event["time"]).expect("an instant"),
            is_start: event["type"] == "ticket.opened",
            goal,
        }
    }
}

/// Up to where a log was read, and what its clock showed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cut {
    pub next_offset: u64,
    pub clock: i64,
}

/// What makes an alert this one: the ticket, the event that started its clock, and the share of the goal in percent.
pub type Key = (u64, u64, u8);

/// What is said of a promise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Body {
    pub is_open: bool,
    pub started: i64,
    pub due: i64,
    pub stopped: Option<i64>,
    pub late_ms: Option<i64>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    Raised,
    Amended,
    Resolved,
    Retracted,
}

/// A record of the alerts topic.
#[derive(Clone, Debug)]
pub struct Said {
    pub log: u32,
    pub cut: Cut,
    pub action: Action,
    pub id: String,
    pub is_open: bool,
    /// Of an alert on a promise.
    pub promise: Option<(Key, Body)>,
}

impl Said {
    pub fn read(payload: &[u8]) -> Said {
        let record: Value = serde_json::from_slice(payload).expect("alerts are JSON");
        let action = match record["action"].as_str() {
            Some("raised") => Action::Raised,
            Some("amended") => Action::Amended,
            Some("resolved") => Action::Resolved,
            Some("retracted") => Action::Retracted,
            other => panic!("an action {other:?} in {record}"),
        };
        let is_open = record["status"] == "open";
        let kind = record["kind"].as_str().expect("a kind");
        let promise = matches!(kind, "warning" | "breach").then(|| promise(&record, is_open));
        let next_offset = record["next_offset"].as_u64().expect("an offset");
        let clock = instant(&record["clock"]).expect("an instant");
        Said {
            log: record["log"].as_u64().expect("a log") as u32,
            cut: Cut { next_offset, clock },
            action,
            id: record["id"].as_str().expect("an id").to_owned(),
            is_open,
            promise,
        }
    }
}

fn promise(record: &Value, is_open: bool) -> (Key, Body) {
    assert_eq!(record["commitment"], "answer", "{record}");
    assert_eq!(record["start_event"]["source"], SOURCE, "{record}");
    let percent = (record["threshold"].as_f64().expect("a share") * 100.0).round() as u8;
    assert_eq!(record["kind"] == "breach", percent == 100, "{record}");
    let body = Body {
        is_open,
        started: instant(&record["started"]).expect("an instant"),
        due: instant(&record["due"]).expect("an instant"),
        stopped: instant(&record["stopped"]),
        late_ms: record["late_seconds"].as_f64().map(|seconds| (seconds * 1_000.0).round() as i64),
    };
    ((number(&record["subject"], "T-"), number(&record["start_event"]["id"], "e-"), percent), body)
}

/// The cut that a group has committed for a log, and who may be writing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Committed {
    pub cut: Cut,
    pub seq: u64,
    pub owner: String,
}

impl Committed {
    pub fn read(next_offset: i64, metadata: &str) -> Committed {
        let kept: Value =
            serde_json::from_str(metadata.trim_end_matches(['\0', '\n'])).expect("a cut is JSON");
        assert_eq!(kept["next_offset"].as_i64(), Some(next_offset), "{metadata}");
        let clock = kept["clock"].as_i64().expect("milliseconds");
        Committed {
            cut: Cut { next_offset: next_offset as u64, clock },
            seq: kept["seq"].as_u64().expect("a number"),
            owner: kept["owner"].as_str().expect("a name").to_owned(),
        }
    }
}

fn number(value: &Value, prefix: &str) -> u64 {
    let digits = value.as_str().and_then(|text| text.strip_prefix(prefix));
    digits.and_then(|digits| digits.parse().ok()).unwrap_or_else(|| panic!("no number in {value}"))
}

fn instant(value: &Value) -> Option<i64> {
    let text = value.as_str()?;
    Some(text.parse::<jiff::Timestamp>().unwrap_or_else(|error| panic!("{text}: {error}")).as_millisecond())
}

/// Whose records are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Eyes {
    /// Those of committed transactions.
    Committed,
    /// All there are.
    All,
}

/// Reads a partition from its beginning to its end. `visit` gets offset, time and bytes of each record.
pub fn read(
    bootstrap: &str,
    topic: &str,
    partition: u32,
    eyes: Eyes,
    visit: &mut dyn FnMut(u64, i64, &[u8]),
) {
    let isolation = if eyes == Eyes::All { "read_uncommitted" } else { "read_committed" };
    let consumer: BaseConsumer = config(bootstrap)
        .set("group.id", "judge")
        .set("enable.auto.commit", "false")
        .set("enable.partition.eof", "true")
        .set("isolation.level", isolation)
        .create()
        .expect("a valid configuration");
    let mut from = TopicPartitionList::new();
    from.add_partition_offset(topic, partition as i32, Offset::Beginning).expect("a valid offset");
    consumer.assign(&from).expect("a partition can be assigned");
    let deadline = Deadline::in_seconds(600);
    loop {
        assert!(!deadline.has_passed(), "{topic}/{partition} has no end");
        match consumer.poll(Duration::from_millis(100)) {
            None => {}
            // It goes on by itself.
            Some(Err(KafkaError::MessageConsumption(
                RDKafkaErrorCode::BrokerTransportFailure | RDKafkaErrorCode::AllBrokersDown,
            ))) => {}
            Some(Err(KafkaError::PartitionEOF(_))) => return,
            Some(Err(error)) => panic!("reading {topic}/{partition}: {error}"),
            Some(Ok(message)) => visit(
                message.offset() as u64,
                message.timestamp().to_millis().expect("a broker gives every record a time"),
                message.payload().expect("no tombstone"),
            ),
        }
    }
}

/// The events of a log.
pub fn events(bootstrap: &str, topic: &str, log: u32) -> Vec<Fact> {
    let mut facts = Vec::new();
    let mut visit = |offset, appended, payload: &[u8]| facts.push(Fact::read(offset, appended, payload));
    read(bootstrap, topic, log, Eyes::Committed, &mut visit);
    facts
}

/// The alerts of a log.
pub fn alerts(bootstrap: &str, topic: &str, log: u32) -> Vec<Said> {
    let mut said = Vec::new();
    let mut visit = |_, _, payload: &[u8]| said.push(Said::read(payload));
    read(bootstrap, topic, log, Eyes::Committed, &mut visit);
    said
}

/// How many records of a partition belong to transactions that were given up.
pub fn aborted(bootstrap: &str, topic: &str, partition: u32) -> u64 {
    let count = |eyes| {
        let mut count = 0u64;
        read(bootstrap, topic, partition, eyes, &mut |_, _, _| count += 1);
        count
    };
    count(Eyes::All) - count(Eyes::Committed)
}

/// What was counted, by name, for people.
pub fn list(counts: &BTreeMap<&'static str, (u64, String)>) -> String {
    let lines = counts.iter().map(|(what, (count, first))| format!("  {what}: {count}, first: {first}\n"));
    lines.collect()
}
