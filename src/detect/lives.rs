//! Which values are there, and in which nodes does a cell count while one of them is new? The lives of all values.
//!
//! Ground rules: what is new has no past, so its arrival must not look like a spike of something that has one. What is
//! kept apart is the *subject* of a complaint, its product. While a product is new, its cells count only in nodes that
//! fix it: an airline whose collection begins in the middle of the stream is no spike of everything, nor of a category.
//! The complaints of an established product can be compared with that product's own past, whatever they bear besides;
//! so a region, channel or category that is new takes nothing away: regions that are first named in an outage must not
//! hide it. Where the product is not known, its place is taken by the other values, and a node that fixes one of the
//! new ones counts the cell. In any case a node that fixes a new value is not judged itself: it has no past.
//!
//! ```text
//!   cell (product, region)      counts in
//!   established, new            everything, product, region, product × region
//!   new, established            product, product × region
//!   unknown, new                region
//! ```

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::Options;
use super::newness::{Life, Stage, Turn};
use super::node::Tallies;
use super::series::{Dimension, Series};
use crate::time::Time;
use crate::window::Cell;

/// A value of a dimension.
pub(super) type Key = (Dimension, Arc<str>);

/// The life of the whole stream, and that of each value.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Lives {
    /// When the whole stream really began.
    pub(super) began: Option<Time>,
    whole: Option<Life>,
    values: BTreeMap<Key, Life>,
}

/// What a step changed.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Turns {
    /// Nodes whose past begins with this bucket.
    pub(super) restarted: Vec<Series>,
    /// Values that are not new any more, because they have been there long enough.
    pub(super) settled: BTreeSet<Key>,
    /// Whether some cells count elsewhere now.
    pub(super) moved: bool,
}

impl Lives {
    /// Takes the activity of the bucket that starts at `at`.
    pub(super) fn step(&mut self, at: Time, tallies: Option<&Tallies>, options: &Options) -> Turns {
        let (mut activity, mut whole): (BTreeMap<Key, u64>, u64) = (BTreeMap::new(), 0);
        for (cell, tally) in tallies.into_iter().flatten() {
            whole += tally.activity;
            for key in Series::of(cell).fixed() {
                *activity.entry(key).or_default() += tally.activity;
            }
        }
        let mut turns = Turns::default();
        if self.whole.get_or_insert_with(Life::new).step(at, whole, None, options) == Turn::Founded {
            self.began = Some(at);
            turns.restarted.push(Series::all());
        }
        for key in activity.keys() {
            self.values.entry(key.clone()).or_insert_with(Life::new);
        }
        for (key, life) in &mut self.values {
            let turn = life.step(at, activity.get(key).copied().unwrap_or(0), self.began, options);
            // What little there was before must not stand for what is normal from now on.
            if turn == Turn::Founded || turn == Turn::Born {
                turns.restarted.push(Series::margin(key.0, key.1.clone()));
            }
            if turn == Turn::Settled {
                turns.settled.insert(key.clone());
            }
            turns.moved |= matches!(turn, Turn::Born | Turn::Settled | Turn::Gone);
        }
        turns
    }

    /// The values that are new, since when, and how many events a day they had before.
    pub(super) fn newcomers(&self) -> impl Iterator<Item = (Series, Time, f64)> {
        self.values.iter().filter_map(|((dimension, value), life)| {
            let Stage::New { since, .. } = life.stage else { return None };
            Some((Series::margin(*dimension, value.clone()), since, life.before_per_day(since, self.began)))
        })
    }

    /// Whether the node fixes a value that is new.
    pub(super) fn fixes_new(&self, series: &Series) -> bool {
        series.fixed().any(|key| self.values.get(&key).is_some_and(Life::is_new))
    }

    /// The nodes in which a cell counts; those in which it counted before these values `settled`, if there are any.
    pub(super) fn lineage(
        &self,
        cell: &Cell,
        settled: &BTreeSet<Key>,
    ) -> impl Iterator<Item = Series> + use<> {
        let apart = self.apart(cell, settled);
        let counts =
            move |series: &Series| apart.is_empty() || apart.iter().any(|d| series.get(*d).is_some());
        Series::lineage(cell).into_iter().filter(counts)
    }

