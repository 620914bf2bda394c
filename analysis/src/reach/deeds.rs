//! Actions that somebody's policies may allow at all, so that callers without any Allow are passed over (P-15.10).
//!
//! A policy of an identity that is not known may allow everything, and so may a `NotAction`. Which actions a pattern covers is
//! asked of the engine, once for each pattern.

use super::fact::{Form, Identity};
use super::world::{Base, known_text};
use crate::Table;
use iamc_policy::ActionPattern;
use iamc_policy::document::{Effect, Policy};
use iamc_policy::world::{IdentityRecord, NamedPolicy};
use iamc_policy::{Action, Arn};
use iamc_runtime::patterns_overlap;
use std::collections::HashMap;
use std::sync::Arc;

const WORDS: usize = 4;

/// A set of actions of the table, by number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Actions([u64; WORDS]);

impl Actions {
    const ALL: Actions = Actions([u64::MAX; WORDS]);

    fn add(&mut self, other: Actions) {
        self.0.iter_mut().zip(other.0).for_each(|(own, other)| *own |= other);
    }

    fn has(&self, at: usize) -> bool {
        // What has no place in the set may be allowed.
        self.0.get(at / 64).is_none_or(|word| word >> (at % 64) & 1 == 1)
    }
}

/// Which actions of the table the own policies of identities and groups may allow; by default, nothing is known of that.
#[derive(Default)]
pub(crate) struct Deeds {
    numbers: HashMap<Action, usize>,
    identities: Vec<Actions>,
    groups: Vec<Actions>,
}

/// Reads policies, each text and each pattern once.
struct Reader<'b> {
    base: &'b Base,
    actions: Vec<Action>,
    patterns: HashMap<ActionPattern, Actions>,
    policies: HashMap<*const Policy, Actions>,
}

impl Deeds {
    /// Cost: O(bytes of the policies of identities).
    pub(crate) fn new(base: &Base, table: &Table, more: &[Action]) -> Deeds {
        let own = table.primitives().iter().flat_map(|row| &row.requests).map(|request| &request.action);
        let mut actions: Vec<Action> = own.chain(more).cloned().collect();
        actions.sort();
        actions.dedup();
        let numbers = actions.iter().cloned().enumerate().map(|(at, action)| (action, at)).collect();
        let mut reader = Reader { base, actions, patterns: HashMap::new(), policies: HashMap::new() };
        let groups: Vec<Actions> = base.world.groups.iter().map(|group| reader.record(&group.identity)).collect();
        let mut identities = Vec::with_capacity(base.n_identities as usize);
        for id in 0..base.n_identities {
            let mut own = reader.record(base.record(id));
            if base.is_user(id) {
                for name in &base.world.users[id as usize].groups {
                    let group = base.group_by_name.get(&(base.account_of[id as usize], name.clone()));
                    own.add(group.map_or(Actions::ALL, |group| groups[*group as usize]));
                }
            }
            identities.push(own);
        }
        Deeds { numbers, identities, groups }
    }

    /// False only where no policy of the identity itself, in that form, allows the action on anything.
    pub(crate) fn may(&self, base: &Base, id: Identity, form: Form, action: &Action) -> bool {
        let Some(at) = self.numbers.get(action) else { return true };
        let group = form.group.checked_sub(1).and_then(|at| base.account(id).groups.get(at as usize));
        form.opened
            // A root user needs no policy.
            || self.identities.get(id as usize).is_none_or(|own| own.has(*at))
            || group.is_some_and(|group| self.groups[*group as usize].has(*at))
    }
}

impl Reader<'_> {
    fn record(&mut self, record: &IdentityRecord) -> Actions {
        let mut found = Actions::default();
        for policy in &record.inline {
            found.add(self.named(policy));
        }
        for arn in &record.attached {
            found.add(self.attached(arn));
        }
        found
    }

    fn attached(&mut self, arn: &Arn) -> Actions {
        let base = self.base;
        match base.policy_by_arn.get(arn) {
            Some(at) => self.named(&base.world.policies[*at as usize].policy),
            None => Actions::ALL,
        }
    }

    fn named(&mut self, policy: &NamedPolicy) -> Actions {
        let Some(policy) = known_text(policy) else { return Actions::ALL };
        if let Some(known) = self.policies.get(&Arc::as_ptr(policy)) {
            return *known;
        }
        let mut found = Actions::default();
        for statement in policy.statements.iter().filter(|statement| statement.effect == Effect::Allow) {
            if statement.action.negated {
                found = Actions::ALL;
            }
            for pattern in &statement.action.patterns {
                found.add(self.pattern(pattern));
            }
        }
        self.policies.insert(Arc::as_ptr(policy), found);
        found
    }

    fn pattern(&mut self, pattern: &ActionPattern) -> Actions {
        let (service, name) = match pattern {
            ActionPattern::Any => return Actions::ALL,
            ActionPattern::Nothing(_) => return Actions::default(),
            ActionPattern::Named { service, name } => (service, name),
        };
        if let Some(known) = self.patterns.get(pattern) {
            return *known;
        }
        let name = name.to_ascii_lowercase();
        let mut found = Actions::default();
        for (at, action) in self.actions.iter().enumerate() {
            if action.service() == service && patterns_overlap(&name, &action.name().to_ascii_lowercase()) {
                match found.0.get_mut(at / 64) {
                    Some(word) => *word |= 1 << (at % 64),
                    None => return Actions::ALL,
                }
            }
        }
        self.patterns.insert(pattern.clone(), found);
        found
    }
}
