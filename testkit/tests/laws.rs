//! Every law on the reference: a few thousand samples, or a hundred thousand with `IAMC_LONG=1` in the environment.

use iamc_policy::request::RequestError;
use iamc_policy::world::{PolicyText, ResourcePolicy};
use iamc_policy::{Answer, Decision, Effect, Formula, KeyState, Policy, Request, World};
use iamc_testkit::engine::{Engine, Reference};
use iamc_testkit::laws::{LAWS, Law};

/// Samples of a short run.
const N_SHORT: u64 = 2_000;

fn n_samples() -> u64 {
    if std::env::var_os("IAMC_LONG").is_some_and(|value| value == "1") { 100_000 } else { N_SHORT }
}

fn check(law: &Law) {
    let n = n_samples();
    match law.check_seeds(&Reference, 0, n) {
        Ok(n_held) => {
            println!("{} {:?}: {n_held} of {n} samples", law.name, law.rules);
            let share = n_held * 100 / n;
            assert!(
                share >= u64::from(law.percent_min),
                "`{}` says something about {share} % of the samples only, not {} %",
                law.name,
                law.percent_min
            );
        }
        Err(breach) => panic!("`{}` {:?} is broken by seed {}:\n{}", law.name, law.rules, breach.0, breach.1),
    }
}

macro_rules! laws {
    ($($test:ident: $rule:literal),* $(,)?) => {
        $(#[test]
        fn $test() {
            let laws: Vec<&Law> = LAWS.iter().filter(|law| law.name.replace([' ', '_'], "_").to_lowercase() == stringify!($test)).collect();
            let [law] = laws.as_slice() else { panic!("there is no law of this name") };
            assert!(law.rules.contains(&$rule));
            check(law);
        })*

        #[test]
        fn every_law_has_a_test() {
            assert_eq!(LAWS.len(), [$($rule),*].len());
        }
    };
}

laws!(
    a_value_and_a_list_of_it_are_the_same: "R-1.39",
    runs_of_wildcards_may_be_written_in_any_way: "R-2.24",
    a_deny_anywhere_wins: "R-6.5",
    a_witness_alone_allows: "R-7.8",
    the_decision_of_every_completion_is_among_the_possible_ones: "R-8.24",
    to_know_more_never_makes_more_possible: "R-8.25",
    adding_a_deny_never_grants: "R-8.27",
    removing_an_allow_never_grants: "R-8.27",
    order_is_irrelevant: "R-8.28",
    duplicates_change_nothing: "R-8.28",
    statements_may_be_split: "R-8.29",
    resource_and_notresource_are_complements: "R-8.30",
    a_level_that_allows_everything_changes_nothing: "R-8.31",
    a_level_that_allows_nothing_refuses: "R-8.31",
    closed_mode_is_open_mode_in_which_what_is_not_given_is_absent: "R-8.32",
    names_mean_nothing: "R-8.33",
    policies_that_do_not_apply_change_nothing: "R-8.34",
    a_residual_says_under_each_completion_what_the_engine_says: "R-8.35",
);

/// An engine with a mistake: the reference on a changed question, with a changed answer.
struct Mistaken {
    ask: fn(&mut World, &mut Request),
    say: fn(&World, &Request, &mut Answer),
}

impl Engine for Mistaken {
    fn name(&self) -> &'static str {
        "mistaken"
    }

    fn decide(&self, world: &World, request: &Request) -> Result<Answer, RequestError> {
        let (mut other_world, mut other_request) = (world.clone(), request.clone());
        (self.ask)(&mut other_world, &mut other_request);
        let mut answer = Reference.decide(&other_world, &other_request)?;
        (self.say)(world, request, &mut answer);
        Ok(answer)
    }
}

fn nothing(_: &mut World, _: &mut Request) {}

fn as_it_is(_: &World, _: &Request, _: &mut Answer) {}

/// Calls `edit` for each parsed policy of users, roles and resources.
fn each_policy(world: &mut World, edit: impl Fn(&mut Policy)) {
    let users = world.users.iter_mut().flat_map(|user| &mut user.identity.inline);
    let roles = world.roles.iter_mut().flat_map(|role| &mut role.identity.inline);
    let resources = world.resources.iter_mut().filter_map(|resource| match &mut resource.policy {
        ResourcePolicy::Policy(policy) => Some(policy),
        _ => None,
    });
    for named in users.chain(roles).chain(resources) {
        if let PolicyText::Known(policy) = &mut named.text {
            edit(std::sync::Arc::make_mut(policy));
        }
    }
}

