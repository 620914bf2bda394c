//! Steps of one target that no service takes part in: credentials, policies, trusts, groups, new identities.

use super::candidates::Candidates;
use super::{Best, Caller, Engine, Kind, Outcome, Simple, Step, Target};
use crate::reach::fact::{Fact, Form, Identity};
use iamc_policy::Action;

impl Engine {
    /// Steps that become possible with a trust that was opened, or an identity that was made.
    pub(crate) fn steps_on(
        &mut self,
        id: Identity,
        form: Form,
        fact: Fact,
        is_worth: &dyn Fn(Fact) -> bool,
    ) -> Outcome<Vec<Step>> {
        let mut found = Best::default();
        // across accounts a trust is not enough.
        let may_assume = |role: Identity| {
            self.base.account_of[role as usize] == self.base.account_of[id as usize]
                || self.may(id, form, &self.assume_action)
        };
        match fact {
            Fact::TrustOpened(role) if role != id && is_worth(Fact::Controls(role)) && may_assume(role) => {
                if let Some(step) = self.assume_step(id, form, role, Some(fact))? {
                    found.add(step);
                }
            }
            Fact::Created(new) if new != id => {
                if !self.base.is_user(new)
                    && is_worth(Fact::Controls(new))
                    && may_assume(new)
                    && let Some(step) = self.assume_step(id, form, new, Some(fact))?
                {
                    found.add(step);
                }
                if self.base.account_of[id as usize] == self.base.account_of[new as usize] {
                    let kind = if self.base.is_user(new) { Kind::User } else { Kind::Role };
                    for at in 0..self.simple.len() {
                        if self.simple[at].target == kind {
                            let target = Target::Identity(new);
                            let mut all = self.conclusions(at, self.base.account_of[id as usize], target);
                            all.retain(|conclusion| is_worth(*conclusion));
                            let all: Vec<(Target, Fact)> = all.into_iter().map(|fact| (target, fact)).collect();
                            self.simple_step(id, form, at, &all, Some(fact), &mut found)?;
                        }
                    }
                }
            }
            _ => {}
        }
        Ok(found.into_list())
    }

    /// What steps may make true with that.
    pub(crate) fn use_of(&self, condition: Fact) -> Vec<Fact> {
        match condition {
            Fact::TrustOpened(role) => vec![Fact::Controls(role)],
            Fact::Rewritten => vec![Fact::Uses],
            Fact::Created(new) => {
                let account = self.base.account_of[new as usize];
                let own = (0..self.simple.len()).filter(|at| self.is_about(*at, new));
                let own = own.flat_map(|at| self.conclusions(at, account, Target::Identity(new)));
                own.chain((!self.base.is_user(new)).then_some(Fact::Controls(new))).collect()
            }
            _ => Vec::new(),
        }
    }

    pub(super) fn simple_steps_of(
        &mut self,
        id: Identity,
        form: Form,
        candidates: &Candidates,
        found: &mut Best,
    ) -> Outcome<()> {
        for (at, list) in candidates.simple.iter().enumerate().filter(|(_, list)| !list.is_empty()) {
            let Simple { row, n_requests, .. } = self.simple[at];
            // Nothing but identity policies allows what IAM itself does.
            let requests = &self.row(row).requests[..usize::from(n_requests)];
            if !requests.iter().all(|request| request.action.service() != "iam" || self.may(id, form, &request.action))
            {
                continue;
            }
            for same in list.chunk_by(|(one, _), (other, _)| one == other) {
                self.simple_step(id, form, at, same, None, found)?;
            }
        }
        Ok(())
    }

    /// A simple step on one target, with those of its conclusions that count.
    fn simple_step(
        &mut self,
        id: Identity,
        form: Form,
        at: usize,
        conclusions: &[(Target, Fact)],
        condition: Option<Fact>,
        found: &mut Best,
    ) -> Outcome<()> {
        let Simple { row, n_requests, .. } = self.simple[at];
        let Some((target, first)) = conclusions.first().copied() else { return Ok(()) };
        // P-6.2: a key of one's own gives nothing new.
        if self.is_banned(row, target) || first == Fact::Controls(id) {
            return Ok(());
        }
        let mut step = self.step(row, n_requests, Caller::Identity(id), form, target, first);
        step.condition = condition;
        if let Some(step) = self.settle(step)? {
            for (_, conclusion) in conclusions {
                found.add(Step { conclusion: *conclusion, ..step.clone() });
            }
        }
        Ok(())
    }

    /// The one request of a simple step, as its row, how many of the row's requests it is, and its action.
    pub(in crate::reach) fn simple_request(&self, at: usize) -> (u16, u8, Action) {
        let Simple { row, n_requests, action, .. } = &self.simple[at];
        (*row, *n_requests, action.clone())
    }

    /// Whether an identity that is made can be the target of the simple step.
    pub(in crate::reach) fn is_about(&self, at: usize, new: Identity) -> bool {
        self.simple[at].target == if self.base.is_user(new) { Kind::User } else { Kind::Role }
    }
}
