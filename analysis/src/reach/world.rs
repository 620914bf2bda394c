//! The world that a search runs in: the inventory, with what steps may make and who may come from outside.

use super::fact::{Form, Identity};
use super::names::NEW;
use iamc_policy::document::{Effect, Policy, PolicyKind, Strictness};
use iamc_policy::principal::{Principal, PrincipalEntry, last_segment};
use iamc_policy::request::{Request, RequestResource};
use iamc_policy::world::{
    Account, IdentityRecord, NamedPolicy, PolicyText, ResourcePolicy, Role, SessionDefaults, User, World,
};
use iamc_policy::{AccountId, Arn, SmolStr};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, LazyLock};

/// The name of the role that administrators are measured by (P-16.1).
const PROBE: &str = "iamc-probe";
/// The name of the role that stands for whoever is in an account outside (P-16.6).
pub(crate) const OUTSIDER: &str = "iamc-outsider";
/// The name of sessions, which is not known.
pub(crate) const SESSION: &str = "session";

/// P-3.10: the text that allows everything.
static EVERYTHING: LazyLock<Arc<Policy>> = LazyLock::new(|| {
    let text = r#"{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}"#;
    parsed(PolicyKind::Identity, text)
});

/// P-3.9 in a trust policy, for callers that are controlled: whom the search asks about is.
pub(super) static OPENING: LazyLock<Arc<Policy>> = LazyLock::new(|| parsed(PolicyKind::Trust, &opening("")));

fn opening(condition: &str) -> String {
    format!(
        r#"{{"Version": "2012-10-17", "Statement": [{{"Effect": "Allow", "Principal": "*", "Action": ["sts:AssumeRole", "sts:TagSession", "sts:SetSourceIdentity"]{condition}}}]}}"#
    )
}

fn parsed(kind: PolicyKind, text: &str) -> Arc<Policy> {
    Arc::new(Policy::parse(kind, Strictness::Lenient, text).policy.expect("a text of ours is a policy"))
}

/// The opening statement for one caller, as an attacker would write it (P-3.9).
pub(crate) fn opening_for(caller: &str) -> Arc<Policy> {
    let quoted = serde_json::Value::from(caller).to_string();
    let condition = format!(r#", "Condition": {{"StringEquals": {{"aws:PrincipalArn": [{quoted}]}}}}"#);
    parsed(PolicyKind::Trust, &opening(&condition))
}

/// The same for providers (P-3.9).
pub(crate) fn opening_for_providers(names: &[&str]) -> Arc<Policy> {
    let statement = serde_json::json!({
        "Effect": "Allow", "Principal": {"Federated": names},
        "Action": [
            "sts:AssumeRoleWithSAML", "sts:AssumeRoleWithWebIdentity", "sts:TagSession", "sts:SetSourceIdentity",
        ],
    });
    parsed(PolicyKind::Trust, &serde_json::json!({"Version": "2012-10-17", "Statement": [statement]}).to_string())
}

/// Why an identity is in the world.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Origin {
    /// The inventory says so.
    Inventory,
    /// A step may make it.
    Made,
    /// It measures administrators.
    Probe,
    /// It stands for somebody of an account outside (P-16.6).
    Outside,
    /// The root user of an account, whom nothing becomes and who is asked about by name alone.
    Root,
}

/// An account in which something lies.
pub(crate) struct AccountFacts {
    pub(crate) id: AccountId,
    pub(crate) partition: String,
    pub(crate) users: Vec<Identity>,
    pub(crate) roles: Vec<Identity>,
    pub(crate) groups: Vec<u32>,
    pub(crate) policies: Vec<u32>,
    pub(crate) resources: Vec<u32>,
    pub(crate) new_role: Option<Identity>,
    pub(crate) new_user: Option<Identity>,
    /// The provider that a step may make, by number.
    pub(crate) new_provider: Option<u32>,
    /// Other providers that lie in it, ascending.
    pub(crate) providers: Vec<u32>,
    pub(crate) probe: Option<Identity>,
    /// Policies of SCPs and RCPs that govern it: names and Regions are taken from them.
    pub(crate) guardrails: Vec<Arc<Policy>>,
    /// Regions of its resources and endpoints.
    pub(crate) regions: BTreeSet<String>,
    /// Services of its resources.
    services: BTreeSet<String>,
    /// The root or unit that it lies in.
    pub(crate) parent: Option<String>,
}

