//! What was promised? All promises together, with the index that turns an event into what it does to them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use foldhash::fast::FixedState;
use hashbrown::HashMap;
use smallvec::SmallVec;
use xxhash_rust::xxh3::xxh3_64;

use super::commitment::STOP_PARTS_MAX;
pub use super::commitment::{Commitment, Condition, Goal, Limit, Stop, Test};
pub use super::counting::{Counted, Counting, Tally};
pub use super::objective::{Measure, Objective};
use super::terms::{Change, Gives};
use crate::calendar::Calendar;
use crate::event::Event;
use crate::names::Severity;
use crate::time::Time;

/// Conditions on one type of event, over all commitments of a policy.
pub const CONDITIONS_PER_KIND_MAX: usize = 64;

/// What an event does to a clock. The order is that in which several at one instant are applied.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Action {
    /// Starts it.
    Start,
    /// Ends a pause.
    Resume,
    /// Gives it more time.
    Extend,
    /// Reopens what was stopped.
    Reopen,
    /// Stops it, or meets part `n` of an "all of" stop.
    Stop(u8),
    /// Takes the promise back.
    Cancel,
    /// Takes it back and starts anew.
    Reset,
    /// Pauses it.
    Pause,
}

impl Action {
    /// What it does, as a word.
    pub fn name(self) -> &'static str {
        match self {
            Action::Start => "start",
            Action::Resume => "resume",
            Action::Extend => "extend",
            Action::Reopen => "reopen",
            Action::Stop(_) => "stop",
            Action::Cancel => "cancel",
            Action::Reset => "reset",
            Action::Pause => "pause",
        }
    }

    /// Whether a clock may start by it, so that the attributes of the case matter.
    fn may_start(self) -> bool {
        matches!(self, Action::Start | Action::Reopen | Action::Reset)
    }
}

/// What the clocks remember of an attribute.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Slot {
    /// Which of the texts that a policy names; anything else is "none of them".
    Judged,
    /// Which text it is, whatever the policy names: a hash of it.
    Told,
    /// An instant, in milliseconds.
    Instant,
    /// One of the four dimensions, as a number given by the shard.
    Dimension(u8),
}

/// The attributes that become dimensions, in the order of [`crate::window::Dimensions`].
pub const DIMENSIONS: [&str; 4] = ["product", "region", "channel", "category"];
/// The attribute that names the customer.
pub const CUSTOMER: &str = "customer";

/// The promises loaded together, with the index by which events find them.
#[derive(Debug)]
pub struct Policy {
    /// The commitments, every version one.
    pub commitments: Vec<Commitment>,
    /// The objectives.
    pub objectives: Vec<Arc<Objective>>,
    /// What reports count beside the promises.
    pub tallies: Vec<Tally>,
    /// What is counted into panes.
    pub counting: Counting,
    /// A hash of everything that decides a verdict.
    pub hash: u64,
    kinds: Vec<KindIndex>,
    kind_ids: Map<u16>,
    slots: Vec<(String, Slot)>,
    slots_by_name: Map<SmallVec<[u8; 2]>>,
    constants: Map<u64>,
    counted: Map<Counted>,
    /// What clocks run for: `ticket`, `call`.
    entities: Vec<String>,
    /// Per commitment: the place of the first version of its name.
    firsts: Vec<u16>,
    /// Per commitment: its scope.
    scopes: Vec<Vec<ScopeTest>>,
    /// Per commitment: the slot its goal depends on.
    goal_slots: Vec<Option<u8>>,
    /// Per commitment: the slot that tells whose clock it is.
    per_slots: Vec<Option<u8>>,
    /// Per commitment: the slot with the instant until which it is extended.
    until_slots: Vec<Option<u8>>,
    /// Per slot: whether any goal depends on it.
    moves_goals: Vec<bool>,
    /// Per dimension: its slot.
    dimension_slots: [u8; 4],
    /// Per commitment: what the objectives that count its clocks are kept under.
    clock_objectives: Vec<ObjectiveIds>,
}

/// What some objectives are kept under.
type ObjectiveIds = SmallVec<[u64; 1]>;

/// By name. The order is never looked at, so the hash need not be kept from anybody.
type Map<V> = HashMap<String, V, FixedState>;

/// The conditions on one type of event.
#[derive(Debug)]
struct KindIndex {
    conditions: Vec<(u16, Action, Condition)>,
    /// Those that may start a clock, a bit each.
    starts: u64,
}

