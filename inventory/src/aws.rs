//! Outputs of the AWS command line -> [`Fact`]s.
//!
//! Shapes are those of the AWS service models. Fields that we do not need are passed over, since AWS adds some at any
//! time; a field that we need and that has the wrong type is an error.

pub(crate) mod commands;
pub(crate) mod details;
pub(crate) mod organization;
pub(crate) mod resources;
pub(crate) mod shares;

use crate::documents::{DocumentText, Documents, Notes};
use crate::error::shorten;
use crate::fact::{Fact, Listing, Page};
use crate::json::{Fields, Mistakes, Node, Source};
use crate::report::{Skipped, Skips};
use iamc_policy::Arn;
use iamc_policy::document::PolicyKind;
use iamc_policy::ids::AccountId;
use iamc_policy::world::NamedPolicy;
use std::borrow::Cow;
use std::collections::HashMap;

/// What the readers of one file share.
pub(crate) struct Reader<'r> {
    pub(crate) documents: &'r Documents,
    pub(crate) notes: &'r mut Notes,
    pub(crate) facts: Vec<Fact>,
    pub(crate) skipped: Skips,
}

/// What is known about how an output came to be: from its wrapper, or from the names of its file and folders.
#[derive(Clone, Default)]
pub(crate) struct Asked<'a> {
    /// The service, e.g. `s3api`; empty where only the command is known.
    pub(crate) service: String,
    /// The command, e.g. `get-bucket-policy`; empty where it is not known.
    pub(crate) command: String,
    /// Its arguments, their names in kebab-case without dashes in front.
    pub(crate) arguments: Vec<(String, Node<'a>)>,
    /// The name of the file without its extension, where the folder names the command.
    pub(crate) id: Option<String>,
    /// The account that was asked.
    pub(crate) account: Option<AccountId>,
    /// The account after which the file is named; used where nothing else names one.
    pub(crate) file_account: Option<AccountId>,
    /// The Region that was asked.
    pub(crate) region: Option<String>,
    /// The code of the error in which the command ended.
    pub(crate) error: Option<String>,
}

impl<'a> Asked<'a> {
    pub(crate) fn argument(&self, name: &str) -> Option<Node<'a>> {
        self.arguments.iter().find(|(key, _)| key == name).map(|(_, value)| *value)
    }

    /// The text of the argument `name`, or of the file's name where the folder names the command.
    pub(crate) fn text(&self, name: &str, mistakes: &mut Mistakes) -> Option<String> {
        match self.argument(name) {
            Some(node) => Some(node.string(mistakes)?.into_owned()),
            None => self.id.clone(),
        }
    }
}

/// The partition in which a Region lies.
pub(crate) fn partition(region: &str) -> &'static str {
    const PREFIXES: &[(&str, &str)] = &[
        ("cn-", "aws-cn"),
        ("us-gov-", "aws-us-gov"),
        ("us-iso-", "aws-iso"),
        ("us-isob-", "aws-iso-b"),
        ("us-isof-", "aws-iso-f"),
        ("eu-isoe-", "aws-iso-e"),
        ("eusc-", "aws-eusc"),
    ];
    PREFIXES.iter().find(|(prefix, _)| region.starts_with(prefix)).map_or("aws", |(_, partition)| partition)
}

/// `KeyId`, `key_id` and `--key-id` -> `key-id`.
pub(crate) fn kebab(name: &str) -> String {
    let mut text = String::with_capacity(name.len() + 4);
    let mut after_lower = false;
    for c in name.trim_start_matches('-').chars() {
        if c == '_' || c == '-' {
            text.push('-');
            after_lower = false;
        } else {
            if c.is_ascii_uppercase() && after_lower {
                text.push('-');
            }
            text.push(c.to_ascii_lowercase());
            after_lower = !c.is_ascii_uppercase();
        }
    }
    text
}

impl<'r> Reader<'r> {
    pub(crate) fn mistakes(&mut self) -> &mut Mistakes {
        &mut self.notes.mistakes
    }

    pub(crate) fn skip(&mut self, node: Node<'_>, why: impl Into<String>) {
        self.skipped.push(Skipped { place: node.place(), why: why.into() });
    }

    /// Notes a page of a listing. `fields` are those of the output.
    pub(crate) fn page(&mut self, of: Listing, fields: &mut Fields<'_>) {
        let truncated = self.is_truncated(fields);
        self.facts.push(Fact::Page(Box::new(Page { of, truncated, place: fields.node.place() })));
    }

    /// Whether more pages follow: the service says so, or the command line stopped at `--max-items`.
    pub(crate) fn is_truncated(&mut self, fields: &mut Fields<'_>) -> bool {
        let mut truncated = false;
        for name in ["IsTruncated", "Truncated"] {
            truncated |= fields.get_boolean(name, &mut self.notes.mistakes).unwrap_or(false);
        }
        for name in ["NextToken", "ContinuationToken"] {
            truncated |= fields.get(name).is_some_and(|token| token.raw() != "\"\"");
        }
        truncated
    }

