//! Values of an input file: JSON that knows its place, and the mistakes found in it.
//!
//! [`iamc_policy::json`] splits the text; here a value knows its file as well, and what is wrong with it becomes an
//! [`InputError`]. Each level is read when it is asked for, so the cost is at most O(depth x bytes), and the depth of
//! what we look into is small.

use crate::error::{Errors, InputError};
use iamc_policy::json::{self, Fault, Outline, Shape, shown};
use iamc_policy::source::{LineIndex, Place};
use std::borrow::Cow;
use std::sync::Arc;

/// A text that is being read, and where it stands.
pub(crate) struct Source<'a> {
    /// Its name, for people.
    pub(crate) file: Arc<str>,
    text: &'a str,
    /// Where its values are, if it is valid as a whole.
    outline: Option<Outline>,
    lines: LineIndex,
    /// Line and column of the first byte; (1, 1) for a whole file.
    origin: (u32, u32),
    /// Whether the text was decoded from a string of the file: everything in it stands where that string begins.
    embedded: bool,
}

impl<'a> Source<'a> {
    pub(crate) fn new(file: Arc<str>, text: &'a str, origin: (u32, u32)) -> Source<'a> {
        Source { file, text, outline: Outline::new(text), lines: LineIndex::new(text), origin, embedded: false }
    }

    /// The decoded text of the string `at`.
    pub(crate) fn embedded(at: Node<'_>, text: &'a str) -> Source<'a> {
        let (file, origin) = (at.source.file.clone(), at.position());
        Source { file, text, outline: Outline::new(text), lines: LineIndex::new(""), origin, embedded: true }
    }

    /// Line and column of an offset into the text.
    fn position(&self, offset: usize) -> (u32, u32) {
        if self.embedded {
            return self.origin;
        }
        self.shift(self.lines.position(offset.min(self.text.len())))
    }

    /// Where `part`, a slice of the text, begins in it.
    fn offset(&self, part: &str) -> usize {
        (part.as_ptr() as usize).saturating_sub(self.text.as_ptr() as usize)
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
        match json::Node::parse_with(part, self.offset(part), self.outline.as_ref()) {
            Ok(value) => Ok(Node { source: self, value, any_case: false }),
            Err(fault) => Err(self.syntax_error(fault)),
        }
    }

    /// Reads JSON values standing one after the other, up to the first that cannot be read.
    pub(crate) fn parse_stream(&'a self, part: &'a str) -> (Vec<Node<'a>>, Option<InputError>) {
        // What is read is the whole text, but for a byte order mark that the outline does not know either.
        let (values, fault) = match &self.outline {
            Some(outline) => (json::Node::roots(self.text, outline), None),
            None => json::Node::parse_stream(part, self.offset(part)),
        };
        let nodes = values.into_iter().map(|value| Node { source: self, value, any_case: false }).collect();
        (nodes, fault.map(|fault| self.syntax_error(fault)))
    }

    fn syntax_error(&self, fault: Fault) -> InputError {
        let help = fault.help.unwrap_or_else(|| "correct the JSON at this place, or export it again".to_owned());
        self.error_at(self.position(fault.span.start), format!("not valid JSON: {}", fault.message), Some(help))
    }
}

