//! What is there to be watched, and what is said of it? Topics, settings and a policy of seconds; events; alerts folded.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;
use tempfile::TempDir;
use watchbell::engine::clock;
use watchbell::time::Time;

use super::super::client::{committed, create_topic, produce, read_committed, stable_ends};
use super::super::program::Program;
use super::super::wait_until;

/// How long a watch may take to begin, and to come back after a wound.
pub const BEGIN_SECONDS: u64 = 60;
/// How long due and grace may lie back when an alert is there: a fence, a cut and a round to the broker.
pub const ON_TIME_MS: i64 = 1_000;
/// What is allowed beside it for a machine that has other things to do.
pub const SLACK_MS: i64 = 1_500;

/// How long is waited before each look at the broker: every look is a client of its own, and must not be what slows
/// down whoever is looked at.
const LOOK_MS: u64 = 50;

/// Goals by an attribute of the case, so that each test chooses how soon a case is due. Alerts wait a second more.
const POLICY: &str = r#"
[[commitment]]
name = "quick"
title = { en = "Done within seconds", zh = "数秒内完成" }
start = "ticket.opened"
stop = "ticket.resolved"
goal = { by = "priority", s2 = "2s", s3 = "3s", s5 = "5s", s10 = "10s", s20 = "20s", h1 = "1h" }
grace = "1s"
settle = "1s"

[count]
activity = ["ticket.opened"]
"#;

/// The grace of [`POLICY`].
pub const GRACE_MS: i64 = 1_000;

/// How a watch is set up: what its settings file says beside names and addresses.
#[derive(Clone, Copy, Default)]
pub struct Plan<'a> {
    /// Names its group, and begins the names of its topics.
    pub name: &'a str,
    /// The partitions of each input topic.
    pub inputs: &'a [i32],
    /// More lines of `[kafka]`.
    pub kafka: &'a str,
    /// More lines of `[engine]`.
    pub engine: &'a str,
    /// More tables.
    pub tables: &'a str,
}

/// Topics, and the settings of whoever watches them.
pub struct Watch {
    name: String,
    /// Where tests connect.
    at: String,
    inputs: Vec<(String, i32)>,
    folder: TempDir,
}

impl Watch {
    /// Makes the topics and writes the settings.
    pub fn new(at: &str, plan: &Plan) -> Watch {
        let watch = Watch::without_topics(at, plan);
        watch.inputs.iter().for_each(|(topic, partitions)| create_topic(at, topic, *partitions, &[]));
        // The broker says when an alert was there.
        let stamped = [("message.timestamp.type", "LogAppendTime")];
        create_topic(at, &watch.alerts_topic(), watch.logs() as i32 + 1, &stamped);
        create_topic(at, &watch.partials_topic(), 1, &[]);
        create_topic(at, &format!("{}.dead", plan.name), 1, &[]);
        watch
    }

    /// Only writes the settings.
    pub fn without_topics(at: &str, plan: &Plan) -> Watch {
        let folder = tempfile::tempdir().expect("a place for settings");
        let inputs = plan.inputs.iter().enumerate();
        let inputs = inputs.map(|(n, partitions)| (format!("{}.in{n}", plan.name), *partitions)).collect();
        let watch = Watch { name: plan.name.into(), at: at.into(), inputs, folder };
        watch.set_up(plan, at);
        watch
    }

    /// Writes the settings anew, for brokers at `bootstrap`.
    pub fn set_up(&self, plan: &Plan, bootstrap: &str) {
        let name = &self.name;
        let topics: Vec<&str> = self.inputs.iter().map(|(topic, _)| topic.as_str()).collect();
        let (kafka, engine, tables) = (plan.kafka, plan.engine, plan.tables);
        let http = if tables.contains("[http]") { "" } else { "[http]\nlisten = false\n" };
        let workers = if engine.contains("workers") { "" } else { "workers = 1" };
        let text = format!(
            "policy = \"{}\"\n[kafka]\nbootstrap = \"{bootstrap}\"\ngroup = \"{name}\"\ntopics = {topics:?}\n\
             alerts = \"{name}.alerts\"\npartials = \"{name}.partials\"\ndead_letters = \"{name}.dead\"\n{kafka}\n\
             [checkpoints]\nurl = \"checkpoints\"\nevery = \"2s\"\n{http}[engine]\n{workers}\n{engine}\n{tables}\n",
            self.policy().display(),
        );
        fs::write(self.policy(), POLICY).expect("writable");
        fs::write(self.settings(), text).expect("writable");
    }

    /// The folder of the settings.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The file of the policy.
    pub fn policy(&self) -> PathBuf {
        self.folder().join("policy.toml")
    }