/// The inventory with what a search adds, and where things are in it.
pub(crate) struct Base {
    pub(crate) world: World,
    pub(crate) n_users: u32,
    pub(crate) n_identities: u32,
    pub(crate) accounts: Vec<AccountFacts>,
    pub(crate) account_of: Vec<u32>,
    /// By account: whoever is in the world, whatever the reason; users first.
    pub(crate) identities_in: Vec<Vec<Identity>>,
    /// By identity: its place among them.
    pub(crate) place_of: Vec<u32>,
    origins: Vec<Origin>,
    /// Root users of accounts that have identities; their numbers follow those of all identities.
    roots: Vec<IdentityRecord>,
    pub(crate) by_arn: HashMap<String, Identity>,
    pub(crate) policy_by_arn: HashMap<Arn, u32>,
    pub(crate) group_by_name: HashMap<(u32, String), u32>,
    /// Place of a group among those of its account, from 1.
    pub(crate) group_place: Vec<u32>,
    pub(crate) account_by_id: HashMap<AccountId, u32>,
    /// Providers that some role's trust names, and those that steps may make: ARNs and built-in names, sorted.
    pub(crate) providers: Vec<String>,
    account_of_provider: Vec<Option<u32>>,
    /// Roles whose trust policy names an account, or somebody of it.
    pub(crate) trusting: HashMap<AccountId, Vec<Identity>>,
    /// Those of them whose trust policy names somebody of it, and not the account alone.
    pub(crate) trusting_somebody: HashMap<AccountId, Vec<Identity>>,
    /// Roles whose trust policy may admit anybody.
    pub(crate) trusting_all: Vec<Identity>,
    /// Roles whose trust policy names a provider, by its number.
    pub(crate) trusting_provider: Vec<Vec<Identity>>,
    /// Services that a role's trust policy names; `None`: its text is not known.
    pub(crate) services_of: HashMap<Identity, Option<BTreeSet<String>>>,
    /// Identities that have a policy attached, or as their boundary.
    pub(crate) attached_to: Vec<Vec<Holder>>,
    pub(crate) bounded_by: Vec<Vec<Identity>>,
    pub(crate) members: Vec<Vec<Identity>>,
    /// Accounts that are named by a trust policy and listed nowhere, and one that nobody names.
    pub(crate) outsiders: Vec<Identity>,
    /// Resources by ARN.
    pub(crate) resources_by_arn: HashMap<String, Vec<u32>>,
    /// Resources whose account is not known or lists nothing.
    pub(super) unowned: Vec<u32>,
    pub(super) unit_by_id: HashMap<String, u32>,
    /// The account that nobody names.
    nobody: Option<AccountId>,
}

/// Who has a managed policy attached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Holder {
    Identity(Identity),
    Group(u32),
}

