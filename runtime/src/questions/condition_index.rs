//! Which condition atoms a value can satisfy: of thousands of atoms about one key, those whose values it may match are
//! found, and only they are evaluated.
//!
//! Equality is found by hash, thresholds by bisection, address blocks by prefix, wildcards by their literal beginning. What is
//! found is a candidate: the code that decides has the last word. What is not found matches nothing, so that it is false, or
//! true if its operator is negated.

use crate::code::{Step, Steps};
use crate::conditions::*;
use crate::hash::hash;
use crate::layout::*;
use crate::number;
use crate::set::{CompiledPolicySet, rows};
use std::net::IpAddr;

/// A key with fewer atoms is not worth an index.
const ATOMS_MIN: usize = 8;

/// How the values of an atom are read, as far as a request value may not be readable so: a bit of [`Readings`].
fn bit(reading: Reading) -> u8 {
    match reading {
        Reading::Text => 1,
        Reading::Number => 2,
        Reading::Instant => 4,
        Reading::Address => 8,
        Reading::Arn => 16,
        Reading::Bool | Reading::Binary | Reading::Null => 0,
    }
}

/// Writes the order of a value as words; false if it cannot be read so.
type Reader = fn(&[u8], &mut Vec<u8>) -> bool;

/// How an atom is looked up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Indexed {
    /// 0: not at all.
    reading: u8,
    negated: bool,
}

/// The atoms about one key.
#[derive(Debug, Clone, Default)]
struct OfKey {
    /// Hash of the value and atom, sorted.
    whole: Vec<(u32, u32)>,
    /// The same for values in lower case.
    lower: Vec<(u32, u32)>,
    /// Hash of the literal beginning and atom, sorted; the lengths of those beginnings, ascending.
    heads: Vec<(u32, u32)>,
    head_lens: Vec<u32>,
    /// Of numbers and of instants, values and atoms in their order: of operators that want the request's value to be less,
    /// equal, greater.
    thresholds: [[Vec<(u32, u32)>; 3]; 2],
    /// Is IPv6, prefix length, network, atom; sorted.
    blocks: Vec<(bool, u8, u128, u32)>,
    prefixes: Vec<(bool, u8)>,
}

/// The index of a set.
#[derive(Debug, Default)]
pub(crate) struct ConditionIndex {
    atoms: Vec<Indexed>,
    /// By key id: a position in `keys`, or NONE.
    of_key: Vec<u32>,
    keys: Vec<OfKey>,
}

/// What was found for the value of one key: the unit in which, and how the value can be read.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Readings {
    pub(crate) stamp: u32,
    pub(crate) bits: u8,
}

impl ConditionIndex {
    /// Cost: O(bytes of the values), and sorting them.
    pub(crate) fn new(set: &CompiledPolicySet) -> ConditionIndex {
        let tables = set.tables();
        let atoms = rows::<ATOM_ROW>(&tables.atoms);
        let n_keys = tables.keys.len() / KEY_ROW;
        let mut n_atoms = vec![0usize; n_keys];
        atoms.iter().for_each(|[_, key, ..]| n_atoms[*key as usize] += 1);
        let mut index = ConditionIndex {
            atoms: vec![Indexed::default(); atoms.len()],
            of_key: vec![NONE; n_keys],
            keys: Vec::new(),
        };
        for (id, [operator, key, first, count]) in (0..).zip(atoms) {
            let Some(operator) = read_operator(*operator) else { continue };
            let manner = Manner::of(operator.base);
            let reading = bit(manner.reading);
            let values = || (*first..*first + *count).map(|value| (value, set.value(value)));
            let is_plain = values().all(|(_, value)| value.form != MALFORMED && !value.has_variables());
            if operator.set.is_some() || reading == 0 || n_atoms[*key as usize] < ATOMS_MIN || !is_plain {
                continue;
            }
            let place = &mut index.of_key[*key as usize];
            if *place == NONE {
                *place = index.keys.len() as u32;
                index.keys.push(OfKey::default());
            }
            let of_key = &mut index.keys[*place as usize];
            for (value_id, value) in values() {
                of_key.file(id, value_id, &value, &manner);
            }
            index.atoms[id as usize] = Indexed { reading, negated: manner.negated };
        }
        for of_key in &mut index.keys {
            of_key.finish(set);
        }
        index
    }

