//! Does it hold on what really happened? Customer messages to six airlines, 16 to 24 February 2015.

use std::collections::BTreeSet;
use std::path::PathBuf;

use super::world::{Chance, Happening, cell, watch};
use crate::aggregate::Aggregate;
use crate::detect::{Finding, Signal};
use crate::time::{Span, Time};

/// The file, where it is.
fn data() -> Option<PathBuf> {
    let beside = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared/data");
    let root = std::env::var_os("WATCHBELL_DATA").map_or(beside, PathBuf::from);
    let file = root.join("feedback/airline_feedback_2015-02.csv.gz");
    file.exists().then_some(file)
}

fn happenings(file: &PathBuf) -> Vec<Happening> {
    let gzip = flate2::read::GzDecoder::new(std::fs::File::open(file).expect("it exists"));
    let mut reader = csv::Reader::from_reader(gzip);
    let (mut seen, mut happenings) = (BTreeSet::new(), Vec::new());
    for row in reader.records() {
        let row = row.expect("well-formed CSV");
        let &[id, sentiment, _, reason, _, airline, created] = &row.iter().collect::<Vec<_>>()[..] else {
            panic!("seven columns")
        };
        if !seen.insert(id.to_owned()) {
            continue;
        }
        // Days since 1899-12-30 in Los Angeles, where it was winter (UTC−8) the whole time.
        let days: f64 = created.parse().expect("a day number");
        let at = Time::from_millis(((days - 25_569.0) * 86_400_000.0).round() as i64) + Span::from_hours(8);
        let category = if reason.is_empty() { "unknown" } else { reason };
        happenings.push(Happening {
            at,
            cell: cell(airline, "unknown", "unknown", category),
            complaint: sentiment == "negative",
            breach: false,
            customer: None,
            score: None,
        });
    }
    happenings.sort_by_key(|happening| happening.at);
    happenings
}

fn local(text: &str) -> Time {
    Time::parse(&format!("{text}:00-08:00")).expect("an instant")
}

/// The file's events; loudly nothing where it is missing, which in CI is a failure.
fn storm() -> Option<Vec<Happening>> {
    let file = data();
    // Without the file there is nothing to judge; where that must not pass unnoticed it fails.
    let may_miss = std::env::var_os("CI").is_none() && std::env::var_os("WATCHBELL_DATA").is_none();
    assert!(file.is_some() || may_miss, "the airline feedback data must be present in CI");
    Some(happenings(&file?))
}

fn of<'a>(aggregate: &'a Aggregate, airline: &str) -> Vec<&'a Signal> {
    aggregate.signals().filter(|signal| signal.series.product.as_deref() == Some(airline)).collect()
}

/// Whether the airline as a whole was found to rise on 22 February.
fn rose(aggregate: &Aggregate, airline: &str) -> bool {
    let day = local("2015-02-22T00:00")..local("2015-02-23T00:00");
    of(aggregate, airline).iter().any(|signal| {
        signal.finding == Finding::Spike
            && signal.series.depth() == 1
            && signal.window_end > day.start
            && signal.window_start < day.end
    })
}

const END: &str = "2015-02-24T12:00";

#[test]
fn the_winter_storm_is_found_and_nothing_else() {
    let Some(storm) = storm() else { return };
    assert_eq!(storm.len(), 14_485);
    let (aggregate, _) = watch(&storm, local(END));
    let risen: Vec<&str> =
        ["US Airways", "Delta", "United"].into_iter().filter(|airline| rose(&aggregate, airline)).collect();
    assert!(risen.len() >= 2, "only {risen:?}");
    for signal in aggregate.signals() {
        assert!(signal.window_start >= local("2015-02-20T00:00"), "{}", signal.summary().en);
    }
    assert!(of(&aggregate, "Virgin America").is_empty());
    let american: Vec<(Finding, usize)> =
        of(&aggregate, "American").iter().map(|signal| (signal.finding, signal.series.depth())).collect();
    assert_eq!(
        american,
        [(Finding::NewSeries, 1)],
        "it begins, which is no spike, neither of it nor of its categories"
    );
    let crises: Vec<String> = aggregate.crises().map(|crisis| crisis.summary().en).collect();
    assert!(crises.len() <= 4, "one crisis for each cause: {crises:#?}");
    assert!(aggregate.crises().all(|crisis| crisis.began >= local("2015-02-20T00:00")));
}

#[test]
fn it_does_not_hang_on_single_messages() {
    let Some(storm) = storm() else { return };
    let (worlds, mut found, mut early) = (12, 0, 0);
    for seed in 0..worlds {
        let mut chance = Chance(seed);
        // Other buckets, too: the hours are cut elsewhere.
        let shift = Span::from_minutes(seed as i64 * 5);
        let kept = storm.iter().filter(|_| chance.share() >= 0.15);
        let kept: Vec<Happening> =
            kept.map(|happening| Happening { at: happening.at + shift, ..happening.clone() }).collect();
        let (aggregate, _) = watch(&kept, local(END));
        let risen = ["US Airways", "Delta", "United"].into_iter().filter(|airline| rose(&aggregate, airline));
        found += u32::from(risen.count() >= 2);
        early += aggregate.signals().filter(|signal| signal.window_start < local("2015-02-20T00:00")).count();
        assert!(of(&aggregate, "Virgin America").is_empty(), "seed {seed}");
        assert!(
            of(&aggregate, "American").iter().all(|signal| signal.finding == Finding::NewSeries),
            "seed {seed}"
        );
    }
    assert!(found >= 9, "found in {found} of {worlds}");
    assert!(early <= 1, "{early} before anything rose");
}
