//! Conditions, their values read once (section 4).

use super::keys::{Key, Keys, State};
use super::pattern::{ArnPattern, Pattern, is_arn};
use iamc_catalogue::Catalogue;
use iamc_policy::condition::Condition;
use iamc_policy::{BaseOperator, ConditionAtom, SetOperator, Template};
use std::cmp::Ordering;
use std::net::IpAddr;

/// The `Condition` of a statement.
#[derive(Debug)]
pub(super) enum Test {
    /// An operator without meaning.
    Never,
    /// Every atom must hold.
    All(Box<[Atom]>),
}

impl Test {
    pub(super) fn new(condition: &Condition, catalogue: &Catalogue) -> Test {
        if !condition.unknown_operators.is_empty() {
            return Test::Never;
        }
        Test::All(condition.atoms.iter().map(|atom| Atom::new(atom, catalogue)).collect())
    }

    /// `None`: a value is present that only an operator outside the subset reads.
    pub(super) fn holds(&self, keys: &Keys<'_>) -> Option<bool> {
        let Test::All(atoms) = self else { return Some(false) };
        for atom in atoms {
            if !atom.holds(keys)? {
                return Some(false);
            }
        }
        Some(true)
    }
}

/// One operator on one key.
#[derive(Debug)]
pub(super) struct Atom {
    key: Key,
    /// Declared cardinality.
    multi: Option<bool>,
    set: Option<SetOperator>,
    if_exists: bool,
    ///
    negated: bool,
    wanted: Wanted,
}

/// What values are compared with, by how they are read.
#[derive(Debug)]
enum Wanted {
    /// `Null`: each policy value; `None`: neither `true` nor `false`.
    Null(Box<[Option<bool>]>),
    /// Equality of text; the values are in lower case if `ignore_case`.
    Text { ignore_case: bool, values: Box<[Pattern]> },
    /// Globs.
    Like(Box<[Pattern]>),
    /// ARNs.
    Arn(Box<[ArnPattern]>),
    /// `Bool`.
    Bool(Box<[Pattern]>),
    /// Numbers, and how the request's must stand to them; `None`: malformed.
    Number { fits: &'static [Ordering], values: Box<[Option<Decimal>]> },
    /// Address blocks; `None`: malformed.
    Address(Box<[Option<(IpAddr, u32)>]>),
    /// Dates and binary values: the requests of the corpus have none.
    Unread,
}

impl Atom {
    fn new(atom: &ConditionAtom, catalogue: &Catalogue) -> Atom {
        use BaseOperator::*;
        let base = atom.operator.base;
        let patterns = |wild| atom.values.iter().map(|value| Pattern::value(value, wild)).collect();
        let number = |fits| {
            let values = atom.values.iter().map(|value| Decimal::read(value.text())).collect();
            Wanted::Number { fits, values }
        };
        let lower = |template: &Template| match Pattern::value(template, false) {
            Pattern::Exact(text) => Pattern::Exact(lower(&text).into()),
            pattern => pattern,
        };
        let wanted = match base {
            Null => Wanted::Null(atom.values.iter().map(|value| boolean(value.text())).collect()),
            StringEquals | StringNotEquals => Wanted::Text { ignore_case: false, values: patterns(false) },
            StringEqualsIgnoreCase | StringNotEqualsIgnoreCase => {
                Wanted::Text { ignore_case: true, values: atom.values.iter().map(lower).collect() }
            }
            StringLike | StringNotLike => Wanted::Like(patterns(true)),
            ArnEquals | ArnLike | ArnNotEquals | ArnNotLike => {
                Wanted::Arn(atom.values.iter().map(ArnPattern::new).collect())
            }
            Bool => Wanted::Bool(patterns(false)),
            NumericEquals | NumericNotEquals => number(&[Ordering::Equal]),
            NumericLessThan => number(&[Ordering::Less]),
            NumericLessThanEquals => number(&[Ordering::Less, Ordering::Equal]),
            NumericGreaterThan => number(&[Ordering::Greater]),
            NumericGreaterThanEquals => number(&[Ordering::Greater, Ordering::Equal]),
            IpAddress | NotIpAddress => Wanted::Address(atom.values.iter().map(|value| block(value.text())).collect()),
            DateEquals
            | DateNotEquals
            | DateLessThan
            | DateLessThanEquals
            | DateGreaterThan
            | DateGreaterThanEquals
            | BinaryEquals => Wanted::Unread,
        };
        Atom {
            key: Key::of(&atom.key),
            multi: catalogue.key(atom.key.as_str()).map(|facts| facts.multi),
            set: atom.operator.set,
            if_exists: atom.operator.if_exists,
            negated: matches!(
                base,
                StringNotEquals
                    | StringNotEqualsIgnoreCase
                    | StringNotLike
                    | NumericNotEquals
                    | DateNotEquals
                    | NotIpAddress
                    | ArnNotEquals
                    | ArnNotLike
            ),
            wanted,
        }
    }

