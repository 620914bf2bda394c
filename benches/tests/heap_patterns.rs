//! Questions to the pattern index allocate nothing once their buffers have grown. One test a file, since a process has
//! one profiler.

use iamc_bench_corpus::{Parameters, Shape, Templates, generate};
use iamc_catalogue::Catalogue;
use iamc_compiler::{Limits, compile};
use iamc_runtime::IndexScratch;

#[global_allocator]
static ALLOCATOR: dhat::Alloc = dhat::Alloc;

#[test]
fn a_hundred_thousand_resources_allocate_no_block() {
    let shape = Shape::Organization(Parameters { accounts: 6, ..Parameters::S });
    let world = generate(shape, 1, Templates::built_in()).world(|_| ());
    let set = compile(&world, Catalogue::embedded(), &Limits::default()).expect("a small world");
    let arns: Vec<String> = world.resources.iter().map(|resource| resource.arn.to_string()).collect();
    let (mut scratch, mut out) = (IndexScratch::default(), Vec::new());
    let mut ask = || {
        arns.iter()
            .map(|arn| {
                set.matching_patterns(arn, &mut scratch, &mut out);
                out.len()
            })
            .sum::<usize>()
    };
    assert!(ask() > arns.len(), "every resource is matched by something");

    let _profiler = dhat::Profiler::builder().testing().build();
    let before = dhat::HeapStats::get();
    for _ in 0..(100_000 / arns.len()) {
        std::hint::black_box(ask());
    }
    let after = dhat::HeapStats::get();
    dhat::assert_eq!(after.total_blocks - before.total_blocks, 0);
}
