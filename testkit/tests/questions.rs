//! Questions about everybody against decisions, principal by principal: every case and generated worlds.

use iamc_catalogue::Catalogue;
use iamc_compiler::{Limits, compile};
use iamc_policy::decision::{Contribution, ReasonCode, StatementRef, Truth};
use iamc_policy::request::{GivenKeys, KeyState, Mode, RequestResource, ResourceInRequest, ThroughEndpoint};
use iamc_policy::{AccountId, Action, ConditionKey, Decision, PolicyKind, Request, World};
use iamc_runtime::{
    CompiledPolicySet, DecisionCode, Grant, Inverse, PreparedContext, PrincipalId, Question, QuestionScratch, Refusal,
    ResourceId, Scope, Scratch, Tally, decide, explain, matrix, what_can, who_can,
};
use iamc_testkit::build::build;
use iamc_testkit::case::read_cases;
use iamc_testkit::generators::{Entropy, SAMPLE_BYTES, Sample, bytes_of_seed, scene};
use iamc_testkit::oracles::case_line;
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;

/// What the questions of a test came to.
#[derive(Default)]
struct Came {
    n_questions: usize,
    n_pairs: usize,
    n_allowed: usize,
    n_conditional: usize,
    n_refused: usize,
    n_by_point: usize,
}

/// The decision, without the reason of a refusal.
fn outcome(code: DecisionCode) -> u8 {
    code.decision().map_or(0, |_| code.bits())
}

/// Requires of each principal the decision that the same request by him gets, and the same of each account by itself.
fn check(world: &World, inverse: &Inverse, request: &Request, scratch: &mut QuestionScratch, came: &mut Came) {
    let set: &CompiledPolicySet = inverse.set();
    let mut own = Scratch::new(set);
    let question = Question::new(request.clone());
    let expected: Vec<DecisionCode> = (0..set.n_principals())
        .map(|id| {
            let Some(principal) = set.caller(PrincipalId::new(id), question.session_name()) else {
                return DecisionCode::REFUSED;
            };
            let own_request = Request { principal, ..request.clone() };
            match decide(set, &own_request, &mut own) {
                Ok(decision) => DecisionCode::of(decision),
                Err(error) => DecisionCode::refused(Refusal::of(&error)),
            }
        })
        .collect();
    let accounts: Vec<AccountId> = world.accounts.iter().map(|account| account.id).collect();
    let scopes = std::iter::once(Scope::All).chain(accounts.iter().map(|id| Scope::Accounts(std::slice::from_ref(id))));
    for scope in scopes {
        let found = match who_can(inverse, &question, scope, scratch) {
            Ok(found) => found,
            Err(error) => {
                // Nobody can ask such a thing.
                assert!(expected.iter().all(|code| code.decision().is_none()), "{error}: {expected:?}");
                came.n_refused += 1;
                return;
            }
        };
        let mut n = (0, 0);
        for (id, expected) in (0..).zip(&expected) {
            let principal = PrincipalId::new(id);
            let account = set.caller(principal, "s").and_then(|principal| principal.account());
            let in_scope = match scope {
                Scope::All => true,
                Scope::Accounts(accounts) => account.is_some_and(|account| accounts.contains(&account)),
            };
            let got = found.code(principal);
            let expected = if in_scope { outcome(*expected) } else { 0 };
            if outcome(got) != expected {
                let principal = set.caller(principal, question.session_name()).expect("it was decided");
                let sample = Sample { world: world.clone(), request: Request { principal, ..request.clone() } };
                let line = case_line("set-question", &sample, &iamc_testkit::engine::Reference);
                panic!("{scope:?}: {expected:03b} expected, {:03b} found\n{line}", outcome(got));
            }
            n.0 += u64::from(got == DecisionCode::ALLOW);
            n.1 += u64::from(got.bits() & 1);
            if scope == Scope::All {
                came.n_pairs += 1;
                came.n_allowed += usize::from(got == DecisionCode::ALLOW);
                came.n_conditional += usize::from(got.bits() & 7 > 0 && !got.bits().is_power_of_two());
            }
        }
        assert_eq!(found.counts(), n);
        let principals = found.principals();
        assert_eq!((principals.definite.len(), principals.possible.len()), n);
        let possible: Vec<u32> = found.iter().map(|(id, _)| id.get()).collect();
        assert_eq!(principals.possible.iter().collect::<Vec<_>>(), possible);
        assert!(principals.definite.is_subset(&principals.possible));
        came.n_questions += 1;
        came.n_by_point += found.n_by_point() as usize;
    }
}

