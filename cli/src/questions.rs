//! `iamc who-can` and `iamc what-can`: one request against everybody, everything against one principal.

pub(crate) mod args;
mod rows;
mod what_can;
mod who_can;

pub(crate) use what_can::run as what_can;
pub(crate) use who_can::run as who_can;

use crate::ending::Failure;
use iamc_runtime::{ActionId, CompiledPolicySet};

/// The actions of some patterns, as named or expanded by the catalogue, each once, in the order of the patterns.
///
/// # Errors
/// [`Failure::Usage`]: a pattern with wildcards covers no action.
fn actions(set: &CompiledPolicySet, patterns: &[String]) -> Result<Vec<String>, Failure> {
    let mut actions: Vec<String> = Vec::new();
    let mut add = |action: String| {
        if !actions.iter().any(|known| known.eq_ignore_ascii_case(&action)) {
            actions.push(action);
        }
    };
    for pattern in patterns {
        if !pattern.contains(['*', '?']) {
            add(pattern.clone());
            continue;
        }
        let ids = expand(set, pattern)?;
        ids.into_iter().filter_map(|id| set.action_name(id)).for_each(&mut add);
    }
    Ok(actions)
}

/// The actions of the catalogue that a pattern covers; there is at least one.
fn expand(set: &CompiledPolicySet, pattern: &str) -> Result<Vec<ActionId>, Failure> {
    let ids = set.actions_like(pattern);
    if ids.is_empty() {
        let message =
            format!("`--action {pattern}` covers no action of the catalogue: write `service:Name`, such as `s3:Get*`");
        return Err(Failure::Usage(message));
    }
    Ok(ids)
}
