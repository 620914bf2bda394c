//! Steps: rows of the table, instantiated for a caller in a form and a target, and decided; their kinds in `steps/`.

mod assume;
mod attempt;
mod candidates;
mod running;
mod simple;

use super::ask::{Asked, GLOBAL_REGION, Worlds};
use super::crowd::Crowd;
use super::deeds::Deeds;
use super::fact::{Fact, Form, Holds, Identity};
use super::goal::Use;
use super::names::{self, Place, REGIONS_MAX};
use super::reachable::{Abroad, Graph};
use super::sweep::Bundle;
use super::world::Base;
use crate::{Effect, Family, Need, On, Primitive, Table, Which};
pub(crate) use candidates::Candidates;
use iamc_catalogue::Catalogue;
use iamc_compiler::CompileError;
use iamc_policy::Principal;
use iamc_policy::condition::ConditionKey;
use iamc_policy::document::Policy;
use iamc_policy::request::{Context, KeyState};
use iamc_policy::world::{GapKind, World};
use iamc_policy::{AccountId, Action, Arn};
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashMap};
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
    /// By its place in the inventory.
    Resource(u32),
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
    NewOidcProvider,
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
    pub(super) running: Vec<u16>,
    /// Services to which rows pass roles.
    pub(crate) services: Vec<String>,
    pub(crate) deeds: Deeds,
    pub(super) crowd: Option<Crowd>,
    /// That of everybody in the form that was asked last.
    pub(super) assuming_crowd: Option<(Form, Crowd)>,
    /// Rows that are not taken with a target, for ways beside one that is known (P-15.9).
    pub(super) banned: BTreeSet<(u16, Target)>,
    /// What is possible, of accounts that were swept, and what with one fact more.
    pub(super) swept: HashMap<(u32, Form, Option<Fact>), Arc<[Bundle]>>,
    /// By form: roles elsewhere that identities may assume.
    pub(super) abroad: BTreeMap<Form, Arc<Abroad>>,
    /// Who may assume roles that may admit anybody, as long as there is no graph.
    pub(super) everybody: Option<Arc<[Bundle]>>,
    pub(super) graph: Option<Graph>,
    /// The action on a resource that is asked about.
    pub(super) asked_use: Option<Use>,
    pub(super) assume_action: Action,
    pub(super) pass_action: Action,
    steps: HashMap<(Caller, Form), Arc<[Step]>>,
    passes: HashMap<(Identity, Form, Identity, u16), Option<Holds>>,
    /// Who takes a role and by which action, each once.
    trusters: Vec<(Principal, Action)>,
    /// By role and truster.
    trusts: HashMap<(Identity, u16), Option<Holds>>,
    attempts: HashMap<AttemptKey, Option<Holds>>,
    /// Steps without passes and trusts, by row and how many of its requests, caller, form and target.
    settled: HashMap<(u16, u8, Caller, Form, Target), Option<Settled>>,
    policies: HashMap<Identity, Arc<[Arc<Policy>]>>,
    regions: HashMap<Identity, Arc<[String]>>,
    admins: HashMap<(Identity, Form), bool>,
    /// By account and form: its administrators, ascending.
    pub(super) administrators: HashMap<(u32, Form), Arc<[Identity]>>,
    measures: HashMap<u32, Option<Arc<[bool]>>>,
    incomplete: BTreeSet<AccountId>,
    /// By role: resources that run as it. By account and type: whether anything is known.
    runs_as: HashMap<Identity, Vec<Arn>>,
    runs_as_known: BTreeSet<(u32, String, String)>,
    /// By role: those of `running` whose trusters its trust policy names, in their order.
    running_of: HashMap<Identity, Arc<[u16]>>,
    /// By account number: resources that run as some role, and instance profiles.
    running_in: HashMap<String, Vec<u32>>,
    profiles_in: HashMap<String, Vec<u32>>,
    /// By role: the first instance profile that holds it.
    profile_of: HashMap<Identity, u32>,
    /// Resources of the inventory by account and type.
    listed: HashMap<(u32, String, String), Arc<[Arn]>>,
}

/// How far a step holds, of how many requests, with how much open.
type Settled = (Holds, u32, u32);

/// So many settled steps are kept; then all are forgotten.
const SETTLED_MAX: usize = 1_000_000;

type Outcome<T> = Result<T, CompileError>;

