//! A statement as every engine here is given it, and what cannot be translated.

use serde_json::Value;

/// A statement of a document, its lists as lists, names of actions and keys in lower case.
#[derive(Debug, Clone, PartialEq)]
pub struct Statement {
    /// Deny rather than Allow.
    pub deny: bool,
    /// `Action`, or `NotAction` if negated.
    pub actions: Patterns,
    /// `Resource`, or `NotResource` if negated.
    pub resources: Patterns,
    /// The conditions; `None`: some cannot be translated.
    pub conditions: Option<Vec<Condition>>,
}

/// A list of patterns, or whatever is in none of them.
#[derive(Debug, Clone, PartialEq)]
pub struct Patterns {
    /// The complement is meant.
    pub negated: bool,
    /// With `*` and `?`.
    pub list: Vec<String>,
}

/// What a condition tests; several values are alternatives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Test {
    /// The very text.
    Equals,
    /// A pattern of `*`.
    Like,
    /// An address range.
    Address,
    /// The key is absent (`true`) or present (`false`).
    Absent,
}

/// An operator with one key.
#[derive(Debug, Clone, PartialEq)]
pub struct Condition {
    /// The test.
    pub test: Test,
    /// None of the values may fit.
    pub negated: bool,
    /// It holds where the key is absent.
    pub if_absent: bool,
    /// In lower case.
    pub key: String,
    /// The alternatives.
    pub values: Vec<String>,
}

/// The statements of a document.
pub fn statements(document: &str) -> Vec<Statement> {
    let Ok(document) = serde_json::from_str::<Value>(document) else { return Vec::new() };
    match &document["Statement"] {
        Value::Array(list) => list.iter().map(statement).collect(),
        one => vec![statement(one)],
    }
}

fn statement(value: &Value) -> Statement {
    let patterns = |name: &str, negation: &str| match (value.get(name), value.get(negation)) {
        (Some(list), _) => Patterns { negated: false, list: texts(list) },
        (None, Some(list)) => Patterns { negated: true, list: texts(list) },
        (None, None) => Patterns { negated: false, list: vec!["*".to_owned()] },
    };
    let mut actions = patterns("Action", "NotAction");
    actions.list.iter_mut().for_each(|action| action.make_ascii_lowercase());
    let conditions = match value.get("Condition").and_then(Value::as_object) {
        None => Some(Vec::new()),
        Some(block) => block
            .iter()
            .flat_map(|(operator, keys)| {
                let keys = keys.as_object().into_iter().flatten();
                keys.map(move |(key, values)| condition(operator, key, values))
            })
            .collect(),
    };
    Statement { deny: value["Effect"] == "Deny", actions, resources: patterns("Resource", "NotResource"), conditions }
}

fn condition(operator: &str, key: &str, values: &Value) -> Option<Condition> {
    let (operator, if_exists) = operator.strip_suffix("IfExists").map_or((operator, false), |rest| (rest, true));
    let (test, negated) = match operator {
        "StringEquals" | "ArnEquals" | "StringNotEquals" | "ArnNotEquals" => {
            (if operator.starts_with("Arn") { Test::Like } else { Test::Equals }, operator.contains("Not"))
        }
        "StringLike" | "ArnLike" => (Test::Like, false),
        "StringNotLike" | "ArnNotLike" => (Test::Like, true),
        "Bool" => (Test::Equals, false),
        "IpAddress" => (Test::Address, false),
        "NotIpAddress" => (Test::Address, true),
        "Null" => (Test::Absent, false),
        _ => return None,
    };
    let values = texts(values);
    let translates = values.iter().all(|value| !value.contains("${") && (test != Test::Like || plain(value)));
    let key = key.to_ascii_lowercase();
    translates.then_some(Condition { test, negated, if_absent: negated || if_exists, key, values })
}

fn texts(value: &Value) -> Vec<String> {
    match value {
        Value::Array(list) => list.iter().flat_map(texts).collect(),
        Value::String(text) => vec![text.clone()],
        other => vec![other.to_string()],
    }
}

/// A pattern that all engines read alike: `*` alone is special.
fn plain(pattern: &str) -> bool {
    !pattern.contains(['?', '[', ']', '{', '}', '\\', '"', '$'])
}

impl Statement {
    /// True iff Cedar and Rego can say it.
    pub fn translates(&self) -> bool {
        let lists = self.resources.list.iter().chain(&self.actions.list);
        self.conditions.is_some() && lists.into_iter().all(|pattern| plain(pattern))
    }

    /// Is it about the action, in lower case?
    pub fn is_about(&self, action: &str) -> bool {
        self.actions.list.iter().any(|pattern| fits(pattern.as_bytes(), action.as_bytes())) != self.actions.negated
    }
}

/// `*` and `?` in the way of the policy language, on short texts.
pub fn fits(pattern: &[u8], text: &[u8]) -> bool {
    let (mut at, mut next, mut star) = (0, 0, None);
    while next < text.len() {
        match pattern.get(at) {
            Some(b'*') => {
                star = Some((at, next));
                at += 1;
            }
            Some(byte) if *byte == b'?' || *byte == text[next] => {
                at += 1;
                next += 1;
            }
            _ => match star {
                Some((place, from)) => {
                    star = Some((place, from + 1));
                    at = place + 1;
                    next = from + 1;
                }
                None => return false,
            },
        }
    }
    pattern[at..].iter().all(|byte| *byte == b'*')
}
