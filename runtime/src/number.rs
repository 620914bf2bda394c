//! Decimal numbers and instants as bytes whose order is theirs (R-4.19, R-4.21): comparing is comparing bytes.
//!
//! A number is ±0.d₁d₂… × 10^e with d₁ ≠ 0. Its key:
//!
//! ```text
//! 0x01                                      zero
//! 0x02 exponent digits 0x00                 above zero; each digit plus one, without zeros at the end
//! 0x00, the same with every bit flipped     below zero
//! exponent = 0x01 len:u32 digits            e ≥ 0, big-endian, without leading zeros
//!          = 0x00, len and digits flipped   e < 0
//! ```
//!
//! Nothing is expanded: `1e999999999` is one digit and an exponent, which may itself have any number of digits. An
//! instant is the number of seconds since 1970-01-01T00:00:00Z.

/// Appends the key of `[+-]?digits[.digits][(e|E)[+-]?digits]`. False: no such number; then `key` is as it was.
pub(crate) fn push_number(text: &[u8], key: &mut Vec<u8>) -> bool {
    let (negative, rest) = sign(text);
    let Some((whole, fraction, rest)) = decimal(rest) else { return false };
    let exponent = match rest.split_first() {
        None => None,
        Some((b'e' | b'E', rest)) => {
            let (negative, rest) = sign(rest);
            let (digits, rest) = digits(rest);
            if digits.is_empty() || !rest.is_empty() {
                return false;
            }
            Some((negative, digits))
        }
        Some(_) => return false,
    };
    push_key(negative, whole, fraction, exponent, key);
    true
}

/// Appends the key of an instant: epoch seconds, `[+-]?digits[.digits]`, or a date of the W3C profile of ISO 8601
/// (R-4.21, R-4.22). False: no instant.
pub(crate) fn push_instant(text: &[u8], key: &mut Vec<u8>) -> bool {
    let (negative, rest) = sign(text);
    if let Some((whole, fraction, [])) = decimal(rest) {
        push_key(negative, whole, fraction, None, key);
        return true;
    }
    let Some((seconds, fraction)) = calendar(text) else { return false };
    let zeros = fraction.iter().rev().take_while(|digit| **digit == b'0').count();
    let fraction = &fraction[..fraction.len() - zeros];
    let mut digits = [0; 20];
    if seconds >= 0 || fraction.is_empty() {
        push_key(seconds < 0, write(seconds.unsigned_abs(), &mut digits), fraction, None, key);
    } else {
        // The fraction counts upwards: -3 + 0.25 = -(2 + 0.75).
        let mut complement: Vec<u8> = fraction.iter().map(|digit| b'9' + b'0' - digit).collect();
        if let Some(last) = complement.last_mut() {
            *last += 1;
        }
        push_key(true, write(seconds.unsigned_abs() - 1, &mut digits), &complement, None, key);
    }
    true
}

fn sign(text: &[u8]) -> (bool, &[u8]) {
    match text.split_first() {
        Some((b'-', rest)) => (true, rest),
        Some((b'+', rest)) => (false, rest),
        _ => (false, text),
    }
}

fn digits(text: &[u8]) -> (&[u8], &[u8]) {
    text.split_at(text.iter().take_while(|byte| byte.is_ascii_digit()).count())
}

/// `digits[.digits]`: whole part, fraction, rest.
fn decimal(text: &[u8]) -> Option<(&[u8], &[u8], &[u8])> {
    let (whole, rest) = digits(text);
    if whole.is_empty() {
        return None;
    }
    match rest.strip_prefix(b".") {
        None => Some((whole, &[], rest)),
        Some(rest) => {
            let (fraction, rest) = digits(rest);
            (!fraction.is_empty()).then_some((whole, fraction, rest))
        }
    }
}

