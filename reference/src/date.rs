//! Dates, read as instants and compared exactly.
//!
//! An instant is the number of seconds since 1970-01-01T00:00:00Z, a decimal number of any length: a fraction of a
//! second may have any number of digits, and epoch seconds any size. Leap seconds do not exist here.

use crate::number::{Decimal, digits, sign};

/// Reads a date: epoch seconds, or the W3C profile of ISO 8601. `None`: malformed.
///
/// A bare four-digit year is digits only, hence epoch seconds. Cost: O(bytes).
pub(crate) fn instant(text: &str) -> Option<Decimal> {
    epoch(text).or_else(|| calendar(text))
}

/// `[+-]?digits[.digits]`, no other character.
fn epoch(text: &str) -> Option<Decimal> {
    let (negative, rest) = sign(text);
    let (whole, rest) = digits(rest)?;
    let (fraction, rest) = match rest.strip_prefix('.') {
        Some(rest) => digits(rest)?,
        None => ("", rest),
    };
    rest.is_empty().then(|| Decimal::new(negative, whole, fraction))
}

/// `YYYY-MM`, `YYYY-MM-DD`, `YYYY-MM-DDThh:mm[:ss[.f+]]` with `Z`, `±hh:mm` or no zone, which is UTC.
///
/// The calendar is the Gregorian one, also for the years before it was introduced; the year 0000 is a leap year.
fn calendar(text: &str) -> Option<Decimal> {
    let (year, rest) = field(text, 4, 0..=9999)?;
    let (month, rest) = field(rest.strip_prefix('-')?, 2, 1..=12)?;
    if rest.is_empty() {
        return Some(decimal(day_number(year, month, 1) * 86_400, ""));
    }
    let (day, rest) = field(rest.strip_prefix('-')?, 2, 1..=days_in_month(year, month))?;
    let midnight = day_number(year, month, day) * 86_400;
    if rest.is_empty() {
        return Some(decimal(midnight, ""));
    }
    // Hours end at 23 and seconds at 59: `24:00` and leap seconds are malformed.
    let (hour, rest) = field(rest.strip_prefix('T')?, 2, 0..=23)?;
    let (minute, rest) = field(rest.strip_prefix(':')?, 2, 0..=59)?;
    let (second, fraction, rest) = match rest.strip_prefix(':') {
        None => (0, "", rest),
        Some(rest) => {
            let (second, rest) = field(rest, 2, 0..=59)?;
            let (fraction, rest) = match rest.strip_prefix('.') {
                Some(rest) => digits(rest)?,
                None => ("", rest),
            };
            (second, fraction, rest)
        }
    };
    let offset = zone(rest)?;
    Some(decimal(midnight + hour * 3_600 + minute * 60 + second - offset, fraction))
}

/// The offset of a time zone in seconds: nothing or `Z` is 0, else `±hh:mm`.
fn zone(text: &str) -> Option<i64> {
    if text.is_empty() || text == "Z" {
        return Some(0);
    }
    let west = match text.as_bytes()[0] {
        b'+' => false,
        b'-' => true,
        _ => return None,
    };
    let (hours, rest) = field(&text[1..], 2, 0..=23)?;
    let (minutes, rest) = field(rest.strip_prefix(':')?, 2, 0..=59)?;
    let offset = hours * 3_600 + minutes * 60;
    rest.is_empty().then_some(if west { -offset } else { offset })
}

/// Takes exactly `width` ASCII digits whose number lies in `range`.
fn field(text: &str, width: usize, range: std::ops::RangeInclusive<i64>) -> Option<(i64, &str)> {
    let taken = text.get(..width).filter(|taken| taken.bytes().all(|byte| byte.is_ascii_digit()))?;
    let number = taken.bytes().fold(0, |number, digit| number * 10 + i64::from(digit - b'0'));
    range.contains(&number).then(|| (number, &text[width..]))
}

fn is_leap(year: i64) -> bool {
    year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
}

