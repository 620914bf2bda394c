//! Rows of a JSON Lines file or of standard input.

use super::{ROW_BYTES_MAX, Row, Rows};
use crate::ending::Failure;
use crate::input::{display_name, is_stdin};
use std::io::{BufRead, BufReader, Read};
use std::path::Path;

/// One row a line, blank ones included: there is a line out for each line in.
pub(super) struct LineRows {
    name: String,
    reader: Box<dyn BufRead>,
    number: u64,
    bytes: u64,
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
        Ok(LineRows { name, reader, number: 0, bytes: 0 })
    }

    /// Reads on behind the line feed, and keeps nothing.
    fn skip_line(&mut self) -> std::io::Result<()> {
        loop {
            let buffer = self.reader.fill_buf()?;
            let (n, at_end) = match buffer.iter().position(|b| *b == b'\n') {
                Some(at) => (at + 1, true),
                None => (buffer.len(), buffer.is_empty()),
            };
            self.reader.consume(n);
            self.bytes += n as u64;
            if at_end {
                return Ok(());
            }
        }
    }
}

impl Rows for LineRows {
    fn next(&mut self) -> Result<Option<Row>, Failure> {
        let mut bytes = Vec::new();
        let read = (&mut self.reader).take(ROW_BYTES_MAX as u64 + 1).read_until(b'\n', &mut bytes);
        let n = read.map_err(|error| Failure::unreadable(&self.name, error))?;
        if n == 0 {
            return Ok(None);
        }
        self.number += 1;
        self.bytes += n as u64;
        let complete = bytes.last() == Some(&b'\n');
        if !complete && n > ROW_BYTES_MAX {
            self.skip_line().map_err(|error| Failure::unreadable(&self.name, error))?;
            let message = format!("the line is longer than {ROW_BYTES_MAX} bytes");
            return Ok(Some(Row { number: self.number, line: Err((message, None)) }));
        }
        if complete {
            bytes.pop();
        }
        if self.number == 1 && bytes.starts_with(b"\xef\xbb\xbf") {
            bytes.drain(..3);
        }
        let line = String::from_utf8(bytes).map_err(|error| {
            (format!("byte {} of the line is no UTF-8 character", error.utf8_error().valid_up_to()), None)
        });
        let line = line.and_then(|line| {
            if line.trim_ascii().is_empty() { Err(("the line is empty".to_owned(), None)) } else { Ok(line) }
        });
        Ok(Some(Row { number: self.number, line }))
    }

    fn bytes_done(&self) -> u64 {
        self.bytes
    }
}
