//! What does a million events cost, from a full Kafka to the last commit? The watch with and without exactly-once,
//! beside a consumer that only drains the same topic, and one that drains and decodes it with the same decoder.
//!
//! All of them read the same topic in one run, in batches of the same size; compared is the processor time of the
//! reading process, in seconds per million events. Sizes by environment: `WATCHBELL_E2E_EVENTS` (5,000,000) and
//! `WATCHBELL_E2E_RUNS` (3).

#![allow(clippy::print_stdout, reason = "it says what it has measured")]

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use watchbell::event::decode;
use watchbell::kafka as wire;

use super::broker::{Broker, Options};
use super::process::Process;
use super::{client, now};

/// How many messages are taken at once, as the watch does.
const BATCH: usize = 4_096;
const PARTITIONS: i32 = 4;
const TOPIC: &str = "events";
/// How long any one reader may take.
const SECONDS_MAX: u64 = 600;
/// How many events a ticket has.
const PER_TICKET: u64 = 5;
/// One ticket in so many is left lying: it has warnings and breaches.
const SLOW_EVERY: u64 = 20;
/// How many tickets lie between two events of one.
const APART: u64 = 2_000;
/// How far the tickets reach back, and how late the slow ones are.
const REACH_MS: i64 = 2 * 86_400_000;
const LATE_MS: i64 = 30 * 3_600_000;

/// A size that is asked for by environment.
pub fn number(name: &str, otherwise: u64) -> u64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(otherwise)
}

/// A ticket's `step`-th event, in order of time.
fn event(ticket: u64, step: u64, time_ms: i64) -> (String, String) {
    let (kind, more) = match step {
        0 => ("ticket.submitted", ""),
        1 => ("ticket.received", ""),
        2 => ("ticket.contacted", ",\"fault_confirmed\":true,\"contact_confirmed\":true"),
        3 => ("ticket.responded", ""),
        _ => ("ticket.progress_notified", ""),
    };
    let time = watchbell::time::Time::from_millis(time_ms);
    let (region, product) = (ticket % 7, ticket % 11);
    let subject = format!("T-{ticket}");
    let json = format!(
        "{{\"specversion\":\"1.0\",\"id\":\"e{ticket}-{step}\",\"source\":\"/desk/1\",\"type\":\"{kind}\",\
         \"subject\":\"{subject}\",\"time\":\"{time}\",\"data\":{{\"kind\":\"service\",\"priority\":\"P{}\",\
         \"product\":\"router-{product}\",\"region\":\"r{region}\",\"channel\":\"phone\",\
         \"category\":\"connectivity\",\"customer\":\"C-{}\"{more}}}}}",
        ticket % 4,
        ticket % 99_991
    );
    (subject, json)
}

/// All events in the order of their times: tickets come in evenly, the events of one lie [`APART`] tickets apart, and
/// what slow tickets wait for comes when they are long due.
fn events(tickets: u64, end_ms: i64) -> impl Iterator<Item = (String, String)> {
    let slow = |ticket: u64| ticket.is_multiple_of(SLOW_EVERY);
    let every_ms = REACH_MS as f64 / tickets as f64;
    let late = (LATE_MS as f64 / every_ms) as u64;
    let begin = end_ms - REACH_MS - LATE_MS - 3_600_000;
    let at = move |slot: u64| begin + (slot as f64 * every_ms) as i64;
    let slots = tickets + late + PER_TICKET * APART;
    (0..slots).flat_map(move |slot| {
        let quick = (0..PER_TICKET).filter_map(move |step| {
            let ticket = slot.checked_sub(step * APART).filter(|ticket| *ticket < tickets)?;
            (step < 2 || !slow(ticket)).then(|| event(ticket, step, at(slot) + step as i64))
        });
        let lying = slot.checked_sub(late).filter(|ticket| *ticket < tickets && slow(*ticket));
        let lying = lying.into_iter().flat_map(move |ticket| {
            (2..PER_TICKET).map(move |step| event(ticket, step, at(slot) + 10 + step as i64))
        });
        quick.chain(lying)
    })
}

