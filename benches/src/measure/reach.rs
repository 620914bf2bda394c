//! Questions of reach: who can become administrator, and what one identity leads to, before and after edges are known.

use super::{Failure, corpus};
use crate::machine::peak_bytes;
use crate::report::{Bar, Line, number};
use crate::timing::{Clock, Series};
use iamc_analysis::{Given, Goal, Reach};
use iamc_bench_corpus::Shape;
use iamc_catalogue::Catalogue;
use iamc_policy::{AccountId, World};

/// So many starts are asked what they lead to.
const STARTS: usize = 40;
/// So many accounts are asked who can become their administrator.
const GOALS: usize = 10;
/// So many paths are written out with their proofs.
const SHOWN: usize = 50;
/// Questions of a kind end after so many seconds: few starts of a large organization lead to most of it.
const SECONDS_MAX: f64 = 30.0;

/// Opens a world, asks for its edges, for all escalations, then from and to identities and accounts from all over the world;
/// the same in a second run, which has nothing but the edges that the first one kept.
///
/// # Errors
/// The world cannot be compiled; kept edges are refused.
pub fn measure(shape: &Shape) -> Result<Vec<Line>, Failure> {
    let corpus = corpus(shape);
    let name = corpus.shape().to_string();
    let is_small = name != "L";
    let bar = |bar: f64| if is_small { Bar::None } else { Bar::AtMost(bar) };
    let once = |what: &str, figure: f64, bar: Bar| Line::once(format!("reach: {what}, {name}"), figure, "s", bar);
    let world = corpus.world(|_| ());
    let starts = starts(&world);
    let goals = goals(&world);
    let n = world.users.len() + world.roles.len();
    let clock = Clock::start();
    let mut reach = Reach::new(world, Catalogue::embedded(), Given::default())?;
    let open = clock.elapsed().as_secs_f64();
    let mut lines = vec![Line {
        measured: format!("{} principals", number(n as f64)),
        ..once("open an inventory", open, Bar::None)
    }];
    let clock = Clock::start();
    let n_bytes = reach.edges_to_bytes(0)?.len();
    let edges = clock.elapsed().as_secs_f64();
    lines.push(Line {
        measured: format!("{} MB of them", number(n_bytes as f64 / 1e6)),
        ..once("all base edges", edges, bar(60.0))
    });
    let clock = Clock::start();
    let n_paths = reach.to(Goal::AnyAdministrator, false, SHOWN)?.n();
    let fixed_point = clock.elapsed().as_secs_f64();
    lines.push(Line {
        measured: format!("{} paths, {SHOWN} with proofs", number(n_paths as f64)),
        ..once("the fixed point", fixed_point, bar(120.0))
    });
    lines.push(Line {
        measured: "edges and fixed point".to_owned(),
        ..once("all escalations", edges + fixed_point, if is_small { Bar::AtMost(5.0) } else { Bar::None })
    });
    lines.push(from(&mut reach, &starts, &format!("reach: from one principal, {name}"))?);
    let bytes = reach.edges_to_bytes(0)?;
    drop(reach);
    let clock = Clock::start();
    let mut reach = Reach::new(corpus.world(|_| ()), Catalogue::embedded(), Given::default())?;
    reach.edges_from_bytes(&bytes, 0)?;
    lines.push(Line {
        measured: format!("{} MB of edges; the inventory made, too", number(bytes.len() as f64 / 1e6)),
        ..once("open with kept edges", clock.elapsed().as_secs_f64(), Bar::None)
    });
    lines.push(from(&mut reach, &starts, &format!("reach: from one principal, kept edges, {name}"))?);
    lines.push(to(&mut reach, &goals, &format!("reach: to an account, kept edges, {name}"))?);
    lines.push(Line {
        measured: "corpus included".to_owned(),
        figure: Series { figures: vec![peak_bytes().unwrap_or(0) as f64 / 1e6] },
        ..Line::once(format!("reach: peak memory, {name}"), 0.0, "MB", Bar::AtMost(2_000.0))
    });
    Ok(lines)
}

fn starts(world: &World) -> Vec<String> {
    let every = (world.roles.len() / STARTS).max(1);
    world.roles.iter().step_by(every).take(STARTS).map(|role| role.identity.arn.to_string()).collect()
}

fn goals(world: &World) -> Vec<AccountId> {
    let every = (world.accounts.len() / GOALS).max(1);
    world.accounts.iter().step_by(every).take(GOALS).map(|account| account.id).collect()
}

fn from(reach: &mut Reach, starts: &[String], what: &str) -> Result<Line, Failure> {
    let mut figures = Vec::new();
    let mut n_reached = 0;
    let all = Clock::start();
    for start in starts {
        let clock = Clock::start();
        n_reached += reach.from(start, false, SHOWN)?.n();
        figures.push(clock.elapsed().as_secs_f64() * 1e3);
        if all.elapsed().as_secs_f64() > SECONDS_MAX {
            break;
        }
    }
    let measured =
        format!("{} starts, {} goals, at most {SHOWN} of each with proofs", figures.len(), number(n_reached as f64));
    Ok(Line { measured, figure: Series { figures }, ..Line::once(what, 0.0, "ms", Bar::AtMost(200.0)) })
}

fn to(reach: &mut Reach, goals: &[AccountId], what: &str) -> Result<Line, Failure> {
    let mut figures = Vec::new();
    let mut n_starts = 0;
    let all = Clock::start();
    for goal in goals {
        let clock = Clock::start();
        // An account without identities has no administrators.
        let Ok(ways) = reach.to(Goal::Administrator(*goal), false, SHOWN) else { continue };
        n_starts += ways.n();
        figures.push(clock.elapsed().as_secs_f64());
        if all.elapsed().as_secs_f64() > SECONDS_MAX {
            break;
        }
    }
    let measured = format!(
        "who becomes administrator of {} accounts: {} starts, at most {SHOWN} of each with proofs",
        figures.len(),
        number(n_starts as f64)
    );
    Ok(Line { measured, figure: Series { figures }, ..Line::once(what, 0.0, "s", Bar::AtMost(2.0)) })
}
