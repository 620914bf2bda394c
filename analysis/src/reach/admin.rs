//! Administrators, computed (P-16.1).

use super::ask;
use super::fact::Identity;
use super::names::{self, Place};
use super::steps::Engine;
use iamc_policy::condition::ConditionKey;
use iamc_policy::request::{KeyState, Request, RequestResource, ResourceInRequest};
use iamc_policy::{Action, Principal};
use std::sync::LazyLock;

/// Name of the resources that probes are about.
const NAME: &str = "iamc-probe";

/// How many probes are those of the first line.
pub(super) const N_FIRST: usize = 11;

/// Action, and the type of its one resource; none: `*`.
pub(super) const PROBES: &[(&str, &str)] = &[
    ("iam:CreateRole", "role"),
    ("iam:AttachRolePolicy", "role"),
    ("iam:PutRolePolicy", "role"),
    ("iam:UpdateAssumeRolePolicy", "role"),
    ("iam:DeleteRolePermissionsBoundary", "role"),
    ("iam:PassRole", "role"),
    ("iam:CreateUser", "user"),
    ("iam:AttachUserPolicy", "user"),
    ("iam:CreateAccessKey", "user"),
    ("iam:CreatePolicyVersion", "policy"),
    ("iam:AddUserToGroup", "group"),
    ("s3:PutBucketPolicy", "bucket"),
    ("s3:GetObject", "object"),
    ("s3:DeleteBucket", "bucket"),
    ("dynamodb:DeleteTable", "table"),
    ("secretsmanager:GetSecretValue", "Secret"),
    ("sqs:DeleteQueue", "queue"),
    ("kms:CreateKey", ""),
    ("ec2:RunInstances", "instance"),
    ("ec2:TerminateInstances", "instance"),
    ("lambda:UpdateFunctionCode", "function"),
    ("rds:DeleteDBCluster", "cluster"),
    ("cloudformation:CreateStack", "stack"),
    ("cloudtrail:StopLogging", "trail"),
    ("config:DeleteConfigurationRecorder", "ConfigurationRecorder"),
    ("logs:DeleteLogGroup", "log-group"),
];

pub(super) static ACTIONS: LazyLock<Vec<Action>> =
    LazyLock::new(|| PROBES.iter().map(|(action, _)| action.parse().expect("an action of ours")).collect());

/// The request of one probe by an identity; `None`: the catalogue lacks the type.
pub(super) fn request(engine: &Engine, id: Identity, at: usize) -> Option<Request> {
    let account = engine.base.account_of[id as usize];
    let region = engine.probe_region(account);
    complete(engine, account, at, &region, ask::by_identity(&engine.base, id, ACTIONS[at].clone(), &region))
}

/// The same of nobody in particular, in an account.
pub(super) fn question(engine: &Engine, account: u32, at: usize) -> Option<Request> {
    let region = engine.probe_region(account);
    complete(engine, account, at, &region, ask::blank(Principal::Anonymous, ACTIONS[at].clone(), &region))
}

fn complete(engine: &Engine, account: u32, at: usize, region: &str, mut request: Request) -> Option<Request> {
    let (_, resource_type) = PROBES[at];
    let action = &ACTIONS[at];
    let resource = if resource_type.is_empty() {
        ResourceInRequest::new(RequestResource::Star)
    } else {
        let template = engine.first_template(action.service(), resource_type)?;
        if !names::is_regional(&template) {
            request.context.extend(ask::bindings(ask::GLOBAL_REGION));
        }
        let facts = &engine.base.accounts[account as usize];
        let number = facts.id.to_string();
        let place = Place { partition: &facts.partition, account: &number, region };
        let arn = names::fill(&template, place, NAME).parse().ok()?;
        ask::resource(&arn, &engine.base, account)
    };
    request.resources.push(resource);
    let administrator =
        format!("arn:{}:iam::aws:policy/AdministratorAccess", engine.base.accounts[account as usize].partition);
    for (key, state) in [
        ("iam:PolicyARN", KeyState::one(administrator)),
        ("iam:PermissionsBoundary", KeyState::Absent),
        ("iam:PassedToService", KeyState::one("ec2.amazonaws.com")),
    ] {
        if action.service() == "iam" {
            request.context.insert(ConditionKey::new(key), state);
        }
    }
    request.context.extend(engine.stated.keys.clone());
    Some(request)
}

impl Engine {
    /// The Region of probes: the first of the account's own and of those that its guardrails name.
    fn probe_region(&self, account: u32) -> String {
        let facts = &self.base.accounts[account as usize];
        let mut regions = facts.regions.clone();
        names::regions_named(facts.guardrails.iter().map(|policy| &**policy), &mut regions);
        regions.into_iter().next().unwrap_or_else(|| ask::GLOBAL_REGION.to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use iamc_catalogue::Catalogue;

    #[test]
    fn probes_are_actions_and_types_of_the_catalogue() {
        for (action, resource_type) in PROBES {
            let (service, name) = action.split_once(':').unwrap();
            let facts = Catalogue::embedded().action(service, name);
            // `iam:PassRole` is a permission and no action of the service; the reference lists it all the same.
            let facts = facts.unwrap_or_else(|| panic!("{action}"));
            let types: Vec<&str> = facts.resource_types().map(|(kind, _)| kind.name()).collect();
            assert!(
                resource_type.is_empty() && types.is_empty() || types.contains(resource_type),
                "{action}: {types:?}"
            );
        }
        assert!(PROBES[..N_FIRST].iter().all(|(action, _)| action.starts_with("iam:")));
        assert!(!PROBES[N_FIRST].0.starts_with("iam:"));
    }
}
