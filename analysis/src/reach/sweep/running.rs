//! Steps that run something as a role (sections 11 and 12).

use super::units::Attempt;
use super::{By, Callers, Outcome, Sweep};
use crate::reach::fact::{Fact, Holds, Identity};
use crate::reach::steps::{Caller, Target};
use crate::{Family, On, PassedRole, Primitive, Which};
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
            // Who may pass each role as the row says, and does not control it anyway.
            let mut open: Vec<(Identity, Callers)> = Vec::new();
            for (role, rows) in &roles {
                if rows.contains(&at) {
                    let own = self.without(callers.clone(), Fact::Controls(*role));
                    let own = self.who_pass(row, *role, own, &mut passes);
                    if !own.is_clear() {
                        open.push((*role, own));
                    }
                }
            }
            let mut some = self.nobody();
            open.iter().for_each(|(_, own)| some.union_with(own));
            callers.intersect_with(&some);
            self.keep_with_other_roles(row, &mut callers, &mut passes)?;
            if !callers.is_clear() {
                self.run_as(at, &open, &callers)?;
            }
        }
        Ok(())
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

    /// P-11.1: those who may pass the role to every service to which the row passes it.
    fn who_pass(&mut self, row: &Primitive, role: Identity, mut callers: Callers, passes: &mut Passes) -> Callers {
        for pass in row.requests.iter().flat_map(|request| &request.passes) {
            if pass.role == PassedRole::Target && !callers.is_clear() {
                callers.intersect_with(&self.pass(role, &pass.to, passes));
            }
        }
        callers
    }

    fn pass(&mut self, role: Identity, to: &str, passes: &mut Passes) -> Arc<Callers> {
        let key = (role, self.engine.service_number(to));
        if let Some(known) = passes.get(&key) {
            return Arc::clone(known);
        }
        let request = self.engine.pass_request_of_anybody(role, to);
        let callers = Arc::new(self.who(&request).possible);
        passes.insert(key, Arc::clone(&callers));
        callers
    }

    /// P-11.3: the other role of a row is any that lets the service in and that the caller may pass.
    fn keep_with_other_roles(&mut self, row: &Primitive, callers: &mut Callers, passes: &mut Passes) -> Outcome<()> {
        for pass in row.requests.iter().flat_map(|request| &request.passes) {
            if pass.role != PassedRole::Other || callers.is_clear() {
                continue;
            }
            let mut some = self.nobody();
            for role in self.engine.base.accounts[self.account as usize].roles.clone() {
                if callers.is_subset(&some) {
                    break;
                }
                if !self.engine.base.is_fixed(role) && self.engine.lets_in(role, &pass.to)? {
                    some.union_with(&self.pass(role, &pass.to, passes));
                }
            }
            callers.intersect_with(&some);
        }
        Ok(())
    }

    /// The requests of the row, for some callers, and for roles with those of them that may pass them.
    fn run_as(&mut self, at: u16, open: &[(Identity, Callers)], callers: &Callers) -> Outcome<()> {
        let row = self.engine.row(at);
        let own = row.resource.as_ref().map(|kind| kind.resource_type.as_str());
        let is_role =
            |on: &On| matches!(on, On::Resource { which: Which::Target, resource_type } if own != Some(resource_type));
        let depends = row.requests.iter().any(|request| !request.keys.is_empty() || request.on.iter().any(is_role));
        let mut known: HashMap<Option<Arn>, Callers> = HashMap::new();
        for (role, own) in open {
            let mut own = own.clone();
            own.intersect_with(callers);
            for resource in self.engine.resources_for(at, *role) {
                let left = self.without(own.clone(), Fact::Controls(*role));
                let Some(place) = left.ones().next() else { break };
                let first = Caller::Identity(self.engine.base.identities_in[self.account as usize][place]);
                let n = row.requests.len() as u8;
                let mut step =
                    self.engine.step(at, n, first, self.form, Target::Identity(*role), Fact::Controls(*role));
                step.resource = resource;
                if self.engine.needs(&step).is_none() {
                    continue;
                }
                let resource = step.resource.as_ref();
                // For whatever role, once; then for that one, if it makes a difference.
                if !known.contains_key(&step.resource) {
                    let open = self.attempt(Attempt { row, resource, role: None }, callers)?;
                    known.insert(step.resource.clone(), open);
                }
                let mut allowed = left;
                allowed.intersect_with(&known[&step.resource]);
                if depends && !allowed.is_clear() {
                    allowed = self.attempt(Attempt { row, resource, role: Some(*role) }, &allowed)?;
                }
                // How sure that is was not asked.
                self.gain(Fact::Controls(*role), By { holds: Holds::Possibly, row: at }, &allowed);
            }
        }
        Ok(())
    }
}

/// By role and the number of a service: who may pass it.
type Passes = HashMap<(Identity, u16), Arc<Callers>>;
