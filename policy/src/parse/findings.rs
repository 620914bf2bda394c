//! Where the reader of documents puts what it finds.

use crate::diagnostic::{Diagnostic, Severity};
use crate::document::Strictness;
use crate::source::{LineIndex, Span};

/// What a finding does to the document, in either mode.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Grade {
    /// No meaning in either mode.
    Invalid,
    /// Strict: refused. Lenient: the part in question matches nothing, which is an error of its author's.
    Unmatched,
    /// Strict: refused. Lenient: it has a meaning, and a warning.
    Tolerated,
    /// Both modes: the part in question matches nothing, yet AWS stores it.
    Dead,
    /// Both modes: a warning.
    Warning,
}

/// One finding before its line is known.
#[derive(Debug, Clone)]
pub(crate) struct Finding {
    pub(crate) grade: Grade,
    pub(crate) code: &'static str,
    pub(crate) rule: &'static str,
    pub(crate) span: Span,
    pub(crate) message: String,
    pub(crate) help: Option<String>,
}

/// All findings of a document.
#[derive(Debug)]
pub(crate) struct Findings {
    strict: bool,
    list: Vec<Diagnostic>,
    n_dropped: usize,
    dropped_invalidates: bool,
}

impl Findings {
    /// So many are listed; a hostile document could otherwise make us hold far more than its own bytes.
    pub(crate) const LISTED_MAX: usize = 1_000;

    pub(crate) fn new(strictness: Strictness) -> Findings {
        Findings {
            strict: strictness == Strictness::Strict,
            list: Vec::new(),
            n_dropped: 0,
            dropped_invalidates: false,
        }
    }

    /// Whether further findings are only counted, so that nobody needs to think of a help text for them.
    pub(crate) fn is_full(&self) -> bool {
        self.list.len() == Findings::LISTED_MAX
    }

    pub(crate) fn push(&mut self, finding: Finding) {
        let (severity, invalidates) = match finding.grade {
            Grade::Invalid => (Severity::Error, true),
            Grade::Unmatched => (Severity::Error, self.strict),
            Grade::Tolerated if self.strict => (Severity::Error, true),
            Grade::Tolerated | Grade::Warning => (Severity::Warning, false),
            Grade::Dead => (Severity::Error, false),
        };
        if self.is_full() {
            self.n_dropped += 1;
            self.dropped_invalidates |= invalidates;
            return;
        }
        self.list.push(Diagnostic {
            severity,
            code: finding.code,
            rule: finding.rule,
            message: finding.message,
            help: finding.help,
            span: finding.span,
            position: (1, 1),
            invalidates,
        });
    }

    /// In source order, with lines and columns; `end` is the length of the text.
    pub(crate) fn finish(mut self, lines: &LineIndex, end: usize) -> Vec<Diagnostic> {
        self.list.sort_by_key(|diagnostic| diagnostic.span.start);
        if self.n_dropped > 0 {
            self.list.push(Diagnostic {
                severity: if self.dropped_invalidates { Severity::Error } else { Severity::Warning },
                code: "more-findings",
                rule: "R-1.36",
                message: format!("{} further findings are not listed, limit {}", self.n_dropped, Findings::LISTED_MAX),
                help: None,
                span: Span::new(end, end),
                position: (1, 1),
                invalidates: self.dropped_invalidates,
            });
        }
        for diagnostic in &mut self.list {
            diagnostic.position = lines.position(diagnostic.span.start);
        }
        self.list
    }
}
