//! What identity policies say about an action of any resource, gathered by what has to be asked: worked out when an action
//! is first asked about, and kept.
//!
//! Statements without conditions are two rows of principals. Of those with conditions, all that share a block and an effect
//! are one group with one list of principals, so that a question costs its different blocks, not its statements.

use super::inverse::ByLanes;
use super::pools::Lanes;
use super::postings::{Holder, denies, names_any};
use super::rows::{Bits, set as set_bit};
use crate::set::CompiledPolicySet;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

/// AboutActions are kept up to so many bytes; then all are forgotten.
const KEPT_BYTES: usize = 256 << 20;

/// An action with an id.
#[derive(Debug, Clone, Copy)]
pub(super) struct OfAction<'a> {
    /// Among all actions, and its service.
    pub(super) id: u32,
    pub(super) service: u32,
    /// Among those of the service.
    pub(super) position: u32,
    pub(super) name: &'a [u8],
}

/// Statements with the same conditions and effect.
#[derive(Debug, Clone, Copy)]
pub(super) struct Group {
    /// One of them, which stands for all.
    pub(super) statement: u32,
    pub(super) deny: bool,
    is_row: bool,
    /// Where the lanes begin: in `AboutAction::lanes`, or in `AboutAction::rows`.
    first: u32,
    len: u32,
}

/// The statements about one action and any resource.
#[derive(Debug, Default)]
pub(crate) struct AboutAction {
    /// Whom a statement without conditions allows, and whom one denies; empty: nobody.
    pub(super) plain: [Bits; 2],
    pub(super) groups: Vec<Group>,
    lanes: Vec<u32>,
    rows: Bits,
    n_words: usize,
    /// Numbers of the statements with `NotResource`.
    pub(super) rest: Vec<u32>,
}

impl AboutAction {
    fn new(set: &CompiledPolicySet, lanes: &ByLanes, action: OfAction<'_>) -> AboutAction {
        let n_words = lanes.n_words;
        let mut about = AboutAction { n_words, ..AboutAction::default() };
        let OfAction { id, service, position, name } = action;
        let row = |number: u32| set.statement(lanes.postings.statements[number as usize]);
        let is_about = |number: u32| set.action_test(row(number)[1], service, position, name);
        lanes.postings.each_plain(service, id, |number, ask| {
            if ask && !is_about(number) {
                return;
            }
            let bits = &mut about.plain[usize::from(denies(set, lanes.postings.statements[number as usize]))];
            bits.resize(n_words, 0);
            add_holders(lanes, number, bits);
        });
        let mut groups: Vec<(u32, bool, u32)> = Vec::new();
        lanes.postings.each_tested(service, id, |number, ask| {
            if ask && !is_about(number) {
                return;
            }
            let [_, _, resource, block, _] = row(number);
            if names_any(set, resource) {
                groups.push((block, denies(set, lanes.postings.statements[number as usize]), number));
            } else {
                about.rest.push(number);
            }
        });
        groups.sort_unstable();
        let mut bits = vec![0; n_words];
        for group in groups.chunk_by(|left, right| (left.0, left.1) == (right.0, right.1)) {
            bits.fill(0);
            group.iter().for_each(|(.., number)| add_holders(lanes, *number, &mut bits));
            let len = bits.iter().map(|word| word.count_ones()).sum::<u32>();
            // A row is read word by word, a list lane by lane, which takes about as long.
            let is_row = len as usize >= n_words / 2;
            let first = if is_row { about.rows.len() } else { about.lanes.len() } as u32;
            if is_row {
                about.rows.extend(&bits);
            } else {
                about.lanes.extend(super::rows::ones(&bits, 0..n_words));
            }
            let statement = lanes.postings.statements[group[0].2 as usize];
            about.groups.push(Group { statement, deny: group[0].1, is_row, first, len });
        }
        about
    }

    /// The principals of a group.
    pub(super) fn lanes(&self, group: &Group) -> Lanes<'_> {
        let first = group.first as usize;
        if group.is_row {
            Lanes::Row(&self.rows[first..][..self.n_words])
        } else {
            Lanes::List(&self.lanes[first..][..group.len as usize])
        }
    }

    fn heap_bytes(&self) -> usize {
        let bits = self.plain.iter().map(Vec::len).sum::<usize>() + self.rows.len();
        8 * bits + 4 * (self.lanes.len() + self.rest.len()) + size_of::<Group>() * self.groups.len()
    }
}

/// Adds everyone who has a statement.
fn add_holders(lanes: &ByLanes, number: u32, bits: &mut [u64]) {
    match lanes.postings.holder(number) {
        Holder::Lane(lane) => set_bit(bits, lane),
        Holder::Bodies(bodies) => {
            for body in bodies {
                match lanes.identity.lanes(*body) {
                    Lanes::List(list) => list.iter().for_each(|lane| set_bit(bits, *lane)),
                    Lanes::Row(row) => bits.iter_mut().zip(row).for_each(|(bits, row)| *bits |= row),
                }
            }
        }
    }
}

/// The actions that are kept between questions.
#[derive(Debug, Default)]
pub(crate) struct AboutActions {
    kept: Mutex<Kept>,
}

#[derive(Debug, Default)]
struct Kept {
    actions: HashMap<u32, Arc<AboutAction>>,
    bytes: usize,
}

impl AboutActions {
    /// What is said about an action; the first question about it pays for it.
    pub(super) fn of(&self, set: &CompiledPolicySet, lanes: &ByLanes, action: OfAction<'_>) -> Arc<AboutAction> {
        let kept = || self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(about) = kept().actions.get(&action.id) {
            return Arc::clone(about);
        }
        let about = Arc::new(AboutAction::new(set, lanes, action));
        let mut kept = kept();
        if kept.bytes > KEPT_BYTES {
            *kept = Kept::default();
        }
        kept.bytes += about.heap_bytes();
        Arc::clone(kept.actions.entry(action.id).or_insert(about))
    }
}
