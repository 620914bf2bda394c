//! Steps that run something as a role: roles passed to services, and what runs as a role already (sections 11 and 12).

use super::candidates::Candidates;
use super::{Best, Caller, Engine, Outcome, Step, Target, pass_keys};
use crate::reach::ask::{self, GLOBAL_REGION};
use crate::reach::fact::{Fact, Form, Holds, Identity};
use crate::{Family, Need, On, PassedRole, Primitive, Truster};
use iamc_policy::condition::ConditionKey;
use iamc_policy::principal::Principal;
use iamc_policy::request::{KeyState, Request, RequestResource, ResourceInRequest};
use iamc_policy::{Action, Arn};
use std::collections::BTreeSet;
use std::sync::Arc;

impl Engine {
    /// Sections 11 and 12: roles of the account that a service uses for the caller.
    pub(super) fn running_steps_of(
        &mut self,
        id: Identity,
        form: Form,
        candidates: &Candidates,
        found: &mut Best,
    ) -> Outcome<()> {
        if candidates.running.is_empty() {
            return Ok(());
        }
        // Nothing but identity policies allows to pass a role, or what is asked of no resource.
        let may = |at: &u16| {
            let requests = &self.row(*at).requests;
            let needs_pass = requests.iter().any(|request| !request.passes.is_empty());
            let is_own = |request: &&crate::Request| {
                request.action.service() == "iam" || request.on.iter().all(|on| matches!(on, On::Wildcard))
            };
            (!needs_pass || self.may(id, form, &self.pass_action))
                && requests.iter().filter(is_own).all(|request| self.may(id, form, &request.action))
        };
        let rows: BTreeSet<u16> = self.running.iter().copied().filter(may).collect();
        if rows.is_empty() {
            return Ok(());
        }
        for role in candidates.running.iter().copied() {
            if role == id || found.holds(Fact::Controls(role)) == Some(Holds::Definitely) {
                continue;
            }
            let is_possible = found.holds(Fact::Controls(role)).is_some();
            for at in self.running_of(role)?.iter() {
                if !rows.contains(at) {
                    continue;
                }
                if let Some(step) = self.running_step(id, form, *at, role)? {
                    let is_definite = step.holds == Holds::Definitely;
                    if is_definite || !is_possible {
                        found.add(step);
                    }
                    if is_definite {
                        break;
                    }
                }
            }
        }
        Ok(())
    }

    /// Rows whose trusts hold for the role, and for which it has what they need of it, whoever asks.
    pub(in crate::reach) fn running_of(&mut self, role: Identity) -> Outcome<Arc<[u16]>> {
        if let Some(known) = self.running_of.get(&role) {
            return Ok(Arc::clone(known));
        }
        let mut own = Vec::new();
        for at in self.running.clone() {
            let row = self.row(at);
            let is_listed =
                self.profile_of.contains_key(&role) || self.incomplete.contains(&self.base.account(role).id);
            let mut holds =
                self.names_trusters(role, row) && (is_listed || !row.needs.contains(&Need::InstanceProfile));
            for at_trust in 0..row.trusts.len() {
                for at_action in 0..row.trusts[at_trust].actions.len() {
                    holds = holds && self.trust(at, role, at_trust, at_action)?.is_some();
                }
            }
            if holds {
                own.push(at);
            }
        }
        let own: Arc<[u16]> = own.into();
        self.running_of.insert(role, Arc::clone(&own));
        Ok(own)
    }

    /// P-15.10: a trust policy that does not even name the service need not be asked.
    fn names_trusters(&self, role: Identity, row: &Primitive) -> bool {
        let Some(Some(services)) = self.base.services_of.get(&role) else { return true };
        let all = self.base.trusting_all.binary_search(&role).is_ok();
        row.trusts.iter().all(|trusts| match &trusts.who {
            Truster::Service(name) => all || services.contains(name),
            Truster::Federated(name) => match self.base.providers.binary_search(name) {
                Ok(provider) => all || self.base.trusting_provider[provider].contains(&role),
                Err(_) => all,
            },
        })
    }

