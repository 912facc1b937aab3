//! Judges finished files: reads them into logs, runs the engine over them, writes outcomes and alerts, makes a report.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::bail;

use super::against;
use super::outputs::Outputs;
use super::report::{self, Report};
use crate::config;
use crate::engine::clock;
use crate::engine::replay::{self, Job, ReplayError};
use crate::shard;
use crate::source::SourceError;
use crate::source::mapping::Mapping;
use crate::source::replay::{Input, Options as Reading, Order, Prepared, Progress, prepare};
use crate::time::Time;

/// How much memory the events of an input may take before they go to temporary files.
const MEMORY_BYTES: usize = 1 << 30;
/// How many rejects are kept with their place.
const REJECTS_MAX: usize = 10_000;

/// What is to be judged, and where the answers go.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The files; `-` is standard input.
    pub files: Vec<PathBuf>,
    /// A mapping's name or path; without one the files hold events.
    pub mapping: Option<String>,
    /// A policy's name or path; without one the promises of `config/commitments.toml`.
    pub policy: Option<String>,
    /// The name or path of lifecycles; without one those of `config/lifecycles.toml`.
    pub lifecycles: Option<String>,
    /// Another policy, by name or path, that the answers are held against.
    pub against: Option<String>,
    /// Into how many logs the events are split.
    pub partitions: u32,
    /// How many threads judge; never more than there are logs.
    pub workers: usize,
    /// The instant as of which the files are read; now, if not given.
    pub as_of: Option<Time>,
    /// In which order the events are read.
    pub order: Order,
    /// Where the verdicts go.
    pub outcomes: Option<PathBuf>,
    /// Where the changelog of alerts goes.
    pub alerts: Option<PathBuf>,
}

/// How far a replay is.
#[derive(Clone, Copy, Debug)]
pub enum Stage {
    /// Files are read and put into order.
    Reading(Progress),
    /// So many of so many records are judged.
    Judging(u64, u64),
}

/// Judges files.
pub fn run(
    settings: &Settings,
    progress: &mut dyn FnMut(Stage),
    cancel: &AtomicBool,
) -> anyhow::Result<Report> {
    let policy = Arc::new(config::load_policy(settings.policy.as_deref())?);
    let lifecycles = Arc::new(config::load_lifecycles(settings.lifecycles.as_deref())?);
    let old =
        settings.against.as_deref().map(|name| config::load_policy(Some(name))).transpose()?.map(Arc::new);
    let outputs = Outputs::open(settings)?;
    let options = shard::Options { log_clock: true, ..shard::Options::default() };
    let prepared = read(settings, &options, progress, cancel)?;
    let job = Job {
        policy: policy.clone(),
        lifecycles: lifecycles.clone(),
        aggregate: crate::aggregate::Options {
            pane: options.pane,
            objectives: policy.objectives.clone(),
            ..Default::default()
        },
        options,
        logs: settings.partitions,
        workers: settings.workers.clamp(1, settings.partitions as usize),
        keep_alerts: settings.alerts.is_some(),
        keep_outcomes: settings.outcomes.is_some(),
    };
    let total = prepared.events;
    let source = || prepared.spool.clone();
    let replayed = replay::run(&job, source, &mut |done| progress(Stage::Judging(done, total)), cancel);
    let mut replayed = replayed.map_err(unwrapped)?;
    // Whoever wants to stop while the answers are being written wants none of them.
    if cancel.load(Ordering::Relaxed) {
        return Err(SourceError::Cancelled.into());
    }
    let lines = std::mem::take(&mut replayed.lines);
    let against =
        old.map(|old| against::run((&old, &policy), settings.partitions, &job.options, &prepared, cancel));
    let against = against.transpose()?;
    outputs.write(&replayed, lines)?;
    Ok(Report { against, ..report::make(&policy, &lifecycles, settings, &prepared, &replayed) })
}

/// What the source could not do is said as such, also when a worker met it: an interruption is known by its type.
fn unwrapped(error: ReplayError) -> anyhow::Error {
    match error {
        ReplayError::Source(error) => error.into(),
        other => other.into(),
    }
}

/// Reads the files into logs.
pub(super) fn read(
    settings: &Settings,
    options: &shard::Options,
    progress: &mut dyn FnMut(Stage),
    cancel: &AtomicBool,
) -> anyhow::Result<Prepared> {
    if settings.files.iter().filter(|path| path.as_os_str() == "-").count() > 1 {
        bail!("`-` is given more than once: standard input can be read only once");
    }
    let mapping = settings.mapping.as_deref().map(config::mapping::load).transpose()?.map(Arc::new);
    let input = |path: &PathBuf| Input { path: path.clone(), mapping: mapping.clone() };
    let inputs: Vec<Input> = settings.files.iter().map(input).collect();
    let reading = Reading {
        order: settings.order,
        partitions: settings.partitions,
        as_of: settings.as_of.unwrap_or_else(clock::now),
        max_skew: options.max_skew,
        tick: options.pane,
        memory_bytes: MEMORY_BYTES,
        threads: settings.workers.max(1),
        rejects_max: REJECTS_MAX,
    };
    let prepared = prepare(&inputs, &reading, &mut |stage| progress(Stage::Reading(stage)), cancel)?;
    if prepared.events == 0 && prepared.rows > 0 {
        refuse_unreadable(&prepared, mapping.as_deref())?;
    }
    Ok(prepared)
}

/// Not one line could be used: that is not a clean input without events, it is the wrong kind of file.
fn refuse_unreadable(prepared: &Prepared, mapping: Option<&Mapping>) -> anyhow::Result<()> {
    let Some(first) = prepared.rejects.first() else { return Ok(()) };
    let shipped: Vec<&str> = config::mapping::BUILT_IN.iter().map(|(name, _)| *name).collect();
    match mapping {
        Some(_) => bail!("none of {} rows gave an event; the first: {first}", prepared.rows),
        None => bail!(
            "none of {} lines is an event; the first: {first}\n\
             Files of another kind need a mapping: --mapping NAME|PATH (shipped: {})",
            prepared.rows,
            shipped.join(", ")
        ),
    }
}
