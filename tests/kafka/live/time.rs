//! Does the clock go on when nothing comes? Silent topics, emptied ones, and partitions that were never written.

use super::super::broker::shared;
use super::super::client::delete_records;
use super::super::wait_until;
use super::watch::{
    BEGIN_SECONDS, GRACE_MS, Plan, Watch, assert_on_time, now_ms, opened, resolved, standing_subjects,
};

#[test]
fn a_silent_topic_breaks_on_time() {
    let watch = Watch::new(&shared().bootstrap(), &Plan { name: "silent", inputs: &[2], ..Plan::default() });
    let _program = watch.start_live();
    let late = opened("late", "s3");
    watch.append(0, &[late.clone(), opened("kept", "s3"), resolved("kept")]);
    let said = watch.wait_said_of("late", 30);
    assert_on_time(&said, late.at_ms + 3_000 + GRACE_MS);
    assert_eq!((said.action(), said.body["kind"].as_str()), ("raised", Some("breach")));
    assert_eq!(standing_subjects(&watch.said()), ["late"]);
}

#[test]
fn a_log_emptied_by_retention_breaks_on_time() {
    let at = shared().bootstrap();
    let watch = Watch::new(&at, &Plan { name: "emptied", inputs: &[1], ..Plan::default() });
    let mut program = watch.start_live();
    let late = opened("late", "s10");
    watch.append(0, std::slice::from_ref(&late));
    // The end writes a checkpoint with the case in it.
    wait_until(10, "the case is read", || watch.cuts().values().all(|cut| cut.next_offset == 1));
    program.terminate();
    assert!(program.wait(20).success());
    delete_records(&at, watch.topic(0), &[(0, watch.ends(0)[&0])]);

    let mut program = watch.start_live();
    assert!(
        now_ms() < late.at_ms + 10_000,
        "the machine was too slow: the case is due before the test began"
    );
    let said = watch.wait_said_of("late", 30);
    assert_on_time(&said, late.at_ms + 10_000 + GRACE_MS);
    // A case that is still in the checkpoint and nowhere else can be resolved, too.
    watch.append(0, &[resolved("late")]);
    wait_until(10, "the late stop is told", || watch.said_of("late").len() == 2);
    assert_eq!(watch.said_of("late")[1].action(), "resolved");
    assert!(program.ended().is_none());
}

#[test]
fn a_log_never_written_holds_back_nothing() {
    let watch = Watch::new(&shared().bootstrap(), &Plan { name: "lonely", inputs: &[8], ..Plan::default() });
    let _program = watch.start_live();
    let case = opened("one", "s2");
    watch.append(0, std::slice::from_ref(&case));
    assert_on_time(&watch.wait_said_of("one", 30), case.at_ms + 2_000 + GRACE_MS);
    // The aggregate's clock is the least of the logs' clocks: seven of them have never said anything.
    let since = now_ms();
    wait_until(BEGIN_SECONDS, "the aggregate's clock goes on", || {
        watch.aggregate_cut().is_some_and(|cut| cut.clock > since)
    });
    let before = watch.aggregate_cut().expect("it has one").clock;
    wait_until(10, "and on", || watch.aggregate_cut().is_some_and(|cut| cut.clock > before));
}
