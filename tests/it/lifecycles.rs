//! Do lifecycles count what they should, and are the shipped ones what they claim to be? Through files, as they are used.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::Path;

use serde_json::{Value, json};
use watchbell::config::{LIFECYCLES, lifecycle, load_lifecycles};
use watchbell::source::replay::Order;

use crate::judged::{Options, data, judge};

/// The lifecycles of a report, as its JSON has them.
fn conduct(files: &[&Path], options: &Options<'_>) -> Value {
    serde_json::to_value(judge(files, options).report.lifecycles).expect("a report is JSON")
}

/// The violations of a lifecycle in one line each.
fn violations(one: &Value) -> Vec<String> {
    let text = |value: &Value| value.as_str().unwrap_or("-").to_owned();
    let line = |one: &Value| {
        let words = ["kind", "from", "event", "to"].map(|key| text(&one[key]));
        format!("{} {}", words.join(" "), one["count"])
    };
    one["violations"].as_array().expect("a list").iter().map(line).collect()
}

/// The figures are those of tests/oracle/ways.py, which reads the log's rows and not the program's events.
#[test]
fn the_incident_log_goes_its_way_but_for_eight() {
    let Some(path) = data("incidents/incident_event_log_2016-03.csv.gz") else { return };
    let name = Some("incident_log");
    let options = Options { mapping: name, policy: name, lifecycles: name, ..Default::default() };
    let told = conduct(&[&path], &options);
    let one = &told[0];
    assert_eq!(
        [&one["cases"], &one["ended"], &one["conforming"]],
        [&json!(9_202), &json!(9_202), &json!(9_194)]
    );
    let expected = [
        "not_begun - ticket.acknowledged active 2",
        "illegal new ticket.paused waiting 1",
        "illegal new ticket.resolved resolved 1",
        "illegal active ticket.opened new 2",
        "illegal active ticket.closed closed 2",
        "illegal resolved ticket.paused waiting 2",
        "after_end closed ticket.paused waiting 1",
        "after_end closed ticket.resolved resolved 1",
        "missing closed - resolved 2",
    ];
    assert_eq!(violations(one).len(), expected.len());
    for line in expected {
        assert!(violations(one).iter().any(|told| told == line), "{line} is missing in {told:#}");
    }
    let left: Vec<u64> = one["states"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|state| state["stayed_seconds"]["n"].as_u64().expect("a number"))
        .collect();
    assert_eq!(left, [9_202, 12_490, 3_134, 9_358, 2]);
    for workers in [1, 7] {
        assert_eq!(conduct(&[&path], &Options { workers, ..options }), told, "{workers} workers");
    }
}

/// A complaint that is acknowledged late and closed without a survey, one that is fine so far, and one of another kind.
const EVENTS: [(&str, &str, &str); 13] = [
    ("C-1", "09:00", "ticket.received"),
    ("C-1", "09:10", "ticket.assigned"),
    ("C-1", "09:20", "ticket.acknowledged"),
    ("C-1", "09:30", "ticket.classified"),
    ("C-1", "09:40", "ticket.owner_named"),
    ("C-1", "09:50", "ticket.investigation_started"),
    ("C-1", "10:00", "ticket.plan_made"),
    ("C-1", "10:30", "ticket.measure_taken"),
    ("C-1", "11:00", "ticket.resolved"),
    ("C-1", "12:00", "ticket.result_notified"),
    ("C-1", "15:00", "ticket.closed"),
    ("C-2", "09:00", "ticket.received"),
    ("C-2", "09:30", "ticket.acknowledged"),
];

#[test]
fn a_complaint_is_held_against_the_guide_in_any_order() {
    let line = |(n, (subject, time, kind)): (usize, &(&str, &str, &str))| {
        let time = format!("2026-03-02T{time}:00+08:00");
        let data = json!({ "kind": "complaint", "process_told": true, "expected_time_told": true });
        json!({ "id": format!("e{n}"), "source": "s", "type": kind, "subject": subject, "time": time, "data": data })
    };
    let mut lines: Vec<String> = EVENTS.iter().enumerate().map(|event| line(event).to_string()).collect();
    lines.push(lines[3].clone());
    let mut dice = fastrand::Rng::with_seed(7);
    let mut before = None;
    for order in [Order::Time, Order::File, Order::File, Order::File] {
        let mut file = tempfile::NamedTempFile::new().expect("a file");
        file.write_all(lines.join("\n").as_bytes()).expect("room");
        let told = conduct(&[file.path()], &Options { order, ..Default::default() });
        assert_eq!(told.as_array().map(Vec::len), Some(1), "{told:#}");
        assert_eq!(
            (&told[0]["name"], &told[0]["cases"], &told[0]["ended"]),
            (&json!("complaint"), &json!(2), &json!(1))
        );
        let expected = [
            "illegal received ticket.assigned assigned 1",
            "illegal acknowledged ticket.classified classified 1",
            "illegal assigned ticket.acknowledged acknowledged 1",
            "illegal result_notified ticket.closed closed 1",
            "missing closed - surveyed 1",
        ];
        assert_eq!(violations(&told[0]), expected);
        let received = &told[0]["states"][0];
        assert_eq!((&received["here"], &received["stayed_seconds"]["n"]), (&json!(0), &json!(2)));
        assert_eq!(received["stayed_seconds"]["max"], json!(1_800.0));
        assert!(before.is_none_or(|before| before == told));
        before = Some(told);
        dice.shuffle(&mut lines);
    }
}

