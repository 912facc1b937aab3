//! When is this one case due, and how much of its time is used? The engine's own clock, without a policy around it.
//!
//! A case is a calendar, a goal, and what happened to one clock. Goals in open time, pauses and the two boundary
//! conventions are the [`Clock`]'s. Goals in working days end at an instant: the same local time so many working days
//! later, or the last closing of that day; what the pauses took of the open time is put behind it.

use std::sync::Arc;

use super::clock::{Budget, Clock, Phase};
use super::terms::{Boundary, Landing, Mark};
use crate::calendar::Calendar;
use crate::time::{Span, Time};

/// One clock, from outside.
#[derive(Clone, Debug)]
pub struct Case {
    /// When it is open.
    pub calendar: Arc<Calendar>,
    /// What happened, in any order.
    pub events: Vec<(Time, Step)>,
    /// The goal; of one that changed, the last.
    pub goal: Option<Goal>,
    /// The goal before it changed.
    pub goal_before: Option<Goal>,
    /// Where a goal is due that is used up exactly at a closing.
    pub boundary: Boundary,
    /// How a change of the goal treats what was before.
    pub change: Change,
    /// When somebody is to be told, as seen from the due instant.
    pub warning: Option<Offset>,
}

/// What happens to a clock. At one instant they happen in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Step {
    /// It starts; a second start changes nothing.
    Start,
    /// The goal changes, by another priority or another policy.
    Change,
    /// A pause ends.
    Resume,
    /// What was promised happens. Nothing counts after it.
    Stop,
    /// A pause begins.
    Pause,
    /// Somebody looks at it, and it goes on.
    Evaluate,
}

/// How long it may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Goal {
    /// So much open time.
    Open(Span),
    /// So many working days; the start day is not counted. Less than none lie before the start.
    WorkingDays(i64, Landing),
}

/// How a change of the goal treats what was before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Change {
    /// Whether the new goal counts from the start; from the change otherwise.
    pub from_start: bool,
    /// Whether pauses before the change are taken off, too.
    pub with_pauses: bool,
}

/// How far before (less than nothing) or after the due instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Offset {
    /// In the clock's own time.
    Open(Span),
    /// In working days, at the same local time.
    WorkingDays(i64),
}

/// What comes out. What does not apply to the case is not there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// When the goal is, or would be, used up; `None` without a goal, and while a pause goes on before that.
    pub due: Option<Time>,
    /// The same before the goal changed.
    pub due_before: Option<Time>,
    /// The time used, in the clock's own time, up to the stop or the look at it.
    pub elapsed: Option<Span>,
    /// The time between start and stop on the wall.
    pub actual: Option<Span>,
    /// How much of the time used was over the goal.
    pub late: Option<Span>,
    /// The open time that pauses took, of those that ended.
    pub hold: Option<Span>,
    /// Whether the goal was exceeded at the stop, or is when somebody looks.
    pub breached: Option<bool>,
    /// When somebody is to be told.
    pub warning: Option<Time>,
    /// When it started.
    pub started: Time,
    /// Pauses, in order; the last may go on.
    pub pauses: Vec<(Time, Option<Time>)>,
    /// The stop, or the look at it.
    pub end: Option<Time>,
}

