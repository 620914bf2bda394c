//! Measures policies: the numbers by which a generated corpus and real policies are compared.
//!
//! [`Profile`] counts; [`Measures`] are the counts of one section; [`Profile::to_markdown`] prints them as tables. What is
//! counted is what the documents say, never what they mean: patterns are classed by their shape, nothing is matched.

mod measures;
mod table;

pub use measures::{Histogram, Measures};

use crate::corpus::Corpus;
use crate::part::{AccountPart, Document};
use iamc_policy::document::Strictness;
use iamc_policy::world::{NamedPolicy, PolicyText, ResourcePolicy};
use iamc_policy::{Policy, PolicyKind, World};
use serde::Deserialize;
use serde_json::value::RawValue;
use std::collections::BTreeMap;
use std::io::{self, BufRead};

/// A kind of policies that is measured by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Section {
    /// Managed by AWS.
    Managed,
    /// Identity policies of customers.
    Identity,
    /// Permissions boundaries.
    Boundary,
    /// Resource-based policies, key policies among them.
    Resource,
    /// Trust policies.
    Trust,
    /// VPC endpoint policies.
    Endpoint,
    /// SCPs.
    Scp,
    /// RCPs.
    Rcp,
}

impl Section {
    /// Its name in the tables.
    pub fn name(self) -> &'static str {
        match self {
            Section::Managed => "managed",
            Section::Identity => "identity",
            Section::Boundary => "boundary",
            Section::Resource => "resource",
            Section::Trust => "trust",
            Section::Endpoint => "vpce",
            Section::Scp => "scp",
            Section::Rcp => "rcp",
        }
    }

    /// The section of customers' policies of a kind.
    pub fn of(kind: PolicyKind) -> Section {
        match kind {
            PolicyKind::Identity | PolicyKind::Session => Section::Identity,
            PolicyKind::Boundary => Section::Boundary,
            PolicyKind::Resource | PolicyKind::Key => Section::Resource,
            PolicyKind::Trust => Section::Trust,
            PolicyKind::Endpoint => Section::Endpoint,
            PolicyKind::Scp => Section::Scp,
            PolicyKind::Rcp => Section::Rcp,
        }
    }
}

/// Whose account, and where, a policy lies: what copies may differ in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Home<'a> {
    /// Account number, or empty.
    pub account: &'a str,
    /// Region, or empty.
    pub region: &'a str,
}

/// Measures of policies, by section.
#[derive(Debug, Clone, Default)]
pub struct Profile {
    sections: BTreeMap<Section, Measures>,
    /// Documents that could not be parsed.
    invalid: u64,
}

/// A file of policies cannot be measured.
#[derive(Debug, thiserror::Error)]
pub enum ProfileError {
    /// It cannot be read.
    #[error("cannot read the policies: {0}")]
    Io(#[from] io::Error),
    /// A line has the wrong form.
    #[error("line {line}: {why}")]
    Line {
        /// 1-based.
        line: usize,
        /// What is wrong.
        why: String,
    },
}

impl Profile {
    /// Counts one policy; `bytes` is the length of its minified text, 0 if not known.
    pub fn add(&mut self, section: Section, policy: &Policy, bytes: usize, home: Home) {
        self.sections.entry(section).or_default().add(policy, bytes, home);
    }

    /// The measures of a section; `None` if nothing of it was counted.
    pub fn section(&self, section: Section) -> Option<&Measures> {
        self.sections.get(&section)
    }

    /// Every section that holds something.
    pub fn sections(&self) -> impl Iterator<Item = (Section, &Measures)> {
        self.sections.iter().map(|(section, measures)| (*section, measures))
    }

    /// Documents that could not be parsed, and are in no section.
    pub fn invalid(&self) -> u64 {
        self.invalid
    }

    /// Measures a corpus, account after account. `progress` is told after each how many are done.
    ///
    /// Cost: parses every document; memory for hashes of what is distinct, some 100 MB for L.
    pub fn of_corpus(corpus: &Corpus, mut progress: impl FnMut(usize)) -> Profile {
        let mut profile = Profile::default();
        let organization = corpus.organization();
        for managed in &organization.managed {
            profile.document(Section::Managed, &managed.document, Home::default());
        }
        for guardrail in organization.guardrails.iter().filter(|guardrail| !guardrail.aws_managed) {
            profile.document(Section::of(guardrail.document.kind), &guardrail.document, Home::default());
        }
        for (index, account) in corpus.accounts().enumerate() {
            profile.account(&account);
            progress(index + 1);
        }
        profile
    }

    fn account(&mut self, account: &AccountPart) {
        let home = Home { account: &account.stub.id, region: &account.region };
        for document in account.documents() {
            self.document(Section::of(document.kind), document, home);
        }
    }

    fn document(&mut self, section: Section, document: &Document, home: Home) {
        match Policy::parse(document.kind, Strictness::Lenient, &document.text).policy {
            Some(policy) => self.add(section, &policy, document.text.len(), home),
            None => self.invalid += 1,
        }
    }

