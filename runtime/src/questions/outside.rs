//! Who else can: root users, and whoever the policy of a resource lets in that the set does not list.

use super::inverse::Inverse;
use super::who_can::{Question, Scope, in_scope};
use crate::bulk::DecisionCode;
use crate::caller;
use crate::decide::decide;
use crate::eval::Eval;
use crate::layout::*;
use crate::plan::Single;
use crate::principals::{self, EntryKind};
use crate::refusal::Refusal;
use crate::scratch::Scratch;
use crate::set::{CompiledPolicySet, rows};
use crate::statements;
use iamc_policy::request::RequestError;
use iamc_policy::{AccountId, Principal, Request};

/// What an entry of a policy means that lets in somebody from outside.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum OutsiderKind {
    /// Everyone, anonymous callers included.
    Everyone,
    /// An account that the set does not list; its root user stands for it.
    Account,
    /// A user, role, session or federated user that the set does not list, or a session by its name.
    Principal,
    /// A service.
    Service,
    /// An identity provider.
    Provider,
}

/// Somebody from outside whom a policy names.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Outsider {
    /// What is meant.
    pub kind: OutsiderKind,
    /// As a policy names it: `*`, an account, an ARN, a service.
    pub name: String,
    /// The caller that was asked about.
    pub principal: Principal,
    /// What he gets.
    pub code: DecisionCode,
}

/// The root users of accounts that are allowed, or may be: beside users and roles ([`crate::who_can`]).
///
/// Accounts by number. Facts and keys of the request hold for root users as they do for everyone.
///
/// Cost: one decision for each account of the scope. Panics: never.
pub fn root_users(
    inverse: &Inverse,
    question: &Question,
    scope: Scope<'_>,
    scratch: &mut Scratch,
) -> Vec<(AccountId, DecisionCode)> {
    let set = inverse.set();
    let mut found = Vec::new();
    for row in 0..set.tables().account_numbers.len() as u32 {
        let account = caller::account_id(&caller::digits(set.account_number(row)));
        let Some(account) = account.filter(|account| in_scope(scope, *account)) else { continue };
        if set.account(row)[0] & ACCOUNT_LISTED == 0 {
            continue;
        }
        let partition = partition_of(set, inverse, row);
        let code = ask(set, question, Principal::Root { partition: partition.into(), account }, scratch);
        if code.bits() & 1 == 1 && code.decision().is_some() {
            found.push((account, code));
        }
    }
    found
}

/// The partition of an account's principals; where it has none, that of the first principal of the set.
fn partition_of(set: &CompiledPolicySet, inverse: &Inverse, account: u32) -> String {
    let lanes = inverse.lanes.as_ref();
    let run = lanes.and_then(|lanes| lanes.runs.get(*lanes.run_of.get(account as usize)? as usize));
    let lane = run.map_or(0, |run| run.first);
    let of = |lane: u32| (lane < set.n_principals()).then(|| set.text(set.principal(lane)[2]).split(':').nth(1))?;
    of(lane).unwrap_or("aws").to_owned()
}

fn ask(set: &CompiledPolicySet, question: &Question, principal: Principal, scratch: &mut Scratch) -> DecisionCode {
    let mut request = Request { principal, session: None, ..question.request().clone() };
    // Whoever is named here is named in full.
    request.facts.session_unknown = false;
    decide(set, &request, scratch).map_or_else(|error| DecisionCode::refused(Refusal::of(&error)), DecisionCode::of)
}

/// Everyone, accounts, services, providers and ARNs from outside that the policies of the question's resources and the
/// grants on them name, and that are allowed or may be; sorted.
///
/// Each is decided as a caller of its own: everyone as an anonymous caller, an account as its root user.
///
/// # Errors
/// The request is ill-formed, see [`crate::decide()`].
///
/// Cost: O(statements of the resources' policies) and one decision for each one named. Panics: never.
pub fn outsiders(inverse: &Inverse, question: &Question, scratch: &mut Scratch) -> Result<Vec<Outsider>, RequestError> {
    let set = &**inverse.set();
    let mut named: Vec<(OutsiderKind, String, Principal)> = Vec::new();
    let request = Request { principal: Principal::Anonymous, session: None, ..question.request().clone() };
    let mut eval = Eval::begin(set, &request, None, scratch)?;
    for at in 0..eval.s.units.len() {
        eval.enter(at);
        let plan = eval.plan()?;
        if let Single::Instance(instance) = plan.resource {
            let body = set.instance(instance)[0];
            name_all(&eval, body, &mut named);
        }
        if let Some([.., first, count]) = eval.unit.record.map(|row| set.resource(row))
            && count != NONE
        {
            let grants = &rows::<GRANT_ROW>(&set.tables().grants)[first as usize..(first + count) as usize];
            for text in grants.iter().flat_map(|[grantee, retiring, ..]| [*grantee, *retiring]) {
                if text != NONE {
                    named.extend(by_text(set, set.text(text)));
                }
            }
        }
    }
    for grant in &question.request().facts.kms_grants {
        for text in [&grant.grantee, &grant.retiring].into_iter().flatten() {
            named.extend(by_text(set, text));
        }
    }
    named.sort();
    named.dedup();
    let asked = named.into_iter().map(|(kind, name, principal)| {
        let code = ask(set, question, principal.clone(), scratch);
        Outsider { kind, name, principal, code }
    });
    Ok(asked.filter(|outsider| outsider.code.decision().is_some() && outsider.code.bits() & 1 == 1).collect())
}

