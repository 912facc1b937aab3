//! What is wrong is named, with its place and remedy, and everything else is done all the same. Through the binary.

use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

use serde_json::Value;

fn watchbell(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_watchbell")).args(arguments).output().expect("the binary starts")
}

fn out(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).expect("UTF-8")
}

fn err(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).expect("UTF-8")
}

/// A file in a folder that goes with the test.
fn file(folder: &tempfile::TempDir, name: &str, bytes: &[u8]) -> PathBuf {
    let path = folder.path().join(name);
    std::fs::write(&path, bytes).expect("writable");
    path
}

fn event(id: &str, kind: &str, subject: &str, time: &str) -> String {
    format!(
        r#"{{"id":"{id}","source":"s","type":"{kind}","subject":"{subject}","time":"{time}","kind":"service"}}"#
    )
}

fn report(path: &std::path::Path, more: &[&str]) -> Value {
    let path = path.to_str().expect("UTF-8");
    let output = watchbell(&[&["replay", path, "--json", "--as-of", "2026-03-02T00:00:00Z"], more].concat());
    assert!(output.status.success(), "{}", err(&output));
    serde_json::from_str(&out(&output)).expect("JSON")
}

#[test]
fn every_bad_record_is_counted_and_the_others_are_judged() {
    let folder = tempfile::tempdir().expect("a folder");
    let noon = "2026-03-01T12:00:00Z";
    let mut lines: Vec<Vec<u8>> = [
        event("1", "ticket.received", "T-1", "2026-03-01T08:00:00Z"),
        "{\"id\": not json".into(),
        event("2", "ticket.vanished", "T-1", noon),
        format!(r#"{{"id":"3","source":"s","type":"ticket.received","time":"{noon}"}}"#),
        event("4", "ticket.received", "T-2", "2030-01-01T00:00:00Z"),
        format!(
            r#"{{"id":"5","source":"s","type":"t","subject":"x","time":"{noon}","a":{}1{}}}"#,
            "[".repeat(9_000),
            "]".repeat(9_000)
        ),
        event("1", "ticket.received", "T-1", "2026-03-01T08:00:00Z"),
        event("6", "ticket.responded", "T-1", "2026-03-01T09:00:00Z"),
    ]
    .map(String::into_bytes)
    .to_vec();
    lines.insert(3, format!("{{\"id\":\"{}\"}}", "x".repeat(10_000_000)).into_bytes());
    lines.insert(5, b"{\"id\":\"\xff\xfe\"}".to_vec());
    let path = file(&folder, "events.ndjson", &lines.join(&b'\n'));
    let report = report(&path, &[]);
    let input = &report["input"];
    let expected = serde_json::json!({
        "malformed": 1, "missing_field": 1, "future": 1, "too_deep": 1, "too_large": 1, "invalid_utf8": 1,
    });
    assert_eq!(input["rejected"], expected);
    assert_eq!(input["unknown_types"], serde_json::json!({ "ticket.vanished": 1 }));
    assert_eq!(input["duplicates"], 1);
    let response = &report["commitments"][1];
    assert_eq!((&response["name"], &response["kept"]), (&"response".into(), &1.into()), "{report:#}");
    let places: Vec<&str> =
        input["rejects"].as_array().expect("a list").iter().filter_map(Value::as_str).collect();
    assert!(places.iter().any(|one| one.contains("events.ndjson:2: malformed")), "{places:?}");
    assert!(places.iter().any(|one| one.contains("events.ndjson:4: too large")), "{places:?}");
}

#[test]
fn what_lies_before_the_end_of_a_truncated_gzip_is_used() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    for n in 0..5_000 {
        let line = event(&n.to_string(), "ticket.received", &format!("T-{n}"), "2026-03-01T08:00:00Z") + "\n";
        packed.write_all(line.as_bytes()).expect("in memory");
    }
    let packed = packed.finish().expect("in memory");
    let path = file(&folder, "cut.ndjson.gz", &packed[..packed.len() / 2]);
    let report = report(&path, &[]);
    assert_eq!(report["input"]["rejected"]["truncated"], 1);
    let read = report["input"]["events"].as_u64().expect("a number");
    assert!((1_000..5_000).contains(&read), "{read}");
}

