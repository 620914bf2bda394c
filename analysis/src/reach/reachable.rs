//! Who reaches a goal at all, for all starts at once.
//!
//! The cheapest way ([`super::search`]) is only worth its price for starts that have one. Here a step is possible or it is
//! not, so one graph serves every start: from identities to those that they come to control as the world is. Whoever
//! reaches somebody that reaches the goal does, too. What else a step changes counts only together with what else is
//! controlled; so where such steps can be taken, and nowhere else, a start is followed by itself.

use super::fact::{Fact, Form, Identity, Thing};
use super::steps::{Caller, Engine};
use super::world::{Holder, Origin};
use iamc_compiler::CompileError;
use std::collections::{BTreeSet, HashMap, HashSet};

/// Whom each identity, then each provider, comes to control by one step in the world as it is, and what else such steps
/// change.
#[derive(Debug, Default)]
pub(crate) struct Graph {
    n_identities: u32,
    controls: Vec<Box<[u32]>>,
    changes: Vec<Box<[Fact]>>,
    /// Who controls a node: positions in `callers`, one more than nodes.
    first_caller: Vec<u32>,
    callers: Vec<u32>,
}

impl Graph {
    /// Decides the steps of everybody as far as to tell whether they are possible.
    ///
    /// Cost: a few questions for each role, and the decisions of the callers that may take other steps.
    pub(crate) fn new(engine: &mut Engine) -> Result<Graph, CompileError> {
        let n_identities = engine.base.n_identities;
        let n_providers = engine.base.providers.len() as u32;
        let n = (n_identities + n_providers) as usize;
        let (controls, changes) = (vec![Box::default(); n], vec![Box::default(); n]);
        let mut graph = Graph { n_identities, controls, changes, ..Graph::default() };
        // What is asked of a whole account is asked once.
        let mut order: Vec<u32> = (0..n as u32).collect();
        order.sort_by_key(|node| engine.base.account_of.get(*node as usize).copied());
        for node in order {
            let caller = graph.caller(node);
            let is_probe = matches!(caller, Caller::Identity(id) if engine.base.origin(id) == Origin::Probe);
            let steps = if is_probe { Vec::new() } else { engine.possible_steps(caller, Form::default())? };
            let (mut controls, mut changes) = (Vec::new(), Vec::new());
            for fact in steps {
                match graph.node(fact) {
                    Some(node) => controls.push(node),
                    None => changes.push(fact),
                }
            }
            graph.controls[node as usize] = controls.into();
            graph.changes[node as usize] = changes.into();
        }
        graph.turn_round();
        Ok(graph)
    }

    fn turn_round(&mut self) {
        let n = self.controls.len();
        let mut first = vec![0u32; n + 1];
        for target in self.controls.iter().flatten() {
            first[*target as usize + 1] += 1;
        }
        for at in 0..n {
            first[at + 1] += first[at];
        }
        let mut next = first.clone();
        let mut callers = vec![0; first[n] as usize];
        for (caller, targets) in (0u32..).zip(&self.controls) {
            for target in targets {
                let place = &mut next[*target as usize];
                callers[*place as usize] = caller;
                *place += 1;
            }
        }
        self.first_caller = first;
        self.callers = callers;
    }

    fn node(&self, fact: Fact) -> Option<u32> {
        match fact {
            Fact::Controls(id) => Some(id),
            Fact::ControlsProvider(provider) => Some(self.n_identities + provider),
            _ => None,
        }
    }

    /// The fact that a node is controlled.
    fn fact(&self, node: u32) -> Fact {
        match self.caller(node) {
            Caller::Identity(id) => Fact::Controls(id),
            Caller::Provider(provider) => Fact::ControlsProvider(provider),
        }
    }

    fn caller(&self, node: u32) -> Caller {
        match node.checked_sub(self.n_identities) {
            None => Caller::Identity(node),
            Some(provider) => Caller::Provider(provider),
        }
    }

    /// Marks the nodes and all that lead to them.
    fn mark_backwards(&self, nodes: impl IntoIterator<Item = u32>, marks: &mut [bool]) {
        let mut stack: Vec<u32> = nodes.into_iter().collect();
        while let Some(node) = stack.pop() {
            if std::mem::replace(&mut marks[node as usize], true) {
                continue;
            }
            let range = self.first_caller[node as usize] as usize..self.first_caller[node as usize + 1] as usize;
            stack.extend(self.callers[range].iter().filter(|caller| !marks[**caller as usize]));
        }
    }
}

/// Starts that come to a goal.
pub(crate) struct Reachers {
    n_identities: u32,
    /// By node: the goal holds without a step.
    at_start: Vec<bool>,
    /// By node: steps lead to the goal, or it holds.
    reaches: Vec<bool>,
}

impl Reachers {
    /// Whether a start comes to the goal by steps, not being there already.
    pub(crate) fn has(&self, start: Caller) -> bool {
        let node = match start {
            Caller::Identity(id) => id,
            Caller::Provider(provider) => self.n_identities + provider,
        } as usize;
        self.reaches[node] && !self.at_start[node]
    }
}

