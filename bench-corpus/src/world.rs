//! Parts → [`World`].

use crate::part::{AccountPart, Document, GuardrailPart, IdentityPart, ManagedPart, OrganizationPart};
use iamc_policy::document::Strictness;
use iamc_policy::world::{
    Account, Endpoint, Group, Guardrail, IdentityRecord, ManagedPolicy, NamedPolicy, Organization, PolicyText,
    Provider, Resource, ResourcePolicy, Role, SessionDefaults, Unit, User, WhyUnknown,
};
use iamc_policy::{Arn, Policy, PolicyKind, World};
use std::collections::HashMap;
use std::sync::Arc;

/// Parses documents, each distinct text once: equal documents share one [`Policy`].
///
/// Cost: keeps every distinct text. Start a new one for each account where memory must not grow.
#[derive(Debug, Default)]
pub struct Parser {
    known: HashMap<(PolicyKind, Arc<str>), PolicyText>,
}

impl Parser {
    fn text(&mut self, document: &Document) -> PolicyText {
        let key = (document.kind, Arc::clone(&document.text));
        let parse = || {
            let parsed = Policy::parse(document.kind, Strictness::Lenient, &document.text);
            match parsed.policy {
                Some(policy) => PolicyText::Known(Arc::new(policy)),
                // Only templates from outside can lead here.
                None => PolicyText::Unknown(WhyUnknown::Quarantined(parsed.diagnostics)),
            }
        };
        self.known.entry(key).or_insert_with(parse).clone()
    }

    fn named(&mut self, name: &str, document: &Document) -> NamedPolicy {
        let text = self.text(document);
        let source = matches!(text, PolicyText::Unknown(_)).then(|| Arc::clone(&document.text));
        NamedPolicy { name: name.into(), text, place: None, verbatim: false, source }
    }

    fn identity(&mut self, identity: &IdentityPart) -> IdentityRecord {
        IdentityRecord {
            arn: arn(&identity.arn),
            unique_id: Some(identity.unique_id.clone().into()),
            inline: identity.inline.iter().map(|policy| self.named(&policy.name, &policy.document)).collect(),
            attached: identity.attached.iter().map(|text| arn(text)).collect(),
            boundary: identity.boundary.as_deref().map(arn),
            tags: Some(identity.tags.clone()),
            place: None,
        }
    }

    fn managed(&mut self, managed: &ManagedPart) -> ManagedPolicy {
        ManagedPolicy { arn: arn(&managed.arn), policy: self.named(managed.path_and_name().1, &managed.document) }
    }
}

fn arn(text: &str) -> Arn {
    text.parse().expect("a test reads every kind of ARN that the generator writes")
}

/// Adds what is not inside an account: organization, units, guardrails, AWS's managed policies.
///
/// Nothing is missing from a corpus, hence `assume_complete` is set.
pub fn add_organization(world: &mut World, part: &OrganizationPart, parser: &mut Parser) {
    world.assume_complete = true;
    world.organizations.push(Organization {
        id: part.id.clone(),
        management_account: part.management.parse().expect("account numbers are written with twelve digits"),
        scp_enabled: Some(true),
        rcp_enabled: Some(true),
        delegated_administrators: Vec::new(),
        place: None,
    });
    world.units.extend(part.units.iter().map(|unit| Unit {
        id: unit.id.clone(),
        organization: part.id.clone(),
        parent: unit.parent.clone(),
        name: Some(unit.name.clone()),
        place: None,
    }));
    let guardrail = |guardrail: &GuardrailPart, parser: &mut Parser| Guardrail {
        id: guardrail.id.clone(),
        kind: guardrail.document.kind,
        policy: parser.named(&guardrail.name, &guardrail.document),
        targets: guardrail.targets.clone(),
        implied: false,
    };
    world.guardrails.extend(part.guardrails.iter().map(|part| guardrail(part, parser)));
    world.policies.extend(part.managed.iter().map(|part| parser.managed(part)));
}

/// Adds one account with everything in it.
pub fn add_account(world: &mut World, part: &AccountPart, parser: &mut Parser) {
    let id = part.stub.id.parse().expect("account numbers are written with twelve digits");
    world.accounts.push(Account {
        id,
        name: Some(part.stub.name.clone()),
        parent: Some(part.stub.parent.clone()),
        canonical_user: Some(part.canonical_user.clone()),
        s3_restrict_public_buckets: Some(false),
        place: None,
    });
    world.policies.extend(part.policies.iter().map(|policy| parser.managed(policy)));
    world.users.extend(
        part.users.iter().map(|user| User { identity: parser.identity(&user.identity), groups: user.groups.clone() }),
    );
    world.groups.extend(part.groups.iter().map(|group| Group { identity: parser.identity(group) }));
    world.roles.extend(part.roles.iter().map(|role| Role {
        identity: parser.identity(&role.identity),
        trust: parser.named("trust", &role.trust),
        session_defaults: SessionDefaults::default(),
    }));
    world.resources.extend(part.resources.iter().map(|resource| {
        let arn = arn(&resource.arn);
        let bucket = arn.service() == "s3";
        let key = arn.service() == "kms";
        Resource {
            account: Some(id),
            policy: match &resource.policy {
                Some(document) => ResourcePolicy::Policy(parser.named("policy", document)),
                None => ResourcePolicy::None,
            },
            tags: Some(resource.tags.clone()),
            s3_restrict_public_buckets: bucket.then_some(false),
            kms_grants: key.then(Vec::new),
            aws_managed_key: false,
            place: None,
            arn,
        }
    }));
    world.endpoints.extend(part.endpoints.iter().map(|endpoint| Endpoint {
        id: endpoint.id.clone(),
        account: id,
        vpc: Some(endpoint.vpc.clone()),
        region: Some(endpoint.region.clone()),
        service: Some(endpoint.service.clone()),
        endpoint_type: endpoint.endpoint_type,
        policy: match &endpoint.policy {
            Some(document) => ResourcePolicy::Policy(parser.named("endpoint", document)),
            None => ResourcePolicy::None,
        },
        place: None,
    }));
    world.providers.extend(part.providers.iter().map(|text| Provider { arn: arn(text), place: None }));
}
