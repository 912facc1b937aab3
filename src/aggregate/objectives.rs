//! Are the objectives met? What the sources count for them, and the shortfalls that follow.
//!
//! Ground rules: an objective is judged with every step of the aggregate's clock, on what was counted by then; counts that
//! come late change the windows still to be judged, never a judgement made. A shortfall goes on while the objective is
//! missed, and ends when it is met again or there are too few cases to say.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::sla::objective::{Objective, Shortfall, Standing};
use crate::time::{Span, Time};
use crate::window::{Judged, Merged, Merging, Partial};

/// How far back counts are kept: a day more than the longest window, for a month in which the clocks go back is longer than
/// its days.
const REACH: Span = Span::from_days(32);
/// How long a shortfall that has ended is kept.
const KEEP: Span = Span::from_days(7);

/// What is kept of objectives.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Objectives {
    /// By what the objective is kept under, and pane.
    counts: BTreeMap<(u64, Time), Merged<Judged>>,
    /// Those that go on, and those that ended lately.
    shortfalls: Vec<Shortfall>,
}

/// How an objective stood when it was last judged.
#[derive(Clone, Debug)]
pub struct Judgement {
    /// Which.
    pub objective: Arc<Objective>,
    /// From when on cases were counted.
    pub window_start: Time,
    /// Up to when.
    pub window_end: Time,
    /// How many cases, and how many of them are good.
    pub counts: Judged,
    /// What follows.
    pub standing: Standing,
}

/// The sums over the windows judged last. They follow from the counts, and save adding up a month for every step.
pub(super) type Sums = BTreeMap<u64, Sum>;

/// The sum over one window.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sum {
    start: Time,
    end: Time,
    counts: Judged,
}

impl Sum {
    /// A pane's counts have become others.
    fn change(&mut self, at: Time, before: Judged, after: Judged) {
        if (self.start..self.end).contains(&at) {
            self.counts = Judged {
                n: self.counts.n + after.n - before.n,
                good: self.counts.good + after.good - before.good,
            };
        }
    }
}

impl Objectives {
    /// Merges what a source says; what is before the longest window that is still to be judged at `end` is too late.
    pub(super) fn take<M: Merging>(&mut self, partial: &Partial, sums: &mut Sums, end: Time, pane: Span) {
        for (at, id, judged) in &partial.judged {
            let at = at.floor(pane);
            if at < end - REACH {
                continue;
            }
            let merged = self.counts.entry((*id, at)).or_default();
            let before = total(merged);
            if merged.take::<M>(partial.log, partial.stamp, *judged)
                && let Some(sum) = sums.get_mut(id)
            {
                sum.change(at, before, total(merged));
            }
        }
    }

    /// Judges the windows that end at `end`, and says whether any shortfall began, ended or was forgotten.
    pub(super) fn judge(
        &mut self,
        objectives: &[Arc<Objective>],
        sums: &mut Sums,
        end: Time,
    ) -> (Vec<Judgement>, bool) {
        let judgements: Vec<Judgement> =
            objectives.iter().map(|objective| self.look(objective, sums, end)).collect();
        let mut has_changed = false;
        for judgement in &judgements {
            has_changed |= self.note(judgement);
            self.forget(judgement.objective.id(), end - REACH);
        }
        let known = self.shortfalls.len();
        self.shortfalls.retain(|one| one.ended.is_none_or(|ended| ended >= end - KEEP));
        (judgements, has_changed || self.shortfalls.len() < known)
    }

    /// How an objective stands in the window that ends at `end`.
    pub(super) fn look(&self, objective: &Arc<Objective>, sums: &mut Sums, end: Time) -> Judgement {
        let (id, start) = (objective.id(), objective.window.start(end));
        let anew = Sum { start, end: start, counts: Judged::default() };
        let sum = sums.entry(id).or_insert(anew);
        if sum.start > start || sum.end > end || sum.end < start {
            *sum = anew;
        }
        let of = |from: Time, to: Time| {
            let panes = self.counts.range((id, from)..(id, to));
            panes.fold(Judged::default(), |mut counts, (_, merged)| {
                counts.add(&total(merged));
                counts
            })
        };
        let (coming, leaving) = (of(sum.end, end), of(sum.start, start));
        sum.counts.add(&coming);
        let n = sum.counts.n - leaving.n;
        let good = sum.counts.good - leaving.good;
        *sum = Sum { start, end, counts: Judged { n, good } };
        let standing = objective.judge(n, good);
        let (window_start, window_end) = (start, end);
        Judgement { objective: objective.clone(), window_start, window_end, counts: sum.counts, standing }
    }

    /// Begins or ends a shortfall, if the judgement does; whether it did.
    fn note(&mut self, judgement: &Judgement) -> bool {
        let Judgement { objective, window_start, window_end, counts: Judged { n, good }, standing } =
            judgement;
        let goes_on = |one: &&mut Shortfall| one.objective == objective.name && one.ended.is_none();
        match (standing, self.shortfalls.iter_mut().find(goes_on)) {
            (Standing::Missed, Some(_)) | (Standing::Met | Standing::TooFew, None) => return false,
            (Standing::Missed, None) => self.shortfalls.push(Shortfall {
                objective: objective.name.clone(),
                title: objective.title.clone(),
                owner: objective.owner.clone(),
                severity: objective.severity,
                operator: objective.operator,
                target: objective.target,
                began: *window_end,
                ended: None,
                window_start: *window_start,
                window_end: *window_end,
                n: *n,
                good: *good,
            }),
            (Standing::Met | Standing::TooFew, Some(over)) => {
                over.ended = Some(*window_end);
                (over.window_start, over.window_end) = (*window_start, *window_end);
                (over.n, over.good) = (*n, *good);
            }
        }
        true
    }

    /// Drops the panes of one objective before a time.
    fn forget(&mut self, id: u64, before: Time) {
        while let Some((place, _)) = self.counts.range((id, Time::MIN)..(id, before)).next() {
            let place = *place;
            self.counts.remove(&place);
        }
    }

    /// Drops what no objective counts any more, and ends the shortfalls of those that are gone.
    pub(super) fn keep_only(&mut self, objectives: &[Arc<Objective>], now: Time) {
        let ids: Vec<u64> = objectives.iter().map(|objective| objective.id()).collect();
        self.counts.retain(|(id, _), _| ids.contains(id));
        for shortfall in self.shortfalls.iter_mut().filter(|one| one.ended.is_none()) {
            if !objectives.iter().any(|objective| objective.name == shortfall.objective) {
                shortfall.ended = Some(now);
            }
        }
    }

    /// Those that go on, and those that ended lately, in the order in which they began.
    pub(super) fn shortfalls(&self) -> impl Iterator<Item = &Shortfall> {
        self.shortfalls.iter()
    }
}

fn total(merged: &Merged<Judged>) -> Judged {
    merged.values().fold(Judged::default(), |mut sum, one| {
        sum.add(one);
        sum
    })
}
