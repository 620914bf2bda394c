//! Where paths start, beside one identity or provider: an account, whoever is outside, the public (P-16.4 to P-16.7).

use super::fact::{Form, Holds, Identity};
use super::steps::{Caller, Engine};
use super::world::Origin;
use super::{Goal, Hop, Path, Proved, Reach, ReachError, Unproved, Ways};
use iamc_policy::AccountId;

/// Providers of which anybody can get tokens (P-16.7), as of November 2026.
const OPEN_PROVIDERS: &[&str] = &[
    "accounts.google.com",
    "graph.facebook.com",
    "www.amazon.com",
    "cognito-identity.amazonaws.com",
    "token.actions.githubusercontent.com",
    "gitlab.com",
    "app.terraform.io",
];

/// Whether anybody can get tokens of the provider, an ARN or a built-in name.
pub(super) fn is_open(provider: &str) -> bool {
    OPEN_PROVIDERS
        .iter()
        .any(|open| provider.strip_suffix(open).is_some_and(|rest| rest.is_empty() || rest.ends_with('/')))
}

/// Who is at the beginning.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Start<'s> {
    /// A user, role or root user, by ARN; a provider, by ARN or built-in name.
    Named(&'s str),
    /// Every user and role of an account (P-16.5).
    Account(AccountId),
    /// Whoever is outside the organization: accounts that policies name, accounts of the inventory that are in no
    /// organization, providers that roles trust (P-16.6).
    Outside,
    /// Whoever there is: without credentials, in some account that no policy names, with tokens that anybody can get
    /// (P-16.7).
    Public,
    /// All users, roles, providers and outsiders, each by itself (P-16.4).
    Everybody,
}

impl<'s> From<&'s str> for Start<'s> {
    fn from(name: &'s str) -> Start<'s> {
        Start::Named(name)
    }
}

impl<'s> From<&'s String> for Start<'s> {
    fn from(name: &'s String) -> Start<'s> {
        Start::Named(name)
    }
}

/// What is wanted of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wanted {
    /// Ways by definite steps alone.
    pub definite: bool,
    /// So many ways for each start and goal, the cheapest first (P-15.9); at least one.
    pub alternatives: usize,
    /// So many paths are shown; the others are named.
    pub limit: usize,
}

impl Default for Wanted {
    fn default() -> Wanted {
        Wanted { definite: false, alternatives: 1, limit: usize::MAX }
    }
}

impl Ways {
    fn add(&mut self, path: Path, limit: usize) {
        if self.paths.len() < limit {
            self.paths.push(path);
        } else {
            let Path { start, goal, definite, .. } = path;
            self.others.push(Unproved { start, goal, definite: Some(definite) });
        }
    }
}