    fn settings(&self) -> PathBuf {
        self.folder().join("watchbell.toml")
    }

    /// The folder of the checkpoints.
    pub fn checkpoints(&self) -> PathBuf {
        self.folder().join("checkpoints").join(&self.name)
    }

    /// An input topic.
    pub fn topic(&self, n: usize) -> &str {
        &self.inputs[n].0
    }

    pub fn alerts_topic(&self) -> String {
        format!("{}.alerts", self.name)
    }

    pub fn partials_topic(&self) -> String {
        format!("{}.partials", self.name)
    }

    fn logs(&self) -> usize {
        self.inputs.iter().map(|(_, partitions)| *partitions as usize).sum()
    }

    /// Starts the program.
    pub fn start(&self) -> Program {
        self.start_with(&[], &[])
    }

    /// Starts the program with more arguments and variables.
    pub fn start_with(&self, more: &[&str], environment: &[(&str, &str)]) -> Program {
        let settings = self.settings();
        let config = settings.to_str().expect("UTF-8");
        let arguments = [&["run", "--config", config][..], more].concat();
        Program::start(&arguments, environment)
    }

    /// Starts the program and waits until all logs are live.
    pub fn start_live(&self) -> Program {
        let mut program = self.start();
        self.wait_live(&mut program);
        program
    }

    /// Waits until every log has a cut whose clock is that of the wall.
    pub fn wait_live(&self, program: &mut Program) {
        let since = now_ms();
        wait_until(BEGIN_SECONDS, "all logs are live", || {
            assert!(program.ended().is_none(), "the program has ended");
            self.clocks_after(since)
        });
    }

    /// Whether the clocks of all logs are past an instant.
    pub fn clocks_after(&self, at_ms: i64) -> bool {
        let cuts = self.cuts();
        cuts.len() == self.logs() && cuts.values().all(|cut| cut.clock > at_ms && !cut.owner.is_empty())
    }

    /// The last cut of every log that has one, by topic and partition.
    pub fn cuts(&self) -> BTreeMap<(String, i32), Cut> {
        sleep_ms(LOOK_MS);
        let of_topic = |(topic, _): &(String, i32)| {
            let found = committed(&self.at, &self.name, topic).into_iter();
            let topic = topic.clone();
            found.map(move |(partition, (offset, text))| {
                ((topic.clone(), partition), Cut::read(offset, &text))
            })
        };
        self.inputs.iter().flat_map(of_topic).collect()
    }

    /// The aggregate's last cut.
    pub fn aggregate_cut(&self) -> Option<Cut> {
        let found = committed(&self.at, &format!("{}.aggregate", self.name), &self.partials_topic());
        found.get(&0).map(|(offset, text)| Cut::read(*offset, text))
    }

    /// Appends events to an input topic, each to the partition of its subject or to one that is given.
    pub fn append(&self, n: usize, events: &[Event]) {
        let count = self.inputs[n].1 as u32;
        let records = events.iter().map(|event| {
            let home = watchbell::source::partition::partition(event.subject.as_bytes(), count);
            let partition = event.partition.unwrap_or(home as i32);
            (Some(partition), event.subject.as_str(), event.json(), None)
        });
        assert_eq!(produce(&self.at, self.topic(n), records), events.len());
    }

    /// The stable ends of an input topic.
    pub fn ends(&self, n: usize) -> BTreeMap<i32, i64> {
        stable_ends(&self.at, self.topic(n))
    }

    /// What was said of cases, in the order of the alerts topic; the aggregate's own alerts are left out.
    pub fn said(&self) -> Vec<Said> {
        let logs = self.logs() as i32;
        self.said_in(|partition| partition < logs)
    }

    /// What the aggregate said, in order.
    pub fn said_by_aggregate(&self) -> Vec<Said> {
        let logs = self.logs() as i32;
        self.said_in(|partition| partition == logs)
    }

    fn said_in(&self, is_wanted: impl Fn(i32) -> bool) -> Vec<Said> {
        sleep_ms(LOOK_MS);
        let messages = read_committed(&self.at, &self.alerts_topic());
        messages
            .into_iter()
            .filter(|message| is_wanted(message.partition))
            .map(|message| {
                let payload = message.payload.expect("no tombstones");
                let body: Value = serde_json::from_slice(&payload).expect("an alert is JSON");
                Said { at_ms: message.timestamp_ms, body }
            })
            .collect()
    }

    /// What was said of one case.
    pub fn said_of(&self, subject: &str) -> Vec<Said> {
        self.said().into_iter().filter(|said| said.subject() == subject).collect()
    }

