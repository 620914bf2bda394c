//! What each rule is for: a named world that is answered wrongly without it. And the search against the recursion.

use super::{RULES, WALK, derive_without};
use crate::collect::Collected;
use crate::lower::Lowered;
use crate::report::report_without;
use crate::{Compiler, Limits, compile, facts, search};
use iamc_catalogue::Catalogue;
use iamc_inventory::{Options, read_lines};
use iamc_policy::{Answer, Mode, Principal, Request, World};
use iamc_runtime::{CompiledPolicySet, Scratch, explain};

const ALLOW_ALL: &str = r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}"#;
const DENY_ALL: &str = r#"{"Version":"2012-10-17","Statement":{"Effect":"Deny","Action":"*","Resource":"*"}}"#;

/// A world, and what its user `u` in account 111111111111 asks: `sqs:SendMessage` on a queue of the account.
struct Example {
    /// The rules that are each needed to answer it.
    rules: &'static [&'static str],
    world: World,
    /// Who asks; `u` unless said otherwise.
    caller: &'static str,
}

/// `{ALLOW}` and `{DENY}` in the lines stand for documents.
fn example(rules: &'static [&'static str], lines: &[&str], edit: fn(&mut World)) -> Example {
    let text = lines.join("\n").replace("{ALLOW}", ALLOW_ALL).replace("{DENY}", DENY_ALL);
    let mut world = read_lines("world.jsonl", &text, &Options::default()).unwrap().world;
    edit(&mut world);
    Example { rules, world, caller: "user/u" }
}

const ACCOUNT: &str = r#"{"kind":"account","id":"111111111111"}"#;
const QUEUE: &str = r#"{"kind":"resource","arn":"arn:aws:sqs:us-east-1:111111111111:q","policy":null}"#;
const ALLOWED: &str =
    r#"{"kind":"user","arn":"arn:aws:iam::111111111111:user/u","inline_policies":[{"name":"i","document":{ALLOW}}]}"#;
const MANAGED: &str = r#"{"kind":"policy","arn":"arn:aws:iam::111111111111:policy/p","document":{ALLOW}}"#;
const ATTACHED: &str = r#"{"kind":"user","arn":"arn:aws:iam::111111111111:user/u","attached_policies":["arn:aws:iam::111111111111:policy/p"]}"#;
const IN_GROUP: &str = r#"{"kind":"user","arn":"arn:aws:iam::111111111111:user/u","groups":["g"]}"#;
const BOUNDED: &str = r#"{"kind":"user","arn":"arn:aws:iam::111111111111:user/u","inline_policies":[{"name":"i","document":{ALLOW}}],"permissions_boundary":"arn:aws:iam::111111111111:policy/b"}"#;

const ORGANIZATION: &str =
    r#"{"kind":"organization","id":"o-1","management_account":"999999999999","scp_enabled":true,"rcp_enabled":false}"#;
const SILENT: &str = r#"{"kind":"organization","id":"o-1","management_account":"999999999999","rcp_enabled":false}"#;
const ROOT: &str = r#"{"kind":"organizational_unit","id":"r-1","organization":"o-1"}"#;
const UNIT: &str = r#"{"kind":"organizational_unit","id":"ou-1","organization":"o-1","parent":"r-1"}"#;
const IN_ROOT: &str = r#"{"kind":"account","id":"111111111111","parent":"r-1"}"#;
const IN_UNIT: &str = r#"{"kind":"account","id":"111111111111","parent":"ou-1"}"#;
const OPEN: &str =
    r#"{"kind":"guardrail","id":"p-open","type":"scp","targets":["r-1","ou-1","111111111111"],"document":{ALLOW}}"#;