/// Appends the key of ±`whole`.`fraction` × 10^`exponent`, all ASCII digits.
fn push_key(negative: bool, whole: &[u8], fraction: &[u8], exponent: Option<(bool, &[u8])>, key: &mut Vec<u8>) {
    let all = || whole.iter().chain(fraction).map(|digit| digit - b'0');
    let n_leading = all().take_while(|digit| *digit == 0).count();
    let n_all = whole.len() + fraction.len();
    if n_leading == n_all {
        key.push(1);
        return;
    }
    let n_trailing = fraction.iter().chain([].iter()).rev().take_while(|digit| **digit == b'0').count();
    let n_trailing = if n_trailing == fraction.len() {
        n_trailing + whole.iter().rev().take_while(|digit| **digit == b'0').count()
    } else {
        n_trailing
    };
    let start = key.len();
    key.push(2);
    // The point stands behind `whole`; counted from the first digit that is not zero, that many places.
    let places = whole.len() as i64 - n_leading as i64;
    push_exponent(exponent, places, key);
    key.extend(all().skip(n_leading).take(n_all - n_leading - n_trailing).map(|digit| digit + 1));
    key.push(0);
    if negative {
        flip(&mut key[start..]);
        key[start] = 0;
    }
}

fn flip(bytes: &mut [u8]) {
    for byte in bytes {
        *byte = !*byte;
    }
}

/// Appends the exponent `exponent + places`.
fn push_exponent(exponent: Option<(bool, &[u8])>, places: i64, key: &mut Vec<u8>) {
    let (below, given) = exponent.unwrap_or((false, &[]));
    let given = &given[given.iter().take_while(|digit| **digit == b'0').count()..];
    let mut buffer = [0; 20];
    let sum: Vec<u8>;
    let (negative, magnitude) = if given.len() <= 18 {
        let size = given.iter().fold(0i64, |size, digit| size * 10 + i64::from(digit - b'0'));
        // Both are far below 2^62: eighteen digits, and a length in memory.
        let exponent = if below { -size } else { size } + places;
        (exponent < 0, write(exponent.unsigned_abs(), &mut buffer))
    } else {
        // At least 10^18, which no number of places outweighs.
        let grows = below == (places < 0);
        sum = shift(given, places.unsigned_abs(), grows);
        (below, sum.as_slice())
    };
    key.push(u8::from(!negative));
    let start = key.len();
    // Texts are below 4 GiB.
    key.extend((magnitude.len() as u32).to_be_bytes());
    key.extend(magnitude);
    if negative {
        flip(&mut key[start..]);
    }
}

/// `digits` ± `n`, without leading zeros; `digits` is the larger.
fn shift(digits: &[u8], n: u64, add: bool) -> Vec<u8> {
    let mut reversed = Vec::with_capacity(digits.len() + 1);
    let mut rest = n;
    let mut carry = 0i8;
    for digit in digits.iter().rev() {
        let own = (rest % 10) as i8;
        rest /= 10;
        let column = (digit - b'0') as i8 + if add { own + carry } else { -own - carry };
        carry = i8::from(!(0..10).contains(&column));
        reversed.push(b'0' + column.rem_euclid(10) as u8);
    }
    if add && carry == 1 {
        reversed.push(b'1');
    }
    while reversed.last() == Some(&b'0') {
        reversed.pop();
    }
    reversed.reverse();
    reversed
}

/// The decimal digits of a number; none for zero.
fn write(number: u64, buffer: &mut [u8; 20]) -> &[u8] {
    let mut at = buffer.len();
    let mut rest = number;
    while rest > 0 {
        at -= 1;
        buffer[at] = b'0' + (rest % 10) as u8;
        rest /= 10;
    }
    &buffer[at..]
}

