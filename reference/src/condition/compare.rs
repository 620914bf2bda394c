//! One request value against policy values (sections 4.2 and 4.4; ).

use crate::pattern::{self, Token};
use crate::variables::{self, Keys, Sign};
use crate::{address, base64, date, number};
use iamc_policy::settings::MalformedNegated;
use iamc_policy::template::Template;
use iamc_policy::{BaseOperator, Settings, Truth};
use std::cmp::Ordering;

/// The type as which an operator reads both sides, whatever the declared type of the key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Type {
    Text,
    Number,
    Date,
    Bool,
    Binary,
    Address,
    Arn,
    /// `Null` reads no request value.
    Presence,
}

/// The type of an operator (section 4.4).
pub(crate) fn type_of(base: BaseOperator) -> Type {
    use BaseOperator::*;
    match base {
        StringEquals
        | StringNotEquals
        | StringEqualsIgnoreCase
        | StringNotEqualsIgnoreCase
        | StringLike
        | StringNotLike => Type::Text,
        NumericEquals
        | NumericNotEquals
        | NumericLessThan
        | NumericLessThanEquals
        | NumericGreaterThan
        | NumericGreaterThanEquals => Type::Number,
        DateEquals | DateNotEquals | DateLessThan | DateLessThanEquals | DateGreaterThan | DateGreaterThanEquals => {
            Type::Date
        }
        Bool => Type::Bool,
        BinaryEquals => Type::Binary,
        IpAddress | NotIpAddress => Type::Address,
        ArnEquals | ArnLike | ArnNotEquals | ArnNotLike => Type::Arn,
        Null => Type::Presence,
    }
}

/// Whether an operator is negated: these eight and no other.
pub(crate) fn is_negated(base: BaseOperator) -> bool {
    use BaseOperator::*;
    matches!(
        base,
        StringNotEquals
            | StringNotEqualsIgnoreCase
            | StringNotLike
            | NumericNotEquals
            | DateNotEquals
            | NotIpAddress
            | ArnNotEquals
            | ArnNotLike
    )
}

/// Whether `*` and `?` are wildcards in the policy values of an operator.
pub(crate) fn has_wildcards(base: BaseOperator) -> bool {
    use BaseOperator::*;
    type_of(base) == Type::Arn || matches!(base, StringLike | StringNotLike)
}

/// Whether the letter case of texts does not matter.
fn ignores_case(base: BaseOperator) -> bool {
    matches!(base, BaseOperator::StringEqualsIgnoreCase | BaseOperator::StringNotEqualsIgnoreCase)
}

/// A policy value, resolved and read as the type of its operator.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Operand {
    /// ERR: not of the operator's type.
    Malformed,
    /// NULL: never equal to or like anything; not malformed.
    Null,
    /// A text, or a truth value, which is compared as one.
    Text(Vec<Sign>),
    /// An ARN, as its six segments.
    Arn(Vec<Vec<Sign>>),
    /// The lone `*` of an ARN operator.
    EveryArn,
    Number(number::Decimal),
    Binary(Vec<u8>),
    Block(address::Block),
}

/// Resolves a policy value and reads it for an operator.
pub(crate) fn read(template: &Template, base: BaseOperator, keys: &dyn Keys, settings: &Settings) -> Operand {
    let text = template.text();
    match type_of(base) {
        // Variables are not supported in the next four, so that `${…}` is malformed there.
        Type::Number => number::Decimal::parse(text).map_or(Operand::Malformed, Operand::Number),
        Type::Date => date::instant(text).map_or(Operand::Malformed, Operand::Number),
        Type::Binary => base64::decode(text).map_or(Operand::Malformed, Operand::Binary),
        Type::Address => address::block(text).map_or(Operand::Malformed, Operand::Block),
        Type::Arn => arn(template, keys, settings),
        Type::Text => variables::resolve_template(template, keys, settings).map_or(Operand::Null, Operand::Text),
        Type::Bool => match variables::resolve_template(template, keys, settings) {
            None => Operand::Null,
            // A value that its variables make something else than a truth value is malformed, too.
            Some(signs) if !variables::has_hole(&signs) && !is_bool(&variables::print(&signs, false)) => {
                Operand::Malformed
            }
            Some(signs) => Operand::Text(signs),
        },
        Type::Presence => Operand::Text(variables::plain(text)),
    }
}

