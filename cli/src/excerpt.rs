//! Findings drawn with the lines they are about.
//!
//! Exported policies are often one line of twenty thousand characters. Of such a line only the part around the finding
//! is shown; line and column are those of the whole file.

use crate::terminal::{clean, clean_line};
use iamc_policy::diagnostic::{Diagnostic, Severity};
use miette::{
    GraphicalReportHandler, GraphicalTheme, LabeledSpan, MietteError, MietteSpanContents, SourceCode, SourceSpan,
    SpanContents,
};
use std::borrow::Cow;
use std::fmt;

/// Lines up to this length, in bytes, are shown whole.
const LINE_BYTES_MAX: usize = 200;
/// Of longer lines, so many bytes before the finding are shown …
const BYTES_BEFORE: usize = 40;
/// … and so many of the finding and what follows it.
const BYTES_AFTER: usize = 100;
/// A finding over many lines is marked on so many bytes of them.
const MARKED_BYTES_MAX: usize = 400;
/// Width of the drawing, in columns: the same whatever the terminal, so that output is.
const WIDTH: usize = 110;

/// How to draw.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Drawing {
    /// With box-drawing characters, for terminals.
    Boxes,
    /// In ASCII, for files and pipes.
    Ascii,
}

/// Draws one finding about `text`, the whole content of the input called `name`; `note` stands below it.
///
/// Span and line of the finding are those in `text`. The result holds colours and ends with a line feed. Cost: O(bytes
/// of the lines around the finding).
pub(crate) fn draw(diagnostic: &Diagnostic, name: &str, text: &str, note: Option<&str>, drawing: Drawing) -> String {
    let theme = match drawing {
        Drawing::Boxes => GraphicalTheme::unicode(),
        Drawing::Ascii => GraphicalTheme::ascii(),
    };
    let handler = GraphicalReportHandler::new_themed(theme).with_width(WIDTH).with_links(false).with_context_lines(1);
    let report = Report { diagnostic, excerpt: Excerpt::new(name, text, diagnostic), note };
    let mut out = String::new();
    if handler.render_report(&mut out, &report).is_err() {
        // The drawing library refused; the finding itself is what matters.
        return format!("{}: {}\n", clean_line(name), clean(&diagnostic.to_string()));
    }
    out
}

#[derive(Debug)]
struct Report<'a> {
    diagnostic: &'a Diagnostic,
    excerpt: Excerpt<'a>,
    note: Option<&'a str>,
}

impl fmt::Display for Report<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&clean(&self.diagnostic.message))
    }
}

impl std::error::Error for Report<'_> {}

impl miette::Diagnostic for Report<'_> {
    fn code<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        Some(Box::new(format!("{} ({})", self.diagnostic.code, self.diagnostic.rule)))
    }

    fn severity(&self) -> Option<miette::Severity> {
        Some(match self.diagnostic.severity {
            Severity::Error => miette::Severity::Error,
            Severity::Warning => miette::Severity::Warning,
        })
    }

    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        let help = self.diagnostic.help.as_deref();
        match (help, self.note) {
            (None, None) => None,
            (Some(text), None) | (None, Some(text)) => Some(Box::new(clean(text).into_owned())),
            (Some(help), Some(note)) => Some(Box::new(format!("{}\n{}", clean(help), clean(note)))),
        }
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        Some(&self.excerpt)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        Some(Box::new(std::iter::once(LabeledSpan::new_with_span(None, self.excerpt.marked))))
    }
}

/// What is shown of a source, in which offsets are the excerpt's own and positions are the file's.
#[derive(Debug)]
struct Excerpt<'a> {
    name: String,
    shown: Cow<'a, str>,
    /// Zero-based line of the first byte shown.
    line: usize,
    /// Zero-based line and column (bytes) of the finding.
    position: (usize, usize),
    marked: SourceSpan,
}

impl<'a> Excerpt<'a> {
    fn new(name: &str, text: &'a str, diagnostic: &Diagnostic) -> Excerpt<'a> {
        let span = diagnostic.span;
        let start = floor(text, span.start.min(text.len()));
        let end = floor(text, span.end.clamp(start, start.saturating_add(MARKED_BYTES_MAX).min(text.len())));
        let line_start = text[..start].rfind('\n').map_or(0, |at| at + 1);
        let line = (diagnostic.position.0 as usize).saturating_sub(1);
        // One line before and one behind, as far as the finding's own lines go.
        let from = text[..line_start].strip_suffix('\n').map_or(line_start, |s| s.rfind('\n').map_or(0, |at| at + 1));
        let last_end = text[end..].find('\n').map_or(text.len(), |at| end + at);
        let to = match text.get(last_end + 1..) {
            Some(rest) if last_end < text.len() => rest.find('\n').map_or(text.len(), |at| last_end + 1 + at),
            _ => last_end,
        };
        let long = text[from..to].split('\n').any(|line| line.len() > LINE_BYTES_MAX);
        let (from, to, end) = if long {
            let from = floor(text, line_start.max(start.saturating_sub(BYTES_BEFORE)));
            let line_end = text[start..].find('\n').map_or(text.len(), |at| start + at);
            let to = floor(text, line_end.min(start.saturating_add(BYTES_AFTER)));
            (from, to, end.min(to))
        } else {
            (from, to, end)
        };
        let first_line = line.saturating_sub(text[from..start].bytes().filter(|b| *b == b'\n').count());
        // Cleaning may lengthen the text, so the mark is measured in cleaned text.
        let clean_bytes = |part: &str| clean(part).len();
        let offset = clean_bytes(&text[from..start]);
        let marked = SourceSpan::new(offset.into(), clean_bytes(&text[start..end]));
        Excerpt {
            name: clean_line(name),
            shown: clean(&text[from..to]),
            line: first_line,
            position: (line, start - line_start),
            marked,
        }
    }
}

/// The greatest character boundary that is not above `at`, which is at most the length.
fn floor(text: &str, mut at: usize) -> usize {
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

impl SourceCode for Excerpt<'_> {
    fn read_span<'a>(
        &'a self,
        span: &SourceSpan,
        before: usize,
        after: usize,
    ) -> Result<Box<dyn SpanContents<'a> + 'a>, MietteError> {
        let contents = self.shown.as_ref().read_span(span, before, after)?;
        let (line, column) = if before == 0 {
            // Asked for the heading `[file:line:column]`.
            self.position
        } else {
            (contents.line() + self.line, contents.column())
        };
        let data = contents.data();
        Ok(Box::new(MietteSpanContents::new_named(
            self.name.clone(),
            data,
            *contents.span(),
            line,
            column,
            contents.line_count(),
        )))
    }
}
