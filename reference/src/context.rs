//! The context of one authorization unit (section 5): what is derived, what is given, and what a key is otherwise.

use crate::caller::{Caller, Kind};
use crate::organization::{Position, organization_path, position};
use crate::units::Unit;
use crate::variables::Keys;
use iamc_catalogue::{Catalogue, lists};
use iamc_policy::request::{Context, Credential, GivenKeys, RequestError, RequestResource, ThroughEndpoint, Values};
use iamc_policy::world::Endpoint;
use iamc_policy::{ConditionKey, KeyState, Mode, Principal, Request, World};

/// Answers every question about condition keys for one unit.
pub(crate) struct UnitContext<'a> {
    pub(crate) world: &'a World,
    pub(crate) catalogue: &'a Catalogue,
    pub(crate) request: &'a Request,
    pub(crate) caller: &'a Caller<'a>,
    pub(crate) unit: &'a Unit<'a>,
}

impl Keys for UnitContext<'_> {
    /// a given key, a derived key, or what the mode says. Conflicts were refused by [`check`].
    fn state(&self, key: &ConditionKey) -> KeyState {
        let given = self.given(key);
        match (given, self.derived(key.as_str())) {
            (Some(given), _) if self.request.given_keys == GivenKeys::Pinned => given.clone(),
            (Some(given), Some(derived)) => narrower(given, &derived),
            (Some(given), None) => given.clone(),
            (None, Some(derived)) => derived,
            (None, None) => self.otherwise(key.as_str()),
        }
    }

    /// the declared cardinality; for keys that nobody declares, the form in which the request gives them.
    fn is_multi(&self, key: &ConditionKey) -> bool {
        declared_multi(self.catalogue, key.as_str())
            .unwrap_or_else(|| matches!(self.given(key), Some(KeyState::Values(Values::Many(_)))))
    }
}

/// C.4, R-5.17: `None` for a key of undeclared cardinality; an OIDC audience is single or a list as in the
/// token.
fn declared_multi(catalogue: &Catalogue, key: &str) -> Option<bool> {
    if lists::MULTI_VALUED_KEYS.contains(&key) {
        return Some(true);
    }
    if oidc_ending(key) == Some(":aud") {
        return None;
    }
    if is_global_single(key) {
        return Some(false);
    }
    catalogue.key(key).map(|facts| facts.multi)
}

/// Table 5.2: every `aws:` key outside C.4 is single-valued.
fn is_global_single(key: &str) -> bool {
    const TAGS: [&str; 3] = ["aws:principaltag/", "aws:resourcetag/", "aws:requesttag/"];
    TAGS.iter().any(|family| key.starts_with(family)) || GLOBAL_SINGLE.contains(&key)
}

/// The single-valued keys of table 5.2 that begin with `aws:`.
const GLOBAL_SINGLE: &[&str] = &[
    "aws:principalarn",
    "aws:principalaccount",
    "aws:principalorgid",
    "aws:principalisawsservice",
    "aws:principalservicename",
    "aws:principaltype",
    "aws:userid",
    "aws:username",
    "aws:assumedroot",
    "aws:federatedprovider",
    "aws:tokenissuetime",
    "aws:multifactorauthpresent",
    "aws:multifactorauthage",
    "aws:sourceidentity",
    "aws:signinsessionarn",
    "aws:chatbotsourcearn",
    "aws:ec2instancesourcevpc",
    "aws:ec2instancesourceprivateipv4",
    "aws:sourceip",
    "aws:sourcevpc",
    "aws:sourcevpce",
    "aws:sourcevpcarn",
    "aws:vpcsourceip",
    "aws:vpceaccount",
    "aws:vpceorgid",
    "aws:resourceaccount",
    "aws:resourceorgid",
    "aws:calledviafirst",
    "aws:calledvialast",
    "aws:viaawsservice",
    "aws:calledviaawsmcp",
    "aws:viaawsmcpservice",
    "aws:ismcpserviceaction",
    "aws:currenttime",
    "aws:epochtime",
    "aws:securetransport",
    "aws:requestedregion",
    "aws:referer",
    "aws:useragent",
    "aws:sourcearn",
    "aws:sourceaccount",
    "aws:sourceorgid",
    "aws:sourceowner",
];

