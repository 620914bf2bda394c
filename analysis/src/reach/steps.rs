//! Steps: rows of the table, instantiated for a caller in a form and a target, and decided.

use super::ask::{self, Asked, GLOBAL_REGION, Worlds};
use super::crowd::Crowd;
use super::deeds::Deeds;
use super::fact::{Fact, Form, Holds, Identity, Thing};
use super::goal::Use;
use super::names::{self, Place, REGIONS_MAX};
use super::reachable::Graph;
use super::world::{Base, Origin};
use crate::{Bound, Effect, Family, Need, NeedClass, On, PassedRole, Primitive, Table, Truster, Which};
use iamc_catalogue::Catalogue;
use iamc_compiler::CompileError;
use iamc_policy::condition::ConditionKey;
use iamc_policy::document::Policy;
use iamc_policy::principal::Principal;
use iamc_policy::request::{AdditionalAction, Context, KeyState, Request, RequestResource, ResourceInRequest};
use iamc_policy::world::{GapKind, World};
use iamc_policy::{AccountId, Action, Arn};
use std::borrow::Cow;
use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

/// What the question states (P-1.9, `--given`).
#[derive(Debug, Clone, Default)]
pub(crate) struct Stated {
    /// Keys that every request of an identity has.
    pub(crate) keys: Context,
    /// Needs that are met, whatever their subject.
    pub(crate) needs: BTreeSet<Need>,
}

/// Who makes the requests of a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Caller {
    Identity(Identity),
    Provider(u32),
}

/// What a step is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Target {
    Identity(Identity),
    Group(u32),
    Policy(u32),
    Provider(u32),
}

/// The requests of a row that are a step by themselves: those from the first to one that has an effect.
#[derive(Debug, Clone)]
pub(crate) struct Simple {
    pub(crate) row: u16,
    /// How many of the row's requests.
    n_requests: u8,
    effect: Effect,
    target: Kind,
    /// The last one, which decides what is a target.
    action: Action,
}

/// Types of targets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    User,
    Role,
    Group,
    Policy,
    NewUser,
    NewRole,
    SamlProvider,
    OidcProvider,
}

/// A step that holds.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Step {
    pub(crate) row: u16,
    /// How many of the row's requests it consists of.
    n_row_requests: u8,
    pub(crate) caller: Caller,
    pub(crate) form: Form,
    pub(crate) target: Target,
    /// The existing resource that the row uses.
    pub(crate) resource: Option<Arn>,
    /// What it makes true.
    pub(crate) conclusion: Fact,
    /// What must be true beside the caller's form.
    pub(crate) condition: Option<Fact>,
    pub(crate) holds: Holds,
    pub(crate) n_requests: u32,
    /// Requests, trusts and needs that are open.
    pub(crate) n_open: u32,
}

/// Requests of a step, before what depends on the target role alone.
#[derive(Debug, Clone)]
struct Attempt {
    asked: Vec<Asked>,
    holds: Holds,
}

/// A step with all its requests, as a proof shows them.
#[derive(Debug, Clone)]
pub(crate) struct Instance {
    /// Requests, then trusts.
    pub(crate) asked: Vec<Asked>,
    /// Needs and whether they are met.
    pub(crate) needs: Vec<(NeedAtom, bool)>,
}

/// A need that a step shows (P-1.9), or the fact that it lacks (P-12.2, P-3.11).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum NeedAtom {
    Need(Need),
    /// That a resource of the type runs as the target role.
    RunsAs(String),
    /// What another version of the policy says.
    Version(String),
}

/// Decides steps.
pub(crate) struct Engine {
    pub(crate) base: Base,
    pub(crate) worlds: Worlds,
    pub(crate) table: &'static Table,
    pub(crate) stated: Stated,
    pub(crate) simple: Vec<Simple>,
    /// Rows that gain the session of a role by what a service runs, with few requests first.
    running: Vec<u16>,
    /// Services to which rows pass roles.
    pub(crate) services: Vec<String>,
    pub(crate) deeds: Deeds,
    crowd: Option<Crowd>,
    /// By account and whether it is rough: of its identities, the roles that each may assume as the world is.
    takes: HashMap<(u32, bool), Takes>,
    /// The same of all accounts, for roles that may admit anybody, by whether it is rough.
    takes_of_all: HashMap<bool, Takes>,
    /// What is possible at all, see `possible`.
    pub(super) possible: HashMap<(Identity, Form), Arc<[Fact]>>,
    pub(super) possible_on: HashMap<(Identity, Form, Fact), Arc<[Fact]>>,
    pub(super) graph: Option<Graph>,
    /// The action on a resource that is asked about.
    pub(super) asked_use: Option<Use>,
    assume_action: Action,
    pass_action: Action,
    steps: HashMap<(Caller, Form), Arc<[Step]>>,
    /// The last part of keys of passes and attempts says whether they are rough.
    passes: HashMap<(Identity, Form, Identity, u16, bool), Option<Holds>>,
    trusts: HashMap<(Identity, u16, u16), Option<Holds>>,
    attempts: HashMap<AttemptKey, Option<Holds>>,
    policies: HashMap<Identity, Arc<[Arc<Policy>]>>,
    regions: HashMap<Identity, Arc<[String]>>,
    admins: HashMap<(Identity, Form), bool>,
    measures: HashMap<u32, Vec<bool>>,
    incomplete: BTreeSet<AccountId>,
    /// By role: resources that run as it. By account and type: whether anything is known.
    runs_as: HashMap<Identity, Vec<Arn>>,
    runs_as_known: BTreeSet<(u32, String, String)>,
    /// What depends on the target role is left open.
    is_any_target: bool,
    /// By role: those of `running` whose trusters its trust policy names, in their order.
    running_of: HashMap<Identity, Arc<[u16]>>,
    /// The last request about one target, and whose it was.
    about_target: Option<(u16, Identity, Request)>,
    last_pass: Option<(Identity, Request)>,
    /// By account number: resources that run as some role, and instance profiles.
    running_in: HashMap<String, Vec<u32>>,
    profiles_in: HashMap<String, Vec<u32>>,
    /// By role: the first instance profile that holds it.
    profile_of: HashMap<Identity, u32>,
    /// Resources of the inventory by account and type.
    listed: HashMap<(u32, String, String), Arc<[Arn]>>,
}

type Outcome<T> = Result<T, CompileError>;

/// So many passes and attempts are kept.
const FORGOTTEN_AT: usize = 500_000;

/// By caller: roles that it may assume, each with how sure that is.
type Takes = HashMap<Identity, Vec<(Identity, Holds)>>;

/// Row, caller, form; the target where a request depends on it; the existing resource.
type AttemptKey = (u16, Identity, Form, Option<Identity>, Option<Arn>, bool);

fn action(text: &str) -> Action {
    text.parse().expect("an action of ours")
}

