//! How often does it cry wolf, and how soon does it see one? Seeded worlds with a known truth.

use super::world::{Chance, Happening, cell, complaint, watch};
use crate::aggregate::Aggregate;
use crate::alert::About;
use crate::detect::{Finding, Signal};
use crate::time::{Span, Time};

/// A world of products × categories whose rates follow the hour of the day.
pub struct World {
    pub days: i64,
    /// Complaints a day by product.
    pub products: Vec<(&'static str, f64)>,
    pub categories: Vec<(&'static str, f64)>,
    /// Variance over mean of an hour's count in a cell.
    pub phi: f64,
    /// Of which product, from which hour on, for how many hours, times what.
    pub rise: Option<(&'static str, i64, i64, f64)>,
}

pub const BEGIN: Time = Time::from_millis(1_770_000_000_000 / 86_400_000 * 86_400_000);

/// From a tenth at night to twice by day; sums to about 24 over the day.
pub fn profile(hour: i64) -> f64 {
    let phase = (hour - 14) as f64 / 24.0 * std::f64::consts::TAU;
    (1.0 + 0.95 * phase.cos()).max(0.05)
}

impl World {
    pub fn usual() -> World {
        World {
            days: 14,
            products: vec![("a", 400.0), ("b", 240.0), ("c", 200.0), ("d", 120.0), ("e", 60.0), ("f", 24.0)],
            categories: vec![
                ("k1", 0.3),
                ("k2", 0.2),
                ("k3", 0.15),
                ("k4", 0.12),
                ("k5", 0.1),
                ("k6", 0.07),
                ("k7", 0.04),
                ("k8", 0.02),
            ],
            phi: 1.0,
            rise: None,
        }
    }

    pub fn happenings(&self, seed: u64) -> Vec<Happening> {
        let (mut chance, mut all) = (Chance(seed), Vec::new());
        for hour in 0..self.days * 24 {
            for (product, per_day) in &self.products {
                let risen = self
                    .rise
                    .filter(|(of, from, hours, _)| of == product && (*from..from + hours).contains(&hour));
                let times = risen.map_or(1.0, |(.., times)| times);
                let rate = per_day / 24.0 * profile(hour % 24) * times;
                for (category, share) in &self.categories {
                    let n = chance.clumped(rate * share, self.phi);
                    all.extend((0..n).map(|_| {
                        let at = within(hour, &mut chance);
                        complaint(at, cell(product, "unknown", "unknown", category))
                    }));
                }
                for _ in 0..chance.poisson(per_day / 48.0 * profile(hour % 24)) {
                    let praise =
                        complaint(within(hour, &mut chance), cell(product, "unknown", "unknown", "unknown"));
                    all.push(Happening { complaint: false, ..praise });
                }
            }
        }
        all.sort_by_key(|happening| happening.at);
        all
    }

    pub fn end(&self) -> Time {
        BEGIN + Span::from_days(self.days) + Span::from_hours(1)
    }
}

pub fn within(hour: i64, chance: &mut Chance) -> Time {
    BEGIN + Span::from_hours(hour) + Span::from_hours(1).share(chance.share())
}

fn spikes(aggregate: &Aggregate) -> Vec<String> {
    aggregate.signals().map(|signal| format!("p {:e}: {}", signal.p_value, signal.summary().en)).collect()
}

#[test]
fn quiet_worlds_are_quiet() {
    // Variance over mean, and how many false finds there may be in 20 fortnights of 65 nodes.
    for (phi, allowed) in [(1.0, 2), (2.0, 16)] {
        let world = World { phi, ..World::usual() };
        let found: Vec<String> =
            (0..20).flat_map(|seed| spikes(&watch(&world.happenings(seed), world.end()).0)).collect();
        assert!(found.len() <= allowed, "phi {phi}: {found:#?}");
    }
}

#[test]
fn a_rise_is_found_within_six_hours_and_said_once() {
    let (worlds, mut in_time, mut signals) = (20, 0, 0);
    for seed in 0..worlds {
        let from = 24 * 8 + 6 + seed * 5 % 12;
        let world = World { phi: 1.5, rise: Some(("c", from, 12, 2.5)), ..World::usual() };
        let (aggregate, said) = watch(&world.happenings(seed as u64 + 1_000), world.end());
        let begin = BEGIN + Span::from_hours(from);
        let of_product = |signal: &Signal| {
            signal.series.depth() == 1
                && signal.series.product.as_deref() == Some("c")
                && signal.window_end > begin
        };
        signals += aggregate.signals().filter(|signal| of_product(signal)).count();
        let limit = begin + Span::from_hours(6) + Span::from_minutes(10);
        in_time += i32::from(said.iter().any(|(now, change)| {
            let About::Signal(signal) = &change.alert.about else { return false };
            *now >= begin && *now <= limit && of_product(signal)
        }));
        let ended = |signal: &&Signal| of_product(signal) && signal.ended.is_none();
        assert_eq!(aggregate.signals().filter(ended).count(), 0, "seed {seed}: days later it is over");
    }
    assert!(in_time >= 18, "{in_time} of {worlds} in time");
    assert!(signals <= 23, "{signals} signals for {worlds} rises");
}

#[test]
fn clumps_in_a_small_series_are_no_spike() {
    let mut found = Vec::new();
    for seed in 0..20 {
        let mut world = World { products: vec![("large", 300.0)], ..World::usual() };
        let mut happenings = world.happenings(seed);
        world.products = vec![("small", 12.0)];
        happenings.extend(world.happenings(seed + 50));
        let mut chance = Chance(seed + 77);
        // Eight more a day, in clumps of two to eight within an hour.
        for _ in 0..world.days * 8 / 5 {
            let hour = chance.below(world.days as u64 * 24) as i64;
            for _ in 0..2 + chance.below(7) {
                happenings
                    .push(complaint(within(hour, &mut chance), cell("small", "unknown", "unknown", "k1")));
            }
        }
        happenings.sort_by_key(|happening| happening.at);
        let (aggregate, _) = watch(&happenings, world.end());
        let small = spikes(&aggregate).into_iter().filter(|spike| spike.contains("product small"));
        found.extend(small.map(|spike| format!("seed {seed}: {spike}")));
    }
    assert!(found.is_empty(), "{found:#?}");
}

#[test]
fn who_arrives_is_new_and_no_spike_of_anything() {
    for seed in 0..5 {
        let world = World::usual();
        let mut happenings = world.happenings(seed);
        let strays = [3, 30, 77, 100]
            .map(|hour| complaint(BEGIN + Span::from_hours(hour), cell("late", "unknown", "unknown", "k1")));
        happenings.extend(strays);
        let late = World { products: vec![("late", 500.0)], ..World::usual() };
        let begin = BEGIN + Span::from_days(6) + Span::from_hours(9);
        happenings.extend(late.happenings(seed + 9).into_iter().filter(|happening| happening.at >= begin));
        happenings.sort_by_key(|happening| happening.at);
        let (aggregate, _) = watch(&happenings, world.end());
        let found: Vec<&Signal> = aggregate.signals().collect();
        assert!(found.iter().all(|signal| signal.finding == Finding::NewSeries), "seed {seed}: {found:#?}");
        let [new] = found[..] else { panic!("seed {seed}: {found:#?}") };
        assert_eq!(new.series.product.as_deref(), Some("late"));
        let learned = new.ended.expect("after days it is known") - begin;
        assert!(learned >= Span::from_hours(48) && learned <= Span::from_hours(96), "{learned}");
        assert_eq!(aggregate.crises().count(), 0);
    }
}
