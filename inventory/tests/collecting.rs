//! tools/export-aws.sh, run against a stub of the AWS command line: what it writes is read as an inventory, it does
//! nothing but read, and the permissions that docs/collecting.md asks for are those that it needs.

#![cfg(unix)]

use iamc_inventory::{Options, Read, read_folder};
use iamc_policy::world::{GapKind, PolicyText, ResourcePolicy};
use std::collections::BTreeSet;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Answers from files: `SERVICE COMMAND [first argument's value]` with `.json` or `.txt` for what it prints and `.err` for
/// how it fails. What has no file is refused.
const STUB: &str = r#"#!/usr/bin/env bash
printf '%s\n' "$*" >>"$STUB/log"
ending=json
for word in "$@"; do [ "$word" = text ] && ending=txt; done
value=${4:-}
for name in "$1 $2 ${value//\//_}" "$1 $2"; do
  if [ -e "$STUB/$name.$ending" ]; then cat "$STUB/$name.$ending"; exit 0; fi
  if [ -e "$STUB/$name.err" ]; then cat "$STUB/$name.err" >&2; exit 254; fi
done
[ $ending = txt ] && exit 0
echo "An error occurred (AccessDenied) when calling the operation: no" >&2
exit 254
"#;

const MANAGEMENT: &str = "999999999999";
const MEMBER: &str = "111122223333";

struct Stage {
    folder: tempfile::TempDir,
}

impl Stage {
    fn new() -> Stage {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let bin = folder.path().join("bin");
        std::fs::create_dir_all(&bin).expect("a folder");
        std::fs::create_dir_all(folder.path().join("stub")).expect("a folder");
        let stub = bin.join("aws");
        std::fs::write(&stub, STUB).expect("a file");
        std::fs::set_permissions(&stub, std::fs::Permissions::from_mode(0o755)).expect("it is ours");
        Stage { folder }
    }

    fn answer(&self, name: &str, text: &str) {
        std::fs::write(self.folder.path().join("stub").join(name), text).expect("a file");
    }

    fn out(&self) -> PathBuf {
        self.folder.path().join("out")
    }

    fn run(&self, arguments: &[&str]) -> std::process::Output {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tools/export-aws.sh");
        let path = std::env::var("PATH").unwrap_or_default();
        Command::new("bash")
            .arg(script)
            .arg("-o")
            .arg(self.out())
            .args(arguments)
            .env("PATH", format!("{}:{path}", self.folder.path().join("bin").display()))
            .env("STUB", self.folder.path().join("stub"))
            .output()
            .expect("bash is there")
    }

    fn log(&self) -> Vec<String> {
        let text = std::fs::read_to_string(self.folder.path().join("stub/log")).unwrap_or_default();
        text.lines().map(str::to_owned).collect()
    }

    fn read(&self) -> Read {
        read_folder(&[self.out()], &Options::default(), &|_| {}).unwrap_or_else(|errors| panic!("{errors}"))
    }
}

fn details(account: &str) -> String {
    format!(
        r#"{{"UserDetailList": [], "GroupDetailList": [], "Policies": [], "RoleDetailList": [{{"Arn": "arn:aws:iam::{account}:role/R",
        "RoleName": "R", "RoleId": "AROA{account}", "RolePolicyList": [], "AttachedManagedPolicies": [], "Tags": [],
        "AssumeRolePolicyDocument": {{"Version": "2012-10-17", "Statement": []}}}}]}}"#
    )
}