/// Keys of role sessions of one origin (5.2): they belong to the session, not to a service's actions.
const SESSION_ORIGIN_KEYS: &[&str] = &[
    "aws:federatedprovider",
    "aws:sourceidentity",
    "aws:ec2instancesourcevpc",
    "aws:ec2instancesourceprivateipv4",
    "ec2:roledelivery",
    "ec2:sourceinstancearn",
    "lambda:sourcefunctionarn",
    "codebuild:buildarn",
    "codebuild:projectarn",
    "ssm:sourceinstancearn",
    "glue:roleassumedby",
    "glue:credentialissuingservice",
    "identitystore:userid",
];

/// refuses a request whose keys contradict the tables or each other.
pub(crate) fn check(context: &UnitContext<'_>) -> Result<(), RequestError> {
    let request = context.request;
    let unit_keys = context.unit.context.iter();
    for (key, state) in request.context.iter().chain(unit_keys) {
        if let KeyState::Values(values) = state
            && values.as_slice().len() > 1
            && declared_multi(context.catalogue, key.as_str()) == Some(false)
        {
            return Err(RequestError {
                code: "E-CARDINALITY",
                message: format!("`{key}` is single-valued and was given {} values", values.as_slice().len()),
                field: "context",
                rule: "R-4.4",
            });
        }
        if request.given_keys == GivenKeys::Checked
            && let Some(derived) = context.derived(key.as_str())
            && conflicts(state, &derived)
        {
            return Err(RequestError {
                code: "E-CTX-CONFLICT",
                message: format!(
                    "`{key}` was given a state that contradicts what follows from the request: {}",
                    show(&derived)
                ),
                field: "context",
                rule: "R-5.6",
            });
        }
    }
    let present =
        |key: &str| matches!(context.given(&ConditionKey::new(key)), Some(KeyState::Values(_) | KeyState::Present));
    if present("aws:sourcevpce") && present("aws:sourceip") {
        return Err(RequestError {
            code: "E-CTX-CONFLICT",
            message: "`aws:SourceVpce` and `aws:SourceIp` cannot both be present: give the one that the request has"
                .into(),
            field: "context",
            rule: "R-5.14",
        });
    }
    Ok(())
}

/// a given state that no completion of the derived one has. UNKNOWN says nothing, so it never conflicts.
fn conflicts(given: &KeyState, derived: &KeyState) -> bool {
    match (given, derived) {
        (KeyState::Unknown, _) | (_, KeyState::Unknown) => false,
        (KeyState::Absent, other) | (other, KeyState::Absent) => *other != KeyState::Absent,
        (KeyState::Present, KeyState::Present) => false,
        (KeyState::Present, KeyState::Values(values)) | (KeyState::Values(values), KeyState::Present) => {
            values.as_slice().iter().all(|value| value.is_empty())
        }
        (KeyState::Values(given), KeyState::Values(derived)) => given.as_slice() != derived.as_slice(),
    }
}

/// The more precise of two states that do not conflict.
fn narrower(given: &KeyState, derived: &KeyState) -> KeyState {
    match (given, derived) {
        (_, KeyState::Unknown) => given.clone(),
        (KeyState::Values(_), KeyState::Present) => given.clone(),
        _ => derived.clone(),
    }
}

fn show(state: &KeyState) -> String {
    match state {
        KeyState::Absent => "absent".into(),
        KeyState::Present => "present, with a value that is not known".into(),
        KeyState::Unknown => "not known".into(),
        KeyState::Values(values) => format!("`{}`", values.as_slice().join("`, `")),
    }
}

impl<'a> UnitContext<'a> {
    /// The state that the caller of the engine gives: the unit's own keys win over the request's.
    fn given(&self, key: &ConditionKey) -> Option<&KeyState> {
        self.unit.context.get(key).or_else(|| self.request.context.get(key))
    }

    fn given_state(&self, key: &str) -> Option<&KeyState> {
        self.given(&ConditionKey::new(key))
    }

    fn given_present(&self, key: &str) -> bool {
        matches!(self.given_state(key), Some(KeyState::Values(_) | KeyState::Present))
    }

    fn given_value(&self, key: &str) -> Option<&str> {
        match self.given_state(key) {
            Some(KeyState::Values(values)) if values.as_slice().len() == 1 => Some(&values.as_slice()[0]),
            _ => None,
        }
    }

    fn open(&self) -> bool {
        self.request.mode == Mode::Open
    }

