//! Sets of actions of the catalogue, and how they are written.

use crate::bulk::ActionId;
use crate::layout::*;
use crate::set::{CompiledPolicySet, rows};
use iamc_catalogue::ActionId as CatalogueId;

/// One bit for each action of the catalogue.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct ActionBits(Vec<u64>);

impl ActionBits {
    pub(crate) fn none(set: &CompiledPolicySet) -> ActionBits {
        ActionBits(vec![0; set.tables().action_flags.len().div_ceil(64)])
    }

    pub(crate) fn all(set: &CompiledPolicySet) -> ActionBits {
        let mut all = ActionBits::none(set);
        (0..set.tables().action_flags.len() as u32).for_each(|id| all.add(id));
        all
    }

    pub(crate) fn of_ids(set: &CompiledPolicySet, ids: &[ActionId]) -> ActionBits {
        let mut some = ActionBits::none(set);
        let n = set.tables().action_flags.len() as u32;
        ids.iter().filter(|id| id.get() < n).for_each(|id| some.add(id.get()));
        some
    }

    /// The actions that an action element is about.
    pub(crate) fn of_element(set: &CompiledPolicySet, element: u32) -> ActionBits {
        let tables = set.tables();
        let [flags, first, count] = rows::<ELEMENT_ROW>(&tables.action_elements)[element as usize];
        if flags & ELEMENT_EMPTY != 0 {
            return ActionBits::none(set);
        }
        let mut bits = ActionBits::none(set);
        if flags & ELEMENT_ANY != 0 {
            bits = ActionBits::all(set);
        }
        for [service, action_set] in &rows::<2>(&tables.action_entries)[first as usize..(first + count) as usize] {
            let [_, first, n] = rows::<SERVICE_ROW>(&tables.services)[*service as usize];
            for position in 0..n {
                if set.in_action_set(*action_set, position, &[]) {
                    bits.add(first + position);
                }
            }
        }
        if flags & NEGATED != 0 {
            let mut others = ActionBits::all(set);
            others.remove(&bits);
            bits = others;
        }
        bits
    }

    fn add(&mut self, id: u32) {
        self.0[id as usize / 64] |= 1 << (id % 64);
    }

    pub(crate) fn contains(&self, id: u32) -> bool {
        self.0[id as usize / 64] >> (id % 64) & 1 == 1
    }

    pub(crate) fn join(&mut self, other: &ActionBits) {
        self.0.iter_mut().zip(&other.0).for_each(|(own, other)| *own |= other);
    }

    pub(crate) fn keep(&mut self, other: &ActionBits) {
        self.0.iter_mut().zip(&other.0).for_each(|(own, other)| *own &= other);
    }

    pub(crate) fn remove(&mut self, other: &ActionBits) {
        self.0.iter_mut().zip(&other.0).for_each(|(own, other)| *own &= !other);
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.iter().all(|word| *word == 0)
    }

    pub(crate) fn is_within(&self, other: &ActionBits) -> bool {
        self.0.iter().zip(&other.0).all(|(own, other)| own & !other == 0)
    }
}

/// The leading word of a name: `Get` of `GetObject`.
fn verb(name: &str) -> &str {
    let end = name.char_indices().skip(1).find(|(_, c)| !c.is_ascii_lowercase()).map_or(name.len(), |(at, _)| at);
    &name[..end]
}

/// Patterns that cover the actions of a set and no other of the catalogue: `*`, `s3:*`, `s3:Get*` or names; sorted.
pub(crate) fn patterns_of(set: &CompiledPolicySet, actions: &ActionBits) -> Vec<String> {
    let tables = set.tables();
    let name = |id: u32| set.catalogue().action_by_id(CatalogueId::new(id)).map_or("", |facts| facts.name());
    let mut patterns = Vec::new();
    let mut some_missing = false;
    for [service, first, n] in rows::<SERVICE_ROW>(&tables.services) {
        let members: Vec<u32> = (*first..*first + *n).filter(|id| actions.contains(*id)).collect();
        some_missing |= members.len() < *n as usize;
        if members.is_empty() {
            continue;
        }
        let service = set.text(*service);
        if members.len() == *n as usize {
            patterns.push(format!("{service}:*"));
            continue;
        }
        // Names of one verb stand together, since the catalogue is sorted; a pattern for them must catch no other.
        for run in members.chunk_by(|left, right| verb(name(*left)) == verb(name(*right))) {
            let verb = verb(name(run[0]));
            let n_like = (*first..*first + *n).filter(|id| name(*id).starts_with(verb)).count();
            if run.len() > 1 && run.len() == n_like {
                patterns.push(format!("{service}:{verb}*"));
            } else {
                patterns.extend(run.iter().map(|id| format!("{service}:{}", name(*id))));
            }
        }
    }
    if !some_missing && !patterns.is_empty() {
        return vec!["*".to_owned()];
    }
    patterns.sort();
    patterns
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn verbs() {
        for (name, expected) in [("GetObject", "Get"), ("List", "List"), ("UpdateSAMLProvider", "Update"), ("", "")] {
            assert_eq!(verb(name), expected);
        }
    }
}
