//! Everything that can be said about one document: what its reader found, malformed values, and operators
//! that do not suit their keys.

use iamc_catalogue::Catalogue;
use iamc_policy::condition::{BaseOperator, ConditionAtom};
use iamc_policy::diagnostic::{Diagnostic, Severity};
use iamc_policy::document::{Policy, PolicyKind, Strictness};
use iamc_policy::source::LineIndex;

/// The findings on a document, in source order; those that need to know keys only with a `catalogue`. Cost: O(bytes).
pub(crate) fn all(
    kind: PolicyKind,
    strictness: Strictness,
    text: &str,
    catalogue: Option<&Catalogue>,
) -> Vec<Diagnostic> {
    let parsed = Policy::parse(kind, strictness, text);
    let mut diagnostics = parsed.diagnostics;
    if let Some(policy) = &parsed.policy {
        diagnostics.extend(malformed_values(policy, text));
        diagnostics.extend(catalogue.iter().flat_map(|catalogue| unqualified(policy, text, catalogue)));
        sort(&mut diagnostics);
    }
    diagnostics
}

/// Into source order; findings at one place by code and message.
pub(crate) fn sort(diagnostics: &mut [Diagnostic]) {
    diagnostics.sort_by(|a, b| (a.span, a.code, &a.message).cmp(&(b.span, b.code, &b.message)));
}

/// So many malformed values are listed; a hostile document could otherwise make us hold far more than its own bytes.
const LISTED_MAX: usize = 1_000;

/// Values that their operators cannot read: they match nothing, and make negated operators false.
fn malformed_values(policy: &Policy, text: &str) -> Vec<Diagnostic> {
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

/// Plain operators on multi-valued keys: false for two or more values, so that a Deny fails open.
fn unqualified(policy: &Policy, text: &str, catalogue: &Catalogue) -> Vec<Diagnostic> {
    let atoms = policy.statements.iter().flat_map(|statement| &statement.condition.atoms);
    let plain = |atom: &&ConditionAtom| {
        let operator = atom.operator;
        operator.set.is_none()
            && operator.base != BaseOperator::Null
            && catalogue.key(atom.key.as_str()).is_some_and(|key| key.multi)
    };
    let mut plain = atoms.filter(plain).take(LISTED_MAX).peekable();
    if plain.peek().is_none() {
        return Vec::new();
    }
    let lines = LineIndex::new(text);
    let finding = |atom: &ConditionAtom| Diagnostic {
        severity: Severity::Warning,
        code: "W-MULTI-NOQUAL",
        rule: "R-4.9",
        message: format!("`{}` may have several values, for which `{}` is never true", atom.key, atom.operator),
        help: Some(format!("write `ForAnyValue:{0}` or `ForAllValues:{0}`", atom.operator)),
        span: atom.span,
        position: lines.position(atom.span.start),
        invalidates: false,
    };
    plain.map(finding).collect()
}
