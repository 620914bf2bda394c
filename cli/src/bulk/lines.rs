//! Rows of a JSON Lines file or of standard input.

use super::{ROW_BYTES_MAX, RowText, Rows};
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
    line: Vec<u8>,
}

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
        Ok(LineRows { name, reader, at_start: true, bytes: 0, line: Vec::new() })
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

impl Rows for LineRows {
    fn next(&mut self, take: &mut dyn FnMut(RowText<'_>)) -> Result<bool, Failure> {
        self.line.clear();
        let read = (&mut self.reader).take(ROW_BYTES_MAX as u64 + 1).read_until(b'\n', &mut self.line);
        let n = read.map_err(|error| Failure::unreadable(&self.name, error))?;
        if n == 0 {
            return Ok(false);
        }
        self.bytes += n as u64;
        let at_start = std::mem::replace(&mut self.at_start, false);
        let complete = self.line.last() == Some(&b'\n');
        if !complete && n > ROW_BYTES_MAX {
            let given = n + self.skip_line().map_err(|error| Failure::unreadable(&self.name, error))?;
            take(RowText::Error((format!("the line has {given} bytes, limit {ROW_BYTES_MAX}"), None)));
            // Lines as long as that are rare, and their memory is not kept.
            self.line = Vec::new();
            return Ok(true);
        }
        let mut line = self.line.strip_suffix(b"\n").unwrap_or(&self.line);
        if at_start {
            line = line.strip_prefix(b"\xef\xbb\xbf").unwrap_or(line);
        }
        take(match std::str::from_utf8(line) {
            Ok(line) if line.trim_ascii().is_empty() => RowText::Error(("the line is empty".to_owned(), None)),
            Ok(line) => RowText::Line(line),
            Err(error) => {
                RowText::Error((format!("byte {} of the line is no UTF-8 character", error.valid_up_to()), None))
            }
        });
        Ok(true)
    }

    fn bytes_done(&self) -> u64 {
        self.bytes
    }
}
