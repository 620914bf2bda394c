//! JSON whose every value knows its place in the file.
//!
//! A [`Node`] is a slice of the file's text, so that its offset is a subtraction of addresses. Each level is read when
//! it is asked for, with serde_json: at most O(depth x bytes), and the depth of what we look into is small. What is not
//! looked into is skipped without recursion, so nesting costs no stack.

use crate::error::{Errors, InputError, shorten};
use iamc_policy::source::{LineIndex, Place};
use serde::de::{Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

/// A text that is being read, and where it stands.
pub(crate) struct Source<'a> {
    /// Its name, for people.
    pub(crate) file: Arc<str>,
    text: &'a str,
    lines: LineIndex,
    /// Line and column of the first byte; (1, 1) for a whole file.
    origin: (u32, u32),
}

impl<'a> Source<'a> {
    pub(crate) fn new(file: Arc<str>, text: &'a str, origin: (u32, u32)) -> Source<'a> {
        Source { file, text, lines: LineIndex::new(text), origin }
    }

    /// Line and column of `part`, a slice of the text.
    fn position(&self, part: &str) -> (u32, u32) {
        let offset = (part.as_ptr() as usize).saturating_sub(self.text.as_ptr() as usize);
        self.shift(self.lines.position(offset.min(self.text.len())))
    }

    fn shift(&self, (line, column): (u32, u32)) -> (u32, u32) {
        let column = if line <= 1 { column.saturating_add(self.origin.1 - 1) } else { column };
        (line.saturating_add(self.origin.0 - 1), column)
    }

    /// An error at a place in the text.
    pub(crate) fn error_at(&self, (line, column): (u32, u32), message: String, help: Option<String>) -> InputError {
        InputError { file: self.file.clone(), line, column, message, help }
    }

    /// Reads one JSON value from `part`, a slice of the text; white space around it is fine.
    pub(crate) fn parse(&'a self, part: &'a str) -> Result<Node<'a>, InputError> {
        match serde_json::from_str::<&RawValue>(part) {
            Ok(raw) => Ok(Node { source: self, raw: raw.get() }),
            Err(error) => Err(self.syntax_error(part, &error)),
        }
    }

    /// Reads JSON values standing one after the other, up to the first that cannot be read.
    pub(crate) fn parse_stream(&'a self, part: &'a str) -> (Vec<Node<'a>>, Option<InputError>) {
        let mut nodes = Vec::new();
        for raw in serde_json::Deserializer::from_str(part).into_iter::<&RawValue>() {
            match raw {
                Ok(raw) => nodes.push(Node { source: self, raw: raw.get() }),
                Err(error) => return (nodes, Some(self.syntax_error(part, &error))),
            }
        }
        (nodes, None)
    }

    fn syntax_error(&self, part: &str, error: &serde_json::Error) -> InputError {
        // serde_json counts from the start of what it was given, and says where in its message too.
        let (start_line, start_column) = self.position(part);
        let line = u32::try_from(error.line().max(1)).unwrap_or(u32::MAX);
        let column = u32::try_from(error.column().max(1)).unwrap_or(u32::MAX);
        let at = if line == 1 {
            (start_line, start_column.saturating_add(column - 1))
        } else {
            (start_line.saturating_add(line - 1), column)
        };
        let text = error.to_string();
        let what = text.split(" at line ").next().unwrap_or(&text);
        let help = if error.is_eof() {
            "the text ends too early: it was cut off, or a bracket or quote is not closed"
        } else {
            "correct the JSON at this place, or export it again"
        };
        self.error_at(at, format!("not valid JSON: {what}"), Some(help.into()))
    }
}

/// A JSON value in a [`Source`].
#[derive(Clone, Copy)]
pub(crate) struct Node<'a> {
    source: &'a Source<'a>,
    raw: &'a str,
}

/// Where the readers put the mistakes they find in one file.
#[derive(Default)]
pub(crate) struct Mistakes {
    errors: Vec<InputError>,
    n_dropped: usize,
}

impl Mistakes {
    pub(crate) fn push(&mut self, error: InputError) {
        if self.errors.len() < Errors::PER_FILE_MAX {
            self.errors.push(error);
        } else {
            self.n_dropped += 1;
        }
    }

    pub(crate) fn into_errors(mut self) -> Vec<InputError> {
        if let (Some(last), true) = (self.errors.last(), self.n_dropped > 0) {
            let message = format!("{} more errors in this file are not shown", self.n_dropped);
            self.errors.push(InputError { message, help: None, ..last.clone() });
        }
        self.errors
    }
}

