//! Rows of bits, one for each principal: how the answer to a question about everybody is kept while it is found.

use crate::logic::{K, Tri};

/// Words that hold a bit for each of `n` lanes.
pub(crate) fn n_words(n: u32) -> usize {
    n.div_ceil(64) as usize
}

/// One bit for each lane.
pub(crate) type Bits = Vec<u64>;

pub(crate) fn get(bits: &[u64], lane: u32) -> bool {
    bits[lane as usize / 64] >> (lane % 64) & 1 == 1
}

pub(crate) fn set(bits: &mut [u64], lane: u32) {
    bits[lane as usize / 64] |= 1 << (lane % 64);
}

/// The lanes of word `word` that lie in `first..end`.
pub(crate) fn mask(word: usize, first: u32, end: u32) -> u64 {
    let start = (word * 64) as u64;
    let from = u64::from(first).saturating_sub(start).min(64) as u32;
    let to = u64::from(end).saturating_sub(start).min(64) as u32;
    let below = |n: u32| if n == 64 { u64::MAX } else { (1u64 << n) - 1 };
    below(to) & !below(from)
}

/// The words that hold the lanes `first..end`.
pub(crate) fn words(first: u32, end: u32) -> std::ops::Range<usize> {
    if first >= end { 0..0 } else { first as usize / 64..(end as usize - 1) / 64 + 1 }
}

/// The lanes that are on, ascending, within a range of words.
pub(crate) fn ones(bits: &[u64], words: std::ops::Range<usize>) -> impl Iterator<Item = u32> + '_ {
    let start = words.start;
    bits[words].iter().enumerate().flat_map(move |(at, word)| {
        let mut rest = *word;
        std::iter::from_fn(move || {
            (rest != 0).then(|| {
                let bit = rest.trailing_zeros();
                rest &= rest - 1;
                ((start + at) * 64) as u32 + bit
            })
        })
    })
}

/// A truth value for each lane that is being gathered by disjunction.
///
/// What is definite is possible: a lane that is certain is noted once, in `definite`, and [`Gathered::word`] puts both
/// together.
#[derive(Debug, Clone, Default)]
pub(crate) struct Gathered {
    pub(crate) definite: Bits,
    pub(crate) perhaps: Bits,
}

impl Gathered {
    /// Makes room for rows of that many words and forgets what the words of a range say.
    pub(crate) fn clear(&mut self, n_words: usize, words: std::ops::Range<usize>) {
        for bits in [&mut self.definite, &mut self.perhaps] {
            if bits.len() < n_words {
                bits.resize(n_words, 0);
            }
            bits[words.clone()].fill(0);
        }
    }

    pub(crate) fn word(&self, word: usize) -> K<u64> {
        let definite = self.definite[word];
        K { definite, possible: self.perhaps[word] | definite }
    }

    /// Adds a value to one lane.
    pub(crate) fn add(&mut self, lane: u32, value: Tri) {
        if value.definite {
            set(&mut self.definite, lane);
        } else if value.possible {
            set(&mut self.perhaps, lane);
        }
    }

    /// Adds values to the lanes of one word.
    pub(crate) fn add_word(&mut self, word: usize, value: K<u64>) {
        self.definite[word] |= value.definite;
        self.perhaps[word] |= value.possible;
    }
}

/// A truth value for each lane that is known as a whole.
#[derive(Debug, Clone, Default)]
pub(crate) struct TruthRow {
    pub(crate) definite: Bits,
    /// Empty: the same as `definite`.
    pub(crate) possible: Bits,
}

impl TruthRow {
    pub(crate) fn word(&self, word: usize) -> K<u64> {
        let definite = self.definite[word];
        K { definite, possible: self.possible.get(word).copied().unwrap_or(definite) }
    }

    pub(crate) fn at(&self, lane: u32) -> Tri {
        let definite = get(&self.definite, lane);
        K { definite, possible: if self.possible.is_empty() { definite } else { get(&self.possible, lane) } }
    }

    pub(crate) fn heap_bytes(&self) -> usize {
        8 * (self.definite.len() + self.possible.len())
    }
}

/// Lists of numbers by key: one array of all lists and where each begins.
#[derive(Debug, Clone, Default)]
pub(crate) struct Lists {
    offsets: Vec<u32>,
    items: Vec<u32>,
}

impl Lists {
    /// From pairs (key, item), in their order within each key; keys are below `n_keys`. `None`: more than 2^32 items.
    pub(crate) fn new(n_keys: usize, pairs: &[(u32, u32)]) -> Option<Lists> {
        u32::try_from(pairs.len()).ok()?;
        let mut offsets = vec![0u32; n_keys + 1];
        for (key, _) in pairs {
            offsets[*key as usize + 1] += 1;
        }
        for at in 1..offsets.len() {
            offsets[at] += offsets[at - 1];
        }
        let mut next = offsets.clone();
        let mut items = vec![0; pairs.len()];
        for (key, item) in pairs {
            let place = &mut next[*key as usize];
            items[*place as usize] = *item;
            *place += 1;
        }
        Some(Lists { offsets, items })
    }

    pub(crate) fn of(&self, key: u32) -> &[u32] {
        let key = key as usize;
        match self.offsets.get(key..key + 2) {
            Some([first, end]) => &self.items[*first as usize..*end as usize],
            _ => &[],
        }
    }

    pub(crate) fn heap_bytes(&self) -> usize {
        4 * (self.offsets.len() + self.items.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn masks_and_ones() {
        assert_eq!(mask(0, 0, 64), u64::MAX);
        assert_eq!(mask(0, 1, 3), 0b110);
        assert_eq!(mask(1, 1, 66), 0b11);
        assert_eq!(mask(1, 1, 64), 0);
        assert_eq!(mask(0, 64, 128), 0);
        assert_eq!((words(3, 3), words(0, 64), words(63, 65)), (0..0, 0..1, 0..2));
        let mut bits = vec![0; 3];
        for lane in [0, 63, 64, 191] {
            set(&mut bits, lane);
            assert!(get(&bits, lane) && !get(&bits, lane ^ 1));
        }
        assert_eq!(ones(&bits, 0..3).collect::<Vec<_>>(), [0, 63, 64, 191]);
        assert_eq!(ones(&bits, 1..2).collect::<Vec<_>>(), [64]);
    }

    #[test]
    fn lists_keep_their_order() {
        let lists = Lists::new(3, &[(2, 7), (0, 1), (2, 5)]).unwrap();
        assert_eq!((lists.of(0), lists.of(1), lists.of(2), lists.of(9)), (&[1][..], &[][..], &[7, 5][..], &[][..]));
    }

    #[test]
    fn what_is_gathered() {
        let mut gathered = Gathered::default();
        gathered.clear(2, 0..2);
        gathered.add(1, K::TRUE);
        gathered.add(1, K::UNKNOWN);
        gathered.add(65, K::UNKNOWN);
        gathered.add_word(1, K { definite: 4, possible: 12 });
        assert_eq!(gathered.word(0), K { definite: 2, possible: 2 });
        assert_eq!(gathered.word(1), K { definite: 4, possible: 14 });
        gathered.clear(2, 1..2);
        assert_eq!(gathered.word(0).definite, 2);
        assert_eq!(gathered.word(1), K { definite: 0, possible: 0 });
    }
}
