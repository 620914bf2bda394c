//! Policy documents on their way into the world: parsed once each, quarantined where they are invalid.

use crate::error::{InputError, shorten};
use crate::json::{Mistakes, Node};
use crate::report::{Finding, Quarantined};
use iamc_policy::diagnostic::{Diagnostic, Severity};
use iamc_policy::document::{Policy, PolicyKind, Strictness};
use iamc_policy::world::{NamedPolicy, PolicyText, WhyUnknown};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

/// What was learned beside the world while reading one file.
#[derive(Default)]
pub(crate) struct Notes {
    pub(crate) mistakes: Mistakes,
    pub(crate) quarantined: Vec<Quarantined>,
    pub(crate) findings: Vec<Finding>,
    pub(crate) n_policies: usize,
    pub(crate) n_warnings: usize,
}

/// Parses policy documents. The same text is parsed once, however often it occurs: in real organizations most roles of
/// an account stand in every other account too.
pub(crate) struct Documents {
    strictness: Strictness,
    /// One map for each kind, in the order of [`PolicyKind::ALL`].
    known: Vec<Mutex<HashMap<Arc<str>, Reading>>>,
}

/// The outcome of parsing one text.
#[derive(Clone)]
struct Reading {
    policy: Option<Arc<Policy>>,
    diagnostics: Arc<[Diagnostic]>,
}

/// A document as it stands in a file.
pub(crate) struct DocumentText<'t> {
    /// The document itself, decoded.
    pub(crate) text: &'t str,
    /// The value it was taken from.
    pub(crate) at: Node<'t>,
    /// Whether it stands in the file as it is.
    pub(crate) verbatim: bool,
}

impl Documents {
    pub(crate) fn new(strictness: Strictness) -> Documents {
        Documents { strictness, known: PolicyKind::ALL.iter().map(|_| Mutex::default()).collect() }
    }

    fn parse(&self, kind: PolicyKind, text: &str) -> Reading {
        // A thread that panicked while it held the lock left the map as it was: inserting is the last thing done.
        let known = &self.known[kind as usize];
        if let Some(known) = known.lock().unwrap_or_else(PoisonError::into_inner).get(text) {
            return known.clone();
        }
        let parsed = Policy::parse(kind, self.strictness, text);
        let reading = Reading { policy: parsed.policy.map(Arc::new), diagnostics: parsed.diagnostics.into() };
        known.lock().unwrap_or_else(PoisonError::into_inner).entry(text.into()).or_insert(reading).clone()
    }

    /// Reads a document into a policy.
    ///
    /// An invalid one is a mistake in strict mode (R-1.36) and where it is an SCP or RCP (R-1.35); else it is
    /// quarantined: its text counts as unknown.
    pub(crate) fn read(
        &self,
        kind: PolicyKind,
        name: String,
        document: &DocumentText<'_>,
        notes: &mut Notes,
    ) -> NamedPolicy {
        let reading = self.parse(kind, document.text);
        let place = document.at.place();
        notes.n_policies += 1;
        let mut policy = NamedPolicy::unknown(name);
        policy.place = Some(place.clone());
        policy.verbatim = document.verbatim;
        match reading.policy {
            Some(parsed) => {
                for diagnostic in reading.diagnostics.iter() {
                    match diagnostic.severity {
                        Severity::Warning => notes.n_warnings += 1,
                        Severity::Error => notes.findings.push(Finding {
                            place: place.clone(),
                            policy: policy.name.clone(),
                            diagnostic: diagnostic.clone(),
                        }),
                    }
                }
                policy.text = PolicyText::Known(parsed);
            }
            None if self.strictness == Strictness::Strict || matches!(kind, PolicyKind::Scp | PolicyKind::Rcp) => {
                for diagnostic in reading.diagnostics.iter().filter(|d| d.invalidates) {
                    notes.mistakes.push(mistake(kind, &policy.name, document, diagnostic));
                }
            }
            None => {
                let diagnostics = reading.diagnostics.to_vec();
                notes.quarantined.push(Quarantined {
                    place,
                    kind,
                    policy: policy.name.clone(),
                    diagnostics: diagnostics.clone(),
                });
                policy.source = Some(document.text.into());
                policy.text = PolicyText::Unknown(WhyUnknown::Quarantined(diagnostics));
            }
        }
        policy
    }
}

/// A finding of a document as a mistake of the file it stands in.
fn mistake(kind: PolicyKind, name: &str, document: &DocumentText<'_>, diagnostic: &Diagnostic) -> InputError {
    let (line, column) = document.at.position();
    let (in_line, in_column) = diagnostic.position;
    let name = shorten(name);
    let (at, message) = if document.verbatim {
        let column = if in_line <= 1 { column.saturating_add(in_column.saturating_sub(1)) } else { in_column };
        let at = (line.saturating_add(in_line.saturating_sub(1)), column);
        (at, format!("invalid {kind} policy `{name}`: {}", diagnostic.message))
    } else {
        // The document is encoded here: its own lines are not the file's.
        let inside = format!("at line {in_line}, column {in_column} of the decoded document");
        ((line, column), format!("invalid {kind} policy `{name}`: {} ({inside})", diagnostic.message))
    };
    let help = diagnostic.help.clone().or_else(|| Some(format!("see {}", diagnostic.rule)));
    InputError { file: document.at.file().clone(), line: at.0, column: at.1, message, help }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_has_a_map_of_its_own() {
        for (at, kind) in PolicyKind::ALL.iter().enumerate() {
            assert_eq!(*kind as usize, at);
        }
    }

    #[test]
    fn equal_texts_share_one_policy() {
        let documents = Documents::new(Strictness::Lenient);
        let text = r#"{"Statement":{"Effect":"Allow","Action":"s3:*","Resource":"*"}}"#;
        let read = |kind| documents.parse(kind, text).policy.expect("the document is valid");
        assert!(Arc::ptr_eq(&read(PolicyKind::Identity), &read(PolicyKind::Identity)));
        assert_eq!(read(PolicyKind::Scp).kind, PolicyKind::Scp);
    }
}
