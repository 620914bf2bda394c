//! Who reaches a goal at all, for all starts at once.
//!
//! The cheapest way ([`super::search`]) is only worth its price for starts that have one. Here a step is possible or it is
//! not, so one graph serves every start: from identities to those that they come to control as the world is. Whoever
//! reaches somebody that reaches the goal does, too. What else a step changes counts only together with what else is
//! controlled; so where such steps can be taken, and nowhere else, a start is followed by itself.

use super::fact::{Fact, Form, Identity, Thing};
use super::steps::{Caller, Candidates, Engine};
use super::sweep::Bundle;
use super::world::{Base, Holder};
use iamc_compiler::CompileError;
use rustc_hash::FxHashMap;
use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;

/// What each identity, then each provider, makes true by one step in the world as it is.
///
/// A bundle holds callers who make the same true, so what follows from one of them follows from all, and a walk passes it
/// once: bundles are far fewer than the pairs that they stand for.
#[derive(Debug, Default)]
pub(crate) struct Graph {
    n_identities: u32,
    n_nodes: u32,
    bundles: Vec<Bundle>,
    /// By node: bundles of which it is a caller.
    by_caller: Lists,
    /// By node: bundles that control it.
    by_target: Lists,
}

/// Numbers by node. Most nodes have the list of others.
#[derive(Debug, Default)]
struct Lists {
    /// By node: which of the lists.
    list_of: Vec<u32>,
    /// One more than lists.
    first: Vec<u32>,
    numbers: Vec<u32>,
}

impl Lists {
    /// From pairs of a node and a number, in any order.
    fn new(n_nodes: u32, pairs: impl Iterator<Item = (u32, u32)> + Clone) -> Lists {
        let mut first = vec![0u32; n_nodes as usize + 1];
        for (node, _) in pairs.clone() {
            first[node as usize + 1] += 1;
        }
        for at in 1..first.len() {
            first[at] += first[at - 1];
        }
        let mut next = first.clone();
        let mut numbers = vec![0; first[n_nodes as usize] as usize];
        for (node, number) in pairs {
            let place = &mut next[node as usize];
            numbers[*place as usize] = number;
            *place += 1;
        }
        let mut known: FxHashMap<&[u32], u32> = FxHashMap::default();
        let mut lists = Lists { first: vec![0], ..Lists::default() };
        for ends in first.windows(2) {
            let own = &numbers[ends[0] as usize..ends[1] as usize];
            let list = *known.entry(own).or_insert_with(|| {
                lists.numbers.extend_from_slice(own);
                lists.first.push(lists.numbers.len() as u32);
                lists.first.len() as u32 - 2
            });
            lists.list_of.push(list);
        }
        lists.numbers.shrink_to_fit();
        lists
    }

    fn of(&self, node: u32) -> &[u32] {
        let list = self.list_of[node as usize] as usize;
        &self.numbers[self.first[list] as usize..self.first[list + 1] as usize]
    }
}

/// Nodes and bundles that a walk has passed.
struct Passed {
    nodes: Vec<bool>,
    bundles: Vec<bool>,
}

impl Graph {
    /// Asks what everybody may do by steps that are at least possible.
    ///
    /// Cost: that of the sweeps of all accounts.
    pub(crate) fn new(engine: &mut Engine) -> Result<Graph, CompileError> {
        let n_identities = engine.base.n_identities;
        let n_providers = engine.base.providers.len() as u32;
        let mut bundles = Vec::new();
        for account in 0..engine.base.accounts.len() as u32 {
            match engine.swept.remove(&(account, Form::default(), None)) {
                Some(known) => bundles.extend(known.iter().cloned()),
                None => bundles.extend(engine.sweep(account, Form::default())?),
            }
            engine.forget_policies();
        }
        match engine.everybody.take() {
            Some(known) => bundles.extend(known.iter().cloned()),
            None => bundles.extend(engine.sweep_everybody(Form::default())?),
        }
        for provider in 0..n_providers {
            let steps = engine.steps(Caller::Provider(provider), Form::default())?;
            bundles.extend(Bundle::of_steps(n_identities + provider, &steps));
        }
        // What it knows of everybody is as large as the graph, and hardly asked again.
        engine.crowd = None;
        Ok(Graph::of(&engine.base, bundles))
    }

