//! What `iamc bench` shows: how many decisions a second this machine makes on one synthetic organization, each way to ask
//! beside the naive evaluator and the floor.

use super::batch::{self, Kind};
use super::point::{agree, by_number, by_text, list_resources, naive, naively, prepared};
use super::{Failure, n_statements};
use crate::floor::Floor;
use crate::rows::{self, Rows};
use crate::timing::{Clock, Series, in_turns, in_turns_by_day};
use iamc_bench_corpus::{Shape, Templates, generate, requests};
use iamc_catalogue::Catalogue;
use iamc_compiler::{Limits, compile};
use iamc_runtime::Scratch;
use iamc_runtime::batch::BatchScratch;

/// What is to be measured.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    /// The organization.
    pub shape: Shape,
    /// Its seed; the same seed gives the same organization and the same requests.
    pub seed: u64,
    /// Rows that are decided in each turn.
    pub rows: usize,
    /// Turns; the median counts.
    pub turns: usize,
    /// Threads of the last line; with one there is no such line.
    pub threads: usize,
}

/// A way to decide.
#[derive(Debug, Clone, PartialEq)]
pub struct Figure {
    /// What was done.
    pub what: &'static str,
    /// Threads that did it.
    pub threads: usize,
    /// Nanoseconds a decision, one figure a turn; of one thread processor time, of several the time of day.
    pub ns: Series,
}

/// What came of a plan.
#[derive(Debug, Clone, PartialEq)]
pub struct Overview {
    /// Accounts of the organization.
    pub n_accounts: usize,
    /// Its users and roles.
    pub n_principals: usize,
    /// Statements of all its policies, as often as they are written.
    pub n_statements: usize,
    /// Bytes of the compiled image.
    pub image_bytes: usize,
    /// Seconds of processor time to compile it.
    pub compile_seconds: f64,
    /// Rows of a turn; fewer than were asked for if the stream has no more that can be asked by number.
    pub n_rows: usize,
    /// Statements that the naive evaluator visits for a decision, mean.
    pub n_visited: f64,
    /// The ways to decide: floors and the naive evaluator first. There is at least one of each name in [`Overview::BULK_FLOOR`] and
    /// [`Overview::NAIVE`].
    pub figures: Vec<Figure>,
}

impl Overview {
    /// The name of the floor for many decisions at once.
    pub const BULK_FLOOR: &str = "floor, overlapped loads";
    /// The name of the naive evaluator's figure.
    pub const NAIVE: &str = "naive evaluator";

    /// Nanoseconds a decision, turn by turn, of the first figure with a name.
    pub fn figure(&self, what: &str) -> Option<&Series> {
        self.figures.iter().find(|figure| figure.what == what).map(|figure| &figure.ns)
    }
}

/// Generates, compiles, compares all ways to decide, then times them in turns. `progress` is told what is being done.
///
/// # Errors
/// The shape cannot be compiled, has no row that can be asked by number, or two ways to decide differ, which is a defect.
pub fn measure(plan: &Plan, mut progress: impl FnMut(&str)) -> Result<Overview, Failure> {
    let Plan { shape, seed, rows, turns, threads } = plan;
    progress(&format!("generating {shape}"));
    let corpus = generate(shape.clone(), *seed, Templates::built_in());
    let mut world = corpus.world(|_| ());
    if matches!(shape, Shape::Flat(_)) {
        // Nothing else lists what these principals ask about, so no row could be asked by number.
        list_resources(&mut world, requests(&corpus, rows::SEED).take(*rows));
    }
    progress("compiling");
    let clock = Clock::start();
    let set = compile(&world, Catalogue::embedded(), &Limits::default())?;
    let compile_seconds = clock.elapsed().as_secs_f64();
    let image_bytes = set.to_bytes().len();
    let (naive, n_statements) = (naive(&world)?, n_statements(&world));
    drop(world);

    progress("comparing decisions");
    let rows = Rows::scattered(&corpus, &set, *rows);
    let n_rows = rows.ids.len();
    if n_rows == 0 {
        return Err("no request of the stream can be asked by number".into());
    }
    let asked = prepared(&naive, &rows)?;
    agree(&set, &rows, &naive, &asked)?;
    let (batch, _) = batch::batch(&corpus, &set, n_rows, Kind::Scattered);
    let mut codes = vec![0; batch.len()];
    let [mut alone, mut together] = [1, *threads].map(|n| BatchScratch::new().with_threads(n));
    batch::decide(&set, &batch, &mut alone, &mut codes);
    batch::check(&set, &batch, &codes)?;
    let mut others = codes.clone();
    batch::decide(&set, &batch, &mut together, &mut others);
    if codes != others {
        return Err(format!("a batch is decided otherwise with {threads} threads").into());
    }

    progress("measuring");
    let floor = Floor::new(image_bytes);
    let (mut scratch, mut text_scratch) = (Scratch::new(&set), Scratch::new(&set));
    let n_visited = naively(&naive, &asked).1 as f64 / n_rows as f64;
    let one = in_turns(
        *turns,
        n_rows,
        &mut [
            &mut || floor.serial(&rows.names),
            &mut || floor.bulk(&rows.names),
            &mut || naively(&naive, &asked).0,
            &mut || by_text(&set, &rows, &mut text_scratch),
            &mut || by_number(&set, &rows, &mut scratch),
            &mut || batch::decide(&set, &batch, &mut alone, &mut codes),
        ],
    );
    let names = [
        "floor, dependent loads",
        Overview::BULK_FLOOR,
        Overview::NAIVE,
        "one by one, by text",
        "one by one, by number",
        "batch",
    ];
    let figure = |(what, ns)| Figure { what, threads: 1, ns };
    let mut figures: Vec<Figure> = names.into_iter().zip(one).map(figure).collect();
    if *threads > 1 {
        let several =
            in_turns_by_day(*turns, n_rows, &mut [&mut || batch::decide(&set, &batch, &mut together, &mut others)]);
        figures.extend(several.into_iter().map(|ns| Figure { what: "batch", threads: *threads, ns }));
    }
    Ok(Overview {
        n_accounts: corpus.n_accounts(),
        n_principals: set.n_principals() as usize,
        n_statements,
        image_bytes,
        compile_seconds,
        n_rows,
        n_visited,
        figures,
    })
}
