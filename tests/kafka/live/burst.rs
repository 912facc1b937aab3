//! What if more was counted than one record holds? It is written as several, and counts as one.

use std::collections::BTreeSet;

use watchbell::sink::kafka::decode_partial;
use watchbell::time::Time;
use watchbell::window::Partial;

use super::super::broker::shared;
use super::super::client::{produce, read_committed};
use super::super::wait_until;
use super::watch::{Plan, Watch, now_ms};

/// Each is counted in a pane and cell of its own: together more than the megabyte that brokers take as one record.
const EVENTS: i64 = 20_000;
/// How far apart they are; all of them lie within the horizon.
const APART_MS: i64 = 25_000;

#[test]
fn what_was_counted_in_days_goes_out_in_parts() {
    let at = shared().bootstrap();
    let watch = Watch::new(&at, &Plan { name: "burst", inputs: &[1], ..Plan::default() });
    let begin_ms = now_ms() - EVENTS * APART_MS;
    let events = (0..EVENTS).map(|n| {
        let (subject, time) = (format!("T-{n}"), Time::from_millis(begin_ms + n * APART_MS));
        // No priority, so no promise: it is only counted.
        let json = format!(
            r#"{{"id":"e-{n}","source":"/test","type":"ticket.opened","subject":"{subject}","time":"{time}","data":{{"product":"router","region":"region-{}"}}}}"#,
            n % 20
        );
        (Some(0), subject, json, None)
    });
    assert_eq!(produce(&at, watch.topic(0), events), EVENTS as usize);

    let mut program = watch.start_live();
    let mut partials = Vec::new();
    wait_until(20, "everything that was counted is written", || {
        let written = read_committed(&at, &watch.partials_topic()).into_iter();
        let decoded =
            |payload: Option<Vec<u8>>| decode_partial(&payload.expect("no tombstones")).expect("a partial");
        partials = written.map(|message| decoded(message.payload)).collect();
        let panes = partials.iter().flat_map(|partial: &Partial| &partial.panes);
        let cells: BTreeSet<_> = panes.map(|(pane, cell, _)| (*pane, cell.region.clone())).collect();
        cells.len() == EVENTS as usize
    });
    let parts = partials.iter().filter(|partial| partial.more).count();
    assert!(parts >= 2, "{parts} parts of {} partials", partials.len());
    for pair in partials.windows(2).filter(|pair| pair[0].more) {
        assert_eq!(pair[0].stamp, pair[1].stamp, "the rest of a cut follows");
    }
    let written = partials.len() as i64;
    wait_until(20, "the aggregate has read them", || {
        watch.aggregate_cut().is_some_and(|cut| cut.next_offset >= written)
    });
    program.terminate();
    assert!(program.wait(20).success());
}
