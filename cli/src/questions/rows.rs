//! Answers as rows of texts: CSV, JSON Lines, Parquet.

use crate::ending::Failure;
use crate::output::{Output, parquet_failure as failure};
use ::csv::WriterBuilder;
use ::parquet::basic::{Compression, LogicalType, Repetition, Type as Physical};
use ::parquet::data_type::{ByteArray, ByteArrayType};
use ::parquet::errors::ParquetError;
use ::parquet::file::properties::WriterProperties;
use ::parquet::file::writer::SerializedFileWriter;
use ::parquet::schema::types::Type;
use std::sync::Arc;

/// Rows are written in groups of so many.
const GROUP_ROWS: usize = 131_072;

/// A file of rows, all of whose columns are texts or nothing.
pub(crate) enum Rows {
    Csv(Output),
    Parquet(Box<ParquetRows>),
}

pub(crate) struct ParquetRows {
    writer: SerializedFileWriter<Output>,
    /// Of the group being filled, by column.
    columns: Vec<Vec<Option<ByteArray>>>,
}

impl Rows {
    /// CSV with a heading.
    ///
    /// # Errors
    /// [`Failure::Output`] or [`Failure::Closed`], as for all of this.
    pub(crate) fn csv(output: Output, columns: &[&str]) -> Result<Rows, Failure> {
        let mut rows = Rows::Csv(output);
        rows.write(columns.iter().map(|name| Some((*name).to_owned())).collect())?;
        Ok(rows)
    }

    pub(crate) fn parquet(output: Output, columns: &[&str]) -> Result<Rows, Failure> {
        let fields: Result<Vec<Arc<Type>>, ParquetError> = columns
            .iter()
            .map(|name| {
                Type::primitive_type_builder(name, Physical::BYTE_ARRAY)
                    .with_repetition(Repetition::OPTIONAL)
                    .with_logical_type(Some(LogicalType::String))
                    .build()
                    .map(Arc::new)
            })
            .collect();
        let schema = fields.and_then(|fields| Type::group_type_builder("answers").with_fields(fields).build());
        let properties = WriterProperties::builder().set_compression(Compression::SNAPPY).build();
        let writer = schema
            .and_then(|schema| SerializedFileWriter::new(output, Arc::new(schema), Arc::new(properties)))
            .map_err(failure)?;
        Ok(Rows::Parquet(Box::new(ParquetRows { writer, columns: vec![Vec::new(); columns.len()] })))
    }

    pub(crate) fn write(&mut self, cells: Vec<Option<String>>) -> Result<(), Failure> {
        match self {
            Rows::Csv(output) => {
                // By itself: a writer of the whole file would hide which error of the output stopped it.
                let mut bytes = Vec::new();
                let mut writer = WriterBuilder::new().from_writer(&mut bytes);
                let written = writer
                    .write_record(cells.into_iter().map(Option::unwrap_or_default))
                    .and_then(|()| Ok(writer.flush()?));
                drop(writer);
                written.map_err(|error| Failure::Output(format!("cannot write a row: {error}")))?;
                output.bytes(&bytes)
            }
            Rows::Parquet(rows) => {
                for (column, cell) in rows.columns.iter_mut().zip(cells) {
                    column.push(cell.map(|text| ByteArray::from(text.into_bytes())));
                }
                if rows.columns.first().is_some_and(|column| column.len() >= GROUP_ROWS) {
                    rows.flush()
                } else {
                    Ok(())
                }
            }
        }
    }

    pub(crate) fn finish(self) -> Result<(), Failure> {
        match self {
            Rows::Csv(output) => output.finish(),
            Rows::Parquet(mut rows) => {
                if rows.columns.first().is_some_and(|column| !column.is_empty()) {
                    rows.flush()?;
                }
                rows.writer.into_inner().map_err(failure)?.finish()
            }
        }
    }
}

impl ParquetRows {
    fn flush(&mut self) -> Result<(), Failure> {
        let mut group = self.writer.next_row_group().map_err(failure)?;
        for cells in &mut self.columns {
            let Some(mut column) = group.next_column().map_err(failure)? else { break };
            let levels: Vec<i16> = cells.iter().map(|cell| i16::from(cell.is_some())).collect();
            let values: Vec<ByteArray> = cells.drain(..).flatten().collect();
            column.typed::<ByteArrayType>().write_batch(&values, Some(&levels), None).map_err(failure)?;
            column.close().map_err(failure)?;
        }
        group.close().map_err(failure)?;
        Ok(())
    }
}
