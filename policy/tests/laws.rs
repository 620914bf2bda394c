//! What holds for every document, shown on the accepted ones, on damaged copies of them, and on hostile inputs.

#![allow(clippy::unwrap_used, reason = "a panic is how a test says no")]

mod shared;

use iamc_policy::document::Strictness;
use iamc_policy::parse::DOCUMENT_BYTES_MAX;
use iamc_policy::{ActionPattern, ConditionKey, Effect, Operator, Parsed, Policy, PolicyKind, Severity};
use serde_json::Value;
use shared::{bare, documents, kind_of, mode_of};
use std::fs;

const MODES: [Strictness; 2] = [Strictness::Lenient, Strictness::Strict];

/// Parses and checks what must hold of any answer.
fn parse(kind: PolicyKind, mode: Strictness, text: &str) -> Parsed {
    let parsed = Policy::parse(kind, mode, text);
    check(&parsed, text);
    parsed
}

fn check(parsed: &Parsed, text: &str) {
    let invalid = parsed.diagnostics.iter().any(|diagnostic| diagnostic.invalidates);
    assert_eq!(parsed.policy.is_none(), invalid, "{text:?}");
    let mut last = 0;
    for diagnostic in &parsed.diagnostics {
        let span = diagnostic.span;
        assert!(text.get(span.start..span.end).is_some(), "{diagnostic} lies outside of {text:?}");
        assert!(span.start >= last, "{diagnostic} is out of order in {text:?}");
        last = span.start;
        let before = &text[..span.start];
        let line = before.matches('\n').count() + 1;
        let column = before.len() - before.rfind('\n').map_or(0, |i| i + 1) + 1;
        assert_eq!(diagnostic.position, (line as u32, column as u32), "{diagnostic} in {text:?}");
        assert!(!diagnostic.invalidates || diagnostic.severity == Severity::Error, "{diagnostic}");
        let (message, help) = (&diagnostic.message, diagnostic.help.as_deref().unwrap_or("-"));
        assert!(!message.is_empty() && !message.contains('\n') && !message.ends_with('.'), "{message}");
        assert!(!help.is_empty() && !help.contains('\n') && !help.ends_with('.'), "{help}");
        assert!(message.len() < 1_000 && help.len() < 1_000, "{message} {help}");
    }
}

#[test]
fn strict_mode_accepts_less_and_means_the_same() {
    for path in documents("accept") {
        let text = fs::read_to_string(&path).unwrap();
        let strict = parse(kind_of(&path), Strictness::Strict, &text);
        let lenient = parse(kind_of(&path), Strictness::Lenient, &text);
        assert!(lenient.policy.is_some(), "{}", path.display());
        if strict.policy.is_some() {
            assert_eq!(strict.policy, lenient.policy, "{}", path.display());
        }
        assert!(strict.policy.is_some() || mode_of(&path) == Strictness::Lenient, "{}", path.display());
    }
}

#[test]
fn printing_and_reading_again_gives_the_same_policy() {
    for path in documents("accept") {
        let text = fs::read_to_string(&path).unwrap();
        let kind = kind_of(&path);
        let first = parse(kind, Strictness::Lenient, &text).policy.unwrap();
        let printed = first.to_json();
        let second = parse(kind, Strictness::Lenient, &printed).policy.unwrap();
        assert_eq!(bare(second.clone()), bare(first), "{}: {printed}", path.display());
        assert_eq!(second.to_json(), printed);
    }
}

#[test]
fn a_principal_that_matches_nobody_never_comes_back_as_somebody() {
    let check = |key: &str, entries: &[&str]| {
        let principal = serde_json::json!({"Effect": "Deny", "NotPrincipal": {key: entries}, "Action": "s3:*"});
        let text = serde_json::json!({"Version": "2012-10-17", "Statement": [principal]}).to_string();
        let first = parse(PolicyKind::Resource, Strictness::Lenient, &text).policy.unwrap();
        let second = parse(PolicyKind::Resource, Strictness::Lenient, &first.to_json()).policy.unwrap();
        assert_eq!(bare(second), bare(first), "{text}");
    };
    check("Service", &["*", "s3.*"]);
    check("Federated", &["*", "example.com"]);
    check("CanonicalUser", &["*", "79a59d*"]);
    check(
        "AWS",
        &["Service:*", "Service:ec2.amazonaws.com", "111122223333", "AWS:*", "AWS:AWS:x", "Federated:www.amazon.com"],
    );
}

