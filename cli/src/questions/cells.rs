//! Cells of a matrix as rows: JSON Lines, CSV, Parquet. Many more are written than asked for, so each costs little.

use super::Form;
use crate::ending::Failure;
use crate::output::{Output, parquet_failure};
use crate::render::json;
use ::csv::WriterBuilder;
use ::parquet::basic::{Compression, Encoding, LogicalType, Repetition, Type as Physical};
use ::parquet::data_type::{ByteArray, ByteArrayType};
use ::parquet::errors::ParquetError;
use ::parquet::file::properties::WriterProperties;
use ::parquet::file::writer::SerializedFileWriter;
use ::parquet::schema::types::{ColumnPath, Type};
use iamc_policy::Decision;
use iamc_runtime::{CompiledPolicySet, DecisionCode, PrincipalId};
use std::sync::Arc;

/// Rows of a group of a Parquet file.
const GROUP_ROWS: usize = 131_072;
/// Text is written out when it takes so many bytes.
const TEXT_BYTES: usize = 64 * 1024;

const COLUMNS: [&str; 5] = ["action", "resource", "principal", "answer", "decision"];

/// What a cell says in a word; `None`: the principal cannot ask.
fn answer(decision: Option<Decision>) -> Option<&'static str> {
    Some(match decision? {
        Decision::Allow => "can",
        Decision::Conditional(outcomes) if outcomes.allow => "can_if",
        _ => "cannot",
    })
}

/// A file of cells.
pub(super) struct Cells<'s> {
    set: &'s CompiledPolicySet,
    output: To,
    /// By the bits of a code: answer and decision.
    words: [(Option<&'static str>, Option<&'static str>); 8],
}

enum To {
    Lines(Output, Vec<u8>),
    Csv(Output, Box<::csv::Writer<Vec<u8>>>),
    Parquet(Box<Group>),
}

