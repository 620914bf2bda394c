//! Explanations (section 7) and residuals: section 0 once more, on formulas, recording.

use crate::decide::{Settled, Verdict, table};
use crate::eval::Eval;
use crate::formula::{collect_keys, truth};
use crate::logic::{K, Logic, Tri};
use crate::recording::Recording;
use crate::scratch::Scratch;
use crate::set::{CompiledPolicySet, CompiledSession};
use iamc_policy::decision::{Missing, ReasonCode, Residual, StatementRef, UnitExplanation};
use iamc_policy::request::RequestError;
use iamc_policy::{Answer, Decision, Explanation, Formula, Request, Truth};

/// Decides one request and tells why: every statement and every requirement that has a part in it, the witness
/// of an Allow, the residual of a Conditional answer, and what is worth knowing of the request.
///
/// The decision is that of [`crate::decide_with`]. Session policies replace those of the request.
///
/// # Errors
/// As [`crate::decide()`].
///
/// Cost: O(bytes of the request + statements of the applicable policies), with allocations for what is reported.
pub fn explain(
    set: &CompiledPolicySet,
    request: &Request,
    session: Option<&CompiledSession>,
    scratch: &mut Scratch,
) -> Result<Answer, RequestError> {
    let mut eval = Eval::begin(set, request, session, scratch)?;
    match eval.settle() {
        Some(Settled::PolicyFree) => return Ok(settled(&eval, Decision::Allow, None)),
        Some(Settled::Gate) => {
            return Ok(settled(&eval, Decision::ImplicitDeny, Some(ReasonCode::GateCredential)));
        }
        None => {}
    }
    let gate = if eval.gate_is_open() {
        Formula::False
    } else {
        eval.enter(0);
        let unit = eval.unit.spec.id(&eval.ask);
        eval.credential_gate(&mut Recording::new(unit, false))
    };
    let n_units = eval.s.units.len();
    let mut whole = Whole::default();
    if !set.has_explanations() {
        whole.warnings.push(NO_NAMES.to_owned());
    }
    for at in 0..n_units {
        let spec = eval.s.units[at];
        let id = spec.id(&eval.ask);
        let asked = match spec.origin.asks_in() {
            None => Formula::True,
            Some((implied, first)) => {
                eval.enter(first);
                eval.asked(&mut Recording::new(id.clone(), false), implied)
            }
        };
        eval.enter(at);
        let mut recording = Recording::new(id, eval.root_escapes());
        let verdict = eval.evaluate(&mut recording)?;
        whole.warnings.extend(eval.warnings(request, &verdict));
        whole.add(&eval, recording, verdict, asked, &gate, n_units > 1);
    }
    Ok(whole.finish())
}

/// The set was made of an image without explanations.
const NO_NAMES: &str = "W-NO-EXPLANATIONS: the compiled set was written without explanations: policies and groups are \
                        shown by number, without Sid and position";

/// An answer that no policy has a part in.
fn settled(eval: &Eval<'_>, decision: Decision, code: Option<ReasonCode>) -> Answer {
    let allowed = if decision == Decision::Allow { Truth::True } else { Truth::False };
    let missing: Vec<Missing> =
        code.into_iter().map(|code| Missing { code, argument: None, value: Truth::False }).collect();
    let units = eval.s.units.iter().map(|spec| UnitExplanation {
        unit: spec.id(&eval.ask),
        action: spec.action_of(&eval.ask).to_string(),
        resource: spec.resource_of(&eval.ask).to_string(),
        deny: Vec::new(),
        allow: Vec::new(),
        missing: missing.clone(),
        denied: Truth::False,
        allowed,
    });
    let explanation = Explanation { units: units.collect(), witness: Vec::new() };
    Answer { decision, explanation, residual: None, residual_keys: Vec::new(), warnings: Vec::new() }
}

/// Section 0, step 4, over the units.
#[derive(Default)]
struct Whole {
    units: Vec<UnitExplanation>,
    denials: Vec<Formula>,
    grants: Vec<Formula>,
    witness: Vec<StatementRef>,
    warnings: Vec<String>,
}

impl Whole {
    fn add(
        &mut self,
        eval: &Eval<'_>,
        recording: Recording,
        verdict: Verdict<Formula>,
        asked: Formula,
        gate: &Formula,
        several: bool,
    ) {
        if verdict.allowed.is_certain() && verdict.denied.is_impossible() {
            self.witness.extend(recording.witness());
        }
        //
        let denied = Formula::all(vec![verdict.denied, asked.clone(), gate.clone().not()]);
        let allowed = Formula::all(vec![verdict.allowed.or(asked.not()), gate.clone().not()]);
        let mut missing = recording.missing;
        let mut note = |code, argument: Option<String>, value: &Formula| {
            if !value.is_certain() {
                missing.push(Missing { code, argument, value: truth(value) });
            }
        };
        note(ReasonCode::GateCredential, None, &gate.clone().not());
        if several {
            note(ReasonCode::Unit, Some(recording.unit.name()), &allowed);
        }
        missing.sort();
        let (mut deny, mut allow) = (recording.deny, recording.allow);
        deny.sort();
        allow.sort();
        self.units.push(UnitExplanation {
            unit: recording.unit,
            action: eval.unit.action.to_string(),
            resource: eval.unit.resource.to_string(),
            deny,
            allow,
            missing,
            denied: truth(&denied),
            allowed: truth(&allowed),
        });
        self.denials.push(denied);
        self.grants.push(allowed);
    }

    fn finish(self) -> Answer {
        let Whole { mut units, denials, grants, mut witness, mut warnings } = self;
        let residual = Residual { deny: Formula::any(denials), allow: Formula::all(grants) };
        let decision = table(tri(&residual.deny), tri(&residual.allow));
        let open = matches!(decision, Decision::Conditional(_));
        if !open {
            // Deny statements that are unknown belong to a Conditional answer only.
            units.iter_mut().for_each(|unit| unit.deny.retain(|deny| deny.value == Truth::True));
        }
        if decision != Decision::Allow {
            witness.clear();
        }
        let mut keys = Vec::new();
        if open {
            collect_keys(&residual.deny, &mut keys);
            collect_keys(&residual.allow, &mut keys);
        }
        for list in [&mut keys, &mut warnings] {
            list.sort();
            list.dedup();
        }
        witness.sort();
        witness.dedup();
        Answer {
            decision,
            explanation: Explanation { units, witness },
            residual: open.then_some(residual),
            residual_keys: keys,
            warnings,
        }
    }
}

fn tri(formula: &Formula) -> Tri {
    match formula {
        Formula::True => K::TRUE,
        Formula::False => K::FALSE,
        _ => K::UNKNOWN,
    }
}
