//! What would somebody say who sees all records at once? The verdict of a batch evaluator.
//!
//! It is written from the definitions (elapsed time is the measure of open and unpaused stretches; an alert stands
//! after due and grace if more than the goal is used) and shares no code with the fold: no index, no step, no
//! wheel, no binary search, calendars as loops over days. It is slow on purpose.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use watchbell::time::Time;

use super::world::{DEDUP_WINDOW, HORIZON, MAX_SKEW};

const MINUTE: i64 = 60_000;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;
/// Shanghai has had no summer time since 1991.
const SHANGHAI: i64 = 8 * HOUR;
/// Later than everything in any of the worlds.
const FAR: i64 = 40 * DAY;

/// The policy under which the worlds are judged; [`PROMISES`] says the same.
pub const POLICY: &str = r#"
[calendars.office]
zone = "Asia/Shanghai"
weekly = { monday = ["09:00-12:00", "13:00-18:00"], tuesday = ["09:00-12:00", "13:00-18:00"], wednesday = ["09:00-12:00", "13:00-18:00"], thursday = ["09:00-12:00", "13:00-18:00"], friday = ["09:00-12:00", "13:00-18:00"] }
[calendars.weekdays]
zone = "Asia/Shanghai"
weekly = { monday = ["00:00-24:00"], tuesday = ["00:00-24:00"], wednesday = ["00:00-24:00"], thursday = ["00:00-24:00"], friday = ["00:00-24:00"] }

[[commitment]]
name = "answer"
title = { en = "a", zh = "a" }
start = "ticket.opened"
stop = "ticket.resolved"
pause = "ticket.paused"
resume = "ticket.resumed"
cancel = "ticket.cancelled"
goal = { by = "priority", P1 = "30m", P2 = "2h", otherwise = "6h" }
warnings = [0.5]
grace = "2s"

# From noon in Shanghai on the second priority is promised more.
[[commitment]]
name = "answer"
title = { en = "a", zh = "a" }
effective_from = "2026-03-06T04:00:00Z"
start = "ticket.opened"
stop = "ticket.resolved"
pause = "ticket.paused"
resume = "ticket.resumed"
cancel = "ticket.cancelled"
goal = { by = "priority", P1 = "30m", P2 = "1h", otherwise = "6h" }
warnings = [0.5]
grace = "2s"

[[commitment]]
name = "owner"
title = { en = "b", zh = "b" }
match.kind = "complaint"
start = "ticket.opened"
stop.all = ["ticket.classified", "ticket.owner_named"]
pause = "ticket.paused"
resume = "ticket.resumed"
goal = "1h"
calendar = "office"
warnings = [0.25, 0.5]
grace = "2s"
settle = "30m"

[[commitment]]
name = "promised"
title = { en = "c", zh = "c" }
start = "ticket.opened"
stop = "ticket.resolved"
cancel = "ticket.cancelled"
goal = { from = "promised_by" }
grace = "2s"

[[commitment]]
name = "days"
title = { en = "d", zh = "d" }
match.kind = "complaint"
start = "ticket.opened"
stop = "ticket.resolved"
cancel = "ticket.cancelled"
goal = "1 working_days"
calendar = "weekdays"
warnings = [0.5]
grace = "60s"

[[objective]]
name = "answers"
title = { en = "e", zh = "e" }
commitment = "answer"
target = 0.8

[[objective]]
name = "mild"
title = { en = "f", zh = "f" }
measure = "event_share"
of = "feedback.complaint"
good = { score = ["4", "5"] }
target = 0.5

[count]
activity = ["ticket.opened", "feedback.complaint"]
complaints = ["feedback.complaint", { on = "ticket.opened", where = { kind = "complaint" } }]
score = "score"
"#;

/// In whose time a promise runs.
#[derive(Clone, Copy, PartialEq)]
enum Open {
    Always,
    Office,
    Weekdays,
}

#[derive(Clone, Copy, PartialEq)]
enum Goal {
    ByPriority,
    Hour,
    Promised,
    WorkingDay,
}

struct Promise {
    name: &'static str,
    complaints_only: bool,
    stops: &'static [&'static str],
    pauses: bool,
    cancels: bool,
    goal: Goal,
    open: Open,
    warnings: &'static [f64],
    grace: i64,
    settle: i64,
}

