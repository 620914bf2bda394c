//! Policy documents on their way into the world: parsed once each, quarantined where they are invalid.

use crate::aws::document_text;
use crate::error::{InputError, shorten};
use crate::json::{Mistakes, Node};
use crate::report::{Finding, Quarantined};
use iamc_policy::diagnostic::{Diagnostic, Severity};
use iamc_policy::document::{Policy, PolicyKind, Strictness};
use iamc_policy::world::{NamedPolicy, PolicyText, WhyUnknown};
use std::borrow::Cow;
use std::collections::HashMap;
use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::sync::{Arc, Mutex, PoisonError};
use xxhash_rust::xxh3::xxh3_64_with_seed;

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
/// an account stand in every other account too, and every account repeats AWS's own policies.
///
/// Texts are remembered by two hashes with keys of this run, of which one is a pseudo-random function: of a million
/// texts two are confused with a probability below 10^-25, and nobody who does not know the keys can do better. Keeping
/// the texts instead would cost as much memory as all that is kept of them.
pub(crate) struct Documents {
    strictness: Strictness,
    /// One map for each kind, in the order of [`PolicyKind::ALL`].
    known: Vec<Mutex<HashMap<(u64, u64), Reading>>>,
    keys: RandomState,
    seed: u64,
}

/// The outcome of parsing one text. Of most texts nothing but the policy is kept: warnings are counted.
#[derive(Clone)]
struct Reading {
    policy: Option<Arc<Policy>>,
    n_warnings: u32,
    odd: Option<Arc<Odd>>,
}

/// What is worth telling of a text.
struct Odd {
    /// Everything that was found where the policy is invalid, else the grave findings.
    diagnostics: Vec<Diagnostic>,
    /// The text, decoded, of a policy that is invalid.
    source: Option<Arc<str>>,
}

impl Reading {
    fn diagnostics(&self) -> &[Diagnostic] {
        self.odd.as_ref().map_or(&[], |odd| &odd.diagnostics)
    }
}

/// A document as it stands in a file.
pub(crate) struct DocumentText<'t> {
    /// The document, or the string that holds it.
    pub(crate) text: &'t str,
    /// Whether the text is a JSON string, with its quotes, as [`document_text`] reads it.
    pub(crate) literal: bool,
    /// The value it was taken from.
    pub(crate) at: Node<'t>,
    /// Whether it stands in the file as it is.
    pub(crate) verbatim: bool,
}

impl Documents {
    pub(crate) fn new(strictness: Strictness) -> Documents {
        let keys = RandomState::new();
        let seed = keys.hash_one("seed");
        Documents { strictness, known: PolicyKind::ALL.iter().map(|_| Mutex::default()).collect(), keys, seed }
    }

    fn parse(&self, kind: PolicyKind, text: &str, literal: bool) -> Reading {
        // A thread that panicked while it held the lock left the map as it was: inserting is the last thing done.
        let known = &self.known[kind as usize];
        // A text that is a document may look like a string that holds another.
        let key = (self.keys.hash_one((literal, text)), xxh3_64_with_seed(text.as_bytes(), self.seed));
        if let Some(known) = known.lock().unwrap_or_else(PoisonError::into_inner).get(&key) {
            return known.clone();
        }
        let text = if literal { document_text(text) } else { Cow::Borrowed(text) };
        let parsed = Policy::parse(kind, self.strictness, &text);
        let is_invalid = parsed.policy.is_none();
        let mut diagnostics = parsed.diagnostics;
        let is_warning = |diagnostic: &Diagnostic| diagnostic.severity == Severity::Warning;
        let n_warnings = diagnostics.iter().filter(|diagnostic| is_warning(diagnostic)).count() as u32;
        if !is_invalid {
            diagnostics.retain(|diagnostic| !is_warning(diagnostic));
        }
        let odd = (!diagnostics.is_empty() || is_invalid)
            .then(|| Arc::new(Odd { diagnostics, source: is_invalid.then(|| Arc::from(&*text)) }));
        let reading = Reading { policy: parsed.policy.map(Arc::new), n_warnings, odd };
        known.lock().unwrap_or_else(PoisonError::into_inner).entry(key).or_insert(reading).clone()
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
        let reading = self.parse(kind, document.text, document.literal);
        let place = document.at.place();
        notes.n_policies += 1;
        let mut policy = NamedPolicy::unknown(name);
        policy.place = Some(place.clone());
        policy.verbatim = document.verbatim;
        match &reading.policy {
            Some(parsed) => {
                notes.n_warnings += reading.n_warnings as usize;
                notes.findings.extend(reading.diagnostics().iter().map(|diagnostic| Finding {
                    place: place.clone(),
                    policy: policy.name.to_string(),
                    diagnostic: diagnostic.clone(),
                }));
                policy.text = PolicyText::Known(parsed.clone());
            }
            None if self.strictness == Strictness::Strict || matches!(kind, PolicyKind::Scp | PolicyKind::Rcp) => {
                for diagnostic in reading.diagnostics().iter().filter(|d| d.invalidates) {
                    notes.mistakes.push(mistake(kind, &policy.name, document, diagnostic));
                }
            }
            None => {
                let diagnostics = reading.diagnostics().to_vec();
                notes.quarantined.push(Quarantined {
                    place,
                    kind,
                    policy: policy.name.to_string(),
                    diagnostics: diagnostics.clone(),
                });
                policy.source = reading.odd.as_ref().and_then(|odd| odd.source.clone());
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

    /// The document `"…"`, which is none, is not the string whose document is valid.
    #[test]
    fn strings_are_not_taken_for_documents() {
        let documents = Documents::new(Strictness::Lenient);
        let text = r#""%7B%22Statement%22%3A%5B%5D%7D""#;
        assert!(documents.parse(PolicyKind::Identity, text, true).policy.is_some());
        assert!(documents.parse(PolicyKind::Identity, text, false).policy.is_none());
    }

    #[test]
    fn equal_texts_share_one_policy() {
        let documents = Documents::new(Strictness::Lenient);
        let text = r#"{"Statement":{"Effect":"Allow","Action":"s3:*","Resource":"*"}}"#;
        let read = |kind| documents.parse(kind, text, false).policy.expect("the document is valid");
        assert!(Arc::ptr_eq(&read(PolicyKind::Identity), &read(PolicyKind::Identity)));
        assert_eq!(read(PolicyKind::Scp).kind, PolicyKind::Scp);
    }
}
