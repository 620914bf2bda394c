//! The steps that identities of an account may take, as far as they are possible, asked of all of them together.
//!
//! In goes an account and the form in which its identities act, out come [`Bundle`]s: callers, and facts each of which each of
//! them may make true by one step. A request of several units is possible iff each of them is, so units are asked one by one,
//! once for all rows that share them; nothing is made definite by choices (P-2.10), since a request that is possible with keys
//! left open is possible. [`units`] asks them with all Regions and names that each caller may choose; [`assume`], [`simple`] and
//! [`running`] put them together as the rows of their kinds say.
//!
//! Whoever is the target of a step is not left out among its callers: to control oneself is nothing new.

mod assume;
mod running;
mod simple;
mod units;

use super::ask::{self, GLOBAL_REGION};
use super::crowd::{Callers, Crowd, as_role};
use super::fact::{Fact, Form, Holds, Identity};
use super::steps::{Caller, Engine, Step};
use super::world::Origin;
use iamc_compiler::CompileError;
use iamc_policy::request::{KeyState, Request, RequestResource, ResourceInRequest};
use iamc_policy::{Action, Principal};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use units::{Names, Unit};

type Outcome<T> = Result<T, CompileError>;

/// Each caller may make each of the facts true, by a step for each.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Bundle {
    /// Ascending.
    pub(crate) callers: Box<[Identity]>,
    /// Ascending.
    pub(crate) facts: Box<[Fact]>,
    /// By which step, fact by fact.
    by: Box<[By]>,
}

/// The step by which a fact is made true: one of those that are possible.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct By {
    /// Definitely, where that was asked.
    pub(crate) holds: Holds,
    pub(crate) row: u16,
}

impl Bundle {
    /// In whatever order.
    pub(crate) fn new(mut callers: Vec<Identity>, mut gains: Vec<(Fact, By)>) -> Bundle {
        callers.sort_unstable();
        callers.dedup();
        gains.sort_unstable();
        gains.dedup();
        let (facts, by): (Vec<Fact>, Vec<By>) = gains.into_iter().unzip();
        Bundle { callers: callers.into(), facts: facts.into(), by: by.into() }
    }

    /// What one caller makes true by the steps that hold for it.
    pub(crate) fn of_steps(caller: u32, steps: &[Step]) -> Option<Bundle> {
        let gains = steps.iter().map(|step| (step.conclusion, By { holds: step.holds, row: step.row }));
        (!steps.is_empty()).then(|| Bundle::new(vec![caller], gains.collect()))
    }

    /// Whether a caller is among its own.
    pub(crate) fn is_by(&self, caller: u32) -> bool {
        self.callers.binary_search(&caller).is_ok()
    }

    pub(crate) fn gains(&self) -> impl Iterator<Item = (Fact, By)> + '_ {
        self.facts.iter().copied().zip(self.by.iter().copied())
    }
}

/// Which variant of the world is asked; as the world is, there is one.
enum Whom {
    /// That of some accounts.
    Accounts(BTreeSet<u32>),
    /// That of everybody, which knows nothing but who may assume roles of other accounts.
    Assuming,
}

impl Whom {
    fn of(account: u32) -> Whom {
        Whom::Accounts(BTreeSet::from([account]))
    }
}

/// Which roles are asked about.
#[derive(Clone, Copy)]
enum Which {
    /// As the world is, all that name the account, but for those that may admit anybody; in another form those of the account.
    Usual,
    /// Those of other accounts that name it, but for those that may admit anybody.
    Abroad,
}

/// One account that is swept.
struct Sweep<'e> {
    engine: &'e mut Engine,
    crowd: Crowd,
    account: u32,
    form: Form,
    /// Whoever is asked about.
    all: Callers,
    /// By fact: who may make it true, and by what; each caller once.
    gains: BTreeMap<Fact, BTreeMap<By, Callers>>,
    may: HashMap<Action, Callers>,
    units: HashMap<Unit, units::Answered>,
    names: HashMap<(String, String, String), Names>,
    regions: Option<Arc<[(String, Callers)]>>,
}

impl Engine {
    /// What identities of an account in a form may do that needs nothing else. As the world is, roles that may admit anybody
    /// are left to [`Engine::sweep_everybody`].
    ///
    /// Cost: a question of the account for each unit, as its policies name few of its resources the fewer.
    pub(crate) fn sweep(&mut self, account: u32, form: Form) -> Outcome<Vec<Bundle>> {
        self.sweep_with(account, form, Whom::of(account), |sweep| {
            sweep.assume(Which::Usual)?;
            sweep.simple(None)?;
            sweep.running()
        })
    }

    /// Roles of other accounts that anybody in a form may assume, and of the caller's own those that may admit anybody.
    ///
    /// Cost: a few questions of everybody for each role that may admit anybody, and for each account that trusts another.
    pub(crate) fn sweep_abroad(&mut self, form: Form) -> Outcome<Vec<Bundle>> {
        let mut bundles = self.sweep_everybody(form)?;
        for account in 0..self.base.accounts.len() as u32 {
            if self.base.trusting.contains_key(&self.base.accounts[account as usize].id) {
                bundles.extend(self.sweep_with(account, form, Whom::Assuming, |sweep| sweep.assume(Which::Abroad))?);
            }
        }
        Ok(bundles)
    }

