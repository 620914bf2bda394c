//! Rows of a file, end to end: the program `iamc` reads requests, decides them by an image and writes the answers.
//!
//! It is the one that was built beside this program. What it takes for a file of one row, starting and loading the image, is
//! subtracted: the figures are about rows.

use super::{Case, Failure};
use crate::report::{Bar, Line, number};
use crate::rows;
use crate::timing::{Series, children};
use iamc_bench_corpus::{Corpus, Shape, requests};
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

/// Rows of the files.
const ROWS: usize = 1_000_000;

/// What a run took.
#[derive(Debug, Clone, Copy)]
struct Took {
    /// Seconds of processor time.
    processor: f64,
    /// Seconds of the day.
    day: f64,
}

/// Parquet and JSON Lines on one thread, and Parquet on two.
///
/// # Errors
/// The shape cannot be compiled, there is no place for the files, or `iamc` was not built or fails.
pub fn measure(shape: &Shape, turns: usize) -> Result<Vec<Line>, Failure> {
    let program = std::env::current_exe()?.with_file_name("iamc");
    if !program.exists() {
        return Err(format!("`{}` is not built: cargo build --release -p iamc-cli", program.display()).into());
    }
    let (Case { corpus, set, .. }, ()) = Case::new(shape, |_| Ok(()))?;
    let folder = tempfile::tempdir()?;
    let image = folder.path().join("organization.iamc");
    std::fs::write(&image, set.to_bytes())?;
    drop(set);
    let name = shape.to_string();
    let mut lines = Vec::new();
    for (format, bar) in [("parquet", 2.0), ("jsonl", 0.5)] {
        let files = [1, ROWS].map(|n| (folder.path().join(format!("{n}.{format}")), n));
        for (file, n) in &files {
            write_rows(&corpus, *n, file)?;
        }
        let answers = folder.path().join(format!("answers.{format}"));
        let run = |threads: usize| -> Result<[Took; 2], Failure> {
            let one = decide(&program, &image, &files[0].0, &answers, threads)?;
            Ok([one, decide(&program, &image, &files[1].0, &answers, threads)?])
        };
        let mut rates =
            [Series { figures: Vec::new() }, Series { figures: Vec::new() }, Series { figures: Vec::new() }];
        for _ in 0..turns {
            let rate = |few: f64, many: f64| (ROWS - 1) as f64 / (many - few).max(1e-3) / 1e6;
            let [few, many] = run(1)?;
            rates[0].figures.push(rate(few.processor, many.processor));
            rates[1].figures.push(rate(few.day, many.day));
            let [few, many] = run(2)?;
            rates[2].figures.push(rate(few.day, many.day));
        }
        let bytes = std::fs::metadata(&files[1].0)?.len() as f64;
        let [processor, one, two] = rates;
        lines.push(Line {
            measured: format!("{} rows as they come, {} MB", number(ROWS as f64), number(bytes / 1e6)),
            figure: processor,
            ..Line::once(format!("end to end from {format}, {name}"), 0.0, "M rows a second", Bar::AtLeast(bar))
        });
        lines.push(Line {
            measured: format!("{} M rows a second on two, time of day", number(two.median())),
            beside: format!("{} on one", number(one.median())),
            figure: two.over(&one),
            ..Line::once(format!("the same, two threads by one, {name}"), 0.0, "x", Bar::None)
        });
    }
    Ok(lines)
}

fn write_rows(corpus: &Corpus, n: usize, path: &Path) -> Result<(), Failure> {
    let mut out = BufWriter::new(File::create(path)?);
    let rows = requests(corpus, rows::SEED).take(n);
    match path.extension().is_some_and(|extension| extension == "parquet") {
        true => iamc_bench_corpus::requests::parquet::write(rows, &mut out)?,
        false => iamc_bench_corpus::requests::write_json_lines(rows, &mut out)?,
    }
    Ok(out.flush()?)
}

fn decide(program: &Path, image: &Path, rows: &Path, answers: &Path, threads: usize) -> Result<Took, Failure> {
    let (before, start) = (children(), Instant::now());
    let status = Command::new(program)
        .arg("decide")
        .arg(image)
        .arg("--requests")
        .arg(rows)
        .args(["--closed", "--quiet", "--threads", &threads.to_string(), "-o"])
        .arg(answers)
        .stderr(Stdio::null())
        .status()?;
    // 3: some rows of the stream cannot be decided, which is an answer too.
    if !matches!(status.code(), Some(0 | 3)) {
        return Err(format!("`iamc decide` on {}: {status}", rows.display()).into());
    }
    Ok(Took { processor: (children() - before).as_secs_f64(), day: start.elapsed().as_secs_f64() })
}
