//! Levels of accounts by a plain walk up the units: what the recursive rules of derive, for worlds in which
//! that would be millions of tuples. A test holds the two against each other.

use crate::facts::Facts;
use std::collections::{HashMap, HashSet};

/// The level of each unit whose path up to a root is known: 0 for roots. Units in a circle, below a gap, or below a
/// unit that is not there have none.
///
/// Cost: O(units): each is visited once, then its level is known.
fn unit_levels(facts: &Facts) -> HashMap<u32, u32> {
    let gaps: HashSet<u32> =
        facts.gaps.iter().filter(|(kind, _)| *kind == "hierarchy").map(|&(_, subject)| subject).collect();
    let organizations: HashSet<u32> = facts.organizations.iter().copied().collect();
    let above: HashMap<u32, u32> = facts.below.iter().copied().collect();
    let mut levels: HashMap<u32, Option<u32>> = HashMap::new();
    for &(root, organization) in &facts.roots {
        let sound = organizations.contains(&organization) && !gaps.contains(&root);
        levels.insert(root, sound.then_some(0));
    }
    let mut trail = Vec::new();
    for &(unit, _) in &facts.below {
        let mut at = unit;
        // Up to a unit whose level is settled. What is on the trail counts as unsound meanwhile, so a circle ends.
        let mut level = loop {
            match levels.get(&at) {
                Some(&settled) => break settled,
                None => {
                    levels.insert(at, None);
                    trail.push(at);
                    match above.get(&at) {
                        Some(&next) => at = next,
                        None => break None,
                    }
                }
            }
        };
        while let Some(below) = trail.pop() {
            level = level.filter(|_| !gaps.contains(&below)).map(|level| level + 1);
            levels.insert(below, level);
        }
    }
    levels.into_iter().filter_map(|(unit, level)| Some((unit, level?))).collect()
}

/// How many levels there are: for each account whose path is known, its units and itself.
pub(crate) fn n_levels(facts: &Facts) -> u64 {
    let levels = unit_levels(facts);
    // A level is below the number of units, so each term is below 2^33.
    facts.placed.iter().filter_map(|(_, unit)| levels.get(unit)).map(|level| u64::from(*level) + 2).sum()
}

/// Account, level, entity, sorted: as the relation `Level` of the rules.
pub(crate) fn levels(facts: &Facts) -> Vec<(u32, u32, u32)> {
    let levels = unit_levels(facts);
    let above: HashMap<u32, u32> = facts.below.iter().copied().collect();
    let mut found = Vec::new();
    for &(account, unit) in &facts.placed {
        let Some(&level) = levels.get(&unit) else { continue };
        found.push((account, level + 1, account));
        let mut at = unit;
        for level in (0..=level).rev() {
            found.push((account, level, at));
            // A unit above level 0 has one above it.
            at = above.get(&at).copied().unwrap_or(at);
        }
    }
    found.sort_unstable();
    found
}
