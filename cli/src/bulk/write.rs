//! Answers in the form asked for.

use super::window::RowId;
use super::{Answered, Form, parquet, table};
use crate::ending::Failure;
use crate::output::Output;
use crate::render::json::{self, AnswerJson, ErrorBody};
use ::csv::WriterBuilder;

/// Where answers go, one after the other.
pub(super) trait Writer: Send {
    fn write(&mut self, answered: &Answered) -> Result<(), Failure>;

    /// A decision and nothing else, the same as [`Writer::write`] of it.
    fn write_decision(&mut self, id: RowId<'_>, decision: &'static str) -> Result<(), Failure>;

    /// Writes out what waits for more rows, as far as the form allows: the next rows may never come.
    fn pause(&mut self) -> Result<(), Failure> {
        Ok(())
    }

    fn finish(self: Box<Self>) -> Result<(), Failure>;
}

/// The writer of a form.
pub(super) fn writer(form: Form, explain: bool, output: Output) -> Result<Box<dyn Writer>, Failure> {
    match form {
        Form::Lines => Ok(Box::new(Lines { output, explain, line: Vec::new() })),
        Form::Csv => {
            let mut writer = Csv::new(output, explain);
            writer.record(columns(explain).iter())?;
            Ok(Box::new(writer))
        }
        Form::Table => Ok(Box::new(table::Table::new(output))),
        Form::Parquet => Ok(Box::new(parquet::ParquetAnswers::new(output, explain)?)),
    }
}

/// The columns of answers: `id` and `decision`, with `--explain` the other fields of an answer as JSON text, and
/// `error`, the JSON text of what is wrong with a row that has no decision.
pub(super) fn columns(explain: bool) -> Vec<&'static str> {
    let mut columns = vec!["id", "decision"];
    if explain {
        columns.extend(AnswerJson::EXPLAINING);
    }
    columns.push("error");
    columns
}

/// The cells of an answer, in the order of [`columns`].
pub(super) fn cells(answered: &Answered, explain: bool) -> Vec<Option<String>> {
    let mut cells = vec![Some(answered.id.to_string())];
    match &answered.result {
        Ok(answer) => {
            cells.push(Some(answer.decision.name().to_owned()));
            if explain {
                cells.extend(AnswerJson::new(&answered.id, answer).explaining());
            }
            cells.push(None);
        }
        Err((message, field)) => {
            cells.resize(columns(explain).len() - 1, None);
            cells.push(Some(json::line(&ErrorBody { message, field: field.as_deref() })));
        }
    }
    cells
}

struct Lines {
    output: Output,
    explain: bool,
    line: Vec<u8>,
}

impl Writer for Lines {
    fn write(&mut self, answered: &Answered) -> Result<(), Failure> {
        let mut line = answered.line(self.explain);
        line.push('\n');
        self.output.bytes(line.as_bytes())
    }

    fn write_decision(&mut self, id: RowId<'_>, decision: &'static str) -> Result<(), Failure> {
        self.line.clear();
        self.line.extend_from_slice(b"{\"id\":");
        match id {
            RowId::Text(text) => push_json(&mut self.line, text),
            RowId::Line(number) => self.line.extend_from_slice(number.to_string().as_bytes()),
        }
        self.line.extend_from_slice(b",\"decision\":\"");
        self.line.extend_from_slice(decision.as_bytes());
        self.line.extend_from_slice(b"\"}\n");
        self.output.bytes(&self.line)
    }

    fn finish(self: Box<Self>) -> Result<(), Failure> {
        self.output.finish()
    }
}

/// Adds a text as JSON.
fn push_json(line: &mut Vec<u8>, text: &str) {
    if text.bytes().any(|byte| byte < b' ' || matches!(byte, b'"' | b'\\')) {
        line.extend_from_slice(json::line(&text).as_bytes());
    } else {
        line.push(b'"');
        line.extend_from_slice(text.as_bytes());
        line.push(b'"');
    }
}

/// Records collect in memory first: a writer of the whole file would hide which error of the output stopped it.
struct Csv {
    output: Output,
    explain: bool,
    records: ::csv::Writer<Vec<u8>>,
}

/// Records are written out when they take so many bytes.
const RECORDS_BYTES: usize = 64 * 1024;

impl Csv {
    fn new(output: Output, explain: bool) -> Csv {
        Csv { output, explain, records: records() }
    }

    fn record<T: AsRef<[u8]>>(&mut self, cells: impl Iterator<Item = T>) -> Result<(), Failure> {
        self.records.write_record(cells).map_err(unwritten)?;
        if self.records.get_ref().len() >= RECORDS_BYTES { self.flush() } else { Ok(()) }
    }

    fn flush(&mut self) -> Result<(), Failure> {
        let written = std::mem::replace(&mut self.records, records()).into_inner();
        self.output.bytes(&written.map_err(|error| unwritten(error.into_error().into()))?)
    }
}

fn records() -> ::csv::Writer<Vec<u8>> {
    WriterBuilder::new().from_writer(Vec::with_capacity(RECORDS_BYTES + RECORDS_BYTES / 4))
}

fn unwritten(error: ::csv::Error) -> Failure {
    Failure::Output(format!("cannot write a row: {error}"))
}

impl Writer for Csv {
    fn write(&mut self, answered: &Answered) -> Result<(), Failure> {
        let explain = self.explain;
        self.record(cells(answered, explain).into_iter().map(Option::unwrap_or_default))
    }

    fn write_decision(&mut self, id: RowId<'_>, decision: &'static str) -> Result<(), Failure> {
        let number;
        let id = match id {
            RowId::Text(text) => text,
            RowId::Line(line) => {
                number = line.to_string();
                &number
            }
        };
        let n_empty = columns(self.explain).len() - 2;
        self.record([id, decision].into_iter().chain(std::iter::repeat_n("", n_empty)))
    }

    fn pause(&mut self) -> Result<(), Failure> {
        self.flush()
    }

    fn finish(mut self: Box<Self>) -> Result<(), Failure> {
        self.flush()?;
        self.output.finish()
    }
}
