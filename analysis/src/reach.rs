//! Who can become whom (docs/reach.md).
//!
//! In goes a [`World`], out come [`Path`]s, each with the requests that it consists of. Whether a
//! request holds is asked of the compiled engine; nothing is matched here. [`world`] adds to the inventory what steps may
//! make and who may come from outside; a step changes little that a decision depends on, so a handful of variants of that
//! world ([`variant`]), each compiled once, answer for all states ([`fact::Form`]). [`steps`] instantiates rows of the table, [`ask`]
//! binds and decides requests, [`names`] makes up names; [`search`] looks for the cheapest way to each fact. [`reachable`]
//! tells for all starts at once who has a way at all, from steps that are possible: [`sweep`] asks them of all identities of
//! an account together, [`crowd`] puts one such question. [`admin`]
//! measures administrators, [`goal`] asks for one action on one resource, whose policy may be written anew ([`resource`]); [`starts`] says where paths begin, [`alternatives`] looks for more ways than the cheapest, [`blast`] sums up what a start
//! leads to, [`breaks`] which statements let it; [`edges`] keeps what was found for other runs; [`deeds`] says which callers are worth a look; [`proof`] cuts out of the world
//! what a request needs.

mod admin;
mod alternatives;
mod ask;
mod audit;
mod blast;
mod breaks;
mod crowd;
mod deeds;
mod edges;
mod fact;
mod goal;
mod names;
mod proof;
mod reachable;
mod resource;
#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a panic is how a test says no")]
mod rules;
mod search;
mod starts;
mod steps;
mod sweep;
#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a panic is how a test says no")]
mod tests;
mod variant;
mod world;

pub use audit::{AuditKind, Finding};
pub use blast::{Asked as BlastAsked, Blast, Held, Touched, Use};
pub use breaks::{Break, Cut};
pub use edges::{EDGES_FORMAT, Edge, EdgesError};
pub use starts::{Start, Wanted};

use crate::{Family, Need, Table};
use fact::{Fact, Holds, Thing};
use iamc_catalogue::Catalogue;
use iamc_compiler::CompileError;
use iamc_policy::decision::Answer;
use iamc_policy::request::{Context, Request};
use iamc_policy::{AccountId, World};
use search::{Limits, Search};
use std::collections::BTreeSet;
use steps::{Caller, Engine, Instance, NeedAtom, Stated, Step};
use world::Origin;

/// What a question states (P-1.7, P-1.9).
#[derive(Debug, Clone, Default)]
pub struct Given {
    /// States of condition keys that every request of an identity has.
    pub keys: Context,
    /// Needs that are met, whatever their subject.
    pub needs: BTreeSet<Need>,
}

/// What is looked for (P-16.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Goal<'g> {
    /// A user or role, by ARN.
    Identity(&'g str),
    /// To be administrator of an account (P-16.1).
    Administrator(AccountId),
    /// To be administrator of any account.
    AnyAdministrator,
    /// Any user or role of an account (P-16.5).
    AnyOf(AccountId),
    /// An action, as `service:Name`, on a resource, an ARN or `*`.
    Use {
        /// The action.
        action: &'g str,
        /// The resource.
        resource: &'g str,
    },
}

