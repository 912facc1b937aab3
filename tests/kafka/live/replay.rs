//! Does the live watch say what `watchbell replay` says? The same events, from Kafka and from files.

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufWriter, Write};

use serde_json::Value;
use watchbell::source::partition::partition;

use super::super::broker::{Broker, Options};
use super::super::program::Program;
use super::super::wait_until;
use super::watch::{Event, Plan, Said, Watch, fold};

/// How many events, over both topics; `.ci/run` asks for a million.
fn count() -> i64 {
    std::env::var("WATCHBELL_MILLION").map_or(200_000, |text| text.parse().expect("a number of events"))
}

const PARTITIONS: i32 = 4;
/// 2026-03-01T00:00:00Z, where the events begin.
const BEGIN_MS: i64 = 1_772_323_200_000;
/// Between two events.
const STEP_MS: i64 = 50;

/// What befalls the cases of a topic, in the order of time, and in the end an advance of every partition's clock.
fn events(topic: i64) -> Vec<Event> {
    let mut random = fastrand::Rng::with_seed(7 + topic as u64);
    let priorities = ["s2", "s5", "s20", "h1"];
    let mut events = Vec::new();
    let cases = count() / 4;
    for n in 0..cases {
        let (subject, at_ms) = (format!("case-{topic}-{n}"), BEGIN_MS + n * 2 * STEP_MS);
        let priority = Some(priorities[random.usize(0..4)]);
        events.push(Event {
            kind: "ticket.opened",
            subject: subject.clone(),
            at_ms,
            priority,
            partition: None,
        });
        // Some stop long after, some just before their time is up, and those of the end never.
        let stop_ms = at_ms + random.i64(0..30_000);
        let kind = if random.u8(0..20) == 0 { "ticket.progress_notified" } else { "ticket.resolved" };
        events.push(Event { kind, subject, at_ms: stop_ms, priority: None, partition: None });
    }
    events.sort_by(|a, b| (a.at_ms, &a.subject).cmp(&(b.at_ms, &b.subject)));
    // Those of an hour that nobody stopped are not due by then: the log's clock is not the wall's.
    let end_ms = events.last().map_or(BEGIN_MS, |event| event.at_ms) + 60_000;
    for home in 0..PARTITIONS {
        let lives_there = |name: &String| partition(name.as_bytes(), PARTITIONS as u32) == home as u32;
        let subject = (0..).map(|n| format!("clock-{n}")).find(lives_there).expect("some name does");
        events.push(Event { kind: "clock.advance", subject, at_ms: end_ms, priority: None, partition: None });
    }
    events
}

/// What stands, by log and identity, without what depends on when it was cut.
fn bodies(said: &[Said], log: impl Fn(i64) -> i64) -> BTreeMap<(i64, String), Value> {
    let body = |(id, mut body): (String, Value)| {
        let place = log(body["log"].as_i64().expect("a number"));
        let fields = body.as_object_mut().expect("an object");
        ["log", "next_offset", "clock", "action", "summary"]
            .iter()
            .for_each(|name| drop(fields.remove(*name)));
        ((place, id), body)
    };
    fold(said).into_iter().map(body).collect()
}

/// What a replay of these events says.
fn replayed(watch: &Watch, topic: usize, events: &[Event]) -> Vec<Said> {
    let (input, output) = (watch.folder().join("events.ndjson"), watch.folder().join("alerts.ndjson"));
    let mut file = BufWriter::new(fs::File::create(&input).expect("writable"));
    events.iter().for_each(|event| writeln!(file, "{}", event.json()).expect("writable"));
    file.flush().expect("writable");
    let path = |path: &std::path::Path| path.to_str().expect("UTF-8").to_owned();
    let (policy, partitions) = (path(&watch.policy()), PARTITIONS.to_string());
    let input = path(&input);
    let arguments = ["replay", &input, "--policy", &policy, "--partitions", &partitions, "--alerts"];
    let mut program = Program::start(&[&arguments[..], &[&path(&output)]].concat(), &[]);
    assert!(program.wait(300).success(), "topic {topic}");
    let text = fs::read_to_string(&output).expect("the replay wrote it");
    let said = text.lines().map(|line| serde_json::from_str(line).expect("an alert is JSON"));
    said.map(|body| Said { at_ms: 0, body })
        .filter(|said| said.body["log"].as_i64() < Some(i64::from(PARTITIONS)))
        .collect()
}

#[test]
fn two_workers_two_topics_equal_replay() {
    let broker = Broker::start(&Options { throughput: true, ..Options::default() });
    let inputs = [PARTITIONS, PARTITIONS];
    let engine = "workers = 2\nclock = \"log\"";
    let watch =
        Watch::new(&broker.bootstrap(), &Plan { name: "equal", inputs: &inputs, engine, ..Plan::default() });
    let topics = [events(0), events(1)];
    for (n, events) in topics.iter().enumerate() {
        watch.append(n, events);
    }
    let mut program = watch.start();
    wait_until(300, "everything is read and said", || {
        assert!(program.ended().is_none(), "the program has ended");
        let cuts = watch.cuts();
        let read = |n: usize, partition: i32, end: i64| {
            cuts.get(&(watch.topic(n).to_owned(), partition)).is_some_and(|cut| cut.next_offset == end)
        };
        (0..2).all(|n| watch.ends(n).into_iter().all(|(partition, end)| read(n, partition, end)))
    });
    program.terminate();
    assert!(program.wait(30).success());
    assert!(!program.stderr().contains("differs"), "what was said is what stands");

    let live = watch.said();
    assert!(!live.is_empty());
    for (n, events) in topics.iter().enumerate() {
        let first = n as i64 * i64::from(PARTITIONS);
        let mine: Vec<Said> = live
            .iter()
            .filter(|said| {
                (first..first + i64::from(PARTITIONS)).contains(&said.body["log"].as_i64().expect("a number"))
            })
            .cloned()
            .collect();
        let (live, replayed) =
            (bodies(&mine, |log| log - first), bodies(&replayed(&watch, n, events), |log| log));
        assert!(replayed.len() as i64 > count() / 40, "there is something to compare: {}", replayed.len());
        let differing = live.iter().find(|(key, body)| replayed.get(*key) != Some(*body));
        assert_eq!(differing, None, "said live, and not so in the replay");
        assert_eq!(live.len(), replayed.len());
    }
}