/// `YYYY-MM[-DD[Thh:mm[:ss[.f+]][Z|±hh:mm]]]` as seconds since 1970 and a fraction that counts upwards.
fn calendar(text: &[u8]) -> Option<(i64, &[u8])> {
    let (year, rest) = field::<4>(text)?;
    let (month, rest) = field::<2>(rest.strip_prefix(b"-")?)?;
    if !(1..=12).contains(&month) {
        return None;
    }
    if rest.is_empty() {
        return Some((days(year, month, 1) * 86_400, &[]));
    }
    let (day, rest) = field::<2>(rest.strip_prefix(b"-")?)?;
    // A day that its month lacks would be a day of the next month.
    let next_month = if month == 12 { days(year + 1, 1, 1) } else { days(year, month + 1, 1) };
    let date = days(year, month, day);
    if day < 1 || date >= next_month {
        return None;
    }
    if rest.is_empty() {
        return Some((date * 86_400, &[]));
    }
    let (hour, rest) = field::<2>(rest.strip_prefix(b"T")?)?;
    let (minute, rest) = field::<2>(rest.strip_prefix(b":")?)?;
    let (second, fraction, rest) = match rest.strip_prefix(b":") {
        None => (0, &[][..], rest),
        Some(rest) => {
            let (second, rest) = field::<2>(rest)?;
            match rest.strip_prefix(b".") {
                None => (second, &[][..], rest),
                Some(rest) => {
                    let (fraction, rest) = digits(rest);
                    if fraction.is_empty() {
                        return None;
                    }
                    (second, fraction, rest)
                }
            }
        }
    };
    // R-4.22: no 24:00, no leap seconds.
    if hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    let offset = match rest.split_first() {
        None | Some((b'Z', [])) => 0,
        Some((sign @ (b'+' | b'-'), rest)) => {
            let (hours, rest) = field::<2>(rest)?;
            let (minutes, rest) = field::<2>(rest.strip_prefix(b":")?)?;
            if hours > 23 || minutes > 59 || !rest.is_empty() {
                return None;
            }
            let size = hours * 3_600 + minutes * 60;
            if *sign == b'-' { -size } else { size }
        }
        Some(_) => return None,
    };
    Some((date * 86_400 + hour * 3_600 + minute * 60 + second - offset, fraction))
}

fn field<const WIDTH: usize>(text: &[u8]) -> Option<(i64, &[u8])> {
    let (head, rest) = text.split_first_chunk::<WIDTH>()?;
    let number =
        head.iter().try_fold(0, |number, byte| byte.is_ascii_digit().then(|| number * 10 + i64::from(byte - b'0')))?;
    Some((number, rest))
}

