//! Case → [`World`] and [`Request`], so that every engine runs one path: case → world → engine.
//!
//! The `policies` form of a case gives the policies that apply; here they are attached where an engine has to find
//! them: to a user or role, to a resource, to the entities of an organization. Nothing is decided, and what a case
//! does not state is left out: the world is complete as it is.

mod organization;

use crate::case::{
    Case, CasePolicy, CaseRequest, CaseText, Organization, Policies, ResourcePolicies, Setup, strictness,
};
use iamc_inventory::Options;
use iamc_inventory::request::takes_session_policies;
use iamc_policy::arn::Arn;
use iamc_policy::condition::ConditionKey;
use iamc_policy::document::{Policy, PolicyKind, Strictness, Version};
use iamc_policy::ids::AccountId;
use iamc_policy::principal::{Principal, last_segment};
use iamc_policy::request::{
    EndpointType, GivenKeys, KeyState, Mode, Request, RequestResource, ResourceInRequest, ThroughEndpoint,
};
use iamc_policy::settings::Settings;
use iamc_policy::world::{
    Account, Endpoint, IdentityRecord, ManagedPolicy, NamedPolicy, Resource, ResourcePolicy, Role, SessionDefaults,
    User, World,
};

/// Why a case gives no world.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BuildError {
    /// The answer is `Invalid`: a policy, the inventory or the request is malformed. One message a mistake.
    #[error("{}", .0.join("\n"))]
    Invalid(Vec<String>),
    /// The parts of the case do not fit together; the case itself has to be corrected.
    #[error("the case contradicts itself: {0}")]
    Misfit(String),
}

fn misfit<T>(message: impl Into<String>) -> Result<T, BuildError> {
    Err(BuildError::Misfit(message.into()))
}

/// The world and the request of a case.
///
/// # Errors
/// See [`BuildError`].
pub fn build(case: &Case) -> Result<(World, Request), BuildError> {
    let request = match &case.request {
        CaseRequest::Known(request) => (**request).clone(),
        CaseRequest::Malformed { error, .. } => return Err(BuildError::Invalid(vec![error.to_string()])),
    };
    match &case.setup {
        Setup::Policies(policies, organization) => {
            build_policies(policies, organization.as_ref(), request, &case.settings)
        }
        Setup::Inventory(list, origin) => {
            let options = Options { settings: case.settings.clone(), ..Options::default() };
            let file = case.place.as_ref().map_or("inventory", |place| &place.file);
            match iamc_inventory::read_values(file, *origin, list, &options) {
                Ok(read) => Ok((read.world, request)),
                Err(errors) => Err(BuildError::Invalid(errors.as_slice().iter().map(ToString::to_string).collect())),
            }
        }
    }
}

/// The world and the request of policies that apply as they are: a decision case, or `iamc decide --policies`.
///
/// Given keys are pinned: they win over derived ones. Facts that the world needs and the request lacks are added to
/// the request: the base of a federated user, and the account of an S3 resource.
///
/// # Errors
/// See [`BuildError`]. Every malformed policy is reported, not only the first.
pub fn build_policies(
    policies: &Policies,
    organization: Option<&Organization>,
    request: Request,
    settings: &Settings,
) -> Result<(World, Request), BuildError> {
    let world = World { settings: settings.clone(), assume_complete: true, ..World::default() };
    let mut builder = Builder { world, request, strictness: strictness(settings), faults: Vec::new() };
    builder.request.given_keys = GivenKeys::Pinned;
    builder.resource_accounts();
    builder.principal(policies)?;
    builder.session(policies);
    builder.resources(policies)?;
    builder.endpoint(policies)?;
    builder.organization(policies, organization)?;
    if builder.faults.is_empty() {
        Ok((builder.world, builder.request))
    } else {
        Err(BuildError::Invalid(builder.faults))
    }
}

struct Builder {
    world: World,
    request: Request,
    strictness: Strictness,
    /// Malformed policies, one message a finding.
    faults: Vec<String>,
}

