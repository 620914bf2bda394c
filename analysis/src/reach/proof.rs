//! The world at the moment of a request, as far as its decision depends on it (P-16.9).

use super::fact::{Fact, Form};
use super::steps::{Caller, Engine, Step};
use super::world::{change, open_trust, opening_for, opening_for_providers, parse_account};
use iamc_policy::principal::Principal;
use iamc_policy::request::{Request, RequestResource};
use iamc_policy::world::{Gap, GapKind, Guardrail, ResourcePolicy, World};
use iamc_policy::{AccountId, Arn};
use std::collections::{BTreeSet, HashMap};

impl Engine {
    /// The lines of the inventory that one request of a step needs, with what earlier steps changed.
    ///
    /// Cost: O(accounts, units and guardrails, and what is kept).
    pub(crate) fn moment(&self, step: &Step, request: &Request) -> World {
        let is_callers =
            !matches!(request.principal, Principal::Service(_) | Principal::Federated(_) | Principal::Saml(_));
        let caller = match step.caller {
            Caller::Identity(id) if is_callers => Some(id),
            _ => None,
        };
        self.moment_of(Some(step), caller, request)
    }

    /// The same of a request that is no step's: of nobody's, in the world as it is.
    pub(crate) fn moment_of(&self, step: Option<&Step>, caller: Option<u32>, request: &Request) -> World {
        let base = &self.base;
        let all = &base.world;
        let resources = request.resources.iter().chain(request.additional.iter().map(|more| &more.resource));
        let mut accounts: BTreeSet<AccountId> = caller.into_iter().map(|id| base.account(id).id).collect();
        let mut arns: Vec<&Arn> = Vec::new();
        for resource in resources {
            if let RequestResource::Arn(arn) = &resource.resource {
                arns.push(arn);
                accounts.extend(resource.account.or_else(|| arn.account().parse().ok()));
            }
        }
        // A resource is listed under its own ARN or a beginning of it.
        let mut prefixes: BTreeSet<&str> = BTreeSet::new();
        for arn in arns {
            let text = arn.as_str();
            prefixes.insert(text);
            prefixes.extend(text.match_indices(['/', ':']).map(|(at, _)| &text[..at]));
        }
        let mut world = World { settings: all.settings.clone(), ..World::default() };
        world.organizations = all.organizations.clone();
        world.accounts = all.accounts.iter().filter(|account| accounts.contains(&account.id)).cloned().collect();
        let mut levels: BTreeSet<String> = accounts.iter().map(ToString::to_string).collect();
        let parents: HashMap<&str, Option<&str>> =
            all.units.iter().map(|unit| (unit.id.as_str(), unit.parent.as_deref())).collect();
        for account in &world.accounts {
            let mut level = account.parent.as_deref();
            while let Some(unit) = level.filter(|unit| !levels.contains(*unit)) {
                levels.insert(unit.to_owned());
                level = parents.get(unit).copied().flatten();
            }
        }
        world.units = all.units.iter().filter(|unit| levels.contains(&unit.id)).cloned().collect();
        world.guardrails = all
            .guardrails
            .iter()
            .filter_map(|guardrail| {
                let targets: Vec<String> =
                    guardrail.targets.iter().filter(|target| levels.contains(*target)).cloned().collect();
                (!targets.is_empty()).then(|| Guardrail { targets, ..guardrail.clone() })
            })
            .collect();
        self.add_identities(&mut world, step, caller, &prefixes);
        let resources = prefixes.iter().filter_map(|arn| base.resources_by_arn.get(*arn)).flatten();
        let resources: BTreeSet<u32> = resources.copied().collect();
        world.resources = resources.into_iter().map(|at| all.resources[at as usize].clone()).collect();
        if step.is_some_and(|step| step.form.resource)
            && let Some(caller) = caller
        {
            let caller = base.arn(caller).as_str();
            world.resources.iter_mut().for_each(|resource| super::resource::open(resource, Some(caller)));
        }
        world.coverage = all.coverage.iter().filter(|one| accounts.contains(&one.account)).cloned().collect();
        if all.assume_complete {
            assume_complete(&mut world);
        } else {
            world.gaps = gaps(all, &world, &accounts, &levels);
        }
        world
    }

