//! Our own format: what is read, what is refused, and that an export gives back what was read.

use iamc_inventory::{Options, Read, read_lines, read_values, write_lines};
use iamc_policy::World;
use iamc_policy::decision::Truth;
use iamc_policy::document::PolicyKind;
use iamc_policy::request::EndpointType;
use iamc_policy::world::*;

fn read(text: &str) -> Read {
    read_lines("x.jsonl", text, &Options::default()).unwrap_or_else(|errors| panic!("{errors}"))
}

fn errors(text: &str) -> String {
    read_lines("x.jsonl", text, &Options::default()).expect_err("the text is wrong").to_string()
}

fn export(world: &World) -> String {
    let mut out = Vec::new();
    write_lines(world, &mut out).expect("writing into memory cannot fail");
    String::from_utf8(out).expect("JSON is UTF-8")
}

/// Every kind with every field, in a spelling of its own.
const EVERYTHING: &str = include_str!("lines/everything.jsonl");

#[test]
fn every_field_arrives() {
    let world = read(EVERYTHING).world;
    let organization = &world.organizations[0];
    assert_eq!(organization.id, "o-exampleorgid");
    assert_eq!(organization.management_account.to_string(), "999999999999");
    assert_eq!((organization.scp_enabled, organization.rcp_enabled), (Some(true), Some(false)));
    assert_eq!(organization.delegated_administrators[0].to_string(), "111122223333");
    assert_eq!(world.units[0].parent, None);
    assert_eq!(world.units[1].parent.as_deref(), Some("r-ab12"));
    assert_eq!(world.units[1].name.as_deref(), Some("Wörkloads 🦀"));
    let account = &world.accounts[0];
    assert_eq!(account.parent.as_deref(), Some("ou-ab12-11111111"));
    assert_eq!(
        account.canonical_user.as_deref(),
        Some("79a59df900b949e55d96a1e698fbacedfd6e09d98eacf8f8d5218e7cd47ef2be")
    );
    assert_eq!(account.s3_restrict_public_buckets, Some(true));
    assert_eq!(world.guardrails[0].kind, PolicyKind::Scp);
    assert_eq!(world.guardrails[0].targets, ["r-ab12", "ou-ab12-11111111", "111122223333"]);
    assert!(!world.guardrails[0].implied);
    assert_eq!(world.guardrails[1].kind, PolicyKind::Rcp);
    assert!(world.guardrails[1].implied);
    assert_eq!(world.policies[0].policy.name, "Limit");
    assert_eq!(world.policies[1].policy.text, PolicyText::Unknown(WhyUnknown::NotExported));
    let user = &world.users[0];
    assert_eq!(user.groups, ["admins"]);
    assert_eq!(user.identity.unique_id.as_deref(), Some("AIDACKCEVSQ6C2EXAMPLE"));
    assert_eq!(user.identity.boundary.as_ref().unwrap().as_str(), "arn:aws:iam::111122223333:policy/Limit");
    assert_eq!(user.identity.tags, Some(vec![("team".into(), "data".into()), ("Zeit".into(), "".into())]));
    assert_eq!(world.groups[0].identity.attached.len(), 1);
    let role = &world.roles[0];
    assert!(matches!(&role.trust.text, PolicyText::Known(policy) if policy.kind == PolicyKind::Trust));
    assert_eq!(role.trust.name, "arn:aws:iam::111122223333:role/ci/Deploy");
    assert_eq!(role.session_defaults.policies[0].name, "Narrow");
    assert_eq!(role.session_defaults.tags, [("cost-center".to_owned(), "7".to_owned())]);
    assert_eq!(world.roles[1].trust.text, PolicyText::Unknown(WhyUnknown::NotExported));
    assert_eq!(world.roles[1].identity.tags, None);
    assert_eq!(world.resources[0].policy, ResourcePolicy::None);
    assert_eq!(world.resources[0].tags, Some(vec![]));
    assert_eq!(world.resources[0].account.unwrap().to_string(), "111122223333");
    assert_eq!(world.resources[0].s3_restrict_public_buckets, Some(false));
    let ResourcePolicy::Policy(key_policy) = &world.resources[1].policy else { panic!("the key has a policy") };
    assert!(matches!(&key_policy.text, PolicyText::Known(policy) if policy.kind == PolicyKind::Key));
    let grants = world.resources[1].kms_grants.as_ref().unwrap();
    assert_eq!(grants[0].holds, Truth::True);
    assert_eq!(grants[1].holds, Truth::Unknown);
    assert_eq!(grants[1].retiring.as_deref(), Some("arn:aws:iam::111122223333:root"));
    assert_eq!(world.resources[2].policy, ResourcePolicy::NotExported);
    assert!(world.resources[2].aws_managed_key);
    assert_eq!(world.gaps[2].subject, world.resources[2].arn.as_str());
    assert_eq!(world.endpoints[0].endpoint_type, EndpointType::Gateway);
    assert_eq!(world.endpoints[0].service.as_deref(), Some("s3"));
    assert_eq!(world.endpoints[1].policy, ResourcePolicy::None);
    assert_eq!(world.providers.len(), 1);
    assert_eq!(world.instance_profiles[0].roles[0].as_str(), "arn:aws:iam::111122223333:role/App");
    assert_eq!(world.runs_as[0].roles[0].as_str(), "arn:aws:iam::111122223333:role/App");
    // Two lines about one share are joined.
    assert_eq!(world.shares.len(), 1);
    assert_eq!(world.shares[0].resources.len(), 1);
    assert_eq!(world.shares[0].principals.len(), 3);
    assert_eq!(world.shares[0].allows_external, Some(false));
    assert_eq!(world.last_use[0].at.as_deref(), Some("2026-09-26T10:00:00Z"));
    assert_eq!(world.last_use[1].at, None);
    assert_eq!(world.gaps[0].kind, GapKind::Resources);
    assert_eq!(world.coverage[0].service, "s3");
    assert_eq!(world.gaps.len(), 3, "nothing else that is referred to is missing: {:?}", world.gaps);
}

