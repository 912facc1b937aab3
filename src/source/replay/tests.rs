//! Files become the same logs whatever the threads and the memory, and nothing in them stops the rest.

use std::io::Write;

use super::*;
use crate::source::{Item, Source};

fn options() -> Options {
    Options {
        order: Order::Time,
        partitions: 3,
        as_of: Time::parse("2026-04-01T00:00:00Z").expect("valid"),
        max_skew: Span::from_minutes(5),
        tick: Span::from_minutes(5),
        memory_bytes: 64 << 20,
        threads: 2,
        rejects_max: 10,
    }
}

fn line(id: &str, subject: &str, time: &str) -> String {
    format!(r#"{{"id":"{id}","source":"/t","type":"ticket.opened","subject":"{subject}","time":"{time}"}}"#)
}

fn prepared(files: &[&[u8]], options: &Options) -> Prepared {
    let file = |bytes: &&[u8]| {
        let mut file = tempfile::NamedTempFile::new().expect("a file");
        file.write_all(bytes).expect("written");
        file
    };
    let files: Vec<_> = files.iter().map(file).collect();
    let inputs: Vec<Input> =
        files.iter().map(|file| Input { path: file.path().into(), mapping: None }).collect();
    prepare(&inputs, options, &mut |_| (), &AtomicBool::new(false)).expect("readable")
}

/// Each log in order: `id@line` and `~time`.
fn told(prepared: &Prepared) -> Vec<Vec<String>> {
    let mut spool = prepared.spool.clone();
    let mut logs = vec![Vec::new(); spool.logs() as usize];
    (0..spool.logs()).for_each(|log| spool.assign(log, 0).expect("exists"));
    let mut visit = |record: crate::source::Record<'_>| {
        logs[record.log as usize].push(match record.item {
            Item::Event(event) => format!("{}@{}", event.id, record.number),
            Item::Clock(time) => format!("~{time}"),
            Item::Reject(reason) => format!("!{reason}"),
        });
    };
    while spool.poll(100, &mut visit).expect("readable") > 0 {}
    logs
}

fn rejects(prepared: &Prepared) -> Vec<String> {
    let show = |reject: &Reject| format!("{}!{}", reject.position.number, reject.reason.code());
    prepared.rejects.iter().map(show).collect()
}

#[test]
fn events_come_by_time_then_file_then_line() {
    let one = [line("a", "x", "2026-03-01T08:02:00Z"), line("b", "x", "2026-03-01T08:01:00Z")].join("\n");
    let two = [line("c", "x", "2026-03-01T08:01:00Z"), line("d", "x", "2026-03-01T08:01:00Z")].join("\r\n");
    let files = [one.as_bytes(), two.as_bytes()];
    let options = Options { partitions: 1, ..options() };
    assert_eq!(told(&prepared(&files, &options))[0], ["b@2", "c@1", "d@2", "a@1", "~2026-03-01T08:02:00Z"]);
    let by_file = Options { order: Order::File, ..options };
    assert_eq!(told(&prepared(&files, &by_file))[0], ["a@1", "b@2", "c@1", "d@2", "~2026-03-01T08:02:00Z"]);
}

#[test]
fn every_log_hears_the_clock() {
    let times = ["08:01:00", "08:04:59", "08:05:00", "08:27:00", "08:28:00"];
    let text: Vec<String> =
        times.iter().map(|time| line(time, "x", &format!("2026-03-01T{time}Z"))).collect();
    let logs = told(&prepared(&[text.join("\n").as_bytes()], &options()));
    let clocks = ["~2026-03-01T08:05:00Z", "~2026-03-01T08:25:00Z", "~2026-03-01T08:28:00Z"];
    let busy = [
        "08:01:00@1",
        "08:04:59@2",
        clocks[0],
        "08:05:00@3",
        clocks[1],
        "08:27:00@4",
        "08:28:00@5",
        clocks[2],
    ];
    let at = super::super::partition::partition(b"x", 3) as usize;
    for (log, told) in logs.iter().enumerate() {
        assert_eq!(*told, if log == at { busy.to_vec() } else { clocks.to_vec() });
    }
}

#[test]
fn the_future_moves_no_clock() {
    let text = [
        line("a", "x", "2026-03-01T08:00:00Z"),
        line("far", "x", "2031-01-01T00:00:00Z"),
        line("near", "x", "2026-04-01T00:05:00Z"),
    ];
    let prepared = prepared(&[text.join("\n").as_bytes()], &Options { partitions: 1, ..options() });
    let expected = ["a@1", "~2026-04-01T00:05:00Z", "near@3", "far@2", "~2026-04-01T00:05:00Z"];
    assert_eq!(told(&prepared)[0], expected);
    assert_eq!(prepared.last.map(|time| time.to_string()).as_deref(), Some("2026-04-01T00:05:00Z"));
    assert_eq!((prepared.events, prepared.rows), (3, 3));
}

