//! An image without explanations decides as the whole one does, and its explanations say what they lack.

use iamc_catalogue::Catalogue;
use iamc_compiler::{Limits, compile, compile_session};
use iamc_policy::decision::{Attachment, Explanation};
use iamc_runtime::{CompiledPolicySet, Scratch, decide_with, explain};
use iamc_testkit::generators::{Entropy, SAMPLE_BYTES, bytes_of_seed, scene};

/// The statements of an explanation by what is left when names are gone: unit, index, and whether a group has the policy.
fn parts(explanation: &Explanation) -> Vec<Vec<(u32, bool)>> {
    let mut parts = Vec::new();
    for unit in &explanation.units {
        for list in [&unit.deny, &unit.allow] {
            let mut own: Vec<(u32, bool)> = list
                .iter()
                .map(|part| &part.statement)
                .map(|part| (part.index, matches!(part.policy.attachment, Attachment::Group(_))))
                .collect();
            own.sort_unstable();
            parts.push(own);
        }
    }
    parts
}

#[test]
fn it_decides_alike_and_says_what_it_lacks() {
    let (mut n_smaller, mut n_explained) = (0, 0);
    for seed in 0..60 {
        let bytes = bytes_of_seed(seed, 4 * SAMPLE_BYTES);
        let (world, requests) = scene(&mut Entropy::new(&bytes), 6);
        let set = compile(&world, Catalogue::embedded(), &Limits::default()).expect("a generated world is small");
        assert!(set.has_explanations());
        let short = set.to_bytes_without_explanations();
        let whole = set.to_bytes();
        let bare = CompiledPolicySet::load(&short).expect("what was written can be read");
        assert!(!bare.has_explanations());
        // Nothing else is lost, and leaving it out once more changes nothing.
        assert_eq!(bare.to_bytes(), short);
        assert_eq!(bare.to_bytes_without_explanations(), short);
        n_smaller += usize::from(short.len() < whole.len());
        let (mut scratch, mut other) = (Scratch::new(&set), Scratch::new(&bare));
        for request in &requests {
            let session = request.session.as_deref().map(|list| compile_session(&set, list).expect("it is small"));
            let session = session.as_ref();
            let decision = decide_with(&set, request, session, &mut scratch);
            assert_eq!(decide_with(&bare, request, session, &mut other), decision);
            let answer = explain(&set, request, session, &mut scratch);
            let without = explain(&bare, request, session, &mut other);
            let (Ok(answer), Ok(without)) = (answer, without) else {
                assert!(decision.is_err());
                continue;
            };
            assert_eq!(Ok(without.decision), decision);
            assert_eq!(parts(&without.explanation), parts(&answer.explanation));
            let some_policy =
                !answer.explanation.units.iter().all(|unit| unit.deny.is_empty() && unit.allow.is_empty());
            if some_policy {
                assert!(without.warnings.iter().any(|warning| warning.starts_with("W-NO-EXPLANATIONS: ")));
                n_explained += 1;
            }
            assert!(!answer.warnings.iter().any(|warning| warning.starts_with("W-NO-EXPLANATIONS: ")));
        }
    }
    assert!(n_smaller > 50, "{n_smaller}");
    assert!(n_explained > 100, "{n_explained}");
}
