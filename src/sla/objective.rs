//! What share was promised over many cases? Objectives: what is counted, over which window, and whether it is enough.
//!
//! ```text
//!   n, good in the window ─► n < minimum count?  too few to say
//!                            good / n against the target: met, or missed
//! ```

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_64;

use super::commitment::{Condition, Test};
use crate::calendar::Calendar;
use crate::event::Event;
use crate::names::{Severity, Text};
use crate::time::{Span, Time, rfc3339};

/// The longest rolling window.
pub const WINDOW_MAX: Span = Span::from_days(31);

/// A promise about many cases: a share that must be reached, or not exceeded.
#[derive(Clone, Debug)]
pub struct Objective {
    /// Its name.
    pub name: Arc<str>,
    /// What is promised, for people.
    pub title: Arc<Text>,
    /// The role that answers for it; empty if none is named.
    pub owner: Arc<str>,
    /// How bad it is when it is missed.
    pub severity: Severity,
    /// What is counted.
    pub measure: Measure,
    /// On which side of the target the share must be.
    pub operator: Operator,
    /// The share, 0..=1.
    pub target: f64,
    /// Over which time.
    pub window: Window,
    /// With fewer cases in the window nothing is said.
    pub minimum_count: u64,
    /// A case that is cancelled sooner than this gave nobody a chance: a caller who hung up at once.
    pub short: Span,
}

/// What is counted.
#[derive(Clone, Debug, PartialEq)]
pub enum Measure {
    /// The clocks of a commitment that were kept, of those that were kept or broken; counted when they stopped, or were due.
    KeptShare {
        /// The commitment.
        commitment: String,
    },
    /// Events that also pass the tests, of all these events; counted when they happened.
    EventShare {
        /// The events, any of these.
        of: Vec<Condition>,
        /// What makes one a good one: all of these.
        good: Vec<Test>,
    },
}

/// On which side of the target the share must be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Operator {
    /// The target or more.
    #[default]
    AtLeast,
    /// The target or less.
    AtMost,
}

/// Over which time a share is taken; it ends with the last whole bucket that was counted.
#[derive(Clone, Debug)]
pub enum Window {
    /// So long, up to [`WINDOW_MAX`].
    Rolling(Span),
    /// Since the day began where the calendar is.
    Day(Arc<Calendar>),
    /// Since Monday.
    Week(Arc<Calendar>),
    /// Since the first of the month.
    Month(Arc<Calendar>),
}

/// How an objective stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    /// The share is on the right side of the target.
    Met,
    /// It is not.
    Missed,
    /// There are fewer cases than are needed to say so.
    TooFew,
}

impl Standing {
    /// All of them.
    pub const ALL: [Standing; 3] = [Standing::Met, Standing::Missed, Standing::TooFew];

    /// As it is written.
    pub fn name(self) -> &'static str {
        match self {
            Standing::Met => "met",
            Standing::Missed => "missed",
            Standing::TooFew => "too_few",
        }
    }
}

/// An objective that is missed, or was: what an alert says of it. The figures are those at the last change.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Shortfall {
    /// The objective's name.
    pub objective: Arc<str>,
    /// What was promised, for people.
    pub title: Arc<Text>,
    /// The role that answers for it; empty if none is named.
    pub owner: Arc<str>,
    /// How bad it is.
    pub severity: Severity,
    /// On which side of the target the share must be.
    pub operator: Operator,
    /// The share that was promised.
    pub target: f64,
    /// The end of the first window in which it was missed.
    #[serde(with = "rfc3339")]
    pub began: Time,
    /// The end of the first one in which it was not any more.
    #[serde(with = "rfc3339::option")]
    pub ended: Option<Time>,
    /// From when on cases are counted.
    #[serde(with = "rfc3339")]
    pub window_start: Time,
    /// Up to when.
    #[serde(with = "rfc3339")]
    pub window_end: Time,
    /// How many cases there are in the window.
    pub n: u64,
    /// How many of them are good.
    pub good: u64,
}

impl Objective {
    /// At least this share, over the last 24 hours, of 20 cases or more.
    pub fn new(name: &str, measure: Measure, target: f64) -> Objective {
        Objective {
            name: name.into(),
            title: Arc::default(),
            owner: Arc::default(),
            severity: Severity::Minor,
            measure,
            operator: Operator::AtLeast,
            target,
            window: Window::Rolling(Span::from_hours(24)),
            minimum_count: 20,
            short: Span::from_seconds(5),
        }
    }

    /// What its counts are kept under: the same for the same thing counted, whatever else is said about it.
    pub fn id(&self) -> u64 {
        xxh3_64(format!("{}{:?}", self.name, self.measure).as_bytes())
    }

    /// Whether an event is counted, and as a good one.
    pub fn counts(&self, event: &Event<'_>) -> Option<bool> {
        let Measure::EventShare { of, good } = &self.measure else { return None };
        let is_one = of.iter().any(|condition| condition.holds(event));
        is_one.then(|| good.iter().all(|test| test.holds(event)))
    }

