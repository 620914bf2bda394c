//! From a start to everything that steps lead to (section 15).
//!
//! Facts are monotone, so whatever order steps are taken in leads to one result (P-15.3). A step has several premises:
//! its caller is controlled, the caller's form holds, a trust is opened. So this is a search over a hypergraph, and the
//! cheapest derivation of each fact is found as in Dijkstra's algorithm, generalised by Knuth ("A generalization of
//! Dijkstra's algorithm", 1977): a fact costs what its dearest premise costs, and its step.

use super::fact::{Fact, Form, Holds, Identity, Thing};
use super::steps::{Caller, Candidates, Engine, Step};
use super::world::Holder;
use iamc_compiler::CompileError;
use rustc_hash::{FxHashMap, FxHashSet};
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap, HashMap, HashSet};

/// P-15.9: definite before possible, then requests, then what is open.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Cost {
    pub(crate) holds: Holds,
    n_requests: u32,
    n_open: u32,
}

impl Cost {
    /// The least that a step costs after it.
    fn and_a_request(self) -> Cost {
        Cost { n_requests: self.n_requests + 1, ..self }
    }
}

const NOTHING: Cost = Cost { holds: Holds::Definitely, n_requests: 0, n_open: 0 };

/// Why a fact holds.
#[derive(Debug, Clone)]
pub(crate) enum Why {
    Start,
    /// It follows from others, without a request.
    Follows(Vec<Fact>),
    /// A step, and what had to be true for it.
    Step(Box<Step>, Vec<Fact>),
}

/// What a search found.
#[derive(Debug, Default)]
pub(crate) struct Search {
    /// The goal, if it was reached.
    pub(crate) reached: Option<Fact>,
    /// Facts with their cost, final ones alone once the search has ended.
    pub(crate) found: BTreeMap<Fact, Cost>,
    why: FxHashMap<Fact, (Cost, Why)>,
    heap: BinaryHeap<Reverse<(Cost, Fact)>>,
    /// Forms in which a controlled identity acts, with what it cost to come to them and what they rest on.
    forms: BTreeMap<(Identity, Form), (Cost, Vec<Fact>)>,
    joined: HashMap<Identity, BTreeSet<u32>>,
    expanded: FxHashSet<(Identity, Form)>,
    /// By account: what steps of its identities may still make true, or make true at less cost.
    open: FxHashMap<u32, Candidates>,
    /// Trusts opened, identities made, the policy of the resource written anew, each with what may still come of it.
    conditions: Vec<(Fact, Vec<Fact>)>,
    /// The least that a goal costs, as far as is known.
    goal: Option<Cost>,
}

/// How far to search.
#[derive(Clone, Copy)]
pub(crate) struct Limits<'g> {
    /// Definite steps alone.
    pub(crate) definite: bool,
    /// The search ends with the first such fact.
    pub(crate) is_goal: &'g dyn Fn(Fact) -> bool,
    /// Others will search the same world: a caller's steps are all decided, and kept.
    pub(crate) keeps: bool,
}

impl Search {
    /// Searches from the starts until a goal holds, or until nothing is left.
    pub(crate) fn run(engine: &mut Engine, starts: &[Caller], limits: Limits<'_>) -> Result<Search, CompileError> {
        let mut search = Search::default();
        for start in starts {
            let fact = match start {
                Caller::Identity(id) => Fact::Controls(*id),
                Caller::Provider(provider) => Fact::ControlsProvider(*provider),
            };
            search.relax(fact, NOTHING, Why::Start, limits);
        }
        while let Some(Reverse((cost, fact))) = search.heap.pop() {
            if search.found.contains_key(&fact) {
                continue;
            }
            search.found.insert(fact, cost);
            if (limits.is_goal)(fact) {
                search.reached = Some(fact);
                break;
            }
            search.follow(engine, fact, cost, limits)?;
        }
        Ok(search)
    }

    fn relax(&mut self, fact: Fact, cost: Cost, why: Why, limits: Limits<'_>) {
        if limits.definite && cost.holds == Holds::Possibly || self.found.contains_key(&fact) {
            return;
        }
        let is_better = self.why.get(&fact).is_none_or(|(known, _)| cost < *known);
        if is_better {
            if (limits.is_goal)(fact) && self.goal.is_none_or(|known| cost < known) {
                self.goal = Some(cost);
            }
            self.why.insert(fact, (cost, why));
            self.heap.push(Reverse((cost, fact)));
        }
    }