/// A [`Test`] on a case: a slot, and the numbers of the texts.
#[derive(Debug)]
struct ScopeTest {
    slot: u8,
    one_of: Vec<u64>,
    is_not: bool,
}

/// A policy that cannot be used.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum PolicyError {
    /// Too many conditions on one type.
    #[error("more than {CONDITIONS_PER_KIND_MAX} conditions on events of type `{0}`")]
    TooManyConditions(String),
    /// Too many parts in an "all of" stop.
    #[error("commitment `{0}`: `stop.all` may have at most {STOP_PARTS_MAX} parts")]
    TooManyParts(Arc<str>),
    /// Too many attributes are asked for.
    #[error("the policy asks for more than 200 attributes")]
    TooManyAttributes,
    /// Two versions of a commitment begin together.
    #[error("commitment `{0}` has two versions effective from {1}")]
    SameStart(Arc<str>, Time),
}

impl Policy {
    /// Builds the index. Versions of one commitment follow one another by `effective_from`.
    pub fn new(
        mut commitments: Vec<Commitment>,
        objectives: Vec<Arc<Objective>>,
        tallies: Vec<Tally>,
        counting: Counting,
    ) -> Result<Policy, PolicyError> {
        end_versions(&mut commitments)?;
        let hash = hash(&commitments, &counting);
        let mut policy = Policy {
            kinds: Vec::new(),
            kind_ids: Map::default(),
            slots: Vec::new(),
            slots_by_name: Map::default(),
            constants: Map::default(),
            counted: Map::default(),
            entities: Vec::new(),
            firsts: Vec::new(),
            scopes: Vec::new(),
            goal_slots: Vec::new(),
            per_slots: Vec::new(),
            until_slots: Vec::new(),
            moves_goals: Vec::new(),
            dimension_slots: [0; 4],
            clock_objectives: Vec::new(),
            hash,
            objectives,
            tallies,
            counting,
            commitments: Vec::new(),
        };
        for (index, commitment) in commitments.iter().enumerate() {
            policy.index(index as u16, commitment)?;
        }
        for (n, name) in DIMENSIONS.iter().enumerate() {
            policy.dimension_slots[n] = policy.slot(name, Slot::Dimension(n as u8));
        }
        let slot_of =
            |n: usize| policy.goal_slots[n].filter(|_| commitments[n].convention.change != Change::Ignored);
        let goal_slots: Vec<Option<u8>> = (0..commitments.len()).map(slot_of).collect();
        let moves = |at: usize| goal_slots.contains(&u8::try_from(at).ok());
        policy.moves_goals = (0..policy.slots.len()).map(moves).collect();
        let first = |one: &Commitment| commitments.iter().position(|other| other.name == one.name);
        policy.firsts = commitments.iter().map(|one| first(one).unwrap_or(0) as u16).collect();
        policy.commitments = commitments;
        for (at, (name, _)) in policy.slots.iter().enumerate() {
            policy.slots_by_name.entry(name.clone()).or_default().push(at as u8);
        }
        policy.index_counts();
        if policy.slots.len() > 200 { Err(PolicyError::TooManyAttributes) } else { Ok(policy) }
    }

    fn index_counts(&mut self) {
        let Policy { counting, counted, commitments, objectives, .. } = self;
        for condition in &counting.complaints {
            counted.entry(condition.kind.clone()).or_default().complaints.push(condition.clone());
        }
        for condition in &counting.activity {
            counted.entry(condition.kind.clone()).or_default().activity.push(condition.clone());
        }
        self.clock_objectives = vec![ObjectiveIds::new(); commitments.len()];
        for objective in objectives.iter() {
            let id = objective.id();
            match &objective.measure {
                Measure::KeptShare { commitment } => {
                    let all = commitments.iter().zip(&mut self.clock_objectives);
                    let ours = all.filter(|(one, _)| *one.name == **commitment);
                    ours.for_each(|(_, ids)| ids.push(id));
                }
                Measure::EventShare { of, .. } => {
                    let kinds: BTreeSet<&str> = of.iter().map(|condition| condition.kind.as_str()).collect();
                    for kind in kinds {
                        let counted = counted.entry(kind.to_owned()).or_default();
                        counted.objectives.push((id, objective.clone()));
                    }
                }
            }
        }
    }

