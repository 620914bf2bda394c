//! The pattern index: which entries of `Resource` and `NotResource` match an ARN, out of all those of a set.
//!
//! A single decision needs no index: it compares the few patterns of its own statements. Whoever asks about a resource
//! for everybody, or fills the rows of an inventory, asks here. Built on first use from the table of patterns: that is
//! half a second for 300,000 of them, needs no space in the image, and leaves nothing to be validated.
//!
//! Each pattern is filed once, under the rarest of its [`keys`]. An ARN gives all its keys, some three a token; the
//! patterns of their buckets are candidates; each is compared by the one matcher of, so that the index can only
//! cost time. Buckets of more than [`CROWD_MIN`] patterns, whose key tells too little, are searched for a second
//! literal piece ([`crowd`]). A variable is a wildcard to all of this, and so is the account of the owner of a policy:
//! whether such a pattern matches is for those to say who know the variable's value, or whose policy it is.

mod crowd;
mod keys;

use crate::caller::account_id;
use crate::code::{Filling, Reached};
use crate::layout::PATTERN_ROW;
use crate::pattern::{self, EVERYTHING, EXACT, HAS_OWN, HAS_VARIABLES, NOTHING, Subject};
use crate::set::CompiledPolicySet;
use crowd::Crowd;
use iamc_policy::AccountId;
use iamc_policy::settings::ArnCase;
use keys::KeyKind;
use std::cmp::Reverse;

/// A bucket of more patterns than this is crowded. A search for pieces walks an automaton over every byte of the ARN;
/// comparing a pattern mostly ends after a few bytes. So a search pays from some tens of patterns on.
pub const CROWD_MIN: usize = 64;

/// A pattern that matches an ARN, or may.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PatternMatch(u32);

impl PatternMatch {
    fn new(id: u32, shape: u32) -> PatternMatch {
        // Four words a pattern and 32-bit positions leave two bits of an id free.
        let bit = |flag: u32| u32::from(shape & flag != 0);
        PatternMatch(id << 2 | bit(HAS_OWN) << 1 | bit(HAS_VARIABLES))
    }

    /// The row of `patterns`.
    pub fn id(self) -> u32 {
        self.0 >> 2
    }

    /// True: the pattern holds the account of whoever owns the policy, and the ARN has some account in its place. It matches
    /// in the policies of that account and of no other; `accounts_of` tells which it can be.
    pub fn is_own(self) -> bool {
        self.0 & 2 == 2
    }

    /// True: the pattern has variables, and some text in their place matches; whether theirs does is open.
    pub fn has_variables(self) -> bool {
        self.0 & 1 == 1
    }
}

/// How many patterns each strategy serves, and what the index consists of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct IndexCounts {
    /// They match everything: never compared.
    pub everything: usize,
    /// They match nothing: not in the index.
    pub nothing: usize,
    /// Found by the hash of the whole text.
    pub whole: usize,
    /// Found by the hash of their literal beginning.
    pub head: usize,
    /// Found by the hash of two neighbouring tokens.
    pub pair: usize,
    /// Found by the hash of one token.
    pub token: usize,
    /// In crowded buckets, found by a literal piece: Aho-Corasick.
    pub piece: usize,
    /// In crowded buckets without a piece that tells them apart: compared whenever the bucket is met.
    pub listed: usize,
    /// Different keys.
    pub n_buckets: usize,
    /// Buckets of more than [`CROWD_MIN`] patterns.
    pub n_crowded: usize,
    /// Patterns in the largest bucket.
    pub bucket_max: usize,
    /// Crowded buckets whose automaton was refused: all their patterns are listed.
    pub n_refused: usize,
    /// Bytes on the heap.
    pub heap_bytes: usize,
}

/// Memory of a worker for questions to a [`PatternIndex`]; after the first ones it no longer grows.
#[derive(Debug, Clone, Default)]
pub struct IndexScratch {
    candidates: Vec<u32>,
    seen: Vec<u64>,
    reached: Reached,
    n_compared: u64,
}

impl IndexScratch {
    /// How many patterns were compared with this scratch so far: what the index did not save.
    pub fn n_compared(&self) -> u64 {
        self.n_compared
    }
}

/// Where the patterns of a set are filed. Ids are rows of the set's `patterns`.
#[derive(Debug)]
pub struct PatternIndex {
    /// ASCII case does not matter to keys (R-2.15, by its switch).
    fold: bool,
    /// Patterns that match everything.
    everything: Vec<u32>,
    /// Patterns that promise no key.
    listed: Vec<u32>,
    /// Key and id, or key and [`CROWD`] with a position in `crowds`; sorted.
    rows: Vec<(u32, u32)>,
    /// By the highest bits of a key: where its rows begin; one more at the end.
    directory: Vec<u32>,
    directory_shift: u32,
    /// One bit for the lowest bits of each key that has rows: most keys of an ARN end here.
    filter: Vec<u64>,
    crowds: Vec<Crowd>,
    counts: IndexCounts,
}

