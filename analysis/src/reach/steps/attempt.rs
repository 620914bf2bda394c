//! The requests and needs of a step with all that its row leaves open, and how far they hold.

use super::{Attempt, Caller, Engine, Instance, NeedAtom, Outcome, Step, Target, pass_keys};
use crate::reach::ask::{self, Asked, GLOBAL_REGION};
use crate::reach::fact::{Holds, Identity};
use crate::reach::names::{self, Place};
use crate::reach::world::Origin;
use crate::{Bound, Effect, Family, Need, NeedClass, On, PassedRole, Which};
use iamc_policy::Arn;
use iamc_policy::condition::ConditionKey;
use iamc_policy::principal::Principal;
use iamc_policy::request::{AdditionalAction, KeyState, Request, RequestResource, ResourceInRequest};

impl Engine {
    /// [`Engine::attempt`] without its requests, kept where nothing in it depends on the target.
    pub(super) fn attempt_holds(&mut self, step: &Step) -> Outcome<Option<Holds>> {
        let row = self.row(step.row);
        let (Caller::Identity(id), Target::Identity(role)) = (step.caller, step.target) else {
            return Ok(self.attempt(step)?.map(|attempt| attempt.holds));
        };
        let keys = row.requests.iter().flat_map(|request| &request.keys);
        let depends = keys.into_iter().any(|(_, bound)| matches!(bound, Bound::TargetRole | Bound::InstanceProfile));
        let key = (step.row, id, step.form, depends.then_some(role), step.resource.clone());
        if let Some(known) = self.attempts.get(&key) {
            return Ok(*known);
        }
        let holds = self.attempt(step)?.map(|attempt| attempt.holds);
        self.attempts.insert(key, holds);
        Ok(holds)
    }

    /// The requests of a step without its passes and trusts: Regions and names are tried until all of them are definite,
    /// else until all are possible (P-2.7, P-2.9).
    pub(super) fn attempt(&mut self, step: &Step) -> Outcome<Option<Attempt>> {
        let row = self.row(step.row);
        let requests = &row.requests[..usize::from(step.n_row_requests)];
        let mut regions: Vec<String> = vec![GLOBAL_REGION.to_owned()];
        if let Caller::Identity(id) = step.caller {
            let resource = match step.target {
                Target::Resource(at) => Some(&self.base.world.resources[at as usize].arn),
                _ => step.resource.as_ref(),
            };
            match resource.map(|arn| arn.region()).filter(|region| !region.is_empty()) {
                Some(region) => regions = vec![region.to_owned()],
                None if self.is_regional(requests) => regions = self.regions_of(id).to_vec(),
                // STS answers in every Region.
                None if requests.iter().any(|request| request.action.service() == "sts") => {
                    let others = self.regions_of(id);
                    regions.extend(others.iter().filter(|region| *region != GLOBAL_REGION).cloned());
                }
                None => {}
            }
        }
        let mut best: Option<Attempt> = None;
        for region in &regions {
            let Some(attempt) = self.attempt_in(step, region)? else { continue };
            if attempt.holds == Holds::Definitely {
                return Ok(Some(attempt));
            }
            best = best.or(Some(attempt));
        }
        Ok(best)
    }

    pub(in crate::reach) fn is_regional(&self, requests: &[crate::Request]) -> bool {
        requests.iter().any(|request| {
            request.on.iter().any(|on| match on {
                On::Wildcard => {
                    let service = self.worlds.catalogue().service(request.action.service());
                    service.is_some_and(|service| {
                        service.resource_types().any(|kind| kind.arn_templates().any(names::is_regional))
                    })
                }
                On::Resource { which: Which::New | Which::Any, resource_type } => {
                    let template = self.template(request.action.service(), resource_type);
                    template.is_some_and(|template| names::is_regional(&template))
                }
                On::Resource { .. } => false,
            })
        })
    }

