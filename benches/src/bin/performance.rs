//! Measures what docs/performance.md tells and prints its table in Markdown.
//!
//! `performance [--shape S|M|L] [--rows N] [--turns N] [--runs N] [--only point,flat,batch,files,sets,reach,read,compile,image,hostile]`. It ends
//! with 1 where engines disagree or something cannot be measured; a missed bar is in the table.

use iamc_bench_corpus::Shape;
use iamc_benches::machine::{Machine, load};
use iamc_benches::measure::point::Effort;
use iamc_benches::measure::{Failure, batch, compile, files, hostile, instructions, point, reach, read, sets};
use iamc_benches::report::{heading, table};
use std::path::Path;
use std::process::ExitCode;

/// What the command line allocates with.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const USAGE: &str = "performance [--shape S|M|L] [--rows N] [--turns N] [--runs N] [--only TOPIC,…]\n\
                     topics: point, flat, batch, files, sets, reach, read, compile, image, hostile";

const TOPICS: &[&str] = &["point", "flat", "batch", "files", "sets", "reach", "read", "compile", "image", "hostile"];

struct Arguments {
    shape: Shape,
    rows: usize,
    turns: usize,
    runs: usize,
    only: Vec<String>,
}

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let done = match words[..] {
        [instructions::CHILD, image, rows, n] => {
            n.parse().map_err(Failure::from).and_then(|n| instructions::child(Path::new(image), Path::new(rows), n))
        }
        [compile::CHILD, how, what] => compile::child(how, what).map(|said| println!("{said}")),
        _ => arguments(&words).and_then(|arguments| measure(&arguments)),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("{failure}");
            ExitCode::FAILURE
        }
    }
}

fn arguments(words: &[&str]) -> Result<Arguments, Failure> {
    let mut arguments = Arguments { shape: "L".parse()?, rows: 200_000, turns: 9, runs: 3, only: Vec::new() };
    for pair in words.chunks(2) {
        let [name, value] = pair else { return Err(USAGE.into()) };
        match *name {
            "--shape" => arguments.shape = value.parse()?,
            "--rows" => arguments.rows = value.parse()?,
            "--turns" => arguments.turns = value.parse()?,
            "--runs" => arguments.runs = value.parse()?,
            "--only" => arguments.only = value.split(',').map(str::to_owned).collect(),
            _ => return Err(USAGE.into()),
        }
    }
    match arguments.only.iter().any(|topic| !TOPICS.contains(&topic.as_str())) {
        true => Err(USAGE.into()),
        false => Ok(arguments),
    }
}

fn measure(arguments: &Arguments) -> Result<(), Failure> {
    let Arguments { shape, rows, turns, runs, only } = arguments;
    let effort = Effort { rows: *rows, turns: *turns };
    let smaller: Option<Shape> = match shape.to_string().as_str() {
        "L" => Some("M".parse()?),
        "M" => Some("S".parse()?),
        _ => None,
    };
    let before = load();
    let mut lines = Vec::new();
    for topic in TOPICS.iter().filter(|topic| only.is_empty() || only.iter().any(|own| own == *topic)) {
        eprintln!("measuring {topic}");
        lines.extend(match *topic {
            "point" => point::measure(shape, smaller.as_ref(), effort)?,
            "flat" => point::measure_flat(&"flat105".parse()?, effort)?,
            "batch" => {
                let mut lines = batch::measure(shape, smaller.as_ref(), *turns)?;
                lines.extend(batch::measure_flat(&"flat105:1000".parse()?, *rows, *turns)?);
                lines
            }
            "files" => files::measure(shape, *runs)?,
            "sets" => sets::measure(shape, *turns)?,
            "reach" => reach::measure(shape)?,
            "read" => read::measure(shape, *runs)?,
            "compile" => compile::measure(shape, *runs)?,
            "image" => compile::image(shape, *turns)?,
            _ => {
                let mut lines = hostile::measure(effort.rows.min(5_000))?;
                lines.push(compile::hostile(shape, *runs)?);
                lines
            }
        });
    }
    println!("{}\n\n{}", heading(&Machine::this(), before, load()), table(&lines));
    Ok(())
}
