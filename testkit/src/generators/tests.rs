//! What the generators are for: that everything comes up, and often enough.

use super::*;
use crate::engine::{Engine, Reference};
use iamc_catalogue::Catalogue;
use iamc_policy::decision::ReasonCode;
use iamc_policy::document::Statement;
use iamc_policy::request::{KeyState, Mode, ThroughEndpoint};
use iamc_policy::world::{GapKind, PolicyText};
use iamc_policy::{BaseOperator, SetOperator};
use std::collections::{BTreeMap, BTreeSet};

const N_SAMPLES: u64 = 4_000;

fn samples() -> impl Iterator<Item = Sample> {
    (0..N_SAMPLES).map(|seed| sample(&mut Entropy::new(&bytes_of_seed(seed, SAMPLE_BYTES))))
}

#[test]
fn the_same_bytes_give_the_same_sample() {
    for seed in 0..50 {
        let bytes = bytes_of_seed(seed, SAMPLE_BYTES);
        assert_eq!(sample(&mut Entropy::new(&bytes)), sample(&mut Entropy::new(&bytes)));
        let mut entropy = Entropy::new(&bytes);
        sample(&mut entropy);
        assert!(entropy.n_taken() <= SAMPLE_BYTES, "{seed}: {}", entropy.n_taken());
    }
}

#[test]
fn few_bytes_are_enough() {
    for n in [0, 1, 2, 10, 100] {
        let bytes = bytes_of_seed(1, n);
        let Sample { world, request } = sample(&mut Entropy::new(&bytes));
        let _ = Reference.decide(&world, &request);
        scene(&mut Entropy::new(&bytes), 3);
    }
}

/// Each kind of decision is common, each reason code occurs, refused requests are rare.
#[test]
fn every_decision_and_every_reason_comes_up() {
    let mut decisions: BTreeMap<String, u64> = BTreeMap::new();
    let mut reasons: BTreeMap<ReasonCode, u64> = BTreeMap::new();
    let mut errors: BTreeMap<&str, u64> = BTreeMap::new();
    for Sample { world, request } in samples() {
        match Reference.decide(&world, &request) {
            Ok(answer) => {
                let names = answer.decision.outcomes().names().join("+");
                *decisions.entry(names).or_default() += 1;
                for missing in answer.missing() {
                    *reasons.entry(missing.code).or_default() += 1;
                }
            }
            Err(error) => *errors.entry(error.code).or_default() += 1,
        }
    }
    println!("{decisions:#?}\n{reasons:#?}\n{errors:#?}");
    let n_refused: u64 = errors.values().sum();
    assert!(n_refused * 100 <= N_SAMPLES * 6, "{n_refused} of {N_SAMPLES} requests are refused: {errors:?}");
    assert_eq!(decisions.len(), 7, "{decisions:?}");
    for (names, n) in &decisions {
        assert!(n * 100 >= N_SAMPLES * 8, "{names}: {n} of {N_SAMPLES}");
    }
    // NO_RCP_ALLOW cannot happen.
    for code in ReasonCode::ALL.iter().filter(|code| **code != ReasonCode::NoRcpAllow) {
        assert!(reasons.get(code).is_some_and(|n| *n >= 3), "{} is too rare: {:?}", code.name(), reasons.get(code));
    }
}