/// Row, caller, form; the target where a request depends on it; the existing resource.
type AttemptKey = (u16, Identity, Form, Option<Identity>, Option<Arn>);

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
            assuming_crowd: None,
            banned: BTreeSet::new(),
            swept: HashMap::new(),
            abroad: BTreeMap::new(),
            everybody: None,
            graph: None,
            asked_use: None,
            assume_action,
            pass_action,
            steps: HashMap::new(),
            passes: HashMap::new(),
            trusters: Vec::new(),
            trusts: HashMap::new(),
            attempts: HashMap::new(),
            settled: HashMap::new(),
            policies: HashMap::new(),
            regions: HashMap::new(),
            admins: HashMap::new(),
            administrators: HashMap::new(),
            measures: HashMap::new(),
            incomplete,
            runs_as: HashMap::new(),
            runs_as_known: BTreeSet::new(),
            running_of: HashMap::new(),
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

    pub(super) fn is_of_type(&self, arn: &Arn, account: u32, service: &str, resource_type: &str) -> bool {
        let template = self.template(service, resource_type);
        template.is_some_and(|template| self.is_of_template(arn, account, &template))
    }

    fn is_of_template(&self, arn: &Arn, account: u32, template: &str) -> bool {
        // Most ARNs are of another service.
        let service = names::arn_service(template);
        if service != arn.service() && !service.contains("${") {
            return false;
        }
        let account = self.base.accounts[account as usize].id.to_string();
        let place = Place { partition: arn.partition(), account: &account, region: arn.region() };
        names::is_instance(template, place, arn.as_str())
    }

    /// Resources of the inventory of a type and account (P-2.5).
    pub(super) fn resources(&mut self, account: u32, service: &str, resource_type: &str) -> Arc<[Arn]> {
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
        let template = self.template(service, resource_type);
        let is_of_type =
            |arn: &&&Arn| template.as_ref().is_some_and(|template| self.is_of_template(arn, account, template));
        let mut found: Vec<Arn> = arns.iter().filter(is_own).filter(is_of_type).map(|arn| (*arn).clone()).collect();
        found.sort();
        found.dedup();
        found
    }

    pub(super) fn policies_of(&mut self, id: Identity) -> Arc<[Arc<Policy>]> {
        let base = &self.base;
        Arc::clone(self.policies.entry(id).or_insert_with(|| base.policies_of(id).into()))
    }

    /// Gives back what is known of the policies of identities one by one.
    pub(super) fn forget_policies(&mut self) {
        self.policies.clear();
        self.regions.clear();
    }

    /// P-2.9: Regions to try, for services that have any.
    pub(super) fn regions_of(&mut self, id: Identity) -> Arc<[String]> {
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
        if !self.banned.is_empty() {
            return Ok(self.decide_steps(caller, form, &|_| true)?.into());
        }
        if let Some(known) = self.steps.get(&(caller, form)) {
            return Ok(Arc::clone(known));
        }
        let steps: Arc<[Step]> = match caller {
            Caller::Identity(id) => {
                let mut candidates = self.candidates(self.base.account_of[id as usize]);
                self.steps_worth(id, form, &mut candidates, &|_| true)?.into()
            }
            Caller::Provider(_) => self.decide_steps(caller, form, &|_| true)?.into(),
        };
        self.steps.insert((caller, form), Arc::clone(&steps));
        Ok(steps)
    }

    /// The same of an identity where the conclusion is worth a decision. `candidates`: of its account; those that are not worth
    /// one are taken out, some of them at least.
    pub(crate) fn steps_worth(
        &mut self,
        id: Identity,
        form: Form,
        candidates: &mut Candidates,
        is_worth: &dyn Fn(Fact) -> bool,
    ) -> Outcome<Vec<Step>> {
        if let Some(known) = self.steps.get(&(Caller::Identity(id), form)).filter(|_| self.banned.is_empty()) {
            return Ok(known.iter().filter(|step| is_worth(step.conclusion)).cloned().collect());
        }
        // Where it is known what is possible, nothing else is decided.
        let possible = self.possible(id, form, candidates, is_worth)?;
        if possible.is_nothing() {
            return Ok(Vec::new());
        }
        candidates.retain(is_worth);
        let possible = candidates.retained(&|fact| possible.has(fact));
        self.decide_among(id, form, &possible)
    }

    /// Those that conclude something worth it, decided now.
    pub(super) fn decide_steps(
        &mut self,
        caller: Caller,
        form: Form,
        is_worth: &dyn Fn(Fact) -> bool,
    ) -> Outcome<Vec<Step>> {
        match caller {
            Caller::Identity(id) => {
                let mut candidates = self.candidates(self.base.account_of[id as usize]);
                candidates.retain(is_worth);
                self.decide_among(id, form, &candidates)
            }
            Caller::Provider(provider) => {
                let mut found = Best::default();
                self.federate(provider, &mut found)?;
                Ok(found.into_list())
            }
        }
    }

    fn decide_among(&mut self, id: Identity, form: Form, candidates: &Candidates) -> Outcome<Vec<Step>> {
        let mut found = Best::default();
        self.assume(id, form, candidates, &mut found)?;
        self.simple_steps_of(id, form, candidates, &mut found)?;
        self.running_steps_of(id, form, candidates, &mut found)?;
        Ok(found.into_list())
    }

    /// Roles that a caller may assume as the world is, and those that a provider's tokens open.
    pub(crate) fn assumptions(&mut self, caller: Caller) -> Outcome<Vec<Step>> {
        let mut found = Best::default();
        match caller {
            Caller::Identity(id) => {
                let candidates = self.candidates(self.base.account_of[id as usize]);
                self.assume(id, Form::default(), &candidates, &mut found)?;
            }
            Caller::Provider(provider) => self.federate(provider, &mut found)?,
        }
        Ok(found.into_list())
    }

    /// P-15.10: false only where no policy of the caller allows the action.
    pub(crate) fn may(&self, id: Identity, form: Form, action: &Action) -> bool {
        self.deeds.may(&self.base, id, form, action)
    }

    pub(super) fn is_banned(&self, row: u16, target: Target) -> bool {
        !self.banned.is_empty() && self.banned.contains(&(row, target))
    }

    pub(crate) fn step(
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
    pub(super) fn settle(&mut self, step: Step) -> Outcome<Option<Step>> {
        // Searches from many starts come to the same callers.
        let key = (step.row, step.n_row_requests, step.caller, step.form, step.target);
        let known = match self.settled.get(&key) {
            Some(known) => *known,
            None => {
                let settled = self.settle_now(&step)?;
                if self.settled.len() >= SETTLED_MAX {
                    self.settled.clear();
                }
                self.settled.insert(key, settled);
                settled
            }
        };
        Ok(known.map(|(holds, n_requests, n_open)| Step { holds, n_requests, n_open, ..step }))
    }

    fn settle_now(&mut self, step: &Step) -> Outcome<Option<Settled>> {
        let Some(attempt) = self.attempt(step)? else { return Ok(None) };
        let Some(needs) = self.needs(step) else { return Ok(None) };
        let n_open_needs = needs.iter().filter(|(_, met)| !met).count();
        let n_open = attempt.asked.iter().filter(|asked| asked.holds == Holds::Possibly).count() + n_open_needs;
        let holds = if n_open > 0 { Holds::Possibly } else { attempt.holds };
        Ok(Some((holds, attempt.asked.len() as u32, n_open as u32)))
    }

    /// P-16.1: whether an identity in a form is administrator of its account.
    pub(crate) fn is_administrator(&mut self, id: Identity, form: Form) -> Outcome<bool> {
        if let Some(known) = self.admins.get(&(id, form)) {
            return Ok(*known);
        }
        let account = self.base.account_of[id as usize];
        let known = self.administrators.get(&(account, form)).filter(|_| id < self.base.n_identities);
        if let Some(known) = known {
            return Ok(known.binary_search(&id).is_ok());
        }
        let Some(measure) = self.measure(account)? else { return Ok(false) };
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

    /// P-16.1: which probes count in an account; `None`: it has no identities.
    pub(super) fn measure(&mut self, account: u32) -> Outcome<Option<Arc<[bool]>>> {
        if let Some(known) = self.measures.get(&account) {
            return Ok(known.clone());
        }
        let measure = match self.base.accounts[account as usize].probe {
            Some(probe) => {
                let probes = 0..super::admin::PROBES.len();
                Some(probes.map(|at| self.probe(probe, Form::default(), at)).collect::<Outcome<Arc<[bool]>>>()?)
            }
            None => None,
        };
        self.measures.insert(account, measure.clone());
        Ok(measure)
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
        ) || row.family == Family::Federation && row.caller == crate::Caller::Identity;
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
        (Which::New, "oidc-provider") => Kind::NewOidcProvider,
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
        Family::ResourcePolicy if row.effect == Effect::ResourceGranted => Some("what it grants is not searched"),
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
