//! World → [`Naive`]: who has which statements.

use super::keys::{Place, Tags};
use super::statement::Lowered;
use super::{AccountRow, ActionRow, List, Naive, Outside, PrincipalRow, ResourceRow};
use iamc_catalogue::Catalogue;
use iamc_policy::principal::last_segment;
use iamc_policy::world::{IdentityRecord, NamedPolicy, PolicyText, ResourcePolicy};
use iamc_policy::{AccountId, ConditionKey, Policy, PolicyKind, Settings, World};
use std::collections::HashMap;
use std::sync::Arc;

pub(super) fn build(world: &World, catalogue: &Catalogue) -> Result<Naive, Outside> {
    if world.settings != Settings::default() || !world.assume_complete {
        return Err(Outside("a world with gaps or other settings"));
    }
    let canonical = world
        .accounts
        .iter()
        .filter_map(|account| Some((account.canonical_user.clone()?, account.id)))
        .collect::<HashMap<_, _>>();
    let mut pool = Pool { catalogue, canonical, statements: Vec::new(), known: HashMap::new() };
    let mut managed = HashMap::new();
    for policy in &world.policies {
        managed.entry(policy.arn.as_str()).or_insert(&policy.policy);
    }

    let mut principals = Vec::new();
    let mut groups = HashMap::new();
    for group in &world.groups {
        let arn = &group.identity.arn;
        groups.entry((arn.account(), last_segment(arn.resource()))).or_insert(&group.identity);
    }
    for user in &world.users {
        let account = user.identity.arn.account();
        let own = user.groups.iter().filter_map(|name| groups.get(&(account, name.as_str())).copied());
        let all: Vec<&IdentityRecord> = std::iter::once(&user.identity).chain(own).collect();
        principals.push(pool.principal(&user.identity, &all, None, &managed)?);
    }
    for role in &world.roles {
        if !role.session_defaults.policies.is_empty() || !role.session_defaults.tags.is_empty() {
            return Err(Outside("session policies or tags of a role"));
        }
        principals.push(pool.principal(&role.identity, &[&role.identity], Some(&role.trust), &managed)?);
    }
    let mut by_arn = HashMap::new();
    let mut by_role = HashMap::new();
    for (row, principal) in (0..).zip(&principals) {
        by_arn.entry(principal.arn.clone()).or_insert(row);
        if principal.is_role {
            by_role.entry((principal.account, principal.name.clone())).or_insert(row);
        }
    }

    let mut resources = HashMap::new();
    for resource in &world.resources {
        let grants = resource.kms_grants.as_ref().is_some_and(|grants| !grants.is_empty());
        if grants || resource.aws_managed_key || resource.s3_restrict_public_buckets == Some(true) {
            return Err(Outside("a KMS grant, an AWS managed key or Block Public Access"));
        }
        let policy = match &resource.policy {
            ResourcePolicy::Policy(policy) => Some(pool.list([policy])?),
            ResourcePolicy::None => None,
            ResourcePolicy::NotExported => return Err(Outside("a policy that was not exported")),
        };
        let row = ResourceRow { account: resource.account, policy, tags: tags(resource.tags.as_deref())? };
        resources.entry(resource.arn.as_str().to_owned()).or_insert(row);
    }
    if world.accounts.iter().any(|account| account.s3_restrict_public_buckets == Some(true)) {
        return Err(Outside("Block Public Access"));
    }
    let accounts = pool.accounts(world)?;
    let action = |facts: iamc_catalogue::ActionFacts<'_>| {
        let row = ActionRow {
            needs_resource: facts.resource_types().any(|(_, required)| required),
            wildcard_only: facts.is_wildcard_only(),
        };
        (facts.to_string().to_ascii_lowercase(), row)
    };
    let actions = catalogue.actions().map(action).collect();
    Ok(Naive { statements: pool.statements, principals, by_arn, by_role, accounts, resources, actions })
}

struct Pool<'w> {
    catalogue: &'w Catalogue,
    canonical: HashMap<String, AccountId>,
    statements: Vec<Lowered>,
    /// First statement of policies that were lowered: a policy that many have is held once.
    known: HashMap<*const Policy, u32>,
}

impl<'w> Pool<'w> {
    /// The statements of some policies, one after the other.
    fn list(&mut self, policies: impl IntoIterator<Item = &'w NamedPolicy>) -> Result<List, Outside> {
        let mut list = Vec::new();
        for named in policies {
            let PolicyText::Known(policy) = &named.text else { return Err(Outside("a policy of unknown text")) };
            let first = match self.known.get(&Arc::as_ptr(policy)) {
                Some(first) => *first,
                None => {
                    let first = u32::try_from(self.statements.len()).map_err(|_| Outside("too many statements"))?;
                    for statement in &policy.statements {
                        self.statements.push(Lowered::new(policy.kind, statement, self.catalogue, &self.canonical));
                    }
                    self.known.insert(Arc::as_ptr(policy), first);
                    first
                }
            };
            list.extend((first..).take(policy.statements.len()));
        }
        Ok(list.into())
    }

