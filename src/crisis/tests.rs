//! Is it graded as the guide says, without flapping, with its numbers?

use std::collections::BTreeMap;

use super::*;
use crate::detect::{Dimension, Finding, Measure, Signal};
use crate::window::Scores;

/// A world in which every series sees the same numbers.
#[derive(Clone, Default)]
struct Told {
    /// Observed and expected, in the last window and the one before.
    last: (u64, f64),
    before: (u64, f64),
    now: Time2,
    facts: Facts,
    nodes: BTreeMap<Series, (u64, f64)>,
}

#[derive(Clone, Copy)]
struct Time2(Time);

impl Default for Time2 {
    fn default() -> Time2 {
        Time2(Time::MIN)
    }
}

impl Witness for Told {
    fn compare(&self, series: &Series, measure: Measure, (_, to): (Time, Time)) -> Option<(u64, f64)> {
        match measure {
            Measure::Breaches => Some((0, 0.0)),
            Measure::Complaints if !self.nodes.is_empty() => self.nodes.get(series).copied(),
            Measure::Complaints if to < self.now.0 => Some(self.before),
            Measure::Complaints => Some(self.last),
        }
    }

    fn common(
        &self,
        (a, b): (&Series, &Series),
        measure: Measure,
        window: (Time, Time),
    ) -> Option<(u64, f64)> {
        self.compare(&a.meet(b)?, measure, window)
    }

    fn below(&self, series: &Series) -> Vec<Series> {
        self.nodes.keys().filter(|node| series.contains(node) && *node != series).cloned().collect()
    }

    fn facts(&self, _: &Series, _: (Time, Time)) -> Facts {
        self.facts.clone()
    }
}

fn hour(n: i64) -> Time {
    Time::from_millis(n * 3_600_000)
}

fn product(name: &str) -> Series {
    Series::margin(Dimension::Product, name.into())
}

fn spike(series: Series, start: i64) -> Signal {
    Signal {
        series,
        measure: Measure::Complaints,
        finding: Finding::Spike,
        window_start: hour(start),
        window_end: hour(start + 1),
        observed: 60,
        expected: 20.0,
        p_value: 1e-9,
        ended: None,
    }
}

fn told(now: i64, last: (u64, f64), customers: u64, regions: usize) -> Told {
    let names = ["n", "s", "e", "w", "c", "o", "p", "q"];
    let regions = names.iter().take(regions).map(|name| ((*name).into(), last.0)).collect();
    let facts = Facts { customers, cases: last.0, regions, ..Facts::default() };
    Told { last, before: last, now: Time2(hour(now)), facts, nodes: BTreeMap::new() }
}

#[test]
fn the_matrix() {
    let check = |scope, harm, urgency, expect| {
        let factor = |score| Factor { score, because: Because::Nothing };
        let factors = Factors {
            scope: factor(scope),
            harm: factor(harm),
            urgency: factor(urgency),
            evidence: Evidence::default(),
        };
        assert_eq!(level(&factors, &Options::default()), expect, "{scope} {harm} {urgency}");
    };
    check(0, 0, 0, None);
    check(3, 0, 3, None);
    check(0, 1, 0, Some(Level::Primary));
    check(1, 1, 1, Some(Level::Primary));
    check(2, 1, 1, Some(Level::Intermediate));
    check(2, 2, 2, Some(Level::Intermediate));
    check(3, 1, 1, Some(Level::Intermediate));
    check(3, 2, 0, Some(Level::Advanced));
    check(0, 3, 2, Some(Level::Advanced));
    check(3, 3, 3, Some(Level::Advanced));
}

#[test]
fn factors_name_the_number_that_made_them() {
    let evidence = Evidence {
        customers: 120,
        regions: 7,
        complaints: 80,
        complaints_expected: 20.0,
        breaches: 4,
        doubling_hours: 5.0,
        ..Evidence::default()
    };
    let factors = assess(evidence, &Options::default());
    assert_eq!(factors.scope, Factor { score: 3, because: Because::Regions });
    assert_eq!(factors.harm, Factor { score: 2, because: Because::Ratio });
    assert_eq!(factors.urgency, Factor { score: 2, because: Because::Doubling });
    let few = Evidence { complaints: 4, complaints_expected: 0.1, breaches: 1, ..Evidence::default() };
    assert_eq!(
        level(&assess(few, &Options::default()), &Options::default()),
        None,
        "a single breach is no crisis"
    );
}

