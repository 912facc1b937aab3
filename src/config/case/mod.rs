//! Which case was written down? The case format, JSON, as `watchbell due` reads it: one case, or `{"vectors": […]}`.
//!
//! ```text
//!   {"id": "one", "kind": "due", "goal_minutes": 120,
//!    "calendar": {"tz": "Europe/Berlin", "hours": {"mon": [["09:00", "18:00"]]}, "holidays": []},
//!    "events": [{"type": "start", "at": "2013-03-21T09:30:00Z"}]}
//! ```
//!
//! Members that describe a case, or say what is expected of it, are known and not looked at; any other that is not known
//! is an error with its place.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::civil::Date;
use serde::Deserialize;
use serde::de::IgnoredAny;

use super::calendar::minute;
use super::read::Problems;
use crate::calendar::{Calendar, Hours, Spec};
use crate::sla::due::{Case, Change, Goal, Offset, Step};
use crate::sla::terms::{Boundary, Landing};
use crate::time::{Span, Time};

mod schema;

pub use schema::schema;

/// A case with its name.
pub struct Named {
    /// Its `id`.
    pub id: String,
    /// The case.
    pub case: Case,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "members that describe a file or a case are known, and not looked at")]
struct Vectors {
    vectors: Vec<Vector>,
    schema_version: Option<IgnoredAny>,
    generated: Option<IgnoredAny>,
    conventions: Option<IgnoredAny>,
    tie_rules: Option<IgnoredAny>,
    service_level_vectors: Option<IgnoredAny>,
    queue_model_vectors: Option<IgnoredAny>,
    survey_vectors: Option<IgnoredAny>,
    event_parse_vectors: Option<IgnoredAny>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "members that describe a file or a case are known, and not looked at")]
struct Vector {
    id: String,
    kind: Kind,
    calendar: Opening,
    events: Vec<Happened>,
    goal_minutes: Option<f64>,
    goal_seconds: Option<f64>,
    goal_business_days: Option<i64>,
    #[serde(default)]
    end_of_day: bool,
    normalise: Option<Normalise>,
    boundary: Option<Bound>,
    goal_before: Option<f64>,
    retroactive_start: Option<bool>,
    retroactive_pause: Option<bool>,
    escalation: Option<Escalation>,
    source: Option<IgnoredAny>,
    asserted: Option<IgnoredAny>,
    tags: Option<IgnoredAny>,
    metric: Option<IgnoredAny>,
    notes: Option<IgnoredAny>,
    source_reported: Option<IgnoredAny>,
    due_before: Option<IgnoredAny>,
    expected_due: Option<IgnoredAny>,
    expected_elapsed_seconds: Option<IgnoredAny>,
    expected_actual_seconds: Option<IgnoredAny>,
    expected_late_business_seconds: Option<IgnoredAny>,
    expected_hold_business_seconds: Option<IgnoredAny>,
    expected_breach: Option<IgnoredAny>,
}