/// The request as it is, and in ways that say nothing of its principal, so that lanes can be decided together.
fn variants(request: &Request, others: &[Request]) -> Vec<Request> {
    let mut plain = Request { session: None, ..request.clone() };
    plain.facts.principal_tags = None;
    plain.facts.unique_id = None;
    plain.facts.role = None;
    let of_principal = |key: &ConditionKey| {
        key.as_str().starts_with("aws:principal") || key.as_str() == "aws:userid" || key.as_str() == "aws:username"
    };
    plain.context.retain(|key, _| !of_principal(key));
    plain.resources.iter_mut().for_each(|resource| resource.context.retain(|key, _| !of_principal(key)));
    let mut open = Request { mode: Mode::Open, ..plain.clone() };
    open.facts.session_unknown = true;
    let mut checked = Request { given_keys: GivenKeys::Checked, ..plain.clone() };
    checked.context.retain(|key, _| key.as_str().len() % 2 == 0);
    let star = Request { resources: vec![ResourceInRequest::new(RequestResource::Star)], ..plain.clone() };
    let nothing = Request { resources: Vec::new(), ..plain.clone() };
    let mut several = plain.clone();
    several.resources.extend(others.iter().flat_map(|other| other.resources.clone()).take(2));
    let bare = Request {
        endpoint: ThroughEndpoint::None,
        ..Request::new(plain.principal.clone(), plain.action.clone(), RequestResource::Star)
    };
    let bare = Request {
        resources: plain.resources.iter().map(|own| ResourceInRequest::new(own.resource.clone())).collect(),
        mode: Mode::Open,
        ..bare
    };
    let moved = others.first().map(|other| Request { resources: other.resources.clone(), ..plain.clone() });
    [Request { session: None, ..request.clone() }, plain, open, checked, star, nothing, several, bare]
        .into_iter()
        .chain(moved)
        .collect()
}

fn inverse(world: &World) -> Inverse {
    Inverse::new(Arc::new(compile(world, Catalogue::embedded(), &Limits::default()).expect("the world compiles")))
}

#[test]
fn questions_equal_decisions_on_generated_worlds() {
    let n_seeds = if std::env::var_os("IAMC_LONG").is_some() { 20_000 } else { 400 };
    let mut came = Came::default();
    let mut scratch = QuestionScratch::default();
    for seed in 0..n_seeds {
        let bytes = bytes_of_seed(seed, 4 * SAMPLE_BYTES);
        let (world, requests) = scene(&mut Entropy::new(&bytes), 4);
        let inverse = inverse(&world);
        assert!(inverse.is_by_lanes());
        for request in &requests {
            for request in variants(request, &requests) {
                check(&world, &inverse, &request, &mut scratch, &mut came);
            }
        }
    }
    let Came { n_questions, n_pairs, n_allowed, n_conditional, n_refused, n_by_point } = came;
    println!(
        "{n_questions} questions, {n_pairs} pairs: {n_allowed} allowed, {n_conditional} open, {n_refused} refused, {n_by_point} by point"
    );
    assert!(n_allowed * 50 > n_pairs && n_conditional * 20 > n_pairs, "{n_allowed} and {n_conditional} of {n_pairs}");
}

#[test]
fn questions_equal_decisions_on_every_case() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("cases");
    let mut came = Came::default();
    let mut scratch = QuestionScratch::default();
    let mut files: Vec<_> = std::fs::read_dir(folder).expect("the folder of cases is part of the repository").collect();
    files.sort_by_key(|entry| entry.as_ref().map(|entry| entry.path()).ok());
    for entry in files {
        let path = entry.expect("the folder of cases can be read").path();
        if path.extension().is_none_or(|extension| extension != "jsonl") {
            continue;
        }
        let text = std::fs::read_to_string(&path).expect("a file of cases is UTF-8");
        for case in read_cases(&path.to_string_lossy(), &text).expect("the cases are well-formed") {
            if let Ok((world, request)) = build(&case) {
                let inverse = inverse(&world);
                for request in variants(&request, &[]) {
                    check(&world, &inverse, &request, &mut scratch, &mut came);
                }
            }
        }
    }
    assert!(came.n_questions > 10_000, "{} questions only", came.n_questions);
}

