//! Files in the repository that follow from the code: rendered anew, rewritten where they differ, and then failed.

use std::io::{Read, Write};
use std::path::Path;

use watchbell::names::metric::{COMBINATIONS_MAX, DIMENSIONS, Metric};
use watchbell::source::desk;
use watchbell::time::Time;

/// Fails when a file does not say what the code says, after writing what it should say.
fn keep(path: &str, expected: &str, read: impl Fn(&Path) -> Option<String>, write: impl Fn(&Path)) {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    if read(&file).as_deref() != Some(expected) {
        write(&file);
        panic!("{path} did not follow from the code; it does now: look at the difference and commit it");
    }
}

/// The same for a file of plain text.
fn keep_text(path: &str, expected: &str) {
    let write = |path: &Path| std::fs::write(path, expected).expect("writable");
    keep(path, expected, |path| std::fs::read_to_string(path).ok(), write);
}

#[test]
fn the_schema_of_events_follows_from_the_types() {
    keep_text("docs/event.schema.json", &format!("{:#}\n", watchbell::event::schema::schema()));
}

#[test]
fn the_schema_of_cases_follows_from_the_code() {
    keep_text("docs/case.schema.json", &format!("{:#}\n", watchbell::config::case::schema()));
}

#[test]
fn the_schema_of_policies_follows_from_the_code() {
    keep_text("docs/policy.schema.json", &format!("{:#}\n", watchbell::config::policy::schema()));
}

/// Eight days of a service desk in a week before a holiday, with a bad firmware batch on the sixth.
#[test]
fn the_sample_follows_from_the_generator() {
    let start = Time::parse("2025-09-15T00:00:00+08:00").expect("an instant");
    let options = desk::Options { seed: 3, start, days: 8, per_hour: 20.0, incident: true, rise_hours: 0 };
    let lines: String = desk::events(&options).iter().map(|event| desk::json(event) + "\n").collect();
    let unpack = |path: &Path| {
        let mut text = String::new();
        flate2::read::GzDecoder::new(std::fs::File::open(path).ok()?).read_to_string(&mut text).ok()?;
        Some(text)
    };
    keep("tests/data/desk.ndjson.gz", &lines, unpack, |path| {
        let file = std::fs::File::create(path).expect("writable");
        let mut packed = flate2::write::GzEncoder::new(file, flate2::Compression::best());
        packed.write_all(lines.as_bytes()).and_then(|()| packed.finish().map(drop)).expect("writable");
    });
}

const METRICS_HEAD: &str = "\
# Metrics

What `watchbell run` and `watchbell demo` show at `/metrics`, in Prometheus' text format 0.0.4. This page follows from the
names in [`src/names/metric.rs`](../src/names/metric.rs); a test keeps it so. A dashboard for Grafana
([monitoring-centre.json](../dashboards/monitoring-centre.json)) and recording and alerting rules
([rules.yml](../dashboards/rules.yml)) use them.

```yaml
scrape_configs:
  - job_name: watchbell
    scrape_interval: 5s
    static_configs:
      - targets: [\"127.0.0.1:9184\"]
```

- **Instances**: each shows the logs it has in its hands, so sums over `instance` are the whole. Only the owner of the aggregate
  shows crises, signals, series and satisfaction.
- **Labels**: an id of a ticket or a customer is never one. DIMENSIONS are labels only where
  [`http.labels`](configuration.md) allows them, and in at most COMBINATIONS combinations with a commitment; what comes
  after those is counted under `other`.
- **Counters** begin at 0 with the process. A verdict is counted once, by the process that found it, under the values its case had
  then; those that a state held already when its log was taken over are not counted again. A verdict that a late event takes back is not
  subtracted, or the counter would fall: it is counted in `watchbell_clocks_taken_back_total`.
- **Clocks are counted by a walk** over the cases, 8,000 cases of each log a second, and when a case leaves the memory: with a million
  cases in one log the numbers are up to two minutes old. What was found and not yet counted when a log was lost, nobody counts.
- **Seconds** are the wall's where it says so, and otherwise the engine's, which run faster in a demonstration.
- **What is not known is left out**: there is no 0 in its place.
";

/// Where a part of the list begins, and its heading.
const METRICS_PARTS: [(Metric, &str); 3] = [
    (Metric::ClocksOpen, "For a monitoring centre: promises, alerts, crises"),
    (Metric::LogState, "For who runs it: each log"),
    (Metric::State, "For who runs it: the program"),
];

#[test]
fn the_page_about_metrics_follows_from_the_names() {
    let code = |words: &[&str]| words.iter().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", ");
    let mut page = METRICS_HEAD
        .replace("DIMENSIONS", &code(&DIMENSIONS))
        .replace("COMBINATIONS", &COMBINATIONS_MAX.to_string());
    for metric in Metric::ALL {
        if let Some((_, heading)) = METRICS_PARTS.iter().find(|(first, _)| first == metric) {
            page += &format!(
                "\n## {heading}\n\n| metric | kind | labels | meaning | 含义 |\n|---|---|---|---|---|\n"
            );
        }
        let (name, kind, labels) = (metric.name(), metric.kind().name(), code(metric.labels()));
        page += &format!("| `{name}` | {kind} | {labels} | {} | {} |\n", metric.help(), metric.help_zh());
    }
    keep(
        "docs/metrics.md",
        &page,
        |path| std::fs::read_to_string(path).ok(),
        |path| {
            std::fs::write(path, &page).expect("writable");
        },
    );
}
