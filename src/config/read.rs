//! What stands in this TOML file, and where? A walker that reads typed values and gathers every problem.
//!
//! Ground rules: a reader asks for what it wants and goes on when it gets `None`; the problem is noted by then, with
//! file, line and column, and the file is refused at the end by [`Document::finish`]. Nothing is reported twice: a
//! missing value is the business of [`Table::need`], a wrong type that of the getter.
//!
//! ```text
//!   let document = Document::parse("a.toml", text)?;          syntax error: one problem
//!   let root = document.root();
//!   root.only(&["name", "tick"]);                              `tik`: unknown key (did you mean `tick`?)
//!   let name = root.need("name", "give it a name", Value::string);
//!   let tick = root.duration("tick").map_or(DEFAULT, |tick| tick.value);
//!   document.finish(|| Some(Options { name: name?.value, tick }))
//! ```

use std::cell::RefCell;
use std::fmt;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::time::Span;

/// Something wrong in a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The file as the operator named it.
    pub file: String,
    /// The line, counted from 1; 0 where the problem is the whole file's.
    pub line: usize,
    /// The column in characters, counted from 1; 0 where the problem is the whole file's.
    pub column: usize,
    /// What is wrong.
    pub what: String,
    /// What to do about it.
    pub remedy: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            0 => write!(f, "{}: {} ({})", self.file, self.what, self.remedy),
            line => write!(f, "{}:{line}:{}: {} ({})", self.file, self.column, self.what, self.remedy),
        }
    }
}

impl Problem {
    /// A problem with a line of a file that is not TOML.
    pub fn of_line(file: &str, line: usize, what: impl Into<String>, remedy: impl Into<String>) -> Problem {
        Problem { file: file.into(), line, column: 1, what: what.into(), remedy: remedy.into() }
    }
}

/// Everything wrong in one or several files, one problem a line, in the order of the places.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Problems(pub Vec<Problem>);

impl Problems {
    /// One problem with a file as a whole.
    pub fn of_file(file: &str, what: impl Into<String>, remedy: impl Into<String>) -> Problems {
        Problems(vec![Problem {
            file: file.into(),
            line: 0,
            column: 0,
            what: what.into(),
            remedy: remedy.into(),
        }])
    }
}

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, problem) in self.0.iter().enumerate() {
            let gap = if at == 0 { "" } else { "\n" };
            write!(f, "{gap}{problem}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Problems {}

/// Where something stands: the byte at which it begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place(usize);

/// A value and where it stands, for problems that only a later check can find.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct At<T> {
    /// The value.
    pub value: T,
    /// Where it stands.
    pub place: Place,
}

impl<T> At<T> {
    /// Another value at the same place.
    pub fn map<U>(self, change: impl FnOnce(T) -> U) -> At<U> {
        At { value: change(self.value), place: self.place }
    }
}

/// A file that is valid TOML, and what has been found wrong with it so far.
pub struct Document<'t> {
    file: &'t str,
    text: &'t str,
    root: Spanned<DeTable<'t>>,
    problems: RefCell<Vec<(Place, Problem)>>,
}

impl<'t> Document<'t> {
    /// Parses `text`; `file` is the name used in problems.
    pub fn parse(file: &'t str, text: &'t str) -> Result<Document<'t>, Problems> {
        match DeTable::parse(text) {
            Ok(root) => Ok(Document { file, text, root, problems: RefCell::default() }),
            Err(error) => {
                let place = Place(error.span().map_or(text.len(), |span| span.start));
                let what = format!("not valid TOML: {}", error.message());
                Err(Problems(vec![problem(file, text, place, what, "see https://toml.io")]))
            }
        }
    }

    /// The outermost table.
    pub fn root(&self) -> Table<'_> {
        Table { document: self, entries: self.root.get_ref(), place: Place(0), path: String::new() }
    }

    /// Notes a problem.
    pub fn problem(&self, place: Place, what: impl Into<String>, remedy: impl Into<String>) {
        let problem = problem(self.file, self.text, place, what.into(), remedy);
        self.problems.borrow_mut().push((place, problem));
    }

    /// What the file says, or everything that is wrong with it. `build` runs only when nothing was wrong; that it
    /// yields nothing all the same would be a reader that gave up without saying why, and is reported as that.
    pub fn finish<T>(&self, build: impl FnOnce() -> Option<T>) -> Result<T, Problems> {
        let mut found = self.problems.take();
        if found.is_empty() {
            match build() {
                Some(value) => return Ok(value),
                None => {
                    self.problem(Place(0), "cannot be used", "report this file");
                    found = self.problems.take();
                }
            }
        }
        found.sort_by_key(|(place, _)| *place);
        found.dedup();
        Err(Problems(found.into_iter().map(|(_, problem)| problem).collect()))
    }
}

