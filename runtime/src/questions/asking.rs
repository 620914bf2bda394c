//! A question under evaluation: two callers that stand for all users and all roles, one more for whatever has to be
//! asked of each, and what was found.

use super::condition_index::Readings;
use super::dependence::Level;
use super::inverse::ByLanes;
use super::points::{self, Template};
use super::rows::{Bits, Gathered, get, set as set_bit};
use super::sides::{Levels, SideClass, Sided};
use super::sweep::GuardRows;
use super::truths::{Kinds, Slice, Sum, Truths, Value};
use crate::eval::{Eval, Whose};
use crate::index::{IndexScratch, PatternMatch};
use crate::layout::*;
use crate::logic::{K, Logic, Tri};
use crate::record::{Located, Plain};
use crate::scratch::{Scratch, State};
use crate::set::CompiledPolicySet;
use crate::units::{Origin, UnitSpec};
use iamc_policy::PolicyKind;
use std::ops::Range;

/// Memory of a worker for questions about everybody; after the first ones it no longer grows.
#[derive(Debug, Clone, Default)]
pub struct QuestionScratch {
    pub(crate) user: Scratch,
    pub(crate) role: Scratch,
    pub(crate) spare: Scratch,
    pub(crate) index: IndexScratch,
    pub(crate) work: Work,
}

/// A value that was worked out in the unit with that number.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Stamped<T> {
    pub(crate) stamp: u32,
    pub(crate) value: T,
}

/// The statements whose patterns match a resource, whatever the action: matrices ask about few resources.
#[derive(Debug, Clone, Default)]
pub(crate) struct Matching {
    /// Of which set; 0: of none.
    pub(crate) set: u64,
    pub(crate) text: Vec<u8>,
    /// As [`Work::numbers`], ascending.
    pub(crate) numbers: Vec<u32>,
}

/// What a guardrail body, or the level of a path, says.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Said {
    pub(crate) allows: Sum,
    pub(crate) denies: Sum,
}

impl Said {
    pub(crate) const NOTHING: Said = Said { allows: Sum::FALSE, denies: Sum::FALSE };
}

/// What the SCPs of an account say.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Guarding {
    pub(crate) denies: Sum,
    /// The constant part of all levels.
    pub(crate) allows: Kinds,
    /// Levels whose Allow is no constant, in `Work::level_sums`.
    pub(crate) levels: Slice,
}

/// Everything that a question finds out.
#[derive(Debug, Clone, Default)]
pub(crate) struct Work {
    /// Of the unit: identity policies, denies of everything that is attached to principals, boundaries, session policies.
    pub(crate) allows: Gathered,
    pub(crate) denies: Gathered,
    pub(crate) boundary: Gathered,
    pub(crate) session: Gathered,
    /// Over the units so far.
    pub(crate) denied: [Bits; 2],
    pub(crate) allowed: [Bits; 2],
    /// The answer: lanes for which Allow, ExplicitDeny and ImplicitDeny are possible.
    pub(crate) outcomes: [Bits; 3],
    /// Lanes that are decided one by one; empty words are not cleared but known by `named`.
    pub(crate) odd: Bits,
    pub(crate) named: Vec<u32>,
    /// Ranges of lanes and positions of runs that are asked about.
    pub(crate) ranges: Vec<(u32, u32)>,
    pub(crate) runs: Vec<u32>,
    pub(crate) units: Vec<UnitSpec>,
    /// Runs that differ from all others.
    pub(crate) special: Vec<u32>,
    pub(crate) truths: Truths,
    pub(crate) stamp: u32,
    pub(crate) blocks: Vec<Stamped<Value>>,
    /// Blocks that the context settles, by the number of the context, of which there was another before.
    pub(crate) kept_blocks: Vec<Stamped<Kinds>>,
    pub(crate) kept_stamp: u32,
    /// Set, context, and for whom: what kept blocks belong to.
    pub(crate) kept_for: (u64, u64, [bool; 3]),
    /// Kept blocks hold in the unit.
    pub(crate) keeps_blocks: bool,
    /// By key: what the condition index found of its value.
    pub(crate) readings: Vec<Readings>,
    /// By atom: the unit in which it is a candidate.
    pub(crate) candidates: Vec<u32>,
    pub(crate) buffer: Vec<u8>,
    pub(crate) guard_bodies: Vec<Stamped<Said>>,
    pub(crate) guard_levels: Vec<Stamped<Said>>,
    pub(crate) guard_sets: Vec<Stamped<Guarding>>,
    pub(crate) level_sums: Vec<Sum>,
    pub(crate) guard_rows: GuardRows,
    /// By atom: what it is by accounts, and the position of its row.
    pub(crate) by_accounts: Vec<Stamped<Option<(Kinds, u32)>>>,
    /// Runs that a value names.
    pub(crate) named_runs: Vec<u32>,
    pub(crate) matches: Vec<PatternMatch>,
    pub(crate) matching: Matching,
    /// Accounts that the ARN names where a pattern may hold that of its owner: index, and the lanes of its principals.
    pub(crate) homes: Vec<(u32, (u32, u32))>,
    /// Numbers of statements that are looked at.
    pub(crate) numbers: Vec<u32>,
    pub(crate) sides: Vec<SideClass>,
    /// By run: a position in `sides`.
    pub(crate) sides_of_runs: Vec<u32>,
    /// The same by the first run of those that are alike.
    pub(crate) sides_of_classes: Vec<u32>,
    pub(crate) values: Vec<Value>,
    pub(crate) sided: Vec<Sided>,
    pub(crate) sided_values: Vec<((u32, PolicyKind, u32), Value)>,
    pub(crate) reached: Vec<[Levels; 2]>,
    /// How many principals the last question decided one by one, and for how many statements it asked each caller.
    pub(crate) n_by_point: u32,
    pub(crate) n_by_lane: u32,
}

