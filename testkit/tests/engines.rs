//! The compiled engine against the reference: whole answers, residuals included, on every case and on generated worlds.

use iamc_catalogue::Catalogue;
use iamc_compiler::{Limits, compile};
use iamc_policy::request::RequestResource;
use iamc_policy::{Principal, Request};
use iamc_runtime::{DecisionCode, PreparedContext, Refusal, Scratch, decide, decide_ids};
use iamc_testkit::build::build;
use iamc_testkit::case::read_cases;
use iamc_testkit::engine::{Compiled, Engine, Reference};
use iamc_testkit::generators::{Entropy, SAMPLE_BYTES, Sample, bytes_of_seed, scene};
use iamc_testkit::oracles::case_line;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

/// Requires the same answer, word for word, or the same refusal. That of the reference is canonical, and so
/// is that of the compiled engine.
fn check(engine: &dyn Engine, sample: &Sample) {
    let expected = Reference.decide(&sample.world, &sample.request);
    let got = engine.decide(&sample.world, &sample.request);
    if expected != got {
        let line = case_line("difference", sample, &Reference);
        panic!("{} differs from the reference:\n{line}\n{expected:#?}\n{got:#?}", engine.name());
    }
}

#[test]
fn whole_answers_agree_on_every_case() {
    let engine = Compiled::default();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("cases");
    let mut n = 0;
    for entry in std::fs::read_dir(folder).expect("the folder of cases is part of the repository") {
        let path = entry.expect("the folder of cases can be read").path();
        if path.extension().is_none_or(|extension| extension != "jsonl") {
            continue;
        }
        let text = std::fs::read_to_string(&path).expect("a file of cases is UTF-8");
        for case in read_cases(&path.to_string_lossy(), &text).expect("the cases are well-formed") {
            if let Ok((world, request)) = build(&case) {
                check(&engine, &Sample { world, request });
                n += 1;
            }
        }
    }
    assert!(n > 3_000, "{n} cases only");
}

#[test]
fn whole_answers_agree_on_generated_worlds() {
    // 20,000 requests, or a million with `IAMC_LONG=1` in the environment.
    let n_scenes = if std::env::var_os("IAMC_LONG").is_some_and(|value| value == "1") { 100_000 } else { 2_000 };
    let next = AtomicU64::new(0);
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                let compiled = Compiled::default();
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= n_scenes {
                        break;
                    }
                    let bytes = bytes_of_seed(seed, 10 * SAMPLE_BYTES);
                    let (world, requests) = scene(&mut Entropy::new(&bytes), 10);
                    for request in requests {
                        check(&compiled, &Sample { world: world.clone(), request });
                    }
                }
            });
        }
    });
}

/// The code of what a request got.
fn code(result: &Result<iamc_policy::Decision, iamc_policy::request::RequestError>) -> DecisionCode {
    match result {
        Ok(decision) => DecisionCode::of(*decision),
        Err(error) => DecisionCode::refused(Refusal::of(error)),
    }
}

/// Rows of ids give what the requests that their names make give.
#[test]
fn rows_of_ids_are_requests() {
    let mut n_rows = 0;
    for seed in 0..150 {
        let bytes = bytes_of_seed(seed, 3 * SAMPLE_BYTES);
        let (world, requests) = scene(&mut Entropy::new(&bytes), 3);
        let set = compile(&world, Catalogue::embedded(), &Limits::default()).expect("a generated world is small");
        let (mut scratch, mut rows_scratch) = (Scratch::new(&set), Scratch::new(&set));
        for model in &requests {
            let context = PreparedContext::new(model.context.clone(), model.mode)
                .through(model.endpoint.clone())
                .with_facts(model.facts.clone())
                .with_given_keys(model.given_keys);
            let Some(action) = set.action_id(&model.action.to_string()) else { continue };
            let users = world.users.iter().map(|user| &user.identity);
            for identity in users.chain(world.roles.iter().map(|role| &role.identity)) {
                let principal = set.principal_id(identity.arn.as_str()).expect("it is in the world");
                let named = Principal::from_arn(identity.arn.as_str()).expect("users and roles call");
                let resources = world.resources.iter().map(|resource| Some(&resource.arn)).chain([None]);
                for arn in resources {
                    let resource = arn.map(|arn| set.resource_id(arn.as_str()).expect("it is in the world"));
                    let text = arn.cloned().map_or(RequestResource::Star, RequestResource::Arn);
                    let request = Request {
                        context: model.context.clone(),
                        mode: model.mode,
                        endpoint: model.endpoint.clone(),
                        facts: model.facts.clone(),
                        given_keys: model.given_keys,
                        ..Request::new(named.clone(), model.action.clone(), text)
                    };
                    let expected = code(&decide(&set, &request, &mut scratch));
                    let got = decide_ids(&set, principal, action, resource, &context, &mut rows_scratch);
                    assert_eq!(got, expected, "seed {seed}: {named} {} {arn:?}", model.action);
                    n_rows += 1;
                }
            }
        }
    }
    assert!(n_rows > 1_000, "{n_rows} rows only");
}
