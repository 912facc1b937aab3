//! What was to be expected? Level × hour of the day × weekday of one series, and how far counts stray from it.
//!
//! Ground rules: all of it is decayed sums, so learning a bucket costs the same whatever the past; a strange bucket
//! weighs (3.7 / z)², the rule of Noufaily et al. 2013 with z the probit of the exact mid-p and a limit that sparse
//! counts do not pass by themselves; shapes are gamma posteriors around the parent's; what is not known well widens the
//! spread instead of being trusted (the predictive rule of Farrington et al. 1996 in its negative binomial form).

use serde::{Deserialize, Serialize};

use super::{Options, stats};
use crate::time::{Span, Time};

/// Relative factors by hour of the day and weekday, each with mean 1, and how uncertain each hour's is.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Shape {
    hours: [f64; 24],
    hours_variance: [f64; 24],
    days: [f64; 7],
}

/// What is known of one series.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Baseline {
    /// Buckets that start before this are learned.
    pub(super) learned_to: Time,
    /// How many buckets were learned, undecayed.
    pub(super) buckets: u32,
    level: Sums,
    hours: [Sums; 24],
    days: [Sums; 7],
    /// By window: squared distance over the mean, and how many independent windows it comes from.
    scatter: Vec<Sums>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Sums {
    seen: f64,
    expected: f64,
}

/// What a window of buckets should hold.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Outlook {
    /// The expected count.
    pub(super) mean: f64,
    /// Its variance, as a count and as a thing not known exactly.
    pub(super) variance: f64,
    /// The part of the variance that is not the counts' own scatter.
    pub(super) doubt: f64,
}

impl Outlook {
    /// The same for a rate that is so many times as large.
    pub(super) fn times(self, times: f64) -> Outlook {
        let Outlook { mean, variance, doubt } = self;
        let doubt_then = doubt * times * times;
        Outlook { mean: mean * times, variance: (variance - doubt) * times + doubt_then, doubt: doubt_then }
    }
}

/// Gamma shapes of the priors: the larger, the longer the parent (or the flat shape) is believed.
const HOURS_PRIOR: f64 = 12.0;
const HOURS_PRIOR_ROOT: f64 = 2.0;
const DAYS_PRIOR: f64 = 15.0;
const LEVEL_PRIOR: f64 = 1.0;
/// How many independent windows the dispersion of all series is worth in one.
const SCATTER_PRIOR: f64 = 6.0;
/// The same for the dispersion of all series.
const FLEET_PRIOR: f64 = 20.0;
/// How much is added to the dispersion where it comes from one window only.
const SCATTER_DOUBT: f64 = 0.7;
/// After how many counts the dispersion of a forecast is no more than twice what was learned; the rest falls with their
/// number. How large the clumps can be in which complaints come shows only after many of them.
const CLUMP_DOUBT: f64 = 60.0;
/// The relative standard deviation of a whole day's count that says nothing of its weekday.
const DAY_WOBBLE: f64 = 0.2;
/// A standardised distance beyond which a bucket is strange. Noufaily et al. take 2.58 for weekly counts; in hourly
/// ones that happens by itself every few days, and the level would sink.
const STRANGE: f64 = 3.7;

impl Shape {
    /// No shape at all.
    pub(super) fn flat() -> Shape {
        Shape { hours: [1.0; 24], hours_variance: [0.0; 24], days: [1.0; 7] }
    }

    fn factor(&self, (hour, day): (usize, usize)) -> f64 {
        self.hours[hour] * self.days[day]
    }
}

impl Baseline {
    /// Nothing known; the first bucket it will learn starts at `since`.
    pub(super) fn new(since: Time, options: &Options) -> Baseline {
        Baseline {
            learned_to: since,
            buckets: 0,
            level: Sums::default(),
            hours: [Sums::default(); 24],
            days: [Sums::default(); 7],
            scatter: vec![Sums::default(); options.windows.len()],
        }
    }

    /// Whether enough is learned to call a rise a spike.
    pub(super) fn is_learned(&self, options: &Options) -> bool {
        i64::from(self.buckets) * options.bucket.millis() >= options.learning.millis()
    }

