//! The part of a realistic organization that its accounts share: units, guardrails, managed policies, the baseline
//! that is stamped into every account, and the pool of documents that modules stamp into some.

use crate::compose::{self, Trusted, Wanted};
use crate::managed::{self, Managed};
use crate::names;
use crate::part::{AccountStub, Document, GuardrailPart, OrganizationPart, UnitPart};
use crate::rng::{Rng, Zipf};
use crate::shape::Parameters;
use crate::slots;
use crate::templates::Templates;
use iamc_policy::PolicyKind;
use std::collections::BTreeMap;

/// Streams of randomness, by what they are for.
pub(crate) mod stream {
    pub(crate) const ORGANIZATION: u64 = 1;
    pub(crate) const GUARDRAILS: u64 = 2;
    pub(crate) const MANAGED: u64 = 3;
    pub(crate) const BASELINE: u64 = 4;
    pub(crate) const POOL: u64 = 5;
    pub(crate) const PLAN: u64 = 6;
    pub(crate) const ACCOUNT: u64 = 7;
    pub(crate) const REQUESTS: u64 = 8;
    pub(crate) const FLAT: u64 = 9;
}

/// Indices of the accounts with a task of their own.
pub(crate) const MANAGEMENT: usize = 0;
pub(crate) const SECURITY: usize = 1;
pub(crate) const LOGGING: usize = 2;
pub(crate) const TOOLING: usize = 3;

/// A role of the baseline: the same in every account.
#[derive(Debug, Clone)]
pub(crate) struct BaselineRole {
    pub path: String,
    pub name: String,
    /// Texts with the slots of an account.
    pub trust: String,
    pub inline: Vec<(String, String)>,
    /// Indices of managed policies.
    pub managed: Vec<usize>,
    /// Indices of baseline customer policies.
    pub customer: Vec<usize>,
    pub boundary: bool,
}

