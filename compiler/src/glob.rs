//! Patterns of action names: normal form, and matching while action sets are expanded.
//!
//! Names are ASCII and short, so this works on bytes. Resource patterns are another matter: those are
//! encoded and matched by the runtime alone.

/// The normal form of a pattern: each run of wildcards becomes its `?`s, then one `*` if it had any.
pub(crate) fn normal_form(pattern: &str) -> String {
    let mut normal = String::with_capacity(pattern.len());
    let mut star = false;
    for c in pattern.chars() {
        match c {
            '*' => star = true,
            '?' => normal.push('?'),
            _ => {
                if std::mem::take(&mut star) {
                    normal.push('*');
                }
                normal.push(c);
            }
        }
    }
    if star {
        normal.push('*');
    }
    normal
}

/// True iff the pattern has a wildcard.
pub(crate) fn has_wildcard(pattern: &str) -> bool {
    pattern.contains(['*', '?'])
}

/// True iff the pattern, in lower case, matches the name without regard to ASCII case.
///
/// The leftmost fit of what stands between two stars leaves most for the rest, so only the last star is ever taken up
/// again. Cost: O(pattern · name).
pub(crate) fn matches(pattern: &str, name: &str) -> bool {
    let (pattern, name) = (pattern.as_bytes(), name.as_bytes());
    let (mut p, mut n) = (0, 0);
    // Behind the last star, and where in the name its match ends for now.
    let mut retry: Option<(usize, usize)> = None;
    while n < name.len() {
        match pattern.get(p) {
            Some(b'*') => {
                p += 1;
                retry = Some((p, n));
            }
            Some(&c) if c == b'?' || c == name[n].to_ascii_lowercase() => {
                p += 1;
                n += 1;
            }
            _ => match retry {
                Some((after, end)) => {
                    retry = Some((after, end + 1));
                    p = after;
                    n = end + 1;
                }
                None => return false,
            },
        }
    }
    pattern[p..].iter().all(|&c| c == b'*')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn normal_forms() {
        for (pattern, normal) in [
            ("get*", "get*"),
            ("**", "*"),
            ("*?", "?*"),
            ("a*?**?b", "a??*b"),
            ("?a?", "?a?"),
            ("", ""),
            ("***a***", "*a*"),
        ] {
            assert_eq!(normal_form(pattern), normal, "{pattern}");
        }
    }

    /// By trying everything.
    fn slow(pattern: &[u8], name: &[u8]) -> bool {
        match pattern.split_first() {
            None => name.is_empty(),
            Some((b'*', rest)) => (0..=name.len()).any(|skip| slow(rest, &name[skip..])),
            Some((&c, rest)) => {
                name.split_first().is_some_and(|(&first, others)| (c == b'?' || c == first) && slow(rest, others))
            }
        }
    }

    #[test]
    fn matching_agrees_with_trying_everything() {
        let texts = |signs: &[char], length: u32| -> Vec<String> {
            let n = signs.len();
            (0..=length)
                .flat_map(|length| {
                    (0..n.pow(length)).map(move |mut code| {
                        (0..length)
                            .map(|_| {
                                let sign = signs[code % n];
                                code /= n;
                                sign
                            })
                            .collect()
                    })
                })
                .collect()
        };
        let mut n_matching = 0;
        for pattern in texts(&['a', 'b', '*', '?'], 4) {
            for name in texts(&['a', 'b'], 5) {
                let expected = slow(pattern.as_bytes(), name.as_bytes());
                assert_eq!(matches(&pattern, &name), expected, "{pattern} {name}");
                assert_eq!(matches(&normal_form(&pattern), &name), expected, "{pattern} {name}");
                n_matching += u32::from(expected);
            }
        }
        assert!(n_matching > 1_000, "{n_matching}");
        assert!(matches("get*", "GetObject") && !matches("get", "GetObject") && has_wildcard("a?"));
    }
}
