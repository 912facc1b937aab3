//! Are cuts refused for long? One that is refused once is said again with the next; nobody need know.

use std::time::{Duration, Instant};

use crate::engine::clock;

/// How long cuts may be refused before somebody is told, and how often they are told again.
const TOLD: Duration = Duration::from_secs(10);

/// Refused cuts in a row.
#[derive(Default)]
pub(super) struct Refusals {
    /// Since when, and when that was last told.
    running: Option<(Instant, Instant)>,
}

impl Refusals {
    /// A cut was written.
    pub(super) fn end(&mut self) {
        self.running = None;
    }

    /// A cut was refused.
    pub(super) fn note(&mut self, error: &str) {
        let now = clock::instant();
        let (since, told) = self.running.get_or_insert((now, now));
        tracing::debug!(error, "a cut was refused; the next one says the same");
        if now.saturating_duration_since(*told) >= TOLD {
            *told = now;
            let seconds = now.saturating_duration_since(*since).as_secs();
            tracing::error!(
                error,
                seconds,
                "nothing can be written: look at the topics' limits and the rights of this user; it is tried again"
            );
        }
    }
}
