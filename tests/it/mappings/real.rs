//! The three real logs, against figures counted from them by other means.

use std::collections::BTreeSet;
use std::io::Read;
use std::path::Path;

use super::*;

const INCIDENTS: &str = "incidents/incident_event_log_2016-03.csv.gz";
const CALLS: &str = "calls/bank_calls_1999-08-13_24.csv.gz";
const FEEDBACK: &str = "feedback/airline_feedback_2015-02.csv.gz";

fn unpacked(path: &Path) -> String {
    let mut text = String::new();
    let file = std::fs::File::open(path).expect("there");
    flate2::read::GzDecoder::new(file).read_to_string(&mut text).expect("readable");
    text
}

fn number(event: &Seen, attribute: &str) -> f64 {
    event.get(attribute).and_then(|text| text.parse().ok()).expect("a number")
}

#[test]
fn calls_add_up() {
    let Some(path) = data(CALLS) else { return };
    let prepared = prepared(&mapping("call_log"), &[&path]);
    assert_eq!((prepared.rows, prepared.rejects.len()), (13_501, 0));
    let events = events(&prepared);
    let queued = events.iter().filter(|event| event.kind == "call.answered" && event.get("queued").is_none());
    let waits: Vec<f64> = queued.map(|event| number(event, "wait_seconds")).collect();
    assert_eq!(waits.len(), 4_815);
    assert_eq!(waits.iter().filter(|wait| **wait <= 20.0).count(), 1_104);
    assert_eq!(format!("{:.6}", waits.iter().sum::<f64>() / 4_815.0), "83.263759");
    assert_eq!(count(&events, "call.abandoned"), 1_363);
    assert_eq!(count(&events, "call.queued"), 4_815 + 1_363);
    assert_eq!(count(&events, "call.answered"), 4_815 + 6_110 + 16);
    let menu = events.iter().filter(|event| event.get("left") == Some("menu")).count();
    assert_eq!((menu, count(&events, "call.ended")), (1_119, 1_119 + 4_807 + 6_110));
    assert_eq!(events.iter().map(|event| &event.id).collect::<BTreeSet<_>>().len(), events.len());
    let talks = events.iter().filter(|event| event.get("talk_seconds").is_some());
    let talks: BTreeMap<&str, f64> =
        talks.map(|event| (event.subject.as_str(), number(event, "talk_seconds"))).collect();
    for row in unpacked(&path).lines().filter(|row| row.contains(",AGENT,")) {
        let cells: Vec<&str> = row.split(',').collect();
        let served = cells[10] != "0:00:00";
        assert_eq!(
            talks.get(cells[0]).copied(),
            served.then(|| cells[13].parse().expect("ser_time")),
            "{row}"
        );
    }
}

#[test]
fn a_call_that_crosses_midnight_ends_the_next_day() {
    let Some(path) = data(CALLS) else { return };
    let text = unpacked(&path);
    let crossing = "1999-08-1"; // any day of the log
    let row = text.lines().find(|row| row.contains(",23:56:47,23:56:52,")).expect("there");
    assert!(row.contains(crossing), "{row}");
    let events = read(&mapping("call_log"), &format!("{}\n{row}\n", text.lines().next().expect("a header")));
    let times: Vec<(&str, String)> =
        events.iter().map(|event| (event.kind.as_str(), event.time.to_string()[11..].to_owned())).collect();
    let expected =
        [("call.queued", "20:56:52Z"), ("call.answered", "20:57:55Z"), ("call.ended", "21:00:22Z")];
    assert_eq!(times, expected.map(|(kind, time)| (kind, time.to_owned())));
}

#[test]
fn feedback_adds_up() {
    let Some(path) = data(FEEDBACK) else { return };
    let prepared = prepared(&mapping("feedback_log"), &[&path]);
    assert_eq!((prepared.events, prepared.rejects.len()), (14_640, 0));
    let events = events(&prepared);
    assert_eq!(count(&events, "feedback.complaint"), 9_178);
    let ids: BTreeSet<&str> = events.iter().map(|event| event.id.as_str()).collect();
    assert_eq!(events.len() - ids.len(), 155, "real duplicates are left to the engine");
    let first = events.iter().find(|event| event.id == "570306133677760000").expect("there");
    assert_eq!(first.time.to_string(), "2015-02-24T19:35:52Z", "11:35:52 Pacific");
    assert_eq!((first.get("product"), first.get("channel")), (Some("Virgin America"), Some("twitter")));
}

