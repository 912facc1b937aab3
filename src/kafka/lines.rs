//! What does librdkafka have to say, and how often need one hear it? Its lines among ours, the same one not twice a minute.
//!
//! Every client has something to say about every broker it cannot reach, several times a second: an outage would bury our
//! own lines. The first line of a kind is written at once; of those that follow, the last one each minute, with the
//! number of those left out; and one line says that it is over. Lines are of one kind when they differ only in numbers, and in
//! which client and which broker they are about.
//!
//! There is no clock here: whoever has one calls [`tell`] now and then.

use std::collections::BTreeMap;
use std::ffi::{c_char, c_int};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use rdkafka::bindings as rd;

use super::text;

/// How often a line of one kind is written, and how long none may come until it is over.
const EVERY: Duration = Duration::from_secs(60);
/// How many kinds are told apart; of the rest, those of one facility are one.
const KINDS_MAX: usize = 64;

static LINES: Mutex<Lines> = Mutex::new(Lines { kinds: BTreeMap::new() });

/// A line as it is to be written.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Line {
    weight: Weight,
    facility: String,
    text: String,
    /// How many like it were left out before it.
    left_out: u64,
}

/// How a line is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Weight {
    Warning,
    Detail,
    /// One of ours: it is over.
    Over,
}

/// The kinds that were heard of lately.
struct Lines {
    kinds: BTreeMap<String, Kind>,
}

/// Lines that say the same.
struct Kind {
    /// Since when those that are left out are counted; `None` until the clock was looked at.
    since: Option<Instant>,
    left_out: u64,
    last: Line,
}

/// Writes the lines that have become due, and that kinds are over. Cheap; meant to be called about once a second.
pub fn tell(now: Instant) {
    let due = lines().due(now);
    due.into_iter().for_each(Line::write);
}

/// Writes what was left out, and forgets what was heard of: the brokers answer again.
pub fn over() {
    if let Some(line) = lines().over() {
        line.write();
    }
}

/// librdkafka's callback. What is asked for by its option `debug` is written as it comes.
pub(super) unsafe extern "C" fn hear(
    _handle: *const rd::rd_kafka_t,
    level: c_int,
    facility: *const c_char,
    message: *const c_char,
) {
    // SAFETY: librdkafka gives terminated strings.
    let (facility, message) = unsafe { (text(facility), text(message)) };
    if level > 5 {
        tracing::debug!(target: "kafka", facility, "{message}");
        return;
    }
    let weight = if level <= 3 { Weight::Warning } else { Weight::Detail };
    let line = lines().hear(Line { weight, facility, text: message, left_out: 0 });
    if let Some(line) = line {
        line.write();
    }
}

impl Lines {
    /// Hears a line, which comes back if it is the first of its kind.
    fn hear(&mut self, line: Line) -> Option<Line> {
        let mut name = format!("{} {}", line.facility, kind(&line.text));
        if self.kinds.len() >= KINDS_MAX && !self.kinds.contains_key(&name) {
            name.clone_from(&line.facility);
        }
        match self.kinds.get_mut(&name) {
            Some(known) => {
                known.left_out += 1;
                known.last = line;
                None
            }
            None => {
                self.kinds.insert(name, Kind { since: None, left_out: 0, last: line.clone() });
                Some(line)
            }
        }
    }

    fn due(&mut self, now: Instant) -> Vec<Line> {
        let mut due = Vec::new();
        self.kinds.retain(|_, kind| {
            let since = *kind.since.get_or_insert(now);
            if now.saturating_duration_since(since) < EVERY {
                return true;
            }
            let left_out = std::mem::take(&mut kind.left_out);
            kind.since = Some(now);
            if left_out == 0 {
                let text = format!("nothing like it for {} s: {}", EVERY.as_secs(), kind.last.text);
                due.push(Line { weight: Weight::Over, text, ..kind.last.clone() });
                return false;
            }
            due.push(Line { left_out: left_out - 1, ..kind.last.clone() });
            true
        });
        due
    }

    fn over(&mut self) -> Option<Line> {
        let kinds = std::mem::take(&mut self.kinds);
        let left_out: u64 = kinds.values().map(|kind| kind.left_out).sum();
        let first = kinds.into_values().next()?;
        let text = "no more of what librdkafka complained of".to_owned();
        (left_out > 0).then_some(Line { weight: Weight::Over, text, left_out, ..first.last })
    }
}

