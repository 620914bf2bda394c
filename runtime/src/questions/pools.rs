//! Policies by who has them: the attachments of principals, the other way round.

use super::rows::{Bits, Lists, n_words, set as set_bit};
use crate::layout::*;
use crate::set::{CompiledPolicySet, rows};

/// Which policies of a principal a pool is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PoolKind {
    Identity,
    Boundary,
    /// Session policies that sessions of a role have without asking.
    Session,
}

/// No list of lanes is longer than this without a row of its own.
const LANES_MIN: usize = 64;

/// The bodies of one kind with the lanes that have them. An index is a position in `bodies`.
#[derive(Debug, Default)]
pub(crate) struct Holders {
    /// Ids of bodies, ascending.
    pub(crate) bodies: Vec<u32>,
    lanes: Lists,
    /// By index: the position of its row in `dense`, or NONE.
    dense_of: Vec<u32>,
    dense: Vec<u64>,
    n_words: usize,
    /// Lanes that have any policy of the kind.
    pub(crate) some: Bits,
    /// True iff `some` is not empty.
    pub(crate) is_used: bool,
    /// Lanes that have a policy whose text is not known.
    pub(crate) unknown: Bits,
    pub(crate) has_unknown: bool,
}

/// Who has a body.
pub(crate) enum Lanes<'h> {
    List(&'h [u32]),
    Row(&'h [u64]),
}

impl Holders {
    /// `None`: there are more attachments in all than `limit`.
    pub(crate) fn new(set: &CompiledPolicySet, kind: PoolKind, limit: usize) -> Option<Holders> {
        let principals = rows::<PRINCIPAL_ROW>(&set.tables().principals);
        let n_words = n_words(principals.len() as u32);
        let mut holders = Holders { n_words, some: vec![0; n_words], unknown: vec![0; n_words], ..Holders::default() };
        let mut pairs: Vec<(u32, u32)> = Vec::new();
        let mut n_pairs = 0usize;
        for (lane, row) in (0..).zip(principals) {
            let boundary = [row[4].wrapping_shl(1)];
            let attached = match kind {
                PoolKind::Identity => set.attachments(row[5], row[6]),
                PoolKind::Boundary if row[4] != NONE => &boundary,
                PoolKind::Session if row[0] & PRINCIPAL_ROLE != 0 => set.attachments(row[11], row[12]),
                PoolKind::Boundary | PoolKind::Session => &[],
            };
            n_pairs += attached.len();
            if n_pairs > limit {
                return None;
            }
            if !attached.is_empty() {
                set_bit(&mut holders.some, lane);
                holders.is_used = true;
            }
            for attached in attached {
                let [body, ..] = set.instance(attached >> 1);
                if body == NONE {
                    set_bit(&mut holders.unknown, lane);
                    holders.has_unknown = true;
                } else {
                    pairs.push((body, lane));
                }
            }
        }
        pairs.sort_unstable();
        pairs.dedup();
        holders.bodies = pairs.iter().map(|(body, _)| *body).collect();
        holders.bodies.dedup();
        let mut index = 0;
        for pair in &mut pairs {
            while holders.bodies[index] != pair.0 {
                index += 1;
            }
            pair.0 = index as u32;
        }
        holders.lanes = Lists::new(holders.bodies.len(), &pairs)?;
        holders.dense_of = vec![NONE; holders.bodies.len()];
        for index in 0..holders.bodies.len() as u32 {
            let lanes = holders.lanes.of(index);
            // A row is read word by word, a list lane by lane, which takes about as long.
            if lanes.len() >= LANES_MIN.max(n_words / 2) {
                holders.dense_of[index as usize] = (holders.dense.len() / n_words) as u32;
                let start = holders.dense.len();
                holders.dense.resize(start + n_words, 0);
                let row = &mut holders.dense[start..];
                lanes.iter().for_each(|lane| set_bit(row, *lane));
            }
        }
        Some(holders)
    }

    /// All lanes of a body, ascending.
    pub(crate) fn list(&self, index: u32) -> &[u32] {
        self.lanes.of(index)
    }

    /// The lanes of a body in the form that is quicker to add.
    pub(crate) fn lanes(&self, index: u32) -> Lanes<'_> {
        match self.dense_of[index as usize] {
            NONE => Lanes::List(self.lanes.of(index)),
            at => Lanes::Row(&self.dense[at as usize * self.n_words..][..self.n_words]),
        }
    }

    pub(crate) fn heap_bytes(&self) -> usize {
        let words = self.dense.len() + self.some.len() + self.unknown.len();
        8 * words + 4 * (self.bodies.len() + self.dense_of.len()) + self.lanes.heap_bytes()
    }
}
