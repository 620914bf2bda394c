//! Requests of every kind: who, what, on what, with which keys and facts.

use super::document::{Aim, Mood, document, named, request_key};
use super::entropy::Entropy;
use super::near;
use super::words::{
    ACCOUNT_A, ACCOUNT_B, ACCOUNT_M, ACCOUNT_X, ADDITIONAL, CALLS, CANONICAL, Call, ENDPOINT, FEDERATED_CALLS, KeyWord,
    OIDC, ROLES, SAML, SERVICES, SESSIONS, USERS,
};
use iamc_policy::condition::ConditionKey;
use iamc_policy::decision::Truth;
use iamc_policy::document::Strictness;
use iamc_policy::ids::AccountId;
use iamc_policy::principal::{Principal, last_segment};
use iamc_policy::request::{
    AdditionalAction, Credential, EndpointType, GivenKeys, KeyState, KmsGrant, Mode, Request, RequestResource,
    ResourceInRequest, ThroughEndpoint, Values,
};
use iamc_policy::{Arn, PolicyKind, SmolStr};

/// A request with what policies for it aim at.
pub(super) struct Draft {
    pub(super) request: Request,
    pub(super) aim: Aim,
}

/// The account with this number of the vocabulary.
pub(super) fn account(text: &str) -> AccountId {
    text.parse().expect("account numbers of the vocabulary have twelve digits")
}

pub(super) fn arn(text: &str) -> Arn {
    text.parse().expect("ARNs of the vocabulary are well-formed")
}

/// The unique id of a user (`AIDA`) or role (`AROA`) of the vocabulary.
pub(super) fn unique_id(prefix: &str, path_name: &str) -> String {
    let letter = match last_segment(path_name) {
        "ursula" | "rolanda" => 'A',
        "umberto" | "roderick" => 'B',
        _ => 'C',
    };
    let tail: String = std::iter::repeat_n(letter, 17).collect();
    format!("{prefix}{tail}")
}

pub(super) fn draft(entropy: &mut Entropy<'_>, strictness: Strictness) -> Draft {
    let home = [ACCOUNT_A, ACCOUNT_B, ACCOUNT_M, ACCOUNT_X][entropy.weighted(&[74, 12, 7, 7])];
    let (principal, base) = principal(entropy, home);
    let call = match &principal {
        Principal::Federated(_) => &FEDERATED_CALLS[0],
        Principal::Saml(_) => &FEDERATED_CALLS[1],
        Principal::Anonymous if !entropy.chance(15) => {
            let open = ["s3", "sqs", "sns"];
            let calls: Vec<&Call> =
                CALLS.iter().filter(|call| open.iter().any(|s| call.action.starts_with(s))).collect();
            *entropy.pick(&calls)
        }
        _ => &CALLS[entropy.weighted(&CALLS.iter().map(|call| call.weight).collect::<Vec<_>>())],
    };
    let owner = if entropy.chance(22) {
        [ACCOUNT_B, ACCOUNT_A, ACCOUNT_X, ACCOUNT_M][entropy.weighted(&[50, 25, 15, 10])]
    } else {
        home
    };
    let mut request = Request::new(
        principal,
        call.action.parse().expect("actions of the vocabulary are well-formed"),
        RequestResource::Star,
    );
    request.resources = resources(entropy, call, owner);
    if entropy.chance(6) {
        let extra = ADDITIONAL[entropy.weighted(&ADDITIONAL.iter().map(|call| call.weight).collect::<Vec<_>>())];
        for resource in resources(entropy, &extra, owner) {
            let action = extra.action.parse().expect("actions of the vocabulary are well-formed");
            request.additional.push(AdditionalAction { action, resource });
        }
    }
    request.mode = if entropy.chance(50) { Mode::Open } else { Mode::Closed };
    request.given_keys = if entropy.chance(20) { GivenKeys::Checked } else { GivenKeys::Pinned };
    if entropy.chance(12) {
        request.endpoint = ThroughEndpoint::Id(if entropy.chance(6) { "vpce-2" } else { ENDPOINT }.to_owned());
    }
    facts(entropy, &mut request, base.as_ref(), home);

    let mut aim = aim(&request, base, owner);
    keys(entropy, &mut request, &mut aim);
    let wants_session = match &request.principal {
        Principal::RoleSession { .. } => 22,
        Principal::FederatedUser { .. } => 70,
        Principal::Root { .. } => 4,
        _ => 1,
    };
    if entropy.chance(wants_session) {
        let mut session = Vec::new();
        for index in 0..[1, 2][entropy.weighted(&[80, 20])] {
            let mood = [Mood::Mixed, Mood::Allowing, Mood::Helping][entropy.weighted(&[25, 35, 40])];
            let text = document(entropy, PolicyKind::Session, std::slice::from_ref(&aim), mood);
            let policy = named(PolicyKind::Session, &format!("Session{index}"), strictness, &text);
            // A session policy in hand that is invalid is refused by every reader.
            let known = matches!(policy.text, iamc_policy::world::PolicyText::Known(_));
            session.extend(known.then_some(policy));
        }
        request.session = (!session.is_empty()).then_some(session);
    }
    Draft { request, aim }
}

