//! What each kind of policy may contain: the table of, with.

use super::findings::{Finding, Grade};
use super::{Elements, Reader};
use crate::action::ActionPattern;
use crate::document::{Effect, Policy, PolicyKind, Statement};
use crate::json::shown;
use crate::principal::PrincipalEntry;
use crate::source::Span;

const RULE: &str = "R-1.33";

impl Reader {
    /// The columns of the table that look at a whole statement.
    pub(super) fn check_kind(&mut self, elements: &Elements<'_>, statement: &Statement) {
        match self.kind {
            PolicyKind::Trust => self.check_trust(elements, statement),
            PolicyKind::Rcp => self.check_rcp(elements, statement),
            PolicyKind::Resource | PolicyKind::Key | PolicyKind::Endpoint => {
                let negated = statement.principal.as_ref().is_some_and(|principal| principal.negated);
                if negated && statement.effect == Effect::Allow {
                    let message = "`NotPrincipal` with `Allow` is not supported";
                    let help = "it allows everyone else, the anonymous included: name whom to allow in `Principal`";
                    let span = key_span(elements, "NotPrincipal", statement);
                    self.report(Grade::Tolerated, ("not-principal", "R-1.32"), span, message, help);
                }
            }
            PolicyKind::Identity | PolicyKind::Boundary | PolicyKind::Session | PolicyKind::Scp => {}
        }
    }

    fn check_trust(&mut self, elements: &Elements<'_>, statement: &Statement) {
        if let Some(principal) = &statement.principal {
            if principal.negated {
                let message = "`NotPrincipal` is not allowed in a trust policy";
                let span = key_span(elements, "NotPrincipal", statement);
                let help = "name whom to trust in `Principal`";
                self.report(Grade::Tolerated, ("not-principal", "R-1.32"), span, message, help);
            }
            let everyone = principal.entries.iter().any(|entry| matches!(entry, PrincipalEntry::Everyone { .. }));
            if everyone && !principal.negated && statement.effect == Effect::Allow {
                let message = "the trust policy lets everyone in, of every account";
                let help = "name the accounts, roles or services that may assume the role";
                self.report(Grade::Warning, ("trust-everyone", RULE), principal.span, message, help);
            }
        }
        let span = statement.action.span;
        for pattern in &statement.action.patterns {
            let fits = match pattern {
                ActionPattern::Named { service, name } => {
                    let name = name.to_ascii_lowercase();
                    service == "sts"
                        && (name.starts_with("assumerole")
                            || matches!(name.as_str(), "tagsession" | "setsourceidentity" | "setcontext"))
                }
                ActionPattern::Any => false,
                // Reported where it was read.
                ActionPattern::Nothing(_) => true,
            };
            if !fits {
                let message = format!("`{}` is no action of a trust policy", shown(&pattern.to_string()));
                let help = "write `sts:AssumeRole`, one of its variants, `sts:TagSession` or `sts:SetSourceIdentity`";
                self.report(Grade::Tolerated, ("trust-action", RULE), span, message, help);
            }
        }
        self.check_providers(statement);
    }

    /// SAML providers go with `AssumeRoleWithSAML`, OIDC providers with `AssumeRoleWithWebIdentity`, others with neither.
    fn check_providers(&mut self, statement: &Statement) {
        let Some(principal) = &statement.principal else { return };
        if principal.negated || statement.action.negated || statement.effect == Effect::Deny {
            return;
        }
        let (mut saml, mut oidc, mut other) = (false, false, false);
        for entry in &principal.entries {
            match entry {
                PrincipalEntry::Federated(provider) if provider.contains(":saml-provider/") => saml = true,
                PrincipalEntry::Federated(_) => oidc = true,
                // A bare `*` covers federated callers too; what matches nobody was reported.
                PrincipalEntry::Everyone { .. } | PrincipalEntry::Nobody(_) => return,
                _ => other = true,
            }
        }
        for pattern in &statement.action.patterns {
            let ActionPattern::Named { name, .. } = pattern else { continue };
            let (fits, needs) = match name.to_ascii_lowercase().as_str() {
                "assumerolewithsaml" => (saml, "a SAML provider under `Federated`"),
                "assumerolewithwebidentity" => (oidc, "an OIDC provider under `Federated`"),
                "assumerole" => (other, "a principal under `AWS` or `Service`"),
                _ => (true, ""),
            };
            if !fits && (saml || oidc || other) {
                let message = format!("`{}` needs {needs}", shown(&pattern.to_string()));
                let help =
                    "SAML: `sts:AssumeRoleWithSAML`; OIDC: `sts:AssumeRoleWithWebIdentity`; others: `sts:AssumeRole`";
                self.report(Grade::Tolerated, ("trust-provider", RULE), statement.action.span, message, help);
            }
        }
    }