/// Requires of a matrix that its rows come resource by resource, that each cell is the decision about the request that it
/// stands for, and that tallies count cells.
#[test]
fn matrices_equal_decisions_on_generated_worlds() {
    let n_seeds = if std::env::var_os("IAMC_LONG").is_some() { 10_000 } else { 300 };
    let mut scratch = QuestionScratch::default();
    let (mut n_cells, mut n_allowed, mut n_refused, mut n_refused_alone) = (0, 0, 0, 0);
    for seed in 0..n_seeds {
        let bytes = bytes_of_seed(seed, 4 * SAMPLE_BYTES);
        let (world, requests) = scene(&mut Entropy::new(&bytes), 4);
        let inverse = inverse(&world);
        let set: &CompiledPolicySet = inverse.set();
        let mut own = Scratch::new(set);
        let actions: Vec<Action> = requests.iter().map(|request| request.action.clone()).collect();
        // Those of the inventory, and those that requests are about.
        let listed = (0..set.n_resources().min(3)).filter_map(|id| set.resource_arn(ResourceId::new(id))?.parse().ok());
        let resources: Vec<ResourceInRequest> = std::iter::once(RequestResource::Star)
            .chain(listed)
            .map(ResourceInRequest::new)
            .chain(requests.iter().flat_map(|request| request.resources.clone()).take(4))
            .collect();
        let accounts: Vec<AccountId> = world.accounts.iter().take(1).map(|account| account.id).collect();
        let (all, some) = (Scope::All, Scope::Accounts(&accounts));
        for (mode, scope, gives_account) in
            [(Mode::Closed, all, false), (Mode::Open, all, false), (Mode::Open, all, true), (Mode::Open, some, false)]
        {
            let mut template = Request { session: None, additional: Vec::new(), mode, ..requests[0].clone() };
            if let (true, [account]) = (gives_account, &accounts[..]) {
                // Whoever is of another account contradicts it.
                template.given_keys = GivenKeys::Checked;
                template.context.insert(ConditionKey::new("aws:PrincipalAccount"), KeyState::one(account.to_string()));
            }
            let context = PreparedContext::new(template.context.clone(), mode)
                .through(template.endpoint.clone())
                .with_facts(template.facts.clone())
                .with_given_keys(template.given_keys);
            let mut order = (0..resources.len()).flat_map(|at| (0..actions.len()).map(move |action| (action, at)));
            let even: Vec<u64> = vec![0x5555_5555_5555_5555; set.n_principals().div_ceil(64) as usize];
            let walked =
                matrix(&inverse, &actions, &resources, &context, scope, &mut scratch, |action, resource, found| {
                    assert_eq!(order.next(), Some((action, resource)));
                    let mut tally = Tally::default();
                    for id in (0..set.n_principals()).map(PrincipalId::new) {
                        let Some(principal) = set.caller(id, "session") else { continue };
                        let account = principal.account();
                        let request = Request {
                            principal,
                            action: actions[action].clone(),
                            resources: vec![resources[resource].clone()],
                            ..template.clone()
                        };
                        let alone = decide(set, &request, &mut own).ok();
                        let is_asked = match scope {
                            Scope::All => true,
                            Scope::Accounts(accounts) => account.is_some_and(|account| accounts.contains(&account)),
                        };
                        if !is_asked {
                            assert!(
                                found.as_ref().is_ok_and(|found| found.code(id).decision().is_none()) || found.is_err()
                            );
                            continue;
                        }
                        match &found {
                            Ok(found) => {
                                let got = found.code(id).decision();
                                assert_eq!(
                                    got, alone,
                                    "{seed} {id:?} {} {}",
                                    actions[action], resources[resource].resource
                                );
                                n_refused_alone += usize::from(alone.is_none());
                            }
                            Err(error) => assert_eq!(alone, None, "{seed} {id:?} {error}"),
                        }
                        n_cells += 1;
                        n_allowed += usize::from(alone == Some(Decision::Allow));
                        let of_evens = u64::from(id.get() % 2 == 0);
                        match alone {
                            Some(Decision::Allow) => tally.can += of_evens,
                            Some(Decision::Conditional(outcomes)) if outcomes.allow => tally.can_if += of_evens,
                            Some(_) => tally.cannot += of_evens,
                            None => tally.refused += of_evens,
                        }
                    }
                    match found {
                        Ok(found) => assert_eq!(found.tally(&even), tally, "{seed} {scope:?}"),
                        Err(_) => n_refused += 1,
                    }
                    ControlFlow::Continue(())
                });
            assert_eq!((walked, order.next()), (ControlFlow::Continue(()), None));
            let mut n_rows = 0;
            let stopped = matrix(&inverse, &actions, &resources, &context, scope, &mut scratch, |_, _, _| {
                n_rows += 1;
                ControlFlow::Break(())
            });
            assert_eq!((stopped.is_break(), n_rows), (true, 1));
        }
    }
    println!("{n_cells} cells, {n_allowed} allowed, {n_refused} rows refused, {n_refused_alone} cells");
    assert!(n_cells > 20_000 && n_allowed * 50 > n_cells, "{n_cells} {n_allowed}");
    assert!(n_refused > 0 && n_refused_alone > 0, "{n_refused} {n_refused_alone}");
}

