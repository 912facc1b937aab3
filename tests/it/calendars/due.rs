//! When is it due, by the calendars that a policy names? Through the binary, as it is used.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;

/// Five whole days a week, and no holidays.
const PLAIN: &str = r#"
[calendars.plain]
zone = "Asia/Shanghai"
weekly = { monday = ["00:00-24:00"], tuesday = ["00:00-24:00"], wednesday = ["00:00-24:00"], thursday = ["00:00-24:00"], friday = ["00:00-24:00"] }
"#;

/// An answer within so many days of a calendar.
fn promise(calendar: &str, goal: &str) -> String {
    format!(
        r#"
[[commitment]]
name = "{calendar}"
title = {{ en = "Answered within {goal}", zh = "{goal}内答复" }}
start = "ticket.received"
stop = "ticket.responded"
goal = "{goal}"
calendar = "{calendar}"
"#
    )
}

fn event(subject: &str, kind: &str, time: &str) -> String {
    format!(
        r#"{{"id":"{subject}-{kind}","source":"/desk","type":"ticket.{kind}","subject":"{subject}","time":"{time}"}}"#
    )
}

fn watchbell(folder: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_watchbell"));
    command.current_dir(folder).args(arguments).output().expect("the binary starts")
}

/// The due instant and the verdict of each clock, by subject and calendar.
fn judge(folder: &Path, policy: &str, events: &[String]) -> BTreeMap<(String, String), (String, String)> {
    std::fs::write(folder.join("policy.toml"), policy).expect("writable");
    std::fs::write(folder.join("events.ndjson"), events.join("\n")).expect("writable");
    let output = watchbell(
        folder,
        &[
            "replay",
            "events.ndjson",
            "--policy",
            "policy.toml",
            "--outcomes",
            "outcomes.ndjson",
            "--as-of",
            "2026-12-31T00:00:00Z",
        ],
    );
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let outcomes = std::fs::read_to_string(folder.join("outcomes.ndjson")).expect("it was written");
    let outcome = |line: &str| {
        let outcome: Value = serde_json::from_str(line).expect("JSON");
        let text = |member: &str| outcome[member].as_str().unwrap_or_default().to_owned();
        ((text("subject"), text("commitment")), (text("due"), text("outcome")))
    };
    outcomes.lines().map(outcome).collect()
}

/// Received on Friday 2025-09-26, to be answered within 15 working days: the Sunday after is worked, eight days of October
/// are not, and the Saturday after them is. The day of receipt is not counted, at whatever hour it came.
#[test]
fn the_golden_complaint() {
    let folder = tempfile::tempdir().expect("a folder");
    let policy = [
        "[calendars]\nchina = \"cn\"\n",
        PLAIN,
        &promise("china", "15 working_days"),
        &promise("plain", "15 working_days"),
    ];
    let (begin, noon, end) =
        ("2025-09-26T00:00:00+08:00", "2025-09-26T12:30:00+08:00", "2025-09-26T23:59:59.999+08:00");
    let events = [
        event("first", "received", begin),
        event("noon", "received", noon),
        event("last", "received", end),
        // The last instant at which it is kept is the end of the day, and the next one is too late.
        event("noon", "responded", "2025-10-24T00:00:00+08:00"),
        event("last", "responded", "2025-10-24T00:00:00.001+08:00"),
    ];
    let judged = judge(folder.path(), &policy.concat(), &events);
    assert_eq!(judged.len(), 6, "{judged:?}");
    for subject in ["first", "noon", "last"] {
        let due = |calendar: &str| judged[&(subject.to_owned(), calendar.to_owned())].0.as_str();
        // The ends of the 23rd and of the 17th in China.
        assert_eq!(
            (due("china"), due("plain")),
            ("2025-10-23T16:00:00Z", "2025-10-17T16:00:00Z"),
            "{subject}"
        );
    }
    let verdict = |subject: &str| judged[&(subject.to_owned(), "china".to_owned())].1.as_str();
    assert_eq!((verdict("noon"), verdict("last")), ("kept", "breached"));
}