    fn running_step(&mut self, id: Identity, form: Form, at: u16, role: Identity) -> Outcome<Option<Step>> {
        if self.is_banned(at, Target::Identity(role)) {
            return Ok(None);
        }
        let row = self.row(at);
        let caller = Caller::Identity(id);
        let n = row.requests.len() as u8;
        let mut step = self.step(at, n, caller, form, Target::Identity(role), Fact::Controls(role));
        if row.family == Family::ExistingRole && row.trusts.is_empty() {
            // P-12.3: who runs the artifact is not known, and nothing narrows it.
            return Ok(None);
        }
        // What is cheap and fails most comes first; what is open is counted on the way.
        let mut n_open = 0;
        for pass in row.requests.iter().flat_map(|request| &request.passes) {
            if pass.role == PassedRole::Target {
                let Some(holds) = self.pass(id, form, role, &pass.to)? else { return Ok(None) };
                n_open += u32::from(holds == Holds::Possibly);
            }
        }
        for at_trust in 0..row.trusts.len() {
            for at_action in 0..row.trusts[at_trust].actions.len() {
                let Some(holds) = self.trust(at, role, at_trust, at_action)? else { return Ok(None) };
                n_open += u32::from(holds == Holds::Possibly);
            }
        }
        let resources = self.resources_for(at, role);
        let mut best: Option<Step> = None;
        for resource in resources {
            step.resource = resource;
            let Some(needs) = self.needs(&step) else { continue };
            let Some(holds) = self.attempt_holds(&step)? else { continue };
            let mut one = step.clone();
            one.n_requests = row.requests.len() as u32;
            one.n_open = n_open + u32::from(holds == Holds::Possibly);
            one.n_open += needs.iter().filter(|(_, met)| !met).count() as u32;
            // P-11.3: the other role of a row is any that will do.
            let others = row.requests.iter().flat_map(|request| &request.passes);
            let mut all_pass = true;
            for pass in others.filter(|pass| pass.role == PassedRole::Other) {
                match self.other_role(id, form, &pass.to)? {
                    Some((_, holds)) => one.n_open += u32::from(holds == Holds::Possibly),
                    None => all_pass = false,
                }
            }
            if !all_pass {
                continue;
            }
            one.holds = if one.n_open > 0 { Holds::Possibly } else { holds };
            if best.as_ref().is_none_or(|best| one.holds < best.holds) {
                best = Some(one);
            }
            if best.as_ref().is_some_and(|best| best.holds == Holds::Definitely) {
                break;
            }
        }
        Ok(best)
    }

    /// P-11.1, one pass, asked by itself.
    pub(super) fn pass(&mut self, id: Identity, form: Form, role: Identity, to: &str) -> Outcome<Option<Holds>> {
        let key = (id, form, role, self.service_number(to));
        if let Some(known) = self.passes.get(&key) {
            return Ok(*known);
        }
        let request = self.pass_request(id, role, to);
        let holds = self.worlds.ask(&self.base, form, request, &[])?.map(|asked| asked.holds);
        self.passes.insert(key, holds);
        Ok(holds)
    }

    /// The place of a service among those to which rows pass roles.
    pub(in crate::reach) fn service_number(&self, to: &str) -> u16 {
        self.services.iter().position(|known| known == to).unwrap_or_default() as u16
    }

    pub(crate) fn pass_request(&self, id: Identity, role: Identity, to: &str) -> Request {
        self.about_pass(ask::by_identity(&self.base, id, self.pass_action.clone(), GLOBAL_REGION), role, to)
    }

    /// The same of nobody in particular.
    pub(in crate::reach) fn pass_request_of_anybody(&self, role: Identity, to: &str) -> Request {
        self.about_pass(ask::blank(Principal::Anonymous, self.pass_action.clone(), GLOBAL_REGION), role, to)
    }

    fn about_pass(&self, mut request: Request, role: Identity, to: &str) -> Request {
        let mut resource = ResourceInRequest::new(RequestResource::Arn(self.base.arn(role).clone()));
        resource.context = pass_keys(to);
        request.resources.push(resource);
        request.context.extend(self.stated.keys.clone());
        request
    }

    /// The existing resources that the row may use for a target role; `None` among them: it uses none.
    pub(in crate::reach) fn resources_for(&mut self, at: u16, role: Identity) -> Vec<Option<Arn>> {
        let row = self.row(at);
        let Some(kind) = &row.resource else { return vec![None] };
        let account = self.base.account_of[role as usize];
        let key = (account, kind.service.clone(), kind.resource_type.clone());
        if row.family == Family::ExistingRole && self.runs_as_known.contains(&key) {
            let running = self.runs_as.get(&role).cloned().unwrap_or_default();
            let is_it = |arn: &Arn| self.is_of_type(arn, account, &kind.service, &kind.resource_type);
            return running.into_iter().filter(is_it).map(Some).collect();
        }
        self.resources(account, &kind.service, &kind.resource_type).iter().cloned().map(Some).collect()
    }

