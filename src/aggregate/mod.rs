//! What do the partitions say together? The second pure machine: partials in, changes of signals, crises and missed
//! objectives out.
//!
//! Ground rules: a function of the partials in the order in which they come; no clock but theirs. Its clock is the
//! least of its sources' clocks, a source that keeps the others waiting too long being waived. A bucket closes when the
//! clock has passed it by the grace, and is judged on what each source had said up to its own first partial beyond that
//! instant: what a faster source says afterwards waits. So the findings do not depend on how the sources are interleaved. Late
//! counts change the windows still to be judged and what is learned, never a judgement made.
//!
//! ```text
//!   partial ─► stale? ─► its source's queue ─► panes (largest stamp wins) ─┐
//!                                                  bucket closed by all ───┼─► detector ─► crises ─┬► standing
//!                                                    pane closed by all ───┴─► objectives ─────────┘
//!                                                                             said − standing = changes
//! ```

use std::collections::BTreeMap;
use std::marker::PhantomData;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::alert::{self, About, Alert, AlertId, Alerts, Change, Status};
use crate::crisis::{self, Crisis, Desk, Grade};
use crate::detect::{self, Detector, Series, Signal};
use crate::sla::objective::{Objective, Shortfall};
use crate::time::{Span, Time};
use crate::window::{ByStamp, Merging, Partial, Scores, Stamp};

mod objectives;
mod panes;
mod sources;

#[cfg(test)]
mod tests;

pub use objectives::Judgement;
pub use sources::Coverage;

use objectives::{Objectives, Sums};
use panes::{Panes, Sight};
use sources::Sources;

/// How the aggregate works.
#[derive(Clone, Debug)]
pub struct Options {
    /// The width of the workers' panes; the detector's bucket is a multiple of it. Default 5 min.
    pub pane: Span,
    /// How long after its end a bucket is closed, for events that come late. Default 1 min.
    pub grace: Span,
    /// How far the other sources' clocks may advance before a source that was never heard from is waived. Default 1 h.
    pub wait: Span,
    /// How far a source that was heard from may fall behind the foremost before it is waived until it has caught
    /// up. Default 6 h.
    pub lag_max: Span,
    /// The detector's options.
    pub detect: detect::Options,
    /// How crises are graded.
    pub crisis: crisis::Options,
    /// The objectives that are judged; with every pane, not only with every bucket. Default none.
    pub objectives: Vec<Arc<Objective>>,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            pane: Span::from_minutes(5),
            grace: Span::from_minutes(1),
            wait: Span::from_hours(1),
            lag_max: Span::from_hours(6),
            detect: detect::Options::default(),
            crisis: crisis::Options::default(),
            objectives: Vec::new(),
        }
    }
}

/// The machine.
#[derive(Clone, Debug)]
pub struct Aggregate<M: Merging = ByStamp> {
    merging: PhantomData<M>,
    options: Options,
    state: State,
    sums: Sums,
    judgements: Vec<Judgement>,
    standing: Alerts,
    said: Alerts,
    /// Whether the two may differ; asked after every partial, when mostly nothing has changed.
    unsaid: bool,
}

/// A snapshot: with it and the partials after [`Aggregate::stamp`] the machine goes on as if it had never stopped.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct State {
    version: u32,
    consumed: u64,
    sources: Sources,
    /// The end of the bucket that closes next.
    next_close: Option<Time>,
    clock: Option<Time>,
    panes: Panes,
    detector: Detector,
    desk: Desk,
    said: Vec<Said>,
    /// Version 2 ended before it.
    objectives: Objectives,
}

/// An alert as it was said, in a form that every codec can carry.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Said {
    status: Status,
    about: Found,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
enum Found {
    Signal(Signal),
    Crisis(Crisis),
    Objective(Shortfall),
}

/// Why a snapshot cannot be gone on from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StateError {
    /// It was written by another version.
    #[error("the aggregate's snapshot has version {found}, this program reads {VERSION_2} and {VERSION}")]
    Version {
        /// Its version.
        found: u32,
    },
    /// It was written for another number of source partitions.
    #[error("the aggregate's snapshot is of {found} source partitions, there are {expected}")]
    Logs {
        /// How many it is of.
        found: u32,
        /// How many there are.
        expected: u32,
    },
}

