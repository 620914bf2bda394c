//! What the pattern index costs and saves: building it, asking it, and the loop over every pattern beside it.
//!
//! `PATTERNS_SHAPE` names another shape than M. What no clock tells (bytes a pattern, patterns compared an ARN, how many
//! each strategy serves) is printed first.

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use iamc_bench_corpus::{Shape, Templates, generate};
use iamc_catalogue::Catalogue;
use iamc_compiler::{Compiler, Limits, strategies};
use iamc_runtime::{CompiledPolicySet, IndexScratch};
use std::hint::black_box;

fn compiled(name: &str) -> CompiledPolicySet {
    let shape: Shape = name.parse().expect("the name of a shape");
    let corpus = generate(shape, 1, Templates::built_in());
    let organization = corpus.organization_fragment();
    let mut compiler =
        Compiler::new(Catalogue::embedded(), &organization.settings, organization.assume_complete, &Limits::default());
    compiler.add(&organization).expect("the organization fits the limits");
    for index in 0..corpus.n_accounts() {
        let mut account = corpus.account_fragment(index);
        account.assume_complete = organization.assume_complete;
        compiler.add(&account).expect("an account fits the limits");
    }
    compiler.finish().expect("the corpus fits the limits")
}

fn patterns(criterion: &mut Criterion) {
    let name = std::env::var("PATTERNS_SHAPE").unwrap_or_else(|_| "M".to_owned());
    let set = compiled(&name);
    let bytes = set.to_bytes();
    let tables = set.tables();
    let arns: Vec<&str> =
        tables.resources.chunks_exact(iamc_runtime::layout::RESOURCE_ROW).map(|row| set.text(row[0])).collect();
    let sample: Vec<&str> = arns.iter().step_by((arns.len() / 1_000).max(1)).copied().collect();

    let (mut scratch, mut out) = (IndexScratch::default(), Vec::new());
    let mut n_found = 0;
    for arn in &arns {
        set.matching_patterns(arn, &mut scratch, &mut out);
        n_found += out.len();
    }
    let n_patterns: usize = strategies(&set).for_patterns().iter().map(|(_, n)| n).sum();
    let each = |n: u64| n as f64 / arns.len() as f64;
    println!(
        "{name}: {n_patterns} patterns, {:.1} bytes of index each; {} ARNs, each compared with {:.1} and matched by {:.1}",
        strategies(&set).patterns.heap_bytes as f64 / n_patterns as f64,
        arns.len(),
        each(scratch.n_compared()),
        each(n_found as u64),
    );
    println!("{:?}\n{:?}", strategies(&set).for_patterns(), strategies(&set).for_action_texts());

    let mut group = criterion.benchmark_group(format!("patterns of {name}"));
    group.sample_size(10);
    group.bench_function("build the index", |bencher| {
        // A set builds its index once, so each round needs a set of its own.
        bencher.iter_batched(
            || CompiledPolicySet::load(&bytes).expect("what was written is read"),
            |fresh| {
                black_box(fresh.pattern_index().counts());
                fresh
            },
            BatchSize::PerIteration,
        );
    });
    group.throughput(Throughput::Elements(sample.len() as u64));
    group.bench_function("ask the index", |bencher| {
        bencher.iter(|| {
            for arn in &sample {
                set.matching_patterns(black_box(arn), &mut scratch, &mut out);
                black_box(&out);
            }
        });
    });
    let few = &sample[..sample.len().min(20)];
    group.throughput(Throughput::Elements(few.len() as u64));
    group.bench_function("compare every pattern", |bencher| {
        bencher.iter(|| {
            for arn in few {
                set.scan_patterns(black_box(arn), &mut scratch, &mut out);
                black_box(&out);
            }
        });
    });
    group.finish();
}

criterion_group!(benches, patterns);
criterion_main!(benches);
