//! `iamc who-can`: who can, who can if, who else.

use super::args::WhoCan;
use super::rows::Rows;
use super::{Form, is_pattern};
use crate::args::Global;
use crate::ending::{Ending, Failure};
use crate::organization::{self, Asker};
use crate::output::Output;
use crate::render::json::{self, StatementJson};
use crate::settings;
use crate::terminal::{BAD, DIM, GOOD, HEAD, OPEN, PLACE, clean_line, paint};
use iamc_policy::decision::{Answer, AtomKind, Decision, Formula, StatementRef};
use iamc_policy::document::Strictness;
use iamc_policy::request::Request;
use iamc_policy::{AccountId, Principal};
use iamc_runtime::{
    DecisionCode, Inverse, OutsiderKind, Question, QuestionScratch, Scope, Scratch, outsiders, root_users, who_can,
};
use serde::Serialize;
use std::sync::Arc;

/// As many principals are listed for people unless they ask for more.
const LIMIT_HUMAN: usize = 50;

const COLUMNS: [&str; 7] = ["action", "resource", "kind", "principal", "answer", "depends_on", "statements"];

/// Somebody who can, or can if.
#[derive(Debug, Serialize)]
struct Listed {
    kind: &'static str,
    principal: String,
    answer: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    depends_on: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    statements: Option<Vec<StatementJson>>,
    #[serde(skip)]
    refs: Vec<StatementRef>,
}

/// The answer about one action and one resource.
#[derive(Debug, Serialize)]
struct AnswerJson<'a> {
    action: &'a str,
    resource: &'a str,
    /// How many users and roles can, can if, cannot.
    can: u64,
    can_if: u64,
    cannot: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    principals: Option<&'a [Listed]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    root_users: Option<&'a [Listed]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    outside: Option<&'a [Listed]>,
}

/// What was found about one action and one resource.
struct Pair {
    action: String,
    resource: String,
    can: u64,
    can_if: u64,
    cannot: u64,
    principals: Vec<Listed>,
    /// Principals that the limit left out.
    n_left_out: u64,
    root_users: Vec<Listed>,
    outside: Vec<Listed>,
}

/// Asks of everybody.
pub(crate) fn run(args: &WhoCan, global: &Global) -> Result<Ending, Failure> {
    let form = super::form(global, "who-can")?;
    let settings = settings::read(global)?;
    let strictness = if settings.strict { Strictness::Strict } else { Strictness::Lenient };
    let accounts = super::accounts(&args.account)?;
    let request =
        |action: &str, resource: &str| super::request(&args.request, args.closed, action, resource, strictness);
    // Mistakes in options are told before anything is read.
    let resources: Vec<&String> = args.resource.iter().collect();
    if let (Some(action), Some(resource)) = (args.action.first(), resources.first()) {
        request(if is_pattern(action) { "s3:GetObject" } else { action }, resource)?;
    }
    let set = Arc::new(organization::open(&args.org, global)?);
    let actions = super::actions(&set, &args.action)?;
    let is_expanded = args.action.iter().any(|action| is_pattern(action));
    let output = Output::open(global.output.as_deref())?;
    let mut writer = Writer::new(args, form, output)?;
    let limit = match args.limit {
        Some(0) => usize::MAX,
        Some(limit) => limit,
        None if writer.is_for_people() => LIMIT_HUMAN,
        None => usize::MAX,
    };
    let mut walk = Walk {
        args,
        inverse: Inverse::new(Arc::clone(&set)),
        scratch: QuestionScratch::default(),
        own: Scratch::new(&set),
        asker: Asker::new(&set),
        accounts: &accounts,
        limit,
    };
    let mut n_refused = 0;
    for resource in resources {
        for action in &actions {
            let request = request(action, resource)?;
            match walk.pair(action, resource, request) {
                Ok(pair) => match writer.pair(&pair) {
                    Err(Failure::Closed) => return Ok(Ending::Done),
                    other => other?,
                },
                // Of many actions some do not fit the resource.
                Err(_) if is_expanded => n_refused += 1,
                Err(message) => return Err(Failure::Input(message)),
            }
        }
    }
    if n_refused > 0 && !global.quiet {
        crate::terminal::warning(&format!(
            "{n_refused} of {} questions cannot be asked, since the action does not fit the resource; ask about the action by name to see why",
            actions.len() * args.resource.len()
        ));
    }
    super::report_unknown(&set, &actions, &accounts, global);
    match writer.finish() {
        Ok(()) | Err(Failure::Closed) => Ok(Ending::Done),
        Err(failure) => Err(failure),
    }
}

