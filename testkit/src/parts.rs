//! The policies of a sample, each with its place: what generators and laws change.

use iamc_policy::arn::Arn;
use iamc_policy::condition::ConditionKey;
use iamc_policy::request::Request;
use iamc_policy::world::{NamedPolicy, PolicyText, ResourcePolicy, World};
use iamc_policy::{Policy, PolicyKind, Template};
use std::sync::Arc;

/// Where a policy stands in a sample.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Site {
    /// Inline, of this user or role.
    Inline(Arn),
    /// Inline, of this group.
    GroupInline(Arn),
    /// A managed policy, attached or a boundary.
    Managed(Arn),
    /// The trust policy of this role.
    Trust(Arn),
    /// Session policies that every session of this role has.
    SessionDefault(Arn),
    /// A session policy of the request.
    Session,
    /// Of this resource; a key policy for a KMS key.
    Resource(Arn, PolicyKind),
    /// Of this endpoint.
    Endpoint(String),
    /// An SCP or RCP, with its targets; true: implied.
    Guardrail(PolicyKind, Vec<String>, bool),
}

impl Site {
    /// The kind as which the policy was parsed.
    pub(crate) fn kind(&self) -> PolicyKind {
        match self {
            Site::Inline(_) | Site::GroupInline(_) | Site::Managed(_) => PolicyKind::Identity,
            Site::Trust(_) => PolicyKind::Trust,
            Site::SessionDefault(_) | Site::Session => PolicyKind::Session,
            Site::Resource(_, kind) | Site::Guardrail(kind, _, _) => *kind,
            Site::Endpoint(_) => PolicyKind::Endpoint,
        }
    }
}

/// Every policy of the sample, in the order of the world's lists, session policies last.
pub(crate) fn policies_mut<'s>(world: &'s mut World, request: &'s mut Request) -> Vec<(Site, &'s mut NamedPolicy)> {
    let mut found: Vec<(Site, &mut NamedPolicy)> = Vec::new();
    for guardrail in &mut world.guardrails {
        let site = Site::Guardrail(guardrail.kind, guardrail.targets.clone(), guardrail.implied);
        found.push((site, &mut guardrail.policy));
    }
    for managed in &mut world.policies {
        found.push((Site::Managed(managed.arn.clone()), &mut managed.policy));
    }
    for user in &mut world.users {
        let arn = user.identity.arn.clone();
        found.extend(user.identity.inline.iter_mut().map(|policy| (Site::Inline(arn.clone()), policy)));
    }
    for group in &mut world.groups {
        let arn = group.identity.arn.clone();
        found.extend(group.identity.inline.iter_mut().map(|policy| (Site::GroupInline(arn.clone()), policy)));
    }
    for role in &mut world.roles {
        let arn = role.identity.arn.clone();
        found.extend(role.identity.inline.iter_mut().map(|policy| (Site::Inline(arn.clone()), policy)));
        found.push((Site::Trust(arn.clone()), &mut role.trust));
        let defaults = role.session_defaults.policies.iter_mut();
        found.extend(defaults.map(|policy| (Site::SessionDefault(arn.clone()), policy)));
    }
    for resource in &mut world.resources {
        let is_key = resource.arn.service() == "kms" && resource.arn.resource().starts_with("key/");
        let kind = if is_key { PolicyKind::Key } else { PolicyKind::Resource };
        if let ResourcePolicy::Policy(policy) = &mut resource.policy {
            found.push((Site::Resource(resource.arn.clone(), kind), policy));
        }
    }
    for endpoint in &mut world.endpoints {
        if let ResourcePolicy::Policy(policy) = &mut endpoint.policy {
            found.push((Site::Endpoint(endpoint.id.clone()), policy));
        }
    }
    found.extend(request.session.iter_mut().flatten().map(|policy| (Site::Session, policy)));
    found
}

/// The parsed policy, to be changed.
pub(crate) fn known_mut(policy: &mut NamedPolicy) -> Option<&mut Policy> {
    match &mut policy.text {
        PolicyText::Known(policy) => Some(Arc::make_mut(policy)),
        PolicyText::Unknown(_) => None,
    }
}

/// What the policies of a sample say of condition keys: each key with the texts that stand beside it.
///
/// Sorted by key. Cost: O(bytes of all policies).
pub(crate) fn keys_in_policies(world: &World, request: &Request) -> Vec<(ConditionKey, Vec<String>)> {
    let (mut world, mut request) = (world.clone(), request.clone());
    let mut keys: std::collections::BTreeMap<ConditionKey, Vec<String>> = Default::default();
    for (_, named) in policies_mut(&mut world, &mut request) {
        let PolicyText::Known(policy) = &named.text else { continue };
        for statement in &policy.statements {
            let patterns = statement.resource.iter().flat_map(|resource| &resource.patterns);
            for atom in &statement.condition.atoms {
                let texts = keys.entry(atom.key.clone()).or_default();
                texts.extend(atom.values.iter().map(|value| value.text().to_owned()));
            }
            let values = statement.condition.atoms.iter().flat_map(|atom| &atom.values);
            for variable in patterns.chain(values).flat_map(Template::variables) {
                let texts = keys.entry(variable.key.clone()).or_default();
                texts.extend(variable.default.clone());
            }
        }
    }
    keys.into_iter().collect()
}
