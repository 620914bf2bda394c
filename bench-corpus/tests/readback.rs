//! Both outputs say the same: the export files, read by the inventory's readers, are the world of the same corpus.

#![allow(clippy::unwrap_used, reason = "helpers of tests panic as tests do")]

use iamc_bench_corpus::{Parameters, Shape, Templates, generate, write_exports};
use iamc_inventory::{Options, read_folder};
use iamc_policy::World;
use iamc_policy::world::{IdentityRecord, NamedPolicy, ResourcePolicy};
use std::collections::BTreeMap;
use std::fmt::Debug;
use std::ops::ControlFlow;

#[test]
fn an_export_reads_back_as_its_world() {
    let dir = tempfile::tempdir().unwrap();
    let target = dir.path().join("out");
    let corpus = generate(Shape::Organization(Parameters { accounts: 6, ..Parameters::S }), 1, Templates::built_in());
    write_exports(&corpus, &target, |_| ControlFlow::Continue(())).unwrap();
    let options = Options { assume_complete: true, ..Options::default() };
    let read = read_folder(&[target], &options, &|_| ()).unwrap();
    assert!(read.report.skipped.is_empty(), "{:?}", read.report.skipped);
    assert!(read.report.quarantined.is_empty(), "{:?}", read.report.quarantined);
    let (ours, theirs) = (corpus.world(|_| ()), read.world);

    same("units", &ours, &theirs, |world| {
        world.units.iter().map(|unit| (unit.id.clone(), (unit.parent.clone(), unit.organization.clone()))).collect()
    });
    same("accounts", &ours, &theirs, |world| {
        let facts = |account: &iamc_policy::world::Account| {
            (account.parent.clone(), account.canonical_user.clone(), account.s3_restrict_public_buckets)
        };
        world.accounts.iter().map(|account| (account.id.to_string(), facts(account))).collect()
    });
    same("guardrails", &ours, &theirs, |world| {
        let sorted = |targets: &[String]| {
            let mut targets = targets.to_vec();
            targets.sort();
            targets
        };
        world.guardrails.iter().map(|g| (g.id.clone(), (g.kind, text(&g.policy), sorted(&g.targets)))).collect()
    });
    same("roles", &ours, &theirs, |world| {
        let roles = world.roles.iter().map(|role| (&role.identity, text(&role.trust)));
        roles.map(|(identity, trust)| (identity.arn.to_string(), (record(identity), trust))).collect()
    });
    same("users", &ours, &theirs, |world| {
        let users = world.users.iter().map(|user| (&user.identity, user.groups.clone()));
        users.map(|(identity, groups)| (identity.arn.to_string(), (record(identity), groups))).collect()
    });
    same("groups", &ours, &theirs, |world| {
        world.groups.iter().map(|group| (group.identity.arn.to_string(), inline(&group.identity))).collect()
    });
    same("resources", &ours, &theirs, |world| {
        let facts = |r: &iamc_policy::world::Resource| {
            (policy(&r.policy), r.tags.clone(), r.s3_restrict_public_buckets, r.kms_grants.clone())
        };
        world.resources.iter().map(|resource| (resource.arn.to_string(), facts(resource))).collect()
    });
    same("providers", &ours, &theirs, |world| {
        world.providers.iter().map(|provider| (provider.arn.to_string(), ())).collect()
    });
    // An endpoint without a policy is exported with the default one, as AWS prints it.
    same("endpoints", &ours, &theirs, |world| {
        let facts = |e: &iamc_policy::world::Endpoint| {
            (e.account, e.vpc.clone(), e.region.clone(), e.service.clone(), e.endpoint_type)
        };
        world.endpoints.iter().map(|endpoint| (endpoint.id.clone(), facts(endpoint))).collect()
    });
    // AWS's policies are in the exports of the accounts that use them, and nowhere else.
    let policies = |world: &World| -> BTreeMap<String, String> {
        world.policies.iter().map(|policy| (policy.arn.to_string(), text(&policy.policy))).collect()
    };
    let (ours, theirs) = (policies(&ours), policies(&theirs));
    assert!(theirs.iter().all(|(arn, text)| ours.get(arn) == Some(text)));
    let unused: Vec<&String> = ours.keys().filter(|arn| !theirs.contains_key(*arn)).collect();
    assert!(unused.iter().all(|arn| arn.starts_with("arn:aws:iam::aws:policy/")), "{unused:?}");
}

/// Compares what `of` says of both worlds, by key, and shows the first difference only.
fn same<T: PartialEq + Debug>(what: &str, ours: &World, theirs: &World, of: impl Fn(&World) -> BTreeMap<String, T>) {
    let (ours, theirs) = (of(ours), of(theirs));
    assert!(!ours.is_empty(), "{what}");
    for (key, value) in &ours {
        let other = theirs.get(key).unwrap_or_else(|| panic!("{what}: {key} was not read"));
        assert_eq!(value, other, "{what}: {key}");
    }
    assert_eq!(ours.len(), theirs.len(), "{what}");
}

fn text(policy: &NamedPolicy) -> String {
    format!("{:?}", policy.text)
}

fn policy(policy: &ResourcePolicy) -> String {
    match policy {
        ResourcePolicy::Policy(policy) => text(policy),
        other => format!("{other:?}"),
    }
}

fn inline(identity: &IdentityRecord) -> Vec<(String, String)> {
    identity.inline.iter().map(|policy| (policy.name.to_string(), text(policy))).collect()
}

type Facts = (Option<String>, Vec<(String, String)>, Vec<String>, Option<String>, Option<Vec<(String, String)>>);

fn record(identity: &IdentityRecord) -> Facts {
    let attached = identity.attached.iter().map(|arn| arn.to_string()).collect();
    let boundary = identity.boundary.as_ref().map(|arn| arn.to_string());
    (identity.unique_id.as_ref().map(ToString::to_string), inline(identity), attached, boundary, identity.tags.clone())
}
