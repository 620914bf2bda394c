//! What comes back: decisions, explanations (section 7) and residuals.

use crate::document::{Effect, PolicyKind};
use crate::source::Place;
use std::fmt;

/// The three truth values. The connectives live in each engine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Truth {
    /// Holds under every completion.
    True,
    /// Holds under none.
    False,
    /// Not known.
    Unknown,
}

/// A non-empty set of concrete decisions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Outcomes {
    /// `Allow` is possible.
    pub allow: bool,
    /// `ExplicitDeny` is possible.
    pub explicit_deny: bool,
    /// `ImplicitDeny` is possible.
    pub implicit_deny: bool,
}

impl Outcomes {
    /// Names of the possible decisions, sorted.
    pub fn names(self) -> Vec<&'static str> {
        let mut names = Vec::new();
        if self.allow {
            names.push("Allow");
        }
        if self.explicit_deny {
            names.push("ExplicitDeny");
        }
        if self.implicit_deny {
            names.push("ImplicitDeny");
        }
        names
    }
}

/// What a request gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Decision {
    /// Allowed.
    Allow,
    /// Some applicable Deny statement holds.
    ExplicitDeny,
    /// Something that must allow does not.
    ImplicitDeny,
    /// It depends on what is not known; at least two outcomes are possible.
    Conditional(Outcomes),
}

impl Decision {
    /// `Allow`, `ExplicitDeny`, `ImplicitDeny` or `Conditional`.
    pub fn name(self) -> &'static str {
        match self {
            Decision::Allow => "Allow",
            Decision::ExplicitDeny => "ExplicitDeny",
            Decision::ImplicitDeny => "ImplicitDeny",
            Decision::Conditional(_) => "Conditional",
        }
    }

    /// The decisions that some completion may have.
    pub fn outcomes(self) -> Outcomes {
        let none = Outcomes { allow: false, explicit_deny: false, implicit_deny: false };
        match self {
            Decision::Allow => Outcomes { allow: true, ..none },
            Decision::ExplicitDeny => Outcomes { explicit_deny: true, ..none },
            Decision::ImplicitDeny => Outcomes { implicit_deny: true, ..none },
            Decision::Conditional(outcomes) => outcomes,
        }
    }
}

impl fmt::Display for Decision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Where a policy is attached, as far as it tells two attachments apart.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Attachment {
    /// To the principal itself, or passed with its session, or to the resource or endpoint of the unit.
    Direct,
    /// To a group of the principal, by name.
    Group(String),
    /// To an entity of the organization: position on the path (0 is the root) and the entity's id.
    Level(u32, String),
}

/// One policy that took part in a decision.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PolicyRef {
    /// Its kind.
    pub kind: PolicyKind,
    /// Where it is attached.
    pub attachment: Attachment,
    /// Its name.
    pub policy: String,
}

impl fmt::Display for PolicyRef {
    /// `FIELD/POLICY-NAME`, FIELD as in the `policies` of a decision case.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let field = self.kind.field();
        match &self.attachment {
            Attachment::Level(level, _) => write!(f, "{field}[{level}]/{}", self.policy),
            _ => write!(f, "{field}/{}", self.policy),
        }
    }
}

/// One statement that took part in a decision.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StatementRef {
    /// Its policy.
    pub policy: PolicyRef,
    /// Zero-based position in the policy.
    pub index: u32,
    /// Its `Sid`, if it has one that is not empty.
    pub sid: Option<String>,
    /// File and line, where the policy was read from a file.
    pub place: Option<Place>,
}

impl fmt::Display for StatementRef {
    /// `FIELD/POLICY-NAME/SID`, or the index in place of a missing `Sid`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.sid {
            Some(sid) => write!(f, "{}/{sid}", self.policy),
            None => write!(f, "{}/{}", self.policy, self.index),
        }
    }
}

/// The level at which a resource policy's principal test is reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum GrantLevel {
    /// Everyone.
    Star,
    /// The caller itself.
    SelfLevel,
    /// The role behind a session, the user behind a federated user.
    Base,
    /// The caller's account.
    Account,
}

