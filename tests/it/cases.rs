//! Is the calculator right, and does it say what it cannot read? Through the binary, as it is used.

use std::io::Write;
use std::process::{Command, Output, Stdio};

use serde_json::{Value, json};

fn due(arguments: &[&str], input: &str) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_watchbell"));
    command.arg("due").args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut process = command.spawn().expect("the binary starts");
    process.stdin.take().expect("it was piped").write_all(input.as_bytes()).expect("it reads");
    process.wait_with_output().expect("it ends")
}

fn answers(input: &Value) -> Vec<Value> {
    let output = due(&["--json"], &input.to_string());
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).expect("JSON")
}

/// What a vector expects, and under which name the answer has it.
const EXPECTED: [(&str, &str); 7] = [
    ("expected_due", "due"),
    ("due_before", "due_before"),
    ("expected_elapsed_seconds", "elapsed_seconds"),
    ("expected_actual_seconds", "actual_seconds"),
    ("expected_late_business_seconds", "late_business_seconds"),
    ("expected_hold_business_seconds", "hold_business_seconds"),
    ("expected_breach", "breached"),
];

/// A vector without what is expected of it.
fn stripped(vector: &Value) -> Value {
    let mut vector = vector.clone();
    let members = vector.as_object_mut().expect("an object");
    EXPECTED.iter().for_each(|(expected, _)| drop(members.remove(*expected)));
    if let Some(escalation) = members.get_mut("escalation").and_then(Value::as_object_mut) {
        escalation.remove("expected_at");
    }
    vector
}

#[test]
fn it_agrees_with_the_systems_of_the_field() {
    let text = include_str!("../../docs/vectors.json");
    let file: Value = serde_json::from_str(text).expect("JSON");
    let vectors = file["vectors"].as_array().expect("a list");
    let answers = answers(&json!({ "vectors": vectors.iter().map(stripped).collect::<Vec<_>>() }));
    assert_eq!((vectors.len(), answers.len()), (112, 112));
    let (mut compared, mut wrong) = (0, Vec::new());
    for (vector, answer) in vectors.iter().zip(&answers) {
        assert_eq!(vector["id"], answer["id"]);
        let mut compare = |expected: &Value, found: &Value, what: &str| {
            compared += 1;
            if expected != found {
                wrong.push(format!("{} {what}: {expected}, not {found}", vector["id"]));
            }
        };
        for (expected, name) in EXPECTED {
            if !vector[expected].is_null() {
                compare(&vector[expected], &answer[name], name);
            }
        }
        if let Some(at) = vector["escalation"].get("expected_at") {
            compare(&json!([at]), &answer["warnings"], "warnings");
        }
    }
    assert_eq!(wrong, [""; 0]);
    assert_eq!(compared, 138);
    // With everything that is expected in it, the file is read all the same.
    assert!(due(&["--json"], text).status.success());
}

/// A case on a Chinese office's hours, with members laid over it.
fn case(more: &Value) -> Value {
    let day = json!([["09:00", "12:00"], ["13:00", "18:00"]]);
    let mut case = json!({
        "id": "T-1", "kind": "due", "goal_minutes": 300,
        "calendar": { "tz": "Asia/Shanghai", "hours": { "mon": day, "tue": day } },
        "events": [{ "type": "start", "at": "2026-03-02T15:20:00+08:00" }],
    });
    let members = case.as_object_mut().expect("an object");
    for (name, value) in more.as_object().expect("an object") {
        members.insert(name.clone(), value.clone());
    }
    case
}

#[test]
fn what_cannot_be_read_is_named_with_its_place() {
    let event = |kind: &str| json!([{ "type": kind, "at": "2026-03-02T15:20:00+08:00" }]);
    let hours = |from: &str, to: &str| json!({ "tz": "Asia/Shanghai", "hours": { "mon": [[from, to]] } });
    let cases = [
        (json!({ "goal_minute": 1 }), "goal_minute: unknown field"),
        (
            json!({ "events": [{ "type": "begin", "at": "2026-03-02T15:20:00Z" }] }),
            "events[0].type: unknown variant `begin`",
        ),
        (
            json!({ "events": [{ "type": "start", "at": "today" }] }),
            "events[0].at: `today` is not an RFC 3339 instant",
        ),
        (json!({ "events": event("stop") }), "`T-1`: no event starts the clock"),
        (
            json!({ "calendar": hours("18:00", "09:00") }),
            "calendar.hours.mon[0]: `18:00` to `09:00` is no window of a day",
        ),
        (json!({ "calendar": hours("1092:16", "18:00") }), "calendar.hours.mon[0]: `1092:16` to `18:00`"),
        (json!({ "calendar": hours("9 am", "18:00") }), "calendar.hours.mon[0]: `9 am` to `18:00`"),
        (json!({ "calendar": { "tz": "Asia/Shanghai" } }), "`T-1`: its calendar: the calendar is never open"),
        (json!({ "calendar": { "tz": "Mars/Base", "hours": {} } }), "there is no time zone `Mars/Base`"),
        (json!({ "calendar": { "tz": "UTC", "holidays": ["2026-02-30"] } }), "calendar.holidays[0]"),
        (json!({ "goal_minutes": -1 }), "`T-1`: a goal of -60 s"),
        (json!({ "goal_business_days": 3 }), "`T-1`: two goals"),
        (json!({ "kind": "due_days", "goal_minutes": null }), "`T-1`: no goal"),
        (json!({ "escalation": {} }), "`T-1`: an escalation"),
    ];
    for (more, expected) in &cases {
        let output = due(&[], &case(more).to_string());
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!output.status.success() && said.contains(expected), "{more}: {said}");
        assert!(said.starts_with("standard input: "), "{said}");
    }
    // Many cases, many problems: all of them at once, each with its own place.
    let two = json!({ "vectors": [case(&json!({ "goal_minutes": -1 })), case(&json!({})), case(&json!({ "escalation": {} }))] });
    let said = String::from_utf8(due(&[], &two.to_string()).stderr).expect("UTF-8");
    assert!(
        said.contains("vectors[0] (`T-1`): a goal") && said.contains("vectors[2] (`T-1`): an escalation"),
        "{said}"
    );
    let said = String::from_utf8(due(&[], "{").stderr).expect("UTF-8");
    assert!(said.contains("standard input: is not JSON: EOF"), "{said}");
}

