//! Does it say the same however the partials arrive? Interleavings, repeats, stale copies, snapshots, silent sources.

use std::borrow::Cow;

use super::simulation::{BEGIN, World};
use super::world::{Chance, Happening, cell, complaint, feed, partials, watch};
use crate::aggregate::{Aggregate, Options, State, StateError};
use crate::alert::{About, Action, Change, Status, say};
use crate::crisis::{Grade, Level};
use crate::detect::{Finding, Measure, Signal};
use crate::time::{Span, Time};
use crate::window::{Counts, Partial, Stamp};

fn rise() -> World {
    World { days: 7, rise: Some(("c", 24 * 5 + 8, 12, 3.0)), ..World::usual() }
}

fn run(logs: u32, partials: Vec<Partial>) -> (Aggregate, Vec<Change>) {
    let mut aggregate = <Aggregate>::new(Options::default(), logs);
    let said = feed(&mut aggregate, partials);
    (aggregate, said)
}

fn signals(aggregate: &Aggregate) -> Vec<Signal> {
    aggregate.signals().cloned().collect()
}

/// One of the orders in which the sources' own order is kept.
fn interleave(partials: &[Partial], logs: u32, chance: &mut Chance) -> Vec<Partial> {
    let mine = |log| partials.iter().filter(move |partial| partial.log == log).cloned();
    let mut queues: Vec<std::collections::VecDeque<Partial>> =
        (0..logs).map(|log| mine(log).collect()).collect();
    let mut order = Vec::new();
    // No source runs so far ahead that the others are waived.
    while queues.iter().any(|queue| !queue.is_empty()) {
        let heads = queues.iter().filter_map(|queue| queue.front().map(|partial| partial.stamp.clock));
        let least = heads.min().unwrap_or(Time::MIN);
        let at = chance.below(u64::from(logs)) as usize;
        if queues[at].front().is_some_and(|partial| partial.stamp.clock <= least + Span::from_minutes(40)) {
            order.extend(queues[at].pop_front());
        }
    }
    order
}

#[test]
fn one_source_or_eight_in_any_order_say_the_same() {
    let world = rise();
    let happenings = world.happenings(3);
    let (one, said) = watch(&happenings, world.end());
    assert!(!signals(&one).is_empty(), "there is something to agree on");
    assert!(said.iter().any(|(_, change)| matches!(change.alert.about, About::Crisis(_))));
    let mut chance = Chance(11);
    let logs: Vec<u32> = happenings.iter().map(|_| chance.below(8) as u32).collect();
    let eight = partials(&happenings, 8, |place| logs[place], world.end());
    let (in_order, _) = run(8, eight.clone());
    assert_eq!(signals(&in_order), signals(&one));
    assert!(in_order.crises().eq(one.crises()));
    for _ in 0..3 {
        let (other, said) = run(8, interleave(&eight, 8, &mut chance));
        assert_eq!(signals(&other), signals(&one));
        assert!(other.crises().eq(one.crises()));
        assert_eq!(other.clock(), in_order.clock());
        assert!(!said.is_empty());
    }
}

#[test]
fn repeats_and_stale_copies_change_nothing() {
    let world = rise();
    let all = partials(&world.happenings(4), 2, |place| place as u32 % 2, world.end());
    let (plain, said_plain) = run(2, all.clone());
    let mut chance = Chance(5);
    let mut stormy = Vec::new();
    for (place, partial) in all.iter().enumerate() {
        stormy.push(partial.clone());
        stormy.push(partial.clone());
        // A zombie: something its source said long ago, sometimes with a clock far ahead.
        let mut stale = all[chance.below(place as u64 + 1) as usize].clone();
        if place > 40 && stale.stamp.next_offset + 20 < partial.stamp.next_offset && stale.log == partial.log
        {
            stale.stamp.clock = stale.stamp.clock + Span::from_days(30);
            stormy.push(stale);
        }
    }
    let (weathered, said) = run(2, stormy.clone());
    assert!(stormy.len() > all.len() * 2, "there were zombies");
    assert_eq!(said, said_plain);
    assert_eq!(signals(&weathered), signals(&plain));
    assert_eq!(weathered.clock(), plain.clock());
    assert_eq!(weathered.stamp().next_offset, stormy.len() as u64, "all of them were consumed");
}

#[test]
fn a_snapshot_goes_on_as_if_nothing_had_happened() {
    let world = rise();
    let all = partials(&world.happenings(6), 2, |place| place as u32 % 2, world.end());
    let (whole, said_whole) = run(2, all.clone());
    assert!(said_whole.iter().any(|change| change.action == Action::Resolved));
    for cut in [0, 7, all.len() / 3, all.len() * 3 / 4 + 51, all.len() * 4 / 5 + 1] {
        let (before, mut said) = run(2, all[..cut].to_vec());
        let bytes = postcard::to_stdvec(&before.state()).expect("the snapshot is serialised");
        let state: State = postcard::from_bytes(&bytes).expect("and read back");
        assert_eq!(state, before.state());
        let mut after = <Aggregate>::from_state(Options::default(), 2, state).expect("it fits");
        assert_eq!(after.changes(), [], "what was said is known");
        said.extend(feed(&mut after, all[cut..].to_vec()));
        assert_eq!(said, said_whole, "cut at {cut}");
        assert_eq!(after.state(), whole.state());
    }
}