const PROMISES: [Promise; 4] = [
    Promise {
        name: "answer",
        complaints_only: false,
        stops: &["ticket.resolved"],
        pauses: true,
        cancels: true,
        goal: Goal::ByPriority,
        open: Open::Always,
        warnings: &[0.5],
        grace: 2_000,
        settle: MINUTE,
    },
    Promise {
        name: "owner",
        complaints_only: true,
        stops: &["ticket.classified", "ticket.owner_named"],
        pauses: true,
        cancels: false,
        goal: Goal::Hour,
        open: Open::Office,
        warnings: &[0.25, 0.5],
        grace: 2_000,
        settle: 30 * MINUTE,
    },
    Promise {
        name: "promised",
        complaints_only: false,
        stops: &["ticket.resolved"],
        pauses: false,
        cancels: true,
        goal: Goal::Promised,
        open: Open::Always,
        warnings: &[],
        grace: 2_000,
        settle: MINUTE,
    },
    Promise {
        name: "days",
        complaints_only: true,
        stops: &["ticket.resolved"],
        pauses: false,
        cancels: true,
        goal: Goal::WorkingDay,
        open: Open::Weekdays,
        warnings: &[0.5],
        grace: 60_000,
        settle: MINUTE,
    },
];

/// A record as it lies in its log.
#[derive(Clone, Debug)]
pub struct Record {
    /// When it came in.
    pub appended: Time,
    event: Option<Event>,
}

#[derive(Clone, Debug)]
struct Event {
    id: String,
    source: String,
    kind: String,
    subject: String,
    time: i64,
    data: Value,
}

impl Record {
    /// Reads a record's text; whatever cannot be read is no event.
    pub fn new(appended: Time, payload: &str) -> Record {
        let event = serde_json::from_str::<Value>(payload).ok().map(|value| {
            let text =
                |name: &str| value[name].as_str().expect("events of the worlds are complete").to_owned();
            Event {
                id: text("id"),
                source: text("source"),
                kind: text("type"),
                subject: text("subject"),
                time: Time::parse(&text("time")).expect("an instant").millis(),
                data: value["data"].clone(),
            }
        });
        Record { appended, event }
    }
}

/// What makes an alert this one: commitment, subject, source and id of the start event, threshold in thousandths.
pub type Key = (String, String, String, String, i64);

/// What is said of an alert that stands.
#[derive(Clone, Debug, PartialEq)]
pub struct Stands {
    pub open: bool,
    pub due: Option<Time>,
    pub stopped: Option<Time>,
    pub late_ms: Option<i64>,
    pub product: String,
}

/// What is counted in a pane of a product: activity, complaints, and broken promises due there.
pub type Counted = (u64, u64, u64);

/// What an objective counts in a pane: how many, and how many of them are good.
pub type Shared = (u64, u64);

/// The verdict on one log.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Judged {
    pub standing: BTreeMap<Key, Stands>,
    /// By the pane's start and the product. A pane that the log has left behind by the horizon may lack breaches.
    pub counted: BTreeMap<(Time, String), Counted>,
    /// By the pane's start and the objective. The same holds of panes left behind.
    pub shared: BTreeMap<(Time, &'static str), Shared>,
    /// Satisfaction by product: how many scores, and their sum.
    pub scores: BTreeMap<String, (u64, i64)>,
    /// The latest event time accepted.
    pub log_time: i64,
    /// How many records were refused as too late, and how many as lying in the future.
    pub too_late: u64,
    pub future: u64,
}

/// A ticket from its opening until it is long over.
#[derive(Default)]
struct Case<'a> {
    first_seen: i64,
    events: Vec<&'a Event>,
}

