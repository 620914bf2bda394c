//! What a decision case expects.

use iamc_inventory::request::node::{FieldError, Node};
use iamc_policy::condition::ConditionKey;
use iamc_policy::decision::{Missing, ReasonCode};
use std::fmt;
use std::str::FromStr;

/// The `expect` object. Each field that is present must match; lists are sets and are kept sorted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expect {
    /// The decision, or `Invalid`.
    pub decision: ExpectedDecision,
    /// For `Conditional`: names of the possible decisions.
    pub possible: Option<Vec<String>>,
    /// For `Conditional`: the keys on which it depends, canonical.
    pub residual_keys: Option<Vec<String>>,
    /// Reason codes.
    pub missing: Option<Vec<ExpectedMissing>>,
    /// Deny statements, each `FIELD/POLICY-NAME/SID-or-index`.
    pub denied_by: Option<Vec<String>>,
    /// Allow statements, likewise.
    pub allowed_by: Option<Vec<String>>,
    /// For `Invalid`: a part of the message.
    pub error: Option<String>,
}

impl Expect {
    /// Expects this decision and leaves everything else open.
    pub fn decision(decision: ExpectedDecision) -> Expect {
        Expect {
            decision,
            possible: None,
            residual_keys: None,
            missing: None,
            denied_by: None,
            allowed_by: None,
            error: None,
        }
    }
}

/// A decision as a case names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ExpectedDecision {
    /// `Allow`.
    Allow,
    /// `ExplicitDeny`.
    ExplicitDeny,
    /// `ImplicitDeny`.
    ImplicitDeny,
    /// `Conditional`.
    Conditional,
    /// A policy or the request is malformed: no decision is given.
    Invalid,
}

impl ExpectedDecision {
    /// Every decision, in the order of, `Invalid` last.
    pub const ALL: &'static [ExpectedDecision] = &[
        ExpectedDecision::Allow,
        ExpectedDecision::ExplicitDeny,
        ExpectedDecision::ImplicitDeny,
        ExpectedDecision::Conditional,
        ExpectedDecision::Invalid,
    ];

    /// As it is written.
    pub fn name(self) -> &'static str {
        match self {
            ExpectedDecision::Allow => "Allow",
            ExpectedDecision::ExplicitDeny => "ExplicitDeny",
            ExpectedDecision::ImplicitDeny => "ImplicitDeny",
            ExpectedDecision::Conditional => "Conditional",
            ExpectedDecision::Invalid => "Invalid",
        }
    }
}

/// A reason code, with the argument where the case gives one.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ExpectedMissing {
    /// The code.
    pub code: ReasonCode,
    /// Compared only if present.
    pub argument: Option<String>,
}

impl ExpectedMissing {
    /// True iff `missing` is what is expected.
    pub fn matches(&self, missing: &Missing) -> bool {
        self.code == missing.code
            && self.argument.as_ref().is_none_or(|argument| missing.argument.as_ref() == Some(argument))
    }
}

impl fmt::Display for ExpectedMissing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.argument {
            Some(argument) => write!(f, "{}({argument})", self.code.name()),
            None => f.write_str(self.code.name()),
        }
    }
}

impl FromStr for ExpectedMissing {
    type Err = String;

    fn from_str(text: &str) -> Result<ExpectedMissing, String> {
        let (name, argument) = match text.split_once('(') {
            Some((name, rest)) => (name, Some(rest.strip_suffix(')').ok_or("the parenthesis is not closed")?)),
            None => (text, None),
        };
        let code = ReasonCode::ALL.iter().copied().find(|code| code.name() == name);
        let code = code.ok_or_else(|| format!("`{name}` is no reason code"))?;
        Ok(ExpectedMissing { code, argument: argument.map(str::to_owned) })
    }
}

pub(super) fn read(node: &Node<'_>) -> Result<Expect, FieldError> {
    const FIELDS: [&str; 7] = ["decision", "possible", "residual_keys", "missing", "denied_by", "allowed_by", "error"];
    let fields = node.fields_of(&FIELDS)?;
    let decision = fields.iter().find(|(name, _)| name == "decision").map(|(_, value)| value);
    let decision = decision.ok_or_else(|| node.child("decision").error("the case expects no decision"))?;
    let mut expect = Expect::decision(read_decision(decision)?);
    for (name, value) in &fields {
        let only_for = match name.as_str() {
            "possible" | "residual_keys" => Some(ExpectedDecision::Conditional),
            "error" => Some(ExpectedDecision::Invalid),
            _ => None,
        };
        if only_for.is_some_and(|only| only != expect.decision) {
            return Err(value.error(format!("`{name}` does not go with `{}`", expect.decision.name())));
        }
        match name.as_str() {
            "possible" => expect.possible = Some(sorted(value, read_possible)?),
            "residual_keys" => {
                let read_key = |item: &Node<'_>| Ok(ConditionKey::new(&item.string()?).to_string());
                expect.residual_keys = Some(sorted(value, read_key)?);
            }
            "missing" => expect.missing = Some(sorted(value, |item| item.parsed())?),
            "denied_by" => expect.denied_by = Some(sorted(value, |item| item.string())?),
            "allowed_by" => expect.allowed_by = Some(sorted(value, |item| item.string())?),
            "error" => expect.error = Some(value.string()?),
            _ => {}
        }
    }
    Ok(expect)
}

fn read_decision(node: &Node<'_>) -> Result<ExpectedDecision, FieldError> {
    let name = node.string()?;
    let found = ExpectedDecision::ALL.iter().copied().find(|decision| decision.name() == name);
    found.ok_or_else(|| node.error(format!("`{name}` is no decision")))
}

fn read_possible(node: &Node<'_>) -> Result<String, FieldError> {
    match node.string()? {
        name if ["Allow", "ExplicitDeny", "ImplicitDeny"].contains(&name.as_str()) => Ok(name),
        other => Err(node.error(format!("`{other}` is no possible decision"))),
    }
}

fn sorted<T: Ord>(node: &Node<'_>, read: impl Fn(&Node<'_>) -> Result<T, FieldError>) -> Result<Vec<T>, FieldError> {
    let mut items: Vec<T> = node.items()?.iter().map(read).collect::<Result<_, _>>()?;
    items.sort();
    items.dedup();
    Ok(items)
}
