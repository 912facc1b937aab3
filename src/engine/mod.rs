//! Who runs what, in which order? Logs are read, judged and cut here; the machines themselves are pure and below.

pub mod clock;
pub mod conduct;
#[cfg(feature = "kafka")]
pub mod live;
pub mod partition;
pub mod picture;
pub mod replay;
pub mod takeover;
pub mod tally;
