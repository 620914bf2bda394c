//! Memory is proportional to what is kept: at no moment does reading hold more than half as much again as the inventory
//! that it gives back. One test a file, since a process has one profiler.

#![allow(clippy::unwrap_used, reason = "a test panics")]

use iamc_bench_corpus::{Parameters, Shape, Templates, generate, write_exports};
use iamc_inventory::{Options, read_folder};
use std::ops::ControlFlow;

#[global_allocator]
static ALLOCATOR: dhat::Alloc = dhat::Alloc;

#[test]
fn reading_holds_at_most_half_as_much_again_as_it_keeps() {
    let folder = tempfile::tempdir().unwrap();
    let target = folder.path().join("export");
    let parameters = match std::env::var("IAMC_ALL").as_deref() {
        Ok("L") => Parameters::L,
        Ok(_) => Parameters::M,
        Err(_) => Parameters { accounts: 20, ..Parameters::M },
    };
    let shape = Shape::Organization(parameters);
    write_exports(&generate(shape, 1, Templates::built_in()), &target, |_| ControlFlow::Continue(())).unwrap();
    let paths = [target];
    let options = Options { threads: Some(1), ..Options::default() };

    let _profiler = dhat::Profiler::builder().testing().build();
    let read = read_folder(&paths, &options, &|_| {}).unwrap();
    let stats = dhat::HeapStats::get();
    let (kept, most) = (stats.curr_bytes as f64, stats.max_bytes as f64);
    println!("{} bytes read, {kept} kept, {most} at most: {:.2}", read.report.n_bytes, most / kept);
    assert!(most <= 1.5 * kept, "{most} bytes at most, {kept} kept");
}
