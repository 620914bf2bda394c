//! Compiling and loading: time, memory, bytes. Each run is a process of its own, so that the most memory it ever used is
//! its own as well.

use super::{Failure, corpus};
use crate::machine::{peak_bytes, resident_bytes};
use crate::report::{Bar, Line, number};
use crate::timing::{Clock, Series};
use iamc_bench_corpus::{Shape, write_exports};
use iamc_catalogue::Catalogue;
use iamc_compiler::{Compiler, Limits, report};
use iamc_inventory::{Options, read_folder};
use iamc_policy::World;
use iamc_runtime::CompiledPolicySet;
use std::fmt::Write;
use std::ops::ControlFlow;
use std::path::Path;
use std::process::Command;

/// The word that makes the program compile once.
pub const CHILD: &str = "--compile";

/// What a run says of itself.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
struct Run {
    seconds: f64,
    /// Of these, reading files.
    reading: f64,
    /// In use before the compiler began.
    before: f64,
    peak: f64,
}

/// Compiles a shape from its `World`, from its `World` account by account, and from its files, `runs` times each.
///
/// # Errors
/// A run fails, or there is no place for the files.
pub fn measure(shape: &Shape, runs: usize) -> Result<Vec<Line>, Failure> {
    let folder = tempfile::tempdir()?;
    let files = folder.path().join("export");
    let corpus = corpus(shape);
    let written = write_exports(&corpus, &files, |_| ControlFlow::Continue(()))?;
    drop(corpus);
    let name = shape.to_string();
    let repeat = |how: &str, what: &str| -> Result<Vec<Run>, Failure> { (0..runs).map(|_| run(how, what)).collect() };
    let of = |runs: &[Run], figure: fn(&Run) -> f64| Series { figures: runs.iter().map(figure).collect() };
    let mut lines = Vec::new();
    let mut told = |how: &str, runs: &[Run], bar: f64, within: &str| {
        lines.push(Line {
            measured: within.to_owned(),
            figure: of(runs, |run| run.seconds),
            ..Line::once(format!("compile {how}, {name}"), 0.0, "s", Bar::AtMost(bar))
        });
        let before = of(runs, |run| run.before / 1e6).median();
        lines.push(Line {
            measured: format!("{} MB before the compiler began", number(before)),
            figure: of(runs, |run| run.peak / 1e6),
            ..Line::once(format!("the same, peak memory, {name}"), 0.0, "MB", Bar::AtMost(1_200.0))
        });
    };
    told("from `World`", &repeat("world", &name)?, 12.0, "");
    told("from `World`, account by account", &repeat("parts", &name)?, 12.0, "without generating the parts");
    let from_files = repeat("files", &files.to_string_lossy())?;
    let reading = of(&from_files, |run| run.reading).median();
    let within = format!("{} MB of files, reading {} s", number(written.bytes as f64 / 1e6), number(reading));
    told("from files", &from_files, 20.0, &within);
    lines.push(Line {
        figure: of(&from_files, |run| run.seconds * 1e9).over(&Series { figures: vec![written.bytes as f64; runs] }),
        ..Line::once(format!("compile from files, a byte of input, {name}"), 0.0, "ns", Bar::None)
    });
    Ok(lines)
}

/// Compile time a byte of input of the adversarial corpus, beside that of a shape.
///
/// # Errors
/// As [`measure`].
pub fn hostile(shape: &Shape, runs: usize) -> Result<Line, Failure> {
    let mut a_byte = Vec::new();
    for shape in [&Shape::Adversarial, shape] {
        let folder = tempfile::tempdir()?;
        let files = folder.path().join("export");
        let written = write_exports(&corpus(shape), &files, |_| ControlFlow::Continue(()))?;
        let seconds = (0..runs).map(|_| Ok(run("files", &files.to_string_lossy())?.seconds));
        let figures = seconds.map(|seconds: Result<f64, Failure>| Ok(seconds? * 1e9 / written.bytes as f64));
        a_byte.push(Series { figures: figures.collect::<Result<_, Failure>>()? });
    }
    Ok(Line::ratio(
        format!("adversarial, compile time a byte of input by that of {shape}"),
        (&a_byte[0], "a byte"),
        (&a_byte[1], "a byte"),
        Bar::AtMost(2.0),
    ))
}