impl Work {
    /// The next unit: nothing that was worked out holds any more.
    pub(crate) fn begin_unit(&mut self, lanes: &ByLanes, set: &CompiledPolicySet) {
        self.stamp = self.stamp.wrapping_add(1);
        if self.stamp == 0 {
            self.blocks.clear();
            self.guard_bodies.clear();
            self.guard_levels.clear();
            self.guard_sets.clear();
            self.by_accounts.clear();
            self.readings.clear();
            self.candidates.clear();
            self.stamp = 1;
        }
        fn fit<T: Clone>(list: &mut Vec<Stamped<T>>, n: usize, value: T) {
            if list.len() != n {
                list.clear();
                list.resize(n, Stamped { stamp: 0, value });
            }
        }
        fit(&mut self.blocks, set.tables().blocks.len() / 3, Value::constant(Kinds::FALSE));
        let (n_keys, n_atoms) = (set.tables().keys.len() / KEY_ROW, set.tables().atoms.len() / ATOM_ROW);
        if self.readings.len() != n_keys || self.candidates.len() != n_atoms {
            self.readings.clear();
            self.readings.resize(n_keys, Readings::default());
            self.candidates.clear();
            self.candidates.resize(n_atoms, 0);
        }
        fit(&mut self.by_accounts, n_atoms, None);
        fit(&mut self.guard_bodies, lanes.scps.bodies.len(), Said::NOTHING);
        fit(&mut self.guard_levels, lanes.scps.levels.len(), Said::NOTHING);
        let nothing = Guarding { denies: Sum::FALSE, allows: Kinds::FALSE, levels: Slice::default() };
        fit(&mut self.guard_sets, lanes.scps.n_sets(), nothing);
        self.level_sums.clear();
        self.truths.clear();
        self.sides.clear();
        self.sided_values.clear();
    }
}

/// Which pool a statement is added to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Target {
    Identity,
    Boundary,
    Session,
}

/// A question under evaluation.
pub(crate) struct Asking<'a> {
    pub(super) lanes: &'a ByLanes,
    pub(super) set: &'a CompiledPolicySet,
    pub(super) template: Template<'a>,
    /// The caller that stands for all, where all are alike: a role, unless there is none. It has every unit.
    pub(super) main: Eval<'a>,
    pub(super) main_is_role: bool,
    /// The one that stands for the other kind.
    pub(super) other: Option<Eval<'a>>,
    pub(super) spare: &'a mut Scratch,
    pub(super) index: &'a mut IndexScratch,
    pub(super) work: &'a mut Work,
    pub(super) origin: Origin,
    /// Does the unit exist for users, for roles?
    pub(super) in_unit: [bool; 2],
    /// The owner of the resource is whoever asks.
    pub(super) owner_varies: bool,
    /// What keys say of the owner depends on the caller.
    pub(super) owner_matters: bool,
    /// The scope is a few accounts.
    pub(super) is_local: bool,
    /// The words that hold the lanes of the scope.
    pub(super) words: Range<usize>,
}

impl<'a> Asking<'a> {
    /// The action test of a statement.
    pub(super) fn is_about(&self, element: u32) -> bool {
        let ids = self.main.unit.spec.action;
        self.set.action_test(element, ids.service, ids.position, self.main.bytes(ids.name))
    }

