//! `iamc paths --blast-radius`: what a start comes to hold, by account.

use super::{counted, not_searched, path_json};
use crate::args::{Format, Global};
use crate::ending::{Ending, Failure};
use crate::output::Output;
use crate::render::json;
use crate::terminal::{BAD, DIM, GOOD, HEAD, OPEN, clean_line, paint};
use iamc_analysis::{Blast, Held, Path, Touched};
use serde_json::{Value, json};

/// Shows them.
pub(super) fn write(found: &[Blast], global: &Global) -> Result<Ending, Failure> {
    let mut output = Output::open(global.output.as_deref())?;
    if global.format() == Format::Json {
        let mut n_paths = 0;
        let blasts = found.iter().map(|blast| blast_json(blast, &mut n_paths)).collect::<Result<Vec<_>, _>>()?;
        output.bytes(json::pretty(&json!({"blast_radius": blasts, "not_searched": not_searched()})).as_bytes())?;
    } else {
        found.iter().try_for_each(|blast| output.text(&human(blast)))?;
    }
    output.finish()?;
    Ok(Ending::Done)
}

fn n_of(blast: &Blast, is_counted: impl Fn(&Held) -> bool) -> usize {
    blast.accounts.iter().flat_map(|account| &account.identities).filter(|one| is_counted(one)).count()
}

fn sure(definite: bool) -> String {
    if definite { paint(GOOD, "definitely") } else { paint(OPEN, "possibly") }
}

fn human(blast: &Blast) -> String {
    let n_administrated = blast.accounts.iter().filter(|account| account.administrator.is_some()).count();
    let mut text = format!(
        "{}\n  reaches {}, {} of them definitely, in {}; administrator of {n_administrated}\n",
        paint(HEAD, clean_line(&blast.start)),
        counted(n_of(blast, |_| true), "identity", "identities"),
        n_of(blast, |held| held.definite),
        counted(blast.accounts.len(), "account", "accounts"),
    );
    for account in &blast.accounts {
        text.push_str(&account_human(account));
    }
    text
}

fn account_human(account: &Touched) -> String {
    let mut text = format!("  {}", paint(HEAD, account.account));
    if let Some(held) = &account.administrator {
        text.push_str(&format!(" {} {}", paint(BAD, "administrator"), sure(held.definite)));
    }
    text.push('\n');
    for held in &account.identities {
        text.push_str(&format!("    {} {}\n", clean_line(&held.name), sure(held.definite)));
    }
    for one in &account.uses {
        let what = format!("{} on {}", clean_line(&one.action), clean_line(&one.resource));
        let by = paint(DIM, format!("by {}", clean_line(&one.by)));
        text.push_str(&format!("    {what} {by} {}\n", sure(one.definite)));
    }
    text
}

fn blast_json(blast: &Blast, n_paths: &mut usize) -> Result<Value, Failure> {
    let accounts = blast.accounts.iter().map(|account| account_json(account, n_paths));
    let accounts = accounts.collect::<Result<Vec<_>, _>>()?;
    Ok(json!({
        "start": blast.start,
        "n_accounts": blast.accounts.len(),
        "n_administrated": blast.accounts.iter().filter(|account| account.administrator.is_some()).count(),
        "n_identities": n_of(blast, |_| true),
        "n_definite": n_of(blast, |held| held.definite),
        "accounts": accounts,
    }))
}

fn account_json(account: &Touched, n_paths: &mut usize) -> Result<Value, Failure> {
    let mut proof = |path: &Option<Path>| -> Result<Value, Failure> {
        let Some(path) = path else { return Ok(Value::Null) };
        *n_paths += 1;
        path_json(path, &format!("path{n_paths}"))
    };
    let administrator = match &account.administrator {
        Some(held) => {
            let word = if held.definite { "definite" } else { "possible" };
            (Value::from(word), proof(&held.path)?)
        }
        None => (Value::Null, Value::Null),
    };
    let mut identities = Vec::with_capacity(account.identities.len());
    for held in &account.identities {
        identities.push(json!({"arn": held.name, "definite": held.definite, "path": proof(&held.path)?}));
    }
    let mut uses = Vec::with_capacity(account.uses.len());
    for one in &account.uses {
        let path = proof(&one.path)?;
        uses.push(json!({
            "action": one.action, "resource": one.resource, "by": one.by, "definite": one.definite, "path": path,
        }));
    }
    Ok(json!({
        "account": account.account.to_string(),
        "administrator": administrator.0,
        "administrator_path": administrator.1,
        "identities": identities,
        "uses": uses,
    }))
}
