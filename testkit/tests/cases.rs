//! Runs every decision case of the repository on every engine.

use iamc_policy::Request;
use iamc_policy::world::PolicyText;
use iamc_testkit::case::{Case, read_cases};
use iamc_testkit::{engine, print, runner};
use std::path::{Path, PathBuf};

fn case_files() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("cases");
    let entries = std::fs::read_dir(folder).expect("the folder of cases is part of the repository");
    let paths = entries.map(|entry| entry.expect("the folder of cases can be read").path());
    let mut files: Vec<PathBuf> = paths.filter(|path| path.extension().is_some_and(|e| e == "jsonl")).collect();
    files.sort();
    files
}

fn all_cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for path in case_files() {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let text = std::fs::read_to_string(&path).expect("a file of cases is UTF-8");
        match read_cases(&name, &text) {
            Ok(read) => cases.extend(read),
            Err(errors) => panic!("{}", errors.iter().map(|e| format!("{e}\n")).collect::<String>()),
        }
    }
    cases
}

#[test]
fn every_case_passes_on_every_engine() {
    let cases = all_cases();
    let summary = runner::run(&cases, &engine::all(), 2);
    for difference in &summary.differences {
        println!("{difference}");
    }
    println!("{summary}");
    assert_eq!(summary.n_failed, 0, "{summary}; the differences are printed above");
    assert_eq!(summary.n_passed, cases.len());
}

#[test]
fn the_number_of_threads_changes_nothing() {
    // About the runner, so one engine will do.
    let cases = all_cases();
    let engines = engine::engines("reference").expect("there is always a reference");
    assert_eq!(runner::run(&cases, &engines, 1), runner::run(&cases, &engines, 5));
}

/// Session policies without the positions in their texts, which printing changes.
fn session_texts(request: &Request) -> Vec<(&str, Option<String>)> {
    let text = |policy: &PolicyText| match policy {
        PolicyText::Known(policy) => Some(policy.to_json()),
        PolicyText::Unknown(_) => None,
    };
    request.session.iter().flatten().map(|policy| (policy.name.as_str(), text(&policy.text))).collect()
}

/// What oracles print can be pasted into a file of cases.
#[test]
fn a_printed_case_is_the_same_case() {
    let engines = engine::engines("reference").expect("there is always a reference");
    for case in all_cases() {
        let place = case.place.clone().unwrap();
        let printed = print::to_json(&case);
        let again = iamc_testkit::case::read_case(&printed, &place).unwrap_or_else(|e| panic!("{e}: {printed}"));
        // Positions and the field of an error are those of the printed text, so compare what is printed.
        assert_eq!(print::to_json(&again), printed);
        assert_eq!((&again.id, &again.rules, &again.settings), (&case.id, &case.rules, &case.settings));
        assert_eq!(again.expect, case.expect, "{printed}");
        if let (iamc_testkit::case::CaseRequest::Known(a), iamc_testkit::case::CaseRequest::Known(b)) =
            (&again.request, &case.request)
        {
            let without_session = |request: &Request| Request { session: None, ..request.clone() };
            assert_eq!(without_session(a), without_session(b), "{printed}");
            assert_eq!(session_texts(a), session_texts(b), "{printed}");
        }
        assert!(runner::run_case(&again, &engines).is_empty() == runner::run_case(&case, &engines).is_empty());
    }
}
