//! The live watch: settings in, a running engine out.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use anyhow::{Context, bail};

use super::board::Board;
use super::topics::{self, Finding};
use crate::config::{self, run::Settings};
use crate::engine::clock::{self, Clock};
use crate::engine::live::{self, OpenStore, Pace, Shared};
use crate::kafka::{self, Admin, Logs};
use crate::source::kafka::Pseudonyms;
use crate::time::{Span, Time};
use crate::{checkpoint, shard, sink};

/// How long the brokers are waited for at the start.
const PATIENCE: Duration = Duration::from_secs(10);

/// Reads the settings of a watch.
pub fn settings(path: &Path) -> anyhow::Result<Settings> {
    let text = std::fs::read_to_string(path).with_context(|| {
        format!("{}: cannot be read. Give the settings with --config FILE", path.display())
    })?;
    Ok(config::run::read(&path.display().to_string(), &text)?)
}

/// A watch that is ready to be run, and what hangs on its wall.
pub struct Watch {
    settings: Arc<live::Settings>,
    /// Pictures for faces.
    pub shared: Arc<Shared>,
    board: Option<Board>,
}

impl Watch {
    /// Puts a watch together; asks the brokers for the topics.
    pub fn new(settings: &Settings) -> anyhow::Result<Watch> {
        let policy = Arc::new(config::load_policy(settings.policy.as_deref())?);
        let shadow = settings.shadow.as_deref().map(|shadow| config::load_policy(Some(shadow)));
        let shadow = shadow.transpose().context("[shadow] policy")?.map(Arc::new);
        let connection = connection(settings);
        let admin = Admin::new(&connection, PATIENCE)?;
        let logs = logs(&admin, settings)?;
        topics::check_growth(settings, &logs)?;
        check_outputs(&admin, settings, logs.count())?;
        let sink = sink::kafka::Options {
            connection: connection.clone(),
            group: settings.kafka.group.clone(),
            alerts: settings.kafka.alerts.clone(),
            alerts_partitions: logs.count() + 1,
            partials: Some(settings.kafka.partials.clone()),
            dead_letters: settings.kafka.dead_letters.clone(),
            transactions: settings.kafka.transactions,
            transaction_timeout: duration(settings.kafka.transaction_timeout),
        };
        let options = options(settings);
        let aggregate = crate::aggregate::Options {
            pane: options.pane,
            objectives: policy.objectives.clone(),
            ..Default::default()
        };
        let clock = if settings.engine.log_clock { Clock::Log } else { Clock::Wall };
        let pace = pace(settings);
        let store = store(settings);
        // What is wrong with it is said now, not when the first log is taken over.
        store().and_then(|mut store| store.list(0)).context("[checkpoints] url")?;
        let live = live::Settings {
            connection,
            group: settings.kafka.group.clone(),
            membership: membership(settings),
            logs: Arc::new(logs),
            sink: Arc::new(sink),
            workers: settings.engine.workers,
            policy,
            shadow,
            options,
            aggregate,
            sums: settings.engine.aggregate,
            pseudonyms: pseudonyms(settings),
            labels: settings.http.labels.clone(),
            clock,
            pace,
            keep: settings.checkpoints.keep,
            store,
        };
        let mut watch = Watch::of(live);
        if let Some(listen) = &settings.http.listen {
            watch.board = Board::open(listen, &watch.shared).context("[http] listen")?;
        }
        Ok(watch)
    }

    /// A watch with these settings.
    pub fn of(settings: live::Settings) -> Watch {
        let (policy, clock) = (settings.policy.clone(), settings.clock.clone());
        let shared = Shared::new(policy, clock, settings.pace.blind, settings.labels.clone());
        Watch { settings: Arc::new(settings), shared: Arc::new(shared), board: None }
    }

    /// The same with a board, at a free port if another program has the one that is asked for.
    pub(super) fn with_board(mut self, listen: &str) -> anyhow::Result<Watch> {
        self.board = Board::open_somewhere(listen, &self.shared)?;
        Ok(self)
    }

