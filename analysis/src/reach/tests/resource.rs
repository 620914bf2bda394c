//! Policies of resources that are written anew.

use super::*;
use iamc_testkit::generators::{OBJECT, organization_with_bucket};

/// What one caller does by itself is what the graph of all says; `judges` compares it with brute force.
#[test]
fn whoever_writes_a_bucket_policy_reads_the_bucket() {
    let (mut n_reading, mut n_others) = (0, 0);
    for seed in 0..48 {
        let text = organization_with_bucket(&mut Entropy::new(&bytes_of_seed(seed, ORGANIZATION_BYTES)));
        let mut reach = Reach::new(read(&text), Catalogue::embedded(), Given::default()).unwrap();
        let goal = Goal::Use { action: "s3:GetObject", resource: OBJECT };
        let is_goal = reach.goal(goal).unwrap();
        let engine = &mut reach.engine;
        let told = engine.reachers(&is_goal).unwrap();
        for start in engine.starts() {
            let limits = Limits { definite: false, is_goal: &is_goal, keeps: false };
            let found = Search::run(engine, &[start], limits).unwrap().reached.is_some();
            assert_eq!(told.has(start), found, "seed {seed}, {}\n{text}", engine.caller_name(start));
            if found { n_reading += 1 } else { n_others += 1 }
        }
    }
    assert!(n_reading > 40 && n_others > 40, "{n_reading} {n_others}");
}