/// What a stamped document is drawn from: category, e.g. a service, to texts with the slots of an account.
#[derive(Debug, Clone, Default)]
pub(crate) struct Pool {
    pub texts: BTreeMap<(PolicyKind, &'static str), Vec<String>>,
    /// Names of the modules, as resources bear them; the module at an index also picks the text.
    pub modules: Vec<String>,
    pub law: Option<Zipf>,
}

/// A realistic organization, without its accounts.
#[derive(Debug, Clone)]
pub(crate) struct Organization {
    pub seed: u64,
    pub parameters: Parameters,
    pub templates: Templates,
    pub part: OrganizationPart,
    pub managed: Vec<Managed>,
    pub baseline: Vec<BaselineRole>,
    /// Name and text of customer managed policies that every account has; the first is the permissions boundary.
    pub baseline_policies: Vec<(String, String)>,
    pub pool: Pool,
    /// Probability that a document of a workload comes from the pool.
    pub stamped_workload: f64,
}

/// The services whose resources have policies here, with their share.
pub(crate) const RESOURCE_SERVICES: &[(&str, f64)] =
    &[("s3", 40.0), ("kms", 30.0), ("sqs", 7.5), ("sns", 7.5), ("secretsmanager", 5.0), ("ecr", 5.0), ("lambda", 5.0)];

/// Builds everything but the accounts. Cost: grows with the parameters, not with what lies in the accounts.
pub(crate) fn build(parameters: Parameters, seed: u64, templates: Templates) -> Organization {
    let mut rng = Rng::new(seed, &[stream::ORGANIZATION]);
    let mut part = hierarchy(&parameters, seed, &mut rng);
    let managed = managed::build(&parameters, seed, &templates);
    part.managed = managed.iter().map(|managed| managed.part.clone()).collect();
    let (baseline, baseline_policies) = baseline(&parameters, &part, &templates, &managed, seed);
    let pool = pool(&parameters, &templates, &part, seed);
    // The stamped share counts every document of principals; service-linked and baseline ones are stamped already.
    let p = &parameters;
    let documents = p.roles.1 * 1.6 + p.customer_policies;
    let fixed = (p.service_linked + p.baseline) as f64 + p.baseline as f64 * 0.6 + baseline_policies.len() as f64;
    let stamped_workload = ((p.stamped * documents - fixed) / (documents - fixed)).clamp(0.0, 1.0);
    let mut organization = Organization {
        seed,
        parameters,
        templates,
        part,
        managed,
        baseline,
        baseline_policies,
        pool,
        stamped_workload,
    };
    organization.part.guardrails = guardrails(&organization);
    organization
}

fn hierarchy(parameters: &Parameters, seed: u64, rng: &mut Rng) -> OrganizationPart {
    let id = format!("o-{}", rng.text(names::BASE36, 10));
    let short = rng.text(names::BASE36, 4);
    let root = format!("r-{short}");
    let mut units = vec![UnitPart { id: root.clone(), parent: None, name: "Root".to_owned() }];
    let mut depths = vec![0];
    for index in 0..parameters.units {
        // The first units go straight down, so that the depth is reached; the others hang wherever there is room.
        let above = if index < parameters.depth {
            index
        } else {
            let open: Vec<usize> = (0..units.len()).filter(|i| depths[*i] < parameters.depth).collect();
            *rng.pick(&open)
        };
        let name = match depths[above] {
            0 => {
                ["Workloads", "Security", "Infrastructure", "Sandbox", "Suspended"].get(index).map(|n| (*n).to_owned())
            }
            _ => None,
        };
        let name = name.unwrap_or_else(|| format!("{}-{index}", rng.pick(names::TEAMS)));
        depths.push(depths[above] + 1);
        let id = format!("ou-{short}-{}", rng.text(names::BASE36, 8));
        units.push(UnitPart { id, parent: Some(units[above].id.clone()), name });
    }
    let accounts = (0..parameters.accounts.max(5))
        .map(|index| {
            let id = names::account_number(seed, index as u64);
            let (name, parent) = match index {
                MANAGEMENT => ("management".to_owned(), root.clone()),
                SECURITY => ("security".to_owned(), units[1.min(units.len() - 1)].id.clone()),
                LOGGING => ("logging".to_owned(), units[1.min(units.len() - 1)].id.clone()),
                TOOLING => ("tooling".to_owned(), units[2.min(units.len() - 1)].id.clone()),
                _ => {
                    let name = format!("{}-{}-{index}", names::app(rng), rng.pick(names::ENVIRONMENTS));
                    // Accounts lie in units, seldom directly in the root.
                    let at = if units.len() == 1 || rng.chance(0.02) { 0 } else { 1 + rng.below(units.len() - 1) };
                    (name, units[at].id.clone())
                }
            };
            AccountStub { id, name, parent }
        })
        .collect::<Vec<_>>();
    let management = accounts[MANAGEMENT].id.clone();
    OrganizationPart { id, management, units, accounts, guardrails: Vec::new(), managed: Vec::new() }
}

/// The two guardrails that AWS attaches everywhere.
pub(crate) fn full_access(part: &OrganizationPart) -> [GuardrailPart; 2] {
    let targets: Vec<String> = part
        .units
        .iter()
        .map(|unit| &unit.id)
        .chain(part.accounts.iter().map(|account| &account.id))
        .cloned()
        .collect();
    let scp = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}"#;
    let rcp =
        r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"*","Resource":"*"}]}"#;
    [("FullAWSAccess", PolicyKind::Scp, scp), ("RCPFullAWSAccess", PolicyKind::Rcp, rcp)].map(|(name, kind, text)| {
        GuardrailPart {
            id: format!("p-{name}"),
            name: name.to_owned(),
            document: Document::new(kind, text),
            targets: targets.clone(),
            aws_managed: true,
        }
    })
}

fn guardrails(organization: &Organization) -> Vec<GuardrailPart> {
    let Organization { seed, parameters, templates, part, .. } = organization;
    let mut rng = Rng::new(*seed, &[stream::GUARDRAILS]);
    let [full_scp, full_rcp] = full_access(part);
    let mut list = Vec::new();
    for (kind, n) in [(PolicyKind::Scp, parameters.scps), (PolicyKind::Rcp, parameters.rcps)] {
        for index in 0..n {
            let text = fill_organization(&compose::document(Wanted::of(kind), templates, &mut rng), part, &mut rng);
            list.push(GuardrailPart {
                id: format!("p-{}", rng.text(names::BASE36, 8)),
                name: format!("{}-{}-{index}", kind.name(), rng.pick(names::NOUNS)),
                document: Document::new(kind, text),
                targets: Vec::new(),
                aws_managed: false,
            });
        }
    }
    let (scps, rcps) = list.split_at_mut(parameters.scps);
    // At most five a level; the two that AWS attaches take one place of their kind.
    let mut attach = |some: &mut [GuardrailPart], target: &str, n: usize| {
        for _ in 0..n.min(4).min(some.len()) {
            let at = rng.below(some.len());
            if !some[at].targets.iter().any(|known| known == target) {
                some[at].targets.push(target.to_owned());
            }
        }
    };
    let (at_root, at_unit, at_account) = parameters.scps_attached;
    let mut counts = Rng::new(*seed, &[stream::GUARDRAILS, 1]);
    for unit in &part.units {
        let mean = if unit.parent.is_none() { at_root } else { at_unit };
        attach(scps, &unit.id, counts.around(mean));
        let rcps_mean = if unit.parent.is_none() { 1.0 } else { 0.3 };
        attach(rcps, &unit.id, counts.around(rcps_mean));
    }
    for account in &part.accounts {
        attach(scps, &account.id, counts.around(at_account));
    }
    let mut all = vec![full_scp];
    all.extend_from_slice(scps);
    all.push(full_rcp);
    all.extend_from_slice(rcps);
    all
}

