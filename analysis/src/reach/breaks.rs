//! The smallest set of statements without which no path is left (P-16.8).
//!
//! A path holds as long as the Allow statements that its decisions name are there; so whatever breaks all paths has one
//! statement at least of each. The smallest set that has one of each path found so far is taken out, and the search is made
//! again: if it finds a path, that is one more; if not, no smaller set can do.

use super::fact::{Fact, Form, Identity, Thing};
use super::search::Search;
use super::starts::Start;
use super::steps::Engine;
use super::world::{Base, Origin};
use super::{Goal, Path, Reach, ReachError, admin};
use iamc_policy::decision::{Answer, Decision, StatementRef};
use iamc_policy::request::{Request, RequestResource};
use iamc_policy::world::{NamedPolicy, PolicyText, ResourcePolicy, World};
use iamc_policy::{AccountId, PolicyKind};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// So often statements are taken out as few as can be, and the search made again.
const ROUNDS_EXACT: usize = 64;
/// So often in all; after the first, whatever a path rests on is taken out with it.
const ROUNDS_MAX: usize = 96;
/// So many paths are looked at in one round.
const PATHS_A_ROUND: usize = 16;
/// So many choices are tried for one hitting set.
const CHOICES_MAX: usize = 200_000;

/// A statement of the world as given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cut {
    /// Whose policy it is in: the ARN of an identity, a managed policy or a resource.
    pub owner: String,
    /// The statement.
    pub statement: StatementRef,
}

/// What breaks all paths.
#[derive(Debug, Clone)]
pub enum Break {
    /// No start has a path.
    NoPath,
    /// Without these statements none has. `smallest`: no set of fewer does.
    Statements {
        /// In the order of their policies.
        cuts: Vec<Cut>,
        /// Whether that is proved; else as many are enough.
        smallest: bool,
        /// Starts that have a path as long as they are there.
        n_starts: usize,
    },
    /// This path rests on no Allow statement that could be taken out.
    Unbreakable(Box<Path>),
    /// No set was found within the rounds that are made.
    NotFound,
}

/// Where a policy is in the world.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Site {
    OfUser(u32, u32),
    OfRole(u32, u32),
    OfGroup(u32, u32),
    Managed(u32),
    Trust(u32),
    Resource(u32),
}

/// A policy, and the place of a statement in it.
type At = (Site, u32);

