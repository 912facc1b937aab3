//! Is this series behaving? Counts by series, what was to be expected of them, and the findings where they differ.
//!
//! Ground rules: event time only, cut into *buckets*; a bucket is judged once, when it closes, on windows of several
//! lengths that end with it (their sum, not a cleverer test, is what finds slow rises); what is expected is a level ×
//! an hour-of-day profile × a weekday factor, the shapes shared from the parent and shrunk towards it; the spread is a
//! negative binomial's, wider where little is known; a bucket is learned only a while after it closed, and the less the
//! stranger it was, so a spike does not become its own baseline. What is new has no past to be compared with (`lives`).
//! Nothing here depends on the order in which a map of hashes is walked.
//! Not here: merging what several partitions counted (`aggregate`), and how bad it is (`crisis`).
//!
//! ```text
//!   bucket closes ─► which values are new? ─► roll up ─► learn (one lag behind) ─► windows 1, 6, 24 h ─► p-values
//!                                                          ─► false-discovery limit ─► not explained yet? ─► signal
//! ```

use serde::{Deserialize, Serialize};

use crate::time::{Span, Time, rfc3339};

mod baseline;
mod course;
mod detector;
mod lives;
mod newness;
mod node;
mod reading;
mod score;
mod series;
pub mod stats;
mod text;

#[cfg(test)]
mod tests;

pub use course::{Course, Point};
pub use detector::Detector;
pub use node::{Tallies, Tally};
pub use reading::View;
pub use series::{Dimension, Series};

/// What is counted in a series.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Measure {
    /// Complaints.
    Complaints,
    /// Broken promises.
    Breaches,
}

/// What was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Finding {
    /// More than this series ever gives rise to by itself.
    Spike,
    /// A value that was hardly seen before: there is nothing yet that it could be compared with.
    NewSeries,
}

/// A detector's finding on a series.
///
/// While it lasts the numbers are those that raised it, so that a long spike is not said anew every hour; when it is
/// over they are those of the whole of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Signal {
    /// Which node of the roll-up.
    pub series: Series,
    /// What is counted.
    pub measure: Measure,
    /// What was found.
    pub finding: Finding,
    /// When the rise began: the first bucket from which on there was more than expected.
    #[serde(with = "rfc3339")]
    pub window_start: Time,
    /// The end of the last bucket that is counted in.
    #[serde(with = "rfc3339")]
    pub window_end: Time,
    /// How many there were in the window.
    pub observed: u64,
    /// How many were to be expected in it, to two decimals; never negative.
    pub expected: f64,
    /// How likely so many would have been by chance when it was raised, to three digits: the least over the window
    /// lengths, times their number. 0 < p ≤ 1.
    pub p_value: f64,
    /// When it was over.
    #[serde(with = "rfc3339::option")]
    pub ended: Option<Time>,
}

/// What tells two signals apart, in the order in which they are listed.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct SignalKey {
    /// When the rise began.
    pub window_start: Time,
    /// Which node.
    pub series: Series,
    /// What is counted.
    pub measure: Measure,
    /// What was found.
    pub finding: Finding,
}

impl Signal {
    /// What tells it from other signals.
    pub fn key(&self) -> SignalKey {
        SignalKey {
            window_start: self.window_start,
            series: self.series.clone(),
            measure: self.measure,
            finding: self.finding,
        }
    }

    /// The detector's name, part of the identity: never change one.
    pub fn detector(&self) -> &'static str {
        match (self.finding, self.measure) {
            (Finding::Spike, Measure::Complaints) => "complaint_spike",
            (Finding::Spike, Measure::Breaches) => "breach_spike",
            (Finding::NewSeries, Measure::Complaints) => "new_series",
            (Finding::NewSeries, Measure::Breaches) => "new_series_breaches",
        }
    }
}

