//! Condition keys: their types, and which names a family such as `aws:RequestTag/${TagKey}` stands for.

/// The type of a condition key (R-9.7), without the `ArrayOf` prefix.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum KeyType {
    /// `String`.
    String,
    /// `ARN`.
    Arn,
    /// `Bool`.
    Bool,
    /// `Numeric`.
    Numeric,
    /// `Date`.
    Date,
    /// `IPAddress`.
    IpAddress,
    /// `Binary`.
    Binary,
}

/// What is declared of a condition key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct KeyFacts {
    /// Its type.
    pub key_type: KeyType,
    /// True iff it is multi-valued (R-4.3).
    pub multi: bool,
}

impl KeyFacts {
    /// Reads a type as the service authorization reference writes it: `String`, `ArrayOfString`, `IPAddress` …
    ///
    /// Case does not matter, and `Boolean`, `Long`, `Integer` are read as what they mean. `None`: no type that R-9.7
    /// names.
    ///
    /// ```
    /// use iamc_catalogue::{KeyFacts, KeyType};
    /// assert_eq!(KeyFacts::parse("ArrayOfARN"), Some(KeyFacts { key_type: KeyType::Arn, multi: true }));
    /// assert_eq!(KeyFacts::parse("Blob"), None);
    /// ```
    pub fn parse(text: &str) -> Option<KeyFacts> {
        let lower = text.trim().to_ascii_lowercase();
        let (multi, base) = match lower.strip_prefix("arrayof") {
            Some(base) => (true, base),
            None => (false, lower.as_str()),
        };
        let key_type = match base {
            "string" => KeyType::String,
            "arn" => KeyType::Arn,
            "bool" | "boolean" => KeyType::Bool,
            "numeric" | "integer" | "long" => KeyType::Numeric,
            "date" => KeyType::Date,
            "ipaddress" => KeyType::IpAddress,
            "binary" => KeyType::Binary,
            _ => return None,
        };
        Some(KeyFacts { key_type, multi })
    }
}

/// One stretch of a key name: literal text, or a placeholder `${…}` or `<…>`.
enum Piece<'a> {
    Literal(&'a [u8]),
    Placeholder,
}

/// Cuts a name into its pieces. An opening mark without its closing one is literal text.
fn pieces(name: &str) -> impl Iterator<Item = Piece<'_>> {
    let mut rest = name;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        if let Some(end) = placeholder_len(rest) {
            rest = &rest[end..];
            return Some(Piece::Placeholder);
        }
        let end = (1..rest.len())
            .find(|&at| rest.is_char_boundary(at) && placeholder_len(&rest[at..]).is_some())
            .unwrap_or(rest.len());
        let literal = &rest[..end];
        rest = &rest[end..];
        Some(Piece::Literal(literal.as_bytes()))
    })
}

/// The length of the placeholder that `text` begins with.
fn placeholder_len(text: &str) -> Option<usize> {
    let close = if text.starts_with("${") {
        '}'
    } else if text.starts_with('<') {
        '>'
    } else {
        return None;
    };
    text.find(close).map(|at| at + 1)
}

/// True iff the name stands for a family of keys.
pub(crate) fn is_family(name: &str) -> bool {
    name.contains(['$', '<']) && pieces(name).any(|piece| matches!(piece, Piece::Placeholder))
}

/// How much of a name is literal text, in bytes: of two families that name a key, the longer one is meant.
pub(crate) fn literal_len(name: &str) -> usize {
    pieces(name).map(|piece| if let Piece::Literal(text) = piece { text.len() } else { 0 }).sum()
}

/// True iff `name`, a plain name or a family, names the key `canonical`, without regard to ASCII case.
///
/// A placeholder stands for one or more bytes of any kind: tag keys may hold `/` and `:`. Literal pieces are sought
/// leftmost, except the last one, which must end the key; that finds a way to fit them if there is one.
/// Cost: O(`name`) for plain names, O(`name` · `canonical`) for families.
pub(crate) fn names(name: &str, canonical: &str) -> bool {
    // Most names differ before anything in them could be a placeholder.
    let is_same = |(own, other): &(u8, u8)| !matches!(own, b'$' | b'<') && own.eq_ignore_ascii_case(other);
    let n_same = name.bytes().zip(canonical.bytes()).take_while(is_same).count();
    match name.as_bytes().get(n_same) {
        None => return canonical.len() == n_same,
        Some(b'$' | b'<') if is_family(name) => {}
        Some(b'$' | b'<') => return name.eq_ignore_ascii_case(canonical),
        Some(_) => return false,
    }
    let mut rest = canonical.as_bytes();
    let mut open = false; // behind a placeholder, which has taken one byte already and may take more
    let mut todo = pieces(name).peekable();
    while let Some(piece) = todo.next() {
        match piece {
            Piece::Placeholder => {
                if rest.is_empty() {
                    return false;
                }
                rest = &rest[1..];
                open = true;
            }
            Piece::Literal(text) => {
                let at = if !open {
                    0
                } else if todo.peek().is_none() {
                    match rest.len().checked_sub(text.len()) {
                        Some(at) => at,
                        None => return false,
                    }
                } else {
                    match rest.windows(text.len()).position(|window| window.eq_ignore_ascii_case(text)) {
                        Some(at) => at,
                        None => return false,
                    }
                };
                match rest.get(at..at + text.len()) {
                    Some(found) if found.eq_ignore_ascii_case(text) => rest = &rest[at + text.len()..],
                    _ => return false,
                }
                open = false;
            }
        }
    }
    open || rest.is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn families_name_their_members() {
        let check = |name: &str, key: &str, expected: bool| assert_eq!(names(name, key), expected, "{name} {key}");
        check("s3:Prefix", "s3:prefix", true);
        check("s3:Prefix", "s3:prefixes", false);
        check("aws:RequestTag/${TagKey}", "aws:requesttag/a/b:c", true);
        check("aws:RequestTag/${TagKey}", "aws:requesttag/", false);
        check("aws:RequestTag/${TagKey}", "aws:requesttag", false);
        check("aws:RequestTag/${TagKey}", "aws:requesttag/é", true);
        check("s3:RequestObjectTag/<key>", "s3:requestobjecttag/env", true);
        check("kms:EncryptionContext:${Key}", "kms:encryptioncontext:department", true);
        check("codebuild:a/${name}.value", "codebuild:a/x.value", true);
        check("codebuild:a/${name}.value", "codebuild:a/.value", false);
        check("codebuild:a/${name}.value", "codebuild:a/x.value.value", true);
        check("codebuild:a/${name}.value", "codebuild:a/x.values", false);
        check("a/${x}/b/${y}/c", "a/1/b/2/c", true);
        check("a/${x}/b/${y}/c", "a/1/b/c", false);
        check("a/${x}/b/${y}/c", "a/1/b/2/b/3/c", true);
        check("${x}:sub", "issuer.example:sub", true);
        check("${x}:sub", ":sub", false);
        check("a${x", "a${x", true);
        check("a<b", "a<b", true);
    }

    #[test]
    fn literal_text_is_counted_without_placeholders() {
        assert_eq!(literal_len("events:Metadata/${MetadataKey}"), "events:Metadata/".len());
        assert_eq!(literal_len("events:Metadata/${MetadataKey}/Matcher"), "events:Metadata//Matcher".len());
        assert_eq!(literal_len("aws:TagKeys"), "aws:TagKeys".len());
        assert!(is_family("s3:ExistingObjectTag/<key>") && !is_family("s3:prefix") && !is_family("a${b"));
    }
}