/// Why a question cannot be answered.
#[derive(Debug, thiserror::Error)]
pub enum ReachError {
    /// The world, or a variant of it, cannot be compiled.
    #[error(transparent)]
    Compile(#[from] CompileError),
    /// Nobody of that name is in the inventory.
    #[error("`{0}` is no user, role, root user or provider of the inventory")]
    Nobody(String),
    /// The account has no identities in the inventory.
    #[error("the inventory has no identities of account {0}")]
    NoAccount(AccountId),
    /// An action or a resource is none.
    #[error("`{0}` on `{1}` is no action on the ARN of a resource or `*`")]
    NoUse(String, String),
    /// The ARN names no account, and no resource of the inventory tells it.
    #[error("the inventory does not say which account `{0}` belongs to")]
    NoOwner(String),
}

/// One request of a hop with its decision.
#[derive(Debug, Clone)]
pub struct Proved {
    /// The request, all of its bindings included.
    pub request: Request,
    /// What it got.
    pub answer: Answer,
    /// The lines of the inventory on which that depends, as earlier hops left them. Deciding the request there gives the
    /// same decision.
    pub world: World,
}

/// One step of a path (P-1.4).
#[derive(Debug, Clone)]
pub struct Hop {
    /// The row of the table; `goal`: what the question is about is done.
    pub row: &'static str,
    /// Its family; `None`: it is the goal.
    pub family: Option<Family>,
    /// Who makes the requests: an ARN, or the name of a provider.
    pub caller: String,
    /// What it is about: an ARN.
    pub target: String,
    /// The existing resource that it uses, beside the target.
    pub resource: Option<String>,
    /// What is different afterwards, in words.
    pub effect: String,
    /// True iff it holds whatever is not known.
    pub definite: bool,
    /// Requests in order, then trusts.
    pub requests: Vec<Proved>,
    /// Needs, each with whether it is met.
    pub needs: Vec<(String, bool)>,
}

/// A way from a start to a goal (P-15.6).
#[derive(Debug, Clone)]
pub struct Path {
    /// ARN of the identity, or name of the provider, at which it starts.
    pub start: String,
    /// An ARN, `administrator of ACCOUNT`, or `ACTION on RESOURCE`.
    pub goal: String,
    /// True iff all of its hops are.
    pub definite: bool,
    /// Each before those that need it; none: the start is there already.
    pub hops: Vec<Hop>,
}

/// A way that is known and not shown, since enough others are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unproved {
    /// As [`Path::start`].
    pub start: String,
    /// As [`Path::goal`]; where several would do, the question in words.
    pub goal: String,
    /// As [`Path::definite`]; `None`: it is possible at least, and was not searched further.
    pub definite: Option<bool>,
}

/// The answer to a question about ways.
#[derive(Debug, Clone, Default)]
pub struct Ways {
    /// As many as were asked for, each with its proof.
    pub paths: Vec<Path>,
    /// All others, by name alone.
    pub others: Vec<Unproved>,
}

impl Ways {
    /// How many ways there are.
    pub fn n(&self) -> usize {
        self.paths.len() + self.others.len()
    }
}

/// Answers questions of reach about one world.
pub struct Reach {
    engine: Engine,
}

impl Reach {
    /// What can be asked of a world.
    ///
    /// # Errors
    /// The world is larger than a compiled set may be.
    ///
    /// Cost: O(bytes of the world), and the compiler's.
    pub fn new(world: World, catalogue: &Catalogue, given: Given) -> Result<Reach, ReachError> {
        let stated = Stated { keys: given.keys, needs: given.needs };
        let mut engine = Engine::new(world, catalogue, stated);
        engine.worlds.plain(&engine.base)?;
        Ok(Reach { engine })
    }

    /// Rows of the table that no search takes, by name, with why not. They are what the answers do not cover.
    pub fn not_modelled() -> Vec<(&'static str, &'static str)> {
        let rows = Table::embedded().not_modelled().iter().map(|row| (row.id.as_str(), row.reason.as_str()));
        rows.chain(steps::not_searched()).collect()
    }

