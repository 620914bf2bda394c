//! Stars and complements that give away more than they seem to.

use crate::Subject;
use crate::actions::action_covers;
use crate::resources::is_star;
use crate::rules::{
    ALLOW_NOT_ACTION, ALLOW_NOT_RESOURCE, FULL_ACCESS, LINKED_ROLE_STAR, PASS_ROLE_STAR, PUBLIC_PRINCIPAL, Rule,
    SERVICE_PRINCIPAL_OPEN,
};
use iamc_policy::action::ActionPattern;
use iamc_policy::document::{Effect, PolicyKind, Statement};
use iamc_policy::principal::PrincipalEntry;

pub(crate) fn check(subject: &mut Subject<'_>) {
    subject.begin();
    for statement in subject.policy.statements.iter().filter(|statement| statement.effect == Effect::Allow) {
        // Where an Allow only does not take away, a wide one is the rule: SCPs, RCPs, endpoints, boundaries, sessions.
        match subject.kind {
            PolicyKind::Identity => of_an_identity(subject, statement),
            PolicyKind::Resource | PolicyKind::Key | PolicyKind::Trust => of_a_resource(subject, statement),
            _ => {}
        }
    }
}

fn is_unconditional(statement: &Statement) -> bool {
    statement.condition.atoms.is_empty() && statement.condition.unknown_operators.is_empty()
}

fn every_resource(statement: &Statement) -> bool {
    statement.resource.as_ref().is_some_and(|element| !element.negated && element.patterns.iter().any(is_star))
}

fn of_an_identity(subject: &mut Subject<'_>, statement: &Statement) {
    let action = &statement.action;
    if action.negated {
        let help = "name the actions that are allowed, or deny the others";
        let message = "an `Allow` with `NotAction` allows every action of every other service".to_owned();
        subject.report(&ALLOW_NOT_ACTION, action.span, message, help);
    }
    if let Some(resource) = statement.resource.as_ref().filter(|resource| resource.negated) {
        let help = "name the resources that are allowed, or deny the others";
        let message = "an `Allow` with `NotResource` allows every other resource".to_owned();
        subject.report(&ALLOW_NOT_RESOURCE, resource.span, message, help);
    }
    if action.negated || !every_resource(statement) {
        return;
    }
    if action.patterns.contains(&ActionPattern::Any) {
        if is_unconditional(statement) {
            let message = "every action on every resource is allowed".to_owned();
            subject.report(&FULL_ACCESS, statement.span, message, "name what is needed");
        }
        return;
    }
    let risky: [(&'static Rule, &str, &str, &str); 2] = [
        (
            &PASS_ROLE_STAR,
            "iam:PassRole",
            "iam:passedtoservice",
            "name the roles, and the service with `iam:PassedToService`",
        ),
        (
            &LINKED_ROLE_STAR,
            "iam:CreateServiceLinkedRole",
            "iam:awsservicename",
            "name the service with `iam:AWSServiceName`",
        ),
    ];
    for (rule, name, key, help) in risky {
        let wanted = ActionPattern::new(name);
        let covering = action.patterns.iter().position(|pattern| action_covers(pattern, &wanted));
        let limited = statement.condition.atoms.iter().any(|atom| atom.key.as_str() == key);
        if let (Some(at), false) = (covering, limited) {
            let span = subject.entry_spans(action.span, action.patterns.len())[at];
            let what =
                if rule.code == PASS_ROLE_STAR.code { "every role may be passed" } else { "it covers every service" };
            subject.report(rule, span, format!("`{name}` on every resource: {what}"), help);
        }
    }
}

/// Keys that say on whose behalf a service acts.
const SOURCES: &[&str] =
    &["aws:sourcearn", "aws:sourceaccount", "aws:sourceorgid", "aws:sourceorgpaths", "aws:sourceowner"];

fn of_a_resource(subject: &mut Subject<'_>, statement: &Statement) {
    let Some(principal) = statement.principal.as_ref().filter(|principal| !principal.negated) else { return };
    let everyone = principal.entries.iter().any(|entry| matches!(entry, PrincipalEntry::Everyone { .. }));
    // The reader has a finding of its own about trust policies.
    if everyone && is_unconditional(statement) && subject.kind != PolicyKind::Trust {
        let message = "everyone is allowed, with or without credentials".to_owned();
        subject.report(&PUBLIC_PRINCIPAL, principal.span, message, "name principals, or add a condition");
    }
    // A role is assumed by the service itself, which acts for whoever passed it.
    let services = principal.entries.iter().any(|entry| matches!(entry, PrincipalEntry::Service(_)));
    let named = |atom: &iamc_policy::condition::ConditionAtom| SOURCES.contains(&atom.key.as_str());
    if services && subject.kind != PolicyKind::Trust && !statement.condition.atoms.iter().any(named) {
        let message = "the service is allowed on behalf of anyone who uses it".to_owned();
        let help = "add a condition on `aws:SourceArn`, `aws:SourceAccount` or `aws:SourceOrgID`";
        subject.report(&SERVICE_PRINCIPAL_OPEN, principal.span, message, help);
    }
}
