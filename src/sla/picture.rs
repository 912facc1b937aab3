//! What does a clock look like? One bar of time, cut where its state changes, for whoever draws it.
//!
//! ```text
//!   ├── open ──┤ closed ├─ open ─┤ paused ├─ warned ─◆─ breached ─┤          it ended, or this is now
//!   ├── open ──┤ closed ├─ open ─┤············ left ············◆            it ended before it was due
//! ```

use serde::Serialize;

use super::clock::{Clock, Phase};
use super::policy::Commitment;
use super::terms::Mark;
use crate::time::Time;

/// Closed hours are drawn while a bar has at most this many of them; a bar of years would be nothing but stripes.
pub const CLOSED_MAX: usize = 500;

/// A clock as a bar of time: from its start to its end or now, or to due where that is later.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Picture {
    /// The stretches, in order, each beginning where the one before ends; neighbours differ.
    pub segments: Vec<Segment>,
    /// When the goal is used up, in milliseconds since 1970.
    pub due_ms: Option<i64>,
    /// Whether closed hours are segments of their own; else there are more than [`CLOSED_MAX`], and they count as what
    /// is around them.
    pub closed_drawn: bool,
}

/// A stretch of a bar, in milliseconds since 1970.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Segment {
    /// Its begin.
    pub start_ms: i64,
    /// Its end.
    pub end_ms: i64,
    /// What the clock was doing.
    pub state: State,
}

/// What a clock is doing in a stretch of time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// It runs, and nothing is wrong.
    Open,
    /// The calendar is closed: the time does not count.
    Closed,
    /// It stands still, whatever the calendar says.
    Paused,
    /// It runs, and the first warning has been reached.
    Warned,
    /// It runs, and more than the goal is used.
    Breached,
    /// Time it has not come to yet, or did not need.
    Left,
}

/// Draws a clock as of `now`.
pub fn picture(clock: &Clock, commitment: &Commitment, now: Time) -> Picture {
    let calendar = &commitment.calendar;
    let end = clock.ended().unwrap_or(now).max(clock.started);
    let reach = clock.reach(calendar, Mark::DUE);
    let due = reach.map(|reach| reach.reached);
    let until = due.map_or(end, |due| due.max(end));
    let early = commitment.warnings.iter().filter(|mark| !mark.is_past_due());
    let warned = early.filter_map(|mark| clock.reach(calendar, *mark)).map(|reach| reach.reached).min();
    let open: Vec<(Time, Time)> = calendar.intervals(clock.started, until).take(CLOSED_MAX + 2).collect();
    let mut pauses = clock.pauses().to_vec();
    if clock.phase == Phase::Paused {
        pauses.push((clock.since, end));
    }
    let course = Course {
        closed_drawn: open.len() <= CLOSED_MAX + 1,
        open,
        pauses,
        end,
        warned: warned.unwrap_or(Time::NEVER),
        over: reach.map_or(Time::NEVER, |reach| reach.beyond),
    };
    Picture {
        segments: course.segments(clock.started, until),
        due_ms: due.map(Time::millis),
        closed_drawn: course.closed_drawn,
    }
}

/// All that the state of an instant depends on.
struct Course {
    closed_drawn: bool,
    /// Open hours, and pauses: sorted, not overlapping.
    open: Vec<(Time, Time)>,
    pauses: Vec<(Time, Time)>,
    end: Time,
    warned: Time,
    over: Time,
}

impl Course {
    fn segments(&self, from: Time, until: Time) -> Vec<Segment> {
        let both = |(from, to): &(Time, Time)| [*from, *to];
        let hours = self.open.iter().filter(|_| self.closed_drawn).flat_map(both);
        let known = [from, self.end, self.warned, self.over, until].into_iter();
        let mut cuts: Vec<Time> = known.chain(hours).chain(self.pauses.iter().flat_map(both)).collect();
        cuts.retain(|at| (from..=until).contains(at));
        cuts.sort_unstable();
        cuts.dedup();
        let mut segments: Vec<Segment> = Vec::new();
        for pair in cuts.windows(2) {
            let (start_ms, end_ms, state) = (pair[0].millis(), pair[1].millis(), self.state(pair[0]));
            match segments.last_mut().filter(|last| last.state == state) {
                Some(last) => last.end_ms = end_ms,
                None => segments.push(Segment { start_ms, end_ms, state }),
            }
        }
        segments
    }

    /// The state from an instant up to the next cut.
    fn state(&self, at: Time) -> State {
        if lies_in(&self.pauses, at) {
            State::Paused
        } else if self.closed_drawn && !lies_in(&self.open, at) {
            State::Closed
        } else if at >= self.end {
            State::Left
        } else if at >= self.over {
            State::Breached
        } else if at >= self.warned {
            State::Warned
        } else {
            State::Open
        }
    }
}

fn lies_in(stretches: &[(Time, Time)], at: Time) -> bool {
    let after = stretches.partition_point(|(from, _)| *from <= at);
    stretches[..after].last().is_some_and(|(_, to)| at < *to)
}