    /// Finds the candidates among the atoms about a key for its only value: `found` is called for each, maybe twice.
    /// `None`: the key is not in the index.
    pub(crate) fn find(
        &self,
        set: &CompiledPolicySet,
        key: u32,
        value: &[u8],
        buffer: &mut Vec<u8>,
        mut found: impl FnMut(u32),
    ) -> Option<Readings> {
        let place = *self.of_key.get(key as usize)?;
        let of_key = self.keys.get(place as usize)?;
        let mut bits = bit(Reading::Text);
        of_key.find_text(value, buffer, &mut found);
        let readers: [(Reading, Reader); 2] =
            [(Reading::Number, number::push_number), (Reading::Instant, number::push_instant)];
        for ((reading, read), thresholds) in readers.into_iter().zip(&of_key.thresholds) {
            buffer.clear();
            if thresholds.iter().any(|list| !list.is_empty()) && read(value, buffer) {
                bits |= bit(reading);
                find_number(set, thresholds, buffer, &mut found);
            }
        }
        if let Some(address) = std::str::from_utf8(value).ok().and_then(address) {
            bits |= bit(Reading::Address);
            of_key.find_address(address, &mut found);
        }
        // Whether it is an ARN, the one reader of ARNs says; texts that may be some are found as texts.
        if value.split(|byte| *byte == b':').count() >= 6 && value.starts_with(b"arn:") {
            bits |= bit(Reading::Arn);
        }
        Some(Readings { stamp: 0, bits })
    }

    /// The value of an atom that is no candidate, if the index knows it.
    pub(crate) fn otherwise(&self, atom: u32, readings: Readings) -> Option<bool> {
        let indexed = self.atoms[atom as usize];
        (indexed.reading & readings.bits != 0).then_some(indexed.negated)
    }

    pub(crate) fn heap_bytes(&self) -> usize {
        let of_key = |own: &OfKey| {
            let thresholds = own.thresholds.iter().flatten().map(Vec::len).sum::<usize>();
            8 * (own.whole.len() + own.lower.len() + own.heads.len() + thresholds)
                + 4 * own.head_lens.len()
                + size_of::<(bool, u8, u128, u32)>() * own.blocks.len()
        };
        size_of::<Indexed>() * self.atoms.len() + 4 * self.of_key.len() + self.keys.iter().map(of_key).sum::<usize>()
    }
}

/// Thresholds that the request's number or instant keeps.
fn find_number(set: &CompiledPolicySet, thresholds: &[Vec<(u32, u32)>; 3], own: &[u8], found: &mut impl FnMut(u32)) {
    let [less, equal, greater] = thresholds;
    let below = |list: &[(u32, u32)]| list.partition_point(|(value, _)| set.value(*value).data < own);
    let up_to = |list: &[(u32, u32)]| list.partition_point(|(value, _)| set.value(*value).data <= own);
    let kept = [&less[up_to(less)..], &equal[below(equal)..up_to(equal)], &greater[..below(greater)]];
    kept.into_iter().flatten().for_each(|(_, atom)| found(*atom));
}

/// The literal text with which whatever matches a code begins.
fn head(code: &[u8]) -> &[u8] {
    match Steps(code).next() {
        Some(Step::Literal(text)) => text,
        _ => &[],
    }
}

fn lower(text: &[u8], buffer: &mut Vec<u8>) {
    buffer.clear();
    let mut utf8 = [0; 4];
    for c in String::from_utf8_lossy(text).chars().flat_map(char::to_lowercase) {
        buffer.extend_from_slice(c.encode_utf8(&mut utf8).as_bytes());
    }
}

