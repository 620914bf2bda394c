//! Findings as SARIF 2.1.0, the part of it that code scanning reads.

use super::{Linted, severity_name};
use serde::Serialize;
use std::collections::BTreeMap;

/// What code scanning accepts in one run; what is beyond is counted in a last result.
const RESULTS_MAX: usize = 25_000;

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Log {
    #[serde(rename = "$schema")]
    schema: &'static str,
    version: &'static str,
    runs: [Run; 1],
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Run {
    tool: Tool,
    column_kind: &'static str,
    results: Vec<ResultItem>,
}

#[derive(Debug, Serialize)]
struct Tool {
    driver: Driver,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Driver {
    name: &'static str,
    version: &'static str,
    information_uri: &'static str,
    rules: Vec<Rule>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Rule {
    id: &'static str,
    short_description: Text<String>,
}

#[derive(Debug, Serialize)]
struct Text<T> {
    text: T,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct ResultItem {
    rule_id: &'static str,
    rule_index: usize,
    level: &'static str,
    message: Text<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    locations: Vec<Location>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Location {
    physical_location: PhysicalLocation,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct PhysicalLocation {
    artifact_location: ArtifactLocation,
    region: Region,
}

#[derive(Debug, Serialize)]
struct ArtifactLocation {
    uri: String,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Region {
    start_line: u32,
    start_column: usize,
    byte_offset: usize,
    byte_length: usize,
}

/// The findings of all documents as one run.
pub(crate) fn log(linted: &[Linted]) -> Log {
    // Rule ids are codes; a code may cite several rules of the semantics, so all that occur are named.
    let mut codes: BTreeMap<&'static str, Vec<&'static str>> = BTreeMap::new();
    for diagnostic in linted.iter().flat_map(|one| &one.diagnostics) {
        let rules = codes.entry(diagnostic.code).or_default();
        if !rules.contains(&diagnostic.rule) {
            rules.push(diagnostic.rule);
        }
    }
    let all: Vec<(&Linted, &iamc_policy::diagnostic::Diagnostic)> =
        linted.iter().flat_map(|one| one.diagnostics.iter().map(move |diagnostic| (one, diagnostic))).collect();
    const OMITTED: &str = "omitted";
    let n_omitted = all.len().saturating_sub(RESULTS_MAX);
    if n_omitted > 0 {
        codes.entry(OMITTED).or_default();
    }
    let index = |code: &str| codes.keys().position(|known| *known == code).unwrap_or(0);
    let mut results: Vec<ResultItem> = all
        .iter()
        .take(RESULTS_MAX - usize::from(n_omitted > 0))
        .map(|(one, d)| result(one, d, index(d.code)))
        .collect();
    if n_omitted > 0 {
        results.push(ResultItem {
            rule_id: OMITTED,
            rule_index: index(OMITTED),
            level: "warning",
            message: Text { text: format!("{} further findings are not listed", n_omitted + 1) },
            locations: Vec::new(),
        });
    }
    let rules = codes
        .iter()
        .map(|(code, rules)| {
            let cited = if rules.is_empty() { "further findings".to_owned() } else { rules.join(", ") };
            Rule { id: code, short_description: Text { text: format!("{code} ({cited})") } }
        })
        .collect();
    Log {
        schema: "https://json.schemastore.org/sarif-2.1.0.json",
        version: "2.1.0",
        runs: [Run {
            tool: Tool {
                driver: Driver {
                    name: "iamc",
                    version: env!("CARGO_PKG_VERSION"),
                    information_uri: env!("CARGO_PKG_REPOSITORY"),
                    rules,
                },
            },
            column_kind: "unicodeCodePoints",
            results,
        }],
    }
}

fn result(one: &Linted, diagnostic: &iamc_policy::diagnostic::Diagnostic, rule_index: usize) -> ResultItem {
    let mut text = diagnostic.message.clone();
    if let Some(help) = &diagnostic.help {
        text.push_str("; ");
        text.push_str(help);
    }
    let start = diagnostic.span.start;
    let line_start = one.text.get(..start).and_then(|before| before.rfind('\n')).map_or(0, |at| at + 1);
    let column = one.text.get(line_start..start).map_or(0, |before| before.chars().count());
    ResultItem {
        rule_id: diagnostic.code,
        rule_index,
        level: severity_name(diagnostic.severity),
        message: Text { text },
        locations: vec![Location {
            physical_location: PhysicalLocation {
                artifact_location: ArtifactLocation { uri: uri(&one.name) },
                region: Region {
                    start_line: diagnostic.position.0,
                    start_column: column + 1,
                    byte_offset: start,
                    byte_length: diagnostic.span.len(),
                },
            },
        }],
    }
}

/// A path as a relative or absolute reference (RFC 3986): what is no plain character is percent-encoded.
pub(crate) fn uri(path: &str) -> String {
    let mut uri = String::with_capacity(path.len());
    for byte in path.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte) {
            uri.push(char::from(byte));
        } else {
            uri.push_str(&format!("%{byte:02X}"));
        }
    }
    uri
}

#[cfg(test)]
mod tests {
    #[test]
    fn names_of_files_become_references() {
        assert_eq!(super::uri("a/b-c.json"), "a/b-c.json");
        assert_eq!(super::uri("<stdin> ü"), "%3Cstdin%3E%20%C3%BC");
    }
}
