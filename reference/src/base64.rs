//! Canonical base64: RFC 4648, standard alphabet, with padding, without stray bits.

/// The bytes of a canonical base64 text; `None`: malformed. The empty text is the empty string of bytes.
///
/// Cost: O(bytes).
pub(crate) fn decode(text: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    let text = text.as_bytes();
    let n_groups = text.len().div_ceil(4);
    for (i, group) in text.chunks(4).enumerate() {
        let padding = group.iter().rev().take_while(|sign| **sign == b'=').count();
        // Only the last group may be padded, and it keeps at least one byte, which takes two signs.
        if group.len() < 4 || padding > 2 || (padding > 0 && i + 1 < n_groups) {
            return None;
        }
        let mut word: u32 = 0;
        for sign in &group[..4 - padding] {
            word = word << 6 | sextet(*sign)?;
        }
        word <<= 6 * padding;
        let [_, a, b, c] = word.to_be_bytes();
        let all = [a, b, c];
        let (kept, dropped) = all.split_at(3 - padding);
        // Bits behind the last whole byte must be 0, or the same bytes would have several spellings.
        if dropped.iter().any(|byte| *byte != 0) {
            return None;
        }
        bytes.extend(kept);
    }
    Some(bytes)
}

/// The six bits that a sign of the standard alphabet stands for.
fn sextet(sign: u8) -> Option<u32> {
    match sign {
        b'A'..=b'Z' => Some(u32::from(sign - b'A')),
        b'a'..=b'z' => Some(u32::from(sign - b'a') + 26),
        b'0'..=b'9' => Some(u32::from(sign - b'0') + 52),
        b'+' => Some(62),
        b'/' => Some(63),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn test_vectors_of_rfc_4648() {
        for (text, bytes) in [
            ("", ""),
            ("Zg==", "f"),
            ("Zm8=", "fo"),
            ("Zm9v", "foo"),
            ("Zm9vYg==", "foob"),
            ("Zm9vYmE=", "fooba"),
            ("Zm9vYmFy", "foobar"),
        ] {
            assert_eq!(decode(text).unwrap(), bytes.as_bytes(), "{text}");
        }
        assert_eq!(decode("+/+/").unwrap(), [0xfb, 0xff, 0xbf]);
    }

    #[test]
    fn malformed_texts() {
        for bad in [
            "Z", "Zg", "Zg=", "Zm8", "Zg===", "=", "==", "===", "====", "Z===", "Zh==", "Zm9=", "Zg==Zg==", "Zm8=Zm8=",
            "Zm9v====", "Z=g=", "=Zm8", "Zm9v\n", " Zm9v", "Zm-_", "Zm9é", "éé", "${a", "Zm9vYmF",
        ] {
            assert!(decode(bad).is_none(), "{bad}");
        }
    }

    #[test]
    fn each_spelling_has_its_own_bytes() {
        // All texts of one group over a small alphabet that reaches every kind of sign: no two decode to the same
        // bytes, and each number of bytes occurs.
        let alphabet = ['A', 'B', 'Q', 'g', 'w', '/', '=', '-'];
        let mut seen = BTreeSet::new();
        let mut n_valid = 0;
        for n in 0..alphabet.len().pow(4) {
            let text: String = (0..4).map(|place| alphabet[n / alphabet.len().pow(place) % alphabet.len()]).collect();
            if let Some(bytes) = decode(&text) {
                n_valid += 1;
                seen.insert(bytes);
            }
        }
        assert_eq!(seen.len(), n_valid);
        assert_eq!(seen.iter().map(Vec::len).collect::<BTreeSet<_>>(), BTreeSet::from([1, 2, 3]));
    }
}
