//! How much of a goal is used up, and when? One clock: one commitment running for one subject.
//!
//! Open set `O` = the calendar's open time; `Q` = the pauses; the clock runs in `R = O \ Q`, and
//! `elapsed(t)` = measure of `R` in `[started, t)`. For a share `s` of the goal there are two instants:
//!
//! ```text
//!   reached = inf { t : elapsed(t) ≥ s·goal }     what is shown as "due": a closing instant when used up exactly there
//!   beyond  = sup { t : elapsed(t) ≤ s·goal }     the clock is over the share at t  ⇔  t > beyond
//!
//!   open      ├──────────┤░░░░░░░░░░├──────────┤
//!   elapsed   0 ...... goal          goal ... goal+
//!                 reached ↑          ↑ beyond
//! ```
//!
//! A stop at `beyond` or before keeps the promise. Goals in days and promised instants end at an instant, not after an
//! amount of time: there `beyond = reached`.

use std::sync::Arc;

use super::policy::{Commitment, Limit};
use crate::calendar::Calendar;
use crate::time::{Span, Time};

/// A commitment running for a subject.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Clock {
    /// The commitment, by its place in the policy.
    pub commitment: u16,
    /// The start event, by its place in the case's history.
    pub start_index: u16,
    /// Which parts of an "all of" stop were met, a bit each.
    pub parts: u8,
    /// What it is doing.
    pub phase: Phase,
    /// When it started.
    pub started: Time,
    /// When the phase began.
    pub since: Time,
    /// How long it may take; `None`: no promise for this case.
    pub goal: Option<Budget>,
    /// Ended pauses, in order, not touching.
    #[expect(clippy::box_collection, reason = "most clocks never pause: 8 bytes instead of 24 in each")]
    pauses: Option<Box<Vec<(Time, Time)>>>,
}

/// What a clock is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// It runs whenever the calendar is open.
    Running,
    /// It stands still.
    Paused,
    /// It was stopped: the promised thing happened.
    Stopped,
    /// The promise was taken back.
    Cancelled,
}

/// The goal of one clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Budget {
    /// So much of the clock's own time.
    Open(Span),
    /// So much of the clock's own time, and that is up at an instant: a goal in days.
    Days(Span),
    /// Up at this instant, pauses or not: a promised instant.
    At(Time),
}

/// When a share of the goal is used up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reach {
    /// The first instant at which it is used up.
    pub reached: Time,
    /// After this instant more than the share is used.
    pub beyond: Time,
}

impl Clock {
    /// A clock that starts running.
    pub fn start(commitment: u16, start_index: u16, started: Time) -> Clock {
        let phase = Phase::Running;
        Clock { commitment, start_index, parts: 0, phase, started, since: started, goal: None, pauses: None }
    }

    /// Whether it may still move.
    pub fn is_open(&self) -> bool {
        matches!(self.phase, Phase::Running | Phase::Paused)
    }

    /// When it ended, if it did.
    pub fn ended(&self) -> Option<Time> {
        (!self.is_open()).then_some(self.since)
    }

    /// Goes into another phase at `at`. A pause that lasted is remembered.
    pub fn enter(&mut self, phase: Phase, at: Time) {
        debug_assert!(self.is_open() && at >= self.since, "{self:?} cannot become {phase:?} at {at}");
        if self.phase == Phase::Paused && at > self.since {
            let pauses = self.pauses.get_or_insert_default();
            match pauses.last_mut() {
                Some(last) if last.1 == self.since => last.1 = at,
                _ => pauses.push((self.since, at)),
            }
        }
        self.phase = phase;
        self.since = at;
    }

    /// The ended pauses, in order.
    pub fn pauses(&self) -> &[(Time, Time)] {
        self.pauses.as_deref().map_or(&[], Vec::as_slice)
    }

    /// Bytes in use on the heap.
    pub fn heap_bytes(&self) -> usize {
        self.pauses
            .as_ref()
            .map_or(0, |pauses| size_of::<Vec<()>>() + pauses.capacity() * size_of::<(Time, Time)>())
    }

    /// The time used up to `at`, in the clock's own time; after its end, what was used in all.
    pub fn elapsed(&self, calendar: &Calendar, at: Time) -> Span {
        let end = match self.phase {
            Phase::Running => at,
            Phase::Paused | Phase::Stopped | Phase::Cancelled => at.min(self.since),
        };
        let paused = self
            .pauses()
            .iter()
            .fold(Span::ZERO, |sum, (from, to)| sum + calendar.elapsed(*from, (*to).min(end)));
        calendar.elapsed(self.started, end) - paused
    }

