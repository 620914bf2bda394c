//! Bulk answers for people: a row a request, with the answer and why, and a count of the answers at the end.

use super::Answered;
use super::window::RowId;
use super::write::Writer;
use crate::ending::Failure;
use crate::output::Output;
use crate::render::json::Id;
use crate::terminal::{BAD, DIM, GOOD, HEAD, OPEN, PLACE, clean_line, paint};
use anstyle::Style;
use iamc_policy::decision::{Answer, Decision, StatementRef};
use iamc_policy::document::PolicyKind;
use iamc_policy::principal::Principal;
use iamc_policy::request::Request;
use std::collections::BTreeMap;

/// Columns are as wide as these rows need …
const ROWS_MEASURED: usize = 1_000;
/// … but no wider than this, in characters, the last one excepted.
const WIDTHS_MAX: [usize; 4] = [12, 44, 34, 48];
const HEADINGS: [&str; 5] = ["answer", "who", "asks for", "on", "why"];

/// Buffers the first rows to measure them, then writes each as it comes.
pub(super) struct Table {
    output: Output,
    waiting: Vec<[Cell; 5]>,
    widths: Option<[usize; 4]>,
    counts: BTreeMap<&'static str, u64>,
}

#[derive(Clone)]
struct Cell {
    text: String,
    style: Style,
}

impl Cell {
    fn new(text: impl Into<String>) -> Cell {
        Cell { text: clean_line(&text.into()), style: Style::new() }
    }

    fn styled(text: impl Into<String>, style: Style) -> Cell {
        Cell { style, ..Cell::new(text) }
    }
}

impl Table {
    pub(super) fn new(output: Output) -> Table {
        Table { output, waiting: Vec::new(), widths: None, counts: BTreeMap::new() }
    }

    /// Fixes the widths and writes the heading and what waited.
    fn begin(&mut self) -> Result<(), Failure> {
        let mut widths = [0; 4];
        for (column, width) in widths.iter_mut().enumerate() {
            let longest = self.waiting.iter().map(|row| row[column].text.chars().count()).max().unwrap_or(0);
            *width = longest.max(HEADINGS[column].len()).min(WIDTHS_MAX[column]);
        }
        self.widths = Some(widths);
        let heading = HEADINGS.map(|heading| Cell::styled(heading, HEAD));
        self.row(&heading, widths)?;
        for row in std::mem::take(&mut self.waiting) {
            self.row(&row, widths)?;
        }
        Ok(())
    }

    fn row_or_wait(&mut self, row: [Cell; 5]) -> Result<(), Failure> {
        if let Some(widths) = self.widths {
            return self.row(&row, widths);
        }
        self.waiting.push(row);
        if self.waiting.len() >= ROWS_MEASURED { self.begin() } else { Ok(()) }
    }

    fn row(&mut self, cells: &[Cell; 5], widths: [usize; 4]) -> Result<(), Failure> {
        let mut line = String::new();
        for (cell, width) in cells.iter().zip(widths) {
            let text = shorten(&cell.text, width);
            let padding = width - text.chars().count();
            line.push_str(&paint(cell.style, text));
            line.extend(std::iter::repeat_n(' ', padding + 2));
        }
        line.push_str(&paint(cells[4].style, &cells[4].text));
        line.push('\n');
        self.output.text(&line)
    }
}

impl Writer for Table {
    fn write(&mut self, answered: &Answered) -> Result<(), Failure> {
        let name = answered.result.as_ref().map_or("undecided", |answer| answer.decision.name());
        *self.counts.entry(name).or_default() += 1;
        self.row_or_wait(cells(answered))
    }

    fn write_decision(&mut self, id: RowId<'_>, decision: &'static str) -> Result<(), Failure> {
        // Tables say why, so that nobody asks for this.
        *self.counts.entry(decision).or_default() += 1;
        let id = Id::from(id).to_string();
        self.row_or_wait([Cell::new(decision), Cell::new(id), Cell::new(""), Cell::new(""), Cell::new("")])
    }

