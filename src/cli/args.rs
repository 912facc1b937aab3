//! The command line, declared once: help and checks follow from it.

use std::path::PathBuf;
use std::sync::LazyLock;

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::app::replay::Settings;
use crate::calendar;
use crate::names::Lang;
use crate::source::replay::Order;
use crate::time::Time;

const VERSION: &str = concat!(env!("CARGO_PKG_VERSION"), " (commit ", env!("WATCHBELL_COMMIT"), ")");
/// What `--version` prints; `-V` prints the first line of it.
static VERSIONS: LazyLock<String> =
    LazyLock::new(|| format!("{VERSION}\ntime zones: IANA {}", calendar::zones_release()));

/// Watches the promises a service organisation makes to its customers, while there is still time to keep them.
#[derive(Debug, Parser)]
#[command(name = "watchbell", version = VERSION, long_version = VERSIONS.as_str(), arg_required_else_help = true)]
pub struct Arguments {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// A service desk in a minute: made-up events, a crisis in them, and the board. Nothing else is needed.
    ///
    /// Starts a broker in this process, five days of a made-up service desk on it, and the whole watch; then the sixth day
    /// runs at many times the speed of the wall. A bad firmware batch reaches one product in one region.
    #[cfg(feature = "kafka")]
    #[command(after_help = "Examples:\n  \
        watchbell demo --for 60s\n  \
        watchbell demo --seed 7 --record events.ndjson")]
    Demo(Demo),
    /// Watch a live Kafka until it is stopped.
    ///
    /// Reads events from the input topics, keeps a clock for every promise, writes alerts exactly once, and shows what it
    /// sees. SIGTERM and Ctrl-C end it in order, a second one at once.
    #[cfg(feature = "kafka")]
    #[command(after_help = "Examples:\n  \
        watchbell topics create --config watchbell.toml\n  \
        watchbell run --config watchbell.toml")]
    Run(Run),
    /// Look after the topics of a watch.
    #[cfg(feature = "kafka")]
    #[command(subcommand)]
    Topics(Topics),
    /// Judge finished files: verdicts, alerts and a report.
    ///
    /// Reads events (one JSON object per line) or, with a mapping, foreign logs; orders them by event time; runs every
    /// promise of the policy over them with the log's own clock; and ends with a report.
    #[command(after_help = "Examples:\n  \
        watchbell replay events.ndjson.gz\n  \
        watchbell replay incidents.csv --mapping incident_log --policy incident_log --outcomes verdicts.ndjson\n  \
        watchbell replay events.ndjson.gz --policy new.toml --against old.toml\n  \
        zcat events.gz | watchbell replay - --json")]
    Replay(Replay),
    /// Show how one ticket or call came to its verdicts, to the second.
    #[command(after_help = "Examples:\n  \
        watchbell explain T-123 events.ndjson --at 2026-03-01T12:00:00Z\n  \
        watchbell explain T-123 events.ndjson --what-if new.toml")]
    Explain(Explain),
    /// Work out when a case is due, and how much of its time is used: the calculator.
    ///
    /// Reads the case format (docs/cases.md), JSON: one case, or {"vectors": [ … ]}. Nothing of the case is kept, and no
    /// policy is needed.
    #[command(after_help = "Examples:\n  \
        watchbell due case.json\n  \
        watchbell due --json < vectors.json")]
    Due(Due),
    /// The promises as a customer may read them, with what was achieved where a history is given.
    ///
    /// Says on standard error which promises the history shows to be beyond the organisation's strength.
    #[command(after_help = "Examples:\n  \
        watchbell commitments --lang zh > commitments.md\n  \
        watchbell commitments --format html events.ndjson.gz > commitments.html")]
    Commitments(Commitments),
    /// Check policy, lifecycle, mapping and calendar files: every mistake at once, each with its place and remedy.
    Check(Check),
    /// Print the JSON Schema of an event, or of a case.
    Schema(Schema),
}

/// `watchbell demo`.
#[cfg(feature = "kafka")]
#[derive(Debug, Args)]
pub struct Demo {
    /// How long it runs; without, until it is stopped.
    #[arg(long = "for", value_name = "TIME", value_parser = length)]
    pub length: Option<std::time::Duration>,
    /// Which desk; another has its incident elsewhere.
    #[arg(long, default_value_t = 3, value_name = "N")]
    pub seed: u64,
    /// Leave the bad firmware batch out.
    #[arg(long)]
    pub no_incident: bool,
    /// Write the events here, one JSON object per line.
    #[arg(long, value_name = "FILE")]
    pub record: Option<PathBuf>,
    /// Where the board is shown; at a free port if another program has this one.
    #[arg(long, default_value = crate::config::run::LISTEN, value_name = "HOST:PORT")]
    pub listen: String,
    /// Print the summary as JSON.
    #[arg(long)]
    pub json: bool,
    /// The summary's language.
    #[arg(long, default_value = "en")]
    pub lang: LangArgument,
    #[command(flatten)]
    pub logging: Logging,
}