impl Reach {
    /// Ways from starts to a goal: of each start that reaches it and is not there already the cheapest, or as many as are
    /// wanted. Starts follow each other as [`Start`] lists them, by name within a kind.
    ///
    /// # Errors
    /// [`ReachError`].
    pub fn paths<'s>(
        &mut self,
        start: impl Into<Start<'s>>,
        goal: Goal<'_>,
        wanted: Wanted,
    ) -> Result<Ways, ReachError> {
        let start = start.into();
        let callers = self.callers(start)?;
        let is_goal = self.goal(goal)?;
        let mut ways = Ways::default();
        // One root user is no node of the graph of all.
        let reachers = match start {
            Start::Named(_) => None,
            _ => Some(self.engine.reachers(&is_goal)?),
        };
        for caller in callers {
            if reachers.as_ref().is_some_and(|reachers| !reachers.has(caller)) {
                continue;
            }
            let is_full = ways.paths.len() >= wanted.limit;
            if is_full && reachers.is_some() && !wanted.definite {
                let (start, goal) = (self.engine.caller_name(caller), self.goal_in_words(goal));
                ways.others.push(Unproved { start, goal, definite: None });
            } else if is_full && wanted.alternatives <= 1 {
                let found = self.one(caller, &is_goal, wanted.definite)?;
                ways.others.extend(found.map(|(search, goal)| self.unproved(caller, &search, goal)));
            } else {
                let found = self.ways(caller, &is_goal, wanted)?;
                found.into_iter().for_each(|path| ways.add(path, wanted.limit));
            }
        }
        if matches!(start, Start::Public | Start::Everybody | Start::Named("anonymous"))
            && let Some(path) = self.public_path()?.filter(|path| path.definite || !wanted.definite)
        {
            ways.add(path, wanted.limit);
        }
        Ok(ways)
    }

    /// The callers that a start stands for, in order.
    pub(super) fn callers(&self, start: Start<'_>) -> Result<Vec<Caller>, ReachError> {
        let engine = &self.engine;
        let base = &engine.base;
        let outsiders = |is_wanted: &dyn Fn(Identity) -> bool| -> Vec<Caller> {
            base.outsiders.iter().copied().filter(|id| is_wanted(*id)).map(Caller::Identity).collect()
        };
        let providers = |is_wanted: &dyn Fn(&str) -> bool| -> Vec<Caller> {
            let named = (0u32..).zip(&base.providers).filter(|(at, name)| !base.is_made(*at) && is_wanted(name));
            named.map(|(at, _)| Caller::Provider(at)).collect()
        };
        let of_accounts = |is_wanted: &dyn Fn(u32) -> bool| -> Vec<Caller> {
            let is_own = |caller: &Caller| match caller {
                Caller::Identity(id) => {
                    base.origin(*id) == Origin::Inventory && is_wanted(base.account_of[*id as usize])
                }
                Caller::Provider(_) => false,
            };
            engine.starts().into_iter().filter(is_own).collect()
        };
        Ok(match start {
            Start::Named("anonymous") => Vec::new(),
            Start::Named(name) => vec![self.start(name)?],
            Start::Account(id) => {
                let at = base.account_by_id.get(&id).copied();
                let found = at.map(|at| of_accounts(&|account| account == at)).unwrap_or_default();
                if found.is_empty() {
                    return Err(ReachError::NoAccount(id));
                }
                found
            }
            Start::Outside => {
                // Where the inventory knows of a tree, whoever has no place in it is outside.
                let is_tree_known = base.accounts.iter().any(|account| account.parent.is_some());
                let mut found =
                    of_accounts(&|account| is_tree_known && base.accounts[account as usize].parent.is_none());
                found.extend(providers(&|_| true));
                found.extend(outsiders(&|_| true));
                found
            }
            Start::Public => {
                let mut found = providers(&is_open);
                found.extend(outsiders(&|id| !base.is_named(id)));
                found
            }
            Start::Everybody => engine.starts(),
        })
    }

    /// What somebody without credentials may do of what is asked about.
    fn public_path(&mut self) -> Result<Option<Path>, ReachError> {
        let Some(asked) = self.engine.use_of_the_public()? else { return Ok(None) };
        let engine: &mut Engine = &mut self.engine;
        let Some(answer) = engine.worlds.explain(&engine.base, Form::default(), &asked.request)? else {
            return Ok(None);
        };
        let world = engine.moment_of(None, None, &asked.request);
        let goal = engine.fact_in_words(super::fact::Fact::Uses);
        let definite = asked.holds == Holds::Definitely;
        let target = asked.request.resources.first().map(|one| one.resource.to_string());
        let hop = Hop {
            row: "goal",
            family: None,
            caller: "anonymous".to_owned(),
            target: target.unwrap_or_else(|| "*".to_owned()),
            resource: None,
            effect: goal.clone(),
            definite,
            requests: vec![Proved { request: asked.request, answer, world }],
            needs: Vec::new(),
        };
        Ok(Some(Path { start: "anonymous".to_owned(), goal, definite, hops: vec![hop] }))
    }
}
