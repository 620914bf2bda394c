//! One thing of an inventory on its way into the world.

use iamc_policy::source::Place;
use iamc_policy::world::*;
use std::borrow::Cow;

/// One line of our own format, whatever it was read from. All are boxed, since an item is moved some times on its way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Item {
    Organization(Box<Organization>),
    Unit(Box<Unit>),
    Account(Box<Account>),
    Guardrail(Box<Guardrail>),
    /// A managed policy, and the number of its default version where that is known.
    Policy(Box<ManagedPolicy>, Option<u64>),
    User(Box<User>),
    Group(Box<Group>),
    Role(Box<Role>),
    Resource(Box<Resource>),
    Endpoint(Box<Endpoint>),
    Provider(Box<Provider>),
    InstanceProfile(Box<InstanceProfile>),
    RunsAs(Box<RunsAs>),
    Share(Box<Share>),
    LastUse(Box<LastUse>),
    Gap(Box<Gap>),
    Coverage(Box<Coverage>),
}

impl Item {
    /// The `kind` of its line.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Item::Organization(_) => "organization",
            Item::Unit(_) => "organizational_unit",
            Item::Account(_) => "account",
            Item::Guardrail(_) => "guardrail",
            Item::Policy(..) => "policy",
            Item::User(_) => "user",
            Item::Group(_) => "group",
            Item::Role(_) => "role",
            Item::Resource(_) => "resource",
            Item::Endpoint(_) => "endpoint",
            Item::Provider(_) => "provider",
            Item::InstanceProfile(_) => "instance_profile",
            Item::RunsAs(_) => "runs_as",
            Item::Share(_) => "share",
            Item::LastUse(_) => "last_use",
            Item::Gap(_) => "gap",
            Item::Coverage(_) => "coverage",
        }
    }

    /// What no two of its kind share.
    pub(crate) fn id(&self) -> Cow<'_, str> {
        match self {
            Item::Organization(x) => Cow::Borrowed(&x.id),
            Item::Unit(x) => Cow::Borrowed(&x.id),
            Item::Account(x) => x.id.to_string().into(),
            Item::Guardrail(x) => Cow::Borrowed(&x.id),
            Item::Policy(x, _) => x.arn.as_str().into(),
            Item::User(x) => x.identity.arn.as_str().into(),
            Item::Group(x) => x.identity.arn.as_str().into(),
            Item::Role(x) => x.identity.arn.as_str().into(),
            Item::Resource(x) => x.arn.as_str().into(),
            Item::Endpoint(x) => Cow::Borrowed(&x.id),
            Item::Provider(x) => x.arn.as_str().into(),
            Item::InstanceProfile(x) => x.arn.as_str().into(),
            Item::RunsAs(x) => x.resource.as_str().into(),
            Item::Share(x) => x.arn.as_str().into(),
            Item::LastUse(x) => x.arn.as_str().into(),
            Item::Gap(x) => format!("{} {}", gap_word(x.kind), x.subject).into(),
            Item::Coverage(x) => format!("{} {}", x.account, x.service).into(),
        }
    }

    pub(crate) fn place(&self) -> Option<&Place> {
        match self {
            Item::Organization(x) => x.place.as_ref(),
            Item::Unit(x) => x.place.as_ref(),
            Item::Account(x) => x.place.as_ref(),
            Item::Guardrail(x) => x.policy.place.as_ref(),
            Item::Policy(x, _) => x.policy.place.as_ref(),
            Item::User(x) => x.identity.place.as_ref(),
            Item::Group(x) => x.identity.place.as_ref(),
            Item::Role(x) => x.identity.place.as_ref(),
            Item::Resource(x) => x.place.as_ref(),
            Item::Endpoint(x) => x.place.as_ref(),
            Item::Provider(x) => x.place.as_ref(),
            Item::InstanceProfile(x) => x.place.as_ref(),
            Item::RunsAs(x) => x.place.as_ref(),
            Item::Share(x) => x.place.as_ref(),
            Item::LastUse(x) => x.place.as_ref(),
            Item::Gap(x) => x.place.as_ref(),
            Item::Coverage(x) => x.place.as_ref(),
        }
    }

    /// What stands at `at` in the list of the item's kind, as an item; the number of a version is not known there.
    pub(crate) fn like_it(&self, world: &World, at: usize) -> Option<Item> {
        fn boxed<T: Clone>(x: &T) -> Box<T> {
            Box::new(x.clone())
        }
        match self {
            Item::Organization(_) => world.organizations.get(at).map(|x| Item::Organization(boxed(x))),
            Item::Unit(_) => world.units.get(at).map(|x| Item::Unit(boxed(x))),
            Item::Account(_) => world.accounts.get(at).map(|x| Item::Account(boxed(x))),
            Item::Guardrail(_) => world.guardrails.get(at).map(|x| Item::Guardrail(boxed(x))),
            Item::Policy(..) => world.policies.get(at).map(|x| Item::Policy(boxed(x), None)),
            Item::User(_) => world.users.get(at).map(|x| Item::User(boxed(x))),
            Item::Group(_) => world.groups.get(at).map(|x| Item::Group(boxed(x))),
            Item::Role(_) => world.roles.get(at).map(|x| Item::Role(boxed(x))),
            Item::Resource(_) => world.resources.get(at).map(|x| Item::Resource(boxed(x))),
            Item::Endpoint(_) => world.endpoints.get(at).map(|x| Item::Endpoint(boxed(x))),
            Item::Provider(_) => world.providers.get(at).map(|x| Item::Provider(boxed(x))),
            Item::InstanceProfile(_) => world.instance_profiles.get(at).map(|x| Item::InstanceProfile(boxed(x))),
            Item::RunsAs(_) => world.runs_as.get(at).map(|x| Item::RunsAs(boxed(x))),
            Item::Share(_) => world.shares.get(at).map(|x| Item::Share(boxed(x))),
            Item::LastUse(_) => world.last_use.get(at).map(|x| Item::LastUse(boxed(x))),
            Item::Gap(_) => world.gaps.get(at).map(|x| Item::Gap(boxed(x))),
            Item::Coverage(_) => world.coverage.get(at).map(|x| Item::Coverage(boxed(x))),
        }
    }

    /// Appends it to the list of its kind; where it stands there.
    pub(crate) fn put_into(self, world: &mut World) -> usize {
        fn push<T>(list: &mut Vec<T>, x: T) -> usize {
            list.push(x);
            list.len() - 1
        }
        match self {
            Item::Organization(x) => push(&mut world.organizations, *x),
            Item::Unit(x) => push(&mut world.units, *x),
            Item::Account(x) => push(&mut world.accounts, *x),
            Item::Guardrail(x) => push(&mut world.guardrails, *x),
            Item::Policy(x, _) => push(&mut world.policies, *x),
            Item::User(x) => push(&mut world.users, *x),
            Item::Group(x) => push(&mut world.groups, *x),
            Item::Role(x) => push(&mut world.roles, *x),
            Item::Resource(x) => push(&mut world.resources, *x),
            Item::Endpoint(x) => push(&mut world.endpoints, *x),
            Item::Provider(x) => push(&mut world.providers, *x),
            Item::InstanceProfile(x) => push(&mut world.instance_profiles, *x),
            Item::RunsAs(x) => push(&mut world.runs_as, *x),
            Item::Share(x) => push(&mut world.shares, *x),
            Item::LastUse(x) => push(&mut world.last_use, *x),
            Item::Gap(x) => push(&mut world.gaps, *x),
            Item::Coverage(x) => push(&mut world.coverage, *x),
        }
    }
}

/// Every kind of gap, in the order of their words in docs/inventory-format.md.
pub(crate) const GAP_KINDS: &[GapKind] = &[
    GapKind::Identities,
    GapKind::Resources,
    GapKind::Scps,
    GapKind::Rcps,
    GapKind::Hierarchy,
    GapKind::Endpoints,
    GapKind::Group,
    GapKind::ManagedPolicy,
];

/// The word for a kind of gap in our format.
pub(crate) fn gap_word(kind: GapKind) -> &'static str {
    match kind {
        GapKind::Identities => "identities",
        GapKind::Resources => "resources",
        GapKind::Scps => "scps",
        GapKind::Rcps => "rcps",
        GapKind::Hierarchy => "hierarchy",
        GapKind::Endpoints => "endpoints",
        GapKind::Group => "group",
        GapKind::ManagedPolicy => "managed_policy",
    }
}
