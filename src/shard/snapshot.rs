//! What was the state when the shard went on? A snapshot: taken in an instant, written at leisure on another thread.
//!
//! It shares everything with the living shard: blocks of cases and of what was said, chunks of what is remembered,
//! panes. Nothing is copied until the shard changes a part, and then only that part. A snapshot and the [`State`] made of
//! it are written as the same bytes; which they are does not depend on the numbers that cases had, nor on what was
//! shared with whom.

use serde::ser::{SerializeSeq, SerializeStruct};
use serde::{Serialize, Serializer};

use super::case::Case;
use super::cases::CasesSnapshot;
use super::panes::PanesSnapshot;
use super::recent::Order;
use super::said::Said;
use super::state::{Raw, State, StoredCase, VERSION};
use super::{Rules, Shard};
use crate::alert::Alert;
use crate::time::Time;
use crate::window::Stamp;

/// The state of a shard as it was right after a cut.
pub struct Snapshot {
    log: u32,
    policy_hash: u64,
    stamp: Stamp,
    log_time: Time,
    cases: CasesSnapshot,
    said: Said,
    recent: Order,
    panes: PanesSnapshot,
}

impl<R: Rules> Shard<R> {
    /// The state as it is now. Only right after a cut was acknowledged: what was said must equal what stands. Takes about a
    /// nanosecond a case.
    pub fn snapshot(&self) -> Snapshot {
        assert!(!self.is_dirty(), "log {}: a state is stored between a change and its cut", self.log);
        Snapshot {
            log: self.log,
            policy_hash: self.policy.hash,
            stamp: self.stamp(),
            log_time: self.log_time,
            cases: self.cases.snapshot(),
            said: self.said.clone(),
            recent: self.recent.snapshot(),
            panes: self.panes.snapshot(),
        }
    }

    /// The state, to be stored: a snapshot that is written at once.
    pub fn state(&self) -> State {
        self.snapshot().into_state()
    }
}

impl Snapshot {
    /// The log.
    pub fn log(&self) -> u32 {
        self.log
    }

    /// As of when.
    pub fn stamp(&self) -> Stamp {
        self.stamp
    }

    /// The state, with everything copied.
    pub fn into_state(self) -> State {
        State {
            version: VERSION,
            log: self.log,
            policy_hash: self.policy_hash,
            next_offset: self.stamp.next_offset,
            log_time: self.log_time,
            clock: self.stamp.clock,
            cases: self.by_subject().into_iter().map(|case| StoredCase::of(case).into_owned()).collect(),
            said: self.by_identity().into_iter().map(json).collect(),
            recent: self.recent.iter().collect(),
            panes: self.panes.iter().map(|(pane, key, counts)| (pane, key, counts.clone())).collect(),
            names: self.panes.names,
            judged: self.panes.judged,
        }
    }

    /// The cases by subject, so that the same state is the same bytes whatever numbers they had.
    fn by_subject(&self) -> Vec<&Case> {
        // Most comparisons end within the first bytes: those lie side by side.
        let mut cases: Vec<(u128, &Case)> =
            self.cases.iter().map(|case| (beginning(&case.subject), case)).collect();
        cases.sort_unstable_by(|(begins, case), (other_begins, other)| {
            let whole = |case: &Case| (!case.retired, case.first_seen);
            let subjects = begins.cmp(other_begins).then_with(|| case.subject.cmp(&other.subject));
            subjects.then_with(|| whole(case).cmp(&whole(other)))
        });
        cases.into_iter().map(|(_, case)| case).collect()
    }

    /// What was said, by identity.
    fn by_identity(&self) -> Vec<&Alert> {
        let mut said: Vec<&Alert> = Vec::with_capacity(self.said.len());
        said.extend(self.said.iter());
        said.sort_unstable_by_key(|alert| alert.id);
        said
    }
}

/// The members of [`State`] in their order, without a copy of what they are made from.
impl Serialize for Snapshot {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let (cases, alerts) = (self.by_subject(), self.by_identity());
        let mut state = serializer.serialize_struct("State", 12)?;
        state.serialize_field("version", &VERSION)?;
        state.serialize_field("log", &self.log)?;
        state.serialize_field("policy_hash", &self.policy_hash)?;
        state.serialize_field("next_offset", &self.stamp.next_offset)?;
        state.serialize_field("log_time", &self.log_time)?;
        state.serialize_field("clock", &self.stamp.clock)?;
        state.serialize_field("cases", &Rows(cases.len(), || cases.iter().copied().map(StoredCase::of)))?;
        state.serialize_field("said", &Rows(alerts.len(), || alerts.iter().copied().map(json)))?;
        state.serialize_field("recent", &Rows(self.recent.len(), || self.recent.iter()))?;
        state.serialize_field("names", &self.panes.names)?;
        state.serialize_field("panes", &Rows(self.panes.len(), || self.panes.iter()))?;
        state.serialize_field("judged", &self.panes.judged)?;
        state.end()
    }
}

/// A list of so many, made while it is written.
struct Rows<F>(usize, F);

impl<I: Iterator<Item: Serialize>, F: Fn() -> I> Serialize for Rows<F> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut rows = serializer.serialize_seq(Some(self.0))?;
        let mut written = 0;
        for row in (self.1)() {
            rows.serialize_element(&row)?;
            written += 1;
        }
        assert_eq!(written, self.0, "a list is as long as was said before it");
        rows.end()
    }
}

/// The first 16 bytes of a text as a number of the same order.
fn beginning(text: &str) -> u128 {
    let mut bytes = [0; 16];
    let len = text.len().min(16);
    bytes[..len].copy_from_slice(&text.as_bytes()[..len]);
    u128::from_be_bytes(bytes)
}

/// An alert as it is stored: as JSON, because alerts are a format of their own, and change with it.
fn json(alert: &Alert) -> Raw<'static> {
    Raw(serde_json::to_vec(alert).expect("alerts are plain data").into())
}
