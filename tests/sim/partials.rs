//! What do the partials add up to, however they reach the one who adds them up? Repeats, stale copies, any order.

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};

use fastrand::Rng;
use watchbell::aggregate::{Aggregate, Options};
use watchbell::detect::{Dimension, Series};
use watchbell::time::{Span, Time};
use watchbell::window::{self, Cell, Counts, Merged, Partial, Stamp};

use super::faults::Faults;
use super::judge::{Counted, Judged, Shared, judge};
use super::policy;
use super::workers::{Hits, Run};
use super::world::{HORIZON, LOGS};

/// Adds up the partials of a run as a reader with bad luck gets them, and compares with what the judge counts.
pub fn check<F: Faults>(run: &Run, seed: u64, hits: &mut Hits) -> Result<(), String> {
    let stormy = stormy(run, &mut Rng::with_seed(seed ^ 0xbad), hits);
    let judged: Vec<Judged> = (0..LOGS)
        .map(|log| {
            let end = run.transactions.iter().rev().find(|transaction| transaction.log == log);
            judge(&run.records[log as usize], end.map_or(Time::MIN, |end| end.cut.clock))
        })
        .collect();
    panes::<F>(&stormy, &judged)?;
    shares::<F>(&stormy, &judged)?;
    // The detectors behind the sum take far longer than the sum: every eighth world is enough.
    if seed.is_multiple_of(8) { satisfaction::<F>(&stormy, &judged) } else { Ok(()) }
}

/// Pane by pane, with the merge alone.
fn panes<F: Faults>(partials: &[Partial], judged: &[Judged]) -> Result<(), String> {
    let mut merged: BTreeMap<(Time, Cell), Merged<Counts>> = BTreeMap::new();
    for partial in partials {
        for (pane, cell, counts) in &partial.panes {
            let merged = merged.entry((*pane, cell.clone())).or_default();
            merged.take::<F::Merging>(partial.log, partial.stamp, counts.clone());
        }
    }
    let mut expected: BTreeMap<&(Time, String), Counted> = BTreeMap::new();
    for (key, counted) in judged.iter().flat_map(|judged| &judged.counted) {
        let sum = expected.entry(key).or_default();
        *sum = (sum.0 + counted.0, sum.1 + counted.1, sum.2 + counted.2);
    }
    // Breaches that were said of a pane when it was already forgotten are nobody's.
    let latest = judged.iter().map(|judged| judged.log_time).max().unwrap_or(0);
    for ((pane, product), expected) in &expected {
        let cells = merged.iter().filter(|((at, cell), _)| at == pane && *cell.product == **product);
        let found = cells.map(|(_, merged)| merged.total()).fold((0, 0, 0), |sum: Counted, counts| {
            (sum.0 + counts.activity, sum.1 + counts.complaints, sum.2 + counts.breaches)
        });
        let forgotten = *pane + Span::from_minutes(5) <= Time::from_millis(latest) - HORIZON;
        let found = if forgotten { (found.0, found.1, expected.2) } else { found };
        if found != *expected {
            return Err(format!("net: pane {pane} of {product}: merged {found:?}, the judge {expected:?}"));
        }
    }
    Ok(())
}

