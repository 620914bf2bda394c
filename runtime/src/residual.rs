//! Atoms of residuals as text: policy values and resource entries as far as they are resolved, and the keys on
//! which they depend.

use crate::conditions::{Manner, read_operator};
use crate::eval::{Eval, Whose};
use crate::scratch::State;
use iamc_policy::decision::AtomKind;
use iamc_policy::settings::{EmptyVariable, SubstitutedWildcards};
use iamc_policy::template::{Piece, Template, Variable};

impl<'a> Eval<'a> {
    /// A condition atom with its values as far as they are resolved, and the keys that it depends on.
    pub(crate) fn condition_atom(&mut self, whose: Whose, id: u32) -> (AtomKind, Vec<String>) {
        let set = self.tables_of(whose);
        let [code, key, first, count] = set.atom(id);
        let key_text = self.key(whose, key).text;
        let mut keys = Vec::new();
        if matches!(self.state_of(whose, key), State::Present | State::Unknown) {
            keys.push(String::from_utf8_lossy(key_text).into_owned());
        }
        let operator = read_operator(code);
        let base = operator.map(|operator| operator.base);
        let mut values = Vec::new();
        for id in first..first + count {
            let template = set.value(id).template();
            self.note_unknown_variables(&template, &mut keys);
            let resolved = match base {
                Some(base) if base.supports_variables() => self.print(&template, Manner::of(base).wildcards),
                _ => None,
            };
            values.push(resolved.unwrap_or_else(|| template.text().to_owned()));
        }
        keys.sort();
        keys.dedup();
        let kind = AtomKind::Condition {
            operator: operator.map(|operator| operator.to_string()).unwrap_or_default(),
            key: String::from_utf8_lossy(key_text).into_owned(),
            values,
        };
        (kind, keys)
    }

    /// A resource entry as far as it is resolved, and the keys that it depends on. `home`: the index of the account that
    /// owns the policy, or NONE.
    pub(crate) fn resource_atom(&mut self, whose: Whose, id: u32, home: u32) -> (String, Vec<String>) {
        let set = self.tables_of(whose);
        let own = set.account_digits(home).and_then(|digits| std::str::from_utf8(digits).ok());
        let template = set.pattern(id).template(own);
        let mut keys = Vec::new();
        if self.entry(whose, id, home).by_region {
            keys.push("aws:requestedregion".to_owned());
        } else {
            self.note_unknown_variables(&template, &mut keys);
            keys.sort();
            keys.dedup();
        }
        let has_variables = template.variables().next().is_some();
        let resolved = if has_variables { self.print(&template, true) } else { None };
        (resolved.unwrap_or_else(|| template.text().to_owned()), keys)
    }

    fn note_unknown_variables(&mut self, template: &Template, keys: &mut Vec<String>) {
        for variable in template.variables() {
            let key = self.named_key(variable.key.as_str().as_bytes());
            if matches!(self.state(&key), State::Present | State::Unknown) {
                keys.push(variable.key.as_str().to_owned());
            }
        }
    }

    /// The policy text of a template whose known variables are replaced; `None`: it is null. Where wildcards
    /// count, a `*` or `?` that is none is written as an escape; read again, the text means the same.
    fn print(&mut self, template: &Template, wildcards: bool) -> Option<String> {
        enum Sign<'t> {
            Char(char),
            Wildcard(char),
            Hole(&'t Variable),
        }
        if template.fault().is_some() {
            return None;
        }
        let mut signs = Vec::new();
        let pattern = |c: char| if matches!(c, '*' | '?') { Sign::Wildcard(c) } else { Sign::Char(c) };
        for piece in template.pieces() {
            match piece {
                Piece::Literal(text) => signs.extend(text.chars().map(pattern)),
                Piece::Escape(c) => signs.push(Sign::Char(c)),
                Piece::Variable(variable) => {
                    let key = self.named_key(variable.key.as_str().as_bytes());
                    let state = if self.is_multi(&key) { State::Absent } else { self.state(&key) };
                    let known = match state {
                        State::Present | State::Unknown => {
                            signs.push(Sign::Hole(variable));
                            continue;
                        }
                        State::Values { first, count: 1, .. } => {
                            let text = self.text(self.value(first));
                            let counts = !text.is_empty() || self.set.settings().empty_variable == EmptyVariable::Text;
                            counts.then_some(text)
                        }
                        State::Values { .. } | State::Absent => None,
                    };
                    let text = known.or_else(|| variable.default.clone())?;
                    match self.set.settings().substituted_wildcards {
                        SubstitutedWildcards::Literal => signs.extend(text.chars().map(Sign::Char)),
                        SubstitutedWildcards::Pattern => signs.extend(text.chars().map(pattern)),
                    }
                }
            }
        }
        let mut text = String::new();
        for (i, sign) in signs.iter().enumerate() {
            match sign {
                Sign::Char(c @ ('*' | '?')) if wildcards => text.push_str(&format!("${{{c}}}")),
                // a `$` is literal unless `{` follows.
                Sign::Char('$') if matches!(signs.get(i + 1), Some(Sign::Char('{'))) => text.push_str("${$}"),
                Sign::Char(c) | Sign::Wildcard(c) => text.push(*c),
                Sign::Hole(Variable { key, default: None }) => text.push_str(&format!("${{{key}}}")),
                Sign::Hole(Variable { key, default: Some(default) }) => {
                    text.push_str(&format!("${{{key}, '{default}'}}"));
                }
            }
        }
        Some(text)
    }
}
