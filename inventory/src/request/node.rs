//! JSON values that know their place in the text and the field that leads to them.
//!
//! Requests and decision cases are answered field by field, so their errors name the field. Each level is read when
//! it is asked for; what is not looked into is skipped without recursion, so nesting costs no stack. Duplicate keys
//! are errors and numbers keep their text, neither of which a `serde_json::Value` can give.

use iamc_policy::source::LineIndex;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;
use std::fmt;
use std::str::FromStr;

/// What kind of mistake a [`FieldError`] is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FieldErrorKind {
    /// The text is no JSON, or a key stands twice in one object.
    Json,
    /// A field that does not exist.
    UnknownField,
    /// A field that is missing, or whose value is not what the field holds.
    Value,
}

/// Why a request, a set of facts or a decision case cannot be read: which field, where, and what is wrong.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}{message}", field_prefix(.field))]
pub struct FieldError {
    kind: FieldErrorKind,
    field: String,
    message: String,
    position: (u32, u32),
}

fn field_prefix(field: &str) -> String {
    if field.is_empty() { String::new() } else { format!("`{field}`: ") }
}

impl FieldError {
    /// What kind of mistake it is.
    pub fn kind(&self) -> FieldErrorKind {
        self.kind
    }

    /// The field, with dots and indexes: `facts.kms_grants[0].holds`; empty for the whole value.
    pub fn field(&self) -> &str {
        &self.field
    }

    /// What is wrong, without the field.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// 1-based line and column (bytes) in the text that was read.
    pub fn position(&self) -> (u32, u32) {
        self.position
    }
}

/// A JSON value inside a text.
#[derive(Debug, Clone)]
pub struct Node<'a> {
    source: &'a str,
    text: &'a str,
    field: String,
}

impl<'a> Node<'a> {
    /// The one value of `source`; its field is empty.
    ///
    /// Errors: `source` is not exactly one JSON value. Cost: O(bytes).
    pub fn parse(source: &'a str) -> Result<Node<'a>, FieldError> {
        match serde_json::from_str::<&RawValue>(source) {
            Ok(raw) => Ok(Node { source, text: raw.get(), field: String::new() }),
            Err(error) => Err(Node { source, text: source, field: String::new() }.syntax_error(&error)),
        }
    }

    /// The text of the value, without white space around it.
    pub fn text(&self) -> &'a str {
        self.text
    }

    /// The field that leads to the value.
    pub fn field(&self) -> &str {
        &self.field
    }

    /// 1-based line and column (bytes) of the value. Cost: O(bytes before it).
    pub fn position(&self) -> (u32, u32) {
        let offset = (self.text.as_ptr() as usize).saturating_sub(self.source.as_ptr() as usize);
        LineIndex::new(self.source.get(..offset).unwrap_or("")).position(offset)
    }

