//! The order in which rows are decided: by principal, then by action, so that what is read for one row is still there
//! for the next.

use crate::batch::{BatchTables, Rows};
use crate::set::CompiledPolicySet;

/// Where the parts of a key lie, from the top: principal, action, position in the window.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Keys {
    index_bits: u32,
    action_bits: u32,
    /// All bits of a key that is sorted.
    bits: u32,
}

/// Rows of a window at most: beyond, nothing is won, and the keys grow out of the caches.
pub(crate) const WINDOW_MAX: usize = 1 << 20;

/// Bits that hold the numbers below `n`.
fn bits(n: usize) -> u32 {
    usize::BITS - n.saturating_sub(1).leading_zeros()
}

impl Keys {
    /// For windows of at most `window` rows, of which there are at most [`WINDOW_MAX`].
    pub(crate) fn new(set: &CompiledPolicySet, window: usize) -> Keys {
        // One more for ids that the set does not have; which of them it is does not matter for the order.
        let principal_bits = bits(set.n_principals() as usize + 1);
        let action_bits = bits(set.tables().action_flags.len() + 1);
        let index_bits = bits(window);
        let bits = principal_bits + action_bits + index_bits;
        assert!(bits <= 64, "a catalogue has fewer than 2^16 actions, and no set 2^28 principals of a cache line each");
        Keys { index_bits, action_bits, bits }
    }

    /// The position in the window.
    pub(crate) fn index(self, key: u64) -> usize {
        (key & ((1 << self.index_bits) - 1)) as usize
    }

    /// Principal and action together: equal for rows of one run.
    pub(crate) fn run(self, key: u64) -> u64 {
        key >> self.index_bits
    }

    /// The principal's part of a key.
    pub(crate) fn principal(self, key: u64) -> u64 {
        key >> (self.index_bits + self.action_bits)
    }
}

/// Sorts the rows of a window: fills `keys`, ascending, with `spare` as working memory.
///
/// Rows of one principal and one action come by resource, context and session, equal rows one after the other.
/// Cost: O(rows × digits of a key); no allocation once the buffers have grown.
pub(crate) fn sort(
    set: &CompiledPolicySet,
    tables: &BatchTables,
    rows: &Rows<'_>,
    layout: Keys,
    keys: &mut Vec<u64>,
    spare: &mut Vec<u64>,
) {
    let (n_principals, n_actions) = (set.n_principals(), set.tables().action_flags.len() as u32);
    keys.clear();
    keys.extend(rows.principal.iter().zip(rows.action).zip(0u64..).map(|((principal, action), index)| {
        let principal = u64::from((*principal).min(n_principals));
        let action = u64::from((*action).min(n_actions));
        (principal << layout.action_bits | action) << layout.index_bits | index
    }));
    radix(keys, spare, layout.index_bits, layout.bits);
    let mut rest = keys.as_mut_slice();
    while let Some(first) = rest.first() {
        let run = layout.run(*first);
        let n = rest.iter().take_while(|key| layout.run(**key) == run).count();
        let (these, others) = rest.split_at_mut(n);
        if n > 1 {
            these.sort_unstable_by_key(|key| {
                let index = layout.index(*key);
                (rows.resource[index], tables.alike(rows.context[index]), rows.session_at(index), index)
            });
        }
        rest = others;
    }
}

/// Bits of one digit: so many counters stay in the first cache.
const DIGIT_BITS: u32 = 11;

/// Least significant digit first, over bits `low..high` of each key; keys that are equal there keep their order.
fn radix(keys: &mut Vec<u64>, spare: &mut Vec<u64>, low: u32, high: u32) {
    spare.clear();
    spare.resize(keys.len(), 0);
    let mut shift = low;
    while shift < high {
        let width = DIGIT_BITS.min(high - shift);
        let digit = |key: u64| (key >> shift) as usize & ((1 << width) - 1);
        let mut counts = [0usize; 1 << DIGIT_BITS];
        keys.iter().for_each(|key| counts[digit(*key)] += 1);
        if !counts.contains(&keys.len()) {
            let mut next = 0;
            for count in &mut counts {
                next += std::mem::replace(count, next);
            }
            for key in keys.iter() {
                let place = &mut counts[digit(*key)];
                spare[*place] = *key;
                *place += 1;
            }
            std::mem::swap(keys, spare);
        }
        shift += width;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bits_hold_numbers() {
        assert_eq!([0, 1, 2, 3, 4, 5, 1 << 20].map(bits), [0, 0, 1, 2, 2, 3, 20]);
    }

    #[test]
    fn radix_sorts_and_is_stable() {
        let mut state = 1u64;
        let mut keys: Vec<u64> = (0..5_000)
            .map(|index| {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                (state >> 40) << 13 | index
            })
            .collect();
        let mut expected = keys.clone();
        expected.sort_unstable();
        radix(&mut keys, &mut Vec::new(), 13, 37);
        assert_eq!(keys, expected);
    }
}