fn days_in_month(year: i64, month: i64) -> i64 {
    match month {
        2 if is_leap(year) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Days from 1970-01-01 to a day of the years 0 to 9999; negative before.
fn day_number(year: i64, month: i64, day: i64) -> i64 {
    let years: i64 = (0..year).map(|year| if is_leap(year) { 366 } else { 365 }).sum();
    let months: i64 = (1..month).map(|month| days_in_month(year, month)).sum();
    // 719,528 days lie between 0000-01-01 and 1970-01-01.
    years + months + day - 1 - 719_528
}

/// The decimal number `seconds` + 0.`fraction`; the fraction counts upwards also before 1970.
fn decimal(seconds: i64, fraction: &str) -> Decimal {
    let size = seconds.unsigned_abs();
    let fraction = fraction.trim_end_matches('0');
    if seconds >= 0 {
        Decimal::new(false, &size.to_string(), fraction)
    } else if fraction.is_empty() {
        Decimal::new(true, &size.to_string(), "")
    } else {
        // -3 + 0.25 = -(2 + 0.75)
        Decimal::new(true, &(size - 1).to_string(), &complement(fraction))
    }
}

/// The digits of 1 - 0.`fraction`: nines' complement, but ten's in the last place, which is not 0.
fn complement(fraction: &str) -> String {
    let last = fraction.len().saturating_sub(1);
    let flip = |(place, digit): (usize, u8)| char::from(if place == last { b'9' + 1 } else { b'9' } - digit + b'0');
    fraction.bytes().enumerate().map(flip).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cmp::Ordering;

    fn at(text: &str) -> Decimal {
        instant(text).unwrap_or_else(|| panic!("`{text}` should be a date"))
    }

    #[test]
    fn same_instant_in_different_words() {
        for (a, b) in [
            ("0", "1970-01-01T00:00:00Z"),
            ("0", "1970-01"),
            ("1767225600", "2026-01-01T01:00:00+01:00"),
            ("1767225600", "2026-01-01"),
            ("1767225600.0", "2026-01"),
            ("+1767225600", "2025-12-31T19:00-05:00"),
            ("951782400", "2000-02-29"),
            ("-1", "1969-12-31T23:59:59Z"),
            ("-0.5", "1969-12-31T23:59:59.5Z"),
            ("-1.75", "1969-12-31T23:59:58.250Z"),
            ("-62167219200", "0000-01-01"),
            ("-62135596800", "0001-01-01T00:00"),
            ("253402300799", "9999-12-31T23:59:59"),
            ("253402300799.999999999999999999999", "9999-12-31T23:59:59.999999999999999999999Z"),
            ("2026-01-01T00:00", "2026-01-01T00:00Z"),
            ("2026-01-01T00:00:00", "2026-01-01T00:00:00.000-00:00"),
            ("2026-07-01T00:00:00+23:59", "2026-06-30T00:01:00Z"),
        ] {
            assert_eq!(at(a), at(b), "{a} {b}");
        }
    }

    #[test]
    fn a_bare_year_is_epoch_seconds() {
        assert_eq!(at("2026"), at("1970-01-01T00:33:46Z"));
    }

    #[test]
    fn dates_in_ascending_order() {
        let ascending = [
            "-99999999999999999999999999",
            "0000-01-01",
            "0000-02-29",
            "1900-02-28T23:59:59.999Z",
            "1900-03-01",
            "1969-12-31T23:59:59.0001Z",
            "-0.5",
            "1969-12-31T23:59:59.50000000000000000000000000000001Z",
            "1969-12-31T23:59:59.9Z",
            "1970-01-01",
            "0.1",
            "1",
            "2025-12-31T23:59:59.999999999999999999999Z",
            "2026-01",
            "2026-01-01T00:00:00.000000000000000000001Z",
            "2026-01-01T00:00:01Z",
            "2026-01-02",
            "9999-12-31",
            "99999999999999999999999999",
        ];
        for (i, a) in ascending.iter().enumerate() {
            for (j, b) in ascending.iter().enumerate() {
                let order: Ordering = at(a).cmp(&at(b));
                assert_eq!(order, i.cmp(&j), "{a} against {b}");
            }
        }
    }

    #[test]
    fn malformed_dates() {
        let bad = [
            "",
            " 2026-01-01",
            "2026-01-01 ",
            "2026-1-1",
            "2026-00",
            "2026-13",
            "2026-01-00",
            "2026-01-32",
            "2026-02-29",
            "1900-02-29",
            "2026-04-31",
            "2026-01-01Z",
            "2026-01-01+01:00",
            "2026-01Z",
            "2026-01-01T",
            "2026-01-01T00",
            "2026-01-01T00Z",
            "2026-01-01T24:00Z",
            "2026-01-01T24:00:00Z",
            "2026-01-01T23:60Z",
            "2026-01-01T23:59:60Z",
            "2026-01-01T00:00:00.Z",
            "2026-01-01T00:00.5Z",
            "2026-01-01T00:00:00,5Z",
            "2026-01-01T00:00:00z",
            "2026-01-01t00:00:00Z",
            "2026-01-01 00:00:00Z",
            "2026-01-01T00:00:00+1:00",
            "2026-01-01T00:00:00+0100",
            "2026-01-01T00:00:00+01",
            "2026-01-01T00:00:00+24:00",
            "2026-01-01T00:00:00+01:60",
            "2026-01-01T00:00:00+01:00Z",
            "2026-01-01T00:00:00é",
            "20é6-01",
            "-2026-01-01",
            "12026-01-01",
            "20260101T000000Z",
            "1.5e3",
            "1.",
            ".5",
            "+",
            "٢٠٢٦",
            "${aws:CurrentTime}",
        ];
        for bad in bad {
            assert!(instant(bad).is_none(), "{bad}");
        }
    }

    #[test]
    fn each_day_follows_the_one_before() {
        // Six times the 400 years after which the calendar repeats itself.
        let mut expected = day_number(0, 1, 1);
        for year in 0..=2400 {
            for month in 1..=12 {
                for day in 1..=days_in_month(year, month) {
                    // Within a month the number grows with the day: its two ends suffice.
                    if day == 1 || day == days_in_month(year, month) {
                        assert_eq!(day_number(year, month, day), expected, "{year}-{month}-{day}");
                    }
                    expected += 1;
                }
            }
        }
        assert_eq!(day_number(1970, 1, 1), 0);
    }

    #[test]
    fn hostile_lengths() {
        let long = "9".repeat(100_000);
        assert!(at(&format!("2026-01-01T00:00:00.{long}Z")) < at("2026-01-01T00:00:01Z"));
        assert!(at(&format!("1960-01-01T00:00:00.{long}Z")) < at("1960-01-01T00:00:01Z"));
        assert!(at(&long) > at("9999-12-31"));
    }
}