    /// What follows from a fact that holds now.
    fn follow(&mut self, engine: &mut Engine, fact: Fact, cost: Cost, limits: Limits<'_>) -> Result<(), CompileError> {
        match fact {
            Fact::Controls(id) => self.forms_of(engine, id, limits)?,
            Fact::ControlsProvider(provider) => {
                for step in engine.steps(Caller::Provider(provider), Form::default())?.iter() {
                    self.take(step, cost, &[fact], limits);
                }
                for (condition, _) in self.conditions.clone() {
                    self.federate(engine, provider, condition, limits)?;
                }
            }
            Fact::Opened(Thing::Identity(id)) | Fact::Unbounded(id) => self.forms_of(engine, id, limits)?,
            Fact::Joined(user, group) => {
                self.joined.entry(user).or_default().insert(group);
                let opened = Fact::Opened(Thing::Group(group));
                if let Some(other) = self.found.get(&opened).copied() {
                    let why = Why::Follows(vec![fact, opened]);
                    self.relax(Fact::Opened(Thing::Identity(user)), cost.max(other), why, limits);
                }
                self.forms_of(engine, user, limits)?;
            }
            Fact::Opened(Thing::Group(group)) => {
                for user in engine.base.members[group as usize].clone() {
                    self.relax(Fact::Opened(Thing::Identity(user)), cost, Why::Follows(vec![fact]), limits);
                }
                let joined: Vec<Identity> =
                    self.joined.iter().filter(|(_, groups)| groups.contains(&group)).map(|(user, _)| *user).collect();
                for user in joined {
                    let joined = Fact::Joined(user, group);
                    let other = self.found.get(&joined).copied().unwrap_or(cost);
                    let why = Why::Follows(vec![fact, joined]);
                    self.relax(Fact::Opened(Thing::Identity(user)), cost.max(other), why, limits);
                }
            }
            Fact::Opened(Thing::Policy(policy)) => {
                for holder in engine.base.attached_to[policy as usize].clone() {
                    let thing = match holder {
                        Holder::Identity(id) => Thing::Identity(id),
                        Holder::Group(group) => Thing::Group(group),
                    };
                    self.relax(Fact::Opened(thing), cost, Why::Follows(vec![fact]), limits);
                }
                for id in engine.base.bounded_by[policy as usize].clone() {
                    self.relax(Fact::Unbounded(id), cost, Why::Follows(vec![fact]), limits);
                }
            }
            Fact::TrustOpened(_) | Fact::Created(_) | Fact::Rewritten => {
                // Of ways that cost the same, the one that controls least stays: whoever brought it about, then who comes cheap.
                if let Some((_, Why::Step(step, _))) = self.why.get(&fact)
                    && let (Caller::Identity(id), form) = (step.caller, step.form)
                {
                    self.conditional(engine, id, form, fact, cost, limits)?;
                }
                let mut use_of = engine.use_of(fact);
                use_of.retain(|fact| self.is_worth(*fact, cost));
                if !use_of.is_empty() {
                    let mut keys: Vec<(Cost, (Identity, Form))> =
                        self.forms.iter().map(|(key, (premise, _))| (*premise, *key)).collect();
                    keys.sort_unstable();
                    for (_, (id, form)) in keys {
                        // One of them may settle it.
                        if use_of.iter().any(|fact| self.is_worth(*fact, cost)) {
                            self.conditional(engine, id, form, fact, cost, limits)?;
                        }
                    }
                    self.conditions.push((fact, use_of));
                }
                let providers = self.found.range(Fact::ControlsProvider(0)..=Fact::ControlsProvider(u32::MAX));
                for held in providers.map(|(held, _)| *held).collect::<Vec<_>>() {
                    if let Fact::ControlsProvider(provider) = held {
                        self.federate(engine, provider, fact, limits)?;
                    }
                }
            }
            Fact::Administers(_) | Fact::Uses => {}
        }
        Ok(())
    }

