//! Policy documents: the parsed value. [`Policy::parse`] makes it from JSON, [`Policy::to_json`] prints it.

use crate::action::ActionPattern;
use crate::condition::Condition;
use crate::principal::PrincipalEntry;
use crate::source::Span;
use crate::template::Template;
use smol_str::SmolStr;
use std::fmt;

/// What kind of policy a document is: it decides what may stand in it and what it does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PolicyKind {
    /// Identity policy: managed or inline, of a user, group or role.
    Identity,
    /// Permissions boundary.
    Boundary,
    /// Session policy.
    Session,
    /// Resource-based policy that is none of the next two.
    Resource,
    /// Role trust policy.
    Trust,
    /// KMS key policy.
    Key,
    /// VPC endpoint policy.
    Endpoint,
    /// Service control policy.
    Scp,
    /// Resource control policy.
    Rcp,
}

impl PolicyKind {
    /// Every kind, in the order of.
    pub const ALL: &'static [PolicyKind] = &[
        PolicyKind::Identity,
        PolicyKind::Boundary,
        PolicyKind::Session,
        PolicyKind::Resource,
        PolicyKind::Trust,
        PolicyKind::Key,
        PolicyKind::Endpoint,
        PolicyKind::Scp,
        PolicyKind::Rcp,
    ];

    /// The word of: `identity`, `boundary`, `session`, `resource`, `trust`, `key`, `endpoint`, `scp`, `rcp`.
    pub fn name(self) -> &'static str {
        match self {
            PolicyKind::Identity => "identity",
            PolicyKind::Boundary => "boundary",
            PolicyKind::Session => "session",
            PolicyKind::Resource => "resource",
            PolicyKind::Trust => "trust",
            PolicyKind::Key => "key",
            PolicyKind::Endpoint => "endpoint",
            PolicyKind::Scp => "scp",
            PolicyKind::Rcp => "rcp",
        }
    }

    /// The field of the `policies` object of a decision case in which such a policy stands.
    pub fn field(self) -> &'static str {
        match self {
            PolicyKind::Trust | PolicyKind::Key => "resource",
            PolicyKind::Endpoint => "vpc_endpoint",
            other => other.name(),
        }
    }

    /// True iff its statements carry a `Principal` element.
    pub fn has_principal(self) -> bool {
        use PolicyKind::*;
        matches!(self, Resource | Trust | Key | Endpoint | Rcp)
    }
}

impl fmt::Display for PolicyKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// What a statement says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Effect {
    /// `Allow`.
    Allow,
    /// `Deny`.
    Deny,
}

/// The policy language version.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Version {
    /// `2008-10-17`, or absent: no policy variables.
    V2008,
    /// `2012-10-17`.
    V2012,
}

/// A parsed policy. Nothing in it needs to be validated again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    /// Its kind.
    pub kind: PolicyKind,
    /// Its language version.
    pub version: Version,
    /// Its `Id`, ignored by evaluation.
    pub id: Option<String>,
    /// Its statements, in document order.
    pub statements: Vec<Statement>,
}

/// One statement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statement {
    /// `Sid`, if present and not empty.
    pub sid: Option<SmolStr>,
    /// `Effect`.
    pub effect: Effect,
    /// `Principal` or `NotPrincipal`; absent in kinds that have none.
    pub principal: Option<PrincipalElement>,
    /// `Action` or `NotAction`.
    pub action: ActionElement,
    /// `Resource` or `NotResource`; absent where lets it be. A trust policy has none: where lenient mode kept
    /// one, the resource test is true all the same.
    pub resource: Option<ResourceElement>,
    /// `Condition`; absent and empty are the same.
    pub condition: Condition,
    /// The bytes of the statement in the document.
    pub span: Span,
    /// 1-based line in the document on which it begins.
    pub line: u32,
}

/// `Principal` or `NotPrincipal`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PrincipalElement {
    /// True for `NotPrincipal`.
    pub negated: bool,
    /// The entries in document order; may be empty.
    pub entries: Vec<PrincipalEntry>,
    /// Bytes of the value.
    pub span: Span,
}

/// `Action` or `NotAction`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ActionElement {
    /// True for `NotAction`.
    pub negated: bool,
    /// The entries in document order; may be empty.
    pub patterns: Vec<ActionPattern>,
    /// Bytes of the value.
    pub span: Span,
}

/// `Resource` or `NotResource`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResourceElement {
    /// True for `NotResource`.
    pub negated: bool,
    /// The entries in document order; may be empty.
    pub patterns: Vec<Template>,
    /// Bytes of the value.
    pub span: Span,
}

/// How forgiving the reader is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Strictness {
    /// What can be given a meaning is given one, with a warning.
    #[default]
    Lenient,
    /// What AWS would refuse is refused.
    Strict,
}