/// Steps a desk with one spike that goes on while `told` says so, and lists the level after each hour.
fn levels(hours: impl IntoIterator<Item = Option<Told>>) -> (Vec<Option<Level>>, Crisis) {
    let (mut desk, options, signal) = (Desk::default(), Options::default(), spike(product("p"), 0));
    let mut levels = Vec::new();
    for (n, told) in (1..).zip(hours) {
        let active = if told.is_some() { vec![&signal] } else { Vec::new() };
        desk.step(hour(n), &active, &Told { now: Time2(hour(n)), ..told.unwrap_or_default() }, &options);
        let open = desk.cases().next().filter(|case| case.crisis.ended.is_none());
        levels.push(open.map(|case| case.crisis.level));
    }
    let crisis = desk.cases().next().expect("a crisis").crisis.clone();
    (levels, crisis)
}

#[test]
fn up_at_once_down_after_the_hold_over_after_another() {
    let mild = Some(told(0, (40, 20.0), 10, 1));
    let wide = Some(told(0, (70, 20.0), 150, 3));
    let extreme = Some(told(0, (200, 20.0), 600, 6));
    let hours = [mild.clone(), wide, extreme].into_iter().chain(vec![mild; 7]).chain(vec![None; 7]);
    let (levels, crisis) = levels(hours);
    use Level::{Advanced, Intermediate, Primary};
    let mut expect = vec![Some(Primary), Some(Intermediate)];
    expect.extend([Some(Advanced); 7]);
    expect.extend([Some(Primary); 7]);
    expect.push(None);
    assert_eq!(levels, expect);
    let reasons: Vec<Reason> = crisis.steps.iter().map(|step| step.reason).collect();
    assert_eq!(
        reasons,
        [
            Reason::Reached { scope: 0, harm: 1, urgency: 0 },
            Reason::Reached { scope: 2, harm: 2, urgency: 0 },
            Reason::Reached { scope: 3, harm: 3, urgency: 0 },
            Reason::Calm { hours: 6 },
        ]
    );
    assert_eq!(crisis.response.len(), 3, "how to recover");
    assert!(crisis.response[0].zh.contains("安抚和赔偿"));
}

#[test]
fn it_does_not_flap() {
    let mild = Some(told(0, (40, 20.0), 10, 1));
    let wide = Some(told(0, (70, 20.0), 150, 3));
    let hours = (0..40).map(|n| if n % 3 == 0 { wide.clone() } else { mild.clone() });
    let (levels, crisis) = levels(hours);
    assert!(levels.iter().all(|level| *level == Some(Level::Intermediate)), "{levels:?}");
    assert_eq!(crisis.steps.len(), 1);
}

#[test]
fn what_is_only_new_or_hardly_more_is_no_crisis() {
    let (mut desk, options) = (Desk::default(), Options::default());
    let new = Signal { finding: Finding::NewSeries, ..spike(product("p"), 0) };
    desk.step(hour(1), &[&new], &told(1, (200, 20.0), 600, 6), &options);
    desk.step(hour(2), &[&spike(product("q"), 1)], &told(2, (22, 20.0), 3, 1), &options);
    assert_eq!(desk.cases().count(), 0);
}

#[test]
fn kin_are_one_crisis_and_strangers_are_two() {
    let (mut desk, options) = (Desk::default(), Options::default());
    let region = Series::margin(Dimension::Region, "r".into());
    let pair = product("p").meet(&region).expect("they fix different dimensions");
    let cell = pair.meet(&Series::margin(Dimension::Category, "c".into())).expect("another dimension");
    let signals = [spike(product("p"), 0), spike(region.clone(), 0), spike(cell, 0), spike(product("q"), 0)];
    let active: Vec<&Signal> = signals.iter().collect();
    let mut told = told(1, (80, 20.0), 30, 1);
    told.nodes.insert(product("p"), (80, 20.0));
    told.nodes.insert(product("q"), (80, 20.0));
    told.nodes.insert(region, (90, 30.0));
    // Nearly all of the product's excess is in that region.
    told.nodes.insert(pair.clone(), (65, 6.0));
    desk.step(hour(1), &active, &told, &options);
    let crises: Vec<&Crisis> = desk.cases().map(|case| &case.crisis).collect();
    assert_eq!(crises.len(), 2, "{crises:#?}");
    assert_eq!((&crises[0].series, crises[0].signals), (&pair, 3));
    assert_eq!((&crises[1].series, crises[1].signals), (&product("q"), 1));
}

