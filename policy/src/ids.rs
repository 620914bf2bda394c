//! Account numbers: twelve digits, kept as an integer so that comparing and sorting are cheap and unambiguous.

use crate::json::shown;
use std::fmt;
use std::str::FromStr;

/// A twelve-digit AWS account number.
///
/// ```
/// use iamc_policy::AccountId;
/// let id: AccountId = "000000000042".parse().unwrap();
/// assert_eq!(id.to_string(), "000000000042");
/// assert!("42".parse::<AccountId>().is_err());
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AccountId(u64);

impl AccountId {
    /// The account with this number; `None`: it has more than twelve digits.
    ///
    /// ```
    /// use iamc_policy::AccountId;
    /// assert_eq!(AccountId::from_number(42).unwrap().to_string(), "000000000042");
    /// assert_eq!(AccountId::from_number(1_000_000_000_000), None);
    /// ```
    pub fn from_number(number: u64) -> Option<AccountId> {
        (number < 1_000_000_000_000).then_some(AccountId(number))
    }

    /// The number itself, below 10^12.
    pub fn number(self) -> u64 {
        self.0
    }
}

/// The text was not exactly twelve ASCII digits.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("expected an account number of 12 digits, got `{0}`")]
pub struct AccountIdError(String);

impl FromStr for AccountId {
    type Err = AccountIdError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.len() == 12 && text.bytes().all(|b| b.is_ascii_digit()) {
            // Twelve digits always fit into 64 bits.
            text.parse().map(AccountId).map_err(|_| AccountIdError(shown(text)))
        } else {
            Err(AccountIdError(shown(text)))
        }
    }
}

impl fmt::Display for AccountId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:012}", self.0)
    }
}

impl fmt::Debug for AccountId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}
