//! Did the case go the way it should? Lifecycles as data, and the index by which events find them.
//!
//! A lifecycle is a state machine written beside a clause: states, the events that lead from one to the next, and the
//! steps that an end must not be reached without. It judges nothing by time; promises do. It counts what a process
//! does that it should not, and how long it stays in each of its states.
//!
//! ```text
//!   event ─ matched ─► fact ─ a subject's history ─► courses: state, violations, stays ─► sums
//! ```
//!
//! Ground rule, as for clocks: a course is a function of the **set** of its subject's events, never of the order in
//! which they arrived. Must not know: promises, clocks, and what a violation is worth.

use std::sync::Arc;

use foldhash::fast::FixedState;
use hashbrown::HashMap;
use xxhash_rust::xxh3::xxh3_64;

use crate::event::Event;
use crate::names::Text;
use crate::sla::policy::{Condition, Matched, Test, Values, get};

pub mod course;
pub mod keeper;

#[cfg(test)]
mod tests;

/// States a lifecycle may have: a bit each.
pub const STATES_MAX: usize = 64;
/// Transitions that may wait for one type of event, over all lifecycles loaded together: a bit each.
pub const TRANSITIONS_PER_KIND_MAX: usize = 64;
/// Attributes that lifecycles may be matched by, all together.
pub const ATTRIBUTES_MAX: usize = 64;

/// The way a kind of case should go.
#[derive(Clone, Debug)]
pub struct Lifecycle {
    /// Its name, in reports.
    pub name: Arc<str>,
    /// What goes this way, for people.
    pub title: Text,
    /// Where it comes from, for instance a clause of a guide.
    pub clause: String,
    /// The cases it is about: every test must hold for the case's attributes, the latest value of each. Empty: all.
    pub scope: Vec<Test>,
    /// The states, in the order of a life; at most [`STATES_MAX`].
    pub states: Vec<State>,
    /// The transitions, in the order of a life.
    pub transitions: Vec<Transition>,
}

/// Where a case may be on its way.
#[derive(Clone, Debug)]
pub struct State {
    /// Its name.
    pub name: Arc<str>,
    /// What it means, for people.
    pub title: Text,
    /// Where it comes from.
    pub clause: String,
    /// Whether the way ends here, and if so, which states a case must have been in by then, a bit each.
    pub end: Option<u64>,
}

/// What leads from one state to another.
#[derive(Clone, Debug)]
pub struct Transition {
    /// The events: any of these.
    pub on: Vec<Condition>,
    /// Where it is allowed.
    pub from: Allowed,
    /// Where it leads; `None`: the case stays where it is.
    pub to: Option<u8>,
    /// Where it comes from.
    pub clause: String,
}

/// Where a transition is allowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Allowed {
    /// At the beginning, before any state.
    AtBeginning,
    /// In these states, a bit each.
    In(u64),
}

impl Transition {
    /// Whether it may be taken where a case is; `None`: it has not begun.
    pub fn is_legal(&self, state: Option<u8>) -> bool {
        match (self.from, state) {
            (Allowed::AtBeginning, None) => true,
            (Allowed::In(states), Some(state)) => states & bit(state) != 0,
            _ => false,
        }
    }
}

/// The bit of a state.
pub fn bit(state: u8) -> u64 {
    1 << state
}

/// Lifecycles that cannot be used together.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LifecycleError {
    /// Too many transitions wait for one type.
    #[error("more than {TRANSITIONS_PER_KIND_MAX} transitions on events of type `{0}`")]
    TooManyTransitions(String),
    /// Too many attributes are asked for.
    #[error("the lifecycles are matched by more than {ATTRIBUTES_MAX} attributes")]
    TooManyAttributes,
}

/// By name. The order is never looked at, so the hash need not be kept from anybody.
type Map<V> = HashMap<String, V, FixedState>;

/// Lifecycles loaded together, with the index by which events find them.
#[derive(Debug, Default)]
pub struct Lifecycles {
    all: Vec<Lifecycle>,
    kind_ids: Map<u16>,
    kinds: Vec<Kind>,
    attributes: Vec<String>,
    /// Per lifecycle: the attributes of its scope with the hashes of the values they may have.
    scopes: Vec<Vec<(u8, Vec<u64>)>>,
}

/// The transitions that wait for one type of event.
#[derive(Debug)]
struct Kind {
    name: String,
    waiting: Vec<Waiting>,
}

#[derive(Debug)]
struct Waiting {
    lifecycle: u16,
    transition: u16,
    tests: Vec<Test>,
}