    /// When `share` of the goal is (or will be, if it runs on from here) used up. `None`: not while it is paused, not
    /// within the calendar, or there is no goal. An ended clock is looked at as if it had run on.
    pub fn reach(&self, calendar: &Calendar, share: f64) -> Option<Reach> {
        let at_instant = |at: Time| Reach { reached: at, beyond: at };
        match self.goal? {
            Budget::At(at) if share >= 1.0 => Some(at_instant(at)),
            Budget::At(at) => {
                let whole = calendar.elapsed(self.started, at);
                (whole > Span::ZERO).then(|| self.walk(calendar, whole.share(share)))?
            }
            Budget::Days(whole) if share >= 1.0 => {
                self.walk(calendar, whole).map(|reach| at_instant(reach.reached))
            }
            Budget::Open(whole) | Budget::Days(whole) => self.walk(calendar, whole.share(share)),
        }
    }

    /// Walks along the running time until `target` of it is used.
    pub(super) fn walk(&self, calendar: &Calendar, target: Span) -> Option<Reach> {
        let mut left = target;
        let mut from = self.started;
        let mut reached = None;
        let open_pause = (self.phase == Phase::Paused).then_some((self.since, Time::NEVER));
        for (pause, resume) in self.pauses().iter().copied().chain(open_pause) {
            let run = calendar.elapsed(from, pause);
            if reached.is_none() && run >= left {
                reached = Some(calendar.add(from, left));
            }
            if run > left {
                return Some(Reach { reached: reached?, beyond: calendar.add_until_more(from, left) });
            }
            left = left - run;
            from = resume;
        }
        if from == Time::NEVER {
            return reached.map(|reached| Reach { reached, beyond: Time::NEVER });
        }
        let reached = reached.unwrap_or_else(|| calendar.add(from, left));
        let beyond = calendar.add_until_more(from, left);
        (reached != Time::NEVER).then_some(Reach { reached, beyond })
    }

    /// Whether more than `share` of the goal was used when the clock ended, or is by `now` if it has not.
    pub fn is_beyond(&self, calendar: &Calendar, share: f64, now: Time) -> bool {
        let end = self.ended().unwrap_or(now);
        self.reach(calendar, share).is_some_and(|reach| end > reach.beyond)
    }

    /// The instant after which an alert for `share` of the goal stands; `None` if it never will, as things are.
    ///
    /// `first_seen` is the log time when the case was first heard of: a case that comes in already past due waits for
    /// its other events to come in, too.
    pub fn fires_after(&self, commitment: &Commitment, share: f64, first_seen: Time) -> Option<Time> {
        if self.ended().is_some_and(|end| self.is_within(share, end)) {
            return None;
        }
        let reach = self.reach(&commitment.calendar, share)?;
        if reach.beyond == Time::NEVER || self.ended().is_some_and(|end| end <= reach.beyond) {
            return None;
        }
        let fires = reach.beyond.max(reach.reached + commitment.grace);
        let settled = if reach.reached < first_seen { first_seen + commitment.settle } else { Time::MIN };
        Some(fires.max(settled))
    }

    /// Whether no calendar can have used up more than `share` of the goal by `end`: not even all the time there was is
    /// more. Most promises are kept like that, and need no further look.
    fn is_within(&self, share: f64, end: Time) -> bool {
        match self.goal {
            Some(Budget::Open(whole) | Budget::Days(whole)) => end - self.started <= whole.share(share),
            Some(Budget::At(at)) => share >= 1.0 && end <= at,
            None => true,
        }
    }

    /// How much over the goal an ended clock was, in its own time; `None` if it was not, or has not ended.
    pub fn late(&self, calendar: &Calendar) -> Option<Span> {
        let end = self.ended()?;
        let reach = self.reach(calendar, 1.0).filter(|reach| end > reach.beyond)?;
        Some(match self.goal? {
            Budget::At(at) => end - at,
            Budget::Open(_) | Budget::Days(_) => {
                let over = self.elapsed(calendar, end) - self.elapsed(calendar, reach.reached);
                // Over the week-end after a deadline in working days no working time passes: say how long it was.
                if over == Span::ZERO { end - reach.reached } else { over }
            }
        })
    }
}

/// The goal of a clock that started at `started`, for a limit in a calendar.
pub fn budget(limit: Limit, calendar: &Arc<Calendar>, started: Time) -> Budget {
    let days = |end: Time| Budget::Days(calendar.elapsed(started, end));
    match limit {
        Limit::Duration(span) => Budget::Open(span),
        Limit::WorkingDays(n) => days(calendar.end_of_working_day(started, n, false)),
        Limit::CalendarDays(n) => days(calendar.end_of_day(started, n)),
    }
}
