//! Laws about changing policies: denies, allows, guardrail levels, and policies that do not apply (section 6).

use super::{Answered, Law, Outcome, answered, broken, unchanged, unchanged_decision};
use crate::engine::Engine;
use crate::generators::{Entropy, Sample, statement_text};
use crate::parts::{Site, keys_in_policies, known_mut, policies_mut};
use iamc_policy::document::{Policy, Statement, Strictness, Version};
use iamc_policy::ids::AccountId;
use iamc_policy::principal::{Principal, last_segment};
use iamc_policy::request::{RequestResource, ThroughEndpoint};
use iamc_policy::world::{GapKind, Guardrail, NamedPolicy, PolicyText, ResourcePolicy, Unit, World};
use iamc_policy::{Decision, Effect, PolicyKind, ReasonCode};
use std::sync::Arc;

fn parsed(kind: PolicyKind, statement: &str) -> Option<Statement> {
    let text = format!(r#"{{"Version": "2012-10-17", "Statement": [{statement}]}}"#);
    Policy::parse(kind, Strictness::Lenient, &text).policy?.statements.pop()
}

/// A Deny of everything that a policy of that kind can deny.
fn deny_everything(kind: PolicyKind, service: &str) -> Option<Statement> {
    let principal = if kind.has_principal() { r#""Principal": "*", "# } else { "" };
    let resource = if kind == PolicyKind::Trust { "" } else { r#", "Resource": "*""# };
    let action = if kind == PolicyKind::Rcp { format!("{service}:*") } else { "*".to_owned() };
    parsed(kind, &format!(r#"{{"Effect": "Deny", {principal}"Action": "{action}"{resource}}}"#))
}

/// R-6.70 and R-6.71: what comes before all policies.
fn before_all_policies(sample: &Sample, answer: &iamc_policy::Answer) -> bool {
    let action = sample.request.action.to_string().to_ascii_lowercase();
    matches!(action.as_str(), "sts:getcalleridentity" | "sts:getsessiontoken")
        || answer.missing().iter().any(|missing| missing.code == ReasonCode::GateCredential)
}

/// R-6.5: a Deny in any applicable policy wins.
///
/// Premises: the policy applies beyond doubt (below); the action is not free of policies (R-6.70) and no credential
/// gate comes first (R-6.71); R-6.48, R-6.73 and R-6.25 do not switch the policy off.
pub(super) const DENY_WINS: Law = Law {
    name: "a deny anywhere wins",
    rules: &["R-6.5"],
    percent_min: 25,
    check: |engine, entropy| {
        let Some(Answered { sample, answer }) = answered(engine, entropy) else { return Outcome::Vacuous };
        if before_all_policies(&sample, &answer) {
            return Outcome::Vacuous;
        }
        let mut after = sample.clone();
        let mut applicable: Vec<(Site, &mut NamedPolicy)> = policies_mut(&mut after.world, &mut after.request)
            .into_iter()
            .filter(|(site, named)| matches!(named.text, PolicyText::Known(_)) && certainly_applies(&sample, site))
            .collect();
        if applicable.is_empty() {
            return Outcome::Vacuous;
        }
        let index = entropy.below(applicable.len());
        let (site, named) = &mut applicable[index];
        let deny = deny_everything(site.kind(), sample.request.action.service());
        let (Some(deny), Some(policy)) = (deny, known_mut(named)) else { return Outcome::Vacuous };
        let at = entropy.below(policy.statements.len() + 1);
        policy.statements.insert(at, deny);
        let site = site.clone();
        match engine.decide(&after.world, &after.request) {
            Ok(answer) if answer.decision == Decision::ExplicitDeny => Outcome::Held,
            Ok(answer) => {
                broken(engine, format!("a deny of everything at {site:?} gives {:?}", answer.decision), &sample, &after)
            }
            Err(error) => broken(engine, format!("refused after the change: {error}"), &sample, &after),
        }
    },
};

/// A reading of sections 6.2 to 6.5 that sees only the plain cases, none of them wrongly.
fn certainly_applies(sample: &Sample, site: &Site) -> bool {
    let Sample { world, request } = sample;
    let RequestResource::Arn(resource) = &request.resources[0].resource else { return is_identity_site(sample, site) };
    let key_action = request.action.to_string().eq_ignore_ascii_case("kms:RetireGrant");
    match site {
        Site::Resource(arn, _) => {
            // The record of the resource itself, for a caller who is no root user (R-6.48).
            arn == resource && !key_action && !matches!(request.principal, Principal::Root { .. })
        }
        Site::Trust(arn) => arn == resource && request.action.to_string().eq_ignore_ascii_case("sts:AssumeRole"),
        Site::Guardrail(PolicyKind::Rcp, targets, _) => {
            let listed = ["s3", "sqs", "kms", "secretsmanager"].contains(&request.action.service());
            let known = !request.action.name().starts_with("Frob");
            let managed = world.resources.iter().any(|known| known.arn == *resource && known.aws_managed_key);
            let owner = match (request.resources[0].account, resource.account().parse::<AccountId>()) {
                (Some(account), _) => Some(account),
                (None, Ok(account)) => Some(account),
                (None, Err(_)) => None,
            };
            let on_path = owner.is_some_and(|owner| is_guarded(world, owner, PolicyKind::Rcp, targets));
            listed && known && !managed && !key_action && !is_service_linked(sample) && on_path
        }
        _ => is_identity_site(sample, site),
    }
}

/// Policies that go with the caller, and those of the endpoint.
fn is_identity_site(sample: &Sample, site: &Site) -> bool {
    let Sample { world, request } = sample;
    let user = match &request.principal {
        principal @ Principal::User { .. } => Some(principal.to_string()),
        Principal::FederatedUser { .. } => match &request.facts.federated_user_base {
            Some(base @ Principal::User { .. }) => Some(base.to_string()),
            _ => None,
        },
        _ => None,
    };
    let user = world.users.iter().find(|known| Some(known.identity.arn.as_str()) == user.as_deref());
    let role = role(sample);
    let identity = user.map(|user| &user.identity).or(role.map(|role| &role.identity));
    match site {
        Site::Inline(arn) => identity.is_some_and(|identity| identity.arn == *arn),
        Site::GroupInline(arn) => user.is_some_and(|user| {
            user.identity.arn.account() == arn.account()
                && user.groups.iter().any(|name| last_segment(arn.resource()) == name)
        }),
        Site::Managed(arn) => {
            identity.is_some_and(|identity| identity.attached.contains(arn) || identity.boundary.as_ref() == Some(arn))
        }
        Site::SessionDefault(arn) => request.session.is_none() && role.is_some_and(|role| role.identity.arn == *arn),
        Site::Session => true,
        Site::Endpoint(id) => request.endpoint == ThroughEndpoint::Id(id.clone()),
        Site::Guardrail(PolicyKind::Scp, targets, _) => {
            request.principal.account().is_some_and(|account| is_guarded(world, account, PolicyKind::Scp, targets))
                && !is_service_linked(sample)
        }
        _ => false,
    }
}

/// The one role that the caller's session can be of.
fn role(sample: &Sample) -> Option<&iamc_policy::world::Role> {
    let Principal::RoleSession { partition, account, role, role_path_name, .. } = &sample.request.principal else {
        return None;
    };
    // A path that is stated must be the record's; one that is not is found by the name.
    let stated = role_path_name.as_ref().map(|path_name| format!("arn:{partition}:iam::{account}:role/{path_name}"));
    let stated = stated.or_else(|| sample.request.facts.role.as_ref().map(ToString::to_string));
    let account = account.to_string();
    let mut named = sample.world.roles.iter().filter(|known| {
        let arn = &known.identity.arn;
        arn.partition() == partition
            && arn.account() == account
            && last_segment(arn.resource()) == role
            && stated.as_ref().is_none_or(|stated| stated == arn.as_str())
    });
    named.next().filter(|_| named.next().is_none())
}

/// The generators give service-linked roles no other names.
fn is_service_linked(sample: &Sample) -> bool {
    matches!(&sample.request.principal, Principal::RoleSession { role, .. } if role.starts_with("AWSServiceRoleFor"))
}

/// True iff guardrails of that kind govern the account for certain, and one of the targets is on its path.
fn is_guarded(world: &World, account: AccountId, kind: PolicyKind, targets: &[String]) -> bool {
    let Some(path) = path(world, account) else { return false };
    let Some(organization) = world.organizations.first() else { return false };
    let enabled = match kind {
        PolicyKind::Scp => organization.scp_enabled,
        _ => organization.rcp_enabled,
    };
    enabled == Some(true)
        && organization.management_account != account
        && targets.iter().any(|target| path.contains(target))
}

/// The entities from the account up to the root, where nothing about them is in doubt.
fn path(world: &World, account: AccountId) -> Option<Vec<String>> {
    if world.gaps.iter().any(|gap| gap.kind == GapKind::Hierarchy) {
        return None;
    }
    let mut parent = world.accounts.iter().find(|known| known.id == account)?.parent.clone();
    let mut path = vec![account.to_string()];
    while let Some(id) = parent {
        parent = world.units.iter().find(|unit| unit.id == id)?.parent.clone();
        path.push(id);
    }
    (path.len() > 1).then_some(path)
}

/// R-8.27, first half: adding a Deny statement to any policy never turns a refusal into a grant.
pub(super) const ADDED_DENY: Law = Law {
    name: "adding a deny never grants",
    rules: &["R-8.27"],
    percent_min: 40,
    check: |engine, entropy| {
        let Some(before) = answered(engine, entropy) else { return Outcome::Vacuous };
        let mut after = before.sample.clone();
        let request = after.request.clone();
        let Some(()) = edit_one(entropy, &mut after, |entropy, site, policy| {
            let statement = parsed(site.kind(), &statement_text(entropy, site.kind(), Effect::Deny, &request))?;
            let at = entropy.below(policy.statements.len() + 1);
            policy.statements.insert(at, statement);
            Some(())
        }) else {
            return Outcome::Vacuous;
        };
        never_grants(engine, &before, &after)
    },
};

/// R-8.27, second half: removing an Allow statement never turns a refusal into a grant.
///
/// Exception of the rule: GATE_S3_BPA, where a bucket policy may stop being public (R-6.68).
pub(super) const REMOVED_ALLOW: Law = Law {
    name: "removing an allow never grants",
    rules: &["R-8.27"],
    percent_min: 30,
    check: |engine, entropy| {
        let Some(before) = answered(engine, entropy) else { return Outcome::Vacuous };
        let mut after = before.sample.clone();
        let public = before.answer.missing().iter().any(|missing| missing.code == ReasonCode::GateS3Bpa);
        let Some(()) = edit_one(entropy, &mut after, |entropy, site, policy| {
            if public && matches!(site, Site::Resource(..)) {
                return None;
            }
            let allows = policy.statements.iter().enumerate().filter(|(_, own)| own.effect == Effect::Allow);
            let allows: Vec<usize> = allows.map(|(index, _)| index).collect();
            if allows.is_empty() {
                return None;
            }
            policy.statements.remove(*entropy.pick(&allows));
            Some(())
        }) else {
            return Outcome::Vacuous;
        };
        never_grants(engine, &before, &after)
    },
};

/// Lets `edit` change one known policy; it is asked about several until it finds one to change.
fn edit_one(
    entropy: &mut Entropy<'_>,
    sample: &mut Sample,
    edit: impl Fn(&mut Entropy<'_>, &Site, &mut Policy) -> Option<()>,
) -> Option<()> {
    let mut sites = policies_mut(&mut sample.world, &mut sample.request);
    for _ in 0..8 {
        if sites.is_empty() {
            return None;
        }
        let index = entropy.below(sites.len());
        let (site, named) = &mut sites[index];
        if let Some(policy) = known_mut(named)
            && edit(entropy, site, policy).is_some()
        {
            return Some(());
        }
    }
    None
}

/// What was not possible is not possible, and what was not certain is not certain.
fn never_grants(engine: &dyn Engine, before: &Answered, after: &Sample) -> Outcome {
    if before.answer.decision == Decision::Allow {
        return Outcome::Vacuous;
    }
    let answer = match engine.decide(&after.world, &after.request) {
        Ok(answer) => answer,
        Err(error) => return broken(engine, format!("refused after the change: {error}"), &before.sample, after),
    };
    let was_possible = before.answer.decision.outcomes().allow;
    if answer.decision == Decision::Allow || answer.decision.outcomes().allow && !was_possible {
        let message = format!("the decision was {:?} and is {:?}", before.answer.decision, answer.decision);
        return broken(engine, message, &before.sample, after);
    }
    Outcome::Held
}

/// R-8.31, first half: a guardrail level that allows everything changes nothing: a unit between the principal's
/// account and its parent with full access, or the default policy of an endpoint written out.
///
/// Premises: no policy and no key of the request speaks of organization paths, which a new unit changes; guardrails
/// that nobody says are enabled are proved to be by others.
pub(super) const FULL_LEVEL: Law = Law {
    name: "a level that allows everything changes nothing",
    rules: &["R-8.31"],
    percent_min: 25,
    check: |engine, entropy| {
        let Some(before) = answered(engine, entropy) else { return Outcome::Vacuous };
        let mut after = before.sample.clone();
        let done = if entropy.chance(25) {
            let full = full_access(PolicyKind::Endpoint);
            full.and_then(|policy| replace_default_endpoint(&mut after, policy))
        } else {
            let kinds = if entropy.chance(50) { vec![PolicyKind::Scp, PolicyKind::Rcp] } else { vec![PolicyKind::Scp] };
            let policies: Option<Vec<_>> = kinds.into_iter().map(|kind| Some((kind, full_access(kind)?))).collect();
            policies.and_then(|policies| insert_level(&mut after, policies))
        };
        match done {
            Some(()) => unchanged_decision(engine, &before, &after),
            None => Outcome::Vacuous,
        }
    },
};

/// R-8.31, second half: one that allows nothing refuses every request to which its type applies, but for policy-free
/// actions.
///
/// Premises: as for the first half; SCPs are enabled for certain, and apply to the caller beyond doubt.
pub(super) const EMPTY_LEVEL: Law = Law {
    name: "a level that allows nothing refuses",
    rules: &["R-8.31"],
    percent_min: 15,
    check: |engine, entropy| {
        let Some(before) = answered(engine, entropy) else { return Outcome::Vacuous };
        let Sample { world, request } = &before.sample;
        if before_all_policies(&before.sample, &before.answer) {
            return Outcome::Vacuous;
        }
        let mut after = before.sample.clone();
        let nothing = |kind| Policy { kind, version: Version::V2012, id: None, statements: Vec::new() };
        let done = if entropy.chance(25) {
            replace_default_endpoint(&mut after, nothing(PolicyKind::Endpoint))
        } else {
            let account = request.principal.account();
            let on_path = account.and_then(|account| path(world, account));
            let guarded = match (account, on_path) {
                (Some(account), Some(path)) => is_guarded(world, account, PolicyKind::Scp, &path),
                _ => false,
            };
            let incomplete = !world.assume_complete && world.gaps.iter().any(|gap| gap.kind == GapKind::Scps);
            if !guarded || incomplete || is_service_linked(&before.sample) {
                return Outcome::Vacuous;
            }
            insert_level(&mut after, vec![(PolicyKind::Scp, nothing(PolicyKind::Scp))])
        };
        if done.is_none() {
            return Outcome::Vacuous;
        }
        match engine.decide(&after.world, &after.request) {
            Ok(answer) if !answer.decision.outcomes().allow => Outcome::Held,
            Ok(answer) => broken(engine, format!("the decision is {:?}", answer.decision), &before.sample, &after),
            Err(error) => broken(engine, format!("refused after the change: {error}"), &before.sample, &after),
        }
    },
};

fn full_access(kind: PolicyKind) -> Option<Policy> {
    let principal = if kind.has_principal() { r#""Principal": "*", "# } else { "" };
    let text = format!(
        r#"{{"Version": "2012-10-17", "Statement": [{{"Effect": "Allow", {principal}"Action": "*", "Resource": "*"}}]}}"#
    );
    Policy::parse(kind, Strictness::Lenient, &text).policy
}

/// Gives the endpoint of the request a policy in place of the default one.
fn replace_default_endpoint(sample: &mut Sample, policy: Policy) -> Option<()> {
    let ThroughEndpoint::Id(id) = &sample.request.endpoint else { return None };
    let endpoint = sample.world.endpoints.iter_mut().find(|endpoint| endpoint.id == *id)?;
    if endpoint.policy != ResourcePolicy::None {
        return None;
    }
    endpoint.policy = ResourcePolicy::Policy(NamedPolicy::new("new", policy));
    Some(())
}

/// Puts a unit with these guardrails between the caller's account and its parent.
fn insert_level(sample: &mut Sample, policies: Vec<(PolicyKind, Policy)>) -> Option<()> {
    let speaks_of_paths = keys_in_policies(&sample.world, &sample.request)
        .iter()
        .map(|(key, _)| key.clone())
        .chain(crate::generators::complete::given_keys(&sample.request))
        .any(|key| key.as_str().ends_with("orgpaths"));
    let account = sample.request.principal.account()?;
    let world = &mut sample.world;
    let record = world.accounts.iter_mut().find(|known| known.id == account)?;
    let parent = record.parent.clone()?;
    let organization = world.units.iter().find(|unit| unit.id == parent)?.organization.clone();
    let of = world.organizations.iter().find(|known| known.id == organization)?;
    // Attached guardrails prove that their type is enabled where nobody says so.
    let proved = |kind: PolicyKind, stated: Option<bool>| {
        stated.is_some() || world.guardrails.iter().any(|guardrail| guardrail.kind == kind)
    };
    if speaks_of_paths || !proved(PolicyKind::Scp, of.scp_enabled) || !proved(PolicyKind::Rcp, of.rcp_enabled) {
        return None;
    }
    record.parent = Some("ou-new".to_owned());
    world.units.push(Unit { id: "ou-new".to_owned(), organization, parent: Some(parent), name: None, place: None });
    for (kind, policy) in policies {
        world.guardrails.push(Guardrail {
            id: format!("p-new-{kind}"),
            kind,
            policy: NamedPolicy::new("new", policy),
            targets: vec!["ou-new".to_owned()],
            implied: false,
        });
    }
    Some(())
}

/// R-8.34: a decision depends only on the policies that apply: guardrails attached to an account that owns neither the
/// principal nor a resource, policies of other users, and policies of other resources change nothing.
///
/// Premise: guardrails that nobody says are enabled are proved to be by others.
pub(super) const ELSEWHERE: Law = Law {
    name: "policies that do not apply change nothing",
    rules: &["R-8.34"],
    percent_min: 40,
    check: |engine, entropy| {
        let Some(before) = answered(engine, entropy) else { return Outcome::Vacuous };
        let mut after = before.sample.clone();
        let mut n_changes = 0;
        for _ in 0..3 {
            let changed = match entropy.below(3) {
                0 => deny_for_other_account(entropy, &mut after),
                1 => deny_for_other_identity(&mut after),
                _ => deny_on_other_resource(&mut after),
            };
            n_changes += usize::from(changed.is_some());
        }
        if n_changes == 0 { Outcome::Vacuous } else { unchanged(engine, &before, &after) }
    },
};

fn deny_policy(kind: PolicyKind, service: &str) -> Option<Policy> {
    let statement = deny_everything(kind, service)?;
    Some(Policy { kind, version: Version::V2012, id: None, statements: vec![statement] })
}

fn resources(sample: &Sample) -> Vec<&iamc_policy::request::ResourceInRequest> {
    let additional = sample.request.additional.iter().map(|additional| &additional.resource);
    sample.request.resources.iter().chain(additional).collect()
}

fn deny_for_other_account(entropy: &mut Entropy<'_>, sample: &mut Sample) -> Option<()> {
    let mut involved: Vec<String> = sample.request.principal.account().iter().map(ToString::to_string).collect();
    for resource in resources(sample) {
        involved.extend(resource.account.map(|account| account.to_string()));
        if let RequestResource::Arn(arn) = &resource.resource {
            involved.push(arn.account().to_owned());
            // A resource whose owner only the inventory knows may belong to anybody.
            if arn.account().is_empty() && resource.account.is_none() {
                return None;
            }
        }
    }
    let others = sample.world.accounts.iter().map(|account| account.id.to_string());
    let others: Vec<String> = others.filter(|id| !involved.contains(id)).collect();
    if others.is_empty() {
        return None;
    }
    let target = entropy.pick(&others).clone();
    let kind = if entropy.chance(50) { PolicyKind::Scp } else { PolicyKind::Rcp };
    if !sample.world.guardrails.iter().any(|guardrail| guardrail.kind == kind) {
        return None;
    }
    let policy = deny_policy(kind, sample.request.action.service())?;
    let id = format!("p-elsewhere-{}", sample.world.guardrails.len());
    let policy = NamedPolicy::new("elsewhere", policy);
    sample.world.guardrails.push(Guardrail { id, kind, policy, targets: vec![target], implied: false });
    Some(())
}

fn deny_for_other_identity(sample: &mut Sample) -> Option<()> {
    let own = sample.request.principal.to_string();
    let base = sample.request.facts.federated_user_base.as_ref().map(ToString::to_string);
    let is_other = |arn: &str| arn != own && Some(arn) != base.as_deref();
    let position = sample.world.users.iter().position(|user| is_other(user.identity.arn.as_str()));
    let policy = NamedPolicy::new("Elsewhere", deny_policy(PolicyKind::Identity, "s3")?);
    if let Some(position) = position {
        sample.world.users[position].identity.inline.push(policy);
        return Some(());
    }
    // Roles of other names: the caller's role is known by its name alone where its path is not.
    let name = match &sample.request.principal {
        Principal::RoleSession { role, .. } => role.as_str(),
        _ => "",
    };
    let mut roles = sample.world.roles.iter_mut();
    let other = roles.find(|role| last_segment(role.identity.arn.resource()) != name)?;
    other.identity.inline.push(policy);
    Some(())
}

fn deny_on_other_resource(sample: &mut Sample) -> Option<()> {
    let asked: Vec<String> = resources(sample).iter().map(|resource| resource.resource.to_string()).collect();
    let governs = |arn: &str| asked.iter().any(|asked| asked.starts_with(arn));
    let arn = ["arn:aws:s3:::elsewhere", "arn:aws:sqs:us-east-1:111111111111:elsewhere"];
    let record = sample.world.resources.iter_mut().find(|resource| !governs(resource.arn.as_str()));
    match record {
        Some(resource) => {
            if let ResourcePolicy::Policy(named) = &mut resource.policy
                && let PolicyText::Known(policy) = &mut named.text
            {
                let deny = deny_everything(policy.kind, "s3")?;
                Arc::make_mut(policy).statements.push(deny);
                return Some(());
            }
            None
        }
        None => {
            let arn: iamc_policy::Arn =
                arn[usize::from(sample.request.mode == iamc_policy::Mode::Open)].parse().ok()?;
            let policy = NamedPolicy::new("elsewhere", deny_policy(PolicyKind::Resource, "s3")?);
            sample.world.resources.push(iamc_policy::world::Resource {
                arn,
                account: "111111111111".parse().ok(),
                policy: ResourcePolicy::Policy(policy),
                tags: None,
                s3_restrict_public_buckets: None,
                kms_grants: None,
                aws_managed_key: false,
                place: None,
            });
            Some(())
        }
    }
}
