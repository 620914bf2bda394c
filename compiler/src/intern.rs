//! Interning: equal content gets equal numbers, in first-seen order.
//!
//! Two kinds of content: text, and lists of numbers. Everything that lowering makes is one of the two, so sharing
//! equality of parsed forms) is decided in this file and nowhere else. Numbers are dense, and never depend on
//! the order of a hash table: tables here are asked, not walked.

use crate::error::{CompileError, id};
use hashbrown::{DefaultHashBuilder, HashTable};
use std::hash::{BuildHasher, Hash};

/// The number of a text in [`Strings`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct StringId(pub(crate) u32);

/// "None" in places of a list where a number may be missing.
pub(crate) const NONE: u32 = u32::MAX;

/// Numbers by the hash of what they stand for.
///
/// The hash is seeded anew in each process: whoever writes an inventory cannot aim at it. Half of it is kept beside the
/// number, so that growing reads no content again: in a large world that would be a cache miss for each.
#[derive(Debug, Default)]
struct Table {
    entries: HashTable<(u32, u32)>,
    hasher: DefaultHashBuilder,
}

impl Table {
    fn hash(&self, content: &(impl Hash + ?Sized)) -> u32 {
        (self.hasher.hash_one(content) >> 32) as u32
    }

    /// The number with that hash for which `same` holds.
    fn find(&self, hash: u32, mut same: impl FnMut(u32) -> bool) -> Option<u32> {
        self.entries.find(whole(hash), |&(half, id)| half == hash && same(id)).map(|&(_, id)| id)
    }

    fn insert(&mut self, hash: u32, id: u32) {
        self.entries.insert_unique(whole(hash), (hash, id), |&(half, _)| whole(half));
    }
}

/// The table takes its place from the low bits of a hash and a tag from the high ones.
fn whole(half: u32) -> u64 {
    u64::from(half) << 32 | u64::from(half)
}

/// All different texts.
#[derive(Debug, Default)]
pub(crate) struct Strings {
    bytes: String,
    ends: Vec<u32>,
    table: Table,
}

impl Strings {
    /// The number of `text`, a new one if it was not seen before.
    ///
    /// Errors: the texts together pass what 32 bits can number.
    pub(crate) fn intern(&mut self, text: &str) -> Result<StringId, CompileError> {
        let Strings { bytes, ends, table } = self;
        let hash = table.hash(text);
        if let Some(found) = table.find(hash, |known| at(bytes, ends, known) == text) {
            return Ok(StringId(found));
        }
        let new = id("texts", ends.len())?;
        let end = id("bytes of text", bytes.len() + text.len())?;
        bytes.push_str(text);
        ends.push(end);
        table.insert(hash, new);
        Ok(StringId(new))
    }

    /// The text with that number. Panics: the number is not one of these texts.
    pub(crate) fn get(&self, id: StringId) -> &str {
        at(&self.bytes, &self.ends, id.0)
    }

    /// Bytes of all texts.
    pub(crate) fn n_bytes(&self) -> usize {
        self.bytes.len()
    }
}

fn at<'a>(bytes: &'a str, ends: &[u32], id: u32) -> &'a str {
    let index = id as usize;
    let start = if index == 0 { 0 } else { ends[index - 1] };
    &bytes[start as usize..ends[index] as usize]
}

/// All different lists of numbers of one meaning: what the numbers say is for the owner to know.
#[derive(Debug)]
pub(crate) struct Lists {
    what: &'static str,
    words: Vec<u32>,
    ends: Vec<u32>,
    table: Table,
}

impl Lists {
    /// No lists yet; `what` names them in errors.
    pub(crate) fn new(what: &'static str) -> Lists {
        Lists { what, words: Vec::new(), ends: Vec::new(), table: Table::default() }
    }

    /// The number of `list`, a new one if it was not seen before.
    ///
    /// Errors: the lists together pass what 32 bits can number.
    pub(crate) fn intern(&mut self, list: &[u32]) -> Result<u32, CompileError> {
        let Lists { what, words, ends, table } = self;
        let hash = table.hash(list);
        if let Some(found) = table.find(hash, |known| row(words, ends, known) == list) {
            return Ok(found);
        }
        let new = id(what, ends.len())?;
        let end = id(what, words.len() + list.len())?;
        words.extend_from_slice(list);
        ends.push(end);
        table.insert(hash, new);
        Ok(new)
    }

