//! What does it look like from outside? Pictures of the engine, swapped in whole for readers that come and go.
//!
//! Each worker hangs a picture of each of its logs, and the aggregate one of itself, about once a second. A face takes
//! what hangs there; it never asks a worker, and never keeps one waiting. Everything cumulative counts since the
//! process took the log over.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Serialize;

use crate::alert::{Alert, Record};
use crate::detect::{Dimension, Measure, Point, Series, Signal};
use crate::names::Text;
use crate::sla::explain::Explanation;
use crate::sla::objective::{Operator, Standing};
use crate::time::{Time, rfc3339};
use crate::window::{Cell, Scores};

/// Where pictures hang, for faces.
pub trait Pictures: Send + Sync {
    /// Everything, as of now.
    fn picture(&self) -> Picture;

    /// How many changes of alerts were written so far, by kind and action.
    fn said(&self) -> BTreeMap<(&'static str, &'static str), u64>;

    /// By how many seconds the wall is away from where the monotonic clock says it must be; 0 while it runs evenly.
    fn wall_jump_seconds(&self) -> f64;

    /// For how many seconds the brokers have not answered; 0 while they do.
    fn unanswered_seconds(&self) -> f64;

    /// The dimensions whose values may be labels, in the order of [`LabelledCounts::labels`].
    fn labels(&self) -> &[Dimension];

    /// The name of a commitment by its place in the policy.
    fn commitment(&self, place: u16) -> Option<Arc<str>>;

    /// How the clocks of a subject come to their verdicts. Waits for the workers.
    fn explain(&self, subject: &str) -> Vec<Explanation>;
}

/// Everything, as of now.
#[derive(Clone, Debug, Serialize)]
pub struct Picture {
    /// The time of the engine: the wall's, or the scaled one of a demonstration.
    #[serde(with = "rfc3339")]
    pub at: Time,
    /// How many seconds of `at` pass in one on the wall; 1 outside demonstrations.
    pub speed: f64,
    /// How it is with the program as a whole: the least good of its logs.
    pub state: State,
    /// The version of the program.
    pub version: &'static str,
    /// The commitments, in the policy's order.
    pub commitments: Vec<CommitmentPicture>,
    /// Open promises, those with the least time left first; at most [`DUE_MAX`].
    pub due: Vec<DuePicture>,
    /// The latest changes of alerts, newest first; at most [`CHANGES_MAX`].
    pub changes: Vec<Record>,
    /// What the aggregate sees; `None` while another instance owns it.
    pub aggregate: Option<AggregatePicture>,
    /// The logs this instance owns, by number.
    pub logs: Vec<LogPicture>,
}

/// How many open promises a picture shows.
pub const DUE_MAX: usize = 50;
/// How many changes a picture shows.
pub const CHANGES_MAX: usize = 100;

/// How it is with a log.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Everything up to the last fence has been read.
    Live,
    /// Records that were there before are still being read; the clock stands still.
    CatchingUp,
    /// It is being taken over.
    #[default]
    Starting,
    /// The brokers have not answered for a while; the clock stands still.
    Blind,
    /// It is being given up.
    Stopping,
}

/// One commitment over all logs of this instance.
#[derive(Clone, Debug, Serialize)]
pub struct CommitmentPicture {
    /// Its name.
    pub name: Arc<str>,
    /// What is promised, for people.
    pub title: Arc<Text>,
    /// What became of its clocks.
    #[serde(flatten)]
    pub counts: ClockCounts,
}

/// How many clocks are where.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct ClockCounts {
    /// Running or paused now, broken or not.
    pub open: u64,
    /// Open now with a warning that stands, and not broken.
    pub warned: u64,
    /// Open now and broken.
    pub overdue: u64,
    /// Stopped within the goal: those in memory, and those that have left it since the log was taken over.
    pub kept: u64,
    /// Broken, of the same; one that is retracted is taken back.
    pub breached: u64,
    /// Taken back within the goal, of the same.
    pub cancelled: u64,
}

/// How many verdicts, by what they are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Verdicts {
    /// Stopped within the goal.
    pub kept: u64,
    /// Broken.
    pub breached: u64,
    /// Taken back within the goal.
    pub cancelled: u64,
}

impl State {
    /// All of them.
    pub const ALL: [State; 5] =
        [State::Live, State::CatchingUp, State::Starting, State::Blind, State::Stopping];

    /// As it is written.
    pub fn name(self) -> &'static str {
        match self {
            State::Live => "live",
            State::CatchingUp => "catching_up",
            State::Starting => "starting",
            State::Blind => "blind",
            State::Stopping => "stopping",
        }
    }
}

