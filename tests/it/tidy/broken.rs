//! Does every rule bite? A small house that is in order, and one broken in each way, refused with the right message.

use std::collections::BTreeMap;

use super::Floor::*;
use super::rooms::{NO_CHANCE, NO_CLOCK, NO_IO, NO_LOG, NO_ORDER, NO_THREAD, NOT_DOWN};
use super::{Floor, House, Room, room};

const TABLE: &str = r#"//! The table.
const ROOMS: &[Room] = &[
    room("time", Words, &[]),
    room("event", Tools, &["time"]),
    room("sla", Judgement, &["event"]),
    room("alert", Judgement, &["time", "sla"]),
    room("source", Doors, &["event"]),
    room("sink", Doors, &["alert"]),
"#;

const ROOMS: &[Room] = &[
    room("time", Words, &[]),
    room("event", Tools, &["time"]),
    room("sla", Judgement, &["event"]),
    room("alert", Judgement, &["time", "sla"]),
    room("source", Doors, &["event"]),
    room("sink", Doors, &["alert"]),
];

const FILES: &[(&str, &str)] = &[
    ("ARCHITECTURE.md", MAP),
    ("README.md", "# Small\nSee [the map](ARCHITECTURE.md#rooms), [out](https://a.b/c) and `[no](link)`.\n"),
    ("Cargo.toml", "[package]\n[[test]]\nname = \"it\"\npath = \"tests/it/main.rs\"\n# A session timeout.\n"),
    ("config/policy.toml", "goal = \"2h\" # two hours\n"),
    (
        "src/lib.rs",
        "//! Rooms.\n#![warn(docs)]\npub mod time;\npub mod event;\npub mod sla;\npub mod alert;\npub mod source;\npub mod sink;\n",
    ),
    ("src/main.rs", "//! Thin.\nfn main() { watchbell::cli::run() }\n"),
    ("src/time/mod.rs", "//! When?\npub struct Time;\n"),
    (
        "src/event/mod.rs",
        "//! What?\nuse crate::{time::{self, Time as T}};\nmod read;\n#[cfg(test)]\nmod tests;\n",
    ),
    (
        "src/event/read.rs",
        "//! How?\n/* println!(\"x\") /* use crate::sink; */ */\nfn f<'a>(c: &'a char) -> bool { *c == '\"' && *c == '\\'' }\n",
    ),
    ("src/event/tests.rs", "//! Tests.\nuse std::{env, fs};\n"),
    ("src/sla/mod.rs", "//! How long?\nfn f() { crate::event::read(r#\"use crate::sink;\"#) }\n"),
    (
        "src/alert/mod.rs",
        "//! Speak?\nuse super::sla::Sla;\n#[serde(with = \"crate::time::text\")]\nmod tests { use super::*; fn f(log: u8) {} }\n",
    ),
    (
        "src/source/mod.rs",
        "//! In.\nuse std::collections::HashMap;\nuse std::{fs, io::Read};\nuse crate::event::Event;\n",
    ),
    ("src/sink.rs", "//! Out.\nmod file { use super::super::alert::Alert; }\n"),
    ("tests/it/main.rs", "//! Tests.\nmod tidy;\n"),
    ("tests/it/tidy.rs", TABLE),
];

const MAP: &str = "# Map\n- **`no`** entry\n## Code map\n- **`time`** words\n- **`event`** facts\n- **`sla`** clocks\n- **`alert`** words\n- **`source`** in\n- **`sink`** out\n";

/// What is wrong with the small house once these files are put into it; an empty text takes a file out.
fn problems_with(changes: &[(&str, &str)], rooms: &[Room], planned: &[&str]) -> Vec<String> {
    let files = FILES.iter().chain(changes).map(|(path, text)| (path.to_string(), text.to_string()));
    let mut files: BTreeMap<String, String> = files.collect();
    files.retain(|_, text| !text.is_empty());
    House { files, rooms, planned }.problems()
}

/// One file replaced or added, one message.
#[track_caller]
fn check(path: &str, text: &str, expect: &str) {
    assert_eq!(problems_with(&[(path, text)], ROOMS, &[]), [expect], "after changing {path}");
}

/// The same with the text put behind the file's own.
#[track_caller]
fn check_added(path: &str, added: &str, expect: &str) {
    let own = FILES.iter().find(|(known, _)| *known == path).map_or("", |(_, text)| text);
    check(path, &format!("{own}{added}"), expect);
}

#[test]
fn a_house_in_order_is_left_alone() {
    assert_eq!(problems_with(&[], ROOMS, &[]), [""; 0]);
}

#[test]
fn imports_keep_to_the_table() {
    let not_listed = |line| {
        format!(
            "src/sla/mod.rs:{line}: `sla` imports `time`, which its line in the table does not list: add it there"
        )
    };
    let ways = [
        "use crate::time::Time;\n",
        "use crate::{event::{A, B}, time::{Time}};\n",
        "use super::time::Time;\n",
        "mod a { mod b { use super::super::super::time::Time; } }\n",
        "fn g() -> crate::time::Time { x }\n",
        "#[serde(with = \"crate::time::rfc3339\")] struct A;\n",
        "pub(in crate::time) struct A;\n",
        "fn g() { a.b::<u8>(<crate::time::Time as A>::f()) }\n",
        "macro_rules! m { () => { $crate::time::Time } }\n",
        "#[cfg(test)]\nmod tests { use crate::time::Time; }\n",
    ];
    for way in ways {
        let line = 3 + way.trim_end().matches('\n').count();
        check_added("src/sla/mod.rs", way, &not_listed(line));
    }
    let upward = format!("src/sla/mod.rs:3: `sla` imports `alert`, which {NOT_DOWN}");
    check_added("src/sla/mod.rs", "use crate::alert::Alert;\n", &upward);
    let sideways = format!("src/source/mod.rs:5: `source` imports `sink`, which {NOT_DOWN}");
    check_added("src/source/mod.rs", "use crate::sink::Sink;\n", &sideways);
    let unknown =
        "src/sla/mod.rs:3: `crate::Event` is not a room: items are imported from the room they live in";
    check_added("src/sla/mod.rs", "use crate::Event;\n", unknown);
    let all = "src/sla/mod.rs:3: this takes in the whole crate: import the rooms by name";
    check_added("src/sla/mod.rs", "use crate::*;\n", all);
    check_added("src/sla/mod.rs", "use crate as us;\n", all);
    check_added("src/sla/mod.rs", "use super::{self as us};\n", all);
}

#[test]
fn an_arrow_that_nothing_uses_fails() {
    let unused = "tests/it/tidy.rs:5: nothing in `sla` uses its arrow to `event`: take it out";
    check("src/sla/mod.rs", "//! How long? `crate::event` in a comment is no use.\n", unused);
}

#[test]
fn the_table_keeps_to_its_floors() {
    let with = |at: usize, changed: Room, planned: &[&str]| {
        let mut rooms: Vec<Room> = ROOMS.iter().map(|r| room(r.name, r.floor, r.may_import)).collect();
        rooms[at] = changed;
        problems_with(&[], &rooms, planned)
    };
    let arrows = with(2, room("sla", Judgement, &["event", "alert"]), &["alert"]);
    assert_eq!(arrows[0], format!("tests/it/tidy.rs:5: `sla` → `alert` {NOT_DOWN}"));
    let arrows = with(5, room("sink", Doors, &["alert", "source"]), &[]);
    assert_eq!(arrows[0], format!("tests/it/tidy.rs:8: `sink` → `source` {NOT_DOWN}"));
    let unknown = with(5, room("sink", Doors, &["alert", "cellar"]), &[]);
    assert_eq!(unknown[0], "tests/it/tidy.rs:8: `sink` lists `cellar`, which is not a room: take it out");
    let order = with(1, room("event", Floor::Face, &["time"]), &[]);
    assert_eq!(
        order[0],
        "tests/it/tidy.rs:5: `sla` stands twice, or below a higher floor: one line each, lowest floor first"
    );
    let built = with(5, room("sink", Doors, &["alert"]), &["sink"]);
    assert_eq!(built, ["tests/it/tidy.rs:8: `sink` is built: take it out of PLANNED"]);
    let missing = problems_with(&[("src/sink.rs", "")], ROOMS, &[]);
    let no_folder = "tests/it/tidy.rs:8: `sink` has no folder: put it into PLANNED, or take its line out";
    assert_eq!(missing[0], no_folder);
    assert_eq!(problems_with(&[("src/sink.rs", "")], ROOMS, &["sink"]), [""; 0]);
}

#[test]
fn the_root_lists_rooms_and_nothing_else() {
    let lib = "//! Rooms.\npub mod time;\npub mod event;\npub mod sla;\npub mod alert;\npub mod sink;\npub mod source;\n";
    check("src/lib.rs", lib, "src/lib.rs:7: `source` comes too late: the order is the table's");
    let reexport = "src/lib.rs:9: only `pub mod` lines stand here: whoever needs an item names its room";
    check_added("src/lib.rs", "pub use alert::Alert;\n", reexport);
    let bypass = "src/main.rs:2: the binary imports `alert`: it calls `cli` and nothing else";
    check("src/main.rs", "//! Thin.\nuse watchbell::{cli, alert::Alert};\n", bypass);
    let cellar = "src/cellar/mod.rs:1: `cellar` is not a room: give it a line in the table";
    let lib = format!("{}pub mod cellar;\n", FILES[4].1);
    let changes = [("src/lib.rs", lib.as_str()), ("src/cellar/mod.rs", "//! Dark.\n")];
    assert_eq!(problems_with(&changes, ROOMS, &[]), [cellar]);
}

#[test]
fn pure_rooms_stay_pure() {
    let ways = [
        ("use std::time::{Duration, Instant};", "std::time::Instant", NO_CLOCK),
        ("use std::time;\nfn g() { time::SystemTime::now() }", "std::time::SystemTime::now", NO_CLOCK),
        ("use std::time as t; use t::*;", "std::time::*", NO_CLOCK),
        ("use jiff::Timestamp as T; fn g() { T::now() }", "jiff::Timestamp::now", NO_CLOCK),
        ("fn g() { jiff::ZonedDateTime::now() }", "jiff::ZonedDateTime::now", NO_CLOCK),
        ("use std::fs;", "std::fs", NO_IO),
        ("fn g() { ::std::net::lookup() }", "std::net::lookup", NO_IO),
        ("use std::io::Read;", "std::io::Read", NO_IO),
        ("fn g() { std::env::var(\"A\") }", "std::env::var", NO_IO),
        ("fn g() { std::process::exit(1) }", "std::process::exit", NO_IO),
        ("use std::thread;", "std::thread", NO_THREAD),
        ("fn g() { rand::random() }", "rand::random", NO_CHANCE),
        ("use std::hash::RandomState;", "std::hash::RandomState", NO_CHANCE),
        ("use std::collections::{BTreeMap, HashMap};", "std::collections::HashMap", NO_ORDER),
        ("fn g() { tracing::info!(\"x\") }", "tracing::info", NO_LOG),
        ("fn g() { log::warn!(\"x\") }", "log::warn", NO_LOG),
        ("fn g() { println!(\"x\") }", "println!", NO_LOG),
        ("fn g() { dbg!(1) }", "dbg!", NO_LOG),
    ];
    for (code, found, instead) in ways {
        let line = 3 + code.matches('\n').count();
        let expect = format!("src/sla/mod.rs:{line}: `{found}` does not belong into `sla`: {instead}");
        check_added("src/sla/mod.rs", &format!("{code}\n"), &expect);
    }
    let in_door = "src/source/mod.rs:5: `anyhow` does not belong into `source`: a room's errors are its own type, they are gathered at the top";
    check_added("src/source/mod.rs", "use anyhow;\n", in_door);
    let in_tests =
        "src/event/tests.rs:3: `std::thread` does not belong into `event`: the engine runs the threads";
    check_added("src/event/tests.rs", "use std::thread;\n", in_tests);
}

#[test]
fn files_are_introduced_reachable_short_and_finished() {
    let no_doc = "src/time/mod.rs:1: no `//!` opens the file: say which question it answers";
    check("src/time/mod.rs", "// When?\n", no_doc);
    let orphan = "src/time/old.rs:1: no `mod` leads here: declare the file, or delete it";
    check("src/time/old.rs", "//! Old.\n", orphan);
    let orphan = "tests/it/old.rs:1: no `mod` leads here: declare the file, or delete it";
    check("tests/it/old.rs", "//! Old.\n", orphan);

    let long = format!("fn long() {{\n{}}}\n", "    step();\n".repeat(69));
    let too_long = |path, line| {
        format!("{path}:{line}: `long` has 71 lines, 70 are allowed: give its steps names of their own")
    };
    check_added("src/time/mod.rs", &long, &too_long("src/time/mod.rs", 3));
    check_added("tests/it/main.rs", &long, &too_long("tests/it/main.rs", 3));
    let lines = "//! When?\n".to_string() + &"const A: u8 = 1;\n".repeat(600);
    let many = "src/time/mod.rs:1: 601 lines outside tests, 600 are allowed: give one of its ideas a file of its own";
    check("src/time/mod.rs", &format!("{lines}#[cfg(test)]\nmod tests {{\n{}}}\n", "\n".repeat(50)), many);

    let macro_left = "src/time/mod.rs:3: `todo!`: write the code, or leave out the caller";
    check_added("src/time/mod.rs", "fn f() { todo!() }\n", macro_left);
    let switched_off =
        "tests/it/main.rs:3: a test is switched off: mend it, or delete it and say why in the commit";
    check_added("tests/it/main.rs", "#[ignore = \"slow\"] fn f() {}\n", switched_off);
    check_added("tests/it/main.rs", "#[cfg_attr(slow, ignore)] fn f() {}\n", switched_off);
    let note = |path| format!("{path}:3: FIXME: do it, or make it an issue and leave no note");
    check_added("src/time/mod.rs", "// FIXME later\n", &note("src/time/mod.rs"));
    check("Cargo.toml", "[[test]]\npath = \"tests/it/main.rs\"\n# FIXME later\n", &note("Cargo.toml"));
}

#[test]
fn papers_hold_together() {
    let nowhere = |target| format!("README.md:2: the link to `{target}` leads nowhere: mend or drop it");
    check("README.md", "# A\n[a](docs/none.md \"title\")\n", &nowhere("docs/none.md"));
    check("README.md", "# A\n[a]: ../outside.md\n", &nowhere("../outside.md"));
    check("README.md", "# A\n![a](/src/lib.rs)\n", &nowhere("/src/lib.rs"));
    check(
        "README.md",
        "# A\n[a](src/sla)\n# B\n",
        "README.md:3: 2 titles: a page has one line with a single `#`",
    );
    check(
        "docs/a.md",
        "[a](../src/lib.rs)\n",
        "docs/a.md:1: 0 titles: a page has one line with a single `#`",
    );
    check(
        "docs/a.md",
        "# A\n```sh\n# B\n```\n[a](lib.rs)\n",
        "docs/a.md:5: the link to `lib.rs` leads nowhere: mend or drop it",
    );

    let lacks = "ARCHITECTURE.md:1: the code map lacks `sink`: add an entry that begins with - **`sink`**";
    check("ARCHITECTURE.md", MAP.trim_end_matches("- **`sink`** out\n"), lacks);
    let unknown = "ARCHITECTURE.md:10: `cellar` is not a room: take its entry out of the code map";
    check_added("ARCHITECTURE.md", "- **`cellar`** dark\n", unknown);
    let late = "ARCHITECTURE.md:9: `source` comes too late in the code map: its order is the table's";
    let swapped =
        MAP.replace("- **`source`** in\n- **`sink`** out\n", "- **`sink`** out\n- **`source`** in\n");
    check("ARCHITECTURE.md", &swapped, late);

    check(
        "config/run.sh",
        "true\n",
        "config/run.sh:1: only .toml, .json and .md belong into config/: data, not code",
    );
}

#[test]
fn texts_name_no_machine_and_not_how_they_came_about() {
    for root in [["/", "work/"], ["/", "root/"], ["/tmp", "/w-"]].map(|parts| parts.concat()) {
        let expect = format!(
            "tests/data/a.json:1: `{root}` is a path of one machine: write one that holds everywhere"
        );
        check("tests/data/a.json", &format!("\"{root}b\"\n"), &expect);
        assert_eq!(problems_with(&[("a.json", &format!("target{root}b"))], ROOMS, &[]), [""; 0]);
    }
    let word = |place, word| format!("{place}: `{word}`: say what the thing is, not how it came about");
    check_added("src/time/mod.rs", "/// From the last session.\n", &word("src/time/mod.rs:3", "session"));
    check_added(
        "README.md",
        "Written by an Assistant, session timeout.\n",
        &word("README.md:3", "Assistant"),
    );
    check(".ci/run", "true # an LLM\n", &word(".ci/run:1", "LLM"));
    assert_eq!(problems_with(&[("config/a.toml", "session = 1\n")], ROOMS, &[]), [""; 0]);
}
