//! Files of decision cases: read, printed, read again, and answered by all engines alike.

use iamc_policy::source::Place;
use iamc_testkit::build::build;
use iamc_testkit::case::{Case, read_case, read_cases};
use iamc_testkit::engine::{Compiled, Engine, Reference};
use iamc_testkit::generators::{Entropy, Sample, damaged, sample};
use iamc_testkit::oracles::case_line;
use iamc_testkit::print::to_json;

/// Cases of every form of the format, from which damaged ones are made.
const CASES: &str = include_str!("../../testkit/cases/facts.jsonl");

pub(crate) fn judge(bytes: &[u8]) -> u64 {
    let [form, rest @ ..] = bytes else { return 0 };
    let mut entropy = Entropy::new(rest);
    let text = match form {
        0..128 => String::from_utf8_lossy(rest).into_owned(),
        128..192 => {
            let lines: Vec<&str> = CASES.lines().collect();
            let line = *entropy.pick(&lines);
            damaged(&mut entropy, line)
        }
        192.. => {
            let sample = sample(&mut entropy);
            damaged(&mut entropy, &case_line("drawn", &sample, &Reference))
        }
    };
    let cases = match read_cases("cases.jsonl", &text) {
        Err(errors) => {
            assert!(!errors.is_empty(), "refused, and nobody says why");
            return 1;
        }
        Ok(cases) => cases,
    };
    cases.iter().take(8).for_each(check);
    1 + cases.len().min(8) as u64
}

fn check(case: &Case) {
    let printed = to_json(case);
    let place = Place { file: "printed".into(), line: 1 };
    match read_case(&printed, &place) {
        Ok(again) => assert_eq!(to_json(&again), printed, "a case is printed in another way the second time"),
        Err(error) => panic!("a printed case is refused: {error}\n{printed}"),
    }
    let Ok((world, request)) = build(case) else { return };
    let expected = Reference.decide(&world, &request);
    let got = Compiled::default().decide(&world, &request);
    if got != expected {
        let sample = Sample { world, request };
        let line = case_line("found", &sample, &Reference);
        panic!("compiled and reference differ:\n{line}\n{expected:#?}\n{got:#?}");
    }
}
