//! Variants of the world, in which everything that a form says has been done, for everybody alike.
//!
//! Of few accounts, with all that their requests may be about; or of everybody, for one question: who may assume roles of
//! other accounts. Nothing but statements about STS has a say in that, so such a variant of the whole world is small.

use super::fact::{Form, Identity};
use super::world::{Base, OPENING, Origin, change, known_text, open_trust, opening_for_providers};
use iamc_compiler::CompileError;
use iamc_policy::ActionPattern;
use iamc_policy::document::{Policy, Statement};
use iamc_policy::principal::last_segment;
use iamc_policy::world::{
    Account, Group, Guardrail, IdentityRecord, NamedPolicy, PolicyText, Role, SessionDefaults, User, World,
};
use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

/// So many identities are handed over at a time.
const PIECE: usize = 4_096;

impl Base {
    /// The world in which everything that the form says has been done, for everybody, of some accounts: decisions of their
    /// identities about their resources depend on nothing else.
    pub(crate) fn variant(&self, form: Form, accounts: &BTreeSet<u32>) -> World {
        let all = &self.world;
        let mut kept: Vec<Identity> = Vec::new();
        kept.extend(accounts.iter().flat_map(|account| &self.identities_in[*account as usize]));
        kept.sort_unstable();
        let levels = self.levels_of(accounts);
        let is_kept = |account: &&Account| levels.contains(account.id.to_string().as_str());
        let guardrails = all.guardrails.iter().filter_map(|guardrail| {
            let targets = guardrail.targets.iter().filter(|target| levels.contains(target.as_str()));
            let targets: Vec<String> = targets.cloned().collect();
            (!targets.is_empty()).then(|| Guardrail { targets, ..guardrail.clone() })
        });
        let mut world = World {
            settings: all.settings.clone(),
            assume_complete: all.assume_complete,
            organizations: all.organizations.clone(),
            units: all.units.clone(),
            accounts: all.accounts.iter().filter(is_kept).cloned().collect(),
            guardrails: guardrails.collect(),
            gaps: all.gaps.clone(),
            coverage: all.coverage.clone(),
            ..World::default()
        };
        let n_kept_users = kept.partition_point(|id| self.is_user(*id));
        world.users = kept[..n_kept_users].iter().map(|id| self.changed_user(*id, form)).collect();
        let mut opened: HashMap<*const Policy, Arc<Policy>> = HashMap::new();
        let opening = if form.trust { self.opening_in(accounts) } else { Arc::clone(&OPENING) };
        for id in kept[n_kept_users..].iter().copied() {
            let mut role = self.changed_role(id, form);
            if form.trust && !matches!(self.origin(id), Origin::Outside | Origin::Probe) {
                role.trust = open_trust(&role.trust, &opening, &mut opened);
            }
            world.roles.push(role);
        }
        let facts = accounts.iter().map(|account| &self.accounts[*account as usize]);
        let mut groups: Vec<u32> = facts.clone().flat_map(|facts| &facts.groups).copied().collect();
        groups.sort_unstable();
        world.groups = groups.into_iter().map(|at| all.groups[at as usize].clone()).collect();
        let mut resources: Vec<u32> = facts.flat_map(|facts| &facts.resources).chain(&self.unowned).copied().collect();
        resources.sort_unstable();
        world.resources = resources.into_iter().map(|at| all.resources[at as usize].clone()).collect();
        if form.resource {
            super::resource::open_all(&mut world);
        }
        let records = world.users.iter().map(|user| &user.identity);
        let records = records.chain(world.roles.iter().map(|role| &role.identity));
        let records = records.chain(world.groups.iter().map(|group| &group.identity));
        let attached = records.flat_map(|record| record.attached.iter().chain(&record.boundary));
        let attached: BTreeSet<u32> = attached.filter_map(|arn| self.policy_by_arn.get(arn).copied()).collect();
        world.policies = attached.into_iter().map(|at| all.policies[at as usize].clone()).collect();
        world
    }

    fn changed_user(&self, id: Identity, form: Form) -> User {
        let mut user = self.world.users[id as usize].clone();
        change(&mut user.identity, form);
        let place = form.group.checked_sub(1).and_then(|at| self.account(id).groups.get(at as usize));
        let group = place.map(|at| last_segment(self.world.groups[*at as usize].identity.arn.resource()));
        if let Some(group) = group.filter(|group| !user.groups.iter().any(|known| known == group)) {
            user.groups.push(group.to_owned());
        }
        user
    }

    fn changed_role(&self, id: Identity, form: Form) -> Role {
        let mut role = self.world.roles[(id - self.n_users) as usize].clone();
        if !matches!(self.origin(id), Origin::Outside | Origin::Probe) {
            change(&mut role.identity, form);
        }
        role
    }

    /// Whether an identity may ever act in a form: users join groups, and who has a boundary may lose it.
    pub(crate) fn may_act(&self, id: Identity, form: Form) -> bool {
        (form.group == 0 || self.is_user(id)) && (!form.unbounded || self.record(id).boundary.is_some())
    }

