//! What a start comes to hold, by account, and what it can do there (P-16.4).

use super::fact::{Fact, Form, Holds, Identity};
use super::search::{Limits, Search};
use super::starts::Start;
use super::world::Origin;
use super::{Reach, ReachError, names};
use iamc_policy::{AccountId, Action};
use std::collections::{BTreeMap, BTreeSet};

/// How far one start comes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Blast {
    /// Where it starts.
    pub start: String,
    /// Accounts that it touches, by number.
    pub accounts: Vec<Touched>,
}

/// What a start comes to hold in one account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Touched {
    /// The account.
    pub account: AccountId,
    /// Whether it becomes administrator: `Some(true)` definitely, `Some(false)` possibly.
    pub administrator: Option<bool>,
    /// Users, roles and providers that it comes to control, itself left out, by ARN, each with whether that is definite.
    pub identities: Vec<(String, bool)>,
    /// Actions that were asked about and that some node of it may do on a resource of the account.
    pub uses: Vec<Use>,
}

/// An action on a resource that a start comes to be allowed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Use {
    /// The action, as it was asked.
    pub action: String,
    /// A resource of the inventory, or something in it; `*`: the action knows no resources.
    pub resource: String,
    /// Who may do it: the first that may definitely, else the first that may.
    pub by: String,
    /// True iff that holds whatever is not known.
    pub definite: bool,
}

impl Reach {
    /// The blast radius of each start, with what `actions` (as `service:Name`) give there. `definite`: by definite steps
    /// alone.
    ///
    /// # Errors
    /// [`ReachError::Nobody`], [`ReachError::NoAccount`], [`ReachError::NoUse`], [`ReachError::Compile`].
    ///
    /// Cost: a search for each start, and a decision for each action, resource of its types and identity that is reached.
    pub fn blast<'s>(
        &mut self,
        start: impl Into<Start<'s>>,
        definite: bool,
        actions: &[String],
    ) -> Result<Vec<Blast>, ReachError> {
        let callers = self.callers(start.into())?;
        for action in actions {
            if action.parse::<Action>().is_err() {
                return Err(ReachError::NoUse(action.clone(), "*".to_owned()));
            }
        }
        let mut found = Vec::with_capacity(callers.len());
        for caller in callers {
            self.engine.asked_use = None;
            let limits = Limits { definite, is_goal: &|_| false, keeps: false };
            let search = Search::run(&mut self.engine, &[caller], limits)?;
            let own = super::fact_of(caller);
            let mut touched: BTreeMap<AccountId, Touched> = BTreeMap::new();
            for (fact, cost) in &search.found {
                let base = &self.engine.base;
                let definite = cost.holds == Holds::Definitely;
                match fact {
                    Fact::Controls(id) if *fact != own && base.origin(*id) == Origin::Inventory => {
                        touch(&mut touched, base.account(*id).id)
                            .identities
                            .push((base.arn(*id).to_string(), definite));
                    }
                    Fact::ControlsProvider(at) if *fact != own => {
                        let name = &base.providers[*at as usize];
                        let account = name.split(':').nth(4).and_then(|account| account.parse().ok());
                        if let Some(account) = account {
                            touch(&mut touched, account).identities.push((name.clone(), definite));
                        }
                    }
                    Fact::Administers(at) => {
                        touch(&mut touched, base.accounts[*at as usize].id).administrator = Some(definite);
                    }
                    _ => {}
                }
            }
            for action in actions {
                self.uses(&search, action, &mut touched)?;
            }
            let mut accounts: Vec<Touched> = touched.into_values().collect();
            accounts.iter_mut().for_each(|account| account.identities.sort());
            found.push(Blast { start: self.engine.caller_name(caller), accounts });
        }
        Ok(found)
    }

    fn uses(
        &mut self,
        search: &Search,
        action: &str,
        touched: &mut BTreeMap<AccountId, Touched>,
    ) -> Result<(), ReachError> {
        let forms: Vec<(Identity, Form, Holds)> = search.forms().collect();
        for (resource, owner) in self.resources_of(action) {
            if !self.engine.ask_for(action, &resource) || !self.engine.is_owner_known() {
                continue;
            }
            let mut best: BTreeMap<AccountId, (Holds, Identity)> = BTreeMap::new();
            for (id, form, reached) in &forms {
                let Some(step) = self.engine.use_step(*id, *form)? else { continue };
                let holds = reached.and(step.holds);
                // What is about no resource is done where its caller is.
                let account = owner.unwrap_or(self.engine.base.account(*id).id);
                if best.get(&account).is_none_or(|(known, _)| holds < *known) {
                    best.insert(account, (holds, *id));
                }
            }
            for (account, (holds, id)) in best {
                let by = self.engine.base.arn(id).to_string();
                let definite = holds == Holds::Definitely;
                let one = Use { action: action.to_owned(), resource: resource.clone(), by, definite };
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
