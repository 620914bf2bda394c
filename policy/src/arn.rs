//! Concrete ARNs: what a request or an inventory names. Patterns are [`crate::Template`]s and are not parsed here.

use crate::json::shown;
use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

/// A concrete ARN: six components divided by the first five colons.
///
/// Equality is that of the text; comparing an ARN with a pattern is deciding, and lives in each engine.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Arn(Box<str>);

/// Why a text is no ARN.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not an ARN: {why}")]
pub struct ArnError {
    text: String,
    why: Cow<'static, str>,
}

impl Arn {
    /// The longest ARN that is read, in bytes. S3 keys have at most 1,024 bytes; nothing real comes near.
    pub const BYTES_MAX: usize = 8_192;

    /// The whole text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    fn part(&self, index: usize) -> &str {
        // Asked for at every turn, and ARNs are short: bytes one by one are quicker than a search.
        let mut start = 0;
        let mut n_colons = 0;
        for (at, byte) in self.0.bytes().enumerate() {
            if byte == b':' {
                if n_colons == index {
                    return &self.0[start..at];
                }
                n_colons += 1;
                start = at + 1;
                if n_colons == 5 {
                    break;
                }
            }
        }
        &self.0[start..]
    }

    /// The partition, e.g. `aws`.
    pub fn partition(&self) -> &str {
        self.part(1)
    }

    /// The service component, e.g. `s3`.
    pub fn service(&self) -> &str {
        self.part(2)
    }

    /// The Region, often empty.
    pub fn region(&self) -> &str {
        self.part(3)
    }

    /// The account component as written: a number, empty, or a word such as `aws`.
    pub fn account(&self) -> &str {
        self.part(4)
    }

    /// Everything behind the fifth colon, further colons included.
    pub fn resource(&self) -> &str {
        self.part(5)
    }
}

impl FromStr for Arn {
    type Err = ArnError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let fail = |why| Err(ArnError { text: shown(text), why: Cow::Borrowed(why) });
        if text.len() > Arn::BYTES_MAX {
            let why = format!("it has {} bytes, limit {}", text.len(), Arn::BYTES_MAX);
            return Err(ArnError { text: shown(text), why: Cow::Owned(why) });
        }
        if !text.starts_with("arn:") {
            return fail("it does not begin with `arn:`");
        }
        let mut parts = text.splitn(6, ':');
        let (_, partition, service) = (parts.next(), parts.next(), parts.next());
        let Some(resource) = parts.nth(2) else {
            return fail("an ARN has six components, `arn:PARTITION:SERVICE:REGION:ACCOUNT:RESOURCE`");
        };
        if partition == Some("") || service == Some("") {
            return fail("its partition and its service must not be empty");
        }
        if resource.is_empty() {
            return fail("its sixth component, the resource, is empty");
        }
        Ok(Arn(text.into()))
    }
}

impl fmt::Display for Arn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Arn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_arn_that_is_too_long_is_refused_with_its_size() {
        let arn = |n: usize| {
            let start = "arn:aws:s3:::";
            format!("{start}{}", "b".repeat(n - start.len())).parse::<Arn>()
        };
        assert!(arn(Arn::BYTES_MAX).is_ok());
        let error = arn(Arn::BYTES_MAX + 1).unwrap_err().to_string();
        assert!(error.ends_with("…` is not an ARN: it has 8193 bytes, limit 8192"), "{error}");
    }

    #[test]
    fn what_is_shown_of_a_text_is_one_line() {
        let error = "arn:\n".parse::<Arn>().unwrap_err().to_string();
        assert!(!error.contains('\n'), "{error}");
    }
}
