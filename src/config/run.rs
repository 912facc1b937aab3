//! How is the live watch set up? Reads the settings file of `watchbell run`.
//!
//! Secrets never stand in the file: a value of `[kafka.options]` is a text, or says where the text is kept
//! (`{ file = "…" }`, `{ env = "…" }`), and the key of the pseudonyms is always a file's.

use std::path::{Path, PathBuf};

use super::read::{At, Document, Kind, Problems, Table, Value};
use crate::detect::Dimension;
use crate::time::Span;

/// The settings of a live watch, as they were written.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// The policy's name or path.
    pub policy: Option<String>,
    /// `[shadow] policy`: the name or path of one that only looks on.
    pub shadow: Option<String>,
    /// `[kafka]`.
    pub kafka: Kafka,
    /// `[checkpoints]`.
    pub checkpoints: Checkpoints,
    /// `[input]`.
    pub input: Input,
    /// `[pseudonyms]`.
    pub pseudonyms: Option<Pseudonyms>,
    /// `[engine]`.
    pub engine: Engine,
    /// `[http]`.
    pub http: Http,
}

/// `[http]`: the board, the API and the metrics.
#[derive(Clone, Debug, PartialEq)]
pub struct Http {
    /// Where they are served; `None`: nowhere.
    pub listen: Option<String>,
    /// The dimensions whose values may be labels of metrics.
    pub labels: Vec<Dimension>,
}

/// Where the board is served unless something else is said.
pub const LISTEN: &str = "127.0.0.1:9184";

/// `[kafka]`: the brokers, the group and the topics.
#[derive(Clone, PartialEq)]
pub struct Kafka {
    /// Where to begin: `host:port`, separated by commas.
    pub bootstrap: String,
    /// The consumer group.
    pub group: String,
    /// The input topics.
    pub topics: Vec<String>,
    /// Where alerts go.
    pub alerts: String,
    /// Where partials go.
    pub partials: String,
    /// Where records go that could not be used.
    pub dead_letters: Option<String>,
    /// Whether the group speaks the new protocol (KIP-848).
    pub consumer_protocol: bool,
    /// The name of a static member; each worker adds its number.
    pub instance_id: Option<String>,
    /// How long a member may be silent; the classic protocol only.
    pub silence: Option<Span>,
    /// Whether cuts are transactions.
    pub transactions: bool,
    /// How long the brokers keep a transaction of a process that is gone.
    pub transaction_timeout: Span,
    /// librdkafka's own options; the values may be secrets.
    pub options: Vec<(String, String)>,
}

/// `[checkpoints]`: where states are kept.
#[derive(Clone, Debug, PartialEq)]
pub struct Checkpoints {
    /// A folder, or an address.
    pub url: String,
    /// The time between two checkpoints of a log.
    pub every: Span,
    /// How many of a log are kept.
    pub keep: u32,
}

/// `[input]`: how logs are read.
#[derive(Clone, Debug, PartialEq)]
pub struct Input {
    /// How late an event may come.
    pub horizon: Span,
    /// For how long a duplicate is known.
    pub dedup_window: Span,
    /// How far an event may lie ahead of its record.
    pub max_skew: Span,
    /// How many values of a dimension are told apart.
    pub values_per_dimension_max: u16,
}

/// `[pseudonyms]`: whose ids are replaced at the door.
#[derive(Clone, PartialEq)]
pub struct Pseudonyms {
    /// The key.
    pub key: [u8; 32],
    /// Whether subjects are replaced.
    pub subjects: bool,
    /// Which attributes are.
    pub attributes: Vec<String>,
}

/// `[engine]`: how the watch is run.
#[derive(Clone, Debug, PartialEq)]
pub struct Engine {
    /// How many workers.
    pub workers: u32,
    /// Whether the clock is the log's own: tests.
    pub log_clock: bool,
    /// Whether this process is a candidate for the aggregate.
    pub aggregate: bool,
    /// How often the brokers are asked for the ends of logs.
    pub fence_every: Span,
    /// How long the end may take.
    pub leave_within: Span,
}

