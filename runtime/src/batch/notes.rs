//! What a scratch keeps of rows: texts of contexts, the context of the row, and what follows from a context alone. Rows of
//! a batch have many contexts, single rows the one that was prepared for them.

use super::contexts::{ContextRow, Contexts, EntryState};
use super::depends;
use crate::layout::NONE;
use crate::logic::{K, Tri};
use crate::scratch::{Given, Scratch, State, Text};
use crate::set::CompiledPolicySet;
use iamc_policy::request::Mode;
use std::sync::Arc;

/// Notes about rows in a scratch. While a request is decided there are none.
#[derive(Debug, Clone, Default)]
pub(crate) struct BatchNotes {
    /// Set and contexts that the beginning of the arena belongs to; 0: none.
    set: u64,
    contexts: u64,
    n_bytes: usize,
    n_values: usize,
    /// The context of the row, counted from 1; 0: none.
    context: u32,
    by_id: bool,
    /// An atom that depends on one of these is not of the context.
    of_row: u8,
    /// By atom: [`depends::of_atoms`].
    depends: Arc<[u8]>,
    /// Values of atoms, each in the one slot that context and atom have: the context counted from 1, the atom shifted left by
    /// two plus its two bits. A slot that is taken by another is evaluated again.
    atoms: Vec<(u32, u32)>,
    /// By context: what depends on it alone was checked. Single rows use the first place.
    checked: Vec<bool>,
    /// Set whose single rows have been decided since the last batch, and how many contexts they had so far; 0: none.
    single: (u64, u32),
    /// The name of the session was looked at since [`BatchNotes::begin_row`].
    reads_session: bool,
    /// Of a condition or a resource test since [`BatchNotes::begin_denies`]: it depends on the resource.
    reads_resource: bool,
    /// The last denies of SCPs that do not depend on the resource, and what they are of.
    denies: Option<(DeniesOf, Tri)>,
}

/// What the denies of SCPs depend on, the resource apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct DeniesOf {
    /// The guardrail set.
    pub(crate) set: u32,
    /// Service and position of the action.
    pub(crate) action: (u32, u32),
    /// The caller, whose session does not count.
    pub(crate) principal: Option<u32>,
}

/// Slots for atoms at most: more would not stay in the cache of a core.
const ATOM_SLOTS_MAX: usize = 1 << 15;

impl BatchNotes {
    /// Nothing that was noted holds any more.
    pub(crate) fn forget(&mut self) {
        self.set = 0;
        self.context = 0;
        self.denies = None;
    }

    pub(crate) fn begin_row(&mut self) {
        self.reads_session = false;
    }

    /// Somebody looks at the name of the session.
    pub(crate) fn note_session(&mut self) {
        self.reads_session = true;
    }

    /// Did the answer to the row depend on the name of the session?
    pub(crate) fn reads_session(&self) -> bool {
        self.reads_session
    }

    /// The denies of SCPs follow, in a row of a batch: their value, if it is that of the last row that had some. What is
    /// worked out is handed to [`BatchNotes::keep_denies`].
    pub(crate) fn begin_denies(&mut self, of: DeniesOf) -> Option<Tri> {
        self.reads_resource = false;
        self.denies.filter(|(known, _)| *known == of).map(|(_, value)| value)
    }

    /// Keeps what was worked out since [`BatchNotes::begin_denies`], unless it depends on the resource, or on a session whose
    /// name was looked at.
    pub(crate) fn keep_denies(&mut self, of: DeniesOf, value: Tri) {
        if self.is_row() && !self.reads_resource && !self.reads_session && of.principal.is_some() {
            self.denies = Some((of, value));
        }
    }

    /// The row is one of a batch.
    fn is_row(&self) -> bool {
        self.context != 0 && self.single.0 == 0
    }

    /// Something is looked at, and it is about the resource or not.
    pub(crate) fn note_resource(&mut self, is_read: bool) {
        self.reads_resource |= is_read;
    }

