//! Section 0 for everybody at once where accounts differ in their SCPs alone: row by row instead of account by account.

use super::asking::Asking;
use super::everybody::outcomes;
use super::guards::Guards;
use super::inverse::{Guarded, Run};
use super::rows::{Lists, mask, words};
use super::sides::SideClass;
use super::truths::{Kinds, Sum};
use crate::factors::{Factors, Line};
use crate::layout::NONE;
use crate::logic::{K, Logic};

/// Which lanes each level of SCPs is about.
#[derive(Debug, Default)]
pub(crate) struct Reach {
    /// Every lane belongs to a run.
    covers: bool,
    /// By level: positions in `ranges`.
    of_level: Lists,
    ranges: Vec<(u32, u32)>,
    /// Lanes whose SCPs are not known.
    unknown: Vec<(u32, u32)>,
}

/// Puts a range behind others; neighbours become one.
fn push(ranges: &mut Vec<(u32, u32)>, run: &Run) {
    match ranges.last_mut() {
        Some((_, end)) if *end == run.first => *end = run.end,
        _ => ranges.push((run.first, run.end)),
    }
}

impl Reach {
    /// `None`: too many ranges.
    pub(crate) fn new(scps: &Guards, runs: &[Run], n: u32) -> Option<Reach> {
        let mut reach = Reach::default();
        let mut of_level: Vec<Vec<(u32, u32)>> = vec![Vec::new(); scps.levels.len()];
        let mut next = 0;
        let mut in_order: Vec<&Run> = runs.iter().collect();
        in_order.sort_by_key(|run| run.first);
        for run in in_order {
            if run.first == next {
                next = run.end;
            }
            match run.scps {
                Guarded::None => {}
                Guarded::Unknown => push(&mut reach.unknown, run),
                Guarded::Class(class) => {
                    for level in scps.levels_of(class) {
                        push(&mut of_level[*level as usize], run);
                    }
                }
            }
        }
        reach.covers = next == n;
        let mut pairs = Vec::new();
        for (level, ranges) in (0..).zip(&of_level) {
            for range in ranges {
                pairs.push((level, u32::try_from(reach.ranges.len()).ok()?));
                reach.ranges.push(*range);
            }
        }
        reach.of_level = Lists::new(of_level.len(), &pairs)?;
        Some(reach)
    }

    pub(crate) fn heap_bytes(&self) -> usize {
        self.of_level.heap_bytes() + 8 * (self.ranges.len() + self.unknown.len())
    }
}

/// What guardrails and the resource's side say of every lane: definite and possible.
#[derive(Debug, Clone, Default)]
pub(crate) struct GuardRows {
    /// With those of RCPs, which do not reach service-linked roles either.
    denies: [Vec<u64>; 2],
    allows: [Vec<u64>; 2],
    /// Denies of the resource's and the endpoint's policy.
    others: [Vec<u64>; 2],
}

/// The same value for users and roles; `None`: they differ, or it differs within them.
fn constant(sum: &Sum) -> Option<K<u64>> {
    let Sum { kinds: Kinds { user, role }, terms } = sum;
    (terms.len == 0 && user == role).then(|| sum.kinds.word(0))
}

/// It is false for everybody.
fn is_nothing(sum: &Sum) -> bool {
    sum.terms.len == 0 && sum.kinds.is_impossible()
}

