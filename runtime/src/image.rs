//! The compiled policy set as bytes.
//!
//! ```text
//! 0   magic "IAMCSET" 0x1a
//! 8   format:u32  semantics:u32  catalogue day (YYYYMMDD, 0 unknown):u32  flags (0):u32
//! 24  number of sections:u32  reserved (0):u32
//! 32  total length:u64  hash of the header without this field, and of the directory:u64
//! 48  reserved (0) up to 64
//! 64  directory: { code:u32 element width:u32 offset:u64 length in bytes:u64 checksum:u64 } for each section
//!     sections, each at a multiple of 64, zeros between
//! ```
//!
//! Little-endian. Sections come in the order of [`SECTIONS`]; those of 32-bit words are packed (`packed`). Writing is canonical: the same set gives the same bytes.
//! Hash and checksums are XXH3; they tell damage, not malice: a forged file is caught by validation as far as it could
//! do harm, and otherwise says what its author wants, like any policy.

use crate::error::LoadError;
use crate::hash::{Checksum, hash};
use crate::layout::{SECTIONS, Section, SectionMut, Tables, explains};
use crate::packed;
use crate::set::CompiledPolicySet;

const MAGIC: [u8; 8] = *b"IAMCSET\x1a";
/// The format that this version writes and reads.
pub const FORMAT: u32 = 4;
/// The edition of docs/semantics.md by which this version decides; raised whenever a decision can change.
pub const SEMANTICS: u32 = 1;
const HEADER_LEN: usize = 64;
const ENTRY_LEN: usize = 32;
const HASH_AT: usize = 40;
const ALIGNMENT: usize = 64;

impl CompiledPolicySet {
    /// Reads what [`CompiledPolicySet::to_bytes`] wrote.
    ///
    /// # Errors
    /// [`LoadError`]: foreign, truncated, damaged, or of another version. Nothing else can go wrong.
    ///
    /// Cost: O(bytes): one copy, one hash, one validation. Panics: never, whatever the bytes are.
    pub fn load(bytes: &[u8]) -> Result<CompiledPolicySet, LoadError> {
        CompiledPolicySet::from_tables(read(bytes)?)
    }

    /// The set as bytes, always the same for the same set.
    pub fn to_bytes(&self) -> Vec<u8> {
        write(self.tables(), self.day(), &|_| true)
    }

    /// The set as bytes without names of policies and groups, `Sid`s and positions: what is loaded from them decides
    /// alike, and its explanations say that they lack all this.
    pub fn to_bytes_without_explanations(&self) -> Vec<u8> {
        write(self.tables(), self.day(), &|section| !explains(section))
    }

    /// The date of the catalogue.
    fn day(&self) -> u32 {
        self.catalogue().date().map_or(0, day_number)
    }

    /// The hash of the set's bytes: equal for equal sets.
    pub fn content_hash(&self) -> u64 {
        u64_at(&self.to_bytes(), HASH_AT)
    }
}

/// `YYYY-MM-DD` as YYYYMMDD; 0 if it is something else.
fn day_number(date: &str) -> u32 {
    let digits: String = date.chars().filter(char::is_ascii_digit).collect();
    if digits.len() == 8 { digits.parse().unwrap_or(0) } else { 0 }
}

/// Writes the sections that `keeps` takes; all others are empty.
fn write(tables: &Tables, day: u32, keeps: &dyn Fn(&str) -> bool) -> Vec<u8> {
    let start = (HEADER_LEN + SECTIONS.len() * ENTRY_LEN).next_multiple_of(ALIGNMENT);
    let mut bytes = vec![0; start];
    bytes[..8].copy_from_slice(&MAGIC);
    let words = [FORMAT, SEMANTICS, day, 0, SECTIONS.len() as u32, 0];
    for (word, at) in words.into_iter().zip((8..).step_by(4)) {
        bytes[at..at + 4].copy_from_slice(&word.to_le_bytes());
    }
    let mut entry_at = HEADER_LEN;
    let mut columns = SECTIONS.iter().map(|(_, _, columns)| *columns);
    tables.for_each(&mut |code, name, section| {
        let offset = bytes.len();
        let columns = columns.next().unwrap_or(1);
        let width: u32 = match section {
            Section::U8(_) | Section::Text(_) => 1,
            Section::U32(_) => 4,
            Section::U64(_) => 8,
        };
        match section {
            _ if !keeps(name) => {}
            Section::U8(list) => bytes.extend(list),
            Section::U32(list) => packed::pack(list, columns, &mut bytes),
            Section::U64(list) => bytes.extend(list.iter().flat_map(|word| word.to_le_bytes())),
            Section::Text(text) => bytes.extend(text.as_bytes()),
        }
        let len = bytes.len() - offset;
        let checksum = hash(&bytes[offset..]);
        let mut entry = Vec::with_capacity(ENTRY_LEN);
        entry.extend(code.to_le_bytes());
        entry.extend(width.to_le_bytes());
        entry.extend((offset as u64).to_le_bytes());
        entry.extend((len as u64).to_le_bytes());
        entry.extend(checksum.to_le_bytes());
        bytes[entry_at..entry_at + ENTRY_LEN].copy_from_slice(&entry);
        entry_at += ENTRY_LEN;
        bytes.resize(bytes.len().next_multiple_of(ALIGNMENT), 0);
    });
    let total = bytes.len() as u64;
    bytes[32..40].copy_from_slice(&total.to_le_bytes());
    let own = header_hash(&bytes[..start]);
    bytes[HASH_AT..HASH_AT + 8].copy_from_slice(&own.to_le_bytes());
    bytes
}

