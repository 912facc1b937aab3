//! What is to be said of a world that has suffered? The oracle's verdict, the figures, and what must be so.

use std::collections::BTreeMap;
use std::time::Duration;

use super::facts::{Committed, aborted, alerts, events, list};
use super::instances::{Instance, Phase};
use super::oracle::{self, Verdict};
use super::traffic::LOGS;
use super::watch::{Failover, Watch};
use super::{ALERTS, GROUP, Plan, TICKETS, Tally};
use crate::kafka::client::committed;

/// How long the brokers' or a zombie's absence is felt: failovers within are shown apart.
const AFTERMATH: Duration = Duration::from_secs(5);

/// Everything that the verdict is about.
pub struct Judgement<'a> {
    pub plan: Plan,
    pub sent: u64,
    pub at: String,
    pub watch: &'a Watch,
    pub instances: &'a [Instance],
    pub tally: &'a Tally,
    pub open_kills: usize,
    /// Transactions that the broker forgot, and that were ended as its coordinator had decided.
    pub finished: Vec<String>,
}

impl Judgement<'_> {
    /// Judges, shows the figures, and fails when something is not as it must be.
    pub fn say(&self) {
        let verdict = self.verdict();
        self.show(&verdict);
        assert_eq!(verdict.count(), 0, "what was said is wrong:\n{}", list(&verdict.violations));
        assert_eq!(verdict.inputs, self.sent, "the judge did not read what was written");
        assert!(verdict.alerts > 100, "hardly anything was said");
        let wrong = self.watch.wrong();
        assert!(wrong.is_empty(), "{} cuts went back, first: {}", wrong.len(), wrong[0]);
        let complaints: Vec<&String> = self.instances.iter().flat_map(|one| &one.complaints).collect();
        assert!(complaints.is_empty(), "{complaints:#?}");
        let waiting: Vec<Failover> =
            self.watch.failovers().into_iter().filter(|failover| failover.took.is_none()).collect();
        assert!(waiting.is_empty(), "nobody went on with {waiting:?}");
        assert!(self.open_kills >= self.plan.open_kills(), "no chance to see an open transaction end");
    }

    fn verdict(&self) -> Verdict {
        let cuts = committed(&self.at, GROUP, TICKETS);
        let of_logs = (0..LOGS).map(|log| {
            let (offset, metadata) = &cuts[&(log as i32)];
            let last = Committed::read(*offset, metadata);
            assert_eq!(last.owner, "", "log {log} was not given up: {metadata}");
            oracle::judge(log, &events(&self.at, TICKETS, log), &alerts(&self.at, ALERTS, log), last.cut)
        });
        let of_logs = of_logs.fold(Verdict::default(), Verdict::plus);
        of_logs.plus(oracle::lives(&alerts(&self.at, ALERTS, LOGS)))
    }

    #[expect(clippy::print_stderr, reason = "the figures are what is asked for")]
    fn show(&self, verdict: &Verdict) {
        let Tally { kills, zombies, freezes, broker_kills, .. } = self.tally;
        let mut phases: BTreeMap<Phase, usize> = BTreeMap::new();
        kills.iter().for_each(|kill| *phases.entry(kill.phase).or_default() += 1);
        let given_up: u64 = (0..=LOGS).map(|log| aborted(&self.at, ALERTS, log)).sum();
        eprintln!(
            "chaos, seed {}: {} kills in phases {phases:?}, {} of them with a transaction open; zombies {zombies:?}; \
             broker frozen {freezes} times, killed {broker_kills} times, {} transactions forgotten by it",
            self.plan.seed,
            kills.len(),
            self.open_kills,
            self.finished.len(),
        );
        eprintln!(
            "  {} inputs ({} too late), {} alerts in {} cuts, {} retractions, {} stand; {given_up} records given up; \
             {} violations",
            verdict.inputs,
            verdict.too_late,
            verdict.alerts,
            verdict.cuts,
            verdict.retractions,
            verdict.standing,
            verdict.count(),
        );
        let (count, worst) = verdict.stamped_before;
        eprintln!("  {count} cuts had not read a record stamped before their clock, by {worst} ms at most");
        let (disturbed, alone): (Vec<Failover>, Vec<Failover>) =
            self.watch.failovers().into_iter().partition(|failover| self.is_disturbed(failover));
        eprintln!("  from a kill to the next cut of each of its logs: {}", figures(&alone));
        eprintln!("  the same, while the broker or a zombie was away: {}", figures(&disturbed));
        eprint!("{}", list(&verdict.violations));
    }

    /// Whether something else was wrong meanwhile.
    fn is_disturbed(&self, failover: &Failover) -> bool {
        let end = failover.killed + failover.took.unwrap_or(AFTERMATH);
        self.tally.disturbed.iter().any(|(from, to)| *from < end && failover.killed < *to + AFTERMATH)
    }
}

fn figures(failovers: &[Failover]) -> String {
    let mut seconds: Vec<f64> =
        failovers.iter().filter_map(|failover| Some(failover.took?.as_secs_f64())).collect();
    seconds.sort_by(f64::total_cmp);
    match seconds.last() {
        None => "none".into(),
        Some(max) => {
            let middle = seconds[seconds.len() / 2];
            format!("{} logs, p50 {middle:.1} s, max {max:.1} s", seconds.len())
        }
    }
}
