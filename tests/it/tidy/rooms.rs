//! Does every room keep to its line in the table, and every pure room to itself?

use std::collections::BTreeSet;

use super::paths::{Written, resolved, written};
use super::source::Source;
use super::{Floor, House, Room};

/// A path that rooms below a floor must do without.
struct Ban {
    /// The path; `*::` at its beginning stands for any path.
    path: &'static str,
    below: Floor,
    /// Whether test code may use it all the same.
    in_tests: bool,
    instead: &'static str,
}

const fn ban(path: &'static str, below: Floor, in_tests: bool, instead: &'static str) -> Ban {
    Ban { path, below, in_tests, instead }
}

pub const NO_CLOCK: &str = "the caller says what time it is";
pub const NO_IO: &str = "bytes come and go through the doors";
pub const NO_THREAD: &str = "the engine runs the threads";
pub const NO_CHANCE: &str = "the same input must give the same output everywhere: make it an argument";
pub const NO_ORDER: &str = "its order is random: BTreeMap, or hashbrown with a fixed hasher";
pub const NO_LOG: &str = "say it in the effects, the engine counts and logs them";

#[rustfmt::skip]
const BANS: &[Ban] = &[
    ban("std::time::Instant", Floor::Wire, false, NO_CLOCK),
    ban("std::time::SystemTime", Floor::Wire, false, NO_CLOCK),
    ban("*::Timestamp::now", Floor::Wire, false, NO_CLOCK),
    ban("*::ZonedDateTime::now", Floor::Wire, false, NO_CLOCK),
    ban("*::TimeZone::system", Floor::Wire, false, NO_CHANCE),
    ban("std::fs", Floor::Wire, true, NO_IO),
    ban("std::env", Floor::Wire, true, NO_IO),
    ban("std::io", Floor::Wire, false, NO_IO),
    ban("std::net", Floor::Wire, false, NO_IO),
    ban("std::process", Floor::Wire, false, NO_IO),
    ban("tempfile", Floor::Wire, false, NO_IO),
    ban("std::thread", Floor::Wire, false, NO_THREAD),
    ban("crossbeam_channel", Floor::Wire, false, NO_THREAD),
    ban("rand", Floor::Wire, false, NO_CHANCE),
    ban("*::RandomState", Floor::Wire, false, NO_CHANCE),
    ban("std::collections::HashMap", Floor::Wire, false, NO_ORDER),
    ban("std::collections::HashSet", Floor::Wire, false, NO_ORDER),
    ban("std::collections::hash_map", Floor::Wire, false, NO_ORDER),
    ban("std::collections::hash_set", Floor::Wire, false, NO_ORDER),
    ban("tracing", Floor::Wire, false, NO_LOG),
    ban("log", Floor::Wire, false, NO_LOG),
    ban("anyhow", Floor::Wiring, false, "a room's errors are its own type, they are gathered at the top"),
];

const PRINTS: [&str; 5] = ["print", "println", "eprint", "eprintln", "dbg"];

pub fn check(house: &House, sources: &[Source], problems: &mut Vec<String>) {
    table(house, problems);
    root(house, sources, problems);
    let mut used = BTreeSet::new();
    for source in sources {
        let Some(name) = room_name(source.path) else { continue };
        match house.rooms.iter().find(|room| room.name == name) {
            Some(room) => {
                let paths = written(source);
                used.extend(arrows(house, room, source, &paths, problems));
                bans(room, source, &paths, problems);
            }
            None => problems
                .push(format!("{}:1: `{name}` is not a room: give it a line in the table", source.path)),
        }
    }
    for room in house.rooms.iter().filter(|room| !house.planned.contains(&room.name)) {
        let built = |to: &&&str| !house.planned.contains(*to);
        for to in room.may_import.iter().filter(built).filter(|to| !used.contains(&(room.name, **to))) {
            let at = line_of(house, room.name);
            problems.push(format!("{at}: nothing in `{}` uses its arrow to `{to}`: take it out", room.name));
        }
    }
}