    /// What holds for all users and all roles.
    fn ask(&mut self, level: Level, mut of: impl FnMut(&mut Eval<'a>) -> Tri) -> Kinds {
        if level == Level::Once {
            return Kinds::both(of(&mut self.main));
        }
        let main = Some(of(&mut self.main));
        let has_other = self.in_unit[usize::from(!self.main_is_role)];
        let other = self.other.as_mut().filter(|_| has_other).map(of);
        if self.main_is_role { Kinds::of(other, main) } else { Kinds::of(main, other) }
    }

    /// A condition block; it is worked out once a unit.
    fn block(&mut self, block: u32) -> Value {
        if block == NONE {
            return Value::constant(Kinds::TRUE);
        }
        let known = self.work.blocks[block as usize];
        if known.stamp == self.work.stamp {
            return known.value;
        }
        let stamp = self.work.kept_stamp;
        let keeps = self.work.keeps_blocks && self.lanes.dependence.keeps_block(block, self.template.mode);
        if keeps && self.work.kept_blocks[block as usize].stamp == stamp {
            return Value::constant(self.work.kept_blocks[block as usize].value);
        }
        let value = self.work_out_block(block);
        self.work.blocks[block as usize] = Stamped { stamp: self.work.stamp, value };
        if keeps && value.rows.len == 0 && !value.by_lane {
            self.work.kept_blocks[block as usize] = Stamped { stamp, value: value.kinds };
        }
        value
    }

    /// Whether blocks are kept for the current unit: those that the context settles are the same for all units in which it
    /// speaks for everybody of the same kinds.
    pub(super) fn begin_blocks(&mut self) {
        let work = &mut *self.work;
        let n_blocks = self.set.tables().blocks.len() / 3;
        let [user, role] = self.in_unit;
        let kept_for = (self.set.identity(), self.template.id, [user, role, self.main_is_role]);
        // A resource may say something of its own, and an owner who varies may matter to keys that else follow from less.
        // What was kept for other units stays: filling it anew takes longer than a question about an account.
        work.keeps_blocks = self.main.unit.resource.context.is_empty() && !self.owner_matters;
        if !work.keeps_blocks {
            return;
        }
        if work.kept_stamp == u32::MAX {
            work.kept_stamp = 0;
            work.kept_blocks.clear();
        }
        if work.kept_for != kept_for || work.kept_blocks.len() != n_blocks {
            work.kept_for = kept_for;
            work.kept_stamp += 1;
        }
        if work.kept_blocks.len() != n_blocks {
            work.kept_blocks.clear();
            work.kept_blocks.resize(n_blocks, Stamped { stamp: 0, value: Kinds::FALSE });
        }
    }

    fn work_out_block(&mut self, block: u32) -> Value {
        let (flags, atoms) = self.set.block(block);
        if flags & BLOCK_MEANINGLESS != 0 {
            return Value::constant(Kinds::FALSE);
        }
        let mut kinds = Kinds::TRUE;
        let mut by_lane = false;
        let mut some_rows = false;
        for atom in atoms {
            let depends = self.lanes.dependence.atoms[*atom as usize];
            let level = depends.level(self.owner_matters);
            if level <= Level::Kind {
                kinds = kinds.and(self.atom(level, *atom));
                if kinds.is_impossible() {
                    return Value::constant(Kinds::FALSE);
                }
            } else if depends.is_of_principals(self.owner_matters) || self.by_accounts(*atom).is_some() {
                some_rows = true;
            } else {
                by_lane = true;
            }
        }
        let first = self.work.truths.begin_rows();
        if some_rows && !by_lane {
            for atom in atoms {
                let depends = self.lanes.dependence.atoms[*atom as usize];
                if depends.is_of_principals(self.owner_matters) {
                    let mode = self.template.mode;
                    let row = self.lanes.atom_rows.row(self.lanes, self.set, *atom, mode, self.spare);
                    let row = self.work.truths.share(row);
                    self.work.truths.push_row(row);
                } else if depends.level(self.owner_matters) > Level::Kind
                    && let Some((most, row)) = self.by_accounts(*atom)
                {
                    kinds = kinds.and(most);
                    if row != NONE {
                        self.work.truths.push_row(row);
                    }
                }
            }
        }
        Value { kinds, rows: self.work.truths.end_rows(first), by_lane }
    }

    /// An atom that is the same for all users and for all roles. One that the value of its key cannot satisfy is not
    /// evaluated.
    fn atom(&mut self, level: Level, atom: u32) -> Kinds {
        if level == Level::Once
            && let Some(value) = self.by_index(atom)
        {
            return Kinds::both(K::constant(value));
        }
        self.ask(level, |eval| eval.atom(Whose::Base, atom))
    }

    /// The value of an atom by the condition index; `None`: it has to be evaluated.
    fn by_index(&mut self, atom: u32) -> Option<bool> {
        let [_, key, ..] = self.set.atom(atom);
        let (set, index) = (self.set, &self.lanes.conditions);
        let stamp = self.work.stamp;
        if self.work.readings[key as usize].stamp != stamp {
            let eval = &mut self.main;
            let own = eval.key(Whose::Base, key);
            let state = eval.state(&own);
            let mut readings = Readings::default();
            if let State::Values { first, count: 1, .. } = state
                && !eval.is_multi(&own)
            {
                let (text, candidates) = (eval.value_bytes(first), &mut self.work.candidates);
                let buffer = &mut self.work.buffer;
                let found = index.find(set, key, text, buffer, |atom| candidates[atom as usize] = stamp);
                readings = found.unwrap_or_default();
            }
            self.work.readings[key as usize] = Readings { stamp, ..readings };
        }
        if self.work.candidates[atom as usize] == stamp {
            return None;
        }
        index.otherwise(atom, self.work.readings[key as usize])
    }

    /// Resource and conditions of a statement whose action test is true. `matched`: its resource test is true.
    pub(super) fn statement(&mut self, located: &Located, matched: bool) -> Value {
        let [_, _, resource, block, _] = self.set.statement(located.statement);
        let mut value = self.block(block);
        if matched || resource == NONE || located.kind == PolicyKind::Trust || value.kinds.is_impossible() {
            return value;
        }
        let level = self.lanes.level_of_test(resource, self.owner_matters);
        if level <= Level::Kind {
            let located = *located;
            let test = self.ask(level, |eval| eval.resource_test(&mut Plain::new(), &located, resource));
            value.kinds = value.kinds.and(test);
        } else {
            value.by_lane = true;
        }
        value
    }

    /// The level of a statement that is asked of each caller.
    fn level(&self, statement: u32) -> Level {
        let [_, _, resource, block, _] = self.set.statement(statement);
        let mut level = self.lanes.level_of_test(resource, self.owner_matters);
        if block != NONE {
            for atom in self.set.block(block).1 {
                level = level.max(self.lanes.dependence.atoms[*atom as usize].level(self.owner_matters));
            }
        }
        level
    }

    /// Asks each of some lanes, ascending, for the truth of a statement whose action test is true.
    pub(super) fn each_lane(
        &mut self,
        located: &Located,
        most: Kinds,
        lanes: impl Iterator<Item = u32>,
        mut visit: impl FnMut(&mut Work, u32, Tri),
    ) {
        let by_account = self.level(located.statement) <= Level::Account;
        let mut known: (u32, [Option<Tri>; 2]) = (NONE, [None; 2]);
        let mut caller: Option<(Eval<'_>, (usize, usize))> = None;
        for lane in lanes {
            let is_role = get(&self.lanes.roles, lane);
            if get(&self.lanes.odd, lane) || !self.in_unit[usize::from(is_role)] || most.at(is_role).is_false() {
                continue;
            }
            let account = self.set.principal(lane)[1];
            if known.0 != account {
                known = (account, [None; 2]);
            }
            if by_account && let Some(value) = known.1[usize::from(is_role)] {
                visit(self.work, lane, value);
                continue;
            }
            self.work.n_by_lane += 1;
            let changed = !self.owner_varies
                && caller.as_mut().is_some_and(|(eval, mark)| eval.change_caller(&self.template, lane, *mark));
            if !changed {
                caller = None;
                let begun = points::begin(self.set, &self.template, self.spare, lane).and_then(Result::ok);
                let Some(mut eval) = begun else {
                    note_odd(self.work, lane);
                    continue;
                };
                let Some(at) = unit_of(&eval, self.origin) else {
                    note_odd(self.work, lane);
                    continue;
                };
                eval.enter(at);
                let mark = (eval.s.arena.bytes.len(), eval.s.arena.values.len());
                caller = Some((eval, mark));
            }
            let Some((eval, _)) = &mut caller else { continue };
            let value = eval.statement_body(&mut Plain::new(), located);
            known.1[usize::from(is_role)] = Some(value);
            visit(self.work, lane, value);
        }
    }

    /// A value as a constant and rows, whatever it was.
    pub(super) fn as_rows(&mut self, located: &Located, value: Value) -> Value {
        if !value.by_lane {
            return value;
        }
        let row = self.work.truths.make(self.lanes.n_words);
        let (first, end) = ((self.words.start * 64) as u32, ((self.words.end * 64) as u32).min(self.lanes.n));
        self.each_lane(located, value.kinds, first..end, |work, lane, value| {
            if let Some(row) = work.truths.last_made() {
                if value.definite {
                    set_bit(&mut row.definite, lane);
                }
                if value.possible {
                    set_bit(&mut row.possible, lane);
                }
            }
        });
        let first = self.work.truths.begin_rows();
        self.work.truths.push_row(row);
        Value { kinds: value.kinds, rows: self.work.truths.end_rows(first), by_lane: false }
    }

    /// What an Allow or a Deny says of one lane or of all holders of a body. `within`: of those in this range alone.
    pub(super) fn add(
        &mut self,
        target: Target,
        located: &Located,
        value: Value,
        holder: super::pools::Lanes<'_>,
        within: Option<(u32, u32)>,
    ) {
        use super::pools::Lanes;
        if value.kinds.is_impossible() {
            return;
        }
        let (mut words, mut holder) = (self.words.clone(), holder);
        let (mut first, mut end) = ((words.start * 64) as u32, (words.end * 64) as u32);
        if let Some(within) = within {
            (first, end) = (first.max(within.0), end.min(within.1));
            if first >= end {
                return;
            }
            words = super::rows::words(first, end);
            if let Lanes::List(list) = holder {
                let start = list.partition_point(|lane| *lane < first);
                holder = Lanes::List(&list[start..start + list[start..].partition_point(|lane| *lane < end)]);
            }
        }
        if value.by_lane {
            let to = |work: &mut Work, lane: u32, value: Tri| row_of(work, target, located.deny).add(lane, value);
            match holder {
                Lanes::List(list) => {
                    let own = list.iter().copied().filter(|lane| (first..end).contains(lane));
                    self.each_lane(located, value.kinds, own, to);
                }
                Lanes::Row(row) => {
                    let own = super::rows::ones(row, words).filter(|lane| (first..end).contains(lane));
                    self.each_lane(located, value.kinds, own, to);
                }
            }
            return;
        }
        let roles = &self.lanes.roles;
        match holder {
            Lanes::List(list) if value.is_constant() && value.kinds.user == value.kinds.role => {
                let gathered = row_of(self.work, target, located.deny);
                let bits = if value.kinds.user.definite { &mut gathered.definite } else { &mut gathered.perhaps };
                for lane in list {
                    // Whoever is out of scope is not read afterwards.
                    set_bit(bits, *lane);
                }
            }
            Lanes::Row(row) if within.is_none() && value.is_constant() && value.kinds.user == value.kinds.role => {
                let gathered = row_of(self.work, target, located.deny);
                let bits = if value.kinds.user.definite { &mut gathered.definite } else { &mut gathered.perhaps };
                for (bits, holders) in bits[words.clone()].iter_mut().zip(&row[words]) {
                    *bits |= holders;
                }
            }
            Lanes::List(list) => {
                for lane in list.iter().filter(|lane| (first..end).contains(lane)) {
                    let own = value.kinds.at(get(roles, *lane)).and(self.work.truths.rows_at(value.rows, *lane));
                    row_of(self.work, target, located.deny).add(*lane, own);
                }
            }
            Lanes::Row(row) => {
                for word in words {
                    let holders = row[word] & super::rows::mask(word, first, end);
                    if holders == 0 {
                        continue;
                    }
                    let own = value.kinds.word(roles[word]).and(self.work.truths.rows_word(value.rows, word));
                    let own = own.and(K { definite: holders, possible: holders });
                    row_of(self.work, target, located.deny).add_word(word, own);
                }
            }
        }
    }
}

/// The row that a statement is added to.
fn row_of(work: &mut Work, target: Target, deny: bool) -> &mut Gathered {
    match target {
        _ if deny => &mut work.denies,
        Target::Identity => &mut work.allows,
        Target::Boundary => &mut work.boundary,
        Target::Session => &mut work.session,
    }
}

/// A lane that has to be decided by itself.
pub(super) fn note_odd(work: &mut Work, lane: u32) {
    set_bit(&mut work.odd, lane);
    work.named.push(lane);
}

/// The position of a unit among those of a caller.
pub(super) fn unit_of(eval: &Eval<'_>, origin: Origin) -> Option<usize> {
    eval.s.units.iter().position(|spec| spec.origin == origin)
}
