//! Canonical base64: RFC 4648, standard alphabet, with padding, no stray bits.

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// Appends the decoded bytes. False: malformed; then `bytes` may have grown.
pub(crate) fn push_decoded(text: &[u8], bytes: &mut Vec<u8>) -> bool {
    if !text.len().is_multiple_of(4) {
        return false;
    }
    let n_padding = text.iter().rev().take(2).take_while(|sign| **sign == b'=').count();
    let (mut word, mut n_bits) = (0u32, 0);
    for sign in &text[..text.len() - n_padding] {
        let Some(value) = ALPHABET.iter().position(|known| known == sign) else { return false };
        word = (word << 6 | value as u32) & 0xffff;
        n_bits += 6;
        if n_bits >= 8 {
            n_bits -= 8;
            bytes.push((word >> n_bits) as u8);
        }
    }
    // Bits behind the last whole byte are zero, or the same bytes would have several spellings.
    word & ((1 << n_bits) - 1) == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decode(text: &str) -> Option<Vec<u8>> {
        let mut bytes = Vec::new();
        push_decoded(text.as_bytes(), &mut bytes).then_some(bytes)
    }

    #[test]
    fn vectors_and_malformed_texts() {
        for (text, bytes) in [("", ""), ("Zg==", "f"), ("Zm8=", "fo"), ("Zm9v", "foo"), ("Zm9vYmE=", "fooba")] {
            assert_eq!(decode(text).unwrap(), bytes.as_bytes());
        }
        assert_eq!(decode("+/+/").unwrap(), [0xfb, 0xff, 0xbf]);
        for bad in [
            "Z", "Zg", "Zg=", "Zg===", "====", "Z===", "=", "==", "Zh==", "Zm9=", "Zg==Zg==", "Z=g=", "Zm-_", "éé",
            "Zm9v====",
        ] {
            assert_eq!(decode(bad), None, "{bad}");
        }
    }
}