/// A small organization with something of everything.
fn stage() -> Stage {
    let stage = Stage::new();
    let all = |name: &str, text: &str| stage.answer(name, text);
    all("sts get-caller-identity.txt", &format!("arn:aws:iam::{MANAGEMENT}:user/auditor\n"));
    all(
        "sts get-caller-identity.json",
        &format!(r#"{{"UserId": "A", "Account": "{MANAGEMENT}", "Arn": "arn:aws:iam::{MANAGEMENT}:user/auditor"}}"#),
    );
    all("sts assume-role.txt", "AKIDEXAMPLE\tsecret\ttoken\n");
    all(
        "organizations describe-organization.json",
        &format!(r#"{{"Organization": {{"Id": "o-exampleorgid", "MasterAccountId": "{MANAGEMENT}"}}}}"#),
    );
    all(
        "organizations list-roots.json",
        r#"{"Roots": [{"Id": "r-ab12", "Name": "Root", "PolicyTypes": [{"Type": "SERVICE_CONTROL_POLICY", "Status": "ENABLED"}]}]}"#,
    );
    all("organizations list-roots.txt", "r-ab12\n");
    all(
        "organizations list-accounts.json",
        &format!(
            r#"{{"Accounts": [{{"Id": "{MANAGEMENT}", "Name": "root", "Status": "ACTIVE"}}, {{"Id": "{MEMBER}", "Name": "prod \"x\"", "Status": "ACTIVE"}}]}}"#
        ),
    );
    all("organizations list-accounts.txt", &format!("{MANAGEMENT}\t{MEMBER}\n"));
    all(
        "organizations list-accounts-for-parent r-ab12.json",
        &format!(r#"{{"Accounts": [{{"Id": "{MANAGEMENT}", "Name": "root"}}]}}"#),
    );
    all(
        "organizations list-accounts-for-parent ou-ab12-11111111.json",
        &format!(r#"{{"Accounts": [{{"Id": "{MEMBER}", "Name": "prod \"x\""}}]}}"#),
    );
    all(
        "organizations list-organizational-units-for-parent r-ab12.json",
        r#"{"OrganizationalUnits": [{"Id": "ou-ab12-11111111", "Name": "Workloads"}]}"#,
    );
    all("organizations list-organizational-units-for-parent r-ab12.txt", "ou-ab12-11111111\n");
    all("organizations list-organizational-units-for-parent ou-ab12-11111111.json", r#"{"OrganizationalUnits": []}"#);
    all("organizations list-organizational-units-for-parent ou-ab12-11111111.txt", "None\n");
    all(
        "organizations list-delegated-administrators iam.amazonaws.com.json",
        &format!(r#"{{"DelegatedAdministrators": [{{"Id": "{MEMBER}"}}]}}"#),
    );
    all("organizations list-delegated-administrators.json", r#"{"DelegatedAdministrators": []}"#);
    all(
        "organizations describe-resource-policy.err",
        "\nAn error occurred (ResourcePolicyNotFoundException) when calling the DescribeResourcePolicy operation: none\n",
    );
    all(
        "organizations list-policies SERVICE_CONTROL_POLICY.json",
        r#"{"Policies": [{"Id": "p-1", "Name": "One", "Type": "SERVICE_CONTROL_POLICY"}]}"#,
    );
    all("organizations list-policies SERVICE_CONTROL_POLICY.txt", "p-1\n");
    all("organizations list-policies RESOURCE_CONTROL_POLICY.json", r#"{"Policies": []}"#);
    all(
        "organizations describe-policy p-1.json",
        r#"{"Policy": {"PolicySummary": {"Id": "p-1", "Name": "One", "Type": "SERVICE_CONTROL_POLICY"}, "Content": "{\"Version\": \"2012-10-17\", \"Statement\": [{\"Effect\": \"Allow\", \"Action\": \"*\", \"Resource\": \"*\"}]}"}}"#,
    );
    all("organizations list-targets-for-policy p-1.json", r#"{"Targets": [{"TargetId": "r-ab12", "Type": "ROOT"}]}"#);
    // The stub does not know who asks: both accounts have the same role, in the second account's ARN.
    all("iam get-account-authorization-details.json", &details(MANAGEMENT));
    all("iam list-open-id-connect-providers.json", r#"{"OpenIDConnectProviderList": []}"#);
    all("iam list-saml-providers.json", r#"{"SAMLProviderList": []}"#);
    all("iam list-instance-profiles.json", r#"{"InstanceProfiles": []}"#);
    all("iam list-users.json", r#"{"Users": []}"#);
    all("ec2 describe-regions.txt", "us-east-1\teu-west-1\n");
    all("ec2 describe-vpc-endpoints.json", r#"{"VpcEndpoints": []}"#);
    all("s3api list-buckets.json", r#"{"Buckets": [{"Name": "site"}, {"Name": "bare"}], "Owner": {"ID": "79a5"}}"#);
    all("s3api list-buckets.txt", "site\tbare\n");
    all(
        "s3api get-bucket-policy site.json",
        r#"{"Policy": "{\"Version\": \"2012-10-17\", \"Statement\": [{\"Effect\": \"Allow\", \"Principal\": \"*\", \"Action\": \"s3:GetObject\", \"Resource\": \"arn:aws:s3:::site/*\"}]}"}"#,
    );
    all(
        "s3api get-bucket-policy bare.err",
        "An error occurred (NoSuchBucketPolicy) when calling the GetBucketPolicy operation: The bucket policy does not exist\n",
    );
    all(
        "s3api get-bucket-tagging.err",
        "An error occurred (NoSuchTagSet) when calling the GetBucketTagging operation: \"none\"\n",
    );
    all(
        "s3api get-public-access-block.err",
        "An error occurred (NoSuchPublicAccessBlockConfiguration) when calling the operation: none\n",
    );
    all(
        "s3control get-public-access-block.err",
        "An error occurred (NoSuchPublicAccessBlockConfiguration) when calling the operation: none\n",
    );
    all("sqs list-queues.txt", "https://sqs.us-east-1.amazonaws.com/999999999999/jobs\n");
    all("sqs get-queue-attributes.json", "");
    all("sqs list-queue-tags.json", "");
    all("sns list-topics.txt", "arn:aws:sns:us-east-1:999999999999:t\n");
    stage
}

#[test]
fn the_script_exports_an_account() {
    let stage = stage();
    let output = stage.run(&["--regions", "us-east-1", "--services", "s3 sqs sns vpc-endpoints"]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let read = stage.read();
    let resource =
        |arn: &str| read.world.resources.iter().find(|r| r.arn.as_str() == arn).unwrap_or_else(|| panic!("{arn}"));
    assert!(
        matches!(&resource("arn:aws:s3:::site").policy, ResourcePolicy::Policy(p) if matches!(p.text, PolicyText::Known(_)))
    );
    assert_eq!(resource("arn:aws:s3:::bare").policy, ResourcePolicy::None);
    assert_eq!(resource("arn:aws:s3:::bare").tags, Some(vec![]));
    assert_eq!(resource("arn:aws:s3:::bare").s3_restrict_public_buckets, Some(false));
    // A queue that says nothing has no policy; a topic that was refused is not known.
    assert_eq!(resource("arn:aws:sqs:us-east-1:999999999999:jobs").policy, ResourcePolicy::None);
    assert_eq!(resource("arn:aws:sns:us-east-1:999999999999:t").policy, ResourcePolicy::NotExported);
    assert!(
        read.report.skipped.iter().any(|skipped| skipped.why.contains("AccessDenied")),
        "{:?}",
        read.report.skipped
    );
    assert!(!read.world.gaps.iter().any(|gap| matches!(gap.kind, GapKind::Identities | GapKind::Endpoints)));
    assert_eq!(read.world.roles.len(), 1);
}

#[test]
fn the_script_exports_an_organization_and_goes_on_where_it_stopped() {
    let stage = stage();
    let output = stage.run(&["--organization", "--no-resources"]);
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{told}");
    assert!(told.contains("1 accounts were not exported"), "{told}");
    let world = stage.read().world;
    assert_eq!(world.organizations[0].delegated_administrators.len(), 1);
    assert_eq!(world.guardrails[0].targets, ["r-ab12"]);
    let member = world.accounts.iter().find(|account| account.id.to_string() == MEMBER).expect("it was listed");
    assert_eq!(member.parent.as_deref(), Some("ou-ab12-11111111"));
    assert_eq!(member.name.as_deref(), Some("prod \"x\""));
    let open = |kind, subject: &str| world.gaps.iter().any(|gap| gap.kind == kind && gap.subject == subject);
    assert!(open(GapKind::Identities, MEMBER) && !open(GapKind::Identities, MANAGEMENT));
    assert!(!open(GapKind::Scps, "o-exampleorgid") && !open(GapKind::Hierarchy, MEMBER), "{:?}", world.gaps);
    let n_calls = stage.log().len();
    // Nothing that is there is fetched again; the role is tried where it is named.
    let again = stage.run(&["--organization", "--no-resources", "--role", "Audit"]);
    assert!(again.status.success());
    let new: Vec<String> = stage.log().split_off(n_calls);
    assert!(!new.iter().any(|call| call.starts_with("organizations describe-organization")), "{new:?}");
    assert!(
        new.iter().any(|call| call.starts_with("sts assume-role --role-arn arn:aws:iam::111122223333:role/Audit")),
        "{new:?}"
    );
}

/// Every call reads, and what it takes stands in the policy of docs/collecting.md.
#[test]
fn the_script_only_reads_and_the_docs_name_what_it_needs() {
    let stage = stage();
    // A listing of one thing for every kind, so that every command is run.
    for (name, text) in [
        ("kms list-keys", "arn:aws:kms:us-east-1:999999999999:key/1"),
        ("secretsmanager list-secrets", "arn:aws:secretsmanager:us-east-1:999999999999:secret:s-abcdef"),
        ("lambda list-functions", "arn:aws:lambda:us-east-1:999999999999:function:f"),
        ("lambda list-layers", "arn:aws:lambda:us-east-1:999999999999:layer:l"),
        ("lambda list-layer-versions", "1"),
        ("ecr describe-repositories", "app"),
        ("dynamodb list-tables", "t"),
        ("kinesis list-streams", "arn:aws:kinesis:us-east-1:999999999999:stream/s"),
        ("events list-event-buses", "default"),
        ("backup list-backup-vaults", "v"),
        ("efs describe-file-systems", "fs-1"),
        ("opensearch list-domain-names", "d"),
        ("s3control list-access-points", "ap"),
        ("codeartifact list-domains", "d"),
        ("codebuild list-projects", "p"),
        ("acm-pca list-certificate-authorities", "arn:aws:acm-pca:us-east-1:999999999999:certificate-authority/1"),
        ("sesv2 list-email-identities", "example.com"),
        ("ram list-resources", "arn:aws:ec2:us-east-1:999999999999:subnet/subnet-1"),
        ("iam list-users", "ana"),
        ("iam list-access-keys", "AKIDEXAMPLE"),
    ] {
        stage.answer(&format!("{name}.txt"), &format!("{text}\n"));
    }
    let output = stage.run(&["--organization", "--key-use"]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let docs = include_str!("../../docs/collecting.md");
    let mut commands: BTreeSet<(String, String)> = BTreeSet::new();
    for call in stage.log() {
        let mut words = call.split(' ');
        let service = words.next().unwrap_or_default().to_owned();
        let command = words.next().unwrap_or_default().to_owned();
        let reads = ["get-", "list-", "describe-"].iter().any(|beginning| command.starts_with(beginning));
        assert!(reads || command == "assume-role", "{call}");
        commands.insert((service, command));
    }
    assert!(commands.len() > 70, "{}", commands.len());
    let lacking: Vec<String> = commands
        .iter()
        .filter(|(service, _)| service != "sts")
        .map(|(service, command)| action(service, command))
        .filter(|action| !docs.contains(&format!("\"{action}\"")))
        .collect();
    assert_eq!(lacking, [] as [String; 0], "docs/collecting.md does not ask for these");
    // What was written, all of it refused or empty, is still an inventory.
    let read = stage.read();
    assert!(!read.world.accounts.is_empty());
}

/// The IAM action of a command of the command line.
fn action(service: &str, command: &str) -> String {
    let prefix = match service {
        "s3api" | "s3control" => "s3",
        "efs" => "elasticfilesystem",
        "opensearch" => "es",
        "sesv2" => "ses",
        "resourcegroupstaggingapi" => "tag",
        other => other,
    };
    let name: String = command
        .split('-')
        .map(|word| {
            let mut letters = word.chars();
            letters.next().map(|first| first.to_ascii_uppercase().to_string() + letters.as_str()).unwrap_or_default()
        })
        .collect();
    let name = match (service, name.as_str()) {
        ("s3api", "ListBuckets") => "ListAllMyBuckets",
        ("s3api", "GetPublicAccessBlock") => "GetBucketPublicAccessBlock",
        ("s3control", "GetPublicAccessBlock") => "GetAccountPublicAccessBlock",
        ("iam", "ListOpenIdConnectProviders") => "ListOpenIDConnectProviders",
        ("iam", "ListSamlProviders") => "ListSAMLProviders",
        ("ec2", "DescribeVpcEndpoints") => "DescribeVpcEndpoints",
        ("apigateway", _) => "GET",
        (_, name) => name,
    };
    format!("{prefix}:{name}")
}
