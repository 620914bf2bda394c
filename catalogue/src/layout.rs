//! The layout of a table: one header, eleven sections of fixed-size records, one heap of text.
//!
//! ```text
//! offset  bytes  header
//!      0      8  magic "IAMCCAT1"; its last byte is the version of this layout
//!      8      8  checksum of everything behind it, see `checksum`
//!     16      4  text: name of the edition
//!     20      4  text: day of the edition, `YYYY-MM-DD`, or empty
//!     24   11×4  number of records of each section
//!     68      4  bytes of the heap
//!     72      …  the sections, in this order and without gaps, then the heap
//!
//! section          record (bytes)
//! SERVICES         text prefix, text name, u32 first action, u16 first type, u16 key list                       16
//! ACTIONS          text name, u16 row                                                                            6
//! ROWS             u16 link list, u16 key list, u16 dependent list, u8 access level, u8 zero                     8
//! TYPES            text name, u16 template list, u16 key list                                                    8
//! KEYS             text name, u8 type, u8 multi                                                                  6
//! LINK_LISTS       u32 first link                                                                                4
//! LINKS            u16 type, u16 key list, u8 required, u8 zero                                                  6
//! KEY_LISTS        u32 first key id                                                                              4
//! KEY_IDS          u16 key                                                                                       2
//! TEXT_LISTS       u32 first text                                                                                4
//! TEXTS            text                                                                                          4
//! ```
//!
//! All numbers are little-endian and need no alignment. A *text* is 22 bits of heap offset above 10 bits of length, so
//! that a name costs four bytes; equal texts, and texts that begin another one, are stored once. A *list* `i` of a
//! `…_LISTS` section runs from its number to the next one's (the last: to the end of the section behind it), and equal
//! lists are stored once: 22,000 actions share a few thousand rows, links and key lists.
//!
//! What holds of a table that was validated (`table.rs` checks each, and the views rely on it):
//!
//! - *in range*: every text, row, type, key and list number exists; texts lie on character boundaries;
//! - *services sorted*: prefixes strictly ascend and are ASCII lower case where they are ASCII;
//! - *actions sorted*: the actions of a service are consecutive and strictly ascend by their ASCII lower case;
//! - *keys sorted*: likewise all keys;
//! - *lists ascend*: the numbers of a `…_LISTS` section never descend and begin with 0;
//! - *own types*: the links of an action lead to types of its own service;
//! - *known codes*: access levels, key types and flags are those of this version.

use crate::{AccessLevel, KeyFacts, KeyType};

pub(crate) const MAGIC: [u8; 8] = *b"IAMCCAT1";
pub(crate) const CHECKSUM_AT: usize = 8;
pub(crate) const CHECKED_FROM: usize = 16;
pub(crate) const COUNTS_AT: usize = 24;
pub(crate) const HEAP_LEN_AT: usize = COUNTS_AT + 4 * N_SECTIONS;
pub(crate) const HEADER_LEN: usize = HEAP_LEN_AT + 4;

pub(crate) const N_SECTIONS: usize = 11;
pub(crate) const SERVICES: usize = 0;
pub(crate) const ACTIONS: usize = 1;
pub(crate) const ROWS: usize = 2;
pub(crate) const TYPES: usize = 3;
pub(crate) const KEYS: usize = 4;
pub(crate) const LINK_LISTS: usize = 5;
pub(crate) const LINKS: usize = 6;
pub(crate) const KEY_LISTS: usize = 7;
pub(crate) const KEY_IDS: usize = 8;
pub(crate) const TEXT_LISTS: usize = 9;
pub(crate) const TEXTS: usize = 10;

/// Bytes of one record of each section.
pub(crate) const RECORD_LEN: [usize; N_SECTIONS] = [16, 6, 8, 8, 6, 4, 6, 4, 2, 4, 4];

/// Bits of a text's length.
pub(crate) const TEXT_LEN_BITS: u32 = 10;
/// The longest text, in bytes.
pub(crate) const TEXT_LEN_MAX: usize = (1 << TEXT_LEN_BITS) - 1;
/// The largest heap, in bytes.
pub(crate) const HEAP_LEN_MAX: usize = 1 << (32 - TEXT_LEN_BITS);

/// The code of a key without a known type.
pub(crate) const NO_TYPE: u8 = 255;
/// The code of an action without a known access level.
pub(crate) const NO_LEVEL: u8 = 255;

