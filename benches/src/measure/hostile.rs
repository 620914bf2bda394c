//! The adversarial corpus: no decision may be much slower than to visit every statement.

use super::{Failure, corpus};
use crate::measure::point::naive;
use crate::naive::Outside;
use crate::report::{Bar, Line, number};
use crate::rows;
use iamc_bench_corpus::{Shape, requests};
use iamc_catalogue::Catalogue;
use iamc_compiler::{Limits, compile};
use iamc_runtime::{Scratch, decide};
use std::hint::black_box;
use std::time::Instant;

/// Each row is timed this often, and its least time counts: a single one may be interrupted.
const TIMES: usize = 7;

/// The worst of `n` rows, text in, beside the naive evaluator with the same text in.
///
/// # Errors
/// Something cannot be compiled, or decisions differ.
pub fn measure(n: usize) -> Result<Vec<Line>, Failure> {
    let corpus = corpus(&Shape::Adversarial);
    let world = corpus.world(|_| ());
    let naive = naive(&world)?;
    let set = compile(&world, Catalogue::embedded(), &Limits::default())?;
    let mut scratch = Scratch::new(&set);
    let mut figures = Vec::with_capacity(n);
    for row in requests(&corpus, rows::SEED).take(n) {
        let Some(request) = rows::request(&row) else { continue };
        let mut least = [f64::INFINITY; 2];
        let mut answers = (None, None);
        for _ in 0..TIMES {
            let start = Instant::now();
            answers.0 = black_box(decide(&set, &request, &mut scratch)).ok();
            least[0] = least[0].min(start.elapsed().as_nanos() as f64);
            let start = Instant::now();
            let answer = naive.prepare(&request).and_then(|asked| naive.decide(&asked));
            answers.1 =
                black_box(answer).map_err(|Outside(what)| format!("outside the naive evaluator: {what}"))?.decision;
            least[1] = least[1].min(start.elapsed().as_nanos() as f64);
        }
        if answers.0 != answers.1 {
            return Err(format!("{:?} compiled, {:?} naively: {}", answers.0, answers.1, row.to_json()).into());
        }
        figures.push((least[0] / least[1], least));
    }
    figures.sort_by(|a, b| a.0.total_cmp(&b.0));
    let Some((worst, [own, other])) = figures.last().copied() else { return Err("no rows".into()) };
    let slower = figures.iter().filter(|(ratio, _)| *ratio > 2.0).count();
    let slowest = figures.iter().map(|(_, least)| least[0]).fold(0.0, f64::max);
    let (middle, _) = figures[figures.len() / 2];
    Ok(vec![
        Line {
            measured: format!("{} ns", number(own)),
            beside: format!("naive {} ns; {slower} of {} rows beyond the bar", number(other), figures.len()),
            ..Line::once("adversarial, the worst decision by naive", worst, "x", Bar::AtMost(2.0))
        },
        Line::once("the same, the middle one", middle, "x", Bar::None),
        Line::once("adversarial, the slowest decision", slowest / 1e3, "us", Bar::None),
    ])
}
