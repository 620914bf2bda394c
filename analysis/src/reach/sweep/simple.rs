//! Steps of one target that no service takes part in (sections 6 to 10).

use super::{Outcome, Sweep};
use crate::reach::ask::GLOBAL_REGION;
use crate::reach::crowd::Answer;
use crate::reach::fact::{Fact, Identity};
use crate::reach::steps::{Caller, Target};
use iamc_policy::condition::ConditionKey;
use iamc_policy::request::{RequestResource, ResourceInRequest};

impl Sweep<'_> {
    /// All such steps; `new`: those alone whose target is an identity that was made.
    pub(super) fn simple(&mut self, new: Option<Identity>) -> Outcome<()> {
        let Some(first) = self.all.ones().next() else { return Ok(()) };
        let first = self.engine.base.identities_in[self.account as usize][first];
        for at in 0..self.engine.simple.len() {
            let (row, n_requests, action) = self.engine.simple_request(at);
            // Nothing but identity policies allows what IAM itself does.
            let callers = self.may(&action);
            if callers.is_clear() {
                continue;
            }
            let targets = match new {
                Some(new) if self.engine.is_about(at, new) => vec![Target::Identity(new)],
                Some(_) => Vec::new(),
                None => self.engine.targets(at, self.account),
            };
            for target in targets {
                let conclusions = self.engine.conclusions(at, self.account, target);
                let is_open = |fact: &Fact| !self.without(callers.clone(), *fact).is_clear();
                let (Some(arn), true) = (self.engine.target_arn(target), conclusions.iter().any(is_open)) else {
                    continue;
                };
                let step =
                    self.engine.step(row, n_requests, Caller::Identity(first), self.form, target, conclusions[0]);
                let Some(needs) = self.engine.needs(&step) else { continue };
                let mut request = self.blank(&action, GLOBAL_REGION);
                let keys = &self.engine.row(row).requests[0].keys;
                let bound: Option<Vec<_>> =
                    keys.iter().map(|(key, bound)| Some((key, self.engine.bound(&step, *bound)?))).collect();
                let Some(bound) = bound else { continue };
                for (key, state) in bound {
                    let key = ConditionKey::new(key);
                    if !self.engine.stated.keys.contains_key(&key) {
                        request.context.insert(key, state);
                    }
                }
                request.resources.push(ResourceInRequest::new(RequestResource::Arn(arn)));
                let Answer { mut definite, mut possible } = self.who(&request);
                possible.intersect_with(&callers);
                definite.intersect_with(&callers);
                if needs.iter().any(|(_, met)| !met) {
                    definite.clear();
                }
                for fact in conclusions {
                    self.gain_asked(fact, row, &possible, &definite);
                }
            }
        }
        Ok(())
    }
}