impl ClockCounts {
    /// Both together.
    pub fn plus(&self, other: &ClockCounts) -> ClockCounts {
        ClockCounts {
            open: self.open + other.open,
            warned: self.warned + other.warned,
            overdue: self.overdue + other.overdue,
            kept: self.kept + other.kept,
            breached: self.breached + other.breached,
            cancelled: self.cancelled + other.cancelled,
        }
    }
}

/// An open promise and how long it has.
#[derive(Clone, Debug, Serialize)]
pub struct DuePicture {
    /// The ticket or call.
    pub subject: Arc<str>,
    /// The commitment.
    pub commitment: Arc<str>,
    /// When its goal is used up.
    #[serde(with = "rfc3339")]
    pub due: Time,
    /// When its clock started.
    #[serde(with = "rfc3339")]
    pub started: Time,
    /// Whether a warning stands.
    pub warned: bool,
    /// Whether it is broken.
    pub breached: bool,
    /// Who is affected.
    #[serde(flatten)]
    pub cell: Cell,
}

/// What the aggregate sees.
#[derive(Clone, Debug, Default, Serialize)]
pub struct AggregatePicture {
    /// Its clock; `None` until every source was heard.
    #[serde(with = "rfc3339::option")]
    pub clock: Option<Time>,
    /// How many sources there are.
    pub sources: u32,
    /// Sources that are not heard or not waited for.
    pub sources_missing: Vec<u32>,
    /// The crises that go on, gravest first, then those that ended lately.
    pub crises: Vec<Alert>,
    /// The signals that go on.
    pub signals: Vec<Signal>,
    /// Complaint series: everything first, then those in which a signal goes on, then the largest.
    pub series: Vec<SeriesPicture>,
    /// Satisfaction scores of everything and of each product.
    pub satisfaction: Vec<SatisfactionPicture>,
    /// The objectives, in the policy's order; empty until they were judged once.
    pub objectives: Vec<ObjectivePicture>,
    /// Crises opened and signals raised so far.
    pub crises_opened: u64,
    /// Signals raised so far.
    pub signals_raised: u64,
}

/// A series and what was to be expected of it.
#[derive(Clone, Debug, Serialize)]
pub struct SeriesPicture {
    /// Which.
    pub series: Series,
    /// The same as a text in both languages.
    pub title: Text,
    /// What is counted.
    pub measure: Measure,
    /// The width of a point in seconds.
    pub bucket_seconds: f64,
    /// The judged buckets, oldest first; at most 48.
    pub points: Vec<Point>,
    /// Whether a signal goes on in it.
    pub signal: bool,
}

/// Satisfaction with one product, or everything.
#[derive(Clone, Debug, Serialize)]
pub struct SatisfactionPicture {
    /// Which.
    pub series: Series,
    /// Number, sum and sum of squares of the scores.
    #[serde(flatten)]
    pub scores: Scores,
}

/// How an objective stands.
#[derive(Clone, Debug, Serialize)]
pub struct ObjectivePicture {
    /// Its name.
    pub name: Arc<str>,
    /// What is promised, for people.
    pub title: Arc<Text>,
    /// On which side of the target the share must be.
    pub operator: Operator,
    /// The share that was promised, 0..=1.
    pub target: f64,
    /// From when on cases were counted.
    #[serde(with = "rfc3339")]
    pub window_start: Time,
    /// Up to when.
    #[serde(with = "rfc3339")]
    pub window_end: Time,
    /// How many cases there are in the window.
    pub n: u64,
    /// How many of them are good.
    pub good: u64,
    /// The share; `null` without cases.
    pub share: Option<f64>,
    /// Its 95 % interval.
    pub share_interval: Option<(f64, f64)>,
    /// Whether it is met, missed, or cannot be told.
    pub standing: Standing,
    /// Since when it is missed.
    #[serde(with = "rfc3339::option")]
    pub missed_since: Option<Time>,
}

