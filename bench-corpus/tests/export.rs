//! Export files: their shapes are those of AWS's service model, and a folder with the target's name is always whole.

#![allow(clippy::unwrap_used, reason = "helpers of tests panic as tests do")]

use iamc_bench_corpus::export::{ExportError, incomplete_path, write_exports};
use iamc_bench_corpus::hash::Fnv;
use iamc_bench_corpus::{Corpus, Flat, Parameters, Shape, Templates, generate};
use serde_json::Value;
use std::collections::BTreeSet;
use std::fs;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

fn corpus() -> Corpus {
    let parameters = Parameters { accounts: 6, ..Parameters::S };
    generate(Shape::Organization(parameters), 1, Templates::built_in())
}

fn tiny() -> Corpus {
    generate(Shape::Flat(Flat { principals: 2, statements: 3 }), 1, Templates::built_in())
}

fn go(_: iamc_bench_corpus::export::Progress) -> ControlFlow<()> {
    ControlFlow::Continue(())
}

fn files(dir: &Path) -> BTreeSet<PathBuf> {
    let mut found = BTreeSet::new();
    let mut open = vec![dir.to_owned()];
    while let Some(next) = open.pop() {
        for entry in fs::read_dir(next).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() { open.push(path) } else { assert!(found.insert(path)) }
        }
    }
    found
}

fn read(path: &Path) -> Value {
    serde_json::from_slice(&fs::read(path).unwrap()).unwrap()
}

#[test]
fn the_same_seed_writes_the_same_bytes() {
    let dir = tempfile::tempdir().unwrap();
    let hash = |name: &str| {
        let target = dir.path().join(name);
        let mut seen = 0;
        let written = write_exports(&corpus(), &target, |progress| {
            assert!(progress.accounts == seen + 1 && progress.n_accounts == 6 && progress.bytes > 0);
            seen = progress.accounts;
            ControlFlow::Continue(())
        })
        .unwrap();
        let all = files(&target);
        assert_eq!((written.files, seen), (all.len(), 6));
        let mut hash = Fnv::default();
        let mut bytes = 0;
        for file in all {
            let text = fs::read(&file).unwrap();
            bytes += text.len() as u64;
            hash.add(file.strip_prefix(&target).unwrap().to_string_lossy().as_bytes());
            hash.add(&text);
        }
        assert_eq!(bytes, written.bytes);
        assert!(!incomplete_path(&target).unwrap().exists());
        hash.finish()
    };
    assert_eq!(hash("a"), hash("b"));
}

#[test]
fn account_files_are_as_aws_prints_them() {
    let dir = tempfile::tempdir().unwrap();
    let target = dir.path().join("out");
    let corpus = corpus();
    write_exports(&corpus, &target, go).unwrap();
    let mut n_roles = 0;
    for account in corpus.accounts() {
        let mut expected = account.roles.iter();
        let mut policies = BTreeSet::new();
        let mut attached = BTreeSet::new();
        for page in 1.. {
            let path = target.join(format!("accounts/{}.{page}.json", account.stub.id));
            if !path.exists() {
                assert!(page > 1);
                break;
            }
            let details = read(&path);
            let last = !target.join(format!("accounts/{}.{}.json", account.stub.id, page + 1)).exists();
            assert_eq!(details["IsTruncated"], !last);
            assert_eq!(details["Marker"].is_string(), !last);
            for role in details["RoleDetailList"].as_array().unwrap() {
                let part = expected.next().unwrap();
                assert_eq!(role["Arn"], part.identity.arn);
                let arn =
                    format!("arn:aws:iam::{}:role{}{}", account.stub.id, text(&role["Path"]), text(&role["RoleName"]));
                assert_eq!(role["Arn"], arn);
                assert!(text(&role["RoleId"]).starts_with("AROA") && text(&role["RoleId"]).len() == 21);
                assert_eq!(decoded(&role["AssumeRolePolicyDocument"]), &*part.trust.text);
                for (inline, document) in role["RolePolicyList"].as_array().unwrap().iter().zip(&part.identity.inline) {
                    assert_eq!(inline["PolicyName"], document.name);
                    assert_eq!(decoded(&inline["PolicyDocument"]), &*document.document.text);
                }
                let arns = role["AttachedManagedPolicies"].as_array().unwrap().iter().map(|p| text(&p["PolicyArn"]));
                assert!(arns.clone().eq(part.identity.attached.iter().cloned()));
                attached.extend(arns);
                assert_eq!(
                    role["PermissionsBoundary"]["PermissionsBoundaryArn"].as_str(),
                    part.identity.boundary.as_deref()
                );
                n_roles += 1;
            }
            for user in details["UserDetailList"].as_array().unwrap() {
                assert!(text(&user["UserId"]).starts_with("AIDA") && user["GroupList"].is_array());
            }
            for group in details["GroupDetailList"].as_array().unwrap() {
                assert!(text(&group["GroupId"]).starts_with("AGPA") && group["GroupPolicyList"].is_array());
            }
            for policy in details["Policies"].as_array().unwrap() {
                let versions = policy["PolicyVersionList"].as_array().unwrap();
                let default: Vec<_> = versions.iter().filter(|v| v["IsDefaultVersion"] == true).collect();
                assert_eq!((default.len(), &default[0]["VersionId"]), (1, &policy["DefaultVersionId"]));
                serde_json::from_str::<Value>(&decoded(&default[0]["Document"])).unwrap();
                assert!(policies.insert(text(&policy["Arn"])));
            }
        }
        assert!(expected.next().is_none());
        assert!(attached.is_subset(&policies), "every attached policy is listed, AWS's too");
    }
    assert!(n_roles > 100);
}

