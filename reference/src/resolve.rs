//! Which policies apply (6.2 to 6.5): from the raw world to pools of statements.

use crate::caller::{Caller, Kind, has_gap, role_path_name};
use crate::organization::{Position, position};
use crate::units::Unit;
use iamc_catalogue::{Catalogue, lists};
use iamc_policy::decision::{Attachment, PolicyRef, StatementRef};
use iamc_policy::principal::last_segment;
use iamc_policy::request::{EndpointType, RequestError, RequestResource, ThroughEndpoint};
use iamc_policy::world::{
    GapKind, Guardrail, IdentityRecord, NamedPolicy, Organization, PolicyText, Resource, ResourcePolicy,
};
use std::rc::Rc;

use iamc_policy::{AccountId, Mode, PolicyKind, Principal, Request, Statement, World};

/// A statement with its origin.
pub(crate) struct Located<'a> {
    pub(crate) statement: &'a Statement,
    pub(crate) policy: Rc<PolicyRef>,
    pub(crate) index: u32,
    named: &'a NamedPolicy,
    /// Left out of explanations: it belongs to a guardrail that only fills a level.
    pub(crate) hidden: bool,
}

impl Located<'_> {
    /// The statement as an explanation names it.
    pub(crate) fn origin(&self) -> StatementRef {
        StatementRef {
            policy: (*self.policy).clone(),
            index: self.index,
            sid: self.statement.sid.as_ref().map(ToString::to_string),
            place: self.named.statement_place(self.index as usize),
        }
    }
}

/// Policies that are one OR: their statements, and those whose text is not known.
#[derive(Default)]
pub(crate) struct Pool<'a> {
    pub(crate) statements: Vec<Located<'a>>,
    pub(crate) unknown: Vec<PolicyRef>,
}

impl<'a> Pool<'a> {
    fn add(&mut self, kind: PolicyKind, attachment: Attachment, policy: &'a NamedPolicy, hidden: bool) {
        let reference = PolicyRef { kind, attachment, policy: policy.name.to_string() };
        match &policy.text {
            PolicyText::Unknown(_) => self.unknown.push(reference),
            PolicyText::Known(parsed) => {
                let reference = Rc::new(reference);
                for (index, statement) in parsed.statements.iter().enumerate() {
                    let index = index as u32;
                    let policy_ref = Rc::clone(&reference);
                    self.statements.push(Located { statement, policy: policy_ref, index, named: policy, hidden });
                }
            }
        }
    }
}

/// the one policy that stands for all that was not exported of a kind.
pub(crate) fn unknown_ref(kind: PolicyKind) -> PolicyRef {
    PolicyRef { kind, attachment: Attachment::Direct, policy: "*".into() }
}

fn unknown_pool<'a>(kind: PolicyKind) -> Pool<'a> {
    Pool { statements: Vec::new(), unknown: vec![unknown_ref(kind)] }
}

/// the identity policies of the caller.
pub(crate) fn identity<'a>(world: &'a World, caller: &Caller<'a>) -> Pool<'a> {
    if caller.policies_unknown {
        return unknown_pool(PolicyKind::Identity);
    }
    let mut pool = Pool::default();
    if let Some(role) = caller.role {
        add_identity(world, &mut pool, &role.identity, &Attachment::Direct);
    }
    if let Some(user) = caller.user {
        add_identity(world, &mut pool, &user.identity, &Attachment::Direct);
        for name in &user.groups {
            let account = user.identity.arn.account();
            let group = world.groups.iter().find(|group| {
                let arn = &group.identity.arn;
                arn.account() == account && last_segment(arn.resource()) == name
            });
            match group {
                Some(group) => {
                    add_identity(world, &mut pool, &group.identity, &Attachment::Group(name.clone()));
                }
                None if world.assume_complete => {}
                None => pool.unknown.push(PolicyRef {
                    kind: PolicyKind::Identity,
                    attachment: Attachment::Group(name.clone()),
                    policy: "*".into(),
                }),
            }
        }
    }
    pool
}

fn add_identity<'a>(world: &'a World, pool: &mut Pool<'a>, identity: &'a IdentityRecord, attachment: &Attachment) {
    for policy in &identity.inline {
        pool.add(PolicyKind::Identity, attachment.clone(), policy, false);
    }
    for arn in &identity.attached {
        match world.policies.iter().find(|policy| policy.arn == *arn) {
            Some(managed) => pool.add(PolicyKind::Identity, attachment.clone(), &managed.policy, false),
            None if world.assume_complete => {}
            None => pool.unknown.push(PolicyRef {
                kind: PolicyKind::Identity,
                attachment: attachment.clone(),
                policy: last_segment(arn.resource()).to_owned(),
            }),
        }
    }
}

