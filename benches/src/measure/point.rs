//! Single decisions: scattered rows by number and by text, beside the floor and beside the naive evaluator, and how
//! their cost grows with the organization.

use super::{Case, Failure, corpus, instructions};
use crate::floor::Floor;
use crate::naive::{Naive, Outside, Prepared};
use crate::report::{Bar, Line, number};
use crate::rows::{self, Rows};
use crate::timing::{Series, in_turns};
use iamc_bench_corpus::requests::Row;
use iamc_bench_corpus::{Shape, requests};
use iamc_catalogue::Catalogue;
use iamc_compiler::{Limits, compile};
use iamc_policy::World;
use iamc_policy::world::{Resource, ResourcePolicy};
use iamc_runtime::{CompiledPolicySet, DecisionCode, Scratch, decide, decide_ids};
use std::collections::BTreeSet;

/// How much is measured.
#[derive(Debug, Clone, Copy)]
pub struct Effort {
    /// Rows.
    pub rows: usize,
    /// Turns.
    pub turns: usize,
}

/// Decides all rows by number.
pub fn by_number(set: &CompiledPolicySet, rows: &Rows, scratch: &mut Scratch) -> u64 {
    let decide = |row: &crate::rows::IdRow| {
        let code = decide_ids(set, row.principal, row.action, row.resource, &rows.context, scratch);
        u64::from(code.bits())
    };
    rows.ids.iter().map(decide).sum()
}

/// Decides all rows by text.
pub fn by_text(set: &CompiledPolicySet, rows: &Rows, scratch: &mut Scratch) -> u64 {
    let decide =
        |request| decide(set, request, scratch).map_or(0, |decision| u64::from(DecisionCode::of(decision).bits()));
    rows.requests.iter().map(decide).sum()
}

