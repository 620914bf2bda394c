//! The crate `iam-rs` as a black box beside the reference, on the subset that both define: one user, one identity policy,
//! every key of the context given, nothing unknown.
//!
//! `iam_rs N_SEEDS` draws as many requests with statements aimed at them and compares each statement in parts (its actions
//! alone, its resources alone, each condition alone), then whole, then all statements together. Where a part differs, the
//! rule of docs/semantics.md that decides is looked up in what the part contains; a difference that no rule accounts for, and
//! a whole that differs where no part does, is printed as a decision case. Exit code 1: there are such. 2: wrong usage.

use iam_rs::{Arn, Context, ContextValue, Decision, IAMPolicy, IAMRequest, PolicyEvaluator, Principal, PrincipalId};
use iamc_policy::decision::{Contribution, Truth};
use iamc_policy::request::{KeyState, Mode, RequestResource, ThroughEndpoint, Values};
use iamc_policy::source::Place;
use iamc_policy::{ConditionKey, Effect, Operator, PolicyKind, Request};
use iamc_testkit::build::build;
use iamc_testkit::case::read_case;
use iamc_testkit::engine::{Engine, Reference};
use iamc_testkit::generators::{
    AtomSample, Entropy, SAMPLE_BYTES, atom, bytes_of_seed, expansion, sample, statement_text, wild, wild_resource,
};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::process::ExitCode;

/// The one caller.
const USER: &str = "arn:aws:iam::111111111111:user/ursula";

/// Cases that are printed for each kind of difference that no rule accounts for.
const SHOWN: u64 = 3;

/// What is asked, in the words of both.
struct Question {
    action: String,
    resource: String,
    context: Vec<(String, Values)>,
}

