//! Which cases would have come out differently? The same files under another policy, log by log, and why.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use serde::Serialize;

use crate::engine::partition::Partition;
use crate::shard::{Options, Shard};
use crate::sla::compare::{Difference, Effect, What, compare};
use crate::sla::explain::{ExplainedClock, Explanation};
use crate::sla::outcome::{Outcome, Verdict};
use crate::sla::policy::Policy;
use crate::source::replay::Prepared;
use crate::source::{Item, Record, Source, SourceError};
use crate::time::Time;

/// How many differences are written out; all are counted.
pub const SHOWN: usize = 20;
/// How many subjects are explained at once: what a derivation takes is a thousand times what a verdict takes.
const SUBJECTS_AT_ONCE: usize = 1_000;

/// What another policy would have made of the same events.
#[derive(Debug, Serialize)]
pub struct Against {
    /// The hash of that policy.
    pub policy_hash: String,
    /// Clocks that at least one of the policies promises something for.
    pub clocks: u64,
    /// Of these, how many came out differently.
    pub differing: u64,
    /// How many subjects they belong to.
    pub subjects: u64,
    /// How many by what it comes to.
    pub by_effect: BTreeMap<Effect, u64>,
    /// How many by what differs; one may have several reasons.
    pub by_reason: BTreeMap<What, u64>,
    /// The first, the worst effects before others, then by start and subject.
    pub first: Vec<Differing>,
}

/// A clock that came out differently.
#[derive(Debug, Serialize)]
pub struct Differing {
    /// The ticket or call.
    pub subject: String,
    /// How; "before" is the policy that this one is compared with.
    #[serde(flatten)]
    pub difference: Difference,
}

/// Judges the logs under both policies; `old` is the one that `new` is held against.
pub fn run(
    (old, new): (&Arc<Policy>, &Arc<Policy>),
    logs: u32,
    options: &Options,
    prepared: &Prepared,
    cancel: &AtomicBool,
) -> Result<Against, SourceError> {
    let mut against = Against {
        policy_hash: format!("{:016x}", old.hash),
        clocks: 0,
        differing: 0,
        subjects: 0,
        by_effect: BTreeMap::new(),
        by_reason: BTreeMap::new(),
        first: Vec::new(),
    };
    let options = Options { keep_ended: true, ..options.clone() };
    for log in 0..logs {
        let mut sides = [old, new].map(|policy| {
            let side: Partition = Partition::new(policy.clone(), options.clone(), log, "against");
            side
        });
        let mut source = prepared.spool.clone();
        source.assign(log, 0)?;
        let mut visit = |record: Record<'_>| {
            if let Item::Event(_) = &record.item {
                // What cannot be used was counted by the replay itself.
                sides.iter_mut().for_each(|side| drop(side.read(&record)));
            }
        };
        while source.poll(1_024, &mut visit)? > 0 {
            if cancel.load(Ordering::Relaxed) {
                return Err(SourceError::Cancelled);
            }
        }
        let end = prepared.last.unwrap_or(Time::MIN);
        sides.iter_mut().for_each(|side| side.advance(end));
        against.log(sides[0].shard(), sides[1].shard());
    }
    against.keep_first();
    Ok(against)
}

/// What tells one clock from another, and what a policy made of it.
type Verdicts = BTreeMap<(Arc<str>, Arc<str>, Arc<str>), (Option<Time>, Verdict)>;

fn verdicts(shard: &Shard) -> Verdicts {
    let of = |one: Outcome| ((one.subject, one.commitment, one.start_event), (one.due, one.outcome));
    shard.outcomes().map(of).collect()
}

impl Against {
    /// Compares the verdicts of a log, and explains those subjects for which they differ.
    fn log(&mut self, old: &Shard, new: &Shard) {
        let (before, after) = (verdicts(old), verdicts(new));
        let keys: BTreeSet<_> = before.keys().chain(after.keys()).collect();
        self.clocks += keys.len() as u64;
        let differ = keys.into_iter().filter(|key| before.get(key) != after.get(key));
        let mut subjects: Vec<&str> = differ.map(|(subject, ..)| &**subject).collect();
        subjects.dedup();
        for some in subjects.chunks(SUBJECTS_AT_ONCE) {
            let (mut before, mut after) = (explained(old, some), explained(new, some));
            for subject in some {
                let [before, after] =
                    [&mut before, &mut after].map(|one| one.remove(*subject).unwrap_or_default());
                self.add(subject, compare(&before, &after));
            }
        }
    }

    fn add(&mut self, subject: &str, differences: Vec<Difference>) {
        let of_weight = differences.into_iter().filter(|one| one.effect != Effect::SameResult);
        let before = self.differing;
        for difference in of_weight {
            self.differing += 1;
            *self.by_effect.entry(difference.effect).or_default() += 1;
            for reason in &difference.reasons {
                *self.by_reason.entry(reason.what).or_default() += 1;
            }
            self.first.push(Differing { subject: subject.to_owned(), difference });
        }
        self.subjects += u64::from(self.differing > before);
        if self.first.len() >= 2 * SHOWN {
            self.keep_first();
        }
    }

    /// Puts the differences to be shown in order, and forgets the others.
    fn keep_first(&mut self) {
        let started = |one: &Difference| one.after.as_ref().or(one.before.as_ref()).map(|side| side.started);
        self.first.sort_by(|a, b| {
            let (one, other) = (&a.difference, &b.difference);
            let by_effect = one.effect.cmp(&other.effect).then_with(|| started(one).cmp(&started(other)));
            by_effect.then_with(|| (&a.subject, &one.commitment).cmp(&(&b.subject, &other.commitment)))
        });
        self.first.truncate(SHOWN);
    }
}

/// The clocks of some subjects, sorted by name.
fn explained(shard: &Shard, subjects: &[&str]) -> BTreeMap<String, Vec<ExplainedClock>> {
    let mut found: BTreeMap<String, Vec<ExplainedClock>> = BTreeMap::new();
    for Explanation { subject, clocks, .. } in shard.explain_those(|one| subjects.binary_search(&one).is_ok())
    {
        found.entry(subject).or_default().extend(clocks);
    }
    found
}
