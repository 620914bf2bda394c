//! Synthetic organizations and request streams on disk, and the profile of any corpus.

use crate::Failure;
use iamc_bench_corpus::profile::Profile;
use iamc_bench_corpus::{Shape, Templates, generate, requests, write_exports};
use indicatif::{ProgressBar, ProgressStyle};
use std::fs::File;
use std::io::{BufReader, BufWriter, Write};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

const USAGE: &str = "cargo xtask corpus SHAPE [--seed N] [--templates FILE] [-o FOLDER] [--requests N FILE]
  SHAPE is S, M, L, XL, adversarial, flat105 or flat105:N
  -o writes the export files of the organization; --requests writes N requests about it (.jsonl or .parquet)
  cargo xtask corpus L --seed 1 -o /tmp/corpus-l --requests 1000000 /tmp/corpus-l.parquet";

const PROFILE_USAGE: &str = "cargo xtask profile PATH...
  PATH is an inventory (folder or file) or a file of policies, one {\"type\", \"document\"} a line (.jsonl or .jsonl.gz)
  cargo xtask profile examples/acme/export";

/// `cargo xtask corpus`.
pub(crate) fn run(arguments: &[String]) -> Result<(), Failure> {
    let mut shape: Option<Shape> = None;
    let mut seed = 1;
    let mut templates = Templates::built_in();
    let mut folder: Option<PathBuf> = None;
    let mut stream: Option<(usize, PathBuf)> = None;
    let mut rest = arguments.iter();
    let usage = |why: String| Failure::from(format!("{why}\nusage: {USAGE}"));
    while let Some(argument) = rest.next() {
        let mut value = || rest.next().ok_or_else(|| usage(format!("`{argument}` needs a value")));
        match argument.as_str() {
            "--seed" => seed = value()?.parse().map_err(|error| usage(format!("--seed: {error}")))?,
            "--templates" => templates = Templates::open(Path::new(value()?))?,
            "-o" => folder = Some(PathBuf::from(value()?)),
            "--requests" => {
                let count = value()?.parse().map_err(|error| usage(format!("--requests: {error}")))?;
                stream = Some((count, PathBuf::from(value()?)));
            }
            "--help" | "-h" => {
                println!("usage: {USAGE}");
                return Ok(());
            }
            name if shape.is_none() && !name.starts_with('-') => {
                shape = Some(name.parse().map_err(|error| usage(format!("{error}")))?);
            }
            other => return Err(usage(format!("unexpected argument `{other}`"))),
        }
    }
    let shape = shape.ok_or_else(|| usage("name a shape".into()))?;
    if folder.is_none() && stream.is_none() {
        return Err(usage("nothing to write: give -o or --requests".into()));
    }
    let corpus = generate(shape, seed, templates);
    if let Some(folder) = folder {
        let bar = ProgressBar::new(corpus.n_accounts() as u64);
        bar.set_style(ProgressStyle::with_template("{bar:40} {pos}/{len} accounts {eta}")?);
        let written = write_exports(&corpus, &folder, |progress| {
            bar.set_position(progress.accounts as u64);
            ControlFlow::Continue(())
        })?;
        bar.finish_and_clear();
        println!("{}: {} files, {} bytes", folder.display(), written.files, written.bytes);
    }
    if let Some((count, path)) = stream {
        write_requests(&corpus, seed, count, &path)?;
        println!("{}: {count} requests", path.display());
    }
    Ok(())
}

/// Written under a temporary name, so that a half-written file never looks complete.
fn write_requests(corpus: &iamc_bench_corpus::Corpus, seed: u64, count: usize, path: &Path) -> Result<(), Failure> {
    let name = path.file_name().ok_or("the requests need a file name")?;
    let mut hidden = std::ffi::OsString::from(".");
    hidden.push(name);
    hidden.push(".incomplete");
    let incomplete = path.with_file_name(hidden);
    let failed = |error: std::io::Error| format!("{}: {error}", incomplete.display());
    let mut out = BufWriter::new(File::create(&incomplete).map_err(failed)?);
    let rows = requests(corpus, seed).take(count);
    match path.extension().and_then(|extension| extension.to_str()) {
        Some("parquet") => iamc_bench_corpus::requests::parquet::write(rows, &mut out)?,
        _ => iamc_bench_corpus::requests::write_json_lines(rows, &mut out).map_err(failed)?,
    }
    out.flush().map_err(failed)?;
    drop(out);
    std::fs::rename(&incomplete, path).map_err(failed)?;
    Ok(())
}

/// `cargo xtask profile`.
pub(crate) fn profile(arguments: &[String]) -> Result<(), Failure> {
    if arguments.is_empty() || arguments.iter().any(|argument| argument.starts_with('-')) {
        return Err(format!("usage: {PROFILE_USAGE}").into());
    }
    for argument in arguments {
        let path = Path::new(argument);
        let is_policies = {
            let name = argument.trim_end_matches(".gz");
            name.ends_with(".jsonl")
                && first_line(path)?.contains("\"document\"")
                && !first_line(path)?.contains("\"kind\"")
        };
        let profile = if is_policies {
            let file = File::open(path).map_err(|error| format!("{argument}: {error}"))?;
            if argument.ends_with(".gz") {
                Profile::of_json_lines(BufReader::new(flate2::read::GzDecoder::new(file)))?
            } else {
                Profile::of_json_lines(BufReader::new(file))?
            }
        } else {
            let paths = [path.to_owned()];
            let read = iamc_inventory::read_folder(&paths, &iamc_inventory::Options::default(), &|_| {})
                .map_err(|errors| errors.to_string())?;
            Profile::of_world(&read.world)
        };
        println!("{argument}\n\n{}", profile.to_markdown());
    }
    Ok(())
}

fn first_line(path: &Path) -> Result<String, Failure> {
    use std::io::BufRead;
    let failed = |error: std::io::Error| format!("{}: {error}", path.display());
    let file = File::open(path).map_err(failed)?;
    let mut line = String::new();
    if path.extension().is_some_and(|extension| extension == "gz") {
        BufReader::new(flate2::read::GzDecoder::new(file)).read_line(&mut line).map_err(failed)?;
    } else {
        BufReader::new(file).read_line(&mut line).map_err(failed)?;
    }
    Ok(line)
}
