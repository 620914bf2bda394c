//! Judges for tests and fuzz targets: they say nothing, or panic with decision cases that one can paste.

use crate::case::{Case, CaseRequest, Expect, ExpectedDecision, Setup};
use crate::engine::Engine;
use crate::generators::Sample;
use crate::laws::{Law, Outcome};
use crate::print::to_json;
use iamc_inventory::write_lines;
use iamc_policy::decision::{Decision, Residual};
use iamc_policy::document::Strictness;
use iamc_policy::request::GivenKeys;
use iamc_policy::{Answer, Policy};

/// Panics if the law is broken on the sample of these bytes.
pub fn law_holds(law: &Law, engine: &dyn Engine, bytes: &[u8]) {
    if let Outcome::Broken(breach) = law.check(engine, bytes) {
        panic!("{} {:?} is broken by {}:\n{breach}", law.name, law.rules, engine.name());
    }
}

/// Panics unless the engines agree: on refusing the request, and with which code; on the decision, the reasons, the
/// statements, the open keys and the explanation of each unit; and whether there is a residual.
///
/// What a residual says is compared by the law about residuals, not by its form.
pub fn agree(engines: &[&dyn Engine], sample: &Sample) {
    let Some((first, others)) = engines.split_first() else { return };
    let expected = first.decide(&sample.world, &sample.request);
    for other in others {
        let got = other.decide(&sample.world, &sample.request);
        let difference = match (&expected, &got) {
            (Ok(expected), Ok(got)) => difference(expected, got),
            (Err(expected), Err(got)) if expected.code == got.code => None,
            (expected, got) => Some(format!("{} against {}", verdict(expected), verdict(got))),
        };
        if let Some(difference) = difference {
            let line = case_line("disagreement", sample, *first);
            panic!("{} and {} differ: {difference}\n{line}", first.name(), other.name());
        }
    }
}

fn verdict(result: &Result<Answer, iamc_policy::request::RequestError>) -> String {
    match result {
        Ok(answer) => answer.decision.to_string(),
        Err(error) => error.to_string(),
    }
}

fn difference(expected: &Answer, got: &Answer) -> Option<String> {
    let differs = |what: &str, expected: &dyn std::fmt::Debug, got: &dyn std::fmt::Debug| {
        Some(format!("{what}: {expected:?} against {got:?}"))
    };
    if expected.decision != got.decision {
        return differs("decision", &expected.decision, &got.decision);
    }
    if expected.missing() != got.missing() {
        return differs("missing", &expected.missing(), &got.missing());
    }
    if expected.residual_keys != got.residual_keys {
        return differs("residual keys", &expected.residual_keys, &got.residual_keys);
    }
    if expected.explanation.units != got.explanation.units {
        return differs("explanation", &expected.explanation.units, &got.explanation.units);
    }
    if expected.warnings != got.warnings {
        return differs("warnings", &expected.warnings, &got.warnings);
    }
    let open = |residual: &Option<Residual>| residual.is_some();
    if open(&expected.residual) != open(&got.residual) {
        return differs("residual", &expected.residual, &got.residual);
    }
    None
}

/// Panics unless printing the policy and reading it again gives the same policy, but for positions.
pub fn round_trip(policy: &Policy) {
    let text = policy.to_json();
    let parsed = Policy::parse(policy.kind, Strictness::Lenient, &text);
    let Some(again) = parsed.policy else {
        panic!("the printed policy is refused: {:?}\n{text}", parsed.diagnostics);
    };
    assert_eq!(again.to_json(), text, "the policy was printed in another way the second time");
    assert_eq!(without_positions(&again), without_positions(policy), "{text}");
}

/// The policy with all spans and lines set to nothing.
fn without_positions(policy: &Policy) -> Policy {
    let mut policy = policy.clone();
    for statement in &mut policy.statements {
        statement.span = Default::default();
        statement.line = 0;
        statement.action.span = Default::default();
        if let Some(principal) = &mut statement.principal {
            principal.span = Default::default();
        }
        if let Some(resource) = &mut statement.resource {
            resource.span = Default::default();
        }
        for atom in &mut statement.condition.atoms {
            atom.span = Default::default();
        }
    }
    policy
}

/// The sample as a decision case with the answer that the engine gives, a line of JSON; before it a comment line for
/// what a case cannot say: that the inventory is complete as it is, that given keys are checked.
///
/// A case pins its context. The inventory is written as `write_lines` writes it.
pub fn case_line(id: &str, sample: &Sample, engine: &dyn Engine) -> String {
    let mut lines = Vec::new();
    if write_lines(&sample.world, &mut lines).is_err() {
        return format!("// {id}: the world cannot be written");
    }
    let lines = String::from_utf8_lossy(&lines).into_owned();
    let list = format!("[{}]", lines.lines().collect::<Vec<_>>().join(", "));
    let mut comment = String::new();
    if sample.world.assume_complete {
        comment.push_str("// the inventory is complete as it is\n");
    }
    if sample.request.given_keys == GivenKeys::Checked {
        comment.push_str("// given keys are checked\n");
    }
    let expect = match engine.decide(&sample.world, &sample.request) {
        Ok(answer) => {
            let mut expect = Expect::decision(match answer.decision {
                Decision::Allow => ExpectedDecision::Allow,
                Decision::ExplicitDeny => ExpectedDecision::ExplicitDeny,
                Decision::ImplicitDeny => ExpectedDecision::ImplicitDeny,
                Decision::Conditional(_) => ExpectedDecision::Conditional,
            });
            if let Decision::Conditional(outcomes) = answer.decision {
                expect.possible = Some(outcomes.names().into_iter().map(str::to_owned).collect());
            }
            expect
        }
        Err(_) => Expect::decision(ExpectedDecision::Invalid),
    };
    let case = Case {
        id: id.to_owned(),
        rules: Vec::new(),
        request: CaseRequest::Known(Box::new(sample.request.clone())),
        setup: Setup::Inventory(list, (1, 1)),
        settings: sample.world.settings.clone(),
        expect,
        place: None,
    };
    format!("{comment}{}", to_json(&case))
}
