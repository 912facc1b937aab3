//! Does a policy that only looks on say what it would have done, and nothing else?

use std::fs;

use serde_json::Value;

use super::super::broker::shared;
use super::super::wait_until;
use super::watch::{Plan, Watch, opened, resolved, sleep_ms, standing_subjects};
use super::web::{SERVED, Site};

/// What [`Watch`] promises, with half the time for one priority and three times as much for another.
const OTHER: &str = r#"
[[commitment]]
name = "quick"
title = { en = "Done within seconds", zh = "数秒内完成" }
start = "ticket.opened"
stop = "ticket.resolved"
goal = { by = "priority", s2 = "20s", s5 = "1s", h1 = "1h" }
grace = "1s"
settle = "1s"
"#;

#[test]
fn a_policy_that_looks_on_is_counted_and_writes_nothing() {
    let tables = format!("[shadow]\npolicy = \"other.toml\"\n{SERVED}");
    let plan = Plan { name: "shadow", inputs: &[2], tables: &tables, ..Plan::default() };
    let watch = Watch::new(&shared().bootstrap(), &plan);
    fs::write(watch.folder().join("other.toml"), OTHER).expect("writable");
    let program = watch.start_live();
    let site = Site::of(&program);
    let seen = || {
        let (status, body) = site.get("/api/v1/shadow");
        assert_eq!(status, 200, "{body}");
        serde_json::from_str::<Value>(&body).expect("JSON")
    };
    // Kept by the live one, broken under the other; and the other way round; and broken under both, one after the other.
    watch.append(0, &[opened("stricter", "s5"), opened("milder", "s2"), opened("both", "s5")]);
    sleep_ms(3_000);
    watch.append(0, &[resolved("stricter")]);
    wait_until(20, "the two are compared", || {
        seen()["breaches"]["quick"] == serde_json::json!({ "both": 1, "live": 1, "shadow": 1 })
    });
    let latest = seen()["latest"].clone();
    let only = |subject: &str| {
        let mut found = latest.as_array().into_iter().flatten();
        found.find(|one| one["subject"] == subject).map(|one| one["only"].clone())
    };
    assert_eq!(only("stricter"), Some("shadow".into()));
    assert_eq!((only("milder"), only("both")), (Some("live".into()), None));
    for (policy, n) in [("both", 1.0), ("live", 1.0), ("shadow", 1.0)] {
        let name = format!("watchbell_shadow_breaches{{commitment=\"quick\",policy=\"{policy}\"}}");
        assert_eq!(site.metric(&name), Some(n), "{policy}");
    }
    assert_eq!(standing_subjects(&watch.said()), ["both", "milder"], "the live one says what it says");
}
