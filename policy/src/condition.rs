//! Condition blocks: operators, set operators, keys and values (R-1.15 to R-1.21, section 4).

use crate::source::Span;
use crate::template::Template;
use smol_str::SmolStr;
use std::fmt;

/// A condition key in canonical form (R-1.19): `aws:sourceip`, `aws:requesttag/env`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ConditionKey(SmolStr);

impl ConditionKey {
    /// Lower-cases each code point with its own mapping, without context rules or normalisation.
    ///
    /// ```
    /// use iamc_policy::ConditionKey;
    /// assert_eq!(ConditionKey::new("aws:RequestTag/Env"), ConditionKey::new("AWS:requesttag/env"));
    /// ```
    pub fn new(text: &str) -> ConditionKey {
        ConditionKey(text.chars().flat_map(char::to_lowercase).collect())
    }

    /// The canonical text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ConditionKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for ConditionKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.0)
    }
}

macro_rules! base_operators {
    ($($name:ident),* $(,)?) => {
        /// The comparison of a condition operator, without set prefix and `IfExists`.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[allow(missing_docs, reason = "the names are AWS's own, section 4.4")]
        pub enum BaseOperator { $($name),* }

        impl BaseOperator {
            /// Every operator, in the order of the grammar of section 1.6.
            pub const ALL: &'static [BaseOperator] = &[$(BaseOperator::$name),*];

            /// AWS's spelling.
            pub fn name(self) -> &'static str {
                match self { $(BaseOperator::$name => stringify!($name)),* }
            }
        }
    };
}

base_operators!(
    StringEquals,
    StringNotEquals,
    StringEqualsIgnoreCase,
    StringNotEqualsIgnoreCase,
    StringLike,
    StringNotLike,
    NumericEquals,
    NumericNotEquals,
    NumericLessThan,
    NumericLessThanEquals,
    NumericGreaterThan,
    NumericGreaterThanEquals,
    DateEquals,
    DateNotEquals,
    DateLessThan,
    DateLessThanEquals,
    DateGreaterThan,
    DateGreaterThanEquals,
    Bool,
    BinaryEquals,
    IpAddress,
    NotIpAddress,
    ArnEquals,
    ArnLike,
    ArnNotEquals,
    ArnNotLike,
    Null,
);

impl BaseOperator {
    /// True iff policy variables may stand in its values (R-3.4).
    pub fn supports_variables(self) -> bool {
        use BaseOperator::*;
        matches!(
            self,
            StringEquals
                | StringNotEquals
                | StringEqualsIgnoreCase
                | StringNotEqualsIgnoreCase
                | StringLike
                | StringNotLike
                | ArnEquals
                | ArnLike
                | ArnNotEquals
                | ArnNotLike
                | Bool
        )
    }
}

/// `ForAllValues:` or `ForAnyValue:`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SetOperator {
    /// `ForAllValues:` (R-4.10).
    ForAllValues,
    /// `ForAnyValue:` (R-4.11).
    ForAnyValue,
}

/// A whole condition operator.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Operator {
    /// The prefix, if any.
    pub set: Option<SetOperator>,
    /// The comparison.
    pub base: BaseOperator,
    /// The `IfExists` suffix.
    pub if_exists: bool,
}

impl Operator {
    /// Reads an operator name without regard to case (R-1.18). `None`: unknown, or `NullIfExists` (R-4.16).
    ///
    /// ```
    /// use iamc_policy::Operator;
    /// let operator = Operator::parse("ForAnyValue:Stringlike").unwrap();
    /// assert_eq!(operator.to_string(), "ForAnyValue:StringLike");
    /// assert!(Operator::parse("NullIfExists").is_none());
    /// ```
    pub fn parse(text: &str) -> Option<Operator> {
        let lower = text.to_ascii_lowercase();
        let (set, rest) = if let Some(rest) = lower.strip_prefix("forallvalues:") {
            (Some(SetOperator::ForAllValues), rest)
        } else if let Some(rest) = lower.strip_prefix("foranyvalue:") {
            (Some(SetOperator::ForAnyValue), rest)
        } else {
            (None, lower.as_str())
        };
        let (name, if_exists) = match rest.strip_suffix("ifexists") {
            Some(name) => (name, true),
            None => (rest, false),
        };
        let base = BaseOperator::ALL.iter().copied().find(|base| base.name().eq_ignore_ascii_case(name))?;
        if base == BaseOperator::Null && if_exists {
            return None;
        }
        Some(Operator { set, base, if_exists })
    }
}

impl fmt::Display for Operator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.set {
            Some(SetOperator::ForAllValues) => f.write_str("ForAllValues:")?,
            Some(SetOperator::ForAnyValue) => f.write_str("ForAnyValue:")?,
            None => {}
        }
        f.write_str(self.base.name())?;
        if self.if_exists { f.write_str("IfExists") } else { Ok(()) }
    }
}

/// One operator applied to one key: a factor of the AND of R-4.1.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ConditionAtom {
    /// The operator.
    pub operator: Operator,
    /// The key.
    pub key: ConditionKey,
    /// The policy values, in document order; may be empty (R-4.5). Numbers and booleans are text (R-1.16).
    pub values: Vec<Template>,
    /// Where key and values stand in the document.
    pub span: Span,
}

/// The `Condition` of a statement, flattened: every atom must hold.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Condition {
    /// In document order.
    pub atoms: Vec<ConditionAtom>,
    /// Names of operators without meaning; if there is any, the condition is false (R-1.18, lenient mode).
    pub unknown_operators: Vec<String>,
}