/// How often each kind of part was compared, and how often it differed for which rule.
#[derive(Default)]
struct Counts {
    compared: BTreeMap<String, u64>,
    /// What the crate does not answer.
    refused: BTreeMap<String, u64>,
    differing: BTreeMap<(String, &'static str), u64>,
    n_unexplained: u64,
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [n_seeds] = arguments.as_slice() else {
        eprintln!("usage: iam_rs N_SEEDS");
        return ExitCode::from(2);
    };
    let Ok(n_seeds) = n_seeds.parse::<u64>() else {
        eprintln!("`{n_seeds}` is no number of seeds");
        return ExitCode::from(2);
    };
    let mut counts = Counts::default();
    for seed in 0..n_seeds {
        let bytes = bytes_of_seed(seed, 2 * SAMPLE_BYTES);
        let mut entropy = Entropy::new(&bytes);
        statements(&mut entropy, &mut counts);
        patterns(&mut entropy, &mut counts);
        condition(&mut entropy, &mut counts);
    }
    for (part, n) in &counts.compared {
        println!("{part}: {n} compared, {} refused there", counts.refused.get(part).unwrap_or(&0));
        for ((_, rule), n) in counts.differing.iter().filter(|((other, _), _)| other == part) {
            println!("    {n} differ: {rule}");
        }
    }
    let mut rules: BTreeMap<&str, u64> = BTreeMap::new();
    counts.differing.iter().for_each(|((_, rule), n)| *rules.entry(rule).or_default() += n);
    println!("all: {} compared, {} refused there", total(&counts.compared), total(&counts.refused));
    for (rule, n) in rules {
        println!("    {n} differ: {rule}");
    }
    println!("{} differences that no rule accounts for", counts.n_unexplained);
    if counts.n_unexplained > 0 { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

fn total(counts: &BTreeMap<String, u64>) -> u64 {
    counts.values().sum()
}

/// Statements aimed at a request.
fn statements(entropy: &mut Entropy<'_>, counts: &mut Counts) {
    let request = sample(entropy).request;
    let Some(question) = question(&request) else { return };
    let mut list: Vec<Value> = Vec::new();
    for _ in 0..1 + entropy.below(3) {
        let effect = if entropy.chance(70) { Effect::Allow } else { Effect::Deny };
        let text = statement_text(entropy, PolicyKind::Identity, effect, &request);
        // A member that is there twice is no statement to one of the two, and the last of them to the other.
        list.extend(serde_json::from_str(&text).ok());
    }
    let mut whole_agrees = true;
    for statement in &list {
        let Value::Object(members) = statement else { continue };
        let mut parts_agree = true;
        for (name, value) in members {
            let part = |name: &str, value: Value| {
                let mut part = json!({"Effect": "Allow", "Action": "*", "Resource": "*"});
                if let Some(positive) = name.strip_prefix("Not") {
                    part.as_object_mut().expect("an object").remove(positive);
                }
                part[name] = value;
                part
            };
            match name.as_str() {
                "Action" | "NotAction" | "Resource" | "NotResource" => {
                    parts_agree &= counts.compare(name, &question, &[part(name, value.clone())]);
                }
                "Condition" => {
                    for (operator, keys) in value.as_object().into_iter().flatten() {
                        for (key, values) in keys.as_object().into_iter().flatten() {
                            let atom = json!({operator: {key: values}});
                            parts_agree &= counts.compare(operator, &question, &[part("Condition", atom)]);
                        }
                    }
                }
                _ => {}
            }
        }
        let mut allowing = statement.clone();
        allowing["Effect"] = "Allow".into();
        whole_agrees &= parts_agree && counts.compare("whole statement", &question, &[allowing]);
    }
    if whole_agrees && !list.is_empty() {
        counts.compare("whole policy", &question, &list);
    }
}

/// Wildcards in an entry of `Resource`, and in a value of `StringLike`.
fn patterns(entropy: &mut Entropy<'_>, counts: &mut Counts) {
    let pattern = wild_resource(entropy);
    let resource = expansion(entropy, &pattern);
    if resource.parse::<RequestResource>().is_ok_and(|resource| matches!(resource, RequestResource::Arn(_))) {
        let question = Question { action: "frob:Do".to_owned(), resource, context: Vec::new() };
        counts.compare("Resource", &question, &[json!({"Effect": "Allow", "Action": "*", "Resource": pattern})]);
    }
    let pattern = wild(entropy);
    let value = Values::One(expansion(entropy, &pattern).into());
    compare_atom("StringLike", "app:Note", json!(pattern), value, counts);
}

/// One condition on a key that both take as it is given.
fn condition(entropy: &mut Entropy<'_>, counts: &mut Counts) {
    let AtomSample { operator, values, state } = atom(entropy);
    let name = operator.to_string();
    match state {
        KeyState::Values(given) => compare_atom(&name, "app:Note", json!(values), given, counts),
        KeyState::Absent => {
            let question = Question { context: Vec::new(), ..blank() };
            let condition = json!({name.as_str(): {"app:Note": values}});
            let statement = json!({"Effect": "Allow", "Action": "*", "Resource": "*", "Condition": condition});
            counts.compare(&name, &question, &[statement]);
        }
        KeyState::Present | KeyState::Unknown => {}
    }
}

fn blank() -> Question {
    Question {
        action: "frob:Do".to_owned(),
        resource: "arn:aws:frob:us-east-1:111111111111:x".to_owned(),
        context: Vec::new(),
    }
}

fn compare_atom(operator: &str, key: &str, values: Value, given: Values, counts: &mut Counts) {
    let question = Question { context: vec![(key.to_owned(), given)], ..blank() };
    let condition = json!({operator: {key: values}});
    let statement = json!({"Effect": "Allow", "Action": "*", "Resource": "*", "Condition": condition});
    counts.compare(operator, &question, &[statement]);
}

/// The question of a request: its first action and resource, and what it gives of its context.
fn question(request: &Request) -> Option<Question> {
    let resource = match &request.resources.first()?.resource {
        RequestResource::Arn(arn) => arn.to_string(),
        RequestResource::Star => return None,
    };
    let known = request.context.iter().filter_map(|(key, state)| match state {
        KeyState::Values(values) => Some((key.as_str().to_owned(), values.clone())),
        _ => None,
    });
    // What both have to know of the caller and of the resource is given to both.
    let mut context: BTreeMap<String, Values> = known.collect();
    for (key, value) in [
        ("aws:principalarn", USER),
        ("aws:principalaccount", "111111111111"),
        ("aws:principaltype", "User"),
        ("aws:principalisawsservice", "false"),
        ("aws:username", "ursula"),
        ("aws:userid", "AIDAAAAAAAAAAAAAAAAA"),
        ("aws:resourceaccount", "111111111111"),
    ] {
        context.insert(key.to_owned(), Values::One(value.into()));
    }
    Some(Question { action: request.action.to_string(), resource, context: context.into_iter().collect() })
}

impl Counts {
    /// Do both allow the same? Panics: never.
    fn compare(&mut self, part: &str, question: &Question, statements: &[Value]) -> bool {
        let policy = json!({"Version": "2012-10-17", "Statement": statements});
        let Some((line, ours)) = ours(question, &policy) else { return false };
        let part = kind(part);
        let Some(theirs) = theirs(question, policy) else {
            *self.refused.entry(part).or_default() += 1;
            return false;
        };
        *self.compared.entry(part.clone()).or_default() += 1;
        if theirs == ours {
            return true;
        }
        let rule = match part.as_str() {
            "whole statement" | "whole policy" => None,
            _ => rule(question, &statements[0]),
        };
        let n = self.differing.entry((part.clone(), rule.unwrap_or("-"))).or_default();
        *n += 1;
        if rule.is_none() {
            self.n_unexplained += 1;
            if *n <= SHOWN {
                println!("{part}: here {ours}, there {theirs}: {line}");
            }
        }
        false
    }
}

/// An operator without case, set and `IfExists`; anything else is itself.
fn kind(part: &str) -> String {
    Operator::parse(part).map_or(part.to_owned(), |operator| operator.base.name().to_owned())
}

/// Does an Allow apply and no Deny, for the reference? With the case that asks it; `None`: the policy or request has no
/// meaning, or is several.
fn ours(question: &Question, policy: &Value) -> Option<(String, bool)> {
    let context: Map<String, Value> = question
        .context
        .iter()
        .map(|(key, values)| match values {
            Values::One(value) => (key.clone(), json!(value.as_str())),
            Values::Many(values) => (key.clone(), values.iter().map(|value| value.as_str()).collect()),
        })
        .collect();
    let case = json!({
        "id": "iam-rs",
        "request": {"principal": USER, "action": question.action, "resource": question.resource,
                    "resource_account": "111111111111", "context": context},
        "policies": {"identity": [{"name": "P", "document": policy}], "boundary": null, "session": null, "resource": null,
                     "vpc_endpoint": null, "scp": null, "rcp": null},
        "expect": {"decision": "ImplicitDeny"},
    })
    .to_string();
    let case_read = read_case(&case, &Place { file: "iam-rs".into(), line: 1 }).ok()?;
    let (world, mut request) = build(&case_read).ok()?;
    request.mode = Mode::Closed;
    request.endpoint = ThroughEndpoint::None;
    let answer = Reference.decide(&world, &request).ok()?;
    let units = &answer.explanation.units;
    let apply = |list: &[Contribution]| list.iter().any(|own| own.value == Truth::True);
    let [unit] = units.as_slice() else { return None };
    Some((case, apply(&unit.allow) && !apply(&unit.deny)))
}

/// What the crate says; `None`: it refuses the policy, the request or to decide.
fn theirs(question: &Question, policy: Value) -> Option<bool> {
    let policy: IAMPolicy = serde_json::from_value(policy).ok()?;
    let mut context = Context::new();
    for (key, values) in &question.context {
        let value = match values {
            Values::One(value) => match value.as_str() {
                "true" | "false" => ContextValue::Boolean(value == "true"),
                text => ContextValue::String(text.to_owned()),
            },
            Values::Many(values) => ContextValue::StringList(values.iter().map(ToString::to_string).collect()),
        };
        context.insert(key.clone(), value);
    }
    let principal = Principal::Aws(PrincipalId::String(USER.to_owned()));
    let resource = Arn::parse(&question.resource).ok()?;
    let request = IAMRequest::new_with_context(principal, question.action.clone(), resource, context);
    let result = PolicyEvaluator::with_policies(vec![policy]).evaluate(&request).ok()?;
    Some(result.decision == Decision::Allow)
}

/// The rule that decides where the two differ on a part: by what is in the part that the two read differently.
fn rule(question: &Question, statement: &Value) -> Option<&'static str> {
    for (name, wild) in [("Action", false), ("NotAction", false), ("Resource", true), ("NotResource", true)] {
        let entries = texts(&statement[name]);
        if entries.is_empty() || entries == ["*"] {
            continue;
        }
        return if wild { of_resource(&entries) } else { of_action(&entries) };
    }
    let (operator, keys) = statement["Condition"].as_object()?.iter().next()?;
    let (key, values) = keys.as_object()?.iter().next()?;
    let given = question.context.iter().find(|(known, _)| ConditionKey::new(known) == ConditionKey::new(key));
    of_condition(Operator::parse(operator)?, &ConditionKey::new(key), &texts(values), given.map(|(_, values)| values))
}

fn texts(value: &Value) -> Vec<&str> {
    match value {
        Value::String(text) => vec![text],
        Value::Array(list) => list.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    }
}

fn of_action(entries: &[&str]) -> Option<&'static str> {
    let wild = |entry: &&str| entry.split_once(':').is_some_and(|(prefix, _)| prefix.contains(['*', '?']));
    entries.iter().any(wild).then_some("R-2.5: a wildcard in the prefix of an action matches nothing")
}

fn of_resource(entries: &[&str]) -> Option<&'static str> {
    let head_is_wild = |entry: &&str| entry.split(':').take(3).any(|segment| segment.contains(['*', '?']));
    if entries.iter().any(|entry| entry.contains("${")) {
        Some("R-3.2, R-3.13: variables and escapes")
    } else if entries.iter().any(head_is_wild) {
        Some("R-2.18: wildcards in partition and service are wildcards")
    } else if entries.iter().any(|entry| entry.split(':').skip(3).take(2).any(|segment| segment.contains(['*', '?']))) {
        Some("R-2.13: a wildcard in region and account reaches over colons of the request")
    } else {
        None
    }
}

