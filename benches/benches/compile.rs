//! Compiling and loading S, small enough for every day. The figures that count are those of the program `performance`.

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use iamc_benches::measure::{corpus, n_statements};
use iamc_catalogue::Catalogue;
use iamc_compiler::{Limits, compile};
use iamc_runtime::CompiledPolicySet;
use std::hint::black_box;

fn compiler(criterion: &mut Criterion) {
    let world = corpus(&"S".parse().expect("a shape")).world(|_| ());
    let set = compile(&world, Catalogue::embedded(), &Limits::default()).expect("S is within the limits");
    let image = set.to_bytes();

    let mut group = criterion.benchmark_group("S");
    group.sample_size(10).throughput(Throughput::Elements(n_statements(&world) as u64));
    group.bench_function("compile", |bencher| {
        bencher.iter(|| compile(black_box(&world), Catalogue::embedded(), &Limits::default()));
    });
    group.throughput(Throughput::Bytes(image.len() as u64));
    group.bench_function("load and validate", |bencher| {
        bencher.iter(|| CompiledPolicySet::load(black_box(&image)));
    });
    group.finish();
}

criterion_group!(benches, compiler);
criterion_main!(benches);
