//! JSON with positions: serde_json reads, and every value stays a slice of the source.
//!
//! In goes a text, out comes a [`Node`]: the text of one JSON value and where it begins. A node is opened one level at
//! a time, so nothing recurses however deep a hostile document is nested, and object entries come in document order
//! *with* duplicates, which `serde_json::Value` would drop. Syntax is judged once, for the whole text, by
//! [`Node::parse`]; after that only undecodable escapes (a lone surrogate) can still fail.
//!
//! Whoever reads JSON with positions reads it through this module: policy documents here, exports, requests and
//! decision cases in the crates above, each with its own way to tell a person what is wrong.

mod outline;

pub use outline::Outline;

use crate::source::Span;
use serde::de::{DeserializeSeed, Deserializer, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::collections::HashSet;
use std::fmt;

/// One JSON value inside a source text.
#[derive(Debug, Clone, Copy)]
pub struct Node<'t> {
    raw: &'t str,
    start: usize,
    /// The outline of the whole text, and the slot of the value in it: then opening it reads no byte again.
    outline: Option<(&'t Outline, u32)>,
}

/// An entry of an object.
#[derive(Debug, Clone)]
pub struct Entry<'t> {
    /// The name, decoded; borrowed where it holds no escape.
    pub key: Cow<'t, str>,
    /// The bytes of the name, quotes included.
    pub key_span: Span,
    /// The value.
    pub value: Node<'t>,
}

/// The JSON type of a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// `{…}`
    Object,
    /// `[…]`
    List,
    /// `"…"`
    Text,
    /// A number, its text kept.
    Number,
    /// `true` or `false`
    Boolean,
    /// `null`
    Null,
}

impl Shape {
    /// With its article, for messages.
    pub fn name(self) -> &'static str {
        match self {
            Shape::Object => "an object",
            Shape::List => "a list",
            Shape::Text => "a string",
            Shape::Number => "a number",
            Shape::Boolean => "a boolean",
            Shape::Null => "`null`",
        }
    }
}

/// A text that is no JSON, or a string that cannot be decoded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// Its code and the rule that asks for it, where the text is a policy document.
    pub(crate) code: (&'static str, &'static str),
    /// What is wrong.
    pub message: String,
    /// What to write instead.
    pub help: Option<String>,
    /// Where.
    pub span: Span,
}

const SYNTAX: (&str, &str) = ("syntax", "R-1.1");

/// Judges the syntax of a whole document.
///
/// Cost: O(bytes), without recursion: serde_json skips over nested values with an explicit stack.
pub(crate) fn root<'t>(text: &'t str, outline: Option<&'t Outline>) -> Result<Node<'t>, Fault> {
    if text.starts_with('\u{feff}') {
        return Err(Fault {
            code: SYNTAX,
            message: "the document begins with a byte order mark".to_owned(),
            help: Some("save it as UTF-8 without byte order mark".to_owned()),
            span: Span::new(0, '\u{feff}'.len_utf8()),
        });
    }
    if text.trim_ascii().is_empty() {
        return Err(Fault {
            code: SYNTAX,
            message: "the document is empty".to_owned(),
            help: Some("a policy is one JSON object: `{\"Version\": \"2012-10-17\", \"Statement\": [...]}`".to_owned()),
            span: Span::new(text.len(), text.len()),
        });
    }
    Node::parse_with(text, 0, outline).map_err(|fault| match fault.message.as_str() {
        MORE_TEXT => Fault {
            message: "more text follows the policy".to_owned(),
            help: Some("a document holds one policy and nothing else".to_owned()),
            ..fault
        },
        _ => fault,
    })
}

const MORE_TEXT: &str = "more text follows the value";

impl<'t> Node<'t> {
    /// The one value of `text`, which begins at the offset `start` of its source; white space around it is fine.
    ///
    /// Errors: `text` is not exactly one JSON value. Cost: O(bytes), without recursion.
    pub fn parse(text: &'t str, start: usize) -> Result<Node<'t>, Fault> {
        match serde_json::from_str::<&RawValue>(text) {
            Ok(raw) => Ok(Node::new(raw, text, start)),
            Err(error) => Err(syntax(text, &error).moved(start)),
        }
    }

    /// [`Node::parse`] for a text of whose source there is an outline: where the text is a value of it, nothing is read.
    ///
    /// `outline` is that of the whole source, in which `text` begins at `start`.
    pub fn parse_with(text: &'t str, start: usize, outline: Option<&'t Outline>) -> Result<Node<'t>, Fault> {
        let trimmed = text.trim_matches([' ', '\n', '\r', '\t']);
        let begins = start + (trimmed.as_ptr() as usize - text.as_ptr() as usize);
        match outline.and_then(|outline| Some((outline, outline.find(begins, begins + trimmed.len())?))) {
            Some(outline) => Ok(Node { raw: trimmed, start: begins, outline: Some(outline) }),
            None => Node::parse(text, start),
        }
    }

