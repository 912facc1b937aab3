//! Is this series behaving?
use serde::{Deserialize, Serialize};

use crate::names::Text;
use crate::time::Time;

/// A detector's finding on a series.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Signal {
    /// When the window that made it begins.
    #[serde(with = "crate::time::rfc3339")]
    pub window_start: Time,
}

impl Signal {
    /// What it says, in one sentence.
    pub fn summary(&self) -> Text {
        Text::default()
    }
}