/// The statements of some kinds among contributions that may apply.
fn of_kinds(contributions: &[Contribution], kinds: &[PolicyKind]) -> Vec<StatementRef> {
    let of = contributions.iter().filter(|own| own.value != Truth::False && kinds.contains(&own.statement.policy.kind));
    of.map(|own| own.statement.clone()).collect()
}

/// Requires that grants and explanations tell the same of one request of a principal. Counts what was compared.
fn check_grants(
    set: &CompiledPolicySet,
    grants: &[Grant],
    request: &Request,
    scratch: &mut Scratch,
    n: &mut [usize; 2],
) {
    use PolicyKind::{Boundary, Identity, Key, Resource, Scp, Session, Trust};
    let Some(action) = set.action_id(&request.action.to_string()) else { return };
    let Ok(answer) = explain(set, request, None, scratch) else { return };
    let [unit] = answer.explanation.units.as_slice() else { return };
    let about: Vec<&Grant> = grants
        .iter()
        .filter(|grant| grant.actions.iter().any(|pattern| set.actions_like(pattern).contains(&action)))
        .collect();
    let limits = [ReasonCode::NoBoundaryAllow, ReasonCode::NoSessionAllow, ReasonCode::NoScpAllow];
    let lacks = |codes: &[ReasonCode]| {
        unit.missing.iter().any(|missing| codes.contains(&missing.code) && missing.value == Truth::False)
    };
    let identity = of_kinds(&unit.allow, &[Identity]);
    let by_resource = of_kinds(&unit.allow, &[Resource, Trust, Key]);
    if answer.decision != Decision::ExplicitDeny && by_resource.is_empty() && !lacks(&limits) {
        for statement in &identity {
            let found =
                about.iter().any(|grant| grant.allow.as_ref().is_some_and(|allow| allow.statement == *statement));
            assert!(found, "{statement} grants {} and is in no grant: {request:#?} {grants:#?}", request.action);
            n[0] += 1;
        }
    }
    let allowing = of_kinds(&unit.allow, &[Identity, Boundary, Session, Scp]);
    let denying = of_kinds(&unit.deny, &[Identity, Boundary, Session, Scp]);
    for grant in about {
        let applies = grant.allow.as_ref().is_some_and(|allow| allowing.contains(&allow.statement));
        let is_within = grant
            .only_if
            .iter()
            .all(|limit| limit.unknown || limit.any_of.iter().any(|clause| allowing.contains(&clause.statement)));
        let is_denied = grant.unless.iter().any(|clause| denying.contains(&clause.statement));
        if !applies || !is_within || is_denied || grant.perhaps_denied {
            continue;
        }
        assert!(denying.is_empty(), "{denying:?} may deny what is granted: {grant:#?} {request:#?}");
        let mut codes = limits.to_vec();
        codes.push(ReasonCode::NoIdentityAllow);
        assert!(!lacks(&codes), "{:?} lacks for {grant:#?} {request:#?}", unit.missing);
        n[1] += 1;
    }
}

#[test]
fn grants_equal_explanations_on_generated_worlds() {
    let n_seeds = if std::env::var_os("IAMC_LONG").is_some() { 10_000 } else { 500 };
    let mut n = [0; 2];
    for seed in 0..n_seeds {
        let bytes = bytes_of_seed(seed, 4 * SAMPLE_BYTES);
        let (world, requests) = scene(&mut Entropy::new(&bytes), 4);
        let set = compile(&world, Catalogue::embedded(), &Limits::default()).expect("the world compiles");
        let mut scratch = Scratch::new(&set);
        for id in (0..set.n_principals()).map(PrincipalId::new) {
            let Some(principal) = set.caller(id, "s") else { continue };
            let Ok(grants) = what_can(&set, id, None, &mut scratch) else { continue };
            for request in &requests {
                let mut asked = Request::new(principal.clone(), request.action.clone(), RequestResource::Star);
                asked.resources = vec![ResourceInRequest::new(request.resources[0].resource.clone())];
                asked.mode = Mode::Open;
                asked.facts.session_unknown = true;
                check_grants(&set, &grants, &asked, &mut scratch, &mut n);
            }
            // Only some actions are asked for: the same grants, of those actions.
            let ids: Vec<_> =
                requests.iter().filter_map(|request| set.action_id(&request.action.to_string())).collect();
            for grant in what_can(&set, id, Some(&ids), &mut scratch).expect("it was answered before") {
                let covered: Vec<_> = grant.actions.iter().flat_map(|pattern| set.actions_like(pattern)).collect();
                assert!(covered.iter().all(|id| ids.contains(id)), "{grant:?}");
            }
        }
    }
    println!("{n:?} compared");
    assert!(n[0] > 200 && n[1] > 200, "{n:?} only");
}
