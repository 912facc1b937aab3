//! What do others want to know of a worker's state? Questions that only it can answer, between two batches.

use crossbeam_channel::Sender;

use crate::sla::explain::Explanation;

/// A question to the workers.
#[derive(Clone)]
pub enum Question {
    /// How do the clocks of a subject come to their verdicts?
    Explain {
        /// The ticket or call.
        subject: String,
        /// Every worker answers once, also with nothing.
        answer: Sender<Vec<Explanation>>,
    },
}
