//! The closure as Datalog: what section 15 says, in a dozen rules that stand alone. Tests compare the search with it.
#![deny(unused_variables)]
#![allow(clippy::iter_over_hash_type, reason = "crepe keeps relations in hash maps; what leaves is a sorted set")]

use super::fact::{Fact, Form, Thing};
use super::steps::{Caller, Engine};
use super::world::Holder;
use crepe::crepe;
use rustc_hash::FxBuildHasher;
use std::collections::BTreeSet;

crepe! {
    // ---- what was decided: steps ------------------------------------------------------------------------------------
    // Caller, its form: what the step makes true.
    @input
    struct Step(u32, Form, Fact);
    // The same, where something must be true first.
    @input
    struct StepIf(Fact, u32, Form, Fact);
    // Caller, form: administrator of the account.
    @input
    struct Administrator(u32, Form, u32);
    // Provider: what its tokens make true.
    @input
    struct Token(u32, Fact);
    // The same of a trust that was opened.
    @input
    struct TokenIf(Fact, u32, Fact);

    // ---- what the inventory says -------------------------------------------------------------------------------------
    @input
    struct Attached(u32, Thing);
    @input
    struct Boundary(u32, u32);
    @input
    struct Member(u32, u32);
    // Group, its place in the account.
    @input
    struct Place(u32, u32);
    @input
    struct Start(Fact);

    @output
    struct True(Fact);
    struct Controlled(u32);
    // The forms in which a controlled identity acts.
    struct Acts(u32, Form);

    True(fact) <- Start(fact);
    Controlled(who) <- True(fact), let Fact::Controls(who) = fact;

    // In which forms somebody acts.
    Acts(who, Form::default()) <- Controlled(who);
    Acts(who, Form { opened: true, ..Form::default() }) <- Controlled(who), True(Fact::Opened(Thing::Identity(who)));
    Acts(user, Form { group: place, ..Form::default() }) <-
        True(fact), let Fact::Joined(user, group) = fact, Controlled(user), Place(group, place);
    Acts(who, Form { unbounded: true, ..form }) <- Acts(who, form), True(Fact::Unbounded(who));

    // Steps.
    True(fact) <- Acts(who, form), Step(who, form, fact);
    True(fact) <- True(condition), StepIf(condition, who, form, fact), Acts(who, form);
    True(Fact::Administers(account)) <- Acts(who, form), Administrator(who, form, account);
    True(fact) <- True(held), let Fact::ControlsProvider(provider) = held, Token(provider, fact);
    True(fact) <- True(condition), TokenIf(condition, provider, fact), True(Fact::ControlsProvider(provider));

    // What follows without a step.
    True(Fact::Opened(thing)) <- True(fact), let Fact::Opened(Thing::Policy(policy)) = fact, Attached(policy, thing);
    True(Fact::Unbounded(who)) <- True(fact), let Fact::Opened(Thing::Policy(policy)) = fact, Boundary(policy, who);
    True(Fact::Opened(Thing::Identity(user))) <-
        True(fact), let Fact::Opened(Thing::Group(group)) = fact, Member(group, user);
    True(Fact::Opened(Thing::Identity(user))) <-
        True(fact), let Fact::Joined(user, group) = fact, True(Fact::Opened(Thing::Group(group)));
}

/// Every fact that a start leads to.
///
/// Decides all steps of everybody in every form, which only small worlds bear.
pub(super) fn closure(engine: &mut Engine, start: Caller) -> BTreeSet<Fact> {
    let mut program = Crepe::new();
    let n_groups = engine.base.group_place.iter().copied().max().unwrap_or(0);
    let bits = [false, true];
    let mut forms: Vec<Form> = Vec::new();
    for unbounded in bits {
        forms.push(Form { opened: true, unbounded, ..Form::default() });
        forms.extend((0..=n_groups).map(|group| Form { unbounded, group, ..Form::default() }));
    }
    let n = engine.base.n_identities;
    let conditions: Vec<Fact> = (0..n).flat_map(|id| [Fact::TrustOpened(id), Fact::Created(id)]).collect();
    for id in 0..n {
        for form in &forms {
            let steps = engine.steps(Caller::Identity(id), *form).unwrap();
            program.extend(steps.iter().map(|step| Step(id, *form, step.conclusion)));
            for condition in &conditions {
                let is_open = |fact: &Fact| match *fact {
                    Fact::TrustOpened(role) => role >= engine.base.n_users && !engine.base.is_fixed(role),
                    _ => true,
                };
                if is_open(condition) {
                    let steps = engine.steps_on(id, *form, *condition, &|_| true).unwrap();
                    program.extend(steps.iter().map(|step| StepIf(*condition, id, *form, step.conclusion)));
                }
            }
            if engine.is_administrator(id, *form).unwrap() {
                program.extend([Administrator(id, *form, engine.base.account_of[id as usize])]);
            }
        }
    }
    for provider in 0..engine.base.providers.len() as u32 {
        let steps = engine.steps(Caller::Provider(provider), Form::default()).unwrap();
        program.extend(steps.iter().map(|step| Token(provider, step.conclusion)));
        for role in engine.base.n_users..n {
            if !engine.base.is_fixed(role) && engine.federate_on(provider, role).unwrap().is_some() {
                program.extend([TokenIf(Fact::TrustOpened(role), provider, Fact::Controls(role))]);
            }
        }
    }
    for (policy, holders) in (0u32..).zip(&engine.base.attached_to) {
        program.extend(holders.iter().map(|holder| match holder {
            Holder::Identity(id) => Attached(policy, Thing::Identity(*id)),
            Holder::Group(group) => Attached(policy, Thing::Group(*group)),
        }));
        program.extend(engine.base.bounded_by[policy as usize].iter().map(|id| Boundary(policy, *id)));
    }
    for (group, members) in (0u32..).zip(&engine.base.members) {
        program.extend(members.iter().map(|user| Member(group, *user)));
        program.extend([Place(group, engine.base.group_place[group as usize])]);
    }
    program.extend([Start(super::fact_of(start))]);
    let (facts,) = program.run_with_hasher::<FxBuildHasher>();
    facts.into_iter().map(|True(fact)| fact).collect()
}
