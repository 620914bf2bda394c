//! Statements that another of the same document makes superfluous.

use crate::Subject;
use crate::actions::action_covers;
use crate::resources::{is_star, resource_covers};
use crate::rules::{DENIED, SHADOWED};
use iamc_policy::action::ActionPattern;
use iamc_policy::document::{Effect, PrincipalElement, ResourceElement, Statement};
use iamc_policy::json::shown;
use iamc_policy::principal::PrincipalEntry;

/// So many pairs of entries are compared; a document of thousands of statements would take for ever.
const BUDGET: usize = 200_000;

pub(crate) fn check(subject: &mut Subject<'_>) {
    subject.begin();
    let statements = &subject.policy.statements;
    let mut budget = BUDGET;
    for (at, statement) in statements.iter().enumerate() {
        let mut found = None;
        for (other, candidate) in statements.iter().enumerate() {
            if other == at {
                continue;
            }
            let denies = candidate.effect == Effect::Deny && statement.effect == Effect::Allow;
            if candidate.effect != statement.effect && !denies {
                continue;
            }
            if !covers(candidate, statement, &mut budget) {
                continue;
            }
            // Of two equal statements the later one is superfluous.
            if denies || other < at || !covers(statement, candidate, &mut budget) {
                found = Some((other, denies));
                break;
            }
        }
        if let Some((other, denies)) = found {
            let line = subject.lines.position(statements[other].span.start).0;
            let named = match &statements[other].sid {
                Some(sid) => format!("`{}` on line {line}", shown(sid)),
                None => format!("the statement on line {line}"),
            };
            let (rule, message, help) = if denies {
                (&DENIED, format!("{named} denies everything that this statement allows"), "remove one of the two")
            } else {
                (&SHADOWED, format!("{named} says everything that this statement says"), "remove this one")
            };
            subject.report(rule, statement.span, message, help);
        }
    }
}

/// Whether `a` applies wherever `b` does.
fn covers(a: &Statement, b: &Statement, budget: &mut usize) -> bool {
    principals(a.principal.as_ref(), b.principal.as_ref())
        && conditions(a, b)
        && actions(a, b, budget)
        && resources(a.resource.as_ref(), b.resource.as_ref(), budget)
}

fn principals(a: Option<&PrincipalElement>, b: Option<&PrincipalElement>) -> bool {
    match (a, b) {
        (None, None) => true,
        (Some(a), Some(b)) if a.negated || b.negated => a.negated == b.negated && a.entries == b.entries,
        (Some(a), Some(b)) => {
            a.entries.iter().any(|entry| matches!(entry, PrincipalEntry::Everyone { .. })) && !b.entries.is_empty()
                || b.entries.iter().all(|entry| a.entries.contains(entry))
        }
        _ => false,
    }
}

/// Every condition of `a` is one of `b`'s: what meets those of `b` meets those of `a`.
fn conditions(a: &Statement, b: &Statement) -> bool {
    if !a.condition.unknown_operators.is_empty() || !b.condition.unknown_operators.is_empty() {
        return false;
    }
    a.condition.atoms.iter().all(|atom| {
        b.condition
            .atoms
            .iter()
            .any(|other| (atom.operator, &atom.key, &atom.values) == (other.operator, &other.key, &other.values))
    })
}

/// Takes from the budget; false where it is used up.
fn spend(budget: &mut usize, work: usize) -> bool {
    match budget.checked_sub(work) {
        Some(rest) => {
            *budget = rest;
            true
        }
        None => {
            *budget = 0;
            false
        }
    }
}

fn actions(a: &Statement, b: &Statement, budget: &mut usize) -> bool {
    let (a, b) = (&a.action, &b.action);
    if a.negated || b.negated {
        let everything = !a.negated && a.patterns.contains(&ActionPattern::Any);
        return everything || a.negated == b.negated && a.patterns == b.patterns;
    }
    !b.patterns.is_empty()
        && spend(budget, a.patterns.len().saturating_mul(b.patterns.len()))
        && b.patterns.iter().all(|pattern| a.patterns.iter().any(|candidate| action_covers(candidate, pattern)))
}

fn resources(a: Option<&ResourceElement>, b: Option<&ResourceElement>, budget: &mut usize) -> bool {
    match (a, b) {
        (None, None) => true,
        (Some(a), Some(b)) if a.negated || b.negated => {
            let everything = !a.negated && a.patterns.iter().any(is_star);
            everything || a.negated == b.negated && a.patterns == b.patterns
        }
        (Some(a), Some(b)) => {
            !b.patterns.is_empty()
                && spend(budget, a.patterns.len().saturating_mul(b.patterns.len()))
                && b.patterns
                    .iter()
                    .all(|pattern| a.patterns.iter().any(|candidate| resource_covers(candidate, pattern)))
        }
        _ => false,
    }
}