    fn holds(&self, keys: &Keys<'_>) -> Option<bool> {
        let state = keys.state(&self.key);
        let multi = self.multi.unwrap_or(matches!(state, State::Many(_)));
        if let Wanted::Null(values) = &self.wanted {
            //
            return Some(match self.set {
                Some(SetOperator::ForAllValues) => true,
                Some(SetOperator::ForAnyValue) => false,
                None => {
                    let null = state == State::Absent || (multi && state.values().all(str::is_empty));
                    values.contains(&Some(null))
                }
            });
        }
        if state == State::Absent {
            //
            return Some(match self.set {
                None => self.if_exists || self.negated,
                Some(SetOperator::ForAllValues) => true,
                Some(SetOperator::ForAnyValue) => self.if_exists,
            });
        }
        if matches!(self.wanted, Wanted::Unread) {
            return None;
        }
        let mut filled = state.values().filter(|value| !value.is_empty());
        Some(match self.set {
            None => match (multi && state.values().count() > 1, state.values().next()) {
                (false, Some(value)) => self.base(value, keys),
                _ => false,
            },
            Some(SetOperator::ForAllValues) => filled.all(|value| self.base(value, keys)),
            Some(SetOperator::ForAnyValue) => filled.any(|value| self.base(value, keys)),
        })
    }

    /// `pos` or `neg` of, with.
    fn base(&self, value: &str, keys: &Keys<'_>) -> bool {
        match &self.wanted {
            Wanted::Text { ignore_case: false, values } => self.joined(values, |own| match own {
                Pattern::Exact(text) => Some(**text == *value),
                own => Some(own.resolved(keys).is_some_and(|text| text == value)),
            }),
            Wanted::Text { ignore_case: true, values } => {
                let value = lower(value);
                self.joined(values, |own| match own {
                    Pattern::Exact(text) => Some(**text == *value),
                    own => Some(own.resolved(keys).is_some_and(|text| lower(&text) == value)),
                })
            }
            Wanted::Like(values) => self.joined(values, |own| Some(own.matches(value, keys))),
            Wanted::Arn(values) => is_arn(value) && self.joined(values, |own| own.matches(value, keys)),
            Wanted::Bool(values) => {
                let Some(value) = boolean(value) else { return false };
                self.joined(values, |own| Some(own.resolved(keys).is_some_and(|text| boolean(&text) == Some(value))))
            }
            Wanted::Number { fits, values } => {
                let Some(value) = Decimal::read(value) else { return false };
                self.joined(values, |own| own.as_ref().map(|own| fits.contains(&value.compare(own))))
            }
            Wanted::Address(values) => {
                let Some(value) = address(value) else { return false };
                self.joined(values, |own| own.as_ref().map(|own| lies_in(value, *own)))
            }
            Wanted::Null(_) | Wanted::Unread => false,
        }
    }