impl OfKey {
    fn file(&mut self, atom: u32, value_id: u32, value: &Value<'_>, manner: &Manner) {
        match value.form {
            TEXT if manner.lower => self.lower.push((hash(value.data) as u32, atom)),
            TEXT => self.whole.push((hash(value.data) as u32, atom)),
            CODE => self.file_head(head(value.data), atom),
            // Component by component; a colon stands between a literal one and the next.
            ARN => {
                let mut beginning = Vec::new();
                for (at, code) in value.arn_codes().into_iter().flatten().enumerate() {
                    let own = head(code);
                    beginning.extend_from_slice(own);
                    if own.len() < code.len() || at == 5 {
                        break;
                    }
                    beginning.push(b':');
                }
                self.file_head(&beginning, atom);
            }
            EVERY_ARN => self.file_head(&[], atom),
            NUMBER => {
                let (less, equal, greater) = manner.orders;
                let own = &mut self.thresholds[usize::from(manner.reading == Reading::Instant)];
                for (list, wanted) in own.iter_mut().zip([less, equal, greater]) {
                    if wanted {
                        list.push((value_id, atom));
                    }
                }
            }
            V4 => {
                let size = value.words[1] - value.words[0];
                let prefix = 32 - (64 - size.leading_zeros()) as u8;
                self.blocks.push((false, prefix, u128::from(value.words[0]), atom));
            }
            V6 => {
                let number = |at: usize| u128::from(value.words[at]) << 64 | u128::from(value.words[at + 1]);
                let prefix = (number(2) - number(0)).leading_zeros() as u8;
                self.blocks.push((true, prefix, number(0), atom));
            }
            // Null values match nothing.
            _ => {}
        }
    }

    fn file_head(&mut self, head: &[u8], atom: u32) {
        self.heads.push((hash(head) as u32, atom));
        self.head_lens.push(head.len() as u32);
    }

    fn finish(&mut self, set: &CompiledPolicySet) {
        for list in [&mut self.whole, &mut self.lower, &mut self.heads] {
            list.sort_unstable();
            list.dedup();
        }
        self.head_lens.sort_unstable();
        self.head_lens.dedup();
        for list in self.thresholds.iter_mut().flatten() {
            list.sort_by(|left, right| set.value(left.0).data.cmp(set.value(right.0).data).then(left.cmp(right)));
        }
        self.blocks.sort_unstable();
        self.prefixes = self.blocks.iter().map(|(v6, prefix, ..)| (*v6, *prefix)).collect();
        self.prefixes.dedup();
    }

    fn find_text(&self, value: &[u8], buffer: &mut Vec<u8>, found: &mut impl FnMut(u32)) {
        let mut look = |list: &[(u32, u32)], text: &[u8]| {
            let hash = hash(text) as u32;
            let start = list.partition_point(|(known, _)| *known < hash);
            list[start..].iter().take_while(|(known, _)| *known == hash).for_each(|(_, atom)| found(*atom));
        };
        look(&self.whole, value);
        if !self.lower.is_empty() {
            lower(value, buffer);
            look(&self.lower, buffer);
        }
        for len in &self.head_lens {
            let Some(head) = value.get(..*len as usize) else { break };
            look(&self.heads, head);
        }
    }

    fn find_address(&self, address: IpAddr, found: &mut impl FnMut(u32)) {
        let (is_v6, number, width) = match address {
            IpAddr::V4(address) => (false, u128::from(u32::from(address)), 32),
            IpAddr::V6(address) => (true, u128::from(address), 128),
        };
        for (v6, prefix) in self.prefixes.iter().filter(|(v6, _)| *v6 == is_v6) {
            let host = u32::from(width - *prefix);
            let network = number.checked_shr(host).map_or(0, |high| high.checked_shl(host).unwrap_or(0));
            let start = self.blocks.partition_point(|block| (block.0, block.1, block.2) < (*v6, *prefix, network));
            let own = self.blocks[start..].iter();
            let own = own.take_while(|block| (block.0, block.1, block.2) == (*v6, *prefix, network));
            own.for_each(|(.., atom)| found(*atom));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lower_case_as_operators_compare() {
        let mut buffer = Vec::new();
        lower("ÀbC".as_bytes(), &mut buffer);
        assert_eq!(buffer, "àbc".as_bytes());
    }

    #[test]
    fn addresses_by_prefix() {
        let mut of_key = OfKey::default();
        of_key.blocks = vec![
            (false, 0, 0, 1),
            (false, 8, 0x0a00_0000, 2),
            (false, 32, 0x0a00_0001, 3),
            (true, 0, 0, 4),
            (true, 128, 1, 5),
        ];
        of_key.prefixes = of_key.blocks.iter().map(|(v6, prefix, ..)| (*v6, *prefix)).collect();
        let find = |address: &str| {
            let mut atoms = Vec::new();
            of_key.find_address(address.parse().unwrap(), &mut |atom| atoms.push(atom));
            atoms
        };
        assert_eq!(find("10.0.0.1"), [1, 2, 3]);
        assert_eq!(find("11.0.0.1"), [1]);
        assert_eq!(find("::1"), [4, 5]);
        assert_eq!(find("ff::"), [4]);
    }
}