    /// The commitment whose clocks are counted, if clocks are.
    pub fn commitment(&self) -> Option<&str> {
        match &self.measure {
            Measure::KeptShare { commitment } => Some(commitment),
            Measure::EventShare { .. } => None,
        }
    }

    /// How it stands with so many cases.
    pub fn judge(&self, n: u64, good: u64) -> Standing {
        match self.meets(n, good).filter(|_| n >= self.minimum_count) {
            None => Standing::TooFew,
            Some(true) => Standing::Met,
            Some(false) => Standing::Missed,
        }
    }

    /// Whether the share is on the right side of the target, however few cases it is of; `None` without any.
    pub fn meets(&self, n: u64, good: u64) -> Option<bool> {
        let share = share(good, n)?;
        Some(match self.operator {
            Operator::AtLeast => share >= self.target,
            Operator::AtMost => share <= self.target,
        })
    }
}

impl Window {
    /// Where the window begins that ends at `end`. What ends exactly with a day is that day's.
    pub fn start(&self, end: Time) -> Time {
        let last = Time::from_millis(end.millis() - 1);
        match self {
            Window::Rolling(span) => end - *span,
            Window::Day(calendar) => calendar.start_of_day(last),
            Window::Week(calendar) => calendar.start_of_week(last),
            Window::Month(calendar) => calendar.start_of_month(last),
        }
    }
}

/// A share; of nothing there is none.
pub fn share(part: u64, whole: u64) -> Option<f64> {
    (whole > 0).then(|| part as f64 / whole as f64)
}

/// The Wilson score interval at 95 % (E. B. Wilson, *Journal of the American Statistical Association* 22, 1927): holds its
/// promise also for few cases and shares near 1.
pub fn wilson(part: u64, whole: u64) -> Option<(f64, f64)> {
    const Z: f64 = 1.959_963_984_540_054;
    let p = share(part, whole)?;
    let n = whole as f64;
    let centre = p + Z * Z / (2.0 * n);
    let spread = Z * (p * (1.0 - p) / n + Z * Z / (4.0 * n * n)).sqrt();
    let scale = 1.0 + Z * Z / n;
    Some((((centre - spread) / scale).max(0.0), ((centre + spread) / scale).min(1.0)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::calendar::Spec;

    fn objective(operator: Operator, target: f64) -> Objective {
        let measure = Measure::KeptShare { commitment: "answer".into() };
        Objective { operator, minimum_count: 5, ..Objective::new("answered", measure, target) }
    }

    #[test]
    fn exactly_the_target_is_enough_and_too_few_say_nothing() {
        let at_least = objective(Operator::AtLeast, 0.8);
        assert_eq!(at_least.judge(10, 8), Standing::Met);
        assert_eq!(at_least.judge(10, 7), Standing::Missed);
        assert_eq!((at_least.judge(4, 0), at_least.judge(5, 0)), (Standing::TooFew, Standing::Missed));
        let at_most = objective(Operator::AtMost, 0.2);
        assert_eq!((at_most.judge(10, 2), at_most.judge(10, 3)), (Standing::Met, Standing::Missed));
        assert_eq!((at_most.meets(0, 0), at_most.meets(1, 1)), (None, Some(false)));
    }

    #[test]
    fn counts_are_kept_under_what_is_counted_and_not_under_what_is_promised() {
        let one = objective(Operator::AtLeast, 0.8);
        let mut other = objective(Operator::AtMost, 0.1);
        assert_eq!(one.id(), other.id());
        other.measure = Measure::KeptShare { commitment: "repair".into() };
        assert_ne!(one.id(), other.id());
    }

    #[test]
    fn calendar_windows_begin_where_the_customers_are() {
        let weekly = std::array::from_fn(|_| vec![(0, 1_440)]);
        let shanghai = Spec { zone: "Asia/Shanghai".into(), weekly, ..Spec::default() };
        let calendar = || Arc::new(Calendar::compile(&shanghai).expect("a zone"));
        let time = |text: &str| Time::parse(text).expect("an instant");
        // A Thursday.
        let end = time("2026-10-01T10:00:00+08:00");
        for (window, start) in [
            (Window::Rolling(Span::from_hours(3)), "2026-10-01T07:00:00+08:00"),
            (Window::Day(calendar()), "2026-10-01T00:00:00+08:00"),
            (Window::Week(calendar()), "2026-09-28T00:00:00+08:00"),
            (Window::Month(calendar()), "2026-10-01T00:00:00+08:00"),
        ] {
            assert_eq!(window.start(end), time(start), "{window:?}");
        }
        // What ends with the month is still the month's.
        let midnight = time("2026-10-01T00:00:00+08:00");
        assert_eq!(Window::Month(calendar()).start(midnight), time("2026-09-01T00:00:00+08:00"));
        assert_eq!(Window::Day(calendar()).start(midnight), time("2026-09-30T00:00:00+08:00"));
    }
}
