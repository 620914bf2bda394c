//! A batch allocates nothing for its rows once its scratch has grown: by number, in one context and in many, with sessions
//! and resources in text, closed and open. One test a file, since a process has one profiler.

use iamc_bench_corpus::{Parameters, Shape};
use iamc_benches::measure::Case;
use iamc_benches::measure::batch::{Kind, batch};
use iamc_runtime::DecisionCode;
use iamc_runtime::batch::{BatchScratch, decide_batch};

#[global_allocator]
static ALLOCATOR: dhat::Alloc = dhat::Alloc;

const ROWS: usize = 50_000;

#[test]
fn a_batch_allocates_no_block_a_row() {
    let shape = Shape::Organization(Parameters { accounts: 6, ..Parameters::S });
    let (Case { corpus, set, .. }, ()) = Case::new(&shape, |_| Ok(())).expect("a small world");
    let batches = [Kind::Scattered, Kind::Hot, Kind::AsItComes].map(|kind| batch(&corpus, &set, ROWS, kind).0);
    let mut codes = vec![0; ROWS];

    let _profiler = dhat::Profiler::builder().testing().build();
    let n_blocks = || dhat::HeapStats::get().total_blocks;
    for batch in &batches {
        assert_eq!(batch.len(), ROWS);
        let mut scratch = BatchScratch::new().with_window(20_000);
        let created = n_blocks();
        let mut decide = |codes: &mut [u8]| {
            decide_batch(&set, &batch.rows(), batch.tables(), &mut scratch, codes).expect("equal columns");
        };
        decide(&mut codes);
        let n_grown = n_blocks() - created;
        dhat::assert!(n_grown <= 200, "{n_grown} blocks until the buffers have grown");
        // A refused row explains itself in text, which nobody reads here; only decisions are free.
        let decided = |code: &u8| DecisionCode::from_bits(*code).and_then(DecisionCode::decision).is_some();
        assert!(codes.iter().all(decided), "every row is a decision");
        let before = n_blocks();
        for _ in 0..4 {
            decide(&mut codes);
        }
        // Counted first: while dhat asserts, it does not count.
        let n_more = n_blocks() - before;
        dhat::assert_eq!(n_more, 0);
    }
}