    /// What is not known in open mode is absent in closed mode (R-5.20, last sentence).
    fn unknown_or_absent(&self) -> KeyState {
        if self.open() { KeyState::Unknown } else { KeyState::Absent }
    }

    /// Table 5.2, column "derived from": the keys of and those that follow from the kind of caller, the
    /// endpoint and other given keys. `None`: not derived.
    fn derived(&self, key: &str) -> Option<KeyState> {
        self.principal_key(key)
            .or_else(|| self.session_key(key))
            .or_else(|| self.network_key(key))
            .or_else(|| self.resource_key(key))
            .or_else(|| self.request_key(key))
    }

    /// 5.2 (principal), R-5.10, R-5.20.
    fn principal_key(&self, key: &str) -> Option<KeyState> {
        let caller = self.caller;
        let signed = !matches!(caller.kind, Kind::Anonymous | Kind::FedIdp);
        let state = match key {
            "aws:principalarn" => match caller.kind {
                Kind::RoleSession => caller.base.clone().map_or(KeyState::Absent, KeyState::one),
                Kind::Root | Kind::User | Kind::FedUser => KeyState::one(caller.own.clone()),
                Kind::Service | Kind::FedIdp | Kind::Anonymous => KeyState::Absent,
            },
            "aws:principalaccount" => match (caller.account, caller.kind) {
                (Some(account), _) => KeyState::one(account.to_string()),
                (None, Kind::Anonymous) => KeyState::one("anonymous"),
                (None, _) => self.given_or(key, self.unknown_or_absent())?,
            },
            "aws:principalorgid" => {
                self.organization_key(caller.account, |organization, _| KeyState::one(organization))
            }
            "aws:principalorgpaths" => self.organization_key(caller.account, |_, path| KeyState::list([path])),
            "aws:principalisawsservice" if signed => KeyState::one((caller.kind == Kind::Service).to_string()),
            "aws:principalisawsservice" => KeyState::Absent,
            "aws:principalservicename" => match caller.kind {
                Kind::Service => KeyState::one(caller.own.clone()),
                _ => KeyState::Absent,
            },
            "aws:principalservicenameslist" if caller.kind != Kind::Service => KeyState::Absent,
            "aws:principaltype" => match caller.kind {
                Kind::Root => KeyState::one("Account"),
                Kind::User => KeyState::one("User"),
                Kind::FedUser => KeyState::one("FederatedUser"),
                Kind::RoleSession => KeyState::one("AssumedRole"),
                Kind::Anonymous => KeyState::one("Anonymous"),
                Kind::Service | Kind::FedIdp => self.given_or(key, self.unknown_or_absent())?,
            },
            "aws:userid" => self.user_id()?,
            "aws:username" => caller.user_name().map_or(KeyState::Absent, KeyState::one),
            "aws:assumedroot" if caller.kind == Kind::Root && self.request.facts.assumed_root => KeyState::one("true"),
            "aws:assumedroot" => KeyState::Absent,
            _ => return key.strip_prefix("aws:principaltag/").and_then(|tag| self.principal_tag(tag)),
        };
        Some(state)
    }

    /// a value that nobody knows is not derived where the caller of the engine gives it.
    fn given_or(&self, key: &str, state: KeyState) -> Option<KeyState> {
        if self.given_state(key).is_some() { None } else { Some(state) }
    }

    /// `aws:userid`.
    fn user_id(&self) -> Option<KeyState> {
        let caller = self.caller;
        let state = match (caller.principal, &caller.unique_id) {
            (Principal::Root { account, .. }, _) => KeyState::one(account.to_string()),
            (Principal::User { .. }, Some(unique_id)) => KeyState::one(unique_id.clone()),
            (Principal::FederatedUser { account, name, .. }, _) => KeyState::one(format!("{account}:{name}")),
            (Principal::RoleSession { session, .. }, Some(unique_id)) if caller.session_known => {
                KeyState::one(format!("{unique_id}:{session}"))
            }
            (Principal::RoleSession { .. }, Some(_)) => KeyState::Present,
            (Principal::Anonymous, _) => KeyState::one("anonymous"),
            _ => return None,
        };
        Some(state)
    }

