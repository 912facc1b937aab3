//! Who is connected to whom? Settings in, a finished answer out; what is typed and what is shown is `cli`'s.

pub mod against;
pub mod check;
pub mod commitments;
pub mod conduct;
pub mod due;
pub mod explain;
mod outputs;
pub mod replay;
pub mod report;
#[cfg(feature = "kafka")]
pub mod board;
#[cfg(feature = "kafka")]
pub mod demo;
#[cfg(feature = "kafka")]
pub mod run;
#[cfg(feature = "kafka")]
pub mod topics;
