//! Exports that each reader knows, from which others are made. They are those of the tests of the readers.

use serde_json::{Map, Value};
use std::sync::LazyLock;

/// The values of these files, of which each may hold several one after the other.
macro_rules! values {
    ($($name:literal),* $(,)?) => {
        LazyLock::new(|| {
            let texts = [$(include_str!(concat!("../../../inventory/tests/exports/", $name))),*];
            texts.into_iter().flat_map(values_of).collect()
        })
    };
}

/// A store as [`iamc_inventory::bytes::collect`] takes it: path -> content.
macro_rules! store {
    ($($path:literal),* $(,)?) => {
        LazyLock::new(|| {
            let files = [$((
                $path,
                include_str!(concat!("../../../inventory/tests/exports/collect/iam-data/aws/aws/", $path)),
            )),*];
            let value = |text: &str| serde_json::from_str::<Value>(text).expect("a sample is JSON");
            files.into_iter().map(|(path, text)| (path.to_owned(), value(text))).collect()
        })
    };
}

pub(crate) type Values = LazyLock<Vec<Value>>;

pub(crate) static DETAILS: Values = values![
    "odd/accounts/222222222222.json",
    "odd/accounts/a-last-page.json",
    "odd/accounts/b-first-page.json",
    "truncated/details.json",
    "contradictions/monday.json",
    "contradictions/tuesday.json",
];

pub(crate) static ORGANIZATION: Values = values![
    "forms/bundle/organization.json",
    "forms/wrapped/all.json",
    "forms/other-side/all.ndjson",
    "forms/folders/describe-organization.json",
    "forms/folders/list-accounts.json",
    "forms/folders/list-policies.json",
    "forms/folders/list-roots.json",
    "odd/organizations/list-accounts.page2.json",
    "truncated/organizations/list-delegated-administrators.json",
];

pub(crate) static OUTPUTS: Values =
    values!["services/all.jsonl", "wrapped/all.jsonl", "contradictions/bucket.ndjson", "forms/wrapped/all.json"];

/// Whole files, and the items of a snapshot by themselves.
pub(crate) static CONFIG: Values = LazyLock::new(|| {
    let files: Values = values![
        "config/history.json",
        "config/select-aggregate-resource-config.json",
        "config/111122223333_Config_us-east-1_ConfigSnapshot_20260901T100000Z_0f1d63cc.json",
    ];
    let items = files.iter().filter_map(|file| file["configurationItems"].as_array()).flatten();
    files.iter().chain(items).cloned().collect()
});

pub(crate) static LINES: Values = values!["odd/own.jsonl", "../lines/everything.jsonl"];

pub(crate) static STORE: LazyLock<Map<String, Value>> = store![
    "accounts/111122223333/ec2/us-east-1/vpc-endpoint/vpce-1/metadata.json",
    "accounts/111122223333/ec2/us-east-1/vpc-endpoint/vpce-1/policy.json",
    "accounts/111122223333/glue/us-east-1/catalog/metadata.json",
    "accounts/111122223333/glue/us-east-1/catalog/policy.json",
    "accounts/111122223333/iam/aws/policy/readonlyaccess/metadata.json",
    "accounts/111122223333/iam/aws/policy/readonlyaccess/policy.json",
    "accounts/111122223333/iam/group/staff%2fadmins/inline-policies.json",
    "accounts/111122223333/iam/group/staff%2fadmins/metadata.json",
    "accounts/111122223333/iam/instance-profile/deploy/metadata.json",
    "accounts/111122223333/iam/oidc-provider/token.actions.githubusercontent.com/metadata.json",
    "accounts/111122223333/iam/policy/limit/metadata.json",
    "accounts/111122223333/iam/policy/limit/policy.json",
    "accounts/111122223333/iam/role/ci%2fdeploy/inline-policies.json",
    "accounts/111122223333/iam/role/ci%2fdeploy/managed-policies.json",
    "accounts/111122223333/iam/role/ci%2fdeploy/metadata.json",
    "accounts/111122223333/iam/role/ci%2fdeploy/tags.json",
    "accounts/111122223333/iam/role/ci%2fdeploy/trust-policy.json",
    "accounts/111122223333/iam/user/ana/groups.json",
    "accounts/111122223333/iam/user/ana/metadata.json",
    "accounts/111122223333/kms/us-east-1/key/aws-one/metadata.json",
    "accounts/111122223333/organization.json",
    "accounts/111122223333/ram/us-east-1/arn-aws-ec2-us-east-1-111122223333-subnet-subnet-1.json",
    "accounts/111122223333/s3/bare/metadata.json",
    "accounts/111122223333/s3/bpa.json",
    "accounts/111122223333/s3/site/bpa.json",
    "accounts/111122223333/s3/site/encryption.json",
    "accounts/111122223333/s3/site/metadata.json",
    "accounts/111122223333/s3/site/policy.json",
    "accounts/111122223333/s3/site/tags.json",
    "indexes/accounts-to-orgs.json",
    "indexes/buckets-to-accounts.json",
    "organizations/o-exampleorgid/accounts.json",
    "organizations/o-exampleorgid/delegated-admins.json",
    "organizations/o-exampleorgid/metadata.json",
    "organizations/o-exampleorgid/ous/ou-ab12-11111111/metadata.json",
    "organizations/o-exampleorgid/ous/ou-ab12-11111111/tags.json",
    "organizations/o-exampleorgid/ous/r-ab12/metadata.json",
    "organizations/o-exampleorgid/scps/p-11111111/metadata.json",
    "organizations/o-exampleorgid/scps/p-11111111/policy.json",
    "organizations/o-exampleorgid/scps/p-fullawsaccess/metadata.json",
    "organizations/o-exampleorgid/structure.json",
];

fn values_of(text: &str) -> Vec<Value> {
    let text: String = text.lines().filter(|line| !line.starts_with("//")).collect();
    let values = serde_json::Deserializer::from_str(&text).into_iter::<Value>();
    let values: Vec<Value> = values.collect::<Result<_, _>>().expect("a sample is JSON");
    // One list of outputs is as many values.
    let flat = |value: Value| match value {
        Value::Array(items) => items,
        value => vec![value],
    };
    values.into_iter().flat_map(flat).collect()
}
