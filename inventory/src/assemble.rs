//! Items -> [`World`]: equal ones are merged, contradictions refused, and what is plainly missing becomes a gap.

use crate::error::{InputError, shorten};
use crate::item::Item;
use crate::shared::Shared;
use crate::write::line;
use hashbrown::{DefaultHashBuilder, HashTable};
use iamc_catalogue::lists;
use iamc_policy::World;
use iamc_policy::arn::Arn;
use iamc_policy::source::Place;
use iamc_policy::world::*;
use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasher, Hash};
use std::sync::Arc;

/// A world that grows item by item, in the order read, no two of them about the same thing.
#[derive(Default)]
pub(crate) struct Assembly {
    world: World,
    /// The number of the default version of `world.policies[i]`, where that is known.
    versions: Vec<Option<u64>>,
    /// Where the item of a kind and id stands in its list, by a hash of the two: keeping the ids would keep most of them twice.
    index: HashTable<(u64, usize)>,
    hashes: DefaultHashBuilder,
    /// Lines of items that were met again, by kind and place: each is written once, however often that happens.
    lines: HashMap<(&'static str, usize), String>,
    pub(crate) errors: Vec<InputError>,
}

impl Assembly {
    /// Adds an item. What was said before is not said again; what contradicts it is an error; a fact that was not known
    /// before is added to what was.
    pub(crate) fn add(&mut self, mut item: Item) {
        let hash = self.hashes.hash_one((item.kind(), item.id()));
        let is_it = |(other, at): &(u64, usize)| {
            *other == hash && item.like_it(&self.world, *at).is_some_and(|known| known.id() == item.id())
        };
        let Some((_, at)) = self.index.find(hash, is_it).copied() else {
            if let Item::Policy(_, version) = &item {
                self.versions.push(*version);
            }
            let at = item.put_into(&mut self.world);
            self.index.insert_unique(hash, (hash, at), |(hash, _)| *hash);
            return;
        };
        let what = match self.merge(at, &mut item) {
            Some(outcome) => outcome,
            None => {
                let known = || item.like_it(&self.world, at).map(|known| line(&known)).unwrap_or_default();
                let is_same = *self.lines.entry((item.kind(), at)).or_insert_with(known) == line(&item);
                if is_same { Ok(()) } else { Err("content") }
            }
        };
        if let (Err(what), Some(known)) = (what, item.like_it(&self.world, at)) {
            self.errors.push(contradiction(&known, &item, what));
        }
    }

    /// ARNs of the users so far.
    pub(crate) fn users(&self) -> impl Iterator<Item = &Arn> {
        self.world.users.iter().map(|user| &user.identity.arn)
    }

    /// The world of all items, with what is plainly missing in it.
    ///
    /// `settle`: the items come from exports, where a policy that nobody fetched may be one that cannot exist.
    /// `assume_complete`: what no item names does not exist, be it the policy of a resource or one that is attached.
    /// `shared`: what joins the policies of resources.
    pub(crate) fn finish(self, settle: bool, assume_complete: bool, shared: Shared) -> (World, Vec<InputError>) {
        let Assembly { mut world, mut errors, .. } = self;
        // They grew; who reads the world keeps it for long.
        world.policies.shrink_to_fit();
        world.users.shrink_to_fit();
        world.groups.shrink_to_fit();
        world.roles.shrink_to_fit();
        world.resources.shrink_to_fit();
        refuse_cycles(&world, &mut errors);
        if settle {
            settle_policies(&mut world);
        }
        shared.apply(&mut world);
        let missing = note_gaps(&mut world);
        if assume_complete {
            deny_policies(&mut world);
        } else {
            world.policies.extend(missing);
        }
        (world, errors)
    }

