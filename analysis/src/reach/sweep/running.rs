//! Steps that run something as a role (sections 11 and 12).

use super::units::Attempt;
use super::{Callers, Outcome, Sweep};
use crate::reach::crowd::Answer;
use crate::reach::fact::{Fact, Holds, Identity};
use crate::reach::steps::{Caller, Target};
use crate::{Family, Need, NeedClass, On, PassedRole, Primitive, Which};
use iamc_policy::Arn;
use std::collections::HashMap;
use std::sync::Arc;

impl Sweep<'_> {
    /// Roles of the account that a service uses for a caller.
    pub(super) fn running(&mut self) -> Outcome<()> {
        let mut roles: Vec<(Identity, Arc<[u16]>)> = Vec::new();
        for role in self.engine.base.accounts[self.account as usize].roles.clone() {
            if !self.engine.base.is_fixed(role) {
                roles.push((role, self.engine.running_of(role)?));
            }
        }
        let mut passes = HashMap::new();
        for at in self.engine.running.clone() {
            let row = self.engine.row(at);
            if row.family == Family::ExistingRole && row.trusts.is_empty() {
                // P-12.3: who runs the artifact is not known, and nothing narrows it.
                continue;
            }
            let mut callers = self.may_row(row);
            if callers.is_clear() {
                continue;
            }
            // Who may pass each role as the row says, and does not control it anyway, or not for certain.
            let mut open: Vec<(Identity, Answer)> = Vec::new();
            for (role, rows) in &roles {
                if rows.contains(&at) {
                    let own = self.who_run(at, *role, &callers, &mut passes)?;
                    if !own.possible.is_clear() {
                        open.push((*role, own));
                    }
                }
            }
            let mut some = self.nobody();
            open.iter().for_each(|(_, own)| some.union_with(&own.possible));
            callers.intersect_with(&some);
            let callers = self.with_other_roles(row, callers, &mut passes)?;
            if !callers.possible.is_clear() {
                self.run_as(at, &open, &callers)?;
            }
        }
        Ok(())
    }

    /// Who of some may have the role by that row as far as passes, trusts and needs go, if that is any news.
    fn who_run(&mut self, at: u16, role: Identity, callers: &Callers, passes: &mut Passes) -> Outcome<Answer> {
        let row = self.engine.row(at);
        let fact = Fact::Controls(role);
        let mut is_definite = true;
        for at_trust in 0..row.trusts.len() {
            for at_action in 0..row.trusts[at_trust].actions.len() {
                is_definite &= self.engine.trust(at, role, at_trust, at_action)? == Some(Holds::Definitely);
            }
        }
        let is_open = |need: &Need| need.class() == NeedClass::State && !self.engine.stated.needs.contains(need);
        is_definite &= !row.needs.iter().any(is_open) && !self.engine.runs_as_unknown(at, self.account);
        let known = self.gains.get(&fact).into_iter().flatten();
        let mut own = Answer { definite: self.nobody(), possible: self.without(callers.clone(), fact) };
        if is_definite {
            own.definite.union_with(callers);
            known
                .filter(|(by, _)| by.holds == Holds::Definitely)
                .for_each(|(_, known)| own.definite.difference_with(known));
            own.possible.union_with(&own.definite);
        }
        for pass in row.requests.iter().flat_map(|request| &request.passes) {
            if pass.role == PassedRole::Target && !own.possible.is_clear() {
                let pass = self.pass(role, &pass.to, passes);
                own.possible.intersect_with(&pass.possible);
                own.definite.intersect_with(&pass.definite);
            }
        }
        // Who may already, and not for certain by this row either, is no news.
        let mut news = self.without(own.possible.clone(), fact);
        news.union_with(&own.definite);
        own.possible = news;
        Ok(own)
    }

    /// Those whom identity policies may allow what nothing else can allow.
    fn may_row(&mut self, row: &Primitive) -> Callers {
        let mut callers = self.all.clone();
        if row.requests.iter().any(|request| !request.passes.is_empty()) {
            callers.intersect_with(&self.may(&self.engine.pass_action.clone()));
        }
        for request in &row.requests {
            if request.action.service() == "iam" || request.on.iter().all(|on| matches!(on, On::Wildcard)) {
                callers.intersect_with(&self.may(&request.action));
            }
        }
        callers
    }

    /// P-11.1: those who may pass the role to a service.
    fn pass(&mut self, role: Identity, to: &str, passes: &mut Passes) -> Arc<Answer> {
        let key = (role, self.engine.service_number(to));
        if let Some(known) = passes.get(&key) {
            return Arc::clone(known);
        }
        let request = self.engine.pass_request_of_anybody(role, to);
        let callers = Arc::new(self.who(&request));
        passes.insert(key, Arc::clone(&callers));
        callers
    }

    /// P-11.3: the other role of a row is any that lets the service in and that the caller may pass.
    fn with_other_roles(&mut self, row: &Primitive, callers: Callers, passes: &mut Passes) -> Outcome<Answer> {
        let mut found = Answer { definite: callers.clone(), possible: callers };
        for pass in row.requests.iter().flat_map(|request| &request.passes) {
            if pass.role != PassedRole::Other || found.possible.is_clear() {
                continue;
            }
            let mut some = Answer { definite: self.nobody(), possible: self.nobody() };
            for role in self.engine.base.accounts[self.account as usize].roles.clone() {
                if found.possible.is_subset(&some.definite) {
                    break;
                }
                let let_in =
                    if self.engine.base.is_fixed(role) { None } else { self.engine.lets_in(role, &pass.to)? };
                if let Some(holds) = let_in {
                    let passed = self.pass(role, &pass.to, passes);
                    some.possible.union_with(&passed.possible);
                    if holds == Holds::Definitely {
                        some.definite.union_with(&passed.definite);
                    }
                }
            }
            found.possible.intersect_with(&some.possible);
            found.definite.intersect_with(&some.definite);
        }
        Ok(found)
    }

    /// The requests of the row, for some callers, and for roles with those of them that may pass them.
    fn run_as(&mut self, at: u16, open: &[(Identity, Answer)], callers: &Answer) -> Outcome<()> {
        let row = self.engine.row(at);
        let own = row.resource.as_ref().map(|kind| kind.resource_type.as_str());
        let is_role =
            |on: &On| matches!(on, On::Resource { which: Which::Target, resource_type } if own != Some(resource_type));
        let depends = row.requests.iter().any(|request| !request.keys.is_empty() || request.on.iter().any(is_role));
        let mut known: HashMap<Option<Arn>, Callers> = HashMap::new();
        let mut known_sure: HashMap<Option<Arn>, Callers> = HashMap::new();
        for (role, own) in open {
            let fact = Fact::Controls(*role);
            let mut own = own.clone();
            own.possible.intersect_with(&callers.possible);
            own.definite.intersect_with(&callers.definite);
            for resource in self.engine.resources_for(at, *role) {
                // Whoever has it for certain by now is done with; whoever may have it waits for that alone.
                for (by, known) in self.gains.get(&fact).into_iter().flatten() {
                    if by.holds == Holds::Definitely {
                        own.definite.difference_with(known);
                    }
                }
                let mut left = self.without(own.possible.clone(), fact);
                left.union_with(&own.definite);
                let Some(place) = left.ones().next() else { break };
                let first = Caller::Identity(self.engine.base.identities_in[self.account as usize][place]);
                let n = row.requests.len() as u8;
                let mut step = self.engine.step(at, n, first, self.form, Target::Identity(*role), fact);
                step.resource = resource;
                let Some(needs) = self.engine.needs(&step) else { continue };
                let resource = step.resource.as_ref();
                // For whatever role, once; then for that one, if it makes a difference.
                if !known.contains_key(&step.resource) {
                    let open =
                        self.attempt(Attempt { row, resource, role: None, definite: false }, &callers.possible)?;
                    known.insert(step.resource.clone(), open);
                }
                let mut allowed = left;
                allowed.intersect_with(&known[&step.resource]);
                if depends && !allowed.is_clear() {
                    let attempt = Attempt { row, resource, role: Some(*role), definite: false };
                    allowed = self.attempt(attempt, &allowed)?;
                }
                let mut sure = allowed.clone();
                sure.intersect_with(&own.definite);
                if needs.iter().any(|(_, met)| !met) {
                    sure.clear();
                }
                if depends && !sure.is_clear() {
                    sure = self.attempt(Attempt { row, resource, role: Some(*role), definite: true }, &sure)?;
                } else if !sure.is_clear() {
                    if !known_sure.contains_key(&step.resource) {
                        let attempt = Attempt { row, resource, role: None, definite: true };
                        known_sure.insert(step.resource.clone(), self.attempt(attempt, &callers.definite)?);
                    }
                    sure.intersect_with(&known_sure[&step.resource]);
                }
                self.gain_asked(fact, at, &allowed, &sure);
            }
        }
        Ok(())
    }
}

/// By role and the number of a service: who may pass it.
type Passes = HashMap<(Identity, u16), Arc<Answer>>;
