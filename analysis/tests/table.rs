//! The committed table: what it names exists, what the lists offer is used, and docs/reach.md says all of it.

use iamc_analysis::{
    Bound, Caller, Effect, Family, Need, NeedClass, On, PassedRole, Primitive, Reason, Table, Truster, Which,
};
use iamc_catalogue::Catalogue;
use std::collections::BTreeSet;

fn table() -> Table {
    Table::read(include_str!("../data/primitives.jsonl")).unwrap_or_else(|faults| {
        panic!("{}", faults.iter().map(|fault| fault.to_string()).collect::<Vec<_>>().join("\n"))
    })
}

fn rows() -> Vec<Primitive> {
    table().primitives().to_vec()
}

#[test]
fn counts() {
    let table = table();
    assert_eq!((table.primitives().len(), table.not_modelled().len()), (155, 21));
    assert_eq!(Table::embedded(), &table);
    let ids: BTreeSet<&str> = table.primitives().iter().map(|row| row.id.as_str()).collect();
    let others: BTreeSet<&str> = table.not_modelled().iter().map(|row| row.id.as_str()).collect();
    assert_eq!(ids.union(&others).count(), 176);
}

#[test]
fn actions_types_and_keys_are_the_catalogues() {
    let catalogue = Catalogue::embedded();
    let mut wrong = Vec::new();
    for row in rows() {
        for request in &row.requests {
            let action = &request.action;
            let Some(facts) = catalogue.action(action.service(), &action.name().to_ascii_lowercase()) else {
                wrong.push(format!("{}: unknown action {action}", row.id));
                continue;
            };
            for on in &request.on {
                let known = match on {
                    // Where the action has resources, `*` would be asked of none of them.
                    On::Wildcard => facts.resource_types().len() == 0,
                    On::Resource { resource_type, .. } => {
                        facts.resource_types().any(|(kind, _)| kind.name() == resource_type)
                    }
                };
                if !known {
                    wrong.push(format!("{}: {action} has no {on:?}", row.id));
                }
            }
            for (key, _) in &request.keys {
                if !facts.lists_key(&key.to_lowercase()) {
                    wrong.push(format!("{}: {action} has no key {key}", row.id));
                }
            }
        }
        for action in row.trusts.iter().flat_map(|trusts| &trusts.actions) {
            if catalogue.action(action.service(), &action.name().to_ascii_lowercase()).is_none() {
                wrong.push(format!("{}: unknown action {action}", row.id));
            }
        }
        if let Some(kind) = &row.resource {
            let service = catalogue.service(&kind.service);
            if !service.is_some_and(|facts| facts.resource_types().any(|one| one.name() == kind.resource_type)) {
                wrong.push(format!("{}: unknown resource type {kind:?}", row.id));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Which key says the boundary of an identity, or the policy that is attached, must never be forgotten: a policy that
/// allows changes only under a boundary would otherwise seem to allow all of them.
#[test]
fn keys_that_guard_identities_are_bound_wherever_the_catalogue_lists_them() {
    let catalogue = Catalogue::embedded();
    for row in rows() {
        for request in &row.requests {
            let facts =
                catalogue.action(request.action.service(), &request.action.name().to_ascii_lowercase()).unwrap();
            for key in ["iam:PermissionsBoundary", "iam:PolicyARN", "sts:TaskPolicyArn"] {
                let bound = request.keys.iter().any(|(name, _)| name == key);
                assert_eq!(bound, facts.lists_key(&key.to_lowercase()), "{}: {} {key}", row.id, request.action);
            }
        }
    }
}

#[test]
fn every_word_is_used() {
    let table = table();
    let rows = table.primitives();
    let effects: BTreeSet<Effect> = rows
        .iter()
        .flat_map(|row| row.requests.iter().filter_map(|request| request.effect).chain([row.effect]))
        .collect();
    let needs: BTreeSet<Need> = rows.iter().flat_map(|row| row.needs.iter().copied()).collect();
    let requests = || rows.iter().flat_map(|row| &row.requests);
    let bounds: BTreeSet<Bound> = requests().flat_map(|request| request.keys.iter().map(|(_, bound)| *bound)).collect();
    let passed: BTreeSet<PassedRole> =
        requests().flat_map(|request| request.passes.iter().map(|pass| pass.role)).collect();
    let which: BTreeSet<Which> = requests()
        .flat_map(|request| &request.on)
        .filter_map(|on| match on {
            On::Wildcard => None,
            On::Resource { which, .. } => Some(*which),
        })
        .collect();
    assert!(effects.iter().eq(Effect::ALL), "{effects:?}");
    assert!(needs.iter().eq(Need::ALL), "{needs:?}");
    assert!(bounds.iter().eq(Bound::ALL), "{bounds:?}");
    assert!(passed.iter().eq(PassedRole::ALL), "{passed:?}");
    assert!(which.iter().eq(Which::ALL), "{which:?}");
    assert!(rows.iter().map(|row| row.family).collect::<BTreeSet<Family>>().iter().eq(Family::ALL));
    assert!(rows.iter().map(|row| row.caller).collect::<BTreeSet<Caller>>().iter().eq(Caller::ALL));
    assert!(table.not_modelled().iter().map(|row| row.reason).collect::<BTreeSet<Reason>>().iter().eq(Reason::ALL));
}

#[test]
fn what_is_passed_is_trusted() {
    for row in rows() {
        let passed = row.requests.iter().flat_map(|request| &request.passes);
        for pass in passed.filter(|pass| pass.role == PassedRole::Target) {
            let trusted = row.trusts.iter().any(|trusts| match &trusts.who {
                Truster::Service(name) | Truster::Federated(name) => *name == pass.to,
            });
            assert!(trusted, "{} passes the target role to {}, which it does not ask to be trusted", row.id, pass.to);
        }
    }
}

/// A step that makes something and uses it has the same type in both places, or a name nobody made (P-2.5).
#[test]
fn a_new_identity_is_made_before_it_is_used() {
    for row in rows().iter().filter(|row| row.family == Family::NewIdentity) {
        assert_eq!(row.requests[0].effect, Some(Effect::IdentityCreated), "{}", row.id);
        for request in &row.requests {
            assert!(matches!(request.on[..], [On::Resource { which: Which::New, .. }]), "{}", row.id);
        }
    }
}

#[test]
fn the_text_says_every_word() {
    let text = include_str!("../../docs/reach.md");
    let mut words: Vec<&str> = Vec::new();
    words.extend(Family::ALL.iter().map(|word| word.as_str()));
    words.extend(Effect::ALL.iter().map(|word| word.as_str()));
    words.extend(Caller::ALL.iter().map(|word| word.as_str()));
    words.extend(Bound::ALL.iter().map(|word| word.as_str()));
    words.extend(Need::ALL.iter().map(|word| word.as_str()));
    words.extend(Reason::ALL.iter().map(|word| word.as_str()));
    let missing: Vec<&str> = words.into_iter().filter(|word| !text.contains(&format!("`{word}`"))).collect();
    assert!(missing.is_empty(), "docs/reach.md does not say {missing:?}");
    for (class, line) in
        [(NeedClass::Known, "| known |"), (NeedClass::Room, "| room |"), (NeedClass::State, "| state |")]
    {
        let line = text.lines().find(|text| text.trim_start().starts_with(line)).expect("the table of P-1.9");
        for need in Need::ALL {
            assert_eq!(line.contains(&format!("`{need}`")), need.class() == class, "{need}: {line}");
        }
    }
}

#[test]
fn rules_are_numbered_once_and_cited_rules_exist() {
    let text = include_str!("../../docs/reach.md");
    let mut rules = BTreeSet::new();
    for line in text.lines().filter_map(|line| line.strip_prefix("- **P-")) {
        let number = line.split("**").next().unwrap_or("");
        assert!(rules.insert(format!("P-{number}")), "P-{number} twice");
    }
    assert!(rules.len() > 80);
    let code =
        concat!(include_str!("../src/closed.rs"), include_str!("../src/primitives.rs"), include_str!("../src/read.rs"));
    let of_semantics = include_str!("../../docs/semantics.md");
    for source in [text, code] {
        for (prefix, known) in [("P-", None), ("R-", Some(of_semantics))] {
            for (at, _) in source.match_indices(prefix) {
                let number: String = source[at + 2..].chars().take_while(|c| c.is_ascii_digit() || *c == '.').collect();
                let number = number.trim_end_matches('.');
                let Some((_, last)) = number.split_once('.') else { continue };
                if last.is_empty() {
                    continue;
                }
                let rule = format!("{prefix}{number}");
                let exists = match known {
                    None => rules.contains(&rule),
                    Some(text) => text.contains(&format!("**{rule}**")),
                };
                assert!(exists, "{rule} is cited and does not exist");
            }
        }
    }
}
