//! iamc beside other policy engines: the same generated policies and requests, decisions compared first, then timed in turns.
//!
//! `cargo run --release` prints the tables in Markdown; `--shape SHAPE` (repeatable), `--rows N` and `--turns N` change what is
//! measured. It ends with 1 where iamc and the naive evaluator differ, or where Cedar or Rego, whose policies are
//! translated here, differ from iamc on a row that was translated.

mod cedar;
mod iam_rs;
mod rego;
mod statement;
mod workload;

use iamc_bench_corpus::{Shape, Templates, generate, requests};
use iamc_benches::floor::Floor;
use iamc_benches::machine::{Machine, load};
use iamc_benches::measure::batch;
use iamc_benches::measure::point::{agree, by_number, by_text, list_resources, naive, naively, prepared};
use iamc_benches::measure::{Failure, SEED};
use iamc_benches::report::{heading, number};
use iamc_benches::rows::{self, Rows};
use iamc_benches::timing::{Clock, Series, Work, in_turns};
use iamc_catalogue::Catalogue;
use iamc_compiler::{Limits, compile};
use iamc_policy::Decision;
use iamc_policy::request::{Facts, GivenKeys, Mode, ThroughEndpoint};
use iamc_runtime::batch::{BatchScratch, NOTHING, PrincipalRow, RowContext, RowsBuilder};
use iamc_runtime::{DecisionCode, Scratch, decide_ids};
use std::process::ExitCode;
use workload::Workload;

const USAGE: &str = "iamc-peers [--shape SHAPE]... [--rows N] [--turns N]";

/// Rows of the stream that are read, at most, to find rows that every engine can be asked.
const READ_MAX: usize = 40;

/// An engine is timed on as many rows a turn as it decided in about this time when it was compared …
const TURN_NS: f64 = 2e9;
/// … and on so many at least.
const ROWS_MIN: usize = 50;

/// An engine that decides the rows of a workload.
trait Peer {
    /// Its name and version.
    fn name(&self) -> &'static str;
    /// Does it allow the row? An error of the engine is a no.
    fn allows(&mut self, workload: &Workload, row: usize) -> bool;
}