/// The number of a type that no transition waits for.
const NO_KIND: u16 = u16::MAX;

impl Lifecycles {
    /// Builds the index.
    pub fn new(all: Vec<Lifecycle>) -> Result<Lifecycles, LifecycleError> {
        let mut index = Lifecycles::default();
        for (n, lifecycle) in (0u16..).zip(&all) {
            for (at, transition) in (0u16..).zip(&lifecycle.transitions) {
                for condition in &transition.on {
                    index.wait(n, at, condition)?;
                }
            }
            let scope = lifecycle.scope.iter().map(|test| {
                let accepted = test.one_of.iter().map(|text| xxh3_64(text.as_bytes())).collect();
                (index.attribute(&test.attribute), accepted)
            });
            let scope = scope.collect();
            index.scopes.push(scope);
        }
        if index.attributes.len() > ATTRIBUTES_MAX {
            return Err(LifecycleError::TooManyAttributes);
        }
        index.all = all;
        Ok(index)
    }

    fn wait(&mut self, lifecycle: u16, transition: u16, on: &Condition) -> Result<(), LifecycleError> {
        let next = self.kinds.len() as u16;
        let kind = *self.kind_ids.entry(on.kind.clone()).or_insert(next);
        if kind == next {
            self.kinds.push(Kind { name: on.kind.clone(), waiting: Vec::new() });
        }
        let waiting = &mut self.kinds[usize::from(kind)].waiting;
        if waiting.len() == TRANSITIONS_PER_KIND_MAX {
            return Err(LifecycleError::TooManyTransitions(on.kind.clone()));
        }
        waiting.push(Waiting { lifecycle, transition, tests: on.tests.clone() });
        Ok(())
    }

    fn attribute(&mut self, name: &str) -> u8 {
        let known = self.attributes.iter().position(|known| known == name);
        let at = known.unwrap_or_else(|| {
            self.attributes.push(name.to_owned());
            self.attributes.len() - 1
        });
        at.min(usize::from(u8::MAX)) as u8
    }

    /// The lifecycles, in the order in which they were given.
    pub fn iter(&self) -> impl Iterator<Item = &Lifecycle> {
        self.all.iter()
    }

    /// The lifecycle with a number.
    pub fn get(&self, lifecycle: usize) -> &Lifecycle {
        &self.all[lifecycle]
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.all.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// Whether any transition waits for this type.
    pub fn names(&self, kind: &str) -> bool {
        self.kind_ids.contains_key(kind)
    }

    /// The name of a type of event, by the number that facts carry.
    pub fn kind_name(&self, kind: u16) -> &str {
        &self.kinds[usize::from(kind)].name
    }

    /// What a course must remember of an event; `None` if it is nothing to any lifecycle. A function of the event alone.
    pub fn matched(&self, event: &Event<'_>) -> Option<Matched> {
        let kind = self.kind_ids.get(event.kind.as_ref()).copied();
        let mut conditions = 0u64;
        for (bit, waiting) in kind.iter().flat_map(|kind| &self.kinds[usize::from(*kind)].waiting).enumerate()
        {
            conditions |= u64::from(waiting.tests.iter().all(|test| test.holds(event))) << bit;
        }
        let mut values = Values::new();
        for (at, name) in (0u8..).zip(&self.attributes) {
            if let Some(value) = event.attributes.get(name) {
                values.push((at, xxh3_64(value.text().as_bytes())));
            }
        }
        let kind = kind.unwrap_or(NO_KIND);
        (conditions != 0 || !values.is_empty()).then_some(Matched { kind, conditions, values })
    }

    /// The transitions that a fact may be, as numbers of lifecycle and transition, in their order.
    fn moves(&self, fact: &Matched) -> impl Iterator<Item = (u16, u16)> {
        let waiting = self.kinds.get(usize::from(fact.kind)).map_or(&[][..], |kind| &kind.waiting);
        let conditions = fact.conditions;
        let met = waiting.iter().enumerate().filter(move |(bit, _)| conditions >> bit & 1 == 1);
        met.map(|(_, one)| (one.lifecycle, one.transition))
    }

    /// Whether a case with these attributes should go this way.
    fn in_scope(&self, lifecycle: usize, values: &Values) -> bool {
        self.scopes[lifecycle].iter().all(|(attribute, accepted)| match get(values, *attribute) {
            None => false,
            Some(value) => accepted.is_empty() || accepted.contains(&value),
        })
    }
}
