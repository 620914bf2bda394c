//! Condition atoms against a request (sections 4.2, 4.3, 8.2, 8.3).

use crate::base64;
use crate::code::{Comparison, Filling, Step, Steps};
use crate::conditions::*;
use crate::eval::{Eval, Key, Whose};
use crate::logic::{K, Logic, Tri};
use crate::number;
use crate::scratch::{Scratch, Slot, State, Text};
use iamc_policy::settings::{EmptyVariable, MalformedNegated, MultiPlain, SubstitutedWildcards};
use iamc_policy::{BaseOperator, Operator, SetOperator};
use std::net::IpAddr;

/// What the variables of a code stand for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Filled {
    /// One of them is null, and so is the text.
    Null,
    Known,
    /// At least one is a hole.
    Holes,
}

/// An atom that is being evaluated.
#[derive(Clone, Copy)]
struct Question {
    whose: Whose,
    operator: Operator,
    manner: Manner,
    first: u32,
    count: u32,
}

/// A request value, read as the operator reads it.
#[derive(Clone, Copy)]
struct Own {
    /// In lower case, where the operator compares so.
    text: Text,
    readable: bool,
    address: Option<IpAddr>,
}

/// A policy value, resolved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Resolved {
    Malformed,
    Null,
    /// True: with holes.
    Value(bool),
}

impl<'a> Eval<'a> {
    /// One condition atom.
    pub(crate) fn atom(&mut self, whose: Whose, id: u32) -> Tri {
        if whose == Whose::Base
            && let Some(value) = self.said_of_class(id)
        {
            return value;
        }
        // For the rows of one context it has one value.
        let of_context = whose == Whose::Base && self.s.batch.is_of_context(id);
        if of_context {
            if let Some(value) = self.s.batch.atom(id) {
                return value;
            }
        } else if whose == Whose::Base {
            let (stamp, value) = self.s.atoms[id as usize];
            if stamp == self.s.unit_epoch {
                return value;
            }
        }
        let [code, key, first, count] = self.tables_of(whose).atom(id);
        // Validated when the set was made; an unknown operator would be false, as says.
        let value = match read_operator(code) {
            Some(operator) => {
                let manner = Manner::of(operator.base);
                let key = self.key(whose, key);
                self.answer(&Question { whose, operator, manner, first, count }, &key)
            }
            None => K::FALSE,
        };
        if of_context {
            self.s.batch.keep_atom(id, value);
        } else if whose == Whose::Base {
            self.s.atoms[id as usize] = (self.s.unit_epoch, value);
        }
        value
    }

    /// The tables of.
    fn answer(&mut self, q: &Question, key: &Key<'_>) -> Tri {
        if q.operator.base == BaseOperator::Null {
            return match q.operator.set {
                Some(SetOperator::ForAllValues) => K::TRUE,
                Some(SetOperator::ForAnyValue) => K::FALSE,
                None => self.null(q, key),
            };
        }
        let state = self.state(key);
        let miss = K::constant(q.operator.if_exists || q.manner.negated);
        match (q.operator.set, state) {
            (Some(SetOperator::ForAllValues), State::Absent) => K::TRUE,
            (Some(SetOperator::ForAnyValue), State::Absent) => K::constant(q.operator.if_exists),
            (None, State::Absent) => miss,
            (Some(SetOperator::ForAllValues), State::Values { first, count, .. }) => self.all_values(q, first, count),
            (Some(SetOperator::ForAnyValue), State::Values { first, count, .. }) => self.any_value(q, first, count),
            (Some(_), State::Present) => self.base_unknown(q),
            (Some(SetOperator::ForAllValues), State::Unknown) => self.base_unknown(q).join(K::TRUE),
            // Absent is true and all-empty is false.
            (Some(SetOperator::ForAnyValue), State::Unknown) if q.operator.if_exists => K::UNKNOWN,
            (Some(SetOperator::ForAnyValue), State::Unknown) => self.base_unknown(q).join(K::FALSE),
            (None, state) if self.is_multi(key) => self.plain_multi(q, state, miss),
            (None, State::Values { first, count: 1, .. }) => self.base(q, first),
            // Refused before.
            (None, State::Values { .. }) => K::FALSE,
            (None, State::Present) => self.base_unknown(q),
            (None, State::Unknown) => self.base_unknown(q).join(miss),
        }
    }

