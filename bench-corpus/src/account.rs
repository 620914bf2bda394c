//! One account, written in full from its plan.

use crate::compose::{self, Trusted, Wanted};
use crate::managed;
use crate::names;
use crate::organization::{self, Organization, TRUSTED, stream};
use crate::part::{
    AccountPart, Document, EndpointPart, IdentityPart, ManagedPart, NamedDocument, ResourcePart, RolePart, UserPart,
};
use crate::plan::{self, App, Kind, Plan, RoleKind};
use crate::rng::Rng;
use crate::slots;
use iamc_policy::PolicyKind;
use iamc_policy::request::EndpointType;

/// Writes the account at `index`. It depends on the seed and the index alone, not on the other accounts.
/// Cost: O(bytes of its documents).
pub(crate) fn write(organization: &Organization, index: usize) -> AccountPart {
    let plan = plan::account(organization, index);
    let mut rng = Rng::new(organization.seed, &[stream::ACCOUNT, index as u64]);
    let canonical_user = rng.text(names::HEX, 64);
    let mut writer = Writer { organization, plan: &plan, rng, canonical_user };
    let policies = writer.policies();
    let n_baseline = organization.baseline_policies.len();
    let users = writer.users(&policies[n_baseline..]);
    let groups = writer.groups(&policies[n_baseline..]);
    let roles = writer.roles(&policies);
    let resources = writer.resources();
    let endpoints = writer.endpoints();
    let id = &plan.id;
    AccountPart {
        stub: organization.part.accounts[index].clone(),
        region: plan.region.to_owned(),
        providers: vec![
            format!("arn:aws:iam::{id}:oidc-provider/token.actions.githubusercontent.com"),
            format!("arn:aws:iam::{id}:oidc-provider/{}", plan.eks),
            format!("arn:aws:iam::{id}:saml-provider/AWSSSO_8a1f3c5e7b9d0246_DO_NOT_DELETE"),
            format!("arn:aws:iam::{id}:saml-provider/corporate"),
        ],
        canonical_user: writer.canonical_user,
        users,
        groups,
        roles,
        policies,
        resources,
        endpoints,
    }
}

struct Writer<'a> {
    organization: &'a Organization,
    plan: &'a Plan,
    rng: Rng,
    canonical_user: String,
}