    /// 5.2, R-4.31, R-4.32: tags of users; tags of roles overridden by session tags; tags of the user behind a
    /// federated user overridden by passed tags.
    fn principal_tag(&self, tag: &str) -> Option<KeyState> {
        let caller = self.caller;
        if matches!(caller.kind, Kind::Service | Kind::FedIdp | Kind::Anonymous) {
            return Some(KeyState::Absent);
        }
        let passed = self.request.facts.principal_tags.as_deref();
        if let Some(state) = passed.and_then(|tags| tag_state(tags, tag)) {
            return Some(state);
        }
        if let Some(state) = caller.role.and_then(|role| tag_state(&role.session_defaults.tags, tag)) {
            return Some(state);
        }
        let recorded = match (caller.role, caller.user) {
            (Some(role), _) => role.identity.tags.as_deref(),
            (None, Some(user)) => user.identity.tags.as_deref(),
            (None, None) if caller.kind == Kind::Root || caller.base_is_root => Some([].as_slice()),
            (None, None) => None,
        };
        match recorded {
            Some(tags) => Some(tag_state(tags, tag).unwrap_or(KeyState::Absent)),
            // Tags stated with the request are all that there are where the inventory has none to add.
            None => passed.map(|_| KeyState::Absent),
        }
    }

    fn organization_key(
        &self,
        account: Option<iamc_policy::AccountId>,
        make: impl Fn(&str, &str) -> KeyState,
    ) -> KeyState {
        let Some(account) = account else { return KeyState::Absent };
        match position(self.world, account) {
            Position::Member { organization, path } => make(&organization.id, &organization_path(organization, &path)),
            Position::Outside => KeyState::Absent,
            Position::Unknown => self.unknown_or_absent(),
        }
    }

    /// 5.2 (session), R-5.13.
    fn session_key(&self, key: &str) -> Option<KeyState> {
        let caller = self.caller;
        let has_session = !matches!(caller.kind, Kind::Service | Kind::FedIdp | Kind::Anonymous);
        match key {
            "aws:federatedprovider" if caller.kind == Kind::FedIdp => match caller.principal {
                Principal::Federated(provider) => Some(KeyState::one(provider.clone())),
                _ => Some(KeyState::Absent),
            },
            _ if SESSION_ORIGIN_KEYS.contains(&key) => (caller.kind != Kind::RoleSession).then_some(KeyState::Absent),
            "aws:tokenissuetime" | "aws:signinsessionarn" | "aws:chatbotsourcearn" => {
                (!has_session).then_some(KeyState::Absent)
            }
            "aws:multifactorauthage" | "aws:multifactorauthpresent" => match caller.kind {
                Kind::Service | Kind::FedIdp | Kind::Anonymous | Kind::FedUser => Some(KeyState::Absent),
                Kind::RoleSession if self.federated_session() => Some(KeyState::Absent),
                _ => None,
            },
            _ => None,
        }
    }

    /// the request says that the role session was made by SAML or OIDC federation.
    fn federated_session(&self) -> bool {
        self.given_present("aws:federatedprovider")
            || lists::SAML_SESSION_KEYS.iter().any(|key| self.given_present(key))
    }

    /// 5.2 (network), R-5.14, C.2, C.3.
    fn network_key(&self, key: &str) -> Option<KeyState> {
        let endpoint = self.endpoint();
        let service = self.unit.action.service();
        let list = |more: &[&[&str]]| {
            lists::SOURCE_VPC_ARN_SERVICES.contains(&service) || more.iter().any(|list| list.contains(&service))
        };
        let supplied = match key {
            "aws:sourceip" => {
                // For services, and where an endpoint is left behind by FAS, both may be absent.
                let through = endpoint.is_some()
                    || self.request.endpoint != ThroughEndpoint::None
                    || (self.given_present("aws:sourcevpce") && self.caller.kind != Kind::Service);
                return through.then_some(KeyState::Absent);
            }
            "aws:sourcevpce" | "aws:sourcevpc" | "aws:vpcsourceip" => true,
            "aws:sourcevpcarn" => {
                list(&[]) && !(service == "iam" && self.unit.action.name().eq_ignore_ascii_case("PassRole"))
            }
            "aws:vpceaccount" | "aws:vpceorgpaths" => list(&[lists::VPCE_ACCOUNT_MORE]),
            "aws:vpceorgid" => list(&[lists::VPCE_ACCOUNT_MORE, lists::VPCE_ORG_ID_MORE]),
            _ => return None,
        };
        let not_through = !supplied
            || self.given_present("aws:sourceip")
            || matches!(self.given_state("aws:sourcevpce"), Some(KeyState::Absent)) && key != "aws:sourcevpce";
        if not_through {
            return Some(KeyState::Absent);
        }
        if let (ThroughEndpoint::Id(id), "aws:sourcevpce") = (&self.request.endpoint, key) {
            return Some(KeyState::one(id.clone()));
        }
        let endpoint = endpoint?;
        match key {
            "aws:sourcevpc" => endpoint.vpc.clone().map(KeyState::one),
            "aws:vpceaccount" => Some(KeyState::one(endpoint.account.to_string())),
            "aws:vpceorgid" => Some(self.organization_key(Some(endpoint.account), |id, _| KeyState::one(id))),
            "aws:vpceorgpaths" => Some(self.organization_key(Some(endpoint.account), |_, path| KeyState::list([path]))),
            _ => None,
        }
    }

