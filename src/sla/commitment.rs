//! What is one promise? A commitment as data: who it is for, what starts and ends its clock, how long that may take.

use std::sync::Arc;

use super::terms::{Convention, Extension, Mark};
use crate::calendar::Calendar;
use crate::event::{Event, Value};
use crate::names::{Severity, Text};
use crate::time::{Span, Time};

/// Parts that an "all of" stop may have.
pub const STOP_PARTS_MAX: usize = 8;

/// A promise as configured. One version of it: clocks that start in `effective_from..effective_until` follow it.
#[derive(Clone, Debug)]
pub struct Commitment {
    /// Its name; versions share it, and alerts carry it.
    pub name: Arc<str>,
    /// What is promised, for people.
    pub title: Arc<Text>,
    /// Where the promise comes from, for instance a clause of a guide.
    pub clause: String,
    /// The first instant at which a clock may start under this version.
    pub effective_from: Time,
    /// The first instant at which a later version takes over; [`Time::NEVER`] for the newest.
    pub effective_until: Time,
    /// The cases it is about: every test must hold for the case's attributes at the start event. Empty: all.
    pub scope: Vec<Test>,
    /// Events that start the clock: any of them.
    pub start: Vec<Condition>,
    /// Events that stop it.
    pub stop: Stop,
    /// Events that pause it: any of them.
    pub pause: Vec<Condition>,
    /// Events that end a pause: any of them.
    pub resume: Vec<Condition>,
    /// Events that take the promise back: any of them. What was broken before stays broken.
    pub cancel: Vec<Condition>,
    /// Events that end the clock, as cancelled, and start another at once: any of them.
    pub reset: Vec<Condition>,
    /// Events that reopen what was stopped: any of them. What they do is [`Convention::reopen`].
    pub reopen: Vec<Condition>,
    /// Events that give the clock more time.
    pub extension: Option<Extension>,
    /// Whether a start event starts another clock when the one before has ended.
    pub repeats: bool,
    /// The attribute by which each has a clock of its own, such as the group that a case is assigned to: a start event
    /// with another value stops the clock and starts the next.
    pub per: Option<String>,
    /// Of the commitments with the same name here, a case gets the first whose scope it is in.
    pub first_of: Option<Arc<str>>,
    /// How long it may take.
    pub goal: Goal,
    /// The calendar in whose open time the clock runs.
    pub calendar: Arc<Calendar>,
    /// What systems do differently.
    pub convention: Convention,
    /// Where people are told before and after it is broken, in no particular order, without [`Mark::DUE`].
    pub warnings: Vec<Mark>,
    /// How bad it is when it is broken.
    pub severity: Severity,
    /// The role that answers for it; empty if none is named.
    pub owner: Arc<str>,
    /// How long after a due instant an alert waits for late events.
    pub grace: Span,
    /// How long a case waits that is already past due when first seen, counted in log time.
    pub settle: Span,
    /// A pause that begins within so long of the end of the one before is counted as parked; `None`: none is.
    pub parked_within: Option<Span>,
}

impl Commitment {
    /// The barest promise: from one event to another, at every hour of every day. Everything else is set on it.
    pub fn new(name: &str, start: Vec<Condition>, stop: Stop, goal: Goal) -> Commitment {
        Commitment {
            name: name.into(),
            title: Arc::default(),
            clause: String::new(),
            effective_from: Time::MIN,
            effective_until: Time::NEVER,
            scope: Vec::new(),
            start,
            stop,
            pause: Vec::new(),
            resume: Vec::new(),
            cancel: Vec::new(),
            reset: Vec::new(),
            reopen: Vec::new(),
            extension: None,
            repeats: false,
            per: None,
            first_of: None,
            goal,
            calendar: Arc::new(Calendar::always()),
            convention: Convention::OWN,
            warnings: Vec::new(),
            severity: Severity::Minor,
            owner: Arc::default(),
            grace: Span::ZERO,
            settle: Span::from_minutes(1),
            parked_within: None,
        }
    }
}

/// How a clock is stopped.
#[derive(Clone, Debug)]
pub enum Stop {
    /// By the first event that meets one of these.
    Any(Vec<Condition>),
    /// When each of these was met once since the start; at most [`STOP_PARTS_MAX`].
    All(Vec<Condition>),
}

/// An event of a type, whose attributes pass every test.
#[derive(Clone, Debug, PartialEq)]
pub struct Condition {
    /// The event's type.
    pub kind: String,
    /// Tests on the event's own attributes.
    pub tests: Vec<Test>,
}

/// A test on an attribute.
#[derive(Clone, Debug, PartialEq)]
pub struct Test {
    /// The attribute's name.
    pub attribute: String,
    /// The texts it may have; empty: it must be there, whatever it says.
    pub one_of: Vec<String>,
    /// Whether these are the texts that it may *not* have. It must be there all the same.
    pub is_not: bool,
}

/// How long something may take.
#[derive(Clone, Debug, PartialEq)]
pub enum Goal {
    /// The same for every case.
    Limit(Limit),
    /// Looked up by an attribute of the case, as it stands when the clock is judged.
    Table {
        /// The attribute.
        attribute: String,
        /// Value and limit.
        rows: Vec<(String, Limit)>,
        /// For values that have no row; `None`: no promise for them.
        otherwise: Option<Limit>,
    },
    /// The instant that stands in an attribute of the case: RFC 3339. Moving it counts only while it is not past.
    At {
        /// The attribute.
        attribute: String,
    },
}

/// A length of the clock's own time.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Limit {
    /// Open time of the calendar.
    Duration(Span),
    /// To the end of the n-th working day; the start day is not counted.
    WorkingDays(u32),
    /// To the end of the n-th day of the calendar's zone; the start day is not counted.
    CalendarDays(u32),
}

impl Test {
    /// Whether an event passes.
    pub fn holds(&self, event: &Event<'_>) -> bool {
        event.attributes.get(&self.attribute).is_some_and(|value| self.accepts(value))
    }

    fn accepts(&self, value: &Value<'_>) -> bool {
        self.one_of.is_empty() || self.one_of.iter().any(|text| *text == value.text()) != self.is_not
    }
}

impl Condition {
    /// Whether an event meets it.
    pub fn holds(&self, event: &Event<'_>) -> bool {
        self.kind == event.kind && self.tests.iter().all(|test| test.holds(event))
    }
}
