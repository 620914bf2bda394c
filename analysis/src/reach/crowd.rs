//! One request asked of everybody of an account at once: what most callers may not do is then passed over without a decision
//! about each of them (P-15.10).
//!
//! A question leaves open what callers choose or what differs between them, so whoever is not among the possible is not
//! under any choice; whoever is definite is so under each.

use super::fact::Identity;
use super::world::Base;
use fixedbitset::FixedBitSet;
use iamc_policy::Decision;
use iamc_policy::condition::ConditionKey;
use iamc_policy::request::{KeyState, Request};
use iamc_runtime::{CompiledPolicySet, Inverse, PrincipalId, Question, QuestionScratch, Scope, who_can};
use std::sync::Arc;

/// What marks a principal of the set that is no identity of the search.
const NOBODY: Identity = Identity::MAX;

/// Identities of one account, by their places in it.
pub(crate) type Callers = FixedBitSet;

/// Whose request is allowed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Answer {
    /// Whatever is not known.
    pub(crate) definite: Callers,
    /// Under some completion of it; all of `definite` are among them.
    pub(crate) possible: Callers,
}

/// The identities of a compiled world, all of which are asked together.
pub(crate) struct Crowd {
    inverse: Inverse,
    scratch: QuestionScratch,
    /// By principal of the set.
    identities: Vec<Identity>,
    is_listed: FixedBitSet,
    /// By principal of the set: it is a user of the search.
    users: FixedBitSet,
    pub(crate) n_asked: u64,
}

impl Crowd {
    /// Cost: O(rows of the set).
    pub(crate) fn new(set: &Arc<CompiledPolicySet>, base: &Base) -> Crowd {
        let inverse = Inverse::new(Arc::clone(set));
        let mut identities = Vec::new();
        let mut is_listed = FixedBitSet::with_capacity(base.account_of.len());
        while let Some(arn) = set.principal_arn(PrincipalId::new(identities.len() as u32)) {
            let id = base.by_arn.get(arn).copied();
            if let Some(id) = id {
                is_listed.insert(id as usize);
            }
            identities.push(id.unwrap_or(NOBODY));
        }
        let mut users = FixedBitSet::with_capacity(identities.len());
        users.extend(
            (0..identities.len()).filter(|lane| identities[*lane] != NOBODY && base.is_user(identities[*lane])),
        );
        Crowd { inverse, scratch: QuestionScratch::default(), identities, is_listed, users, n_asked: 0 }
    }

    /// Whether answers say something about the identity.
    pub(crate) fn knows(&self, id: Identity) -> bool {
        self.is_listed.contains(id as usize)
    }

    /// Principals of the set that are users.
    pub(crate) fn users(&self) -> &FixedBitSet {
        &self.users
    }

    /// The identities that some principals of the set are.
    pub(crate) fn identities_of<'c>(&'c self, lanes: &'c FixedBitSet) -> impl Iterator<Item = Identity> + 'c {
        lanes.ones().map(|lane| self.identities[lane]).filter(|id| *id != NOBODY)
    }

    /// Principals of the set whose request is allowed, whatever is not known, and those whose request may be.
    pub(crate) fn ask_all(&mut self, request: Request) -> (FixedBitSet, FixedBitSet) {
        self.n_asked += 1;
        let n = self.identities.len();
        let question = Question::new(request).with_session_name(super::world::SESSION);
        let Ok(found) = who_can(&self.inverse, &question, Scope::All, &mut self.scratch) else {
            return (FixedBitSet::with_capacity(n), FixedBitSet::with_capacity(n));
        };
        let [allow, explicit, implicit] = found.rows();
        let halves = |word: u64| [word as u32, (word >> 32) as u32];
        let sure = allow.iter().zip(explicit).zip(implicit).map(|((allow, deny), none)| allow & !deny & !none);
        let sure = FixedBitSet::with_capacity_and_blocks(n, sure.flat_map(halves));
        (sure, FixedBitSet::with_capacity_and_blocks(n, allow.iter().copied().flat_map(halves)))
    }

    /// Who of an account may make the request, as [`super::ask::by_identity`] would bind it for each of them. `request`: as a
    /// user makes it; its principal is not looked at.
    pub(crate) fn who(&mut self, base: &Base, account: u32, request: &Request) -> Answer {
        // Whatever source identity: mostly that settles it for users and roles at once.
        let mut answer = self.answer(base, account, as_role(request, KeyState::Unknown));
        let mut open = answer.possible.clone();
        open.difference_with(&answer.definite);
        let n_users = base.n_users_in(account);
        let (some_user, some_role) = (open.ones().any(|at| at < n_users), open.ones().any(|at| at >= n_users));
        let mut settle = |request, is_own: &dyn Fn(usize) -> bool| {
            let exact = self.answer(base, account, request);
            for at in open.ones().filter(|at| is_own(*at)) {
                answer.possible.set(at, exact.possible.contains(at));
                answer.definite.set(at, exact.definite.contains(at));
            }
        };
        if some_user {
            settle(request.clone(), &|at| at < n_users);
        }
        if some_role {
            settle(as_role(request, KeyState::Absent), &|at| at >= n_users);
        }
        answer
    }

    /// Who of an account may make the request, the same for users and roles; nobody, if it is ill-formed.
    ///
    /// Cost: see [`who_can`].
    pub(crate) fn answer(&mut self, base: &Base, account: u32, request: Request) -> Answer {
        let n = base.identities_in[account as usize].len();
        let mut answer = Answer { definite: Callers::with_capacity(n), possible: Callers::with_capacity(n) };
        let accounts = [base.accounts[account as usize].id];
        self.n_asked += 1;
        let question = Question::new(request).with_session_name(super::world::SESSION);
        let scope = Scope::Accounts(&accounts);
        let Ok(found) = who_can(&self.inverse, &question, scope, &mut self.scratch) else { return answer };
        for (principal, code) in found.iter() {
            let id = self.identities.get(principal.get() as usize).copied().filter(|id| *id != NOBODY);
            // The account of an ARN that names none is none.
            let Some(id) = id.filter(|id| base.account_of[*id as usize] == account) else { continue };
            let place = base.place_of[id as usize] as usize;
            answer.possible.insert(place);
            answer.definite.set(place, code.decision() == Some(Decision::Allow));
        }
        answer
    }
}

/// A request of a user as roles make it.
pub(crate) fn as_role(request: &Request, source_identity: KeyState) -> Request {
    let mut request = request.clone();
    request.facts.session_unknown = true;
    // P-4.5 binds the source identity of roles alone.
    request.context.entry(ConditionKey::new("aws:SourceIdentity")).or_insert(source_identity);
    request
}
