//! The reference evaluator over 200 statements (bar: under 1 ms a decision), with the parsing of the same policy
//! apart, so that each figure has the other beside it.

use criterion::{Criterion, criterion_group, criterion_main};
use iamc_benches::{ACCOUNT, policy_text, world_of_statements};
use iamc_catalogue::Catalogue;
use iamc_policy::document::Strictness;
use iamc_policy::{Decision, Policy, PolicyKind, Principal, Request};
use std::hint::black_box;

fn reference(criterion: &mut Criterion) {
    let text = policy_text(200);
    let world = world_of_statements(&text);
    let principal = Principal::from_arn(&format!("arn:aws:iam::{ACCOUNT}:user/ana")).expect("a literal ARN");
    let mut request = Request::new(
        principal,
        "s3:GetObject".parse().expect("a literal action"),
        "arn:aws:s3:::last/report.csv".parse().expect("a literal ARN"),
    );
    request.resources[0].account = ACCOUNT.parse().ok();
    let catalogue = Catalogue::embedded();
    let answer = iamc_reference::decide(&world, catalogue, &request).expect("a well-formed request");
    assert_eq!(answer.decision, Decision::Allow);

    let mut group = criterion.benchmark_group("200 statements");
    group.bench_function("decide with the reference", |bencher| {
        bencher.iter(|| iamc_reference::decide(black_box(&world), catalogue, black_box(&request)));
    });
    group.bench_function("parse the policy", |bencher| {
        bencher.iter(|| Policy::parse(PolicyKind::Identity, Strictness::Lenient, black_box(&text)));
    });
    group.finish();
}

criterion_group!(benches, reference);
criterion_main!(benches);
