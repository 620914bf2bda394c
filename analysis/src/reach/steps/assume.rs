//! Steps of the families `assume` and `federation`: whose trust lets whom in (P-4.1, P-5.1).

use super::candidates::Candidates;
use super::{Best, Caller, Engine, Outcome, Step, Target};
use crate::reach::fact::{Fact, Form, Identity};

impl Engine {
    /// P-4.1.
    pub(super) fn assume(
        &mut self,
        id: Identity,
        form: Form,
        candidates: &Candidates,
        found: &mut Best,
    ) -> Outcome<()> {
        if candidates.assumed.is_empty() {
            return Ok(());
        }
        let account = self.base.account_of[id as usize];
        let may = self.may(id, form, &self.assume_action);
        let named = self.base.trusting_somebody.get(&self.base.account(id).id).cloned().unwrap_or_default();
        for role in candidates.assumed.iter().copied().filter(|role| *role != id) {
            // within an account a trust that names the caller is enough.
            let is_enough = || {
                let is_named = |list: &[Identity]| list.binary_search(&role).is_ok();
                self.base.account_of[role as usize] == account
                    && (is_named(&named) || is_named(&self.base.trusting_all))
            };
            if (may || is_enough())
                && let Some(step) = self.assume_step(id, form, role, None)?
            {
                found.add(step);
            }
        }
        Ok(())
    }

    /// One `sts:AssumeRole`; with a condition, in the world in which that condition holds.
    pub(in crate::reach) fn assume_step(
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

    pub(in crate::reach) fn assume_row(&self) -> u16 {
        let rows = self.table.primitives();
        rows.iter().position(|row| row.id == "sts-assume-role").unwrap_or_default() as u16
    }

    /// P-5.1.
    pub(super) fn federate(&mut self, provider: u32, found: &mut Best) -> Outcome<()> {
        for role in self.base.trusting_provider[provider as usize].clone() {
            self.federate_into(provider, role, None, found)?;
        }
        Ok(())
    }

    /// What a controlled provider does with a trust that was opened: it names the provider, too (P-3.9).
    pub(in crate::reach) fn federate_on(&mut self, provider: u32, role: Identity) -> Outcome<Option<Step>> {
        let account = self.base.provider_account(provider);
        let is_built_in = !self.base.providers[provider as usize].starts_with("arn:");
        if !is_built_in && account != Some(self.base.account_of[role as usize]) {
            return Ok(None);
        }
        let mut found = Best::default();
        self.federate_into(provider, role, Some(Fact::TrustOpened(role)), &mut found)?;
        Ok(found.into_list().pop())
    }

    fn federate_into(
        &mut self,
        provider: u32,
        role: Identity,
        condition: Option<Fact>,
        found: &mut Best,
    ) -> Outcome<()> {
        let is_saml = self.base.providers[provider as usize].contains(":saml-provider/");
        for (at, row) in (0u16..).zip(self.table.primitives()) {
            if self.is_banned(at, Target::Identity(role))
                || row.caller != crate::Caller::Provider
                || (row.requests[0].action.name() == "AssumeRoleWithSAML") != is_saml
            {
                continue;
            }
            let form = Form { trust: condition.is_some(), ..Form::default() };
            let mut step =
                self.step(at, 1, Caller::Provider(provider), form, Target::Identity(role), Fact::Controls(role));
            step.condition = condition;
            if let Some(step) = self.settle(step)? {
                found.add(step);
            }
        }
        Ok(())
    }
}
