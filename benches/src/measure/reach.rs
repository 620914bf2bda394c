//! Questions of reach: who can become administrator, and what one identity leads to.

use super::{Failure, corpus};
use crate::machine::peak_bytes;
use crate::report::{Bar, Line, number};
use crate::timing::{Clock, Series};
use iamc_analysis::{Given, Goal, Reach};
use iamc_bench_corpus::Shape;
use iamc_catalogue::Catalogue;

/// So many starts are asked what they lead to.
const STARTS: usize = 40;
/// So many paths are written out with their proofs.
const SHOWN: usize = 50;

/// Opens a world, asks for all escalations, which finds the edges, then what roles from all over the world lead to.
///
/// # Errors
/// The world cannot be compiled.
pub fn measure(shape: &Shape) -> Result<Vec<Line>, Failure> {
    let corpus = corpus(shape);
    let name = corpus.shape().to_string();
    let is_small = name != "L";
    let world = corpus.world(|_| ());
    let every = (world.roles.len() / STARTS).max(1);
    let starts = world.roles.iter().step_by(every).take(STARTS).map(|role| role.identity.arn.to_string());
    let starts: Vec<String> = starts.collect();
    let n = world.users.len() + world.roles.len();
    let clock = Clock::start();
    let mut reach = Reach::new(world, Catalogue::embedded(), Given::default())?;
    let open = clock.elapsed().as_secs_f64();
    let clock = Clock::start();
    let n_paths = reach.to(Goal::AnyAdministrator, false, SHOWN)?.n();
    let escalations = clock.elapsed().as_secs_f64();
    let mut from = Vec::new();
    let mut n_reached = 0;
    for start in &starts {
        let clock = Clock::start();
        n_reached += reach.from(start, false, SHOWN)?.n();
        from.push(clock.elapsed().as_secs_f64() * 1e3);
    }
    let bar = if is_small { Bar::AtMost(5.0) } else { Bar::AtMost(120.0) };
    let from = Series { figures: from };
    Ok(vec![
        Line {
            measured: format!("{} principals", number(n as f64)),
            ..Line::once(format!("reach: open an inventory, {name}"), open, "s", Bar::None)
        },
        Line {
            measured: format!("{} paths, {SHOWN} with proofs", number(n_paths as f64)),
            ..Line::once(format!("reach: all escalations, {name}"), escalations, "s", bar)
        },
        Line {
            measured: format!(
                "{} starts, {} goals, at most {SHOWN} of each with proofs, edges kept",
                starts.len(),
                number(n_reached as f64)
            ),
            figure: from,
            ..Line::once(format!("reach: from one principal, {name}"), 0.0, "ms", Bar::AtMost(200.0))
        },
        Line {
            measured: "corpus included".to_owned(),
            figure: Series { figures: vec![peak_bytes().unwrap_or(0) as f64 / 1e6] },
            ..Line::once(format!("reach: peak memory, {name}"), 0.0, "MB", Bar::AtMost(2_000.0))
        },
    ])
}