impl Reach {
    /// A smallest set of Allow statements of the world, of identity, resource, trust and key policies, without which none of
    /// the starts that have a path to the goal has one. The search without them finds none; if it takes possible steps,
    /// that counts whatever is not known.
    ///
    /// # Errors
    /// As [`Reach::paths`].
    ///
    /// Cost: a compilation of the world and a search for each start, in each of at most 96 rounds.
    pub fn breaks<'s>(
        &mut self,
        start: impl Into<Start<'s>>,
        goal: Goal<'_>,
        definite: bool,
    ) -> Result<Break, ReachError> {
        let start = start.into();
        let callers = self.callers(start)?;
        let is_goal = self.goal(goal)?;
        let mut starts: Vec<String> = Vec::new();
        let reachers = match start {
            Start::Named(_) => None,
            _ => Some(self.engine.reachers(&is_goal)?),
        };
        // Whose paths count does not change when statements are taken out.
        for caller in callers {
            if reachers.as_ref().is_none_or(|reachers| reachers.has(caller)) {
                starts.push(self.engine.caller_name(caller));
            }
        }
        let mut known: BTreeMap<At, Cut> = BTreeMap::new();
        let mut hits: Vec<BTreeSet<At>> = Vec::new();
        let mut cut: BTreeSet<At> = BTreeSet::new();
        let mut smallest = true;
        let mut reaching: BTreeSet<String> = BTreeSet::new();
        for round in 0..ROUNDS_MAX {
            let mut less = self.without(&cut);
            let mut found = Vec::new();
            for start in &starts {
                if found.len() >= PATHS_A_ROUND {
                    break;
                }
                let Some((path, at)) = less.rests_on(start, goal, definite, &mut known, &cut)? else { continue };
                reaching.insert(start.clone());
                if at.is_empty() {
                    return Ok(Break::Unbreakable(Box::new(path)));
                }
                found.push(at);
            }
            if found.is_empty() {
                let cuts: Vec<Cut> = cut.iter().filter_map(|at| known.get(at).cloned()).collect();
                return Ok(match cuts.is_empty() {
                    true => Break::NoPath,
                    false => Break::Statements { cuts, smallest, n_starts: reaching.len() },
                });
            }
            if round < ROUNDS_EXACT {
                hits.extend(found);
                (cut, smallest) = hitting_set(&hits);
            } else {
                smallest = false;
                cut.extend(found.into_iter().flatten());
            }
        }
        Ok(Break::NotFound)
    }

    /// The same world without some statements.
    fn without(&self, cut: &BTreeSet<At>) -> Reach {
        let mut world = self.engine.base.as_given();
        for (site, index) in cut.iter().rev() {
            if let Some(policy) = policy_at(&mut world, *site)
                && let PolicyText::Known(text) = &policy.text
                && (*index as usize) < text.statements.len()
            {
                let mut text = (**text).clone();
                text.statements.remove(*index as usize);
                policy.text = PolicyText::Known(Arc::new(text));
            }
        }
        let engine = &self.engine;
        Reach { engine: Engine::new(world, engine.worlds.catalogue(), engine.stated.clone()) }
    }

    /// The cheapest path of a start and the statements that it rests on.
    fn rests_on(
        &mut self,
        start: &str,
        goal: Goal<'_>,
        definite: bool,
        known: &mut BTreeMap<At, Cut>,
        cut: &BTreeSet<At>,
    ) -> Result<Option<(Path, BTreeSet<At>)>, ReachError> {
        let Ok(caller) = self.start(start) else { return Ok(None) };
        let is_goal = self.goal(goal)?;
        let Some((search, reached)) = self.one(caller, &is_goal, definite)? else { return Ok(None) };
        let path = self.path(caller, &search, reached)?;
        let mut at = BTreeSet::new();
        let mut note = |engine: &Engine, caller: Option<Identity>, request: &Request, answer: &Answer| {
            let statements = match answer.decision {
                Decision::Allow => answer.explanation.witness.clone(),
                _ => answer.allowed_by(),
            };
            for statement in statements {
                let Some((site, owner)) = engine.base.site_of(caller, request, &statement) else { continue };
                // As it was before statements were taken out.
                let gone = cut.range((site, 0)..=(site, u32::MAX)).map(|(_, index)| *index);
                let index = gone.fold(statement.index, |index, gone| index + u32::from(gone <= index));
                let statement = StatementRef { index, ..statement };
                known.entry((site, index)).or_insert(Cut { owner, statement });
                at.insert((site, index));
            }
        };
        for hop in &path.hops {
            let caller = self.engine.base.by_arn.get(&hop.caller).copied();
            for proved in &hop.requests {
                note(&self.engine, caller, &proved.request, &proved.answer);
            }
        }
        if let Some((id, form)) = administrator(&search, reached, &self.engine.base) {
            for probe in 0..admin::PROBES.len() {
                let Some(request) = admin::request(&self.engine, id, probe) else { continue };
                let engine = &mut self.engine;
                let Some(answer) = engine.worlds.explain(&engine.base, form, &request)? else { continue };
                if answer.decision == Decision::Allow {
                    note(&self.engine, Some(id), &request, &answer);
                }
            }
        }
        Ok(Some((path, at)))
    }
}

/// Who is administrator, and in which form, where that is what was reached.
fn administrator(search: &Search, reached: Fact, base: &Base) -> Option<(Identity, Form)> {
    let Fact::Administers(_) = reached else { return None };
    let premises = search.premises(reached);
    let id = premises.iter().find_map(|fact| if let Fact::Controls(id) = fact { Some(*id) } else { None })?;
    let mut form = Form::default();
    for fact in premises {
        match fact {
            Fact::Opened(Thing::Identity(one)) if *one == id => form.opened = true,
            Fact::Unbounded(one) if *one == id => form.unbounded = true,
            Fact::Joined(user, group) if *user == id => form.group = base.group_place[*group as usize],
            _ => {}
        }
    }
    Some((id, form))
}

impl Base {
    /// The inventory without what a search adds.
    fn as_given(&self) -> World {
        let mut world = self.world.clone();
        let outside: BTreeSet<AccountId> = self.outsiders.iter().map(|id| self.account(*id).id).collect();
        world.accounts.retain(|account| !outside.contains(&account.id));
        // What was added stands behind what was there.
        let is_own = |id: &u32| self.origin(*id) == Origin::Inventory;
        world.users.truncate((0..self.n_users).filter(is_own).count());
        world.roles.truncate((self.n_users..self.n_identities).filter(is_own).count());
        world
    }

