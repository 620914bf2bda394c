//! What memory alone costs: the least that a scattered decision could take, measured on the same rows in the same run.
//!
//! A decision by name has to hash three texts; one that keeps what it decides from in memory has to fetch something
//! about the principal, something that this names, and something that names in turn. The floor does exactly that, in a
//! table that no cache holds.

use crate::rows::Names;
use xxhash_rust::xxh3::xxh3_64;

/// The table that is loaded from.
#[derive(Debug)]
pub struct Floor {
    /// A power of two long; every word is below 2^63.
    table: Vec<u64>,
}

impl Floor {
    /// The least size of the table, eight times a cache of 32 MB.
    pub const BYTES_MIN: usize = 256 << 20;

    /// A table at least as large as [`Floor::BYTES_MIN`] and as `bytes`, that of the image which is compared with.
    pub fn new(bytes: usize) -> Floor {
        let n_words = (bytes.max(Floor::BYTES_MIN) / 8).next_power_of_two();
        // SplitMix64: neighbours have nothing in common.
        let word = |i: u64| {
            let z = (i + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
            let z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            (z ^ (z >> 27)) >> 1
        };
        Floor { table: (0..n_words as u64).map(word).collect() }
    }

    /// Bytes of the table.
    pub fn n_bytes(&self) -> usize {
        self.table.len() * 8
    }

    /// Hashes the three texts of each row and makes three loads, each at a place that the one before tells; the first of
    /// a row waits for the last of the row before, as scattered decisions come one at a time.
    pub fn serial(&self, names: &Names) -> u64 {
        let mut last = 0;
        for row in 0..names.len() {
            let [principal, action, resource] = names.row(row).map(xxh3_64);
            // No word has the bit: nothing is added, but only the load can tell.
            let first = self.load(principal.wrapping_add(last >> 63));
            let second = self.load(first ^ action);
            last = self.load(second ^ resource);
        }
        last
    }

    /// Hashes the three texts of each row and makes three loads that do not wait for each other.
    pub fn bulk(&self, names: &Names) -> u64 {
        let mut sum = 0_u64;
        for row in 0..names.len() {
            for hash in names.row(row).map(xxh3_64) {
                sum = sum.wrapping_add(self.load(hash));
            }
        }
        sum
    }

    fn load(&self, hash: u64) -> u64 {
        self.table[hash as usize & (self.table.len() - 1)]
    }
}