    fn index(&mut self, index: u16, commitment: &Commitment) -> Result<(), PolicyError> {
        let (stops, all) = match &commitment.stop {
            Stop::Any(stops) => (stops, false),
            Stop::All(stops) => (stops, true),
        };
        if all && stops.len() > STOP_PARTS_MAX {
            return Err(PolicyError::TooManyParts(commitment.name.clone()));
        }
        let stops =
            stops.iter().enumerate().map(|(part, c)| (Action::Stop(if all { part as u8 } else { 0 }), c));
        let with = |action: Action, list: &'_ [Condition]| -> Vec<(Action, Condition)> {
            list.iter().map(|condition| (action, condition.clone())).collect()
        };
        let extends = commitment.extension.as_ref().map_or(&[][..], |extension| &extension.on);
        let conditions = with(Action::Start, &commitment.start)
            .into_iter()
            .chain(with(Action::Resume, &commitment.resume))
            .chain(with(Action::Extend, extends))
            .chain(with(Action::Reopen, &commitment.reopen))
            .chain(stops.map(|(action, condition)| (action, condition.clone())))
            .chain(with(Action::Cancel, &commitment.cancel))
            .chain(with(Action::Reset, &commitment.reset))
            .chain(with(Action::Pause, &commitment.pause));
        for (action, condition) in conditions {
            if action == Action::Start && !self.entities.iter().any(|known| known == entity(&condition.kind))
            {
                self.entities.push(entity(&condition.kind).to_owned());
            }
            let kind = self.kind_id(&condition.kind);
            let known = &mut self.kinds[usize::from(kind)];
            if known.conditions.len() == CONDITIONS_PER_KIND_MAX {
                return Err(PolicyError::TooManyConditions(condition.kind));
            }
            known.starts |= u64::from(action.may_start()) << known.conditions.len();
            known.conditions.push((index, action, condition));
        }
        let scope = commitment.scope.iter().map(|test| ScopeTest {
            slot: self.slot(&test.attribute, Slot::Judged),
            one_of: test.one_of.iter().map(|text| self.constant(text)).collect(),
            is_not: test.is_not,
        });
        let scope: Vec<ScopeTest> = scope.collect();
        self.scopes.push(scope);
        let goal_slot = match &commitment.goal {
            Goal::Limit(_) => None,
            Goal::Table { attribute, rows, .. } => {
                for (text, _) in rows {
                    self.constant(text);
                }
                Some(self.slot(attribute, Slot::Judged))
            }
            Goal::At { attribute } => Some(self.slot(attribute, Slot::Instant)),
        };
        self.goal_slots.push(goal_slot);
        let per = commitment.per.as_ref().map(|attribute| self.slot(attribute, Slot::Told));
        self.per_slots.push(per);
        let until = match commitment.extension.as_ref().map(|extension| &extension.gives) {
            Some(Gives::Until(attribute)) => Some(self.slot(attribute, Slot::Instant)),
            Some(Gives::More(_)) | None => None,
        };
        self.until_slots.push(until);
        Ok(())
    }

    fn kind_id(&mut self, kind: &str) -> u16 {
        if let Some(id) = self.kind_ids.get(kind) {
            return *id;
        }
        let id = self.kinds.len() as u16;
        self.kinds.push(KindIndex { conditions: Vec::new(), starts: 0 });
        self.kind_ids.insert(kind.to_owned(), id);
        id
    }

    fn slot(&mut self, name: &str, slot: Slot) -> u8 {
        if let Some(at) = self.slots.iter().position(|known| known.0 == name && known.1 == slot) {
            return at as u8;
        }
        self.slots.push((name.to_owned(), slot));
        (self.slots.len() - 1).min(255) as u8
    }

    /// The number of a text that the policy names; 0 is "none of them".
    fn constant(&mut self, text: &str) -> u64 {
        let next = self.constants.len() as u64 + 1;
        *self.constants.entry(text.to_owned()).or_insert(next)
    }

    /// Whether any commitment, or the counting, names this type.
    pub fn names(&self, kind: &str) -> bool {
        self.kind_ids.contains_key(kind) || self.counted.contains_key(kind)
    }

    /// Under which conditions events of a type are counted, if any are.
    pub fn counted(&self, kind: &str) -> Option<&Counted> {
        self.counted.get(kind)
    }

    /// What the objectives that count the clocks of a commitment are kept under.
    pub fn objectives_of(&self, commitment: u16) -> &[u64] {
        &self.clock_objectives[usize::from(commitment)]
    }

    /// The same by the commitment's name.
    pub fn objectives_named(&self, commitment: &str) -> &[u64] {
        let place = self.commitments.iter().position(|one| *one.name == *commitment);
        place.map_or(&[], |place| &self.clock_objectives[place])
    }

    /// What the clocks must remember of an event, or `None` if it is nothing to them. `dimension` numbers the value
    /// of a dimension.
    ///
    /// Whether an event is kept depends on the event alone, never on what was read before: else the state would
    /// depend on the order of arrival.
    pub fn matched(&self, event: &Event<'_>, dimension: &mut dyn FnMut(u8, &str) -> u64) -> Option<Matched> {
        let kind = self.kind_ids.get(event.kind.as_ref()).copied();
        if kind.is_none() && !self.in_a_case(event) {
            return None;
        }
        let mut conditions = 0u64;
        if let Some(kind) = kind {
            for (bit, (_, _, condition)) in self.kinds[usize::from(kind)].conditions.iter().enumerate() {
                let holds = condition.tests.iter().all(|test| test.holds(event));
                conditions |= u64::from(holds) << bit;
            }
        }
        let values = self.values(event, dimension);
        Some(Matched { kind: kind.unwrap_or(u16::MAX), conditions, values })
    }

    /// An event that no condition names still belongs to a case when it is of a kind of thing that clocks run for
    /// and carries an attribute they are judged by: `ticket.priority_changed`.
    fn in_a_case(&self, event: &Event<'_>) -> bool {
        let judged =
            |at: &u8| matches!(self.slots[usize::from(*at)].1, Slot::Judged | Slot::Told | Slot::Instant);
        let carries = |name: &str| self.slots_by_name.get(name).is_some_and(|slots| slots.iter().any(judged));
        self.entities.iter().any(|known| known == entity(&event.kind))
            && event.attributes.iter().any(|(name, _)| carries(name))
    }

    fn values(&self, event: &Event<'_>, dimension: &mut dyn FnMut(u8, &str) -> u64) -> Values {
        let mut values = Values::new();
        for (name, value) in event.attributes.iter() {
            for at in self.slots_by_name.get(name).into_iter().flatten() {
                let number = match self.slots[usize::from(*at)].1 {
                    Slot::Judged => self.constants.get(value.text().as_ref()).copied().unwrap_or(0),
                    Slot::Told => xxh3_64(value.text().as_bytes()),
                    Slot::Dimension(n) => dimension(n, &value.text()),
                    Slot::Instant => match Time::parse(&value.text()).filter(|time| time.in_range()) {
                        Some(time) => time.millis() as u64,
                        None => continue,
                    },
                };
                values.push((*at, number));
            }
        }
        // An attribute given twice counts with its later value; one order for all, so that equal facts are equal bytes.
        values.reverse();
        values.sort_by_key(|(at, _)| *at);
        values.dedup_by_key(|(at, _)| *at);
        values
    }

    /// What an event's conditions do, by commitment, in no particular order.
    pub fn actions(&self, kind: u16, conditions: u64) -> impl Iterator<Item = (u16, Action)> {
        let index = self.kinds.get(usize::from(kind));
        let all = index.into_iter().flat_map(|index| &index.conditions).enumerate();
        all.filter(move |(bit, _)| conditions >> bit & 1 == 1)
            .map(|(_, (commitment, action, _))| (*commitment, *action))
    }

    /// Whether two commitments are versions of one.
    pub fn are_versions(&self, one: u16, other: u16) -> bool {
        self.firsts[usize::from(one)] == self.firsts[usize::from(other)]
    }

    /// Whether a case with these attributes is in the scope of a commitment.
    pub fn in_scope(&self, commitment: u16, values: &Values) -> bool {
        self.scopes[usize::from(commitment)].iter().all(|test| match get(values, test.slot) {
            None => false,
            Some(value) => test.one_of.is_empty() || test.one_of.contains(&value) != test.is_not,
        })
    }

    /// The limit for a case with these attributes; `None`: no promise.
    pub fn limit(&self, commitment: u16, values: &Values) -> Option<Limit> {
        match &self.commitments[usize::from(commitment)].goal {
            Goal::Limit(limit) => Some(*limit),
            Goal::At { .. } => None,
            Goal::Table { rows, otherwise, .. } => {
                let value = self.goal_value(commitment, values);
                let row = rows.iter().find(|(text, _)| self.constants.get(text).copied() == value);
                row.map(|(_, limit)| *limit).or(*otherwise)
            }
        }
    }

    /// The value on which the goal of a commitment depends, if these attributes have it.
    pub fn goal_value(&self, commitment: u16, values: &Values) -> Option<u64> {
        get(values, self.goal_slots[usize::from(commitment)]?)
    }

    /// Whose clock this is, where each has one of their own, if these attributes say so.
    pub fn whose(&self, commitment: u16, values: &Values) -> Option<u64> {
        let slot = self.per_slots[usize::from(commitment)]?;
        Some(get(values, slot).unwrap_or(0))
    }

    /// Until when an event extends a clock of this commitment, if it says so.
    pub fn extends_until(&self, commitment: u16, values: &Values) -> Option<Time> {
        let slot = self.until_slots[usize::from(commitment)]?;
        get(values, slot).map(|millis| Time::from_millis(millis as i64))
    }

    /// Whether a fact carries an attribute on which a goal depends.
    pub fn moves_goals(&self, matched: &Matched) -> bool {
        matched.values.iter().any(|(slot, _)| self.moves_goals[usize::from(*slot)])
    }

    /// Whether the attributes of the whole case matter for what a fact does.
    pub fn needs_values(&self, matched: &Matched) -> bool {
        let starts = self.kinds.get(usize::from(matched.kind)).map_or(0, |kind| kind.starts);
        matched.conditions & starts != 0 || self.moves_goals(matched)
    }

    /// The parts that stop a clock of this commitment, a bit each.
    pub fn all_parts(&self, commitment: u16) -> u8 {
        match &self.commitments[usize::from(commitment)].stop {
            Stop::Any(_) => 1,
            Stop::All(parts) => ((1u16 << parts.len()) - 1) as u8,
        }
    }

    /// The slots of the dimensions by which events are counted, in their order.
    pub fn dimension_slots(&self) -> &[u8; 4] {
        &self.dimension_slots
    }

    /// The slots, by number: the attribute's name and what is remembered of it.
    pub fn slots(&self) -> &[(String, Slot)] {
        &self.slots
    }

    /// The name of a type of event, by the number that facts carry.
    pub fn kind_name(&self, kind: u16) -> Option<&str> {
        self.kind_ids.iter().find(|(_, id)| **id == kind).map(|(name, _)| name.as_str())
    }
}