impl Base {
    /// Cost: O(bytes of the world).
    pub(crate) fn new(mut world: World) -> Base {
        let mut accounts: BTreeMap<AccountId, String> = BTreeMap::new();
        let arns = world.users.iter().map(|x| &x.identity.arn).chain(world.roles.iter().map(|x| &x.identity.arn));
        for arn in arns.chain(world.groups.iter().map(|x| &x.identity.arn)) {
            if let Ok(id) = arn.account().parse::<AccountId>() {
                accounts.entry(id).or_insert_with(|| arn.partition().to_owned());
            }
        }
        let with_identities: Vec<AccountId> = accounts.keys().copied().collect();
        for account in &world.accounts {
            accounts.entry(account.id).or_insert_with(|| "aws".to_owned());
        }
        // P-16.6: accounts that trust policies name and no inventory lists, and one that nobody names.
        let mut named = BTreeSet::new();
        let mut everything_named = BTreeSet::new();
        for role in &world.roles {
            for account in named_accounts(&role.trust, &HashMap::new()) {
                everything_named.insert(account);
                if !accounts.contains_key(&account) {
                    named.insert(account);
                }
            }
        }
        // Resource policies name accounts, too.
        for resource in &world.resources {
            let ResourcePolicy::Policy(policy) = &resource.policy else { continue };
            for account in named_accounts(policy, &HashMap::new()) {
                everything_named.insert(account);
                if !accounts.contains_key(&account) {
                    named.insert(account);
                }
            }
        }
        let free = (1..).filter_map(AccountId::from_number);
        let mut free = free.filter(|id| !accounts.contains_key(id) && !everything_named.contains(id));
        let nobody = free.next();
        let outside: Vec<AccountId> = named.into_iter().chain(nobody).collect();
        for id in &outside {
            accounts.insert(*id, "aws".to_owned());
            world.accounts.push(Account {
                id: *id,
                name: None,
                parent: None,
                canonical_user: None,
                s3_restrict_public_buckets: None,
                place: None,
            });
        }
        let taken: BTreeSet<String> = world
            .users
            .iter()
            .map(|x| &x.identity)
            .chain(world.roles.iter().map(|x| &x.identity))
            .map(|x| format!("{}/{}", x.arn.account(), last_segment(x.arn.resource())))
            .collect();
        let n_own_users = world.users.len();
        let n_own_roles = world.roles.len();
        for id in &with_identities {
            let partition = &accounts[id];
            let name = (1..).map(|n| if n == 1 { NEW.to_owned() } else { format!("{NEW}-{n}") });
            let name = name.into_iter().find(|name| !taken.contains(&format!("{id}/{name}"))).unwrap_or_default();
            if let Some(arn) = iam_arn(partition, *id, "user", &name) {
                world.users.push(User { identity: record(arn, Vec::new()), groups: Vec::new() });
            }
        }
        for id in &with_identities {
            let partition = &accounts[id];
            let name = (1..).map(|n| if n == 1 { NEW.to_owned() } else { format!("{NEW}-{n}") });
            let name = name.into_iter().find(|name| !taken.contains(&format!("{id}/{name}"))).unwrap_or_default();
            if let Some(arn) = iam_arn(partition, *id, "role", &name) {
                let trust = known(arn.to_string(), &OPENING);
                world.roles.push(Role { identity: record(arn, Vec::new()), trust, session_defaults: <_>::default() });
            }
            if let Some(arn) = iam_arn(partition, *id, "role", PROBE) {
                world.roles.push(powerful(arn));
            }
        }
        let n_before_outside = world.roles.len();
        for id in &outside {
            if let Some(arn) = iam_arn(&accounts[id], *id, "role", OUTSIDER) {
                world.roles.push(powerful(arn));
            }
        }
        let n_users = world.users.len() as u32;
        let n_identities = n_users + world.roles.len() as u32;
        let mut base = Base {
            n_users,
            n_identities,
            accounts: Vec::new(),
            account_of: Vec::new(),
            identities_in: Vec::new(),
            place_of: Vec::new(),
            origins: Vec::new(),
            roots: Vec::new(),
            by_arn: HashMap::new(),
            policy_by_arn: HashMap::new(),
            group_by_name: HashMap::new(),
            group_place: Vec::new(),
            account_by_id: HashMap::new(),
            providers: Vec::new(),
            account_of_provider: Vec::new(),
            trusting: HashMap::new(),
            trusting_somebody: HashMap::new(),
            trusting_all: Vec::new(),
            trusting_provider: Vec::new(),
            services_of: HashMap::new(),
            attached_to: vec![Vec::new(); world.policies.len()],
            bounded_by: vec![Vec::new(); world.policies.len()],
            members: vec![Vec::new(); world.groups.len()],
            outsiders: Vec::new(),
            resources_by_arn: HashMap::new(),
            unowned: Vec::new(),
            unit_by_id: (0u32..).zip(&world.units).map(|(at, unit)| (unit.id.clone(), at)).collect(),
            nobody,
            world,
        };
        base.note_accounts(&accounts);
        base.note_identities(n_own_users, n_own_roles, n_before_outside);
        base.note_policies();
        base.note_guardrails();
        base.note_trusts();
        base.note_roots(&with_identities);
        base
    }