fn deny_at(entity: &str) -> String {
    format!(r#"{{"kind":"guardrail","id":"p-deny","type":"scp","targets":["{entity}"],"document":{{DENY}}}}"#)
}

fn nothing(_: &mut World) {}

fn complete(world: &mut World) {
    world.assume_complete = true;
}

fn examples() -> Vec<Example> {
    let group = |policies: &str| format!(r#"{{"kind":"group","arn":"arn:aws:iam::111111111111:group/g",{policies}}}"#);
    let inline = group(r#""inline_policies":[{"name":"i","document":{ALLOW}}]"#);
    let attached = group(r#""attached_policies":["arn:aws:iam::111111111111:policy/p"]"#);
    let gap = |missing: &str, subject: &str| format!(r#"{{"kind":"gap","missing":"{missing}","subject":"{subject}"}}"#);
    let tree = [ORGANIZATION, ROOT, UNIT, IN_UNIT, QUEUE, ALLOWED, OPEN];
    let with = |more: &[&str]| [&tree[..], more].concat().join("\n");
    vec![
        // An identity policy of the user, inline or managed, its own or its group's.
        example(&["R-6.8 inline policies", "R-6.8 a principal's own policies"], &[ACCOUNT, QUEUE, ALLOWED], nothing),
        example(&["R-6.10 managed policies"], &[ACCOUNT, QUEUE, MANAGED, ATTACHED], nothing),
        example(&["R-6.8 groups", "R-6.8 policies of its groups"], &[ACCOUNT, QUEUE, IN_GROUP, &inline], nothing),
        // What is attached and was not exported may allow.
        example(&["R-8.17 an attached policy without text"], &[ACCOUNT, QUEUE, ATTACHED], |world| {
            world.policies.clear()
        }),
        example(
            &["R-8.17 an attached policy of a group without text"],
            &[ACCOUNT, QUEUE, IN_GROUP, &attached],
            |world| world.policies.clear(),
        ),
        example(&["R-8.17 a group that was not exported"], &[ACCOUNT, QUEUE, IN_GROUP], nothing),
        // A boundary that denies, one that may allow, and one that allows nothing.
        example(
            &["R-6.11 the boundary"],
            &[
                ACCOUNT,
                QUEUE,
                BOUNDED,
                r#"{"kind":"policy","arn":"arn:aws:iam::111111111111:policy/b","document":{DENY}}"#,
            ],
            nothing,
        ),
        example(&["R-8.17 a boundary without text"], &[ACCOUNT, QUEUE, BOUNDED], |world| world.policies.clear()),
        example(&["R-6.11 a boundary that does not exist"], &[ACCOUNT, QUEUE, BOUNDED], |world| {
            world.policies.clear();
            complete(world);
        }),
        // A user whom a complete list of the account's users lacks has no policies.
        Example { caller: "user/nobody", ..example(&["R-8.17 identities without a gap"], &[ACCOUNT, QUEUE], nothing) },
        // Denies at each level of the path.
        example(
            &["R-6.21 the root", "R-6.20 member accounts", "R-6.20 member accounts are governed"],
            &[ORGANIZATION, ROOT, IN_ROOT, QUEUE, ALLOWED, OPEN, &deny_at("r-1")],
            nothing,
        ),
        example(
            &[
                "R-6.21 units below",
                "R-6.21 the unit of an account",
                "R-6.21 levels of units",
                "R-6.21 attached guardrails",
                "R-6.20 enabled as exported",
            ],
            &[&with(&[&deny_at("ou-1")])],
            nothing,
        ),
        example(&["R-6.21 the units above"], &[&with(&[&deny_at("r-1")])], nothing),
        example(&["R-6.21 the level of the account"], &[&with(&[&deny_at("111111111111")])], nothing),
        // Whether the type is enabled.
        example(
            &["R-6.20 enabled as attachments prove"],
            &[SILENT, ROOT, IN_ROOT, QUEUE, ALLOWED, OPEN, &deny_at("r-1")],
            complete,
        ),
        example(&["R-8.17 perhaps enabled"], &[SILENT, ROOT, IN_ROOT, QUEUE, ALLOWED], nothing),
        example(
            &["R-8.17 guardrails of which it is not known whether they are enabled"],
            &[SILENT, ROOT, IN_ROOT, QUEUE, ALLOWED, OPEN],
            nothing,
        ),
        example(&["R-8.17 guardrails that were not exported"], &[&with(&[&gap("scps", "o-1")])], nothing),
        // Where the account lies.
        example(&["R-5.10 a path with a hole"], &[ORGANIZATION, UNIT, IN_UNIT, QUEUE, ALLOWED, OPEN], nothing),
        example(
            &["R-5.10 an account whose place was not exported"],
            &[ORGANIZATION, ROOT, ACCOUNT, QUEUE, ALLOWED, &gap("hierarchy", "111111111111")],
            nothing,
        ),
        example(
            &["R-5.10 an organization whose accounts were not exported"],
            &[ORGANIZATION, ROOT, ACCOUNT, QUEUE, ALLOWED, &gap("hierarchy", "o-1")],
            nothing,
        ),
    ]
}

fn request(caller: &str) -> Request {
    let principal = Principal::from_arn(&format!("arn:aws:iam::111111111111:{caller}")).unwrap();
    let queue = "arn:aws:sqs:us-east-1:111111111111:q".parse().unwrap();
    Request { mode: Mode::Closed, ..Request::new(principal, "sqs:SendMessage".parse().unwrap(), queue) }
}

fn answer(example: &Example, without: Option<&str>) -> Answer {
    let world = &example.world;
    let mut compiler = Compiler::new(Catalogue::embedded(), &world.settings, world.assume_complete, &Limits::default());
    compiler.add(world).unwrap();
    let set = CompiledPolicySet::from_tables(compiler.tables(without).unwrap()).unwrap();
    explain(&set, &request(example.caller), None, &mut Scratch::new(&set)).unwrap()
}

/// Rules about what a set consists of: they have a part in reports and in no decision.
fn is_about_reports(rule: &str) -> bool {
    rule.starts_with("R-6.2 ") || rule.starts_with("5.2 ") || rule.starts_with("R-4.1 ")
}

#[test]
fn every_rule_has_an_example_that_needs_it() {
    let examples = examples();
    for example in &examples {
        let expected = iamc_reference::decide(&example.world, Catalogue::embedded(), &request(example.caller)).unwrap();
        assert_eq!(answer(example, None), expected, "{:?}", example.rules);
        for rule in example.rules {
            assert_ne!(answer(example, Some(rule)).decision, expected.decision, "without {rule}");
        }
    }
    for rule in RULES {
        let n = examples.iter().filter(|example| example.rules.contains(rule)).count();
        let elsewhere = is_about_reports(rule) || *rule == "R-6.21 levels found by search";
        assert!(n == usize::from(!elsewhere), "{n} examples need {rule}");
    }
}

#[test]
fn every_rule_of_reports_changes_one() {
    let bucket = r#"{"kind":"resource","arn":"arn:aws:s3:::b","account":"111111111111","policy":{"name":"p","document":
        {"Version":"2012-10-17","Statement":[
        {"Effect":"Allow","Principal":"*","Action":"s3:*","Resource":"*",
         "Condition":{"StringEquals":{"aws:ResourceTag/t":"${aws:PrincipalTag/t}"},"Bool":{"aws:SecureTransport":"true"}}},
        {"Effect":"Allow","Principal":{"AWS":["111111111111","arn:aws:iam::111111111111:role/r"]},
         "Action":"s3:*","Resource":"*","Condition":{"StringLike":{"aws:username":"${x"}}},
        {"Effect":"Allow","Principal":{"Service":"sns.amazonaws.com"},"Action":"s3:*","Resource":"*"}]}}}"#;
    let world = read_lines("world.jsonl", &bucket.replace('\n', " "), &Options::default()).unwrap().world;
    let set = compile(&world, Catalogue::embedded(), &Limits::default()).unwrap();
    let report = report_without(&set, None);
    let counts = |list: &[(&'static str, usize)]| list.iter().copied().collect::<std::collections::BTreeMap<_, _>>();
    assert_eq!(report.n_tests_by_level, counts(&[("STAR", 1), ("ACCT", 1), ("SELF", 2), ("BASE", 1)]));
    assert_eq!(report.n_atoms_by_dependence, counts(&[("mixed", 1), ("context", 1), ("principal", 1)]));
    let keys: Vec<(&str, usize)> = report.keys.iter().map(|(key, n)| (key.as_str(), *n)).collect();
    assert_eq!(
        keys,
        [("aws:principaltag/t", 1), ("aws:resourcetag/t", 1), ("aws:securetransport", 1), ("aws:username", 1)]
    );
    for rule in RULES.iter().filter(|rule| is_about_reports(rule)) {
        assert_ne!(report_without(&set, Some(rule)), report, "without {rule}");
    }
}

#[test]
fn the_search_finds_what_the_recursion_derives() {
    let worlds = examples().into_iter().map(|example| example.world);
    let mut n_levels = 0;
    for mut world in worlds {
        for deeper in 0..3 {
            // More units, some of which hang in the air or in a circle.
            if let (Some(unit), Some(account)) = (world.units.last().cloned(), world.accounts.first().cloned()) {
                let id = format!("ou-{deeper}-deeper");
                let parent = if deeper == 2 { id.clone() } else { unit.id };
                world.units.push(iamc_policy::world::Unit { id: id.clone(), parent: Some(parent), ..unit });
                let number = format!("{deeper:012}").parse().unwrap();
                world.accounts.push(iamc_policy::world::Account { id: number, parent: Some(id), ..account });
            }
            let mut lowered = Lowered::new(Limits::default());
            let mut collected = Collected::new(world.settings.clone(), world.assume_complete);
            collected.add(&world, &mut lowered).unwrap();
            let recursive = facts::of_places(&collected, &Limits::default()).unwrap();
            assert_eq!(recursive.found, None);
            let found = facts::Facts { found: Some(search::levels(&recursive)), ..recursive.clone() };
            let derived = derive_without(&recursive, None);
            assert_eq!(derive_without(&found, None), derived);
            assert_eq!(search::n_levels(&recursive), derived.levels.len() as u64);
            n_levels += derived.levels.len();
            if !derived.levels.is_empty() {
                let without = derive_without(&found, Some("R-6.21 levels found by search"));
                assert!(without.levels.is_empty() && without != derived);
            }
        }
    }
    assert!(n_levels > 100, "{n_levels}");
    assert!(WALK.iter().all(|rule| RULES.contains(rule)));
}