    /// What becomes possible for them with a trust that was opened, or an identity that was made.
    pub(crate) fn sweep_on(&mut self, account: u32, form: Form, fact: Fact) -> Outcome<Vec<Bundle>> {
        let (Fact::TrustOpened(target) | Fact::Created(target)) = fact else { return Ok(Vec::new()) };
        let form = Form { trust: matches!(fact, Fact::TrustOpened(_)), ..form };
        let Some(first) = self.base.identities_in[account as usize].first().copied() else { return Ok(Vec::new()) };
        let mut request = ask::by_identity(&self.base, first, self.assume_action.clone(), GLOBAL_REGION);
        request.resources.push(ResourceInRequest::new(RequestResource::Arn(self.base.arn(target).clone())));
        let is_own = self.base.account_of[target as usize] == account;
        let place = self.base.place_of[target as usize] as usize;
        // From elsewhere, nothing but a session of the role is to be had.
        let whom = if is_own || form.trust { Whom::Accounts(self.base.accounts_of(&request)) } else { Whom::Assuming };
        self.sweep_with(account, form, whom, |sweep| {
            if is_own {
                sweep.all.set(place, false);
            }
            if !sweep.engine.base.is_user(target) {
                sweep.assume_one(target)?;
            }
            if is_own && matches!(fact, Fact::Created(_)) {
                sweep.simple(Some(target))?;
            }
            Ok(())
        })
    }

    /// The administrators among them (P-16.1), by identity.
    pub(crate) fn sweep_administrators(&mut self, account: u32, form: Form) -> Outcome<Vec<Identity>> {
        let Some(measure) = self.measure(account)? else { return Ok(Vec::new()) };
        let mut found = Vec::new();
        self.sweep_with(account, form, Whom::of(account), |sweep| {
            sweep.administrators(&measure, &mut found);
            Ok(())
        })?;
        Ok(found)
    }

    /// Those of them who may make a request, by identity, ascending. Its principal is not looked at.
    pub(crate) fn sweep_request(&mut self, account: u32, form: Form, request: &Request) -> Outcome<Vec<Identity>> {
        let accounts = self.base.accounts_with(account, request);
        let mut found = Vec::new();
        self.sweep_with(account, form, Whom::Accounts(accounts), |sweep| {
            let possible = sweep.who(request).possible;
            found = sweep.listed(&possible);
            Ok(())
        })?;
        Ok(found)
    }

    /// Accounts, as the world is, in which somebody may make a request: in no other does anybody.
    ///
    /// Cost: one question of everybody.
    pub(crate) fn accounts_that_may(&mut self, request: &Request) -> Outcome<BTreeSet<u32>> {
        let mut crowd = self.take_crowd(Form::default(), &Whom::Assuming)?;
        let (_, possible) = crowd.ask_all(as_role(request, KeyState::Unknown));
        let accounts = crowd.identities_of(&possible).map(|id| self.base.account_of[id as usize]).collect();
        self.return_crowd(Form::default(), &Whom::Assuming, crowd);
        Ok(accounts)
    }