    /// One comparison that holds, or for a negated operator none that holds and none that is malformed.
    fn joined<T>(&self, values: &[T], compare: impl Fn(&T) -> Option<bool>) -> bool {
        match self.negated {
            false => values.iter().any(|own| compare(own) == Some(true)),
            true => values.iter().all(|own| compare(own) == Some(false)),
        }
    }
}

///
fn lower(text: &str) -> String {
    text.chars().flat_map(char::to_lowercase).collect()
}

fn boolean(text: &str) -> Option<bool> {
    match () {
        () if text.eq_ignore_ascii_case("true") => Some(true),
        () if text.eq_ignore_ascii_case("false") => Some(false),
        () => None,
    }
}

///
fn address(text: &str) -> Option<IpAddr> {
    text.parse().ok()
}

fn block(text: &str) -> Option<(IpAddr, u32)> {
    let (base, length) = text.split_once('/').map_or((text, None), |(base, length)| (base, Some(length)));
    let base = address(base)?;
    let bits = if base.is_ipv4() { 32 } else { 128 };
    let Some(length) = length else { return Some((base, bits)) };
    let plain = length.bytes().all(|byte| byte.is_ascii_digit()) && (length == "0" || !length.starts_with('0'));
    length.parse().ok().filter(|length| plain && *length <= bits).map(|length| (base, length))
}

fn lies_in(own: IpAddr, (base, length): (IpAddr, u32)) -> bool {
    match (own, base) {
        (IpAddr::V4(own), IpAddr::V4(base)) => {
            (own.to_bits() ^ base.to_bits()).checked_shr(32 - length).unwrap_or(0) == 0
        }
        (IpAddr::V6(own), IpAddr::V6(base)) => {
            (own.to_bits() ^ base.to_bits()).checked_shr(128 - length).unwrap_or(0) == 0
        }
        _ => false,
    }
}

/// A decimal number: `0.DIGITS` times ten to the power of `point`, without leading or trailing zeros.
#[derive(Debug, Clone, PartialEq)]
struct Decimal {
    negative: bool,
    digits: Box<[u8]>,
    point: i64,
}

impl Decimal {
    fn read(text: &str) -> Option<Decimal> {
        let (negative, rest) = match text.as_bytes().first()? {
            b'-' => (true, &text[1..]),
            b'+' => (false, &text[1..]),
            _ => (false, text),
        };
        let all_digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        let (mantissa, exponent) = rest.split_once(['e', 'E']).map_or((rest, None), |(m, e)| (m, Some(e)));
        let (whole, fraction) = mantissa.split_once('.').map_or((mantissa, None), |(w, f)| (w, Some(f)));
        if !all_digits(whole) || fraction.is_some_and(|fraction| !all_digits(fraction)) {
            return None;
        }
        let exponent = match exponent {
            None => 0,
            Some(exponent) => {
                let digits = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
                if !all_digits(digits) {
                    return None;
                }
                // Exponents of more than 17 digits are no different from one another here.
                let size: i64 = digits
                    .trim_start_matches('0')
                    .get(..18)
                    .map_or_else(|| digits.parse().unwrap_or(0), |_| 100_000_000_000_000_000);
                if exponent.starts_with('-') { -size } else { size }
            }
        };
        let digits: Vec<u8> = whole.bytes().chain(fraction.unwrap_or("").bytes()).collect();
        let n_leading = digits.iter().take_while(|digit| **digit == b'0').count();
        let n_trailing = digits[n_leading..].iter().rev().take_while(|digit| **digit == b'0').count();
        let significant = &digits[n_leading..digits.len() - n_trailing];
        if significant.is_empty() {
            return Some(Decimal { negative: false, digits: [].into(), point: 0 });
        }
        Some(Decimal { negative, digits: significant.into(), point: exponent + whole.len() as i64 - n_leading as i64 })
    }

    fn compare(&self, other: &Decimal) -> Ordering {
        let sign = |one: &Decimal| {
            if one.digits.is_empty() {
                0
            } else if one.negative {
                -1
            } else {
                1
            }
        };
        let size = || self.point.cmp(&other.point).then_with(|| self.digits.cmp(&other.digits));
        sign(self).cmp(&sign(other)).then_with(|| match sign(self) {
            0 => Ordering::Equal,
            1 => size(),
            _ => size().reverse(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_compare_as_decimals() {
        let compare = |a: &str, b: &str| Decimal::read(a).unwrap().compare(&Decimal::read(b).unwrap());
        for (a, b) in
            [("0.1", "0.10"), ("1e2", "100"), ("-0", "0.00"), ("12345678901234567890.5", "1.23456789012345678905E19")]
        {
            assert_eq!(compare(a, b), Ordering::Equal, "{a} {b}");
        }
        for (a, b) in
            [("1.2", "1.3"), ("-2", "1"), ("-3", "-2"), ("9", "10"), ("0", "1e-9"), ("1e-99999999999999999999", "1")]
        {
            assert_eq!(compare(a, b), Ordering::Less, "{a} {b}");
            assert_eq!(compare(b, a), Ordering::Greater, "{a} {b}");
        }
        assert!(["", "+", "1.", ".5", "0x1", "1e", " 1"].iter().all(|text| Decimal::read(text).is_none()));
    }

    #[test]
    fn blocks_hold_addresses_of_their_family() {
        let holds = |own: &str, base: &str| lies_in(address(own).unwrap(), block(base).unwrap());
        assert!(holds("203.0.113.9", "203.0.113.0/24") && !holds("203.0.114.9", "203.0.113.0/24"));
        assert!(
            holds("203.0.113.9", "0.0.0.0/0") && !holds("::1", "0.0.0.0/0") && holds("2001:DB8::1", "2001:db8::/32")
        );
        assert!(["1.2.3.4/08", "1.2.3.4/33", "1.2.3.4/255.0.0.0", "01.2.3.4"].iter().all(|text| block(text).is_none()));
    }
}