    /// and the alternatives of its switch, for a key that is not absent.
    fn plain_multi(&mut self, q: &Question, state: State, miss: Tri) -> Tri {
        let choice = self.set.settings().multi_plain;
        // What several values are.
        let several = K::constant(choice == MultiPlain::NegatedTrue && q.manner.negated);
        let unknown_values = |eval: &mut Self| match choice {
            MultiPlain::One | MultiPlain::NegatedTrue => eval.base_unknown(q).join(several),
            MultiPlain::Any => eval.base_unknown(q),
            MultiPlain::False => K::FALSE,
        };
        match (state, choice) {
            (State::Values { .. }, MultiPlain::False) => K::FALSE,
            (State::Values { first, count, .. }, MultiPlain::Any) => self.any_value(q, first, count),
            (State::Values { first, count: 1, .. }, _) => self.base(q, first),
            (State::Values { .. }, _) => several,
            (State::Absent, _) => miss,
            (State::Present, _) => unknown_values(self),
            (State::Unknown, _) => unknown_values(self).join(several).join(miss),
        }
    }

    /// over the values that are not empty.
    fn all_values(&mut self, q: &Question, first: u32, count: u32) -> Tri {
        let mut all = K::TRUE;
        for at in first..first + count {
            if !self.value_bytes(at).is_empty() {
                all = all.and(self.base(q, at));
            }
        }
        all
    }

    /// over the values that are not empty.
    fn any_value(&mut self, q: &Question, first: u32, count: u32) -> Tri {
        let mut any = K::FALSE;
        for at in first..first + count {
            if !self.value_bytes(at).is_empty() {
                any = any.or(self.base(q, at));
            }
        }
        any
    }

    ///
    fn null(&mut self, q: &Question, key: &Key<'_>) -> Tri {
        let set = self.tables_of(q.whose);
        let says = |payload: u32| (q.first..q.first + q.count).any(|id| set.value(id).payload == payload);
        match (says(1), says(2)) {
            (true, true) => K::TRUE,
            (true, false) => self.is_null(key),
            (false, true) => self.is_null(key).not(),
            (false, false) => K::FALSE,
        }
    }

    // ---- R-8.8 ----

    /// pos3 or neg3 of the request value with that position in the arena.
    fn base(&mut self, q: &Question, value: u32) -> Tri {
        let own = self.read_own(q, self.value(value));
        let set = self.tables_of(q.whose);
        let ids = q.first..q.first + q.count;
        if q.manner.negated && self.set.settings().malformed_negated == MalformedNegated::False {
            let malformed = |id: u32| set.value(id).form == MALFORMED;
            if !own.readable || ids.clone().any(malformed) {
                return K::FALSE;
            }
        }
        let mut any = K::FALSE;
        if own.readable {
            for id in ids {
                any = any.or(self.compare(q, &own, &set.value(id)));
                if any.is_true() {
                    break;
                }
            }
        }
        if q.manner.negated { any.not() } else { any }
    }

    /// Reads a request value as the operator does. Numbers, instants and bytes go to `scratch.read_value`.
    fn read_own(&mut self, q: &Question, text: Text) -> Own {
        let set = self.set;
        let text = if q.manner.lower { self.s.arena.lower(set, text) } else { text };
        let Scratch { arena, read_value, .. } = &mut *self.s;
        let bytes = arena.get(set, text);
        read_value.clear();
        let mut address = None;
        let readable = match q.manner.reading {
            Reading::Text | Reading::Null => true,
            Reading::Bool => matches!(bytes, b"true" | b"false"),
            Reading::Number => number::push_number(bytes, read_value),
            Reading::Instant => number::push_instant(bytes, read_value),
            Reading::Binary => base64::push_decoded(bytes, read_value),
            Reading::Address => {
                address = std::str::from_utf8(bytes).ok().and_then(crate::conditions::address);
                address.is_some()
            }
            Reading::Arn => component_ends(bytes).is_some(),
        };
        Own { text, readable, address }
    }

    /// cmp3 of a readable request value.
    fn compare(&mut self, q: &Question, own: &Own, value: &Value<'a>) -> Tri {
        match value.form {
            TEXT => K::constant(self.bytes(own.text) == value.data),
            NUMBER => {
                let (less, equal, greater) = q.manner.orders;
                K::constant(match self.s.read_value.as_slice().cmp(value.data) {
                    std::cmp::Ordering::Less => less,
                    std::cmp::Ordering::Equal => equal,
                    std::cmp::Ordering::Greater => greater,
                })
            }
            BYTES => K::constant(self.s.read_value.as_slice() == value.data),
            V4 => {
                let within = |address: IpAddr| match address {
                    IpAddr::V4(address) => (value.words[0]..=value.words[1]).contains(&u64::from(u32::from(address))),
                    IpAddr::V6(_) => false,
                };
                K::constant(own.address.is_some_and(within))
            }
            V6 => {
                let number = |at: usize| u128::from(value.words[at]) << 64 | u128::from(value.words[at + 1]);
                let within = |address: IpAddr| match address {
                    IpAddr::V6(address) => (number(0)..=number(2)).contains(&u128::from(address)),
                    IpAddr::V4(_) => false,
                };
                K::constant(own.address.is_some_and(within))
            }
            EVERY_ARN => K::TRUE,
            CODE => match self.resolve(q, value) {
                Resolved::Value(holes) => {
                    let matched = self.matches_filled(q, value.data, own.text);
                    may(matched, holes)
                }
                Resolved::Malformed | Resolved::Null => K::FALSE,
            },
            ARN => self.compare_arn(q, own, value),
            _ => K::FALSE,
        }
    }

