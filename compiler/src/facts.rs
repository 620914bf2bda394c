//! The facts that the Datalog program starts from, and what it derives: plain tuples of interned numbers.
//!
//! What a position of a tuple means is said at the relations in `rules`. Accounts, units and organizations go by the
//! number of their id's text, so that a guardrail's target is either without further ado.

use crate::collect::{Collected, IdentityKind};
use crate::error::{CompileError, Limits, within};
use crate::search;
use iamc_policy::world::GapKind;

/// The most levels that are derived by the recursive rules. Beyond, a plain search finds the same in a fraction of the
/// time and memory.
const RECURSION_MAX: u64 = 1_000_000;

/// The input of the program; see the relations in `rules`.
#[derive(Debug, Clone, Default)]
pub(crate) struct Facts {
    /// What the input lacks may exist.
    pub(crate) may_lack: bool,
    pub(crate) principals: Vec<u32>,
    pub(crate) inline: Vec<(u32, u32, u32)>,
    pub(crate) attaches: Vec<(u32, u32, u32)>,
    pub(crate) managed: Vec<(u32, u32)>,
    pub(crate) in_group: Vec<(u32, u32, u32, u32)>,
    pub(crate) groups: Vec<(u32, u32, u32)>,
    pub(crate) bounded: Vec<(u32, u32)>,
    pub(crate) accounts: Vec<u32>,
    pub(crate) listed: Vec<u32>,
    pub(crate) gaps: Vec<(&'static str, u32)>,
    pub(crate) organizations: Vec<u32>,
    pub(crate) roots: Vec<(u32, u32)>,
    pub(crate) below: Vec<(u32, u32)>,
    pub(crate) placed: Vec<(u32, u32)>,
    /// Levels as [`search::levels`] finds them, in worlds too large for the recursive rules.
    pub(crate) found: Option<Vec<(u32, u32, u32)>>,
    pub(crate) exists: Vec<&'static str>,
    pub(crate) enabled: Vec<(&'static str, u32)>,
    pub(crate) unstated: Vec<(&'static str, u32)>,
    pub(crate) manages: Vec<(u32, u32)>,
    pub(crate) targets: Vec<(&'static str, u32, u32, u32, u32)>,
    pub(crate) names: Vec<(u32, u32)>,
    pub(crate) classes: Vec<(u32, &'static str)>,
    pub(crate) needs: Vec<(u32, u32)>,
    pub(crate) reads: Vec<(u32, u32)>,
    pub(crate) speaks: Vec<(u32, &'static str)>,
}

/// The output of the program: every list sorted, each tuple once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Derived {
    /// Principal, place of the group or 0, place, document.
    pub(crate) attached: Vec<(u32, u32, u32, u32)>,
    /// Principal, place of the group or 0, place, ARN.
    pub(crate) attached_unknown: Vec<(u32, u32, u32, u32)>,
    /// User, place of the group, name.
    pub(crate) unknown_groups: Vec<(u32, u32, u32)>,
    /// Principal, document.
    pub(crate) boundaries: Vec<(u32, u32)>,
    /// Principal, ARN.
    pub(crate) boundaries_unknown: Vec<(u32, u32)>,
    /// Principal, ARN.
    pub(crate) boundaries_missing: Vec<(u32, u32)>,
    /// Accounts.
    pub(crate) identities_known: Vec<u32>,
    /// Account, organization.
    pub(crate) member_of: Vec<(u32, u32)>,
    /// Accounts.
    pub(crate) place_unknown: Vec<u32>,
    /// Account, level, entity.
    pub(crate) levels: Vec<(u32, u32, u32)>,
    /// Kind, account.
    pub(crate) governed: Vec<(&'static str, u32)>,
    /// Kind, account, level, place, document, 1 if implied.
    pub(crate) holds: Vec<(&'static str, u32, u32, u32, u32, u32)>,
    /// Kind, account.
    pub(crate) more_may_hold: Vec<(&'static str, u32)>,
    /// Principal test, level of.
    pub(crate) reaches: Vec<(u32, &'static str)>,
    /// Atom, `context`, `principal`, `resource` or `mixed`.
    pub(crate) dependence: Vec<(u32, &'static str)>,
    /// Statement, key.
    pub(crate) statement_reads: Vec<(u32, u32)>,
}

/// The facts of a world about attachments, hierarchy and guardrails.
///
/// Errors: [`Limits::attachments_max`], [`Limits::levels_max`].
pub(crate) fn of_world(world: &Collected, limits: &Limits) -> Result<Facts, CompileError> {
    let mut facts = Facts { may_lack: !world.assume_complete, ..Facts::default() };
    identities(world, &mut facts);
    within("attached policies", n_attachments(&facts), limits.attachments_max)?;
    hierarchy(world, &mut facts);
    guardrails(world, &mut facts);
    let n_levels = search::n_levels(&facts);
    if n_levels > limits.levels_max {
        return Err(CompileError::Limit { what: "levels of guardrails", given: n_levels, limit: limits.levels_max });
    }
    if n_levels > RECURSION_MAX {
        facts.found = Some(search::levels(&facts));
    }
    Ok(facts)
}

fn identities(world: &Collected, facts: &mut Facts) {
    for (holder, identity) in world.identities.iter().enumerate() {
        // Numbered in 32 bits when it was collected.
        let holder = holder as u32;
        if identity.kind != IdentityKind::Group {
            facts.principals.push(holder);
            facts.bounded.extend(identity.boundary.map(|arn| (holder, arn.0)));
        }
        let inline = world.list(identity.inline);
        let places = 0..;
        facts.inline.extend(places.clone().zip(inline).map(|(place, &document)| (holder, place, document)));
        let attached = world.list(identity.attached);
        // Managed policies stand behind the inline ones.
        let places = places.skip(inline.len());
        facts.attaches.extend(places.zip(attached).map(|(place, &arn)| (holder, place, arn)));
        let account = identity.account_text.0;
        for (at, &name) in (1..).zip(world.list(identity.groups)) {
            facts.in_group.push((holder, at, account, name));
        }
        if identity.kind == IdentityKind::Group {
            facts.groups.push((account, identity.name.0, holder));
        }
    }
    facts.managed.extend(world.managed.iter().map(|&(arn, document)| (arn.0, document)));
}

/// How many policies the principals have in all: what the rules of will derive.
fn n_attachments(facts: &Facts) -> usize {
    let mut carried = std::collections::HashMap::new();
    for (holder, ..) in facts.inline.iter().chain(&facts.attaches) {
        *carried.entry(*holder).or_insert(0usize) += 1;
    }
    let groups: std::collections::HashMap<(u32, u32), u32> =
        facts.groups.iter().map(|&(account, name, holder)| ((account, name), holder)).collect();
    let of = |holder: &u32| carried.get(holder).copied().unwrap_or(0);
    let own: usize = facts.principals.iter().map(of).sum();
    let through_groups =
        facts.in_group.iter().filter_map(|&(_, _, account, name)| groups.get(&(account, name))).map(of);
    through_groups.fold(own, usize::saturating_add)
}

fn hierarchy(world: &Collected, facts: &mut Facts) {
    facts.accounts.extend(world.account_numbers().map(|(_, text)| text.0));
    for account in &world.accounts {
        facts.listed.push(account.text.0);
        facts.placed.extend(account.unit.map(|unit| (account.text.0, unit.0)));
    }
    for unit in &world.units {
        match unit.above {
            None => facts.roots.push((unit.id.0, unit.organization.0)),
            Some(above) => facts.below.push((unit.id.0, above.0)),
        }
    }
    facts.organizations.extend(world.organizations.iter().map(|organization| organization.id.0));
    if facts.may_lack {
        for gap in &world.gaps {
            let kind = match gap.kind {
                GapKind::Identities => "identities",
                GapKind::Resources => "resources",
                GapKind::Scps => "scp",
                GapKind::Rcps => "rcp",
                GapKind::Hierarchy => "hierarchy",
                // These show where they matter: an endpoint, a group or a policy that is asked for and not found.
                GapKind::Endpoints | GapKind::Group | GapKind::ManagedPolicy => continue,
            };
            facts.gaps.push((kind, gap.subject.0));
        }
    }
}

fn guardrails(world: &Collected, facts: &mut Facts) {
    for organization in &world.organizations {
        facts.manages.push((organization.id.0, organization.management_text.0));
        for (kind, stated) in [("scp", organization.scp_enabled), ("rcp", organization.rcp_enabled)] {
            match stated {
                Some(true) => facts.enabled.push((kind, organization.id.0)),
                Some(false) => {}
                None => facts.unstated.push((kind, organization.id.0)),
            }
        }
    }
    for (place, guardrail) in (0..).zip(&world.guardrails) {
        facts.exists.push(guardrail.kind);
        for &target in world.list(guardrail.targets) {
            facts.targets.push((guardrail.kind, target, place, guardrail.document, u32::from(guardrail.implied)));
        }
    }
}
