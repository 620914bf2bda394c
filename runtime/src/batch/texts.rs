//! Texts, each once, numbered in the order in which they come: what columns of logs repeat.

use crate::hash::tag;
use crate::layout::NONE;
use std::hash::{BuildHasher, RandomState};

/// Interned texts. Ids are dense, first seen first; they depend on nothing but the texts.
#[derive(Debug)]
pub(crate) struct Texts {
    bytes: Vec<u8>,
    /// Where each text ends.
    ends: Vec<usize>,
    /// As the tables of `hash`, at most half of the slots taken.
    slots: Vec<u32>,
    /// Texts come from outside: whoever wrote them cannot know which collide.
    seed: u64,
}

impl Texts {
    pub(crate) fn new() -> Texts {
        let seed = RandomState::new().hash_one(0);
        Texts { bytes: Vec::new(), ends: Vec::new(), slots: vec![NONE; 16], seed }
    }

    pub(crate) fn len(&self) -> usize {
        self.ends.len()
    }

    /// Bytes of all texts.
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Where a text lies in [`Texts::bytes`]. Panics if there is no such id.
    pub(crate) fn span(&self, id: u32) -> (usize, usize) {
        let id = id as usize;
        (if id == 0 { 0 } else { self.ends[id - 1] }, self.ends[id])
    }

    pub(crate) fn get(&self, id: u32) -> &[u8] {
        let (start, end) = self.span(id);
        &self.bytes[start..end]
    }

    /// Where a text ends, if it is there.
    pub(crate) fn end(&self, id: u32) -> usize {
        self.ends.get(id as usize).copied().unwrap_or(0)
    }

    pub(crate) fn hash(&self, text: &[u8]) -> u64 {
        xxhash_rust::xxh3::xxh3_64_with_seed(text, self.seed)
    }

    /// Fetches what looking for a text with that hash reads first.
    pub(crate) fn read_ahead(&self, hash: u64) -> u32 {
        crate::hash::read_ahead(&self.slots, hash)
    }

    /// The slot of a text, or the free one where it would go: half of them are free.
    fn slot(&self, hash: u64, text: &[u8]) -> usize {
        crate::hash::slot(&self.slots, hash, |id| self.get(id) == text).expect("half of the slots are free")
    }

    /// The text that one with that hash probably is; NONE: it is not there.
    pub(crate) fn candidate(&self, hash: u64) -> u32 {
        crate::hash::find(&self.slots, hash, |_| true).unwrap_or(NONE)
    }

    /// The id of a text with that hash, if it is there.
    pub(crate) fn find_by(&self, hash: u64, text: &[u8]) -> Option<u32> {
        crate::hash::find(&self.slots, hash, |id| self.get(id) == text)
    }

    fn id_bits(&self) -> u32 {
        self.slots.len() as u32 - 1
    }

    /// The id of a text, and whether it is new. Cost: O(bytes of the text) on average.
    pub(crate) fn intern(&mut self, text: &[u8]) -> (u32, bool) {
        self.intern_by(self.hash(text), text)
    }

    /// The same by the hash of the text.
    pub(crate) fn intern_by(&mut self, hash: u64, text: &[u8]) -> (u32, bool) {
        let slot = self.slot(hash, text);
        if self.slots[slot] != NONE {
            return (self.slots[slot] & self.id_bits(), false);
        }
        let id = self.ends.len() as u32;
        self.bytes.extend_from_slice(text);
        self.ends.push(self.bytes.len());
        self.slots[slot] = tag(hash, self.slots.len() - 1) | id;
        if self.ends.len() * 2 > self.slots.len() {
            self.grow();
        }
        (id, true)
    }

    fn grow(&mut self) {
        let n_slots = self.slots.len() * 2;
        self.slots.clear();
        self.slots.resize(n_slots, NONE);
        for id in 0..self.ends.len() as u32 {
            let hash = self.hash(self.get(id));
            let mut slot = hash as usize & (n_slots - 1);
            while self.slots[slot] != NONE {
                slot = (slot + 1) & (n_slots - 1);
            }
            self.slots[slot] = tag(hash, n_slots - 1) | id;
        }
    }

    /// Forgets every text but keeps the memory.
    pub(crate) fn clear(&mut self) {
        self.bytes.clear();
        self.ends.clear();
        self.slots.fill(NONE);
    }

    /// Heap bytes that the texts take, about.
    pub(crate) fn heap_bytes(&self) -> usize {
        self.bytes.len() + self.ends.len() * 8 + self.slots.len() * 4
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn find(texts: &Texts, text: &[u8]) -> Option<u32> {
        texts.find_by(texts.hash(text), text)
    }

    #[test]
    fn ids_are_first_seen() {
        let mut texts = Texts::new();
        let mut expected: Vec<String> = Vec::new();
        for round in 0..3 {
            for i in 0..500 {
                let text = format!("text-{}", i / (round + 1));
                let known = expected.iter().position(|other| *other == text);
                let (id, new) = texts.intern(text.as_bytes());
                assert_eq!((id as usize, new), (known.unwrap_or(expected.len()), known.is_none()));
                if new {
                    expected.push(text);
                }
            }
        }
        for (id, text) in expected.iter().enumerate() {
            assert_eq!(texts.get(id as u32), text.as_bytes());
            assert_eq!(find(&texts, text.as_bytes()), Some(id as u32));
            assert_eq!(texts.candidate(texts.hash(text.as_bytes())), id as u32);
        }
        assert_eq!(find(&texts, b"text"), None);
        texts.clear();
        assert_eq!((texts.len(), find(&texts, b"text-1")), (0, None));
        assert_eq!(texts.intern(b""), (0, true));
        assert_eq!(texts.intern(b""), (0, false));
    }
}
