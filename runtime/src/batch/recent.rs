//! Texts that mostly come once, or again soon: numbered as they come, and known again only for a while.
//!
//! Logs name a session for each process that asked. A table of all of them would be read at another place for each row;
//! this one stays in the cache of a core.

use std::hash::{BuildHasher, RandomState};

/// Texts with dense numbers. A text that came lately has its number again, another gets a new one.
#[derive(Debug)]
pub(crate) struct Recent {
    bytes: Vec<u8>,
    /// Where each text ends.
    ends: Vec<usize>,
    /// By hash: bits of the hash that the place does not say, and the number of the text that had the place last.
    places: Vec<(u32, u32)>,
    /// Texts come from outside: whoever wrote them cannot know which collide.
    seed: u64,
}

const PLACES: usize = 1 << 13;
const FREE: (u32, u32) = (0, u32::MAX);

impl Recent {
    pub(crate) fn new() -> Recent {
        let seed = RandomState::new().hash_one(0);
        Recent { bytes: Vec::new(), ends: Vec::new(), places: Vec::new(), seed }
    }

    /// The text with that number; `None`: there is none.
    pub(crate) fn get(&self, id: u32) -> Option<&[u8]> {
        let (id, start) = (id as usize, (id as usize).checked_sub(1));
        let end = *self.ends.get(id)?;
        Some(&self.bytes[start.map_or(0, |before| self.ends[before])..end])
    }

    /// Where the text with that number ends, if there is one.
    pub(crate) fn end(&self, id: u32) -> usize {
        self.ends.get(id as usize).copied().unwrap_or(0)
    }

    /// A number of the text. Cost: O(bytes of the text).
    pub(crate) fn number(&mut self, text: &[u8]) -> u32 {
        if self.places.is_empty() {
            self.places.resize(PLACES, FREE);
        }
        let hash = xxhash_rust::xxh3::xxh3_64_with_seed(text, self.seed);
        let (at, tag) = (hash as usize % PLACES, (hash >> 32) as u32);
        let (known, id) = self.places[at];
        if known == tag && self.get(id) == Some(text) {
            return id;
        }
        let id = self.ends.len() as u32;
        self.bytes.extend_from_slice(text);
        self.ends.push(self.bytes.len());
        self.places[at] = (tag, id);
        id
    }

    /// Forgets every text but keeps the memory.
    pub(crate) fn clear(&mut self) {
        self.bytes.clear();
        self.ends.clear();
        self.places.fill(FREE);
    }

    /// Heap bytes that the texts take, about.
    pub(crate) fn heap_bytes(&self) -> usize {
        self.bytes.len() + self.ends.len() * size_of::<usize>() + self.places.len() * size_of::<(u32, u32)>()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_stand_for_their_texts() {
        let mut recent = Recent::new();
        let texts: Vec<String> = (0..3 * PLACES).map(|n| format!("text-{}", n / 2)).collect();
        for _ in 0..2 {
            let ids: Vec<u32> = texts.iter().map(|text| recent.number(text.as_bytes())).collect();
            for (text, id) in texts.iter().zip(&ids) {
                assert_eq!(recent.get(*id), Some(text.as_bytes()));
            }
            // What comes twice in a row has one number.
            assert!(ids.chunks(2).all(|two| two[0] == two[1]));
        }
        assert!(recent.ends.len() < 4 * PLACES);
        recent.clear();
        assert_eq!(recent.get(0), None);
        assert_eq!(recent.number(b""), 0);
        assert_eq!(recent.get(0), Some(&b""[..]));
    }
}
