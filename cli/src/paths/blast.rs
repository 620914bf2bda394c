//! `iamc paths --blast-radius`: what a start comes to hold, by account.

use super::{counted, not_searched};
use crate::args::{Format, Global};
use crate::ending::{Ending, Failure};
use crate::output::Output;
use crate::render::json;
use crate::terminal::{BAD, DIM, GOOD, HEAD, OPEN, clean_line, paint};
use iamc_analysis::{Blast, Touched};
use serde_json::{Value, json};

/// Shows them.
pub(super) fn write(found: &[Blast], global: &Global) -> Result<Ending, Failure> {
    let mut output = Output::open(global.output.as_deref())?;
    if global.format() == Format::Json {
        let blasts: Vec<Value> = found.iter().map(blast_json).collect();
        output.bytes(json::pretty(&json!({"blast_radius": blasts, "not_searched": not_searched()})).as_bytes())?;
    } else {
        found.iter().try_for_each(|blast| output.text(&human(blast)))?;
    }
    output.finish()?;
    Ok(Ending::Done)
}

fn n_of(blast: &Blast, is_counted: impl Fn(&(String, bool)) -> bool) -> usize {
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
        n_of(blast, |(_, definite)| *definite),
        counted(blast.accounts.len(), "account", "accounts"),
    );
    for account in &blast.accounts {
        text.push_str(&account_human(account));
    }
    text
}

fn account_human(account: &Touched) -> String {
    let mut text = format!("  {}", paint(HEAD, account.account));
    if let Some(definite) = account.administrator {
        text.push_str(&format!(" {} {}", paint(BAD, "administrator"), sure(definite)));
    }
    text.push('\n');
    for (arn, definite) in &account.identities {
        text.push_str(&format!("    {} {}\n", clean_line(arn), sure(*definite)));
    }
    for one in &account.uses {
        let what = format!("{} on {}", clean_line(&one.action), clean_line(&one.resource));
        let by = paint(DIM, format!("by {}", clean_line(&one.by)));
        text.push_str(&format!("    {what} {by} {}\n", sure(one.definite)));
    }
    text
}

fn blast_json(blast: &Blast) -> Value {
    let accounts: Vec<Value> = blast.accounts.iter().map(account_json).collect();
    json!({
        "start": blast.start,
        "n_accounts": blast.accounts.len(),
        "n_administrated": blast.accounts.iter().filter(|account| account.administrator.is_some()).count(),
        "n_identities": n_of(blast, |_| true),
        "n_definite": n_of(blast, |(_, definite)| *definite),
        "accounts": accounts,
    })
}

fn account_json(account: &Touched) -> Value {
    let identities: Vec<Value> =
        account.identities.iter().map(|(arn, definite)| json!({"arn": arn, "definite": definite})).collect();
    let uses: Vec<Value> = account
        .uses
        .iter()
        .map(|one| json!({"action": one.action, "resource": one.resource, "by": one.by, "definite": one.definite}))
        .collect();
    json!({
        "account": account.account.to_string(),
        "administrator": account.administrator.map(|definite| if definite { "definite" } else { "possible" }),
        "identities": identities,
        "uses": uses,
    })
}