/// Fills the slots that mean the organization, for documents that belong to no account.
fn fill_organization(text: &str, part: &OrganizationPart, rng: &mut Rng) -> String {
    let mut out = String::with_capacity(text.len() + text.len() / 4);
    slots::fill(text, &mut out, |slot, out| {
        match slot {
            "account" | "other" | "principal_account" => out.push_str(&rng.pick(&part.accounts).id),
            "region" => out.push_str(rng.word(names::REGIONS)),
            _ if of_organization(slot, part, out) => {}
            _ => word(slot, rng, out),
        }
        true
    });
    out
}

/// Fills a slot that says the same wherever it stands.
pub(crate) fn of_organization(slot: &str, part: &OrganizationPart, out: &mut String) -> bool {
    match slot {
        "org" => out.push_str(&part.id),
        "root" => out.push_str(&part.units[0].id),
        "orgpath" => {
            out.push_str(&part.id);
            for unit in part.units.iter().take(2) {
                out.push('/');
                out.push_str(&unit.id);
            }
            out.push('/');
        }
        "management" => out.push_str(&part.accounts[MANAGEMENT].id),
        "security" => out.push_str(&part.accounts[SECURITY].id),
        "logging" => out.push_str(&part.accounts[LOGGING].id),
        "tooling" => out.push_str(&part.accounts[TOOLING].id),
        _ => return false,
    }
    true
}

/// Fills a slot with a word of its kind that names nothing in particular. An unknown slot becomes its own name.
pub(crate) fn word(slot: &str, rng: &mut Rng, out: &mut String) {
    let text = match slot {
        "app" | "parameter" => names::app(rng),
        "team" => (*rng.pick(names::TEAMS)).to_owned(),
        "env" => (*rng.pick(names::ENVIRONMENTS)).to_owned(),
        "word" => (*rng.pick(names::TAG_KEYS)).to_owned(),
        "office" => names::OFFICES[0].to_owned(),
        "cidr" => (*rng.pick(names::OFFICES)).to_owned(),
        "key" | "uuid" => names::uuid(rng),
        "vpc" => format!("vpc-{}", rng.text(names::HEX, 17)),
        "vpce" => format!("vpce-{}", rng.text(names::HEX, 17)),
        "hex17" => rng.text(names::HEX, 17),
        "canonical" => rng.text(names::HEX, 64),
        "serial" => rng.text(names::BASE32, 13),
        "externalid" => names::uuid(rng),
        "oidc" => "token.actions.githubusercontent.com".to_owned(),
        "eks" => names::eks_provider(rng.word(names::REGIONS), rng),
        "outside" => names::account_number(0x0075, 1_000 + rng.below(300) as u64),
        "user" => format!("{}.{}", rng.pick(names::TEAMS), rng.below(100)),
        "role" => format!("{}-role", names::app(rng)),
        "bucket" | "queue" | "topic" | "secret" | "repository" | "function" | "table" | "loggroup" | "cluster" => {
            format!("{}-{}", names::app(rng), rng.pick(names::NOUNS))
        }
        other => other.to_owned(),
    };
    out.push_str(&text);
}