#[test]
fn a_broken_policy_is_refused_with_all_its_mistakes() {
    let folder = tempfile::tempdir().expect("a folder");
    let text = "[[commitment]]\nname = \"answer\"\ntitle = { en = \"Answer\", zh = \"答复\" }\nstart = \"ticket.opened\"\n\
                stop = \"ticket.resolved\"\ngoal = \"3 days\"\ncalender = \"office\"\nwarnings = [1.0]\n";
    let path = file(&folder, "policy.toml", text.as_bytes());
    let name = path.to_str().expect("UTF-8");
    let events =
        file(&folder, "events.ndjson", event("1", "ticket.opened", "T", "2026-03-01T08:00:00Z").as_bytes());
    for arguments in [vec!["check", name], vec!["replay", events.to_str().expect("UTF-8"), "--policy", name]]
    {
        let output = watchbell(&arguments);
        assert!(!output.status.success());
        let said = err(&output);
        let lines: Vec<&str> = said.lines().filter(|line| line.starts_with(name)).collect();
        let rest: Vec<&str> = lines.iter().map(|line| &line[name.len()..]).collect();
        assert_eq!(
            rest,
            [
                ":6:8: `commitment[0].goal` is `3 days` (say which days: \"15 working_days\", \"30 calendar_days\", or hours such as \"24h\")",
                ":7:1: unknown key `commitment[0].calender` (did you mean `calendar`?)",
                ":8:13: a warning at 1 (write a share of the goal above 0 (0.8), or how long before or after due (\"-15m\", \"+1h\"))",
            ],
            "{said}"
        );
    }
}

#[test]
fn wrong_files_and_paths_are_named_with_the_remedy() {
    let folder = tempfile::tempdir().expect("a folder");
    let check = |arguments: &[&str], expected: &str| {
        let output = watchbell(arguments);
        assert!(!output.status.success(), "{arguments:?}");
        assert!(err(&output).contains(expected), "{arguments:?}: {}", err(&output));
    };
    let csv = file(&folder, "log.csv", b"number,state\n1,New\n2,Closed\n");
    let csv = csv.to_str().expect("UTF-8");
    check(&["replay", "nowhere.ndjson"], "cannot be opened");
    check(&["replay", csv], "--mapping");
    check(&["replay", csv, "--mapping", "incident_log"], ":1: the header lacks");
    check(
        &["replay", csv, "--mapping", "incident_lgo"],
        "one of the shipped: call_log, feedback_log, incident_log",
    );
    check(&["replay", csv, "--policy", "nothing"], "one of the shipped");
    check(&["replay", csv, "--alerts", "/nowhere/alerts"], "cannot be written");
    check(&["replay", csv, "--as-of", "yesterday"], "write an instant with its offset");
    check(&["explain", "T-1", csv, "--mapping", "incident_log"], ":1: the header lacks");
    check(&["check", csv], "name the columns in the first line: date,name");
}

/// An answer is whole or not there, and never takes the place of what it was made from.
#[test]
fn what_is_read_is_never_overwritten_and_nothing_is_left_half_written() {
    let folder = tempfile::tempdir().expect("a folder");
    let text = event("1", "ticket.received", "T-1", "2026-03-01T08:00:00Z");
    let events = file(&folder, "events.ndjson", text.as_bytes());
    let policy = std::fs::read("config/commitments.toml").expect("there");
    let policy_path = file(&folder, "policy.toml", &policy);
    std::os::unix::fs::symlink(&events, folder.path().join("link")).expect("made");
    let old = file(&folder, "old.ndjson", b"the answer of yesterday\n");
    let new = folder.path().join("new.ndjson");
    let [name, link, policy_name, old_name, new_name] =
        [&events, &folder.path().join("link"), &policy_path, &old, &new]
            .map(|path| path.display().to_string());
    let refused = |arguments: &[&str], expected: &str| {
        let output = watchbell(&[&["replay", &name], arguments].concat());
        assert_eq!(output.status.code(), Some(1), "{arguments:?}");
        assert!(err(&output).contains(expected), "{arguments:?}: {}", err(&output));
        assert_eq!(std::fs::read(&events).expect("there"), text.as_bytes(), "{arguments:?}");
        assert_eq!(std::fs::read(&policy_path).expect("there"), policy, "{arguments:?}");
        assert_eq!(std::fs::read(&old).expect("there"), b"the answer of yesterday\n", "{arguments:?}");
        let left = std::fs::read_dir(&folder).expect("there").count();
        assert_eq!(left, 4, "{arguments:?}: nothing new lies in the folder");
    };
    refused(&["--outcomes", &name], "is read, or written, in this very run");
    refused(&["--alerts", &link], "choose another path for the answer");
    refused(&["--policy", &policy_name, "--alerts", &policy_name], "choose another path");
    refused(&["--outcomes", &new_name, "--alerts", &new_name], "choose another path");
    refused(&["--outcomes", &folder.path().display().to_string()], "it is a folder");
    refused(&["--outcomes", "/nowhere/out"], "choose a folder that exists");
    refused(&["--outcomes", &new_name, "nowhere.ndjson"], "cannot be opened");
    refused(&["--outcomes", "/dev/full", "--alerts", &old_name], "/dev/full: cannot be written");
    refused(&["-", "-"], "`-` is given more than once");
    let output = watchbell(&["replay", &name, "--outcomes", &old_name, "--alerts", "/dev/null"]);
    assert!(output.status.success(), "{}", err(&output));
    assert!(std::fs::read_to_string(&old).expect("there").contains("\"subject\":\"T-1\""));
}

