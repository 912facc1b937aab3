//! Explains one subject: reads the files, follows its log, and asks the case.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::replay::{Settings, Stage, read};
use crate::config;
use crate::engine::partition::Partition;
use crate::shard;
use crate::sla::explain::Explanation;
use crate::source::partition::partition;
use crate::source::{Item, Record, Source, SourceError};
use crate::time::Time;

/// The explanations of a subject's cases, as of `at` or of the end of the input. Empty: no promise was ever made to it.
pub fn run(
    settings: &Settings,
    subject: &str,
    at: Option<Time>,
    progress: &mut dyn FnMut(Stage),
    cancel: &AtomicBool,
) -> anyhow::Result<Vec<Explanation>> {
    let policy = Arc::new(config::load_policy(settings.policy.as_deref())?);
    let options = shard::Options { log_clock: true, keep_ended: true, ..shard::Options::default() };
    let prepared = read(settings, &options, progress, cancel)?;
    let log = partition(subject.as_bytes(), settings.partitions);
    let mut known: Partition = Partition::new(policy, options, log, "explain");
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
