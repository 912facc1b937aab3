//! A log that nobody has seen: promised instants in a column, as one row per case and as one row per change, with
//! stops before, at and after the promise, none of either, promises that move, and the two nights of the clock change.
//!
//! What is expected is computed here from the offsets of Berlin in 2026, not by the code under test.

use std::fmt::Write as _;

use jiff::civil::{DateTime, date};

use super::*;

/// One row per case. The file knows only the promise that stood in the end.
const CASES: &str = r#"
source = "/works"
subject = "{Case}"
[input]
delimiter = ";"
missing = ["-"]
[times]
format = "%d.%m.%Y %H:%M"
zone = "Europe/Berlin"
opened = { column = "Opened" }
promised = { column = "Promised" }
done = { column = "Done" }
[[event]]
type = "ticket.opened"
time = "opened"
attributes = { kind = "repair", promised_by = "{promised}" }
[[event]]
type = "ticket.resolved"
time = "done"
"#;

/// One row per change.
const CHANGES: &str = r#"
source = "/works"
subject = "{Case}"
[input]
missing = ["-"]
[times]
format = "%d/%m/%Y %H:%M"
zone = "Europe/Berlin"
changed = { column = "Changed" }
promised = { column = "Promised" }
[rows]
order = "changed"
sequence = "Number"
[[event]]
type = "ticket.opened"
time = "changed"
when = { first = true }
attributes = { kind = "repair", promised_by = "{promised}" }
[[event]]
type = "ticket.extended"
time = "changed"
when = [{ changes = "Promised" }, { first = false }]
attributes = { promised_by = "{promised}" }
[[event]]
type = "ticket.resolved"
time = "changed"
when = { column = "State", becomes = "Done" }
"#;

/// A case: all times as the clock on the wall showed them.
#[derive(Clone, Debug)]
struct Case {
    name: String,
    opened: DateTime,
    promised: Option<DateTime>,
    /// When the promise was moved, and where to.
    moved: Option<(DateTime, DateTime)>,
    done: Option<DateTime>,
}

/// Seeded numbers (xorshift64*).
struct Seeded(u64);

impl Seeded {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) % bound
    }

    fn minutes(&mut self, bound: u64) -> jiff::Span {
        jiff::Span::new().minutes(1 + self.below(bound) as i64)
    }

    fn shuffle<T>(&mut self, items: &mut [T]) {
        for at in (1..items.len()).rev() {
            items.swap(at, self.below(at as u64 + 1) as usize);
        }
    }

    fn case(&mut self, n: u64) -> Case {
        let nights = [date(2026, 3, 29), date(2026, 10, 25), date(2026, 7, 1)];
        let night = nights[self.below(3) as usize].at(0, 0, 0, 0);
        let opened = night - jiff::Span::new().hours(6) + self.minutes(12 * 60);
        let promised = (self.below(5) > 0).then(|| opened + self.minutes(8 * 60));
        let moved = promised.filter(|_| self.below(3) == 0);
        let moved = moved.map(|from| (opened + self.minutes(120), from + self.minutes(300)));
        // An hour that is never shown is read as a later one: what is said in it may come to lie after what followed.
        let moved = moved.filter(|(when, _)| instant(*when) > instant(opened));
        let latest = moved.map(|(_, to)| to).or(promised).unwrap_or(opened + self.minutes(500));
        // A stop lies after everything else that is said.
        let floor = moved.map_or(opened, |(when, _)| when);
        let done = match self.below(5) {
            0 => None,
            1 | 2 => Some(latest),
            3 => Some(latest + self.minutes(400)),
            _ => Some(latest - self.minutes(100)),
        };
        Case {
            name: format!("R{n}"),
            opened,
            promised,
            moved,
            done: done.filter(|done| instant(*done) > instant(floor)),
        }
    }
}

/// Berlin is two hours ahead of UTC from 2026-03-29T01:00Z to 2026-10-25T01:00Z and one hour otherwise. An hour that
/// is shown twice is the first of the two; one that is never shown lies as far behind the change as it claims.
fn instant(local: DateTime) -> Time {
    let ms = |time: DateTime| time.duration_since(date(1970, 1, 1).at(0, 0, 0, 0)).as_millis() as i64;
    let (begin, end) = (ms(date(2026, 3, 29).at(1, 0, 0, 0)), ms(date(2026, 10, 25).at(1, 0, 0, 0)));
    let summer = ms(local) - 2 * 3_600_000;
    Time::from_millis(if (begin..end).contains(&summer) { summer } else { summer + 3_600_000 })
}

fn cases(seed: u64) -> Vec<Case> {
    let mut seeded = Seeded(seed);
    (0..400).map(|n| seeded.case(n)).collect()
}

