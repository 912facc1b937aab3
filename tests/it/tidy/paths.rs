//! Which paths does a file write? Imports with their groups unfolded, and paths in code with their first name
//! replaced by what it was imported as.

use std::collections::BTreeMap;

use super::source::{Kind, Source};

/// A path as written: `crate`, `alert`, `Alert`. A glob ends with `*`.
#[derive(Clone, Debug)]
pub struct Written<'a> {
    pub segments: Vec<&'a str>,
    /// The token it ends with.
    pub at: usize,
    pub line: usize,
    /// The name an import gives it; `None` for a path in code.
    pub imported_as: Option<&'a str>,
}

/// Every path of two segments or more, and every import.
pub fn written<'a>(source: &Source<'a>) -> Vec<Written<'a>> {
    let mut paths = Vec::new();
    let mut at = 0;
    while at < source.tokens.len() {
        if source.is(at, "use") && !source.is(at + 1, "<") {
            at = import(source, at + 1, &[], &mut paths);
        } else if let Some(path) = attribute_path(source, at) {
            paths.push(path);
        } else if source.word(at).is_some() && source.is(at + 1, "::") && !continues(source, at) {
            let path = inline(source, at);
            at = path.at;
            paths.extend((path.segments.len() > 1).then_some(path));
        }
        at += 1;
    }
    paths
}

/// The same paths with the first name of those in code replaced by what the file imported under it.
pub fn resolved<'a>(source: &Source<'a>, written: &[Written<'a>]) -> Vec<Written<'a>> {
    let mut names: BTreeMap<&str, &[&str]> = BTreeMap::new();
    for path in written {
        names.extend(path.imported_as.map(|name| (name, path.segments.as_slice())));
    }
    let own: Vec<&str> = (0..source.tokens.len())
        .filter(|&i| source.is(i, "mod"))
        .filter_map(|i| source.word(i + 1))
        .collect();
    let mut resolved = written.to_vec();
    for path in resolved.iter_mut().filter(|path| !own.contains(&path.segments[0])) {
        // An import may itself begin with an imported name; a chain longer than this is nobody's style.
        for _ in 0..4 {
            match names.get(path.segments[0]) {
                Some(full) if full[0] != path.segments[0] => {
                    path.segments = full.iter().chain(&path.segments[1..]).copied().collect();
                }
                _ => break,
            }
        }
    }
    resolved
}

fn continues(source: &Source, at: usize) -> bool {
    at > 0 && source.is(at - 1, "::") && at > 1 && (source.word(at - 2).is_some() || source.is(at - 2, ">"))
}

fn inline<'a>(source: &Source<'a>, mut at: usize) -> Written<'a> {
    let line = source.tokens[at].line;
    let mut segments: Vec<&str> = source.word(at).into_iter().collect();
    while let (true, Some(word)) = (source.is(at + 1, "::"), source.word(at + 2)) {
        segments.push(word);
        at += 2;
    }
    Written { segments, at, line, imported_as: None }
}

/// A path that an attribute carries as text, as in `with = "crate::time::rfc3339"`.
fn attribute_path<'a>(source: &Source<'a>, at: usize) -> Option<Written<'a>> {
    let token = source.tokens[at];
    let is_name = |name: &str| !name.is_empty() && name.chars().all(|c| c.is_alphanumeric() || c == '_');
    let segments: Vec<&str> = token.text.split("::").collect();
    let is_ours = matches!(segments[0], "crate" | "super" | "self") && segments.len() > 1;
    let is_path = token.kind == Kind::Literal && is_ours && segments.iter().all(|name| is_name(name));
    is_path.then_some(Written { segments, at, line: token.line, imported_as: None })
}

/// Unfolds the import tree that begins at `at`; returns the first token behind it.
fn import<'a>(source: &Source<'a>, mut at: usize, prefix: &[&'a str], paths: &mut Vec<Written<'a>>) -> usize {
    let mut segments = prefix.to_vec();
    loop {
        if source.is(at, "::") {
            at += 1;
        } else if source.is(at, "{") {
            let end = source.close(at);
            at += 1;
            while at < end {
                at = import(source, at, &segments, paths);
                at += usize::from(source.is(at, ","));
            }
            return end + 1;
        } else if source.is(at, "*") || source.word(at).is_some() {
            segments.push(source.tokens[at].text);
            at += 1;
            if !source.is(at, "::") {
                break;
            }
        } else {
            return at + 1;
        }
    }
    let line = source.tokens[at - 1].line;
    if segments.len() > 1 && segments.last() == Some(&"self") {
        segments.pop();
    }
    let mut imported_as = segments.last().copied();
    if source.is(at, "as") {
        imported_as = source.word(at + 1);
        at += 2;
    }
    paths.push(Written { segments, at, line, imported_as });
    at
}
