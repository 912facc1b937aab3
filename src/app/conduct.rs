//! How cases went through their lifecycles, as a report says it.

use std::sync::Arc;

use serde::Serialize;

use super::report::{Durations, durations};
use crate::engine::conduct::{Conduct, Passage, Stage};
use crate::lifecycle::course::Violation;
use crate::lifecycle::{Lifecycle, Lifecycles};
use crate::names::Text;
use crate::sla::history::FACTS_MAX;
use crate::sla::objective::{share, wilson};

/// One lifecycle in sum.
#[derive(Debug, Serialize)]
pub struct LifecycleReport {
    /// Its name.
    pub name: Arc<str>,
    /// What goes this way.
    pub title: Text,
    /// Where it comes from.
    pub clause: String,
    /// Cases that have begun.
    pub cases: u64,
    /// Of these, at an end.
    pub ended: u64,
    /// Of those, without any violation.
    pub conforming: u64,
    /// Conforming of ended; `null` if there are none.
    pub conforming_share: Option<f64>,
    /// The 95 % interval of that share (Wilson, 1927).
    pub conforming_share_interval: Option<(f64, f64)>,
    /// What cases did that they should not, by kind, state and event.
    pub violations: Vec<ViolationReport>,
    /// Per state, in the order of a life.
    pub states: Vec<StateReport>,
}

/// What cases did that they should not.
#[derive(Debug, Serialize)]
pub struct ViolationReport {
    /// Of which kind: `not_begun`, `illegal`, `after_end` or `missing`.
    pub kind: &'static str,
    /// Where the case was; `null` when it had not begun. The end, when a step was missing.
    pub from: Option<Arc<str>>,
    /// The type of the event; `null` when a step was missing.
    pub event: Option<String>,
    /// Where the event leads; `null` if it leads nowhere. The step, when one was missing.
    pub to: Option<Arc<str>>,
    /// How often.
    pub count: u64,
}

/// One state in sum.
#[derive(Debug, Serialize)]
pub struct StateReport {
    /// Its name.
    pub name: Arc<str>,
    /// What it means.
    pub title: Text,
    /// Where it comes from.
    pub clause: String,
    /// Cases that are in it.
    pub here: u64,
    /// How long cases stayed that have left it, in seconds of the wall's time.
    pub stayed_seconds: Durations,
}

/// The lifecycles that any case went through, in their order.
pub fn in_sum(lifecycles: &Lifecycles, conduct: &Conduct) -> Vec<LifecycleReport> {
    let pairs = lifecycles.iter().zip(&conduct.lifecycles).filter(|(_, sums)| sums.cases > 0);
    pairs.map(|(lifecycle, sums)| lifecycle_in_sum(lifecycles, lifecycle, sums)).collect()
}

/// Events that were left out: loud, because the figures are wrong.
pub fn warning(conduct: &Conduct) -> Option<Text> {
    let n = conduct.overfull;
    (n > 0).then(|| {
        Text::new(
            format!(
                "{n} events were left out of the lifecycles: a subject may keep {FACTS_MAX}. Give each case a subject \
                 of its own"
            ),
            format!("{n}个事件未计入流程检查：每个对象最多保留{FACTS_MAX}个事件。请为每个案例使用独立的对象编号"),
        )
    })
}

fn lifecycle_in_sum(lifecycles: &Lifecycles, lifecycle: &Lifecycle, sums: &Passage) -> LifecycleReport {
    let violation = |(violation, count)| violation_in_sum(lifecycles, lifecycle, violation, count);
    LifecycleReport {
        name: lifecycle.name.clone(),
        title: lifecycle.title.clone(),
        clause: lifecycle.clause.clone(),
        cases: sums.cases,
        ended: sums.ended,
        conforming: sums.conforming,
        conforming_share: share(sums.conforming, sums.ended),
        conforming_share_interval: wilson(sums.conforming, sums.ended),
        violations: sums.violations.iter().map(|(one, count)| violation((*one, *count))).collect(),
        states: lifecycle.states.iter().zip(&sums.states).map(state_in_sum).collect(),
    }
}

fn violation_in_sum(
    lifecycles: &Lifecycles,
    lifecycle: &Lifecycle,
    violation: Violation,
    count: u64,
) -> ViolationReport {
    let name = |state: u8| lifecycle.states[usize::from(state)].name.clone();
    let (word, from, event, to) = match violation {
        Violation::NotBegun { kind, to } => ("not_begun", None, Some(kind), to),
        Violation::Illegal { from, kind, to } => ("illegal", Some(from), Some(kind), to),
        Violation::AfterEnd { from, kind, to } => ("after_end", Some(from), Some(kind), to),
        Violation::Missing { step, end } => ("missing", Some(end), None, Some(step)),
    };
    ViolationReport {
        kind: word,
        from: from.map(name),
        event: event.map(|kind| lifecycles.kind_name(kind).to_owned()),
        to: to.map(name),
        count,
    }
}

fn state_in_sum((state, sums): (&crate::lifecycle::State, &Stage)) -> StateReport {
    StateReport {
        name: state.name.clone(),
        title: state.title.clone(),
        clause: state.clause.clone(),
        here: sums.here,
        stayed_seconds: durations(&sums.stayed),
    }
}
