//! Does the reference of the settings know every key, and read as it is written?

use watchbell::config::run::{KEYS, read};

const REFERENCE: &str = include_str!("../../docs/configuration.md");

#[test]
fn every_setting_is_in_the_reference_and_no_other() {
    let tables: Vec<&str> = KEYS.iter().map(|(table, _)| *table).filter(|table| !table.is_empty()).collect();
    let mut expected: Vec<String> = Vec::new();
    for (table, keys) in KEYS {
        let dotted = |key: &&str| if table.is_empty() { key.to_string() } else { format!("{table}.{key}") };
        expected.extend(keys.iter().filter(|key| !tables.contains(key)).map(dotted));
    }
    let named = |line: &str| Some(line.strip_prefix("| `")?.split('`').next()?.to_owned());
    let mut found: Vec<String> = REFERENCE.lines().filter_map(named).collect();
    expected.sort();
    found.sort();
    assert_eq!(found, expected);
}

#[test]
fn the_example_of_the_reference_is_read() {
    let example = REFERENCE.split("```toml settings\n").nth(1).and_then(|rest| rest.split("```").next());
    let example = example.expect("an example").replace("{ env = \"WATCHBELL_SASL_PASSWORD\" }", "\"x\"");
    let settings = read("watchbell.toml", &example).expect("it is right");
    assert_eq!(settings.kafka.topics.len(), 3);
}
