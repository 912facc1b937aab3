//! Does a preset do what its system does? The published cases of each system, through the policy's own clocks.

use serde_json::{Value, json};
use watchbell::config::case;
use watchbell::event::{Event, decode};
use watchbell::sla::commitment::{Commitment, Condition, Goal, Limit, Stop};
use watchbell::sla::due::{self, Case, Step};
use watchbell::sla::fold::fold;
use watchbell::sla::outcome::{Verdict, verdict};
use watchbell::sla::policy::{Counting, Policy};
use watchbell::sla::terms::{Boundary, Change, Convention, Landing};
use watchbell::time::Time;

use super::promises::facts;

/// Preset, and the beginning of the names of its system's cases. Zendesk's are those of its own library for business time.
const SYSTEMS: [(&str, &str); 6] = [
    ("zammad", "zammad-"),
    ("zendesk", "biz-"),
    ("frappe", "frappe-"),
    ("glpi", "glpi-"),
    ("servicenow", "snow-"),
    ("jira", "saasjet-"),
];

/// A reversed range, which no clock runs through, and a goal of no time at all, which no policy takes.
const NO_PROMISES: [&str; 2] = ["glpi-016", "snow-004"];

/// Of 2016, when Zammad was due at the closing; it has been due at the next opening since.
const OLD_ZAMMAD: &str = "zammad-041";

#[test]
fn every_preset_agrees_with_the_cases_of_its_system() {
    let text = include_str!("../../docs/vectors.json");
    let file: Value = serde_json::from_str(text).expect("JSON");
    let vectors = file["vectors"].as_array().expect("a list");
    let (mut compared, mut wrong) = (Vec::new(), Vec::new());
    for (preset, prefix) in SYSTEMS {
        let is_mine = |id: &str| id.starts_with(prefix) && !NO_PROMISES.contains(&id);
        let mine = vectors.iter().filter(|vector| vector["id"].as_str().is_some_and(is_mine));
        let count: usize = mine.map(|vector| compare(preset, vector, &mut wrong)).sum();
        compared.push((preset, count));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    let expected =
        [("zammad", 30), ("zendesk", 11), ("frappe", 15), ("glpi", 11), ("servicenow", 7), ("jira", 1)];
    assert_eq!(compared, expected);
    // And the cases tell one convention from another.
    for vector in vectors.iter().filter(|vector| !NO_PROMISES.iter().any(|id| vector["id"] == **id)) {
        compare("watchbell", vector, &mut wrong);
    }
    assert!(wrong.len() >= 5, "{}", wrong.join("\n"));
}

/// Compares due, time used and verdict with what the case expects; returns how many things.
fn compare(preset: &str, vector: &Value, wrong: &mut Vec<String>) -> usize {
    let named = case::read("vectors.json", &vector.to_string()).expect("a case").remove(0);
    let Some(policy) = policy(&named.case, convention(preset, vector)) else { return 0 };
    let events = events(&named.case);
    let events: Vec<Event<'_>> = events.iter().map(|line| decode(line.as_bytes()).expect("valid")).collect();
    let clocks = fold(&policy, &facts(&policy, &events));
    let [clock] = clocks.as_slice() else { panic!("{}: {clocks:?}", vector["id"]) };
    let looked = named.case.events.iter().find(|(_, step)| *step == Step::Evaluate).map(|(at, _)| *at);
    let now = clock.ended().or(looked);
    let commitment = &policy.commitments[0];
    let found = json!({
        "expected_due": clock.due(commitment).map(|due| commitment.calendar.local(due)),
        "expected_elapsed_seconds": now.map(|now| clock.elapsed(&commitment.calendar, now).millis() / 1_000),
        "expected_breach": now.map(|now| verdict(&policy, clock, now) == Verdict::Breached),
    });
    let mut compared = 0;
    for (name, found) in found.as_object().expect("an object") {
        let expected = &vector[name];
        if expected.is_null() {
            continue;
        }
        compared += 1;
        let instant = |value: &Value| value.as_str().and_then(Time::parse);
        if expected != found && (instant(expected).is_none() || instant(expected) != instant(found)) {
            wrong.push(format!("{preset} {} {name}: {expected}, not {found}", vector["id"]));
        }
    }
    compared
}

/// The preset, and what the case itself says of the rule that it shows.
fn convention(preset: &str, vector: &Value) -> Convention {
    let preset = Convention::preset(preset).expect("one of the presets");
    let yes = |name: &str| vector[name].as_bool();
    let change = match (yes("retroactive_start"), yes("retroactive_pause")) {
        (Some(true), Some(true)) => Change::FromStart,
        (Some(true), _) => Change::FromStartWithoutPauses,
        (Some(false), _) => Change::FromChange,
        (None, _) => preset.change,
    };
    let last_day = if yes("end_of_day") == Some(true) { Landing::Closing } else { preset.last_day };
    let boundary = if vector["id"] == OLD_ZAMMAD { Boundary::IntervalEnd } else { preset.boundary };
    Convention { change, last_day, boundary, ..preset }
}

/// The case's promise; `None` where it has no goal, or one that no policy can have.
fn policy(case: &Case, convention: Convention) -> Option<Policy> {
    let limit = |goal: due::Goal| match goal {
        due::Goal::Open(span) => Some(Limit::Duration(span)),
        due::Goal::WorkingDays(days, _) => u32::try_from(days).ok().map(Limit::WorkingDays),
    };
    let now = case.goal.map_or(Some(Limit::CalendarDays(36_500)), limit)?;
    let before = case.goal_before.map_or(Some(now), limit)?;
    let rows = vec![("before".to_owned(), before), ("now".to_owned(), now)];
    let on = |kind: &str| vec![Condition { kind: format!("case.{kind}"), tests: vec![] }];
    let goal = Goal::Table { attribute: "level".into(), rows, otherwise: None };
    let commitment = Commitment {
        pause: on("pause"),
        resume: on("resume"),
        calendar: case.calendar.clone(),
        convention,
        ..Commitment::new("case", on("start"), Stop::Any(on("stop")), goal)
    };
    Some(Policy::new(vec![commitment], vec![], vec![], Counting::default()).expect("valid"))
}

fn events(case: &Case) -> Vec<String> {
    let changes = case.events.iter().any(|(_, step)| *step == Step::Change);
    let event = |(n, (at, step)): (usize, &(Time, Step))| {
        let (kind, level) = match step {
            Step::Start => ("start", Some(if changes { "before" } else { "now" })),
            Step::Change => ("change", Some("now")),
            Step::Resume => ("resume", None),
            Step::Stop => ("stop", None),
            Step::Pause => ("pause", None),
            Step::Evaluate => return None,
        };
        let mut event = json!({
            "id": format!("e{n}"), "source": "case", "type": format!("case.{kind}"), "subject": "C", "time": at.to_string(),
        });
        if let Some(level) = level {
            event["level"] = level.into();
        }
        Some(event.to_string())
    };
    case.events.iter().enumerate().filter_map(event).collect()
}