#[test]
fn an_interrupted_run_says_so_and_leaves_everything_as_it_was() {
    let folder = tempfile::tempdir().expect("a folder");
    let old = file(&folder, "old.ndjson", b"the answer of yesterday\n");
    let mut child = Command::new(env!("CARGO_BIN_EXE_watchbell"))
        .args(["replay", "-", "--outcomes", old.to_str().expect("UTF-8")])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the binary starts");
    let mut stdin = child.stdin.take().expect("piped");
    // More than a pipe holds: when it is written the program is reading, and hears signals.
    let line = event("1", "ticket.received", "T-1", "2026-03-01T08:00:00Z") + "\n";
    stdin.write_all(line.repeat(20_000).as_bytes()).expect("writable");
    let kill =
        Command::new("kill").args(["-INT", &child.id().to_string()]).status().expect("there is a kill");
    assert!(kill.success());
    // The rest of the pipe, and that it ended, is what wakes a reader that waits.
    drop(stdin);
    let output = child.wait_with_output().expect("it ends");
    assert_eq!(output.status.code(), Some(130), "{}", err(&output));
    assert_eq!((out(&output).as_str(), err(&output).trim()), ("", "interrupted: nothing was written"));
    assert_eq!(std::fs::read(&old).expect("there"), b"the answer of yesterday\n");
    assert_eq!(std::fs::read_dir(&folder).expect("there").count(), 1);
}

#[test]
fn shipped_files_are_right_and_the_help_teaches() {
    let output = watchbell(&["check"]);
    assert!(output.status.success(), "{}", err(&output));
    assert_eq!(out(&output).lines().count(), 10, "{}", out(&output));
    let help = out(&watchbell(&["replay", "--help"]));
    assert!(help.contains("Examples:") && help.contains("--mapping <NAME|PATH>"), "{help}");
    let version = out(&watchbell(&["--version"]));
    assert!(version.starts_with("watchbell 0.1.0 (commit "), "{version}");
}

#[test]
fn standard_input_is_read_and_a_reader_that_leaves_is_no_error() {
    let mut child = Command::new(env!("CARGO_BIN_EXE_watchbell"))
        .args(["replay", "-", "--json", "--as-of", "2026-03-02T00:00:00Z"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("the binary starts");
    let mut stdin = child.stdin.take().expect("piped");
    stdin
        .write_all(event("1", "ticket.received", "T-1", "2026-03-01T08:00:00Z").as_bytes())
        .expect("writable");
    drop(stdin);
    drop(child.stdout.take());
    assert!(child.wait().expect("it ends").success());
}

#[test]
fn an_explanation_shows_the_derivation() {
    let folder = tempfile::tempdir().expect("a folder");
    let lines = [
        event("1", "ticket.received", "T-1", "2026-03-01T08:00:00Z"),
        event("2", "ticket.responded", "T-1", "2026-03-02T09:30:00Z"),
        event("3", "ticket.received", "T-2", "2026-03-02T09:30:00Z"),
    ];
    let path = file(&folder, "events.ndjson", lines.join("\n").as_bytes());
    let name = path.to_str().expect("UTF-8");
    let explain = |more: &[&str]| {
        out(&watchbell(&[&["explain", "T-1", name, "--as-of", "2026-03-03T00:00:00Z"], more].concat()))
    };
    let text = explain(&[]);
    for expected in [
        "response – Response within 24 hours",
        "BREACHED",
        "sum       1d 1h 30m",
        "due       2026-03-02T08:00:00Z",
    ] {
        assert!(text.contains(expected), "{expected}: {text}");
    }
    assert!(explain(&["--lang", "zh"]).contains("违约"));
    let early: Value =
        serde_json::from_str(&explain(&["--json", "--at", "2026-03-01T20:00:00Z"])).expect("JSON");
    let clocks = early[0]["clocks"].as_array().expect("a list");
    let response = clocks.iter().find(|clock| clock["commitment"] == "response").expect("it runs");
    assert_eq!((&response["outcome"], &response["elapsed_seconds"]), (&"open".into(), &43_200.0.into()));
    let nobody = watchbell(&["explain", "T-9", name]);
    assert!(err(&nobody).contains("`T-9` was never promised anything"), "{}", err(&nobody));
}