/// The keys of each table.
pub const KEYS: [(&str, &[&str]); 8] = [
    ("", &["policy", "shadow", "kafka", "checkpoints", "input", "pseudonyms", "engine", "http"]),
    ("shadow", &["policy"]),
    (
        "kafka",
        &[
            "bootstrap",
            "group",
            "topics",
            "alerts",
            "partials",
            "dead_letters",
            "protocol",
            "instance_id",
            "silence",
            "transactions",
            "transaction_timeout",
            "options",
        ],
    ),
    ("checkpoints", &["url", "every", "keep"]),
    ("input", &["horizon", "dedup_window", "max_skew", "values_per_dimension_max"]),
    ("pseudonyms", &["key_file", "subjects", "attributes"]),
    ("engine", &["workers", "clock", "aggregate", "fence_every", "leave_within"]),
    ("http", &["listen", "labels"]),
];

/// Reads a settings file. `file` is the name used in problems, and the place from which paths are looked up.
pub fn read(file: &str, text: &str) -> Result<Settings, Problems> {
    let document = Document::parse(file, text)?;
    let root = document.root();
    let folder = Path::new(file).parent().unwrap_or(Path::new("")).to_owned();
    root.only(keys(""));
    let policy = root.string("policy").map(|policy| policy_at(&folder, policy.value));
    let shadow = root.table("shadow").map(|table| shadow(&table, &folder));
    let kafka =
        root.need("kafka", "say where the brokers are: [kafka] bootstrap = \"localhost:9092\"", Value::table);
    let kafka = kafka.and_then(|table| kafka_of(&table, &folder));
    let checkpoints = checkpoints(&root, &folder);
    let input = input(&root);
    let pseudonyms = root.table("pseudonyms").map(|table| pseudonyms(&table, &folder));
    let engine = engine(&root);
    let http = http(&root);
    document.finish(|| {
        let pseudonyms = pseudonyms.map_or(Some(None), |read| read.map(Some))?;
        Some(Settings {
            policy,
            shadow: shadow.map_or(Some(None), |read| read.map(Some))?,
            kafka: kafka?,
            checkpoints: checkpoints?,
            input: input?,
            pseudonyms,
            engine: engine?,
            http,
        })
    })
}

fn keys(table: &str) -> &'static [&'static str] {
    KEYS.iter().find(|(name, _)| *name == table).map_or(&[], |(_, keys)| keys)
}

fn kafka_of(table: &Table<'_>, folder: &Path) -> Option<Kafka> {
    table.only(keys("kafka"));
    let text = |key: &str, otherwise: &str| {
        table.string(key).map_or_else(|| otherwise.to_owned(), |found| found.value.to_owned())
    };
    let bootstrap =
        table.need("bootstrap", "write host:port, separated by commas: \"localhost:9092\"", Value::string);
    let topics = table.strings("topics");
    let topics: Vec<String> = match topics {
        Some(named) => named.iter().map(|name| name.value.to_owned()).collect(),
        None => vec!["events".into()],
    };
    if topics.is_empty() || topics.iter().enumerate().any(|(n, topic)| topics[..n].contains(topic)) {
        let place = table.get("topics").map_or(table.place(), |value| value.place());
        table.problem(
            place,
            "no topic, or one twice",
            "name each input topic once: topics = [\"tickets\", \"calls\"]",
        );
    }
    let protocol = table.choice("protocol", &[("classic", false), ("consumer", true)]);
    let silence = table.duration("silence");
    if let (Some(At { value: true, .. }), Some(silence)) = (&protocol, &silence) {
        let what = "`silence` is the brokers' to decide under the new protocol";
        table.problem(
            silence.place,
            what,
            "set group.consumer.session.timeout.ms on the brokers or the group",
        );
    }
    let options = table.table("options").map_or(Some(Vec::new()), |table| options(&table, folder));
    let dead_letters = match table.get("dead_letters") {
        Some(value) if value.kind() == Kind::Bool => None,
        _ => Some(text("dead_letters", "watchbell.dead_letters")),
    };
    Some(Kafka {
        bootstrap: bootstrap?.value.to_owned(),
        group: text("group", "watchbell"),
        topics,
        alerts: text("alerts", "watchbell.alerts"),
        partials: text("partials", "watchbell.partials"),
        dead_letters,
        consumer_protocol: protocol.is_some_and(|protocol| protocol.value),
        instance_id: table.string("instance_id").map(|id| id.value.to_owned()),
        silence: silence.map(|silence| silence.value),
        transactions: table.bool("transactions").is_none_or(|yes| yes.value),
        transaction_timeout: within(table, "transaction_timeout", Span::from_seconds(60), (1_000, 900_000)),
        options: options?,
    })
}

