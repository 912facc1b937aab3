//! Which series is it? The nodes of the roll-up tree: everything, one value, a product in a region, a full cell.
//!
//! Ground rules: a value that is [`UNKNOWN`] says nothing and makes no node of its own (what is unknown is counted in
//! the nodes above); so a cell of which only product and category are known is the node product × category.
//!
//! ```text
//!   everything ─┬─ product ──┬─ product × region ─┐
//!               ├─ region ───┘                    ├─ full cell
//!               ├─ channel                        │
//!               └─ category ──────────────────────┘
//! ```

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use smallvec::SmallVec;

use crate::names::Text;
use crate::window::{Cell, UNKNOWN};

/// A node of the roll-up: the values that are fixed; none is everything.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Series {
    /// The product, or all of them.
    pub product: Option<Arc<str>>,
    /// The region, or all of them.
    pub region: Option<Arc<str>>,
    /// The channel, or all of them.
    pub channel: Option<Arc<str>>,
    /// The category, or all of them.
    pub category: Option<Arc<str>>,
}

/// One of the four dimensions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Dimension {
    /// What was sold.
    Product,
    /// Where.
    Region,
    /// By which way it came.
    Channel,
    /// What it is about.
    Category,
}

impl Dimension {
    /// All of them, in their order.
    pub const ALL: [Dimension; 4] =
        [Dimension::Product, Dimension::Region, Dimension::Channel, Dimension::Category];

    /// Its name.
    pub fn name(self) -> &'static str {
        self.names().0
    }

    fn names(self) -> (&'static str, &'static str) {
        match self {
            Dimension::Product => ("product", "产品"),
            Dimension::Region => ("region", "地区"),
            Dimension::Channel => ("channel", "渠道"),
            Dimension::Category => ("category", "类别"),
        }
    }
}

impl Series {
    /// Everything.
    pub fn all() -> Series {
        Series::default()
    }

    /// The node of one value: a margin.
    pub fn margin(dimension: Dimension, value: Arc<str>) -> Series {
        let mut series = Series::default();
        *series.slot(dimension) = Some(value);
        series
    }

    /// The finest node a cell belongs to.
    pub fn of(cell: &Cell) -> Series {
        let known = |value: &Arc<str>| (&**value != UNKNOWN).then(|| value.clone());
        Series {
            product: known(&cell.product),
            region: known(&cell.region),
            channel: known(&cell.channel),
            category: known(&cell.category),
        }
    }

    /// All nodes a cell counts into, from everything down to its finest, each once.
    pub fn lineage(cell: &Cell) -> SmallVec<[Series; 7]> {
        let finest = Series::of(cell);
        let mut lineage = SmallVec::new();
        lineage.push(Series::all());
        for dimension in Dimension::ALL {
            if let Some(value) = finest.get(dimension) {
                lineage.push(Series::margin(dimension, value.clone()));
            }
        }
        let pair =
            Series { product: finest.product.clone(), region: finest.region.clone(), ..Series::default() };
        for node in [pair, finest] {
            if node.depth() > 1 && !lineage.contains(&node) {
                lineage.push(node);
            }
        }
        lineage
    }

    /// The value fixed in a dimension.
    pub fn get(&self, dimension: Dimension) -> Option<&Arc<str>> {
        match dimension {
            Dimension::Product => self.product.as_ref(),
            Dimension::Region => self.region.as_ref(),
            Dimension::Channel => self.channel.as_ref(),
            Dimension::Category => self.category.as_ref(),
        }
    }

    fn slot(&mut self, dimension: Dimension) -> &mut Option<Arc<str>> {
        match dimension {
            Dimension::Product => &mut self.product,
            Dimension::Region => &mut self.region,
            Dimension::Channel => &mut self.channel,
            Dimension::Category => &mut self.category,
        }
    }

    /// The values that are fixed.
    pub(super) fn fixed(&self) -> impl Iterator<Item = (Dimension, Arc<str>)> {
        Dimension::ALL.into_iter().filter_map(|d| self.get(d).map(|value| (d, value.clone())))
    }

    /// How many values are fixed, 0 (everything) to 4.
    pub fn depth(&self) -> usize {
        Dimension::ALL.iter().filter(|d| self.get(**d).is_some()).count()
    }

    /// Whether everything in `other` is also in this node; a node contains itself.
    pub fn contains(&self, other: &Series) -> bool {
        Dimension::ALL.iter().all(|d| self.get(*d).is_none_or(|value| other.get(*d) == Some(value)))
    }

