//! Is this a good promise? What can be used and still is no promise that a customer can hold anybody to, or says things
//! that never count.

use crate::config::read::{Document, Problem, Table};
use crate::sla::commitment::{Commitment, Condition, Goal, Limit, Stop, Test};
use crate::sla::terms::{Mark, Reopen};
use crate::time::Span;

/// Words that promise what nobody can measure. The first three are those of article 9 of the Advertising Law of the
/// People's Republic of China, which no advertisement may use; the guide wants none of their kind in a promise.
const SUPERLATIVES: [&str; 20] = [
    "国家级",
    "最高级",
    "最佳",
    "最好",
    "最优",
    "最快",
    "最低",
    "最先进",
    "领先",
    "第一",
    "一流",
    "顶级",
    "极致",
    "完美",
    "best",
    "leading",
    "fastest",
    "unrivalled",
    "world-class",
    "perfect",
];
/// Words that stand where a limit should.
const VAGUE: [&str; 11] = [
    "尽快",
    "及时",
    "尽早",
    "立刻",
    "马上",
    "as soon as possible",
    "promptly",
    "soon",
    "quickly",
    "in good time",
    "without delay",
];

type Said<'d> = (Table<'d>, Commitment);

/// Everything that is odd about the promises of a policy that can be used, in the order of the places. Files that cannot
/// be used have no promises to look at.
pub fn lint(file: &str, text: &str) -> Vec<Problem> {
    let Ok(document) = Document::parse(file, text) else { return Vec::new() };
    let root = document.root();
    let said = super::commitments(&root, &super::calendars(&root, file)).into_iter();
    let said: Option<Vec<Said<'_>>> = said.map(|(table, one)| Some((table, one?))).collect();
    let Some(said) = said else { return Vec::new() };
    for (n, (table, commitment)) in said.iter().enumerate() {
        title(table, commitment);
        unused(table, commitment);
        conditions(table, commitment);
        early_warnings(table, commitment);
        shadowed(table, commitment, &said[..n]);
    }
    document.finish(|| Some(())).err().map(|problems| problems.0).unwrap_or_default()
}

fn odd(table: &Table<'_>, key: &str, what: String, remedy: &str) {
    let place = table.get(key).map_or(table.place(), |value| value.place());
    table.problem(place, format!("`{}`: {what}", name(table)), remedy);
}

fn name<'d>(table: &Table<'d>) -> &'d str {
    table.string("name").map_or("", |name| name.value)
}

/// The guide: a promise is measurable, has a limit in time, and boasts of nothing.
fn title(table: &Table<'_>, commitment: &Commitment) {
    let title = [&commitment.title.en, &commitment.title.zh].map(|text| text.to_lowercase());
    let says = |word: &&&str| title.iter().any(|text| holds_word(text, word));
    if let Some(word) = SUPERLATIVES.iter().find(says) {
        let what = format!("its title boasts (`{word}`)");
        odd(table, "title", what, "say what is done within which time; nobody can measure a superlative");
    }
    if let Some(word) = VAGUE.iter().find(says) {
        odd(
            table,
            "title",
            format!("its title says `{word}` where a limit should be"),
            "say within which time",
        );
    }
    let numbers = "0123456789一二两三四五六七八九十百半";
    let words =
        ["hour", "minute", "day", "second", "week", "month", "time of", "when promised", "as promised"];
    let has_limit = |text: &String| {
        text.chars().any(|letter| numbers.contains(letter)) || words.iter().any(|word| text.contains(word))
    };
    if matches!(commitment.goal, Goal::Limit(_)) && !title.iter().any(has_limit) {
        odd(table, "title", "its title names no limit".into(), "say within which time, as the goal does");
    }
}

/// Whether a text holds a word: in Latin letters by itself, in 中文 anywhere.
fn holds_word(text: &str, word: &str) -> bool {
    let is_letter = |letter: Option<char>| letter.is_some_and(|letter| letter.is_ascii_alphabetic());
    text.match_indices(word).any(|(at, _)| {
        let apart =
            !is_letter(text[..at].chars().next_back()) && !is_letter(text[at + word.len()..].chars().next());
        !word.is_ascii() || apart
    })
}

