//! What a worker keeps between decisions, so that none of them allocates.

use crate::batch::notes::BatchNotes;
use crate::code::Reached;
use crate::layout::{ATOM_ROW, KEY_ROW};
use crate::logic::{K, Tri};
use crate::set::CompiledPolicySet;
use crate::units::UnitSpec;

/// A text: of the set, or in the arena.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Text {
    /// A StringId of the base set.
    String(u32),
    /// Bytes of the arena.
    Buffer { start: usize, len: usize },
}

impl Text {
    pub(crate) const EMPTY: Text = Text::Buffer { start: 0, len: 0 };
}

/// Texts that belong to one decision.
#[derive(Debug, Clone, Default)]
pub(crate) struct Arena {
    pub(crate) bytes: Vec<u8>,
    /// Values of keys.
    pub(crate) values: Vec<Text>,
}

impl Arena {
    pub(crate) fn push(&mut self, text: &[u8]) -> Text {
        let start = self.bytes.len();
        self.bytes.extend_from_slice(text);
        Text::Buffer { start, len: text.len() }
    }

    /// Puts several parts together.
    pub(crate) fn concat(&mut self, parts: &[&[u8]]) -> Text {
        let start = self.bytes.len();
        parts.iter().for_each(|part| self.bytes.extend_from_slice(part));
        Text::Buffer { start, len: self.bytes.len() - start }
    }

    /// Adds a text to the one that is being put together at the end of the arena.
    pub(crate) fn append(&mut self, set: &CompiledPolicySet, text: Text) {
        match text {
            Text::String(id) => self.bytes.extend_from_slice(set.string(id)),
            Text::Buffer { start, len } => self.bytes.extend_from_within(start..start + len),
        }
    }

    /// The bytes of a text; `set` is the base set.
    pub(crate) fn get<'t>(&'t self, set: &'t CompiledPolicySet, text: Text) -> &'t [u8] {
        match text {
            Text::String(id) => set.string(id),
            Text::Buffer { start, len } => &self.bytes[start..start + len],
        }
    }

    /// The lower case of of a text: each code point by itself.
    pub(crate) fn lower(&mut self, set: &CompiledPolicySet, text: Text) -> Text {
        let start = self.bytes.len();
        let mut at = 0;
        loop {
            // One code point at a time, since the arena may be source and target at once.
            let source = self.get(set, text);
            let Some(c) = first_char(&source[at..]) else { break };
            at += c.len_utf8();
            let mut utf8 = [0; 4];
            for c in c.to_lowercase() {
                self.bytes.extend_from_slice(c.encode_utf8(&mut utf8).as_bytes());
            }
        }
        Text::Buffer { start, len: self.bytes.len() - start }
    }
}

/// The first code point of bytes that are UTF-8.
fn first_char(bytes: &[u8]) -> Option<char> {
    let width = match bytes.first()? {
        0x00..=0xbf => 1,
        0xc0..=0xdf => 2,
        0xe0..=0xef => 3,
        _ => 4,
    };
    std::str::from_utf8(bytes.get(..width)?).ok()?.chars().next()
}

/// The state of a condition key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum State {
    Absent,
    /// Present with the values `first..first + count` of the arena; `many`: given as a list.
    Values {
        first: u32,
        count: u32,
        many: bool,
    },
    /// Present with an unknown value.
    Present,
    Unknown,
}

/// A key as the request gives it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Given {
    /// NONE: no key of the set; then the name counts.
    pub(crate) id: u32,
    pub(crate) name: Text,
    pub(crate) state: State,
    /// What is derived of it depends on more than the context.
    pub(crate) of_row: bool,
}

/// What stands for a variable.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Slot {
    Text(Text),
    Hole,
}

/// What the rows of one prepared context have in common.
#[derive(Debug, Clone, Copy)]
struct RowPrefix {
    set: u64,
    context: u64,
    n_bytes: usize,
    n_values: usize,
}

/// A worker's memory: make one for each thread, use it for any number of decisions.
///
/// Nothing of a request outlives it. After the first decisions have grown the buffers, [`crate::decide()`] allocates
/// nothing. A scratch made for one set serves another too; then it grows once more.
#[derive(Debug, Clone, Default)]
pub struct Scratch {
    pub(crate) arena: Arena,
    /// Grows with each request and each unit; a stamp that differs is out of date.
    epoch: u32,
    pub(crate) request_epoch: u32,
    pub(crate) unit_epoch: u32,
    /// Keys given by the request, then those of the unit.
    pub(crate) given: Vec<Given>,
    pub(crate) n_request_given: usize,
    /// By key id: stamp, position in `given`.
    pub(crate) request_given: Vec<(u32, u32)>,
    pub(crate) unit_given: Vec<(u32, u32)>,
    /// By key id: stamp, state.
    pub(crate) states: Vec<(u32, State)>,
    /// By atom id: stamp, value.
    pub(crate) atoms: Vec<(u32, Tri)>,
    pub(crate) slots: Vec<Slot>,
    pub(crate) reached: Reached,
    /// The request value of a comparison, as its operator reads it.
    pub(crate) read_value: Vec<u8>,
    pub(crate) units: Vec<UnitSpec>,
    /// What a batch has noted.
    pub(crate) batch: BatchNotes,
    /// Set and prepared context whose keys are noted, and how much of the buffers they take.
    row_prefix: Option<RowPrefix>,
    /// Rows of resources that may carry the policy of the unit's resource, the nearest first.
    pub(crate) carriers: Vec<u32>,
}