    /// The shape, shrunk towards the parent's; `None` of everything, which has none. `fleet` is the dispersion of all.
    pub(super) fn shape(&self, parent: Option<&Shape>, fleet: &Fleet) -> Shape {
        let prior = if parent.is_some() { HOURS_PRIOR } else { HOURS_PRIOR_ROOT };
        let flat = Shape::flat();
        let parent = parent.unwrap_or(&flat);
        let phi = self.dispersion(0, fleet);
        let hours = shrink(&self.hours, &parent.hours, prior, phi);
        let mut shape = parent.clone();
        for (hour, (factor, gamma_shape)) in hours.into_iter().enumerate() {
            shape.hours[hour] = factor;
            shape.hours_variance[hour] = 1.0 / gamma_shape;
        }
        // A weekday comes once a week and strays as a whole, so its many complaints are no many observations.
        let per_day = 24.0 * self.days.iter().map(|d| d.seen).sum::<f64>()
            / self.days.iter().map(|d| d.expected).sum::<f64>().max(1.0);
        let phi = phi + DAY_WOBBLE * DAY_WOBBLE * per_day;
        for (day, (factor, _)) in shrink(&self.days, &parent.days, DAYS_PRIOR, phi).into_iter().enumerate() {
            shape.days[day] = factor;
        }
        shape
    }

    /// The level in counts per bucket of an average hour; `prior` is believed as long as little is seen. Counts that
    /// come in clumps are fewer observations than they are counts.
    pub(super) fn level(&self, prior: f64, fleet: &Fleet) -> f64 {
        let phi = self.dispersion(0, fleet);
        (LEVEL_PRIOR + self.level.seen / phi) / (LEVEL_PRIOR / prior.max(1e-4) + self.level.expected / phi)
    }

    /// The expected count of the bucket that starts at `at`.
    pub(super) fn mean(&self, at: Time, known: &Known) -> f64 {
        self.level(known.prior, known.fleet) * known.shape.factor(known.options.phase(at))
    }

    /// What the `length` buckets from `from` on should hold; `window` is the place of that length in the options.
    pub(super) fn outlook(&self, from: Time, length: usize, window: usize, known: &Known) -> Outlook {
        let (options, level) = (known.options, self.level(known.prior, known.fleet));
        let (mut mean, mut hours_doubt, mut at) = (0.0, 0.0, from);
        for _ in 0..length {
            let (hour, day) = options.phase(at);
            let bucket_mean = level * known.shape.factor((hour, day));
            mean += bucket_mean;
            hours_doubt += bucket_mean * known.shape.hours_variance[hour].sqrt();
            at = at + options.bucket;
        }
        // Who calls at night calls all night: neighbouring hours err together, and a whole day not at all.
        let share_of_day = (length as f64 * options.bucket.seconds() / 86_400.0).min(1.0);
        let hours_doubt = hours_doubt * hours_doubt * (1.0 - share_of_day);
        let phi = self.dispersion(window, known.fleet) * (1.0 + CLUMP_DOUBT / (1.0 + self.level.seen));
        let per_day = Span::from_days(1).millis() as f64 / options.bucket.millis() as f64;
        let wobble = options.wobble * options.wobble;
        let level_doubt =
            1.0 / (LEVEL_PRIOR + self.level.seen / phi) + wobble / (1.0 + self.level.expected / per_day);
        let doubt = hours_doubt + mean * mean * (wobble + level_doubt);
        Outlook { mean, variance: mean * phi + doubt, doubt }
    }

    /// Variance over mean of the windows of one length, at least 1, shrunk towards that of all series.
    fn dispersion(&self, window: usize, fleet: &Fleet) -> f64 {
        let sums = self.scatter.get(window).copied().unwrap_or_default();
        let known = SCATTER_PRIOR + sums.expected;
        let phi = (SCATTER_PRIOR * fleet.dispersion(window) + sums.seen) / known;
        // It is not known exactly, and the tail suffers more from too little of it than from too much.
        phi.max(1.0) + SCATTER_DOUBT / known.sqrt()
    }

