//! Hash tables of a compiled policy set: open addressing over ids, with the texts kept elsewhere.
//!
//! A table is a power of two of slots, each [`NONE`] or an id with a tag; at most three in four of them are taken, so that
//! every probe ends soon, and the table takes 5 to 11 bytes an id. Probing is linear from `hash & (len - 1)`. Ids are
//! less than `len - 1`, so that the upper bits of a slot are free for the tag: bits of the hash that the position does not
//! say. Hardly any text is looked at but the one that is meant, and none for a text that is not there.

use crate::layout::NONE;

/// The hash of a text: XXH3 with 64 bits, whose definition is fixed, so that images may rely on it.
pub fn hash(text: &[u8]) -> u64 {
    xxhash_rust::xxh3::xxh3_64(text)
}

/// [`hash()`] of a text that comes in pieces.
#[derive(Default)]
pub(crate) struct Checksum(xxhash_rust::xxh3::Xxh3Default);

impl Checksum {
    pub(crate) fn add(&mut self, piece: &[u8]) {
        self.0.update(piece);
    }

    pub(crate) fn finish(&self) -> u64 {
        self.0.digest()
    }
}

/// Builds a table. The order of insertion decides where colliding ids lie; the same order gives the same table.
///
/// ```
/// use iamc_runtime::hash::{TableBuilder, find, hash};
/// let texts = ["a", "b", "a"];
/// let mut builder = TableBuilder::new(texts.len());
/// for (id, text) in texts.iter().enumerate() {
///     builder.insert(hash(text.as_bytes()), id as u32, |other| texts[other as usize] == *text);
/// }
/// let table = builder.finish();
/// assert_eq!(find(&table, hash(b"a"), |id| texts[id as usize] == "a"), Some(0));
/// assert_eq!(find(&table, hash(b"c"), |id| texts[id as usize] == "c"), None);
/// ```
#[derive(Debug, Clone)]
pub struct TableBuilder {
    slots: Vec<u32>,
    n_taken: usize,
}

impl TableBuilder {
    /// A table for ids below `n_max`.
    pub fn new(n_max: usize) -> TableBuilder {
        TableBuilder { slots: vec![NONE; (n_max * 4).div_ceil(3).next_power_of_two().max(2)], n_taken: 0 }
    }

    /// Adds an id, unless one of the same text (`same`) is there: the first wins. Returns whether it was added.
    ///
    /// Panics: if more or higher ids are added than [`TableBuilder::new`] was told.
    pub fn insert(&mut self, hash: u64, id: u32, mut same: impl FnMut(u32) -> bool) -> bool {
        let mask = self.slots.len() - 1;
        match slot(&self.slots, hash, &mut same) {
            Some(at) if self.slots[at] == NONE => {
                self.n_taken += 1;
                let fits = is_sparse(self.n_taken, self.slots.len()) && (id as usize) < mask;
                assert!(fits, "more ids than the table was made for");
                self.slots[at] = tag(hash, mask) | id;
                true
            }
            found => {
                assert!(found.is_some(), "more ids than the table was made for");
                false
            }
        }
    }

    /// The table.
    pub fn finish(self) -> Vec<u32> {
        self.slots
    }
}

/// The id for which `same` holds, among those whose hash may be `hash`. An empty table finds nothing.
///
/// Cost: O(1) on average, O(ids) at worst.
pub fn find(table: &[u32], hash: u64, same: impl FnMut(u32) -> bool) -> Option<u32> {
    let found = table[slot(table, hash, same)?];
    (found != NONE).then(|| found & (table.len() as u32 - 1))
}

/// The slot of the id for which `same` holds, or the free one where it would go; `None`: there is neither.
pub(crate) fn slot(table: &[u32], hash: u64, mut same: impl FnMut(u32) -> bool) -> Option<usize> {
    let mask = table.len().checked_sub(1)?;
    let tag = tag(hash, mask);
    let mut slot = hash as usize & mask;
    // A valid table has a free slot; the bound only says so twice.
    for _ in 0..table.len() {
        match table[slot] {
            NONE => return Some(slot),
            id if id & !(mask as u32) == tag && same(id & mask as u32) => return Some(slot),
            _ => slot = (slot + 1) & mask,
        }
    }
    None
}

/// Something of the slot where looking for a hash begins: reading it fetches what [`find`] reads first.
pub(crate) fn read_ahead(table: &[u32], hash: u64) -> u32 {
    table.get(hash as usize & table.len().wrapping_sub(1)).copied().unwrap_or(NONE)
}

/// What a slot says of a hash besides the id.
pub(crate) fn tag(hash: u64, mask: usize) -> u32 {
    (hash >> 32) as u32 & !(mask as u32)
}

/// True iff at most three in four slots are taken.
fn is_sparse(n_taken: usize, n_slots: usize) -> bool {
    n_taken * 4 <= n_slots * 3
}

/// True iff the slots are a table over ids below `n`: a power of two of them, at least one in four of them free.
pub(crate) fn is_table(table: &[u32], n: usize) -> bool {
    let Some(mask) = table.len().checked_sub(1) else { return true };
    let (Ok(word), Ok(end)) = (u32::try_from(mask), u32::try_from(n.min(mask))) else { return false };
    let n_taken = table.iter().filter(|slot| **slot != NONE).count();
    // Without a branch, so that several slots are looked at together.
    let n_ids = table.iter().filter(|slot| (**slot != NONE) & ((**slot & word) < end)).count();
    table.len().is_power_of_two() && is_sparse(n_taken, table.len()) && n_ids == n_taken
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_text_is_found_and_no_other() {
        let texts: Vec<String> = (0..1000).map(|i| format!("text-{i}")).collect();
        let mut builder = TableBuilder::new(texts.len());
        for (id, text) in texts.iter().enumerate() {
            assert!(builder.insert(hash(text.as_bytes()), id as u32, |other| texts[other as usize] == *text));
        }
        let table = builder.finish();
        assert!(is_table(&table, 1000) && !is_table(&table, 999));
        let at = |text: &str| find(&table, hash(text.as_bytes()), |id| texts[id as usize] == text);
        for (id, text) in texts.iter().enumerate() {
            assert_eq!(at(text), Some(id as u32));
        }
        assert_eq!(at("text-1000"), None);
        assert_eq!(find(&[], hash(b""), |_| true), None);
    }

    #[test]
    fn tables_have_room_for_what_they_were_made_for() {
        for n in 0..200 {
            let mut builder = TableBuilder::new(n as usize);
            (0..n).for_each(|id| assert!(builder.insert(u64::from(id) * 7, id, |_| false)));
            let table = builder.finish();
            assert!(is_table(&table, n as usize), "{n}");
            assert!(n < 2 || table.len() < 3 * n as usize, "{n}");
            assert_eq!(find(&table, 7 * u64::from(n), |_| false), None);
        }
    }

    #[test]
    fn the_hash_is_the_published_one() {
        // Test vectors of XXH3 with seed 0.
        assert_eq!(hash(b""), 0x2d06_8005_38d3_94c2);
    }
}
