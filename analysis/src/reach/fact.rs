//! What a search finds out: facts that steps make true, and the form in which a controlled identity acts.

/// An identity by number: users first, then roles, those that the search may make and those of outsiders last.
pub(crate) type Identity = u32;

/// Something whose policies can be opened (P-3.10 to P-3.13).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Thing {
    /// A user or role.
    Identity(Identity),
    /// A group, by its place in the inventory.
    Group(u32),
    /// A customer managed policy, by its place in the inventory.
    Policy(u32),
}

/// What is different after a step. All of them are monotone (P-15.3): none makes a request fail that held before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Fact {
    /// Requests of the identity can be made (P-3.2, P-3.3).
    Controls(Identity),
    /// Somebody whom a provider gives tokens (P-3.5); by the provider's number.
    ControlsProvider(u32),
    /// Its policies allow everything, whatever they allowed before; denies stay.
    Opened(Thing),
    /// It has no permissions boundary, or one that allows everything (P-3.15, P-3.16).
    Unbounded(Identity),
    /// The user is in the group, too (P-3.17).
    Joined(Identity, u32),
    /// The role's trust policy admits whatever is controlled (P-3.19).
    TrustOpened(Identity),
    /// The role or user of the search's making exists (P-3.6).
    Created(Identity),
    /// The policy of the resource that is asked about admits whatever is controlled (P-3.20).
    Rewritten,
    /// Some controlled node is administrator of the account (P-16.1); by the account's number in the search.
    Administers(u32),
    /// The action that is asked about is allowed on its resource (P-16.3).
    Uses,
}

/// What has been changed about the identity that acts: decisions depend on nothing else that a step of this search
/// changes, but for the trust policy of a target. So few worlds answer for all states.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub(crate) struct Form {
    /// The pool of identity Allows is everything.
    pub(crate) opened: bool,
    /// The boundary is gone.
    pub(crate) unbounded: bool,
    /// The place of one group more among the groups of the account, counted from 1; 0: none.
    pub(crate) group: u32,
    /// The target's trust policy is opened.
    pub(crate) trust: bool,
    /// The policies of resources are opened.
    pub(crate) resource: bool,
}

/// How sure something is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Holds {
    /// Allowed whatever is not known.
    Definitely,
    /// Allowed under some completion of it.
    Possibly,
}

impl Holds {
    /// What holds of two together.
    pub(crate) fn and(self, other: Holds) -> Holds {
        self.max(other)
    }
}