    /// The values of a source, by its outline.
    pub fn roots(source: &'t str, outline: &'t Outline) -> Vec<Node<'t>> {
        outline.roots().filter_map(|slot| Node::of_slot(source, 0, outline, slot)).collect()
    }

    /// The value in `slot`; `text` begins at the offset `start` of the source.
    fn of_slot(text: &'t str, start: usize, outline: &'t Outline, slot: u32) -> Option<Node<'t>> {
        let found = outline.slot(slot)?;
        let (from, to) = (found.start as usize, found.end as usize);
        let raw = text.get(from.checked_sub(start)?..to.checked_sub(start)?)?;
        Some(Node { raw, start: from, outline: Some((outline, slot)) })
    }

    /// The values and names right inside it, in order, and how many they are; `None`: there is no outline.
    fn inner(self) -> Option<(impl Iterator<Item = Node<'t>>, usize)> {
        let (outline, slot) = self.outline?;
        let end = outline.slot(slot)?.next;
        let slots = move || {
            let mut at = slot + 1;
            std::iter::from_fn(move || {
                let own = at;
                at = outline.slot(own).filter(|_| own < end)?.next;
                Some(own)
            })
        };
        let nodes = slots().map_while(move |slot| Node::of_slot(self.raw, self.start, outline, slot));
        Some((nodes, slots().count()))
    }

    /// The values that stand one after the other in `text`, up to the first that cannot be read.
    pub fn parse_stream(text: &'t str, start: usize) -> (Vec<Node<'t>>, Option<Fault>) {
        let mut nodes = Vec::new();
        for raw in serde_json::Deserializer::from_str(text).into_iter::<&RawValue>() {
            match raw {
                Ok(raw) => nodes.push(Node::new(raw, text, start)),
                Err(error) => return (nodes, Some(syntax(text, &error).moved(start))),
            }
        }
        (nodes, None)
    }

    /// `raw` was read from `parent`, which begins at `start`: its offset is a subtraction of addresses.
    fn new(raw: &'t RawValue, parent: &str, start: usize) -> Node<'t> {
        let raw = raw.get();
        Node { raw, start: start + (raw.as_ptr() as usize - parent.as_ptr() as usize), outline: None }
    }

    /// The bytes of the value.
    pub fn span(self) -> Span {
        Span::new(self.start, self.start + self.raw.len())
    }

    /// The source text of the value; for a number, what keeps.
    pub fn source(self) -> &'t str {
        self.raw
    }

    /// Its type, told by its first byte.
    pub fn shape(self) -> Shape {
        match self.raw.as_bytes().first() {
            Some(b'{') => Shape::Object,
            Some(b'[') => Shape::List,
            Some(b'"') => Shape::Text,
            Some(b't' | b'f') => Shape::Boolean,
            Some(b'n') => Shape::Null,
            _ => Shape::Number,
        }
    }

    /// The entries of an object in document order, duplicates included; undecodable names are faults.
    pub fn entries(self) -> (Vec<Entry<'t>>, Vec<Fault>) {
        self.entries_with(|entry| entry)
    }

    /// [`Node::entries`], each of them made into something at once.
    pub fn entries_with<T>(self, mut make: impl FnMut(Entry<'t>) -> T) -> (Vec<T>, Vec<Fault>) {
        let mut faults = Vec::new();
        if let Some(inner) = self.inner().filter(|_| self.shape() == Shape::Object) {
            let (mut inner, n) = inner;
            let mut entries = Vec::with_capacity(n / 2);
            while let (Some(key), Some(value)) = (inner.next(), inner.next()) {
                match key.text() {
                    Ok(name) => entries.push(make(Entry { key: name, key_span: key.span(), value })),
                    Err(fault) => faults.push(fault),
                }
            }
            return (entries, faults);
        }
        let mut entries = Vec::new();
        match serde_json::Deserializer::from_str(self.raw).deserialize_map(Entries) {
            Ok(pairs) => {
                for (key, value) in pairs {
                    let key = Node::new(key, self.raw, self.start);
                    let value = Node::new(value, self.raw, self.start);
                    match key.text() {
                        Ok(name) => entries.push(make(Entry { key: name, key_span: key.span(), value })),
                        Err(fault) => faults.push(fault),
                    }
                }
            }
            Err(error) => faults.push(syntax(self.raw, &error).moved(self.start)),
        }
        (entries, faults)
    }

    /// The items of a list.
    pub fn items(self) -> Result<Vec<Node<'t>>, Fault> {
        self.items_with(|item| item)
    }

    /// [`Node::items`], each of them made into something at once.
    pub fn items_with<T>(self, mut make: impl FnMut(Node<'t>) -> T) -> Result<Vec<T>, Fault> {
        if let Some((inner, n)) = self.inner().filter(|_| self.shape() == Shape::List) {
            let mut items = Vec::with_capacity(n);
            items.extend(inner.map(make));
            return Ok(items);
        }
        match serde_json::from_str::<Vec<&RawValue>>(self.raw) {
            Ok(items) => Ok(items.into_iter().map(|item| make(Node::new(item, self.raw, self.start))).collect()),
            Err(error) => Err(syntax(self.raw, &error).moved(self.start)),
        }
    }

    /// The decoded text of a string; borrowed where it holds no escape. Of a value that is no string: nonsense.
    pub fn text(self) -> Result<Cow<'t, str>, Fault> {
        let inner = self.raw.get(1..self.raw.len().saturating_sub(1)).unwrap_or("");
        if !inner.as_bytes().contains(&b'\\') {
            return Ok(Cow::Borrowed(inner));
        }
        serde_json::from_str::<String>(self.raw).map(Cow::Owned).map_err(|_| Fault {
            code: SYNTAX,
            // The one thing that skipping over a string does not look at.
            message: "the string holds half of a surrogate pair".to_owned(),
            help: Some("write the character itself, or both `\\u` escapes of the pair".to_owned()),
            span: self.span(),
        })
    }

    /// Looks for a duplicate name or an undecodable string at any depth, in a value nobody opens otherwise.
    ///
    /// One pass; nesting deeper than serde_json's 128 levels is a fault too.
    pub(crate) fn check_inside(self) -> Result<(), Fault> {
        let mut reader = serde_json::Deserializer::from_str(self.raw);
        Checked.deserialize(&mut reader).map_err(|error| {
            let mut fault = syntax(self.raw, &error).moved(self.start);
            // The visitor itself raises nothing else.
            if error.is_data() {
                fault.code = ("duplicate-key", "R-1.8");
            }
            fault
        })
    }
}

