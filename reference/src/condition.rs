//! Conditions: operators, set operators, `IfExists` and `Null`, with keys that may be unknown (sections 4 and 8.3).
//!
//! `atom` is one operator applied to one key. That all atoms of a statement must hold (R-4.1) is the caller's, and
//! so is a condition with an unknown operator (R-1.18).

mod compare;

use crate::variables::{self, Keys};
use compare::{Operand, base_unknown, base3};
use iamc_policy::settings::{EmptyIsNull, MultiPlain};
use iamc_policy::{BaseOperator, ConditionAtom, ConditionKey, KeyState, Policy, SetOperator, Settings, Truth};

/// What one condition atom says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct AtomResult {
    /// Whether it holds.
    pub(crate) truth: Truth,
    /// The policy values as far as they are resolved, in their order, with unknown variables as `${key}`; as written
    /// where a value is null. Empty if nothing is unknown.
    pub(crate) resolved: Vec<String>,
    /// The key if it is SOME or UNKNOWN, then each SOME or UNKNOWN variable, each once (R-8.22). They matter only if
    /// the truth is unknown.
    pub(crate) unknown_keys: Vec<ConditionKey>,
}

/// Evaluates one operator on one key (R-4.1 to R-4.33, R-8.8 to R-8.13).
pub(crate) fn atom(atom: &ConditionAtom, keys: &dyn Keys, settings: &Settings) -> AtomResult {
    let base = atom.operator.base;
    let operands: Vec<Operand> = atom.values.iter().map(|value| compare::read(value, base, keys, settings)).collect();
    let question = Question {
        base,
        if_exists: atom.operator.if_exists,
        operands: &operands,
        state: variables::state(&atom.key, keys),
        multi: keys.is_multi(&atom.key),
        settings,
    };
    let truth = match (base, atom.operator.set) {
        // With a set operator `Null` is constant (R-4.16).
        (BaseOperator::Null, Some(SetOperator::ForAllValues)) => Truth::True,
        (BaseOperator::Null, Some(SetOperator::ForAnyValue)) => Truth::False,
        (BaseOperator::Null, None) => null(&question),
        (_, Some(SetOperator::ForAllValues)) => for_all_values(&question),
        (_, Some(SetOperator::ForAnyValue)) => for_any_value(&question),
        (_, None) if question.multi => plain_multi(&question),
        (_, None) => plain_single(&question),
    };
    let unknown_keys = unknown_keys(atom, keys);
    let resolved = if unknown_keys.is_empty() { Vec::new() } else { resolved(atom, keys, settings) };
    AtomResult { truth, resolved, unknown_keys }
}

/// The policy values of an atom as text (R-8.22).
fn resolved(atom: &ConditionAtom, keys: &dyn Keys, settings: &Settings) -> Vec<String> {
    let base = atom.operator.base;
    let text = |value: &iamc_policy::Template| match variables::resolve_template(value, keys, settings) {
        Some(signs) if base.supports_variables() => variables::print(&signs, compare::has_wildcards(base)),
        _ => value.text().to_owned(),
    };
    atom.values.iter().map(text).collect()
}

/// The keys on which an atom depends if it is unknown (R-8.22).
fn unknown_keys(atom: &ConditionAtom, keys: &dyn Keys) -> Vec<ConditionKey> {
    let mut unknown = Vec::new();
    variables::note_if_unknown(&atom.key, keys, &mut unknown);
    for variable in atom.values.iter().flat_map(|value| value.variables()) {
        variables::note_if_unknown(&variable.key, keys, &mut unknown);
    }
    unknown
}

/// All that the tables of section 8.3 ask about.
struct Question<'a> {
    base: BaseOperator,
    if_exists: bool,
    /// The policy values, W.
    operands: &'a [Operand],
    /// The state of the key; never an empty list.
    state: KeyState,
    /// Whether the key is multi-valued.
    multi: bool,
    settings: &'a Settings,
}