struct Walk<'a> {
    args: &'a WhoCan,
    inverse: Inverse,
    scratch: QuestionScratch,
    own: Scratch,
    asker: Asker<'a>,
    accounts: &'a [AccountId],
    limit: usize,
}

impl Walk<'_> {
    /// Everyone who can do the action on the resource.
    ///
    /// # Errors
    /// Why nobody can ask.
    fn pair(&mut self, action: &str, resource: &str, request: Request) -> Result<Pair, String> {
        let set = Arc::clone(self.inverse.set());
        let question = Question::new(request);
        let scope = if self.accounts.is_empty() { Scope::All } else { Scope::Accounts(self.accounts) };
        let found = who_can(&self.inverse, &question, scope, &mut self.scratch).map_err(|error| error.to_string())?;
        let (definite, possible) = found.counts();
        let mut pair = Pair {
            action: action.to_owned(),
            resource: resource.to_owned(),
            can: definite,
            can_if: possible - definite,
            cannot: found.n_asked() - possible,
            principals: Vec::new(),
            n_left_out: 0,
            root_users: Vec::new(),
            outside: Vec::new(),
        };
        if self.args.count {
            return Ok(pair);
        }
        // Those who can for certain come first, for people and for whoever reads a part.
        let mut listed: Vec<(bool, u32, DecisionCode)> =
            found.iter().map(|(id, code)| (code != DecisionCode::ALLOW, id.get(), code)).collect();
        listed.sort_by_key(|(perhaps, id, _)| (*perhaps, *id));
        pair.n_left_out = listed.len().saturating_sub(self.limit) as u64;
        listed.truncate(self.limit);
        for (_, id, code) in listed {
            let id = iamc_runtime::PrincipalId::new(id);
            let arn = set.principal_arn(id).unwrap_or_default().to_owned();
            let Some(principal) = set.caller(id, question.session_name()) else { continue };
            let kind = if matches!(principal, Principal::User { .. }) { "user" } else { "role" };
            pair.principals.push(self.listed(kind, arn, principal, code, &question));
        }
        for (account, code) in root_users(&self.inverse, &question, scope, &mut self.own) {
            let partition = "aws".to_owned();
            let principal = Principal::Root { partition: partition.into(), account };
            pair.root_users.push(self.listed("root", principal.to_string(), principal, code, &question));
        }
        let outside = outsiders(&self.inverse, &question, &mut self.own).map_err(|error| error.to_string())?;
        for outsider in outside {
            let kind = match outsider.kind {
                OutsiderKind::Everyone => "everyone",
                OutsiderKind::Account => "account",
                OutsiderKind::Principal => "principal",
                OutsiderKind::Service => "service",
                OutsiderKind::Provider => "provider",
            };
            pair.outside.push(self.listed(kind, outsider.name, outsider.principal, outsider.code, &question));
        }
        Ok(pair)
    }

    fn listed(
        &mut self,
        kind: &'static str,
        name: String,
        principal: Principal,
        code: DecisionCode,
        question: &Question,
    ) -> Listed {
        let is_certain = code == DecisionCode::ALLOW;
        let answer = if is_certain { "can" } else { "can_if" };
        let mut listed = Listed { kind, principal: name, answer, depends_on: None, statements: None, refs: Vec::new() };
        if self.args.brief {
            return listed;
        }
        let mut request = Request { principal, ..question.request().clone() };
        request.facts.session_unknown &= kind == "role";
        // The decision was made before; what is refused here was refused there.
        if let Ok(explained) = self.asker.explain(&request) {
            listed.refs = if explained.decision == Decision::Allow {
                explained.explanation.witness.clone()
            } else {
                explained.allowed_by()
            };
            listed.statements = Some(listed.refs.iter().map(StatementJson::new).collect());
            if !is_certain {
                listed.depends_on = Some(depends_on(&explained));
            }
        }
        listed
    }
}