/// The version of [`State`].
const VERSION: u32 = 3;
/// The one before, without objectives.
const VERSION_2: u32 = 2;

impl<M: Merging> Aggregate<M> {
    /// A machine for `logs` source partitions, numbered from 0.
    pub fn new(options: Options, logs: u32) -> Aggregate<M> {
        let state = State {
            version: VERSION,
            consumed: 0,
            sources: Sources::new(logs),
            next_close: None,
            clock: None,
            panes: Panes::default(),
            detector: Detector::default(),
            desk: Desk::default(),
            said: Vec::new(),
            objectives: Objectives::default(),
        };
        Aggregate {
            merging: PhantomData,
            options,
            state,
            sums: Sums::new(),
            judgements: Vec::new(),
            standing: Alerts::new(),
            said: Alerts::new(),
            unsaid: false,
        }
    }

    /// Takes the next partial. One that is older than what its source said before changes nothing but the count of
    /// partials consumed.
    pub fn apply(&mut self, partial: Partial) {
        self.state.consumed += 1;
        let (log, clock) = (partial.log, partial.stamp.clock);
        if !self.state.sources.take::<M>(partial) {
            return;
        }
        match self.state.next_close.filter(|end| clock < *end + self.options.grace) {
            // Nearly every partial closes nothing, and the other sources have nothing to add.
            Some(end) => self.count(end, Some(log)),
            None => {
                while let Some(end) = self.gather() {
                    self.close(end);
                }
            }
        }
        // With every partial: a source that was waived and comes back must not take the clock back.
        self.state.clock = self.state.clock.max(self.state.sources.clock(&self.options));
    }

    /// The least of the sources' clocks; `None` until every source was heard or waived. Never goes back.
    pub fn clock(&self) -> Option<Time> {
        self.state.clock
    }

    /// How many partials were consumed, and the clock ([`Time::MIN`] while there is none).
    pub fn stamp(&self) -> Stamp {
        Stamp { next_offset: self.state.consumed, clock: self.clock().unwrap_or(Time::MIN) }
    }

    /// What must be said so that what was said equals what stands.
    pub fn changes(&self) -> Vec<Change> {
        if self.unsaid { alert::difference(self.said.values(), self.standing.values()) } else { Vec::new() }
    }

    /// These changes were said.
    pub fn acknowledge(&mut self, changes: &[Change]) {
        for change in changes {
            alert::say(&mut self.said, change);
        }
        if !changes.is_empty() {
            self.unsaid = self.said != self.standing;
        }
    }

    /// A person grades the crisis with this identity, now. Returns whether there is such a one, and it is open.
    pub fn grade(&mut self, crisis: AlertId, grade: Grade) -> bool {
        let found = self.crises().find(|open| crisis_id(open) == crisis);
        let Some((series, began)) = found.map(|found| (found.opened_as.clone(), found.began)) else {
            return false;
        };
        let now = self.clock().unwrap_or(began);
        let done = self.state.desk.grade(&series, began, grade, now);
        self.stand();
        done
    }

    /// The signals found so far, by when they began; ended ones as long as they are kept.
    pub fn signals(&self) -> impl Iterator<Item = &Signal> {
        self.state.detector.signals()
    }

    /// The crises so far, in the order in which they were opened; ended ones as long as they are kept.
    pub fn crises(&self) -> impl Iterator<Item = &Crisis> {
        self.state.desk.cases().map(|case| &case.crisis)
    }

    /// Satisfaction scores of everything and of each product, since the beginning.
    pub fn satisfaction(&self) -> BTreeMap<Series, Scores> {
        self.state.panes.satisfaction()
    }

    /// The objectives that are missed, or were lately, in the order in which that began.
    pub fn shortfalls(&self) -> impl Iterator<Item = &Shortfall> {
        self.state.objectives.shortfalls()
    }

    /// How each objective stood when it was last judged.
    pub fn judgements(&self) -> &[Judgement] {
        &self.judgements
    }

    /// The end of the last bucket that was closed; it changes when there is something new to see.
    pub fn closed(&self) -> Option<Time> {
        self.state.next_close.map(|next| (next - self.step()).floor(self.options.detect.bucket))
    }

