//! Decimal numbers, read and compared exactly.
//!
//! Nothing is ever expanded: `1e999999999` is one digit and an exponent, and the exponent may itself have any number
//! of digits. Cost of reading and comparing: O(bytes).

use std::cmp::Ordering;

/// A decimal number in its one canonical form, so that equality of the form is equality of the number.
///
/// The value is ±0.d₁d₂… × 10^`magnitude`, where d₁ is not 0 and the last digit is not 0; zero has no digits, no sign
/// and magnitude 0.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Decimal {
    negative: bool,
    magnitude: Integer,
    digits: Vec<u8>,
}

impl Decimal {
    /// Reads `[+-]?digits[.digits][(e|E)[+-]?digits]`, nothing before, between or behind. `None`: malformed.
    pub(crate) fn parse(text: &str) -> Option<Decimal> {
        let (negative, rest) = sign(text);
        let (whole, rest) = digits(rest)?;
        let (fraction, rest) = match rest.strip_prefix('.') {
            Some(rest) => digits(rest)?,
            None => ("", rest),
        };
        let (exponent, rest) = match rest.strip_prefix(['e', 'E']) {
            Some(rest) => {
                let (negative, rest) = sign(rest);
                let (exponent, rest) = digits(rest)?;
                (Integer::new(negative, exponent), rest)
            }
            None => (Integer::new(false, "0"), rest),
        };
        rest.is_empty().then(|| Decimal::scaled(negative, whole, fraction, exponent))
    }

    /// The number ±`whole`.`fraction`; both are ASCII digits and may be empty.
    pub(crate) fn new(negative: bool, whole: &str, fraction: &str) -> Decimal {
        Decimal::scaled(negative, whole, fraction, Integer::new(false, "0"))
    }

    /// The number ±`whole`.`fraction` × 10^`exponent`.
    fn scaled(negative: bool, whole: &str, fraction: &str, exponent: Integer) -> Decimal {
        let all: Vec<u8> = whole.bytes().chain(fraction.bytes()).map(|digit| digit - b'0').collect();
        let leading = all.iter().take_while(|digit| **digit == 0).count();
        let trailing = all.iter().rev().take_while(|digit| **digit == 0).count();
        if leading == all.len() {
            return Decimal { negative: false, magnitude: Integer::new(false, "0"), digits: Vec::new() };
        }
        // The point stands behind `whole`; counted from the first digit that is not 0, that is this many places.
        let places = if whole.len() >= leading {
            Integer::new(false, &(whole.len() - leading).to_string())
        } else {
            Integer::new(true, &(leading - whole.len()).to_string())
        };
        let digits = all[leading..all.len() - trailing].to_vec();
        Decimal { negative, magnitude: exponent.plus(&places), digits }
    }
}

impl Ord for Decimal {
    fn cmp(&self, other: &Decimal) -> Ordering {
        // -1, 0 or 1.
        let side = |number: &Decimal| match (number.digits.is_empty(), number.negative) {
            (true, _) => 0,
            (false, true) => -1,
            (false, false) => 1,
        };
        // No trailing zeros, so comparing digits as text puts `1` before `12` and after `09`, as it should.
        let size = || self.magnitude.cmp(&other.magnitude).then_with(|| self.digits.cmp(&other.digits));
        side(self).cmp(&side(other)).then_with(|| if self.negative { size().reverse() } else { size() })
    }
}

impl PartialOrd for Decimal {
    fn partial_cmp(&self, other: &Decimal) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// Takes an optional sign; true: minus.
pub(crate) fn sign(text: &str) -> (bool, &str) {
    match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    }
}

/// Takes one or more ASCII digits.
pub(crate) fn digits(text: &str) -> Option<(&str, &str)> {
    let end = text.bytes().take_while(u8::is_ascii_digit).count();
    (end > 0).then(|| text.split_at(end))
}

/// An integer of any size: what an exponent needs.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Integer {
    negative: bool,
    /// Most significant first, no leading zero; zero is empty and not negative.
    digits: Vec<u8>,
}

impl Integer {
    /// From ASCII digits.
    fn new(negative: bool, digits: &str) -> Integer {
        Integer::from_digits(negative, digits.bytes().map(|digit| digit - b'0').collect())
    }

    fn from_digits(negative: bool, digits: Vec<u8>) -> Integer {
        let digits: Vec<u8> = digits.into_iter().skip_while(|digit| *digit == 0).collect();
        Integer { negative: negative && !digits.is_empty(), digits }
    }

    fn plus(&self, other: &Integer) -> Integer {
        if self.negative == other.negative {
            return Integer::from_digits(self.negative, add(&self.digits, &other.digits));
        }
        match size(&self.digits, &other.digits) {
            Ordering::Less => Integer::from_digits(other.negative, subtract(&other.digits, &self.digits)),
            _ => Integer::from_digits(self.negative, subtract(&self.digits, &other.digits)),
        }
    }
}

impl Ord for Integer {
    fn cmp(&self, other: &Integer) -> Ordering {
        match (self.negative, other.negative) {
            (true, false) => Ordering::Less,
            (false, true) => Ordering::Greater,
            (false, false) => size(&self.digits, &other.digits),
            (true, true) => size(&other.digits, &self.digits),
        }
    }
}