/// Whom the Allow statements of a body about the action name.
fn name_all(eval: &Eval<'_>, body: u32, named: &mut Vec<(OutsiderKind, String, Principal)>) {
    let set = eval.set;
    if body == NONE {
        return;
    }
    let ids = eval.unit.spec.action;
    for statement in set.body_statements(body) {
        let [flags, element, _, _, test] = set.statement(*statement);
        let is_about = flags & statements::DENY == 0
            && test != NONE
            && set.action_test(element, ids.service, ids.position, eval.bytes(ids.name));
        if !is_about {
            continue;
        }
        let (flags, entries) = set.principal_test(test);
        if flags & NEGATED != 0 {
            // whoever is not listed is let in.
            named.push((OutsiderKind::Everyone, "*".to_owned(), Principal::Anonymous));
            continue;
        }
        for entry in entries {
            match EntryKind::read(entry[0]) {
                Some(EntryKind::Everyone | EntryKind::EveryoneUnderAws) => {
                    named.push((OutsiderKind::Everyone, "*".to_owned(), Principal::Anonymous));
                }
                Some(EntryKind::Account) => {
                    let partition = set.optional_text(entry[3]).unwrap_or("aws");
                    named.extend(account(set, principals::account(entry), partition));
                }
                Some(EntryKind::CanonicalUser) => {
                    let number = eval.canonical_account(set.string(entry[1]));
                    named.extend(number.and_then(|number| account(set, number, "aws")));
                }
                Some(EntryKind::Service) => {
                    let name = set.text(entry[1]).to_owned();
                    named.push((OutsiderKind::Service, name.clone(), Principal::Service(name.into())));
                }
                Some(EntryKind::Federated) => {
                    let name = set.text(entry[1]).to_owned();
                    let is_saml = name.contains(":saml-provider/");
                    let principal = if is_saml {
                        Principal::Saml(name.clone().into())
                    } else {
                        Principal::Federated(name.clone().into())
                    };
                    named.push((OutsiderKind::Provider, name, principal));
                }
                Some(EntryKind::User | EntryKind::Role | EntryKind::RoleSession | EntryKind::FederatedUser) => {
                    named.extend(by_text(set, set.text(entry[1])));
                }
                // An id that no principal of the set has, or nobody's.
                Some(EntryKind::UniqueId | EntryKind::Nobody) | None => {}
            }
        }
    }
}

/// An account that the set does not list.
fn account(set: &CompiledPolicySet, number: u64, partition: &str) -> Option<(OutsiderKind, String, Principal)> {
    let account = caller::account_id(&caller::digits(number))?;
    let is_listed = set.find_account(account).is_some_and(|row| set.account(row)[0] & ACCOUNT_LISTED != 0);
    let principal = Principal::Root { partition: partition.into(), account };
    (!is_listed).then(|| (OutsiderKind::Account, account.to_string(), principal))
}

/// Whoever is named by a text: an account, a service, an ARN.
fn by_text(set: &CompiledPolicySet, text: &str) -> Option<(OutsiderKind, String, Principal)> {
    if let Some(number) = caller::account_id(text.as_bytes()) {
        return account(set, number.number(), "aws");
    }
    if !text.starts_with("arn:") {
        return Some((OutsiderKind::Service, text.to_owned(), Principal::Service(text.to_lowercase().into())));
    }
    if set.find_principal(text.as_bytes()).is_some() {
        return None;
    }
    match Principal::from_arn(text).ok()? {
        Principal::Root { partition, account: id } => account(set, id.number(), &partition),
        principal => Some((OutsiderKind::Principal, text.to_owned(), principal)),
    }
}