/// Every element, operator, fact, state and setting occurs.
#[test]
fn everything_that_can_be_said_is_said() {
    let mut seen: BTreeSet<String> = BTreeSet::new();
    let mut n_policies = 0;
    let mut n_invalid = 0;
    for Sample { mut world, mut request } in samples() {
        for (name, value) in world.settings.entries() {
            seen.insert(format!("setting {name}={value}"));
        }
        see_request(&request, &mut seen);
        for gap in &world.gaps {
            seen.insert(format!("gap {:?}", gap.kind));
        }
        seen.insert(format!("units {}", world.units.len()));
        seen.insert(format!("assume_complete {}", world.assume_complete));
        seen.insert(format!("coverage {}", !world.coverage.is_empty()));
        for (site, named) in crate::parts::policies_mut(&mut world, &mut request) {
            n_policies += 1;
            match &named.text {
                PolicyText::Known(policy) => {
                    for statement in &policy.statements {
                        see_statement(site.kind(), statement, &mut seen);
                    }
                }
                PolicyText::Unknown(why) => {
                    n_invalid += u32::from(matches!(why, iamc_policy::world::WhyUnknown::Quarantined(_)));
                    seen.insert(format!("unknown {}", site.kind()));
                }
            }
        }
    }
    let mut expected: Vec<String> = Vec::new();
    let bases = BaseOperator::ALL.iter().map(|base| base.name());
    for base in bases {
        expected.push(format!("operator {base}"));
        if base != "Null" {
            expected.push(format!("operator {base}IfExists"));
        }
        expected.extend(["ForAllValues:", "ForAnyValue:"].map(|set| format!("operator {set}{base}")));
    }
    // A boundary is a managed policy; session policies in hand are never unknown.
    for kind in PolicyKind::ALL.iter().filter(|kind| !matches!(kind, PolicyKind::Boundary | PolicyKind::Session)) {
        expected.push(format!("{kind} Deny"));
        expected.push(format!("{kind} Allow"));
        expected.push(format!("unknown {kind}"));
    }
    expected.extend(["session Deny", "session Allow"].map(str::to_owned));
    expected.extend(
        ["NotAction", "NotResource", "NotPrincipal", "no Resource", "variable", "default", "fault", "empty values"]
            .map(str::to_owned),
    );
    expected.extend(
        ["Everyone", "Account", "User", "Role", "RoleSession", "FederatedUser", "UniqueId", "Service", "Federated"]
            .map(|class| format!("entry {class}")),
    );
    expected.extend(["entry CanonicalUser", "entry Nobody"].map(str::to_owned));
    for kind in [
        GapKind::Identities,
        GapKind::Resources,
        GapKind::Scps,
        GapKind::Rcps,
        GapKind::Hierarchy,
        GapKind::Endpoints,
        GapKind::Group,
        GapKind::ManagedPolicy,
    ] {
        expected.push(format!("gap {kind:?}"));
    }
    expected.extend(
        ["principal_tags", "resource_tags", "role", "unique_id", "session_unknown", "federated_user_base"]
            .into_iter()
            .chain(["credential", "assumed_root", "s3_block_public_access", "acl_allows", "vpc_endpoint_type"])
            .chain(["kms_grants", "canonical_users", "delegated_administrators"])
            .map(|fact| format!("fact {fact}")),
    );
    expected.extend(["absent", "values", "list", "present", "unknown"].map(|state| format!("state {state}")));
    expected.extend(
        ["root", "user", "role", "federated user", "service", "oidc", "saml", "anonymous"].map(|p| format!("by {p}")),
    );
    expected.extend(
        ["units 0", "units 1", "units 2", "units 3", "coverage true", "mode open", "mode closed"].map(str::to_owned),
    );
    expected
        .extend(["endpoint", "several resources", "additional", "session", "star", "given checked"].map(str::to_owned));
    for (name, values) in SETTINGS {
        expected.extend(values.iter().map(|value| format!("setting {name}={value}")));
    }
    let missing: Vec<&String> = expected.iter().filter(|what| !seen.contains(*what)).collect();
    assert!(missing.is_empty(), "{N_SAMPLES} samples never show {missing:?}");
    assert!(n_invalid * 12 < n_policies, "{n_invalid} of {n_policies} policies are invalid");
}

const SETTINGS: [(&str, &[&str]); 15] = [
    ("strict", &["true"]),
    ("kms_grant_identity", &["true"]),
    ("scp_fedidp", &["true"]),
    ("reserved_gates", &["true"]),
    ("multi_plain", &["one", "false", "any", "negated_true"]),
    ("malformed_negated", &["false", "true"]),
    ("empty_is_null", &["multi", "every", "none"]),
    ("empty_variable", &["null", "text"]),
    ("null_notresource", &["true", "skip"]),
    ("substituted_wildcards", &["literal", "pattern"]),
    ("partial_arn", &["table", "reject"]),
    ("arn_case", &["sensitive", "insensitive"]),
    ("star_grant", &["unlimited", "principal_arn"]),
    ("notprincipal", &["strict", "lenient"]),
    ("foreign_rcp", &["permissive", "unknown"]),
];

