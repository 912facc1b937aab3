//! What does a replay say in sum? Rates, percentiles, objectives, the slowest cases, spikes and crises.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Serialize;

use super::against::Against;
use super::conduct::{self, LifecycleReport};
use super::replay::Settings;
use crate::crisis::Crisis;
use crate::detect::Signal;
use crate::engine::replay::Replayed;
use crate::engine::tally::{self, Sums, Tally};
use crate::event::Reject;
use crate::lifecycle::Lifecycles;
use crate::names::Text;
use crate::sla::objective::{Objective, Operator, share, wilson};
use crate::sla::outcome::Outcome;
use crate::sla::policy::{Commitment, Policy};
use crate::source::replay::Prepared;
use crate::time::{Time, rfc3339};

/// How many rejected records are shown with their place.
const REJECTS_SHOWN: usize = 10;

/// What a replay says in sum.
#[derive(Debug, Serialize)]
pub struct Report {
    /// What was read.
    pub input: Input,
    /// The policy's hash.
    pub policy_hash: String,
    /// Per commitment that any clock ran for, in the policy's order.
    pub commitments: Vec<CommitmentReport>,
    /// Per objective.
    pub objectives: Vec<ObjectiveReport>,
    /// What the policy counts beside.
    pub tallies: Vec<TallyReport>,
    /// Per lifecycle that any case went through.
    pub lifecycles: Vec<LifecycleReport>,
    /// The broken promises with the most time over the goal.
    pub slowest: Vec<Outcome>,
    /// What detectors found.
    pub signals: Vec<Signal>,
    /// The crises.
    pub crises: Vec<Crisis>,
    /// How many alerts were raised, and how many of them taken back.
    pub alerts: AlertCounts,
    /// How many events each worker applied.
    pub applied_by_worker: Vec<u64>,
    /// What the reader should know before trusting the figures.
    pub warnings: Vec<Text>,
    /// What another policy would have made of it, where one was given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub against: Option<Against>,
}

/// What was read.
#[derive(Debug, Serialize)]
pub struct Input {
    /// The files.
    pub files: Vec<String>,
    /// Lines or rows.
    pub rows: u64,
    /// Events they gave.
    pub events: u64,
    /// Events that a clock or a count took note of.
    pub applied: u64,
    /// Events delivered twice.
    pub duplicates: u64,
    /// Records refused, by reason.
    pub rejected: BTreeMap<String, u64>,
    /// The first of them.
    #[serde(serialize_with = "as_text")]
    pub rejects: Vec<Reject>,
    /// Events whose type nothing asks for, by type.
    pub unknown_types: BTreeMap<String, u64>,
    /// The earliest event.
    #[serde(with = "rfc3339::option")]
    pub first: Option<Time>,
    /// The latest event: the instant as of which verdicts are given.
    #[serde(with = "rfc3339::option")]
    pub last: Option<Time>,
}

/// A list of rejects, each as one line.
fn as_text<S: serde::Serializer>(rejects: &[Reject], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(rejects.iter().map(Reject::to_string))
}

/// One commitment in sum.
#[derive(Clone, Debug, Serialize)]
pub struct CommitmentReport {
    /// Its name.
    pub name: Arc<str>,
    /// What is promised.
    pub title: Arc<Text>,
    /// Clocks with a goal.
    pub clocks: u64,
    /// Kept.
    pub kept: u64,
    /// Broken, whether still open or not.
    pub breached: u64,
    /// Open and not broken.
    pub open: u64,
    /// Taken back before they were broken.
    pub cancelled: u64,
    /// Kept of kept and breached; `null` if there are none.
    pub kept_share: Option<f64>,
    /// The 95 % interval of that share (Wilson, 1927).
    pub kept_share_interval: Option<(f64, f64)>,
    /// The clock's own time used, over the clocks that were stopped.
    pub elapsed_seconds: Durations,
    /// Clocks that were parked: paused again within the commitment's `parked_within` of going on.
    pub parked_clocks: u64,
    /// How often they were.
    pub parked: u64,
}

/// How long it took.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Durations {
    /// How many.
    pub n: u64,
    /// Their mean, exact.
    pub mean: Option<f64>,
    /// Half took no longer.
    pub p50: Option<f64>,
    /// Nine in ten took no longer.
    pub p90: Option<f64>,
    /// 95 in 100 took no longer.
    pub p95: Option<f64>,
    /// 99 in 100 took no longer.
    pub p99: Option<f64>,
    /// The longest, exact.
    pub max: Option<f64>,
}

