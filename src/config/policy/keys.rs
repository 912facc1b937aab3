//! What may a policy say? Every key once: its name, its form, its meaning. The reader, the JSON Schema and the page
//! `docs/policies.md` follow from it, or are held to it by tests.

/// A key of a table.
#[derive(Clone, Copy, Debug)]
pub struct Key {
    /// Its name.
    pub name: &'static str,
    /// What it says, in the words of the page.
    pub meaning: &'static str,
    /// What holds without it.
    pub default: &'static str,
}

const fn key(name: &'static str, meaning: &'static str, default: &'static str) -> Key {
    Key { name, meaning, default }
}

/// What a commitment may say.
pub const COMMITMENT: [Key; 31] = [
    key("name", "names the promise, in alerts, outcomes and reports; versions share it", "needed"),
    key("title", "what is promised, for people: `{ en = \"…\", zh = \"…\" }`", "needed"),
    key("clause", "where the promise comes from", "empty"),
    key("owner", "the role that answers for it", "empty"),
    key(
        "severity",
        "how bad it is when it is broken: `\"minor\"`, `\"major\"`, `\"critical\"`",
        "`\"minor\"`",
    ),
    key(
        "effective_from",
        "the first instant (RFC 3339) at which a clock may start under this version; the next version of the same name ends it",
        "always",
    ),
    key(
        "match",
        "the cases it is about: `{ attribute = \"value\", other = [\"a\", \"b\"], any = \"*\", not_this = { not = \"c\" } }`; every line must hold for the case's attributes at the start event",
        "all cases",
    ),
    key(
        "first_of",
        "of the commitments with the same text here, a case gets the first in the file whose `match` holds",
        "each for itself",
    ),
    key("start", "the events that start it, any of them", "needed"),
    key(
        "stop",
        "the events that stop it, any of them; `{ all = […] }`: when each was met once since the start, at most 8",
        "needed",
    ),
    key("pause", "the events that pause it, any of them", "none"),
    key("resume", "the events that end a pause, any of them", "none"),
    key("cancel", "the events that take the promise back, any of them", "none"),
    key("reset", "the events that take it back and start it anew at once, any of them", "none"),
    key("reopen", "the events that reopen what was stopped, any of them; see `on_reopen`", "none"),
    key(
        "extend",
        "the events that give more time while there is some left: `{ on = …, by = \"5 working_days\", at_most = 1 }`, or `{ on = …, until = \"attribute\" }` with the instant in the event",
        "none",
    ),
    key(
        "repeats",
        "whether it runs again when it starts again; an event that both stops and starts it does both",
        "once per case",
    ),
    key(
        "per",
        "the attribute by which each has a clock of its own, such as the group that has the case: a start event with another value stops the clock and starts the next",
        "one clock",
    ),
    key("goal", "how long it may take, see below", "needed"),
    key("calendar", "the name of a calendar of this file", "every hour of every day"),
    key(
        "convention",
        "whose conventions hold where the six keys below say nothing, see below",
        "the policy's",
    ),
    key("on_reopen", "what a reopening does to a clock that was stopped", "`\"ignored\"`"),
    key("on_change", "what another goal does to an open clock", "`\"from_start\"`"),
    key("pause_arithmetic", "how pauses move the due instant", "`\"open_time\"`"),
    key("boundary", "where a goal is due that is used up exactly at a closing", "`\"interval_end\"`"),
    key("first_day", "whether the day of the start is the first of a goal in days", "`\"next\"`"),
    key("last_day", "where on its last day a goal in working days ends", "`\"midnight\"`"),
    key(
        "warnings",
        "tell people when these shares of the goal are used up, or so long before and after due: `[0.5, \"-15m\", \"+1h\"]`, in the clock's own time",
        "none",
    ),
    key(
        "grace",
        "how long after due an alert waits for late events; verdicts in reports have none",
        "1 s below five minutes, 2 s for hours, 60 s for days",
    ),
    key("settle", "how long a case waits that comes in already past due", "`\"1m\"`"),
    key(
        "parked_within",
        "a pause that begins within so long of the end of the one before is counted as parked: the case was put away again as soon as the customer had replied",
        "nothing is counted",
    ),
];

/// What an objective may say.
pub const OBJECTIVE: [Key; 14] = [
    key("name", "names the objective", "needed"),
    key("title", "what is promised, for people", "needed"),
    key("owner", "the role that answers for it", "empty"),
    key(
        "severity",
        "how bad it is when it is missed: `\"minor\"`, `\"major\"`, `\"critical\"`",
        "`\"minor\"`",
    ),
    key(
        "measure",
        "`\"kept_share\"`: the clocks of a commitment that were kept, of those kept or broken; `\"event_share\"`: the events `of` that are also `good`",
        "`\"kept_share\"`",
    ),
    key("commitment", "for `kept_share`: whose clocks are counted", "needed there"),
    key("of", "for `event_share`: the events that are counted, any of them", "needed there"),
    key(
        "good",
        "for `event_share`: what makes such an event a good one, `{ first_contact = true }`; every line must hold",
        "needed there",
    ),
    key("operator", "`\"at_least\"` or `\"at_most\"` the target", "`\"at_least\"`"),
    key("target", "the share, from 0 to 1", "needed"),
    key(
        "window",
        "over which time the share is taken: a time up to `\"744h\"`, up to now; or `\"calendar_day\"`, `\"calendar_week\"` (from Monday), `\"calendar_month\"`, since it began",
        "`\"24h\"`",
    ),
    key("calendar", "the name of a calendar of this file, whose zone says when a day begins", "UTC"),
    key("minimum_count", "with fewer cases in the window it is neither met nor missed", "20"),
    key(
        "short",
        "for reports on `kept_share`: a clock that is cancelled sooner than this gave nobody a chance",
        "`\"5s\"`",
    ),
];

/// What counting may say.
pub const COUNT: [Key; 3] = [
    key("activity", "events that show that a series is alive", "none"),
    key("complaints", "events that are complaints", "none"),
    key("score", "the attribute that holds a satisfaction score, on events that count as either", "none"),
];