    fn sweep_with(
        &mut self,
        account: u32,
        form: Form,
        whom: Whom,
        sweep: impl FnOnce(&mut Sweep<'_>) -> Outcome<()>,
    ) -> Outcome<Vec<Bundle>> {
        let crowd = self.take_crowd(form, &whom)?;
        let identities = &self.base.identities_in[account as usize];
        let mut all = Callers::with_capacity(identities.len());
        let mut unlisted = Vec::new();
        for (place, id) in identities.iter().enumerate() {
            if self.base.origin(*id) == Origin::Probe {
                continue;
            }
            if crowd.knows(*id) {
                all.insert(place);
            } else {
                unlisted.push(*id);
            }
        }
        let mut swept = Sweep {
            engine: self,
            crowd,
            account,
            form,
            all,
            gains: BTreeMap::new(),
            may: HashMap::new(),
            units: HashMap::new(),
            names: HashMap::new(),
            regions: None,
        };
        let done = sweep(&mut swept);
        let Sweep { crowd, gains, .. } = swept;
        self.return_crowd(form, &whom, crowd);
        done?;
        if matches!(whom, Whom::Assuming) {
            unlisted.retain(|id| self.base.may_act(*id, form));
        }
        let mut bundles = self.bundles(account, gains);
        // Nobody that the compiled world lists: decided one by one. What is kept holds for ways of all kinds.
        let banned = std::mem::take(&mut self.banned);
        let decided: Outcome<Vec<_>> = unlisted
            .into_iter()
            .map(|id| Ok((id, self.decide_steps(Caller::Identity(id), form, &|_| true)?)))
            .collect();
        self.banned = banned;
        for (id, steps) in decided? {
            bundles.extend(Bundle::of_steps(id, &steps));
        }
        Ok(bundles)
    }

    fn bundles(&self, account: u32, gains: BTreeMap<Fact, BTreeMap<By, Callers>>) -> Vec<Bundle> {
        let identities = &self.base.identities_in[account as usize];
        let mut facts_of: BTreeMap<Callers, Vec<(Fact, By)>> = BTreeMap::new();
        for (fact, callers) in gains {
            for (by, callers) in callers.into_iter().filter(|(_, callers)| !callers.is_clear()) {
                facts_of.entry(callers).or_default().push((fact, by));
            }
        }
        let bundle = |(callers, gains): (Callers, Vec<(Fact, By)>)| {
            Bundle::new(callers.ones().map(|place| identities[place]).collect(), gains)
        };
        facts_of.into_iter().map(bundle).collect()
    }

    fn take_crowd(&mut self, form: Form, whom: &Whom) -> Outcome<Crowd> {
        if form == Form::default() {
            if let Some(crowd) = self.crowd.take() {
                return Ok(crowd);
            }
            let plain = self.worlds.plain(&self.base)?;
            return Ok(Crowd::new(&plain.set, &self.base));
        }
        match whom {
            Whom::Assuming => match self.assuming_crowd.take() {
                Some((known, crowd)) if known == form => Ok(crowd),
                _ => Ok(Crowd::new(&self.worlds.assuming(&self.base, form)?.set, &self.base)),
            },
            Whom::Accounts(accounts) => Ok(Crowd::new(&self.worlds.part(&self.base, form, accounts)?.set, &self.base)),
        }
    }

    fn return_crowd(&mut self, form: Form, whom: &Whom, crowd: Crowd) {
        if form == Form::default() {
            self.crowd = Some(crowd);
        } else if matches!(whom, Whom::Assuming) {
            self.assuming_crowd = Some((form, crowd));
        }
    }
}

impl Sweep<'_> {
    fn nobody(&self) -> Callers {
        Callers::with_capacity(self.all.len())
    }

    fn listed(&self, callers: &Callers) -> Vec<Identity> {
        let identities = &self.engine.base.identities_in[self.account as usize];
        callers.ones().filter(|place| self.all.contains(*place)).map(|place| identities[place]).collect()
    }

    /// P-15.10: whoever some policy of their own may allow the action.
    fn may(&mut self, action: &Action) -> Callers {
        if let Some(known) = self.may.get(action) {
            return known.clone();
        }
        let identities = &self.engine.base.identities_in[self.account as usize];
        let mut callers = self.nobody();
        callers.extend(self.all.ones().filter(|place| self.engine.may(identities[*place], self.form, action)));
        self.may.insert(action.clone(), callers.clone());
        callers
    }

    fn gain(&mut self, fact: Fact, by: By, callers: &Callers) {
        let mut new = callers.clone();
        let known = self.gains.entry(fact).or_default();
        for (other, own) in known.iter_mut().filter(|(other, _)| **other != by) {
            // What is definite is the better news.
            if by.holds < other.holds {
                own.difference_with(&new);
            } else {
                new.difference_with(own);
            }
        }
        match known.get_mut(&by) {
            Some(own) => own.union_with(&new),
            None if new.is_clear() => {}
            None => {
                known.insert(by, new);
            }
        }
    }

    /// The same of those who may, and those of them who may definitely, by a row.
    fn gain_asked(&mut self, fact: Fact, row: u16, possible: &Callers, definite: &Callers) {
        let mut others = possible.clone();
        others.difference_with(definite);
        self.gain(fact, By { holds: Holds::Definitely, row }, definite);
        self.gain(fact, By { holds: Holds::Possibly, row }, &others);
    }

    /// Those who may not make the fact true as far as is known.
    fn without(&self, mut callers: Callers, fact: Fact) -> Callers {
        self.gains.get(&fact).into_iter().flatten().for_each(|(_, known)| callers.difference_with(known));
        callers
    }

    /// A request of nobody yet, with what the question states.
    fn blank(&self, action: &Action, region: &str) -> Request {
        let mut request = ask::blank(Principal::Anonymous, action.clone(), region);
        request.context.extend(self.engine.stated.keys.clone());
        request
    }

    fn who(&mut self, request: &Request) -> super::crowd::Answer {
        self.crowd.who(&self.engine.base, self.account, request)
    }

    fn administrators(&mut self, measure: &[bool], found: &mut Vec<Identity>) {
        let counting: Vec<usize> = (0..measure.len()).filter(|at| measure[*at]).collect();
        // Where none of the first line counts, nobody is one.
        if !measure[..super::admin::N_FIRST].contains(&true) {
            return;
        }
        let mut left = self.all.clone();
        // Of the first line, nothing but identity policies allows anything.
        for at in counting.iter().filter(|at| **at < super::admin::N_FIRST) {
            left.intersect_with(&self.may(&super::admin::ACTIONS[*at]));
        }
        for at in counting {
            if left.is_clear() {
                return;
            }
            match super::admin::question(self.engine, self.account, at) {
                Some(request) => left.intersect_with(&self.who(&request).definite),
                None => left.clear(),
            }
        }
        found.extend(self.listed(&left));
    }
}
