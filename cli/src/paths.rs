//! `iamc paths`: chains by which a principal comes to hold another identity, each hop with its proof.

mod blast;
mod breaks;
mod export;
mod kept;

use crate::args::{Format, Global};
use crate::ending::{Ending, Failure};
use crate::inventory::{self, Tables};
use crate::organization::is_image;
use crate::output::Output;
use crate::render::json::{self, StatementJson};
use crate::settings;
use crate::terminal::{DIM, GOOD, HEAD, OPEN, PLACE, clean_line, paint, warning};
use clap::{Args, ValueHint};
use export::Format as ExportFormat;
use iamc_analysis::{
    BlastAsked, Given, Goal, Hop, Need, Path, Proved, Reach, ReachError, Start, Unproved, Wanted, Ways,
};
use iamc_inventory::{fingerprint, write_lines};
use iamc_policy::condition::ConditionKey;
use iamc_policy::decision::{Answer, Decision, StatementRef};
use iamc_policy::request::{GivenKeys, KeyState, Request};
use iamc_policy::{AccountId, Principal};
use iamc_testkit::case::{Case, CaseRequest, Expect, ExpectedDecision, Setup};
use kept::Kept;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::PathBuf;

/// As many paths are shown with proofs unless more are asked for.
const LIMIT: usize = 100;

/// Who can become whom? Chains of role assumption, pass-role and escalation, each hop decided by all policies.
///
/// A hop is one of the known ways from rights to more rights (docs/reach.md); each of its requests is decided with all
/// kinds of policies, and what an earlier hop changed is decided again: who may edit its own policy has every identity
/// permission afterwards, and boundary, SCPs and RCPs still limit it. A path is definite if it works whatever is not known;
/// otherwise it shows what it depends on, and `--given` says so.
///
/// Paths beyond `--limit` are named without a proof, so that a start that leads to thousands of identities is answered, too.
///
/// JSON holds each request as a decision case with the part of the inventory that it needs, which `iamc conform` checks
/// again. An inventory is needed: what hops change is compiled anew, which an image does not allow.
#[derive(Debug, Args)]
#[command(group(clap::ArgGroup::new("question").args(["from", "to", "escalations", "export"]).required(true).multiple(true)))]
#[command(after_help = "\
Examples:
  # Everything that a user can become, and the accounts of which it can become administrator
  iamc paths acme --from arn:aws:iam::222222222222:user/ci-legacy

  # Who can become this role; who can become administrator of this account
  iamc paths acme --to arn:aws:iam::222222222222:role/OpsInstance
  iamc paths acme --to 222222222222 --definite

  # Who can come to read an object, at once or by becoming somebody else
  iamc paths acme --to s3:GetObject:arn:aws:s3:::acme-payroll/2026/11.csv

  # From outside the organization, from the public, from one account to another
  iamc paths acme --from outside --to 222222222222
  iamc paths acme --from public --to s3:GetObject:arn:aws:s3:::acme-website/index.html
  iamc paths acme --from 444444444444 --to any:222222222222

  # The three cheapest ways, none of which contains another
  iamc paths acme --from arn:aws:iam::222222222222:role/service/DeployPipeline --to 222222222222 --alternatives 3

  # What falls with a user: accounts, identities, and the objects that can be read then
  iamc paths acme --from arn:aws:iam::222222222222:user/ci-legacy --blast-radius --action s3:GetObject

  # The fewest statements to take away so that nobody becomes administrator of an account
  iamc paths acme --to 222222222222 --definite --break

  # Everybody who is no administrator and can become one, with a second factor
  iamc paths acme --escalations --given aws:MultiFactorAuthPresent=true

  # What is possible is asked once and kept beside the inventory: later questions take it from there
  iamc paths acme --escalations --edges acme.edges
  iamc paths acme --to 222222222222 --edges acme.edges

  # Every single step that is possible, for a table or a graph
  iamc paths acme --edges acme.edges --export edges.parquet
  iamc paths acme --edges acme.edges --export edges.graphml

  # The proofs, decided again by every engine
  iamc paths acme --escalations --format json | jq -c '.paths[].hops[].requests[].case' | iamc conform -")]
pub(crate) struct Paths {
    /// The organization: an inventory, as folders or files
    #[arg(value_name = "ORG", required = true, value_hint = ValueHint::AnyPath)]
    pub(crate) org: Vec<PathBuf>,