    /// P-11.3: another role that can be passed to the service and that lets it in.
    pub(super) fn other_role(&mut self, id: Identity, form: Form, to: &str) -> Outcome<Option<(Identity, Holds)>> {
        let account = self.base.account_of[id as usize];
        let mut roles = self.base.accounts[account as usize].roles.clone();
        roles.sort_by(|a, b| self.base.arn(*a).cmp(self.base.arn(*b)));
        let mut best: Option<(Identity, Holds)> = None;
        for role in roles {
            if !self.names_service(role, to) || self.base.is_fixed(role) {
                continue;
            }
            let Some(passed) = self.pass(id, form, role, to)? else { continue };
            let request = self.service_request(role, Principal::Service(to.into()), self.assume_action.clone());
            let Some(trusted) = self.worlds.ask(&self.base, Form::default(), request, &[])? else { continue };
            let holds = passed.and(trusted.holds);
            if holds == Holds::Definitely {
                return Ok(Some((role, holds)));
            }
            best = best.or(Some((role, holds)));
        }
        Ok(best)
    }

    /// P-11.4: one request of a truster.
    fn service_request(&self, role: Identity, principal: Principal, action: Action) -> Request {
        let is_service = matches!(principal, Principal::Service(_));
        let mut request = ask::blank(principal, action, GLOBAL_REGION);
        request.resources.push(ResourceInRequest::new(RequestResource::Arn(self.base.arn(role).clone())));
        // P-11.6: sessions made by services have no tags.
        let mut keys = vec![("aws:TagKeys", KeyState::Absent), ("sts:SourceIdentity", KeyState::Absent)];
        if is_service {
            let account = self.base.account(role).id.to_string();
            keys.extend([("aws:SourceAccount", KeyState::one(account)), ("aws:SourceArn", KeyState::Present)]);
        }
        request.context.extend(keys.into_iter().map(|(key, state)| (ConditionKey::new(key), state)));
        request
    }

    pub(super) fn trust_request(&self, row: u16, role: Identity, at_trust: usize, at_action: usize) -> Request {
        let trusts = &self.row(row).trusts[at_trust];
        self.service_request(role, principal_of(&trusts.who), trusts.actions[at_action].clone())
    }

    pub(in crate::reach) fn trust(
        &mut self,
        row: u16,
        role: Identity,
        at_trust: usize,
        at_action: usize,
    ) -> Outcome<Option<Holds>> {
        let trusts = &self.row(row).trusts[at_trust];
        self.takes_in(role, &principal_of(&trusts.who), &trusts.actions[at_action])
    }

    /// P-11.3: whether a role lets a service in.
    pub(in crate::reach) fn lets_in(&mut self, role: Identity, service: &str) -> Outcome<Option<Holds>> {
        if !self.names_service(role, service) {
            return Ok(None);
        }
        let action = self.assume_action.clone();
        self.takes_in(role, &Principal::Service(service.into()), &action)
    }

    /// P-12.2: whether nothing is known of what runs as which role, for the row and an account.
    pub(in crate::reach) fn runs_as_unknown(&self, at: u16, account: u32) -> bool {
        let row = self.row(at);
        row.family == Family::ExistingRole
            && row.resource.as_ref().is_some_and(|kind| {
                !self.runs_as_known.contains(&(account, kind.service.clone(), kind.resource_type.clone()))
            })
    }

    fn names_service(&self, role: Identity, service: &str) -> bool {
        match self.base.services_of.get(&role) {
            Some(Some(services)) => services.contains(service) || self.base.trusting_all.binary_search(&role).is_ok(),
            _ => true,
        }
    }

    /// Whether a role's trust policy lets somebody in, by that action.
    fn takes_in(&mut self, role: Identity, principal: &Principal, action: &Action) -> Outcome<Option<Holds>> {
        let is_it = |(who, by): &(Principal, Action)| who == principal && by == action;
        let truster = match self.trusters.iter().position(is_it) {
            Some(at) => at,
            None => {
                self.trusters.push((principal.clone(), action.clone()));
                self.trusters.len() - 1
            }
        };
        let key = (role, truster as u16);
        if let Some(known) = self.trusts.get(&key) {
            return Ok(*known);
        }
        let request = self.service_request(role, principal.clone(), action.clone());
        let holds = self.worlds.decide(&self.base, Form::default(), &request)?;
        self.trusts.insert(key, holds);
        Ok(holds)
    }
}

fn principal_of(truster: &Truster) -> Principal {
    match truster {
        Truster::Service(name) => Principal::Service(name.clone().into()),
        Truster::Federated(name) => Principal::Federated(name.clone().into()),
    }
}
