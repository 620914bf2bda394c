//! `iamc bench`: how fast this machine decides, on a synthetic organization.

use crate::args::{Bench, Format, Global, Progress};
use crate::ending::{Ending, Failure};
use crate::output::Output;
use crate::render::json;
use crate::terminal::{DIM, HEAD, clean, paint, say, stderr_is_terminal};
use iamc_benches::machine::{Machine, load};
use iamc_benches::measure::overview::{Figure, Overview, Plan, measure};
use iamc_benches::report::number;
use serde::Serialize;

/// The whole answer, as `--format json` has it.
#[derive(Debug, Serialize)]
struct Answer {
    shape: String,
    seed: u64,
    accounts: usize,
    principals: usize,
    statements: usize,
    image_bytes: usize,
    compile_seconds: f64,
    /// Decisions in each turn, and turns.
    rows: usize,
    turns: usize,
    /// What the naive evaluator visits for one decision, mean.
    statements_visited: f64,
    measured: Vec<Measured>,
    machine: MachineJson,
}

/// A way to decide.
#[derive(Debug, Serialize)]
struct Measured {
    what: &'static str,
    threads: usize,
    /// Nanoseconds a decision: median, least, greatest.
    ns: f64,
    ns_min: f64,
    ns_max: f64,
    decisions_per_second: f64,
    /// How many times as fast as the naive evaluator, and how many times as long as the bulk floor, by turns; absent for itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    times_naive: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    times_floor: Option<f64>,
}

#[derive(Debug, Serialize)]
struct MachineJson {
    processor: String,
    cores: usize,
    last_cache: String,
    memory_bytes: u64,
    build: &'static str,
    /// Of the last minute, before and after; others on the machine disturb what is measured.
    load: [Option<f64>; 2],
}

/// Measures, and prints a table.
pub(crate) fn run(args: &Bench, global: &Global) -> Result<Ending, Failure> {
    if !matches!(global.format(), Format::Human | Format::Json | Format::Csv) {
        let name = global.format().name();
        return Err(Failure::Usage(format!("`bench` has no format `{name}`; it has human, json and csv")));
    }
    let mut output = Output::open(global.output.as_deref())?;
    let plan = Plan {
        shape: args.shape.clone(),
        seed: args.seed,
        rows: args.rows as usize,
        turns: usize::from(args.turns),
        threads: global.n_threads(),
    };
    let shows = global.verbose || (global.progress == Progress::Auto && stderr_is_terminal());
    let before = load();
    let overview = measure(&plan, |doing| {
        if shows && !global.quiet {
            say(&paint(DIM, format!("{} …", clean(doing))));
        }
    })
    // The corpus is ours, so whatever is wrong with it is too.
    .map_err(|error| Failure::Defect(format!("{} (shape {}, seed {})", error, plan.shape, plan.seed)))?;
    let answer = Answer::new(&plan, &overview, [before, load()]);
    match global.format() {
        Format::Json => output.bytes(json::pretty(&answer).as_bytes())?,
        Format::Csv => output.bytes(csv(&answer.measured).as_bytes())?,
        _ => output.text(&table(&answer))?,
    }
    match output.finish() {
        Ok(()) | Err(Failure::Closed) => Ok(Ending::Done),
        Err(failure) => Err(failure),
    }
}

impl Answer {
    fn new(plan: &Plan, overview: &Overview, load: [Option<f64>; 2]) -> Answer {
        let Machine { processor, n_cores, last_cache, memory_bytes, rustc: _, build } = Machine::this();
        Answer {
            shape: plan.shape.to_string(),
            seed: plan.seed,
            accounts: overview.n_accounts,
            principals: overview.n_principals,
            statements: overview.n_statements,
            image_bytes: overview.image_bytes,
            compile_seconds: overview.compile_seconds,
            rows: overview.n_rows,
            turns: plan.turns,
            statements_visited: overview.n_visited,
            measured: overview.figures.iter().map(|figure| Measured::new(figure, overview)).collect(),
            machine: MachineJson { processor, cores: n_cores, last_cache, memory_bytes, build, load },
        }
    }
}

