//! What time is it? The one place that asks the system.

use crate::time::Time;

/// The wall time.
#[expect(clippy::disallowed_methods, reason = "the one read of the system clock")]
pub fn now() -> Time {
    Time::from(jiff::Timestamp::now())
}
