//! How much was counted where? Cumulative counts per pane and cell, with dimensions numbered in the order in which the
//! log names their values, so that the cap on their number cuts off the same ones at every replay.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use foldhash::fast::FixedState;
use hashbrown::HashMap;
use smallvec::SmallVec;

use crate::event::{Event, NAME_BYTES_MAX};
use crate::sla::policy::{CUSTOMER, DIMENSIONS, Policy, Values, get};
use crate::time::{Span, Time};
use crate::window::{Cell, Counts, Judged, OTHER, UNKNOWN};

/// The numbers of a cell's four values.
pub type CellKey = [u16; 4];
/// A pane, and what an objective is kept under.
pub type Place = (Time, u64);

/// A breach that is counted (+1) or not any more (−1) in a pane and cell, and by some objectives.
#[derive(Clone, Debug)]
pub struct Adjustment {
    /// The pane in which it was due.
    pub pane: Time,
    /// The cell of its case.
    pub key: CellKey,
    /// What the objectives that count it are kept under.
    pub objectives: SmallVec<[u64; 1]>,
    /// One more, or one less.
    pub by: i64,
}

/// The values of each dimension, in the order of their numbers.
pub type DimensionNames = [Vec<Arc<str>>; 4];

type Map<K, V> = HashMap<K, V, FixedState>;

/// The values of one dimension. 0 is "unknown", 1 is "other".
#[derive(Clone, Debug)]
struct Names {
    names: Vec<Arc<str>>,
    numbers: Map<Arc<str>, u16>,
    /// What was asked for last: many dimensions hardly vary.
    last: u16,
}

impl Names {
    fn new() -> Names {
        let names: Vec<Arc<str>> = vec![UNKNOWN.into(), OTHER.into()];
        let numbers = names.iter().cloned().zip(0..).collect();
        Names { names, numbers, last: 0 }
    }

    fn number(&mut self, text: &str, cap: u16) -> u16 {
        if *self.names[usize::from(self.last)] == *text {
            return self.last;
        }
        if let Some(number) = self.numbers.get(text) {
            self.last = *number;
            return *number;
        }
        if text.is_empty() {
            return 0;
        }
        if self.names.len() >= usize::from(cap) + 2 || text.len() > NAME_BYTES_MAX {
            return 1;
        }
        let number = self.names.len() as u16;
        let name: Arc<str> = text.into();
        self.names.push(name.clone());
        self.numbers.insert(name, number);
        number
    }
}

/// The counts of one pane.
type Cells = BTreeMap<CellKey, Counts>;

/// Counts per pane and cell.
#[derive(Clone, Debug)]
pub struct Panes {
    width: Span,
    cap: u16,
    names: [Names; 4],
    /// A pane that a snapshot shares is copied before it is changed.
    panes: BTreeMap<Time, Arc<Cells>>,
    changed: BTreeSet<(Time, CellKey)>,
    /// What objectives count, and which of it changed.
    judged: BTreeMap<Place, Judged>,
    judged_changed: BTreeSet<Place>,
    bound: Time,
    /// Whether what was counted under somebody else has still to be shipped anew.
    taken_over: bool,
}

impl Panes {
    /// Nothing counted yet.
    pub fn new(width: Span, cap: u16) -> Panes {
        let names = std::array::from_fn(|_| Names::new());
        Panes {
            width,
            cap,
            names,
            panes: BTreeMap::new(),
            changed: BTreeSet::new(),
            judged: BTreeMap::new(),
            judged_changed: BTreeSet::new(),
            bound: Time::MIN,
            taken_over: false,
        }
    }

    /// The number of a dimension's value, a new one if it has none and there is room.
    pub fn number(&mut self, dimension: u8, text: &str) -> u16 {
        self.names[usize::from(dimension)].number(text, self.cap)
    }

    /// Counts an event; `false` if it is nothing that is counted. `cell`: where it belongs, if that is known.
    pub fn count(&mut self, policy: &Policy, event: &Event<'_>, cell: Option<CellKey>) -> bool {
        let Some(counted) = policy.counted(&event.kind) else { return false };
        let pane = event.time.floor(self.width);
        let mut is_judged = false;
        for (objective, good) in counted.shares(event) {
            is_judged = true;
            self.judge((pane, objective), 1, i64::from(good));
        }
        let Some(complaint) = counted.as_complaint(event) else { return is_judged };
        let key = cell.unwrap_or_else(|| {
            std::array::from_fn(|n| {
                let value = event.attributes.get(DIMENSIONS[n]);
                value.map_or(0, |value| self.number(n as u8, &value.text()))
            })
        });
        let score = policy.counting.score.as_ref().and_then(|name| event.attributes.get(name)?.number());
        let customer = event.attributes.get(CUSTOMER).filter(|_| complaint);
        let counts = self.counts_mut(pane, key);
        counts.activity += 1;
        counts.complaints += u64::from(complaint);
        if let Some(score) = score.filter(|score| score.abs() < 1e6) {
            counts.add_score(score);
        }
        if let Some(customer) = customer {
            counts.add_customer(xxhash_rust::xxh3::xxh3_64(customer.text().as_bytes()));
        }
        self.changed.insert((pane, key));
        true
    }

