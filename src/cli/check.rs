//! Is this file right? Says everything that is wrong with it.

use std::path::Path;
use std::process::ExitCode;

use super::args::Check;
use super::{print, tell};
use crate::app::check::warnings;
use crate::config;
use crate::config::calendar::holidays;
use crate::config::read::{Document, Problem, Problems};
use crate::sla::policy::Policy;

/// Checks files, or the shipped ones.
pub fn run(arguments: &Check) -> anyhow::Result<ExitCode> {
    let mut wrong = 0;
    let mut report = |name: &str, checked: Result<Right, Problems>| -> anyhow::Result<()> {
        match checked {
            Ok(right) => {
                right.odd.iter().for_each(|odd| tell(&format!("warning: {odd}")));
                let warnings =
                    right.policy.map(|policy| warnings(&policy, arguments.as_of)).unwrap_or_default();
                warnings.iter().for_each(|warning| tell(&format!("{name}: warning: {warning}")));
                print(&format!("{name}: ok ({})", right.what))
            }
            Err(problems) => {
                wrong += problems.0.len();
                tell(&problems.to_string());
                Ok(())
            }
        }
    };
    if arguments.files.is_empty() {
        let policies = config::POLICIES.iter().chain(&config::LIFECYCLES);
        for (name, text) in policies.chain(&config::mapping::BUILT_IN).chain(&config::calendar::SHIPPED) {
            report(name, check(name, text))?;
        }
    }
    for path in &arguments.files {
        let name = path.display().to_string();
        report(&name, read(path).and_then(|text| check(&name, &text)))?;
    }
    match wrong {
        0 => Ok(ExitCode::SUCCESS),
        n => {
            tell(&format!("{n} problem{}", if n == 1 { "" } else { "s" }));
            Ok(ExitCode::FAILURE)
        }
    }
}

fn read(path: &Path) -> Result<String, Problems> {
    std::fs::read_to_string(path).map_err(|error| {
        Problems::of_file(&path.display().to_string(), format!("cannot be read: {error}"), "check the path")
    })
}

/// A file that is right.
struct Right {
    what: &'static str,
    /// Where it is one.
    policy: Option<Policy>,
    /// What is odd about its promises.
    odd: Vec<Problem>,
}

/// Checks a file as what its name or its keys say it is.
fn check(name: &str, text: &str) -> Result<Right, Problems> {
    let is = |what: &'static str| Right { what, policy: None, odd: Vec::new() };
    if holidays::kind(name).is_some() {
        return holidays::read(name, text).map(|_| is("holidays"));
    }
    let document = Document::parse(name, text)?;
    let root = document.root();
    let has = |keys: &[&str]| keys.iter().any(|key| root.get(key).is_some());
    if has(&["kafka"]) {
        config::run::read(name, text).map(|_| is("settings"))
    } else if has(&["event", "input", "times"]) {
        config::mapping::read(name, text).map(|_| is("mapping"))
    } else if has(&["weekly", "zone"]) {
        config::calendar::read(name, text).map(|_| is("calendar"))
    } else if has(&["holiday", "working"]) {
        holidays::read(name, text).map(|_| is("holidays"))
    } else if has(&["lifecycle"]) {
        config::lifecycle::read(name, text).map(|_| is("lifecycles"))
    } else if has(&["commitment", "objective", "count", "tally", "calendars"]) {
        config::policy::read(name, text).map(|policy| Right {
            what: "policy",
            policy: Some(policy),
            odd: config::policy::lint(name, text),
        })
    } else {
        let remedy = "a policy has [[commitment]], lifecycles [[lifecycle]], a mapping [input] and [[event]], a calendar \
                      [weekly], holidays [[holiday]], settings [kafka]";
        Err(Problems::of_file(name, "is no policy, lifecycle, mapping, calendar or settings file", remedy))
    }
}