/// What reading cost.
#[derive(Clone, Copy, Debug)]
struct Cost {
    cpu_seconds: f64,
    wall_seconds: f64,
}

/// Processor time that a process has used, in seconds.
fn cpu_seconds(pid: u32) -> f64 {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).expect("it runs");
    let fields: Vec<&str> = stat.rsplit(')').next().expect("a name").split_whitespace().collect();
    let ticks = |n: usize| fields[n].parse::<f64>().expect("a number");
    // User and system time are the 14th and 15th field; the state, after the name, is the third. 100 ticks a second.
    (ticks(11) + ticks(12)) / 100.0
}

fn timed(began: std::time::Instant, pid: u32) -> Cost {
    Cost { cpu_seconds: cpu_seconds(pid), wall_seconds: now().duration_since(began).as_secs_f64() }
}

/// A process of its own that drains the topic.
fn drained(bootstrap: &str, group: &str, decodes: bool, expected: u64) -> Cost {
    let mut command = Command::new(std::env::current_exe().expect("our own path"));
    command.args(["reader", bootstrap, group, if decodes { "decode" } else { "drain" }]);
    let (began, mut process) = (now(), Process::start(command));
    assert!(process.wait(SECONDS_MAX).is_some_and(|status| status.success()), "{}", process.stderr.text());
    process.stdout.wait_for_end(10);
    let text = process.stdout.text();
    let line =
        text.lines().find_map(|line| line.split("READ ").nth(1)).expect("it says what it read").to_owned();
    let mut words = line.split_whitespace();
    let mut next = || words.next().and_then(|word| word.parse::<f64>().ok()).expect("a number");
    assert_eq!(next() as u64, expected, "it has read everything");
    Cost { cpu_seconds: next(), wall_seconds: now().duration_since(began).as_secs_f64() }
}

/// The reader that [`drained`] starts: it says what it read and what that cost.
pub fn reader(bootstrap: String, group: &str, decodes: bool) {
    let options = wire::Options { bootstrap, passed_on: Vec::new() };
    let ours = [("partition.assignment.strategy", "cooperative-sticky")];
    let consumer = wire::Consumer::join(&options, group, &[TOPIC.into()], &ours).expect("Kafka is there");
    let (mut read, mut bytes, mut ends) = (0_u64, 0_usize, 0);
    let (mut batch, mut events) = (Vec::new(), Vec::new());
    while ends < PARTITIONS {
        consumer.poll(BATCH, Duration::from_millis(20), &mut batch, &mut events);
        for event in events.drain(..) {
            if let wire::Event::Assigned(partitions) = event {
                let from = |(topic, partition): (String, i32)| wire::Offset {
                    topic,
                    partition,
                    next_offset: 0,
                    metadata: String::new(),
                };
                consumer.assign(&partitions.into_iter().map(from).collect::<Vec<_>>()).expect("assigned");
            }
        }
        for message in batch.drain(..) {
            if message.is_end() {
                ends += 1;
                continue;
            }
            read += 1;
            bytes += if decodes {
                decode::decode(message.payload())
                    .map_or(0, |event| event.subject.len() + event.attributes.iter().count())
            } else {
                message.payload().len()
            };
        }
    }
    assert!(bytes > 0);
    println!("READ {read} {}", cpu_seconds(std::process::id()));
}

