//! Does the live watch keep its word against a real broker? Its promises on time, on exactness and on coming and going.
//!
//! Every test has topics, a group and settings of its own, see [`watch`]; only who wounds a broker or wants its doors
//! locked starts one. Times are judged by the broker's clock: the topics of alerts carry the instant of appending.

mod burst;
mod candidates;
mod doors;
mod group;
mod leaving;
mod lost;
mod outage;
mod people;
mod plain;
mod readiness;
mod replay;
mod shadow;
mod time;
mod topics;
mod upstream;
#[cfg(feature = "faults")]
mod wall;
mod watch;
mod web;