/// The room a file belongs to: `src/alert/text.rs` and `src/alert.rs` to `alert`.
fn room_name(path: &str) -> Option<&str> {
    let below = path.strip_prefix("src/").filter(|below| !matches!(*below, "lib.rs" | "main.rs"))?;
    Some(below.split('/').next().map_or(below, |name| name.trim_end_matches(".rs")))
}

/// Where a room's line stands in the table.
fn line_of(house: &House, name: &str) -> String {
    const TABLE: &str = "tests/it/tidy.rs";
    let table = Source::new(TABLE, house.files.get(TABLE).map_or("", String::as_str));
    let is_line = |i: &usize| {
        table.is(*i, "room")
            && table.is(i + 1, "(")
            && table.tokens.get(i + 2).is_some_and(|t| t.text == name)
    };
    let line = (0..table.tokens.len()).find(is_line).map_or(1, |i| table.tokens[i].line);
    format!("{TABLE}:{line}")
}

fn table(house: &House, problems: &mut Vec<String>) {
    for (at, room) in house.rooms.iter().enumerate() {
        let name = room.name;
        let mut report = |what: String| problems.push(format!("{}: {what}", line_of(house, name)));
        if house.rooms[..at].iter().any(|above| above.name == name || above.floor > room.floor) {
            report(format!(
                "`{name}` stands twice, or below a higher floor: one line each, lowest floor first"
            ));
        }
        let built = house.files.keys().any(|path| room_name(path) == Some(name));
        match (built, house.planned.contains(&name)) {
            (false, false) => {
                report(format!("`{name}` has no folder: put it into PLANNED, or take its line out"))
            }
            (true, true) => report(format!("`{name}` is built: take it out of PLANNED")),
            _ => {}
        }
        for to in room.may_import {
            match house.rooms.iter().position(|room| room.name == *to) {
                None => report(format!("`{name}` lists `{to}`, which is not a room: take it out")),
                Some(other) if !allowed(house, at, other) => report(format!("`{name}` → `{to}` {NOT_DOWN}")),
                Some(_) => {}
            }
        }
    }
}

pub const NOT_DOWN: &str = "does not point down (or, among the judgements, to the left): turn it, or pass what is \
                        needed as an argument";

/// Whether the table could hold an arrow between the rooms on these lines.
fn allowed(house: &House, from: usize, to: usize) -> bool {
    let (above, below) = (house.rooms[from].floor, house.rooms[to].floor);
    below < above || below == above && below == Floor::Judgement && to < from
}

/// `lib.rs` lists the rooms in the order of the table and does nothing else; `main.rs` knows the command line only.
fn root(house: &House, sources: &[Source], problems: &mut Vec<String>) {
    if let Some(lib) = sources.iter().find(|source| source.path == "src/lib.rs") {
        let mut last = None;
        let mut at = 0;
        while at < lib.tokens.len() {
            let line = lib.tokens[at].line;
            if lib.is(at, "#") {
                // For the whole of the library, or under which feature a room is there.
                let bracket = at + if lib.is(at + 1, "!") { 2 } else { 1 };
                at = lib.close(bracket) + 1;
                continue;
            }
            let Some(name) = lib.word(at + 2).filter(|_| lib.is(at, "pub") && lib.is(at + 1, "mod")) else {
                let what = "only `pub mod` lines stand here: whoever needs an item names its room";
                problems.push(format!("src/lib.rs:{line}: {what}"));
                break;
            };
            let place = house.rooms.iter().position(|room| room.name == name);
            if place.is_some() && place < last {
                problems
                    .push(format!("src/lib.rs:{line}: `{name}` comes too late: the order is the table's"));
            }
            last = place.or(last);
            at += 4;
        }
    }
    for source in sources.iter().filter(|source| source.path == "src/main.rs") {
        let paths = written(source);
        for path in paths.iter().filter(|path| path.segments[0] == "watchbell" && path.segments[1] != "cli") {
            let what = format!("the binary imports `{}`: it calls `cli` and nothing else", path.segments[1]);
            problems.push(format!("src/main.rs:{}: {what}", path.line));
        }
    }
}

