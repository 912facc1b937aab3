//! What is shown of how a verdict came about: the picture, the same as of earlier, and what another policy would have
//! made of it. Through the binary.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};

/// A folder with events and policies.
struct Desk(tempfile::TempDir);

/// Answered within 8 hours, pauses apart.
const PRESENT: &str = r#"
[[commitment]]
name = "answer"
title = { en = "Answered in time", zh = "按时答复" }
match.kind = ["service", "repair"]
start = "ticket.received"
stop = "ticket.responded"
pause = "ticket.paused"
resume = "ticket.resumed"
goal = "8h"
warnings = [0.5]
"#;

/// A case that was answered after nine hours, two of them paused.
const CASE: [(&str, &str); 4] = [
    ("ticket.received", "2026-03-02T08:00:00Z"),
    ("ticket.paused", "2026-03-02T10:00:00Z"),
    ("ticket.resumed", "2026-03-02T12:00:00Z"),
    ("ticket.responded", "2026-03-02T17:00:00Z"),
];

fn event(subject: &str, kind: &str, time: &str, of: &str) -> String {
    json!({ "id": format!("{subject}-{kind}"), "source": "s", "type": kind, "subject": subject, "time": time, "kind": of })
        .to_string()
}

impl Desk {
    fn new(events: &[String]) -> Desk {
        let desk = Desk(tempfile::tempdir().expect("a folder"));
        desk.file("events.ndjson", &events.join("\n"));
        desk.file("present.toml", PRESENT);
        desk
    }

    fn of_case() -> Desk {
        Desk::new(&CASE.map(|(kind, time)| event("T-1", kind, time, "service")))
    }

    fn file(&self, name: &str, text: &str) -> PathBuf {
        let path = self.0.path().join(name);
        std::fs::write(&path, text).expect("writable");
        path
    }

    fn run(&self, arguments: &[&str]) -> String {
        let mut command = Command::new(env!("CARGO_BIN_EXE_watchbell"));
        command.current_dir(Path::new(self.0.path())).args(arguments);
        let output = command.args(["--policy", "present.toml", "--as-of", "2027-01-01T00:00:00Z"]).output();
        let output = output.expect("the binary starts");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).expect("UTF-8")
    }

    fn explain(&self, more: &[&str]) -> String {
        self.run(&[&["explain", "T-1", "events.ndjson"], more].concat())
    }

    fn explained(&self, more: &[&str]) -> Value {
        serde_json::from_str(&self.explain(&[&["--json"], more].concat())).expect("JSON")
    }

    /// What differs when the policy is changed by a text put for another.
    fn what_if(&self, from: &str, to: &str) -> Value {
        assert!(PRESENT.contains(from), "{from}");
        self.file("other.toml", &PRESENT.replace(from, to));
        self.explained(&["--what-if", "other.toml"])["differences"].clone()
    }
}

/// The segments of the only clock, by the hours of 2 March 2026 at which they begin and end.
fn segments(explanations: &Value) -> Vec<(f64, f64, String)> {
    let picture = &explanations[0]["clocks"][0]["picture"];
    let midnight = 1_772_409_600_000.0;
    let hour = |ms: &Value| (ms.as_f64().expect("milliseconds") - midnight) / 3_600_000.0;
    let segment = |one: &Value| {
        let state = one["state"].as_str().expect("a state").to_owned();
        (hour(&one["start_ms"]), hour(&one["end_ms"]), state)
    };
    let drawn: Vec<(f64, f64, String)> =
        picture["segments"].as_array().expect("a list").iter().map(segment).collect();
    if picture["closed_drawn"] == true {
        // What ran in the picture is what counted in the sum.
        let ran = drawn.iter().filter(|(.., state)| matches!(state.as_str(), "open" | "warned" | "breached"));
        let hours: f64 = ran.map(|(from, to, _)| to - from).sum();
        let elapsed = explanations[0]["clocks"][0]["elapsed_seconds"].as_f64().expect("seconds");
        assert!((hours * 3_600.0 - elapsed).abs() < 0.001, "{drawn:?}: {elapsed} s");
    }
    drawn
}

fn expected(segments: &[(f64, f64, &str)]) -> Vec<(f64, f64, String)> {
    segments.iter().map(|(from, to, state)| (*from, *to, (*state).to_owned())).collect()
}

#[test]
fn the_picture_shows_what_a_clock_was_doing() {
    let desk = Desk::of_case();
    let drawn = [(8.0, 10.0, "open"), (10.0, 12.0, "paused"), (12.0, 14.0, "open"), (14.0, 17.0, "warned")];
    let found = desk.explained(&[]);
    assert_eq!(segments(&found), expected(&[&drawn[..], &[(17.0, 18.0, "left")]].concat()));
    assert_eq!(found[0]["clocks"][0]["picture"]["due_ms"], json!(1_772_474_400_000_i64));

    // Sixty signs for ten hours: two for each 20 minutes, whatever the language.
    let bar =
        format!("{}{}{}{}{}◆", "█".repeat(12), "‖".repeat(12), "█".repeat(12), "▓".repeat(18), "░".repeat(5));
    let (en, zh) = (desk.explain(&[]), desk.explain(&["--lang", "zh"]));
    assert!(en.contains(&format!("  picture   {bar}\n")) && en.contains("▓ warned"), "{en}");
    assert!(zh.contains(&format!("  图示      {bar}\n")) && zh.contains("▓ 预警"), "{zh}");
}

