//! A service desk in a minute: a broker in the process, made-up events with a crisis in them, and the whole of the watch.
//!
//! Five days are there already when the watch begins: that is what it learns from. From the sixth day's morning on the
//! desk works at many times the speed of the wall, a bad firmware batch reaches one product in one region, and the
//! demonstration ends when the crisis is over.

use std::io::Write;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use anyhow::Context;
use serde::Serialize;

use super::run::Watch;
use crate::alert::{About, Action, Record};
use crate::checkpoint;
use crate::config;
use crate::crisis::{Crisis, Level};
use crate::detect::{Dimension, Finding};
use crate::engine::clock::{self, Clock};
use crate::engine::live::{self, Pace};
use crate::kafka::{self, Isolation, Logs, Lookup, Mock, Output, Producer};
use crate::shard;
use crate::sink;
use crate::source::desk::{self, Arrivals};
use crate::source::partition::partition;
use crate::time::{Span, Time};

/// What is shown.
#[derive(Clone, Debug)]
pub struct Settings {
    /// How long, on the wall; `None`: until it is stopped.
    pub length: Option<Duration>,
    /// Which desk; moves product and region of the incident.
    pub seed: u64,
    /// Whether the bad batch comes.
    pub incident: bool,
    /// Where the events are kept.
    pub record: Option<PathBuf>,
    /// Where the board is; elsewhere if another program is there.
    pub listen: String,
}

/// What came of it.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Summary {
    /// Events sent.
    pub events: u64,
    /// Warnings raised.
    pub warnings: u64,
    /// Promises broken.
    pub breaches: u64,
    /// Spikes of complaints or broken promises.
    pub spikes: u64,
    /// The crises, in the order in which they began.
    pub crises: Vec<Seen>,
}

/// A crisis as it was seen.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Seen {
    /// The product it names.
    pub product: Option<String>,
    /// The region it names.
    pub region: Option<String>,
    /// The levels it went through.
    pub levels: Vec<Level>,
    /// Whether it is over.
    pub ended: bool,
}

const LOGS: u32 = 8;
const EVENTS: &str = "events";
const ALERTS: &str = "watchbell.alerts";
const PARTIALS: &str = "watchbell.partials";
const GROUP: &str = "watchbell-demo";
/// Local midnight of the first day: a Monday two weeks before a holiday.
const START: &str = "2025-09-15T00:00:00+08:00";
/// From when on the desk works before the viewer's eyes, and until when, in hours from the start.
const LIVE_FROM: i64 = 5 * 24 + 6;
const LIVE_UNTIL: i64 = 6 * 24 + 18;
/// What of the length the start and the end take.
const START_AND_END: Duration = Duration::from_secs(3);
/// How long a demonstration without a length would take.
const UNBOUNDED: Duration = Duration::from_secs(60);

/// A demonstration that is ready to run.
pub struct Demo {
    settings: Settings,
    watch: Watch,
    desk: Desk,
    /// Last: it goes after everybody who speaks with it.
    mock: Mock,
}

/// The desk's side: what was sent when.
struct Desk {
    arrivals: std::iter::Peekable<Arrivals>,
    producer: Producer,
    record: Option<std::io::BufWriter<std::fs::File>>,
    sent: Arc<AtomicU64>,
}

impl Demo {
    /// Starts the broker and sends what lies before the viewer's time.
    pub fn new(settings: Settings) -> anyhow::Result<Demo> {
        let mock = Mock::new()?;
        for (topic, partitions) in [(EVENTS, LOGS), (ALERTS, LOGS + 1), (PARTIALS, 1)] {
            mock.create(topic, partitions)?;
        }
        let connection = kafka::Options { bootstrap: mock.bootstrap(), passed_on: Vec::new() };
        let start = Time::parse(START).context("the first day")?;
        let mut desk = Desk::new(&settings, &connection, start)?;
        desk.send_until(start + Span::from_hours(LIVE_FROM))?;
        let length = settings.length.unwrap_or(UNBOUNDED);
        let live = Span::from_hours(LIVE_UNTIL - LIVE_FROM);
        let speed = live.seconds() / length.saturating_sub(START_AND_END).as_secs_f64().max(1.0);
        let clock = Clock::Scaled { epoch: start + Span::from_hours(LIVE_FROM), since: clock::now(), speed };
        let watch = Watch::of(watched(connection, clock)?).with_board(&settings.listen)?;
        Ok(Demo { settings, watch, desk, mock })
    }

    /// What hangs on the wall while it runs.
    pub fn watch(&self) -> &Watch {
        &self.watch
    }

    /// Runs until its length is over or `stop` is set.
    pub fn run(mut self, stop: &Arc<AtomicBool>) -> anyhow::Result<Summary> {
        let over = Arc::new(AtomicBool::new(false));
        let ended = std::thread::scope(|scope| {
            let watching = scope.spawn(|| self.watch.run(&over));
            let worked = self.desk.work(&self.watch, self.settings.length, stop);
            over.store(true, Ordering::Relaxed);
            let watched = watching.join().unwrap_or_else(|_| anyhow::bail!("the watch broke off"));
            worked.and(watched)
        });
        ended?;
        let mut summary = summary(&self.mock.bootstrap())?;
        summary.events = self.desk.sent.load(Ordering::Relaxed);
        Ok(summary)
    }
}

