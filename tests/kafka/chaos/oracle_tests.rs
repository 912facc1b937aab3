//! Can the oracle be trusted? It must find nothing in what was said rightly, and something in every doctored copy.

use std::collections::BTreeMap;

use fastrand::Rng;

use super::facts::{Action, Body, Cut, Fact, Key, Said};
use super::oracle::{GRACE_MS, SETTLE_MS, SHOWN_MS, judge, lives};
use super::traffic::GOALS;

const TICKETS: u64 = 60;

/// A small world: its records, what was said, and its last cut.
struct Small {
    facts: Vec<Fact>,
    said: Vec<Said>,
    last: Cut,
}

/// Tickets over a minute, and a speaker who looks every 200 ms and says what has changed. It knows one ticket's story
/// as it was made up, not from the records.
fn small(seed: u64) -> Small {
    let mut rng = Rng::with_seed(seed);
    let mut stories = Vec::new();
    let mut arrivals: Vec<(i64, Fact)> = Vec::new();
    for ticket in 0..TICKETS {
        let goal = GOALS[rng.usize(..4)].1;
        let opened = 100_000 + rng.i64(0..60_000);
        let stopped = rng.bool().then(|| opened + rng.i64(1..2 * goal));
        let late = if rng.bool() { rng.i64(0..8_000) } else { 0 };
        let fact = |id, time, is_start| Fact { offset: 0, appended: 0, ticket, id, time, is_start, goal };
        arrivals.push((opened, fact(2 * ticket, opened, true)));
        arrivals.extend(stopped.map(|at| (at + late, fact(2 * ticket + 1, at, false))));
        stories.push((ticket, opened, goal, stopped, stopped.map(|at| at + late)));
    }
    arrivals.sort_by_key(|(at, fact)| (*at, fact.id));
    let facts: Vec<Fact> =
        (0..).zip(&arrivals).map(|(offset, (at, fact))| Fact { offset, appended: *at, ..*fact }).collect();
    let mut world = Small { facts, said: Vec::new(), last: Cut::default() };
    let mut fold = BTreeMap::new();
    for clock in (100_000..190_000).step_by(200) {
        let next_offset = world.facts.partition_point(|fact| fact.appended < clock) as u64;
        world.last = Cut { next_offset, clock };
        let mut stands = BTreeMap::new();
        for (ticket, opened, goal, stopped, known) in &stories {
            let stopped = stopped.filter(|_| known.is_some_and(|known| known < clock));
            stands.extend(standing(*ticket, *opened, *goal, stopped, clock));
        }
        world.say(&mut fold, stands);
    }
    world
}

fn standing(ticket: u64, opened: i64, goal: i64, stopped: Option<i64>, clock: i64) -> Vec<(Key, Body)> {
    let over = |share: i64| {
        let due = opened + goal * share / 100;
        clock > due + GRACE_MS && stopped.is_none_or(|at| at > due)
    };
    let due = opened + goal;
    let late_ms = stopped.map(|at| at - due).filter(|late| *late > 0);
    let body = |is_open| Body { is_open, started: opened, due, stopped, late_ms };
    let mut found = Vec::new();
    if over(50) {
        found.push(((ticket, 2 * ticket, 50), body(stopped.is_none() && !over(100))));
    }
    if over(100) {
        found.push(((ticket, 2 * ticket, 100), body(stopped.is_none())));
    }
    found
}

impl Small {
    fn say(&mut self, fold: &mut BTreeMap<Key, Body>, stands: BTreeMap<Key, Body>) {
        for (key, body) in fold.iter().filter(|(key, _)| !stands.contains_key(key)) {
            self.push(Action::Retracted, *key, *body);
        }
        for (key, body) in &stands {
            let action = match fold.get(key) {
                None => Action::Raised,
                Some(before) if before == body => continue,
                Some(before) if before.is_open && !body.is_open => Action::Resolved,
                Some(_) => Action::Amended,
            };
            self.push(action, *key, *body);
        }
        *fold = stands;
    }

    fn push(&mut self, action: Action, key: Key, body: Body) {
        self.said.push(Said {
            log: 0,
            cut: self.last,
            action,
            id: format!("{key:?}"),
            is_open: body.is_open,
            promise: Some((key, body)),
        });
    }

    fn violations(&self) -> u64 {
        judge(0, &self.facts, &self.said, self.last).count() + lives(&self.said).count()
    }
}

#[test]
fn the_oracle_finds_nothing_where_nothing_is_wrong() {
    for seed in 0..20 {
        let world = small(seed);
        assert!(world.said.len() > 50, "hardly anything was said");
        let verdict = judge(0, &world.facts, &world.said, world.last);
        assert_eq!((verdict.count(), world.violations()), (0, 0), "seed {seed}: {:?}", verdict.violations);
    }
}

/// Whether every copy, doctored at one record, is found out.
fn all_found(doctor: impl Fn(&mut Vec<Said>, usize)) {
    let world = small(1);
    for n in 0..world.said.len() {
        let mut doctored = world.said.clone();
        doctor(&mut doctored, n);
        let doctored = Small { facts: world.facts.clone(), said: doctored, last: world.last };
        assert!(doctored.violations() > 0, "nothing found at {n}: {:?}", world.said[n]);
    }
}

#[test]
fn a_record_that_is_missing_is_found() {
    all_found(|said, n| drop(said.remove(n)));
}

#[test]
fn a_record_that_is_there_twice_is_found() {
    all_found(|said, n| said.insert(n, said[n].clone()));
}

#[test]
fn a_record_that_is_another_is_found() {
    all_found(|said, n| {
        if let (Action::Retracted, Some((key, _))) = (said[n].action, &mut said[n].promise) {
            // What a retraction says of the alert does not matter, which one it takes back does.
            key.2 = 150 - key.2;
        } else if let Some((_, body)) = &mut said[n].promise {
            body.due += 1;
        }
    });
    all_found(|said, n| said[n].cut.clock -= SETTLE_MS);
    all_found(|said, n| said[n].cut.next_offset = 0);
}

#[test]
fn a_clock_that_ran_ahead_of_its_fence_is_found() {
    let mut world = small(1);
    let (next, clock) = (world.said[0].cut.next_offset as usize, world.said[0].cut.clock);
    world.facts[next].appended = clock - 1;
    let verdict = judge(0, &world.facts, &world.said, world.last);
    assert_eq!((verdict.count(), verdict.stamped_before), (0, (1, 1)), "a broker stamps before it shows");
    world.facts[next].appended = clock - SHOWN_MS - 1;
    assert!(judge(0, &world.facts, &world.said, world.last).count() > 0);
}
