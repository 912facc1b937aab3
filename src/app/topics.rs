//! Are the topics as they must be? Checked, and made so.

use std::time::Duration;

use anyhow::{Context, bail};

use super::run::connection;
use crate::config::run::Settings;
use crate::engine::clock;
use crate::engine::live::MIGRATION;
use crate::kafka::{self, Admin, Isolation, Logs, Lookup, TopicFacts};
use crate::sink::kafka::partitions_then;

/// How long the brokers are waited for.
const PATIENCE: Duration = Duration::from_secs(30);
/// The pause before they are asked again.
const AGAIN: Duration = Duration::from_millis(200);

/// What a topic must be like.
struct Plan {
    name: String,
    /// `None`: as many as it has.
    partitions: Option<u32>,
    settings: Set,
}

/// What was done about a topic, or what is wrong with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Finding {
    /// It is as it must be.
    Right(String),
    /// It was made, with so many partitions.
    Made(String, u32),
    /// It is otherwise than it must be: what, and what to do.
    Wrong(String, String),
}

/// How a topic must be set.
type Set = &'static [(&'static str, &'static str)];

/// Alerts and dead letters must still be there when somebody comes back from holidays.
const KEPT: Set = &[("cleanup.policy", "delete"), ("retention.ms", "2592000000")];
/// Partials must reach back further than any checkpoint of the aggregate.
const PARTIALS: Set = &[("cleanup.policy", "delete"), ("retention.ms", "604800000")];
/// Events must reach back further than any checkpoint.
const EVENTS: Set = &[("cleanup.policy", "delete")];

/// Makes the topics that are missing: inputs with `partitions`, alerts with one for each log and one more.
pub fn create(settings: &Settings, partitions: u32, replicas: u32) -> anyhow::Result<Vec<Finding>> {
    let admin = Admin::new(&connection(settings), PATIENCE)?;
    let mut findings = Vec::new();
    let mut logs = 0;
    for topic in &settings.kafka.topics {
        let plan = Plan { name: topic.clone(), partitions: None, settings: EVENTS };
        logs += make(&admin, &plan, partitions, replicas, &mut findings)?;
    }
    for (name, count, settings) in outputs(settings, logs) {
        let plan = Plan { name, partitions: Some(count), settings };
        make(&admin, &plan, count, replicas, &mut findings)?;
    }
    Ok(findings)
}

/// The topics that are written.
fn outputs(settings: &Settings, logs: u32) -> Vec<(String, u32, Set)> {
    let kafka = &settings.kafka;
    let mut outputs = vec![(kafka.alerts.clone(), logs + 1, KEPT), (kafka.partials.clone(), 1, PARTIALS)];
    outputs.extend(kafka.dead_letters.iter().map(|name| (name.clone(), 1, KEPT)));
    outputs
}

fn make(
    admin: &Admin,
    plan: &Plan,
    partitions: u32,
    replicas: u32,
    findings: &mut Vec<Finding>,
) -> anyhow::Result<u32> {
    let asked = admin.topic(&plan.name).with_context(|| format!("topic `{}`", plan.name))?;
    match asked {
        Some(facts) => {
            let wrong = wrong(plan, &facts);
            let right = wrong.is_empty().then(|| Finding::Right(plan.name.clone()));
            findings.extend(right);
            findings.extend(wrong.into_iter().map(|what| Finding::Wrong(plan.name.clone(), what)));
            Ok(facts.partitions)
        }
        None => {
            let made = admin.create(&plan.name, partitions, replicas, plan.settings);
            made.with_context(|| format!("topic `{}` cannot be made", plan.name))?;
            findings.push(Finding::Made(plan.name.clone(), partitions));
            Ok(partitions)
        }
    }
}

/// What is otherwise than it must be, each with its remedy.
fn wrong(plan: &Plan, facts: &TopicFacts) -> Vec<String> {
    let mut wrong = Vec::new();
    if let Some(expected) = plan.partitions.filter(|expected| *expected != facts.partitions) {
        wrong.push(format!(
            "has {} partitions and needs {expected}: one for each log, and for alerts one more for the aggregate. \
             Name another topic in the settings, and let `watchbell topics create` make it. But if an input topic has \
             grown, its subjects are split: {MIGRATION}",
            facts.partitions
        ));
    }
    let compacted = facts.settings.get("cleanup.policy").is_some_and(|policy| policy.contains("compact"));
    if compacted {
        wrong.push(
            "is compacted: records that a restart must read again disappear. \
             Set cleanup.policy=delete with kafka-configs.sh"
                .into(),
        );
    }
    wrong
}

/// Asks until there is an answer, or an error that another try would not mend: a coordinator that has just begun says at once
/// that it is none yet.
fn patiently<T>(mut ask: impl FnMut() -> kafka::Result<T>) -> kafka::Result<T> {
    let until = clock::instant() + PATIENCE;
    loop {
        match ask() {
            Err(error) if error.retriable && clock::instant() < until => std::thread::sleep(AGAIN),
            answered => return answered,
        }
    }
}

/// Refuses input topics that have another number of partitions than when the group last wrote a cut: their subjects are
/// split. Every cut notes the number.
pub fn check_growth(settings: &Settings, logs: &Logs) -> anyhow::Result<()> {
    let group = &settings.kafka.group;
    let lookup = Lookup::new(&connection(settings), group, Isolation::Uncommitted)?;
    let places: Vec<(String, i32)> = (0..logs.count()).map(|log| logs.partition(log)).collect();
    let committed = patiently(|| lookup.all_committed(&places, PATIENCE)).with_context(|| {
        format!(
            "the offsets of group `{group}` cannot be read. Look at the log of the broker that coordinates it: it may still \
             be loading, or have failed to"
        )
    })?;
    for ((topic, _), found) in places.iter().zip(committed) {
        let now = logs.partitions(topic);
        let then = found.and_then(|found| partitions_then(&found.metadata)).filter(|then| *then != now);
        if let Some(then) = then {
            bail!(
                "topic `{topic}` has {now} partitions, and had {then} when group `{group}` last wrote for it: if it \
                 has grown, its subjects are split. {MIGRATION}"
            );
        }
    }
    Ok(())
}

/// What is wrong with the topics, before a watch begins.
pub fn check(admin: &Admin, settings: &Settings, logs: u32) -> anyhow::Result<Vec<Finding>> {
    let mut findings = Vec::new();
    for (name, count, expected) in outputs(settings, logs) {
        let plan = Plan { name, partitions: Some(count), settings: expected };
        match admin.expected(&plan.name).with_context(|| format!("topic `{}`", plan.name))? {
            None => {
                let what = "does not exist. Let `watchbell topics create` make it".to_owned();
                findings.push(Finding::Wrong(plan.name, what));
            }
            Some(facts) => {
                findings.extend(
                    wrong(&plan, &facts).into_iter().map(|what| Finding::Wrong(plan.name.clone(), what)),
                );
            }
        }
    }
    Ok(findings)
}
