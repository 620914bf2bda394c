//! Requests for the adversarial shape: long texts that nearly match, and the one character that decides.

use super::{AccountEntry, Row, context};
use crate::names;
use crate::rng::Rng;
use iamc_policy::Arn;

/// One row. The few roles with an extreme document are asked about as often as the crowd.
pub(super) fn row(accounts: &[AccountEntry], rng: &mut Rng, id: u64) -> Option<Row> {
    let open: Vec<&AccountEntry> = accounts.iter().filter(|account| !account.roles.is_empty()).collect();
    if open.is_empty() {
        return None;
    }
    let account = *rng.pick(&open);
    let role = &rng.pick(&account.roles).name;
    let principal = format!("arn:aws:sts::{}:assumed-role/{role}/session", account.id);
    let owner = &rng.pick(&open).id;
    let (action, resource) = match rng.below(5) {
        0 => ("sts:AssumeRole".to_owned(), format!("arn:aws:iam::{owner}:role/{}", team_role(rng))),
        1 => ("sqs:SendMessage".to_owned(), format!("arn:aws:sqs:eu-west-1:{owner}:everyone")),
        2 => ("ec2:DescribeInstances".to_owned(), "*".to_owned()),
        3 => (format!("s3:{}", "Get".repeat(1 + rng.below(80))), bucket_or_object(owner, rng)),
        _ => ("s3:GetObject".to_owned(), bucket_or_object(owner, rng)),
    };
    let resource_account = resource.starts_with("arn:aws:s3:::").then(|| owner.clone());
    let context = context(names::REGIONS[0], &action, rng);
    Some(Row { id, principal, action, resource, resource_account, context })
}

fn team_role(rng: &mut Rng) -> String {
    format!("team-{}-{}-x{}", rng.below(64), "-x".repeat(rng.below(200)), rng.below(10))
}

fn bucket_or_object(owner: &str, rng: &mut Rng) -> String {
    let name = match rng.below(6) {
        // The twins' object, whole or with one letter changed.
        0 => {
            let mut name = "a".repeat(16);
            let at = rng.below(16);
            if rng.chance(0.7) {
                name.replace_range(at..at + 1, "b");
            }
            format!("reports-2026/quarter/{name}")
        }
        1 => format!("bucket-{0}/a/x1{0}/{1}", rng.below(85), "z".repeat(rng.below(900))),
        // Letters in turn, over and over, for patterns of letters and stars: the last one is missing now and then.
        2 => {
            let n = 26 * rng.below(130) + rng.below(26);
            (0..n + 1).map(|i| char::from(b'a' + (i % 26) as u8)).collect()
        }
        // Only the first letter of such a pattern: whoever goes back for every star never comes home.
        3 => "a".repeat(1 + rng.below(4_000)),
        4 => format!("home/{}/x", rng.pick(&["nobody", "everyone", ""])),
        _ => format!("big-{owner}/{}/{}", rng.below(100), "q".repeat(rng.below(500))),
    };
    let mut arn = format!("arn:aws:s3:::{name}");
    arn.truncate(Arn::BYTES_MAX);
    arn
}