/// Options of librdkafka that the program must decide itself, and why.
const OURS: [(&str, &str); 8] = [
    ("bootstrap.servers", "set `bootstrap` under [kafka]"),
    ("group.id", "set `group` under [kafka]"),
    ("group.protocol", "set `protocol` under [kafka]"),
    ("group.instance.id", "set `instance_id` under [kafka]"),
    ("transactional.id", "every life of a worker has one of its own"),
    ("enable.auto.commit", "offsets are committed with their cuts"),
    ("isolation.level", "the input is always read committed"),
    ("auto.offset.reset", "a log whose records are gone is never begun anew in silence"),
];

fn options(table: &Table<'_>, folder: &Path) -> Option<Vec<(String, String)>> {
    let mut options = Vec::new();
    for (name, value) in table.entries() {
        if let Some((_, why)) = OURS.iter().find(|(ours, _)| *ours == name.value) {
            table.problem(name.place, format!("`{}` cannot be passed on", name.value), *why);
            continue;
        }
        options.push((name.value.to_owned(), option(value, folder)?));
    }
    Some(options)
}

fn option(value: Value<'_>, folder: &Path) -> Option<String> {
    match value.kind() {
        Kind::Bool => Some(value.bool()?.value.to_string()),
        Kind::Integer => Some(value.integer()?.value.to_string()),
        Kind::Table => {
            let table = value.table()?;
            table.only(&["file", "env"]);
            match (table.string("file"), table.string("env")) {
                (Some(file), None) => {
                    let path = folder.join(file.value);
                    let read = std::fs::read_to_string(&path).map(|text| text.trim_end().to_owned());
                    let cannot = |error| {
                        table.problem(file.place, format!("{}: {error}", path.display()), "check the path")
                    };
                    read.map_err(cannot).ok()
                }
                (None, Some(name)) => {
                    let remedy = "set it where the program is started";
                    let unset = |_| {
                        table.problem(name.place, format!("the variable {} is not set", name.value), remedy)
                    };
                    std::env::var(name.value).map_err(unset).ok()
                }
                _ => {
                    table.problem(
                        table.place(),
                        "neither a file nor a variable",
                        "write { file = \"…\" } or { env = \"…\" }",
                    );
                    None
                }
            }
        }
        _ => Some(value.string()?.value.to_owned()),
    }
}

fn checkpoints(root: &Table<'_>, folder: &Path) -> Option<Checkpoints> {
    let otherwise =
        Checkpoints { url: folder_url(folder, "checkpoints"), every: Span::from_minutes(1), keep: 3 };
    let Some(table) = root.table("checkpoints") else { return Some(otherwise) };
    table.only(keys("checkpoints"));
    let url = table.string("url");
    url.iter().for_each(|url| check_address(&table, url));
    let url = url.map_or(otherwise.url, |url| folder_url(folder, url.value));
    let every = within(&table, "every", otherwise.every, (1_000, 86_400_000));
    let keep = number(&table, "keep", i64::from(otherwise.keep), (1, 1_000))? as u32;
    Some(Checkpoints { url, every, keep })
}

/// Where checkpoints may be beside folders, with the feature that it needs.
const PLACES: [(&str, &str, bool); 3] = [
    ("s3", "s3", cfg!(feature = "s3")),
    ("gs", "gcs", cfg!(feature = "gcs")),
    ("az", "azure", cfg!(feature = "azure")),
];