    /// The keys of the row's context are noted by id, and their names are not needed.
    pub(crate) fn is_by_id(&self) -> bool {
        self.context != 0 && self.by_id
    }

    /// What depends on the context alone was checked for an earlier row.
    pub(crate) fn is_checked(&self) -> bool {
        self.checked[self.checked_at()]
    }

    pub(crate) fn note_checked(&mut self) {
        let at = self.checked_at();
        self.checked[at] = true;
    }

    fn checked_at(&self) -> usize {
        if self.single.0 == 0 { self.context as usize - 1 } else { 0 }
    }

    /// Makes room for the atoms of a set; nothing is known of any context.
    fn begin(&mut self, depends: &Arc<[u8]>) {
        self.depends = Arc::clone(depends);
        let n_slots = (depends.len() * 2).next_power_of_two().clamp(64, ATOM_SLOTS_MAX);
        self.atoms.clear();
        self.atoms.resize(n_slots, (0, 0));
        self.checked.clear();
    }

    /// What depends on more than the context, in this mode.
    fn set_mode(&mut self, mode: Mode) {
        self.of_row = depends::PRINCIPAL | depends::ACTION | depends::RESOURCE;
        if mode == Mode::Open {
            self.of_row |= depends::ACTION_IF_OPEN;
        }
    }

    /// The single rows that follow are of one context that was not met before. `by_id`: all its keys are the set's.
    pub(crate) fn begin_single(&mut self, set: &CompiledPolicySet, by_id: bool, mode: Mode) {
        let (known, n_contexts) = self.single;
        if known != set.identity() || n_contexts == u32::MAX {
            self.begin(set.depends());
            self.checked.push(false);
            self.single = (set.identity(), 0);
        }
        self.set = 0;
        self.denies = None;
        self.single.1 += 1;
        self.context = self.single.1;
        self.checked[0] = false;
        self.by_id = by_id;
        self.set_mode(mode);
    }

    /// The atom is looked at: has it the same value in every row of the context?
    pub(crate) fn is_of_context(&mut self, atom: u32) -> bool {
        if self.context == 0 {
            return false;
        }
        let depends = self.depends[atom as usize];
        self.reads_resource |= depends & depends::RESOURCE != 0;
        depends & self.of_row == 0
    }

    fn slot(&self, atom: u32) -> usize {
        atom.wrapping_add(self.context.wrapping_mul(0x9e37_79b1)) as usize & (self.atoms.len() - 1)
    }

    /// The value of an atom of the context, if it is known.
    pub(crate) fn atom(&self, atom: u32) -> Option<Tri> {
        let (context, value) = self.atoms[self.slot(atom)];
        let known = context == self.context && value >> 2 == atom;
        known.then_some(K { definite: value & 1 != 0, possible: value & 2 != 0 })
    }

    pub(crate) fn keep_atom(&mut self, atom: u32, value: Tri) {
        // An id that does not fit is worked out again each time.
        if atom >> 30 == 0 {
            let slot = self.slot(atom);
            self.atoms[slot] = (self.context, atom << 2 | u32::from(value.possible) << 1 | u32::from(value.definite));
        }
    }
}

impl Scratch {
    /// Copies what it has not yet of the contexts, and forgets the last row.
    pub(crate) fn begin_batch(&mut self, set: &CompiledPolicySet, contexts: &Contexts) {
        if self.batch.set != set.identity() || self.batch.contexts != contexts.identity() {
            self.begin_request(set);
            let notes = &mut self.batch;
            (notes.set, notes.contexts) = (set.identity(), contexts.identity());
            (notes.n_bytes, notes.n_values) = (0, 0);
            notes.begin(set.depends());
        }
        self.forget_row_prefix();
        let notes = &mut self.batch;
        notes.context = 0;
        notes.denies = None;
        notes.single = (0, 0);
        notes.checked.resize(contexts.len(), false);
        self.arena.bytes.truncate(notes.n_bytes);
        self.arena.values.truncate(notes.n_values);
        // Texts lie in the arena as they lie in the table, from its beginning on.
        self.arena.bytes.extend_from_slice(&contexts.texts().bytes()[notes.n_bytes..]);
        for text in &contexts.values()[notes.n_values..] {
            self.arena.values.push(buffer(contexts, *text));
        }
        (notes.n_bytes, notes.n_values) = (self.arena.bytes.len(), self.arena.values.len());
    }

