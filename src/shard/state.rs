//! What must be kept to go on from here? The stored form of a shard, apart from the living one so that both may change.
//!
//! Clocks and timers are not stored: they follow from the events and are made again. What was said is stored with the
//! state, because the changes that follow are its difference from what stands.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use serde::de::Visitor;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::case::Case;
use super::panes::{Adjustment, CellKey, DimensionNames, Panes};
use super::recent::Recent;
use super::{Options, Rules, Shard};
use crate::alert::{About, Action, Alert, Change};
use crate::sla::history::History;
use crate::sla::policy::Policy;
use crate::time::Time;
use crate::window::{Counts, Judged};

/// The version of [`State`] that is written.
pub const VERSION: u16 = 2;

/// The stored state of a shard. [`Snapshot`](super::snapshot::Snapshot) is written in the same form.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct State {
    /// The version of this form.
    pub version: u16,
    /// The log.
    pub log: u32,
    /// The policy under which the events were kept.
    pub policy_hash: u64,
    /// The offset of the first record not read.
    pub next_offset: u64,
    /// The log time.
    pub log_time: Time,
    /// The clock.
    pub clock: Time,
    pub(super) cases: Vec<StoredCase<'static>>,
    /// What was said, as JSON: alerts are a format of their own, and change with it.
    pub(super) said: Vec<Raw<'static>>,
    pub(super) recent: Vec<(Time, u64)>,
    pub(super) names: DimensionNames,
    pub(super) panes: Vec<(Time, CellKey, Counts)>,
    /// What objectives count. Version 1 ended before it.
    pub(super) judged: Vec<(Time, u64, Judged)>,
}

/// A stored case.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct StoredCase<'a> {
    subject: Cow<'a, str>,
    first_seen: Time,
    count: u16,
    events: Raw<'a>,
    /// Whether a newer case of the same subject has begun.
    retired: bool,
}

impl<'a> StoredCase<'a> {
    /// A case as it is stored.
    pub(super) fn of(case: &'a Case) -> StoredCase<'a> {
        StoredCase {
            subject: Cow::Borrowed(&case.subject),
            first_seen: case.first_seen,
            count: case.history.len() as u16,
            events: Raw(Cow::Borrowed(case.history.bytes())),
            retired: case.retired,
        }
    }

    /// The same, without the case.
    pub(super) fn into_owned(self) -> StoredCase<'static> {
        let StoredCase { subject, first_seen, count, events: Raw(events), retired } = self;
        let (subject, events) = (Cow::Owned(subject.into_owned()), Raw(Cow::Owned(events.into_owned())));
        StoredCase { subject, first_seen, count, events, retired }
    }
}

/// Bytes that are written as what they are, not number by number; the same bytes either way.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Raw<'a>(pub(super) Cow<'a, [u8]>);

impl Serialize for Raw<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(&self.0)
    }
}

impl<'de> Deserialize<'de> for Raw<'_> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Bytes;
        impl Visitor<'_> for Bytes {
            type Value = Vec<u8>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("bytes")
            }

            fn visit_bytes<E>(self, bytes: &[u8]) -> Result<Vec<u8>, E> {
                Ok(bytes.to_vec())
            }
        }
        deserializer.deserialize_byte_buf(Bytes).map(|bytes| Raw(Cow::Owned(bytes)))
    }
}

/// Why a stored state cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StateError {
    /// Written by another version.
    #[error("the state has version {0}, this program reads those up to {VERSION}")]
    Version(u16),
    /// Kept under another policy.
    #[error("the state was kept under policy {found:016x}, the policy loaded is {loaded:016x}")]
    Policy {
        /// The hash in the state.
        found: u64,
        /// The hash of the policy loaded.
        loaded: u64,
    },
    /// It contradicts itself.
    #[error("the state is damaged: {0}")]
    Damaged(&'static str),
}

