//! Policy variables (section 3) and the resolution of policy text (section 8.2).
//!
//! In goes a [`Template`], out comes a row of [`Sign`]s in which every variable with a known value has been replaced;
//! the variables that are left are the holes of. Whether a wildcard is one, and what a hole may stand for, is
//! for [`crate::pattern`] and [`crate::condition`] to say.

use iamc_policy::request::Values;
use iamc_policy::settings::{EmptyVariable, SubstitutedWildcards};
use iamc_policy::template::{Piece, Template, Variable};
use iamc_policy::{ConditionKey, KeyState, Settings};

/// What the evaluation can ask about the condition keys of one authorization unit.
pub(crate) trait Keys {
    /// The state of a key.
    fn state(&self, key: &ConditionKey) -> KeyState;

    /// Whether a key is multi-valued: as declared, else by the form in which the request gives it. False for
    /// a key that is undeclared and SOME or UNKNOWN.
    fn is_multi(&self, key: &ConditionKey) -> bool;
}

/// The state of a key, where an empty list is absent.
pub(crate) fn state(key: &ConditionKey, keys: &dyn Keys) -> KeyState {
    match keys.state(key) {
        KeyState::Values(values) if values.as_slice().is_empty() => KeyState::Absent,
        state => state,
    }
}

/// One sign of a policy text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Sign {
    /// This character and no other: also the `*` of `${*}` and of a substituted value.
    Char(char),
    /// `?`: a wildcard where the place has wildcards.
    One,
    /// `*`: a wildcard where the place has wildcards.
    Star,
    /// A variable that has not been replaced; after [`resolve`], a hole.
    Variable(Box<Variable>),
}

/// Reads text in which `*` and `?` are wildcards and nothing else is special.
pub(crate) fn plain(text: &str) -> Vec<Sign> {
    let sign = |c| match c {
        '*' => Sign::Star,
        '?' => Sign::One,
        _ => Sign::Char(c),
    };
    text.chars().map(sign).collect()
}

/// The signs of a policy string, no variable replaced.
///
/// In a template with a malformed variable whatever begins with `${`, up to the first `}` or the end, is one
/// variable without a name: such a value is null, but its segments can still be told.
pub(crate) fn signs(template: &Template) -> Vec<Sign> {
    if template.fault().is_some() {
        return faulty_signs(template.text());
    }
    let mut signs = Vec::new();
    for piece in template.pieces() {
        match piece {
            Piece::Literal(text) => signs.extend(plain(text)),
            Piece::Escape(c) => signs.push(Sign::Char(c)),
            Piece::Variable(variable) => signs.push(Sign::Variable(Box::new(variable.clone()))),
        }
    }
    signs
}

fn faulty_signs(text: &str) -> Vec<Sign> {
    let mut signs = Vec::new();
    let mut rest = text;
    while let Some(start) = rest.find("${") {
        signs.extend(plain(&rest[..start]));
        signs.push(Sign::Variable(Box::new(Variable { key: ConditionKey::new(""), default: None })));
        rest = rest[start..].split_once('}').map_or("", |(_, behind)| behind);
    }
    signs.extend(plain(rest));
    signs
}

/// Splits at the first five colons: at most six segments.
///
/// To be asked before variables are replaced, so that a colon in a value makes no segment; the colons of a
/// `${key}` are inside one sign.
pub(crate) fn segments(signs: &[Sign]) -> Vec<Vec<Sign>> {
    signs.splitn(6, |sign| *sign == Sign::Char(':')).map(<[Sign]>::to_vec).collect()
}

/// What a variable stands for.
enum Value {
    /// This text.
    Text(String),
    /// Nothing at all.
    Null,
    /// Something that is not known.
    Hole,
}

/// The value of one variable.
fn value(variable: &Variable, keys: &dyn Keys, settings: &Settings) -> Value {
    let none = || variable.default.clone().map_or(Value::Null, Value::Text);
    // Only single-valued keys can be variables, whatever is known of the values.
    if keys.is_multi(&variable.key) {
        return none();
    }
    match state(&variable.key, keys) {
        KeyState::Absent => none(),
        KeyState::Values(values) => match values.as_slice() {
            // An empty string is no value.
            [text] if text.is_empty() && settings.empty_variable == EmptyVariable::Null => none(),
            [text] => Value::Text(text.to_string()),
            _ => none(),
        },
        // A hole also stands for the default and for null where the key may turn out to be absent.
        KeyState::Present | KeyState::Unknown => Value::Hole,
    }
}