/// Judges the records of a log as of a clock.
pub fn judge(records: &[Record], clock: Time) -> Judged {
    let mut judged = Judged::default();
    let mut cases: BTreeMap<&str, Vec<Case<'_>>> = BTreeMap::new();
    let mut opinions: BTreeMap<(&str, &str), i64> = BTreeMap::new();
    for record in records {
        let Some(event) = &record.event else { continue };
        if event.time > record.appended.millis() + MAX_SKEW.millis() {
            judged.future += 1;
            continue;
        }
        if event.time < judged.log_time - HORIZON.millis() {
            judged.too_late += 1;
            continue;
        }
        if event.kind == "clock.advance" {
            continue;
        }
        let known = match event.kind.starts_with("ticket.") {
            true => !file(cases.entry(&event.subject).or_default(), event, judged.log_time),
            false => {
                let seen = judged.log_time.max(event.time);
                let before = opinions.get(&(event.source.as_str(), event.id.as_str()));
                let known = before.is_some_and(|before| before + DEDUP_WINDOW.millis() >= judged.log_time);
                if !known {
                    opinions.insert((&event.source, &event.id), seen);
                }
                known
            }
        };
        judged.log_time = judged.log_time.max(event.time);
        if !known {
            count(&mut judged, event);
        }
    }
    for (subject, case) in
        cases.iter().flat_map(|(subject, cases)| cases.iter().map(move |case| (subject, case)))
    {
        for promise in &PROMISES {
            stand(&mut judged, subject, case, promise, clock.millis());
        }
    }
    judged
}

fn pane(time: i64) -> Time {
    Time::from_millis(time - time.rem_euclid(5 * MINUTE))
}

fn count(judged: &mut Judged, event: &Event) {
    let complaint = event.kind == "feedback.complaint" || event.data["kind"] == "complaint";
    if event.kind == "feedback.complaint" || event.kind == "ticket.opened" {
        let product = event.data["product"].as_str().unwrap_or("unknown").to_owned();
        if let Some(score) = event.data["score"].as_i64() {
            let shared = judged.shared.entry((pane(event.time), "mild")).or_default();
            *shared = (shared.0 + 1, shared.1 + u64::from(score >= 4));
            let scores = judged.scores.entry(product.clone()).or_default();
            *scores = (scores.0 + 1, scores.1 + score);
        }
        let counts = judged.counted.entry((pane(event.time), product)).or_default();
        counts.0 += 1;
        counts.1 += u64::from(complaint);
    }
}

/// Files an event under its case, a new one if the last is long over; `false` if it is there already.
fn file<'a>(cases: &mut Vec<Case<'a>>, event: &'a Event, log_time: i64) -> bool {
    let is_over = |case: &Case<'_>| {
        let last = case.events.iter().map(|event| event.time).max().expect("a case has events");
        let clocks = PROMISES.iter().filter_map(|promise| clock_of(case, promise));
        log_time > last + HORIZON.millis() && clocks.into_iter().all(|clock| clock.ended.is_some())
    };
    if cases.last().is_none_or(is_over) {
        cases.push(Case { first_seen: log_time.max(event.time), events: Vec::new() });
    }
    let case = cases.last_mut().expect("there is one now");
    let same = |known: &&Event| known.id == event.id && known.source == event.source;
    let is_new = !case.events.iter().any(same);
    if is_new {
        case.events.push(event);
    }
    is_new
}

/// How a promise went for a case.
struct Clock<'a> {
    start: &'a Event,
    /// When it stopped or was cancelled.
    ended: Option<i64>,
    is_stopped: bool,
    paused_since: Option<i64>,
    pauses: Vec<(i64, i64)>,
    /// A length of the promise's own time, or an instant.
    goal: Option<Result<i64, i64>>,
}

