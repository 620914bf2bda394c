//! Texts near other texts: patterns that match by a hair, and that miss by one.

use super::entropy::Entropy;
use super::words::{ACCOUNTS, KeyWord, Reads};
use iamc_policy::BaseOperator;

/// The text with one small fault: the case of a letter, a character, a colon, an empty part.
pub(super) fn damage(entropy: &mut Entropy<'_>, text: &str) -> String {
    let mut chars: Vec<char> = text.chars().collect();
    if chars.is_empty() {
        return "x".to_owned();
    }
    let at = entropy.below(chars.len());
    match entropy.below(6) {
        0 => {
            let c = chars[at];
            chars[at] = if c.is_ascii_uppercase() { c.to_ascii_lowercase() } else { c.to_ascii_uppercase() };
        }
        1 => chars[at] = *entropy.pick(&['x', '/', ':', '\u{e9}', ' ', '$']),
        2 => chars.insert(at, *entropy.pick(&['x', ':', '/', '\u{1f600}'])),
        3 => {
            chars.remove(at);
        }
        4 => chars.truncate(at),
        _ => chars.extend([':', 'x']),
    }
    chars.into_iter().collect()
}

/// A pattern with wildcards that matches the text, seen as plain characters.
pub(super) fn pattern(entropy: &mut Entropy<'_>, text: &str) -> String {
    let chars: Vec<char> = text.chars().collect();
    let from = entropy.below(chars.len() + 1);
    let piece = |range: &[char]| range.iter().collect::<String>();
    match entropy.below(5) {
        0 => format!("{}*", piece(&chars[..from])),
        1 if from < chars.len() => format!("{}?{}", piece(&chars[..from]), piece(&chars[from + 1..])),
        2 => format!("*{}", piece(&chars[from..])),
        3 => {
            let to = from + entropy.below(chars.len() - from + 1);
            format!("{}*{}", piece(&chars[..from]), piece(&chars[to..]))
        }
        _ if from < chars.len() => {
            let wild = *entropy.pick(&["*?", "?*", "**"]);
            format!("{}{wild}{}", piece(&chars[..from]), piece(&chars[from + 1..]))
        }
        _ => text.to_owned(),
    }
}

/// An entry of `Action` near the action `service:Name`.
pub(super) fn action(entropy: &mut Entropy<'_>, action: &str) -> String {
    let (service, name) = action.split_once(':').unwrap_or((action, ""));
    match entropy.weighted(&[30, 30, 22, 7, 4, 4, 3, 4, 1, 1, 1]) {
        0 => action.to_owned(),
        1 => format!("{service}:*"),
        2 => "*".to_owned(),
        3 => format!("{service}:{}", pattern(entropy, name)),
        4 => format!("{}:{name}", service.to_ascii_uppercase()),
        5 => action.to_ascii_lowercase(),
        6 => damage(entropy, action),
        7 => (*entropy.pick(&["ec2:*", "s3:*", "sqs:Send*", "kms:Decrypt", "sts:*", "iam:*"])).to_owned(),
        8 => "*:*".to_owned(),
        9 => format!("{}*:{name}", service.chars().take(1).collect::<String>()),
        _ => (*entropy.pick(&["**", "s3", "s3:${*}", "s3: GetObject", "s3-object-lambda:*"])).to_owned(),
    }
}

/// What is known of the variables that a policy for some request may use: key and value.
pub(super) type Variables = [(String, Option<String>)];

/// An entry of `Resource` near the ARN (or `*`).
pub(super) fn resource(entropy: &mut Entropy<'_>, arn: &str, variables: &Variables) -> String {
    if arn == "*" {
        return (*entropy.pick(&[
            "*",
            "*",
            "*",
            "**",
            "arn:aws:s3:::*",
            "arn:aws:ec2:*:*:*",
            "arn:aws:dynamodb:us-*-1:*:*",
        ]))
        .to_owned();
    }
    // The short form of.
    if arn.contains(":execute-api:") && entropy.chance(40) {
        let path = arn.split_once('/').map_or("", |(_, path)| path);
        return format!("execute-api:/{}", if entropy.chance(50) { cut(entropy, path) + "*" } else { path.to_owned() });
    }
    match entropy.weighted(&[32, 22, 16, 11, 7, 3, 3, 4, 3, 2, 1]) {
        0 => "*".to_owned(),
        1 => arn.to_owned(),
        2 => format!("{}*", cut(entropy, arn)),
        3 => with_variable(entropy, arn, variables),
        4 => {
            // One of the components is a wildcard.
            let mut parts: Vec<&str> = arn.splitn(6, ':').collect();
            let position = entropy.below(parts.len().saturating_sub(1)) + 1;
            if let Some(part) = parts.get_mut(position) {
                *part = *entropy.pick(&["*", "*", "?*", ""]);
            }
            parts.join(":")
        }
        5 => {
            let pattern = pattern(entropy, arn);
            if pattern.starts_with("arn:") { pattern } else { format!("arn:*{pattern}") }
        }
        6 => damage(entropy, arn),
        7 => {
            // Fewer than six segments.
            let n = entropy.below(4) + 2;
            let parts: Vec<&str> = arn.splitn(6, ':').take(n).collect();
            format!("{}{}", parts.join(":"), entropy.pick(&["", "*", ":*"]))
        }
        8 => (*entropy.pick(&["arn:aws:s3:::bkt/*", "arn:aws:s3:::other", "arn:aws:iam::*", "arn:aws:sqs:*:q"]))
            .to_owned(),
        9 => {
            let damaged = damage(entropy, arn);
            with_variable(entropy, &damaged, variables)
        }
        _ => (*entropy.pick(&["bkt", "arn:aws:s3:::bkt/${", "arn:aws:s3:::bkt/${*}", "arn:aws:s3:::bkt/${a b}", ""]))
            .to_owned(),
    }
}