/// What a path of ours leads to.
enum Target<'a> {
    Root,
    Named(&'a str),
}

/// Follows `crate`, `self` and `super` from the module a path stands in, as far as the crate's root.
fn target<'a>(source: &Source<'a>, path: &Written<'a>) -> Option<Target<'a>> {
    let file = source.path.trim_start_matches("src/").trim_end_matches(".rs");
    let mut module: Vec<&str> = file.split('/').filter(|part| *part != "mod").collect();
    module.extend(source.modules_around(path.at));
    let mut segments = path.segments.iter().copied().peekable();
    match segments.next()? {
        "crate" => module.clear(),
        "self" => {}
        "super" => drop(module.pop()?),
        _ => return None,
    }
    while segments.next_if_eq(&"super").is_some() {
        module.pop()?;
    }
    match segments.next().filter(|name| *name != "*") {
        _ if !module.is_empty() => None,
        Some(name) => Some(Target::Named(name)),
        None => Some(Target::Root),
    }
}

/// The arrows a file uses; those it must not are reported.
fn arrows<'a>(
    house: &'a House,
    room: &'a Room,
    source: &Source<'a>,
    paths: &[Written<'a>],
    problems: &mut Vec<String>,
) -> Vec<(&'a str, &'a str)> {
    let mut used = Vec::new();
    let from = room.name;
    for path in paths {
        let mut report = |what: String| problems.push(format!("{}:{}: {what}", source.path, path.line));
        let name = match target(source, path) {
            Some(Target::Named(name)) if name != from => name,
            Some(Target::Root) => {
                report("this takes in the whole crate: import the rooms by name".to_string());
                continue;
            }
            _ => continue,
        };
        let place = |name| house.rooms.iter().position(|room| room.name == name);
        match (place(from), place(name)) {
            _ if room.may_import.contains(&name) => used.push((from, name)),
            (Some(at), Some(to)) if allowed(house, at, to) => {
                report(format!(
                    "`{from}` imports `{name}`, which its line in the table does not list: add it there"
                ));
            }
            (_, Some(_)) => report(format!("`{from}` imports `{name}`, which {NOT_DOWN}")),
            _ => report(format!(
                "`crate::{name}` is not a room: items are imported from the room they live in"
            )),
        }
    }
    used
}

/// Reports the first use of everything the room must do without.
fn bans(room: &Room, source: &Source, paths: &[Written], problems: &mut Vec<String>) {
    let paths = resolved(source, paths);
    for ban in BANS.iter().filter(|ban| room.floor < ban.below) {
        let is_use = |path: &&Written| matches(ban.path, &path.segments);
        if let Some(path) =
            paths.iter().filter(is_use).find(|path| !(ban.in_tests && source.in_test(path.at)))
        {
            let what = format!(
                "`{}` does not belong into `{}`: {}",
                path.segments.join("::"),
                room.name,
                ban.instead
            );
            problems.push(format!("{}:{}: {what}", source.path, path.line));
        }
    }
    let is_print = |at: &usize| source.is(at + 1, "!") && PRINTS.iter().any(|name| source.is(*at, name));
    if let Some(at) = (0..source.tokens.len()).find(is_print).filter(|_| room.floor < Floor::Wire) {
        let token = source.tokens[at];
        let what = format!("`{}!` does not belong into `{}`: {NO_LOG}", token.text, room.name);
        problems.push(format!("{}:{}: {what}", source.path, token.line));
    }
}

/// Whether a path leads to or into what is banned, or is a glob that takes it in.
fn matches(banned: &str, path: &[&str]) -> bool {
    let banned: Vec<&str> = banned.split("::").collect();
    match (banned.split_first(), path.split_last()) {
        (Some((&"*", tail)), _) => path.ends_with(tail),
        (_, Some((&"*", folder))) if path.len() <= banned.len() => banned.starts_with(folder),
        _ => path.starts_with(&banned),
    }
}
