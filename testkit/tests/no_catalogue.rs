//! Without action tables the answers of R-9 may differ, and no others: `cases/needs-catalogue.txt` lists exactly the
//! cases whose answer changes, each under the rule by which it does.

use iamc_catalogue::Catalogue;
use iamc_policy::decision::Answer;
use iamc_policy::request::RequestError;
use iamc_policy::{Request, World};
use iamc_testkit::build::build;
use iamc_testkit::case::read_cases;
use iamc_testkit::engine::{Engine, NoCatalogue};
use iamc_testkit::runner;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

/// The reference without action tables; the lists of appendix C stay.
#[derive(Debug)]
struct WithoutActions(Catalogue);

impl Engine for WithoutActions {
    fn name(&self) -> &'static str {
        "no-catalogue"
    }

    fn decide(&self, world: &World, request: &Request) -> Result<Answer, RequestError> {
        iamc_reference::decide(world, &self.0, request)
    }
}

/// `file: id` under a heading `# R-… why`.
fn listed(text: &str) -> BTreeMap<String, String> {
    let mut heading = String::new();
    let mut found = BTreeMap::new();
    for line in text.lines() {
        if let Some(rule) = line.strip_prefix("# ") {
            heading = rule.to_owned();
        } else if !line.trim().is_empty() {
            assert!(heading.starts_with("R-"), "`{line}` stands under no rule");
            assert!(found.insert(line.to_owned(), heading.clone()).is_none(), "`{line}` is listed twice");
        }
    }
    found
}

#[test]
fn answers_change_without_action_tables_only_where_the_list_says_so() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("cases");
    let engine: [Box<dyn Engine>; 1] = [Box::new(WithoutActions(Catalogue::without_actions()))];
    let mut changed = BTreeSet::new();
    let mut files: Vec<_> =
        fs::read_dir(&folder).expect("the cases").map(|entry| entry.expect("a file").path()).collect();
    files.sort();
    for path in files.iter().filter(|path| path.extension().is_some_and(|extension| extension == "jsonl")) {
        let name = path.file_stem().and_then(|stem| stem.to_str()).expect("a file name");
        let text = fs::read_to_string(path).expect("a case file");
        let cases = read_cases(name, &text).expect("the cases are read by another test");
        let summary = runner::run(&cases, &engine, 2);
        changed.extend(summary.differences.iter().map(|difference| format!("{name}: {}", difference.id)));
    }
    let list = listed(&fs::read_to_string(folder.join("needs-catalogue.txt")).unwrap_or_default());
    let listed: BTreeSet<String> = list.into_keys().collect();
    let missing: Vec<&String> = changed.difference(&listed).collect();
    let stale: Vec<&String> = listed.difference(&changed).collect();
    assert!(missing.is_empty(), "not listed:\n{}", missing.iter().map(|s| s.as_str()).collect::<Vec<_>>().join("\n"));
    assert!(stale.is_empty(), "listed, and the same without tables: {stale:?}");
}

/// The compiled engine without tables answers every case as the reference without tables does, word for word.
#[test]
fn both_engines_answer_alike_without_action_tables() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("cases");
    let (reference, compiled) = (WithoutActions(Catalogue::without_actions()), NoCatalogue::default());
    let mut n = 0;
    for entry in fs::read_dir(&folder).expect("the cases") {
        let path = entry.expect("a file").path();
        if path.extension().is_none_or(|extension| extension != "jsonl") {
            continue;
        }
        let text = fs::read_to_string(&path).expect("a case file");
        for case in read_cases(&path.to_string_lossy(), &text).expect("the cases are read by another test") {
            if let Ok((world, request)) = build(&case) {
                let expected = reference.decide(&world, &request);
                assert_eq!(compiled.decide(&world, &request), expected, "{}", case.id);
                n += 1;
            }
        }
    }
    assert!(n > 3_000, "{n} cases only");
}