/// A JSON value in a [`Source`].
#[derive(Clone, Copy)]
pub(crate) struct Node<'a> {
    source: &'a Source<'a>,
    value: json::Node<'a>,
    /// Whether names of fields in it are found without regard to ASCII case.
    any_case: bool,
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
    /// The same value, in which names of fields are found without regard to ASCII case: AWS Config spells the fields of
    /// a service model in its own way, and not always in the same one.
    pub(crate) fn in_any_case(self) -> Node<'a> {
        Node { any_case: true, ..self }
    }

    /// Whether [`Node::in_any_case`] holds of it.
    pub(crate) fn is_in_any_case(self) -> bool {
        self.any_case
    }

    /// Whether it stands in the file as it is, and not inside a string of it.
    pub(crate) fn is_verbatim(self) -> bool {
        !self.source.embedded
    }

    /// The text of the value.
    pub(crate) fn raw(self) -> &'a str {
        self.value.source()
    }

    /// The name of the file.
    pub(crate) fn file(self) -> &'a Arc<str> {
        &self.source.file
    }

    /// 1-based line and column.
    pub(crate) fn position(self) -> (u32, u32) {
        self.source.position(self.value.span().start)
    }

    pub(crate) fn place(self) -> Place {
        Place { file: self.source.file.clone(), line: self.position().0 }
    }

    /// What JSON calls this kind of value.
    pub(crate) fn type_name(self) -> &'static str {
        match self.value.shape() {
            Shape::Null => "null",
            shape => shape.name(),
        }
    }

    pub(crate) fn is_object(self) -> bool {
        self.value.shape() == Shape::Object
    }

    pub(crate) fn is_list(self) -> bool {
        self.value.shape() == Shape::List
    }

    pub(crate) fn is_string(self) -> bool {
        self.value.shape() == Shape::Text
    }

    pub(crate) fn is_null(self) -> bool {
        self.value.shape() == Shape::Null
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
        self.value.text().map_err(|fault| mistakes.push(self.source.syntax_error(fault))).ok()
    }

    /// The boolean, or a mistake.
    pub(crate) fn boolean(self, mistakes: &mut Mistakes) -> Option<bool> {
        match self.raw() {
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
        match self.value.items_with(|value| Node { value, ..self }) {
            Ok(items) => Some(items),
            Err(fault) => {
                mistakes.push(self.source.syntax_error(fault));
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
        let (entries, faults) = self.value.entries_with(|entry| Field {
            name: entry.key,
            key_start: entry.key_span.start,
            value: Node { value: entry.value, ..self },
            read: false,
        });
        if !faults.is_empty() {
            faults.into_iter().for_each(|fault| mistakes.push(self.source.syntax_error(fault)));
            return None;
        }
        let fields = Fields { node: self, entries, taken: None };
        fields.refuse_duplicates(mistakes)?;
        Some(fields)
    }
}

/// One field of an object.
pub(crate) struct Field<'a> {
    pub(crate) name: Cow<'a, str>,
    /// Offset of the name in the source.
    key_start: usize,
    pub(crate) value: Node<'a>,
    read: bool,
}

/// The fields of an object, in order.
pub(crate) struct Fields<'a> {
    /// The object.
    pub(crate) node: Node<'a>,
    entries: Vec<Field<'a>>,
    /// The names that were asked for, of a format of which every name is known.
    taken: Option<Vec<&'static str>>,
}

impl<'a> Fields<'a> {
    /// No fields, at the place of `node`: the output of a command that printed nothing.
    pub(crate) fn empty(node: Node<'a>) -> Fields<'a> {
        Fields { node, entries: Vec::new(), taken: None }
    }

    /// An error at the name of a field.
    fn error_at(&self, field: &Field<'_>, message: String, help: String) -> InputError {
        let source = self.node.source;
        source.error_at(source.position(field.key_start), message, Some(help))
    }

    fn refuse_duplicates(&self, mistakes: &mut Mistakes) -> Option<()> {
        // Most objects are small: a list in order would cost more than looking.
        const SMALL: usize = 12;
        let is_first = |at: usize| self.entries[..at].iter().all(|field| field.name != self.entries[at].name);
        if self.entries.len() <= SMALL && (1..self.entries.len()).all(is_first) {
            return Some(());
        }
        let mut order: Vec<usize> = (0..self.entries.len()).collect();
        order.sort_by(|a, b| self.entries[*a].name.cmp(&self.entries[*b].name).then(a.cmp(b)));
        let mut found = false;
        for pair in order.windows(2) {
            let (first, second) = (&self.entries[pair[0]], &self.entries[pair[1]]);
            if first.name == second.name {
                found = true;
                let message = format!("the field `{}` stands twice in one object", shown(&second.name));
                mistakes.push(self.error_at(second, message, "keep one of the two".to_owned()));
            }
        }
        if found { None } else { Some(()) }
    }

    /// From now on the names that are asked for are noted, for [`Fields::finish`].
    pub(crate) fn noting(self) -> Fields<'a> {
        Fields { taken: Some(Vec::new()), ..self }
    }

    /// All fields, whatever their names.
    pub(crate) fn all(&self) -> &[Field<'a>] {
        &self.entries
    }

    /// The value of a field; `None` where it is absent. The field counts as known from now on.
    pub(crate) fn any(&mut self, name: &'static str) -> Option<Node<'a>> {
        if let Some(taken) = &mut self.taken {
            taken.push(name);
        }
        let any_case = self.node.any_case;
        let field = self
            .entries
            .iter_mut()
            .find(|field| if any_case { field.name.eq_ignore_ascii_case(name) } else { field.name == name })?;
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

    /// Refuses the fields that nobody asked for since [`Fields::noting`].
    pub(crate) fn finish(self, what: &str, mistakes: &mut Mistakes) {
        for field in self.entries.iter().filter(|field| !field.read) {
            let message = format!("unknown field `{}` in {what}", shown(&field.name));
            mistakes.push(self.error_at(
                field,
                message,
                format!("its fields are {}", self.taken.iter().flatten().copied().collect::<Vec<_>>().join(", ")),
            ));
        }
    }
}