    fn attempt_in(&mut self, step: &Step, region: &str) -> Outcome<Option<Attempt>> {
        let row = self.row(step.row);
        let requests = &row.requests[..usize::from(step.n_row_requests)];
        // Each type that is named at the caller's choice, with its names.
        let mut chosen: Vec<((String, String), Vec<Arn>)> = Vec::new();
        for request in requests {
            for on in &request.on {
                let On::Resource { which: which @ (Which::New | Which::Any), resource_type } = on else { continue };
                let key = (request.action.service().to_owned(), resource_type.clone());
                if chosen.iter().any(|(known, _)| *known == key) {
                    continue;
                }
                let Some(names) = self.names(step, *which, &key, region) else { return Ok(None) };
                chosen.push((key, names));
            }
        }
        let first: Vec<usize> = vec![0; chosen.len()];
        let attempt = self.attempt_with(step, region, &chosen, &first)?;
        let others = chosen.iter().any(|(_, names)| names.len() > 1);
        if !others || attempt.as_ref().is_some_and(|attempt| attempt.holds == Holds::Definitely) {
            return Ok(attempt);
        }
        // Names of different types do not touch each other, so each is chosen by itself.
        let mut places = first;
        for at in 0..chosen.len() {
            let mut best: Option<(usize, Holds)> = None;
            for place in 0..chosen[at].1.len() {
                let Some(holds) = self.name_holds(step, region, &chosen, at, place)? else { continue };
                if best.is_none_or(|(_, known)| holds < known) {
                    best = Some((place, holds));
                }
                if holds == Holds::Definitely {
                    break;
                }
            }
            let Some((place, _)) = best else { return Ok(None) };
            places[at] = place;
        }
        self.attempt_with(step, region, &chosen, &places)
    }

    /// P-2.5, P-2.7: names of a resource at the caller's choice.
    fn names(&mut self, step: &Step, which: Which, kind: &(String, String), region: &str) -> Option<Vec<Arn>> {
        let Caller::Identity(id) = step.caller else { return None };
        if let Target::Identity(target) = step.target
            && self.base.origin(target) == Origin::Made
            && which == Which::New
            && kind.0 == "iam"
        {
            return Some(vec![self.base.arn(target).clone()]);
        }
        if let Target::Provider(_) = step.target
            && which == Which::New
        {
            return self.target_arn(step.target).map(|arn| vec![arn]);
        }
        let template = self.template(&kind.0, &kind.1)?;
        let policies = self.policies_of(id);
        let account = self.base.account_of[id as usize];
        let facts = &self.base.accounts[account as usize];
        let number = facts.id.to_string();
        let place = Place { partition: &facts.partition, account: &number, region };
        let made = names::candidates(&template, place, policies.iter().map(|policy| &**policy));
        let made = made.into_iter().filter_map(|text| text.parse().ok());
        let made: Vec<Arn> = made.collect();
        let mut all = match which {
            Which::Any => self.resources(account, &kind.0, &kind.1).to_vec(),
            _ => Vec::new(),
        };
        all.retain(|arn| arn.region().is_empty() || arn.region() == region);
        all.extend(made);
        Some(all)
    }

    /// The units about one chosen name, by themselves.
    fn name_holds(
        &mut self,
        step: &Step,
        region: &str,
        chosen: &[((String, String), Vec<Arn>)],
        at: usize,
        place: usize,
    ) -> Outcome<Option<Holds>> {
        let row = self.row(step.row);
        let ((service, resource_type), names) = &chosen[at];
        let mut worst = Holds::Definitely;
        for request in &row.requests[..usize::from(step.n_row_requests)] {
            let is_it = |on: &&On| matches!(on, On::Resource { which: Which::New | Which::Any, resource_type: own } if own == resource_type);
            if request.action.service() != service || !request.on.iter().any(|on| is_it(&on)) {
                continue;
            }
            let Some(mut asked) = self.blank(step, request, region) else { return Ok(None) };
            let account = self.account_of(step);
            asked.resources.push(ask::resource(&names[place], &self.base, account));
            let new = std::slice::from_ref(&names[place]);
            let Some(asked) = self.worlds.ask(&self.base, step.form, asked, new)? else { return Ok(None) };
            worst = worst.and(asked.holds);
        }
        Ok(Some(worst))
    }

    fn account_of(&self, step: &Step) -> u32 {
        match (step.caller, step.target) {
            (Caller::Identity(id), _) => self.base.account_of[id as usize],
            (_, Target::Identity(id)) => self.base.account_of[id as usize],
            _ => 0,
        }
    }