impl Builder {
    /// Parses a policy; one without meaning is a fault, and stands for itself as one of unknown text until the end.
    fn policy(&mut self, kind: PolicyKind, field: &str, policy: &CasePolicy) -> NamedPolicy {
        let (text, verbatim) = match &policy.text {
            CaseText::Document(text) => (text, true),
            CaseText::Text(text) => (text, false),
            CaseText::Unknown => return NamedPolicy::unknown(&policy.name),
        };
        let parsed = Policy::parse(kind, self.strictness, text);
        match parsed.policy {
            Some(parsed) => {
                NamedPolicy { place: policy.place.clone(), verbatim, ..NamedPolicy::new(&policy.name, parsed) }
            }
            None => {
                let findings = parsed.diagnostics.iter().filter(|finding| finding.invalidates);
                self.faults.extend(findings.map(|finding| format!("{field}/{}: {finding}", policy.name)));
                NamedPolicy::unknown(&policy.name)
            }
        }
    }

    fn policies(&mut self, kind: PolicyKind, policies: &[CasePolicy]) -> Vec<NamedPolicy> {
        policies.iter().map(|policy| self.policy(kind, kind.field(), policy)).collect()
    }

    /// with the default of decision cases: where an ARN names no account, the principal's.
    fn resource_accounts(&mut self) {
        let principal = self.request.principal.account();
        for resource in self.request.resources.iter_mut().chain(additional(&mut self.request.additional)) {
            if let (RequestResource::Arn(arn), None) = (&resource.resource, resource.account) {
                resource.account = match arn.account() {
                    "" => principal,
                    text => text.parse().ok(),
                };
            }
        }
    }

    /// Every resource of the request, those of additional actions last.
    fn all_resources(&self) -> Vec<ResourceInRequest> {
        let additional = self.request.additional.iter().map(|additional| &additional.resource);
        self.request.resources.iter().chain(additional).cloned().collect()
    }

    fn account(&mut self, id: AccountId) -> &mut Account {
        let position = self.world.accounts.iter().position(|account| account.id == id);
        let position = position.unwrap_or_else(|| {
            self.world.accounts.push(Account {
                id,
                name: None,
                parent: None,
                canonical_user: None,
                s3_restrict_public_buckets: None,
                place: None,
            });
            self.world.accounts.len() - 1
        });
        &mut self.world.accounts[position]
    }

    /// Gives the principal its record, with identity policies and boundary.
    fn principal(&mut self, policies: &Policies) -> Result<(), BuildError> {
        if let Some(account) = self.request.principal.account() {
            self.account(account);
        }
        let carrier = match self.request.principal.clone() {
            Principal::FederatedUser { partition, account, .. } => {
                let invented = Principal::User { partition, account, path_name: "federated-base".into() };
                self.request.facts.federated_user_base.get_or_insert(invented).clone()
            }
            other => other,
        };
        let inline = self.policies(PolicyKind::Identity, &policies.identity);
        let boundary = match policies.boundary.as_deref() {
            None => None,
            Some([boundary]) => Some(self.policy(PolicyKind::Boundary, "boundary", boundary)),
            Some(_) => return misfit("`policies.boundary` holds exactly one policy, or is null"),
        };
        match carrier {
            Principal::User { partition, account, path_name } => {
                let arn = arn(format!("arn:{partition}:iam::{account}:user/{path_name}"))?;
                let identity = self.identity(arn, inline, boundary)?;
                self.world.users.push(User { identity, groups: Vec::new() });
            }
            Principal::RoleSession { partition, account, role, role_path_name, .. } => {
                let path_name = role_path_name.unwrap_or_else(|| role.clone());
                let named = arn(format!("arn:{partition}:iam::{account}:role/{path_name}"))?;
                let arn = self.request.facts.role.clone().unwrap_or(named);
                if arn.account() != account.to_string() || last_segment(arn.resource()) != role {
                    return misfit(format!("`facts.role` is `{arn}`, which is not the role of the session"));
                }
                let identity = self.identity(arn, inline, boundary)?;
                let session_defaults = SessionDefaults::default();
                self.world.roles.push(Role { identity, trust: no_trust(), session_defaults });
            }
            // nobody else has identity policies or a boundary; those given are read, and apply to nobody.
            _ => {}
        }
        Ok(())
    }

