//! What kind of policy a document probably is, where nobody says.

use iamc_policy::action::ActionPattern;
use iamc_policy::document::{Policy, PolicyKind, Statement, Strictness};

/// The kind that a document is read as.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Guess {
    /// The kind.
    pub kind: PolicyKind,
    /// Why, if it was guessed; `None` where the user said it.
    pub why: Option<&'static str>,
}

impl Guess {
    /// What to tell the user about a guess.
    pub fn sentence(&self) -> Option<String> {
        let why = self.why?;
        Some(format!("read as a policy of kind `{}`, because {why}; `--kind` says otherwise", self.kind))
    }
}

/// Guesses from the structure of a document.
///
/// Without principals it is an identity policy: boundaries, session policies and SCPs look the same and are checked
/// alike but for a few limits. With principals it is a trust policy if every action is one of those that assume a role,
/// a key policy if every action is one of KMS, otherwise a resource policy; endpoint policies and RCPs cannot be told
/// from these. A document that cannot be read is an identity policy, whose findings then say why. Cost: O(bytes).
pub fn guess(text: &str) -> Guess {
    // Read as a resource policy, a document may have principals or not, resources or not: the reader tolerates most.
    let read = [PolicyKind::Resource, PolicyKind::Identity, PolicyKind::Trust]
        .into_iter()
        .find_map(|kind| Policy::parse(kind, Strictness::Lenient, text).policy);
    let Some(policy) = read else {
        return if mentions_principal(text) {
            Guess { kind: PolicyKind::Resource, why: Some("it seems to name principals") }
        } else {
            Guess { kind: PolicyKind::Identity, why: Some("it names no principals") }
        };
    };
    let statements = &policy.statements;
    if !statements.iter().any(|statement| statement.principal.is_some()) && !mentions_principal(text) {
        return Guess { kind: PolicyKind::Identity, why: Some("it names no principals") };
    }
    if all_actions(statements, assumes_role) && statements.iter().all(|statement| statement.resource.is_none()) {
        return Guess { kind: PolicyKind::Trust, why: Some("it names principals, and its actions assume a role") };
    }
    if all_actions(statements, |service, _| service == "kms") {
        return Guess { kind: PolicyKind::Key, why: Some("it names principals, and its actions are those of KMS") };
    }
    Guess { kind: PolicyKind::Resource, why: Some("it names principals") }
}

/// True iff there is an action and every one passes, `*` excepted.
fn all_actions(statements: &[Statement], test: impl Fn(&str, &str) -> bool) -> bool {
    let mut patterns = statements.iter().flat_map(|statement| &statement.action.patterns).peekable();
    patterns.peek().is_some()
        && patterns.all(|pattern| match pattern {
            ActionPattern::Named { service, name } => test(service, name),
            ActionPattern::Any | ActionPattern::Nothing(_) => false,
        })
}

/// The actions of that a trust policy holds.
fn assumes_role(service: &str, name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    service == "sts"
        && (name == "*"
            || name.starts_with("assumerole")
            || matches!(name.as_str(), "tagsession" | "setsourceidentity" | "setcontext"))
}

/// A document that cannot be read has no structure to go by, only words.
fn mentions_principal(text: &str) -> bool {
    text.contains("\"Principal\"") || text.contains("\"NotPrincipal\"")
}
