//! Does a signal say what it should, and is it the same after its codecs?

use super::*;

fn signal() -> Signal {
    Signal {
        series: Series::margin(Dimension::Product, "Delta".into()),
        measure: Measure::Complaints,
        finding: Finding::Spike,
        window_start: Time::parse("2015-02-22T03:00:00Z").expect("an instant"),
        window_end: Time::parse("2015-02-22T17:00:00Z").expect("an instant"),
        observed: 101,
        expected: 42.31,
        p_value: 7.73e-5,
        ended: None,
    }
}

#[test]
fn it_reads_in_both_languages() {
    let spike = signal();
    assert_eq!(
        spike.summary().en,
        "product Delta: 101 complaints in 14 h since 2015-02-22T03:00:00Z, 42 expected (2.4 times)"
    );
    assert_eq!(
        spike.summary().zh,
        "产品“Delta”：投诉异常增多，自 2015-02-22T03:00:00Z 起 14 小时内 101 件，预期 42 件（2.4 倍）"
    );
    let new = Signal { finding: Finding::NewSeries, ..signal() };
    assert_eq!(
        new.summary().zh,
        "产品“Delta”：2015-02-22T03:00:00Z 起新出现，14 小时内投诉 101 件，尚无历史数据可供比较"
    );
    let breaches = Signal { measure: Measure::Breaches, series: Series::all(), ..signal() };
    assert!(breaches.summary().en.starts_with("everything: 101 broken promises in 14 h"));
    assert_eq!(breaches.detector(), "breach_spike");
}

#[test]
fn it_survives_its_codecs() {
    for ended in [None, Some(Time::from_millis(1_424_700_000_000))] {
        let signal = Signal { ended, ..signal() };
        let json = serde_json::to_string(&signal).expect("it is serialised");
        assert_eq!(serde_json::from_str::<Signal>(&json).expect("and read back"), signal);
        let bytes = postcard::to_stdvec(&signal).expect("it is serialised");
        assert_eq!(postcard::from_bytes::<Signal>(&bytes).expect("and read back"), signal);
    }
}

/// A detector that was fed `hours` of `rate(hour)` complaints of one product.
fn fed(hours: i64, rate: impl Fn(i64) -> u64) -> Detector {
    let (mut detector, options) = (Detector::default(), Options::default());
    let cell = crate::window::Cell {
        product: "p".into(),
        region: "unknown".into(),
        channel: "unknown".into(),
        category: "unknown".into(),
    };
    for hour in 0..hours {
        let at = Time::from_millis(0) + Span::from_hours(hour);
        let n = rate(hour);
        if n > 0 {
            let tally = Tally { activity: n, complaints: n, breaches: 0 };
            detector.count(at, Tallies::from([(cell.clone(), tally)]));
        }
        detector.close(at + options.bucket, &options);
    }
    detector
}

fn found(detector: &Detector) -> Vec<(String, u64, bool)> {
    detector.signals().map(|s| (s.series.key(), s.observed, s.ended.is_some())).collect()
}

#[test]
fn a_day_is_expected_where_there_was_one_before() {
    let by_day = |hour: i64| if (8..18).contains(&(hour % 24)) { 20 } else { 2 };
    assert_eq!(found(&fed(24 * 12, by_day)), []);
    let at_night = |hour: i64| if hour / 24 == 9 && hour % 24 < 4 { 20 } else { by_day(hour) };
    let signals = found(&fed(24 * 12, at_night));
    assert_eq!(signals, [("product=1:p;".to_owned(), 80, true)], "the same at night is a spike, and one");
}

#[test]
fn a_spike_does_not_become_its_own_baseline() {
    let rate = |hour: i64| if (hour / 24) % 4 == 3 && (8..16).contains(&(hour % 24)) { 30 } else { 6 };
    let signals = found(&fed(24 * 24, rate));
    let days_found = signals.iter().filter(|(series, ..)| series == "product=1:p;").count();
    assert!(days_found >= 5, "every fourth day, one by one: {signals:?}");
}

#[test]
fn what_stays_is_the_new_normal() {
    let rate = |hour: i64| if hour >= 24 * 8 { 25 } else { 10 };
    let detector = fed(24 * 60, rate);
    let signals = found(&detector);
    assert_eq!(signals.iter().filter(|(series, ..)| series == "product=1:p;").count(), 1, "{signals:?}");
    assert_eq!(detector.active().count(), 0, "{signals:?}");
}

#[test]
fn silence_is_learned_alike_at_once_and_by_the_hour() {
    let options = Options::default();
    let rate = |hour: i64| if hour < 24 * 6 { 10 } else { 0 };
    let level = |detector: &Detector, hour: i64| {
        let from = Time::from_millis(0) + Span::from_hours(hour);
        let series = Series::margin(Dimension::Product, "p".into());
        let to = from + Span::from_hours(24);
        let view = detector.view(to, &options);
        view.compare(&series, Measure::Complaints, (from, to)).map_or(0.0, |(_, mean)| mean)
    };
    let hourly = level(&fed(24 * 30, rate), 24 * 30);
    let before = level(&fed(24 * 7, rate), 24 * 7);
    assert!(hourly < before * 0.35 && hourly > before * 0.05, "{before} → {hourly}");
}

