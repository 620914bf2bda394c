//! Steps of the families `assume` and `federation`: whose trust lets whom in (P-4.1, P-5.1).

use super::{Best, Caller, Engine, Outcome, Step, Takes, Target};
use crate::reach::ask::{self, GLOBAL_REGION};
use crate::reach::crowd::Crowd;
use crate::reach::fact::{Fact, Form, Holds, Identity};
use iamc_policy::AccountId;
use iamc_policy::condition::ConditionKey;
use iamc_policy::request::{KeyState, RequestResource, ResourceInRequest};
use std::collections::BTreeSet;

impl Engine {
    /// P-4.1.
    pub(super) fn assume(
        &mut self,
        id: Identity,
        form: Form,
        is_worth: &dyn Fn(Fact) -> bool,
        found: &mut Best,
    ) -> Outcome<()> {
        if form == Form::default()
            && let Some(takes) = self.takes(id)?
        {
            for (role, holds) in takes {
                if role == id
                    || !is_worth(Fact::Controls(role))
                    || self.is_banned(self.assume_row(), Target::Identity(role))
                {
                    continue;
                }
                let step = match holds {
                    Holds::Definitely => Some(self.sure_assume_step(id, role)),
                    Holds::Possibly if self.worlds.is_rough => Some(Step { holds, ..self.sure_assume_step(id, role) }),
                    Holds::Possibly => self.assume_step(id, form, role, None)?,
                };
                step.into_iter().for_each(|step| found.add(step));
            }
            return Ok(());
        }
        let account = self.base.account(id).id;
        let mut targets: Vec<Identity> = if self.may(id, form, &self.assume_action) {
            let named = self.base.trusting.get(&account).into_iter().flatten();
            named.chain(&self.base.trusting_all).copied().collect()
        } else {
            // within an account a trust that names the caller is enough.
            let named = self.base.trusting_somebody.get(&account).into_iter().flatten();
            let at = self.base.account_of[id as usize];
            named
                .chain(&self.base.trusting_all)
                .copied()
                .filter(|role| self.base.account_of[*role as usize] == at)
                .collect()
        };
        targets.sort_unstable();
        targets.dedup();
        for role in targets {
            if role != id
                && is_worth(Fact::Controls(role))
                && let Some(step) = self.assume_step(id, form, role, None)?
            {
                found.add(step);
            }
        }
        Ok(())
    }

    /// Roles that an identity may assume as the world is, by number: those that are definite are so without a choice or with
    /// everything absent that is at the caller's choice. `None`: nothing is known of the identity.
    fn takes(&mut self, id: Identity) -> Outcome<Option<Vec<(Identity, Holds)>>> {
        if self.crowd.is_none() {
            let plain = self.worlds.plain(&self.base)?;
            self.crowd = Some(Crowd::new(&plain.set, &self.base));
        }
        if !self.crowd.as_ref().is_some_and(|crowd| crowd.knows(id)) {
            return Ok(None);
        }
        let account = self.base.account_of[id as usize];
        let is_rough = self.worlds.is_rough;
        if !self.takes_of_all.contains_key(&is_rough) {
            let takes = self.who_takes(&self.base.trusting_all.clone(), None);
            self.takes_of_all.insert(is_rough, takes);
        }
        if !self.takes.contains_key(&(account, is_rough)) {
            let number = self.base.accounts[account as usize].id;
            let all = &self.base.trusting_all;
            let named = self.base.trusting.get(&number).into_iter().flatten().copied();
            let mut targets: Vec<Identity> = named.filter(|role| all.binary_search(role).is_err()).collect();
            targets.sort_unstable();
            targets.dedup();
            let takes = self.who_takes(&targets, Some(number));
            if is_rough {
                // Callers come account by account, and what is possible for each of them is kept elsewhere.
                self.takes.retain(|(_, is_rough), _| !is_rough);
            }
            self.takes.insert((account, is_rough), takes);
        }
        let own = self.takes[&(account, is_rough)].get(&id).into_iter().flatten();
        let all = self.takes_of_all[&is_rough].get(&id).into_iter().flatten();
        let mut takes: Vec<(Identity, Holds)> = own.chain(all).copied().collect();
        takes.sort_unstable();
        Ok(Some(takes))
    }

