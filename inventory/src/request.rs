//! Requests as people write them: a line of JSON, or the text forms of the command line → [`Request`].
//!
//! The fields are those of `request` in docs/case-format.md; a request line of `iamc decide --requests` has in
//! addition `id`, `facts`, `session` and `vpc_endpoint`. Nothing is derived here and nothing is looked up: which keys
//! a request lacks, and whether those it has fit together, is for each engine to say. Only what cannot be said of any
//! caller of that kind is refused here.

pub mod node;
pub mod plain;
mod quick;

use self::node::{FieldError, Node};
use iamc_policy::action::Action;
use iamc_policy::arn::Arn;
use iamc_policy::condition::ConditionKey;
use iamc_policy::decision::Truth;
use iamc_policy::document::{Policy, PolicyKind, Strictness};
use iamc_policy::ids::AccountId;
use iamc_policy::json::shown;
use iamc_policy::principal::{Principal, last_segment};
use iamc_policy::request::{
    AdditionalAction, Context, Credential, EndpointType, Facts, KeyState, KmsGrant, Mode, Request, RequestResource,
    ResourceInRequest, ThroughEndpoint,
};
use iamc_policy::world::NamedPolicy;

/// A request with the name its author gave it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestLine {
    /// `id`, if there is one.
    pub id: Option<String>,
    /// The request; given keys are checked against derived ones (R-5.6).
    pub request: Request,
}

/// Reads one request line.
///
/// `mode` is what an absent `mode` means: the command line is open by default (R-5.7). `session` is a list of policy
/// documents, named `0`, `1` …; an empty list or `null` means that none was passed.
///
/// Errors: text that is no JSON object, an unknown or missing field, a value that is not what its field holds, a
/// condition key given in two states, parts that contradict each other (a fact about sessions for a user, an owner that
/// is not the ARN's), and a session policy without meaning (R-1.36: a policy in hand is refused, not
/// quarantined). Only the first is reported: a bulk answer has room for one. Cost: O(bytes).
///
/// ```
/// use iamc_inventory::request::read_line;
/// use iamc_policy::{Mode, document::Strictness};
/// let text = r#"{"id": "r1", "principal": "anonymous", "action": "s3:GetObject", "resource": "arn:aws:s3:::bkt/k"}"#;
/// let line = read_line(text, Mode::Open, Strictness::Lenient).unwrap();
/// assert_eq!(line.id.as_deref(), Some("r1"));
/// let error = read_line(r#"{"acton": "s3:GetObject"}"#, Mode::Open, Strictness::Lenient).unwrap_err();
/// assert_eq!(error.field(), "acton");
/// ```
pub fn read_line(text: &str, mode: Mode, strictness: Strictness) -> Result<RequestLine, FieldError> {
    let mut id = None;
    let mut facts = Facts::default();
    let node = Node::parse(text)?;
    let request = read_with(&node, mode, strictness, &["id", "facts", "session", "vpc_endpoint"], |name, value| {
        match name {
            "id" => id = Some(value.scalar()?),
            _ => facts = read_facts(value)?,
        }
        Ok(())
    })?;
    let request = Request { facts, ..request };
    check_parts(&node, &request)?;
    Ok(RequestLine { id, request })
}

/// True iff session policies can limit the caller (R-6.12, R-6.79): a role session, a federated user, or the session
/// of a root user made by AssumeRoot. Nobody else has any (R-6.46, R-6.76, tables of 6.13).
pub fn takes_session_policies(request: &Request) -> bool {
    match request.principal {
        Principal::RoleSession { .. } | Principal::FederatedUser { .. } => true,
        Principal::Root { .. } => request.facts.assumed_root,
        _ => false,
    }
}

