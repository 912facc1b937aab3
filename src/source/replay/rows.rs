//! Which events do rows make that must be compared with their neighbours? Walks them subject by subject, by time.
//!
//! Only one subject's history is held at a time. Rows come by the hash of (mapping, subject), so two subjects with
//! one hash come mixed; each then has its own history.

use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, Ordering};

use super::super::encode::{eight, get_cells, get_number};
use super::super::file::split_place;
use super::super::mapping::{History, Row};
use super::super::sort::Merge;
use super::decode::{Events, ROW_KEY, Tally, put_events};
use super::{Input, Options, SourceError};
use crate::time::Time;

/// What is known of one subject.
struct Case {
    mapping: usize,
    subject: String,
    history: History,
    /// The time of the latest row, and the fingerprints of the rows that have it: the same row twice changes nothing,
    /// even where several rows share an instant.
    latest: Time,
    seen: HashSet<u64>,
}

/// The events of all rows.
pub(super) fn events(
    mut rows: Merge<ROW_KEY>,
    inputs: &[Input],
    options: &Options,
    tally: &mut Tally,
    cancel: &AtomicBool,
) -> Result<Events, SourceError> {
    let mut events = Events::new(options, options.memory_bytes / 2);
    let (mut group, mut cases): (u64, Vec<Case>) = (0, Vec::new());
    while let Some((key, mut bytes)) = rows.next()? {
        if key[0] != group {
            (group, _) = (key[0], cases.clear());
            if cancel.load(Ordering::Relaxed) {
                return Err(SourceError::Cancelled);
            }
        }
        let (file, line) = split_place(key[3]);
        let fingerprint = u64::from_le_bytes(eight(&mut bytes));
        let at = get_number(&mut bytes) as usize;
        let mapping = inputs[at].mapping.as_ref().expect("only rows of a mapping are compared");
        let cells = get_cells(bytes);
        let row = Row::new(mapping, &cells);
        let subject = row.subject().expect("a row without a subject was rejected before");
        let case = case(&mut cases, at, &subject);
        let latest = Time::from_millis(key[1] as i64);
        if case.latest != latest {
            (case.latest, _) = (latest, case.seen.clear());
        }
        case.history.follows(case.seen.len());
        if !case.seen.insert(fingerprint) {
            continue;
        }
        put_events(&row, &subject, &mut case.history, &mut events, (file, line), tally)?;
    }
    tally.keep_first();
    Ok(events)
}

fn case<'c>(cases: &'c mut Vec<Case>, mapping: usize, subject: &str) -> &'c mut Case {
    let known = cases.iter().position(|case| case.mapping == mapping && case.subject == subject);
    let at = known.unwrap_or_else(|| {
        let history = History::default();
        let latest = Time::MIN;
        cases.push(Case { mapping, subject: subject.to_owned(), history, latest, seen: HashSet::new() });
        cases.len() - 1
    });
    &mut cases[at]
}