#[test]
fn the_guides_lifecycles_are_all_there_and_cite_their_clauses() {
    let guide = load_lifecycles(None).expect("valid");
    let names: Vec<&str> = guide.iter().map(|one| &*one.name).collect();
    // SM1 to SM7 and SM11; SM3, SM5 and SM11 describe more than one way.
    let expected = [
        "service",
        "repair",
        "replacement",
        "return",
        "complaint",
        "fee",
        "reimbursement",
        "budget",
        "survey",
        "crisis",
        "commitment",
        "promise",
    ];
    assert_eq!(names, expected);
    for (file, _) in LIFECYCLES {
        for one in load_lifecycles(Some(file)).expect("valid").iter() {
            let states = one.states.iter().map(|state| (&state.clause, Some(&state.title)));
            let transitions = one.transitions.iter().map(|transition| (&transition.clause, None));
            let itself = (&one.clause, Some(&one.title));
            for (clause, title) in states.chain(transitions).chain([itself]) {
                let cites = ["000 ", "002 ", "003 "].iter().any(|guide| clause.starts_with(guide));
                assert!(cites || clause == "ours", "{}: `{clause}` is no clause", one.name);
                assert!(title.is_none_or(|title| !title.zh.is_ascii()), "{}: {title:?}", one.name);
            }
        }
    }
}

/// Ten mistakes, each where it stands and with what to do about it.
#[test]
fn every_mistake_is_told_with_its_place_and_remedy() {
    let text = r#"
[[lifecycle]]
name = "a"
title = { en = "A" }
states = [
    { name = "one", title = { en = "One", zh = "一" }, needs = ["two"] },
    { name = "two", title = { en = "Two", zh = "二" } },
    { name = "two", title = { en = "Two", zh = "二" }, end = true },
    { name = "end", titel = { en = "End", zh = "终" }, title = { en = "End", zh = "终" }, end = true },
]
transitions = [
    { on = "t.a", from = "ome", to = "one" },
    { on = "t.b" },
    { from = "one", to = "two" },
]

[[lifecycle]]
name = "a"
title = { en = "A", zh = "甲" }
states = [
    { name = "one", title = { en = "One", zh = "一" } },
    { name = "two", title = { en = "Two", zh = "二" }, end = true },
]
transitions = [{ on = "t.a", from = "one", to = "one" }]
"#;
    let problems = lifecycle::read("w.toml", text).expect_err("it is wrong");
    let told: Vec<String> = problems.0.iter().map(ToString::to_string).collect();
    let expected = [
        "w.toml:4:9: `lifecycle[0].title.zh` is missing (say it in English (`en`) and in 中文 (`zh`))",
        "w.toml:6:63: steps are needed before an end only (add `end = true`, or drop `needs`)",
        "w.toml:8:14: the state `two` is there twice (rename one of them, or drop it)",
        "w.toml:9:21: unknown key `lifecycle[0].states[3].titel` (did you mean `title`?)",
        "w.toml:12:26: there is no state `ome` (did you mean `one`?)",
        "w.toml:13:5: the transition begins nowhere and leads nowhere (add `to`, where it leads, or `from`, where it is allowed)",
        "w.toml:14:5: `lifecycle[0].transitions[2].on` is missing (say which event it is: on = \"ticket.received\")",
        "w.toml:17:1: no transition begins the lifecycle (let one of the transitions have no `from`: it begins the lifecycle)",
        "w.toml:18:8: the lifecycle `a` is there twice (rename one of them, or drop it)",
        "w.toml:21:5: the state `one` is no end, and nothing leads out of it (add a transition that leads on, or say `end = true`)",
        "w.toml:22:5: nothing leads to the state `two` (add a transition that leads to it, or drop the state)",
    ];
    assert_eq!(told, expected);
    let empty = lifecycle::read("w.toml", "").expect_err("nothing is in it").to_string();
    assert_eq!(empty, "w.toml:1:1: there is no lifecycle (add a [[lifecycle]] with states and transitions)");
}

#[test]
fn the_page_names_every_key_and_its_example_is_right() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/lifecycles.md");
    let text = std::fs::read_to_string(path).expect("docs/lifecycles.md");
    let keys =
        lifecycle::LIFECYCLE_KEYS.iter().chain(&lifecycle::STATE_KEYS).chain(&lifecycle::TRANSITION_KEYS);
    for key in keys {
        assert!(text.contains(&format!("`{key}`")), "`{key}` is missing in docs/lifecycles.md");
    }
    let examples: BTreeMap<usize, &str> = text.split("```toml lifecycles\n").skip(1).enumerate().collect();
    assert_eq!(examples.len(), 1);
    let example = examples[&0].split("```").next().expect("the block ends");
    lifecycle::read("docs/lifecycles.md", example).unwrap_or_else(|problems| panic!("{problems}"));
}