/// Refuses a request whose parts contradict each other: an answer about it would be one about another request.
fn check_parts(node: &Node<'_>, request: &Request) -> Result<(), FieldError> {
    let Request { principal, facts, .. } = request;
    let fact = |name: &str, why: String| Err(node.child("facts").child(name).error(why));
    let not_of = |what: &str| format!("only {what} has it, and `{principal}` is none");
    if let Some(role) = &facts.role {
        match principal {
            Principal::RoleSession { partition, account, role: name, role_path_name, .. } => {
                let own = role.partition() == partition && role.account() == account.to_string();
                let path_name = role.resource().strip_prefix("role/").unwrap_or_default();
                let named = role_path_name.as_ref().is_none_or(|own| own == path_name);
                if !own || !named || last_segment(path_name) != name {
                    return fact("role", format!("`{role}` is not the role of the session `{principal}`"));
                }
            }
            _ => return fact("role", not_of("a role session")),
        }
    }
    if facts.session_unknown && !matches!(principal, Principal::RoleSession { .. }) {
        return fact("session_unknown", not_of("a role session"));
    }
    if let Some(base) = &facts.federated_user_base {
        if !matches!(principal, Principal::FederatedUser { .. }) {
            return fact("federated_user_base", not_of("a federated user"));
        }
        if (base.partition(), base.account()) != (principal.partition(), principal.account()) {
            return fact("federated_user_base", format!("`{base}` is of another account than `{principal}`"));
        }
    }
    if facts.assumed_root && !matches!(principal, Principal::Root { .. }) {
        return fact("assumed_root", not_of("an account's root"));
    }
    if facts.credential.is_some() && !matches!(principal, Principal::User { .. } | Principal::Root { .. }) {
        return fact("credential", not_of("a user or an account's root"));
    }
    if request.session.is_some() && !takes_session_policies(request) {
        return Err(node.child("session").error(no_session_policies(request)));
    }
    let resources = request.resources.iter().chain(request.additional.iter().map(|additional| &additional.resource));
    for ResourceInRequest { resource, account, .. } in resources {
        if let (RequestResource::Arn(arn), Some(given)) = (resource, account)
            && arn.account().parse::<AccountId>().is_ok_and(|own| own != *given)
        {
            let why = format!("`{arn}` belongs to account {}, not to {given}", arn.account());
            return Err(node.child("resource_account").error(why));
        }
    }
    Ok(())
}

/// Why session policies are refused where [`takes_session_policies`] says no.
pub fn no_session_policies(request: &Request) -> String {
    format!(
        "session policies limit role sessions, federated users and AssumeRoot sessions, and `{}` is none of them",
        request.principal
    )
}

/// Reads the `request` object of a decision case that gives its policies; `mode` is what an absent `mode` means.
///
/// Errors: as [`read_line`]; the four fields that only a request line has are unknown here.
pub fn read_request(node: &Node<'_>, mode: Mode) -> Result<Request, FieldError> {
    read_with(node, mode, Strictness::Lenient, &[], |_, _| Ok(()))
}

/// Reads the `request` object of a decision case that gives an inventory: it may have `session` and `vpc_endpoint`.
///
/// Errors: as [`read_line`].
pub fn read_inventory_request(node: &Node<'_>, mode: Mode, strictness: Strictness) -> Result<Request, FieldError> {
    read_with(node, mode, strictness, &["session", "vpc_endpoint"], |_, _| Ok(()))
}

const FIELDS: [&str; 10] = [
    "principal",
    "action",
    "resource",
    "resource_account",
    "context",
    "absent",
    "present",
    "unknown",
    "mode",
    "additional",
];