    /// Joins what an item says with what the world says of the same thing, which stands at `at` in its list; the error
    /// names the field in which they differ. `None`: nothing can be joined, they must say the same. What is taken over
    /// is missing in the item afterwards.
    fn merge(&mut self, at: usize, new: &mut Item) -> Option<Result<(), &'static str>> {
        let world = &mut self.world;
        match new {
            Item::Gap(_) | Item::Coverage(_) => Some(Ok(())),
            Item::Account(b) => Some(merge_accounts(&mut world.accounts[at], b)),
            Item::Organization(b) => Some(merge_organizations(&mut world.organizations[at], b)),
            Item::Resource(b) => Some(merge_resources(&mut world.resources[at], b)),
            Item::LastUse(b) => {
                // Two exports of different days differ, and no harm is done: the later use counts.
                let known = &mut world.last_use[at];
                if b.at > known.at {
                    *known = LastUse::clone(b);
                }
                Some(Ok(()))
            }
            Item::Share(b) => Some(merge_shares(&mut world.shares[at], b)),
            Item::Policy(b, newer) => {
                Some(merge_policies((&mut world.policies[at], &mut self.versions[at]), (b, *newer)))
            }
            _ => None,
        }
    }
}

fn merge_accounts(a: &mut Account, b: &mut Account) -> Result<(), &'static str> {
    join(&mut a.name, &mut b.name, "name")?;
    join(&mut a.parent, &mut b.parent, "parent")?;
    join(&mut a.canonical_user, &mut b.canonical_user, "canonical_user")?;
    join(&mut a.s3_restrict_public_buckets, &mut b.s3_restrict_public_buckets, "s3_restrict_public_buckets")
}

fn merge_organizations(a: &mut Organization, b: &mut Organization) -> Result<(), &'static str> {
    if a.management_account != b.management_account {
        return Err("management_account");
    }
    join(&mut a.scp_enabled, &mut b.scp_enabled, "scp_enabled")?;
    join(&mut a.rcp_enabled, &mut b.rcp_enabled, "rcp_enabled")?;
    add_new(&mut a.delegated_administrators, &b.delegated_administrators);
    Ok(())
}

fn merge_resources(a: &mut Resource, b: &mut Resource) -> Result<(), &'static str> {
    join(&mut a.account, &mut b.account, "account")?;
    join(&mut a.tags, &mut b.tags, "tags")?;
    join(&mut a.s3_restrict_public_buckets, &mut b.s3_restrict_public_buckets, "s3_restrict_public_buckets")?;
    join(&mut a.kms_grants, &mut b.kms_grants, "kms_grants")?;
    a.aws_managed_key |= b.aws_managed_key;
    match (&a.policy, &b.policy) {
        (_, ResourcePolicy::NotExported) => Ok(()),
        (ResourcePolicy::NotExported, _) => {
            a.policy = std::mem::replace(&mut b.policy, ResourcePolicy::NotExported);
            Ok(())
        }
        (ResourcePolicy::None, ResourcePolicy::None) => Ok(()),
        (ResourcePolicy::Policy(x), ResourcePolicy::Policy(y)) if same_policy(x, y) => Ok(()),
        _ => Err("policy"),
    }
}

/// A share is told piece by piece: one command names it, others its resources and its principals.
fn merge_shares(a: &mut Share, b: &mut Share) -> Result<(), &'static str> {
    join(&mut a.name, &mut b.name, "name")?;
    join(&mut a.allows_external, &mut b.allows_external, "allows_external")?;
    add_new(&mut a.resources, &b.resources);
    add_new(&mut a.principals, &b.principals);
    Ok(())
}

/// Appends what is not there yet.
fn add_new<T: Clone + Eq + Hash>(known: &mut Vec<T>, new: &[T]) {
    let seen: HashSet<T> = known.iter().cloned().collect();
    known.extend(new.iter().filter(|value| !seen.contains(value)).cloned());
}

/// A text wins over none. AWS updates its own policies at any time, also between the exports of two accounts: of those
/// the highest version counts, in whatever order they come.
fn merge_policies(
    (a, version): (&mut ManagedPolicy, &mut Option<u64>),
    (b, newer): (&ManagedPolicy, Option<u64>),
) -> Result<(), &'static str> {
    let of_aws = a.arn.account() == "aws";
    if is_not_exported(&b.policy) || (of_aws && newer < *version && !is_not_exported(&a.policy)) {
        return Ok(());
    }
    if is_not_exported(&a.policy) || (of_aws && newer > *version) {
        *a = b.clone();
        *version = newer;
        return Ok(());
    }
    if same_policy(&a.policy, &b.policy) { Ok(()) } else { Err("document") }
}

