//! Is the guides' catalogue whole, and do its soft duties do what they say? The page against the files, and small stories.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use watchbell::config::{load_lifecycles, load_policy};
use watchbell::event::{Event, decode};
use watchbell::names::metric::Metric;
use watchbell::sla::fold::fold;
use watchbell::sla::outcome::verdict;
use watchbell::sla::policy::Policy;
use watchbell::time::Time;

use crate::promises::{facts, word};

fn text(path: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).expect("a file of the repository")
}

fn guide() -> Policy {
    load_policy(Some("guide")).expect("the shipped policy")
}

/// A row of the page: which, its clause, and what keeps it.
struct Row {
    row: String,
    clause: String,
    keepers: Vec<(String, String)>,
}

fn rows(page: &str) -> Vec<Row> {
    let is_row = |line: &&str| line.starts_with("| ") && !line.starts_with("| row ");
    let read = |line: &str| {
        let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
        let [row, clause, _duty, keepers, _remark] = cells[..] else { panic!("five cells: {line}") };
        let keeper = |text: &str| {
            let (kind, name) = text.split_once('`').unwrap_or((text, ""));
            (kind.trim().to_owned(), name.trim_end_matches('`').to_owned())
        };
        let keepers = keepers.split(", ").map(keeper).collect();
        Row { row: row.into(), clause: clause.into(), keepers }
    };
    page.lines().filter(is_row).map(read).collect()
}

#[test]
fn every_row_of_the_catalogue_is_kept_by_something_that_is_there() {
    let (rows, guide) = (rows(&text("docs/catalogue.md")), guide());
    let expected = [("T", 14), ("V", 15), ("S", 41)]
        .into_iter()
        .flat_map(|(letter, last)| (1..=last).map(move |n| format!("{letter}{n:02}")));
    let told: Vec<&str> = rows.iter().map(|row| row.row.as_str()).collect();
    assert_eq!(told, expected.chain(["ours".to_owned()]).collect::<Vec<_>>());

    let lifecycles = load_lifecycles(None).expect("the shipped ones");
    let warranty = text("src/sla/warranty.rs");
    for Row { row, clause, keepers } in &rows {
        assert!(!clause.is_empty() && !keepers.is_empty(), "{row}");
        for (kind, name) in keepers {
            let is_there = match kind.as_str() {
                "no clock" => name.is_empty(),
                "commitment" => guide.commitments.iter().any(|one| *one.name == **name),
                "objective" => guide.objectives.iter().any(|one| *one.name == **name),
                "lifecycle" => lifecycles.iter().any(|one| *one.name == **name),
                "metric" => Metric::ALL.iter().any(|one| one.name() == name),
                "function" => warranty.contains(&format!("pub fn {name}(")),
                _ => false,
            };
            assert!(is_there, "{row}: there is no {kind} `{name}`");
        }
    }
    for commitment in &guide.commitments {
        let names_it = |row: &&Row| {
            row.keepers.iter().any(|(kind, name)| kind == "commitment" && **name == *commitment.name)
        };
        let clauses: Vec<&str> = rows.iter().filter(names_it).map(|row| row.clause.as_str()).collect();
        assert!(
            clauses.contains(&commitment.clause.as_str()),
            "`{}` cites {}, its rows {clauses:?}",
            commitment.name,
            commitment.clause
        );
    }
}

/// What is watched unless another policy is given is the same in both files, word for word.
#[test]
fn the_guide_holds_the_default_policy_unchanged() {
    let blocks = |path: &str| -> BTreeSet<String> {
        let file = text(path);
        let entries = file.split("\n\n").filter(|block| block.contains("[[") || block.contains("\n["));
        entries.map(|block| block.trim().to_owned()).collect()
    };
    let (default, guide) = (blocks("config/commitments.toml"), blocks("config/policies/guide.toml"));
    let missing: Vec<&String> = default.difference(&guide).collect();
    assert!(missing.is_empty(), "config/policies/guide.toml lacks\n{missing:#?}");

    let (default, guide) = (load_policy(None).expect("the default"), self::guide());
    for ours in &default.commitments {
        let theirs = guide.commitments.iter().find(|one| one.name == ours.name);
        assert_eq!(format!("{:?}", theirs.expect("it is there")), format!("{ours:?}"));
    }
    for ours in &default.objectives {
        let theirs = guide.objectives.iter().find(|one| one.name == ours.name);
        assert_eq!(format!("{:?}", theirs.expect("it is there")), format!("{ours:?}"));
    }
}

/// What came of one commitment, for events as `DDTHH:MM type name=value …`, see `catalogue.txt`.
fn told(policy: &Policy, name: &str, story: &str) -> String {
    let line = |(n, line): (usize, &str)| {
        let mut words = line.split_whitespace();
        let (time, kind) = (words.next().expect("a time"), words.next().expect("a type"));
        let at = if time.len() > 8 { time.to_owned() } else { format!("2026-03-{time}") };
        let attributes: String = words
            .map(|word| word.split_once('=').expect("name=value"))
            .map(|(name, value)| format!(",\"{name}\":\"{value}\""))
            .collect();
        format!(
            r#"{{"id":"e{n:02}","source":"s","type":"{kind}","subject":"T","time":"{at}:00+08:00"{attributes}}}"#
        )
    };
    let json: Vec<String> = story.split(',').map(str::trim).enumerate().map(line).collect();
    let events: Vec<Event<'_>> = json.iter().map(|line| decode(line.as_bytes()).expect("valid")).collect();
    let clocks = fold(policy, &facts(policy, &events));
    let now = Time::parse("2027-06-30T00:00:00+08:00").expect("an instant");
    let is_asked = |commitment: u16| *policy.commitments[usize::from(commitment)].name == *name;
    let clocks = clocks.iter().filter(|clock| is_asked(clock.commitment));
    clocks.map(|one| word(verdict(policy, one, now))).collect::<Vec<_>>().join(" ")
}

#[test]
fn every_duty_of_the_guide_is_kept_in_one_story_and_broken_in_another() {
    let (guide, default) = (guide(), load_policy(None).expect("the default"));
    let lines = include_str!("catalogue.txt").lines();
    let is_story = |line: &&str| !line.is_empty() && !line.starts_with('#');
    let mut seen = BTreeSet::new();
    for line in lines.filter(is_story) {
        let parts: Vec<&str> = line.split('|').map(str::trim).collect();
        let [name, story, expected] = parts[..] else { panic!("three parts: {line}") };
        assert_eq!(told(&guide, name, story), expected, "{name}: {story}");
        seen.extend(expected.split_whitespace().map(|verdict| (name, verdict)));
    }
    let is_known = |name: &str| default.commitments.iter().any(|one| *one.name == *name);
    for one in guide.commitments.iter().filter(|one| !is_known(&one.name)) {
        for verdict in ["kept", "broken"] {
            assert!(seen.contains(&(&*one.name, verdict)), "no story in which `{}` is {verdict}", one.name);
        }
    }
}