/// The common part; fields named in `extra` and not known here are handed to `take`.
fn read_with<'a>(
    node: &Node<'a>,
    mut mode: Mode,
    strictness: Strictness,
    extra: &[&str],
    mut take: impl FnMut(&str, &Node<'a>) -> Result<(), FieldError>,
) -> Result<Request, FieldError> {
    let fields = node.fields_of(&[&FIELDS[..], extra].concat())?;
    let mut principal = None;
    let mut action = None;
    let mut resources = Vec::new();
    let mut additional = Vec::new();
    let mut account = None;
    let mut context = Context::new();
    let mut session = None;
    let mut endpoint = ThroughEndpoint::None;
    for (name, value) in &fields {
        match name.as_str() {
            "principal" => principal = Some(read_principal(value)?),
            "action" => action = Some(value.parsed::<Action>()?),
            "resource" => resources = read_resources(value)?,
            "resource_account" if value.is_null() => {}
            "resource_account" => account = Some(value.parsed::<AccountId>()?),
            "context" => read_context(value, &mut context)?,
            "absent" => read_states(value, &KeyState::Absent, &mut context)?,
            "present" => read_states(value, &KeyState::Present, &mut context)?,
            "unknown" => read_states(value, &KeyState::Unknown, &mut context)?,
            "mode" => mode = read_mode(value)?,
            "additional" => {
                additional = value.items()?.iter().map(read_additional).collect::<Result<_, _>>()?;
            }
            "session" => session = read_session(value, strictness)?,
            "vpc_endpoint" if value.is_null() => {}
            "vpc_endpoint" => endpoint = ThroughEndpoint::Id(value.string()?),
            name => take(name, value)?,
        }
    }
    let n_resources = resources.len();
    for resource in &mut resources {
        // Among several it is the account of those whose ARNs do not say it.
        let says = matches!(&resource.resource, RequestResource::Arn(arn) if !arn.account().is_empty());
        if n_resources == 1 || !says {
            resource.account = resource.account.or(account);
        }
    }
    let missing = |name: &str| node.child(name).error(format!("the request has no `{name}`"));
    if resources.is_empty() {
        return Err(missing("resource"));
    }
    let principal = principal.ok_or_else(|| missing("principal"))?;
    let action = action.ok_or_else(|| missing("action"))?;
    let request = Request::new(principal, action, RequestResource::Star);
    Ok(Request { resources, additional, context, mode, session, endpoint, ..request })
}

/// Why a text names no caller.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not a principal: {why}")]
pub struct PrincipalTextError {
    text: String,
    why: String,
}

/// Reads a caller as the command line and the columns of CSV and Parquet name it: an ARN, `anonymous`,
/// `service:NAME`, `federated:ARN-or-NAME` or `saml:ARN`.
///
/// Errors: none of these; see also [`Principal::from_arn`].
///
/// ```
/// use iamc_inventory::request::parse_principal;
/// use iamc_policy::Principal;
/// assert_eq!(parse_principal("service:SNS.amazonaws.com").unwrap(), Principal::Service("sns.amazonaws.com".into()));
/// assert!(parse_principal("alice").is_err());
/// ```
pub fn parse_principal(text: &str) -> Result<Principal, PrincipalTextError> {
    let fail = |why: String| PrincipalTextError { text: shown(text), why };
    if text == "anonymous" {
        return Ok(Principal::Anonymous);
    }
    match text.split_once(':') {
        Some((kind @ ("service" | "federated" | "saml"), name)) => unsigned_caller(kind, name).map_err(fail),
        Some(("arn", _)) => Principal::from_arn(text).map_err(|error| fail(error.why().to_owned())),
        _ => Err(fail(
            "write an ARN, `anonymous`, `service:NAME`, `federated:PROVIDER` or `saml:ARN`, for example \
             `arn:aws:iam::111122223333:user/ana`"
                .to_owned(),
        )),
    }
}

/// The callers that are no IAM principals, by kind and name.
fn unsigned_caller(kind: &str, name: &str) -> Result<Principal, String> {
    if name.is_empty() || name.contains(|c: char| c.is_whitespace() || c.is_control()) {
        return Err("the name is empty or holds white space".to_owned());
    }
    match kind {
        "service" if name == "*" => Err("a service is named in full, for example `ec2.amazonaws.com`".to_owned()),
        "service" => Ok(Principal::Service(name.to_lowercase().into())),
        "saml" => match name.parse::<Arn>() {
            Ok(arn) => Ok(Principal::Saml(arn.to_string().into())),
            Err(error) => Err(error.to_string()),
        },
        _ => Ok(Principal::Federated(name.into())),
    }
}

fn read_principal(node: &Node<'_>) -> Result<Principal, FieldError> {
    if !node.is_object() {
        return parse_principal(&node.string()?).map_err(|error| node.error(error.to_string()));
    }
    let fields = node.fields_of(&["service", "federated", "saml"])?;
    match fields.as_slice() {
        [(kind, name)] => unsigned_caller(kind, &name.string()?).map_err(|why| name.error(why)),
        _ => Err(node.error("write one of `service`, `federated` and `saml`")),
    }
}

fn read_resources(node: &Node<'_>) -> Result<Vec<ResourceInRequest>, FieldError> {
    if !node.is_array() {
        return Ok(vec![read_resource(node)?]);
    }
    let items = node.items()?;
    if items.is_empty() {
        return Err(node.error("a request is about at least one resource"));
    }
    items.iter().map(read_resource).collect()
}

