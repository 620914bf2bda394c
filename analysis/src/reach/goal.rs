//! A goal that is no identity: one action on one resource (P-16.3).

use super::ask;
use super::fact::{Fact, Form, Holds, Identity};
use super::steps::{Caller, Engine, Step, Target};
use iamc_compiler::CompileError;
use iamc_policy::request::{Request, RequestResource, ResourceInRequest};
use iamc_policy::{AccountId, Action, Arn, Principal};
use std::collections::HashMap;
use std::sync::Arc;

/// What stands in the place of a row where a step is the goal itself.
pub(super) const GOAL_ROW: u16 = u16::MAX;

/// The action on a resource that a question is about, and who may do it as far as was asked.
pub(crate) struct Use {
    action: Action,
    resource: RequestResource,
    /// The owner, where the ARN does not say it and the inventory does.
    owner: Option<AccountId>,
    region: String,
    steps: HashMap<(Identity, Form), Option<Step>>,
    /// By account and form: who may, ascending.
    users: HashMap<(u32, Form), Arc<[Identity]>>,
    /// By account and form: who may write the policy of the resource anew, ascending.
    pub(super) rewriters: HashMap<(u32, Form), Arc<[Identity]>>,
}

impl Use {
    /// The action and the resource, as people write them.
    pub(super) fn in_words(&self) -> String {
        format!("{} on {}", self.action, self.resource)
    }
}

impl Engine {
    /// What the next questions are about. `resource`: an ARN, or `*`. False: one of the texts is none.
    pub(super) fn ask_for(&mut self, action: &str, resource: &str) -> bool {
        let Ok(action) = action.parse() else { return false };
        let (resource, owner, region) = if resource == "*" {
            (RequestResource::Star, None, "")
        } else {
            let Ok(arn) = resource.parse::<Arn>() else { return false };
            let owner = if arn.account().is_empty() { self.owner_of(resource) } else { None };
            (RequestResource::Arn(arn), owner, resource.split(':').nth(3).unwrap_or_default())
        };
        let region = if region.is_empty() { ask::GLOBAL_REGION } else { region };
        self.asked_use = Some(Use {
            action,
            resource,
            owner,
            region: region.to_owned(),
            steps: HashMap::new(),
            users: HashMap::new(),
            rewriters: HashMap::new(),
        });
        true
    }

    /// Whether it is known whose resource is asked about. Of whose it is not, nothing can be decided.
    pub(super) fn is_owner_known(&self) -> bool {
        self.asked_use.as_ref().is_none_or(|asked| match &asked.resource {
            RequestResource::Arn(arn) => !arn.account().is_empty() || asked.owner.is_some(),
            RequestResource::Star => true,
        })
    }

    /// The resource of the inventory that holds what is asked about.
    pub(super) fn asked_holder(&self) -> Option<u32> {
        let RequestResource::Arn(arn) = &self.asked_use.as_ref()?.resource else { return None };
        let text = arn.as_str();
        let cuts = text.match_indices('/').map(|(at, _)| &text[..at]);
        let mut listed = cuts.chain([text]).filter_map(|arn| self.base.resources_by_arn.get(arn)).flatten();
        listed.next().copied()
    }

    /// A resource is listed under its own ARN or a beginning of it.
    fn owner_of(&self, text: &str) -> Option<AccountId> {
        let cuts = text.match_indices('/').map(|(at, _)| &text[..at]);
        let mut listed = cuts.chain([text]).filter_map(|arn| self.base.resources_by_arn.get(arn)).flatten();
        listed.find_map(|at| self.base.world.resources[*at as usize].account)
    }

    /// The goal as the last step of a path of an identity in a form; `None`: it may not, or nothing is asked for.
    pub(super) fn use_step(&mut self, id: Identity, form: Form) -> Result<Option<Step>, CompileError> {
        let key = (id, form);
        if let Some(known) = self.asked_use.as_ref().and_then(|asked| asked.steps.get(&key)) {
            return Ok(known.clone());
        }
        let Some(request) = self.use_request(id) else { return Ok(None) };
        let asked = self.worlds.ask(&self.base, form, request, &[])?;
        let step = asked.map(|asked| {
            let n_open = u32::from(asked.holds == Holds::Possibly);
            let mut step = self.step(GOAL_ROW, 0, Caller::Identity(id), form, Target::Identity(id), Fact::Uses);
            (step.holds, step.n_requests, step.n_open) = (asked.holds, 1, n_open);
            step
        });
        if let Some(asked) = &mut self.asked_use {
            asked.steps.insert(key, step.clone());
        }
        Ok(step)
    }

    /// The goal as a request of somebody without credentials.
    pub(super) fn use_of_the_public(&mut self) -> Result<Option<ask::Asked>, CompileError> {
        let Some(request) = self.use_request_of_anybody() else { return Ok(None) };
        self.worlds.ask(&self.base, Form::default(), request, &[])
    }

    /// The request of that step, as it was decided.
    pub(super) fn use_asked(&mut self, step: &Step) -> Result<Option<ask::Asked>, CompileError> {
        let Caller::Identity(id) = step.caller else { return Ok(None) };
        let Some(request) = self.use_request(id) else { return Ok(None) };
        self.worlds.ask(&self.base, step.form, request, &[])
    }

    /// Who of an account in a form may do it at least perhaps, ascending; kept.
    pub(super) fn users_of(&mut self, account: u32, form: Form) -> Result<Arc<[Identity]>, CompileError> {
        let known = self.asked_use.as_ref().and_then(|asked| asked.users.get(&(account, form)));
        if let Some(known) = known {
            return Ok(Arc::clone(known));
        }
        let Some(request) = self.use_request_of_anybody() else { return Ok([].into()) };
        let found: Arc<[Identity]> = self.sweep_request(account, form, &request)?.into();
        if let Some(asked) = &mut self.asked_use {
            asked.users.insert((account, form), Arc::clone(&found));
        }
        Ok(found)
    }

    /// Everybody who may do it at least perhaps, as the world is.
    pub(super) fn everybody_who_uses(&mut self) -> Result<Vec<Identity>, CompileError> {
        let Some(request) = self.use_request_of_anybody() else { return Ok(Vec::new()) };
        let mut found = Vec::new();
        for account in self.accounts_that_may(&request)? {
            found.extend(self.users_of(account, Form::default())?.iter());
        }
        Ok(found)
    }

    fn use_request(&self, id: Identity) -> Option<Request> {
        let asked = self.asked_use.as_ref()?;
        Some(self.about_use(asked, ask::by_identity(&self.base, id, asked.action.clone(), &asked.region)))
    }

    /// The same of nobody in particular.
    pub(super) fn use_request_of_anybody(&self) -> Option<Request> {
        let asked = self.asked_use.as_ref()?;
        Some(self.about_use(asked, ask::blank(Principal::Anonymous, asked.action.clone(), &asked.region)))
    }

    fn about_use(&self, asked: &Use, mut request: Request) -> Request {
        let mut resource = ResourceInRequest::new(asked.resource.clone());
        resource.account = asked.owner;
        request.resources.push(resource);
        request.context.extend(self.stated.keys.clone());
        request
    }
}