    /// Everything that a start leads to: identities that come to be controlled, and accounts of which it comes to be
    /// administrator, those first. Of several starts one after another. `definite`: by definite steps alone. The first `limit`
    /// are shown with proofs, the others are named.
    ///
    /// # Errors
    /// [`ReachError::Nobody`], [`ReachError::NoAccount`]: there is no such start; [`ReachError::Compile`].
    pub fn from<'s>(&mut self, start: impl Into<Start<'s>>, definite: bool, limit: usize) -> Result<Ways, ReachError> {
        let mut ways = Ways::default();
        for caller in self.callers(start.into())? {
            self.engine.asked_use = None;
            let search =
                Search::run(&mut self.engine, &[caller], Limits { definite, is_goal: &|_| false, keeps: false })?;
            let is_shown = |fact: &&Fact| match fact {
                Fact::Administers(_) => true,
                Fact::ControlsProvider(at) => !self.engine.base.is_made(*at),
                Fact::Controls(id) => self.engine.base.origin(*id) == Origin::Inventory,
                _ => false,
            };
            let mut goals: Vec<Fact> = search.found.keys().filter(is_shown).copied().collect();
            let own = fact_of(caller);
            goals.retain(|fact| *fact != own);
            goals.sort_by_key(|fact| (search.found[fact].holds, !matches!(fact, Fact::Administers(_)), *fact));
            for goal in goals {
                if ways.paths.len() < limit {
                    ways.paths.push(self.path(caller, &search, goal)?);
                } else {
                    ways.others.push(self.unproved(caller, &search, goal));
                }
            }
        }
        Ok(ways)
    }

    /// The cheapest way from one start to a goal; `None`: there is none.
    ///
    /// # Errors
    /// As [`Reach::from`]; [`ReachError::NoAccount`].
    pub fn between(&mut self, start: &str, goal: Goal<'_>, definite: bool) -> Result<Option<Path>, ReachError> {
        let wanted = Wanted { definite, ..Wanted::default() };
        Ok(self.paths(start, goal, wanted)?.paths.into_iter().next())
    }

    /// Everyone who reaches a goal, each with the cheapest way: users, roles, providers, outsiders and the public, in this
    /// order and by name (P-16.4). Who is there already is left out. The first `limit` of them are shown, the others named.
    ///
    /// # Errors
    /// As [`Reach::between`].
    pub fn to(&mut self, goal: Goal<'_>, definite: bool, limit: usize) -> Result<Ways, ReachError> {
        self.paths(Start::Everybody, goal, Wanted { definite, limit, ..Wanted::default() })
    }

    /// Administrators as they are, by account and name (P-16.1).
    ///
    /// # Errors
    /// [`ReachError::Compile`].
    pub fn administrators(&mut self) -> Result<Vec<(AccountId, String)>, ReachError> {
        let mut found = Vec::new();
        for id in 0..self.engine.base.n_identities {
            if self.engine.base.origin(id) == Origin::Inventory
                && self.engine.is_administrator(id, fact::Form::default())?
            {
                found.push((self.engine.base.account(id).id, self.engine.base.arn(id).to_string()));
            }
        }
        found.sort();
        Ok(found)
    }

    fn one(
        &mut self,
        caller: Caller,
        is_goal: &dyn Fn(Fact) -> bool,
        definite: bool,
    ) -> Result<Option<(Search, Fact)>, ReachError> {
        let search = Search::run(&mut self.engine, &[caller], Limits { definite, is_goal, keeps: false })?;
        Ok(search.reached.map(|goal| (search, goal)))
    }

    fn goal(&mut self, goal: Goal<'_>) -> Result<Box<dyn Fn(Fact) -> bool>, ReachError> {
        self.engine.asked_use = None;
        Ok(match goal {
            Goal::Use { action, resource } => {
                if !self.engine.ask_for(action, resource) {
                    return Err(ReachError::NoUse(action.to_owned(), resource.to_owned()));
                }
                if !self.engine.is_owner_known() {
                    return Err(ReachError::NoOwner(resource.to_owned()));
                }
                Box::new(|fact| fact == Fact::Uses)
            }
            Goal::Identity(arn) => {
                let id = self.engine.base.by_arn.get(arn).copied();
                let id = id.filter(|id| self.engine.base.origin(*id) == Origin::Inventory);
                let id = id.ok_or_else(|| ReachError::Nobody(arn.to_owned()))?;
                Box::new(move |fact| fact == Fact::Controls(id))
            }
            Goal::Administrator(account) => {
                let at = self.engine.base.account_by_id.get(&account).copied();
                let at = at.filter(|at| self.engine.base.accounts[*at as usize].probe.is_some());
                let at = at.ok_or(ReachError::NoAccount(account))?;
                Box::new(move |fact| fact == Fact::Administers(at))
            }
            Goal::AnyOf(account) => {
                let at = self.engine.base.account_by_id.get(&account).copied();
                let at = at.filter(|at| self.engine.base.accounts[*at as usize].probe.is_some());
                let at = at.ok_or(ReachError::NoAccount(account))?;
                let base = &self.engine.base;
                let own: BTreeSet<fact::Identity> = (0..base.n_identities)
                    .filter(|id| base.account_of[*id as usize] == at && base.origin(*id) == Origin::Inventory)
                    .collect();
                Box::new(move |fact| matches!(fact, Fact::Controls(id) if own.contains(&id)))
            }
            Goal::AnyAdministrator => Box::new(|fact| matches!(fact, Fact::Administers(_))),
        })
    }

    fn start(&self, text: &str) -> Result<Caller, ReachError> {
        let base = &self.engine.base;
        let text = text.strip_prefix("federated:").or_else(|| text.strip_prefix("saml:")).unwrap_or(text);
        if let Some(id) = base.by_arn.get(text) {
            return Ok(Caller::Identity(*id));
        }
        let mut providers = (0u32..).zip(&base.providers).filter(|(at, name)| *name == text && !base.is_made(*at));
        providers.next().map(|(at, _)| Caller::Provider(at)).ok_or_else(|| ReachError::Nobody(text.to_owned()))
    }

    fn unproved(&self, start: Caller, search: &Search, goal: Fact) -> Unproved {
        Unproved {
            start: self.engine.caller_name(start),
            goal: self.engine.fact_in_words(goal),
            definite: search.found.get(&goal).map(|cost| cost.holds == Holds::Definitely),
        }
    }

    /// What is asked for, as a path names what it leads to.
    fn goal_in_words(&self, goal: Goal<'_>) -> String {
        match goal {
            Goal::Identity(arn) => arn.to_owned(),
            Goal::Administrator(account) => format!("administrator of {account}"),
            Goal::AnyAdministrator => "administrator of some account".to_owned(),
            Goal::AnyOf(account) => format!("some identity of {account}"),
            Goal::Use { .. } => self.engine.fact_in_words(Fact::Uses),
        }
    }

    fn path(&mut self, start: Caller, search: &Search, goal: Fact) -> Result<Path, ReachError> {
        let steps: Vec<Step> = search.path(goal).into_iter().map(|(step, _)| step).collect();
        let definite = search.found.get(&goal).is_some_and(|cost| cost.holds == Holds::Definitely);
        self.path_of(start, &steps, goal, definite)
    }

    fn path_of(&mut self, start: Caller, steps: &[Step], goal: Fact, definite: bool) -> Result<Path, ReachError> {
        let mut hops = Vec::with_capacity(steps.len());
        for step in steps {
            hops.extend(self.hop(step)?);
        }
        let goal = self.engine.fact_in_words(goal);
        Ok(Path { start: self.engine.caller_name(start), goal, definite, hops })
    }

    fn hop(&mut self, step: &Step) -> Result<Option<Hop>, ReachError> {
        let is_goal = step.row == goal::GOAL_ROW;
        let instance = if is_goal {
            let asked = self.engine.use_asked(step)?;
            asked.map(|asked| Instance { asked: vec![asked], needs: Vec::new() })
        } else {
            self.engine.instance(step)?
        };
        let Some(instance) = instance else { return Ok(None) };
        let row = (!is_goal).then(|| self.engine.row(step.row));
        let mut requests = Vec::with_capacity(instance.asked.len());
        for asked in instance.asked {
            let form = if matches!(asked.request.principal, iamc_policy::Principal::Service(_)) {
                fact::Form::default()
            } else {
                step.form
            };
            let Some(answer) = self.engine.worlds.explain(&self.engine.base, form, &asked.request)? else {
                return Ok(None);
            };
            let world = self.engine.moment(step, &asked.request);
            requests.push(Proved { request: asked.request, answer, world });
        }
        let target = match requests.first() {
            Some(proved) if is_goal => proved.request.resources.first().map(|one| one.resource.to_string()),
            _ => self.engine.target_arn(step.target).map(|arn| arn.to_string()),
        };
        let needs = instance.needs.into_iter().map(|(atom, met)| {
            let text = match atom {
                NeedAtom::Need(need) => need.to_string(),
                NeedAtom::RunsAs(kind) => format!("runs-as({kind})"),
                NeedAtom::Version(arn) => format!("version({arn})"),
            };
            (text, met)
        });
        Ok(Some(Hop {
            row: row.map_or("goal", |row| row.id.as_str()),
            family: row.map(|row| row.family),
            caller: self.engine.caller_name(step.caller),
            target: target.unwrap_or_else(|| "*".to_owned()),
            resource: step.resource.as_ref().map(ToString::to_string),
            effect: self.engine.fact_in_words(step.conclusion),
            definite: step.holds == Holds::Definitely,
            requests,
            needs: needs.collect(),
        }))
    }
}

