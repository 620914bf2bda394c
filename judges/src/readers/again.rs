//! A world that was read, written in our own format and read again: the same, but for where things stood.

use crate::scene::compiled;
use iamc_inventory::{Options, read_lines, write_lines};
use iamc_policy::world::{NamedPolicy, PolicyText, ResourcePolicy};
use iamc_policy::{Policy, Strictness, World};
use std::sync::Arc;

/// Panics unless the world is the same after it was written and read, and can be compiled.
pub(crate) fn written_and_read_again(world: &World, options: &Options) {
    compiled(world);
    let mut lines = Vec::new();
    write_lines(world, &mut lines).expect("memory can be written");
    let text = String::from_utf8(lines).expect("JSON is UTF-8");
    let again = match read_lines("again", &text, options) {
        Ok(again) => again.world,
        Err(errors) => panic!("what was written is refused: {:?}\n{text}", errors.as_slice()),
    };
    assert_same(world, &again, "what was written is read as something else");
}

/// Panics unless both say the same, but for where it was read.
pub(crate) fn assert_same(world: &World, other: &World, why: &str) {
    let (one, other) = (without_places(world), without_places(other));
    if one != other {
        let lines = |world: &World| {
            let mut lines = Vec::new();
            write_lines(world, &mut lines).expect("memory can be written");
            String::from_utf8_lossy(&lines).into_owned()
        };
        panic!("{why}:\n{}\n{}\n{one:?}\n{other:?}", lines(&one), lines(&other));
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
    world.runs_as.iter_mut().for_each(|own| own.place = None);
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
