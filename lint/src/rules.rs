//! The checks of this crate: codes, the rules they rest on, and what they say.

use iamc_policy::diagnostic::Severity;

/// One check.
#[derive(Debug, PartialEq, Eq)]
pub struct Rule {
    /// Stable name for machines.
    pub code: &'static str,
    /// The rule of docs/semantics.md that says what follows from it.
    pub rule: &'static str,
    /// How grave a finding is.
    pub severity: Severity,
    /// What it finds, in one sentence.
    pub summary: &'static str,
}

macro_rules! rules {
    ($($name:ident: $code:literal, $rule:literal, $severity:ident, $summary:literal;)*) => {
        $(pub(crate) const $name: Rule =
            Rule { code: $code, rule: $rule, severity: Severity::$severity, summary: $summary };)*

        /// Every check of this crate, in the order of docs/lint.md. What the reader of documents finds has codes of its
        /// own.
        pub const RULES: &[Rule] = &[$($name),*];
    };
}

rules! {
    UNKNOWN_SERVICE: "unknown-service", "R-9.12", Warning,
        "the prefix of an action is that of no service that the catalogue knows";
    UNKNOWN_ACTION: "unknown-action", "R-2.8", Warning,
        "an action that its service does not have, or a pattern that matches none of its actions";
    REDUNDANT_ENTRY: "redundant-entry", "R-2.9", Warning,
        "an action or resource that another entry of the same list covers";
    UNKNOWN_KEY: "unknown-key", "R-5.8", Warning,
        "a condition key that neither AWS nor any service declares: it is always absent";
    KEY_NOT_SUPPLIED: "key-not-supplied", "R-9.8", Warning,
        "a condition key that none of the statement's actions supplies: it is always absent";
    KEY_TYPE: "key-type", "R-4.30", Warning,
        "an operator that reads values of another type than the key has";
    W_MULTI_NOQUAL: "W-MULTI-NOQUAL", "R-4.9", Warning,
        "an operator without ForAllValues or ForAnyValue on a key that may have several values";
    FOR_ALL_VALUES_ALLOW: "for-all-values-allow", "R-4.10", Warning,
        "ForAllValues in an Allow without a test that the key is present: it is true where the key is absent";
    SENSITIVE_WILDCARD: "sensitive-wildcard", "C.7", Warning,
        "a wildcard in the value of a key that names an account, an organization or a VPC";
    RESOURCE_UNKNOWN: "resource-unknown", "R-2.13", Warning,
        "an ARN of no type of resource that its service has, or of a partition or account that cannot be: it matches nothing";
    RESOURCE_MISMATCH: "resource-mismatch", "R-9.6", Warning,
        "an action with none of the statement's resources to act on: the statement says nothing about it";
    RESOURCE_NEEDS_STAR: "resource-needs-star", "R-2.20", Warning,
        "an action without resource types, in a statement that names resources: only `*` covers it";
    FULL_ACCESS: "full-access", "R-2.5", Warning,
        "an Allow of every action on every resource without a condition";
    ALLOW_NOT_ACTION: "allow-not-action", "R-2.9", Warning,
        "an Allow with NotAction: it allows the actions of all other services, and those to come";
    ALLOW_NOT_RESOURCE: "allow-not-resource", "R-2.19", Warning,
        "an Allow with NotResource: it allows all other resources, and those to come";
    PASS_ROLE_STAR: "pass-role-star", "R-2.12", Warning,
        "an Allow of iam:PassRole for every role: who has it can get the permissions of any of them";
    LINKED_ROLE_STAR: "linked-role-star", "R-2.12", Warning,
        "an Allow of iam:CreateServiceLinkedRole for every service";
    PUBLIC_PRINCIPAL: "public-principal", "R-1.24", Warning,
        "an Allow for everyone without a condition in the policy of a resource";
    SERVICE_PRINCIPAL_OPEN: "service-principal-open", "R-1.26", Warning,
        "an Allow for a service that may act for anyone, without a condition on the source";
    SHADOWED: "shadowed-statement", "R-2.9", Warning,
        "a statement that another of the same document covers: it changes nothing";
    DENIED: "denied-statement", "R-6.5", Warning,
        "an Allow that a Deny of the same document covers: it allows nothing";
    OLD_SCP_LIMIT: "old-scp-limit", "R-1.34", Warning,
        "an SCP beyond the limits that held before September 2025; only where asked for";
}