    fn note_roots(&mut self, accounts: &[AccountId]) {
        for account in accounts {
            let Some(at) = self.account_by_id.get(account).copied() else { continue };
            let partition = &self.accounts[at as usize].partition;
            let Ok(arn) = format!("arn:{partition}:iam::{account}:root").parse::<Arn>() else { continue };
            self.by_arn.insert(arn.to_string(), self.account_of.len() as Identity);
            self.account_of.push(at);
            self.origins.push(Origin::Root);
            self.roots.push(record(arn, Vec::new()));
        }
    }

    fn note_accounts(&mut self, accounts: &BTreeMap<AccountId, String>) {
        for (at, (id, partition)) in accounts.iter().enumerate() {
            self.account_by_id.insert(*id, at as u32);
            self.accounts.push(AccountFacts {
                id: *id,
                partition: partition.clone(),
                users: Vec::new(),
                roles: Vec::new(),
                groups: Vec::new(),
                policies: Vec::new(),
                resources: Vec::new(),
                new_role: None,
                new_user: None,
                new_provider: None,
                providers: Vec::new(),
                probe: None,
                guardrails: Vec::new(),
                regions: BTreeSet::new(),
                services: BTreeSet::new(),
                parent: None,
            });
        }
        for account in &self.world.accounts {
            if let Some(at) = self.account_by_id.get(&account.id) {
                self.accounts[*at as usize].parent.clone_from(&account.parent);
            }
        }
        for (at, resource) in self.world.resources.iter().enumerate() {
            self.resources_by_arn.entry(resource.arn.to_string()).or_default().push(at as u32);
            let account = resource.account.or_else(|| resource.arn.account().parse().ok());
            let Some(account) = account.and_then(|id| self.account_by_id.get(&id)) else {
                self.unowned.push(at as u32);
                continue;
            };
            let account = &mut self.accounts[*account as usize];
            account.resources.push(at as u32);
            account.services.insert(resource.arn.service().to_owned());
            if !resource.arn.region().is_empty() {
                account.regions.insert(resource.arn.region().to_owned());
            }
        }
        for endpoint in &self.world.endpoints {
            let Some(account) = self.account_by_id.get(&endpoint.account) else { continue };
            self.accounts[*account as usize].regions.extend(endpoint.region.clone());
        }
    }

    fn note_identities(&mut self, n_own_users: usize, n_own_roles: usize, n_before_outside: usize) {
        for (at, user) in self.world.users.iter().enumerate() {
            let id = at as u32;
            let account = self.account_by_id.get(&parse_account(&user.identity.arn)).copied().unwrap_or_default();
            self.account_of.push(account);
            self.by_arn.insert(user.identity.arn.to_string(), id);
            let facts = &mut self.accounts[account as usize];
            if at < n_own_users {
                self.origins.push(Origin::Inventory);
                facts.users.push(id);
            } else {
                self.origins.push(Origin::Made);
                facts.new_user = Some(id);
            }
        }
        for (at, role) in self.world.roles.iter().enumerate() {
            let id = self.n_users + at as u32;
            let arn = &role.identity.arn;
            let account = self.account_by_id.get(&parse_account(arn)).copied().unwrap_or_default();
            self.account_of.push(account);
            self.by_arn.insert(arn.to_string(), id);
            let facts = &mut self.accounts[account as usize];
            let origin = if at < n_own_roles {
                facts.roles.push(id);
                Origin::Inventory
            } else if at >= n_before_outside {
                self.outsiders.push(id);
                Origin::Outside
            } else if last_segment(arn.resource()) == PROBE {
                facts.probe = Some(id);
                Origin::Probe
            } else {
                facts.new_role = Some(id);
                Origin::Made
            };
            self.origins.push(origin);
        }
        self.identities_in = vec![Vec::new(); self.accounts.len()];
        for (id, account) in (0u32..).zip(&self.account_of) {
            let identities = &mut self.identities_in[*account as usize];
            self.place_of.push(identities.len() as u32);
            identities.push(id);
        }
        for (at, group) in self.world.groups.iter().enumerate() {
            let arn = &group.identity.arn;
            let Some(account) = self.account_by_id.get(&parse_account(arn)).copied() else {
                self.group_place.push(0);
                continue;
            };
            let facts = &mut self.accounts[account as usize];
            facts.groups.push(at as u32);
            self.group_place.push(facts.groups.len() as u32);
            self.group_by_name.insert((account, last_segment(arn.resource()).to_owned()), at as u32);
        }
        for (at, user) in self.world.users.iter().enumerate() {
            for name in &user.groups {
                let account = self.account_of[at];
                if let Some(group) = self.group_by_name.get(&(account, name.clone())) {
                    self.members[*group as usize].push(at as u32);
                }
            }
        }
    }

