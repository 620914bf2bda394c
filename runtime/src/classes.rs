//! What conditions on the caller alone say of each user and role, worked out when a set is compiled.
//!
//! Guardrails are asked of every request, and most of their conditions exempt a few callers by ARN, account or tag.
//! Users and roles of which all of them say the same are one *class*; a row of `principal_classes` holds what they say.
//! A condition counts as said only where the state of each key that it reads follows from the row of the principal, so
//! that no request can change it but one that pins keys or states tags; all others are evaluated, as if there were no
//! class.

use crate::batch::depends::keys_of_atom;
use crate::caller::digits;
use crate::eval::{Eval, Whose};
use crate::keys::*;
use crate::layout::*;
use crate::logic::{K, Logic, Tri};
use crate::questions::arn_texts::ArnTexts;
use crate::questions::points::{Template, caller};
use crate::questions::rows::get;
use crate::scratch::{Scratch, State};
use crate::set::{CompiledPolicySet, rows};
use iamc_policy::request::{GivenKeys, Mode};
use rustc_hash::FxHashMap;
use std::collections::BTreeSet;

/// Two bits for each atom: it is said, and it is true.
const SAID: u64 = 1;
const TRUE: u64 = 2;
const PER_WORD: usize = 32;
/// Atoms at most. A guardrail has a few, and an organization some hundred guardrails.
const ATOMS_MAX: usize = 256;
/// Values of an atom at most, and of all of them together: each may be compared with every principal, which a hostile
/// organization could make the most of its compilation. An exemption names a few roles.
const ATOM_VALUES_MAX: u32 = 16;
const VALUES_MAX: u32 = 256;
/// Classes at most: principals whose class would be one more have none.
const CLASSES_MAX: usize = 1 << 14;

/// Words of a row of `principal_classes`, for so many atoms.
pub(crate) fn n_words(n_atoms: usize) -> usize {
    n_atoms.div_ceil(PER_WORD)
}

/// What a set knows of its classes beside `principal_classes`: where atoms stand there, and which condition blocks a class
/// rules out.
#[derive(Debug, Default)]
pub(crate) struct Classes {
    /// By atom and by block; NOWHERE: nothing is known of it.
    of_atoms: Box<[u16]>,
    of_blocks: Box<[u16]>,
    n_words: usize,
    n_block_words: usize,
    /// By class, a bit for each block: false for every caller of the class.
    ruled_out: Box<[u64]>,
}

const NOWHERE: u16 = u16::MAX;
/// Bits of `ruled_out` at most; further blocks are evaluated.
const RULED_OUT_MAX: usize = 1 << 26;

impl Classes {
    /// Of tables that were validated. Cost: O(atoms of blocks), and of [`RULED_OUT_MAX`] at most for each class and block.
    pub(crate) fn new(tables: &Tables) -> Classes {
        if tables.principal_classes.is_empty() {
            return Classes::default();
        }
        let mut of_atoms = vec![NOWHERE; tables.atoms.len() / ATOM_ROW];
        for (position, atom) in (0..).zip(&tables.class_atoms) {
            of_atoms[*atom as usize] = position;
        }
        let n_words = n_words(tables.class_atoms.len());
        let classes = tables.principal_classes.chunks_exact(n_words);
        let blocks_max = (RULED_OUT_MAX / classes.len()).min(usize::from(NOWHERE));
        let blocks = rows::<3>(&tables.blocks);
        let mut of_blocks = vec![NOWHERE; blocks.len()];
        let mut known: Vec<Vec<u16>> = Vec::new();
        for ([_, first, count], position) in blocks.iter().zip(&mut of_blocks) {
            let atoms = &tables.block_atoms[*first as usize..(first + count) as usize];
            let of_class = |atom: &u32| Some(of_atoms[*atom as usize]).filter(|position| *position != NOWHERE);
            let atoms: Vec<u16> = atoms.iter().filter_map(of_class).collect();
            if !atoms.is_empty() && known.len() < blocks_max {
                *position = known.len() as u16;
                known.push(atoms);
            }
        }
        let n_block_words = known.len().div_ceil(64);
        let mut ruled_out = vec![0; n_block_words * classes.len()];
        for (class, bits) in classes.zip(ruled_out.chunks_exact_mut(n_block_words.max(1))) {
            let is_false = |atom: &u16| said(class, *atom).is_some_and(Tri::is_false);
            for (block, _) in known.iter().enumerate().filter(|(_, atoms)| atoms.iter().any(is_false)) {
                bits[block / 64] |= 1 << (block % 64);
            }
        }
        Classes {
            of_atoms: of_atoms.into(),
            of_blocks: of_blocks.into(),
            n_words,
            n_block_words,
            ruled_out: ruled_out.into(),
        }
    }
}