fn clock_of<'a>(case: &Case<'a>, promise: &Promise) -> Option<Clock<'a>> {
    let mut events = case.events.clone();
    events.sort_by(|a, b| (a.time, &a.source, &a.id).cmp(&(b.time, &b.source, &b.id)));
    let instants: BTreeSet<i64> = events.iter().map(|event| event.time).collect();
    let mut values: BTreeMap<&str, &str> = BTreeMap::new();
    let mut clock: Option<Clock<'a>> = None;
    let mut met: BTreeSet<&str> = BTreeSet::new();
    for at in instants {
        let now: Vec<&'a Event> = events.iter().copied().filter(|event| event.time == at).collect();
        for (name, value) in now.iter().filter_map(|event| event.data.as_object()).flatten() {
            values.insert(name, value.as_str().expect("a text"));
        }
        if let Some(clock) = clock.as_mut().filter(|clock| clock.ended.is_none()) {
            clock.goal = goal(promise, clock.start.time, &values, clock.goal, at);
        }
        let of = |kind: &'a str| now.iter().copied().filter(move |event| event.kind == kind);
        for start in of("ticket.opened") {
            if clock.is_none() && (!promise.complaints_only || values.get("kind") == Some(&"complaint")) {
                let goal = goal(promise, at, &values, None, at);
                clock = Some(Clock {
                    start,
                    ended: None,
                    is_stopped: false,
                    paused_since: None,
                    pauses: Vec::new(),
                    goal,
                });
            }
        }
        let Some(clock) = clock.as_mut().filter(|clock| clock.ended.is_none()) else { continue };
        // A pause that ends when it begins is none.
        let (pauses, resumes) = (of("ticket.paused").count(), of("ticket.resumed").count());
        let paused = pauses + usize::from(clock.paused_since.is_some()) > resumes;
        if promise.pauses && resumes > 0 {
            clock.pauses.extend(clock.paused_since.take().map(|since| (since, at)));
        }
        met.extend(now.iter().map(|event| event.kind.as_str()).filter(|kind| promise.stops.contains(kind)));
        let stopped = promise.stops.iter().all(|stop| met.contains(stop));
        if stopped || promise.cancels && of("ticket.cancelled").next().is_some() {
            (clock.ended, clock.is_stopped) = (Some(at), stopped);
            clock.pauses.extend(clock.paused_since.take().map(|since| (since, at)));
        } else if promise.pauses && paused {
            clock.paused_since = clock.paused_since.or(Some(at));
        }
    }
    clock
}

fn goal(
    promise: &Promise,
    start: i64,
    values: &BTreeMap<&str, &str>,
    before: Option<Result<i64, i64>>,
    at: i64,
) -> Option<Result<i64, i64>> {
    match promise.goal {
        Goal::Hour => Some(Ok(HOUR)),
        Goal::ByPriority => {
            let from_noon = start >= Time::parse("2026-03-06T04:00:00Z").expect("an instant").millis();
            Some(Ok(match (values.get("priority").copied(), from_noon) {
                (Some("P1"), _) => 30 * MINUTE,
                (Some("P2"), true) => HOUR,
                (Some("P2"), false) => 2 * HOUR,
                _ => 6 * HOUR,
            }))
        }
        Goal::Promised => match before {
            // Too late to promise something else.
            Some(Err(promised)) if promised < at => before,
            _ => values.get("promised_by").map(|text| Err(Time::parse(text).expect("an instant").millis())),
        },
        Goal::WorkingDay => {
            let mut day = (start + SHANGHAI).div_euclid(DAY) + 1;
            while !is_working(day) {
                day += 1;
            }
            Some(Err((day + 1) * DAY - SHANGHAI))
        }
    }
}

/// 1970-01-01 was a Thursday.
fn is_working(day: i64) -> bool {
    !matches!((day + 3).rem_euclid(7), 5 | 6)
}

/// The stretches in which a promise's time passes, from `start` on.
fn open(calendar: Open, start: i64) -> Vec<(i64, i64)> {
    let mut stretches = Vec::new();
    let first = (start + SHANGHAI).div_euclid(DAY);
    for day in first..first + FAR / DAY {
        let midnight = day * DAY - SHANGHAI;
        let hours: &[(i64, i64)] = match calendar {
            Open::Always => &[(0, 24)],
            Open::Weekdays if is_working(day) => &[(0, 24)],
            Open::Office if is_working(day) => &[(9, 12), (13, 18)],
            Open::Weekdays | Open::Office => &[],
        };
        stretches.extend(hours.iter().map(|(from, to)| (midnight + from * HOUR, midnight + to * HOUR)));
    }
    stretches.into_iter().map(|(from, to)| (from.max(start), to)).filter(|(from, to)| from < to).collect()
}

/// The open stretches without the pauses.
fn running(promise: &Promise, clock: &Clock<'_>) -> Vec<(i64, i64)> {
    let mut left = open(promise.open, clock.start.time);
    let endless = clock.paused_since.map(|since| (since, i64::MAX));
    for (from, to) in clock.pauses.iter().copied().chain(endless) {
        let without = |(open, close): (i64, i64)| [(open, close.min(from)), (open.max(to), close)];
        left = left.into_iter().flat_map(without).filter(|(open, close)| open < close).collect();
    }
    left
}

