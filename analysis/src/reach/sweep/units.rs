//! Units of requests: one action on one resource, asked of the account, with the Regions and names that its callers choose.

use super::{Callers, Outcome, Sweep};
use crate::reach::ask::{self, GLOBAL_REGION};
use crate::reach::fact::{Fact, Identity};
use crate::reach::names::{self, Place};
use crate::reach::steps::{Caller, Target};
use crate::{Bound, On, Primitive, Which};
use iamc_policy::condition::ConditionKey;
use iamc_policy::request::{KeyState, RequestResource, ResourceInRequest};
use iamc_policy::{Action, Arn};
use std::collections::BTreeMap;
use std::sync::Arc;

/// What a unit is; `None` as resource: it is about `*`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Unit {
    action: Action,
    resource: Option<Arn>,
    region: String,
    /// Keys of the request, as they are bound.
    keys: Vec<(String, KeyState)>,
}

/// Who may, and who may whatever is not known.
pub(super) type Answered = Arc<crate::reach::crowd::Answer>;

/// Names of chosen resources, each with the callers that may choose it.
#[derive(Debug, Default)]
pub(super) struct Names {
    /// Callers whose policies have been read.
    read: Callers,
    names: Vec<(Arn, Callers)>,
}

/// A row whose requests are tried, its passes and trusts left aside.
#[derive(Clone, Copy)]
pub(super) struct Attempt<'a> {
    pub(super) row: &'static Primitive,
    /// The existing resource that it uses.
    pub(super) resource: Option<&'a Arn>,
    /// The role that it is about; `None`: what depends on it is left open.
    pub(super) role: Option<Identity>,
    /// Nothing but what holds whatever is not known will do.
    pub(super) definite: bool,
}

