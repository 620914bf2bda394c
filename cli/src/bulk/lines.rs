//! Rows of a JSON Lines file or of standard input.

use super::{ROW_BYTES_MAX, ROWS_TOGETHER, RowText, Rows};
use crate::ending::Failure;
use crate::input::{display_name, is_stdin};
use std::io::{BufRead, BufReader, Read};
use std::path::Path;

/// One row a line, blank ones included: there is a line out for each line in.
pub(super) struct LineRows {
    name: String,
    reader: Box<dyn BufRead>,
    at_start: bool,
    bytes: u64,
    /// The lines that were read last.
    lines: Vec<u8>,
    /// What happened behind them.
    failure: Option<Failure>,
}

/// Lines are read together until they have so many bytes.
const BYTES_TOGETHER: usize = 256 * 1024;

impl LineRows {
    /// # Errors
    /// [`Failure::Input`] if the file cannot be opened.
    pub(super) fn open(path: &Path) -> Result<LineRows, Failure> {
        let name = display_name(path);
        let reader: Box<dyn BufRead> = if is_stdin(path) {
            Box::new(std::io::stdin().lock())
        } else {
            let file = std::fs::File::open(path).map_err(|error| Failure::unreadable(&name, error))?;
            Box::new(BufReader::with_capacity(256 * 1024, file))
        };
        Ok(LineRows { name, reader, at_start: true, bytes: 0, lines: Vec::new(), failure: None })
    }

    /// Reads on behind the line feed, and keeps nothing; gives back how many bytes came before it.
    fn skip_line(&mut self) -> std::io::Result<usize> {
        let mut n_skipped = 0;
        loop {
            let buffer = self.reader.fill_buf()?;
            let end = buffer.iter().position(|b| *b == b'\n');
            let n = end.unwrap_or(buffer.len());
            let taken = n + usize::from(end.is_some());
            self.reader.consume(taken);
            self.bytes += taken as u64;
            n_skipped += n;
            if end.is_some() || n == 0 {
                return Ok(n_skipped);
            }
        }
    }
}

/// What stands in a line, without its end.
enum ReadLine {
    Line { start: usize, end: usize },
    TooLong { n_bytes: usize },
}

impl LineRows {
    /// Reads a line behind those that are there; `None`: there is none.
    fn read(&mut self) -> std::io::Result<Option<ReadLine>> {
        let start = self.lines.len();
        let n = (&mut self.reader).take(ROW_BYTES_MAX as u64 + 1).read_until(b'\n', &mut self.lines)?;
        if n == 0 {
            return Ok(None);
        }
        self.bytes += n as u64;
        let complete = self.lines.last() == Some(&b'\n');
        if !complete && n > ROW_BYTES_MAX {
            self.lines.truncate(start);
            return Ok(Some(ReadLine::TooLong { n_bytes: n + self.skip_line()? }));
        }
        Ok(Some(ReadLine::Line { start, end: self.lines.len() - usize::from(complete) }))
    }

    /// The line that stands there; `whole`: all that was read, if it is text.
    fn text<'a>(&'a self, whole: Option<&'a str>, start: usize, end: usize) -> RowText<'a> {
        let text = match whole.and_then(|whole| whole.get(start..end)) {
            Some(line) => Ok(line),
            None => std::str::from_utf8(&self.lines[start..end]),
        };
        match text {
            Ok(line) if line.trim_ascii().is_empty() => RowText::Error(("the line is empty".to_owned(), None)),
            Ok(line) => RowText::Line(line),
            Err(error) => {
                RowText::Error((format!("byte {} of the line is no UTF-8 character", error.valid_up_to()), None))
            }
        }
    }
}

impl Rows for LineRows {
    fn next(&mut self, take: &mut dyn FnMut(Vec<RowText<'_>>)) -> Result<bool, Failure> {
        if let Some(failure) = self.failure.take() {
            return Err(failure);
        }
        self.lines.clear();
        // Lines as long as that are rare, and their memory is not kept.
        self.lines.shrink_to(BYTES_TOGETHER * 2);
        let mut read = Vec::with_capacity(ROWS_TOGETHER);
        while read.len() < ROWS_TOGETHER && self.lines.len() < BYTES_TOGETHER {
            match self.read() {
                Ok(Some(line)) => read.push(line),
                Ok(None) => break,
                Err(error) => {
                    // The lines before it are rows all the same.
                    self.failure = Some(Failure::unreadable(&self.name, error));
                    break;
                }
            }
        }
        if read.is_empty() {
            return self.failure.take().map_or(Ok(false), Err);
        }
        let at_start = std::mem::replace(&mut self.at_start, false);
        let mark = if at_start && self.lines.starts_with(b"\xef\xbb\xbf") { 3 } else { 0 };
        // One look at all of them takes a part of what one at each takes.
        let whole = std::str::from_utf8(&self.lines).ok();
        take(
            (read.into_iter().enumerate())
                .map(|(index, read)| match read {
                    ReadLine::Line { start, end } => {
                        self.text(whole, if index == 0 { start + mark } else { start }, end)
                    }
                    ReadLine::TooLong { n_bytes } => {
                        RowText::Error((format!("the line has {n_bytes} bytes, limit {ROW_BYTES_MAX}"), None))
                    }
                })
                .collect(),
        );
        Ok(true)
    }

    fn bytes_done(&self) -> u64 {
        self.bytes
    }
}
