//! `iamc audit`: the report about a whole organization, for people, scripts and code scanning.

use crate::args::{Format, Global};
use crate::ending::{Ending, Failure};
use crate::output::Output;
use crate::paths::{given, open, path_json};
use crate::render::json;
use crate::terminal::{BAD, DIM, HEAD, OPEN, PLACE, clean_line, paint, warning};
use clap::builder::PossibleValuesParser;
use clap::{Args, ValueHint};
use iamc_analysis::{AuditKind, Finding, Reach};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::path::PathBuf;

/// What code scanning accepts in one run.
const RESULTS_MAX: usize = 25_000;

/// The whole organization: who outside may use resources and take roles, who can become administrator, who is one.
///
/// The zone of trust is the organization, with the accounts that the inventory lists beside it. A finding is definite if it
/// holds whatever is not known. Fingerprints stay the same as long as a finding is about the same thing and the same
/// outsider, wherever policies stand; `--baseline` leaves out what an earlier report has.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  iamc audit acme
  iamc audit acme --definite --format json -o report.json

  # In CI: no new way to become administrator, nothing public beyond what is known
  iamc audit acme --baseline report.json --fail-on escalation --fail-on public-resource

  # For code scanning
  iamc audit acme --format sarif -o audit.sarif

Kinds:
  public-resource    everybody, or every AWS account, may use the resource
  external-resource  an account outside the organization may use the resource
  public-role        anybody in any account may assume the role
  external-role      somebody outside the organization may assume the role
  escalation         somebody who is no administrator can become one
  administrator      an administrator of an account
  cross-account      an account reaches a role of another one
  idle-guardrail     a guardrail binds nobody")]
pub(crate) struct Audit {
    /// The organization: an inventory, as folders or files
    #[arg(value_name = "ORG", required = true, value_hint = ValueHint::AnyPath)]
    pub(crate) org: Vec<PathBuf>,

    /// End with exit code 1 if there is a finding of this kind, `any` for all; repeatable
    #[arg(long, value_name = "KIND", value_parser = kinds())]
    pub(crate) fail_on: Vec<String>,

    /// An earlier report (`--format json`): what it has is left out
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) baseline: Option<PathBuf>,

    /// A condition key that every request has (`K=V`), or a need that is met (`need:CODE`), as for `paths`; repeatable
    #[arg(long, value_name = "K=V")]
    pub(crate) given: Vec<String>,

    /// Keep what is possible in this file, as for `paths`
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) edges: Option<PathBuf>,

    /// Only findings that hold whatever is not known
    #[arg(long)]
    pub(crate) definite: bool,
}

fn kinds() -> PossibleValuesParser {
    PossibleValuesParser::new(AuditKind::ALL.iter().map(|kind| kind.as_str()).chain(["any"]))
}

/// Writes the report.
pub(crate) fn run(args: &Audit, global: &Global) -> Result<Ending, Failure> {
    if !matches!(global.format(), Format::Human | Format::Json | Format::Sarif) {
        let name = global.format().name();
        return Err(Failure::Usage(format!("`audit` has no format `{name}`; it has human, json and sarif")));
    }
    let known = args.baseline.as_deref().map(baseline).transpose()?.unwrap_or_default();
    let (mut reach, kept) = open(&args.org, global, given(&args.given)?, args.edges.as_deref())?;
    let mut findings = reach.audit(args.definite)?;
    if let Some(kept) = kept {
        kept.write(&mut reach)?;
    }
    let n_all = findings.len();
    findings.retain(|finding| !known.contains(&name(finding)));
    let n_known = n_all - findings.len();
    let mut output = Output::open(global.output.as_deref())?;
    match global.format() {
        Format::Json => output.bytes(json::pretty(&report(&findings, n_known)?).as_bytes())?,
        Format::Sarif => output.bytes(json::pretty(&sarif(&findings)).as_bytes())?,
        _ => output.text(&human(&findings, n_known))?,
    }
    output.finish()?;
    if !global.quiet {
        let n = Reach::not_modelled().len();
        warning(&format!(
            "{n} known ways to more rights are not searched; `--format json` lists them with the reasons"
        ));
    }
    let is_met = |finding: &Finding| args.fail_on.iter().any(|kind| kind == "any" || kind == finding.kind.as_str());
    Ok(if findings.iter().any(is_met) { Ending::No } else { Ending::Done })
}

/// The fingerprint as it is written.
fn name(finding: &Finding) -> String {
    format!("{:016x}", finding.fingerprint)
}

