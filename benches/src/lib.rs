//! What things cost, each figure beside something that it is compared with.
//!
//! [`naive`] is a fair evaluator without an index, [`floor`] what the machine's memory alone costs, [`rows`] the requests
//! that are timed, [`machine`] where that was, [`timing`] how. The program `performance` prints the table of
//! docs/performance.md; the benches are for everyday work.

pub mod floor;
pub mod machine;
pub mod measure;
pub mod naive;
pub mod report;
pub mod rows;
pub mod timing;

use iamc_policy::document::Strictness;
use iamc_policy::world::{Account, IdentityRecord, NamedPolicy, User};
use iamc_policy::{AccountId, Policy, PolicyKind, World};

/// The account of [`world_of_statements`].
pub const ACCOUNT: &str = "111122223333";

/// The text of an identity policy of `n_statements` statements, four kinds in turn: exact actions on exact ARNs, verb
/// wildcards on prefixes, a condition on tags, a Deny. Only the last one allows `s3:GetObject` on the bucket `last`.
///
/// Panics: never.
pub fn policy_text(n_statements: usize) -> String {
    let statements: Vec<String> = (0..n_statements)
        .map(|i| match (i + 1 == n_statements, i % 4) {
            (true, _) => {
                r#"{"Effect":"Allow","Action":"s3:GetObject","Resource":"arn:aws:s3:::last/*"}"#.to_owned()
            }
            (_, 0) => format!(
                r#"{{"Effect":"Allow","Action":["sqs:SendMessage","s3:GetObject"],"Resource":["arn:aws:sqs:us-east-1:{ACCOUNT}:queue-{i}","arn:aws:s3:::bucket-{i}/*"]}}"#
            ),
            (_, 1) => format!(r#"{{"Effect":"Allow","Action":"s3:Get*","Resource":"arn:aws:s3:::app-{i}-*/*"}}"#),
            (_, 2) => format!(
                r#"{{"Effect":"Allow","Action":"s3:*","Resource":"*","Condition":{{"StringEquals":{{"aws:ResourceTag/team":"team-{i}","aws:PrincipalTag/team":"${{aws:ResourceTag/team}}"}}}}}}"#
            ),
            _ => format!(
                r#"{{"Effect":"Deny","Action":"s3:*","Resource":"arn:aws:s3:::secret-{i}/*","Condition":{{"Bool":{{"aws:SecureTransport":"false"}}}}}}"#
            ),
        })
        .collect();
    format!(r#"{{"Version":"2012-10-17","Statement":[{}]}}"#, statements.join(","))
}

/// A world of one account with one user, `ana`, who has that policy.
///
/// Panics: if `text` is no valid identity policy.
pub fn world_of_statements(text: &str) -> World {
    let account: AccountId = ACCOUNT.parse().expect("twelve digits");
    let parsed = Policy::parse(PolicyKind::Identity, Strictness::Strict, text);
    let policy = parsed.policy.expect("the benchmark's policy is valid");
    let identity = IdentityRecord {
        arn: format!("arn:aws:iam::{ACCOUNT}:user/ana").parse().expect("a literal ARN"),
        unique_id: None,
        inline: vec![NamedPolicy::new("bench", policy)],
        attached: Vec::new(),
        boundary: None,
        tags: Some(Vec::new()),
        place: None,
    };
    World {
        assume_complete: true,
        accounts: vec![Account {
            id: account,
            name: None,
            parent: None,
            canonical_user: None,
            s3_restrict_public_buckets: None,
            place: None,
        }],
        users: vec![User { identity, groups: Vec::new() }],
        ..World::default()
    }
}
