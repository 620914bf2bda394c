//! Actions: the concrete one of a request, and the patterns of a policy (R-2.4 to R-2.10).

use crate::json::shown;
use smol_str::{SmolStr, StrExt};
use std::fmt;
use std::str::FromStr;

/// A concrete action, `service:Name`, as a request asks for it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Action {
    service: SmolStr,
    name: SmolStr,
}

/// Why a text is no action.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not an action: write `service:Name`, for example `s3:GetObject`")]
pub struct ActionError(String);

impl Action {
    /// The service prefix in ASCII lower case (R-2.4, R-9.11).
    pub fn service(&self) -> &str {
        &self.service
    }

    /// The name as written; it compares without regard to ASCII case.
    pub fn name(&self) -> &str {
        &self.name
    }
}

impl FromStr for Action {
    type Err = ActionError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let fail = || ActionError(shown(text));
        let (service, name) = text.split_once(':').ok_or_else(fail)?;
        let good = |part: &str| {
            !part.is_empty() && part.len() <= 256 && !part.contains(|c: char| c.is_whitespace() || c.is_control())
        };
        if !good(service) || !good(name) || text.contains(['*', '?']) {
            return Err(fail());
        }
        Ok(Action { service: service.to_ascii_lowercase_smolstr(), name: name.into() })
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.service, self.name)
    }
}

/// One entry of `Action` or `NotAction`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ActionPattern {
    /// `*`, or a spelling of it (R-2.5, R-2.7).
    Any,
    /// `prefix:namepattern` with a literal prefix.
    Named {
        /// The service prefix in ASCII lower case.
        service: SmolStr,
        /// The name pattern as written, wildcards included.
        name: SmolStr,
    },
    /// A text that matches no action (R-2.5, R-2.7), kept for explanations.
    Nothing(String),
}

impl ActionPattern {
    /// Reads one entry. Never fails: what has no meaning is [`ActionPattern::Nothing`].
    ///
    /// ```
    /// use iamc_policy::ActionPattern;
    /// assert_eq!(ActionPattern::new("*:*"), ActionPattern::Any);
    /// assert!(matches!(ActionPattern::new("s*:GetObject"), ActionPattern::Nothing(_)));
    /// ```
    pub fn new(text: &str) -> ActionPattern {
        let stars = |part: &str| !part.is_empty() && part.bytes().all(|b| b == b'*');
        if stars(text) {
            return ActionPattern::Any;
        }
        match text.split_once(':') {
            Some((service, name)) if stars(service) && stars(name) => ActionPattern::Any,
            Some((service, name))
                if !service.is_empty()
                    && !name.is_empty()
                    && !service.contains(['*', '?'])
                    && !text.contains(char::is_whitespace) =>
            {
                ActionPattern::Named { service: service.to_ascii_lowercase_smolstr(), name: name.into() }
            }
            _ => ActionPattern::Nothing(text.to_owned()),
        }
    }
}

impl fmt::Display for ActionPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ActionPattern::Any => f.write_str("*"),
            ActionPattern::Named { service, name } => write!(f, "{service}:{name}"),
            ActionPattern::Nothing(text) => f.write_str(text),
        }
    }
}
