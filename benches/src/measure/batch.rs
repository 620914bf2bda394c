//! Batches of a million rows: scattered, of few principals, on two threads, and as a stream comes, with its own contexts and
//! resources that nobody listed.

use super::point::{agree, list_resources, naive, naively, prepared};
use super::{Case, Failure, corpus};
use crate::floor::Floor;
use crate::report::{Bar, Line, number};
use crate::rows::{self, Rows};
use crate::timing::{Series, in_turns, in_turns_by_day};
use iamc_bench_corpus::{Corpus, Shape, requests};
use iamc_catalogue::Catalogue;
use iamc_compiler::{Limits, compile};
use iamc_policy::condition::ConditionKey;
use iamc_policy::request::{Context, Facts, GivenKeys, KeyState, Mode, ThroughEndpoint};
use iamc_runtime::batch::{BatchScratch, BatchTables, NOTHING, PrincipalRow, RowContext, RowsBuilder, decide_batch};
use iamc_runtime::{CompiledPolicySet, DecisionCode, Scratch, decide_ids};
use std::collections::BTreeMap;
use std::hint::black_box;

/// Rows of a batch.
pub const ROWS: usize = 1_000_000;

/// Which rows of a stream a batch is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Rows that can be asked by number, all in one context.
    Scattered,
    /// The same for the thousand busiest principals.
    Hot,
    /// Every row, in its own context and session, with resources in text.
    AsItComes,
}

/// The principals that are hot.
const HOT: usize = 1_000;

/// A batch of `n` rows of the stream of a corpus, and how many rows of the stream were read for it.
///
/// Cost: O(`n`), and the names of all principals.
pub fn batch<'s>(corpus: &Corpus, set: &'s CompiledPolicySet, n: usize, kind: Kind) -> (RowsBuilder<'s>, usize) {
    let mut builder = RowsBuilder::new(set);
    let hot = if kind == Kind::Hot { busiest(corpus, set, n) } else { Vec::new() };
    let mut n_read = 0;
    let mut shared = None;
    let mut kept: Vec<(PrincipalRow, u32, u32, u32)> = Vec::new();
    for row in requests(corpus, rows::SEED).take(n.saturating_mul(20)) {
        if builder.len() + kept.len() == n {
            break;
        }
        n_read += 1;
        let owner = row.resource_account.as_ref().and_then(|account| account.parse().ok());
        let found = (builder.principal(&row.principal), builder.action(&row.action));
        let (Ok(principal), Ok(action)) = found else { continue };
        let Ok(resource) = builder.resource(&row.resource, owner) else { continue };
        let context = match (kind, shared) {
            (Kind::AsItComes, _) | (_, None) => {
                let state = |(key, value): (&str, String)| (ConditionKey::new(key), KeyState::one(value));
                let context: Context = row.context.into_iter().map(state).collect();
                builder.context(RowContext {
                    context: &context,
                    mode: Mode::Closed,
                    given_keys: GivenKeys::Checked,
                    endpoint: &ThroughEndpoint::None,
                    facts: &Facts::default(),
                })
            }
            (_, Some(context)) => context,
        };
        shared = Some(context);
        let unnamed = PrincipalRow { session: NOTHING, ..principal };
        let listed = resource == NOTHING || resource < set.n_resources();
        match kind {
            Kind::AsItComes => builder.push(principal, action, resource, context),
            Kind::Scattered if listed => builder.push(unnamed, action, resource, context),
            Kind::Hot if listed && hot.binary_search(&principal.principal).is_ok() => {
                kept.push((unnamed, action, resource, context));
            }
            _ => {}
        }
    }
    // The busiest ask too seldom to fill a batch: they ask again.
    for (principal, action, resource, context) in kept.iter().cycle().take(n - builder.len()) {
        builder.push(*principal, *action, *resource, *context);
    }
    (builder, n_read)
}