#[test]
fn long_accounts_have_pages() {
    let dir = tempfile::tempdir().unwrap();
    let target = dir.path().join("out");
    let corpus = generate(Shape::Flat(Flat { principals: 600, statements: 1 }), 1, Templates::built_in());
    write_exports(&corpus, &target, go).unwrap();
    let id = &corpus.organization().accounts[1].id;
    let page = |n: usize| read(&target.join(format!("accounts/{id}.{n}.json")));
    assert_eq!((page(1)["IsTruncated"].clone(), page(2)["IsTruncated"].clone()), (true.into(), false.into()));
    let roles = |n| page(n)["RoleDetailList"].as_array().unwrap().len();
    assert_eq!((roles(1), roles(2)), (500, 100));
}

#[test]
fn organization_files_are_as_aws_prints_them() {
    let dir = tempfile::tempdir().unwrap();
    let target = dir.path().join("out");
    let corpus = corpus();
    write_exports(&corpus, &target, go).unwrap();
    let part = corpus.organization();
    let at = |name: &str| read(&target.join("organizations").join(name));
    let organization = &at("describe-organization.json")["Organization"];
    assert_eq!(organization["Id"], part.id);
    assert_eq!(organization["MasterAccountId"], part.management);
    let roots = at("list-roots.json");
    assert_eq!(roots["Roots"][0]["Id"], part.units[0].id);
    assert_eq!(roots["Roots"][0]["PolicyTypes"][1]["Type"], "RESOURCE_CONTROL_POLICY");
    assert_eq!(at("list-accounts.json")["Accounts"].as_array().unwrap().len(), 6);
    let mut below = 0;
    let mut inside = 0;
    for unit in &part.units {
        let units = at(&format!("list-organizational-units-for-parent/{}.json", unit.id));
        below += units["OrganizationalUnits"].as_array().unwrap().len();
        inside += at(&format!("list-accounts-for-parent/{}.json", unit.id))["Accounts"].as_array().unwrap().len();
    }
    assert_eq!((below, inside), (part.units.len() - 1, 6));
    let mut listed = 0;
    for kind in ["SERVICE", "RESOURCE"] {
        let list = at(&format!("list-policies/{kind}_CONTROL_POLICY.json"));
        for policy in list["Policies"].as_array().unwrap() {
            let id = text(&policy["Id"]);
            let described = &at(&format!("describe-policy/{id}.json"))["Policy"];
            assert_eq!(described["PolicySummary"], *policy);
            let guardrail = part.guardrails.iter().find(|guardrail| guardrail.id == id).unwrap();
            assert_eq!(described["Content"], *guardrail.document.text);
            let targets = at(&format!("list-targets-for-policy/{id}.json"));
            let ids = targets["Targets"].as_array().unwrap().iter().map(|target| text(&target["TargetId"]));
            assert!(ids.eq(guardrail.targets.iter().cloned()));
            listed += 1;
        }
    }
    assert_eq!(listed, part.guardrails.len());
}