    /// Of bundles that are known.
    pub(crate) fn of(base: &Base, bundles: Vec<Bundle>) -> Graph {
        let (n_identities, n_providers) = (base.n_identities, base.providers.len() as u32);
        let mut graph = Graph { n_identities, n_nodes: n_identities + n_providers, bundles, ..Graph::default() };
        let numbered = || (0u32..).zip(&graph.bundles);
        let callers = numbered().flat_map(|(at, bundle)| bundle.callers.iter().map(move |caller| (*caller, at)));
        let targets = numbered().flat_map(|(at, bundle)| {
            bundle.facts.iter().filter_map(|fact| graph.node(*fact)).map(move |node| (node, at))
        });
        let (by_caller, by_target) = (Lists::new(graph.n_nodes, callers), Lists::new(graph.n_nodes, targets));
        (graph.by_caller, graph.by_target) = (by_caller, by_target);
        graph
    }

    pub(crate) fn bundles(&self) -> &[Bundle] {
        &self.bundles
    }

    /// Each node with the bundles of which it is a caller.
    pub(crate) fn callers(&self) -> impl Iterator<Item = (Caller, impl Iterator<Item = &Bundle>)> {
        let bundles = |node| self.by_caller.of(node).iter().map(|at| &self.bundles[*at as usize]);
        (0..self.n_nodes).map(move |node| (self.caller(node), bundles(node)))
    }

    /// Whether a node makes something true beside that others are controlled.
    fn is_changer(&self, node: u32) -> bool {
        let facts = |bundle: &u32| self.bundles[*bundle as usize].facts.iter();
        self.by_caller.of(node).iter().flat_map(facts).any(|fact| self.node(*fact).is_none())
    }

    fn nothing_passed(&self) -> Passed {
        Passed { nodes: vec![false; self.n_nodes as usize], bundles: vec![false; self.bundles.len()] }
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
    fn mark_backwards(&self, nodes: impl IntoIterator<Item = u32>, passed: &mut Passed) {
        let mut stack: Vec<u32> = nodes.into_iter().collect();
        while let Some(node) = stack.pop() {
            if std::mem::replace(&mut passed.nodes[node as usize], true) {
                continue;
            }
            for bundle in self.by_target.of(node) {
                if !std::mem::replace(&mut passed.bundles[*bundle as usize], true) {
                    let callers = self.bundles[*bundle as usize].callers.iter();
                    stack.extend(callers.filter(|caller| !passed.nodes[**caller as usize]));
                }
            }
        }
    }
}

/// Roles of other accounts that identities in a form may assume.
#[derive(Debug, Default)]
pub(crate) struct Abroad {
    bundles: Vec<Bundle>,
    /// By identity: bundles of which it is a caller.
    by_caller: Lists,
}

impl Abroad {
    pub(super) fn of(base: &Base, bundles: Vec<Bundle>) -> Abroad {
        let numbered = || (0u32..).zip(&bundles);
        let callers = numbered().flat_map(|(at, bundle)| bundle.callers.iter().map(move |caller| (*caller, at)));
        let by_caller = Lists::new(base.n_identities, callers);
        Abroad { bundles, by_caller }
    }

    pub(super) fn bundles(&self) -> &[Bundle] {
        &self.bundles
    }

    fn of_caller(&self, id: Identity) -> impl Iterator<Item = &Bundle> {
        self.by_caller.of(id).iter().map(|at| &self.bundles[*at as usize])
    }
}

/// What is known of what a caller may make true: no step makes anything else true.
pub(super) enum Possible {
    Unknown,
    /// Of what is worth it, ascending.
    Facts(Vec<Fact>),
    /// Of roles elsewhere, those alone.
    Abroad {
        /// Identities of the caller's account, ascending.
        own: Vec<Identity>,
        /// Ascending.
        roles: Vec<Fact>,
    },
}

impl Possible {
    /// Whether nothing is.
    pub(super) fn is_nothing(&self) -> bool {
        matches!(self, Possible::Facts(facts) if facts.is_empty())
    }

