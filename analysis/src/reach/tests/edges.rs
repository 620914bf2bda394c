//! Edges in a file: what they say, and what damage does to them.

use super::super::edges::EdgesError;
use super::super::steps::Target;
use super::super::sweep::By;
use super::*;
use crate::{Edge, Family, ReachError, Start, Wanted};

fn reach(world: &World) -> Reach {
    Reach::new(world.clone(), Catalogue::embedded(), Given::default()).unwrap()
}

/// Goals of all kinds, answered.
fn answers(reach: &mut Reach) -> Vec<String> {
    let starts = [Start::Named("arn:aws:iam::111111111111:user/u0"), Start::Everybody, Start::Outside];
    let goals = [
        Goal::AnyAdministrator,
        Goal::Identity("arn:aws:iam::111111111111:role/r0"),
        Goal::Use { action: "iam:CreateUser", resource: "arn:aws:iam::222222222222:user/new" },
    ];
    let mut found = Vec::new();
    for (start, goal) in starts.into_iter().flat_map(|start| goals.map(|goal| (start, goal))) {
        found.push(format!("{:?}", reach.paths(start, goal, Wanted::default()).unwrap()));
    }
    found.push(format!("{:?}", reach.from("arn:aws:iam::222222222222:role/r1", false, usize::MAX).unwrap()));
    found
}

#[test]
fn questions_with_kept_edges_have_the_same_answers_and_ask_nothing_again() {
    let (mut n_edges, mut n_grown) = (0, 0);
    for seed in 60..72 {
        let world = read(&small_world(seed));
        let expected = answers(&mut reach(&world));
        // Before any question, and after all of them.
        for is_asked in [false, true] {
            let mut first = reach(&world);
            if is_asked {
                answers(&mut first);
            }
            let bytes = first.edges_to_bytes(7).unwrap();
            assert_eq!(first.edges_to_bytes(7).unwrap(), bytes);
            let mut second = reach(&world);
            second.edges_from_bytes(&bytes, 7).unwrap();
            assert_eq!(second.edges_to_bytes(7).unwrap(), bytes);
            let n_kept = second.n_kept();
            assert_eq!(answers(&mut second), expected, "seed {seed}");
            n_grown += usize::from(second.n_kept() > n_kept);
            if is_asked {
                assert_eq!(second.edges_to_bytes(7).unwrap(), bytes, "nothing is left to be asked");
            }
            second
                .for_each_edge(&mut |_| -> Result<(), ReachError> {
                    n_edges += 1;
                    Ok(())
                })
                .unwrap();
        }
    }
    assert!(n_edges > 100 && n_grown > 3, "{n_edges} {n_grown}");
}

