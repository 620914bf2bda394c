//! Where every value of a text begins and ends, found in one pass.
//!
//! Opening a value level by level reads its bytes once a level, and exports are six levels deep before a policy begins.
//! An outline is read once and then asked. It knows no numbers and decodes no strings; it accepts exactly the texts that
//! serde_json skips over without complaint, and where it does not accept one, serde_json says why.

/// The outline of a text that is one JSON value, or several one after the other.
#[derive(Debug, Clone)]
pub struct Outline {
    /// One for each value and each name of an object, in the order of the text.
    slots: Vec<Slot>,
}

/// A value or a name.
#[derive(Debug, Clone, Copy)]
pub(super) struct Slot {
    pub(super) start: u32,
    pub(super) end: u32,
    /// The slot that follows everything inside this one.
    pub(super) next: u32,
}

impl Outline {
    /// The longest text of which an outline is made. Beyond it the outline would be more than the text's own parts that
    /// are looked at.
    const BYTES_MAX: usize = 256 << 20;

    /// The outline; `None` where the text is not valid JSON, or too long. Cost: O(bytes), without recursion; twelve
    /// bytes of memory for each value.
    pub fn new(text: &str) -> Option<Outline> {
        if text.len() > Outline::BYTES_MAX {
            return None;
        }
        let mut scanner =
            Scanner { bytes: text.as_bytes(), at: 0, slots: Vec::with_capacity(text.len() / 24 + 8), open: Vec::new() };
        scanner.text()?;
        Some(Outline { slots: scanner.slots })
    }

    pub(super) fn slot(&self, index: u32) -> Option<Slot> {
        self.slots.get(index as usize).copied()
    }

    /// The value that begins at `start` and ends at `end`, if there is one.
    pub(super) fn find(&self, start: usize, end: usize) -> Option<u32> {
        let at = self.slots.partition_point(|slot| (slot.start as usize) < start);
        let slot = self.slots.get(at)?;
        if (slot.start as usize, slot.end as usize) == (start, end) { u32::try_from(at).ok() } else { None }
    }

    /// The values that stand one after the other.
    pub(super) fn roots(&self) -> impl Iterator<Item = u32> {
        let mut at = 0;
        std::iter::from_fn(move || {
            let index = at;
            at = self.slot(index)?.next;
            Some(index)
        })
    }
}

struct Scanner<'t> {
    bytes: &'t [u8],
    at: usize,
    slots: Vec<Slot>,
    /// Objects and lists that are open, outermost first.
    open: Vec<u32>,
}

