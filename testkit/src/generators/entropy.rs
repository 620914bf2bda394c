//! Bytes → choices: the only source of randomness of all generators.

/// A stream of entropy with a fixed mapping from bytes to choices.
///
/// A choice among at most 256 takes one byte, a choice among more takes two (big-endian); byte `b` picks number
/// `b * n / 256`, so that small bytes pick what stands first. Where the bytes end, zeros follow: the first of every
/// list, and no in [`Entropy::chance`]. Generators therefore list the plainest choice first, and a shorter input is a
/// simpler sample, which is what libFuzzer and other shrinkers count on.
///
/// ```
/// use iamc_testkit::generators::Entropy;
/// let mut entropy = Entropy::new(&[0, 255]);
/// assert_eq!(*entropy.pick(&["a", "b", "c"]), "a");
/// assert!(entropy.chance(10));
/// assert!(!entropy.chance(99)); // the bytes have ended
/// ```
#[derive(Debug, Clone)]
pub struct Entropy<'b> {
    bytes: &'b [u8],
    n_taken: usize,
}

impl<'b> Entropy<'b> {
    /// Reads these bytes from the first on.
    pub fn new(bytes: &'b [u8]) -> Entropy<'b> {
        Entropy { bytes, n_taken: 0 }
    }

    /// The number of bytes asked for so far, also those behind the end.
    pub fn n_taken(&self) -> usize {
        self.n_taken
    }

    /// The next byte; 0 behind the end.
    pub fn byte(&mut self) -> u8 {
        let byte = self.bytes.get(self.n_taken).copied().unwrap_or(0);
        self.n_taken = self.n_taken.saturating_add(1);
        byte
    }

    /// A number below `n`; 0 without taking a byte if `n` is at most 1. Above 65,536 not every number is reached.
    pub fn below(&mut self, n: usize) -> usize {
        match n {
            0 | 1 => 0,
            2..=256 => usize::from(self.byte()) * n / 256,
            _ => {
                let high = usize::from(self.byte());
                (high << 8 | usize::from(self.byte())).saturating_mul(n) >> 16
            }
        }
    }

    /// Yes in about `percent` of a hundred cases; no where the bytes have ended.
    pub fn chance(&mut self, percent: u32) -> bool {
        u32::from(self.byte()) * 100 >= 256 * (100 - percent.min(100))
            && (percent >= 100 || self.n_taken <= self.bytes.len())
    }

    /// One of the items. Panics: if there are none, which is a mistake of the generator.
    pub fn pick<'i, T>(&mut self, items: &'i [T]) -> &'i T {
        &items[self.below(items.len())]
    }

    /// A position in `weights`, each as likely as its weight says. Panics: if all weights are 0.
    pub fn weighted(&mut self, weights: &[usize]) -> usize {
        let mut number = self.below(weights.iter().sum());
        for (position, weight) in weights.iter().enumerate() {
            match number.checked_sub(*weight) {
                Some(rest) => number = rest,
                None => return position,
            }
        }
        panic!("there is nothing to choose from");
    }

    /// Brings the items into some order (Fisher and Yates); without entropy they are reversed in part, which is an
    /// order like any other.
    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            let other = self.below(last + 1);
            items.swap(last, other);
        }
    }
}

/// `n` bytes that look random and depend on `seed` alone (splitmix64, Steele, Lea and Flood 2014).
///
/// ```
/// use iamc_testkit::generators::bytes_of_seed;
/// assert_eq!(bytes_of_seed(1, 9)[..4], bytes_of_seed(1, 4));
/// assert_ne!(bytes_of_seed(1, 4), bytes_of_seed(2, 4));
/// ```
pub fn bytes_of_seed(seed: u64, n: usize) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x2545_f491_4f6c_dd1d);
    let mut bytes = Vec::with_capacity(n + 8);
    while bytes.len() < n {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        bytes.extend((z ^ (z >> 31)).to_le_bytes());
    }
    bytes.truncate(n);
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn choices_stay_in_range_and_reach_both_ends() {
        for n in [1, 2, 3, 7, 255, 256, 257, 1000] {
            assert_eq!(Entropy::new(&[0, 0]).below(n), 0);
            assert_eq!(Entropy::new(&[255, 255]).below(n), n - 1);
            assert_eq!(Entropy::new(&[]).below(n), 0);
        }
        assert_eq!(Entropy::new(&[255]).weighted(&[1, 0, 2, 0]), 2);
        assert_eq!(Entropy::new(&[]).weighted(&[0, 1]), 1);
    }

    #[test]
    fn chances_are_about_what_they_say() {
        for percent in [0, 1, 10, 50, 90, 100] {
            let n = (0..=255).filter(|b| Entropy::new(&[*b]).chance(percent)).count();
            let expected = percent as usize * 256 / 100;
            assert!(n.abs_diff(expected) <= 1, "{percent}: {n}");
        }
        assert!(!Entropy::new(&[]).chance(99));
    }
}