/// What an open answer depends on: condition keys, then what is no key.
fn depends_on(answer: &Answer) -> Vec<String> {
    let mut others = Vec::new();
    if let Some(residual) = &answer.residual {
        collect(&residual.deny, &mut others);
        collect(&residual.allow, &mut others);
    }
    others.sort();
    others.dedup();
    answer.residual_keys.iter().cloned().chain(others).collect()
}

fn collect(formula: &Formula, others: &mut Vec<String>) {
    match formula {
        Formula::True | Formula::False => {}
        Formula::Not(inner) => collect(inner, others),
        Formula::And(parts) | Formula::Or(parts) => parts.iter().for_each(|part| collect(part, others)),
        Formula::Atom(atom) => match &atom.kind {
            AtomKind::Condition { .. } | AtomKind::Resource { .. } => {}
            AtomKind::SessionName { .. } => others.push("name of the session".to_owned()),
            AtomKind::Policy => {
                others.extend(atom.policy.as_ref().map(|policy| format!("text of {policy}")));
            }
            AtomKind::Fact { name } => others.push(name.clone()),
        },
    }
}

/// Answers in the form asked for.
enum Writer {
    Human {
        output: Output,
        is_first: bool,
        counts_only: bool,
    },
    /// A list; answers about a pattern of actions, of which none is an error, are written as they come.
    Json {
        output: Output,
        text: String,
        is_first: bool,
        streams: bool,
        counts_only: bool,
    },
    Lines {
        output: Output,
        counts_only: bool,
    },
    Rows {
        rows: Rows,
        counts_only: bool,
    },
}

impl Writer {
    fn new(args: &WhoCan, form: Form, output: Output) -> Result<Writer, Failure> {
        let counts_only = args.count;
        let columns: &[&str] = if counts_only { &["action", "resource", "can", "can_if", "cannot"] } else { &COLUMNS };
        Ok(match form {
            Form::Parquet => Writer::Rows { rows: Rows::parquet(output, columns)?, counts_only },
            Form::Csv => Writer::Rows { rows: Rows::csv(output, columns)?, counts_only },
            Form::Lines => Writer::Lines { output, counts_only },
            Form::Json => {
                let streams = args.action.iter().any(|action| is_pattern(action));
                Writer::Json { output, text: String::new(), is_first: true, streams, counts_only }
            }
            Form::Human => Writer::Human { output, is_first: true, counts_only },
        })
    }

    fn is_for_people(&self) -> bool {
        matches!(self, Writer::Human { .. })
    }

    fn pair(&mut self, pair: &Pair) -> Result<(), Failure> {
        match self {
            Writer::Human { output, is_first, counts_only } => {
                let text = human(pair, *counts_only);
                let gap = if std::mem::take(is_first) { "" } else { "\n" };
                output.text(&format!("{gap}{text}"))
            }
            Writer::Json { output, text, is_first, streams, counts_only } => {
                text.push_str(if std::mem::take(is_first) { "[\n  " } else { ",\n  " });
                let answer = json::pretty(&serde_json::json!(answer(pair, *counts_only)));
                // Every line feed is one of the layout: texts have theirs escaped.
                text.push_str(&answer.trim_end().replace('\n', "\n  "));
                if *streams {
                    output.bytes(text.as_bytes())?;
                    text.clear();
                }
                Ok(())
            }
            Writer::Lines { output, counts_only: true } => {
                output.bytes((json::line(&answer(pair, true)) + "\n").as_bytes())
            }
            Writer::Lines { output, .. } => each(pair).try_for_each(|listed| {
                let mut line = serde_json::json!({"action": pair.action, "resource": pair.resource});
                if let (Some(line), serde_json::Value::Object(own)) = (line.as_object_mut(), serde_json::json!(listed))
                {
                    line.extend(own);
                }
                output.bytes((json::line(&line) + "\n").as_bytes())
            }),
            Writer::Rows { rows, counts_only: true } => {
                let counts = [pair.can, pair.can_if, pair.cannot].map(|n| Some(n.to_string()));
                rows.write([Some(pair.action.clone()), Some(pair.resource.clone())].into_iter().chain(counts).collect())
            }
            Writer::Rows { rows, .. } => each(pair).try_for_each(|listed| {
                rows.write(vec![
                    Some(pair.action.clone()),
                    Some(pair.resource.clone()),
                    Some(listed.kind.to_owned()),
                    Some(listed.principal.clone()),
                    Some(listed.answer.to_owned()),
                    listed.depends_on.as_ref().map(json::line),
                    listed.statements.as_ref().map(json::line),
                ])
            }),
        }
    }

