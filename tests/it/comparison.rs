//! Is what `docs/comparison.md` says of Watchbell there? Every link leads somewhere, and every named test is one.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// How many properties the two tables of systems have.
const PROPERTIES: usize = 25 + 17;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The rows of the tables, by column.
fn rows(page: &str) -> Vec<Vec<String>> {
    let cells = |line: &str| line.trim_matches('|').split(" | ").map(|cell| cell.trim().to_owned()).collect();
    let is_row = |line: &&str| line.starts_with("| ") && !line.starts_with("| property");
    page.lines().filter(is_row).map(cells).collect()
}

#[test]
fn every_cell_of_the_comparison_leads_somewhere() {
    let page = fs::read_to_string(root().join("docs/comparison.md")).expect("the page");
    let rows = rows(&page);
    assert_eq!(rows.len(), PROPERTIES);
    let tests = tests();
    let mut wrong = Vec::new();
    for row in &rows {
        let [property, says, reference, test] = row.as_slice() else { panic!("four cells: {row:?}") };
        let target = reference.split_once("](").and_then(|(_, rest)| rest.strip_suffix(')'));
        if !target.is_some_and(resolves) {
            wrong.push(format!("{property}: {reference} leads nowhere"));
        }
        if !tests.contains(test.trim_matches('`')) {
            wrong.push(format!("{property}: there is no test {test}"));
        }
        if says.is_empty() {
            wrong.push(format!("{property}: nothing is said"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Whether a page beside the comparison has this heading.
fn resolves(target: &str) -> bool {
    let Some((file, heading)) = target.split_once('#') else { return false };
    let Ok(text) = fs::read_to_string(root().join("docs").join(file)) else { return false };
    text.lines().filter(|line| line.starts_with('#')).any(|line| anchor(line) == heading)
}

/// A heading's anchor, as the usual viewers make it.
fn anchor(heading: &str) -> String {
    let text = heading.trim_start_matches('#').trim().to_lowercase();
    let kept = text.chars().filter(|letter| letter.is_alphanumeric() || matches!(letter, ' ' | '-' | '_'));
    kept.map(|letter| if letter == ' ' { '-' } else { letter }).collect()
}

/// The names of all tests that always run: neither ignored nor behind a feature of their own.
fn tests() -> BTreeSet<String> {
    let mut files = Vec::new();
    for folder in ["src", "tests"] {
        gather(&root().join(folder), &mut files);
    }
    let of = |file: &PathBuf| {
        let text = fs::read_to_string(file).expect("readable");
        let mut lines = text.lines().map(str::trim).peekable();
        let mut names = Vec::new();
        while let Some(line) = lines.next() {
            let next = (line == "#[test]").then(|| lines.peek().copied()).flatten();
            let name = next.and_then(|line| line.strip_prefix("fn ")).and_then(|line| line.split('(').next());
            names.extend(name.map(str::to_owned));
        }
        names
    };
    files.iter().flat_map(of).collect()
}

fn gather(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("a folder").flatten() {
        let path = entry.path();
        if path.is_dir() {
            gather(&path, files);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
}
