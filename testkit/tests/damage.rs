//! Tables that no compiler wrote: refused, or decided without a panic. Checksums would catch what is tried here; the
//! validation of tables must not need them.

use iamc_catalogue::Catalogue;
use iamc_compiler::{Limits, compile, compile_session};
use iamc_runtime::{CompiledPolicySet, Scratch, decide_with, explain};
use iamc_testkit::generators::{Entropy, SAMPLE_BYTES, bytes_of_seed, damage_tables, scene};

#[test]
fn damaged_tables_are_refused_or_decide_without_a_panic() {
    let (mut n_refused, mut n_decided) = (0, 0);
    for seed in 0..40 {
        let bytes = bytes_of_seed(seed, 4 * SAMPLE_BYTES);
        let (world, requests) = scene(&mut Entropy::new(&bytes), 3);
        let set = compile(&world, Catalogue::embedded(), &Limits::default()).expect("a generated world is small");
        let noise = bytes_of_seed(seed + 1_000, 60 * 16);
        let mut entropy = Entropy::new(&noise);
        for _ in 0..60 {
            let mut tables = set.tables().clone();
            damage_tables(&mut tables, &mut entropy);
            let Ok(damaged) = CompiledPolicySet::from_tables(tables) else {
                n_refused += 1;
                continue;
            };
            n_decided += 1;
            let mut scratch = Scratch::new(&damaged);
            for request in &requests {
                let session = request.session.as_deref().map(|list| compile_session(&set, list).expect("it is small"));
                // Whatever is answered: it must be the same both ways, and it must be an answer.
                let decision = decide_with(&damaged, request, session.as_ref(), &mut scratch);
                let answer = explain(&damaged, request, session.as_ref(), &mut scratch);
                assert_eq!(decision.is_ok(), answer.is_ok());
            }
        }
    }
    assert!(n_refused > 200 && n_decided > 200, "{n_refused} refused, {n_decided} decided");
}