/// Fills what a module fixes; what differs from account to account stays a slot.
fn fill_module(text: &str, part: &OrganizationPart, cross_account: f64, rng: &mut Rng) -> String {
    let app = names::app(rng);
    let team = *rng.pick(names::TEAMS);
    let noun = *rng.pick(names::NOUNS);
    let env = *rng.pick(names::ENVIRONMENTS);
    // Whoever a module lets in from elsewhere is the same in every account: the platform, or one partner account.
    let elsewhere = match rng.below(4) {
        0 => &part.accounts[SECURITY],
        1 => &part.accounts[LOGGING],
        2 => &part.accounts[TOOLING],
        _ => rng.pick(&part.accounts),
    };
    let mut foreign = false;
    let mut out = String::with_capacity(text.len() + text.len() / 4);
    slots::fill(text, &mut out, |slot, out| {
        match slot {
            "account" | "region" | "self" | "canonical" | "vpc" | "vpce" | "eks" => {
                foreign = false;
                return false;
            }
            "other" | "principal_account" => {
                foreign = slot == "other" || rng.chance(cross_account);
                out.push_str(if foreign { &elsewhere.id } else { "@{account}" });
            }
            "role" if foreign => out.push_str(rng.word(&["platform-admin", "security-audit"])),
            "app" => out.push_str(&app),
            "team" => out.push_str(team),
            "env" => out.push_str(env),
            "role" => out.push_str(&format!("{app}-{noun}-role")),
            "bucket" => out.push_str(&format!("{app}-{noun}-@{{account}}-@{{region}}")),
            "queue" | "topic" | "secret" | "repository" | "function" | "table" | "loggroup" | "cluster" => {
                out.push_str(&format!("{app}-{noun}"));
            }
            _ if of_organization(slot, part, out) => {}
            _ => word(slot, rng, out),
        }
        true
    });
    out
}

fn pool(parameters: &Parameters, templates: &Templates, part: &OrganizationPart, seed: u64) -> Pool {
    // More accounts come from more modules, but each module is used more often too.
    let n = (24.0 * (parameters.accounts as f64).sqrt()) as usize;
    let mut texts = BTreeMap::new();
    let mut fill = |kind: PolicyKind, service: &'static str, wanted: Wanted, n: usize| {
        let mut rng = Rng::new(seed, &[stream::POOL, kind as u64, crate::hash::text(service)]);
        let list: Vec<String> = (0..n.max(4))
            .map(|_| {
                let text = compose::document(wanted, templates, &mut rng);
                fill_module(&text, part, parameters.cross_account, &mut rng)
            })
            .collect();
        texts.insert((kind, service), list);
    };
    fill(PolicyKind::Identity, "inline", Wanted { statements_max: 3, ..Wanted::of(PolicyKind::Identity) }, n);
    fill(PolicyKind::Identity, "customer", Wanted::of(PolicyKind::Identity), n);
    fill(PolicyKind::Endpoint, "", Wanted::of(PolicyKind::Endpoint), n / 8);
    for (service, share) in RESOURCE_SERVICES {
        let wanted = Wanted { service, ..Wanted::of(PolicyKind::Resource) };
        fill(PolicyKind::Resource, service, wanted, n * *share as usize / 50);
    }
    for (name, trusted) in TRUSTED {
        let wanted = Wanted { trusted: Some(*trusted), ..Wanted::of(PolicyKind::Trust) };
        fill(PolicyKind::Trust, name, wanted, n / 3);
    }
    let mut rng = Rng::new(seed, &[stream::POOL]);
    let modules = (0..n.max(4)).map(|i| format!("{}-{}{i}", names::app(&mut rng), rng.pick(names::NOUNS))).collect();
    Pool { texts, modules, law: Some(Zipf::new(n.max(4), 0.7)) }
}

/// Names of the trust categories in the pool.
pub(crate) const TRUSTED: &[(&str, Trusted)] = &[
    ("service", Trusted::Service),
    ("organization", Trusted::Organization),
    ("federated", Trusted::Federated),
    ("outside", Trusted::Outside),
    ("everyone", Trusted::Everyone),
];

impl Pool {
    /// The index of a module, the first ones most often; `None` where there is no pool.
    pub(crate) fn module(&self, rng: &mut Rng) -> Option<usize> {
        Some(self.law.as_ref()?.draw(rng))
    }

    /// The text of a category that a module stamps.
    pub(crate) fn text_of(&self, kind: PolicyKind, name: &'static str, module: usize) -> Option<&str> {
        let texts = self.texts.get(&(kind, name))?;
        texts.get(module % texts.len().max(1)).map(String::as_str)
    }

    /// One of the texts of a category, the first ones most often.
    pub(crate) fn draw(&self, kind: PolicyKind, name: &'static str, rng: &mut Rng) -> Option<&str> {
        let module = self.module(rng)?;
        self.text_of(kind, name, module)
    }
}