    fn note_policies(&mut self) {
        for (at, policy) in self.world.policies.iter().enumerate() {
            self.policy_by_arn.insert(policy.arn.clone(), at as u32);
            let account = policy.arn.account().parse::<AccountId>().ok();
            if let Some(account) = account.and_then(|id| self.account_by_id.get(&id)) {
                self.accounts[*account as usize].policies.push(at as u32);
            }
        }
        for id in 0..self.n_identities {
            let record = identity_record(&self.world, self.n_users, id);
            for arn in &record.attached {
                if let Some(policy) = self.policy_by_arn.get(arn) {
                    self.attached_to[*policy as usize].push(Holder::Identity(id));
                }
            }
            if let Some(policy) = record.boundary.as_ref().and_then(|arn| self.policy_by_arn.get(arn)) {
                self.bounded_by[*policy as usize].push(id);
            }
        }
        for (at, group) in self.world.groups.iter().enumerate() {
            for arn in &group.identity.attached {
                if let Some(policy) = self.policy_by_arn.get(arn) {
                    self.attached_to[*policy as usize].push(Holder::Group(at as u32));
                }
            }
        }
    }

    fn note_guardrails(&mut self) {
        let mut by_target: HashMap<&str, Vec<Arc<Policy>>> = HashMap::new();
        for guardrail in &self.world.guardrails {
            if let PolicyText::Known(policy) = &guardrail.policy.text {
                for target in &guardrail.targets {
                    by_target.entry(target).or_default().push(Arc::clone(policy));
                }
            }
        }
        let parents: HashMap<&str, &str> =
            self.world.units.iter().filter_map(|unit| Some((unit.id.as_str(), unit.parent.as_deref()?))).collect();
        for account in &self.world.accounts {
            let Some(at) = self.account_by_id.get(&account.id) else { continue };
            let number = account.id.to_string();
            let mut level = account.parent.as_deref();
            let mut list = by_target.get(number.as_str()).cloned().unwrap_or_default();
            // The reader refuses cycles; a world from elsewhere is walked no further than it has units.
            for _ in 0..=self.world.units.len() {
                let Some(unit) = level else { break };
                list.extend(by_target.get(unit).into_iter().flatten().cloned());
                level = parents.get(unit).copied();
            }
            self.accounts[*at as usize].guardrails = list;
        }
    }

