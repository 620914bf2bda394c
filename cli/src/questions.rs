//! `iamc who-can`, `iamc what-can` and `iamc matrix`: one request against everybody, everything against one principal, and
//! many of the one against many of the other.

pub(crate) mod args;
mod cells;
mod counts;
mod matrix;
pub(crate) mod rows;
mod what_can;
mod who_can;

pub(crate) use matrix::run as matrix;
pub(crate) use what_can::run as what_can;
pub(crate) use who_can::run as who_can;

use crate::args::{Decide, Format, Global};
use crate::ending::Failure;
use crate::request_options;
use crate::terminal::{clean, warning};
use args::QuestionOptions;
use iamc_policy::document::Strictness;
use iamc_policy::{AccountId, Request};
use iamc_runtime::{ActionId, CompiledPolicySet};
use std::collections::HashSet;

/// Forms of answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    Human,
    Json,
    Lines,
    Csv,
    Parquet,
}

/// The form of the answers: that of the output file, unless `--format` says otherwise.
///
/// # Errors
/// [`Failure::Usage`] for a form that questions do not have.
fn form(global: &Global, command: &str) -> Result<Form, Failure> {
    let ending = global.output.as_deref().and_then(|path| path.extension()).map(|ending| ending.to_ascii_lowercase());
    match global.format_asked {
        None => Ok(match ending.as_deref().and_then(|ending| ending.to_str()) {
            Some("parquet") => Form::Parquet,
            Some("csv") => Form::Csv,
            Some("jsonl" | "ndjson") => Form::Lines,
            _ => Form::Human,
        }),
        Some(Format::Human) => Ok(Form::Human),
        Some(Format::Json) => Ok(Form::Json),
        Some(Format::Ndjson) => Ok(Form::Lines),
        Some(Format::Csv) => Ok(Form::Csv),
        Some(Format::Sarif) => Err(Failure::Usage(format!(
            "`{command}` has no format `sarif`; it has human, json, ndjson and csv, and parquet for files of that name"
        ))),
    }
}

/// True iff a text has wildcards.
fn is_pattern(text: &str) -> bool {
    text.contains(['*', '?'])
}

/// The actions of some patterns, as named or expanded by the catalogue, each once, in the order of the patterns.
///
/// # Errors
/// [`Failure::Usage`]: a pattern with wildcards covers no action.
fn actions(set: &CompiledPolicySet, patterns: &[String]) -> Result<Vec<String>, Failure> {
    let mut actions: Vec<String> = Vec::new();
    let mut known = HashSet::new();
    let mut add = |action: String| {
        if known.insert(action.to_ascii_lowercase()) {
            actions.push(action);
        }
    };
    for pattern in patterns {
        if !is_pattern(pattern) {
            add(pattern.clone());
            continue;
        }
        let ids = expand(set, pattern)?;
        ids.into_iter().filter_map(|id| set.action_name(id)).for_each(&mut add);
    }
    Ok(actions)
}

/// The actions of the catalogue that a pattern covers; there is at least one.
fn expand(set: &CompiledPolicySet, pattern: &str) -> Result<Vec<ActionId>, Failure> {
    let ids = set.actions_like(pattern);
    if ids.is_empty() {
        let message =
            format!("`--action {pattern}` covers no action of the catalogue: write `service:Name`, such as `s3:Get*`");
        return Err(Failure::Usage(message));
    }
    Ok(ids)
}

/// The accounts of `--account`.
///
/// # Errors
/// [`Failure::Usage`]: one is no account number.
fn accounts(texts: &[String]) -> Result<Vec<AccountId>, Failure> {
    let account = |text: &String| {
        text.parse::<AccountId>().map_err(|error| Failure::Usage(format!("`--account {text}`: {error}")))
    };
    texts.iter().map(account).collect()
}

/// The request of an action and a resource; its principal is not looked at.
///
/// # Errors
/// [`Failure::Usage`] naming the option whose value is wrong.
fn request(
    options: &QuestionOptions,
    closed: bool,
    action: &str,
    resource: &str,
    strictness: Strictness,
) -> Result<Request, Failure> {
    let decide = Decide {
        org: None,
        policies: None,
        requests: None,
        principal: Some("anonymous".to_owned()),
        action: Some(action.to_owned()),
        resource: vec![resource.to_owned()],
        request: options.for_request(),
        explain: false,
        closed,
    };
    let mut request = request_options::read(&decide, strictness)?;
    // Roles are asked about as sessions whose name is not known.
    request.facts.session_unknown = true;
    Ok(request)
}

/// Lists what was asked about and nobody knows: the answers rest on what is known of such names, which may be little.
fn report_unknown(set: &CompiledPolicySet, actions: &[String], accounts: &[AccountId], global: &Global) {
    if global.quiet {
        return;
    }
    let actions: Vec<&str> = actions.iter().map(String::as_str).filter(|name| set.action_id(name).is_none()).collect();
    let known = &set.tables().account_numbers;
    let is_unknown = |account: &&AccountId| !known.contains(&account.number());
    let accounts: Vec<String> = accounts.iter().filter(is_unknown).map(ToString::to_string).collect();
    for (names, what) in [
        (actions.join("\n  "), "actions that the catalogue does not have"),
        (accounts.join("\n  "), "accounts that are not in the organization"),
    ] {
        if !names.is_empty() {
            warning(&clean(&format!("asked about {what}:\n  {names}")));
        }
    }
}
