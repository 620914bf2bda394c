//! Who a `Principal` element means and whom `NotPrincipal` spares (6.8).

use crate::caller::{Caller, Kind};
use crate::formula;
use iamc_policy::decision::{AtomKind, GrantLevel, PolicyRef, ResidualAtom, UnitId};
use iamc_policy::document::PrincipalElement;
use iamc_policy::request::EndpointType;
use iamc_policy::settings::NotPrincipalChain;
use iamc_policy::{AccountId, Effect, Formula, PolicyKind, PrincipalEntry, Request, Truth, World};

/// What an element is compared with.
pub(crate) struct Matcher<'a> {
    pub(crate) world: &'a World,
    pub(crate) request: &'a Request,
    pub(crate) caller: &'a Caller<'a>,
    /// For endpoint policies, the type of the endpoint.
    pub(crate) endpoint_type: Option<EndpointType>,
}

/// The levels that an element reaches, each with its truth; `Star` first.
pub(crate) struct Levels(pub(crate) Vec<(GrantLevel, Formula)>);

impl Levels {
    /// the principal test is the OR over the levels.
    pub(crate) fn any(&self) -> Formula {
        formula::or(self.0.iter().map(|(_, value)| value.clone()))
    }

    /// The truth at one level.
    pub(crate) fn at(&self, level: GrantLevel) -> Formula {
        formula::or(self.0.iter().filter(|(own, _)| *own == level).map(|(_, value)| value.clone()))
    }
}

/// The origin of an element, for the atoms it may leave open.
pub(crate) struct Origin<'a> {
    pub(crate) unit: &'a UnitId,
    pub(crate) policy: &'a PolicyRef,
    pub(crate) statement: (u32, Option<&'a str>),
    pub(crate) effect: Effect,
}

impl Origin<'_> {
    /// Index and `Sid`, as a residual atom carries them.
    pub(crate) fn statement(&self) -> (u32, Option<String>) {
        (self.statement.0, self.statement.1.map(str::to_owned))
    }
}

/// the levels at which the element holds for the caller.
pub(crate) fn levels(matcher: &Matcher<'_>, element: &PrincipalElement, origin: &Origin<'_>) -> Levels {
    if element.negated {
        return match origin.effect {
            Effect::Deny => Levels(vec![(GrantLevel::Star, deny_not_principal(matcher, element, origin))]),
            Effect::Allow => Levels(vec![(GrantLevel::Star, allow_not_principal(matcher, element, origin))]),
        };
    }
    let reached = |entry: &PrincipalEntry| {
        reach(matcher, entry).map(|(level, truth)| (level, formula::of(truth, || session_atom(entry, origin))))
    };
    Levels(element.entries.iter().filter_map(reached).collect())
}

fn session_atom(entry: &PrincipalEntry, origin: &Origin<'_>) -> ResidualAtom {
    let entry = match entry {
        PrincipalEntry::RoleSession(text) => text.clone(),
        other => format!("{other:?}"),
    };
    ResidualAtom {
        unit: origin.unit.clone(),
        policy: Some(origin.policy.clone()),
        statement: Some(origin.statement()),
        kind: AtomKind::SessionName { entry },
        keys: Vec::new(),
    }
}

/// the level that one entry reaches; `Unknown` only for session entries.
fn reach(matcher: &Matcher<'_>, entry: &PrincipalEntry) -> Option<(GrantLevel, Truth)> {
    if matcher.endpoint_type == Some(EndpointType::Gateway) {
        return gateway_reach(matcher, entry);
    }
    let caller = matcher.caller;
    let own = |holds: bool| holds.then_some((GrantLevel::SelfLevel, Truth::True));
    let base = |holds: bool| holds.then_some((GrantLevel::Base, Truth::True));
    match entry {
        // `{"AWS": "*"}` does not mean federated callers.
        PrincipalEntry::Everyone { under_aws } => {
            let holds = caller.kind != Kind::FedIdp || !under_aws;
            holds.then_some((GrantLevel::Star, Truth::True))
        }
        PrincipalEntry::Account { .. } | PrincipalEntry::CanonicalUser(_) => {
            let level = if caller.kind == Kind::Root { GrantLevel::SelfLevel } else { GrantLevel::Account };
            names_account(matcher, entry).then_some((level, Truth::True))
        }
        PrincipalEntry::User(arn) => match caller.kind {
            Kind::User => own(*arn == caller.own),
            Kind::FedUser => base(caller.base.as_ref() == Some(arn)),
            _ => None,
        },
        PrincipalEntry::Role(arn) => base(caller.kind == Kind::RoleSession && caller.base.as_ref() == Some(arn)),
        PrincipalEntry::RoleSession(arn) if caller.kind == Kind::RoleSession => {
            if caller.session_known {
                own(*arn == caller.own)
            } else {
                same_role(arn, &caller.own).then_some((GrantLevel::SelfLevel, Truth::Unknown))
            }
        }
        PrincipalEntry::RoleSession(_) => None,
        PrincipalEntry::FederatedUser(arn) => own(caller.kind == Kind::FedUser && *arn == caller.own),
        PrincipalEntry::UniqueId(id) => match caller.kind {
            Kind::User => own(caller.unique_id.as_ref() == Some(id)),
            Kind::RoleSession | Kind::FedUser => base(caller.unique_id.as_ref() == Some(id)),
            _ => None,
        },
        PrincipalEntry::Service(name) => own(caller.kind == Kind::Service && *name == caller.own),
        PrincipalEntry::Federated(provider) => own(caller.kind == Kind::FedIdp && *provider == caller.own),
        PrincipalEntry::Nobody(_) => None,
    }
}

