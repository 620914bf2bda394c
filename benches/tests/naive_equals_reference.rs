//! The naive evaluator decides as the reference does, or what is measured against it would mean nothing: some thousand
//! rows, or more than a hundred thousand with `IAMC_LONG=1` in the environment.

use iamc_bench_corpus::{Parameters, Shape, Templates, generate, requests};
use iamc_benches::naive::Naive;
use iamc_benches::rows;
use iamc_catalogue::Catalogue;
use iamc_policy::{Arn, Decision, World};
use std::collections::BTreeMap;

/// Compares `n` rows; returns how often each decision came.
fn compare(shape: Shape, seed: u64, n: usize) -> BTreeMap<String, usize> {
    let catalogue = Catalogue::embedded();
    let corpus = generate(shape, seed, Templates::built_in());
    let world = corpus.world(|_| ());
    let naive = Naive::new(&world, catalogue).expect("a corpus is in the subset");
    let mut seen = BTreeMap::new();
    for row in requests(&corpus, seed + 1).take(n) {
        let line = row.to_json();
        let request = rows::request(&row).expect("rows are request lines");
        let asked = naive.prepare(&request).unwrap_or_else(|why| panic!("{why:?}: {line}"));
        let answer = naive.decide(&asked).unwrap_or_else(|why| panic!("{why:?}: {line}"));
        let expected = iamc_reference::decide(&world, catalogue, &request).ok().map(|answer| answer.decision);
        assert_eq!(answer.decision, expected, "shape {}, seed {seed}: {line}", corpus.shape());
        *seen.entry(format!("{expected:?}")).or_insert(0) += 1;
    }
    seen
}

fn n(short: usize, long: usize) -> usize {
    if std::env::var_os("IAMC_LONG").is_some_and(|value| value == "1") { long } else { short }
}

#[test]
fn on_an_organization() {
    for seed in 1..=3 {
        let shape = Shape::Organization(Parameters { accounts: 6, ..Parameters::S });
        let seen = compare(shape, seed, n(700, 12_000));
        for decision in [Decision::Allow, Decision::ExplicitDeny, Decision::ImplicitDeny] {
            assert!(seen.contains_key(&format!("{:?}", Some(decision))), "{seen:?}");
        }
    }
}

#[test]
fn on_a_large_organization() {
    let shape = Shape::Organization(Parameters { accounts: 12, ..Parameters::M });
    assert!(compare(shape, 1, n(300, 30_000)).len() >= 3);
}

#[test]
fn on_principals_that_share_nothing() {
    let shape = "flat105:40".parse().expect("a shape");
    assert!(compare(shape, 1, n(1_000, 30_000)).len() >= 2);
}

#[test]
fn on_everything_hostile() {
    assert!(compare(Shape::Adversarial, 1, n(400, 12_000)).len() >= 3);
}

/// What the corpus asks for too seldom to rely on it.
#[test]
fn on_what_a_corpus_seldom_asks() {
    let corpus = generate(Shape::Organization(Parameters::S), 5, Templates::built_in());
    let world: World = corpus.world(|_| ());
    let catalogue = Catalogue::embedded();
    let naive = Naive::new(&world, catalogue).expect("a corpus is in the subset");
    let resources: Vec<&Arn> =
        world.resources.iter().map(|own| &own.arn).chain(world.roles.iter().map(|role| &role.identity.arn)).collect();
    let mut n_compared = 0;
    let step = n(9, 1);
    for (index, row) in requests(&corpus, 9).take(2_000).enumerate().step_by(step) {
        let mut request = rows::request(&row).expect("rows are request lines");
        // Anybody asks about anything: other accounts' resources with policies, roles that trust others.
        let arn = resources[index * 31 % resources.len()];
        let action = match arn.service() {
            "iam" => "sts:AssumeRole",
            "s3" => "s3:GetBucketPolicy",
            "kms" => ["kms:Decrypt", "kms:PutKeyPolicy"][index % 2],
            "sqs" => "sqs:SendMessage",
            "sns" => "sns:Publish",
            "lambda" => "lambda:InvokeFunction",
            _ => "secretsmanager:GetSecretValue",
        };
        request.action = action.parse().expect("an action");
        request.resources[0].resource = arn.as_str().parse().expect("an ARN");
        request.resources[0].account = world.resources.iter().find(|own| own.arn == *arn).and_then(|own| own.account);
        let asked = naive.prepare(&request).unwrap_or_else(|why| panic!("{why:?}: {request:?}"));
        let answer = naive.decide(&asked).expect("no dates");
        let expected = iamc_reference::decide(&world, catalogue, &request).ok().map(|answer| answer.decision);
        assert_eq!(answer.decision, expected, "{request:?}");
        n_compared += 1;
    }
    assert!(n_compared > 200);
}
