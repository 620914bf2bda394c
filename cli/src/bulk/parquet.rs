//! Rows of a Parquet file, and answers as one.
//!
//! Columns that are all texts are read column by column; for maps of texts the record interface of the library is enough.

use super::columns::{COLUMNS_MAX, Columns};
use super::window::{RowError, RowId};
use super::write::{Writer, cells, columns};
use super::{Answered, ROWS_TOGETHER, RowText, Rows};
use crate::ending::{self, Failure};
use crate::input::display_name;
use crate::output::{Output, parquet_failure as failure};
use ::parquet::basic::{Compression, ConvertedType, LogicalType, Repetition, Type as Physical};
use ::parquet::column::reader::{ColumnReader, ColumnReaderImpl};
use ::parquet::data_type::{ByteArray, ByteArrayType};
use ::parquet::errors::ParquetError;
use ::parquet::file::properties::WriterProperties;
use ::parquet::file::reader::{FileReader, SerializedFileReader};
use ::parquet::file::writer::SerializedFileWriter;
use ::parquet::record::Field;
use ::parquet::record::reader::RowIter;
use ::parquet::schema::types::{ColumnDescPtr, ColumnPath, Type};
use serde_json::{Map, Value};
use std::io::Write as _;
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

/// One row a record of the file.
pub(super) struct ParquetRows {
    name: String,
    columns: Columns,
    records: Records,
    number: u64,
    n_rows: u64,
    bytes: u64,
}

/// How records are read.
enum Records {
    /// Every column is text: column by column, a part of each at a time.
    Texts(Texts),
    /// Some column is something else.
    Any(RowIter<'static>),
}

impl ParquetRows {
    /// # Errors
    /// [`Failure::Input`] if the file cannot be opened, is no Parquet file or has not the columns of requests.
    pub(super) fn open(path: &Path) -> Result<ParquetRows, Failure> {
        let name = display_name(path);
        let file = std::fs::File::open(path).map_err(|error| Failure::unreadable(&name, error))?;
        let bytes = file.metadata().map(|metadata| metadata.len()).unwrap_or(0);
        let reader = guarded(&name, || SerializedFileReader::new(file))?;
        let metadata = reader.metadata().file_metadata();
        let n_rows = u64::try_from(metadata.num_rows()).unwrap_or(0);
        let schema = metadata.schema_descr();
        let columns = Columns::new(&name, schema.root_schema().get_fields().iter().map(|field| field.name()))?;
        let is_text = |column: &ColumnDescPtr| {
            column.physical_type() == Physical::BYTE_ARRAY
                && column.max_rep_level() == 0
                && column.max_def_level() <= 1
                && column.path().parts().len() == 1
                && !matches!(column.logical_type_ref(), Some(LogicalType::Decimal { .. }))
                && column.converted_type() != ConvertedType::DECIMAL
        };
        let records = if schema.columns().iter().all(is_text) && schema.num_columns() == columns.len() {
            Records::Texts(Texts::new(reader))
        } else {
            Records::Any(guarded(&name, || RowIter::from_file_into(Box::new(reader)).project(None))?)
        };
        Ok(ParquetRows { name, columns, records, number: 0, n_rows, bytes })
    }
}

impl Rows for ParquetRows {
    fn next(&mut self, take: &mut dyn FnMut(Vec<RowText<'_>>)) -> Result<bool, Failure> {
        let columns = &self.columns;
        match &mut self.records {
            Records::Texts(texts) => {
                let rows = guarded(&self.name, || texts.next())?;
                let texts = &*texts;
                let mut cells = [[None; COLUMNS_MAX]; ROWS_TOGETHER];
                let read: Vec<Result<(), usize>> =
                    (rows.clone()).zip(&mut cells).map(|(row, cells)| texts.cells(row, cells)).collect();
                if read.is_empty() {
                    return Ok(false);
                }
                self.number += read.len() as u64;
                let row = read.into_iter().zip(&cells).map(|(read, cells)| match read {
                    Ok(()) => RowText::Cells(columns, &cells[..columns.len().min(COLUMNS_MAX)]),
                    Err(at) => {
                        RowText::Error(("the cell is not UTF-8 text".to_owned(), Some(columns.name(at).to_owned())))
                    }
                });
                take(row.collect());
            }
            Records::Any(rows) => {
                let Some(row) = guarded(&self.name, || rows.next().transpose())? else { return Ok(false) };
                match texts_of(&row, columns) {
                    Ok(texts) => {
                        let cells: Vec<Option<&str>> = texts.iter().map(Option::as_deref).collect();
                        take(vec![RowText::Cells(columns, &cells)]);
                    }
                    Err(error) => take(vec![RowText::Error(error)]),
                }
                self.number += 1;
            }
        }
        Ok(true)
    }

    fn bytes_done(&self) -> u64 {
        // The reader does not say where it is; rows do.
        self.bytes * self.number.min(self.n_rows) / self.n_rows.max(1)
    }
}

fn texts_of(row: &::parquet::record::Row, columns: &Columns) -> Result<Vec<Option<String>>, RowError> {
    let mut texts = Vec::with_capacity(columns.len());
    for (index, (_, field)) in row.get_column_iter().enumerate() {
        let column = columns.name(index);
        texts.push(text(column, field).map_err(|message| (message, Some(column.to_owned())))?);
    }
    Ok(texts)
}

/// Values of a column that are read at once.
const PART_ROWS: usize = 4_096;

/// Columns of texts, a part of a row group at a time.
struct Texts {
    reader: SerializedFileReader<std::fs::File>,
    /// The row group that comes next.
    group: usize,
    columns: Vec<TextColumn>,
    /// Rows of the group that were not read yet.
    n_left: usize,
    /// Position in the part, and the rows of the part.
    row: usize,
    n_rows: usize,
}

/// Values of a column are laid together if they have at most so many bytes: a dictionary may hold one long text for many rows.
const TOGETHER_BYTES_MAX: usize = 16 * 1024 * 1024;

struct TextColumn {
    reader: ColumnReaderImpl<ByteArrayType>,
    optional: bool,
    values: Vec<ByteArray>,
    /// The values one after the other, if that is text, and where each of them ends: then `values` is empty.
    together: String,
    ends: Vec<usize>,
    levels: Vec<i16>,
    /// By row of the part, the position of its value; an empty cell has none.
    places: Vec<Option<u32>>,
}

impl Texts {
    fn new(reader: SerializedFileReader<std::fs::File>) -> Texts {
        Texts { reader, group: 0, columns: Vec::new(), n_left: 0, row: 0, n_rows: 0 }
    }

