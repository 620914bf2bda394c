//! What an evaluation of section 0 computes with and leaves behind: truth values and nothing, or formulas and an
//! explanation.

use crate::eval::{Eval, Key, Whose};
use crate::factors::{Factors, Levels};
use crate::layout::NONE;
use crate::logic::{K, Logic, Tri};
use crate::plan::Side;
use crate::units::Implied;
use iamc_policy::PolicyKind;
use iamc_policy::decision::ReasonCode;

/// What is not known, for whoever turns it into an atom of a residual.
#[derive(Clone, Copy)]
pub(crate) enum Open<'o, 'a> {
    /// A condition atom of a statement.
    Condition { located: &'o Located, atom: u32 },
    /// A resource entry of a statement.
    Resource { located: &'o Located, pattern: u32 },
    /// Whether a resource entry of a statement is null (R-3.10, by its switch).
    NullResource { located: &'o Located, pattern: u32 },
    /// A principal entry that names a session.
    SessionName { located: &'o Located, text: u32 },
    /// A policy without text, attached to nothing in particular.
    Policy { kind: PolicyKind, name: PolicyName },
    /// A policy without text, with its attachment.
    Attached { kind: PolicyKind, name: PolicyName, at: At },
    /// A fact of the request.
    Fact(&'static str),
    /// Whether the constraints of a grant hold: of those of the request, then those of the inventory.
    GrantHolds { index: usize },
    /// A grant that names a session.
    GrantSession { principal: &'o [u8] },
    /// The presence of a key that asks for an action.
    Asks { key: Key<'a>, implied: Implied },
    /// `Bool {aws:MultiFactorAuthPresent: true}`.
    MultiFactor,
}

/// The name of a policy without text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PolicyName {
    /// `*`: all that was not exported.
    Any,
    /// That of an instance.
    Instance(Whose, u32),
}

impl PolicyName {
    pub(crate) fn of_base(instance: u32) -> PolicyName {
        PolicyName::Instance(Whose::Base, instance)
    }
}

/// Where a policy is attached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum At {
    Direct,
    /// To a group; the row of `attachments` knows which.
    Group(u32),
    /// To the entity with that name, at that position of the path.
    Level(u32, u32),
}

/// A statement of an applicable policy, with its origin.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Located {
    pub(crate) whose: Whose,
    pub(crate) instance: u32,
    /// Index of the account that owns the policy, or NONE.
    pub(crate) home: u32,
    pub(crate) kind: PolicyKind,
    pub(crate) at: At,
    /// Left out of explanations.
    pub(crate) hidden: bool,
    /// At a gateway endpoint.
    pub(crate) gateway: bool,
    pub(crate) statement: u32,
    /// Position in the document.
    pub(crate) index: u32,
    pub(crate) deny: bool,
    /// The resource test as rules say it.
    pub(crate) resource: u32,
    /// The condition block or NONE.
    pub(crate) block: u32,
}

impl Located {
    /// A statement of a policy that is not known yet.
    pub(crate) fn nowhere() -> Located {
        Located {
            whose: Whose::Base,
            instance: NONE,
            home: NONE,
            kind: PolicyKind::Identity,
            at: At::Direct,
            hidden: false,
            gateway: false,
            statement: NONE,
            index: 0,
            deny: false,
            resource: NONE,
            block: NONE,
        }
    }
}

/// The part that a pool plays, for the witness.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    Identity,
    Boundary,
    Session,
    /// SCP levels and the endpoint policy: each needs an Allow.
    Guardrail,
    /// RCPs, which only deny.
    Rcp,
    Resource,
}

/// What an evaluation computes with, and what it leaves behind.
pub(crate) trait Recorder: Sized {
    type Value: Logic;
    /// True: read every statement and stop at nothing.
    const RECORDS: bool;

    /// The value of something that is not known.
    fn open<'a>(&mut self, eval: &mut Eval<'a>, what: Open<'_, 'a>) -> Self::Value;

    /// True: a certain deny ends the evaluation of a unit.
    fn stops_at_deny(&self) -> bool {
        false
    }

    /// A pool begins.
    fn begin(&mut self, _role: Role) {}

    /// A statement of the pool that began last: action, resource and conditions; levels of the principal; the whole.
    fn statement(
        &mut self,
        _eval: &Eval<'_>,
        _located: &Located,
        _body: &Self::Value,
        _levels: &Levels<Self::Value>,
        _applies: &Self::Value,
    ) {
    }

    /// The truth value that a value is, where it is nothing else.
    fn truth(_value: &Self::Value) -> Option<Tri> {
        None
    }

    /// The value of a truth value, where values are nothing else.
    fn of_truth(_truth: Tri) -> Option<Self::Value> {
        None
    }

    /// A requirement and its value.
    fn require(&mut self, _code: ReasonCode, _entity: Option<&str>, _value: &Self::Value) {}

    /// The factors of `core`, once they are known.
    fn factors(&mut self, _factors: &Factors<Self::Value>, _side: Side) {}
}

/// Truth values, and nothing recorded.
pub(crate) struct Plain {
    /// A certain deny settles the unit; what else it says does not matter.
    pub(crate) stops_at_deny: bool,
}

impl Plain {
    pub(crate) fn new() -> Plain {
        Plain { stops_at_deny: false }
    }
}

impl Recorder for Plain {
    type Value = Tri;
    const RECORDS: bool = false;

    fn open<'a>(&mut self, _: &mut Eval<'a>, _: Open<'_, 'a>) -> Tri {
        K::UNKNOWN
    }

    fn stops_at_deny(&self) -> bool {
        self.stops_at_deny
    }

    fn truth(value: &Tri) -> Option<Tri> {
        Some(*value)
    }

    fn of_truth(truth: Tri) -> Option<Tri> {
        Some(truth)
    }
}