/// A law that no engine could break would be no law: each mistake is found by the law that forbids it.
#[test]
fn mistakes_are_found() {
    let mistakes: [(&str, Mistaken); 18] = [
        (
            "duplicates change nothing",
            Mistaken {
                ask: |world, _| {
                    each_policy(world, |policy| {
                        let twice = policy
                            .statements
                            .iter()
                            .any(|own| policy.statements.iter().filter(|other| *other == own).count() > 1);
                        policy.statements.retain(|_| !twice);
                    })
                },
                say: as_it_is,
            },
        ),
        (
            "a level that allows everything changes nothing",
            Mistaken {
                ask: |world, _| world.guardrails.retain(|guardrail| !guardrail.id.starts_with("p-new")),
                say: as_it_is,
            },
        ),
        (
            "closed mode is open mode in which what is not given is absent",
            Mistaken { ask: |_, request| request.context.retain(|_, state| *state != KeyState::Absent), say: as_it_is },
        ),
        (
            "policies that do not apply change nothing",
            Mistaken {
                ask: nothing,
                say: |world, _, answer| {
                    if world.guardrails.iter().any(|guardrail| guardrail.id.contains("elsewhere")) {
                        answer.decision = Decision::ExplicitDeny;
                    }
                },
            },
        ),
        (
            "a value and a list of it are the same",
            Mistaken {
                ask: |world, _| {
                    each_policy(world, |policy| {
                        policy.statements.iter_mut().for_each(|own| own.condition.atoms.truncate(1))
                    })
                },
                say: as_it_is,
            },
        ),
        (
            "runs of wildcards may be written in any way",
            Mistaken {
                ask: |world, _| {
                    each_policy(world, |policy| {
                        let resources = policy.statements.iter_mut().filter_map(|own| own.resource.as_mut());
                        resources
                            .for_each(|resource| resource.patterns.retain(|pattern| !pattern.text().contains("**")));
                    })
                },
                say: as_it_is,
            },
        ),
        (
            "a deny anywhere wins",
            Mistaken {
                ask: |world, _| {
                    each_policy(world, |policy| policy.statements.retain(|own| own.effect == Effect::Allow))
                },
                say: as_it_is,
            },
        ),
        (
            "a witness alone allows",
            Mistaken { ask: nothing, say: |_, _, answer| answer.explanation.witness.truncate(1) },
        ),
        (
            "the decision of every completion is among the possible ones",
            Mistaken {
                ask: nothing,
                say: |_, _, answer| {
                    if let Decision::Conditional(_) = answer.decision {
                        answer.decision = Decision::ImplicitDeny;
                    }
                },
            },
        ),
        (
            "to know more never makes more possible",
            Mistaken {
                ask: |_, request| request.context.retain(|_, state| *state != KeyState::Unknown),
                say: as_it_is,
            },
        ),
        (
            "adding a deny never grants",
            Mistaken {
                ask: |world, _| {
                    each_policy(world, |policy| {
                        // Two denies cancel each other out.
                        let n_denies = policy.statements.iter().filter(|own| own.effect == Effect::Deny).count();
                        policy.statements.retain(|own| own.effect == Effect::Allow || n_denies != 2);
                    })
                },
                say: as_it_is,
            },
        ),
        (
            "removing an allow never grants",
            Mistaken { ask: |world, _| each_policy(world, |policy| policy.statements.truncate(1)), say: as_it_is },
        ),
        (
            "order is irrelevant",
            Mistaken { ask: |world, _| each_policy(world, |policy| policy.statements.truncate(1)), say: as_it_is },
        ),
        (
            "statements may be split",
            Mistaken { ask: |world, _| each_policy(world, |policy| policy.statements.truncate(2)), say: as_it_is },
        ),
        (
            "Resource and NotResource are complements",
            Mistaken {
                ask: |world, _| {
                    each_policy(world, |policy| {
                        let resources = policy.statements.iter_mut().filter_map(|own| own.resource.as_mut());
                        resources.for_each(|resource| resource.negated = false);
                    })
                },
                say: as_it_is,
            },
        ),
        (
            "a level that allows nothing refuses",
            Mistaken {
                ask: |world, _| world.guardrails.retain(|guardrail| guardrail.id != "p-new-scp"),
                say: as_it_is,
            },
        ),
        (
            "names mean nothing",
            Mistaken {
                ask: nothing,
                say: |_, request, answer| {
                    if request.principal.account().is_some_and(|account| account.number() == 111_111_111_111) {
                        answer.decision = Decision::Allow;
                    }
                },
            },
        ),
        (
            "a residual says under each completion what the engine says",
            Mistaken {
                ask: nothing,
                say: |_, _, answer| {
                    if let Some(residual) = &mut answer.residual {
                        residual.deny = Formula::False;
                    }
                },
            },
        ),
    ];
    for (name, mistaken) in &mistakes {
        let law = LAWS.iter().find(|law| law.name == *name).unwrap();
        assert!(law.check_seeds(mistaken, 0, 600).is_err(), "`{name}` does not find the mistake");
    }
}
