//! Policy text in which variables have been found (R-1.38, R-3.2, R-3.13), but not resolved.

use crate::condition::ConditionKey;

/// One policy string, cut into literal text, variables and escapes.
///
/// Wildcards stay inside the literal text: whether `*` is a wildcard depends on the place and on the operator, and
/// is for each engine to say. A text without variable support (R-3.4, R-3.6) is a single literal piece.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Template {
    text: String,
    pieces: Vec<Piece>,
    fault: Option<String>,
}

/// A part of a [`Template`].
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Piece {
    /// Text as written; `*` and `?` in it may be wildcards.
    Literal(String),
    /// `${key}` or `${key, 'default'}`.
    Variable(Variable),
    /// `${*}`, `${?}`, `${$}`: that character, never a wildcard (R-3.13).
    Escape(char),
}

/// A policy variable (R-3.2).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Variable {
    /// The condition key whose value is inserted.
    pub key: ConditionKey,
    /// Text between the single quotes, if a default is given; may be empty.
    pub default: Option<String>,
}

impl Template {
    /// A text in a place that supports no variables: one literal piece, `${` included.
    pub fn literal(text: impl Into<String>) -> Template {
        let text = text.into();
        let pieces = if text.is_empty() { Vec::new() } else { vec![Piece::Literal(text.clone())] };
        Template { text, pieces, fault: None }
    }

    /// Tokenises a text in a place that supports variables, left to right; the first `}` closes a variable.
    ///
    /// A malformed variable (R-3.3) is kept as [`Template::fault`]: the value then behaves as one with a null
    /// variable, and strict mode rejects it. Never fails, never panics. Cost: O(bytes).
    ///
    /// ```
    /// use iamc_policy::template::{Piece, Template};
    /// let t = Template::with_variables("home/${aws:username, 'nobody'}/${*}");
    /// assert_eq!(t.pieces().len(), 4);
    /// assert!(matches!(t.pieces()[3], Piece::Escape('*')));
    /// assert!(Template::with_variables("${aws:username").fault().is_some());
    /// ```
    pub fn with_variables(text: impl Into<String>) -> Template {
        let text = text.into();
        let mut pieces = Vec::new();
        let mut fault = None;
        let mut literal = String::new();
        let mut rest = text.as_str();
        while let Some(start) = rest.find("${") {
            literal.push_str(&rest[..start]);
            let body = &rest[start + 2..];
            let Some(end) = body.find('}') else {
                fault.get_or_insert_with(|| format!("`{}` has no closing `}}`", &rest[start..]));
                literal.push_str(&rest[start..]);
                rest = "";
                break;
            };
            match token(&body[..end]) {
                Ok(piece) => {
                    if !literal.is_empty() {
                        pieces.push(Piece::Literal(std::mem::take(&mut literal)));
                    }
                    pieces.push(piece);
                }
                Err(why) => {
                    fault.get_or_insert(why);
                    literal.push_str(&rest[start..start + 2 + end + 1]);
                }
            }
            rest = &body[end + 1..];
        }
        literal.push_str(rest);
        if !literal.is_empty() {
            pieces.push(Piece::Literal(literal));
        }
        Template { text, pieces, fault }
    }

    /// The text exactly as written.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The pieces in order; none is an empty literal.
    pub fn pieces(&self) -> &[Piece] {
        &self.pieces
    }

    /// What is wrong with a variable in it (R-3.3), if anything is.
    pub fn fault(&self) -> Option<&str> {
        self.fault.as_deref()
    }

    /// The variables in order of appearance.
    pub fn variables(&self) -> impl Iterator<Item = &Variable> {
        self.pieces.iter().filter_map(|piece| match piece {
            Piece::Variable(variable) => Some(variable),
            _ => None,
        })
    }
}

fn token(body: &str) -> Result<Piece, String> {
    if let Some(escape) = match body {
        "*" => Some('*'),
        "?" => Some('?'),
        "$" => Some('$'),
        _ => None,
    } {
        return Ok(Piece::Escape(escape));
    }
    let (key, default) = match body.split_once(',') {
        None => (body, None),
        Some((key, rest)) => {
            let quoted = rest
                .strip_prefix(" '")
                .and_then(|rest| rest.strip_suffix('\''))
                .filter(|default| !default.contains('\''))
                .ok_or_else(|| format!("the default of `${{{body}}}` is not written as `, 'text'`"))?;
            (key, Some(quoted.to_owned()))
        }
    };
    if key.is_empty() || key.contains(' ') {
        return Err(format!("`${{{body}}}` does not name a condition key"));
    }
    Ok(Piece::Variable(Variable { key: ConditionKey::new(key), default }))
}
