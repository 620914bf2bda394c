//! `iamc what-can`: what a principal's policies grant.

use super::args::WhatCan;
use super::rows::Rows;
use super::{Form, form};
use crate::args::Global;
use crate::ending::{Ending, Failure};
use crate::organization;
use crate::output::Output;
use crate::render::json::{self, StatementJson};
use crate::terminal::{DIM, GOOD, HEAD, OPEN, PLACE, clean_line, paint};
use iamc_policy::Principal;
use iamc_runtime::{ActionId, Clause, CompiledPolicySet, Grant, PrincipalId, Scratch, patterns_overlap, what_can};
use serde::Serialize;

#[derive(Serialize)]
struct AnswerJson<'a> {
    principal: &'a str,
    grants: Vec<GrantJson<'a>>,
}

#[derive(Serialize)]
struct GrantJson<'a> {
    actions: &'a [String],
    /// `null`: of an identity policy whose text is not known.
    allow: Option<ClauseJson<'a>>,
    only_if: Vec<LimitJson<'a>>,
    unless: Vec<ClauseJson<'a>>,
    perhaps_denied: bool,
}

#[derive(Serialize)]
struct LimitJson<'a> {
    kind: &'static str,
    entity: Option<&'a str>,
    any_of: Vec<ClauseJson<'a>>,
    unknown: bool,
}

#[derive(Serialize)]
struct ClauseJson<'a> {
    #[serde(flatten)]
    statement: StatementJson,
    #[serde(skip_serializing_if = "Option::is_none")]
    resources: Option<&'a [String]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    not_resources: Option<&'a [String]>,
    conditions: Vec<ConditionJson<'a>>,
}

#[derive(Serialize)]
struct ConditionJson<'a> {
    operator: &'a str,
    key: &'a str,
    values: &'a [String],
}

const COLUMNS: [&str; 6] = ["principal", "actions", "allow", "only_if", "unless", "perhaps_denied"];

/// Answers for one principal.
pub(crate) fn run(args: &WhatCan, global: &Global) -> Result<Ending, Failure> {
    let form = form(global, "what-can")?;
    let principal: Principal =
        Principal::from_arn(&args.principal).map_err(|error| Failure::Usage(format!("`--principal`: {error}")))?;
    let set = organization::open(&args.org, global)?;
    let id = find(&set, &args.principal, &principal)?;
    let mut ids: Vec<ActionId> = Vec::new();
    for pattern in &args.action {
        ids.extend(super::expand(&set, pattern)?);
    }
    let actions = (!args.action.is_empty()).then_some(ids.as_slice());
    let mut scratch = Scratch::new(&set);
    let grants = what_can(&set, id, actions, &mut scratch).map_err(|error| Failure::Input(error.to_string()))?;
    let grants: Vec<Grant> = grants.into_iter().filter(|grant| touches(grant, args.resource.as_deref())).collect();
    let arn = set.principal_arn(id).unwrap_or_default();
    let mut output = Output::open(global.output.as_deref())?;
    let written = match form {
        Form::Human => output.text(&human(arn, &grants)).and_then(|()| output.finish()),
        Form::Json => {
            let grants = grants.iter().map(grant_json).collect();
            output.bytes(json::pretty(&AnswerJson { principal: arn, grants }).as_bytes()).and_then(|()| output.finish())
        }
        Form::Lines => grants
            .iter()
            .try_for_each(|grant| output.bytes((json::line(&grant_json(grant)) + "\n").as_bytes()))
            .and_then(|()| output.finish()),
        Form::Csv => Rows::csv(output, &COLUMNS).and_then(|rows| write(rows, arn, &grants)),
        Form::Parquet => Rows::parquet(output, &COLUMNS).and_then(|rows| write(rows, arn, &grants)),
    };
    match written {
        Ok(()) | Err(Failure::Closed) => Ok(Ending::Done),
        Err(failure) => Err(failure),
    }
}

/// A row for each grant.
fn write(mut rows: Rows, principal: &str, grants: &[Grant]) -> Result<(), Failure> {
    for grant in grants.iter().map(grant_json) {
        rows.write(vec![
            Some(principal.to_owned()),
            Some(json::line(&grant.actions)),
            grant.allow.as_ref().map(json::line),
            Some(json::line(&grant.only_if)),
            Some(json::line(&grant.unless)),
            Some(grant.perhaps_denied.to_string()),
        ])?;
    }
    rows.finish()
}

