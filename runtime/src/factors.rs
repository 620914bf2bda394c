//! Step 3 of section 0: grant classes, and `core` over them.

use crate::logic::Logic;
use iamc_policy::decision::GrantLevel;

/// A value for each level of.
#[derive(Debug, Clone)]
pub(crate) struct Levels<V>([V; 4]);

impl<V: Logic> Levels<V> {
    pub(crate) fn nothing() -> Levels<V> {
        Levels([(); 4].map(|()| V::constant(false)))
    }

    fn position(level: GrantLevel) -> usize {
        match level {
            GrantLevel::Star => 0,
            GrantLevel::SelfLevel => 1,
            GrantLevel::Base => 2,
            GrantLevel::Account => 3,
        }
    }

    pub(crate) fn add(&mut self, level: GrantLevel, value: V) {
        let own = &mut self.0[Self::position(level)];
        *own = std::mem::replace(own, V::constant(false)).or(value);
    }

    pub(crate) fn at(&self, level: GrantLevel) -> &V {
        &self.0[Self::position(level)]
    }

    /// the principal test is the OR over the levels.
    pub(crate) fn any(&self) -> V {
        let [star, own, base, account] = self.0.clone();
        star.or(own).or(base).or(account)
    }
}

/// Which line of `core` holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Line {
    /// Anonymous, Service, FedIdp.
    NoAccount,
    SameStandard,
    SameMandatory,
    Cross,
}

/// The factors of `core`.
#[derive(Debug, Clone)]
pub(crate) struct Factors<V> {
    pub(crate) line: Line,
    pub(crate) is_root: bool,
    pub(crate) id: V,
    pub(crate) pb: V,
    pub(crate) sp: V,
    pub(crate) unlim: V,
    pub(crate) lim: V,
    pub(crate) acct: V,
    /// a KMS grant that suffices by itself across accounts.
    pub(crate) grant: V,
    /// The identity policies' own Allow, whoever the caller is.
    pub(crate) identity: V,
}

impl<V: Logic> Factors<V> {
    fn limits(&self) -> V {
        self.pb.clone().and(self.sp.clone())
    }

    /// The resource side of a cross-account request.
    pub(crate) fn any_level(&self) -> V {
        self.unlim.clone().or(self.lim.clone()).or(self.acct.clone())
    }

    /// Same account, Standard: what identity and role grant.
    pub(crate) fn standard_side(&self) -> V {
        self.id.clone().or(self.lim.clone())
    }

    /// Same account, Mandatory: what the resource policy grants to the role, or hands on to identity policies.
    pub(crate) fn mandatory_side(&self) -> V {
        self.lim.clone().or(self.acct.clone().and(self.id.clone()))
    }

    /// Both sides of a cross-account request.
    pub(crate) fn cross_side(&self) -> V {
        self.any_level().and(self.id.clone()).or(self.grant.clone())
    }

    /// Section 0, `core`.
    pub(crate) fn core(&self) -> V {
        let unlim = || self.unlim.clone();
        match (self.line, self.is_root) {
            (Line::NoAccount, _) | (Line::SameMandatory | Line::Cross, true) => unlim(),
            (Line::SameStandard, true) => V::constant(true),
            (Line::SameStandard, false) => unlim().or(self.standard_side().and(self.limits())),
            (Line::SameMandatory, false) => {
                let by_role = self.lim.clone().and(self.limits());
                let by_account = self.acct.clone().and(self.id.clone()).and(self.limits());
                unlim().or(by_role).or(by_account)
            }
            (Line::Cross, false) => self.cross_side().and(self.limits()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::logic::{K, Tri};

    const ALL: [Tri; 3] = [K::TRUE, K::FALSE, K::UNKNOWN];
    const LINES: [Line; 4] = [Line::NoAccount, Line::SameStandard, Line::SameMandatory, Line::Cross];

    fn factors<V: Logic>(line: Line, is_root: bool, of: impl Fn(usize) -> V) -> Factors<V> {
        Factors {
            line,
            is_root,
            id: of(0),
            pb: of(1),
            sp: of(2),
            unlim: of(3),
            lim: of(4),
            acct: of(5),
            grant: of(6),
            identity: of(0),
        }
    }

    /// The values of the seven factors in combination `n` of 3^7.
    fn value(n: usize, factor: usize) -> Tri {
        ALL[n / 3usize.pow(factor as u32) % 3]
    }

    #[test]
    fn core_as_section_0_writes_it() {
        for line in LINES {
            for is_root in [false, true] {
                for n in 0..3usize.pow(7) {
                    let of = |factor| value(n, factor);
                    let (id, pb, sp, unlim, lim, acct, grant) = (of(0), of(1), of(2), of(3), of(4), of(5), of(6));
                    let expected = match (line, is_root) {
                        (Line::NoAccount, _) | (Line::Cross | Line::SameMandatory, true) => unlim,
                        (Line::SameStandard, true) => K::TRUE,
                        (Line::SameStandard, false) => unlim.or(id.or(lim).and(pb).and(sp)),
                        (Line::SameMandatory, false) => unlim.or(lim.and(pb).and(sp)).or(acct.and(id).and(pb).and(sp)),
                        (Line::Cross, false) => unlim.or(lim).or(acct).and(id).or(grant).and(pb).and(sp),
                    };
                    assert_eq!(factors(line, is_root, of).core(), expected, "{line:?} {is_root} {n}");
                }
            }
        }
    }

    #[test]
    fn sixty_four_lanes_are_sixty_four_requests() {
        for line in LINES {
            for first in (0..3usize.pow(7)).step_by(64) {
                let word = |factor: usize| {
                    (0..64).fold(K::<u64>::FALSE, |word, lane| {
                        let one = value(first + lane, factor);
                        let bit = |on: bool| u64::from(on) << lane;
                        word.or(K { definite: bit(one.definite), possible: bit(one.possible) })
                    })
                };
                let wide = factors(line, false, word).core();
                for lane in 0..64 {
                    let narrow = factors(line, false, |factor| value(first + lane, factor)).core();
                    let at = K { definite: wide.definite >> lane & 1 == 1, possible: wide.possible >> lane & 1 == 1 };
                    assert_eq!(at, narrow, "{line:?} {}", first + lane);
                }
            }
        }
    }

    #[test]
    fn levels_are_kept_apart() {
        let mut levels = Levels::<Tri>::nothing();
        levels.add(GrantLevel::Base, K::UNKNOWN);
        levels.add(GrantLevel::Base, K::FALSE);
        assert_eq!(*levels.at(GrantLevel::Base), K::UNKNOWN);
        assert_eq!(*levels.at(GrantLevel::Star), K::FALSE);
        assert_eq!(levels.any(), K::UNKNOWN);
        levels.add(GrantLevel::Star, K::TRUE);
        assert_eq!(levels.any(), K::TRUE);
    }
}
