//! Questions about everybody, beside the same decisions one by one.

use super::{Case, Failure};
use crate::report::{Bar, Line, number};
use crate::rows;
use crate::timing::{Series, in_turns};
use iamc_bench_corpus::{Shape, requests};
use iamc_policy::request::ResourceInRequest;
use iamc_policy::request::{Context, Facts, KeyState};
use iamc_policy::{AccountId, Action, ConditionKey, Mode};
use iamc_runtime::{
    ActionId, CompiledPolicySet, Inverse, PreparedContext, PrincipalId, QuestionScratch, ResourceId, Scope, Scratch,
    decide_ids, matrix, who_can_ids,
};
use std::ops::ControlFlow;
use std::sync::Arc;

/// Different questions that are asked in turn.
const QUESTIONS: usize = 600;
/// Of all principals, one in so many is decided by himself for comparison.
const SAMPLED: usize = 500;
/// Pairs that are compared before anything is timed.
const PAIRS: usize = 3_000_000;

/// An action and a resource of the inventory.
pub type Asked = (ActionId, Option<ResourceId>);

/// The keys that mostly are known of a request, in open mode; sessions are not known by name.
pub fn usual_context(address: &str) -> PreparedContext {
    let keys = [
        ("aws:SourceIp", address),
        ("aws:SecureTransport", "true"),
        ("aws:RequestedRegion", "us-east-1"),
        ("aws:CurrentTime", "2026-06-01T12:00:00Z"),
        ("aws:EpochTime", "1780315200"),
        ("aws:UserAgent", "aws-cli/2.27"),
        ("aws:ViaAWSService", "false"),
        ("aws:MultiFactorAuthPresent", "true"),
    ];
    let context: Context = keys.iter().map(|(key, value)| (ConditionKey::new(key), KeyState::one(*value))).collect();
    PreparedContext::new(context, Mode::Open).with_facts(Facts { session_unknown: true, ..Facts::default() })
}

/// The first questions of the request stream that can be asked by number, each once.
pub fn questions(case: &Case, n: usize) -> Vec<Asked> {
    let mut asked: Vec<Asked> = Vec::new();
    for row in requests(&case.corpus, rows::SEED).take(100 * n) {
        let Some(action) = case.set.action_id(&row.action) else { continue };
        let resource = match row.resource.as_str() {
            "*" => None,
            arn => match case.set.resource_id(arn) {
                Some(id) => Some(id),
                None => continue,
            },
        };
        if !asked.contains(&(action, resource)) {
            asked.push((action, resource));
        }
        if asked.len() == n {
            break;
        }
    }
    asked
}

/// Compares answers with decisions one by one, principals by turns, until so many pairs are compared.
///
/// # Errors
/// Some pair differs.
pub fn check(inverse: &Inverse, asked: &[Asked], context: &PreparedContext, n_pairs: usize) -> Result<usize, Failure> {
    let set: &CompiledPolicySet = inverse.set();
    let n = set.n_principals();
    let mut question = QuestionScratch::default();
    let mut scratch = Scratch::new(set);
    let mut n_compared = 0;
    let a_question = (n_pairs.div_ceil(asked.len().max(1)) as u32).clamp(1, n.max(1));
    for (turn, (action, resource)) in (0..).zip(asked) {
        let found = who_can_ids(inverse, *action, *resource, context, Scope::All, &mut question);
        for at in 0..a_question {
            // Different ones for each question, all over the set.
            let id = PrincipalId::new(((u64::from(at) * u64::from(n) / u64::from(a_question)) as u32 + turn) % n);
            let alone = decide_ids(set, id, *action, *resource, context, &mut scratch);
            let together = found.as_ref().ok().and_then(|found| found.code(id).decision());
            if alone.decision() != together {
                let arn = set.principal_arn(id).unwrap_or_default();
                let action = set.action_name(*action).unwrap_or_default();
                let resource = resource.and_then(|id| set.resource_arn(id)).unwrap_or("*");
                return Err(format!("{arn}, {action}, {resource}: {together:?} together, {alone:?} alone").into());
            }
            n_compared += 1;
        }
    }
    Ok(n_compared)
}

/// A series in another unit.
fn times(series: &Series, factor: f64) -> Series {
    Series { figures: series.figures.iter().map(|figure| figure * factor).collect() }
}