impl Scratch {
    /// A scratch for a set. Cost: O(keys + atoms of the set), and the first time for a set O(policies + attachments).
    pub fn new(set: &CompiledPolicySet) -> Scratch {
        set.programs();
        let mut scratch = Scratch::default();
        scratch.begin_request(set);
        scratch
    }

    /// Forgets the last request.
    pub(crate) fn begin_request(&mut self, set: &CompiledPolicySet) {
        let n_keys = set.tables().keys.len() / KEY_ROW;
        let n_atoms = set.tables().atoms.len() / ATOM_ROW;
        if self.request_given.len() < n_keys {
            self.request_given.resize(n_keys, (0, 0));
            self.unit_given.resize(n_keys, (0, 0));
            self.states.resize(n_keys, (0, State::Absent));
        }
        if self.atoms.len() < n_atoms {
            self.atoms.resize(n_atoms, (0, K::FALSE));
        }
        self.arena.bytes.clear();
        self.arena.values.clear();
        self.given.clear();
        self.n_request_given = 0;
        self.units.clear();
        self.carriers.clear();
        self.row_prefix = None;
        self.batch.forget();
        self.request_epoch = self.next_epoch();
        self.unit_epoch = self.request_epoch;
    }

    /// Forgets the last row but not the keys of its context. False: another context, whose keys have to be noted.
    pub(crate) fn begin_row(&mut self, set: &CompiledPolicySet, context: u64) -> bool {
        match self.row_prefix {
            Some(prefix) if prefix.set == set.identity() && prefix.context == context => {
                self.arena.bytes.truncate(prefix.n_bytes);
                self.arena.values.truncate(prefix.n_values);
                self.given.truncate(self.n_request_given);
                self.units.clear();
                self.unit_epoch = self.next_epoch();
                true
            }
            _ => {
                self.begin_request(set);
                false
            }
        }
    }

    /// The buffers hold no context any more.
    pub(crate) fn forget_row_prefix(&mut self) {
        self.row_prefix = None;
    }

    /// What is in the buffers now belongs to the context.
    pub(crate) fn keep_row_prefix(&mut self, set: &CompiledPolicySet, context: u64) {
        let (n_bytes, n_values) = (self.arena.bytes.len(), self.arena.values.len());
        self.row_prefix = Some(RowPrefix { set: set.identity(), context, n_bytes, n_values });
    }

    pub(crate) fn begin_unit(&mut self) {
        self.given.truncate(self.n_request_given);
        self.carriers.clear();
        self.unit_epoch = self.next_epoch();
    }

    pub(crate) fn next_epoch(&mut self) -> u32 {
        if self.epoch == u32::MAX {
            // Old stamps could come back to life. The request's own stamps are set anew with the next request; within
            // one there are fewer units than that.
            self.epoch = 0;
            let request_epoch = self.request_epoch;
            self.request_given.iter_mut().for_each(|(stamp, _)| *stamp = u32::from(*stamp == request_epoch));
            self.unit_given.iter_mut().for_each(|(stamp, _)| *stamp = 0);
            self.states.iter_mut().for_each(|(stamp, _)| *stamp = 0);
            self.atoms.iter_mut().for_each(|(stamp, _)| *stamp = 0);
            self.request_epoch = 1;
            self.epoch = 1;
        }
        self.epoch += 1;
        self.epoch
    }

    /// The value of a slot's text.
    pub(crate) fn text<'t>(&'t self, set: &'t CompiledPolicySet, text: Text) -> &'t [u8] {
        self.arena.get(set, text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lower_case_by_code_point() {
        let set = CompiledPolicySet::from_tables(crate::testing::minimal()).unwrap();
        let mut arena = Arena::default();
        for text in ["", "AbC", "ÀÉ", "ß", "İx", "ＡZ"] {
            let pushed = arena.push(text.as_bytes());
            let lower = arena.lower(&set, pushed);
            let expected: String = text.chars().flat_map(char::to_lowercase).collect();
            assert_eq!(arena.get(&set, lower), expected.as_bytes());
        }
    }

    #[test]
    fn stamps_survive_the_end_of_numbers() {
        let set = CompiledPolicySet::from_tables(crate::testing::minimal()).unwrap();
        let mut scratch = Scratch::new(&set);
        scratch.epoch = u32::MAX - 1;
        scratch.begin_request(&set);
        let request = scratch.request_epoch;
        scratch.request_given[0] = (request, 7);
        scratch.states[0] = (scratch.unit_epoch, State::Present);
        scratch.begin_unit();
        assert_eq!(scratch.request_given[0], (scratch.request_epoch, 7));
        assert_ne!(scratch.states[0].0, scratch.unit_epoch);
        assert_ne!(scratch.request_given[1].0, scratch.request_epoch);
    }
}
