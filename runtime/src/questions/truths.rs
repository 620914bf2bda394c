//! Truth values of many callers at once: constants for users and for roles, and conjunctions of those with stored rows.

use super::arn_texts::ArnTexts;
use super::inverse::ByLanes;
use super::points::{self, Template};
use super::rows::TruthRow;
use crate::eval::{Eval, Whose};
use crate::logic::{K, Logic, Tri};
use crate::scratch::Scratch;
use crate::set::CompiledPolicySet;
use iamc_policy::request::Mode;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

/// A value for every user and one for every session of a role.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Kinds {
    pub(crate) user: Tri,
    pub(crate) role: Tri,
}

impl Kinds {
    pub(crate) const TRUE: Kinds = Kinds { user: K::TRUE, role: K::TRUE };
    pub(crate) const FALSE: Kinds = Kinds { user: K::FALSE, role: K::FALSE };
    pub(crate) const UNKNOWN: Kinds = Kinds { user: K::UNKNOWN, role: K::UNKNOWN };

    pub(crate) fn both(value: Tri) -> Kinds {
        Kinds { user: value, role: value }
    }

    pub(crate) fn of(user: Option<Tri>, role: Option<Tri>) -> Kinds {
        Kinds { user: user.unwrap_or(K::FALSE), role: role.unwrap_or(K::FALSE) }
    }

    pub(crate) fn and(self, other: Kinds) -> Kinds {
        Kinds { user: self.user.and(other.user), role: self.role.and(other.role) }
    }

    pub(crate) fn or(self, other: Kinds) -> Kinds {
        Kinds { user: self.user.or(other.user), role: self.role.or(other.role) }
    }

    pub(crate) fn is_impossible(self) -> bool {
        self.user.is_false() && self.role.is_false()
    }

    pub(crate) fn is_certain(self) -> bool {
        self.user.is_true() && self.role.is_true()
    }

    pub(crate) fn at(self, is_role: bool) -> Tri {
        if is_role { self.role } else { self.user }
    }

    /// The values of one word of lanes, of which `roles` are roles.
    pub(crate) fn word(self, roles: u64) -> K<u64> {
        let pick = |user: bool, role: bool| match (user, role) {
            (true, true) => u64::MAX,
            (false, false) => 0,
            (false, true) => roles,
            (true, false) => !roles,
        };
        K {
            definite: pick(self.user.definite, self.role.definite),
            possible: pick(self.user.possible, self.role.possible),
        }
    }
}

/// A range of a list that is being built.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Slice {
    pub(crate) first: u32,
    pub(crate) len: u32,
}

impl Slice {
    pub(crate) fn of<T>(self, list: &[T]) -> &[T] {
        &list[self.first as usize..(self.first + self.len) as usize]
    }
}

/// What a statement says of everybody: a constant and stored rows, all of which have to hold.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Value {
    pub(crate) kinds: Kinds,
    /// Positions of rows, in `Truths::refs`.
    pub(crate) rows: Slice,
    /// It has to be asked of each caller; `kinds` is what holds at most.
    pub(crate) by_lane: bool,
}

impl Value {
    pub(crate) fn constant(kinds: Kinds) -> Value {
        Value { kinds, rows: Slice::default(), by_lane: false }
    }

    /// The same for every user and for every role.
    pub(crate) fn is_constant(&self) -> bool {
        self.rows.len == 0 && !self.by_lane
    }
}

/// A disjunction: a constant and values that are none.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sum {
    pub(crate) kinds: Kinds,
    /// In `Truths::terms`.
    pub(crate) terms: Slice,
}

impl Sum {
    pub(crate) const FALSE: Sum = Sum { kinds: Kinds::FALSE, terms: Slice { first: 0, len: 0 } };
    pub(crate) const UNKNOWN: Sum = Sum { kinds: Kinds::UNKNOWN, terms: Slice { first: 0, len: 0 } };
}

/// A disjunction whose constant part is spread to words, for the words of one run.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ready {
    user: K<u64>,
    role: K<u64>,
    terms: Slice,
}

impl Ready {
    pub(crate) fn new(sum: &Sum) -> Ready {
        let spread = |value: Tri| {
            let word = |on: bool| if on { u64::MAX } else { 0 };
            K { definite: word(value.definite), possible: word(value.possible) }
        };
        Ready { user: spread(sum.kinds.user), role: spread(sum.kinds.role), terms: sum.terms }
    }

