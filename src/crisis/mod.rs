//! How bad is it, and whose turn is it? Signals that belong together, graded by the guide's three factors.
//!
//! Ground rules: a crisis is opened by a spike, never by a single broken promise and never by a series that is only
//! new; signals that share a cause are one crisis (`desk` says when they do); the level goes up at once and down only
//! after a calm hold; what a person decided wins; every decision carries the numbers that made it; where customers are
//! not known the number of complaints stands in for them and says so; that something always complains, or has begun to
//! rise at all, is neither scope nor urgency. Not here: what a spike is (`detect`), and the alert (`alert`).
//!
//! ```text
//!              scope 0–3 ┐                                         hold
//!   evidence ─► harm 0–3 ├─► matrix ─► target ─► up at once │ down ─────► level ─► response texts
//!           urgency 0–3 ┘                       a person's grade wins          └─► ended: recovery texts
//! ```

use serde::{Deserialize, Serialize};

use crate::detect::Series;
use crate::names::Text;
use crate::time::{Span, Time, rfc3339};

mod desk;
mod grade;
mod text;

#[cfg(test)]
mod tests;

pub use desk::{Case, Desk, Facts, Grade, Witness};
pub use grade::{assess, level};

/// How grave a crisis is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// 初级: adjust the service process, improve the measures, remove the hidden danger.
    Primary,
    /// 中级: start the emergency plan, the departments act together.
    Intermediate,
    /// 高级: a crisis-handling team takes full charge.
    Advanced,
}

/// Signals that belong together, graded.
///
/// The factors are those of the last decision: they are said anew when a score or the level changes, not every hour.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Crisis {
    /// What it is about: the most specific node that explains its signals. May become narrower as more is seen, and
    /// wider when a signal joins.
    pub series: Series,
    /// What it was about when it was opened: part of its identity, never changes.
    pub opened_as: Series,
    /// When it began: the onset of its first signal. Never changes.
    #[serde(with = "rfc3339")]
    pub began: Time,
    /// The level now; of an ended crisis, the last it had.
    pub level: Level,
    /// The levels it went through, in order.
    pub steps: Vec<Step>,
    /// The three factors with their evidence.
    pub factors: Factors,
    /// What the guide says to do now; after the end, how to recover.
    pub response: Vec<Text>,
    /// How many signals it gathered.
    pub signals: u64,
    /// When it was over.
    #[serde(with = "rfc3339::option")]
    pub ended: Option<Time>,
}

/// A level that a crisis came to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Step {
    /// When.
    #[serde(with = "rfc3339")]
    pub at: Time,
    /// The level from then on.
    pub level: Level,
    /// Why.
    pub reason: Reason,
}

/// Why a crisis came to a level.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// The factors reached it: their scores.
    Reached {
        /// Of scope.
        scope: u8,
        /// Of harm.
        harm: u8,
        /// Of urgency.
        urgency: u8,
    },
    /// The factors stayed below the level before for the whole hold.
    Calm {
        /// For how long, in hours.
        hours: u32,
    },
    /// A person said so.
    ByHand,
    /// A person's word was withdrawn.
    HandWithdrawn,
}

/// The three factors of the guide.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Factors {
    /// 影响范围: how many customers, regions and products are touched.
    pub scope: Factor,
    /// 危害程度: what it does to them.
    pub harm: Factor,
    /// 紧急程度: how fast it grows.
    pub urgency: Factor,
    /// The numbers all three were computed from.
    pub evidence: Evidence,
}

/// One factor and the number that made it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Factor {
    /// 0 (none) to 3 (severe).
    pub score: u8,
    /// Which number made it.
    pub because: Because,
}

/// Which number made a factor.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Because {
    /// None.
    #[default]
    Nothing,
    /// The number of customers.
    Customers,
    /// The number of regions.
    Regions,
    /// The number of products.
    Products,
    /// Observed over expected complaints.
    Ratio,
    /// Broken promises above those expected.
    Breaches,
    /// The fall of the satisfaction index.
    Satisfaction,
    /// The doubling time.
    Doubling,
}