    /// Whom trust policies name. Naming is all that is read: whether a trust holds is decided.
    fn note_trusts(&mut self) {
        let ids: HashMap<&str, AccountId> = self
            .world
            .users
            .iter()
            .map(|x| &x.identity)
            .chain(self.world.roles.iter().map(|x| &x.identity))
            .filter_map(|x| Some((x.unique_id.as_deref()?, parse_account(&x.arn))))
            .collect();
        let mut providers = BTreeSet::new();
        for role in &self.world.roles {
            providers.extend(named_providers(&role.trust));
        }
        let listed: BTreeSet<&Arn> = self.world.providers.iter().map(|provider| &provider.arn).collect();
        let mut made: Vec<(usize, String)> = Vec::new();
        for (at, account) in self.accounts.iter().enumerate().filter(|(_, account)| account.probe.is_some()) {
            let mut arns = (1..).filter_map(|n| {
                let name = if n == 1 { NEW.to_owned() } else { format!("{NEW}-{n}") };
                iam_arn(&account.partition, account.id, "oidc-provider", &name)
            });
            let free = arns.find(|arn| !providers.contains(arn.as_str()) && !listed.contains(arn));
            made.extend(free.map(|arn| (at, arn.to_string())));
        }
        providers.extend(made.iter().map(|(_, name)| name.clone()));
        self.providers = providers.into_iter().collect();
        for (at, name) in made {
            self.accounts[at].new_provider = self.providers.binary_search(&name).ok().map(|at| at as u32);
        }
        for (at, name) in (0u32..).zip(&self.providers) {
            let account = name.split(':').nth(4).and_then(|id| self.account_by_id.get(&id.parse().ok()?).copied());
            self.account_of_provider.push(account);
            if let Some(account) = account.map(|account| &mut self.accounts[account as usize])
                && account.new_provider != Some(at)
            {
                account.providers.push(at);
            }
        }
        self.trusting_provider = vec![Vec::new(); self.providers.len()];
        for (at, role) in self.world.roles.iter().enumerate() {
            let id = self.n_users + at as u32;
            if self.origins[id as usize] != Origin::Inventory {
                continue;
            }
            let Some(policy) = known_text(&role.trust) else {
                self.trusting_all.push(id);
                self.services_of.insert(id, None);
                continue;
            };
            let mut accounts = BTreeSet::new();
            let mut of_somebody = BTreeSet::new();
            let mut services = BTreeSet::new();
            let mut all = false;
            for statement in policy.statements.iter().filter(|statement| statement.effect == Effect::Allow) {
                let Some(element) = &statement.principal else { continue };
                all |= element.negated;
                for entry in &element.entries {
                    match entry {
                        PrincipalEntry::Everyone { .. } => all = true,
                        PrincipalEntry::Service(name) => {
                            services.insert(name.clone());
                        }
                        PrincipalEntry::Federated(name) => {
                            if let Ok(at) = self.providers.binary_search(name) {
                                self.trusting_provider[at].push(id);
                            }
                        }
                        other => {
                            let account = account_named(other, &ids);
                            accounts.extend(account);
                            if !matches!(other, PrincipalEntry::Account { .. }) {
                                of_somebody.extend(account);
                            }
                        }
                    }
                }
            }
            if all {
                self.trusting_all.push(id);
            }
            for account in of_somebody {
                self.trusting_somebody.entry(account).or_default().push(id);
            }
            for account in accounts {
                self.trusting.entry(account).or_default().push(id);
            }
            self.services_of.insert(id, Some(services));
        }
        self.trusting_provider.iter_mut().for_each(Vec::dedup);
    }

    /// Whether the provider is there only once a step has made it.
    pub(crate) fn is_made(&self, provider: u32) -> bool {
        let account = self.provider_account(provider);
        account.is_some_and(|account| self.accounts[account as usize].new_provider == Some(provider))
    }

    /// The account that a provider lies in; `None`: it is built in, or lies elsewhere.
    pub(crate) fn provider_account(&self, provider: u32) -> Option<u32> {
        self.account_of_provider[provider as usize]
    }

    /// Whether an outsider's account is named by some policy; one is not, and stands for all others.
    pub(crate) fn is_named(&self, id: Identity) -> bool {
        Some(self.account(id).id) != self.nobody
    }

    pub(crate) fn origin(&self, id: Identity) -> Origin {
        self.origins[id as usize]
    }

    pub(crate) fn is_user(&self, id: Identity) -> bool {
        id < self.n_users
    }

    /// How many of the identities of an account are users; they have the first places.
    pub(crate) fn n_users_in(&self, account: u32) -> usize {
        self.identities_in[account as usize].partition_point(|id| self.is_user(*id))
    }

    pub(crate) fn record(&self, id: Identity) -> &IdentityRecord {
        if let Some(at) = id.checked_sub(self.n_identities) {
            return &self.roots[at as usize];
        }
        identity_record(&self.world, self.n_users, id)
    }

    pub(crate) fn arn(&self, id: Identity) -> &Arn {
        &self.record(id).arn
    }

    pub(crate) fn account(&self, id: Identity) -> &AccountFacts {
        &self.accounts[self.account_of[id as usize] as usize]
    }

    /// P-3.8: service-linked and reserved roles.
    pub(crate) fn is_fixed(&self, id: Identity) -> bool {
        let resource = self.arn(id).resource();
        resource.starts_with("role/aws-service-role/") || resource.starts_with("role/aws-reserved/")
    }

