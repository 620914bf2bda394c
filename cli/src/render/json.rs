//! A decision as one JSON object, with the fields in a fixed order.

use super::{atom_origin, canonical};
use iamc_policy::decision::{Answer, AtomKind, Decision, Formula, StatementRef};
use serde::Serialize;
use serde::ser::{SerializeMap, Serializer};
use std::fmt;

/// What a decision is called: the `id` of the request, the number of its line, or nothing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub(crate) enum Id {
    /// As the request says.
    Text(String),
    /// The number of its line or row, counted from 1.
    Line(u64),
    /// The only decision asked for.
    None,
}

/// A decision with what explains it.
#[derive(Debug, Serialize)]
pub(crate) struct AnswerJson<'a> {
    id: &'a Id,
    decision: &'static str,
    /// For `Conditional` the possible decisions.
    possible: Option<Vec<&'static str>>,
    missing: Vec<String>,
    allowed_by: Vec<StatementJson>,
    denied_by: Vec<StatementJson>,
    residual: Option<ResidualJson>,
    residual_keys: &'a [String],
    warnings: &'a [String],
}

/// A statement, and where it stands; `null` where the policy is from no file.
#[derive(Debug, Serialize)]
pub(crate) struct StatementJson {
    statement: String,
    at: Option<AtJson>,
}

#[derive(Debug, Serialize)]
struct AtJson {
    file: String,
    line: u32,
}

/// When the request is explicitly denied, and when it is allowed unless denied.
#[derive(Debug, Serialize)]
pub(crate) struct ResidualJson {
    deny: Expr,
    allow: Expr,
}

/// A decision and nothing else.
#[derive(Debug, Serialize)]
pub(crate) struct DecisionJson<'a> {
    pub(crate) id: &'a Id,
    pub(crate) decision: &'static str,
}

/// What stands in the place of a decision that could not be made.
#[derive(Debug, Serialize)]
pub(crate) struct ErrorJson<'a> {
    pub(crate) id: &'a Id,
    pub(crate) error: ErrorBody<'a>,
}

/// What is wrong with a request, and which field it is about; `null` for the whole request.
#[derive(Debug, Serialize)]
pub(crate) struct ErrorBody<'a> {
    pub(crate) message: &'a str,
    pub(crate) field: Option<&'a str>,
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Id::Text(text) => f.write_str(text),
            Id::Line(number) => write!(f, "{number}"),
            Id::None => Ok(()),
        }
    }
}

impl<'a> AnswerJson<'a> {
    /// The fields behind `id` and `decision`.
    pub(crate) const EXPLAINING: [&'static str; 7] =
        ["possible", "missing", "allowed_by", "denied_by", "residual", "residual_keys", "warnings"];

    /// The values of [`AnswerJson::EXPLAINING`] as JSON texts; nothing for `null`.
    pub(crate) fn explaining(&self) -> [Option<String>; 7] {
        [
            self.possible.as_ref().map(line),
            Some(line(&self.missing)),
            Some(line(&self.allowed_by)),
            Some(line(&self.denied_by)),
            self.residual.as_ref().map(line),
            Some(line(&self.residual_keys)),
            Some(line(&self.warnings)),
        ]
    }

    /// The answer to the request called `id`.
    pub(crate) fn new(id: &'a Id, answer: &'a Answer) -> AnswerJson<'a> {
        let possible = match answer.decision {
            Decision::Conditional(outcomes) => Some(outcomes.names()),
            _ => None,
        };
        AnswerJson {
            id,
            decision: answer.decision.name(),
            possible,
            missing: missing(answer),
            allowed_by: answer.allowed_by().iter().map(StatementJson::new).collect(),
            denied_by: answer.denied_by().iter().map(StatementJson::new).collect(),
            residual: answer.residual.as_ref().map(|residual| ResidualJson {
                deny: Expr(canonical(&residual.deny)),
                allow: Expr(canonical(&residual.allow)),
            }),
            residual_keys: &answer.residual_keys,
            warnings: &answer.warnings,
        }
    }
}

/// Reason codes with their arguments, each once, in the order of.
fn missing(answer: &Answer) -> Vec<String> {
    let mut codes: Vec<String> = answer.missing().iter().map(ToString::to_string).collect();
    // The same code may be missing in two units with two truth values; sorted by code, such twins are neighbours.
    codes.dedup();
    codes
}

impl StatementJson {
    pub(crate) fn new(statement: &StatementRef) -> StatementJson {
        StatementJson {
            statement: statement.to_string(),
            at: statement.place.as_ref().map(|place| AtJson { file: place.file.to_string(), line: place.line }),
        }
    }
}

/// A formula as `true`, `false`, `{"and": […]}`, `{"or": […]}`, `{"not": …}`, or an atom.
///
/// A condition atom is `{"operator", "key", "values", "statement"}`. Atoms that are no conditions have a name of
/// their own in place of the first three: `{"resource": PATTERN, "statement"}` for an entry with an unknown variable,
/// `{"session_name": ENTRY, "statement"}` for an entry that names a session, `{"policy": FIELD/NAME}` for a policy
/// whose text is not known, `{"fact": NAME}` for a fact that is not known.
#[derive(Debug)]
struct Expr(Formula);

impl Serialize for Expr {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        ExprRef(&self.0).serialize(serializer)
    }
}

struct Exprs<'a>(&'a [Formula]);

impl Serialize for Exprs<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.iter().map(ExprRef))
    }
}

struct ExprRef<'a>(&'a Formula);

impl Serialize for ExprRef<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let atom = match self.0 {
            Formula::True => return serializer.serialize_bool(true),
            Formula::False => return serializer.serialize_bool(false),
            Formula::And(parts) => return single(serializer, "and", &Exprs(parts)),
            Formula::Or(parts) => return single(serializer, "or", &Exprs(parts)),
            Formula::Not(inner) => return single(serializer, "not", &ExprRef(inner)),
            Formula::Atom(atom) => atom,
        };
        let origin = atom_origin(atom);
        let mut map = serializer.serialize_map(None)?;
        match &atom.kind {
            AtomKind::Condition { operator, key, values } => {
                map.serialize_entry("operator", operator)?;
                map.serialize_entry("key", key)?;
                map.serialize_entry("values", values)?;
                map.serialize_entry("statement", &origin)?;
            }
            AtomKind::Resource { pattern } => {
                map.serialize_entry("resource", pattern)?;
                map.serialize_entry("statement", &origin)?;
            }
            AtomKind::SessionName { entry } => {
                map.serialize_entry("session_name", entry)?;
                map.serialize_entry("statement", &origin)?;
            }
            AtomKind::Policy => map.serialize_entry("policy", &origin)?,
            AtomKind::Fact { name } => map.serialize_entry("fact", name)?,
        }
        map.end()
    }
}

fn single<S: Serializer>(serializer: S, name: &'static str, value: &impl Serialize) -> Result<S::Ok, S::Error> {
    let mut map = serializer.serialize_map(Some(1))?;
    map.serialize_entry(name, value)?;
    map.end()
}

/// One of these values as one line of text, without line feed.
pub(crate) fn line(value: &impl Serialize) -> String {
    serde_json::to_string(value).expect("strings, numbers, booleans, lists and maps with string keys are JSON")
}

/// One of these values as indented text, with a line feed behind it.
pub(crate) fn pretty(value: &impl Serialize) -> String {
    let mut text = serde_json::to_string_pretty(value)
        .expect("strings, numbers, booleans, lists and maps with string keys are JSON");
    text.push('\n');
    text
}