fn elapsed(running: &[(i64, i64)], to: i64) -> i64 {
    running.iter().map(|(open, close)| (to.min(*close) - open).max(0)).sum()
}

/// The first instant at which so much has passed.
fn reached(running: &[(i64, i64)], start: i64, amount: i64) -> Option<i64> {
    let mut left = amount;
    if left == 0 {
        return Some(start);
    }
    for (open, close) in running {
        if close - open >= left {
            return Some(open + left);
        }
        left -= close - open;
    }
    None
}

/// Adds the alerts that stand for one promise of one case.
fn stand(judged: &mut Judged, subject: &str, case: &Case<'_>, promise: &Promise, now: i64) {
    let Some(clock) = clock_of(case, promise) else { return };
    let Some(goal) = clock.goal else { return };
    let (start, running) = (clock.start.time, running(promise, &clock));
    // An end that lies ahead of the clock is known, but has not come.
    let end = clock.ended.unwrap_or(now).min(now);
    let due_at = |share: f64, end: i64| -> Option<(i64, bool)> {
        match goal {
            Ok(span) => {
                let amount = (span as f64 * share).floor() as i64;
                let due = reached(&running, start, amount)?;
                Some((due, elapsed(&running, end) > amount))
            }
            Err(instant) if share >= 1.0 => Some((instant, end > instant)),
            Err(instant) => {
                let whole = elapsed(&open(promise.open, start), instant);
                let amount = (whole as f64 * share).floor() as i64;
                let due = (whole > 0).then(|| reached(&running, start, amount))??;
                Some((due, elapsed(&running, end) > amount))
            }
        }
    };
    let stands = |share: f64| {
        due_at(share, end).is_some_and(|(due, over)| {
            let settled = if due < case.first_seen { case.first_seen + promise.settle } else { i64::MIN };
            over && now > due + promise.grace && now > settled
        })
    };
    let due = due_at(1.0, end).map(|(due, _)| due);
    let broken = stands(1.0);
    if promise.name == "answer" {
        let stopped = clock.ended.filter(|_| clock.is_stopped);
        let kept = stopped.filter(|stopped| !due_at(1.0, *stopped).is_some_and(|(_, over)| over));
        if let Some(at) = kept.or(due.filter(|_| broken)) {
            let shared = judged.shared.entry((pane(at), "answers")).or_default();
            *shared = (shared.0 + 1, shared.1 + u64::from(kept.is_some()));
        }
    }
    let late = clock.ended.and_then(|ended| {
        let (due, _) = due_at(1.0, ended).filter(|(_, over)| *over)?;
        let used = elapsed(&running, ended) - elapsed(&running, due);
        let is_instant = promise.goal == Goal::Promised;
        Some(if is_instant || used == 0 { ended - due } else { used })
    });
    for share in promise.warnings.iter().copied().chain([1.0]).filter(|share| stands(*share)) {
        let Event { source, id, .. } = clock.start;
        let thousandths = (share * 1_000.0).round() as i64;
        let key = (promise.name.to_owned(), subject.to_owned(), source.clone(), id.clone(), thousandths);
        let said = Stands {
            open: clock.ended.is_none() && !(broken && share < 1.0),
            due: due.map(Time::from_millis),
            stopped: clock.ended.map(Time::from_millis),
            late_ms: late,
            product: product(case),
        };
        if let (true, Some(due)) = (share >= 1.0, due) {
            judged.counted.entry((pane(due), said.product.clone())).or_default().2 += 1;
        }
        judged.standing.insert(key, said);
    }
}

/// What the case is about, by the latest event that says so.
fn product(case: &Case<'_>) -> String {
    let named = case.events.iter().filter(|event| event.data.get("product").is_some());
    let latest = named.max_by(|a, b| (a.time, &a.source, &a.id).cmp(&(b.time, &b.source, &b.id)));
    latest.and_then(|event| event.data["product"].as_str()).unwrap_or("unknown").to_owned()
}