fn fact_of(caller: Caller) -> Fact {
    match caller {
        Caller::Identity(id) => Fact::Controls(id),
        Caller::Provider(provider) => Fact::ControlsProvider(provider),
    }
}

impl Engine {
    /// P-16.4: every start of its own.
    fn starts(&self) -> Vec<Caller> {
        let base = &self.base;
        // A service-linked role is its service's, which nobody controls.
        let is_start = |id: &u32| {
            let is_linked = base.arn(*id).resource().starts_with("role/aws-service-role/");
            base.origin(*id) == Origin::Inventory && !is_linked
        };
        let own = (0..base.n_identities).filter(is_start);
        let mut own: Vec<u32> = own.collect();
        own.sort_by(|a, b| (!base.is_user(*a), base.arn(*a)).cmp(&(!base.is_user(*b), base.arn(*b))));
        let providers = (0..base.providers.len() as u32).filter(|at| !base.is_made(*at)).map(Caller::Provider);
        let outsiders = base.outsiders.iter().map(|id| Caller::Identity(*id));
        own.into_iter().map(Caller::Identity).chain(providers).chain(outsiders).collect()
    }

    fn caller_name(&self, caller: Caller) -> String {
        match caller {
            Caller::Identity(id) => self.base.arn(id).to_string(),
            Caller::Provider(provider) => self.base.providers[provider as usize].clone(),
        }
    }