/// A statement that contributes, and how.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Contribution {
    /// Which statement.
    pub statement: StatementRef,
    /// What it says.
    pub effect: Effect,
    /// True or Unknown; statements that are False do not contribute.
    pub value: Truth,
    /// For Allow statements of resource policies, the levels reached, sorted; otherwise empty.
    pub levels: Vec<GrantLevel>,
}

macro_rules! reason_codes {
    ($($(#[$doc:meta])* $variant:ident = $text:literal),* $(,)?) => {
        /// What lacks an allow.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum ReasonCode { $($(#[$doc])* $variant),* }

        impl ReasonCode {
            /// Every code, in the order of.
            pub const ALL: &'static [ReasonCode] = &[$(ReasonCode::$variant),*];

            /// The code as it is written.
            pub fn name(self) -> &'static str {
                match self { $(ReasonCode::$variant => $text),* }
            }
        }
    };
}

reason_codes!(
    /// An identity Allow is needed and missing.
    NoIdentityAllow = "NO_IDENTITY_ALLOW",
    /// A resource-policy Allow is needed and missing.
    NoResourceAllow = "NO_RESOURCE_ALLOW",
    /// The resource policy allows only the account, so the identity policy must allow and does not.
    ResourceAllowAccountOnly = "RESOURCE_ALLOW_ACCOUNT_ONLY",
    /// The role trust policy does not allow.
    NoTrustAllow = "NO_TRUST_ALLOW",
    /// The KMS key policy does not allow.
    NoKeyPolicyAllow = "NO_KEY_POLICY_ALLOW",
    /// The identity policy allows, the key policy does not enable identity policies.
    KeyPolicyNoDelegation = "KEY_POLICY_NO_DELEGATION",
    /// The permissions boundary does not allow.
    NoBoundaryAllow = "NO_BOUNDARY_ALLOW",
    /// The session policies do not allow.
    NoSessionAllow = "NO_SESSION_ALLOW",
    /// No SCP of that entity allows.
    NoScpAllow = "NO_SCP_ALLOW",
    /// No RCP of that entity allows.
    NoRcpAllow = "NO_RCP_ALLOW",
    /// The endpoint policy does not allow.
    NoEndpointAllow = "NO_ENDPOINT_ALLOW",
    /// Principal and resource are in different partitions.
    GatePartition = "GATE_PARTITION",
    /// The credential cannot call this action.
    GateCredential = "GATE_CREDENTIAL",
    /// The service takes no anonymous calls.
    GateAnon = "GATE_ANON",
    /// S3 Block Public Access.
    GateS3Bpa = "GATE_S3_BPA",
    /// The KMS operation has no effect across accounts.
    GateKmsXacct = "GATE_KMS_XACCT",
    /// The action has no effect across accounts.
    GateXacct = "GATE_XACCT",
    /// Reserved by AWS.
    GateReserved = "GATE_RESERVED",
    /// That unit of the request failed.
    Unit = "UNIT",
);

/// A reason code with its argument and truth value.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Missing {
    /// The code.
    pub code: ReasonCode,
    /// Entity of an organization, index of a resource, or additional action.
    pub argument: Option<String>,
    /// False or Unknown: the truth value of the requirement that is not met.
    pub value: Truth,
}

impl fmt::Display for Missing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.argument {
            Some(argument) => write!(f, "{}({argument})", self.code.name()),
            None => f.write_str(self.code.name()),
        }
    }
}

/// Which authorisation of a request.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum UnitId {
    /// The request's action on the resource with this index.
    Resource(u32),
    /// An additional action.
    Additional {
        /// Its position among the additional actions of the request.
        at: u32,
        /// `service:Name`.
        action: String,
    },
    /// An action that follows from the call.
    Implied {
        /// The index of the resource on which it is asked for.
        resource: u32,
        /// `service:Name`.
        action: String,
    },
}

impl UnitId {
    /// The name under which people meet it: the index of a resource, or an action.
    pub fn name(&self) -> String {
        match self {
            UnitId::Resource(index) => index.to_string(),
            UnitId::Additional { action, .. } | UnitId::Implied { action, .. } => action.clone(),
        }
    }
}