impl Question<'_> {
    /// `base3(v)`: one request value against all policy values.
    fn base(&self, value: &str) -> Truth {
        base3(value, self.operands, self.base, self.settings)
    }

    /// `baseU`: a request value of which nothing is known.
    fn base_unknown(&self) -> Truth {
        base_unknown(self.operands, self.base, self.settings)
    }

    /// `miss`: what a plain operator says of an absent key (R-4.9, R-4.17).
    fn miss(&self) -> Truth {
        truth(self.if_exists || compare::is_negated(self.base))
    }
}

/// A plain operator on a key declared single (R-4.9, R-8.10).
fn plain_single(question: &Question<'_>) -> Truth {
    match &question.state {
        KeyState::Absent => question.miss(),
        KeyState::Values(values) => match values.as_slice() {
            // The empty string is a value like any other here.
            [value] => question.base(value),
            // A request with more values was refused (R-4.4); were it not, they would be several values of R-4.9.
            _ => Truth::False,
        },
        KeyState::Present => question.base_unknown(),
        KeyState::Unknown => join(question.miss(), question.base_unknown()),
    }
}

/// A plain operator on a key declared multi (R-4.9, R-8.11) and its alternatives, `multi_plain` of appendix B.
///
/// The alternatives are about a key that is present; an absent key is `miss` in all of them. For SOME and UNKNOWN each
/// joins what it says of one value, of several, and for UNKNOWN of empty values and of none: `one` as R-8.11 writes;
/// `false` is false whatever the values; `any` is the column ForAnyValue of R-8.12, in which values that are all empty
/// are false; `negated_true` is `one` but for several values, which are true under a negated operator. (`baseU` covers
/// the one value that is the empty string.)
fn plain_multi(question: &Question<'_>) -> Truth {
    let several = match question.settings.multi_plain {
        MultiPlain::NegatedTrue => truth(compare::is_negated(question.base)),
        MultiPlain::One | MultiPlain::False | MultiPlain::Any => Truth::False,
    };
    let unknown_present = || match question.settings.multi_plain {
        MultiPlain::One | MultiPlain::NegatedTrue => join(several, question.base_unknown()),
        MultiPlain::False => Truth::False,
        MultiPlain::Any => question.base_unknown(),
    };
    match &question.state {
        KeyState::Absent => question.miss(),
        KeyState::Values(values) => match (question.settings.multi_plain, values.as_slice()) {
            (MultiPlain::False, _) => Truth::False,
            (MultiPlain::Any, _) => or(variables::non_empty(values).into_iter().map(|value| question.base(value))),
            (MultiPlain::One | MultiPlain::NegatedTrue, [value]) => question.base(value),
            (MultiPlain::One | MultiPlain::NegatedTrue, _) => several,
        },
        KeyState::Present => unknown_present(),
        // `several` is also what values that are all empty give, where that is not covered by `baseU`.
        KeyState::Unknown => join(join(question.miss(), several), unknown_present()),
    }
}

/// `ForAllValues:` (R-4.10, R-4.12 to R-4.14, R-8.12). `IfExists` changes nothing.
fn for_all_values(question: &Question<'_>) -> Truth {
    match &question.state {
        KeyState::Absent => Truth::True,
        KeyState::Values(values) => and(variables::non_empty(values).into_iter().map(|value| question.base(value))),
        KeyState::Present => question.base_unknown(),
        KeyState::Unknown => join(Truth::True, question.base_unknown()),
    }
}

/// `ForAnyValue:` (R-4.11, R-4.12, R-4.14, R-8.12).
fn for_any_value(question: &Question<'_>) -> Truth {
    match &question.state {
        KeyState::Absent => truth(question.if_exists),
        KeyState::Values(values) => or(variables::non_empty(values).into_iter().map(|value| question.base(value))),
        KeyState::Present => question.base_unknown(),
        // Absent is true and all-empty is false here.
        KeyState::Unknown if question.if_exists => Truth::Unknown,
        KeyState::Unknown => join(Truth::False, question.base_unknown()),
    }
}