    /// The rows that follow are of that context.
    pub(crate) fn enter_context(&mut self, contexts: &Contexts, id: u32, row: &ContextRow) {
        self.request_epoch = self.next_epoch();
        self.unit_epoch = self.request_epoch;
        self.given.clear();
        for entry in contexts.entries(row) {
            let state = match entry.state {
                EntryState::Absent => State::Absent,
                EntryState::Present => State::Present,
                EntryState::Unknown => State::Unknown,
                EntryState::Values { first, count, many } => State::Values { first, count, many },
            };
            let name = if entry.key == NONE { buffer(contexts, entry.name) } else { Text::EMPTY };
            if entry.key != NONE {
                self.request_given[entry.key as usize] = (self.request_epoch, self.given.len() as u32);
            }
            self.given.push(Given { id: entry.key, name, state, of_row: entry.of_row });
        }
        self.n_request_given = self.given.len();
        let notes = &mut self.batch;
        notes.context = id + 1;
        notes.denies = None;
        notes.by_id = row.kept == NONE;
        notes.set_mode(row.mode);
    }

    /// Forgets what was written behind these lengths of the arena, and the last row's units.
    pub(crate) fn rewind(&mut self, (n_bytes, n_values): (usize, usize)) {
        self.arena.bytes.truncate(n_bytes);
        self.arena.values.truncate(n_values);
        self.given.truncate(self.n_request_given);
        self.units.clear();
        self.unit_epoch = self.next_epoch();
    }

    /// The lengths of the arena: where [`Scratch::rewind`] comes back to.
    pub(crate) fn here(&self) -> (usize, usize) {
        (self.arena.bytes.len(), self.arena.values.len())
    }

    /// The lengths of the arena with nothing but the contexts in it.
    pub(crate) fn bottom(&self) -> (usize, usize) {
        (self.batch.n_bytes, self.batch.n_values)
    }
}

fn buffer(contexts: &Contexts, text: u32) -> Text {
    let (start, end) = contexts.texts().span(text);
    Text::Buffer { start, len: end - start }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn denies_are_kept_if_they_depend_on_caller_action_and_context_alone() {
        let of = DeniesOf { set: 3, action: (1, 2), principal: Some(4) };
        let kept = |look: fn(&mut BatchNotes), of: DeniesOf| {
            let mut notes = BatchNotes {
                context: 1,
                depends: [depends::RESOURCE, depends::PRINCIPAL].into(),
                ..BatchNotes::default()
            };
            assert_eq!(notes.begin_denies(of), None);
            look(&mut notes);
            notes.keep_denies(of, K::TRUE);
            notes.begin_row();
            notes
        };
        let by = |of: DeniesOf, look: fn(&mut BatchNotes)| kept(look, of).begin_denies(of);
        assert_eq!(by(of, |_| {}), Some(K::TRUE));
        assert_eq!(by(of, |notes| assert!(notes.is_of_context(1))), Some(K::TRUE));
        assert_eq!(by(of, |notes| assert!(notes.is_of_context(0))), None);
        assert_eq!(by(of, |notes| notes.note_resource(true)), None);
        assert_eq!(by(of, BatchNotes::note_session), None);
        // A single row, whose contexts are counted anew, and a caller that the set does not list.
        assert_eq!(by(of, |notes| notes.single = (1, 1)), None);
        assert_eq!(by(DeniesOf { principal: None, ..of }, |_| {}), None);
        for other in
            [DeniesOf { set: 4, ..of }, DeniesOf { action: (1, 3), ..of }, DeniesOf { principal: Some(5), ..of }]
        {
            assert_eq!(kept(|_| {}, of).begin_denies(other), None);
        }
    }
}
