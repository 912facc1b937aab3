//! Is every file reachable, introduced, short, and finished?

use std::collections::BTreeMap;

use super::House;
use super::source::Source;

const FUNCTION_LINES_MAX: usize = 70;
const FILE_LINES_MAX: usize = 600;

/// Cuts up all Rust files, walks from the roots along `mod`, and marks what is reached through test modules only.
pub fn sources<'a>(house: &'a House, problems: &mut Vec<String>) -> Vec<Source<'a>> {
    let rust = house.files.iter().filter(|(path, _)| path.ends_with(".rs"));
    let mut sources: Vec<Source> = rust.map(|(path, raw)| Source::new(path, raw)).collect();
    let mut reached = BTreeMap::new();
    for root in roots(house) {
        let is_test = root.starts_with("tests/");
        walk(&sources, &root, true, is_test, &mut reached);
    }
    for source in &mut sources {
        source.is_test = reached.get(source.path) == Some(&true);
        if !reached.contains_key(source.path) {
            let what = "no `mod` leads here: declare the file, or delete it";
            problems.push(format!("{}:1: {what}", source.path));
        }
    }
    sources
}

/// The files cargo begins with: the usual ones, and those the manifest names.
fn roots(house: &House) -> Vec<String> {
    let mut roots: Vec<String> = ["src/lib.rs", "src/main.rs", "build.rs"].map(String::from).into();
    let manifest = house.files.get("Cargo.toml").map_or("", String::as_str);
    let mut folder = "";
    for line in manifest.lines() {
        folder = match line.trim() {
            "[[test]]" => "tests",
            "[[bench]]" => "benches",
            "[[example]]" => "examples",
            "[[bin]]" => "src/bin",
            header if header.starts_with('[') => "",
            _ => folder,
        };
        match line.split_once('=').map(|(key, value)| (key.trim(), value.trim().trim_matches('"'))) {
            Some(("name", name)) if !folder.is_empty() => roots.push(format!("{folder}/{name}.rs")),
            Some(("path", path)) if !folder.is_empty() => roots.push(path.to_string()),
            _ => {}
        }
    }
    roots
}

fn walk(sources: &[Source], path: &str, is_root: bool, is_test: bool, reached: &mut BTreeMap<String, bool>) {
    let Some(source) = sources.iter().find(|source| source.path == path) else { return };
    if reached.get(path).is_some_and(|&known| known <= is_test) {
        return;
    }
    reached.insert(path.to_string(), is_test);
    let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
    let own = if is_root || path.ends_with("/mod.rs") { folder } else { path.trim_end_matches(".rs") };
    for at in 0..source.tokens.len() {
        let Some(name) = source.word(at + 1).filter(|_| source.is(at, "mod") && source.is(at + 2, ";"))
        else {
            continue;
        };
        let around: String = source.modules_around(at).map(|module| format!("{module}/")).collect();
        let is_test = is_test || source.in_test(at);
        let named = named_path(source, at).map(|named| normal(&format!("{folder}/{named}")));
        let usual = [format!("{own}/{around}{name}.rs"), format!("{own}/{around}{name}/mod.rs")];
        for child in named.into_iter().chain(usual) {
            walk(sources, &child, false, is_test, reached);
        }
    }
}

/// The path of `#[path = "…"] mod x;`.
fn named_path<'a>(source: &Source<'a>, at: usize) -> Option<&'a str> {
    let end = if at > 0 && source.is(at - 1, "pub") { at - 1 } else { at };
    let from = end.checked_sub(6)?;
    let is_path = source.is(from, "#") && source.is(from + 2, "path") && source.is(from + 3, "=");
    is_path.then(|| source.tokens[from + 4].text)
}

/// A path with `.` and `..` worked in; one that leads out of the repository keeps its `..`.
pub fn normal(path: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/').filter(|part| !matches!(*part, "" | ".")) {
        if part == ".." && parts.last().is_some_and(|last| *last != "..") {
            parts.pop();
        } else {
            parts.push(part);
        }
    }
    parts.join("/")
}

/// Module docs, lengths, and what was left unfinished.
pub fn check(sources: &[Source], problems: &mut Vec<String>) {
    for source in sources {
        let path = source.path;
        if !source.raw.starts_with("//!") {
            problems.push(format!("{path}:1: no `//!` opens the file: say which question it answers"));
        }
        let lines = source.lines_outside_tests();
        if lines > FILE_LINES_MAX {
            let limit = format!("{FILE_LINES_MAX} are allowed: give one of its ideas a file of its own");
            problems.push(format!("{path}:1: {lines} lines outside tests, {limit}"));
        }
        functions(source, problems);
        unfinished(source, problems);
    }
}

fn functions(source: &Source, problems: &mut Vec<String>) {
    for at in 0..source.tokens.len() {
        let Some(name) = source.word(at + 1).filter(|_| source.is(at, "fn")) else { continue };
        let from = source.tokens[at].line;
        let lines = source.tokens[source.item_end(at)].line - from + 1;
        if lines > FUNCTION_LINES_MAX {
            let limit = format!("{FUNCTION_LINES_MAX} are allowed: give its steps names of their own");
            problems.push(format!("{}:{from}: `{name}` has {lines} lines, {limit}", source.path));
        }
    }
}

fn unfinished(source: &Source, problems: &mut Vec<String>) {
    let path = source.path;
    for at in 0..source.tokens.len() {
        let line = source.tokens[at].line;
        let is_macro = source.is(at + 1, "!") && (source.is(at, "todo") || source.is(at, "unimplemented"));
        if let Some(name) = source.word(at).filter(|_| is_macro) {
            problems.push(format!("{path}:{line}: `{name}!`: write the code, or leave out the caller"));
        }
        if source.is(at, "#") && source.is(at + 1, "[") && ignores(source, at + 2) {
            let what = "a test is switched off: mend it, or delete it and say why in the commit";
            problems.push(format!("{path}:{line}: {what}"));
        }
    }
    for (line, comment) in &source.comments {
        if let Some(word) = unfinished_word(comment) {
            problems.push(format!("{path}:{line}: {word}: do it, or make it an issue and leave no note"));
        }
    }
}

/// Whether the attribute at `at` is `ignore`, or may become it.
fn ignores(source: &Source, at: usize) -> bool {
    let end = source.close(at - 1);
    source.is(at, "ignore") || source.is(at, "cfg_attr") && (at..end).any(|i| source.is(i, "ignore"))
}

/// The word by which a comment says that something is still to be done.
pub fn unfinished_word(comment: &str) -> Option<&str> {
    let words = comment.split(|c: char| !c.is_alphanumeric() && c != '_');
    words.into_iter().find(|word| ["FIXME", "TODO", "XXX"].contains(word))
}