    /// A request of the row without its resources.
    pub(super) fn blank(&self, step: &Step, request: &crate::Request, region: &str) -> Option<Request> {
        let mut asked = match step.caller {
            Caller::Identity(id) => ask::by_identity(&self.base, id, request.action.clone(), region),
            Caller::Provider(provider) => {
                let name = self.base.providers[provider as usize].clone();
                let is_saml = name.contains(":saml-provider/");
                let principal = if is_saml { Principal::Saml(name.into()) } else { Principal::Federated(name.into()) };
                ask::blank(principal, request.action.clone(), region)
            }
        };
        for (key, bound) in &request.keys {
            let state = self.bound(step, *bound)?;
            asked.context.insert(ConditionKey::new(key), state);
        }
        asked.context.extend(self.stated.keys.clone());
        Some(asked)
    }

    /// P-2.8.
    pub(in crate::reach) fn bound(&self, step: &Step, bound: Bound) -> Option<KeyState> {
        let account = self.account_of(step);
        let administrator = || {
            let partition = &self.base.accounts[account as usize].partition;
            KeyState::one(format!("arn:{partition}:iam::aws:policy/AdministratorAccess"))
        };
        let of_target = |id: Identity| match &self.base.record(id).boundary {
            Some(arn) => KeyState::one(arn.to_string()),
            None => KeyState::Absent,
        };
        Some(match (bound, step.target) {
            (Bound::ChosenPolicy, _) => administrator(),
            (Bound::ChosenBoundary, Target::Identity(id)) if self.base.origin(id) == Origin::Made => KeyState::Absent,
            (Bound::ChosenBoundary, _) => administrator(),
            (Bound::TargetBoundary, Target::Identity(id)) => of_target(id),
            (Bound::TargetRole, Target::Identity(id)) => KeyState::one(self.base.arn(id).to_string()),
            (Bound::InstanceProfile, Target::Identity(id)) => match self.profile_of(id) {
                Some(arn) => KeyState::one(arn.to_string()),
                None => KeyState::Present,
            },
            _ => return None,
        })
    }

    fn profile_of(&self, role: Identity) -> Option<&Arn> {
        self.profile_of.get(&role).map(|at| &self.base.world.instance_profiles[*at as usize].arn)
    }

    /// All requests with those names; `None`: one of them does not hold.
    fn attempt_with(
        &mut self,
        step: &Step,
        region: &str,
        chosen: &[((String, String), Vec<Arn>)],
        places: &[usize],
    ) -> Outcome<Option<Attempt>> {
        let row = self.row(step.row);
        let account = self.account_of(step);
        let new: Vec<Arn> = chosen.iter().zip(places).map(|((_, names), place)| names[*place].clone()).collect();
        let mut attempt = Attempt { asked: Vec::new(), holds: Holds::Definitely };
        for request in &row.requests[..usize::from(step.n_row_requests)] {
            let Some(mut asked) = self.blank(step, request, region) else { return Ok(None) };
            for on in &request.on {
                let unit = match on {
                    On::Wildcard => ResourceInRequest::new(RequestResource::Star),
                    On::Resource { which: Which::New | Which::Any, resource_type } => {
                        let key = (request.action.service(), resource_type.as_str());
                        let at = chosen.iter().position(|((service, own), _)| (service.as_str(), own.as_str()) == key);
                        let Some(at) = at else { return Ok(None) };
                        ask::resource(&new[at], &self.base, account)
                    }
                    On::Resource { which: Which::Target, resource_type } => {
                        let is_resource =
                            row.resource.as_ref().is_some_and(|kind| kind.resource_type == *resource_type);
                        match (&step.resource, self.target_arn(step.target)) {
                            (Some(arn), _) if is_resource => ask::resource(arn, &self.base, account),
                            (_, Some(arn)) => {
                                let mut unit = ResourceInRequest::new(RequestResource::Arn(arn));
                                if let Target::Resource(at) = step.target {
                                    unit.account = self.base.world.resources[at as usize].account;
                                }
                                unit
                            }
                            _ => return Ok(None),
                        }
                    }
                    On::Resource { which: Which::Attached, .. } => return Ok(None),
                };
                asked.resources.push(unit);
            }
            let Some(asked) = self.worlds.ask(&self.base, step.form, asked, &new)? else { return Ok(None) };
            attempt.holds = attempt.holds.and(asked.holds);
            attempt.asked.push(asked);
        }
        Ok(Some(attempt))
    }