/// Days from 1970-01-01 to a day of the Gregorian calendar: Howard Hinnant, *chrono-compatible low-level date
/// algorithms*, `days_from_civil`.
fn days(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let of_era = year.rem_euclid(400);
    let of_year = (153 * (if month > 2 { month - 3 } else { month + 9 }) + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number(text: &str) -> Option<Vec<u8>> {
        let mut key = vec![9];
        push_number(text.as_bytes(), &mut key).then_some(key)
    }

    fn instant(text: &str) -> Option<Vec<u8>> {
        let mut key = Vec::new();
        push_instant(text.as_bytes(), &mut key).then_some(key)
    }

    #[test]
    fn numbers_in_order() {
        let long = format!("1e{}", "9".repeat(40));
        let ascending = [
            &format!("-{long}"),
            "-1e1000000000000000000",
            "-1e999999999999999999",
            "-100",
            "-99.5",
            "-1",
            "-0.2",
            "-0.11",
            "-0.1",
            "-1e-99999999999999999999",
            "0",
            "1e-100000000000000000000",
            "1e-99999999999999999999",
            "1e-5",
            "0.09",
            "0.1",
            "0.11",
            "0.12",
            "1",
            "9",
            "10",
            "100",
            "1e999999999999999999",
            "1e1000000000000000000",
            "10e99999999999999999998999",
            &long,
        ];
        for (i, a) in ascending.iter().enumerate() {
            for (j, b) in ascending.iter().enumerate() {
                assert_eq!(number(a).unwrap().cmp(&number(b).unwrap()), i.cmp(&j), "{a} {b}");
            }
        }
        for (a, b) in [
            ("0.1", "0.10"),
            ("10", "1e1"),
            ("0", "-0e999999999999999999999"),
            ("0.001", "1e-3"),
            ("100e-2", "+1"),
            ("1e100000000000000000000", "10e99999999999999999999"),
            ("1e-99999999999999999999", "0.1e-99999999999999999998"),
            ("0010.00", "10"),
            ("1000", "1E+3"),
            ("1200", "12e2"),
        ] {
            assert_eq!(number(a).unwrap(), number(b).unwrap(), "{a} {b}");
        }
        for bad in ["", "+", "1.", ".5", "1e", "1e+", "1e1.5", " 1", "1 ", "0x1", "--1", "1e1 ", "NaN", "١"] {
            assert_eq!(number(bad), None, "{bad}");
        }
    }

    #[test]
    fn numbers_order_as_integers_do() {
        for a in -120i32..120 {
            for b in -120i32..120 {
                let order = number(&format!("{a}e-2")).cmp(&number(&format!("{b}.0E-02")));
                assert_eq!(order, a.cmp(&b), "{a} {b}");
            }
        }
    }

    #[test]
    fn instants() {
        for (a, b) in [
            ("0", "1970-01"),
            ("1767225600", "2026-01-01T01:00:00+01:00"),
            ("951782400", "2000-02-29"),
            ("-1", "1969-12-31T23:59:59Z"),
            ("-0.5", "1969-12-31T23:59:59.5Z"),
            ("-1.75", "1969-12-31T23:59:58.250Z"),
            ("-62167219200", "0000-01-01"),
            ("253402300799.9", "9999-12-31T23:59:59.90"),
            ("2026", "1970-01-01T00:33:46Z"),
            ("-2", "1969-12-31T23:59:58.000"),
        ] {
            assert_eq!(instant(a).unwrap(), instant(b).unwrap(), "{a} {b}");
        }
        for bad in [
            "2026-00",
            "2026-13",
            "2026-02-29",
            "1900-02-29",
            "2026-04-31",
            "2026-01-01Z",
            "2026-01-01T00",
            "2026-01-01T24:00Z",
            "2026-01-01T23:59:60Z",
            "2026-01-01T00:00.5Z",
            "2026-01-01T00:00+1:00",
            "1.5e3",
            "2026-01-00",
            "2026-12-32",
            "2026-01-01t00:00Z",
            "",
            "2026-01-01T00:00:00ZZ",
        ] {
            assert_eq!(instant(bad), None, "{bad}");
        }
        assert!(instant("1969-12-31T23:59:58.9Z") < instant("1969-12-31T23:59:59Z"));
        assert!(instant("1969-12-31T23:59:58.1Z") < instant("1969-12-31T23:59:58.11Z"));
    }

    #[test]
    fn each_day_follows_the_one_before() {
        let mut expected = days(0, 1, 1);
        for year in 0..=800 {
            for month in 1..=12 {
                let n =
                    if month == 12 { days(year + 1, 1, 1) } else { days(year, month + 1, 1) } - days(year, month, 1);
                let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
                let in_month =
                    [31, if leap { 29 } else { 28 }, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31][month as usize - 1];
                assert_eq!(n, in_month, "{year}-{month}");
                assert_eq!(days(year, month, 1), expected);
                expected += n;
            }
        }
        assert_eq!(days(1970, 1, 1), 0);
    }

    #[test]
    fn hostile_lengths() {
        let long = "9".repeat(100_000);
        assert!(number(&format!("1e{long}")) > number(&long));
        assert!(number(&format!("1e-{long}")) > number("0"));
        assert!(instant(&format!("1960-01-01T00:00:00.{long}Z")) < instant("1960-01-01T00:00:01Z"));
    }
}