/// The principals with the most rows among the first `n`, in order.
fn busiest(corpus: &Corpus, set: &CompiledPolicySet, n: usize) -> Vec<u32> {
    let mut names = RowsBuilder::new(set);
    let mut counts: BTreeMap<u32, usize> = BTreeMap::new();
    for row in requests(corpus, rows::SEED).take(n) {
        if let Ok(principal) = names.principal(&row.principal) {
            *counts.entry(principal.principal).or_default() += 1;
        }
    }
    let mut by_count: Vec<(usize, u32)> = counts.into_iter().map(|(principal, count)| (count, principal)).collect();
    by_count.sort_unstable_by(|a, b| b.cmp(a));
    let mut busiest: Vec<u32> = by_count.into_iter().take(HOT).map(|(_, principal)| principal).collect();
    busiest.sort_unstable();
    busiest
}

/// Decides a batch; the sum of its codes.
pub fn decide(set: &CompiledPolicySet, batch: &RowsBuilder<'_>, scratch: &mut BatchScratch, codes: &mut [u8]) -> u64 {
    decide_rows(set, batch.tables(), &batch.rows(), scratch, codes)
}

fn decide_rows(
    set: &CompiledPolicySet,
    tables: &BatchTables,
    rows: &iamc_runtime::batch::Rows<'_>,
    scratch: &mut BatchScratch,
    codes: &mut [u8],
) -> u64 {
    match decide_batch(set, rows, tables, scratch, codes) {
        Ok(()) => codes.iter().map(|code| u64::from(*code)).sum(),
        Err(_) => 0,
    }
}

/// Refuses batches whose rows are not what single decisions say.
pub(super) fn check(set: &CompiledPolicySet, batch: &RowsBuilder<'_>, codes: &[u8]) -> Result<(), Failure> {
    let mut scratch = Scratch::new(set);
    let rows = batch.rows();
    for index in (0..rows.len()).step_by(101) {
        let asked = batch.tables().request(set, &rows, index).ok_or("a row is no request")?;
        let alone = iamc_runtime::decide_with(set, &asked.0, asked.1, &mut scratch);
        let alone =
            alone.map_or_else(|error| DecisionCode::refused(iamc_runtime::Refusal::of(&error)), DecisionCode::of);
        if alone.bits() != codes[index] {
            return Err(format!("row {index} of a batch is {}, alone {}", codes[index], alone.bits()).into());
        }
    }
    Ok(())
}