    /// The items of a list. A single object stands for a list of one, as some tools write it; absent and null are empty.
    pub(crate) fn objects<'a>(&mut self, fields: &mut Fields<'a>, name: &'static str) -> Vec<Fields<'a>> {
        let nodes = match fields.get(name) {
            None => Vec::new(),
            Some(node) if node.is_object() => vec![node],
            Some(node) => node.list(&mut self.notes.mistakes).unwrap_or_default(),
        };
        nodes.into_iter().filter_map(|node| node.fields(&mut self.notes.mistakes)).collect()
    }

    pub(crate) fn parse_arn(&mut self, node: Node<'_>) -> Option<Arn> {
        let text = node.string(&mut self.notes.mistakes)?;
        match text.parse() {
            Ok(arn) => Some(arn),
            Err(error) => {
                let error = node.error(format!("{error}"), "export it again; AWS writes whole ARNs");
                self.notes.mistakes.push(error);
                None
            }
        }
    }

    pub(crate) fn need_arn(&mut self, fields: &mut Fields<'_>, name: &'static str) -> Option<Arn> {
        let node = fields.need(name, &mut self.notes.mistakes)?;
        self.parse_arn(node)
    }

    pub(crate) fn account_id(&mut self, node: Node<'_>) -> Option<AccountId> {
        let text = node.string(&mut self.notes.mistakes)?;
        match text.parse() {
            Ok(id) => Some(id),
            Err(error) => {
                let help = "write the account number as a string of 12 digits, in quotes";
                self.notes.mistakes.push(node.error(error.to_string(), help));
                None
            }
        }
    }

    /// Reads the JSON value that a string holds; a value that is no string is read as it is.
    ///
    /// Some services put JSON into strings, and some tools do so once more: at most a few levels are undone.
    pub(crate) fn embedded<T>(
        &mut self,
        node: Node<'_>,
        read: impl FnOnce(&mut Self, Node<'_>) -> Option<T>,
    ) -> Option<T> {
        if !node.is_string() {
            return read(self, node);
        }
        let mut text = node.string(&mut self.notes.mistakes)?.into_owned();
        for _ in 0..3 {
            let trimmed = text.trim_start();
            if !trimmed.starts_with('"') {
                break;
            }
            let source = Source::embedded(node, trimmed);
            let inner = match source.parse(trimmed) {
                Ok(inner) => inner.string(&mut self.notes.mistakes)?.into_owned(),
                Err(error) => {
                    self.notes.mistakes.push(error);
                    return None;
                }
            };
            text = inner;
        }
        let source = Source::embedded(node, &text);
        match source.parse(&text) {
            Ok(inner) => read(self, if node.is_in_any_case() { inner.in_any_case() } else { inner }),
            Err(error) => {
                self.notes.mistakes.push(error);
                None
            }
        }
    }

    /// Tags, as an object or as a list of objects with a key and a value each.
    ///
    /// A key that stands twice with the same value is one tag; with two values it is an error.
    pub(crate) fn tags(&mut self, node: Node<'_>) -> Option<Vec<(String, String)>> {
        let mut tags: Vec<(String, String)> = Vec::new();
        let mut index: HashMap<String, usize> = HashMap::new();
        if node.is_object() {
            for field in node.fields(&mut self.notes.mistakes)?.all() {
                let value = field.value.string(&mut self.notes.mistakes)?.into_owned();
                tags.push((field.name.to_string(), value));
            }
            return Some(tags);
        }
        for item in node.list(&mut self.notes.mistakes)? {
            let mut fields = item.fields(&mut self.notes.mistakes)?;
            let mut text = |names: [&'static str; 3]| {
                let node = names.into_iter().find_map(|name| fields.get(name));
                let Some(node) = node else {
                    let help = "a tag is an object with `Key` and `Value`";
                    self.notes.mistakes.push(item.error(format!("the field `{}` is missing", names[0]), help));
                    return None;
                };
                Some(node.string(&mut self.notes.mistakes)?.into_owned())
            };
            let (key, value) = (text(["Key", "key", "TagKey"])?, text(["Value", "value", "TagValue"])?);
            match index.get(&key).and_then(|at| tags.get(*at)) {
                None => {
                    index.insert(key.clone(), tags.len());
                    tags.push((key, value));
                }
                Some((_, known)) if *known == value => {}
                Some(_) => {
                    let message = format!("the tag `{}` stands twice, with different values", shorten(&key));
                    self.notes.mistakes.push(item.error(message, "keep one of the two"));
                }
            }
        }
        Some(tags)
    }

    /// A policy document: an object, JSON text, or percent-encoded JSON text (RFC 3986, as the API returns it).
    pub(crate) fn document(&mut self, kind: PolicyKind, name: String, node: Node<'_>) -> Option<NamedPolicy> {
        if node.is_null() {
            let mut policy = NamedPolicy::unknown(name);
            policy.place = Some(node.place());
            return Some(policy);
        }
        if node.is_object() {
            let verbatim = node.is_verbatim();
            let document = DocumentText { text: node.raw(), literal: false, at: node, verbatim };
            return Some(self.documents.read(kind, name, &document, self.notes));
        }
        if !node.is_string() {
            let error = node.wrong_type("a policy document: an object, or its text");
            self.notes.mistakes.push(error);
            return None;
        }
        // Half of a surrogate pair is a mistake of the file, not of the document.
        if node.raw().contains("\\u") {
            node.string(&mut self.notes.mistakes)?;
        }
        let document = DocumentText { text: node.raw(), literal: true, at: node, verbatim: false };
        Some(self.documents.read(kind, name, &document, self.notes))
    }
}

/// The document that a JSON string holds: its text, percent-encoded text, text of text, or text without its quotes.
pub(crate) fn document_text(literal: &str) -> Cow<'_, str> {
    let inner = literal.get(1..literal.len().saturating_sub(1)).unwrap_or_default();
    let text = match inner.contains('\\') {
        false => Cow::Borrowed(inner),
        true => serde_json::from_str::<String>(literal).map_or(Cow::Borrowed(inner), Cow::Owned),
    };
    let mut decoded = match text {
        Cow::Borrowed(text) => decode(text),
        Cow::Owned(text) => Cow::Owned(decode(&text).into_owned()),
    };
    // Text of text, as some tools that keep documents as strings write it.
    for _ in 0..2 {
        match decoded.trim_start().starts_with('"').then(|| serde_json::from_str::<String>(&decoded)) {
            Some(Ok(inner)) => decoded = Cow::Owned(decode(&inner).into_owned()),
            _ => break,
        }
    }
    match unescape(&decoded) {
        Some(inner) => Cow::Owned(inner),
        None => decoded,
    }
}