#[test]
fn an_export_reads_back_as_the_same_world() {
    let world = read(EVERYTHING).world;
    let first = export(&world);
    let again = read(&first).world;
    assert_eq!(export(&again), first);
    assert_eq!(without_places(again), without_places(read(&first).world));
    // The line count says that nothing was dropped on the way out.
    let lines = EVERYTHING.lines().filter(|line| line.starts_with('{')).count();
    assert_eq!(first.lines().count(), lines - 1, "two lines tell of one share");
}

/// The parts of a world that do not hold policies, without their places.
fn without_places(mut world: World) -> World {
    world.organizations.iter_mut().for_each(|x| x.place = None);
    world.units.iter_mut().for_each(|x| x.place = None);
    world.accounts.iter_mut().for_each(|x| x.place = None);
    world.gaps.iter_mut().for_each(|x| x.place = None);
    world.coverage.iter_mut().for_each(|x| x.place = None);
    world
}

#[test]
fn a_quarantined_policy_is_exported_as_it_was() {
    let text = concat!(
        r#"{"kind":"user","arn":"arn:aws:iam::111122223333:user/a","inline_policies":["#,
        r#"{"name":"Broken","document":{"Statement":[{"Effect":"allow"}]}},"#,
        r#"{"name":"NoJson","text":"{\"Statement\": [\n"}]}"#,
    );
    let first = read(text);
    assert_eq!(first.report.quarantined.len(), 2);
    assert_eq!(first.report.quarantined[0].policy, "Broken");
    for policy in &first.world.users[0].identity.inline {
        assert!(matches!(&policy.text, PolicyText::Unknown(WhyUnknown::Quarantined(found)) if !found.is_empty()));
    }
    let again = read(&export(&first.world));
    let texts = |read: &Read| read.world.users[0].identity.inline.iter().map(|p| p.text.clone()).collect::<Vec<_>>();
    assert_eq!(texts(&again), texts(&first));
    let strict =
        Options { settings: iamc_policy::Settings { strict: true, ..Default::default() }, ..Options::default() };
    assert!(read_lines("x.jsonl", text, &strict).is_err());
}

#[test]
fn statements_keep_their_lines() {
    let text = "\n// a comment\n{\"kind\":\"policy\",\"arn\":\"arn:aws:iam::111122223333:policy/p\",\"document\":{\"Statement\":[]}}";
    let world = read(text).world;
    assert_eq!(world.policies[0].policy.place.as_ref().unwrap().to_string(), "x.jsonl:3");
    assert!(world.policies[0].policy.verbatim);
    let list = "[{\"kind\":\"policy\",\"arn\":\"arn:aws:iam::111122223333:policy/p\",\n\"document\":{\"Statement\":\n[{\"Effect\":\"Allow\",\"Action\":\"*\",\"Resource\":\"*\"}]}}]";
    let world = read_values("c.jsonl", (10, 5), list, &Options::default()).unwrap().world;
    let policy = &world.policies[0].policy;
    assert_eq!(policy.place.as_ref().unwrap().to_string(), "c.jsonl:11");
    assert_eq!(policy.statement_place(0).unwrap().to_string(), "c.jsonl:12");
}

