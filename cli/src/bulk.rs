//! `iamc decide ORG --requests FILE`: many requests, an answer for each, in input order.
//!
//! Rows are read in batches, decided on several threads and written in the order of the input, so memory does not
//! grow with the file and results do not depend on the threads. A row that cannot be decided is answered in its place.

mod columns;
mod csv;
mod lines;
mod parquet;
mod table;
mod write;

use crate::args::{Format, Global};
use crate::ending::{Ending, Failure};
use crate::input::is_stdin;
use crate::inventory;
use crate::organization::Asker;
use crate::output::Output;
use crate::render::json::{self, AnswerJson, DecisionJson, ErrorBody, ErrorJson, Id};
use crate::terminal;
use iamc_inventory::request::{self, node::Node};
use iamc_policy::decision::{Answer, Explanation};
use iamc_policy::document::Strictness;
use iamc_policy::request::{Mode, Request};
use iamc_runtime::CompiledPolicySet;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};

/// The longest row that is read, in bytes; a longer one is answered with an error.
pub(crate) const ROW_BYTES_MAX: usize = 16 * 1024 * 1024;
/// A batch ends with so many rows …
const BATCH_ROWS: usize = 4_096;
/// … or with so many bytes of them.
const BATCH_BYTES: usize = 8 * 1024 * 1024;

/// What bulk decisions are made with.
pub(crate) struct Engine<'a> {
    pub(crate) set: &'a CompiledPolicySet,
    /// What a request line without `mode` means.
    pub(crate) mode: Mode,
}

/// One row of the input, as a request line.
struct Row {
    /// Counted from 1, a heading not included.
    number: u64,
    /// The line; or why there is none, and the column that is to blame.
    line: Result<String, (String, Option<String>)>,
}

/// Where rows come from.
trait Rows {
    /// The next row; `None` at the end.
    ///
    /// # Errors
    /// [`Failure::Input`]: nothing behind this point can be read.
    fn next(&mut self) -> Result<Option<Row>, Failure>;

    /// Bytes read so far, where that says something.
    fn bytes_done(&self) -> u64;
}

/// What a row gets.
struct Answered {
    id: Id,
    /// The request, if the row is one.
    request: Option<Box<Request>>,
    result: Result<Box<Answer>, (String, Option<String>)>,
}

/// Forms of answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    Lines,
    Csv,
    Parquet,
    /// For people: who asked for what, the answer, and why.
    Table,
}

/// Decides every row of `requests`.
///
/// # Errors
/// The input as a whole cannot be read, or the output cannot be written.
pub(crate) fn run(
    requests: &Path,
    engine: &Engine<'_>,
    form: Form,
    explain: bool,
    global: &Global,
) -> Result<Ending, Failure> {
    let mut rows: Box<dyn Rows> = match extension(requests).as_deref() {
        Some("csv") => Box::new(csv::CsvRows::open(requests)?),
        Some("parquet") => Box::new(parquet::ParquetRows::open(requests)?),
        _ => Box::new(lines::LineRows::open(requests)?),
    };
    let output = Output::open(global.output.as_deref())?;
    let mut writer = write::writer(form, explain, output)?;
    let bar = inventory::progress(global);
    if !is_stdin(requests)
        && let Ok(metadata) = std::fs::metadata(requests)
    {
        bar.set_length(metadata.len());
    }
    let mut n_failed = 0_u64;
    let mut n_rows = 0_u64;
    let mut at_end = false;
    while !at_end {
        let mut batch = Vec::new();
        let mut bytes = 0;
        // Rows that were read before a file turns out to be damaged are answered all the same.
        let mut damage = None;
        while batch.len() < BATCH_ROWS && bytes < BATCH_BYTES {
            match rows.next() {
                Ok(Some(row)) => {
                    bytes += row.line.as_ref().map_or(0, String::len);
                    batch.push(row);
                }
                Ok(None) => {
                    at_end = true;
                    break;
                }
                Err(failure) => {
                    damage = Some(failure);
                    break;
                }
            }
        }
        for answered in decide(&batch, engine, explain || form == Form::Table, global.n_threads()) {
            n_rows += 1;
            n_failed += u64::from(answered.result.is_err());
            writer.write(&answered)?;
        }
        bar.set_position(rows.bytes_done());
        if let Some(failure) = damage {
            return Err(failure);
        }
    }
    writer.finish()?;
    bar.finish_and_clear();
    if n_failed > 0 && !global.quiet {
        terminal::warning(&format!("{n_failed} of {n_rows} rows could not be decided; their answers say why"));
    } else if global.verbose {
        terminal::say(&format!("{n_rows} rows decided"));
    }
    Ok(if n_failed > 0 { Ending::Invalid } else { Ending::Done })
}

