//! `flat105`: principals that share nothing. Other engines were measured on such policies; it is the worst case for
//! one that lives on sharing, and the fairest to compare with.

use crate::names;
use crate::organization::stream;
use crate::part::{
    AccountPart, AccountStub, Document, IdentityPart, NamedDocument, OrganizationPart, RolePart, UnitPart,
};
use crate::rng::Rng;
use crate::shape::Flat;
use crate::tables;
use iamc_policy::PolicyKind;
use std::fmt::Write;

/// Roles of an account, the quota of IAM.
const ROLES_MAX: usize = 1_000;

/// The organization: a root, the management account, and as many accounts as the roles need.
pub(crate) fn organization(flat: Flat, seed: u64) -> OrganizationPart {
    let n_accounts = 1 + flat.principals.div_ceil(ROLES_MAX).max(1);
    let mut part = frame(seed, n_accounts);
    part.guardrails = crate::organization::full_access(&part).to_vec();
    part
}

/// An organization of a root and `n_accounts` accounts directly below it, without guardrails.
pub(crate) fn frame(seed: u64, n_accounts: usize) -> OrganizationPart {
    let mut rng = Rng::new(seed, &[stream::FLAT]);
    let root = format!("r-{}", rng.text(names::BASE36, 4));
    let accounts: Vec<AccountStub> = (0..n_accounts)
        .map(|index| AccountStub {
            id: names::account_number(seed, index as u64),
            name: format!("account-{index}"),
            parent: root.clone(),
        })
        .collect();
    OrganizationPart {
        id: format!("o-{}", rng.text(names::BASE36, 10)),
        management: accounts[0].id.clone(),
        units: vec![UnitPart { id: root, parent: None, name: "Root".to_owned() }],
        accounts,
        guardrails: Vec::new(),
        managed: Vec::new(),
    }
}

/// The account at `index`; the first one, the management account, is empty.
pub(crate) fn account(flat: Flat, organization: &OrganizationPart, seed: u64, index: usize) -> AccountPart {
    let mut part = empty(organization, seed, index);
    let first = index.saturating_sub(1) * ROLES_MAX;
    let last = if index == 0 { 0 } else { (first + ROLES_MAX).min(flat.principals) };
    part.roles = (first..last).map(|number| role(flat, &part.stub.id, seed, number)).collect();
    part
}

/// An account with nothing in it.
pub(crate) fn empty(organization: &OrganizationPart, seed: u64, index: usize) -> AccountPart {
    let mut rng = Rng::new(seed, &[stream::FLAT, 1, index as u64]);
    AccountPart {
        stub: organization.accounts[index].clone(),
        canonical_user: rng.text(names::HEX, 64),
        region: names::REGIONS[0].to_owned(),
        providers: Vec::new(),
        users: Vec::new(),
        groups: Vec::new(),
        roles: Vec::new(),
        policies: Vec::new(),
        resources: Vec::new(),
        endpoints: Vec::new(),
    }
}

/// A role with a trust policy that trusts its own account.
pub(crate) fn plain_role(account: &str, name: &str, rng: &mut Rng) -> RolePart {
    let trust = format!(
        r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Principal":{{"AWS":"arn:aws:iam::{account}:root"}},"Action":"sts:AssumeRole"}}]}}"#
    );
    RolePart {
        identity: IdentityPart {
            arn: format!("arn:aws:iam::{account}:role/{name}"),
            unique_id: names::unique_id("AROA", rng),
            inline: Vec::new(),
            attached: Vec::new(),
            boundary: None,
            tags: Vec::new(),
        },
        trust: Document::new(PolicyKind::Trust, trust),
    }
}

/// What one statement says: effect and two actions of a service.
struct Choice {
    deny: bool,
    service: &'static str,
    actions: [&'static str; 2],
}

fn choices(flat: Flat, seed: u64, number: usize) -> Vec<Choice> {
    let mut rng = Rng::new(seed, &[stream::FLAT, 2, number as u64]);
    let choice = |rng: &mut Rng| {
        let (service, actions) = rng.pick(tables::actions());
        Choice { deny: rng.chance(0.05), service, actions: [rng.word(actions), rng.word(actions)] }
    };
    (0..flat.statements).map(|_| choice(&mut rng)).collect()
}

fn role(flat: Flat, account: &str, seed: u64, number: usize) -> RolePart {
    let mut role = plain_role(account, &name(number), &mut Rng::new(seed, &[stream::FLAT, 5, number as u64]));
    let mut text = String::from(r#"{"Version":"2012-10-17","Statement":["#);
    for (i, Choice { deny, service, actions: [one, two] }) in choices(flat, seed, number).into_iter().enumerate() {
        let effect = if deny { "Deny" } else { "Allow" };
        let comma = if i > 0 { "," } else { "" };
        // The number of the principal stands in the resource: no two statements anywhere are equal.
        let _ = write!(
            text,
            r#"{comma}{{"Effect":"{effect}","Action":["{service}:{one}","{service}:{two}"],"Resource":"arn:aws:{service}:*:*:p{number}/s{i}/*"}}"#,
        );
    }
    text.push_str("]}");
    let document = Document::new(PolicyKind::Identity, text);
    role.identity.inline.push(NamedDocument { name: "own".to_owned(), document });
    role
}

fn name(number: usize) -> String {
    format!("principal-{number}")
}

/// Account and name of a principal.
pub(crate) fn principal(organization: &OrganizationPart, number: usize) -> (&str, String) {
    (&organization.accounts[1 + number / ROLES_MAX].id, name(number))
}

/// An action and a resource that a principal may ask for: what one of its statements names, nine times out of ten.
pub(crate) fn target(flat: Flat, seed: u64, number: usize, rng: &mut Rng) -> (String, String) {
    let choices = choices(flat, seed, number);
    let at = rng.below(choices.len());
    let Some(Choice { service, actions, .. }) = choices.get(at) else {
        return ("s3:ListAllMyBuckets".to_owned(), "*".to_owned());
    };
    let miss = if rng.chance(0.1) { "x" } else { "" };
    (format!("{service}:{}", rng.pick(actions)), format!("arn:aws:{service}:::p{number}/s{at}{miss}/item"))
}
