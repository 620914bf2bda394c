//! Values that their operators cannot read.

use crate::LISTED_MAX;
use iamc_policy::condition::ConditionAtom;
use iamc_policy::diagnostic::{Diagnostic, Severity};
use iamc_policy::document::Policy;
use iamc_policy::source::LineIndex;

/// They match nothing, and make negated operators false.
pub(crate) fn malformed(policy: &Policy, text: &str) -> Vec<Diagnostic> {
    let malformed = iamc_reference::condition::malformed_values(policy);
    if malformed.is_empty() {
        return Vec::new();
    }
    let lines = LineIndex::new(text);
    // Values come in the order of the document, so one walk over its conditions finds them all.
    let mut atoms = policy
        .statements
        .iter()
        .enumerate()
        .flat_map(|(index, statement)| statement.condition.atoms.iter().map(move |atom| (index, atom)))
        .peekable();
    let mut diagnostics = Vec::new();
    for (statement_idx, operator, key, value) in malformed.into_iter().take(LISTED_MAX) {
        let is_it = |(index, atom): &(usize, &ConditionAtom)| {
            *index == statement_idx && atom.key.as_str() == key && atom.operator.to_string() == operator
        };
        while atoms.next_if(|atom| !is_it(atom)).is_some() {}
        let Some((_, atom)) = atoms.peek() else { break };
        diagnostics.push(Diagnostic {
            severity: Severity::Error,
            code: "malformed-value",
            rule: "R-1.40",
            message: format!("`{value}` is no value that `{operator}` can compare `{key}` with"),
            help: Some("it matches nothing, and makes a negated operator false (R-4.7)".to_owned()),
            span: atom.span,
            position: lines.position(atom.span.start),
            invalidates: false,
        });
    }
    diagnostics
}