/// Undoes the escapes of a JSON string that lacks its quotes, as API Gateway returns policies.
fn unescape(text: &str) -> Option<String> {
    if !text.trim_start().starts_with("{\\\"") {
        return None;
    }
    serde_json::from_str(&format!("\"{text}\"")).ok()
}

const NO_DIGIT: u8 = 0xff;

/// The value of each byte as a hexadecimal digit.
const HEX: [u8; 256] = {
    let mut values = [NO_DIGIT; 256];
    let mut digit = 0;
    while digit < 10 {
        values[b'0' as usize + digit] = digit as u8;
        digit += 1;
    }
    let mut digit = 0;
    while digit < 6 {
        values[b'a' as usize + digit] = 10 + digit as u8;
        values[b'A' as usize + digit] = 10 + digit as u8;
        digit += 1;
    }
    values
};

/// Undoes percent-encoding. JSON text is left alone, and so is what cannot be decoded: the parser says what is wrong.
fn decode(text: &str) -> Cow<'_, str> {
    if !text.trim_start().starts_with('%') {
        return Cow::Borrowed(text);
    }
    let digit = |byte: Option<&u8>| byte.and_then(|byte| HEX.get(usize::from(*byte))).copied().unwrap_or(NO_DIGIT);
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some(at) = rest.iter().position(|byte| *byte == b'%') {
        bytes.extend_from_slice(&rest[..at]);
        let (high, low) = (digit(rest.get(at + 1)), digit(rest.get(at + 2)));
        if high == NO_DIGIT || low == NO_DIGIT {
            return Cow::Borrowed(text);
        }
        bytes.push(high << 4 | low);
        rest = &rest[at + 3..];
    }
    bytes.extend_from_slice(rest);
    String::from_utf8(bytes).map_or(Cow::Borrowed(text), Cow::Owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percent_encoding_is_undone() {
        for (text, expected) in [
            ("%7B%22a%22%3A%20%22%C3%A9%22%7D", "{\"a\": \"é\"}"),
            ("%7b%22a%22:1%7d", "{\"a\":1}"),
            ("%7B+%7D", "{+}"),
            ("{\"a\":\"100%25\"}", "{\"a\":\"100%25\"}"),
            ("  %7B%7D", "  {}"),
            ("%7", "%7"),
            ("%zz", "%zz"),
            ("%FF", "%FF"),
            ("%é1", "%é1"),
            ("", ""),
        ] {
            assert_eq!(decode(text), expected);
        }
    }

    #[test]
    fn escapes_without_quotes_are_undone() {
        assert_eq!(unescape(r#"{\"a\":\"b\"}"#).as_deref(), Some(r#"{"a":"b"}"#));
        assert_eq!(unescape(r#"{"a":"b"}"#), None);
        assert_eq!(unescape(r#"{\"a\":"b"}"#), None);
    }

    #[test]
    fn argument_names_have_one_spelling() {
        for name in ["--key-id", "KeyId", "keyId", "key_id", "key-id"] {
            assert_eq!(kebab(name), "key-id");
        }
        assert_eq!(kebab("ResourceARN"), "resource-arn");
    }

    #[test]
    fn regions_lie_in_partitions() {
        assert_eq!(partition("eu-central-1"), "aws");
        assert_eq!(partition("cn-north-1"), "aws-cn");
        assert_eq!(partition("us-gov-west-1"), "aws-us-gov");
    }
}
