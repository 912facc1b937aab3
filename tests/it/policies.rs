//! The examples of `docs/policies.md` are policies, and the page names every key that there is.

use std::path::Path;

use watchbell::config::calendar;
use watchbell::config::policy::{self, keys};

fn page() -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/policies.md");
    std::fs::read_to_string(path).expect("docs/policies.md")
}

#[test]
fn every_example_is_a_policy() {
    let text = page();
    let examples: Vec<&str> = text.split("```toml policy\n").skip(1).collect();
    assert_eq!(examples.len(), 2);
    for example in examples {
        let example = example.split("```").next().expect("the block ends");
        if let Err(problems) = policy::read("docs/policies.md", example) {
            panic!("{problems}");
        }
    }
}

#[test]
fn every_key_is_documented() {
    let text = page();
    for key in keys::COMMITMENT.iter() {
        let row = format!("| `{}` | {} | {} |", key.name, key.meaning, key.default);
        assert!(text.contains(&row), "docs/policies.md lacks the row\n{row}");
    }
    let others = keys::OBJECTIVE.iter().chain(&keys::COUNT).map(|key| key.name);
    for key in others.chain(calendar::KEYS) {
        assert!(text.contains(&format!("`{key}`")), "`{key}` is missing in docs/policies.md");
    }
}