#[derive(Clone, Copy, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
enum Kind {
    Due,
    DueDays,
    Elapsed,
    PolicyChange,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Normalise {
    NextOpen,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Bound {
    IntervalEnd,
    NextOpen,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "what is expected is known, and not looked at")]
struct Escalation {
    offset_seconds: Option<f64>,
    offset_business_days: Option<i64>,
    expected_at: Option<IgnoredAny>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Happened {
    #[serde(rename = "type")]
    kind: Happening,
    #[serde(with = "crate::time::rfc3339")]
    at: Time,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Happening {
    Start,
    Pause,
    Resume,
    Stop,
    Evaluate,
    PriorityChange,
    PolicyChange,
}

#[derive(Clone, Deserialize, PartialEq, Eq, PartialOrd, Ord)]
#[serde(deny_unknown_fields)]
struct Opening {
    tz: String,
    #[serde(default)]
    always_open: bool,
    #[serde(default)]
    hours: Weekly,
    #[serde(default)]
    holidays: Vec<Date>,
    #[serde(default)]
    date_overrides: BTreeMap<Date, Vec<Window>>,
    #[serde(default)]
    breaks: BTreeMap<Date, Vec<Window>>,
}

#[derive(Clone, Default, Deserialize, PartialEq, Eq, PartialOrd, Ord)]
#[serde(default, deny_unknown_fields)]
struct Weekly {
    mon: Vec<Window>,
    tue: Vec<Window>,
    wed: Vec<Window>,
    thu: Vec<Window>,
    fri: Vec<Window>,
    sat: Vec<Window>,
    sun: Vec<Window>,
}

/// `["09:00", "18:00"]`; midnight at the end is `24:00`.
#[derive(Clone, Copy, Deserialize, PartialEq, Eq, PartialOrd, Ord)]
#[serde(try_from = "(String, String)")]
struct Window(u16, u16);

impl TryFrom<(String, String)> for Window {
    type Error = String;

    fn try_from((open, close): (String, String)) -> Result<Window, String> {
        match (minute(&open), minute(&close)) {
            (Some(from), Some(to)) if from < to => Ok(Window(from, to)),
            _ => Err(format!(
                "`{open}` to `{close}` is no window of a day: write [\"09:00\", \"18:00\"], midnight at the end as 24:00"
            )),
        }
    }
}

/// Reads a case, or many. All problems are told at once, each with its place.
pub fn read(file: &str, text: &str) -> Result<Vec<Named>, Problems> {
    let whole: serde_json::Value = serde_json::from_str(text).map_err(|error| {
        Problems::of_file(file, format!("is not JSON: {error}"), "write one case, or {\"vectors\": […]}")
    })?;
    let (vectors, many) = match whole.get("vectors") {
        Some(_) => (typed::<Vectors>(file, &whole)?.vectors, true),
        None => (vec![typed::<Vector>(file, &whole)?], false),
    };
    let mut laid_out: BTreeMap<Opening, Arc<Calendar>> = BTreeMap::new();
    let (mut cases, mut problems) = (Vec::new(), Vec::new());
    for (n, vector) in vectors.into_iter().enumerate() {
        let place = if many { format!("vectors[{n}] (`{}`)", vector.id) } else { format!("`{}`", vector.id) };
        match case(&vector, &mut laid_out) {
            Ok(case) => cases.push(Named { id: vector.id, case }),
            Err((what, remedy)) => {
                problems.extend(Problems::of_file(file, format!("{place}: {what}"), remedy).0)
            }
        }
    }
    if problems.is_empty() { Ok(cases) } else { Err(Problems(problems)) }
}

fn typed<'a, T: Deserialize<'a>>(file: &str, value: &'a serde_json::Value) -> Result<T, Problems> {
    serde_path_to_error::deserialize(value).map_err(|error| {
        let what = format!("{}: {}", error.path(), error.inner());
        Problems::of_file(file, what, "see the case format, docs/cases.md")
    })
}

type Wrong = (String, &'static str);

fn case(vector: &Vector, laid_out: &mut BTreeMap<Opening, Arc<Calendar>>) -> Result<Case, Wrong> {
    let calendar = match laid_out.get(&vector.calendar) {
        Some(calendar) => calendar.clone(),
        None => {
            let calendar = Arc::new(lay_out(&vector.calendar)?);
            laid_out.insert(vector.calendar.clone(), calendar.clone());
            calendar
        }
    };
    let events: Vec<(Time, Step)> = vector.events.iter().map(|event| (event.at, step(event.kind))).collect();
    if let Some((at, _)) = events.iter().find(|(at, _)| !at.in_range()) {
        return Err((format!("an event at {at}"), "write instants from 1970 to 2099"));
    }
    if !events.iter().any(|(_, step)| *step == Step::Start) {
        return Err(("no event starts the clock".into(), "add {\"type\": \"start\", \"at\": …}"));
    }
    Ok(Case {
        calendar,
        events,
        goal: goal(vector)?,
        goal_before: vector.goal_before.map(|minutes| Ok(Goal::Open(span(minutes * 60.0)?))).transpose()?,
        boundary: match vector.boundary {
            Some(Bound::NextOpen) => Boundary::NextOpen,
            Some(Bound::IntervalEnd) | None => Boundary::IntervalEnd,
        },
        change: Change {
            from_start: vector.retroactive_start.unwrap_or(true),
            with_pauses: vector.retroactive_pause.unwrap_or(true),
        },
        warning: vector.escalation.as_ref().map(offset).transpose()?,
    })
}

fn goal(vector: &Vector) -> Result<Option<Goal>, Wrong> {
    let seconds = vector.goal_seconds.or(vector.goal_minutes.map(|minutes| minutes * 60.0));
    let landing = match (vector.end_of_day, vector.normalise) {
        (true, _) => Landing::Closing,
        (false, Some(Normalise::NextOpen)) => Landing::NextOpen,
        (false, None) => Landing::SameTime,
    };
    match (vector.goal_business_days, seconds) {
        (Some(_), Some(_)) => {
            Err(("two goals".into(), "give goal_business_days, or goal_minutes or goal_seconds"))
        }
        (Some(days), None) if days.unsigned_abs() > 100_000 => {
            Err((format!("{days} working days"), "give at most 100,000"))
        }
        (Some(days), None) => Ok(Some(Goal::WorkingDays(days, landing))),
        (None, Some(seconds)) => Ok(Some(Goal::Open(span(seconds)?))),
        (None, None) if vector.kind == Kind::DueDays => {
            Err(("no goal".into(), "give goal_business_days: the kind is due_days"))
        }
        (None, None) => Ok(None),
    }
}

/// Seconds, of which fractions below the millisecond are rounded off.
fn span(seconds: f64) -> Result<Span, Wrong> {
    const MOST: f64 = 130.0 * 366.0 * 86_400.0;
    if !(0.0..=MOST).contains(&seconds) {
        return Err((format!("a goal of {seconds} s"), "give a length from nothing to 130 years"));
    }
    Ok(Span::from_millis((seconds * 1_000.0).round() as i64))
}

fn offset(escalation: &Escalation) -> Result<Offset, Wrong> {
    match (escalation.offset_seconds, escalation.offset_business_days) {
        (Some(seconds), None) if seconds < 0.0 => Ok(Offset::Open(Span::ZERO - span(-seconds)?)),
        (Some(seconds), None) => Ok(Offset::Open(span(seconds)?)),
        (None, Some(days)) => Ok(Offset::WorkingDays(days)),
        _ => Err(("an escalation".into(), "give it either offset_seconds or offset_business_days")),
    }
}

fn step(kind: Happening) -> Step {
    match kind {
        Happening::Start => Step::Start,
        Happening::Pause => Step::Pause,
        Happening::Resume => Step::Resume,
        Happening::Stop => Step::Stop,
        Happening::Evaluate => Step::Evaluate,
        Happening::PriorityChange | Happening::PolicyChange => Step::Change,
    }
}

fn lay_out(opening: &Opening) -> Result<Calendar, Wrong> {
    if opening.always_open {
        return Ok(Calendar::always());
    }
    let Weekly { mon, tue, wed, thu, fri, sat, sun } = &opening.hours;
    let weekly = [mon, tue, wed, thu, fri, sat, sun].map(|windows| hours(windows));
    let overrides = opening.date_overrides.iter().map(|(date, windows)| (*date, hours(windows)));
    // A holiday is closed, whatever else is said of its date.
    let holidays = opening.holidays.iter().map(|date| (*date, Hours::new()));
    let breaks = opening.breaks.iter().map(|(date, windows)| (*date, hours(windows))).collect();
    let (zone, dates) = (opening.tz.clone(), overrides.chain(holidays).collect());
    let spec = Spec { name: zone.clone(), zone, weekly, dates, breaks, holiday_years: None };
    Calendar::compile(&spec).map_err(|error| (format!("its calendar: {error}"), "correct the calendar"))
}

fn hours(windows: &[Window]) -> Hours {
    windows.iter().map(|Window(open, close)| (*open, *close)).collect()
}
