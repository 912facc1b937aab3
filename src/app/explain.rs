//! Explains one subject: reads the files, follows its log, and asks the case.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use serde::Serialize;

use super::replay::{Settings, Stage, read};
use crate::config;
use crate::engine::partition::Partition;
use crate::shard;
use crate::sla::compare::{Difference, compare};
use crate::sla::explain::Explanation;
use crate::sla::policy::Policy;
use crate::source::partition::partition;
use crate::source::replay::Prepared;
use crate::source::{Item, Record, Source, SourceError};
use crate::time::Time;

/// What a subject's clocks came to, and what another policy would have made of them.
#[derive(Debug, Serialize)]
pub struct WhatIf {
    /// The derivations under the present policy, one for each case.
    pub present: Vec<Explanation>,
    /// Those under the other.
    pub what_if: Vec<Explanation>,
    /// Where they do not agree, and why; "before" is the present.
    pub differences: Vec<Difference>,
}

/// The explanations of a subject's cases, as of `at` or of the end of the input. Empty: no promise was ever made to it.
pub fn run(
    settings: &Settings,
    subject: &str,
    at: Option<Time>,
    progress: &mut dyn FnMut(Stage),
    cancel: &AtomicBool,
) -> anyhow::Result<Vec<Explanation>> {
    let policy = config::load_policy(settings.policy.as_deref())?;
    let prepared = read(settings, &options(), progress, cancel)?;
    derive(policy, settings, &prepared, (subject, at), cancel)
}

/// The same beside what the policy named `other` makes of it.
pub fn what_if(
    settings: &Settings,
    other: &str,
    asked: (&str, Option<Time>),
    progress: &mut dyn FnMut(Stage),
    cancel: &AtomicBool,
) -> anyhow::Result<WhatIf> {
    let (policy, other) =
        (config::load_policy(settings.policy.as_deref())?, config::load_policy(Some(other))?);
    let prepared = read(settings, &options(), progress, cancel)?;
    let present = derive(policy, settings, &prepared, asked, cancel)?;
    let what_if = derive(other, settings, &prepared, asked, cancel)?;
    let clocks = |of: &'_ [Explanation]| of.iter().flat_map(|one| one.clocks.clone()).collect::<Vec<_>>();
    let differences = compare(&clocks(&present), &clocks(&what_if));
    Ok(WhatIf { present, what_if, differences })
}

fn options() -> shard::Options {
    shard::Options { log_clock: true, keep_ended: true, ..shard::Options::default() }
}

fn derive(
    policy: Policy,
    settings: &Settings,
    prepared: &Prepared,
    (subject, at): (&str, Option<Time>),
    cancel: &AtomicBool,
) -> anyhow::Result<Vec<Explanation>> {
    let log = partition(subject.as_bytes(), settings.partitions);
    let mut known: Partition = Partition::new(Arc::new(policy), options(), log, "explain");
    let mut source = prepared.spool.clone();
    source.assign(log, 0)?;
    let mut visit = |record: Record<'_>| {
        // What happened later is not known as of `at`.
        let later = |time: Time| at.is_some_and(|at| time > at);
        match &record.item {
            Item::Event(event) if !later(event.time) => drop(known.read(&record)),
            _ => {}
        }
    };
    while source.poll(1_024, &mut visit)? > 0 {
        if cancel.load(Ordering::Relaxed) {
            return Err(SourceError::Cancelled.into());
        }
    }
    let end = at.or(prepared.last).unwrap_or(Time::MIN);
    known.advance(end);
    Ok(known.shard().explain(subject))
}