/// A caller, with the ARN of the role or user behind it.
fn principal(entropy: &mut Entropy<'_>, home: &str) -> (Principal, Option<Principal>) {
    let partition = if entropy.chance(2) { "aws-cn" } else { "aws" }.to_owned();
    let number = account(home);
    let user = |path_name: &str| Principal::User {
        partition: partition.clone().into(),
        account: number,
        path_name: path_name.into(),
    };
    match entropy.weighted(&[29, 31, 8, 10, 9, 6, 6, 1]) {
        0 => (user(USERS[entropy.weighted(&[70, 25, 5])]), None),
        1 => {
            let path_name = ROLES[entropy.weighted(&[58, 25, 9, 4, 4])].to_owned();
            // Who names the role by its own ARN means the session `session`.
            let by_role = entropy.chance(40);
            let principal = Principal::RoleSession {
                partition: partition.clone().into(),
                account: number,
                role: last_segment(&path_name).into(),
                role_path_name: by_role.then(|| path_name.as_str().into()),
                session: if by_role { "session" } else { *entropy.pick(&SESSIONS) }.into(),
            };
            (principal, None)
        }
        2 => (Principal::Root { partition: partition.into(), account: number }, None),
        3 => {
            let base = match entropy.weighted(&[70, 10, 20]) {
                0 => Some(user("ursula")),
                1 => Some(Principal::Root { partition: partition.clone().into(), account: number }),
                _ => None,
            };
            (Principal::FederatedUser { partition: partition.clone().into(), account: number, name: "s1".into() }, base)
        }
        4 => (Principal::Service((*entropy.pick(&SERVICES)).into()), None),
        5 => (Principal::Anonymous, None),
        6 => (Principal::Federated((*entropy.pick(&OIDC)).into()), None),
        _ => (Principal::Saml((*entropy.pick(&SAML)).into()), None),
    }
}

fn resources(entropy: &mut Entropy<'_>, call: &Call, owner: &str) -> Vec<ResourceInRequest> {
    let n = if call.resources.len() > 1 { entropy.below(call.resources.len()) + 1 } else { 1 };
    let mut resources = Vec::new();
    for template in &call.resources[..n] {
        let mut text = template.replace('@', owner);
        if text != "*" && entropy.chance(3) {
            let damaged = near::damage(entropy, &text);
            if damaged.parse::<Arn>().is_ok() {
                text = damaged;
            }
        }
        let resource: RequestResource = text.parse().expect("resources of the vocabulary are well-formed");
        let mut resource = ResourceInRequest::new(resource);
        let nameless = matches!(&resource.resource, RequestResource::Arn(arn) if arn.account().is_empty());
        if nameless && entropy.chance(98) || entropy.chance(1) {
            resource.account = Some(account(owner));
        }
        if n > 1 && entropy.chance(40) || entropy.chance(4) {
            let word = *entropy.pick(&["aws:ResourceTag/team", "ec2:InstanceType", "aws:RequestTag/team"]);
            let state = match entropy.below(5) {
                0 => KeyState::Unknown,
                1 => KeyState::Absent,
                _ => KeyState::one(*entropy.pick(&["red", "t3.micro", "blue"])),
            };
            resource.context.insert(ConditionKey::new(word), state);
        }
        resources.push(resource);
    }
    resources
}

fn tags(entropy: &mut Entropy<'_>) -> Vec<(String, String)> {
    let mut tags = Vec::new();
    for _ in 0..[1, 0, 2][entropy.weighted(&[60, 20, 20])] {
        let name = (*entropy.pick(&["team", "team", "Team", "env", "\u{c4}"])).to_owned();
        if !tags.iter().any(|(known, _)| *known == name) {
            tags.push((name, (*entropy.pick(&["red", "blue", "", "*"])).to_owned()));
        }
    }
    tags
}

pub(super) fn some_tags(entropy: &mut Entropy<'_>) -> Option<Vec<(String, String)>> {
    if entropy.chance(75) { Some(tags(entropy)) } else { None }
}

