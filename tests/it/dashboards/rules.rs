//! Do the rules speak of metrics that exist, in both languages, and is each of them tested?

use std::collections::BTreeSet;

use super::is_bilingual;
use super::query::Query;

const RULES: &str = include_str!("../../../dashboards/rules.yml");
const TESTS: &str = include_str!("../../../dashboards/rules_test.yml");

/// A rule, as far as it is looked at.
struct Rule {
    name: String,
    is_alert: bool,
    query: String,
    /// Everything below it, by key.
    entries: Vec<(String, String)>,
}

/// The rules of the file. It is written in one form of YAML only, which a few lines can read; promtool reads the rest.
fn rules() -> Vec<Rule> {
    let mut rules: Vec<Rule> = Vec::new();
    let mut folded: Option<usize> = None;
    for line in RULES.lines().filter(|line| !line.trim_start().starts_with('#')) {
        let indent = line.len() - line.trim_start().len();
        if let Some(name) =
            line.strip_prefix("      - alert: ").or_else(|| line.strip_prefix("      - record: "))
        {
            let is_alert = line.contains("- alert: ");
            rules.push(Rule { name: name.to_owned(), is_alert, query: String::new(), entries: Vec::new() });
            folded = None;
            continue;
        }
        let Some(rule) = rules.last_mut() else { continue };
        if let Some(depth) = folded.filter(|depth| indent > *depth) {
            let (key, value) = rule.entries.last_mut().expect("a key before its lines");
            assert!(depth >= 8, "{key} stands too far left");
            value.push_str(line.trim());
            value.push(' ');
            continue;
        }
        folded = None;
        if let Some((key, value)) = line.trim().split_once(':') {
            let value = value.trim();
            folded = (value == ">-").then_some(indent);
            let value = if folded.is_some() { String::new() } else { value.trim_matches('"').to_owned() };
            rule.entries.push((key.to_owned(), value));
        }
    }
    for rule in &mut rules {
        rule.query = rule.entry("expr").to_owned();
    }
    rules
}

impl Rule {
    fn entry(&self, key: &str) -> &str {
        self.entries.iter().find(|(known, _)| known == key).map_or("", |(_, value)| value.trim())
    }
}

fn recorded() -> BTreeSet<String> {
    rules().into_iter().filter(|rule| !rule.is_alert).map(|rule| rule.name).collect()
}

#[test]
fn rules_ask_for_what_exists() {
    let recorded = recorded();
    let mut problems = Vec::new();
    for rule in rules() {
        let query = Query::read(&rule.query).unwrap_or_else(|what| panic!("{}: {what}", rule.name));
        assert!(!query.selectors.is_empty(), "{} asks for nothing: `{}`", rule.name, rule.query);
        problems.extend(query.problems(&recorded).into_iter().map(|what| format!("{}: {what}", rule.name)));
    }
    assert!(problems.is_empty(), "{}", problems.join("\n"));
    for name in recorded {
        let parts: Vec<&str> = name.split(':').collect();
        assert!(parts.len() == 3 && parts[1].starts_with("watchbell_"), "{name}: level:metric:operations");
    }
}

#[test]
fn alerts_speak_both_languages() {
    let alerts: Vec<Rule> = rules().into_iter().filter(|rule| rule.is_alert).collect();
    assert!(alerts.len() >= 15, "{} alerts", alerts.len());
    for alert in alerts {
        let name = &alert.name;
        assert!(name.starts_with("Watchbell"), "{name}");
        let severity = alert.entry("severity");
        assert!(
            ["critical", "warning", "info"].iter().any(|known| severity.contains(known)),
            "{name}: {severity}"
        );
        for key in ["summary", "description"] {
            let (en, zh) = (alert.entry(key), alert.entry(&format!("{key}_zh")));
            let bare =
                en.split("{{").map(|part| part.rsplit("}}").next().unwrap_or(part)).collect::<String>();
            assert!(bare.is_ascii() && bare.len() > 10, "{name}: {key} is `{en}`");
            assert!(
                is_bilingual(&format!("{zh} abc")) && zh.contains(|c: char| !c.is_ascii()),
                "{name}: {key}_zh is `{zh}`"
            );
        }
    }
}

#[test]
fn every_alert_is_shown_to_fire_and_to_be_silent() {
    for alert in rules().into_iter().filter(|rule| rule.is_alert) {
        let name = &alert.name;
        let test = TESTS.split("  - name: ").find(|test| test.lines().next() == Some(name));
        let test = test.unwrap_or_else(|| panic!("{name} is not in rules_test.yml"));
        let asked = format!("ALERTS{{alertname=\"{name}\", alertstate=\"firing\"}}");
        let answers: Vec<&str> = test.split(&format!("expr: {asked}")).skip(1).collect();
        let fires = |answer: &&str| answer.contains(&format!("- labels: 'ALERTS{{alertname=\"{name}\""));
        let silent = |answer: &&str| answer.contains("exp_samples: []");
        assert!(answers.iter().any(fires), "{name} is not shown to fire");
        assert!(answers.iter().any(silent), "{name} is not shown to be silent");
    }
}