/// What the atom at a position says of the class with that row; `None`: that depends on the request.
fn said(class: &[u64], position: u16) -> Option<Tri> {
    let position = usize::from(position);
    let bits = class[position / PER_WORD] >> (2 * (position % PER_WORD));
    (bits & SAID != 0).then_some(K::constant(bits & TRUE != 0))
}

impl CompiledPolicySet {
    /// The same set with classes of principals, by which it decides faster and not otherwise. For compilers: an image
    /// holds the classes that the set had when it was written.
    ///
    /// Cost: O(principals) times the values of conditions of guardrails that depend on the caller alone, of which 256 are
    /// taken at most.
    pub fn with_classes(self) -> CompiledPolicySet {
        let atoms = atoms(&self);
        if atoms.is_empty() || !self.tables().class_atoms.is_empty() {
            return self;
        }
        let (classes, of_principals) = classify(&self, &atoms);
        self.classified(atoms, classes, &of_principals)
    }
}

impl Eval<'_> {
    /// What an atom of the base set says of the caller, if his class tells.
    pub(crate) fn said_of_class(&self, atom: u32) -> Option<Tri> {
        let class = self.class()?;
        let classes = self.set.classes();
        let position = *classes.of_atoms.get(atom as usize)?;
        let row = &self.set.tables().principal_classes[class * classes.n_words..][..classes.n_words];
        if position == NOWHERE { None } else { said(row, position) }
    }

    /// True: a condition block of the base set is false for the caller, as his class tells.
    pub(crate) fn is_ruled_out(&self, block: u32) -> bool {
        let Some(class) = self.class() else { return false };
        let classes = self.set.classes();
        match classes.of_blocks.get(block as usize) {
            None | Some(&NOWHERE) => false,
            Some(position) => {
                let position = usize::from(*position);
                classes.ruled_out[class * classes.n_block_words + position / 64] >> (position % 64) & 1 == 1
            }
        }
    }

    /// The caller's class, unless the request may say something else of the caller.
    fn class(&self) -> Option<usize> {
        let class = self.caller.class;
        (class != NONE && self.ask.given_keys != GivenKeys::Pinned).then_some(class as usize)
    }
}

/// Atoms of guardrails that depend on the caller alone, ascending, as many as the limits allow.
fn atoms(set: &CompiledPolicySet) -> Vec<u32> {
    let tables = set.tables();
    let mut atoms = BTreeSet::new();
    let mut bodies = BTreeSet::new();
    for [instance, _] in rows::<2>(&tables.guardrail_attachments) {
        let [body, ..] = set.instance(*instance);
        if body == NONE || !bodies.insert(body) {
            continue;
        }
        for statement in set.body_statements(body) {
            let [_, _, _, block, _] = set.statement(*statement);
            if block != NONE {
                atoms.extend(set.block(block).1);
            }
        }
    }
    let mut values_left = VALUES_MAX;
    let fits = |atom: &u32| {
        let [_, _, _, n_values] = set.atom(*atom);
        let fits = n_values <= values_left.min(ATOM_VALUES_MAX) && is_of_caller(set, *atom);
        values_left -= if fits { n_values } else { 0 };
        fits
    };
    atoms.into_iter().filter(fits).take(ATOMS_MAX).collect()
}

/// The keys of table 5.2 whose state follows from the row of a user or role, if anything does, and of which it is
/// declared how many values they have.
fn is_of_caller(set: &CompiledPolicySet, atom: u32) -> bool {
    keys_of_atom(set, atom).all(|key| {
        let row = set.key(key);
        row.cardinality != Cardinality::Undeclared
            && match row.class {
                KeyClass::PrincipalTag => true,
                KeyClass::Special(id) => matches!(
                    id,
                    PRINCIPAL_ARN
                        | PRINCIPAL_ACCOUNT
                        | PRINCIPAL_ORG_ID
                        | PRINCIPAL_ORG_PATHS
                        | PRINCIPAL_IS_AWS_SERVICE
                        | PRINCIPAL_SERVICE_NAME
                        | PRINCIPAL_TYPE
                        | USER_NAME
                ),
                _ => false,
            }
    })
}

