//! KMS grants: allows that are no policy.

use crate::caller::{Caller, Kind};
use crate::context::UnitContext;
use crate::formula;
use crate::principal::same_role;
use crate::resolve::{ResourceSide, resource_side};
use iamc_catalogue::lists;
use iamc_policy::decision::{AtomKind, GrantLevel, ResidualAtom};
use iamc_policy::request::KmsGrant;
use iamc_policy::{Formula, Truth};

/// The levels at which grants allow the unit, each with its truth.
pub(crate) fn grants(context: &UnitContext<'_>) -> Vec<(GrantLevel, Formula)> {
    let unit = context.unit;
    if resource_side(unit) != ResourceSide::Key {
        return Vec::new();
    }
    let operation = unit.action.name().to_ascii_lowercase();
    if operation == "retiregrant" {
        return retire(context);
    }
    if !lists::KMS_GRANT_OPERATIONS.contains(&operation.as_str()) {
        return Vec::new();
    }
    let recorded = recorded(context);
    let stated = context.request.facts.kms_grants.iter();
    let mut levels: Vec<(GrantLevel, Formula)> = stated
        .chain(recorded.unwrap_or_default())
        .enumerate()
        .filter(|(_, grant)| grant.operations.iter().any(|covered| covered.eq_ignore_ascii_case(&operation)))
        .filter_map(|(index, grant)| {
            let (level, named) = named(context, grant.grantee.as_deref()?)?;
            Some((level, formula::and([named, holds(context, grant, index)])))
        })
        .collect();
    // Grants that nobody exported may name anybody (R-8.17 in spirit: incomplete is never treated as safe).
    if recorded.is_none() {
        for level in [GrantLevel::SelfLevel, GrantLevel::Base, GrantLevel::Account] {
            levels.push((level, Formula::Atom(Box::new(fact(context, "kms_grants".into())))));
        }
    }
    levels
}

/// Grants that the inventory records for the key; `None`: they were not exported.
fn recorded<'a>(context: &UnitContext<'a>) -> Option<&'a [KmsGrant]> {
    let arn = context.unit.arn()?;
    let record = context.world.resources.iter().find(|resource| resource.arn == *arn);
    match record.map(|resource| resource.kms_grants.as_deref()) {
        Some(Some(grants)) => Some(grants),
        // A key that is not listed has an unknown key policy already, which says as much.
        None => Some(&[]),
        Some(None) if context.world.assume_complete => Some(&[]),
        Some(None) => None,
    }
}

/// `index`: the position of the grant among those of the request, then those of the inventory. Two grants may hold or
/// not hold independently, so their atoms must differ.
fn holds(context: &UnitContext<'_>, grant: &KmsGrant, index: usize) -> Formula {
    formula::of(grant.holds, || fact(context, format!("kms_grants[{index}]")))
}

/// The truth of the fact that an atom names; `None`: it names no grant.
pub(crate) fn fact_of_name(context: &UnitContext<'_>, name: &str) -> Option<Truth> {
    let index: usize = name.strip_prefix("kms_grants[")?.strip_suffix(']')?.parse().ok()?;
    let stated = context.request.facts.kms_grants.iter();
    stated.chain(recorded(context).unwrap_or_default()).nth(index).map(|grant| grant.holds)
}

fn fact(context: &UnitContext<'_>, name: String) -> ResidualAtom {
    ResidualAtom {
        unit: context.unit.id.clone(),
        policy: None,
        statement: None,
        kind: AtomKind::Fact { name },
        keys: Vec::new(),
    }
}

/// the level at which a grant's principal means the caller, and whether it does.
fn named(context: &UnitContext<'_>, principal: &str) -> Option<(GrantLevel, Formula)> {
    let caller = context.caller;
    if let Some(level) = level(caller, principal) {
        return Some((level, Formula::True));
    }
    // The session may be the one that the grant names.
    let perhaps = caller.kind == Kind::RoleSession && !caller.session_known && same_role(principal, &caller.own);
    let atom = || ResidualAtom {
        unit: context.unit.id.clone(),
        policy: None,
        statement: None,
        kind: AtomKind::SessionName { entry: principal.to_owned() },
        keys: Vec::new(),
    };
    perhaps.then(|| (GrantLevel::SelfLevel, Formula::Atom(Box::new(atom()))))
}

/// the level at which a grant's principal certainly means the caller.
fn level(caller: &Caller<'_>, principal: &str) -> Option<GrantLevel> {
    let account = principal.parse().ok().or_else(|| {
        let mut parts = principal.splitn(6, ':');
        let account = parts.nth(4)?;
        (parts.next()? == "root").then(|| account.parse().ok()).flatten()
    });
    if let Some(account) = account {
        let own = caller.account == Some(account);
        let level = if caller.kind == Kind::Root { GrantLevel::SelfLevel } else { GrantLevel::Account };
        return own.then_some(level);
    }
    let same =
        if caller.kind == Kind::Service { principal.to_lowercase() == caller.own } else { principal == caller.own };
    match caller.kind {
        Kind::Anonymous | Kind::FedIdp => None,
        // An unknown session name leaves only the role to be recognised for certain.
        Kind::RoleSession if !caller.session_known => {
            (caller.base.as_deref() == Some(principal)).then_some(GrantLevel::Base)
        }
        _ if same => Some(GrantLevel::SelfLevel),
        _ if caller.base.as_deref() == Some(principal) => Some(GrantLevel::Base),
        _ => None,
    }
}

/// who may retire the grant that the request names.
fn retire(context: &UnitContext<'_>) -> Vec<(GrantLevel, Formula)> {
    let caller = context.caller;
    let stated = &context.request.facts.kms_grants;
    let mut levels = Vec::new();
    for (index, grant) in stated.iter().enumerate() {
        levels.extend(grant.retiring.as_deref().and_then(|retiring| named(context, retiring)));
        let may_retire = grant.operations.iter().any(|operation| operation.eq_ignore_ascii_case("RetireGrant"));
        if let Some((level, is_caller)) = grant.grantee.as_deref().and_then(|grantee| named(context, grantee))
            && may_retire
            && grant.holds != Truth::False
        {
            levels.push((level, formula::and([is_caller, holds(context, grant, index)])));
        }
    }
    let in_account_of_key = caller.account.is_some() && caller.account == context.unit.owner;
    if !stated.is_empty() && in_account_of_key {
        let level = if caller.kind == Kind::Root { GrantLevel::SelfLevel } else { GrantLevel::Account };
        levels.push((level, Formula::True));
    }
    levels
}