/// `time type subject promised_by`
fn lines(events: &[Seen]) -> Vec<String> {
    let line = |event: &Seen| {
        let promised = event.get("promised_by").unwrap_or("-");
        format!("{} {} {} {promised}", event.time, event.kind, event.subject)
    };
    let mut lines: Vec<String> = events.iter().map(line).collect();
    lines.sort();
    lines
}

/// Says where two lists differ first.
fn check(found: &[String], expected: &[String], what: &str) {
    let differ = |n: &usize| found.get(*n) != expected.get(*n);
    if let Some(n) = (0..found.len().max(expected.len())).find(differ) {
        panic!("{what}: found {:?}, expected {:?}", found.get(n), expected.get(n));
    }
}

fn expected(cases: &[Case], with_moves: bool) -> Vec<String> {
    let mut lines = Vec::new();
    for Case { name, opened, promised, moved, done } in cases {
        let text = |time: Option<DateTime>| time.map_or("-".into(), |time| instant(time).to_string());
        let first = if with_moves { *promised } else { moved.map(|(_, to)| to).or(*promised) };
        lines.push(format!("{} ticket.opened {name} {}", instant(*opened), text(first)));
        if let (true, Some((when, to))) = (with_moves, moved) {
            lines.push(format!("{} ticket.extended {name} {}", instant(*when), instant(*to)));
        }
        lines.extend(done.map(|done| format!("{} ticket.resolved {name} -", instant(done))));
    }
    lines.sort();
    lines
}

/// Leading zeros are written or left out, as they come.
fn written(time: Option<DateTime>, separator: char, bare: bool) -> String {
    let Some(time) = time else { return if bare { "-" } else { "" }.into() };
    let (day, month, year, hour, minute) =
        (time.day(), time.month(), time.year(), time.hour(), time.minute());
    match bare {
        true => format!("{day}{separator}{month}{separator}{year} {hour}:{minute:02}"),
        false => format!("{day:02}{separator}{month:02}{separator}{year} {hour:02}:{minute:02}"),
    }
}

/// The log of cases, one row each.
fn case_log(cases: &[Case]) -> String {
    let mut text = String::from("Done;Case;Promised;Opened;Remark\r\n");
    for (n, case) in cases.iter().enumerate() {
        let show = |time| written(time, '.', n % 2 == 0);
        let promised = show(case.moved.map(|(_, to)| to).or(case.promised));
        let remark = if n % 7 == 0 { "\"says; \"\"late\"\"\r\nagain\"" } else { "" };
        let (done, opened) = (show(case.done), show(Some(case.opened)));
        write!(text, "{done};{};{promised};{opened};{remark}\r\n", case.name).expect("fits");
    }
    text
}

/// The rows of the log of changes, in the order in which they happened.
fn change_rows(cases: &[Case]) -> Vec<String> {
    let mut rows = Vec::new();
    for (n, case) in cases.iter().enumerate() {
        let show = |time| written(time, '/', n % 2 == 0);
        let mut promised = case.promised;
        rows.push(format!("{},{},1,New,{}", case.name, show(Some(case.opened)), show(promised)));
        if let Some((when, to)) = case.moved {
            promised = Some(to);
            rows.push(format!("{},{},2,New,{}", case.name, show(Some(when)), show(promised)));
        }
        let done =
            case.done.map(|done| format!("{},{},3,Done,{}", case.name, show(Some(done)), show(promised)));
        rows.extend(done);
    }
    rows
}

fn change_log(rows: &[String]) -> String {
    format!("Case,Changed,Number,State,Promised\n{}\n", rows.join("\n"))
}

#[test]
fn one_row_per_case() {
    let mapping = Arc::new(watchbell::config::mapping::read("cases.toml", CASES).expect("valid"));
    for seed in 1..=5 {
        let cases = cases(seed);
        check(&lines(&read(&mapping, &case_log(&cases))), &expected(&cases, false), &format!("seed {seed}"));
    }
}

#[test]
fn one_row_per_change_in_any_order_and_twice() {
    let mapping = Arc::new(watchbell::config::mapping::read("changes.toml", CHANGES).expect("valid"));
    for seed in 1..=5 {
        let cases = cases(seed);
        let mut rows = change_rows(&cases);
        Seeded(seed).shuffle(&mut rows);
        let once = read(&mapping, &change_log(&rows));
        check(&lines(&once), &expected(&cases, true), &format!("seed {seed}"));
        rows.extend(rows.clone());
        Seeded(seed + 1).shuffle(&mut rows);
        let twice = read(&mapping, &change_log(&rows));
        check(&lines(&twice), &expected(&cases, true), &format!("seed {seed}, every row twice"));
    }
}

