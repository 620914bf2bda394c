//! `iamc decide ORG --requests FILE`: many requests, an answer for each, in input order.
//!
//! Rows are read in windows, decided on several threads and written in the order of the input, so memory does not
//! grow with the file and results do not depend on the threads. A row that cannot be decided is answered in its place.
//! Decisions alone are made of numbers, many at once ([`stream`]); explanations one by one.

mod columns;
mod csv;
mod lines;
mod parquet;
mod stream;
mod table;
mod window;
mod write;

use self::columns::{Cells, Columns};
use self::window::RowError;
use self::write::Writer;
use crate::args::{Format, Global};
use crate::ending::{Ending, Failure};
use crate::input::is_stdin;
use crate::inventory;
use crate::organization::Asker;
use crate::output::Output;
use crate::render::json::{self, AnswerJson, DecisionJson, ErrorBody, ErrorJson, Id};
use crate::terminal::{self, clean};
use iamc_inventory::request::{self, node::Node};
use iamc_policy::decision::Answer;
use iamc_policy::document::Strictness;
use iamc_policy::request::{Mode, Request, RequestError};
use iamc_runtime::CompiledPolicySet;
use iamc_runtime::batch::Unknown;
use indicatif::{ProgressBar, ProgressStyle};
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};

/// The longest row that is read, in bytes; a longer one is answered with an error.
pub(crate) const ROW_BYTES_MAX: usize = 16 * 1024 * 1024;
/// Of rows that are explained, a batch ends with so many …
const BATCH_ROWS: usize = 4_096;
/// … or with so many bytes of them.
const BATCH_BYTES: usize = 8 * 1024 * 1024;

/// So many rows are read together: what looking up their names reads is read ahead.
const ROWS_TOGETHER: usize = 64;

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
    /// The line; or why there is none.
    line: Result<String, RowError>,
}