fn read_resource(node: &Node<'_>) -> Result<ResourceInRequest, FieldError> {
    if !node.is_object() {
        return Ok(ResourceInRequest::new(node.parsed::<RequestResource>()?));
    }
    let mut resource = None;
    let mut account = None;
    let mut context = Context::new();
    for (name, value) in &node.fields_of(&["arn", "account", "context"])? {
        match name.as_str() {
            "arn" => resource = Some(value.parsed::<RequestResource>()?),
            "account" if value.is_null() => {}
            "account" => account = Some(value.parsed::<AccountId>()?),
            _ => read_context(value, &mut context)?,
        }
    }
    let resource = resource.ok_or_else(|| node.child("arn").error("the resource has no `arn`"))?;
    Ok(ResourceInRequest { resource, account, context })
}

fn read_additional(node: &Node<'_>) -> Result<AdditionalAction, FieldError> {
    let mut action = None;
    let mut resource = None;
    for (name, value) in &node.fields_of(&["action", "resource"])? {
        match name.as_str() {
            "action" => action = Some(value.parsed::<Action>()?),
            _ => resource = Some(read_resource(value)?),
        }
    }
    let missing = |name: &str| node.child(name).error(format!("the additional action has no `{name}`"));
    Ok(AdditionalAction {
        action: action.ok_or_else(|| missing("action"))?,
        resource: resource.ok_or_else(|| missing("resource"))?,
    })
}

fn read_mode(node: &Node<'_>) -> Result<Mode, FieldError> {
    match node.string()?.as_str() {
        "closed" => Ok(Mode::Closed),
        "open" => Ok(Mode::Open),
        other => Err(node.error(format!("`{other}` is no mode; write `closed` or `open`"))),
    }
}

/// Key → string, number or boolean (a single value), or a list of them; numbers keep their text (as in R-1.16).
fn read_context(node: &Node<'_>, context: &mut Context) -> Result<(), FieldError> {
    for (name, value) in node.fields()? {
        let state = if value.is_array() {
            KeyState::list(value.items()?.iter().map(Node::scalar).collect::<Result<Vec<_>, _>>()?)
        } else {
            KeyState::one(value.scalar()?)
        };
        set_state(&value, &name, state, context)?;
    }
    Ok(())
}

fn read_states(node: &Node<'_>, state: &KeyState, context: &mut Context) -> Result<(), FieldError> {
    for item in node.items()? {
        set_state(&item, &item.string()?, state.clone(), context)?;
    }
    Ok(())
}

fn set_state(node: &Node<'_>, name: &str, state: KeyState, context: &mut Context) -> Result<(), FieldError> {
    let key = ConditionKey::new(name);
    if key.as_str().is_empty() {
        return Err(node.error("a condition key has a name"));
    }
    match context.insert(key, state) {
        None => Ok(()),
        Some(_) => Err(node.error(format!("the condition key `{name}` is given twice"))),
    }
}

fn read_session(node: &Node<'_>, strictness: Strictness) -> Result<Option<Vec<NamedPolicy>>, FieldError> {
    if node.is_null() {
        return Ok(None);
    }
    let mut policies = Vec::new();
    for (index, item) in node.items()?.iter().enumerate() {
        let parsed = Policy::parse(PolicyKind::Session, strictness, item.text());
        let Some(policy) = parsed.policy else {
            let faults = parsed.diagnostics.iter().filter(|d| d.invalidates).map(ToString::to_string);
            return Err(item.error(faults.collect::<Vec<_>>().join("; ")));
        };
        policies.push(NamedPolicy::new(index.to_string(), policy));
    }
    Ok((!policies.is_empty()).then_some(policies))
}

const FACTS: [&str; 13] = [
    "principal_tags",
    "resource_tags",
    "role",
    "unique_id",
    "session_unknown",
    "federated_user_base",
    "credential",
    "assumed_root",
    "s3_block_public_access",
    "acl_allows",
    "vpc_endpoint_type",
    "kms_grants",
    "canonical_users",
];

