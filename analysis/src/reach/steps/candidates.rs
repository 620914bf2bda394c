//! What steps of the identities of one account may lead to, so that what is settled already is passed over once and not by
//! each of them.

use super::{Engine, Kind, Target};
use crate::Effect;
use crate::reach::fact::{Fact, Identity, Thing};
use crate::reach::world::Base;

/// Conclusions that steps of an account's identities can have, by kind of step.
#[derive(Debug)]
pub(crate) struct Candidates {
    /// Roles whose trust policies may admit somebody of the account, ascending.
    pub(super) assumed: Vec<Identity>,
    /// By simple step: targets, each with all it may make true of them, side by side.
    pub(super) simple: Vec<Vec<(Target, Fact)>>,
    /// Roles of the account that a service may use for somebody.
    pub(super) running: Vec<Identity>,
}

impl Candidates {
    /// Keeps conclusions that are worth a decision.
    ///
    /// Cost: O(conclusions that are left).
    pub(crate) fn retain(&mut self, is_worth: &dyn Fn(Fact) -> bool) {
        self.assumed.retain(|role| is_worth(Fact::Controls(*role)));
        self.simple.iter_mut().for_each(|list| list.retain(|(_, fact)| is_worth(*fact)));
        self.running.retain(|role| is_worth(Fact::Controls(*role)));
    }

    /// The same in a list of its own.
    pub(crate) fn retained(&self, is_worth: &dyn Fn(Fact) -> bool) -> Candidates {
        let roles = |list: &[Identity]| list.iter().copied().filter(|role| is_worth(Fact::Controls(*role))).collect();
        let simple = self.simple.iter().map(|list| list.iter().copied().filter(|(_, fact)| is_worth(*fact)).collect());
        Candidates { assumed: roles(&self.assumed), simple: simple.collect(), running: roles(&self.running) }
    }

    /// Whether there are roles of other accounts among them.
    pub(crate) fn lead_abroad(&self, base: &Base, account: u32) -> bool {
        self.assumed.iter().any(|role| base.account_of[*role as usize] != account)
    }
}

impl Engine {
    /// All conclusions that steps of identities of an account can have.
    ///
    /// Cost: O(identities, groups and policies of the account, and roles that trust it).
    pub(crate) fn candidates(&self, account: u32) -> Candidates {
        let base = &self.base;
        let facts = &base.accounts[account as usize];
        let named = base.trusting.get(&facts.id).into_iter().flatten();
        let mut assumed: Vec<Identity> = named.chain(&base.trusting_all).copied().collect();
        assumed.sort_unstable();
        assumed.dedup();
        let simple = (0..self.simple.len()).map(|at| {
            let targets = self.targets(at, account).into_iter();
            targets.flat_map(move |target| {
                self.conclusions(at, account, target).into_iter().map(move |fact| (target, fact))
            })
        });
        let running = facts.roles.iter().copied().filter(|role| !base.is_fixed(*role));
        Candidates { assumed, simple: simple.map(Iterator::collect).collect(), running: running.collect() }
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
                let resource = |at: u32| self.base.providers[at as usize].splitn(6, ':').nth(5).unwrap_or_default();
                let own = facts.providers.iter().copied().filter(|at| resource(*at).starts_with(word));
                own.map(Target::Provider).collect()
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