impl Sweep<'_> {
    /// P-2.9: Regions with the callers that try them.
    pub(super) fn regions(&mut self) -> Outcome<Arc<[(String, Callers)]>> {
        if let Some(known) = &self.regions {
            return Ok(Arc::clone(known));
        }
        let mut regions: BTreeMap<String, Callers> = BTreeMap::new();
        for place in self.all.ones().collect::<Vec<_>>() {
            let id = self.engine.base.identities_in[self.account as usize][place];
            for region in self.engine.regions_of(id).iter() {
                match regions.get_mut(region) {
                    Some(callers) => callers.insert(place),
                    None => {
                        let mut callers = self.nobody();
                        callers.insert(place);
                        regions.insert(region.clone(), callers);
                    }
                }
            }
        }
        let regions: Arc<[(String, Callers)]> = regions.into_iter().collect();
        self.regions = Some(Arc::clone(&regions));
        Ok(regions)
    }

    /// Those of some callers for whom all requests of the row may hold, in some Region, with some names.
    pub(super) fn attempt(&mut self, attempt: Attempt<'_>, callers: &Callers) -> Outcome<Callers> {
        let requests = &attempt.row.requests;
        let fixed = |region: &str| -> Arc<[(String, Callers)]> { [(region.to_owned(), callers.clone())].into() };
        let regions = match attempt.resource.map(Arn::region).filter(|region| !region.is_empty()) {
            Some(region) => fixed(region),
            None if self.engine.is_regional(requests) => self.regions()?,
            // STS answers in every Region.
            None if requests.iter().any(|request| request.action.service() == "sts") => {
                fixed(GLOBAL_REGION).iter().chain(self.regions()?.iter()).cloned().collect()
            }
            None => fixed(GLOBAL_REGION),
        };
        let mut allowed = self.nobody();
        for (region, have) in regions.iter() {
            let mut left = callers.clone();
            left.intersect_with(have);
            left.difference_with(&allowed);
            if !left.is_clear() {
                allowed.union_with(&self.attempt_in(attempt, region, left)?);
            }
        }
        Ok(allowed)
    }

    fn attempt_in(&mut self, attempt: Attempt<'_>, region: &str, mut left: Callers) -> Outcome<Callers> {
        // What is not chosen first: it leaves few callers, whose policies then give names.
        let mut chosen: Vec<(&str, &str, Which)> = Vec::new();
        for (at, request) in attempt.row.requests.iter().enumerate() {
            for on in &request.on {
                let resource = match on {
                    On::Wildcard => None,
                    On::Resource { which: which @ (Which::New | Which::Any), resource_type } => {
                        let key = (request.action.service(), resource_type.as_str());
                        if !chosen.iter().any(|(service, own, _)| (*service, *own) == key) {
                            chosen.push((key.0, key.1, *which));
                        }
                        continue;
                    }
                    On::Resource { which: Which::Attached, .. } => return Ok(self.nobody()),
                    On::Resource { which: Which::Target, resource_type } => {
                        let own = attempt.row.resource.as_ref().map(|kind| kind.resource_type.as_str());
                        let role = attempt.role.map(|role| self.engine.base.arn(role));
                        match attempt.resource.filter(|_| own == Some(resource_type)).or(role) {
                            Some(arn) => Some(arn.clone()),
                            // That unit is left open, too.
                            None => continue,
                        }
                    }
                };
                if left.is_clear() {
                    return Ok(left);
                }
                self.keep_allowed(attempt, at, resource, region, &mut left);
            }
        }
        for (service, resource_type, which) in chosen {
            if left.is_clear() {
                break;
            }
            left = self.with_names(attempt, (service, resource_type, which), region, left)?;
        }
        Ok(left)
    }

    /// Those for whom some name of a type that the row chooses will do, in all of its requests.
    fn with_names(
        &mut self,
        attempt: Attempt<'_>,
        (service, resource_type, which): (&str, &str, Which),
        region: &str,
        left: Callers,
    ) -> Outcome<Callers> {
        let Some(template) = self.engine.first_template(service, resource_type) else { return Ok(self.nobody()) };
        let row = attempt.row;
        let is_it = |on: &On| matches!(on, On::Resource { which: Which::New | Which::Any, resource_type: own } if own == resource_type);
        let uses: Vec<usize> = (0..row.requests.len())
            .filter(|at| row.requests[*at].action.service() == service && row.requests[*at].on.iter().any(is_it))
            .collect();
        let mut allowed = self.nobody();
        let try_name = |sweep: &mut Self, name: &Arn, mut own: Callers, allowed: &mut Callers| {
            own.difference_with(allowed);
            for at in &uses {
                if own.is_clear() {
                    return;
                }
                sweep.keep_allowed(attempt, *at, Some(name.clone()), region, &mut own);
            }
            allowed.union_with(&own);
        };
        if which == Which::Any {
            for arn in self.engine.resources(self.account, service, resource_type).iter() {
                if arn.region().is_empty() || arn.region() == region {
                    try_name(self, arn, left.clone(), &mut allowed);
                }
            }
        }
        // What is not there has no policy of its own, unless it lies in something that has.
        let mut left = left;
        let is_own = template.contains("${Account}");
        if is_own && !self.engine.base.has_resources_of(self.account, names::arn_service(&template)) {
            for at in &uses {
                left.intersect_with(&self.may(&row.requests[*at].action));
            }
        }
        left.difference_with(&allowed);
        if left.is_clear() {
            return Ok(allowed);
        }
        // The name that everybody has, then what the policies of those say who are left.
        let account = &self.engine.base.accounts[self.account as usize];
        let number = account.id.to_string();
        let partition = account.partition.clone();
        let place = Place { partition: &partition, account: &number, region };
        if let Ok(name) = names::fill(&template, place, names::NEW).parse() {
            try_name(self, &name, left.clone(), &mut allowed);
        }
        left.difference_with(&allowed);
        for (name, mut own) in self.names_of(service, resource_type, &template, place, &left) {
            own.intersect_with(&left);
            try_name(self, &name, own, &mut allowed);
        }
        Ok(allowed)
    }

    /// P-2.7: names with those that may choose them, as the policies of the callers say.
    fn names_of(
        &mut self,
        service: &str,
        resource_type: &str,
        template: &str,
        place: Place<'_>,
        callers: &Callers,
    ) -> Vec<(Arn, Callers)> {
        let key = (service.to_owned(), resource_type.to_owned(), place.region.to_owned());
        let mut names = self.names.remove(&key).unwrap_or_default();
        names.read.grow(self.all.len());
        for at in callers.difference(&names.read.clone()) {
            names.read.insert(at);
            let id = self.engine.base.identities_in[self.account as usize][at];
            let policies = self.engine.policies_of(id);
            let made = names::candidates(template, place, policies.iter().map(|policy| &**policy));
            for name in made.into_iter().filter_map(|text| text.parse::<Arn>().ok()) {
                match names.names.iter_mut().find(|(known, _)| *known == name) {
                    Some((_, own)) => own.insert(at),
                    None => {
                        let mut own = self.nobody();
                        own.insert(at);
                        names.names.push((name, own));
                    }
                }
            }
        }
        let found = names.names.clone();
        self.names.insert(key, names);
        found
    }

    /// Keeps those that may make the unit of a request of the row.
    fn keep_allowed(
        &mut self,
        attempt: Attempt<'_>,
        at: usize,
        resource: Option<Arn>,
        region: &str,
        left: &mut Callers,
    ) {
        let keys = &attempt.row.requests[at].keys;
        // First with what depends on the role left open, which mostly settles it for all roles.
        if !keys.is_empty() && attempt.role.is_some() {
            let open = self.unit(Attempt { role: None, ..attempt }, at, resource.clone(), region);
            left.intersect_with(&open.possible);
            if left.is_subset(&open.definite) {
                return;
            }
        }
        let own = self.unit(attempt, at, resource, region);
        left.intersect_with(if attempt.definite { &own.definite } else { &own.possible });
    }

    fn unit(&mut self, attempt: Attempt<'_>, at: usize, resource: Option<Arn>, region: &str) -> Answered {
        let request = &attempt.row.requests[at];
        let keys = request.keys.iter().map(|(key, bound)| (key.to_string(), self.state_of(*bound, attempt.role)));
        let unit = Unit { action: request.action.clone(), resource, region: region.to_owned(), keys: keys.collect() };
        if let Some(known) = self.units.get(&unit) {
            return Arc::clone(known);
        }
        let mut asked = self.blank(&unit.action, region);
        for (key, state) in &unit.keys {
            asked.context.entry(ConditionKey::new(key)).or_insert(state.clone());
        }
        let resource = match &unit.resource {
            Some(arn) => ask::resource(arn, &self.engine.base, self.account),
            None => ResourceInRequest::new(RequestResource::Star),
        };
        asked.resources.push(resource);
        let answer = Arc::new(self.who(&asked));
        self.units.insert(unit, Arc::clone(&answer));
        answer
    }

    /// P-2.8, of steps about a role.
    fn state_of(&self, bound: Bound, role: Option<Identity>) -> KeyState {
        let Some(role) = role else { return KeyState::Unknown };
        let (caller, target) = (Caller::Identity(role), Target::Identity(role));
        let step = self.engine.step(0, 0, caller, self.form, target, Fact::Controls(role));
        self.engine.bound(&step, bound).unwrap_or(KeyState::Unknown)
    }
}
