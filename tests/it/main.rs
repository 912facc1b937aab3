//! The binary and the library through their doors, in one target.

mod bad_input;
mod crisis;
mod judged;
mod kept;
mod mappings;
mod policies;
#[path = "../sim/mod.rs"]
mod sim;
mod tidy;
