//! Whole worlds through the compiler: those of the decision cases, generated ones, and hostile ones.
#![expect(clippy::unwrap_used, reason = "what these tests are made of fails by a panic, as they do")]

use iamc_catalogue::Catalogue;
use iamc_compiler::{CompileError, Compiler, Limits, compile, report};
use iamc_policy::world::{Account, NamedPolicy, Organization, Unit};
use iamc_policy::{AccountId, Policy, PolicyKind, World};
use iamc_testkit::case::read_cases;
use iamc_testkit::generators::{Entropy, bytes_of_seed, scene};
use std::path::Path;

/// The worlds of decision cases, every fourth, and generated ones: the agreement of answers is tested on all of them.
fn worlds() -> impl Iterator<Item = World> {
    let generated = (0..60).map(|seed| scene(&mut Entropy::new(&bytes_of_seed(seed, 6_000)), 1).0);
    case_worlds().into_iter().step_by(4).chain(generated)
}

fn case_worlds() -> Vec<World> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../testkit/cases");
    let mut files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|file| file.extension().is_some_and(|extension| extension == "jsonl"));
    files.sort();
    let mut worlds = Vec::new();
    for file in files {
        let text = std::fs::read_to_string(&file).unwrap();
        for case in read_cases(&file.to_string_lossy(), &text).unwrap() {
            worlds.extend(iamc_testkit::build::build(&case).ok().map(|(world, _)| world));
        }
    }
    assert!(worlds.len() > 200, "{}", worlds.len());
    worlds
}

fn bytes(world: &World) -> Vec<u8> {
    compile(world, Catalogue::embedded(), &Limits::default()).unwrap().to_bytes()
}

/// Organizations, units, guardrails and managed policies first, then a part for each account and one for the rest.
fn cut(world: &World) -> Vec<World> {
    let empty =
        || World { settings: world.settings.clone(), assume_complete: world.assume_complete, ..World::default() };
    let mut parts = vec![World {
        organizations: world.organizations.clone(),
        units: world.units.clone(),
        guardrails: world.guardrails.clone(),
        policies: world.policies.clone(),
        ..empty()
    }];
    let accounts: Vec<AccountId> = world.accounts.iter().map(|account| account.id).collect();
    for account in accounts.iter().copied().map(Some).chain([None]) {
        let own = |text: &str| match account {
            Some(account) => text == account.to_string(),
            None => !accounts.iter().any(|known| text == known.to_string()),
        };
        parts.push(World {
            accounts: world.accounts.iter().filter(|known| Some(known.id) == account).cloned().collect(),
            users: world.users.iter().filter(|user| own(user.identity.arn.account())).cloned().collect(),
            groups: world.groups.iter().filter(|group| own(group.identity.arn.account())).cloned().collect(),
            roles: world.roles.iter().filter(|role| own(role.identity.arn.account())).cloned().collect(),
            resources: world.resources.iter().filter(|resource| own(resource.arn.account())).cloned().collect(),
            endpoints: world.endpoints.iter().filter(|known| own(&known.account.to_string())).cloned().collect(),
            coverage: world.coverage.iter().filter(|known| own(&known.account.to_string())).cloned().collect(),
            gaps: if account.is_none() { world.gaps.clone() } else { Vec::new() },
            ..empty()
        });
    }
    parts
}

#[test]
fn a_world_that_is_consumed_gives_the_same_set() {
    for world in worlds() {
        let expected = bytes(&world);
        let mut compiler =
            Compiler::new(Catalogue::embedded(), &world.settings, world.assume_complete, &Limits::default());
        compiler.consume(world).unwrap();
        assert!(compiler.finish().unwrap().to_bytes() == expected);
    }
}

#[test]
fn every_world_compiles_and_loads_again() {
    for world in worlds() {
        let set = compile(&world, Catalogue::embedded(), &Limits::default()).unwrap();
        let again = iamc_runtime::CompiledPolicySet::load(&set.to_bytes()).unwrap();
        assert!(again.tables() == set.tables());
        assert_eq!(report(&set).n_principals, world.users.len() + world.roles.len());
        // Without a catalogue there are other ids and the same policies.
        let text_only = compile(&world, &Catalogue::without_actions(), &Limits::default()).unwrap();
        assert_eq!(report(&text_only).n_statements, report(&set).n_statements);
    }
}