    /// Waits until something was said of a case, and returns it.
    pub fn wait_said_of(&self, subject: &str, seconds: u64) -> Said {
        let mut found = None;
        wait_until(seconds, &format!("something is said of {subject}"), || {
            found = self.said_of(subject).into_iter().next();
            found.is_some()
        });
        found.expect("waited for")
    }
}

/// A cut, as it stands beside an offset.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cut {
    pub next_offset: i64,
    pub clock: i64,
    pub seq: u64,
    pub owner: String,
}

impl Cut {
    fn read(next_offset: i64, text: &str) -> Cut {
        let cut: Value = serde_json::from_str(text.trim_end_matches(['\0', '\n'])).expect("a cut is JSON");
        Cut {
            next_offset,
            clock: cut["clock"].as_i64().expect("milliseconds"),
            seq: cut["seq"].as_u64().expect("a number"),
            owner: cut["owner"].as_str().expect("a name").to_owned(),
        }
    }
}

/// Something that was said.
#[derive(Clone, Debug)]
pub struct Said {
    /// When the broker had it.
    pub at_ms: i64,
    pub body: Value,
}

impl Said {
    fn text(&self, key: &str) -> &str {
        self.body[key].as_str().unwrap_or_else(|| panic!("{key} in {}", self.body))
    }

    pub fn action(&self) -> &str {
        self.text("action")
    }

    pub fn id(&self) -> &str {
        self.text("id")
    }

    pub fn subject(&self) -> &str {
        self.text("subject")
    }
}

/// What stands, by identity, when all this was said; each life must be a legal one.
pub fn fold(said: &[Said]) -> BTreeMap<String, Value> {
    let mut standing: BTreeMap<String, Value> = BTreeMap::new();
    for one in said {
        let (id, stood) = (one.id().to_owned(), standing.contains_key(one.id()));
        assert_eq!(one.action() != "raised", stood, "{} while it stood: {stood}: {}", one.action(), one.body);
        match one.action() {
            "retracted" => drop(standing.remove(&id)),
            _ => drop(standing.insert(id, one.body.clone())),
        }
    }
    standing
}

/// The subjects of which something stands, in order.
pub fn standing_subjects(said: &[Said]) -> Vec<String> {
    let mut subjects: Vec<String> =
        fold(said).values().map(|body| body["subject"].as_str().expect("of a case").to_owned()).collect();
    subjects.sort();
    subjects
}

/// Something that happened to a case.
#[derive(Clone, Debug)]
pub struct Event {
    pub kind: &'static str,
    pub subject: String,
    pub at_ms: i64,
    /// How much time it has; an event that does not say leaves it as it is.
    pub priority: Option<&'static str>,
    /// Where it goes, if not to the partition of its subject.
    pub partition: Option<i32>,
}

impl Event {
    pub fn json(&self) -> String {
        let Event { kind, subject, at_ms, priority, .. } = self;
        let time = Time::from_millis(*at_ms);
        let priority = priority.map(|one| format!(r#","priority":"{one}""#)).unwrap_or_default();
        format!(
            r#"{{"id":"{kind}-{subject}-{at_ms}","source":"/test","type":"{kind}","subject":"{subject}","time":"{time}","data":{{"product":"router","region":"north","customer":"customer-of-{subject}"{priority}}}}}"#
        )
    }
}

/// A case is opened now, with so much time as its priority says.
pub fn opened(subject: &str, priority: &'static str) -> Event {
    opened_at(subject, priority, now_ms())
}

pub fn opened_at(subject: &str, priority: &'static str, at_ms: i64) -> Event {
    Event { kind: "ticket.opened", subject: subject.into(), at_ms, priority: Some(priority), partition: None }
}

/// A case is resolved now.
pub fn resolved(subject: &str) -> Event {
    resolved_at(subject, now_ms())
}

pub fn resolved_at(subject: &str, at_ms: i64) -> Event {
    Event { kind: "ticket.resolved", subject: subject.into(), at_ms, priority: None, partition: None }
}

/// The wall, which is the broker's, too.
pub fn now_ms() -> i64 {
    clock::now().millis()
}

pub fn sleep_ms(ms: u64) {
    std::thread::sleep(std::time::Duration::from_millis(ms));
}

/// Sleeps until an instant on the wall.
pub fn sleep_until(at_ms: i64) {
    sleep_ms(u64::try_from(at_ms - now_ms()).unwrap_or(0));
}

/// That an alert came within [`ON_TIME_MS`] and [`SLACK_MS`] after an instant, and not before.
pub fn assert_on_time(said: &Said, fires_ms: i64) {
    let after = said.at_ms - fires_ms;
    assert!((0..=ON_TIME_MS + SLACK_MS).contains(&after), "{after} ms after it might: {}", said.body);
}
