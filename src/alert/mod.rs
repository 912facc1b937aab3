//! Must a person know, and what do we say? Alerts, their identity, and the difference between what stands and what
//! was said.
//!
//! An alert's [`AlertId`] is a hash of what it is about, never of when it was noticed, when it is due or which
//! version of a policy spoke: those lie in the body and may be amended. What *stands* is computed from the state, what
//! was *said* is the fold of the changes written so far, and every [`Change`] is the difference of the two; so an
//! abort, a doubt and a restart all share one path: compute the difference again.
//!
//! ```text
//!           raised ──► amended* ──► resolved          resolved: it is over, and stays on the record
//!             │           │             │ amended     (a late event opens it again)
//!             └───────────┴─────────────┴──► retracted: it did not happen; may be raised anew
//! ```

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use xxhash_rust::xxh3::Xxh3;

use crate::crisis::Crisis;
use crate::detect::Signal;
use crate::names::{Severity, Text};
use crate::sla::objective::Shortfall;
use crate::time::{Time, rfc3339};
use crate::window::{Cell, Stamp};

mod text;

pub use text::summary;

/// What an alert is about, as a stable 128-bit hash; written as 32 hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AlertId(u128);

impl AlertId {
    /// The identity made of these parts, in this order. The parts are told apart by their lengths.
    pub fn of(parts: &[&[u8]]) -> AlertId {
        let mut hasher = Xxh3::new();
        for part in parts {
            hasher.update(&(part.len() as u64).to_le_bytes());
            hasher.update(part);
        }
        AlertId(hasher.digest128())
    }
}

impl fmt::Display for AlertId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

impl fmt::Debug for AlertId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for AlertId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for AlertId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<AlertId, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        u128::from_str_radix(&text, 16).map(AlertId).map_err(serde::de::Error::custom)
    }
}

/// Whether what an alert tells of is still going on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// It is going on.
    Open,
    /// It is over.
    Resolved,
}

/// Something a person must know.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Alert {
    /// Its identity.
    pub id: AlertId,
    /// Whether it is still going on.
    pub status: Status,
    /// What it is about.
    #[serde(flatten)]
    pub about: About,
}

/// What an alert is about. An alert is handed on from what stands to what is written, said, stored and shown: what it
/// is about lies beside it, and is not copied.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum About {
    /// A share of a goal is used up, and the promise is still open.
    Warning(Arc<Promise>),
    /// A promise is broken.
    Breach(Arc<Promise>),
    /// A detector found something in a series.
    Signal(Box<Signal>),
    /// Signals and breaches that belong together.
    Crisis(Box<Crisis>),
    /// A share that was promised over many cases is missed.
    Objective(Box<Shortfall>),
}

impl About {
    /// Its kind, as it is written.
    pub fn kind(&self) -> &'static str {
        match self {
            About::Warning(_) => "warning",
            About::Breach(_) => "breach",
            About::Signal(_) => "signal",
            About::Crisis(_) => "crisis",
            About::Objective(_) => "objective",
        }
    }
}

/// The kinds of alerts.
pub const KINDS: [&str; 5] = ["warning", "breach", "signal", "crisis", "objective"];

/// One promise to one customer that is in danger or broken.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Promise {
    /// The commitment's name.
    pub commitment: Arc<str>,
    /// What was promised, for people.
    pub title: Arc<Text>,
    /// The ticket or call.
    pub subject: Arc<str>,
    /// The event that started the clock.
    pub start_event: StartEvent,
    /// The share of the goal, of a warning; 1 for a breach, and for a warning at an offset from due.
    pub threshold: f64,
    /// How far before (less than nothing) or after due a warning is, in the clock's own time; of a warning at a share of the
    /// goal, and of a breach, there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub offset_seconds: Option<f64>,
    /// How bad it is.
    #[serde(default, skip_serializing_if = "Severity::is_minor")]
    pub severity: Severity,
    /// The role that answers for it; empty if none is named.
    #[serde(default, skip_serializing_if = "str::is_empty")]
    pub owner: Arc<str>,
    /// When the clock started.
    #[serde(with = "rfc3339")]
    pub started: Time,
    /// When the goal was, or will be, used up; `null` while the clock is paused before that.
    #[serde(with = "rfc3339::option")]
    pub due: Option<Time>,
    /// When the clock stopped.
    #[serde(with = "rfc3339::option")]
    pub stopped: Option<Time>,
    /// How much over the goal, in the clock's own time; known when the clock stopped.
    pub late_seconds: Option<f64>,
    /// Who is affected.
    #[serde(flatten)]
    pub cell: Cell,
}

/// The event that started a clock.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StartEvent {
    /// Its `source`.
    pub source: Arc<str>,
    /// Its `id`.
    pub id: Arc<str>,
}

/// What a change does to an alert.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// It was not there before.
    Raised,
    /// By how much, when, or to whom is different now.
    Amended,
    /// It is over.
    Resolved,
    /// It did not happen.
    Retracted,
}

impl Action {
    /// All of them.
    pub const ALL: [Action; 4] = [Action::Raised, Action::Amended, Action::Resolved, Action::Retracted];

    /// As it is written.
    pub fn name(self) -> &'static str {
        match self {
            Action::Raised => "raised",
            Action::Amended => "amended",
            Action::Resolved => "resolved",
            Action::Retracted => "retracted",
        }
    }
}

/// One step in the life of an alert.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Change {
    /// What happens to it.
    pub action: Action,
    /// The alert as it is from now on; of a retracted one, as it was.
    #[serde(flatten)]
    pub alert: Alert,
}

/// A change as it is written: with the cut it belongs to, and thereby "seen everything up to here".
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// The change.
    #[serde(flatten)]
    pub change: Change,
    /// The input partition it comes from; one more than the last for the aggregate's.
    pub log: u32,
    /// The offset of the first record not read.
    pub next_offset: u64,
    /// The partition clock.
    #[serde(with = "rfc3339")]
    pub clock: Time,
}

impl Record {
    /// A change at a cut.
    pub fn new(change: Change, log: u32, stamp: Stamp) -> Record {
        Record { change, log, next_offset: stamp.next_offset, clock: stamp.clock }
    }
}

/// The alerts that stand, or those that were said, by identity.
pub type Alerts = BTreeMap<AlertId, Alert>;

/// What must be said so that what was said equals what stands: both by identity, and so is the answer.
pub fn difference<'a>(
    said: impl IntoIterator<Item = &'a Alert>,
    standing: impl IntoIterator<Item = &'a Alert>,
) -> Vec<Change> {
    let mut said = said.into_iter().peekable();
    let mut changes = Vec::new();
    let retract = |alert: &Alert| Change { action: Action::Retracted, alert: alert.clone() };
    for alert in standing {
        while let Some(gone) = said.next_if(|before| before.id < alert.id) {
            changes.push(retract(gone));
        }
        let action = match said.next_if(|before| before.id == alert.id) {
            None => Action::Raised,
            Some(before) if before == alert => continue,
            Some(before) if before.status == Status::Open && alert.status == Status::Resolved => {
                Action::Resolved
            }
            Some(_) => Action::Amended,
        };
        changes.push(Change { action, alert: alert.clone() });
    }
    changes.extend(said.map(retract));
    changes
}

/// Folds a change into what was said.
pub fn say(said: &mut Alerts, change: &Change) {
    match change.action {
        Action::Retracted => drop(said.remove(&change.alert.id)),
        Action::Raised | Action::Amended | Action::Resolved => {
            said.insert(change.alert.id, change.alert.clone());
        }
    }
}