    /// Where paths start: a user, role, root user or identity provider, by ARN, a built-in provider by name, or `anonymous`;
    /// the number of an account, for all of its users and roles; `outside` (the organization); `public`
    #[arg(long, value_name = "P|ACCOUNT|outside|public")]
    pub(crate) from: Option<String>,

    /// Where they lead: a user or role, by ARN; the number of an account, for its administrators; `any:ACCOUNT`, for any user
    /// or role of it; or an action on a resource
    #[arg(long, value_name = "P|ACCOUNT|any:ACCOUNT|ACTION:RESOURCE", conflicts_with = "escalations")]
    pub(crate) to: Option<String>,

    /// Everybody who is not an administrator and can become one, of whatever account
    #[arg(long, conflicts_with = "from")]
    pub(crate) escalations: bool,

    /// A condition key that every request has (`K=V`; repeated: several values; `K=`: absent), or a need that is met
    /// (`need:CODE`); repeatable
    #[arg(long, value_name = "K=V")]
    pub(crate) given: Vec<String>,

    /// Only paths that work whatever is not known
    #[arg(long)]
    pub(crate) definite: bool,

    /// Up to so many ways for each start, the cheapest first; none contains another
    #[arg(long, value_name = "K", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=100))]
    pub(crate) alternatives: u32,

    /// What the start comes to hold, counted and listed by account, instead of paths
    #[arg(long, requires = "from", conflicts_with_all = ["to", "escalations", "alternatives"])]
    pub(crate) blast_radius: bool,

    /// For the blast radius: an action, to be asked about on every resource of the inventory; repeatable
    #[arg(long, value_name = "A", requires = "blast_radius")]
    pub(crate) action: Vec<String>,

    /// Instead of paths, a smallest set of Allow statements without which none is left
    #[arg(long = "break", conflicts_with_all = ["alternatives", "limit", "blast_radius"])]
    pub(crate) breaks: bool,

    /// Keep what is possible in this file: read if it is there, else made; larger where a question had to ask for more. It goes
    /// with the inventory, `--given` and the version that it was made with, and is refused for others
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) edges: Option<PathBuf>,

    /// Write every step that is possible as things are, to FILE.parquet or FILE.graphml: who, about what, by which row of the
    /// table, and whether it is known to be definite; alone or beside a question
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) export: Option<PathBuf>,

    /// How many paths to show with their proofs, 0 for all; the others are named. A blast radius has paths in JSON alone
    #[arg(long, value_name = "N", default_value_t = LIMIT)]
    pub(crate) limit: usize,
}

/// Answers the question.
pub(crate) fn run(args: &Paths, global: &Global) -> Result<Ending, Failure> {
    if !matches!(global.format(), Format::Human | Format::Json) {
        let name = global.format().name();
        return Err(Failure::Usage(format!("`paths` has no format `{name}`; it has human and json")));
    }
    if (args.alternatives > 1 || args.breaks) && args.to.is_none() && !args.escalations {
        return Err(Failure::Usage("`--alternatives` and `--break` need a goal: `--to` or `--escalations`".to_owned()));
    }
    let export = match &args.export {
        Some(path) => Some((path, ExportFormat::of(path)?)),
        None => None,
    };
    let given = given(&args.given)?;
    let (mut reach, kept) = open(&args.org, global, given, args.edges.as_deref())?;
    let ending = answer(args, global, &mut reach)?;
    if let Some((path, format)) = export {
        export::write(&mut reach, path, format)?;
    }
    if let Some(kept) = kept {
        kept.write(&mut reach)?;
    }
    Ok(ending)
}

