//! Is the state a function of the records, the clock and the policy, whatever the clock showed in between?
//!
//! One log is read twice: once with a clock that moves at every opportunity, with cuts, lost cuts and restarts, and
//! once with a clock that stands still until the end. Both must come to the same bytes.
//!
//! `WATCHBELL_HISTORIES` is how many are read (default 1,000), `WATCHBELL_SEED` the first of them.

use std::sync::Arc;

use fastrand::Rng;
use watchbell::checkpoint::Checkpoint;
use watchbell::event::decode;
use watchbell::shard::{Rules, Shard, Standard};
use watchbell::sla::policy::Policy;
use watchbell::time::{Span, Time};

use super::faults::ClockDecidesLateness;
use super::workers::options;
use super::world::{LOGS, World};
use super::{from_environment, policy};

/// What comes into the log, in order: records and fences.
type History = Vec<(Time, Option<String>)>;

fn shard<R: Rules>(policy: &Arc<Policy>) -> Shard<R> {
    Shard::new(policy.clone(), options(), 0)
}

fn read<R: Rules>(shard: &mut Shard<R>, offset: u64, appended: Time, payload: &str) {
    match decode(payload.as_bytes()) {
        // Whether it is refused is part of what is compared.
        Ok(event) => drop(shard.read(offset, appended, &event)),
        Err(_) => shard.skip(offset),
    }
}

fn finish<R: Rules>(mut shard: Shard<R>, end: Time) -> Vec<u8> {
    shard.advance(end);
    let cut = shard.cut(true);
    shard.acknowledge(&cut);
    assert_eq!(shard.said(), shard.standing(), "after a cut, what was said is what stands");
    Checkpoint { number: 0, seq: 0, alerts_offset: 0, state: shard.state() }.encode()
}

/// The clock stands still until everything is read.
fn at_once<R: Rules>(history: &History, policy: &Arc<Policy>, end: Time) -> Vec<u8> {
    let mut shard = shard::<R>(policy);
    let records = history.iter().filter_map(|(wall, payload)| Some((*wall, payload.as_ref()?)));
    for (offset, (wall, payload)) in (0..).zip(records) {
        read(&mut shard, offset, wall, payload);
    }
    finish(shard, end)
}

/// The clock moves with the fences, in steps of chance; cuts are taken, lost, and states stored and loaded.
fn step_by_step<R: Rules>(history: &History, policy: &Arc<Policy>, end: Time, random: &mut Rng) -> Vec<u8> {
    let mut shard = shard::<R>(policy);
    let mut offset = 0;
    for (wall, payload) in history {
        if let Some(payload) = payload {
            read(&mut shard, offset, *wall, payload);
            offset += 1;
        } else if random.bool() {
            while let Some(at) = shard.next_step(*wall).filter(|_| random.u32(0..4) > 0) {
                shard.advance(at);
            }
            shard.advance(*wall);
        }
        // A cut that is never acknowledged leaves nothing behind.
        let cut = shard.cut(random.bool());
        if random.bool() {
            shard.acknowledge(&cut);
            if random.u32(0..16) == 0 {
                let bytes = Checkpoint { number: 1, seq: 1, alerts_offset: 0, state: shard.state() }.encode();
                let state = Checkpoint::decode(&bytes).expect("whole").state;
                shard = Shard::restore(policy.clone(), options(), state).expect("it fits");
            }
        }
    }
    finish(shard, end)
}

/// The history of a seed, and when it is over.
fn history(seed: u64) -> (History, Time) {
    let world = World::new(seed);
    let log = (seed % u64::from(LOGS)) as u32;
    let mine = world.arrivals.into_iter().filter(|arrival| arrival.log == log);
    let history: History = mine.map(|arrival| (arrival.wall, arrival.payload)).collect();
    let last = history.last().map_or(Time::MIN, |(wall, _)| *wall);
    // Some end in the middle of everything, some days after it.
    (history, last + if seed.is_multiple_of(2) { Span::from_seconds(1) } else { Span::from_days(5) })
}

/// The first seed whose two readings differ, with the shortest beginning of its history for which they do.
fn differing<R: Rules>(first: u64, histories: u64) -> Option<(u64, usize)> {
    let policy = policy();
    let differ = |seed: u64, history: &History, end: Time| {
        let together = at_once::<R>(history, &policy, end);
        together != step_by_step::<R>(history, &policy, end, &mut Rng::with_seed(seed))
    };
    let threads = std::thread::available_parallelism().map_or(1, usize::from) as u64;
    let found = std::thread::scope(|scope| {
        let search = |from: u64| {
            let mut seeds = (from..first + histories).step_by(threads as usize);
            seeds.find(|seed| {
                let (history, end) = history(*seed);
                differ(*seed, &history, end)
            })
        };
        let threads: Vec<_> =
            (first..first + threads).map(|from| scope.spawn(move || search(from))).collect();
        let found = threads
            .into_iter()
            .map(|thread| thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)));
        found.flatten().min()
    });
    let seed = found?;
    let (whole, end) = history(seed);
    let shortest = (1..=whole.len()).find(|length| differ(seed, &whole[..*length].to_vec(), end));
    Some((seed, shortest.unwrap_or(whole.len())))
}

#[test]
fn the_state_is_independent_of_the_clock_values_in_between() {
    let (first, histories) =
        (from_environment("WATCHBELL_SEED", 1), from_environment("WATCHBELL_HISTORIES", 1_000));
    if let Some((seed, length)) = differing::<Standard>(first, histories) {
        panic!(
            "history {seed}: the first {length} arrivals end in different states\nrepeat it with: WATCHBELL_SEED={seed} \
             WATCHBELL_HISTORIES=1 cargo test --test it the_state_is_independent"
        );
    }
}

#[test]
fn a_state_that_depends_on_the_path_is_noticed() {
    let (seed, length) = differing::<ClockDecidesLateness>(1, 1_000).expect("the clock decides what is late");
    println!("history {seed}: {length} arrivals suffice");
}