    /// Goes on to the next rows of the part; empty: there are none.
    fn next(&mut self) -> Result<Range<usize>, ParquetError> {
        while self.row >= self.n_rows {
            if self.n_left > 0 {
                self.read_part()?;
            } else if self.group < self.reader.num_row_groups() {
                self.begin_group()?;
            } else {
                return Ok(0..0);
            }
        }
        let rows = self.row..(self.row + ROWS_TOGETHER).min(self.n_rows);
        self.row = rows.end;
        Ok(rows)
    }

    fn begin_group(&mut self) -> Result<(), ParquetError> {
        let group = self.reader.get_row_group(self.group)?;
        self.group += 1;
        self.n_left = usize::try_from(group.metadata().num_rows()).unwrap_or(0);
        (self.row, self.n_rows) = (0, 0);
        self.columns.clear();
        for index in 0..group.num_columns() {
            let optional = group.metadata().column(index).column_descr().max_def_level() > 0;
            let ColumnReader::ByteArrayColumnReader(reader) = group.get_column_reader(index)? else {
                return Err(ParquetError::General("a column of texts holds something else".to_owned()));
            };
            self.columns.push(TextColumn::new(reader, optional));
        }
        Ok(())
    }

    fn read_part(&mut self) -> Result<(), ParquetError> {
        let n = self.n_left.min(PART_ROWS);
        for column in &mut self.columns {
            column.clear();
            let mut n_read = 0;
            while n_read < n {
                let levels = column.optional.then_some(&mut column.levels);
                let (n_records, _, _) = column.reader.read_records(n - n_read, levels, None, &mut column.values)?;
                if n_records == 0 {
                    return Err(ParquetError::General("a column ends before the others".to_owned()));
                }
                n_read += n_records;
            }
            let mut n_values = 0..;
            let optional = column.optional;
            let levels = column.levels.iter().map(|level| *level > 0).chain(std::iter::repeat(!optional)).take(n);
            column.places.extend(levels.map(|present| if present { n_values.next() } else { None }));
            column.lay_together();
        }
        self.n_left -= n;
        (self.row, self.n_rows) = (0, n);
        Ok(())
    }

    /// The cells of a row of the part; the error is the position of one that is no text.
    fn cells<'a>(&'a self, row: usize, cells: &mut [Option<&'a str>]) -> Result<(), usize> {
        for (at, (column, cell)) in self.columns.iter().zip(cells).enumerate() {
            let Some(place) = column.places.get(row).copied().flatten() else { continue };
            *cell = Some(column.text(place as usize).ok_or(at)?);
        }
        Ok(())
    }
}

impl TextColumn {
    fn new(reader: ColumnReaderImpl<ByteArrayType>, optional: bool) -> TextColumn {
        let (values, together, ends) = (Vec::new(), String::new(), Vec::new());
        TextColumn { reader, optional, values, together, ends, levels: Vec::new(), places: Vec::new() }
    }