/// The user, or the role, also of a session.
fn find(set: &CompiledPolicySet, text: &str, principal: &Principal) -> Result<PrincipalId, Failure> {
    let by_role = || match principal {
        Principal::RoleSession { partition, account, role, .. } => {
            (0..set.n_principals()).map(PrincipalId::new).find(|id| {
                matches!(set.caller(*id, "s"), Some(Principal::RoleSession { partition: p, account: a, role: r, .. })
                    if p == *partition && a == *account && r == *role)
            })
        }
        _ => None,
    };
    set.principal_id(text).or_else(by_role).ok_or_else(|| {
        Failure::Input(format!(
            "`{text}` is no user or role of the inventory, so that nothing is known of its policies"
        ))
    })
}

/// True iff the grant's resources have something in common with a pattern.
fn touches(grant: &Grant, pattern: Option<&str>) -> bool {
    let (Some(pattern), Some(allow)) = (pattern, &grant.allow) else { return true };
    // What `NotResource` leaves is nearly everything.
    allow.not_resources || allow.resources.iter().any(|entry| patterns_overlap(entry, pattern))
}

fn grant_json(grant: &Grant) -> GrantJson<'_> {
    GrantJson {
        actions: &grant.actions,
        allow: grant.allow.as_ref().map(clause_json),
        only_if: grant
            .only_if
            .iter()
            .map(|limit| LimitJson {
                kind: limit.kind.name(),
                entity: limit.entity.as_deref(),
                any_of: limit.any_of.iter().map(clause_json).collect(),
                unknown: limit.unknown,
            })
            .collect(),
        unless: grant.unless.iter().map(clause_json).collect(),
        perhaps_denied: grant.perhaps_denied,
    }
}

fn clause_json(clause: &Clause) -> ClauseJson<'_> {
    let conditions = clause.conditions.iter();
    ClauseJson {
        statement: StatementJson::new(&clause.statement),
        resources: (!clause.not_resources).then_some(&clause.resources),
        not_resources: clause.not_resources.then_some(&clause.resources),
        conditions: conditions
            .map(|condition| ConditionJson {
                operator: &condition.operator,
                key: &condition.key,
                values: &condition.values,
            })
            .collect(),
    }
}

fn human(arn: &str, grants: &[Grant]) -> String {
    let mut page = Page { text: format!("{}\n", paint(HEAD, clean_line(arn))) };
    if grants.is_empty() {
        page.line(0, "nothing is granted");
    }
    for grant in grants {
        page.line(0, "");
        page.line(0, &paint(GOOD, clean_line(&grant.actions.join(", "))));
        match &grant.allow {
            Some(allow) => page.clause(1, "", allow),
            None => page.line(1, &paint(OPEN, "perhaps, by an identity policy whose text is not known")),
        }
        for limit in &grant.only_if {
            let of = limit.entity.as_ref().map(|entity| format!(" of {}", clean_line(entity))).unwrap_or_default();
            page.line(1, &paint(OPEN, format!("only if {}{of} allows:", limit.kind)));
            limit.any_of.iter().for_each(|clause| page.clause(2, "", clause));
            if limit.unknown {
                page.line(2, &paint(OPEN, "perhaps, by a policy whose text is not known"));
            }
        }
        for clause in &grant.unless {
            page.clause(1, &paint(OPEN, "unless "), clause);
        }
        if grant.perhaps_denied {
            page.line(1, &paint(OPEN, "a policy whose text is not known may deny it"));
        }
    }
    page.text
}

struct Page {
    text: String,
}

impl Page {
    fn line(&mut self, depth: usize, content: &str) {
        self.text.push_str(&"  ".repeat(depth));
        self.text.push_str(content);
        self.text.push('\n');
    }

    /// `on RESOURCES if CONDITIONS`, then which statement it is.
    fn clause(&mut self, depth: usize, lead: &str, clause: &Clause) {
        let but = if clause.not_resources { "anything but " } else { "" };
        self.line(depth, &format!("{lead}on {but}{}", clean_line(&clause.resources.join(", "))));
        for condition in &clause.conditions {
            let values: Vec<String> = condition.values.iter().map(|value| format!("`{value}`")).collect();
            let text = format!("if {} {} {}", condition.key, condition.operator, values.join(" or "));
            self.line(depth + 1, &clean_line(&text));
        }
        let mut by = paint(DIM, format!("by {}", clean_line(&clause.statement.to_string())));
        if let Some(place) = &clause.statement.place {
            by.push_str(&format!("  {}", paint(PLACE, clean_line(&place.to_string()))));
        }
        self.line(depth + 1, &by);
    }
}