/// A policy value of an ARN operator.
///
/// The lone `*` is every ARN. Else there must be six segments, the first of them the word `arn`; this is judged before
/// variables are resolved, so a variable alone is malformed and not null.
fn arn(template: &Template, keys: &dyn Keys, settings: &Settings) -> Operand {
    let signs = variables::signs(template);
    if pattern::is_star(&signs) {
        return Operand::EveryArn;
    }
    let segments = variables::segments(&signs);
    if segments.len() < 6 || segments[0] != variables::plain("arn") {
        return Operand::Malformed;
    }
    if template.fault().is_some() {
        return Operand::Null;
    }
    let resolved = segments.iter().map(|segment| variables::resolve(segment, keys, settings));
    resolved.collect::<Option<Vec<_>>>().map_or(Operand::Null, Operand::Arn)
}

/// Whether a policy value is malformed for an operator, as far as its text alone says.
///
/// A value with variables may still turn out to be malformed when they are resolved.
pub(crate) fn is_malformed(template: &Template, base: BaseOperator) -> bool {
    /// Nothing is known of any key.
    struct Nothing;
    impl Keys for Nothing {
        fn state(&self, _: &iamc_policy::ConditionKey) -> iamc_policy::KeyState {
            iamc_policy::KeyState::Unknown
        }
        fn is_multi(&self, _: &iamc_policy::ConditionKey) -> bool {
            false
        }
    }
    match type_of(base) {
        Type::Presence => !is_bool(template.text()),
        _ => read(template, base, &Nothing, &Settings::default()) == Operand::Malformed,
    }
}

/// `true` or `false`, in any letter case.
pub(crate) fn is_bool(text: &str) -> bool {
    text.eq_ignore_ascii_case("true") || text.eq_ignore_ascii_case("false")
}

/// Splits a request value of an ARN operator; `None`: malformed.
fn components(value: &str) -> Option<Vec<&str>> {
    let components: Vec<&str> = value.splitn(6, ':').collect();
    (components.len() == 6 && components[0] == "arn").then_some(components)
}

/// Whether a request value can be read as the operator's type.
pub(crate) fn is_readable(value: &str, base: BaseOperator) -> bool {
    match type_of(base) {
        Type::Text | Type::Presence => true,
        Type::Number => number::Decimal::parse(value).is_some(),
        Type::Date => date::instant(value).is_some(),
        Type::Bool => is_bool(value),
        Type::Binary => base64::decode(value).is_some(),
        Type::Address => address::address(value).is_some(),
        Type::Arn => components(value).is_some(),
    }
}

/// `cmp3(v,w)`: one request value against one policy value, not yet negated.
///
/// A value that cannot be read, on either side, compares as false; what follows from it is for [`pos3`] and [`neg3`].
fn cmp3(value: &str, operand: &Operand, base: BaseOperator) -> Truth {
    let known = |holds| if holds { Truth::True } else { Truth::False };
    match operand {
        Operand::Malformed | Operand::Null => Truth::False,
        Operand::Text(signs) => text_compares(value, signs, base),
        Operand::Arn(segments) => arn_compares(value, segments),
        Operand::EveryArn => known(components(value).is_some()),
        Operand::Number(policy) => {
            let value = if type_of(base) == Type::Date { date::instant(value) } else { number::Decimal::parse(value) };
            known(value.is_some_and(|value| order_satisfies(value.cmp(policy), base)))
        }
        Operand::Binary(policy) => known(base64::decode(value).as_ref() == Some(policy)),
        Operand::Block(policy) => known(address::address(value).is_some_and(|value| address::contains(policy, value))),
    }
}

/// Texts and truth values.
///
/// Without wildcards this is equality, sign by sign; with holes it is `may`.
fn text_compares(value: &str, signs: &[Sign], base: BaseOperator) -> Truth {
    let lower = ignores_case(base) || base == BaseOperator::Bool;
    if base == BaseOperator::Bool && !is_bool(value) {
        return Truth::False;
    }
    let tokens = pattern::tokens(signs, has_wildcards(base));
    let (tokens, value) = if lower {
        let value = value.chars().flat_map(char::to_lowercase).collect::<Vec<_>>();
        (tokens.into_iter().flat_map(lower_case).collect(), value)
    } else {
        (tokens, value.chars().collect())
    };
    may(pattern::matches(&tokens, &value, 0), variables::has_hole(signs))
}