fn check_address(table: &Table<'_>, url: &At<&str>) {
    let Some((kind, rest)) = url.value.split_once("://") else { return };
    let known = PLACES.iter().find(|(known, ..)| *known == kind);
    match known {
        _ if kind == "file" && rest.starts_with('/') => {}
        Some((.., true)) if !rest.is_empty() => {}
        Some((_, feature, false)) => table.problem(
            url.place,
            format!("this program was built without `{kind}://`"),
            format!("build it with --features {feature}"),
        ),
        _ => table.problem(
            url.place,
            format!("`{}` is no place for checkpoints", url.value),
            "write a path, file:///path, s3://bucket/path, gs://bucket/path or az://container/path",
        ),
    }
}

/// An address stays as it is; a path is looked up from the settings file.
fn folder_url(folder: &Path, url: &str) -> String {
    if url.contains("://") { url.to_owned() } else { folder.join(url).display().to_string() }
}

fn input(root: &Table<'_>) -> Option<Input> {
    let table = root.table("input");
    let days = |n| Span::from_days(n);
    let span = |key, otherwise: Span, bounds| {
        table.as_ref().map_or(otherwise, |table| within(table, key, otherwise, bounds))
    };
    const YEAR_MS: i64 = 366 * 86_400_000;
    if let Some(table) = &table {
        table.only(keys("input"));
    }
    let most = table
        .as_ref()
        .map_or(Some(1_000), |table| number(table, "values_per_dimension_max", 1_000, (1, 60_000)));
    Some(Input {
        horizon: span("horizon", days(7), (60_000, YEAR_MS)),
        dedup_window: span("dedup_window", days(1), (0, YEAR_MS)),
        max_skew: span("max_skew", Span::from_minutes(5), (0, 86_400_000)),
        values_per_dimension_max: most? as u16,
    })
}

fn pseudonyms(table: &Table<'_>, folder: &Path) -> Option<Pseudonyms> {
    table.only(keys("pseudonyms"));
    let remedy = "name a file with the key, at least 32 bytes: key_file = \"pseudonyms.key\"";
    let file = table.need("key_file", remedy, Value::string)?;
    let path: PathBuf = folder.join(file.value);
    let key = match std::fs::read(&path) {
        Ok(bytes) if bytes.trim_ascii().len() >= 32 => {
            blake3::derive_key("watchbell pseudonyms", bytes.trim_ascii())
        }
        Ok(bytes) => {
            let what = format!("{} has {} bytes", path.display(), bytes.trim_ascii().len());
            table.problem(file.place, what, "a key has at least 32: head -c 32 /dev/urandom | base64");
            return None;
        }
        Err(error) => {
            table.problem(file.place, format!("{}: {error}", path.display()), remedy);
            return None;
        }
    };
    let attributes = table.strings("attributes").unwrap_or_default();
    Some(Pseudonyms {
        key,
        subjects: table.bool("subjects").is_none_or(|yes| yes.value),
        attributes: attributes.iter().map(|name| name.value.to_owned()).collect(),
    })
}

fn shadow(table: &Table<'_>, folder: &Path) -> Option<String> {
    table.only(keys("shadow"));
    let policy = table.need("policy", "say which policy looks on: policy = \"next.toml\"", Value::string)?;
    Some(policy_at(folder, policy.value))
}

/// A shipped policy's name, or a path looked up from the folder of the settings.
fn policy_at(folder: &Path, named: &str) -> String {
    let is_shipped = super::POLICIES.iter().any(|(name, _)| *name == named);
    if is_shipped { named.to_owned() } else { folder.join(named).display().to_string() }
}

fn engine(root: &Table<'_>) -> Option<Engine> {
    let processors = std::thread::available_parallelism().map_or(1, |n| n.get()) as i64;
    let (fence_every, leave_within) = (Span::from_millis(100), Span::from_seconds(10));
    let Some(table) = root.table("engine") else {
        let workers = processors.min(64) as u32;
        return Some(Engine { workers, log_clock: false, aggregate: true, fence_every, leave_within });
    };
    table.only(keys("engine"));
    Some(Engine {
        workers: number(&table, "workers", processors.min(64), (1, 256))? as u32,
        log_clock: table.choice("clock", &[("wall", false), ("log", true)]).is_some_and(|clock| clock.value),
        aggregate: table.bool("aggregate").is_none_or(|yes| yes.value),
        fence_every: within(&table, "fence_every", fence_every, (10, 60_000)),
        leave_within: within(&table, "leave_within", leave_within, (1_000, 600_000)),
    })
}