    /// Errors in both modes: such a policy cannot exist, and passing it over might turn a deny into an allow.
    fn check_rcp(&mut self, elements: &Elements<'_>, statement: &Statement) {
        let refuse = |code, span, message: String, help: &str| Finding {
            grade: Grade::Invalid,
            code,
            rule: RULE,
            span,
            message,
            help: Some(help.to_owned()),
        };
        if statement.effect == Effect::Allow {
            let message = "an rcp only denies".to_owned();
            let help = "write `\"Effect\": \"Deny\"`; only AWS's own RCPFullAWSAccess allows";
            let span = elements.get("Effect").map_or(statement.span, |entry| entry.value.span());
            self.unless_full_access.push(refuse("effect", span, message, help));
        }
        for pattern in &statement.action.patterns {
            // Other actions without a service were refused where they were read.
            if *pattern == ActionPattern::Any {
                let message = "action `*` is not allowed in an rcp".to_owned();
                let help = "write `service:*` for each service";
                self.unless_full_access.push(refuse("action-form", statement.action.span, message, help));
            }
        }
        if statement.action.negated {
            let span = key_span(elements, "NotAction", statement);
            let finding = refuse(
                "element-not-allowed",
                span,
                "`NotAction` is not allowed in an rcp".to_owned(),
                "write `Action`",
            );
            self.unless_full_access.push(finding);
        }
        let Some(principal) = &statement.principal else { return };
        if principal.negated {
            let span = key_span(elements, "NotPrincipal", statement);
            let help = "write `\"Principal\": \"*\"`, and compare `aws:PrincipalArn` in a condition";
            self.unless_full_access.push(refuse(
                "not-principal",
                span,
                "`NotPrincipal` is not allowed in an rcp".to_owned(),
                help,
            ));
        } else if principal.entries != [PrincipalEntry::Everyone { under_aws: false }] {
            let message = "the principal of an rcp must be `\"*\"`".to_owned();
            let help = "write `\"Principal\": \"*\"`, and compare `aws:PrincipalArn` in a condition";
            self.unless_full_access.push(refuse("principal-form", principal.span, message, help));
        }
    }

    /// Reports what only RCPFullAWSAccess may contain, unless the policy says just that.
    pub(super) fn check_full_access(&mut self, policy: &Policy) {
        let full = match policy.statements.as_slice() {
            [only] => {
                let everyone = only.principal.as_ref().is_some_and(|principal| {
                    !principal.negated && principal.entries == [PrincipalEntry::Everyone { under_aws: false }]
                });
                let everything = only.resource.as_ref().is_some_and(|resource| {
                    !resource.negated && resource.patterns.len() == 1 && resource.patterns[0].text() == "*"
                });
                everyone
                    && everything
                    && !only.action.negated
                    && only.action.patterns == [ActionPattern::Any]
                    && only.condition.atoms.is_empty()
                    && only.condition.unknown_operators.is_empty()
                    && only.effect == Effect::Allow
            }
            _ => false,
        };
        for finding in std::mem::take(&mut self.unless_full_access) {
            if !full {
                self.found.push(finding);
            }
        }
    }
}

fn key_span(elements: &Elements<'_>, name: &str, statement: &Statement) -> Span {
    elements.get(name).map_or(statement.span, |entry| entry.key_span)
}