fn of_condition(
    operator: Operator,
    key: &ConditionKey,
    values: &[&str],
    given: Option<&Values>,
) -> Option<&'static str> {
    let name = operator.base.name();
    let given = given.map(|given| (matches!(given, Values::Many(_)), given.as_slice()));
    if !key.as_str().is_ascii() {
        return Some("R-1.19: keys in any case of letters beyond ASCII, too");
    }
    match given {
        Some((true, [])) => return Some("R-4.3: an empty list is absent"),
        Some((true, [_])) if operator.set.is_none() => return Some("R-4.9: a list of one value is that value"),
        Some((true, _)) if operator.set.is_none() => {
            return Some("R-4.9: a list of several values without a set operator is false");
        }
        None if operator.if_exists && values.is_empty() => return Some("R-4.9: `IfExists` comes before the values"),
        Some((_, given)) if operator.set.is_some() && given.iter().any(|value| value.is_empty()) => {
            return Some("R-4.10, R-4.11: the empty string is no value to a set operator");
        }
        _ => {}
    }
    if values.is_empty() {
        return Some("R-4.5: no values");
    }
    let substitutes = name.starts_with("String") || name.starts_with("Arn");
    if substitutes && values.iter().any(|value| value.contains("${")) {
        return Some("R-3.2, R-3.13: variables and escapes");
    }
    if *key == ConditionKey::new("aws:MultiFactorAuthPresent") && given.is_none() {
        return Some("R-5.13: it is derived");
    }
    let given = given.map(|(_, given)| given).unwrap_or_default();
    let all = || given.iter().map(|value| value.as_str()).chain(values.iter().copied());
    match name {
        "ArnEquals" | "ArnNotEquals" if values.iter().any(|value| value.contains(['*', '?'])) => {
            Some("R-4.27: `ArnEquals` is `ArnLike`")
        }
        _ if name.starts_with("Arn")
            && all().any(|value| !value.starts_with("arn:") || value.matches(':').count() < 5) =>
        {
            Some("R-4.28, R-4.6, R-4.7: no ARN")
        }
        _ if name.starts_with("Arn") && values.iter().any(|value| value.contains(['*', '?'])) => {
            Some("R-4.27: `*` of the last component crosses colons")
        }
        _ if name.starts_with("Date") && !all().all(is_full_date) => Some("R-4.21, R-4.22: forms of dates"),
        _ if name.starts_with("Numeric") && !all().all(is_short_decimal) => {
            Some("R-4.19: exact decimals in their forms")
        }
        "BinaryEquals" if !all().all(is_base64) => Some("R-4.24: what is no base64 is malformed"),
        "Bool" if all().any(|value| value.contains(char::is_uppercase)) => Some("R-4.23: truth in any case of letters"),
        _ if name.starts_with("String") && given.iter().any(|value| ["true", "false"].contains(&value.as_str())) => {
            Some("R-4.30: `true` is a text to an operator for texts")
        }
        "StringLike" | "StringNotLike" if values.iter().any(|value| value.contains("?*") || value.contains("*?")) => {
            Some("R-2.2: `*` beside `?`")
        }
        "Null" if values.len() > 1 => Some("R-4.15: some value holds"),
        _ if name.ends_with("IpAddress") && !all().all(is_plain_block) => Some("R-4.25, R-4.26: forms of addresses"),
        _ => None,
    }
}

