//! Where an account lies in its organization and what follows from it for condition keys (5.2).

use crate::caller::has_gap;
use iamc_policy::world::{GapKind, Organization};
use iamc_policy::{AccountId, World};

/// What the world says about an account's place.
pub(crate) enum Position<'a> {
    /// In an organization: the ids from the root down to the account's own.
    Member { organization: &'a Organization, path: Vec<&'a str> },
    /// In no organization of the world.
    Outside,
    /// The export does not say.
    Unknown,
}

/// Finds the account's place by going up from it, unit by unit.
pub(crate) fn position(world: &World, account: AccountId) -> Position<'_> {
    let unknown = || {
        has_gap(world, GapKind::Hierarchy, &account.to_string())
            || world.organizations.iter().any(|organization| has_gap(world, GapKind::Hierarchy, &organization.id))
    };
    let Some(parent) =
        world.accounts.iter().find(|known| known.id == account).and_then(|known| known.parent.as_deref())
    else {
        return if unknown() { Position::Unknown } else { Position::Outside };
    };
    let mut path = Vec::new();
    let mut next = Some(parent);
    while let Some(id) = next {
        let Some(unit) = world.units.iter().find(|unit| unit.id == id) else {
            return Position::Unknown;
        };
        // A chain longer than there are units runs in a circle: the export contradicts itself.
        if path.len() > world.units.len() || has_gap(world, GapKind::Hierarchy, &unit.id) {
            return Position::Unknown;
        }
        path.push(unit.id.as_str());
        next = unit.parent.as_deref();
        if next.is_none() {
            let Some(organization) = world.organizations.iter().find(|known| known.id == unit.organization) else {
                return Position::Unknown;
            };
            path.reverse();
            return Position::Member { organization, path };
        }
    }
    Position::Unknown
}

/// `aws:PrincipalOrgPaths` and its like: organization, root and units, each followed by a slash (5.2).
pub(crate) fn organization_path(organization: &Organization, path: &[&str]) -> String {
    let mut text = format!("{}/", organization.id);
    for id in path {
        text.push_str(id);
        text.push('/');
    }
    text
}