/// `watchbell run`.
#[cfg(feature = "kafka")]
#[derive(Debug, Args)]
pub struct Run {
    /// The settings; see docs/configuration.md.
    #[arg(long, default_value = "watchbell.toml", value_name = "FILE")]
    pub config: PathBuf,
    #[command(flatten)]
    pub logging: Logging,
}

/// How the program speaks of itself while it runs.
#[cfg(feature = "kafka")]
#[derive(Debug, Args)]
pub struct Logging {
    /// The form of the log on standard error.
    #[arg(long, default_value = "text", value_name = "FORM")]
    pub log_format: LogFormat,
    /// The least important lines that are shown.
    #[arg(long, default_value = "info", value_name = "LEVEL")]
    pub log_level: LogLevel,
}

/// A form of the log.
#[cfg(feature = "kafka")]
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// For people
    Text,
    /// One JSON object per line
    Json,
}

/// How important a line is.
#[cfg(feature = "kafka")]
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum LogLevel {
    /// Something must be done
    Error,
    /// Something may have to be done
    Warn,
    /// Something changed
    Info,
    /// For finding faults
    Debug,
}

/// `watchbell topics`.
#[cfg(feature = "kafka")]
#[derive(Debug, Subcommand)]
pub enum Topics {
    /// Make the topics that are missing, and say what is wrong with the others.
    Create(TopicsCreate),
}

/// `watchbell topics create`.
#[cfg(feature = "kafka")]
#[derive(Debug, Args)]
pub struct TopicsCreate {
    /// The settings; see docs/configuration.md.
    #[arg(long, default_value = "watchbell.toml", value_name = "FILE")]
    pub config: PathBuf,
    /// How many partitions a new input topic has.
    #[arg(long, default_value_t = 8, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=4096))]
    pub partitions: u32,
    /// How many copies of each there are.
    #[arg(long, default_value_t = 1, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=16))]
    pub replicas: u32,
}

/// What to read, and by which promises to judge it.
#[derive(Debug, Args)]
pub struct Reading {
    /// How the rows of foreign logs become events: a shipped mapping (incident_log, call_log, feedback_log) or a file.
    #[arg(long, value_name = "NAME|PATH")]
    mapping: Option<String>,
    /// The promises: a shipped policy (commitments, guide, incident_log, call_log) or a file. Default: commitments.
    #[arg(long, value_name = "NAME|PATH")]
    policy: Option<String>,
    /// Into how many logs the events are split by subject, as Kafka would split them.
    #[arg(long, default_value_t = 8, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=4096))]
    partitions: u32,
    /// The instant as of which the files are read; events further ahead are refused. Default: now.
    #[arg(long, value_name = "TIME", value_parser = time)]
    as_of: Option<Time>,
    /// Put the events in order of their time first, or take them as they stand in the files.
    #[arg(long, default_value = "time", value_name = "ORDER")]
    order: OrderArgument,
}

impl Reading {
    fn settings(&self, files: &[PathBuf], workers: usize) -> Settings {
        Settings {
            files: files.to_vec(),
            mapping: self.mapping.clone(),
            policy: self.policy.clone(),
            lifecycles: None,
            against: None,
            partitions: self.partitions,
            workers,
            as_of: self.as_of,
            order: self.order.into(),
            outcomes: None,
            alerts: None,
        }
    }
}

/// `watchbell replay`.
#[derive(Debug, Args)]
pub struct Replay {
    /// Files to read, plain or gzip; `-` is standard input.
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    #[command(flatten)]
    reading: Reading,
    /// The ways that cases should go: shipped lifecycles (guide, incident_log) or a file. Default: guide.
    #[arg(long, value_name = "NAME|PATH")]
    lifecycles: Option<String>,
    /// How many threads judge. Default: one per processor.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=256))]
    workers: Option<u16>,
    /// Write the verdict on every clock here, one JSON object per line.
    #[arg(long, value_name = "OUT.ndjson")]
    outcomes: Option<PathBuf>,
    /// Write the changelog of alerts here, one JSON object per line.
    #[arg(long, value_name = "OUT.ndjson")]
    alerts: Option<PathBuf>,
    /// Show which cases would have come out differently under this policy, and why: a shipped one or a file.
    #[arg(long, value_name = "NAME|PATH")]
    against: Option<String>,
    /// Print the report as JSON.
    #[arg(long)]
    pub json: bool,
    /// The report's language.
    #[arg(long, default_value = "en")]
    pub lang: LangArgument,
}

