//! Steps of one target that no service takes part in: credentials, policies, trusts, groups, new identities.

use super::{Best, Caller, Engine, Kind, Outcome, Simple, Step, Target};
use crate::Effect;
use crate::reach::fact::{Fact, Form, Identity, Thing};
use iamc_policy::{Action, Arn};

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
        match fact {
            Fact::TrustOpened(role) if role != id && is_worth(Fact::Controls(role)) => {
                if let Some(step) = self.assume_step(id, form, role, Some(fact))? {
                    found.add(step);
                }
            }
            Fact::Created(new) if new != id => {
                if !self.base.is_user(new)
                    && is_worth(Fact::Controls(new))
                    && let Some(step) = self.assume_step(id, form, new, Some(fact))?
                {
                    found.add(step);
                }
                if self.base.account_of[id as usize] == self.base.account_of[new as usize] {
                    let kind = if self.base.is_user(new) { Kind::User } else { Kind::Role };
                    for at in 0..self.simple.len() {
                        if self.simple[at].target == kind {
                            self.simple_step(id, form, at, Target::Identity(new), Some(fact), is_worth, &mut found)?;
                        }
                    }
                }
            }
            _ => {}
        }
        Ok(found.into_list())
    }

    pub(super) fn simple_steps_of(
        &mut self,
        id: Identity,
        form: Form,
        is_worth: &dyn Fn(Fact) -> bool,
        found: &mut Best,
    ) -> Outcome<()> {
        let account = self.base.account_of[id as usize];
        for at in 0..self.simple.len() {
            let Simple { row, n_requests, .. } = self.simple[at];
            // Nothing but identity policies allows what IAM itself does.
            let requests = &self.row(row).requests[..usize::from(n_requests)];
            if !requests.iter().all(|request| request.action.service() != "iam" || self.may(id, form, &request.action))
            {
                continue;
            }
            for target in self.targets(at, account) {
                self.simple_step(id, form, at, target, None, is_worth, found)?;
            }
        }
        Ok(())
    }

    /// What a simple step can be about in an account.
    pub(crate) fn targets(&self, at: usize, account: u32) -> Vec<Target> {
        let simple = &self.simple[at];
        let facts = &self.base.accounts[account as usize];
        let world = &self.base.world;
        let identities = |list: &[Identity]| list.iter().map(|id| Target::Identity(*id)).collect::<Vec<_>>();
        let mut targets = match simple.target {
            Kind::User => identities(&facts.users),
            Kind::Role => {
                let roles: Vec<Identity> =
                    facts.roles.iter().copied().filter(|role| !self.base.is_fixed(*role)).collect();
                identities(&roles)
            }
            Kind::Group => facts.groups.iter().map(|group| Target::Group(*group)).collect(),
            Kind::Policy => facts.policies.iter().map(|policy| Target::Policy(*policy)).collect(),
            Kind::NewUser => facts.new_user.map(Target::Identity).into_iter().collect(),
            Kind::NewRole => facts.new_role.map(Target::Identity).into_iter().collect(),
            Kind::NewOidcProvider => facts.new_provider.map(Target::Provider).into_iter().collect(),
            Kind::SamlProvider | Kind::OidcProvider => {
                let word = if simple.target == Kind::SamlProvider { "saml-provider/" } else { "oidc-provider/" };
                let own = facts.id.to_string();
                let is_own = |arn: &Arn| arn.account() == own && arn.resource().starts_with(word);
                let providers = (0u32..).zip(&self.base.providers).filter(|(at, _)| !self.base.is_made(*at));
                let parsed = providers.filter_map(|(at, name)| Some((at, name.parse::<Arn>().ok()?)));
                parsed.filter(|(_, arn)| is_own(arn)).map(|(at, _)| Target::Provider(at)).collect()
            }
        };
        // P-3.16, P-3.17: what changes nothing is no step.
        match simple.effect {
            Effect::BoundaryRemoved | Effect::BoundarySet => {
                targets.retain(
                    |target| matches!(target, Target::Identity(id) if self.base.record(*id).boundary.is_some()),
                );
            }
            Effect::GroupJoined => {
                targets.retain(|target| matches!(target, Target::Group(group) if !self.group_denies(*group)));
            }
            Effect::PolicyOpened | Effect::PolicySwitched => {
                targets.retain(|target| {
                    let Target::Policy(policy) = target else { return false };
                    let at = *policy as usize;
                    world.policies[at].arn.account() != "aws"
                        && !(self.base.attached_to[at].is_empty() && self.base.bounded_by[at].is_empty())
                });
            }
            _ => {}
        }
        targets
    }

    /// P-15.4: a group whose policies deny, or are not known, takes something away from who joins it.
    fn group_denies(&self, group: u32) -> bool {
        let record = &self.base.world.groups[group as usize].identity;
        let attached = record.attached.iter().map(|arn| {
            self.base.policy_by_arn.get(arn).map(|policy| &self.base.world.policies[*policy as usize].policy)
        });
        let denies = |policy: Option<&iamc_policy::world::NamedPolicy>| {
            policy.and_then(crate::reach::world::known_text).is_none_or(|policy| {
                policy.statements.iter().any(|statement| statement.effect == iamc_policy::Effect::Deny)
            })
        };
        record.inline.iter().map(Some).chain(attached).any(denies)
    }

    #[expect(clippy::too_many_arguments, reason = "a step and two things about its conclusion")]
    fn simple_step(
        &mut self,
        id: Identity,
        form: Form,
        at: usize,
        target: Target,
        condition: Option<Fact>,
        is_worth: &dyn Fn(Fact) -> bool,
        found: &mut Best,
    ) -> Outcome<()> {
        let Simple { row, n_requests, .. } = self.simple[at];
        if self.is_banned(row, target) {
            return Ok(());
        }
        let mut conclusions = self.conclusions(at, self.base.account_of[id as usize], target);
        conclusions.retain(|conclusion| is_worth(*conclusion));
        let Some(first) = conclusions.first().copied() else { return Ok(()) };
        if first == Fact::Controls(id) {
            // P-6.2: a key of one's own gives nothing new.
            return Ok(());
        }
        let mut step = self.step(row, n_requests, Caller::Identity(id), form, target, first);
        step.condition = condition;
        if let Some(step) = self.settle(step)? {
            for conclusion in conclusions {
                found.add(Step { conclusion, ..step.clone() });
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

    /// What a simple step by somebody of an account makes true of its target.
    pub(in crate::reach) fn conclusions(&self, at: usize, account: u32, target: Target) -> Vec<Fact> {
        match (self.simple[at].effect, target) {
            (Effect::User, Target::Identity(user)) => vec![Fact::Controls(user)],
            (Effect::IdentityCreated, Target::Identity(new)) => vec![Fact::Created(new)],
            (Effect::TrustOpened, Target::Identity(role)) => vec![Fact::TrustOpened(role)],
            (Effect::BoundaryRemoved | Effect::BoundarySet, Target::Identity(one)) => vec![Fact::Unbounded(one)],
            (Effect::PolicyAttached | Effect::InlineWritten, Target::Identity(one)) => {
                vec![Fact::Opened(Thing::Identity(one))]
            }
            (Effect::PolicyAttached | Effect::InlineWritten, Target::Group(group)) => {
                vec![Fact::Opened(Thing::Group(group))]
            }
            (Effect::PolicyOpened | Effect::PolicySwitched, Target::Policy(policy)) => {
                vec![Fact::Opened(Thing::Policy(policy))]
            }
            (Effect::ProviderControlled, Target::Provider(provider)) => vec![Fact::ControlsProvider(provider)],
            (Effect::GroupJoined, Target::Group(group)) => {
                let members = &self.base.members[group as usize];
                let users = self.base.accounts[account as usize].users.iter();
                let users = users.filter(|user| !members.contains(user));
                users.map(|user| Fact::Joined(*user, group)).collect()
            }
            _ => Vec::new(),
        }
    }
}
