//! Does it matter who owns the aggregate? The same complaints once with one candidate, and once with two that take over from
//! each other, in order and by death.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use serde_json::Value;
use watchbell::source::desk;
use watchbell::source::partition::partition;
use watchbell::time::{Span, Time};

use super::super::broker::shared;
use super::super::client::produce;
use super::super::program::Program;
use super::super::wait_until;
use super::watch::{BEGIN_SECONDS, Plan, Watch, fold};

/// One log: of several, one that runs away from the others by hours is not waited for, and which does depends on the machine.
const PARTITIONS: i32 = 1;
/// Local midnight of the first day.
const START: &str = "2025-09-15T00:00:00+08:00";
/// Up to which hours the desk works before something happens to the owner: to learn from, while the complaints rise, at
/// their height, when they are over; and until the crisis is, too.
const STAGES: [i64; 5] = [
    desk::INCIDENT_BEGINS as i64,
    desk::INCIDENT_BEGINS as i64 + 5,
    desk::INCIDENT_BEGINS as i64 + 10,
    desk::INCIDENT_BEGINS as i64 + 14,
    8 * 24,
];

/// Complaints are counted, and calls must be answered in time, of which about as many are as must be.
const POLICY: &str = r#"
[[commitment]]
name = "call_answer"
title = { en = "Call answered within 20 seconds", zh = "来电20秒内接听" }
start = "call.queued"
stop = "call.answered"
cancel = "call.abandoned"
goal = "20s"

[[objective]]
name = "calls"
title = { en = "80 % of calls answered within 20 seconds", zh = "80%的来电在20秒内接听" }
commitment = "call_answer"
target = 0.8
window = "12h"

[count]
activity = ["ticket.received", "call.queued"]
complaints = ["feedback.complaint"]
"#;

/// What befalls the owner of the aggregate.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Fate {
    Leaves,
    Dies,
}

/// After each stage but the last.
const FATES: [Fate; 4] = [Fate::Leaves, Fate::Dies, Fate::Leaves, Fate::Dies];

/// What a desk sends in the order of time, each event once: the log's clock is made of them.
fn traffic() -> Vec<(Time, String, String)> {
    let start = Time::parse(START).expect("an instant");
    let options = desk::Options { seed: 5, start, days: 8, per_hour: 15.0, incident: true, rise_hours: 8 };
    let mut seen = BTreeSet::new();
    let mut events: Vec<(Time, String, String)> = desk::events(&options)
        .into_iter()
        .filter(|event| seen.insert(event.id.to_string()))
        .map(|event| (event.time, event.subject.to_string(), desk::json(&event)))
        .collect();
    events.sort();
    events
}

/// Advances the clock of every log.
fn advances(at: Time) -> impl Iterator<Item = (Option<i32>, String, String, Option<i64>)> {
    (0..PARTITIONS).map(move |home| {
        let subject = format!("clock-{home}");
        let json = format!(
            r#"{{"id":"{subject}-{}","source":"/test","type":"clock.advance","subject":"{subject}","time":"{at}"}}"#,
            at.millis()
        );
        (Some(home), subject, json, None)
    })
}

/// What the aggregate said of all this, by identity, without what depends on when it was cut.
fn said(name: &str, candidates: usize, fates: &[Fate]) -> BTreeMap<String, Value> {
    let at = shared().bootstrap();
    let (kafka, engine) = ("silence = \"1500ms\"", "clock = \"log\"");
    let plan = Plan { name, inputs: &[PARTITIONS], kafka, engine, ..Plan::default() };
    let watch = Watch::new(&at, &plan);
    fs::write(watch.policy(), POLICY).expect("writable");
    let mut programs: Vec<Program> = (0..candidates).map(|_| watch.start()).collect();
    let (start, traffic) = (Time::parse(START).expect("an instant"), traffic());
    let mut from = 0;
    for (stage, hours) in STAGES.into_iter().enumerate() {
        let until = start + Span::from_hours(hours);
        let to = traffic.partition_point(|(time, ..)| *time < until);
        let records = traffic[from..to].iter().map(|(time, subject, json)| {
            let home = partition(subject.as_bytes(), PARTITIONS as u32) as i32;
            (Some(home), subject.clone(), json.clone(), Some(time.millis()))
        });
        produce(&at, watch.topic(0), records.chain(advances(until)));
        from = to;
        wait_until(BEGIN_SECONDS, "the aggregate has come so far", || {
            assert!(programs.iter_mut().all(|program| program.ended().is_none()), "all go on");
            watch.aggregate_cut().is_some_and(|cut| cut.clock >= until.millis())
        });
        if let Some(fate) = fates.get(stage) {
            take_turns(&watch, &mut programs, *fate);
        }
    }
    for program in &mut programs {
        program.terminate();
        assert!(program.wait(20).success());
        assert!(!program.stderr().contains("differs"), "what was said is what stands");
    }
    let said = watch.said_by_aggregate();
    let standing = fold(&said).into_iter().map(|(id, mut body)| {
        let fields = body.as_object_mut().expect("an object");
        ["log", "next_offset", "clock", "action"].iter().for_each(|name| drop(fields.remove(*name)));
        (id, body)
    });
    standing.collect()
}

/// The owner of the aggregate goes, another one takes it over, and one more is started.
fn take_turns(watch: &Watch, programs: &mut Vec<Program>, fate: Fate) {
    let owner = || watch.aggregate_cut().map(|cut| cut.owner).filter(|owner| !owner.is_empty());
    let before = owner().expect("somebody owns it");
    let is_owner = |program: &Program| program.stderr().contains(&before);
    let mut program = programs.remove(programs.iter().position(is_owner).expect("it is one of ours"));
    match fate {
        Fate::Leaves => {
            program.terminate();
            assert!(program.wait(20).success());
        }
        Fate::Dies => program.kill(),
    }
    wait_until(BEGIN_SECONDS, "the other one owns it", || owner().is_some_and(|owner| owner != before));
    programs.push(watch.start());
}

#[test]
fn two_candidates_find_what_one_finds() {
    let (one, two) = std::thread::scope(|scope| {
        let two = scope.spawn(|| said("candidates", 2, &FATES));
        (said("alone", 1, &[]), two.join().expect("it was said"))
    });
    let count = |kind: &str| one.values().filter(|body| body["kind"] == kind).count();
    assert!(count("signal") > 0 && count("crisis") == 1 && count("objective") > 2, "{one:#?}");
    let (product, region) = desk::incident_of(5);
    let crisis = one.values().find(|body| body["kind"] == "crisis").expect("counted");
    assert_eq!(crisis["series"]["product"], product);
    assert_eq!(crisis["series"]["region"], region);
    assert!(!crisis["ended"].is_null(), "it is over");
    assert_eq!(one.keys().collect::<Vec<_>>(), two.keys().collect::<Vec<_>>());
    one.iter().for_each(|(id, body)| assert_eq!(two[id], *body));
}