impl Engine {
    pub(crate) fn new(world: World, catalogue: &Catalogue, stated: Stated) -> Engine {
        // What the compiler knows of the embedded tables it works out once a process.
        let is_embedded = std::ptr::eq(catalogue, Catalogue::embedded());
        let catalogue = if is_embedded { Cow::Borrowed(Catalogue::embedded()) } else { Cow::Owned(catalogue.clone()) };
        let table = Table::embedded();
        let base = Base::new(world);
        let incomplete = if base.world.assume_complete {
            BTreeSet::new()
        } else {
            let gaps = base.world.gaps.iter().filter(|gap| gap.kind == GapKind::Identities);
            gaps.filter_map(|gap| gap.subject.parse().ok()).collect()
        };
        let rows = table.primitives();
        let is_running = |row: &&Primitive| matches!(row.family, Family::PassRole | Family::ExistingRole);
        let mut running: Vec<u16> = (0u16..).zip(rows).filter(|(_, row)| is_running(row)).map(|(at, _)| at).collect();
        running.sort_by_key(|at| (rows[usize::from(*at)].requests.len(), *at));
        let passed = rows.iter().flat_map(|row| &row.requests).flat_map(|request| &request.passes);
        let services: BTreeSet<String> = passed.map(|pass| pass.to.clone()).collect();
        let assume_action = action("sts:AssumeRole");
        let pass_action = action("iam:PassRole");
        let probes = super::admin::ACTIONS.iter().chain([&assume_action, &pass_action]).cloned();
        let deeds = Deeds::new(&base, table, &probes.collect::<Vec<_>>());
        let mut engine = Engine {
            worlds: Worlds::new(catalogue),
            table,
            stated,
            simple: simple_steps(table),
            running,
            services: services.into_iter().collect(),
            deeds,
            crowd: None,
            takes: HashMap::new(),
            takes_of_all: HashMap::new(),
            possible: HashMap::new(),
            possible_on: HashMap::new(),
            graph: None,
            asked_use: None,
            assume_action,
            pass_action,
            steps: HashMap::new(),
            passes: HashMap::new(),
            trusts: HashMap::new(),
            attempts: HashMap::new(),
            policies: HashMap::new(),
            regions: HashMap::new(),
            admins: HashMap::new(),
            measures: HashMap::new(),
            incomplete,
            runs_as: HashMap::new(),
            runs_as_known: BTreeSet::new(),
            is_any_target: false,
            running_of: HashMap::new(),
            about_target: None,
            last_pass: None,
            running_in: HashMap::new(),
            profiles_in: HashMap::new(),
            profile_of: HashMap::new(),
            listed: HashMap::new(),
            base,
        };
        engine.note_running();
        engine
    }

    /// Which resource runs as which role, and for which types of an account that is known.
    fn note_running(&mut self) {
        for (at, profile) in (0u32..).zip(&self.base.world.instance_profiles) {
            self.profiles_in.entry(profile.arn.account().to_owned()).or_default().push(at);
            for role in profile.roles.iter().filter_map(|role| self.base.by_arn.get(role.as_str())) {
                self.profile_of.entry(*role).or_insert(at);
            }
        }
        for (at, fact) in (0u32..).zip(&self.base.world.runs_as) {
            self.running_in.entry(fact.resource.account().to_owned()).or_default().push(at);
            for role in &fact.roles {
                if let Some(role) = self.base.by_arn.get(role.as_str()) {
                    self.runs_as.entry(*role).or_default().push(fact.resource.clone());
                }
            }
            let account = fact.resource.account().parse::<AccountId>().ok();
            let Some(account) = account.and_then(|id| self.base.account_by_id.get(&id)).copied() else { continue };
            for at in &self.running {
                let row = &self.table.primitives()[usize::from(*at)];
                let Some(kind) = &row.resource else { continue };
                if self.is_of_type(&fact.resource, account, &kind.service, &kind.resource_type) {
                    self.runs_as_known.insert((account, kind.service.clone(), kind.resource_type.clone()));
                }
            }
        }
    }