impl<'a> Node<'a> {
    /// The text of the value.
    pub(crate) fn raw(self) -> &'a str {
        self.raw
    }

    /// The name of the file.
    pub(crate) fn file(self) -> &'a Arc<str> {
        &self.source.file
    }

    /// 1-based line and column.
    pub(crate) fn position(self) -> (u32, u32) {
        self.source.position(self.raw)
    }

    pub(crate) fn place(self) -> Place {
        Place { file: self.source.file.clone(), line: self.position().0 }
    }

    /// What JSON calls this kind of value.
    pub(crate) fn type_name(self) -> &'static str {
        match self.raw.as_bytes().first() {
            Some(b'{') => "an object",
            Some(b'[') => "a list",
            Some(b'"') => "a string",
            Some(b't' | b'f') => "a boolean",
            Some(b'n') => "null",
            _ => "a number",
        }
    }

    pub(crate) fn is_object(self) -> bool {
        self.raw.starts_with('{')
    }

    pub(crate) fn is_list(self) -> bool {
        self.raw.starts_with('[')
    }

    pub(crate) fn is_string(self) -> bool {
        self.raw.starts_with('"')
    }

    pub(crate) fn is_null(self) -> bool {
        self.raw == "null"
    }

    pub(crate) fn error(self, message: impl Into<String>, help: impl Into<String>) -> InputError {
        self.source.error_at(self.position(), message.into(), Some(help.into()))
    }

    /// "expected … , got …", at this value.
    pub(crate) fn wrong_type(self, expected: &str) -> InputError {
        self.error(format!("expected {expected}, got {}", self.type_name()), format!("write {expected} here"))
    }

    /// The string, or a mistake.
    pub(crate) fn string(self, mistakes: &mut Mistakes) -> Option<Cow<'a, str>> {
        if !self.is_string() {
            mistakes.push(self.wrong_type("a string"));
            return None;
        }
        self.decode().map_err(|error| mistakes.push(error)).ok()
    }

    /// Decodes a string; it was skipped before, when escapes were not looked at closely.
    fn decode(self) -> Result<Cow<'a, str>, InputError> {
        let inner = self.raw.get(1..self.raw.len().saturating_sub(1)).unwrap_or("");
        if !inner.contains('\\') {
            return Ok(Cow::Borrowed(inner));
        }
        match serde_json::from_str::<String>(self.raw) {
            Ok(text) => Ok(Cow::Owned(text)),
            Err(error) => Err(self.source.syntax_error(self.raw, &error)),
        }
    }

    /// The boolean, or a mistake.
    pub(crate) fn boolean(self, mistakes: &mut Mistakes) -> Option<bool> {
        match self.raw {
            "true" => Some(true),
            "false" => Some(false),
            _ => {
                mistakes.push(self.wrong_type("true or false"));
                None
            }
        }
    }

    /// The items of a list, or a mistake.
    pub(crate) fn list(self, mistakes: &mut Mistakes) -> Option<Vec<Node<'a>>> {
        if !self.is_list() {
            mistakes.push(self.wrong_type("a list"));
            return None;
        }
        let mut de = serde_json::Deserializer::from_str(self.raw);
        match de.deserialize_seq(Items) {
            Ok(items) => Some(items.into_iter().map(|raw| Node { source: self.source, raw: raw.get() }).collect()),
            Err(error) => {
                mistakes.push(self.source.syntax_error(self.raw, &error));
                None
            }
        }
    }

    /// The fields of an object in their order, or a mistake. A field that stands twice is a mistake.
    pub(crate) fn fields(self, mistakes: &mut Mistakes) -> Option<Fields<'a>> {
        if !self.is_object() {
            mistakes.push(self.wrong_type("an object"));
            return None;
        }
        let mut de = serde_json::Deserializer::from_str(self.raw);
        let entries = match de.deserialize_map(Entries) {
            Ok(entries) => entries,
            Err(error) => {
                mistakes.push(self.source.syntax_error(self.raw, &error));
                return None;
            }
        };
        let mut fields = Fields { node: self, entries: Vec::with_capacity(entries.len()), taken: Vec::new() };
        for (key, value) in entries {
            let key = Node { source: self.source, raw: key.get() };
            let name = key.decode().map_err(|error| mistakes.push(error)).ok()?;
            fields.entries.push(Field {
                name,
                key,
                value: Node { source: self.source, raw: value.get() },
                read: false,
            });
        }
        fields.refuse_duplicates(mistakes)?;
        Some(fields)
    }
}