fn facts(entropy: &mut Entropy<'_>, request: &mut Request, base: Option<&Principal>, home: &str) {
    let is_session = matches!(request.principal, Principal::RoleSession { .. });
    let facts = &mut request.facts;
    facts.federated_user_base = base.cloned();
    if request.principal.account().is_some() && entropy.chance(12) {
        facts.principal_tags = Some(tags(entropy));
    }
    if entropy.chance(10) {
        facts.resource_tags = Some(tags(entropy));
    }
    if let Principal::RoleSession { partition, account, role, role_path_name: None, .. } = &request.principal
        && entropy.chance(12)
    {
        let path_name = ROLES.iter().find(|path_name| last_segment(path_name) == role).unwrap_or(&ROLES[0]);
        facts.role = format!("arn:{partition}:iam::{account}:role/{path_name}").parse().ok();
    }
    if entropy.chance(6) {
        facts.unique_id = match &request.principal {
            Principal::User { path_name, .. } => Some(unique_id("AIDA", path_name)),
            Principal::RoleSession { role, .. } => Some(unique_id("AROA", role)),
            _ => None,
        };
    }
    facts.session_unknown = is_session && entropy.chance(12);
    let long_term = matches!(request.principal, Principal::User { .. } | Principal::Root { .. });
    if long_term && entropy.chance(10) {
        facts.credential = Some(Credential::SessionToken);
    }
    facts.assumed_root = matches!(request.principal, Principal::Root { .. }) && entropy.chance(25);
    let service = request.action.service().to_owned();
    if service == "s3" {
        if entropy.chance(15) {
            facts.s3_block_public_access = Some(entropy.chance(60));
        }
        if entropy.chance(15) {
            facts.acl_allows = Some(*entropy.pick(&[Truth::True, Truth::Unknown, Truth::False]));
        }
    }
    if request.endpoint != ThroughEndpoint::None && entropy.chance(20) {
        facts.vpc_endpoint_type = Some(*entropy.pick(&[EndpointType::Gateway, EndpointType::Interface]));
    }
    if service == "kms" && entropy.chance(45) {
        for _ in 0..1 + entropy.below(2) {
            let grant = grant(entropy, &request.principal, base, home);
            facts.kms_grants.push(grant);
        }
    }
    if entropy.chance(5) {
        facts.canonical_users.push((CANONICAL[2].to_owned(), account(home)));
    }
    let delegates = matches!(service.as_str(), "organizations" | "sts");
    if delegates && entropy.chance(30) {
        facts.delegated_administrators.push(account(ACCOUNT_A));
    }
}

/// A KMS grant, mostly for this caller.
pub(super) fn grant(
    entropy: &mut Entropy<'_>,
    principal: &Principal,
    base: Option<&Principal>,
    home: &str,
) -> KmsGrant {
    let name = |entropy: &mut Entropy<'_>| match entropy.below(5) {
        0 => format!("arn:aws:iam::{home}:root"),
        1 => match (principal, base) {
            (Principal::RoleSession { partition, account, role, .. }, _) => {
                let path_name = ROLES.iter().find(|path_name| last_segment(path_name) == role).unwrap_or(&ROLES[0]);
                format!("arn:{partition}:iam::{account}:role/{path_name}")
            }
            (_, Some(base)) => base.to_string(),
            (other, None) => other.to_string(),
        },
        2 => format!("arn:aws:iam::{ACCOUNT_B}:user/ursula"),
        _ => match principal {
            Principal::Service(name) => name.to_string(),
            other => other.to_string(),
        },
    };
    let grantee = name(entropy);
    let retiring = name(entropy);
    // A grant names one of them at least.
    let (has_grantee, has_retiring) = [(true, false), (true, true), (false, true)][entropy.weighted(&[55, 35, 10])];
    KmsGrant {
        grantee: has_grantee.then_some(grantee),
        retiring: has_retiring.then_some(retiring),
        operations: match entropy.below(4) {
            0 => vec!["Decrypt".to_owned(), "RetireGrant".to_owned()],
            1 => vec!["RetireGrant".to_owned()],
            2 => vec!["Encrypt".to_owned()],
            _ => vec!["Decrypt".to_owned()],
        },
        holds: [Truth::True, Truth::Unknown, Truth::False][entropy.weighted(&[55, 30, 15])],
    }
}