    pub(crate) fn constant(kinds: Kinds) -> Ready {
        Ready::new(&Sum { kinds, terms: Slice::default() })
    }

    /// The values of one word of lanes, of which `roles` are roles.
    pub(crate) fn word(&self, truths: &Truths, word: usize, roles: u64) -> K<u64> {
        let pick = |user: u64, role: u64| (user & !roles) | (role & roles);
        let constant = K {
            definite: pick(self.user.definite, self.role.definite),
            possible: pick(self.user.possible, self.role.possible),
        };
        if self.terms.len == 0 { constant } else { truths.any_term(constant, self.terms, word, roles) }
    }
}

/// What disjunctions are made of: what is made after the same recipe is the same.
///
/// It holds the rows that it names, so that none of them is another one by the time that it is compared.
#[derive(Debug, Clone, Default)]
pub(crate) struct Recipe {
    /// Of which set.
    set: u64,
    /// Constants, and how many terms or rows follow.
    parts: Vec<(Kinds, u32)>,
    rows: Vec<Arc<TruthRow>>,
}

impl Recipe {
    /// Begins another one.
    pub(crate) fn begin(&mut self, set: &CompiledPolicySet) {
        self.set = set.identity();
        self.parts.clear();
        self.rows.clear();
    }

    /// It is that of nothing.
    pub(crate) fn forget(&mut self) {
        *self = Recipe::default();
    }

    fn push(&mut self, kinds: Kinds, n: u32) {
        self.parts.push((kinds, n));
    }

    pub(crate) fn is_same(&self, other: &Recipe) -> bool {
        let is_same_row = |(own, other): (&Arc<TruthRow>, &Arc<TruthRow>)| Arc::ptr_eq(own, other);
        self.set == other.set
            && self.parts == other.parts
            && self.rows.len() == other.rows.len()
            && self.rows.iter().zip(&other.rows).all(is_same_row)
    }
}

/// Where a stored row lies.
#[derive(Debug, Clone)]
enum Stored {
    Shared(Arc<TruthRow>),
    /// A position in `made`.
    Made(u32),
}

/// The values of one unit of a question.
#[derive(Debug, Clone, Default)]
pub(crate) struct Truths {
    rows: Vec<Stored>,
    /// Positions in `rows`.
    refs: Vec<u32>,
    terms: Vec<(Kinds, Slice)>,
    made: Vec<TruthRow>,
    n_made: usize,
}

impl Truths {
    /// Forgets the last unit.
    pub(crate) fn clear(&mut self) {
        self.rows.clear();
        self.refs.clear();
        self.terms.clear();
        self.n_made = 0;
    }

    pub(crate) fn share(&mut self, row: Arc<TruthRow>) -> u32 {
        self.rows.push(Stored::Shared(row));
        self.rows.len() as u32 - 1
    }

    /// A row of that many words, to be filled; every lane is false.
    pub(crate) fn make(&mut self, n_words: usize) -> u32 {
        if self.n_made == self.made.len() {
            self.made.push(TruthRow::default());
        }
        let row = &mut self.made[self.n_made];
        for bits in [&mut row.definite, &mut row.possible] {
            bits.clear();
            bits.resize(n_words, 0);
        }
        self.rows.push(Stored::Made(self.n_made as u32));
        self.n_made += 1;
        self.rows.len() as u32 - 1
    }

    /// The row that was made last.
    pub(crate) fn last_made(&mut self) -> Option<&mut TruthRow> {
        self.made[..self.n_made].last_mut()
    }

    fn row(&self, at: u32) -> &TruthRow {
        match &self.rows[at as usize] {
            Stored::Shared(row) => row,
            Stored::Made(at) => &self.made[*at as usize],
        }
    }

    /// Begins a list of rows.
    pub(crate) fn begin_rows(&self) -> u32 {
        self.refs.len() as u32
    }

    pub(crate) fn push_row(&mut self, row: u32) {
        self.refs.push(row);
    }

    pub(crate) fn end_rows(&self, first: u32) -> Slice {
        Slice { first, len: self.refs.len() as u32 - first }
    }

