//! Policy documents: the parser against a second reading through `serde_json::Value`, and against its own printer.

use iamc_policy::document::Strictness;
use iamc_policy::{ActionPattern, ConditionKey, Effect, Operator, Parsed, Policy, PolicyKind, Severity};
use iamc_testkit::generators::{Entropy, damaged, document_text};
use iamc_testkit::oracles::round_trip;
use serde_json::Value;

pub(crate) fn judge(bytes: &[u8]) -> u64 {
    let [first, form, rest @ ..] = bytes else { return 0 };
    let kind = PolicyKind::ALL[usize::from(*first) % PolicyKind::ALL.len()];
    let mut entropy = Entropy::new(rest);
    let drawn;
    let bytes = match form {
        0..128 => rest,
        128.. => {
            let text = document_text(&mut entropy, kind);
            drawn = damaged(&mut entropy, &text);
            drawn.as_bytes()
        }
    };
    let lenient = Policy::parse_bytes(kind, Strictness::Lenient, bytes);
    let strict = Policy::parse_bytes(kind, Strictness::Strict, bytes);
    check_findings(&lenient, bytes);
    check_findings(&strict, bytes);
    if let Some(policy) = &strict.policy {
        assert_eq!(Some(policy), lenient.policy.as_ref(), "strict mode means something else");
    }
    let Some(policy) = &lenient.policy else { return 1 };
    let text = std::str::from_utf8(bytes).unwrap_or_else(|_| panic!("a policy that is no UTF-8 was read"));
    round_trip(policy);
    let value: Value = serde_json::from_str(text.trim_start_matches('\u{feff}'))
        .unwrap_or_else(|error| panic!("a policy was read from what is no JSON: {error}\n{text}"));
    check_reading(policy, &value, text);
    2
}

/// Findings lie in the text, in order, and say where they are.
fn check_findings(parsed: &Parsed, bytes: &[u8]) {
    let invalid = parsed.diagnostics.iter().any(|finding| finding.invalidates);
    assert_eq!(parsed.policy.is_none(), invalid, "{:?}", parsed.diagnostics);
    let mut last = 0;
    for finding in &parsed.diagnostics {
        let span = finding.span;
        assert!(bytes.get(span.start..span.end).is_some(), "{finding} lies outside");
        assert!(span.start >= last, "{finding} is out of order");
        last = span.start;
        let before = &bytes[..span.start];
        let line = before.iter().filter(|byte| **byte == b'\n').count() + 1;
        let column = before.len() - before.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1) + 1;
        assert_eq!(finding.position, (line as u32, column as u32), "{finding}");
        assert!(!finding.invalidates || finding.severity == Severity::Error, "{finding}");
        assert!(!finding.message.is_empty() && !finding.message.contains('\n'), "{finding}");
    }
}

fn list(value: &Value) -> Vec<&Value> {
    match value {
        Value::Array(items) => items.iter().collect(),
        other => vec![other],
    }
}

/// The policy says what a plain reading says. What forbids was refused, so that `Value` has lost nothing.
fn check_reading(policy: &Policy, plain: &Value, text: &str) {
    let statements = list(&plain["Statement"]);
    assert_eq!(policy.statements.len(), statements.len(), "{text}");
    assert_eq!(policy.id.as_deref(), plain.get("Id").and_then(Value::as_str), "{text}");
    for (read, plain) in policy.statements.iter().zip(statements) {
        assert_eq!(read.effect == Effect::Allow, plain["Effect"] == "Allow", "{text}");
        let source: Value = serde_json::from_str(&text[read.span.start..read.span.end]).expect("a statement is JSON");
        assert_eq!(source, *plain, "the span of a statement is that of another one");
        let actions = plain.get("Action").or(plain.get("NotAction")).unwrap_or(&Value::Null);
        let actions: Vec<_> = list(actions).iter().filter_map(|a| a.as_str()).map(ActionPattern::new).collect();
        assert_eq!(read.action.patterns, actions, "{text}");
        assert_eq!(read.action.negated, plain.get("NotAction").is_some(), "{text}");
        let resources = plain.get("Resource").or(plain.get("NotResource"));
        assert_eq!(read.resource.is_some(), resources.is_some(), "{text}");
        if let (Some(element), Some(resources)) = (&read.resource, resources) {
            let texts: Vec<&str> = element.patterns.iter().map(|pattern| pattern.text()).collect();
            let expected: Vec<&str> = list(resources).iter().filter_map(|r| r.as_str()).collect();
            assert_eq!(texts, expected, "{text}");
            assert_eq!(element.negated, plain.get("NotResource").is_some(), "{text}");
        }
        let principals = plain.get("Principal").or(plain.get("NotPrincipal"));
        assert_eq!(read.principal.is_some(), principals.is_some(), "{text}");
        if let (Some(element), Some(principals)) = (&read.principal, principals) {
            let n_entries = match principals {
                Value::Object(types) => types.values().map(|entries| list(entries).len()).sum(),
                _ => 1,
            };
            assert_eq!(element.entries.len(), n_entries, "{text}");
            assert_eq!(element.negated, plain.get("NotPrincipal").is_some(), "{text}");
        }
        check_conditions(read, plain, text);
    }
}

fn check_conditions(read: &iamc_policy::Statement, plain: &Value, text: &str) {
    let (mut atoms, mut unknown) = (Vec::new(), Vec::new());
    for (operator, keys) in plain.get("Condition").and_then(Value::as_object).into_iter().flatten() {
        let Some(operator) = Operator::parse(operator) else {
            unknown.push(operator.clone());
            continue;
        };
        for (key, values) in keys.as_object().into_iter().flatten() {
            // A number keeps the text that it has in the document, which `Value` has forgotten: counted only.
            let values: Vec<Option<String>> = list(values)
                .iter()
                .map(|value| match value {
                    Value::String(text) => Some(text.clone()),
                    Value::Bool(own) => Some(own.to_string()),
                    _ => None,
                })
                .collect();
            atoms.push((operator, ConditionKey::new(key), values));
        }
    }
    let mut got: Vec<_> = read.condition.atoms.iter().collect();
    got.sort_by(|a, b| (a.operator, &a.key).cmp(&(b.operator, &b.key)));
    atoms.sort_by(|a, b| (a.0, &a.1).cmp(&(b.0, &b.1)));
    assert_eq!(got.len(), atoms.len(), "{text}");
    for (got, (operator, key, values)) in got.iter().zip(&atoms) {
        assert_eq!((got.operator, &got.key, got.values.len()), (*operator, key, values.len()), "{text}");
        for (got, expected) in got.values.iter().zip(values) {
            assert!(expected.as_ref().is_none_or(|expected| got.text() == expected), "{got:?} {expected:?} {text}");
        }
    }
    let mut got = read.condition.unknown_operators.clone();
    got.sort();
    unknown.sort();
    assert_eq!(got, unknown, "{text}");
}
