//! Questions about everybody equal decisions on a generated organization: on S every pair, with `IAMC_LONG` also three
//! million sampled pairs of L.

use iamc_benches::measure::Case;
use iamc_benches::measure::sets::{check, questions, usual_context};
use iamc_policy::Mode;
use iamc_policy::request::Context;
use iamc_runtime::{Inverse, PreparedContext};
use std::sync::Arc;

fn compare(shape: &str, n_questions: usize, n_pairs: usize) -> usize {
    let (case, ()) = Case::new(&shape.parse().expect("a shape"), |_| Ok(())).expect("the shape is compiled");
    let asked = questions(&case, n_questions);
    assert!(asked.len() > n_questions / 2, "{} questions only", asked.len());
    let inverse = Inverse::new(Arc::new(case.set));
    assert!(inverse.is_by_lanes());
    let closed = PreparedContext::new(Context::new(), Mode::Closed);
    let open = PreparedContext::new(Context::new(), Mode::Open);
    let contexts = [usual_context("203.0.113.7"), open, closed];
    let compared = contexts.iter().map(|context| check(&inverse, &asked, context, n_pairs).expect("no difference"));
    compared.sum()
}

#[test]
fn questions_equal_decisions_on_a_generated_organization() {
    let n_compared = compare("S", 120, 40_000);
    assert!(n_compared >= 100_000, "{n_compared} pairs only");
    if std::env::var_os("IAMC_LONG").is_some() {
        let n_compared = compare("L", 600, 1_000_000);
        assert!(n_compared >= 3_000_000, "{n_compared} pairs only");
        println!("{n_compared} pairs of L are equal");
    }
}