#[test]
fn a_snapshot_that_does_not_fit_is_refused() {
    let state = <Aggregate>::new(Options::default(), 2).state();
    let refused = <Aggregate>::from_state(Options::default(), 3, state).err();
    assert_eq!(refused, Some(StateError::Logs { found: 2, expected: 3 }));
}

#[test]
fn what_was_not_acknowledged_is_said_again() {
    let world = rise();
    let mut aggregate = <Aggregate>::new(Options::default(), 1);
    for partial in partials(&world.happenings(3), 1, |_| 0, world.end()) {
        aggregate.apply(partial);
    }
    let changes = aggregate.changes();
    assert!(!changes.is_empty());
    assert_eq!(aggregate.changes(), changes, "nobody said it");
    aggregate.acknowledge(&changes);
    assert_eq!(aggregate.changes(), []);
}

#[test]
fn the_lives_of_the_alerts_are_legal() {
    let world = rise();
    let (aggregate, said) = run(1, partials(&world.happenings(3), 1, |_| 0, world.end()));
    let mut standing = crate::alert::Alerts::new();
    for change in &said {
        match change.action {
            Action::Raised => assert!(!standing.contains_key(&change.alert.id), "raised twice"),
            Action::Amended | Action::Resolved => assert!(standing.contains_key(&change.alert.id)),
            Action::Retracted => panic!("a judgement made is not taken back"),
        }
        assert_eq!(change.action == Action::Resolved, change.alert.status == Status::Resolved);
        say(&mut standing, change);
    }
    assert_eq!(standing.len(), aggregate.signals().count() + aggregate.crises().count());
    let amended = said
        .iter()
        .filter(|change| change.action == Action::Amended && matches!(change.alert.about, About::Signal(_)));
    assert_eq!(amended.count(), 0, "a signal is said when it begins and when it ends");
}

fn tick(log: u32, next_offset: u64, clock: Time) -> Partial {
    Partial { log, stamp: Stamp { next_offset, clock }, more: false, panes: Vec::new(), judged: Vec::new() }
}

#[test]
fn the_clock_is_the_least_and_silent_sources_are_waived() {
    let mut aggregate = <Aggregate>::new(Options::default(), 3);
    let at = |minutes| BEGIN + Span::from_minutes(minutes);
    aggregate.apply(tick(0, 1, at(0)));
    assert_eq!(aggregate.clock(), None);
    aggregate.apply(tick(1, 1, at(30)));
    assert_eq!((aggregate.clock(), aggregate.coverage().silent), (None, vec![2]));
    aggregate.apply(tick(0, 2, at(61)));
    assert_eq!(aggregate.clock(), Some(at(30)), "nobody waits for the third any longer");
    assert_eq!(aggregate.coverage().waived, [2]);
    aggregate.apply(tick(2, 1, at(10)));
    assert_eq!(aggregate.clock(), Some(at(30)), "it never goes back");
    assert_eq!(aggregate.coverage().share(), 1.0);
    aggregate.apply(tick(0, 9, at(600)));
    assert_eq!(aggregate.coverage().waived, [1, 2]);
    assert_eq!(aggregate.clock(), Some(at(600)));
    aggregate.apply(tick(7, 9, at(6_000)));
    assert_eq!(aggregate.clock(), Some(at(600)), "there is no such source");
}

#[test]
fn parts_of_one_cut_are_merged() {
    let mut aggregate = <Aggregate>::new(Options::default(), 1);
    let counts = |n| {
        let mut counts = Counts { activity: n, complaints: n, ..Counts::default() };
        counts.add_score(4.0);
        counts
    };
    let part = |product: &str, next_offset, n| {
        let panes = vec![(BEGIN, cell(product, "unknown", "unknown", "unknown"), counts(n))];
        Partial {
            log: 0,
            stamp: Stamp { next_offset, clock: BEGIN + Span::from_hours(2) },
            more: false,
            panes,
            judged: Vec::new(),
        }
    };
    aggregate.apply(part("a", 5, 3));
    aggregate.apply(part("b", 5, 4));
    aggregate.apply(part("b", 4, 9));
    let scores = aggregate.satisfaction();
    assert_eq!(
        scores.values().map(|scores| scores.n).collect::<Vec<_>>(),
        [2, 1, 1],
        "everything, and each product"
    );
}

/// Promises that break by the dozen in one product and region, and the customers with it.
fn outage() -> (Vec<Happening>, Time) {
    let world = World { days: 9, ..World::usual() };
    let mut happenings = world.happenings(21);
    let mut chance = Chance(8);
    for hour in 24 * 7 + 8..24 * 7 + 20 {
        for n in 0..60 {
            let at = super::simulation::within(hour, &mut chance);
            let region = ["north", "south", "east", "west"][n % 4];
            let mut event = complaint(at, cell("b", region, "unknown", "k1"));
            event.customer = Some(chance.next());
            event.breach = n % 3 == 0;
            happenings.push(event);
        }
    }
    happenings.sort_by_key(|happening| happening.at);
    (happenings, world.end())
}

