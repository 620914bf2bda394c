//! Real policies through the parser and the reference: every AWS managed policy and every policy found in public
//! repositories parses as its kind in lenient mode; odd ones are judged beside what validators say; requests near
//! what the policies name are decided. The data is not part of the repository: `IAMC_REALDATA` names its folder.

use crate::Failure;
use flate2::read::GzDecoder;
use iamc_catalogue::Catalogue;
use iamc_policy::document::Strictness;
use iamc_policy::template::Piece;
use iamc_policy::world::{Account, IdentityRecord, NamedPolicy, User};
use iamc_policy::{
    AccountId, Action, ActionPattern, Decision, Policy, PolicyKind, Principal, Request, Severity, World,
};
use serde::Deserialize;
use serde_json::value::RawValue;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;

/// Documents that are invalid by the rules although they were found in the wild, with the reason.
const KNOWN_INVALID: &[(&str, &str)] = &[(
    "8b7d13bcabaf28db",
    "a sample RCP whose last statement is an Allow without Resource (R-1.13, R-1.33, R-1.35): AWS cannot store it",
)];

#[derive(Deserialize)]
struct Line {
    #[serde(default)]
    id: String,
    #[serde(default)]
    name: String,
    #[serde(default, rename = "type")]
    kind: String,
    document: Box<RawValue>,
}

#[derive(Deserialize)]
struct Odd {
    id: String,
    text: String,
    #[serde(default)]
    odd: Vec<String>,
    validator: Option<Validator>,
}

#[derive(Deserialize)]
struct Validator {
    name: String,
    says: Vec<String>,
}

/// Runs the check.
pub(crate) fn run(arguments: &[String]) -> Result<(), Failure> {
    if let Some(unknown) = arguments.iter().find(|argument| *argument != "--verbose") {
        return Err(format!("unknown argument `{unknown}`; the task takes --verbose").into());
    }
    let verbose = !arguments.is_empty();
    let folder = std::env::var_os("IAMC_REALDATA").ok_or("set IAMC_REALDATA to the folder of real policies")?;
    let folder = Path::new(&folder);
    let mut failures = Vec::new();
    let mut decided = BTreeMap::new();
    let mut requests = 0;
    for (file, managed) in [("aws-managed-policies.jsonl.gz", true), ("wild-policies.jsonl.gz", false)] {
        let mut policies = 0;
        let mut codes: BTreeMap<&'static str, usize> = BTreeMap::new();
        for line in lines(&folder.join(file))? {
            let line = line?;
            let entry: Line = serde_json::from_str(&line)?;
            let name = if managed { &entry.name } else { &entry.id };
            let kind = if managed { PolicyKind::Identity } else { kind_of(&entry)? };
            let parsed = Policy::parse(kind, Strictness::Lenient, entry.document.get());
            policies += 1;
            for diagnostic in &parsed.diagnostics {
                *codes.entry(diagnostic.code).or_default() += 1;
            }
            let excused = KNOWN_INVALID.iter().any(|(id, _)| id == name);
            match parsed.policy {
                None if excused => {}
                None => failures.push(format!("{file}: {name} as {kind}: {}", first_error(&parsed.diagnostics))),
                Some(_) if excused => failures.push(format!("{file}: {name} parses, and is listed as invalid")),
                Some(policy) => {
                    if matches!(kind, PolicyKind::Identity | PolicyKind::Boundary | PolicyKind::Session) {
                        requests += decide(name, policy, &mut decided, &mut failures);
                    }
                }
            }
        }
        println!("{file}: {policies} policies");
        for (code, count) in codes {
            println!("  {code}: {count}");
        }
    }
    for (id, why) in KNOWN_INVALID {
        println!("known to be invalid: {id}: {why}");
    }
    println!("{requests} requests decided by the reference:");
    for (decision, count) in decided {
        println!("  {decision}: {count}");
    }
    odd(&folder.join("odd-policies.jsonl.gz"), verbose)?;
    if failures.is_empty() { Ok(()) } else { Err(failures.join("\n").into()) }
}

fn lines(path: &Path) -> Result<std::io::Lines<BufReader<GzDecoder<File>>>, Failure> {
    let file = File::open(path).map_err(|error| format!("{}: {error}", path.display()))?;
    Ok(BufReader::new(GzDecoder::new(file)).lines())
}

fn kind_of(entry: &Line) -> Result<PolicyKind, Failure> {
    Ok(match entry.kind.as_str() {
        "identity" => PolicyKind::Identity,
        "resource" => PolicyKind::Resource,
        "trust" => PolicyKind::Trust,
        "scp" => PolicyKind::Scp,
        "rcp" => PolicyKind::Rcp,
        "vpce" => PolicyKind::Endpoint,
        "boundary" => PolicyKind::Boundary,
        "session" => PolicyKind::Session,
        other => return Err(format!("{}: unknown type `{other}`", entry.id).into()),
    })
}

