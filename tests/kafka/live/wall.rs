//! What if the wall jumps? The clocks stand still until it is believed again, and a day's jump breaks no promise.
//!
//! Only with the feature `faults`: the wall is moved by a file, and its probation shortened by a variable, which no
//! binary that is shipped looks at.

use std::fs;

use super::super::broker::shared;
use super::super::wait_until;
use super::watch::{GRACE_MS, Plan, Watch, assert_on_time, now_ms, opened, sleep_ms, standing_subjects};

const PROBATION_MS: i64 = 5_000;
const HOUR_MS: i64 = 3_600_000;

/// The clock of the only log.
fn clock(watch: &Watch) -> i64 {
    watch.cuts().values().next().map_or(0, |cut| cut.clock)
}

#[test]
fn a_wall_that_jumps_stands_still() {
    let watch = Watch::new(&shared().bootstrap(), &Plan { name: "wall", inputs: &[1], ..Plan::default() });
    let path = watch.folder().join("wall");
    let jump = |ms: i64| {
        // Whole or not at all: it is read all the time.
        fs::write(path.with_extension("new"), ms.to_string()).expect("writable");
        fs::rename(path.with_extension("new"), &path).expect("writable");
    };
    jump(0);
    let (file, probation) = (path.to_str().expect("UTF-8"), PROBATION_MS.to_string());
    let faults = [("WATCHBELL_FAULT_WALL", file), ("WATCHBELL_FAULT_PROBATION", &probation)];
    let mut program = watch.start_with(&[], &faults);
    watch.wait_live(&mut program);
    let (late, hours) = (opened("late", "s3"), opened("hours", "h1"));
    watch.append(0, &[late.clone(), hours]);
    assert_on_time(&watch.wait_said_of("late", 30), late.at_ms + 3_000 + GRACE_MS);

    // Two hours ahead and back again before they are believed: nothing breaks, and nothing is said meanwhile.
    jump(2 * HOUR_MS);
    wait_until(10, "it is noticed", || program.stderr().contains("the system's clock jumped"));
    let stood = clock(&watch);
    let short = opened("short", "s2");
    watch.append(0, std::slice::from_ref(&short));
    sleep_ms(2_000);
    assert!(clock(&watch) <= stood.max(now_ms()), "the clock stands still");
    jump(0);
    wait_until(10, "it is believed", || program.stderr().contains("believed again"));
    assert_on_time(&watch.wait_said_of("short", 30), short.at_ms + 2_000 + GRACE_MS);
    assert_eq!(standing_subjects(&watch.said()), ["late", "short"]);

    // Ahead to stay: for so long the clock stands still, and then it is what time it is.
    jump(2 * HOUR_MS);
    let jumped = now_ms();
    wait_until(10, "it is noticed again", || program.stderr().matches("clock jumped").count() == 2);
    sleep_ms(500);
    let stood = clock(&watch);
    assert!(stood < now_ms() + HOUR_MS, "the jump is not believed at once");
    let said = watch.wait_said_of("hours", 30);
    assert!(said.at_ms - jumped >= PROBATION_MS, "{} ms after the jump", said.at_ms - jumped);
    assert!(clock(&watch) > now_ms() + HOUR_MS, "the clock is the wall's again");
    assert!(program.ended().is_none());
}