/// Questions about everybody, about one account, and a matrix.
///
/// # Errors
/// The shape cannot be compiled, or some answer differs from a decision.
pub fn measure(shape: &Shape, turns: usize) -> Result<Vec<Line>, Failure> {
    let (case, ()) = Case::new(shape, |_| Ok(()))?;
    let asked = questions(&case, QUESTIONS);
    if asked.is_empty() {
        return Err("the stream asks for nothing that the inventory lists".into());
    }
    let Case { corpus, set, .. } = case;
    let name = corpus.shape().to_string();
    let set = Arc::new(set);
    let clock = crate::timing::Clock::start();
    let inverse = Inverse::new(Arc::clone(&set));
    let build = clock.elapsed().as_secs_f64();
    set.pattern_index();
    let context = usual_context("203.0.113.7");
    // As many as questions: each meets a context for the first time.
    let n = asked.len();
    let n_compared = check(&inverse, &asked, &context, PAIRS)?;
    let accounts: Vec<AccountId> =
        set.tables().account_numbers.iter().filter_map(|number| AccountId::from_number(*number)).collect();
    let n_principals = set.n_principals() as usize;
    let [mut warm, mut cold, mut scoped, mut own_matrix] = [(); 4].map(|()| QuestionScratch::default());
    let mut scratch = Scratch::new(&set);
    let owned =
        asked.iter().find(|(_, resource)| resource.is_some()).and_then(|(_, resource)| set.resource_arn((*resource)?));
    let own_rows: Vec<ResourceInRequest> =
        owned.iter().map(|arn| Ok(ResourceInRequest::new(arn.parse()?))).collect::<Result<_, Failure>>()?;
    let actions: Vec<String> = set.actions_like("s3:*").into_iter().filter_map(|id| set.action_name(id)).collect();
    let actions: Vec<Action> =
        actions.iter().cycle().take(n).map(|name| Ok(name.parse()?)).collect::<Result<_, Failure>>()?;
    let mut n_cold = 0u32;
    let series = in_turns(
        turns,
        n,
        &mut [
            &mut || {
                let ask = |(action, resource): &Asked| {
                    let found = who_can_ids(&inverse, *action, *resource, &context, Scope::All, &mut warm);
                    found.map_or(0, |found| found.rows()[0][0])
                };
                asked.iter().map(ask).fold(0, |sum, word| sum ^ word)
            },
            &mut || {
                let mut sum = 0;
                for (action, resource) in &asked {
                    n_cold += 1;
                    let [_, a, b, c] = n_cold.to_be_bytes();
                    let context = usual_context(&format!("10.{a}.{b}.{c}"));
                    let found = who_can_ids(&inverse, *action, *resource, &context, Scope::All, &mut cold);
                    sum ^= found.map_or(0, |found| found.rows()[0][0]);
                }
                sum
            },
            &mut || {
                let mut sum = 0;
                for (turn, (action, resource)) in asked.iter().enumerate() {
                    let account = [accounts[turn * 37 % accounts.len()]];
                    let scope = Scope::Accounts(&account);
                    let found = who_can_ids(&inverse, *action, *resource, &context, scope, &mut scoped);
                    sum ^= found.map_or(0, |found| found.counts().1);
                }
                sum
            },
            &mut || {
                let mut sum = 0;
                for (turn, (action, resource)) in asked.iter().enumerate() {
                    let first = turn % SAMPLED;
                    for id in (first..n_principals).step_by(SAMPLED) {
                        let id = PrincipalId::new(id as u32);
                        sum += u64::from(decide_ids(&set, id, *action, *resource, &context, &mut scratch).bits());
                    }
                }
                sum
            },
            &mut || {
                let mut sum = 0;
                let _ = matrix(&inverse, &actions, &own_rows, &context, Scope::All, &mut own_matrix, |_, _, found| {
                    sum ^= found.map_or(0, |found| found.rows()[0][0]);
                    ControlFlow::Continue(())
                });
                sum
            },
        ],
    );
    // Whoever counts who can do anything at all: what an action's statements say of any resource is gathered as it is met.
    let every = set.actions_like("*");
    let anew = Inverse::new(Arc::clone(&set));
    let clock = crate::timing::Clock::start();
    let mut n_can = 0;
    for action in &every {
        let found = who_can_ids(&anew, *action, None, &context, Scope::All, &mut warm);
        n_can += found.map_or(0, |found| found.counts().1);
    }
    let every_ms = clock.elapsed().as_secs_f64() * 1e3 / every.len().max(1) as f64;
    let [warm, cold, scoped, points, own_matrix] = <[Series; 5]>::try_from(series).map_err(|_| "five series")?;
    let everyone = n_principals as f64;
    // Nanoseconds a question, as principals a second.
    let rate = |series: &Series| Series { figures: series.figures.iter().map(|ns| everyone / ns).collect() };
    let rated = |what: &str, series: &Series, bar: f64| Line {
        figure: rate(series),
        measured: format!("{} µs a question", number(series.median() / 1e3)),
        ..Line::once(format!("{what}, {name}"), 0.0, "x 10^9 a second", Bar::AtLeast(bar))
    };
    let points = times(&points, SAMPLED as f64);
    Ok(vec![
        Line {
            measured: format!("{} questions, {} pairs equal to decisions", number(n as f64), number(n_compared as f64)),
            beside: format!("{} MB", number(inverse.heap_bytes() as f64 / f64::from(1 << 20))),
            ..Line::once(format!("the set turned round, {name}"), build, "s", Bar::None)
        },
        rated("who_can, warm context", &warm, 1.0),
        rated("who_can, cold context", &cold, 0.8),
        Line {
            figure: times(&scoped, 1e-3),
            ..Line::once(format!("who_can, one account, {name}"), 0.0, "µs", Bar::AtMost(10.0))
        },
        rated("matrix, one resource and context", &own_matrix, 2.0),
        Line {
            measured: format!("{} actions on `*`, {} pairs that can", number(every.len() as f64), number(n_can as f64)),
            ..Line::once(format!("who_can, every action once, {name}"), every_ms, "ms", Bar::None)
        },
        Line::ratio(
            format!("one by one by who_can, {name}"),
            (&points, "all principals one by one"),
            (&warm, "a question"),
            Bar::None,
        ),
    ])
}
