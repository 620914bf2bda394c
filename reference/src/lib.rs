//! The specification as a program: slow, obvious, close to the text of `docs/semantics.md`.
//!
//! One function a rule or a small group of rules, each citing it; no index, no cache, no cleverness. It shares with
//! the compiled engine only the parsed types of `iamc_policy` and the data of `iamc_catalogue`.
//!
//! To read it beside the text: [`decide`] is section 0. `context` is section 5, `resolve` 6.2 to 6.5, `principal`
//! 6.1 and 6.8, `units` R-6.3 and R-6.43, `gates` the gates, `kms` 6.9, `s3` 6.10, `evaluate` the formula, `explain`
//! section 7, `formula` the connectives of section 8, `residual` R-8.23 and R-8.35.

mod address;
mod base64;
mod caller;
pub mod condition;
mod context;
mod date;
mod evaluate;
mod formula;
mod gates;
mod kms;
mod number;
mod organization;
pub mod pattern;
mod principal;
mod residual;
mod resolve;
mod s3;
mod units;
mod variables;

pub use residual::{Holder, UnitKeyState, key_states, residual_decision};

use caller::Caller;
use context::UnitContext;
use evaluate::Verdict;
use formula::{and, not, or, truth};
use iamc_catalogue::Catalogue;
use iamc_policy::decision::{Missing, Residual, ResidualAtom, UnitExplanation};
use iamc_policy::request::RequestError;
use iamc_policy::{Answer, Decision, Explanation, Formula, Outcomes, ReasonCode, Request, Truth, World};
use units::{StsActions, Unit};

/// Decides one request (section 0, `decide`).
///
/// The answer carries a complete explanation (R-7.1) and, if it is `Conditional`, the residual (R-8.22).
///
/// # Errors
/// A request that is not well-formed in this world gets no decision: its owner account is not known (`E-RESACCT`),
/// given keys contradict derived ones (`E-CTX-CONFLICT`), and so on; see [`RequestError`].
///
/// Panics: never. Cost: O(statements of the world) for each request; this is the slow engine.
///
/// ```
/// use iamc_catalogue::Catalogue;
/// use iamc_policy::{Decision, Principal, Request, World};
/// let world = World { assume_complete: true, ..World::default() };
/// let root = Principal::from_arn("arn:aws:iam::111111111111:root").unwrap();
/// let action = "sqs:SendMessage".parse().unwrap();
/// let queue = "arn:aws:sqs:us-east-1:111111111111:q".parse().unwrap();
/// let answer = iamc_reference::decide(&world, Catalogue::embedded(), &Request::new(root, action, queue)).unwrap();
/// assert_eq!(answer.decision, Decision::Allow); // R-6.47
/// ```
pub fn decide(world: &World, catalogue: &Catalogue, request: &Request) -> Result<Answer, RequestError> {
    if request.resources.is_empty() {
        return Err(RequestError {
            code: "E-RESOURCE-NEEDED",
            message: "a request names at least one resource: give its ARN, or `*`".into(),
            field: "resource",
            rule: "R-5.1",
        });
    }
    let caller = Caller::new(world, request);
    let sts = StsActions::new();
    let units = units::units(world, catalogue, request, &caller, &sts)?;
    let context = |unit| UnitContext { world, catalogue, request, caller: &caller, unit };
    for unit in &units {
        context::check(&context(unit))?;
    }

    // R-6.70
    if gates::is_policy_free(request, caller.kind) {
        return Ok(settled(&units, Decision::Allow, None));
    }
    // R-6.71: the gate comes before all policies.
    let gate = gates::credential(&context(&units[0]));
    if gate == Formula::True {
        return Ok(settled(&units, Decision::ImplicitDeny, Some(ReasonCode::GateCredential)));
    }

    let mut verdicts = Vec::new();
    for unit in &units {
        verdicts.push(evaluate::evaluate(&context(unit))?);
    }
    Ok(combine(&units, verdicts, gate))
}