    /// Learns the next bucket: what it held, how much it is to be believed (0..=1), and how the windows that begin
    /// with it turned out (count, outlook), in the order of the options; `None` where that says nothing.
    pub(super) fn learn(
        &mut self,
        seen: u64,
        weight: f64,
        windows: &[Option<(u64, Outlook)>],
        known: &Known,
    ) {
        let options = known.options;
        let (hour, day) = options.phase(self.learned_to);
        let bucket_ms = options.bucket.millis() as f64;
        let profile_memory_ms = options.profile_memory.millis() as f64;
        let seen = weight * seen as f64;
        let Shape { hours, days, .. } = known.shape;
        let level_keep = (-bucket_ms / options.level_memory.millis() as f64).exp();
        let shaped = weight * hours[hour] * days[day];
        let a_day = Span::from_days(1).millis() as f64;
        // An hour of the day is visited by as many buckets as it has, once a day; a weekday once a week.
        let hour_keep = (-a_day.min(24.0 * bucket_ms) / profile_memory_ms).exp();
        self.hours[hour].decay_add(hour_keep, seen, weight * days[day]);
        self.days[day].decay_add((-7.0 * bucket_ms / profile_memory_ms).exp(), seen, weight * hours[hour]);
        if self.is_learned(options) {
            self.level.decay_add(level_keep, seen, shaped);
        } else {
            // By a shape that is still being learned the level would be wrong for weeks; whole days need none.
            self.level = self.hours.iter().fold(Sums::default(), |sum, hour| sum.plus(hour));
        }
        let scatter_keep = (-bucket_ms / profile_memory_ms).exp();
        // What a forecast misses while next to nothing is known is no scatter.
        let forecast = self.is_learned(options);
        for (window, judged) in windows.iter().enumerate() {
            let Some((count, outlook)) = judged.as_ref().filter(|_| forecast) else { continue };
            let distance = *count as f64 - outlook.mean;
            // May be negative: cut off at zero one by one, the sum would be too large.
            let excess = (distance * distance - outlook.doubt) / outlook.mean.max(1e-6);
            let excess = excess * belief(z(*count, outlook));
            let overlap = f64::from(options.windows[window].max(1));
            let information = outlook.mean.min(1.0) / overlap;
            self.scatter[window].decay_add(scatter_keep, excess * information, information);
        }
        self.learned_to = self.learned_to + options.bucket;
        self.buckets = self.buckets.saturating_add(1);
    }

    /// Learns whole days in which nothing was counted, all at once; how counts stray is not learned from none.
    pub(super) fn rest(&mut self, days: i64, options: &Options) {
        let per_day = Span::from_days(1).millis() / options.bucket.millis();
        let (buckets, bucket_ms) = (days * per_day, options.bucket.millis() as f64);
        let keep = |span_ms: f64, memory: Span| (-span_ms / memory.millis() as f64).exp();
        self.level.rest(keep(bucket_ms, options.level_memory), buckets as f64);
        let per_hour = (3_600_000.0 / bucket_ms).max(1.0);
        let hour_keep = keep(Span::from_days(1).millis() as f64 / per_hour, options.profile_memory);
        for hour in &mut self.hours {
            hour.rest(hour_keep, days as f64 * per_hour);
        }
        let day_keep = keep(7.0 * bucket_ms, options.profile_memory);
        for day in &mut self.days {
            day.rest(day_keep, buckets as f64 / 7.0);
        }
        self.learned_to = self.learned_to + Span::from_days(days);
        self.buckets = self.buckets.saturating_add(u32::try_from(buckets).unwrap_or(u32::MAX));
    }

    /// Raises the level by `rate` per bucket: something with a past of its own is counted in from now on.
    ///
    /// What was seen is taken as if it had been seen in less time. So hours and weekdays that were learned before do
    /// not look low beside those learned afterwards, and nothing looks better known than it is.
    pub(super) fn graft(&mut self, rate: f64) {
        if self.level.seen <= 0.0 {
            self.level.seen += rate * self.level.expected;
            return;
        }
        let times = 1.0 + rate * self.level.expected / self.level.seen;
        for sums in [&mut self.level].into_iter().chain(&mut self.hours).chain(&mut self.days) {
            sums.expected /= times;
        }
    }
}

/// How far the counts of all series stray, by window: what is believed of one of which little is known.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Fleet(Vec<Sums>);

impl Fleet {
    /// Nothing known but the prior.
    pub(super) fn new(options: &Options) -> Fleet {
        let prior = Sums { seen: FLEET_PRIOR * options.dispersion, expected: FLEET_PRIOR };
        Fleet(vec![prior; options.windows.len()])
    }

    /// Adds a series.
    pub(super) fn add(&mut self, baseline: &Baseline) {
        for (sums, mine) in self.0.iter_mut().zip(&baseline.scatter) {
            sums.seen += mine.seen;
            sums.expected += mine.expected;
        }
    }

