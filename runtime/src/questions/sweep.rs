//! Section 0 for everybody at once where accounts differ in their SCPs alone: row by row instead of account by account.

use super::asking::Asking;
use super::everybody::outcomes;
use super::guards::Guards;
use super::inverse::{Guarded, Run};
use super::rows::{Lists, mask, words};
use super::sides::SideClass;
use super::truths::{Kinds, Ready, Recipe, Sum};
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
    /// Of SCPs, by what they were made of: most questions in a context meet guardrails that say the same.
    scps: Vec<ScpRows>,
    /// The one of this question, and the one that is made anew next.
    now: usize,
    next: usize,
    /// Of the question, while it is compared.
    asked: Recipe,
    /// Denies of the resource's side.
    others: [Vec<u64>; 2],
    /// The rest of the resource's side, where it tells principals apart.
    parts: [Vec<K<u64>>; PARTS],
}

/// What SCPs say of every lane, if none is a service-linked role.
#[derive(Debug, Clone, Default)]
struct ScpRows {
    recipe: Recipe,
    denies: [Vec<u64>; 2],
    allows: [Vec<u64>; 2],
}

/// Rows of SCPs that are kept.
const KEPT: usize = 8;

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
        if side.refused {
            return false;
        }
        let of_kinds = |kinds: Kinds| Sum { kinds, ..Sum::FALSE };
        let endpoint = side.endpoint.unwrap_or(of_kinds(Kinds::TRUE));
        let parts = [side.unlim, side.lim, side.acct, of_kinds(side.grant), of_kinds(side.open), endpoint];
        let constants = parts.map(|part| constant(&part));
        let mut rows = std::mem::take(&mut self.work.guard_rows);
        self.scp_rows(&mut rows);
        let truths = &self.work.truths;
        // RCPs do not reach service-linked roles.
        let word_of = |denies: K<u64>, rcps: K<u64>, linked: u64| {
            let value = denies.or(rcps.and(K { definite: !linked, possible: !linked }));
            (value.definite, value.possible)
        };
        let [definite, possible] = &mut rows.others;
        definite.resize(lanes.n_words, 0);
        possible.resize(lanes.n_words, 0);
        let others = definite.iter_mut().zip(possible).zip(&lanes.service_linked);
        match [&side.denies, &side.rcp_denies].map(constant) {
            [Some(denies), Some(rcps)] => {
                others
                    .for_each(|((definite, possible), linked)| (*definite, *possible) = word_of(denies, rcps, *linked));
            }
            _ => {
                let [denies, rcps] = [&side.denies, &side.rcp_denies].map(Ready::new);
                for (word, (((definite, possible), linked), roles)) in others.zip(&lanes.roles).enumerate() {
                    let (denies, rcps) = (denies.word(truths, word, *roles), rcps.word(truths, word, *roles));
                    (*definite, *possible) = word_of(denies, rcps, *linked);
                }
            }
        }
        match constants {
            [Some(unlim), Some(lim), Some(acct), Some(grant), Some(open), Some(endpoint)] => {
                let same = SameForAll([unlim, lim, acct, grant, open.and(endpoint)]);
                self.sweep_lines(&side, &rows, &same);
            }
            _ => {
                self.fill_parts(&mut rows.parts, &parts);
                self.sweep_lines(&side, &rows, &ByWord(&rows.parts));
            }
        }
        self.work.guard_rows = rows;
        true
    }

    /// Fills the rows of SCPs level by level, unless some are filled with the same already.
    fn scp_rows(&mut self, rows: &mut GuardRows) {
        let lanes = self.lanes;
        let n_words = lanes.n_words;
        let n_levels = lanes.scps.levels.len() as u32;
        rows.asked.begin(self.set);
        let mut is_known = true;
        for level in 0..n_levels {
            let said = self.guard_level(level);
            let truths = &self.work.truths;
            is_known = is_known
                && truths.describe(&said.denies, &mut rows.asked)
                && truths.describe(&said.allows, &mut rows.asked);
        }
        let known = rows.scps.iter().position(|own| is_known && own.recipe.is_same(&rows.asked));
        if let Some(known) = known {
            rows.now = known;
            return;
        }
        if rows.scps.len() < KEPT {
            rows.scps.push(ScpRows::default());
        }
        rows.now = rows.next % rows.scps.len();
        rows.next = (rows.now + 1) % KEPT;
        let rows = {
            let own = &mut rows.scps[rows.now];
            std::mem::swap(&mut own.recipe, &mut rows.asked);
            if !is_known {
                own.recipe.forget();
            }
            own
        };
        for (rows, value) in [(&mut rows.denies, 0), (&mut rows.allows, u64::MAX)] {
            for bits in rows {
                bits.clear();
                bits.resize(n_words, value);
            }
        }
        for (first, end) in &lanes.reach.unknown {
            for word in words(*first, *end) {
                let own = mask(word, *first, *end);
                rows.denies[1][word] |= own;
                rows.allows[0][word] &= !own;
            }
        }
        for level in 0..n_levels {
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

    /// Fills the rows of the resource's side where it tells principals apart.
    fn fill_parts(&self, rows: &mut [Vec<K<u64>>; PARTS], [unlim, lim, acct, grant, open, endpoint]: &[Sum; 6]) {
        let truths = &self.work.truths;
        for (row, sum) in rows.iter_mut().zip([unlim, lim, acct, grant, open]) {
            row.clear();
            let ready = Ready::new(sum);
            row.extend(self.lanes.roles.iter().enumerate().map(|(word, roles)| ready.word(truths, word, *roles)));
        }
        let endpoint = Ready::new(endpoint);
        for ((word, roles), open) in self.lanes.roles.iter().enumerate().zip(&mut rows[PARTS - 1]) {
            *open = open.and(endpoint.word(truths, word, *roles));
        }
    }

    /// The line is known before the walk, so that each is a loop of its own.
    fn sweep_lines(&mut self, side: &SideClass, rows: &GuardRows, parts: &impl Parts) {
        match side.line {
            Line::NoAccount => self.sweep_words(side, parts, rows, Line::NoAccount),
            Line::SameStandard => self.sweep_words(side, parts, rows, Line::SameStandard),
            Line::SameMandatory => self.sweep_words(side, parts, rows, Line::SameMandatory),
            Line::Cross => self.sweep_words(side, parts, rows, Line::Cross),
        }
    }

    #[inline(always)]
    fn sweep_words(&mut self, side: &SideClass, parts: &impl Parts, rows: &GuardRows, line: Line) {
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
        let scps = &rows.scps[rows.now];
        let [scp_denied, scp_denied_perhaps] = [&scps.denies[0][..n], &scps.denies[1][..n]];
        let [other_denied, other_denied_perhaps] = [&rows.others[0][..n], &rows.others[1][..n]];
        let [scp_allowed, scp_allowed_perhaps] = [&scps.allows[0][..n], &scps.allows[1][..n]];
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
                let [unlim, lim, acct, grant, open] = parts.at(at);
                let factors = Factors {
                    line,
                    is_root: false,
                    id: identity,
                    pb: limit(both(bounds[at], bounds_perhaps[at]), bounded[at]),
                    sp: limit(both(session[at], session_perhaps[at]), in_session[at]),
                    unlim,
                    lim,
                    acct,
                    grant,
                    identity,
                };
                let scps = K { definite: scp_allowed[at], possible: scp_allowed_perhaps[at] };
                factors.core().and(scps.or(unlinked.not())).and(open)
            } else {
                K::FALSE
            };
            [allow[at], explicit[at], implicit[at]] = outcomes(denied, value);
        }
    }
}

/// Unlimited, limited and account grants, grants that count as an identity policy, and what has to be open.
const PARTS: usize = 5;

/// The side of the resource, by word.
trait Parts {
    fn at(&self, word: usize) -> [K<u64>; PARTS];
}

struct SameForAll([K<u64>; PARTS]);

impl Parts for SameForAll {
    #[inline(always)]
    fn at(&self, _: usize) -> [K<u64>; PARTS] {
        self.0
    }
}

struct ByWord<'r>(&'r [Vec<K<u64>>; PARTS]);

impl Parts for ByWord<'_> {
    #[inline(always)]
    fn at(&self, word: usize) -> [K<u64>; PARTS] {
        self.0.each_ref().map(|row| row[word])
    }
}
