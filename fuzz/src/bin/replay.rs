//! Every input that is kept, and those of consecutive seeds, once: what measuring coverage runs.
//!
//! `replay FOLDER N_SEEDS [TARGET]…` hands each file of `FOLDER/TARGET` and of `regressions/TARGET`, then as many seeds, to each
//! of these targets (all), and prints a line for each: inputs, comparisons, inputs whose claim was wrong. Exit code 1: there
//! are such. 2: wrong usage.

use iamc_judges::{TARGETS, Target, target};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let parsed = match arguments.as_slice() {
        [folder, n, names @ ..] => n.parse().ok().zip(chosen(names)).map(|(n, targets)| (Path::new(folder), n, targets)),
        _ => None,
    };
    let Some((folder, n_seeds, targets)) = parsed else {
        eprintln!("usage: replay FOLDER N_SEEDS [TARGET]…");
        return ExitCode::from(2);
    };
    let n_wrong: u64 = targets.iter().map(|target| replay(target, folder, n_seeds)).sum();
    if n_wrong > 0 { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

/// The targets of these names, all for none; `None`: one of the names is of no target.
fn chosen(names: &[String]) -> Option<Vec<&'static Target>> {
    if names.is_empty() { Some(TARGETS.iter().collect()) } else { names.iter().map(|name| target(name)).collect() }
}

/// How many inputs show that the claim is wrong.
fn replay(target: &Target, folder: &Path, n_seeds: u64) -> u64 {
    let (mut n, mut n_compared, mut n_wrong) = (0_u64, 0, 0);
    let mut judge = |what: &str, input: &[u8]| {
        n += 1;
        match catch_unwind(AssertUnwindSafe(|| target.run(input))) {
            Ok(compared) => n_compared += compared,
            Err(_) => {
                n_wrong += 1;
                eprintln!("{}: {what}", target.name);
            }
        }
    };
    for folder in [folder, Path::new("regressions")] {
        for entry in std::fs::read_dir(folder.join(target.name)).into_iter().flatten().flatten() {
            let path = entry.path();
            match std::fs::read(&path) {
                Ok(input) => judge(&path.to_string_lossy(), &input),
                Err(error) => eprintln!("{}: {error}", path.display()),
            }
        }
    }
    for seed in 0..n_seeds {
        judge(&format!("seed {seed}"), &target.input(seed));
    }
    println!("{}: {n} inputs, {n_compared} comparisons, {n_wrong} wrong", target.name);
    n_wrong
}