    pub(crate) fn target_arn(&self, target: Target) -> Option<Arn> {
        match target {
            Target::Identity(id) => Some(self.base.arn(id).clone()),
            Target::Group(group) => Some(self.base.world.groups[group as usize].identity.arn.clone()),
            Target::Policy(policy) => Some(self.base.world.policies[policy as usize].arn.clone()),
            Target::Provider(provider) => self.base.providers[provider as usize].parse().ok(),
            Target::Resource(at) => Some(self.base.world.resources[at as usize].arn.clone()),
        }
    }

    /// The needs of a step, each with whether it is met; `None`: one is refuted.
    pub(in crate::reach) fn needs(&self, step: &Step) -> Option<Vec<(NeedAtom, bool)>> {
        let row = self.row(step.row);
        let account = self.account_of(step);
        let mut needs = Vec::new();
        // The needs of a row are those of all its requests; a part of it has them too where it has a row's first request.
        for need in &row.needs {
            let met = match (need.class(), need) {
                (NeedClass::Room, _) => true,
                (NeedClass::State, _) => self.stated.needs.contains(need),
                (NeedClass::Known, Need::InstanceProfile) => {
                    let Target::Identity(role) = step.target else { return None };
                    let listed = self.profile_of(role).is_some();
                    if !listed && !self.incomplete.contains(&self.base.accounts[account as usize].id) {
                        return None;
                    }
                    listed
                }
                (NeedClass::Known, _) => {
                    let arn = step.resource.as_ref()?;
                    let profile = self.base.world.instance_profiles.iter().find(|profile| profile.arn == *arn)?;
                    if !profile.roles.is_empty() {
                        return None;
                    }
                    true
                }
            };
            needs.push((NeedAtom::Need(*need), met));
        }
        if row.family == Family::ExistingRole
            && let Some(kind) = &row.resource
        {
            let key = (account, kind.service.clone(), kind.resource_type.clone());
            if !self.runs_as_known.contains(&key) {
                needs.push((NeedAtom::RunsAs(format!("{}:{}", kind.service, kind.resource_type)), false));
            }
        }
        if row.effect == Effect::PolicySwitched
            && let Some(arn) = self.target_arn(step.target)
        {
            needs.push((NeedAtom::Version(arn.to_string()), false));
        }
        Some(needs)
    }

    /// The step with everything that a proof shows.
    pub(crate) fn instance(&mut self, step: &Step) -> Outcome<Option<Instance>> {
        let row = self.row(step.row);
        let Some(attempt) = self.attempt(step)? else { return Ok(None) };
        let Some(needs) = self.needs(step) else { return Ok(None) };
        let mut asked = attempt.asked;
        let (Caller::Identity(id), Target::Identity(role)) = (step.caller, step.target) else {
            return Ok(Some(Instance { asked, needs }));
        };
        for (request, asked) in row.requests.iter().zip(&mut asked) {
            for pass in &request.passes {
                let (passed, holds) = match pass.role {
                    PassedRole::Target => match self.pass(id, step.form, role, &pass.to)? {
                        Some(holds) => (role, holds),
                        None => return Ok(None),
                    },
                    PassedRole::Other => match self.other_role(id, step.form, &pass.to)? {
                        Some(other) => other,
                        None => return Ok(None),
                    },
                };
                asked.holds = asked.holds.and(holds);
                let mut resource = ResourceInRequest::new(RequestResource::Arn(self.base.arn(passed).clone()));
                resource.context = pass_keys(&pass.to);
                resource.context.insert(ConditionKey::new("aws:RequestedRegion"), KeyState::one(GLOBAL_REGION));
                let action = self.pass_action.clone();
                asked.request.additional.push(AdditionalAction { action, resource });
            }
        }
        for at_trust in 0..row.trusts.len() {
            for at_action in 0..row.trusts[at_trust].actions.len() {
                let Some(holds) = self.trust(step.row, role, at_trust, at_action)? else { return Ok(None) };
                let request = self.trust_request(step.row, role, at_trust, at_action);
                asked.push(Asked { request, holds });
            }
        }
        Ok(Some(Instance { asked, needs }))
    }
}
