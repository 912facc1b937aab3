//! Which level do these numbers make? Evidence to factors to level, as two pure functions.

use super::{Because, Evidence, Factor, Factors, Level, Options, Steps};

/// The three factors of this evidence.
pub fn assess(evidence: Evidence, options: &Options) -> Factors {
    let customers = score(evidence.customers as f64, &options.customers);
    let regions = score(evidence.regions as f64, &options.regions);
    let products = score(evidence.products as f64, &options.products);
    let ratio = evidence.complaints as f64 / evidence.complaints_expected.max(0.5);
    // A handful of complaints where none are expected is a large ratio and little harm.
    let ratio = if evidence.complaints < 5 { 0.0 } else { ratio };
    let breaches = evidence.breaches as f64 - evidence.breaches_expected;
    // A doubling time counts the shorter it is; none is infinitely long.
    let speed = if evidence.doubling_hours > 0.0 { 1.0 / evidence.doubling_hours } else { 0.0 };
    let speeds = options.doubling_hours.map(|hours| 1.0 / hours.max(1e-6));
    Factors {
        scope: worst([
            (customers, Because::Customers),
            (regions, Because::Regions),
            (products, Because::Products),
        ]),
        harm: worst([
            (score(ratio, &options.ratio), Because::Ratio),
            (score(breaches, &options.breaches), Because::Breaches),
            (score(evidence.satisfaction_drop, &options.satisfaction_drop), Because::Satisfaction),
        ]),
        urgency: worst([(score(speed, &speeds), Because::Doubling)]),
        evidence,
    }
}

/// The level these factors make; `None` when they are no crisis.
pub fn level(factors: &Factors, options: &Options) -> Option<Level> {
    let mut scores = [factors.scope.score, factors.harm.score, factors.urgency.score];
    scores.sort_unstable();
    let sum: u8 = scores.iter().sum();
    let pair = options.advanced_by_pair && scores[2] >= 3 && scores[1] >= 2;
    // Growth or size alone, without harm, is nothing to grade.
    if sum == 0 || factors.harm.score == 0 {
        None
    } else if pair || sum >= options.advanced_from {
        Some(Level::Advanced)
    } else if sum >= options.intermediate_from {
        Some(Level::Intermediate)
    } else {
        Some(Level::Primary)
    }
}

fn score(value: f64, steps: &Steps) -> u8 {
    steps.iter().filter(|step| value >= **step).count() as u8
}

/// The highest score; at equal scores the first of them.
fn worst<const N: usize>(scores: [(u8, Because); N]) -> Factor {
    let mut worst = Factor::default();
    for (score, because) in scores {
        if score > worst.score {
            worst = Factor { score, because };
        }
    }
    worst
}