    /// P-1.2: who makes the requests of an identity.
    pub(crate) fn principal(&self, id: Identity) -> Principal {
        let arn = self.arn(id);
        let (partition, account) = (arn.partition().to_owned(), parse_account(arn));
        if self.origin(id) == Origin::Root {
            return Principal::Root { partition: partition.into(), account };
        }
        let path_name = arn.resource().split_once('/').map_or("", |(_, rest)| rest).to_owned();
        if self.is_user(id) {
            return Principal::User { partition: partition.into(), account, path_name: path_name.into() };
        }
        let role = last_segment(&path_name).to_owned();
        let session = SESSION.to_owned();
        Principal::RoleSession {
            partition: partition.into(),
            account,
            role: role.into(),
            role_path_name: Some(path_name.into()),
            session: session.into(),
        }
    }

    /// The policies of an identity whose entries give names and Regions (P-2.7).
    pub(crate) fn policies_of(&self, id: Identity) -> Vec<Arc<Policy>> {
        let record = self.record(id);
        let mut records = vec![record];
        if self.is_user(id) {
            let account = self.account_of[id as usize];
            let groups = &self.world.users[id as usize].groups;
            let groups = groups.iter().filter_map(|name| self.group_by_name.get(&(account, name.clone())));
            records.extend(groups.map(|group| &self.world.groups[*group as usize].identity));
        }
        let inline = records.iter().flat_map(|record| &record.inline);
        let attached = records.iter().flat_map(|record| &record.attached).chain(&record.boundary);
        let attached = attached.filter_map(|arn| self.policy_by_arn.get(arn));
        let attached = attached.map(|policy| &self.world.policies[*policy as usize].policy);
        let own = inline.chain(attached).filter_map(|policy| known_text(policy).cloned());
        own.chain(self.account(id).guardrails.iter().cloned()).collect()
    }

    /// False only where no resource with a policy, whose ARN is one of the service and the account, is listed.
    pub(crate) fn has_resources_of(&self, account: u32, service: &str) -> bool {
        let unowned = self.unowned.iter().map(|at| &self.world.resources[*at as usize].arn);
        self.accounts[account as usize].services.contains(service)
            || unowned.into_iter().any(|arn| arn.service() == service)
    }

    /// The accounts that a request by somebody of an account is about.
    pub(crate) fn accounts_with(&self, account: u32, request: &Request) -> BTreeSet<u32> {
        let mut accounts = self.owners_of(request);
        accounts.insert(account);
        accounts
    }

    /// The accounts that a request is about: its caller's, and those of its resources.
    pub(crate) fn accounts_of(&self, request: &Request) -> BTreeSet<u32> {
        let mut accounts = self.owners_of(request);
        accounts.extend(caller_account(request).and_then(|account| self.account_by_id.get(&account)));
        accounts
    }

    /// Whether somebody would assume a role of another account, and nothing else is asked.
    pub(crate) fn is_assuming_elsewhere(&self, request: &Request) -> bool {
        let role = request.resources.iter().find_map(|resource| match &resource.resource {
            RequestResource::Arn(arn) => self.by_arn.get(arn.as_str()),
            RequestResource::Star => None,
        });
        let owner = role.map(|role| self.account(*role).id);
        let caller = caller_account(request);
        request.action.service() == "sts" && owner.is_some() && caller.is_some() && owner != caller
    }

    fn owners_of(&self, request: &Request) -> BTreeSet<u32> {
        let resources = request.resources.iter().chain(request.additional.iter().map(|more| &more.resource));
        let owners = resources.filter_map(|resource| match &resource.resource {
            RequestResource::Arn(arn) => resource.account.or_else(|| arn.account().parse().ok()),
            RequestResource::Star => None,
        });
        owners.filter_map(|account| self.account_by_id.get(&account).copied()).collect()
    }
}

fn caller_account(request: &Request) -> Option<AccountId> {
    match &request.principal {
        Principal::User { account, .. } | Principal::RoleSession { account, .. } | Principal::Root { account, .. } => {
            Some(*account)
        }
        _ => None,
    }
}

/// P-3.10, P-3.15: what has been changed about one identity.
pub(crate) fn change(record: &mut IdentityRecord, form: Form) {
    if form.opened {
        record.inline.push(known("iamc-opened".to_owned(), &EVERYTHING));
    }
    if form.unbounded {
        record.boundary = None;
    }
}

