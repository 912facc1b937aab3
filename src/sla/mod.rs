//! How much time is used, and when does a promise break? Policies, clocks, and what a case's events do to them.
//!
//! Ground rule: a clock is a function of the **set** of its subject's events, never of the order in which they
//! arrived. Events are put in order by (time, what they do, source, id) and folded; the event that comes last in
//! time takes one more step of the same fold, a late one makes the case fold its short history again.
//!
//! ```text
//!   event ─ policy.matched ─► fact ─ history ─► fold ─► clocks ─► reach(mark) ─► due, warned, breached
//! ```

pub mod clock;
pub mod commitment;
pub mod compare;
pub mod counting;
pub mod due;
pub mod explain;
pub mod fold;
pub mod history;
pub mod objective;
pub mod outcome;
pub mod picture;
pub mod policy;
pub mod terms;
pub mod warranty;

#[cfg(test)]
mod tests;