fn problem(file: &str, text: &str, place: Place, what: String, remedy: impl Into<String>) -> Problem {
    let before = text.get(..place.0).unwrap_or(text);
    let start = before.rfind('\n').map_or(0, |at| at + 1);
    Problem {
        file: file.into(),
        line: before.matches('\n').count() + 1,
        column: before[start..].chars().count() + 1,
        what,
        remedy: remedy.into(),
    }
}

/// A table of the file.
#[derive(Clone)]
pub struct Table<'d> {
    document: &'d Document<'d>,
    entries: &'d DeTable<'d>,
    place: Place,
    path: String,
}

impl<'d> Table<'d> {
    /// Where the table stands.
    pub fn place(&self) -> Place {
        self.place
    }

    /// Notes a problem.
    pub fn problem(&self, place: Place, what: impl Into<String>, remedy: impl Into<String>) {
        self.document.problem(place, what, remedy);
    }

    /// Refuses every key that is not among `keys`.
    pub fn only(&self, keys: &[&str]) {
        for (name, _) in self.entries() {
            if keys.contains(&name.value) {
                continue;
            }
            let remedy = match nearest(name.value, keys.iter().copied()) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("known here: {}", keys.join(", ")),
            };
            self.problem(name.place, format!("unknown key `{}`", self.inner(name.value)), remedy);
        }
    }

    /// The value of `key`, where there is one.
    pub fn get(&self, key: &str) -> Option<Value<'d>> {
        let value = self.entries.get(key)?;
        Some(Value { document: self.document, value, path: self.inner(key) })
    }

    /// The value of `key` read by `get`; that it is missing is a problem, with `remedy`.
    pub fn need<T>(&self, key: &str, remedy: &str, get: impl FnOnce(Value<'d>) -> Option<T>) -> Option<T> {
        match self.get(key) {
            Some(value) => get(value),
            None => {
                self.problem(self.place, format!("`{}` is missing", self.inner(key)), remedy);
                None
            }
        }
    }

    /// All keys and values, in the order of the file.
    pub fn entries(&self) -> Vec<(At<&'d str>, Value<'d>)> {
        let entry = |(key, value): (&'d Spanned<std::borrow::Cow<'d, str>>, &'d Spanned<DeValue<'d>>)| {
            let name: &'d str = key.get_ref();
            let value = Value { document: self.document, value, path: self.inner(name) };
            (At { value: name, place: Place(key.span().start) }, value)
        };
        let mut entries: Vec<_> = self.entries.iter().map(entry).collect();
        entries.sort_by_key(|(name, _)| name.place);
        entries
    }

    /// A text.
    pub fn string(&self, key: &str) -> Option<At<&'d str>> {
        self.get(key)?.string()
    }

    /// A list of texts, or one text.
    pub fn strings(&self, key: &str) -> Option<Vec<At<&'d str>>> {
        self.get(key)?.strings()
    }

    /// `true` or `false`.
    pub fn bool(&self, key: &str) -> Option<At<bool>> {
        self.get(key)?.bool()
    }

    /// A number without a fraction.
    pub fn integer(&self, key: &str) -> Option<At<i64>> {
        self.get(key)?.integer()
    }

    /// A number.
    pub fn float(&self, key: &str) -> Option<At<f64>> {
        self.get(key)?.float()
    }

    /// A length of time such as `1h 30m`.
    pub fn duration(&self, key: &str) -> Option<At<Span>> {
        self.get(key)?.duration()
    }

    /// A table.
    pub fn table(&self, key: &str) -> Option<Table<'d>> {
        self.get(key)?.table()
    }

    /// A list of tables, or one table; nothing where there is none.
    pub fn tables(&self, key: &str) -> Vec<Table<'d>> {
        self.get(key).and_then(|value| value.tables()).unwrap_or_default()
    }

    /// One of the given words.
    pub fn choice<T: Clone>(&self, key: &str, words: &[(&str, T)]) -> Option<At<T>> {
        self.get(key)?.choice(words)
    }

    fn inner(&self, key: &str) -> String {
        if self.path.is_empty() { key.into() } else { format!("{}.{key}", self.path) }
    }
}

/// A value of the file. A getter of the wrong type notes a problem and yields nothing.
#[derive(Clone)]
pub struct Value<'d> {
    document: &'d Document<'d>,
    value: &'d Spanned<DeValue<'d>>,
    path: String,
}