#[test]
fn holidays_come_from_files_beside_the_policy() {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::create_dir(folder.path().join("holidays")).expect("writable");
    let file = |name: &str, text: &str| {
        std::fs::write(folder.path().join("holidays").join(name), text).expect("writable")
    };
    file(
        "public.ics",
        "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nBEGIN:VEVENT\r\nDTSTART;VALUE=DATE:20200501\r\nRRULE:FREQ=YEARLY\r\n\
         SUMMARY:Labour Day\r\nEND:VEVENT\r\nBEGIN:VEVENT\r\nDTSTART;VALUE=DATE:20260504\r\nDTEND;VALUE=DATE:20260506\r\n\
         SUMMARY:Bridge\r\n  days\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n",
    );
    file("own.csv", "date,name\n2026-05-06,Stocktaking\n");
    let week = r#"weekly = { monday = ["09:00-18:00"], tuesday = ["09:00-18:00"], wednesday = ["09:00-18:00"], thursday = ["09:00-18:00"], friday = ["09:00-18:00"] }"#;
    let calendar =
        |name: &str, more: &str| format!("[calendars.{name}]\nzone = \"Europe/Berlin\"\n{week}\n{more}\n");
    let years = "years = [2026]";
    let policy = [
        calendar("none", ""),
        calendar("public", &format!("holidays_from = \"holidays/public.ics\"\n{years}")),
        calendar(
            "both",
            &format!("holidays_from = [\"holidays/public.ics\", \"holidays/own.csv\"]\n{years}"),
        ),
        calendar(
            "short",
            &format!(
                "holidays_from = \"holidays/public.ics\"\n{years}\ndate_overrides = {{ \"2026-05-04\" = [\"10:00-11:00\"] }}"
            ),
        ),
    ];
    let names = ["none", "public", "both", "short"];
    let promises = names.map(|name| promise(name, "2h"));
    // Thursday, an hour before closing: the second hour is worked on the next day that is open.
    let events = [event("T", "received", "2026-04-30T17:00:00+02:00")];
    let judged = judge(folder.path(), &(policy.concat() + &promises.concat()), &events);
    let due = names.map(|name| judged[&("T".to_owned(), name.to_owned())].0.as_str());
    let expected =
        ["2026-05-01T08:00:00Z", "2026-05-06T08:00:00Z", "2026-05-07T08:00:00Z", "2026-05-04T09:00:00Z"];
    assert_eq!(due, expected);

    let checked = watchbell(folder.path(), &["check", "holidays/public.ics", "holidays/own.csv"]);
    let said = String::from_utf8_lossy(&checked.stdout);
    assert_eq!(said, "holidays/public.ics: ok (holidays)\nholidays/own.csv: ok (holidays)\n");
    file("own.csv", "date,name\n6.5.2026,Stocktaking\n");
    let checked = watchbell(folder.path(), &["check", "policy.toml"]);
    assert!(!checked.status.success());
    let said = String::from_utf8_lossy(&checked.stderr);
    assert!(
        said.starts_with("holidays/own.csv:2:1: `6.5.2026` is no date (write it as year-month-day"),
        "{said}"
    );
}

#[test]
fn a_calendar_that_ends_is_warned_of_while_there_is_time() {
    let folder = tempfile::tempdir().expect("a folder");
    let promises = [promise("china", "15 working_days"), promise("plain", "15 working_days")];
    let policy = ["[calendars]\nchina = \"cn\"\n", PLAIN, &promises[0], &promises[1]].concat();
    std::fs::write(folder.path().join("policy.toml"), policy).expect("writable");
    let warned = |as_of: &str| {
        let output = watchbell(folder.path(), &["check", "policy.toml", "--as-of", as_of]);
        assert!(output.status.success(), "a warning is no mistake");
        assert_eq!(String::from_utf8_lossy(&output.stdout), "policy.toml: ok (policy)\n");
        String::from_utf8_lossy(&output.stderr).into_owned()
    };
    assert_eq!(warned("2026-09-01T00:00:00+08:00"), "");
    // 15 working days before the end of the year: the 10th has 15 behind it, the 11th has 14.
    let expected = "policy.toml: warning: calendar `cn` does not know the holidays of 2027, into which `china` (15 working days) \
         runs when it starts on 2026-12-11 (list them, for instance in a file under `holidays_from`, and the year under \
         `years`)\n";
    assert_eq!(warned("2026-10-01T00:00:00+08:00"), expected);
    assert_eq!(warned("2027-03-01T00:00:00+08:00"), expected.replace("2026-12-11", "2027-03-01"));
}

#[test]
fn the_release_of_the_time_zones_is_told() {
    let folder = tempfile::tempdir().expect("a folder");
    let told =
        |argument: &str| String::from_utf8(watchbell(folder.path(), &[argument]).stdout).expect("UTF-8");
    let (long, short) = (told("--version"), told("-V"));
    let lines: Vec<&str> = long.lines().collect();
    assert_eq!((lines[0], lines.len()), (short.trim_end(), 2), "{long}");
    let release = lines[1].strip_prefix("time zones: IANA ").expect("the release");
    let (year, letter) = release.split_at(4);
    assert!(year.parse::<u16>().is_ok_and(|year| year >= 2026), "{release}");
    assert!(letter.chars().all(|c| c.is_ascii_lowercase()) && letter.len() == 1, "{release}");
}
