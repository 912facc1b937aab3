//! What does a query ask for? PromQL, taken apart as far as names, labels and windows go.

use std::collections::BTreeSet;

use watchbell::names::metric::{Kind, Metric};

/// What Prometheus knows by itself and our queries use: functions, and what stands between them.
const FUNCTIONS: [&str; 14] = [
    "abs",
    "absent",
    "count",
    "histogram_quantile",
    "increase",
    "max",
    "min",
    "min_over_time",
    "rate",
    "sort",
    "sum",
    "vector",
    "offset",
    "bool",
];
const OPERATORS: [&str; 3] = ["and", "or", "unless"];
/// What a list of labels follows.
const LISTS: [&str; 6] = ["by", "without", "on", "ignoring", "group_left", "group_right"];
/// Labels that Prometheus puts on what it scrapes.
const SCRAPED: [&str; 2] = ["instance", "job"];

/// A metric that is asked for, and the labels it is asked by.
#[derive(Debug, PartialEq)]
pub struct Selector {
    pub name: String,
    pub labels: Vec<String>,
}

/// A window of time: `[5m]`, and the function it is for.
#[derive(Debug, PartialEq)]
pub struct Window {
    pub function: String,
    pub length: String,
}

/// A query, taken apart.
#[derive(Debug, Default, PartialEq)]
pub struct Query {
    pub selectors: Vec<Selector>,
    pub windows: Vec<Window>,
    /// Labels it is grouped or matched by.
    pub grouped: Vec<String>,
    /// Names that are neither metrics nor functions.
    pub strange: Vec<String>,
}

/// The labels a metric may have, also one of the three that a histogram makes; `None` if there is none of that name.
pub fn labels(name: &str) -> Option<Vec<&'static str>> {
    for metric in Metric::ALL {
        let own = || metric.labels().iter().copied().chain(SCRAPED);
        match (name.strip_prefix(metric.name()), metric.kind()) {
            (Some(""), Kind::Counter | Kind::Gauge) | (Some("_count" | "_sum"), Kind::Histogram) => {
                return Some(own().collect());
            }
            (Some("_bucket"), Kind::Histogram) => return Some(own().chain(["le"]).collect()),
            _ => {}
        }
    }
    None
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Token<'a> {
    Word(&'a str),
    Text,
    Window(&'a str),
    Sign(char),
}

fn tokens(query: &str) -> Result<Vec<Token<'_>>, String> {
    let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == ':';
    let mut tokens = Vec::new();
    let mut rest = query.trim_start();
    while let Some(first) = rest.chars().next() {
        let end = match first {
            '"' | '\'' => {
                tokens.push(Token::Text);
                rest[1..].find(first).ok_or_else(|| format!("`{query}`: a text does not end"))? + 2
            }
            '[' => {
                let end = rest.find(']').ok_or_else(|| format!("`{query}`: a window does not end"))?;
                tokens.push(Token::Window(&rest[1..end]));
                end + 1
            }
            c if is_word(c) => {
                let end = rest.find(|c| !is_word(c)).unwrap_or(rest.len());
                tokens.push(Token::Word(&rest[..end]));
                end
            }
            c => {
                tokens.push(Token::Sign(c));
                c.len_utf8()
            }
        };
        rest = rest[end..].trim_start();
    }
    Ok(tokens)
}

impl Query {
    pub fn read(query: &str) -> Result<Query, String> {
        let tokens = tokens(query)?;
        let mut read = Query::default();
        let mut functions: Vec<&str> = Vec::new();
        let mut at = 0;
        while at < tokens.len() {
            match tokens[at] {
                Token::Sign('(') => functions.push(match at.checked_sub(1).map(|before| tokens[before]) {
                    Some(Token::Word(word)) => word,
                    _ => "",
                }),
                Token::Sign(')') => {
                    functions.pop().ok_or_else(|| format!("`{query}`: a bracket too many"))?;
                }
                Token::Window(length) => read.windows.push(Window {
                    function: functions.last().copied().unwrap_or_default().to_owned(),
                    length: length.to_owned(),
                }),
                Token::Word(word) if LISTS.contains(&word) => {
                    let (inside, end) = bracketed(&tokens, at + 1, ')');
                    let words = inside.iter().filter_map(|token| match token {
                        Token::Word(label) => Some((*label).to_owned()),
                        _ => None,
                    });
                    read.grouped.extend(words);
                    at = end;
                }
                Token::Word(word) if word.starts_with(|c: char| c.is_ascii_digit()) => {}
                Token::Word(word) if FUNCTIONS.contains(&word) || OPERATORS.contains(&word) => {}
                Token::Word(word) if word.starts_with("watchbell_") || word.contains(':') => {
                    let mut labels = Vec::new();
                    if tokens.get(at + 1) == Some(&Token::Sign('{')) {
                        let (inside, end) = bracketed(&tokens, at + 1, '}');
                        labels.extend(inside.iter().filter_map(|token| match token {
                            Token::Word(label) => Some((*label).to_owned()),
                            _ => None,
                        }));
                        at = end;
                    }
                    read.selectors.push(Selector { name: word.to_owned(), labels });
                }
                Token::Word(word) => read.strange.push(word.to_owned()),
                Token::Text | Token::Sign(_) => {}
            }
            at += 1;
        }
        if functions.is_empty() { Ok(read) } else { Err(format!("`{query}`: a bracket is missing")) }
    }