#[test]
fn an_outage_is_one_crisis_that_rises_falls_and_ends() {
    let (happenings, end) = outage();
    let (aggregate, said) = watch(&happenings, end);
    let spikes: Vec<String> = aggregate.signals().map(|signal| signal.summary().en).collect();
    assert!(aggregate.signals().any(|signal| signal.measure == Measure::Breaches), "{spikes:#?}");
    assert!(aggregate.signals().any(|signal| signal.finding == Finding::Spike));
    let crises: Vec<_> = aggregate.crises().collect();
    let [crisis] = crises[..] else { panic!("{crises:#?}") };
    assert_eq!(crisis.series.product.as_deref(), Some("b"), "{}", crisis.summary().en);
    assert_eq!(crisis.series.depth(), 1, "all regions have it, so it is the product's");
    assert!(crisis.signals >= 2);
    let levels: Vec<Level> = crisis.steps.iter().map(|step| step.level).collect();
    assert_eq!(levels.iter().max(), Some(&Level::Advanced), "{levels:?}");
    assert!(levels.last() < Some(&Level::Advanced), "it falls before it ends: {levels:?}");
    assert!(crisis.ended.is_some());
    assert!(crisis.summary().zh.contains("最高级别为高级"), "{}", crisis.summary().zh);
    let of_crisis = said.iter().filter(|(_, change)| matches!(change.alert.about, About::Crisis(_)));
    assert!(of_crisis.count() <= 14, "it is not said every hour");
}

/// A cut that is written as several records is judged as one: no bucket is closed on the first half of it.
#[test]
fn cuts_in_parts_say_what_whole_ones_say() {
    let (happenings, end) = outage();
    let whole = partials(&happenings, 3, |place| place as u32 % 3, end);
    let parts: Vec<Partial> =
        whole.iter().flat_map(|partial| partial.parts(200)).map(Cow::into_owned).collect();
    assert!(parts.len() > 2 * whole.len(), "{} records of {} cuts", parts.len(), whole.len());
    let said = |partials| feed(&mut <Aggregate>::new(Options::default(), 3), partials);
    assert_eq!(said(parts), said(whole));
}

#[test]
fn a_person_overrides() {
    let (happenings, _) = outage();
    let mut aggregate = <Aggregate>::new(Options::default(), 1);
    let noon = BEGIN + Span::from_days(7) + Span::from_hours(14);
    feed(&mut aggregate, partials(&happenings, 1, |_| 0, noon));
    let crisis = aggregate.crises().next().expect("there is one");
    let id = crate::aggregate::crisis_id(crisis);
    assert!(aggregate.grade(id, Grade::Level(Level::Primary)));
    let changes = aggregate.changes();
    let [Change { action: Action::Amended, alert }] = &changes[..] else { panic!("{changes:#?}") };
    let About::Crisis(crisis) = &alert.about else { panic!("{alert:#?}") };
    assert_eq!((crisis.level, crisis.response.len()), (Level::Primary, 3));
    assert!(aggregate.grade(id, Grade::Over));
    assert!(!aggregate.grade(id, Grade::Withdrawn), "it is over");
}

/// Before its first fence a worker's clock stands where every clock begins. That is no hour to begin the history with.
#[test]
fn a_clock_that_never_moved_tells_nothing() {
    let mut aggregate = <Aggregate>::new(Options::default(), 2);
    let partial = |log, next_offset, clock| Partial {
        log,
        stamp: Stamp { next_offset, clock },
        more: false,
        panes: Vec::new(),
        judged: Vec::new(),
    };
    feed(&mut aggregate, [partial(0, 0, Time::MIN), partial(1, 0, BEGIN)]);
    assert_eq!(aggregate.clock(), None, "one source is still silent");
    assert_eq!(aggregate.coverage().silent, [0]);
    feed(&mut aggregate, [partial(0, 0, BEGIN + Span::from_hours(1))]);
    assert_eq!(aggregate.clock(), Some(BEGIN));
}

/// One source is so far behind that nobody waits for it any more; then it is heard again, and waited for.
#[test]
fn a_source_that_comes_back_does_not_take_the_clock_back() {
    let mut aggregate = <Aggregate>::new(Options::default(), 2);
    let mut hear = |log, minutes| {
        let stamp = Stamp { next_offset: 0, clock: BEGIN + Span::from_minutes(minutes) };
        feed(&mut aggregate, [Partial { log, stamp, more: false, panes: Vec::new(), judged: Vec::new() }]);
        aggregate.clock().map(|clock| (clock - BEGIN).millis() / 60_000)
    };
    hear(0, 0);
    assert_eq!(hear(1, 0), Some(0));
    // Six hours and more ahead: the clock is the other's alone. It stays within one bucket from there on.
    assert_eq!(hear(0, 365), Some(365));
    assert_eq!(hear(0, 400), Some(400));
    assert_eq!(hear(1, 300), Some(400));
    assert_eq!(hear(1, 402), Some(400));
    assert_eq!(hear(0, 403), Some(402));
}
