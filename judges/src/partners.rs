//! What other crates say of the same things, translated from the rules and from neither engine.

use iamc_policy::BaseOperator;
use ipnet::IpNet;
use jiff::Timestamp;
use regex_automata::nfa::thompson::{NFA, pikevm::PikeVM};
use regex_syntax::hir::{Class, ClassUnicode, ClassUnicodeRange, Hir, Look, Repetition};
use std::net::IpAddr;

/// One sign of a pattern.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sign {
    Char(char),
    One,
    Star,
}

/// The signs of a pattern whose only variables are the escapes `${*}`, `${?}`, `${$}`.
fn signs(pattern: &str) -> Vec<Sign> {
    let mut signs = Vec::new();
    let mut rest = pattern;
    while let Some(c) = rest.chars().next() {
        let escaped =
            [("${*}", '*'), ("${?}", '?'), ("${$}", '$')].into_iter().find(|(text, _)| rest.starts_with(text));
        let (sign, len) = match (escaped, c) {
            (Some((text, c)), _) => (Sign::Char(c), text.len()),
            (None, '*') => (Sign::Star, 1),
            (None, '?') => (Sign::One, 1),
            (None, c) => (Sign::Char(c), c.len_utf8()),
        };
        signs.push(sign);
        rest = &rest[len..];
    }
    signs
}

fn class(without_colon: bool) -> Hir {
    let mut class = ClassUnicode::new([ClassUnicodeRange::new('\0', char::MAX)]);
    if without_colon {
        let colon = ClassUnicode::new([ClassUnicodeRange::new(':', ':')]);
        class.difference(&colon);
    }
    Hir::class(Class::Unicode(class))
}

fn repeated(of: Hir) -> Hir {
    Hir::repetition(Repetition { min: 0, max: None, greedy: true, sub: Box::new(of) })
}

fn matches(parts: Vec<Hir>, subject: &str) -> bool {
    let whole = [vec![Hir::look(Look::Start)], parts, vec![Hir::look(Look::End)]].concat();
    let nfa = NFA::compiler().build_from_hir(&Hir::concat(whole)).expect("a small expression");
    let machine = PikeVM::new_from_nfa(nfa).expect("a small automaton");
    machine.is_match(&mut machine.create_cache(), subject)
}

/// does the pattern match the whole subject?
pub(crate) fn glob(pattern: &str, subject: &str) -> bool {
    let part = |sign: Sign| match sign {
        Sign::Char(c) => Hir::literal(c.to_string().into_bytes()),
        Sign::One => class(false),
        Sign::Star => repeated(class(false)),
    };
    matches(signs(pattern).into_iter().map(part).collect(), subject)
}

/// does the entry of an identity policy match the ARN?
pub(crate) fn identity_resource(pattern: &str, arn: &str) -> bool {
    let signs = signs(pattern);
    if !signs.is_empty() && signs.iter().all(|sign| *sign == Sign::Star) {
        return true;
    }
    let mut segments = vec![Vec::new()];
    for sign in signs {
        match segments.len() {
            1..=5 if sign == Sign::Char(':') => segments.push(Vec::new()),
            n => segments[n - 1].push(sign),
        }
    }
    if segments.len() < 2 || segments[0] != ['a', 'r', 'n'].map(Sign::Char) {
        return false;
    }
    let as_it_stands = segments.clone();
    segments.resize(6, vec![Sign::Star]);
    [as_it_stands, segments].iter().any(|segments| matches(segments_as_parts(segments), arn))
}

fn segments_as_parts(segments: &[Vec<Sign>]) -> Vec<Hir> {
    let mut parts = Vec::new();
    for (index, segment) in segments.iter().enumerate() {
        if index > 0 {
            parts.push(Hir::literal(*b":"));
        }
        // in a run of wildcards the `?`s come first, so a star in it is its last sign.
        for run in segment.chunk_by(|a, b| !matches!(a, Sign::Char(_)) && !matches!(b, Sign::Char(_))) {
            let reaches_end = run.as_ptr_range().end == segment.as_ptr_range().end;
            if let [Sign::Char(c)] = run {
                parts.push(Hir::literal(c.to_string().into_bytes()));
                continue;
            }
            let n_ones = run.iter().filter(|sign| **sign == Sign::One).count();
            parts.extend((0..n_ones).map(|_| class(index < 5)));
            if run.contains(&Sign::Star) {
                parts.push(repeated(class(index < 5 && !reaches_end)));
            }
        }
    }
    parts
}

