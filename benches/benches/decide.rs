//! Point decisions on S, small enough for every day: by number, by text, with the reason; beside them the naive evaluator
//! and the floor. The figures that count are those of the program `performance`.

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use iamc_benches::floor::Floor;
use iamc_benches::measure::{Case, point};
use iamc_benches::rows::Rows;
use iamc_runtime::{Scratch, explain};
use std::hint::black_box;

const ROWS: usize = 2_000;

fn decide(criterion: &mut Criterion) {
    let shape = "S".parse().expect("a shape");
    let (case, naive) = Case::new(&shape, point::naive).expect("S is compiled and lowered");
    let rows = Rows::scattered(&case.corpus, &case.set, ROWS);
    let asked = point::prepared(&naive, &rows).expect("rows are in the naive evaluator's subset");
    point::agree(&case.set, &rows, &naive, &asked).expect("the engines agree");
    let floor = Floor::new(0);
    let mut scratch = Scratch::new(&case.set);

    let mut group = criterion.benchmark_group("decide S scattered");
    group.sample_size(10).throughput(Throughput::Elements(rows.ids.len() as u64));
    group.bench_function("by number", |bencher| bencher.iter(|| point::by_number(&case.set, &rows, &mut scratch)));
    group.bench_function("by text", |bencher| bencher.iter(|| point::by_text(&case.set, &rows, &mut scratch)));
    group.bench_function("naive", |bencher| bencher.iter(|| point::naively(&naive, &asked)));
    group.bench_function("serial floor", |bencher| bencher.iter(|| floor.serial(black_box(&rows.names))));
    group.bench_function("bulk floor", |bencher| bencher.iter(|| floor.bulk(black_box(&rows.names))));
    group.finish();

    let mut group = criterion.benchmark_group("explain S scattered");
    group.sample_size(10).throughput(Throughput::Elements(100));
    group.bench_function("by text", |bencher| {
        bencher.iter(|| {
            rows.requests[..100]
                .iter()
                .filter(|request| explain(&case.set, request, None, &mut scratch).is_ok())
                .count()
        });
    });
    group.finish();
}

criterion_group!(benches, decide);
criterion_main!(benches);
