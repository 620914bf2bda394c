//! S3 Block Public Access.

use crate::address;
use crate::caller::Kind;
use crate::context::UnitContext;
use crate::formula;
use crate::resolve::{Pool, carriers};
use iamc_catalogue::lists;
use iamc_policy::condition::BaseOperator;
use iamc_policy::decision::{AtomKind, ResidualAtom};
use iamc_policy::{ConditionAtom, Effect, Formula, PrincipalEntry, Statement};

/// RestrictPublicBuckets is effective, the bucket policy is public, and the caller is neither a service nor
/// of the owner's account.
pub(crate) fn blocked(context: &UnitContext<'_>, policy: &Pool<'_>) -> Formula {
    let unit = context.unit;
    let caller = context.caller;
    let on_bucket = unit.action.service() == "s3" && unit.arn().is_some_and(|arn| arn.service() == "s3");
    let exempt = caller.kind == Kind::Service || (caller.account.is_some() && caller.account == unit.owner);
    if !on_bucket || exempt {
        return Formula::False;
    }
    formula::and([effective(context), public(context, policy)])
}

/// set on the bucket or on the account; a fact of the request replaces both.
pub(crate) fn effective(context: &UnitContext<'_>) -> Formula {
    if let Some(stated) = context.request.facts.s3_block_public_access {
        return formula::constant(stated);
    }
    let world = context.world;
    let bucket = context
        .unit
        .arn()
        .and_then(|arn| carriers(world, arn.as_str()).into_iter().find_map(|record| record.s3_restrict_public_buckets));
    let account = world
        .accounts
        .iter()
        .find(|account| Some(account.id) == context.unit.owner)
        .and_then(|account| account.s3_restrict_public_buckets);
    if bucket == Some(true) || account == Some(true) {
        Formula::True
    } else if world.assume_complete || (bucket == Some(false) && account == Some(false)) {
        Formula::False
    } else {
        Formula::Atom(Box::new(ResidualAtom {
            unit: context.unit.id.clone(),
            policy: None,
            statement: None,
            kind: AtomKind::Fact { name: "s3_block_public_access".into() },
            keys: Vec::new(),
        }))
    }
}

/// some Allow statement is not limited; unknown if a policy's text is.
fn public(context: &UnitContext<'_>, policy: &Pool<'_>) -> Formula {
    let by_text = policy
        .statements
        .iter()
        .any(|located| located.statement.effect == Effect::Allow && !is_limited(located.statement));
    let by_unknown = policy.unknown.iter().map(|reference| {
        Formula::Atom(Box::new(ResidualAtom {
            unit: context.unit.id.clone(),
            policy: Some(reference.clone()),
            statement: None,
            kind: AtomKind::Policy,
            keys: Vec::new(),
        }))
    });
    formula::or(std::iter::once(formula::constant(by_text)).chain(by_unknown))
}

/// limited to concrete principals, or by a condition on a fixed value.
fn is_limited(statement: &Statement) -> bool {
    let concrete = statement.principal.as_ref().is_some_and(|element| {
        !element.negated
            && element
                .entries
                .iter()
                .all(|entry| !matches!(entry, PrincipalEntry::Everyone { .. } | PrincipalEntry::Federated(_)))
    });
    let not_principal = statement.principal.as_ref().is_none_or(|element| element.negated);
    // "Federated principals and NotPrincipal count as public": a condition does not help them.
    let federated = statement
        .principal
        .as_ref()
        .is_some_and(|element| element.entries.iter().any(|entry| matches!(entry, PrincipalEntry::Federated(_))));
    concrete || (!not_principal && !federated && statement.condition.atoms.iter().any(limits))
}

/// the operators, the keys, and the values that limit.
fn limits(atom: &ConditionAtom) -> bool {
    use BaseOperator::*;
    let operator = matches!(
        atom.operator.base,
        StringEquals | StringEqualsIgnoreCase | StringLike | ArnEquals | ArnLike | IpAddress
    );
    let key = atom.key.as_str();
    let set = atom.operator.set != Some(iamc_policy::SetOperator::ForAllValues);
    operator
        && set
        && !atom.operator.if_exists
        && lists::S3_LIMITING_KEYS.contains(&key)
        && !atom.values.is_empty()
        && atom.values.iter().all(|value| is_fixed(key, value))
}

fn is_fixed(key: &str, value: &iamc_policy::Template) -> bool {
    let text = value.text();
    if value.fault().is_some() || value.pieces().any(|piece| !matches!(piece, iamc_policy::template::Piece::Literal(_)))
    {
        return false;
    }
    match key {
        // Not broader than /8 for IPv4 and /32 for IPv6.
        "aws:sourceip" => match address::block(text) {
            Some(block) => address::prefix_bits(&block) >= if text.contains(':') { 32 } else { 8 },
            None => false,
        },
        // A wildcard may stand for the access point's name only.
        "s3:dataaccesspointarn" => {
            let mut parts = text.splitn(6, ':');
            let fixed = (0..5).all(|_| parts.next().is_some_and(|part| !part.contains(['*', '?'])));
            fixed && parts.next().is_some()
        }
        _ => !text.contains(['*', '?']),
    }
}
