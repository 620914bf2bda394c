//! The law about renaming: no name means anything.

use super::{Law, Outcome, broken};
use crate::generators::Sample;
use crate::parts::{known_mut, policies_mut};
use iamc_inventory::{Options, read_lines, write_lines};
use iamc_policy::condition::ConditionKey;
use iamc_policy::document::{Statement, Strictness};
use iamc_policy::principal::Principal;
use iamc_policy::request::{Context, KeyState, Request, RequestResource, ResourceInRequest, Values};
use iamc_policy::world::{NamedPolicy, PolicyText};
use iamc_policy::{BaseOperator, Policy, Template};

/// Old name and new name. No old name is part of another word of the vocabulary, and no new name occurs in it.
const NAMES: [(&str, &str); 8] = [
    ("111111111111", "414141414141"),
    ("222222222222", "525252525252"),
    ("333333333333", "636363636363"),
    ("999999999999", "787878787878"),
    ("ursula", "zoe"),
    ("umberto", "quirinus-the-second"),
    ("rolanda", "jack"),
    ("roderick", "polyphemus"),
];

/// renaming accounts, users and roles consistently commutes with deciding.
///
/// Premises of the rule: no policy pattern mentions fragments of the names or counts their characters with `?`. More
/// exactly: no text that is compared has `?`, or a wildcard beside a part of a name; no name is written in another
/// case (some operators do not mind); no operator reads a name as a number, date, address or base64. Statements that
/// do not meet them are dropped before anything is decided.
pub(super) const RENAMING: Law = Law {
    name: "names mean nothing",
    rules: &["R-8.33"],
    percent_min: 60,
    check: |engine, entropy| {
        let mut sample = crate::generators::sample(entropy);
        keep_nameless(&mut sample);
        // What strict mode quarantines is printed as it was found, and would be read leniently.
        if sample.world.settings.strict || !values(&sample.request).iter().all(|value| in_one_case(value)) {
            return Outcome::Vacuous;
        }
        let Ok(answer) = engine.decide(&sample.world, &sample.request) else { return Outcome::Vacuous };
        let Some(after) = renamed_sample(&sample) else {
            return broken(engine, "the renamed inventory is refused".to_owned(), &sample, &sample);
        };
        match engine.decide(&after.world, &after.request) {
            Ok(new) if new.decision == answer.decision && new.residual_keys == answer.residual_keys => Outcome::Held,
            Ok(new) => {
                let message = format!("the decision was {:?} and is {:?}", answer.decision, new.decision);
                broken(engine, message, &sample, &after)
            }
            Err(error) => broken(engine, format!("refused after the change: {error}"), &sample, &after),
        }
    },
};

fn renamed(text: &str) -> String {
    NAMES.iter().fold(text.to_owned(), |text, (old, new)| text.replace(old, new))
}

/// Drops the statements that do not meet the premises.
fn keep_nameless(sample: &mut Sample) {
    for (_, named) in policies_mut(&mut sample.world, &mut sample.request) {
        if let Some(policy) = known_mut(named) {
            policy.statements.retain(is_nameless);
        }
    }
}

/// True iff the statement compares names as wholes only.
fn is_nameless(statement: &Statement) -> bool {
    let mut patterns = statement.resource.iter().flat_map(|resource| &resource.patterns);
    patterns.all(is_whole)
        && statement.condition.atoms.iter().all(|atom| {
            !(reads_otherwise(atom.operator.base) && may_hold_name(&atom.key)) && atom.values.iter().all(is_whole)
        })
}

fn reads_otherwise(base: BaseOperator) -> bool {
    use BaseOperator::*;
    base >= NumericEquals && base <= DateGreaterThanEquals
        || matches!(base, BinaryEquals | IpAddress | NotIpAddress | Bool | Null)
}

/// Keys whose values never are, nor are compared with, names of accounts, users or roles.
fn may_hold_name(key: &ConditionKey) -> bool {
    let safe = [
        "aws:sourceip",
        "aws:currenttime",
        "aws:epochtime",
        "aws:multifactorauthpresent",
        "aws:multifactorauthage",
        "aws:tokenissuetime",
        "aws:securetransport",
        "aws:principalisawsservice",
        "aws:viaawsservice",
        "s3:max-keys",
        "app:blob",
    ];
    !safe.contains(&key.as_str())
}

/// No `?`, no fault, no wildcard beside a part of a name, no name in another case.
fn is_whole(template: &Template) -> bool {
    let text = template.text();
    if text.contains('?') || template.fault().is_some() || !in_one_case(text) {
        return false;
    }
    // Names stand for one character that is no letter or digit of any name.
    let whole = NAMES.iter().fold(text.to_owned(), |text, (old, _)| text.replace(old, "\u{1}"));
    let is_fragment =
        |word: &str| !word.is_empty() && NAMES.iter().any(|(old, new)| old.contains(word) || new.contains(word));
    let pieces: Vec<&str> = whole.split('*').collect();
    pieces.iter().enumerate().all(|(index, piece)| {
        let word = |c: char| c.is_alphanumeric() || c == '-';
        let first = piece.split(|c| !word(c)).next().unwrap_or("");
        let last = piece.rsplit(|c| !word(c)).next().unwrap_or("");
        (index == 0 || !is_fragment(first)) && (index + 1 == pieces.len() || !is_fragment(last))
    })
}

