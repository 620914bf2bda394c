//! The pattern index on generated organizations and on the adversarial one: it finds what comparing every pattern finds,
//! compares few, and stays small.

use iamc_bench_corpus::{Shape, Templates, generate};
use iamc_catalogue::Catalogue;
use iamc_compiler::{Limits, Strategies, compile, strategies};
use iamc_runtime::{CompiledPolicySet, IndexScratch};

fn set(shape: &str, seed: u64) -> (CompiledPolicySet, Vec<String>) {
    let shape: Shape = shape.parse().expect("the name of a shape");
    let world = generate(shape, seed, Templates::built_in()).world(|_| ());
    let set = compile(&world, Catalogue::embedded(), &Limits::default()).expect("a small world");
    let mut arns: Vec<String> = world.resources.iter().map(|resource| resource.arn.to_string()).collect();
    arns.extend(world.roles.iter().map(|role| role.identity.arn.to_string()).take(500));
    // What the adversarial patterns nearly match.
    arns.extend([
        format!("arn:aws:s3:::{}", "abcdefghijklmnopqrstuvwxyz".repeat(20)),
        format!("arn:aws:s3:::{}", "a".repeat(600)),
        "arn:aws:s3:::bucket-7/x/xé7/y".to_owned(),
        "arn:aws:s3:::b/日本語/xéy\u{1F600}".to_owned(),
        "arn:aws:s3:::reports-2026/quarter/aaaaaaaaaaaaaaab".to_owned(),
    ]);
    let account = arns.iter().find_map(|arn| arn.split(':').nth(4).filter(|account| !account.is_empty()));
    if let Some(account) = account {
        arns.push(format!("arn:aws:iam::{account}:role/team-59-a-xyz"));
    }
    (set, arns)
}

/// Compares index and scan on every ARN; patterns compared an ARN, and the strategies.
fn check(shape: &str) -> (f64, Strategies) {
    let (set, arns) = set(shape, 3);
    let mut scratch = IndexScratch::default();
    let (mut found, mut scanned) = (Vec::new(), Vec::new());
    let mut n_found = 0;
    for arn in &arns {
        set.matching_patterns(arn, &mut scratch, &mut found);
        set.scan_patterns(arn, &mut scratch, &mut scanned);
        assert_eq!(found, scanned, "{arn}");
        n_found += found.len();
    }
    assert!(n_found > 2 * arns.len(), "{shape}: {n_found} found");
    (scratch.n_compared() as f64 / arns.len() as f64, strategies(&set))
}

#[test]
fn an_organization_compares_few_and_the_index_is_small() {
    let (n_compared, strategies) = check("S");
    assert!(n_compared < 8.0, "{n_compared} compared an ARN");
    let n_patterns: usize = strategies.for_patterns().iter().map(|(_, n)| n).sum();
    assert!(strategies.patterns.heap_bytes < 24 * n_patterns, "{strategies:?}");
    let served = |strategy: &str| {
        let all = [&strategies.for_patterns()[..], &strategies.for_action_texts()].concat();
        all.iter().find(|(name, _)| *name == strategy).map_or(0, |(_, n)| *n)
    };
    for strategy in ["whole_text", "literal_head", "token_pair", "token", "glob_of_few", "bisection"] {
        assert!(served(strategy) > 0, "{strategy}: {strategies:?}");
    }
    assert_eq!((strategies.patterns.n_refused, strategies.action_texts.n_refused), (0, 0));
}

#[test]
fn the_adversarial_patterns_are_found_by_pieces() {
    let (n_compared, strategies) = check("adversarial");
    let patterns = strategies.patterns;
    assert!(patterns.piece > 50 && patterns.n_crowded > 0 && patterns.n_refused == 0, "{patterns:?}");
    // The bucket of `*a*b*c*` holds 90 patterns, which a text of all letters may match.
    assert!(n_compared < 90.0, "{n_compared} compared an ARN");
    let n_patterns: usize = strategies.for_patterns().iter().map(|(_, n)| n).sum();
    assert!(patterns.heap_bytes < 200 * n_patterns, "{patterns:?}");
}