/// the permissions boundary of the user or role, or of the user behind a federated user.
pub(crate) fn boundary<'a>(world: &'a World, caller: &Caller<'a>) -> Option<Pool<'a>> {
    if caller.policies_unknown {
        return Some(unknown_pool(PolicyKind::Boundary));
    }
    let identity = caller.user.map(|user| &user.identity).or(caller.role.map(|role| &role.identity))?;
    let arn = identity.boundary.as_ref()?;
    let mut pool = Pool::default();
    match world.policies.iter().find(|policy| policy.arn == *arn) {
        Some(managed) => pool.add(PolicyKind::Boundary, Attachment::Direct, &managed.policy, false),
        // A boundary whose policy does not exist allows nothing.
        None if world.assume_complete => {}
        None => pool.unknown.push(PolicyRef {
            kind: PolicyKind::Boundary,
            attachment: Attachment::Direct,
            policy: last_segment(arn.resource()).to_owned(),
        }),
    }
    Some(pool)
}

/// session policies passed with the request, or those that every session of the role carries.
pub(crate) fn session<'a>(request: &'a Request, caller: &Caller<'a>) -> Option<Pool<'a>> {
    let defaults = caller.role.map(|role| role.session_defaults.policies.as_slice()).filter(|list| !list.is_empty());
    let policies = request.session.as_deref().or(defaults)?;
    let mut pool = Pool::default();
    for policy in policies {
        pool.add(PolicyKind::Session, Attachment::Direct, policy, false);
    }
    Some(pool)
}

/// Guardrails that apply: one pool a level, the root first, each with the id of its entity.
pub(crate) struct Level<'a> {
    pub(crate) entity: String,
    pub(crate) pool: Pool<'a>,
}

/// the SCPs on the path of the caller's account; `None`: none apply.
pub(crate) fn scps<'a>(
    world: &'a World,
    caller: &Caller<'_>,
    unit: &Unit<'_>,
) -> Result<Option<Vec<Level<'a>>>, RequestError> {
    let account = match caller.kind {
        Kind::Root | Kind::User | Kind::RoleSession | Kind::FedUser => caller.account,
        // Appendix B: by this switch the SCPs of the role's account touch federated callers.
        Kind::FedIdp if world.settings.scp_fedidp => unit.owner,
        Kind::FedIdp | Kind::Service | Kind::Anonymous => None,
    };
    let Some(account) = account else { return Ok(None) };
    if caller.is_service_linked_role() {
        return Ok(None);
    }
    let (organization, path) = match position(world, account) {
        Position::Outside => return Ok(None),
        Position::Unknown => return Ok(Some(vec![unknown_level(PolicyKind::Scp)])),
        Position::Member { organization, path } => (organization, path),
    };
    if organization.management_account == account || !enabled(world, organization, PolicyKind::Scp) {
        return Ok(None);
    }
    let levels = levels(world, organization, &path, account, PolicyKind::Scp);
    if world.settings.strict
        && let Some(empty) =
            levels.iter().find(|level| level.pool.statements.is_empty() && level.pool.unknown.is_empty())
        && !world
            .guardrails
            .iter()
            .any(|guardrail| guardrail.kind == PolicyKind::Scp && guardrail.targets.contains(&empty.entity))
    {
        return Err(RequestError {
            code: "E-SCP-EMPTY-LEVEL",
            message: format!("no SCP is attached to `{}`, which cannot be while SCPs are enabled", empty.entity),
            field: "policies.scp",
            rule: "R-6.22",
        });
    }
    Ok(Some(levels))
}

/// is the policy type enabled? Where the export does not say, attached guardrails prove it.
fn enabled(world: &World, organization: &Organization, kind: PolicyKind) -> bool {
    let stated = if kind == PolicyKind::Scp { organization.scp_enabled } else { organization.rcp_enabled };
    stated.unwrap_or_else(|| !world.assume_complete || world.guardrails.iter().any(|guardrail| guardrail.kind == kind))
}

fn unknown_level<'a>(kind: PolicyKind) -> Level<'a> {
    Level { entity: "*".into(), pool: unknown_pool(kind) }
}

/// what is attached to each entity from the root to the account.
fn levels<'a>(
    world: &'a World,
    organization: &Organization,
    path: &[&str],
    account: AccountId,
    kind: PolicyKind,
) -> Vec<Level<'a>> {
    let stated = if kind == PolicyKind::Scp { organization.scp_enabled } else { organization.rcp_enabled };
    let gap = if kind == PolicyKind::Scp { GapKind::Scps } else { GapKind::Rcps };
    let incomplete = has_gap(world, gap, &organization.id) || (stated.is_none() && !world.assume_complete);
    let account = account.to_string();
    let entities = path.iter().map(|id| (*id).to_owned()).chain([account]);
    entities
        .enumerate()
        .map(|(index, entity)| {
            let mut pool = Pool::default();
            let attachment = Attachment::Level(index as u32, entity.clone());
            for guardrail in attached(world, kind, &entity) {
                pool.add(kind, attachment.clone(), &guardrail.policy, guardrail.implied);
            }
            if incomplete {
                pool.unknown.push(PolicyRef { kind, attachment, policy: "*".into() });
            }
            Level { entity, pool }
        })
        .collect()
}