/// The lower-casing of: each code point by itself. (`ß` stays, so it is not `ss`.)
fn lower_case(token: Token) -> Vec<Token> {
    match token {
        Token::Char(c) => c.to_lowercase().map(Token::Char).collect(),
        wildcard => vec![wildcard],
    }
}

/// ARNs: component by component, in the sixth a wildcard matches colons as well.
///
/// A hole of the first five components holds no colon, because no component does.
fn arn_compares(value: &str, segments: &[Vec<Sign>]) -> Truth {
    let Some(components) = components(value) else {
        return Truth::False;
    };
    let matched = segments.iter().zip(components).all(|(segment, component)| {
        let component: Vec<char> = component.chars().collect();
        pattern::matches(&pattern::tokens(segment, true), &component, 0)
    });
    may(matched, segments.iter().any(|segment| variables::has_hole(segment)))
}

/// What a comparison says in which holes were read as wildcards: a match proves nothing if there was one.
fn may(matched: bool, hole: bool) -> Truth {
    match (matched, hole) {
        (false, _) => Truth::False,
        (true, true) => Truth::Unknown,
        (true, false) => Truth::True,
    }
}

/// Whether a request value that compares like this with the policy value satisfies the operator.
///
/// For the two negated operators this is the equality that they negate.
fn order_satisfies(order: Ordering, base: BaseOperator) -> bool {
    use BaseOperator::*;
    match base {
        NumericLessThan | DateLessThan => order.is_lt(),
        NumericLessThanEquals | DateLessThanEquals => order.is_le(),
        NumericGreaterThan | DateGreaterThan => order.is_gt(),
        NumericGreaterThanEquals | DateGreaterThanEquals => order.is_ge(),
        _ => order.is_eq(),
    }
}

/// `base3(v)`: [`pos3`] or [`neg3`] as the operator says (section 4.3).
pub(crate) fn base3(value: &str, operands: &[Operand], base: BaseOperator, settings: &Settings) -> Truth {
    if is_negated(base) { neg3(value, operands, base, settings) } else { pos3(value, operands, base) }
}

/// `pos3(v,W)`: some policy value compares; malformed ones do not.
fn pos3(value: &str, operands: &[Operand], base: BaseOperator) -> Truth {
    super::or(operands.iter().map(|operand| cmp3(value, operand, base)))
}

/// `neg3(v,W)`: no policy value compares; false if anything is malformed.
///
/// Under `malformed_negated=true` a comparison with something malformed is just not true, hence its negation is:
/// a malformed request value makes the operator true, a malformed policy value leaves it to the others.
fn neg3(value: &str, operands: &[Operand], base: BaseOperator, settings: &Settings) -> Truth {
    let malformed = !is_readable(value, base) || operands.contains(&Operand::Malformed);
    if malformed && settings.malformed_negated == MalformedNegated::False {
        return Truth::False;
    }
    super::not(super::or(operands.iter().map(|operand| cmp3(value, operand, base))))
}

/// `baseU`: the table of for a request value of which nothing is known, its rows from top to bottom.
///
/// Under `malformed_negated=true` its first row is void for negated operators as for positive ones, and so is what
/// makes the second row unknown: a value that cannot be read makes a negated operator true like any other.
pub(crate) fn base_unknown(operands: &[Operand], base: BaseOperator, settings: &Settings) -> Truth {
    let negated = is_negated(base);
    let lenient = settings.malformed_negated == MalformedNegated::True;
    if negated && !lenient && operands.contains(&Operand::Malformed) {
        return Truth::False;
    }
    if operands.iter().all(|operand| matches!(operand, Operand::Null | Operand::Malformed)) {
        return match (negated, type_of(base)) {
            (false, _) => Truth::False,
            (true, Type::Text) => Truth::True,
            (true, _) if lenient => Truth::True,
            (true, _) => Truth::Unknown,
        };
    }
    let stars = |operand: &Operand| matches!(operand, Operand::Text(signs) if pattern::is_star(signs));
    if matches!(base, BaseOperator::StringLike | BaseOperator::StringNotLike) && operands.iter().any(stars) {
        return if negated { Truth::False } else { Truth::True };
    }
    Truth::Unknown
}
