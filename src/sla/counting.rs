//! What is counted beside the clocks? Events for reports, for series and for objectives.

use std::sync::Arc;

use super::commitment::Condition;
use super::objective::Objective;
use crate::event::Event;
use crate::names::Text;

/// Events that a report counts beside the promises, for instance calls that never waited.
#[derive(Clone, Debug, PartialEq)]
pub struct Tally {
    /// Its name.
    pub name: String,
    /// What is counted, for people.
    pub title: Text,
    /// The events: any of these.
    pub on: Vec<Condition>,
}

/// What is counted into panes.
#[derive(Clone, Debug, Default)]
pub struct Counting {
    /// Events that show that a series is alive.
    pub activity: Vec<Condition>,
    /// Events that are complaints.
    pub complaints: Vec<Condition>,
    /// The attribute that holds a satisfaction score, on events that count as activity.
    pub score: Option<String>,
}

/// The conditions under which events of one type are counted: as complaints, as activity, for objectives.
#[derive(Debug, Default)]
pub struct Counted {
    pub(super) complaints: Vec<Condition>,
    pub(super) activity: Vec<Condition>,
    /// The objectives that may count them, with what those are kept under.
    pub(super) objectives: Vec<(u64, Arc<Objective>)>,
}

impl Counted {
    /// Whether an event is counted into series, and as a complaint (`Some(true)`) or as activity only.
    pub fn as_complaint(&self, event: &Event<'_>) -> Option<bool> {
        let holds = |conditions: &[Condition]| conditions.iter().any(|condition| condition.holds(event));
        match holds(&self.complaints) {
            true => Some(true),
            false => holds(&self.activity).then_some(false),
        }
    }

    /// The objectives that count an event: what each is kept under, and whether it is a good one.
    pub fn shares<'p>(&'p self, event: &'p Event<'_>) -> impl Iterator<Item = (u64, bool)> + 'p {
        self.objectives.iter().filter_map(|(id, objective)| Some((*id, objective.counts(event)?)))
    }
}
