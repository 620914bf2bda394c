//! Sets of actions of the catalogue, and how they are written.

use crate::bulk::ActionId;
use crate::layout::*;
use crate::set::{CompiledPolicySet, rows};
use iamc_catalogue::ActionId as CatalogueId;

/// One bit for each action of the catalogue.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct ActionBits(Vec<u64>);

impl ActionBits {
    pub(crate) fn none(set: &CompiledPolicySet) -> ActionBits {
        ActionBits(vec![0; set.tables().action_flags.len().div_ceil(64)])
    }

    pub(crate) fn all(set: &CompiledPolicySet) -> ActionBits {
        let mut all = ActionBits::none(set);
        (0..set.tables().action_flags.len() as u32).for_each(|id| all.add(id));
        all
    }

    pub(crate) fn of_ids(set: &CompiledPolicySet, ids: &[ActionId]) -> ActionBits {
        let mut some = ActionBits::none(set);
        let n = set.tables().action_flags.len() as u32;
        ids.iter().filter(|id| id.get() < n).for_each(|id| some.add(id.get()));
        some
    }

    /// The actions that an action element is about (R-2.9).
    pub(crate) fn of_element(set: &CompiledPolicySet, element: u32) -> ActionBits {
        let tables = set.tables();
        let [flags, first, count] = rows::<ELEMENT_ROW>(&tables.action_elements)[element as usize];
        if flags & ELEMENT_EMPTY != 0 {
            return ActionBits::none(set);
        }
        let mut bits = ActionBits::none(set);
        if flags & ELEMENT_ANY != 0 {
            bits = ActionBits::all(set);
        }
        for [service, action_set] in &rows::<2>(&tables.action_entries)[first as usize..(first + count) as usize] {
            let [_, first, n] = rows::<SERVICE_ROW>(&tables.services)[*service as usize];
            for position in 0..n {
                if set.in_action_set(*action_set, position, &[]) {
                    bits.add(first + position);
                }
            }
        }
        if flags & NEGATED != 0 {
            let mut others = ActionBits::all(set);
            others.remove(&bits);
            bits = others;
        }
        bits
    }

    fn add(&mut self, id: u32) {
        self.0[id as usize / 64] |= 1 << (id % 64);
    }

    pub(crate) fn contains(&self, id: u32) -> bool {
        self.0[id as usize / 64] >> (id % 64) & 1 == 1
    }

    pub(crate) fn join(&mut self, other: &ActionBits) {
        self.0.iter_mut().zip(&other.0).for_each(|(own, other)| *own |= other);
    }

    pub(crate) fn keep(&mut self, other: &ActionBits) {
        self.0.iter_mut().zip(&other.0).for_each(|(own, other)| *own &= other);
    }

    pub(crate) fn remove(&mut self, other: &ActionBits) {
        self.0.iter_mut().zip(&other.0).for_each(|(own, other)| *own &= !other);
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.iter().all(|word| *word == 0)
    }

    pub(crate) fn is_within(&self, other: &ActionBits) -> bool {
        self.0.iter().zip(&other.0).all(|(own, other)| own & !other == 0)
    }
}

