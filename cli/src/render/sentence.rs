//! One line in the style of AWS's own messages, and one sentence for each reason code.

use iamc_policy::decision::{Answer, Attachment, Decision, Missing, ReasonCode, StatementRef, Truth, UnitExplanation};
use iamc_policy::document::PolicyKind;
use iamc_policy::principal::Principal;
use iamc_policy::request::Request;

/// The policy types in the order in which one is named.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum PolicyType {
    Rcp,
    Scp,
    Endpoint,
    Resource,
    Trust,
    Identity,
    Boundary,
    Session,
}

impl PolicyType {
    fn of(kind: PolicyKind) -> PolicyType {
        match kind {
            PolicyKind::Rcp => PolicyType::Rcp,
            PolicyKind::Scp => PolicyType::Scp,
            PolicyKind::Endpoint => PolicyType::Endpoint,
            PolicyKind::Resource | PolicyKind::Key => PolicyType::Resource,
            PolicyKind::Trust => PolicyType::Trust,
            PolicyKind::Identity => PolicyType::Identity,
            PolicyKind::Boundary => PolicyType::Boundary,
            PolicyKind::Session => PolicyType::Session,
        }
    }

    /// AWS's word.
    fn name(self) -> &'static str {
        match self {
            PolicyType::Rcp => "resource control policy",
            PolicyType::Scp => "service control policy",
            PolicyType::Endpoint => "VPC endpoint policy",
            PolicyType::Resource => "resource-based policy",
            PolicyType::Trust => "role trust policy",
            PolicyType::Identity => "identity-based policy",
            PolicyType::Boundary => "permissions boundary",
            PolicyType::Session => "session policy",
        }
    }

    fn with_article(self) -> String {
        let article = if self == PolicyType::Identity { "an" } else { "a" };
        format!("{article} {}", self.name())
    }
}

/// The type of policy that a code misses; `None` for gates and units.
fn missing_type(code: ReasonCode) -> Option<PolicyType> {
    match code {
        ReasonCode::NoRcpAllow => Some(PolicyType::Rcp),
        ReasonCode::NoScpAllow => Some(PolicyType::Scp),
        ReasonCode::NoEndpointAllow => Some(PolicyType::Endpoint),
        ReasonCode::NoResourceAllow | ReasonCode::NoKeyPolicyAllow | ReasonCode::KeyPolicyNoDelegation => {
            Some(PolicyType::Resource)
        }
        ReasonCode::NoTrustAllow => Some(PolicyType::Trust),
        ReasonCode::NoIdentityAllow | ReasonCode::ResourceAllowAccountOnly => Some(PolicyType::Identity),
        ReasonCode::NoBoundaryAllow => Some(PolicyType::Boundary),
        ReasonCode::NoSessionAllow => Some(PolicyType::Session),
        ReasonCode::GatePartition
        | ReasonCode::GateCredential
        | ReasonCode::GateAnon
        | ReasonCode::GateS3Bpa
        | ReasonCode::GateKmsXacct
        | ReasonCode::GateXacct
        | ReasonCode::GateReserved
        | ReasonCode::Unit => None,
    }
}

/// The decision in one line, in the style of AWS.
pub(crate) fn decision(request: &Request, answer: &Answer) -> String {
    let who = caller(&request.principal);
    match answer.decision {
        Decision::Allow => format!("{who} is authorized to perform: {}", targets(request, None)),
        Decision::ExplicitDeny => {
            let unit = unit_where(answer, |unit| unit.denied == Truth::True);
            let kind = unit
                .into_iter()
                .flat_map(|unit| &unit.deny)
                .filter(|contribution| contribution.value == Truth::True)
                .map(|contribution| PolicyType::of(contribution.statement.policy.kind))
                .min();
            let end = match kind {
                Some(kind) => format!("with an explicit deny in {}", kind.with_article()),
                None => "with an explicit deny".to_owned(),
            };
            format!("{who} is not authorized to perform: {} {end}", targets(request, unit))
        }
        Decision::ImplicitDeny => {
            let unit = unit_where(answer, |unit| unit.allowed == Truth::False);
            format!("{who} is not authorized to perform: {} because {}", targets(request, unit), because(request, unit))
        }
        Decision::Conditional(outcomes) => {
            let verb = if outcomes.allow { "may be" } else { "is not" };
            let end = if outcomes.allow { "" } else { "; whether the deny is explicit depends on what is not known" };
            format!("{who} {verb} authorized to perform: {}{end}", targets(request, None))
        }
    }
}

fn unit_where(answer: &Answer, test: impl Fn(&UnitExplanation) -> bool) -> Option<&UnitExplanation> {
    answer.explanation.units.iter().find(|unit| test(unit))
}