impl Asking<'_> {
    /// The outcomes of the unit, which is the only one, for all lanes but those of special accounts. False: accounts differ
    /// in more than their SCPs, and nothing was done.
    pub(super) fn sweep(&mut self, runs: &[u32]) -> bool {
        let lanes = self.lanes;
        let is_special = |run: u32| self.work.special.binary_search(&run).is_ok();
        if !lanes.reach.covers || runs.len() != lanes.runs.len() {
            return false;
        }
        let mut sides = runs.iter().filter(|run| !is_special(**run)).map(|run| self.work.sides_of_runs[*run as usize]);
        let Some(at) = sides.next().filter(|at| *at != NONE) else { return false };
        if sides.any(|other| other != at) {
            return false;
        }
        let side = self.work.sides[at as usize];
        let sums = [&side.unlim, &side.lim, &side.acct].map(constant);
        let kinds = [side.grant, side.open].map(|kinds| constant(&Sum { kinds, ..Sum::FALSE }));
        let endpoint = side.endpoint.as_ref().map_or(Some(K::TRUE), constant);
        let ([Some(unlim), Some(lim), Some(acct)], [Some(grant), Some(open)], Some(endpoint)) = (sums, kinds, endpoint)
        else {
            return false;
        };
        if side.refused {
            return false;
        }
        let constants = Constants { unlim, lim, acct, grant, open: open.and(endpoint) };
        let mut rows = std::mem::take(&mut self.work.guard_rows);
        self.guard_rows(&mut rows, &side.rcp_denies);
        let truths = &self.work.truths;
        for bits in &mut rows.others {
            bits.resize(lanes.n_words, 0);
        }
        for (word, roles) in lanes.roles.iter().enumerate() {
            let value = truths.word(&side.denies, word, *roles);
            (rows.others[0][word], rows.others[1][word]) = (value.definite, value.possible);
        }
        // The line is known before the walk, so that each is a loop of its own.
        match side.line {
            Line::NoAccount => self.sweep_words(&side, &constants, &rows, Line::NoAccount),
            Line::SameStandard => self.sweep_words(&side, &constants, &rows, Line::SameStandard),
            Line::SameMandatory => self.sweep_words(&side, &constants, &rows, Line::SameMandatory),
            Line::Cross => self.sweep_words(&side, &constants, &rows, Line::Cross),
        }
        self.work.guard_rows = rows;
        true
    }

    /// Fills the rows of guardrails, SCPs level by level.
    fn guard_rows(&mut self, rows: &mut GuardRows, rcp_denies: &Sum) {
        let lanes = self.lanes;
        let n_words = lanes.n_words;
        for (rows, value) in [(&mut rows.denies, 0), (&mut rows.allows, u64::MAX)] {
            for bits in rows {
                bits.clear();
                bits.resize(n_words, value);
            }
        }
        if !is_nothing(rcp_denies) {
            for (word, roles) in lanes.roles.iter().enumerate() {
                let value = self.work.truths.word(rcp_denies, word, *roles);
                rows.denies[0][word] |= value.definite;
                rows.denies[1][word] |= value.possible;
            }
        }
        for (first, end) in &lanes.reach.unknown {
            for word in words(*first, *end) {
                let own = mask(word, *first, *end);
                rows.denies[1][word] |= own;
                rows.allows[0][word] &= !own;
            }
        }
        for level in 0..lanes.scps.levels.len() as u32 {
            let said = self.guard_level(level);
            let truths = &self.work.truths;
            let ranges = || lanes.reach.of_level.of(level).iter().map(|at| lanes.reach.ranges[*at as usize]);
            if !is_nothing(&said.denies) {
                for (first, end) in ranges() {
                    for word in words(first, end) {
                        let own = mask(word, first, end);
                        let value = truths.word(&said.denies, word, lanes.roles[word]);
                        rows.denies[0][word] |= value.definite & own;
                        rows.denies[1][word] |= value.possible & own;
                    }
                }
            }
            if !said.allows.kinds.is_certain() {
                for (first, end) in ranges() {
                    for word in words(first, end) {
                        let others = !mask(word, first, end);
                        let value = truths.word(&said.allows, word, lanes.roles[word]);
                        rows.allows[0][word] &= value.definite | others;
                        rows.allows[1][word] &= value.possible | others;
                    }
                }
            }
        }
    }

    #[inline(always)]
    fn sweep_words(&mut self, side: &SideClass, constants: &Constants, rows: &GuardRows, line: Line) {
        let lanes = self.lanes;
        let n = lanes.n_words;
        let work = &mut *self.work;
        let [allow, explicit, implicit] = &mut work.outcomes;
        let [allow, explicit, implicit] = [allow, explicit, implicit].map(|bits| &mut bits[..n]);
        let (denied, denied_perhaps) = (&work.denies.definite[..n], &work.denies.perhaps[..n]);
        let (allowed, allowed_perhaps) = (&work.allows.definite[..n], &work.allows.perhaps[..n]);
        let (bounds, bounds_perhaps) = (&work.boundary.definite[..n], &work.boundary.perhaps[..n]);
        let (session, session_perhaps) = (&work.session.definite[..n], &work.session.perhaps[..n]);
        let (bounded, in_session) = (&lanes.boundary.some[..n], &lanes.session.some[..n]);
        let linked = &lanes.service_linked[..n];
        let [scp_denied, scp_denied_perhaps] = [&rows.denies[0][..n], &rows.denies[1][..n]];
        let [other_denied, other_denied_perhaps] = [&rows.others[0][..n], &rows.others[1][..n]];
        let [scp_allowed, scp_allowed_perhaps] = [&rows.allows[0][..n], &rows.allows[1][..n]];
        let both = |definite: u64, perhaps: u64| K { definite, possible: definite | perhaps };
        let limit = |value: K<u64>, some: u64| value.or(K { definite: !some, possible: !some });
        for at in 0..n {
            let unlinked = K { definite: !linked[at], possible: !linked[at] };
            let guards = K { definite: scp_denied[at], possible: scp_denied_perhaps[at] };
            let denied = both(denied[at], denied_perhaps[at])
                .or(guards.and(unlinked))
                .or(K { definite: other_denied[at], possible: other_denied_perhaps[at] });
            let value = if side.may_allow {
                let identity = both(allowed[at], allowed_perhaps[at]);
                let factors = Factors {
                    line,
                    is_root: false,
                    id: identity,
                    pb: limit(both(bounds[at], bounds_perhaps[at]), bounded[at]),
                    sp: limit(both(session[at], session_perhaps[at]), in_session[at]),
                    unlim: constants.unlim,
                    lim: constants.lim,
                    acct: constants.acct,
                    grant: constants.grant,
                    identity,
                };
                let scps = K { definite: scp_allowed[at], possible: scp_allowed_perhaps[at] };
                factors.core().and(scps.or(unlinked.not())).and(constants.open)
            } else {
                K::FALSE
            };
            [allow[at], explicit[at], implicit[at]] = outcomes(denied, value);
        }
    }
}

/// The side of the resource, the same for everybody.
struct Constants {
    unlim: K<u64>,
    lim: K<u64>,
    acct: K<u64>,
    grant: K<u64>,
    open: K<u64>,
}