#[test]
fn closed_hours_and_a_breach_are_in_the_picture() {
    let desk = Desk::new(&[
        event("T-1", "ticket.received", "2026-03-02T11:00:00Z", "service"),
        event("T-1", "ticket.responded", "2026-03-02T14:30:00Z", "service"),
    ]);
    let office =
        "[calendars.office]\nzone = \"UTC\"\nweekly = { monday = [\"09:00-12:00\", \"13:00-18:00\"] }\n";
    let policy = PRESENT.replace("goal = \"8h\"", "goal = \"2h\"\ncalendar = \"office\"");
    desk.file("present.toml", &format!("{office}{policy}").replace("warnings = [0.5]", ""));
    let drawn =
        [(11.0, 12.0, "open"), (12.0, 13.0, "closed"), (13.0, 14.0, "open"), (14.0, 14.5, "breached")];
    assert_eq!(segments(&desk.explained(&[])), expected(&drawn));
}

#[test]
fn a_bar_of_years_is_not_drawn_in_stripes() {
    let desk = Desk::new(&[
        event("T-1", "ticket.received", "2026-03-02T11:00:00Z", "service"),
        event("T-1", "ticket.paused", "2026-03-03T11:00:00Z", "service"),
        event("T-1", "ticket.resumed", "2026-03-03T12:00:00Z", "service"),
    ]);
    let office =
        "[calendars.office]\nzone = \"UTC\"\nweekly = { monday = [\"09:00-12:00\", \"13:00-18:00\"] }\n";
    let policy = PRESENT.replace("goal = \"8h\"", "goal = \"4000h\"\ncalendar = \"office\"");
    desk.file("present.toml", &format!("{office}{policy}"));
    let found = desk.explained(&["--at", "2026-03-03T13:00:00Z"]);
    assert_eq!(found[0]["clocks"][0]["picture"]["closed_drawn"], false);
    // What is paused is shown all the same.
    let states: Vec<String> = segments(&found).into_iter().map(|(.., state)| state).collect();
    assert_eq!(states, ["open", "paused", "open", "left"]);
}

#[test]
fn as_of_an_earlier_time_nothing_later_is_known() {
    let desk = Desk::of_case();
    let paused = desk.explained(&["--at", "2026-03-02T11:00:00Z"]);
    assert_eq!(segments(&paused), expected(&[(8.0, 10.0, "open"), (10.0, 11.0, "paused")]));
    let clock = &paused[0]["clocks"][0];
    assert_eq!(
        (&clock["phase"], &clock["due"], &clock["outcome"]),
        (&json!("paused"), &Value::Null, &json!("open"))
    );
    assert_eq!(paused[0]["events"].as_array().map(Vec::len), Some(2));
    // Resumed and not answered: what is left lies ahead.
    let running = desk.explained(&["--at", "2026-03-02T13:00:00Z"]);
    assert_eq!(segments(&running).last(), Some(&(13.0, 18.0, "left".to_owned())));
    assert_eq!(running[0]["clocks"][0]["due"], "2026-03-02T18:00:00Z");
}

#[test]
fn what_if_says_for_each_clock_what_differs_and_why() {
    let desk = Desk::of_case();
    let check = |from: &str, to: &str, effect: &str, reasons: &[(&str, Value, Value)]| {
        let found = desk.what_if(from, to);
        assert_eq!(found[0]["effect"], effect, "{to}: {found:#}");
        let seen: Vec<Value> = found[0]["reasons"].as_array().expect("a list").clone();
        let wanted: Vec<Value> = reasons
            .iter()
            .map(|(what, before, after)| json!({ "what": what, "before": before, "after": after }))
            .collect();
        assert_eq!(seen, wanted, "{to}");
    };
    check("goal = \"8h\"", "goal = \"4h\"", "became_broken", &[("goal", json!("8h"), json!("4h"))]);
    check("goal = \"8h\"", "goal = \"9h\"", "due_moved", &[("goal", json!("8h"), json!("9h"))]);
    let pauses = ("pauses", json!("2h (1)"), Value::Null);
    check("pause = \"ticket.paused\"", "", "became_broken", &[pauses]);
    let start = (
        json!("2026-03-02T08:00:00Z (T-1-ticket.received)"),
        json!("2026-03-02T12:00:00Z (T-1-ticket.resumed)"),
    );
    let resumed = [("start", start.0.clone(), start.1), ("pauses", json!("2h (1)"), Value::Null)];
    check("start = \"ticket.received\"", "start = \"ticket.resumed\"", "due_moved", &resumed);
    let stop = ("stop", json!("stopped 2026-03-02T17:00:00Z"), Value::Null);
    check("stop = \"ticket.responded\"", "stop = \"ticket.closed\"", "other_verdict", &[stop]);
    // Not promised: no clock starts, or the clock has no limit for this case.
    check(
        "[\"service\", \"repair\"]",
        "\"complaint\"",
        "no_longer_promised",
        &[("clock", start.0, Value::Null)],
    );
    let by_kind = "goal = { by = \"kind\", repair = \"8h\" }";
    check("goal = \"8h\"", by_kind, "no_longer_promised", &[("goal", json!("8h"), Value::Null)]);
    // A warning more changes neither the clock nor its verdict.
    assert_eq!(desk.what_if("[0.5]", "[0.5, 0.8]"), json!([]));
}

