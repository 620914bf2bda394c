//! Case → JSON: what an oracle or a fuzzer prints, so that it can be pasted into a file of cases.

use crate::case::{Case, CasePolicy, CaseRequest, CaseText, Organization, Policies, ResourcePolicies, Setup};
use iamc_policy::condition::ConditionKey;
use iamc_policy::decision::Truth;
use iamc_policy::principal::Principal;
use iamc_policy::request::{
    Context, Credential, EndpointType, Facts, KeyState, KmsGrant, Mode, Request, RequestResource, ResourceInRequest,
    ThroughEndpoint, Values,
};
use iamc_policy::settings::Settings;
use iamc_policy::world::PolicyText;

/// The case as one line of JSON, without a line feed; [`read_case`](crate::case::read_case) reads it back.
///
/// Fields that say nothing are left out.
pub fn to_json(case: &Case) -> String {
    let mut object = Object::default();
    object.field("id", quote(&case.id));
    object.list("rules", case.rules.iter().map(|rule| quote(rule)));
    let facts = match &case.request {
        CaseRequest::Known(request) => {
            object.field("request", request_json(request));
            facts_json(&request.facts)
        }
        CaseRequest::Malformed { request, facts, .. } => {
            object.field("request", one_line(request));
            facts.as_deref().map_or("{}".to_owned(), one_line)
        }
    };
    match &case.setup {
        Setup::Policies(policies, organization) => {
            object.field("policies", policies_json(policies));
            if let Some(organization) = organization {
                object.field("organization", organization_json(organization));
            }
        }
        Setup::Inventory(list, _) => object.field("inventory", one_line(list)),
    }
    object.unless_empty("facts", facts);
    object.unless_empty("settings", settings_json(&case.settings));
    let expect = &case.expect;
    let mut expected = Object::default();
    expected.field("decision", quote(expect.decision.name()));
    expected.some_list("possible", expect.possible.as_deref());
    expected.some_list("residual_keys", expect.residual_keys.as_deref());
    expected.some_list("missing", expect.missing.as_deref());
    expected.some_list("denied_by", expect.denied_by.as_deref());
    expected.some_list("allowed_by", expect.allowed_by.as_deref());
    if let Some(error) = &expect.error {
        expected.field("error", quote(error));
    }
    object.field("expect", expected.finish());
    object.finish()
}

fn request_json(request: &Request) -> String {
    let mut object = Object::default();
    object.field("principal", principal_json(&request.principal));
    object.field("action", quote(&request.action.to_string()));
    let resources = match request.resources.as_slice() {
        [only] if only.context.is_empty() => {
            if let Some(account) = only.account {
                object.field("resource_account", quote(&account.to_string()));
            }
            quote(&only.resource.to_string())
        }
        several => array(several.iter().map(resource_json)),
    };
    object.field("resource", resources);
    object.unless_empty("context", Object(values(&request.context)).finish());
    for (name, wanted) in [("absent", KeyState::Absent), ("present", KeyState::Present), ("unknown", KeyState::Unknown)]
    {
        let keys = request.context.iter().filter(|(_, state)| **state == wanted);
        object.list(name, keys.map(|(key, _)| quote(key.as_str())));
    }
    if request.mode == Mode::Open {
        object.field("mode", quote("open"));
    }
    object.list(
        "additional",
        request.additional.iter().map(|additional| {
            let mut object = Object::default();
            object.field("action", quote(&additional.action.to_string()));
            object.field("resource", resource_json(&additional.resource));
            object.finish()
        }),
    );
    let session = request.session.iter().flatten();
    object.list(
        "session",
        session.filter_map(|policy| match &policy.text {
            PolicyText::Known(policy) => Some(policy.to_json()),
            PolicyText::Unknown(_) => None,
        }),
    );
    if let ThroughEndpoint::Id(id) = &request.endpoint {
        object.field("vpc_endpoint", quote(id));
    }
    object.finish()
}

