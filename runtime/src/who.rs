//! Whom a `Principal` element means and whom `NotPrincipal` spares (6.8).

use crate::caller::Kind;
use crate::eval::Eval;
use crate::factors::Levels;
use crate::layout::{NEGATED, NONE, PRINCIPAL_ENTRY_ROW};
use crate::logic::{K, Logic, Tri};
use crate::principals::{self, EntryKind};
use crate::record::{Located, Open, PolicyName, Recorder};
use iamc_policy::PolicyKind;
use iamc_policy::decision::GrantLevel;
use iamc_policy::settings::NotPrincipalChain;

type Entry = [u32; PRINCIPAL_ENTRY_ROW];

impl<'a> Eval<'a> {
    /// The levels at which the principal element of a statement holds for the caller.
    pub(crate) fn principal_levels<R: Recorder>(&mut self, recorder: &mut R, located: &Located) -> Levels<R::Value> {
        let set = self.tables_of(located.whose);
        let [.., test] = set.statement(located.statement);
        let mut levels = Levels::nothing();
        if test == NONE || !located.kind.has_principal() {
            // It speaks of whoever it is attached to.
            levels.add(GrantLevel::SelfLevel, R::Value::constant(true));
            return levels;
        }
        let (flags, entries) = set.principal_test(test);
        if !self.caller.own_is_written
            && entries.iter().any(|entry| EntryKind::read(entry[0]) == Some(EntryKind::RoleSession))
        {
            self.write_own();
        }
        if flags & NEGATED != 0 {
            let value = self.spared(recorder, located, entries).not();
            levels.add(GrantLevel::Star, value);
            return levels;
        }
        for entry in entries {
            if let Some((level, value)) = self.reach(entry, located.gateway) {
                let value = self.lift(recorder, value, Open::SessionName { located, text: entry[1] });
                levels.add(level, value);
            }
        }
        levels
    }

    /// the level that an entry reaches; unknown only for sessions.
    fn reach(&self, entry: &Entry, gateway: bool) -> Option<(GrantLevel, Tri)> {
        let kind = EntryKind::read(entry[0])?;
        let caller = &self.caller;
        let is = |text: crate::scratch::Text| self.bytes(text) == self.set.string(entry[1]);
        let own = |holds: bool| holds.then_some((GrantLevel::SelfLevel, K::TRUE));
        let base = |holds: bool| holds.then_some((GrantLevel::Base, K::TRUE));
        let is_base = || caller.base.is_some_and(is);
        if gateway && !matches!(kind, EntryKind::Everyone | EntryKind::EveryoneUnderAws) {
            // an account means its root user, and nobody else is meant.
            let account = matches!(kind, EntryKind::Account | EntryKind::CanonicalUser);
            return own(account && caller.kind == Kind::Root && self.names_account(kind, entry));
        }
        match (kind, caller.kind) {
            // `{"AWS": "*"}` does not mean federated callers.
            (EntryKind::EveryoneUnderAws, Kind::FedIdp) if !gateway => None,
            (EntryKind::Everyone | EntryKind::EveryoneUnderAws, _) => Some((GrantLevel::Star, K::TRUE)),
            (EntryKind::Account | EntryKind::CanonicalUser, _) => {
                self.names_account(kind, entry).then(|| (self.account_level(), K::TRUE))
            }
            (EntryKind::User, Kind::User) => own(is(caller.own)),
            (EntryKind::User, Kind::FedUser) => base(is_base()),
            (EntryKind::Role, Kind::RoleSession) => base(is_base()),
            (EntryKind::RoleSession, Kind::RoleSession) if caller.session_known => own(is(caller.own)),
            (EntryKind::RoleSession, Kind::RoleSession) => {
                let same = same_role(self.set.string(entry[1]), self.bytes(caller.own));
                same.then_some((GrantLevel::SelfLevel, K::UNKNOWN))
            }
            (EntryKind::FederatedUser, Kind::FedUser) => own(is(caller.own)),
            (EntryKind::UniqueId, Kind::User) => own(caller.unique_id.is_some_and(is)),
            (EntryKind::UniqueId, Kind::RoleSession | Kind::FedUser) => base(caller.unique_id.is_some_and(is)),
            (EntryKind::Service, Kind::Service) => own(is(caller.own)),
            (EntryKind::Federated, Kind::FedIdp) => own(is(caller.own)),
            _ => None,
        }
    }

