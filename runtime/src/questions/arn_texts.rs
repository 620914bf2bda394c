//! Which principals an atom about `aws:PrincipalArn` can tell from all others: a text search over their ARNs, in place of
//! evaluating it for each.
//!
//! What is found is a candidate: the code that decides has the last word. Values that match none of the others' ARNs leave
//! them all alike, but for being a user or a role.

use super::rows::{Bits, n_words, set as set_bit};
use crate::code::{Step, Steps};
use crate::conditions::{ARN, CODE, Manner, NULL, Reading, TEXT, Value, read_operator};
use crate::keys::{KeyClass, PRINCIPAL_ARN};
use crate::set::CompiledPolicySet;
use memchr::memmem::Finder;

/// A shorter piece is found nearly everywhere.
const PIECE_MIN: usize = 4;

/// The ARNs of all principals, one after the other.
#[derive(Debug, Default)]
pub(crate) struct ArnTexts {
    bytes: Vec<u8>,
    /// By lane, where its text ends.
    ends: Vec<usize>,
    /// Lanes that are nobody's, or whose ARN is not that of a caller.
    unusual: Vec<u32>,
}

impl ArnTexts {
    /// Cost: O(bytes of the ARNs).
    pub(crate) fn new(set: &CompiledPolicySet) -> ArnTexts {
        let mut texts = ArnTexts::default();
        for lane in 0..set.n_principals() {
            let [_, _, arn, ..] = set.principal(lane);
            texts.bytes.extend_from_slice(set.text(arn).as_bytes());
            texts.ends.push(texts.bytes.len());
            if crate::bulk::who(set, lane, "").is_none() {
                texts.unusual.push(lane);
            }
        }
        texts
    }

    /// Lanes outside of which an atom is the same for all users and for all roles. `None`: that cannot be told.
    ///
    /// Cost: O(bytes of the ARNs) for each value.
    pub(crate) fn candidates(&self, set: &CompiledPolicySet, atom: u32) -> Option<Bits> {
        let [operator, key, first, count] = set.atom(atom);
        let operator = read_operator(operator)?;
        let manner = Manner::of(operator.base);
        let is_of_texts = matches!(manner.reading, Reading::Text | Reading::Arn) && !manner.lower;
        if set.key(key).class != KeyClass::Special(PRINCIPAL_ARN) || operator.set.is_some() || !is_of_texts {
            return None;
        }
        let mut found = vec![0; n_words(self.ends.len() as u32)];
        self.unusual.iter().for_each(|lane| set_bit(&mut found, *lane));
        for value in first..first + count {
            let value = set.value(value);
            if value.form != NULL {
                self.find(piece(&value)?, &mut found);
            }
        }
        Some(found)
    }

    fn find(&self, piece: &[u8], found: &mut Bits) {
        let finder = Finder::new(piece);
        let mut start = 0;
        while let Some(at) = finder.find(&self.bytes[start..]) {
            let at = start + at;
            let lane = self.ends.partition_point(|end| *end <= at);
            let Some(end) = self.ends.get(lane) else { return };
            if at + piece.len() <= *end {
                set_bit(found, lane as u32);
                start = *end;
            } else {
                start = at + 1;
            }
        }
    }
}

/// A text that is part of whatever the value matches.
fn piece<'v>(value: &Value<'v>) -> Option<&'v [u8]> {
    let longest = |code: &'v [u8]| {
        let literals = Steps(code).filter_map(|step| match step {
            Step::Literal(text) => Some(text),
            _ => None,
        });
        literals.max_by_key(|text| text.len())
    };
    let piece = match value.form {
        TEXT => Some(value.data),
        CODE => longest(value.data),
        // A colon between components is no part of a piece.
        ARN => value.arn_codes()?.into_iter().filter_map(longest).max_by_key(|text| text.len()),
        _ => None,
    };
    piece.filter(|piece| piece.len() >= PIECE_MIN)
}