fn principal_json(principal: &Principal) -> String {
    let (kind, name) = match principal {
        Principal::Service(name) => ("service", name),
        Principal::Federated(provider) => ("federated", provider),
        Principal::Saml(provider) => ("saml", provider),
        Principal::RoleSession { partition, account, role_path_name: Some(path_name), .. } => {
            return quote(&format!("arn:{partition}:iam::{account}:role/{path_name}"));
        }
        other => return quote(&other.to_string()),
    };
    let mut object = Object::default();
    object.field(kind, quote(name));
    object.finish()
}

fn resource_json(resource: &ResourceInRequest) -> String {
    if resource.account.is_none() && resource.context.is_empty() {
        return quote(&resource.resource.to_string());
    }
    let mut object = Object::default();
    let name = match &resource.resource {
        RequestResource::Star => "*",
        RequestResource::Arn(arn) => arn.as_str(),
    };
    object.field("arn", quote(name));
    if let Some(account) = resource.account {
        object.field("account", quote(&account.to_string()));
    }
    object.unless_empty("context", resource_context_json(&resource.context));
    object.finish()
}

/// The keys of a resource alone: an absent one is an empty list there.
fn resource_context_json(context: &Context) -> String {
    let mut object = Object(values(context));
    object.0.extend(absent(context).map(|key| (key.to_string(), array(std::iter::empty()))));
    object.finish()
}

fn absent(context: &Context) -> impl Iterator<Item = &ConditionKey> {
    context.iter().filter(|(_, state)| **state == KeyState::Absent).map(|(key, _)| key)
}

/// The keys that have values.
fn values(context: &Context) -> Vec<(String, String)> {
    let value = |(key, state): (&ConditionKey, &KeyState)| match state {
        KeyState::Values(Values::One(value)) => Some((key.to_string(), quote(value))),
        KeyState::Values(Values::Many(values)) => {
            Some((key.to_string(), array(values.iter().map(|value| quote(value)))))
        }
        KeyState::Absent | KeyState::Present | KeyState::Unknown => None,
    };
    context.iter().filter_map(value).collect()
}

fn facts_json(facts: &Facts) -> String {
    let mut object = Object::default();
    let strings = |pairs: &[(String, String)]| {
        Object(pairs.iter().map(|(name, value)| (name.clone(), quote(value))).collect()).finish()
    };
    let texts = [("role", facts.role.as_ref().map(ToString::to_string)), ("unique_id", facts.unique_id.clone())];
    for (name, tags) in [("principal_tags", &facts.principal_tags), ("resource_tags", &facts.resource_tags)] {
        if let Some(tags) = tags {
            object.field(name, strings(tags));
        }
    }
    for (name, text) in texts {
        if let Some(text) = text {
            object.field(name, quote(&text));
        }
    }
    for (name, fact) in [("session_unknown", facts.session_unknown), ("assumed_root", facts.assumed_root)] {
        if fact {
            object.field(name, "true".to_owned());
        }
    }
    if let Some(base) = &facts.federated_user_base {
        object.field("federated_user_base", quote(&base.to_string()));
    }
    if let Some(Credential::SessionToken) = facts.credential {
        object.field("credential", quote("session_token"));
    }
    if let Some(effective) = facts.s3_block_public_access {
        object.field("s3_block_public_access", effective.to_string());
    }
    if let Some(allows) = facts.acl_allows {
        object.field("acl_allows", truth_json(allows));
    }
    if let Some(endpoint_type) = facts.vpc_endpoint_type {
        let name = match endpoint_type {
            EndpointType::Gateway => "gateway",
            EndpointType::Interface => "interface",
        };
        object.field("vpc_endpoint_type", quote(name));
    }
    object.list("kms_grants", facts.kms_grants.iter().map(grant_json));
    let users = facts.canonical_users.iter().map(|(id, account)| (id.clone(), quote(&account.to_string())));
    object.unless_empty("canonical_users", Object(users.collect()).finish());
    let administrators = facts.delegated_administrators.iter();
    object.list("delegated_administrators", administrators.map(|account| quote(&account.to_string())));
    object.finish()
}

