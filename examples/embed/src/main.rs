//! A program that decides for itself, on `iamc-runtime` alone.
//!
//! It loads a compiled image, shares it between threads, replaces it while they decide, decides many rows at once, asks who
//! can, and explains. See docs/embedding.md.
//!
//! ```text
//! iamc compile examples/acme/export -o acme.iamc
//! cargo run -p iamc-embed-example -- acme.iamc
//! ```

mod service;

use iamc_runtime::batch::{BatchScratch, NotARow, RowContext, RowsBuilder, decide_batch};
use iamc_runtime::policy::request::{Context, Facts, GivenKeys, RequestResource, ThroughEndpoint};
use iamc_runtime::policy::{ConditionKey, KeyState, Mode, Principal, Request};
use iamc_runtime::{
    CompiledPolicySet, DecisionCode, Inverse, Question, QuestionScratch, Scope, Scratch, explain, who_can,
};
use service::Service;
use std::error::Error;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

type Fallible<T> = Result<T, Box<dyn Error + Send + Sync>>;

fn main() -> Fallible<()> {
    let path = std::env::args().nth(1).ok_or("usage: iamc-embed-example IMAGE.iamc")?;
    let bytes = std::fs::read(path)?;

    // Load: everything is checked once, so that no decision can go wrong later.
    let service = Service::new(CompiledPolicySet::load(&bytes)?);
    let set = service.current();
    println!("loaded: {} principals, {} resources", set.n_principals(), set.n_resources());

    share_and_swap(&service, &bytes)?;
    batch(&set)?;
    ask_who_can(Arc::clone(&set))?;
    Ok(())
}

/// The request that this program asks again and again.
fn request() -> Fallible<Request> {
    let principal = Principal::from_arn("arn:aws:iam::222222222222:role/service/AppServer")?;
    let resource: RequestResource = "arn:aws:sqs:eu-central-1:222222222222:orders".parse()?;
    let mut request = Request::new(principal, "sqs:SendMessage".parse()?, resource);
    // What is not said is unknown, rather than absent.
    request.mode = Mode::Open;
    request.context = context();
    Ok(request)
}

fn context() -> Context {
    let values =
        [("aws:SecureTransport", "true"), ("aws:RequestedRegion", "eu-central-1"), ("aws:SourceIp", "10.1.2.3")];
    values.into_iter().map(|(key, value)| (ConditionKey::new(key), KeyState::one(value))).collect()
}

/// Threads decide while another one replaces the set: each decision sees one set or the other, whole.
fn share_and_swap(service: &Service, bytes: &[u8]) -> Fallible<()> {
    let request = request()?;
    let (stop, n_decided) = (AtomicBool::new(false), AtomicU64::new(0));
    let work = || -> Fallible<()> {
        // A scratch belongs to one thread, and serves one set after the other.
        let mut scratch = Scratch::default();
        while !stop.load(Ordering::Relaxed) {
            let set = service.current();
            iamc_runtime::decide(&set, &request, &mut scratch)?;
            n_decided.fetch_add(1, Ordering::Relaxed);
        }
        Ok(())
    };
    std::thread::scope(|scope| -> Fallible<()> {
        let workers: Vec<_> = (0..2).map(|_| scope.spawn(work)).collect();
        for _ in 0..3 {
            service.replace(CompiledPolicySet::load(bytes)?);
        }
        stop.store(true, Ordering::Relaxed);
        for worker in workers {
            worker.join().map_err(|_| "a worker panicked")??;
        }
        Ok(())
    })?;
    println!("swapped: 3 times, while {} threads decided", 2);
    Ok(())
}

/// Many rows at once, by name; then why the first one that is not allowed is not.
fn batch(set: &CompiledPolicySet) -> Fallible<()> {
    let mut builder = RowsBuilder::new(set);
    let keys = context();
    let context = builder.context(RowContext {
        context: &keys,
        mode: Mode::Open,
        given_keys: GivenKeys::Checked,
        endpoint: &ThroughEndpoint::None,
        facts: &Facts::default(),
    });
    let mut others: Vec<(String, NotARow)> = Vec::new();
    for id in 0..set.n_principals() {
        let Some(arn) = set.principal_arn(iamc_runtime::PrincipalId::new(id)) else { continue };
        for (action, resource) in [
            ("sqs:SendMessage", "arn:aws:sqs:eu-central-1:222222222222:orders"),
            ("s3:GetObject", "arn:aws:s3:::acme-exports/customers.csv"),
        ] {
            if let Err(why) = builder.push_names(arn, action, resource, None, context) {
                others.push((arn.to_owned(), why));
            }
        }
    }
    // Nobody of that name is in the organization: such a row is not guessed, and can still be asked as a request.
    let nobody = "arn:aws:iam::222222222222:user/nobody";
    if let Err(why) = builder.push_names(nobody, "s3:GetObject", "arn:aws:s3:::acme-exports/a", None, context) {
        others.push((nobody.to_owned(), why));
    }
    let rows = builder.rows();
    let mut codes = vec![0; rows.len()];
    let mut scratch = BatchScratch::new().with_threads(2);
    decide_batch(set, &rows, builder.tables(), &mut scratch, &mut codes)?;
    let n_allowed = codes.iter().filter(|code| **code == DecisionCode::ALLOW.bits()).count();
    println!("batch: {} rows, {n_allowed} allowed; {} names are no row", codes.len(), others.len());
    for (name, why) in &others {
        println!("  {name}: {why}");
    }
    let denied = codes.iter().position(|code| *code == DecisionCode::IMPLICIT_DENY.bits());
    if let Some((request, session)) = denied.and_then(|row| builder.tables().request(set, &rows, row)) {
        let answer = explain(set, &request, session, &mut Scratch::default())?;
        let missing: Vec<String> = answer.missing().iter().map(ToString::to_string).collect();
        println!("explained: {} may not {}: {}", request.principal, request.action, missing.join(", "));
    }
    Ok(())
}

/// Everybody who can, or may: the same question for all principals at once.
fn ask_who_can(set: Arc<CompiledPolicySet>) -> Fallible<()> {
    let inverse = Inverse::new(Arc::clone(&set));
    let mut scratch = QuestionScratch::default();
    let question = Question::new(request()?);
    let found = who_can(&inverse, &question, Scope::All, &mut scratch)?;
    let (definite, possible) = found.counts();
    println!("who can {}: {definite} for certain, {possible} perhaps", question.request().action);
    for (principal, code) in found.iter() {
        let decision = code.decision().map_or("refused", |decision| decision.name());
        println!("  {}: {decision}", set.principal_arn(principal).unwrap_or_default());
    }
    Ok(())
}