/// Answers of a batch, in its order.
fn decide(batch: &[Row], engine: &Engine<'_>, explain: bool, n_threads: usize) -> Vec<Answered> {
    let n_workers = n_threads.min(batch.len());
    if n_workers <= 1 {
        let mut asker = Asker::new(engine.set);
        return batch.iter().map(|row| answer(row, engine, explain, &mut asker)).collect();
    }
    let next = AtomicUsize::new(0);
    let work = || {
        let mut asker = Asker::new(engine.set);
        let mut done = Vec::new();
        while let Some((index, row)) = {
            let index = next.fetch_add(1, Ordering::Relaxed);
            batch.get(index).map(|row| (index, row))
        } {
            done.push((index, answer(row, engine, explain, &mut asker)));
        }
        done
    };
    let mut all: Vec<(usize, Answered)> = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..n_workers).map(|_| scope.spawn(work)).collect();
        // A worker that panics ends the process in the panic hook, so joining never fails.
        workers.into_iter().filter_map(|worker| worker.join().ok()).flatten().collect()
    });
    all.sort_by_key(|(index, _)| *index);
    all.into_iter().map(|(_, answered)| answered).collect()
}

fn answer(row: &Row, engine: &Engine<'_>, explain: bool, asker: &mut Asker<'_>) -> Answered {
    let line = match &row.line {
        Ok(line) => line,
        Err(error) => return Answered { id: Id::Line(row.number), request: None, result: Err(error.clone()) },
    };
    let strictness = if engine.set.settings().strict { Strictness::Strict } else { Strictness::Lenient };
    let request = match request::read_line(line, engine.mode, strictness) {
        Ok(request) => request,
        Err(error) => {
            let field = Some(error.field().to_owned()).filter(|field| !field.is_empty());
            let result = Err((error.message().to_owned(), field));
            return Answered { id: id_of(line, row.number), request: None, result };
        }
    };
    let id = request.id.map_or(Id::Line(row.number), Id::Text);
    let result = if explain {
        asker.explain(&request.request)
    } else {
        asker.decide(&request.request).map(|decision| Answer {
            decision,
            explanation: Explanation::default(),
            residual: None,
            residual_keys: Vec::new(),
            warnings: Vec::new(),
        })
    };
    let result = result.map(Box::new).map_err(|error| (error.to_string(), Some(error.field.to_owned())));
    Answered { id, request: Some(Box::new(request.request)), result }
}

/// The id of a line that is no request, if as much as that can be read.
fn id_of(line: &str, number: u64) -> Id {
    let fields = Node::parse(line).and_then(|node| node.fields()).unwrap_or_default();
    let id = fields.iter().find(|(name, _)| name == "id").and_then(|(_, value)| value.scalar().ok());
    id.map_or(Id::Line(number), Id::Text)
}

impl Answered {
    /// As one line of JSON, without line feed.
    fn line(&self, explain: bool) -> String {
        match &self.result {
            Ok(answer) if explain => json::line(&AnswerJson::new(&self.id, answer)),
            Ok(answer) => json::line(&DecisionJson { id: &self.id, decision: answer.decision.name() }),
            Err((message, field)) => {
                let error = ErrorBody { message, field: field.as_deref() };
                json::line(&ErrorJson { id: &self.id, error })
            }
        }
    }
}

/// The form of the answers: that of the output file, unless `--format` says otherwise.
///
/// # Errors
/// [`Failure::Usage`] for a form that bulk answers do not have.
pub(crate) fn form(global: &Global) -> Result<Form, Failure> {
    let by_name = match global.output.as_deref().and_then(extension).as_deref() {
        Some("csv") => Form::Csv,
        Some("parquet") => Form::Parquet,
        _ => Form::Lines,
    };
    match global.format() {
        Format::Human if global.format_asked.is_some() => Ok(Form::Table),
        Format::Human => Ok(by_name),
        Format::Json | Format::Ndjson => Ok(Form::Lines),
        Format::Csv => Ok(Form::Csv),
        Format::Sarif => Err(Failure::Usage(
            "`decide --requests` has no format `sarif`; it has ndjson and csv, and parquet for files of that name"
                .into(),
        )),
    }
}

fn extension(path: &Path) -> Option<String> {
    path.extension().map(|extension| extension.to_string_lossy().to_ascii_lowercase())
}