fn baseline(
    parameters: &Parameters,
    part: &OrganizationPart,
    templates: &Templates,
    managed: &[Managed],
    seed: u64,
) -> (Vec<BaselineRole>, Vec<(String, String)>) {
    let mut rng = Rng::new(seed, &[stream::BASELINE]);
    let mut policies = Vec::new();
    let n_policies = (parameters.customer_policies * 0.25).round() as usize + 1;
    for index in 0..n_policies {
        let (name, text) = if index == 0 {
            // A boundary that lets workloads work: an allow of nearly everything, a deny of the ways out.
            let text = concat!(
                r#"{"Version":"2012-10-17","Statement":[{"Sid":"Ceiling","Effect":"Allow","NotAction":["#,
                r#""organizations:*","account:*"],"Resource":"*"},{"Sid":"NoEscape","Effect":"Deny","Action":["#,
                r#""iam:CreateUser","iam:DeleteRolePermissionsBoundary","iam:DeleteUserPermissionsBoundary"],"Resource":"*"}]}"#
            );
            ("platform-boundary".to_owned(), text.to_owned())
        } else {
            let text = compose::document(Wanted::of(PolicyKind::Identity), templates, &mut rng);
            (
                format!("platform-{}-{index}", rng.pick(names::NOUNS)),
                fill_module(&text, part, parameters.cross_account, &mut rng),
            )
        };
        policies.push((name, text));
    }
    let n_sso = parameters.baseline / 4;
    let roles = (0..parameters.baseline)
        .map(|index| {
            let sso = index >= parameters.baseline - n_sso;
            let (path, name, trust) = if sso {
                let name = format!(
                    "AWSReservedSSO_{}-{index}_{}",
                    managed::PERSONAS[index % managed::PERSONAS.len()],
                    rng.text(names::HEX, 16)
                );
                ("/aws-reserved/sso.amazonaws.com/@{region}/".to_owned(), name, SSO_TRUST.to_owned())
            } else {
                let trusted = match rng.weighted([60.0, 35.0, 5.0].into_iter()) {
                    0 => Trusted::Organization,
                    1 => Trusted::Service,
                    _ => Trusted::Outside,
                };
                let wanted = Wanted { trusted: Some(trusted), ..Wanted::of(PolicyKind::Trust) };
                let trust = fill_module(
                    &compose::document(wanted, templates, &mut rng),
                    part,
                    parameters.cross_account,
                    &mut rng,
                );
                // Baseline roles are called by the accounts that run the platform.
                let caller = *rng.pick(&[MANAGEMENT, SECURITY, LOGGING, TOOLING]);
                let trust = trust.replace("@{principal_account}", &part.accounts[caller].id);
                let name = match index {
                    0 => "platform-admin".to_owned(),
                    1 => "security-audit".to_owned(),
                    2 => "AWSControlTowerExecution".to_owned(),
                    _ => format!("platform-{}-{index}", rng.pick(names::NOUNS)),
                };
                ("/".to_owned(), name, trust)
            };
            let mut managed_indices = vec![match index {
                0 | 2 => managed::ADMINISTRATOR,
                1 => managed::READ_ONLY,
                _ if sso => managed::persona(index),
                _ => managed::draw(managed, &mut rng),
            }];
            managed_indices.extend((0..rng.geometric(0.6, 3)).map(|_| managed::draw(managed, &mut rng)));
            managed_indices.sort_unstable();
            managed_indices.dedup();
            let inline = (0..inline_count(&mut rng))
                .map(|i| {
                    let wanted = Wanted { statements_max: 3, ..Wanted::of(PolicyKind::Identity) };
                    let text = compose::document(wanted, templates, &mut rng);
                    (format!("inline-{i}"), fill_module(&text, part, parameters.cross_account, &mut rng))
                })
                .collect();
            let customer = if rng.chance(0.5) && policies.len() > 1 {
                vec![1 + rng.below(policies.len() - 1)]
            } else {
                Vec::new()
            };
            let boundary = !sso && index > 2 && rng.chance(parameters.boundary);
            BaselineRole { path, name, trust, inline, managed: managed_indices, customer, boundary }
        })
        .collect();
    (roles, policies)
}

/// Inline policies of a role: none for 55 %, 0.6 on average.
pub(crate) fn inline_count(rng: &mut Rng) -> usize {
    if rng.chance(0.55) { 0 } else { 1 + rng.geometric(0.333, 4) }
}

/// The trust policy of Identity Center's roles.
const SSO_TRUST: &str = concat!(
    r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Federated":"#,
    r#""arn:aws:iam::@{account}:saml-provider/AWSSSO_8a1f3c5e7b9d0246_DO_NOT_DELETE"},"#,
    r#""Action":["sts:AssumeRoleWithSAML","sts:TagSession"],"#,
    r#""Condition":{"StringEquals":{"SAML:aud":"https://signin.aws.amazon.com/saml"}}}]}"#
);
