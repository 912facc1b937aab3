//! Does it hold without transactions? Nothing is lost, and what was said twice or too much is set right.

use std::collections::BTreeMap;

use super::super::broker::shared;
use super::super::wait_until;
use super::watch::{BEGIN_SECONDS, Plan, Watch, opened, resolved, sleep_ms};

/// The subjects of which something stands. A fold that asks for no legal lives: repeats are what at least once means.
fn standing(watch: &Watch) -> Vec<String> {
    let mut standing: BTreeMap<String, String> = BTreeMap::new();
    for one in watch.said() {
        match one.action() {
            "retracted" => drop(standing.remove(one.id())),
            _ => drop(standing.insert(one.id().into(), one.subject().into())),
        }
    }
    let mut subjects: Vec<String> = standing.into_values().collect();
    subjects.sort();
    subjects
}

#[test]
fn at_least_once_is_right_in_the_end() {
    let kafka = "transactions = false\nsilence = \"1500ms\"";
    let plan = Plan { name: "plain", inputs: &[3], kafka, ..Plan::default() };
    let watch = Watch::new(&shared().bootstrap(), &plan);
    let mut expected = Vec::new();
    let mut program = watch.start_live();
    for round in 0..4 {
        let mut events = Vec::new();
        for n in 0..30 {
            let (late, kept) = (format!("late-{round}-{n:02}"), format!("kept-{round}-{n:02}"));
            events.extend([opened(&late, "s2"), opened(&kept, "s2"), resolved(&kept)]);
            expected.push(late);
        }
        watch.append(0, &events);
        // Around the instant at which all of them fire.
        sleep_ms(2_950 + 40 * round);
        program.kill();
        program = watch.start();
    }
    expected.sort();
    watch.wait_live(&mut program);
    wait_until(BEGIN_SECONDS, "all that is late is told", || standing(&watch).len() >= expected.len());
    sleep_ms(1_500);
    assert_eq!(standing(&watch), expected);
    assert!(program.ended().is_none());
}
