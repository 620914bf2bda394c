//! Readers of exports: whatever the text is, errors or a world; and the world can be written and read again.

use crate::scene::compiled;
use iamc_inventory::bytes::READERS;
use iamc_inventory::{Options, read_lines, write_lines};
use iamc_policy::world::{NamedPolicy, PolicyText, ResourcePolicy};
use iamc_policy::{Policy, Strictness, World};
use iamc_testkit::generators::{Entropy, damaged, scene};
use std::sync::Arc;

/// Exports that the readers know, one of each kind at least.
const EXPORTS: &[&str] = &[
    include_str!("../../inventory/tests/exports/odd/own.jsonl"),
    include_str!("../../inventory/tests/exports/services/all.jsonl"),
    include_str!("../../inventory/tests/exports/wrapped/all.jsonl"),
    include_str!("../../inventory/tests/exports/truncated/details.json"),
    include_str!("../../inventory/tests/exports/config/history.json"),
    include_str!("../../inventory/tests/exports/config/select-aggregate-resource-config.json"),
    include_str!("../../inventory/tests/exports/contradictions/monday.json"),
    include_str!("../../inventory/tests/exports/contradictions/bucket.ndjson"),
];

pub(crate) fn judge(bytes: &[u8]) -> u64 {
    let [reader, form, rest @ ..] = bytes else { return 0 };
    let (_, read) = READERS[usize::from(*reader) % READERS.len()];
    let mut entropy = Entropy::new(rest);
    let text = match form {
        // The bytes as they are: what libFuzzer changes one by one.
        0..128 => rest.to_vec(),
        128..192 => {
            let text = *entropy.pick(EXPORTS);
            let text: String = if entropy.chance(50) {
                text.to_owned()
            } else {
                // One of its lines by itself, so that what remains is not refused for the rest.
                let lines: Vec<&str> = text.lines().collect();
                (*entropy.pick(&lines)).to_owned()
            };
            damaged(&mut entropy, &text).into_bytes()
        }
        192.. => {
            let (world, _) = scene(&mut entropy, 1);
            let mut lines = Vec::new();
            write_lines(&world, &mut lines).expect("memory can be written");
            damaged(&mut entropy, &String::from_utf8_lossy(&lines)).into_bytes()
        }
    };
    let options = Options { assume_complete: form % 2 == 1, ..Options::default() };
    match read(&text, &options) {
        Err(errors) => {
            for error in errors.as_slice() {
                assert!(error.line > 0 && error.column > 0, "{error}");
                assert!(!error.message.is_empty() && !error.message.contains('\n'), "{error}");
            }
            assert!(!errors.as_slice().is_empty(), "refused, and nobody says why");
        }
        Ok(read) => written_and_read_again(&read.world, &options),
    }
    1
}

/// Panics unless the world is the same after it was written and read, and can be compiled.
fn written_and_read_again(world: &World, options: &Options) {
    compiled(world);
    let mut lines = Vec::new();
    write_lines(world, &mut lines).expect("memory can be written");
    let text = String::from_utf8(lines).expect("JSON is UTF-8");
    let again = match read_lines("again", &text, options) {
        Ok(again) => again.world,
        Err(errors) => panic!("what was written is refused: {:?}\n{text}", errors.as_slice()),
    };
    if without_places(&again) != without_places(world) {
        let mut lines = Vec::new();
        write_lines(&again, &mut lines).expect("memory can be written");
        panic!("what was written\n{text}is read as\n{}", String::from_utf8_lossy(&lines));
    }
}

/// The world without everything that says where it was read.
fn without_places(world: &World) -> World {
    let mut world = world.clone();
    fn named(policy: &mut NamedPolicy) {
        policy.place = None;
        policy.verbatim = false;
        if let PolicyText::Known(known) = &mut policy.text {
            // Spans are those of the text: each policy is taken as it is printed.
            let printed = known.to_json();
            let read = Policy::parse(known.kind, Strictness::Lenient, &printed).policy;
            *known = Arc::new(read.unwrap_or_else(|| panic!("a printed policy is refused: {printed}")));
        }
    }
    world.organizations.iter_mut().for_each(|own| own.place = None);
    world.units.iter_mut().for_each(|own| own.place = None);
    world.accounts.iter_mut().for_each(|own| own.place = None);
    world.providers.iter_mut().for_each(|own| own.place = None);
    world.instance_profiles.iter_mut().for_each(|own| own.place = None);
    world.shares.iter_mut().for_each(|own| own.place = None);
    world.last_use.iter_mut().for_each(|own| own.place = None);
    world.gaps.iter_mut().for_each(|own| own.place = None);
    world.coverage.iter_mut().for_each(|own| own.place = None);
    world.guardrails.iter_mut().for_each(|own| named(&mut own.policy));
    world.policies.iter_mut().for_each(|own| named(&mut own.policy));
    let users = world.users.iter_mut().map(|own| &mut own.identity);
    let groups = world.groups.iter_mut().map(|own| &mut own.identity);
    for identity in users.chain(groups) {
        identity.place = None;
        identity.inline.iter_mut().for_each(named);
    }
    for role in &mut world.roles {
        role.identity.place = None;
        role.identity.inline.iter_mut().for_each(named);
        named(&mut role.trust);
        role.session_defaults.policies.iter_mut().for_each(named);
    }
    for resource in &mut world.resources {
        resource.place = None;
        if let ResourcePolicy::Policy(policy) = &mut resource.policy {
            named(policy);
        }
    }
    for endpoint in &mut world.endpoints {
        endpoint.place = None;
        if let ResourcePolicy::Policy(policy) = &mut endpoint.policy {
            named(policy);
        }
    }
    world
}
