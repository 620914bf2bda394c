//! What a condition depends on, as far as callers differ: what is the same for everybody is evaluated once.
//!
//! The callers of a question are users and sessions of roles. Where a key's state follows from the caller (table 5.2), it
//! follows from the kind of caller, from the caller's account, or from the caller itself.

use crate::batch::depends;
use crate::code::{Step, Steps};
use crate::conditions::{Manner, Reading, read_operator};
use crate::keys::*;
use crate::layout::*;
use crate::pattern::{HAS_OWN, HAS_VARIABLES};
use crate::set::{CompiledPolicySet, rows};
use iamc_policy::request::Mode;

/// How far callers have to be told apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub(crate) enum Level {
    /// Not at all.
    #[default]
    Once,
    /// Users from roles.
    Kind,
    /// By account and kind.
    Account,
    /// Each from every other.
    Lane,
}

/// What an atom, a block, a pattern or a statement depends on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Depends {
    pub(crate) level: Level,
    /// Some key is about the owner of the resource, who is the caller's own account where no ARN is asked about.
    pub(crate) about_owner: bool,
    /// Some key depends on the caller, and some other key, or the name of a session, does not follow from the set alone.
    pub(crate) mixed: bool,
    /// Some pattern holds the account of the owner of the policy.
    pub(crate) own: bool,
    /// An atom that depends on the caller only by the number of his account, which is searched for in texts.
    pub(crate) by_number: bool,
}

impl Depends {
    fn join(self, other: Depends) -> Depends {
        Depends {
            level: self.level.max(other.level),
            about_owner: self.about_owner | other.about_owner,
            mixed: self.mixed | other.mixed,
            own: self.own | other.own,
            by_number: self.by_number & other.by_number,
        }
    }

    /// The level where the owner of the resource is the caller's account (`owner_varies`), or is not.
    pub(crate) fn level(self, owner_varies: bool) -> Level {
        if owner_varies && self.about_owner { self.level.max(Level::Account) } else { self.level }
    }

    /// Depends on the caller, and on nothing else that a request could say.
    pub(crate) fn is_of_principals(self, owner_varies: bool) -> bool {
        self.level >= Level::Account && !self.mixed && !(owner_varies && self.about_owner)
    }
}

/// The same for each row of the tables.
#[derive(Debug, Clone, Default)]
pub(crate) struct Dependence {
    pub(crate) atoms: Vec<Depends>,
    pub(crate) patterns: Vec<Level>,
    /// By resource test.
    pub(crate) tests: Vec<Depends>,
    /// By condition block.
    settled: Vec<Settled>,
}

/// What settles a condition block for all users and for all roles.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Settled {
    /// More than the context.
    Never,
    /// In closed mode the context.
    IfClosed,
    /// The context.
    Always,
}

/// What settles an atom, from what it depends on beside callers (table 5.2 read backwards) and from how callers differ in it.
fn settled(bits: u8, level: Level) -> Settled {
    let by_kind = if level <= Level::Kind { depends::PRINCIPAL } else { 0 };
    match bits & !by_kind {
        _ if level > Level::Kind => Settled::Never,
        0 => Settled::Always,
        depends::ACTION_IF_OPEN => Settled::IfClosed,
        _ => Settled::Never,
    }
}

/// How the state of a key depends on the caller: its level, whether the name of the session has a part in it, whether
/// the owner of the resource has.
fn of_key(class: KeyClass) -> (Level, bool, bool) {
    let plain = |level| (level, false, false);
    match class {
        KeyClass::PrincipalTag => plain(Level::Lane),
        KeyClass::Oidc | KeyClass::Saml => plain(Level::Kind),
        KeyClass::ResourceTag | KeyClass::RequestTag | KeyClass::Other => plain(Level::Once),
        KeyClass::Special(id) => match id {
            PRINCIPAL_ARN | USER_NAME => plain(Level::Lane),
            USER_ID => (Level::Lane, true, false),
            PRINCIPAL_ACCOUNT | PRINCIPAL_ORG_ID | PRINCIPAL_ORG_PATHS => plain(Level::Account),
            PRINCIPAL_TYPE | MFA_AGE | MFA_PRESENT | SAML_NAME_QUALIFIER | SAML_SUB | SAML_SUB_TYPE => {
                plain(Level::Kind)
            }
            _ if is_session_origin(id) => plain(Level::Kind),
            RESOURCE_ACCOUNT | RESOURCE_ORG_ID | RESOURCE_ORG_PATHS => (Level::Once, false, true),
            // What remains tells services, federated and anonymous callers apart, or nobody.
            _ => plain(Level::Once),
        },
    }
}

/// The level of a key by itself, for keys that a request gives.
pub(crate) fn level_of(class: KeyClass) -> Level {
    of_key(class).0
}

/// True iff the state of a key follows from the owner of the resource.
pub(crate) fn is_about_owner(class: KeyClass) -> bool {
    of_key(class).2
}

/// Several keys together.
#[derive(Default)]
struct Keys {
    depends: Depends,
    some_fixed: bool,
    some_named: bool,
    /// Some key depends on the caller and is not his account.
    some_other: bool,
}