#[test]
fn resource_files_wrap_what_was_asked() {
    let dir = tempfile::tempdir().unwrap();
    let target = dir.path().join("out");
    let corpus = corpus();
    write_exports(&corpus, &target, go).unwrap();
    let mut commands = BTreeSet::new();
    for account in corpus.accounts() {
        let text_of = fs::read_to_string(target.join(format!("resources/{}.jsonl", account.stub.id))).unwrap();
        let lines: Vec<Value> = text_of.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert!(lines.iter().all(|line| line["account"] == account.stub.id && line["arguments"].is_object()));
        commands.extend(lines.iter().map(|line| text(&line["command"])));
        let output = |command: &str, argument: &str, value: &str| {
            let found = lines.iter().find(|line| line["command"] == command && line["arguments"][argument] == value);
            found.unwrap_or_else(|| panic!("{command} {value}"))["output"].clone()
        };
        for resource in &account.resources {
            let name = resource.arn.splitn(6, ':').nth(5).unwrap();
            let policy = resource.policy.as_ref().map(|document| document.text.to_string());
            let found = match resource.arn.split(':').nth(2).unwrap() {
                "s3" if policy.is_some() => output("s3api get-bucket-policy", "bucket", name)["Policy"].clone(),
                "kms" => output("kms get-key-policy", "key-id", &resource.arn)["Policy"].clone(),
                "sns" => output("sns get-topic-attributes", "topic-arn", &resource.arn)["Attributes"]["Policy"].clone(),
                "secretsmanager" => {
                    output("secretsmanager get-resource-policy", "secret-id", &resource.arn)["ResourcePolicy"].clone()
                }
                "lambda" if policy.is_some() => {
                    output("lambda get-policy", "function-name", &resource.arn)["Policy"].clone()
                }
                _ => continue,
            };
            assert_eq!(found.as_str(), policy.as_deref(), "{}", resource.arn);
        }
        let buckets = lines.iter().find(|line| line["command"] == "s3api list-buckets").unwrap();
        assert_eq!(buckets["output"]["Owner"]["ID"], account.canonical_user);
    }
    for command in
        ["sqs get-queue-attributes", "ecr get-repository-policy", "ec2 describe-vpc-endpoints", "kms list-grants"]
    {
        assert!(commands.contains(command), "{command}");
    }
}

#[test]
fn a_folder_in_use_is_refused_and_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    let target = dir.path().join("out");
    fs::create_dir(&target).unwrap();
    fs::write(target.join("mine"), "x").unwrap();
    let error = write_exports(&tiny(), &target, go).unwrap_err();
    assert!(matches!(error, ExportError::NotEmpty { .. }), "{error}");
    assert!(error.to_string().ends_with("exists and is not an empty folder"), "{error}");
    assert_eq!(files(dir.path()).len(), 1);
    fs::remove_file(target.join("mine")).unwrap();
    write_exports(&tiny(), &target, go).unwrap();
    // A file in the way is refused as well.
    let file = dir.path().join("file");
    fs::write(&file, "x").unwrap();
    assert!(matches!(write_exports(&tiny(), &file, go).unwrap_err(), ExportError::NotEmpty { .. }));
}

#[test]
fn an_interrupted_export_leaves_nothing_and_an_old_one_is_cleared_away() {
    let dir = tempfile::tempdir().unwrap();
    let target = dir.path().join("out");
    let incomplete = incomplete_path(&target).unwrap();
    let error = write_exports(&tiny(), &target, |_| ControlFlow::Break(())).unwrap_err();
    assert_eq!(error.to_string(), "interrupted after 1 accounts");
    assert!(!target.exists() && !incomplete.exists());
    fs::create_dir(&incomplete).unwrap();
    fs::write(incomplete.join("left-over"), "x").unwrap();
    write_exports(&tiny(), &target, go).unwrap();
    assert!(target.exists() && !incomplete.exists());
    assert!(!files(&target).iter().any(|path| path.ends_with("left-over")));
}

#[test]
fn the_system_refusing_is_told_with_the_path() {
    let dir = tempfile::tempdir().unwrap();
    let target = dir.path().join("no/such/out");
    let error = write_exports(&tiny(), &target, go).unwrap_err().to_string();
    assert!(error.starts_with("cannot create `") && error.contains("no/such/.out.incomplete"), "{error}");
    let error = write_exports(&tiny(), Path::new("/"), go).unwrap_err().to_string();
    assert_eq!(error, "`/` does not name a folder that could be made");
}

fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}

/// Percent-decodes a document; whatever is not encoded must be unreserved.
fn decoded(value: &Value) -> String {
    let text = value.as_str().unwrap().as_bytes();
    let mut out = Vec::new();
    let mut i = 0;
    while i < text.len() {
        if text[i] == b'%' {
            out.push(u8::from_str_radix(std::str::from_utf8(&text[i + 1..i + 3]).unwrap(), 16).unwrap());
            i += 3;
        } else {
            assert!(text[i].is_ascii_alphanumeric() || b"-._~".contains(&text[i]));
            out.push(text[i]);
            i += 1;
        }
    }
    String::from_utf8(out).unwrap()
}