#[test]
fn incidents_follow_their_state_changes() {
    let Some(path) = data(INCIDENTS) else { return };
    let prepared = prepared(&mapping("incident_log"), &[&path]);
    assert_eq!((prepared.rows, prepared.rejects.len()), (59_354, 0));
    let events = events(&prepared);
    for (kind, expected) in [
        ("ticket.opened", 9_202),
        ("ticket.acknowledged", 9_202),
        ("ticket.paused", 3_136),
        ("ticket.resumed", 3_136),
        ("ticket.resolved", 9_361),
        ("ticket.reopened", 154),
        ("ticket.closed", 9_207),
        ("ticket.assigned", 20_793),
        ("ticket.priority_changed", 192),
    ] {
        assert_eq!(count(&events, kind), expected, "{kind}");
    }
    let ids: BTreeSet<(&str, &str)> =
        events.iter().map(|event| (event.subject.as_str(), event.id.as_str())).collect();
    assert_eq!(ids.len(), events.len());
    let one: Vec<String> = events
        .iter()
        .filter(|event| event.subject == "INC0000045")
        .map(|event| format!("{} {}", event.time, event.kind))
        .collect();
    let expected = [
        "2016-02-29T01:16:00Z ticket.opened",
        "2016-02-29T01:23:00Z ticket.assigned",
        "2016-02-29T08:53:00Z ticket.acknowledged",
        "2016-02-29T08:53:00Z ticket.resolved",
        "2016-03-05T12:00:00Z ticket.closed",
    ];
    assert_eq!(one, expected);
    let opened = events.iter().find(|event| event.id == "INC0000045/opened").expect("there");
    let names = ["kind", "priority", "category", "region", "channel", "team", "agent", "customer"];
    let values = names.map(|name| opened.get(name).unwrap_or("-"));
    assert_eq!(
        values,
        ["incident", "3", "Category 55", "Location 143", "Phone", "Group 56", "-", "Caller 2403"]
    );
}

/// `resolved_at`, `closed_at`, `closed_code`, `resolved_by` and `made_sla` stand on every row with their final values.
#[test]
fn incidents_are_the_same_when_the_future_is_blanked() {
    let Some(path) = data(INCIDENTS) else { return };
    let mapping = mapping("incident_log");
    let text = unpacked(&path);
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    let mut blanked = csv::Writer::from_writer(Vec::new());
    let header = reader.headers().expect("there").clone();
    blanked.write_record(&header).expect("fits");
    for row in reader.records() {
        let row = row.expect("readable");
        let future = ["resolved_at", "closed_at", "closed_code", "resolved_by", "made_sla"];
        let cells =
            header.iter().zip(&row).map(|(name, cell)| if future.contains(&name) { "" } else { cell });
        blanked.write_record(cells).expect("fits");
    }
    let blanked = String::from_utf8(blanked.into_inner().expect("written")).expect("text");
    assert!(read(&mapping, &text) == read(&mapping, &blanked));
}

/// Rows in another order, and every row twice, say the same.
#[test]
fn incidents_do_not_depend_on_the_order_of_the_rows() {
    let Some(path) = data(INCIDENTS) else { return };
    let mapping = mapping("incident_log");
    let text = unpacked(&path);
    let (header, rows) = text.split_once('\n').expect("a header");
    let expected = read(&mapping, &text);
    let mut rows: Vec<&str> = rows.lines().collect();
    rows.sort_by_key(|row| {
        row.bytes().fold(7_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3))
    });
    let shuffled = read(&mapping, &format!("{header}\n{}\n", rows.join("\n")));
    assert_eq!(expected.len(), shuffled.len());
    for (a, b) in expected.iter().zip(&shuffled) {
        assert_eq!(a, b);
    }
    let file = file(&format!("{header}\n{}\n", rows.join("\n")));
    let mut twice = events(&prepared(&mapping, &[&path, file.path()]));
    twice.dedup_by(|a, b| a.id == b.id);
    assert!(expected == twice);
}
