//! Requests: who asks for what, on which resources, in which context, with every key state of.

use crate::action::Action;
use crate::arn::Arn;
use crate::condition::ConditionKey;
use crate::decision::Truth;
use crate::ids::AccountId;
use crate::principal::Principal;
use crate::world::NamedPolicy;
use smol_str::SmolStr;
use std::collections::BTreeMap;

/// The state of a condition key in a request.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum KeyState {
    /// Not present.
    Absent,
    /// Present with exactly these values.
    Values(Values),
    /// Present with at least one non-empty value, otherwise unknown (SOME).
    Present,
    /// Absent, or present with any values (UNKNOWN).
    Unknown,
}

/// Values of a key, in the form in which the request gives them; the form decides the cardinality of keys that the
/// tables do not know.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Values {
    /// A scalar: `"key": "v"`.
    One(SmolStr),
    /// An array: `"key": ["v", …]`; never empty, since an empty list is stored as absent.
    Many(Vec<SmolStr>),
}

impl Values {
    /// The values as a slice, whatever the form.
    pub fn as_slice(&self) -> &[SmolStr] {
        match self {
            Values::One(value) => std::slice::from_ref(value),
            Values::Many(values) => values,
        }
    }
}

impl KeyState {
    /// The state of a key given as a list; an empty list is absent.
    pub fn list<V: Into<SmolStr>>(values: impl IntoIterator<Item = V>) -> KeyState {
        let values: Vec<SmolStr> = values.into_iter().map(Into::into).collect();
        if values.is_empty() { KeyState::Absent } else { KeyState::Values(Values::Many(values)) }
    }

    /// The state of a key given as a scalar.
    pub fn one(value: impl Into<SmolStr>) -> KeyState {
        KeyState::Values(Values::One(value.into()))
    }
}

/// What the caller of the engine says about condition keys, by canonical key.
pub type Context = BTreeMap<ConditionKey, KeyState>;

/// What a key is when neither derived nor given.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Mode {
    /// Absent.
    #[default]
    Closed,
    /// Unknown, unless the tables say that it must be absent.
    Open,
}

/// What happens when a given key contradicts a derived one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum GivenKeys {
    /// A conflict is the input error `E-CTX-CONFLICT`.
    #[default]
    Checked,
    /// The given state wins: a decision case pins its context.
    Pinned,
}

/// A resource as a request names it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RequestResource {
    /// `*`: the pseudo-resource of wildcard-only actions.
    Star,
    /// A concrete ARN.
    Arn(Arn),
}

impl std::fmt::Display for RequestResource {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            RequestResource::Star => f.write_str("*"),
            RequestResource::Arn(arn) => write!(f, "{arn}"),
        }
    }
}

impl std::str::FromStr for RequestResource {
    type Err = crate::arn::ArnError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text == "*" { Ok(RequestResource::Star) } else { text.parse().map(RequestResource::Arn) }
    }
}

/// One resource of a request, with what belongs to it alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResourceInRequest {
    /// Its name.
    pub resource: RequestResource,
    /// Its owner, where the caller says so; else from the ARN or the inventory.
    pub account: Option<AccountId>,
    /// Keys that belong to this resource alone; they win over the request's.
    pub context: Context,
}

impl ResourceInRequest {
    /// A resource about which nothing more is said.
    pub fn new(resource: RequestResource) -> ResourceInRequest {
        ResourceInRequest { resource, account: None, context: Context::new() }
    }
}

/// A further authorisation that the caller of the engine asks for in the same request, such as
/// `iam:PassRole` on the passed role.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AdditionalAction {
    /// The action.
    pub action: Action,
    /// Its resource.
    pub resource: ResourceInRequest,
}

/// The kind of credential behind a request, where it matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Credential {
    /// Made by `GetSessionToken`.
    SessionToken,
}

/// The type of a VPC endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum EndpointType {
    /// Gateway endpoint.
    Gateway,
    /// Interface endpoint.
    Interface,
}

