//! `Principal` and `NotPrincipal`.

use super::findings::Grade;
use super::{Elements, Reader, is_empty_list, match_case, opening, quote_help};
use crate::document::{PolicyKind, PrincipalElement};
use crate::ids::AccountId;
use crate::json::{Entry, Node, Shape, shown};
use crate::principal::PrincipalEntry;

/// The keys of a `Principal` object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PrincipalType {
    Aws,
    Service,
    Federated,
    CanonicalUser,
}

impl PrincipalType {
    const ALL: [PrincipalType; 4] =
        [PrincipalType::Aws, PrincipalType::Service, PrincipalType::Federated, PrincipalType::CanonicalUser];

    pub(crate) fn name(self) -> &'static str {
        match self {
            PrincipalType::Aws => "AWS",
            PrincipalType::Service => "Service",
            PrincipalType::Federated => "Federated",
            PrincipalType::CanonicalUser => "CanonicalUser",
        }
    }
}

/// Providers that have no ARN.
const BUILT_IN: [&str; 4] =
    ["cognito-identity.amazonaws.com", "www.amazon.com", "graph.facebook.com", "accounts.google.com"];

/// Why an entry matches nobody, or is at least odd.
struct Odd {
    grade: Grade,
    rule: &'static str,
    message: String,
    help: String,
}

impl Reader {
    pub(super) fn principal_element(
        &mut self,
        statement: Node<'_>,
        elements: &Elements<'_>,
    ) -> Option<PrincipalElement> {
        let Some((negated, entry)) = self.either(elements, "Principal", "NotPrincipal") else {
            if self.kind.has_principal() {
                let message = format!("a statement of {} needs `Principal`", self.kind_phrase());
                let help =
                    "write `\"Principal\": {\"AWS\": \"arn:aws:iam::111122223333:root\"}`, or `\"*\"` for everyone";
                self.report(Grade::Invalid, ("element-missing", "R-1.33"), opening(statement), message, help);
            }
            return None;
        };
        if !self.kind.has_principal() {
            // Invalid in both modes, where alone would let lenient mode warn: an Allow that names a principal
            // would apply to more callers than written if the element were ignored.
            let message = format!("`{}` is not allowed in {}", entry.key, self.kind_phrase());
            let help = match self.kind {
                PolicyKind::Scp => "remove it: an scp applies to all principals of the accounts it is attached to",
                _ => "remove it: the policy applies to whom it is attached to; or is this a resource policy",
            };
            self.report(Grade::Invalid, ("element-not-allowed", "R-1.33"), entry.key_span, message, help);
        }
        let span = entry.value.span();
        let entries = match entry.value.shape() {
            Shape::Text => vec![self.lone_principal(entry)?],
            Shape::Object => self.principal_object(entry),
            Shape::List => {
                let help = "write `{\"AWS\": [...]}` around the list";
                self.wrong_type("R-1.22", &entry.key, "`\"*\"` or an object", entry.value, help);
                return None;
            }
            _ => {
                self.wrong_type("R-1.22", &entry.key, "`\"*\"` or an object", entry.value, quote_help(entry.value));
                return None;
            }
        };
        Some(PrincipalElement { negated, entries, span })
    }

    fn lone_principal(&mut self, entry: &Entry<'_>) -> Option<PrincipalEntry> {
        let text = entry.value.text().map_err(|fault| self.fault(fault)).ok()?;
        if text == "*" {
            return Some(PrincipalEntry::Everyone { under_aws: false });
        }
        let quoted = shown(&text);
        let key = if looks_like_service(&text) { "Service" } else { "AWS" };
        let message = format!("`{}` must be `\"*\"` or an object, got the string `{quoted}`", entry.key);
        let help = format!("write `\"{}\": {{\"{key}\": \"{quoted}\"}}`", entry.key);
        self.report(Grade::Invalid, ("principal-form", "R-1.22"), entry.value.span(), message, help);
        None
    }

