//! `iamc lint`: findings on policy documents, with positions.

mod sarif;

pub(crate) use sarif::uri;

use crate::args::{Format, Global, KindArg, Lint};
use crate::ending::{Ending, Failure};
use crate::excerpt::{self, Drawing};
use crate::input::Input;
use crate::inventory::Tables;
use crate::output::Output;
use crate::render::json;
use crate::terminal::{self, BAD, GOOD, OPEN, clean_line, paint};
use iamc_catalogue::Catalogue;
use iamc_lint::{Guess, Options, guess};
use iamc_policy::diagnostic::{Diagnostic, Severity};
use iamc_policy::document::{Policy, PolicyKind, Strictness};
use serde::Serialize;

/// A document with what was found in it.
#[derive(Debug)]
pub(crate) struct Linted {
    name: String,
    text: String,
    guess: Guess,
    /// In source order.
    diagnostics: Vec<Diagnostic>,
}

/// Checks each file and writes what was found; a file that cannot be read does not keep the others from being checked.
pub(crate) fn run(args: &Lint, global: &Global) -> Result<Ending, Failure> {
    if !matches!(global.format(), Format::Human | Format::Json | Format::Sarif) {
        let name = global.format().name();
        return Err(Failure::Usage(format!("`lint` has no format `{name}`; it has human, json and sarif")));
    }
    let strictness = if global.strict { Strictness::Strict } else { Strictness::Lenient };
    let options = Options { strictness, old_scp_limits: args.old_scp_limits };
    let tables = Tables::read(global.catalogue.as_deref())?;
    let mut output = Output::open(global.output.as_deref())?;
    let mut linted = Vec::new();
    let mut unreadable = None;
    let mut totals = Totals::default();
    for path in &args.files {
        let input = match Input::read(path) {
            Ok(input) => input,
            Err(failure) => {
                unreadable = Some(failure.report());
                continue;
            }
        };
        let one = lint(&input, args.kind, options, tables.get());
        totals.add(&one);
        if global.format() == Format::Human {
            // Drawn at once and forgotten: a large set of files needs no more memory than its largest file.
            output.text(&draw(&one, global))?;
        } else {
            linted.push(one);
        }
    }
    match global.format() {
        Format::Json => output.text(&json::pretty(&linted.iter().flat_map(Found::all).collect::<Vec<_>>()))?,
        Format::Sarif => output.text(&json::pretty(&sarif::log(&linted)))?,
        _ if totals.n_files > 0 => output.text(&totals.summary())?,
        _ => {}
    }
    output.finish()?;
    Ok(match unreadable {
        Some(ending) => ending,
        None if totals.n_errors > 0 => Ending::No,
        None => Ending::Done,
    })
}

/// Everything there is to say about one document.
fn lint(input: &Input, kind: Option<KindArg>, options: Options, catalogue: &Catalogue) -> Linted {
    let Ok(text) = std::str::from_utf8(&input.bytes) else {
        // The first bad byte is the only finding, and up to there the offsets of bytes and text are the same.
        let text = String::from_utf8_lossy(&input.bytes).into_owned();
        let guess = Guess { kind: kind.map_or(PolicyKind::Identity, PolicyKind::from), why: None };
        let diagnostics = Policy::parse_bytes(guess.kind, options.strictness, &input.bytes).diagnostics;
        return Linted { name: input.name.clone(), text, guess, diagnostics };
    };
    let guess = match kind {
        Some(kind) => Guess { kind: kind.into(), why: None },
        None => guess(text),
    };
    let diagnostics = iamc_lint::lint(guess.kind, text, catalogue, options);
    Linted { name: input.name.clone(), text: text.to_owned(), guess, diagnostics }
}

/// The findings of one document for people.
fn draw(linted: &Linted, global: &Global) -> String {
    // What a terminal shows depends on the terminal; a file or a pipe always gets the same bytes.
    let drawing =
        if global.output.is_none() && terminal::stdout_is_terminal() { Drawing::Boxes } else { Drawing::Ascii };
    let note = linted.guess.sentence();
    let mut out = String::new();
    for diagnostic in &linted.diagnostics {
        out.push_str(&excerpt::draw(diagnostic, &linted.name, &linted.text, None, drawing));
        out.push('\n');
    }
    match note {
        Some(note) if !linted.diagnostics.is_empty() || global.verbose => {
            out.push_str(&format!("{}: {}\n\n", clean_line(&linted.name), clean_line(&note)));
        }
        _ => {}
    }
    out
}

/// Counts over all documents.
#[derive(Debug, Default)]
struct Totals {
    n_files: usize,
    n_errors: usize,
    n_warnings: usize,
}

impl Totals {
    fn add(&mut self, linted: &Linted) {
        self.n_files += 1;
        let n_errors = linted.diagnostics.iter().filter(|d| d.severity == Severity::Error).count();
        self.n_errors += n_errors;
        self.n_warnings += linted.diagnostics.len() - n_errors;
    }

    fn summary(&self) -> String {
        let count = |n: usize, word: &str| format!("{n} {word}{}", if n == 1 { "" } else { "s" });
        let style = match (self.n_errors, self.n_warnings) {
            (0, 0) => GOOD,
            (0, _) => OPEN,
            _ => BAD,
        };
        let found = format!("{}, {}", count(self.n_errors, "error"), count(self.n_warnings, "warning"));
        format!("{}: {}\n", count(self.n_files, "document"), paint(style, found))
    }
}

/// One finding as `--format json` writes it; the whole output is one list of them.
#[derive(Debug, Serialize)]
struct Found<'a> {
    file: &'a str,
    /// 1-based.
    line: u32,
    /// 1-based, in bytes.
    column: u32,
    severity: &'static str,
    code: &'static str,
    rule: &'static str,
    message: &'a str,
    help: Option<&'a str>,
    /// The kind of policy that the document was read as.
    kind: &'static str,
    /// Whether the document has no meaning because of it.
    invalidates: bool,
    /// Byte offsets in the file.
    span: [usize; 2],
}

impl<'a> Found<'a> {
    fn all(linted: &'a Linted) -> impl Iterator<Item = Found<'a>> {
        linted.diagnostics.iter().map(|diagnostic| Found {
            file: &linted.name,
            line: diagnostic.position.0,
            column: diagnostic.position.1,
            severity: severity_name(diagnostic.severity),
            code: diagnostic.code,
            rule: diagnostic.rule,
            message: &diagnostic.message,
            help: diagnostic.help.as_deref(),
            kind: linted.guess.kind.name(),
            invalidates: diagnostic.invalidates,
            span: [diagnostic.span.start, diagnostic.span.end],
        })
    }
}

/// `error` or `warning`: also the levels of SARIF.
fn severity_name(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
    }
}

impl From<KindArg> for PolicyKind {
    fn from(kind: KindArg) -> PolicyKind {
        match kind {
            KindArg::Identity => PolicyKind::Identity,
            KindArg::Boundary => PolicyKind::Boundary,
            KindArg::Session => PolicyKind::Session,
            KindArg::Resource => PolicyKind::Resource,
            KindArg::Trust => PolicyKind::Trust,
            KindArg::Key => PolicyKind::Key,
            KindArg::Endpoint => PolicyKind::Endpoint,
            KindArg::Scp => PolicyKind::Scp,
            KindArg::Rcp => PolicyKind::Rcp,
        }
    }
}