    fn finish(self) -> Result<(), Failure> {
        match self {
            Writer::Human { output, .. } | Writer::Lines { output, .. } => output.finish(),
            Writer::Json { mut output, mut text, is_first, .. } => {
                text.push_str(if is_first { "[]\n" } else { "\n]\n" });
                output.bytes(text.as_bytes())?;
                output.finish()
            }
            Writer::Rows { rows, .. } => rows.finish(),
        }
    }
}

fn each(pair: &Pair) -> impl Iterator<Item = &Listed> {
    pair.principals.iter().chain(&pair.root_users).chain(&pair.outside)
}

fn answer(pair: &Pair, counts_only: bool) -> AnswerJson<'_> {
    AnswerJson {
        action: &pair.action,
        resource: &pair.resource,
        can: pair.can,
        can_if: pair.can_if,
        cannot: pair.cannot,
        principals: (!counts_only).then_some(&pair.principals),
        root_users: (!counts_only).then_some(&pair.root_users),
        outside: (!counts_only).then_some(&pair.outside),
    }
}

/// A pair for people.
fn human(pair: &Pair, counts_only: bool) -> String {
    let mut text = format!("{}\n", paint(HEAD, clean_line(&format!("{} on {}", pair.action, pair.resource))));
    let mut line = |depth: usize, content: &str| {
        text.push_str(&"  ".repeat(depth));
        text.push_str(content);
        text.push('\n');
    };
    let counts = format!(
        "{} {}, {} {}, {} {}",
        paint(GOOD, pair.can),
        paint(GOOD, "can"),
        paint(OPEN, pair.can_if),
        paint(OPEN, "can if"),
        paint(BAD, pair.cannot),
        paint(BAD, "cannot")
    );
    line(0, &counts);
    if counts_only {
        return text;
    }
    for (heading, list) in [("", &pair.principals), ("root users", &pair.root_users), ("from outside", &pair.outside)] {
        if list.is_empty() {
            continue;
        }
        line(0, "");
        if !heading.is_empty() {
            line(0, &paint(HEAD, heading));
        }
        for listed in list {
            let style = if listed.answer == "can" { GOOD } else { OPEN };
            let word = if listed.answer == "can" { "can   " } else { "can if" };
            let mut content = format!("{}  {}", paint(style, word), clean_line(&listed.principal));
            if !matches!(listed.kind, "user" | "role" | "root") {
                content = format!("{}  {}  {}", paint(style, word), listed.kind, clean_line(&listed.principal));
            }
            if let Some(depends_on) = listed.depends_on.as_ref().filter(|list| !list.is_empty()) {
                content.push_str(&format!("  {}", paint(OPEN, clean_line(&depends_on.join(", ")))));
            }
            line(1, &content);
            for statement in &listed.refs {
                let place =
                    statement.place.as_ref().map(|place| format!("  {}", paint(PLACE, clean_line(&place.to_string()))));
                line(3, &format!("{}{}", clean_line(&statement.to_string()), place.unwrap_or_default()));
            }
        }
        if heading.is_empty() && pair.n_left_out > 0 {
            line(1, &paint(DIM, format!("… and {} more: `--limit 0` lists all", pair.n_left_out)));
        }
    }
    text
}
