//! The sample organization: every request gets the answer that was derived by hand beside it, on every engine.

use iamc_inventory::request::read_line;
use iamc_inventory::{Options, read_folder};
use iamc_policy::Mode;
use iamc_policy::ReasonCode;
use iamc_policy::document::Strictness;
use iamc_testkit::engine;
use serde::Deserialize;
use std::collections::BTreeSet;
use std::path::Path;

#[derive(Deserialize)]
struct Expected {
    id: String,
    decision: String,
    missing: BTreeSet<String>,
    possible: Option<BTreeSet<String>>,
    #[allow(dead_code, reason = "for whoever reads the file")]
    because: String,
}

fn acme(name: &str) -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/acme").join(name)
}

fn lines(name: &str) -> Vec<String> {
    let text = std::fs::read_to_string(acme(name)).expect("the sample is part of the repository");
    text.lines().filter(|line| !line.trim().is_empty()).map(str::to_owned).collect()
}

#[test]
fn every_request_gets_the_answer_derived_by_hand() {
    let read = read_folder(&[acme("export")], &Options::default(), &|_| {}).expect("the export reads without errors");
    let expected: Vec<Expected> =
        lines("expected.jsonl").iter().map(|line| serde_json::from_str(line).expect("an expectation")).collect();
    let requests = lines("requests.jsonl");
    assert_eq!(requests.len(), expected.len());
    assert!(requests.len() >= 60);
    let mut decisions = BTreeSet::new();
    let mut codes = BTreeSet::new();
    let mut wrong = Vec::new();
    for engine in engine::all() {
        for (line, expected) in requests.iter().zip(&expected) {
            let request = read_line(line, Mode::Open, Strictness::Lenient).expect("a request line");
            assert_eq!(request.id.as_deref(), Some(expected.id.as_str()));
            let answer = match engine.decide(&read.world, &request.request) {
                Ok(answer) => answer,
                Err(error) => {
                    wrong.push(format!("{} ({}): {error}", expected.id, engine.name()));
                    continue;
                }
            };
            let missing: BTreeSet<String> = answer.missing().iter().map(ToString::to_string).collect();
            let possible: BTreeSet<String> =
                answer.decision.outcomes().names().into_iter().map(str::to_owned).collect();
            decisions.insert(possible.clone());
            codes.extend(answer.missing().iter().map(|missing| missing.code));
            let same = answer.decision.name() == expected.decision
                && missing == expected.missing
                && expected.possible.as_ref().is_none_or(|expected| *expected == possible);
            if !same {
                wrong.push(format!(
                    "{} ({}): expected {} {:?}, got {} {missing:?}",
                    expected.id,
                    engine.name(),
                    expected.decision,
                    expected.missing,
                    answer.decision
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    // The requests show every kind of decision, and every reason code but the one that cannot occur.
    assert_eq!(decisions.len(), 7, "{decisions:?}");
    let unseen: Vec<&str> =
        ReasonCode::ALL.iter().filter(|code| !codes.contains(code)).map(|code| code.name()).collect();
    assert_eq!(unseen, ["NO_RCP_ALLOW"]);
}
