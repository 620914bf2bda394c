//! A decision allocates nothing once its scratch has grown: requests in text, over a generated organization, closed
//! and open. One test a file, since a process has one profiler.

use iamc_bench_corpus::{Parameters, Shape, Templates, generate, requests};
use iamc_catalogue::Catalogue;
use iamc_compiler::{Limits, compile};
use iamc_inventory::request::read_line;
use iamc_policy::document::Strictness;
use iamc_policy::{Mode, Request};
use iamc_runtime::{Scratch, decide};

#[global_allocator]
static ALLOCATOR: dhat::Alloc = dhat::Alloc;

#[test]
fn a_hundred_thousand_decisions_allocate_no_block() {
    let shape = Shape::Organization(Parameters { accounts: 6, ..Parameters::S });
    let corpus = generate(shape, 1, Templates::built_in());
    let world = corpus.world(|_| ());
    let set = compile(&world, Catalogue::embedded(), &Limits::default()).expect("a small world");
    let asked: Vec<Request> = requests(&corpus, 7)
        .take(500)
        .flat_map(|row| {
            let line = read_line(&row.to_json(), Mode::Closed, Strictness::Lenient).expect("a request line");
            let open = Request { mode: Mode::Open, ..line.request.clone() };
            [line.request, open]
        })
        .collect();
    let mut scratch = Scratch::new(&set);
    let mut n_decided = 0;
    for request in &asked {
        n_decided += usize::from(decide(&set, request, &mut scratch).is_ok());
    }
    assert!(n_decided > asked.len() / 2, "most requests are decided: {n_decided} of {}", asked.len());

    let _profiler = dhat::Profiler::builder().testing().build();
    let before = dhat::HeapStats::get();
    for _ in 0..100 {
        for request in asked.iter().filter(|request| request.session.is_none()) {
            // A refused request explains itself in text; only decisions are free.
            let _ = std::hint::black_box(decide(&set, request, &mut scratch)).is_ok();
        }
    }
    let after = dhat::HeapStats::get();
    dhat::assert_eq!(after.total_blocks - before.total_blocks, 0);
}
