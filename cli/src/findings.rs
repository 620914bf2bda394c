//! Everything that can be said about one document: what its reader found, and malformed values.

use iamc_policy::diagnostic::{Diagnostic, Severity};
use iamc_policy::document::{Policy, PolicyKind, Strictness};
use iamc_policy::source::LineIndex;

/// The findings on a document, in source order. Cost: O(bytes).
pub(crate) fn all(kind: PolicyKind, strictness: Strictness, text: &str) -> Vec<Diagnostic> {
    let parsed = Policy::parse(kind, strictness, text);
    let mut diagnostics = parsed.diagnostics;
    if let Some(policy) = &parsed.policy {
        diagnostics.extend(malformed_values(policy, text));
        sort(&mut diagnostics);
    }
    diagnostics
}

/// Into source order; findings at one place by code and message.
pub(crate) fn sort(diagnostics: &mut [Diagnostic]) {
    diagnostics.sort_by(|a, b| (a.span, a.code, &a.message).cmp(&(b.span, b.code, &b.message)));
}

/// Values that their operators cannot read: they match nothing, and make negated operators false.
fn malformed_values(policy: &Policy, text: &str) -> Vec<Diagnostic> {
    let lines = LineIndex::new(text);
    let mut diagnostics = Vec::new();
    for (statement_idx, operator, key, value) in iamc_reference::condition::malformed_values(policy) {
        let statement = policy.statements.get(statement_idx);
        let atom = statement.and_then(|statement| {
            let atoms = &statement.condition.atoms;
            atoms.iter().find(|atom| atom.operator.to_string() == operator && atom.key.as_str() == key)
        });
        let Some(span) = atom.map(|atom| atom.span).or(statement.map(|statement| statement.span)) else { continue };
        diagnostics.push(Diagnostic {
            severity: Severity::Error,
            code: "malformed-value",
            rule: "R-1.40",
            message: format!("`{value}` is no value that `{operator}` can compare `{key}` with"),
            help: Some("it matches nothing, and makes a negated operator false (R-4.7)".to_owned()),
            span,
            position: lines.position(span.start),
            invalidates: false,
        });
    }
    diagnostics
}
