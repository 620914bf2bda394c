//! A question about everybody allocates nothing once its scratch has grown. One test a file, since a process has one
//! profiler.

use iamc_bench_corpus::{Parameters, Shape};
use iamc_benches::measure::Case;
use iamc_benches::measure::sets::{questions, usual_context};
use iamc_policy::AccountId;
use iamc_runtime::{Inverse, QuestionScratch, Scope, who_can_ids};
use std::sync::Arc;

#[global_allocator]
static ALLOCATOR: dhat::Alloc = dhat::Alloc;

#[test]
fn a_question_allocates_no_block() {
    let shape = Shape::Organization(Parameters { accounts: 8, ..Parameters::S });
    let (case, ()) = Case::new(&shape, |_| Ok(())).expect("a small world");
    let asked = questions(&case, 60);
    assert!(asked.len() > 30, "{} questions only", asked.len());
    let accounts: Vec<AccountId> =
        case.set.tables().account_numbers.iter().filter_map(|number| AccountId::from_number(*number)).collect();
    let inverse = Inverse::new(Arc::new(case.set));
    let contexts = [usual_context("203.0.113.7"), usual_context("198.51.100.7")];
    let mut scratch = QuestionScratch::default();
    let mut ask_all = || {
        let mut n_possible = 0;
        for (turn, (action, resource)) in asked.iter().enumerate() {
            let account = [accounts[turn % accounts.len()]];
            for context in &contexts {
                for scope in [Scope::All, Scope::Accounts(&account)] {
                    let found = who_can_ids(&inverse, *action, *resource, context, scope, &mut scratch);
                    n_possible += found.expect("it can be asked").counts().1;
                }
            }
        }
        n_possible
    };
    // Grows, and works out what is kept between questions.
    let expected = ask_all();
    ask_all();

    let _profiler = dhat::Profiler::builder().testing().build();
    let before = dhat::HeapStats::get().total_blocks;
    let got = ask_all();
    let n_more = dhat::HeapStats::get().total_blocks - before;
    dhat::assert_eq!(n_more, 0);
    dhat::assert_eq!(got, expected);
    dhat::assert!(got > 0);
}
