//! The authorisations that one request needs, each with its resource and owner.

use crate::caller::{Caller, Kind};
use crate::context::{NO_KEYS, UnitContext};
use crate::evaluate::condition_formula;
use crate::formula;
use iamc_catalogue::Catalogue;
use iamc_policy::condition::{BaseOperator, Operator};
use iamc_policy::decision::UnitId;
use iamc_policy::request::{Context, RequestError, RequestResource, ResourceInRequest};
use iamc_policy::source::Span;
use iamc_policy::{AccountId, Action, ConditionAtom, ConditionKey, Formula, Request, Template, World};

/// One (action, resource) pair to authorise.
pub(crate) struct Unit<'a> {
    pub(crate) id: UnitId,
    pub(crate) action: &'a Action,
    pub(crate) resource: &'a RequestResource,
    /// `None`: nobody's, or AWS's own (R-6.53 c).
    pub(crate) owner: Option<AccountId>,
    /// Keys that belong to the resource alone.
    pub(crate) context: &'a Context,
    /// Whether the unit is asked for at all.
    pub(crate) asked: Formula,
}

impl Unit<'_> {
    /// `service:name` in lower case, as the lists of `catalogue::lists` write it.
    pub(crate) fn action_text(&self) -> String {
        format!("{}:{}", self.action.service(), self.action.name().to_ascii_lowercase())
    }

    /// The ARN, unless the resource is the pseudo-resource.
    pub(crate) fn arn(&self) -> Option<&iamc_policy::Arn> {
        match self.resource {
            RequestResource::Arn(arn) => Some(arn),
            RequestResource::Star => None,
        }
    }
}

/// The additional actions of `sts:AssumeRole*` and `sts:GetFederationToken`, parsed once by the caller.
pub(crate) struct StsActions {
    tag_session: Action,
    set_source_identity: Action,
    set_context: Action,
}

impl StsActions {
    pub(crate) fn new() -> StsActions {
        let action = |text: &str| text.parse().expect("a literal action is well-formed");
        StsActions {
            tag_session: action("sts:TagSession"),
            set_source_identity: action("sts:SetSourceIdentity"),
            set_context: action("sts:SetContext"),
        }
    }
}

/// resources first, in the order of the request; then additional actions.
pub(crate) fn units<'a>(
    world: &'a World,
    catalogue: &'a Catalogue,
    request: &'a Request,
    caller: &'a Caller<'a>,
    sts: &'a StsActions,
) -> Result<Vec<Unit<'a>>, RequestError> {
    let mut units = Vec::new();
    for (index, resource) in request.resources.iter().enumerate() {
        let id = UnitId::Resource(index as u32);
        units.push(unit(world, catalogue, caller, id, &request.action, resource)?);
    }
    for (at, additional) in request.additional.iter().enumerate() {
        let id = UnitId::Additional { at: at as u32, action: additional.action.to_string() };
        units.push(unit(world, catalogue, caller, id, &additional.action, &additional.resource)?);
    }
    for first in 0..request.resources.len() {
        for (action, keys) in implied_actions(&request.action, request, caller, sts) {
            let id = UnitId::Implied { resource: first as u32, action: action.to_string() };
            let asked = {
                let context = UnitContext { world, catalogue, request, caller, unit: &units[first] };
                // The atoms belong to the unit that they ask for.
                asked(&context, &keys, &id)
            };
            if asked == Formula::False {
                continue;
            }
            let extra = unit(world, catalogue, caller, id, action, &request.resources[first])?;
            units.push(Unit { asked, ..extra });
        }
    }
    Ok(units)
}

fn unit<'a>(
    world: &World,
    catalogue: &Catalogue,
    caller: &Caller<'_>,
    id: UnitId,
    action: &'a Action,
    resource: &'a ResourceInRequest,
) -> Result<Unit<'a>, RequestError> {
    resource_fits(catalogue, action, &resource.resource)?;
    let owner = owner(world, caller, resource)?;
    let context = if resource.context.is_empty() { &NO_KEYS } else { &resource.context };
    Ok(Unit { id, action, resource: &resource.resource, owner, context, asked: Formula::True })
}