/// True iff every name in the text, whatever its case, is written as the name is.
fn in_one_case(text: &str) -> bool {
    let lower = text.to_lowercase();
    NAMES.iter().all(|(old, _)| lower.matches(old).count() == text.matches(old).count())
}

fn values(request: &Request) -> Vec<String> {
    let additional = request.additional.iter().map(|additional| &additional.resource);
    let resources = request.resources.iter().chain(additional);
    let contexts = std::iter::once(&request.context).chain(resources.clone().map(|resource| &resource.context));
    let mut values: Vec<String> = contexts
        .flat_map(|context| context.values())
        .flat_map(|state| match state {
            KeyState::Values(values) => values.as_slice(),
            _ => &[],
        })
        .map(ToString::to_string)
        .collect();
    values.extend(resources.map(|resource| resource.resource.to_string()));
    values.push(request.principal.to_string());
    values
}

fn renamed_sample(sample: &Sample) -> Option<Sample> {
    let mut lines = Vec::new();
    write_lines(&sample.world, &mut lines).ok()?;
    let text = renamed(&String::from_utf8(lines).ok()?);
    let mut world = read_lines("renamed", &text, &Options::default()).ok()?.world;
    world.settings = sample.world.settings.clone();
    world.assume_complete = sample.world.assume_complete;
    // A reader notes that an attached policy is not there; what the world itself says of it is kept instead.
    world
        .policies
        .retain(|read| sample.world.policies.iter().any(|old| renamed(old.arn.as_str()) == read.arn.as_str()));
    world.gaps = sample.world.gaps.clone();
    world.gaps.iter_mut().for_each(|gap| gap.subject = renamed(&gap.subject));
    Some(Sample { world, request: renamed_request(&sample.request)? })
}

fn renamed_request(request: &Request) -> Option<Request> {
    let mut after = request.clone();
    after.principal = renamed_principal(&request.principal)?;
    let additional = after.additional.iter_mut().map(|additional| &mut additional.resource);
    for resource in after.resources.iter_mut().chain(additional) {
        rename_resource(resource)?;
    }
    rename_context(&mut after.context);
    let facts = &mut after.facts;
    facts.role = match &facts.role {
        Some(role) => Some(renamed(role.as_str()).parse().ok()?),
        None => None,
    };
    facts.federated_user_base = match &facts.federated_user_base {
        Some(base) => Some(renamed_principal(base)?),
        None => None,
    };
    for (_, value) in facts.principal_tags.iter_mut().chain(&mut facts.resource_tags).flatten() {
        *value = renamed(value);
    }
    for grant in &mut facts.kms_grants {
        for name in [&mut grant.grantee, &mut grant.retiring] {
            *name = name.as_deref().map(renamed);
        }
    }
    for (_, account) in &mut facts.canonical_users {
        *account = renamed(&account.to_string()).parse().ok()?;
    }
    for account in &mut facts.delegated_administrators {
        *account = renamed(&account.to_string()).parse().ok()?;
    }
    for named in after.session.iter_mut().flatten() {
        if let PolicyText::Known(policy) = &named.text {
            let text = renamed(&policy.to_json());
            let policy = Policy::parse(policy.kind, Strictness::Lenient, &text).policy?;
            *named = NamedPolicy::new(named.name.clone(), policy);
        }
    }
    Some(after)
}

fn renamed_principal(principal: &Principal) -> Option<Principal> {
    let mut after = principal.clone();
    match &mut after {
        Principal::Root { account, .. } => *account = renamed(&account.to_string()).parse().ok()?,
        Principal::User { account, path_name, .. } => {
            *account = renamed(&account.to_string()).parse().ok()?;
            *path_name = renamed(path_name).into();
        }
        Principal::RoleSession { account, role, role_path_name, session, .. } => {
            *account = renamed(&account.to_string()).parse().ok()?;
            *role = renamed(role).into();
            *role_path_name = role_path_name.as_deref().map(|path_name| renamed(path_name).into());
            *session = renamed(session).into();
        }
        Principal::FederatedUser { account, name, .. } => {
            *account = renamed(&account.to_string()).parse().ok()?;
            *name = renamed(name).into();
        }
        Principal::Service(name) | Principal::Federated(name) | Principal::Saml(name) => *name = renamed(name).into(),
        Principal::Anonymous => {}
    }
    Some(after)
}

fn rename_resource(resource: &mut ResourceInRequest) -> Option<()> {
    if let RequestResource::Arn(arn) = &resource.resource {
        resource.resource = RequestResource::Arn(renamed(arn.as_str()).parse().ok()?);
    }
    resource.account = match resource.account {
        Some(account) => Some(renamed(&account.to_string()).parse().ok()?),
        None => None,
    };
    rename_context(&mut resource.context);
    Some(())
}

fn rename_context(context: &mut Context) {
    for state in context.values_mut() {
        match state {
            KeyState::Values(Values::One(value)) => *value = renamed(value).into(),
            KeyState::Values(Values::Many(values)) => {
                values.iter_mut().for_each(|value| *value = renamed(value).into())
            }
            KeyState::Absent | KeyState::Present | KeyState::Unknown => {}
        }
    }
}