fn grant_json(grant: &KmsGrant) -> String {
    let mut object = Object::default();
    for (name, principal) in [("grantee", &grant.grantee), ("retiring", &grant.retiring)] {
        if let Some(principal) = principal {
            object.field(name, quote(principal));
        }
    }
    object.field("operations", array(grant.operations.iter().map(|operation| quote(operation))));
    object.field("holds", truth_json(grant.holds));
    object.finish()
}

fn truth_json(truth: Truth) -> String {
    match truth {
        Truth::True => "true".to_owned(),
        Truth::False => "false".to_owned(),
        Truth::Unknown => quote("unknown"),
    }
}

fn settings_json(settings: &Settings) -> String {
    let defaults = Settings::default();
    let mut object = Object::default();
    for ((name, value), default) in settings.entries().into_iter().zip(defaults.entries()) {
        if (name, value) != default {
            object.field(name, quote(value));
        }
    }
    object.finish()
}

fn policies_json(policies: &Policies) -> String {
    let list = |list: &[CasePolicy]| array(list.iter().map(policy_json));
    let mut object = Object::default();
    if !policies.identity.is_empty() {
        object.field("identity", list(&policies.identity));
    }
    for (name, policies) in [("boundary", &policies.boundary), ("session", &policies.session)] {
        if let Some(policies) = policies {
            object.field(name, list(policies));
        }
    }
    match &policies.resource {
        ResourcePolicies::None => {}
        ResourcePolicies::One(policies) => object.field("resource", list(policies)),
        ResourcePolicies::Several(lists) => {
            let lists = lists.iter().map(|(arn, policies)| (arn.clone(), list(policies)));
            object.field("resource", Object(lists.collect()).finish());
        }
    }
    if let Some(policies) = &policies.vpc_endpoint {
        object.field("vpc_endpoint", list(policies));
    }
    for (name, levels) in [("scp", &policies.scp), ("rcp", &policies.rcp)] {
        if let Some(levels) = levels {
            object.field(name, array(levels.iter().map(|level| list(level))));
        }
    }
    object.finish()
}

fn policy_json(policy: &CasePolicy) -> String {
    let mut object = Object::default();
    object.field("name", quote(&policy.name));
    match &policy.text {
        CaseText::Document(document) => object.field("document", one_line(document)),
        CaseText::Text(text) => object.field("text", quote(text)),
        CaseText::Unknown => object.field("document", "null".to_owned()),
    }
    object.finish()
}

fn organization_json(organization: &Organization) -> String {
    let mut object = Object::default();
    object.field("id", quote(&organization.id));
    object.field("management_account", quote(&organization.management_account.to_string()));
    let paths = [("principal_path", &organization.principal_path), ("resource_path", &organization.resource_path)];
    for (name, path) in paths {
        if let Some(path) = path {
            object.field(name, quote(path));
        }
    }
    object.finish()
}

/// Fields of a JSON object, in order, their values as JSON text.
#[derive(Default)]
struct Object(Vec<(String, String)>);

impl Object {
    fn field(&mut self, name: &str, json: String) {
        self.0.push((name.to_owned(), json));
    }

    fn unless_empty(&mut self, name: &str, json: String) {
        if json != "{}" {
            self.field(name, json);
        }
    }

    fn list(&mut self, name: &str, items: impl Iterator<Item = String>) {
        let items: Vec<String> = items.collect();
        if !items.is_empty() {
            self.field(name, array(items.into_iter()));
        }
    }

    fn some_list<T: ToString>(&mut self, name: &str, items: Option<&[T]>) {
        if let Some(items) = items {
            self.field(name, array(items.iter().map(|item| quote(&item.to_string()))));
        }
    }

    fn finish(self) -> String {
        let fields: Vec<String> = self.0.iter().map(|(name, json)| format!("{}: {json}", quote(name))).collect();
        format!("{{{}}}", fields.join(", "))
    }
}

fn array(items: impl Iterator<Item = String>) -> String {
    format!("[{}]", items.collect::<Vec<_>>().join(", "))
}

fn quote(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// A line feed in JSON text stands between tokens only, so a space does as well.
fn one_line(json: &str) -> String {
    json.replace(['\n', '\r'], " ")
}
