//! Batches answer row by row what requests are answered one by one, whatever the order of the rows, the size of the
//! windows and the number of threads.

use iamc_catalogue::Catalogue;
use iamc_compiler::{Limits, compile, compile_session};
use iamc_policy::request::{Facts, Request, RequestError, RequestResource, ResourceInRequest};
use iamc_policy::{Arn, Decision, Principal};
use iamc_runtime::batch::{BatchError, BatchScratch, BatchTables, NotARow, Rows, RowsBuilder, decide_batch};
use iamc_runtime::{CompiledPolicySet, DecisionCode, Refusal, Scratch, decide_with};
use iamc_testkit::generators::{Entropy, SAMPLE_BYTES, bytes_of_seed, scene};
use std::collections::BTreeMap;

/// The code of what a request got.
fn code(result: &Result<Decision, RequestError>) -> DecisionCode {
    match result {
        Ok(decision) => DecisionCode::of(*decision),
        Err(error) => DecisionCode::refused(Refusal::of(error)),
    }
}

/// What one request gets by itself.
fn alone(set: &CompiledPolicySet, request: &Request, scratch: &mut Scratch) -> DecisionCode {
    let session = request.session.as_deref().map(|policies| compile_session(set, policies).expect("small policies"));
    code(&decide_with(set, request, session.as_ref(), scratch))
}

/// Every caller with every resource and action in the context of each request, with and without what is stated of the
/// caller and of the resource: small worlds, but rows that resemble each other.
fn mixed(world: &iamc_policy::World, requests: &[Request]) -> Vec<Request> {
    let users = world.users.iter().map(|user| &user.identity);
    let mut callers: Vec<Principal> = users
        .chain(world.roles.iter().map(|role| &role.identity))
        .map(|identity| Principal::from_arn(identity.arn.as_str()).expect("users and roles call"))
        .collect();
    callers.extend(requests.iter().map(|request| request.principal.clone()));
    let mut resources: Vec<ResourceInRequest> = world
        .resources
        .iter()
        .map(|resource| RequestResource::Arn(resource.arn.clone()))
        .chain([RequestResource::Star])
        .map(ResourceInRequest::new)
        .collect();
    resources.extend(requests.iter().flat_map(|request| request.resources.clone()));
    for resource in resources.clone() {
        if let RequestResource::Arn(arn) = &resource.resource {
            let below: Arn = format!("{arn}/below").parse().expect("an ARN with more behind it");
            resources.push(ResourceInRequest { resource: RequestResource::Arn(below), ..resource.clone() });
        }
    }
    let mut all = requests.to_vec();
    for (index, model) in requests.iter().enumerate() {
        for principal in &callers {
            for (at, resource) in resources.iter().enumerate() {
                let (principal, resources) = (principal.clone(), vec![resource.clone()]);
                let action = requests[(index + at) % requests.len()].action.clone();
                let request =
                    Request { principal, action, resources, additional: Vec::new(), session: None, ..model.clone() };
                all.push(Request { facts: Facts::default(), ..request.clone() });
                all.push(Request { session: model.session.clone(), ..request });
            }
        }
    }
    all
}

#[test]
fn batches_answer_as_requests_do() {
    let mut scratch = BatchScratch::new();
    let mut n_rows = 0;
    let mut not_rows = BTreeMap::new();
    let mut codes_seen = BTreeMap::new();
    for seed in 0..120 {
        let bytes = bytes_of_seed(seed, 3 * SAMPLE_BYTES);
        let (world, requests) = scene(&mut Entropy::new(&bytes), 3);
        let set = compile(&world, Catalogue::embedded(), &Limits::default()).expect("a generated world is small");
        let mut point = Scratch::new(&set);
        let mut builder = RowsBuilder::new(&set);
        let mut rows: Vec<Request> = Vec::new();
        for request in mixed(&world, &requests) {
            let compiled = request.session.as_deref().map(|policies| compile_session(&set, policies));
            let policies = compiled.map(|compiled| builder.add_policies(compiled.expect("small policies")));
            match builder.push_request(&request, policies) {
                Ok(()) => rows.push(request),
                Err(why) => *not_rows.entry(why).or_insert(0) += 1,
            }
        }
        let expected: Vec<DecisionCode> = rows.iter().map(|request| alone(&set, request, &mut point)).collect();
        let expected: Vec<u8> = expected.iter().map(|code| code.bits()).collect();
        expected.iter().for_each(|code| *codes_seen.entry(*code).or_insert(0) += 1);
        for window in [1, 7, usize::MAX] {
            scratch = scratch.with_window(window);
            let mut codes = vec![255; rows.len()];
            decide_batch(&set, &builder.rows(), builder.tables(), &mut scratch, &mut codes).expect("equal columns");
            for (index, request) in rows.iter().enumerate() {
                let (got, expected) = (codes[index], expected[index]);
                assert_eq!(got, expected, "seed {seed}, window {window}, row {index}: {request:#?}");
            }
        }
        for (index, expected) in expected.iter().enumerate() {
            let asked = builder.tables().request(&set, &builder.rows(), index);
            let (request, session) = asked.expect("the builder gave out its numbers");
            let again = code(&decide_with(&set, &request, session, &mut point));
            assert_eq!(again.bits(), *expected, "seed {seed}, row {index}: {request:#?} for {:#?}", rows[index]);
        }
        assert!(builder.tables().request(&set, &builder.rows(), rows.len()).is_none());
        n_rows += rows.len();
    }
    assert!(n_rows > 5_000, "{n_rows} rows only");
    for why in [NotARow::UnknownPrincipal, NotARow::UnknownAction, NotARow::OtherCaller, NotARow::SeveralParts] {
        assert!(not_rows.contains_key(&why), "{why:?} never happens: {not_rows:?}");
    }
    assert!(codes_seen.len() >= 6, "few codes: {codes_seen:?}");
}

