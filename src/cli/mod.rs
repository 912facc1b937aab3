//! What did the user type, and what is shown? The only room that prints.

use std::io::{IsTerminal, Read, Write};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::Context;
use clap::Parser;

use crate::app;
use crate::config::read::Problems;
use crate::names::Lang;
use crate::source::SourceError;
use crate::time::Span;

mod args;
mod check;
#[cfg(feature = "kafka")]
mod live;
mod picture;
mod progress;
mod show_commitments;
mod show_conduct;
#[cfg(feature = "kafka")]
mod show_demo;
mod show_difference;
mod show_due;
mod show_explanation;
mod show_report;
mod table;

use args::{Arguments, Command};

/// The exit code of a run that was interrupted, as shells have it.
const INTERRUPTED: u8 = 130;

/// Runs the program.
pub fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let cancel = Arc::new(AtomicBool::new(false));
    let noticed = cancel.clone();
    // The first Ctrl-C asks every loop to stop; the second does not wait for them.
    let handled = ctrlc::set_handler(move || {
        if noticed.swap(true, Ordering::Relaxed) {
            std::process::exit(i32::from(INTERRUPTED));
        }
    });
    if let Err(error) = handled {
        tell(&format!("Ctrl-C cannot be handled: {error}"));
    }
    match run(arguments.command, &cancel) {
        Ok(code) => code,
        Err(error) if matches!(error.downcast_ref(), Some(SourceError::Cancelled)) => {
            tell("interrupted: nothing was written");
            ExitCode::from(INTERRUPTED)
        }
        Err(error) => {
            match error.downcast_ref::<Problems>() {
                Some(problems) => tell(&problems.to_string()),
                None => tell(&format!("error: {error:#}")),
            }
            ExitCode::FAILURE
        }
    }
}

fn run(command: Command, cancel: &Arc<AtomicBool>) -> anyhow::Result<ExitCode> {
    match command {
        Command::Replay(replay) => {
            let mut bar = progress::Bar::new();
            let report = app::replay::run(&replay.settings(), &mut |stage| bar.show(stage), cancel)?;
            bar.finish();
            let text = if replay.json {
                serde_json::to_string_pretty(&report)?
            } else {
                show_report::text(&report, replay.lang.into())
            };
            print(&text)?;
            Ok(ExitCode::SUCCESS)
        }
        Command::Explain(arguments) => explain(&arguments, cancel),
        Command::Commitments(commitments) => publish(&commitments, cancel),
        Command::Due(due) => work_out(&due),
        Command::Check(files) => check::run(&files),
        #[cfg(feature = "kafka")]
        Command::Demo(demo) => live::demo(&demo, cancel),
        #[cfg(feature = "kafka")]
        Command::Run(run) => live::run(&run, cancel),
        #[cfg(feature = "kafka")]
        Command::Topics(args::Topics::Create(create)) => live::create_topics(&create),
        Command::Schema(schema) => {
            let schema = match schema.of {
                args::SchemaOf::Event => crate::event::schema::schema(),
                args::SchemaOf::Case => crate::config::case::schema(),
                args::SchemaOf::Policy => crate::config::policy::schema(),
            };
            print(&serde_json::to_string_pretty(&schema)?)?;
            Ok(ExitCode::SUCCESS)
        }
    }
}

fn explain(arguments: &args::Explain, cancel: &AtomicBool) -> anyhow::Result<ExitCode> {
    let mut bar = progress::Bar::new();
    let (settings, subject, lang) = (arguments.settings(), &arguments.subject, arguments.lang.into());
    let mut progress = |stage| bar.show(stage);
    let (text, is_known) = match &arguments.what_if {
        None => {
            let found = app::explain::run(&settings, subject, arguments.at, &mut progress, cancel)?;
            let json = arguments.json.then(|| serde_json::to_string_pretty(&found)).transpose()?;
            (json.unwrap_or_else(|| show_explanation::text(&found, lang)), !found.is_empty())
        }
        Some(other) => {
            let asked = (subject.as_str(), arguments.at);
            let found = app::explain::what_if(&settings, other, asked, &mut progress, cancel)?;
            let json = arguments.json.then(|| serde_json::to_string_pretty(&found)).transpose()?;
            let is_known = !found.present.is_empty() || !found.what_if.is_empty();
            (json.unwrap_or_else(|| show_explanation::beside(&found, lang)), is_known)
        }
    };
    bar.finish();
    if !is_known {
        anyhow::bail!(
            "`{subject}` was never promised anything: no event of it starts a clock or bears on one"
        );
    }
    print(&text)?;
    Ok(ExitCode::SUCCESS)
}