#[test]
fn what_is_referred_to_and_missing_becomes_a_gap() {
    let text = concat!(
        r#"{"kind":"user","arn":"arn:aws:iam::111122223333:user/a","groups":["g"],"#,
        r#""attached_policies":["arn:aws:iam::aws:policy/ReadOnlyAccess"]}"#,
        "\n",
        r#"{"kind":"account","id":"111122223333","parent":"ou-ab12-11111111"}"#,
    );
    let world = read(text).world;
    let gaps: Vec<_> = world.gaps.iter().map(|gap| (gap.kind, gap.subject.as_str())).collect();
    assert_eq!(
        gaps,
        [
            (GapKind::Hierarchy, "111122223333"),
            (GapKind::Group, "arn:aws:iam::111122223333:user/a"),
            (GapKind::ManagedPolicy, "arn:aws:iam::aws:policy/ReadOnlyAccess"),
        ]
    );
    assert_eq!(world.policies[0].policy.text, PolicyText::Unknown(WhyUnknown::NotExported));
    assert_eq!(export(&read(&export(&world)).world), export(&world), "gaps are not found twice");

    let strict = Options { strict_completeness: true, ..Options::default() };
    let found = read_lines("x.jsonl", text, &strict).unwrap_err();
    assert_eq!(found.as_slice().len(), 3);
    let assumed = Options { assume_complete: true, ..strict };
    assert!(read_lines("x.jsonl", text, &assumed).unwrap().world.assume_complete);
}

#[test]
fn mistakes_are_collected_with_positions_and_remedies() {
    insta::assert_snapshot!(errors(include_str!("lines/mistakes.jsonl")));
}

#[test]
fn contradictions_name_both_lines() {
    insta::assert_snapshot!(errors(include_str!("lines/contradictions.jsonl")));
}

#[test]
fn equal_lines_are_merged_and_facts_joined() {
    let text = r#"
        {"kind":"group","arn":"arn:aws:iam::111122223333:group/g","inline_policies":[{"name":"p","document":{"Statement":{"Effect":"Allow","Action":"s3:*","Resource":"*"}}}]}
        {"kind":"group", "inline_policies":[{"document":{ "Statement": [{"Action":["s3:*"],"Effect":"Allow","Resource":"*"}]},"name":"p"}],"arn":"arn:aws:iam::111122223333:group/g"}
        {"kind":"resource","arn":"arn:aws:s3:::b","account":"111122223333","policy":null}
        {"kind":"resource","arn":"arn:aws:s3:::b","tags":{"a":"b"}}
        {"kind":"account","id":"111122223333","name":"x"}
        {"kind":"account","id":"111122223333","canonical_user":"c"}
    "#;
    let world = read(text).world;
    assert_eq!((world.groups.len(), world.resources.len(), world.accounts.len()), (1, 1, 1));
    assert_eq!(world.resources[0].policy, ResourcePolicy::None);
    assert_eq!(world.resources[0].tags, Some(vec![("a".into(), "b".into())]));
    assert_eq!(world.accounts[0].canonical_user.as_deref(), Some("c"));
}

#[test]
fn hostile_texts_are_errors() {
    let deep = format!("{{\"kind\":{}", "[".repeat(200_000));
    let closed = format!("{{\"kind\":{}{}}}", "[".repeat(200_000), "]".repeat(200_000));
    let deep_policy = format!(
        "{{\"kind\":\"policy\",\"arn\":\"arn:aws:iam::111122223333:policy/p\",\"document\":{{\"Statement\":{}{}}}}}",
        "[".repeat(200_000),
        "]".repeat(200_000)
    );
    for text in [
        &deep,
        &closed,
        "{\"kind\":\"account\",\"id\":1e999999}",
        "{\"kind\":\"\\ud800\"}",
        "{\"kind\":\"a\0\"}",
        "[]",
        "\u{feff}\u{feff}{}",
    ] {
        let found = errors(text);
        assert!(found.starts_with("x.jsonl:1:"), "{found}");
    }
    // A document that cannot be read is a quarantined policy, not an error of the file.
    assert_eq!(read(&deep_policy).report.quarantined.len(), 1);
}

#[test]
fn many_mistakes_are_counted_not_shown() {
    let found = read_lines("x.jsonl", &"{}\n".repeat(1_500), &Options::default()).unwrap_err();
    assert_eq!(found.as_slice().len(), 1_001);
    assert!(found.as_slice().iter().any(|error| error.message == "500 more errors in this file are not shown"));
}

#[test]
fn damaged_lines_never_panic() {
    // Every truncation and many single-byte changes of a text that holds every field.
    for end in (0..EVERYTHING.len()).step_by(7) {
        if EVERYTHING.is_char_boundary(end) {
            let _ = read_lines("x.jsonl", &EVERYTHING[..end], &Options::default());
        }
    }
    for at in (0..EVERYTHING.len()).step_by(11) {
        for byte in [b'"', b'{', b'0', b'\\'] {
            let mut bytes = EVERYTHING.as_bytes().to_vec();
            bytes[at] = byte;
            let Ok(text) = String::from_utf8(bytes) else { continue };
            if let Ok(read) = read_lines("x.jsonl", &text, &Options::default()) {
                let first = export(&read.world);
                assert_eq!(export(&self::read(&first).world), first);
            }
        }
    }
}
