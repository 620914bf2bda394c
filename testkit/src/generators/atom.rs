//! One condition operator applied to one key, with the key in some state: the smallest sample of section 4.

use super::entropy::Entropy;
use super::near;
use super::words::{KEYS, KeyWord, Reads};
use iamc_policy::request::{KeyState, Values};
use iamc_policy::{BaseOperator, Operator, SetOperator};

/// An atom of a policy, and what a request says of its key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AtomSample {
    /// The operator.
    pub operator: Operator,
    /// The values of the policy.
    pub values: Vec<String>,
    /// The state of the key in the request, any of those of R-8.2.
    pub state: KeyState,
}

/// An atom whose values lie near those of the request, or are malformed by a hair. Deterministic. Panics: never.
///
/// ```
/// use iamc_testkit::generators::{Entropy, atom};
/// assert_eq!(atom(&mut Entropy::new(&[])).operator.to_string(), "StringEquals");
/// ```
pub fn atom(entropy: &mut Entropy<'_>) -> AtomSample {
    let base = *entropy.pick(BaseOperator::ALL);
    let set = [None, Some(SetOperator::ForAnyValue), Some(SetOperator::ForAllValues)][entropy.weighted(&[60, 20, 20])];
    let operator = Operator { set, base, if_exists: base != BaseOperator::Null && entropy.chance(25) };
    let words: Vec<&KeyWord> = KEYS.iter().filter(|word| reads(base, word.reads)).collect();
    let word = if words.is_empty() || entropy.chance(8) { entropy.pick(KEYS) } else { *entropy.pick(&words) };
    let given: Vec<String> =
        (0..[1, 2, 0, 3][entropy.weighted(&[70, 15, 5, 10])]).map(|_| request_value(entropy, word)).collect();
    let values = (0..[1, 2, 3, 0][entropy.weighted(&[70, 18, 9, 3])])
        .map(|_| {
            let near = given.first().map(String::as_str);
            match entropy.below(4) {
                0 => request_value(entropy, word),
                _ => near::value(entropy, word, near, base, &[]),
            }
        })
        .collect();
    let state = match entropy.weighted(&[70, 10, 10, 10]) {
        0 => match given.as_slice() {
            [only] if !entropy.chance(30) => KeyState::one(only.clone()),
            _ => KeyState::Values(Values::Many(given.into_iter().map(Into::into).collect())),
        },
        1 => KeyState::Unknown,
        2 => KeyState::Present,
        _ => KeyState::Absent,
    };
    AtomSample { operator, values, state }
}

/// Does a key of that type go with the operator?
fn reads(base: BaseOperator, own: Reads) -> bool {
    let name = base.name();
    match own {
        Reads::Text => name.starts_with("String") || name == "Null",
        Reads::Number => name.starts_with("Numeric"),
        Reads::Date => name.starts_with("Date"),
        Reads::Truth => name == "Bool",
        Reads::Binary => name.starts_with("Binary"),
        Reads::Address => name.ends_with("IpAddress"),
        Reads::Arn => name.starts_with("Arn"),
    }
}

/// A value as a request has it: one of the vocabulary, one of any size, or a damaged one.
fn request_value(entropy: &mut Entropy<'_>, word: &KeyWord) -> String {
    let text = match (entropy.below(3), word.reads) {
        (1 | 2, Reads::Number) => number(entropy),
        (1 | 2, Reads::Date) => date(entropy),
        (1 | 2, Reads::Address) => address(entropy),
        _ => (*entropy.pick(word.values)).to_owned(),
    };
    if entropy.chance(10) { near::damage(entropy, &text) } else { text }
}

fn digits(entropy: &mut Entropy<'_>, n_max: usize) -> String {
    (0..1 + entropy.below(n_max)).map(|_| *entropy.pick(&['0', '1', '9', '5'])).collect()
}

/// `[+-]?digits[.digits][e[+-]digits]` (R-4.19), with numbers that a float or an integer of 64 bits cannot hold.
fn number(entropy: &mut Entropy<'_>) -> String {
    let mut text = (*entropy.pick(&["", "", "-", "+"])).to_owned();
    let n_max = if entropy.chance(10) { 40 } else { 3 };
    text += &digits(entropy, n_max);
    if entropy.chance(40) {
        text = format!("{text}.{}", digits(entropy, 4));
    }
    if entropy.chance(30) {
        let n_max = if entropy.chance(10) { 24 } else { 3 };
        text =
            format!("{text}{}{}{}", entropy.pick(&["e", "E"]), entropy.pick(&["", "-", "+"]), digits(entropy, n_max));
    }
    text
}

/// The forms of R-4.21 around the ends of months, years and days, and some beyond them.
fn date(entropy: &mut Entropy<'_>) -> String {
    if entropy.chance(15) {
        return format!("{}{}", entropy.pick(&["", "-", "+"]), digits(entropy, 11));
    }
    let year = *entropy.pick(&["2026", "2024", "1970", "1969", "2000", "1900", "0000", "9999", "2025"]);
    let month = *entropy.pick(&["01", "02", "12", "04", "00", "13"]);
    let day = *entropy.pick(&["01", "28", "29", "30", "31", "00"]);
    let time = match entropy.below(4) {
        0 => return format!("{year}-{month}-{day}"),
        1 => return format!("{year}-{month}"),
        2 => format!("{}:{}", entropy.pick(&["00", "23", "24"]), entropy.pick(&["00", "59"])),
        _ => {
            let fraction = if entropy.chance(30) { format!(".{}", digits(entropy, 12)) } else { String::new() };
            let hour = *entropy.pick(&["00", "23", "12"]);
            format!("{hour}:{}:{}{fraction}", entropy.pick(&["00", "59"]), entropy.pick(&["00", "59", "60"]))
        }
    };
    let zone = *entropy.pick(&["Z", "Z", "+00:00", "-00:00", "+23:59", "-23:59", "+01:00", "", "z", "+24:00"]);
    format!("{year}-{month}-{day}T{time}{zone}")
}

/// Addresses of both families, many of them equal in all but one bit.
fn address(entropy: &mut Entropy<'_>) -> String {
    let byte = |entropy: &mut Entropy<'_>| *entropy.pick(&[0u8, 1, 127, 128, 255, 254, 10]);
    if entropy.chance(50) {
        let parts = [(); 4].map(|()| byte(entropy));
        return std::net::Ipv4Addr::from(parts).to_string();
    }
    let mut parts = [0; 16];
    for _ in 0..entropy.below(5) {
        let at = entropy.below(16);
        parts[at] = byte(entropy);
    }
    std::net::Ipv6Addr::from(parts).to_string()
}