    /// Measures a world. Its policies have no text any more: bytes are left out.
    pub fn of_world(world: &World) -> Profile {
        let mut profile = Profile::default();
        let mut add = |section: Section, policy: &NamedPolicy, account: &str| match &policy.text {
            PolicyText::Known(policy) => profile.add(section, policy, 0, Home { account, region: "" }),
            PolicyText::Unknown(_) => profile.invalid += 1,
        };
        for policy in &world.policies {
            let section = if policy.arn.account() == "aws" { Section::Managed } else { Section::Identity };
            add(section, &policy.policy, policy.arn.account());
        }
        let users = world.users.iter().map(|user| &user.identity);
        let groups = world.groups.iter().map(|group| &group.identity);
        for identity in users.chain(groups).chain(world.roles.iter().map(|role| &role.identity)) {
            for policy in &identity.inline {
                add(Section::Identity, policy, identity.arn.account());
            }
        }
        for role in &world.roles {
            add(Section::Trust, &role.trust, role.identity.arn.account());
        }
        for guardrail in world.guardrails.iter().filter(|guardrail| !guardrail.implied) {
            add(Section::of(guardrail.kind), &guardrail.policy, "");
        }
        for resource in &world.resources {
            if let ResourcePolicy::Policy(policy) = &resource.policy {
                let account = resource.account.map(|id| id.to_string()).unwrap_or_default();
                add(Section::Resource, policy, &account);
            }
        }
        for endpoint in &world.endpoints {
            if let ResourcePolicy::Policy(policy) = &endpoint.policy {
                add(Section::Endpoint, policy, &endpoint.account.to_string());
            }
        }
        profile
    }

    /// Measures policies in JSON Lines, each line an object with `document` and a `type` (`identity`, `resource`,
    /// `trust`, `scp`, `rcp`, `vpce`, `boundary`, `session`; absent: managed by AWS).
    ///
    /// # Errors
    /// The reader fails, or a line is no such object. A document that is no policy is only counted.
    pub fn of_json_lines(reader: impl BufRead) -> Result<Profile, ProfileError> {
        #[derive(Deserialize)]
        struct Line<'a> {
            #[serde(rename = "type")]
            kind: Option<String>,
            #[serde(borrow)]
            document: &'a RawValue,
        }
        let mut profile = Profile::default();
        for (index, line) in reader.lines().enumerate() {
            let line = line?;
            if line.trim().is_empty() {
                continue;
            }
            let fail = |why: String| ProfileError::Line { line: index + 1, why };
            let read: Line = serde_json::from_str(&line).map_err(|error| fail(error.to_string()))?;
            let (kind, section) = match read.kind.as_deref() {
                None => (PolicyKind::Identity, Section::Managed),
                Some("identity" | "session") => (PolicyKind::Identity, Section::Identity),
                Some("resource") => (PolicyKind::Resource, Section::Resource),
                Some("trust") => (PolicyKind::Trust, Section::Trust),
                Some("scp") => (PolicyKind::Scp, Section::Scp),
                Some("rcp") => (PolicyKind::Rcp, Section::Rcp),
                Some("vpce") => (PolicyKind::Endpoint, Section::Endpoint),
                Some("boundary") => (PolicyKind::Boundary, Section::Boundary),
                Some(other) => return Err(fail(format!("`{other}` is no type of a policy"))),
            };
            profile.document(section, &Document::new(kind, minified(read.document.get())), Home::default());
        }
        Ok(profile)
    }
}

/// A JSON text without white space between its tokens.
fn minified(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let (mut inside, mut escaped) = (false, false);
    for c in text.chars() {
        if inside || !matches!(c, ' ' | '\n' | '\r' | '\t') {
            out.push(c);
        }
        inside = match c {
            '"' if !escaped => !inside,
            _ => inside,
        };
        escaped = inside && c == '\\' && !escaped;
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn white_space_goes_only_between_tokens() {
        assert_eq!(minified("{ \"a b\" : [ 1, \"\\\" x\" ] }"), "{\"a b\":[1,\"\\\" x\"]}");
    }

    #[test]
    fn lines_are_counted_by_their_type() {
        let text = concat!(
            r#"{"type":"identity","document":{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Action":["s3:*","s3:GetObject"],"Resource":"*","Condition":{"Bool":{"aws:SecureTransport":"false"}}}]}}"#,
            "\n",
            r#"{"document":{"Statement":{"Effect":"Allow","Action":"ec2:Describe*","Resource":"arn:aws:ec2:*:*:instance/*"}}}"#,
            "\n",
            r#"{"type":"scp","document":{"Statement":7}}"#,
        );
        let profile = Profile::of_json_lines(text.as_bytes()).unwrap();
        assert_eq!(profile.invalid(), 1);
        let identity = profile.section(Section::Identity).unwrap();
        assert_eq!((identity.policies, identity.statements, identity.deny, identity.conditions), (1, 1, 1, 1));
        assert_eq!(identity.action_classes, BTreeMap::from([("exact", 1), ("svc:*", 1)]));
        let managed = profile.section(Section::Managed).unwrap();
        assert_eq!(managed.resource_classes, BTreeMap::from([("* in region/account and trailing *".to_owned(), 1)]));
        assert!(profile.to_markdown().contains("| identity | 1 | 1 |"), "{}", profile.to_markdown());
        let error = Profile::of_json_lines(&b"{}"[..]).unwrap_err().to_string();
        assert!(error.starts_with("line 1: missing field"), "{error}");
    }
}
