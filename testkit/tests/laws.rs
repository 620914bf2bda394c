//! Every law on the reference: a few thousand samples, or a hundred thousand with `IAMC_LONG=1` in the environment.

use iamc_policy::document::Strictness;
use iamc_policy::request::{GivenKeys, RequestError};
use iamc_policy::source::Place;
use iamc_policy::world::{PolicyText, ResourcePolicy};
use iamc_policy::{Answer, Decision, Effect, Formula, KeyState, Policy, PolicyKind, Request, World};
use iamc_testkit::build::build;
use iamc_testkit::case::{ExpectedDecision, read_case, read_cases};
use iamc_testkit::engine::{Engine, Reference};
use iamc_testkit::generators::{Entropy, SAMPLE_BYTES, bytes_of_seed, document_text, sample};
use iamc_testkit::laws::{LAWS, Law};
use iamc_testkit::oracles;
use iamc_testkit::runner::run_case;

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
            Mistaken {
                ask: |world, _| {
                    each_policy(world, |policy| {
                        // Two allows cancel each other out.
                        let n_allows = policy.statements.iter().filter(|own| own.effect == Effect::Allow).count();
                        policy.statements.retain(|own| own.effect == Effect::Deny || n_allows != 2);
                    })
                },
                say: as_it_is,
            },
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
                // Accounts are taken to lie under the root.
                ask: |world, _| {
                    let root = world.units.iter().find(|unit| unit.parent.is_none()).map(|unit| unit.id.clone());
                    world.accounts.iter_mut().for_each(|account| account.parent = root.clone());
                },
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

/// What a law prints can be pasted: the case is read, and its answer is the one it expects.
#[test]
fn printed_samples_are_cases() {
    let engines = iamc_testkit::engine::all();
    let place = Place { file: "printed".into(), line: 1 };
    let mut n_checked = 0;
    for seed in 0..600 {
        let bytes = bytes_of_seed(seed, SAMPLE_BYTES);
        let mut sample = sample(&mut Entropy::new(&bytes));
        // What a case cannot say: see `case_line`. The reader notes policies that are attached and not there.
        sample.world.assume_complete = false;
        sample.request.given_keys = GivenKeys::Pinned;
        let line = oracles::case_line("printed", &sample, &Reference);
        let case = read_case(&line, &place).unwrap_or_else(|error| panic!("seed {seed}: {error}\n{line}"));
        if sample.world.settings.strict && case.expect.decision != ExpectedDecision::Invalid {
            continue;
        }
        let differences = run_case(&case, &engines);
        assert!(differences.is_empty(), "seed {seed}: {differences:?}\n{line}");
        n_checked += 1;
    }
    assert!(n_checked > 500, "{n_checked}");
}

/// Generated policies come out of the printer as they went in.
#[test]
fn generated_policies_round_trip() {
    let mut n_parsed = 0;
    for seed in 0..300 {
        let bytes = bytes_of_seed(seed, SAMPLE_BYTES);
        for kind in PolicyKind::ALL {
            let text = document_text(&mut Entropy::new(&bytes), *kind);
            if let Some(policy) = Policy::parse(*kind, Strictness::Lenient, &text).policy {
                oracles::round_trip(&policy);
                n_parsed += 1;
            }
        }
    }
    assert!(n_parsed > 2_000, "{n_parsed}");
}

/// Engines that differ are told apart, and the same engine agrees with itself.
#[test]
fn disagreement_is_seen() {
    let sample = (0..50)
        .map(|seed| sample(&mut Entropy::new(&bytes_of_seed(seed, SAMPLE_BYTES))))
        .find(|sample| {
            Reference
                .decide(&sample.world, &sample.request)
                .is_ok_and(|answer| answer.decision == Decision::ExplicitDeny)
        })
        .unwrap();
    oracles::agree(&[&Reference, &Reference], &sample);
    let lenient = Mistaken { ask: nothing, say: |_, _, answer| answer.decision = Decision::Allow };
    let seen = std::panic::catch_unwind(|| oracles::agree(&[&Reference, &lenient], &sample)).unwrap_err();
    let message = seen.downcast_ref::<String>().unwrap();
    assert!(message.contains("reference and mistaken differ: decision: ExplicitDeny against Allow"), "{message}");
    assert!(message.contains(r#"{"id": "disagreement""#), "{message}");
}

/// Found by the law about witnesses: with `star_grant=principal_arn` a plain star is limited, and witnesses nothing
/// where the limits do not allow.
#[test]
fn a_limited_star_is_no_witness() {
    let text = include_str!("../cases/found.jsonl");
    let cases = read_cases("found.jsonl", text).unwrap();
    let case = cases.iter().find(|case| case.id == "a-star-that-is-limited-is-no-witness").unwrap();
    let (world, request) = build(case).unwrap();
    let answer = Reference.decide(&world, &request).unwrap();
    let witness: Vec<String> = answer.explanation.witness.iter().map(ToString::to_string).collect();
    assert_eq!(witness, ["resource/bkt/Self"]);
}