/// No pattern has such an id.
const CROWD: u32 = 1 << 31;

impl PatternIndex {
    /// Files the patterns of a set. The same set gives the same index.
    ///
    /// Cost: O(bytes of the patterns), in time; some 20 bytes a pattern, and for those in crowded buckets at most about
    /// a kilobyte. Panics: never.
    pub(crate) fn new(set: &CompiledPolicySet, crowd_min: usize) -> PatternIndex {
        let fold = set.settings().arn_case == ArnCase::Insensitive;
        let n = (set.tables().patterns.len() / PATTERN_ROW) as u32;
        // How many patterns promise a key, or one of those that share its place. Patterns resemble the ARNs that will be
        // asked about, those without wildcard above all: so this also says how often an ARN will give the key.
        let mut counts = vec![0u32; (8 * n as usize).next_power_of_two().clamp(64, 1 << 24)];
        let mask = counts.len() - 1;
        for id in 0..n {
            let pattern = set.pattern(id);
            let mut count = |key: u32| counts[key as usize & mask] += 1;
            match pattern.kind() {
                EXACT => keys::of_text(pattern.code, fold, &mut count),
                _ => keys::of_pattern(&pattern, fold, &mut |_, key| count(key)),
            }
        }
        let mut index = PatternIndex {
            fold,
            everything: Vec::new(),
            listed: Vec::new(),
            rows: Vec::new(),
            directory: Vec::new(),
            directory_shift: 0,
            filter: Vec::new(),
            crowds: Vec::new(),
            counts: IndexCounts::default(),
        };
        let mut filed: Vec<(u32, u32, KeyKind)> = Vec::with_capacity(n as usize);
        for id in 0..n {
            let pattern = set.pattern(id);
            match pattern.kind() {
                EVERYTHING => index.everything.push(id),
                NOTHING => index.counts.nothing += 1,
                _ => {
                    // The rarest; of those the one that says most.
                    let mut best: Option<((u32, Reverse<KeyKind>), u32)> = None;
                    keys::of_pattern(&pattern, fold, &mut |kind, key| {
                        let n_sharers = if kind == KeyKind::Whole { 0 } else { counts[key as usize & mask] };
                        let this = (n_sharers, Reverse(kind));
                        if best.is_none_or(|(best, _)| this <= best) {
                            best = Some((this, key));
                        }
                    });
                    match best {
                        Some(((_, kind), key)) => filed.push((key, id, kind.0)),
                        // No text is encoded like this: what is no `*` begins with `arn:` or `execute-api:`.
                        None => index.listed.push(id),
                    }
                }
            }
        }
        drop(counts);
        filed.sort_unstable();
        index.file(&filed, crowd_min, set);
        index
    }

    /// Fills buckets from keys and ids in order.
    fn file(&mut self, filed: &[(u32, u32, KeyKind)], crowd_min: usize, set: &CompiledPolicySet) {
        for bucket in filed.chunk_by(|left, right| left.0 == right.0) {
            let counts = &mut self.counts;
            counts.n_buckets += 1;
            counts.bucket_max = counts.bucket_max.max(bucket.len());
            if bucket.len() > crowd_min {
                let ids: Vec<u32> = bucket.iter().map(|(_, id, _)| *id).collect();
                let crowd = Crowd::new(&ids, self.fold, |id| set.pattern(id));
                let [found, listed] = crowd.n_found_and_listed();
                counts.piece += found;
                counts.listed += listed;
                counts.n_crowded += 1;
                counts.n_refused += usize::from(crowd.is_refused);
                self.rows.push((bucket[0].0, CROWD | self.crowds.len() as u32));
                self.crowds.push(crowd);
                continue;
            }
            for (key, id, kind) in bucket {
                self.rows.push((*key, *id));
                *match kind {
                    KeyKind::Whole => &mut counts.whole,
                    KeyKind::Head => &mut counts.head,
                    KeyKind::Pair => &mut counts.pair,
                    KeyKind::Token => &mut counts.token,
                } += 1;
            }
        }
        // Some two rows for each entry of the directory, and eight bits of the filter for each row.
        let bits = self.rows.len().next_power_of_two().ilog2().saturating_sub(1).clamp(1, 28);
        self.directory_shift = 32 - bits;
        self.directory = vec![0; (1 << bits) + 1];
        for (key, _) in &self.rows {
            self.directory[(key >> self.directory_shift) as usize + 1] += 1;
        }
        for at in 1..self.directory.len() {
            self.directory[at] += self.directory[at - 1];
        }
        self.filter = vec![0; (self.rows.len() * 8).next_power_of_two().clamp(64, 1 << 30) / 64];
        for (key, _) in &self.rows {
            let bit = *key as usize & (self.filter.len() * 64 - 1);
            self.filter[bit / 64] |= 1 << (bit % 64);
        }
        self.rows.shrink_to_fit();
        self.counts.everything = self.everything.len();
        self.counts.listed += self.listed.len();
        self.counts.heap_bytes = 4 * (self.everything.len() + self.listed.len() + self.directory.len())
            + 8 * (self.rows.len() + self.filter.len())
            + self.crowds.iter().map(Crowd::heap_bytes).sum::<usize>();
    }

