//! What is due? One timer store per shard: flat one-second slots for the next two days, sparse day lists beyond.
//!
//! ```text
//!        near (heap)   ring: one slot a second                 far: a list a day
//!   ... ─────────────┬──────────────────────────┬─────────────┬───────┬───────┬─────▶
//!      seconds that  │ rest of the cursor's day │ the next day│ day+2 │ day+9 │ ...
//!      were taken out│                          │ ◄── spill ──┘       │       │
//!                 cursor                                   a portion a second
//! ```
//!
//! A hierarchical wheel moves timers down a level when a slot of the level above begins, all at once: at 100 million
//! timers one such cascade stalls for most of a second. Here a timer moves at most twice: from its day's list into the
//! ring, a portion for every second of the day before, and from its slot into the heap of the seconds that are due, whose
//! deadlines are told apart to the millisecond.
//!
//! Timers are not cancelled. Their owner remembers what it is waiting for, arms again when that changes, and passes
//! over firings it does not expect; so a deadline that moves later costs nothing until the old one comes.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};

use crate::time::Time;

#[cfg(test)]
mod tests;

const DAY_SECONDS: i64 = 86_400;
/// The slots of the ring: the cursor's day and the one after.
const SLOTS: usize = 2 * DAY_SECONDS as usize;
/// A day's list is spilled within so many seconds of the day before, whatever its length.
const SPILL_SECONDS: usize = 43_200;
/// At least so many timers are spilled for every second that passes.
const SPILL_MIN: usize = 16;

const _: () = assert!(SLOTS.is_multiple_of(64), "the occupancy of the slots is kept in words of 64 bits");
const _: () =
    assert!(SPILL_SECONDS < DAY_SECONDS as usize, "a day's list must be spilled before the day begins");

/// Deadlines with keys, handed on in order when the clock has passed them.
pub struct Wheel {
    now: Time,
    /// The first second whose slot has not been taken out.
    cursor: i64,
    near: BinaryHeap<Reverse<(Time, u32)>>,
    /// The first node of each slot's list, plus 1; 0: empty. Zeroes, so that a wheel nobody uses costs no memory.
    slots: Vec<u32>,
    /// A bit for every slot that is not empty.
    occupied: Vec<u64>,
    nodes: Vec<Node>,
    /// The first unused node, plus 1; 0: none.
    free: u32,
    far: BTreeMap<i64, Vec<(Time, u32)>>,
    /// What is left of the next day's list, and how much of it is spilled a second.
    spilling: Vec<(Time, u32)>,
    spill_rate: usize,
    /// No deadline lies before this: what the last search found, so that asking again costs nothing.
    quiet_until: Time,
    len: usize,
}

/// A timer in a slot.
#[derive(Clone, Copy)]
struct Node {
    deadline: Time,
    key: u32,
    /// The next node of the list, plus 1; 0: the end.
    next: u32,
}

impl Wheel {
    /// A wheel without timers, for a clock that shows `now`.
    pub fn new(now: Time) -> Wheel {
        Wheel {
            now,
            cursor: second(now),
            near: BinaryHeap::new(),
            slots: vec![0; SLOTS],
            occupied: vec![0; SLOTS / 64],
            nodes: Vec::new(),
            free: 0,
            far: BTreeMap::new(),
            spilling: Vec::new(),
            spill_rate: 0,
            quiet_until: Time::MIN,
            len: 0,
        }
    }

    /// How many timers are armed, those that their owners have given up included.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Bytes in use.
    pub fn memory_bytes(&self) -> usize {
        let far: usize = self.far.values().chain([&self.spilling]).map(Vec::capacity).sum();
        let timers = (self.near.capacity() + far) * size_of::<(Time, u32)>();
        timers + self.nodes.capacity() * size_of::<Node>() + self.slots.len() * size_of::<u32>()
    }

    /// What the clock shows.
    pub fn now(&self) -> Time {
        self.now
    }

    /// Arms a timer. One whose deadline the clock has passed fires at the next advance; [`Time::NEVER`] is not armed.
    pub fn arm(&mut self, deadline: Time, key: u32) {
        if deadline == Time::NEVER {
            return;
        }
        self.len += 1;
        self.quiet_until = self.quiet_until.min(deadline);
        let at = second(deadline);
        if at < self.cursor {
            self.near.push(Reverse((deadline, key)));
        } else if day(at) <= day(self.cursor) + 1 {
            self.link(at, deadline, key);
        } else {
            self.far.entry(day(at)).or_default().push((deadline, key));
        }
    }

    /// The earliest deadline before `before`.
    pub fn next_before(&mut self, before: Time) -> Option<Time> {
        if before <= self.quiet_until {
            return None;
        }
        while self.near.is_empty() {
            if let Err(begins) = self.take_slot(before) {
                self.quiet_until = begins;
                return None;
            }
        }
        let Reverse((deadline, _)) = *self.near.peek()?;
        self.quiet_until = deadline;
        (deadline < before).then_some(deadline)
    }

