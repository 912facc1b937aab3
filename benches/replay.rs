//! What does a whole replay cost, as a multiple of decoding the same lines? In processor seconds, in one run.
//!
//! The lines are those of a million tickets that stay open, three events each, in the order of their time. Processor
//! seconds are the process' own, user and system, with 10 ms resolution; where the system does not tell them, wall
//! seconds stand in.

#![expect(clippy::disallowed_methods, reason = "a benchmark reads the clock")]

use std::io::Write;
use std::path::Path;
use std::sync::atomic::AtomicBool;
use std::time::Instant;

use watchbell::app::replay::{Settings, run};
use watchbell::event::decode;
use watchbell::source::replay::Order;
use watchbell::time::Time;

/// The lines, one event of every ticket after the other.
fn write(path: &Path, tickets: u64) -> std::io::Result<()> {
    let mut file = std::io::BufWriter::new(std::fs::File::create(path)?);
    for (k, kind) in (0..).zip(["submitted", "received", "contacted"]) {
        for n in 0..tickets {
            let time = Time::from_millis(1_758_470_400_000 + ((n + k * tickets) * 8) as i64);
            writeln!(
                file,
                r#"{{"specversion":"1.0","id":"e-{n}-{k}","source":"/desk/1","type":"ticket.{kind}","subject":"T-{n}","time":"{time}","data":{{"kind":"service","priority":"P2","product":"router-x","region":"north","channel":"phone","category":"connectivity","customer":"C-{}","warranty":"in"}}}}"#,
                n % 50_000
            )?;
        }
    }
    file.flush()
}

/// User and system time of this process so far, in seconds.
fn processor_seconds() -> Option<f64> {
    let text = std::fs::read_to_string("/proc/self/stat").ok()?;
    // Behind the name in brackets; the 12th and 13th number from there are ticks of a hundredth.
    let mut numbers = text.rsplit_once(')')?.1.split_whitespace().skip(11);
    let ticks = numbers.next()?.parse::<f64>().ok()? + numbers.next()?.parse::<f64>().ok()?;
    Some(ticks / 100.0)
}

/// How many processor and wall seconds something takes.
fn measured<T>(work: impl FnOnce() -> T) -> (T, f64, f64) {
    let (before, began) = (processor_seconds(), Instant::now());
    let answer = work();
    let wall = began.elapsed().as_secs_f64();
    let processor = processor_seconds().zip(before).map_or(wall, |(after, before)| after - before);
    (answer, processor, wall)
}

fn replay(path: &Path, workers: usize) -> u64 {
    let settings = Settings {
        files: vec![path.to_path_buf()],
        mapping: None,
        policy: None,
        lifecycles: None,
        against: None,
        partitions: 8,
        workers,
        as_of: Time::parse("2026-01-01T00:00:00Z"),
        order: Order::Time,
        outcomes: None,
        alerts: None,
    };
    run(&settings, &mut |_| (), &AtomicBool::new(false)).expect("the file is right").input.applied
}

/// Prints events per second and the multiple of decoding, with one worker and with two.
#[expect(clippy::print_stdout, reason = "a benchmark's answer")]
pub fn figures(small: bool) {
    let tickets: u64 = if small { 2_000 } else { 1_000_000 };
    let events = tickets * 3;
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("events.ndjson");
    write(&path, tickets).expect("room for the events");
    let text = std::fs::read(&path).expect("just written");
    let (read, decoding, wall) = measured(|| {
        let lines = text.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
        lines.map(|line| u64::from(!decode(line).expect("valid").subject.is_empty())).sum::<u64>()
    });
    assert_eq!(read, events);
    let per = |seconds: f64| seconds * 1e9 / events as f64;
    println!(
        "replay of {events} events, {tickets} tickets open    processor ns/event  of decoding  events/s"
    );
    println!("  decoding alone {:>40.0} {:>12} {:>10.0}", per(decoding), "", events as f64 / wall);
    drop(text);
    for workers in [1, 2] {
        let (applied, processor, wall) = measured(|| replay(&path, workers));
        assert_eq!(applied, events);
        let (ratio, rate) = (processor / decoding.max(0.01), events as f64 / wall);
        println!(
            "  {workers} worker{} {:>46.0} {ratio:>10.2} × {rate:>9.0}",
            if workers == 1 { " " } else { "s" },
            per(processor)
        );
    }
}
