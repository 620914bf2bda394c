//! What a start comes to hold, by account, and what it can do there (P-16.4).

use super::fact::{Fact, Form, Holds, Identity};
use super::search::{Limits, Search};
use super::starts::Start;
use super::steps::{Caller, Step};
use super::world::Origin;
use super::{Path, Reach, ReachError, names};
use iamc_policy::{AccountId, Action};
use std::collections::{BTreeMap, BTreeSet};

/// How far one start comes.
#[derive(Debug, Clone)]
pub struct Blast {
    /// Where it starts.
    pub start: String,
    /// Accounts that it touches, by number.
    pub accounts: Vec<Touched>,
}

/// What a start comes to hold in one account.
#[derive(Debug, Clone)]
pub struct Touched {
    /// The account.
    pub account: AccountId,
    /// That it becomes administrator, if it does.
    pub administrator: Option<Held>,
    /// Users, roles and providers that it comes to control, itself left out, by ARN.
    pub identities: Vec<Held>,
    /// Actions that were asked about and that some node of it may do on a resource of the account.
    pub uses: Vec<Use>,
}

/// Something that a start comes to hold.
#[derive(Debug, Clone)]
pub struct Held {
    /// The ARN of an identity, or `administrator of ACCOUNT`.
    pub name: String,
    /// True iff it does whatever is not known.
    pub definite: bool,
    /// The cheapest way, as far as proofs are wanted.
    pub path: Option<Path>,
}

/// An action on a resource that a start comes to be allowed.
#[derive(Debug, Clone)]
pub struct Use {
    /// The action, as it was asked.
    pub action: String,
    /// A resource of the inventory, or something in it; `*`: the action knows no resources.
    pub resource: String,
    /// Who may do it: the first that may definitely, else the first that may.
    pub by: String,
    /// True iff that holds whatever is not known.
    pub definite: bool,
    /// A way to it, as far as proofs are wanted.
    pub path: Option<Path>,
}

/// What is wanted of a blast radius.
#[derive(Debug, Clone, Copy, Default)]
pub struct Asked<'a> {
    /// By definite steps alone.
    pub definite: bool,
    /// Actions (as `service:Name`) that are asked about on every resource of their types.
    pub actions: &'a [String],
    /// So many are told with paths, start by start: what is held by kind and in the order of the inventory, then uses.
    pub proofs: usize,
}

/// The best way to a use in an account.
struct Best {
    holds: Holds,
    by: Identity,
    /// Facts that it rests on, and the steps after them.
    premises: Vec<Fact>,
    steps: Vec<Step>,
}

/// One of those that are left, if there is one.
fn take_one(left: &mut usize) -> bool {
    let is_left = *left > 0;
    *left -= usize::from(is_left);
    is_left
}

