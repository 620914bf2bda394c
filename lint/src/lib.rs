//! What is wrong with a policy document, or looks wrong: everything that can be said without an organization.
//!
//! In goes a text with the kind of policy it is, out come [`Diagnostic`]s in source order: what the reader of
//! documents found (`iamc_policy`), values that their operators cannot read, and the checks of this crate. These
//! compare actions, keys and ARNs with the [`Catalogue`], look for stars that give away more than they seem to, and for
//! statements that another one makes superfluous. [`RULES`] lists them.
//!
//! A finding never changes a decision. The checks err on the side of silence: what they say is so, as far as the
//! catalogue goes, and they do not say everything. Cost is bounded whatever the document: O(bytes), O(entries x
//! actions of their services), and a budget for comparing statements with each other.

mod actions;
mod glob;
mod guess;
mod keys;
mod resources;
mod rules;
mod scp;
mod shadow;
mod stars;
mod values;

pub use guess::{Guess, guess};
pub use rules::{RULES, Rule};

use iamc_catalogue::Catalogue;
use iamc_policy::diagnostic::Diagnostic;
use iamc_policy::document::{Policy, PolicyKind, Strictness};
use iamc_policy::json;
use iamc_policy::sizes::size_findings;
use iamc_policy::source::{LineIndex, Span};

/// What to look for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Options {
    /// How forgiving the reader is.
    pub strictness: Strictness,
    /// Whether SCPs are held to the limits that held before September 2025 (R-1.34).
    pub old_scp_limits: bool,
}

/// The most findings that one check reports; a hostile document could otherwise make us hold far more than its bytes.
const LISTED_MAX: usize = 1_000;

/// Everything there is to say about one document.
///
/// Errors: none; a text that is no document is a finding.
///
/// ```
/// use iamc_catalogue::Catalogue;
/// use iamc_lint::{Options, lint};
/// use iamc_policy::PolicyKind;
/// let text = r#"{"Version": "2012-10-17", "Statement":
///     {"Effect": "Allow", "Action": "s3:GetObjekt", "Resource": "arn:aws:s3:::site/*"}}"#;
/// let findings = lint(PolicyKind::Identity, text, Catalogue::embedded(), Options::default());
/// assert_eq!((findings[0].code, findings[0].position), ("unknown-action", (2, 35)));
/// ```
pub fn lint(kind: PolicyKind, text: &str, catalogue: &Catalogue, options: Options) -> Vec<Diagnostic> {
    let parsed = Policy::parse(kind, options.strictness, text);
    let mut found = parsed.diagnostics;
    found.extend(size_findings(kind, text));
    if let Some(policy) = &parsed.policy {
        found.extend(values::malformed(policy, text));
        let mut subject =
            Subject { kind, policy, text, lines: LineIndex::new(text), catalogue, found: Vec::new(), n_of_rule: 0 };
        actions::check(&mut subject);
        keys::check(&mut subject);
        resources::check(&mut subject);
        stars::check(&mut subject);
        shadow::check(&mut subject);
        if options.old_scp_limits {
            scp::check(&mut subject);
        }
        found.append(&mut subject.found);
    }
    sort(&mut found);
    found
}

/// What can be said without a catalogue: what the reader of documents found, and values that their operators cannot read.
///
/// It is what decides whether a policy in hand means what its author thinks, so it is shown where a decision is asked
/// for. Cost: O(bytes).
pub fn document_findings(kind: PolicyKind, strictness: Strictness, text: &str) -> Vec<Diagnostic> {
    let parsed = Policy::parse(kind, strictness, text);
    let mut found = parsed.diagnostics;
    if let Some(policy) = &parsed.policy {
        found.extend(values::malformed(policy, text));
    }
    sort(&mut found);
    found
}

/// Into source order; findings at one place by code and message.
fn sort(found: &mut [Diagnostic]) {
    found.sort_by(|a, b| (a.span, a.code, &a.message).cmp(&(b.span, b.code, &b.message)));
}

/// A document under examination.
struct Subject<'a> {
    kind: PolicyKind,
    policy: &'a Policy,
    text: &'a str,
    lines: LineIndex,
    catalogue: &'a Catalogue,
    found: Vec<Diagnostic>,
    n_of_rule: usize,
}

impl Subject<'_> {
    /// Begins a check: each may report so many findings.
    fn begin(&mut self) {
        self.n_of_rule = 0;
    }

    fn report(&mut self, rule: &'static Rule, span: Span, message: String, help: &str) {
        self.n_of_rule += 1;
        if self.n_of_rule > LISTED_MAX {
            return;
        }
        self.found.push(Diagnostic {
            severity: rule.severity,
            code: rule.code,
            rule: rule.rule,
            message,
            help: Some(help.to_owned()).filter(|help| !help.is_empty()),
            span,
            position: self.lines.position(span.start),
            invalidates: false,
        });
    }

    /// The spans of the entries of an element whose value has the span `whole`; the whole, where they are not `n`.
    fn entry_spans(&self, whole: Span, n: usize) -> Vec<Span> {
        let spans = self.text.get(whole.start..whole.end).and_then(|text| {
            let node = json::Node::parse(text, whole.start).ok()?;
            match node.shape() {
                json::Shape::List => Some(node.items().ok()?.iter().map(|item| item.span()).collect::<Vec<_>>()),
                _ => Some(vec![node.span()]),
            }
        });
        spans.filter(|spans| spans.len() == n).unwrap_or_else(|| vec![whole; n])
    }
}
