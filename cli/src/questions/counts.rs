//! Counts of a matrix: a row for each action and resource, for people, as JSON, and as rows of texts.

use super::Form;
use super::rows::Rows;
use crate::ending::Failure;
use crate::output::Output;
use crate::render::json::{self, ErrorBody};
use crate::terminal::{BAD, GOOD, HEAD, OPEN, clean_line, paint};
use iamc_policy::request::RequestError;
use iamc_runtime::Tally;
use serde::Serialize;

const COLUMNS: [&str; 7] = ["action", "resource", "can", "can_if", "cannot", "refused", "error"];

/// What was found about an action and a resource.
pub(super) struct Row<'a> {
    pub(super) action: &'a str,
    pub(super) resource: &'a str,
    pub(super) tally: Result<Tally, &'a RequestError>,
}

#[derive(Serialize)]
struct RowJson<'a> {
    action: &'a str,
    resource: &'a str,
    #[serde(flatten)]
    counts: Option<CountsJson>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<ErrorBody<'a>>,
}

#[derive(Serialize)]
struct CountsJson {
    can: u64,
    can_if: u64,
    cannot: u64,
    refused: u64,
}

impl CountsJson {
    fn new(tally: Tally) -> CountsJson {
        let Tally { can, can_if, cannot, refused } = tally;
        CountsJson { can, can_if, cannot, refused }
    }
}

/// Where counts go.
pub(super) struct Counts {
    to: To,
    n_principals: u64,
    all: Tally,
}

enum To {
    /// The resource of the last row.
    Human(Output, Option<String>),
    Json(Output, Vec<serde_json::Value>),
    Lines(Output),
    Rows(Rows),
}

impl Counts {
    /// # Errors
    /// [`Failure::Output`] or [`Failure::Closed`], as for all of this.
    pub(super) fn new(form: Form, n_principals: u64, output: Output) -> Result<Counts, Failure> {
        let to = match form {
            Form::Human => To::Human(output, None),
            Form::Json => To::Json(output, Vec::new()),
            Form::Lines => To::Lines(output),
            Form::Csv => To::Rows(Rows::csv(output, &COLUMNS)?),
            Form::Parquet => To::Rows(Rows::parquet(output, &COLUMNS)?),
        };
        Ok(Counts { to, n_principals, all: Tally::default() })
    }

    pub(super) fn write(&mut self, row: &Row<'_>) -> Result<(), Failure> {
        if let Ok(Tally { can, can_if, cannot, refused }) = row.tally {
            self.all.can += can;
            self.all.can_if += can_if;
            self.all.cannot += cannot;
            self.all.refused += refused;
        }
        match &mut self.to {
            To::Human(output, last) => {
                let mut text = String::new();
                if last.as_deref() != Some(row.resource) {
                    let gap = if last.is_some() { "\n" } else { "" };
                    text = format!("{gap}{}\n", paint(HEAD, clean_line(row.resource)));
                    *last = Some(row.resource.to_owned());
                }
                let said = match &row.tally {
                    Ok(tally) => human(*tally),
                    Err(error) => paint(BAD, clean_line(&error.to_string())),
                };
                output.text(&format!("{text}  {:<40}  {said}\n", clean_line(row.action)))
            }
            To::Json(_, rows) => {
                rows.push(serde_json::json!(row_json(row)));
                Ok(())
            }
            To::Lines(output) => output.bytes((json::line(&row_json(row)) + "\n").as_bytes()),
            To::Rows(rows) => {
                let counts = match row.tally {
                    Ok(Tally { can, can_if, cannot, refused }) => {
                        [can, can_if, cannot, refused].map(|n| Some(n.to_string()))
                    }
                    Err(_) => [const { None }; 4],
                };
                let error = row.tally.as_ref().err().map(|error| json::line(&body(error, &error.to_string())));
                let names = [row.action, row.resource].map(|name| Some(name.to_owned()));
                rows.write(names.into_iter().chain(counts).chain([error]).collect())
            }
        }
    }

    pub(super) fn finish(self) -> Result<(), Failure> {
        let Counts { to, n_principals, all } = self;
        match to {
            To::Human(mut output, last) => {
                let gap = if last.is_some() { "\n" } else { "" };
                let n_cells = all.can + all.can_if + all.cannot + all.refused;
                let text = format!("{gap}{n_cells} cells of {n_principals} principals: {}\n", human(all).trim_start());
                output.text(&text)?;
                output.finish()
            }
            To::Json(mut output, rows) => {
                let answer = serde_json::json!({"principals": n_principals, "all": CountsJson::new(all), "rows": rows});
                output.bytes(json::pretty(&answer).as_bytes())?;
                output.finish()
            }
            To::Lines(output) => output.finish(),
            To::Rows(rows) => rows.finish(),
        }
    }
}

fn body<'a>(error: &RequestError, message: &'a str) -> ErrorBody<'a> {
    ErrorBody { message, field: Some(error.field) }
}

fn row_json<'a>(row: &Row<'a>) -> serde_json::Value {
    let message = row.tally.as_ref().err().map(ToString::to_string);
    let error = row.tally.as_ref().err().zip(message.as_deref());
    serde_json::json!(RowJson {
        action: row.action,
        resource: row.resource,
        counts: row.tally.as_ref().ok().map(|tally| CountsJson::new(*tally)),
        error: error.map(|(error, message)| body(error, message)),
    })
}

/// `12 can, 3 can if, 85 cannot`.
fn human(tally: Tally) -> String {
    let part = |n: u64, style, word: &str| format!("{} {}", paint(style, format!("{n:>7}")), paint(style, word));
    let mut text = format!(
        "{}, {}, {}",
        part(tally.can, GOOD, "can"),
        part(tally.can_if, OPEN, "can if"),
        part(tally.cannot, BAD, "cannot")
    );
    if tally.refused > 0 {
        text.push_str(&format!(", {}", part(tally.refused, BAD, "cannot ask")));
    }
    text
}
