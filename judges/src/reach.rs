//! Who can become whom: the search, brute force, and each proof decided again.

use crate::attack::Attack;
use iamc_analysis::{Given, Goal, Path, Reach, Ways};
use iamc_catalogue::Catalogue;
use iamc_inventory::{Options, read_lines, write_lines};
use iamc_policy::World;
use iamc_testkit::generators::{Entropy, OBJECT, organization, organization_with_bucket};
use std::collections::BTreeSet;

/// Starts of an input.
const N_STARTS: usize = 3;
/// Ways of a start whose proofs are decided again.
const N_PROVED: usize = 4;

/// An organization, and whether it has the bucket.
pub(crate) fn world(entropy: &mut Entropy<'_>) -> (World, bool) {
    let has_bucket = entropy.chance(35);
    let text = if has_bucket { organization_with_bucket(entropy) } else { organization(entropy) };
    (read(&text), has_bucket)
}

pub(crate) fn reach(world: &World) -> Reach {
    Reach::new(world.clone(), Catalogue::embedded(), Given::default()).expect("the world is small")
}

/// Users and roles, some of them.
pub(crate) fn starts(entropy: &mut Entropy<'_>, world: &World, n: usize) -> Vec<String> {
    let users = world.users.iter().map(|user| user.identity.arn.to_string());
    let mut all: Vec<String> = users.chain(world.roles.iter().map(|role| role.identity.arn.to_string())).collect();
    entropy.shuffle(&mut all);
    all.truncate(n);
    all
}

/// What a start comes to hold, by name.
pub(crate) fn goals(ways: &Ways) -> BTreeSet<String> {
    let paths = ways.paths.iter().map(|path| path.goal.clone());
    paths.chain(ways.others.iter().map(|other| other.goal.clone())).collect()
}

pub(crate) fn judge(bytes: &[u8]) -> u64 {
    let mut entropy = Entropy::new(bytes);
    let starts_bytes = entropy.byte();
    let (world, has_bucket) = world(&mut entropy);
    let mut reach = reach(&world);
    let mut n = 0;
    let administrators = reach.to(Goal::AnyAdministrator, false, 0).expect("the world is small");
    let administrators: BTreeSet<String> = administrators.others.into_iter().map(|other| other.start).collect();
    let are: BTreeSet<String> =
        reach.administrators().expect("the world is small").into_iter().map(|(_, name)| name).collect();
    for start in starts(&mut Entropy::new(&[starts_bytes; 16]), &world, N_STARTS) {
        let mut attack = Attack::of(&world, &start);
        let definite = goals(&reach.from(&start, true, 0).expect("it is a start"));
        let identities: BTreeSet<String> = definite.iter().filter(|goal| goal.starts_with("arn:")).cloned().collect();
        let expected: BTreeSet<String> = attack.controlled.iter().filter(|arn| **arn != start).cloned().collect();
        assert_eq!(identities, expected, "{start} and brute force{}", told(&world));
        let possible = reach.from(&start, false, N_PROVED).expect("it is a start");
        assert!(definite.is_subset(&goals(&possible)), "{start}: what is definite is possible{}", told(&world));
        n += 2 + possible.paths.iter().map(|path| replay(path, &world)).sum::<u64>();
        let becomes = goals(&possible).iter().any(|goal| goal.starts_with("administrator of "));
        // Who is one already has no way to go, but may become one of another account.
        assert!(!administrators.contains(&start) || becomes, "{start} becomes administrator{}", told(&world));
        assert!(!becomes || administrators.contains(&start) || are.contains(&start), "{start}{}", told(&world));
        n += 2;
        if has_bucket {
            let goal = Goal::Use { action: "s3:GetObject", resource: OBJECT };
            let path = reach.between(&start, goal, true).expect("it is a start");
            assert_eq!(path.is_some(), attack.reads(), "{start} reads the object{}", told(&world));
            n += 1 + path.map_or(0, |path| replay(&path, &world));
        }
    }
    n
}

/// Decides each request again, with the reference, in the part of the inventory that the proof holds, written and read.
fn replay(path: &Path, world: &World) -> u64 {
    let mut n = 0;
    for proved in path.hops.iter().flat_map(|hop| &hop.requests) {
        let part = read(&lines(&proved.world));
        let answer = iamc_reference::decide(&part, Catalogue::embedded(), &proved.request);
        let same = answer.as_ref().is_ok_and(|answer| answer.decision == proved.answer.decision);
        assert!(same, "{} → {}: {:?}: {answer:?}{}", path.start, path.goal, proved.request, told(world));
        n += 1;
    }
    n
}

fn lines(world: &World) -> String {
    let mut lines = Vec::new();
    write_lines(world, &mut lines).expect("memory takes everything");
    String::from_utf8(lines).expect("lines are text")
}

fn told(world: &World) -> String {
    format!(", in:\n{}", lines(world))
}

fn read(text: &str) -> World {
    read_lines("world.jsonl", text, &Options::default()).unwrap_or_else(|errors| panic!("{errors}\n{text}")).world
}
