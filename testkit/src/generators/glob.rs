//! Patterns of wildcards, and texts that they match by a hair or miss by one.

use super::entropy::Entropy;
use super::near;

/// What patterns are made of: delimiters, wildcards and letters that occur again and again, some of several bytes.
const PIECES: &[&str] =
    &["*", "a", "b", ":", "?", "/", "ab", "-", "A", "\u{e9}", "\u{1f600}", "${*}", "${?}", "${$}", ""];

/// A pattern of `*`, `?`, escapes and text, without variables. Deterministic. Panics: never.
pub fn wild(entropy: &mut Entropy<'_>) -> String {
    (0..entropy.below(14)).map(|_| *entropy.pick(PIECES)).collect()
}

/// An entry of `Resource`, six segments mostly, each of them wild now and then. Deterministic. Panics: never.
///
/// ```
/// use iamc_testkit::generators::{Entropy, wild_resource};
/// assert!(wild_resource(&mut Entropy::new(&[])).starts_with("arn:aws:s3:"));
/// ```
pub fn wild_resource(entropy: &mut Entropy<'_>) -> String {
    match entropy.below(16) {
        15 => return (*entropy.pick(&["*", "**", "arn:*", "a*", "*:*", "", "?", "ARN:aws:s3:::a"])).to_owned(),
        14 => {
            let n = entropy.below(5) + 1;
            let parts = ["arn", "aws", "s3", "", "1"];
            return format!("{}{}", parts[..n].join(":"), wild(entropy));
        }
        _ => {}
    }
    let head = [
        *entropy.pick(&["aws", "aws", "aws", "*", "aws-*", "AWS", "a?s"]),
        *entropy.pick(&["s3", "s3", "sqs", "*", "s*3", "s?", "s3*"]),
        *entropy.pick(&["", "eu-1", "*", "us-?", "u*-1", "?*"]),
        *entropy.pick(&["", "111111111111", "*", "1*1", "11111111111?"]),
    ];
    format!("arn:{}:{}", head.join(":"), wild(entropy))
}

/// A text that the pattern matches, or that is one change away from such a text. Deterministic. Panics: never.
///
/// ```
/// use iamc_testkit::generators::{Entropy, expansion};
/// assert_eq!(expansion(&mut Entropy::new(&[]), "a*c?"), "aca");
/// ```
pub fn expansion(entropy: &mut Entropy<'_>, pattern: &str) -> String {
    let mut text = String::new();
    let mut rest = pattern;
    while let Some(c) = rest.chars().next() {
        let escape = ["${*}", "${?}", "${$}"].into_iter().find(|escape| rest.starts_with(escape));
        if let Some(escape) = escape {
            text.push_str(&escape[2..3]);
            rest = &rest[escape.len()..];
            continue;
        }
        rest = &rest[c.len_utf8()..];
        match c {
            '*' => (0..entropy.below(4))
                .for_each(|_| text.push_str(entropy.pick::<&str>(&["a", ":", "b", "/", "\u{e9}", "A"]))),
            '?' => text.push_str(entropy.pick::<&str>(&["a", "\u{e9}", ":", "\u{1f600}", "*"])),
            c => text.push(c),
        }
    }
    if entropy.chance(35) { near::damage(entropy, &text) } else { text }
}

/// A text with some damage: parts lost, doubled, swapped, cut off or replaced by what JSON or people write elsewhere.
/// Deterministic. Panics: never. Cost: O(bytes of the text).
pub fn damaged(entropy: &mut Entropy<'_>, text: &str) -> String {
    const ODD: &[&str] = &[
        "null",
        "[]",
        "{}",
        "\"\"",
        "*",
        "?",
        "1e400",
        "-0",
        "\\ud800",
        "\\u0000",
        "true",
        ",",
        ":",
        "\"",
        "[[[[[[",
        "\u{feff}",
        "${",
        "${aws:username}",
        "\u{e9}",
        "Allow",
        "\n",
        "\\",
        "}",
        "]",
        "{\"a\": 1, \"a\": 2}",
        "9999999999999",
        "%7B",
    ];
    let mut chars: Vec<char> = text.chars().collect();
    for _ in 0..entropy.below(4) {
        let start = entropy.below(chars.len() + 1);
        let end = (start + entropy.below(12)).min(chars.len());
        match entropy.below(6) {
            0 => drop(chars.drain(start..end)),
            1 => drop(chars.splice(start..end, entropy.pick::<&str>(ODD).chars())),
            2 => {
                let copy = chars[start..end].to_vec();
                let at = entropy.below(chars.len() + 1);
                drop(chars.splice(at..at, copy));
            }
            3 => chars[start..end].reverse(),
            4 => {
                let at = entropy.below(chars.len() + 1);
                drop(chars.splice(at..at, entropy.pick::<&str>(ODD).chars()));
            }
            _ if entropy.chance(20) => chars.truncate(start),
            _ => chars[start..end]
                .iter_mut()
                .for_each(|c| *c = if c.is_uppercase() { 'a' } else { c.to_ascii_uppercase() }),
        }
    }
    chars.into_iter().collect()
}