impl Engine {
    /// Who comes to a goal by steps that are at least possible.
    ///
    /// Cost: O(edges), and of starts that can change something and do not lead to somebody who is known to reach the goal,
    /// what they lead to.
    pub(crate) fn reachers(&mut self, is_goal: &dyn Fn(Fact) -> bool) -> Result<Reachers, CompileError> {
        if self.graph.is_none() {
            self.graph = Some(Graph::new(self)?);
        }
        let graph = self.graph.take().unwrap_or_default();
        let found = self.reachers_in(&graph, is_goal);
        self.graph = Some(graph);
        found
    }

    fn reachers_in(&mut self, graph: &Graph, is_goal: &dyn Fn(Fact) -> bool) -> Result<Reachers, CompileError> {
        let n = graph.controls.len();
        let mut at_start = vec![false; n];
        for node in 0..n as u32 {
            at_start[node as usize] = is_goal(graph.fact(node));
            if let Caller::Identity(id) = graph.caller(node)
                && is_goal(Fact::Administers(self.base.account_of[id as usize]))
                && self.base.origin(id) != Origin::Probe
            {
                at_start[node as usize] |= self.is_administrator(id, Form::default())?;
            }
        }
        let mut holding: Vec<u32> = (0..n as u32).filter(|node| at_start[*node as usize]).collect();
        if is_goal(Fact::Uses) {
            // Who may do it at once is shown, too.
            for id in 0..graph.n_identities {
                if self.base.origin(id) != Origin::Probe && self.possible_use(id, Form::default())? {
                    holding.push(id);
                }
            }
        }
        let mut reaches = vec![false; n];
        graph.mark_backwards(holding, &mut reaches);
        let changers: Vec<u32> = (0..n as u32).filter(|node| !graph.changes[*node as usize].is_empty()).collect();
        let mut may_change = vec![false; n];
        graph.mark_backwards(changers.iter().copied(), &mut may_change);
        // Those that change something first: whoever leads to one of them that reaches the goal need not be followed.
        let mut closure = Closure { seen: vec![0; n], ..Closure::default() };
        for start in changers.into_iter().chain(0..n as u32) {
            // Once it was followed to the end, nothing is left to be found.
            let is_open = !reaches[start as usize] && std::mem::take(&mut may_change[start as usize]);
            if is_open && closure.meets(self, Ends { graph, is_goal, reaches: &reaches }, start)? {
                graph.mark_backwards([start], &mut reaches);
            }
        }
        Ok(Reachers { n_identities: graph.n_identities, at_start, reaches })
    }
}

/// Everything that one start leads to.
#[derive(Debug, Default)]
struct Closure {
    /// By node: the turn in which it was controlled last.
    seen: Vec<u32>,
    turn: u32,
    /// What holds beside that nodes are controlled.
    changed: HashSet<Fact>,
    joined: HashMap<Identity, BTreeSet<u32>>,
    /// Who acts, in which form, by account.
    acting: HashMap<u32, Vec<(Identity, Form)>>,
    in_forms: HashSet<(Identity, Form)>,
    /// Trusts opened and identities made.
    conditions: Vec<Fact>,
    stack: Vec<Fact>,
    is_met: bool,
}

/// Where a closure ends.
#[derive(Clone, Copy)]
struct Ends<'e> {
    graph: &'e Graph,
    is_goal: &'e dyn Fn(Fact) -> bool,
    /// By node: it is known to lead to the goal.
    reaches: &'e [bool],
}

impl Closure {
    /// Follows a start until the goal or somebody who leads to it is met, or until nothing is left.
    fn meets(&mut self, engine: &mut Engine, ends: Ends<'_>, start: u32) -> Result<bool, CompileError> {
        self.turn += 1;
        self.changed.clear();
        self.joined.clear();
        self.acting.clear();
        self.in_forms.clear();
        self.conditions.clear();
        self.stack.clear();
        self.is_met = false;
        self.push(ends, ends.graph.fact(start));
        while !self.is_met
            && let Some(fact) = self.stack.pop()
        {
            self.follow(engine, ends, fact)?;
        }
        Ok(self.is_met)
    }

    /// A fact that holds, to be followed if it is new.
    fn push(&mut self, ends: Ends<'_>, fact: Fact) {
        let node = ends.graph.node(fact);
        let is_new = match node {
            Some(node) => std::mem::replace(&mut self.seen[node as usize], self.turn) != self.turn,
            None => self.changed.insert(fact),
        };
        if is_new {
            self.is_met |= (ends.is_goal)(fact) || node.is_some_and(|node| ends.reaches[node as usize]);
            self.stack.push(fact);
        }
    }

    fn push_all(&mut self, ends: Ends<'_>, facts: impl IntoIterator<Item = Fact>) {
        facts.into_iter().for_each(|fact| self.push(ends, fact));
    }

    fn is_controlled(&self, id: Identity) -> bool {
        self.seen[id as usize] == self.turn
    }

