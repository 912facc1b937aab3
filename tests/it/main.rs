//! The binary and the library through their doors, in one target.

mod bad_input;
mod calendars;
mod cases;
mod catalogue;
#[cfg(feature = "object-store")]
mod clouds;
mod commitments;
mod comparison;
mod crisis;
mod dashboards;
#[cfg(feature = "kafka")]
mod demo;
mod explained;
#[cfg(all(feature = "kafka", feature = "http"))]
mod faces;
mod judged;
#[cfg(feature = "kafka")]
#[path = "../kafka/mod.rs"]
mod kafka;
mod kept;
mod lifecycles;
mod lint;
mod mappings;
mod policies;
mod presets;
mod promises;
mod settings;
mod stored;
#[path = "../sim/mod.rs"]
mod sim;
mod tidy;