/// Size and loading of an image without explanations.
///
/// # Errors
/// The shape cannot be compiled, or its image not be loaded.
pub fn image(shape: &Shape, turns: usize) -> Result<Vec<Line>, Failure> {
    let (case, ()) = super::Case::new(shape, |_| Ok(()))?;
    let summary = report(&case.set);
    let bytes = case.set.to_bytes_without_explanations();
    let with_explanations = case.set.to_bytes().len();
    let mut load = Series { figures: Vec::new() };
    for _ in 0..turns {
        let start = Clock::start();
        std::hint::black_box(CompiledPolicySet::load(&bytes)?);
        load.figures.push(start.elapsed().as_secs_f64() * 1e3);
    }
    let name = case.corpus.shape();
    let size = |what: &str, n: usize| Line {
        measured: format!("{} MB", number(bytes.len() as f64 / 1e6)),
        beside: format!("{} statements", number(n as f64)),
        ..Line::once(
            format!("image, bytes a statement {what}, {name}"),
            bytes.len() as f64 / n as f64,
            "bytes",
            Bar::AtMost(120.0),
        )
    };
    Ok(vec![
        size("held", case.n_statements),
        Line {
            measured: format!("{} MB", number(bytes.len() as f64 / 1e6)),
            beside: format!("{} different statements", number(summary.n_statements as f64)),
            ..Line::once(
                format!("the same a different statement, {name}"),
                bytes.len() as f64 / summary.n_statements as f64,
                "bytes",
                Bar::None,
            )
        },
        Line {
            measured: format!("{} MB", number(with_explanations as f64 / 1e6)),
            beside: format!("{} MB without", number(bytes.len() as f64 / 1e6)),
            ..Line::once(
                format!("image with explanations, {name}"),
                with_explanations as f64 / bytes.len() as f64,
                "x",
                Bar::None,
            )
        },
        Line { figure: load, ..Line::once(format!("load and validate, {name}"), 0.0, "ms", Bar::AtMost(100.0)) },
    ])
}

fn run(how: &str, what: &str) -> Result<Run, Failure> {
    let output = Command::new(std::env::current_exe()?).args([CHILD, how, what]).output()?;
    if !output.status.success() {
        return Err(format!("compiling {how} {what}: {}", String::from_utf8_lossy(&output.stderr)).into());
    }
    let said = String::from_utf8(output.stdout)?;
    let figures = said.split_whitespace().map(str::parse).collect::<Result<Vec<f64>, _>>()?;
    let [seconds, reading, before, peak] = figures[..] else { return Err("a run says four figures".into()) };
    Ok(Run { seconds, reading, before, peak })
}

/// What a run does: compiles `world SHAPE`, `parts SHAPE` or `files FOLDER`, and returns what it has to say.
///
/// # Errors
/// The shape has no such name, or the files cannot be read or compiled.
pub fn child(how: &str, what: &str) -> Result<String, Failure> {
    let (catalogue, limits) = (Catalogue::embedded(), Limits::default());
    let in_use = || resident_bytes().unwrap_or(0) as f64;
    let mut run = Run::default();
    match how {
        "world" => {
            let world = corpus(&what.parse()?).world(|_| ());
            run.before = in_use();
            let start = Clock::start();
            let mut compiler = Compiler::new(catalogue, &world.settings, world.assume_complete, &limits);
            compiler.consume(world)?;
            std::hint::black_box(compiler.finish()?);
            run.seconds = start.elapsed().as_secs_f64();
        }
        "parts" => {
            let corpus = corpus(&what.parse()?);
            run.before = in_use();
            let mut compiler = Compiler::new(catalogue, &World::default().settings, true, &limits);
            let mut add = |part: World| -> Result<(), Failure> {
                let part = World { assume_complete: true, ..part };
                let start = Clock::start();
                compiler.add(&part)?;
                run.seconds += start.elapsed().as_secs_f64();
                Ok(())
            };
            add(corpus.organization_fragment())?;
            for index in 0..corpus.n_accounts() {
                add(corpus.account_fragment(index))?;
            }
            let start = Clock::start();
            std::hint::black_box(compiler.finish()?);
            run.seconds += start.elapsed().as_secs_f64();
        }
        _ => {
            run.before = in_use();
            let options = Options { assume_complete: true, threads: Some(1), ..Options::default() };
            let start = Clock::start();
            let read = read_folder(&[Path::new(what).to_owned()], &options, &|_| ());
            let world =
                read.map_err(|errors| errors.as_slice().first().map_or_else(String::new, ToString::to_string))?.world;
            run.reading = start.elapsed().as_secs_f64();
            let mut compiler = Compiler::new(catalogue, &world.settings, true, &limits);
            compiler.consume(world)?;
            std::hint::black_box(compiler.finish()?);
            run.seconds = start.elapsed().as_secs_f64();
        }
    }
    run.peak = peak_bytes().unwrap_or(0) as f64;
    let mut said = String::new();
    let _ = write!(said, "{} {} {} {}", run.seconds, run.reading, run.before, run.peak);
    Ok(said)
}
