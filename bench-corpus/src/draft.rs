//! A statement before it becomes text: plain lists that the generator can cut, extend and write as JSON.
//!
//! Texts in a draft may hold *slots*, `@{name}`, which [`crate::slots`] fills for one account. A slot holds no character
//! that JSON escapes, so slots survive in the written text and can be filled there, later and more than once.

use serde_json::Value;

/// `Principal` or `NotPrincipal` of a draft.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PrincipalDraft {
    pub negated: bool,
    /// By type (`AWS`, `Service` …); empty means `"*"`.
    pub entries: Vec<(String, Vec<String>)>,
}

/// The keys under one operator, each with its values.
pub(crate) type Keys = Vec<(String, Vec<String>)>;

/// One statement.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Draft {
    pub sid: Option<String>,
    pub deny: bool,
    pub principal: Option<PrincipalDraft>,
    pub not_action: bool,
    pub actions: Vec<String>,
    pub not_resource: bool,
    /// `None`: the statement has no such element.
    pub resources: Option<Vec<String>>,
    /// By operator, in the order in which they are written.
    pub condition: Vec<(String, Keys)>,
}

/// How lists of one value are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Lists {
    /// `["v"]`.
    Always,
    /// `"v"`.
    WhereNeeded,
}

impl Draft {
    /// Reads a statement object. `None`: it has a form that a generator should not imitate (an element of the wrong
    /// type, no action at all, an unknown element).
    pub(crate) fn read(statement: &Value) -> Option<Draft> {
        let mut draft = Draft::default();
        for (name, value) in statement.as_object()? {
            match name.as_str() {
                "Sid" => draft.sid = value.as_str().filter(|sid| !sid.is_empty()).map(str::to_owned),
                "Effect" => draft.deny = value.as_str()? == "Deny",
                "Principal" | "NotPrincipal" => {
                    let negated = name == "NotPrincipal";
                    let entries = match value {
                        Value::String(star) if star == "*" => Vec::new(),
                        Value::Object(types) => {
                            types.iter().map(|(key, v)| Some((key.clone(), texts(v)?))).collect::<Option<_>>()?
                        }
                        _ => return None,
                    };
                    draft.principal = Some(PrincipalDraft { negated, entries });
                }
                "Action" | "NotAction" => {
                    draft.not_action = name == "NotAction";
                    draft.actions = texts(value)?;
                }
                "Resource" | "NotResource" => {
                    draft.not_resource = name == "NotResource";
                    draft.resources = Some(texts(value)?);
                }
                "Condition" => {
                    for (operator, keys) in value.as_object()? {
                        let keys = keys
                            .as_object()?
                            .iter()
                            .map(|(k, v)| Some((k.clone(), texts(v)?)))
                            .collect::<Option<_>>()?;
                        draft.condition.push((operator.clone(), keys));
                    }
                }
                _ => return None,
            }
        }
        (!draft.actions.is_empty()).then_some(draft)
    }

    /// Appends the statement as minified JSON, elements in the order in which AWS's own examples have them.
    pub(crate) fn write(&self, lists: Lists, out: &mut String) {
        out.push('{');
        if let Some(sid) = &self.sid {
            member("Sid", out);
            json_text(sid, out);
            out.push(',');
        }
        member("Effect", out);
        out.push_str(if self.deny { "\"Deny\"" } else { "\"Allow\"" });
        if let Some(principal) = &self.principal {
            out.push(',');
            member(if principal.negated { "NotPrincipal" } else { "Principal" }, out);
            if principal.entries.is_empty() {
                out.push_str("\"*\"");
            } else {
                object(&principal.entries, lists, out);
            }
        }
        out.push(',');
        member(if self.not_action { "NotAction" } else { "Action" }, out);
        list(&self.actions, lists, out);
        if let Some(resources) = &self.resources {
            out.push(',');
            member(if self.not_resource { "NotResource" } else { "Resource" }, out);
            list(resources, lists, out);
        }
        if !self.condition.is_empty() {
            out.push(',');
            member("Condition", out);
            out.push('{');
            for (index, (operator, keys)) in self.condition.iter().enumerate() {
                if index > 0 {
                    out.push(',');
                }
                member(operator, out);
                object(keys, lists, out);
            }
            out.push('}');
        }
        out.push('}');
    }

    /// Adds one test to the condition, beside those that are there; a second test of the same operator and key, in
    /// whatever case, would be invalid (R-1.20) and is left out.
    pub(crate) fn add_condition(&mut self, operator: &str, key: &str, values: Vec<String>) {
        match self.condition.iter_mut().find(|(name, _)| name == operator) {
            Some((_, keys)) => {
                if !keys.iter().any(|(k, _)| k.eq_ignore_ascii_case(key)) {
                    keys.push((key.to_owned(), values));
                }
            }
            None => self.condition.push((operator.to_owned(), vec![(key.to_owned(), values)])),
        }
    }

    /// True iff some text of it holds a policy variable.
    pub(crate) fn has_variables(&self) -> bool {
        let values = self.condition.iter().flat_map(|(_, keys)| keys).flat_map(|(_, values)| values);
        values.chain(self.resources.iter().flatten()).any(|text| text.contains("${"))
    }
}

fn texts(value: &Value) -> Option<Vec<String>> {
    let one = |value: &Value| match value {
        Value::String(text) => Some(text.clone()),
        Value::Bool(_) | Value::Number(_) => Some(value.to_string()),
        _ => None,
    };
    match value {
        Value::Array(values) => values.iter().map(one).collect(),
        value => Some(vec![one(value)?]),
    }
}

fn member(name: &str, out: &mut String) {
    json_text(name, out);
    out.push(':');
}

fn object(entries: &[(String, Vec<String>)], lists: Lists, out: &mut String) {
    out.push('{');
    for (index, (key, values)) in entries.iter().enumerate() {
        if index > 0 {
            out.push(',');
        }
        member(key, out);
        list(values, lists, out);
    }
    out.push('}');
}

fn list(values: &[String], lists: Lists, out: &mut String) {
    if let ([value], Lists::WhereNeeded) = (values, lists) {
        return json_text(value, out);
    }
    out.push('[');
    for (index, value) in values.iter().enumerate() {
        if index > 0 {
            out.push(',');
        }
        json_text(value, out);
    }
    out.push(']');
}

/// Appends `text` as a JSON string.
pub(crate) fn json_text(text: &str, out: &mut String) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            c if u32::from(c) < 0x20 => out.push_str(&format!("\\u{:04x}", u32::from(c))),
            c => out.push(c),
        }
    }
    out.push('"');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_statement_is_read_and_written() {
        let text = r#"{"Sid":"A","Effect":"Deny","NotPrincipal":{"AWS":["1","2"]},"Action":["s3:*"],"Resource":["*"],"Condition":{"Bool":{"aws:SecureTransport":["false"]}}}"#;
        let draft = Draft::read(&serde_json::from_str(text).unwrap()).unwrap();
        let mut out = String::new();
        draft.write(Lists::Always, &mut out);
        assert_eq!(out, text);
        out.clear();
        draft.write(Lists::WhereNeeded, &mut out);
        assert!(out.contains(r#""Action":"s3:*","Resource":"*""#), "{out}");
        assert!(Draft::read(&serde_json::json!({"Effect": "Allow", "Actions": "*"})).is_none());
    }
}
