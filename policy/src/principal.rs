//! Principals: the caller of a request, and the entries of a `Principal` element.

use crate::arn::Arn;
use crate::ids::AccountId;
use crate::json::shown;
use smol_str::SmolStr;
use std::fmt;

/// The caller of a request (R-6.1).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Principal {
    /// The root user of an account.
    Root {
        /// Partition, e.g. `aws`.
        partition: SmolStr,
        /// Its account.
        account: AccountId,
    },
    /// An IAM user.
    User {
        /// Partition.
        partition: SmolStr,
        /// Its account.
        account: AccountId,
        /// Path and name without leading slash: `division/team/ana` or `ana`.
        path_name: SmolStr,
    },
    /// A session of a role.
    RoleSession {
        /// Partition.
        partition: SmolStr,
        /// The role's account.
        account: AccountId,
        /// The role's name, without path.
        role: SmolStr,
        /// The role's path and name without leading slash, where the caller named the role by its own ARN.
        role_path_name: Option<SmolStr>,
        /// The session's name.
        session: SmolStr,
    },
    /// A session of `GetFederationToken`.
    FederatedUser {
        /// Partition.
        partition: SmolStr,
        /// The account of the user who made it.
        account: AccountId,
        /// The name given to it.
        name: SmolStr,
    },
    /// An AWS service, by service principal name in lower case.
    Service(SmolStr),
    /// The unsigned caller of `AssumeRoleWithWebIdentity`: provider ARN or built-in name.
    Federated(SmolStr),
    /// The unsigned caller of `AssumeRoleWithSAML`: provider ARN.
    Saml(SmolStr),
    /// Nobody in particular.
    Anonymous,
}

/// Why a text names no caller.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not a principal: {why}")]
pub struct PrincipalError {
    text: String,
    why: String,
}

impl PrincipalError {
    /// What is wrong with the text, without the text.
    pub fn why(&self) -> &str {
        &self.why
    }
}

impl Principal {
    /// Reads the ARN of a user, assumed-role session, federated-user session, account root, or role (then a session
    /// named `session` of that role), as decision cases write it.
    ///
    /// ```
    /// use iamc_policy::Principal;
    /// let p = Principal::from_arn("arn:aws:sts::111122223333:assumed-role/App/i-1").unwrap();
    /// assert_eq!(p.to_string(), "arn:aws:sts::111122223333:assumed-role/App/i-1");
    /// ```
    ///
    /// # Errors
    /// The text is no ARN, or one of something that never calls (a group, a policy, a bucket …).
    pub fn from_arn(text: &str) -> Result<Principal, PrincipalError> {
        let fail = |why: String| PrincipalError { text: shown(text), why };
        let arn: Arn = text.parse().map_err(|error: crate::arn::ArnError| fail(error.to_string()))?;
        let account: AccountId = arn.account().parse().map_err(|error| fail(format!("{error}")))?;
        let partition = arn.partition().to_owned();
        let resource = arn.resource();
        let named = |rest: &str| !rest.is_empty() && !rest.starts_with('/') && !rest.ends_with('/');
        match (arn.service(), arn.region(), resource.split_once('/')) {
            ("iam", "", None) if resource == "root" => Ok(Principal::Root { partition: partition.into(), account }),
            ("iam", "", Some(("user", rest))) if named(rest) => {
                Ok(Principal::User { partition: partition.into(), account, path_name: rest.into() })
            }
            ("iam", "", Some(("role", rest))) if named(rest) => Ok(Principal::RoleSession {
                partition: partition.into(),
                account,
                role: last_segment(rest).into(),
                role_path_name: Some(rest.into()),
                session: "session".into(),
            }),
            ("sts", "", Some(("assumed-role", rest))) => match rest.split_once('/') {
                Some((role, session)) if !role.is_empty() && !session.is_empty() && !session.contains('/') => {
                    Ok(Principal::RoleSession {
                        partition: partition.into(),
                        account,
                        role: role.into(),
                        role_path_name: None,
                        session: session.into(),
                    })
                }
                _ => Err(fail("write `arn:aws:sts::ACCOUNT:assumed-role/ROLE/SESSION`".to_owned())),
            },
            ("sts", "", Some(("federated-user", rest))) if named(rest) => {
                Ok(Principal::FederatedUser { partition: partition.into(), account, name: rest.into() })
            }
            _ => Err(fail(
                "callers are users, role sessions, roles, federated users and account roots, for example \
                 `arn:aws:iam::111122223333:role/App`"
                    .to_owned(),
            )),
        }
    }

    /// The account of the caller; `None` for services, federated callers and anonymous ones.
    pub fn account(&self) -> Option<AccountId> {
        match self {
            Principal::Root { account, .. }
            | Principal::User { account, .. }
            | Principal::RoleSession { account, .. }
            | Principal::FederatedUser { account, .. } => Some(*account),
            _ => None,
        }
    }

    /// The partition of the caller, where it has one.
    pub fn partition(&self) -> Option<&str> {
        match self {
            Principal::Root { partition, .. }
            | Principal::User { partition, .. }
            | Principal::RoleSession { partition, .. }
            | Principal::FederatedUser { partition, .. } => Some(partition),
            _ => None,
        }
    }
}

/// The part behind the last slash: the name in a path and name.
pub fn last_segment(path_name: &str) -> &str {
    path_name.rsplit('/').next().unwrap_or(path_name)
}

impl fmt::Display for Principal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Principal::Root { partition, account } => write!(f, "arn:{partition}:iam::{account}:root"),
            Principal::User { partition, account, path_name } => {
                write!(f, "arn:{partition}:iam::{account}:user/{path_name}")
            }
            Principal::RoleSession { partition, account, role, session, .. } => {
                write!(f, "arn:{partition}:sts::{account}:assumed-role/{role}/{session}")
            }
            Principal::FederatedUser { partition, account, name } => {
                write!(f, "arn:{partition}:sts::{account}:federated-user/{name}")
            }
            Principal::Service(name) => write!(f, "service:{name}"),
            Principal::Federated(provider) => write!(f, "federated:{provider}"),
            Principal::Saml(provider) => write!(f, "saml:{provider}"),
            Principal::Anonymous => f.write_str("anonymous"),
        }
    }
}

/// One entry of a `Principal` or `NotPrincipal` element, classified (R-1.23 to R-1.28).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PrincipalEntry {
    /// `"*"` (then `under_aws` is false) or `{"AWS": "*"}` (R-1.24).
    Everyone {
        /// Which of the two spellings; it matters to federated callers only (R-6.46).
        under_aws: bool,
    },
    /// Twelve digits or `arn:P:iam::ACCT:root`.
    Account {
        /// The partition, where the ARN form was written.
        partition: Option<String>,
        /// The account.
        account: AccountId,
    },
    /// The ARN of an IAM user, as written.
    User(String),
    /// The ARN of an IAM role, as written.
    Role(String),
    /// The ARN of a role session, as written.
    RoleSession(String),
    /// The ARN of a federated-user session, as written.
    FederatedUser(String),
    /// `AIDA…` or `AROA…`.
    UniqueId(String),
    /// A service principal name in lower case.
    Service(String),
    /// An OIDC or SAML provider ARN, or a built-in provider name.
    Federated(String),
    /// A canonical user id (R-1.28).
    CanonicalUser(String),
    /// Valid or not, it matches none of our callers: an origin access identity, or what lenient mode keeps.
    ///
    /// The text is as written under `AWS`, and behind `Service:`, `Federated:` or `CanonicalUser:` as written under
    /// those; a text under `AWS` that begins with one of the four names and a colon stands behind `AWS:`.
    Nobody(String),
}
