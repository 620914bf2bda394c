//! Randomness and the few functions of real numbers that the generator needs, all written out.
//!
//! The generator is xoshiro256** (Blackman and Vigna, 2018), seeded through SplitMix64 (Steele, Lea and Flood, 2014).
//! Nothing here calls a library whose next version, or a platform whose `libm`, might round differently: `exp` and
//! `ln` use additions, multiplications and divisions only, so that a seed means the same bytes everywhere.

/// A stream of random numbers.
///
/// Streams of one seed are told apart by a path: `Rng::new(seed, &[ACCOUNT, 17])` does not depend on what was drawn
/// for any other account, so accounts can be made alone, in any order and at the same time.
#[derive(Debug, Clone)]
pub struct Rng([u64; 4]);

fn split_mix(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut z = *state;
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

impl Rng {
    /// The stream of `seed` at `path`. Cost: O(length of the path).
    pub fn new(seed: u64, path: &[u64]) -> Rng {
        let mut state = seed;
        for part in path {
            state = split_mix(&mut state) ^ part.wrapping_mul(0xd6e8_feb8_6659_fd93);
        }
        Rng(std::array::from_fn(|_| split_mix(&mut state)))
    }

    /// The next 64 random bits.
    pub fn bits(&mut self) -> u64 {
        let s = &mut self.0;
        let result = s[1].wrapping_mul(5).rotate_left(7).wrapping_mul(9);
        let t = s[1] << 17;
        s[2] ^= s[0];
        s[3] ^= s[1];
        s[1] ^= s[2];
        s[0] ^= s[3];
        s[2] ^= t;
        s[3] = s[3].rotate_left(45);
        result
    }

    /// A number in `0..n`, and 0 where `n` is 0. The high half of a product: its bias is below `n` / 2^64.
    pub fn below(&mut self, n: usize) -> usize {
        ((u128::from(self.bits()) * n as u128) >> 64) as usize
    }

    /// A number in `0.0..1.0`, a multiple of 2^-53.
    pub fn unit(&mut self) -> f64 {
        (self.bits() >> 11) as f64 / 9_007_199_254_740_992.0
    }

    /// True with probability `p`.
    pub fn chance(&mut self, p: f64) -> bool {
        self.unit() < p
    }

    /// One of `items`, each as likely as the others.
    ///
    /// Panics: on an empty slice; every caller draws from a constant list or has asked before.
    pub fn pick<'a, T>(&mut self, items: &'a [T]) -> &'a T {
        &items[self.below(items.len())]
    }

    /// One of `texts`, each as likely as the others.
    ///
    /// Panics: on an empty slice, as [`Rng::pick`].
    pub fn word<'a, T: AsRef<str>>(&mut self, texts: &'a [T]) -> &'a str {
        self.pick(texts).as_ref()
    }

    /// The index of one of `weights`, by weight; 0 where there is none.
    pub fn weighted(&mut self, weights: impl Iterator<Item = f64> + Clone) -> usize {
        let mut point = self.unit() * weights.clone().sum::<f64>();
        let mut last = 0;
        for (index, weight) in weights.enumerate() {
            last = index;
            if point < weight {
                return index;
            }
            point -= weight;
        }
        last
    }

    /// About a standard normal deviate: twelve uniform ones summed, hence never beyond six sigma.
    pub fn normal(&mut self) -> f64 {
        (0..12).map(|_| self.unit()).sum::<f64>() - 6.0
    }

    /// A lognormal number given by its median and its mean; `median` itself unless the mean is larger.
    pub fn lognormal(&mut self, median: f64, mean: f64) -> f64 {
        let spread = if mean > median { (2.0 * ln(mean / median)).sqrt() } else { 0.0 };
        median * exp(spread * self.normal())
    }

    /// A geometric number from 0 upwards with this mean, cut at `cap`.
    pub fn geometric(&mut self, mean: f64, cap: usize) -> usize {
        let on = mean / (1.0 + mean);
        let mut n = 0;
        while n < cap && self.chance(on) {
            n += 1;
        }
        n
    }

    /// A whole number around `mean`: its floor or its ceiling, so that the mean is met.
    pub fn around(&mut self, mean: f64) -> usize {
        let floor = mean.max(0.0).floor();
        floor as usize + usize::from(self.chance(mean - floor))
    }

    /// A Pareto tail that begins at `from`: exponent 1.6, as the recipe has it, cut at `max`.
    pub fn pareto(&mut self, from: f64, max: f64) -> f64 {
        (from * exp(-ln(1.0 - self.unit()) / 1.6)).min(max)
    }

    /// `n` characters of `alphabet` (ASCII).
    pub fn text(&mut self, alphabet: &[u8], n: usize) -> String {
        (0..n).map(|_| char::from(*self.pick(alphabet))).collect()
    }
}