impl Measured {
    fn new(figure: &Figure, overview: &Overview) -> Measured {
        let Figure { what, threads, ns } = figure;
        let beside = |name: &str| overview.figure(name).filter(|_| *what != name);
        Measured {
            what,
            threads: *threads,
            ns: ns.median(),
            ns_min: ns.min(),
            ns_max: ns.max(),
            decisions_per_second: 1e9 / ns.median(),
            times_naive: beside(Overview::NAIVE).map(|naive| naive.over(ns).median()),
            times_floor: beside(Overview::BULK_FLOOR).map(|floor| ns.over(floor).median()),
        }
    }
}

/// What was measured, a row each; no name holds a quotation mark.
fn csv(measured: &[Measured]) -> String {
    let mut text = "what,threads,ns,ns_min,ns_max,decisions_per_second,times_naive,times_floor\n".to_owned();
    for own in measured {
        let Measured { what, threads, ns, ns_min, ns_max, decisions_per_second, times_naive, times_floor } = own;
        let or_none = |times: &Option<f64>| times.map_or_else(String::new, |times| times.to_string());
        let (naive, floor) = (or_none(times_naive), or_none(times_floor));
        text.push_str(&format!("\"{what}\",{threads},{ns},{ns_min},{ns_max},{decisions_per_second},{naive},{floor}\n"));
    }
    text
}

fn table(answer: &Answer) -> String {
    let Answer { shape, seed, accounts, principals, statements, rows, turns, machine, .. } = answer;
    let n = |n: usize| if n < 100 { n.to_string() } else { number(n as f64) };
    let mut text = format!(
        "{}: {} accounts, {} principals, {} statements, compiled in {} s to {} MB\n",
        paint(HEAD, format!("{shape}, seed {seed}")),
        n(*accounts),
        n(*principals),
        n(*statements),
        number(answer.compile_seconds),
        number(answer.image_bytes as f64 / 1e6),
    );
    text.push_str(&format!(
        "{} decisions a turn, median of {turns} turns; all ways to decide gave the same decisions\n\n",
        n(*rows)
    ));
    let heading = ["", "threads", "ns each", "least – greatest", "a second", "x naive", "x floor"];
    let mut lines = vec![heading.map(str::to_owned)];
    for measured in &answer.measured {
        let Measured { what, threads, ns, ns_min, ns_max, decisions_per_second, times_naive, times_floor } = measured;
        let or_none = |times: &Option<f64>| times.map_or_else(String::new, number);
        lines.push([
            (*what).to_owned(),
            threads.to_string(),
            number(*ns),
            format!("{} – {}", number(*ns_min), number(*ns_max)),
            number(*decisions_per_second),
            or_none(times_naive),
            or_none(times_floor),
        ]);
    }
    let width = |at: usize| lines.iter().map(|line| line[at].chars().count()).max().unwrap_or(0);
    let widths: [usize; 7] = std::array::from_fn(width);
    for (row, line) in lines.iter().enumerate() {
        let cells = line.iter().zip(widths).enumerate().map(|(at, (cell, width))| match at {
            0 => format!("{cell:width$}"),
            _ => format!("{cell:>width$}"),
        });
        let cells = cells.collect::<Vec<_>>().join("  ");
        text.push_str(&if row == 0 { paint(HEAD, cells) } else { cells });
        text.push('\n');
    }
    let load = machine.load.map(|load| load.map_or_else(|| "unknown".to_owned(), |load| format!("{load:.1}")));
    text.push_str(&format!(
        "\nx naive: how many times as fast as visiting every statement ({} a decision)\n\
         x floor: how many times as long as hashing three names and three overlapped loads from memory\n\
         {}, {} cores, {} build, load {} before and {} after\n",
        number(answer.statements_visited),
        clean(&machine.processor),
        machine.cores,
        machine.build,
        load[0],
        load[1],
    ));
    text
}