/// The hash of header and directory, whose checksums stand for everything else.
fn header_hash(head: &[u8]) -> u64 {
    let mut copy = head.to_vec();
    copy[HASH_AT..HASH_AT + 8].fill(0);
    hash(&copy)
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    let mut word = [0; 4];
    word.copy_from_slice(&bytes[at..at + 4]);
    u32::from_le_bytes(word)
}

fn u64_at(bytes: &[u8], at: usize) -> u64 {
    let mut word = [0; 8];
    word.copy_from_slice(&bytes[at..at + 8]);
    u64::from_le_bytes(word)
}

fn read(bytes: &[u8]) -> Result<Tables, LoadError> {
    if bytes.get(..8) != Some(&MAGIC) {
        return Err(LoadError::NotASet);
    }
    let given = bytes.len() as u64;
    if bytes.len() < HEADER_LEN {
        return Err(LoadError::Length { expected: HEADER_LEN as u64, given });
    }
    let format = u32_at(bytes, 8);
    if format != FORMAT {
        return Err(LoadError::Format { given: format, expected: FORMAT });
    }
    let semantics = u32_at(bytes, 12);
    if semantics != SEMANTICS {
        return Err(LoadError::Semantics { given: semantics, expected: SEMANTICS });
    }
    let expected = u64_at(bytes, 32);
    if expected != given {
        return Err(LoadError::Length { expected, given });
    }
    let start = (HEADER_LEN + SECTIONS.len() * ENTRY_LEN).next_multiple_of(ALIGNMENT);
    if u32_at(bytes, 24) as usize != SECTIONS.len() || bytes.len() < start {
        return Err(LoadError::Directory("not as many sections as the format has"));
    }
    if header_hash(&bytes[..start]) != u64_at(bytes, HASH_AT) {
        return Err(LoadError::Checksum("the header"));
    }
    if u32_at(bytes, 20) != 0 {
        return Err(LoadError::Directory("an unknown flag"));
    }
    let mut tables = Tables::default();
    let mut at = start;
    let mut entry_at = HEADER_LEN;
    let mut columns = SECTIONS.iter().map(|(_, _, columns)| *columns);
    tables.for_each_mut(&mut |code, name, section| {
        let columns = columns.next().unwrap_or(1);
        let width: u32 = match section {
            SectionMut::U8(_) | SectionMut::Text(_) => 1,
            SectionMut::U32(_) => 4,
            SectionMut::U64(_) => 8,
        };
        if u32_at(bytes, entry_at) != code || u32_at(bytes, entry_at + 4) != width {
            return Err(LoadError::Directory("a section that is not ours"));
        }
        let (offset, len) = (u64_at(bytes, entry_at + 8), u64_at(bytes, entry_at + 16));
        let content = usize::try_from(len)
            .ok()
            .filter(|_| offset == at as u64)
            .and_then(|len| bytes.get(at..at.checked_add(len)?));
        let Some(content) = content else { return Err(LoadError::Directory("a section outside the file")) };
        let end = at + content.len();
        let next = end.next_multiple_of(ALIGNMENT);
        if bytes.get(end..next).is_none_or(|gap| gap.iter().any(|byte| *byte != 0)) {
            return Err(LoadError::Directory("something between the sections"));
        }
        let (checksum, fault) = copy(content, columns, section);
        if checksum != u64_at(bytes, entry_at + 24) {
            return Err(LoadError::Checksum(name));
        }
        if let Some(what) = fault {
            return Err(LoadError::Damaged { section: name, what, row: 0 });
        }
        at = next;
        entry_at += ENTRY_LEN;
        Ok(())
    })?;
    if at == bytes.len() { Ok(tables) } else { Err(LoadError::Directory("something behind the sections")) }
}