/// What the clocks remember of an event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Matched {
    /// The number of its type; `u16::MAX` for a type that no condition names.
    pub kind: u16,
    /// The conditions on its type that it meets, a bit each.
    pub conditions: u64,
    /// The attributes that matter.
    pub values: Values,
}

/// Attribute values by slot.
pub type Values = SmallVec<[(u8, u64); 6]>;

/// The value in a slot.
pub fn get(values: &Values, slot: u8) -> Option<u64> {
    values.iter().rev().find(|(at, _)| *at == slot).map(|(_, value)| *value)
}

/// Lays newer values over older ones.
pub fn overlay(values: &mut Values, newer: &Values) {
    for (slot, value) in newer {
        match values.iter_mut().find(|(at, _)| at == slot) {
            Some(known) => known.1 = *value,
            None => values.push((*slot, *value)),
        }
    }
}

/// What a type of event is about: the part before the first dot.
fn entity(kind: &str) -> &str {
    kind.split('.').next().unwrap_or(kind)
}

/// Lets every version end where the next one of its name begins.
fn end_versions(commitments: &mut [Commitment]) -> Result<(), PolicyError> {
    let mut starts: BTreeMap<Arc<str>, Vec<Time>> = BTreeMap::new();
    for commitment in commitments.iter() {
        starts.entry(commitment.name.clone()).or_default().push(commitment.effective_from);
    }
    for (name, times) in &mut starts {
        times.sort_unstable();
        if let Some(pair) = times.windows(2).find(|pair| pair[0] == pair[1]) {
            return Err(PolicyError::SameStart(name.clone(), pair[0]));
        }
    }
    for commitment in commitments {
        let later = starts[&commitment.name].iter().find(|time| **time > commitment.effective_from);
        commitment.effective_until = later.copied().unwrap_or(Time::NEVER);
    }
    Ok(())
}

/// Two policies with one hash judge alike. The debug text names every field that decides; calendars count by theirs.
fn hash(commitments: &[Commitment], counting: &Counting) -> u64 {
    let mut text = format!("{counting:?}");
    for commitment in commitments {
        let Commitment { title: _, clause: _, owner: _, severity: _, calendar, .. } = commitment;
        let mut bare = commitment.clone();
        bare.title = Arc::default();
        bare.owner = Arc::default();
        bare.severity = Severity::Minor;
        bare.calendar = Arc::new(Calendar::always());
        text.push_str(&format!("{bare:?}{:016x}", calendar.hash()));
    }
    xxh3_64(text.as_bytes())
}
