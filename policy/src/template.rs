//! Policy text in which variables have been found (R-1.38, R-3.2, R-3.13), but not resolved.

use crate::condition::ConditionKey;
use crate::source::Span;

/// One policy string, cut into literal text, variables and escapes.
///
/// Wildcards stay inside the literal text: whether `*` is a wildcard depends on the place and on the operator, and
/// is for each engine to say. A text without variable support (R-3.4, R-3.6) is a single literal piece.
///
/// There are millions of them in an organization, and nearly all are plain text: those are that text and nothing else.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Template {
    text: Box<str>,
    /// Nothing where the text is one literal piece without a fault.
    tokens: Option<Box<Tokens>>,
}

/// What was found in a text with variables, or in one that was meant to have some.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
struct Tokens {
    /// In order, with the bytes of the text at which they begin and end; what lies between them is literal.
    list: Vec<(Span, Token)>,
    fault: Option<String>,
}

/// A variable or an escape.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Token {
    Variable(Variable),
    Escape(char),
}

/// A part of a [`Template`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Piece<'t> {
    /// Text as written, never empty; `*` and `?` in it may be wildcards.
    Literal(&'t str),
    /// `${key}` or `${key, 'default'}`.
    Variable(&'t Variable),
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
    pub fn literal(text: impl Into<Box<str>>) -> Template {
        Template { text: text.into(), tokens: None }
    }

    /// Tokenises a text in a place that supports variables, left to right; the first `}` closes a variable.
    ///
    /// A malformed variable (R-3.3) is kept as [`Template::fault`]: the value then behaves as one with a null
    /// variable, and strict mode rejects it. Never fails, never panics. Cost: O(bytes).
    ///
    /// ```
    /// use iamc_policy::template::{Piece, Template};
    /// let t = Template::with_variables("home/${aws:username, 'nobody'}/${*}");
    /// assert_eq!(t.pieces().count(), 4);
    /// assert_eq!(t.pieces().last(), Some(Piece::Escape('*')));
    /// assert!(Template::with_variables("${aws:username").fault().is_some());
    /// ```
    pub fn with_variables(text: impl Into<Box<str>>) -> Template {
        let text = text.into();
        let (mut list, mut fault) = (Vec::new(), None);
        let mut at = 0;
        while let Some(found) = text[at..].find("${") {
            let start = at + found;
            let body = &text[start + 2..];
            let Some(end) = body.find('}') else {
                fault.get_or_insert_with(|| format!("`{}` has no closing `}}`", &text[start..]));
                break;
            };
            at = start + 2 + end + 1;
            match token(&body[..end]) {
                Ok(token) => list.push((Span::new(start, at), token)),
                Err(why) => drop(fault.get_or_insert(why)),
            }
        }
        list.shrink_to_fit();
        let tokens = (!list.is_empty() || fault.is_some()).then(|| Box::new(Tokens { list, fault }));
        Template { text, tokens }
    }

    /// The text exactly as written.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The pieces in order; none is an empty literal.
    pub fn pieces(&self) -> impl Iterator<Item = Piece<'_>> {
        let tokens = self.tokens.as_ref().map_or(&[][..], |tokens| &tokens.list);
        let mut at = 0;
        let literal = |start, end| self.text.get(start..end).filter(|text| !text.is_empty()).map(Piece::Literal);
        let behind = tokens.last().map_or(0, |(span, _)| span.end);
        let inside = tokens.iter().flat_map(move |(span, token)| {
            let before = literal(at, span.start);
            at = span.end;
            let piece = match token {
                Token::Variable(variable) => Piece::Variable(variable),
                Token::Escape(c) => Piece::Escape(*c),
            };
            before.into_iter().chain([piece])
        });
        inside.chain(literal(behind, self.text.len()))
    }

    /// What is wrong with a variable in it (R-3.3), if anything is.
    pub fn fault(&self) -> Option<&str> {
        self.tokens.as_ref().and_then(|tokens| tokens.fault.as_deref())
    }

    /// The variables in order of appearance.
    pub fn variables(&self) -> impl Iterator<Item = &Variable> {
        self.tokens.iter().flat_map(|tokens| &tokens.list).filter_map(|(_, token)| match token {
            Token::Variable(variable) => Some(variable),
            Token::Escape(_) => None,
        })
    }
}

fn token(body: &str) -> Result<Token, String> {
    if let Some(escape) = match body {
        "*" => Some('*'),
        "?" => Some('?'),
        "$" => Some('$'),
        _ => None,
    } {
        return Ok(Token::Escape(escape));
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
    Ok(Token::Variable(Variable { key: ConditionKey::new(key), default }))
}