/// One objective in sum, over everything that was read.
#[derive(Debug, Serialize)]
pub struct ObjectiveReport {
    /// Its name.
    pub name: Arc<str>,
    /// What is promised.
    pub title: Arc<Text>,
    /// On which side of the target the share must be.
    pub operator: Operator,
    /// The share that was promised.
    pub target: f64,
    /// How many cases the share is of that the target is held against.
    pub judged: u64,
    /// How many of them are good.
    pub good: u64,
    /// The share.
    pub share: Option<f64>,
    /// Its 95 % interval (Wilson, 1927).
    pub share_interval: Option<(f64, f64)>,
    /// Whether the target is met; `null` without data.
    pub met: Option<bool>,
    /// How often it was missed in its window of late: what goes on, and what ended in the last seven days of the log.
    pub shortfalls: usize,
    /// More about the clocks, if clocks are counted.
    #[serde(flatten)]
    pub clocks: Option<ClockShares>,
}

/// The clocks that an objective counts. "Answered" is the clock's stop, "abandoned" its cancellation.
#[derive(Debug, Serialize)]
pub struct ClockShares {
    /// Clocks that were stopped.
    pub answered: u64,
    /// Of these, within the goal.
    pub answered_in_time: u64,
    /// Clocks that were cancelled.
    pub abandoned: u64,
    /// Of these, within the goal.
    pub abandoned_in_time: u64,
    /// Of these, at once.
    pub abandoned_short: u64,
    /// Clocks still running within the goal.
    pub waiting: u64,
    /// Clocks still running beyond the goal: they can only be missed.
    pub waiting_missed: u64,
    /// The mean time of the answered.
    pub mean_answered_seconds: Option<f64>,
    /// The longest time, of all.
    pub longest_seconds: Option<f64>,
    /// The share by every formula in use; the one the target is held against is `without_abandoned_in_time`.
    pub service_level: BTreeMap<&'static str, Option<f64>>,
}

/// Something counted beside the promises.
#[derive(Debug, Serialize)]
pub struct TallyReport {
    /// Its name.
    pub name: String,
    /// What is counted.
    pub title: Text,
    /// How many.
    pub count: u64,
}

/// Alerts in sum.
#[derive(Debug, Serialize)]
pub struct AlertCounts {
    /// Raised.
    pub raised: u64,
    /// Taken back.
    pub retracted: u64,
}

/// The formula that the target is held against: whoever gave up in time is neither kept nor broken.
pub const JUDGED_BY: &str = "without_abandoned_in_time";

/// Sums a replay up.
pub fn make(
    policy: &Policy,
    lifecycles: &Lifecycles,
    settings: &Settings,
    prepared: &Prepared,
    replayed: &Replayed,
) -> Report {
    let tally = &replayed.tally;
    let counted = |(tally, count): (&crate::sla::policy::Tally, &u64)| TallyReport {
        name: tally.name.clone(),
        title: tally.title.clone(),
        count: *count,
    };
    Report {
        input: input(settings, prepared, replayed),
        policy_hash: format!("{:016x}", policy.hash),
        commitments: commitments(policy, tally),
        objectives: policy.objectives.iter().map(|one| objective_in_sum(one, replayed)).collect(),
        tallies: policy.tallies.iter().zip(&replayed.counts.tallies).map(counted).collect(),
        lifecycles: conduct::in_sum(lifecycles, &replayed.conduct),
        slowest: tally.slowest.clone(),
        signals: replayed.aggregate.signals().cloned().collect(),
        crises: replayed.aggregate.crises().cloned().collect(),
        alerts: AlertCounts { raised: replayed.counts.raised, retracted: replayed.counts.retracted },
        applied_by_worker: replayed.applied_by_worker.clone(),
        warnings: warnings(tally).chain(conduct::warning(&replayed.conduct)).collect(),
        against: None,
    }
}

/// The commitments that any clock ran for, in the policy's order; versions of one count together, under the newest's
/// title.
fn commitments(policy: &Policy, tally: &Tally) -> Vec<CommitmentReport> {
    let newest = policy.commitments.iter().filter(|commitment| commitment.effective_until == Time::NEVER);
    newest.filter_map(|one| Some(in_sum(one, tally.commitments.get(&one.name)?))).collect()
}

