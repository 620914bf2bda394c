//! Words of a section in an image: rows of columns, each column of a block of rows in as few bytes as it needs.
//!
//! ```text
//! number of words:u64
//! for each block of 256 rows (the last may have fewer), for each column:
//!     head:u8 (bytes of a code, 0 to 4, plus 128 if NONE occurs)  base:u32  a code for each row
//! ```
//!
//! No words are no bytes. Little-endian. A code is the word less the base, the least word of the column that is not [`NONE`]; NONE is the code of all
//! ones. Ids of neighbouring rows are near each other, so that most words of an image need a byte or two, and a column that
//! says the same everywhere needs none. The first column takes a byte at least: whatever a file says, it unpacks to no more
//! than four bytes for each word of as many rows as it has bytes.

use crate::hash::Checksum;
use crate::layout::NONE;

/// Rows of a block: so few that they stay in the cache while column after column is filled in.
const ROWS: usize = 256;
/// Bytes before the codes of a column.
const HEAD_LEN: usize = 5;
/// In the first byte: NONE occurs.
const HAS_NONE: u8 = 0x80;
/// Before the blocks.
const COUNT_LEN: usize = 8;

/// Adds the words of a section, whose rows have `columns` words: a whole number of rows.
pub(crate) fn pack(words: &[u32], columns: usize, bytes: &mut Vec<u8>) {
    if words.is_empty() {
        return;
    }
    bytes.extend((words.len() as u64).to_le_bytes());
    for block in words.chunks(ROWS * columns) {
        for column in 0..columns {
            let own = block.iter().skip(column).step_by(columns);
            let known = own.clone().filter(|word| **word != NONE);
            let (least, most) =
                known.clone().fold((NONE, 0), |(least, most), word| (least.min(*word), most.max(*word)));
            let has_none = known.count() < own.len();
            let base = if least == NONE { 0 } else { least };
            let n_codes = u64::from(most.saturating_sub(base)) + 1 + u64::from(has_none && least != NONE);
            // A column of nothing but NONE has one code, the one of all ones.
            let width = (0..4).find(|width| n_codes <= 1u64 << (8 * width)).unwrap_or(4).max(usize::from(column == 0));
            bytes.push(width as u8 | if has_none { HAS_NONE } else { 0 });
            bytes.extend(base.to_le_bytes());
            for word in own {
                let code = if *word == NONE { NONE } else { *word - base };
                bytes.extend(&code.to_le_bytes()[..width]);
            }
        }
    }
}

/// Reads what [`pack`] wrote, into an empty list, and hashes it on the way; gives the checksum of all bytes. `None`: they are
/// not what it writes.
pub(crate) fn unpack(bytes: &[u8], columns: usize, words: &mut Vec<u32>) -> Option<u64> {
    let mut checksum = Checksum::default();
    if bytes.is_empty() {
        return Some(checksum.finish());
    }
    let (count, mut rest) = bytes.split_first_chunk::<COUNT_LEN>()?;
    let n_words = usize::try_from(u64::from_le_bytes(*count)).ok()?;
    if n_words == 0 || !n_words.is_multiple_of(columns) || n_words / columns > rest.len() {
        return None;
    }
    checksum.add(count);
    words.reserve_exact(n_words);
    // A block is put together in the cache; room for all words, to be written again, would first have to be cleared.
    let mut block = vec![0; n_words.min(ROWS * columns)];
    while words.len() < n_words {
        block.truncate(n_words - words.len());
        let n_rows = block.len() / columns;
        let whole = rest;
        for column in 0..columns {
            let (head, behind) = rest.split_first_chunk::<HEAD_LEN>()?;
            let [form, base @ ..] = *head;
            let width = usize::from(form & !HAS_NONE);
            if width > 4 || width == 0 && column == 0 {
                return None;
            }
            let (codes, behind) = behind.split_at_checked(n_rows * width)?;
            let none = if form & HAS_NONE != 0 { ones(width) } else { NONE };
            let base = u32::from_le_bytes(base);
            match width {
                0 => fill(&mut block, columns, column, if none == 0 { NONE } else { base }),
                1 => decode::<1>(&mut block, columns, column, codes, base, none),
                2 => decode::<2>(&mut block, columns, column, codes, base, none),
                3 => decode::<3>(&mut block, columns, column, codes, base, none),
                _ => decode::<4>(&mut block, columns, column, codes, base, none),
            }
            rest = behind;
        }
        checksum.add(&whole[..whole.len() - rest.len()]);
        words.extend_from_slice(&block);
    }
    rest.is_empty().then(|| checksum.finish())
}

