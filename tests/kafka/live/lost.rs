//! What if the state is gone? It does not begin anew in silence, as if nothing had been promised before.

use std::fs;

use super::super::broker::shared;
use super::super::client::{delete_group, delete_records};
use super::super::wait_until;
use super::watch::{Plan, Watch, opened, sleep_ms};

#[test]
fn a_lost_state_is_not_made_up() {
    let at = shared().bootstrap();
    let watch = Watch::new(
        &at,
        &Plan { name: "lost", inputs: &[1], kafka: "silence = \"1500ms\"", ..Plan::default() },
    );
    let mut program = watch.start_live();
    watch.append(0, &[opened("first", "h1"), opened("second", "h1")]);
    wait_until(10, "the cases are read", || watch.cuts().values().all(|cut| cut.next_offset == 2));
    program.terminate();
    assert!(program.wait(20).success());
    fs::remove_dir_all(watch.checkpoints()).expect("it had some");

    // Without checkpoints all is read again, as long as it is there.
    let mut program = watch.start_live();
    sleep_ms(200);
    program.kill();
    assert!(!program.stderr().contains("differs"), "what was said is what stands");
    fs::remove_dir_all(watch.checkpoints()).unwrap_or_default();
    delete_records(&at, watch.topic(0), &[(0, 1)]);
    let before = watch.cuts();
    let mut program = watch.start();
    assert_eq!(program.wait(60).code(), Some(1));
    let text = program.stderr();
    for part in
        ["lost.in0/0", "state_missing", "from offset 0 on", "begins at 1", "[checkpoints] url", "retention"]
    {
        assert!(text.contains(part), "{part} in {text}");
    }
    let after = watch.cuts();
    let place = (watch.topic(0).to_owned(), 0);
    assert_eq!(
        (after[&place].seq, after[&place].clock),
        (before[&place].seq, before[&place].clock),
        "nothing was cut"
    );
}

/// The numbers of the checkpoints of a log that are there, ascending.
fn numbers(watch: &Watch, log: u32) -> Vec<u64> {
    let entries = fs::read_dir(watch.checkpoints()).into_iter().flatten();
    let names = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    let prefix = format!("log-{log}-");
    let number = |name: String| name.strip_prefix(&prefix)?.strip_suffix(".checkpoint")?.parse::<u64>().ok();
    let mut numbers: Vec<u64> = names.filter_map(number).collect();
    numbers.sort_unstable();
    numbers
}

#[test]
fn the_last_checkpoints_are_kept_and_no_more() {
    let watch = Watch::new(&shared().bootstrap(), &Plan { name: "few", inputs: &[1], ..Plan::default() });
    let mut program = watch.start_live();
    watch.append(0, &[opened("first", "h1")]);
    // Those of the log, and of the aggregate behind it; one is written every two seconds.
    for log in [0, 1] {
        wait_until(40, "there were many checkpoints", || {
            numbers(&watch, log).last().is_some_and(|last| *last >= 6)
        });
        let kept = numbers(&watch, log);
        assert!((3..=4).contains(&kept.len()), "log {log}: {kept:?}");
        assert!(kept.is_sorted_by(|a, b| a + 1 == *b), "log {log}: the last ones, {kept:?}");
    }
    program.terminate();
    assert!(program.wait(20).success());
    assert!(!program.stderr().contains("cannot be deleted"), "{}", program.stderr());
}

#[test]
fn a_lost_aggregate_does_not_begin_anew_for_ever() {
    let at = shared().bootstrap();
    let watch = Watch::new(&at, &Plan { name: "forgotten", inputs: &[1], ..Plan::default() });
    let mut program = watch.start_live();
    wait_until(10, "the aggregate is cut", || watch.aggregate_cut().is_some_and(|cut| cut.seq > 1));
    program.terminate();
    assert!(program.wait(20).success());
    // Its checkpoint is lost, and so are the partials from which it could be made again; the log's state is still there.
    let own = fs::read_dir(watch.checkpoints()).expect("it had some").flatten();
    own.filter(|entry| entry.file_name().to_string_lossy().starts_with("log-1-"))
        .for_each(|entry| fs::remove_file(entry.path()).expect("writable"));
    let cut = watch.aggregate_cut().expect("it was cut");
    delete_records(&at, &watch.partials_topic(), &[(0, cut.next_offset)]);
    let mut program = watch.start();
    assert_eq!(program.wait(60).code(), Some(1));
    let text = program.stderr();
    for part in [
        "forgotten.partials",
        "state_missing",
        "from offset 0 on",
        "group `forgotten.aggregate`",
        "[checkpoints] url",
    ] {
        assert!(text.contains(part), "{part} in {text}");
    }
    assert!(!text.contains("begins anew"), "{text}");

    // What is offered helps: the group is deleted, and it begins empty.
    delete_group(&at, "forgotten.aggregate");
    let mut program = watch.start_live();
    wait_until(10, "the aggregate is cut again", || {
        watch.aggregate_cut().is_some_and(|cut| cut.seq > 1 && cut.next_offset > 0)
    });
    assert!(program.stderr().contains("the aggregate begins empty"), "{}", program.stderr());
    assert!(program.ended().is_none());
}
