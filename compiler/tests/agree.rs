//! The compiled engine gives the reference's answer, whole: decision, contributions with levels and values, reasons,
//! witness, residual, open keys, warnings; or it refuses the request with the same error.
#![expect(clippy::unwrap_used, reason = "what these tests are made of fails by a panic, as they do")]

use iamc_catalogue::Catalogue;
use iamc_compiler::{Limits, compile, compile_session};
use iamc_policy::request::RequestError;
use iamc_policy::{Answer, Request, World};
use iamc_runtime::{CompiledPolicySet, Scratch, decide_with, explain};
use iamc_testkit::case::read_cases;
use iamc_testkit::generators::{Entropy, bytes_of_seed, scene};
use std::path::Path;

fn compiled(set: &CompiledPolicySet, request: &Request) -> Result<Answer, RequestError> {
    let session = request.session.as_ref().map(|policies| compile_session(set, policies).unwrap());
    let mut scratch = Scratch::new(set);
    let answer = explain(set, request, session.as_ref(), &mut scratch);
    // The short way gives the same decision.
    let decision = decide_with(set, request, session.as_ref(), &mut scratch);
    assert_eq!(decision, answer.clone().map(|answer| answer.decision), "decide and explain differ");
    answer
}

/// What differs, in one line or several; `None`: nothing.
fn difference(set: &CompiledPolicySet, catalogue: &Catalogue, world: &World, request: &Request) -> Option<String> {
    let expected = iamc_reference::decide(world, catalogue, request);
    let got = compiled(set, request);
    if expected == got {
        return None;
    }
    let (expected, got) = match (&expected, &got) {
        (Ok(expected), Ok(got)) => {
            for (what, expected, got) in [
                ("decision", format!("{:?}", expected.decision), format!("{:?}", got.decision)),
                ("explanation", format!("{:#?}", expected.explanation), format!("{:#?}", got.explanation)),
                ("residual keys", format!("{:?}", expected.residual_keys), format!("{:?}", got.residual_keys)),
                ("warnings", format!("{:?}", expected.warnings), format!("{:?}", got.warnings)),
                ("residual", format!("{:#?}", expected.residual), format!("{:#?}", got.residual)),
            ] {
                if expected != got {
                    return Some(format!("{what}: {}", unlike(&expected, &got)));
                }
            }
            unreachable!("every part of an answer was compared")
        }
        (expected, got) => (format!("{expected:?}"), format!("{got:?}")),
    };
    Some(unlike(&expected, &got))
}

/// The lines on which two texts differ, without those that they begin with together.
fn unlike(expected: &str, got: &str) -> String {
    let n_alike = expected.lines().zip(got.lines()).take_while(|(left, right)| left == right).count();
    let rest = |text: &str| text.lines().skip(n_alike).take(25).collect::<Vec<_>>().join("\n");
    format!("expected\n{}\ngot\n{}", rest(expected), rest(got))
}

#[test]
fn on_every_case() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../testkit/cases");
    let mut files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|file| file.extension().is_some_and(|extension| extension == "jsonl"));
    files.sort();
    let (mut n, mut differences) = (0, Vec::new());
    for file in files {
        let text = std::fs::read_to_string(&file).unwrap();
        for case in read_cases(&file.to_string_lossy(), &text).unwrap() {
            let Ok((world, request)) = iamc_testkit::build::build(&case) else { continue };
            let set = compile(&world, Catalogue::embedded(), &Limits::default()).unwrap();
            n += 1;
            if let Some(found) = difference(&set, Catalogue::embedded(), &world, &request) {
                differences.push(format!("{}: {found}", case.id));
            }
        }
    }
    assert!(n > 500, "{n} cases");
    assert!(differences.is_empty(), "{} of {n} differ\n{}", differences.len(), differences.join("\n\n"));
}

#[test]
fn on_generated_worlds() {
    let empty = Catalogue::without_actions();
    let mut differences = Vec::new();
    let mut n = 0;
    for seed in 0..400 {
        let (world, requests) = scene(&mut Entropy::new(&bytes_of_seed(seed, 8_000)), 4);
        // Now and then without a catalogue: it is an accelerator, and data; never an answer of its own.
        let catalogue = if seed % 8 == 7 { &empty } else { Catalogue::embedded() };
        let set = compile(&world, catalogue, &Limits::default()).unwrap();
        for request in &requests {
            n += 1;
            if let Some(found) = difference(&set, catalogue, &world, request) {
                differences.push(format!("seed {seed}: {found}"));
            }
        }
    }
    assert_eq!(n, 1_600);
    let shown: String = differences.iter().take(8).map(|found| format!("{found}\n\n")).collect();
    assert!(differences.is_empty(), "{} of {n} differ\n{shown}", differences.len());
}