    /// The forms that an identity has by now, each expanded once.
    fn forms_of(&mut self, engine: &mut Engine, id: Identity, limits: Limits<'_>) -> Result<(), CompileError> {
        let controls = Fact::Controls(id);
        let Some(controlled) = self.found.get(&controls).copied() else { return Ok(()) };
        let opened = Fact::Opened(Thing::Identity(id));
        let unbounded = Fact::Unbounded(id);
        let mut forms = vec![(Form::default(), vec![controls])];
        if self.found.contains_key(&opened) {
            forms.push((Form { opened: true, ..Form::default() }, vec![controls, opened]));
        }
        let groups = self.joined.get(&id).cloned().unwrap_or_default();
        for group in groups {
            let form = Form { group: engine.base.group_place[group as usize], ..Form::default() };
            forms.push((form, vec![controls, Fact::Joined(id, group)]));
        }
        if self.found.contains_key(&unbounded) {
            for (form, premises) in forms.clone() {
                let premises = premises.into_iter().chain([unbounded]).collect();
                forms.push((Form { unbounded: true, ..form }, premises));
            }
        }
        for (form, premises) in forms {
            if self.expanded.insert((id, form)) {
                let costs = premises.iter().filter_map(|fact| self.found.get(fact));
                let cost = costs.copied().max().unwrap_or(controlled);
                self.forms.insert((id, form), (cost, premises.clone()));
                self.expand(engine, id, form, cost, &premises, limits)?;
            }
        }
        Ok(())
    }

    fn expand(
        &mut self,
        engine: &mut Engine,
        id: Identity,
        form: Form,
        cost: Cost,
        premises: &[Fact],
        limits: Limits<'_>,
    ) -> Result<(), CompileError> {
        let account = engine.base.account_of[id as usize];
        if engine.is_administrator(id, form)? {
            self.relax(Fact::Administers(account), cost, Why::Follows(premises.to_vec()), limits);
        }
        if let Some(step) = engine.use_step(id, form)? {
            self.take(&step, cost, premises, limits);
        }
        if self.is_beyond(cost) {
            return Ok(());
        }
        if let Some(step) = engine.rewriting_step(id, form)? {
            self.take(&step, cost, premises, limits);
        }
        if limits.keeps {
            for step in engine.steps(Caller::Identity(id), form)?.iter() {
                self.take(step, cost, premises, limits);
            }
        } else {
            let mut open = self.open.remove(&account).unwrap_or_else(|| engine.candidates(account));
            let steps = engine.steps_worth(id, form, &mut open, &|fact| self.is_worth(fact, cost))?;
            // Premises never cost less later, so what is not worth it now never is.
            self.open.insert(account, open);
            for step in &steps {
                self.take(step, cost, premises, limits);
            }
        }
        let mut conditions = std::mem::take(&mut self.conditions);
        // Thousands of trusts may be open by then, most of whose roles are known to be controlled as cheaply.
        conditions.retain_mut(|(_, use_of)| {
            use_of.retain(|fact| self.is_worth(*fact, cost));
            !use_of.is_empty()
        });
        for (condition, _) in &conditions {
            self.conditional(engine, id, form, *condition, cost, limits)?;
        }
        self.conditions = conditions;
        Ok(())
    }

    /// What an identity in a form does with a condition; both hold, the later of them at that cost.
    fn conditional(
        &mut self,
        engine: &mut Engine,
        id: Identity,
        form: Form,
        condition: Fact,
        cost: Cost,
        limits: Limits<'_>,
    ) -> Result<(), CompileError> {
        if self.is_beyond(cost) {
            return Ok(());
        }
        let steps = match condition {
            Fact::Rewritten => Vec::from_iter(engine.use_step(id, Form { resource: true, ..form })?),
            _ => engine.steps_on(id, form, condition, &|fact| self.is_worth(fact, cost))?,
        };
        if !steps.is_empty() {
            let premises = self.form_premises(id, form);
            let premises: Vec<Fact> = premises.iter().copied().chain([condition]).collect();
            steps.iter().for_each(|step| self.take(step, cost, &premises, limits));
        }
        Ok(())
    }

