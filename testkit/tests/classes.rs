//! Classes of principals change no answer: a set decides and explains as it does without them.

use iamc_catalogue::Catalogue;
use iamc_compiler::{Limits, compile, compile_session};
use iamc_policy::request::GivenKeys;
use iamc_runtime::layout::{NONE, PRINCIPAL_ROW};
use iamc_runtime::{CompiledPolicySet, Scratch, decide_with, explain};
use iamc_testkit::generators::{Entropy, SAMPLE_BYTES, bytes_of_seed, scene};

/// The same set as it was before its principals were classified.
fn without_classes(set: &CompiledPolicySet) -> CompiledPolicySet {
    let mut tables = set.tables().clone();
    tables.class_atoms.clear();
    tables.principal_classes.clear();
    tables.principals.chunks_exact_mut(PRINCIPAL_ROW).for_each(|row| row[PRINCIPAL_ROW - 1] = NONE);
    CompiledPolicySet::from_tables(tables).expect("classes can be left out")
}

#[test]
fn a_set_answers_as_it_does_without_classes() {
    let (mut n_sets, mut n_said, mut n_decided) = (0, 0, 0);
    for seed in 0..400 {
        let bytes = bytes_of_seed(seed, 4 * SAMPLE_BYTES);
        let (world, requests) = scene(&mut Entropy::new(&bytes), 6);
        let set = compile(&world, Catalogue::embedded(), &Limits::default()).expect("a generated world is small");
        if set.tables().class_atoms.is_empty() {
            continue;
        }
        n_sets += 1;
        n_said += set.tables().principal_classes.iter().filter(|word| **word != 0).count();
        let plain = without_classes(&set);
        let mut scratches = (Scratch::new(&set), Scratch::new(&plain));
        for request in &requests {
            let session = request.session.as_deref().map(|list| compile_session(&set, list).expect("it is small"));
            for given_keys in [GivenKeys::Checked, GivenKeys::Pinned] {
                let mut request = request.clone();
                request.given_keys = given_keys;
                let decided = decide_with(&set, &request, session.as_ref(), &mut scratches.0);
                assert_eq!(decided, decide_with(&plain, &request, session.as_ref(), &mut scratches.1), "{request:?}");
                let explained = explain(&set, &request, session.as_ref(), &mut scratches.0);
                assert_eq!(explained, explain(&plain, &request, session.as_ref(), &mut scratches.1), "{request:?}");
                n_decided += usize::from(decided.is_ok());
            }
        }
        assert!(plain.with_classes().tables() == set.tables());
    }
    assert!(n_sets > 20 && n_said > 20 && n_decided > 200, "{n_sets} sets, {n_said} said, {n_decided} decided");
}