    /// The same value under the name of a part of it: for errors about a part that is missing.
    pub fn child(&self, name: &str) -> Node<'a> {
        let field = if self.field.is_empty() { name.to_owned() } else { format!("{}.{name}", self.field) };
        Node { field, ..self.clone() }
    }

    /// An error about this value.
    pub fn error(&self, message: impl Into<String>) -> FieldError {
        self.error_of(FieldErrorKind::Value, message)
    }

    fn error_of(&self, kind: FieldErrorKind, message: impl Into<String>) -> FieldError {
        FieldError { kind, field: self.field.clone(), message: message.into(), position: self.position() }
    }

    fn syntax_error(&self, error: &serde_json::Error) -> FieldError {
        let text = error.to_string();
        let what = text.split(" at line ").next().unwrap_or(&text);
        let (line, column) = self.position();
        let (down, right) = (error.line().max(1) as u32 - 1, error.column().max(1) as u32);
        let position = if down == 0 { (line, column.saturating_add(right - 1)) } else { (line + down, right) };
        FieldError { position, ..self.error_of(FieldErrorKind::Json, format!("not valid JSON: {what}")) }
    }

    /// True iff it is an object.
    pub fn is_object(&self) -> bool {
        self.text.starts_with('{')
    }

    /// True iff it is an array.
    pub fn is_array(&self) -> bool {
        self.text.starts_with('[')
    }

    /// True iff it is a string.
    pub fn is_string(&self) -> bool {
        self.text.starts_with('"')
    }

    /// True iff it is `null`.
    pub fn is_null(&self) -> bool {
        self.text == "null"
    }

    fn expected(&self, what: &str) -> FieldError {
        let got = match self.text.as_bytes().first() {
            Some(b'{') => "an object",
            Some(b'[') => "a list",
            Some(b'"') => "a string",
            Some(b't' | b'f') => "a boolean",
            Some(b'n') => "null",
            _ => "a number",
        };
        self.error(format!("expected {what}, got {got}"))
    }

    /// The fields of an object, in the order of the text.
    ///
    /// Errors: it is no object; a key stands twice.
    pub fn fields(&self) -> Result<Vec<(String, Node<'a>)>, FieldError> {
        if !self.is_object() {
            return Err(self.expected("an object"));
        }
        let mut reader = serde_json::Deserializer::from_str(self.text);
        let entries = reader.deserialize_map(Entries).map_err(|error| self.syntax_error(&error))?;
        let mut fields = Vec::with_capacity(entries.len());
        for (name, raw) in entries {
            let value = Node { text: raw.get(), ..self.child(&name) };
            fields.push((name, value));
        }
        let mut names: Vec<&str> = fields.iter().map(|(name, _)| name.as_str()).collect();
        names.sort_unstable();
        match names.windows(2).find(|pair| pair[0] == pair[1]) {
            Some(pair) => Err(self.child(pair[0]).error_of(FieldErrorKind::Json, "the key stands twice in one object")),
            None => Ok(fields),
        }
    }

    /// The fields of an object that has no others than these.
    ///
    /// Errors: as [`Node::fields`], and a field that is not in `known`.
    pub fn fields_of(&self, known: &[&str]) -> Result<Vec<(String, Node<'a>)>, FieldError> {
        let fields = self.fields()?;
        match fields.iter().find(|(name, _)| !known.contains(&name.as_str())) {
            Some((_, value)) => {
                let message = format!("there is no such field; the fields are {}", known.join(", "));
                Err(value.error_of(FieldErrorKind::UnknownField, message))
            }
            None => Ok(fields),
        }
    }

    /// The items of a list.
    ///
    /// Errors: it is no list.
    pub fn items(&self) -> Result<Vec<Node<'a>>, FieldError> {
        if !self.is_array() {
            return Err(self.expected("a list"));
        }
        let raws: Vec<&'a RawValue> = serde_json::from_str(self.text).map_err(|error| self.syntax_error(&error))?;
        let node = |(index, raw): (usize, &'a RawValue)| Node {
            source: self.source,
            text: raw.get(),
            field: format!("{}[{index}]", self.field),
        };
        Ok(raws.into_iter().enumerate().map(node).collect())
    }

    /// The string.
    ///
    /// Errors: it is no string, or one that is no Unicode text.
    pub fn string(&self) -> Result<String, FieldError> {
        if !self.is_string() {
            return Err(self.expected("a string"));
        }
        serde_json::from_str(self.text).map_err(|error| self.syntax_error(&error))
    }

    /// The boolean.
    ///
    /// Errors: it is none.
    pub fn boolean(&self) -> Result<bool, FieldError> {
        match self.text {
            "true" => Ok(true),
            "false" => Ok(false),
            _ => Err(self.expected("true or false")),
        }
    }

    /// A string, number or boolean as text; numbers keep their JSON source text.
    ///
    /// Errors: it is none of them.
    pub fn scalar(&self) -> Result<String, FieldError> {
        match self.text.as_bytes().first() {
            Some(b'"') => self.string(),
            Some(b'{' | b'[' | b'n') | None => Err(self.expected("a string, a number or a boolean")),
            Some(_) => Ok(self.text.to_owned()),
        }
    }

    /// The string, read as a `T`.
    ///
    /// Errors: it is no string, or `T` refuses it.
    pub fn parsed<T: FromStr<Err: fmt::Display>>(&self) -> Result<T, FieldError> {
        self.string()?.parse().map_err(|error: T::Err| self.error(error.to_string()))
    }
}

struct Entries;

impl<'de> Visitor<'de> for Entries {
    type Value = Vec<(String, &'de RawValue)>;

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
