//! How did a series run, and how was it expected to? For pictures: buckets with the band in which calm ones lie.

use serde::Serialize;

use super::Measure;
use super::reading::View;
use super::series::Series;
use crate::time::{Time, rfc3339};

/// The buckets of a series, oldest first.
#[derive(Clone, Debug, PartialEq)]
pub struct Course {
    /// Which series.
    pub series: Series,
    /// What is counted.
    pub measure: Measure,
    /// The buckets.
    pub points: Vec<Point>,
    /// Whether a signal goes on in it.
    pub signal: bool,
}

/// One bucket of a series.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Point {
    /// Its start.
    #[serde(with = "rfc3339")]
    pub start: Time,
    /// How many there were.
    pub observed: u64,
    /// How many were to be expected, by what is known now.
    pub expected: f64,
    /// The lower end of the band in which 99 of 100 calm buckets lie.
    pub low: f64,
    /// Its upper end.
    pub high: f64,
}

/// How many standard deviations a band of 99 % reaches to either side.
const BAND: f64 = 2.576;

impl View<'_> {
    /// The last `buckets` buckets of the series that matter: everything first, then those with a signal, then those with
    /// the most complaints; at most `most`.
    pub fn courses(&self, measure: Measure, buckets: usize, most: usize) -> Vec<Course> {
        let everything = Series::all();
        let mut chosen = vec![everything.clone()];
        let signals = self.signals(measure);
        chosen.extend(signals.iter().filter(|series| **series != everything).cloned());
        chosen.truncate(most);
        let window = self.window(buckets);
        let mut margins: Vec<(u64, Series)> = self
            .below(&everything)
            .filter(|series| series.depth() == 1 && !chosen.contains(series))
            .filter_map(|series| Some((self.compare(series, measure, window)?.0, series.clone())))
            .collect();
        margins.sort_by(|a, b| b.0.cmp(&a.0).then_with(|| a.1.cmp(&b.1)));
        let rest = most.saturating_sub(chosen.len());
        chosen.extend(margins.into_iter().take(rest).map(|(_, series)| series));
        let course = |series: Series| Course {
            points: self.points(&series, measure, buckets),
            signal: signals.contains(&series),
            series,
            measure,
        };
        chosen.into_iter().map(course).collect()
    }

    fn points(&self, series: &Series, measure: Measure, buckets: usize) -> Vec<Point> {
        let point = |window: (Time, Time)| {
            let (observed, _) = self.compare(series, measure, window)?;
            let (mean, variance) = self.outlook(series, measure, window)?;
            let reach = BAND * variance.sqrt();
            Some(Point {
                start: window.0,
                observed,
                expected: mean,
                low: (mean - reach).max(0.0),
                high: mean + reach,
            })
        };
        self.buckets(buckets).filter_map(point).collect()
    }
}