/// by `ipnet`: is the address in the block? `None`: one of them is not in the form that both sides read alike.
pub(crate) fn contains(block: &str, address: &str) -> Option<bool> {
    let address: IpAddr = address.parse().ok()?;
    let block = match block.parse::<IpAddr>() {
        Ok(single) => IpNet::from(single),
        Err(_) => {
            // Leading zeros and netmasks are malformed, whatever `ipnet` makes of them.
            let (_, length) = block.split_once('/')?;
            let plain = length == "0" || !length.starts_with('0') && length.bytes().all(|byte| byte.is_ascii_digit());
            block.parse::<IpNet>().ok().filter(|_| plain)?
        }
    };
    Some(block.contains(&address))
}

/// by `jiff`: the instant of a date with time and zone. `None`: some other form.
pub(crate) fn instant(text: &str) -> Option<Timestamp> {
    let bytes = text.as_bytes();
    let shape = b"dddd-dd-ddTdd:dd:dd";
    let is_full = bytes.len() > shape.len()
        && bytes
            .iter()
            .zip(shape)
            .all(|(byte, shape)| if *shape == b'd' { byte.is_ascii_digit() } else { byte == shape });
    // `jiff` reads further forms of the zone, cuts fractions at nanoseconds and knows the second 60 (R-4.22 does not).
    let rest = text.get(shape.len()..).filter(|_| is_full)?;
    let (fraction, zone) = rest.split_at(rest.find(['Z', '+', '-'])?);
    let is_fraction = fraction.is_empty()
        || fraction
            .strip_prefix('.')
            .is_some_and(|d| (1..=9).contains(&d.len()) && d.bytes().all(|b| b.is_ascii_digit()));
    let is_zone = zone == "Z" || zone.len() == 6 && zone.as_bytes()[3] == b':';
    (is_fraction && is_zone && !text[..shape.len()].ends_with(":60")).then(|| text.parse().ok())?
}

/// Does the comparison hold of a request's value and one of a policy? `None`: the operator is none of dates.
pub(crate) fn date_holds(base: BaseOperator, request: Timestamp, policy: Timestamp) -> Option<bool> {
    use BaseOperator::*;
    Some(match base {
        DateEquals => request == policy,
        DateNotEquals => request != policy,
        DateLessThan => request < policy,
        DateLessThanEquals => request <= policy,
        DateGreaterThan => request > policy,
        DateGreaterThanEquals => request >= policy,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The partners are translations too: examples of the rules.
    #[test]
    fn partners_say_what_the_rules_say() {
        assert!(glob("a*c?", "abbcd") && glob("?", "\u{e9}") && glob("${*}", "*") && !glob("${*}", "a"));
        for (pattern, arn, expected) in [
            ("arn:aws:s3:*:*:bkt/*", "arn:aws:s3:::bkt/x", true),
            ("arn:aws:sqs:*:q", "arn:aws:sqs:us-east-1:111111111111:q", true),
            ("arn:aws:iam", "arn:aws:iam::111111111111:user/x", true),
            ("arn:aws:sqs:us-*-1:1*1:q", "arn:aws:sqs:us-east-1:111111111111:q", true),
            ("arn:aws:sqs:us-*-1:q", "arn:aws:sqs:us-east:1-1:q", false),
            ("arn:aws:s3:::?", "arn:aws:s3::::", true),
            ("arn:aws:s?:::a", "arn:aws:s::::a", false),
            ("a*", "arn:aws:s3:::a", false),
            ("**", "arn:aws:s3:::a", true),
        ] {
            assert_eq!(identity_resource(pattern, arn), expected, "{pattern} {arn}");
        }
        assert_eq!(contains("10.0.0.9/8", "10.255.0.1"), Some(true));
        assert_eq!(contains("10.0.0.0/08", "10.255.0.1"), None);
        assert_eq!(contains("::/0", "10.255.0.1"), Some(false));
        let (a, b) = (instant("2026-01-01T01:00:00+01:00"), instant("2026-01-01T00:00:00Z"));
        assert!(a.is_some() && a == b);
        assert_eq!(instant("2026-01-01T00:00:60Z"), None);
    }
}
