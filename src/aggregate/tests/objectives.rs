//! Shares over many cases: when they are judged, when they are missed, and that nothing depends on how they came.

use std::sync::Arc;

use super::simulation::BEGIN;
use super::world::Chance;
use crate::aggregate::{Aggregate, Options};
use crate::alert::{About, Action, Change};
use crate::sla::objective::{Measure, Objective, Standing, Window};
use crate::time::{Span, Time};
use crate::window::{Judged, Partial, Stamp};

fn objective(window: Window) -> Arc<Objective> {
    let measure = Measure::KeptShare { commitment: "answer".into() };
    Arc::new(Objective { window, minimum_count: 10, ..Objective::new("answered", measure, 0.8) })
}

fn options(window: Window) -> Options {
    Options { objectives: vec![objective(window)], ..Options::default() }
}

fn at(minutes: i64) -> Time {
    BEGIN + Span::from_minutes(minutes)
}

/// What a log says at a minute: in the pane of an earlier minute there were so many, so many of them good.
fn says(log: u32, minute: i64, counted: &[(i64, u64, u64)]) -> Partial {
    let id = objective(Window::Rolling(Span::from_hours(1))).id();
    Partial {
        log,
        stamp: Stamp { next_offset: minute as u64, clock: at(minute) },
        more: false,
        panes: Vec::new(),
        judged: counted
            .iter()
            .map(|(pane, n, good)| (at(*pane), id, Judged { n: *n, good: *good }))
            .collect(),
    }
}

/// What is said of objectives: the action, and the figures.
fn told(aggregate: &mut Aggregate) -> Vec<(Action, u64, u64)> {
    let changes = aggregate.changes();
    aggregate.acknowledge(&changes);
    let figures = |Change { action, alert }: &Change| match &alert.about {
        About::Objective(shortfall) => Some((*action, shortfall.n, shortfall.good)),
        _ => None,
    };
    changes.iter().filter_map(figures).collect()
}

/// An hour passes in which nothing is counted, so that the first bucket is closed.
fn begun(window: Window, logs: u32) -> Aggregate {
    let mut aggregate = <Aggregate>::new(options(window), logs);
    for log in 0..logs {
        aggregate.apply(says(log, 0, &[]));
        aggregate.apply(says(log, 61, &[]));
    }
    assert!(aggregate.judgements()[0].standing == Standing::TooFew);
    aggregate
}

#[test]
fn a_share_is_judged_with_every_pane_and_a_shortfall_ends_when_it_is_met_again() {
    let mut aggregate = begun(Window::Rolling(Span::from_minutes(30)), 1);
    aggregate.apply(says(0, 66, &[(60, 9, 0)]));
    assert_eq!(told(&mut aggregate), [], "too few to say");
    aggregate.apply(says(0, 71, &[(65, 1, 1)]));
    assert_eq!(told(&mut aggregate), [(Action::Raised, 10, 1)]);
    assert_eq!(
        (aggregate.judgements()[0].window_start, aggregate.judgements()[0].window_end),
        (at(40), at(70))
    );
    aggregate.apply(says(0, 76, &[(70, 5, 5)]));
    assert_eq!(told(&mut aggregate), [], "it goes on, and is not said again");
    aggregate.apply(says(0, 81, &[(75, 30, 30)]));
    assert_eq!(told(&mut aggregate), [(Action::Resolved, 45, 36)], "exactly the target is met");
    aggregate.apply(says(0, 121, &[]));
    assert_eq!(aggregate.judgements()[0].counts, Judged::default(), "everything has left the window");
    assert_eq!(aggregate.shortfalls().count(), 1);
}

#[test]
fn counts_that_come_late_change_the_windows_still_to_be_judged() {
    let mut aggregate = begun(Window::Rolling(Span::from_minutes(30)), 1);
    aggregate.apply(says(0, 66, &[(60, 20, 10)]));
    assert_eq!(told(&mut aggregate), [(Action::Raised, 20, 10)]);
    aggregate.apply(says(0, 71, &[(60, 20, 20), (10, 90, 0)]));
    assert_eq!(told(&mut aggregate), [(Action::Resolved, 20, 20)]);
}

/// Two logs, however their partials are interleaved, and with a restart after each of them: the same is said.
#[test]
fn neither_the_order_of_the_sources_nor_a_restart_matters() {
    let minutes: Vec<i64> = (66..400).step_by(5).collect();
    let of = |log: u32| -> Vec<Partial> {
        let mut chance = Chance(7 + u64::from(log));
        let mut count = || (chance.share() * 12.0) as u64;
        let counted =
            |minute: i64, n: u64| says(log, minute, &[(minute - 6, n, n * u64::from(minute % 40 < 20))]);
        minutes.iter().map(|minute| counted(*minute, count())).collect()
    };
    let window = || Window::Rolling(Span::from_minutes(15));
    let run = |partials: Vec<Partial>, restarts: bool| {
        let mut aggregate = begun(window(), 2);
        let mut said = Vec::new();
        for partial in partials {
            aggregate.apply(partial);
            said.extend(told(&mut aggregate));
            if restarts {
                let bytes = postcard::to_stdvec(&aggregate.state()).expect("plain data");
                let state = postcard::from_bytes(&bytes).expect("readable");
                aggregate = Aggregate::from_state(options(window()), 2, state).expect("it fits");
            }
        }
        (said, aggregate.shortfalls().cloned().collect::<Vec<_>>())
    };
    let in_turn: Vec<Partial> = of(0).into_iter().zip(of(1)).flat_map(|(one, other)| [one, other]).collect();
    let one_after_the_other: Vec<Partial> = of(0).into_iter().chain(of(1)).collect();
    let (said, shortfalls) = run(in_turn.clone(), false);
    assert!(said.len() >= 8, "{said:?}");
    assert_eq!(
        run(one_after_the_other, false).1,
        shortfalls,
        "what begins and ends between two looks is said as over"
    );
    assert_eq!(run(in_turn, true), (said, shortfalls));
}
