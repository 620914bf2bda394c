//! The account in which one row works, and what one change makes of it.

use iamc_analysis::{Caller, Effect, Family, Need, On, PassedRole, Primitive, Truster, Which};
use iamc_catalogue::Catalogue;
use serde_json::{Value, json};

/// A single thing that stops a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Change<'r> {
    /// Nothing does.
    Works,
    /// The action is denied by a policy of the caller.
    Denied(&'r str),
    /// By its boundary.
    Bounded(&'r str),
    /// By an SCP or, where SCPs do not count, an RCP.
    Guarded(&'r str),
    /// One of the trusts is missing, by its number.
    Untrusted(usize),
    /// The roles may be passed, but to another service.
    PassedElsewhere,
    /// There is no such target, or it is none that the row is about.
    NoTarget,
    /// The target lies in a path of roles that cannot be changed (P-3.8).
    Fixed(&'static str),
    /// There is no resource of the type.
    NoResource,
    /// No instance profile holds the target.
    NoProfile,
    /// The instance profile holds a role already.
    ProfileFull,
}

/// Where the paths of a scene lead.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Aim {
    Identity(String),
    Administrator,
    Use(&'static str, String),
}

/// One account.
pub(crate) struct Scene {
    pub(crate) start: String,
    pub(crate) aim: Aim,
    /// The actions on the way, each once for each request.
    pub(crate) actions: Vec<String>,
    /// Lines of the inventory.
    pub(crate) lines: Vec<Value>,
    /// Statements of the SCP and the RCP of the account alone.
    pub(crate) scp: Vec<Value>,
    pub(crate) rcp: Vec<Value>,
    /// What stands for a resource of the row's own type, and for the target.
    pub(crate) resource: Option<String>,
    pub(crate) target: String,
    /// The boundary that the target has.
    pub(crate) target_boundary: Option<String>,
    pub(crate) is_target_new: bool,
}

pub(crate) fn allow(action: &str, resource: &str) -> Value {
    json!({"Effect": "Allow", "Action": action, "Resource": resource})
}

pub(crate) fn deny(action: &str) -> Value {
    json!({"Effect": "Deny", "Action": action, "Resource": "*"})
}

pub(crate) fn full() -> Value {
    allow("*", "*")
}

fn trusts(principal: &Value, actions: &[String]) -> Value {
    json!({"Effect": "Allow", "Principal": principal, "Action": actions})
}

pub(crate) fn document(statements: &[Value]) -> Value {
    json!({"Version": "2012-10-17", "Statement": statements})
}

/// What the target of a row is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Role,
    User,
    Group,
    Policy,
    New,
    Resource,
}

/// What is asked about a resource whose policy a row writes, and what of it.
const USES: &[(&str, &str, &str)] = &[
    ("s3", "s3:GetObject", "/k"),
    ("kms", "kms:Decrypt", ""),
    ("secretsmanager", "secretsmanager:GetSecretValue", ""),
    ("sqs", "sqs:ReceiveMessage", ""),
    ("sns", "sns:Publish", ""),
    ("dynamodb", "dynamodb:GetItem", ""),
    ("ecr", "ecr:BatchGetImage", ""),
    ("lambda", "lambda:InvokeFunction", ""),
];

fn kind(row: &Primitive) -> Kind {
    if row.family == Family::ResourcePolicy {
        return Kind::Resource;
    }
    let of = |resource_type: &str| match resource_type {
        "user" => Some(Kind::User),
        "role" => Some(Kind::Role),
        "group" => Some(Kind::Group),
        "policy" => Some(Kind::Policy),
        _ => None,
    };
    let ons = row.requests.iter().filter(|request| ["iam", "sts"].contains(&request.action.service()));
    let found = ons.flat_map(|request| &request.on).find_map(|on| match on {
        On::Resource { which: Which::Target, resource_type } => of(resource_type),
        On::Resource { which: Which::New, resource_type } => of(resource_type).map(|_| Kind::New),
        _ => None,
    });
    found.unwrap_or(Kind::Role)
}

/// Every placeholder but those of the place stands for the name.
pub(crate) fn arn(service: &str, resource_type: &str, account: &str, name: &str) -> String {
    let service = Catalogue::embedded().service(service).unwrap();
    let kind = service.resource_types().find(|kind| kind.name() == resource_type).unwrap();
    let template = kind.arn_templates().next().unwrap();
    // One template has a `*` for Region and account.
    let template = template.replace(":*:*:", ":${Region}:${Account}:");
    let text = template.replace("${Partition}", "aws").replace("${Region}", "us-east-1").replace("${Account}", account);
    let pieces = text.split("${").enumerate();
    pieces
        .map(|(at, piece)| if at == 0 { piece.to_owned() } else { name.to_owned() + piece.split_once('}').unwrap().1 })
        .collect()
}

impl Scene {
    /// The row in an account.
    pub(crate) fn new(row: &Primitive, account: &str, change: Change<'_>) -> Scene {
        let iam = |rest: &str| format!("arn:aws:iam::{account}:{rest}");
        let kind = kind(row);
        let path = if let Change::Fixed(path) = change { path } else { "" };
        let target = match kind {
            Kind::Role => iam(&format!("role/{path}target")),
            Kind::User => iam("user/target"),
            Kind::Group => iam("group/target"),
            Kind::Policy if path.is_empty() => iam("policy/target"),
            Kind::Policy => "arn:aws:iam::aws:policy/target".to_owned(),
            Kind::Resource => {
                let request = &row.requests[0];
                let On::Resource { resource_type, .. } = &request.on[0] else { panic!("{}", row.id) };
                arn(request.action.service(), resource_type, account, &format!("t{account}"))
            }
            Kind::New => iam(if row.effect == Effect::User { "user/iamc-new" } else { "role/iamc-new" }),
        };
        let edits_itself = matches!(kind, Kind::Role | Kind::User)
            && matches!(
                row.effect,
                Effect::InlineWritten | Effect::PolicyAttached | Effect::BoundaryRemoved | Effect::BoundarySet
            );
        let provider = match row.requests[0].action.name() {
            "AssumeRoleWithSAML" | "UpdateSAMLProvider" => iam("saml-provider/idp"),
            _ => iam("oidc-provider/idp.example.com"),
        };
        let start = match (row.caller, edits_itself) {
            (Caller::Provider, _) => provider.clone(),
            (_, true) => target.clone(),
            _ => iam("user/me"),
        };
        let resource = row.resource.as_ref().map(|own| match (own.service.as_str(), own.resource_type.as_str()) {
            ("iam", "saml-provider" | "oidc-provider") => provider.clone(),
            (service, resource_type) => arn(service, resource_type, account, &format!("t{account}")),
        });
        let mut scene = Scene {
            start,
            aim: Aim::Administrator,
            actions: row.requests.iter().map(|request| request.action.to_string()).collect(),
            lines: Vec::new(),
            scp: Vec::new(),
            rcp: Vec::new(),
            resource,
            target,
            target_boundary: None,
            is_target_new: kind == Kind::New,
        };
        let mut own = scene.rights(row, account, change);
        let mut limit: Option<Vec<Value>> = None;
        match change {
            Change::Denied(action) => own.push(deny(action)),
            Change::Bounded(action) => limit = Some(vec![full(), deny(action)]),
            Change::Guarded(action) if row.caller == Caller::Provider => {
                scene.rcp.push(json!({"Effect": "Deny", "Principal": "*", "Action": action, "Resource": "*"}));
            }
            Change::Guarded(action) => scene.scp.push(deny(action)),
            _ => {}
        }
        // How strong the target is, and what the caller has beside the rights of the row.
        let is_edited = row.requests.iter().any(|request| request.effect.is_some());
        let unbinds = [row.effect, row.requests[0].effect.unwrap_or(row.effect)]
            .iter()
            .any(|effect| matches!(effect, Effect::BoundaryRemoved | Effect::BoundarySet));
        let mut target_own = if is_edited && !unbinds { vec![allow("s3:ListAllMyBuckets", "*")] } else { vec![full()] };
        if matches!(row.effect, Effect::Session | Effect::User | Effect::TrustOpened) && !is_edited
            || row.family == Family::Federation
        {
            scene.aim = Aim::Identity(scene.target.clone());
        }
        match row.effect {
            Effect::TrustOpened if row.family != Family::Federation => scene.actions.push("sts:AssumeRole".to_owned()),
            Effect::TrustOpened => scene.actions.push("sts:AssumeRoleWithWebIdentity".to_owned()),
            Effect::ProviderControlled => {
                let is_saml = provider.contains(":saml-");
                let action = if is_saml { "sts:AssumeRoleWithSAML" } else { "sts:AssumeRoleWithWebIdentity" };
                scene.actions.push(action.to_owned());
                scene.aim = Aim::Identity(iam("role/target"));
            }
            _ => {}
        }
        if edits_itself {
            let denied: Vec<Value> = own.iter().filter(|statement| statement["Effect"] == "Deny").cloned().collect();
            target_own = if unbinds { vec![full()] } else { own.clone() };
            if unbinds {
                target_own.extend(denied);
                let mut bounded: Vec<Value> = scene.rights(row, account, Change::Works);
                bounded.extend(limit.iter().flatten().filter(|statement| statement["Effect"] == "Deny").cloned());
                limit = Some(bounded);
            }
        }
        if kind == Kind::Resource {
            let (_, action, rest) =
                USES.iter().find(|(service, ..)| *service == row.requests[0].action.service()).unwrap();
            scene.actions.push((*action).to_owned());
            scene.aim = Aim::Use(action, scene.target.clone() + rest);
            if change != Change::NoTarget {
                // A key's policy has to let its account in, and none of them the action that is asked about.
                let mut statement = trusts(&json!({"AWS": account}), &scene.actions[..1]);
                statement["Resource"] = json!("*");
                let policy = json!({"document": document(&[statement])});
                let policy = if scene.target.contains(":kms:") { policy } else { json!(null) };
                scene
                    .lines
                    .push(json!({"kind": "resource", "arn": scene.target, "account": account, "policy": policy}));
            }
        }
        scene.identities(row, account, change, (own, limit, target_own), edits_itself, unbinds, &provider);
        scene.things(row, account, change);
        scene
    }

    /// A statement for each request and each pass of the row.
    fn rights(&self, row: &Primitive, account: &str, change: Change<'_>) -> Vec<Value> {
        let mut own = Vec::new();
        for request in &row.requests {
            for on in &request.on {
                let resource = match on {
                    On::Wildcard => "*".to_owned(),
                    On::Resource { which: Which::Target, resource_type } => {
                        let is_it = row.resource.as_ref().is_some_and(|kind| kind.resource_type == *resource_type);
                        if is_it { self.resource.clone().unwrap_or_default() } else { self.target.clone() }
                    }
                    On::Resource { which: Which::Attached, .. } => format!("arn:aws:iam::{account}:policy/extra"),
                    On::Resource { which: Which::New, resource_type }
                        if ["role", "user"].contains(&&**resource_type) =>
                    {
                        self.target.clone()
                    }
                    On::Resource { .. } => "*".to_owned(),
                };
                own.push(allow(&request.action.to_string(), &resource));
            }
            for pass in &request.passes {
                let role = match pass.role {
                    PassedRole::Target => self.target.clone(),
                    PassedRole::Other => format!("arn:aws:iam::{account}:role/other"),
                };
                let to = if change == Change::PassedElsewhere { "elsewhere.amazonaws.com" } else { &pass.to };
                let mut statement = allow("iam:PassRole", &role);
                statement["Condition"] = json!({"StringEquals": {"iam:PassedToService": to}});
                own.push(statement);
            }
        }
        own
    }

    #[allow(clippy::too_many_arguments, reason = "what one account is made of")]
    fn identities(
        &mut self,
        row: &Primitive,
        account: &str,
        change: Change<'_>,
        (own, limit, target_own): (Vec<Value>, Option<Vec<Value>>, Vec<Value>),
        edits_itself: bool,
        unbinds: bool,
        provider: &str,
    ) {
        let iam = |rest: &str| format!("arn:aws:iam::{account}:{rest}");
        let inline = |statements: &[Value]| json!([{"name": "own", "document": document(statements)}]);
        let is_there = change != Change::NoTarget;
        let kind = kind(row);
        let mut me = json!({"kind": "user", "arn": iam("user/me"), "tags": {}, "inline_policies": inline(&own)});
        if let Some(limit) = &limit {
            let policy = json!({"kind": "policy", "arn": iam("policy/limit"), "document": document(limit)});
            self.lines.push(policy);
            if !edits_itself {
                me["permissions_boundary"] = json!(iam("policy/limit"));
            }
        }
        let target_own = if kind == Kind::Group && row.effect != Effect::GroupJoined { Vec::new() } else { target_own };
        let mut target = json!({"arn": self.target, "tags": {}, "inline_policies": inline(&target_own)});
        if target_own.is_empty() {
            target["inline_policies"] = json!([]);
        }
        if edits_itself && limit.is_some() {
            self.target_boundary = Some(iam("policy/limit"));
            target["permissions_boundary"] = json!(iam("policy/limit"));
        } else if unbinds && !edits_itself {
            self.target_boundary = Some(iam("policy/few"));
            let few = document(&[allow("s3:*", "*")]);
            self.lines.push(json!({"kind": "policy", "arn": iam("policy/few"), "document": few}));
            target["permissions_boundary"] = json!(iam("policy/few"));
        }
        if row
            .requests
            .iter()
            .flat_map(|request| &request.on)
            .any(|on| matches!(on, On::Resource { which: Which::Attached, .. }))
        {
            let extra = document(&[allow("s3:GetObject", "*")]);
            self.lines.push(json!({"kind": "policy", "arn": iam("policy/extra"), "document": extra}));
            target["attached_policies"] = json!([iam("policy/extra")]);
        }
        let goes_by_role = kind == Kind::Role || row.family == Family::Federation;
        match kind {
            Kind::Group if is_there => {
                target["kind"] = json!("group");
                if row.effect != Effect::GroupJoined {
                    me["groups"] = json!(["target"]);
                }
                self.lines.push(target);
            }
            Kind::Policy if is_there => {
                let few = document(&[allow("s3:GetObject", "*")]);
                self.lines.push(json!({"kind": "policy", "arn": self.target, "document": few}));
                me["attached_policies"] = json!([self.target]);
            }
            Kind::User if is_there => {
                target["kind"] = json!("user");
                self.lines.push(target);
            }
            _ if goes_by_role && is_there => {
                target["kind"] = json!("role");
                if kind != Kind::Role {
                    target["arn"] = json!(iam("role/target"));
                }
                target["trust_policy"] = json!({"document": document(&Scene::trust(row, account, change, provider))});
                self.lines.push(target);
            }
            _ => {}
        }
        if !edits_itself {
            self.lines.push(me);
        }
        let passes = row.requests.iter().flat_map(|request| &request.passes);
        for pass in passes.filter(|pass| pass.role == PassedRole::Other) {
            let trust = trusts(&json!({"Service": pass.to}), &["sts:AssumeRole".to_owned()]);
            self.lines.push(json!({"kind": "role", "arn": iam("role/other"), "tags": {}, "inline_policies": [],
                "trust_policy": {"document": document(&[trust])}}));
        }
    }

    /// Statements of the target role's trust policy.
    fn trust(row: &Primitive, account: &str, change: Change<'_>, provider: &str) -> Vec<Value> {
        let nobody = trusts(&json!({"Service": "nobody.amazonaws.com"}), &["sts:AssumeRole".to_owned()]);
        let mut all = vec![nobody];
        let mut deny_to_all = None;
        let mut place = 0;
        let mut add = |principal: Value, actions: &[String]| {
            if change != Change::Untrusted(place) {
                all.push(trusts(&principal, actions));
            }
            place += 1;
        };
        for request in row.requests.iter().filter(|request| request.action.service() == "sts") {
            let action = request.action.to_string();
            if let Change::Denied(denied) = change
                && denied == action
                && row.caller == Caller::Provider
            {
                deny_to_all = Some(json!({"Effect": "Deny", "Principal": "*", "Action": denied}));
            }
            match request.action.name() {
                "AssumeRole" => add(json!({"AWS": account}), &[action]),
                _ => add(json!({"Federated": provider}), &[action]),
            }
        }
        if row.effect == Effect::ProviderControlled {
            let is_saml = provider.contains(":saml-");
            let action = if is_saml { "sts:AssumeRoleWithSAML" } else { "sts:AssumeRoleWithWebIdentity" };
            add(json!({"Federated": provider}), &[action.to_owned()]);
        }
        for entry in &row.trusts {
            let actions: Vec<String> = entry.actions.iter().map(ToString::to_string).collect();
            match &entry.who {
                Truster::Service(name) => add(json!({"Service": name}), &actions),
                Truster::Federated(name) => add(json!({"Federated": name}), &actions),
            }
        }
        all.extend(deny_to_all);
        all
    }

    /// Resources, what they run as, and instance profiles.
    fn things(&mut self, row: &Primitive, account: &str, change: Change<'_>) {
        let profile = format!("arn:aws:iam::{account}:instance-profile/p");
        if row.needs.contains(&Need::InstanceProfile) && change != Change::NoProfile {
            self.lines.push(json!({"kind": "instance_profile", "arn": profile, "roles": [self.target]}));
        }
        let (Some(kind), Some(resource)) = (&row.resource, &self.resource) else { return };
        if change == Change::NoResource || kind.resource_type.ends_with("-provider") {
            return;
        }
        let line = if kind.resource_type == "instance-profile" {
            let held = format!("arn:aws:iam::{account}:role/held");
            let roles = if change == Change::ProfileFull { vec![held] } else { Vec::new() };
            json!({"kind": "instance_profile", "arn": resource, "roles": roles})
        } else if row.family == Family::ExistingRole {
            json!({"kind": "runs_as", "resource": resource, "roles": [self.target]})
        } else {
            // It runs as another role so far.
            json!({"kind": "runs_as", "resource": resource, "roles": [format!("arn:aws:iam::{account}:role/held")]})
        };
        self.lines.push(line);
    }
}