/// Reads the `facts` object of docs/case-format.md.
///
/// Errors: an unknown fact; a value that is not what the fact holds.
pub fn read_facts(node: &Node<'_>) -> Result<Facts, FieldError> {
    let mut facts = Facts::default();
    for (name, value) in &node.fields_of(&[&FACTS[..], &["delegated_administrators"]].concat())? {
        match name.as_str() {
            "principal_tags" => facts.principal_tags = Some(read_strings(value)?),
            "resource_tags" => facts.resource_tags = Some(read_strings(value)?),
            "role" => facts.role = Some(read_role(value)?),
            "unique_id" => facts.unique_id = Some(value.string()?),
            "session_unknown" => facts.session_unknown = value.boolean()?,
            "federated_user_base" => facts.federated_user_base = Some(read_base(value)?),
            "credential" => facts.credential = Some(read_credential(value)?),
            "assumed_root" => facts.assumed_root = value.boolean()?,
            "s3_block_public_access" => facts.s3_block_public_access = Some(value.boolean()?),
            "acl_allows" => facts.acl_allows = Some(read_truth(value)?),
            "vpc_endpoint_type" => facts.vpc_endpoint_type = Some(read_endpoint_type(value)?),
            "kms_grants" => facts.kms_grants = value.items()?.iter().map(read_grant).collect::<Result<_, _>>()?,
            "canonical_users" => {
                for (id, account) in value.fields()? {
                    facts.canonical_users.push((id, account.parsed::<AccountId>()?));
                }
            }
            _ => {
                for account in value.items()? {
                    facts.delegated_administrators.push(account.parsed::<AccountId>()?);
                }
            }
        }
    }
    Ok(facts)
}

fn read_strings(node: &Node<'_>) -> Result<Vec<(String, String)>, FieldError> {
    node.fields()?.into_iter().map(|(name, value)| Ok((name, value.string()?))).collect()
}

fn read_role(node: &Node<'_>) -> Result<Arn, FieldError> {
    let arn = node.parsed::<Arn>()?;
    match Principal::from_arn(arn.as_str()) {
        Ok(Principal::RoleSession { role_path_name: Some(_), .. }) => Ok(arn),
        _ => Err(node.error(format!("`{arn}` is not the ARN of a role"))),
    }
}

fn read_base(node: &Node<'_>) -> Result<Principal, FieldError> {
    let text = node.string()?;
    match Principal::from_arn(&text) {
        Ok(base @ (Principal::User { .. } | Principal::Root { .. })) => Ok(base),
        _ => Err(node.error(format!("`{text}` is not the ARN of a user or of an account's root"))),
    }
}

fn read_credential(node: &Node<'_>) -> Result<Credential, FieldError> {
    match node.string()?.as_str() {
        "session_token" => Ok(Credential::SessionToken),
        other => Err(node.error(format!("`{other}` is no kind of credential; write `session_token`"))),
    }
}

fn read_endpoint_type(node: &Node<'_>) -> Result<EndpointType, FieldError> {
    match node.string()?.as_str() {
        "gateway" => Ok(EndpointType::Gateway),
        "interface" => Ok(EndpointType::Interface),
        other => Err(node.error(format!("`{other}` is no type of endpoint; write `gateway` or `interface`"))),
    }
}

fn read_truth(node: &Node<'_>) -> Result<Truth, FieldError> {
    if node.is_string() {
        return match node.string()?.as_str() {
            "unknown" => Ok(Truth::Unknown),
            other => Err(node.error(format!("`{other}` is no truth value; write true, false or `unknown`"))),
        };
    }
    Ok(if node.boolean()? { Truth::True } else { Truth::False })
}

fn read_grant(node: &Node<'_>) -> Result<KmsGrant, FieldError> {
    let mut grant = KmsGrant { grantee: None, retiring: None, operations: Vec::new(), holds: Truth::True };
    for (name, value) in &node.fields_of(&["grantee", "retiring", "operations", "holds"])? {
        match name.as_str() {
            "grantee" => grant.grantee = Some(value.string()?),
            "retiring" => grant.retiring = Some(value.string()?),
            "operations" => grant.operations = value.items()?.iter().map(Node::string).collect::<Result<_, _>>()?,
            _ => grant.holds = read_truth(value)?,
        }
    }
    if grant.grantee.is_none() && grant.retiring.is_none() {
        return Err(node.error("a grant names a `grantee`, a `retiring` principal, or both"));
    }
    Ok(grant)
}

#[cfg(test)]
mod tests;
