//! Does what was stored yesterday still load? One checkpoint of every version that was ever written, and what it holds.
//!
//! The files were written by the program of their time and are never written anew. Of the version written today, one
//! is compared byte by byte: a stored form that changes needs another number, see `checkpoint/mod.rs`. The one with
//! alerts is not compared, because alerts are stored as JSON that may gain members within a version.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use watchbell::checkpoint::Checkpoint;
use watchbell::config;
use watchbell::event::decode;
use watchbell::shard::state::VERSION;
use watchbell::shard::{Options, Read, Shard};
use watchbell::sla::policy::Policy;
use watchbell::time::{Span, Time};

const POLICY: &str = r#"
[calendars.office]
zone = "Asia/Shanghai"
weekly = { monday = ["09:00-12:00", "13:00-18:00"], tuesday = ["09:00-18:00"] }

[[commitment]]
name = "answer"
title = { en = "Answer", zh = "答复" }
start = "ticket.opened"
stop = "ticket.resolved"
pause = "ticket.paused"
resume = "ticket.resumed"
cancel = "ticket.cancelled"
goal = { by = "priority", P1 = "30m", otherwise = "2h" }
warnings = [0.5]
grace = "2s"

[[commitment]]
name = "owner"
title = { en = "Owner", zh = "负责人" }
match.kind = "complaint"
start = "ticket.opened"
stop.all = ["ticket.classified", "ticket.owner_named"]
goal = "1h"
calendar = "office"
grace = "2s"

[[objective]]
name = "answers"
title = { en = "Answers", zh = "答复" }
commitment = "answer"
target = 0.8

[count]
activity = ["ticket.opened", "feedback.survey"]
complaints = [{ on = "ticket.opened", where = { kind = "complaint" } }]
score = "score"
"#;

/// The hash of a policy follows from the code, which may change; what was stored under it is what is tested.
const HASH: u64 = 0x5745_4c4c;

fn policy() -> Arc<Policy> {
    Arc::new(config::policy::read("stored.toml", POLICY).unwrap_or_else(|problems| panic!("{problems}")))
}

fn options() -> Options {
    Options { horizon: Span::from_hours(10), dedup_window: Span::from_hours(3), ..Options::default() }
}

/// Minutes after nine on a Monday in Shanghai.
fn at(minute: i64) -> Time {
    Time::parse("2026-03-02T09:00:00+08:00").expect("an instant") + Span::from_minutes(minute)
}

struct Line(&'static str, &'static str, &'static str, i64, &'static str);

const EVENTS: [Line; 11] = [
    Line("e1", "ticket.opened", "T-old", -660, r#","priority":"P1","product":"lock","region":"north""#),
    Line("e2", "ticket.resolved", "T-old", -650, ""),
    Line(
        "e3",
        "ticket.opened",
        "T-breach",
        0,
        r#","priority":"P1","kind":"complaint","product":"lock","customer":"c1""#,
    ),
    Line("e4", "ticket.opened", "T-warned", 1, r#","priority":"P2","product":"hub","channel":"phone""#),
    Line("e5", "feedback.survey", "F-1", 2, r#","score":4,"product":"hub""#),
    Line(
        "e6",
        "ticket.opened",
        "T-paused",
        3,
        r#","priority":"P1","kind":"complaint","category":"noise","customer":"c2""#,
    ),
    Line("e7", "ticket.paused", "T-paused", 10, ""),
    Line("e8", "ticket.classified", "T-paused", 11, ""),
    Line("e9", "ticket.opened", "T-old", 12, r#","priority":"P2","product":"lock""#),
    Line("e10", "ticket.resumed", "T-paused", 61, ""),
    Line("e11", "feedback.survey", "F-2", 62, r#","score":2,"product":"lock""#),
];

/// What all checkpoints hold: the story up to 09:12 with a clock that stands still, so that the old case of a subject that
/// came back is kept; or with alerts up to 10:02.
fn story(with_alerts: bool) -> Checkpoint {
    let mut shard: Shard = Shard::new(policy(), options(), 3);
    let lines = EVENTS.iter().filter(|line| with_alerts || line.3 <= 12);
    let mut cuts = 0;
    for (offset, Line(id, kind, subject, minute, more)) in (100..).zip(lines) {
        let json = format!(
            r#"{{"id":"{id}","source":"/desk/1","type":"{kind}","subject":"{subject}","time":"{}"{more}}}"#,
            at(*minute)
        );
        let event = decode(json.as_bytes()).expect("valid");
        shard.advance(event.time.min(at(if with_alerts { 62 } else { -60 })));
        assert_eq!(shard.read(offset, at(1_000), &event), Ok(Read::Applied), "{id}");
        let cut = shard.cut(true);
        shard.acknowledge(&cut);
        cuts += 1;
    }
    let alerts_offset = shard.said().len() as u64;
    let mut state = shard.state();
    state.policy_hash = HASH;
    Checkpoint { number: 7, seq: cuts, alerts_offset, state }
}

fn file(version: u16, name: &str) -> PathBuf {
    let path = format!("tests/fixtures/checkpoint-v{version}-{name}.wbcp");
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

#[test]
fn the_version_written_today_has_its_files() {
    let mut written = Vec::new();
    for (name, with_alerts) in [("quiet", false), ("alerts", true)] {
        let (path, bytes) = (file(VERSION, name), story(with_alerts).encode());
        match std::fs::read(&path) {
            Err(_) => {
                std::fs::write(&path, bytes).expect("writable");
                written.push(path);
            }
            Ok(kept) => assert!(
                with_alerts || kept == bytes,
                "the stored form has changed: give it another version, see checkpoint/mod.rs"
            ),
        }
    }
    assert!(
        written.is_empty(),
        "{written:?} was missing; commit what was written, and never change it again"
    );
}

#[test]
fn checkpoints_of_every_version_still_load() {
    for version in 1..=VERSION {
        for (name, offset, cases, standing) in [("quiet", 109, 5, 0), ("alerts", 111, 4, 4)] {
            let bytes = std::fs::read(file(version, name)).expect("every version has its files");
            let Checkpoint { number, seq, alerts_offset, mut state } =
                Checkpoint::decode(&bytes).unwrap_or_else(|what| panic!("version {version}, {name}: {what}"));
            assert_eq!(
                (number, seq, alerts_offset),
                (7, offset - 100, standing),
                "version {version}, {name}"
            );
            assert_eq!((state.log, state.next_offset, state.policy_hash), (3, offset, HASH));
            state.policy_hash = policy().hash;
            let mut shard: Shard = Shard::restore(policy(), options(), state).expect("it fits");
            assert_eq!(shard.cases(), cases, "version {version}, {name}");
            assert_eq!(shard.said().len() as u64, standing, "version {version}, {name}");
            let cut = shard.cut(false);
            assert!(cut.changes.is_empty(), "what was said is what stands: {:?}", cut.changes);
            shard.acknowledge(&cut);
            // It goes on: the pause of ten past nine is known, and so are events of before.
            shard.advance(at(24 * 60));
            let breaches: Vec<String> =
                shard.cut(false).changes.iter().map(|one| one.alert.id.to_string()).collect();
            assert_eq!(breaches.len(), if name == "quiet" { 8 } else { 7 }, "version {version}, {name}");
            let again = format!(
                r#"{{"id":"e5","source":"/desk/1","type":"feedback.survey","subject":"F-1","time":"{}"}}"#,
                at(2)
            );
            let event = decode(again.as_bytes()).expect("valid");
            assert_eq!(shard.read(offset, at(1_000), &event), Ok(Read::Duplicate));
        }
    }
}
