//! How soon does a watch go on after a restart? From the store to a shard that says what is new, with the room that takes
//! on the disk and in memory.
//!
//! One process makes a desk with its cases and writes its checkpoint, another starts from there: its memory is that of a
//! restart and nothing else. `WATCHBELL_RESTART_CASES` is how many cases are open (default 1,000,000).

#![expect(clippy::disallowed_methods, reason = "a benchmark reads the clock")]

use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::Instant;

use rustix::time::{ClockId, clock_gettime};
use watchbell::checkpoint::{self, Checkpoint, Pending};
use watchbell::config;
use watchbell::shard::{Options, Shard};

use crate::checkpoints::Desk;

/// Says to a process where the checkpoint is to be made, and to another where it lies.
const INTO: &str = "WATCHBELL_RESTART_INTO";
const FROM: &str = "WATCHBELL_RESTART_FROM";

/// Prints what a restart costs.
pub fn figures(small: bool) {
    let cases = std::env::var("WATCHBELL_RESTART_CASES");
    let cases = cases.map_or(1_000_000, |text| text.parse().expect("WATCHBELL_RESTART_CASES is a number"));
    if let Some(folder) = std::env::var_os(INTO) {
        return make(Path::new(&folder), if small { 1_000 } else { cases });
    }
    if let Some(folder) = std::env::var_os(FROM) {
        return restart(Path::new(&folder));
    }
    let folder = tempfile::tempdir().expect("a temporary directory");
    for variable in [INTO, FROM] {
        let mut process = Command::new(std::env::current_exe().expect("it runs"));
        process.arg("restart").args((!small).then_some("--bench")).env(variable, folder.path());
        let status = process.status().expect("it can be started");
        assert!(status.success(), "{status}");
    }
}

#[expect(clippy::print_stdout, reason = "a benchmark's answer")]
fn make(folder: &Path, cases: u64) {
    let mut desk = Desk::new(cases);
    desk.catch_up();
    let (offset, alerts) = (desk.shard.stamp().next_offset, desk.shard.said().len());
    println!("a restart with {cases} open cases, {offset} records and {alerts} alerts behind them");
    println!("  the desk: state {:.0} MB, memory {}", desk.shard.memory_bytes() as f64 / 1e6, memory());
    let mut store = checkpoint::open(&folder.display().to_string(), "bench").expect("it can be made");
    let began = Instant::now();
    let pending = Pending { number: 1, seq: 1, alerts_offset: 0, state: desk.shard.snapshot() };
    pending.write(store.as_mut()).expect("there is room");
    println!("  its checkpoint: written in {:.2} s, memory {}", began.elapsed().as_secs_f64(), memory());
    std::mem::forget(desk);
}

/// The same steps as in a takeover; what stands between them is the reading of records since the checkpoint.
#[expect(clippy::print_stdout, reason = "a benchmark's answer")]
fn restart(folder: &Path) {
    let policy = Arc::new(config::load_policy(None).expect("the shipped policy is valid"));
    let began = Instant::now();
    let step = |what: &str| {
        let (wall, own) = (began.elapsed().as_secs_f64(), processor_seconds());
        println!("  {what:33} at {wall:7.2} s, {own:6.2} s of processor, memory {}", memory());
    };
    step("begun");
    let mut store = checkpoint::open(&folder.display().to_string(), "bench").expect("it is there");
    let number = store.list(0).expect("readable").pop().expect("there is one");
    let bytes = store.get(0, number).expect("readable");
    let on_disk = bytes.len();
    step("read from the disk");
    let state = Checkpoint::decode(&bytes).expect("whole").state;
    drop(bytes);
    step("decoded");
    let options = Options { log_clock: true, ..Options::default() };
    let mut shard: Shard = Shard::restore(policy, options, state).expect("it fits");
    step("cases, clocks and timers made");
    let said = shard.said();
    shard.take_said(said.into_values());
    let cut = shard.cut(true);
    assert!(cut.changes.is_empty(), "what was said is what stands");
    shard.acknowledge(&cut);
    step("live: said and standing are equal");
    println!("  on disk {:.1} MB, state {:.0} MB", on_disk as f64 / 1e6, shard.memory_bytes() as f64 / 1e6);
    // What it would take to free it all is not a restart's.
    std::mem::forget(shard);
}

/// User and system time of this process.
fn processor_seconds() -> f64 {
    let used = clock_gettime(ClockId::ProcessCPUTime);
    used.tv_sec as f64 + used.tv_nsec as f64 / 1e9
}

/// What the process holds now, and held at most.
fn memory() -> String {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let of = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name))?;
        line.trim().strip_suffix(" kB")?.trim().parse::<f64>().ok()
    };
    match (of("VmRSS:"), of("VmHWM:")) {
        (Some(now), Some(most)) => format!("{:.0} MB (at most {:.0} MB)", now / 1e3, most / 1e3),
        _ => "unknown".into(),
    }
}