    fn fact_in_words(&self, fact: Fact) -> String {
        let base = &self.base;
        let group = |at: u32| base.world.groups[at as usize].identity.arn.to_string();
        match fact {
            Fact::Controls(id) => base.arn(id).to_string(),
            Fact::ControlsProvider(provider) => base.providers[provider as usize].clone(),
            Fact::Opened(Thing::Identity(id)) => format!("{} has a policy that allows everything", base.arn(id)),
            Fact::Opened(Thing::Group(at)) => format!("{} has a policy that allows everything", group(at)),
            Fact::Opened(Thing::Policy(at)) => format!("{} allows everything", base.world.policies[at as usize].arn),
            Fact::Unbounded(id) => format!("no boundary limits {}", base.arn(id)),
            Fact::Joined(user, at) => format!("{} is in {}", base.arn(user), group(at)),
            Fact::TrustOpened(id) => format!("{} trusts the caller", base.arn(id)),
            Fact::Created(id) => format!("{} exists", base.arn(id)),
            Fact::Rewritten => "the policy of the resource lets in the caller".to_owned(),
            Fact::Administers(account) => format!("administrator of {}", base.accounts[account as usize].id),
            Fact::Uses => self.asked_use.as_ref().map(goal::Use::in_words).unwrap_or_default(),
        }
    }
}