fn cell(product: &str, region: &str, category: &str) -> crate::window::Cell {
    crate::window::Cell {
        product: product.into(),
        region: region.into(),
        channel: "unknown".into(),
        category: category.into(),
    }
}

/// A detector that was fed, every hour of so many days, one complaint of each of these cells.
fn steady(days: i64, cells: &[crate::window::Cell], options: &Options) -> Detector {
    let mut detector = Detector::default();
    let one = Tally { activity: 1, complaints: 1, breaches: 0 };
    for hour in 0..days * 24 {
        let at = Time::from_millis(0) + Span::from_hours(hour);
        detector.count(at, cells.iter().map(|cell| (cell.clone(), one)).collect());
        detector.close(at + options.bucket, options);
    }
    detector
}

#[test]
fn a_window_is_cut_off_on_both_sides_alike() {
    let options = Options::default();
    let detector = steady(10, &[cell("p", "r", "c")], &options);
    let end = Time::from_millis(0) + Span::from_days(10);
    let view = detector.view(end, &options);
    let product = Series::margin(Dimension::Product, "p".into());
    let (seen, mean) =
        view.compare(&product, Measure::Complaints, (Time::from_millis(0), end)).expect("a node");
    assert_eq!(seen, 49, "as far back as counts are kept");
    assert!((mean - 49.0).abs() < 8.0, "{mean}");
}

#[test]
fn what_two_nodes_have_in_common_need_not_be_a_node() {
    let options = Options::default();
    let cells = [cell("p", "r", "c"), cell("p", "r", "d"), cell("q", "r", "c"), cell("q", "s", "d")];
    let detector = steady(10, &cells, &options);
    let end = Time::from_millis(0) + Span::from_days(10);
    let view = detector.view(end, &options);
    let node = |dimension, value: &str| Series::margin(dimension, value.into());
    let day = (end - Span::from_days(1), end);
    let common = |a: &Series, b: &Series| view.common((a, b), Measure::Complaints, day);
    let (p, r, c) =
        (node(Dimension::Product, "p"), node(Dimension::Region, "r"), node(Dimension::Category, "c"));
    assert_eq!(p.meet(&c).and_then(|meet| view.compare(&meet, Measure::Complaints, day)), None, "no node");
    let (seen, mean) = common(&p, &c).expect("they differ in no dimension");
    assert_eq!(seen, 24);
    assert!((mean - 24.0).abs() < 3.0, "half of half of everything: {mean}");
    assert_eq!(common(&p, &p).map(|(seen, _)| seen), Some(48));
    assert_eq!(common(&p, &r).map(|(seen, _)| seen), Some(48));
    assert_eq!(common(&p, &node(Dimension::Product, "q")), None);
}

#[test]
fn there_is_a_maximum_of_nodes() {
    let options = Options { nodes_max: 5, ..Options::default() };
    let cells = [cell("p", "r", "unknown"), cell("q", "s", "unknown")];
    let detector = steady(4, &cells, &options);
    let all = Series::all();
    let end = Time::from_millis(0) + Span::from_days(4);
    let view = detector.view(end, &options);
    let (broad, fine): (Vec<&Series>, Vec<&Series>) =
        view.below(&all).partition(|series| series.depth() == 1);
    assert_eq!((broad.len(), fine.len()), (4, 1), "margins are made in any case");
    let (seen, _) = view.compare(&all, Measure::Complaints, (end - Span::from_days(1), end)).expect("a node");
    assert_eq!(seen, 48, "and nothing is lost above");
}

#[test]
fn a_region_first_named_in_an_outage_does_not_hide_it() {
    let options = Options::default();
    let mut detector =
        steady(6, &[cell("p", "unknown", "unknown"), cell("q", "unknown", "unknown")], &options);
    for hour in 6 * 24..6 * 24 + 6 {
        let at = Time::from_millis(0) + Span::from_hours(hour);
        let many = Tally { activity: 30, complaints: 30, breaches: 0 };
        detector.count(at, Tallies::from([(cell("p", "north", "unknown"), many)]));
        detector.close(at + options.bucket, &options);
    }
    let found: Vec<(Finding, String)> = detector.signals().map(|s| (s.finding, s.series.name().en)).collect();
    assert!(found.contains(&(Finding::Spike, "product p".to_owned())), "{found:?}");
    assert!(found.contains(&(Finding::NewSeries, "region north".to_owned())), "{found:?}");
    assert!(found.iter().all(|(finding, name)| *finding == Finding::NewSeries || !name.contains("north")));
}