fn main() -> ExitCode {
    match run() {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(failure) => {
            eprintln!("{failure}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<bool, Failure> {
    let (mut shapes, mut n_rows, mut turns) = (Vec::new(), 500, 3);
    let words: Vec<String> = std::env::args().skip(1).collect();
    for pair in words.chunks(2) {
        let [name, value] = pair else { return Err(USAGE.into()) };
        match name.as_str() {
            "--shape" => shapes.push(value.parse()?),
            "--rows" => n_rows = value.parse()?,
            "--turns" => turns = value.parse()?,
            _ => return Err(USAGE.into()),
        }
    }
    if shapes.is_empty() {
        shapes = vec!["flat105".parse()?, "S".parse()?];
    }
    let before = load();
    let mut agrees = true;
    let mut tables = String::new();
    for shape in &shapes {
        let (table, agreed) = measure(shape, n_rows, turns)?;
        tables.push_str(&table);
        agrees &= agreed;
    }
    println!("{}\n{tables}", heading(&Machine::this(), before, load()));
    Ok(agrees)
}

/// The table of a shape, and whether those agree that have to.
fn measure(shape: &Shape, n_rows: usize, turns: usize) -> Result<(String, bool), Failure> {
    eprintln!("{shape}: generating and compiling");
    let corpus = generate(shape.clone(), SEED, Templates::built_in());
    let mut world = corpus.world(|_| ());
    if matches!(shape, Shape::Flat(_)) {
        list_resources(&mut world, requests(&corpus, rows::SEED).take(n_rows));
    }
    let set = compile(&world, Catalogue::embedded(), &Limits::default())?;
    let naive = naive(&world)?;
    drop(world);
    let all = Rows::scattered(&corpus, &set, n_rows * READ_MAX);
    let (workload, kept) = Workload::new(&corpus, &set, &all, n_rows);
    let rows = all.only(&kept);
    let n = rows.ids.len();
    if n == 0 {
        return Err("no row can be asked of every engine".into());
    }

    eprintln!("{shape}: building the other engines for {n} rows");
    let mut cedar = cedar::Cedar::new(&workload)?;
    let mut rego = rego::Rego::new(&workload)?;
    let mut iam_rs = iam_rs::IamRs::new(&workload)?;
    let asked = prepared(&naive, &rows)?;
    agree(&set, &rows, &naive, &asked)?;
    let mut scratch = Scratch::new(&set);
    let expected: Vec<bool> = rows
        .ids
        .iter()
        .map(|row| {
            let code = decide_ids(&set, row.principal, row.action, row.resource, &rows.context, &mut scratch);
            code.decision() == Some(Decision::Allow)
        })
        .collect();
    let compare = |peer: &mut dyn Peer| {
        let clock = Clock::start();
        let mut n_same = 0;
        for (row, expected) in expected.iter().enumerate() {
            let got = peer.allows(&workload, row);
            n_same += usize::from(got == *expected);
            if got != *expected && std::env::var_os("SHOW").is_some() {
                eprintln!("{}: {got}, expected {expected}: {}", peer.name(), workload.show(row));
            }
        }
        let ns = clock.elapsed().as_nanos() as f64 / n as f64;
        (n_same, (TURN_NS / ns.max(1.0)) as usize)
    };
    let compared = [compare(&mut cedar), compare(&mut rego), compare(&mut iam_rs)];

    let same = compared.map(|(n_same, _)| n_same);
    let [n_cedar, n_rego, n_iam_rs] = compared.map(|(_, n_in_turn)| n_in_turn.clamp(n.min(ROWS_MIN), n));
    eprintln!("{shape}: measuring");
    let floor = Floor::new(set.to_bytes().len());
    let mut batch = RowsBuilder::new(&set);
    let context = batch.context(RowContext {
        context: &rows.requests[0].context,
        mode: Mode::Closed,
        given_keys: GivenKeys::Checked,
        endpoint: &ThroughEndpoint::None,
        facts: &Facts::default(),
    });
    for row in &rows.ids {
        let principal = PrincipalRow { principal: row.principal.get(), session: NOTHING };
        batch.push(principal, row.action.get(), row.resource.map_or(NOTHING, |id| id.get()), context);
    }
    let (mut batch_scratch, mut codes) = (BatchScratch::new().with_threads(1), vec![0; n]);
    batch::decide(&set, &batch, &mut batch_scratch, &mut codes);
    if codes.iter().zip(&expected).any(|(code, allowed)| (*code == DecisionCode::ALLOW.bits()) != *allowed) {
        return Err("a row of a batch is decided otherwise than alone".into());
    }
    let mut text_scratch = Scratch::new(&set);
    // Every so many rows, so that they are as different as all of them.
    let ask = |peer: &mut dyn Peer, n_rows: usize| {
        (0..n_rows).map(|at| u64::from(peer.allows(&workload, at * n / n_rows))).sum::<u64>()
    };
    let mut works: [Work<'_>; 8] = [
        &mut || floor.bulk(&rows.names),
        &mut || batch::decide(&set, &batch, &mut batch_scratch, &mut codes),
        &mut || by_number(&set, &rows, &mut scratch),
        &mut || by_text(&set, &rows, &mut text_scratch),
        &mut || naively(&naive, &asked).0,
        &mut || ask(&mut cedar, n_cedar),
        &mut || ask(&mut iam_rs, n_iam_rs),
        &mut || ask(&mut rego, n_rego),
    ];
    let n_timed = [n, n, n, n, n, n_cedar, n_iam_rs, n_rego];
    let mut series = in_turns(turns, n, &mut works);
    for (series, n_timed) in series.iter_mut().zip(n_timed) {
        series.figures.iter_mut().for_each(|ns| *ns *= n as f64 / n_timed as f64);
    }
    let n_allowed = expected.iter().filter(|allowed| **allowed).count();
    let everyone = || format!("{} of {}", number(n as f64), number(n as f64));
    let of = |at: usize| format!("{} of {}", number(same[at] as f64), number(n as f64));
    let names = [
        ("floor, overlapped loads".to_owned(), String::new()),
        ("iamc, batch".to_owned(), everyone()),
        ("iamc, one by one, by number".to_owned(), everyone()),
        ("iamc, one by one, by text".to_owned(), everyone()),
        ("naive evaluator".to_owned(), everyone()),
        (cedar.name().to_owned(), of(0)),
        (iam_rs.name().to_owned(), of(2)),
        (rego.name().to_owned(), of(1)),
    ];
    let mut table = format!(
        "\n**{shape}**: {} rows ({} allowed) of {} principals, {}; of {} rows read, {} were left out: {}.\n\n\
         | engine | same decisions | rows in a turn | ns a decision | decisions a second | by iamc one by one |\n|---|---|---|---|---|---|\n",
        number(n as f64),
        number(n_allowed as f64),
        number(workload.n_principals() as f64),
        workload.n_layers_a_row(),
        number(workload.n_read as f64),
        number((workload.n_read - n) as f64),
        workload.left_out(),
    );
    let own: &Series = &series[2];
    for (((name, same), ns), n_timed) in names.iter().zip(&series).zip(n_timed) {
        table.push_str(&format!(
            "| {name} | {same} | {} | {} | {} | {} x |\n",
            number(n_timed as f64),
            number(ns.median()),
            number(1e9 / ns.median()),
            number(ns.over(own).median()),
        ));
    }
    Ok((table, same[0] == n && same[1] == n))
}