    /// The endpoint of the request, where the inventory has it.
    fn endpoint(&self) -> Option<&'a Endpoint> {
        match &self.request.endpoint {
            ThroughEndpoint::None => None,
            ThroughEndpoint::Id(id) => self.world.endpoints.iter().find(|endpoint| endpoint.id == *id),
        }
    }

    /// 5.2 (resource), R-5.9, R-5.10.
    fn resource_key(&self, key: &str) -> Option<KeyState> {
        match key {
            "aws:resourceaccount" | "aws:resourceorgid" | "aws:resourceorgpaths" => {
                let action = self.unit.action_text();
                let excepted = lists::NO_RESOURCE_ACCOUNT.iter().any(|entry| {
                    *entry == action || entry.strip_suffix('*').is_some_and(|all| action.starts_with(all))
                });
                if excepted {
                    return Some(KeyState::Absent);
                }
                // "some" cross-account PutEvents lack the keys.
                if action == "events:putevents" && self.caller.account != self.unit.owner {
                    return self.open().then_some(KeyState::Unknown).filter(|_| self.given_state(key).is_none());
                }
                Some(match key {
                    "aws:resourceaccount" => {
                        self.unit.owner.map_or(KeyState::Absent, |owner| KeyState::one(owner.to_string()))
                    }
                    "aws:resourceorgid" => self.organization_key(self.unit.owner, |id, _| KeyState::one(id)),
                    _ => self.organization_key(self.unit.owner, |_, path| KeyState::list([path])),
                })
            }
            _ => key.strip_prefix("aws:resourcetag/").and_then(|tag| self.resource_tag(tag)),
        }
    }

    /// 5.2: tags of the resource itself, if the inventory or the request has them; then a missing tag is absent.
    fn resource_tag(&self, tag: &str) -> Option<KeyState> {
        let RequestResource::Arn(arn) = self.unit.resource else { return Some(KeyState::Absent) };
        let recorded = || {
            let resource = self.world.resources.iter().find(|resource| resource.arn == *arn);
            let role = self.world.roles.iter().find(|role| role.identity.arn == *arn).map(|role| &role.identity);
            let user = self.world.users.iter().find(|user| user.identity.arn == *arn).map(|user| &user.identity);
            let identity = role.or(user);
            resource
                .and_then(|resource| resource.tags.as_deref())
                .or_else(|| identity.and_then(|identity| identity.tags.as_deref()))
        };
        let tags = self.request.facts.resource_tags.as_deref().or_else(recorded)?;
        Some(tag_state(tags, tag).unwrap_or(KeyState::Absent))
    }

    /// 5.2 (request), R-5.12, R-5.16 to.
    fn request_key(&self, key: &str) -> Option<KeyState> {
        let caller = self.caller;
        let action = self.unit.action_text();
        match key {
            "aws:calledviafirst" | "aws:calledvialast" => match self.given_state("aws:calledvia") {
                Some(KeyState::Values(values)) => {
                    let chain = values.as_slice();
                    let end = if key == "aws:calledviafirst" { chain.first() } else { chain.last() };
                    end.map(|name| KeyState::one(name.clone()))
                }
                Some(KeyState::Absent) => Some(KeyState::Absent),
                _ => None,
            },
            "aws:sourcearn" | "aws:sourceaccount" | "aws:sourceorgid" | "aws:sourceorgpaths" => {
                // open mode only: a closed request says for itself what it carries.
                (self.open() && caller.kind != Kind::Service && self.given_state(key).is_none())
                    .then_some(KeyState::Absent)
            }
            "sts:durationseconds" | "sts:awsservicename" if action.starts_with("sts:assumerole") => {
                Some(KeyState::Absent)
            }
            _ => self.federation_key(key),
        }
    }

    /// OIDC and SAML keys are there during federation; few of them continue into the session.
    fn federation_key(&self, key: &str) -> Option<KeyState> {
        let saml = key.starts_with("saml:");
        let ending = oidc_ending(key);
        if !saml && ending.is_none() || !self.open() || self.given_state(key).is_some() {
            return None;
        }
        let possible = match self.caller.principal {
            Principal::Federated(_) => !saml,
            Principal::Saml(_) => saml,
            Principal::RoleSession { .. } if saml => lists::SAML_SESSION_KEYS.contains(&key),
            Principal::RoleSession { .. } => {
                ending.is_some_and(|ending| lists::OIDC_SESSION_KEY_ENDINGS.contains(&ending))
            }
            _ => false,
        };
        if possible { None } else { Some(KeyState::Absent) }
    }

    /// a key that is neither derived nor given.
    fn otherwise(&self, key: &str) -> KeyState {
        if key == "aws:multifactorauthpresent" {
            return self.multi_factor();
        }
        if !self.open() {
            return KeyState::Absent;
        }
        match key {
            //
            "aws:currenttime"
            | "aws:epochtime"
            | "aws:useragent"
            | "aws:securetransport"
            | "aws:requestedregion"
            | "aws:viaawsservice" => KeyState::Present,
            _ if self.foreign_to_action(key) => KeyState::Absent,
            _ => KeyState::Unknown,
        }
    }

    /// `aws:MultiFactorAuthPresent` where the request does not say.
    fn multi_factor(&self) -> KeyState {
        match self.caller.kind {
            Kind::RoleSession => {
                // A session of which the request says that it may be federated may lack the key, in both modes.
                if matches!(self.given_state("aws:federatedprovider"), Some(KeyState::Unknown)) {
                    KeyState::Unknown
                } else if self.open() {
                    KeyState::Present
                } else {
                    KeyState::one("false")
                }
            }
            _ if self.request.facts.credential == Some(Credential::SessionToken) => {
                if self.open() {
                    KeyState::Present
                } else {
                    KeyState::one("false")
                }
            }
            // In open mode nobody said whether the keys of the user are long-term ones.
            _ if self.open() => KeyState::Unknown,
            Kind::User => match self.given_state("aws:viaawsservice") {
                Some(KeyState::Values(_)) if self.given_value("aws:viaawsservice") == Some("true") => {
                    KeyState::one("false")
                }
                Some(KeyState::Unknown | KeyState::Present) => KeyState::Unknown,
                _ if self.given_present("aws:calledvia") => KeyState::one("false"),
                _ => KeyState::Absent,
            },
            _ => KeyState::Absent,
        }
    }

    /// a key of the action's own service that the tables list neither for it nor for its resource types.
    fn foreign_to_action(&self, key: &str) -> bool {
        let action = self.unit.action;
        let Some((prefix, _)) = key.split_once(':') else { return false };
        if prefix != action.service() || SESSION_ORIGIN_KEYS.contains(&key) {
            return false;
        }
        self.catalogue.action(action.service(), action.name()).is_some_and(|facts| !facts.lists_key(key))
    }
}

/// The ending of an OIDC key, from its last colon; `None` for a key of another kind. Issuers are host names.
fn oidc_ending(key: &str) -> Option<&str> {
    let (prefix, _) = key.split_once(':')?;
    if prefix.contains('.') { key.rfind(':').map(|colon| &key[colon..]) } else { None }
}

/// the state of the key that stands for a tag; `None`: no such tag.
fn tag_state(tags: &[(String, String)], canonical: &str) -> Option<KeyState> {
    let mut values =
        tags.iter().filter(|(name, _)| ConditionKey::new(name).as_str() == canonical).map(|(_, value)| value);
    let first = values.next()?;
    let mut different = values.filter(|value| *value != first).peekable();
    if different.peek().is_none() {
        return Some(KeyState::one(first.clone()));
    }
    if first.is_empty() || different.any(String::is_empty) { Some(KeyState::Unknown) } else { Some(KeyState::Present) }
}

/// No keys of its own: what a unit carries whose resource says nothing.
pub(crate) static NO_KEYS: Context = Context::new();
