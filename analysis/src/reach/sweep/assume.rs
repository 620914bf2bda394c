//! Steps of the family `assume` (P-4.1): whom the trust policies of roles admit.

use super::{Bundle, By, Outcome, Sweep, Which, Whom};
use crate::reach::ask::{self, GLOBAL_REGION};
use crate::reach::crowd::{Answer, Callers, Crowd, as_role};
use crate::reach::fact::{Fact, Form, Holds, Identity};
use crate::reach::steps::Engine;
use crate::reach::world::Origin;
use fixedbitset::FixedBitSet;
use iamc_policy::Principal;
use iamc_policy::condition::ConditionKey;
use iamc_policy::request::{KeyState, Request, RequestResource, ResourceInRequest};
use std::collections::{BTreeMap, BTreeSet};

impl Engine {
    /// `sts:AssumeRole` on a role by nobody in particular, as a user makes it, and the same by anybody, whatever Region and
    /// source identity.
    fn assume_requests(&self, role: Identity) -> [Request; 2] {
        let mut request = ask::blank(Principal::Anonymous, self.assume_action.clone(), GLOBAL_REGION);
        request.resources.push(ResourceInRequest::new(RequestResource::Arn(self.base.arn(role).clone())));
        let mut open = request.clone();
        open.facts.session_unknown = true;
        for key in ["aws:RequestedRegion", "aws:SourceIdentity"] {
            open.context.insert(ConditionKey::new(key), KeyState::Unknown);
        }
        request.context.extend(self.stated.keys.clone());
        open.context.extend(self.stated.keys.clone());
        [request, open]
    }

    /// Who in a form may assume the roles that may admit anybody: asked of everybody at once.
    ///
    /// Cost: a few questions for each such role.
    pub(crate) fn sweep_everybody(&mut self, form: Form) -> Outcome<Vec<Bundle>> {
        let mut crowd = self.take_crowd(form, &Whom::Assuming)?;
        // A list for few callers is smaller than a set.
        let listed = |crowd: &Crowd, lanes: &FixedBitSet| -> Box<[Identity]> {
            let ids = crowd.identities_of(lanes).filter(|id| self.base.origin(*id) != Origin::Probe);
            ids.collect()
        };
        let mut roles_of: BTreeMap<Box<[Identity]>, Vec<(Fact, By)>> = BTreeMap::new();
        let row = self.assume_row();
        let mut open: Vec<(Identity, Box<[Identity]>)> = Vec::new();
        for role in &self.base.trusting_all {
            let Admitted { definite, possible, elsewhere } = self.admitted(&mut crowd, *role);
            if !elsewhere.is_clear() {
                open.push((*role, listed(&crowd, &elsewhere)));
            }
            for (lanes, holds) in [(definite, Holds::Definitely), (possible, Holds::Possibly)] {
                if !lanes.is_clear() {
                    let gain = (Fact::Controls(*role), By { holds, row });
                    roles_of.entry(listed(&crowd, &lanes)).or_default().push(gain);
                }
            }
        }
        let bundles = roles_of.into_iter().filter(|(callers, _)| !callers.is_empty());
        let mut bundles: Vec<Bundle> = bundles.map(|(callers, roles)| Bundle::new(callers.into(), roles)).collect();
        // Who is not settled may do it in some Region of their own, since STS answers in each.
        let mut by_account: BTreeMap<u32, Vec<(Identity, Callers)>> = BTreeMap::new();
        for (role, callers) in open {
            for id in callers {
                let account = self.base.account_of[id as usize];
                let n = self.base.identities_in[account as usize].len();
                let roles = by_account.entry(account).or_default();
                if roles.last().is_none_or(|(last, _)| *last != role) {
                    roles.push((role, Callers::with_capacity(n)));
                }
                if let Some((_, callers)) = roles.last_mut() {
                    callers.insert(self.base.place_of[id as usize] as usize);
                }
            }
        }
        // Nobody that the compiled world lists: decided one by one.
        let is_asked = |id: &Identity| self.base.may_act(*id, form) && !crowd.knows(*id);
        let unlisted = (0..self.base.n_identities).filter(is_asked).collect::<Vec<_>>();
        self.return_crowd(form, &Whom::Assuming, crowd);
        for (account, roles) in by_account {
            bundles.extend(self.sweep_with(account, form, Whom::Assuming, |sweep| {
                roles.iter().try_for_each(|(role, perhaps)| sweep.admit_elsewhere(*role, perhaps))
            })?);
        }
        for id in unlisted {
            for role in self.base.trusting_all.clone() {
                if role != id
                    && let Some(step) = self.assume_step(id, form, role, None)?
                {
                    bundles.extend(Bundle::of_steps(id, &[step]));
                }
            }
        }
        Ok(bundles)
    }

