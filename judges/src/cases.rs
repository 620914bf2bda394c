//! Files of decision cases: read, printed, read again, and answered by all engines alike. The decision cases of the repository
//! are where damage starts, and members of one are put into another, since they hold what no generator thinks of.

use iamc_policy::source::Place;
use iamc_testkit::build::build;
use iamc_testkit::case::{Case, read_case, read_cases};
use iamc_testkit::engine::{Compiled, Engine, Reference};
use iamc_testkit::generators::{Entropy, Sample, damaged, sample};
use iamc_testkit::oracles::case_line;
use iamc_testkit::print::to_json;
use serde_json::Value;
use std::sync::LazyLock;

/// All decision cases of the repository.
const FILES: &[&str] = &[
    include_str!("../../testkit/cases/a1-grammar-and-wildcards.jsonl"),
    include_str!("../../testkit/cases/a2-variables.jsonl"),
    include_str!("../../testkit/cases/a3-conditions.jsonl"),
    include_str!("../../testkit/cases/a4-same-account.jsonl"),
    include_str!("../../testkit/cases/a5-cross-account.jsonl"),
    include_str!("../../testkit/cases/a6-organization-policies.jsonl"),
    include_str!("../../testkit/cases/a7-roles-kms-s3-services.jsonl"),
    include_str!("../../testkit/cases/a8-unknown-context.jsonl"),
    include_str!("../../testkit/cases/facts.jsonl"),
    include_str!("../../testkit/cases/found.jsonl"),
    include_str!("../../testkit/cases/inventory-endpoints.jsonl"),
    include_str!("../../testkit/cases/inventory-identities.jsonl"),
    include_str!("../../testkit/cases/inventory-organization.jsonl"),
    include_str!("../../testkit/cases/inventory-resources.jsonl"),
    include_str!("../../testkit/cases/r1-documents.jsonl"),
    include_str!("../../testkit/cases/r1-policy-documents.jsonl"),
    include_str!("../../testkit/cases/r2-r3-patterns.jsonl"),
    include_str!("../../testkit/cases/r2-wildcards.jsonl"),
    include_str!("../../testkit/cases/r3-variables.jsonl"),
    include_str!("../../testkit/cases/r4-conditions.jsonl"),
    include_str!("../../testkit/cases/r4-operators.jsonl"),
    include_str!("../../testkit/cases/r4-values.jsonl"),
    include_str!("../../testkit/cases/r5-context.jsonl"),
    include_str!("../../testkit/cases/r5-request-context.jsonl"),
    include_str!("../../testkit/cases/r6-callers.jsonl"),
    include_str!("../../testkit/cases/r6-core-tables.jsonl"),
    include_str!("../../testkit/cases/r6-decision.jsonl"),
    include_str!("../../testkit/cases/r6-endpoints.jsonl"),
    include_str!("../../testkit/cases/r6-gates.jsonl"),
    include_str!("../../testkit/cases/r6-kms.jsonl"),
    include_str!("../../testkit/cases/r6-not-principal.jsonl"),
    include_str!("../../testkit/cases/r6-organization.jsonl"),
    include_str!("../../testkit/cases/r6-roles.jsonl"),
    include_str!("../../testkit/cases/r6-s3.jsonl"),
    include_str!("../../testkit/cases/r6-same-account.jsonl"),
    include_str!("../../testkit/cases/r7-explanation.jsonl"),
    include_str!("../../testkit/cases/r8-r9-unknown-and-tables.jsonl"),
    include_str!("../../testkit/cases/r8-unknown-context.jsonl"),
    include_str!("../../testkit/cases/r9-tables.jsonl"),
    include_str!("../../testkit/cases/settings.jsonl"),
];

/// Their lines.
static LINES: LazyLock<Vec<&str>> = LazyLock::new(|| {
    let lines = FILES.iter().flat_map(|text| text.lines());
    lines.filter(|line| line.starts_with('{')).collect()
});

/// Members of a case that another case may have instead of its own, as paths.
const MEMBERS: &[&str] = &[
    "/request/context",
    "/request/principal",
    "/request/action",
    "/request/resource",
    "/request/unknown",
    "/request/present",
    "/policies/identity",
    "/policies/resource",
    "/policies/boundary",
    "/policies/session",
    "/policies/scp",
    "/policies/rcp",
    "/policies/vpc_endpoint",
    "/facts",
    "/settings",
    "/organization",
    "/inventory",
];

pub(crate) fn judge(bytes: &[u8]) -> u64 {
    let [form, rest @ ..] = bytes else { return 0 };
    let mut entropy = Entropy::new(rest);
    let text = match form {
        0..128 => String::from_utf8_lossy(rest).into_owned(),
        128..160 => {
            let line = any_line(&mut entropy);
            damaged(&mut entropy, line)
        }
        160..192 => joined(&mut entropy),
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

fn any_line(entropy: &mut Entropy<'_>) -> &'static str {
    entropy.pick::<&str>(&LINES)
}

/// A case with some members of others, in a mode of its own.
fn joined(entropy: &mut Entropy<'_>) -> String {
    let line = any_line(entropy);
    let Ok(mut case) = serde_json::from_str::<Value>(line) else { return line.to_owned() };
    for _ in 0..entropy.below(4) {
        let member = *entropy.pick(MEMBERS);
        let other = serde_json::from_str::<Value>(any_line(entropy)).unwrap_or_default();
        let (parent, name) = member.rsplit_once('/').expect("a path");
        if let (Some(Value::Object(members)), Some(value)) = (case.pointer_mut(parent), other.pointer(member)) {
            members.insert(name.to_owned(), value.clone());
        }
    }
    if entropy.chance(50) {
        let mode = if entropy.chance(70) { "open" } else { "closed" };
        case["request"]["mode"] = mode.into();
    }
    case.to_string()
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

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    #[test]
    fn no_file_of_cases_is_left_out() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../testkit/cases");
        let paths =
            std::fs::read_dir(folder).expect("the folder of cases").map(|entry| entry.expect("an entry").path());
        let texts = paths.filter(|path| path.extension().is_some_and(|extension| extension == "jsonl"));
        let mut texts: Vec<String> =
            texts.map(|path| std::fs::read_to_string(path).expect("a file of cases")).collect();
        let mut files = FILES.to_vec();
        texts.sort();
        files.sort_unstable();
        assert_eq!(files.len(), texts.len());
        assert!(texts == files, "files of cases are listed twice or not at all");
        assert!(
            LINES.iter().all(|line| serde_json::from_str::<Value>(line).is_ok_and(|case| case["request"].is_object()))
        );
    }
}