/// True iff some text matches both patterns, in which `*` and `?` are wildcards; a variable stands for anything.
///
/// Cost: O(product of their lengths). Panics: never.
///
/// ```
/// use iamc_runtime::patterns_overlap;
/// assert!(patterns_overlap("arn:aws:s3:::a*", "*b/c"));
/// assert!(!patterns_overlap("arn:aws:s3:::a*", "arn:aws:s3:::b*"));
/// ```
pub fn patterns_overlap(left: &str, right: &str) -> bool {
    let [left, right] = [left, right].map(signs);
    // Whether some text matches the beginnings of both: one row for each sign of the left, computed from the last.
    let mut row = vec![false; right.len() + 1];
    row[0] = true;
    for at in 0..right.len() {
        row[at + 1] = row[at] && right[at] == Sign::Any;
    }
    for own in &left {
        let mut next = vec![false; right.len() + 1];
        next[0] = row[0] && *own == Sign::Any;
        for at in 0..right.len() {
            let other = right[at];
            next[at + 1] = match (*own, other) {
                // A star is nothing, or goes on over one more sign of the other.
                (Sign::Any, _) | (_, Sign::Any) => row[at + 1] || next[at],
                (Sign::One, _) | (_, Sign::One) => row[at],
                (own, other) => row[at] && own == other,
            };
        }
        row = next;
    }
    row[right.len()]
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sign {
    Char(char),
    One,
    Any,
}

fn signs(pattern: &str) -> Vec<Sign> {
    let mut signs = Vec::new();
    let mut rest = pattern;
    while let Some(c) = rest.chars().next() {
        if let Some(end) = rest.strip_prefix("${").and_then(|inner| inner.find('}')) {
            signs.push(match &rest[2..2 + end] {
                escape @ ("*" | "?" | "$") => Sign::Char(escape.chars().next().unwrap_or(c)),
                _ => Sign::Any,
            });
            rest = &rest[end + 3..];
            continue;
        }
        signs.push(match c {
            '*' => Sign::Any,
            '?' => Sign::One,
            c => Sign::Char(c),
        });
        rest = &rest[c.len_utf8()..];
    }
    signs
}

/// The leading word of a name: `Get` of `GetObject`.
fn verb(name: &str) -> &str {
    let end = name.char_indices().skip(1).find(|(_, c)| !c.is_ascii_lowercase()).map_or(name.len(), |(at, _)| at);
    &name[..end]
}

/// Patterns that cover the actions of a set and no other of the catalogue: `*`, `s3:*`, `s3:Get*` or names; sorted.
pub(crate) fn patterns_of(set: &CompiledPolicySet, actions: &ActionBits) -> Vec<String> {
    let tables = set.tables();
    let name = |id: u32| set.catalogue().action_by_id(CatalogueId::new(id)).map_or("", |facts| facts.name());
    let mut patterns = Vec::new();
    let mut some_missing = false;
    for [service, first, n] in rows::<SERVICE_ROW>(&tables.services) {
        let members: Vec<u32> = (*first..*first + *n).filter(|id| actions.contains(*id)).collect();
        some_missing |= members.len() < *n as usize;
        if members.is_empty() {
            continue;
        }
        let service = set.text(*service);
        if members.len() == *n as usize {
            patterns.push(format!("{service}:*"));
            continue;
        }
        // Names of one verb stand together, since the catalogue is sorted; a pattern for them must catch no other.
        for run in members.chunk_by(|left, right| verb(name(*left)) == verb(name(*right))) {
            let verb = verb(name(run[0]));
            let n_like = (*first..*first + *n).filter(|id| name(*id).starts_with(verb)).count();
            if run.len() > 1 && run.len() == n_like {
                patterns.push(format!("{service}:{verb}*"));
            } else {
                patterns.extend(run.iter().map(|id| format!("{service}:{}", name(*id))));
            }
        }
    }
    if !some_missing && !patterns.is_empty() {
        return vec!["*".to_owned()];
    }
    patterns.sort();
    patterns
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::code::glob_ascii;

    /// Every pattern over a small alphabet against every other, by the texts that match them.
    #[test]
    fn overlaps_are_texts_in_common() {
        let mut patterns = vec![String::new()];
        let mut texts = vec![String::new()];
        for length in 0..4 {
            let longer = |list: &[String], signs: &str| -> Vec<String> {
                let last = list.iter().filter(|text| text.len() == length);
                last.flat_map(|text| signs.chars().map(move |sign| format!("{text}{sign}"))).collect()
            };
            if length < 3 {
                patterns.extend(longer(&patterns, "ab*?"));
            }
            texts.extend(longer(&texts, "ab"));
        }
        texts.extend(["aabab", "babab", "ababab", "bbabba"].map(str::to_owned));
        for left in &patterns {
            for right in &patterns {
                let both = |text: &String| {
                    glob_ascii(left.as_bytes(), text.as_bytes()) && glob_ascii(right.as_bytes(), text.as_bytes())
                };
                assert_eq!(patterns_overlap(left, right), texts.iter().any(both), "{left} {right}");
            }
        }
        assert!(patterns_overlap("home/${aws:username}/*", "home/ana/x"));
        assert!(!patterns_overlap("a${*}b", "a?"));
    }

    #[test]
    fn verbs() {
        for (name, expected) in [("GetObject", "Get"), ("List", "List"), ("UpdateSAMLProvider", "Update"), ("", "")] {
            assert_eq!(verb(name), expected);
        }
    }
}