    fn finish(mut self: Box<Self>) -> Result<(), Failure> {
        if self.widths.is_none() {
            self.begin()?;
        }
        let counts: Vec<String> = self.counts.iter().map(|(name, count)| format!("{count} {name}")).collect();
        self.output.text(&format!("\n{}\n", counts.join(", ")))?;
        self.output.finish()
    }
}

fn cells(answered: &Answered) -> [Cell; 5] {
    let (who, action, resource) = match &answered.request {
        Some(request) => (principal(&request.principal), request.action.to_string(), resources(request)),
        None => (answered.id.to_string(), String::new(), String::new()),
    };
    let (decision, style, why) = match &answered.result {
        Ok(answer) => {
            let style = match answer.decision {
                Decision::Allow => GOOD,
                Decision::ExplicitDeny | Decision::ImplicitDeny => BAD,
                Decision::Conditional(_) => OPEN,
            };
            (answer.decision.name(), style, why(answer))
        }
        Err((message, _)) => ("undecided", BAD, Cell::new(message)),
    };
    [Cell::styled(decision, style), Cell::new(who), Cell::new(action), Cell::styled(resource, DIM), why]
}

/// Account and what follows it in the ARN: short, and still unmistakable.
fn principal(principal: &Principal) -> String {
    match principal {
        Principal::Root { account, .. } => format!("{account} root"),
        Principal::User { account, path_name, .. } => format!("{account} user/{path_name}"),
        Principal::RoleSession { account, role, session, .. } => format!("{account} {role}/{session}"),
        Principal::FederatedUser { account, name, .. } => format!("{account} federated-user/{name}"),
        other => other.to_string(),
    }
}

fn resources(request: &Request) -> String {
    let first = request.resources.first().map(|resource| resource.resource.to_string()).unwrap_or_default();
    match request.resources.len() {
        0 | 1 => first,
        n => format!("{first} and {} more", n - 1),
    }
}

/// The shortest honest reason: the deciding statement with its place, what is missing, or what it depends on.
fn why(answer: &Answer) -> Cell {
    match answer.decision {
        Decision::Allow => match grant(answer) {
            Some(statement) => Cell::styled(place(statement), PLACE),
            None => Cell::new("no policy is needed"),
        },
        Decision::ExplicitDeny => {
            answer.denied_by().first().map_or_else(|| Cell::new(""), |statement| Cell::styled(place(statement), PLACE))
        }
        Decision::ImplicitDeny => {
            let codes: Vec<String> = answer.missing().iter().map(ToString::to_string).collect();
            Cell::new(codes.join(" "))
        }
        Decision::Conditional(outcomes) => {
            let keys = &answer.residual_keys;
            let on = if keys.is_empty() { "what is not known".to_owned() } else { keys.join(", ") };
            Cell::new(format!("{}: depends on {on}", outcomes.names().join(" or ")))
        }
    }
}

/// The statement of the witness that grants, rather than one that merely does not stand in the way.
fn grant(answer: &Answer) -> Option<&StatementRef> {
    use PolicyKind::{Identity, Key, Resource, Trust};
    let witness = &answer.explanation.witness;
    let grants = |statement: &&StatementRef| matches!(statement.policy.kind, Identity | Resource | Trust | Key);
    witness.iter().find(grants).or(witness.first())
}

fn place(statement: &StatementRef) -> String {
    match &statement.place {
        Some(place) => format!("{statement}  {place}"),
        None => statement.to_string(),
    }
}

/// The beginning and the end of a text that is too long.
fn shorten(text: &str, width: usize) -> String {
    let n_chars = text.chars().count();
    if n_chars <= width {
        return text.to_owned();
    }
    let head = (width - 1) / 2;
    let tail = width - 1 - head;
    text.chars().take(head).chain(['…']).chain(text.chars().skip(n_chars - tail)).collect()
}