/// What the objectives count, the same way.
fn shares<F: Faults>(partials: &[Partial], judged: &[Judged]) -> Result<(), String> {
    static OBJECTIVES: LazyLock<Vec<(u64, Arc<str>)>> =
        LazyLock::new(|| policy().objectives.iter().map(|one| (one.id(), one.name.clone())).collect());
    let name = |id: &u64| OBJECTIVES.iter().find(|(known, _)| known == id).map(|(_, name)| name.clone());
    let mut merged: BTreeMap<(Time, u64), Merged<window::Judged>> = BTreeMap::new();
    for partial in partials {
        for (pane, id, counts) in &partial.judged {
            let merged = merged.entry((*pane, *id)).or_default();
            merged.take::<F::Merging>(partial.log, partial.stamp, *counts);
        }
    }
    let mut found: BTreeMap<(Time, String), Shared> = BTreeMap::new();
    for ((pane, id), merged) in &merged {
        let name = name(id).ok_or("net: a share of an objective that there is not")?;
        let sum = merged.values().fold((0, 0), |sum, one| (sum.0 + one.n, sum.1 + one.good));
        found.insert((*pane, name.to_string()), sum);
    }
    let mut expected: BTreeMap<(Time, String), Shared> = BTreeMap::new();
    for ((pane, name), shared) in judged.iter().flat_map(|judged| &judged.shared) {
        let sum = expected.entry((*pane, (*name).to_owned())).or_default();
        *sum = (sum.0 + shared.0, sum.1 + shared.1);
    }
    let latest = judged.iter().map(|judged| judged.log_time).max().unwrap_or(0);
    for key in found.keys().chain(expected.keys()) {
        let of = |shares: &BTreeMap<(Time, String), Shared>| shares.get(key).copied().unwrap_or_default();
        let (found, mut expected) = (of(&found), of(&expected));
        // Breaches that were said of a pane when it was already forgotten are nobody's.
        if key.0 + Span::from_minutes(5) <= Time::from_millis(latest) - HORIZON {
            expected.0 = found.0;
        }
        if found != expected {
            return Err(format!("net: {key:?}: the objective has {found:?}, the judge {expected:?}"));
        }
    }
    Ok(())
}

/// All in all, with the whole aggregate: satisfaction is what it sums over panes that it has long forgotten.
fn satisfaction<F: Faults>(partials: &[Partial], judged: &[Judged]) -> Result<(), String> {
    let mut aggregate: Aggregate<F::Merging> = Aggregate::new(Options::default(), LOGS);
    // Days later, when everything is over, there is nothing more to count.
    let end = partials.iter().map(|partial| partial.stamp.clock).max().unwrap_or(Time::MIN);
    let counting = || partials.iter().filter(|partial| partial.stamp.clock < end);
    let soon = counting().map(|partial| partial.stamp.clock).max().unwrap_or(Time::MIN);
    counting().cloned().for_each(|partial| aggregate.apply(partial));
    // Everybody is two buckets further, so that everything is counted.
    for log in 0..LOGS {
        let stamp = Stamp { next_offset: u64::MAX, clock: soon + Span::from_hours(2) };
        aggregate.apply(Partial { log, stamp, more: false, panes: Vec::new(), judged: Vec::new() });
    }
    let found = aggregate.satisfaction();
    let mut expected: BTreeMap<&str, (u64, i64)> = BTreeMap::new();
    for (product, (n, sum)) in judged.iter().flat_map(|judged| &judged.scores) {
        let all = expected.entry(product).or_default();
        *all = (all.0 + n, all.1 + sum);
    }
    for (product, (n, sum)) in expected {
        let series = Series::margin(Dimension::Product, product.into());
        let scores = found.get(&series).copied().unwrap_or_default();
        if (scores.n, scores.sum_milli) != (n, sum * 1_000) {
            return Err(format!(
                "net: satisfaction of {product}: {scores:?}, the judge {n} scores, sum {sum}"
            ));
        }
    }
    Ok(())
}

/// The partials as a reader with bad luck gets them: some twice, some long after newer ones.
fn stormy(run: &Run, random: &mut Rng, hits: &mut Hits) -> Vec<Partial> {
    let mut partials: Vec<&Partial> =
        run.transactions.iter().filter_map(|transaction| transaction.partial.as_ref()).collect();
    // As the reader of all gets them: nobody is days ahead of the others.
    partials.sort_by_key(|partial| partial.stamp.clock);
    let mut stormy: Vec<Partial> = Vec::new();
    for (at, partial) in partials.iter().enumerate() {
        stormy.push((*partial).clone());
        if random.u32(0..4) == 0 {
            *hits.entry("partial again").or_default() += 1;
            stormy.push((*partial).clone());
        }
        if random.u32(0..4) == 0 {
            *hits.entry("partial out of order").or_default() += 1;
            stormy.push(partials[random.usize(0..=at)].clone());
        }
    }
    stormy
}