/// Fills a section; gives the checksum of its bytes, and what is wrong with them.
fn copy(content: &[u8], columns: usize, section: SectionMut<'_>) -> (u64, Option<&'static str>) {
    match section {
        SectionMut::U8(list) => (copy_pieces(content, list, |list, piece| list.extend_from_slice(piece)), None),
        SectionMut::U32(list) => match packed::unpack(content, columns, list) {
            Some(checksum) => (checksum, None),
            None => (hash(content), Some("words that are not packed as ours")),
        },
        SectionMut::U64(list) => {
            let word = |word: &[u8; 8]| u64::from_le_bytes(*word);
            let is_whole = content.len().is_multiple_of(8);
            let checksum = copy_pieces(content, list, |list, piece| list.extend(piece.as_chunks().0.iter().map(word)));
            (checksum, (!is_whole).then_some("not a whole number of words"))
        }
        SectionMut::Text(text) => {
            let mut list = Vec::new();
            let checksum = copy_pieces(content, &mut list, |list, piece| list.extend_from_slice(piece));
            let read = String::from_utf8(list);
            let fault = read.is_err().then_some("text that is not UTF-8");
            *text = read.unwrap_or_default();
            (checksum, fault)
        }
    }
}

/// Fills an empty list and hashes what it holds, piece by piece, so that the second reads what the first left in the
/// cache.
fn copy_pieces<T>(content: &[u8], list: &mut Vec<T>, add: impl Fn(&mut Vec<T>, &[u8])) -> u64 {
    const PIECE: usize = 1 << 16;
    list.reserve_exact(content.len() / size_of::<T>());
    let mut checksum = Checksum::default();
    for piece in content.chunks(PIECE) {
        checksum.add(piece);
        add(list, piece);
    }
    checksum.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tables() -> Tables {
        crate::testing::minimal()
    }

    #[test]
    fn what_is_written_is_read() {
        let set = CompiledPolicySet::from_tables(tables()).unwrap();
        let bytes = set.to_bytes();
        assert_eq!(bytes.len() % ALIGNMENT, 0);
        let again = CompiledPolicySet::load(&bytes).unwrap();
        assert_eq!(again.tables(), set.tables());
        assert_eq!(again.to_bytes(), bytes);
        assert_eq!(again.content_hash(), set.content_hash());
    }

    #[test]
    fn every_flipped_bit_is_seen() {
        let bytes = CompiledPolicySet::from_tables(tables()).unwrap().to_bytes();
        for at in 0..bytes.len() {
            let mut damaged = bytes.clone();
            damaged[at] ^= 1 << (at % 8);
            assert!(CompiledPolicySet::load(&damaged).is_err(), "byte {at}");
        }
    }

    #[test]
    fn forged_words_are_refused() {
        let bytes = CompiledPolicySet::from_tables(tables()).unwrap().to_bytes();
        let start = (HEADER_LEN + SECTIONS.len() * ENTRY_LEN).next_multiple_of(ALIGNMENT);
        let mut n_forged = 0;
        for (entry_at, (_, name, _)) in (HEADER_LEN..).step_by(ENTRY_LEN).zip(SECTIONS) {
            let (offset, len) = (u64_at(&bytes, entry_at + 8) as usize, u64_at(&bytes, entry_at + 16) as usize);
            if u32_at(&bytes, entry_at + 4) != 4 || len == 0 {
                continue;
            }
            // More words than there can be, under a right checksum.
            let mut forged = bytes.clone();
            forged[offset + 7] = 1;
            let checksum = hash(&forged[offset..offset + len]).to_le_bytes();
            forged[entry_at + 24..entry_at + 32].copy_from_slice(&checksum);
            let own = header_hash(&forged[..start]).to_le_bytes();
            forged[HASH_AT..HASH_AT + 8].copy_from_slice(&own);
            let error = CompiledPolicySet::load(&forged).map(|_| ()).unwrap_err();
            assert!(matches!(error, LoadError::Damaged { section, .. } if section == *name), "{error}");
            n_forged += 1;
        }
        assert!(n_forged > 2, "{n_forged}");
    }

    #[test]
    fn every_truncation_is_seen() {
        let bytes = CompiledPolicySet::from_tables(tables()).unwrap().to_bytes();
        for len in 0..bytes.len() {
            assert!(CompiledPolicySet::load(&bytes[..len]).is_err(), "{len} bytes");
        }
        let longer = [bytes.as_slice(), &[0; 64]].concat();
        assert!(CompiledPolicySet::load(&longer).is_err());
    }

    #[test]
    fn other_versions_are_told() {
        let bytes = CompiledPolicySet::from_tables(tables()).unwrap().to_bytes();
        let mut future = bytes.clone();
        future[8] = FORMAT as u8 + 1;
        assert_eq!(
            CompiledPolicySet::load(&future).unwrap_err(),
            LoadError::Format { given: FORMAT + 1, expected: FORMAT }
        );
        let mut other = bytes;
        other[12] = 9;
        assert_eq!(
            CompiledPolicySet::load(&other).unwrap_err(),
            LoadError::Semantics { given: 9, expected: SEMANTICS }
        );
        assert_eq!(CompiledPolicySet::load(b"{}").unwrap_err(), LoadError::NotASet);
    }
}