/// The greatest code of so many bytes.
fn ones(width: usize) -> u32 {
    NONE.checked_shr(32 - 8 * width as u32).unwrap_or(0)
}

fn fill(block: &mut [u32], columns: usize, column: usize, word: u32) {
    block.iter_mut().skip(column).step_by(columns).for_each(|place| *place = word);
}

fn decode<const N: usize>(block: &mut [u32], columns: usize, column: usize, codes: &[u8], base: u32, none: u32) {
    let word = |code: &[u8; N]| {
        let mut bytes = [0; 4];
        bytes[..N].copy_from_slice(code);
        let code = u32::from_le_bytes(bytes);
        if code == none { NONE } else { base.wrapping_add(code) }
    };
    let codes = codes.as_chunks::<N>().0;
    if columns == 1 {
        block.iter_mut().zip(codes).for_each(|(place, code)| *place = word(code));
    } else {
        block.chunks_exact_mut(columns).zip(codes).for_each(|(row, code)| row[column] = word(code));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hash::hash;

    fn packed(words: &[u32], columns: usize) -> Vec<u8> {
        let mut bytes = Vec::new();
        pack(words, columns, &mut bytes);
        bytes
    }

    fn unpacked(bytes: &[u8], columns: usize) -> Option<Vec<u32>> {
        let mut words = Vec::new();
        let checksum = unpack(bytes, columns, &mut words)?;
        assert_eq!(checksum, hash(bytes));
        Some(words)
    }

    #[test]
    fn what_is_packed_is_unpacked() {
        const HIGH: u32 = NONE - 1;
        let columns: [&[u32]; 12] = [
            &[0],
            &[7],
            &[NONE],
            &[0, 254],
            &[0, 255],
            &[NONE, 3, 257],
            &[NONE, 3, 258],
            &[5, 5 + 0xffff],
            &[NONE, 5, 5 + 0xffff],
            &[1, 1 + 0xff_ffff],
            &[NONE, 1, 1 + 0xff_ffff],
            &[NONE, 0, HIGH],
        ];
        for n_rows in [0, 1, 2, 255, 256, 257, 700] {
            for n_columns in [1, 2, 3, 12] {
                let word = |at: usize| {
                    let choice = columns[(at % n_columns + n_rows) % columns.len()];
                    choice[at / n_columns % choice.len()]
                };
                let words: Vec<u32> = (0..n_rows * n_columns).map(word).collect();
                let bytes = packed(&words, n_columns);
                assert_eq!(unpacked(&bytes, n_columns), Some(words), "{n_rows} rows of {n_columns}");
            }
        }
    }

    #[test]
    fn neighbours_take_a_byte_and_constants_none() {
        let ascending: Vec<u32> = (1_000_000..1_000_256).collect();
        assert_eq!(packed(&ascending, 1).len(), 8 + 5 + 256);
        let rows: Vec<u32> = ascending.iter().flat_map(|word| [*word, NONE, 9]).collect();
        assert_eq!(packed(&rows, 3).len(), 8 + 3 * 5 + 256);
        assert_eq!(packed(&[NONE; 256], 1).len(), 8 + 5 + 256, "the first column is never free");
    }

    #[test]
    fn other_bytes_are_refused() {
        let bytes = packed(&(0..600).collect::<Vec<u32>>(), 2);
        for len in 1..bytes.len() {
            assert_eq!(unpacked(&bytes[..len], 2), None, "{len} bytes");
        }
        assert_eq!(unpacked(&[bytes.as_slice(), &[0]].concat(), 2), None, "more");
        for (at, byte) in [(0, 1), (3, 0xff), (7, 0xff), (8, 5), (8, 0), (8, 0x80)] {
            let mut damaged = bytes.clone();
            damaged[at] = byte;
            assert_eq!(unpacked(&damaged, 2), None, "byte {at}");
        }
        let mut huge = u64::MAX.to_le_bytes().to_vec();
        huge.extend([0; 100]);
        assert_eq!(unpacked(&huge, 1), None);
        assert_eq!(unpacked(&[0; 8], 1), None);
    }
}