/// Every member that the reader knows stands in the schema, and no other: the reader says itself which it knows.
#[test]
fn the_schema_names_what_the_reader_knows() {
    let schema = watchbell::config::case::schema();
    let defs = &schema["$defs"];
    let start = "2026-03-02T15:20:00+08:00";
    let wrong = [
        (json!({ "?": 1 }), &defs["case"]),
        (json!({ "calendar": { "tz": "UTC", "?": 1 } }), &defs["calendar"]),
        (
            json!({ "calendar": { "tz": "UTC", "hours": { "?": 1 } } }),
            &defs["calendar"]["properties"]["hours"],
        ),
        (json!({ "events": [{ "type": "start", "at": start, "?": 1 }] }), &defs["event"]),
        (json!({ "escalation": { "?": 1 } }), &defs["escalation"]),
    ];
    for (more, part) in wrong {
        let said = String::from_utf8(due(&[], &case(&more).to_string()).stderr).expect("UTF-8");
        let (_, known) = said.split_once("expected ").unwrap_or_else(|| panic!("{said}"));
        let mut known: Vec<&str> = known.split('`').skip(1).step_by(2).collect();
        known.sort_unstable();
        let mut named: Vec<&String> = part["properties"].as_object().expect("members").keys().collect();
        named.sort_unstable();
        assert_eq!(known, named, "{more}");
    }
    let kinds =
        String::from_utf8(due(&[], &case(&json!({ "kind": "?" })).to_string()).stderr).expect("UTF-8");
    for kind in defs["case"]["properties"]["kind"]["enum"].as_array().expect("a list") {
        assert!(kinds.contains(&format!("`{}`", kind.as_str().expect("text"))), "{kind} in {kinds}");
    }
}

#[test]
fn it_draws_the_arithmetic() {
    let at = |kind: &str, at: &str| json!({ "type": kind, "at": format!("2026-03-03T{at}:00+08:00") });
    let start = json!({ "type": "start", "at": "2026-03-02T15:30:00+08:00" });
    let events = json!([start, at("pause", "09:30"), at("resume", "10:30"), at("stop", "15:00")]);
    let case = case(&json!({ "events": events })).to_string();
    let shown = |lang: &str| String::from_utf8(due(&["--lang", lang], &case).stdout).expect("UTF-8");
    let expected = "\
T-1
  started   2026-03-02T15:30:00+08:00
  goal      5h of open time
  paused    2026-03-03T09:30:00+08:00 … 2026-03-03T10:30:00+08:00
  held      1h
  ended     2026-03-03T15:00:00+08:00
  used      6h 30m
  due       2026-03-03T13:30:00+08:00
  verdict   OVER THE GOAL by 1h 30m
              0     3     6     9     12    15    18    21
  2026-03-02  ··················░░░░░░··░░░░░█████············
  2026-03-03  ··················█‖‖███··◆███░░░░░░············
  █ counted  ‖ paused  ░ open  · closed  ◆ due
";
    assert_eq!(shown("en"), expected);
    let zh = shown("zh");
    for part in ["营业时间 5小时", "已超时 1小时30分", "到期   2026-03-03T13:30:00+08:00", "█ 计入"]
    {
        assert!(zh.contains(part), "{part} in {zh}");
    }
}

/// Instants that have no whole second, a pause that goes on, a look at a clock that runs, a goal that changes.
#[test]
fn what_applies_is_answered_and_nothing_else() {
    let at = |kind: &str, at: &str| json!({ "type": kind, "at": format!("2026-03-02T{at}+08:00") });
    let check = |more: &Value, expected: &Value| {
        let found = answers(&case(more));
        let mut expected = expected.clone();
        expected["id"] = "T-1".into();
        assert_eq!(found, [expected], "{more}");
    };
    let start = at("start", "15:20:00");
    check(&json!({}), &json!({ "due": "2026-03-03T11:20:00+08:00" }));
    check(
        &json!({ "boundary": "next_open", "goal_minutes": 160 }),
        &json!({ "due": "2026-03-03T09:00:00+08:00" }),
    );
    check(&json!({ "goal_minutes": 160 }), &json!({ "due": "2026-03-02T18:00:00+08:00" }));
    check(&json!({ "events": [start, at("pause", "16:00:00")] }), &json!({}));
    check(
        &json!({ "goal_minutes": null, "kind": "elapsed", "events": [start, at("stop", "15:20:00.250")] }),
        &json!({ "elapsed_seconds": 0.25, "actual_seconds": 0.25 }),
    );
    check(
        &json!({ "goal_seconds": 60, "events": [start, at("evaluate", "15:21:00")] }),
        &json!({ "due": "2026-03-02T15:21:00+08:00", "elapsed_seconds": 60, "late_business_seconds": 0, "breached": false }),
    );
    check(
        &json!({ "kind": "policy_change", "goal_before": 60, "goal_minutes": 30,
            "events": [start, at("policy_change", "15:40:00")], "retroactive_start": false }),
        &json!({ "due": "2026-03-02T16:10:00+08:00", "due_before": "2026-03-02T16:20:00+08:00" }),
    );
}
