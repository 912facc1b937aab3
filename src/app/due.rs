//! Works out cases that were written down: text in, an answer for each.

use serde::Serialize;

use crate::config::case::{self, Named};
use crate::config::read::Problems;
use crate::sla::due::{Answer, Case, work_out};
use crate::time::{Span, Time};

/// A case with its answer.
pub struct Worked {
    /// Its `id`.
    pub id: String,
    /// What was asked.
    pub case: Case,
    /// What came out.
    pub answer: Answer,
}

/// An answer as JSON: what does not apply to the case is not there. Instants carry the calendar's offset.
#[derive(Debug, Serialize)]
pub struct Written {
    /// The case's `id`.
    pub id: String,
    /// When the goal is used up.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub due: Option<String>,
    /// The time used up to the stop, in seconds of the clock's own time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub elapsed_seconds: Option<serde_json::Number>,
    /// The time between start and stop on the wall, in seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub actual_seconds: Option<serde_json::Number>,
    /// How much of the time used was over the goal, in seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub late_business_seconds: Option<serde_json::Number>,
    /// The open time that pauses took, in seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hold_business_seconds: Option<serde_json::Number>,
    /// Whether the goal was exceeded.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub breached: Option<bool>,
    /// When the goal was used up before it changed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub due_before: Option<String>,
    /// When somebody is to be told.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<String>,
}

/// Works out the cases of a text. `file` names it in errors.
pub fn run(file: &str, text: &str) -> Result<Vec<Worked>, Problems> {
    let worked = |Named { id, case }: Named| match work_out(&case) {
        Some(answer) => Ok(Worked { id, case, answer }),
        None => Err(Problems::of_file(file, format!("`{id}`: the clock never starts"), "add a start event")),
    };
    case::read(file, text)?.into_iter().map(worked).collect()
}

impl Worked {
    /// An instant as the case's own clocks show it.
    pub fn local(&self, at: Time) -> String {
        self.case.calendar.local(at)
    }

    /// The answer as JSON.
    pub fn written(&self) -> Written {
        let Answer { due, due_before, elapsed, actual, late, hold, breached, warning, .. } = &self.answer;
        let local = |at: &Option<Time>| at.map(|at| self.local(at));
        let seconds = |span: &Option<Span>| span.map(number);
        Written {
            id: self.id.clone(),
            due: local(due),
            elapsed_seconds: seconds(elapsed),
            actual_seconds: seconds(actual),
            late_business_seconds: seconds(late),
            hold_business_seconds: seconds(hold),
            breached: *breached,
            due_before: local(due_before),
            warnings: local(warning).into_iter().collect(),
        }
    }
}

/// Seconds: a whole number where they are.
fn number(span: Span) -> serde_json::Number {
    let ms = span.millis();
    if ms % 1_000 == 0 {
        (ms / 1_000).into()
    } else {
        serde_json::Number::from_f64(span.seconds()).unwrap_or(0.into())
    }
}