#[test]
fn two_margins_agree_when_what_they_share_explains_them() {
    let (mut desk, options) = (Desk::default(), Options::default());
    let region = Series::margin(Dimension::Region, "r".into());
    let pair = product("p").meet(&region).expect("they fix different dimensions");
    let mut told = told(1, (80, 20.0), 30, 1);
    told.nodes.insert(product("p"), (80, 20.0));
    told.nodes.insert(region.clone(), (90, 30.0));
    told.nodes.insert(pair.clone(), (65, 6.0));
    let signals = [spike(product("p"), 0), spike(region.clone(), 0)];
    desk.step(hour(1), &[&signals[0], &signals[1]], &told, &options);
    let named: Vec<Series> = desk.cases().map(|case| case.crisis.series.clone()).collect();
    assert_eq!(named, std::slice::from_ref(&pair));
    told.nodes.insert(pair, (8, 6.0));
    let mut apart = Desk::default();
    apart.step(hour(1), &[&signals[0], &signals[1]], &told, &options);
    assert_eq!(apart.cases().count(), 2, "what they share is ordinary");
}

#[test]
fn a_fall_of_satisfaction_counts_only_with_its_interval() {
    let scores = |n: u64, mean: f64| Scores {
        n,
        sum_milli: (n as f64 * mean * 1e3) as i64,
        // A standard deviation of one.
        sum_squares_micro: (n as f64 * (mean * mean + 1.0) * 1e6) as i64,
    };
    let drop = |n| super::desk::satisfaction_drop(&scores(n, 4.2), &scores(n, 3.4), (1.0, 5.0));
    assert!((drop(50) - 20.0).abs() < 0.01);
    assert_eq!(drop(11), 0.0, "the interval does not support it");
}

#[test]
fn a_hand_wins_until_it_is_withdrawn() {
    let (mut desk, options, signal) = (Desk::default(), Options::default(), spike(product("p"), 0));
    let mild = told(1, (40, 20.0), 10, 1);
    desk.step(hour(1), &[&signal], &mild, &options);
    assert!(desk.grade(&product("p"), hour(0), Grade::Level(Level::Advanced), hour(1)));
    for n in 2..20 {
        desk.step(hour(n), &[&signal], &Told { now: Time2(hour(n)), ..mild.clone() }, &options);
    }
    let level = |desk: &Desk| desk.cases().next().map(|case| case.crisis.level);
    assert_eq!(level(&desk), Some(Level::Advanced));
    assert!(desk.grade(&product("p"), hour(0), Grade::Withdrawn, hour(20)));
    for n in 21..30 {
        desk.step(hour(n), &[&signal], &Told { now: Time2(hour(n)), ..mild.clone() }, &options);
    }
    assert_eq!(level(&desk), Some(Level::Primary));
    assert!(!desk.grade(&product("q"), hour(0), Grade::Over, hour(30)), "there is no such crisis");
}

#[test]
fn it_reads_in_both_languages_and_survives_its_codecs() {
    let (_, mut crisis) = levels([Some(told(0, (70, 20.0), 150, 3))]);
    assert_eq!(
        crisis.summary().en,
        "product p: intermediate service crisis since 1970-01-01T00:00:00Z (scope 2/3: 150 customers; harm 2/3: 70 \
         complaints, 20.0 expected; urgency 0/3)"
    );
    assert_eq!(
        crisis.summary().zh,
        "产品“p”：中级服务危机，始于 1970-01-01T00:00:00Z（影响范围 2/3：受影响客户 150 位；危害程度 2/3：投诉 70 件，预期 20.0 件；紧急程度 0/3）"
    );
    for ended in [None, Some(hour(9))] {
        crisis.ended = ended;
        let json = serde_json::to_string(&crisis).expect("it is serialised");
        assert_eq!(serde_json::from_str::<Crisis>(&json).expect("and read back"), crisis);
        let bytes = postcard::to_stdvec(&crisis).expect("it is serialised");
        assert_eq!(postcard::from_bytes::<Crisis>(&bytes).expect("and read back"), crisis);
    }
}

