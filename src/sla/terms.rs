//! The small print: where people are told, what happens to a clock on the way, and the conventions that systems differ in.
//!
//! Every convention is one field of [`Convention`]; a preset is a value for each. What the systems do is documented
//! behaviour of theirs, gathered in `docs/comparison.md`.

use crate::time::{Span, Time};

use super::commitment::{Condition, Limit};

/// A place on a clock's way at which people are told.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Mark {
    /// When this share of the goal is used up; above 0. [`Mark::DUE`] is all of it.
    Share(f64),
    /// So much of the clock's own time before (less than nothing) or after the goal is used up.
    Offset(Span),
}

impl Mark {
    /// Where the promise is broken.
    pub const DUE: Mark = Mark::Share(1.0);

    /// How much of a goal is used up there.
    pub fn of(self, goal: Span) -> Span {
        match self {
            Mark::Share(share) => goal.share(share),
            Mark::Offset(by) => (goal + by).max(Span::ZERO),
        }
    }

    /// Whether it comes only after the promise is broken.
    pub fn is_past_due(self) -> bool {
        match self {
            Mark::Share(share) => share > 1.0,
            Mark::Offset(by) => by > Span::ZERO,
        }
    }
}

/// Events that give a clock more time. One that comes when the goal is used up already gives none.
#[derive(Clone, Debug, PartialEq)]
pub struct Extension {
    /// The events: any of them.
    pub on: Vec<Condition>,
    /// How much they give.
    pub gives: Gives,
    /// How often a clock may be given more; `None`: as often as it is asked for.
    pub most: Option<u8>,
}

/// How much time an extension gives.
#[derive(Clone, Debug, PartialEq)]
pub enum Gives {
    /// So much on top, in the unit of the goal.
    More(Limit),
    /// Until the instant that stands in an attribute of the event: RFC 3339. Without one it gives nothing.
    Until(String),
}

/// What systems do differently when they keep a promise's time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Convention {
    /// What a reopening does to a clock that has stopped.
    pub reopen: Reopen,
    /// What another goal does to an open clock.
    pub change: Change,
    /// How pauses move the due instant.
    pub pauses: Pauses,
    /// Where a goal is due that is used up exactly at a closing. Shown only: what is broken does not depend on it.
    pub boundary: Boundary,
    /// From where working days are counted.
    pub first_day: FirstDay,
    /// Where on its last day a goal in working days ends.
    pub last_day: Landing,
}

/// What a reopening does to a clock that has stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reopen {
    /// Nothing: what was kept stays kept.
    Ignored,
    /// It goes on; the time between is no time of its own.
    GoesOn,
    /// It goes on as if it had never stopped.
    NeverStopped,
    /// A new clock starts.
    StartsAnew,
}

/// What another goal does to an open clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// It counts from the start of the clock, and pauses are taken off as ever.
    FromStart,
    /// It counts from the start of the clock, and pauses before the change are not taken off.
    FromStartWithoutPauses,
    /// It counts from the change.
    FromChange,
    /// Nothing: the goal is that of the start.
    Ignored,
}

/// How pauses move the due instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pauses {
    /// By the open time in them.
    OpenTime,
    /// By their whole length on the wall.
    WallTime,
    /// By the open time in them, but only of those that begin while it is open.
    BegunOpen,
    /// Not at all.
    Ignored,
}

/// Where a goal is due that is used up exactly at a closing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Boundary {
    /// At that closing.
    IntervalEnd,
    /// At the next opening.
    NextOpen,
}

/// Whether the day on which a clock starts is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FirstDay {
    /// Counting begins on the day after.
    Next,
    /// It is the first one.
    Counted,
}

/// Where on its last day a goal in working days ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Landing {
    /// At the end of the day, 24:00 in the calendar's zone.
    Midnight,
    /// At the local time of the start.
    SameTime,
    /// The same, and at the next opening where it is closed then.
    NextOpen,
    /// At the last closing of the day.
    Closing,
}

impl Convention {
    /// Watchbell's own.
    pub const OWN: Convention = Convention {
        reopen: Reopen::Ignored,
        change: Change::FromStart,
        pauses: Pauses::OpenTime,
        boundary: Boundary::IntervalEnd,
        first_day: FirstDay::Next,
        last_day: Landing::Midnight,
    };

    /// The presets, by name: how the named system behaves as it is delivered.
    pub const PRESETS: [(&'static str, Convention); 7] = [
        ("watchbell", Convention::OWN),
        ("zendesk", Convention { reopen: Reopen::GoesOn, boundary: Boundary::NextOpen, ..Convention::DAYS }),
        ("jira", Convention { reopen: Reopen::StartsAnew, ..Convention::DAYS }),
        (
            "servicenow",
            Convention { reopen: Reopen::StartsAnew, change: Change::FromChange, ..Convention::DAYS },
        ),
        ("zammad", Convention { reopen: Reopen::GoesOn, boundary: Boundary::NextOpen, ..Convention::DAYS }),
        ("frappe", Convention { reopen: Reopen::GoesOn, ..Convention::DAYS }),
        ("glpi", Convention { reopen: Reopen::GoesOn, ..Convention::DAYS }),
    ];

    /// Days as most systems count them: the same time of day, so many working days later.
    const DAYS: Convention = Convention { last_day: Landing::NextOpen, ..Convention::OWN };

    /// A preset.
    pub fn preset(name: &str) -> Option<Convention> {
        Convention::PRESETS.iter().find(|(known, _)| *known == name).map(|(_, convention)| *convention)
    }
}

/// What an extension gave a clock.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Extended {
    /// How often.
    pub times: u8,
    /// Until when, if an instant was given.
    pub until: Option<Time>,
}
