//! More ways than the cheapest (P-15.9).
//!
//! A way is told from others by its (row, target) pairs. Whatever is no longer a way once one pair of each way so far is
//! left out contains one of them; so ways are looked for with ever more pairs left out, the cheapest first (Lawler, "A
//! procedure for computing the k best solutions", 1972).

use super::fact::Fact;
use super::goal::GOAL_ROW;
use super::search::{Cost, Limits, Search};
use super::starts::Wanted;
use super::steps::{Caller, Target};
use super::{Path, Reach, ReachError};
use std::collections::{BTreeMap, BTreeSet};

type Pairs = BTreeSet<(u16, Target)>;

/// So many searches are made for the ways of one start; then those that were found are all.
const SEARCHES_MAX: usize = 256;

impl Reach {
    /// The cheapest ways of one start, as many as are wanted, in the order of P-15.9.
    pub(super) fn ways(
        &mut self,
        caller: Caller,
        is_goal: &dyn Fn(Fact) -> bool,
        wanted: Wanted,
    ) -> Result<Vec<Path>, ReachError> {
        if wanted.alternatives <= 1 {
            let found = self.one(caller, is_goal, wanted.definite)?;
            return found.map(|(search, goal)| self.path(caller, &search, goal)).into_iter().collect();
        }
        let found = self.ways_without(caller, is_goal, wanted);
        self.engine.banned.clear();
        found
    }

    fn ways_without(
        &mut self,
        caller: Caller,
        is_goal: &dyn Fn(Fact) -> bool,
        wanted: Wanted,
    ) -> Result<Vec<Path>, ReachError> {
        let limits = Limits { definite: wanted.definite, is_goal, keeps: false };
        let (mut paths, mut known): (Vec<Path>, Vec<Pairs>) = (Vec::new(), Vec::new());
        let mut tried: BTreeSet<Pairs> = BTreeSet::from([Pairs::new()]);
        // By cost, then by when it was found.
        let mut open: BTreeMap<(Cost, usize), (Search, Fact, Pairs)> = BTreeMap::new();
        let mut next = vec![Pairs::new()];
        let mut n_searches = 0;
        while paths.len() < wanted.alternatives {
            for banned in std::mem::take(&mut next) {
                if n_searches >= SEARCHES_MAX {
                    break;
                }
                n_searches += 1;
                self.engine.banned.clone_from(&banned);
                let search = Search::run(&mut self.engine, &[caller], limits)?;
                let Some(goal) = search.reached else { continue };
                let Some(cost) = search.found.get(&goal).copied() else { continue };
                open.insert((cost, n_searches), (search, goal, banned));
            }
            let Some((_, (search, goal, banned))) = open.pop_first() else { break };
            let steps = search.path(goal);
            let own = steps.iter().filter(|(step, _)| step.row != GOAL_ROW);
            let pairs: Pairs = own.map(|(step, _)| (step.row, step.target)).collect();
            if !known.iter().any(|other| other.is_subset(&pairs)) {
                self.engine.banned.clear();
                paths.push(self.path(caller, &search, goal)?);
                known.push(pairs.clone());
            }
            for pair in pairs {
                let mut more = banned.clone();
                more.insert(pair);
                if tried.insert(more.clone()) {
                    next.push(more);
                }
            }
        }
        Ok(paths)
    }
}