    /// component by component. The variables of each component are resolved in its turn; a null one anywhere
    /// makes the whole value null.
    fn compare_arn(&mut self, q: &Question, own: &Own, value: &Value<'a>) -> Tri {
        let Some(codes) = value.arn_codes() else { return K::FALSE };
        let mut holes = false;
        let has_variables = value.has_variables();
        if has_variables {
            for code in codes {
                match self.fill(q.whose, code, false) {
                    Filled::Null => return K::FALSE,
                    Filled::Known => {}
                    Filled::Holes => holes = true,
                }
            }
        }
        let Some(ends) = component_ends(self.bytes(own.text)) else { return K::FALSE };
        // The last component mostly tells.
        for at in [5, 0, 1, 2, 3, 4] {
            let code = codes[at];
            if has_variables {
                self.fill(q.whose, code, false);
            }
            let set = self.set;
            let how = self.comparison(true);
            let Scratch { arena, slots, reached, .. } = &mut *self.s;
            let text = arena.get(set, own.text);
            let Some(component) = component(text, &ends, at) else { return K::FALSE };
            let filling = |slot: usize| filling(set, arena, slots[slot]);
            if !reached.matches(code, component, how, filling) {
                return K::FALSE;
            }
        }
        may(true, holes)
    }

    /// Compares a code whose variables were filled.
    fn matches_filled(&mut self, q: &Question, code: &[u8], own: Text) -> bool {
        let set = self.set;
        let how = self.comparison(q.manner.wildcards);
        let Scratch { arena, slots, reached, .. } = &mut *self.s;
        reached.matches(code, arena.get(set, own), how, |slot| filling(set, arena, slots[slot]))
    }

    /// values are text where the operator has no wildcards, and elsewhere unless the switch says otherwise.
    fn comparison(&self, wildcards: bool) -> Comparison {
        let pattern = self.set.settings().substituted_wildcards == SubstitutedWildcards::Pattern;
        Comparison { wild_values: wildcards && pattern, n_folded: 0 }
    }

    /// for a value that compares as code; its variables are left in `scratch.slots`.
    fn resolve(&mut self, q: &Question, value: &Value<'a>) -> Resolved {
        match self.fill(q.whose, value.data, q.manner.lower) {
            Filled::Null => Resolved::Null,
            Filled::Holes => Resolved::Value(true),
            Filled::Known if q.manner.reading == Reading::Bool => {
                // A value that its variables make something else than a truth value is malformed, too.
                let set = self.set;
                let Scratch { arena, slots, reached, .. } = &mut *self.s;
                let mut is = |word: &[u8]| {
                    reached.matches(value.data, word, Comparison::default(), |slot| filling(set, arena, slots[slot]))
                };
                if is(b"true") || is(b"false") { Resolved::Value(false) } else { Resolved::Malformed }
            }
            Filled::Known => Resolved::Value(false),
        }
    }

    /// baseU: the table of, its rows from top to bottom.
    fn base_unknown(&mut self, q: &Question) -> Tri {
        let set = self.tables_of(q.whose);
        let lenient = self.set.settings().malformed_negated == MalformedNegated::True;
        let (mut some_malformed, mut some_value, mut some_star) = (false, false, false);
        for id in q.first..q.first + q.count {
            let value = set.value(id);
            let resolved = match value.form {
                MALFORMED => Resolved::Malformed,
                NULL => Resolved::Null,
                CODE => self.resolve(q, &value),
                ARN => self.resolve_arn(q, &value),
                _ => Resolved::Value(false),
            };
            match resolved {
                Resolved::Malformed => some_malformed = true,
                Resolved::Null => {}
                Resolved::Value(_) => some_value = true,
            }
            if resolved == Resolved::Value(false) && value.form == CODE {
                some_star |= self.is_only_stars(value.data);
            }
        }
        if q.manner.negated && some_malformed && !lenient {
            return K::FALSE;
        }
        if !some_value {
            return match (q.manner.negated, q.manner.reading) {
                (false, _) => K::FALSE,
                (true, Reading::Text) => K::TRUE,
                (true, _) => {
                    if lenient {
                        K::TRUE
                    } else {
                        K::UNKNOWN
                    }
                }
            };
        }
        if some_star && q.manner.reading == Reading::Text && q.manner.wildcards {
            return K::constant(!q.manner.negated);
        }
        K::UNKNOWN
    }

