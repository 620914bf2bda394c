//! Batches on S, small enough for every day. The figures that count are those of the program `performance`.

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use iamc_benches::measure::batch::{Kind, batch, decide};
use iamc_benches::measure::{Case, Failure};
use iamc_runtime::batch::BatchScratch;

const ROWS: usize = 100_000;

fn batches(criterion: &mut Criterion) {
    let shape = "S".parse().expect("a shape");
    let case: Result<(Case, ()), Failure> = Case::new(&shape, |_| Ok(()));
    let (case, ()) = case.expect("S is compiled");
    let mut codes = vec![0; ROWS];
    let mut group = criterion.benchmark_group("batch S");
    group.sample_size(10).throughput(Throughput::Elements(ROWS as u64));
    for (name, kind) in [("scattered", Kind::Scattered), ("hot", Kind::Hot), ("as it comes", Kind::AsItComes)] {
        let (batch, _) = batch(&case.corpus, &case.set, ROWS, kind);
        for n_threads in [1, 2] {
            let mut scratch = BatchScratch::new().with_threads(n_threads);
            group.bench_function(format!("{name}, {n_threads} threads"), |bencher| {
                bencher.iter(|| decide(&case.set, &batch, &mut scratch, &mut codes));
            });
        }
    }
    group.finish();
}

criterion_group!(benches, batches);
criterion_main!(benches);