    fn clear(&mut self) {
        self.values.clear();
        self.together.clear();
        self.ends.clear();
        self.levels.clear();
        self.places.clear();
    }

    /// Lays the values together and looks once whether they are text, which takes a part of what one look at each takes.
    fn lay_together(&mut self) {
        let n_bytes = self.values.iter().fold(0usize, |n, value| n.saturating_add(value.len()));
        if n_bytes > TOGETHER_BYTES_MAX {
            return;
        }
        let mut bytes = std::mem::take(&mut self.together).into_bytes();
        bytes.reserve(n_bytes);
        for value in &self.values {
            bytes.extend_from_slice(value.data());
            self.ends.push(bytes.len());
        }
        match String::from_utf8(bytes) {
            Ok(together) => {
                self.together = together;
                self.values.clear();
            }
            Err(_) => self.ends.clear(),
        }
    }

    /// The value at that position; `None`: there is none, or it is no text.
    fn text(&self, at: usize) -> Option<&str> {
        if self.ends.is_empty() {
            return std::str::from_utf8(self.values.get(at)?.data()).ok();
        }
        let start = at.checked_sub(1).map_or(0, |before| self.ends[before]);
        // `None` for a part of a character, whose rest is in the value beside it.
        self.together.get(start..*self.ends.get(at)?)
    }
}

/// Calls into the library, which panics on some damaged files where it should return an error.
fn guarded<T>(name: &str, call: impl FnOnce() -> Result<T, ParquetError>) -> Result<T, Failure> {
    match ending::catch(call) {
        Some(result) => result.map_err(|error| Failure::unreadable(name, error)),
        None => Err(Failure::unreadable(name, "the Parquet file is damaged")),
    }
}

/// A cell as a text: as it is, or as JSON.
fn text(column: &str, field: &Field) -> Result<Option<String>, String> {
    Ok(match value(field, 0)? {
        Value::Null => None,
        Value::String(text) => Some(text),
        // An account number that was stored as a number has lost its leading zeros.
        Value::Number(number) if column == "resource_account" => Some(format!("{:0>12}", number.to_string())),
        other => Some(other.to_string()),
    })
}

/// Depth to which maps and lists are followed: a context is a map of lists.
const DEPTH_MAX: usize = 8;

fn value(field: &Field, depth: usize) -> Result<Value, String> {
    if depth > DEPTH_MAX {
        return Err("the cell is nested too deeply".to_owned());
    }
    Ok(match field {
        Field::Null => Value::Null,
        Field::Bool(b) => Value::Bool(*b),
        Field::Byte(n) => (*n).into(),
        Field::Short(n) => (*n).into(),
        Field::Int(n) => (*n).into(),
        Field::Long(n) => (*n).into(),
        Field::UByte(n) => (*n).into(),
        Field::UShort(n) => (*n).into(),
        Field::UInt(n) => (*n).into(),
        Field::ULong(n) => (*n).into(),
        Field::Float(n) => Value::from(*n),
        Field::Double(n) => Value::from(*n),
        Field::Str(text) => Value::String(text.clone()),
        Field::Bytes(bytes) => match std::str::from_utf8(bytes.data()) {
            Ok(text) => Value::String(text.to_owned()),
            Err(_) => return Err("the cell is not UTF-8 text".to_owned()),
        },
        Field::ListInternal(list) => {
            Value::Array(list.elements().iter().map(|item| value(item, depth + 1)).collect::<Result<_, _>>()?)
        }
        Field::MapInternal(map) => {
            let mut object = Map::new();
            for (key, item) in map.entries() {
                let Value::String(key) = value(key, depth + 1)? else {
                    return Err("the keys of a map are texts".to_owned());
                };
                let item = value(item, depth + 1)?;
                // A key without value says nothing about the key.
                if !item.is_null() && object.insert(key.clone(), item).is_some() {
                    return Err(format!("the key `{key}` stands twice"));
                }
            }
            Value::Object(object)
        }
        Field::Group(row) => {
            let mut object = Map::new();
            for (key, item) in row.get_column_iter() {
                let item = value(item, depth + 1)?;
                if !item.is_null() {
                    object.insert(key.clone(), item);
                }
            }
            Value::Object(object)
        }
        other => return Err(format!("a cell of this type is not read: `{other}`")),
    })
}

/// Rows are written in groups of so many.
const GROUP_ROWS: usize = 65_536;
/// A group ends earlier with so many bytes of text.
const GROUP_BYTES: usize = 64 * 1024 * 1024;

/// Answers, all columns optional texts.
pub(super) struct ParquetAnswers {
    writer: SerializedFileWriter<Output>,
    explain: bool,
    /// Of the group being filled, by column: which rows have a cell, and the cells.
    columns: Vec<(Vec<i16>, Vec<ByteArray>)>,
    /// What its rows are called, one after the other, and where each of that ends: the cells of the first column.
    ids: Vec<u8>,
    id_ends: Vec<usize>,
    bytes: usize,
    /// The text of each decision that was met, shared by its cells.
    decisions: Vec<(&'static str, ByteArray)>,
}

impl ParquetAnswers {
    /// # Errors
    /// [`Failure::Output`] or [`Failure::Closed`].
    pub(super) fn new(output: Output, explain: bool) -> Result<ParquetAnswers, Failure> {
        let names = columns(explain);
        let fields: Result<Vec<Arc<Type>>, ParquetError> = names
            .iter()
            .map(|name| {
                let field = Type::primitive_type_builder(name, Physical::BYTE_ARRAY)
                    .with_repetition(Repetition::OPTIONAL)
                    .with_logical_type(Some(LogicalType::String));
                field.build().map(Arc::new)
            })
            .collect();
        let schema = fields.and_then(|fields| Type::group_type_builder("answers").with_fields(fields).build());
        // Every row has another id: a dictionary of them would be the column once more.
        let properties = WriterProperties::builder()
            .set_compression(Compression::SNAPPY)
            .set_column_dictionary_enabled(ColumnPath::from("id"), false)
            .build();
        let writer = schema
            .and_then(|schema| SerializedFileWriter::new(output, Arc::new(schema), Arc::new(properties)))
            .map_err(failure)?;
        let columns = vec![(Vec::new(), Vec::new()); names.len()];
        let (ids, id_ends, decisions) = (Vec::new(), Vec::new(), Vec::new());
        Ok(ParquetAnswers { writer, explain, columns, ids, id_ends, bytes: 0, decisions })
    }