/// One KMS grant.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KmsGrant {
    /// The grantee principal (an ARN, an account's root ARN or a service principal), if the grant names one.
    pub grantee: Option<String>,
    /// The retiring principal, if the grant names one.
    pub retiring: Option<String>,
    /// Operations, e.g. `Decrypt`.
    pub operations: Vec<String>,
    /// Whether its constraints hold for this request.
    pub holds: Truth,
}

/// What else is known about a request; the `facts` of a decision case. A fact replaces what the inventory says.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Facts {
    /// Tags of the principal or passed with its session, in the order given; they override the inventory's (5.2).
    pub principal_tags: Option<Vec<(String, String)>>,
    /// Tags of the resource; they replace the inventory's.
    pub resource_tags: Option<Vec<(String, String)>>,
    /// ARN, with path, of the role behind a session.
    pub role: Option<Arn>,
    /// The principal's unique id (AIDA…, AROA…).
    pub unique_id: Option<String>,
    /// The session's name is not known.
    pub session_unknown: bool,
    /// The user or root who called GetFederationToken.
    pub federated_user_base: Option<Principal>,
    /// The kind of credential, if stated.
    pub credential: Option<Credential>,
    /// An AssumeRoot session.
    pub assumed_root: bool,
    /// RestrictPublicBuckets is effective; replaces what the inventory says.
    pub s3_block_public_access: Option<bool>,
    /// An ACL allows the request.
    pub acl_allows: Option<Truth>,
    /// Type of the endpoint of the request; replaces what the inventory says.
    pub vpc_endpoint_type: Option<EndpointType>,
    /// Grants on the key; for `kms:RetireGrant`, the grant to be retired.
    pub kms_grants: Vec<KmsGrant>,
    /// Canonical user id → account, beside the inventory's.
    pub canonical_users: Vec<(String, AccountId)>,
    /// Delegated administrators, beside the inventory's.
    pub delegated_administrators: Vec<AccountId>,
}

/// Through which VPC endpoint a request passes.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub enum ThroughEndpoint {
    /// Through none.
    #[default]
    None,
    /// Through the endpoint of the inventory with this id, `vpce-…`.
    Id(String),
}

/// One authorization request.
///
/// Whatever is here is known except where a key state or a fact says otherwise.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// The caller.
    pub principal: Principal,
    /// The action.
    pub action: Action,
    /// The resources, at least one.
    pub resources: Vec<ResourceInRequest>,
    /// Further authorisations asked for by the caller.
    pub additional: Vec<AdditionalAction>,
    /// Key states as given.
    pub context: Context,
    /// How given keys meet derived ones.
    pub given_keys: GivenKeys,
    /// How keys are read that are neither derived nor given.
    pub mode: Mode,
    /// What else is known.
    pub facts: Facts,
    /// Session policies, if any were passed; `Some` of an empty list never occurs.
    pub session: Option<Vec<NamedPolicy>>,
    /// The VPC endpoint used.
    pub endpoint: ThroughEndpoint,
}

impl Request {
    /// A request about one resource, closed, about which nothing more is said.
    pub fn new(principal: Principal, action: Action, resource: RequestResource) -> Request {
        Request {
            principal,
            action,
            resources: vec![ResourceInRequest::new(resource)],
            additional: Vec::new(),
            context: Context::new(),
            given_keys: GivenKeys::default(),
            mode: Mode::default(),
            facts: Facts::default(),
            session: None,
            endpoint: ThroughEndpoint::None,
        }
    }
}

/// Why a request cannot be decided: an answer is not given (`Invalid`).
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{code}: {message} ({rule})")]
pub struct RequestError {
    /// Stable code, e.g. `E-RESACCT`.
    pub code: &'static str,
    /// What is wrong and what to write.
    pub message: String,
    /// The field of the request it is about, as case-format.md names it.
    pub field: &'static str,
    /// The rule.
    pub rule: &'static str,
}