fn input(settings: &Settings, prepared: &Prepared, replayed: &Replayed) -> Input {
    let mut rejected: BTreeMap<String, u64> = BTreeMap::new();
    for (code, n) in prepared.reject_counts.iter().chain(&replayed.counts.rejected) {
        *rejected.entry((*code).to_owned()).or_default() += n;
    }
    let mut rejects: Vec<Reject> = prepared.rejects.iter().chain(&replayed.rejects).cloned().collect();
    rejects.sort_by(|a, b| a.position.cmp(&b.position));
    rejects.truncate(REJECTS_SHOWN);
    Input {
        files: settings.files.iter().map(|path| path.display().to_string()).collect(),
        rows: prepared.rows,
        events: prepared.events,
        applied: replayed.counts.applied,
        duplicates: replayed.counts.duplicates,
        rejected,
        rejects,
        unknown_types: replayed.counts.unknown.clone(),
        first: prepared.first,
        last: prepared.last,
    }
}

fn in_sum(commitment: &Commitment, sums: &Sums) -> CommitmentReport {
    let judged = sums.kept + sums.breached;
    CommitmentReport {
        name: commitment.name.clone(),
        title: commitment.title.clone(),
        clocks: judged + sums.open + sums.cancelled,
        kept: sums.kept,
        breached: sums.breached,
        open: sums.open,
        cancelled: sums.cancelled,
        kept_share: share(sums.kept, judged),
        kept_share_interval: wilson(sums.kept, judged),
        elapsed_seconds: durations(&sums.answered),
        parked_clocks: sums.parked_clocks,
        parked: sums.parked,
    }
}

pub(super) fn durations(of: &tally::Durations) -> Durations {
    let at = |share: f64| of.quantile_seconds(share);
    Durations {
        n: of.n,
        mean: of.mean_seconds(),
        p50: at(0.5),
        p90: at(0.9),
        p95: at(0.95),
        p99: at(0.99),
        max: (of.n > 0).then_some(of.max_ms as f64 / 1_000.0),
    }
}

fn objective_in_sum(objective: &Objective, replayed: &Replayed) -> ObjectiveReport {
    let (n, good, clocks) = match objective.commitment() {
        None => {
            let counted = replayed.counts.shares.get(&objective.id()).copied().unwrap_or_default();
            (counted.n, counted.good, None)
        }
        Some(commitment) => match replayed.tally.commitments.get(commitment) {
            Some(sums) => clock_shares(sums),
            None => clock_shares(&Sums::default()),
        },
    };
    let shortfalls = replayed.aggregate.shortfalls().filter(|one| one.objective == objective.name).count();
    ObjectiveReport {
        name: objective.name.clone(),
        title: objective.title.clone(),
        operator: objective.operator,
        target: objective.target,
        judged: n,
        good,
        share: share(good, n),
        share_interval: wilson(good, n),
        met: objective.meets(n, good),
        shortfalls,
        clocks,
    }
}

/// How many clocks are judged, how many of them are good, and more about them.
fn clock_shares(sums: &Sums) -> (u64, u64, Option<ClockShares>) {
    let (answered, in_time) = (sums.answered.n, sums.kept);
    let all = answered + sums.abandoned + sums.open_breached;
    let judged = all - sums.cancelled;
    let service_level = BTreeMap::from([
        ("of_answered", share(in_time, answered)),
        ("of_all", share(in_time, all)),
        (JUDGED_BY, share(in_time, judged)),
        ("abandoned_in_time_is_kept", share(in_time + sums.cancelled, all)),
        ("without_abandoned_short", share(in_time, all - sums.abandoned_short)),
        ("abandoned_short_is_kept", share(in_time + sums.abandoned_short, all)),
    ]);
    let clocks = ClockShares {
        answered,
        answered_in_time: in_time,
        abandoned: sums.abandoned,
        abandoned_in_time: sums.cancelled,
        abandoned_short: sums.abandoned_short,
        waiting: sums.open,
        waiting_missed: sums.open_breached,
        mean_answered_seconds: sums.answered.mean_seconds(),
        longest_seconds: (all + sums.open > 0).then_some(sums.longest_ms as f64 / 1_000.0),
        service_level,
    };
    (judged, in_time, Some(clocks))
}

/// Years through which clocks ran and for which their calendar has no holidays: loud, because the deadlines are wrong.
fn warnings(tally: &Tally) -> impl Iterator<Item = Text> {
    let text = |((calendar, year), n): (&(String, i16), &u64)| {
        Text::new(
            format!(
                "calendar `{calendar}` has no holidays for {year}: {n} clocks were judged as if there were none. \
                 Add that year to the calendar's file"
            ),
            format!(
                "日历“{calendar}”没有{year}年的节假日数据：{n}个计时按无节假日计算。请在日历文件中补充该年份"
            ),
        )
    };
    tally.without_holidays.iter().map(text)
}
