//! Is a promise good, and does `check` say so where it is not? The shipped ones are, and each oddity is found once.

use watchbell::config::policy::lint;
use watchbell::config::{self};

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