impl<'d> Value<'d> {
    /// Where the value stands.
    pub fn place(&self) -> Place {
        Place(self.value.span().start)
    }

    /// The value's full name: `times.updated.column`.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// Notes a problem with this value.
    pub fn problem(&self, what: impl Into<String>, remedy: impl Into<String>) {
        self.document.problem(self.place(), what, remedy);
    }

    /// Notes the problems of another file, which this value names. They keep their own places.
    pub fn adopt(&self, problems: Problems) {
        let at_this = problems.0.into_iter().map(|problem| (self.place(), problem));
        self.document.problems.borrow_mut().extend(at_this);
    }

    /// What kind of value it is, for readers that accept several.
    pub fn kind(&self) -> Kind {
        match self.value.get_ref() {
            DeValue::String(_) => Kind::Text,
            DeValue::Integer(_) => Kind::Integer,
            DeValue::Float(_) => Kind::Float,
            DeValue::Boolean(_) => Kind::Bool,
            DeValue::Datetime(_) => Kind::Date,
            DeValue::Array(_) => Kind::List,
            DeValue::Table(_) => Kind::Table,
        }
    }

    /// A text.
    pub fn string(self) -> Option<At<&'d str>> {
        match self.value.get_ref() {
            DeValue::String(text) => Some(self.at(text.as_ref())),
            _ => self.refuse("write a text in quotes"),
        }
    }

    /// A list of texts, or one text.
    pub fn strings(self) -> Option<Vec<At<&'d str>>> {
        match self.value.get_ref() {
            DeValue::String(text) => Some(vec![self.at(text.as_ref())]),
            DeValue::Array(_) => self.list().into_iter().map(Value::string).collect(),
            _ => self.refuse("write a text in quotes, or several between [ and ]"),
        }
    }

    /// `true` or `false`.
    pub fn bool(self) -> Option<At<bool>> {
        match self.value.get_ref() {
            DeValue::Boolean(yes) => Some(self.at(*yes)),
            _ => self.refuse("write true or false, without quotes"),
        }
    }

    /// A number without a fraction.
    pub fn integer(self) -> Option<At<i64>> {
        let number = match self.value.get_ref() {
            DeValue::Integer(number) => i64::from_str_radix(number.as_str(), number.radix()).ok(),
            _ => None,
        };
        match number {
            Some(number) => Some(self.at(number)),
            None => self.refuse("write a whole number, without quotes"),
        }
    }

    /// A number, with or without a fraction; not infinite.
    pub fn float(self) -> Option<At<f64>> {
        let number = match self.value.get_ref() {
            DeValue::Integer(n) => i64::from_str_radix(n.as_str(), n.radix()).ok().map(|n| n as f64),
            DeValue::Float(number) => number.as_str().parse::<f64>().ok(),
            _ => None,
        };
        match number.filter(|number| number.is_finite()) {
            Some(number) => Some(self.at(number)),
            None => self.refuse("write a number, without quotes"),
        }
    }

    /// A length of time such as `1h 30m`.
    pub fn duration(self) -> Option<At<Span>> {
        let DeValue::String(text) = self.value.get_ref() else {
            return self.refuse("write a length of time such as \"2h\", \"1h 30m\", \"90s\" or \"500ms\"");
        };
        match duration(text) {
            Ok(span) => Some(self.at(span)),
            Err(remedy) => {
                self.problem(format!("`{}` is `{text}`, which is no length of time", self.path), remedy);
                None
            }
        }
    }

    /// A table.
    pub fn table(self) -> Option<Table<'d>> {
        match self.value.get_ref() {
            DeValue::Table(entries) => {
                let place = self.place();
                Some(Table { document: self.document, entries, place, path: self.path })
            }
            _ => self.refuse("write a table: { key = value }"),
        }
    }

    /// A list of tables, or one table.
    pub fn tables(self) -> Option<Vec<Table<'d>>> {
        match self.value.get_ref() {
            DeValue::Table(_) => self.table().map(|table| vec![table]),
            DeValue::Array(_) => self.list().into_iter().map(Value::table).collect(),
            _ => self.refuse("write a table { key = value }, or several between [ and ]"),
        }
    }

    /// The elements of a list; a value that is no list is its only element.
    pub fn list(&self) -> Vec<Value<'d>> {
        let DeValue::Array(values) = self.value.get_ref() else {
            return vec![self.clone()];
        };
        let element =
            |(at, value)| Value { document: self.document, value, path: format!("{}[{}]", self.path, at) };
        values.iter().enumerate().map(element).collect()
    }

    /// One of the given words.
    pub fn choice<T: Clone>(self, words: &[(&str, T)]) -> Option<At<T>> {
        let text = self.clone().string()?;
        if let Some((_, choice)) = words.iter().find(|(word, _)| *word == text.value) {
            return Some(self.at(choice.clone()));
        }
        let known = || words.iter().map(|(word, _)| *word);
        let remedy = match nearest(text.value, known()) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("one of: {}", known().collect::<Vec<_>>().join(", ")),
        };
        self.problem(format!("`{}` is `{}`", self.path, text.value), remedy);
        None
    }

    fn at<T>(&self, value: T) -> At<T> {
        At { value, place: self.place() }
    }

    fn refuse<T>(&self, remedy: &str) -> Option<T> {
        self.problem(format!("`{}` is {}", self.path, self.kind()), remedy);
        None
    }
}

