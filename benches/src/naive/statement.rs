//! Statements, lowered once: what is compared with requests, one after the other.

use super::condition::Test;
use super::keys::Keys;
use super::pattern::{Partial, Pattern};
use iamc_catalogue::Catalogue;
use iamc_policy::document::{ActionElement, PrincipalElement, ResourceElement};
use iamc_policy::{AccountId, ActionPattern, Effect, PolicyKind, PrincipalEntry, Statement};
use std::collections::{BTreeMap, HashMap};

/// A statement.
#[derive(Debug)]
pub(super) struct Lowered {
    pub(super) deny: bool,
    /// Like the condition behind a pointer: most statements have none, and fewer bytes are visited.
    principal: Option<Box<Who>>,
    not_action: bool,
    actions: Actions,
    /// `None`: true for every resource.
    resource: Option<Resources>,
    condition: Option<Box<Test>>,
}

/// Patterns, a single one without a detour through memory of its own.
#[derive(Debug)]
enum Patterns {
    One(Pattern),
    Several(Box<[Pattern]>),
}

impl FromIterator<Pattern> for Patterns {
    fn from_iter<T: IntoIterator<Item = Pattern>>(patterns: T) -> Patterns {
        let mut patterns: Vec<Pattern> = patterns.into_iter().collect();
        match (patterns.len(), patterns.pop()) {
            (1, Some(pattern)) => Patterns::One(pattern),
            (_, last) => Patterns::Several(patterns.into_iter().chain(last).collect()),
        }
    }
}

impl Patterns {
    fn list(&self) -> &[Pattern] {
        match self {
            Patterns::One(pattern) => std::slice::from_ref(pattern),
            Patterns::Several(patterns) => patterns,
        }
    }
}

/// The entries of `Action` or `NotAction`.
#[derive(Debug)]
enum Actions {
    /// One after the other.
    Few(Patterns),
    /// Lists of hundreds of names are not read through by anybody: those of each service, sorted by it.
    Many(Box<[OfService]>),
}

/// A service and the names listed of it.
type OfService = (Box<str>, Box<[Pattern]>);

#[derive(Debug)]
struct Resources {
    negated: bool,
    patterns: Patterns,
}

/// `Principal` or `NotPrincipal`.
#[derive(Debug)]
struct Who {
    negated: bool,
    entries: Box<[Entry]>,
}

/// An entry that can name a user or a role session.
#[derive(Debug)]
enum Entry {
    Everyone,
    Account { partition: Option<Box<str>>, account: AccountId },
    User(Box<str>),
    Role(Box<str>),
    Session(Box<str>),
    UniqueId(Box<str>),
}

/// The caller as `Principal` elements see it.
#[derive(Debug)]
pub(super) struct Caller<'a> {
    pub(super) is_role: bool,
    /// Of the user or role.
    pub(super) arn: &'a str,
    /// Of the session of a role.
    pub(super) session: Option<String>,
    pub(super) unique_id: Option<&'a str>,
    pub(super) account: AccountId,
    pub(super) partition: &'a str,
    pub(super) has_boundary: bool,
}

/// What the resource test is asked about.
#[derive(Debug, Clone, Copy)]
pub(super) enum Subject<'a> {
    /// The pseudo-resource.
    Star,
    /// An ARN, or the text that stands for one.
    Text(&'a str),
}

/// Levels that a statement reaches; several at once.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Levels {
    /// STAR or SELF.
    pub(super) unlimited: bool,
    /// BASE.
    pub(super) limited: bool,
    /// ACCT.
    pub(super) account: bool,
}

impl Levels {
    fn any(self) -> bool {
        self.unlimited || self.limited || self.account
    }
}

impl Lowered {
    /// `canonical`: accounts by canonical user id.
    pub(super) fn new(
        kind: PolicyKind,
        statement: &Statement,
        catalogue: &Catalogue,
        canonical: &HashMap<String, AccountId>,
    ) -> Lowered {
        let condition = &statement.condition;
        let is_empty = condition.atoms.is_empty() && condition.unknown_operators.is_empty();
        Lowered {
            deny: statement.effect == Effect::Deny,
            principal: statement.principal.as_ref().map(|element| Box::new(Who::new(element, canonical))),
            not_action: statement.action.negated,
            actions: Actions::new(&statement.action),
            resource: match &statement.resource {
                Some(element) if kind != PolicyKind::Trust => Some(Resources::new(kind, element)),
                _ => None,
            },
            condition: (!is_empty).then(|| Box::new(Test::new(condition, catalogue))),
        }
    }

    /// but for the principal. `action`: `service:name` in lower case. `None`: outside the subset.
    pub(super) fn applies(&self, action: &str, subject: Subject<'_>, keys: &Keys<'_>) -> Option<bool> {
        // a list without entries matches nothing.
        if self.actions.name(action, keys) == self.not_action || self.actions.is_empty() {
            return Some(false);
        }
        if self.resource.as_ref().is_some_and(|resource| !resource.hold(subject, keys)) {
            return Some(false);
        }
        self.condition.as_ref().map_or(Some(true), |condition| condition.holds(keys))
    }

    /// levels at which the principal test holds.
    pub(super) fn levels(&self, caller: &Caller<'_>) -> Levels {
        let Some(who) = &self.principal else { return Levels::default() };
        if !who.negated {
            return who.reached(caller, |_| true);
        }
        let everyone = who.entries.iter().any(|entry| matches!(entry, Entry::Everyone));
        let listed = who.reached(caller, |entry| !matches!(entry, Entry::Everyone));
        let holds = if self.deny {
            let chain = listed.unlimited && listed.account && (listed.limited || !caller.is_role);
            !(everyone || chain) || caller.has_boundary
        } else {
            !everyone && !listed.any()
        };
        Levels { unlimited: holds, ..Levels::default() }
    }

