//! Patterns compared with patterns: whether one covers another, and whether the two have a text in common.
//!
//! Both answers are for findings only, never for decisions, and both are safe: *covers* is said only where it is so,
//! and *apart* only where it is so.

use iamc_policy::template::{Piece, Template};

/// One position of a pattern.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Symbol {
    Char(char),
    /// Any one character.
    One,
    /// Any text.
    Any,
}

/// The symbols of a text in which `*` and `?` are wildcards.
pub(crate) fn symbols(text: &str) -> Vec<Symbol> {
    text.chars()
        .map(|c| match c {
            '*' => Symbol::Any,
            '?' => Symbol::One,
            c => Symbol::Char(c),
        })
        .collect()
}

/// The symbols of a policy resource: a variable may be any text.
pub(crate) fn of_template(template: &Template) -> Vec<Symbol> {
    let mut out = Vec::new();
    for piece in template.pieces() {
        match piece {
            Piece::Literal(text) => out.extend(symbols(text)),
            Piece::Escape(c) => out.push(Symbol::Char(c)),
            Piece::Variable(_) => out.push(Symbol::Any),
        }
    }
    out
}

/// The symbols of an ARN template of the catalogue: a placeholder `${…}` is any text.
pub(crate) fn of_arn_template(text: &str) -> Vec<Symbol> {
    let mut out = Vec::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("${") {
        out.extend(symbols(before));
        out.push(Symbol::Any);
        rest = after.split_once('}').map_or("", |(_, rest)| rest);
    }
    out.extend(symbols(rest));
    out
}

/// The largest product of two lengths that is compared; beyond it nothing is said.
const WORK_MAX: usize = 1 << 20;

/// Whether every text of `b` is one of `a`. May say no where it is so.
pub(crate) fn covers(a: &[Symbol], b: &[Symbol]) -> bool {
    if a.len().saturating_mul(b.len()) > WORK_MAX {
        return a == b;
    }
    // reach[j]: what was read of `a` can be read as the first j symbols of `b`.
    let mut reach = vec![false; b.len() + 1];
    reach[0] = true;
    for symbol in a {
        let mut next = vec![false; b.len() + 1];
        match symbol {
            Symbol::Any => {
                let mut seen = false;
                for (to, from) in next.iter_mut().zip(&reach) {
                    seen |= *from;
                    *to = seen;
                }
            }
            _ => {
                for (j, read) in b.iter().enumerate() {
                    let fits = match (symbol, read) {
                        (Symbol::One, Symbol::One | Symbol::Char(_)) => true,
                        (Symbol::Char(x), Symbol::Char(y)) => x == y,
                        _ => false,
                    };
                    next[j + 1] = reach[j] && fits;
                }
            }
        }
        reach = next;
    }
    reach[b.len()]
}

/// Whether no text is both of `a` and of `b`. May say no where it is so.
pub(crate) fn apart(a: &[Symbol], b: &[Symbol]) -> bool {
    if a.len().saturating_mul(b.len()) > WORK_MAX {
        return false;
    }
    // meet[j]: some text is of what was read of `a` and of the first j symbols of `b`.
    let mut meet = vec![false; b.len() + 1];
    meet[0] = true;
    for j in 0..b.len() {
        meet[j + 1] = meet[j] && b[j] == Symbol::Any;
    }
    for x in a {
        let mut next = vec![false; b.len() + 1];
        next[0] = meet[0] && *x == Symbol::Any;
        for (j, y) in b.iter().enumerate() {
            next[j + 1] = match (x, y) {
                (Symbol::Any, _) | (_, Symbol::Any) => {
                    // Either star ends, or takes in the other's symbol.
                    let x_goes = *x == Symbol::Any && (next[j] || meet[j + 1]);
                    let y_goes = *y == Symbol::Any && (meet[j + 1] || next[j]);
                    x_goes || y_goes || meet[j]
                }
                (Symbol::Char(x), Symbol::Char(y)) => meet[j] && x == y,
                _ => meet[j],
            };
        }
        meet = next;
    }
    !meet[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Nothing is said of patterns that would take too long, but that a pattern covers itself.
    #[test]
    fn long_patterns_are_not_compared() {
        let long = |last: &str| symbols(&format!("{}{last}", "a*".repeat(1 << 10)));
        let (short, shorter) = (symbols("b"), symbols("*"));
        assert!(apart(&short, &long("c")) && covers(&shorter, &long("c")));
        let one = long("b");
        assert!(one.len() * one.len() > WORK_MAX);
        assert!(!apart(&one, &long("c")) && !covers(&one, &long("bb")) && covers(&one, &long("b")));
    }

    /// All texts of up to four characters over two letters.
    fn texts() -> Vec<String> {
        let mut all = vec![String::new()];
        let mut last = all.clone();
        for _ in 0..4 {
            last = last.iter().flat_map(|text| ["a", "b"].map(|c| format!("{text}{c}"))).collect();
            all.extend(last.clone());
        }
        all
    }

    fn matches(pattern: &[Symbol], text: &str) -> bool {
        covers(pattern, &symbols(text))
    }

    /// Against every short pattern and every short text: what is said is so.
    #[test]
    fn what_is_said_is_so() {
        let mut patterns = vec![String::new()];
        let mut last = patterns.clone();
        for _ in 0..4 {
            last = last.iter().flat_map(|text| ["a", "b", "*", "?"].map(|c| format!("{text}{c}"))).collect();
            patterns.extend(last.clone());
        }
        let texts = texts();
        let patterns: Vec<(Vec<Symbol>, Vec<bool>)> = patterns
            .iter()
            .map(|pattern| {
                let symbols = symbols(pattern);
                let language = texts.iter().map(|text| matches(&symbols, text)).collect();
                (symbols, language)
            })
            .collect();
        let (mut n_covers, mut n_apart) = (0, 0);
        for (a, of_a) in &patterns {
            for (b, of_b) in &patterns {
                if covers(a, b) {
                    n_covers += 1;
                    assert!(of_a.iter().zip(of_b).all(|(a, b)| *a || !*b), "{a:?} does not cover {b:?}");
                }
                let meet = of_a.iter().zip(of_b).any(|(a, b)| *a && *b);
                // Patterns of four symbols that meet at all meet in a text of at most eight; both are short here.
                if apart(a, b) {
                    n_apart += 1;
                    assert!(!meet, "{a:?} and {b:?} meet");
                } else if a.len() + b.len() <= 4 {
                    assert!(meet, "{a:?} and {b:?} are apart");
                }
            }
        }
        assert!(n_covers > 1_000 && n_apart > 1_000);
    }

    #[test]
    fn matching_is_that_of_globs() {
        for (pattern, text, expected) in [
            ("a*b", "aab", true),
            ("a*b", "ab", true),
            ("a?b", "ab", false),
            ("*", "", true),
            ("?", "", false),
            ("", "", true),
        ] {
            assert_eq!(matches(&symbols(pattern), text), expected, "{pattern} {text}");
        }
    }

    #[test]
    fn templates_of_the_catalogue_have_holes() {
        let template = of_arn_template("arn:${Partition}:s3:::${BucketName}/${ObjectName}");
        assert!(!apart(&template, &symbols("arn:aws:s3:::site/*")));
        assert!(apart(&template, &symbols("arn:aws:s3:::site")));
    }
}