    pub(crate) fn row(&self, at: u16) -> &'static Primitive {
        &self.table.primitives()[usize::from(at)]
    }

    fn template(&self, service: &str, resource_type: &str) -> Option<String> {
        let service = self.worlds.catalogue().service(service)?;
        let kind = service.resource_types().find(|kind| kind.name() == resource_type)?;
        kind.arn_templates().next().map(str::to_owned)
    }

    fn is_of_type(&self, arn: &Arn, account: u32, service: &str, resource_type: &str) -> bool {
        let Some(template) = self.template(service, resource_type) else { return false };
        let account = self.base.accounts[account as usize].id.to_string();
        let place = Place { partition: arn.partition(), account: &account, region: arn.region() };
        names::is_instance(&template, place, arn.as_str())
    }

    /// Resources of the inventory of a type and account (P-2.5).
    fn resources(&mut self, account: u32, service: &str, resource_type: &str) -> Arc<[Arn]> {
        let key = (account, service.to_owned(), resource_type.to_owned());
        if let Some(known) = self.listed.get(&key) {
            return Arc::clone(known);
        }
        let found: Arc<[Arn]> = self.look_for_resources(account, service, resource_type).into();
        self.listed.insert(key, Arc::clone(&found));
        found
    }

    fn look_for_resources(&self, account: u32, service: &str, resource_type: &str) -> Vec<Arn> {
        let own = self.base.accounts[account as usize].id.to_string();
        let of = |list: &HashMap<String, Vec<u32>>| -> Vec<usize> {
            let places = [own.as_str(), ""].into_iter().filter_map(|account| list.get(account)).flatten();
            places.map(|at| *at as usize).collect()
        };
        let world = &self.base.world;
        let arns: Vec<&Arn> = match (service, resource_type) {
            ("iam", "instance-profile") => {
                of(&self.profiles_in).into_iter().map(|at| &world.instance_profiles[at].arn).collect()
            }
            _ => {
                let facts = &self.base.accounts[account as usize];
                let listed = facts.resources.iter().map(|at| &world.resources[*at as usize].arn);
                listed.chain(of(&self.running_in).into_iter().map(|at| &world.runs_as[at].resource)).collect()
            }
        };
        let is_own = |arn: &&&Arn| arn.account().is_empty() || arn.account() == own;
        let is_of_type = |arn: &&&Arn| self.is_of_type(arn, account, service, resource_type);
        let mut found: Vec<Arn> = arns.iter().filter(is_own).filter(is_of_type).map(|arn| (*arn).clone()).collect();
        found.sort();
        found.dedup();
        found
    }

    fn policies_of(&mut self, id: Identity) -> Arc<[Arc<Policy>]> {
        let base = &self.base;
        Arc::clone(self.policies.entry(id).or_insert_with(|| base.policies_of(id).into()))
    }

    /// P-2.9: Regions to try, for services that have any.
    fn regions_of(&mut self, id: Identity) -> Arc<[String]> {
        if let Some(known) = self.regions.get(&id) {
            return Arc::clone(known);
        }
        let mut regions = self.base.account(id).regions.clone();
        let policies = self.policies_of(id);
        names::regions_named(policies.iter().map(|policy| &**policy), &mut regions);
        if regions.is_empty() {
            regions.insert(GLOBAL_REGION.to_owned());
        }
        let list: Arc<[String]> = regions.into_iter().take(REGIONS_MAX).collect();
        self.regions.insert(id, Arc::clone(&list));
        list
    }

    /// Steps of a caller in a form that need nothing else, each conclusion once, the best of it; kept.
    pub(crate) fn steps(&mut self, caller: Caller, form: Form) -> Outcome<Arc<[Step]>> {
        if let Some(known) = self.steps.get(&(caller, form)) {
            return Ok(Arc::clone(known));
        }
        let steps: Arc<[Step]> = self.steps_worth(caller, form, &|_| true)?.into();
        self.steps.insert((caller, form), Arc::clone(&steps));
        Ok(steps)
    }

    /// The same where the conclusion is worth a decision.
    pub(crate) fn steps_worth(
        &mut self,
        caller: Caller,
        form: Form,
        is_worth: &dyn Fn(Fact) -> bool,
    ) -> Outcome<Vec<Step>> {
        if let Some(known) = self.steps.get(&(caller, form)) {
            return Ok(known.iter().filter(|step| is_worth(step.conclusion)).cloned().collect());
        }
        self.decide_steps(caller, form, is_worth)
    }

    /// The same, decided now.
    pub(super) fn decide_steps(
        &mut self,
        caller: Caller,
        form: Form,
        is_worth: &dyn Fn(Fact) -> bool,
    ) -> Outcome<Vec<Step>> {
        let mut found = Best::default();
        match caller {
            Caller::Identity(id) => {
                self.assume(id, form, is_worth, &mut found)?;
                self.simple_steps_of(id, form, is_worth, &mut found)?;
                self.running_steps_of(id, form, is_worth, &mut found)?;
            }
            Caller::Provider(provider) => self.federate(provider, &mut found)?,
        }
        Ok(found.into_list())
    }

    /// Roles that a caller may assume as the world is, and those that a provider's tokens open.
    pub(crate) fn assumptions(&mut self, caller: Caller) -> Outcome<Vec<Step>> {
        let mut found = Best::default();
        match caller {
            Caller::Identity(id) => self.assume(id, Form::default(), &|_| true, &mut found)?,
            Caller::Provider(provider) => self.federate(provider, &mut found)?,
        }
        Ok(found.into_list())
    }

    /// P-15.10: false only where no policy of the caller allows the action.
    pub(crate) fn may(&self, id: Identity, form: Form, action: &Action) -> bool {
        self.deeds.may(&self.base, id, form, action)
    }

    /// Lets go of what was found roughly, where it has become much: nothing asks for most of it again.
    pub(super) fn forget(&mut self) {
        if self.passes.len() + self.attempts.len() > FORGOTTEN_AT {
            self.passes.retain(|key, _| !key.4);
            self.attempts.retain(|key, _| !key.5);
            self.policies.clear();
            self.regions.clear();
        }
    }

    /// P-4.1.
    fn assume(&mut self, id: Identity, form: Form, is_worth: &dyn Fn(Fact) -> bool, found: &mut Best) -> Outcome<()> {
        if form == Form::default()
            && let Some(takes) = self.takes(id)?
        {
            for (role, holds) in takes {
                if role == id || !is_worth(Fact::Controls(role)) {
                    continue;
                }
                let step = match holds {
                    Holds::Definitely => Some(self.sure_assume_step(id, role)),
                    Holds::Possibly if self.worlds.is_rough => Some(Step { holds, ..self.sure_assume_step(id, role) }),
                    Holds::Possibly => self.assume_step(id, form, role, None)?,
                };
                step.into_iter().for_each(|step| found.add(step));
            }
            return Ok(());
        }
        let account = self.base.account(id).id;
        let mut targets: Vec<Identity> = if self.may(id, form, &self.assume_action) {
            let named = self.base.trusting.get(&account).into_iter().flatten();
            named.chain(&self.base.trusting_all).copied().collect()
        } else {
            // within an account a trust that names the caller is enough.
            let named = self.base.trusting_somebody.get(&account).into_iter().flatten();
            let at = self.base.account_of[id as usize];
            named
                .chain(&self.base.trusting_all)
                .copied()
                .filter(|role| self.base.account_of[*role as usize] == at)
                .collect()
        };
        targets.sort_unstable();
        targets.dedup();
        for role in targets {
            if role != id
                && is_worth(Fact::Controls(role))
                && let Some(step) = self.assume_step(id, form, role, None)?
            {
                found.add(step);
            }
        }
        Ok(())
    }

    /// Roles that an identity may assume as the world is, by number: those that are definite are so without a choice or with
    /// everything absent that is at the caller's choice. `None`: nothing is known of the identity.
    fn takes(&mut self, id: Identity) -> Outcome<Option<Vec<(Identity, Holds)>>> {
        if self.crowd.is_none() {
            let plain = self.worlds.plain(&self.base)?;
            self.crowd = Some(Crowd::new(&plain.set, &self.base));
        }
        if !self.crowd.as_ref().is_some_and(|crowd| crowd.knows(id)) {
            return Ok(None);
        }
        let account = self.base.account_of[id as usize];
        let is_rough = self.worlds.is_rough;
        if !self.takes_of_all.contains_key(&is_rough) {
            let takes = self.who_takes(&self.base.trusting_all.clone(), None);
            self.takes_of_all.insert(is_rough, takes);
        }
        if !self.takes.contains_key(&(account, is_rough)) {
            let number = self.base.accounts[account as usize].id;
            let all = &self.base.trusting_all;
            let named = self.base.trusting.get(&number).into_iter().flatten().copied();
            let mut targets: Vec<Identity> = named.filter(|role| all.binary_search(role).is_err()).collect();
            targets.sort_unstable();
            targets.dedup();
            let takes = self.who_takes(&targets, Some(number));
            if is_rough {
                // Callers come account by account, and what is possible for each of them is kept elsewhere.
                self.takes.retain(|(_, is_rough), _| !is_rough);
            }
            self.takes.insert((account, is_rough), takes);
        }
        let own = self.takes[&(account, is_rough)].get(&id).into_iter().flatten();
        let all = self.takes_of_all[&is_rough].get(&id).into_iter().flatten();
        let mut takes: Vec<(Identity, Holds)> = own.chain(all).copied().collect();
        takes.sort_unstable();
        Ok(Some(takes))
    }

    /// Who of an account, or of all, may assume each of the roles.
    fn who_takes(&mut self, roles: &[Identity], account: Option<AccountId>) -> Takes {
        let mut takes = Takes::new();
        let Some(crowd) = self.crowd.as_mut() else { return takes };
        for role in roles {
            let mut request = ask::blank(self.base.principal(*role), self.assume_action.clone(), GLOBAL_REGION);
            request.facts.session_unknown = true;
            request.resources.push(ResourceInRequest::new(RequestResource::Arn(self.base.arn(*role).clone())));
            request.context.extend(self.stated.keys.clone());
            // Whatever Region, whatever source identity.
            let mut open = request.clone();
            for key in ["aws:RequestedRegion", "aws:SourceIdentity"] {
                open.context.insert(ConditionKey::new(key), KeyState::Unknown);
            }
            open.context.extend(self.stated.keys.clone());
            let Some(mut found) = crowd.ask(open, account) else { continue };
            if !self.worlds.is_rough && found.iter().any(|(_, holds)| *holds == Holds::Possibly) {
                // P-4.5 binds the source identity of roles alone.
                for key in ["aws:SourceIdentity", "aws:TagKeys", "sts:SourceIdentity", "sts:TransitiveTagKeys"] {
                    request.context.entry(ConditionKey::new(key)).or_insert(KeyState::Absent);
                }
                let sure = crowd.ask(request, account).unwrap_or_default();
                let sure = sure.into_iter().filter(|(_, holds)| *holds == Holds::Definitely).map(|(id, _)| id);
                let sure: BTreeSet<Identity> = sure.filter(|id| !self.base.is_user(*id)).collect();
                for (id, holds) in &mut found {
                    if sure.contains(id) {
                        *holds = Holds::Definitely;
                    }
                }
            }
            for (id, holds) in found {
                takes.entry(id).or_default().push((*role, holds));
            }
        }
        takes
    }

    /// One `sts:AssumeRole` that is known to be definite.
    fn sure_assume_step(&self, id: Identity, role: Identity) -> Step {
        let row = self.assume_row();
        let step =
            self.step(row, 1, Caller::Identity(id), Form::default(), Target::Identity(role), Fact::Controls(role));
        Step { n_requests: 1, ..step }
    }

    /// One `sts:AssumeRole`; with a condition, in the world in which that condition holds.
    fn assume_step(
        &mut self,
        id: Identity,
        form: Form,
        role: Identity,
        condition: Option<Fact>,
    ) -> Outcome<Option<Step>> {
        let row = self.assume_row();
        let mut step = self.step(row, 1, Caller::Identity(id), form, Target::Identity(role), Fact::Controls(role));
        step.condition = condition;
        if matches!(condition, Some(Fact::TrustOpened(_))) {
            step.form.trust = true;
        }
        self.settle(step)
    }

    fn assume_row(&self) -> u16 {
        let rows = self.table.primitives();
        rows.iter().position(|row| row.id == "sts-assume-role").unwrap_or_default() as u16
    }

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

    fn simple_steps_of(
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
            Kind::SamlProvider | Kind::OidcProvider => {
                let word = if simple.target == Kind::SamlProvider { "saml-provider/" } else { "oidc-provider/" };
                let own = facts.id.to_string();
                let is_own = |arn: &Arn| arn.account() == own && arn.resource().starts_with(word);
                let providers = (0u32..).zip(&self.base.providers);
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
            policy.and_then(super::world::known_text).is_none_or(|policy| {
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
        let Simple { row, n_requests, effect, .. } = self.simple[at];
        let mut conclusions: Vec<Fact> = match (effect, target) {
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
                let account = self.base.account_of[id as usize];
                let members = &self.base.members[group as usize];
                let users = self.base.accounts[account as usize].users.iter();
                let users = users.filter(|user| !members.contains(user));
                users.map(|user| Fact::Joined(*user, group)).collect()
            }
            _ => Vec::new(),
        };
        let is_rough = self.worlds.is_rough;
        conclusions.retain(|conclusion| is_worth(*conclusion) && !(is_rough && found.holds(*conclusion).is_some()));
        let Some(first) = conclusions.first().copied() else { return Ok(()) };
        if first == Fact::Controls(id) {
            // P-6.2: a key of one's own gives nothing new.
            return Ok(());
        }
        let mut step = self.step(row, n_requests, Caller::Identity(id), form, target, first);
        step.condition = condition;
        if is_rough && form == Form::default() && condition.is_none() && self.is_about_target_alone(row, n_requests) {
            if let Some(holds) = self.about_target(&step, id)? {
                conclusions.into_iter().for_each(|conclusion| found.add(Step { conclusion, holds, ..step.clone() }));
            }
            return Ok(());
        }
        if let Some(step) = self.settle(step)? {
            for conclusion in conclusions {
                found.add(Step { conclusion, ..step.clone() });
            }
        }
        Ok(())
    }

    /// Whether the step is one request, about its target and nothing else, in no Region.
    fn is_about_target_alone(&self, row: u16, n_requests: u8) -> bool {
        let row = self.row(row);
        let request = &row.requests[0];
        n_requests == 1
            && request.action.service() == "iam"
            && request.passes.is_empty()
            && row.resource.is_none()
            && matches!(request.on[..], [On::Resource { which: Which::Target, .. }])
    }

    /// Decides such a step; the requests of one caller differ in their targets alone, and in what is bound by them.
    fn about_target(&mut self, step: &Step, id: Identity) -> Outcome<Option<Holds>> {
        let Some(arn) = self.target_arn(step.target) else { return Ok(None) };
        let row = self.row(step.row);
        let known = self.about_target.take().filter(|(row, caller, _)| (*row, *caller) == (step.row, id));
        let mut request = match known {
            Some((.., request)) => request,
            None => {
                let Some(request) = self.blank(step, &row.requests[0], GLOBAL_REGION) else { return Ok(None) };
                request
            }
        };
        for (key, bound) in row.requests[0].keys.iter().filter(|(_, bound)| *bound == Bound::TargetBoundary) {
            let Some(state) = self.bound(step, *bound) else { return Ok(None) };
            if !self.stated.keys.contains_key(&ConditionKey::new(key)) {
                request.context.insert(ConditionKey::new(key), state);
            }
        }
        request.resources.clear();
        request.resources.push(ResourceInRequest::new(RequestResource::Arn(arn)));
        let holds = self.worlds.decide(&self.base, step.form, &request)?;
        self.about_target = Some((step.row, id, request));
        Ok(holds)
    }

    pub(super) fn step(
        &self,
        row: u16,
        n_row_requests: u8,
        caller: Caller,
        form: Form,
        target: Target,
        conclusion: Fact,
    ) -> Step {
        Step {
            row,
            n_row_requests,
            caller,
            form,
            target,
            resource: None,
            conclusion,
            condition: None,
            holds: Holds::Definitely,
            n_requests: 0,
            n_open: 0,
        }
    }

    /// Decides a step that has neither passes nor trusts; `None`: it does not hold.
    fn settle(&mut self, mut step: Step) -> Outcome<Option<Step>> {
        let Some(attempt) = self.attempt(&step)? else { return Ok(None) };
        let needs = self.needs(&step);
        let Some(needs) = needs else { return Ok(None) };
        let n_open_needs = needs.iter().filter(|(_, met)| !met).count();
        step.n_requests = attempt.asked.len() as u32;
        step.n_open =
            (attempt.asked.iter().filter(|asked| asked.holds == Holds::Possibly).count() + n_open_needs) as u32;
        step.holds = if step.n_open > 0 { Holds::Possibly } else { attempt.holds };
        Ok(Some(step))
    }

    /// P-5.1.
    fn federate(&mut self, provider: u32, found: &mut Best) -> Outcome<()> {
        let rows = self.table.primitives();
        let is_saml = self.base.providers[provider as usize].contains(":saml-provider/");
        for role in self.base.trusting_provider[provider as usize].clone() {
            for (at, row) in (0u16..).zip(rows) {
                if row.caller != crate::Caller::Provider
                    || (row.requests[0].action.name() == "AssumeRoleWithSAML") != is_saml
                {
                    continue;
                }
                let target = Target::Identity(role);
                let caller = Caller::Provider(provider);
                let step = self.step(at, 1, caller, Form::default(), target, Fact::Controls(role));
                if let Some(step) = self.settle(step)? {
                    found.add(step);
                }
            }
        }
        Ok(())
    }

    /// Sections 11 and 12: roles of the account that a service uses for the caller.
    fn running_steps_of(
        &mut self,
        id: Identity,
        form: Form,
        is_worth: &dyn Fn(Fact) -> bool,
        found: &mut Best,
    ) -> Outcome<()> {
        let account = self.base.account_of[id as usize];
        // Nothing but identity policies allows to pass a role, or what is asked of no resource.
        let may = |at: &u16| {
            let requests = &self.row(*at).requests;
            let needs_pass = requests.iter().any(|request| !request.passes.is_empty());
            let is_own = |request: &&crate::Request| {
                request.action.service() == "iam" || request.on.iter().all(|on| matches!(on, On::Wildcard))
            };
            (!needs_pass || self.may(id, form, &self.pass_action))
                && requests.iter().filter(is_own).all(|request| self.may(id, form, &request.action))
        };
        let mut rows: BTreeSet<u16> = self.running.iter().copied().filter(may).collect();
        if rows.is_empty() {
            return Ok(());
        }
        let mut is_tried = BTreeSet::new();
        for role in self.base.accounts[account as usize].roles.clone() {
            if role == id
                || !is_worth(Fact::Controls(role))
                || found.holds(Fact::Controls(role)) == Some(Holds::Definitely)
                || self.base.is_fixed(role)
            {
                continue;
            }
            let is_possible = found.holds(Fact::Controls(role)).is_some();
            if is_possible && self.worlds.is_rough {
                continue;
            }
            for at in self.running_of(role)?.iter() {
                // What fails whatever the role is tried once.
                if rows.contains(at) && is_tried.insert(*at) && !self.may_attempt(id, form, *at, role)? {
                    rows.remove(at);
                }
                if !rows.contains(at) {
                    continue;
                }
                if let Some(step) = self.running_step(id, form, *at, role)? {
                    let is_definite = step.holds == Holds::Definitely;
                    if is_definite || !is_possible {
                        found.add(step);
                    }
                    if is_definite || self.worlds.is_rough {
                        break;
                    }
                }
            }
        }
        Ok(())
    }

    /// Rows whose trusts hold for the role, and for which it has what they need of it, whoever asks.
    fn running_of(&mut self, role: Identity) -> Outcome<Arc<[u16]>> {
        if let Some(known) = self.running_of.get(&role) {
            return Ok(Arc::clone(known));
        }
        let mut own = Vec::new();
        for at in self.running.clone() {
            let row = self.row(at);
            let is_listed =
                self.profile_of.contains_key(&role) || self.incomplete.contains(&self.base.account(role).id);
            let mut holds =
                self.names_trusters(role, row) && (is_listed || !row.needs.contains(&Need::InstanceProfile));
            for at_trust in 0..row.trusts.len() {
                for at_action in 0..row.trusts[at_trust].actions.len() {
                    holds = holds && self.trust(at, role, at_trust, at_action)?.is_some();
                }
            }
            if holds {
                own.push(at);
            }
        }
        let own: Arc<[u16]> = own.into();
        self.running_of.insert(role, Arc::clone(&own));
        Ok(own)
    }

    /// Whether the requests of a row may hold for some target, its passes and trusts left aside. The target that is given
    /// is none of that.
    fn may_attempt(&mut self, id: Identity, form: Form, at: u16, role: Identity) -> Outcome<bool> {
        let row = self.row(at);
        if row.resource.is_some() || !self.worlds.is_rough {
            return Ok(true);
        }
        let caller = Caller::Identity(id);
        let step = self.step(at, row.requests.len() as u8, caller, form, Target::Identity(role), Fact::Controls(role));
        self.is_any_target = true;
        let attempt = self.attempt(&step);
        self.is_any_target = false;
        Ok(attempt?.is_some())
    }

    /// P-15.10: a trust policy that does not even name the service need not be asked.
    fn names_trusters(&self, role: Identity, row: &Primitive) -> bool {
        let Some(Some(services)) = self.base.services_of.get(&role) else { return true };
        let all = self.base.trusting_all.binary_search(&role).is_ok();
        row.trusts.iter().all(|trusts| match &trusts.who {
            Truster::Service(name) => all || services.contains(name),
            Truster::Federated(name) => match self.base.providers.binary_search(name) {
                Ok(provider) => all || self.base.trusting_provider[provider].contains(&role),
                Err(_) => all,
            },
        })
    }

    fn running_step(&mut self, id: Identity, form: Form, at: u16, role: Identity) -> Outcome<Option<Step>> {
        let row = self.row(at);
        let account = self.base.account_of[id as usize];
        let caller = Caller::Identity(id);
        let n = row.requests.len() as u8;
        let mut step = self.step(at, n, caller, form, Target::Identity(role), Fact::Controls(role));
        if row.family == Family::ExistingRole && row.trusts.is_empty() {
            // P-12.3: who runs the artifact is not known, and nothing narrows it.
            return Ok(None);
        }
        // What is cheap and fails most comes first; what is open is counted on the way.
        let mut n_open = 0;
        for (i, request) in row.requests.iter().enumerate() {
            for (j, pass) in request.passes.iter().enumerate() {
                if pass.role == PassedRole::Target {
                    let Some(holds) = self.pass(id, form, role, &row.requests[i].passes[j].to)? else {
                        return Ok(None);
                    };
                    n_open += u32::from(holds == Holds::Possibly);
                }
            }
        }
        for at_trust in 0..row.trusts.len() {
            for at_action in 0..row.trusts[at_trust].actions.len() {
                let Some(holds) = self.trust(at, role, at_trust, at_action)? else { return Ok(None) };
                n_open += u32::from(holds == Holds::Possibly);
            }
        }
        let resources: Vec<Option<Arn>> = match (&row.resource, row.family) {
            (None, _) => vec![None],
            (Some(kind), Family::ExistingRole) => {
                let key = (account, kind.service.clone(), kind.resource_type.clone());
                if self.runs_as_known.contains(&key) {
                    let running = self.runs_as.get(&role).cloned().unwrap_or_default();
                    let is_it = |arn: &Arn| self.is_of_type(arn, account, &kind.service, &kind.resource_type);
                    running.into_iter().filter(is_it).map(Some).collect()
                } else {
                    let listed = self.resources(account, &kind.service, &kind.resource_type);
                    listed.iter().cloned().map(Some).collect()
                }
            }
            (Some(kind), _) => {
                self.resources(account, &kind.service, &kind.resource_type).iter().cloned().map(Some).collect()
            }
        };
        let mut best: Option<Step> = None;
        for resource in resources {
            step.resource = resource;
            let Some(needs) = self.needs(&step) else { continue };
            let Some(holds) = self.attempt_holds(&step)? else { continue };
            let mut one = step.clone();
            one.n_requests = row.requests.len() as u32;
            one.n_open = n_open + u32::from(holds == Holds::Possibly);
            one.n_open += needs.iter().filter(|(_, met)| !met).count() as u32;
            // P-11.3: the other role of a row is any that will do.
            let others = row.requests.iter().flat_map(|request| &request.passes);
            let mut all_pass = true;
            for pass in others.filter(|pass| pass.role == PassedRole::Other) {
                match self.other_role(id, form, &pass.to)? {
                    Some((_, holds)) => one.n_open += u32::from(holds == Holds::Possibly),
                    None => all_pass = false,
                }
            }
            if !all_pass {
                continue;
            }
            one.holds = if one.n_open > 0 { Holds::Possibly } else { holds };
            if best.as_ref().is_none_or(|best| one.holds < best.holds) {
                best = Some(one);
            }
            if best.as_ref().is_some_and(|best| best.holds == Holds::Definitely || self.worlds.is_rough) {
                break;
            }
        }
        Ok(best)
    }

    /// P-11.1, one pass, asked by itself.
    fn pass(&mut self, id: Identity, form: Form, role: Identity, to: &str) -> Outcome<Option<Holds>> {
        let service = self.services.iter().position(|known| known == to).unwrap_or_default() as u16;
        let key = (id, form, role, service, self.worlds.is_rough);
        if let Some(known) = self.passes.get(&key) {
            return Ok(*known);
        }
        let holds = if self.worlds.is_rough {
            let mut request = match self.last_pass.take().filter(|(caller, _)| *caller == id) {
                Some((_, request)) => request,
                None => self.pass_request(id, role, to),
            };
            let mut resource = ResourceInRequest::new(RequestResource::Arn(self.base.arn(role).clone()));
            resource.context = pass_keys(to);
            request.resources.clear();
            request.resources.push(resource);
            let holds = self.worlds.decide(&self.base, form, &request)?;
            self.last_pass = Some((id, request));
            holds
        } else {
            let request = self.pass_request(id, role, to);
            self.worlds.ask(&self.base, form, request, &[])?.map(|asked| asked.holds)
        };
        self.passes.insert(key, holds);
        Ok(holds)
    }

    pub(crate) fn pass_request(&self, id: Identity, role: Identity, to: &str) -> Request {
        let mut request = ask::by_identity(&self.base, id, self.pass_action.clone(), GLOBAL_REGION);
        let mut resource = ResourceInRequest::new(RequestResource::Arn(self.base.arn(role).clone()));
        resource.context = pass_keys(to);
        request.resources.push(resource);
        request.context.extend(self.stated.keys.clone());
        request
    }

    /// P-11.3: another role that can be passed to the service and that lets it in.
    fn other_role(&mut self, id: Identity, form: Form, to: &str) -> Outcome<Option<(Identity, Holds)>> {
        let account = self.base.account_of[id as usize];
        let mut roles = self.base.accounts[account as usize].roles.clone();
        roles.sort_by(|a, b| self.base.arn(*a).cmp(self.base.arn(*b)));
        let mut best: Option<(Identity, Holds)> = None;
        for role in roles {
            let named = match self.base.services_of.get(&role) {
                Some(Some(services)) => services.contains(to) || self.base.trusting_all.binary_search(&role).is_ok(),
                _ => true,
            };
            if !named || self.base.is_fixed(role) {
                continue;
            }
            let Some(passed) = self.pass(id, form, role, to)? else { continue };
            let request = self.service_request(role, Principal::Service(to.into()), self.assume_action.clone());
            let Some(trusted) = self.worlds.ask(&self.base, Form::default(), request, &[])? else { continue };
            let holds = passed.and(trusted.holds);
            if holds == Holds::Definitely || self.worlds.is_rough {
                return Ok(Some((role, holds)));
            }
            best = best.or(Some((role, holds)));
        }
        Ok(best)
    }

    /// P-11.4: one request of a truster.
    fn service_request(&self, role: Identity, principal: Principal, action: Action) -> Request {
        let is_service = matches!(principal, Principal::Service(_));
        let mut request = ask::blank(principal, action, GLOBAL_REGION);
        request.resources.push(ResourceInRequest::new(RequestResource::Arn(self.base.arn(role).clone())));
        if is_service {
            let account = self.base.account(role).id.to_string();
            let keys = [
                ("aws:SourceAccount", KeyState::one(account)),
                ("aws:SourceArn", KeyState::Present),
                // P-11.6: sessions made by services have no tags.
                ("aws:TagKeys", KeyState::Absent),
                ("sts:SourceIdentity", KeyState::Absent),
            ];
            request.context.extend(keys.map(|(key, state)| (ConditionKey::new(key), state)));
        }
        request
    }

    fn trust_request(&self, row: u16, role: Identity, at_trust: usize, at_action: usize) -> Request {
        let trusts = &self.row(row).trusts[at_trust];
        let principal = match &trusts.who {
            Truster::Service(name) => Principal::Service(name.clone().into()),
            Truster::Federated(name) => Principal::Federated(name.clone().into()),
        };
        self.service_request(role, principal, trusts.actions[at_action].clone())
    }

    fn trust(&mut self, row: u16, role: Identity, at_trust: usize, at_action: usize) -> Outcome<Option<Holds>> {
        let key = (role, row, (at_trust * 16 + at_action) as u16);
        if let Some(known) = self.trusts.get(&key) {
            return Ok(*known);
        }
        let request = self.trust_request(row, role, at_trust, at_action);
        let holds = self.worlds.decide(&self.base, Form::default(), &request)?;
        self.trusts.insert(key, holds);
        Ok(holds)
    }

    /// [`Engine::attempt`] without its requests, kept where nothing in it depends on the target.
    fn attempt_holds(&mut self, step: &Step) -> Outcome<Option<Holds>> {
        let row = self.row(step.row);
        let (Caller::Identity(id), Target::Identity(role)) = (step.caller, step.target) else {
            return Ok(self.attempt(step)?.map(|attempt| attempt.holds));
        };
        let keys = row.requests.iter().flat_map(|request| &request.keys);
        let depends = keys.into_iter().any(|(_, bound)| matches!(bound, Bound::TargetRole | Bound::InstanceProfile));
        let key = (step.row, id, step.form, depends.then_some(role), step.resource.clone(), self.worlds.is_rough);
        if let Some(known) = self.attempts.get(&key) {
            return Ok(*known);
        }
        let holds = self.attempt(step)?.map(|attempt| attempt.holds);
        self.attempts.insert(key, holds);
        Ok(holds)
    }

    /// The requests of a step without its passes and trusts: Regions and names are tried until all of them are definite,
    /// else until all are possible (P-2.7, P-2.9).
    fn attempt(&mut self, step: &Step) -> Outcome<Option<Attempt>> {
        let row = self.row(step.row);
        let requests = &row.requests[..usize::from(step.n_row_requests)];
        let mut regions: Vec<String> = vec![GLOBAL_REGION.to_owned()];
        if let Caller::Identity(id) = step.caller {
            match step.resource.as_ref().map(|arn| arn.region()).filter(|region| !region.is_empty()) {
                Some(region) => regions = vec![region.to_owned()],
                None if self.is_regional(requests) => regions = self.regions_of(id).to_vec(),
                // STS answers in every Region.
                None if requests.iter().any(|request| request.action.service() == "sts") => {
                    let others = self.regions_of(id);
                    regions.extend(others.iter().filter(|region| *region != GLOBAL_REGION).cloned());
                }
                None => {}
            }
        }
        let mut best: Option<Attempt> = None;
        for region in &regions {
            let Some(attempt) = self.attempt_in(step, region)? else { continue };
            if attempt.holds == Holds::Definitely || self.worlds.is_rough {
                return Ok(Some(attempt));
            }
            best = best.or(Some(attempt));
        }
        Ok(best)
    }

    fn is_regional(&self, requests: &[crate::Request]) -> bool {
        requests.iter().any(|request| {
            request.on.iter().any(|on| match on {
                On::Wildcard => {
                    let service = self.worlds.catalogue().service(request.action.service());
                    service.is_some_and(|service| {
                        service.resource_types().any(|kind| kind.arn_templates().any(names::is_regional))
                    })
                }
                On::Resource { which: Which::New | Which::Any, resource_type } => {
                    let template = self.template(request.action.service(), resource_type);
                    template.is_some_and(|template| names::is_regional(&template))
                }
                On::Resource { .. } => false,
            })
        })
    }

    fn attempt_in(&mut self, step: &Step, region: &str) -> Outcome<Option<Attempt>> {
        let row = self.row(step.row);
        let requests = &row.requests[..usize::from(step.n_row_requests)];
        // Each type that is named at the caller's choice, with its names.
        let mut chosen: Vec<((String, String), Vec<Arn>)> = Vec::new();
        for request in requests {
            for on in &request.on {
                let On::Resource { which: which @ (Which::New | Which::Any), resource_type } = on else { continue };
                let key = (request.action.service().to_owned(), resource_type.clone());
                if chosen.iter().any(|(known, _)| *known == key) {
                    continue;
                }
                let Some(names) = self.names(step, *which, &key, region) else { return Ok(None) };
                chosen.push((key, names));
            }
        }
        let first: Vec<usize> = vec![0; chosen.len()];
        let attempt = self.attempt_with(step, region, &chosen, &first)?;
        let others = chosen.iter().any(|(_, names)| names.len() > 1);
        let is_rough = self.worlds.is_rough;
        if !others || attempt.as_ref().is_some_and(|attempt| is_rough || attempt.holds == Holds::Definitely) {
            return Ok(attempt);
        }
        // Names of different types do not touch each other, so each is chosen by itself.
        let mut places = first;
        for at in 0..chosen.len() {
            let mut best: Option<(usize, Holds)> = None;
            for place in 0..chosen[at].1.len() {
                let Some(holds) = self.name_holds(step, region, &chosen, at, place)? else { continue };
                if best.is_none_or(|(_, known)| holds < known) {
                    best = Some((place, holds));
                }
                if holds == Holds::Definitely || is_rough {
                    break;
                }
            }
            let Some((place, _)) = best else { return Ok(None) };
            places[at] = place;
        }
        self.attempt_with(step, region, &chosen, &places)
    }

    /// P-2.5, P-2.7: names of a resource at the caller's choice.
    fn names(&mut self, step: &Step, which: Which, kind: &(String, String), region: &str) -> Option<Vec<Arn>> {
        let Caller::Identity(id) = step.caller else { return None };
        if let Target::Identity(target) = step.target
            && self.base.origin(target) == Origin::Made
            && which == Which::New
            && kind.0 == "iam"
        {
            return Some(vec![self.base.arn(target).clone()]);
        }
        let template = self.template(&kind.0, &kind.1)?;
        let policies = self.policies_of(id);
        let account = self.base.account_of[id as usize];
        let facts = &self.base.accounts[account as usize];
        let number = facts.id.to_string();
        let place = Place { partition: &facts.partition, account: &number, region };
        let made = names::candidates(&template, place, policies.iter().map(|policy| &**policy));
        let made = made.into_iter().filter_map(|text| text.parse().ok());
        let made: Vec<Arn> = made.collect();
        let mut all = match which {
            Which::Any => self.resources(account, &kind.0, &kind.1).to_vec(),
            _ => Vec::new(),
        };
        all.retain(|arn| arn.region().is_empty() || arn.region() == region);
        all.extend(made);
        Some(all)
    }

    /// The units about one chosen name, by themselves.
    fn name_holds(
        &mut self,
        step: &Step,
        region: &str,
        chosen: &[((String, String), Vec<Arn>)],
        at: usize,
        place: usize,
    ) -> Outcome<Option<Holds>> {
        let row = self.row(step.row);
        let ((service, resource_type), names) = &chosen[at];
        let mut worst = Holds::Definitely;
        for request in &row.requests[..usize::from(step.n_row_requests)] {
            let is_it = |on: &&On| matches!(on, On::Resource { which: Which::New | Which::Any, resource_type: own } if own == resource_type);
            if request.action.service() != service || !request.on.iter().any(|on| is_it(&on)) {
                continue;
            }
            let Some(mut asked) = self.blank(step, request, region) else { return Ok(None) };
            let account = self.account_of(step);
            asked.resources.push(ask::resource(&names[place], &self.base, account));
            let new = std::slice::from_ref(&names[place]);
            let Some(asked) = self.worlds.ask(&self.base, step.form, asked, new)? else { return Ok(None) };
            worst = worst.and(asked.holds);
        }
        Ok(Some(worst))
    }

    fn account_of(&self, step: &Step) -> u32 {
        match (step.caller, step.target) {
            (Caller::Identity(id), _) => self.base.account_of[id as usize],
            (_, Target::Identity(id)) => self.base.account_of[id as usize],
            _ => 0,
        }
    }

    /// A request of the row without its resources.
    fn blank(&self, step: &Step, request: &crate::Request, region: &str) -> Option<Request> {
        let mut asked = match step.caller {
            Caller::Identity(id) => ask::by_identity(&self.base, id, request.action.clone(), region),
            Caller::Provider(provider) => {
                let name = self.base.providers[provider as usize].clone();
                let is_saml = name.contains(":saml-provider/");
                let principal = if is_saml { Principal::Saml(name.into()) } else { Principal::Federated(name.into()) };
                ask::blank(principal, request.action.clone(), region)
            }
        };
        for (key, bound) in &request.keys {
            let state = self.bound(step, *bound)?;
            asked.context.insert(ConditionKey::new(key), state);
        }
        asked.context.extend(self.stated.keys.clone());
        Some(asked)
    }

    /// P-2.8.
    fn bound(&self, step: &Step, bound: Bound) -> Option<KeyState> {
        if self.is_any_target && matches!(bound, Bound::TargetRole | Bound::InstanceProfile) {
            return Some(KeyState::Unknown);
        }
        let account = self.account_of(step);
        let administrator = || {
            let partition = &self.base.accounts[account as usize].partition;
            KeyState::one(format!("arn:{partition}:iam::aws:policy/AdministratorAccess"))
        };
        let of_target = |id: Identity| match &self.base.record(id).boundary {
            Some(arn) => KeyState::one(arn.to_string()),
            None => KeyState::Absent,
        };
        Some(match (bound, step.target) {
            (Bound::ChosenPolicy, _) => administrator(),
            (Bound::ChosenBoundary, Target::Identity(id)) if self.base.origin(id) == Origin::Made => KeyState::Absent,
            (Bound::ChosenBoundary, _) => administrator(),
            (Bound::TargetBoundary, Target::Identity(id)) => of_target(id),
            (Bound::TargetRole, Target::Identity(id)) => KeyState::one(self.base.arn(id).to_string()),
            (Bound::InstanceProfile, Target::Identity(id)) => match self.profile_of(id) {
                Some(arn) => KeyState::one(arn.to_string()),
                None => KeyState::Present,
            },
            _ => return None,
        })
    }

    fn profile_of(&self, role: Identity) -> Option<&Arn> {
        self.profile_of.get(&role).map(|at| &self.base.world.instance_profiles[*at as usize].arn)
    }

    /// All requests with those names; `None`: one of them does not hold.
    fn attempt_with(
        &mut self,
        step: &Step,
        region: &str,
        chosen: &[((String, String), Vec<Arn>)],
        places: &[usize],
    ) -> Outcome<Option<Attempt>> {
        let row = self.row(step.row);
        let account = self.account_of(step);
        let new: Vec<Arn> = chosen.iter().zip(places).map(|((_, names), place)| names[*place].clone()).collect();
        let mut attempt = Attempt { asked: Vec::new(), holds: Holds::Definitely };
        for request in &row.requests[..usize::from(step.n_row_requests)] {
            let Some(mut asked) = self.blank(step, request, region) else { return Ok(None) };
            for on in &request.on {
                let unit = match on {
                    On::Wildcard => ResourceInRequest::new(RequestResource::Star),
                    On::Resource { which: Which::New | Which::Any, resource_type } => {
                        let key = (request.action.service(), resource_type.as_str());
                        let at = chosen.iter().position(|((service, own), _)| (service.as_str(), own.as_str()) == key);
                        let Some(at) = at else { return Ok(None) };
                        ask::resource(&new[at], &self.base, account)
                    }
                    On::Resource { which: Which::Target, resource_type } => {
                        let is_resource =
                            row.resource.as_ref().is_some_and(|kind| kind.resource_type == *resource_type);
                        match (&step.resource, self.target_arn(step.target)) {
                            (Some(arn), _) if is_resource => ask::resource(arn, &self.base, account),
                            (_, Some(arn)) => ResourceInRequest::new(RequestResource::Arn(arn)),
                            _ => return Ok(None),
                        }
                    }
                    On::Resource { which: Which::Attached, .. } => return Ok(None),
                };
                asked.resources.push(unit);
            }
            let Some(asked) = self.worlds.ask(&self.base, step.form, asked, &new)? else { return Ok(None) };
            attempt.holds = attempt.holds.and(asked.holds);
            attempt.asked.push(asked);
        }
        Ok(Some(attempt))
    }

    pub(crate) fn target_arn(&self, target: Target) -> Option<Arn> {
        match target {
            Target::Identity(id) => Some(self.base.arn(id).clone()),
            Target::Group(group) => Some(self.base.world.groups[group as usize].identity.arn.clone()),
            Target::Policy(policy) => Some(self.base.world.policies[policy as usize].arn.clone()),
            Target::Provider(provider) => self.base.providers[provider as usize].parse().ok(),
        }
    }

    /// The needs of a step, each with whether it is met; `None`: one is refuted.
    fn needs(&self, step: &Step) -> Option<Vec<(NeedAtom, bool)>> {
        let row = self.row(step.row);
        let account = self.account_of(step);
        let mut needs = Vec::new();
        // The needs of a row are those of all its requests; a part of it has them too where it has a row's first request.
        for need in &row.needs {
            let met = match (need.class(), need) {
                (NeedClass::Room, _) => true,
                (NeedClass::State, _) => self.stated.needs.contains(need),
                (NeedClass::Known, Need::InstanceProfile) => {
                    let Target::Identity(role) = step.target else { return None };
                    let listed = self.profile_of(role).is_some();
                    if !listed && !self.incomplete.contains(&self.base.accounts[account as usize].id) {
                        return None;
                    }
                    listed
                }
                (NeedClass::Known, _) => {
                    let arn = step.resource.as_ref()?;
                    let profile = self.base.world.instance_profiles.iter().find(|profile| profile.arn == *arn)?;
                    if !profile.roles.is_empty() {
                        return None;
                    }
                    true
                }
            };
            needs.push((NeedAtom::Need(*need), met));
        }
        if row.family == Family::ExistingRole
            && let Some(kind) = &row.resource
        {
            let key = (account, kind.service.clone(), kind.resource_type.clone());
            if !self.runs_as_known.contains(&key) {
                needs.push((NeedAtom::RunsAs(format!("{}:{}", kind.service, kind.resource_type)), false));
            }
        }
        if row.effect == Effect::PolicySwitched
            && let Some(arn) = self.target_arn(step.target)
        {
            needs.push((NeedAtom::Version(arn.to_string()), false));
        }
        Some(needs)
    }

    /// The step with everything that a proof shows.
    pub(crate) fn instance(&mut self, step: &Step) -> Outcome<Option<Instance>> {
        let row = self.row(step.row);
        let Some(attempt) = self.attempt(step)? else { return Ok(None) };
        let Some(needs) = self.needs(step) else { return Ok(None) };
        let mut asked = attempt.asked;
        let (Caller::Identity(id), Target::Identity(role)) = (step.caller, step.target) else {
            return Ok(Some(Instance { asked, needs }));
        };
        for (request, asked) in row.requests.iter().zip(&mut asked) {
            for pass in &request.passes {
                let (passed, holds) = match pass.role {
                    PassedRole::Target => match self.pass(id, step.form, role, &pass.to)? {
                        Some(holds) => (role, holds),
                        None => return Ok(None),
                    },
                    PassedRole::Other => match self.other_role(id, step.form, &pass.to)? {
                        Some(other) => other,
                        None => return Ok(None),
                    },
                };
                asked.holds = asked.holds.and(holds);
                let mut resource = ResourceInRequest::new(RequestResource::Arn(self.base.arn(passed).clone()));
                resource.context = pass_keys(&pass.to);
                resource.context.insert(ConditionKey::new("aws:RequestedRegion"), KeyState::one(GLOBAL_REGION));
                let action = self.pass_action.clone();
                asked.request.additional.push(AdditionalAction { action, resource });
            }
        }
        for at_trust in 0..row.trusts.len() {
            for at_action in 0..row.trusts[at_trust].actions.len() {
                let Some(holds) = self.trust(step.row, role, at_trust, at_action)? else { return Ok(None) };
                let request = self.trust_request(step.row, role, at_trust, at_action);
                asked.push(Asked { request, holds });
            }
        }
        Ok(Some(Instance { asked, needs }))
    }

    /// P-16.1: whether an identity in a form is administrator of its account.
    pub(crate) fn is_administrator(&mut self, id: Identity, form: Form) -> Outcome<bool> {
        if let Some(known) = self.admins.get(&(id, form)) {
            return Ok(*known);
        }
        let account = self.base.account_of[id as usize];
        let Some(probe) = self.base.accounts[account as usize].probe else { return Ok(false) };
        if !self.measures.contains_key(&account) {
            let mut measure = Vec::new();
            for at in 0..super::admin::PROBES.len() {
                measure.push(self.probe(probe, Form::default(), at)?);
            }
            self.measures.insert(account, measure);
        }
        let measure = self.measures[&account].clone();
        let mut is_one = measure[..super::admin::N_FIRST].iter().any(|counts| *counts);
        // Of the first line, nothing but identity policies allows anything.
        let actions = measure.iter().zip(super::admin::ACTIONS.iter()).take(super::admin::N_FIRST);
        is_one = is_one && actions.filter(|(counts, _)| **counts).all(|(_, action)| self.may(id, form, action));
        for (at, counts) in measure.iter().enumerate() {
            is_one = is_one && (!counts || self.probe(id, form, at)?);
        }
        self.admins.insert((id, form), is_one);
        Ok(is_one)
    }

    /// One probe of P-16.1.
    fn probe(&mut self, id: Identity, form: Form, at: usize) -> Outcome<bool> {
        let request = super::admin::request(self, id, at);
        let Some(request) = request else { return Ok(false) };
        Ok(self.worlds.decide(&self.base, form, &request)? == Some(Holds::Definitely))
    }

    pub(crate) fn first_template(&self, service: &str, resource_type: &str) -> Option<String> {
        self.template(service, resource_type)
    }
}

/// P-11.1; `iam:AssociatedResourceArn` is unknown as it is, in open mode.
fn pass_keys(to: &str) -> Context {
    let mut keys = Context::new();
    keys.insert(ConditionKey::new("iam:PassedToService"), KeyState::one(to));
    keys
}

/// The parts of the table that are steps of one target each: every request with an effect ends one (P-7.2).
fn simple_steps(table: &Table) -> Vec<Simple> {
    let mut found: Vec<Simple> = Vec::new();
    for (at, row) in (0u16..).zip(table.primitives()) {
        let is_one = matches!(
            row.family,
            Family::Credential | Family::PolicyEdit | Family::TrustEdit | Family::Group | Family::NewIdentity
        ) || row.effect == Effect::ProviderControlled;
        if !is_one {
            continue;
        }
        let has_parts = row.requests.iter().any(|request| request.effect.is_some());
        let ends = row.requests.iter().enumerate().filter_map(|(place, request)| {
            let is_last = place + 1 == row.requests.len();
            let effect = request.effect.or((is_last && !has_parts).then_some(row.effect))?;
            // A part is taken by itself where it is the first of its row.
            (place == 0 || !has_parts).then_some((place, effect))
        });
        for (place, effect) in ends {
            let action = &row.requests[place].action;
            let on = row.requests[place].on.first();
            let Some(target) = kind_of(on) else { continue };
            let is_modelled = !matches!(effect, Effect::PolicyRemoved | Effect::GroupLeft | Effect::MfaEnabled);
            // Room is taken as met, so making room first adds nothing.
            let is_known = found.iter().any(|one| one.action == *action && one.effect == effect);
            if is_modelled && !is_known {
                let n_requests = place as u8 + 1;
                found.push(Simple { row: at, n_requests, effect, target, action: action.clone() });
            }
        }
    }
    found
}

fn kind_of(on: Option<&On>) -> Option<Kind> {
    let On::Resource { which, resource_type } = on? else { return None };
    Some(match (which, resource_type.as_str()) {
        (Which::Target, "user") => Kind::User,
        (Which::Target, "role") => Kind::Role,
        (Which::Target, "group") => Kind::Group,
        (Which::Target, "policy") => Kind::Policy,
        (Which::Target, "saml-provider") => Kind::SamlProvider,
        (Which::Target, "oidc-provider") => Kind::OidcProvider,
        (Which::New, "user") => Kind::NewUser,
        (Which::New, "role") => Kind::NewRole,
        _ => return None,
    })
}

/// Steps by what they conclude: the best of each, in the order in which conclusions were first met.
#[derive(Default)]
struct Best {
    list: Vec<Step>,
    at: HashMap<Fact, usize>,
}

impl Best {
    fn holds(&self, fact: Fact) -> Option<Holds> {
        self.at.get(&fact).map(|at| self.list[*at].holds)
    }

    /// P-15.9, for one step: definite first, then few requests, then little that is open, then the row's place.
    fn add(&mut self, step: Step) {
        let rank = |step: &Step| (step.holds, step.n_requests, step.n_open, step.row);
        match self.at.get(&step.conclusion) {
            Some(at) if rank(&self.list[*at]) <= rank(&step) => {}
            Some(at) => self.list[*at] = step,
            None => {
                self.at.insert(step.conclusion, self.list.len());
                self.list.push(step);
            }
        }
    }

    fn into_list(self) -> Vec<Step> {
        self.list
    }
}

/// Rows that no search takes although the table models them, with why (docs/reach.md, section 18).
pub(super) fn not_searched() -> Vec<(&'static str, &'static str)> {
    let reason = |row: &Primitive| match row.family {
        Family::Guardrail => Some("it may take something away from the attacker, too"),
        Family::ResourcePolicy => Some("it makes no identity controlled"),
        Family::ExistingRole if row.trusts.is_empty() => Some("who runs the artifact is not known"),
        _ => match row.effect {
            Effect::PolicyRemoved | Effect::GroupLeft => Some("it may take something away from the attacker, too"),
            Effect::MfaEnabled => Some("a second factor is shown as open instead"),
            Effect::RootTask => Some("root tasks are not searched"),
            _ => None,
        },
    };
    let rows = Table::embedded().primitives().iter();
    rows.filter_map(|row| Some((row.id.as_str(), reason(row)?))).collect()
}
