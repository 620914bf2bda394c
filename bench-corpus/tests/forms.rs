//! One organization in every form: what carries the same facts is read as the same inventory, and compiled to the same
//! image, but for where things stood and what is missing.

use iamc_bench_corpus::export::{Form, write_form};
use iamc_bench_corpus::{Corpus, Parameters, Shape, Templates, generate};
use iamc_catalogue::Catalogue;
use iamc_compiler::{Limits, compile};
use iamc_inventory::{Options, Read, read_folder, read_lines, write_lines};
use iamc_policy::World;
use iamc_policy::world::{IdentityRecord, NamedPolicy, ResourcePolicy};
use std::ops::ControlFlow;

/// How many accounts of M: all of them with `IAMC_ALL=1`, as the nightly run does, else a few.
fn corpus() -> Corpus {
    let accounts = if std::env::var_os("IAMC_ALL").is_some() { Parameters::M.accounts } else { 8 };
    generate(Shape::Organization(Parameters { accounts, ..Parameters::M }), 1, Templates::built_in())
}

fn read(corpus: &Corpus, form: Form) -> Read {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let target = folder.path().join("export");
    write_form(corpus, form, &target, |_| ControlFlow::Continue(())).expect("a corpus can be written");
    let options = Options { assume_complete: true, ..Options::default() };
    let read = read_folder(&[target], &options, &|_| ()).unwrap_or_else(|errors| panic!("{form}: {errors}"));
    assert!(read.report.skipped.is_empty(), "{form}: {:?}", &read.report.skipped[..1]);
    assert!(read.report.quarantined.is_empty(), "{form}");
    read
}

/// The facts of a world: without places, and without what an export says of itself.
fn facts(mut world: World) -> World {
    fn forget(policy: &mut NamedPolicy) {
        policy.place = None;
        policy.verbatim = false;
    }
    fn forget_identity(identity: &mut IdentityRecord) {
        identity.place = None;
        identity.inline.iter_mut().for_each(forget);
        // Attachments are a set, and tags a map.
        identity.attached.sort();
        identity.tags.iter_mut().for_each(|tags| tags.sort());
    }
    world.gaps.clear();
    world.coverage.clear();
    world.last_use.clear();
    world.organizations.iter_mut().for_each(|x| x.place = None);
    world.units.iter_mut().for_each(|x| x.place = None);
    world.accounts.iter_mut().for_each(|x| x.place = None);
    world.providers.iter_mut().for_each(|x| x.place = None);
    for guardrail in &mut world.guardrails {
        forget(&mut guardrail.policy);
        guardrail.targets.sort();
    }
    world.policies.iter_mut().for_each(|x| forget(&mut x.policy));
    world.users.iter_mut().for_each(|x| forget_identity(&mut x.identity));
    world.groups.iter_mut().for_each(|x| forget_identity(&mut x.identity));
    for role in &mut world.roles {
        forget_identity(&mut role.identity);
        forget(&mut role.trust);
    }
    for resource in &mut world.resources {
        resource.place = None;
        resource.tags.iter_mut().for_each(|tags| tags.sort());
        if let ResourcePolicy::Policy(policy) = &mut resource.policy {
            forget(policy);
        }
    }
    for endpoint in &mut world.endpoints {
        endpoint.place = None;
        if let ResourcePolicy::Policy(policy) = &mut endpoint.policy {
            forget(policy);
        }
    }
    world
}

fn lines(world: &World) -> String {
    let mut out = Vec::new();
    write_lines(world, &mut out).expect("writing into memory cannot fail");
    String::from_utf8(out).expect("JSON is UTF-8")
}

fn image(world: &World) -> Vec<u8> {
    compile(world, Catalogue::embedded(), &Limits::default()).expect("a corpus can be compiled").to_bytes()
}

#[test]
fn every_form_gives_the_same_image() {
    let corpus = corpus();
    let first = read(&corpus, Form::Cli);
    let exported = lines(&first.world);
    let first = facts(first.world);
    assert!(first.roles.len() > 100 && first.resources.len() > 50 && first.guardrails.len() > 10);
    let (said, compiled) = (lines(&first), image(&first));
    let same = |name: &str, world: World| {
        let world = facts(world);
        let said_again = lines(&world);
        let difference = said.lines().zip(said_again.lines()).find(|(a, b)| a != b);
        assert_eq!(difference, None, "{name}");
        assert_eq!(said.lines().count(), said_again.lines().count(), "{name}");
        assert!(image(&world) == compiled, "{name}: the image differs");
    };
    for form in Form::ALL.iter().copied().filter(|form| *form != Form::Cli) {
        same(form.name(), read(&corpus, form).world);
    }
    let options = Options { assume_complete: true, ..Options::default() };
    let own = read_lines("export.jsonl", &exported, &options).unwrap_or_else(|errors| panic!("{errors}"));
    same("lines", own.world);
}
