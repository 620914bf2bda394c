//! Answers in the form asked for.

use super::{Answered, Form, parquet, table};
use crate::ending::Failure;
use crate::output::Output;
use crate::render::json::{self, AnswerJson, ErrorBody};
use ::csv::WriterBuilder;

/// Where answers go, one after the other.
pub(super) trait Writer {
    fn write(&mut self, answered: &Answered) -> Result<(), Failure>;

    fn finish(self: Box<Self>) -> Result<(), Failure>;
}

/// The writer of a form.
pub(super) fn writer(form: Form, explain: bool, output: Output) -> Result<Box<dyn Writer>, Failure> {
    match form {
        Form::Lines => Ok(Box::new(Lines { output, explain })),
        Form::Csv => {
            let mut writer = Csv { output, explain };
            writer.record(columns(explain).iter().map(|name| Some((*name).to_owned())))?;
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
}

impl Writer for Lines {
    fn write(&mut self, answered: &Answered) -> Result<(), Failure> {
        let mut line = answered.line(self.explain);
        line.push('\n');
        self.output.bytes(line.as_bytes())
    }

    fn finish(self: Box<Self>) -> Result<(), Failure> {
        self.output.finish()
    }
}

struct Csv {
    output: Output,
    explain: bool,
}

impl Csv {
    /// Writes a record by itself: a writer of the whole file would hide which error of the output stopped it.
    fn record(&mut self, cells: impl Iterator<Item = Option<String>>) -> Result<(), Failure> {
        let mut bytes = Vec::new();
        let mut writer = WriterBuilder::new().from_writer(&mut bytes);
        let written = writer.write_record(cells.map(Option::unwrap_or_default)).and_then(|()| Ok(writer.flush()?));
        drop(writer);
        written.map_err(|error| Failure::Output(format!("cannot write a row: {error}")))?;
        self.output.bytes(&bytes)
    }
}

impl Writer for Csv {
    fn write(&mut self, answered: &Answered) -> Result<(), Failure> {
        let explain = self.explain;
        self.record(cells(answered, explain).into_iter())
    }

    fn finish(self: Box<Self>) -> Result<(), Failure> {
        self.output.finish()
    }
}
