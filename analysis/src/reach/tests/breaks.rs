//! Sets of statements that break all paths, against all sets of fewer.

use super::*;
use crate::{Break, Start};
use iamc_policy::world::PolicyText;
use std::sync::Arc;

/// Every policy of the world that P-16.8 counts.
fn policies(world: &mut World) -> Vec<&mut NamedPolicy> {
    let users = world.users.iter_mut().map(|user| &mut user.identity);
    let (mut roles, mut trusts) = (Vec::new(), Vec::new());
    for role in &mut world.roles {
        roles.push(&mut role.identity);
        trusts.push(&mut role.trust);
    }
    let groups = world.groups.iter_mut().map(|group| &mut group.identity);
    let records = users.chain(roles).chain(groups);
    let inline = records.flat_map(|record| &mut record.inline);
    inline.chain(world.policies.iter_mut().map(|policy| &mut policy.policy)).chain(trusts).collect()
}

/// The world without those Allow statements, by number among all.
fn without(world: &World, left_out: &[usize]) -> World {
    let mut world = world.clone();
    let mut at = 0;
    for policy in policies(&mut world) {
        let PolicyText::Known(text) = &policy.text else { continue };
        let mut text = (**text).clone();
        text.statements.retain(|statement| {
            let is_allow = statement.effect == Effect::Allow;
            at += usize::from(is_allow);
            !is_allow || !left_out.contains(&(at - 1))
        });
        policy.text = PolicyText::Known(Arc::new(text));
    }
    world
}

fn n_allows(world: &World) -> usize {
    let mut world = world.clone();
    let known = policies(&mut world).into_iter().filter_map(|policy| match &policy.text {
        PolicyText::Known(text) => Some(text.statements.iter().filter(|one| one.effect == Effect::Allow).count()),
        PolicyText::Unknown(_) => None,
    });
    known.sum()
}

fn reach(world: World) -> Reach {
    Reach::new(world, Catalogue::embedded(), Given::default()).unwrap()
}

#[test]
fn no_smaller_set_breaks_all_paths() {
    let mut sizes = [0; 4];
    let start = "arn:aws:iam::111111111111:user/u0";
    let goals = [
        Goal::Administrator("111111111111".parse().unwrap()),
        Goal::Identity("arn:aws:iam::111111111111:role/r0"),
        Goal::Identity("arn:aws:iam::222222222222:role/r1"),
        Goal::Identity("arn:aws:iam::111111111111:user/u1"),
    ];
    for seed in 0..16 {
        let world = read(&small_world(seed));
        for goal in goals {
            let has_path =
                |left_out: &[usize]| reach(without(&world, left_out)).between(start, goal, false).unwrap().is_some();
            let found = reach(world.clone()).breaks(start, goal, false).unwrap();
            let size = match &found {
                Break::NoPath => 0,
                Break::Statements { cuts, smallest: true, n_starts: 1 } => cuts.len(),
                other => panic!("seed {seed}: {other:?}"),
            };
            let n = n_allows(&world);
            let mut pairs = (0..n).flat_map(|a| (a + 1..n).map(move |b| [a, b]));
            assert_eq!(has_path(&[]), size > 0, "seed {seed}: {found:?}");
            match size {
                0 => {}
                1 => assert!((0..n).any(|one| !has_path(&[one])), "seed {seed}: {found:?}"),
                2 => {
                    assert!((0..n).all(|one| has_path(&[one])), "seed {seed}: {found:?}");
                    assert!(pairs.any(|pair| !has_path(&pair)), "seed {seed}: {found:?}");
                }
                _ => assert!(pairs.all(|pair| has_path(&pair)), "seed {seed}: {found:?}"),
            }
            sizes[size.min(3)] += 1;
        }
    }
    assert!(sizes[0] > 4 && sizes[1] > 4 && sizes[2] > 0, "{sizes:?}");
}

#[test]
fn statements_that_break_the_escalations_of_acme() {
    let mut reach = reach(acme());
    let goal = Goal::Administrator("222222222222".parse().unwrap());
    let found = reach.breaks(Start::Everybody, goal, true).unwrap();
    let Break::Statements { cuts, smallest, n_starts } = found else { panic!("{found:?}") };
    let texts: Vec<String> = cuts.iter().map(|cut| format!("{} {}", cut.owner, cut.statement)).collect();
    // Reviewed: the automation's right to edit the roles of its own path, from wherever it is used, and the pipeline's right
    // to start machines.
    let expected = [
        "arn:aws:iam::222222222222:role/security/Automation identity/MaintainSecurityRoles/0",
        "arn:aws:iam::222222222222:role/service/DeployPipeline identity/Deploy/Launch",
    ];
    assert_eq!((texts, smallest, n_starts), (expected.map(str::to_owned).to_vec(), true, 3));
}