    /// Whether a cell counts into this node.
    pub fn contains_cell(&self, cell: &Cell) -> bool {
        let is = |mine: &Option<Arc<str>>, value: &Arc<str>| mine.as_ref().is_none_or(|mine| mine == value);
        is(&self.product, &cell.product)
            && is(&self.region, &cell.region)
            && is(&self.channel, &cell.channel)
            && is(&self.category, &cell.category)
    }

    /// Whether one of the two contains the other.
    pub fn is_kin(&self, other: &Series) -> bool {
        self.contains(other) || other.contains(self)
    }

    /// What is in both; `None` when they differ in a dimension that both fix.
    pub fn meet(&self, other: &Series) -> Option<Series> {
        let mut meet = self.clone();
        for dimension in Dimension::ALL {
            match (self.get(dimension), other.get(dimension)) {
                (Some(mine), Some(theirs)) if mine != theirs => return None,
                (None, Some(theirs)) => *meet.slot(dimension) = Some(theirs.clone()),
                _ => {}
            }
        }
        Some(meet)
    }

    /// The node whose daily and weekly shape this one inherits: its product, else everything; `None` of everything.
    pub fn parent(&self) -> Option<Series> {
        match (self.depth(), &self.product) {
            (0, _) => None,
            (1, _) | (_, None) => Some(Series::all()),
            (_, Some(product)) => Some(Series::margin(Dimension::Product, product.clone())),
        }
    }

    /// Whether others inherit from this node: everything, and each product.
    pub fn is_parent(&self) -> bool {
        self.depth() == 0 || self.depth() == 1 && self.product.is_some()
    }

    /// A text that is different for every node, for identities; not for people.
    pub fn key(&self) -> String {
        let mut key = String::new();
        for dimension in Dimension::ALL {
            if let Some(value) = self.get(dimension) {
                key.push_str(&format!("{}={}:{value};", dimension.names().0, value.len()));
            }
        }
        key
    }

    /// Its name for people.
    pub fn name(&self) -> Text {
        let fixed = || Dimension::ALL.iter().filter_map(|d| self.get(*d).map(|value| (d.names(), value)));
        if self.depth() == 0 {
            return Text::new("everything", "全部业务");
        }
        let en: Vec<String> = fixed().map(|((en, _), value)| format!("{en} {value}")).collect();
        let zh: Vec<String> = fixed().map(|((_, zh), value)| format!("{zh}“{value}”")).collect();
        Text::new(en.join(", "), zh.join("、"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cell(product: &str, region: &str, channel: &str, category: &str) -> Cell {
        Cell {
            product: product.into(),
            region: region.into(),
            channel: channel.into(),
            category: category.into(),
        }
    }

    #[test]
    fn a_cell_counts_into_each_of_its_nodes_once() {
        let names = |cell: &Cell| Series::lineage(cell).iter().map(|s| s.name().en).collect::<Vec<_>>();
        assert_eq!(names(&cell("unknown", "unknown", "unknown", "unknown")), ["everything"]);
        assert_eq!(names(&cell("p", "unknown", "unknown", "unknown")), ["everything", "product p"]);
        assert_eq!(
            names(&cell("p", "unknown", "unknown", "c")),
            ["everything", "product p", "category c", "product p, category c"]
        );
        assert_eq!(names(&cell("p", "r", "unknown", "unknown")).len(), 4);
        assert_eq!(names(&cell("p", "r", "w", "c")).len(), 7);
    }

    #[test]
    fn kin_and_meets() {
        let product = Series::margin(Dimension::Product, "p".into());
        let region = Series::margin(Dimension::Region, "r".into());
        let pair = product.meet(&region).expect("they fix different dimensions");
        assert!(product.contains(&pair) && region.is_kin(&pair) && pair.is_kin(&region));
        assert!(!product.is_kin(&region) && Series::all().contains(&product));
        assert_eq!(product.meet(&Series::margin(Dimension::Product, "q".into())), None);
        assert_eq!(pair.parent(), Some(product.clone()));
        assert_eq!(product.parent(), Some(Series::all()));
        assert_eq!(Series::all().parent(), None);
        assert_eq!(pair.name().zh, "产品“p”、地区“r”");
        assert_ne!(product.key(), region.key());
    }

    #[test]
    fn what_is_unknown_counts_above() {
        let cell = cell("p", "unknown", "unknown", "unknown");
        assert!(Series::all().contains_cell(&cell));
        assert!(Series::margin(Dimension::Product, "p".into()).contains_cell(&cell));
        assert!(!Series::margin(Dimension::Region, "r".into()).contains_cell(&cell));
    }
}