/// A row as it is read.
enum RowText<'a> {
    Line(&'a str),
    Cells(&'a Columns, &'a Cells<'a>),
    /// It cannot be read.
    Error(RowError),
}

/// Where rows come from.
trait Rows {
    /// Hands the next rows to `take`, at most [`ROWS_TOGETHER`] of them. False: there is none.
    ///
    /// # Errors
    /// [`Failure::Input`]: nothing behind this point can be read.
    fn next(&mut self, take: &mut dyn FnMut(Vec<RowText<'_>>)) -> Result<bool, Failure>;

    /// Bytes read so far, where that says something.
    fn bytes_done(&self) -> u64;
}

/// What a row gets.
struct Answered {
    id: Id,
    /// The request, if the row is one.
    request: Option<Box<Request>>,
    result: Result<Box<Answer>, RowError>,
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
    let writer = write::writer(form, explain, output)?;
    let bar = progress(requests, global);
    let counts = if explain || form == Form::Table {
        one_by_one(rows.as_mut(), engine, writer, &bar, global.n_threads())?
    } else {
        stream::run(rows.as_mut(), engine, writer, &bar, global.n_threads())?
    };
    bar.finish_and_clear();
    counts.report(global);
    Ok(if counts.n_failed > 0 { Ending::Invalid } else { Ending::Done })
}

/// A bar that shows how much of the input is done, and how fast.
fn progress(requests: &Path, global: &Global) -> ProgressBar {
    let bar = inventory::progress(global);
    if !is_stdin(requests)
        && let Ok(metadata) = std::fs::metadata(requests)
    {
        bar.set_length(metadata.len());
    }
    if let Ok(style) = ProgressStyle::with_template("{bar:40} {bytes}/{total_bytes} {msg} {eta}") {
        bar.set_style(style);
    }
    bar
}

/// Moves the bar on.
fn show(bar: &ProgressBar, rows: &dyn Rows, n_rows: u64) {
    bar.set_position(rows.bytes_done());
    let seconds = bar.elapsed().as_secs_f64();
    if seconds > 0.0 {
        bar.set_message(format!("{:.0} rows/s", n_rows as f64 / seconds));
    }
}

/// What is said when all is done.
#[derive(Default)]
struct Counts {
    n_rows: u64,
    n_failed: u64,
    unknown_principals: Unknown,
    unknown_actions: Unknown,
}

/// So many unknown names are listed.
const NAMES_SHOWN: usize = 20;

impl Counts {
    fn report(&self, global: &Global) {
        if global.quiet {
            return;
        }
        for (unknown, what) in [
            (&self.unknown_principals, "principals that are not in the organization"),
            (&self.unknown_actions, "actions that the catalogue does not have"),
        ] {
            if unknown.n_rows > 0 {
                terminal::warning(&clean(&list(unknown, what, global.verbose)));
            }
        }
        if self.n_failed > 0 {
            let Counts { n_failed, n_rows, .. } = self;
            terminal::warning(&format!("{n_failed} of {n_rows} rows could not be decided; their answers say why"));
        } else if global.verbose {
            terminal::say(&format!("{} rows decided", self.n_rows));
        }
    }
}

/// Unknown names with their rows, those with most rows first.
fn list(unknown: &Unknown, what: &str, all: bool) -> String {
    let mut names: Vec<(&str, u64)> = unknown.names.iter().map(|(name, n)| (name.as_str(), *n)).collect();
    names.sort_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(b.0)));
    let n_shown = if all { names.len() } else { names.len().min(NAMES_SHOWN) };
    let mut text = format!("{} rows name {what}:", unknown.n_rows);
    for (name, n) in &names[..n_shown] {
        text.push_str(&format!("\n  {name} ({n})"));
    }
    let n_hidden: u64 = names[n_shown..].iter().map(|(_, n)| n).sum();
    if n_hidden + unknown.n_other_rows > 0 {
        text.push_str(&format!("\n  and others ({})", n_hidden + unknown.n_other_rows));
    }
    text
}

/// Decides the rows each by itself, with what explains it.
fn one_by_one(
    rows: &mut dyn Rows,
    engine: &Engine<'_>,
    mut writer: Box<dyn Writer>,
    bar: &ProgressBar,
    n_threads: usize,
) -> Result<Counts, Failure> {
    let mut counts = Counts::default();
    let mut number = 0;
    let mut at_end = false;
    while !at_end {
        let mut batch: Vec<Row> = Vec::new();
        let mut bytes = 0;
        // Rows that were read before a file turns out to be damaged are answered all the same.
        let mut damage = None;
        while batch.len() < BATCH_ROWS && bytes < BATCH_BYTES {
            let more = rows.next(&mut |rows| {
                for row in rows {
                    number += 1;
                    let line = match row {
                        RowText::Line(line) => Ok(line.to_owned()),
                        RowText::Cells(columns, cells) => columns.line(cells),
                        RowText::Error(error) => Err(error),
                    };
                    bytes += line.as_ref().map_or(0, String::len);
                    batch.push(Row { number, line });
                }
            });
            match more {
                Ok(true) => {}
                Ok(false) => {
                    at_end = true;
                    break;
                }
                Err(failure) => {
                    damage = Some(failure);
                    break;
                }
            }
        }
        for answered in decide(&batch, engine, n_threads) {
            counts.n_rows += 1;
            counts.n_failed += u64::from(answered.result.is_err());
            writer.write(&answered)?;
        }
        writer.pause()?;
        show(bar, rows, counts.n_rows);
        if let Some(failure) = damage {
            return Err(failure);
        }
    }
    writer.finish()?;
    Ok(counts)
}

/// Answers of a batch, in its order.
fn decide(batch: &[Row], engine: &Engine<'_>, n_threads: usize) -> Vec<Answered> {
    let n_workers = n_threads.min(batch.len());
    if n_workers <= 1 {
        let mut asker = Asker::new(engine.set);
        return batch.iter().map(|row| answer(row, engine, &mut asker)).collect();
    }
    let next = AtomicUsize::new(0);
    let work = || {
        let mut asker = Asker::new(engine.set);
        let mut done = Vec::new();
        while let Some((index, row)) = {
            let index = next.fetch_add(1, Ordering::Relaxed);
            batch.get(index).map(|row| (index, row))
        } {
            done.push((index, answer(row, engine, &mut asker)));
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

fn answer(row: &Row, engine: &Engine<'_>, asker: &mut Asker<'_>) -> Answered {
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
    let result = asker.explain(&request.request).map(Box::new).map_err(row_error);
    Answered { id, request: Some(Box::new(request.request)), result }
}

/// Why a request cannot be decided, and the field that is to blame.
fn row_error(error: RequestError) -> RowError {
    (error.to_string(), Some(error.field.to_owned()))
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
