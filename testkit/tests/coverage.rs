//! The cases leave nothing out: every rule of the semantics, every fact, every value of every setting, every decision
//! and every reason code of the case format occurs in some case, or is exempt for a stated reason.

use iamc_policy::Settings;
use iamc_policy::decision::ReasonCode;
use iamc_testkit::case::ExpectedDecision;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

fn read(path: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Every case as it is written, not as it was understood.
fn cases() -> Vec<Value> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("cases");
    let mut cases = Vec::new();
    for entry in std::fs::read_dir(folder).expect("the folder of cases is part of the repository") {
        let path = entry.expect("the folder of cases can be read").path();
        if path.extension().is_some_and(|extension| extension == "jsonl") {
            let text = std::fs::read_to_string(&path).expect("a file of cases is UTF-8");
            let lines = text.lines().filter(|line| !line.trim().is_empty() && !line.starts_with("//"));
            cases.extend(lines.map(|line| serde_json::from_str::<Value>(line).expect("a line is JSON")));
        }
    }
    cases
}

fn strings(value: &Value) -> impl Iterator<Item = &str> {
    value.as_array().into_iter().flatten().filter_map(Value::as_str)
}

/// `NAME: reason`, reasons not empty.
fn exempt() -> BTreeMap<String, String> {
    let text = read("cases/exempt-rules.txt");
    let lines = text.lines().filter(|line| !line.trim().is_empty() && !line.starts_with('#'));
    lines
        .map(|line| match line.split_once(": ") {
            Some((name, reason)) if !reason.trim().is_empty() => (name.to_owned(), reason.to_owned()),
            _ => panic!("`{line}` is not `NAME: reason`"),
        })
        .collect()
}

/// What `text` lists between the table header that begins with `header` and the next blank line: the first column.
fn first_column(text: &str, header: &str) -> Vec<String> {
    let rows = text.lines().skip_while(|line| !line.starts_with(header)).skip(2);
    let rows = rows.take_while(|line| line.starts_with('|'));
    let cells = rows.filter_map(|row| row.split('|').nth(1));
    let names = cells.flat_map(|cell| cell.split('`').skip(1).step_by(2).map(str::to_owned).collect::<Vec<_>>());
    names.collect()
}

#[test]
fn every_rule_is_cited_or_exempt() {
    let semantics = read("../docs/semantics.md");
    let numbers = semantics.lines().filter_map(|line| line.strip_prefix("- **R-")?.split_once("**"));
    let rules: BTreeSet<String> = numbers.map(|(number, _)| format!("R-{number}")).collect();
    assert!(rules.len() > 200, "only {} rules were found in docs/semantics.md", rules.len());
    let cases = cases();
    let cited: BTreeSet<String> = cases.iter().flat_map(|case| strings(&case["rules"]).map(str::to_owned)).collect();
    let exempt: BTreeSet<String> = exempt().into_keys().filter(|name| name.starts_with("R-")).collect();

    let not_cited: Vec<&String> =
        rules.iter().filter(|rule| !cited.contains(*rule) && !exempt.contains(*rule)).collect();
    assert!(not_cited.is_empty(), "no case cites {not_cited:?}");
    let no_rules: Vec<&String> = cited.union(&exempt).filter(|rule| !rules.contains(*rule)).collect();
    assert!(no_rules.is_empty(), "docs/semantics.md has no rules {no_rules:?}");
    let both: Vec<&String> = cited.intersection(&exempt).collect();
    assert!(both.is_empty(), "cited and exempt: {both:?}");
}

#[test]
fn every_reason_code_and_decision_is_expected() {
    let cases = cases();
    let expected: BTreeSet<&str> = cases
        .iter()
        .flat_map(|case| strings(&case["expect"]["missing"]))
        .map(|code| code.split('(').next().unwrap_or(code))
        .collect();
    let exempt = exempt();
    for code in ReasonCode::ALL {
        let name = code.name();
        assert!(
            expected.contains(name) != exempt.contains_key(name),
            "{name}: expected by a case, or exempt, not both"
        );
    }
    let decisions: BTreeSet<&str> = cases.iter().filter_map(|case| case["expect"]["decision"].as_str()).collect();
    assert_eq!(decisions.len(), ExpectedDecision::ALL.len(), "{decisions:?}");
    let possible: BTreeSet<BTreeSet<&str>> = cases
        .iter()
        .map(|case| strings(&case["expect"]["possible"]).collect::<BTreeSet<_>>())
        .filter(|possible| !possible.is_empty())
        .collect();
    assert_eq!(possible.len(), 4, "R-8.20 has four kinds of Conditional: {possible:?}");
}

#[test]
fn every_fact_is_stated() {
    let format = read("../docs/case-format.md");
    let facts = first_column(&format, "| fact |");
    assert!(facts.len() >= 14, "the table of facts was not found: {facts:?}");
    let cases = cases();
    for fact in facts {
        assert!(cases.iter().any(|case| !case["facts"][&fact].is_null()), "no case states the fact `{fact}`");
    }
}

#[test]
fn every_value_of_every_setting_is_chosen() {
    let format = read("../docs/case-format.md");
    let documented: BTreeSet<String> = first_column(&format, "| setting |").into_iter().collect();
    let known: BTreeSet<String> = Settings::NAMES.iter().map(|name| (*name).to_owned()).collect();
    assert_eq!(documented, known, "docs/case-format.md and the program name the same settings");
    let cases = cases();
    let mut chosen: BTreeSet<(String, String)> = BTreeSet::new();
    for case in &cases {
        for (name, value) in case["settings"].as_object().into_iter().flatten() {
            let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            chosen.insert((name.clone(), value));
        }
    }
    let rows = format.lines().skip_while(|line| !line.starts_with("| setting |")).skip(2);
    let mut n_values = 0;
    for row in rows.take_while(|line| line.starts_with('|')) {
        let cells: Vec<&str> = row.split('|').map(str::trim).collect();
        let name = cells[1].trim_matches('`');
        for value in cells[2].split(',').map(|value| value.trim().trim_matches('`')) {
            n_values += 1;
            assert!(chosen.contains(&(name.to_owned(), value.to_owned())), "no case sets `{name}` to `{value}`");
            let set = Settings::default().set(name, value);
            assert!(set.is_ok(), "docs/case-format.md promises a value that is refused: {set:?}");
        }
    }
    assert!(n_values >= 30, "the table of settings was not found");
}