impl Writer<'_> {
    /// Fills the slots of a text for this account.
    fn fill(&mut self, kind: PolicyKind, text: &str, app: &App, own_arn: Option<&str>) -> Document {
        let Writer { organization, plan, rng, canonical_user } = self;
        let part = &organization.part;
        let mut out = String::with_capacity(text.len() + text.len() / 3);
        // Whether the account named last is another one: its workloads are not known here, its baseline is.
        let mut foreign = false;
        slots::fill(text, &mut out, |slot, out| {
            match slot {
                "account" => {
                    foreign = false;
                    out.push_str(&plan.id);
                }
                "principal_account" | "other" => {
                    foreign = slot == "other" || rng.chance(organization.parameters.cross_account);
                    let other = if foreign { &rng.pick(&part.accounts).id } else { &plan.id };
                    out.push_str(other);
                }
                "region" => out.push_str(plan.region),
                "self" => out.push_str(own_arn.unwrap_or("*")),
                "canonical" => out.push_str(canonical_user),
                "app" => out.push_str(&app.name),
                "team" => out.push_str(app.team),
                "env" => out.push_str(app.environment),
                "eks" => out.push_str(&plan.eks),
                "role" if foreign => out.push_str(&rng.pick(&organization.baseline).name),
                "role" => {
                    let role = rng.pick(&plan.roles);
                    if role.path != "/" {
                        out.push_str(&role.path[1..]);
                    }
                    out.push_str(&role.name);
                }
                "user" if !foreign && !plan.users.is_empty() => out.push_str(rng.word(&plan.users)),
                _ if organization::of_organization(slot, part, out) => {}
                _ => match Kind::ALL.iter().find(|kind| kind.slot() == slot) {
                    Some(kind) if !plan.names(*kind).is_empty() => out.push_str(rng.word(plan.names(*kind))),
                    _ => organization::word(slot, rng, out),
                },
            }
            true
        });
        Document::new(kind, out)
    }

    /// A document of a category: from the pool with probability `stamped`, else new.
    fn draw(&mut self, wanted: Wanted, pool: &'static str, stamped: f64, app: &App) -> Document {
        let organization = self.organization;
        if self.rng.chance(stamped)
            && let Some(text) = organization.pool.draw(wanted.kind, pool, &mut self.rng)
        {
            return self.fill(wanted.kind, text, app, None);
        }
        let text = compose::document(wanted, &organization.templates, &mut self.rng);
        self.fill(wanted.kind, &text, app, None)
    }

    fn policies(&mut self) -> Vec<ManagedPart> {
        let organization = self.organization;
        let mean = organization.parameters.customer_policies;
        let n_own = (self.rng.lognormal(mean * 0.8, mean).min(1_500.0) as usize)
            .saturating_sub(organization.baseline_policies.len());
        let mut policies = Vec::new();
        let app = &self.plan.apps[0];
        for (name, text) in &organization.baseline_policies {
            let document = self.fill(PolicyKind::Identity, text, app, None);
            policies.push(self.managed(format!("policy/{name}"), document, None));
        }
        for index in 0..n_own.max(1) {
            let app = &self.plan.apps[self.rng.below(self.plan.apps.len())];
            let wanted = Wanted::of(PolicyKind::Identity);
            let document = self.draw(wanted, "customer", organization.stamped_workload, app);
            let previous = self.rng.chance(0.1).then(|| self.draw(wanted, "customer", 0.5, app));
            let path = if self.rng.chance(0.1) { format!("{}/", app.team) } else { String::new() };
            let name = format!("policy/{path}{}-{}-{index}", app.name, self.rng.pick(names::NOUNS));
            policies.push(self.managed(name, document, previous));
        }
        policies
    }

    fn managed(&mut self, name: String, document: Document, previous: Option<Document>) -> ManagedPart {
        let arn = format!("arn:aws:iam::{}:{name}", self.plan.id);
        ManagedPart { arn, id: names::unique_id("ANPA", &mut self.rng), document, previous }
    }

    fn inline(&mut self, n: usize, app: &App) -> Vec<NamedDocument> {
        let stamped = self.organization.stamped_workload;
        (0..n)
            .map(|index| {
                let wanted = Wanted { statements_max: 3, ..Wanted::of(PolicyKind::Identity) };
                let document = self.draw(wanted, "inline", stamped, app);
                NamedDocument { name: format!("{}-{index}", app.name), document }
            })
            .collect()
    }

    fn tags(&mut self, app: &App) -> Vec<(String, String)> {
        if !self.rng.chance(0.7) {
            return Vec::new();
        }
        let mut tags = vec![("app".to_owned(), app.name.clone()), ("team".to_owned(), app.team.to_owned())];
        if self.rng.chance(0.6) {
            tags.push(("env".to_owned(), app.environment.to_owned()));
        }
        if self.rng.chance(0.1) {
            tags.push(("cost-center".to_owned(), format!("{}", 1_000 + self.rng.below(200))));
        }
        tags
    }

    fn users(&mut self, policies: &[ManagedPart]) -> Vec<UserPart> {
        let plan = self.plan;
        plan.users
            .iter()
            .map(|name| {
                let app = &plan.apps[self.rng.below(plan.apps.len())];
                let n_inline = usize::from(self.rng.chance(0.2));
                let attached =
                    if self.rng.chance(0.5) { self.attachments(1, Vec::new(), policies) } else { Vec::new() };
                let groups = plan.groups.iter().filter(|_| self.rng.chance(0.5)).take(10).cloned().collect();
                let identity = IdentityPart {
                    arn: format!("arn:aws:iam::{}:user/{name}", plan.id),
                    unique_id: names::unique_id("AIDA", &mut self.rng),
                    inline: self.inline(n_inline, app),
                    attached,
                    boundary: None,
                    tags: self.tags(app),
                };
                UserPart { identity, groups }
            })
            .collect()
    }

    fn groups(&mut self, policies: &[ManagedPart]) -> Vec<IdentityPart> {
        let plan = self.plan;
        plan.groups
            .iter()
            .map(|name| {
                let app = &plan.apps[0];
                let first = managed::draw(&self.organization.managed, &mut self.rng);
                let n_inline = usize::from(self.rng.chance(0.3));
                IdentityPart {
                    arn: format!("arn:aws:iam::{}:group/{name}", plan.id),
                    unique_id: names::unique_id("AGPA", &mut self.rng),
                    inline: self.inline(n_inline, app),
                    attached: self.attachments(1, vec![first], policies),
                    boundary: None,
                    tags: Vec::new(),
                }
            })
            .collect()
    }

    /// ARNs of managed policies: those of AWS by index, and `n_own` of the account's.
    fn attachments(&mut self, n_own: usize, managed: Vec<usize>, policies: &[ManagedPart]) -> Vec<String> {
        let all = &self.organization.managed;
        let mut arns: Vec<String> =
            managed.iter().filter_map(|index| all.get(*index)).map(|managed| managed.part.arn.clone()).collect();
        for _ in 0..n_own {
            if policies.is_empty() {
                break;
            }
            let arn = &self.rng.pick(policies).arn;
            if !arns.contains(arn) {
                arns.push(arn.clone());
            }
        }
        arns
    }

    fn roles(&mut self, policies: &[ManagedPart]) -> Vec<RolePart> {
        let organization = self.organization;
        let plan = self.plan;
        let n_baseline = organization.baseline_policies.len();
        let (attached_mean, attached_cap) = organization.parameters.attached;
        let boundary = policies[0].arn.clone();
        let mut roles = Vec::with_capacity(plan.roles.len());
        for role in &plan.roles {
            let app = &plan.apps[role.app];
            let (trust, inline, attached, bounded) = match role.kind {
                RoleKind::ServiceLinked(index) => {
                    let (service, _) = managed::SERVICE_LINKED[index % managed::SERVICE_LINKED.len()];
                    let text = format!(
                        r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Principal":{{"Service":"{service}.amazonaws.com"}},"Action":"sts:AssumeRole"}}]}}"#
                    );
                    let attached = self.attachments(0, role.managed.clone(), &[]);
                    (Document::new(PolicyKind::Trust, text), Vec::new(), attached, false)
                }
                RoleKind::Baseline(index) => {
                    let base = &organization.baseline[index];
                    let trust = self.fill(PolicyKind::Trust, &base.trust, app, None);
                    let inline = base
                        .inline
                        .iter()
                        .map(|(name, text)| NamedDocument {
                            name: name.clone(),
                            document: self.fill(PolicyKind::Identity, text, app, None),
                        })
                        .collect();
                    let mut attached = self.attachments(0, role.managed.clone(), &[]);
                    attached
                        .extend(base.customer.iter().filter_map(|i| policies.get(*i)).map(|policy| policy.arn.clone()));
                    (trust, inline, attached, base.boundary)
                }
                RoleKind::Workload(trusted) => {
                    let trust = self.trust(trusted, app);
                    let n_inline = organization::inline_count(&mut self.rng);
                    let inline = self.inline(n_inline, app);
                    let n_own =
                        self.rng.around(attached_mean * 0.4).min(attached_cap - role.managed.len().min(attached_cap));
                    // Mostly the account's own policies, sometimes those of the baseline.
                    let own = if self.rng.chance(0.8) { &policies[n_baseline..] } else { &policies[1..] };
                    let attached = self.attachments(n_own, role.managed.clone(), own);
                    (trust, inline, attached, self.rng.chance(organization.parameters.boundary))
                }
            };
            let tags = if let RoleKind::Workload(_) = role.kind { self.tags(app) } else { Vec::new() };
            let identity = IdentityPart {
                arn: format!("arn:aws:iam::{}:role{}{}", plan.id, role.path, role.name),
                unique_id: names::unique_id("AROA", &mut self.rng),
                inline,
                attached,
                boundary: bounded.then(|| boundary.clone()),
                tags,
            };
            roles.push(RolePart { identity, trust });
        }
        roles
    }

    fn trust(&mut self, trusted: Trusted, app: &App) -> Document {
        let pool = TRUSTED.iter().find(|(_, other)| *other == trusted).map_or("service", |(name, _)| *name);
        let wanted = Wanted { trusted: Some(trusted), ..Wanted::of(PolicyKind::Trust) };
        self.draw(wanted, pool, self.organization.stamped_workload, app)
    }

    fn resources(&mut self) -> Vec<ResourcePart> {
        let plan = self.plan;
        let mut resources = Vec::new();
        // Log groups and parameters are only asked about: the commands that would fetch their policies are not among
        // those that are exported, so an export would leave open what the world says.
        let held = Kind::ALL.into_iter().filter(|kind| !matches!(kind, Kind::LogGroup | Kind::Parameter));
        for kind in held {
            for (index, name) in plan.names(kind).iter().enumerate() {
                let app = &plan.apps[self.rng.below(plan.apps.len())];
                let arn = kind.arn(plan.region, &plan.id, name);
                let policy = match kind.policy_service() {
                    Some(service) if index < plan.with_policy[kind as usize] => {
                        let parsed = if kind == Kind::Key { PolicyKind::Key } else { PolicyKind::Resource };
                        let organization = self.organization;
                        let module = plan.modules[kind as usize].get(index).copied().flatten();
                        let stamped =
                            module.and_then(|module| organization.pool.text_of(PolicyKind::Resource, service, module));
                        let document = match stamped {
                            Some(text) => self.fill(PolicyKind::Resource, text, app, Some(&arn)),
                            None => {
                                let wanted = Wanted { service, ..Wanted::of(PolicyKind::Resource) };
                                let text = compose::document(wanted, &organization.templates, &mut self.rng);
                                self.fill(PolicyKind::Resource, &text, app, Some(&arn))
                            }
                        };
                        Some(Document { kind: parsed, ..document })
                    }
                    // Every key has exactly one key policy.
                    Some("kms") => Some(self.fill(PolicyKind::Key, DEFAULT_KEY_POLICY, app, Some(&arn))),
                    _ => None,
                };
                let tags = self.tags(app);
                resources.push(ResourcePart { arn, policy, tags });
            }
        }
        if let Some(name) = &plan.shared_bucket {
            let arn = Kind::Bucket.arn(plan.region, &plan.id, name);
            let policy = Some(self.fill(PolicyKind::Resource, SHARED_BUCKET_POLICY, &plan.apps[0], Some(&arn)));
            resources.push(ResourcePart { arn, policy, tags: Vec::new() });
        }
        resources
    }

    fn endpoints(&mut self) -> Vec<EndpointPart> {
        let plan = self.plan;
        let mean = self.organization.parameters.endpoints;
        let n_with = self.rng.around(mean);
        let n = n_with + self.rng.around(mean / 2.0);
        let services = ["s3", "dynamodb", "kms", "sqs", "secretsmanager", "ecr", "sts", "logs"];
        let vpc = format!("vpc-{}", self.rng.text(names::HEX, 17));
        (0..n)
            .map(|index| {
                let service = services[index % services.len()];
                let gateway = matches!(service, "s3" | "dynamodb");
                let app = &plan.apps[0];
                let stamped = self.organization.parameters.stamped;
                EndpointPart {
                    id: format!("vpce-{}", self.rng.text(names::HEX, 17)),
                    vpc: vpc.clone(),
                    region: plan.region.to_owned(),
                    service: service.to_owned(),
                    endpoint_type: if gateway { EndpointType::Gateway } else { EndpointType::Interface },
                    policy: (index < n_with).then(|| self.draw(Wanted::of(PolicyKind::Endpoint), "", stamped, app)),
                }
            })
            .collect()
    }
}

const DEFAULT_KEY_POLICY: &str = concat!(
    r#"{"Version":"2012-10-17","Id":"key-default-1","Statement":[{"Sid":"Enable IAM User Permissions","#,
    r#""Effect":"Allow","Principal":{"AWS":"arn:aws:iam::@{account}:root"},"Action":"kms:*","Resource":"*"}]}"#
);

const SHARED_BUCKET_POLICY: &str = concat!(
    r#"{"Version":"2012-10-17","Statement":[{"Sid":"OrganizationRead","Effect":"Allow","Principal":"*","#,
    r#""Action":["s3:GetObject","s3:ListBucket","s3:GetBucketLocation"],"Resource":["@{self}","@{self}/*"],"#,
    r#""Condition":{"StringEquals":{"aws:PrincipalOrgID":"@{org}"}}}]}"#
);