    /// How far apart the instants are at which anything is judged: objectives are with every pane.
    fn step(&self) -> Span {
        if self.options.objectives.is_empty() { self.options.detect.bucket } else { self.options.pane }
    }

    /// How the complaint series that matter ran, at most `most` of them; see [`detect::Course`].
    pub fn courses(&self, buckets: usize, most: usize) -> Vec<detect::Course> {
        let Some(end) = self.closed() else { return Vec::new() };
        let view = self.state.detector.view(end, &self.options.detect);
        view.courses(detect::Measure::Complaints, buckets, most)
    }

    /// The width of a bucket.
    pub fn bucket(&self) -> Span {
        self.options.detect.bucket
    }

    /// What was said.
    pub fn said(&self) -> &Alerts {
        &self.said
    }

    /// Replaces what was said by the fold of what was written. What has ended and does not stand was forgotten for its age
    /// since, and is history.
    pub fn take_said(&mut self, mut said: Alerts) {
        said.retain(|id, alert| alert.status == Status::Open || self.standing.contains_key(id));
        self.said = said;
        self.unsaid = self.said != self.standing;
    }

    /// Which sources are heard, silent or waived.
    pub fn coverage(&self) -> Coverage {
        self.state.sources.coverage(&self.options)
    }

    /// The snapshot.
    pub fn state(&self) -> State {
        let said = self.said.values().filter_map(Said::of).collect();
        State { said, ..self.state.clone() }
    }

    /// Goes on from a snapshot.
    pub fn from_state(options: Options, logs: u32, mut state: State) -> Result<Aggregate<M>, StateError> {
        if ![VERSION_2, VERSION].contains(&state.version) {
            return Err(StateError::Version { found: state.version });
        }
        state.version = VERSION;
        let found = state.sources.logs();
        if found != logs {
            return Err(StateError::Logs { found, expected: logs });
        }
        let alerts = std::mem::take(&mut state.said).into_iter().map(Said::alert);
        let said = alerts.map(|alert| (alert.id, alert)).collect();
        let now = state.clock.unwrap_or(Time::MIN);
        state.objectives.keep_only(&options.objectives, now);
        let (mut sums, mut judgements) = (Sums::new(), Vec::new());
        let closed = state.next_close.map(|next| next - options.pane);
        for (objective, end) in options.objectives.iter().zip(std::iter::repeat(closed).flatten()) {
            judgements.push(state.objectives.look(objective, &mut sums, end));
        }
        let standing = Alerts::new();
        let mut aggregate = Aggregate {
            merging: PhantomData,
            options,
            state,
            sums,
            judgements,
            standing,
            said,
            unsaid: true,
        };
        aggregate.standing = aggregate.stands();
        Ok(aggregate)
    }

    /// Moves what the sources said into the panes, up to the bucket that closes next; its end when all are past it.
    fn gather(&mut self) -> Option<Time> {
        let State { sources, next_close, .. } = &mut self.state;
        if next_close.is_none() {
            sources.clock(&self.options)?;
            *next_close = sources
                .first(&self.options)
                .map(|first| first.floor(self.options.detect.bucket))
                .map(|start| start + self.options.detect.bucket);
        }
        let end = (*next_close)?;
        self.count(end, None);
        let boundary = end + self.options.grace;
        self.state.sources.is_past(boundary, &self.options).then_some(end)
    }

    /// Moves what one source said into the panes, or what all of them said, up to the bucket that ends at `end`.
    fn count(&mut self, end: Time, log: Option<u32>) {
        let State { sources, panes, objectives, .. } = &mut self.state;
        let Options { grace, detect, pane, .. } = &self.options;
        let (boundary, horizon) = (end + *grace, end - detect.bucket - detect.reach());
        let mut next = || match log {
            Some(log) => sources.release_of(log, boundary),
            None => sources.release(boundary),
        };
        while let Some(partial) = next() {
            objectives.take::<M>(&partial, &mut self.sums, end, *pane);
            panes.take::<M>(partial, horizon, &self.options);
        }
    }