fn answer(args: &Paths, global: &Global, reach: &mut Reach) -> Result<Ending, Failure> {
    if args.blast_radius {
        let proofs = match global.format() {
            Format::Json if args.limit == 0 => usize::MAX,
            Format::Json => args.limit,
            _ => 0,
        };
        let asked = BlastAsked { definite: args.definite, actions: &args.action, proofs };
        let found = reach.blast(start(args.from.as_deref().unwrap_or_default()), asked);
        return blast::write(&found?, global);
    }
    let goal = args.to.as_deref().map(goal);
    if args.breaks {
        let start = args.from.as_deref().map_or(Start::Everybody, start);
        let found = reach.breaks(start, goal.unwrap_or(Goal::AnyAdministrator), args.definite);
        return breaks::write(&found?, global);
    }
    if args.from.is_none() && goal.is_none() && !args.escalations {
        // The edges are all that is asked for.
        return Ok(Ending::Done);
    }
    let limit = if args.limit == 0 { usize::MAX } else { args.limit };
    let found = match (&args.from, goal) {
        (Some(from), None) => reach.from(start(from), args.definite, limit),
        (from, goal) => {
            let wanted = Wanted { definite: args.definite, alternatives: args.alternatives as usize, limit };
            let start = from.as_deref().map_or(Start::Everybody, start);
            reach.paths(start, goal.unwrap_or(Goal::AnyAdministrator), wanted)
        }
    };
    let found = found?;
    let mut output = Output::open(global.output.as_deref())?;
    if global.format() == Format::Json {
        output.bytes(json::pretty(&ways_json(&found)?).as_bytes())?;
    } else {
        output.text(&human(&found))?;
    }
    output.finish()?;
    if !global.quiet {
        let n = Reach::not_modelled().len();
        warning(&format!("{n} known ways are not searched; `--format json` lists them with the reasons"));
    }
    Ok(Ending::Done)
}

/// Reads an inventory for questions of reach, and its edges, if there is a file for them.
pub(crate) fn open(
    org: &[PathBuf],
    global: &Global,
    given: Given,
    edges: Option<&std::path::Path>,
) -> Result<(Reach, Option<Kept>), Failure> {
    if let Some(image) = org.iter().find(|path| is_image(path)) {
        let message = format!(
            "`{}` is a compiled image, and paths need the inventory itself: they decide again what has been changed",
            image.display()
        );
        return Err(Failure::Usage(message));
    }
    let tables = Tables::read(global.catalogue.as_deref())?;
    let world = inventory::read(org, global, settings::read(global)?)?;
    let source = edges.map(|path| (path, fingerprint(&world)));
    let mut reach = Reach::new(world, tables.get(), given)?;
    let kept = source.map(|(path, source)| Kept::read(path, source, &mut reach)).transpose()?;
    Ok((reach, kept))
}

impl From<ReachError> for Failure {
    fn from(error: ReachError) -> Failure {
        match error {
            ReachError::Compile(error) => Failure::Input(format!("the inventory cannot be compiled: {error}")),
            other => Failure::Usage(other.to_string()),
        }
    }
}

/// `--from`.
fn start(text: &str) -> Start<'_> {
    match (text, text.parse::<AccountId>()) {
        ("outside", _) => Start::Outside,
        ("public", _) => Start::Public,
        (_, Ok(account)) => Start::Account(account),
        _ => Start::Named(text),
    }
}

/// `--to`.
fn goal(text: &str) -> Goal<'_> {
    if let Some(Ok(account)) = text.strip_prefix("any:").map(str::parse) {
        return Goal::AnyOf(account);
    }
    // `s3:GetObject:arn:aws:s3:::bucket/key`, `kms:CreateKey:*`.
    let parts = text.match_indices(':').nth(1).map(|(at, _)| (&text[..at], &text[at + 1..]));
    if let Some((action, resource)) = parts.filter(|(action, _)| !action.starts_with("arn:")) {
        return Goal::Use { action, resource };
    }
    match text.parse::<AccountId>() {
        Ok(account) => Goal::Administrator(account),
        Err(_) => Goal::Identity(text),
    }
}

/// `--given`.
pub(crate) fn given(texts: &[String]) -> Result<Given, Failure> {
    let mut given = Given::default();
    let mut values: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for text in texts {
        if let Some(code) = text.strip_prefix("need:") {
            let need = Need::parse(code).ok_or_else(|| {
                let known: Vec<&str> = Need::ALL.iter().map(|need| need.as_str()).collect();
                Failure::Usage(format!("`--given {text}`: there is no such need; there are {}", known.join(", ")))
            })?;
            given.needs.insert(need);
            continue;
        }
        let (key, value) = text
            .split_once('=')
            .filter(|(key, _)| key.contains(':'))
            .ok_or_else(|| Failure::Usage(format!("`--given {text}`: write `KEY=VALUE`, `KEY=` or `need:CODE`")))?;
        values.entry(key).or_default().push(value.to_owned());
    }
    for (key, mut values) in values {
        let state = match values.len() {
            1 if values[0].is_empty() => KeyState::Absent,
            1 => KeyState::one(values.remove(0)),
            _ => KeyState::list(values),
        };
        given.keys.insert(ConditionKey::new(key), state);
    }
    Ok(given)
}

