//! Laws about what is not known: soundness, monotonicity, closed and open mode, residuals (section 8).

use super::{Answered, Law, Outcome, answered, broken};
use crate::engine::Engine;
use crate::generators::complete::{Narrowed, Scope, each_atom, given_keys, narrow};
use crate::generators::{Entropy, Sample};
use crate::parts::keys_in_policies;
use iamc_catalogue::Catalogue;
use iamc_policy::Answer;
use iamc_policy::condition::ConditionKey;
use iamc_policy::decision::{AtomKind, Outcomes};
use iamc_policy::request::{Context, GivenKeys, KeyState, Mode};
use iamc_reference::{Holder, key_states, residual_decision};

/// Completions drawn for each sample.
const N_COMPLETIONS: usize = 3;

fn within(inner: Outcomes, outer: Outcomes) -> bool {
    (!inner.allow || outer.allow)
        && (!inner.explicit_deny || outer.explicit_deny)
        && (!inner.implicit_deny || outer.implicit_deny)
}

/// the decision of each completion is in the possible set; and a complete request has a definite decision.
pub(super) const SOUND: Law = Law {
    name: "the decision of every completion is among the possible ones",
    rules: &["R-8.24"],
    percent_min: 50,
    check: |engine, entropy| narrower(engine, entropy, Scope { whole: true, texts: true }),
};

/// refining what is known never enlarges the possible set.
pub(super) const MONOTONE: Law = Law {
    name: "to know more never makes more possible",
    rules: &["R-8.25"],
    percent_min: 50,
    check: |engine, entropy| narrower(engine, entropy, Scope { whole: false, texts: true }),
};

fn narrower(engine: &dyn Engine, entropy: &mut Entropy<'_>, scope: Scope) -> Outcome {
    let Some(Answered { sample, answer }) = answered(engine, entropy) else { return Outcome::Vacuous };
    let mut outcome = Outcome::Vacuous;
    for _ in 0..N_COMPLETIONS {
        let texts = scope.texts && entropy.chance(50);
        let Some(narrowed) = narrow(entropy, &sample, &answer, Scope { texts, ..scope }) else { continue };
        // A completion that contradicts itself is refused, and none.
        let after = &narrowed.sample;
        let Ok(concrete) = engine.decide(&after.world, &after.request) else { continue };
        let (possible, got) = (answer.decision.outcomes(), concrete.decision.outcomes());
        if !within(got, possible) {
            let message = format!("possible were {:?}, and now are {:?}", possible.names(), got.names());
            return broken(engine, message, &sample, after);
        }
        if scope.whole && !explained(&concrete, &narrowed) {
            let message = format!("everything is known, and the answer is open: {:?}", concrete.residual);
            return broken(engine, message, &sample, after);
        }
        if narrowed.n_settled > 0 {
            outcome = Outcome::Held;
        }
    }
    outcome
}

/// Where an answer is still open, something has been left open.
fn explained(answer: &Answer, narrowed: &Narrowed) -> bool {
    let Some(residual) = &answer.residual else { return true };
    let mut found = false;
    for formula in [&residual.deny, &residual.allow] {
        each_atom(formula, &mut |kind| found |= matches!(kind, AtomKind::Policy | AtomKind::Fact { .. }));
    }
    found || answer.residual_keys.iter().any(|key| narrowed.left_open.contains(&ConditionKey::new(key)))
}