/// Rows of one world many times over, in some order: enough for several workers.
fn shuffled(n: usize, of: usize, seed: u64) -> Vec<usize> {
    let mut state = seed;
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize
    };
    (0..n).map(|_| next() % of).collect()
}

#[test]
fn neither_threads_nor_windows_nor_order_change_an_answer() {
    for seed in [3, 8, 21] {
        let bytes = bytes_of_seed(seed, 6 * SAMPLE_BYTES);
        let (world, requests) = scene(&mut Entropy::new(&bytes), 6);
        let set = compile(&world, Catalogue::embedded(), &Limits::default()).expect("a generated world is small");
        let mut builder = RowsBuilder::new(&set);
        let mut point = Scratch::new(&set);
        let mut expected = Vec::new();
        for request in mixed(&world, &requests) {
            if request.session.is_none() && builder.push_request(&request, None).is_ok() {
                expected.push(alone(&set, &request, &mut point).bits());
            }
        }
        let rows = builder.rows();
        let order = shuffled(9_000, expected.len(), seed);
        let at = |column: &[u32]| -> Vec<u32> { order.iter().map(|row| column[*row]).collect() };
        let columns = [rows.principal(), rows.action(), rows.resource(), rows.context(), rows.session()].map(at);
        let expected: Vec<u8> = order.iter().map(|row| expected[*row]).collect();
        for (n_threads, window) in [(1, 1), (1, 7), (1, 1 << 20), (2, 1 << 20), (3, 1 << 20), (3, 5_000), (3, 7)] {
            let [principal, action, resource, context, session] = &columns;
            let rows = Rows::new(principal, action, resource, context).expect("equal lengths");
            let rows = rows.with_sessions(session).expect("equal lengths");
            let mut scratch = BatchScratch::new().with_threads(n_threads).with_window(window);
            let mut codes = vec![255; rows.len()];
            for _ in 0..2 {
                decide_batch(&set, &rows, builder.tables(), &mut scratch, &mut codes).expect("equal columns");
                assert!(codes == expected, "seed {seed}, {n_threads} threads, window {window}");
            }
        }
    }
}

#[test]
fn numbers_that_nobody_gave_out_are_refused_and_other_tables_too() {
    let bytes = bytes_of_seed(5, 3 * SAMPLE_BYTES);
    let (world, requests) = scene(&mut Entropy::new(&bytes), 3);
    let compile = || compile(&world, Catalogue::embedded(), &Limits::default()).expect("a generated world is small");
    let (set, other) = (compile(), compile());
    let mut builder = RowsBuilder::new(&set);
    for request in mixed(&world, &requests) {
        let _ = builder.push_request(&request, None);
    }
    assert!(!builder.is_empty());
    let rows = builder.rows();
    let mut scratch = BatchScratch::new();
    let refused = DecisionCode::refused(Refusal::UnknownId).bits();
    let first = [rows.principal()[0], rows.action()[0], rows.resource()[0], rows.context()[0], rows.session()[0]];
    for column in 0..5 {
        for wrong in [u32::MAX - 1, 1 << 31, u32::MAX] {
            if wrong == u32::MAX && (column == 2 || column == 4) {
                continue; // That is `*`, and no session.
            }
            let mut ids = first;
            ids[column] = wrong;
            let [principal, action, resource, context, session] = ids.map(|id| [id]);
            let rows = Rows::new(&principal, &action, &resource, &context).expect("equal lengths");
            let rows = rows.with_sessions(&session).expect("equal lengths");
            let mut codes = [0];
            decide_batch(&set, &rows, builder.tables(), &mut scratch, &mut codes).expect("equal columns");
            assert_eq!(codes, [refused], "column {column}");
        }
    }
    let mut codes = vec![0; rows.len()];
    let result = decide_batch(&other, &rows, builder.tables(), &mut scratch, &mut codes);
    assert_eq!(result, Err(BatchError::OtherSet));
    let result = decide_batch(&set, &rows, &BatchTables::new(&set), &mut scratch, &mut codes);
    assert_eq!((result, codes.iter().all(|code| *code == refused)), (Ok(()), true));
    let expected = BatchError::Lengths { column: "codes", given: 0, expected: rows.len() };
    assert_eq!(decide_batch(&set, &rows, builder.tables(), &mut scratch, &mut []), Err(expected));
    assert!(Rows::new(&[1], &[1], &[], &[1]).is_err());
}