fn publish(arguments: &args::Commitments, cancel: &AtomicBool) -> anyhow::Result<ExitCode> {
    let mut bar = progress::Bar::new();
    let catalogue = app::commitments::run(&arguments.settings(), &mut |stage| bar.show(stage), cancel)?;
    bar.finish();
    let lang = arguments.lang.into();
    for one in catalogue.beyond_strength() {
        let (name, share) = (&one.name, one.kept_share.unwrap_or_default() * 100.0);
        tell(&match lang {
            Lang::En => format!(
                "`{name}` is beyond our strength: {share:.1} % were kept; promise more time, or become faster first"
            ),
            Lang::Zh => format!("“{name}”超出现有能力：兑现率仅{share:.1}%；请放宽时限，或先提升能力再承诺"),
        });
    }
    let page = show_commitments::page(&catalogue, lang);
    print(&match arguments.format {
        args::PageFormat::Markdown => show_commitments::markdown(&page),
        args::PageFormat::Html => show_commitments::html(&page),
    })?;
    Ok(ExitCode::SUCCESS)
}

fn work_out(due: &args::Due) -> anyhow::Result<ExitCode> {
    let (name, mut text) = (due.file.display().to_string(), String::new());
    let read = if name == "-" {
        std::io::stdin().lock().read_to_string(&mut text).map(drop)
    } else {
        std::fs::read_to_string(&due.file).map(|read| text = read)
    };
    let name = if name == "-" { "standard input".to_owned() } else { name };
    read.with_context(|| format!("{name}: cannot be read"))?;
    let worked = app::due::run(&name, &text)?;
    print(&if due.json {
        let written: Vec<app::due::Written> = worked.iter().map(app::due::Worked::written).collect();
        serde_json::to_string_pretty(&written)?
    } else {
        show_due::text(&worked, due.lang.into())
    })?;
    Ok(ExitCode::SUCCESS)
}

/// The half of a pair that a person reads.
fn say<'a>(lang: Lang, en: &'a str, zh: &'a str) -> &'a str {
    match lang {
        Lang::En => en,
        Lang::Zh => zh,
    }
}

/// Shows a text on standard output. A reader that went away (`watchbell … | head`) is no error.
fn print(text: &str) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    let end = if text.ends_with('\n') { "" } else { "\n" };
    let written = write!(out, "{text}{end}").and_then(|()| out.flush());
    match written {
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
        written => written.context("standard output: cannot be written"),
    }
}

/// Says something on standard error.
#[expect(clippy::print_stderr, reason = "the one place that speaks to the user beside the answer")]
fn tell(text: &str) {
    eprintln!("{text}");
}

/// A length of time in the words of a language.
fn length(span: Span, lang: Lang) -> String {
    lengths(&span.to_string(), lang)
}

/// The same for one that was written in English letters: `6d 11h` is 6天11小时.
fn lengths(text: &str, lang: Lang) -> String {
    match lang {
        Lang::En => text.to_owned(),
        Lang::Zh => {
            let units = [(" ", ""), ("d", "天"), ("h", "小时"), ("m", "分"), ("s", "秒")];
            units.iter().fold(text.to_owned(), |text, (en, zh)| text.replace(en, zh))
        }
    }
}

/// Whether somebody is looking.
fn is_terminal() -> bool {
    std::io::stderr().is_terminal()
}