    /// Judges what ends at `end`: objectives, and the bucket, if one does.
    fn close(&mut self, end: Time) {
        let objectives = &self.options.objectives;
        let (judgements, has_changed) = self.state.objectives.judge(objectives, &mut self.sums, end);
        self.judgements = judgements;
        let is_bucket = end == end.floor(self.options.detect.bucket);
        if is_bucket {
            self.close_bucket(end);
        }
        self.state.next_close = Some(end + self.step());
        // Most panes between two buckets change nothing that stands.
        if is_bucket || has_changed {
            self.stand();
        }
    }

    fn close_bucket(&mut self, end: Time) {
        let State { panes, detector, desk, .. } = &mut self.state;
        let Options { detect, crisis, .. } = &self.options;
        for (at, tallies) in panes.changed(end, detect.bucket) {
            detector.count(at, tallies);
        }
        detector.close(end, detect);
        let active: Vec<&Signal> = detector.active().collect();
        // Most of the time there is nothing to look at.
        if !active.is_empty() || desk.is_open() {
            desk.step(end, &active, &Sight { panes, view: detector.view(end, detect) }, crisis);
        }
        panes.forget(end - detect.reach());
    }

    fn stand(&mut self) {
        let standing = self.stands();
        // What is gone from the record was forgotten for its age: neither stands nor needs saying.
        for id in self.standing.keys().filter(|id| !standing.contains_key(id)) {
            self.said.remove(id);
        }
        self.unsaid |= self.standing != standing;
        self.standing = standing;
    }

    /// All signals, crises and shortfalls as alerts.
    fn stands(&self) -> Alerts {
        let signals = self.signals().map(|signal| Alert {
            id: signal_id(signal),
            status: status(signal.ended),
            about: About::Signal(Box::new(signal.clone())),
        });
        let crises = self.crises().map(|crisis| Alert {
            id: crisis_id(crisis),
            status: status(crisis.ended),
            about: About::Crisis(Box::new(crisis.clone())),
        });
        let shortfalls = self.state.objectives.shortfalls().map(|shortfall| Alert {
            id: shortfall_id(shortfall),
            status: status(shortfall.ended),
            about: About::Objective(Box::new(shortfall.clone())),
        });
        signals.chain(crises).chain(shortfalls).map(|alert| (alert.id, alert)).collect()
    }
}

/// The identity of a signal's alert: series, detector, window start.
pub fn signal_id(signal: &Signal) -> AlertId {
    let start_ms = signal.window_start.millis().to_le_bytes();
    AlertId::of(&[b"signal", signal.series.key().as_bytes(), signal.detector().as_bytes(), &start_ms])
}

/// The identity of a crisis' alert: the node it was opened as, and when it began.
pub fn crisis_id(crisis: &Crisis) -> AlertId {
    let began_ms = crisis.began.millis().to_le_bytes();
    AlertId::of(&[b"crisis", crisis.opened_as.key().as_bytes(), &began_ms])
}

/// The identity of an alert on a missed objective: its name, and when it began.
pub fn shortfall_id(shortfall: &Shortfall) -> AlertId {
    let began_ms = shortfall.began.millis().to_le_bytes();
    AlertId::of(&[b"objective", shortfall.objective.as_bytes(), &began_ms])
}

fn status(ended: Option<Time>) -> Status {
    if ended.is_some() { Status::Resolved } else { Status::Open }
}

impl Said {
    fn of(alert: &Alert) -> Option<Said> {
        let about = match &alert.about {
            About::Signal(signal) => Found::Signal(Signal::clone(signal)),
            About::Crisis(crisis) => Found::Crisis(Crisis::clone(crisis)),
            About::Objective(shortfall) => Found::Objective(Shortfall::clone(shortfall)),
            // Of promises only the workers speak.
            About::Warning(_) | About::Breach(_) => return None,
        };
        Some(Said { status: alert.status, about })
    }

    fn alert(self) -> Alert {
        let (id, about) = match self.about {
            Found::Signal(signal) => (signal_id(&signal), About::Signal(Box::new(signal))),
            Found::Crisis(crisis) => (crisis_id(&crisis), About::Crisis(Box::new(crisis))),
            Found::Objective(shortfall) => (shortfall_id(&shortfall), About::Objective(Box::new(shortfall))),
        };
        Alert { id, status: self.status, about }
    }
}
