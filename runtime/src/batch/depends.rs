//! On what the states of condition keys depend, for callers that are users and sessions of roles: what depends on the
//! context alone is worked out once for all rows of that context.
//!
//! This is table 5.2 read backwards; `crate::context` is the table itself. Whatever is not known here to depend on
//! less depends on everything.

use crate::code::{Step, Steps};
use crate::conditions::{ARN, CODE};
use crate::keys::*;
use crate::layout::{ATOM_ROW, PATTERN_ROW};
use crate::pattern::HAS_VARIABLES;
use crate::set::CompiledPolicySet;
use iamc_catalogue::Catalogue;

/// The caller, its session and its facts.
pub(crate) const PRINCIPAL: u8 = 1;
/// The action.
pub(crate) const ACTION: u8 = 2;
/// The resource and its owner.
pub(crate) const RESOURCE: u8 = 4;
/// The action, in open mode only.
pub(crate) const ACTION_IF_OPEN: u8 = 8;

/// What the derived state of a key depends on, besides the context.
pub(crate) fn of_derived(class: KeyClass) -> u8 {
    match class {
        KeyClass::PrincipalTag | KeyClass::Oidc | KeyClass::Saml => PRINCIPAL,
        KeyClass::ResourceTag => RESOURCE,
        KeyClass::RequestTag | KeyClass::Other => 0,
        KeyClass::Special(id) => match id {
            // Derived from the endpoint and from other given keys, or not at all. Tokens belong to every user and
            // session; `aws:SourceArn` and its like, to services.
            SOURCE_IP | SOURCE_VPCE | SOURCE_VPC | VPC_SOURCE_IP | CALLED_VIA | CALLED_VIA_FIRST | CALLED_VIA_LAST
            | SOURCE_ARN | SOURCE_ACCOUNT | SOURCE_ORG_ID | SOURCE_ORG_PATHS | CURRENT_TIME | EPOCH_TIME
            | USER_AGENT | SECURE_TRANSPORT | REQUESTED_REGION | VIA_AWS_SERVICE | TAG_KEYS | STS_SOURCE_IDENTITY
            | TOKEN_ISSUE_TIME | SIGN_IN_SESSION | CHATBOT_SOURCE => 0,
            _ if id <= MFA_PRESENT || matches!(id, SAML_NAME_QUALIFIER | SAML_SUB | SAML_SUB_TYPE) => PRINCIPAL,
            SOURCE_VPC_ARN | VPCE_ACCOUNT | VPCE_ORG_PATHS | VPCE_ORG_ID | STS_DURATION | STS_SERVICE_NAME => ACTION,
            _ => PRINCIPAL | ACTION | RESOURCE,
        },
    }
}

/// What the state of a key depends on, besides the context.
fn of_state(class: KeyClass, canonical: &[u8], catalogue: &Catalogue) -> u8 {
    let prefix = canonical.split(|byte| *byte == b':').next().and_then(|prefix| std::str::from_utf8(prefix).ok());
    let of_service = prefix.is_none_or(|prefix| catalogue.service(prefix).is_some());
    of_derived(class) | if of_service { ACTION_IF_OPEN } else { 0 }
}

/// What each condition atom of the set depends on, besides the context, by atom id.
///
/// Cost: O(atoms and their values).
pub(crate) fn of_atoms(set: &CompiledPolicySet) -> Vec<u8> {
    let n_keys = set.tables().keys.len() / crate::layout::KEY_ROW;
    let of_keys: Vec<u8> = (0..n_keys as u32)
        .map(|id| {
            let key = set.key(id);
            of_state(key.class, key.text, set.catalogue())
        })
        .collect();
    let of_atom = |id: u32| keys_of_atom(set, id).fold(0, |depends, key| depends | of_keys[key as usize]);
    (0..(set.tables().atoms.len() / ATOM_ROW) as u32).map(of_atom).collect()
}

/// The keys whose states an atom reads: its own, and those of variables in its values.
///
/// Cost: O(its values).
pub(crate) fn keys_of_atom(set: &CompiledPolicySet, id: u32) -> impl Iterator<Item = u32> + '_ {
    let [_, key, first, count] = set.atom(id);
    let variables = (first..first + count).flat_map(|id| {
        let value = set.value(id);
        let codes = match value.form {
            CODE => [value.data, &[], &[], &[], &[], &[]],
            ARN => value.arn_codes().unwrap_or_default(),
            _ => [&[][..]; 6],
        };
        codes.into_iter().flat_map(variables)
    });
    std::iter::once(key).chain(variables)
}

/// The keys of the variables of a code.
fn variables(code: &[u8]) -> impl Iterator<Item = u32> + '_ {
    Steps(code).filter_map(|step| match step {
        Step::Variable { key, .. } => Some(key),
        _ => None,
    })
}

/// Which keys of the set some condition or variable asks for, by key id.
///
/// Cost: O(atoms, their values, and patterns).
pub(crate) fn read_keys(set: &CompiledPolicySet) -> Vec<bool> {
    let mut read = vec![false; set.tables().keys.len() / crate::layout::KEY_ROW];
    for id in 0..(set.tables().atoms.len() / ATOM_ROW) as u32 {
        keys_of_atom(set, id).for_each(|key| read[key as usize] = true);
    }
    for id in 0..(set.tables().patterns.len() / PATTERN_ROW) as u32 {
        let pattern = set.pattern(id);
        if pattern.shape & HAS_VARIABLES != 0 {
            variables(pattern.code).for_each(|key| read[key as usize] = true);
        }
    }
    read
}

/// May a key be left out of a context without any answer changing, if no policy reads it? So may keys that nothing is
/// derived of and that no rule asks for by itself.
pub(crate) fn is_only_read(class: KeyClass) -> bool {
    match class {
        KeyClass::Special(id) => matches!(id, CURRENT_TIME | EPOCH_TIME | USER_AGENT | SECURE_TRANSPORT),
        KeyClass::Other | KeyClass::RequestTag => true,
        KeyClass::PrincipalTag | KeyClass::ResourceTag | KeyClass::Oidc | KeyClass::Saml => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_that_are_never_derived_depend_on_the_context_alone() {
        let catalogue = Catalogue::embedded();
        for (key, depends) in [
            ("aws:sourceip", 0),
            ("aws:currenttime", 0),
            ("aws:requesttag/team", 0),
            ("nobody:knows", 0),
            ("s3:prefix", ACTION_IF_OPEN),
            ("sts:sourceidentity", ACTION_IF_OPEN),
            ("aws:principaltag/team", PRINCIPAL),
            ("aws:multifactorauthpresent", PRINCIPAL),
            ("aws:userid", PRINCIPAL),
            ("aws:resourcetag/team", RESOURCE),
            ("aws:vpceorgid", ACTION),
            ("aws:resourceaccount", PRINCIPAL | ACTION | RESOURCE),
            ("sts:durationseconds", ACTION | ACTION_IF_OPEN),
            ("saml:sub", PRINCIPAL),
        ] {
            let (class, _) = class(key);
            assert_eq!(of_state(class, key.as_bytes(), catalogue), depends, "{key}");
        }
    }
}
