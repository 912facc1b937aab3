//! Which verdicts are counted already? For each case, how many of each commitment and kind.
//!
//! A late event can put the clocks of a case in another order, so they are not known by their place; two clocks of one
//! commitment that change verdicts with each other are as before. Cases without a verdict take no memory.

use foldhash::fast::FixedState;
use hashbrown::HashMap;
use smallvec::SmallVec;

use crate::shard::survey::Glance;
use crate::sla::outcome::Verdict;

/// What a verdict is counted as, by place.
const VERDICTS: [Verdict; 3] = [Verdict::Kept, Verdict::Breached, Verdict::Cancelled];

/// A commitment, a verdict by its place, and how many clocks have it.
type Entry = (u16, u8, u16);

/// The verdicts that are counted, by case.
#[derive(Default)]
pub(super) struct Counted(HashMap<u32, SmallVec<[Entry; 3]>, FixedState>);

impl Counted {
    /// Takes note of the verdicts on a case. `differs` hears by how many each commitment's verdicts are more or fewer than
    /// counted before.
    pub(super) fn compare(
        &mut self,
        number: u32,
        glances: &[Glance<'_>],
        mut differs: impl FnMut(u16, usize, i64),
    ) {
        let mut now: SmallVec<[Entry; 3]> = SmallVec::new();
        for glance in glances {
            let Some(verdict) = VERDICTS.iter().position(|one| *one == glance.verdict) else { continue };
            match now.iter_mut().find(|one| (one.0, usize::from(one.1)) == (glance.commitment, verdict)) {
                Some(known) => known.2 += 1,
                None => now.push((glance.commitment, verdict as u8, 1)),
            }
        }
        let before = self.0.get(&number).map_or(&[][..], SmallVec::as_slice);
        let count = |of: &[Entry], (commitment, verdict, _): Entry| {
            let found = of.iter().find(|one| (one.0, one.1) == (commitment, verdict));
            found.map_or(0, |one| i64::from(one.2))
        };
        let gone = before.iter().filter(|one| !now.iter().any(|now| (now.0, now.1) == (one.0, one.1)));
        for entry in now.iter().chain(gone) {
            let by = count(&now, *entry) - count(before, *entry);
            if by != 0 {
                differs(entry.0, usize::from(entry.1), by);
            }
        }
        if now.is_empty() {
            self.forget(number);
        } else if before != now.as_slice() {
            self.0.insert(number, now);
        }
    }

    /// Nobody has this number any more.
    pub(super) fn forget(&mut self, number: u32) {
        self.0.remove(&number);
    }
}
