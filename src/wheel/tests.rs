//! The wheel against a sorted map, and the bounds of its work.

use std::collections::BTreeMap;

use super::{DAY_SECONDS, SPILL_SECONDS, Wheel, second};
use crate::time::{Span, Time};

/// A small generator of numbers that look random and are the same every time.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: i64) -> i64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) >> 1) as i64 % bound
    }

    /// Mostly near, sometimes days or years away; often on whole seconds, so that instants meet.
    fn distance(&mut self) -> Span {
        let ms = match self.below(8) {
            0 => self.below(3_000) - 1_500,
            1..4 => self.below(600) * 1_000,
            4 => self.below(86_400) * 1_000,
            5 => self.below(4 * 86_400_000),
            6 => (self.below(6) + 1) * 86_400_000 + self.below(3) - 1,
            _ => self.below(3 * 366) * 86_400_000,
        };
        Span::from_millis(ms)
    }
}

/// The definition: everything with an earlier deadline, by deadline and key.
fn fire(model: &mut BTreeMap<(Time, u32), usize>, to: Time) -> Vec<(Time, u32)> {
    let later = model.split_off(&(to, 0));
    let due = std::mem::replace(model, later);
    due.into_iter().flat_map(|(timer, count)| std::iter::repeat_n(timer, count)).collect()
}

#[test]
fn the_wheel_fires_what_a_sorted_map_would() {
    for seed in 0..60 {
        let mut random = Random(seed);
        let mut now = Time::from_millis(1_700_000_000_000 + random.below(200_000_000));
        let mut wheel = Wheel::new(now);
        let mut model: BTreeMap<(Time, u32), usize> = BTreeMap::new();
        for _ in 0..1_000 {
            if random.below(3) > 0 {
                let (deadline, key) = (now + random.distance(), random.below(50) as u32);
                wheel.arm(deadline, key);
                *model.entry((deadline, key)).or_default() += 1;
                continue;
            }
            let to = now + random.distance();
            let next = model.keys().next().map(|(deadline, _)| *deadline).filter(|deadline| *deadline < to);
            assert_eq!(wheel.next_before(to), next, "seed {seed}");
            let mut fired = Vec::new();
            wheel.advance(to, &mut fired);
            let due = if to > now { fire(&mut model, to) } else { Vec::new() };
            assert_eq!(fired, due, "seed {seed} at {to}");
            now = now.max(to);
            assert_eq!(wheel.len(), model.values().sum::<usize>(), "seed {seed}");
        }
        let mut rest = Vec::new();
        wheel.advance(Time::MAX + Span::from_days(40_000), &mut rest);
        assert_eq!(rest, fire(&mut model, Time::MAX + Span::from_days(40_000)), "seed {seed}");
        assert!(wheel.is_empty());
    }
}

#[test]
fn a_timer_fires_strictly_after_its_deadline() {
    let at = Time::from_millis(1_000_000);
    let mut wheel = Wheel::new(Time::MIN);
    wheel.arm(at, 1);
    let mut fired = Vec::new();
    wheel.advance(at, &mut fired);
    assert_eq!(fired, []);
    wheel.advance(at + Span::from_millis(1), &mut fired);
    assert_eq!(fired, [(at, 1)]);
    wheel.arm(at, 2);
    wheel.advance(at + Span::from_millis(2), &mut fired);
    assert_eq!(fired, [(at, 1), (at, 2)], "a deadline in the past fires at the next advance");
}

#[test]
fn a_full_day_comes_without_a_stall() {
    const TIMERS: i64 = 500_000;
    let mut wheel = Wheel::new(Time::MIN);
    for n in 0..TIMERS {
        let deadline = Time::from_millis((2 * DAY_SECONDS + n % DAY_SECONDS) * 1_000);
        wheel.arm(deadline, n as u32);
    }
    let mut fired = Vec::new();
    let mut most = 0;
    for at in 0..2 * DAY_SECONDS {
        let before = wheel.spilling.len();
        wheel.advance(Time::from_millis(at * 1_000 + 500), &mut fired);
        most = most.max(before.saturating_sub(wheel.spilling.len()));
    }
    let bound = TIMERS as usize / SPILL_SECONDS + super::SPILL_MIN;
    assert!(most > 0 && most <= bound, "{most} timers were moved in one second, at most {bound} may be");
    assert!(wheel.spilling.is_empty(), "the day before is long enough");
    wheel.advance(Time::from_millis(3 * DAY_SECONDS * 1_000), &mut fired);
    assert_eq!(fired.len() as i64, TIMERS);
}

#[test]
fn years_pass_at_the_cost_of_what_is_in_them() {
    let mut wheel = Wheel::new(Time::MIN);
    wheel.arm(Time::MAX, 7);
    let mut fired = Vec::new();
    wheel.advance(Time::MAX + Span::from_millis(1), &mut fired);
    assert_eq!(fired, [(Time::MAX, 7)]);
    assert_eq!(wheel.cursor, second(Time::MAX) + 1);
}