/// A log in the hands of a worker.
#[derive(Clone, Debug, Default, Serialize)]
pub struct LogPicture {
    /// Its number.
    pub log: u32,
    /// Its topic and partition: `tickets/3`.
    pub place: Arc<str>,
    /// How it is.
    pub state: State,
    /// The offset of the first record not read.
    pub next_offset: u64,
    /// The stable end of the log when it was last asked.
    pub end_offset: u64,
    /// The end with what open transactions hold back.
    pub high_watermark: u64,
    /// The partition clock; `None` before the first fence.
    #[serde(with = "rfc3339::option")]
    pub clock: Option<Time>,
    /// Engine time minus the partition clock.
    pub clock_lag_seconds: f64,
    /// Since when the last fence was not passed, in seconds of the wall.
    pub fence_age_seconds: f64,
    /// Cases in memory.
    pub cases: u64,
    /// Bytes of cases and timers.
    pub memory_bytes: u64,
    /// The number of the last cut.
    pub cut: u64,
    /// The age of the newest checkpoint in seconds of the wall; `None`: there is none.
    pub checkpoint_age_seconds: Option<f64>,
    /// Records read.
    pub records: u64,
    /// Events that a clock or a count took note of.
    pub applied: u64,
    /// Events delivered twice.
    pub duplicates: u64,
    /// Records refused, by reason.
    pub rejected: BTreeMap<&'static str, u64>,
    /// Changes of alerts written: raised, amended, resolved, retracted.
    pub changes: BTreeMap<&'static str, u64>,
    /// Cuts committed.
    pub cuts: u64,
    /// Seconds spent committing.
    pub cut_seconds: f64,
    /// Commits that were repeated or settled by asking.
    pub cuts_in_doubt: u64,
    /// Differences found when it was taken over; each is a bug or a loss.
    pub reconciliation_differences: u64,
    /// What became of the clocks, by commitment in the policy's order and by the values of the allowed labels.
    pub clocks: Vec<LabelledCounts>,
    /// What another policy says beside, if there is one.
    #[serde(skip)]
    pub shadow: Option<ShadowPicture>,
    /// Open promises, those with the least time left first.
    #[serde(skip)]
    pub due: Vec<DuePicture>,
}

/// Clocks of one commitment and one combination of label values.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct LabelledCounts {
    /// The commitment, by its place in the policy.
    pub commitment: u16,
    /// The values of the labels that the settings allow, in their order.
    pub labels: Vec<Arc<str>>,
    /// How many.
    #[serde(flatten)]
    pub counts: ClockCounts,
    /// Verdicts found since the log was taken over, each once. Only grows.
    pub found: Verdicts,
    /// Verdicts that a late event took back since. Only grows.
    pub taken_back: Verdicts,
}

impl Picture {
    /// What another policy says beside, over all logs; `None`: there is none.
    pub fn shadow(&self) -> Option<ShadowPicture> {
        let mut seen = self.logs.iter().filter_map(|log| log.shadow.as_ref());
        let first = seen.next()?.clone();
        Some(seen.fold(first, |mut sum, one| {
            sum.add(one);
            sum
        }))
    }
}

/// How many breaches a picture shows that only one of two policies has.
pub const SHADOW_SHOWN: usize = 50;

/// What a policy that only looks on says beside the one that counts, since the log was taken over.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct ShadowPicture {
    /// Breaches by commitment.
    pub breaches: BTreeMap<Arc<str>, ShadowCounts>,
    /// Those that only one of the two has, latest due first; at most [`SHADOW_SHOWN`].
    pub latest: Vec<ShadowBreach>,
}

/// How many breaches which policy has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct ShadowCounts {
    /// Both.
    pub both: u64,
    /// Only the one that counts.
    pub live: u64,
    /// Only the one that looks on.
    pub shadow: u64,
}

/// A breach that only one of two policies has.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ShadowBreach {
    /// Which has it.
    pub only: Side,
    /// The ticket or call.
    pub subject: Arc<str>,
    /// The commitment.
    pub commitment: Arc<str>,
    /// When its goal was used up.
    #[serde(with = "rfc3339::option")]
    pub due: Option<Time>,
}

/// One of two policies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Side {
    /// The one that counts.
    Live,
    /// The one that looks on.
    Shadow,
}

impl Side {
    /// The other one.
    pub fn other(self) -> Side {
        match self {
            Side::Live => Side::Shadow,
            Side::Shadow => Side::Live,
        }
    }
}

impl ShadowCounts {
    /// How many only one of the two has.
    pub fn of(&mut self, only: Side) -> &mut u64 {
        match only {
            Side::Live => &mut self.live,
            Side::Shadow => &mut self.shadow,
        }
    }
}

impl ShadowPicture {
    /// Adds what is seen in another log.
    pub fn add(&mut self, other: &ShadowPicture) {
        for (commitment, counts) in &other.breaches {
            let sum = self.breaches.entry(commitment.clone()).or_default();
            sum.both += counts.both;
            sum.live += counts.live;
            sum.shadow += counts.shadow;
        }
        self.latest.extend(other.latest.iter().cloned());
        self.latest.sort_by(|a, b| (b.due, &a.subject).cmp(&(a.due, &b.subject)));
        self.latest.truncate(SHADOW_SHOWN);
    }
}