    /// Gives back the memory that only finding equal lists needs. A list that is interned afterwards gets a new number.
    pub(crate) fn freeze(&mut self) {
        self.table = Table::default();
    }

    /// The list with that number. Panics: the number is not one of these lists.
    pub(crate) fn get(&self, id: u32) -> &[u32] {
        row(&self.words, &self.ends, id)
    }

    /// The list with that number, where all have `N` words. Panics: the number is not one of these lists, or the list
    /// has another length.
    pub(crate) fn row<const N: usize>(&self, id: u32) -> [u32; N] {
        self.get(id).try_into().expect("every list of this kind is interned with as many words")
    }

    /// How many lists there are.
    pub(crate) fn len(&self) -> usize {
        self.ends.len()
    }
}

fn row<'a>(words: &'a [u32], ends: &[u32], id: u32) -> &'a [u32] {
    let index = id as usize;
    let start = if index == 0 { 0 } else { ends[index - 1] };
    &words[start as usize..ends[index] as usize]
}

/// Stretches of one growing list that are stored once: where each begins.
///
/// The list itself lies elsewhere (in a table that is being filled) and is given with each call; it must be the same
/// one, and only grow, between calls.
#[derive(Debug, Default)]
pub(crate) struct Stretches {
    table: HashTable<(u32, u32)>,
    hasher: DefaultHashBuilder,
}

impl Stretches {
    /// Where `stretch` begins in `list`; it is added at the end if it was not added before.
    ///
    /// Errors: the list passes what 32 bits can number; `what` names it.
    pub(crate) fn intern<T: Copy + Eq + Hash>(
        &mut self,
        what: &'static str,
        list: &mut Vec<T>,
        stretch: &[T],
    ) -> Result<u32, CompileError> {
        let at = |&(start, len): &(u32, u32)| start as usize..start as usize + len as usize;
        let hash = self.hasher.hash_one(stretch);
        if let Some(&(start, _)) = self.table.find(hash, |known| &list[at(known)] == stretch) {
            return Ok(start);
        }
        let start = id(what, list.len())?;
        let len = id(what, list.len() + stretch.len())? - start;
        list.extend_from_slice(stretch);
        self.table.insert_unique(hash, (start, len), |known| self.hasher.hash_one(&list[at(known)]));
        Ok(start)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_texts_get_equal_numbers_in_first_seen_order() {
        let mut strings = Strings::default();
        let texts = ["b", "", "a", "b", "é", "", "ab"];
        let ids: Vec<u32> = texts.iter().map(|text| strings.intern(text).unwrap().0).collect();
        assert_eq!(ids, [0, 1, 2, 0, 3, 1, 4]);
        for (text, id) in texts.iter().zip(ids) {
            assert_eq!(strings.get(StringId(id)), *text);
        }
        assert_eq!(strings.n_bytes(), "baéab".len());
    }

    #[test]
    fn equal_lists_get_equal_numbers_in_first_seen_order() {
        let mut lists = Lists::new("lists");
        let given: [&[u32]; 5] = [&[1, 2], &[], &[1], &[1, 2], &[2, 1]];
        let ids: Vec<u32> = given.iter().map(|list| lists.intern(list).unwrap()).collect();
        assert_eq!(ids, [0, 1, 2, 0, 3]);
        for (list, id) in given.iter().zip(ids) {
            assert_eq!(lists.get(id), *list);
        }
        assert_eq!(lists.len(), 4);
    }

    #[test]
    fn equal_stretches_lie_in_one_place() {
        let mut list = vec![9u8];
        let mut stretches = Stretches::default();
        let mut intern = |text: &[u8]| stretches.intern("bytes", &mut list, text).unwrap();
        assert_eq!([intern(b"ab"), intern(b"b"), intern(b"ab"), intern(b""), intern(b"")], [1, 3, 1, 4, 4]);
        assert_eq!(list, b"\x09abb");
    }

    #[test]
    fn many_texts_stay_apart() {
        let mut strings = Strings::default();
        let ids: Vec<StringId> = (0..10_000).map(|n| strings.intern(&n.to_string()).unwrap()).collect();
        for (n, id) in ids.iter().enumerate() {
            assert_eq!(strings.get(*id), n.to_string());
        }
    }
}