/// How the detector works. The defaults are meant for complaints of a service organisation.
#[derive(Clone, Debug, PartialEq)]
pub struct Options {
    /// The width of a scored bucket. A multiple of the pane, and a whole number of them make a day. Default 1 h.
    pub bucket: Span,
    /// The lengths of the windows that are scored when a bucket closes, in buckets, rising. Default 1, 6, 24.
    pub windows: Vec<u32>,
    /// How long after its end a bucket is learned; at least the longest window, or a spike is learned while it is
    /// still being looked for. Default 24 h.
    pub lag: Span,
    /// How much learned time, with real activity, a series needs before a rise in it can be called a spike. Before
    /// that it is new. Default 48 h, so with the lag 72 h after the first bucket.
    pub learning: Span,
    /// Local time minus UTC, so that hours and weekdays turn where the customers' do. Default 0.
    pub utc_offset: Span,
    /// The false-discovery rate per closed bucket and measure among everything and the margins (one value each). With
    /// a bucket an hour, 0.001 is one false find in six weeks if every p-value were exact. Default 0.001.
    pub false_discovery: f64,
    /// The same among the finer nodes, of which there are many, and which matter less by themselves. Default 0.0005.
    pub false_discovery_fine: f64,
    /// The least count in the window that can be a spike. Default 15.
    pub count_min: u64,
    /// The least ratio of observed to expected that can be a spike. Default 1.5.
    pub ratio_min: f64,
    /// The ratio below which the last window but the longest is calm again. Below `ratio_min`. Default 1.25.
    pub calm_ratio: f64,
    /// How long a spike must be calm before it is over. Default 6 h.
    pub calm: Span,
    /// How many complaints there must have been in that calm if the spike had gone on, so that a quiet night does not
    /// end it; not waited for longer than a day. Default 10.
    pub calm_missed: f64,
    /// A spike that lasts longer than this is the new normal: it is learned in full. Default 7 days.
    pub settle: Span,
    /// The relative standard deviation of a series' own rate from hour to hour and day to day that no profile
    /// explains, even of the largest. Default 0.1.
    pub wobble: f64,
    /// Variance over mean of the counts before anything is learned (1 is Poisson's). Default 2.
    pub dispersion: f64,
    /// How fast the level forgets: the time after which a bucket weighs 1/e. Default 14 days.
    pub level_memory: Span,
    /// How fast the profile and the dispersion forget. Default 56 days.
    pub profile_memory: Span,
    /// From how many events in 24 h on a value of a dimension is really there. Default 10.
    pub activity_min: u64,
    /// Up to how many events a day, on average before, a value that is really there now counts as never seen
    /// before. Default 2.
    pub stray_per_day: f64,
    /// How many nodes there may be; beyond that no finer ones are made, and what would be counted in them is counted
    /// in those above alone. Default 20,000.
    pub nodes_max: usize,
    /// How long a signal is kept after it ended. Default 400 days.
    pub keep: Span,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            bucket: Span::from_hours(1),
            windows: vec![1, 6, 24],
            lag: Span::from_hours(24),
            learning: Span::from_hours(48),
            utc_offset: Span::ZERO,
            false_discovery: 0.001,
            false_discovery_fine: 0.0005,
            count_min: 15,
            ratio_min: 1.5,
            calm_ratio: 1.25,
            calm: Span::from_hours(6),
            calm_missed: 10.0,
            settle: Span::from_days(7),
            wobble: 0.1,
            dispersion: 2.0,
            level_memory: Span::from_days(14),
            profile_memory: Span::from_days(56),
            activity_min: 10,
            stray_per_day: 2.0,
            nodes_max: 20_000,
            keep: Span::from_days(400),
        }
    }
}

impl Options {
    /// The longest window in buckets, at least 1.
    fn longest(&self) -> usize {
        self.windows.iter().copied().max().unwrap_or(1).max(1) as usize
    }

    /// How far back counts are needed: the longest window before the bucket that is learned, and one bucket more.
    pub fn reach(&self) -> Span {
        self.lag + Span::from_millis(self.bucket.millis() * (self.longest() as i64 + 1))
    }

    /// The hour of the day (0..24) and the weekday (0..7) of a bucket's start, where the customers are.
    fn phase(&self, at: Time) -> (usize, usize) {
        let local = (at + self.utc_offset).millis();
        (
            local.div_euclid(3_600_000).rem_euclid(24) as usize,
            local.div_euclid(86_400_000).rem_euclid(7) as usize,
        )
    }
}
