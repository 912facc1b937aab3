//! The commands that speak with Kafka.

use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

use super::args::{Demo, LogFormat, LogLevel, Logging, Run, TopicsCreate};
use super::{print, show_demo, tell};
use crate::app;
use crate::app::board::Board;
use crate::app::topics::Finding;

/// `watchbell demo`.
pub fn demo(arguments: &Demo, cancel: &Arc<AtomicBool>) -> anyhow::Result<ExitCode> {
    begin_log(&arguments.logging);
    let settings = app::demo::Settings {
        length: arguments.length,
        seed: arguments.seed,
        incident: !arguments.no_incident,
        record: arguments.record.clone(),
        listen: arguments.listen.clone(),
    };
    let demo = app::demo::Demo::new(settings)?;
    show(demo.watch().board());
    let summary = demo.run(cancel)?;
    if arguments.json {
        print(&serde_json::to_string(&summary)?)?;
    } else {
        print(&show_demo::text(&summary, arguments.lang.into()))?;
    }
    Ok(ExitCode::SUCCESS)
}

/// `watchbell run`.
pub fn run(arguments: &Run, cancel: &Arc<AtomicBool>) -> anyhow::Result<ExitCode> {
    begin_log(&arguments.logging);
    end_at_a_panic();
    let settings = app::run::settings(&arguments.config)?;
    let watch = app::run::Watch::new(&settings)?;
    show(watch.board());
    watch.run(cancel)?;
    Ok(ExitCode::SUCCESS)
}

/// `watchbell topics create`.
pub fn create_topics(arguments: &TopicsCreate) -> anyhow::Result<ExitCode> {
    let settings = app::run::settings(&arguments.config)?;
    let findings = app::topics::create(&settings, arguments.partitions, arguments.replicas)?;
    let mut wrong = false;
    for finding in findings {
        print(&match finding {
            Finding::Right(topic) => format!("{topic}: ok"),
            Finding::Made(topic, partitions) => format!("{topic}: made, partitions: {partitions}"),
            Finding::Wrong(topic, what) => {
                wrong = true;
                format!("{topic}: {what}")
            }
        })?;
    }
    Ok(if wrong { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

/// A thread that falls over takes the process with it. Half a watch looks like a whole one: its member would keep the
/// logs, and nobody would read them; whoever takes over from a dead process knows what to do.
fn end_at_a_panic() {
    let shown = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        shown(panic);
        std::process::abort();
    }));
}

/// Says where the board is.
fn show(board: Option<&Board>) {
    let Some(board) = board else { return };
    if let Some(taken) = &board.instead_of {
        tell(&format!("{taken} is taken by another program, so the board is at a free port"));
    }
    tell(&format!("board: http://{}/", board.address));
}

/// Lines about changes of state go to standard error.
fn begin_log(logging: &Logging) {
    let level = match logging.log_level {
        LogLevel::Error => LevelFilter::ERROR,
        LogLevel::Warn => LevelFilter::WARN,
        LogLevel::Info => LevelFilter::INFO,
        LogLevel::Debug => LevelFilter::DEBUG,
    };
    // librdkafka's own lines explain what ours say; what it calls information is detail here.
    let filter = Targets::new().with_default(level).with_target("kafka", level.min(LevelFilter::WARN));
    let registry = tracing_subscriber::registry().with(filter);
    let lines = tracing_subscriber::fmt::layer().with_writer(std::io::stderr).with_target(false);
    // A second initialisation, in a process that has one, changes nothing.
    let _ = match logging.log_format {
        LogFormat::Text => registry.with(lines.with_ansi(super::is_terminal())).try_init(),
        LogFormat::Json => registry.with(lines.json()).try_init(),
    };
}
