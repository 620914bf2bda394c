//! What the compiler holds for each statement of an organization: at most at once, and in what it returns.
//!
//! Twenty accounts with the parameters of M; all of M with `IAMC_LONG=1` in the environment. Memory that does not grow
//! with statements (the catalogue, guardrails, managed policies) weighs more in the small one.

use iamc_bench_corpus::{Parameters, Shape};
use iamc_benches::measure::{corpus, n_statements};
use iamc_catalogue::Catalogue;
use iamc_compiler::{Limits, compile};
use iamc_policy::World;

#[global_allocator]
static ALLOCATOR: dhat::Alloc = dhat::Alloc;

/// Bytes a statement at once while compiling, the world aside.
const PEAK_MAX: u64 = 1_000;
/// Bytes a statement of the compiled set.
const HELD_MAX: u64 = 500;
/// Heap blocks a statement while compiling, from first to last: short lists of a document lie in an arena.
const BLOCKS_MAX: u64 = 20;

#[test]
fn compiling_holds_so_many_bytes_a_statement() {
    let long = std::env::var_os("IAMC_LONG").is_some_and(|value| value == "1");
    let accounts = if long { Parameters::M.accounts } else { 20 };
    let world = corpus(&Shape::Organization(Parameters { accounts, ..Parameters::M })).world(|_| ());
    let catalogue = Catalogue::embedded();
    let n = n_statements(&world) as u64;
    // What is made once for the whole process, such as the catalogue, belongs to no statement.
    compile(&World::default(), catalogue, &Limits::default()).expect("nothing is within the limits");

    let _profiler = dhat::Profiler::builder().testing().build();
    let set = compile(&world, catalogue, &Limits::default()).expect("the shape is within the limits");
    let after = dhat::HeapStats::get();
    let (peak, held) = (after.max_bytes as u64 / n, after.curr_bytes as u64 / n);
    let blocks = after.total_blocks / n;
    println!("{n} statements, {peak} bytes each at the peak, {held} held, {blocks} blocks each");
    drop(set);
    dhat::assert!(peak <= PEAK_MAX, "{peak} bytes a statement at the peak");
    dhat::assert!(held <= HELD_MAX, "{held} bytes a statement held");
    dhat::assert!(blocks <= BLOCKS_MAX, "{blocks} blocks a statement");
    let left = dhat::HeapStats::get().curr_bytes;
    dhat::assert!(left < 64 << 10, "{left} bytes are left behind");
}