fn first_error(diagnostics: &[iamc_policy::Diagnostic]) -> String {
    diagnostics
        .iter()
        .find(|diagnostic| diagnostic.invalidates)
        .or(diagnostics.iter().find(|diagnostic| diagnostic.severity == Severity::Error))
        .map_or_else(|| "accepted".into(), ToString::to_string)
}

/// Decides, for up to three statements of the policy, the action and the resource that it names.
fn decide(
    name: &str,
    policy: Policy,
    decided: &mut BTreeMap<&'static str, usize>,
    failures: &mut Vec<String>,
) -> usize {
    let account: AccountId = "111122223333".parse().expect("twelve digits");
    let requests = requests(&policy, account);
    let world = world(policy, account);
    for request in &requests {
        match iamc_reference::decide(&world, Catalogue::embedded(), request) {
            Ok(answer) => {
                *decided.entry(answer.decision.name()).or_default() += 1;
                let explained = match answer.decision {
                    // no policy has a part in these.
                    Decision::Allow if request.action.service() == "sts" => true,
                    Decision::Allow => !answer.explanation.witness.is_empty(),
                    Decision::ExplicitDeny => !answer.denied_by().is_empty(),
                    Decision::ImplicitDeny => !answer.missing().is_empty(),
                    Decision::Conditional(_) => answer.residual.is_some(),
                };
                if !explained {
                    failures.push(format!("{name}: {} {}: no explanation", request.action, answer.decision));
                }
            }
            Err(error) => *decided.entry(error.code).or_default() += 1,
        }
    }
    requests.len()
}

fn requests(policy: &Policy, account: AccountId) -> Vec<Request> {
    let mut requests = Vec::new();
    for statement in policy.statements.iter().take(3) {
        let Some(action) = statement.action.patterns.iter().find_map(concrete_action) else { continue };
        let resource = statement.resource.iter().flat_map(|element| &element.patterns).find_map(|pattern| {
            let text: String = pattern
                .pieces()
                .map(|piece| match piece {
                    Piece::Literal(text) => text.replace('*', "x1").replace('?', "y"),
                    Piece::Variable(_) => "v".to_owned(),
                    Piece::Escape(escaped) => escaped.to_string(),
                })
                .collect();
            text.parse().ok()
        });
        let principal = Principal::from_arn(&format!("arn:aws:iam::{account}:user/ana")).expect("a literal ARN");
        let resource = resource.unwrap_or(iamc_policy::request::RequestResource::Star);
        let mut request = Request::new(principal, action, resource);
        request.resources[0].account = Some(account);
        request.mode = iamc_policy::Mode::Open;
        requests.push(request);
    }
    requests
}

/// The action that an entry names, or one that its wildcards match.
fn concrete_action(pattern: &ActionPattern) -> Option<Action> {
    match pattern {
        ActionPattern::Named { service, name } => {
            format!("{service}:{}", name.replace('*', "Thing").replace('?', "s")).parse().ok()
        }
        ActionPattern::Any => "sqs:SendMessage".parse().ok(),
        ActionPattern::Nothing(_) => None,
    }
}

fn world(policy: Policy, account: AccountId) -> World {
    let identity = IdentityRecord {
        arn: format!("arn:aws:iam::{account}:user/ana").parse().expect("a literal ARN"),
        unique_id: None,
        inline: vec![NamedPolicy::new("policy", policy)],
        attached: Vec::new(),
        boundary: None,
        tags: None,
        place: None,
    };
    let account = Account {
        id: account,
        name: None,
        parent: None,
        canonical_user: None,
        s3_restrict_public_buckets: None,
        place: None,
    };
    World {
        assume_complete: true,
        accounts: vec![account],
        users: vec![User { identity, groups: Vec::new() }],
        ..World::default()
    }
}

/// Our strict verdict beside the validators' for each odd policy.
fn odd(path: &Path, verbose: bool) -> Result<(), Failure> {
    let mut n_refused = [0, 0];
    let mut n = 0;
    for line in lines(path)? {
        let odd: Odd = serde_json::from_str(&line?)?;
        // What has a principal is judged as a resource policy, anything else as an identity policy.
        let kind = if odd.text.contains("Principal\"") { PolicyKind::Resource } else { PolicyKind::Identity };
        let strict = Policy::parse(kind, Strictness::Strict, &odd.text);
        let lenient = Policy::parse(kind, Strictness::Lenient, &odd.text);
        n += 1;
        n_refused[0] += usize::from(strict.policy.is_none());
        n_refused[1] += usize::from(lenient.policy.is_none());
        if verbose {
            println!("{} as {kind} [{}]", odd.id, odd.odd.join("; "));
            println!("  strict:  {}", first_error(&strict.diagnostics));
            println!("  lenient: {}", first_error(&lenient.diagnostics));
            if let Some(validator) = odd.validator {
                println!("  {}: {}", validator.name, validator.says.join("; "));
            }
        }
    }
    println!("odd policies: {n}, refused in strict mode {}, in lenient mode {}", n_refused[0], n_refused[1]);
    if !verbose {
        println!("  (--verbose prints our verdict beside the validators' for each)");
    }
    Ok(())
}