fn aim(request: &Request, base: Option<Principal>, owner: &str) -> Aim {
    let mut units: Vec<(String, String)> =
        request.resources.iter().map(|resource| (request.action.to_string(), resource.resource.to_string())).collect();
    let additional = request.additional.iter();
    units
        .extend(additional.map(|additional| (additional.action.to_string(), additional.resource.resource.to_string())));
    let mut keys = vec![("aws:ResourceAccount".to_owned(), Some(owner.to_owned()))];
    if let Some(home) = request.principal.account() {
        keys.push(("aws:PrincipalAccount".to_owned(), Some(home.to_string())));
    }
    let (base, id) = match &request.principal {
        Principal::User { path_name, .. } => {
            keys.push(("aws:username".to_owned(), Some(last_segment(path_name).to_owned())));
            keys.push(("aws:PrincipalArn".to_owned(), Some(request.principal.to_string())));
            (None, Some(unique_id("AIDA", path_name)))
        }
        Principal::RoleSession { partition, account, role, .. } => {
            let path_name = ROLES.iter().find(|path_name| last_segment(path_name) == role).unwrap_or(&ROLES[0]);
            let arn = format!("arn:{partition}:iam::{account}:role/{path_name}");
            keys.push(("aws:PrincipalArn".to_owned(), Some(arn.clone())));
            (Some(arn), Some(unique_id("AROA", role)))
        }
        _ => (base.map(|base| base.to_string()), None),
    };
    Aim { principal: request.principal.clone(), base, unique_id: id, units, keys, open: Vec::new() }
}

/// A request of parts of others; facts stay with the part that they are about.
pub(super) fn mixed(entropy: &mut Entropy<'_>, requests: &[Request]) -> Request {
    let mut mixed = entropy.pick(requests).clone();
    if entropy.chance(70) {
        let other = entropy.pick(requests);
        mixed.action = other.action.clone();
        mixed.resources.clone_from(&other.resources);
        mixed.additional.clone_from(&other.additional);
        let (facts, others) = (&mut mixed.facts, &other.facts);
        facts.resource_tags.clone_from(&others.resource_tags);
        facts.s3_block_public_access = others.s3_block_public_access;
        facts.acl_allows = others.acl_allows;
        facts.kms_grants.clone_from(&others.kms_grants);
        facts.canonical_users.clone_from(&others.canonical_users);
        facts.delegated_administrators.clone_from(&others.delegated_administrators);
    }
    if entropy.chance(50) {
        // An address and an endpoint exclude each other, so that they come from the same request.
        let other = entropy.pick(requests);
        mixed.context.clone_from(&other.context);
        mixed.endpoint.clone_from(&other.endpoint);
        mixed.facts.vpc_endpoint_type = other.facts.vpc_endpoint_type;
        mixed.given_keys = other.given_keys;
    }
    if entropy.chance(25) {
        mixed.mode = if mixed.mode == Mode::Open { Mode::Closed } else { Mode::Open };
    }
    if !mixed.context.is_empty() && entropy.chance(40) {
        let at = entropy.below(mixed.context.len());
        let state = [KeyState::Unknown, KeyState::Present, KeyState::Absent][entropy.below(3)].clone();
        if let Some(known) = mixed.context.values_mut().nth(at) {
            *known = state;
        }
    }
    if entropy.chance(15) {
        // What is derived and what is given must fit together.
        mixed.given_keys = GivenKeys::Checked;
        let key = ConditionKey::new(entropy.pick::<&str>(DERIVED));
        let home = mixed.principal.account().map_or(ACCOUNT_A.to_owned(), |account| account.to_string());
        let state = match entropy.below(6) {
            0 => KeyState::Unknown,
            1 => KeyState::Present,
            2 => KeyState::Absent,
            3 => KeyState::one(home),
            4 => KeyState::list(["red", "blue"]),
            _ => KeyState::one(*entropy.pick(&["red", "false", "true", "ursula", "User", "AssumedRole", "o-ex", ""])),
        };
        mixed.context.insert(key, state);
    }
    if entropy.chance(2) {
        mixed.resources.clear();
    }
    mixed
}

/// Keys that follow from who asks for what.
const DERIVED: &[&str] = &[
    "aws:PrincipalArn",
    "aws:PrincipalAccount",
    "aws:PrincipalTag/team",
    "aws:PrincipalTag/\u{e4}",
    "aws:PrincipalType",
    "aws:PrincipalIsAWSService",
    "aws:PrincipalOrgID",
    "aws:PrincipalOrgPaths",
    "aws:PrincipalServiceName",
    "aws:username",
    "aws:userid",
    "aws:ResourceAccount",
    "aws:ResourceTag/team",
    "aws:ResourceOrgID",
    "aws:MultiFactorAuthPresent",
    "aws:FederatedProvider",
    "aws:AssumedRoot",
    "aws:SourceVpc",
    "aws:VpceOrgID",
    "aws:VpceOrgPaths",
];

