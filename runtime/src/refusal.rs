//! Why a request gets no decision, as a number: what a column of codes has room for.

use iamc_policy::request::RequestError;

macro_rules! refusals {
    ($($(#[$doc:meta])* $name:ident = $number:literal $code:literal),* $(,)?) => {
        /// Why a row cannot be decided. [`crate::decide()`] of the same request says it in words.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Refusal {
            $($(#[$doc])* $name,)*
        }

        impl Refusal {
            /// Each of them, by number.
            pub const ALL: &[Refusal] = &[$(Refusal::$name),*];

            /// The stable code, as [`RequestError::code`] gives it.
            pub fn code(self) -> &'static str {
                match self {
                    $(Refusal::$name => $code,)*
                }
            }

            pub(crate) const fn number(self) -> u8 {
                match self {
                    $(Refusal::$name => $number,)*
                }
            }
        }
    };
}

refusals!(
    /// An id that neither the set nor the tables of the batch have.
    UnknownId = 1 "E-ID",
    /// The action acts on a resource, and `*` was asked for; or no resource was named.
    ResourceNeeded = 2 "E-RESOURCE-NEEDED",
    /// The owner of the resource is not known.
    ResourceAccount = 3 "E-RESACCT",
    /// A given key contradicts what follows from the request.
    ContextConflict = 4 "E-CTX-CONFLICT",
    /// A single-valued key was given several values.
    Cardinality = 5 "E-CARDINALITY",
    /// Strict mode: no SCP is attached to a level.
    EmptyLevel = 6 "E-SCP-EMPTY-LEVEL",
    /// There is no such VPC endpoint.
    Endpoint = 7 "E-ENDPOINT",
    /// Session policies were not passed in compiled form.
    SessionPolicies = 8 "E-SESSION-POLICIES",
    /// Anything else.
    Other = 31 "E-OTHER",
);

impl Refusal {
    /// The refusal that an error is.
    pub fn of(error: &RequestError) -> Refusal {
        Refusal::ALL.iter().copied().find(|refusal| refusal.code() == error.code).unwrap_or(Refusal::Other)
    }

    pub(crate) fn from_number(number: u8) -> Option<Refusal> {
        Refusal::ALL.iter().copied().find(|refusal| refusal.number() == number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::DecisionCode;

    #[test]
    fn codes_hold_refusals() {
        for refusal in Refusal::ALL {
            let code = DecisionCode::refused(*refusal);
            assert_eq!((code.refusal(), code.decision()), (Some(*refusal), None));
            assert_eq!(DecisionCode::from_bits(code.bits()), Some(code));
        }
        assert_eq!(DecisionCode::REFUSED.refusal(), None);
        assert_eq!(DecisionCode::ALLOW.refusal(), None);
        assert_eq!(DecisionCode::from_bits(0b1001), None);
        assert_eq!(DecisionCode::from_bits(0b1111_0000), None);
    }
}
