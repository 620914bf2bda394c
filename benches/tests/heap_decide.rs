//! A decision allocates nothing once its scratch has grown: by number and by text, over a generated organization, closed
//! and open. One test a file, since a process has one profiler.

use iamc_bench_corpus::{Parameters, Shape};
use iamc_benches::measure::Case;
use iamc_benches::rows::Rows;
use iamc_policy::{Mode, Request};
use iamc_runtime::{PreparedContext, Scratch, decide, decide_ids};
use std::hint::black_box;

#[global_allocator]
static ALLOCATOR: dhat::Alloc = dhat::Alloc;

/// Decisions of each kind.
const N: usize = 100_000;

#[test]
fn a_hundred_thousand_decisions_allocate_no_block() {
    let shape = Shape::Organization(Parameters { accounts: 6, ..Parameters::S });
    let (Case { corpus, set, .. }, ()) = Case::new(&shape, |_| Ok(())).expect("a small world");
    let rows = Rows::scattered(&corpus, &set, 500);
    assert_eq!(rows.ids.len(), 500);
    let given = rows.requests[0].context.clone();
    let contexts = [Mode::Closed, Mode::Open].map(|mode| PreparedContext::new(given.clone(), mode));
    let open = |request: &Request| Request { mode: Mode::Open, ..request.clone() };
    let requests = [rows.requests.clone(), rows.requests.iter().map(open).collect()];

    // Nothing below allocates but the engine. A refused request explains itself in text; only decisions are free.
    let by_number = |context: &PreparedContext, n: usize, scratch: &mut Scratch| {
        let asked = rows.ids.iter().cycle().take(n);
        asked
            .filter(|row| {
                let code = decide_ids(&set, row.principal, row.action, row.resource, context, scratch);
                black_box(code).decision().is_some()
            })
            .count()
    };
    let by_text = |requests: &[Request], n: usize, scratch: &mut Scratch| {
        requests.iter().cycle().take(n).filter(|request| black_box(decide(&set, request, scratch)).is_ok()).count()
    };

    let _profiler = dhat::Profiler::builder().testing().build();
    let n_blocks = || dhat::HeapStats::get().total_blocks;
    for (context, requests) in contexts.iter().zip(&requests) {
        let mut scratch = Scratch::new(&set);
        let n_created = n_blocks();
        // The buffers of a scratch grow to what the longest request needs.
        let n_decided = by_text(requests, rows.ids.len(), &mut scratch);
        assert_eq!(n_decided, requests.len(), "every row is a decision");
        assert_eq!(by_number(context, rows.ids.len(), &mut scratch), requests.len());
        let n_grown = n_blocks() - n_created;
        dhat::assert!(n_grown <= 100, "{n_grown} blocks until the buffers have grown");

        let before = n_blocks();
        by_text(requests, N, &mut scratch);
        let n_by_text = n_blocks() - before;
        dhat::assert_eq!(n_by_text, 0, "by text");
        by_number(context, N, &mut scratch);
        let n_by_number = n_blocks() - before;
        dhat::assert_eq!(n_by_number, 0, "by number");
    }
}
