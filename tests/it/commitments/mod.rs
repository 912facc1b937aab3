//! What does a customer get to read? The pages that lie beside this file, in both languages and formats.

use std::path::{Path, PathBuf};
use std::process::Command;

use watchbell::event::vocabulary::STANDARD;
use watchbell::names::plain;

/// A promise of every kind, with texts that would be markup if they were let.
const POLICY: &str = include_str!("policy.toml");

fn page(format: &str, lang: &str, files: &[&Path]) -> (String, String) {
    let folder = tempfile::tempdir().expect("a folder");
    let policy = folder.path().join("policy.toml");
    std::fs::write(&policy, POLICY).expect("writable");
    let mut command = Command::new(env!("CARGO_BIN_EXE_watchbell"));
    command.args(["commitments", "--format", format, "--lang", lang, "--as-of", "2026-06-01T00:00:00Z"]);
    let output = command.arg("--policy").arg(policy).args(files).output().expect("the binary starts");
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("UTF-8");
    let (page, said) = (text(output.stdout), text(output.stderr));
    assert!(output.status.success(), "{said}");
    (page, said)
}

/// Twenty requests: answered after 1 to 20 hours of a whole day, with a limit of 8 for half of them; all were done by
/// the time that was agreed.
fn history(folder: &Path) -> PathBuf {
    let mut lines = String::new();
    for n in 1..=20 {
        let (priority, hours) = if n % 2 == 0 { ("P1", n) } else { ("P2", n) };
        let mut event = |id: &str, kind: &str, hour: u32, more: &str| {
            let (day, hour) = (2 + hour / 24, hour % 24);
            lines.push_str(&format!(
                "{{\"id\":\"{n}-{id}\",\"source\":\"desk\",\"type\":\"{kind}\",\"subject\":\"T-{n}\",\
                 \"time\":\"2026-03-{day:02}T{hour:02}:00:00Z\",\"kind\":\"repair\",\"priority\":\"{priority}\"{more}}}\n"
            ));
        };
        event("a", "ticket.received", 0, ",\"promised_by\":\"2026-03-04T00:00:00Z\"");
        event("b", "ticket.responded", hours, "");
        event("c", "ticket.resolved", hours + 1, "");
    }
    let path = folder.join("events.ndjson");
    std::fs::write(&path, lines).expect("writable");
    path
}

/// Whether a page is the one that lies beside this file; where it is not, it is put there for review.
fn is_as_before(name: &str, page: &str) -> bool {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/commitments").join(name);
    let same = std::fs::read_to_string(&path).is_ok_and(|known| known == page);
    if !same {
        std::fs::write(&path, page).expect("writable");
    }
    same
}

#[test]
fn the_pages_are_as_they_were_reviewed() {
    let folder = tempfile::tempdir().expect("a folder");
    let history = history(folder.path());
    let mut others = Vec::new();
    for (format, ending) in [("markdown", "md"), ("html", "html")] {
        for lang in ["en", "zh"] {
            for (what, files) in [("plain", &[][..]), ("achieved", &[&*history])] {
                let name = format!("{what}.{lang}.{ending}");
                if !is_as_before(&name, &page(format, lang, files).0) {
                    others.push(name);
                }
            }
        }
    }
    assert!(
        others.is_empty(),
        "{others:?} were other pages: look at the difference, and commit it if it is right"
    );
}

#[test]
fn what_was_achieved_is_that_of_the_replay() {
    let folder = tempfile::tempdir().expect("a folder");
    let (page, said) = page("markdown", "en", &[&history(folder.path())]);
    // P1 took 2, 4 … 20 hours with a limit of 8: four were kept; P2 took 1, 3 … 19 hours with one of 24: all were.
    let answered = page.lines().find(|line| line.starts_with("| Answered")).expect("a row");
    let cells: Vec<&str> = answered.split(" | ").collect();
    assert_eq!(cells[2..5], ["10h", "19h", "20"], "{answered}");
    assert!(cells[5].starts_with("70.0 % (48.1–85.5 %)") && cells[6].starts_with("20"), "{answered}");
    assert!(page.contains("Achieved: 70.0 % of 20 cases."), "{page}");
    // What is only announced was kept by nobody yet.
    assert!(
        page.contains("| Settled within 10 working days | 10 working days | – | – | 0 | – | 0 |"),
        "{page}"
    );
    // That is beyond one's strength; what was always kept is not.
    assert!(said.contains("`answer` is beyond our strength: 70.0 % were kept"), "{said}");
    assert!(!said.contains("agreed"), "{said}");
}

#[test]
fn a_promise_that_is_over_is_not_shown_and_one_to_come_is() {
    let (page, _) = page("markdown", "en", &[]);
    assert!(!page.contains("an earlier promise"), "{page}");
    assert!(page.contains("It holds for what begins from 2027-01-01 (Asia/Shanghai time) on."), "{page}");
}

#[test]
fn the_html_is_whole_and_needs_nothing_else() {
    let folder = tempfile::tempdir().expect("a folder");
    let history = history(folder.path());
    for lang in ["en", "zh"] {
        let (page, _) = page("html", lang, &[&history]);
        assert!(page.starts_with("<!DOCTYPE html>\n<html lang=\""));
        is_balanced(&page);
        for outside in ["http:", "https:", "url(", "@import", "<link", "<script", " src=", " href="] {
            assert!(!page.contains(outside), "{outside}");
        }
        for needed in ["prefers-color-scheme: dark", "@media print", "<caption", "scope=\"row\"", "<main>"] {
            assert!(page.contains(needed), "{needed}");
        }
        // What the policy says is text, whatever it looks like.
        assert!(page.contains("&lt;b&gt;") && !page.contains("<b>"), "{page}");
    }
}

/// Every element is closed, in the order in which they were opened, and no id is given twice.
fn is_balanced(page: &str) {
    let mut open = Vec::new();
    let mut ids = Vec::new();
    for tag in page.split('<').skip(1) {
        let tag = tag.split('>').next().expect("a tag ends");
        let name: String = tag.trim_start_matches('/').chars().take_while(|c| c.is_alphanumeric()).collect();
        match tag.chars().next() {
            Some('!') => {}
            Some('/') => assert_eq!(open.pop().as_ref(), Some(&name), "{tag}"),
            _ if name == "meta" => {}
            _ => open.push(name),
        }
        ids.extend(tag.split(" id=\"").nth(1).and_then(|rest| rest.split('"').next()));
    }
    assert!(open.is_empty(), "{open:?}");
    let given = ids.len();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), given);
}

#[test]
fn every_standard_event_has_words_for_customers() {
    let without: Vec<&str> =
        STANDARD.iter().map(|kind| kind.name).filter(|name| plain::event(name).is_none()).collect();
    assert_eq!(without, [""; 0]);
}
