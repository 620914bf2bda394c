//! Request lines whose texts have no escapes and whose contexts have one value a key, read in one walk over their quotation
//! marks: what logs are made of. Whatever else a line may be is left to others, so nothing here says that a line is wrong.

/// Where a walk over JSON stands. The text has no control characters and no `\`.
pub(super) struct Walk<'a> {
    text: &'a str,
    at: usize,
}

/// A value, and how it is written.
pub(super) enum Value<'a> {
    Text {
        text: &'a str,
        json: &'a str,
    },
    /// A number, `true` or `false`.
    Scalar(&'a str),
    /// Each key has one value.
    Object(&'a str),
}

impl<'a> Walk<'a> {
    /// `None`: the text has an escape, or a control character, which may be white space or may not.
    pub(super) fn new(text: &'a str) -> Option<Walk<'a>> {
        // Without a way out of the loop this is done for many bytes at once.
        let other = text.bytes().fold(false, |other, byte| other | (byte < b' ') | (byte == b'\\'));
        (!other).then_some(Walk { text, at: 0 })
    }

    fn skip_spaces(&mut self) {
        while self.peek() == Some(b' ') {
            self.at += 1;
        }
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn take(&mut self, expected: u8) -> Option<()> {
        self.skip_spaces();
        (self.peek() == Some(expected)).then(|| self.at += 1)
    }

    /// A text, behind its first quotation mark.
    fn rest_of_text(&mut self) -> Option<&'a str> {
        let rest = self.text.get(self.at..)?;
        let end = quotation_mark(rest.as_bytes())?;
        self.at += end + 1;
        Some(&rest[..end])
    }

    /// The members of an object, behind whose end the walk then stands.
    pub(super) fn object(&mut self, mut member: impl FnMut(&mut Walk<'a>, &'a str) -> Option<()>) -> Option<()> {
        self.take(b'{')?;
        if self.take(b'}').is_some() {
            return Some(());
        }
        loop {
            self.take(b'"')?;
            let name = self.rest_of_text()?;
            self.take(b':')?;
            self.skip_spaces();
            member(self, name)?;
            self.skip_spaces();
            let byte = self.peek()?;
            self.at += 1;
            match byte {
                b',' => {}
                b'}' => return Some(()),
                _ => return None,
            }
        }
    }

    /// A text, a number or a truth value.
    pub(super) fn single(&mut self) -> Option<Value<'a>> {
        let start = self.at;
        if self.peek()? == b'"' {
            self.at += 1;
            let text = self.rest_of_text()?;
            return Some(Value::Text { text, json: &self.text[start..self.at] });
        }
        while self.peek().is_some_and(|byte| !matches!(byte, b' ' | b',' | b'}')) {
            self.at += 1;
        }
        let json = self.text.get(start..self.at)?;
        (matches!(json, "true" | "false") || is_number(json.as_bytes())).then_some(Value::Scalar(json))
    }

    /// A single value, or an object of them.
    pub(super) fn value(&mut self) -> Option<Value<'a>> {
        let start = self.at;
        if self.peek()? != b'{' {
            return self.single();
        }
        self.object(|walk, _| walk.single().map(|_| ()))?;
        Some(Value::Object(&self.text[start..self.at]))
    }

    /// Nothing follows.
    pub(super) fn end(mut self) -> Option<()> {
        self.skip_spaces();
        self.peek().is_none().then_some(())
    }
}

/// Where the first quotation mark is. Texts of requests are short: eight bytes at a time is faster than searching wide.
fn quotation_mark(text: &[u8]) -> Option<usize> {
    const ONES: u64 = u64::MAX / 255;
    let (words, rest) = text.as_chunks::<8>();
    for (at, word) in words.iter().enumerate() {
        let other = u64::from_le_bytes(*word) ^ (ONES * b'"' as u64);
        // The lowest byte that is zero has its highest bit set, and none below it has.
        let found = other.wrapping_sub(ONES) & !other & (ONES << 7);
        if found != 0 {
            return Some(at * 8 + found.trailing_zeros() as usize / 8);
        }
    }
    rest.iter().position(|byte| *byte == b'"').map(|at| words.len() * 8 + at)
}

/// Is it a number of JSON?
fn is_number(text: &[u8]) -> bool {
    fn digits(text: &[u8]) -> Option<&[u8]> {
        let n = text.iter().take_while(|byte| byte.is_ascii_digit()).count();
        (n > 0).then(|| &text[n..])
    }
    let read = || {
        let text = text.strip_prefix(b"-").unwrap_or(text);
        let mut rest = match text.strip_prefix(b"0") {
            Some(rest) => rest,
            None => digits(text)?,
        };
        if let Some(fraction) = rest.strip_prefix(b".") {
            rest = digits(fraction)?;
        }
        if let [b'e' | b'E', exponent @ ..] = rest {
            let unsigned = if let [b'+' | b'-', unsigned @ ..] = exponent { unsigned } else { exponent };
            rest = digits(unsigned)?;
        }
        rest.is_empty().then_some(())
    };
    read().is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotation_marks_are_found() {
        for n in 0..40 {
            for at in 0..n {
                let mut text = vec![b'!'; n];
                (text[at], text[n - 1]) = (b'"', b'"');
                assert_eq!(quotation_mark(&text), Some(at));
                assert_eq!(quotation_mark(&text[..at]), None);
                text[..at].fill(0xa2);
                text[at + 1..].fill(b'#');
                assert_eq!(quotation_mark(&text), Some(at));
            }
        }
    }

    #[test]
    fn numbers_are_those_of_json() {
        for text in [
            "0", "-0", "10", "1.5", "-1.50e3", "1E+2", "0e-1", "", "-", "01", "1.", ".5", "1e", "1e+", "+1", "1 ",
            "0x1", "1a", "NaN", "--1", "1.5.5", "1e1e1",
        ] {
            let json = serde_json::from_str::<serde_json::Value>(text).is_ok() && !text.ends_with(' ');
            assert_eq!(is_number(text.as_bytes()), json, "{text}");
        }
    }
}