    /// Counts cases of an objective, more or less of them. What comes for a pane that is forgotten is not counted.
    fn judge(&mut self, place: Place, n: i64, good: i64) {
        if self.is_behind(place.0) {
            return;
        }
        let judged = self.judged.entry(place).or_default();
        judged.n = judged.n.saturating_add_signed(n);
        judged.good = judged.good.saturating_add_signed(good);
        self.judged_changed.insert(place);
    }

    /// A clock that an objective counts was kept when it stopped at `stopped`, or (`by` less than 0) was not after all.
    pub fn judge_kept(&mut self, objective: u64, stopped: Time, by: i64) {
        self.judge((stopped.floor(self.width), objective), by, by);
    }

    fn counts_mut(&mut self, pane: Time, key: CellKey) -> &mut Counts {
        Arc::make_mut(self.panes.entry(pane).or_default()).entry(key).or_default()
    }

    /// No event can reach the panes that end at `bound` or before any more. Those that were shipped are forgotten now, the
    /// others when they are.
    pub fn leave_behind(&mut self, bound: Time) {
        self.bound = bound;
        self.forget_shipped();
    }

    /// Whether the next cut must ship what changed: after a takeover, and when no event can reach one of the panes any
    /// more.
    pub fn must_ship(&self) -> bool {
        let is_behind = |pane: Option<Time>| pane.is_some_and(|pane| self.is_behind(pane));
        let first_judged = self.judged_changed.first().map(|(pane, _)| *pane);
        self.taken_over || is_behind(self.changed.first().map(|(pane, _)| *pane)) || is_behind(first_judged)
    }

    /// The last cut of somebody else was reached. It had shipped everything that lies behind the bound; the rest is shipped
    /// anew, also what counts nothing any more.
    pub fn take_over(&mut self) {
        let (width, bound) = (self.width, self.bound);
        self.changed.retain(|(pane, _)| *pane + width > bound);
        self.judged_changed.retain(|(pane, _)| *pane + width > bound);
        self.forget_shipped();
        self.taken_over = true;
    }

    fn is_behind(&self, pane: Time) -> bool {
        pane + self.width <= self.bound
    }

    fn forget_shipped(&mut self) {
        while let Some((place, _)) = self.judged.first_key_value() {
            if !self.is_behind(place.0) || self.judged_changed.contains(place) {
                break;
            }
            self.judged.pop_first();
        }
        while let Some(mut first) = self.panes.first_entry() {
            let pane = *first.key();
            if pane + self.width > self.bound {
                return;
            }
            let waiting = |key: &CellKey| self.changed.contains(&(pane, *key));
            if first.get().keys().any(waiting) {
                if !first.get().keys().all(waiting) {
                    Arc::make_mut(first.get_mut()).retain(|key, _| waiting(key));
                }
                return;
            }
            first.remove();
        }
    }

    /// Where a breach that was due at `due` is counted; `None` when that pane is forgotten.
    pub fn place(&self, due: Time, cell: &Cell) -> Option<(Time, CellKey)> {
        let pane = due.floor(self.width);
        let texts = [&cell.product, &cell.region, &cell.channel, &cell.category];
        let key = std::array::from_fn(|n| self.names[n].numbers.get(texts[n]).copied().unwrap_or(0));
        (!self.is_behind(pane)).then_some((pane, key))
    }

    /// The cell with these numbers, in words.
    fn cell(&self, key: CellKey) -> Cell {
        let name = |n: usize| self.names[n].names[usize::from(key[n])].clone();
        Cell { product: name(0), region: name(1), channel: name(2), category: name(3) }
    }

    /// The cell a case with these attributes is in.
    pub fn cell_of(&self, policy: &Policy, values: &Values) -> Cell {
        self.cell(key_of(policy, values))
    }

    /// The panes that changed since they were last settled, as they are when these breaches are counted, too.
    pub fn changed(&self, adjustments: &[Adjustment]) -> Vec<(Time, Cell, Counts)> {
        let mut sums = by_place(adjustments);
        for place in &self.changed {
            sums.entry(*place).or_insert(0);
        }
        let with = |((pane, key), by): ((Time, CellKey), i64)| {
            let counts = self.panes.get(&pane).and_then(|cells| cells.get(&key));
            let mut counts = counts.cloned().unwrap_or_default();
            counts.breaches = counts.breaches.saturating_add_signed(by);
            (pane, self.cell(key), counts)
        };
        sums.into_iter().map(with).collect()
    }