#[test]
fn the_same_world_gives_the_same_bytes_however_it_is_cut() {
    for world in worlds() {
        let whole = bytes(&world);
        assert!(bytes(&world) == whole);
        let mut compiler =
            Compiler::new(Catalogue::embedded(), &world.settings, world.assume_complete, &Limits::default());
        for part in cut(&world) {
            compiler.add(&part).unwrap();
        }
        assert!(compiler.finish().unwrap().to_bytes() == whole);
    }
}

#[test]
fn parts_under_different_settings_do_not_mix() {
    let world = World::default();
    let mut compiler = Compiler::new(Catalogue::embedded(), &world.settings, true, &Limits::default());
    assert_eq!(compiler.add(&world), Err(CompileError::Settings));
}

fn policy(n_statements: usize) -> NamedPolicy {
    let statements: Vec<String> = (0..n_statements)
        .map(|n| format!(r#"{{"Effect":"Allow","Action":"s3:Get*","Resource":"arn:aws:s3:::b{n}/*"}}"#))
        .collect();
    let text = format!(r#"{{"Version":"2012-10-17","Statement":[{}]}}"#, statements.join(","));
    let parsed = Policy::parse(PolicyKind::Identity, iamc_policy::Strictness::Lenient, &text);
    NamedPolicy::new("p", parsed.policy.unwrap())
}

#[test]
fn limits_are_named() {
    let options = iamc_inventory::Options::default();
    let line = r#"{"kind":"user","arn":"arn:aws:iam::111111111111:user/u"}"#;
    let mut world = iamc_inventory::read_lines("w.jsonl", line, &options).unwrap().world;
    world.users[0].identity.inline = vec![policy(10), policy(11)];
    let with = |limits: Limits| compile(&world, Catalogue::embedded(), &limits).map(|set| report(&set).n_statements);
    let all = Limits::default();
    assert_eq!(with(all), Ok(11));
    assert_eq!(with(Limits { statements_max: 11, rules_max: 21, attachments_max: 2, ..all }), Ok(11));
    for (limits, what, given, limit) in [
        (Limits { statements_max: 10, ..all }, "statements", 11, 10),
        (Limits { rules_max: 20, ..all }, "rules", 21, 20),
        (Limits { attachments_max: 1, ..all }, "attached policies", 2, 1),
    ] {
        assert_eq!(with(limits), Err(CompileError::Limit { what, given, limit }));
    }
    let message = with(Limits { text_bytes_max: 10, ..all }).unwrap_err().to_string();
    assert!(message.starts_with("too many bytes of text: ") && message.ends_with(", limit 10"), "{message}");
}

/// One organization, units in a chain, an account under the last one.
fn chain(n_units: usize, n_accounts: usize) -> World {
    let unit = |n: usize| format!("ou-{n}");
    World {
        organizations: vec![Organization {
            id: "o-deep".into(),
            management_account: "999999999999".parse().unwrap(),
            scp_enabled: Some(true),
            rcp_enabled: Some(false),
            delegated_administrators: Vec::new(),
            place: None,
        }],
        units: (0..n_units)
            .map(|n| Unit {
                id: unit(n),
                organization: "o-deep".into(),
                parent: n.checked_sub(1).map(unit),
                name: None,
                place: None,
            })
            .collect(),
        accounts: (0..n_accounts)
            .map(|n| Account {
                id: format!("{n:012}").parse().unwrap(),
                name: None,
                parent: Some(unit(n_units - 1)),
                canonical_user: None,
                s3_restrict_public_buckets: None,
                place: None,
            })
            .collect(),
        ..World::default()
    }
}

#[test]
fn deep_hierarchies_are_counted_before_they_are_walked() {
    let limits = Limits::default();
    let set = compile(&chain(2_000, 3), Catalogue::embedded(), &limits).unwrap();
    assert_eq!(set.tables().guardrail_levels.len() / 4, 3 * 2_001);
    // Four billion levels, refused at once.
    let error = compile(&chain(60_000, 70_000), Catalogue::embedded(), &limits).map(|_| ()).unwrap_err();
    assert_eq!(
        error,
        CompileError::Limit { what: "levels of guardrails", given: 70_000 * 60_001, limit: limits.levels_max }
    );
    // A circle has no levels, and no end.
    let mut circle = chain(50, 2);
    circle.units[0].parent = Some("ou-49".into());
    let set = compile(&circle, Catalogue::embedded(), &limits).unwrap();
    assert_eq!(set.tables().guardrail_levels.len(), 0);
}