    fn add_identities(&self, world: &mut World, step: Option<&Step>, caller: Option<u32>, about: &BTreeSet<&str>) {
        let form = step.map_or(Form::default(), |step| step.form);
        let base = &self.base;
        let all = &base.world;
        let kept = about.iter().filter_map(|arn| base.by_arn.get(*arn)).copied().chain(caller);
        let kept: BTreeSet<u32> = kept.collect();
        for at in kept.range(..base.n_users).map(|id| *id as usize) {
            let is_caller = caller == Some(at as u32);
            let user = &all.users[at];
            let mut user = user.clone();
            if is_caller {
                change(&mut user.identity, form);
                let account = base.account(at as u32);
                if let Some(group) = form.group.checked_sub(1).and_then(|at| account.groups.get(at as usize)) {
                    let arn = &all.groups[*group as usize].identity.arn;
                    user.groups.push(arn.resource().rsplit('/').next().unwrap_or_default().to_owned());
                }
            }
            world.users.push(user);
        }
        for id in kept.range(base.n_users..base.n_identities).copied() {
            let is_caller = caller == Some(id);
            let role = &all.roles[(id - base.n_users) as usize];
            let mut role = role.clone();
            if is_caller {
                change(&mut role.identity, Form { trust: false, ..form });
            }
            if let Some(step) = step
                && step.condition == Some(Fact::TrustOpened(id))
            {
                let opening = match step.caller {
                    Caller::Identity(caller) => opening_for(base.arn(caller).as_str()),
                    Caller::Provider(provider) => opening_for_providers(&[&base.providers[provider as usize]]),
                };
                role.trust = open_trust(&role.trust, &opening, &mut HashMap::new());
            }
            world.roles.push(role);
        }
        let named = world.users.iter().flat_map(|user| {
            let groups = base.account_by_id.get(&parse_account(&user.identity.arn)).into_iter();
            let groups = groups.flat_map(|account| &base.accounts[*account as usize].groups).copied();
            let is_named = |group: &u32| {
                let name = all.groups[*group as usize].identity.arn.resource().rsplit('/').next().unwrap_or_default();
                user.groups.iter().any(|own| own == name)
            };
            groups.filter(is_named).collect::<Vec<_>>()
        });
        let groups: BTreeSet<u32> = named.collect();
        world.groups = groups.into_iter().map(|at| all.groups[at as usize].clone()).collect();
        let users = world.users.iter().map(|user| &user.identity);
        let records = users.chain(world.roles.iter().map(|role| &role.identity));
        let records = records.chain(world.groups.iter().map(|group| &group.identity));
        let attached = records.flat_map(|record| record.attached.iter().chain(&record.boundary));
        let attached: BTreeSet<u32> = attached.filter_map(|arn| base.policy_by_arn.get(arn).copied()).collect();
        world.policies = attached.into_iter().map(|at| all.policies[at as usize].clone()).collect();
    }
}

/// What the input lacks does not exist, and a case cannot say that of itself.
fn assume_complete(world: &mut World) {
    for resource in &mut world.resources {
        if resource.policy == ResourcePolicy::NotExported {
            resource.policy = ResourcePolicy::None;
        }
    }
    let known: BTreeSet<Arn> = world.policies.iter().map(|policy| policy.arn.clone()).collect();
    let users = world.users.iter_mut().map(|user| &mut user.identity);
    let records = users.chain(world.roles.iter_mut().map(|role| &mut role.identity));
    for record in records.chain(world.groups.iter_mut().map(|group| &mut group.identity)) {
        record.attached.retain(|arn| known.contains(arn));
    }
    let groups: BTreeSet<(String, String)> = world
        .groups
        .iter()
        .map(|group| {
            let arn = &group.identity.arn;
            (arn.account().to_owned(), arn.resource().rsplit('/').next().unwrap_or_default().to_owned())
        })
        .collect();
    for user in &mut world.users {
        let account = user.identity.arn.account().to_owned();
        user.groups.retain(|name| groups.contains(&(account.clone(), name.clone())));
    }
}

fn gaps(all: &World, world: &World, accounts: &BTreeSet<AccountId>, levels: &BTreeSet<String>) -> Vec<Gap> {
    let users = world.users.iter().map(|user| &user.identity.arn);
    let arns = users.chain(world.policies.iter().map(|policy| &policy.arn));
    let mut subjects: BTreeSet<&str> = arns.chain(world.resources.iter().map(|x| &x.arn)).map(Arn::as_str).collect();
    subjects.extend(world.organizations.iter().map(|organization| organization.id.as_str()));
    subjects.extend(world.guardrails.iter().map(|guardrail| guardrail.id.as_str()));
    let is_kept = |gap: &&Gap| {
        subjects.contains(gap.subject.as_str())
            || levels.contains(&gap.subject)
            || gap.kind != GapKind::Resources && gap.subject.parse().is_ok_and(|id: AccountId| accounts.contains(&id))
    };
    all.gaps.iter().filter(is_kept).cloned().collect()
}
