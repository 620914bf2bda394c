//! Findings about an input: plain data, no colours. Drawing them is the command line's affair.

use crate::source::Span;

/// How grave a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// Evaluation goes on; the author probably meant something else.
    Warning,
    /// The document has no meaning (in the mode it was read in), or part of it silently matches nothing.
    Error,
}

/// One finding, with the place it points at inside the text that was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    /// Whether the finding makes the document invalid; see [`Diagnostic::invalidates`].
    pub severity: Severity,
    /// Stable name for machines, e.g. `unknown-element`; where semantics.md names a code (`E-OPERATOR`), that code.
    pub code: &'static str,
    /// The rule that asks for it, e.g. `R-1.10`.
    pub rule: &'static str,
    /// What is wrong: lower case, no full stop, user text in backticks.
    pub message: String,
    /// What to write instead, where we can say it.
    pub help: Option<String>,
    /// The bytes it is about, always inside the source.
    pub span: Span,
    /// 1-based line and column (bytes) of `span.start`.
    pub position: (u32, u32),
    /// True iff the document cannot be given a meaning because of this finding.
    pub invalidates: bool,
}

impl std::fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let word = match self.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
        };
        write!(f, "{}:{}: {word}[{}]: {} ({})", self.position.0, self.position.1, self.code, self.message, self.rule)
    }
}