/// P-3.19: the policy's own Allow statements, and the opening statement.
pub(crate) fn open_trust(
    trust: &NamedPolicy,
    opening: &Arc<Policy>,
    seen: &mut HashMap<*const Policy, Arc<Policy>>,
) -> NamedPolicy {
    let Some(policy) = known_text(trust) else { return known(trust.name.clone(), opening) };
    let opened = seen.entry(Arc::as_ptr(policy)).or_insert_with(|| {
        let mut policy = (**policy).clone();
        policy.statements.retain(|statement| statement.effect == Effect::Allow);
        policy.statements.extend(opening.statements.iter().cloned());
        Arc::new(policy)
    });
    known(trust.name.clone(), opened)
}

fn known(name: impl Into<SmolStr>, policy: &Arc<Policy>) -> NamedPolicy {
    NamedPolicy {
        name: name.into(),
        text: PolicyText::Known(Arc::clone(policy)),
        place: None,
        verbatim: false,
        source: None,
    }
}

/// The text of a policy, if it is known.
pub(crate) fn known_text(policy: &NamedPolicy) -> Option<&Arc<Policy>> {
    match &policy.text {
        PolicyText::Known(policy) => Some(policy),
        PolicyText::Unknown(_) => None,
    }
}

fn iam_arn(partition: &str, account: AccountId, word: &str, name: &str) -> Option<Arn> {
    format!("arn:{partition}:iam::{account}:{word}/{name}").parse().ok()
}

fn record(arn: Arn, inline: Vec<NamedPolicy>) -> IdentityRecord {
    IdentityRecord {
        arn,
        unique_id: None,
        inline,
        attached: Vec::new(),
        boundary: None,
        tags: Some(Vec::new()),
        place: None,
    }
}

/// A role that may do everything and that nobody may assume.
fn powerful(arn: Arn) -> Role {
    let trust = Policy {
        kind: PolicyKind::Trust,
        version: iamc_policy::document::Version::V2012,
        id: None,
        statements: Vec::new(),
    };
    let trust = NamedPolicy::new(arn.to_string(), trust);
    let inline = vec![known("iamc-everything".to_owned(), &EVERYTHING)];
    Role { identity: record(arn, inline), trust, session_defaults: SessionDefaults::default() }
}

fn identity_record(world: &World, n_users: u32, id: Identity) -> &IdentityRecord {
    match id.checked_sub(n_users) {
        None => &world.users[id as usize].identity,
        Some(at) => &world.roles[at as usize].identity,
    }
}

pub(crate) fn parse_account(arn: &Arn) -> AccountId {
    arn.account().parse().ok().or_else(|| AccountId::from_number(0)).expect("zero is an account number")
}

fn account_named(entry: &PrincipalEntry, ids: &HashMap<&str, AccountId>) -> Option<AccountId> {
    match entry {
        PrincipalEntry::Account { account, .. } => Some(*account),
        PrincipalEntry::User(arn)
        | PrincipalEntry::Role(arn)
        | PrincipalEntry::RoleSession(arn)
        | PrincipalEntry::FederatedUser(arn) => arn.split(':').nth(4)?.parse().ok(),
        PrincipalEntry::UniqueId(id) => ids.get(id.as_str()).copied(),
        _ => None,
    }
}

fn entries(policy: &NamedPolicy) -> impl Iterator<Item = &PrincipalEntry> {
    let statements = known_text(policy).into_iter().flat_map(|policy| &policy.statements);
    let allows = statements.filter(|statement| statement.effect == Effect::Allow);
    allows.filter_map(|statement| statement.principal.as_ref()).flat_map(|element| &element.entries)
}

fn named_accounts(policy: &NamedPolicy, ids: &HashMap<&str, AccountId>) -> BTreeSet<AccountId> {
    entries(policy).filter_map(|entry| account_named(entry, ids)).collect()
}

/// Accounts that a policy names in its Allow statements, or somebody of which it names by ARN.
pub(crate) fn named_accounts_of(policy: &NamedPolicy) -> BTreeSet<AccountId> {
    named_accounts(policy, &HashMap::new())
}

fn named_providers(policy: &NamedPolicy) -> BTreeSet<String> {
    let name = |entry: &PrincipalEntry| match entry {
        PrincipalEntry::Federated(name) => Some(name.clone()),
        _ => None,
    };
    entries(policy).filter_map(name).collect()
}