/// Replaces the variables whose values are known; `None`: the text is null.
///
/// Values and defaults are inserted literally unless the settings say that they are patterns. One null
/// variable makes the whole text null, whatever the others are.
pub(crate) fn resolve(signs: &[Sign], keys: &dyn Keys, settings: &Settings) -> Option<Vec<Sign>> {
    let mut resolved = Vec::new();
    for sign in signs {
        match sign {
            Sign::Variable(variable) => match value(variable, keys, settings) {
                Value::Null => return None,
                Value::Hole => resolved.push(sign.clone()),
                Value::Text(text) => match settings.substituted_wildcards {
                    SubstitutedWildcards::Literal => resolved.extend(text.chars().map(Sign::Char)),
                    SubstitutedWildcards::Pattern => resolved.extend(plain(&text)),
                },
            },
            _ => resolved.push(sign.clone()),
        }
    }
    Some(resolved)
}

/// Replaces the variables of a whole policy string; `None`: it is null, also for a malformed variable.
pub(crate) fn resolve_template(template: &Template, keys: &dyn Keys, settings: &Settings) -> Option<Vec<Sign>> {
    if template.fault().is_some() { None } else { resolve(&signs(template), keys, settings) }
}

/// True iff a hole is left.
pub(crate) fn has_hole(signs: &[Sign]) -> bool {
    signs.iter().any(|sign| matches!(sign, Sign::Variable(_)))
}

/// The policy text of resolved signs; read again, it means the same.
///
/// Holes are written as the variables they come from. Where the place has wildcards, a `*` or `?` that is none is
/// written as an escape.
pub(crate) fn print(signs: &[Sign], wildcards: bool) -> String {
    let mut text = String::new();
    for (i, sign) in signs.iter().enumerate() {
        match sign {
            Sign::Char('*') if wildcards => text.push_str("${*}"),
            Sign::Char('?') if wildcards => text.push_str("${?}"),
            // A `$` is literal unless `{` follows.
            Sign::Char('$') if signs.get(i + 1) == Some(&Sign::Char('{')) => text.push_str("${$}"),
            Sign::Char(c) => text.push(*c),
            Sign::One => text.push('?'),
            Sign::Star => text.push('*'),
            Sign::Variable(variable) => match &variable.default {
                None => text.push_str(&format!("${{{}}}", variable.key)),
                Some(default) => text.push_str(&format!("${{{}, '{default}'}}", variable.key)),
            },
        }
    }
    text
}

/// Adds the key to the list if it is SOME or UNKNOWN and not there yet.
pub(crate) fn note_if_unknown(key: &ConditionKey, keys: &dyn Keys, list: &mut Vec<ConditionKey>) {
    if matches!(keys.state(key), KeyState::Present | KeyState::Unknown) && !list.contains(key) {
        list.push(key.clone());
    }
}

/// The values of a key as they are seen by conditions.
pub(crate) fn non_empty(values: &Values) -> Vec<&str> {
    values.as_slice().iter().map(|value| value.as_str()).filter(|value| !value.is_empty()).collect()
}

/// Key states from a table: what the tests of this crate's modules ask.
#[cfg(test)]
pub(crate) mod testing {
    use super::*;
    use std::collections::{BTreeMap, BTreeSet};

    /// States by key; what is not listed is absent. Keys in `multi` are declared multi-valued.
    #[derive(Debug, Clone, Default)]
    pub(crate) struct Table {
        pub(crate) states: BTreeMap<ConditionKey, KeyState>,
        pub(crate) multi: BTreeSet<ConditionKey>,
    }

    impl Table {
        pub(crate) fn with(mut self, key: &str, state: KeyState) -> Table {
            self.states.insert(ConditionKey::new(key), state);
            self
        }

        pub(crate) fn one(self, key: &str, value: &str) -> Table {
            self.with(key, KeyState::one(value))
        }

        pub(crate) fn multi(mut self, key: &str) -> Table {
            self.multi.insert(ConditionKey::new(key));
            self
        }
    }

    impl Keys for Table {
        fn state(&self, key: &ConditionKey) -> KeyState {
            self.states.get(key).cloned().unwrap_or(KeyState::Absent)
        }

        fn is_multi(&self, key: &ConditionKey) -> bool {
            self.multi.contains(key) || matches!(self.states.get(key), Some(KeyState::Values(Values::Many(_))))
        }
    }

    /// A list of values.
    pub(crate) fn list(values: &[&str]) -> KeyState {
        KeyState::list(values.iter().copied())
    }
}

#[cfg(test)]
mod tests {
    use super::testing::{Table, list};
    use super::*;

    fn resolved(text: &str, keys: &Table) -> Option<String> {
        resolved_with(text, keys, &Settings::default())
    }

    fn resolved_with(text: &str, keys: &Table, settings: &Settings) -> Option<String> {
        resolve_template(&Template::with_variables(text), keys, settings).map(|signs| print(&signs, true))
    }

