//! FNV-1a (Fowler, Noll and Vo): a hash that is the same in every process and version, for names of random streams and
//! for telling whether two corpora are the same.

/// The 64-bit hash of bytes that come in pieces.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fnv(u64);

impl Default for Fnv {
    fn default() -> Fnv {
        Fnv(0xcbf2_9ce4_8422_2325)
    }
}

impl Fnv {
    /// Takes in more bytes.
    pub fn add(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }

    /// The hash of all bytes so far.
    pub fn finish(self) -> u64 {
        self.0
    }
}

/// The hash of a text.
pub fn text(text: &str) -> u64 {
    let mut hash = Fnv::default();
    hash.add(text.as_bytes());
    hash.finish()
}