    /// The rows of a list and one more.
    pub(crate) fn with_row(&mut self, rows: Slice, row: u32) -> Slice {
        let first = self.begin_rows();
        for at in rows.first..rows.first + rows.len {
            self.refs.push(self.refs[at as usize]);
        }
        self.refs.push(row);
        self.end_rows(first)
    }

    /// The conjunction of rows, for one word.
    pub(crate) fn rows_word(&self, rows: Slice, word: usize) -> K<u64> {
        rows.of(&self.refs).iter().fold(K::TRUE, |all: K<u64>, row| all.and(self.row(*row).word(word)))
    }

    /// The conjunction of rows, for one lane.
    pub(crate) fn rows_at(&self, rows: Slice, lane: u32) -> Tri {
        rows.of(&self.refs).iter().fold(K::TRUE, |all: Tri, row| all.and(self.row(*row).at(lane)))
    }

    /// Starts a disjunction.
    pub(crate) fn begin_sum(&self) -> Sum {
        Sum { kinds: Kinds::FALSE, terms: Slice { first: self.terms.len() as u32, len: 0 } }
    }

    /// Adds an operand to the disjunction that was begun last; it is not `by_lane`.
    pub(crate) fn add(&mut self, sum: &mut Sum, kinds: Kinds, rows: Slice) {
        if rows.len == 0 {
            sum.kinds = sum.kinds.or(kinds);
        } else if !kinds.is_impossible() {
            self.terms.push((kinds, rows));
            sum.terms.len += 1;
        }
    }

    /// Adds all operands of another disjunction.
    pub(crate) fn add_sum(&mut self, sum: &mut Sum, other: Sum) {
        sum.kinds = sum.kinds.or(other.kinds);
        for at in other.terms.first..other.terms.first + other.terms.len {
            let (kinds, rows) = self.terms[at as usize];
            self.add(sum, kinds, rows);
        }
    }

    /// Adds what a disjunction is made of to a recipe. False: of rows that were made for this unit alone.
    pub(crate) fn describe(&self, sum: &Sum, recipe: &mut Recipe) -> bool {
        recipe.push(sum.kinds, sum.terms.len);
        sum.terms.of(&self.terms).iter().all(|(kinds, rows)| {
            recipe.push(*kinds, rows.len);
            rows.of(&self.refs).iter().all(|row| match &self.rows[*row as usize] {
                Stored::Shared(row) => {
                    recipe.rows.push(Arc::clone(row));
                    true
                }
                Stored::Made(_) => false,
            })
        })
    }

    /// A disjunction, for one word.
    pub(crate) fn word(&self, sum: &Sum, word: usize, roles: u64) -> K<u64> {
        self.any_term(sum.kinds.word(roles), sum.terms, word, roles)
    }

    fn any_term(&self, constant: K<u64>, terms: Slice, word: usize, roles: u64) -> K<u64> {
        terms.of(&self.terms).iter().fold(constant, |any, (kinds, rows)| {
            if any.is_certain() { any } else { any.or(kinds.word(roles).and(self.rows_word(*rows, word))) }
        })
    }
}

/// Rows of atoms that depend on the caller and on nothing else, kept between questions.
pub(crate) struct AtomRows {
    n_words: usize,
    texts: OnceLock<ArnTexts>,
    kept: Mutex<Kept>,
}

#[derive(Default)]
struct Kept {
    rows: HashMap<(u32, bool), Arc<TruthRow>>,
    bytes: usize,
}

/// Rows are kept up to so many bytes; then all are forgotten.
const KEPT_BYTES: usize = 256 << 20;

impl AtomRows {
    pub(crate) fn new(n_words: usize) -> AtomRows {
        AtomRows { n_words, texts: OnceLock::new(), kept: Mutex::default() }
    }

    /// The values of an atom for all lanes.
    pub(crate) fn row(
        &self,
        lanes: &ByLanes,
        set: &CompiledPolicySet,
        atom: u32,
        mode: Mode,
        scratch: &mut Scratch,
    ) -> Arc<TruthRow> {
        let key = (atom, mode == Mode::Open);
        let kept = || self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(row) = kept().rows.get(&key) {
            return Arc::clone(row);
        }
        let row = Arc::new(self.work_out(lanes, set, atom, mode, scratch));
        let mut kept = kept();
        if kept.bytes > KEPT_BYTES {
            *kept = Kept::default();
        }
        kept.bytes += row.heap_bytes();
        Arc::clone(kept.rows.entry(key).or_insert(row))
    }