    fn principal(
        &mut self,
        identity: &'w IdentityRecord,
        all: &[&'w IdentityRecord],
        trust: Option<&'w NamedPolicy>,
        managed: &HashMap<&str, &'w NamedPolicy>,
    ) -> Result<PrincipalRow, Outside> {
        let policies = all.iter().flat_map(|record| {
            let attached = record.attached.iter().filter_map(|arn| managed.get(arn.as_str()).copied());
            record.inline.iter().chain(attached)
        });
        let arn = &identity.arn;
        let account = arn.account().parse().map_err(|_| Outside("a principal of no account"))?;
        let boundary = identity.boundary.as_ref().map(|arn| managed.get(arn.as_str()).copied());
        Ok(PrincipalRow {
            arn: arn.as_str().to_owned(),
            is_role: trust.is_some(),
            account,
            account_text: arn.account().to_owned(),
            partition: arn.partition().to_owned(),
            unique_id: identity.unique_id.as_ref().map(ToString::to_string),
            name: last_segment(arn.resource()).to_owned(),
            tags: tags(identity.tags.as_deref())?,
            identity: self.list(policies)?,
            boundary: boundary.map(|policy| self.list(policy)).transpose()?,
            trust: self.list(trust)?,
            service_linked: trust.is_some() && arn.resource().starts_with("role/aws-service-role/"),
        })
    }

    /// accounts of organizations, with the guardrails of their levels.
    fn accounts(&mut self, world: &'w World) -> Result<HashMap<AccountId, AccountRow>, Outside> {
        let mut attached: HashMap<(PolicyKind, &str), Vec<&'w NamedPolicy>> = HashMap::new();
        for guardrail in &world.guardrails {
            for target in &guardrail.targets {
                attached.entry((guardrail.kind, target)).or_default().push(&guardrail.policy);
            }
        }
        let units: HashMap<&str, _> = world.units.iter().map(|unit| (unit.id.as_str(), unit)).collect();
        let mut accounts = HashMap::new();
        for account in &world.accounts {
            let mut path = Vec::new();
            let mut above = account.parent.as_deref();
            let mut organization = None;
            while let Some(unit) = above.and_then(|id| units.get(id)) {
                path.push(unit.id.as_str());
                organization = Some(unit.organization.as_str());
                above = unit.parent.as_deref();
                if path.len() > world.units.len() {
                    return Err(Outside("units in a circle"));
                }
            }
            if above.is_some() {
                return Err(Outside("a unit that is not listed"));
            }
            let organization = organization.and_then(|id| world.organizations.iter().find(|own| own.id == id));
            let Some(organization) = organization else { continue };
            let (Some(scp_enabled), Some(rcp_enabled)) = (organization.scp_enabled, organization.rcp_enabled) else {
                return Err(Outside("an organization of which not everything is known"));
            };
            path.reverse();
            let member = organization.management_account != account.id;
            let number = account.id.to_string();
            let entities: Vec<&str> = path.iter().copied().chain([number.as_str()]).collect();
            let mut level = |kind, entity: &str| {
                self.list(attached.get(&(kind, entity)).map_or(&[][..], Vec::as_slice).iter().copied())
            };
            let (mut scps, mut rcps) = (Vec::new(), Vec::new());
            if member && scp_enabled {
                scps = entities.iter().map(|entity| level(PolicyKind::Scp, entity)).collect::<Result<_, _>>()?;
            }
            if member && rcp_enabled {
                for entity in &entities {
                    rcps.extend(level(PolicyKind::Rcp, entity)?);
                }
            }
            let path = path.iter().fold(format!("{}/", organization.id), |path, unit| path + unit + "/");
            let place = Place { organization: organization.id.clone(), path: path.into() };
            accounts.insert(account.id, AccountRow { place, scps, rcps: rcps.into() });
        }
        Ok(accounts)
    }
}

/// Tags by canonical name. Two that differ in case alone would leave the key open.
fn tags(tags: Option<&[(String, String)]>) -> Result<Tags, Outside> {
    let mut list: Vec<(Box<str>, Box<str>)> = Vec::new();
    for (name, value) in tags.ok_or(Outside("tags that were not exported"))? {
        let name = ConditionKey::new(name).as_str().into();
        match list.iter().find(|(own, _)| *own == name) {
            Some((_, own)) if **own != **value => return Err(Outside("tags that differ in case alone")),
            Some(_) => {}
            None => list.push((name, value.as_str().into())),
        }
    }
    Ok(list.into())
}