/// An answer that no policy has a part in.
fn settled(units: &[Unit<'_>], decision: Decision, code: Option<ReasonCode>) -> Answer {
    let allowed = if decision == Decision::Allow { Truth::True } else { Truth::False };
    let missing: Vec<Missing> =
        code.into_iter().map(|code| Missing { code, argument: None, value: Truth::False }).collect();
    let explain = |unit: &Unit<'_>| UnitExplanation {
        unit: unit.id.clone(),
        action: unit.action.to_string(),
        resource: unit.resource.to_string(),
        deny: Vec::new(),
        allow: Vec::new(),
        missing: missing.clone(),
        denied: Truth::False,
        allowed,
    };
    let explanation = Explanation { units: units.iter().map(explain).collect(), witness: Vec::new() };
    Answer { decision, explanation, residual: None, residual_keys: Vec::new(), warnings: Vec::new() }
}

/// Section 0, `combine`: D is the OR, A the AND over all units (R-6.3); then the table of R-8.20.
fn combine(units: &[Unit<'_>], verdicts: Vec<Verdict>, gate: Formula) -> Answer {
    let several = units.len() > 1;
    let mut denials = Vec::new();
    let mut grants = Vec::new();
    let mut explained = Vec::new();
    let mut witness = Vec::new();
    let mut warnings = Vec::new();
    for (unit, verdict) in units.iter().zip(verdicts) {
        // R-6.43: a unit enters with D and asked, A or not asked. R-6.71: D and not gate, A and not gate.
        let denied = and([verdict.denied, unit.asked.clone(), not(gate.clone())]);
        let allowed = and([or([verdict.allowed, not(unit.asked.clone())]), not(gate.clone())]);
        let mut missing = verdict.missing;
        if gate != Formula::False {
            missing.push(Missing {
                code: ReasonCode::GateCredential,
                argument: None,
                value: truth(&not(gate.clone())),
            });
        }
        if several && truth(&allowed) != Truth::True {
            missing.push(Missing { code: ReasonCode::Unit, argument: Some(unit.id.name()), value: truth(&allowed) });
        }
        missing.sort();
        explained.push(UnitExplanation {
            unit: unit.id.clone(),
            action: unit.action.to_string(),
            resource: unit.resource.to_string(),
            deny: verdict.deny,
            allow: verdict.allow,
            missing,
            denied: truth(&denied),
            allowed: truth(&allowed),
        });
        witness.extend(verdict.witness);
        warnings.extend(verdict.warnings);
        denials.push(denied);
        grants.push(allowed);
    }
    let residual = Residual { deny: or(denials), allow: and(grants) };
    let decision = table(truth(&residual.deny), truth(&residual.allow));
    let open = matches!(decision, Decision::Conditional(_));
    if !open {
        // R-7.2: Deny statements that are U belong to a Conditional answer only.
        explained.iter_mut().for_each(|unit| unit.deny.retain(|deny| deny.value == Truth::True));
    }
    if decision != Decision::Allow {
        witness.clear();
    }
    witness.sort();
    witness.dedup();
    warnings.sort();
    warnings.dedup();
    let residual_keys = if open { residual_keys(&residual) } else { Vec::new() };
    Answer {
        decision,
        explanation: Explanation { units: explained, witness },
        residual: open.then_some(residual),
        residual_keys,
        warnings,
    }
}

/// R-8.20: the decision table.
fn table(denied: Truth, allowed: Truth) -> Decision {
    let conditional =
        |allow, explicit_deny, implicit_deny| Decision::Conditional(Outcomes { allow, explicit_deny, implicit_deny });
    match (denied, allowed) {
        (Truth::True, _) => Decision::ExplicitDeny,
        (Truth::False, Truth::True) => Decision::Allow,
        (Truth::False, Truth::False) => Decision::ImplicitDeny,
        (Truth::False, Truth::Unknown) => conditional(true, false, true),
        (Truth::Unknown, Truth::True) => conditional(true, true, false),
        (Truth::Unknown, Truth::False) => conditional(false, true, true),
        (Truth::Unknown, Truth::Unknown) => conditional(true, true, true),
    }
}

/// R-8.22: the keys of the atoms that are left.
fn residual_keys(residual: &Residual) -> Vec<String> {
    let mut keys = Vec::new();
    let mut collect = |atom: &ResidualAtom| keys.extend(atom.keys.iter().cloned());
    formula::atoms(&residual.deny, &mut collect);
    formula::atoms(&residual.allow, &mut collect);
    keys.sort();
    keys.dedup();
    keys
}