#[test]
fn a_policy_says_what_a_plain_reading_of_the_json_says() {
    let list = |value: &Value| match value {
        Value::Array(items) => items.clone(),
        other => vec![other.clone()],
    };
    let text_of = |value: &Value| match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    let mut n = 0;
    for path in documents("accept") {
        let text = fs::read_to_string(&path).unwrap();
        let json: Value = serde_json::from_str(&text).unwrap();
        let policy = parse(kind_of(&path), Strictness::Lenient, &text).policy.unwrap();
        let statements = list(&json["Statement"]);
        assert_eq!(policy.statements.len(), statements.len());
        for (read, plain) in policy.statements.iter().zip(&statements) {
            n += 1;
            assert_eq!(read.effect == Effect::Allow, plain["Effect"] == "Allow");
            assert_eq!(serde_json::from_str::<Value>(&text[read.span.start..read.span.end]).unwrap(), *plain);
            let actions = plain.get("Action").or(plain.get("NotAction")).unwrap();
            let actions: Vec<_> = list(actions).iter().map(|a| ActionPattern::new(a.as_str().unwrap())).collect();
            assert_eq!(read.action.patterns, actions);
            assert_eq!(read.action.negated, plain.get("NotAction").is_some());
            let resources = plain.get("Resource").or(plain.get("NotResource"));
            assert_eq!(read.resource.is_some(), resources.is_some());
            if let (Some(element), Some(resources)) = (&read.resource, resources) {
                let texts: Vec<Value> = element.patterns.iter().map(|pattern| pattern.text().into()).collect();
                assert_eq!(texts, list(resources));
                assert_eq!(element.negated, plain.get("NotResource").is_some());
            }
            let principals = plain.get("Principal").or(plain.get("NotPrincipal"));
            assert_eq!(read.principal.is_some(), principals.is_some());
            if let (Some(element), Some(principals)) = (&read.principal, principals) {
                let n_entries = match principals {
                    Value::Object(types) => types.values().map(|entries| list(entries).len()).sum(),
                    _ => 1,
                };
                assert_eq!(element.entries.len(), n_entries);
            }
            let (mut atoms, mut unknown) = (Vec::new(), Vec::new());
            for (operator, keys) in plain.get("Condition").and_then(Value::as_object).into_iter().flatten() {
                let Some(operator) = Operator::parse(operator) else {
                    unknown.push(operator.clone());
                    continue;
                };
                for (key, values) in keys.as_object().unwrap() {
                    // `1e2` is the source text of the one number that a plain reading would print otherwise.
                    let values: Vec<String> = list(values).iter().map(|v| text_of(v).replace("100.0", "1e2")).collect();
                    atoms.push((operator, ConditionKey::new(key), values));
                }
            }
            let mut got: Vec<_> = (read.condition.atoms.iter())
                .map(|a| (a.operator, a.key.clone(), a.values.iter().map(|v| v.text().to_owned()).collect::<Vec<_>>()))
                .collect();
            got.sort();
            atoms.sort();
            assert_eq!(got, atoms);
            let mut got = read.condition.unknown_operators.clone();
            got.sort();
            unknown.sort();
            assert_eq!(got, unknown);
        }
    }
    assert!(n >= 25, "{n}");
}

#[test]
fn damaged_documents_are_judged_and_nothing_worse() {
    const DAMAGE: [&str; 12] = ["", "\"", "{", "}", "[", "]", ",", "\\", "0", "*", "é", "${"];
    for path in documents("accept") {
        let text = fs::read_to_string(&path).unwrap();
        let kind = kind_of(&path);
        let cuts: Vec<usize> = (0..text.len()).filter(|i| text.is_char_boundary(*i)).collect();
        for &cut in &cuts {
            let parsed = parse(kind, Strictness::Lenient, &text[..cut]);
            assert!(parsed.policy.is_none() || text[cut..].trim().is_empty(), "{}", &text[..cut]);
            let next = cut + text[cut..].chars().next().map_or(0, char::len_utf8);
            for (n, damage) in DAMAGE.iter().enumerate() {
                let damaged = format!("{}{damage}{}", &text[..cut], &text[next..]);
                parse(kind, MODES[(cut + n) % 2], &damaged);
            }
        }
    }
}

