//! One request asked of everybody of an account at once, as the world is: what most callers may not do is then passed over
//! without a decision about each of them (P-15.10).
//!
//! A question leaves open what callers choose or what differs between them, so whoever is not among the possible is not
//! under any choice; whoever is definite is so under each.

use super::fact::{Holds, Identity};
use super::world::Base;
use iamc_policy::AccountId;
use iamc_policy::request::Request;
use iamc_runtime::{CompiledPolicySet, Inverse, PrincipalId, Question, QuestionScratch, Scope, who_can};
use std::sync::Arc;

/// What marks a principal of the set that is no identity of the search.
const NOBODY: Identity = Identity::MAX;

/// The identities of a compiled world, all of which are asked together.
pub(crate) struct Crowd {
    inverse: Inverse,
    scratch: QuestionScratch,
    /// By principal of the set.
    identities: Vec<Identity>,
    is_listed: Vec<bool>,
}

impl Crowd {
    /// Cost: O(rows of the set).
    pub(crate) fn new(set: &Arc<CompiledPolicySet>, base: &Base) -> Crowd {
        let inverse = Inverse::new(Arc::clone(set));
        let mut identities = Vec::new();
        let mut is_listed = vec![false; base.account_of.len()];
        while let Some(arn) = set.principal_arn(PrincipalId::new(identities.len() as u32)) {
            let id = base.by_arn.get(arn).copied();
            if let Some(id) = id {
                is_listed[id as usize] = true;
            }
            identities.push(id.unwrap_or(NOBODY));
        }
        Crowd { inverse, scratch: QuestionScratch::default(), identities, is_listed }
    }

    /// Whether answers say something about the identity.
    pub(crate) fn knows(&self, id: Identity) -> bool {
        self.is_listed[id as usize]
    }

    /// Identities of the account, or of all, whose request may be allowed, each with how sure that is, in the order of the set. The
    /// principal of the request is not looked at. `None`: the request is ill-formed whoever makes it.
    ///
    /// Cost: see [`who_can`].
    pub(crate) fn ask(&mut self, request: Request, account: Option<AccountId>) -> Option<Vec<(Identity, Holds)>> {
        let question = Question::new(request).with_session_name(super::world::SESSION);
        let scope = account.as_slice();
        let scope = if scope.is_empty() { Scope::All } else { Scope::Accounts(scope) };
        let found = who_can(&self.inverse, &question, scope, &mut self.scratch).ok()?;
        let principals = found.principals();
        let listed = principals.possible.iter().filter_map(|lane| {
            let id = *self.identities.get(lane as usize).filter(|id| **id != NOBODY)?;
            let is_sure = principals.definite.contains(lane);
            Some((id, if is_sure { Holds::Definitely } else { Holds::Possibly }))
        });
        Some(listed.collect())
    }
}