    /// The board, if there is one.
    pub fn board(&self) -> Option<&Board> {
        self.board.as_ref()
    }

    /// The time of its engine.
    pub fn now(&self) -> Time {
        self.settings.clock.at(clock::now())
    }

    /// Watches until `stop` is set.
    pub fn run(&self, stop: &Arc<AtomicBool>) -> anyhow::Result<()> {
        Ok(live::run(self.settings.clone(), self.shared.clone(), stop.clone())?)
    }
}

pub(super) fn connection(settings: &Settings) -> kafka::Options {
    kafka::Options { bootstrap: settings.kafka.bootstrap.clone(), passed_on: settings.kafka.options.clone() }
}

fn logs(admin: &Admin, settings: &Settings) -> anyhow::Result<Logs> {
    let mut topics = Vec::new();
    for topic in &settings.kafka.topics {
        topics.push((topic.clone(), need(admin, settings, topic)?.partitions));
    }
    Ok(Logs::new(topics))
}

fn check_outputs(admin: &Admin, settings: &Settings, logs: u32) -> anyhow::Result<()> {
    let wrong: Vec<String> = topics::check(admin, settings, logs)?
        .into_iter()
        .filter_map(|finding| match finding {
            Finding::Wrong(topic, what) => Some(format!("topic `{topic}` {what}")),
            Finding::Right(_) | Finding::Made(..) => None,
        })
        .collect();
    if wrong.is_empty() { Ok(()) } else { bail!("{}", wrong.join("\n")) }
}

/// A topic that must be there.
fn need(admin: &Admin, settings: &Settings, topic: &str) -> anyhow::Result<kafka::TopicFacts> {
    let asked = admin.expected(topic).with_context(|| {
        format!(
            "the brokers at {} do not answer. Check [kafka] bootstrap and [kafka.options]",
            settings.kafka.bootstrap
        )
    })?;
    match asked {
        Some(facts) => Ok(facts),
        None => bail!(
            "topic `{topic}` does not exist. Create it, or let `watchbell topics create` make all topics of the settings"
        ),
    }
}

fn options(settings: &Settings) -> shard::Options {
    let input = &settings.input;
    shard::Options {
        horizon: input.horizon,
        dedup_window: input.dedup_window,
        max_skew: input.max_skew,
        values_per_dimension_max: input.values_per_dimension_max,
        log_clock: settings.engine.log_clock,
        ..shard::Options::default()
    }
}

fn membership(settings: &Settings) -> Vec<(String, String)> {
    let mut options = Vec::new();
    let mut set = |name: &str, value: String| options.push((name.to_owned(), value));
    if settings.kafka.consumer_protocol {
        set("group.protocol", "consumer".into());
    } else {
        set("partition.assignment.strategy", "cooperative-sticky".into());
        if let Some(silence) = settings.kafka.silence {
            set("session.timeout.ms", silence.millis().to_string());
            set("heartbeat.interval.ms", (silence.millis() / 5).max(100).to_string());
        }
    }
    if let Some(id) = &settings.kafka.instance_id {
        set("group.instance.id", id.clone());
    }
    options
}

fn pace(settings: &Settings) -> Pace {
    Pace {
        fence: duration(settings.engine.fence_every),
        checkpoint: duration(settings.checkpoints.every),
        leave: duration(settings.engine.leave_within),
        ..Pace::default()
    }
}

fn pseudonyms(settings: &Settings) -> Option<Pseudonyms> {
    let written = settings.pseudonyms.as_ref()?;
    Some(Pseudonyms::new(written.key, written.subjects, written.attributes.clone()))
}

fn store(settings: &Settings) -> Box<OpenStore> {
    let (address, group) = (settings.checkpoints.url.clone(), settings.kafka.group.clone());
    Box::new(move || checkpoint::open(&address, &group))
}

fn duration(span: Span) -> Duration {
    Duration::from_millis(span.millis().max(0) as u64)
}
