//! Are persons hidden? The same pseudonym from every program with the key, and the id itself nowhere.

use std::collections::BTreeSet;
use std::fs;

use super::super::broker::shared;
use super::super::client::{produce, read_committed};
use super::super::wait_until;
use super::watch::{Event, Plan, Watch, opened, resolved};

const TABLES: &str = "[pseudonyms]\nkey_file = \"pseudonyms.key\"\nattributes = [\"customer\"]";

/// The pseudonyms of subjects and of customers of which something was said.
fn pseudonyms(watch: &Watch) -> BTreeSet<(String, String)> {
    let said = watch.said();
    said.iter()
        .map(|said| (said.subject().to_owned(), said.body["customer"].as_str().unwrap_or("").to_owned()))
        .collect()
}

#[test]
fn persons_have_the_same_pseudonym_everywhere() {
    let at = shared().bootstrap();
    let plan = Plan {
        name: "people",
        inputs: &[2],
        kafka: "silence = \"1500ms\"",
        tables: TABLES,
        ..Plan::default()
    };
    let watch = Watch::new(&at, &plan);
    fs::write(watch.folder().join("pseudonyms.key"), "0123456789abcdef0123456789abcdef\n").expect("writable");
    let debug = ["--log-level", "debug"];
    let mut first = watch.start_with(&debug, &[]);
    let mut second = watch.start_with(&debug, &[]);
    watch.wait_live(&mut first);
    // Its event's id tells nothing: only subjects and the attributes named are hidden.
    let event = |partition, kind: Event| Event { partition: Some(partition), ..kind };
    let both = |subject: &str| [event(0, opened(subject, "s2")), event(1, opened(subject, "s2"))];
    watch.append(0, &both("Mr-Secret"));
    // One that cannot be read is not kept either.
    produce(&at, watch.topic(0), [(Some(0), "Mr-Secret", "Mr-Secret's ticket", None)].into_iter());
    wait_until(30, "both logs tell of the case", || watch.said().len() == 2);
    let before = pseudonyms(&watch);
    assert_eq!(before.len(), 1, "two logs, in two programs' hands, and one person: {before:?}");
    for mut program in [first, second] {
        program.terminate();
        assert!(program.wait(20).success());
        assert!(!program.stderr().contains("Mr-Secret"), "{}", program.stderr());
    }
    second = watch.start_live();
    watch.append(0, &[event(0, resolved("Mr-Secret"))]);
    wait_until(10, "the stop is told of the same case", || watch.said().len() == 3);
    assert_eq!(pseudonyms(&watch), before);
    drop(second);
    for topic in [watch.alerts_topic(), watch.partials_topic(), "people.dead".into()] {
        for message in read_committed(&at, &topic) {
            let text = [message.key, message.payload].into_iter().flatten().flatten().collect::<Vec<u8>>();
            let text = String::from_utf8_lossy(&text).replace("ticket.opened-Mr-Secret", "");
            assert!(!text.contains("Mr-Secret"), "in {topic}: {text}");
        }
    }
    assert!(!read_committed(&at, "people.dead").is_empty(), "the bad record was noted");
}
