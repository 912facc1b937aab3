//! How far has each source come, and for whom do we wait? Stamps, queues and the least clock.
//!
//! Ground rules: a partial with a smaller stamp than its source's last changes nothing; one with an equal stamp may be another
//! part of the same cut and is merged. A source's partials are released in their order, up to and with the first
//! whose clock has reached the boundary.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use super::Options;
use crate::time::Time;
use crate::window::{Merging, Partial, Stamp};

/// The sources and what they said that is not yet counted.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Sources(Vec<Source>);

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Source {
    /// The largest stamp heard.
    stamp: Option<Stamp>,
    /// The clock of the first partial.
    first: Option<Time>,
    /// The largest clock heard.
    heard: Option<Time>,
    /// The largest clock released.
    released: Option<Time>,
    waiting: VecDeque<Partial>,
}

/// Which sources the findings rest on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Coverage {
    /// How many sources there are.
    pub logs: u32,
    /// Sources never heard from, and not waived yet.
    pub silent: Vec<u32>,
    /// Sources that are not waited for any more: never heard from, or too far behind.
    pub waived: Vec<u32>,
}

impl Source {
    fn release(&mut self, boundary: Time) -> Option<Partial> {
        if self.released.is_some_and(|clock| clock >= boundary) {
            return None;
        }
        let partial = self.waiting.pop_front()?;
        self.released = self.released.max(told(&partial));
        Some(partial)
    }
}

impl Coverage {
    /// The sources the findings do not rest on.
    pub fn missing(&self) -> Vec<u32> {
        let mut missing: Vec<u32> = self.silent.iter().chain(&self.waived).copied().collect();
        missing.sort_unstable();
        missing
    }

    /// The share of sources the findings rest on, 0..=1.
    pub fn share(&self) -> f64 {
        let missing = self.silent.len() + self.waived.len();
        if self.logs == 0 { 1.0 } else { 1.0 - missing as f64 / f64::from(self.logs) }
    }
}

/// The clock of a partial. One that has never moved tells nothing, its log was never caught up with; nor does one of
/// which the rest has still to come.
fn told(partial: &Partial) -> Option<Time> {
    Some(partial.stamp.clock).filter(|clock| *clock > Time::MIN && !partial.more)
}

impl Sources {
    pub(super) fn new(logs: u32) -> Sources {
        Sources((0..logs).map(|_| Source::default()).collect())
    }

    pub(super) fn logs(&self) -> u32 {
        self.0.len() as u32
    }

    /// Queues a partial, unless it is older than what its source said, or of no source that there is.
    pub(super) fn take<M: Merging>(&mut self, partial: Partial) -> bool {
        let Some(source) = self.0.get_mut(partial.log as usize) else { return false };
        if source.stamp.is_some_and(|known| M::is_stale(known, partial.stamp)) {
            return false;
        }
        let clock = told(&partial);
        source.stamp = Some(partial.stamp);
        source.first = source.first.or(clock);
        source.heard = source.heard.max(clock);
        source.waiting.push_back(partial);
        true
    }

    /// The next partial of a source that has not reached the boundary, in the order of the sources.
    pub(super) fn release(&mut self, boundary: Time) -> Option<Partial> {
        self.0.iter_mut().find_map(|source| source.release(boundary))
    }

    /// The same of one source.
    pub(super) fn release_of(&mut self, log: u32, boundary: Time) -> Option<Partial> {
        self.0.get_mut(log as usize)?.release(boundary)
    }

    /// Whether everything before the boundary is counted, as far as it is waited for.
    pub(super) fn is_past(&self, boundary: Time, options: &Options) -> bool {
        let front = self.front();
        let is_past = |source: &Source| source.released.is_some_and(|clock| clock >= boundary);
        front.foremost.is_some() && self.waited_for(&front, options).all(is_past)
    }

    /// The least clock of those that are waited for; `None` while one of them was not heard.
    pub(super) fn clock(&self, options: &Options) -> Option<Time> {
        // `None` is less than any clock.
        self.waited_for(&self.front(), options).map(|source| source.heard).min().flatten()
    }

    fn waited_for(&self, front: &Front, options: &Options) -> impl Iterator<Item = &Source> {
        self.0.iter().filter(|source| !front.waives(source, options))
    }

    /// The earliest instant anything was said of, bounded so that one stray ancient event does not begin the history.
    pub(super) fn first(&self, options: &Options) -> Option<Time> {
        let partials = || self.0.iter().flat_map(|source| &source.waiting);
        let clocks = partials().filter_map(told);
        let panes = partials().flat_map(|partial| partial.panes.iter().map(|(at, ..)| *at));
        let first = clocks.clone().chain(panes).min()?;
        Some(first.max(clocks.min()? - options.detect.keep))
    }

    pub(super) fn coverage(&self, options: &Options) -> Coverage {
        let (mut coverage, front) = (Coverage { logs: self.logs(), ..Coverage::default() }, self.front());
        for (log, source) in (0..).zip(&self.0) {
            match (front.waives(source, options), source.heard) {
                (true, _) => coverage.waived.push(log),
                (false, None) => coverage.silent.push(log),
                (false, Some(_)) => {}
            }
        }
        coverage
    }

    fn front(&self) -> Front {
        Front {
            foremost: self.0.iter().filter_map(|source| source.heard).max(),
            first: self.0.iter().filter_map(|source| source.first).min(),
        }
    }
}

/// How far all sources have come. Found once and asked for each of them: there may be thousands.
struct Front {
    /// The largest clock heard.
    foremost: Option<Time>,
    /// The least clock of a first partial.
    first: Option<Time>,
}

impl Front {
    /// Whether a source is not waited for any more.
    fn waives(&self, source: &Source, options: &Options) -> bool {
        let Some(foremost) = self.foremost else { return false };
        match source.heard {
            Some(heard) => foremost - heard > options.lag_max,
            None => self.first.is_some_and(|first| foremost - first > options.wait),
        }
    }
}
