//! Was it there before? The life of one value of a dimension, from its first stray event to an established series.
//!
//! Ground rules: newness is judged by *activity* (events of any kind), not by complaints; what was there while the
//! whole stream was still being learned is not new; a few stray events in the days before do not make a series, and
//! do not end its newness.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::Options;
use crate::time::{Span, Time};

/// Whether a value was there before, and since when.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Stage {
    /// Hardly ever seen.
    Stray,
    /// Really there since this bucket, and hardly before; `learned` buckets with real activity so far.
    New { since: Time, learned: u32, last: Time },
    /// There long enough to be compared with itself.
    Established,
}

/// What a step changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Turn {
    /// Nothing.
    Same,
    /// It is really there now, among the first: its past begins here, but it is not new.
    Founded,
    /// It is really there now, and was not before.
    Born,
    /// It has been there long enough.
    Settled,
    /// It is gone before it had been there long enough.
    Gone,
}

/// The life of one value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Life {
    pub(super) stage: Stage,
    /// The bucket with which its baseline begins, if that is not the stream's beginning.
    pub(super) since: Option<Time>,
    /// Activity on the stream's first day.
    first_day: u64,
    /// Activity before it was really there.
    before: u64,
    /// Activity before the buckets in `recent`.
    past: u64,
    /// The last bucket with any activity.
    last: Time,
    /// Activity by bucket, of the last day.
    recent: BTreeMap<Time, u64>,
}

/// A new series that falls silent for this long was none.
const GONE: Span = Span::from_days(7);
const DAY: Span = Span::from_days(1);

impl Life {
    pub(super) fn new() -> Life {
        Life {
            stage: Stage::Stray,
            since: None,
            first_day: 0,
            before: 0,
            past: 0,
            last: Time::MIN,
            recent: BTreeMap::new(),
        }
    }

    /// Whether the value is new: there, but not long enough.
    pub(super) fn is_new(&self) -> bool {
        matches!(self.stage, Stage::New { .. })
    }

    /// Whether nothing was seen of it since then.
    pub(super) fn is_silent(&self, since: Time) -> bool {
        self.last < since
    }

    /// Takes the activity of the bucket that starts at `at`. `began` is when the whole stream really began; `None`
    /// while it has not, and of the stream itself.
    pub(super) fn step(&mut self, at: Time, activity: u64, began: Option<Time>, options: &Options) -> Turn {
        self.remember(at, activity, options);
        if began.is_none_or(|began| at < began + DAY) {
            self.first_day += activity;
        }
        let there = self.recent.values().sum::<u64>() >= options.activity_min;
        match self.stage {
            Stage::Established => Turn::Same,
            Stage::New { since, learned, last } => {
                let last = if there { at } else { last };
                self.grow(Stage::New { since, learned: learned + u32::from(there), last }, at, options)
            }
            Stage::Stray => self.appear(at, there, began, options),
        }
    }

    fn grow(&mut self, stage: Stage, at: Time, options: &Options) -> Turn {
        self.stage = stage;
        let Stage::New { learned, last, .. } = stage else { return Turn::Same };
        // Learned one lag late: a bucket counts when the baseline has it.
        let needed = (options.learning + options.lag).millis() / options.bucket.millis();
        if i64::from(learned) >= needed {
            self.stage = Stage::Established;
            return Turn::Settled;
        }
        if at - last > GONE {
            self.stage = Stage::Stray;
            return Turn::Gone;
        }
        Turn::Same
    }

    fn appear(&mut self, at: Time, there: bool, began: Option<Time>, options: &Options) -> Turn {
        let stray = |events: u64, days: f64| events as f64 <= options.stray_per_day * days;
        // The days of the stream before the day that was just looked at.
        let days = began.map_or(0.0, |began| (at + options.bucket - DAY - began).seconds() / DAY.seconds());
        if days > 0.0 && !(stray(self.first_day, 1.0) && stray(self.past, days.max(1.0))) {
            // Always there, in small numbers: it has the stream's whole past to be compared with.
            self.stage = Stage::Established;
            return Turn::Same;
        }
        if !there {
            return Turn::Same;
        }
        self.since = Some(at);
        self.before = self.past;
        if days <= 0.0 {
            self.stage = Stage::Established;
            return Turn::Founded;
        }
        self.stage = Stage::New { since: at, learned: 1, last: at };
        Turn::Born
    }

    /// Events a day before `since`, when the stream began at `began`; a hundredth when there were none.
    pub(super) fn before_per_day(&self, since: Time, began: Option<Time>) -> f64 {
        let days = began.map_or(1.0, |began| (since - began).seconds() / DAY.seconds());
        (self.before as f64 / days.max(1.0)).max(0.01)
    }

    fn remember(&mut self, at: Time, activity: u64, options: &Options) {
        if activity > 0 {
            self.recent.insert(at, activity);
            self.last = at;
        }
        let day_ago = at + options.bucket - DAY;
        while let Some(entry) = self.recent.first_entry()
            && *entry.key() < day_ago
        {
            self.past += entry.remove();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hour(n: i64) -> Time {
        Time::from_millis(n * 3_600_000)
    }

    /// The turns of a value whose activity in hour `n` is `activity(n)`, in a stream that began at hour 0.
    fn turns(hours: i64, activity: impl Fn(i64) -> u64) -> Vec<(i64, Turn)> {
        let (mut life, options) = (Life::new(), Options::default());
        let step = |n| (n, life.step(hour(n), activity(n), Some(hour(0)), &options));
        (0..hours).map(step).filter(|(_, turn)| *turn != Turn::Same).collect()
    }

    #[test]
    fn who_is_there_from_the_beginning_is_not_new() {
        assert_eq!(turns(200, |_| 5), [(1, Turn::Founded)]);
    }

    #[test]
    fn stray_events_before_do_not_end_the_newness() {
        let activity = |n: i64| if n >= 120 { 40 } else { u64::from(n % 24 == 9) };
        assert_eq!(turns(250, activity), [(120, Turn::Born), (191, Turn::Settled)]);
    }

    #[test]
    fn a_trickle_is_no_new_series_when_it_swells() {
        let activity = |n: i64| if n >= 120 { 40 } else { u64::from(n % 6 == 0) };
        assert_eq!(turns(250, activity), []);
    }

    #[test]
    fn who_comes_slowly_from_the_beginning_is_not_new() {
        assert_eq!(turns(200, |n| u64::from(n % 24 > 16)), []);
    }

    #[test]
    fn a_burst_is_forgotten() {
        let activity = |n: i64| if n == 100 || n == 500 { 20 } else { 0 };
        let seen = turns(600, activity);
        assert_eq!(seen[0], (100, Turn::Born));
        assert_eq!(seen[1].1, Turn::Gone);
        assert_eq!(seen[2], (500, Turn::Born));
    }
}