#[test]
fn what_cannot_be_read_is_rejected_and_the_rest_goes_on() {
    let good = line("a", "x", "2026-03-01T08:00:00Z");
    let long = "x".repeat(2 << 20);
    let text = format!("\u{feff}{good}\r\n\r\n{{\n{long}\n  {good}  \n{{\"id\":\"b\"}}\n{good}");
    let prepared = prepared(&[text.as_bytes(), b"\xff\n", b""], &options());
    assert_eq!((prepared.events, prepared.rows, prepared.bytes), (3, 7, text.len() as u64 + 2));
    assert_eq!(rejects(&prepared), ["3!malformed", "4!too_large", "6!missing_field", "1!invalid_utf8"]);
    let counts: Vec<(&str, u64)> =
        prepared.reject_counts.iter().map(|(code, count)| (*code, *count)).collect();
    assert_eq!(counts, [("invalid_utf8", 1), ("malformed", 1), ("missing_field", 1), ("too_large", 1)]);
}

#[test]
fn a_packed_file_that_breaks_off_is_used_up_to_there() {
    let text: String = (0..50_000)
        .map(|n| line(&format!("e{}", n * 7_919 % 65_537), "x", "2026-03-01T08:00:00Z") + "\n")
        .collect();
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(text.as_bytes()).expect("written");
    let packed = gzip.finish().expect("written");
    let prepared = prepared(&[&packed[..packed.len() * 2 / 3]], &options());
    assert_eq!(rejects(&prepared), [format!("{}!truncated", prepared.events + 1)]);
    assert!(prepared.events > 25_000, "{}", prepared.events);
    assert_eq!(prepared.rows, prepared.events);
}

#[test]
fn rejects_are_counted_all_and_kept_in_part() {
    let text = "{\n".repeat(100_000);
    for threads in [1, 3] {
        let prepared = prepared(&[b"{\n", text.as_bytes()], &Options { threads, ..options() });
        let lines: Vec<u64> = prepared.rejects.iter().map(|reject| reject.position.number).collect();
        assert_eq!(lines, [1, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
        assert_eq!(prepared.reject_counts["malformed"], 100_001);
    }
}

#[test]
fn threads_and_memory_change_nothing() {
    let event = |n: u64| {
        let minute = n.wrapping_mul(2_654_435_761) % 40_000;
        let time = Time::parse("2026-03-01T00:00:00Z").expect("valid") + Span::from_minutes(minute as i64);
        line(&n.to_string(), &format!("T-{}", n % 300), &time.to_string())
    };
    let text = |from: u64| (from..from + 6_000).map(|n| event(n) + "\n").collect::<String>();
    let (one, two) = (text(0), text(6_000));
    let files = [one.as_bytes(), two.as_bytes()];
    let expected = told(&prepared(&files, &options()));
    assert!(expected.iter().all(|log| log.len() > 3_000));
    for (threads, memory_bytes) in [(1, 1 << 30), (7, 1 << 30), (1, 100_000), (2, 0), (3, 1 << 20)] {
        let options = Options { threads, memory_bytes, ..options() };
        assert!(told(&prepared(&files, &options)) == expected, "{threads} threads, {memory_bytes} bytes");
    }
}

#[test]
fn progress_is_told_and_can_be_ended() {
    let text = (line("a", "x", "2026-03-01T08:00:00Z") + "\n").repeat(20_000);
    let mut file = tempfile::NamedTempFile::new().expect("a file");
    file.write_all(text.as_bytes()).expect("written");
    let inputs = [Input { path: file.path().into(), mapping: None }];
    let (mut steps, cancel) = (Vec::new(), AtomicBool::new(false));
    prepare(&inputs, &options(), &mut |step| steps.push(step), &cancel).expect("readable");
    let size = text.len() as u64;
    assert!(steps.contains(&Progress::Reading { bytes: size, total: Some(size) }), "{steps:?}");
    assert_eq!(steps.last(), Some(&Progress::Ordering));
    let ended = prepare(&inputs, &options(), &mut |_| cancel.store(true, Ordering::Relaxed), &cancel);
    assert!(matches!(ended, Err(SourceError::Cancelled)));
}

#[test]
fn a_file_that_is_not_there_is_an_error_with_a_remedy() {
    let inputs = [Input { path: "nowhere/none.ndjson".into(), mapping: None }];
    let error = prepare(&inputs, &options(), &mut |_| (), &AtomicBool::new(false)).expect_err("is not there");
    assert!(error.to_string().starts_with("nowhere/none.ndjson: cannot be opened"), "{error}");
}