    fn flush(&mut self) -> Result<(), Failure> {
        if let Some((_, values)) = self.columns.first_mut() {
            // One block of memory, of which each cell is a part.
            let ids = ByteArray::from(std::mem::take(&mut self.ids));
            let mut start = 0;
            for end in self.id_ends.drain(..) {
                values.push(ids.slice(start, end - start));
                start = end;
            }
        }
        let mut group = self.writer.next_row_group().map_err(failure)?;
        for (levels, values) in &mut self.columns {
            let Some(mut column) = group.next_column().map_err(failure)? else { break };
            column.typed::<ByteArrayType>().write_batch(values, Some(levels), None).map_err(failure)?;
            column.close().map_err(failure)?;
            levels.clear();
            values.clear();
        }
        group.close().map_err(failure)?;
        self.bytes = 0;
        Ok(())
    }

    fn end_row(&mut self) -> Result<(), Failure> {
        let n_rows = self.columns.first().map_or(0, |(levels, _)| levels.len());
        if n_rows >= GROUP_ROWS || self.bytes >= GROUP_BYTES { self.flush() } else { Ok(()) }
    }
}

impl Writer for ParquetAnswers {
    fn write(&mut self, answered: &Answered) -> Result<(), Failure> {
        for (at, ((levels, values), cell)) in self.columns.iter_mut().zip(cells(answered, self.explain)).enumerate() {
            levels.push(i16::from(cell.is_some()));
            if at == 0 {
                let id = cell.unwrap_or_default();
                self.bytes += id.len();
                self.ids.extend_from_slice(id.as_bytes());
                self.id_ends.push(self.ids.len());
            } else if let Some(cell) = cell {
                self.bytes += cell.len();
                values.push(ByteArray::from(cell.into_bytes()));
            }
        }
        self.end_row()
    }

    fn write_decision(&mut self, id: RowId<'_>, decision: &'static str) -> Result<(), Failure> {
        let before = self.ids.len();
        match id {
            RowId::Text(text) => self.ids.extend_from_slice(text.as_bytes()),
            RowId::Line(number) => write!(self.ids, "{number}").map_err(|error| failure(error.into()))?,
        }
        self.id_ends.push(self.ids.len());
        self.bytes += self.ids.len() - before;
        let known = self.decisions.iter().find(|(known, _)| *known == decision);
        let text = known.map_or_else(|| ByteArray::from(decision.as_bytes().to_vec()), |(_, text)| text.clone());
        if known.is_none() {
            self.decisions.push((decision, text.clone()));
        }
        let mut cell = Some(text);
        for (at, (levels, values)) in self.columns.iter_mut().enumerate() {
            levels.push(i16::from(at < 2));
            if at == 1 {
                values.extend(cell.take());
            }
        }
        self.end_row()
    }

    fn finish(mut self: Box<Self>) -> Result<(), Failure> {
        if self.columns.first().is_some_and(|(levels, _)| !levels.is_empty()) {
            self.flush()?;
        }
        let output = self.writer.into_inner().map_err(failure)?;
        output.finish()
    }
}
