//! How many clocks are where, and which are due soonest? What a round over the cases of one log has seen.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::detect::Dimension;
use crate::engine::picture::{ClockCounts, DUE_MAX, DuePicture, LabelledCounts};
use crate::shard::survey::Glance;
use crate::shard::{Shard, Standard};
use crate::sla::outcome::{Outcome, Verdict};
use crate::sla::policy::Policy;
use crate::window::{Cell, UNKNOWN};

/// How many cases are looked at for one picture: a millisecond's worth.
const STRETCH: u32 = 4_000;

type Key = (u16, Vec<Arc<str>>);

/// The counts of one log.
#[derive(Default)]
pub(super) struct Rounds {
    /// The round that goes on: where it is, and what it has seen.
    at: u32,
    seen: BTreeMap<Key, ClockCounts>,
    /// The open clocks with the least time left, and the same of those overdue.
    due: Vec<DuePicture>,
    /// What has left the memory.
    ended: BTreeMap<Key, ClockCounts>,
    /// What the last whole round has seen.
    whole: (Vec<LabelledCounts>, Vec<DuePicture>),
}

impl Rounds {
    /// Goes on with the round; what the last whole one has seen.
    pub(super) fn walk(
        &mut self,
        shard: &Shard<Standard>,
        labels: &[Dimension],
    ) -> (Vec<LabelledCounts>, Vec<DuePicture>) {
        let (seen, due) = (&mut self.seen, &mut self.due);
        let mut visit = |glance: &Glance<'_>| {
            let cell = (!labels.is_empty()).then(|| shard.cell(glance));
            let key = (glance.commitment, values(labels, cell.as_ref()));
            count(seen.entry(key).or_default(), glance);
            offer(due, shard, glance);
        };
        match shard.survey(self.at, STRETCH, &mut visit) {
            Some(next) => self.at = next,
            None => self.finish(),
        }
        self.whole.clone()
    }

    fn finish(&mut self) {
        self.at = 0;
        let mut sums = std::mem::take(&mut self.seen);
        for (key, counts) in &self.ended {
            let sum = sums.entry(key.clone()).or_default();
            *sum = sum.plus(counts);
        }
        let labelled = |((commitment, labels), counts)| LabelledCounts { commitment, labels, counts };
        self.whole = (sums.into_iter().map(labelled).collect(), std::mem::take(&mut self.due));
    }

    /// Cases that leave the memory stay in the sums, without the values of labels.
    pub(super) fn ended(&mut self, policy: &Policy, labels: &[Dimension], outcomes: &[Outcome]) {
        for outcome in outcomes {
            let version = policy.commitments.iter().position(|one| one.name == outcome.commitment);
            let Some(commitment) = version.and_then(|at| u16::try_from(at).ok()) else { continue };
            let counts = self.ended.entry((commitment, values(labels, None))).or_default();
            verdict(counts, outcome.outcome);
        }
    }
}

fn verdict(counts: &mut ClockCounts, verdict: Verdict) {
    match verdict {
        Verdict::Kept => counts.kept += 1,
        Verdict::Breached => counts.breached += 1,
        Verdict::Cancelled => counts.cancelled += 1,
        Verdict::Open => {}
    }
}

fn count(counts: &mut ClockCounts, glance: &Glance<'_>) {
    verdict(counts, glance.verdict);
    counts.open += u64::from(glance.is_open);
    counts.warned += u64::from(glance.is_warned);
    counts.overdue += u64::from(glance.is_open && glance.verdict == Verdict::Breached);
}

/// Keeps an open clock if it is among those with the least time left, or those that are overdue least.
fn offer(due: &mut Vec<DuePicture>, shard: &Shard<Standard>, glance: &Glance<'_>) {
    let Some(at) = glance.due.filter(|_| glance.is_open) else { return };
    let overdue = glance.verdict == Verdict::Breached;
    let worse = |one: &DuePicture| if overdue { one.due < at } else { one.due > at };
    let alike = due.iter().filter(|one| one.breached == overdue).count();
    if alike >= DUE_MAX {
        let found = due.iter().enumerate().filter(|(_, one)| one.breached == overdue && worse(one));
        let worst = found.max_by_key(|(_, one)| if overdue { -one.due.millis() } else { one.due.millis() });
        let Some((worst, _)) = worst else { return };
        due.swap_remove(worst);
    }
    due.push(DuePicture {
        subject: glance.subject.into(),
        commitment: shard.policy().commitments[usize::from(glance.commitment)].name.clone(),
        due: at,
        started: glance.started,
        warned: glance.is_warned,
        breached: overdue,
        cell: shard.cell(glance),
    });
}

fn values(labels: &[Dimension], cell: Option<&Cell>) -> Vec<Arc<str>> {
    let value = |dimension: &Dimension| match (cell, dimension) {
        (None, _) => UNKNOWN.into(),
        (Some(cell), Dimension::Product) => cell.product.clone(),
        (Some(cell), Dimension::Region) => cell.region.clone(),
        (Some(cell), Dimension::Channel) => cell.channel.clone(),
        (Some(cell), Dimension::Category) => cell.category.clone(),
    };
    labels.iter().map(value).collect()
}
