//! Who runs what, in which order? Logs are read, judged and cut here; the machines themselves are pure and below.

pub mod clock;
pub mod partition;
pub mod replay;
pub mod takeover;
pub mod tally;