/// Decides rows with the naive evaluator; the first figure is the same as of the others, the second counts statements.
pub fn naively(naive: &Naive, asked: &[Prepared<'_>]) -> (u64, u64) {
    let mut sums = (0, 0);
    for asked in asked {
        if let Ok(answer) = naive.decide(asked) {
            sums.0 += answer.decision.map_or(0, |decision| u64::from(DecisionCode::of(decision).bits()));
            sums.1 += answer.n_visited as u64;
        }
    }
    sums
}

/// The naive evaluator of a world; an error names what it does not know.
pub fn naive(world: &World) -> Result<Naive, Failure> {
    Naive::new(world, Catalogue::embedded())
        .map_err(|Outside(what)| format!("outside the naive evaluator: {what}").into())
}

/// Prepares every row; an error for the first that the naive evaluator does not know.
pub fn prepared<'n>(naive: &'n Naive, rows: &'n Rows) -> Result<Vec<Prepared<'n>>, Failure> {
    let prepare = |request| {
        naive.prepare(request).map_err(|Outside(what)| Failure::from(format!("outside the naive evaluator: {what}")))
    };
    rows.requests.iter().map(prepare).collect()
}

/// Every row gets the same decision by number, by text and naively.
///
/// # Errors
/// The first row that does not.
pub fn agree(set: &CompiledPolicySet, rows: &Rows, naive: &Naive, asked: &[Prepared<'_>]) -> Result<(), Failure> {
    let mut scratch = Scratch::new(set);
    for ((ids, request), asked) in rows.ids.iter().zip(&rows.requests).zip(asked) {
        let by_number =
            decide_ids(set, ids.principal, ids.action, ids.resource, &rows.context, &mut scratch).decision();
        let by_text = decide(set, request, &mut scratch).ok();
        let naively = naive.decide(asked).ok().and_then(|answer| answer.decision);
        if by_number != by_text || by_text != naively {
            return Err(
                format!("{by_number:?} by number, {by_text:?} by text, {naively:?} naively: {request:?}").into()
            );
        }
    }
    Ok(())
}

/// Point decisions on a shape, and their growth from a smaller one.
///
/// # Errors
/// Something cannot be compiled, or decisions differ.
pub fn measure(shape: &Shape, smaller: Option<&Shape>, effort: Effort) -> Result<Vec<Line>, Failure> {
    let (case, naive) = Case::new(shape, naive)?;
    let small = match smaller {
        Some(shape) => Some(Case::new(shape, |_| Ok(()))?.0),
        None => None,
    };
    let rows = Rows::scattered(&case.corpus, &case.set, effort.rows);
    if rows.ids.is_empty() {
        return Err("no row can be asked by number".into());
    }
    let n = rows.ids.len();
    let asked = prepared(&naive, &rows)?;
    agree(&case.set, &rows, &naive, &asked)?;
    let small_rows = small.as_ref().map(|small| Rows::scattered(&small.corpus, &small.set, n));
    let image_bytes = case.set.to_bytes().len();
    let floor = Floor::new(image_bytes);

    let mut scratch = Scratch::new(&case.set);
    let mut text_scratch = Scratch::new(&case.set);
    let mut small_scratch = small.as_ref().map(|small| Scratch::new(&small.set));
    let (_, n_visited) = naively(&naive, &asked);
    let series = in_turns(
        effort.turns,
        n,
        &mut [
            &mut || floor.serial(&rows.names),
            &mut || by_number(&case.set, &rows, &mut scratch),
            &mut || by_text(&case.set, &rows, &mut text_scratch),
            &mut || floor.bulk(&rows.names),
            &mut || match (&small, &small_rows, &mut small_scratch) {
                (Some(small), Some(rows), Some(scratch)) => by_number(&small.set, rows, scratch),
                _ => 0,
            },
            &mut || naively(&naive, &asked).0,
        ],
    );
    let [serial, ids, text, bulk, before, naive] = <[Series; 6]>::try_from(series).map_err(|_| "six series")?;

    let name = case.corpus.shape();
    let visited = n_visited as f64 / n as f64;
    let mut lines = vec![
        visited_statement(&format!("{name}"), &naive, visited),
        Line::ratio(
            format!("point decision, ids, scattered, {name}"),
            (&ids, "a decision"),
            (&serial, &format!("serial floor in {} MB", floor.n_bytes() >> 20)),
            Bar::AtMost(1.0),
        ),
        Line { figure: ids.clone(), ..Line::once(format!("the same, goal, {name}"), 0.0, "ns", Bar::AtMost(350.0)) },
        Line::ratio(
            format!("point decision, text in, {name}"),
            (&text, "a decision"),
            (&ids, "by number"),
            Bar::AtMost(1.6),
        ),
        Line::ratio(format!("the same, bulk floor, {name}"), (&ids, "a decision"), (&bulk, "bulk floor"), Bar::None),
        Line::ratio(format!("naive by ids, {name}"), (&naive, "naive"), (&ids, "by number"), Bar::None),
        Line {
            measured: format!("{} rows of {} read", number(n as f64), number(rows.n_read as f64)),
            ..Line::once(
                format!("rows that can be asked by number, {name}"),
                100.0 * n as f64 / rows.n_read as f64,
                "%",
                Bar::None,
            )
        },
    ];
    if let (Some(small), Some(small_rows)) = (&small, &small_rows) {
        let small_name = small.corpus.shape();
        lines.push(Line::ratio(
            format!("growth {small_name} -> {name}, scattered time"),
            (&ids, &format!("on {name}")),
            (&before, &format!("on {small_name}")),
            Bar::AtMost(2.5),
        ));
        let counts = (instructions::count(&case.set, &rows)?, instructions::count(&small.set, small_rows)?);
        if let (Some(own), Some(other)) = counts {
            lines.push(Line {
                measured: format!("{} instructions on {name} ({})", number(own.each), own.tool),
                beside: format!("{} on {small_name}", number(other.each)),
                ..Line::once(
                    format!("growth {small_name} -> {name}, instructions a decision"),
                    own.each / other.each,
                    "x",
                    Bar::AtMost(1.15),
                )
            });
        }
    }
    Ok(lines)
}

/// Point decisions beside the naive evaluator, on principals that share nothing. The resources that are asked about are
/// listed in the world, so that they have numbers.
///
/// # Errors
/// Something cannot be compiled, or decisions differ.
pub fn measure_flat(shape: &Shape, effort: Effort) -> Result<Vec<Line>, Failure> {
    let corpus = corpus(shape);
    let mut world = corpus.world(|_| ());
    list_resources(&mut world, requests(&corpus, rows::SEED).take(effort.rows));
    let naive = naive(&world)?;
    let set = compile(&world, Catalogue::embedded(), &Limits::default())?;
    let rows = Rows::scattered(&corpus, &set, effort.rows);
    let asked = prepared(&naive, &rows)?;
    agree(&set, &rows, &naive, &asked)?;
    let n = rows.ids.len();
    let visited = naively(&naive, &asked).1 as f64 / n as f64;
    let (mut scratch, mut text_scratch) = (Scratch::new(&set), Scratch::new(&set));
    let series = in_turns(
        effort.turns,
        n,
        &mut [
            &mut || by_number(&set, &rows, &mut scratch),
            &mut || by_text(&set, &rows, &mut text_scratch),
            &mut || naively(&naive, &asked).0,
        ],
    );
    let [ids, text, naive] = <[Series; 3]>::try_from(series).map_err(|_| "three series")?;
    let name = corpus.shape();
    Ok(vec![
        visited_statement(&format!("{name}"), &naive, visited),
        Line::ratio(
            format!("naive by point decision, ids, {name}"),
            (&naive, "naive"),
            (&ids, "by number"),
            Bar::AtLeast(20.0),
        ),
        Line::ratio(format!("text in by ids, {name}"), (&text, "by text"), (&ids, "by number"), Bar::None),
    ])
}

/// Resources without policies for all rows that name one; their owners are those that the rows give.
pub fn list_resources(world: &mut World, rows: impl Iterator<Item = Row>) {
    let mut seen: BTreeSet<String> = world.resources.iter().map(|resource| resource.arn.to_string()).collect();
    for row in rows {
        let (Ok(arn), true) = (row.resource.parse(), seen.insert(row.resource.clone())) else { continue };
        world.resources.push(Resource {
            arn,
            account: row.resource_account.and_then(|account| account.parse().ok()),
            policy: ResourcePolicy::None,
            tags: Some(Vec::new()),
            s3_restrict_public_buckets: None,
            kms_grants: None,
            aws_managed_key: false,
            place: None,
        });
    }
}

fn visited_statement(shape: &str, naive: &Series, visited: f64) -> Line {
    Line {
        measured: format!("{} ns a decision", number(naive.median())),
        beside: format!("{} statements visited", number(visited)),
        figure: Series { figures: naive.figures.iter().map(|ns| ns / visited).collect() },
        ..Line::once(format!("naive evaluator, a visited statement, {shape}"), 0.0, "ns", Bar::AtMost(100.0))
    }
}