impl<'s> Cells<'s> {
    /// # Errors
    /// [`Failure::Output`] or [`Failure::Closed`], as for all of this.
    pub(super) fn new(set: &'s CompiledPolicySet, form: Form, output: Output) -> Result<Cells<'s>, Failure> {
        let output = match form {
            Form::Parquet => To::Parquet(Box::new(Group::new(output).map_err(parquet_failure)?)),
            Form::Csv => {
                let mut records = records();
                records.write_record(COLUMNS).map_err(unwritten)?;
                To::Csv(output, Box::new(records))
            }
            Form::Human | Form::Json | Form::Lines => To::Lines(output, Vec::new()),
        };
        let words = std::array::from_fn(|bits| {
            let decision = DecisionCode::from_bits(bits as u8).and_then(DecisionCode::decision);
            (answer(decision), decision.map(Decision::name))
        });
        Ok(Cells { set, output, words })
    }

    /// Writes the cells of an action and a resource, whose decisions are `rows`, for some principals.
    pub(super) fn pair(
        &mut self,
        action: &str,
        resource: &str,
        rows: &[Vec<u64>; 3],
        principals: impl Iterator<Item = u32>,
    ) -> Result<(), Failure> {
        let start =
            format!("{{\"action\":{},\"resource\":{},\"principal\":", json::line(&action), json::line(&resource));
        if let To::Parquet(group) = &mut self.output {
            group.pair = [action, resource].map(|text| ByteArray::from(text.as_bytes().to_vec()));
        }
        for lane in principals {
            let bit = |bits: &Vec<u64>| (bits[lane as usize / 64] >> (lane % 64) & 1) as usize;
            let (answer, decision) = self.words[bit(&rows[0]) | bit(&rows[1]) << 1 | bit(&rows[2]) << 2];
            let arn = self.set.principal_arn(PrincipalId::new(lane)).unwrap_or_default();
            match &mut self.output {
                To::Lines(output, text) => {
                    text.extend_from_slice(start.as_bytes());
                    text.extend_from_slice(json::line(&arn).as_bytes());
                    for (name, word) in [("answer", answer), ("decision", decision)] {
                        let _ = match word {
                            Some(word) => std::io::Write::write_fmt(text, format_args!(",\"{name}\":\"{word}\"")),
                            None => std::io::Write::write_fmt(text, format_args!(",\"{name}\":null")),
                        };
                    }
                    text.extend_from_slice(b"}\n");
                    if text.len() >= TEXT_BYTES {
                        output.bytes(text)?;
                        text.clear();
                    }
                }
                To::Csv(output, records) => {
                    let cells = [action, resource, arn, answer.unwrap_or_default(), decision.unwrap_or_default()];
                    records.write_record(cells).map_err(unwritten)?;
                    if records.get_ref().len() >= TEXT_BYTES {
                        flush(output, records)?;
                    }
                }
                To::Parquet(group) => group.cell(arn, answer, decision).map_err(parquet_failure)?,
            }
        }
        Ok(())
    }

    pub(super) fn finish(self) -> Result<(), Failure> {
        match self.output {
            To::Lines(mut output, text) => {
                output.bytes(&text)?;
                output.finish()
            }
            To::Csv(mut output, mut records) => {
                flush(&mut output, &mut records)?;
                output.finish()
            }
            To::Parquet(mut group) => {
                group.flush().map_err(parquet_failure)?;
                group.writer.into_inner().map_err(parquet_failure)?.finish()
            }
        }
    }
}

/// Records collect in memory first: a writer of the whole file would hide which error of the output stopped it.
fn records() -> ::csv::Writer<Vec<u8>> {
    WriterBuilder::new().from_writer(Vec::with_capacity(TEXT_BYTES + TEXT_BYTES / 4))
}

fn flush(output: &mut Output, records: &mut ::csv::Writer<Vec<u8>>) -> Result<(), Failure> {
    let written = std::mem::replace(records, self::records()).into_inner();
    output.bytes(&written.map_err(|error| unwritten(error.into_error().into()))?)
}

fn unwritten(error: ::csv::Error) -> Failure {
    Failure::Output(format!("cannot write a row: {error}"))
}

/// The group of rows that is being filled.
struct Group {
    writer: SerializedFileWriter<Output>,
    /// Action and resource of the rows that come.
    pair: [ByteArray; 2],
    /// Actions, resources, principals.
    names: [Vec<ByteArray>; 3],
    /// Answers and decisions: which rows have one, and those.
    words: [(Vec<i16>, Vec<ByteArray>); 2],
    /// The text of each word that was met, shared by its cells.
    known: Vec<(&'static str, ByteArray)>,
}

impl Group {
    fn new(output: Output) -> Result<Group, ParquetError> {
        let fields: Result<Vec<Arc<Type>>, ParquetError> = COLUMNS
            .iter()
            .enumerate()
            .map(|(at, name)| {
                let repetition = if at < 3 { Repetition::REQUIRED } else { Repetition::OPTIONAL };
                Type::primitive_type_builder(name, Physical::BYTE_ARRAY)
                    .with_repetition(repetition)
                    .with_logical_type(Some(LogicalType::String))
                    .build()
                    .map(Arc::new)
            })
            .collect();
        let schema = Type::group_type_builder("cells").with_fields(fields?).build()?;
        // Principals come in the order of their accounts, so each begins like the one before.
        let principal = || ColumnPath::from("principal");
        let properties = WriterProperties::builder()
            .set_compression(Compression::SNAPPY)
            .set_column_dictionary_enabled(principal(), false)
            .set_column_encoding(principal(), Encoding::DELTA_BYTE_ARRAY)
            .build();
        let writer = SerializedFileWriter::new(output, Arc::new(schema), Arc::new(properties))?;
        Ok(Group {
            writer,
            pair: [ByteArray::new(), ByteArray::new()],
            names: [Vec::new(), Vec::new(), Vec::new()],
            words: [(Vec::new(), Vec::new()), (Vec::new(), Vec::new())],
            known: Vec::new(),
        })
    }

    fn cell(
        &mut self,
        principal: &str,
        answer: Option<&'static str>,
        decision: Option<&'static str>,
    ) -> Result<(), ParquetError> {
        let [actions, resources, principals] = &mut self.names;
        actions.push(self.pair[0].clone());
        resources.push(self.pair[1].clone());
        principals.push(ByteArray::from(principal.as_bytes().to_vec()));
        for ((levels, values), word) in self.words.iter_mut().zip([answer, decision]) {
            levels.push(i16::from(word.is_some()));
            let Some(word) = word else { continue };
            let known = self.known.iter().find(|(known, _)| *known == word);
            let text = known.map_or_else(|| ByteArray::from(word.as_bytes().to_vec()), |(_, text)| text.clone());
            if known.is_none() {
                self.known.push((word, text.clone()));
            }
            values.push(text);
        }
        if self.names[0].len() >= GROUP_ROWS { self.flush() } else { Ok(()) }
    }

    fn flush(&mut self) -> Result<(), ParquetError> {
        if self.names[0].is_empty() {
            return Ok(());
        }
        let mut group = self.writer.next_row_group()?;
        let names = self.names.iter_mut().map(|values| (None, values));
        let words = self.words.iter_mut().map(|(levels, values)| (Some(levels), values));
        for (levels, values) in names.chain(words) {
            let Some(mut column) = group.next_column()? else { break };
            column.typed::<ByteArrayType>().write_batch(values, levels.as_deref().map(Vec::as_slice), None)?;
            column.close()?;
            values.clear();
            if let Some(levels) = levels {
                levels.clear();
            }
        }
        group.close()?;
        Ok(())
    }
}