const TYPE_CODES: [KeyType; 7] = [
    KeyType::String,
    KeyType::Arn,
    KeyType::Bool,
    KeyType::Numeric,
    KeyType::Date,
    KeyType::IpAddress,
    KeyType::Binary,
];

/// The two bytes of a key's facts.
pub(crate) fn key_codes(facts: Option<KeyFacts>) -> [u8; 2] {
    match facts {
        None => [NO_TYPE, 0],
        Some(facts) => {
            let code = match facts.key_type {
                KeyType::String => 0,
                KeyType::Arn => 1,
                KeyType::Bool => 2,
                KeyType::Numeric => 3,
                KeyType::Date => 4,
                KeyType::IpAddress => 5,
                KeyType::Binary => 6,
            };
            [code, u8::from(facts.multi)]
        }
    }
}

/// The facts behind the two bytes; `None` for codes that this version does not have.
pub(crate) fn key_facts([code, multi]: [u8; 2]) -> Option<Option<KeyFacts>> {
    let multi = match multi {
        0 => false,
        1 => true,
        _ => return None,
    };
    if code == NO_TYPE {
        return (!multi).then_some(None);
    }
    TYPE_CODES.get(usize::from(code)).map(|&key_type| Some(KeyFacts { key_type, multi }))
}

/// The byte of an access level.
pub(crate) fn level_code(level: Option<AccessLevel>) -> u8 {
    match level {
        None => NO_LEVEL,
        Some(AccessLevel::List) => 0,
        Some(AccessLevel::Read) => 1,
        Some(AccessLevel::Write) => 2,
        Some(AccessLevel::Tagging) => 3,
        Some(AccessLevel::PermissionsManagement) => 4,
    }
}

/// The level behind the byte; `None` for codes that this version does not have.
pub(crate) fn level(code: u8) -> Option<Option<AccessLevel>> {
    if code == NO_LEVEL {
        return Some(None);
    }
    AccessLevel::ALL.get(usize::from(code)).map(|&level| Some(level))
}

/// A checksum against accidents (a cut file, a bad disk), not against forgers: FNV-1a over words of eight bytes, the
/// last one filled with zeros, and the length first.
pub(crate) fn checksum(bytes: &[u8]) -> u64 {
    const PRIME: u64 = 0x0000_0100_0000_01b3;
    let step = |hash: u64, word: u64| {
        let mixed = (hash ^ word).wrapping_mul(PRIME);
        // A multiplication carries upwards only: bring the high bits down, or the last bytes would hardly count.
        mixed ^ (mixed >> 32)
    };
    let start = step(0xcbf2_9ce4_8422_2325, bytes.len() as u64);
    bytes.chunks(8).fold(start, |hash, chunk| {
        let mut word = [0; 8];
        word[..chunk.len()].copy_from_slice(chunk);
        step(hash, u64::from_le_bytes(word))
    })
}

/// Compares two texts by their ASCII lower case: the order of actions and keys in a table.
pub(crate) fn cmp_ignore_case(a: &str, b: &str) -> std::cmp::Ordering {
    a.bytes().map(|byte| byte.to_ascii_lowercase()).cmp(b.bytes().map(|byte| byte.to_ascii_lowercase()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_read_back() {
        for level_given in AccessLevel::ALL.into_iter().map(Some).chain([None]) {
            assert_eq!(level(level_code(level_given)), Some(level_given));
        }
        assert_eq!(level(5), None);
        for key_type in TYPE_CODES {
            for multi in [false, true] {
                let facts = Some(KeyFacts { key_type, multi });
                assert_eq!(key_facts(key_codes(facts)), Some(facts));
            }
        }
        assert_eq!(key_facts(key_codes(None)), Some(None));
        assert_eq!((key_facts([7, 0]), key_facts([0, 2]), key_facts([NO_TYPE, 1])), (None, None, None));
    }

    #[test]
    fn every_byte_counts_in_the_checksum() {
        let bytes: Vec<u8> = (0..100).collect();
        let whole = checksum(&bytes);
        for at in 0..bytes.len() {
            let mut other = bytes.clone();
            other[at] ^= 1;
            assert_ne!(checksum(&other), whole, "byte {at}");
        }
        assert_ne!(checksum(&bytes[..99]), whole);
        assert_ne!(checksum(&[0; 7]), checksum(&[0; 8]));
    }
}