#[test]
fn flipped_bytes_are_judged_and_nothing_worse() {
    let mut n_not_utf8 = 0;
    for path in documents("accept") {
        let bytes = fs::read(&path).unwrap();
        for i in 0..bytes.len() {
            for bit in 0..8 {
                let mut flipped = bytes.clone();
                flipped[i] ^= 1 << bit;
                let parsed = Policy::parse_bytes(kind_of(&path), Strictness::Lenient, &flipped);
                match std::str::from_utf8(&flipped) {
                    Ok(text) => check(&parsed, text),
                    Err(_) => {
                        n_not_utf8 += 1;
                        assert_eq!(parsed.policy, None);
                        let [only] = parsed.diagnostics.as_slice() else { panic!("{:?}", parsed.diagnostics) };
                        assert_eq!(only.code, "not-utf8");
                        assert!(only.span.start < only.span.end && only.span.end <= flipped.len());
                    }
                }
            }
        }
    }
    assert!(n_not_utf8 > 1_000);
}

#[test]
fn deep_nesting_is_refused_wherever_it_stands() {
    const DEPTH: usize = 200_000;
    let lists = "[".repeat(DEPTH) + &"]".repeat(DEPTH);
    let objects = "{\"a\":".repeat(DEPTH) + "1" + &"}".repeat(DEPTH);
    for bomb in [&lists, &objects] {
        for text in [
            bomb.clone(),
            bomb[..bomb.len() - 1].to_owned(),
            bomb[..DEPTH / 2].to_owned(),
            format!(r#"{{"Statement": {bomb}}}"#),
            format!(r#"{{"Statement": [], "x": {bomb}}}"#),
            format!(r#"{{"Statement": [], "Id": {bomb}}}"#),
            format!(r#"{{"Statement": {{"Effect": "Allow", "Action": {bomb}, "Resource": {bomb}}}}}"#),
            format!(r#"{{"Statement": {{"Effect": "Allow", "Condition": {{"Bool": {{"a:b": [{bomb}]}}}}}}}}"#),
            format!(r#"{{"Statement": {{"Effect": "Allow", "Principal": {{"AWS": {bomb}}}}}}}"#),
        ] {
            for mode in MODES {
                assert_eq!(parse(PolicyKind::Resource, mode, &text).policy, None);
            }
        }
    }
}

#[test]
fn a_document_over_the_limit_is_refused_unread() {
    let text = format!(r#"{{"Statement": [], "Id": "{}"}}"#, "x".repeat(DOCUMENT_BYTES_MAX));
    let parsed = parse(PolicyKind::Resource, Strictness::Lenient, &text);
    assert_eq!(
        parsed.diagnostics[0].message,
        format!("the document has {} bytes, limit {DOCUMENT_BYTES_MAX}", text.len())
    );
}

#[test]
fn findings_are_counted_where_they_are_too_many_to_list() {
    let actions = vec!["\"nothing\""; 5_000].join(",");
    let text = format!(r#"{{"Statement": {{"Effect": "Deny", "Resource": "*", "Action": [{actions}]}}}}"#);
    let lenient = parse(PolicyKind::Identity, Strictness::Lenient, &text);
    assert_eq!(lenient.diagnostics.len(), 1_001);
    assert_eq!(lenient.diagnostics[1_000].message, "4000 further findings are not listed, limit 1000");
    assert!(lenient.policy.is_some());
    // The one that invalidates is behind the thousandth.
    let text = text.replace("{\"Effect\"", "[{\"Effect\"").replace("]}}", "]}, 5]}");
    let parsed = parse(PolicyKind::Identity, Strictness::Lenient, &text);
    assert_eq!(parsed.policy, None);
    assert_eq!(parsed.diagnostics[1_000].severity, Severity::Error);
}

#[test]
fn numbers_keep_their_source_text() {
    let check = |number: &str| {
        let condition = format!(r#"{{"NumericEquals": {{"s3:max-keys": [{number}]}}}}"#);
        let text = format!(
            r#"{{"Statement": {{"Effect": "Deny", "Action": "*", "Resource": "*", "Condition": {condition}}}}}"#
        );
        let policy = parse(PolicyKind::Identity, Strictness::Strict, &text).policy.unwrap();
        assert_eq!(policy.statements[0].condition.atoms[0].values[0].text(), number);
    };
    check("5");
    check("-0");
    check("1.50");
    check("1e999999999");
    check(&"9".repeat(10_000));
}
