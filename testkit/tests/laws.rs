//! Every law on the reference: a few thousand samples, or a hundred thousand with `IAMC_LONG=1` in the environment.

use iamc_testkit::engine::Reference;
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