/// `*` is a resource only of wildcard-only actions, of actions all of whose types are optional, and of
/// actions that the tables do not know.
fn resource_fits(catalogue: &Catalogue, action: &Action, resource: &RequestResource) -> Result<(), RequestError> {
    let Some(facts) = catalogue.action(action.service(), action.name()) else { return Ok(()) };
    if *resource == RequestResource::Star && facts.resource_types().any(|(_, required)| required) {
        return Err(RequestError {
            code: "E-RESOURCE-NEEDED",
            message: format!("`{action}` acts on a resource: give its ARN in place of `*`"),
            field: "resource",
            rule: "R-9.6",
        });
    }
    Ok(())
}

/// R-6.53 (c): the owner account.
fn owner(world: &World, caller: &Caller<'_>, resource: &ResourceInRequest) -> Result<Option<AccountId>, RequestError> {
    let RequestResource::Arn(arn) = &resource.resource else {
        // A wildcard-only action acts in the caller's account.
        return Ok(resource.account.or(caller.account));
    };
    if let Some(account) = resource.account {
        return Ok(Some(account));
    }
    if !arn.account().is_empty() {
        return Ok(arn.account().parse().ok());
    }
    let recorded = crate::resolve::carriers(world, arn.as_str()).into_iter().find_map(|record| record.account);
    match recorded {
        Some(account) => Ok(Some(account)),
        None => Err(RequestError {
            code: "E-RESACCT",
            message: format!(
                "the owner of `{arn}` is not known: its ARN names no account and the inventory does not list it; give the resource's account"
            ),
            field: "resource_account",
            rule: "R-5.2",
        }),
    }
}

/// which further actions the call may need, each with the keys whose presence asks for it.
fn implied_actions<'a>(
    action: &Action,
    request: &Request,
    caller: &Caller<'_>,
    sts: &'a StsActions,
) -> Vec<(&'a Action, Vec<ConditionKey>)> {
    if action.service() != "sts" {
        return Vec::new();
    }
    let name = action.name().to_ascii_lowercase();
    let given = |family: &str| -> Vec<ConditionKey> {
        let all = request.context.keys().chain(request.resources.iter().flat_map(|resource| resource.context.keys()));
        let mut keys: Vec<ConditionKey> = all.filter(|key| key.as_str().starts_with(family)).cloned().collect();
        keys.sort();
        keys.dedup();
        keys
    };
    let mut tags = given("aws:requesttag/");
    tags.push(ConditionKey::new("aws:TagKeys"));
    match name.as_str() {
        "assumerole" | "assumerolewithsaml" | "assumerolewithwebidentity" => {
            let mut identity = vec![ConditionKey::new("sts:SourceIdentity")];
            if caller.kind == Kind::RoleSession {
                identity.push(ConditionKey::new("aws:SourceIdentity"));
            }
            let mut contexts = given("sts:requestcontext/");
            contexts.extend(given("sts:requestcontextproviders"));
            vec![(&sts.tag_session, tags), (&sts.set_source_identity, identity), (&sts.set_context, contexts)]
        }
        "getfederationtoken" => vec![(&sts.tag_session, tags)],
        _ => Vec::new(),
    }
}

/// asked iff one of the keys is present, which is the condition `Null {key: false}`.
fn asked(context: &UnitContext<'_>, keys: &[ConditionKey], id: &UnitId) -> Formula {
    formula::or(keys.iter().map(|key| condition_formula(&presence(key), context, None, id)))
}

fn presence(key: &ConditionKey) -> ConditionAtom {
    ConditionAtom {
        operator: Operator { set: None, base: BaseOperator::Null, if_exists: false },
        key: key.clone(),
        values: vec![Template::literal("false")],
        span: Span::default(),
    }
}
