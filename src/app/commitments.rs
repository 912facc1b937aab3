//! What do we promise, and how well do we keep it? The promises in force, each with what a history says of it.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use super::replay::{Settings, Stage, run as judge};
use super::report::{CommitmentReport, Report};
use crate::config;
use crate::engine::clock;
use crate::sla::policy::{Commitment, Objective, Policy};
use crate::time::Time;

/// A promise that fewer than this share of its cases keep is beyond our strength: with a kept share below it, the 95th
/// percentile lies beyond the limit.
const STRENGTH: f64 = 0.95;

/// The promises as a customer may read them.
pub struct Catalogue {
    /// What is promised of each case, in the policy's order.
    pub promises: Vec<Promise>,
    /// What is promised of many cases.
    pub objectives: Vec<Goal>,
    /// What was looked at; `None`: nothing, and nothing is said to have been achieved.
    pub history: Option<History>,
}

/// A promise in force, or one that is announced.
pub struct Promise {
    /// The promise.
    pub commitment: Commitment,
    /// How it was kept, all its versions together; `None` where no case asked for it, or the history ended before this
    /// version began.
    pub achieved: Option<CommitmentReport>,
}

/// A promise about many cases.
pub struct Goal {
    /// The promise.
    pub objective: Arc<Objective>,
    /// The share kept and of how many; `None` where there was no case.
    pub achieved: Option<(f64, u64)>,
}

/// The history that was looked at.
pub struct History {
    /// Its first event.
    pub first: Time,
    /// Its last event.
    pub last: Time,
    /// How many.
    pub events: u64,
}

impl Catalogue {
    /// The names of the promises that the history shows to be beyond our strength: even the upper end of the 95 %
    /// interval of the kept share is too small.
    pub fn beyond_strength(&self) -> impl Iterator<Item = &CommitmentReport> {
        let weak = |one: &&CommitmentReport| one.kept_share_interval.is_some_and(|(_, high)| high < STRENGTH);
        self.promises.iter().filter_map(|one| one.achieved.as_ref()).filter(weak)
    }
}

/// The catalogue of a policy, with the history in the files where there are any.
pub fn run(
    settings: &Settings,
    progress: &mut dyn FnMut(Stage),
    cancel: &AtomicBool,
) -> anyhow::Result<Catalogue> {
    let policy = config::load_policy(settings.policy.as_deref())?;
    let report = match settings.files.is_empty() {
        true => None,
        false => Some(judge(settings, progress, cancel)?),
    };
    Ok(make(&policy, report, settings.as_of.unwrap_or_else(clock::now)))
}

/// Versions that another has taken over are history; those that begin later are announced.
fn make(policy: &Policy, report: Option<Report>, at: Time) -> Catalogue {
    let in_force = |one: &&Commitment| one.effective_until > at;
    let (commitments, objectives, history) = match report {
        None => Default::default(),
        Some(Report { commitments, objectives, input, .. }) => {
            let span = input.first.zip(input.last);
            let history = span.map(|(first, last)| History { first, last, events: input.events });
            (commitments, objectives, history)
        }
    };
    // What is only announced has not been kept by anybody.
    let tried = |one: &Commitment| {
        history.as_ref().is_some_and(|history: &History| one.effective_from <= history.last)
    };
    let promise = |commitment: &Commitment| Promise {
        commitment: commitment.clone(),
        achieved: commitments.iter().find(|one| one.name == commitment.name && tried(commitment)).cloned(),
    };
    let goal = |objective: &Arc<Objective>| Goal {
        objective: objective.clone(),
        achieved: objectives
            .iter()
            .find(|one| one.name == objective.name)
            .and_then(|one| Some((one.share?, one.judged))),
    };
    let promises = policy.commitments.iter().filter(in_force).map(promise).collect();
    Catalogue { promises, objectives: policy.objectives.iter().map(goal).collect(), history }
}
