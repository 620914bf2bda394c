//! Printing: [`Policy`] → JSON in one canonical form.

use crate::condition::Condition;
use crate::document::{Effect, Policy, PolicyKind, PrincipalElement, Statement, Version};
use crate::parse::principals::nobody_parts;
use crate::principal::PrincipalEntry;
use serde_json::Value;

impl Policy {
    /// The policy as JSON on one line: elements in AWS's usual order, single values as strings, numbers and booleans of
    /// conditions as strings, names in their canonical spelling.
    ///
    /// Reading the text again in lenient mode, as the same kind, gives the same policy but for spans and lines; for a
    /// policy that came from [`Policy::parse`], and not for one that was put together by hand against the grammar.
    /// Top-level elements that lenient mode kept without a meaning are lost. Never panics. Cost: O(bytes).
    ///
    /// ```
    /// use iamc_policy::document::Strictness;
    /// use iamc_policy::{Policy, PolicyKind};
    /// let text = r#"{"Statement": {"Resource": ["*"], "Action": ["S3:Get*"], "Effect": "Allow"}}"#;
    /// let policy = Policy::parse(PolicyKind::Identity, Strictness::Strict, text).policy.unwrap();
    /// let expected = r#"{"Version":"2008-10-17","Statement":[{"Effect":"Allow","Action":"s3:Get*","Resource":"*"}]}"#;
    /// assert_eq!(policy.to_json(), expected);
    /// ```
    pub fn to_json(&self) -> String {
        let mut members = Vec::new();
        match (self.version, self.kind) {
            (Version::V2012, _) => members.push(member("Version", &quote("2012-10-17"))),
            // R-1.33 lets an SCP or RCP leave it out, but not say so.
            (Version::V2008, PolicyKind::Scp | PolicyKind::Rcp) => {}
            (Version::V2008, _) => members.push(member("Version", &quote("2008-10-17"))),
        }
        if let Some(id) = &self.id {
            members.push(member("Id", &quote(id)));
        }
        let statements: Vec<String> = self.statements.iter().map(statement).collect();
        members.push(member("Statement", &format!("[{}]", statements.join(","))));
        object(&members)
    }
}

fn statement(statement: &Statement) -> String {
    let mut members = Vec::new();
    if let Some(sid) = &statement.sid {
        members.push(member("Sid", &quote(sid)));
    }
    let effect = match statement.effect {
        Effect::Allow => "Allow",
        Effect::Deny => "Deny",
    };
    members.push(member("Effect", &quote(effect)));
    if let Some(principal) = &statement.principal {
        let name = if principal.negated { "NotPrincipal" } else { "Principal" };
        members.push(member(name, &principals(principal)));
    }
    let name = if statement.action.negated { "NotAction" } else { "Action" };
    members
        .push(member(name, &one_or_list(statement.action.patterns.iter().map(|pattern| quote(&pattern.to_string())))));
    if let Some(resource) = &statement.resource {
        let name = if resource.negated { "NotResource" } else { "Resource" };
        members.push(member(name, &one_or_list(resource.patterns.iter().map(|pattern| quote(pattern.text())))));
    }
    if !statement.condition.atoms.is_empty() || !statement.condition.unknown_operators.is_empty() {
        members.push(member("Condition", &condition(&statement.condition)));
    }
    object(&members)
}

fn principals(element: &PrincipalElement) -> String {
    if element.entries == [PrincipalEntry::Everyone { under_aws: false }] {
        return quote("*");
    }
    // A type is written once in a document, so its entries stand side by side.
    let mut groups: Vec<(&str, Vec<String>)> = Vec::new();
    for entry in &element.entries {
        let (of, text) = match entry {
            PrincipalEntry::Everyone { .. } => ("AWS", quote("*")),
            PrincipalEntry::Account { partition: None, account } => ("AWS", quote(&account.to_string())),
            PrincipalEntry::Account { partition: Some(partition), account } => {
                ("AWS", quote(&format!("arn:{partition}:iam::{account}:root")))
            }
            PrincipalEntry::User(text)
            | PrincipalEntry::Role(text)
            | PrincipalEntry::RoleSession(text)
            | PrincipalEntry::FederatedUser(text)
            | PrincipalEntry::UniqueId(text) => ("AWS", quote(text)),
            PrincipalEntry::Service(text) => ("Service", quote(text)),
            PrincipalEntry::Federated(text) => ("Federated", quote(text)),
            PrincipalEntry::CanonicalUser(text) => ("CanonicalUser", quote(text)),
            PrincipalEntry::Nobody(text) => {
                let (of, text) = nobody_parts(text);
                (of.name(), quote(text))
            }
        };
        match groups.iter_mut().find(|(name, _)| *name == of) {
            Some((_, texts)) => texts.push(text),
            None => groups.push((of, vec![text])),
        }
    }
    let members: Vec<String> =
        groups.into_iter().map(|(of, texts)| member(of, &one_or_list(texts.into_iter()))).collect();
    object(&members)
}

fn condition(condition: &Condition) -> String {
    // An operator is written once in a document, so its keys stand side by side.
    let mut blocks: Vec<(String, Vec<String>)> = Vec::new();
    for atom in &condition.atoms {
        let values = one_or_list(atom.values.iter().map(|value| quote(value.text())));
        let key = member(atom.key.as_str(), &values);
        let name = atom.operator.to_string();
        match blocks.last_mut() {
            Some((last, keys)) if *last == name => keys.push(key),
            _ => blocks.push((name, vec![key])),
        }
    }
    let mut members: Vec<String> = blocks.iter().map(|(name, keys)| member(name, &object(keys))).collect();
    members.extend(condition.unknown_operators.iter().map(|name| member(name, "{}")));
    object(&members)
}

/// A single value stands alone (R-1.17).
fn one_or_list(values: impl Iterator<Item = String>) -> String {
    let values: Vec<String> = values.collect();
    match values.as_slice() {
        [only] => only.clone(),
        _ => format!("[{}]", values.join(",")),
    }
}

fn object(members: &[String]) -> String {
    format!("{{{}}}", members.join(","))
}

fn member(name: &str, json: &str) -> String {
    format!("{}:{json}", quote(name))
}

/// A JSON string.
fn quote(text: &str) -> String {
    Value::from(text).to_string()
}
