//! `cargo xtask TASK`: what is generated or checked by a program of the repository. One module a task.

mod catalogue;
mod corpus;
mod instructions;
mod realdata;

use std::process::ExitCode;

/// What a task says when it fails.
type Failure = Box<dyn std::error::Error>;

struct Task {
    name: &'static str,
    about: &'static str,
    run: fn(&[String]) -> Result<(), Failure>,
}

const TASKS: &[Task] = &[
    Task {
        name: "catalogue",
        about: "rebuilds catalogue/data/catalogue.bin from pinned packages; --check compares only; --from DIR keeps them",
        run: catalogue::run,
    },
    Task {
        name: "corpus",
        about: "writes a synthetic organization and requests about it; --help has the options",
        run: corpus::run,
    },
    Task {
        name: "instructions",
        about: "counts instructions of small fixed inputs beside the baseline; --update sets a new one and draws the history",
        run: instructions::run,
    },
    Task { name: "profile", about: "measures an inventory, a corpus or a file of policies", run: corpus::profile },
    Task {
        name: "realdata",
        about: "parses and decides real policies from the folder IAMC_REALDATA; --verbose shows each odd one",
        run: realdata::run,
    },
];

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let task = arguments.first().and_then(|name| TASKS.iter().find(|task| task.name == name));
    let Some(task) = task else {
        eprintln!("usage: cargo xtask TASK\n");
        for task in TASKS {
            eprintln!("  {:<12} {}", task.name, task.about);
        }
        return ExitCode::from(2);
    };
    match (task.run)(&arguments[1..]) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("error: {failure}");
            ExitCode::FAILURE
        }
    }
}
