//! What is missing, told for a person: how much of each kind, from where, and what that means for the answers.

use crate::error::shorten;
use iamc_policy::World;
use iamc_policy::world::GapKind;
use std::collections::BTreeSet;

/// A plain account of what the inventory lacks: one line for each kind of gap, with what it means for the answers, in a
/// fixed order; nothing where nothing is missing.
///
/// ```
/// use iamc_inventory::{Options, account_of, read_lines};
/// let text = r#"{"kind": "gap", "missing": "scps", "subject": "o-exampleorgid"}"#;
/// let read = read_lines("own.jsonl", text, &Options::default()).unwrap();
/// assert_eq!(account_of(&read.world).len(), 1);
/// ```
///
/// Cost: O(gaps).
pub fn account_of(world: &World) -> Vec<String> {
    const KINDS: &[(GapKind, &str, &str, &str)] = &[
        (GapKind::Hierarchy, "where", "lie in their organization", "their SCPs and RCPs are open"),
        (GapKind::Scps, "the SCPs of", "", "every answer for their accounts is open"),
        (GapKind::Rcps, "the RCPs of", "", "answers about resources of their accounts are open"),
        (GapKind::Identities, "all identities of", "", "principals that are not listed have unknown policies"),
        (GapKind::ManagedPolicy, "the texts of", "", "answers for whoever has them are open"),
        (GapKind::Group, "groups of", "", "answers for these users are open"),
        (GapKind::Resources, "", "", ""),
        (GapKind::Endpoints, "all VPC endpoints of", "", "calls through endpoints that are not listed are open"),
    ];
    let mut lines = Vec::new();
    for (kind, before, after, means) in KINDS {
        let subjects: BTreeSet<&str> =
            world.gaps.iter().filter(|gap| gap.kind == *kind).map(|gap| gap.subject.as_str()).collect();
        if subjects.is_empty() {
            continue;
        }
        if *kind == GapKind::Resources {
            let (resources, accounts): (Vec<&str>, Vec<&str>) =
                subjects.iter().copied().partition(|subject| subject.starts_with("arn:"));
            if !resources.is_empty() {
                let what = counted(&resources, "resource", "resources");
                lines.push(format!("not exported: the policies of {what}; answers about them are open"));
            }
            if !accounts.is_empty() {
                let what = counted(&accounts, "account", "accounts");
                lines.push(format!(
                    "not proven complete: the resources of {what}; those that are not listed have unknown policies, if their type carries any"
                ));
            }
            continue;
        }
        let subjects: Vec<&str> = subjects.into_iter().collect();
        let what = match kind {
            GapKind::ManagedPolicy => counted(&subjects, "policy", "policies"),
            GapKind::Group => counted(&subjects, "user", "users"),
            GapKind::Scps | GapKind::Rcps => counted(&subjects, "organization", "organizations"),
            GapKind::Hierarchy => counted(&subjects, "account or unit", "accounts and units"),
            _ => counted(&subjects, "account", "accounts"),
        };
        let rest = if after.is_empty() { String::new() } else { format!(" {after}") };
        lines.push(format!("not exported: {before} {what}{rest}; {means}"));
    }
    lines
}

/// `one account (111122223333)`, `3 accounts (111122223333, …)`.
fn counted(subjects: &[&str], one: &str, many: &str) -> String {
    let first = shorten(subjects.first().copied().unwrap_or_default());
    match subjects.len() {
        1 => format!("one {one} ({first})"),
        n => format!("{n} {many} ({first}, …)"),
    }
}
