//! What should the operator of a policy that is right know all the same?

use crate::config::calendar::ending;
use crate::engine::clock;
use crate::sla::policy::Policy;
use crate::time::Time;

/// Sentences of warning, as of an instant; now, if none is given.
pub fn warnings(policy: &Policy, as_of: Option<Time>) -> Vec<String> {
    ending::warnings(policy, as_of.unwrap_or_else(clock::now))
}