impl Line {
    fn write(self) {
        let Line { weight, facility, text, left_out } = self;
        match (weight, left_out) {
            (Weight::Warning, 0) => tracing::warn!(target: "kafka", facility, "{text}"),
            (Weight::Warning, left_out) => tracing::warn!(target: "kafka", facility, left_out, "{text}"),
            (Weight::Detail, 0) => tracing::info!(target: "kafka", facility, "{text}"),
            (Weight::Detail, left_out) => tracing::info!(target: "kafka", facility, left_out, "{text}"),
            (Weight::Over, left_out) => tracing::info!(facility, left_out, "{text}"),
        }
    }
}

/// A line without its client, its broker and its numbers.
fn kind(text: &str) -> String {
    let text = match text.split_once("]: ") {
        Some((thread, rest)) if thread.starts_with("[thrd:") => rest,
        _ => text,
    };
    let text = match text.split_once(": ") {
        Some((broker, rest)) if broker.contains('/') => rest,
        _ => text,
    };
    let text = text.split(" (after ").next().unwrap_or(text);
    text.chars().filter(|one| !one.is_ascii_digit()).collect()
}

/// A panic of another thread leaves whole lines behind.
fn lines() -> MutexGuard<'static, Lines> {
    LINES.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[expect(clippy::disallowed_methods, reason = "an instant to count from, whichever")]
    fn some_instant() -> Instant {
        Instant::now()
    }

    fn line(facility: &str, text: &str) -> Line {
        Line { weight: Weight::Warning, facility: facility.into(), text: text.into(), left_out: 0 }
    }

    fn refused(port: u32, client: u32) -> Line {
        let at = format!("127.0.0.1:{port}");
        let text = format!(
            "[thrd:{at}/{client}]: {at}/{client}: Connect to ipv4#{at} failed: Connection refused (after {client}ms in state CONNECT)"
        );
        line("FAIL", &text)
    }

    fn lines() -> Lines {
        Lines { kinds: BTreeMap::new() }
    }

    #[test]
    fn an_outage_is_one_line_a_minute_and_one_at_its_end() {
        let (mut lines, began) = (lines(), some_instant());
        let mut written = Vec::new();
        for second in 0..150 {
            for client in 0..4 {
                written.extend(lines.hear(refused(9_092 + client, client)));
            }
            written.extend(lines.due(began + Duration::from_secs(second)));
        }
        let left_out: Vec<u64> = written.iter().map(|line| line.left_out).collect();
        assert_eq!(left_out, [0, 242, 239], "{written:?}");
        assert!(written.iter().all(|line| line.weight == Weight::Warning));
        // Heard last at 149 s.
        let at = |second| began + Duration::from_secs(second);
        let last = lines.due(at(180));
        assert_eq!(last.iter().map(|line| line.left_out).collect::<Vec<_>>(), [115]);
        assert_eq!(lines.due(at(239)), []);
        let end = lines.due(at(240));
        assert!(end.len() == 1 && end[0].weight == Weight::Over, "{end:?}");
        assert_eq!(lines.due(at(600)), []);
        assert!(lines.hear(refused(9_092, 1)).is_some(), "the next outage is told again");
    }

    #[test]
    fn what_is_told_apart() {
        let mut lines = lines();
        let first = |lines: &mut Lines, text: &str| lines.hear(line("FAIL", text)).is_some();
        assert!(lines.hear(refused(9_092, 1)).is_some());
        assert!(lines.hear(refused(19_092, 22)).is_none());
        assert!(first(
            &mut lines,
            "[thrd:ssl://a:1/2]: ssl://a:1/2: SSL handshake failed: certificate expired"
        ));
        assert!(first(&mut lines, "[thrd:main]: 3/3 brokers are down"));
        assert!(!first(&mut lines, "[thrd:main]: 1/3 brokers are down"));
        // However much librdkafka finds to say, the memory is bounded.
        let written = (0..1_000).filter(|n| first(&mut lines, &"x".repeat(*n))).count();
        assert!(written <= KINDS_MAX && lines.kinds.len() <= KINDS_MAX + 1, "{written}");
    }

    #[test]
    fn when_the_brokers_answer_it_is_over_at_once() {
        let mut lines = lines();
        assert_eq!(lines.over(), None);
        lines.hear(refused(9_092, 1));
        assert_eq!(lines.over(), None, "nothing was left out");
        (0..10).for_each(|n| drop(lines.hear(refused(9_092, n))));
        assert_eq!(lines.over().map(|line| line.left_out), Some(9));
        assert!(lines.hear(refused(9_092, 1)).is_some());
    }
}
