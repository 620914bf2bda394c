//! Kleene's connectives over lanes of two bits, and the interface that makes one formula serve truth values and
//! residuals alike.

use std::ops::{BitAnd, BitOr, Not};

/// A word of lanes: `bool` is one, `u64` is 64.
pub(crate) trait Word:
    Copy + Eq + std::fmt::Debug + BitAnd<Output = Self> + BitOr<Output = Self> + Not<Output = Self>
{
    /// Every lane off.
    const ZERO: Self;
    /// Every lane on.
    const ONES: Self;
}

impl Word for bool {
    const ZERO: bool = false;
    const ONES: bool = true;
}

impl Word for u64 {
    const ZERO: u64 = 0;
    const ONES: u64 = u64::MAX;
}

/// A truth value for each lane; definite implies possible. Unknown is possible and not definite.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct K<W> {
    /// True under every completion.
    pub(crate) definite: W,
    /// True under some completion.
    pub(crate) possible: W,
}

impl<W: Word> K<W> {
    /// True in every lane.
    pub(crate) const TRUE: K<W> = K { definite: W::ONES, possible: W::ONES };
    /// False in every lane.
    pub(crate) const FALSE: K<W> = K { definite: W::ZERO, possible: W::ZERO };
    /// Unknown in every lane.
    pub(crate) const UNKNOWN: K<W> = K { definite: W::ZERO, possible: W::ONES };
}

/// One truth value.
pub(crate) type Tri = K<bool>;

impl Tri {
    pub(crate) fn is_true(self) -> bool {
        self.definite
    }

    pub(crate) fn is_false(self) -> bool {
        !self.possible
    }

    /// `join(x, y)` is x if both are the same, else unknown.
    pub(crate) fn join(self, other: Tri) -> Tri {
        K { definite: self.definite && other.definite, possible: self.possible || other.possible }
    }
}

/// What section 0 computes with: truth values, or formulas over residual atoms.
pub(crate) trait Logic: Clone {
    /// Operands of a disjunction or a conjunction that is being gathered.
    type Many: Default;

    fn constant(value: bool) -> Self;
    fn and(self, other: Self) -> Self;
    fn or(self, other: Self) -> Self;
    fn not(self) -> Self;
    fn push(many: &mut Self::Many, operand: Self);
    /// The disjunction; of nothing it is false.
    fn any(many: Self::Many) -> Self;
    /// The conjunction; of nothing it is true.
    fn all(many: Self::Many) -> Self;
    /// True iff nothing more can change the disjunction.
    fn is_settled(many: &Self::Many) -> bool;
    /// True iff it is true in every lane.
    fn is_certain(&self) -> bool;
    /// True iff it is false in every lane.
    fn is_impossible(&self) -> bool;
}

/// Disjunction and conjunction of what was pushed.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Gathered<W> {
    any: K<W>,
    all: K<W>,
}

impl<W: Word> Default for Gathered<W> {
    fn default() -> Self {
        Gathered { any: K::FALSE, all: K::TRUE }
    }
}

impl<W: Word> Logic for K<W> {
    type Many = Gathered<W>;

    fn constant(value: bool) -> Self {
        if value { K::TRUE } else { K::FALSE }
    }

    fn and(self, other: Self) -> Self {
        K { definite: self.definite & other.definite, possible: self.possible & other.possible }
    }

    fn or(self, other: Self) -> Self {
        K { definite: self.definite | other.definite, possible: self.possible | other.possible }
    }

    fn not(self) -> Self {
        K { definite: !self.possible, possible: !self.definite }
    }

    fn push(many: &mut Self::Many, operand: Self) {
        many.any = many.any.or(operand);
        many.all = many.all.and(operand);
    }

    fn any(many: Self::Many) -> Self {
        many.any
    }

    fn all(many: Self::Many) -> Self {
        many.all
    }

    fn is_settled(many: &Self::Many) -> bool {
        many.any.is_certain()
    }

    fn is_certain(&self) -> bool {
        self.definite == W::ONES
    }

    fn is_impossible(&self) -> bool {
        self.possible == W::ZERO
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [Tri; 3] = [K::TRUE, K::FALSE, K::UNKNOWN];

    /// The order F < U < T, in which Kleene's connectives are minimum, maximum and reversal.
    fn rank(value: Tri) -> i32 {
        i32::from(value.definite) + i32::from(value.possible) - 1
    }

    #[test]
    fn kleene() {
        for x in ALL {
            assert_eq!(rank(x.not()), -rank(x));
            for y in ALL {
                assert_eq!(rank(x.and(y)), rank(x).min(rank(y)));
                assert_eq!(rank(x.or(y)), rank(x).max(rank(y)));
                assert_eq!(x.join(y), if x == y { x } else { K::UNKNOWN });
            }
        }
    }

    #[test]
    fn lanes_are_independent() {
        // Each pair of values in a lane of its own.
        let lanes = |pick: fn(usize) -> Tri| {
            (0..9).fold(K::<u64>::FALSE, |word, lane| {
                let value = pick(lane);
                let bit = |on: bool| u64::from(on) << lane;
                word.or(K { definite: bit(value.definite), possible: bit(value.possible) })
            })
        };
        let (x, y) = (lanes(|lane| ALL[lane / 3]), lanes(|lane| ALL[lane % 3]));
        for lane in 0..9 {
            let at =
                |word: K<u64>| K { definite: word.definite >> lane & 1 == 1, possible: word.possible >> lane & 1 == 1 };
            let (a, b) = (ALL[lane / 3], ALL[lane % 3]);
            assert_eq!(at(x.and(y)), a.and(b));
            assert_eq!(at(x.or(y)), a.or(b));
            assert_eq!(at(x.not()), a.not());
        }
    }
}