    /// Moves the clock to `to` and hands on every timer whose deadline lies **before** it, by deadline and key. The
    /// clock never goes back.
    pub fn advance(&mut self, to: Time, fired: &mut Vec<(Time, u32)>) {
        if to <= self.now {
            return;
        }
        self.spill((second(to) - second(self.now)).max(1) as usize);
        self.now = to;
        while self.next_before(to).is_some() {
            while let Some(Reverse(timer)) = self.near.peek().copied().filter(|Reverse((at, _))| *at < to) {
                self.near.pop();
                self.len -= 1;
                fired.push(timer);
            }
        }
        // The slots before this second are empty now; from here on the ring holds the days that matter.
        if second(to) > self.cursor {
            self.move_cursor(second(to));
        }
    }

    /// Takes the next slot that holds timers out into the heap, if it begins before `before`; if not, the instant before
    /// which none begins.
    fn take_slot(&mut self, before: Time) -> Result<(), Time> {
        loop {
            let end_of_day = (day(self.cursor) + 1) * DAY_SECONDS;
            if let Some(at) = self.next_occupied(self.cursor, end_of_day) {
                let begins = Time::from_millis(at * 1_000);
                if begins >= before {
                    return Err(begins);
                }
                self.unlink(at);
                self.move_cursor(at + 1);
                return Ok(());
            }
            // Nothing more today: the next day that holds anything, if it has come.
            let tomorrow = !self.spilling.is_empty()
                || self.next_occupied(end_of_day, end_of_day + DAY_SECONDS).is_some();
            let next_day = match tomorrow {
                true => end_of_day,
                false => match self.far.first_key_value() {
                    Some((day, _)) => day * DAY_SECONDS,
                    None => return Err(Time::NEVER),
                },
            };
            let begins = Time::from_millis(next_day * 1_000);
            if begins >= before {
                return Err(begins);
            }
            self.move_cursor(next_day);
        }
    }

    /// Moves the cursor forward. When it comes to another day, what is left of that day's list must be in the ring,
    /// and the list of the day after begins to spill.
    fn move_cursor(&mut self, to: i64) {
        let (from_day, to_day) = (day(self.cursor), day(to));
        self.cursor = to;
        if from_day == to_day {
            return;
        }
        self.spill(usize::MAX);
        for (deadline, key) in self.far.remove(&to_day).unwrap_or_default() {
            self.link(second(deadline), deadline, key);
        }
        self.spilling = self.far.remove(&(to_day + 1)).unwrap_or_default();
        self.spill_rate = self.spilling.len() / SPILL_SECONDS + SPILL_MIN;
    }

    /// Moves a portion of the next day's list into the ring, for so many seconds that pass.
    fn spill(&mut self, seconds: usize) {
        let keep = self.spilling.len().saturating_sub(self.spill_rate.saturating_mul(seconds));
        while self.spilling.len() > keep {
            let Some((deadline, key)) = self.spilling.pop() else { return };
            self.link(second(deadline), deadline, key);
        }
    }

    fn link(&mut self, at: i64, deadline: Time, key: u32) {
        let slot = slot(at);
        let node = Node { deadline, key, next: self.slots[slot] };
        let index = match self.free {
            0 => {
                self.nodes.push(node);
                u32::try_from(self.nodes.len()).expect("a shard arms fewer than 2^32 timers")
            }
            free => {
                self.free = self.nodes[free as usize - 1].next;
                self.nodes[free as usize - 1] = node;
                free
            }
        };
        self.slots[slot] = index;
        self.occupied[slot / 64] |= 1 << (slot % 64);
    }

    fn unlink(&mut self, at: i64) {
        let slot = slot(at);
        let mut next = std::mem::take(&mut self.slots[slot]);
        self.occupied[slot / 64] &= !(1 << (slot % 64));
        while next != 0 {
            let node = &mut self.nodes[next as usize - 1];
            self.near.push(Reverse((node.deadline, node.key)));
            let after = std::mem::replace(&mut node.next, self.free);
            self.free = next;
            next = after;
        }
    }

    /// The first second in `from..to` whose slot holds a timer; the range is at most a day.
    fn next_occupied(&self, from: i64, to: i64) -> Option<i64> {
        let mut at = from;
        while at < to {
            let slot = slot(at);
            let word = self.occupied[slot / 64] >> (slot % 64);
            if word != 0 {
                return Some(at + i64::from(word.trailing_zeros())).filter(|found| *found < to);
            }
            at += 64 - (slot % 64) as i64;
        }
        None
    }
}

fn second(time: Time) -> i64 {
    time.millis().div_euclid(1_000)
}

fn day(second: i64) -> i64 {
    second.div_euclid(DAY_SECONDS)
}

fn slot(second: i64) -> usize {
    second.rem_euclid(SLOTS as i64) as usize
}