    /// Does the principal test hold at any level?
    pub(super) fn is_about(&self, caller: &Caller<'_>) -> bool {
        self.principal.is_none() || self.levels(caller).any()
    }
}

impl Resources {
    fn new(kind: PolicyKind, element: &ResourceElement) -> Resources {
        let partial = match kind {
            PolicyKind::Identity | PolicyKind::Boundary | PolicyKind::Session => Partial::Expand,
            PolicyKind::Resource | PolicyKind::Trust | PolicyKind::Key | PolicyKind::Endpoint => Partial::IfWild,
            PolicyKind::Scp => Partial::IfEndsWild,
            PolicyKind::Rcp => Partial::Never,
        };
        let patterns = element.patterns.iter().flat_map(|template| Pattern::resource(template, partial)).collect();
        Resources { negated: element.negated, patterns }
    }

    fn hold(&self, subject: Subject<'_>, keys: &Keys<'_>) -> bool {
        let named = self.patterns.list().iter().any(|pattern| match subject {
            Subject::Star => matches!(pattern, Pattern::Any),
            Subject::Text(text) => pattern.matches(text, keys),
        });
        named != self.negated
    }
}

impl Who {
    fn new(element: &PrincipalElement, canonical: &HashMap<String, AccountId>) -> Who {
        let entry = |entry: &PrincipalEntry| {
            Some(match entry {
                PrincipalEntry::Everyone { .. } => Entry::Everyone,
                PrincipalEntry::Account { partition, account } => {
                    Entry::Account { partition: partition.as_deref().map(Into::into), account: *account }
                }
                PrincipalEntry::CanonicalUser(id) => Entry::Account { partition: None, account: *canonical.get(id)? },
                PrincipalEntry::User(arn) => Entry::User(arn.as_str().into()),
                PrincipalEntry::Role(arn) => Entry::Role(arn.as_str().into()),
                PrincipalEntry::RoleSession(arn) => Entry::Session(arn.as_str().into()),
                PrincipalEntry::UniqueId(id) => Entry::UniqueId(id.as_str().into()),
                PrincipalEntry::FederatedUser(_)
                | PrincipalEntry::Service(_)
                | PrincipalEntry::Federated(_)
                | PrincipalEntry::Nobody(_) => return None,
            })
        };
        Who { negated: element.negated, entries: element.entries.iter().filter_map(entry).collect() }
    }

    fn reached(&self, caller: &Caller<'_>, counts: impl Fn(&Entry) -> bool) -> Levels {
        let mut levels = Levels::default();
        for entry in self.entries.iter().filter(|entry| counts(entry)) {
            match entry {
                Entry::Everyone => levels.unlimited = true,
                Entry::Account { partition, account } => {
                    let fits = partition.as_ref().is_none_or(|own| **own == *caller.partition);
                    levels.account |= fits && *account == caller.account;
                }
                Entry::User(arn) => levels.unlimited |= !caller.is_role && **arn == *caller.arn,
                Entry::Role(arn) => levels.limited |= caller.is_role && **arn == *caller.arn,
                Entry::Session(arn) => levels.unlimited |= caller.session.as_ref().is_some_and(|own| **arn == **own),
                Entry::UniqueId(id) => {
                    let own = caller.unique_id.is_some_and(|own| *own == **id);
                    levels.limited |= own && caller.is_role;
                    levels.unlimited |= own && !caller.is_role;
                }
            }
        }
        levels
    }
}

impl Actions {
    /// The longest list that is read through.
    const FEW: usize = 8;

    fn new(element: &ActionElement) -> Actions {
        let mut by_service: BTreeMap<&str, Vec<Pattern>> = BTreeMap::new();
        for entry in &element.patterns {
            match entry {
                ActionPattern::Named { service, .. } if element.patterns.len() > Actions::FEW => {
                    by_service.entry(service).or_default().push(action(entry));
                }
                _ => return Actions::Few(element.patterns.iter().map(action).collect()),
            }
        }
        Actions::Many(by_service.into_iter().map(|(service, names)| (service.into(), names.into())).collect())
    }

    fn is_empty(&self) -> bool {
        matches!(self, Actions::Few(patterns) if patterns.list().is_empty())
    }

    fn name(&self, action: &str, keys: &Keys<'_>) -> bool {
        let patterns = match self {
            Actions::Few(patterns) => patterns.list(),
            Actions::Many(services) => {
                let service = action.split(':').next().unwrap_or("");
                match services.binary_search_by(|(own, _)| (**own).cmp(service)) {
                    Ok(at) => &*services[at].1,
                    Err(_) => return false,
                }
            }
        };
        patterns.iter().any(|pattern| pattern.matches(action, keys))
    }
}

/// a name pattern in lower case behind its service; what is not ASCII matches nothing.
fn action(pattern: &ActionPattern) -> Pattern {
    match pattern {
        ActionPattern::Any => Pattern::Any,
        ActionPattern::Named { service, name } if name.is_ascii() => {
            Pattern::glob(&format!("{service}:{}", name.to_ascii_lowercase()))
        }
        ActionPattern::Named { .. } | ActionPattern::Nothing(_) => Pattern::Nothing,
    }
}