    fn identity(
        &mut self,
        arn: Arn,
        inline: Vec<NamedPolicy>,
        boundary: Option<NamedPolicy>,
    ) -> Result<IdentityRecord, BuildError> {
        let mut record = identity_record(arn);
        record.inline = inline;
        if let Some(policy) = boundary {
            let (partition, account) = (record.arn.partition(), record.arn.account());
            let arn = self::arn(format!("arn:{partition}:iam::{account}:policy/{}", policy.name))?;
            self.world.policies.push(ManagedPolicy { arn: arn.clone(), policy });
            record.boundary = Some(arn);
        }
        Ok(record)
    }

    /// Session policies of a caller who can have none are read, and apply to nobody.
    fn session(&mut self, policies: &Policies) {
        if let Some(session) = policies.session.as_deref() {
            let session = self.policies(PolicyKind::Session, session);
            let applies = !session.is_empty() && takes_session_policies(&self.request);
            self.request.session = applies.then_some(session);
        }
    }

    /// Gives each resource its record, with its policy.
    fn resources(&mut self, policies: &Policies) -> Result<(), BuildError> {
        let requested = self.all_resources();
        let own = &requested[..self.request.resources.len()];
        let mut given: Vec<(&str, &[CasePolicy])> = match (&policies.resource, own) {
            (ResourcePolicies::None, _) => Vec::new(),
            (ResourcePolicies::One(list), _) if list.is_empty() => Vec::new(),
            (ResourcePolicies::One(list), [only]) => match &only.resource {
                RequestResource::Arn(arn) => vec![(arn.as_str(), list.as_slice())],
                RequestResource::Star => return misfit("the pseudo-resource `*` has no policy"),
            },
            (ResourcePolicies::One(_), _) => {
                return misfit("with several resources, `policies.resource` is an object: ARN → list");
            }
            (ResourcePolicies::Several(lists), _) => {
                lists.iter().map(|(arn, list)| (arn.as_str(), list.as_slice())).collect()
            }
        };
        for (index, resource) in requested.iter().enumerate() {
            let RequestResource::Arn(arn) = &resource.resource else { continue };
            if let Some(account) = resource.account {
                self.account(account);
            }
            let twin = requested[..index].iter().find(|other| other.resource == resource.resource);
            if let Some(twin) = twin {
                if twin.account != resource.account {
                    return misfit(format!("`{arn}` cannot belong to two accounts"));
                }
                continue;
            }
            let list = given.iter().find(|(text, _)| *text == arn.as_str()).map_or(&[][..], |(_, list)| *list);
            self.resource(arn, resource.account, list)?;
        }
        given.retain(|(text, _)| !requested.iter().any(|resource| resource.resource.to_string() == *text));
        match given.first() {
            Some((arn, _)) => misfit(format!("`{arn}` has a policy in `policies.resource` and is not requested")),
            None => Ok(()),
        }
    }