    /// How many patterns each strategy serves.
    pub fn counts(&self) -> IndexCounts {
        self.counts
    }

    /// The rows of a key.
    fn rows(&self, key: u32) -> &[(u32, u32)] {
        let bit = key as usize & (self.filter.len() * 64 - 1);
        if self.filter[bit / 64] >> (bit % 64) & 1 == 0 {
            return &[];
        }
        let place = (key >> self.directory_shift) as usize;
        let rows = &self.rows[self.directory[place] as usize..self.directory[place + 1] as usize];
        // Mostly two; a bisection since whoever writes patterns can aim at one place.
        let start = rows.partition_point(|row| row.0 < key);
        let len = rows[start..].partition_point(|row| row.0 == key);
        &rows[start..start + len]
    }

    /// The patterns that may match, ascending, each once; those that match everything are not among them.
    fn candidates(&self, text: &[u8], seen: &mut Vec<u64>, candidates: &mut Vec<u32>) {
        candidates.clear();
        candidates.extend(&self.listed);
        keys::of_text(text, self.fold, &mut |key| candidates.extend(self.rows(key).iter().map(|(_, id)| *id)));
        candidates.sort_unstable();
        candidates.dedup();
        // Crowds are the greatest numbers.
        let (first, end) = (candidates.partition_point(|id| *id & CROWD == 0), candidates.len());
        for at in first..end {
            self.crowds[(candidates[at] & !CROWD) as usize].candidates(text, seen, candidates);
        }
        candidates.drain(first..end);
        candidates.sort_unstable();
    }
}

impl CompiledPolicySet {
    /// Where the patterns of this set are filed; built when it is first asked for.
    pub fn pattern_index(&self) -> &PatternIndex {
        self.index.get_or_init(|| PatternIndex::new(self, CROWD_MIN))
    }

    /// The entries of `Resource` and `NotResource` that match the resource `arn` by, and those with
    /// variables that may.
    ///
    /// `out` is emptied, then holds ascending ids of patterns, each once. A text that is no ARN, such as the `*`
    /// of, is matched by the entries that match everything and by no other. An entry whose text is at fault
    /// matches nothing, and so is never among them, whatever `NotResource` makes of it.
    ///
    /// The first call files all patterns: O(their bytes). Then: O(bytes of the ARN + patterns found, compared each), and no
    /// allocation once `scratch` and `out` have grown. Who has one question only may prefer
    /// [`CompiledPolicySet::scan_patterns`]. Panics: never.
    pub fn matching_patterns(&self, arn: &str, scratch: &mut IndexScratch, out: &mut Vec<PatternMatch>) {
        let index = self.pattern_index();
        out.clear();
        out.extend(index.everything.iter().map(|id| PatternMatch::new(*id, self.pattern(*id).shape)));
        let Some(subject) = subject(arn) else { return };
        let IndexScratch { candidates, seen, reached, n_compared } = scratch;
        index.candidates(subject.text, seen, candidates);
        *n_compared += candidates.len() as u64;
        for id in candidates.iter() {
            self.push_if_matches(*id, &subject, reached, out);
        }
        out.sort_unstable();
    }

    /// What [`CompiledPolicySet::matching_patterns`] answers, by comparing every pattern of the set: some ten
    /// milliseconds for 300,000 of them, and nothing to be built before.
    pub fn scan_patterns(&self, arn: &str, scratch: &mut IndexScratch, out: &mut Vec<PatternMatch>) {
        out.clear();
        let n = (self.tables().patterns.len() / PATTERN_ROW) as u32;
        let subject = subject(arn);
        for id in 0..n {
            match &subject {
                Some(subject) => self.push_if_matches(id, subject, &mut scratch.reached, out),
                None if self.pattern(id).kind() == EVERYTHING => {
                    out.push(PatternMatch::new(id, self.pattern(id).shape));
                }
                None => {}
            }
        }
    }

    fn push_if_matches(&self, id: u32, subject: &Subject<'_>, reached: &mut Reached, out: &mut Vec<PatternMatch>) {
        let pattern = self.pattern(id);
        if pattern::matches(&pattern, subject, self.settings(), reached, |_| Filling::Hole) {
            out.push(PatternMatch::new(id, pattern.shape));
        }
    }
}

/// The accounts that can stand where a pattern has that of its owner: mostly the one in the fifth component, but a star in
/// front of it may match colons, so any later part of twelve digits may be meant. One may come twice.
pub(crate) fn accounts_of(arn: &str) -> impl Iterator<Item = AccountId> + '_ {
    arn.split(':').skip(4).filter_map(|part| account_id(part.as_bytes()))
}

/// A text of six components.
fn subject(arn: &str) -> Option<Subject<'_>> {
    let subject = Subject::new(arn.as_bytes());
    (subject.colons[4] != usize::MAX).then_some(subject)
}

#[cfg(test)]
mod tests;
