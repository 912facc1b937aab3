//! Which laws must hold of what was committed? Life, cut and net, log by log.

use std::collections::BTreeMap;

use watchbell::alert::{About, Action, Alert, Alerts, Change, Status, say};
use watchbell::sink::{CutRecord, Transaction};
use watchbell::time::{Span, Time};
use watchbell::window::Partial;

use super::judge::{Judged, Key, Record, Stands, judge};
use super::workers::{Hits, Run};
use super::world::{HORIZON, LOGS};

/// Checks everything that a run left behind; the first law that is broken, in words.
pub fn check(run: &Run, end: Time, hits: &mut Hits) -> Result<(), String> {
    for log in 0..LOGS {
        check_log(run, log, end, hits).map_err(|broken| format!("log {log}: {broken}"))?;
    }
    Ok(())
}

fn check_log(run: &Run, log: u32, end: Time, hits: &mut Hits) -> Result<(), String> {
    let records = &run.records[log as usize];
    let mut said = Alerts::new();
    let mut before: Option<&Transaction> = None;
    for transaction in run.transactions.iter().filter(|transaction| transaction.log == log) {
        follows(before, transaction)?;
        for record in &transaction.alerts {
            live(&said, &record.change, hits)?;
            say(&mut said, &record.change);
        }
        let cut = &transaction.cut;
        nothing_unread(records, cut)?;
        let judged = judge(&records[..cut.next_offset as usize], cut.clock);
        let at = format!("cut {} (offset {}, clock {})", cut.seq, cut.next_offset, cut.clock);
        stands(&said, &judged).map_err(|what| format!("cut: {at}: {what}"))?;
        if let Some(partial) = &transaction.partial {
            counted(partial, &judged).map_err(|what| format!("cut: {at}: {what}"))?;
        }
        before = Some(transaction);
    }
    let last = before.map(|transaction| &transaction.cut).ok_or("net: nothing was ever committed")?;
    if (last.next_offset, last.clock) != (records.len() as u64, end) {
        return Err(format!(
            "net: the last cut is at {} and {}, not at the end",
            last.next_offset, last.clock
        ));
    }
    // The judge has just agreed with the last cut, which saw everything: that is the first law.
    Ok(())
}

/// Whatever was appended before the clock has been read: it moves by fences alone.
fn nothing_unread(records: &[Record], cut: &CutRecord) -> Result<(), String> {
    let unread = &records[cut.next_offset as usize..];
    match unread.iter().position(|record| record.appended < cut.clock) {
        Some(at) => {
            let offset = cut.next_offset + at as u64;
            Err(format!(
                "fence: the clock is at {}, offset {offset} was there before and is not read",
                cut.clock
            ))
        }
        None => Ok(()),
    }
}

/// Cuts are numbered without gaps, and neither offset nor clock goes back. A claim is the same cut with another owner.
fn follows(before: Option<&Transaction>, transaction: &Transaction) -> Result<(), String> {
    let cut = &transaction.cut;
    let (seq, next_offset, clock) =
        before.map_or((0, 0, Time::MIN), |before| (before.cut.seq, before.cut.next_offset, before.cut.clock));
    let says_nothing = transaction.alerts.is_empty() && transaction.partial.is_none();
    if (cut.seq, cut.next_offset, cut.clock) == (seq, next_offset, clock) && says_nothing {
        return Ok(());
    }
    if cut.seq != seq + 1 || cut.next_offset < next_offset || cut.clock < clock {
        return Err(format!("life: cut {seq} at {next_offset}, {clock} is followed by {cut:?}"));
    }
    Ok(())
}

/// Whether an alert may take this step: no second raise, nothing said of what does not stand, no empty amendment.
fn live(said: &Alerts, change: &Change, hits: &mut Hits) -> Result<(), String> {
    let (action, alert) = (change.action, &change.alert);
    let known = said.get(&alert.id);
    let legal = match (action, known) {
        (Action::Raised, None) => true,
        (Action::Retracted, Some(_)) => true,
        (Action::Amended, Some(known)) => known != alert,
        (Action::Resolved, Some(known)) => known.status == Status::Open && alert.status == Status::Resolved,
        (Action::Raised, Some(_)) | (Action::Amended | Action::Resolved | Action::Retracted, None) => false,
    };
    *hits.entry(name(action)).or_default() += 1;
    if legal { Ok(()) } else { Err(format!("life: {action:?} of {alert:?} after {known:?}")) }
}

fn name(action: Action) -> &'static str {
    match action {
        Action::Raised => "raised",
        Action::Amended => "amended",
        Action::Resolved => "resolved",
        Action::Retracted => "retracted",
    }
}

/// An alert in the words of the judge.
fn read(alert: &Alert) -> (Key, Stands) {
    let (About::Warning(promise) | About::Breach(promise)) = &alert.about else {
        panic!("workers speak of promises only: {alert:?}")
    };
    let thousandths = (promise.threshold * 1_000.0).round() as i64;
    let start = &promise.start_event;
    let texts =
        [&promise.commitment, &promise.subject, &start.source, &start.id].map(|text| text.to_string());
    let [commitment, subject, source, id] = texts;
    let stands = Stands {
        open: alert.status == Status::Open,
        due: promise.due,
        stopped: promise.stopped,
        late_ms: promise.late_seconds.map(|late| (late * 1_000.0).round() as i64),
        product: promise.cell.product.to_string(),
    };
    ((commitment, subject, source, id, thousandths), stands)
}

fn stands(said: &Alerts, judged: &Judged) -> Result<(), String> {
    let said: BTreeMap<Key, Stands> = said.values().map(read).collect();
    if said == judged.standing {
        return Ok(());
    }
    let keys = said.keys().chain(judged.standing.keys());
    let differ = |key: &&Key| said.get(*key) != judged.standing.get(*key);
    let first = keys.into_iter().find(differ).expect("they are not equal");
    Err(format!("{first:?}: said {:?}, the judge says {:?}", said.get(first), judged.standing.get(first)))
}

fn counted(partial: &Partial, judged: &Judged) -> Result<(), String> {
    for (pane, cell, counts) in &partial.panes {
        let expected = judged.counted.get(&(*pane, cell.product.to_string())).copied().unwrap_or_default();
        let forgotten = pane.millis() + Span::from_minutes(5).millis() <= judged.log_time - HORIZON.millis();
        let found =
            (counts.activity, counts.complaints, if forgotten { expected.2 } else { counts.breaches });
        if found != expected {
            return Err(format!(
                "pane {pane} of {}: counted {found:?}, the judge {expected:?}",
                cell.product
            ));
        }
    }
    Ok(())
}