fn human(found: &Ways) -> String {
    let mut text = String::new();
    for path in &found.paths {
        text.push_str(&path_human(path));
        text.push('\n');
    }
    if found.n() == 0 {
        return text + "no path\n";
    }
    if !found.others.is_empty() {
        text.push_str("without proofs (`--limit 0` shows all with theirs):\n");
        for other in &found.others {
            text.push_str(&format!("  {}\n", ends_human(&other.start, &other.goal, other.definite)));
        }
        text.push('\n');
    }
    let n_definite = found.paths.iter().filter(|path| path.definite).count();
    text.push_str(&counted(found.n(), "path", "paths"));
    if found.others.is_empty() {
        text.push_str(&format!(", {n_definite} definite\n"));
    } else {
        let n_others = found.others.iter().filter(|other| other.definite == Some(true)).count();
        let n_open = found.others.iter().filter(|other| other.definite.is_none()).count();
        let open = if n_open > 0 { format!(", of {n_open} it is not known") } else { String::new() };
        text.push_str(&format!(
            ", {} shown with proofs, {n_definite} of them definite; of the others, {n_others} definite{open}\n",
            found.paths.len()
        ));
    }
    text
}

/// Where a path starts and what it leads to, for people.
fn ends_human(start: &str, goal: &str, definite: Option<bool>) -> String {
    let (style, word) = match definite {
        Some(true) => (GOOD, "definitely"),
        Some(false) => (OPEN, "possibly"),
        None => (OPEN, "at least possibly"),
    };
    let arrow = paint(style, format!("→ {word} →"));
    format!("{} {arrow} {}", paint(HEAD, clean_line(start)), paint(HEAD, clean_line(goal)))
}

/// One path for people.
pub(crate) fn path_human(path: &Path) -> String {
    let mut text = ends_human(&path.start, &path.goal, Some(path.definite)) + "\n";
    if path.hops.is_empty() {
        text.push_str("  as it is\n");
    }
    for (at, hop) in path.hops.iter().enumerate() {
        text.push_str(&hop_human(at + 1, hop));
    }
    text
}

fn hop_human(at: usize, hop: &Hop) -> String {
    let mut text =
        format!("  {at}. {} {}", paint(HEAD, hop.row), paint(DIM, format!("by {}", clean_line(&hop.caller))));
    if let Some(resource) = &hop.resource {
        text.push_str(&paint(DIM, format!(" with {}", clean_line(resource))));
    }
    text.push_str(&format!("\n     so that {}\n", clean_line(&hop.effect)));
    for proved in &hop.requests {
        let request = &proved.request;
        let resources: Vec<String> = request.resources.iter().map(|one| one.resource.to_string()).collect();
        text.push_str(&format!("     {} on {}", request.action, clean_line(&resources.join(", "))));
        for more in &request.additional {
            text.push_str(&format!(", {} on {}", more.action, clean_line(&more.resource.resource.to_string())));
        }
        if is_of_service(request) {
            text.push_str(&format!(" by {}", clean_line(&request.principal.to_string())));
        }
        text.push('\n');
        for statement in statements(&proved.answer) {
            let place = statement.place.as_ref().map(|place| format!(" {}", paint(PLACE, place))).unwrap_or_default();
            text.push_str(&format!("       allowed by {}{place}\n", clean_line(&statement.to_string())));
        }
        if proved.answer.decision != Decision::Allow {
            let keys = open_keys(&proved.answer);
            text.push_str(&format!("       {} {}\n", paint(OPEN, "depends on"), clean_line(&keys.join(", "))));
        }
    }
    for (need, met) in &hop.needs {
        let style = if *met { DIM } else { OPEN };
        text.push_str(&format!("     {} {}\n", paint(style, "needs"), clean_line(need)));
    }
    text
}

fn is_of_service(request: &Request) -> bool {
    matches!(request.principal, Principal::Service(_) | Principal::Federated(_) | Principal::Saml(_))
}

fn statements(answer: &Answer) -> Vec<StatementRef> {
    if answer.decision == Decision::Allow { answer.explanation.witness.clone() } else { answer.allowed_by() }
}

/// What an open answer depends on, each key with its kind (P-15.8).
fn open_keys(answer: &Answer) -> Vec<String> {
    let kind = |key: &String| match key.as_str() {
        "sts:externalid" => "secret",
        key if key.starts_with("aws:principaltag/") || key.starts_with("aws:resourcetag/") => "not exported",
        key if !key.starts_with("aws:") && !key.starts_with("sts:") && !key.starts_with("iam:") => "token",
        _ => "circumstance",
    };
    let mut open: Vec<String> = answer.residual_keys.iter().map(|key| format!("{key} ({})", kind(key))).collect();
    if open.is_empty() {
        open.push("policies (not exported)".to_owned());
    }
    open
}