fn attached<'a>(world: &'a World, kind: PolicyKind, entity: &str) -> impl Iterator<Item = &'a Guardrail> {
    world
        .guardrails
        .iter()
        .filter(move |guardrail| guardrail.kind == kind && guardrail.targets.iter().any(|target| target == entity))
}

/// What is known of the RCPs that apply to a unit.
pub(crate) enum Rcps<'a> {
    /// None apply.
    None,
    /// These do.
    Levels(Vec<Level<'a>>),
    /// The owner is outside the snapshot; `counts`: its RCPs add an unknown deny.
    Foreign { counts: bool },
}

/// the RCPs on the path of the resource's owner.
pub(crate) fn rcps<'a>(
    world: &'a World,
    catalogue: &Catalogue,
    request: &Request,
    caller: &Caller<'_>,
    unit: &Unit<'_>,
) -> Rcps<'a> {
    let Some(owner) = unit.owner else { return Rcps::None };
    if !rcp_governs(world, catalogue, caller, unit) {
        return Rcps::None;
    }
    match position(world, owner) {
        Position::Member { organization, path } => {
            if organization.management_account == owner || !enabled(world, organization, PolicyKind::Rcp) {
                return Rcps::None;
            }
            Rcps::Levels(levels(world, organization, &path, owner, PolicyKind::Rcp))
        }
        Position::Unknown => Rcps::Levels(vec![unknown_level(PolicyKind::Rcp)]),
        Position::Outside if world.assume_complete || world.accounts.iter().any(|known| known.id == owner) => {
            Rcps::None
        }
        Position::Outside => Rcps::Foreign {
            counts: request.mode == Mode::Open
                || world.settings.foreign_rcp == iamc_policy::settings::ForeignRcp::Unknown,
        },
    }
}

/// the action, the principal and the resource are such that RCPs govern the request.
fn rcp_governs(world: &World, catalogue: &Catalogue, caller: &Caller<'_>, unit: &Unit<'_>) -> bool {
    let service = unit.action.service();
    let listed = lists::RCP_SERVICES.iter().any(|entry| entry.prefix == service);
    let has_resource_type = catalogue.action(service, unit.action.name()).is_none_or(|facts| !facts.is_wildcard_only());
    let aws_managed_key = unit
        .arn()
        .and_then(|arn| world.resources.iter().find(|resource| resource.arn == *arn))
        .is_some_and(|resource| resource.aws_managed_key);
    let retires_grant = unit.action_text() == "kms:retiregrant";
    listed
        && has_resource_type
        && !caller.is_service_linked_role()
        && !aws_managed_key
        && !retires_grant
        && !assumes_service_linked_role(caller, unit)
}

/// last exception: the assumption of a service-linked role by its service.
fn assumes_service_linked_role(caller: &Caller<'_>, unit: &Unit<'_>) -> bool {
    let Principal::Service(_) = caller.principal else { return false };
    unit.action_text().starts_with("sts:assumerole")
        && unit
            .arn()
            .and_then(|arn| role_path_name(arn.as_str()))
            .and_then(|path| path.strip_prefix("aws-service-role/"))
            .and_then(|path| path.split_once('/'))
            .is_some_and(|(service, _)| service.to_lowercase() == caller.own)
}

/// the endpoint policy; `None`: no endpoint, or the default of full access.
pub(crate) fn endpoint<'a>(
    world: &'a World,
    request: &'a Request,
) -> Result<Option<(Pool<'a>, EndpointType)>, RequestError> {
    let ThroughEndpoint::Id(id) = &request.endpoint else { return Ok(None) };
    let stated = request.facts.vpc_endpoint_type;
    let Some(record) = world.endpoints.iter().find(|endpoint| endpoint.id == *id) else {
        if world.assume_complete {
            return Err(RequestError {
                code: "E-ENDPOINT",
                message: format!("there is no VPC endpoint `{id}` in the inventory"),
                field: "vpc_endpoint",
                rule: "R-6.33",
            });
        }
        return Ok(Some((unknown_pool(PolicyKind::Endpoint), stated.unwrap_or(EndpointType::Interface))));
    };
    let endpoint_type = stated.unwrap_or(record.endpoint_type);
    Ok(match &record.policy {
        ResourcePolicy::None => None,
        ResourcePolicy::NotExported if world.assume_complete => None,
        ResourcePolicy::NotExported => Some((unknown_pool(PolicyKind::Endpoint), endpoint_type)),
        ResourcePolicy::Policy(policy) => {
            let mut pool = Pool::default();
            pool.add(PolicyKind::Endpoint, Attachment::Direct, policy, false);
            Some((pool, endpoint_type))
        }
    })
}