impl Fault {
    fn moved(mut self, by: usize) -> Fault {
        self.span = Span::new(self.span.start + by, self.span.end + by);
        self
    }
}

/// Collects object entries as slices of the source.
struct Entries;

impl<'de> Visitor<'de> for Entries {
    type Value = Vec<(&'de RawValue, &'de RawValue)>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut entries = Vec::new();
        while let Some(entry) = map.next_entry()? {
            entries.push(entry);
        }
        Ok(entries)
    }
}

/// Reads any value, refusing duplicate names.
struct Checked;

impl<'de> DeserializeSeed<'de> for Checked {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Checked {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        while seq.next_element_seed(Checked)?.is_some() {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let mut seen = HashSet::new();
        while let Some(key) = map.next_key::<String>()? {
            if seen.contains(&key) {
                // Read on first, so that the position lies behind the whole entry.
                map.next_value::<IgnoredAny>()?;
                return Err(A::Error::custom(format!("`{}` is written twice in one object", shown(&key))));
            }
            seen.insert(key);
            map.next_value_seed(Checked)?;
        }
        Ok(())
    }
}

/// User text for a message: one line, at most 80 characters.
pub fn shown(text: &str) -> String {
    const CHARS_MAX: usize = 80;
    // Most texts are short and plain.
    if text.len() <= CHARS_MAX && text.bytes().all(|byte| (0x20..0x7f).contains(&byte)) {
        return text.to_owned();
    }
    let mut out = String::new();
    for (n, c) in text.chars().enumerate() {
        if n == CHARS_MAX {
            out.push('…');
            break;
        }
        if c.is_control() { out.extend(c.escape_default()) } else { out.push(c) }
    }
    out
}

/// Turns serde_json's line and column into a span, and its message into ours.
fn syntax(text: &str, error: &serde_json::Error) -> Fault {
    let mut offset =
        if error.is_eof() { text.trim_ascii_end().len() } else { offset(text, error.line(), error.column()) };
    let full = error.to_string();
    let given = full.split(" at line ").next().unwrap_or(&full);
    let control = given.starts_with("control character");
    if control {
        // Here alone serde_json counts the bytes before the place, not up to it.
        offset += text[offset..].find(|c: char| c < ' ').unwrap_or(0);
    }
    let here = text[offset..].chars().next();
    let before = text[..offset].trim_ascii_end();
    let span = Span::new(offset, offset + here.map_or(0, char::len_utf8));
    let got = here.map_or(String::new(), |c| format!(", got `{}`", shown(c.encode_utf8(&mut [0; 4]))));
    let after_comma = before.ends_with(',');
    let (message, help) = match (given, here) {
        ("EOF while parsing a list", _) => ("the document ends inside a list".to_owned(), "a closing `]` is missing"),
        ("EOF while parsing an object", _) => {
            ("the document ends inside an object".to_owned(), "a closing `}` is missing")
        }
        ("EOF while parsing a string", _) => {
            ("the document ends inside a string".to_owned(), "a closing `\"` is missing")
        }
        ("EOF while parsing a value", _) => {
            ("the document ends where a value is expected".to_owned(), "write the value and close what is open")
        }
        ("expected value" | "key must be a string" | "trailing comma", Some(c @ ('}' | ']'))) if after_comma => {
            (format!("there is a comma before the closing `{c}`"), "remove the comma behind the last entry")
        }
        (_, Some('/' | '#')) if given != "invalid escape" => {
            (format!("{}{got}", expected(given)), "JSON has no comments: remove it")
        }
        (_, Some('\'' | '\u{2018}' | '\u{2019}' | '\u{201c}' | '\u{201d}')) if given != "invalid escape" => {
            (format!("{}{got}", expected(given)), "strings and names stand in straight double quotes: `\"...\"`")
        }
        ("expected value" | "expected ident", _) => (
            format!("expected a value{got}"),
            "write a string in double quotes, a number, `true`, `false`, a list or an object",
        ),
        ("key must be a string", _) => {
            (format!("expected an element name in double quotes{got}"), "write names in double quotes: `\"Effect\"`")
        }
        ("expected `,` or `}`" | "expected `,` or `]`", Some('-'))
            if before.ends_with(|c: char| c.is_ascii_digit()) =>
        {
            (format!("{given}{got}"), "a date stands in double quotes: `\"2012-10-17\"`")
        }
        ("expected `,` or `}`", Some(']')) => (format!("{given}{got}"), "a closing `}` is missing before it"),
        ("expected `,` or `]`", Some('}')) => (format!("{given}{got}"), "a closing `]` is missing before it"),
        ("expected `,` or `}`" | "expected `,` or `]`", _) => {
            (format!("{given}{got}"), "a comma between two entries is missing")
        }
        ("expected `:`", _) => (format!("{given}{got}"), "write `\"name\": value`"),
        ("trailing characters", Some('}' | ']')) => (
            format!("the document ends before this `{}`", here.unwrap_or('}')),
            "there is one closing brace or bracket too many",
        ),
        ("trailing characters", _) => {
            (MORE_TEXT.to_owned(), "there is one value too many: remove it, or write one value a line")
        }
        _ if control => (
            "there is a line break or another control character inside a string".to_owned(),
            "close the string with `\"` on its line, or write `\\n`",
        ),
        _ => (given.to_owned(), ""),
    };
    let help = if help.is_empty() { None } else { Some(help.to_owned()) };
    Fault { code: SYNTAX, message, help, span }
}

/// serde_json's "what was expected", in our words.
fn expected(given: &str) -> &str {
    match given {
        "expected value" => "expected a value",
        "key must be a string" => "expected an element name in double quotes",
        "trailing characters" => MORE_TEXT,
        other => other,
    }
}

/// The byte that serde_json points at: a column counts bytes, from 1, and is 0 right behind a line break.
fn offset(text: &str, line: usize, column: usize) -> usize {
    let start = match line.checked_sub(2) {
        None => 0,
        Some(nth) => text.bytes().enumerate().filter(|(_, b)| *b == b'\n').nth(nth).map_or(text.len(), |(i, _)| i + 1),
    };
    let mut offset = (start + column.saturating_sub(1)).min(text.len());
    while !text.is_char_boundary(offset) {
        offset -= 1;
    }
    offset
}
