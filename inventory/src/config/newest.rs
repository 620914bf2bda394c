//! Of several items about one resource the newest counts: histories, and recorders of several Regions, repeat them.

use crate::assemble::error_at;
use crate::error::{InputError, shorten};
use crate::fact::{ConfigFacts, Fact};
use iamc_policy::ids::AccountId;
use iamc_policy::source::Place;
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

/// What Config said last of each resource.
#[derive(Default)]
pub(crate) struct Newest {
    /// Key of the resource -> when, and what was said then.
    known: BTreeMap<String, (String, Vec<Fact>)>,
    /// Account and Region -> the one snapshot of them.
    snapshots: BTreeMap<(AccountId, String), (String, Place)>,
}

impl Newest {
    /// Takes in an item. Items of one time are all kept: they say the same, or contradict each other.
    pub(crate) fn add(&mut self, new: ConfigFacts) {
        match self.known.entry(new.key) {
            Entry::Vacant(entry) => {
                entry.insert((new.captured, new.facts));
            }
            Entry::Occupied(mut entry) => {
                let known = entry.get_mut();
                if new.captured > known.0 {
                    *known = (new.captured, new.facts);
                } else if new.captured == known.0 {
                    known.1.extend(new.facts);
                }
            }
        }
    }

    /// Takes in a snapshot. A second one of the same account and Region is of another day, and what was deleted between
    /// the two stands in the older: an error.
    pub(crate) fn snapshot(
        &mut self,
        id: String,
        account: AccountId,
        region: String,
        place: Place,
    ) -> Option<InputError> {
        let message = format!("a second snapshot of account {account} in `{}`", shorten(&region));
        let known = self.snapshots.entry((account, region)).or_insert_with(|| (id.clone(), place.clone()));
        if known.0 == id {
            return None;
        }
        let help = "keep the newer one: the older holds what is gone by now";
        Some(error_at(Some(&place), format!("{message}; the first is at {}", known.1), help))
    }

    /// What counts, in the order of the resources.
    pub(crate) fn into_facts(self) -> impl Iterator<Item = Fact> {
        self.known.into_values().flat_map(|(_, facts)| facts)
    }
}