/// What kind of resource policy, if any, decides over a unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ResourceSide {
    /// A role trust policy: Mandatory.
    Trust,
    /// A KMS key policy: Mandatory.
    Key,
    /// Any other, or none: Standard.
    Standard,
}

/// role trust policies for `sts:AssumeRole*` and its companions, key policies for KMS keys.
pub(crate) fn resource_side(unit: &Unit<'_>) -> ResourceSide {
    let Some(arn) = unit.arn() else { return ResourceSide::Standard };
    let is_role = arn.service() == "iam" && arn.resource().starts_with("role/");
    if is_role && lists::TRUST_POLICY_ACTIONS.contains(&unit.action_text().as_str()) {
        ResourceSide::Trust
    } else if is_kms_key(unit.resource) && unit.action.service() == "kms" {
        ResourceSide::Key
    } else {
        ResourceSide::Standard
    }
}

fn is_kms_key(resource: &RequestResource) -> bool {
    matches!(resource, RequestResource::Arn(arn) if arn.service() == "kms" && arn.resource().starts_with("key/"))
}

/// the resource-based policy of the unit's resource.
pub(crate) fn resource<'a>(world: &'a World, unit: &Unit<'_>) -> Pool<'a> {
    let mut pool = Pool::default();
    let Some(arn) = unit.arn() else { return pool };
    match resource_side(unit) {
        ResourceSide::Trust => match world.roles.iter().find(|role| role.identity.arn == *arn) {
            Some(role) => pool.add(PolicyKind::Trust, Attachment::Direct, &role.trust, false),
            None if unit.owner.is_some_and(|owner| !crate::caller::identities_complete(world, owner)) => {
                return unknown_pool(PolicyKind::Trust);
            }
            None => {}
        },
        side => {
            let kind = if side == ResourceSide::Key { PolicyKind::Key } else { PolicyKind::Resource };
            // The nearest record that says anything about a policy.
            match carriers(world, arn.as_str())
                .iter()
                .map(|record| &record.policy)
                .find(|policy| !matches!(policy, ResourcePolicy::None))
            {
                Some(ResourcePolicy::Policy(policy)) => pool.add(kind, Attachment::Direct, policy, false),
                Some(_) if world.assume_complete => {}
                Some(_) => return unknown_pool(kind),
                None if may_have_policy(world, unit) => return unknown_pool(kind),
                None => {}
            }
        }
    }
    pool
}

/// the records whose resource-based policy may govern `arn`, the nearest first: the resource itself, then
/// those that contain it (a bucket its objects, a function its versions, a table its indexes): their ARN is a prefix
/// that ends where a `:` follows, or in services whose names hold no `/` a `/`. IAM resources contain nothing.
pub(crate) fn carriers<'a>(world: &'a World, arn: &str) -> Vec<&'a Resource> {
    let service = arn.split(':').nth(2).unwrap_or_default();
    let by_slash = lists::SLASH_CONTAINS.contains(&service);
    let contains = |outer: &str| {
        arn == outer
            || (service != "iam"
                && arn
                    .strip_prefix(outer)
                    .is_some_and(|rest| rest.starts_with(':') || (by_slash && rest.starts_with('/'))))
    };
    let mut found: Vec<&Resource> = world.resources.iter().filter(|resource| contains(resource.arn.as_str())).collect();
    found.sort_by_key(|resource| std::cmp::Reverse(resource.arn.as_str().len()));
    found
}

/// may a resource that the inventory does not list have a policy? Only where its type carries one and the
/// owner's resources were not all exported.
fn may_have_policy(world: &World, unit: &Unit<'_>) -> bool {
    if world.assume_complete {
        return false;
    }
    let (Some(arn), Some(owner)) = (unit.arn(), unit.owner) else { return false };
    let service = arn.service();
    let listed = !carriers(world, arn.as_str()).is_empty();
    let covered = world.coverage.iter().any(|known| known.account == owner && known.service == service);
    let exported =
        world.accounts.iter().any(|known| known.id == owner) && !has_gap(world, GapKind::Resources, &owner.to_string());
    let carries = lists::RESOURCE_POLICY_TYPES.iter().any(|(known, beginnings)| {
        *known == service && beginnings.iter().any(|beginning| arn.resource().starts_with(beginning))
    });
    carries && !listed && !covered && !exported
}