    fn admitted(&self, crowd: &mut Crowd, role: Identity) -> Admitted {
        let [request, open] = self.assume_requests(role);
        let (mut definite, mut elsewhere) = crowd.ask_all(open);
        elsewhere.difference_with(&definite);
        let mut possible = FixedBitSet::with_capacity(elsewhere.len());
        if !elsewhere.is_clear() {
            let (mut sure, mut own) = crowd.ask_all(as_role(&request, KeyState::Absent));
            let (sure_users, users) = crowd.ask_all(request);
            for (own, mut of_users) in [(&mut sure, sure_users), (&mut own, users)] {
                of_users.intersect_with(crowd.users());
                own.difference_with(crowd.users());
                own.union_with(&of_users);
            }
            definite.union_with(&sure);
            possible = own;
            possible.difference_with(&definite);
            elsewhere.difference_with(&possible);
            elsewhere.difference_with(&definite);
        }
        Admitted { definite, possible, elsewhere }
    }
}

/// Whom a role admits, by principals of the set.
struct Admitted {
    definite: FixedBitSet,
    /// The others who may be.
    possible: FixedBitSet,
    /// Those who may be in another Region.
    elsewhere: FixedBitSet,
}

impl Sweep<'_> {
    /// Roles whose trust policies may name somebody of the account.
    pub(super) fn assume(&mut self, which: Which) -> Outcome<()> {
        let base = &self.engine.base;
        let number = base.accounts[self.account as usize].id;
        let named = base.trusting.get(&number).into_iter().flatten().copied();
        let is_own = |role: &Identity| base.account_of[*role as usize] == self.account;
        let is_everybodys = |role: &Identity| base.trusting_all.binary_search(role).is_ok();
        let roles: BTreeSet<Identity> = match which {
            Which::Usual if self.form == Form::default() => named.filter(|role| !is_everybodys(role)).collect(),
            Which::Usual => named.chain(base.trusting_all.iter().copied()).filter(is_own).collect(),
            Which::Abroad => named.filter(|role| !is_everybodys(role) && !is_own(role)).collect(),
        };
        roles.into_iter().try_for_each(|role| self.assume_one(role))
    }

    pub(super) fn assume_one(&mut self, role: Identity) -> Outcome<()> {
        let [request, open] = self.engine.assume_requests(role);
        let (base, account) = (&self.engine.base, self.account);
        let Answer { mut definite, possible: mut elsewhere } = self.crowd.answer(base, account, open);
        let mut possible = definite.clone();
        elsewhere.difference_with(&definite);
        if !elsewhere.is_disjoint(&self.all) {
            let own = self.crowd.who(base, account, &request);
            definite.union_with(&own.definite);
            possible.union_with(&own.possible);
            elsewhere.difference_with(&own.possible);
        }
        possible.intersect_with(&self.all);
        definite.intersect_with(&self.all);
        self.gain_asked(Fact::Controls(role), self.engine.assume_row(), &possible, &definite);
        self.admit_elsewhere(role, &elsewhere)
    }

    /// Those whom a role admits in a Region of their choice.
    fn admit_elsewhere(&mut self, role: Identity, perhaps: &Callers) -> Outcome<()> {
        let fact = Fact::Controls(role);
        let mut perhaps = perhaps.clone();
        perhaps.intersect_with(&self.all);
        let region = ConditionKey::new("aws:RequestedRegion");
        if perhaps.is_clear() || self.engine.stated.keys.contains_key(&region) {
            return Ok(());
        }
        let [mut request, _] = self.engine.assume_requests(role);
        for (name, have) in self.regions()?.iter() {
            let mut left = self.without(perhaps.clone(), fact);
            left.intersect_with(have);
            if !left.is_clear() {
                request.context.insert(region.clone(), KeyState::one(name));
                let mut own = self.who(&request);
                own.possible.intersect_with(&left);
                own.definite.intersect_with(&left);
                self.gain_asked(fact, self.engine.assume_row(), &own.possible, &own.definite);
            }
        }
        Ok(())
    }
}
