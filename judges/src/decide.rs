//! Whole worlds: every way to ask the same question gives the same answer.

use crate::scene::compiled;
use iamc_compiler::compile_session;
use iamc_policy::request::{RequestError, RequestResource, ResourceInRequest};
use iamc_policy::{Decision, Principal, Request, World};
use iamc_runtime::batch::{BatchScratch, RowContext, RowsBuilder, decide_batch};
use iamc_runtime::{
    CompiledPolicySet, DecisionCode, Inverse, PreparedContext, PrincipalId, Question, QuestionScratch, Refusal, Scope,
    Scratch, decide_ids, decide_with, explain, who_can,
};
use iamc_testkit::engine::{Engine, Reference};
use iamc_testkit::generators::{Entropy, Sample, mixed, scene};
use iamc_testkit::oracles::case_line;
use std::sync::Arc;

/// Requests for which each world is made.
const N_REQUESTS: usize = 6;

/// Requests of parts of those, as far as the bytes go: preparing a world costs as much as deciding a hundred of them.
const N_MIXED: usize = 120;

/// Requests that are asked of everybody.
const N_EVERYBODY: usize = 12;

pub(crate) fn judge(bytes: &[u8]) -> u64 {
    let mut entropy = Entropy::new(bytes);
    let (world, mut requests) = scene(&mut entropy, N_REQUESTS);
    for _ in 0..N_MIXED {
        if entropy.n_taken() >= bytes.len() {
            break;
        }
        let more = mixed(&mut entropy, &requests[..N_REQUESTS]);
        requests.push(more);
    }
    let set = Arc::new(compiled(&world));
    let image = set.to_bytes();
    let reloaded = CompiledPolicySet::load(&image).unwrap_or_else(|error| panic!("not read back: {error}"));
    assert!(reloaded.to_bytes() == image, "a set that was read back is written differently");
    let mut scratches = [Scratch::new(&set), Scratch::new(&reloaded)];
    let mut builder = RowsBuilder::new(&set);
    let mut rows = Vec::new();
    let mut n = 0;
    for request in &requests {
        let expected = Reference.decide(&world, request);
        for (set, scratch) in [&*set, &reloaded].into_iter().zip(&mut scratches) {
            let session = request.session.as_deref().map(|list| compile_session(set, list).expect("they are small"));
            let answer = explain(set, request, session.as_ref(), scratch);
            if answer != expected {
                let line = line(&world, request);
                panic!("compiled and reference differ:\n{line}\n{expected:#?}\n{answer:#?}");
            }
            let decision = decide_with(set, request, session.as_ref(), scratch);
            let same = match (&decision, &expected) {
                (Ok(decision), Ok(answer)) => *decision == answer.decision,
                (Err(own), Err(other)) => own == other,
                _ => false,
            };
            assert!(same, "decided and explained differ: {decision:?}\n{}", line(&world, request));
            n += 2;
        }
        let session = request.session.as_deref().map(|list| compile_session(&set, list).expect("they are small"));
        let session = session.map(|session| builder.add_policies(session));
        if builder.push_request(request, session).is_ok() {
            rows.push((request, code(&expected.map(|answer| answer.decision))));
        }
    }
    let mut codes = vec![255; rows.len()];
    let mut batch = BatchScratch::new();
    decide_batch(&set, &builder.rows(), builder.tables(), &mut batch, &mut codes).expect("equal columns");
    for (index, ((request, expected), got)) in rows.iter().zip(codes).enumerate() {
        assert_eq!(got, expected.bits(), "a row is decided otherwise:\n{}", line(&world, request));
        n += 1;
        // What a row stands for, told again; not of each of them, since rows have much in common.
        if index % 8 == 0 {
            let told = builder.tables().request(&set, &builder.rows(), index);
            let (told, session) = told.expect("the builder made the row");
            let again = code(&decide_with(&set, &told, session, &mut scratches[0]));
            assert_eq!(again, *expected, "a row tells another request: {told:#?}\n{}", line(&world, request));
            n += 1;
        }
    }
    n + by_names(&world, &set, &requests) + everybody(&world, &set, &requests)
}

