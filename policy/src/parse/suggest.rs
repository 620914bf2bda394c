//! Guessing what the author meant, for help texts only.

/// The candidate that `word` most probably stands for: the same but for case, a plural, or a slip of the pen.
///
/// Cost: O(candidates × 32²) at most; longer words are no slip.
pub(crate) fn nearest(word: &str, candidates: impl IntoIterator<Item = &'static str>) -> Option<&'static str> {
    const BYTES_MAX: usize = 32;
    if word.len() > BYTES_MAX {
        return None;
    }
    let lower: String = word.chars().filter(|c| !matches!(c, '_' | '-' | ' ')).collect::<String>().to_ascii_lowercase();
    let mut best: Option<(usize, &'static str)> = None;
    for candidate in candidates {
        let target = candidate.to_ascii_lowercase();
        let far = distance(lower.as_bytes(), target.as_bytes());
        // One slip in a short word, two in a long one; more is another word.
        if far <= (target.len() / 4).clamp(1, 2) && best.is_none_or(|(least, _)| far < least) {
            best = Some((far, candidate));
        }
    }
    best.map(|(_, candidate)| candidate)
}

/// Levenshtein's distance, in bytes.
fn distance(a: &[u8], b: &[u8]) -> usize {
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.iter().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, y) in b.iter().enumerate() {
            let replaced = diagonal + usize::from(x != y);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slips_are_recognised_and_other_words_are_not() {
        let check = |word, expected| {
            let names = ["Sid", "Effect", "Action", "NotAction", "Resource", "Condition", "StringEquals"];
            assert_eq!(nearest(word, names), expected, "{word}");
        };
        check("action", Some("Action"));
        check("Actions", Some("Action"));
        check("RESOURCES", Some("Resource"));
        check("Condtion", Some("Condition"));
        check("string_equals", Some("StringEquals"));
        check("Tags", None);
        check("", None);
    }
}
