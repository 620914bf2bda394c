//! What the caller of the engine says about keys, and what contradicts what follows from the request.

use crate::batch::depends;
use crate::eval::{Eval, Key};
use crate::keys::{Cardinality, SOURCE_IP, SOURCE_VPCE, class_unless_special};
use crate::layout::NONE;
use crate::scratch::{Given, State, Text};
use iamc_policy::KeyState;
use iamc_policy::request::{Context, GivenKeys, RequestError, Values};

impl<'a> Eval<'a> {
    /// Notes the keys of the request; [`Eval::note_unit_keys`] those of a unit.
    pub(crate) fn note_request_keys(&mut self) {
        self.note_keys(self.ask.context, false);
        self.s.n_request_given = self.s.given.len();
    }

    pub(crate) fn note_unit_keys(&mut self, context: &'a Context) {
        self.note_keys(context, true);
    }

    fn note_keys(&mut self, context: &'a Context, of_unit: bool) {
        for (key, state) in context {
            let name = key.as_str().as_bytes();
            let state = self.intern(state);
            let (id, class, name) = match self.set.find_key(name) {
                Some(id) => (id, self.set.key_class(id), Text::EMPTY),
                None => (NONE, class_unless_special(key.as_str()).0, self.s.arena.push(name)),
            };
            let at = self.s.given.len() as u32;
            let of_row = depends::of_derived(class) != 0;
            self.s.given.push(Given { id, name, state, of_row });
            if id != NONE {
                let scratch = &mut *self.s;
                if of_unit {
                    scratch.unit_given[id as usize] = (scratch.unit_epoch, at);
                } else {
                    scratch.request_given[id as usize] = (scratch.request_epoch, at);
                }
            }
        }
    }

    fn intern(&mut self, state: &KeyState) -> State {
        match state {
            KeyState::Absent => State::Absent,
            KeyState::Present => State::Present,
            KeyState::Unknown => State::Unknown,
            KeyState::Values(values) => {
                let first = self.s.arena.values.len() as u32;
                for value in values.as_slice() {
                    let text = self.s.arena.push(value.as_bytes());
                    self.s.arena.values.push(text);
                }
                let count = values.as_slice().len() as u32;
                State::Values { first, count, many: matches!(values, Values::Many(_)) }
            }
        }
    }

    /// The state that the caller of the engine gives: the unit's own keys win over the request's.
    pub(crate) fn given(&self, key: &Key<'_>) -> Option<State> {
        let scratch = &*self.s;
        if key.id == NONE {
            let named = |given: &&Given| given.id == NONE && self.bytes(given.name) == key.text;
            let (of_request, of_unit) = scratch.given.split_at(scratch.n_request_given);
            return of_unit.iter().find(named).or_else(|| of_request.iter().find(named)).map(|given| given.state);
        }
        self.given_special(key.id)
    }

    /// The same for a key of the set.
    pub(crate) fn given_special(&self, id: u32) -> Option<State> {
        let scratch = &*self.s;
        let (stamp, at) = scratch.unit_given[id as usize];
        if stamp == scratch.unit_epoch && at as usize >= scratch.n_request_given {
            return Some(scratch.given[at as usize].state);
        }
        let (stamp, at) = scratch.request_given[id as usize];
        (stamp == scratch.request_epoch).then(|| scratch.given[at as usize].state)
    }

    pub(crate) fn given_present(&self, id: u32) -> bool {
        matches!(self.given_special(id), Some(State::Values { .. } | State::Present))
    }

    /// keys that contradict the tables or each other.
    pub(crate) fn check(&mut self) -> Result<(), RequestError> {
        if self.s.batch.is_by_id() {
            self.check_entries()?;
        } else {
            // Keys were noted in this order.
            let names = self.ask.context.keys().chain(self.unit.resource.context.keys());
            for (at, name) in names.enumerate() {
                let Given { id, state, .. } = self.s.given[at];
                if self.is_checked(state) {
                    let key = if id == NONE { self.unlisted_key(name.as_str()) } else { self.special(id) };
                    self.check_key(&key, state)?;
                }
            }
        }
        if self.given_present(SOURCE_VPCE) && self.given_present(SOURCE_IP) {
            return Err(RequestError {
                code: "E-CTX-CONFLICT",
                message:
                    "`aws:SourceVpce` and `aws:SourceIp` cannot both be present: give the one that the request has"
                        .into(),
                field: "context",
                rule: "R-5.14",
            });
        }
        Ok(())
    }

    /// The same for a row of a batch. What depends on the context alone is checked with its first row; of keys that the
    /// set does not have there is nothing to check, or the context is not noted by id.
    fn check_entries(&mut self) -> Result<(), RequestError> {
        let checked = self.s.batch.is_checked();
        for at in 0..self.s.given.len() {
            let given = self.s.given[at];
            if given.id != NONE && (given.of_row || !checked) && self.is_checked(given.state) {
                let key = self.special(given.id);
                self.check_key(&key, given.state)?;
            }
        }
        self.s.batch.note_checked();
        Ok(())
    }

    /// Is there anything to check of a key in this state?
    fn is_checked(&self, state: State) -> bool {
        self.ask.given_keys == GivenKeys::Checked || matches!(state, State::Values { count: 2.., .. })
    }

    fn check_key(&mut self, key: &Key<'_>, state: State) -> Result<(), RequestError> {
        if let State::Values { count: count @ 2.., .. } = state
            && self.cardinality(key) == Cardinality::Single
        {
            let name = String::from_utf8_lossy(key.text);
            return Err(RequestError {
                code: "E-CARDINALITY",
                message: format!("`{name}` is single-valued and was given {count} values"),
                field: "context",
                rule: "R-4.4",
            });
        }
        if self.ask.given_keys != GivenKeys::Checked {
            return Ok(());
        }
        match self.derived(key) {
            Some(derived) if self.conflicts(state, derived) => Err(RequestError {
                code: "E-CTX-CONFLICT",
                message: format!(
                    "`{}` was given a state that contradicts what follows from the request: {}",
                    String::from_utf8_lossy(key.text),
                    self.show(derived)
                ),
                field: "context",
                rule: "R-5.6",
            }),
            _ => Ok(()),
        }
    }

    /// no completion of the derived state is one of the given state.
    fn conflicts(&self, given: State, derived: State) -> bool {
        let values = |state: State| match state {
            State::Values { first, count, .. } => Some((first..first + count).map(|at| self.value_bytes(at))),
            _ => None,
        };
        match (given, derived) {
            (_, State::Unknown) | (State::Unknown, _) | (State::Present, State::Present) => false,
            (State::Absent, State::Absent) => false,
            (_, State::Absent) | (State::Absent, _) => true,
            (State::Present, derived) => values(derived).into_iter().flatten().all(<[u8]>::is_empty),
            (given, State::Present) => values(given).into_iter().flatten().all(<[u8]>::is_empty),
            (given, derived) => !values(given).into_iter().flatten().eq(values(derived).into_iter().flatten()),
        }
    }

    fn show(&self, state: State) -> String {
        match state {
            State::Absent => "absent".into(),
            State::Present => "present, with a value that is not known".into(),
            State::Unknown => "not known".into(),
            State::Values { first, count, .. } => {
                let values: Vec<String> = (first..first + count).map(|at| self.text(self.value(at))).collect();
                format!("`{}`", values.join("`, `"))
            }
        }
    }
}