/// The numbers a grade is computed from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Evidence {
    /// Different customers affected within [`Options::scope_window`].
    pub customers: u64,
    /// Whether the customers were not known, and complaints and broken promises were counted instead.
    pub customers_are_cases: bool,
    /// Regions with a share of the rise.
    pub regions: u64,
    /// Products with a share of the rise.
    pub products: u64,
    /// Complaints within [`Options::harm_window`].
    pub complaints: u64,
    /// Complaints expected there.
    pub complaints_expected: f64,
    /// Broken promises within [`Options::harm_window`].
    pub breaches: u64,
    /// Broken promises expected there.
    pub breaches_expected: f64,
    /// By how many points of 100 the satisfaction index fell, if the interval of the difference (95 %) supports it.
    pub satisfaction_drop: f64,
    /// In how many hours observed over expected complaints double; 0 when they do not grow within the crisis.
    pub doubling_hours: f64,
}

/// Where a factor's scores 1, 2 and 3 begin.
pub type Steps = [f64; 3];

/// How crises are graded. All of it is the organisation's to choose: the guide names the factors and the levels, and
/// gives no thresholds.
#[derive(Clone, Debug, PartialEq)]
pub struct Options {
    /// Scope: different customers. Default 20, 100, 500.
    pub customers: Steps,
    /// Scope: regions touched. Default 2, 3, 6.
    pub regions: Steps,
    /// Scope: products touched. Default 2, 3, 6.
    pub products: Steps,
    /// A region or product is touched from this share of what there is too much of on. Default 0.1.
    pub touched_share: f64,
    /// Harm: complaints over those expected. Default 1.5, 3, 6.
    pub ratio: Steps,
    /// Harm: broken promises above those expected. Default 5, 20, 100.
    pub breaches: Steps,
    /// Harm: fall of the satisfaction index in points of 100. Default 5, 10, 20.
    pub satisfaction_drop: Steps,
    /// The ends of the satisfaction scale. Default 1 and 5.
    pub scale: (f64, f64),
    /// Urgency: the doubling time in hours, falling. Default 12, 6, 2.
    pub doubling_hours: Steps,
    /// Over how long the customers, regions and products are counted. Default 24 h.
    pub scope_window: Span,
    /// Over how long harm is counted, and growth against the time before. Default 6 h.
    pub harm_window: Span,
    /// From which sum of the three scores on it is intermediate (from 1 on it is primary). Default 4.
    pub intermediate_from: u8,
    /// From which sum on it is advanced. Default 7.
    pub advanced_from: u8,
    /// Whether one factor at 3 with another at 2 is advanced, whatever the sum. Default yes.
    pub advanced_by_pair: bool,
    /// How long the factors must stay lower before the level falls, and nothing be going on before it is over.
    /// Default 6 h.
    pub hold: Span,
    /// Which part of a node's excess a finer node must hold to explain it. Default 0.6.
    pub explained_share: f64,
    /// How long an ended crisis is kept. Default 400 days.
    pub keep: Span,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            customers: [20.0, 100.0, 500.0],
            regions: [2.0, 3.0, 6.0],
            products: [2.0, 3.0, 6.0],
            touched_share: 0.1,
            ratio: [1.5, 3.0, 6.0],
            breaches: [5.0, 20.0, 100.0],
            satisfaction_drop: [5.0, 10.0, 20.0],
            scale: (1.0, 5.0),
            doubling_hours: [12.0, 6.0, 2.0],
            scope_window: Span::from_hours(24),
            harm_window: Span::from_hours(6),
            intermediate_from: 4,
            advanced_from: 7,
            advanced_by_pair: true,
            hold: Span::from_hours(6),
            explained_share: 0.6,
            keep: Span::from_days(400),
        }
    }
}
