//! How does it end? In order and in time when it is asked to, and never by waiting for a broker that is not there.

use std::sync::atomic::{AtomicBool, Ordering};

use super::super::broker::{Broker, Options, shared};
use super::super::program::Program;
use super::super::wait_until;
use super::watch::{Event, Plan, Watch, now_ms, opened, resolved, sleep_ms};

/// What the settings say that the end may take.
const LEAVE_SECONDS: u64 = 10;
/// What the process may take beside it, to be gone.
const GONE_SECONDS: u64 = 3;

/// Appends cases until it is told to stop; how many.
fn load(watch: &Watch, stop: &AtomicBool) -> usize {
    let mut count = 0;
    while !stop.load(Ordering::Relaxed) {
        let events: Vec<Event> = (count..count + 500)
            .flat_map(|n| [opened(&format!("case-{n}"), "s2"), resolved(&format!("case-{n}"))])
            .collect();
        watch.append(0, &events);
        count += 500;
    }
    count
}

/// How long it takes to end after SIGTERM, in milliseconds.
fn end(program: &mut Program) -> (std::process::ExitStatus, i64) {
    let asked = now_ms();
    program.terminate();
    let status = program.wait(LEAVE_SECONDS + GONE_SECONDS);
    (status, now_ms() - asked)
}

#[test]
fn it_ends_in_order_under_load() {
    let engine = "workers = 2";
    let plan = Plan { name: "ending", inputs: &[4], engine, ..Plan::default() };
    let watch = Watch::new(&shared().bootstrap(), &plan);
    let mut program = watch.start_live();
    let stop = AtomicBool::new(false);
    let (status, took_ms) = std::thread::scope(|scope| {
        scope.spawn(|| load(&watch, &stop));
        sleep_ms(2_000);
        let ended = end(&mut program);
        stop.store(true, Ordering::Relaxed);
        ended
    });
    assert!(status.success(), "{status} after {took_ms} ms");
    let cuts = watch.cuts();
    assert_eq!(cuts.len(), 4);
    for (place, cut) in &cuts {
        assert_eq!(cut.owner, "", "{place:?} is owned by nobody");
        assert!(cut.next_offset > 0, "{place:?} was read");
    }
    assert_eq!(watch.aggregate_cut().expect("it was cut").owner, "");
    let names: Vec<String> = std::fs::read_dir(watch.checkpoints())
        .expect("the folder was made")
        .map(|entry| entry.expect("readable").file_name().to_string_lossy().into_owned())
        .collect();
    for log in 0..5 {
        let mine = format!("log-{log}-");
        assert!(names.iter().any(|name| name.starts_with(&mine)), "no checkpoint of log {log}: {names:?}");
    }
}

#[test]
fn what_it_was_still_taking_over_is_nobodys_when_it_has_ended() {
    let partitions = 48;
    let plan = Plan { name: "early", inputs: &[partitions], ..Plan::default() };
    let watch = Watch::new(&shared().bootstrap(), &plan);
    let mut program = watch.start();
    wait_until(30, "the first logs are claimed", || !watch.cuts().is_empty());
    let (status, took_ms) = end(&mut program);
    assert!(status.success(), "{status} after {took_ms} ms");
    let text = program.stderr();
    let taken = text.matches("a log was taken over").count();
    assert!(taken < partitions as usize, "it was asked to end too late to show anything");
    for (place, cut) in watch.cuts() {
        assert_eq!(cut.owner, "", "{place:?} is owned by nobody");
    }
}

#[test]
fn it_ends_in_time_without_its_broker() {
    for gone in [false, true] {
        let mut broker = Broker::start(&Options::default());
        let watch = Watch::new(&broker.bootstrap(), &Plan { name: "left", inputs: &[2], ..Plan::default() });
        let mut program = watch.start_live();
        if gone {
            broker.kill();
        } else {
            broker.freeze();
        }
        sleep_ms(1_500);
        let (status, took_ms) = end(&mut program);
        assert_eq!(status.code(), Some(1), "after {took_ms} ms, broker gone: {gone}");
        assert!(program.stderr().contains("not everything was written within 10 s"), "{}", program.stderr());
    }
}