/// `Null` without a set operator (R-4.15, R-8.13).
fn null(question: &Question<'_>) -> Truth {
    let is_null = match &question.state {
        KeyState::Absent => Truth::True,
        KeyState::Present => Truth::False,
        KeyState::Unknown => Truth::Unknown,
        KeyState::Values(values) => {
            let counts = match question.settings.empty_is_null {
                EmptyIsNull::Multi => question.multi,
                EmptyIsNull::Every => true,
                EmptyIsNull::None => false,
            };
            truth(counts && variables::non_empty(values).is_empty())
        }
    };
    let is = |operand: &Operand, word: &str| matches!(operand, Operand::Text(signs) if variables::print(signs, false).eq_ignore_ascii_case(word));
    let says = |word| question.operands.iter().any(|operand| is(operand, word));
    match (says("true"), says("false")) {
        // One of the two holds, even where it is not known which.
        (true, true) => Truth::True,
        (true, false) => is_null,
        (false, true) => not(is_null),
        (false, false) => Truth::False,
    }
}

/// The policy values that no request value can be compared with (R-1.40): statement index, operator, key, value.
///
/// In document order. Values that are malformed only by the value of a variable are not among them, nor are values
/// with a malformed variable, which are null (R-3.3). Cost: O(bytes of the policy's conditions).
///
/// ```
/// use iamc_policy::condition::Condition;
/// use iamc_policy::document::{ActionElement, Effect, Policy, PolicyKind, Statement, Version};
/// use iamc_policy::{ConditionAtom, ConditionKey, Operator, Template};
///
/// let atom = ConditionAtom {
///     operator: Operator::parse("IpAddress").unwrap(),
///     key: ConditionKey::new("aws:SourceIp"),
///     values: vec![Template::literal("10.0.0.0/8"), Template::literal("10.0.*")],
///     span: Default::default(),
/// };
/// let statement = Statement {
///     sid: None,
///     effect: Effect::Allow,
///     principal: None,
///     action: ActionElement { negated: false, patterns: Vec::new(), span: Default::default() },
///     resource: None,
///     condition: Condition { atoms: vec![atom], unknown_operators: Vec::new() },
///     span: Default::default(),
///     line: 1,
/// };
/// let policy = Policy { kind: PolicyKind::Identity, version: Version::V2012, id: None, statements: vec![statement] };
/// let malformed = iamc_reference::condition::malformed_values(&policy);
/// assert_eq!(malformed, [(0, "IpAddress".into(), "aws:sourceip".into(), "10.0.*".into())]);
/// ```
pub fn malformed_values(policy: &Policy) -> Vec<(usize, String, String, String)> {
    let mut malformed = Vec::new();
    for (index, statement) in policy.statements.iter().enumerate() {
        for atom in &statement.condition.atoms {
            for value in &atom.values {
                if compare::is_malformed(value, atom.operator.base) {
                    let key = atom.key.as_str().to_owned();
                    malformed.push((index, atom.operator.to_string(), key, value.text().to_owned()));
                }
            }
        }
    }
    malformed
}

fn truth(holds: bool) -> Truth {
    if holds { Truth::True } else { Truth::False }
}

/// ¬ of R-8.1.
fn not(x: Truth) -> Truth {
    match x {
        Truth::True => Truth::False,
        Truth::False => Truth::True,
        Truth::Unknown => Truth::Unknown,
    }
}

/// ∧ of R-8.1 over any number of operands; over none it is true.
fn and(operands: impl Iterator<Item = Truth>) -> Truth {
    operands.fold(Truth::True, |x, y| match (x, y) {
        (Truth::False, _) | (_, Truth::False) => Truth::False,
        (Truth::True, Truth::True) => Truth::True,
        _ => Truth::Unknown,
    })
}

/// ∨ of R-8.1 over any number of operands; over none it is false.
fn or(operands: impl Iterator<Item = Truth>) -> Truth {
    not(and(operands.map(not)))
}

/// `join` of R-8.1.
fn join(x: Truth, y: Truth) -> Truth {
    if x == y { x } else { Truth::Unknown }
}

#[cfg(test)]
mod tests;