    fn follow(&mut self, engine: &mut Engine, ends: Ends<'_>, fact: Fact) -> Result<(), CompileError> {
        let opened = |thing| Fact::Opened(thing);
        match fact {
            Fact::Controls(id) => self.act(engine, ends, id)?,
            Fact::ControlsProvider(provider) => {
                let targets = &ends.graph.controls[(ends.graph.n_identities + provider) as usize];
                self.push_all(ends, targets.iter().map(|node| ends.graph.fact(*node)));
            }
            Fact::Opened(Thing::Identity(id)) | Fact::Unbounded(id) => self.act(engine, ends, id)?,
            Fact::Opened(Thing::Group(group)) => {
                let members = engine.base.members[group as usize].iter().copied();
                let joined = self.joined.iter().filter(|(_, groups)| groups.contains(&group)).map(|(user, _)| *user);
                let mut users: Vec<Identity> = members.chain(joined).collect();
                users.sort_unstable();
                self.push_all(ends, users.into_iter().map(|user| opened(Thing::Identity(user))));
            }
            Fact::Opened(Thing::Policy(policy)) => {
                let holders = engine.base.attached_to[policy as usize].iter().map(|holder| match holder {
                    Holder::Identity(id) => Thing::Identity(*id),
                    Holder::Group(group) => Thing::Group(*group),
                });
                self.push_all(ends, holders.map(opened));
                self.push_all(ends, engine.base.bounded_by[policy as usize].iter().map(|id| Fact::Unbounded(*id)));
            }
            Fact::Joined(user, group) => {
                self.joined.entry(user).or_default().insert(group);
                if self.changed.contains(&opened(Thing::Group(group))) {
                    self.push(ends, opened(Thing::Identity(user)));
                }
                self.act(engine, ends, user)?;
            }
            Fact::TrustOpened(_) | Fact::Created(_) => {
                self.conditions.push(fact);
                // Most often somebody of the same account makes use of it.
                let own = match fact {
                    Fact::TrustOpened(id) | Fact::Created(id) => engine.base.account_of[id as usize],
                    _ => 0,
                };
                let mut accounts: Vec<u32> = self.acting.keys().copied().collect();
                accounts.sort_by_key(|account| (*account != own, *account));
                let acting: Vec<(Identity, Form)> =
                    accounts.iter().flat_map(|account| &self.acting[account]).copied().collect();
                for (id, form) in acting {
                    let is_used = self.make_use(engine, ends, (id, form), fact)?;
                    // A session more of the same role is nothing new.
                    if is_used && matches!(fact, Fact::TrustOpened(_)) {
                        break;
                    }
                }
            }
            Fact::Administers(_) | Fact::Uses => {}
        }
        Ok(())
    }

    /// The forms in which an identity acts by now, each once.
    fn act(&mut self, engine: &mut Engine, ends: Ends<'_>, id: Identity) -> Result<(), CompileError> {
        if !self.is_controlled(id) {
            return Ok(());
        }
        let mut forms = vec![Form::default()];
        if self.changed.contains(&Fact::Opened(Thing::Identity(id))) {
            forms.push(Form { opened: true, ..Form::default() });
        }
        let groups = self.joined.get(&id).into_iter().flatten();
        forms.extend(groups.map(|group| Form { group: engine.base.group_place[*group as usize], ..Form::default() }));
        if self.changed.contains(&Fact::Unbounded(id)) {
            for at in 0..forms.len() {
                forms.push(Form { unbounded: true, ..forms[at] });
            }
        }
        let account = engine.base.account_of[id as usize];
        for form in forms {
            if !self.in_forms.insert((id, form)) {
                continue;
            }
            if engine.is_administrator(id, form)? {
                self.push(ends, Fact::Administers(account));
            }
            if engine.possible_use(id, form)? {
                self.push(ends, Fact::Uses);
            }
            if self.is_met {
                return Ok(());
            }
            if form == Form::default() {
                let graph = ends.graph;
                self.push_all(ends, graph.controls[id as usize].iter().map(|node| graph.fact(*node)));
                self.push_all(ends, graph.changes[id as usize].iter().copied());
            } else {
                let steps = engine.possible_steps_kept(id, form)?;
                self.push_all(ends, steps.iter().copied());
            }
            self.acting.entry(account).or_default().push((id, form));
            for at in 0..self.conditions.len() {
                self.make_use(engine, ends, (id, form), self.conditions[at])?;
            }
        }
        Ok(())
    }

    /// What an identity does with a trust that was opened, or with an identity that was made.
    fn make_use(
        &mut self,
        engine: &mut Engine,
        ends: Ends<'_>,
        (id, form): (Identity, Form),
        fact: Fact,
    ) -> Result<bool, CompileError> {
        if let Fact::TrustOpened(role) = fact
            && self.is_controlled(role)
        {
            return Ok(true);
        }
        let steps = engine.possible_steps_on(id, form, fact)?;
        self.push_all(ends, steps.iter().copied());
        Ok(!steps.is_empty())
    }
}
