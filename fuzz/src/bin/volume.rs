//! Judges on inputs of consecutive seeds, without a fuzzer: for volume, and to repeat one seed.
//!
//! `volume TARGET FIRST_SEED SECONDS` runs until so much processor time is gone and prints one line: the number of
//! seeds, of inputs that said nothing, of comparisons, the seconds, and the number of findings. The input of each finding
//! is written to `artifacts/TARGET/seed-N`; after ten of them it ends. Exit code 1: there are findings. 2: wrong usage.

use iamc_judges::{Target, target};
use rustix::time::{ClockId, clock_gettime};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::process::ExitCode;

/// Findings after which nothing new is to be expected.
const FINDINGS_MAX: u64 = 10;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let parsed = match arguments.as_slice() {
        [name, first, seconds] => target(name).zip(first.parse().ok()).zip(seconds.parse().ok()),
        _ => None,
    };
    let Some(((target, first), seconds)) = parsed else {
        eprintln!("usage: volume TARGET FIRST_SEED SECONDS");
        return ExitCode::from(2);
    };
    run(target, first, seconds)
}

/// Processor time of this process, in seconds.
fn cpu_seconds() -> f64 {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    time.tv_sec as f64 + time.tv_nsec as f64 / 1e9
}

fn run(target: &Target, first: u64, seconds: f64) -> ExitCode {
    let (mut n, mut n_silent, mut n_compared, mut n_findings) = (0, 0, 0, 0);
    let start = cpu_seconds();
    while (n == 0 || cpu_seconds() - start < seconds) && n_findings < FINDINGS_MAX {
        let seed = first + n;
        let input = target.input(seed);
        match catch_unwind(AssertUnwindSafe(|| target.run(&input))) {
            Ok(0) => n_silent += 1,
            Ok(compared) => n_compared += compared,
            Err(_) => {
                n_findings += 1;
                let folder = Path::new("artifacts").join(target.name);
                let path = folder.join(format!("seed-{seed}"));
                let written = std::fs::create_dir_all(&folder).and_then(|()| std::fs::write(&path, &input));
                eprintln!("finding: {} ({written:?})", path.display());
            }
        }
        n += 1;
    }
    println!("{n} {n_silent} {n_compared} {:.1} {n_findings}", cpu_seconds() - start);
    if n_findings > 0 { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}