/// The natural logarithm of a positive finite number, good to about 1e-15 relative.
pub fn ln(x: f64) -> f64 {
    // x = m * 2^e with m in [0.75, 1.5); ln m = 2 artanh((m - 1) / (m + 1)), whose series converges at once.
    let bits = x.to_bits();
    let mut exponent = ((bits >> 52) & 0x7ff) as i64 - 1023;
    let mut m = f64::from_bits((bits & 0x000f_ffff_ffff_ffff) | 0x3ff0_0000_0000_0000);
    if m >= 1.5 {
        m /= 2.0;
        exponent += 1;
    }
    let t = (m - 1.0) / (m + 1.0);
    let square = t * t;
    let mut sum = 0.0;
    for k in (0..16).rev() {
        sum = sum * square + 1.0 / f64::from(2 * k + 1);
    }
    2.0 * t * sum + exponent as f64 * std::f64::consts::LN_2
}

/// The exponential of `x`, with `x` first cut to -700..700.
pub fn exp(x: f64) -> f64 {
    // x = k ln 2 + r with |r| <= ln 2 / 2: a Taylor sum for r, the exponent field for k.
    let x = x.clamp(-700.0, 700.0);
    let k = (x / std::f64::consts::LN_2).round();
    let r = x - k * std::f64::consts::LN_2;
    let mut sum = 1.0;
    for n in (1..18).rev() {
        sum = 1.0 + sum * r / f64::from(n);
    }
    sum * f64::from_bits(((k as i64 + 1023) as u64) << 52)
}

/// Zipf's law over the ranks `0..n`: rank `r` has weight `(r + 1)^-s`.
///
/// Cost: 8 bytes a rank; O(log n) for each draw.
#[derive(Debug, Clone)]
pub struct Zipf(Vec<f64>);

impl Zipf {
    /// The law over `n` ranks with exponent `s`.
    pub fn new(n: usize, s: f64) -> Zipf {
        let mut sum = 0.0;
        Zipf(
            (0..n)
                .map(|rank| {
                    sum += exp(-s * ln(rank as f64 + 1.0));
                    sum
                })
                .collect(),
        )
    }

    /// A rank; 0 where there is none.
    pub fn draw(&self, rng: &mut Rng) -> usize {
        let point = rng.unit() * self.0.last().copied().unwrap_or(0.0);
        self.0.partition_point(|sum| *sum <= point).min(self.0.len().saturating_sub(1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn streams_are_pinned() {
        // First outputs, so that a change of the algorithm cannot go unnoticed.
        let mut rng = Rng::new(1, &[]);
        let first: Vec<u64> = (0..2).map(|_| rng.bits()).collect();
        assert_eq!(first, [0xb3f2_af6d_0fc7_10c5, 0x853b_5596_4736_4cea]);
        assert_ne!(Rng::new(1, &[2, 3]).bits(), Rng::new(1, &[3, 2]).bits());
    }

    #[test]
    fn logarithm_and_exponential_are_right() {
        for x in [1e-9, 0.3, 0.99, 1.0, 1.5, 2.0, 10.0, 12345.678] {
            assert!((ln(x) - f64::ln(x)).abs() < 1e-12 * f64::ln(x).abs().max(1.0), "{x}");
            assert!((exp(x.min(50.0)) / f64::exp(x.min(50.0)) - 1.0).abs() < 1e-12, "{x}");
            assert!((exp(-x.min(50.0)) / f64::exp(-x.min(50.0)) - 1.0).abs() < 1e-12, "{x}");
        }
    }

    #[test]
    fn distributions_have_their_means() {
        let mut rng = Rng::new(7, &[]);
        let n = 20_000;
        let mean = |sum: f64| sum / f64::from(n);
        let lognormal = mean((0..n).map(|_| rng.lognormal(80.0, 130.0)).sum());
        assert!((120.0..140.0).contains(&lognormal), "{lognormal}");
        let geometric = mean((0..n).map(|_| rng.geometric(0.8, 9) as f64).sum());
        assert!((0.75..0.85).contains(&geometric), "{geometric}");
        let zipf = Zipf::new(100, 0.8);
        let first = (0..n).filter(|_| zipf.draw(&mut rng) == 0).count() as f64 / f64::from(n);
        let expected = 1.0 / (1..=100).map(|rank| f64::from(rank).powf(-0.8)).sum::<f64>();
        assert!((first - expected).abs() < 0.01, "{first} against {expected}");
    }
}
