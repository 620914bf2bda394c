//! Questions about everybody on S, small enough for every day. The figures that count are those of the program
//! `performance`.

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use iamc_benches::measure::sets::{questions, usual_context};
use iamc_benches::measure::{Case, Failure};
use iamc_runtime::{Inverse, PrincipalId, QuestionScratch, Scope, Scratch, decide_ids, who_can_ids};
use std::sync::Arc;

fn sets(criterion: &mut Criterion) {
    let shape = "S".parse().expect("a shape");
    let case: Result<(Case, ()), Failure> = Case::new(&shape, |_| Ok(()));
    let (case, ()) = case.expect("S is compiled");
    let asked = questions(&case, 100);
    let set = Arc::new(case.set);
    let inverse = Inverse::new(Arc::clone(&set));
    let context = usual_context("203.0.113.7");
    let n_pairs = u64::from(set.n_principals()) * asked.len() as u64;
    let mut group = criterion.benchmark_group("who can, S");
    group.sample_size(10).throughput(Throughput::Elements(n_pairs));
    let mut scratch = QuestionScratch::default();
    group.bench_function("everybody at once", |bencher| {
        bencher.iter(|| {
            let ask = |(action, resource)| {
                who_can_ids(&inverse, action, resource, &context, Scope::All, &mut scratch)
                    .map_or(0, |found| found.counts().0)
            };
            asked.iter().copied().map(ask).sum::<u64>()
        });
    });
    let mut own = Scratch::new(&set);
    group.bench_function("one by one", |bencher| {
        bencher.iter(|| {
            let mut sum = 0;
            for (action, resource) in &asked {
                for id in (0..set.n_principals()).map(PrincipalId::new) {
                    sum += u64::from(decide_ids(&set, id, *action, *resource, &context, &mut own).bits());
                }
            }
            sum
        });
    });
    group.finish();
    criterion.bench_function("a set turned round, S", |bencher| bencher.iter(|| Inverse::new(Arc::clone(&set))));
}

criterion_group!(benches, sets);
criterion_main!(benches);