    fn work_out(
        &self,
        lanes: &ByLanes,
        set: &CompiledPolicySet,
        atom: u32,
        mode: Mode,
        scratch: &mut Scratch,
    ) -> TruthRow {
        let by_account = lanes.dependence.atoms[atom as usize].level == super::dependence::Level::Account;
        let template = Template::nothing(mode);
        let candidates = self.texts.get_or_init(|| ArnTexts::new(set)).candidates(set, atom);
        // Of users and of roles that are no candidates.
        let mut of_others: [Option<Tri>; 2] = [None; 2];
        let mut row = TruthRow { definite: vec![0; self.n_words], possible: vec![0; self.n_words] };
        let mut differ = false;
        for run in &lanes.runs {
            // By account, only users and roles are told apart.
            let mut known: [Option<Tri>; 2] = [None; 2];
            let mut begun = None;
            for lane in run.first..run.end {
                let kind = usize::from(super::rows::get(&lanes.roles, lane));
                let is_other = candidates.as_ref().is_some_and(|candidates| !super::rows::get(candidates, lane));
                let alike = if is_other { of_others[kind] } else { known[kind].filter(|_| by_account) };
                let value = match alike {
                    Some(value) => value,
                    None => {
                        // The first who is somebody begins.
                        if begun.is_none() {
                            begun = points::caller(set, &template, &mut *scratch, lane).map(|eval| {
                                let mark = (eval.s.arena.bytes.len(), eval.s.arena.values.len());
                                (eval, mark)
                            });
                        }
                        let of_lane = |(eval, mark): &mut (Eval<'_>, (usize, usize))| {
                            eval.change_caller(&template, lane, *mark).then(|| eval.atom(Whose::Base, atom))
                        };
                        begun.as_mut().and_then(of_lane).unwrap_or(K::FALSE)
                    }
                };
                if is_other {
                    of_others[kind] = Some(value);
                } else {
                    known[kind] = Some(value);
                }
                if value.definite {
                    super::rows::set(&mut row.definite, lane);
                }
                if value.possible {
                    super::rows::set(&mut row.possible, lane);
                }
                differ |= value.definite != value.possible;
            }
        }
        if !differ {
            row.possible = Vec::new();
        }
        row
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_are_disjunctions_of_conjunctions() {
        let mut truths = Truths::default();
        let row = truths.make(1);
        truths.last_made().unwrap().definite[0] = 0b0011;
        truths.last_made().unwrap().possible[0] = 0b0111;
        let other = truths.share(Arc::new(TruthRow { definite: vec![0b1101], possible: Vec::new() }));
        let first = truths.begin_rows();
        truths.push_row(row);
        let one = truths.end_rows(first);
        let two = truths.with_row(one, other);
        assert_eq!(truths.rows_word(two, 0), K { definite: 0b0001, possible: 0b0101 });
        assert_eq!(
            (truths.rows_at(two, 0), truths.rows_at(two, 1), truths.rows_at(two, 2)),
            (K::TRUE, K::FALSE, K::UNKNOWN)
        );
        let mut sum = truths.begin_sum();
        truths.add(&mut sum, Kinds { user: K::UNKNOWN, role: K::FALSE }, Slice::default());
        truths.add(&mut sum, Kinds::TRUE, two);
        // Lane 1 is a user.
        assert_eq!(truths.word(&sum, 0, !0b10), K { definite: 0b0001, possible: 0b0111 });
        assert_eq!(Ready::new(&sum).word(&truths, 0, !0b10), truths.word(&sum, 0, !0b10));
        for (user, role) in [(K::TRUE, K::UNKNOWN), (K::FALSE, K::TRUE), (K::UNKNOWN, K::FALSE)] {
            let kinds = Kinds { user, role };
            assert_eq!(Ready::constant(kinds).word(&truths, 0, 0b0110), kinds.word(0b0110));
        }
        let mut copy = truths.begin_sum();
        truths.add_sum(&mut copy, sum);
        assert_eq!(truths.word(&copy, 0, !0b10), truths.word(&sum, 0, !0b10));
    }
}
