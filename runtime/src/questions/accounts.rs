//! Conditions that hold the caller's account: `aws:ResourceAccount` equals `${aws:PrincipalAccount}`.
//!
//! The number of an account is twelve digits, which stand in a pattern as they are. A text without those digits is matched by
//! none of the patterns that they are put into, so that such a condition is the same for all accounts that the request's
//! values do not spell out. One of them stands for all.

use super::asking::{Asking, Stamped};
use super::rows::mask;
use super::truths::Kinds;
use crate::caller::account_id;
use crate::eval::Whose;
use crate::layout::*;
use crate::scratch::State;

const DIGITS: usize = 12;
/// Values that spell out more accounts are not worth it.
const NAMED_MAX: usize = 16;

impl Asking<'_> {
    /// An atom that depends on the account of the caller and on nothing else of him: what it is at most, and the row that
    /// tells accounts apart (NONE: they are alike). `None`: it is no such atom.
    pub(super) fn by_accounts(&mut self, atom: u32) -> Option<(Kinds, u32)> {
        // Few accounts are asked one by one.
        if !self.lanes.dependence.atoms[atom as usize].by_number || self.owner_matters || self.is_local {
            return None;
        }
        let known = self.work.by_accounts[atom as usize];
        if known.stamp == self.work.stamp {
            return known.value;
        }
        let value = self.work_out_by_accounts(atom);
        self.work.by_accounts[atom as usize] = Stamped { stamp: self.work.stamp, value };
        value
    }

    fn work_out_by_accounts(&mut self, atom: u32) -> Option<(Kinds, u32)> {
        let mut named = std::mem::take(&mut self.work.named_runs);
        named.clear();
        let value = self.find_named_runs(atom, &mut named).then(|| self.ask_accounts(atom, &named));
        self.work.named_runs = named;
        value
    }

    /// The runs whose accounts the values of the atom's key spell out. False: too many.
    fn find_named_runs(&mut self, atom: u32, named: &mut Vec<u32>) -> bool {
        let [_, key, ..] = self.set.atom(atom);
        let eval = &mut self.main;
        let own = eval.key(Whose::Base, key);
        let State::Values { first, count, .. } = eval.state(&own) else { return true };
        for value in first..first + count {
            for digits in eval.value_bytes(value).windows(DIGITS) {
                let row = account_id(digits).and_then(|account| self.set.find_account(account));
                let run = row.map_or(NONE, |row| self.lanes.run_of[row as usize]);
                if run != NONE && !named.contains(&run) {
                    named.push(run);
                }
            }
        }
        named.len() <= NAMED_MAX
    }

    /// Asks one user and one role of each named account, and of one that is not named.
    fn ask_accounts(&mut self, atom: u32, named: &[u32]) -> (Kinds, u32) {
        let n_runs = self.lanes.runs.len() as u32;
        let others = self.stand_ins((0..n_runs).filter(|run| !named.contains(run)));
        let most = self.ask_each(atom, others);
        if named.is_empty() {
            return (most, NONE);
        }
        let row = self.work.truths.make(self.lanes.n_words);
        if let Some(made) = self.work.truths.last_made().filter(|_| !most.is_impossible()) {
            for (word, roles) in self.lanes.roles.iter().enumerate() {
                let value = most.word(*roles);
                (made.definite[word], made.possible[word]) = (value.definite, value.possible);
            }
        }
        for run in named {
            let own = self.stand_ins(std::iter::once(*run));
            let value = self.ask_each(atom, own);
            let run = self.lanes.runs[*run as usize];
            let Some(made) = self.work.truths.last_made() else { continue };
            for word in super::rows::words(run.first, run.end) {
                let (own, value) = (mask(word, run.first, run.end), value.word(self.lanes.roles[word]));
                made.definite[word] = made.definite[word] & !own | value.definite & own;
                made.possible[word] = made.possible[word] & !own | value.possible & own;
            }
        }
        (Kinds::TRUE, row)
    }

    /// The atom for a user and a role.
    fn ask_each(&mut self, atom: u32, stand_ins: [Option<u32>; 2]) -> Kinds {
        let [user, role] = stand_ins.map(|lane| self.with_caller(lane?, |eval, _| eval.atom(Whose::Base, atom)));
        Kinds::of(user, role)
    }
}
