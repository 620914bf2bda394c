//! What is no policy and still decides: policy-free actions, the credential gate, and the gates
//! that make A false.

use crate::caller::{Caller, Kind};
use crate::context::UnitContext;
use crate::evaluate::condition_formula;
use crate::formula;
use crate::organization::{Position, position};
use crate::units::Unit;
use iamc_catalogue::lists;
use iamc_policy::condition::{BaseOperator, Operator};
use iamc_policy::request::Credential;
use iamc_policy::source::Span;
use iamc_policy::{AccountId, ConditionAtom, ConditionKey, Formula, ReasonCode, Request, Template, World};

/// allowed for whoever is authenticated, even against explicit denies.
pub(crate) fn is_policy_free(request: &Request, kind: Kind) -> bool {
    let action = &request.action;
    let name = action.name().to_ascii_lowercase();
    match (action.service(), name.as_str()) {
        ("sts", "getcalleridentity") => !matches!(kind, Kind::Anonymous | Kind::FedIdp),
        // Not for credentials that GetSessionToken made itself: stops those.
        ("sts", "getsessiontoken") => {
            matches!(kind, Kind::User | Kind::Root) && request.facts.credential != Some(Credential::SessionToken)
        }
        _ => false,
    }
}

/// the credential cannot call this action; Unknown where it depends on an unknown MFA state.
pub(crate) fn credential(context: &UnitContext<'_>) -> Formula {
    let action = context.unit.action;
    let name = action.name().to_ascii_lowercase();
    let (service, name) = (action.service(), name.as_str());
    let by_kind = match context.caller.kind {
        Kind::Root => service == "sts" && matches!(name, "assumerole" | "assumeroot"),
        Kind::RoleSession => service == "sts" && matches!(name, "getfederationtoken" | "getsessiontoken"),
        Kind::FedUser => service == "iam" || (service == "sts" && name != "getcalleridentity"),
        _ => false,
    };
    let stated = context.request.facts.credential == Some(Credential::SessionToken)
        && matches!(context.caller.kind, Kind::User | Kind::Root);
    let by_session_token = if !stated {
        Formula::False
    } else if service == "iam" {
        formula::not(condition_formula(&multi_factor(), context, None, &context.unit.id))
    } else {
        formula::constant(service == "sts" && !matches!(name, "assumerole" | "getcalleridentity"))
    };
    formula::or([formula::constant(by_kind), by_session_token])
}

/// `Bool {aws:MultiFactorAuthPresent: true}`: absent counts as without MFA.
fn multi_factor() -> ConditionAtom {
    ConditionAtom {
        operator: Operator { set: None, base: BaseOperator::Bool, if_exists: false },
        key: ConditionKey::new("aws:MultiFactorAuthPresent"),
        values: vec![Template::literal("true")],
        span: Span::default(),
    }
}

/// The gates that make A false whatever the policies say, with the truth of "it is closed".
pub(crate) fn closed(context: &UnitContext<'_>) -> Vec<(ReasonCode, Formula)> {
    let UnitContext { world, request, caller, unit, .. } = *context;
    vec![
        (ReasonCode::GatePartition, formula::constant(other_partition(caller, unit))),
        (ReasonCode::GateAnon, formula::constant(refuses_anonymous(caller, unit))),
        (ReasonCode::GateKmsXacct, formula::constant(kms_across_accounts(caller, unit))),
        (ReasonCode::GateXacct, formula::constant(across_accounts(world, request, caller, unit))),
        (ReasonCode::GateReserved, formula::constant(reserved(world, unit))),
    ]
}

///
fn other_partition(caller: &Caller<'_>, unit: &Unit<'_>) -> bool {
    match (caller.principal.partition(), unit.arn()) {
        (Some(own), Some(arn)) => own != arn.partition(),
        _ => false,
    }
}

///
fn refuses_anonymous(caller: &Caller<'_>, unit: &Unit<'_>) -> bool {
    caller.kind == Kind::Anonymous && !lists::ANONYMOUS_SERVICES.contains(&unit.action.service())
}

/// The caller has an account, and it is not the owner's.
pub(crate) fn is_cross_account(caller: &Caller<'_>, unit: &Unit<'_>) -> bool {
    matches!((caller.account, unit.owner), (Some(own), Some(owner)) if own != owner)
}

///
fn kms_across_accounts(caller: &Caller<'_>, unit: &Unit<'_>) -> bool {
    let name = unit.action.name().to_ascii_lowercase();
    unit.action.service() == "kms"
        && is_cross_account(caller, unit)
        && !lists::KMS_CROSS_ACCOUNT.contains(&name.as_str())
}

/// and R-6.53 (a) for those who may not assume a root user.
fn across_accounts(world: &World, request: &Request, caller: &Caller<'_>, unit: &Unit<'_>) -> bool {
    if assumes_root(unit) {
        return !may_assume_root(world, request, caller, unit);
    }
    is_cross_account(caller, unit) && lists::NO_CROSS_ACCOUNT.contains(&unit.action_text().as_str())
}

/// R-6.53 (a): `sts:AssumeRoot` on the root user of an account.
fn assumes_root(unit: &Unit<'_>) -> bool {
    unit.action_text() == "sts:assumeroot"
        && unit.arn().is_some_and(|arn| arn.service() == "iam" && arn.resource() == "root")
}

/// R-6.53 (a): a user or role of the management account or of the delegated administrator, on a member account.
fn may_assume_root(world: &World, request: &Request, caller: &Caller<'_>, unit: &Unit<'_>) -> bool {
    let (Some(account), Some(owner)) = (caller.account, unit.owner) else { return false };
    let Position::Member { organization, .. } = position(world, owner) else { return false };
    matches!(caller.kind, Kind::User | Kind::RoleSession)
        && owner != organization.management_account
        && owner != account
        && (account == organization.management_account
            || is_delegated(request, &organization.delegated_administrators, account))
}

fn is_delegated(request: &Request, recorded: &[AccountId], account: AccountId) -> bool {
    recorded.contains(&account) || request.facts.delegated_administrators.contains(&account)
}

/// `core` is taken as same account, Standard, although the accounts differ.
pub(crate) fn identity_alone_suffices(world: &World, request: &Request, caller: &Caller<'_>, unit: &Unit<'_>) -> bool {
    let Some(account) = caller.account else { return false };
    // (a); whoever may not is stopped by the gate.
    if assumes_root(unit) {
        return true;
    }
    let Some(arn) = unit.arn() else { return false };
    match unit.owner {
        // (c)
        None => arn.account() == "aws",
        // (b)
        Some(owner) => {
            arn.service() == "organizations"
                && world.organizations.iter().any(|organization| {
                    organization.management_account == owner
                        && is_delegated(request, &organization.delegated_administrators, account)
                })
        }
    }
}

/// for `alias/aws/*`, always; by its switch.
fn reserved(world: &World, unit: &Unit<'_>) -> bool {
    let Some(arn) = unit.arn() else { return false };
    let action = unit.action_text();
    let changes_alias = matches!(action.as_str(), "kms:createalias" | "kms:updatealias" | "kms:deletealias");
    if changes_alias && arn.service() == "kms" && arn.resource().starts_with("alias/aws/") {
        return true;
    }
    let reserved_policy = arn.account() == "aws" && arn.resource().starts_with("policy/");
    let reserved_role = arn.resource().starts_with("role/aws-reserved/");
    world.settings.reserved_gates
        && arn.service() == "iam"
        && (reserved_policy && lists::POLICY_CHANGES.contains(&action.as_str())
            || reserved_role && lists::ROLE_CHANGES.contains(&action.as_str()))
}
