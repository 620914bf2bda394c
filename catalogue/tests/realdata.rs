//! The compiled-in edition against a file that was prepared apart from it, from the same packages, and against AWS's
//! own policies. Set `IAMC_REALDATA` to a folder with `service-authorization.json.gz` and
//! `aws-managed-policies.jsonl.gz`; without it these tests have nothing to compare.

#![allow(clippy::unwrap_used, reason = "a panic is how a test says no, in its helpers too")]

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::PathBuf;

use flate2::read::GzDecoder;
use iamc_catalogue::{AccessLevel, Catalogue, KeyFacts};
use serde_json::Value;

fn open(name: &str) -> Option<GzDecoder<File>> {
    let Some(folder) = std::env::var_os("IAMC_REALDATA") else {
        println!("IAMC_REALDATA is not set: nothing to compare with");
        return None;
    };
    Some(GzDecoder::new(File::open(PathBuf::from(folder).join(name)).unwrap()))
}

fn texts(value: &Value) -> BTreeSet<&str> {
    value.as_array().into_iter().flatten().map(|text| text.as_str().unwrap()).collect()
}

/// Every count and every fact of the file, action by action. The order of types and templates is not compared: the file
/// sorts them, the table has document order.
#[test]
fn every_fact_agrees_with_the_service_authorization_file() {
    let Some(mut file) = open("service-authorization.json.gz") else { return };
    let mut text = String::new();
    file.read_to_string(&mut text).unwrap();
    let data: Value = serde_json::from_str(&text).unwrap();
    let services = data["services"].as_object().unwrap();
    let catalogue = Catalogue::embedded();
    assert_eq!(catalogue.n_services(), services.len());
    assert_eq!(catalogue.date(), data["updated_at"].as_str());
    let (mut n_actions, mut n_links, mut n_types, mut n_templates, mut n_keys) = (0, 0, 0, 0, 0);
    let (mut n_wildcard_only, mut n_with_dependents, mut n_repeated) = (0, 0, 0);
    let mut conflicts = BTreeSet::new();
    for (prefix, service) in services {
        let ours = catalogue.service(prefix).unwrap();
        assert_eq!(ours.name(), service["name"].as_str().unwrap());
        let actions = service["actions"].as_object().unwrap();
        assert_eq!(ours.actions().len(), actions.len(), "{prefix}");
        for (name, action) in actions {
            let our = ours.action(name).unwrap();
            assert_eq!(our.name(), name);
            assert_eq!(our.access_level().map(AccessLevel::as_str), action["access_level"].as_str(), "{our}");
            let keys: BTreeSet<&str> = our.condition_keys().map(|key| key.name()).collect();
            assert_eq!(keys, texts(&action["condition_keys"]), "{our}");
            let mut dependents = texts(&action["dependent_actions"]);
            let rows = action["resource_types"].as_array().unwrap();
            let mut resources: Vec<(&str, bool, BTreeSet<&str>)> = Vec::new();
            for row in rows {
                dependents.extend(texts(&row["dependent_actions"]));
                let resource =
                    (row["type"].as_str().unwrap(), row["required"].as_bool().unwrap(), texts(&row["condition_keys"]));
                if resources.contains(&resource) { n_repeated += 1 } else { resources.push(resource) }
            }
            let our_resources: Vec<(&str, bool, BTreeSet<&str>)> = our
                .resource_types()
                .zip(our.condition_keys_by_type())
                .map(|((t, required), (_, keys))| (t.name(), required, keys.map(|key| key.name()).collect()))
                .collect();
            assert_eq!(our_resources, resources, "{our}");
            assert_eq!(our.dependent_actions().collect::<BTreeSet<_>>(), dependents, "{our}");
            n_wildcard_only += usize::from(our.is_wildcard_only());
            n_with_dependents += usize::from(our.dependent_actions().len() > 0);
            n_links += rows.len();
        }
        n_actions += actions.len();
        let types = service["resource_types"].as_object().unwrap();
        assert_eq!(ours.resource_types().len(), types.len(), "{prefix}");
        for t in ours.resource_types() {
            let theirs = &types[t.name()];
            assert_eq!(t.arn_templates().collect::<BTreeSet<_>>(), texts(&theirs["arn_patterns"]), "{prefix} {t:?}");
            assert_eq!(t.condition_keys().map(|k| k.name()).collect::<BTreeSet<_>>(), texts(&theirs["condition_keys"]));
            n_templates += t.arn_templates().len();
        }
        n_types += types.len();
        let keys = service["condition_keys"].as_object().unwrap();
        assert_eq!(ours.condition_keys().len(), keys.len(), "{prefix}");
        for key in ours.condition_keys() {
            let theirs = KeyFacts::parse(keys[key.name()].as_str().unwrap());
            if key.declared() != theirs {
                conflicts.insert(key.name());
            }
        }
        n_keys += keys.len();
    }
    // One key has two types in the source: the service it is named after says the one that is kept.
    assert_eq!(conflicts, BTreeSet::from(["identitystore:UserId"]));
    assert_eq!((n_actions, n_links, n_types, n_templates, n_keys), (22_091, 21_931, 2_334, 2_348, 2_578));
    assert_eq!((n_wildcard_only, n_with_dependents), (6_724, 1_654));
    // Six rows are in the source twice, word for word; the table has them once.
    assert_eq!(n_repeated, 6);
    println!("{n_actions} actions, {n_links} links, {n_types} types, {n_templates} templates, {n_keys} keys agree");
}