    fn principal_object(&mut self, element: &Entry<'_>) -> Vec<PrincipalEntry> {
        let keys = self.entries(element.value);
        let mut entries = Vec::new();
        if keys.iter().all(|key| is_empty_list(key.value)) {
            let message = format!("`{}` names nobody", element.key);
            let help = "name a principal, or write `\"*\"` for everyone";
            self.report(Grade::Warning, ("empty-list", "R-1.31"), element.value.span(), message, help);
        }
        for key in keys {
            let Some(of) = PrincipalType::ALL.into_iter().find(|of| of.name() == key.key) else {
                let help = match self.nearest(&key.key, PrincipalType::ALL.map(PrincipalType::name)) {
                    Some(name) => match_case(&key.key, name),
                    None if looks_like_service(&key.key) => format!("write `{{\"Service\": \"{}\"}}`", shown(&key.key)),
                    None => "write `AWS`, `Service`, `Federated` or `CanonicalUser`".to_owned(),
                };
                let message = format!("`{}` is no type of principal", shown(&key.key));
                self.report(Grade::Invalid, ("principal-type", "R-1.22"), key.key_span, message, help);
                continue;
            };
            let not_in_kind = of == PrincipalType::Federated && self.kind != PolicyKind::Trust;
            if not_in_kind && self.kind.has_principal() {
                let message = format!("`Federated` principals have no meaning in {}", self.kind_phrase());
                let help = "they stand in role trust policies; name the role that they assume";
                self.report(Grade::Unmatched, ("principal-type", "R-1.33"), key.key_span, message, help);
            }
            let strings = self.strings("R-1.22", &key.key, key.value);
            entries.reserve_exact(strings.len());
            for (node, text) in strings {
                let (entry, odd) = classify(of, text.into_owned());
                if let Some(Odd { grade, rule, message, help }) = odd {
                    self.report(grade, ("principal-form", rule), node.span(), message, help);
                }
                entries.push(entry);
            }
        }
        entries
    }

    /// The kind with its article, for messages.
    pub(super) fn kind_phrase(&self) -> &'static str {
        match self.kind {
            PolicyKind::Identity => "an identity policy",
            PolicyKind::Boundary => "a permissions boundary",
            PolicyKind::Session => "a session policy",
            PolicyKind::Resource => "a resource policy",
            PolicyKind::Trust => "a trust policy",
            PolicyKind::Key => "a key policy",
            PolicyKind::Endpoint => "an endpoint policy",
            PolicyKind::Scp => "an scp",
            PolicyKind::Rcp => "an rcp",
        }
    }
}

/// The text of [`PrincipalEntry::Nobody`]: as written under `AWS`; behind `Service:`, `Federated:`, `CanonicalUser:`
/// under another type. What was written under `AWS` and begins so itself is put behind `AWS:`.
fn nobody(of: PrincipalType, text: String) -> PrincipalEntry {
    let ambiguous =
        PrincipalType::ALL.into_iter().any(|of| text.strip_prefix(of.name()).is_some_and(|rest| rest.starts_with(':')));
    PrincipalEntry::Nobody(match of {
        PrincipalType::Aws if !ambiguous => text,
        _ => format!("{}:{text}", of.name()),
    })
}

/// The type and the written text of a [`PrincipalEntry::Nobody`]: the inverse of [`nobody`].
pub(crate) fn nobody_parts(text: &str) -> (PrincipalType, &str) {
    for of in PrincipalType::ALL {
        if let Some(rest) = text.strip_prefix(of.name()).and_then(|rest| rest.strip_prefix(':')) {
            return (of, rest);
        }
    }
    (PrincipalType::Aws, text)
}

fn classify(of: PrincipalType, text: String) -> (PrincipalEntry, Option<Odd>) {
    let quoted = shown(&text);
    let odd =
        |rule, message: String, help: &str| Some(Odd { grade: Grade::Unmatched, rule, message, help: help.to_owned() });
    if text == "*" && of == PrincipalType::Aws {
        return (PrincipalEntry::Everyone { under_aws: true }, None);
    }
    if text.contains("${") {
        let message = format!("policy variables are not recognised in principals: `{quoted}`");
        return (nobody(of, text), odd("R-3.4", message, "compare `aws:PrincipalArn` in a condition instead"));
    }
    if text == "*" {
        let message = format!("`*` is not allowed under `{}`", of.name());
        let rule = if of == PrincipalType::Service { "R-1.26" } else { "R-1.25" };
        return (nobody(of, text), odd(rule, message, "name each of them; everyone is `\"Principal\": \"*\"`"));
    }
    if text.contains(['*', '?']) {
        let message = format!("wildcard in principal `{quoted}`, so it matches nobody");
        let help = match of {
            PrincipalType::Aws => "name the account, and compare `aws:PrincipalArn` with ArnLike in a condition",
            _ => "name each of them",
        };
        return (nobody(of, text), odd("R-1.25", message, help));
    }
    match of {
        PrincipalType::Aws => match aws_entry(&text) {
            Ok(entry) => (entry, None),
            Err((rule, help)) => {
                let message = format!("`{quoted}` is no principal, so it matches nobody");
                (nobody(of, text), odd(rule, message, help))
            }
        },
        PrincipalType::Service => {
            let odd = (!looks_like_service(&text)).then(|| Odd {
                grade: Grade::Warning,
                rule: "R-1.26",
                message: format!("`{quoted}` does not look like a service principal"),
                help: "write its whole name, for example `ec2.amazonaws.com`".to_owned(),
            });
            (PrincipalEntry::Service(text.to_ascii_lowercase()), odd)
        }
        PrincipalType::Federated => {
            if BUILT_IN.contains(&text.as_str()) || is_provider(&text) {
                return (PrincipalEntry::Federated(text), None);
            }
            let message = format!("`{quoted}` is no identity provider, so it matches nobody");
            let help = "write `arn:aws:iam::ACCOUNT:oidc-provider/HOST` or `arn:aws:iam::ACCOUNT:saml-provider/NAME`";
            (nobody(of, text), odd("R-1.27", message, help))
        }
        PrincipalType::CanonicalUser => {
            let formed = text.len() == 64 && text.bytes().all(|b| b.is_ascii_hexdigit());
            let odd = (!formed).then(|| Odd {
                grade: Grade::Warning,
                rule: "R-1.28",
                message: format!("`{quoted}` does not look like a canonical user id"),
                help: "it has 64 hexadecimal digits".to_owned(),
            });
            (PrincipalEntry::CanonicalUser(text), odd)
        }
    }
}