/// Keys that never count, because of what the others say.
fn unused(table: &Table<'_>, commitment: &Commitment) {
    let has = |key: &str| table.get(key).is_some();
    let counts_days =
        super::commitment::limits(&commitment.goal).any(|limit| !matches!(limit, Limit::Duration(_)));
    let is_fixed = matches!(commitment.goal, Goal::Limit(_));
    let never = [
        ("resume", !has("pause"), "nothing pauses it"),
        ("pause_arithmetic", !has("pause"), "nothing pauses it"),
        ("on_reopen", !has("reopen"), "no event reopens it"),
        ("on_change", is_fixed, "its goal never changes"),
        ("boundary", !has("calendar"), "it is open at every hour"),
        ("first_day", !counts_days, "its goal is not in days"),
        ("last_day", !counts_days, "its goal is not in days"),
    ];
    for (key, _, why) in never.into_iter().filter(|(key, is_dead, _)| has(key) && *is_dead) {
        odd(table, key, format!("`{key}` never counts: {why}"), "leave it out, or add what is missing");
    }
    if has("reopen") && commitment.convention.reopen == Reopen::Ignored {
        odd(
            table,
            "reopen",
            "`reopen` never counts: a reopening is ignored".into(),
            "say what it does: on_reopen = \"goes_on\"",
        );
    }
    if has("pause") && !has("resume") {
        odd(table, "pause", "a pause never ends".into(), "add the events that end it: resume = […]");
    }
}

/// Events that can never do what is asked of them.
fn conditions(table: &Table<'_>, commitment: &Commitment) {
    let (Stop::Any(stops) | Stop::All(stops)) = &commitment.stop;
    let renews = commitment.repeats || commitment.per.is_some();
    if let Some(both) = stops.iter().find(|stop| !renews && commitment.start.contains(stop)) {
        let what = format!("`{}` starts it and stops it at once", both.kind);
        odd(
            table,
            "stop",
            what,
            "let it repeat, if the event ends one period and begins the next: repeats = true",
        );
    }
    let lists = [
        ("start", &commitment.start),
        ("stop", stops),
        ("pause", &commitment.pause),
        ("resume", &commitment.resume),
        ("cancel", &commitment.cancel),
        ("reset", &commitment.reset),
        ("reopen", &commitment.reopen),
    ];
    for (key, list) in lists {
        let is_dead = |n: &usize| {
            list.iter()
                .enumerate()
                .any(|(other, one)| other != *n && covers(one, &list[*n]) && (one != &list[*n] || other < *n))
        };
        let is_all = key == "stop" && matches!(commitment.stop, Stop::All(_));
        if let Some(n) = (0..list.len()).find(|n| !is_all && is_dead(n)) {
            let what = format!("`{}` stands in `{key}` twice, or under a wider condition", list[n].kind);
            odd(table, key, what, "leave the narrower one out");
        }
    }
}

/// Whether every event that meets `narrow` meets `wide`, too, as far as their words tell.
fn covers(wide: &Condition, narrow: &Condition) -> bool {
    wide.kind == narrow.kind && all_cover(&wide.tests, &narrow.tests)
}

fn all_cover(wide: &[Test], narrow: &[Test]) -> bool {
    wide.iter().all(|test| narrow.iter().any(|other| accepts_all(test, other)))
}

fn accepts_all(wide: &Test, narrow: &Test) -> bool {
    let is_listed = |text: &String| wide.one_of.contains(text);
    wide.attribute == narrow.attribute
        && (wide.one_of.is_empty()
            || wide == narrow
            || (!wide.is_not
                && !narrow.is_not
                && !narrow.one_of.is_empty()
                && narrow.one_of.iter().all(is_listed)))
}

fn early_warnings(table: &Table<'_>, commitment: &Commitment) {
    let shortest = super::commitment::limits(&commitment.goal).filter_map(|limit| match limit {
        Limit::Duration(span) => Some(span),
        Limit::WorkingDays(_) | Limit::CalendarDays(_) => None,
    });
    let Some(shortest) = shortest.min() else { return };
    let is_early = |mark: &&Mark| matches!(mark, Mark::Offset(by) if *by <= Span::ZERO - shortest);
    if let Some(Mark::Offset(by)) = commitment.warnings.iter().find(is_early) {
        let what = format!("a warning {} before due, and the goal may be {shortest}", Span::ZERO - *by);
        odd(table, "warnings", what, "warn later: such a case would be warned of as it starts");
    }
}

/// A promise of which no case ever gets anything, because one before it gets them all.
fn shadowed(table: &Table<'_>, commitment: &Commitment, before: &[Said<'_>]) {
    if commitment.first_of.is_none() {
        return;
    }
    let takes_all = |(_, other): &&Said<'_>| {
        let starts_too = |start: &Condition| other.start.iter().any(|one| covers(one, start));
        other.first_of == commitment.first_of
            && other.name != commitment.name
            && other.effective_from <= commitment.effective_from
            && all_cover(&other.scope, &commitment.scope)
            && commitment.start.iter().all(starts_too)
    };
    if let Some((_, other)) = before.iter().find(takes_all) {
        let what = format!("no case ever gets it: `{}` comes first and is for all of them", other.name);
        odd(table, "match", what, "put the narrower one first");
    }
}