fn ways_json(found: &Ways) -> Result<Value, Failure> {
    let paths = found.paths.iter().enumerate();
    let paths: Vec<Value> =
        paths.map(|(at, path)| path_json(path, &format!("path{}", at + 1))).collect::<Result<_, _>>()?;
    let other = |one: &Unproved| json!({"start": one.start, "goal": one.goal, "definite": one.definite});
    let others: Vec<Value> = found.others.iter().map(other).collect();
    Ok(json!({"n_paths": found.n(), "paths": paths, "without_proof": others, "not_searched": not_searched()}))
}

/// Rows that the answer does not cover, with why.
fn not_searched() -> Vec<Value> {
    Reach::not_modelled().into_iter().map(|(row, why)| json!({"row": row, "why": why})).collect()
}

/// So many of something, in words.
fn counted(n: usize, one: &str, many: &str) -> String {
    format!("{n} {}", if n == 1 { one } else { many })
}

/// One path; `id` begins the names of its cases.
pub(crate) fn path_json(path: &Path, id: &str) -> Result<Value, Failure> {
    let mut hops = Vec::new();
    for (at, hop) in path.hops.iter().enumerate() {
        let mut requests = Vec::new();
        for (place, proved) in hop.requests.iter().enumerate() {
            requests.push(proved_json(proved, format!("{id}/hop{}/request{}", at + 1, place + 1))?);
        }
        let needs: Vec<Value> = hop.needs.iter().map(|(need, met)| json!({"need": need, "met": met})).collect();
        hops.push(json!({
            "row": hop.row,
            "family": hop.family.map(|family| family.as_str()),
            "caller": hop.caller,
            "target": hop.target,
            "resource": hop.resource,
            "effect": hop.effect,
            "definite": hop.definite,
            "needs": needs,
            "requests": requests,
        }));
    }
    Ok(json!({"start": path.start, "goal": path.goal, "definite": path.definite, "hops": hops}))
}

fn proved_json(proved: &Proved, id: String) -> Result<Value, Failure> {
    let statements: Vec<StatementJson> = statements(&proved.answer).iter().map(StatementJson::new).collect();
    let resources: Vec<String> = proved.request.resources.iter().map(|one| one.resource.to_string()).collect();
    let case = iamc_testkit::print::to_json(&case(proved, id)?);
    let case: Value = serde_json::from_str(&case)
        .map_err(|error| Failure::Input(format!("a proof cannot be written as a decision case: {error}")))?;
    Ok(json!({
        "principal": proved.request.principal.to_string(),
        "action": proved.request.action.to_string(),
        "resources": resources,
        "decision": proved.answer.decision.name(),
        "allowed_by": statements,
        "residual_keys": proved.answer.residual_keys,
        "case": case,
    }))
}

/// P-16.9: a request with its part of the inventory, and what it got.
fn case(proved: &Proved, id: String) -> Result<Case, Failure> {
    let mut lines = Vec::new();
    write_lines(&proved.world, &mut lines)
        .map_err(|error| Failure::Input(format!("a proof cannot be written: {error}")))?;
    let lines = String::from_utf8_lossy(&lines);
    let list = format!("[{}]", lines.lines().collect::<Vec<_>>().join(", "));
    let (decision, possible) = match proved.answer.decision {
        Decision::Allow => (ExpectedDecision::Allow, None),
        Decision::ExplicitDeny => (ExpectedDecision::ExplicitDeny, None),
        Decision::ImplicitDeny => (ExpectedDecision::ImplicitDeny, None),
        Decision::Conditional(outcomes) => {
            let names = outcomes.names().into_iter().map(str::to_owned).collect();
            (ExpectedDecision::Conditional, Some(names))
        }
    };
    let request = Request { given_keys: GivenKeys::Pinned, ..proved.request.clone() };
    Ok(Case {
        id,
        rules: Vec::new(),
        request: CaseRequest::Known(Box::new(request)),
        setup: Setup::Inventory(list, (1, 1)),
        settings: proved.world.settings.clone(),
        expect: Expect { possible, ..Expect::decision(decision) },
        place: None,
    })
}