/// at a gateway endpoint only `*` means anybody; an account means its root user.
fn gateway_reach(matcher: &Matcher<'_>, entry: &PrincipalEntry) -> Option<(GrantLevel, Truth)> {
    match entry {
        PrincipalEntry::Everyone { .. } => Some((GrantLevel::Star, Truth::True)),
        PrincipalEntry::Account { .. } | PrincipalEntry::CanonicalUser(_) => {
            let holds = matcher.caller.kind == Kind::Root && names_account(matcher, entry);
            holds.then_some((GrantLevel::SelfLevel, Truth::True))
        }
        _ => None,
    }
}

/// the entry names the caller's account.
fn names_account(matcher: &Matcher<'_>, entry: &PrincipalEntry) -> bool {
    let Some(account) = matcher.caller.account else { return false };
    match entry {
        PrincipalEntry::Account { partition, account: named } => {
            let partition_fits = match (partition, matcher.caller.principal.partition()) {
                (Some(named), Some(own)) => named == own,
                _ => true,
            };
            *named == account && partition_fits
        }
        PrincipalEntry::CanonicalUser(id) => canonical_account(matcher.world, matcher.request, id) == Some(account),
        _ => false,
    }
}

/// canonical user id → account, from the request's facts or the inventory.
pub(crate) fn canonical_account(world: &World, request: &Request, id: &str) -> Option<AccountId> {
    let stated = request.facts.canonical_users.iter().find(|(known, _)| known == id).map(|(_, account)| *account);
    let recorded = || {
        world.accounts.iter().find(|account| account.canonical_user.as_deref() == Some(id)).map(|account| account.id)
    };
    stated.or_else(recorded)
}

/// two session ARNs that differ at most in the name of the session.
pub(crate) fn same_role(left: &str, right: &str) -> bool {
    let role = |arn: &str| arn.rsplit_once('/').map(|(role, _)| role.to_owned());
    role(left).is_some() && role(left) == role(right)
}

/// is that element of the caller's chain listed, by any accepted spelling? One truth for each element.
fn chain_listed(matcher: &Matcher<'_>, element: &PrincipalElement, origin: &Origin<'_>) -> Vec<Formula> {
    let caller = matcher.caller;
    // The chain is about who the caller is, at whatever door: speaks of `Principal` only.
    let matcher = Matcher { endpoint_type: None, ..*matcher };
    let listed = |level: GrantLevel| {
        formula::or(element.entries.iter().filter_map(|entry| {
            let (own, truth) = reach(&matcher, entry)?;
            (own == level).then(|| formula::of(truth, || session_atom(entry, origin)))
        }))
    };
    match caller.kind {
        Kind::User => vec![listed(GrantLevel::SelfLevel), listed(GrantLevel::Account)],
        Kind::RoleSession => {
            vec![listed(GrantLevel::SelfLevel), listed(GrantLevel::Base), listed(GrantLevel::Account)]
        }
        Kind::FedUser => vec![listed(GrantLevel::SelfLevel), listed(GrantLevel::Account)],
        Kind::Root | Kind::Service | Kind::FedIdp => vec![listed(GrantLevel::SelfLevel)],
        Kind::Anonymous => Vec::new(),
    }
}

fn everyone_listed(matcher: &Matcher<'_>, element: &PrincipalElement) -> bool {
    element
        .entries
        .iter()
        .any(|entry| matches!(entry, PrincipalEntry::Everyone { .. }) && reach(matcher, entry).is_some())
}

/// `Deny` with `NotPrincipal`.
fn deny_not_principal(matcher: &Matcher<'_>, element: &PrincipalElement, origin: &Origin<'_>) -> Formula {
    let chain = chain_listed(matcher, element, origin);
    let listed = if everyone_listed(matcher, element) {
        Formula::True
    } else if chain.is_empty() {
        Formula::False
    } else if matcher.world.settings.notprincipal == NotPrincipalChain::Lenient {
        formula::or(chain)
    } else {
        formula::and(chain)
    };
    let without_boundary = match matcher.caller.has_boundary() {
        Some(has) => formula::constant(!has),
        None => formula::not(Formula::Atom(Box::new(unknown_boundary(origin.unit)))),
    };
    formula::not(formula::and([listed, without_boundary]))
}

/// a principal without exported policies may have a boundary.
fn unknown_boundary(unit: &UnitId) -> ResidualAtom {
    ResidualAtom {
        unit: unit.clone(),
        policy: Some(crate::resolve::unknown_ref(PolicyKind::Boundary)),
        statement: None,
        kind: AtomKind::Policy,
        keys: Vec::new(),
    }
}

/// `Allow` with `NotPrincipal`.
fn allow_not_principal(matcher: &Matcher<'_>, element: &PrincipalElement, origin: &Origin<'_>) -> Formula {
    if everyone_listed(matcher, element) {
        return Formula::False;
    }
    formula::not(formula::or(chain_listed(matcher, element, origin)))
}