/// The lists of the semantics cover the source's global keys: nothing global is known to the source alone.
#[test]
fn the_global_keys_of_the_source_are_declared() {
    let Some(mut file) = open("service-authorization.json.gz") else { return };
    let mut text = String::new();
    file.read_to_string(&mut text).unwrap();
    let data: Value = serde_json::from_str(&text).unwrap();
    let keys = data["global_condition_keys"].as_object().unwrap();
    assert_eq!(keys.len(), 59);
    let none = Catalogue::without_actions();
    let mut differ = Vec::new();
    for (name, facts) in keys {
        let ours = none.key(&name.to_ascii_lowercase());
        assert!(ours.is_some(), "{name}");
        if ours != KeyFacts::parse(facts["type"].as_str().unwrap()) {
            differ.push(name.as_str());
        }
    }
    // Table 5.2 calls it an ARN, the source a string.
    assert_eq!(differ, ["aws:SourceVpcArn"]);
}

/// AWS's own policies speak of actions that the table knows: by name, or by a pattern that some action fits.
#[test]
fn managed_policies_name_known_actions() {
    let Some(file) = open("aws-managed-policies.jsonl.gz") else { return };
    let catalogue = Catalogue::embedded();
    let (mut known, mut total) = (0usize, 0usize);
    let mut unknown = BTreeSet::new();
    for line in BufReader::new(file).lines() {
        let policy: Value = serde_json::from_str(&line.unwrap()).unwrap();
        let statements = &policy["document"]["Statement"];
        for statement in statements.as_array().map_or(std::slice::from_ref(statements), Vec::as_slice) {
            for element in ["Action", "NotAction"] {
                let value = &statement[element];
                for action in value.as_array().map_or(std::slice::from_ref(value), Vec::as_slice) {
                    let Some(action) = action.as_str() else { continue };
                    total += 1;
                    if is_known(catalogue, action) {
                        known += 1;
                    } else {
                        unknown.insert(action.to_ascii_lowercase());
                    }
                }
            }
        }
    }
    println!("{known} of {total} action strings are known; {} different ones are not:", unknown.len());
    unknown.iter().for_each(|action| println!("  {action}"));
    assert!(total > 50_000, "{total}");
    assert!(known * 100 >= total * 99, "{known} of {total}");
}

fn is_known(catalogue: &Catalogue, action: &str) -> bool {
    if action.bytes().all(|b| b == b'*') {
        return true;
    }
    let Some((service, name)) = action.split_once(':') else { return false };
    let Some(service) = catalogue.service(service) else { return false };
    if !name.contains(['*', '?']) {
        return service.action(name).is_some();
    }
    let pattern = name.to_ascii_lowercase();
    service.actions().any(|action| fits(pattern.as_bytes(), action.name().to_ascii_lowercase().as_bytes()))
}

/// A glob for this test alone: the engines have their own.
fn fits(pattern: &[u8], text: &[u8]) -> bool {
    match pattern.split_first() {
        None => text.is_empty(),
        Some((b'*', rest)) => (0..=text.len()).any(|at| fits(rest, &text[at..])),
        Some((first, rest)) => {
            text.split_first().is_some_and(|(t, more)| (*first == b'?' || first == t) && fits(rest, more))
        }
    }
}