    fn dispersion(&self, window: usize) -> f64 {
        self.0.get(window).map_or(1.0, |sums| (sums.seen / sums.expected).max(1.0))
    }
}

/// What a baseline is read with.
#[derive(Clone, Copy)]
pub(super) struct Known<'a> {
    pub(super) fleet: &'a Fleet,
    pub(super) shape: &'a Shape,
    /// The level to believe as long as little is seen.
    pub(super) prior: f64,
    pub(super) options: &'a Options,
}

impl Sums {
    /// `times` observations of nothing.
    fn rest(&mut self, keep: f64, times: f64) {
        let kept = keep.powf(times);
        self.seen *= kept;
        self.expected = self.expected * kept + (1.0 - kept) / (1.0 - keep).max(1e-12);
    }

    fn plus(self, other: &Sums) -> Sums {
        Sums { seen: self.seen + other.seen, expected: self.expected + other.expected }
    }

    fn decay_add(&mut self, keep: f64, seen: f64, expected: f64) {
        self.seen = self.seen * keep + seen;
        self.expected = self.expected * keep + expected;
    }
}

/// How strange a count is: the probit of its mid-p.
pub(super) fn z(count: u64, outlook: &Outlook) -> f64 {
    // Near the middle nothing is decided, and two tails cost more than the rest of the step.
    if (count as f64) <= outlook.mean + outlook.variance.sqrt() {
        return 0.0;
    }
    let tail = |count| stats::tail(count, outlook.mean, outlook.variance);
    stats::probit((tail(count) + tail(count + 1)) / 2.0)
}

/// How much a bucket is believed whose standardised distance is `z` (Noufaily et al. 2013, section 3.5).
pub(super) fn belief(z: f64) -> f64 {
    if z > STRANGE { (STRANGE / z) * (STRANGE / z) } else { 1.0 }
}

/// Factors with mean 1: gamma posteriors around the prior's, and the shape of each: one over its relative variance.
fn shrink<const N: usize>(sums: &[Sums; N], prior: &[f64; N], strength: f64, phi: f64) -> [(f64, f64); N] {
    let seen: f64 = sums.iter().map(|s| s.seen).sum();
    let expected: f64 = sums.iter().zip(prior).map(|(s, p)| s.expected * p).sum();
    let rate = if expected > 0.0 { seen / expected } else { 0.0 };
    let mut factors = [(1.0, strength); N];
    for (i, factor) in factors.iter_mut().enumerate() {
        // An hour that never saw anything may still see something tomorrow.
        let p = prior[i].max(0.02);
        // The prior is worth as much time everywhere, so it counts for less where less was to be seen.
        let (shape, time) = (strength * p + sums[i].seen / phi, strength + rate * sums[i].expected / phi);
        *factor = (shape / time, shape);
    }
    let mean = factors.iter().map(|(f, _)| f).sum::<f64>() / N as f64;
    factors.map(|(factor, weight)| (factor / mean, weight))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_counted_in_from_now_on_leaves_no_dent_in_the_week() {
        let options = Options::default();
        let (fleet, flat) = (Fleet::new(&options), Shape::flat());
        let known = Known { fleet: &fleet, shape: &flat, prior: 1.0, options: &options };
        let start = Time::from_millis(0);
        let mut baseline = Baseline::new(start, &options);
        let learn = |baseline: &mut Baseline, days: i64, count: u64| {
            (0..days * 24).for_each(|_| baseline.learn(count, 1.0, &[], &known));
        };
        learn(&mut baseline, 4, 10);
        // Something with ten an hour of its own.
        baseline.graft(10.0);
        let level = baseline.level(1.0, &fleet);
        assert!((level - 20.0).abs() < 1.0, "{level}");
        learn(&mut baseline, 3, 20);
        let shape = baseline.shape(Some(&flat), &fleet);
        let spread = |factors: &[f64]| {
            factors.iter().copied().fold(0.0, f64::max) / factors.iter().copied().fold(9.0, f64::min)
        };
        assert!(spread(&shape.days) < 1.01, "{:?}", shape.days);
        assert!(spread(&shape.hours) < 1.01, "{:?}", shape.hours);
    }

    #[test]
    fn a_rate_that_is_many_times_as_large_strays_as_many_times() {
        let outlook = Outlook { mean: 4.0, variance: 9.0, doubt: 1.0 };
        assert_eq!(outlook.times(3.0), Outlook { mean: 12.0, variance: 33.0, doubt: 9.0 });
    }
}
