//! Positions: byte spans inside one text, and the line and column they stand for.

use std::sync::Arc;

/// A half-open byte range `start..end` inside one source text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Span {
    /// Offset of the first byte.
    pub start: usize,
    /// Offset behind the last byte; never below `start`.
    pub end: usize,
}

impl Span {
    /// The span of `start..end`.
    pub fn new(start: usize, end: usize) -> Span {
        debug_assert!(start <= end);
        Span { start, end }
    }

    /// Number of bytes covered.
    pub fn len(self) -> usize {
        self.end - self.start
    }

    /// True iff no byte is covered.
    pub fn is_empty(self) -> bool {
        self.start == self.end
    }
}

/// Where lines begin in one text: turns byte offsets into lines and columns.
///
/// Cost: O(bytes) to build, O(log lines) for each question.
#[derive(Debug, Clone)]
pub struct LineIndex {
    starts: Vec<usize>,
}

impl LineIndex {
    /// Scans `text` once for line feeds.
    pub fn new(text: &str) -> LineIndex {
        let mut starts = vec![0];
        starts.extend(text.match_indices('\n').map(|(i, _)| i + 1));
        LineIndex { starts }
    }

    /// The 1-based line and 1-based column (in bytes) of `offset`.
    ///
    /// ```
    /// use iamc_policy::source::LineIndex;
    /// let index = LineIndex::new("ab\ncd");
    /// assert_eq!(index.position(4), (2, 2));
    /// ```
    pub fn position(&self, offset: usize) -> (u32, u32) {
        let line = self.starts.partition_point(|start| *start <= offset).max(1);
        let column = offset.saturating_sub(self.starts[line - 1]) + 1;
        (line as u32, u32::try_from(column).unwrap_or(u32::MAX))
    }
}

/// Where something was read: a file and a 1-based line in it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    /// The file's name as the user gave it, with `/` between folders.
    pub file: Arc<str>,
    /// 1-based line.
    pub line: u32,
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}", self.file, self.line)
    }
}