    /// The policy that a statement of an answer is in, and whose it is; `None`: it is none that can be taken out.
    fn site_of(&self, caller: Option<Identity>, request: &Request, statement: &StatementRef) -> Option<(Site, String)> {
        let name = statement.policy.policy.as_str();
        let world = &self.world;
        let has = |policy: &NamedPolicy| policy.name == name;
        match statement.policy.kind {
            PolicyKind::Identity => {
                let id = caller.filter(|id| self.origin(*id) == Origin::Inventory)?;
                let of =
                    |at: u32| if self.is_user(id) { Site::OfUser(id, at) } else { Site::OfRole(id - self.n_users, at) };
                let own = self.record(id);
                let mut attached: Vec<&iamc_policy::Arn> = own.attached.iter().collect();
                if let iamc_policy::decision::Attachment::Group(group) = &statement.policy.attachment {
                    let at = *self.group_by_name.get(&(self.account_of[id as usize], group.clone()))?;
                    let group = &world.groups[at as usize].identity;
                    if let Some(place) = group.inline.iter().position(has) {
                        return Some((Site::OfGroup(at, place as u32), group.arn.to_string()));
                    }
                    attached = group.attached.iter().collect();
                } else if let Some(place) = own.inline.iter().position(has) {
                    return Some((of(place as u32), own.arn.to_string()));
                }
                let listed = attached.into_iter().filter_map(|arn| self.policy_by_arn.get(arn).copied());
                let at = listed.into_iter().find(|at| has(&world.policies[*at as usize].policy))?;
                Some((Site::Managed(at), world.policies[at as usize].arn.to_string()))
            }
            PolicyKind::Trust | PolicyKind::Resource | PolicyKind::Key => {
                let asked = request.resources.iter().chain(request.additional.iter().map(|more| &more.resource));
                for resource in asked {
                    let RequestResource::Arn(arn) = &resource.resource else { continue };
                    let text = arn.as_str();
                    if statement.policy.kind == PolicyKind::Trust {
                        let id = self.by_arn.get(text).copied().filter(|id| self.origin(*id) == Origin::Inventory);
                        let Some(at) = id.and_then(|id| id.checked_sub(self.n_users)) else { continue };
                        if has(&world.roles[at as usize].trust) {
                            return Some((Site::Trust(at), text.to_owned()));
                        }
                        continue;
                    }
                    let cuts = text.match_indices(['/', ':']).map(|(at, _)| &text[..at]);
                    let listed = cuts.chain([text]).filter_map(|arn| self.resources_by_arn.get(arn)).flatten();
                    for at in listed {
                        let listed = &world.resources[*at as usize];
                        if matches!(&listed.policy, ResourcePolicy::Policy(policy) if has(policy)) {
                            return Some((Site::Resource(*at), listed.arn.to_string()));
                        }
                    }
                }
                None
            }
            _ => None,
        }
    }
}

fn policy_at(world: &mut World, site: Site) -> Option<&mut NamedPolicy> {
    match site {
        Site::OfUser(at, place) => world.users.get_mut(at as usize)?.identity.inline.get_mut(place as usize),
        Site::OfRole(at, place) => world.roles.get_mut(at as usize)?.identity.inline.get_mut(place as usize),
        Site::OfGroup(at, place) => world.groups.get_mut(at as usize)?.identity.inline.get_mut(place as usize),
        Site::Managed(at) => world.policies.get_mut(at as usize).map(|policy| &mut policy.policy),
        Site::Trust(at) => world.roles.get_mut(at as usize).map(|role| &mut role.trust),
        Site::Resource(at) => match &mut world.resources.get_mut(at as usize)?.policy {
            ResourcePolicy::Policy(policy) => Some(policy),
            _ => None,
        },
    }
}

/// A set that has one of each, as small as can be, and whether that is proved.
fn hitting_set(hits: &[BTreeSet<At>]) -> (BTreeSet<At>, bool) {
    let mut n_left = CHOICES_MAX;
    for size in 1..=hits.len() {
        let mut chosen = Vec::new();
        if hit(hits, size, &mut chosen, &mut n_left) {
            return (chosen.into_iter().collect(), true);
        }
        if n_left == 0 {
            break;
        }
    }
    // The most frequent first.
    let mut chosen = BTreeSet::new();
    loop {
        let mut counts: BTreeMap<At, usize> = BTreeMap::new();
        for at in hits.iter().filter(|set| set.is_disjoint(&chosen)).flatten() {
            *counts.entry(*at).or_default() += 1;
        }
        let Some((at, _)) = counts.into_iter().rev().max_by_key(|(_, n)| *n) else { return (chosen, false) };
        chosen.insert(at);
    }
}

/// Whether so many more hit all; if so, they are chosen.
fn hit(hits: &[BTreeSet<At>], size: usize, chosen: &mut Vec<At>, n_left: &mut usize) -> bool {
    let open = hits.iter().filter(|set| !chosen.iter().any(|at| set.contains(at)));
    let Some(fewest) = open.min_by_key(|set| set.len()) else { return true };
    if size == 0 || *n_left == 0 {
        return false;
    }
    for at in fewest {
        *n_left = n_left.saturating_sub(1);
        chosen.push(*at);
        if hit(hits, size - 1, chosen, n_left) {
            return true;
        }
        chosen.pop();
    }
    false
}
