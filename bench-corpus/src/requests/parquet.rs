//! Request streams as Parquet: the columns `id, principal, action, resource, resource_account, context`, all text.

use super::Row;
use parquet::basic::{Compression, ConvertedType, LogicalType, Repetition, Type as Physical};
use parquet::data_type::{ByteArray, ByteArrayType};
use parquet::errors::Result;
use parquet::file::properties::WriterProperties;
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::types::Type;
use std::io::Write;
use std::sync::Arc;

/// Rows of a row group.
const GROUP: usize = 100_000;

/// Writes rows as a Parquet file, compressed with Snappy, in row groups of 100,000. `context` is JSON text;
/// `resource_account` is null where the ARN says the owner. Cost: memory for one row group.
///
/// The format has no column for the mode: such rows are meant to be decided closed.
///
/// # Errors
/// As `out` gives them.
pub fn write<W: Write + Send>(rows: impl Iterator<Item = Row>, out: W) -> Result<()> {
    let field = |name: &str| {
        let repetition = if name == "resource_account" { Repetition::OPTIONAL } else { Repetition::REQUIRED };
        let field = Type::primitive_type_builder(name, Physical::BYTE_ARRAY)
            .with_repetition(repetition)
            .with_converted_type(ConvertedType::UTF8)
            .with_logical_type(Some(LogicalType::String))
            .build()?;
        Ok(Arc::new(field))
    };
    let columns = ["id", "principal", "action", "resource", "resource_account", "context"];
    let fields = columns.into_iter().map(field).collect::<Result<Vec<_>>>()?;
    let schema = Arc::new(Type::group_type_builder("request").with_fields(fields).build()?);
    // No name of a program in the file: the same rows give the same bytes.
    let properties =
        WriterProperties::builder().set_compression(Compression::SNAPPY).set_created_by("iamc".to_owned()).build();
    let mut writer = SerializedFileWriter::new(out, schema, Arc::new(properties))?;
    let mut rows = rows.peekable();
    while rows.peek().is_some() {
        let group: Vec<Row> = rows.by_ref().take(GROUP).collect();
        let mut out = writer.next_row_group()?;
        for name in columns {
            let texts: Vec<Option<String>> = group.iter().map(|row| value(row, name)).collect();
            let levels: Vec<i16> = texts.iter().map(|text| i16::from(text.is_some())).collect();
            let values: Vec<ByteArray> =
                texts.into_iter().flatten().map(|text| ByteArray::from(text.into_bytes())).collect();
            let levels = (name == "resource_account").then_some(levels.as_slice());
            let Some(mut column) = out.next_column()? else { break };
            column.typed::<ByteArrayType>().write_batch(&values, levels, None)?;
            column.close()?;
        }
        out.close()?;
    }
    writer.close()?;
    Ok(())
}

fn value(row: &Row, column: &str) -> Option<String> {
    match column {
        "id" => Some(row.id.to_string()),
        "principal" => Some(row.principal.clone()),
        "action" => Some(row.action.clone()),
        "resource" => Some(row.resource.clone()),
        "resource_account" => row.resource_account.clone(),
        _ => Some(row.context_json()),
    }
}