impl PartialOrd for Integer {
    fn partial_cmp(&self, other: &Integer) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// Compares two numbers without leading zeros.
fn size(a: &[u8], b: &[u8]) -> Ordering {
    a.len().cmp(&b.len()).then_with(|| a.cmp(b))
}

/// a + b as at school, digit by digit from the right.
fn add(a: &[u8], b: &[u8]) -> Vec<u8> {
    let at = |number: &[u8], place: usize| number.iter().rev().nth(place).copied().unwrap_or(0);
    let mut sum = Vec::new();
    let mut carry = 0;
    for place in 0..a.len().max(b.len()) {
        let column = at(a, place) + at(b, place) + carry;
        sum.push(column % 10);
        carry = column / 10;
    }
    sum.push(carry);
    sum.reverse();
    sum
}

/// a - b where a ≥ b, as at school.
fn subtract(a: &[u8], b: &[u8]) -> Vec<u8> {
    let at = |number: &[u8], place: usize| number.iter().rev().nth(place).copied().unwrap_or(0);
    let mut difference = Vec::new();
    let mut borrow = 0;
    for place in 0..a.len() {
        let column = 10 + at(a, place) - at(b, place) - borrow;
        difference.push(column % 10);
        borrow = 1 - column / 10;
    }
    difference.reverse();
    difference
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number(text: &str) -> Decimal {
        Decimal::parse(text).unwrap_or_else(|| panic!("`{text}` should be a number"))
    }

    #[test]
    fn what_is_a_number() {
        for good in ["0", "-0", "+1", "10", "0010", "1.5", "1.50", "-2.25", "1e3", "1E+3", "1e-3", "1.5e3", "0.0e0"] {
            assert!(Decimal::parse(good).is_some(), "{good}");
        }
        let bad = [
            "",
            " 1",
            "1 ",
            "+",
            "-",
            "1.",
            ".5",
            "1..2",
            "1e",
            "1e+",
            "1e1.5",
            "0x10",
            "1_000",
            "1,5",
            "--1",
            "+-1",
            "ten",
            "NaN",
            "inf",
            "١",
            "1e٣",
            "${aws:EpochTime}",
        ];
        for bad in bad {
            assert!(Decimal::parse(bad).is_none(), "{bad}");
        }
    }

    #[test]
    fn equal_numbers_of_different_spelling() {
        for (a, b) in [
            ("0.1", "0.10"),
            ("10", "10.0"),
            ("10", "1e1"),
            ("10", "+010"),
            ("0", "-0"),
            ("0", "0e999999999999999999999999999999"),
            ("0.001", "1e-3"),
            ("100e-2", "1"),
            ("12.50", "125e-1"),
            ("1e99999999999999999999", "10e99999999999999999998"),
            ("1e-99999999999999999999", "0.1e-99999999999999999998"),
            ("1e100000000000000000000", "10e99999999999999999999"),
        ] {
            assert_eq!(number(a), number(b), "{a} {b}");
            assert_eq!(number(a).cmp(&number(b)), Ordering::Equal);
        }
    }

    #[test]
    fn numbers_in_ascending_order() {
        let ascending = [
            "-1e100000000000000000000",
            "-1e99999999999999999999",
            "-1e999999999",
            "-100",
            "-99.5",
            "-1",
            "-0.2",
            "-0.10000000000000000000000000000000001",
            "-0.1",
            "-1e-999999999",
            "0",
            "1e-100000000000000000000",
            "1e-99999999999999999999",
            "1e-999999999",
            "0.09",
            "0.1",
            "0.10000000000000000000000000000000001",
            "0.12",
            "0.3",
            "1",
            "9",
            "10",
            "9007199254740992",
            "9007199254740993",
            "1e999999999",
            "1e99999999999999999999",
            "1e100000000000000000000",
        ];
        for (i, a) in ascending.iter().enumerate() {
            for (j, b) in ascending.iter().enumerate() {
                assert_eq!(number(a).cmp(&number(b)), i.cmp(&j), "{a} against {b}");
            }
        }
    }

    #[test]
    fn agrees_with_integers() {
        for a in -130i32..130 {
            for b in -130i32..130 {
                let order = a.cmp(&b);
                assert_eq!(number(&a.to_string()).cmp(&number(&b.to_string())), order, "{a} {b}");
                // The same two numbers, a hundredth the size, written in two ways.
                let scaled = number(&format!("{a}e-2")).cmp(&number(&format!("{b}.0E-02")));
                assert_eq!(scaled, order, "{a} {b}");
                let sum = Integer::new(a < 0, &a.unsigned_abs().to_string())
                    .plus(&Integer::new(b < 0, &b.unsigned_abs().to_string()));
                assert_eq!(sum, Integer::new(a + b < 0, &(a + b).unsigned_abs().to_string()), "{a} {b}");
            }
        }
    }

    #[test]
    fn hostile_lengths() {
        let long = "9".repeat(200_000);
        assert_eq!(number(&long), number(&format!("{long}.000")));
        assert!(number(&format!("1e{long}")) > number(&long));
        assert!(number(&format!("-1e{long}")) < number(&long));
        assert!(number(&format!("1e-{long}")) > number("0"));
    }
}