    /// the entry names the caller's account.
    fn names_account(&self, kind: EntryKind, entry: &Entry) -> bool {
        let Some(account) = self.caller.account else { return false };
        if kind == EntryKind::CanonicalUser {
            return self.canonical_account(self.set.string(entry[1])) == Some(account.number());
        }
        let other_partition = match (self.set.optional_text(entry[3]), self.ask.who.partition()) {
            (Some(named), Some(own)) => named != own,
            _ => false,
        };
        principals::account(entry) == account.number() && !other_partition
    }

    /// from the request's facts, else from the inventory.
    pub(crate) fn canonical_account(&self, id: &[u8]) -> Option<u64> {
        let stated = self.ask.facts.canonical_users.iter().find(|(known, _)| known.as_bytes() == id);
        stated.map(|(_, account)| account.number()).or_else(|| self.set.canonical_account(id))
    }

    /// does `NotPrincipal` leave the caller out?
    fn spared<R: Recorder>(&mut self, recorder: &mut R, located: &Located, entries: &'a [Entry]) -> R::Value {
        let everyone = entries.iter().any(|entry| {
            matches!(EntryKind::read(entry[0]), Some(EntryKind::Everyone | EntryKind::EveryoneUnderAws))
                && self.reach(entry, located.gateway).is_some()
        });
        let chain: &[GrantLevel] = match self.caller.kind {
            Kind::User | Kind::FedUser => &[GrantLevel::SelfLevel, GrantLevel::Account],
            Kind::RoleSession => &[GrantLevel::SelfLevel, GrantLevel::Base, GrantLevel::Account],
            Kind::Root | Kind::Service | Kind::FedIdp => &[GrantLevel::SelfLevel],
            Kind::Anonymous => &[],
        };
        let mut listed = Levels::nothing();
        if !everyone {
            for entry in entries {
                // The chain is about who the caller is, at whatever door: speaks of `Principal` only.
                if let Some((level, value)) = self.reach(entry, false) {
                    let value = self.lift(recorder, value, Open::SessionName { located, text: entry[1] });
                    listed.add(level, value);
                }
            }
        }
        let mut elements = <R::Value as Logic>::Many::default();
        chain.iter().for_each(|level| R::Value::push(&mut elements, listed.at(*level).clone()));
        if !located.deny {
            // with Allow, one listed element is enough.
            return if everyone { R::Value::constant(true) } else { R::Value::any(elements) };
        }
        let exempt = if everyone {
            R::Value::constant(true)
        } else if chain.is_empty() {
            R::Value::constant(false)
        } else if self.set.settings().notprincipal == NotPrincipalChain::Lenient {
            R::Value::any(elements)
        } else {
            R::Value::all(elements)
        };
        //
        let without_boundary = match self.has_boundary() {
            Some(has) => R::Value::constant(!has),
            None => recorder.open(self, Open::Policy { kind: PolicyKind::Boundary, name: PolicyName::Any }).not(),
        };
        exempt.and(without_boundary)
    }
}

/// two session ARNs that differ at most in the name of the session.
pub(crate) fn same_role(left: &[u8], right: &[u8]) -> bool {
    fn role(arn: &[u8]) -> Option<&[u8]> {
        arn.iter().rposition(|byte| *byte == b'/').map(|slash| &arn[..slash])
    }
    role(left).is_some() && role(left) == role(right)
}