/// evaluating the residual under a completion equals evaluating the request with that completion.
pub(super) const RESIDUAL: Law = Law {
    name: "a residual says under each completion what the engine says",
    rules: &["R-8.23", "R-8.35"],
    percent_min: 20,
    check: |engine, entropy| {
        let Some(Answered { sample, answer }) = answered(engine, entropy) else { return Outcome::Vacuous };
        if answer.residual.is_none() {
            return Outcome::Vacuous;
        }
        let mut outcome = Outcome::Vacuous;
        for round in 0..N_COMPLETIONS {
            let scope = Scope { whole: round > 0, texts: false };
            let Some(narrowed) = narrow(entropy, &sample, &answer, scope) else { continue };
            let after = &narrowed.sample;
            let Ok(concrete) = engine.decide(&after.world, &after.request) else { continue };
            let Sample { world, request } = &sample;
            let by_residual = residual_decision(world, Catalogue::embedded(), request, &answer, &after.request);
            match by_residual {
                Ok(decision) if decision == concrete.decision => {}
                Ok(decision) => {
                    let message = format!(
                        "the residual gives {decision:?}, the engine {:?}; residual: {:?}",
                        concrete.decision, answer.residual
                    );
                    return broken(engine, message, &sample, after);
                }
                Err(error) => return broken(engine, format!("the residual gives an error: {error}"), &sample, after),
            }
            if narrowed.n_settled > 0 {
                outcome = Outcome::Held;
            }
        }
        outcome
    },
};

/// closed mode equals open mode in which every key that is neither given nor derived is given as it is in
/// closed mode: absent, or the default of.
///
/// Premises: given keys are pinned (in a checked request a key given in place of a derived one is another question);
/// the owner is inside the snapshot, for itself tells open mode from closed mode; units that share their keys
/// agree on them.
pub(super) const CLOSED_IS_OPEN: Law = Law {
    name: "closed mode is open mode in which what is not given is absent",
    rules: &["R-8.32"],
    percent_min: 50,
    check: |engine, entropy| {
        let mut sample = crate::generators::sample(entropy);
        sample.request.mode = Mode::Closed;
        sample.request.given_keys = GivenKeys::Pinned;
        let Ok(answer) = engine.decide(&sample.world, &sample.request) else { return Outcome::Vacuous };
        if answer.warnings.iter().any(|warning| warning.starts_with("W-FOREIGN-RCP")) {
            return Outcome::Vacuous;
        }
        let Some(open) = opened(&sample) else { return Outcome::Vacuous };
        super::unchanged(engine, &Answered { sample, answer }, &open)
    },
};

fn opened(sample: &Sample) -> Option<Sample> {
    let mut open = sample.clone();
    open.request.mode = Mode::Open;
    let more = ["aws:TagKeys", "aws:MultiFactorAuthPresent", "aws:RequestedRegion", "sts:SourceIdentity"];
    let more = more.iter().chain(&["aws:SourceIdentity"]).map(|key| ConditionKey::new(key));
    let mut keys: Vec<ConditionKey> =
        keys_in_policies(&sample.world, &sample.request).into_iter().map(|(key, _)| key).collect();
    keys.extend(more);
    // A key that one resource gives is not given for the others.
    keys.extend(given_keys(&sample.request));
    keys.sort();
    keys.dedup();
    for key in keys.into_iter().filter(|key| !sample.request.context.contains_key(key)) {
        let states = key_states(&sample.world, Catalogue::embedded(), &sample.request, &key).ok()?;
        let mut chosen: Vec<(Holder, KeyState)> = Vec::new();
        for own in states {
            match chosen.iter().find(|(holder, _)| *holder == own.holder) {
                Some((_, state)) if *state == own.state => {}
                Some(_) => return None,
                None => chosen.push((own.holder, own.state)),
            }
        }
        // What is derived is derived in open mode too, so to give it changes nothing; that it is given in whole may
        // ask for further units, which is why absent keys are given for each resource.
        for (holder, state) in chosen {
            context(&mut open, holder).entry(key.clone()).or_insert(state);
        }
    }
    Some(open)
}

fn context(sample: &mut Sample, holder: Holder) -> &mut Context {
    match holder {
        Holder::Resource(index) => &mut sample.request.resources[index].context,
        Holder::Additional(index) => &mut sample.request.additional[index].resource.context,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use iamc_policy::Decision;

    #[test]
    fn possible_sets_are_compared_as_sets() {
        let both = Outcomes { allow: true, explicit_deny: false, implicit_deny: true };
        assert!(within(Decision::Allow.outcomes(), both));
        assert!(!within(Decision::ExplicitDeny.outcomes(), both));
        assert!(!within(both, Decision::Allow.outcomes()));
    }
}