fn http(root: &Table<'_>) -> Http {
    let table = root.table("http");
    if let Some(table) = &table {
        table.only(keys("http"));
    }
    let listen = match table.as_ref().and_then(|table| table.get("listen")) {
        None => Some(LISTEN.to_owned()),
        // `false` and nothing else: `true` would leave open where.
        Some(value) if value.kind() == Kind::Bool && value.clone().bool().is_some_and(|yes| !yes.value) => {
            None
        }
        Some(value) => value.clone().string().map(|text| address(&value, text.value)),
    };
    let mut labels = Vec::new();
    for named in table.iter().flat_map(|table| table.get("labels")).flat_map(|value| value.list()) {
        let words = Dimension::ALL.map(|dimension| (dimension.name(), dimension));
        let Some(At { value: dimension, .. }) = named.clone().choice(&words) else { continue };
        if labels.contains(&dimension) {
            named.problem(format!("`{}` stands here twice", dimension.name()), "name each label once");
        }
        labels.push(dimension);
    }
    Http { listen, labels }
}

/// An address one can listen at.
fn address(value: &Value<'_>, text: &str) -> String {
    let port = text.rsplit_once(':').filter(|(host, _)| !host.is_empty());
    if port.is_none_or(|(_, port)| port.parse::<u16>().is_err()) {
        value.problem(
            format!("`{text}` is no address"),
            "write host:port, such as \"127.0.0.1:9184\", or false for no board",
        );
    }
    text.to_owned()
}

/// A length of time between two bounds in milliseconds.
fn within(table: &Table<'_>, key: &str, otherwise: Span, (least, most): (i64, i64)) -> Span {
    let Some(found) = table.duration(key) else { return otherwise };
    if !(least..=most).contains(&found.value.millis()) {
        let (least, most) = (Span::from_millis(least), Span::from_millis(most));
        table.problem(
            found.place,
            format!("`{key}` is {}", found.value),
            format!("choose between {least} and {most}"),
        );
    }
    found.value
}

fn number(table: &Table<'_>, key: &str, otherwise: i64, (least, most): (i64, i64)) -> Option<i64> {
    let Some(found) = table.integer(key) else { return table.get(key).is_none().then_some(otherwise) };
    if !(least..=most).contains(&found.value) {
        table.problem(
            found.place,
            format!("`{key}` is {}", found.value),
            format!("choose between {least} and {most}"),
        );
        return None;
    }
    Some(found.value)
}

/// The values may be secrets.
impl std::fmt::Debug for Kafka {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let names: Vec<&str> = self.options.iter().map(|(name, _)| name.as_str()).collect();
        f.debug_struct("Kafka")
            .field("bootstrap", &self.bootstrap)
            .field("options", &names)
            .finish_non_exhaustive()
    }
}