impl Reach {
    /// The blast radius of each start, with what actions give there.
    ///
    /// # Errors
    /// [`ReachError::Nobody`], [`ReachError::NoAccount`], [`ReachError::NoUse`], [`ReachError::Compile`].
    ///
    /// Cost: a search for each start, and a decision for each action, resource of its types and identity that is reached;
    /// with proofs, each request of each path once more.
    pub fn blast<'s>(&mut self, start: impl Into<Start<'s>>, asked: Asked<'_>) -> Result<Vec<Blast>, ReachError> {
        let callers = self.callers(start.into())?;
        for action in asked.actions {
            if action.parse::<Action>().is_err() {
                return Err(ReachError::NoUse(action.clone(), "*".to_owned()));
            }
        }
        let mut found = Vec::with_capacity(callers.len());
        let mut proofs = asked.proofs;
        for caller in callers {
            self.engine.asked_use = None;
            let limits = Limits { definite: asked.definite, is_goal: &|_| false, keeps: false };
            let search = Search::run(&mut self.engine, &[caller], limits)?;
            let own = super::fact_of(caller);
            let mut touched: BTreeMap<AccountId, Touched> = BTreeMap::new();
            for (fact, cost) in search.found.iter().filter(|(fact, _)| **fact != own) {
                let Some((account, name)) = self.held(*fact) else { continue };
                let path = if take_one(&mut proofs) { Some(self.path(caller, &search, *fact)?) } else { None };
                let held = Held { name, definite: cost.holds == Holds::Definitely, path };
                match fact {
                    Fact::Administers(_) => touch(&mut touched, account).administrator = Some(held),
                    _ => touch(&mut touched, account).identities.push(held),
                }
            }
            for action in asked.actions {
                self.uses(caller, &search, action, asked.definite, &mut proofs, &mut touched)?;
            }
            let mut accounts: Vec<Touched> = touched.into_values().collect();
            accounts.iter_mut().for_each(|account| account.identities.sort_by(|a, b| a.name.cmp(&b.name)));
            found.push(Blast { start: self.engine.caller_name(caller), accounts });
        }
        Ok(found)
    }

    /// In which account a fact that counts lies, and what it is called.
    fn held(&self, fact: Fact) -> Option<(AccountId, String)> {
        let base = &self.engine.base;
        match fact {
            Fact::Controls(id) if base.origin(id) == Origin::Inventory => {
                Some((base.account(id).id, base.arn(id).to_string()))
            }
            Fact::ControlsProvider(at) if !base.is_made(at) => {
                let name = &base.providers[at as usize];
                Some((name.split(':').nth(4)?.parse().ok()?, name.clone()))
            }
            Fact::Administers(at) => Some((base.accounts[at as usize].id, self.engine.fact_in_words(fact))),
            _ => None,
        }
    }

    fn uses(
        &mut self,
        caller: Caller,
        search: &Search,
        action: &str,
        definite: bool,
        proofs: &mut usize,
        touched: &mut BTreeMap<AccountId, Touched>,
    ) -> Result<(), ReachError> {
        let forms: Vec<(Identity, Form, Holds)> = search.forms().collect();
        for (resource, owner) in self.resources_of(action) {
            if !self.engine.ask_for(action, &resource) || !self.engine.is_owner_known() {
                continue;
            }
            // P-13.2: whoever may write its policy anew lets all others in, too.
            let mut writing: Option<(Holds, Step, Vec<Fact>)> = None;
            for (id, form, reached) in &forms {
                if let Some(step) = self.engine.rewriting_step(*id, *form)? {
                    let holds = reached.and(step.holds);
                    if writing.as_ref().is_none_or(|(known, ..)| holds < *known) {
                        writing = Some((holds, step, search.form_premises(*id, *form).to_vec()));
                    }
                }
            }
            let mut best: BTreeMap<AccountId, Best> = BTreeMap::new();
            for (id, form, reached) in &forms {
                let written = writing.as_ref().map(|writing| (Form { resource: true, ..*form }, Some(writing)));
                for (form, writing) in [(*form, None)].into_iter().chain(written) {
                    let Some(step) = self.engine.use_step(*id, form)? else { continue };
                    let holds = reached.and(step.holds);
                    let holds = writing.map_or(holds, |(written, ..)| holds.and(*written));
                    if definite && holds == Holds::Possibly {
                        continue;
                    }
                    // What is about no resource is done where its caller is.
                    let account = owner.unwrap_or(self.engine.base.account(*id).id);
                    if best.get(&account).is_none_or(|known| holds < known.holds) {
                        let plain = Form { resource: false, ..form };
                        let mut premises = search.form_premises(*id, plain).to_vec();
                        premises.extend(writing.iter().flat_map(|(_, _, premises)| premises));
                        let steps = writing.iter().map(|(_, step, _)| step.clone()).chain([step]).collect();
                        best.insert(account, Best { holds, by: *id, premises, steps });
                    }
                }
            }
            for (account, Best { holds, by, premises, steps }) in best {
                let by = self.engine.base.arn(by).to_string();
                let definite = holds == Holds::Definitely;
                let mut path = None;
                if take_one(proofs) {
                    let before = search.path_to(&premises).into_iter().map(|(step, _)| step);
                    let all: Vec<Step> = before.chain(steps).collect();
                    path = Some(self.path_of(caller, &all, Fact::Uses, definite)?);
                }
                let one = Use { action: action.to_owned(), resource: resource.clone(), by, definite, path };
                touch(touched, account).uses.push(one);
            }
        }
        self.engine.asked_use = None;
        Ok(())
    }

    /// What an action can be asked about: resources of the inventory of its types, and something in those that hold such;
    /// each with its owner.
    pub(super) fn resources_of(&self, action: &str) -> Vec<(String, Option<AccountId>)> {
        let Some((service, name)) = action.split_once(':') else { return Vec::new() };
        let facts = self.engine.worlds.catalogue().action(&service.to_ascii_lowercase(), name);
        let types = facts.into_iter().flat_map(|facts| facts.resource_types());
        let templates: BTreeSet<&str> = types.flat_map(|(kind, _)| kind.arn_templates()).collect();
        if templates.is_empty() {
            return vec![("*".to_owned(), None)];
        }
        let base = &self.engine.base;
        let mut found = Vec::new();
        for resource in &base.world.resources {
            let arn = &resource.arn;
            let owner = resource.account.or_else(|| arn.account().parse().ok());
            let Some(owner) = owner.filter(|owner| base.account_by_id.contains_key(owner)) else { continue };
            let number = owner.to_string();
            let place = names::Place { partition: arn.partition(), account: &number, region: arn.region() };
            let inside = format!("{arn}/{}", names::NEW);
            let texts = [arn.to_string(), inside];
            let is_instance =
                |text: &&String| templates.iter().any(|template| names::is_instance(template, place, text));
            if let Some(text) = texts.iter().find(is_instance) {
                found.push((text.clone(), Some(owner)));
            }
        }
        found.sort();
        found.dedup();
        found
    }
}

fn touch(touched: &mut BTreeMap<AccountId, Touched>, account: AccountId) -> &mut Touched {
    let empty = Touched { account, administrator: None, identities: Vec::new(), uses: Vec::new() };
    touched.entry(account).or_insert(empty)
}
