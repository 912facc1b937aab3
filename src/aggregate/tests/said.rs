//! What is made of what was said by somebody who has forgotten it, or never knew it?

use crate::aggregate::{Aggregate, Options, signal_id};
use crate::alert::{About, Action, Alert, Alerts, Status};
use crate::detect::{Finding, Measure, Series, Signal};
use crate::time::{Span, Time};

fn alert(minute: i64, status: Status) -> Alert {
    let start = Time::from_millis(1_772_352_000_000) + Span::from_minutes(minute);
    let end = start + Span::from_hours(1);
    let signal = Signal {
        series: Series::all(),
        measure: Measure::Complaints,
        finding: Finding::Spike,
        window_start: start,
        window_end: end,
        observed: 20,
        expected: 3.0,
        p_value: 0.001,
        ended: (status == Status::Resolved).then_some(end),
    };
    Alert { id: signal_id(&signal), status, about: About::Signal(Box::new(signal)) }
}

#[test]
fn what_has_ended_is_history_and_what_goes_on_is_taken_back() {
    let mut aggregate: Aggregate = Aggregate::new(Options::default(), 1);
    let (over, open) = (alert(0, Status::Resolved), alert(60, Status::Open));
    let said: Alerts = [&over, &open].into_iter().map(|alert| (alert.id, alert.clone())).collect();
    aggregate.take_said(said);
    let changes = aggregate.changes();
    assert_eq!(
        changes.iter().map(|one| (one.action, one.alert.id)).collect::<Vec<_>>(),
        [(Action::Retracted, open.id)]
    );
}