/// The kinds of values TOML knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A text.
    Text,
    /// A number without a fraction.
    Integer,
    /// A number with one.
    Float,
    /// `true` or `false`.
    Bool,
    /// A date, a time or both.
    Date,
    /// Values between `[` and `]`.
    List,
    /// Keys and values.
    Table,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Kind::Text => "a text",
            Kind::Integer => "a whole number",
            Kind::Float => "a number",
            Kind::Bool => "true or false",
            Kind::Date => "a date",
            Kind::List => "a list",
            Kind::Table => "a table",
        })
    }
}

/// Reads a length of time: whole numbers with the units h, m, s and ms, largest first. Days are refused: whether one
/// has 24 hours depends on the calendar, so whoever means 24 hours writes `24h`.
pub fn duration(text: &str) -> Result<Span, String> {
    let (mut rest, mut total, mut largest) = (text.trim(), 0_i64, i64::MAX);
    let help = || "write whole numbers with h, m, s or ms, largest first, such as \"1h 30m\"".to_string();
    if rest.is_empty() {
        return Err(help());
    }
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
        let number: i64 = rest[..digits].parse().map_err(|_| help())?;
        let word = &rest[digits..];
        let letters = word.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(word.len());
        let ms = match &word[..letters] {
            "h" => 3_600_000,
            "m" | "min" => 60_000,
            "s" => 1_000,
            "ms" => 1,
            "d" => return Err(format!("a day is not always 24 hours: write \"{}h\"", number * 24)),
            _ => return Err(help()),
        };
        if ms >= largest {
            return Err(help());
        }
        total = number.checked_mul(ms).and_then(|ms| total.checked_add(ms)).ok_or_else(help)?;
        (largest, rest) = (ms, word[letters..].trim_start());
    }
    Ok(Span::from_millis(total))
}

/// The candidate that `word` was most likely meant to be: at most a third of its letters differ.
pub fn nearest<'a>(word: &str, candidates: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let allowed = match word.chars().count() {
        0 | 1 => return None,
        letters => (letters / 3).max(1),
    };
    let distances = candidates.map(|candidate| (edits(word, candidate), candidate));
    distances.filter(|(edits, _)| *edits <= allowed).min().map(|(_, candidate)| candidate)
}

