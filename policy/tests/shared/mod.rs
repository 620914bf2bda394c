//! What the tests on documents share: finding them, drawing findings, comparing without positions.

#![allow(dead_code, reason = "each test file is a crate of its own and uses a part")]

use iamc_policy::diagnostic::Severity;
use iamc_policy::document::Strictness;
use iamc_policy::source::Span;
use iamc_policy::{Diagnostic, Policy, PolicyKind};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

/// The documents below `documents/SORT`, sorted.
pub(crate) fn documents(sort: &str) -> impl Iterator<Item = PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/documents").join(sort);
    let mut paths = Vec::new();
    for folder in std::fs::read_dir(root).unwrap() {
        for file in std::fs::read_dir(folder.unwrap().path()).unwrap() {
            paths.push(file.unwrap().path());
        }
    }
    assert!(paths.len() > 20, "the documents have moved");
    paths.sort();
    paths.into_iter()
}

/// The kind: the folder's name.
pub(crate) fn kind_of(path: &Path) -> PolicyKind {
    let folder = path.parent().and_then(Path::file_name).and_then(|name| name.to_str()).unwrap();
    *PolicyKind::ALL.iter().find(|kind| kind.name() == folder).unwrap()
}

/// The mode: strict where the name says so.
pub(crate) fn mode_of(path: &Path) -> Strictness {
    if path.to_str().unwrap().ends_with(".strict.json") { Strictness::Strict } else { Strictness::Lenient }
}

/// Findings as a person would see them: the line, and what the span covers.
pub(crate) fn render(text: &str, diagnostics: &[Diagnostic]) -> String {
    let mut out = String::new();
    for diagnostic in diagnostics {
        let word = match (diagnostic.severity, diagnostic.invalidates) {
            (Severity::Error, true) => "error",
            (Severity::Error, false) => "error, still valid",
            (Severity::Warning, _) => "warning",
        };
        let (line, column) = diagnostic.position;
        let Diagnostic { code, rule, message, span, .. } = diagnostic;
        writeln!(out, "{line}:{column}: {word}: {message} [{code}, {rule}]").unwrap();
        let covered: String =
            text.get(span.start..span.end).unwrap_or("").split_whitespace().collect::<Vec<_>>().join(" ");
        writeln!(out, "  at: {}", covered.chars().take(60).collect::<String>()).unwrap();
        if let Some(help) = &diagnostic.help {
            writeln!(out, "  help: {help}").unwrap();
        }
    }
    out
}

/// The policy without its positions.
pub(crate) fn bare(mut policy: Policy) -> Policy {
    for statement in &mut policy.statements {
        statement.span = Span::default();
        statement.line = 0;
        statement.action.span = Span::default();
        if let Some(principal) = &mut statement.principal {
            principal.span = Span::default();
        }
        if let Some(resource) = &mut statement.resource {
            resource.span = Span::default();
        }
        for atom in &mut statement.condition.atoms {
            atom.span = Span::default();
        }
    }
    policy
}