    /// What is wrong with it; `recorded` are the names that rules record.
    pub fn problems(&self, recorded: &BTreeSet<String>) -> Vec<String> {
        let strange =
            self.strange.iter().map(|word| format!("`{word}` is neither a metric nor a known function"));
        let mut problems: Vec<String> = strange.collect();
        let mut legal: BTreeSet<&str> = SCRAPED.into();
        for selector in &self.selectors {
            let name = &selector.name;
            let known = match labels(name) {
                Some(labels) => labels,
                // What a recorded metric is counted by stands at the front of its name.
                None if recorded.contains(name) => name
                    .split(':')
                    .next()
                    .into_iter()
                    .flat_map(|by| by.split('_'))
                    .filter_map(known_label)
                    .collect(),
                None => {
                    problems.push(format!("`{name}` is not a metric"));
                    continue;
                }
            };
            let strangers = selector.labels.iter().filter(|label| !known.contains(&label.as_str()));
            problems.extend(strangers.map(|label| format!("`{name}` has no label `{label}`")));
            legal.extend(known);
        }
        let strangers = self.grouped.iter().filter(|label| !legal.contains(label.as_str()));
        problems.extend(strangers.map(|label| format!("no metric of the query has the label `{label}`")));
        problems
    }
}

/// The label of that name, if any metric has it.
fn known_label(name: &str) -> Option<&'static str> {
    Metric::ALL.iter().flat_map(|metric| metric.labels()).find(|label| **label == name).copied()
}

/// What stands between the bracket at `at` and the one that closes it, and where that is.
fn bracketed<'t, 'q>(tokens: &'t [Token<'q>], at: usize, close: char) -> (&'t [Token<'q>], usize) {
    let inside = tokens.get(at + 1..).unwrap_or_default();
    let length = inside.iter().position(|token| *token == Token::Sign(close)).unwrap_or(inside.len());
    (&inside[..length], at + 1 + length)
}

#[test]
fn queries_are_taken_apart() {
    let query = r#"sum by (le, route) (rate(watchbell_http_request_duration_seconds_bucket{instance=~"$i", code!="5 {("}[5m])) > 2"#;
    let read = Query::read(query).expect("a query");
    assert_eq!(read.selectors.len(), 1);
    assert_eq!(read.selectors[0].labels, ["instance", "code"]);
    assert_eq!(read.windows, [Window { function: "rate".into(), length: "5m".into() }]);
    assert_eq!(read.grouped, ["le", "route"]);
    assert_eq!(read.problems(&BTreeSet::new()), [""; 0]);
}

#[test]
fn what_does_not_exist_is_found() {
    let recorded = BTreeSet::from(["commitment:watchbell_clocks_kept:ratio1d".to_owned()]);
    for (query, problem) in [
        ("watchbell_clock_open", "`watchbell_clock_open` is not a metric"),
        (
            "watchbell_http_request_duration_seconds",
            "`watchbell_http_request_duration_seconds` is not a metric",
        ),
        ("watchbell_clocks_open_count", "`watchbell_clocks_open_count` is not a metric"),
        (r#"watchbell_clocks_open{comitment="a"}"#, "`watchbell_clocks_open` has no label `comitment`"),
        ("sum by (level) (watchbell_clocks_open)", "no metric of the query has the label `level`"),
        ("summ(watchbell_clocks_open)", "`summ` is neither a metric nor a known function"),
        ("a:b:c > 1", "`a:b:c` is not a metric"),
        (
            r#"commitment:watchbell_clocks_kept:ratio1d{level="x"}"#,
            "`commitment:watchbell_clocks_kept:ratio1d` has no label `level`",
        ),
    ] {
        let problems = Query::read(query).expect("a query").problems(&recorded);
        assert_eq!(problems, [problem], "{query}");
    }
    assert!(Query::read("sum(watchbell_clocks_open").is_err());
}
