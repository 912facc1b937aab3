//! What if the topics are not as they must be? It says so, with the remedy, and does not begin.

use super::super::broker::shared;
use super::super::client::{create_topic, grow_topic};
use super::super::program::Program;
use super::watch::{Plan, Watch, opened};

/// What it says when it cannot begin.
fn refused(watch: &Watch) -> String {
    let mut program = watch.start();
    let status = program.wait(30);
    assert_eq!(status.code(), Some(1), "{}", program.stderr());
    program.stderr()
}

fn assert_says(text: &str, parts: &[&str]) {
    parts.iter().for_each(|part| assert!(text.contains(part), "{part} in {text}"));
}

#[test]
fn missing_topics_are_named_and_can_be_made() {
    let at = shared().bootstrap();
    let plan = Plan { name: "missing", inputs: &[2], ..Plan::default() };
    let watch = Watch::without_topics(&at, &plan);
    assert_says(&refused(&watch), &["topic `missing.in0` does not exist", "watchbell topics create"]);
    create_topic(&at, "missing.in0", 2, &[]);
    let all = [
        "topic `missing.alerts` does not exist",
        "topic `missing.partials` does not exist",
        "`missing.dead`",
    ];
    assert_says(&refused(&watch), &all);

    let config = watch.folder().join("watchbell.toml");
    let mut program = Program::start(&["topics", "create", "--config", config.to_str().expect("UTF-8")], &[]);
    assert!(program.wait(30).success(), "{}", program.stderr());
    assert_says(&program.stdout(), &["missing.in0: ok", "missing.alerts: made, partitions: 3"]);
    watch.start_live();
}

#[test]
fn topics_of_the_wrong_kind_are_refused() {
    let at = shared().bootstrap();
    let plan = Plan { name: "wrong", inputs: &[3], ..Plan::default() };
    let watch = Watch::without_topics(&at, &plan);
    create_topic(&at, "wrong.in0", 3, &[]);
    create_topic(&at, "wrong.alerts", 3, &[("cleanup.policy", "compact")]);
    create_topic(&at, "wrong.partials", 1, &[]);
    create_topic(&at, "wrong.dead", 1, &[]);
    let all = [
        "topic `wrong.alerts` has 3 partitions and needs 4",
        "topic `wrong.alerts` is compacted",
        "cleanup.policy=delete",
    ];
    assert_says(&refused(&watch), &all);
}

#[test]
fn a_topic_that_grows_is_refused() {
    let at = shared().bootstrap();
    // The brokers are asked for topics every half a minute otherwise.
    let tables = "[kafka.options]\n\"topic.metadata.refresh.interval.ms\" = 500";
    let watch = Watch::new(&at, &Plan { name: "grown", inputs: &[2], tables, ..Plan::default() });
    let mut program = watch.start_live();
    watch.append(0, &[opened("somebody", "h1")]);
    grow_topic(&at, watch.topic(0), 3);
    let status = program.wait(30);
    assert_eq!(status.code(), Some(1));
    let migration = ["grown.in0/2", "has grown", "Stop producers", "new topic", "new group"];
    assert_says(&program.stderr(), &migration);
    // Nor does it begin again.
    let between = ["`grown.in0` has 3 partitions, and had 2", "`grown`", "Stop producers", "new group"];
    assert_says(&refused(&watch), &between);
}

#[test]
fn a_topic_that_has_grown_between_two_runs_is_refused() {
    let at = shared().bootstrap();
    let watch = Watch::new(&at, &Plan { name: "regrown", inputs: &[2, 1], ..Plan::default() });
    let mut program = watch.start_live();
    watch.append(0, &[opened("somebody", "h1")]);
    program.terminate();
    assert!(program.wait(20).success());
    let before = watch.cuts();
    grow_topic(&at, watch.topic(0), 3);
    // Whoever grows it may have grown the alerts with it, as their number asks for.
    grow_topic(&at, &watch.alerts_topic(), 5);
    let migration =
        ["`regrown.in0` has 3 partitions, and had 2", "subjects are split", "new topic", "new group"];
    assert_says(&refused(&watch), &migration);
    assert_eq!(watch.cuts(), before, "nobody has claimed anything");
}
