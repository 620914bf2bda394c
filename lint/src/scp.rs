//! The limits that SCPs had before September 2025: whoever writes for tools of that time keeps to them.

use crate::Subject;
use crate::resources::is_star;
use crate::rules::OLD_SCP_LIMIT;
use iamc_policy::action::ActionPattern;
use iamc_policy::document::{Effect, PolicyKind};

pub(crate) fn check(subject: &mut Subject<'_>) {
    subject.begin();
    if subject.kind != PolicyKind::Scp {
        return;
    }
    let help = "SCPs accept it since September 2025";
    for statement in &subject.policy.statements {
        let spans = subject.entry_spans(statement.action.span, statement.action.patterns.len());
        for (pattern, span) in statement.action.patterns.iter().zip(&spans) {
            if let ActionPattern::Named { name, .. } = pattern
                && name.trim_end_matches('*').contains(['*', '?'])
            {
                let message = "wildcards could stand only at the end of an action".to_owned();
                subject.report(&OLD_SCP_LIMIT, *span, message, help);
            }
        }
        if let Some(resource) = statement.resource.as_ref().filter(|resource| resource.negated) {
            let message = "`NotResource` was not accepted with `Allow`".to_owned();
            if statement.effect == Effect::Allow {
                subject.report(&OLD_SCP_LIMIT, resource.span, message, help);
            }
        }
        if statement.effect == Effect::Deny {
            continue;
        }
        if statement.action.negated {
            let message = "`NotAction` was not accepted with `Allow`".to_owned();
            subject.report(&OLD_SCP_LIMIT, statement.action.span, message, help);
        }
        if let Some(atom) = statement.condition.atoms.first() {
            let message = "an `Allow` could have no `Condition`".to_owned();
            subject.report(&OLD_SCP_LIMIT, atom.span, message, help);
        }
        let named =
            statement.resource.as_ref().filter(|element| !element.negated && !element.patterns.iter().all(is_star));
        if let Some(resource) = named {
            let message = "an `Allow` could name no resource but `*`".to_owned();
            subject.report(&OLD_SCP_LIMIT, resource.span, message, help);
        }
    }
}