    pub(super) fn has(&self, fact: Fact) -> bool {
        match (self, fact) {
            (Possible::Facts(facts), fact) => facts.binary_search(&fact).is_ok(),
            (Possible::Abroad { own, roles }, Fact::Controls(other)) => {
                own.binary_search(&other).is_ok() || roles.binary_search(&fact).is_ok()
            }
            _ => true,
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
    /// Asks what everybody may do, unless that is known.
    pub(crate) fn make_graph(&mut self) -> Result<(), CompileError> {
        if self.graph.is_none() {
            self.graph = Some(Graph::new(self)?);
        }
        Ok(())
    }

    /// Who comes to a goal by steps that are at least possible.
    ///
    /// Cost: O(edges), and of starts that can change something and do not lead to somebody who is known to reach the goal,
    /// what they lead to.
    pub(crate) fn reachers(&mut self, is_goal: &dyn Fn(Fact) -> bool) -> Result<Reachers, CompileError> {
        self.make_graph()?;
        let graph = self.graph.take().unwrap_or_default();
        let found = self.reachers_in(&graph, is_goal);
        self.graph = Some(graph);
        found
    }

    fn reachers_in(&mut self, graph: &Graph, is_goal: &dyn Fn(Fact) -> bool) -> Result<Reachers, CompileError> {
        let n = graph.n_nodes;
        let mut at_start: Vec<bool> = (0..n).map(|node| is_goal(graph.fact(node))).collect();
        let mut holding: Vec<u32> = (0..n).filter(|node| at_start[*node as usize]).collect();
        for account in 0..self.base.accounts.len() as u32 {
            if is_goal(Fact::Administers(account)) {
                for id in self.administrators_of(account, Form::default())?.iter() {
                    at_start[*id as usize] = true;
                    holding.push(*id);
                }
            }
        }
        if is_goal(Fact::Uses) {
            // Who may do it at once is shown, too.
            holding.extend(self.everybody_who_uses()?);
        }
        let mut rewriting = Vec::new();
        if is_goal(Fact::Uses) {
            for (account, rewriters) in self.rewriters()? {
                // Most of them may do it at once where the policy says what they like.
                let users = self.users_of(account, Form { resource: true, ..Form::default() })?;
                let (done, others): (Vec<Identity>, Vec<Identity>) =
                    rewriters.iter().partition(|id| users.binary_search(id).is_ok());
                holding.extend(done);
                rewriting.extend(others);
            }
        }
        let mut passed = graph.nothing_passed();
        graph.mark_backwards(holding, &mut passed);
        let changers = (0..n).filter(|node| graph.is_changer(*node));
        let changers: Vec<u32> = changers.chain(rewriting).collect();
        let mut may_change = graph.nothing_passed();
        graph.mark_backwards(changers.iter().copied(), &mut may_change);
        let mut may_change = may_change.nodes;
        // Those that change something first: whoever leads to one of them that reaches the goal need not be followed.
        let mut closure =
            Closure { seen: vec![0; n as usize], seen_bundles: vec![0; graph.bundles.len()], ..Closure::default() };
        for start in changers.into_iter().chain(0..n) {
            if passed.nodes[start as usize] || !may_change[start as usize] {
                continue;
            }
            if closure.meets(self, Ends { graph, is_goal, reaches: &passed.nodes }, start)? {
                graph.mark_backwards([start], &mut passed);
            } else {
                // Whoever it comes to control leads to nothing that it does not lead to.
                closure.nodes.iter().for_each(|node| may_change[*node as usize] = false);
            }
        }
        Ok(Reachers { n_identities: graph.n_identities, at_start, reaches: passed.nodes })
    }

    /// What an identity in a form may make true, as far as accounts have been asked. `candidates`: of its account.
    pub(super) fn possible(
        &mut self,
        id: Identity,
        form: Form,
        candidates: &mut Candidates,
        is_worth: &dyn Fn(Fact) -> bool,
    ) -> Result<Possible, CompileError> {
        // Root users are nobody's target, and in no sweep.
        if id >= self.base.n_identities {
            return Ok(Possible::Unknown);
        }
        let account = self.base.account_of[id as usize];
        let mut found = Vec::new();
        let mut add = |bundle: &Bundle| found.extend(bundle.facts.iter().copied().filter(|fact| is_worth(*fact)));
        if form != Form::default() {
            match self.swept.get(&(account, form, None)) {
                Some(own) => {
                    own.iter().filter(|bundle| bundle.is_by(id)).for_each(&mut add);
                    self.abroad(form)?.of_caller(id).for_each(add);
                }
                // Few of an account act in such a form, and most of what they may do there is known to be true by then. Who
                // trusts the account from elsewhere is asked once for all of them.
                None => {
                    candidates.retain(is_worth);
                    if !candidates.lead_abroad(&self.base, account) {
                        return Ok(Possible::Unknown);
                    }
                    self.abroad(form)?.of_caller(id).for_each(add);
                    found.sort_unstable();
                    return Ok(Possible::Abroad {
                        own: self.base.identities_in[account as usize].clone(),
                        roles: found,
                    });
                }
            }
        } else if let Some(graph) = &self.graph {
            graph.by_caller.of(id).iter().for_each(|at| add(&graph.bundles[*at as usize]));
        } else {
            let everybody = match &self.everybody {
                Some(known) => Arc::clone(known),
                None => {
                    let bundles: Arc<[Bundle]> = self.sweep_everybody(Form::default())?.into();
                    Arc::clone(self.everybody.insert(bundles))
                }
            };
            let own = self.swept(account, form, None)?;
            own.iter().chain(everybody.iter()).filter(|bundle| bundle.is_by(id)).for_each(add);
        }
        found.sort_unstable();
        Ok(Possible::Facts(found))
    }

    /// Roles of other accounts that identities in a form may assume, asked of everybody at once; kept.
    fn abroad(&mut self, form: Form) -> Result<Arc<Abroad>, CompileError> {
        if let Some(known) = self.abroad.get(&form) {
            return Ok(Arc::clone(known));
        }
        let bundles = self.sweep_abroad(form)?;
        let abroad = Arc::new(Abroad::of(&self.base, bundles));
        self.abroad.insert(form, Arc::clone(&abroad));
        Ok(abroad)
    }

    /// What identities of an account in a form may do; with a fact, what that makes possible. Kept.
    fn swept(&mut self, account: u32, form: Form, fact: Option<Fact>) -> Result<Arc<[Bundle]>, CompileError> {
        let key = (account, form, fact);
        if let Some(known) = self.swept.get(&key) {
            return Ok(Arc::clone(known));
        }
        let bundles: Arc<[Bundle]> = match fact {
            Some(fact) => self.sweep_on(account, form, fact)?,
            None => self.sweep(account, form)?,
        }
        .into();
        self.swept.insert(key, Arc::clone(&bundles));
        Ok(bundles)
    }

    /// Administrators of an account among its identities in a form, ascending; kept.
    fn administrators_of(&mut self, account: u32, form: Form) -> Result<Arc<[Identity]>, CompileError> {
        if let Some(known) = self.administrators.get(&(account, form)) {
            return Ok(Arc::clone(known));
        }
        let found: Arc<[Identity]> = self.sweep_administrators(account, form)?.into();
        self.administrators.insert((account, form), Arc::clone(&found));
        Ok(found)
    }
}

/// Everything that one start leads to.
#[derive(Debug, Default)]
struct Closure {
    /// By node: the turn in which it was controlled last.
    seen: Vec<u32>,
    /// By bundle: the turn in which one of its callers acted last.
    seen_bundles: Vec<u32>,
    turn: u32,
    /// Those that are controlled in this turn.
    nodes: Vec<u32>,
    /// What holds beside that nodes are controlled.
    changed: HashSet<Fact>,
    joined: HashMap<Identity, BTreeSet<u32>>,
    /// Who acts, in which form, by account.
    acting: HashMap<u32, Vec<(Identity, Form)>>,
    in_forms: HashSet<(Identity, Form)>,
    /// Trusts opened, identities made, the policy of the resource written anew.
    conditions: Vec<Fact>,
    /// Whose tokens are controlled.
    providers: Vec<u32>,
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
        self.nodes.clear();
        self.changed.clear();
        self.joined.clear();
        self.acting.clear();
        self.in_forms.clear();
        self.conditions.clear();
        self.providers.clear();
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
            self.nodes.extend(node);
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
                self.push_bundles(ends, ends.graph.n_identities + provider);
                self.providers.push(provider);
                for at in 0..self.conditions.len() {
                    self.federate(engine, ends, provider, self.conditions[at])?;
                }
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
            Fact::TrustOpened(_) | Fact::Created(_) | Fact::Rewritten => {
                self.conditions.push(fact);
                for at in 0..self.providers.len() {
                    self.federate(engine, ends, self.providers[at], fact)?;
                }
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
            // Asked for no goal, it leads nowhere.
            if (ends.is_goal)(Fact::Administers(account))
                && engine.administrators_of(account, form)?.binary_search(&id).is_ok()
            {
                self.push(ends, Fact::Administers(account));
            }
            if (ends.is_goal)(Fact::Uses) && engine.users_of(account, form)?.binary_search(&id).is_ok() {
                self.push(ends, Fact::Uses);
            }
            if (ends.is_goal)(Fact::Uses) && engine.rewriters_of(account, form)?.binary_search(&id).is_ok() {
                self.push(ends, Fact::Rewritten);
            }
            if self.is_met {
                return Ok(());
            }
            if form == Form::default() {
                self.push_bundles(ends, id);
            } else {
                let bundles = engine.swept(account, form, None)?;
                self.push_own(ends, &bundles, id);
                for bundle in engine.abroad(form)?.of_caller(id) {
                    self.push_all(ends, bundle.facts.iter().copied());
                }
            }
            self.acting.entry(account).or_default().push((id, form));
            for at in 0..self.conditions.len() {
                self.make_use(engine, ends, (id, form), self.conditions[at])?;
            }
        }
        Ok(())
    }

    /// What an identity does with a trust that was opened, an identity that was made, or a resource whose policy was written.
    fn make_use(
        &mut self,
        engine: &mut Engine,
        ends: Ends<'_>,
        (id, form): (Identity, Form),
        fact: Fact,
    ) -> Result<bool, CompileError> {
        let account = engine.base.account_of[id as usize];
        if let Fact::TrustOpened(role) | Fact::Created(role) = fact {
            // From elsewhere, nothing but a session of the role is to be had.
            let is_own = engine.base.account_of[role as usize] == account;
            let is_trust = matches!(fact, Fact::TrustOpened(_));
            if self.is_controlled(role) && (is_trust || !is_own) {
                return Ok(true);
            }
            // across accounts a trust is not enough.
            if !is_own && !engine.may(id, form, &engine.assume_action) {
                return Ok(false);
            }
        }
        if fact == Fact::Rewritten {
            let users = engine.users_of(account, Form { resource: true, ..form })?;
            let is_one = users.binary_search(&id).is_ok();
            if is_one {
                self.push(ends, Fact::Uses);
            }
            return Ok(is_one);
        }
        let bundles = engine.swept(account, form, Some(fact))?;
        Ok(self.push_own(ends, &bundles, id))
    }

    /// What a provider does with a trust that was opened.
    fn federate(&mut self, engine: &mut Engine, ends: Ends<'_>, provider: u32, fact: Fact) -> Result<(), CompileError> {
        if let Fact::TrustOpened(role) = fact
            && !self.is_controlled(role)
            && engine.federate_on(provider, role)?.is_some()
        {
            self.push(ends, Fact::Controls(role));
        }
        Ok(())
    }

    /// What a node makes true in the world as it is.
    fn push_bundles(&mut self, ends: Ends<'_>, node: u32) {
        for bundle in ends.graph.by_caller.of(node) {
            if std::mem::replace(&mut self.seen_bundles[*bundle as usize], self.turn) != self.turn {
                self.push_all(ends, ends.graph.bundles[*bundle as usize].facts.iter().copied());
            }
        }
    }

    /// What an identity makes true by bundles of its account; false: nothing.
    fn push_own(&mut self, ends: Ends<'_>, bundles: &[Bundle], id: Identity) -> bool {
        let mut is_any = false;
        for bundle in bundles.iter().filter(|bundle| bundle.is_by(id)) {
            is_any = true;
            self.push_all(ends, bundle.facts.iter().copied());
        }
        is_any
    }
}