/// The rows of the classes, and the class of each principal.
fn classify(set: &CompiledPolicySet, atoms: &[u32]) -> (Vec<u64>, Vec<u32>) {
    let n_words = n_words(atoms.len());
    let texts = ArnTexts::new(set);
    let candidates: Vec<_> = atoms.iter().map(|atom| texts.candidates(set, *atom)).collect();
    // Of users and of roles that are no candidates.
    let mut of_others = vec![[None; 2]; atoms.len()];
    let mut known: FxHashMap<Box<[u64]>, u32> = FxHashMap::default();
    let mut classes = Vec::new();
    let mut scratch = Scratch::new(set);
    let of_principal = |lane: u32| {
        // Open and with nothing given: what is constant here no request changes.
        let template = Template::nothing(Mode::Open);
        let Some(mut eval) = is_plain(set, lane).then(|| caller(set, &template, &mut scratch, lane)).flatten() else {
            return NONE;
        };
        let kind = usize::from(set.principal(lane)[0] & PRINCIPAL_ROLE != 0);
        let mut row = vec![0u64; n_words].into_boxed_slice();
        for (position, atom) in atoms.iter().enumerate() {
            let is_other = candidates[position].as_ref().is_some_and(|found| !get(found, lane));
            let bits = match of_others[position][kind] {
                Some(bits) if is_other => bits,
                _ => eval.say(*atom),
            };
            if is_other {
                of_others[position][kind] = Some(bits);
            }
            row[position / PER_WORD] |= bits << (2 * (position % PER_WORD));
        }
        if let Some(class) = known.get(&row) {
            return *class;
        }
        if known.len() == CLASSES_MAX {
            return NONE;
        }
        let class = known.len() as u32;
        classes.extend_from_slice(&row);
        known.insert(row, class);
        class
    };
    let of_principals = (0..set.n_principals()).map(of_principal).collect();
    (classes, of_principals)
}

/// The principal is of the account that its ARN names, so it is the same caller by number and by name.
fn is_plain(set: &CompiledPolicySet, lane: u32) -> bool {
    let [_, account, arn, ..] = set.principal(lane);
    let named = set.text(arn).split(':').nth(4);
    account != NONE && named.is_some_and(|named| named.as_bytes() == digits(set.account_number(account)))
}

impl Eval<'_> {
    /// The two bits of an atom for the caller, of whom nothing is given.
    fn say(&mut self, atom: u32) -> u64 {
        let set = self.set;
        let follows = |eval: &mut Self, key: u32| {
            let key = eval.key(Whose::Base, key);
            matches!(eval.derived(&key), Some(State::Absent | State::Values { .. }))
        };
        if !keys_of_atom(set, atom).all(|key| follows(self, key)) {
            return 0;
        }
        match self.atom(Whose::Base, atom) {
            K::TRUE => SAID | TRUE,
            K::FALSE => SAID,
            _ => 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::minimal;

    /// Three atoms, of which classes speak of the first and the last; four blocks.
    fn tables() -> Tables {
        let mut tables = minimal();
        tables.atoms = vec![0; 3 * ATOM_ROW];
        tables.block_atoms = vec![0, 1, 1, 2, 0];
        tables.blocks = [[0, 0, 2], [0, 2, 1], [0, 3, 1], [0, 3, 2]].concat();
        tables.class_atoms = vec![0, 2];
        // Of the second class it is said that the first atom is false and the last one is true.
        tables.principal_classes = vec![0, SAID | (SAID | TRUE) << 2, (SAID | TRUE) | SAID << 2];
        tables
    }

    #[test]
    fn what_is_said_and_ruled_out() {
        let tables = tables();
        let classes = Classes::new(&tables);
        let said = |class: usize, atom: usize| match classes.of_atoms[atom] {
            NOWHERE => None,
            position => said(&tables.principal_classes[class..class + 1], position),
        };
        assert_eq!([said(0, 0), said(0, 1), said(0, 2)], [None; 3]);
        assert_eq!([said(1, 0), said(1, 1), said(1, 2)], [Some(K::FALSE), None, Some(K::TRUE)]);
        assert_eq!([said(2, 0), said(2, 2)], [Some(K::TRUE), Some(K::FALSE)]);
        let ruled_out = |class: usize, block: usize| match classes.of_blocks[block] {
            NOWHERE => false,
            position => classes.ruled_out[class] >> position & 1 == 1,
        };
        for (class, expected) in [[false; 4], [true, false, false, true], [false, false, true, true]].iter().enumerate()
        {
            assert_eq!([0, 1, 2, 3].map(|block| ruled_out(class, block)), *expected, "{class}");
        }
    }

    #[test]
    fn classes_of_nothing_are_refused() {
        let valid = |change: &dyn Fn(&mut Tables)| {
            let mut tables = minimal();
            change(&mut tables);
            CompiledPolicySet::from_tables(tables).is_ok()
        };
        assert!(valid(&|_| {}));
        assert!(!valid(&|tables| tables.principal_classes = vec![0]), "classes without atoms");
        assert!(!valid(&|tables| tables.class_atoms = vec![0]), "an atom that does not exist");
    }
}