#[test]
fn a_step_is_no_growth() {
    let (mut desk, options, signal) = (Desk::default(), Options::default(), spike(product("p"), 0));
    let nothing_before = Told { before: (0, 20.0), ..told(1, (60, 20.0), 30, 1) };
    desk.step(hour(1), &[&signal], &nothing_before, &options);
    let urgency = |desk: &Desk| desk.cases().next().map(|case| case.crisis.factors.urgency.score);
    assert_eq!(urgency(&desk), Some(0), "an hour after it began there is nothing to compare");
    let growing = Told { before: (60, 20.0), ..told(8, (250, 20.0), 30, 1) };
    desk.step(hour(8), &[&signal], &growing, &options);
    assert_eq!(urgency(&desk), Some(3), "more than four times as many in four hours");
}

#[test]
fn a_region_that_always_complains_is_not_touched() {
    let regions = BTreeMap::from([("r".into(), 60), ("s".into(), 20)]);
    let facts = Facts { customers: 30, cases: 80, regions, ..Facts::default() };
    let mut told = Told { facts, ..told(1, (80, 30.0), 30, 1) };
    let region = |name: &str| Series::margin(Dimension::Region, name.into());
    let of_p = |name| product("p").meet(&region(name)).expect("they fix different dimensions");
    told.nodes =
        BTreeMap::from([(product("p"), (80, 30.0)), (of_p("r"), (60, 9.0)), (of_p("s"), (20, 21.0))]);
    let mut desk = Desk::default();
    desk.step(hour(1), &[&spike(product("p"), 0)], &told, &Options::default());
    let crisis = &desk.cases().next().expect("a crisis").crisis;
    assert_eq!(crisis.factors.evidence.regions, 1);
    assert_eq!(crisis.series, of_p("r"));
}

#[test]
fn signals_of_different_measures_meet_in_what_both_have_too_much_of() {
    let (mut desk, options) = (Desk::default(), Options::default());
    let region = Series::margin(Dimension::Region, "r".into());
    let pair = product("p").meet(&region).expect("they fix different dimensions");
    let mut told = told(1, (80, 20.0), 30, 1);
    told.nodes = BTreeMap::from([(product("p"), (80, 20.0)), (region.clone(), (30, 30.0)), (pair, (7, 6.0))]);
    // In complaints the region has no excess at all, so that what they share is more than half of it means nothing.
    let broken = Signal { measure: Measure::Breaches, ..spike(region, 0) };
    desk.step(hour(1), &[&spike(product("p"), 0), &broken], &told, &options);
    assert!(desk.cases().all(|case| case.crisis.signals == 1), "{:#?}", desk.cases().collect::<Vec<_>>());
}

#[test]
fn a_name_becomes_finer_while_more_is_seen() {
    let (mut desk, options, signal) = (Desk::default(), Options::default(), spike(product("p"), 0));
    let pair = product("p").meet(&Series::margin(Dimension::Region, "r".into())).expect("other dimensions");
    let mut told = told(1, (80, 20.0), 30, 1);
    told.nodes = BTreeMap::from([(product("p"), (80, 20.0)), (pair.clone(), (30, 5.0))]);
    desk.step(hour(1), &[&signal], &told, &options);
    told.nodes = BTreeMap::from([(product("p"), (200, 40.0)), (pair.clone(), (170, 10.0))]);
    desk.step(hour(2), &[&signal], &told, &options);
    told.nodes = BTreeMap::from([(product("p"), (300, 60.0)), (pair.clone(), (170, 15.0))]);
    desk.step(hour(3), &[&signal], &told, &options);
    let crisis = &desk.cases().next().expect("a crisis").crisis;
    assert_eq!((&crisis.opened_as, &crisis.series), (&product("p"), &pair), "and not back again");
}

#[test]
fn a_bad_day_elsewhere_does_not_hide_where_nearly_all_of_it_is() {
    let pair = product("p").meet(&Series::margin(Dimension::Region, "r".into())).expect("other dimensions");
    // Elsewhere there are more than usual, 13 or 23 of 2.6.
    for (within, named) in [((100, 0.8), pair.clone()), ((90, 0.8), product("p"))] {
        let mut told = told(1, (113, 3.4), 30, 1);
        told.nodes = BTreeMap::from([(product("p"), (113, 3.4)), (pair.clone(), within)]);
        let mut desk = Desk::default();
        desk.step(hour(1), &[&spike(product("p"), 0)], &told, &Options::default());
        let crisis = &desk.cases().next().expect("a crisis").crisis;
        assert_eq!(crisis.series, named, "{within:?}");
    }
}