/// How many letters must be put in, left out, replaced or swapped with their neighbour to make `b` of `a`.
fn edits(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let mut rows = vec![vec![0; b.len() + 1]; a.len() + 1];
    for i in 0..=a.len() {
        for j in 0..=b.len() {
            rows[i][j] = if i == 0 || j == 0 {
                i + j
            } else {
                let same = usize::from(a[i - 1] != b[j - 1]);
                let mut least = (rows[i - 1][j] + 1).min(rows[i][j - 1] + 1).min(rows[i - 1][j - 1] + same);
                if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                    least = least.min(rows[i - 2][j - 2] + 1);
                }
                least
            };
        }
    }
    rows[a.len()][b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problems(text: &str, read: impl FnOnce(Table<'_>)) -> String {
        let document = match Document::parse("a.toml", text) {
            Ok(document) => document,
            Err(problems) => return problems.to_string(),
        };
        read(document.root());
        document.finish(|| Some(())).map_or_else(|problems| problems.to_string(), |()| String::new())
    }

    #[test]
    fn values_are_read_with_their_places() {
        let text = "# 注释\nname = \"x\"\nwait = \"1h 30m\"\nlist = [\"a\", \"b\"]\none = \"a\"\nshare = 1\n\
                    big = 1_000\nyes = true\n[[rule]]\nn = 1\n[[rule]]\nn = 0x10\n";
        let document = Document::parse("a.toml", text).expect("valid");
        let root = document.root();
        assert_eq!(root.string("name").expect("there").value, "x");
        assert_eq!(root.duration("wait").expect("there").value, Span::from_minutes(90));
        assert_eq!(root.strings("list").expect("there").len(), 2);
        assert_eq!(root.strings("one").expect("there").len(), 1);
        assert_eq!(root.float("share").expect("there").value, 1.0);
        assert_eq!(root.integer("big").expect("there").value, 1_000);
        assert!(root.bool("yes").expect("there").value);
        let numbers: Vec<i64> =
            root.tables("rule").iter().filter_map(|rule| rule.integer("n")).map(|n| n.value).collect();
        assert_eq!(numbers, [1, 16]);
        assert_eq!(root.string("none"), None);
        let order: Vec<&str> = root.entries().iter().map(|(name, _)| name.value).collect();
        assert_eq!(order, ["name", "wait", "list", "one", "share", "big", "yes", "rule"]);
        assert_eq!(document.finish(|| Some(3)), Ok(3));
    }

    #[test]
    fn every_problem_is_reported_at_once_with_its_place() {
        let text = "nmae = \"x\"\nwait = \"2 days\"\n\n[input]\n  \"等\" = 1\n  limit = \"many\"\n  mode = \"tine\"\nhold = \"3d\"\n";
        let found = problems(text, |root| {
            root.only(&["name", "wait", "input"]);
            assert_eq!(root.need("name", "give it a name", Value::string), None);
            assert_eq!(root.duration("wait"), None);
            let input = root.table("input").expect("there");
            input.only(&["limit", "mode", "hold"]);
            assert_eq!(input.integer("limit"), None);
            assert_eq!(input.choice("mode", &[("time", 1), ("file", 2)]), None);
            assert_eq!(input.duration("hold"), None);
        });
        let expected = [
            "a.toml:1:1: unknown key `nmae` (did you mean `name`?)",
            "a.toml:1:1: `name` is missing (give it a name)",
            "a.toml:2:8: `wait` is `2 days`, which is no length of time (write whole numbers with h, m, s or ms, \
             largest first, such as \"1h 30m\")",
            "a.toml:5:3: unknown key `input.等` (known here: limit, mode, hold)",
            "a.toml:6:11: `input.limit` is a text (write a whole number, without quotes)",
            "a.toml:7:10: `input.mode` is `tine` (did you mean `time`?)",
            "a.toml:8:8: `input.hold` is `3d`, which is no length of time (a day is not always 24 hours: write \"72h\")",
        ];
        assert_eq!(found, expected.join("\n"));
    }

    #[test]
    fn columns_count_characters() {
        let found = problems("a = { \"名\" = \"值\", b = 1 }", |root| {
            root.table("a").expect("there").only(&["名"])
        });
        assert_eq!(found, "a.toml:1:18: unknown key `a.b` (known here: 名)");
    }

    #[test]
    fn a_syntax_error_is_one_problem_with_its_place() {
        let found = problems("a = 1\nb = [1, 2\nc = 3\n", |_| ());
        assert!(found.starts_with("a.toml:3:"), "{found}");
        assert!(found.contains("not valid TOML"), "{found}");
        assert_eq!(found.lines().count(), 1);
        assert!(problems("a = 1\na = 2\n", |_| ()).starts_with("a.toml:2:1: not valid TOML: duplicate key"));
    }

    #[test]
    fn lengths_of_time_are_read() {
        for (text, ms) in [
            ("2h", 7_200_000),
            ("90s", 90_000),
            ("1h 30m", 5_400_000),
            ("1h30m", 5_400_000),
            ("500ms", 500),
            ("0s", 0),
        ] {
            assert_eq!(duration(text), Ok(Span::from_millis(ms)), "{text}");
        }
        for text in [
            "",
            "h",
            "5",
            "1.5h",
            "-1h",
            "30m 1h",
            "1h 1h",
            "1d",
            "1w",
            "99999999999999999999h",
            "9999999999999999h",
        ] {
            assert!(duration(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_mistyped_word_finds_its_neighbour() {
        let words = || ["delimiter", "missing", "zone"].into_iter();
        assert_eq!(nearest("delimeter", words()), Some("delimiter"));
        assert_eq!(nearest("mising", words()), Some("missing"));
        assert_eq!(nearest("zoen", words()), Some("zone"));
        assert_eq!(nearest("colour", words()), None);
    }
}