/// Rows that are made of names: the request with this principal, action and resource in the context of the row.
fn by_names(world: &World, set: &CompiledPolicySet, requests: &[Request]) -> u64 {
    let mut builder = RowsBuilder::new(set);
    let mut rows = Vec::new();
    for request in requests.iter().take(2 * N_REQUESTS) {
        let [resource] = request.resources.as_slice() else { continue };
        let plain = Request { session: None, additional: Vec::new(), ..request.clone() };
        let plain =
            Request { resources: vec![ResourceInRequest { context: Default::default(), ..resource.clone() }], ..plain };
        let context = builder.context(RowContext::of(&plain));
        let (principal, action) = (plain.principal.to_string(), plain.action.to_string());
        if builder.push_names(&principal, &action, &resource.resource.to_string(), resource.account, context).is_ok() {
            // A row of a role's own name stands for the session that the role's ARN stands for.
            let principal = Principal::from_arn(&principal).expect("it was read");
            rows.push(Request { principal, ..plain });
        }
    }
    let mut scratch = Scratch::new(set);
    let mut n = 0;
    let mut codes = vec![255; rows.len()];
    let mut batch = BatchScratch::new();
    decide_batch(set, &builder.rows(), builder.tables(), &mut batch, &mut codes).expect("equal columns");
    for (request, got) in rows.iter().zip(codes) {
        let expected = code(&Reference.decide(world, request).map(|answer| answer.decision));
        assert_eq!(got, expected.bits(), "a row of names is decided otherwise:\n{}", line(world, request));
        n += 1;
        let Some(got) = by_ids(set, request, &mut scratch) else { continue };
        assert_eq!(got, expected, "a row of ids is decided otherwise:\n{}", line(world, request));
        n += 1;
    }
    n
}

/// The row of ids that is this request, where there is one.
fn by_ids(set: &CompiledPolicySet, request: &Request, scratch: &mut Scratch) -> Option<DecisionCode> {
    let (name, session) = match &request.principal {
        Principal::User { .. } => (request.principal.to_string(), "session"),
        Principal::RoleSession { partition, account, session, role_path_name: Some(path_name), .. } => {
            (format!("arn:{partition}:iam::{account}:role/{path_name}"), session.as_str())
        }
        _ => return None,
    };
    let resource = match request.resources.as_slice() {
        [ResourceInRequest { resource: RequestResource::Star, account: None, .. }] => None,
        [ResourceInRequest { resource: RequestResource::Arn(arn), account: None, .. }] => {
            Some(set.resource_id(arn.as_str())?)
        }
        _ => return None,
    };
    let context = PreparedContext::new(request.context.clone(), request.mode)
        .through(request.endpoint.clone())
        .with_facts(request.facts.clone())
        .with_given_keys(request.given_keys)
        .with_session_name(session);
    let (principal, action) = (set.principal_id(&name)?, set.action_id(&request.action.to_string())?);
    Some(decide_ids(set, principal, action, resource, &context, scratch))
}

/// The same request by everybody at once, and by each of them as the reference says.
fn everybody(world: &World, set: &Arc<CompiledPolicySet>, requests: &[Request]) -> u64 {
    let inverse = Inverse::new(Arc::clone(set));
    let mut questions = QuestionScratch::default();
    let mut n = 0;
    for request in &requests[..N_EVERYBODY.min(requests.len())] {
        let question = Question::new(Request { session: None, ..request.clone() });
        let found = who_can(&inverse, &question, Scope::All, &mut questions);
        for id in (0..set.n_principals()).map(PrincipalId::new) {
            let Some(principal) = set.caller(id, question.session_name()) else { continue };
            let own = Request { principal, session: None, ..request.clone() };
            let expected = code(&Reference.decide(world, &own).map(|answer| answer.decision));
            let got = found.as_ref().map_or(DecisionCode::REFUSED, |found| found.code(id));
            // Why a request is refused is no matter of everybody.
            let bits = |code: DecisionCode| code.decision().map_or(0, |_| code.bits());
            assert_eq!(bits(got), bits(expected), "everybody at once is decided otherwise:\n{}", line(world, &own));
            n += 1;
        }
    }
    n
}

fn line(world: &World, request: &Request) -> String {
    case_line("found", &Sample { world: world.clone(), request: request.clone() }, &Reference)
}

fn code(result: &Result<Decision, RequestError>) -> DecisionCode {
    match result {
        Ok(decision) => DecisionCode::of(*decision),
        Err(error) => DecisionCode::refused(Refusal::of(error)),
    }
}