    /// The dimensions of which a node must fix one for the cell to count in it; none if it counts everywhere.
    fn apart(&self, cell: &Cell, settled: &BTreeSet<Key>) -> Vec<Dimension> {
        let stage = |key: &Key| self.values.get(key).map(|life| life.stage);
        let is_new = |key: &Key| settled.contains(key) || matches!(stage(key), Some(Stage::New { .. }));
        let finest = Series::of(cell);
        if let Some(product) = finest.fixed().find(|(dimension, _)| *dimension == Dimension::Product) {
            if is_new(&product) {
                return vec![Dimension::Product];
            }
            if stage(&product) == Some(Stage::Established) {
                return Vec::new();
            }
        }
        finest.fixed().filter(is_new).map(|(dimension, _)| dimension).collect()
    }

    /// When the past of a node begins: with the stream, or with the youngest of its values.
    pub(super) fn since(&self, series: &Series) -> Option<Time> {
        let since = |key: Key| self.values.get(&key).and_then(|life| life.since);
        series.fixed().filter_map(since).max().max(self.began)
    }

    /// Forgets the values of which nothing was seen since then, and says which.
    pub(super) fn forget(&mut self, since: Time) -> Vec<Series> {
        let mut gone = Vec::new();
        self.values.retain(|(dimension, value), life| {
            let is_gone = life.is_silent(since);
            if is_gone {
                gone.push(Series::margin(*dimension, value.clone()));
            }
            !is_gone
        });
        gone
    }
}

#[cfg(test)]
mod tests {
    use super::super::node::Tally;
    use super::*;
    use crate::time::Span;

    fn cell(product: &str, region: &str) -> Cell {
        Cell {
            product: product.into(),
            region: region.into(),
            channel: "unknown".into(),
            category: "unknown".into(),
        }
    }

    fn hour(n: i64) -> Time {
        Time::from_millis(0) + Span::from_hours(n)
    }

    /// Lives of a stream in which product `old` and region `home` were there for five days, and then ten events of
    /// this cell came.
    fn lives(late: &Cell) -> Lives {
        let (mut lives, options) = (Lives::default(), Options::default());
        let ten = Tally { activity: 10, complaints: 10, breaches: 0 };
        for n in 0..121 {
            let mut tallies = Tallies::from([(cell("old", "home"), ten)]);
            if n == 120 {
                tallies.insert(late.clone(), ten);
            }
            lives.step(hour(n), Some(&tallies), &options);
        }
        lives
    }

    #[test]
    fn only_the_subject_is_kept_apart() {
        let check = |product, region, expect: &[&str]| {
            let late = cell(product, region);
            let names: Vec<String> =
                lives(&late).lineage(&late, &BTreeSet::new()).map(|series| series.name().en).collect();
            assert_eq!(names, expect, "{product} {region}");
        };
        let pair = |product: &str, region: &str| format!("product {product}, region {region}");
        check("old", "home", &["everything", "product old", "region home", &pair("old", "home")]);
        check("old", "new", &["everything", "product old", "region new", &pair("old", "new")]);
        check("new", "home", &["product new", &pair("new", "home")]);
        check("new", "fresh", &["product new", &pair("new", "fresh")]);
        check("unknown", "new", &["region new"]);
        check("unknown", "home", &["everything", "region home"]);
    }

    #[test]
    fn what_settled_counted_elsewhere_before() {
        let lives = lives(&cell("old", "home"));
        let settled = BTreeSet::from([(Dimension::Product, "old".into())]);
        let before = |cell: &Cell| lives.lineage(cell, &settled).count();
        assert_eq!(before(&cell("old", "home")), 2);
        assert_eq!(before(&cell("unknown", "home")), 2);
    }

    #[test]
    fn what_is_silent_for_long_is_forgotten() {
        let mut lives = lives(&cell("new", "home"));
        assert_eq!(lives.forget(hour(120)), []);
        assert!(lives.fixes_new(&Series::margin(Dimension::Product, "new".into())));
        let gone = lives.forget(hour(121));
        assert_eq!(gone.len(), 3, "{gone:?}");
        assert!(!lives.fixes_new(&Series::margin(Dimension::Product, "new".into())));
    }
}