/// What a policy for a finished request aims at.
pub(super) fn aim_at(request: &Request) -> Aim {
    let owner = request.resources.iter().find_map(|resource| match (&resource.resource, resource.account) {
        (_, Some(account)) => Some(account.to_string()),
        (RequestResource::Arn(arn), None) if !arn.account().is_empty() => Some(arn.account().to_owned()),
        _ => None,
    });
    let mut aim = aim(request, request.facts.federated_user_base.clone(), owner.as_deref().unwrap_or(ACCOUNT_A));
    for (key, state) in &request.context {
        let value = match state {
            KeyState::Values(values) => values.as_slice().first().map(ToString::to_string),
            _ => None,
        };
        aim.keys.push((key.to_string(), value));
        if matches!(state, KeyState::Present | KeyState::Unknown) {
            aim.open.push(key.to_string());
        }
    }
    aim
}

/// Gives the request its keys, and tells the aim.
fn keys(entropy: &mut Entropy<'_>, request: &mut Request, aim: &mut Aim) {
    let vague = entropy.chance(70);
    for _ in 0..entropy.weighted(&[12, 30, 28, 18, 12]) {
        let word = *request_key(entropy, &aim.units);
        if !may_be_given(request, &word) {
            continue;
        }
        let state = match entropy.weighted(if vague { &[30, 44, 16, 10] } else { &[86, 3, 2, 9] }) {
            0 => values(entropy, &word),
            1 => KeyState::Unknown,
            2 => KeyState::Present,
            _ => KeyState::Absent,
        };
        give(request, aim, &word, state);
    }
    let assumes = request.action.service() == "sts";
    if assumes && entropy.chance(35) {
        let name = *entropy.pick(&super::words::STS_KEYS);
        let word = super::words::KEYS.iter().find(|word| word.name == name).copied();
        if let Some(word) = word {
            let state = if entropy.chance(30) { KeyState::Unknown } else { values(entropy, &word) };
            give(request, aim, &word, state);
        }
    }
    // In open mode policies ask about keys of which the request says nothing.
    if request.mode == Mode::Open {
        for name in ["aws:SourceIp", "aws:PrincipalTag/team", "aws:RequestedRegion"] {
            if entropy.chance(40) && !aim.keys.iter().any(|(known, _)| known == name) {
                aim.keys.push((name.to_owned(), None));
                aim.open.push(name.to_owned());
            }
        }
    }
}

fn give(request: &mut Request, aim: &mut Aim, word: &KeyWord, state: KeyState) {
    let value = match &state {
        KeyState::Values(values) => values.as_slice().first().map(ToString::to_string),
        _ => None,
    };
    if matches!(state, KeyState::Present | KeyState::Unknown) {
        aim.open.push(word.name.to_owned());
    }
    if request.context.insert(ConditionKey::new(word.name), state).is_none() {
        aim.keys.push((word.name.to_owned(), value));
    }
}

/// Values of a key, in the form that goes with it; in the other form now and then, where nothing declares the key.
fn values(entropy: &mut Entropy<'_>, word: &KeyWord) -> KeyState {
    let undeclared = word.name.starts_with("app:");
    if word.multi != (undeclared && entropy.chance(15)) {
        let mut values = Vec::new();
        for _ in 0..1 + entropy.below(3) {
            let value = SmolStr::new(entropy.pick(word.values));
            if !values.contains(&value) {
                values.push(value);
            }
        }
        KeyState::Values(Values::Many(values))
    } else if entropy.chance(4) {
        KeyState::one("")
    } else {
        KeyState::one(*entropy.pick(word.values))
    }
}

/// Keeps most requests consistent: keys that are derived are given to pinned requests only, and not often; an address
/// and an endpoint exclude each other.
fn may_be_given(request: &Request, word: &KeyWord) -> bool {
    let derived = ["aws:principal", "aws:resource", "aws:userid", "aws:username", "aws:vpce", "aws:sourcevpc"];
    let name = ConditionKey::new(word.name);
    let is_derived = derived.iter().any(|family| name.as_str().starts_with(family));
    let given = |key: &str| request.context.contains_key(&ConditionKey::new(key));
    match name.as_str() {
        "aws:sourceip" => !given("aws:sourcevpce") && request.endpoint == ThroughEndpoint::None,
        "aws:sourcevpce" => !given("aws:sourceip") && request.endpoint == ThroughEndpoint::None,
        _ if request.given_keys == GivenKeys::Checked => !is_derived,
        "aws:principaltag/team" | "aws:resourcetag/team" => true,
        // Pinned cases of who the caller is say little that a real request could say.
        _ if is_derived => request.context.is_empty(),
        _ => true,
    }
}