// ---- forms that nobody reads in two ways: on these the two must agree ----

/// A date with time and zone, of a day that every month has.
fn is_full_date(text: &str) -> bool {
    let shape = |text: &str, shape: &str| {
        let fits = |(own, shape): (u8, u8)| if shape == b'0' { own.is_ascii_digit() } else { own == shape };
        text.len() == shape.len() && text.bytes().zip(shape.bytes()).all(fits)
    };
    let Some((date, rest)) = text.split_at_checked("0000-00-00T00:00:00".len()) else { return false };
    let zone = rest.trim_start_matches(|c: char| c == '.' || c.is_ascii_digit());
    let fraction = &rest[..rest.len() - zone.len()];
    let within = |from: usize, least: u32, most: u32| {
        date[from..from + 2].parse::<u32>().is_ok_and(|number| (least..=most).contains(&number))
    };
    shape(date, "0000-00-00T00:00:00")
        && !date.starts_with("0000")
        && within(5, 1, 12)
        && within(8, 1, 28)
        && within(11, 0, 23)
        && within(14, 0, 59)
        && within(17, 0, 59)
        && (fraction.is_empty()
            || fraction.len() <= 10 && shape(fraction, &format!(".{}", "0".repeat(fraction.len() - 1))))
        && fraction != "."
        && (zone == "Z" || shape(zone, "+00:00") && zone[1..3] <= *"14" && zone[4..] <= *"59")
}

/// So few digits that binary fractions keep them apart.
fn is_short_decimal(text: &str) -> bool {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, "0"));
    let are_digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    are_digits(whole) && are_digits(fraction) && digits.len() <= 15
}

/// Whole groups of four signs, the last of them padded by at most two, and no bit beyond the last byte.
fn is_base64(text: &str) -> bool {
    let data = text.trim_end_matches('=');
    let is_sign = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/');
    let ends_clean = match text.len() - data.len() {
        0 => true,
        1 => data.ends_with(|c| "AEIMQUYcgkosw048".contains(c)),
        2 => data.ends_with(['A', 'Q', 'g', 'w']),
        _ => false,
    };
    text.len().is_multiple_of(4) && ends_clean && data.bytes().all(is_sign)
}

/// An address as the standard library reads it, with a length that is an ordinary number or without.
fn is_plain_block(text: &str) -> bool {
    let (address, length) = text.split_once('/').unwrap_or((text, "0"));
    let max = match address.parse::<std::net::IpAddr>() {
        Ok(address) if address.is_ipv4() => 32,
        Ok(_) => 128,
        Err(_) => return false,
    };
    length.parse::<u32>().is_ok_and(|number| number <= max && number.to_string() == length)
}
