//! What asking about every action costs, in what can be counted: principals decided one by one, statements asked of each
//! caller, heap blocks. One test a file, since a process has one profiler.

use iamc_bench_corpus::{Parameters, Shape};
use iamc_benches::measure::Case;
use iamc_benches::measure::sets::usual_context;
use iamc_runtime::{ActionId, Inverse, QuestionScratch, Scope, who_can_ids};
use std::sync::Arc;

#[global_allocator]
static ALLOCATOR: dhat::Alloc = dhat::Alloc;

/// Of a thousand pairs of action and principal, so many may be decided one by one …
const BY_POINT_MAX: u64 = 1;
/// … and so many asked for a statement by themselves.
const BY_LANE_MAX: u64 = 1;
/// Heap blocks for an action that nobody asked about before: what its statements say of any resource is kept, and a refusal
/// has a text.
const BLOCKS_MAX: u64 = 4;

#[test]
fn every_action_is_asked_within_its_budget() {
    let shape = Shape::Organization(Parameters { accounts: 8, ..Parameters::S });
    let (case, ()) = Case::new(&shape, |_| Ok(())).expect("a small world");
    let actions = case.set.actions_like("*");
    let n_actions = actions.len() as u64;
    assert!(n_actions > 8_000, "{n_actions} actions only");
    let n_principals = u64::from(case.set.n_principals());
    let inverse = Inverse::new(Arc::new(case.set));
    let context = usual_context("203.0.113.7");
    let mut scratch = QuestionScratch::default();
    let mut askable = Vec::new();
    let mut sums = [0u64; 3];
    let profiler = dhat::Profiler::builder().testing().build();
    for action in &actions {
        let found = who_can_ids(&inverse, *action, None, &context, Scope::All, &mut scratch);
        let Ok(found) = found else { continue };
        let own = [found.counts().1, u64::from(found.n_by_point()), u64::from(found.n_by_lane())];
        sums.iter_mut().zip(own).for_each(|(sum, n)| *sum += n);
        askable.push(*action);
    }
    let n_blocks = dhat::HeapStats::get().total_blocks;
    let mut ask_again = || {
        let ask = |action: &ActionId| {
            let found = who_can_ids(&inverse, *action, None, &context, Scope::All, &mut scratch);
            found.map_or(0, |found| found.counts().1)
        };
        askable.iter().map(ask).sum::<u64>()
    };
    ask_again();
    let before = dhat::HeapStats::get().total_blocks;
    let n_again = ask_again();
    let n_more = dhat::HeapStats::get().total_blocks - before;
    drop(profiler);
    let [n_possible, n_by_point, n_by_lane] = sums;
    let pairs = askable.len() as u64 * n_principals;
    let of_all = format!(
        "of {pairs} pairs {n_possible} can, {n_by_point} were decided one by one, {n_by_lane} asked for a statement; \
         {n_blocks} blocks for {n_actions} actions, {n_more} for the same again"
    );
    println!("{of_all}");
    assert!(n_possible > 0 && n_again == n_possible, "{of_all}");
    assert!(n_by_point * 1_000 <= pairs * BY_POINT_MAX, "{of_all}");
    assert!(n_by_lane * 1_000 <= pairs * BY_LANE_MAX, "{of_all}");
    assert!(n_blocks <= n_actions * BLOCKS_MAX, "{of_all}");
    assert_eq!(n_more, 0, "{of_all}");
}