/// Batches on a shape, and their growth from a smaller one.
///
/// # Errors
/// Something cannot be compiled, or rows are decided otherwise than alone.
pub fn measure(shape: &Shape, smaller: Option<&Shape>, turns: usize) -> Result<Vec<Line>, Failure> {
    let (case, ()) = Case::new(shape, |_| Ok(()))?;
    let small = match smaller {
        Some(shape) => Some(Case::new(shape, |_| Ok(()))?.0),
        None => None,
    };
    let set = &case.set;
    let point_rows = Rows::scattered(&case.corpus, set, ROWS / 10);
    let floor = Floor::new(set.to_bytes().len());
    let (scattered, n_read) = batch(&case.corpus, set, ROWS, Kind::Scattered);
    let (hot, _) = batch(&case.corpus, set, ROWS, Kind::Hot);
    let (stream, _) = batch(&case.corpus, set, ROWS, Kind::AsItComes);
    let of_small = small.as_ref().map(|small| batch(&small.corpus, &small.set, ROWS, Kind::Scattered).0);
    if scattered.len() < ROWS || hot.len() < ROWS || point_rows.ids.is_empty() {
        return Err("the stream has too few rows that can be asked by number".into());
    }
    let mut codes = vec![0; ROWS];
    let [mut one, mut two, mut of_hot, mut of_stream, mut smaller_one] =
        [1, 2, 1, 1, 1].map(|n_threads| BatchScratch::new().with_threads(n_threads));
    for batch in [&scattered, &hot, &stream] {
        decide(set, batch, &mut one, &mut codes);
        check(set, batch, &codes)?;
    }
    let (mut others, mut more, mut hot_codes, mut stream_codes) =
        (codes.clone(), codes.clone(), codes.clone(), codes.clone());
    let mut scratch = Scratch::new(set);
    let times = ROWS / point_rows.ids.len();
    let series = in_turns(
        turns,
        ROWS,
        &mut [
            &mut || (0..times).fold(0, |sum, _| sum ^ floor.bulk(black_box(&point_rows.names))),
            &mut || (0..times).map(|_| super::point::by_number(set, &point_rows, &mut scratch)).sum(),
            &mut || decide(set, &scattered, &mut one, &mut codes),
            &mut || decide(set, &hot, &mut of_hot, &mut hot_codes),
            &mut || decide(set, &stream, &mut of_stream, &mut stream_codes),
            &mut || match (&small, &of_small) {
                (Some(small), Some(batch)) => decide(&small.set, batch, &mut smaller_one, &mut more),
                _ => 0,
            },
        ],
    );
    let [bulk, point, own, hot, stream, before] = <[Series; 6]>::try_from(series).map_err(|_| "six series")?;
    let by_day = in_turns_by_day(
        turns,
        ROWS,
        &mut [&mut || decide(set, &scattered, &mut one, &mut codes), &mut || {
            decide(set, &scattered, &mut two, &mut others)
        }],
    );
    let [alone, threads] = <[Series; 2]>::try_from(by_day).map_err(|_| "two series")?;
    let name = case.corpus.shape();
    let mut lines = vec![
        Line::ratio(
            format!("batch of {} scattered rows, {name}", number(ROWS as f64)),
            (&own, "a row"),
            (&bulk, &format!("bulk floor in {} MB", floor.n_bytes() >> 20)),
            Bar::AtMost(2.5),
        ),
        Line {
            figure: own.clone(),
            measured: format!("{} rows of {} read", number(ROWS as f64), number(n_read as f64)),
            ..Line::once(format!("the same, goal, {name}"), 0.0, "ns", Bar::AtMost(100.0))
        },
        Line::ratio(format!("point by batch, {name}"), (&point, "one by one"), (&own, "a row"), Bar::None),
        Line::ratio(
            format!("scattered by hot, {HOT} principals, {name}"),
            (&own, "scattered"),
            (&hot, "hot"),
            Bar::AtLeast(2.0),
        ),
        Line::ratio(
            format!("one thread by two, time of day, {name}"),
            (&alone, "on one"),
            (&threads, "on two"),
            Bar::AtLeast(1.6),
        ),
        Line::ratio(
            format!("rows as they come, own contexts, sessions and resources in text, {name}"),
            (&stream, "a row"),
            (&own, "by number, one context"),
            Bar::None,
        ),
    ];
    if let Some(small) = &small {
        let small = small.corpus.shape();
        lines.push(Line::ratio(
            format!("growth {small} -> {name}, batch"),
            (&own, &format!("on {name}")),
            (&before, &format!("on {small}")),
            Bar::AtMost(1.5),
        ));
    }
    Ok(lines)
}

/// A batch beside the naive evaluator, on principals that share nothing.
///
/// # Errors
/// Something cannot be compiled, or decisions differ.
pub fn measure_flat(shape: &Shape, n_rows: usize, turns: usize) -> Result<Vec<Line>, Failure> {
    let corpus = corpus(shape);
    let mut world = corpus.world(|_| ());
    list_resources(&mut world, requests(&corpus, rows::SEED).take(n_rows));
    let naive = naive(&world)?;
    let set = compile(&world, Catalogue::embedded(), &Limits::default())?;
    let rows = Rows::scattered(&corpus, &set, n_rows);
    let asked = prepared(&naive, &rows)?;
    agree(&set, &rows, &naive, &asked)?;
    let (batch, _) = batch(&corpus, &set, rows.ids.len(), Kind::Scattered);
    let mut codes = vec![0; batch.len()];
    let mut scratch = BatchScratch::new();
    let mut point_scratch = Scratch::new(&set);
    decide(&set, &batch, &mut scratch, &mut codes);
    check(&set, &batch, &codes)?;
    for (row, code) in rows.ids.iter().zip(&codes) {
        let point = decide_ids(&set, row.principal, row.action, row.resource, &rows.context, &mut point_scratch);
        if point.bits() != *code {
            return Err("a row of a batch is decided otherwise than alone".into());
        }
    }
    let series = in_turns(
        turns,
        rows.ids.len(),
        &mut [&mut || decide(&set, &batch, &mut scratch, &mut codes), &mut || naively(&naive, &asked).0],
    );
    let [own, naive] = <[Series; 2]>::try_from(series).map_err(|_| "two series")?;
    let name = corpus.shape();
    Ok(vec![Line::ratio(format!("naive by batch, {name}"), (&naive, "naive"), (&own, "a row"), Bar::AtLeast(50.0))])
}