    #[test]
    fn values_defaults_and_null() {
        let keys = Table::default()
            .one("k", "v")
            .one("empty", "")
            .with("list", list(&["v"]))
            .with("many", list(&["v", "w"]))
            .with("some", KeyState::Present)
            .with("unknown", KeyState::Unknown)
            .multi("m")
            .with("m", KeyState::Unknown);
        for (text, expected) in [
            ("a${k}b", Some("avb")),
            ("${K}", Some("v")),
            ("${k, 'd'}", Some("v")),
            ("${absent}", None),
            ("${absent, 'd'}", Some("d")),
            ("${absent, ''}", Some("")),
            ("${empty}", None),
            ("${empty, 'd'}", Some("d")),
            ("${list}", None),
            ("${many, 'd'}", Some("d")),
            // A multi-valued key has no value as a variable, known or not.
            ("${m}", None),
            ("${m, 'd'}", Some("d")),
            ("${some}/${k}", Some("${some}/v")),
            ("${Unknown, 'd'}", Some("${unknown, 'd'}")),
            // Null wins over holes.
            ("${some}${absent}", None),
            ("${absent}${some}", None),
            ("$k $", Some("$k $")),
        ] {
            assert_eq!(resolved(text, &keys).as_deref(), expected, "{text}");
        }
        let mut settings = Settings::default();
        settings.set("empty_variable", "text").unwrap();
        assert_eq!(resolved_with("a${empty}b", &keys, &settings).as_deref(), Some("ab"));
        assert_eq!(resolved_with("a${empty, 'd'}b", &keys, &settings).as_deref(), Some("ab"));
        assert_eq!(resolved_with("a${absent}b", &keys, &settings), None);
    }

    #[test]
    fn malformed_variables_are_null() {
        let keys = Table::default().one("k", "v").one("", "v");
        for text in ["${}", "${k", "${k, d}", "${k,'d'}", "${k, 'd}", "${a b}", "${k}${", "x${k}${}"] {
            assert_eq!(resolved(text, &keys), None, "{text}");
        }
    }

    #[test]
    fn a_text_without_variable_support_is_literal() {
        let template = Template::literal("${k}*${*}");
        let signs = resolve_template(&template, &Table::default(), &Settings::default()).unwrap();
        // `${$}` keeps the text from being read as a variable; the wildcards stay wildcards.
        assert_eq!(print(&signs, true), "${$}{k}*${$}{*}");
        assert_eq!(signs.iter().filter(|sign| **sign == Sign::Star).count(), 2);
    }

    #[test]
    fn substituted_text_is_literal_unless_set() {
        let keys = Table::default().one("k", "*?${x}");
        assert_eq!(resolved("${k}*", &keys).as_deref(), Some("${*}${?}${$}{x}*"));
        assert_eq!(resolved("${n, '*'}", &keys).as_deref(), Some("${*}"));
        let mut settings = Settings::default();
        settings.set("substituted_wildcards", "pattern").unwrap();
        assert_eq!(resolved_with("${k}", &keys, &settings).as_deref(), Some("*?${$}{x}"));
        assert_eq!(resolved_with("${n, '*'}${*}", &keys, &settings).as_deref(), Some("*${*}"));
    }

    #[test]
    fn printed_text_means_the_same() {
        let keys = Table::default().one("k", "*?${x}$").with("h", KeyState::Unknown);
        for text in ["${k}*?${*}${?}${$}{h}${h}", "$${h, 'd'}", "${k}{", "${$}${$}{", "a$"] {
            let signs = resolve_template(&Template::with_variables(text), &keys, &Settings::default()).unwrap();
            let again = Template::with_variables(print(&signs, true));
            assert_eq!(again.fault(), None, "{text}");
            assert_eq!(super::signs(&again), signs, "{text}");
        }
    }

    #[test]
    fn segments_are_found_before_substitution() {
        let count = |text| segments(&signs(&Template::with_variables(text))).len();
        assert_eq!(count("arn:aws:iam::${aws:PrincipalAccount}:user/${aws:username}:x:y"), 6);
        assert_eq!(count("${aws:PrincipalTag/t}"), 1);
        assert_eq!(count(""), 1);
        // Malformed variables hold their colons too.
        assert_eq!(count("arn:aws:s3:::${a b:c}"), 6);
        assert_eq!(count("arn:aws:${a:b:c:d:e:f"), 3);
        // Without variables `${` is text, and its colons split.
        assert_eq!(segments(&signs(&Template::literal("arn:aws:${a:b}"))).len(), 4);
    }

    #[test]
    fn unknown_keys_are_listed_once() {
        let keys = Table::default().with("u", KeyState::Unknown).with("s", KeyState::Present).one("k", "v");
        let mut noted = Vec::new();
        for key in ["s", "u", "k", "absent", "s"] {
            note_if_unknown(&ConditionKey::new(key), &keys, &mut noted);
        }
        assert_eq!(noted, [ConditionKey::new("s"), ConditionKey::new("u")]);
    }
}