/// One field of an object.
pub(crate) struct Field<'a> {
    pub(crate) name: Cow<'a, str>,
    pub(crate) key: Node<'a>,
    pub(crate) value: Node<'a>,
    read: bool,
}

/// The fields of an object, in order.
pub(crate) struct Fields<'a> {
    /// The object.
    pub(crate) node: Node<'a>,
    entries: Vec<Field<'a>>,
    taken: Vec<&'static str>,
}

impl<'a> Fields<'a> {
    /// No fields, at the place of `node`: the output of a command that printed nothing.
    pub(crate) fn empty(node: Node<'a>) -> Fields<'a> {
        Fields { node, entries: Vec::new(), taken: Vec::new() }
    }

    fn refuse_duplicates(&self, mistakes: &mut Mistakes) -> Option<()> {
        let mut order: Vec<usize> = (0..self.entries.len()).collect();
        order.sort_by(|a, b| self.entries[*a].name.cmp(&self.entries[*b].name).then(a.cmp(b)));
        let mut found = false;
        for pair in order.windows(2) {
            let (first, second) = (&self.entries[pair[0]], &self.entries[pair[1]]);
            if first.name == second.name {
                found = true;
                let message = format!("the field `{}` stands twice in one object", shorten(&second.name));
                mistakes.push(second.key.error(message, "keep one of the two"));
            }
        }
        if found { None } else { Some(()) }
    }

    /// All fields, whatever their names.
    pub(crate) fn all(&self) -> &[Field<'a>] {
        &self.entries
    }

    /// The value of a field; `None` where it is absent. The field counts as known from now on.
    pub(crate) fn any(&mut self, name: &'static str) -> Option<Node<'a>> {
        self.taken.push(name);
        let field = self.entries.iter_mut().find(|field| field.name == name)?;
        field.read = true;
        Some(field.value)
    }

    /// The value of a field; absent and null are the same.
    pub(crate) fn get(&mut self, name: &'static str) -> Option<Node<'a>> {
        self.any(name).filter(|value| !value.is_null())
    }

    /// The value of a field that must be there and not null.
    pub(crate) fn need(&mut self, name: &'static str, mistakes: &mut Mistakes) -> Option<Node<'a>> {
        let value = self.get(name);
        if value.is_none() {
            mistakes.push(self.node.error(format!("the field `{name}` is missing"), format!("add `{name}`")));
        }
        value
    }

    /// The string of a field that must be there.
    pub(crate) fn need_string(&mut self, name: &'static str, mistakes: &mut Mistakes) -> Option<Cow<'a, str>> {
        self.need(name, mistakes)?.string(mistakes)
    }

    /// The string of a field that may be absent or null.
    pub(crate) fn get_string(&mut self, name: &'static str, mistakes: &mut Mistakes) -> Option<String> {
        Some(self.get(name)?.string(mistakes)?.into_owned())
    }

    /// The boolean of a field that may be absent or null.
    pub(crate) fn get_boolean(&mut self, name: &'static str, mistakes: &mut Mistakes) -> Option<bool> {
        self.get(name)?.boolean(mistakes)
    }

    /// The items of a field that may be absent or null.
    pub(crate) fn get_list(&mut self, name: &'static str, mistakes: &mut Mistakes) -> Vec<Node<'a>> {
        self.get(name).and_then(|value| value.list(mistakes)).unwrap_or_default()
    }

    /// The strings of a field that may be absent or null.
    pub(crate) fn get_strings(&mut self, name: &'static str, mistakes: &mut Mistakes) -> Vec<String> {
        let items = self.get_list(name, mistakes);
        items.into_iter().filter_map(|item| Some(item.string(mistakes)?.into_owned())).collect()
    }

    /// Refuses the fields that nobody asked for.
    pub(crate) fn finish(self, what: &str, mistakes: &mut Mistakes) {
        for field in self.entries.iter().filter(|field| !field.read) {
            let message = format!("unknown field `{}` in {what}", shorten(&field.name));
            mistakes.push(field.key.error(message, format!("its fields are {}", self.taken.join(", "))));
        }
    }
}

struct Items;

impl<'de> Visitor<'de> for Items {
    type Value = Vec<&'de RawValue>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = seq.next_element()? {
            items.push(item);
        }
        Ok(items)
    }
}

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