    /// Who of an account, or of all, may assume each of the roles.
    fn who_takes(&mut self, roles: &[Identity], account: Option<AccountId>) -> Takes {
        let mut takes = Takes::new();
        let Some(crowd) = self.crowd.as_mut() else { return takes };
        for role in roles {
            let mut request = ask::blank(self.base.principal(*role), self.assume_action.clone(), GLOBAL_REGION);
            request.facts.session_unknown = true;
            request.resources.push(ResourceInRequest::new(RequestResource::Arn(self.base.arn(*role).clone())));
            request.context.extend(self.stated.keys.clone());
            // Whatever Region, whatever source identity.
            let mut open = request.clone();
            for key in ["aws:RequestedRegion", "aws:SourceIdentity"] {
                open.context.insert(ConditionKey::new(key), KeyState::Unknown);
            }
            open.context.extend(self.stated.keys.clone());
            let Some(mut found) = crowd.ask(open, account) else { continue };
            if !self.worlds.is_rough && found.iter().any(|(_, holds)| *holds == Holds::Possibly) {
                // P-4.5 binds the source identity of roles alone.
                for key in ["aws:SourceIdentity", "aws:TagKeys", "sts:SourceIdentity", "sts:TransitiveTagKeys"] {
                    request.context.entry(ConditionKey::new(key)).or_insert(KeyState::Absent);
                }
                let sure = crowd.ask(request, account).unwrap_or_default();
                let sure = sure.into_iter().filter(|(_, holds)| *holds == Holds::Definitely).map(|(id, _)| id);
                let sure: BTreeSet<Identity> = sure.filter(|id| !self.base.is_user(*id)).collect();
                for (id, holds) in &mut found {
                    if sure.contains(id) {
                        *holds = Holds::Definitely;
                    }
                }
            }
            for (id, holds) in found {
                takes.entry(id).or_default().push((*role, holds));
            }
        }
        takes
    }

    /// One `sts:AssumeRole` that is known to be definite.
    fn sure_assume_step(&self, id: Identity, role: Identity) -> Step {
        let row = self.assume_row();
        let step =
            self.step(row, 1, Caller::Identity(id), Form::default(), Target::Identity(role), Fact::Controls(role));
        Step { n_requests: 1, ..step }
    }

    /// One `sts:AssumeRole`; with a condition, in the world in which that condition holds.
    pub(super) fn assume_step(
        &mut self,
        id: Identity,
        form: Form,
        role: Identity,
        condition: Option<Fact>,
    ) -> Outcome<Option<Step>> {
        let row = self.assume_row();
        if self.is_banned(row, Target::Identity(role)) {
            return Ok(None);
        }
        let mut step = self.step(row, 1, Caller::Identity(id), form, Target::Identity(role), Fact::Controls(role));
        step.condition = condition;
        if matches!(condition, Some(Fact::TrustOpened(_))) {
            step.form.trust = true;
        }
        self.settle(step)
    }

    fn assume_row(&self) -> u16 {
        let rows = self.table.primitives();
        rows.iter().position(|row| row.id == "sts-assume-role").unwrap_or_default() as u16
    }

    /// P-5.1.
    pub(super) fn federate(&mut self, provider: u32, found: &mut Best) -> Outcome<()> {
        let rows = self.table.primitives();
        let is_saml = self.base.providers[provider as usize].contains(":saml-provider/");
        for role in self.base.trusting_provider[provider as usize].clone() {
            for (at, row) in (0u16..).zip(rows) {
                if self.is_banned(at, Target::Identity(role))
                    || row.caller != crate::Caller::Provider
                    || (row.requests[0].action.name() == "AssumeRoleWithSAML") != is_saml
                {
                    continue;
                }
                let target = Target::Identity(role);
                let caller = Caller::Provider(provider);
                let step = self.step(at, 1, caller, Form::default(), target, Fact::Controls(role));
                if let Some(step) = self.settle(step)? {
                    found.add(step);
                }
            }
        }
        Ok(())
    }
}
