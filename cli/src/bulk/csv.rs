//! Rows of a CSV file (RFC 4180, with a heading).

use super::columns::Columns;
use super::window::RowError;
use super::{ROW_BYTES_MAX, RowText, Rows};
use crate::ending::Failure;
use crate::input::display_name;
use ::csv::{ByteRecord, Reader, ReaderBuilder};
use std::cell::Cell;
use std::io::Read;
use std::path::Path;
use std::rc::Rc;

/// One row a record.
pub(super) struct CsvRows {
    name: String,
    reader: Reader<Bounded<std::fs::File>>,
    columns: Columns,
    record: ByteRecord,
    left: Rc<Cell<usize>>,
}

impl CsvRows {
    /// # Errors
    /// [`Failure::Input`] if the file cannot be opened or its heading is not one of requests.
    pub(super) fn open(path: &Path) -> Result<CsvRows, Failure> {
        let name = display_name(path);
        let file = std::fs::File::open(path).map_err(|error| Failure::unreadable(&name, error))?;
        let left = Rc::new(Cell::new(ROW_BYTES_MAX));
        let mut reader =
            ReaderBuilder::new().flexible(true).from_reader(Bounded { inner: file, left: Rc::clone(&left) });
        let heading = reader.headers().map_err(|error| Failure::unreadable(&name, error))?;
        let columns = Columns::new(&name, heading.iter().map(|name| name.trim_start_matches('\u{feff}').trim()))?;
        Ok(CsvRows { name, reader, columns, record: ByteRecord::new(), left })
    }

    fn cells(&self) -> Result<Vec<Option<&str>>, RowError> {
        let (n, expected) = (self.record.len(), self.columns.len());
        if n != expected {
            return Err((format!("the row has {n} cells, the heading {expected}"), None));
        }
        let mut cells = Vec::with_capacity(n);
        for (index, bytes) in self.record.iter().enumerate() {
            let text = std::str::from_utf8(bytes);
            let column = || Some(self.columns.name(index).to_owned());
            cells.push(Some(text.map_err(|_| ("the cell is not UTF-8 text".to_owned(), column()))?));
        }
        Ok(cells)
    }
}

impl Rows for CsvRows {
    fn next(&mut self, take: &mut dyn FnMut(Vec<RowText<'_>>)) -> Result<bool, Failure> {
        self.left.set(ROW_BYTES_MAX);
        let more = self.reader.read_byte_record(&mut self.record);
        if !more.map_err(|error| Failure::unreadable(&self.name, error))? {
            return Ok(false);
        }
        match self.cells() {
            Ok(cells) => take(vec![RowText::Cells(&self.columns, &cells)]),
            Err(error) => take(vec![RowText::Error(error)]),
        }
        Ok(true)
    }

    fn bytes_done(&self) -> u64 {
        self.reader.position().byte()
    }
}

/// A reader that refuses to go on when one record takes too many bytes: an open quote would take them all.
struct Bounded<R> {
    inner: R,
    left: Rc<Cell<usize>>,
}

impl<R: Read> Read for Bounded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let n = self.inner.read(buffer)?;
        match self.left.get().checked_sub(n) {
            Some(left) => self.left.set(left),
            None => {
                let message =
                    format!("a row has more than {ROW_BYTES_MAX} bytes, the limit; is a quotation mark missing");
                return Err(std::io::Error::new(std::io::ErrorKind::InvalidData, message));
            }
        }
        Ok(n)
    }
}