/// The explanation of one authorisation unit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnitExplanation {
    /// Which unit.
    pub unit: UnitId,
    /// Its action.
    pub action: String,
    /// Its resource.
    pub resource: String,
    /// Deny statements that are True or Unknown, sorted.
    pub deny: Vec<Contribution>,
    /// Allow statements that are True or Unknown, sorted.
    pub allow: Vec<Contribution>,
    /// Requirements that are not True, sorted.
    pub missing: Vec<Missing>,
    /// Truth of the unit's D.
    pub denied: Truth,
    /// Truth of the unit's A.
    pub allowed: Truth,
}

/// Why a decision is what it is: complete, not only the first reason.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Explanation {
    /// One entry for each authorisation unit, resources first, then additional actions.
    pub units: Vec<UnitExplanation>,
    /// For `Allow`: one Allow a requirement that together make A true, sorted; otherwise empty.
    pub witness: Vec<StatementRef>,
}

/// What a residual atom is about.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum AtomKind {
    /// A condition atom: operator, canonical key, values as far as they are resolved (unknown variables as `${key}`).
    Condition {
        /// The operator's text.
        operator: String,
        /// The canonical key.
        key: String,
        /// The policy values, in document order.
        values: Vec<String>,
    },
    /// A resource entry with an unknown variable, as far as it is resolved.
    Resource {
        /// The entry.
        pattern: String,
    },
    /// A principal entry that names a session, while the session's name is not known.
    SessionName {
        /// The entry.
        entry: String,
    },
    /// A policy whose text is not known.
    Policy,
    /// A fact of the request that is not known: `acl_allows`, a grant's constraints.
    Fact {
        /// Its name in case-format.md.
        name: String,
    },
}

/// An atom of a residual, with its origin.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ResidualAtom {
    /// Which unit of the request it belongs to.
    pub unit: UnitId,
    /// The policy, if it comes from one; gates and facts have none.
    pub policy: Option<PolicyRef>,
    /// The statement's index and `Sid`, if it comes from one.
    pub statement: Option<(u32, Option<String>)>,
    /// What it says.
    pub kind: AtomKind,
    /// SOME or UNKNOWN keys on which its value depends, canonical and sorted (R-8.22, residual keys).
    pub keys: Vec<String>,
}

/// A formula over residual atoms; constants are folded away by whoever builds it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Formula {
    /// True.
    True,
    /// False.
    False,
    /// An atom whose value is not known.
    Atom(Box<ResidualAtom>),
    /// All of them.
    And(Vec<Formula>),
    /// One of them.
    Or(Vec<Formula>),
    /// The opposite.
    Not(Box<Formula>),
}

/// What an open answer depends on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Residual {
    /// When the request is explicitly denied.
    pub deny: Formula,
    /// When it is allowed, unless denied.
    pub allow: Formula,
}

/// A decision with everything that explains it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The decision.
    pub decision: Decision,
    /// The statements and failed requirements behind it.
    pub explanation: Explanation,
    /// For `Conditional`: what it depends on.
    pub residual: Option<Residual>,
    /// For `Conditional`: the condition keys it depends on, canonical, sorted, without duplicates.
    pub residual_keys: Vec<String>,
    /// Findings about the request (`W-UNKNOWN-ACTION` …), sorted, without duplicates.
    pub warnings: Vec<String>,
}

impl Answer {
    /// Deny statements that are True or Unknown, over all units, sorted, each once.
    pub fn denied_by(&self) -> Vec<StatementRef> {
        self.collect(|unit| &unit.deny)
    }

    /// Allow statements that are True or Unknown, over all units, sorted, each once.
    pub fn allowed_by(&self) -> Vec<StatementRef> {
        self.collect(|unit| &unit.allow)
    }

    /// Reason codes over all units, sorted, each once. A unit that fails in a request of several units adds
    /// `UNIT(i)` beside its own codes.
    pub fn missing(&self) -> Vec<Missing> {
        let mut all: Vec<Missing> = self.explanation.units.iter().flat_map(|unit| unit.missing.clone()).collect();
        all.sort();
        all.dedup();
        all
    }

    fn collect(&self, list: impl Fn(&UnitExplanation) -> &Vec<Contribution>) -> Vec<StatementRef> {
        let mut all: Vec<StatementRef> =
            self.explanation.units.iter().flat_map(|unit| list(unit).iter().map(|c| c.statement.clone())).collect();
        all.sort();
        all.dedup();
        all
    }
}
