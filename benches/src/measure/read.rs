//! Reading inventories: seconds, and what many files cost beside one.

use super::{Failure, corpus};
use crate::report::{Bar, Line, number};
use crate::timing::{Clock, Series};
use iamc_bench_corpus::{Parameters, Shape, write_exports};
use iamc_inventory::{Options, read_folder, write_lines};
use std::ops::ControlFlow;
use std::path::Path;

/// Files of the folder of small files, one line each.
const FILES: usize = 100_000;

/// Reads the export files of a shape with one thread, and lines of our own format from one file and from as many files as
/// there are lines.
///
/// # Errors
/// There is no place for the files, or they cannot be read.
pub fn measure(shape: &Shape, runs: usize) -> Result<Vec<Line>, Failure> {
    let folder = tempfile::tempdir()?;
    let (files, one, many) = (folder.path().join("export"), folder.path().join("one"), folder.path().join("many"));
    let written = write_exports(&corpus(shape), &files, |_| ControlFlow::Continue(()))?;
    let seconds = (0..runs).map(|_| read(&files)).collect::<Result<_, _>>()?;
    let read_shape = Line {
        measured: format!("{} MB of files", number(written.bytes as f64 / 1e6)),
        figure: Series { figures: seconds },
        ..Line::once(format!("read files, {shape}"), 0.0, "s", Bar::AtMost(8.0))
    };
    std::fs::remove_dir_all(&files)?;

    let world = corpus(&Shape::Organization(Parameters { accounts: 3 * Parameters::M.accounts, ..Parameters::M }));
    let mut lines = Vec::new();
    write_lines(&world.world(|_| ()), &mut lines)?;
    let lines: Vec<&[u8]> = lines.split_inclusive(|byte| *byte == b'\n').take(FILES).collect();
    std::fs::create_dir(&one)?;
    std::fs::write(one.join("all.jsonl"), lines.concat())?;
    std::fs::create_dir(&many)?;
    for (at, line) in lines.iter().enumerate() {
        std::fs::write(many.join(format!("{at}.jsonl")), line)?;
    }
    // Turn by turn, so that what else the machine does falls on both.
    let mut series = [const { Vec::new() }; 2];
    for _ in 0..runs {
        for (figures, folder) in series.iter_mut().zip([&many, &one]) {
            figures.push(read(folder)? * 1e9);
        }
    }
    let [many, one] = series.map(|figures| Series { figures });
    let what = format!("read {} small files by one file", number(lines.len() as f64));
    Ok(vec![read_shape, Line::ratio(what, (&many, "many files"), (&one, "one file"), Bar::AtMost(3.0))])
}

/// Seconds of one reading by one thread.
fn read(folder: &Path) -> Result<f64, Failure> {
    let options = Options { assume_complete: true, threads: Some(1), ..Options::default() };
    let start = Clock::start();
    let read = read_folder(&[folder.to_owned()], &options, &|_| ());
    let seconds = start.elapsed().as_secs_f64();
    read.map_err(|errors| errors.as_slice().first().map_or_else(String::new, ToString::to_string))?;
    Ok(seconds)
}
