//! The timer store at 1 and 10 million timers, against the standard library's binary heap.
//!
//! Deadlines lie up to three years ahead. "Re-arm" is what cancelling is here: the old timer stays and is passed over.
//! Every run asserts how many timers fired and the sum of their keys.

#![expect(clippy::disallowed_methods, reason = "a benchmark reads the clock")]

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::hint::black_box;
use std::time::Instant;

use watchbell::time::{Span, Time};
use watchbell::wheel::Wheel;

const YEARS_3_MS: u64 = 3 * 365 * 86_400_000;

fn deadline(n: u64) -> Time {
    // A fixed shuffle of the range: neighbours in number are far apart in time.
    let spread = n.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 11;
    Time::from_millis(1_700_000_000_000 + (spread % YEARS_3_MS) as i64)
}

fn start() -> Time {
    Time::from_millis(1_700_000_000_000)
}

/// What the figures are of: nanoseconds per timer.
struct Figures {
    arm: f64,
    rearm: f64,
    fire: f64,
    worst_advance_ms: f64,
}

fn per(timers: u64, began: Instant) -> f64 {
    began.elapsed().as_nanos() as f64 / timers as f64
}

fn wheel(timers: u64) -> Figures {
    let mut wheel = Wheel::new(start());
    let began = Instant::now();
    (0..timers).for_each(|n| wheel.arm(deadline(n), n as u32));
    let arm = per(timers, began);
    let began = Instant::now();
    (0..timers / 2).for_each(|n| wheel.arm(deadline(n + timers), n as u32));
    let rearm = per(timers / 2, began);
    let (mut count, mut sum, mut worst) = (0u64, 0u64, 0.0f64);
    let mut fired = Vec::new();
    let mut clock = start();
    let began = Instant::now();
    // Second by second for three days, so that a day's list spills twice; then day by day to the end.
    while !wheel.is_empty() {
        let step = if count < timers && clock < start() + Span::from_days(3) {
            Span::from_seconds(1)
        } else {
            Span::from_days(1)
        };
        clock = clock + step;
        let one = Instant::now();
        wheel.advance(clock, &mut fired);
        if step == Span::from_seconds(1) {
            worst = worst.max(one.elapsed().as_secs_f64() * 1_000.0);
        }
        count += fired.len() as u64;
        sum += fired.drain(..).map(|(_, key)| u64::from(key)).sum::<u64>();
    }
    let fire = per(timers + timers / 2, began);
    check(timers, count, sum);
    Figures { arm, rearm, fire, worst_advance_ms: worst }
}

fn heap(timers: u64) -> Figures {
    let mut heap = BinaryHeap::new();
    let began = Instant::now();
    (0..timers).for_each(|n| heap.push(Reverse((deadline(n), n as u32))));
    let arm = per(timers, began);
    let began = Instant::now();
    (0..timers / 2).for_each(|n| heap.push(Reverse((deadline(n + timers), n as u32))));
    let rearm = per(timers / 2, began);
    let (mut count, mut sum) = (0u64, 0u64);
    let began = Instant::now();
    while let Some(Reverse((_, key))) = heap.pop() {
        count += 1;
        sum += u64::from(key);
    }
    let fire = per(timers + timers / 2, began);
    check(timers, count, sum);
    Figures { arm, rearm, fire, worst_advance_ms: f64::NAN }
}

/// Every timer fires once, the re-armed ones twice.
fn check(timers: u64, count: u64, sum: u64) {
    let half = timers / 2;
    assert_eq!(count, timers + half);
    assert_eq!(sum, timers * (timers - 1) / 2 + half * (half - 1) / 2);
}

/// Prints the figures for both stores.
#[expect(clippy::print_stdout, reason = "a benchmark's answer")]
pub fn figures(small: bool) {
    let sizes: &[u64] = if small { &[10_000] } else { &[1_000_000, 10_000_000] };
    println!("timers                 arm ns  re-arm ns  fire ns  worst advance of 1 s, ms");
    for timers in sizes {
        for (name, figures) in [("wheel", black_box(wheel(*timers))), ("heap", black_box(heap(*timers)))] {
            let Figures { arm, rearm, fire, worst_advance_ms } = figures;
            println!("{name:6} {timers:>12} {arm:>9.0} {rearm:>10.0} {fire:>8.0}  {worst_advance_ms:>8.2}");
        }
    }
}