impl std::fmt::Debug for Pseudonyms {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Pseudonyms").field("subjects", &self.subjects).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn little_must_be_said() {
        let least = "[kafka]\nbootstrap = \"localhost:9092\"\n";
        let settings = read("x/watchbell.toml", least).expect("enough");
        assert_eq!((settings.policy, settings.shadow), (None, None));
        assert_eq!(settings.kafka.topics, ["events"]);
        assert_eq!(settings.checkpoints.url, "x/checkpoints");
        assert!(settings.kafka.transactions && !settings.engine.log_clock);
    }

    #[test]
    fn policies_are_shipped_or_lie_beside_the_settings() {
        let text = "policy = \"call_log\"\n[shadow]\npolicy = \"next.toml\"\n[kafka]\nbootstrap = \"b:1\"\n";
        let settings = read("x/watchbell.toml", text).expect("right");
        assert_eq!(
            (settings.policy.as_deref(), settings.shadow.as_deref()),
            (Some("call_log"), Some("x/next.toml"))
        );
        let problems = read("watchbell.toml", "[shadow]\n[kafka]\nbootstrap = \"b:1\"\n").expect_err("wrong");
        assert!(problems.to_string().contains("say which policy looks on"), "{problems}");
    }

    #[test]
    fn everything_wrong_is_said_at_once() {
        let text = "policy = 3\n[kafka]\ntopics = [\"a\", \"a\"]\nprotokoll = \"x\"\n[kafka.options]\n\"group.id\" = \"g\"\n\
            \"sasl.password\" = { env = \"WATCHBELL_NO_SUCH\" }\n[engine]\nworkers = 0\n[pseudonyms]\nkey_file = \"none\"\n";
        let problems = read("watchbell.toml", text).expect_err("wrong").to_string();
        for part in [
            "policy",
            "bootstrap",
            "one twice",
            "protokoll",
            "group.id",
            "WATCHBELL_NO_SUCH",
            "workers",
            "none",
        ] {
            assert!(problems.contains(part), "{part} in {problems}");
        }
    }

    #[test]
    fn the_board_can_be_moved_and_turned_off() {
        let http = |lines: &str| {
            let text = format!("[kafka]\nbootstrap = \"b:1\"\n[http]\n{lines}");
            read("watchbell.toml", &text).map(|settings| settings.http).map_err(|wrong| wrong.to_string())
        };
        assert_eq!(http(""), Ok(Http { listen: Some(LISTEN.into()), labels: Vec::new() }));
        assert_eq!(http("listen = false").expect("off").listen, None);
        let http_of = http("listen = \"[::1]:0\"\nlabels = [\"region\", \"product\"]").expect("right");
        assert_eq!(http_of.listen.as_deref(), Some("[::1]:0"));
        assert_eq!(http_of.labels, [Dimension::Region, Dimension::Product]);
        for (lines, part) in [
            ("listen = true", "listen"),
            ("listen = \"9184\"", "no address"),
            ("listen = \"host:http\"", "no address"),
            ("labels = [\"customer\"]", "customer"),
            ("labels = [\"region\", \"region\"]", "twice"),
        ] {
            let problems = http(lines).expect_err("wrong");
            assert!(problems.contains(part), "{lines}: {problems}");
        }
    }

    #[test]
    fn checkpoints_lie_where_this_program_can_reach_them() {
        let checkpoints = |lines: &str| {
            let text = format!("[kafka]\nbootstrap = \"b:1\"\n[checkpoints]\n{lines}");
            read("x/watchbell.toml", &text).map(|read| read.checkpoints).map_err(|wrong| wrong.to_string())
        };
        assert_eq!(
            checkpoints("url = \"y\"\nkeep = 1").map(|read| (read.url, read.keep)),
            Ok(("x/y".into(), 1))
        );
        let url = |url: &str| checkpoints(&format!("url = \"{url}\"")).map(|read| read.url);
        assert_eq!(url("file:///var/y"), Ok("file:///var/y".into()));
        for (kind, feature, there) in PLACES {
            let read = url(&format!("{kind}://bucket/y"));
            let refused = read.as_ref().is_err_and(|wrong| wrong.contains(&format!("--features {feature}")));
            assert!(read.is_ok() == there && refused != there, "{kind}: {read:?}");
        }
        for wrong in ["file://y", "ftp://host/y", "s3://"] {
            let problems = url(wrong).expect_err("wrong");
            assert!(problems.contains("s3://"), "{wrong}: {problems}");
        }
        assert!(checkpoints("keep = 0").expect_err("wrong").contains("`keep` is 0"));
    }

    #[test]
    fn secrets_are_not_shown() {
        let text = "[kafka]\nbootstrap = \"b:1\"\n[kafka.options]\n\"sasl.password\" = \"hush\"\n";
        let settings = read("watchbell.toml", text).expect("right");
        assert_eq!(settings.kafka.options, [("sasl.password".to_owned(), "hush".to_owned())]);
        assert!(!format!("{settings:?}").contains("hush"));
    }
}
