//! The law about witnesses.

use super::{Answered, Law, Outcome, answered, broken};
use crate::parts::{Site, known_mut, policies_mut};
use iamc_policy::decision::{Attachment, StatementRef};
use iamc_policy::{Decision, Effect, PolicyKind};

/// the witness of an Allow makes A true by itself: with no other Allow statement the request is still allowed.
///
/// Allows of implied guardrails are no part of explanations, so they stay.
pub(super) const WITNESS: Law = Law {
    name: "a witness alone allows",
    rules: &["R-7.8"],
    percent_min: 12,
    check: |engine, entropy| {
        let Some(Answered { sample, answer }) = answered(engine, entropy) else { return Outcome::Vacuous };
        if answer.decision != Decision::Allow {
            return Outcome::Vacuous;
        }
        let witness = &answer.explanation.witness;
        let mut after = sample.clone();
        for (site, named) in policies_mut(&mut after.world, &mut after.request) {
            let name = named.name.clone();
            if matches!(site, Site::Guardrail(_, _, true)) {
                continue;
            }
            let Some(policy) = known_mut(named) else { continue };
            let mut index = 0;
            policy.statements.retain(|statement| {
                let kept = statement.effect == Effect::Deny
                    || witness.iter().any(|reference| stands_at(reference, &site, &name, index));
                index += 1;
                kept
            });
        }
        match engine.decide(&after.world, &after.request) {
            Ok(answer) if answer.decision == Decision::Allow => Outcome::Held,
            Ok(answer) => {
                let shown: Vec<String> = witness.iter().map(ToString::to_string).collect();
                let message = format!("with the witness {shown:?} alone the decision is {:?}", answer.decision);
                broken(engine, message, &sample, &after)
            }
            Err(error) => broken(engine, format!("refused after the change: {error}"), &sample, &after),
        }
    },
};

/// True iff the reference may be to that statement. A policy that is attached twice is one text.
fn stands_at(reference: &StatementRef, site: &Site, name: &str, index: u32) -> bool {
    let policy = &reference.policy;
    let here = match site {
        Site::Managed(_) => matches!(policy.kind, PolicyKind::Identity | PolicyKind::Boundary),
        Site::Guardrail(kind, targets, _) => {
            policy.kind == *kind
                && matches!(&policy.attachment, Attachment::Level(_, entity) if targets.contains(entity))
        }
        other => policy.kind == other.kind(),
    };
    here && policy.policy == name && reference.index == index
}