    /// The world in which everything that the form says has been done, for everybody who may act in it, as far as it matters
    /// to who may assume roles of other accounts, piece by piece.
    ///
    /// # Errors
    /// What `take` gives.
    ///
    /// Cost: O(bytes of policies); what one piece holds is in memory at a time.
    pub(crate) fn assuming(
        &self,
        form: Form,
        take: &mut dyn FnMut(&World) -> Result<(), CompileError>,
    ) -> Result<(), CompileError> {
        let all = &self.world;
        let part =
            || World { settings: all.settings.clone(), assume_complete: all.assume_complete, ..World::default() };
        let mut about = AboutSts::default();
        let guardrails = all
            .guardrails
            .iter()
            .map(|guardrail| Guardrail { policy: about.policy(&guardrail.policy), ..guardrail.clone() });
        take(&World {
            organizations: all.organizations.clone(),
            units: all.units.clone(),
            accounts: all.accounts.clone(),
            guardrails: guardrails.collect(),
            gaps: all.gaps.clone(),
            coverage: all.coverage.clone(),
            ..part()
        })?;
        for piece in all.policies.chunks(PIECE) {
            let policies = piece.iter().cloned().map(|mut policy| {
                policy.policy = about.policy(&policy.policy);
                policy
            });
            take(&World { policies: policies.collect(), ..part() })?;
        }
        for piece in all.groups.chunks(PIECE) {
            let groups = piece.iter().cloned().map(|mut group: Group| {
                about.record(&mut group.identity);
                group
            });
            take(&World { groups: groups.collect(), ..part() })?;
        }
        let users: Vec<Identity> = (0..self.n_users).filter(|id| self.may_act(*id, form)).collect();
        for piece in users.chunks(PIECE) {
            let users = piece.iter().map(|id| {
                let mut user = self.changed_user(*id, form);
                about.record(&mut user.identity);
                user
            });
            take(&World { users: users.collect(), ..part() })?;
        }
        let named = self.trusting.values().flatten().chain(&self.trusting_all).copied();
        let callers = (self.n_users..self.n_identities).filter(|id| self.may_act(*id, form));
        let roles: BTreeSet<Identity> = callers.chain(named).collect();
        let roles: Vec<Identity> = roles.into_iter().collect();
        for piece in roles.chunks(PIECE) {
            let roles = piece.iter().map(|id| {
                if !self.may_act(*id, form) {
                    return as_target(&self.world.roles[(*id - self.n_users) as usize]);
                }
                let mut role = self.changed_role(*id, form);
                about.record(&mut role.identity);
                role
            });
            take(&World { roles: roles.collect(), ..part() })?;
        }
        Ok(())
    }

    /// The accounts and all levels above them, by id.
    fn levels_of(&self, accounts: &BTreeSet<u32>) -> BTreeSet<String> {
        let mut levels = BTreeSet::new();
        for account in accounts {
            let account = &self.accounts[*account as usize];
            levels.insert(account.id.to_string());
            let mut level = account.parent.as_deref();
            while let Some(unit) = level.filter(|unit| !levels.contains(*unit)) {
                levels.insert(unit.to_owned());
                level = self.parent_of(unit);
            }
        }
        levels
    }

    fn parent_of(&self, unit: &str) -> Option<&str> {
        let at = self.unit_by_id.get(unit)?;
        self.world.units[*at as usize].parent.as_deref()
    }

    /// P-3.9, for whatever identity is controlled, and whatever provider of the accounts or built in.
    fn opening_in(&self, accounts: &BTreeSet<u32>) -> Arc<Policy> {
        let providers = (0u32..).zip(&self.providers).filter(|(at, name)| {
            !name.starts_with("arn:") || self.provider_account(*at).is_some_and(|account| accounts.contains(&account))
        });
        let names: Vec<&str> = providers.map(|(_, name)| name.as_str()).collect();
        if names.is_empty() {
            return Arc::clone(&OPENING);
        }
        let mut policy = (**OPENING).clone();
        policy.statements.extend(opening_for_providers(&names).statements.iter().cloned());
        Arc::new(policy)
    }
}

/// A role of which nothing is asked but whom its trust policy admits.
fn as_target(role: &Role) -> Role {
    let IdentityRecord { arn, unique_id, tags, place, .. } = &role.identity;
    let (arn, unique_id, tags, place) = (arn.clone(), unique_id.clone(), tags.clone(), place.clone());
    let identity =
        IdentityRecord { arn, unique_id, inline: Vec::new(), attached: Vec::new(), boundary: None, tags, place };
    Role { identity, trust: role.trust.clone(), session_defaults: SessionDefaults::default() }
}

/// Leaves out of policies the statements that are about no action of STS, each text once.
#[derive(Default)]
struct AboutSts {
    policies: HashMap<*const Policy, Arc<Policy>>,
}

impl AboutSts {
    fn record(&mut self, record: &mut IdentityRecord) {
        for policy in &mut record.inline {
            *policy = self.policy(policy);
        }
    }

    fn policy(&mut self, policy: &NamedPolicy) -> NamedPolicy {
        let Some(text) = known_text(policy) else { return policy.clone() };
        let less = self.policies.entry(Arc::as_ptr(text)).or_insert_with(|| {
            if text.statements.iter().all(is_about_sts) {
                return Arc::clone(text);
            }
            let statements = text.statements.iter().filter(|statement| is_about_sts(statement)).cloned().collect();
            Arc::new(Policy { kind: text.kind, version: text.version, id: None, statements })
        });
        NamedPolicy { text: PolicyText::Known(Arc::clone(less)), ..policy.clone() }
    }
}

fn is_about_sts(statement: &Statement) -> bool {
    let is_it = |pattern: &ActionPattern| match pattern {
        ActionPattern::Any => true,
        ActionPattern::Named { service, .. } => service == "sts",
        ActionPattern::Nothing(_) => false,
    };
    statement.action.negated || statement.action.patterns.iter().any(is_it)
}
