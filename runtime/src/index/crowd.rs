//! A crowded bucket: many patterns under one key, told apart by a literal piece of each (Aho-Corasick), then compared.
//!
//! Of each pattern the literal piece is taken that the fewest of the bucket share. One automaton finds all of them in an
//! ARN; the patterns of the pieces that were found are candidates. A pattern whose pieces all stand in every other one
//! too, or that has none, is always a candidate.

use crate::code::{Step, Steps};
use crate::pattern::Pattern;
use aho_corasick::{AhoCorasick, AhoCorasickKind, MatchKind};
use std::borrow::Cow;
use std::collections::HashMap;

/// Of a literal piece so many bytes, the last ones, go into the automaton: enough to tell names apart, and a bound on
/// its size, some fifty bytes for each of these.
pub(crate) const PIECE_BYTES_MAX: usize = 16;

/// The patterns of one crowded bucket.
#[derive(Debug)]
pub(crate) struct Crowd {
    /// `None`: there is no piece, or the automaton was refused.
    finder: Option<AhoCorasick>,
    /// By piece: where its patterns begin in `ids`; one more at the end.
    starts: Vec<u32>,
    ids: Vec<u32>,
    /// Always candidates.
    listed: Vec<u32>,
    /// The automaton was refused.
    pub(crate) is_refused: bool,
}

impl Crowd {
    /// The patterns `ids`, ascending. Cost: O(bytes of the patterns), in time and in space.
    pub(crate) fn new<'a>(ids: &[u32], fold: bool, pattern: impl Fn(u32) -> Pattern<'a>) -> Crowd {
        // Hostile texts cannot aim at the hash of this map, and it is asked, never walked.
        let mut sharers: HashMap<Cow<'_, [u8]>, u32> = HashMap::new();
        for id in ids {
            for piece in pieces(&pattern(*id)) {
                *sharers.entry(folded(piece, fold)).or_insert(0) += 1;
            }
        }
        let mut numbers: HashMap<Cow<'_, [u8]>, usize> = HashMap::new();
        let mut texts: Vec<Vec<u8>> = Vec::new();
        let mut members: Vec<(usize, u32)> = Vec::new();
        let mut listed = Vec::new();
        for id in ids {
            let pattern = pattern(*id);
            let found = pieces(&pattern)
                .map(|piece| folded(piece, fold))
                .map(|piece| (sharers.get(&piece).copied().unwrap_or(u32::MAX), piece))
                .filter(|(n_sharers, _)| (*n_sharers as usize) < ids.len())
                .min_by_key(|(n_sharers, piece)| (*n_sharers, std::cmp::Reverse(piece.len())));
            match found {
                Some((_, piece)) => {
                    let number = *numbers.entry(piece).or_insert_with_key(|piece| {
                        texts.push(piece.to_vec());
                        texts.len() - 1
                    });
                    members.push((number, *id));
                }
                None => listed.push(*id),
            }
        }
        members.sort_unstable();
        let mut starts = vec![0; texts.len() + 1];
        for (number, _) in &members {
            starts[number + 1] += 1;
        }
        for number in 0..texts.len() {
            starts[number + 1] += starts[number];
        }
        let built = (!texts.is_empty()).then(|| {
            AhoCorasick::builder()
                .match_kind(MatchKind::Standard)
                .kind(Some(AhoCorasickKind::ContiguousNFA))
                .ascii_case_insensitive(fold)
                .build(&texts)
        });
        let ids: Vec<u32> = members.into_iter().map(|(_, id)| id).collect();
        match built {
            Some(Err(_)) => {
                listed.extend(ids);
                Crowd { finder: None, starts: vec![0], ids: Vec::new(), listed, is_refused: true }
            }
            built => Crowd { finder: built.and_then(Result::ok), starts, ids, listed, is_refused: false },
        }
    }

    /// Adds the patterns that may match to `candidates`, each once. `seen` is memory to work with.
    ///
    /// Cost: O(bytes of the text + pieces found + candidates).
    pub(crate) fn candidates(&self, text: &[u8], seen: &mut Vec<u64>, candidates: &mut Vec<u32>) {
        candidates.extend(&self.listed);
        let Some(finder) = &self.finder else { return };
        seen.clear();
        seen.resize(self.starts.len().div_ceil(64), 0);
        for found in finder.find_overlapping_iter(text) {
            let piece = found.pattern().as_usize();
            let (word, bit) = (piece / 64, 1 << (piece % 64));
            if seen[word] & bit == 0 {
                seen[word] |= bit;
                candidates.extend(&self.ids[self.starts[piece] as usize..self.starts[piece + 1] as usize]);
            }
        }
    }

    /// Patterns found by their piece, and those that are always candidates.
    pub(crate) fn n_found_and_listed(&self) -> [usize; 2] {
        [self.ids.len(), self.listed.len()]
    }

    /// Bytes on the heap.
    pub(crate) fn heap_bytes(&self) -> usize {
        let lists = self.starts.len() + self.ids.len() + self.listed.len();
        4 * lists + self.finder.as_ref().map_or(0, AhoCorasick::memory_usage)
    }
}

/// The literal pieces of a pattern, each cut to its last bytes.
fn pieces<'a>(pattern: &Pattern<'a>) -> impl Iterator<Item = &'a [u8]> {
    Steps(pattern.code).filter_map(|step| match step {
        Step::Literal(text) => Some(&text[text.len().saturating_sub(PIECE_BYTES_MAX)..]),
        _ => None,
    })
}

fn folded(piece: &[u8], fold: bool) -> Cow<'_, [u8]> {
    if fold { Cow::Owned(piece.to_ascii_lowercase()) } else { Cow::Borrowed(piece) }
}