    fn resource(&mut self, arn: &Arn, account: Option<AccountId>, list: &[CasePolicy]) -> Result<(), BuildError> {
        let is_role = arn.service() == "iam" && arn.resource().starts_with("role/");
        let kind = match arn.service() {
            "iam" if is_role => PolicyKind::Trust,
            "kms" if arn.resource().starts_with("key/") => PolicyKind::Key,
            _ => PolicyKind::Resource,
        };
        let policy = match list {
            [] => None,
            [policy] => Some(self.policy(kind, "resource", policy)),
            _ => return misfit(format!("`{arn}` has more than one resource policy (R-6.14)")),
        };
        if is_role {
            let trust = policy.unwrap_or_else(no_trust);
            match self.world.roles.iter_mut().find(|role| role.identity.arn == *arn) {
                Some(role) => role.trust = trust,
                None => {
                    let session_defaults = SessionDefaults::default();
                    self.world.roles.push(Role { identity: identity_record(arn.clone()), trust, session_defaults });
                }
            }
        } else {
            self.world.resources.push(Resource {
                arn: arn.clone(),
                account,
                policy: policy.map_or(ResourcePolicy::None, ResourcePolicy::Policy),
                tags: None,
                s3_restrict_public_buckets: None,
                kms_grants: None,
                aws_managed_key: false,
                place: None,
            });
        }
        Ok(())
    }

    /// The endpoint; an empty list stands for one with the default policy of full access.
    fn endpoint(&mut self, policies: &Policies) -> Result<(), BuildError> {
        let Some(list) = policies.vpc_endpoint.as_deref() else { return Ok(()) };
        let policy = match list {
            [] => ResourcePolicy::None,
            [policy] => ResourcePolicy::Policy(self.policy(PolicyKind::Endpoint, "vpc_endpoint", policy)),
            _ => return misfit("`policies.vpc_endpoint` holds at most one policy"),
        };
        let owners = self.request.principal.account().into_iter();
        let mut owners = owners.chain(self.request.resources.iter().filter_map(|resource| resource.account));
        let Some(account) = owners.next() else {
            return misfit("a VPC endpoint needs an owner: give `request.resource_account`");
        };
        let id = match &self.request.endpoint {
            ThroughEndpoint::Id(id) => id.clone(),
            ThroughEndpoint::None => {
                self.pin_endpoint_keys();
                "vpce-case".to_owned()
            }
        };
        self.request.endpoint = ThroughEndpoint::Id(id.clone());
        self.world.endpoints.push(Endpoint {
            id,
            account,
            vpc: None,
            region: None,
            service: Some(self.request.action.service().to_owned()),
            endpoint_type: self.request.facts.vpc_endpoint_type.unwrap_or(EndpointType::Interface),
            policy,
            place: None,
        });
        Ok(())
    }

    /// The endpoint is made up, so its keys are what the case says of them, not what would follow from it.
    fn pin_endpoint_keys(&mut self) {
        let (always, sometimes) = match self.request.mode {
            Mode::Closed => (KeyState::Absent, KeyState::Absent),
            Mode::Open => (KeyState::Present, KeyState::Unknown),
        };
        for key in ["aws:SourceVpce", "aws:SourceVpc"] {
            self.pin(key, always.clone());
        }
        for key in ["aws:SourceVpcArn", "aws:VpceAccount", "aws:VpceOrgID", "aws:VpceOrgPaths"] {
            self.pin(key, sometimes.clone());
        }
    }

    /// Gives a key a state, unless the case gave it one.
    fn pin(&mut self, key: &str, state: KeyState) {
        self.request.context.entry(ConditionKey::new(key)).or_insert(state);
    }
}

fn additional(list: &mut [iamc_policy::request::AdditionalAction]) -> impl Iterator<Item = &mut ResourceInRequest> {
    list.iter_mut().map(|additional| &mut additional.resource)
}

fn arn(text: String) -> Result<Arn, BuildError> {
    text.parse().map_err(|error: iamc_policy::arn::ArnError| BuildError::Misfit(error.to_string()))
}

/// A record about which nothing is said.
fn identity_record(arn: Arn) -> IdentityRecord {
    IdentityRecord {
        arn,
        unique_id: None,
        inline: Vec::new(),
        attached: Vec::new(),
        boundary: None,
        tags: None,
        place: None,
    }
}

/// The trust policy of a role whose trust policy the case does not give: nobody is trusted.
fn no_trust() -> NamedPolicy {
    let policy = Policy { kind: PolicyKind::Trust, version: Version::V2012, id: None, statements: Vec::new() };
    NamedPolicy::new("none", policy)
}