/// `ACTION on resource: ARN`: of one unit, or of the request.
fn targets(request: &Request, unit: Option<&UnitExplanation>) -> String {
    if let Some(unit) = unit {
        return format!("{} on resource: {}", unit.action, unit.resource);
    }
    let resources: Vec<String> = request.resources.iter().map(|resource| resource.resource.to_string()).collect();
    let plural = if resources.len() == 1 { "" } else { "s" };
    format!("{} on resource{plural}: {}", request.action, resources.join(", "))
}

fn caller(principal: &Principal) -> String {
    match principal {
        Principal::Anonymous => "Anonymous caller".to_owned(),
        Principal::Service(name) => format!("Service: {name}"),
        Principal::Federated(provider) | Principal::Saml(provider) => format!("Caller of provider: {provider}"),
        other => format!("User: {other}"),
    }
}

fn because(request: &Request, unit: Option<&UnitExplanation>) -> String {
    let missing = unit.map_or(&[][..], |unit| &unit.missing);
    let action = unit.map_or_else(|| request.action.to_string(), |unit| unit.action.clone());
    // What alone suffices for the refusal comes before what might be met after all.
    let certain = missing.iter().filter(|entry| entry.value == Truth::False);
    let kind = certain.clone().filter_map(|entry| missing_type(entry.code)).min();
    let gate = certain.clone().find(|entry| missing_type(entry.code).is_none() && entry.code != ReasonCode::Unit);
    match (kind, gate) {
        (_, Some(gate)) => sentence(gate),
        (Some(kind), None) => format!("no {} allows the {action} action", kind.name()),
        (None, None) => format!("nothing allows the {action} action"),
    }
}

/// What lacks, in a sentence without full stop.
pub(crate) fn sentence(missing: &Missing) -> String {
    let argument = missing.argument.as_deref();
    match missing.code {
        ReasonCode::NoIdentityAllow => "no identity policy of the principal allows the action".to_owned(),
        ReasonCode::NoResourceAllow => "the resource's policy does not allow the principal".to_owned(),
        ReasonCode::ResourceAllowAccountOnly => {
            "the resource's policy allows only the account, so an identity policy must allow too, and none does"
                .to_owned()
        }
        ReasonCode::NoTrustAllow => "the role's trust policy does not allow the principal to assume it".to_owned(),
        ReasonCode::NoKeyPolicyAllow => "the key policy does not allow the principal".to_owned(),
        ReasonCode::KeyPolicyNoDelegation => {
            "an identity policy allows, but the key policy does not let the account's identity policies decide"
                .to_owned()
        }
        ReasonCode::NoBoundaryAllow => "the permissions boundary does not allow the action".to_owned(),
        ReasonCode::NoSessionAllow => "the session policies do not allow the action".to_owned(),
        ReasonCode::NoScpAllow => format!("no service control policy attached to {} allows the action", at(argument)),
        ReasonCode::NoRcpAllow => format!("no resource control policy attached to {} allows the action", at(argument)),
        ReasonCode::NoEndpointAllow => "the policy of the VPC endpoint does not allow the action".to_owned(),
        ReasonCode::GatePartition => "principal and resource are in different AWS partitions".to_owned(),
        ReasonCode::GateCredential => "this kind of credential cannot call the action".to_owned(),
        ReasonCode::GateAnon => "the service takes no anonymous calls".to_owned(),
        ReasonCode::GateS3Bpa => {
            "S3 Block Public Access keeps the bucket's public policy from letting the principal in".to_owned()
        }
        ReasonCode::GateKmsXacct => "this KMS operation cannot be used on a key of another account".to_owned(),
        ReasonCode::GateXacct => "this action has no effect on a resource of another account".to_owned(),
        ReasonCode::GateReserved => "AWS reserves this to itself".to_owned(),
        ReasonCode::Unit => match argument {
            Some(argument) if argument.bytes().all(|b| b.is_ascii_digit()) => {
                format!("the authorization on resource number {argument} (counted from 0) is not given")
            }
            Some(argument) => format!("the further authorization `{argument}` is not given"),
            None => "one of the authorizations that the request needs is not given".to_owned(),
        },
    }
}

fn at(entity: Option<&str>) -> String {
    match entity {
        Some(entity) => format!("`{entity}`"),
        None => "that level".to_owned(),
    }
}

/// The code of for a deny: `DENY_IN(type[, entity])`.
pub(crate) fn deny_code(statement: &StatementRef) -> String {
    let policy = &statement.policy;
    match &policy.attachment {
        Attachment::Direct => format!("DENY_IN({})", policy.kind),
        Attachment::Group(name) => format!("DENY_IN(group, {name})"),
        Attachment::Level(_, entity) => format!("DENY_IN({}, {entity})", policy.kind),
    }
}