#[test]
fn what_if_under_another_calendar_names_it() {
    let desk = Desk::of_case();
    let found = desk.what_if(
        "\n[[commitment]]",
        "[calendars.office]\nzone = \"UTC\"\nweekly = { monday = [\"09:00-17:00\"] }\n[[commitment]]\ncalendar = \"office\"",
    );
    assert_eq!(found[0]["effect"], "due_moved", "{found:#}");
    let reason = &found[0]["reasons"][0];
    assert_eq!(reason["what"], "calendar");
    assert!(reason["after"].as_str().is_some_and(|after| after.starts_with("office (")), "{reason}");
}

#[test]
fn what_if_is_shown_beside_the_present_in_both_languages() {
    let desk = Desk::of_case();
    desk.file("other.toml", &PRESENT.replace("goal = \"8h\"", "goal = \"4h\""));
    let text = desk.explain(&["--what-if", "other.toml"]);
    for expected in
        ["== Under the present policy", "== Under the other policy", "answer: broken now", "goal: 8h → 4h"]
    {
        assert!(text.contains(expected), "{expected}: {text}");
    }
    let text = desk.explain(&["--what-if", "other.toml", "--lang", "zh"]);
    for expected in
        ["== 现行策略", "== 假设策略", "answer：变为违约", "时限：8小时 → 4小时", "结论：兑现 → 违约"]
    {
        assert!(text.contains(expected), "{expected}: {text}");
    }
}

/// Fifty cases, answered after 1 to 50 quarters of an hour; five of them are complaints.
fn fifty() -> Desk {
    let mut events = Vec::new();
    for n in 1..=50 {
        let of = if n % 10 == 0 { "complaint" } else { "service" };
        let minutes = n * 15;
        let answered = format!("2026-03-02T{:02}:{:02}:00Z", 8 + minutes / 60, minutes % 60);
        events.push(event(&format!("T-{n:02}"), "ticket.received", "2026-03-02T08:00:00Z", of));
        events.push(event(&format!("T-{n:02}"), "ticket.responded", &answered, of));
    }
    Desk::new(&events)
}

#[test]
fn against_lists_what_would_have_come_out_differently() {
    let desk = fifty();
    let widened = PRESENT.replace("[\"service\", \"repair\"]", "[\"service\", \"complaint\"]");
    desk.file("old.toml", &widened.replace("goal = \"8h\"", "goal = \"12h\""));
    let replay = ["replay", "events.ndjson", "--against", "old.toml"];
    let report: Value = serde_json::from_str(&desk.run(&[&replay[..], &["--json"]].concat())).expect("JSON");
    let against = &report["against"];
    // Beyond 8 hours come T-33 to T-48 within 12, and T-49, which broke both; T-40, and all complaints, are promised
    // nothing any more.
    let broken = (33..=48).filter(|n| n % 10 != 0).count();
    let expected = json!({ "became_broken": broken, "no_longer_promised": 5, "due_moved": 45 - broken });
    assert_eq!(against["by_effect"], expected);
    assert_eq!(against["by_reason"], json!({ "clock": 5, "goal": 45 }));
    assert_eq!(
        (&against["clocks"], &against["differing"], &against["subjects"]),
        (&json!(50), &json!(50), &json!(50))
    );
    let first = against["first"].as_array().expect("a list");
    assert_eq!(first.len(), 20);
    assert!(first[..broken].iter().all(|one| one["effect"] == "became_broken"), "{first:#?}");
    assert_eq!((&first[0]["subject"], &first[0]["after"]["outcome"]), (&json!("T-33"), &json!("breached")));

    // The same bytes whatever the number of workers, and nothing against itself.
    let one = desk.run(&[&replay[..], &["--workers", "1"]].concat());
    assert_eq!(one, desk.run(&[&replay[..], &["--workers", "7"]].concat()));
    for expected in
        ["50 of 50 promises come out differently", "T-33 answer: broken now", "goal: 12h → 8h", "… 30 more"]
    {
        assert!(one.contains(expected), "{expected}: {one}");
    }
    let zh = desk.run(&[&replay[..], &["--lang", "zh"]].concat());
    assert!(zh.contains("T-33 answer：变为违约") && zh.contains("… 另有 30 项"), "{zh}");
    let itself = desk.run(&["replay", "events.ndjson", "--against", "present.toml"]);
    assert!(itself.contains("0 of 45 promises come out differently"), "{itself}");
}