fn see_statement(kind: PolicyKind, statement: &Statement, seen: &mut BTreeSet<String>) {
    let mut see = |what: String| {
        seen.insert(what);
    };
    see(format!("{kind} {:?}", statement.effect));
    if statement.action.negated {
        see("NotAction".to_owned());
    }
    match &statement.resource {
        Some(resource) if resource.negated => see("NotResource".to_owned()),
        Some(_) => {}
        None => see("no Resource".to_owned()),
    }
    if let Some(principal) = &statement.principal {
        if principal.negated {
            see("NotPrincipal".to_owned());
        }
        for entry in &principal.entries {
            let text = format!("{entry:?}");
            let class: String = text.chars().take_while(|c| c.is_alphanumeric()).collect();
            see(format!("entry {class}"));
        }
    }
    let patterns = statement.resource.iter().flat_map(|resource| &resource.patterns);
    for template in patterns.chain(statement.condition.atoms.iter().flat_map(|atom| &atom.values)) {
        if template.fault().is_some() {
            see("fault".to_owned());
        }
        for variable in template.variables() {
            see(if variable.default.is_some() { "default" } else { "variable" }.to_owned());
        }
    }
    for atom in &statement.condition.atoms {
        let operator = &atom.operator;
        let base = operator.base.name();
        see(match (operator.set, operator.if_exists) {
            (None, false) => format!("operator {base}"),
            (None, true) => format!("operator {base}IfExists"),
            (Some(SetOperator::ForAllValues), _) => format!("operator ForAllValues:{base}"),
            (Some(SetOperator::ForAnyValue), _) => format!("operator ForAnyValue:{base}"),
        });
        if atom.values.is_empty() {
            see("empty values".to_owned());
        }
    }
}

fn see_request(request: &Request, seen: &mut BTreeSet<String>) {
    use iamc_policy::Principal;
    use iamc_policy::request::{GivenKeys, RequestResource, Values};
    let mut see = |what: &str| {
        seen.insert(what.to_owned());
    };
    see(match request.principal {
        Principal::Root { .. } => "by root",
        Principal::User { .. } => "by user",
        Principal::RoleSession { .. } => "by role",
        Principal::FederatedUser { .. } => "by federated user",
        Principal::Service(_) => "by service",
        Principal::Federated(_) => "by oidc",
        Principal::Saml(_) => "by saml",
        Principal::Anonymous => "by anonymous",
    });
    for state in request.context.values() {
        see(match state {
            KeyState::Absent => "state absent",
            KeyState::Values(Values::One(_)) => "state values",
            KeyState::Values(Values::Many(_)) => "state list",
            KeyState::Present => "state present",
            KeyState::Unknown => "state unknown",
        });
    }
    see(if request.mode == Mode::Open { "mode open" } else { "mode closed" });
    let facts = &request.facts;
    for (name, there) in [
        ("principal_tags", facts.principal_tags.is_some()),
        ("resource_tags", facts.resource_tags.is_some()),
        ("role", facts.role.is_some()),
        ("unique_id", facts.unique_id.is_some()),
        ("session_unknown", facts.session_unknown),
        ("federated_user_base", facts.federated_user_base.is_some()),
        ("credential", facts.credential.is_some()),
        ("assumed_root", facts.assumed_root),
        ("s3_block_public_access", facts.s3_block_public_access.is_some()),
        ("acl_allows", facts.acl_allows.is_some()),
        ("vpc_endpoint_type", facts.vpc_endpoint_type.is_some()),
        ("kms_grants", !facts.kms_grants.is_empty()),
        ("canonical_users", !facts.canonical_users.is_empty()),
        ("delegated_administrators", !facts.delegated_administrators.is_empty()),
    ] {
        if there {
            see(&format!("fact {name}"));
        }
    }
    for (what, there) in [
        ("endpoint", request.endpoint != ThroughEndpoint::None),
        ("several resources", request.resources.len() > 1),
        ("additional", !request.additional.is_empty()),
        ("session", request.session.is_some()),
        ("star", request.resources[0].resource == RequestResource::Star),
        ("given checked", request.given_keys == GivenKeys::Checked),
    ] {
        if there {
            see(what);
        }
    }
}

/// Generated calls go with the tables, so that requests are not refused for their resources.
#[test]
fn calls_are_those_of_the_tables() {
    for call in words::CALLS.iter().chain(words::FEDERATED_CALLS).chain(words::ADDITIONAL) {
        let (service, name) = call.action.split_once(':').unwrap();
        let Some(facts) = Catalogue::embedded().action(service, name) else {
            assert!(name.starts_with("Frob") || service == "frob", "{} is no action", call.action);
            continue;
        };
        if call.resources == ["*"] {
            assert!(facts.resource_types().all(|(_, required)| !required), "{}", call.action);
        }
    }
}