fn watched(connection: kafka::Options, clock: Clock) -> anyhow::Result<live::Settings> {
    let policy = Arc::new(config::load_policy(None)?);
    let options = shard::Options::default();
    let sink = sink::kafka::Options {
        connection: connection.clone(),
        group: GROUP.into(),
        alerts: ALERTS.into(),
        alerts_partitions: LOGS + 1,
        partials: Some(PARTIALS.into()),
        dead_letters: None,
        transactions: false,
        transaction_timeout: Duration::from_secs(60),
    };
    let states = checkpoint::memory::Memory::default();
    Ok(live::Settings {
        connection,
        group: GROUP.into(),
        membership: vec![("partition.assignment.strategy".into(), "cooperative-sticky".into())],
        logs: Arc::new(Logs::new(vec![(EVENTS.into(), LOGS)])),
        sink: Arc::new(sink),
        workers: 1,
        aggregate: crate::aggregate::Options {
            pane: options.pane,
            objectives: policy.objectives.clone(),
            ..Default::default()
        },
        policy,
        shadow: None,
        options,
        sums: true,
        pseudonyms: None,
        // A made-up desk has a handful of products and regions.
        labels: vec![Dimension::Product, Dimension::Region],
        clock,
        // Time runs fast here, and so must what is told of it.
        pace: Pace { idle: Duration::from_millis(100), cut: Duration::from_millis(50), ..Pace::default() },
        keep: 1,
        store: Box::new(move || Ok(Box::new(states.clone()))),
    })
}

impl Desk {
    fn new(settings: &Settings, connection: &kafka::Options, start: Time) -> anyhow::Result<Desk> {
        let options = desk::Options {
            seed: settings.seed,
            start,
            days: u32::MAX / 24,
            per_hour: 15.0,
            incident: settings.incident,
            rise_hours: 10,
        };
        let open = |path: &PathBuf| {
            let file = std::fs::File::create(path);
            file.map(std::io::BufWriter::new)
                .with_context(|| format!("{}: cannot be written", path.display()))
        };
        Ok(Desk {
            arrivals: Arrivals::new(&options).peekable(),
            producer: Producer::new(connection, None, &[("linger.ms", "1")])?,
            record: settings.record.as_ref().map(open).transpose()?,
            sent: Arc::new(AtomicU64::new(0)),
        })
    }

    /// Sends what arrives before an instant.
    fn send_until(&mut self, until: Time) -> anyhow::Result<()> {
        while let Some((arrives, event)) = self.arrivals.next_if(|(arrives, _)| *arrives < until) {
            let json = desk::json(&event);
            self.producer.send(&Output {
                topic: EVENTS,
                partition: Some(partition(event.subject.as_bytes(), LOGS) as i32),
                key: event.subject.as_bytes(),
                payload: json.as_bytes(),
                timestamp_ms: Some(arrives.millis()),
                headers: &[],
            })?;
            if let Some(record) = &mut self.record {
                writeln!(record, "{json}").context("the record of the demonstration cannot be written")?;
            }
            self.sent.fetch_add(1, Ordering::Relaxed);
        }
        Ok(())
    }

    /// Works at the speed of the watch's clock.
    fn work(&mut self, watch: &Watch, length: Option<Duration>, stop: &AtomicBool) -> anyhow::Result<()> {
        let began = clock::instant();
        while !stop.load(Ordering::Relaxed) && length.is_none_or(|length| clock::instant() < began + length) {
            self.send_until(watch.now())?;
            std::thread::sleep(Duration::from_millis(5));
        }
        self.producer.flush(Duration::from_secs(5))?;
        if let Some(record) = &mut self.record {
            record.flush().context("the record of the demonstration cannot be written")?;
        }
        Ok(())
    }
}

/// What the alerts topic says, folded.
fn summary(bootstrap: &str) -> anyhow::Result<Summary> {
    let connection = kafka::Options { bootstrap: bootstrap.into(), passed_on: Vec::new() };
    let lookup = Lookup::new(&connection, GROUP, Isolation::Committed)?;
    let mut summary = Summary::default();
    let mut crises: Vec<(crate::alert::AlertId, Crisis)> = Vec::new();
    for partition in 0..=LOGS as i32 {
        lookup.read((ALERTS, partition), (0, 0), Duration::from_secs(10), &|| false, &mut |message| {
            if let Ok(record) = serde_json::from_slice::<Record>(message.payload()) {
                count(&mut summary, &mut crises, &record);
            }
            true
        })?;
    }
    crises.sort_by_key(|(_, crisis)| crisis.began);
    let seen = |(_, crisis): (_, Crisis)| Seen {
        product: crisis.series.product.as_deref().map(str::to_owned),
        region: crisis.series.region.as_deref().map(str::to_owned),
        levels: crisis.steps.iter().map(|step| step.level).collect(),
        ended: crisis.ended.is_some(),
    };
    summary.crises = crises.into_iter().map(seen).collect();
    Ok(summary)
}

fn count(summary: &mut Summary, crises: &mut Vec<(crate::alert::AlertId, Crisis)>, record: &Record) {
    let (action, alert) = (record.change.action, &record.change.alert);
    let by = |n: &mut u64| match action {
        Action::Raised => *n += 1,
        Action::Retracted => *n = n.saturating_sub(1),
        Action::Amended | Action::Resolved => {}
    };
    match &alert.about {
        About::Warning(_) => by(&mut summary.warnings),
        About::Breach(_) => by(&mut summary.breaches),
        About::Signal(signal) if signal.finding == Finding::Spike => {
            by(&mut summary.spikes);
        }
        About::Signal(_) | About::Objective(_) => {}
        About::Crisis(crisis) => {
            crises.retain(|(id, _)| *id != alert.id);
            if action != Action::Retracted {
                crises.push((alert.id, Crisis::clone(crisis)));
            }
        }
    }
}