/// Works a case out; `None` where it never starts.
pub fn work_out(case: &Case) -> Option<Answer> {
    let mut events = case.events.clone();
    events.sort_unstable();
    let of = |wanted: Step| events.iter().find(|(_, step)| *step == wanted).map(|(at, _)| *at);
    let changed = of(Step::Change);
    let until_change =
        |(at, step): &&(Time, Step)| *step != Step::Change && changed.is_none_or(|changed| *at <= changed);
    let before: Vec<(Time, Step)> = events.iter().filter(until_change).copied().collect();
    let clock = run(&as_changed(&events, changed, case.change))?;
    let due_before = case
        .goal_before
        .filter(|_| changed.is_some())
        .and_then(|goal| due(&run(&before)?, &case.calendar, goal, case.boundary));
    let due = case.goal.and_then(|goal| due(&clock, &case.calendar, goal, case.boundary));
    let end = clock.ended().or(of(Step::Evaluate));
    let elapsed = end.map(|end| clock.elapsed(&case.calendar, end));
    let ended = clock.pauses().iter().map(|(from, to)| (*from, Some(*to)));
    let pauses: Vec<(Time, Option<Time>)> =
        ended.chain((clock.phase == Phase::Paused).then_some((clock.since, None))).collect();
    let (breached, late) = verdict(case, &clock, due, end);
    Some(Answer {
        due,
        due_before,
        elapsed,
        actual: clock.ended().map(|end| end - clock.started),
        late,
        hold: (!clock.pauses().is_empty()).then(|| clock.held(&case.calendar, Time::NEVER)),
        breached,
        warning: case.warning.and_then(|offset| warning(case, &clock, due?, offset)),
        started: clock.started,
        pauses,
        end,
    })
}

/// The events as a change of the goal leaves them.
fn as_changed(events: &[(Time, Step)], changed: Option<Time>, how: Change) -> Vec<(Time, Step)> {
    let Some(changed) = changed else { return events.to_vec() };
    let is_past = |at: Time| at < changed;
    let kept = events.iter().copied().filter(|(at, step)| match step {
        Step::Start => how.from_start || !is_past(*at),
        Step::Pause | Step::Resume => (how.from_start && how.with_pauses) || !is_past(*at),
        Step::Change => false,
        Step::Stop | Step::Evaluate => true,
    });
    let anew = (!how.from_start).then_some((changed, Step::Start));
    let mut kept: Vec<(Time, Step)> = kept.chain(anew).collect();
    kept.sort_unstable();
    kept
}

/// The clock after these events, which are in order. Where the stop comes before the start it is over as it starts.
fn run(events: &[(Time, Step)]) -> Option<Clock> {
    let mut clock: Option<Clock> = None;
    let mut is_over = false;
    for (at, step) in events {
        match (&mut clock, step) {
            (None, Step::Start) => {
                let clock = clock.insert(Clock::start(0, 0, *at));
                if is_over {
                    clock.enter(Phase::Stopped, *at);
                }
            }
            (None, Step::Stop) => is_over = true,
            (Some(clock), Step::Pause) if clock.phase == Phase::Running => clock.enter(Phase::Paused, *at),
            (Some(clock), Step::Resume) if clock.phase == Phase::Paused => clock.enter(Phase::Running, *at),
            (Some(clock), Step::Stop) if clock.is_open() => clock.enter(Phase::Stopped, *at),
            _ => {}
        }
    }
    clock
}

fn due(clock: &Clock, calendar: &Calendar, goal: Goal, boundary: Boundary) -> Option<Time> {
    match goal {
        Goal::Open(span) => {
            let reach = with_goal(clock, span).reach(calendar, Mark::DUE)?;
            // No time at all is used up where the office opens: whoever may start at once is not late before.
            let at_opening = boundary == Boundary::NextOpen || span == Span::ZERO;
            let due = if at_opening { reach.beyond } else { reach.reached };
            Some(due).filter(|due| *due != Time::NEVER)
        }
        Goal::WorkingDays(days, landing) => {
            let day = calendar.add_working_days(clock.started, days)?;
            let lands = match landing {
                Landing::SameTime => day,
                Landing::NextOpen => calendar.add_until_more(day, Span::ZERO),
                Landing::Closing => calendar.closing(day),
                Landing::Midnight => calendar.end_of_day(day, 0),
            };
            // While a pause goes on, nobody knows how long it will be.
            let is_known = clock.phase != Phase::Paused || clock.since > lands;
            is_known.then(|| calendar.add(lands, clock.held(calendar, Time::NEVER)))
        }
    }
}