    /// What a controlled provider does with a trust that was opened.
    fn federate(
        &mut self,
        engine: &mut Engine,
        provider: u32,
        condition: Fact,
        limits: Limits<'_>,
    ) -> Result<(), CompileError> {
        let Fact::TrustOpened(role) = condition else { return Ok(()) };
        let premises = [Fact::ControlsProvider(provider), condition];
        let costs = premises.map(|fact| self.found.get(&fact).copied());
        let [Some(held), Some(opened)] = costs else { return Ok(()) };
        let cost = held.max(opened);
        if !self.is_beyond(cost)
            && self.is_worth(Fact::Controls(role), cost)
            && let Some(step) = engine.federate_on(provider, role)?
        {
            self.take(&step, cost, &premises, limits);
        }
        Ok(())
    }

    /// Whether a goal is known that costs no more than any step after that premise.
    fn is_beyond(&self, premise: Cost) -> bool {
        self.goal.is_some_and(|goal| goal <= premise.and_a_request())
    }

    /// Whether a step after that premise, which is final, can be the cheapest way to a fact.
    fn is_worth(&self, fact: Fact, premise: Cost) -> bool {
        // What is final costs no more than the premise.
        self.why.get(&fact).is_none_or(|(known, _)| *known > premise.and_a_request())
    }

    fn take(&mut self, step: &Step, premise: Cost, premises: &[Fact], limits: Limits<'_>) {
        let cost = Cost {
            holds: premise.holds.and(step.holds),
            n_requests: premise.n_requests + step.n_requests,
            n_open: premise.n_open + step.n_open,
        };
        if self.found.contains_key(&step.conclusion) {
            return;
        }
        self.relax(step.conclusion, cost, Why::Step(Box::new(step.clone()), premises.to_vec()), limits);
    }

    /// The forms in which controlled identities act, with how sure it is that they do.
    pub(crate) fn forms(&self) -> impl Iterator<Item = (Identity, Form, Holds)> {
        self.forms.iter().map(|((id, form), (cost, _))| (*id, *form, cost.holds))
    }

    /// What it rests on that an identity acts in a form.
    pub(crate) fn form_premises(&self, id: Identity, form: Form) -> &[Fact] {
        self.forms.get(&(id, form)).map_or(&[], |(_, premises)| premises)
    }

    /// What a fact that was found rests on directly.
    pub(crate) fn premises(&self, fact: Fact) -> &[Fact] {
        match self.why.get(&fact) {
            Some((_, Why::Follows(premises) | Why::Step(_, premises))) => premises,
            _ => &[],
        }
    }

    /// P-15.6: the steps that a fact rests on, each before those that need it; facts that follow without a step are
    /// passed through.
    pub(crate) fn path(&self, goal: Fact) -> Vec<(Step, Vec<Fact>)> {
        self.path_to(&[goal])
    }

    /// The same of several facts.
    pub(crate) fn path_to(&self, goals: &[Fact]) -> Vec<(Step, Vec<Fact>)> {
        let mut steps: Vec<(Step, Vec<Fact>)> = Vec::new();
        let mut seen = HashSet::new();
        // Premises are final before what they lead to, so this ends; the stack is explicit, since chains may be long.
        let mut stack: Vec<(Fact, bool)> = goals.iter().rev().map(|goal| (*goal, false)).collect();
        while let Some((fact, is_ready)) = stack.pop() {
            let Some((_, why)) = self.why.get(&fact) else { continue };
            let premises: &[Fact] = match why {
                Why::Start => &[],
                Why::Follows(premises) | Why::Step(_, premises) => premises,
            };
            if is_ready {
                if let Why::Step(step, premises) = why
                    && !steps.iter().any(|(known, _)| same(known, step))
                {
                    steps.push(((**step).clone(), premises.clone()));
                }
                continue;
            }
            if !seen.insert(fact) {
                continue;
            }
            stack.push((fact, true));
            stack.extend(premises.iter().rev().map(|fact| (*fact, false)));
        }
        steps
    }
}

/// Joins of several users by one request are several conclusions of one step; a path shows each join that it needs.
fn same(a: &Step, b: &Step) -> bool {
    a == b
}