impl Replay {
    /// What the engine is asked to do.
    pub fn settings(&self) -> Settings {
        let workers = self.workers.map_or_else(processors, usize::from);
        let settings = self.reading.settings(&self.files, workers);
        Settings {
            lifecycles: self.lifecycles.clone(),
            outcomes: self.outcomes.clone(),
            alerts: self.alerts.clone(),
            against: self.against.clone(),
            ..settings
        }
    }
}

/// `watchbell explain`.
#[derive(Debug, Args)]
pub struct Explain {
    /// The ticket or call.
    pub subject: String,
    /// Files to read, plain or gzip; `-` is standard input.
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    #[command(flatten)]
    reading: Reading,
    /// As of when; what happened later is not known then. Default: the latest event of the input.
    #[arg(long, value_name = "TIME", value_parser = time)]
    pub at: Option<Time>,
    /// Show beside it what another policy would have made of it, and why: a shipped one or a file.
    #[arg(long, value_name = "NAME|PATH")]
    pub what_if: Option<String>,
    /// Print the derivation as JSON.
    #[arg(long)]
    pub json: bool,
    /// The language.
    #[arg(long, default_value = "en")]
    pub lang: LangArgument,
}

impl Explain {
    /// What the engine is asked to do.
    pub fn settings(&self) -> Settings {
        self.reading.settings(&self.files, 1)
    }
}

/// `watchbell commitments`.
#[derive(Debug, Args)]
pub struct Commitments {
    /// A history to say what was achieved: files as `replay` takes them, plain or gzip; `-` is standard input.
    #[arg(value_name = "FILE")]
    files: Vec<PathBuf>,
    #[command(flatten)]
    reading: Reading,
    /// The form of the page.
    #[arg(long, default_value = "markdown", value_name = "FORM")]
    pub format: PageFormat,
    /// The page's language.
    #[arg(long, default_value = "en")]
    pub lang: LangArgument,
}

impl Commitments {
    /// What the engine is asked to do.
    pub fn settings(&self) -> Settings {
        self.reading.settings(&self.files, processors())
    }
}

/// A form of a page for customers.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum PageFormat {
    /// Text with marks, for a repository or a wiki
    Markdown,
    /// A page of its own, for a web site or a printer
    Html,
}

/// `watchbell due`.
#[derive(Debug, Args)]
pub struct Due {
    /// The file to read; `-` is standard input.
    #[arg(default_value = "-", value_name = "FILE")]
    pub file: PathBuf,
    /// Print the answers as one JSON array.
    #[arg(long)]
    pub json: bool,
    /// The language.
    #[arg(long, default_value = "en")]
    pub lang: LangArgument,
}

/// `watchbell schema`.
#[derive(Debug, Args)]
pub struct Schema {
    /// Of what.
    #[arg(default_value = "event", value_name = "WHAT")]
    pub of: SchemaOf,
}

/// What there is a schema of.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum SchemaOf {
    /// What producers write, and the watch reads
    Event,
    /// What `watchbell due` reads
    Case,
    /// What a policy says
    Policy,
}

/// `watchbell check`.
#[derive(Debug, Args)]
pub struct Check {
    /// Files to check; what a file is (policy, lifecycles, mapping, calendar, settings) is seen from its keys, holidays (.ics,
    /// .csv) from their name. None: the shipped ones.
    #[arg(value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// Warn of calendars whose holidays end within 90 days of this instant. Default: now.
    #[arg(long, value_name = "TIME", value_parser = time)]
    pub as_of: Option<Time>,
}

/// A language, as it is typed.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum LangArgument {
    /// English
    En,
    /// 中文
    Zh,
}

impl From<LangArgument> for Lang {
    fn from(typed: LangArgument) -> Lang {
        match typed {
            LangArgument::En => Lang::En,
            LangArgument::Zh => Lang::Zh,
        }
    }
}

/// An order, as it is typed.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum OrderArgument {
    /// By event time; ties by file and line
    Time,
    /// As they stand in the files
    File,
}

impl From<OrderArgument> for Order {
    fn from(typed: OrderArgument) -> Order {
        match typed {
            OrderArgument::Time => Order::Time,
            OrderArgument::File => Order::File,
        }
    }
}

fn processors() -> usize {
    std::thread::available_parallelism().map_or(1, |n| n.get())
}

fn time(text: &str) -> Result<Time, String> {
    let time = Time::parse(text).filter(|time| time.in_range());
    time.ok_or_else(|| "write an instant with its offset, 1970 to 2099: 2026-03-01T08:00:00+08:00".into())
}

#[cfg(feature = "kafka")]
fn length(text: &str) -> Result<std::time::Duration, String> {
    let span = crate::config::read::duration(text)?;
    let least = crate::time::Span::from_seconds(10);
    if span < least {
        return Err(format!("at least {least}: starting and learning take their time"));
    }
    Ok(std::time::Duration::from_millis(span.millis() as u64))
}
