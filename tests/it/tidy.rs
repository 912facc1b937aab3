//! Is the house in order? The mechanical rules, each with a message that names the place and the remedy.
//!
//! The table below is the plan of the house. To let a room import another, write it into the room's line; to take an
//! arrow away, take it out: an import that is not listed fails, and so does a listed one that nothing uses. A room
//! that is planned but not built stands in [`PLANNED`] until its folder exists.
//!
//! Nothing here is type-aware: what an alias can hide (a clock read, a print) is clippy's, see `clippy.toml`. Every
//! rule is proven to bite in `tidy/broken.rs`, on miniature houses with one thing broken in each.

mod broken;
mod files;
mod paths;
mod papers;
mod rooms;
mod source;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use Floor::*;

/// Floors, lowest first. Arrows point down; on `Judgement` also to the left, that is up in the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Floor {
    Words,
    Tools,
    Judgement,
    Machines,
    Wire,
    Doors,
    Running,
    Faces,
    Translation,
    Wiring,
    Face,
}

/// One line of the table.
struct Room {
    name: &'static str,
    floor: Floor,
    may_import: &'static [&'static str],
}

const fn room(name: &'static str, floor: Floor, may_import: &'static [&'static str]) -> Room {
    Room { name, floor, may_import }
}

#[rustfmt::skip]
const ROOMS: &[Room] = &[
    room("time", Words, &[]),
    room("names", Words, &[]),

    room("event", Tools, &["time"]),
    room("calendar", Tools, &["time"]),
    room("window", Tools, &["time"]),
    room("wheel", Tools, &["time"]),

    room("sla", Judgement, &["time", "names", "event", "calendar"]),
    room("lifecycle", Judgement, &["time", "names", "event", "sla"]),
    room("detect", Judgement, &["time", "names", "window"]),
    room("crisis", Judgement, &["time", "names", "window", "detect"]),
    room("alert", Judgement, &["time", "names", "window", "sla", "detect", "crisis"]),

    room("shard", Machines, &["time", "event", "window", "wheel", "sla", "alert"]),
    room("aggregate", Machines, &["time", "window", "sla", "detect", "crisis", "alert"]),
    // ------ no I/O, no clock, no thread, no log, no metric, no randomness above this line ------
    room("kafka", Wire, &[]),

    room("source", Doors, &["time", "event", "kafka"]),
    room("sink", Doors, &["time", "names", "window", "alert", "kafka"]),
    room("checkpoint", Doors, &["sla", "shard"]),

    room("engine", Running, &["time", "names", "event", "detect", "crisis", "kafka", "window", "sla", "lifecycle", "alert", "shard", "aggregate", "source", "sink", "checkpoint"]),
    room("http", Faces, &["time", "names", "event", "calendar", "window", "sla", "detect", "crisis", "alert", "engine"]),
    room("config", Translation, &["time", "names", "event", "calendar", "sla", "lifecycle", "detect", "source"]),
    room("app", Wiring, &["time", "names", "event", "sla", "lifecycle", "detect", "crisis", "alert", "kafka", "shard", "aggregate", "source", "sink", "checkpoint", "engine", "http", "config"]),
    room("cli", Face, &["time", "names", "event", "calendar", "sla", "crisis", "source", "config", "app"]),
];

/// Rooms of the table whose folders do not exist yet. They bind nobody, and arrows to and from them may be unused.
const PLANNED: &[&str] = &[];

/// A repository: its files by path, and the table they must keep to.
struct House<'a> {
    files: BTreeMap<String, String>,
    rooms: &'a [Room],
    planned: &'a [&'a str],
}

impl House<'_> {
    /// Everything that is wrong, check by check.
    fn problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        let sources = files::sources(self, &mut problems);
        rooms::check(self, &sources, &mut problems);
        files::check(&sources, &mut problems);
        papers::check(self, &sources, &mut problems);
        problems.dedup();
        problems
    }
}

/// Files larger than this are data; they are there, but not read.
const READ_BYTES_MAX: u64 = 1 << 20;

/// The files of this repository; those that are not text, or too large, as empty ones.
fn files_below(root: &Path) -> BTreeMap<String, String> {
    let ignored = fs::read_to_string(root.join(".gitignore")).unwrap_or_default();
    let ignored: Vec<&str> = ignored.lines().map(|line| line.trim_matches('/')).chain([".git"]).collect();
    let mut files = BTreeMap::new();
    let mut folders = vec![String::new()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(root.join(&folder)).expect("a folder just found can be read") {
            let entry = entry.expect("a folder just found can be read");
            let name = entry.file_name().to_string_lossy().into_owned();
            let path = if folder.is_empty() { name } else { format!("{folder}/{name}") };
            let meta = entry.metadata().expect("a file just found has metadata");
            if ignored.contains(&path.as_str()) {
                continue;
            } else if meta.is_dir() {
                folders.push(path);
            } else if meta.len() > READ_BYTES_MAX {
                files.insert(path, String::new());
            } else {
                files.insert(path, fs::read_to_string(entry.path()).unwrap_or_default());
            }
        }
    }
    files
}

#[test]
fn the_house_is_in_order() {
    let files = files_below(Path::new(env!("CARGO_MANIFEST_DIR")));
    let problems = House { files, rooms: ROOMS, planned: PLANNED }.problems();
    assert!(problems.is_empty(), "{} problems:\n{}\n", problems.len(), problems.join("\n"));
}