/// The text up to some boundary: behind a `/` or `:`, or anywhere.
fn cut(entropy: &mut Entropy<'_>, text: &str) -> String {
    let ends: Vec<usize> = text.char_indices().filter(|(_, c)| matches!(c, '/' | ':')).map(|(at, _)| at + 1).collect();
    match ends.len() {
        n if n > 0 && !entropy.chance(25) => text[..ends[n - 1 - entropy.below(n.min(3))]].to_owned(),
        _ => {
            let n = text.chars().count();
            text.chars().take(n - entropy.below(n.min(8))).collect()
        }
    }
}

/// The text with a policy variable in it: in place of the variable's value where the text has it, else of a part.
fn with_variable(entropy: &mut Entropy<'_>, text: &str, variables: &Variables) -> String {
    let (key, value) = match variables.len() {
        0 => ("aws:username".to_owned(), Some("ursula".to_owned())),
        _ => entropy.pick(variables).clone(),
    };
    let variable = match entropy.below(5) {
        0 => format!("${{{key}, '{}'}}", value.as_deref().unwrap_or("all").replace(['\'', '}'], "")),
        1 => format!("${{{key}, '{}'}}", entropy.pick(&["", "all", "k", "*"])),
        _ => format!("${{{key}}}"),
    };
    match value {
        Some(value) if !value.is_empty() && text.contains(&value) => text.replacen(&value, &variable, 1),
        _ => {
            let part = match entropy.below(3) {
                0 => text.rsplit(['/', ':']).next(),
                1 => text.split('/').nth(1),
                _ => text.split(':').nth(4),
            };
            match part {
                Some(part) if !part.is_empty() => text.replacen(part, &variable, 1),
                _ => format!("{text}{variable}"),
            }
        }
    }
}

/// A policy value for the key under the operator, near the value that the request has.
pub(super) fn value(
    entropy: &mut Entropy<'_>,
    word: &KeyWord,
    actual: Option<&str>,
    base: BaseOperator,
    variables: &Variables,
) -> String {
    use BaseOperator::*;
    let near = match actual {
        Some(actual) if entropy.chance(75) => actual.to_owned(),
        _ => (*entropy.pick(word.values)).to_owned(),
    };
    match base {
        Null => (*entropy.pick(&["true", "false", "False", "maybe"])).to_owned(),
        Bool => match entropy.weighted(&[10, 6, 2, 1, 1]) {
            0 => near,
            1 => (*entropy.pick(&["true", "false"])).to_owned(),
            2 => "True".to_owned(),
            3 => "${aws:PrincipalTag/team}".to_owned(),
            _ => "yes".to_owned(),
        },
        IpAddress | NotIpAddress => match entropy.weighted(&[8, 8, 3, 1]) {
            0 => near,
            1 => format!("{near}/{}", entropy.pick(&["24", "32", "25", "8", "0", "31"])),
            2 => (*entropy.pick(&["203.0.113.9/24", "0.0.0.0/0", "2001:db8::/32", "::/0", "10.0.0.0/8"])).to_owned(),
            _ => (*entropy.pick(&["10.0.*", "203.0.113.0/08", "203.0.113.07", "fe80::1%eth0", "203.0.113.7/33"]))
                .to_owned(),
        },
        StringLike | StringNotLike => match entropy.weighted(&[6, 8, 3, 3, 1]) {
            0 => near,
            1 => pattern(entropy, &near),
            2 => "*".to_owned(),
            3 => with_variable(entropy, &near, variables),
            _ => (*entropy.pick(&["", "${*}", "?", "${"])).to_owned(),
        },
        ArnEquals | ArnLike | ArnNotEquals | ArnNotLike => match entropy.weighted(&[6, 6, 3, 2, 1]) {
            0 => near,
            1 if near.starts_with("arn:") => resource(entropy, &near, variables),
            2 => format!("arn:aws:iam::{}:*", entropy.pick(&ACCOUNTS)),
            3 => "arn:*:*:*:*:*".to_owned(),
            _ => (*entropy.pick(&["*", "arn:aws:iam", "x", "${aws:PrincipalTag/team}"])).to_owned(),
        },
        StringEquals | StringNotEquals | StringEqualsIgnoreCase | StringNotEqualsIgnoreCase => {
            match entropy.weighted(&[12, 3, 3, 1]) {
                0 => near,
                1 => with_variable(entropy, &near, variables),
                2 => damage(entropy, &near),
                _ => (*entropy.pick(&["", "*", "${*}", "${$}", "${aws:username"])).to_owned(),
            }
        }
        _ => match (word.reads, entropy.weighted(&[10, 3, 1])) {
            (_, 0) => near,
            (Reads::Number, 1) => (*entropy.pick(&["10", "10.0", "3600", "0", "-1", "1e400"])).to_owned(),
            (Reads::Date, 1) => {
                (*entropy.pick(&["2026-01-01", "2026-01", "1767225600", "2026", "2026-01-01T24:00:00Z"])).to_owned()
            }
            (Reads::Binary, 1) => (*entropy.pick(&["QQ==", "QUI=", "Q"])).to_owned(),
            (_, 1) => damage(entropy, &near),
            _ => (*entropy.pick(&["", "x", "0x10", "${aws:EpochTime}"])).to_owned(),
        },
    }
}
