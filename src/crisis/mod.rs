//! How bad is it, and whose turn is it?
use serde::{Deserialize, Serialize};

use crate::names::Text;
use crate::time::Time;

/// Signals and breaches that belong together, graded.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Crisis {
    /// When it began.
    #[serde(with = "crate::time::rfc3339")]
    pub began: Time,
}

impl Crisis {
    /// What it says, in one sentence.
    pub fn summary(&self) -> Text {
        Text::default()
    }
}