/// The watch, until it has committed the end of every log.
fn watched(
    bootstrap: &str,
    folder: &Path,
    group: &str,
    transactions: bool,
    expected: u64,
) -> (Cost, BTreeSet<Vec<u8>>) {
    let (alerts, partials) = (format!("{group}.alerts"), format!("{group}.partials"));
    client::create_topic(bootstrap, &alerts, PARTITIONS + 1, &[]);
    client::create_topic(bootstrap, &partials, 1, &[]);
    let settings = folder.join(format!("{group}.toml"));
    let text = format!(
        "[kafka]\nbootstrap = \"{bootstrap}\"\ngroup = \"{group}\"\ntopics = [\"{TOPIC}\"]\nalerts = \"{alerts}\"\n\
         partials = \"{partials}\"\ndead_letters = false\ntransactions = {transactions}\n[engine]\nworkers = 1\n"
    );
    fs::write(&settings, text).expect("writable");
    let mut command = Command::new(env!("CARGO_BIN_EXE_watchbell"));
    command.args(["run", "--config", settings.to_str().expect("a path")]).stdin(std::process::Stdio::piped());
    let (began, mut process) = (now(), Process::start(command));
    let read =
        || client::committed(bootstrap, group, TOPIC).values().map(|(offset, _)| *offset as u64).sum::<u64>();
    // The clock moves after the last record was read: only then is everything said.
    super::wait_until(SECONDS_MAX, "everything is read", || {
        assert!(process.ended().is_none(), "the watch ended: {}", process.stderr.text());
        std::thread::sleep(Duration::from_millis(100));
        read() == expected
    });
    let said = || client::stable_ends(bootstrap, &alerts).values().sum::<i64>();
    let mut before = -1;
    super::wait_until(SECONDS_MAX, "everything is said", || {
        std::thread::sleep(Duration::from_millis(700));
        let (last, now) = (before, said());
        before = now;
        last == now && now > 0
    });
    let cost = timed(began, process.id());
    process.terminate();
    assert!(process.wait(30).is_some(), "it ends when it is asked to");
    let said = client::read_committed(bootstrap, &alerts);
    // What the aggregate says depends on the path, and is not compared.
    let of_workers = said.into_iter().filter(|message| message.partition < PARTITIONS);
    (cost, of_workers.filter_map(|message| message.key).collect())
}

/// Compares them.
pub fn compare() {
    let (count, runs) = (number("WATCHBELL_E2E_EVENTS", 5_000_000), number("WATCHBELL_E2E_RUNS", 3));
    let broker = Broker::start(&Options { throughput: true, ..Options::default() });
    let bootstrap = broker.bootstrap();
    client::create_topic(&bootstrap, TOPIC, PARTITIONS, &[]);
    let end = watchbell::engine::clock::now().millis();
    let tickets = count / PER_TICKET;
    let records = events(tickets, end).map(|(key, json)| {
        let partition = watchbell::source::partition::partition(key.as_bytes(), PARTITIONS as u32) as i32;
        (Some(partition), key, json, None)
    });
    let written = client::produce(&bootstrap, TOPIC, records) as u64;
    println!("{written} events of {tickets} tickets");
    let folder = tempfile::tempdir().expect("a folder");
    let million = written as f64 / 1e6;
    for run in 0..runs {
        let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
        let drain = drained(&bootstrap, &format!("drain-{run}"), false, written);
        let decode = drained(&bootstrap, &format!("decode-{run}"), true, written);
        let (exact, alerts) = watched(&bootstrap, folder.path(), &format!("exact-{run}"), true, written);
        let (least, alerts_least) =
            watched(&bootstrap, folder.path(), &format!("least-{run}"), false, written);
        assert!(alerts.len() as f64 >= 0.05 * written as f64, "{} alerts of {written} events", alerts.len());
        // The wall goes on: by the time of the second watch a few more promises are due.
        assert!(alerts.is_subset(&alerts_least), "the second says what the first said");
        assert!(alerts_least.len() <= alerts.len() + alerts.len() / 100, "and little else");
        println!("run {run}, load {}", load.trim());
        for (name, cost) in [
            ("drain", drain),
            ("drain and decode", decode),
            ("exactly once", exact),
            ("at least once", least),
        ] {
            println!(
                "  {name:18} {:6.3} CPU s per million  {:9.0} events/s  {:5.2} x drain and decode",
                cost.cpu_seconds / million,
                written as f64 / cost.wall_seconds,
                cost.cpu_seconds / decode.cpu_seconds
            );
        }
        println!(
            "  {} alerts; exactly once costs {:.2} x at least once",
            alerts.len(),
            exact.cpu_seconds / least.cpu_seconds
        );
    }
}