    /// The same of what objectives count. A breach that is counted is a case that is not good.
    pub fn judged_changed(&self, adjustments: &[Adjustment]) -> Vec<(Time, u64, Judged)> {
        let mut sums = judged_by_place(adjustments);
        for place in &self.judged_changed {
            sums.entry(*place).or_insert(0);
        }
        let with = |((pane, objective), by): (Place, i64)| {
            let mut judged = self.judged.get(&(pane, objective)).copied().unwrap_or_default();
            judged.n = judged.n.saturating_add_signed(by);
            (pane, objective, judged)
        };
        sums.into_iter().map(with).collect()
    }

    /// Breaches were said, and with `shipped` all changed panes were.
    pub fn settle(&mut self, adjustments: &[Adjustment], shipped: bool) {
        for (place, by) in judged_by_place(adjustments) {
            self.judge(place, by, 0);
        }
        for ((pane, key), by) in by_place(adjustments) {
            let counts = self.counts_mut(pane, key);
            counts.breaches = counts.breaches.saturating_add_signed(by);
            self.changed.insert((pane, key));
        }
        if shipped {
            // A breach that was taken back leaves nothing behind, as if it had never been said.
            for (pane, key) in std::mem::take(&mut self.changed) {
                let Entry::Occupied(mut cells) = self.panes.entry(pane) else { continue };
                if cells.get().get(&key).is_some_and(|counts| *counts == Counts::default()) {
                    Arc::make_mut(cells.get_mut()).remove(&key);
                }
                if cells.get().is_empty() {
                    cells.remove();
                }
            }
            for place in std::mem::take(&mut self.judged_changed) {
                if self.judged.get(&place).is_some_and(|judged| *judged == Judged::default()) {
                    self.judged.remove(&place);
                }
            }
            self.taken_over = false;
            self.forget_shipped();
        }
    }

    /// The names of each dimension and the counts, as they are now.
    pub fn snapshot(&self) -> PanesSnapshot {
        let names = std::array::from_fn(|n| self.names[n].names.clone());
        let judged = self.judged.iter().map(|((pane, objective), judged)| (*pane, *objective, *judged));
        PanesSnapshot { names, panes: self.panes.clone(), judged: judged.collect() }
    }

    /// From what was stored. Every pane counts as changed: what is said twice is merged by stamp.
    pub fn restore(
        &mut self,
        names: DimensionNames,
        counts: Vec<(Time, CellKey, Counts)>,
        judged: Vec<(Time, u64, Judged)>,
        bound: Time,
    ) {
        self.names = names.map(|names| {
            let numbers = names.iter().cloned().zip(0..).collect();
            Names { names, numbers, last: 0 }
        });
        for (pane, key, counts) in counts {
            *self.counts_mut(pane, key) = counts;
            self.changed.insert((pane, key));
        }
        for (pane, objective, judged) in judged {
            self.judged.insert((pane, objective), judged);
            self.judged_changed.insert((pane, objective));
        }
        self.bound = bound;
        self.taken_over = true;
    }
}

/// The numbers of the dimensions among these attributes.
pub fn key_of(policy: &Policy, values: &Values) -> CellKey {
    policy.dimension_slots().map(|slot| get(values, slot).map_or(0, |number| number as u16))
}

/// How many breaches more or less there are in each pane and cell. A jump of the clock brings thousands of them at once.
fn by_place(adjustments: &[Adjustment]) -> BTreeMap<(Time, CellKey), i64> {
    let mut sums = BTreeMap::new();
    adjustments.iter().for_each(|one| *sums.entry((one.pane, one.key)).or_default() += one.by);
    sums
}

/// The same for each objective.
fn judged_by_place(adjustments: &[Adjustment]) -> BTreeMap<Place, i64> {
    let mut sums = BTreeMap::new();
    for one in adjustments {
        one.objectives.iter().for_each(|id| *sums.entry((one.pane, *id)).or_default() += one.by);
    }
    sums
}

/// What was counted as it was at some moment.
pub struct PanesSnapshot {
    /// The names of each dimension.
    pub names: DimensionNames,
    panes: BTreeMap<Time, Arc<Cells>>,
    /// What objectives count, by pane: a few for each of the panes of a horizon.
    pub judged: Vec<(Time, u64, Judged)>,
}

impl PanesSnapshot {
    /// How many counts there are.
    pub fn len(&self) -> usize {
        self.panes.values().map(|cells| cells.len()).sum()
    }

    /// The counts, by pane and cell.
    pub fn iter(&self) -> impl Iterator<Item = (Time, CellKey, &Counts)> {
        self.panes.iter().flat_map(|(pane, cells)| cells.iter().map(|(key, counts)| (*pane, *key, counts)))
    }
}
