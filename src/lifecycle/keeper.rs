//! What has happened to each subject, as far as lifecycles care? The histories of one log, until nothing can change them.
//!
//! Nothing is judged while events come in: a course is looked at when its case is over and the log has left it behind,
//! or when somebody asks.

use std::sync::Arc;

use foldhash::fast::FixedState;
use hashbrown::HashMap;

use super::Lifecycles;
use super::course::{Course, walk};
use crate::event::Event;
use crate::sla::history::{FACTS_MAX, Fact, History};
use crate::time::{Span, Time};

/// A log of fewer subjects is not swept.
const SWEEP_MIN: usize = 1_024;

/// The subjects of one log with their facts.
pub struct Keeper {
    lifecycles: Arc<Lifecycles>,
    horizon: Span,
    log_time: Time,
    subjects: HashMap<Box<str>, History, FixedState>,
    /// How many subjects there may be before those that are over are looked for.
    sweep_at: usize,
    /// Facts that did not fit into the history of their subject.
    overfull: u64,
}

impl Keeper {
    /// Knows of nobody yet. `horizon`: how late an event may come, behind the log time.
    pub fn new(lifecycles: Arc<Lifecycles>, horizon: Span) -> Keeper {
        let subjects = HashMap::default();
        Keeper { lifecycles, horizon, log_time: Time::MIN, subjects, sweep_at: SWEEP_MIN, overfull: 0 }
    }

    /// Takes an event that was accepted. One that was delivered before changes nothing. Courses that the log has left
    /// behind are shown, and forgotten.
    pub fn take(&mut self, event: &Event<'_>, visit: &mut dyn FnMut(usize, &Course)) {
        self.log_time = self.log_time.max(event.time);
        let Some(matched) = self.lifecycles.matched(event) else { return };
        let fact = Fact { time: event.time, source: &event.source, id: &event.id, matched };
        let history = match self.subjects.get_mut(&*event.subject) {
            Some(history) => history,
            None => self.subjects.entry(Box::from(&*event.subject)).or_default(),
        };
        match history.last() {
            _ if history.contains(fact.source, fact.id) => {}
            _ if history.len() == FACTS_MAX => self.overfull += 1,
            Some(last) if fact.time <= last => history.insert(&fact),
            _ => history.push(&fact),
        }
        if self.subjects.len() > self.sweep_at {
            self.sweep(visit);
        }
    }

    /// Shows and forgets the subjects that no event can reach any more: one that may still come lies at most a horizon
    /// behind the log time, and then more than a horizon behind theirs, which makes it a new case's.
    fn sweep(&mut self, visit: &mut dyn FnMut(usize, &Course)) {
        let Keeper { lifecycles, horizon, log_time, .. } = self;
        self.subjects.retain(|_, history| {
            let left_behind = history.last().is_some_and(|last| last + *horizon + *horizon < *log_time);
            let is_over = left_behind && !walk_all(lifecycles, *horizon, history, &mut |_, _| ());
            if is_over {
                walk_all(lifecycles, *horizon, history, visit);
            }
            !is_over
        });
        self.sweep_at = (2 * self.subjects.len()).max(SWEEP_MIN);
    }

    /// Shows the courses of all that are left, in no particular order.
    pub fn finish(self, visit: &mut dyn FnMut(usize, &Course)) {
        for history in self.subjects.values() {
            walk_all(&self.lifecycles, self.horizon, history, visit);
        }
    }

    /// How many facts were left out because their subject already had [`FACTS_MAX`].
    pub fn overfull(&self) -> u64 {
        self.overfull
    }
}

/// Walks along a whole history; whether its last case is under way.
fn walk_all(
    lifecycles: &Lifecycles,
    horizon: Span,
    history: &History,
    visit: &mut dyn FnMut(usize, &Course),
) -> bool {
    let facts: Vec<Fact<'_>> = history.facts().collect();
    walk(lifecycles, horizon, &facts, visit)
}
