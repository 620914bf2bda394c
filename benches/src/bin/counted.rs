//! What `cargo xtask instructions` counts: `counted TOPIC` prepares something small, always the same, and does it once inside
//! [`counted`], the only function whose instructions count.

use iamc_bench_corpus::Shape;
use iamc_benches::measure::batch::{self, Kind};
use iamc_benches::measure::point::{by_number, by_text, naive, naively, prepared};
use iamc_benches::measure::sets::{questions, usual_context};
use iamc_benches::measure::{Case, Failure, corpus};
use iamc_benches::rows::Rows;
use iamc_catalogue::Catalogue;
use iamc_compiler::{Limits, compile};
use iamc_runtime::batch::BatchScratch;
use iamc_runtime::{CompiledPolicySet, Inverse, QuestionScratch, Scope, Scratch, who_can_ids};
use std::hint::black_box;
use std::process::ExitCode;
use std::sync::Arc;

/// Decisions of a topic that decides.
const ROWS: usize = 2_000;
/// Questions about everybody.
const QUESTIONS: usize = 40;

/// The work that counts. Its name stands in the symbol table, where the counter finds it.
#[inline(never)]
fn counted(work: &mut dyn FnMut() -> u64) -> u64 {
    black_box(work())
}

/// Counts once what was done once before, so that memory has grown and what is kept is there.
fn warm(mut work: impl FnMut() -> u64) {
    let expected = work();
    assert_eq!(counted(&mut work), expected, "the same work gives the same");
}

fn run(topic: &str) -> Result<(), Failure> {
    let shape: Shape = "S".parse()?;
    match topic {
        "compile" => {
            let world = corpus(&shape).world(|_| ());
            let compiled = || compile(&world, Catalogue::embedded(), &Limits::default());
            counted(&mut || compiled().map_or(0, |set| u64::from(set.n_principals())));
        }
        "load" => {
            let (case, ()) = Case::new(&shape, |_| Ok(()))?;
            let bytes = case.set.to_bytes();
            counted(&mut || CompiledPolicySet::load(&bytes).map_or(0, |set| u64::from(set.n_principals())));
        }
        "point" | "text" => {
            let (case, ()) = Case::new(&shape, |_| Ok(()))?;
            let rows = Rows::scattered(&case.corpus, &case.set, ROWS);
            let mut scratch = Scratch::new(&case.set);
            match topic {
                "point" => warm(|| by_number(&case.set, &rows, &mut scratch)),
                _ => warm(|| by_text(&case.set, &rows, &mut scratch)),
            }
        }
        "naive" => {
            let (case, naive) = Case::new(&shape, naive)?;
            let rows = Rows::scattered(&case.corpus, &case.set, ROWS);
            let asked = prepared(&naive, &rows)?;
            warm(|| naively(&naive, &asked).0);
        }
        "batch" => {
            let (case, ()) = Case::new(&shape, |_| Ok(()))?;
            let (batch, _) = batch::batch(&case.corpus, &case.set, ROWS, Kind::Scattered);
            let (mut scratch, mut codes) = (BatchScratch::new().with_threads(1), vec![0; batch.len()]);
            warm(|| batch::decide(&case.set, &batch, &mut scratch, &mut codes));
        }
        "who_can" => {
            let (case, ()) = Case::new(&shape, |_| Ok(()))?;
            let asked = questions(&case, QUESTIONS);
            let inverse = Inverse::new(Arc::new(case.set));
            let context = usual_context("203.0.113.7");
            let mut scratch = QuestionScratch::default();
            warm(|| {
                let ask = |(action, resource)| {
                    who_can_ids(&inverse, action, resource, &context, Scope::All, &mut scratch)
                        .map_or(0, |found| found.counts().1)
                };
                asked.iter().copied().map(ask).sum()
            });
        }
        _ => return Err(format!("`{topic}` is not counted").into()),
    }
    Ok(())
}

fn main() -> ExitCode {
    let topic = std::env::args().nth(1).unwrap_or_default();
    match run(&topic) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("{failure}");
            ExitCode::FAILURE
        }
    }
}
