//! Policies in the style of those that AWS manages: written once for the organization, attached many times.
//!
//! None is a copy of one of AWS's. Their names begin with `Sample`, save for three whose whole text their name says.

use crate::compose::{self, Wanted};
use crate::names;
use crate::part::{Document, ManagedPart};
use crate::rng::{Rng, Zipf};
use crate::shape::Parameters;
use crate::slots;
use crate::tables;
use crate::templates::Templates;
use iamc_policy::PolicyKind;
use std::fmt::Write;
use std::sync::OnceLock;

/// A managed policy with what the generator remembers of it.
#[derive(Debug, Clone)]
pub(crate) struct Managed {
    pub part: ManagedPart,
    /// Patterns of the actions that it allows on everything, without a condition.
    pub grants: Vec<String>,
}

/// Index of `AdministratorAccess`.
pub(crate) const ADMINISTRATOR: usize = 0;
/// Index of the policy that allows all but the management of accounts.
pub(crate) const POWER_USER: usize = 1;
/// Index of the policy that reads everything.
pub(crate) const READ_ONLY: usize = 2;
/// Names of Identity Center's permission sets, with the policy of each.
pub(crate) const PERSONAS: &[&str] = &["Administrator", "Developer", "ReadOnly", "Support"];

/// Services of which there is a policy for everything and one for reading.
const PAIRED: &[&str] = &[
    "ec2",
    "s3",
    "kms",
    "ssm",
    "iam",
    "secretsmanager",
    "rds",
    "lambda",
    "sqs",
    "sns",
    "dynamodb",
    "ecr",
    "logs",
    "cloudformation",
    "cloudtrail",
    "cloudwatch",
    "sts",
    "events",
];
/// Index of the first of those pairs.
const FIRST_PAIR: usize = 3;
/// Index of the first policy of a service-linked role.
const FIRST_SERVICE_LINKED: usize = FIRST_PAIR + 2 * 18;

/// Services with service-linked roles: host part of the principal, name behind `AWSServiceRoleFor`.
pub(crate) const SERVICE_LINKED: &[(&str, &str)] = &[
    ("autoscaling", "AutoScaling"),
    ("elasticloadbalancing", "ElasticLoadBalancing"),
    ("ecs", "ECS"),
    ("rds", "RDS"),
    ("organizations", "Organizations"),
    ("support", "Support"),
    ("trustedadvisor", "TrustedAdvisor"),
    ("config", "Config"),
    ("guardduty", "AmazonGuardDuty"),
    ("securityhub", "SecurityHub"),
    ("sso", "SSO"),
    ("access-analyzer", "AccessAnalyzer"),
    ("elasticache", "ElastiCache"),
    ("ops.apigateway", "APIGateway"),
    ("eks", "AmazonEKS"),
    ("ssm", "AmazonSSM"),
    ("backup", "Backup"),
    ("inspector2", "AmazonInspector2"),
    ("cloudtrail", "CloudTrail"),
    ("transitgateway", "VPCTransitGateway"),
    ("es", "AmazonElasticsearchService"),
    ("macie", "AmazonMacie"),
    ("batch", "Batch"),
    ("resource-explorer-2", "ResourceExplorer"),
];

/// Index of the policy of a service-linked role.
pub(crate) fn service_linked(index: usize) -> usize {
    FIRST_SERVICE_LINKED + index % SERVICE_LINKED.len()
}

/// Index of the policy of a permission set.
pub(crate) fn persona(index: usize) -> usize {
    match index % PERSONAS.len() {
        0 => ADMINISTRATOR,
        1 => POWER_USER,
        _ => READ_ONLY,
    }
}

/// Index of a policy to attach to a workload's role: those of one service most often, by Zipf's law.
pub(crate) fn draw(all: &[Managed], rng: &mut Rng) -> usize {
    static LAW: OnceLock<Zipf> = OnceLock::new();
    match rng.unit() {
        u if u < 0.015 => ADMINISTRATOR,
        u if u < 0.035 => POWER_USER,
        u if u < 0.09 => READ_ONLY,
        u if u < 0.62 => FIRST_PAIR + LAW.get_or_init(|| Zipf::new(2 * PAIRED.len(), 0.6)).draw(rng),
        _ => {
            // The tail, squared towards its beginning: a few are popular, most are seldom seen.
            let first = FIRST_SERVICE_LINKED + SERVICE_LINKED.len();
            let u = rng.unit();
            first + ((u * u * all.len().saturating_sub(first) as f64) as usize).min(all.len().saturating_sub(first + 1))
        }
    }
}

