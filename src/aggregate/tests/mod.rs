//! Does the machine find what is there, and nothing else, whatever the weather?

mod airline;
mod objectives;
mod said;
mod simulation;
mod weather;
mod world;
