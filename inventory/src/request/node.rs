//! JSON values that know their place in the text and the field that leads to them.
//!
//! Requests and decision cases are answered field by field, so their errors name the field. Each level is read when
//! it is asked for; what is not looked into is skipped without recursion, so nesting costs no stack. Duplicate keys
//! are errors and numbers keep their text, neither of which a `serde_json::Value` can give.

use crate::error::one_line;
use iamc_policy::json::{self, Fault, Shape};
use iamc_policy::source::LineIndex;
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
    value: json::Node<'a>,
    field: String,
}

impl<'a> Node<'a> {
    /// The one value of `source`; its field is empty.
    ///
    /// Errors: `source` is not exactly one JSON value. Cost: O(bytes).
    pub fn parse(source: &'a str) -> Result<Node<'a>, FieldError> {
        match json::Node::parse(source, 0) {
            Ok(value) => Ok(Node { source, value, field: String::new() }),
            Err(fault) => Err(syntax_error(source, "", fault)),
        }
    }

    /// The text of the value, without white space around it.
    pub fn text(&self) -> &'a str {
        self.value.source()
    }

    /// The field that leads to the value.
    pub fn field(&self) -> &str {
        &self.field
    }

    /// 1-based line and column (bytes) of the value. Cost: O(bytes before it).
    pub fn position(&self) -> (u32, u32) {
        position(self.source, self.value.span().start)
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
        let mut message = message.into();
        one_line(&mut message);
        FieldError { kind, field: self.field.clone(), message, position: self.position() }
    }

    fn syntax_error(&self, fault: Fault) -> FieldError {
        syntax_error(self.source, &self.field, fault)
    }

    /// True iff it is an object.
    pub fn is_object(&self) -> bool {
        self.value.shape() == Shape::Object
    }

    /// True iff it is an array.
    pub fn is_array(&self) -> bool {
        self.value.shape() == Shape::List
    }

    /// True iff it is a string.
    pub fn is_string(&self) -> bool {
        self.value.shape() == Shape::Text
    }

    /// True iff it is `null`.
    pub fn is_null(&self) -> bool {
        self.value.shape() == Shape::Null
    }

    fn expected(&self, what: &str) -> FieldError {
        let got = match self.value.shape() {
            Shape::Null => "null",
            shape => shape.name(),
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
        let (entries, faults) = self.value.entries();
        if let Some(fault) = faults.into_iter().next() {
            return Err(self.syntax_error(fault));
        }
        let mut fields = Vec::with_capacity(entries.len());
        for entry in entries {
            let value = Node { value: entry.value, ..self.child(&entry.key) };
            fields.push((entry.key.into_owned(), value));
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
        let items = self.value.items().map_err(|fault| self.syntax_error(fault))?;
        let node = |(index, value): (usize, json::Node<'a>)| Node {
            source: self.source,
            value,
            field: format!("{}[{index}]", self.field),
        };
        Ok(items.into_iter().enumerate().map(node).collect())
    }

    /// The string.
    ///
    /// Errors: it is no string, or one that is no Unicode text.
    pub fn string(&self) -> Result<String, FieldError> {
        if !self.is_string() {
            return Err(self.expected("a string"));
        }
        self.value.text().map(|text| text.into_owned()).map_err(|fault| self.syntax_error(fault))
    }

    /// The boolean.
    ///
    /// Errors: it is none.
    pub fn boolean(&self) -> Result<bool, FieldError> {
        match self.text() {
            "true" => Ok(true),
            "false" => Ok(false),
            _ => Err(self.expected("true or false")),
        }
    }

    /// A string, number or boolean as text; numbers keep their JSON source text.
    ///
    /// Errors: it is none of them.
    pub fn scalar(&self) -> Result<String, FieldError> {
        match self.value.shape() {
            Shape::Text => self.string(),
            Shape::Object | Shape::List | Shape::Null => Err(self.expected("a string, a number or a boolean")),
            Shape::Number | Shape::Boolean => Ok(self.text().to_owned()),
        }
    }

    /// The string, read as a `T`.
    ///
    /// Errors: it is no string, or `T` refuses it.
    pub fn parsed<T: FromStr<Err: fmt::Display>>(&self) -> Result<T, FieldError> {
        self.string()?.parse().map_err(|error: T::Err| self.error(error.to_string()))
    }
}

fn position(source: &str, offset: usize) -> (u32, u32) {
    LineIndex::new(source.get(..offset).unwrap_or("")).position(offset)
}

fn syntax_error(source: &str, field: &str, fault: Fault) -> FieldError {
    FieldError {
        kind: FieldErrorKind::Json,
        field: field.to_owned(),
        message: format!("not valid JSON: {}", fault.message),
        position: position(source, fault.span.start),
    }
}