    fn resolve_arn(&mut self, q: &Question, value: &Value<'a>) -> Resolved {
        let mut holes = false;
        for code in value.arn_codes().into_iter().flatten() {
            match self.fill(q.whose, code, false) {
                Filled::Null => return Resolved::Null,
                Filled::Known => {}
                Filled::Holes => holes = true,
            }
        }
        Resolved::Value(holes)
    }

    /// Is a filled code made of wildcard stars and nothing else?
    fn is_only_stars(&self, code: &[u8]) -> bool {
        let wild = self.comparison(true).wild_values;
        let mut n_stars = 0;
        let mut n_variables = 0;
        let only = Steps(code).all(|step| match step {
            Step::Run(_) => {
                n_stars += 1;
                true
            }
            Step::Variable { .. } => {
                n_variables += 1;
                match self.s.slots.get(n_variables - 1) {
                    Some(Slot::Text(text)) => {
                        let value = self.bytes(*text);
                        n_stars += value.len();
                        value.is_empty() || (wild && value.iter().all(|byte| *byte == b'*'))
                    }
                    _ => false,
                }
            }
            _ => false,
        });
        only && n_stars > 0
    }

    // ---- variables, R-8.5 ----

    /// Works out what the variables of a code stand for; they are left in `scratch.slots`. `lower`: in lower case.
    pub(crate) fn fill(&mut self, whose: Whose, code: &[u8], lower: bool) -> Filled {
        self.s.slots.clear();
        let mut filled = Filled::Known;
        for step in Steps(code) {
            let Step::Variable { key, default, .. } = step else { continue };
            let key = self.key(whose, key);
            let known = if self.is_multi(&key) {
                // Only single-valued keys can be variables.
                None
            } else {
                match self.state(&key) {
                    State::Values { first, count: 1, .. } => {
                        let text = self.value(first);
                        let counts =
                            !self.bytes(text).is_empty() || self.set.settings().empty_variable == EmptyVariable::Text;
                        counts.then_some(text)
                    }
                    State::Absent | State::Values { .. } => None,
                    State::Present | State::Unknown => {
                        self.s.slots.push(Slot::Hole);
                        filled = Filled::Holes;
                        continue;
                    }
                }
            };
            let text = match (known, default) {
                (Some(text), _) => text,
                (None, Some(default)) => self.s.arena.push(default),
                (None, None) => return Filled::Null,
            };
            let text = if lower { self.s.arena.lower(self.set, text) } else { text };
            self.s.slots.push(Slot::Text(text));
        }
        filled
    }

    /// True iff a variable of the code is SOME or UNKNOWN, whatever it stands for.
    pub(crate) fn has_unknown_variable(&mut self, whose: Whose, code: &[u8]) -> bool {
        Steps(code).any(|step| match step {
            Step::Variable { key, .. } => matches!(self.state_of(whose, key), State::Present | State::Unknown),
            _ => false,
        })
    }
}

pub(crate) fn filling<'v>(
    set: &'v crate::set::CompiledPolicySet,
    arena: &'v crate::scratch::Arena,
    slot: Slot,
) -> Filling<'v> {
    match slot {
        Slot::Text(text) => Filling::Text(arena.get(set, text)),
        Slot::Hole => Filling::Hole,
    }
}

/// a match proves nothing where holes were read as wildcards.
fn may(matched: bool, holes: bool) -> Tri {
    K { definite: matched && !holes, possible: matched }
}

/// where the first five components of a request value end; `None`: it has not six, or is no ARN.
fn component_ends(value: &[u8]) -> Option<[usize; 5]> {
    let mut ends = [0; 5];
    let mut n = 0;
    if !value.starts_with(b"arn:") {
        return None;
    }
    for (at, byte) in value.iter().enumerate() {
        if *byte == b':' {
            ends[n] = at;
            n += 1;
            if n == 5 {
                return Some(ends);
            }
        }
    }
    None
}

/// One of the six components.
fn component<'v>(value: &'v [u8], ends: &[usize; 5], at: usize) -> Option<&'v [u8]> {
    let start = if at == 0 { 0 } else { ends[at - 1] + 1 };
    value.get(start..ends.get(at).copied().unwrap_or(value.len()))
}
