//! What the caller of the engine says about keys, and what contradicts what follows from the request.

use crate::eval::{Eval, Key};
use crate::keys::{Cardinality, SOURCE_IP, SOURCE_VPCE};
use crate::layout::NONE;
use crate::scratch::{Given, State, Text};
use iamc_policy::request::{Context, GivenKeys, RequestError, Values};
use iamc_policy::{ConditionKey, KeyState};

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
            let id = self.set.find_key(name).unwrap_or(NONE);
            let name = if id == NONE { self.s.arena.push(name) } else { Text::EMPTY };
            let at = self.s.given.len() as u32;
            self.s.given.push(Given { id, name, state });
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
        let (stamp, at) = scratch.unit_given[key.id as usize];
        if stamp == scratch.unit_epoch && at as usize >= scratch.n_request_given {
            return Some(scratch.given[at as usize].state);
        }
        let (stamp, at) = scratch.request_given[key.id as usize];
        (stamp == scratch.request_epoch).then(|| scratch.given[at as usize].state)
    }

    pub(crate) fn given_special(&self, id: u32) -> Option<State> {
        self.given(&self.special(id))
    }

    pub(crate) fn given_present(&self, id: u32) -> bool {
        matches!(self.given_special(id), Some(State::Values { .. } | State::Present))
    }

    /// keys that contradict the tables or each other.
    pub(crate) fn check(&mut self) -> Result<(), RequestError> {
        let own = self.unit.resource.context;
        for (name, state) in self.ask.context.iter().chain(own) {
            self.check_key(name, state)?;
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

    fn check_key(&mut self, name: &'a ConditionKey, state: &'a KeyState) -> Result<(), RequestError> {
        let n_values = match state {
            KeyState::Values(values) => values.as_slice().len(),
            _ => 0,
        };
        let checks_derived = self.ask.given_keys == GivenKeys::Checked;
        if n_values <= 1 && !checks_derived {
            return Ok(());
        }
        let key = self.named_key(name.as_str().as_bytes());
        if n_values > 1 && self.cardinality(&key) == Cardinality::Single {
            return Err(RequestError {
                code: "E-CARDINALITY",
                message: format!("`{name}` is single-valued and was given {n_values} values"),
                field: "context",
                rule: "R-4.4",
            });
        }
        if !checks_derived {
            return Ok(());
        }
        match self.derived(&key) {
            Some(derived) if self.conflicts(state, derived) => Err(RequestError {
                code: "E-CTX-CONFLICT",
                message: format!(
                    "`{name}` was given a state that contradicts what follows from the request: {}",
                    self.show(derived)
                ),
                field: "context",
                rule: "R-5.6",
            }),
            _ => Ok(()),
        }
    }

    /// no completion of the derived state is one of the given state.
    fn conflicts(&self, given: &KeyState, derived: State) -> bool {
        let values = match derived {
            State::Unknown => return false,
            State::Absent => return !matches!(given, KeyState::Unknown | KeyState::Absent),
            State::Present => None,
            State::Values { first, count, .. } => Some((first..first + count).map(|at| self.value_bytes(at))),
        };
        match (given, values) {
            (KeyState::Unknown, _) | (KeyState::Present, None) => false,
            (KeyState::Absent, _) => true,
            (KeyState::Present, Some(mut derived)) => derived.all(<[u8]>::is_empty),
            (KeyState::Values(given), None) => given.as_slice().iter().all(String::is_empty),
            (KeyState::Values(given), Some(derived)) => !given.as_slice().iter().map(String::as_bytes).eq(derived),
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