/// The promise is the instant in the column, nothing else.
const PROMISE: &str = r#"
[[commitment]]
name = "as_promised"
title = { en = "Done when promised", zh = "按约定时间完成" }
start = "ticket.opened"
stop = "ticket.resolved"
goal = { from = "promised_by" }
"#;

/// When a case is due, whatever came of it. A promise that has passed cannot be moved any more.
fn due(case: &Case, with_moves: bool) -> Option<Time> {
    let promised = case.promised.map(instant);
    match (case.moved, promised) {
        (Some((_, to)), _) if !with_moves => Some(instant(to)),
        (Some((when, to)), Some(promised)) if instant(when) <= promised => Some(instant(to)),
        _ => promised,
    }
}

/// Judges a log and compares verdicts and alerts with what the cases say.
fn judge(mapping: &str, log: &str, cases: &[Case], with_moves: bool, what: &str) {
    let folder = tempfile::tempdir().expect("a folder");
    let write = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).expect("written");
        path
    };
    let (log, mapping, policy) =
        (write("log.csv", log), write("mapping.toml", mapping), write("policy.toml", PROMISE));
    let options =
        crate::judged::Options { mapping: mapping.to_str(), policy: policy.to_str(), ..Default::default() };
    let judged = crate::judged::judge(&[&log], &options);
    let end = judged.report.input.last.expect("there are events");
    let mut verdicts: Vec<String> = Vec::new();
    let mut breaches: Vec<String> = Vec::new();
    for case in cases {
        let Some(due) = due(case, with_moves) else { continue };
        let done = case.done.map(instant);
        let (late, after) = (done.unwrap_or(end) > due, end > due + Span::from_seconds(2));
        let verdict = if late {
            "breached"
        } else if done.is_some() {
            "kept"
        } else {
            "open"
        };
        verdicts.push(format!("{} {due} {verdict}", case.name));
        if late && after {
            breaches.push(format!("{} {due}", case.name));
        }
    }
    let text = |value: &serde_json::Value, key: &str| value[key].as_str().unwrap_or("-").to_owned();
    let line = |one: &serde_json::Value| {
        format!("{} {} {}", text(one, "subject"), text(one, "due"), text(one, "outcome"))
    };
    let mut found: Vec<String> = judged.outcomes.iter().map(line).collect();
    found.sort();
    verdicts.sort();
    check(&found, &verdicts, what);
    let standing = crate::judged::standing(&judged.alerts);
    let broken = standing.values().filter(|one| one["kind"] == "breach");
    let mut found: Vec<String> =
        broken.map(|one| format!("{} {}", text(one, "subject"), text(one, "due"))).collect();
    found.sort();
    breaches.sort();
    check(&found, &breaches, &format!("{what}: alerts"));
}

#[test]
fn every_breach_is_due_at_exactly_the_promised_instant() {
    for seed in 1..=3 {
        let cases = cases(seed);
        judge(CASES, &case_log(&cases), &cases, false, &format!("cases, seed {seed}"));
        let mut rows = change_rows(&cases);
        Seeded(seed).shuffle(&mut rows);
        judge(CHANGES, &change_log(&rows), &cases, true, &format!("changes, seed {seed}"));
    }
}

/// The generator makes what it promises: every way a promise can end, on every night.
#[test]
fn the_generated_log_holds_every_situation() {
    let all: Vec<Case> = (1..=5).flat_map(cases).collect();
    let promised = |case: &Case| case.moved.map(|(_, to)| to).or(case.promised);
    let has = |what: &str, is: &dyn Fn(&Case) -> bool| assert!(all.iter().any(is), "no case: {what}");
    has("stopped before", &|case| promised(case).zip(case.done).is_some_and(|(due, done)| done < due));
    has("stopped exactly then", &|case| promised(case).zip(case.done).is_some_and(|(due, done)| done == due));
    has("stopped after", &|case| promised(case).zip(case.done).is_some_and(|(due, done)| done > due));
    has("never stopped", &|case| case.promised.is_some() && case.done.is_none());
    has("nothing promised", &|case| case.promised.is_none() && case.done.is_some());
    has("moved", &|case| case.moved.is_some());
    let hour = |time: DateTime, day| time.date() == day && time.hour() == 2;
    has("an hour that is never shown", &|case| {
        promised(case).is_some_and(|due| hour(due, date(2026, 3, 29)))
    });
    has("an hour that is shown twice", &|case| {
        promised(case).is_some_and(|due| hour(due, date(2026, 10, 25)))
    });
}
