//! What did the operator write, and what is wrong with it? Files become the plain options of the rooms below.
//!
//! Every problem of a file is reported at once, each with its place and what to do about it; nothing here decides
//! what an option means.

use std::path::Path;

use read::Problems;

use crate::lifecycle::Lifecycles;
use crate::sla::policy::Policy;

pub mod calendar;
pub mod case;
pub mod lifecycle;
pub mod mapping;
pub mod policy;
pub mod read;
pub mod run;

/// The policies that are shipped, by name.
pub const POLICIES: [(&str, &str); 4] = [
    ("commitments", policy::DEFAULT),
    ("guide", include_str!("../../config/policies/guide.toml")),
    ("incident_log", include_str!("../../config/policies/incident_log.toml")),
    ("call_log", include_str!("../../config/policies/call_log.toml")),
];

/// A policy by the name under which it is shipped, or by path; the default one if none is given.
pub fn load_policy(name_or_path: Option<&str>) -> Result<Policy, Problems> {
    let (file, text) = find(name_or_path.unwrap_or("commitments"), &POLICIES, "policy")?;
    policy::read(&file, &text)
}

/// The lifecycles that are shipped, by name.
pub const LIFECYCLES: [(&str, &str); 2] = [
    ("guide", include_str!("../../config/lifecycles.toml")),
    ("incident_log", include_str!("../../config/lifecycles/incident_log.toml")),
];

/// Lifecycles by the name under which they are shipped, or by path; those of the guide if none are given.
pub fn load_lifecycles(name_or_path: Option<&str>) -> Result<Lifecycles, Problems> {
    let (file, text) = find(name_or_path.unwrap_or("guide"), &LIFECYCLES, "lifecycle")?;
    lifecycle::read(&file, &text)
}

/// The text of a shipped file, or of one on the disk. What looks like a path is one.
fn find(name_or_path: &str, shipped: &[(&str, &str)], what: &str) -> Result<(String, String), Problems> {
    if let Some((name, text)) = shipped.iter().find(|(name, _)| *name == name_or_path) {
        return Ok(((*name).to_owned(), (*text).to_owned()));
    }
    let path = Path::new(name_or_path);
    std::fs::read_to_string(path).map(|text| (name_or_path.to_owned(), text)).map_err(|error| {
        let names: Vec<&str> = shipped.iter().map(|(name, _)| *name).collect();
        let remedy = format!("give a path to a {what} file, or one of the shipped: {}", names.join(", "));
        Problems::of_file(name_or_path, format!("cannot be read: {error}"), remedy)
    })
}