impl Scanner<'_> {
    fn text(&mut self) -> Option<()> {
        self.space();
        loop {
            let delimits_itself = matches!(self.peek()?, b'{' | b'[');
            self.value()?;
            self.space();
            if self.at == self.bytes.len() {
                return Some(());
            }
            // `1 2` and `"a""b"` are rare enough to be left to serde_json.
            if !delimits_itself || !matches!(self.peek()?, b'{' | b'[') {
                return None;
            }
        }
    }

    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    fn space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\n' | b'\r' | b'\t')) {
            self.at += 1;
        }
    }

    fn begin(&mut self) -> u32 {
        // Offsets fit, since texts are limited; there are no more values than bytes.
        let start = self.at as u32;
        self.slots.push(Slot { start, end: start, next: 0 });
        self.slots.len() as u32 - 1
    }

    fn end(&mut self, index: u32) {
        let next = self.slots.len() as u32;
        let end = self.at as u32;
        if let Some(slot) = self.slots.get_mut(index as usize) {
            slot.end = end;
            slot.next = next;
        }
    }

    /// One value with everything inside it.
    fn value(&mut self) -> Option<()> {
        debug_assert!(self.open.is_empty());
        loop {
            // A value begins here.
            let index = self.begin();
            match self.peek()? {
                open @ (b'{' | b'[') => {
                    self.at += 1;
                    self.space();
                    let close = if open == b'{' { b'}' } else { b']' };
                    if self.peek()? != close {
                        self.open.push(index);
                        if open == b'{' {
                            self.name()?;
                        }
                        continue;
                    }
                    self.at += 1;
                }
                b'"' => self.string()?,
                b't' => self.word(b"true")?,
                b'f' => self.word(b"false")?,
                b'n' => self.word(b"null")?,
                _ => self.number()?,
            }
            self.end(index);
            // It is followed by another, or by the end of what is open.
            loop {
                let Some(outer) = self.open.last().copied() else { return Some(()) };
                let is_object = self.bytes.get(self.slots.get(outer as usize)?.start as usize) == Some(&b'{');
                self.space();
                match (self.peek()?, is_object) {
                    (b',', true) => {
                        self.at += 1;
                        self.space();
                        self.name()?;
                        break;
                    }
                    (b',', false) => {
                        self.at += 1;
                        self.space();
                        break;
                    }
                    (b'}', true) | (b']', false) => {
                        self.at += 1;
                        self.open.pop();
                        self.end(outer);
                    }
                    _ => return None,
                }
            }
        }
    }

    /// The name of an entry, its colon and the space behind it.
    fn name(&mut self) -> Option<()> {
        if self.peek()? != b'"' {
            return None;
        }
        let index = self.begin();
        self.string()?;
        self.end(index);
        self.space();
        if self.peek()? != b':' {
            return None;
        }
        self.at += 1;
        self.space();
        Some(())
    }

    fn word(&mut self, word: &[u8]) -> Option<()> {
        if !self.bytes.get(self.at..)?.starts_with(word) {
            return None;
        }
        self.at += word.len();
        Some(())
    }

    fn string(&mut self) -> Option<()> {
        self.at += 1;
        loop {
            self.plain();
            match self.peek()? {
                b'"' => {
                    self.at += 1;
                    return Some(());
                }
                b'\\' => {
                    match self.bytes.get(self.at + 1)? {
                        b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => self.at += 2,
                        b'u' => {
                            let digits = self.bytes.get(self.at + 2..self.at + 6)?;
                            if !digits.iter().all(u8::is_ascii_hexdigit) {
                                return None;
                            }
                            self.at += 6;
                        }
                        _ => return None,
                    };
                }
                // A control character.
                _ => return None,
            }
        }
    }

    /// Skips over bytes that mean nothing in a string, eight at a time.
    fn plain(&mut self) {
        const ONES: u64 = 0x0101_0101_0101_0101;
        const HIGHS: u64 = 0x8080_8080_8080_8080;
        // The high bit of each byte that is zero; bits above the lowest one that is set may be wrong.
        let zeros = |word: u64| word.wrapping_sub(ONES) & !word & HIGHS;
        while let Some(chunk) = self.bytes.get(self.at..self.at + 8).and_then(|chunk| chunk.first_chunk::<8>()) {
            let word = u64::from_le_bytes(*chunk);
            let quotes = zeros(word ^ (ONES * u64::from(b'"')));
            let escapes = zeros(word ^ (ONES * u64::from(b'\\')));
            let controls = word.wrapping_sub(ONES * 0x20) & !word & HIGHS;
            let found = quotes | escapes | controls;
            if found != 0 {
                self.at += (found.trailing_zeros() / 8) as usize;
                return;
            }
            self.at += 8;
        }
        while self.peek().is_some_and(|byte| byte >= 0x20 && byte != b'"' && byte != b'\\') {
            self.at += 1;
        }
    }

    fn number(&mut self) -> Option<()> {
        if self.peek() == Some(b'-') {
            self.at += 1;
        }
        match self.peek()? {
            b'0' => self.at += 1,
            b'1'..=b'9' => self.digits(),
            _ => return None,
        }
        if self.peek() == Some(b'.') {
            self.at += 1;
            self.some_digits()?;
        }
        if matches!(self.peek(), Some(b'e' | b'E')) {
            self.at += 1;
            if matches!(self.peek(), Some(b'+' | b'-')) {
                self.at += 1;
            }
            self.some_digits()?;
        }
        Some(())
    }

    fn digits(&mut self) {
        while self.peek().is_some_and(|byte| byte.is_ascii_digit()) {
            self.at += 1;
        }
    }

    fn some_digits(&mut self) -> Option<()> {
        let before = self.at;
        self.digits();
        (self.at > before).then_some(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::Node;
    use super::*;
    use serde_json::value::RawValue;

    fn is_valid(text: &str) -> bool {
        serde_json::from_str::<&RawValue>(text).is_ok()
    }

    /// Every value below `node`, as text: opened through the outline, or level by level.
    fn all(node: Node<'_>) -> Vec<(usize, String)> {
        let mut found = Vec::new();
        let mut waiting = vec![node];
        while let Some(node) = waiting.pop() {
            found.push((node.span().start, node.source().to_owned()));
            match node.shape() {
                super::super::Shape::Object => {
                    let (entries, _) = node.entries();
                    for entry in entries {
                        found.push((entry.key_span.start, entry.key.to_string()));
                        waiting.push(entry.value);
                    }
                }
                super::super::Shape::List => waiting.extend(node.items().expect("it is valid")),
                _ => {}
            }
        }
        found.sort();
        found
    }

    const SAMPLES: &[&str] = &[
        r#"{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": ["s3:*"], "Resource": "*"}]}"#,
        r#"[1, -0.5e+10, 0, true, false, null, "", "a\"b\\c\u00e9\n", [[]], {}, {"": {"x": [1]}}]"#,
        " \n\t\r {\"a\" : 1 ,\"a\": [ ] } ",
        "\"text of more than eight bytes, with é and 🦀\"",
        "-12.25E-3",
    ];

    #[test]
    fn an_outline_gives_the_same_values() {
        for text in SAMPLES {
            let outline = Outline::new(text).expect(text);
            let with = Node::parse_with(text, 0, Some(&outline)).expect(text);
            let without = Node::parse(text, 0).expect(text);
            assert_eq!(all(with), all(without), "{text}");
        }
    }

    /// It accepts what serde_json accepts: every prefix of the samples, and every sample with one byte changed.
    #[test]
    fn an_outline_accepts_what_is_valid() {
        let mut n_valid = 0;
        let mut check = |text: &str| {
            let valid = is_valid(text);
            n_valid += usize::from(valid);
            // Several values are valid for an outline; one is asked for here.
            let one = Outline::new(text).is_some_and(|outline| outline.roots().count() == 1);
            assert_eq!(one, valid, "{text:?}");
        };
        for text in SAMPLES {
            for at in 0..=text.len() {
                if let Some(prefix) = text.get(..at) {
                    check(prefix);
                }
                for byte in b"\"\\{}[],:0-.eE+ \x01\x1ftnu/x" {
                    let mut bytes = text.as_bytes().to_vec();
                    if at < bytes.len() {
                        bytes[at] = *byte;
                    } else {
                        bytes.push(*byte);
                    }
                    if let Ok(damaged) = std::str::from_utf8(&bytes) {
                        check(damaged);
                    }
                }
            }
        }
        for text in [
            "01",
            "1.",
            "1e",
            "-",
            "+1",
            ".5",
            "[1,]",
            "{\"a\":1,}",
            "{,}",
            "[,]",
            "\"\\u12g4\"",
            "\"\\x\"",
            "nul",
            "",
            " ",
        ] {
            check(text);
        }
        assert!(n_valid > 500, "{n_valid}");
    }

    #[test]
    fn several_values_are_roots() {
        let outline = Outline::new("{\"a\": 1}\n{\"b\": [2]} []").expect("three values");
        assert_eq!(outline.roots().count(), 3);
        assert!(Outline::new("1 2").is_none() && Outline::new("{} 1").is_none());
        assert!(Outline::new("{} x").is_none());
    }

    #[test]
    fn nesting_costs_no_stack() {
        let deep = "[".repeat(100_000) + &"]".repeat(100_000);
        assert!(Outline::new(&deep).is_some());
        assert!(Outline::new(&deep[1..]).is_none());
    }
}