impl<R: Rules> Shard<R> {
    /// A shard that goes on where the state was taken.
    pub fn restore(policy: Arc<Policy>, options: Options, state: State) -> Result<Shard<R>, StateError> {
        if !(1..=VERSION).contains(&state.version) {
            return Err(StateError::Version(state.version));
        }
        if state.policy_hash != policy.hash {
            return Err(StateError::Policy { found: state.policy_hash, loaded: policy.hash });
        }
        let mut shard = Shard::new(policy, options, state.log);
        shard.next_offset = state.next_offset;
        shard.log_time = state.log_time;
        shard.clock = state.clock;
        shard.wheel = crate::wheel::Wheel::new(state.clock);
        shard.recent = Recent::restore(shard.options.dedup_window, &state.recent);
        shard.panes = Panes::new(shard.options.pane, shard.options.values_per_dimension_max);
        let bound = state.log_time - shard.options.horizon;
        shard.panes.restore(state.names, state.panes, state.judged, bound);
        for stored in state.cases {
            shard.restore_case(stored)?;
        }
        shard.restore_said(state.said)?;
        Ok(shard)
    }

    fn restore_case(&mut self, stored: StoredCase<'_>) -> Result<(), StateError> {
        let history = History::from_bytes(stored.events.0.into_owned(), stored.count);
        let history = history.ok_or(StateError::Damaged("a case's events cannot be read"))?;
        let index = self.cases.add(Case::restore(&self.policy, &stored.subject, stored.first_seen, history));
        if stored.retired {
            self.cases.retire(index);
        }
        self.arm(index);
        Ok(())
    }

    fn restore_said(&mut self, stored: Vec<Raw<'_>>) -> Result<(), StateError> {
        let mut alerts = Vec::with_capacity(stored.len());
        for Raw(bytes) in stored {
            let alert: Alert =
                serde_json::from_slice(&bytes).map_err(|_| StateError::Damaged("an alert cannot be read"))?;
            alerts.push(alert);
        }
        self.lay_said(alerts);
        Ok(())
    }

    /// Replaces what was said by what the fold of the alerts written so far says. The breaches among them are counted
    /// now: a stored state has only those that were said when it was taken.
    pub fn take_said(&mut self, alerts: impl IntoIterator<Item = Alert>) {
        let counted = |shard: &Shard<R>, by| -> Vec<Adjustment> {
            shard.said.iter().filter_map(|alert| shard.counted(alert, by)).collect()
        };
        let mut breaches = counted(self, -1);
        self.lay_said(alerts);
        breaches.extend(counted(self, 1));
        self.panes.settle(&breaches, false);
        self.panes.take_over();
    }

    /// What was said, by case. An alert whose case has left the memory is history: a case leaves only when nothing about
    /// it can change any more.
    fn lay_said(&mut self, alerts: impl IntoIterator<Item = Alert>) {
        // The current case of a subject is known by its name; of the others there are few.
        let mut retired: BTreeMap<Box<str>, Vec<u32>> = BTreeMap::new();
        for index in self.cases.indices().filter(|index| self.cases.get(*index).retired) {
            retired.entry(self.cases.get(index).subject.clone()).or_default().push(index);
        }
        self.said.clear();
        for alert in alerts {
            let (About::Warning(promise) | About::Breach(promise)) = &alert.about else { continue };
            let older = retired.get(&*promise.subject).map_or(&[][..], Vec::as_slice);
            let candidates = || older.iter().copied().chain(self.cases.find(&promise.subject));
            let keeps = |index: &u32| {
                let history = &self.cases.get(*index).history;
                history.contains(&promise.start_event.source, &promise.start_event.id)
            };
            if let Some(index) = candidates().find(keeps).or(candidates().next()) {
                self.said.say(index, &Change { action: Action::Raised, alert });
            }
        }
        for index in self.cases.indices().collect::<Vec<_>>() {
            self.mark(index);
        }
    }
}
