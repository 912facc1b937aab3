//! The examples of `docs/mappings.md` are mappings, and say what the text around them claims.

use super::*;

/// The fenced blocks marked `toml mapping`, each with the line at which it begins.
fn examples() -> Vec<(String, String)> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/mappings.md");
    let text = std::fs::read_to_string(path).expect("docs/mappings.md");
    let mut examples = Vec::new();
    let mut open: Option<(usize, String)> = None;
    for (line, text) in (1..).zip(text.lines()) {
        match &mut open {
            None if text == "```toml mapping" => open = Some((line, String::new())),
            None => {}
            Some(_) if text == "```" => examples.extend(open.take()),
            Some((_, example)) => *example += &format!("{text}\n"),
        }
    }
    examples.into_iter().map(|(line, text)| (format!("docs/mappings.md from line {line} on"), text)).collect()
}

fn example(n: usize) -> Arc<Mapping> {
    let (name, text) = &examples()[n];
    Arc::new(watchbell::config::mapping::read(name, text).expect("valid"))
}

fn lines(events: &[Seen]) -> Vec<String> {
    events.iter().map(|event| format!("{} {} {}", event.time, event.kind, event.subject)).collect()
}

#[test]
fn every_example_is_a_mapping() {
    let examples = examples();
    assert_eq!(examples.len(), 6);
    for (name, text) in examples {
        if let Err(problems) = watchbell::config::mapping::read(&name, &text) {
            panic!("{problems}");
        }
    }
}

#[test]
fn the_first_example_does_what_it_says() {
    let text = "Case;Opened;Promised;Done;Site\nR1;1.3.2026 8:05;2.3.2026 12:00;2.3.2026 11:30;North\n\
                R2;1.3.2026 9:10;3.3.2026 12:00;-;South\n";
    let events = read(&example(0), text);
    let expected = [
        "2026-03-01T07:05:00Z ticket.opened R1",
        "2026-03-01T08:10:00Z ticket.opened R2",
        "2026-03-02T10:30:00Z ticket.resolved R1",
    ];
    assert_eq!(lines(&events), expected);
    assert_eq!(events[0].get("promised_by"), Some("2026-03-02T11:00:00Z"));
    assert_eq!(events[0].id, "R1/ticket.opened/2026-03-01T07:05:00Z");
}

#[test]
fn the_audit_log_tells_changes_from_updates() {
    let text = "number,opened_at,sys_updated_at,sys_mod_count,priority,state\n\
                I1,1/3/2026 8:00,1/3/2026 8:20,4,1 - Critical,Active\n\
                I1,1/3/2026 8:00,1/3/2026 8:10,3,1 - Critical,Awaiting Vendor\n\
                I1,1/3/2026 8:00,1/3/2026 8:10,2,1 - Critical,Awaiting User\n\
                I1,1/3/2026 8:00,1/3/2026 8:05,1,1 - Critical,New\n\
                I1,1/3/2026 8:00,1/3/2026 8:30,5,1 - Critical,Resolved\n\
                I1,1/3/2026 8:00,1/3/2026 8:40,6,1 - Critical,?\n\
                I1,1/3/2026 8:00,1/3/2026 8:50,7,1 - Critical,Active\n";
    let events = read(&example(1), text);
    let expected = [
        "2026-03-01T08:00:00Z ticket.opened I1",
        "2026-03-01T08:10:00Z ticket.paused I1",
        "2026-03-01T08:20:00Z ticket.resumed I1",
        "2026-03-01T08:50:00Z ticket.reopened I1",
    ];
    assert_eq!(lines(&events), expected);
    assert_eq!(events[0].get("priority"), Some("P1"));
}

#[test]
fn lengths_of_time_stand_for_instants() {
    let text = "Call Id,Agent,Date,Time,Topic,Answered,Speed of answer in seconds,Talk,Rating\n\
                1,Ann,8-Mar-26,1:59:50 AM,Streaming,Y,20,0:02:23,4\n2,Bob,08-Mar-26,09:12:58,Bill,N,,,\n";
    let events = read(&example(4), text);
    let expected = [
        "2026-03-08T06:59:50Z call.queued 1",
        "2026-03-08T07:00:10Z call.answered 1",
        "2026-03-08T07:02:33Z call.ended 1",
        "2026-03-08T13:12:58Z call.abandoned 2",
        "2026-03-08T13:12:58Z call.queued 2",
    ];
    assert_eq!(lines(&events), expected);
    assert_eq!(events[2].get("score"), Some("4"));
}

#[test]
fn the_queue_log_has_no_header() {
    let text = "1772352000\tc1\tsales\tNONE\tENTERQUEUE\n1772352009.5\tc1\tsales\t\"7\tCONNECT\n";
    let events = read(&example(5), text);
    let expected = ["2026-03-01T08:00:00Z call.queued c1", "2026-03-01T08:00:09.5Z call.answered c1"];
    assert_eq!(lines(&events), expected);
    assert_eq!((events[0].get("agent"), events[1].get("agent")), (None, Some("\"7")));
}
