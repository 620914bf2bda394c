//! How long it takes to read an export, and how much memory.
//!
//! ```text
//! cargo bench -p iamc-inventory --bench read -- [SHAPE] [FORM] [THREADS]
//! ```
//!
//! writes the corpus once below the target folder and reads it, thrice. Without arguments: S, as the AWS command line
//! prints it, on one thread. Memory is what the system says of the process (Linux only).

use iamc_bench_corpus::export::{Form, write_form};
use iamc_bench_corpus::{Shape, Templates, generate};
use iamc_inventory::{Options, read_folder};
use std::error::Error;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::time::Instant;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| !argument.starts_with("--")).collect();
    let word = |at: usize, default: &str| arguments.get(at).cloned().unwrap_or_else(|| default.to_owned());
    let (shape, form, threads) = (word(0, "S"), word(1, "cli"), word(2, "1"));
    let folder = written(&shape, &form)?;
    let options = Options { threads: Some(threads.parse()?), ..Options::default() };
    for _ in 0..3 {
        let start = Instant::now();
        let read = read_folder(std::slice::from_ref(&folder), &options, &|_| {})?;
        let seconds = start.elapsed().as_secs_f64();
        let megabytes = read.report.n_bytes as f64 / 1e6;
        println!(
            "{shape} {form}: {} files, {megabytes:.0} MB in {seconds:.2} s, {:.0} MB/s; {}",
            read.report.n_files,
            megabytes / seconds,
            memory()
        );
    }
    Ok(())
}

/// The folder of the corpus, written if it is not there yet.
fn written(shape: &str, form: &str) -> Result<PathBuf, Box<dyn Error>> {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("read-{shape}-{form}"));
    if !folder.exists() {
        let corpus = generate(shape.parse::<Shape>()?, 1, Templates::built_in());
        write_form(&corpus, form.parse::<Form>()?, &folder, |_| ControlFlow::Continue(()))?;
    }
    Ok(folder)
}

/// Memory of the process now and at its peak.
fn memory() -> String {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let field = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name));
        line.map_or("?", |rest| rest.trim_start_matches(':').trim()).to_owned()
    };
    format!("memory {} now, {} at most", field("VmRSS"), field("VmHWM"))
}