impl Keys {
    fn add(&mut self, set: &CompiledPolicySet, key: u32) {
        let (level, by_session, about_owner) = of_key(set.key(key).class);
        self.depends.level = self.depends.level.max(level);
        self.depends.about_owner |= about_owner;
        self.some_fixed |= level < Level::Account;
        self.some_named |= by_session;
        self.some_other |= level > Level::Once && set.key(key).class != KeyClass::Special(PRINCIPAL_ACCOUNT);
    }

    fn add_code(&mut self, set: &CompiledPolicySet, code: &[u8]) {
        for step in Steps(code) {
            if let Step::Variable { key, .. } = step {
                self.add(set, key);
            }
        }
    }

    fn finish(self) -> Depends {
        let by_caller = self.depends.level >= Level::Account;
        Depends { mixed: by_caller && (self.some_fixed || self.some_named), ..self.depends }
    }
}

/// What an atom depends on.
pub(crate) fn of_atom(set: &CompiledPolicySet, id: u32) -> Depends {
    let [operator, key, first, count] = set.atom(id);
    let mut keys = Keys::default();
    keys.add(set, key);
    let is_searched = level_of(set.key(key).class) == Level::Once
        && read_operator(operator)
            .is_some_and(|operator| matches!(Manner::of(operator.base).reading, Reading::Text | Reading::Arn));
    for value in first..first + count {
        let value = set.value(value);
        if value.has_variables() {
            match value.arn_codes() {
                Some(codes) if value.form == crate::conditions::ARN => {
                    codes.into_iter().for_each(|code| keys.add_code(set, code));
                }
                _ => keys.add_code(set, value.data),
            }
        }
    }
    let by_number = is_searched && !keys.some_other;
    Depends { by_number, ..keys.finish() }
}

impl Dependence {
    /// Cost: O(atoms, their values, patterns).
    pub(crate) fn new(set: &CompiledPolicySet) -> Dependence {
        let tables = set.tables();
        let atoms = (0..(tables.atoms.len() / ATOM_ROW) as u32).map(|id| of_atom(set, id));
        let of_pattern = |id: u32| {
            let mut keys = Keys::default();
            let pattern = set.pattern(id);
            if pattern.shape & HAS_VARIABLES != 0 {
                keys.add_code(set, pattern.code);
            }
            Depends { own: pattern.shape & HAS_OWN != 0, ..keys.finish() }
        };
        let patterns: Vec<Depends> = (0..(tables.patterns.len() / PATTERN_ROW) as u32).map(of_pattern).collect();
        let tests = rows::<3>(&tables.resource_tests).iter().map(|[_, first, count]| {
            let own = &tables.resource_entries[*first as usize..(*first + *count) as usize];
            own.iter().map(|id| patterns[*id as usize]).fold(Depends::default(), Depends::join)
        });
        let atoms: Vec<Depends> = atoms.collect();
        let of_atom = |id: &u32| settled(set.depends()[*id as usize], atoms[*id as usize].level);
        let of_block = |id: u32| set.block(id).1.iter().map(of_atom).min().unwrap_or(Settled::Always);
        let settled = (0..(tables.blocks.len() / 3) as u32).map(of_block).collect();
        Dependence {
            settled,
            atoms,
            tests: tests.collect(),
            patterns: patterns.iter().map(|depends| depends.level).collect(),
        }
    }

    /// True iff the context alone settles a block, for all users and for all roles.
    pub(crate) fn keeps_block(&self, block: u32, mode: Mode) -> bool {
        match self.settled[block as usize] {
            Settled::Never => false,
            Settled::IfClosed => mode == Mode::Closed,
            Settled::Always => true,
        }
    }

    pub(crate) fn heap_bytes(&self) -> usize {
        size_of::<Depends>() * (self.atoms.len() + self.tests.len()) + self.patterns.len() + self.settled.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn special_keys_are_told_apart() {
        let level = |name: &str| {
            let id = SPECIAL.iter().position(|special| *special == name).unwrap();
            of_key(KeyClass::Special(id as u32)).0
        };
        assert_eq!(level("aws:principalarn"), Level::Lane);
        assert_eq!(level("aws:principalorgid"), Level::Account);
        assert_eq!(level("aws:sourceidentity"), Level::Kind);
        assert_eq!(level("aws:sourceip"), Level::Once);
    }

    #[test]
    fn what_the_context_settles_is_kept() {
        let of = |bits, level| settled(bits, level);
        assert_eq!(of(0, Level::Once), Settled::Always);
        assert_eq!(of(depends::PRINCIPAL, Level::Kind), Settled::Always);
        assert_eq!(of(depends::PRINCIPAL, Level::Account), Settled::Never);
        assert_eq!(of(0, Level::Lane), Settled::Never);
        assert_eq!(of(depends::ACTION_IF_OPEN, Level::Once), Settled::IfClosed);
        assert_eq!(of(depends::ACTION_IF_OPEN | depends::RESOURCE, Level::Once), Settled::Never);
        assert_eq!(of(depends::ACTION, Level::Once), Settled::Never);
    }

    #[test]
    fn levels_join() {
        let lane = Depends { level: Level::Lane, ..Depends::default() };
        let owner = Depends { about_owner: true, ..Depends::default() };
        let both = lane.join(owner);
        assert_eq!((both.level, both.about_owner, both.mixed), (Level::Lane, true, false));
        assert!(lane.is_of_principals(true) && !both.is_of_principals(true) && both.is_of_principals(false));
        assert_eq!((owner.level(true), owner.level(false)), (Level::Account, Level::Once));
    }
}