/// Takes over a fact that was not known; two different ones are a contradiction.
fn join<T: PartialEq>(known: &mut Option<T>, new: &mut Option<T>, what: &'static str) -> Result<(), &'static str> {
    match (&known, &new) {
        (_, None) => Ok(()),
        (None, Some(_)) => {
            *known = new.take();
            Ok(())
        }
        (Some(a), Some(b)) if a == b => Ok(()),
        _ => Err(what),
    }
}

fn is_not_exported(policy: &NamedPolicy) -> bool {
    policy.text == PolicyText::Unknown(WhyUnknown::NotExported)
}

/// Whether two policies say the same, wherever their elements stood.
pub(crate) fn same_policy(a: &NamedPolicy, b: &NamedPolicy) -> bool {
    match (&a.text, &b.text) {
        (PolicyText::Known(x), PolicyText::Known(y)) => {
            a.name == b.name && (Arc::ptr_eq(x, y) || x.to_json() == y.to_json())
        }
        (PolicyText::Unknown(_), PolicyText::Unknown(_)) => a.name == b.name && a.source == b.source,
        _ => false,
    }
}

fn contradiction(known: &Item, new: &Item, what: &str) -> InputError {
    let kind = new.kind();
    let before = known.place().map(|place| format!(" at {place}")).unwrap_or_default();
    let id = shorten(&new.id());
    let message = if what == "content" {
        format!("{kind} `{id}` differs from the one{before}")
    } else {
        format!("the {what} of {kind} `{id}` differs from the one{before}")
    };
    error_at(new.place(), message, "keep one of the two, or export again what is older")
}

/// An error at a place; without one, at the start of an unnamed input.
pub(crate) fn error_at(place: Option<&Place>, message: String, help: &str) -> InputError {
    let (file, line) = place.map_or_else(|| ("inventory".into(), 1), |place| (place.file.clone(), place.line));
    InputError { file, line, column: 1, message, help: Some(help.into()) }
}

/// Most types of resources cannot carry a policy; for those "nobody fetched it" means "there is none".
fn settle_policies(world: &mut World) {
    for resource in &mut world.resources {
        let carries = lists::RESOURCE_POLICY_TYPES.iter().any(|(service, beginnings)| {
            *service == resource.arn.service()
                && beginnings.iter().any(|text| resource.arn.resource().starts_with(text))
        });
        if !carries && resource.policy == ResourcePolicy::NotExported {
            resource.policy = ResourcePolicy::None;
        }
    }
}

/// A unit must not lie below itself: whoever walks up would never arrive.
fn refuse_cycles(world: &World, errors: &mut Vec<InputError>) {
    let parents: HashMap<&str, &Unit> = world.units.iter().map(|unit| (unit.id.as_str(), unit)).collect();
    let mut ends: HashSet<&str> = HashSet::new();
    for unit in &world.units {
        let mut path: Vec<&str> = Vec::new();
        let mut on_path: HashSet<&str> = HashSet::new();
        let mut next = Some(unit);
        while let Some(at) = next {
            if ends.contains(at.id.as_str()) {
                break;
            }
            if !on_path.insert(&at.id) {
                let message = format!("the unit `{}` lies below itself", shorten(&at.id));
                errors.push(error_at(at.place.as_ref(), message, "correct `parent`; the root has none"));
                break;
            }
            path.push(&at.id);
            next = at.parent.as_deref().and_then(|parent| parents.get(parent).copied());
        }
        ends.extend(path);
    }
}

/// Nobody fetched it: there is none.
fn deny_policies(world: &mut World) {
    let resources = world.resources.iter_mut().map(|resource| &mut resource.policy);
    let endpoints = world.endpoints.iter_mut().map(|endpoint| &mut endpoint.policy);
    for policy in resources.chain(endpoints).filter(|policy| **policy == ResourcePolicy::NotExported) {
        *policy = ResourcePolicy::None;
    }
}

/// Adds the gaps that anyone can see who follows the references of the world; gives back the policies that are attached
/// and that nothing describes.
fn note_gaps(world: &mut World) -> Vec<ManagedPolicy> {
    let mut gaps = Vec::new();
    note_hierarchy(world, &mut gaps);
    note_groups(world, &mut gaps);
    note_resources(world, &mut gaps);
    let missing = missing_policies(world, &mut gaps);
    let mut known: HashSet<(GapKind, String)> = world.gaps.iter().map(|gap| (gap.kind, gap.subject.clone())).collect();
    for gap in gaps {
        if known.insert((gap.kind, gap.subject.clone())) {
            world.gaps.push(gap);
        }
    }
    missing
}

fn note_hierarchy(world: &World, gaps: &mut Vec<Gap>) {
    let units: HashSet<&str> = world.units.iter().map(|unit| unit.id.as_str()).collect();
    let organizations: HashSet<&str> = world.organizations.iter().map(|x| x.id.as_str()).collect();
    let mut note = |subject: &str, message: String, place: &Option<Place>| {
        gaps.push(Gap { kind: GapKind::Hierarchy, subject: subject.to_owned(), message, place: place.clone() });
    };
    for unit in &world.units {
        match &unit.parent {
            Some(parent) if !units.contains(parent.as_str()) => {
                note(&unit.id, format!("the unit {parent} above {} was not exported", unit.id), &unit.place);
            }
            None if !unit.id.starts_with("r-") => {
                note(&unit.id, format!("the unit above {} was not exported", unit.id), &unit.place);
            }
            _ if !organizations.contains(unit.organization.as_str()) => {
                let message = format!("the organization `{}` of {} was not exported", unit.organization, unit.id);
                note(&unit.id, message, &unit.place);
            }
            _ => {}
        }
    }
    for account in &world.accounts {
        if let Some(parent) = &account.parent
            && !units.contains(parent.as_str())
        {
            let message = format!("the unit {parent} of account {} was not exported", account.id);
            note(&account.id.to_string(), message, &account.place);
        }
    }
}

fn note_groups(world: &World, gaps: &mut Vec<Gap>) {
    // Names of groups are unique in an account without regard to their path.
    let groups: HashSet<(&str, &str)> = world
        .groups
        .iter()
        .map(|group| (group.identity.arn.account(), crate::lines::last_name(&group.identity.arn)))
        .collect();
    for user in &world.users {
        let arn = &user.identity.arn;
        for name in user.groups.iter().filter(|name| !groups.contains(&(arn.account(), name.as_str()))) {
            gaps.push(Gap {
                kind: GapKind::Group,
                subject: arn.to_string(),
                message: format!("the group {name} of {arn} was not exported"),
                place: user.identity.place.clone(),
            });
        }
    }
}

fn note_resources(world: &World, gaps: &mut Vec<Gap>) {
    for resource in world.resources.iter().filter(|resource| resource.policy == ResourcePolicy::NotExported) {
        gaps.push(Gap {
            kind: GapKind::Resources,
            subject: resource.arn.to_string(),
            message: format!("the policy of {} was not exported", resource.arn),
            place: resource.place.clone(),
        });
    }
}

/// Policies that are attached but were not exported: they exist, and their texts are not known.
fn missing_policies(world: &World, gaps: &mut Vec<Gap>) -> Vec<ManagedPolicy> {
    let mut known: HashSet<Arn> = world.policies.iter().map(|policy| policy.arn.clone()).collect();
    let mut missing = Vec::new();
    for policy in world.policies.iter().filter(|policy| is_not_exported(&policy.policy)) {
        gaps.push(policy_gap(
            &policy.arn,
            format!("the text of policy {} was not exported", policy.arn),
            &policy.policy.place,
        ));
    }
    let users = world.users.iter().map(|user| &user.identity);
    let groups = world.groups.iter().map(|group| &group.identity);
    let roles = world.roles.iter().map(|role| &role.identity);
    for identity in users.chain(groups).chain(roles) {
        for arn in identity.attached.iter().chain(&identity.boundary) {
            if !known.insert(arn.clone()) {
                continue;
            }
            let message = format!("the policy {arn} of {} was not exported", identity.arn);
            gaps.push(policy_gap(arn, message, &identity.place));
            let mut policy = NamedPolicy::unknown(crate::lines::last_name(arn));
            policy.place = identity.place.clone();
            missing.push(ManagedPolicy { arn: arn.clone(), policy });
        }
    }
    missing
}

fn policy_gap(arn: &Arn, message: String, place: &Option<Place>) -> Gap {
    Gap { kind: GapKind::ManagedPolicy, subject: arn.to_string(), message, place: place.clone() }
}