#[test]
fn each_edge_is_a_step_of_its_row() {
    let (mut n_definite, mut n_possible, mut n_run) = (0, 0, 0);
    for world in (72..80).map(|seed| read(&small_world(seed))).chain([acme()]) {
        let mut reach = reach(&world);
        reach.engine.make_graph().unwrap();
        let graph = reach.engine.graph.take().unwrap();
        let mut asked: Vec<(Caller, Fact, By)> = Vec::new();
        for (caller, bundles) in graph.callers() {
            let own = super::super::fact_of(caller);
            asked.extend(
                bundles
                    .flat_map(|bundle| bundle.gains())
                    .filter(|(fact, _)| *fact != own)
                    .map(|(fact, by)| (caller, fact, by)),
            );
        }
        let engine = &mut reach.engine;
        let n_rows = engine.table.primitives().len() as u16;
        for (caller, fact, by) in asked {
            let target = match fact {
                Fact::Joined(_, group) | Fact::Opened(super::super::fact::Thing::Group(group)) => Target::Group(group),
                Fact::Opened(super::super::fact::Thing::Policy(policy)) => Target::Policy(policy),
                Fact::Opened(super::super::fact::Thing::Identity(id)) => Target::Identity(id),
                Fact::Controls(id) | Fact::Unbounded(id) | Fact::TrustOpened(id) | Fact::Created(id) => {
                    Target::Identity(id)
                }
                Fact::ControlsProvider(provider) => Target::Provider(provider),
                Fact::Administers(_) | Fact::Rewritten | Fact::Uses => panic!("{fact:?}"),
            };
            // All other rows left out, the step is still there.
            engine.banned = (0..n_rows).filter(|row| *row != by.row).map(|row| (row, target)).collect();
            let steps = engine.decide_steps(caller, Form::default(), &|conclusion| conclusion == fact).unwrap();
            let step = steps.iter().find(|step| step.conclusion == fact);
            let step = step.unwrap_or_else(|| panic!("{} {fact:?} {by:?}", engine.caller_name(caller)));
            assert_eq!(step.row, by.row);
            if by.holds == super::super::fact::Holds::Definitely {
                assert_eq!(step.holds, by.holds, "{} {fact:?} {by:?}", engine.caller_name(caller));
                n_definite += 1;
                n_run += usize::from(engine.row(by.row).family == Family::PassRole);
            } else {
                n_possible += 1;
            }
        }
        engine.banned.clear();
    }
    assert!(n_definite > 100 && n_possible > 10 && n_run > 3, "{n_definite} {n_possible} {n_run}");
}

#[test]
fn edges_are_told_in_words() {
    let mut reach = reach(&acme());
    let mut found = Vec::new();
    let mut take = |edge: Edge<'_>| -> Result<(), ReachError> {
        found.push(format!("{} {} {} {} {}", edge.from, edge.effect, edge.to, edge.row, edge.definite));
        Ok(())
    };
    reach.for_each_edge(&mut take).unwrap();
    let own = "arn:aws:iam::222222222222:role/security/Automation opened ";
    assert!(
        found.iter().any(|line| line.starts_with(own) && line.ends_with(" iam-put-role-policy true")),
        "{found:#?}"
    );
    assert!(found.iter().all(|line| !line.contains("iamc-probe ") && !line.starts_with("iamc-new")), "{found:#?}");
}

/// Damage of every byte and every length, and what was made elsewhere.
#[test]
fn damaged_edges_are_refused() {
    let world = read(&small_world(3));
    let bytes = {
        let mut first = reach(&world);
        first.to(Goal::AnyAdministrator, false, usize::MAX).unwrap();
        first.edges_to_bytes(7).unwrap()
    };
    let mut other = reach(&world);
    for n in 0..bytes.len() {
        assert!(other.edges_from_bytes(&bytes[..n], 7).is_err(), "{n} bytes");
    }
    let mut copy = bytes.clone();
    for at in 0..bytes.len() {
        for bit in [0, 3, 7] {
            copy[at] ^= 1 << bit;
            assert!(other.edges_from_bytes(&copy, 7).is_err(), "byte {at}");
            copy[at] ^= 1 << bit;
        }
    }
    assert_eq!(other.edges_from_bytes(b"IAMCSET\x1a", 7), Err(EdgesError::Foreign));
    assert_eq!(other.edges_from_bytes(&bytes, 8), Err(EdgesError::Elsewhere), "another inventory");
    let mut longer = bytes.clone();
    longer.push(0);
    assert_eq!(other.edges_from_bytes(&longer, 7), Err(EdgesError::Damaged(16)));
    assert_eq!(other.n_kept(), 0, "nothing was taken");
    let keys = [(ConditionKey::new("aws:MultiFactorAuthPresent"), KeyState::one("true"))].into_iter().collect();
    let given = Given { keys, ..Given::default() };
    let mut stated = Reach::new(world.clone(), Catalogue::embedded(), given).unwrap();
    assert_eq!(stated.edges_from_bytes(&bytes, 7), Err(EdgesError::Elsewhere), "something else is stated");
    assert_eq!(other.edges_from_bytes(&bytes, 7), Ok(()));
}