/// Fingerprints of an earlier report.
fn baseline(path: &std::path::Path) -> Result<BTreeSet<String>, Failure> {
    let bytes = std::fs::read(path).map_err(|error| Failure::unreadable(path.display(), error))?;
    let refuse =
        |why: String| Failure::Input(format!("`{}` is no report of `iamc audit --format json`: {why}", path.display()));
    let report: Value = serde_json::from_slice(&bytes).map_err(|error| refuse(error.to_string()))?;
    let findings = report.get("findings").and_then(Value::as_array);
    let findings = findings.ok_or_else(|| refuse("it has no list `findings`".to_owned()))?;
    let print = |finding: &Value| finding.get("fingerprint").and_then(Value::as_str).map(str::to_owned);
    findings
        .iter()
        .map(|finding| print(finding).ok_or_else(|| refuse("a finding has no `fingerprint`".to_owned())))
        .collect()
}

fn human(findings: &[Finding], n_known: usize) -> String {
    let mut text = String::new();
    for kind in AuditKind::ALL {
        let own: Vec<&Finding> = findings.iter().filter(|finding| finding.kind == *kind).collect();
        if own.is_empty() {
            continue;
        }
        text.push_str(&format!(
            "{} {}\n",
            paint(HEAD, kind.as_str()),
            paint(DIM, format!("{}: {}", own.len(), kind.describe()))
        ));
        for finding in own {
            let (style, word) = if finding.definite { (BAD, "definite") } else { (OPEN, "possible") };
            let place = finding.place.as_ref().map(|place| format!(" {}", paint(PLACE, place))).unwrap_or_default();
            text.push_str(&format!("  {} {}{place}\n", paint(style, word), clean_line(&finding.message)));
            for hop in finding.path.iter().flat_map(|path| &path.hops) {
                text.push_str(&format!("    {}\n", paint(DIM, clean_line(&format!("{} by {}", hop.row, hop.caller)))));
            }
        }
        text.push('\n');
    }
    let known = if n_known > 0 { format!(", {n_known} more in the baseline") } else { String::new() };
    let s = if findings.len() == 1 { "" } else { "s" };
    text.push_str(&format!("{} finding{s}{known}\n", findings.len()));
    text
}

fn report(findings: &[Finding], n_known: usize) -> Result<Value, Failure> {
    let mut list = Vec::with_capacity(findings.len());
    for finding in findings {
        let print = name(finding);
        let path = finding.path.as_ref().map(|path| path_json(path, &print)).transpose()?;
        let at = finding.place.as_ref().map(|place| json!({"file": &*place.file, "line": place.line}));
        list.push(json!({
            "kind": finding.kind.as_str(),
            "definite": finding.definite,
            "subject": finding.subject,
            "account": finding.account.map(|account| account.to_string()),
            "message": finding.message,
            "at": at,
            "fingerprint": print,
            "path": path,
        }));
    }
    let not_searched: Vec<Value> =
        Reach::not_modelled().into_iter().map(|(row, why)| json!({"row": row, "why": why})).collect();
    Ok(json!({"n_findings": list.len(), "n_in_baseline": n_known, "findings": list, "not_searched": not_searched}))
}

/// SARIF 2.1.0; beyond what code scanning accepts findings are counted in a last result.
fn sarif(findings: &[Finding]) -> Value {
    let rules: Vec<Value> = AuditKind::ALL
        .iter()
        .map(|kind| json!({"id": kind.as_str(), "shortDescription": {"text": kind.describe()}}))
        .collect();
    let n_omitted = findings.len().saturating_sub(RESULTS_MAX - 1);
    let n_shown = if findings.len() > RESULTS_MAX { RESULTS_MAX - 1 } else { findings.len() };
    let mut results: Vec<Value> = findings[..n_shown].iter().map(result).collect();
    if n_shown < findings.len() {
        let text = format!("{n_omitted} further findings are not listed");
        results
            .push(json!({"ruleId": AuditKind::Administrator.as_str(), "level": "warning", "message": {"text": text}}));
    }
    json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": {"driver": {
                "name": "iamc",
                "version": env!("CARGO_PKG_VERSION"),
                "informationUri": env!("CARGO_PKG_REPOSITORY"),
                "rules": rules,
            }},
            "results": results,
        }],
    })
}

fn result(finding: &Finding) -> Value {
    let is_inventory = matches!(finding.kind, AuditKind::Administrator | AuditKind::CrossAccount);
    let level = match (is_inventory, finding.definite) {
        (true, _) => "note",
        (false, true) => "error",
        (false, false) => "warning",
    };
    let logical = json!([{"fullyQualifiedName": finding.subject, "kind": "resource"}]);
    let location = match &finding.place {
        Some(place) => json!({
            "physicalLocation": {
                "artifactLocation": {"uri": crate::lint::uri(&place.file)},
                "region": {"startLine": place.line},
            },
            "logicalLocations": logical,
        }),
        None => json!({"logicalLocations": logical}),
    };
    json!({
        "ruleId": finding.kind.as_str(),
        "level": level,
        "message": {"text": finding.message},
        "locations": [location],
        "partialFingerprints": {"iamcFinding/v1": name(finding)},
    })
}
