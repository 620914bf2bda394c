//! The pattern index against comparing every pattern, with buckets that are crowded on purpose.

use crate::scene::{alone, compiled};
use iamc_runtime::{CROWD_MIN, IndexScratch};
use iamc_testkit::generators::{Entropy, expansion, wild_resource};

pub(crate) fn judge(bytes: &[u8]) -> u64 {
    let mut entropy = Entropy::new(bytes);
    let mut patterns: Vec<String> = (0..1 + entropy.below(24)).map(|_| wild_resource(&mut entropy)).collect();
    // More patterns than a bucket holds that spell out the same and differ behind a wildcard, or in nothing at all.
    if entropy.chance(50) {
        let head = *entropy.pick(&["arn:aws:s3:::a*", "arn:aws:s3:::*a*", "arn:aws:*:::*", "arn:aws:s3:::a*?*"]);
        let tail = *entropy.pick(&["*", "", "?", ":*", "*a*b*"]);
        let wide = entropy.chance(50);
        for index in 0..CROWD_MIN + 2 + entropy.below(8) {
            let piece = if wide { format!("{index}") } else { "ab".repeat(index % 40) };
            patterns.push(format!("{head}{piece}{tail}"));
        }
    }
    let variables = ["${aws:username}", "${aws:PrincipalTag/team, 'a'}"];
    for pattern in &mut patterns {
        if entropy.chance(10) {
            pattern.push_str(entropy.pick::<&str>(&variables));
        }
    }
    let policy = serde_json::json!({"Version": "2012-10-17",
        "Statement": {"Effect": "Allow", "Action": "*", "Resource": patterns}});
    let Some(world) = alone(&policy.to_string()) else { return 0 };
    let set = compiled(&world);
    let mut scratch = IndexScratch::default();
    let (mut found, mut scanned) = (Vec::new(), Vec::new());
    let mut n = 0;
    for _ in 0..8 {
        let pattern = entropy.pick(&patterns).replace("${aws:username}", "*");
        let arn = expansion(&mut entropy, &pattern);
        set.matching_patterns(&arn, &mut scratch, &mut found);
        set.scan_patterns(&arn, &mut scratch, &mut scanned);
        assert_eq!(found, scanned, "`{arn}` among {patterns:?}");
        n += patterns.len() as u64;
    }
    n
}

#[cfg(test)]
mod tests {
    use super::*;
    use iamc_testkit::generators::bytes_of_seed;

    /// The inputs do crowd buckets: without that the second half of the index would never be asked.
    #[test]
    fn buckets_are_crowded() {
        let n_compared: u64 = (0..200).map(|seed| judge(&bytes_of_seed(seed, 2_048))).sum();
        assert!(n_compared > 200 * 8 * CROWD_MIN as u64 / 2, "{n_compared}");
    }
}
