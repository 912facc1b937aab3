//! Is a promise good, and does `check` say so where it is not? The shipped ones are, and each oddity is found once.

use std::path::Path;
use std::process::Command;

use watchbell::config;
use watchbell::config::policy::lint;

#[test]
fn the_shipped_policies_are_not_odd() {
    for (name, text) in config::POLICIES {
        let odd: Vec<String> = lint(name, text).iter().map(ToString::to_string).collect();
        assert!(odd.is_empty(), "{}", odd.join("\n"));
    }
}

#[test]
fn every_oddity_is_told_with_its_place_and_remedy() {
    let text = include_str!("odd.toml");
    let told: Vec<String> = lint("odd.toml", text).iter().map(|problem| format!("{problem}\n")).collect();
    assert_eq!(told.concat(), include_str!("odd.txt"));
}

#[test]
fn ten_mistakes_are_ten_lines() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it");
    let mut command = Command::new(env!("CARGO_BIN_EXE_watchbell"));
    let output =
        command.args(["check", "wrong.toml"]).current_dir(folder).output().expect("the binary starts");
    assert!(!output.status.success());
    assert_eq!(String::from_utf8_lossy(&output.stderr), include_str!("wrong.txt"));
}
