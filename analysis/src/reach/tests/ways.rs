//! More ways than one, and what a start comes to hold.

use super::super::steps::Target;
use super::*;
use crate::{Start, Table, Wanted};
use std::collections::BTreeMap;

/// Whatever pairs are left out, a goal is reached iff some way has none of them.
#[test]
fn alternatives_are_all_ways() {
    let (mut n_ways, mut n_reached, mut n_lost) = (0, 0, 0);
    for seed in 0..24 {
        let world = read(&small_world(seed));
        let mut reach = Reach::new(world, Catalogue::embedded(), Given::default()).unwrap();
        let start = "arn:aws:iam::111111111111:user/u0";
        let wanted = Wanted { alternatives: 64, ..Wanted::default() };
        let goal = Goal::Administrator("111111111111".parse().unwrap());
        let ways = reach.paths(start, goal, wanted).unwrap().paths;
        let first = reach.between(start, goal, false).unwrap();
        assert_eq!(first.map(|path| hops(&path)), ways.first().map(hops), "seed {seed}");
        let requests = |path: &Path| path.hops.iter().map(|hop| hop.requests.len()).sum::<usize>();
        assert!(ways.is_sorted_by_key(|path| !path.definite), "definite ones come first");
        let definite: Vec<usize> = ways.iter().filter(|path| path.definite).map(requests).collect();
        n_ways += ways.len();
        assert!(definite.first().is_none_or(|first| definite.iter().all(|n| n >= first)));
        ways.iter().for_each(|path| assert!(replay(path) > 0 || path.hops.is_empty()));
        let pairs: Vec<BTreeSet<(u16, Target)>> = ways.iter().map(|path| pairs_of(&reach, path)).collect();
        for (at, own) in pairs.iter().enumerate() {
            assert!(!pairs[..at].iter().any(|other| other.is_subset(own)), "seed {seed}");
        }
        if ways.len() == 64 {
            continue;
        }
        let every: Vec<(u16, Target)> = pairs.iter().flatten().copied().collect::<BTreeSet<_>>().into_iter().collect();
        let bytes = bytes_of_seed(1000 + seed, 8 * every.len());
        let mut entropy = Entropy::new(&bytes);
        let account = reach.engine.base.account_by_id[&"111111111111".parse().unwrap()];
        for _ in 0..8 {
            let left_out: BTreeSet<_> = every.iter().copied().filter(|_| entropy.chance(33)).collect();
            let expected = pairs.iter().any(|own| own.is_disjoint(&left_out));
            reach.engine.banned = left_out;
            let search = Search::run(&mut reach.engine, &[Caller::Identity(0)], POSSIBLE).unwrap();
            let found = search.found.contains_key(&Fact::Administers(account));
            reach.engine.banned.clear();
            assert_eq!(found, expected, "seed {seed}");
            if found { n_reached += 1 } else { n_lost += 1 }
        }
    }
    assert!(n_ways > 20 && n_reached > 5 && n_lost > 20, "{n_ways} {n_reached} {n_lost}");
}

fn hops(path: &Path) -> Vec<(&'static str, String)> {
    path.hops.iter().map(|hop| (hop.row, hop.target.clone())).collect()
}

fn pairs_of(reach: &Reach, path: &Path) -> BTreeSet<(u16, Target)> {
    let base = &reach.engine.base;
    let of = |hop: &crate::Hop| {
        let row = Table::embedded().primitives().iter().position(|row| row.id == hop.row).unwrap() as u16;
        let is_it = |arn: &iamc_policy::Arn| arn.as_str() == hop.target;
        let identity = base.by_arn.get(&hop.target).map(|id| Target::Identity(*id));
        let policy = base.world.policies.iter().position(|policy| is_it(&policy.arn));
        let group = base.world.groups.iter().position(|group| is_it(&group.identity.arn));
        let provider = base.providers.iter().position(|provider| *provider == hop.target);
        let policy = policy.map(|policy| Target::Policy(policy as u32));
        let group = group.map(|group| Target::Group(group as u32));
        let target = identity.or(policy).or(group).or(provider.map(|provider| Target::Provider(provider as u32)));
        let target = target.unwrap_or_else(|| panic!("{}", hop.target));
        (row, target)
    };
    path.hops.iter().filter(|hop| hop.row != "goal").map(of).collect()
}

#[test]
fn a_blast_radius_is_what_a_start_leads_to() {
    let mut reach = Reach::new(acme(), Catalogue::embedded(), Given::default()).unwrap();
    let (mut n_identities, mut n_uses, mut n_replayed) = (0, 0, 0);
    for account in ["111111111111", "222222222222", "333333333333", "444444444444"] {
        let actions = ["s3:GetObject".to_owned()];
        let asked = crate::BlastAsked { actions: &actions, proofs: usize::MAX, ..<_>::default() };
        let Ok(blasts) = reach.blast(Start::Account(account.parse().unwrap()), asked) else {
            continue;
        };
        for blast in blasts {
            let paths = reach.from(&blast.start, false, usize::MAX).unwrap().paths;
            let led: BTreeMap<String, bool> = paths.into_iter().map(|path| (path.goal, path.definite)).collect();
            let mut told = BTreeMap::new();
            for account in &blast.accounts {
                let all = account.identities.iter().chain(&account.administrator);
                told.extend(all.map(|held| (held.name.clone(), held.definite)));
                let ways = account.identities.iter().chain(&account.administrator).map(|held| &held.path);
                for way in ways.chain(account.uses.iter().map(|one| &one.path)) {
                    let way = way.as_ref().unwrap();
                    n_replayed += replay(way);
                    assert_eq!(way.definite, way.hops.iter().all(|hop| hop.definite), "{way:?}");
                }
            }
            assert_eq!(told, led, "{}", blast.start);
            n_identities += told.len();
            let uses: BTreeMap<String, bool> = blast
                .accounts
                .iter()
                .flat_map(|account| &account.uses)
                .map(|one| (one.resource.clone(), one.definite))
                .collect();
            n_uses += uses.len();
            if !told.is_empty() {
                for (resource, _) in reach.resources_of("s3:GetObject") {
                    let goal = Goal::Use { action: "s3:GetObject", resource: &resource };
                    let way = reach.between(&blast.start, goal, false).unwrap();
                    assert_eq!(way.map(|way| way.definite), uses.get(&resource).copied(), "{} {resource}", blast.start);
                }
            }
        }
    }
    assert!(n_identities > 5 && n_uses > 5 && n_replayed > 10, "{n_identities} {n_uses} {n_replayed}");
}
