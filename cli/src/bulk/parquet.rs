//! Rows of a Parquet file, and answers as one.
//!
//! The record interface of the library is enough: requests are texts, and maps of texts.

use super::columns::Columns;
use super::write::{Writer, cells, columns};
use super::{Answered, Row, Rows};
use crate::ending::{self, Failure};
use crate::input::display_name;
use crate::output::Output;
use ::parquet::basic::{Compression, LogicalType, Repetition, Type as Physical};
use ::parquet::data_type::{ByteArray, ByteArrayType};
use ::parquet::errors::ParquetError;
use ::parquet::file::properties::WriterProperties;
use ::parquet::file::reader::{FileReader, SerializedFileReader};
use ::parquet::file::writer::SerializedFileWriter;
use ::parquet::record::Field;
use ::parquet::record::reader::RowIter;
use ::parquet::schema::types::Type;
use serde_json::{Map, Value};
use std::path::Path;
use std::sync::Arc;

/// One row a record of the file.
pub(super) struct ParquetRows {
    name: String,
    rows: RowIter<'static>,
    columns: Columns,
    number: u64,
    n_rows: u64,
    bytes: u64,
}

impl ParquetRows {
    /// # Errors
    /// [`Failure::Input`] if the file cannot be opened, is no Parquet file or has not the columns of requests.
    pub(super) fn open(path: &Path) -> Result<ParquetRows, Failure> {
        let name = display_name(path);
        let file = std::fs::File::open(path).map_err(|error| Failure::unreadable(&name, error))?;
        let bytes = file.metadata().map(|metadata| metadata.len()).unwrap_or(0);
        let reader = guarded(&name, || SerializedFileReader::new(file))?;
        let n_rows = u64::try_from(reader.metadata().file_metadata().num_rows()).unwrap_or(0);
        let schema = reader.metadata().file_metadata().schema_descr().root_schema().clone();
        let columns = Columns::new(&name, schema.get_fields().iter().map(|field| field.name()))?;
        let rows = guarded(&name, || RowIter::from_file_into(Box::new(reader)).project(None))?;
        Ok(ParquetRows { name, rows, columns, number: 0, n_rows, bytes })
    }
}

impl Rows for ParquetRows {
    fn next(&mut self) -> Result<Option<Row>, Failure> {
        let rows = &mut self.rows;
        let Some(row) = guarded(&self.name, || rows.next().transpose())? else { return Ok(None) };
        self.number += 1;
        let mut texts = Vec::with_capacity(self.columns.len());
        for (index, (_, field)) in row.get_column_iter().enumerate() {
            match text(self.columns.name(index), field) {
                Ok(text) => texts.push(text),
                Err(message) => {
                    let column = Some(self.columns.name(index).to_owned());
                    return Ok(Some(Row { number: self.number, line: Err((message, column)) }));
                }
            }
        }
        let line = self.columns.line(texts.iter().map(Option::as_deref));
        Ok(Some(Row { number: self.number, line }))
    }

    fn bytes_done(&self) -> u64 {
        // The reader does not say where it is; rows do.
        self.bytes * self.number.min(self.n_rows) / self.n_rows.max(1)
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
    /// Of the group being filled, by column.
    columns: Vec<Vec<Option<String>>>,
    bytes: usize,
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
        let properties = WriterProperties::builder().set_compression(Compression::SNAPPY).build();
        let writer = schema
            .and_then(|schema| SerializedFileWriter::new(output, Arc::new(schema), Arc::new(properties)))
            .map_err(failure)?;
        Ok(ParquetAnswers { writer, explain, columns: vec![Vec::new(); names.len()], bytes: 0 })
    }

    fn flush(&mut self) -> Result<(), Failure> {
        let mut group = self.writer.next_row_group().map_err(failure)?;
        for cells in &mut self.columns {
            let Some(mut column) = group.next_column().map_err(failure)? else { break };
            let levels: Vec<i16> = cells.iter().map(|cell| i16::from(cell.is_some())).collect();
            let values: Vec<ByteArray> =
                cells.drain(..).flatten().map(|text| ByteArray::from(text.into_bytes())).collect();
            column.typed::<ByteArrayType>().write_batch(&values, Some(&levels), None).map_err(failure)?;
            column.close().map_err(failure)?;
        }
        group.close().map_err(failure)?;
        self.bytes = 0;
        Ok(())
    }
}

impl Writer for ParquetAnswers {
    fn write(&mut self, answered: &Answered) -> Result<(), Failure> {
        for (column, cell) in self.columns.iter_mut().zip(cells(answered, self.explain)) {
            self.bytes += cell.as_ref().map_or(0, String::len);
            column.push(cell);
        }
        let n_rows = self.columns.first().map_or(0, Vec::len);
        if n_rows >= GROUP_ROWS || self.bytes >= GROUP_BYTES { self.flush() } else { Ok(()) }
    }

    fn finish(mut self: Box<Self>) -> Result<(), Failure> {
        if self.columns.first().is_some_and(|column| !column.is_empty()) {
            self.flush()?;
        }
        let output = self.writer.into_inner().map_err(failure)?;
        output.finish()
    }
}

/// The library wraps errors of the output; a reader that has gone is no failure there either.
fn failure(error: ParquetError) -> Failure {
    if let ParquetError::External(inner) = &error
        && inner.downcast_ref::<std::io::Error>().is_some_and(|error| error.kind() == std::io::ErrorKind::BrokenPipe)
    {
        return Failure::Closed;
    }
    Failure::Output(format!("cannot write the answers: {error}"))
}
