//! Do the papers hold together? Markdown, the map, the folder of configurations, and words that belong to one
//! machine or to nobody's trade.

use super::House;
use super::files::{normal, unfinished_word};
use super::source::Source;

pub fn check(house: &House, sources: &[Source], problems: &mut Vec<String>) {
    for (path, text) in &house.files {
        if path.ends_with(".md") {
            markdown(house, path, text, problems);
        }
        let extension = path.rsplit_once('.').map_or("", |(_, extension)| extension);
        if path.starts_with("config/") && !["toml", "json", "md"].contains(&extension) {
            let what = "only .toml, .json and .md belong into config/: data, not code";
            problems.push(format!("{path}:1: {what}"));
        }
        machine_paths(path, text, problems);
        for (line, comment) in comments(path, text) {
            words(path, line, comment, problems);
            if let Some(word) = unfinished_word(comment).filter(|_| !path.ends_with(".md")) {
                problems.push(format!("{path}:{line}: {word}: do it, or make it an issue and leave no note"));
            }
        }
    }
    for source in sources {
        for (line, comment) in &source.comments {
            words(source.path, *line, comment, problems);
        }
    }
    map(house, problems);
}

/// Lines with their numbers, those inside code fences left out.
fn prose(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut fenced = false;
    (1..).zip(text.lines()).filter(move |(_, line)| {
        let is_fence = line.trim_start().starts_with("```");
        fenced ^= is_fence;
        !fenced && !is_fence
    })
}

fn markdown(house: &House, path: &str, text: &str, problems: &mut Vec<String>) {
    let titles: Vec<usize> =
        prose(text).filter(|(_, line)| line.starts_with("# ")).map(|(line, _)| line).collect();
    if titles.len() != 1 {
        let line = titles.get(1).unwrap_or(&1);
        problems
            .push(format!("{path}:{line}: {} titles: a page has one line with a single `#`", titles.len()));
    }
    let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
    for (line, target) in prose(text).flat_map(|(line, text)| links(text).map(move |target| (line, target))) {
        let file = normal(&format!("{folder}/{}", target.split('#').next().unwrap_or_default()));
        let there = file.is_empty()
            || house.files.contains_key(&file)
            || house.files.keys().any(|path| path.starts_with(&format!("{file}/")));
        if target.starts_with('/') || !there {
            problems.push(format!("{path}:{line}: the link to `{target}` leads nowhere: mend or drop it"));
        }
    }
}

/// The targets of links to files of ours: `[text](target)`, `![text](target)` and `[text]: target`.
fn links(line: &str) -> impl Iterator<Item = String> {
    let code_left_out: String = line.split('`').step_by(2).collect::<Vec<_>>().join("`");
    let inline = code_left_out.split("](").skip(1).map(|rest| rest.split(')').next().unwrap_or(rest));
    let reference = code_left_out.split_once("]: ").filter(|(head, _)| head.starts_with('['));
    let targets = inline.chain(reference.map(|(_, target)| target));
    let targets = targets.filter_map(|target| target.split_whitespace().next());
    let own = targets.map(|target| target.trim_matches(['<', '>'])).filter(|target| {
        !target.contains("://") && !target.starts_with("mailto:") && !target.starts_with('#')
    });
    own.map(String::from).collect::<Vec<_>>().into_iter()
}

/// Paths that exist on one machine only.
fn machine_paths(path: &str, text: &str, problems: &mut Vec<String>) {
    // Put together here, or this file would find itself.
    let roots = [["/", "work/"], ["/", "root/"], ["/tmp", "/w-"]].map(|parts| parts.concat());
    for (number, line) in (1..).zip(text.lines()).filter(|(_, line)| line.contains('/')) {
        for root in &roots {
            let begins =
                |at: usize| !line[..at].ends_with(|c: char| c.is_alphanumeric() || "._-~}".contains(c));
            if line.match_indices(root.as_str()).any(|(at, _)| begins(at)) {
                let what = format!("`{root}` is a path of one machine: write one that holds everywhere");
                problems.push(format!("{path}:{number}: {what}"));
            }
        }
    }
}

/// What people wrote for people: all of a page, and what stands behind `#` in settings and scripts.
fn comments<'a>(path: &str, text: &'a str) -> Vec<(usize, &'a str)> {
    let lines = (1..).zip(text.lines());
    let has_comments = [".toml", ".sh", ".yml", ".yaml"].iter().any(|end| path.ends_with(end));
    if path.ends_with(".md") {
        lines.collect()
    } else if has_comments || path.starts_with(".ci/") {
        lines.filter_map(|(number, line)| line.find('#').map(|at| (number, &line[at..]))).collect()
    } else {
        Vec::new()
    }
}

/// Words of how a text came about, which say nothing about what it is.
fn words(path: &str, line: usize, text: &str, problems: &mut Vec<String>) {
    let is_letter = |c: char| c.is_alphanumeric() || c == '_';
    let mut at = 0;
    for word in text.split(|c| !is_letter(c)) {
        let behind = &text[at + word.len()..];
        at += word.len() + behind.chars().next().map_or(0, char::len_utf8);
        // Kafka's group members have such a timeout.
        let is_kafka = behind.trim_start_matches([' ', '-', '.']).starts_with("timeout");
        let refused = match word.to_lowercase().as_str() {
            "session" => !is_kafka,
            "assistant" | "llm" => true,
            _ => false,
        };
        if refused {
            let what = format!("`{word}`: say what the thing is, not how it came about");
            problems.push(format!("{path}:{line}: {what}"));
        }
    }
}

/// The code map in `ARCHITECTURE.md` has one entry per room, in the order of the table.
fn map(house: &House, problems: &mut Vec<String>) {
    const MAP: &str = "ARCHITECTURE.md";
    let text = house.files.get(MAP).map_or("", String::as_str);
    let code_map = prose(text).skip_while(|(_, text)| *text != "## Code map").skip(1);
    let code_map = code_map.take_while(|(_, text)| !text.starts_with("## "));
    let entries = code_map.filter_map(|(line, text)| {
        let name = text.strip_prefix("- **`")?.split('`').next()?;
        Some((line, name))
    });
    let place = |name: &str| house.rooms.iter().position(|room| room.name == name);
    let mut listed = Vec::new();
    for (line, name) in entries {
        let what = match place(name) {
            None => "is not a room: take its entry out of the code map",
            Some(_) if listed.contains(&place(name)) => "has two entries in the code map: leave one",
            Some(_) if listed.last() > Some(&place(name)) => {
                "comes too late in the code map: its order is the table's"
            }
            Some(_) => "",
        };
        if !what.is_empty() {
            problems.push(format!("{MAP}:{line}: `{name}` {what}"));
        }
        listed.push(place(name));
    }
    for room in house.rooms.iter().filter(|room| !listed.contains(&place(room.name))) {
        let name = room.name;
        problems.push(format!(
            "{MAP}:1: the code map lacks `{name}`: add an entry that begins with - **`{name}`**"
        ));
    }
}