fn with_goal(clock: &Clock, span: Span) -> Clock {
    let mut clock = clock.clone();
    clock.goal = Some(Budget::Open(span));
    clock
}

/// Whether the goal is exceeded, and by how much.
fn verdict(case: &Case, clock: &Clock, due: Option<Time>, end: Option<Time>) -> (Option<bool>, Option<Span>) {
    let (Some(goal), Some(end)) = (case.goal, end) else { return (None, None) };
    let late = match goal {
        Goal::Open(span) => clock.elapsed(&case.calendar, end) - span,
        Goal::WorkingDays(..) => due.map_or(Span::ZERO, |due| case.calendar.elapsed(due, end)),
    };
    let breached = match goal {
        Goal::Open(_) => late > Span::ZERO,
        Goal::WorkingDays(..) => due.is_some_and(|due| end > due),
    };
    (Some(breached), Some(late.max(Span::ZERO)))
}

fn warning(case: &Case, clock: &Clock, due: Time, offset: Offset) -> Option<Time> {
    let calendar = &case.calendar;
    let at = match (offset, case.goal?) {
        (Offset::WorkingDays(days), _) => calendar.add_working_days(due, days)?,
        // Pauses move it as they move the due instant.
        (Offset::Open(by), Goal::Open(goal)) => {
            clock.walk(calendar, (goal + by).max(Span::ZERO)).map(|reach| reach.reached)?
        }
        (Offset::Open(by), Goal::WorkingDays(..)) if by < Span::ZERO => {
            calendar.subtract(due, Span::ZERO - by)?
        }
        (Offset::Open(by), Goal::WorkingDays(..)) => calendar.add(due, by),
    };
    Some(at).filter(|at| *at != Time::NEVER)
}

/// A day of a case, half-hour by half-hour.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Day {
    /// The local date.
    pub date: String,
    /// What its half-hours are.
    pub halves: Vec<Half>,
}

/// What a half-hour is, judged by its middle.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Half {
    /// Closed.
    Closed,
    /// Open, and nothing runs.
    Open,
    /// Counted.
    Counted,
    /// Open, and paused.
    Paused,
    /// The goal is used up in it.
    Due,
}

/// The days from start to end or due, whatever is later: `most` of them at most, and how many more there are.
pub fn days(case: &Case, answer: &Answer, most: usize) -> (Vec<Day>, i64) {
    let last =
        [Some(answer.started), answer.end, answer.due].into_iter().flatten().max().unwrap_or(Time::MIN);
    let count = (last - answer.started).millis() / Span::from_days(1).millis() + 2;
    let (mut days, mut at): (Vec<Day>, Time) = (Vec::new(), answer.started);
    for n in 0..count {
        let (date, middles) = case.calendar.half_hours(at);
        let (Some(begin), Some(end)) = (middles.first(), middles.last()) else { break };
        if *begin - Span::from_minutes(15) > last {
            break;
        }
        if days.len() == most {
            return (days, count - n);
        }
        let halves = middles.iter().map(|middle| half(case, answer, *middle)).collect();
        days.push(Day { date: date.to_string(), halves });
        at = *end + Span::from_minutes(60);
    }
    (days, 0)
}

fn half(case: &Case, answer: &Answer, middle: Time) -> Half {
    let (from, to) = (middle - Span::from_minutes(15), middle + Span::from_minutes(15));
    let is_paused =
        |(begun, ended): &(Time, Option<Time>)| *begun <= middle && ended.is_none_or(|ended| middle < ended);
    let until = answer.end.or(answer.due).unwrap_or(Time::NEVER);
    if answer.due.is_some_and(|due| from < due && due <= to) {
        Half::Due
    } else if case.calendar.elapsed(middle, middle + Span::from_millis(1)) == Span::ZERO {
        Half::Closed
    } else if middle < answer.started || middle >= until {
        Half::Open
    } else if answer.pauses.iter().any(is_paused) {
        Half::Paused
    } else {
        Half::Counted
    }
}