/// Writes all of them.
pub(crate) fn build(parameters: &Parameters, seed: u64, templates: &Templates) -> Vec<Managed> {
    let mut rng = Rng::new(seed, &[stream()]);
    let mut list: Vec<(String, String)> = vec![
        ("AdministratorAccess".to_owned(), allow("\"Action\":\"*\"")),
        ("SamplePowerUser".to_owned(), allow("\"NotAction\":[\"iam:*\",\"organizations:*\",\"account:*\"]")),
        ("SampleReadOnlyAccess".to_owned(), allow(&read_everything())),
    ];
    for service in PAIRED {
        let title = service.to_ascii_uppercase();
        list.push((format!("Sample{title}FullAccess"), allow(&format!("\"Action\":\"{service}:*\""))));
        let reads = ["Get*", "List*", "Describe*"].map(|verb| format!("\"{service}:{verb}\"")).join(",");
        list.push((format!("Sample{title}ReadOnlyAccess"), allow(&format!("\"Action\":[{reads}]"))));
    }
    let own = |text: &str, rng: &mut Rng| {
        let mut out = String::new();
        slots::fill(text, &mut out, |slot, out| {
            crate::organization::word(slot, rng, out);
            true
        });
        out
    };
    let wanted = Wanted { managed: true, ..Wanted::of(PolicyKind::Identity) };
    for (_, name) in SERVICE_LINKED {
        let text = compose::document(wanted, templates, &mut rng);
        list.push((format!("aws-service-role/Sample{name}ServiceRolePolicy"), own(&text, &mut rng)));
    }
    // The largest stand last, where they are attached least.
    let giants = [
        ("SampleStatementOf1602Actions", allow(&actions(1_602))),
        ("SamplePolicyOf163Statements", many_statements(163, templates, &mut rng)),
        ("SampleActionsByName", actions_by_name()),
    ];
    while list.len() + giants.len() < parameters.managed {
        let index = list.len();
        let path = if rng.chance(0.15) { "service-role/" } else { "" };
        let text = compose::document(wanted, templates, &mut rng);
        list.push((format!("{path}SamplePolicy{index:04}"), own(&text, &mut rng)));
    }
    list.extend(giants.map(|(name, text)| (name.to_owned(), text)));
    list.into_iter()
        .map(|(name, text)| Managed {
            grants: grants(&text),
            part: ManagedPart {
                arn: format!("arn:aws:iam::aws:policy/{name}"),
                id: names::unique_id("ANPA", &mut rng),
                document: Document::new(PolicyKind::Identity, text),
                previous: None,
            },
        })
        .collect()
}

fn stream() -> u64 {
    crate::organization::stream::MANAGED
}

fn allow(action: &str) -> String {
    format!(r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow",{action},"Resource":"*"}}]}}"#)
}

fn read_everything() -> String {
    let mut out = String::from("\"Action\":[");
    for (index, (service, _)) in tables::actions().iter().enumerate() {
        let comma = if index > 0 { "," } else { "" };
        let _ = write!(out, "{comma}\"{service}:Get*\",\"{service}:List*\",\"{service}:Describe*\"");
    }
    // Seldom named like the others, and what everybody calls.
    out.push_str(",\"s3:Head*\",\"health:*\",\"notifications:List*\",\"secretsmanager:BatchGetSecretValue\"]");
    out
}

/// The first `n` actions of the table, those of the services most used.
fn actions(n: usize) -> String {
    let all = tables::actions().iter().flat_map(|(service, names)| names.iter().map(move |name| (service, name)));
    let list: Vec<String> = all.take(n).map(|(service, name)| format!("\"{service}:{name}\"")).collect();
    format!("\"Action\":[{}]", list.join(","))
}

/// The first 5,200 actions of the table by name, a thousand a statement: some 150 KB, as the largest policy that AWS manages.
fn actions_by_name() -> String {
    let all = tables::actions().iter().flat_map(|(service, names)| names.iter().map(move |name| (service, name)));
    let names: Vec<String> = all.take(5_200).map(|(service, name)| format!("\"{service}:{name}\"")).collect();
    let statements: Vec<String> = names
        .chunks(1_000)
        .map(|chunk| format!(r#"{{"Effect":"Allow","Action":[{}],"Resource":"*"}}"#, chunk.join(",")))
        .collect();
    format!(r#"{{"Version":"2012-10-17","Statement":[{}]}}"#, statements.join(","))
}

fn many_statements(n: usize, templates: &Templates, rng: &mut Rng) -> String {
    let wanted = Wanted { managed: true, statements_max: 1, ..Wanted::of(PolicyKind::Identity) };
    let mut statements = Vec::new();
    while statements.len() < n {
        let text = compose::document(wanted, templates, rng);
        let mut out = String::new();
        slots::fill(&text, &mut out, |slot, out| {
            crate::organization::word(slot, rng, out);
            true
        });
        let Ok(mut value) = serde_json::from_str::<serde_json::Value>(&out) else { continue };
        let mut statement = match value["Statement"].take() {
            serde_json::Value::Array(mut list) => list.remove(0),
            one => one,
        };
        if let Some(object) = statement.as_object_mut() {
            object.insert("Sid".to_owned(), format!("Statement{}", statements.len()).into());
        }
        statements.push(statement.to_string());
    }
    format!(r#"{{"Version":"2012-10-17","Statement":[{}]}}"#, statements.join(","))
}

/// Patterns of what a document allows on every resource without a condition: good enough to aim requests with.
fn grants(text: &str) -> Vec<String> {
    let Ok(value) = serde_json::from_str::<serde_json::Value>(text) else { return Vec::new() };
    let statements = match &value["Statement"] {
        serde_json::Value::Array(list) => list.iter().collect(),
        one => vec![one],
    };
    let list = |value: &serde_json::Value| match value {
        serde_json::Value::Array(values) => values.iter().filter_map(|v| v.as_str().map(str::to_owned)).collect(),
        serde_json::Value::String(text) => vec![text.clone()],
        _ => Vec::new(),
    };
    let mut all = Vec::new();
    for statement in statements {
        if statement["Effect"] == "Allow" && statement["Condition"].is_null() && list(&statement["Resource"]) == ["*"] {
            all.extend(list(&statement["Action"]));
            if !statement["NotAction"].is_null() {
                all.extend(
                    tables::actions()
                        .iter()
                        .map(|(service, _)| *service)
                        .filter(|s| !["iam", "organizations"].contains(s))
                        .map(|s| format!("{s}:*")),
                );
            }
        }
    }
    all
}