/// `Err`: the rule and what to write instead.
fn aws_entry(text: &str) -> Result<PrincipalEntry, (&'static str, &'static str)> {
    const HELP: &str = "write an account number or the ARN of an account, user, role or session";
    if let Ok(account) = text.parse::<AccountId>() {
        return Ok(PrincipalEntry::Account { partition: None, account });
    }
    let unique = text.strip_prefix("AIDA").or_else(|| text.strip_prefix("AROA"));
    if unique.is_some_and(|rest| !rest.is_empty() && rest.bytes().all(|b| b.is_ascii_digit() || b.is_ascii_uppercase()))
    {
        return Ok(PrincipalEntry::UniqueId(text.to_owned()));
    }
    if looks_like_service(text) {
        return Err(("R-1.23", "a service stands under `Service`, not under `AWS`: `{\"Service\": \"NAME\"}`"));
    }
    if !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit() || b == b'-') {
        return Err(("R-1.23", "an account number has 12 digits, without hyphens"));
    }
    let parts: Vec<&str> = text.splitn(6, ':').collect();
    let ["arn", partition, service, "", account, resource] = parts[..] else { return Err(("R-1.23", HELP)) };
    if partition.is_empty() || !matches!(service, "iam" | "sts") {
        return Err(("R-1.23", HELP));
    }
    let named = |rest: &str| !rest.is_empty() && !rest.starts_with('/') && !rest.ends_with('/');
    let (word, rest) = resource.split_once('/').unwrap_or((resource, ""));
    if service == "iam" && account == "cloudfront" {
        let identity =
            word == "user" && rest.strip_prefix("CloudFront Origin Access Identity ").is_some_and(|id| !id.is_empty());
        return if identity { Ok(PrincipalEntry::Nobody(text.to_owned())) } else { Err(("R-1.23", HELP)) };
    }
    let Ok(account) = account.parse::<AccountId>() else {
        return Err(("R-1.23", "the account in a principal ARN is a number of 12 digits"));
    };
    match (service, word) {
        ("iam", "root") if resource == "root" => {
            Ok(PrincipalEntry::Account { partition: Some(partition.to_owned()), account })
        }
        ("iam", "user") if named(rest) => Ok(PrincipalEntry::User(text.to_owned())),
        ("iam", "role") if named(rest) => Ok(PrincipalEntry::Role(text.to_owned())),
        ("iam", "group") => Err(("R-1.29", "groups cannot be principals: name the users or a role")),
        ("sts", "assumed-role") => match rest.split_once('/') {
            Some((role, session)) if !role.is_empty() && !session.is_empty() && !session.contains('/') => {
                Ok(PrincipalEntry::RoleSession(text.to_owned()))
            }
            _ => Err(("R-1.23", "write `arn:aws:sts::ACCOUNT:assumed-role/ROLE/SESSION`, or the ARN of the role")),
        },
        ("sts", "federated-user") if named(rest) => Ok(PrincipalEntry::FederatedUser(text.to_owned())),
        _ => Err(("R-1.23", HELP)),
    }
}

/// Whether a text has the form of a service principal's name: for help and warnings only.
fn looks_like_service(text: &str) -> bool {
    let lower = text.to_ascii_lowercase();
    let ends = [".amazonaws.com", ".amazonaws.com.cn", ".amazonaws.eu", ".aws.internal", ".amazon.com", ".aws.com"];
    let plain = lower.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_'));
    plain && !lower.starts_with('.') && ends.iter().any(|end| lower.ends_with(end))
}

fn is_provider(text: &str) -> bool {
    let parts: Vec<&str> = text.splitn(6, ':').collect();
    let ["arn", partition, "iam", "", account, resource] = parts[..] else { return false };
    let name = resource.strip_prefix("oidc-provider/").or_else(|| resource.strip_prefix("saml-provider/"));
    !partition.is_empty() && account.parse::<AccountId>().is_ok() && name.is_some_and(|name| !name.is_empty())
}
